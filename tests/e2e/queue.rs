//! What is sent to somebody who is away waits, in order.

use std::time::{Duration, Instant};

use crate::world::{World, texts};

const MANY: usize = 1000;

#[test]
fn a_thousand_messages_queued_for_an_absent_peer_arrive_in_order() {
    let (_world, a, b) = World::alice_and_bob();
    b.stop();
    let lines: String = (0..MANY)
        .map(|number| format!("number {number}\n"))
        .collect();
    let begun = Instant::now();
    a.run_with(&["send", "bob", "--lines", "-q"], lines).ok();
    let queued = begun.elapsed();
    let items = a.json(&["queue", "list"]);
    assert_eq!(
        items
            .iter()
            .filter(|event| event["type"] == "queue.item")
            .count(),
        MANY
    );

    b.start();
    let connected = Instant::now();
    let mut got = Vec::new();
    let mut first = None;
    while got.len() < MANY && connected.elapsed() < Duration::from_secs(120) {
        let new = b.recv();
        got.extend(new.into_iter().filter(|event| event["type"] == "message"));
        if first.is_none() && !got.is_empty() {
            first = Some((Instant::now(), got.len()));
        }
    }
    let all = Instant::now();
    let expected: Vec<_> = (0..MANY).map(|number| format!("number {number}")).collect();
    assert_eq!(got.len(), MANY, "none lost, none twice");
    assert!(texts(&got) == expected, "in order");
    a.wait_flushed(Duration::from_secs(60));
    let (first, early) = first.unwrap();
    println!(
        "{MANY} queued in {queued:.2?} ({:.0}/s), read in order {:.2?} after the peer's agent was up, \
         {:.2?} after the first ({:.0}/s)",
        MANY as f64 / queued.as_secs_f64(),
        all - connected,
        all - first,
        (MANY - early) as f64 / (all - first).as_secs_f64().max(0.001),
    );
}

#[test]
fn a_peer_that_starts_anew_is_met_at_once() {
    // Whose account key is smaller is chance, and decides who dials: several worlds.
    let mut slowest = Duration::ZERO;
    for _ in 0..6 {
        let (_world, a, b) = World::alice_and_bob();
        // Right after pairing, while the first link is being made.
        b.stop();
        a.run(&["send", "bob", "-m", "hello", "--wait", "queued"])
            .ok();
        b.start();
        let begun = Instant::now();
        a.wait_flushed(Duration::from_secs(15));
        slowest = slowest.max(begun.elapsed());
        assert_eq!(b.recv_texts(1, Duration::from_secs(1)), ["hello"]);
    }
    println!("the slowest of 6 meetings after a restart: {slowest:.1?}");
}

#[test]
fn a_queued_message_can_be_seen_and_cancelled() {
    let (_world, a, b) = World::alice_and_bob();
    b.stop();
    let keep = a.object(&["send", "bob", "-m", "keep", "--wait", "queued"])["id"].clone();
    let drop = a.object(&["send", "bob", "-m", "drop", "--wait", "queued"])["id"].clone();
    let ids: Vec<_> = a
        .json(&["queue", "list"])
        .iter()
        .map(|item| item["id"].clone())
        .collect();
    assert_eq!(ids, [keep.clone(), drop.clone()]);
    let shown = a.object(&["queue", "show", keep.as_str().unwrap()]);
    assert_eq!(shown["type"], "queue.item");
    a.run(&["queue", "cancel", drop.as_str().unwrap(), "--yes"])
        .ok();
    b.start();
    a.wait_flushed(Duration::from_secs(30));
    assert_eq!(b.recv_texts(1, Duration::from_secs(10)), ["keep"]);
    assert!(b.recv_texts(1, Duration::from_millis(500)).is_empty());
}

#[test]
fn a_message_that_outlives_its_ttl_is_not_sent() {
    let (_world, a, b) = World::alice_and_bob();
    b.stop();
    a.run(&[
        "send", "bob", "-m", "stale", "--ttl", "1s", "--wait", "queued",
    ])
    .ok();
    a.run(&["send", "bob", "-m", "fresh", "--wait", "queued"])
        .ok();
    std::thread::sleep(Duration::from_millis(1500));
    b.start();
    a.wait_flushed(Duration::from_secs(30));
    assert_eq!(b.recv_texts(1, Duration::from_secs(10)), ["fresh"]);
    assert!(b.recv_texts(1, Duration::from_millis(500)).is_empty());
}

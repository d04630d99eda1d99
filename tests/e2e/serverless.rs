//! Once two people are connected, the introduction server is not needed.

use std::thread;
use std::time::{Duration, Instant};

use crate::world::{Home, World, texts};

const EACH_WAY: usize = 1000;

/// Sends numbered lines and returns the ids that were answered.
fn send_lines(from: &Home, to: &str, mark: &str, count: usize) -> Vec<String> {
    let lines: String = (0..count)
        .map(|number| format!("{mark} {number}\n"))
        .collect();
    let done = from
        .run_with(&["send", to, "--lines", "--json"], lines)
        .ok();
    done.events()
        .into_iter()
        .filter(|event| event["type"] == "send.result")
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_thousand_messages_each_way_after_the_server_was_killed() {
    let (world, a, b) = World::alice_and_bob();
    a.deliver("bob", "hello");
    b.deliver("alice", "hello");
    assert_eq!(a.recv_texts(1, Duration::from_secs(10)), ["hello"]);
    assert_eq!(b.recv_texts(1, Duration::from_secs(10)), ["hello"]);
    a.wait_connected("bob");
    let before = a.route("bob")["handshake_id"].clone();

    world.kill_signal();

    let begun = Instant::now();
    let (from_a, from_b) = thread::scope(|scope| {
        let from_a = scope.spawn(|| send_lines(&a, "bob", "from alice", EACH_WAY));
        let from_b = send_lines(&b, "alice", "from bob", EACH_WAY);
        (from_a.join().unwrap(), from_b)
    });
    let accepted = begun.elapsed();
    assert_eq!((from_a.len(), from_b.len()), (EACH_WAY, EACH_WAY));

    for (home, ids, mark) in [(&b, &from_a, "from alice"), (&a, &from_b, "from bob")] {
        let got = home.recv_messages(EACH_WAY, Duration::from_secs(120));
        let expected: Vec<_> = (0..EACH_WAY)
            .map(|number| format!("{mark} {number}"))
            .collect();
        assert_eq!(got.len(), EACH_WAY, "{mark}: none lost, none twice");
        assert!(texts(&got) == expected, "{mark}: in order");
        let got: Vec<_> = got
            .iter()
            .map(|event| event["id"].as_str().unwrap())
            .collect();
        assert!(got == *ids, "{mark}: the ids that were answered");
    }
    let took = begun.elapsed();
    a.wait_flushed(Duration::from_secs(30));
    b.wait_flushed(Duration::from_secs(30));
    assert!(
        a.recv_messages(1, Duration::from_millis(300)).is_empty(),
        "nothing comes twice"
    );
    assert!(
        b.recv_messages(1, Duration::from_millis(300)).is_empty(),
        "nothing comes twice"
    );

    for (home, peer) in [(&a, "bob"), (&b, "alice")] {
        let row = home.route(peer);
        assert_eq!(
            (row["connected"] == true, row["route"] == "direct"),
            (true, true),
            "{row}"
        );
    }
    println!(
        "{EACH_WAY} messages each way without a server: durable after {accepted:.1?}, all read after {took:.1?}; \
         same handshake: {}",
        a.route("bob")["handshake_id"] == before
    );
}

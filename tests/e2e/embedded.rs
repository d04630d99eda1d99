//! Verbs without an agent: the process does the work itself, and two of them
//! do it together.

use std::thread;
use std::time::Duration;

use crate::world::{World, texts};

#[test]
fn a_verb_without_an_agent_does_the_work_itself_and_leaves_nothing_behind() {
    let (_world, a, b) = World::alice_and_bob();
    a.stop();
    let sent = a.alone(&[
        "send",
        "bob",
        "-m",
        "alone",
        "--wait",
        "delivered",
        "--timeout",
        "60s",
        "--json",
    ]);
    assert_eq!(sent.ok().last_event()["satisfied"], true);
    assert_eq!(b.recv_texts(1, Duration::from_secs(10)), ["alone"]);
    a.run(&["agent", "status"]).exits(4);
    assert!(!a.dir.join("agent.sock").exists(), "not even a socket");
    // Without a password there is nothing to do.
    a.run(&["send", "bob", "-m", "x", "--no-input"])
        .exits(4)
        .advises();
}

#[test]
fn what_cannot_leave_now_is_kept_and_said_once() {
    let (_world, a, b) = World::alice_and_bob();
    a.stop();
    b.stop();
    let sent = a
        .alone(&["send", "bob", "-m", "later", "--wait", "queued"])
        .ok();
    assert!(
        sent.stderr.contains("solo2 sync") || sent.stderr.contains("agent"),
        "what must run for it to leave: {sent}"
    );
    b.start();
    a.alone(&["sync", "--for", "20s", "--json"]).ok();
    assert_eq!(b.recv_texts(1, Duration::from_secs(10)), ["later"]);
}

#[test]
fn two_verbs_at_once_without_an_agent_join() {
    let (_world, a, b) = World::alice_and_bob();
    a.stop();
    thread::scope(|scope| {
        for number in 0..4 {
            let a = &a;
            scope.spawn(move || {
                a.alone(&[
                    "send",
                    "bob",
                    "-m",
                    &format!("at once {number}"),
                    "--wait",
                    "delivered",
                    "--timeout",
                    "60s",
                ])
                .ok();
            });
        }
    });
    let mut got = b.recv_texts(4, Duration::from_secs(10));
    got.sort();
    assert_eq!(got, ["at once 0", "at once 1", "at once 2", "at once 3"]);
}

#[test]
fn both_sides_without_an_agent_meet() {
    let (_world, a, b) = World::alice_and_bob();
    a.stop();
    b.stop();
    let (sent, got) = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            b.alone(&[
                "recv",
                "--expect",
                "1",
                "--timeout",
                "60s",
                "--type",
                "message",
                "--json",
            ])
        });
        let sent = a.alone(&[
            "send",
            "bob",
            "-m",
            "hello",
            "--wait",
            "delivered",
            "--timeout",
            "60s",
        ]);
        (sent, reader.join().unwrap())
    });
    sent.ok();
    assert_eq!(texts(&got.ok().events()), ["hello"]);
}

#[test]
fn the_next_agent_takes_over_from_a_killed_one() {
    let (_world, a, b) = World::alice_and_bob();
    a.kill();
    assert!(
        a.dir.join("agent.sock").exists(),
        "a dead process leaves its socket"
    );
    a.alone(&[
        "send",
        "bob",
        "-m",
        "past a dead socket",
        "--wait",
        "delivered",
        "--timeout",
        "60s",
    ])
    .ok();
    a.start();
    a.deliver("bob", "past a dead agent");
    assert_eq!(
        b.recv_texts(2, Duration::from_secs(10)),
        ["past a dead socket", "past a dead agent"]
    );
}

//! `--offline` touches no network: a namespace that counts packets says so.

use std::sync::Arc;

use crate::namespace::Namespace;
use crate::world::World;

#[test]
fn an_offline_send_sends_no_packet() {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(missing) => {
            println!("skipped: needs {missing}");
            return;
        }
    };
    let (world, a, b) = World::inside(Arc::clone(&namespace)).with_alice_and_bob();
    a.stop();
    b.stop();
    world.kill_signal();
    std::thread::sleep(std::time::Duration::from_millis(500));

    let before = namespace.sent();
    for verb in [
        &["--offline", "send", "bob", "-m", "x", "--wait", "queued"][..],
        &["--offline", "history", "bob"],
        &["--offline", "contact", "list"],
        &["--offline", "recv"],
        &["--offline", "queue", "list"],
        &["--offline", "vault", "check"],
        &["--offline", "identity", "show"],
    ] {
        a.alone(verb).ok();
    }
    let during = namespace.sent() - before;
    assert_eq!(during, 0, "packets sent while offline");

    // The counter counts: the same verb with the network sends some.
    let before = namespace.sent();
    a.alone(&[
        "send",
        "bob",
        "-m",
        "x",
        "--wait",
        "delivered",
        "--timeout",
        "2s",
    ])
    .exits(7);
    let online = namespace.sent() - before;
    assert!(online > 0, "the counter counts");
    println!("offline: {during} packets for 7 verbs; online, with nobody there: {online}");
}

//! Another identity under a known name stops everything until it is trusted.

use std::time::Duration;

use crate::world::{World, pair};

#[test]
fn a_changed_identity_stops_sending_until_it_is_trusted() {
    let (world, a, b) = World::alice_and_bob();
    a.deliver("bob", "to the first bob");
    assert_eq!(
        b.recv_texts(1, Duration::from_secs(10)),
        ["to the first bob"]
    );
    let old = b.object(&["identity", "show"])["fingerprint"].clone();
    b.stop();

    // Bob's machine is gone; a new one claims to be Bob.
    let other = world.home("b2", "bob");
    other.start();
    let new = other.object(&["identity", "show"])["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut watch = a.stream(&["recv", "--follow", "--json", "--type", "identity.changed"]);
    std::thread::sleep(Duration::from_millis(500));
    pair(&a, "bob", &other, "alice");
    let changed = watch.event("identity.changed");
    assert_eq!(changed["old"], old);
    assert_eq!(changed["new"], new);
    assert_eq!(changed["action"], "blocked");

    let refused = a
        .run(&["send", "bob", "-m", "secret", "--json"])
        .exits(6)
        .advises();
    assert_eq!(refused.last_event()["type"], "error");
    a.run(&["send", "bob", "-m", "secret"])
        .exits(6)
        .advises()
        .says("contact trust");
    let contact = a.object(&["contact", "show", "bob"]);
    assert_eq!(contact["verified"], false);
    assert!(
        other.recv_texts(1, Duration::from_secs(1)).is_empty(),
        "nothing was sent"
    );

    let digits = "0".repeat(64);
    a.run(&["contact", "trust", "bob", "--fingerprint", &digits])
        .exits(6)
        .advises();
    a.run(&["contact", "trust", "bob", "--fingerprint", "abc"])
        .exits(2);
    a.run(&["contact", "trust", "bob", "--fingerprint", &new])
        .ok();
    a.deliver("bob", "to the second bob");
    assert_eq!(
        other.recv_texts(1, Duration::from_secs(10)),
        ["to the second bob"]
    );
    let contact = a.object(&["contact", "show", "bob"]);
    assert_eq!(contact["verified"], false, "trusted is not verified");
    assert_eq!(contact["fingerprint"], new);

    // What the two people compare makes it verified.
    let number = other.object(&["contact", "show", "alice"])["safety_number"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut wrong = number.clone();
    let last = wrong.pop().unwrap();
    wrong.push(if last == '0' { '1' } else { '0' });
    a.run(&["contact", "verify", "bob", "--number", &wrong])
        .exits(6)
        .advises();
    a.run(&["contact", "verify", "bob", "--number", &number])
        .ok();
    assert_eq!(a.object(&["contact", "show", "bob"])["verified"], true);
    // The first Bob gets nothing any more.
    b.start();
    assert!(b.recv_texts(1, Duration::from_secs(2)).is_empty());
}

#[test]
fn pairing_again_with_the_same_person_starts_a_new_session_and_keeps_the_rest() {
    let (_world, a, b) = World::alice_and_bob();
    a.deliver("bob", "one");
    pair(&b, "alice", &a, "bob");
    a.deliver("bob", "two");
    b.deliver("alice", "three");
    assert_eq!(b.recv_texts(2, Duration::from_secs(10)), ["one", "two"]);
    assert_eq!(a.recv_texts(1, Duration::from_secs(10)), ["three"]);
    assert_eq!(a.json(&["contact", "list"]).len(), 1);
}

#[test]
fn contacts_are_renamed_and_removed() {
    let (_world, a, b) = World::alice_and_bob();
    a.deliver("bob", "one");
    a.run(&["contact", "rename", "bob", "robert"]).ok();
    a.run(&["send", "bob", "-m", "x"]).exits(5);
    a.deliver("robert", "two");
    let id = b.json(&["recv"])[0]["peer"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    b.deliver(&id, "by id");
    let refused = a.run(&["contact", "remove", "robert"]);
    assert_eq!(refused.code, 2, "danger is confirmed: {refused}");
    a.run(&["contact", "remove", "robert", "--yes"]).ok();
    assert!(a.json(&["contact", "list"]).is_empty());
    a.run(&["history", "robert"]).exits(5);
    // And may come back.
    pair(&a, "bob", &b, "alice");
    a.deliver("bob", "three");
    assert!(
        a.json(&["history", "bob"]).len() == 1,
        "history went with the contact"
    );
}

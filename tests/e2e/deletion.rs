//! What is deleted is gone: one conversation, what is too old, every word of it on this disk.

use std::fs;
use std::time::Duration;

use crate::pcap::disguises;
use crate::rollback::walk;
use crate::world::{Home, World, contains, eventually, texts};

const SOON: Duration = Duration::from_secs(30);

/// Files that were received and lie in the vault.
fn kept(home: &Home) -> usize {
    fs::read_dir(home.dir.join("vault/files")).unwrap().count()
}

fn delivered_file(from: &Home, to: &str, path: &str) {
    from.run(&[
        "send",
        to,
        "-f",
        path,
        "--wait",
        "delivered",
        "--timeout",
        "60s",
    ])
    .ok();
}

#[test]
fn a_conversation_is_deleted_with_its_files_and_what_waits_in_it() {
    let (world, a, b) = World::alice_and_bob();
    for text in ["canary one", "canary two"] {
        a.deliver("bob", text);
    }
    let answer = b.deliver("alice", "canary answer");
    a.json(&["react", &answer, "👍", "--wait", "delivered"]);
    delivered_file(&b, "alice", &world.file("figures.bin", vec![7; 300_000]));
    assert_eq!(kept(&a), 1);
    b.stop();
    a.run(&["send", "bob", "-m", "canary queued", "--wait", "queued"])
        .ok();
    let offered = world.file("offered.bin", vec![8; 1000]);
    a.run(&["send", "bob", "-f", &offered, "--wait", "queued"])
        .ok();
    assert_eq!(a.json(&["search", "canary"]).len(), 4);

    a.run(&["delete", "--all-of", "bob"])
        .exits(2)
        .advises()
        .says("--yes");
    a.run(&["delete", "--all-of", "nobody", "--yes"])
        .exits(5)
        .advises();
    let one = a.json(&["history", "bob"])[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    a.run(&["delete", &one, "--all-of", "bob", "--yes"])
        .exits(2);
    a.run(&["delete"]).exits(2);
    assert_eq!(a.json(&["history", "bob"]).len(), 6, "nothing was done");

    let done = a.object(&["delete", "--all-of", "bob", "--yes"]);
    assert_eq!(
        (&done["type"], &done["messages"]),
        (&"delete.all".into(), &6.into())
    );
    for verb in [
        &["history", "bob"][..],
        &["history"],
        &["search", "canary"],
        &["file", "list"],
        &["recv"],
    ] {
        let left = a.json(verb);
        assert!(left.is_empty(), "{verb:?}: {left:?}");
    }
    eventually(SOON, "the kept file is gone", || kept(&a) == 0);
    a.run(&["edit", &one, "-m", "x"]).exits(5).advises();
    assert_eq!(a.object(&["vault", "check"])["ok"], true);
    a.stop();
    a.start();
    assert!(a.json(&["history", "bob"]).is_empty());
    assert_eq!(
        a.object(&["delete", "--all-of", "bob", "--yes"])["messages"],
        0
    );

    // The contact is as it was, and so is the other side, which never gets what had not left.
    b.start();
    a.deliver("bob", "a new beginning");
    b.deliver("alice", "gladly");
    assert_eq!(
        texts(&a.json(&["history", "bob"])),
        ["a new beginning", "gladly"]
    );
    let there = texts(&b.json(&["history", "alice"]));
    assert_eq!(
        there,
        [
            "canary one",
            "canary two",
            "canary answer",
            "",
            "a new beginning",
            "gladly"
        ]
    );
    assert_eq!(a.object(&["vault", "check"])["ok"], true);
}

#[test]
fn a_message_that_is_deleted_before_it_left_never_leaves() {
    let (_world, a, b) = World::alice_and_bob();
    b.stop();
    let queued = a.json(&["send", "bob", "-m", "never mind", "--wait", "queued"]);
    let id = queued.last().unwrap()["id"].as_str().unwrap().to_owned();
    a.json(&["delete", &id]);
    assert!(a.json(&["queue", "list"]).is_empty());
    b.start();
    a.deliver("bob", "hello");
    assert_eq!(b.recv_texts(1, SOON), ["hello"]);
}

#[test]
fn messages_older_than_a_chats_limit_go_by_themselves() {
    let (world, a, b) = World::alice_and_bob();
    let c = world.home("c", "carol");
    c.start();
    crate::world::pair(&a, "carol", &c, "alice");
    a.deliver("bob", "old");
    a.deliver("carol", "kept");
    delivered_file(&b, "alice", &world.file("figures.bin", vec![7; 1000]));
    a.run(&["contact", "set", "bob", "retain=2s"])
        .exits(2)
        .advises()
        .says("--yes");
    for wrong in [
        "retain=0s",
        "retain=soon",
        "retain=1500ms",
        "retain=default",
    ] {
        a.run(&["contact", "set", "bob", wrong, "--yes"]).exits(2);
    }
    assert_eq!(a.json(&["history", "bob"]).len(), 2);
    let set = a.object(&["contact", "set", "bob", "retain=2s", "--yes"]);
    assert_eq!(set["settings"]["retain"], "2");
    let shown = a.run(&["contact", "show", "bob"]).ok();
    assert!(shown.text().contains("retain         2s"), "{shown}");
    eventually(SOON, "what was there is too old", || {
        a.json(&["history", "bob"]).is_empty() && kept(&a) == 0
    });
    // From now on, whoever wrote it and whether or not it was read.
    b.deliver("alice", "new");
    assert_eq!(texts(&a.json(&["history", "bob"])), ["new"]);
    eventually(SOON, "what came is too old", || {
        a.json(&["history", "bob"]).is_empty()
    });
    assert!(a.json(&["search", "new"]).is_empty());
    assert!(a.recv().is_empty(), "nothing is left to be received");
    assert_eq!(texts(&a.json(&["history", "carol"])), ["kept"]);
    assert_eq!(texts(&b.json(&["history", "alice"])), ["old", "", "new"]);

    // What grew too old while nobody had the vault open goes before anything is shown.
    a.run(&["contact", "set", "bob", "retain=forever"]).ok();
    a.deliver("bob", "once more");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(texts(&a.json(&["history", "bob"])), ["once more"]);
    a.run(&["contact", "set", "carol", "retain=1h", "--yes"])
        .ok();
    a.run(&["contact", "set", "bob", "retain=5s", "--yes"]).ok();
    a.stop();
    std::thread::sleep(Duration::from_secs(3));
    assert!(
        a.alone(&["history", "bob", "--json"])
            .ok()
            .events()
            .is_empty()
    );
    let kept = a.alone(&["history", "carol", "--json"]).ok().events();
    assert_eq!(texts(&kept), ["kept"]);
    let check = a.alone(&["vault", "check", "--json"]).ok();
    assert_eq!(check.last_event()["ok"], true);
}

#[test]
fn no_canary_of_a_deleted_contact_is_anywhere_in_the_home() {
    let world = World::new();
    let a = world.home("a", "alice");
    let b = world.home("b", "canaryname");
    a.start();
    b.start();
    crate::world::pair(&a, "canarycontact", &b, "alice");
    b.deliver("alice", "canarytext");
    a.deliver("canarycontact", "canaryanswer");
    delivered_file(
        &b,
        "alice",
        &world.file("canaryfile.txt", "canarycontent ".repeat(9000)),
    );
    assert_eq!(kept(&a), 1);
    assert_eq!(a.json(&["search", "canarytext"]).len(), 1);
    let search = |when: &str| {
        let mut files = 0;
        walk(&a.dir, &mut |path, bytes| {
            files += 1;
            for canary in [
                "canaryname",
                "canarycontact",
                "canarytext",
                "canaryanswer",
                "canaryfile",
                "canarycontent",
            ] {
                for disguise in disguises(canary.as_bytes()) {
                    let found = contains(bytes, &disguise);
                    assert!(!found, "{canary} in {} {when}", path.display());
                }
            }
        });
        assert!(files > 5, "{files} files {when}");
    };
    search("before");
    a.run(&["delete", "--all-of", "canarycontact", "--yes"])
        .ok();
    search("after the messages went");
    a.run(&["contact", "remove", "canarycontact", "--yes"]).ok();
    a.run(&["vault", "compact"]).ok();
    search("after the contact went");
    a.stop();
    search("after the agent stopped");
    let check = a.alone(&["vault", "check", "--json"]).ok().last_event();
    let counts = ["contacts", "sessions", "messages", "outbox", "segments"].map(|key| &check[key]);
    assert!(counts.iter().all(|count| **count == 0), "{check}");
    assert_eq!((&check["ok"], kept(&a)), (&true.into(), 0));
}

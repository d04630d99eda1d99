//! A home that was lost comes back line by line, whatever its owner thought of whom.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::export::{archive, have, keep, opened, path, unpacked};
use crate::import::{history, import, talk};
use crate::rollback::walk;
use crate::world::{Home, World, eventually, pair, texts};

/// Everything in an archive but what tells when and of whom it is.
fn contents(world: &World, home: &Home, file: &Path, name: &str) -> BTreeMap<String, Vec<u8>> {
    let directory = unpacked(world, name, &opened(world, home, file));
    let mut files = BTreeMap::new();
    walk(&directory, &mut |path, bytes| {
        let inside = path.strip_prefix(&directory).unwrap();
        files.insert(inside.to_str().unwrap().to_owned(), bytes.to_vec());
    });
    for of_the_archive in ["manifest.json", "SHA256SUMS"] {
        assert!(files.remove(of_the_archive).is_some());
    }
    files
}

fn fingerprint(home: &Home) -> String {
    let identity = home.object(&["identity", "show"]);
    identity["fingerprint"].as_str().unwrap().to_owned()
}

#[test]
fn contacts_of_every_kind_come_back_line_by_line_and_talk_on() {
    if !have(&["age", "tar"]) {
        return;
    }
    let (world, alice, bob) = World::alice_and_bob();
    talk(&world, &alice, &bob);
    // Carol lost everything once and is trusted again; Dave seems to have, and nobody has
    // decided yet; Erin is blocked.
    let [first, carol, dave, erin] = ["c", "c2", "d", "e"].map(|dir| world.home(dir, dir));
    for home in [&first, &carol, &dave, &erin] {
        home.start();
    }
    pair(&alice, "carol", &first, "alice");
    alice.deliver("carol", "to the first carol");
    pair(&alice, "carol", &carol, "alice");
    alice
        .run(&[
            "contact",
            "trust",
            "carol",
            "--fingerprint",
            &fingerprint(&carol),
        ])
        .ok();
    alice.deliver("carol", "to the second carol");
    pair(&alice, "dave", &first, "alice");
    pair(&alice, "dave", &dave, "alice");
    pair(&alice, "erin", &erin, "alice");
    erin.deliver("alice", "before it came to that");
    alice.run(&["contact", "block", "erin"]).ok();
    alice
        .run(&[
            "contact",
            "set",
            "carol",
            "retain=90d",
            "receipts=read",
            "--yes",
        ])
        .ok();
    alice.recv();
    let kinds = ["bob", "carol", "dave", "erin"].map(|name| {
        let contact = alice.object(&["contact", "show", name]);
        ["verified", "trust", "blocked", "identity_changed"].map(|field| contact[field].clone())
    });
    let [bobs, carols, daves, erins] = &kinds;
    assert_eq!(
        (&bobs[0], &carols[0], &daves[0]),
        (&true.into(), &false.into(), &false.into())
    );
    assert_eq!((&carols[1], &erins[2]), (&"trusted".into(), &true.into()));
    assert_eq!(
        (&carols[3], &daves[3]),
        (&Value::Null, &fingerprint(&dave).into())
    );
    alice.wait_flushed(Duration::from_secs(30));

    let file = archive(&world, &alice, "a.age", &[]);
    let before = contents(&world, &alice, &file, "before");
    alice.stop();
    fs::remove_dir_all(&alice.dir).unwrap();
    let new = world.home("a2", "alice");
    new.start();
    import(&new, &alice, &file, &[]);
    let again = archive(&world, &new, "again.age", &[]);
    let after = contents(&world, &new, &again, "after");
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in &before {
        let lines = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes)
                .lines()
                .map(String::from)
                .collect::<Vec<_>>()
        };
        if name.ends_with(".jsonl") {
            assert_eq!(lines(bytes), lines(&after[name]), "{name}");
        }
        assert!(*bytes == after[name], "{name}");
    }
    let restored = ["bob", "carol", "dave", "erin"].map(|name| {
        let contact = new.object(&["contact", "show", name]);
        assert_eq!(contact["paired"], false, "{name}");
        ["verified", "trust", "blocked", "identity_changed"].map(|field| contact[field].clone())
    });
    assert_eq!(restored, kinds);

    // Everybody pairs again under the old name; what was undecided or blocked stays so until it is decided.
    let mine = fingerprint(&new);
    for (name, home) in [
        ("bob", &bob),
        ("carol", &carol),
        ("dave", &dave),
        ("erin", &erin),
    ] {
        pair(&new, name, home, "alice");
        home.run(&["contact", "trust", "alice", "--fingerprint", &mine])
            .ok();
    }
    assert_eq!(
        new.json(&["contact", "list"]).len(),
        4,
        "nobody is there twice"
    );
    new.run(&["send", "dave", "-m", "x"]).exits(6).advises();
    new.run(&[
        "contact",
        "trust",
        "dave",
        "--fingerprint",
        &fingerprint(&dave),
    ])
    .ok();
    new.run(&["contact", "unblock", "erin"]).ok();
    for (name, home) in [
        ("bob", &bob),
        ("carol", &carol),
        ("dave", &dave),
        ("erin", &erin),
    ] {
        let length = new.json(&["history", name, "-n", "1000"]).len();
        new.deliver(name, &format!("to {name}"));
        home.deliver("alice", &format!("of {name}"));
        let now = texts(&new.json(&["history", name, "-n", "1000"]));
        assert_eq!(now[length..], [format!("to {name}"), format!("of {name}")]);
    }
    assert_eq!(new.object(&["vault", "check"])["ok"], true);
}

/// Files that lie in a vault.
fn kept(home: &Home) -> usize {
    fs::read_dir(home.dir.join("vault/files")).unwrap().count()
}

#[test]
fn who_was_removed_goes_with_the_next_increment_and_all_in_order_end_equal() {
    let (world, alice, bob) = World::alice_and_bob();
    let carol = world.home("c", "carol");
    carol.start();
    pair(&alice, "carol", &carol, "alice");
    alice.deliver("bob", "to bob");
    carol.deliver("alice", "of carol");
    keep(
        &carol,
        &alice,
        "alice",
        &world.file("f.bin", vec![7; 100_000]),
    );
    let base = archive(&world, &alice, "base.age", &[]);
    let increment = |name: &str, base: &Path| archive_on(&world, &alice, name, base);
    let nothing = increment("nothing.age", &base);
    assert_eq!(kept(&alice), 1);
    alice.run(&["contact", "remove", "carol", "--yes"]).ok();
    eventually(Duration::from_secs(20), "the file went along", || {
        kept(&alice) == 0
    });
    bob.deliver("alice", "of bob");
    let first = increment("first.age", &base);
    let again = increment("again.age", &first);
    // Carol comes back, with nothing of what was.
    pair(&carol, "alice", &alice, "carol");
    carol.deliver("alice", "of carol, later");
    let second = increment("second.age", &again);
    let whole = archive(&world, &alice, "whole.age", &[]);

    let told = |home: &Home| {
        let mut contacts = home.json(&["contact", "list"]);
        for contact in &mut contacts {
            // Who is paired with, and between whom the number is.
            for field in ["paired", "safety_number", "connected"] {
                contact[field] = Value::Null;
            }
        }
        let mut all = contacts;
        for name in ["bob", "carol"] {
            let known = home.run(&["contact", "show", name]).code == 0;
            all.extend(if known {
                history(home, name)
            } else {
                Vec::new()
            });
        }
        all.extend(home.json(&["file", "list"]));
        all
    };
    let (one, other) = (world.home("one", "alice"), world.home("other", "alice"));
    one.start();
    other.start();
    import(&one, &alice, &whole, &[]);
    let removed = |done: &Value| done["contacts_removed"].as_u64().unwrap();
    assert_eq!(removed(&import(&other, &alice, &base, &[])), 0);
    assert_eq!(removed(&import(&other, &alice, &nothing, &[])), 0);
    assert_eq!(kept(&other), 1);
    assert_eq!(removed(&import(&other, &alice, &first, &["--dry-run"])), 1);
    assert_eq!(other.json(&["contact", "list"]).len(), 2);
    let done = import(&other, &alice, &first, &[]);
    assert_eq!(
        (removed(&done), done["unpaired"].as_array().unwrap().len()),
        (1, 1),
        "{done}"
    );
    assert_eq!(other.json(&["contact", "list"]).len(), 1);
    assert_eq!(kept(&other), 0, "the file went along");
    assert_eq!(removed(&import(&other, &alice, &again, &[])), 0);
    assert_eq!(removed(&import(&other, &alice, &second, &[])), 0);
    assert_eq!(told(&other), told(&one));
    assert_eq!(told(&other), told(&alice));
    assert_eq!(texts(&history(&other, "carol")), ["of carol, later"]);
    // An older one takes nobody away any more.
    let done = import(&other, &alice, &first, &[]);
    assert_eq!((removed(&done), done["contacts"].as_u64()), (0, Some(0)));
    assert_eq!(told(&other), told(&one));
    assert_eq!(other.object(&["vault", "check"])["ok"], true);

    // Who has paired again with somebody keeps them.
    let third = world.home("third", "alice");
    third.start();
    import(&third, &alice, &base, &[]);
    pair(&third, "carol", &carol, "alice-of-three");
    assert_eq!(removed(&import(&third, &alice, &first, &[])), 0);
    assert_eq!(texts(&history(&third, "carol"))[0], "of carol");
    // A vault that never had a base cannot tell who of it was removed.
    let stranger = world.home("stranger", "alice");
    let foreign = world.path("foreign.age");
    let words = alice.words_file();
    let on_foreign = [
        "export",
        "--format",
        "archive",
        "-o",
        path(&foreign),
        "--incremental",
        path(&base),
        "--words-file",
        path(&words),
    ];
    stranger.alone(&on_foreign).ok();
    let fourth = world.home("fourth", "alice");
    fourth.start();
    import(&fourth, &alice, &base, &[]);
    assert_eq!(removed(&import(&fourth, &stranger, &foreign, &[])), 0);
    assert_eq!(fourth.json(&["contact", "list"]).len(), 2);
}

/// An increment on `base`.
#[track_caller]
fn archive_on(world: &World, home: &Home, name: &str, base: &Path) -> PathBuf {
    let file = world.path(name);
    let args = [
        "export",
        "--format",
        "archive",
        "-o",
        path(&file),
        "--incremental",
        path(base),
    ];
    home.alone(&args).ok();
    file
}

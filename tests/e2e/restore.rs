//! A home that was lost comes back line by line, whatever its owner thought of whom.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::export::{archive, have, opened, unpacked};
use crate::import::{import, talk};
use crate::rollback::walk;
use crate::world::{Home, World, pair, texts};

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
    alice.wait_flushed(std::time::Duration::from_secs(30));

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

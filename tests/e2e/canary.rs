//! A canary in everything that people do: in no file in clear, and after deletion nobody's to read,
//! not even who saved the disk before and has the password now.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::export::{keep, path};
use crate::pcap::disguises;
use crate::rollback::walk;
use crate::world::{Home, World, contains, eventually, pair};

/// Part of everything that is planted.
const CANARY: &str = "canary";

/// Looks at every file of a home, its name included; how many there are.
#[track_caller]
fn nowhere(home: &Home, when: &str) -> usize {
    let mut files = 0;
    walk(&home.dir, &mut |path, bytes| {
        files += 1;
        assert!(
            !path.to_string_lossy().contains(CANARY),
            "{} {when}",
            path.display()
        );
        for disguise in disguises(CANARY.as_bytes()) {
            assert!(!contains(bytes, &disguise), "in {} {when}", path.display());
        }
    });
    assert!(files > 5, "{files} files {when}");
    files
}

/// Everything that leaves something in a vault, in both directions; the peer is gone at its end.
fn plant(world: &World, a: &Home, b: &Home, peer: &str) {
    let theirs = b.deliver("alice", "canary of theirs");
    let ours = a.deliver(peer, "before the canary edit");
    a.run(&["edit", &ours, "-m", "canary edit", "--wait", "delivered"])
        .ok();
    a.run(&["react", &theirs, "canary!", "--wait", "delivered"])
        .ok();
    b.run(&["react", &ours, "canary?", "--wait", "delivered"])
        .ok();
    let named = [
        "send",
        peer,
        "-m",
        "canary reply",
        "--reply-to",
        &theirs,
        "--id",
        "canary-job",
    ];
    a.run(&[&named[..], &["--wait", "delivered"]].concat()).ok();
    let brief = [
        "send",
        "alice",
        "-m",
        "brief canary",
        "--expire",
        "1s",
        "--wait",
        "delivered",
    ];
    b.run(&brief).ok();
    let contents = "contents of a canary ".repeat(9000);
    keep(b, a, "alice", &world.file("canary.txt", &contents));
    let album = world.path("canaries");
    fs::create_dir(&album).unwrap();
    fs::write(album.join("canary.png"), &contents).unwrap();
    keep(b, a, "alice", path(&album));
    eventually(Duration::from_secs(20), "both files are kept", || {
        let files = a.json(&["file", "list"]);
        files.iter().filter(|file| file["state"] == "done").count() == 2
    });
    // One is taken out of the inbox, the other stays in it.
    a.json(&["recv", "--max", "1"]);
    a.json(&["search", "canary"]);
    b.stop();
    let offered = world.file("offered canary.txt", &contents);
    for what in [["-m", "queued canary"], ["-f", &offered]] {
        a.run(&[&["send", peer, "--wait", "queued"][..], &what].concat())
            .ok();
    }
    // Offered, and too large to be taken unasked.
    assert_eq!(a.json(&["queue", "list"]).len(), 2);
}

#[test]
fn a_canary_in_everything_is_nowhere_in_clear_and_after_deletion_nowhere() {
    let world = World::new();
    let (a, b) = (
        world.home("a", "canary-of-alice"),
        world.home("b", "canary-of-bob"),
    );
    a.start();
    b.start();
    pair(&a, "canary-bob", &b, "alice");
    plant(&world, &a, &b, "canary-bob");
    nowhere(&a, "while the agent runs");
    nowhere(&b, "of the other side");
    a.stop();
    let before = nowhere(&a, "once it stopped");
    a.start();
    a.run(&["delete", "--all-of", "canary-bob", "--yes"]).ok();
    a.run(&["contact", "remove", "canary-bob", "--yes"]).ok();
    a.run(&["vault", "compact"]).ok();
    nowhere(&a, "after the deletion");
    a.stop();
    let after = nowhere(&a, "once all is closed");
    let kept = fs::read_dir(a.dir.join("vault/files")).unwrap().count();
    assert_eq!(kept, 0, "{before} files before, {after} after");
}

/// What a home tells of its messages, however it is asked.
fn told(home: &Home) -> String {
    let mut told = String::new();
    for ask in [
        &["history", "-n", "1000"][..],
        &["recv", "--ack", "manual"],
        &["search", "canary"],
        &["file", "list"],
        &["queue", "list"],
    ] {
        let mut args = ask.to_vec();
        args.extend(["--json", "--offline"]);
        let done = home.alone(&args);
        told.push_str(done.text());
        told.push_str(&done.stderr);
    }
    told
}

#[test]
fn what_was_saved_before_a_deletion_opens_with_no_key_of_after() {
    let (world, a, b) = World::alice_and_bob();
    let c = world.home("c", "carol");
    c.start();
    pair(&a, "carol", &c, "alice");
    a.deliver("carol", "what stays");
    plant(&world, &a, &b, "bob");
    a.stop();
    let before = world.path("before");
    world.copy(&a.dir.join("vault"), &before);

    a.start();
    a.run(&["delete", "--all-of", "bob", "--yes"]).ok();
    a.run(&["vault", "compact"]).ok();
    a.stop();
    let after = world.path("after");
    world.copy(&a.dir, &after);

    // Somebody saved every record and file, and then comes by the password and these pieces of today.
    let forged = |pieces: &[&str]| {
        fs::remove_dir_all(&a.dir).unwrap();
        world.copy(&after, &a.dir);
        fs::remove_dir_all(a.dir.join("vault")).unwrap();
        world.copy(&before, &a.dir.join("vault"));
        for piece in pieces {
            let place = a.dir.join("vault").join(piece);
            fs::copy(after.join("vault").join(piece), place).unwrap();
        }
        let mended = a.alone(&["vault", "repair", "--yes", "--json"]).ok();
        assert_eq!(mended.last_event()["repaired"], true, "{mended}");
        told(&a)
    };
    let with_old_keys = forged(&[]);
    for there in [
        "what stays",
        "canary of theirs",
        "canary edit",
        "canary.txt",
    ] {
        assert!(with_old_keys.contains(there), "{there}: {with_old_keys}");
    }
    let pieces = key_files(&after);
    assert!(pieces.contains(&"keys.page".to_owned()), "{pieces:?}");
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let with_todays = forged(&pieces);
    assert!(with_todays.contains("what stays"), "{with_todays}");
    assert!(!with_todays.contains(CANARY), "{with_todays}");
}

/// The vault's files beside its database: what opens it, and what destroys.
fn key_files(home: &Path) -> Vec<String> {
    let entries = fs::read_dir(home.join("vault")).unwrap();
    entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

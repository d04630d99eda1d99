//! An older copy of the vault never speaks with an older ratchet.

use std::fs;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::world::{Home, World, contains, knob, texts};

fn vault(home: &Home) -> std::path::PathBuf {
    home.dir.join("vault")
}

/// Puts a copied directory in the place of the present one.
fn put_back(world: &World, copy: &std::path::Path, place: &std::path::Path) {
    fs::remove_dir_all(place).unwrap();
    world.copy(copy, place);
}

#[test]
fn an_older_vault_alone_is_refused_with_advice() {
    let (world, a, b) = World::alice_and_bob();
    a.deliver("bob", "one");
    a.stop();
    let copy = world.path("older-vault");
    world.copy(&vault(&a), &copy);
    let newest = world.path("newest-vault");

    a.start();
    a.deliver("bob", "two");
    b.deliver("alice", "three");
    a.stop();
    world.copy(&vault(&a), &newest);

    put_back(&world, &copy, &vault(&a));
    a.try_start().exits(12).advises();
    a.alone(&["history", "bob"]).exits(12).advises();
    a.alone(&["send", "bob", "-m", "never"]).exits(12);
    // Nothing was changed by looking: the newest one still opens.
    put_back(&world, &newest, &vault(&a));
    a.start();
    a.deliver("bob", "four");
    assert_eq!(
        b.recv_texts(3, Duration::from_secs(10)),
        ["one", "two", "four"]
    );
}

#[test]
fn an_older_copy_of_everything_starts_a_new_session_and_loses_nothing_new() {
    let (world, a, b) = World::alice_and_bob();
    a.deliver("bob", "a0");
    b.deliver("alice", "b0");
    assert_eq!(a.recv_texts(1, Duration::from_secs(10)), ["b0"]);
    a.stop();
    let copy = world.path("older-home");
    world.copy(&a.dir, &copy);

    a.start();
    for number in 1..=5 {
        a.deliver("bob", &format!("a{number}"));
        b.deliver("alice", &format!("b{number}"));
    }
    a.stop();
    // Queued under the session that Alice is about to forget.
    b.run(&["send", "alice", "-m", "b6", "--wait", "queued"])
        .ok();

    put_back(&world, &copy, &a.dir);
    let mut watch = b.stream(&[
        "recv",
        "--follow",
        "--ack",
        "manual",
        "--json",
        "--type",
        "session.reset",
    ]);
    thread::sleep(Duration::from_millis(500));
    a.start();
    a.deliver("bob", "a6");
    b.deliver("alice", "b7");
    assert_eq!(
        watch.event("session.reset")["peer"],
        b.route("alice")["peer"]
    );
    watch.interrupt().exits(130);

    // Bob keeps everything, each once.
    let at_b = b.json(&["recv"]);
    let messages: Vec<_> = at_b
        .iter()
        .filter(|event| event["type"] == "message")
        .cloned()
        .collect();
    assert_eq!(texts(&messages), ["a0", "a1", "a2", "a3", "a4", "a5", "a6"]);
    // Alice has what she had, and what came after.
    let at_a = a.json(&["recv"]);
    let messages: Vec<_> = at_a
        .iter()
        .filter(|event| event["type"] == "message")
        .cloned()
        .collect();
    assert_eq!(texts(&messages), ["b6", "b7"]);
    let contact = b.object(&["contact", "show", "alice"]);
    assert_eq!(
        contact["verified"], true,
        "the identity is the pinned one: {contact}"
    );
}

#[test]
fn a_copy_of_the_other_side_restored_in_turn_is_survived_too() {
    let (world, a, b) = World::alice_and_bob();
    a.deliver("bob", "x0");
    for round in 1..=3 {
        let (older, other, peer, back) = if round % 2 == 0 {
            (&a, &b, "bob", "alice")
        } else {
            (&b, &a, "alice", "bob")
        };
        older.stop();
        let copy = world.path(&format!("older-{round}"));
        world.copy(&older.dir, &copy);
        older.start();
        older.deliver(peer, &format!("lost {round}"));
        older.stop();
        put_back(&world, &copy, &older.dir);
        older.start();
        older.deliver(peer, &format!("kept {round}"));
        other.deliver(back, &format!("back {round}"));
    }
    let got: Vec<_> = a.recv_texts(0, Duration::ZERO);
    assert!(got.iter().any(|text| text == "kept 3"), "{got:?}");
}

#[test]
fn a_flipped_bit_is_refused_or_harmless_and_never_a_wrong_answer() {
    let flips = knob("SOLO2_FLIPS", 40);
    let mut chance = StdRng::seed_from_u64(knob("SOLO2_SEED", 1));
    let (world, a, b) = World::alice_and_bob();
    for number in 0..10 {
        a.deliver("bob", &format!("canary {number}"));
    }
    b.stop();
    a.stop();
    let expected: Vec<_> = (0..10).map(|number| format!("canary {number}")).collect();
    let good = world.path("good");
    world.copy(&a.dir, &good);
    let mut files: Vec<(std::path::PathBuf, u64)> = Vec::new();
    walk(&a.dir, &mut |path, bytes| {
        if !bytes.is_empty() && path.extension().is_none_or(|ending| ending != "lock") {
            files.push((path.to_owned(), bytes.len() as u64));
        }
    });
    files.retain(|(path, _)| path.starts_with(vault(&a)));
    let (mut refused, mut harmless) = (0, 0);
    for flip in 0..flips {
        put_back(&world, &good, &a.dir);
        // A file first, so that small ones are hit as well as big ones.
        let (path, len) = &files[chance.random_range(0..files.len())];
        let at = chance.random_range(0..*len);
        let bit = 1u8 << chance.random_range(0..8u32);
        let mut bytes = fs::read(path).unwrap();
        bytes[usize::try_from(at).unwrap()] ^= bit;
        fs::write(path, bytes).unwrap();
        let done = a.alone(&["history", "bob", "--json"]);
        let place = format!("flip {flip}: {}:{at} ^ {bit:#x}", path.display());
        match done.code {
            0 => {
                assert_eq!(texts(&done.events()), expected, "{place}");
                harmless += 1;
            }
            // A flipped bit in what the password is checked against looks like
            // a wrong password.
            3 | 4 | 12 => {
                done.advises();
                refused += 1;
            }
            code => panic!("{place}: exit {code}: {done}"),
        }
    }
    println!(
        "{flips} bits flipped in vault copies: {refused} refused with advice, {harmless} without effect, 0 wrong"
    );
}

/// Calls `look` with every file under a directory.
pub(crate) fn walk(dir: &std::path::Path, look: &mut dyn FnMut(&std::path::Path, &[u8])) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            walk(&path, look);
        } else if kind.is_file() {
            look(&path, &fs::read(&path).unwrap());
        }
    }
}

#[test]
fn a_deleted_message_leaves_no_trace_in_clear() {
    let (_world, a, b) = World::alice_and_bob();
    let id = a.deliver("bob", "canary-deleted-0451");
    b.recv();
    a.json(&["delete", &id, "--for-everyone"]);
    a.wait_flushed(Duration::from_secs(20));
    a.stop();
    b.stop();
    for home in [&a, &b] {
        walk(&home.dir, &mut |path, bytes| {
            assert!(
                !contains(bytes, b"canary-deleted-0451"),
                "{}",
                path.display()
            );
        });
    }
}

//! An archive that an earlier version wrote: this one takes in everything in it.
//!
//! `tests/fixtures/archive-1.age` is an archive of format 1. Its keys, ids and times are random,
//! what was said is fixed; its words are those of 32 zero bytes (BIP39's first test vector of
//! that length). It was made by
//!
//! ```sh
//! SOLO2_ARCHIVE_FIXTURE=$PWD/tests/fixtures/archive-1.age cargo test --test e2e fixture::maker
//! ```
//! and is never made again: another format gets a file of its own, and this one must go on
//! being taken in. What is expected stands below, written by hand.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::export::{archive, keep, path};
use crate::world::{World, pair, texts};

/// The first 70,000 bytes of 0, 1, … 250, 0, 1, …
fn numbers() -> Vec<u8> {
    (0..70_000_u32).map(|n| (n % 251) as u8).collect()
}

fn words() -> String {
    format!("{}art\n", "abandon ".repeat(23))
}

/// Not a promise by itself: writes the fixture.
#[test]
fn maker() {
    let Ok(target) = std::env::var("SOLO2_ARCHIVE_FIXTURE") else {
        return;
    };
    let world = World::new();
    let alice = world.empty_home("a");
    let words = world.file("zero.words", words());
    let restore = [
        "identity", "words", "restore", "--from", &words, "--name", "alice", "--signal",
    ];
    let signal = format!("ws://{}", world.signal_address());
    alice.alone(&[&restore[..], &[&signal]].concat()).ok();
    let (bob, carol) = (world.home("b", "bob"), world.home("c", "carol"));
    for home in [&alice, &bob, &carol] {
        home.start();
    }
    pair(&alice, "bob", &bob, "alice");
    pair(&alice, "carol", &carol, "alice");
    let first = alice.deliver("bob", "grüße, 世界 👋");
    let theirs = bob.deliver("alice", "hello\nin two lines");
    let reply = [
        "send",
        "bob",
        "-m",
        "an answer",
        "--reply-to",
        &theirs,
        "--id",
        "job-17",
    ];
    alice
        .run(&[&reply[..], &["--wait", "delivered"]].concat())
        .ok();
    alice
        .run(&[
            "edit",
            &first,
            "-m",
            "edited greetings",
            "--wait",
            "delivered",
        ])
        .ok();
    bob.run(&["react", &first, "👍", "--wait", "delivered"])
        .ok();
    let gone = bob.deliver("alice", "deleted again");
    alice.run(&["delete", &gone]).ok();
    bob.run(&[
        "send",
        "alice",
        "--geo",
        "48.8583,2.2944,15",
        "--wait",
        "delivered",
    ])
    .ok();
    keep(&bob, &alice, "alice", &world.file("numbers.bin", numbers()));
    let album = world.path("album");
    fs::create_dir_all(album.join("empty")).unwrap();
    fs::write(album.join("page.txt"), "a page").unwrap();
    keep(&bob, &alice, "alice", path(&album));
    alice
        .run(&["contact", "set", "bob", "retain=3650d", "--yes"])
        .ok();
    carol.deliver("alice", "of carol");
    alice.run(&["contact", "block", "carol"]).ok();
    bob.stop();
    alice
        .run(&["send", "bob", "-m", "never left", "--wait", "queued"])
        .ok();
    fs::copy(archive(&world, &alice, "a.age", &[]), target).unwrap();
}

#[test]
fn an_archive_of_format_1_is_taken_in_with_everything_in_it() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/archive-1.age");
    let world = World::new();
    let words = world.file("zero.words", words());
    let home = world.home("a", "somebody");
    home.start();
    let with_words = ["--words-file", words.as_str(), "--json"];
    let verify = ["export", "verify", path(&fixture)];
    home.run(&[&verify[..], &with_words].concat()).ok();
    let import = ["import", path(&fixture)];
    let done = home
        .run(&[&import[..], &with_words].concat())
        .ok()
        .last_event();
    let count = |field: &str| done[field].as_u64().unwrap();
    assert_eq!(
        (count("contacts"), count("messages"), count("files")),
        (2, 9, 2),
        "{done}"
    );

    let bob = home.object(&["contact", "show", "bob"]);
    assert_eq!(
        (&bob["verified"], &bob["trust"]),
        (&json!(true), &json!("verified"))
    );
    assert_eq!(
        (&bob["settings"]["retain"], &bob["blocked"]),
        (&json!("315360000"), &json!(false))
    );
    assert_eq!(home.object(&["contact", "show", "carol"])["blocked"], true);
    assert_eq!(texts(&home.json(&["history", "carol"])), ["of carol"]);

    let all = home.json(&["history", "bob"]);
    let bodies: Vec<&Value> = all.iter().map(|message| &message["body"]).collect();
    assert_eq!(
        bodies[..3],
        [
            &json!({"text": "edited greetings"}),
            &json!({"text": "hello\nin two lines"}),
            &json!({"text": "an answer"}),
        ]
    );
    assert_eq!(bodies[3], &Value::Null, "deleted again");
    assert_eq!(
        bodies[4]["geo"],
        json!({"lat": 48.8583, "lon": 2.2944, "accuracy_m": 15.0})
    );
    let name = |at: usize| bodies[at]["file"]["name"].as_str();
    assert_eq!((name(5), name(6)), (Some("numbers.bin"), Some("album")));
    assert_eq!(bodies[5]["file"]["size"], 70_000);
    let mut shapes: Vec<String> = home
        .json(&["file", "list"])
        .iter()
        .map(|file| file["shape"].to_string())
        .collect();
    shapes.sort();
    assert_eq!(shapes, ["\"directory\"", "\"file\""]);
    assert_eq!((bodies[7], all.len()), (&json!({"text": "never left"}), 8));
    let states = [0, 2, 7].map(|at: usize| all[at]["state"].clone());
    assert_eq!(
        states,
        [json!("delivered"), json!("delivered"), json!("failed")]
    );
    assert_eq!(all[2]["reply_to"], all[1]["id"]);
    let dirs: Vec<&Value> = all.iter().map(|message| &message["dir"]).collect();
    assert_eq!(dirs, ["out", "in", "out", "in", "in", "in", "in", "out"]);
    assert_eq!(all[0]["reactions"][0]["emoji"], "👍");
    assert_eq!(home.json(&["search", "greetings"]).len(), 1);

    let out = world.path("out");
    fs::create_dir(&out).unwrap();
    for file in home.json(&["file", "list"]) {
        home.run(&[
            "file",
            "accept",
            file["id"].as_str().unwrap(),
            "-o",
            path(&out),
        ])
        .ok();
    }
    assert!(fs::read(out.join("numbers.bin")).unwrap() == numbers());
    assert_eq!(fs::read(out.join("album/page.txt")).unwrap(), b"a page");
    assert!(out.join("album/empty").is_dir());
}

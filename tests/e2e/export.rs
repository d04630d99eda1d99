//! The history on its way out: what stock tools make of it, and what must not be in it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::{Done, finish};
use crate::world::{Home, World, contains, eventually, has, knob};

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs a stock tool; its stdout.
#[track_caller]
pub(crate) fn tool(program: &str, args: &[&str], stdin: &[u8]) -> Vec<u8> {
    let mut command = Command::new(program);
    command.args(args);
    finish(command, Some(stdin), Duration::from_secs(60))
        .ok()
        .stdout
}

/// Whether the tools are there; says which one is not.
pub(crate) fn have(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| !has(program));
    if let Some(missing) = missing {
        println!("skipped: needs {missing}");
    }
    missing.is_none()
}

/// Writes an archive and returns where it is.
#[track_caller]
pub(crate) fn archive(world: &World, home: &Home, name: &str, more: &[&str]) -> PathBuf {
    let file = world.path(name);
    let mut args = vec!["export", "--format", "archive", "-o", path(&file)];
    args.extend(more);
    home.run(&args).ok();
    file
}

#[track_caller]
pub(crate) fn zip(world: &World, home: &Home, name: &str, more: &[&str]) -> PathBuf {
    let file = world.path(name);
    let mut args = vec!["export", "--format", "zip", "-o", path(&file)];
    args.push("--i-understand-plaintext");
    args.extend(more);
    home.alone(&args).ok();
    file
}

/// The tar inside, opened by stock age with the key that the words give.
#[track_caller]
pub(crate) fn opened(world: &World, home: &Home, archive: &Path) -> Vec<u8> {
    let words = home.words_file();
    let key = home.run(&["identity", "age-key", "--words-file", path(&words)]);
    let identity = world.path("age.key");
    fs::write(&identity, &key.ok().stdout).unwrap();
    tool("age", &["-d", "-i", path(&identity), path(archive)], b"")
}

fn names(tar: &[u8]) -> Vec<String> {
    let list = tool("tar", &["t"], tar);
    String::from_utf8(list)
        .unwrap()
        .lines()
        .map(String::from)
        .collect()
}

/// Every file of a tar, unpacked by stock tar.
pub(crate) fn unpacked(world: &World, name: &str, tar: &[u8]) -> PathBuf {
    let directory = world.path(name);
    fs::create_dir(&directory).unwrap();
    tool("tar", &["x", "-C", path(&directory)], tar);
    directory
}

/// The records of the one conversation in an unpacked document.
pub(crate) fn records(directory: &Path) -> Vec<Value> {
    let mut conversations = fs::read_dir(directory.join("conversations")).unwrap();
    let conversation = conversations.next().unwrap().unwrap().path();
    let mut parts: Vec<PathBuf> = fs::read_dir(conversation)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    parts.sort();
    parts
        .iter()
        .flat_map(|part| {
            let text = fs::read_to_string(part).unwrap();
            let line = |line: &str| serde_json::from_str(line).unwrap();
            text.lines().map(line).collect::<Vec<Value>>()
        })
        .collect()
}

fn bodies(directory: &Path) -> Vec<String> {
    records(directory)
        .iter()
        .filter_map(|record| record["body"]["text"].as_str().map(String::from))
        .collect()
}

/// Sends a file that stays in the peer's vault.
#[track_caller]
pub(crate) fn keep(from: &Home, to: &Home, peer: &str, file: &str) {
    let sent = from.run(&["send", peer, "-f", file, "--wait", "delivered", "--json"]);
    assert_eq!(sent.ok().last_event()["results"][0]["state"], "delivered");
    eventually(Duration::from_secs(20), "the file is kept", || {
        to.json(&["file", "list"])
            .iter()
            .any(|file| file["state"] == "done")
    });
}

#[test]
fn stock_age_and_tar_open_an_archive_through_the_agent_and_without_one() {
    if !have(&["age", "tar", "sha256sum"]) {
        return;
    }
    let (world, alice, bob) = World::alice_and_bob();
    bob.deliver("alice", "hello Alice");
    alice.deliver("bob", "hello Bob");
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    keep(&bob, &alice, "alice", &world.file("photo.bin", &bytes));
    let file = archive(&world, &alice, "agent.age", &[]);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    let tar = opened(&world, &alice, &file);
    let listed = names(&tar);
    assert_eq!(listed.first().unwrap(), "manifest.json");
    assert_eq!(listed.last().unwrap(), "SHA256SUMS");
    let there = unpacked(&world, "agent", &tar);
    assert_eq!(bodies(&there), ["hello Alice", "hello Bob"]);
    let kept = records(&there)
        .iter()
        .find_map(|record| record["body"]["file"]["path"].as_str().map(String::from))
        .unwrap();
    let mut conversations = fs::read_dir(there.join("conversations")).unwrap();
    let conversation = conversations.next().unwrap().unwrap().path();
    assert!(fs::read(conversation.join(kept)).unwrap() == bytes);
    let mut check = Command::new("sha256sum");
    check.args(["-c", "SHA256SUMS"]).current_dir(&there);
    finish(check, None, Duration::from_secs(60)).ok();

    // Embedded, on stdout.
    alice.stop();
    let streamed = alice
        .alone(&["export", "--format", "archive", "-o", "-"])
        .ok();
    let file = world.path("embedded.age");
    fs::write(&file, &streamed.stdout).unwrap();
    let there = unpacked(&world, "embedded", &opened(&world, &alice, &file));
    assert_eq!(bodies(&there), ["hello Alice", "hello Bob"]);
}

#[test]
fn the_age_key_comes_from_the_words_or_the_password_and_is_the_archives() {
    if !have(&["age-keygen"]) {
        return;
    }
    let world = World::new();
    let alice = world.home("a", "alice");
    let words = alice.words_file();
    let by_words = alice.run(&["identity", "age-key", "--words-file", path(&words)]);
    let by_words = by_words.ok();
    let by_password = alice.alone(&["identity", "age-key"]).ok();
    assert_eq!(by_words.stdout, by_password.stdout);
    let lines: Vec<&str> = by_words.text().lines().collect();
    assert!(lines.last().unwrap().starts_with("AGE-SECRET-KEY-1"));
    let public = tool("age-keygen", &["-y"], by_words.stdout.as_slice());
    let public = String::from_utf8(public).unwrap();
    assert_eq!(lines[0], format!("# public key: {}", public.trim()));
    let object = alice.object(&["identity", "age-key", "--words-file", path(&words)]);
    assert_eq!(object["recipient"], public.trim());
    assert_eq!(object["key"], *lines.last().unwrap());
    alice
        .run(&["identity", "age-key", "--no-input"])
        .exits(4)
        .advises();
}

#[test]
fn a_passphrase_archive_opens_with_it_alone() {
    let world = World::new();
    let alice = world.home("a", "alice");
    let secret = world.file("phrase", "a phrase of several words\n");
    let wrong = world.file("wrong", "another phrase\n");
    let file = world.path("p.age");
    let export = |more: &[&str]| {
        let mut args = vec!["export", "--format", "archive", "-o", path(&file)];
        args.extend(more);
        alice.alone(&args)
    };
    export(&["--passphrase-file", &secret]).ok();
    let verify =
        |phrase: &str| alice.run(&["export", "verify", path(&file), "--passphrase-file", phrase]);
    verify(&secret).ok();
    verify(&wrong).exits(20).advises();
    let words = alice.words_file();
    let by_words = alice.run(&[
        "export",
        "verify",
        path(&file),
        "--words-file",
        path(&words),
        "--no-input",
    ]);
    by_words.exits(2).advises();
    let empty = world.file("empty", "");
    export(&["--force", "--passphrase-file", &empty]).exits(2);
}

#[test]
fn a_zip_is_read_by_unzip_and_python_and_its_sums_hold() {
    if !have(&["unzip", "python3", "sha256sum"]) {
        return;
    }
    let (world, alice, bob) = World::alice_and_bob();
    let evil = "<script>alert('x')</script> [a](javascript:x)";
    bob.deliver("alice", evil);
    let name = "<img src=x onerror=alert(1)>.txt";
    keep(&bob, &alice, "alice", &world.file(name, "contents"));
    let directory = world.path("album");
    fs::create_dir_all(directory.join("in")).unwrap();
    fs::write(directory.join("in/page.txt"), "a page").unwrap();
    // Packed already, as a photograph is: the ZIP takes it as it is.
    let mut picture = vec![0; 200_000];
    rand::fill(&mut picture[..]);
    fs::write(directory.join("picture.jpg"), &picture).unwrap();
    let sent = bob.run(&[
        "send",
        "alice",
        "-f",
        path(&directory),
        "--wait",
        "delivered",
    ]);
    sent.ok();
    let file = zip(&world, &alice, "a.zip", &[]);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    tool("unzip", &["-t", path(&file)], b"");
    let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); \
                  assert z.testzip() is None; z.extractall(sys.argv[2])";
    let there = world.path("unzipped");
    tool("python3", &["-c", script, path(&file), path(&there)], b"");
    let mut check = Command::new("sha256sum");
    check.args(["-c", "SHA256SUMS"]).current_dir(&there);
    finish(check, None, Duration::from_secs(60)).ok();
    assert_eq!(bodies(&there), [evil]);
    let mut conversations = fs::read_dir(there.join("conversations")).unwrap();
    let conversation = conversations.next().unwrap().unwrap().path();
    let page = fs::read_to_string(conversation.join("messages.html")).unwrap();
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    assert!(page.contains("Content-Security-Policy"));
    assert!(!page.contains("<script") && !page.contains("<img"));
    let markdown = fs::read_to_string(conversation.join("messages.md")).unwrap();
    assert!(markdown.contains(r"\[a\]\(javascript\:x\)"));
    assert!(!markdown.contains("<script"));
    let files: Vec<_> = fs::read_dir(conversation.join("files")).unwrap().collect();
    assert_eq!(files.len(), 2);
    let album = files
        .into_iter()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    let page = fs::read(album.join("in/page.txt")).unwrap();
    assert_eq!(page, b"a page");
    assert_eq!(fs::read(album.join("picture.jpg")).unwrap(), picture);
    alice.run(&["export", "verify", path(&file)]).ok();
}

/// The most memory that a process had at once since this was last asked, in MiB.
fn peak(home: &Home) -> u64 {
    let process = format!("/proc/{}", home.pid().as_raw_nonzero());
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib: u64 = line
        .and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap();
    // Begins to count anew (proc_pid_clear_refs(5)).
    fs::write(format!("{process}/clear_refs"), "5").unwrap();
    kib / 1024
}

#[test]
fn a_large_file_takes_no_more_memory_than_a_small_one() {
    let (world, alice, bob) = World::alice_and_bob();
    let mib = knob("SOLO2_EXPORT_MIB", 64);
    let bytes = vec![7; usize::try_from(mib << 20).unwrap()];
    keep(&bob, &alice, "alice", &world.file("large", bytes));
    let small = |name: &str| archive(&world, &alice, name, &["--no-files"]);
    small("warm.age");
    peak(&alice);
    small("small.age");
    let without = peak(&alice);
    let begun = Instant::now();
    let file = archive(&world, &alice, "large.age", &[]);
    let archived = begun.elapsed();
    let with = peak(&alice);
    let begun = Instant::now();
    zip(&world, &alice, "large.zip", &[]);
    let zipped = begun.elapsed();
    println!("{mib} MiB: {with} MiB of memory beside {without}; {archived:?}, ZIP {zipped:?}");
    assert!(fs::metadata(&file).unwrap().len() > mib << 20);
    assert!(
        with < without + 16,
        "{with} MiB, and {without} without files"
    );
    // The password's Argon2 takes 64 MiB and is no part of it.
    assert!(peak(&alice) < without + 64 + 16);
}

#[test]
fn a_passphrase_costs_the_command_its_memory_and_not_the_agent() {
    let (world, alice, bob) = World::alice_and_bob();
    keep(&bob, &alice, "alice", &world.file("kept", vec![7; 1 << 20]));
    let phrase = world.file("phrase", "a phrase of several words\n");
    archive(&world, &alice, "warm.age", &[]);
    peak(&alice);
    archive(&world, &alice, "words.age", &[]);
    let with_words = peak(&alice);
    let with = ["--passphrase-file", phrase.as_str()];
    let file = archive(&world, &alice, "phrase.age", &with);
    let with_passphrase = peak(&alice);
    println!("{with_passphrase} MiB of memory, {with_words} for an archive to the words");
    assert!(
        with_passphrase < with_words + 16,
        "{with_passphrase} MiB, and {with_words} for the words"
    );
    alice
        .run(&["export", "verify", path(&file), with[0], with[1]])
        .ok();
    // Both said how long they are.
    let again = world.path("again.age");
    let events = alice.json(&[
        "export",
        "--format",
        "archive",
        "-o",
        path(&again),
        with[0],
        with[1],
    ]);
    let done = events.last().unwrap();
    assert_eq!(done["format"], "archive");
    assert_eq!(done["written"], fs::metadata(&again).unwrap().len());
}

#[test]
fn a_readable_copy_takes_the_password_and_the_will_even_with_an_agent() {
    let world = World::new();
    let alice = world.home("a", "alice");
    alice.start();
    let file = world.path("a.zip");
    let export = ["export", "--format", "zip", "-o", path(&file), "--no-input"];
    let refused = alice.alone(&export).exits(2).advises();
    assert!(refused.stderr.contains("not encrypted"), "{refused}");
    let mut meant = export.to_vec();
    meant.push("--i-understand-plaintext");
    alice.run(&meant).exits(4).advises();
    let wrong = world.file("wrong", "not the password");
    let mut with_wrong = meant.clone();
    with_wrong.extend(["--password-file", &wrong]);
    alice.run(&with_wrong).exits(4);
    assert!(!file.exists(), "nothing was written");
    alice.alone(&meant).ok();
    assert!(file.exists());
}

#[test]
fn an_export_replaces_nothing_unasked_and_leaves_nothing_half_done() {
    let world = World::new();
    let alice = world.home("a", "alice");
    let directory = world.path("out");
    fs::create_dir(&directory).unwrap();
    let file = directory.join("a.age");
    fs::write(&file, "mine").unwrap();
    let export = |to: &Path, more: &[&str]| {
        let mut args = vec!["export", "--format", "archive", "-o", path(to)];
        args.extend(more);
        alice.alone(&args)
    };
    export(&file, &[]).exits(3).advises();
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    export(&file, &["--chat", "nobody", "--force"])
        .exits(5)
        .advises();
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    export(&directory, &["--force"]).exits(3).advises();
    export(&directory.join("none/a.age"), &[]).exits(3);
    let left = fs::read_dir(&directory).unwrap().count();
    assert_eq!(left, 1, "nothing but what was there");
    export(&file, &["--force"]).ok();
    assert!(
        fs::read(&file)
            .unwrap()
            .starts_with(b"age-encryption.org/v1")
    );
    // A reader that leaves ends it quietly.
    let mut command = alice.command(&["export", "--format", "archive", "-o", "-"]);
    command.arg("--password-file").arg(alice.password_file());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(141));
}

#[test]
fn only_what_was_asked_for_is_exported() {
    let world = World::new();
    let (alice, bob, carol) = (
        world.home("a", "alice"),
        world.home("b", "bob"),
        world.home("c", "carol"),
    );
    for home in [&alice, &bob, &carol] {
        home.start();
    }
    crate::world::pair(&alice, "bob", &bob, "alice");
    crate::world::pair(&alice, "carol", &carol, "alice");
    bob.deliver("alice", "of bob");
    carol.deliver("alice", "of carol");
    let id = alice.deliver("bob", "to be deleted");
    alice.run(&["delete", &id]).ok();
    bob.json(&[
        "send",
        "alice",
        "-m",
        "brief",
        "--expire",
        "1s",
        "--wait",
        "delivered",
    ]);
    thread::sleep(Duration::from_millis(1500));
    keep(&bob, &alice, "alice", &world.file("f.txt", "CONTENTS-OF-F"));
    let whole = zip(&world, &alice, "all.zip", &[]);
    let all = read_zip(&world, &whole);
    for there in ["of bob", "of carol", "CONTENTS-OF-F"] {
        assert!(contains(&all, there.as_bytes()), "{there}");
    }
    for gone in ["to be deleted", "brief"] {
        assert!(!contains(&all, gone.as_bytes()), "{gone}");
    }
    let some = zip(&world, &alice, "some.zip", &["--chat", "bob", "--no-files"]);
    let some = read_zip(&world, &some);
    assert!(contains(&some, b"of bob"));
    for other in ["of carol", "carol", "CONTENTS-OF-F"] {
        assert!(!contains(&some, other.as_bytes()), "{other}");
    }
    let none = zip(&world, &alice, "none.zip", &["--until", "2020-01-01"]);
    assert!(!contains(&read_zip(&world, &none), b"of bob"));
    let late = zip(&world, &alice, "late.zip", &["--since", "1h"]);
    assert!(contains(&read_zip(&world, &late), b"of bob"));
}

/// Everything in a ZIP, one after the other.
fn read_zip(world: &World, file: &Path) -> Vec<u8> {
    let directory = world.path(&crate::world::unique("zip"));
    let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); \
                  [sys.stdout.buffer.write(n.encode() + z.read(n)) for n in z.namelist()]";
    assert!(!directory.exists());
    tool("python3", &["-c", script, path(file)], b"")
}

#[test]
fn no_export_holds_a_private_key_a_session_or_a_pair_secret() {
    if !have(&["age", "tar", "python3"]) {
        return;
    }
    let (world, alice, bob) = World::alice_and_bob();
    bob.deliver("alice", "hello");
    alice.deliver("bob", "hello");
    keep(&bob, &alice, "alice", &world.file("f.txt", "contents"));
    let zip = read_zip(&world, &zip(&world, &alice, "a.zip", &[]));
    let archive = archive(&world, &alice, "a.age", &[]);
    let tar = opened(&world, &alice, &archive);
    let words = fs::read_to_string(alice.words_file()).unwrap();
    let key = alice.run(&[
        "identity",
        "age-key",
        "--words-file",
        path(&alice.words_file()),
    ]);
    let key = key.ok().text().lines().last().unwrap().to_owned();
    for document in [&zip, &tar] {
        assert!(contains(document, b"hello"), "the search itself works");
        for secret in [words.trim(), &key, crate::world::PASSWORD] {
            assert!(!contains(document, secret.as_bytes()));
        }
        // Every word of a record is one that the format names; a new field is a decision.
        for line in document.split(|byte| *byte == b'\n') {
            let start = line.windows(6).position(|part| part == b"{\"v\":1");
            let Some(start) = start else { continue };
            let record: Value = serde_json::from_slice(&line[start..]).unwrap();
            let fields = record.as_object().unwrap().keys();
            for field in fields {
                assert!(
                    FIELDS.contains(&field.as_str()),
                    "{field} is not documented"
                );
            }
        }
    }
}

/// The fields of docs/protocol/7-export.md §1.
const FIELDS: [&str; 29] = [
    "v",
    "type",
    "id",
    "name",
    "fingerprint",
    "certificate",
    "verified",
    "trust",
    "blocked",
    "changed_to",
    "added_at",
    "settings",
    "conversation",
    "n",
    "ts",
    "stored_at",
    "dir",
    "kind",
    "body",
    "edited_at",
    "deleted_at",
    "reply_to",
    "expires_at",
    "client_id",
    "route",
    "state",
    "state_at",
    "state_route",
    "reactions",
];

#[test]
fn a_damaged_document_is_refused_with_exit_20() {
    let (world, alice, bob) = World::alice_and_bob();
    bob.deliver("alice", "hello");
    let words = alice.words_file();
    let verify = |file: &Path| -> Done {
        let words = path(&words);
        alice.run(&[
            "export",
            "verify",
            path(file),
            "--words-file",
            words,
            "--json",
        ])
    };
    let archive = archive(&world, &alice, "a.age", &[]);
    let zip = zip(&world, &alice, "a.zip", &[]);
    for whole in [&archive, &zip] {
        let event = verify(whole).ok().last_event();
        assert_eq!(event["type"], "export.verified");
        let bytes = fs::read(whole).unwrap();
        let middle = bytes.len() / 2;
        let mut flipped = bytes.clone();
        flipped[middle] ^= 1;
        let damaged = world.path("damaged");
        for bad in [
            &flipped[..],
            &bytes[..middle],
            &bytes[..bytes.len() - 1],
            b"x",
        ] {
            fs::write(&damaged, bad).unwrap();
            let refused = verify(&damaged).exits(20).advises();
            assert_eq!(refused.last_event()["exit"], 20);
        }
    }
    // With the password instead of the words, and with words of another vault.
    alice.alone(&["export", "verify", path(&archive)]).ok();
    let others = bob.words_file();
    let with_others = [
        "export",
        "verify",
        path(&archive),
        "--words-file",
        path(&others),
    ];
    alice.run(&with_others).exits(20).says("another");
    alice
        .run(&["export", "verify", path(&world.path("none"))])
        .exits(3);
}

#[test]
fn messages_that_arrive_meanwhile_disturb_no_export() {
    let (world, alice, bob) = World::alice_and_bob();
    bob.deliver("alice", "first");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        // Also when an export fails: nobody would end the other thread then.
        let _stop = OnDrop(&stop);
        scope.spawn(|| {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                bob.run(&["send", "alice", "-m", &format!("number {number}")])
                    .ok();
            }
        });
        let words = alice.words_file();
        for round in 0..12 {
            let file = archive(&world, &alice, &format!("{round}.age"), &[]);
            let check = [
                "export",
                "verify",
                path(&file),
                "--words-file",
                path(&words),
            ];
            alice.run(&check).ok();
        }
    });
}

/// Says that it is over when it goes.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn progress_and_the_end_are_events() {
    let world = World::new();
    let alice = world.home("a", "alice");
    let file = world.path("a.age");
    let done = alice.alone(&["export", "--format", "archive", "-o", path(&file), "--json"]);
    let events = done.ok().events();
    let last = events.last().unwrap();
    assert_eq!(last["type"], "export.done");
    assert_eq!(last["path"], path(&file));
    assert_eq!(last["written"], fs::metadata(&file).unwrap().len());
    assert!(
        events
            .iter()
            .any(|event| event["type"] == "export.progress"),
        "{events:?}"
    );
    // Stdout cannot be both.
    alice
        .alone(&["export", "--format", "archive", "-o", "-", "--json"])
        .exits(2);
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_asked() {
    let world = World::new();
    let alice = world.home("a", "alice");
    for args in [
        &["export"][..],
        &["export", "--format", "archive"],
        &["export", "-o", "x"],
        &["export", "--format", "pdf", "-o", "x"],
        &["export", "--format", "zip", "-o", "x", "--passphrase"],
        &[
            "export",
            "--format",
            "archive",
            "-o",
            "x",
            "--i-understand-plaintext",
        ],
        &[
            "export",
            "--format",
            "archive",
            "-o",
            "x",
            "--passphrase",
            "--no-input",
        ],
        &[
            "export", "--format", "archive", "-o", "x", "--since", "tomorrow",
        ],
        &["export", "verify"],
        &["export", "--format", "zip", "verify", "x"],
    ] {
        alice.run(args).exits(2);
    }
    assert!(!Path::new("x").exists());
    // Global flags stand anywhere.
    alice.run(&["export", "--json", "verify", "x"]).exits(3);
    let mut command = alice.command(&["export", "verify", "x"]);
    command.env("SOLO2_JSON", "1").env("SOLO2_TIMEOUT", "5s");
    finish(command, None, Duration::from_secs(60)).exits(3);
}

#[test]
fn a_full_disk_leaves_no_half_of_a_document() {
    if !crate::world::is_root() {
        println!("skipped: needs root");
        return;
    }
    let (world, alice, bob) = World::alice_and_bob();
    // Nothing that a ZIP could make smaller (xorshift64).
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut large = Vec::new();
    while large.len() < 8 << 20 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        large.extend(state.to_le_bytes());
    }
    let large = world.file("large", large);
    keep(&bob, &alice, "alice", &large);
    let Some(small) = crate::disk::Small::mount(world.path("small"), "4m") else {
        println!("skipped: needs tmpfs");
        return;
    };
    let file = small.at.join("a.age");
    for format in [&["archive"][..], &["zip", "--i-understand-plaintext"]] {
        let mut args = vec!["export", "-o", path(&file), "--json", "--format"];
        args.extend(format);
        let refused = alice.alone(&args).exits(3).advises();
        assert_eq!(refused.last_event()["code"], "disk_full", "{refused}");
        assert_eq!(
            fs::read_dir(&small.at).unwrap().count(),
            0,
            "nothing is left"
        );
    }
    // The agent is none the worse, and without the file there is room.
    alice
        .run(&[
            "export",
            "--format",
            "archive",
            "--no-files",
            "-o",
            path(&file),
        ])
        .ok();
    drop(small);
    drop(world);
}

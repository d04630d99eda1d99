//! An archive back into a vault: what comes again, what is refused, and how people talk on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::command::Done;
use crate::export::{archive, have, keep, opened, path, records, tool, unpacked, zip};
use crate::world::{Home, World, eventually, knob, pair};

/// A conversation as `history` tells it, without what cannot come along: paths on this machine.
pub(crate) fn history(home: &Home, peer: &str) -> Vec<Value> {
    let mut all = home.json(&["history", peer, "-n", "100000"]);
    for message in &mut all {
        if let Some(file) = message.pointer_mut("/body/file") {
            file["path"] = Value::Null;
        }
        message["peer"]["verified"] = Value::Null;
    }
    all
}

/// Takes an archive in with the words of the home that wrote it.
#[track_caller]
pub(crate) fn import(into: &Home, of: &Home, file: &Path, more: &[&str]) -> Value {
    let words = of.words_file();
    let mut args = vec!["import", path(file), "--words-file", path(&words), "--json"];
    args.extend(more);
    let done = into.run(&args).ok().last_event();
    assert_eq!(done["type"], "import.done");
    done
}

fn counts(done: &Value) -> [u64; 4] {
    ["messages", "changed", "known", "files"].map(|key| done[key].as_u64().unwrap())
}

/// Everything that people do, both ways.
pub(crate) fn talk(world: &World, alice: &Home, bob: &Home) {
    let first = alice.deliver("bob", "first \u{202e}of\tall\n");
    let theirs = bob.deliver("alice", "of bob");
    let edited = alice.deliver("bob", "with a tpyo");
    let gone = bob.deliver("alice", "to be deleted");
    let reply = [
        "send",
        "bob",
        "-m",
        "an answer",
        "--reply-to",
        &theirs,
        "--wait",
        "delivered",
    ];
    alice.run(&reply).ok();
    let place = [
        "send",
        "alice",
        "--geo",
        "48.858370000000004,-2.2944809999999996,1.5",
    ];
    bob.run(&place).ok();
    let named = [
        "send",
        "bob",
        "-m",
        "once",
        "--id",
        "job-17",
        "--wait",
        "delivered",
    ];
    alice.run(&named).ok();
    bob.run(&[
        "send",
        "alice",
        "-m",
        "later gone",
        "--expire",
        "1h",
        "--wait",
        "delivered",
    ])
    .ok();
    alice
        .run(&[
            "edit",
            &edited,
            "-m",
            "without a typo",
            "--wait",
            "delivered",
        ])
        .ok();
    bob.run(&["react", &first, "👍", "--wait", "delivered"])
        .ok();
    alice
        .run(&["react", &theirs, "😀", "--wait", "delivered"])
        .ok();
    alice.run(&["delete", &gone]).ok();
    keep(
        bob,
        alice,
        "alice",
        &world.file("photo.bin", vec![7; 200_000]),
    );
    let album = world.path("album");
    fs::create_dir_all(album.join("empty/deeper")).unwrap();
    fs::create_dir_all(album.join("in")).unwrap();
    fs::write(album.join("in/page.txt"), "a page").unwrap();
    fs::write(album.join("in/none"), "").unwrap();
    keep(bob, alice, "alice", path(&album));
    eventually(Duration::from_secs(20), "both files are kept", || {
        let files = alice.json(&["file", "list"]);
        files.iter().filter(|file| file["state"] == "done").count() == 2
    });
    alice.recv();
}

#[test]
fn after_export_wipe_and_import_two_people_pair_again_and_talk_on() {
    let (world, alice, bob) = World::alice_and_bob();
    talk(&world, &alice, &bob);
    bob.stop();
    let lost = [
        "send",
        "bob",
        "-m",
        "never left",
        "--wait",
        "queued",
        "--json",
    ];
    let lost = alice.run(&lost).ok().last_event()["id"].clone();
    let before = history(&alice, "bob");
    let contact = alice.object(&["contact", "show", "bob"]);
    let file = archive(&world, &alice, "a.age", &[]);
    alice.stop();
    fs::remove_dir_all(&alice.dir).unwrap();

    // Bob says something to who is gone.
    bob.start();
    bob.run(&["send", "alice", "-m", "are you there?", "--wait", "queued"])
        .ok();

    let new = world.home("a2", "alice");
    new.start();
    let done = import(&new, &alice, &file, &[]);
    let length = before.len() as u64;
    assert_eq!(counts(&done), [length, 0, 0, 2], "{done}");
    assert_eq!(done["unpaired"][0]["name"], "bob");
    let mut expected = before.clone();
    for message in &mut expected {
        if message["id"] == lost {
            assert_eq!(message["state"], "queued");
            message["state"] = "failed".into();
        }
    }
    let after = history(&new, "bob");
    for (before, after) in expected.iter().zip(&after) {
        assert_eq!(before, after);
    }
    assert_eq!(expected.len(), after.len());
    assert!(new.recv().is_empty(), "history is no news");
    let found = new.json(&["search", "typo"]);
    assert_eq!(found.len(), 1);
    let restored = new.object(&["contact", "show", "bob"]);
    for field in [
        "id",
        "name",
        "fingerprint",
        "verified",
        "trust",
        "devices",
        "added_at",
    ] {
        assert_eq!(restored[field], contact[field], "{field}");
    }
    assert_eq!(restored["paired"], false);

    // Files are whole: hashed again on their way out.
    let out = world.path("out");
    fs::create_dir(&out).unwrap();
    for file in new.json(&["file", "list"]) {
        let id = file["id"].as_str().unwrap();
        new.run(&["file", "accept", id, "-o", path(&out)]).ok();
    }
    assert!(fs::read(out.join("photo.bin")).unwrap() == vec![7; 200_000]);
    assert_eq!(fs::read(out.join("album/in/page.txt")).unwrap(), b"a page");
    assert!(out.join("album/empty/deeper").is_dir());

    // Without a pairing nothing is sent, and nothing is lost either.
    let theirs = before
        .iter()
        .find(|message| message["dir"] == "in")
        .unwrap();
    let theirs = theirs["id"].as_str().unwrap();
    for act in [
        &["send", "bob", "-m", "x"][..],
        &["react", theirs, "x"],
        &["pipe", "bob:x"],
        &["send", "bob", "-f", path(&out.join("photo.bin"))],
    ] {
        let refused = new.run(act).exits(5).advises();
        refused.says("pair invite --as bob");
    }
    let listed = new.run(&["contact", "list"]).ok();
    assert!(listed.text().contains("pair again"), "{listed}");

    // Bob sees another identity and decides; Alice meets the Bob that she knew.
    pair(&new, "bob", &bob, "alice");
    assert_eq!(new.json(&["contact", "list"]).len(), 1);
    let paired = new.object(&["contact", "show", "bob"]);
    assert_eq!(
        (&paired["paired"], &paired["verified"], &paired["id"]),
        (&json!(true), &json!(true), &restored["id"])
    );
    bob.run(&["send", "alice", "-m", "x"])
        .exits(6)
        .says("contact trust");
    let fingerprint = new.object(&["identity", "show"])["fingerprint"].clone();
    let trust = [
        "contact",
        "trust",
        "alice",
        "--fingerprint",
        fingerprint.as_str().unwrap(),
    ];
    bob.run(&trust).ok();
    new.deliver("bob", "here I am");
    assert_eq!(
        new.recv_texts(1, Duration::from_secs(20)),
        ["are you there?"]
    );
    bob.deliver("alice", "good");
    assert_eq!(bob.json(&["contact", "list"]).len(), 1);
    let now = history(&new, "bob");
    assert_eq!(now[..after.len()], after[..]);
    assert_eq!(now.len(), after.len() + 3);
    new.run(&[
        "edit",
        before[0]["id"].as_str().unwrap(),
        "-m",
        "edited later",
        "--wait",
        "delivered",
    ])
    .ok();
    assert_eq!(history(&bob, "alice")[0]["body"]["text"], "edited later");
    assert!(new.object(&["vault", "check"])["ok"] == true);

    // And what was taken in goes out again as it was.
    let again = import(&new, &alice, &file, &[]);
    assert_eq!(again["contacts_changed"], 0);
    assert_eq!(
        counts(&again),
        [0, 0, length, 0],
        "files were taken out, and stay out"
    );
}

#[test]
fn a_second_import_changes_nothing_and_says_so() {
    let (world, alice, bob) = World::alice_and_bob();
    talk(&world, &alice, &bob);
    let before = history(&alice, "bob");
    let file = archive(&world, &alice, "a.age", &[]);
    // Into the vault that it is of, too: what was deleted stays deleted.
    let removed = before.last().unwrap()["id"].as_str().unwrap().to_owned();
    let removed = removed.trim_start_matches("f_").to_owned();
    let done = alice
        .alone(&["import", path(&file), "--json"])
        .ok()
        .last_event();
    assert_eq!(counts(&done), [0, 0, before.len() as u64, 0]);
    assert_eq!(history(&alice, "bob"), before);
    alice.run(&["delete", &removed]).ok();
    let done = alice
        .alone(&["import", path(&file), "--json"])
        .ok()
        .last_event();
    assert_eq!(counts(&done), [0, 0, before.len() as u64, 0]);
    assert_eq!(history(&alice, "bob").last().unwrap()["body"], Value::Null);
    alice.deliver("bob", "the session is as it was");
    alice
        .alone(&["import", path(&file)])
        .ok()
        .says("nothing new");

    // A contact that was removed comes back with the history, and without keys.
    alice.run(&["contact", "remove", "bob", "--yes"]).ok();
    let done = alice
        .alone(&["import", path(&file), "--json"])
        .ok()
        .last_event();
    assert_eq!(counts(&done)[0], before.len() as u64);
    assert_eq!(history(&alice, "bob"), before);
    pair(&bob, "alice", &alice, "bob");
    alice.deliver("bob", "again");
    bob.deliver("alice", "again");
    let files = fs::read_dir(alice.dir.join("vault/files")).unwrap().count();
    let listed = alice.json(&["file", "list"]).len();
    assert!(files >= listed && listed == 2, "{files} {listed}");
}

#[test]
fn a_base_and_its_increments_make_what_one_archive_makes() {
    let (world, alice, bob) = World::alice_and_bob();
    talk(&world, &alice, &bob);
    let base = archive(&world, &alice, "base.age", &[]);
    let all = history(&alice, "bob");
    let own = |text: &str| {
        let found = all.iter().find(|message| message["body"]["text"] == text);
        found.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let increment = |name: &str, base: &Path| {
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
        alice.alone(&args).ok();
        file
    };
    // Nothing happened, so there is nothing in it.
    let nothing = increment("nothing.age", &base);
    let small = fs::metadata(&nothing).unwrap().len();
    assert!(
        small < 16 * 1024 && fs::metadata(&base).unwrap().len() > 200_000,
        "{small}"
    );

    alice
        .run(&[
            "edit",
            &own("without a typo"),
            "-m",
            "better",
            "--wait",
            "delivered",
        ])
        .ok();
    bob.run(&["react", &own("an answer"), "🎉", "--wait", "delivered"])
        .ok();
    alice.run(&["delete", &own("of bob")]).ok();
    alice.deliver("bob", "new of alice");
    let first = increment("first.age", &base);
    bob.deliver("alice", "new of bob");
    keep(
        &bob,
        &alice,
        "alice",
        &world.file("second.bin", vec![8; 100_000]),
    );
    bob.run(&["react", &own("an answer"), "", "--wait", "delivered"])
        .ok();
    let second = increment("second.age", &first);
    let whole = archive(&world, &alice, "whole.age", &[]);

    let (one, other) = (world.home("one", "alice"), world.home("other", "alice"));
    one.start();
    other.start();
    import(&one, &alice, &whole, &[]);
    // In another order there would be holes.
    let words = alice.words_file();
    let too_early = [
        "import",
        path(&first),
        "--words-file",
        path(&words),
        "--json",
    ];
    let refused = other.run(&too_early).exits(2).advises();
    assert_eq!(refused.last_event()["code"], "base_missing");
    assert!(
        other.json(&["contact", "list"]).is_empty(),
        "nothing was taken in"
    );
    for file in [&base, &first, &second] {
        import(&other, &alice, file, &[]);
    }
    let last = import(&other, &alice, &second, &[]);
    assert_eq!(counts(&last)[..2], [0, 0], "{last}");
    assert_eq!(history(&one, "bob"), history(&other, "bob"));
    assert_eq!(history(&other, "bob"), history(&alice, "bob"));
    for list in [&["contact", "show", "bob"][..], &["file", "list"]] {
        let told = |home: &Home| {
            let mut lines = home.json(list);
            for line in &mut lines {
                // Of the two identities that restored it.
                line["safety_number"] = Value::Null;
            }
            lines
        };
        assert_eq!(told(&one), told(&other), "{list:?}");
    }

    // A readable copy builds on either; an archive on an archive.
    let page = zip(&world, &alice, "some.zip", &["--incremental", path(&first)]);
    alice
        .alone(&[
            "export",
            "--format",
            "archive",
            "-o",
            "x",
            "--incremental",
            path(&page),
        ])
        .exits(2)
        .advises();
    zip(&world, &alice, "more.zip", &["--incremental", path(&page)]);
    fs::write(world.path("damaged"), &fs::read(&base).unwrap()[..50_000]).unwrap();
    let damaged = world.path("damaged");
    alice
        .alone(&[
            "export",
            "--format",
            "archive",
            "-o",
            "x",
            "--incremental",
            path(&damaged),
        ])
        .exits(12)
        .advises();
}

#[test]
fn what_is_damaged_or_strange_is_refused_and_changes_nothing() {
    let (world, alice, bob) = World::alice_and_bob();
    talk(&world, &alice, &bob);
    let whole = archive(&world, &alice, "a.age", &[]);
    let copy = zip(&world, &alice, "a.zip", &[]);
    let (words, others) = (alice.words_file(), bob.words_file());
    let new = world.home("a2", "alice");
    new.start();
    let refused = |file: &Path, words: &Path, code: i32| -> Done {
        let args = ["import", path(file), "--words-file", path(words), "--json"];
        let refused = new.run(&args).exits(code).advises();
        assert!(new.json(&["contact", "list"]).is_empty(), "{refused}");
        refused
    };
    let bytes = fs::read(&whole).unwrap();
    let bad = world.path("bad");
    for at in [0, 1, 100, 300, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&bad, &bytes[..at]).unwrap();
        refused(&bad, &words, 12);
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        fs::write(&bad, &flipped).unwrap();
        let args = ["import", path(&bad), "--words-file", path(&words)];
        let code = new.run(&args).advises().code;
        assert!([4, 12].contains(&code), "{at}: {code}");
    }
    assert_eq!(
        refused(&whole, &others, 4).last_event()["code"],
        "wrong_key"
    );
    refused(&copy, &words, 2);
    let nowhere = world.path("none");
    new.run(&["import", path(&nowhere)]).exits(3);
    let args = ["import", path(&whole), "--passphrase-file", path(&words)];
    new.run(&args).exits(2).advises();
    let files = fs::read_dir(new.dir.join("vault/files")).unwrap().count();
    assert_eq!(files, 0, "no file was left behind");

    if !have(&["age", "tar"]) {
        return;
    }
    let manifest = json!({"format": "solo2-archive", "version": 2});
    let newer = sealed(
        &world,
        &alice,
        "newer",
        &[("manifest.json", format!("{manifest}\n"))],
    );
    let newer = refused(&newer, &words, 2);
    assert_eq!(newer.last_event()["code"], "newer_version");
}

/// Packs and encrypts files as anybody can who knows to whom.
fn sealed(world: &World, to: &Home, name: &str, files: &[(&str, String)]) -> PathBuf {
    let directory = world.path(&format!("{name}.d"));
    fs::create_dir(&directory).unwrap();
    for (path, text) in files {
        fs::write(directory.join(path), text).unwrap();
    }
    let names: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    packed(world, to, name, &directory, &names)
}

fn packed(world: &World, to: &Home, name: &str, directory: &Path, names: &[&str]) -> PathBuf {
    let key = to.run(&[
        "identity",
        "age-key",
        "--words-file",
        path(&to.words_file()),
    ]);
    let key = key.ok().text().to_owned();
    let recipient = key
        .lines()
        .find_map(|line| line.strip_prefix("# public key: "));
    let tar = world.path(&format!("{name}.tar"));
    let mut args = vec!["--format=ustar", "-C", path(directory), "-cf", path(&tar)];
    args.extend(names);
    tool("tar", &args, b"");
    let file = world.path(&format!("{name}.age"));
    tool(
        "age",
        &["-r", recipient.unwrap(), "-o", path(&file), path(&tar)],
        b"",
    );
    file
}

/// Alice's archive with `count` messages more, as large ones come about in years.
fn long(world: &World, alice: &Home, name: &str, count: u64) -> PathBuf {
    let small = archive(world, alice, &format!("{name}.small"), &[]);
    let directory = unpacked(world, &format!("{name}.d"), &opened(world, alice, &small));
    let mut conversations = fs::read_dir(directory.join("conversations")).unwrap();
    let conversation = conversations.next().unwrap().unwrap().path();
    let conversation = conversation.strip_prefix(&directory).unwrap().to_owned();
    let mut lines = String::new();
    for number in 0..count {
        let id = format!("0{:025}", 1_000_000_000 + number);
        let second = number % 60;
        let minute = number / 60 % 60;
        let hour = number / 3600 % 24;
        let day = 1 + number / 86_400 % 28;
        let at = format!("2025-01-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z");
        let record = json!({"v": 1, "type": "message", "n": 1_000_000 + number, "id": id, "ts": at,
            "stored_at": at, "dir": if number % 2 == 0 { "in" } else { "out" }, "kind": "text",
            "body": {"text": format!("number {number} of a long conversation about nothing")},
            "state": (number % 2 == 1).then_some("read"), "state_at": (number % 2 == 1).then_some(&at),
            "route": "direct", "reactions": []});
        lines.push_str(&record.to_string());
        lines.push('\n');
    }
    let part = conversation.join("messages-000002.jsonl");
    fs::write(directory.join(&part), lines).unwrap();
    fs::remove_file(directory.join("SHA256SUMS")).unwrap();
    let first = conversation.join("messages-000001.jsonl");
    let names = [
        "manifest.json",
        "contacts.jsonl",
        path(&first),
        path(&part),
        "records.idx",
    ];
    let mut sums = std::process::Command::new("sha256sum");
    sums.args(names).current_dir(&directory);
    let sums = sums.output().unwrap().stdout;
    fs::write(directory.join("SHA256SUMS"), sums).unwrap();
    let mut names = names.to_vec();
    names.push("SHA256SUMS");
    packed(world, alice, name, &directory, &names)
}

#[test]
fn a_killed_import_goes_on_where_it_was_and_ends_the_same() {
    if !have(&["age", "tar", "sha256sum"]) {
        return;
    }
    let (world, alice, bob) = World::alice_and_bob();
    alice.deliver("bob", "one");
    bob.deliver("alice", "two");
    let count = knob("SOLO2_IMPORT", 20_000);
    let file = long(&world, &alice, "long", count);
    let calm = world.home("calm", "alice");
    calm.start();
    let begun = Instant::now();
    let done = import(&calm, &alice, &file, &[]);
    println!("{count} messages in {:?}", begun.elapsed());
    assert_eq!(counts(&done), [count + 2, 0, 0, 0]);

    let killed = world.home("killed", "alice");
    let words = alice.words_file();
    let mut kills = 0;
    let mut before = 0;
    for wait in [400, 800, 1600, 3200] {
        killed.start();
        let agent = killed.pid();
        let mut command = killed.command(&["import", path(&file), "--words-file", path(&words)]);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let mut code = None;
        while begun.elapsed() < Duration::from_millis(wait) && code.is_none() {
            thread::sleep(Duration::from_millis(20));
            code = child.try_wait().unwrap();
        }
        kill_process(agent, Signal::KILL).unwrap();
        kills += u64::from(code.is_none());
        child.wait().unwrap();
        eventually(Duration::from_secs(10), "the agent is gone", || {
            rustix::process::test_kill_process(agent).is_err()
                || fs::read_to_string(format!("/proc/{}/stat", agent.as_raw_nonzero()))
                    .is_ok_and(|stat| stat.contains(") Z "))
        });
        killed.start();
        let there = killed.json(&["history", "-n", "100000"]).len();
        assert!(there >= before, "what was there stays there");
        before = there;
        killed.stop();
    }
    assert!(kills > 0, "none came in time");
    killed.start();
    import(&killed, &alice, &file, &[]);
    assert_eq!(history(&killed, "bob"), history(&calm, "bob"));
    assert_eq!(killed.object(&["vault", "check"])["ok"], true);
    let again = import(&killed, &alice, &file, &[]);
    assert_eq!(counts(&again), [0, 0, count + 2, 0]);
    let mut ids = BTreeMap::new();
    for message in history(&killed, "bob") {
        *ids.entry(message["id"].to_string()).or_insert(0) += 1;
    }
    assert!(
        ids.values().all(|times| *times == 1),
        "nothing is there twice"
    );
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let (world, alice, bob) = World::alice_and_bob();
    talk(&world, &alice, &bob);
    let length = history(&alice, "bob").len() as u64;
    let file = archive(&world, &alice, "a.age", &[]);
    let new = world.home("a2", "alice");
    new.start();
    let done = import(&new, &alice, &file, &["--dry-run"]);
    assert_eq!(
        (&done["dry_run"], &done["contacts"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(counts(&done), [length, 0, 0, 2]);
    assert!(new.json(&["contact", "list"]).is_empty());
    assert_eq!(
        fs::read_dir(new.dir.join("vault/files")).unwrap().count(),
        0
    );
    assert_eq!(counts(&import(&new, &alice, &file, &[])), [length, 0, 0, 2]);
    let done = import(&new, &alice, &file, &["--dry-run"]);
    assert_eq!(counts(&done), [0, 0, length, 0]);
}

#[test]
fn an_import_works_embedded_from_stdin_and_with_a_passphrase() {
    let (world, alice, bob) = World::alice_and_bob();
    talk(&world, &alice, &bob);
    let before = history(&alice, "bob");
    let pass = world.file("pass", "open sesame, please");
    let file = archive(&world, &alice, "p.age", &["--passphrase-file", &pass]);
    let new = world.home("a2", "alice");
    let mut command = new.command(&["import", "-", "--passphrase-file", &pass, "--json"]);
    command.arg("--password-file").arg(new.password_file());
    let bytes = fs::read(&file).unwrap();
    let done = crate::command::finish(command, Some(&bytes), Duration::from_secs(60)).ok();
    let events = done.events();
    assert_eq!(events.last().unwrap()["type"], "import.done");
    assert!(
        events
            .iter()
            .any(|event| event["type"] == "import.progress")
    );
    new.start();
    assert_eq!(history(&new, "bob"), before);
    // The words of this vault are not needed for its own archives.
    let own = archive(&world, &new, "own.age", &[]);
    new.stop();
    new.alone(&["import", path(&own)]).ok().says("nothing new");
    let wrong = world.file("wrong", "open barley");
    new.alone(&["import", path(&file), "--passphrase-file", &wrong])
        .exits(4)
        .advises();
    new.run(&["import"]).exits(2);
}

#[test]
fn who_pairs_before_importing_reads_the_old_messages_before_the_new_ones() {
    let (world, alice, bob) = World::alice_and_bob();
    talk(&world, &alice, &bob);
    let before = history(&alice, "bob");
    let file = archive(&world, &alice, "a.age", &[]);
    alice.stop();
    let new = world.home("a2", "alice");
    new.start();
    bob.run(&["contact", "remove", "alice", "--yes"]).ok();
    pair(&new, "robert", &bob, "alice");
    new.deliver("robert", "new one");
    bob.deliver("alice", "new two");
    let done = import(&new, &alice, &file, &[]);
    assert_eq!(
        (&done["contacts"], &done["unpaired"]),
        (&json!(0), &json!([]))
    );
    new.deliver("robert", "new three");
    let after = history(&new, "robert");
    let told = |all: &[Value]| -> Vec<String> {
        all.iter()
            .map(|message| message["id"].to_string())
            .collect()
    };
    assert_eq!(told(&after)[..before.len()], told(&before)[..]);
    let new_ones = crate::world::texts(&after[before.len()..]);
    assert_eq!(new_ones, ["new one", "new two", "new three"]);
    let newest = new.json(&["history", "robert", "-n", "4"]);
    assert_eq!(told(&newest), told(&after)[after.len() - 4..]);
    // So does a readable copy.
    if have(&["unzip"]) {
        let copy = zip(&world, &new, "both.zip", &["--no-files"]);
        let unpacked = world.path("copied");
        tool("unzip", &["-q", path(&copy), "-d", path(&unpacked)], b"");
        let live: Vec<Value> = after
            .iter()
            .filter(|message| message["body"] != Value::Null)
            .cloned()
            .collect();
        assert_eq!(told(&records(&unpacked)), told(&live));
    }
    // And so it is where that archive is taken in.
    let both = archive(&world, &new, "both.age", &[]);
    let third = world.home("a3", "alice");
    third.start();
    import(&third, &new, &both, &[]);
    assert_eq!(told(&history(&third, "robert")), told(&after));
}

#[test]
fn a_full_disk_ends_an_import_with_whole_messages_and_room_lets_it_go_on() {
    if !crate::world::is_root() {
        println!("skipped: needs root");
        return;
    }
    let (world, alice, bob) = World::alice_and_bob();
    keep(
        &bob,
        &alice,
        "alice",
        &world.file("large", vec![7; 24 << 20]),
    );
    alice.deliver("bob", "hello");
    let before = history(&alice, "bob");
    let file = archive(&world, &alice, "a.age", &[]);
    let Some(small) = crate::disk::Small::mount(world.path("a2"), "48m") else {
        println!("skipped: needs tmpfs");
        return;
    };
    let new = world.home("a2", "alice");
    new.start();
    let filler = small.at.join("filler");
    let mut size = 48usize << 20;
    while fs::write(&filler, vec![0; size]).is_err() {
        size -= 64 << 10;
    }
    fs::write(&filler, vec![0; size.saturating_sub(8 << 20)]).unwrap();
    let words = alice.words_file();
    let args = [
        "import",
        path(&file),
        "--words-file",
        path(&words),
        "--json",
    ];
    let refused = new.run(&args).exits(3).advises();
    assert_eq!(refused.last_event()["code"], "disk_full", "{refused}");
    assert_eq!(
        fs::read_dir(new.dir.join("vault/files")).unwrap().count(),
        0
    );
    fs::remove_file(&filler).unwrap();
    import(&new, &alice, &file, &[]);
    assert_eq!(history(&new, "bob"), before);
    new.stop();
    drop(small);
}

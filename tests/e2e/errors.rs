//! Bad input and bad luck: a clear error, a remedy, its exit code, nothing lost.

use std::fs;
use std::time::Duration;

use crate::world::{PASSWORD, World, eventually, texts};

/// The same code with its last word changed.
fn wrong(code: &str) -> String {
    let (front, last) = code.rsplit_once('-').unwrap();
    let other = if last == "zebra" { "abandon" } else { "zebra" };
    format!("{front}-{other}")
}

#[test]
fn three_wrong_guesses_burn_an_invite() {
    let world = World::new();
    let (a, b) = (world.home("a", "alice"), world.home("b", "bob"));
    a.start();
    b.start();
    let mut invite = a.stream(&["pair", "invite", "--as", "bob", "--json"]);
    let code = invite.event("pair.invite")["code"]
        .as_str()
        .unwrap()
        .to_owned();
    for guess in 1..=3 {
        let done = b.run(&["pair", "join", &wrong(&code), "--as", "alice", "--json"]);
        assert_eq!(done.code, 11, "guess {guess}: {done}");
        done.advises();
    }
    invite.end().exits(11).advises();
    let late = b.run(&[
        "pair",
        "join",
        &code,
        "--as",
        "alice",
        "--timeout",
        "20s",
        "--json",
    ]);
    assert_ne!(late.code, 0, "the right code comes too late: {late}");
    assert!(matches!(late.code, 7 | 11), "{late}");
    late.advises();
    assert!(a.json(&["contact", "list"]).is_empty());
    assert!(b.json(&["contact", "list"]).is_empty());
    assert!(a.json(&["pair", "list"]).is_empty());
    // Nothing is wrong with either side.
    crate::world::pair(&a, "bob", &b, "alice");
}

#[test]
fn two_wrong_guesses_leave_an_invite_open() {
    let world = World::new();
    let (a, b) = (world.home("a", "alice"), world.home("b", "bob"));
    a.start();
    b.start();
    let mut invite = a.stream(&["pair", "invite", "--as", "bob", "--json"]);
    let code = invite.event("pair.invite")["code"]
        .as_str()
        .unwrap()
        .to_owned();
    for _ in 0..2 {
        b.run(&["pair", "join", &wrong(&code)]).exits(11);
    }
    b.run(&["pair", "join", &code, "--as", "alice"]).ok();
    invite.event("pair.accepted");
    invite.end().ok();
}

#[test]
fn a_code_is_forgiving_about_form() {
    let world = World::new();
    let (a, b) = (world.home("a", "alice"), world.home("b", "bob"));
    a.start();
    b.start();
    let mut invite = a.stream(&["pair", "invite", "--json"]);
    let code = invite.event("pair.invite")["code"]
        .as_str()
        .unwrap()
        .to_owned();
    let spoken = code.to_uppercase().replace('-', " ");
    let words: Vec<_> = spoken.split(' ').collect();
    let mut args = vec!["pair", "join"];
    args.extend(&words);
    b.run(&args).ok();
    invite.end().ok();
    // Without --as they have the names that they gave themselves.
    a.run(&["contact", "show", "bob"]).ok();
    b.run(&["contact", "show", "alice"]).ok();
}

#[test]
fn a_code_that_is_none_is_a_usage_error() {
    let world = World::new();
    let a = world.home("a", "alice");
    a.start();
    for bad in [
        "",
        "7",
        "cross",
        "0-cross-clock",
        "7-cross-clokc",
        "99999-a-b",
    ] {
        a.run(&["pair", "join", bad]).exits(2);
    }
}

#[test]
fn an_expired_invite_is_gone() {
    let world = World::new();
    let (a, b) = (world.home("a", "alice"), world.home("b", "bob"));
    a.start();
    b.start();
    let mut invite = a.stream(&["pair", "invite", "--ttl", "1s", "--json"]);
    let code = invite.event("pair.invite")["code"]
        .as_str()
        .unwrap()
        .to_owned();
    let ended = invite.end();
    assert!(matches!(ended.code, 7 | 11), "{ended}");
    ended.advises();
    let late = b.run(&["pair", "join", &code, "--timeout", "10s", "--json"]);
    assert!(matches!(late.code, 7 | 11), "{late}");
    late.advises();
}

#[test]
fn ones_own_invite_cannot_be_joined() {
    let world = World::new();
    let a = world.home("a", "alice");
    a.start();
    let mut invite = a.stream(&["pair", "invite", "--json"]);
    let code = invite.event("pair.invite")["code"]
        .as_str()
        .unwrap()
        .to_owned();
    let own = a.run(&["pair", "join", &code, "--timeout", "20s", "--json"]);
    assert!(matches!(own.code, 2 | 11), "{own}");
    assert!(a.json(&["contact", "list"]).is_empty());
    assert_ne!(invite.interrupt().code, 0);
}

#[test]
fn ctrl_c_takes_an_invite_back() {
    let world = World::new();
    let (a, b) = (world.home("a", "alice"), world.home("b", "bob"));
    a.start();
    b.start();
    let mut invite = a.stream(&["pair", "invite", "--json"]);
    let code = invite.event("pair.invite")["code"]
        .as_str()
        .unwrap()
        .to_owned();
    invite.interrupt().exits(130);
    eventually(Duration::from_secs(5), "the invite is closed", || {
        a.json(&["pair", "list"]).is_empty()
    });
    let late = b.run(&["pair", "join", &code, "--timeout", "10s"]);
    assert!(matches!(late.code, 7 | 11), "{late}");
}

#[test]
fn an_invite_without_waiting_is_kept_by_the_agent() {
    let world = World::new();
    let (a, b) = (world.home("a", "alice"), world.home("b", "bob"));
    a.start();
    b.start();
    let invite = a.object(&["pair", "invite", "--as", "bob", "--no-wait"]);
    assert_eq!(invite["type"], "pair.invite");
    assert_eq!(a.json(&["pair", "list"]).len(), 1);
    b.run(&[
        "pair",
        "join",
        invite["code"].as_str().unwrap(),
        "--as",
        "alice",
    ])
    .ok();
    eventually(Duration::from_secs(10), "the agent has the contact", || {
        a.run(&["contact", "show", "bob"]).code == 0
    });
    a.deliver("bob", "hello");
}

#[test]
fn strangers_and_unknown_ids_are_named() {
    let (_world, a, _b) = World::alice_and_bob();
    a.run(&["send", "carol", "-m", "x"])
        .exits(5)
        .advises()
        .says("carol");
    a.run(&["send", "bob", "carol", "-m", "x"])
        .exits(5)
        .says("carol");
    assert!(a.json(&["history", "bob"]).is_empty(), "all or nothing");
    a.run(&["contact", "show", "carol", "--json"])
        .exits(5)
        .advises();
    a.run(&["history", "carol"]).exits(5);
    a.run(&["recv", "--from", "carol"]).exits(5);
    let nothing = "01J9ZQ6Y3N8V5T2K7M4R1B0C9D";
    for verb in [
        &["edit", nothing, "-m", "x"][..],
        &["delete", nothing],
        &["react", nothing, "👍"],
        &["queue", "cancel", nothing],
        &["queue", "show", nothing],
        &["send", "bob", "-m", "x", "--reply-to", nothing],
    ] {
        a.run(verb).exits(5);
    }
    a.run(&["edit", "not-an-id", "-m", "x"]).exits(2);
}

#[test]
fn a_blocked_contact_neither_gets_nor_gives() {
    let (_world, a, b) = World::alice_and_bob();
    a.deliver("bob", "before");
    b.run(&["contact", "block", "alice"]).ok();
    a.run(&[
        "send",
        "bob",
        "-m",
        "into the void",
        "--wait",
        "delivered",
        "--timeout",
        "3s",
    ])
    .exits(7);
    let refused = b.run(&["send", "alice", "-m", "x", "--json"]);
    assert!(matches!(refused.code, 2 | 6 | 11), "{refused}");
    refused.advises();
    assert_eq!(b.recv_texts(1, Duration::from_secs(2)), ["before"]);
    assert!(b.recv_texts(1, Duration::from_millis(300)).is_empty());
    b.run(&["contact", "unblock", "alice"]).ok();
    assert_eq!(
        b.recv_texts(1, Duration::from_secs(60)),
        ["into the void"],
        "the sender kept it"
    );
}

#[test]
fn a_second_owner_is_refused() {
    let world = World::new();
    let a = world.home("a", "alice");
    a.start();
    let pid = a.pid();
    let begun = std::time::Instant::now();
    a.alone(&["agent", "run", "--lock-timeout", "1s"])
        .exits(14)
        .advises();
    a.alone(&[
        "contact",
        "list",
        "--agent",
        "never",
        "--lock-timeout",
        "1s",
        "--json",
    ])
    .exits(14)
    .advises();
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(a.pid(), pid, "the first one is unmoved");
}

#[test]
fn a_wrong_password_is_told_apart_and_changes_nothing() {
    let (world, a, b) = World::alice_and_bob();
    a.stop();
    let wrong = world.file("wrong", "Correct horse battery staple");
    for verb in [
        &["agent", "start"][..],
        &["contact", "list"],
        &["send", "bob", "-m", "x"],
    ] {
        let mut args = verb.to_vec();
        args.extend(["--password-file", &wrong]);
        a.run(&args).exits(4).advises().says("password");
        args.push("--json");
        let error = a.run(&args).exits(4).advises().last_event();
        assert!(
            !error.to_string().contains("Correct"),
            "no secret in an error: {error}"
        );
    }
    a.run(&["contact", "list", "--no-input"]).exits(4).advises();
    a.run(&["contact", "list", "--password-file", "nowhere"])
        .exits(3)
        .advises();
    a.run(&["contact", "list", "--agent", "require"])
        .exits(4)
        .advises();
    // One line end is not part of a password.
    let with_line_end = world.file("pw-line", format!("{PASSWORD}\n"));
    a.run(&["contact", "list", "--password-file", &with_line_end])
        .ok();
    a.start();
    a.deliver("bob", "fine");
    assert_eq!(b.recv_texts(1, Duration::from_secs(10)), ["fine"]);
}

#[test]
fn a_password_is_not_taken_from_the_environment() {
    let world = World::new();
    let a = world.home("a", "alice");
    let mut command = a.command(&["contact", "list", "--no-input"]);
    command.env("SOLO2_PASSWORD", PASSWORD);
    crate::command::finish(command, None, Duration::from_secs(30)).exits(4);
    let mut command = a.command(&["contact", "list", "--no-input"]);
    command.env("SOLO2_PASSWORD_FILE", a.password_file());
    crate::command::finish(command, None, Duration::from_secs(30)).ok();
}

#[test]
fn the_words_open_the_vault_and_a_wrong_word_is_named() {
    let world = World::new();
    let a = world.home("a", "alice");
    a.start();
    let words = fs::read_to_string(a.words_file()).unwrap();
    let path = a.words_file();
    let path = path.to_str().unwrap();
    a.run(&["identity", "words", "confirm", "--from", path])
        .ok();
    // Words on paper come back in capitals and with other spaces.
    let paper = world.file(
        "paper",
        words.trim().to_uppercase().replace(' ', " \n ") + "\n",
    );
    a.run(&["identity", "words", "confirm", "--from", &paper])
        .ok();

    let mut list: Vec<&str> = words.split_whitespace().collect();
    list[4] = "absurdity";
    let misspelt = world.file("misspelt", list.join(" "));
    a.run(&["identity", "words", "confirm", "--from", &misspelt])
        .exits(2)
        .advises()
        .says("absurdity")
        .says("5");
    let short = world.file("short", list[..23].join(" "));
    a.run(&["identity", "words", "confirm", "--from", &short])
        .exits(2)
        .advises();
    let mut list: Vec<&str> = words.split_whitespace().collect();
    // The last word holds the checksum: of 2048, eight fit.
    list[23] = if list[23] == "zoo" { "zone" } else { "zoo" };
    let sum = world.file("sum", list.join(" "));
    let done = a.run(&["identity", "words", "confirm", "--from", &sum]);
    assert!(matches!(done.code, 2 | 12), "{done}");

    a.run(&["vault", "lock"]).ok();
    assert_eq!(a.object(&["vault", "status"])["locked"], true);
    a.run(&["contact", "list", "--no-input"]).exits(4).advises();
    a.run(&["vault", "unlock", "--words-file", &misspelt])
        .exits(2)
        .says("absurdity");
    a.run(&["vault", "unlock", "--words-file", path]).ok();
    assert_eq!(a.object(&["vault", "status"])["locked"], false);
    a.run(&["contact", "list"]).ok();
}

#[test]
fn what_is_not_there_is_said_to_be_missing() {
    let world = World::new();
    let nobody = world.empty_home("nobody-here");
    for verb in [
        &["contact", "list"][..],
        &["send", "bob", "-m", "x"],
        &["recv"],
        &["agent", "start"],
        &["pair", "list"],
    ] {
        nobody.alone(verb).exits(3).advises().says("init");
    }
    assert!(!nobody.dir.join("vault").exists(), "asking creates nothing");
    let a = world.home("a", "alice");
    let before = fs::read(a.words_file()).unwrap();
    a.init("again").exits(3).advises().says("exists");
    assert_eq!(
        fs::read(a.words_file()).unwrap(),
        before,
        "words are never overwritten"
    );
    a.alone(&["contact", "list"]).ok();
}

#[test]
fn without_a_network_messages_are_kept_and_pairing_says_so() {
    let world = World::new();
    let (a, b) = (world.home("a", "alice"), world.home("b", "bob"));
    let c = world.home("c", "carol");
    for home in [&a, &b, &c] {
        home.start();
    }
    crate::world::pair(&a, "bob", &b, "alice");
    a.stop();
    b.stop();
    world.kill_signal();
    a.start();
    b.start();
    let late = a
        .run(&[
            "send",
            "bob",
            "-m",
            "kept",
            "--wait",
            "delivered",
            "--timeout",
            "3s",
            "--json",
        ])
        .exits(7);
    assert!(late.took < Duration::from_secs(10), "{late}");
    let result = late
        .events()
        .into_iter()
        .rfind(|event| event["type"] == "send.result")
        .unwrap();
    assert_eq!(result["satisfied"], false);
    assert_eq!(a.json(&["queue", "list"]).len(), 1);
    a.run(&["queue", "flush", "--timeout", "1s"]).exits(7);
    c.run(&["pair", "invite", "--timeout", "10s", "--json"])
        .exits(9)
        .advises();
    c.run(&["pair", "join", "7-cross-clock", "--json"])
        .exits(9)
        .advises();

    world.start_signal();
    assert_eq!(b.recv_texts(1, Duration::from_secs(90)), ["kept"]);
    a.wait_flushed(Duration::from_secs(10));
}

#[test]
fn plain_websockets_are_for_this_machine_only() {
    let world = World::new();
    let a = world.empty_home("a");
    let password = world.path("pw");
    let done = a.run(&[
        "init",
        "--no-account",
        "--name",
        "a",
        "--password-file",
        password.to_str().unwrap(),
        "--words-out",
        world.path("w").to_str().unwrap(),
        "--signal",
        "ws://signal.example:7400",
    ]);
    assert!(matches!(done.code, 2 | 3), "{done}");
    assert!(!a.dir.join("vault").exists());
}

#[test]
fn flags_and_verbs_are_never_guessed() {
    let world = World::new();
    let a = world.empty_home("a");
    a.run(&["sen", "bob"]).exits(2);
    a.run(&["send", "bob", "-m", "x", "--wai", "none"]).exits(2);
    a.run(&["--route", "sideways", "version"]).exits(2);
    let error = a.run(&["--json", "nonsense"]).exits(2).last_event();
    assert_eq!(error["type"], "error");
    assert_eq!(error["exit"], 2);
    let bare = std::process::Command::new(crate::world::solo2());
    let empty = crate::command::finish(bare, None, Duration::from_secs(10));
    assert_eq!(empty.code, 0, "an empty command is a newcomer");
    assert!(
        empty.stderr.contains("pair invite") || empty.text().contains("pair invite"),
        "{empty}"
    );
    a.run(&["version", "--json"]).ok().events();
    assert!(a.run(&["--help"]).ok().took < Duration::from_secs(2));
}

#[test]
fn a_reader_that_leaves_ends_a_command_quietly() {
    let (_world, a, b) = World::alice_and_bob();
    for number in 0..20 {
        a.deliver("bob", &format!("{number} {}", "x".repeat(20_000)));
    }
    let mut command = std::process::Command::new("sh");
    command
        .arg("-c")
        .arg(r#""$0" --home "$1" recv --json | head -n 1 >/dev/null; exit "${PIPESTATUS:-0}""#)
        .arg(crate::world::solo2())
        .arg(&b.dir);
    let done = crate::command::finish(command, None, Duration::from_secs(30));
    assert!(done.stderr.is_empty(), "quiet: {done}");
    // What was not read is still there.
    let rest = b.recv_messages(1, Duration::from_secs(5));
    let rest = texts(&rest);
    assert!(!rest.is_empty(), "un-acknowledged messages come again");
    assert!(rest.last().unwrap().starts_with("19 "));
}

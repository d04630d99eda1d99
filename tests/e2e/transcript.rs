//! docs/cli.md §11, line by line: from nothing to a message.

use std::time::Duration;

use serde_json::Value;

use crate::command::event;
use crate::world::{Home, World, texts};

/// Bodies that careless programs change.
fn tricky_bodies() -> Vec<(&'static str, String)> {
    vec![
        ("a line end at the end", "hi\n".to_owned()),
        ("no line end", "hi".to_owned()),
        ("several line ends", "\n\nhi\n\n\n".to_owned()),
        ("spaces around", "  hi \t ".to_owned()),
        ("CR LF", "one\r\ntwo\r\n".to_owned()),
        ("emoji", "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁷󠁬󠁳󠁿 é e\u{301}".to_owned()),
        ("right to left", "שלום עולם, مرحبا بالعالم".to_owned()),
        (
            "looks binary",
            ('\u{1}'..='\u{9f}')
                .chain("\u{2028}\u{feff}\u{fffd}\u{10ffff}".chars())
                .collect(),
        ),
        ("60 KiB", "0123456789abcdef".repeat(60 * 64)),
        ("64 KiB exactly", "é".repeat(32 * 1024)),
        ("one byte", "x".to_owned()),
        ("looks like JSON", r#"{"v":1,"type":"error"}"#.to_owned()),
        ("looks like flags", "--wait delivered -m".to_owned()),
    ]
}

#[test]
fn the_transcript_from_nothing_to_a_message() {
    let world = World::new();
    let a = world.empty_home("a");
    let b = world.empty_home("b");

    let made = a.init("alice").ok().last_event();
    assert_eq!(made["type"], "init");
    let fingerprint = made["fingerprint"].as_str().unwrap();
    assert_eq!(fingerprint.len(), 64);
    b.init("bob").ok();
    let words = std::fs::read_to_string(a.words_file()).unwrap();
    assert_eq!(words.split_whitespace().count(), 24);

    a.start();
    b.start();
    let status = a.object(&["agent", "status"]);
    assert_eq!(status["type"], "agent.status");
    assert!(status["pid"].is_u64(), "{status}");

    let mut invite = a.stream(&["pair", "invite", "--as", "bob", "--json"]);
    let first = event(&invite.line(Duration::from_secs(30)).unwrap());
    assert_eq!(first["type"], "pair.invite", "line 1 is the invite");
    let code = first["code"].as_str().unwrap();
    let parts: Vec<_> = code.split('-').collect();
    assert_eq!(parts.len(), 3, "a number and two words: {code}");
    assert!(parts[0].parse::<u16>().is_ok(), "{code}");
    let joined = b.object(&["pair", "join", code, "--as", "alice"]);
    assert_eq!(joined["type"], "pair.accepted");
    assert_eq!(joined["fingerprint"], fingerprint);
    assert_eq!(joined["verified"], true, "an invite verifies at birth");
    let accepted = invite.event("pair.accepted");
    assert_eq!(accepted["name"], "bob");
    invite.end().ok();

    let sent = a
        .run_with(
            &[
                "send",
                "bob",
                "--wait",
                "delivered",
                "--timeout",
                "30s",
                "--json",
            ],
            "hi\n",
        )
        .ok()
        .last_event();
    assert_eq!(sent["type"], "send.result");
    assert_eq!(sent["waited"], "delivered");
    assert_eq!(sent["satisfied"], true);
    assert_eq!(sent["results"][0]["state"], "delivered");
    assert_eq!(sent["results"][0]["route"], "direct");
    assert!(
        sent["results"][0]["peer"]
            .as_str()
            .unwrap()
            .starts_with("p_")
    );

    let got = b.recv();
    let messages: Vec<_> = got
        .iter()
        .filter(|event| event["type"] == "message")
        .collect();
    assert_eq!(messages.len(), 1, "{got:?}");
    let message = messages[0];
    assert_eq!(message["body"]["text"], "hi\n", "byte for byte");
    assert_eq!(message["id"], sent["id"]);
    assert_eq!(message["dir"], "in");
    assert_eq!(message["profile"], "default");
    assert_eq!(message["peer"]["name"], "alice");
    assert_eq!(message["peer"]["verified"], true);
    assert_eq!(message["route"], "direct");
    assert!(message["cursor"].is_string());
    assert!(message["reply_to"].is_null() && message["expires_at"].is_null());
    assert!(
        b.recv().iter().all(|event| event["type"] != "message"),
        "acknowledged"
    );

    let contact = a.object(&["contact", "show", "bob"]);
    assert_eq!(contact["type"], "contact");
    assert_eq!(contact["verified"], true);
    let number = contact["safety_number"].as_str().unwrap();
    let digits = number.chars().filter(char::is_ascii_digit).count();
    assert_eq!(digits, 60, "{number}");
    assert_eq!(
        b.object(&["contact", "show", "alice"])["safety_number"].as_str(),
        Some(number),
        "both sides read the same number"
    );
    assert_eq!(contact["devices"].as_array().unwrap().len(), 1);
    assert!(contact.get("route").is_some());

    let route = a.route("bob");
    assert_eq!(route["type"], "route.status");
    assert_eq!(route["route"], "direct");
    assert_eq!(route["transport"], "quic");
    assert_eq!(route["connected"], true);
    assert!(route["key_epoch"].is_u64(), "{route}");
    assert!(
        route["handshake_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty()),
        "{route}"
    );
    assert_eq!(
        route["handshake_id"],
        b.route("alice")["handshake_id"],
        "one handshake, one id"
    );

    for (home, peer, dir) in [(&a, "bob", "out"), (&b, "alice", "in")] {
        let history = home.json(&["history", peer]);
        assert_eq!(texts(&history), ["hi\n"]);
        assert_eq!(history[0]["dir"], dir);
        assert_eq!(history[0]["id"], sent["id"]);
    }
    a.stop();
    a.run(&["agent", "status", "--json"]).exits(4);
}

#[test]
fn bytes_in_are_bytes_out() {
    let (_world, a, b) = World::alice_and_bob();
    let bodies = tricky_bodies();
    for (what, body) in &bodies {
        let sent = a.run_with(
            &[
                "send",
                "bob",
                "--wait",
                "delivered",
                "--timeout",
                "30s",
                "--json",
            ],
            body,
        );
        assert_eq!(sent.code, 0, "{what}: {sent}");
    }
    let got = b.recv_texts(bodies.len(), Duration::from_secs(10));
    for ((what, sent), got) in bodies.iter().zip(&got) {
        assert!(
            sent == got,
            "{what}: {} bytes in, {} out",
            sent.len(),
            got.len()
        );
    }
    assert_eq!(got.len(), bodies.len());
    let kept = texts(&b.json(&["history", "alice"]));
    assert!(kept == got, "history keeps what recv gave");
}

#[test]
fn what_stdin_says_and_when_it_is_read() {
    let (world, a, b) = World::alice_and_bob();
    let file = world.file("body", "from a file\n");
    let queued = |home: &Home| texts(&home.json(&["history", "bob"])).len();

    a.run(&["send", "bob"]).exits(2).advises().says("empty");
    a.run_with(&["send", "bob"], "").exits(2).says("empty");
    a.run(&["send", "bob", "-m", ""]).exits(2).says("empty");
    a.run_with(&["send", "bob"], b"\xff\xfe")
        .exits(2)
        .advises()
        .says("UTF-8");
    a.run_with(&["send", "bob"], "x".repeat(64 * 1024 + 1))
        .exits(2)
        .advises()
        .says("65536");
    a.run_with(&["send", "bob"], vec![b'x'; 8 << 20]).exits(2);
    let json = a
        .run_with(&["send", "bob", "--json"], "")
        .exits(2)
        .advises()
        .last_event();
    assert_eq!(json["type"], "error");
    assert_eq!(queued(&a), 0, "nothing of that was sent");

    // A pipe that never ends must not matter to -m.
    let mut endless = a.stream(&[
        "send",
        "bob",
        "-m",
        "given",
        "--wait",
        "delivered",
        "--json",
    ]);
    assert_eq!(endless.event("send.result")["type"], "send.result");
    eventually_ends(&mut endless);
    // And bytes that wait in it are not the message.
    a.run_with(
        &["send", "bob", "-m", "-m wins", "--wait", "delivered"],
        "not me",
    )
    .ok();
    a.run_with(&["send", "bob", "-", "--wait", "delivered"], "named")
        .ok();
    let from_file = std::fs::File::open(file).unwrap();
    let mut command = a.command(&["send", "bob", "--wait", "delivered"]);
    assert!(command.stdin(from_file).output().unwrap().status.success());

    assert_eq!(
        b.recv_texts(4, Duration::from_secs(10)),
        ["given", "-m wins", "named", "from a file\n"]
    );
}

fn eventually_ends(stream: &mut crate::command::Stream) {
    while stream.line(Duration::from_secs(30)).is_some() {}
}

#[test]
fn stdout_of_send_is_the_id_and_nothing_with_quiet() {
    let (_world, a, b) = World::alice_and_bob();
    let sent = a
        .run(&["send", "bob", "-m", "one", "--wait", "delivered"])
        .ok();
    let id = sent.text().trim_end().to_owned();
    assert_eq!(sent.text().lines().count(), 1);
    assert_eq!(id.len(), 26);
    assert!(sent.stderr.is_empty(), "nothing to say: {sent}");
    let quiet = a
        .run(&["send", "bob", "-m", "two", "-q", "--wait", "delivered"])
        .ok();
    assert!(quiet.stdout.is_empty(), "{quiet}");
    let got = b.recv_messages(2, Duration::from_secs(10));
    assert_eq!(got[0]["id"], id);
}

#[test]
fn lines_are_messages_and_each_is_answered_at_once() {
    let (_world, a, b) = World::alice_and_bob();
    let mut stream = a.stream(&["send", "bob", "--lines", "--json"]);
    let mut ids = Vec::new();
    for number in 0..3 {
        stream.write(format!("line {number}\n").as_bytes());
        // The next line is not written before this one is answered.
        ids.push(stream.event("send.result")["id"].clone());
    }
    stream.write(b"no line end");
    stream.close();
    ids.push(stream.event("send.result")["id"].clone());
    stream.end().ok();
    let got = b.recv_messages(4, Duration::from_secs(10));
    assert_eq!(texts(&got), ["line 0", "line 1", "line 2", "no line end"]);
    let got: Vec<Value> = got.iter().map(|event| event["id"].clone()).collect();
    assert_eq!(got, ids);
}

#[test]
fn global_flags_stand_before_or_after_the_verb() {
    let world = World::new();
    let a = world.home("a", "alice");
    let home = a.dir.to_str().unwrap();
    let password = a.password_file();
    let before = a
        .run(&["--json", "--password-file", &password, "contact", "list"])
        .ok();
    let after = a
        .run(&["contact", "list", "--json", "--password-file", &password])
        .ok();
    assert_eq!(before.text(), after.text());
    // `--home` once more, in the other place.
    world
        .empty_home("nowhere")
        .run(&["contact", "list", "--password-file", &password])
        .exits(3)
        .advises();
    let mut command = std::process::Command::new(crate::world::solo2());
    command.args([
        "contact",
        "list",
        "--home",
        home,
        "--password-file",
        &password,
    ]);
    assert!(command.output().unwrap().status.success());
}

#[test]
fn the_demo_introduces_two_people_and_leaves_nothing_behind() {
    let world = World::new();
    let tmp = world.path("tmp");
    std::fs::create_dir(&tmp).unwrap();
    let mut command = world.empty_home("nobody").command(&["demo"]);
    command.env("TMPDIR", &tmp);
    let done = crate::command::finish(command, None, Duration::from_secs(90)).ok();
    assert!(
        done.text().lines().count() >= 5,
        "it explains itself: {done}"
    );
    assert_eq!(std::fs::read_dir(&tmp).unwrap().count(), 0, "nothing stays");
}

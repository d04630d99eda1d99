//! Nothing that a peer wrote makes a terminal do anything.

use std::fs;
use std::time::Duration;

use crate::world::{World, has};

/// What hostile text is made of.
const HOSTILE: &str = concat!(
    "\u{1b}[2J\u{1b}[31mred\u{1b}]0;title\u{7}\u{1b}]52;c;aGk=\u{1b}\\",
    "\u{1b}P+q\u{1b}\\\u{1b}_apc\u{1b}\\\u{9b}1;1H\u{9d}0;x\u{9c}\u{90}q",
    "\u{8}\u{8}\u{d}over\u{b}\u{c}\u{7f}\u{e}\u{f}\u{0}",
    "\u{202e}gnp.exe\u{202c}\u{2066}\u{2069}\u{200b}\u{200f}\u{feff}\u{2028}\u{2029}",
    "\u{1b}]8;;http://evil\u{1b}\\link\u{1b}]8;;\u{1b}\\ end",
);

/// Whether a terminal could see more than text and line ends in it.
fn harmless(bytes: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    for (at, letter) in text.char_indices() {
        let bad = match letter {
            '\n' | '\t' => false,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' => true,
            '\u{2028}' | '\u{2029}' | '\u{feff}' => true,
            letter => letter.is_control(),
        };
        if bad {
            return Err(format!("{letter:?} at {at} of {text:?}"));
        }
    }
    Ok(())
}

fn hostile_text() -> String {
    // NUL cannot be an argument; everything else is said through stdin.
    format!("{HOSTILE}\nsecond line {}", "x".repeat(50_000))
}

#[test]
fn hostile_text_reaches_neither_terminal_nor_pipe_in_human_output() {
    let (world, a, b) = World::alice_and_bob();
    let text = hostile_text();
    let send = |text: &str| {
        let done = a.run_with(
            &[
                "send",
                "bob",
                "--wait",
                "delivered",
                "--timeout",
                "30s",
                "--json",
            ],
            text,
        );
        done.ok().last_event()["id"].as_str().unwrap().to_owned()
    };
    let id = send("harmless");
    a.run_with(
        &["edit", &id, "--wait", "delivered", "--timeout", "20s"],
        HOSTILE,
    )
    .ok();
    send(&text);

    for args in [
        &["recv", "--ack", "manual"][..],
        &["history", "alice"],
        &["history"],
        &["contact", "list"],
        &["contact", "show", "alice"],
        &["route", "status"],
        &["pair", "list"],
        &["history", "alice", "--color", "never", "--plain"],
    ] {
        let done = b.run(args).ok();
        if let Err(found) = harmless(&done.stdout) {
            panic!("{args:?}: {found}");
        }
        if let Err(found) = harmless(done.stderr.as_bytes()) {
            panic!("stderr of {args:?}: {found}");
        }
    }
    let queued = a.run(&["queue", "list"]).ok();
    assert!(harmless(&queued.stdout).is_ok());

    // JSON gives it back whole, escaped on the way (`event` checks the line).
    let events = b.json(&["recv", "--ack", "manual"]);
    assert_eq!(events[1]["body"]["text"], text);
    let raw = b.run(&["recv", "--ack", "manual", "--json"]).ok();
    assert!(harmless(&raw.stdout).is_ok(), "escaped in JSON");

    if !has("script") {
        println!("skipped: needs script");
        return;
    }
    // On a terminal, colours of ours are allowed and nothing else.
    let typescript = world.path("typescript");
    let mut command = std::process::Command::new("script");
    command
        .args(["-qec"])
        .arg(format!(
            "'{}' --home '{}' history alice --color never",
            crate::world::solo2().display(),
            b.dir.display()
        ))
        .arg(&typescript)
        .env("TERM", "xterm-256color");
    crate::command::finish(command, Some(b""), Duration::from_secs(30)).ok();
    let shown = fs::read(&typescript).unwrap();
    let shown = String::from_utf8(shown).unwrap();
    // The first and the last line are script's own; a terminal adds CR.
    let body: Vec<_> = shown.lines().collect();
    let body = body[1..body.len().saturating_sub(1)]
        .join("\n")
        .replace('\r', "");
    assert!(
        body.contains("gnp.exe"),
        "the text is shown: {:?}",
        &body[..200.min(body.len())]
    );
    if let Err(found) = harmless(body.as_bytes()) {
        panic!("on a terminal: {found}");
    }
}

#[test]
fn names_that_mislead_are_refused_or_shown_plainly() {
    let world = World::new();
    for name in ["\u{1b}[2J", "a\u{202e}b", "a\nb", "a\u{200b}b", ""] {
        let home = world.empty_home("x");
        home.init(name).exits(2);
        assert!(!home.dir.join("vault").exists());
    }
    let (_world, a, _b) = world.with_alice_and_bob();
    for name in ["\u{1b}]0;x\u{7}", "b\u{9b}b", "p_123", "-x"] {
        let done = a.run(&["contact", "rename", "bob", "--", name]);
        assert_eq!(done.code, 2, "{name:?}: {done}");
        if let Err(found) = harmless(done.stderr.as_bytes()) {
            panic!("the error about {name:?}: {found}");
        }
    }
}

#[test]
fn errors_quote_what_was_typed_without_its_controls() {
    let (_world, a, _b) = World::alice_and_bob();
    let done = a.run(&["send", "\u{1b}[31mnobody\u{1b}]0;x\u{7}", "-m", "x"]);
    assert!(matches!(done.code, 2 | 5), "{done}");
    if let Err(found) = harmless(done.stderr.as_bytes()) {
        panic!("{found}");
    }
}

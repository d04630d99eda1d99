//! Edits, deletions, reactions, replies, expiry, places, receipts, ids.

use std::time::Duration;

use serde_json::Value;

use crate::world::{Home, World, eventually, texts};

const SOON: Duration = Duration::from_secs(20);

/// The only message of a conversation, as it is now.
fn only(home: &Home, peer: &str) -> Value {
    let mut history = home.json(&["history", peer]);
    assert_eq!(history.len(), 1, "{history:?}");
    history.remove(0)
}

#[test]
fn an_edit_replaces_the_text_on_both_sides() {
    let (_world, a, b) = World::alice_and_bob();
    let mut watch = b.stream(&["recv", "--follow", "--json"]);
    let id = a.deliver("bob", "frist");
    assert_eq!(watch.event("message")["body"]["text"], "frist");
    a.run(&[
        "edit",
        &id,
        "-m",
        "first",
        "--wait",
        "delivered",
        "--timeout",
        "20s",
    ])
    .ok();
    let edit = watch.event("edit");
    assert_eq!(edit["id"], id);
    assert_eq!(edit["body"]["text"], "first");
    assert_eq!(edit["peer"]["name"], "alice");
    for (home, peer) in [(&a, "bob"), (&b, "alice")] {
        let message = only(home, peer);
        assert_eq!(message["body"]["text"], "first");
        assert_eq!(message["id"], id);
    }
    // Only its author edits a message.
    b.run(&["edit", &id, "-m", "mine now"]).exits(2);
    assert_eq!(only(&a, "bob")["body"]["text"], "first");
    watch.interrupt().exits(130);
}

#[test]
fn a_deletion_takes_the_text_from_one_side_or_from_both() {
    let (_world, a, b) = World::alice_and_bob();
    let mut watch = b.stream(&["recv", "--follow", "--json"]);
    let id = a.deliver("bob", "a secret");
    watch.event("message");
    b.run(&["delete", &id, "--for-everyone"]).exits(2);
    b.run(&["delete", &id]).ok();
    assert!(
        !b.run(&["history", "alice", "--json"])
            .ok()
            .text()
            .contains("a secret")
    );
    assert!(
        a.run(&["history", "bob", "--json"])
            .ok()
            .text()
            .contains("a secret")
    );

    let id = a.deliver("bob", "another secret");
    watch.event("message");
    a.run(&[
        "delete",
        &id,
        "--for-everyone",
        "--wait",
        "delivered",
        "--timeout",
        "20s",
    ])
    .ok();
    assert_eq!(watch.event("delete")["id"], id);
    for (home, peer) in [(&a, "bob"), (&b, "alice")] {
        let history = home.run(&["history", peer, "--json"]).ok();
        assert!(!history.text().contains("another secret"), "{history}");
    }
}

#[test]
fn a_reaction_comes_and_goes() {
    let (_world, a, b) = World::alice_and_bob();
    let mut watch = a.stream(&["recv", "--follow", "--json", "--type", "reaction"]);
    let id = a.deliver("bob", "good news");
    b.run(&[
        "react",
        &id,
        "👍",
        "--wait",
        "delivered",
        "--timeout",
        "20s",
    ])
    .ok();
    let reaction = watch.event("reaction");
    assert_eq!(
        (&reaction["id"], &reaction["emoji"]),
        (&id.as_str().into(), &"👍".into())
    );
    let shown = a.run(&["history", "bob", "--json"]).ok();
    assert!(shown.text().contains("👍"), "{shown}");
    b.run(&["react", &id, "", "--wait", "delivered", "--timeout", "20s"])
        .ok();
    assert_eq!(watch.event("reaction")["emoji"], "");
    assert!(
        !a.run(&["history", "bob", "--json"])
            .ok()
            .text()
            .contains("👍")
    );
}

#[test]
fn a_reply_names_what_it_answers() {
    let (_world, a, b) = World::alice_and_bob();
    let question = a.deliver("bob", "coming?");
    b.recv_messages(1, SOON);
    b.run(&[
        "send",
        "alice",
        "-m",
        "yes",
        "--reply-to",
        &question,
        "--wait",
        "delivered",
    ])
    .ok();
    let answer = &a.recv_messages(1, SOON)[0];
    assert_eq!(answer["reply_to"], question);
    assert_eq!(answer["body"]["text"], "yes");
}

#[test]
fn an_expiring_message_disappears_on_both_sides() {
    let (_world, a, b) = World::alice_and_bob();
    a.run(&[
        "send",
        "bob",
        "-m",
        "for a moment",
        "--expire",
        "3s",
        "--wait",
        "delivered",
    ])
    .ok();
    let got = &b.recv_messages(1, SOON)[0];
    assert!(got["expires_at"].is_string(), "{got}");
    let sides = [(&a, "bob"), (&b, "alice")];
    for (home, peer) in sides {
        assert_eq!(texts(&home.json(&["history", peer])), ["for a moment"]);
    }
    for (home, peer) in sides {
        eventually(Duration::from_secs(10), "the text is gone", || {
            !home
                .run(&["history", peer, "--json"])
                .ok()
                .text()
                .contains("for a moment")
        });
    }
}

#[test]
fn a_place_is_sent_as_numbers() {
    let (_world, a, b) = World::alice_and_bob();
    a.run(&[
        "send",
        "bob",
        "--geo",
        "-33.8568,151.2153,12.5",
        "--wait",
        "delivered",
    ])
    .ok();
    let got = &b.recv_messages(1, SOON)[0];
    let geo = &got["body"]["geo"];
    assert_eq!(geo["lat"], -33.8568);
    assert_eq!(geo["lon"], 151.2153);
    assert_eq!(geo["accuracy_m"], 12.5);
    a.run(&["send", "bob", "--geo", "91,0"]).exits(2);
    a.run(&["send", "bob", "--geo", "0,0", "-m", "x"]).exits(2);
}

#[test]
fn delivery_is_told_by_default_and_reading_by_choice() {
    let (_world, a, b) = World::alice_and_bob();
    let mut watch = a.stream(&["recv", "--follow", "--json", "--type", "receipt"]);
    let id = a.deliver("bob", "one");
    let receipt = watch.event("receipt");
    assert_eq!(receipt["id"], id);
    eventually(SOON, "history knows that it was delivered", || {
        only(&a, "bob")["state"] == "delivered"
    });
    // Reading is not told unless the reader chose to.
    a.run(&[
        "send",
        "bob",
        "-m",
        "two",
        "--wait",
        "read",
        "--timeout",
        "2s",
    ])
    .exits(7);
    b.run(&["config", "set", "privacy.receipts", "read"]).ok();
    b.run(&["agent", "reload"]).ok();
    b.run(&["read", &id, "--wait", "delivered", "--timeout", "20s"])
        .ok();
    loop {
        let receipt = watch.event("receipt");
        if receipt["state"] == "read" {
            assert_eq!(receipt["id"], id);
            break;
        }
    }
    // And delivery is not told when that is switched off.
    b.run(&["config", "set", "privacy.receipts", "none"]).ok();
    b.run(&["agent", "reload"]).ok();
    let quiet = a
        .run(&[
            "send",
            "bob",
            "-m",
            "three",
            "--wait",
            "delivered",
            "--timeout",
            "3s",
            "--json",
        ])
        .exits(7);
    assert_eq!(quiet.last_event()["satisfied"], false);
    assert_eq!(b.recv_texts(3, SOON), ["one", "two", "three"]);
}

#[test]
fn the_same_id_is_the_same_message() {
    let (_world, a, b) = World::alice_and_bob();
    let send = |id: &str, text: &str| {
        a.json(&[
            "send",
            "bob",
            "-m",
            text,
            "--id",
            id,
            "--wait",
            "delivered",
            "--timeout",
            "30s",
        ])
        .pop()
        .unwrap()
    };
    let first = send("job-17", "backup ok");
    assert_eq!(first["client_id"], "job-17");
    for _ in 0..3 {
        let again = send("job-17", "backup ok");
        assert_eq!(again["id"], first["id"], "same id, same result");
        assert_eq!(again["satisfied"], true);
    }
    a.stop();
    a.start();
    assert_eq!(
        send("job-17", "backup ok")["id"],
        first["id"],
        "after a restart too"
    );
    let other = send("job-18", "backup ok");
    assert_ne!(other["id"], first["id"]);
    assert_eq!(b.recv_texts(2, SOON), ["backup ok", "backup ok"]);
    assert!(b.recv_texts(1, Duration::from_millis(300)).is_empty());
}

#[test]
fn several_recipients_and_the_worst_code_wins() {
    let world = World::new();
    let (a, b, c) = (
        world.home("a", "alice"),
        world.home("b", "bob"),
        world.home("c", "carol"),
    );
    for home in [&a, &b, &c] {
        home.start();
    }
    crate::world::pair(&a, "bob", &b, "alice");
    crate::world::pair(&a, "carol", &c, "alice");
    let both = a
        .run(&[
            "send",
            "bob",
            "carol",
            "-m",
            "all",
            "--wait",
            "delivered",
            "--timeout",
            "30s",
            "--json",
        ])
        .ok()
        .last_event();
    assert_eq!(both["results"].as_array().unwrap().len(), 2);
    assert_eq!(b.recv_texts(1, SOON), ["all"]);
    assert_eq!(c.recv_texts(1, SOON), ["all"]);

    c.stop();
    let worst = a
        .run(&[
            "send",
            "bob",
            "carol",
            "-m",
            "one",
            "--wait",
            "delivered",
            "--timeout",
            "3s",
            "--json",
        ])
        .exits(7);
    let mut states: Vec<_> = worst.last_event()["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["name"].as_str().unwrap().to_owned(),
                row["state"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    states.sort();
    assert_eq!(states[0], ("bob".into(), "delivered".into()));
    assert_eq!(states[1].0, "carol");
    assert_ne!(states[1].1, "delivered");
    a.run(&[
        "send",
        "bob",
        "carol",
        "-m",
        "two",
        "--wait",
        "delivered",
        "--timeout",
        "3s",
        "--any",
    ])
    .ok();
    c.start();
    assert_eq!(c.recv_texts(2, Duration::from_secs(60)), ["one", "two"]);
    assert_eq!(b.recv_texts(2, SOON), ["one", "two"]);
}

#[test]
fn history_is_asked_by_number_time_and_text() {
    let (_world, a, b) = World::alice_and_bob();
    for number in 0..5 {
        a.deliver("bob", &format!("Number {number}"));
    }
    b.deliver("alice", "answer");
    let ask = |args: &[&str]| {
        let mut all = vec!["history", "bob"];
        all.extend(args);
        texts(&a.json(&all))
    };
    assert_eq!(ask(&[]).len(), 6);
    assert_eq!(
        ask(&["--limit", "2"]),
        ["Number 4", "answer"],
        "the newest, oldest first"
    );
    assert_eq!(ask(&["--grep", "number 3"]), ["Number 3"]);
    assert_eq!(ask(&["--since", "1h"]).len(), 6);
    assert_eq!(ask(&["--until", "1h"]).len(), 0);
    assert_eq!(a.json(&["history"]).len(), 6, "of everybody");
}

#[test]
fn a_history_of_long_messages_is_shown_whole() {
    let (_world, a, b) = World::alice_and_bob();
    b.stop();
    // Escaped, this is far more than fits into one line on the agent's socket.
    let text = "\u{1}".repeat(60 * 1024);
    for _ in 0..6 {
        a.run_with(&["send", "bob", "--wait", "queued"], &text).ok();
    }
    let history = a.json(&["history", "bob"]);
    assert_eq!(history.len(), 6);
    assert!(
        history
            .iter()
            .all(|message| message["body"]["text"] == text.as_str())
    );
    b.start();
    assert_eq!(b.recv_texts(6, SOON).len(), 6);
}

#[test]
fn a_flood_of_reactions_to_one_message_stops_nothing() {
    let (_world, a, b) = World::alice_and_bob();
    let id = a.deliver("bob", "react to this");
    b.stop();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..300 {
                    a.run(&["react", &id, "👍"]).ok();
                }
            });
        }
    });
    a.run(&["send", "bob", "-m", "after the flood", "--wait", "queued"])
        .ok();
    b.start();
    assert_eq!(
        b.recv_texts(2, Duration::from_secs(60)),
        ["react to this", "after the flood"]
    );
    a.wait_flushed(Duration::from_secs(30));
    b.deliver("alice", "and back");
}

#[test]
fn a_long_text_at_the_limit_of_size_crosses_whole() {
    let (_world, a, b) = World::alice_and_bob();
    let text: String = ('a'..='z').cycle().take(64 * 1024).collect();
    for _ in 0..3 {
        a.run_with(
            &["send", "bob", "--wait", "delivered", "--timeout", "30s"],
            &text,
        )
        .ok();
    }
    let got = b.recv_texts(3, SOON);
    assert_eq!(got.len(), 3);
    assert!(got.iter().all(|got| *got == text));
}

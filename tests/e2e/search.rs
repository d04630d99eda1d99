//! What was said is found by its words: at once, by the agent's index, without agent and network.

use std::time::Duration;

use crate::world::{World, eventually, texts};

const SOON: Duration = Duration::from_secs(20);

#[test]
fn search_finds_words_phrases_and_beginnings_and_nothing_that_was_deleted() {
    let (_world, a, b) = World::alice_and_bob();
    for text in [
        "The backup of the server failed",
        "the server is in the Straße",
        "明日、東京都庁へ",
    ] {
        a.deliver("bob", text);
    }
    let mistaken = a.deliver("bob", "a secret backup");
    b.deliver("alice", "which server failed?");
    let found = |args: &[&str]| {
        let mut all = vec!["search"];
        all.extend(args);
        let lines = a.json(&all);
        assert!(
            lines
                .iter()
                .all(|line| line["type"] == "message" && line["snippet"].is_string())
        );
        texts(&lines)
    };
    let check = |when: &str| {
        let server = ["The backup of the server failed", "which server failed?"];
        assert_eq!(found(&["SERVER", "failed"]), server, "{when}");
        assert_eq!(found(&["\"server failed\""]), server, "{when}");
        assert_eq!(found(&["serv*"]).len(), 3, "{when}");
        assert_eq!(found(&["serv*", "--limit", "1"]), [server[1]], "{when}");
        assert_eq!(
            found(&["strasse"]),
            ["the server is in the Straße"],
            "{when}"
        );
        assert_eq!(found(&["東京"]), ["明日、東京都庁へ"], "{when}");
        assert_eq!(found(&["server", "--from", "bob"]), [server[1]], "{when}");
        assert_eq!(found(&["server", "--in", "bob"]).len(), 3, "{when}");
        assert_eq!(found(&["server", "--until", "1h"]).len(), 0, "{when}");
        assert_eq!(found(&["server", "--since", "1h"]).len(), 3, "{when}");
        assert_eq!(found(&["server", "--has-file"]).len(), 0, "{when}");
    };
    assert_eq!(found(&["backup"]).len(), 2);
    check("read one by one");
    let index = &a.json(&["vault", "reindex"])[0];
    assert_eq!(index["indexed"], 5, "{index}");
    check("from the index");

    a.run(&[
        "edit",
        &mistaken,
        "-m",
        "a secret copy",
        "--wait",
        "delivered",
    ])
    .ok();
    assert_eq!(found(&["backup"]).len(), 1);
    assert_eq!(found(&["secret copy"]), ["a secret copy"]);
    a.run(&["delete", &mistaken]).ok();
    assert!(found(&["secret"]).is_empty());
    a.run(&["vault", "compact"]).ok();
    assert!(found(&["secret"]).is_empty());
    assert_eq!(a.json(&["vault", "check"])[0]["ok"], true);

    a.stop();
    let alone = a.alone(&["--offline", "search", "server", "--json"]).ok();
    assert_eq!(alone.text().lines().count(), 3, "{alone}");
    let human = a.alone(&["--offline", "search", "server", "failed"]).ok();
    assert!(
        human.text().contains("bob") && human.text().contains("which server failed?"),
        "{human}"
    );
}

#[test]
fn the_agent_indexes_what_came_when_it_is_idle() {
    let (_world, a, b) = World::alice_and_bob();
    let lines: String = (0..140).map(|n| format!("line{n} of many\n")).collect();
    a.run_with(&["send", "bob", "--lines", "--wait", "queued"], &lines)
        .ok();
    assert_eq!(b.recv_texts(140, Duration::from_secs(60)).len(), 140);
    eventually(SOON, "a segment is there", || {
        b.json(&["vault", "check"])[0]["segments"] == 1
    });
    assert_eq!(texts(&b.json(&["search", "line77"])), ["line77 of many"]);
    assert_eq!(b.json(&["search", "many"]).len(), 20);
}

#[test]
fn a_file_is_found_by_a_part_of_its_name() {
    let (world, a, b) = World::alice_and_bob();
    let path = world.file("Quarterly_Report-2026.pdf", b"figures");
    a.run(&[
        "send",
        "bob",
        "-f",
        &path,
        "--wait",
        "delivered",
        "--timeout",
        "30s",
    ])
    .ok();
    for (home, args) in [
        (&a, &["search", "report"][..]),
        (&b, &["search", "--has-file"]),
    ] {
        let lines = home.json(args);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(
            lines[0]["body"]["file"]["name"],
            "Quarterly_Report-2026.pdf"
        );
    }
    assert!(b.json(&["search", "--has-file", "nonsense"]).is_empty());
}

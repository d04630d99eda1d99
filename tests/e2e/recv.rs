//! Readers: what is acknowledged, what comes again, what goes into a program.

use std::fs;
use std::time::{Duration, Instant};

use crate::world::{World, texts};

const SOON: Duration = Duration::from_secs(20);

#[test]
fn what_is_read_is_acknowledged_and_what_is_not_comes_again() {
    let (_world, a, b) = World::alice_and_bob();
    for number in 0..5 {
        a.deliver("bob", &number.to_string());
    }
    let peek = b.json(&["recv", "--ack", "manual"]);
    assert_eq!(texts(&peek), ["0", "1", "2", "3", "4"]);
    assert_eq!(
        texts(&b.json(&["recv", "--ack", "manual"])).len(),
        5,
        "nothing is acknowledged"
    );
    let cursor = peek[1]["cursor"].as_str().unwrap();
    assert_eq!(
        texts(&b.json(&["recv", "--ack", "manual", "--since", cursor])),
        ["2", "3", "4"],
        "after a cursor, and that acknowledges up to it"
    );
    assert_eq!(texts(&b.json(&["recv", "--max", "2"])), ["2", "3"]);
    assert_eq!(texts(&b.json(&["recv"])), ["4"]);
    assert!(b.json(&["recv"]).is_empty());
}

#[test]
fn a_reader_may_ask_for_one_sender_and_leave_the_others() {
    let world = World::new();
    let (a, b, c) = (
        world.home("a", "alice"),
        world.home("b", "bob"),
        world.home("c", "carol"),
    );
    for home in [&a, &b, &c] {
        home.start();
    }
    crate::world::pair(&a, "carol", &c, "alice");
    crate::world::pair(&b, "carol", &c, "bob");
    a.deliver("carol", "from alice");
    b.deliver("carol", "from bob");
    a.deliver("carol", "from alice again");
    assert_eq!(texts(&c.json(&["recv", "--from", "bob"])), ["from bob"]);
    assert_eq!(
        texts(&c.json(&["recv"])),
        ["from alice", "from alice again"]
    );
    assert!(c.json(&["recv", "--from", "bob"]).is_empty());
}

#[test]
fn expecting_waits_and_says_when_it_was_in_vain() {
    let (_world, a, b) = World::alice_and_bob();
    let begun = Instant::now();
    b.run(&["recv", "--expect", "1", "--timeout", "1s", "--json"])
        .exits(7)
        .advises_or_not();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let waiting = b.stream(&["recv", "--expect", "2", "--timeout", "30s", "--json"]);
    a.deliver("bob", "one");
    a.deliver("bob", "two");
    let done = waiting.end().ok();
    assert_eq!(texts(&done.events()), ["one", "two"]);
}

impl crate::command::Done {
    /// A failure that needs no remedy.
    fn advises_or_not(self) -> Self {
        assert_eq!(self.last_event()["type"], "error");
        self
    }
}

#[test]
fn following_prints_what_comes_until_it_is_stopped() {
    let (_world, a, b) = World::alice_and_bob();
    a.deliver("bob", "before");
    let mut follow = b.stream(&["recv", "--follow", "--json", "--type", "message"]);
    assert_eq!(follow.event("message")["body"]["text"], "before");
    let begun = Instant::now();
    for number in 0..20 {
        a.run(&["send", "bob", "-m", &format!("during {number}")])
            .ok();
        assert_eq!(
            follow.event("message")["body"]["text"],
            format!("during {number}")
        );
    }
    println!("20 sends, each seen by a follower: {:.1?}", begun.elapsed());
    // Longer than any other verb waits.
    std::thread::sleep(Duration::from_secs(32));
    a.deliver("bob", "after a silence");
    assert_eq!(follow.event("message")["body"]["text"], "after a silence");
    follow.interrupt().exits(130);
    assert!(
        b.recv_texts(1, Duration::from_millis(300)).is_empty(),
        "all acknowledged"
    );
    // Without an agent somebody must stay.
    b.stop();
    b.alone(&["recv", "--follow"]).exits(4).advises_human();
}

impl crate::command::Done {
    fn advises_human(self) -> Self {
        assert!(self.stderr.contains("hint: "), "{self}");
        self
    }
}

#[test]
fn a_killed_reader_loses_nothing() {
    let (_world, a, b) = World::alice_and_bob();
    for number in 0..10 {
        a.deliver("bob", &number.to_string());
    }
    let mut reader = b.stream(&["recv", "--follow", "--ack", "manual", "--json"]);
    for _ in 0..3 {
        reader.event("message");
    }
    crate::world::kill_and_wait(reader.pid());
    drop(reader);
    let rest = b.recv_texts(10, SOON);
    assert_eq!(
        rest,
        (0..10).map(|number| number.to_string()).collect::<Vec<_>>()
    );
}

#[test]
fn a_program_gets_each_event_on_its_stdin_and_never_in_a_shell() {
    let (world, a, b) = World::alice_and_bob();
    let out = world.path("out");
    let canary = world.path("pwned");
    let evil = format!(
        "$(touch {0}) `touch {0}` ; touch {0} \" ' \\ | & {{}} %s\n",
        canary.display()
    );
    a.deliver("bob", &evil);
    a.deliver("bob", "plain");
    let command = format!("cat >> {}", out.display());
    b.run(&["recv", "--exec", &command]).ok();
    let lines = fs::read_to_string(&out).unwrap();
    let events: Vec<_> = lines.lines().map(crate::command::event).collect();
    assert_eq!(texts(&events), [evil.as_str(), "plain"]);
    assert!(!canary.exists(), "no part of a message is ever a command");
    assert!(b.recv().is_empty(), "a success acknowledges");

    a.deliver("bob", "again");
    b.run(&["recv", "--exec", "false"]).exits(3);
    assert_eq!(b.recv_texts(1, SOON), ["again"], "a failure does not");
}

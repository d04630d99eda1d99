//! The relay route: a real `solo2-relay` between two homes.

use std::fs;
use std::net::SocketAddr;
use std::process::Child;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::capture::secrets_of;
use crate::certificates::TLS_FILES;
use crate::memory;
use crate::namespace::Network;
use crate::pcap::disguises;
use crate::world::{Home, World, contains, eventually, is_root, pair, serve, texts};

const PATIENCE: Duration = Duration::from_secs(60);

/// TURN over TLS (RFC 8656 §3.1).
pub(crate) const TURNS: u16 = 5349;

/// A relay where the introduction server is, killed when it is dropped.
pub(crate) struct Relay {
    child: Child,
    /// Where it answers, `HOST:PORT`.
    pub(crate) address: String,
    /// For as many clients as like.
    pub(crate) invite: String,
}

impl Relay {
    pub(crate) fn start(world: &World) -> Relay {
        Relay::start_at(world, &format!("{}:0", world.signal_address().ip()))
    }

    /// At this address; its secret is the world's, so an invite outlives it.
    pub(crate) fn start_at(world: &World, address: &str) -> Relay {
        Relay::serve(world, &["--listen-udp", address], &[])
    }

    /// At the ports of RFC 8656 §3.1, over UDP and TLS, under a realm of its own.
    pub(crate) fn with_tls(world: &World) -> Relay {
        let [udp, tls] =
            [3478, TURNS].map(|port| SocketAddr::new(world.signal_address().ip(), port));
        let [certificate, key] = TLS_FILES;
        let (udp, tls) = (udp.to_string(), tls.to_string());
        let mut serving = vec!["--listen-udp", &udp, "--listen-tls", &tls];
        serving.extend(["--tls-cert", certificate, "--tls-key", key]);
        serving.extend(["--realm", "relay.example"]);
        let public = format!("turns:{tls}");
        Relay::serve(
            world,
            &serving,
            &["--public", &public, "--tls-cert", certificate],
        )
    }

    fn serve(world: &World, serving: &[&str], inviting: &[&str]) -> Relay {
        let mut command = world.server("solo2-relay");
        command.args(["serve", "--json", "--secret-file", "relay-secret"]);
        let (child, ready) = serve({
            command.args(serving);
            command
        });
        let address = ready["listen"][0].as_str().unwrap().to_owned();
        let mut command = world.server("solo2-relay");
        command.args(["invite", "--secret-file", "relay-secret", "--public"]);
        command.arg(format!("turn:{address}")).args(inviting);
        let invite = command.output().unwrap();
        assert!(invite.status.success());
        Relay {
            child,
            address,
            invite: String::from_utf8(invite.stdout).unwrap().trim().to_owned(),
        }
    }

    /// SIGKILLs it.
    pub(crate) fn kill(self) {}
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two machines, agents and a relay between them, and Alice has its invite.
fn across() -> Option<(Arc<Network>, World, Relay, Home, Home)> {
    let network = match Network::new() {
        Ok(network) => network,
        Err(missing) => {
            println!("skipped: needs {missing}");
            return None;
        }
    };
    let (world, a, b) = World::across(Arc::clone(&network)).with_alice_and_bob();
    let relay = Relay::start(&world);
    a.run(&["relay", "add", &relay.invite]).ok();
    Some((network, world, relay, a, b))
}

/// From now on Alice reaches Bob through a relay or not at all.
///
/// First both are on a link: an attempt under way could have told Bob an address before.
pub(crate) fn hide(a: &Home) {
    a.deliver("bob", "before");
    a.run(&["contact", "set", "bob", "route=relay", "strict=true"])
        .ok();
}

/// The last `send.result` of a text that is waited for.
fn send(a: &Home, text: &str, more: &[&str]) -> Value {
    let words = ["send", "bob", "-m", text, "--wait", "delivered", "--json"];
    let done = a.run(&[&words, more].concat()).ok();
    done.last_event()
}

#[test]
fn a_message_that_insists_on_a_relay_takes_one() {
    let (world, a, b) = World::alice_and_bob();
    a.deliver("bob", "straight");
    let refused = a.run(&["send", "bob", "-m", "no relay", "--require-route", "relay"]);
    refused.exits(10).says("relay").advises();
    assert!(a.json(&["queue", "list"]).is_empty(), "nothing was queued");

    let relay = Relay::start(&world);
    let added = a.object(&["relay", "add", &relay.invite]);
    assert!(
        added["relay"]
            .as_str()
            .unwrap()
            .contains(added["id"].as_str().unwrap())
    );
    let sent = send(&a, "through the mirror", &["--require-route", "relay"]);
    assert_eq!(sent["results"][0]["route"], "relay");
    assert_eq!(a.route("bob")["route"], "relay");
    let received = b.recv_messages(2, PATIENCE);
    assert_eq!(texts(&received), ["straight", "through the mirror"]);
    assert_eq!(received[0]["route"], "direct");
    assert_eq!(received[1]["route"], "relay");
    let history = a.json(&["history", "bob"]);
    assert_eq!(history[1]["route"], "relay", "{history:?}");
    // Bob has no relay of his own, and Alice's must not see what he insists on hiding.
    let refused = b.run(&["send", "alice", "-m", "x", "--require-route", "relay"]);
    refused.exits(10).advises();
}

/// What somebody who seizes the machine of a relay finds, while a file crosses it and afterwards.
#[test]
fn a_relays_memory_holds_no_identity_and_no_text() {
    if !is_root() {
        println!("skipped: needs root");
        return;
    }
    let world = World::new();
    let relay = Relay::start(&world);
    let names = ["canaryname-alice-7151", "canaryname-bob-9823"];
    let (a, b) = (world.home("a", names[0]), world.home("b", names[1]));
    a.run(&["relay", "add", &relay.invite]).ok();
    for [key, value] in [["net.route", "relay"], ["net.strict", "true"]] {
        a.run(&["config", "set", key, value]).ok();
    }
    a.start();
    b.start();
    pair(&a, names[1], &b, names[0]);
    let text = "canarytext-behind-the-mirror";
    a.deliver(names[1], &text.repeat(300));
    b.deliver(names[0], text);
    assert_eq!(a.route(names[1])["route"], "relay");

    let mut needles = vec![b"canaryfile-4711.txt".to_vec(), text.into()];
    needles.extend(names.map(Vec::from));
    let secrets = [&a, &b].into_iter().flat_map(secrets_of);
    needles.extend(secrets.map(|(_, secret)| secret));
    let needles: Vec<_> = needles
        .iter()
        .flat_map(|needle| disguises(needle))
        .collect();
    let pid = i32::try_from(relay.child.id()).unwrap();
    let file = world.file("canaryfile-4711.txt", text.repeat(1_000_000));
    let send = ["send", names[1], "-f", &file, "--wait", "delivered"];
    let mut during = thread::scope(|scope| {
        let sending = scope.spawn(|| a.run(&send).ok());
        let mut during = Vec::new();
        while !sending.is_finished() {
            during.push(memory::of(pid));
            thread::sleep(Duration::from_millis(50));
        }
        during
    });
    let looks = during.len();
    assert!(looks >= 3, "the file took a moment");
    // The first may have come before the file, and the last behind it.
    let halfway = during.swap_remove(looks / 2);
    let memory = memory::of(pid);
    for (when, memory) in [("halfway", &halfway), ("afterwards", &memory)] {
        let found = memory::search(memory, &needles);
        assert_eq!(found.map(|it| String::from_utf8_lossy(it)), None, "{when}");
    }
    // The search finds what is there: the address that it serves at.
    let SocketAddr::V4(own) = relay.address.parse().unwrap() else {
        unreachable!("on 127.0.0.1")
    };
    let there = [
        [&own.port().to_be_bytes()[..], &own.ip().octets()].concat(),
        [&own.ip().octets()[..], &own.port().to_le_bytes()].concat(),
    ];
    assert!(there.iter().any(|address| contains(&memory, address)));
    println!("{looks} looks, {} bytes in the last", memory.len());
}

#[test]
fn an_invite_is_kept_without_being_shown() {
    let world = World::new();
    let a = world.home("a", "alice");
    let relay = Relay::start(&world);
    let key = relay
        .invite
        .split_once('.')
        .unwrap()
        .1
        .split_once('@')
        .unwrap()
        .0;
    let stdin = format!("{}\n", relay.invite);
    a.run_with(&["relay", "add", "-"], &stdin).ok();
    a.run(&["relay", "add", &relay.invite]).ok();
    let listed = a.json(&["relay", "list"]);
    assert_eq!(listed.len(), 1, "the same relay twice is one");
    for words in [
        &["relay", "list"][..],
        &["relay", "list", "--json"],
        &["config", "list"],
        &["config", "get", "net.relays"],
        &["relay", "test", "--json"],
    ] {
        let done = a.run(words).ok();
        assert!(!done.text().contains(key), "{words:?} shows the key");
    }
    let tested = a.object(&["relay", "test"]);
    assert_eq!(tested["ok"], true);
    assert!(tested["lent"].as_str().unwrap().starts_with("127.0.0.1:"));
    let host = relay.address.clone();
    relay.kill();
    let failed = a.run(&["relay", "test", &host]);
    failed.exits(9).says("does not answer").advises();
    a.run(&["relay", "remove", &host]).ok();
    assert!(a.json(&["relay", "list"]).is_empty());
    a.run(&["relay", "remove", &host]).exits(5).advises();
    a.run(&["relay", "add", "solo2-relay://nonsense"])
        .exits(2)
        .advises();
}

#[test]
fn who_hides_behind_a_relay_sends_the_peer_no_packet() {
    let Some((network, world, _relay, a, b)) = across() else {
        return;
    };
    hide(&a);
    assert!(
        network.middle.forwarded() > 0,
        "the control: packets passed"
    );
    eventually(PATIENCE, "the link goes through the relay", || {
        let route = a.route("bob");
        route["connected"] == true && route["route"] == "relay"
    });
    // What Bob's side still had on its way is gone.
    std::thread::sleep(Duration::from_secs(1));
    let before = network.middle.forwarded();
    let sent = send(&a, "hidden", &[]);
    assert_eq!(sent["results"][0]["route"], "relay");
    let bytes: Vec<u8> = (0..8 << 20).map(|at: u32| (at / 7) as u8).collect();
    let file = world.file("picture", &bytes);
    a.run(&["send", "bob", "-f", &file, "--wait", "delivered"])
        .ok();
    b.run(&["send", "alice", "-m", "and back", "--wait", "delivered"])
        .ok();
    fs::create_dir(world.path("in")).unwrap();
    b.run(&["recv", "--files-to", "in"]).ok();
    assert!(fs::read(world.path("in/picture")).unwrap() == bytes);
    assert_eq!(a.recv_texts(1, PATIENCE), ["and back"]);
    assert_eq!(network.middle.forwarded(), before, "a packet went straight");
}

#[test]
fn without_its_relay_a_strict_contact_waits_and_nothing_goes_another_way() {
    let Some((network, world, relay, a, b)) = across() else {
        return;
    };
    hide(&a);
    let sent = send(&a, "one", &[]);
    assert_eq!(sent["results"][0]["route"], "relay");
    let address = relay.address.clone();
    relay.kill();
    std::thread::sleep(Duration::from_secs(1));
    let before = network.middle.forwarded();
    let late = a.run(&[
        "send",
        "bob",
        "-m",
        "two",
        "--wait",
        "delivered",
        "--timeout",
        "50s",
        "--json",
    ]);
    let result = late.exits(10).last_event();
    assert_eq!(result["results"][0]["state"], "queued");
    assert_eq!(result["results"][0]["error"]["code"], "route_refused");
    a.run(&["route", "test", "bob", "--timeout", "20s"])
        .exits(10)
        .advises();
    assert_eq!(network.middle.forwarded(), before, "a packet went straight");
    let _relay = Relay::start_at(&world, &address);
    let arrived = b.recv_texts(3, Duration::from_secs(120));
    assert_eq!(arrived, ["before", "one", "two"]);
    assert_eq!(network.middle.forwarded(), before, "a packet went straight");
}

#[test]
fn where_no_straight_path_is_a_relay_carries_until_there_is_one() {
    let Some((network, _world, _relay, a, b)) = across() else {
        return;
    };
    a.deliver("bob", "straight");
    network.block();
    let sent = send(&a, "around", &["--timeout", "90s"]);
    assert_eq!(sent["results"][0]["route"], "relay", "{sent}");
    let mut events = a.stream(&["recv", "--follow", "--type", "route", "--json"]);
    network.open();
    // A direct path comes back with the next link at the latest.
    b.stop();
    b.start();
    loop {
        let event = events.event("route");
        if event["to"] == "direct" {
            break;
        }
    }
    let sent = send(&a, "straight again", &[]);
    assert_eq!(sent["results"][0]["route"], "direct");
    assert_eq!(b.recv_texts(3, PATIENCE).len(), 3);
}

#[test]
fn a_file_survives_the_death_of_its_relay() {
    let Some((network, world, relay, a, b)) = across() else {
        return;
    };
    hide(&a);
    send(&a, "one", &[]);
    network.limit("80mbit", "50ms");
    let bytes: Vec<u8> = (0..24 << 20).map(|at: u32| (at / 11) as u8).collect();
    let file = world.file("film", &bytes);
    let words = ["send", "bob", "-f", &file, "--wait", "delivered", "--json"];
    let mut sending = a.stream(&[&words[..], &["--timeout", "120s"]].concat());
    let progress = sending.event("file.progress");
    assert_eq!(progress["route"], "relay");
    let address = relay.address.clone();
    relay.kill();
    std::thread::sleep(Duration::from_secs(2));
    let _relay = Relay::start_at(&world, &address);
    sending.end().ok();
    fs::create_dir(world.path("in")).unwrap();
    b.run(&["recv", "--files-to", "in"]).ok();
    assert!(fs::read(world.path("in/film")).unwrap() == bytes);
}

#[test]
fn route_policy_shows_what_holds() {
    let (world, a, _b) = World::alice_and_bob();
    let policy = |a: &Home| a.json(&["route", "policy"]).remove(0);
    assert_eq!(policy(&a)["route"], "auto");
    let relay = Relay::start(&world);
    a.run(&["relay", "add", &relay.invite]).ok();
    hide(&a);
    let shown = policy(&a);
    assert_eq!(
        (&shown["route"], &shown["strict"]),
        (&"relay".into(), &true.into())
    );
    assert_eq!(shown["now"], "relay");
    let tested = a.object(&["route", "test", "bob"]);
    assert_eq!(tested["route"], "relay");
    assert!(tested["took_ms"].as_f64().unwrap() < 30_000.0);
    let refused = a.run(&["send", "bob", "-m", "x", "--require-route", "direct"]);
    refused.exits(10).advises();
    a.run(&["contact", "set", "bob", "route=auto", "strict=false"])
        .ok();
    a.run(&["config", "set", "net.route", "relay"]).ok();
    a.run(&["config", "set", "net.strict", "true"]).ok();
    a.run(&["agent", "reload"]).ok();
    assert_eq!(
        policy(&a)["route"],
        "auto",
        "a contact's own setting stands"
    );
}

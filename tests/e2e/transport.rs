//! WebRTC data channels as what carries links: chosen, with a relay, and where QUIC is stuck.

use std::fs;
use std::time::Duration;

use crate::namespace::Network;
use crate::relay::Relay;
use crate::world::{Home, World, eventually, pair};

const PATIENCE: Duration = Duration::from_secs(90);

/// Alice and Bob in this world, paired, each with this `net.transport`.
fn with_transports(world: &World, transports: [&str; 2]) -> [Home; 2] {
    let homes = [world.home("a", "alice"), world.home("b", "bob")];
    for (home, transport) in homes.iter().zip(transports) {
        home.run(&["config", "set", "net.transport", transport])
            .ok();
        home.start();
    }
    pair(&homes[0], "bob", &homes[1], "alice");
    homes
}

/// A text each way, and 8 MiB.
fn talk(world: &World, a: &Home, b: &Home) {
    a.deliver("bob", "hello");
    b.deliver("alice", "and back");
    let bytes: Vec<u8> = (0..8 << 20).map(|at: u32| (at / 7) as u8).collect();
    let file = world.file("picture", &bytes);
    a.run(&["send", "bob", "-f", &file, "--wait", "delivered"])
        .ok();
    fs::create_dir_all(world.path("in")).unwrap();
    b.run(&["recv", "--files-to", "in"]).ok();
    assert!(fs::read(world.path("in/picture")).unwrap() == bytes);
    assert_eq!(a.recv_texts(1, PATIENCE), ["and back"]);
}

#[test]
fn two_who_choose_webrtc_pair_and_talk_over_it() {
    let world = World::new();
    let [a, b] = with_transports(&world, ["webrtc", "webrtc"]);
    talk(&world, &a, &b);
    for (home, peer) in [(&a, "bob"), (&b, "alice")] {
        let route = home.route(peer);
        assert_eq!(
            (&route["transport"], &route["route"]),
            (&"webrtc".into(), &"direct".into()),
            "{route}"
        );
    }
    // A flag that asks a running agent for something else is refused, and not passed over.
    let refused = a.run(&["--transport", "quic", "send", "bob", "-m", "x"]);
    refused.exits(2).says("--transport quic").advises();
    a.run(&["--transport", "webrtc", "send", "bob", "-m", "x"])
        .ok();
}

#[test]
fn who_insists_on_webrtc_meets_who_takes_either() {
    for transports in [["webrtc", "auto"], ["auto", "webrtc"]] {
        let world = World::new();
        let homes = [world.home("a", "alice"), world.home("b", "bob")];
        for home in &homes {
            home.start();
        }
        let [a, b] = &homes;
        pair(a, "bob", b, "alice");
        a.deliver("bob", "over QUIC");
        assert_eq!(a.route("bob")["transport"], "quic");
        for (home, transport) in homes.iter().zip(transports) {
            home.run(&["config", "set", "net.transport", transport])
                .ok();
            home.run(&["agent", "reload"]).ok();
        }
        eventually(PATIENCE, "the link is a WebRTC channel", || {
            a.route("bob")["transport"] == "webrtc"
        });
        a.deliver("bob", "there");
        b.deliver("alice", "and back");
    }
}

#[test]
fn webrtc_behind_a_relay_sends_the_peer_no_packet() {
    let network = match Network::new() {
        Ok(network) => network,
        Err(missing) => return println!("skipped: needs {missing}"),
    };
    let world = World::across(network.clone());
    let [a, b] = with_transports(&world, ["webrtc", "webrtc"]);
    let relay = Relay::start(&world);
    a.run(&["relay", "add", &relay.invite]).ok();
    a.deliver("bob", "straight");
    assert!(
        network.middle.forwarded() > 0,
        "the control: packets passed"
    );
    a.run(&["contact", "set", "bob", "route=relay", "strict=true"])
        .ok();
    eventually(PATIENCE, "the link goes through the relay", || {
        let route = a.route("bob");
        route["connected"] == true && route["route"] == "relay"
    });
    assert_eq!(a.route("bob")["transport"], "webrtc");
    // What Bob's side still had on its way is gone.
    std::thread::sleep(Duration::from_secs(1));
    let before = network.middle.forwarded();
    b.recv_texts(1, PATIENCE);
    talk(&world, &a, &b);
    assert_eq!(network.middle.forwarded(), before, "a packet went straight");
}

#[test]
fn where_nothing_but_webrtc_passes_a_link_falls_back_to_it() {
    let network = match Network::new() {
        Ok(network) => network,
        Err(missing) => return println!("skipped: needs {missing}"),
    };
    let world = World::across(network.clone());
    let (world, a, b) = world.with_alice_and_bob();
    a.deliver("bob", "over QUIC");
    assert_eq!(a.route("bob")["transport"], "quic");
    for home in [&a, &b] {
        home.stop();
    }
    if let Err(missing) = network.webrtc_alone() {
        return println!("skipped: needs {missing}");
    }
    for home in [&a, &b] {
        home.start();
    }
    a.run(&[
        "send",
        "bob",
        "-m",
        "after all",
        "--wait",
        "delivered",
        "--timeout",
        "120s",
    ])
    .ok();
    assert_eq!(a.route("bob")["transport"], "webrtc");
    assert_eq!(b.recv_texts(2, PATIENCE), ["over QUIC", "after all"]);
    drop(world);
}

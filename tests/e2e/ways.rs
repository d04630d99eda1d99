//! By which way two machines meet, behind every pair of routers, and whether what is under way
//! survives when the way changes.

use std::collections::VecDeque;
use std::fs;
use std::net::SocketAddr;
use std::panic::catch_unwind;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::namespace::{Network, TO_FIRST};
use crate::nat::Side;
use crate::relay::{Relay, hide};
use crate::world::{Home, World, eventually, knob, pair, serve, texts};

const PATIENCE: Duration = Duration::from_secs(60);

/// A network with a server and a relay in its middle, and two homes that know the relay's
/// STUN; only Alice has its invite.
struct Lab {
    network: Arc<Network>,
    world: World,
    _relay: Relay,
    a: Home,
    b: Home,
}

impl Lab {
    /// With both agents running.
    fn new(sides: [Side; 2]) -> Option<Lab> {
        Lab::with(sides, |_, _| {})
    }

    /// The same, after something more was done to Alice's home.
    fn with(sides: [Side; 2], more: impl FnOnce(&World, &Home)) -> Option<Lab> {
        let network = Network::behind(sides)
            .map_err(|missing| println!("skipped: needs {missing}"))
            .ok()?;
        let world = World::across(Arc::clone(&network));
        let relay = Relay::with_tls(&world);
        let stun = format!("stun:{}", relay.address);
        let home = |dir, name| {
            let home = world.home(dir, name);
            home.run(&["config", "set", "net.stun", &stun]).ok();
            home
        };
        let (a, b) = thread::scope(|scope| {
            let b = scope.spawn(|| {
                let b = home("b", "bob");
                b.start();
                b
            });
            let a = home("a", "alice");
            a.run(&["relay", "add", &relay.invite]).ok();
            more(&world, &a);
            a.start();
            (a, b.join().unwrap())
        });
        Some(Lab {
            network,
            world,
            _relay: relay,
            a,
            b,
        })
    }
}

/// The way that RFC 8445 must find between these.
///
/// A check passes a filter if the other side has sent to exactly where it comes from. With one
/// mapping for all destinations both know that place beforehand; a symmetric translator
/// makes it up with the check, which only somebody without a filter hears.
fn expected(sides: [Side; 2]) -> &'static str {
    let unfiltered = sides.contains(&Side::Public);
    if sides.contains(&Side::TlsOnly) || (sides.contains(&Side::Symmetric) && !unfiltered) {
        "relay"
    } else {
        "direct"
    }
}

/// Pairs, talks both ways, and starts again; the route in the end, and how long it took from
/// the start of Alice's agent to Bob's receipt.
fn meet(sides: [Side; 2]) -> Option<(String, Duration)> {
    let lab = Lab::new(sides)?;
    let Lab { a, b, .. } = &lab;
    pair(a, "bob", b, "alice");
    a.deliver("bob", "hello");
    b.deliver("alice", "and back");
    assert_eq!(b.recv_texts(1, PATIENCE), ["hello"], "{sides:?}");
    assert_eq!(a.recv_texts(1, PATIENCE), ["and back"], "{sides:?}");
    a.stop();
    let begun = Instant::now();
    a.start();
    a.deliver("bob", "again");
    let took = begun.elapsed();
    assert_eq!(b.recv_texts(1, PATIENCE), ["again"], "{sides:?}");
    // A relayed pair may be nominated before a direct one is found.
    let until = Instant::now() + Duration::from_secs(10);
    let mut route = String::new();
    while route != expected(sides) && Instant::now() < until {
        route = a.route("bob")["route"]
            .as_str()
            .unwrap_or("none")
            .to_owned();
        thread::sleep(Duration::from_millis(50));
    }
    Some((route, took))
}

#[test]
fn every_pair_of_networks_meets_by_the_way_that_is_there() {
    use Side::{Cone, Double, Ipv6, Public, Symmetric, TlsOnly};
    let kinds = [Public, Cone, Symmetric, Double, TlsOnly];
    let mut pairs: VecDeque<[Side; 2]> = VecDeque::from([[Ipv6, Ipv6]]);
    for (at, one) in kinds.iter().enumerate() {
        pairs.extend(kinds[at..].iter().map(|other| [*one, *other]));
    }
    let (pairs, rows) = (Mutex::new(pairs), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..knob("SOLO2_LABS", 4) {
            scope.spawn(|| {
                loop {
                    let Some(sides) = pairs.lock().unwrap().pop_front() else {
                        return;
                    };
                    let met = catch_unwind(|| meet(sides));
                    rows.lock().unwrap().push((sides, met.ok()));
                }
            });
        }
    });
    let mut wrong = Vec::new();
    for (sides, met) in rows.into_inner().unwrap() {
        let [one, other] = sides;
        match met {
            Some(None) => return,
            Some(Some((route, took))) => {
                println!(
                    "| {one} | {other} | {route} | {:.1} s |",
                    took.as_secs_f64()
                );
                if route != expected(sides) {
                    wrong.push(sides);
                }
            }
            None => wrong.push(sides),
        }
    }
    assert!(
        wrong.is_empty(),
        "another way than expected, or none: {wrong:?}"
    );
}

/// A file of this size, and nothing in it that repeats soon.
fn film(lab: &Lab, mib: u32) -> (String, Vec<u8>) {
    let bytes: Vec<u8> = (0..mib << 20).map(|at| (at / 13) as u8).collect();
    (lab.world.file("film", &bytes), bytes)
}

/// The texts that Bob got, and the film.
fn taken(lab: &Lab) -> (Vec<String>, Vec<u8>) {
    let target = lab.world.path("in");
    fs::create_dir(&target).unwrap();
    let mut events = lab.b.json(&["recv", "--files-to", "in"]);
    events.retain(|event| event["type"] == "message" && event["body"]["text"].is_string());
    (texts(&events), fs::read(target.join("film")).unwrap())
}

fn wait_for_route(home: &Home, peer: &str, route: &str) {
    eventually(PATIENCE, &format!("the route is {route}"), || {
        let row = home.route(peer);
        row["connected"] == true && row["route"] == route
    });
}

const SEND_FILM: [&str; 6] = ["--wait", "delivered", "--timeout", "110s", "--json", "-f"];

/// A server that dies with the test.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn who_insists_on_a_relay_asks_no_other_server_and_shows_no_packet() {
    const STUN: u16 = 3479;
    let sides = [Side::Cone, Side::Cone];
    let mut server = None;
    let lab = Lab::with(sides, |world, a| {
        let address = SocketAddr::new(world.signal_address().ip(), STUN).to_string();
        let mut command = world.server("solo2-relay");
        command.args([
            "serve",
            "--json",
            "--role",
            "stun",
            "--listen-udp",
            &address,
        ]);
        server = Some(Killed(serve(command).0));
        let stun = format!("stun:{address}");
        a.run(&["config", "set", "net.stun", &stun]).ok();
    });
    let Some(lab) = lab else {
        return;
    };
    let Lab { network, a, b, .. } = &lab;
    network.middle.count(TO_FIRST, STUN);
    pair(a, "bob", b, "alice");
    wait_for_route(a, "bob", "direct");
    assert!(network.middle.counted() > 0, "the control: STUN was asked");
    assert!(
        network.middle.forwarded() > 0,
        "the control: packets passed"
    );

    hide(a);
    wait_for_route(a, "bob", "relay");
    // What Bob's side still had on its way is gone.
    thread::sleep(Duration::from_secs(1));
    let before = (network.middle.counted(), network.middle.forwarded());
    b.stop();
    b.start();
    a.deliver("bob", "hidden");
    b.deliver("alice", "and back");
    let (file, bytes) = film(&lab, 2);
    a.run(&[&["send", "bob"], &SEND_FILM[..], &[&file]].concat())
        .ok();
    let (said, film) = taken(&lab);
    assert_eq!(said, ["before", "hidden"]);
    assert!(film == bytes);
    assert_eq!(a.route("bob")["route"], "relay");
    let after = (network.middle.counted(), network.middle.forwarded());
    assert_eq!(after, before, "(asked STUN, went straight)");
}

#[test]
fn a_file_goes_on_when_the_straight_way_closes_and_opens_again() {
    let Some(lab) = Lab::new([Side::Cone, Side::Cone]) else {
        return;
    };
    let Lab { network, a, b, .. } = &lab;
    pair(a, "bob", b, "alice");
    a.deliver("bob", "straight");
    wait_for_route(a, "bob", "direct");
    network.limit("12mbit", "50ms");
    let (file, bytes) = film(&lab, knob("SOLO2_FILE_MIB", 32) as u32);
    let mut sending = a.stream(&[&["send", "bob"], &SEND_FILM[..], &[&file]].concat());
    assert_eq!(sending.event("file.progress")["route"], "direct");
    network.block();
    let blocked = Instant::now();
    while sending.event("file.progress")["route"] != "relay" {}
    let around = blocked.elapsed();
    a.deliver("bob", "around");
    network.open();
    let opened = Instant::now();
    wait_for_route(a, "bob", "direct");
    let straight = opened.elapsed();
    a.deliver("bob", "straight again");
    let under_way = !b.json(&["file", "list"]).is_empty();
    sending.end().ok();
    println!(
        "to the relay after {around:.1?}, back after {straight:.1?}, file under way: {under_way}"
    );
    let (said, film) = taken(&lab);
    assert_eq!(said, ["straight", "around", "straight again"]);
    assert!(film == bytes);

    // Closed for longer than the checks of one search take.
    network.block();
    wait_for_route(a, "bob", "relay");
    thread::sleep(Duration::from_secs(18));
    network.open();
    let opened = Instant::now();
    wait_for_route(a, "bob", "direct");
    println!("closed for long, back after {:.1?}", opened.elapsed());
}

#[test]
fn a_relayed_file_goes_on_from_another_address() {
    let Some(lab) = Lab::new([Side::Symmetric, Side::Cone]) else {
        return;
    };
    let Lab { network, a, b, .. } = &lab;
    pair(a, "bob", b, "alice");
    a.deliver("bob", "before");
    wait_for_route(a, "bob", "relay");
    network.limit("20mbit", "50ms");
    let (file, bytes) = film(&lab, 12);
    let mut sending = a.stream(&[&["send", "bob"], &SEND_FILM[..], &[&file]].concat());
    assert_eq!(sending.event("file.progress")["route"], "relay");
    network.ends[0].readdress("192.168.1.", 7);
    let moved = Instant::now();
    a.deliver("bob", "after");
    println!("a text passed {:.1?} after the move", moved.elapsed());
    sending.end().ok();
    let (said, film) = taken(&lab);
    assert_eq!(said, ["before", "after"]);
    assert!(film == bytes);
}

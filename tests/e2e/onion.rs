//! The onion route: two homes, a Tor network of the test's own, and no other server.
//!
//! Knobs: `SOLO2_ONION_MESSAGES` (each way, 20), `SOLO2_ONION_FILE_MIB` (3), `SOLO2_SEED`.

use std::fs;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::capture::{Tcpdump, is_stun, secrets_of};
use crate::command::{Done, Stream};
use crate::namespace::Namespace;
use crate::pcap;
use crate::tornet::{self, TorNetwork};
use crate::world::{self, Home, World, contains, eventually, has, knob, texts};

/// A descriptor takes a while to be found, and a slow machine takes its time for everything.
const PATIENCE: Duration = Duration::from_secs(240);

/// One network for all tests.
fn network() -> Option<&'static TorNetwork> {
    static NETWORK: OnceLock<Option<TorNetwork>> = OnceLock::new();
    let network = NETWORK.get_or_init(|| match tornet::missing() {
        Some(missing) => {
            println!("skipped: needs {missing}");
            None
        }
        None => Some(TorNetwork::start()),
    });
    network.as_ref()
}

/// Alice and Bob, agents running, unpaired, and a signal server that has gone.
fn strangers() -> Option<(World, Home, Home)> {
    let world = World::new();
    world.kill_signal();
    let [a, b] = homes(&world, network()?);
    Some((world, a, b))
}

fn homes(world: &World, network: &TorNetwork) -> [Home; 2] {
    let homes = [("a", "alice"), ("b", "bob")].map(|(dir, name)| world.home(dir, name));
    through_tor(network, homes)
}

/// Tells the two of the network, and starts their agents.
fn through_tor(network: &TorNetwork, homes: [Home; 2]) -> [Home; 2] {
    let config = network.arti_config();
    thread::scope(|scope| {
        for home in &homes {
            let config = config.to_str().unwrap();
            home.run(&["config", "set", "tor.config", config]).ok();
            scope.spawn(|| home.start());
        }
    });
    homes
}

/// Pairs the two by twelve words.
fn pair(a: &Home, b: &Home) {
    let code = pair_by(a, b, &["--onion"]);
    assert_eq!(code.split('-').count(), 12, "twelve words");
}

/// Pairs the two; by which code, comes back.
fn pair_by(a: &Home, b: &Home, how: &[&str]) -> String {
    let invite = ["pair", "invite", "--as", "bob", "--json"];
    let mut inviting = a.stream(&[&invite, how].concat());
    let invite = inviting.event("pair.invite");
    let code = invite["code"].as_str().unwrap();
    let joined = b.run(&[
        "pair",
        "join",
        code,
        "--as",
        "alice",
        "--timeout",
        "240s",
        "--json",
    ]);
    joined.ok();
    inviting.end().ok();
    code.to_owned()
}

fn send(from: &Home, to: &str, text: &str) -> Value {
    let done = from.run(&[
        "send",
        to,
        "-m",
        text,
        "--wait",
        "delivered",
        "--timeout",
        "110s",
        "--json",
    ]);
    done.ok().last_event()
}

/// The server is known by the name of an onion service alone, which a C tor keeps beside it.
/// The two then talk directly: it is the introduction that hides both.
#[test]
fn a_server_behind_tor_introduces_two_who_come_to_it_through_tor() {
    if let Some(missing) = tornet::missing() {
        return println!("skipped: needs {missing}");
    }
    let network = TorNetwork::start_for_c();
    let world = World::new();
    world.kill_signal();
    let mut serve = world.server("solo2-signal");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--onion", "127.0.0.1:0"]);
    serve.arg("--json");
    let mut server = Stream::start(serve);
    let ready = server.event("ready");
    let place: SocketAddr = ready["onion"].as_str().unwrap().parse().unwrap();
    let (_tor, name) = service_before(&network, &world, 80, place);
    let url = format!("ws://{name}");

    let homes = [("a", "alice"), ("b", "bob")].map(|(dir, name)| {
        let home = world.home(dir, name);
        home.run(&["config", "set", "net.signal", &url]).ok();
        home
    });
    let [a, b] = through_tor(&network, homes);
    for home in [&a, &b] {
        eventually(PATIENCE, "the server is reached", || {
            home.object(&["agent", "status"])["signal"]["online"] == true
        });
    }
    only_tor_comes_to(place);

    pair_by(&a, &b, &[]);
    a.deliver("bob", "introduced through Tor");
    assert_eq!(b.recv_texts(1, PATIENCE), ["introduced through Tor"]);
    assert_eq!(a.wait_connected("bob")["route"], "direct");
    server.interrupt().ok();
}

/// A C tor that keeps an onion service whose `port` leads to `place`; and the service's name.
fn service_before(
    network: &TorNetwork,
    world: &World,
    port: u16,
    place: SocketAddr,
) -> (impl Sized, String) {
    let daemon = world.path("tor");
    let service = daemon.join("service");
    let torrc = format!(
        "SocksPort 0\nHiddenServiceDir {}\nHiddenServicePort {port} {place}\n",
        service.display()
    );
    let tor = network.join(&daemon, &torrc);
    let name = fs::read_to_string(service.join("hostname")).unwrap();
    (tor, name.trim().to_owned())
}

/// Two at least have come to `place`, and the other ends of all connections are a Tor daemon's.
fn only_tor_comes_to(place: SocketAddr) {
    let sockets = Command::new("ss")
        .args(["-tnpH", &format!("dport = :{}", place.port())])
        .output()
        .unwrap();
    let callers = String::from_utf8(sockets.stdout).unwrap();
    assert!(callers.lines().count() >= 2, "{callers}");
    assert!(
        callers.lines().all(|line| line.contains("(\"tor\",")),
        "{callers}"
    );
}

/// The relay is known by the name of an onion service alone: it carries two whose addresses it
/// does not learn, one of them by what the other lends.
#[test]
fn a_relay_behind_tor_carries_those_who_come_to_it_through_tor() {
    if let Some(missing) = tornet::missing() {
        return println!("skipped: needs {missing}");
    }
    let network = TorNetwork::start_for_c();
    let world = World::new();
    let mut serve = world.server("solo2-relay");
    serve.args(["serve", "--secret-file", "relay-secret", "--json"]);
    serve.args(["--listen-udp", "127.0.0.1:0", "--onion", "127.0.0.1:0"]);
    let mut relay = Stream::start(serve);
    let ready = relay.event("ready");
    let place: SocketAddr = ready["onion"].as_str().unwrap().parse().unwrap();
    let (_tor, name) = service_before(&network, &world, 3478, place);
    let mut invite = world.server("solo2-relay");
    invite.args(["invite", "--secret-file", "relay-secret", "--public"]);
    invite.arg(format!("turn:{name}:3478?transport=tcp"));
    let invite = String::from_utf8(invite.output().unwrap().stdout).unwrap();

    let [a, b] = homes(&world, &network);
    pair_by(&a, &b, &[]);
    a.run(&["relay", "add", invite.trim()]).ok();
    eventually(PATIENCE, "the relay is found", || {
        a.run(&["relay", "test", "--timeout", "30s"]).code == 0
    });
    a.run(&["contact", "set", "bob", "route=relay", "strict=true"])
        .ok();
    let sent = send(&a, "bob", "past whoever watches the relay");
    assert_eq!(sent["results"][0]["route"], "relay");
    assert_eq!(
        b.recv_texts(1, PATIENCE),
        ["past whoever watches the relay"]
    );
    only_tor_comes_to(place);
    let file = world.file("file", vec![7; 1 << 20]);
    let way = ["--wait", "delivered", "--timeout", "110s"];
    let sent = b.run(&[&["send", "alice", "-f", &file], &way[..]].concat());
    sent.ok();
    assert_eq!(b.route("alice")["route"], "relay");

    // Bob lets nothing but relays see him, too, and has none of his own.
    b.run(&["contact", "set", "alice", "route=relay", "strict=true"])
        .ok();
    let refused = b.run(&["send", "alice", "-m", "x", "--wait", "delivered"]);
    refused.exits(10).says("relay");
    b.run(&["relay", "add", invite.trim()]).ok();
    let sent = send(&b, "alice", "neither sees the other");
    assert_eq!(sent["results"][0]["route"], "relay");
    relay.interrupt().ok();
}

#[test]
fn two_people_pair_talk_and_send_files_with_no_server_at_all() {
    let Some((world, a, b)) = strangers() else {
        return;
    };
    pair(&a, &b);
    let shown = a.object(&["contact", "show", "bob"]);
    assert_eq!(shown["verified"], true);

    let sent = send(&a, "bob", "through Tor");
    assert_eq!(sent["results"][0]["route"], "onion");
    send(&b, "alice", "and back");
    let at_bob = b.recv_messages(1, PATIENCE);
    assert_eq!(texts(&at_bob), ["through Tor"]);
    assert_eq!(at_bob[0]["route"], "onion");
    assert_eq!(a.recv_texts(1, PATIENCE), ["and back"]);
    let route = a.wait_connected("bob");
    assert_eq!(
        (&route["route"], &route["transport"]),
        (&"onion".into(), &"tor".into())
    );

    talk_through_a_death(&world, &a, &b);

    // A file gets circuits beside that of the conversation.
    let file = world.file("more", vec![7; 2 << 20]);
    let sent = a.run(&[
        "send",
        "bob",
        "-f",
        &file,
        "--wait",
        "delivered",
        "--timeout",
        "110s",
    ]);
    sent.ok();
    for (home, peer) in [(&a, "bob"), (&b, "alice")] {
        eventually(PATIENCE, "there are further circuits", || {
            home.route(peer)["circuits"].as_u64() > Some(1)
        });
    }

    // Whoever reads what Tor keeps on the disk learns of nobody.
    for home in [&a, &b] {
        let tor = home.dir.join("state").join("tor");
        assert!(tor.is_dir());
        let people = [&a, &b].map(|home| home.object(&["agent", "status"])["fingerprint"].clone());
        let people = people
            .iter()
            .map(|fingerprint| fingerprint.as_str().unwrap());
        // Nothing shorter: a directory of keys holds every few letters somewhere.
        for name in people.chain(["alice", "through Tor"]) {
            assert!(
                !anywhere(&tor, name.as_bytes()),
                "{name} in {}",
                tor.display()
            );
        }
    }
}

/// Both talk, a file comes to Bob, and his agent dies in the middle of it.
///
/// ```text
///   alice   half ── file ───────── half ─────────────────► everything, once, in order
///   bob     half ───── file begins ─┊ killed ┊─ half ────► everything, once, in order
/// ```
fn talk_through_a_death(world: &World, a: &Home, b: &Home) {
    let count = knob("SOLO2_ONION_MESSAGES", 20);
    let mib = knob("SOLO2_ONION_FILE_MIB", 3);
    let began = Instant::now();
    let since = |moment: Instant| moment.elapsed().as_secs_f64();
    let lines = |half: Range<u64>| -> String {
        let lines = half.map(|number| format!("line {number}\n"));
        lines.collect()
    };
    let talk = |home: &Home, peer: &str, half: Range<u64>| {
        home.run_with(&["send", peer, "--lines", "--json"], lines(half))
            .ok();
    };
    talk(a, "bob", 0..count / 2);
    talk(b, "alice", 0..count / 2);

    let mut contents = vec![0; usize::try_from(mib << 20).unwrap()];
    StdRng::seed_from_u64(knob("SOLO2_SEED", 1)).fill(&mut contents[..]);
    let file = world.file("big", &contents);
    a.run(&["send", "bob", "-f", &file, "--json"]).ok();
    let moving = Instant::now();
    eventually(PATIENCE, "a tenth of the file has come", || {
        let files = b.json(&["file", "list"]);
        let bytes = files.iter().filter_map(|file| file["bytes"].as_u64());
        bytes.sum::<u64>() > (mib << 20) / 10
    });
    let partly = since(moving);
    b.kill();
    talk(a, "bob", count / 2..count);
    b.start();
    let back = Instant::now();
    talk(b, "alice", count / 2..count);

    let expected: Vec<_> = (0..count).map(|number| format!("line {number}")).collect();
    let hear = |home: &Home| {
        let mut got = Vec::new();
        eventually(PATIENCE, "every line has come", || {
            let texts = home.recv_texts(1, Duration::ZERO);
            got.extend(texts.into_iter().filter(|text| text.starts_with("line")));
            got.len() >= expected.len()
        });
        assert_eq!(got, expected, "once each, in order");
    };
    hear(a);
    let done = PATIENCE.max(Duration::from_secs(mib * 30));
    let mut id = Value::Null;
    eventually(done, "the file has come", || {
        let files = b.json(&["file", "list"]);
        let file = files.iter().find(|file| file["state"] == "done");
        file.is_some_and(|file| {
            id = file["id"].clone();
            true
        })
    });
    let arrived = since(back);
    hear(b);
    let taken = world.path("taken");
    let out = ["file", "accept", id.as_str().unwrap(), "-o"];
    b.run(&[&out[..], &[taken.to_str().unwrap()]].concat()).ok();
    assert!(fs::read(taken).is_ok_and(|bytes| bytes == contents));
    for home in [a, b] {
        home.wait_flushed(PATIENCE);
        assert_eq!(home.recv_texts(1, Duration::ZERO), [""; 0], "none twice");
    }
    println!(
        "{count} messages each way and {mib} MiB in {:.0} s: killed {partly:.1} s after the offer, \
         the file there {arrived:.1} s after the new start",
        since(began)
    );
}

/// Whether a file or its name below `dir` holds these bytes.
fn anywhere(dir: &Path, needle: &[u8]) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let entry = entry.unwrap();
        let path = entry.path();
        contains(entry.file_name().as_encoded_bytes(), needle)
            || match entry.file_type().unwrap().is_dir() {
                true => anywhere(&path, needle),
                false => contains(&fs::read(&path).unwrap(), needle),
            }
    })
}

/// Two who know each other already: one of them wants to be hidden, and the other one, who has a
/// Tor network at hand, follows. The agents run on.
#[test]
fn who_hides_from_a_contact_takes_the_conversation_along() {
    let Some(network) = network() else {
        return;
    };
    let (_world, a, b) = World::alice_and_bob();
    a.deliver("bob", "in the open");
    let config = network.arti_config();
    for home in [&a, &b] {
        home.run(&["config", "set", "tor.config", config.to_str().unwrap()])
            .ok();
    }
    a.run(&["contact", "set", "bob", "route=onion", "strict=true"])
        .ok();
    let insisting = ["--require-route", "onion", "--wait", "delivered"];
    let words = ["send", "bob", "-m", "hidden", "--timeout", "115s", "--json"];
    let sent = a.run(&[&words[..], &insisting].concat()).ok().last_event();
    assert_eq!(sent["results"][0]["route"], "onion");
    let answered = send(&b, "alice", "where are you?");
    assert_eq!(answered["results"][0]["route"], "onion");
    assert_eq!(
        b.recv_texts(2, PATIENCE),
        ["in the open", "hidden"],
        "one conversation"
    );
    assert_eq!(b.route("alice")["transport"], "tor");

    a.run(&["contact", "set", "bob", "route=auto", "strict=false"])
        .ok();
    let back = send(&a, "bob", "back");
    assert_eq!(back["results"][0]["route"], "direct", "at once");
}

/// Each check in order, as it ended.
fn checks(done: &Done) -> Vec<(String, bool)> {
    let events = done.events();
    let checks = events
        .iter()
        .filter(|event| event["type"] == "doctor.check");
    checks
        .map(|check| {
            let name = check["check"].as_str().unwrap().to_owned();
            (name, check["ok"] == true)
        })
        .collect()
}

/// From nothing to a call that arrives; and a broken file, a network that is not there.
#[test]
fn a_doctor_tells_how_far_the_way_through_tor_reaches() {
    let Some(network) = network() else {
        return;
    };
    let world = World::new();
    world.kill_signal();
    let home = world.home("a", "alice");
    let set = |config: &str| {
        home.run(&["config", "set", "tor.config", config]).ok();
    };
    set(network.arti_config().to_str().unwrap());
    let well = home.alone(&["doctor", "tor", "--json", "--timeout", "110s"]);
    let all = ["tor.settings", "tor.network", "tor.service", "tor.call"];
    assert_eq!(checks(&well.ok()), all.map(|name| (name.to_owned(), true)));

    set(&world.file("broken.toml", "[storage\n"));
    let broken = home.alone(&["doctor", "tor", "--json"]).exits(20).advises();
    assert_eq!(checks(&broken), [("tor.settings".to_owned(), false)]);
    assert!(broken.stderr.contains("hint: "), "{broken}");

    // Port 9 is nobody's: what is known of the network leads nowhere.
    let nowhere = fs::read_to_string(network.arti_config()).unwrap();
    let nowhere: String = nowhere.lines().fold(String::new(), |all, line| {
        let line = match line.split_once("orports") {
            Some((before, _)) => format!("{before}orports = [\"127.0.0.1:9\"] }},"),
            None => line.to_owned(),
        };
        all + &line + "\n"
    });
    set(&world.file("nowhere.toml", nowhere));
    let other = world.home("b", "bob");
    let config = home.run(&["config", "get", "tor.config"]).ok();
    other
        .run(&["config", "set", "tor.config", config.text().trim()])
        .ok();
    let lost = other.alone(&["doctor", "tor", "--json", "--timeout", "8s"]);
    let lost = lost.exits(20).advises();
    let ends = ["tor.settings", "tor.network"].map(str::to_owned);
    assert_eq!(
        checks(&lost),
        ends.clone()
            .into_iter()
            .zip([true, false])
            .collect::<Vec<_>>()
    );
    let progress = lost.events();
    let mut progress = progress
        .iter()
        .filter(|event| event["type"] == "tor.progress");
    assert!(progress.any(|event| event["ready"] == false), "{lost}");
}

/// A profile that knows servers and may not call them: Tor's packets are the only ones, while
/// two people pair, talk and send a file through a death, and after Tor has gone.
#[test]
fn under_a_strict_onion_route_nothing_leaves_but_tors_packets() {
    let namespace = match (Namespace::new(), tornet::missing(), has("nft")) {
        (Ok(namespace), None, true) => namespace,
        (Err(missing), ..) | (_, Some(missing), _) => return println!("skipped: needs {missing}"),
        _ => return println!("skipped: needs nftables"),
    };
    let inside = |program: &str| namespace.command(Path::new(program));
    let mut network = TorNetwork::start_by(&inside);
    let world = World::inside(Arc::clone(&namespace));
    world.kill_signal();
    let [a, b] = homes(&world, &network);
    for home in [&a, &b] {
        home.stop();
        for [key, value] in [
            ["net.signal", "wss://203.0.113.7"],
            ["net.stun", "stun:stun.example:3478"],
            ["net.route", "onion"],
            ["net.strict", "true"],
        ] {
            home.run(&["config", "set", key, value]).ok();
        }
    }
    thread::sleep(Duration::from_millis(500));
    let ports: Vec<_> = network.ports().iter().map(u16::to_string).collect();
    let ports = ports.join(", ");
    // Its own, and the answers to it.
    namespace.count_leaving_but(&["dport", "sport"].map(|end| format!("tcp {end} {{ {ports} }}")));
    let away = namespace.sent_away();
    thread::scope(|scope| {
        scope.spawn(|| a.start());
        b.start();
    });
    let refused = a.run(&["pair", "invite", "--no-wait"]);
    refused.exits(10).says("Tor").advises();
    pair(&a, &b);
    send(&a, "bob", "only this way");
    assert_eq!(b.recv_texts(1, PATIENCE), ["only this way"]);
    talk_through_a_death(&world, &a, &b);
    let direct = a.run(&["send", "bob", "-m", "x", "--require-route", "direct"]);
    direct.exits(10).says("Tor");
    assert_eq!((namespace.counted(), namespace.sent_away() - away), (0, 0));

    network.stop();
    let blocked = a.run(&[
        "send",
        "bob",
        "-m",
        "later",
        "--wait",
        "delivered",
        "--timeout",
        "20s",
        "--json",
    ]);
    assert!([7, 10].contains(&blocked.code), "{}", blocked.text());
    assert_eq!(a.json(&["queue", "list"]).len(), 1, "it is kept");
    eventually(PATIENCE, "it is known that Tor is gone", || {
        a.run(&["route", "test", "bob", "--timeout", "20s"]).code == 10
    });
    assert_eq!((namespace.counted(), namespace.sent_away() - away), (0, 0));

    // The counter counts: the same profile, allowed to call its servers, does.
    a.run(&["config", "set", "net.route", "auto"]).ok();
    a.run(&["agent", "reload"]).ok();
    eventually(Duration::from_secs(30), "a packet leaves", || {
        namespace.counted() + namespace.sent_away() - away > 0
    });
}

/// Alice talks to Bob through Tor and to Carol directly. What is beside Tor while she talks to
/// Bob is what an idle link needs; and Bob, once blocked, finds nobody, as if she had left.
#[test]
fn a_contact_through_tor_and_one_beside_it_tell_nothing_of_each_other() {
    let namespace = match (Namespace::new(), tornet::missing(), has("tcpdump")) {
        (Ok(namespace), None, true) => namespace,
        (Err(missing), ..) | (_, Some(missing), _) => return println!("skipped: needs {missing}"),
        _ => return println!("skipped: needs tcpdump"),
    };
    let inside = |program: &str| namespace.command(Path::new(program));
    let network = TorNetwork::start_by(&inside);
    let world = World::inside(Arc::clone(&namespace));
    let [a, b] = homes(&world, &network);
    let c = world.home("c", "carol");
    c.start();
    pair(&a, &b);
    world::pair(&a, "carol", &c, "alice");
    send(&a, "bob", "through Tor");
    a.deliver("carol", "straight");
    assert_eq!(a.wait_connected("carol")["route"], "direct");

    let file = world.path("beside.pcap");
    let began = Instant::now();
    let dump = Tcpdump::start(&namespace, "lo", &file);
    talk_through_a_death(&world, &a, &b);
    assert_eq!(a.route("carol")["route"], "direct", "all the while");
    a.deliver("carol", "the capture sees this");
    dump.stop();
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    let ports = network.ports();
    let capture = pcap::parse(&fs::read(&file).unwrap());
    let of_tor = |(_, port): &pcap::End| ports.contains(port);
    let (tor, beside): (Vec<_>, Vec<_>) = capture
        .streams
        .iter()
        .partition(|((from, to), _)| of_tor(from) || of_tor(to));
    let bytes = |streams: &[(_, &Vec<u8>)]| streams.iter().map(|(_, bytes)| bytes.len()).sum();
    let (through_tor, to_the_server): (usize, usize) = (bytes(&tor), bytes(&beside));
    assert!(through_tor > 3 << 20, "{through_tor} bytes: the control");
    assert!(to_the_server < 20_000, "{to_the_server} bytes");
    // Heartbeats every 20 s from both sides, and what acknowledges them.
    let links = capture.datagrams.iter();
    let links = links.filter(|datagram| !is_stun(&datagram.payload)).count();
    assert!((1..40 + seconds).contains(&links), "{links} in {seconds} s");
    let payloads = capture.datagrams.iter().map(|datagram| &datagram.payload);
    let seen: Vec<&Vec<u8>> = payloads
        .chain(beside.iter().map(|(_, bytes)| *bytes))
        .collect();
    for (what, secret) in [&a, &b].into_iter().flat_map(secrets_of) {
        for needle in pcap::disguises(&secret) {
            let found = seen.iter().any(|bytes| contains(bytes, &needle));
            assert!(!found, "{what} beside Tor");
        }
    }

    // Whether she has left or does not want to be reached: Bob's call finds nobody.
    let missed = || {
        eventually(PATIENCE, "the link has ended", || {
            b.route("alice")["connected"] == false
        });
        let said = b.run(&["route", "test", "alice", "--timeout", "20s"]);
        let said = said.exits(7).stderr;
        let absent = [
            "the onion service is not there",
            "the onion service did not answer in time",
            // The call is under way.
            "the peer is not online",
        ];
        let heard = absent.iter().any(|word| said.contains(word));
        assert!(heard, "{said}");
    };
    a.stop();
    missed();
    a.start();
    send(&b, "alice", "welcome back");
    a.run(&["contact", "block", "bob"]).ok();
    missed();
}

//! The onion route: two homes, a Tor network of the test's own, and no other server.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::namespace::Namespace;
use crate::tornet::{self, TorNetwork};
use crate::world::{Home, World, contains, eventually, has, texts};

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
    let config = network.arti_config();
    let homes = [("a", "alice"), ("b", "bob")].map(|(dir, name)| {
        let home = world.home(dir, name);
        let config = config.to_str().unwrap();
        home.run(&["config", "set", "tor.config", config]).ok();
        home
    });
    thread::scope(|scope| {
        for home in &homes {
            scope.spawn(|| home.start());
        }
    });
    homes
}

/// Pairs the two by twelve words.
fn pair(a: &Home, b: &Home) {
    let mut inviting = a.stream(&["pair", "invite", "--onion", "--as", "bob", "--json"]);
    let invite = inviting.event("pair.invite");
    let code = invite["code"].as_str().unwrap();
    assert_eq!(code.split('-').count(), 12, "twelve words");
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

    // One agent dies in the middle; what was said meanwhile and the file arrive.
    let contents: Vec<u8> = (0..600_000u32).flat_map(u32::to_le_bytes).collect();
    let file = world.file("big", &contents);
    a.run(&["send", "bob", "-f", &file, "--json"]).ok();
    b.kill();
    let lines: String = (0..20).map(|number| format!("line {number}\n")).collect();
    a.run_with(&["send", "bob", "--lines", "--json"], lines)
        .ok();
    b.start();
    let expected: Vec<_> = (0..20).map(|number| format!("line {number}")).collect();
    let mut got = Vec::new();
    eventually(PATIENCE, "every line has come", || {
        got.extend(
            b.recv_texts(1, Duration::ZERO)
                .into_iter()
                .filter(|text| text.starts_with("line")),
        );
        got.len() >= expected.len()
    });
    assert_eq!(got, expected, "once each, in order");
    let taken = world.path("in");
    fs::create_dir(&taken).unwrap();
    let taken = taken.to_str().unwrap();
    eventually(PATIENCE, "the file has come", || {
        b.run(&["recv", "--files-to", taken, "--json"]);
        fs::read(Path::new(taken).join("big")).is_ok_and(|bytes| bytes == contents)
    });

    // Whoever reads what Tor keeps on the disk learns of nobody.
    for home in [&a, &b] {
        let tor = home.dir.join("state").join("tor");
        assert!(tor.is_dir());
        for name in ["alice", "bob", "through Tor"] {
            assert!(
                !anywhere(&tor, name.as_bytes()),
                "{name} in {}",
                tor.display()
            );
        }
    }
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
    eventually(PATIENCE, "a straight link again", || {
        let sent = send(&a, "bob", "back");
        sent["results"][0]["route"] == "direct"
    });
}

/// A filter that counts what is not Tor's on this machine's loopback, TCP's answers included.
fn count_others(namespace: &Namespace, ports: &[u16]) {
    let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
    let ports = ports.join(", ");
    let rules = format!(
        "table inet tor {{
         counter others {{ }}
         chain out {{ type filter hook output priority 0;
           tcp dport {{ {ports} }} accept
           tcp sport {{ {ports} }} accept
           counter name others
         }}
         }}
         "
    );
    let mut nft = namespace.command(Path::new("nft"));
    nft.args(["-f", "-"]).stdin(Stdio::piped());
    let mut nft = nft.spawn().unwrap();
    nft.stdin
        .take()
        .unwrap()
        .write_all(rules.as_bytes())
        .unwrap();
    assert!(nft.wait().unwrap().success(), "nft");
}

/// Packets that were not Tor's.
fn others(namespace: &Namespace) -> u64 {
    let mut nft = namespace.command(Path::new("nft"));
    nft.args(["list", "counter", "inet", "tor", "others"]);
    let text = String::from_utf8(nft.output().unwrap().stdout).unwrap();
    let words: Vec<_> = text.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "packets").unwrap();
    words[at + 1].parse().unwrap()
}

/// A profile that knows servers and may not call them: Tor's packets are the only ones, while
/// two people pair and talk and after Tor has gone.
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
    count_others(&namespace, &network.ports());
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
    let direct = a.run(&["send", "bob", "-m", "x", "--require-route", "direct"]);
    direct.exits(10).says("Tor");
    assert_eq!((others(&namespace), namespace.sent_away() - away), (0, 0));

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
    assert_eq!((others(&namespace), namespace.sent_away() - away), (0, 0));

    // The counter counts: the same profile, allowed to call its servers, does.
    a.run(&["config", "set", "net.route", "auto"]).ok();
    a.run(&["agent", "reload"]).ok();
    eventually(Duration::from_secs(30), "a packet leaves", || {
        others(&namespace) + namespace.sent_away() - away > 0
    });
}

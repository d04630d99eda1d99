//! The onion route: two homes, a Tor network of the test's own, and no other server.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::tornet::{self, TorNetwork};
use crate::world::{Home, World, contains, eventually, texts};

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
    let config = network()?.arti_config();
    let world = World::new();
    world.kill_signal();
    let [a, b] = [("a", "alice"), ("b", "bob")].map(|(dir, name)| {
        let home = world.home(dir, name);
        let config = config.to_str().unwrap();
        home.run(&["config", "set", "tor.config", config]).ok();
        home
    });
    thread::scope(|scope| {
        scope.spawn(|| a.start());
        b.start();
    });
    Some((world, a, b))
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
    let taken = taken.to_str().unwrap();
    eventually(PATIENCE, "the file has come", || {
        b.run(&["recv", "--files-to", taken, "--json"]).ok();
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

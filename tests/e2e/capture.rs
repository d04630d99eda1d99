//! What somebody on the wire sees: datagrams of one size, and nothing in them.
//!
//! The conversation runs in a network namespace, so the capture holds its
//! packets and no others. Everything is looked for as it is, in hex and in
//! base64; WebSocket frames are unmasked first.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::namespace::{Namespace, Network, TO_FIRST};
use crate::pcap::{self, Capture, Datagram};
use crate::relay::Relay;
use crate::world::{Home, World, contains, has, knob, pair};

/// Every datagram of ours on a network.
pub(crate) const DATAGRAM: usize = 1228;
/// Before it, towards a relay (RFC 8656 §12.4).
const CHANNEL: usize = 4;
/// And within one machine.
const LOCAL_DATAGRAM: usize = 16_000;
/// Every message to and from the introduction server.
const INTRODUCTION: usize = 4160;
/// RFC 8489, section 5.
const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

const TEXTS: usize = 200;

pub(crate) struct Tcpdump {
    child: Child,
}

impl Tcpdump {
    pub(crate) fn start(namespace: &Namespace, interface: &str, file: &Path) -> Tcpdump {
        let mut child = namespace
            .command(Path::new("tcpdump"))
            .args([
                "-i", interface, "-n", "-s", "0", "-B", "32768", "-U", "-Z", "root", "-w",
            ])
            .arg(file)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        while !line.contains("listening on") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "tcpdump listens");
        }
        child.stderr = Some(said.into_inner());
        Tcpdump { child }
    }

    /// Stops it; it must have kept everything.
    pub(crate) fn stop(mut self) {
        use std::io::Read;
        // The kernel hands packets over once a second.
        thread::sleep(Duration::from_millis(2000));
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let mut said = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        self.child.wait().unwrap();
        assert!(said.contains("0 packets dropped by kernel"), "{said}");
    }
}

impl Drop for Tcpdump {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two machines whose packets can be captured, or word of what is missing.
pub(crate) fn watched_network() -> Option<Arc<Network>> {
    let missing = match Network::new() {
        Ok(network) if has("tcpdump") => return Some(network),
        Ok(_) => "tcpdump",
        Err(missing) => missing,
    };
    println!("skipped: needs {missing}");
    None
}

pub(crate) fn is_stun(payload: &[u8]) -> bool {
    payload.len() >= 20 && payload[0] < 4 && payload[4..8] == STUN_COOKIE
}

/// The sizes of datagrams in a packet; the kernel may keep several of one size
/// together when it need not cut them for a real wire.
pub(crate) fn sizes(datagram: &Datagram, usual: usize) -> Vec<usize> {
    let len = datagram.payload.len();
    if len > usual && len.is_multiple_of(usual) {
        vec![usual; len / usual]
    } else {
        vec![len]
    }
}

/// What was seen of datagrams, by size.
#[derive(Default)]
struct Sizes {
    usual: usize,
    stun: usize,
    /// Packets that the kernel kept several datagrams in.
    batches: usize,
    /// (from port, to port, size), and how many.
    odd: BTreeMap<(u16, u16, usize), usize>,
}

impl Sizes {
    fn of(capture: &Capture, usual: usize) -> Sizes {
        let mut seen = Sizes::default();
        for datagram in &capture.datagrams {
            // A check of ICE may come through a channel.
            let inside = datagram.payload.get(CHANNEL..).unwrap_or_default();
            if is_stun(&datagram.payload) || is_stun(inside) {
                seen.stun += 1;
                continue;
            }
            let sizes = sizes(datagram, usual);
            seen.batches += usize::from(sizes.len() > 1);
            for size in sizes {
                if size == usual {
                    seen.usual += 1;
                } else {
                    let ends = (datagram.from.1, datagram.to.1, size);
                    *seen.odd.entry(ends).or_default() += 1;
                }
            }
        }
        seen
    }
}

/// What tells who somebody is, or opens what is theirs.
pub(crate) fn secrets_of(home: &Home) -> [(String, Vec<u8>); 3] {
    let identity = home.object(&["identity", "show"]);
    let fingerprint = identity["fingerprint"].as_str().unwrap();
    let raw = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(&fingerprint[at..at + 2], 16).unwrap())
        .collect();
    let words = std::fs::read_to_string(home.words_file()).unwrap();
    [
        ("an identity key".into(), raw),
        ("an identity key in hex".into(), fingerprint.into()),
        ("the words".into(), words.trim().into()),
    ]
}

#[test]
fn the_wire_shows_one_size_and_no_canary() {
    if !has("tcpdump") {
        println!("skipped: needs tcpdump");
        return;
    }
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(missing) => {
            println!("skipped: needs {missing}");
            return;
        }
    };
    let idle = Duration::from_secs(knob("SOLO2_IDLE_SECS", 65));
    let world = World::inside(Arc::clone(&namespace));
    let file = world.path("wire.pcap");
    let tcpdump = Tcpdump::start(&namespace, "lo", &file);

    let alice_name = "canaryname-alice-7151";
    let bob_name = "canaryname-bob-9823";
    let (a, b) = (world.home("a", alice_name), world.home("b", bob_name));
    a.start();
    b.start();
    crate::world::pair(&a, bob_name, &b, alice_name);
    let canary = "canarytext-the-quick-brown-fox";
    let lines: String = (0..TEXTS / 2)
        .map(|number| format!("{canary}-{number}\n"))
        .collect();
    thread::scope(|scope| {
        scope.spawn(|| a.run_with(&["send", bob_name, "--lines"], &lines).ok());
        b.run_with(&["send", alice_name, "--lines"], &lines).ok();
    });
    assert_eq!(
        b.recv_messages(TEXTS / 2, Duration::from_secs(60)).len(),
        TEXTS / 2
    );
    assert_eq!(
        a.recv_messages(TEXTS / 2, Duration::from_secs(60)).len(),
        TEXTS / 2
    );
    a.deliver(bob_name, &canary.repeat(200));
    let id = a.deliver(bob_name, "an end");
    b.run(&["react", &id, "👍"]).ok();
    a.run(&["edit", &id, "-m", canary]).ok();
    a.wait_flushed(Duration::from_secs(30));
    thread::sleep(idle);

    let mut secrets: Vec<(String, Vec<u8>)> = vec![
        ("a text".into(), canary.into()),
        ("a name".into(), alice_name.into()),
        ("a name".into(), bob_name.into()),
    ];
    secrets.extend([&a, &b].into_iter().flat_map(secrets_of));
    let number = a.object(&["contact", "show", bob_name])["safety_number"].clone();
    secrets.push(("a safety number".into(), number.as_str().unwrap().into()));
    let server = world.signal_address();
    a.stop();
    b.stop();
    tcpdump.stop();

    let capture = pcap::parse(&std::fs::read(&file).unwrap());
    let Sizes {
        usual: ours,
        stun,
        batches,
        odd,
    } = Sizes::of(&capture, LOCAL_DATAGRAM);
    assert!(
        odd.is_empty(),
        "(from port, to port, size) of datagrams of another size, and how many: {odd:?}"
    );
    assert!(
        ours > TEXTS / 4,
        "the conversation was captured: {ours} datagrams"
    );

    let mut introductions = 0;
    let mut clear = Vec::new();
    for ((from, to), stream) in &capture.streams {
        assert!(
            [from.1, to.1].contains(&server.port()),
            "TCP goes to the introduction server only: {from:?} -> {to:?}"
        );
        let (messages, rest) = pcap::websocket(stream);
        for message in &messages {
            assert_eq!(message.len(), INTRODUCTION, "{from:?} -> {to:?}");
        }
        introductions += messages.len();
        clear.push(rest);
        clear.extend(messages);
        clear.push(stream.clone());
    }
    assert!(introductions > 0, "the introduction was captured");
    let mut bytes = 0;
    for (what, secret) in &secrets {
        for disguise in pcap::disguises(secret) {
            let payloads = capture.datagrams.iter().map(|datagram| &datagram.payload);
            for payload in payloads.chain(&clear) {
                bytes += payload.len();
                assert!(
                    !contains(payload, &disguise),
                    "{what} is on the wire: {disguise:?}"
                );
            }
        }
    }
    println!(
        "{ours} datagrams of {LOCAL_DATAGRAM} B ({batches} batches), {stun} of STUN, {introductions} messages of \
         {INTRODUCTION} B in {} streams, {} others; {TEXTS} texts and {idle:?} of idling; no trace of {} secrets \
         ({} MB searched)",
        capture.streams.len(),
        capture.others,
        secrets.len(),
        bytes / 1_000_000
    );
}

#[test]
fn between_two_machines_a_file_looks_like_a_text() {
    a_file_looks_like_a_text(false);
}

#[test]
fn a_relay_sees_one_size_and_no_canary() {
    a_file_looks_like_a_text(true);
}

/// Between two machines, or between one that hides and its relay.
fn a_file_looks_like_a_text(relayed: bool) {
    let Some(network) = watched_network() else {
        return;
    };
    let world = World::across(Arc::clone(&network));
    let file = world.path("wire.pcap");
    let relay = relayed.then(|| Relay::start(&world));
    let tcpdump = Tcpdump::start(&network.middle, TO_FIRST, &file);
    let (a, b) = (world.home("a", "alice"), world.home("b", "bob"));
    if let Some(relay) = &relay {
        a.run(&["relay", "add", &relay.invite]).ok();
        a.run(&["config", "set", "net.route", "relay"]).ok();
        a.run(&["config", "set", "net.strict", "true"]).ok();
    }
    let (forwarded, datagram_len) = match relayed {
        true => (network.middle.forwarded(), CHANNEL + DATAGRAM),
        false => (0, DATAGRAM),
    };
    a.start();
    b.start();
    pair(&a, "bob", &b, "alice");
    let canary = "canarytext-between-two-machines";
    a.deliver("bob", "1");
    b.deliver("alice", &canary.repeat(300));
    let attachment = world.file("canaryfile-4711.txt", canary.repeat(40_000));
    for (home, peer) in [(&a, "bob"), (&b, "alice")] {
        home.run(&["send", peer, "-f", &attachment, "--wait", "delivered"])
            .ok();
    }
    // Long enough for a heartbeat or two.
    thread::sleep(Duration::from_secs(knob("SOLO2_IDLE_SECS", 65).min(30)));
    a.stop();
    b.stop();
    let server = world.signal_address();
    tcpdump.stop();

    let capture = pcap::parse(&std::fs::read(&file).unwrap());
    let sizes = Sizes::of(&capture, datagram_len);
    assert!(
        sizes.odd.is_empty(),
        "(from port, to port, size) of datagrams of another size, and how many: {:?}",
        sizes.odd
    );
    if relayed {
        let now = network.middle.forwarded();
        assert_eq!(now, forwarded, "a packet went straight, pairing included");
    }
    let least = 2 * 40_000 * canary.len() / DATAGRAM;
    assert!(
        sizes.usual > least,
        "both files were captured: {} datagrams",
        sizes.usual
    );
    for ends in capture.streams.keys() {
        let ports = [ends.0.1, ends.1.1];
        assert!(ports.contains(&server.port()), "TCP to another: {ends:?}");
    }
    for secret in [canary, "canaryfile-4711"] {
        for disguise in pcap::disguises(secret.as_bytes()) {
            let datagrams = capture.datagrams.iter().map(|datagram| &datagram.payload);
            for payload in datagrams.chain(capture.streams.values()) {
                assert!(!contains(payload, &disguise), "on the wire: {disguise:?}");
            }
        }
    }
    println!(
        "{} datagrams of {datagram_len} B ({} batches), {} of STUN",
        sizes.usual, sizes.batches, sizes.stun
    );
}

#[test]
fn the_search_finds_what_is_there() {
    // The control of the test above: a capture that holds a canary.
    if !has("tcpdump") {
        println!("skipped: needs tcpdump");
        return;
    }
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(missing) => {
            println!("skipped: needs {missing}");
            return;
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wire.pcap");
    let tcpdump = Tcpdump::start(&namespace, "lo", &file);
    let said = namespace
        .command(Path::new("bash"))
        .args(["-c", "printf canary-0451 > /dev/udp/127.0.0.1/9"])
        .status()
        .unwrap();
    assert!(said.success());
    tcpdump.stop();
    let capture = pcap::parse(&std::fs::read(&file).unwrap());
    assert_eq!(capture.datagrams.len(), 1);
    assert_eq!(capture.datagrams[0].payload, b"canary-0451");
    assert_eq!(capture.datagrams[0].to.1, 9);
    assert!(!is_stun(&capture.datagrams[0].payload));
}

//! With cover a line looks the same whether its two people talk or not.
//!
//! Between two machines the packets of a silence and of a conversation are captured, and
//! compared as somebody on the wire could: how many, and at what gaps. The two-sample test of
//! Kolmogorov and Smirnov finds whether two sets of gaps come from one distribution.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::capture::{DATAGRAM, Tcpdump, is_stun, sizes, watched_network};
use crate::namespace::TO_FIRST;
use crate::pcap::{self, Capture};
use crate::world::{Home, World, eventually, pair};

/// The two machines.
const ENDS: [&str; 2] = ["198.18.1.1", "198.18.2.1"];
/// How long each part of the capture is, and of the control.
const PART: Duration = Duration::from_secs(20);
const CONTROL: Duration = Duration::from_secs(8);
/// Lines that each side says in a talk: with their receipts they take most of a part.
const LINES: usize = 30;
/// Datagrams of a frame: 4096 bytes in QUIC packets of at most 1226.
const OF_A_FRAME: usize = 4;
/// They leave together.
const TOGETHER: Duration = Duration::from_millis(4);

/// Since the epoch, as tcpdump counts.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// When datagrams of one direction passed.
fn moments(capture: &Capture, from: &str, part: (Duration, Duration)) -> Vec<Duration> {
    let mut moments = Vec::new();
    for datagram in &capture.datagrams {
        let inside = part.0 <= datagram.at && datagram.at < part.1;
        let ours = datagram.from.0.to_string() == from;
        if inside && ours && !is_stun(&datagram.payload) {
            let count = sizes(datagram, DATAGRAM).len();
            moments.resize(moments.len() + count, datagram.at);
        }
    }
    moments
}

/// The gaps between frames: between bursts of as many datagrams as a frame has.
fn gaps(moments: &[Duration]) -> Vec<f64> {
    let mut frames: Vec<Duration> = Vec::new();
    for burst in moments.windows(OF_A_FRAME - 1) {
        let (first, last) = (burst[0], burst[OF_A_FRAME - 2]);
        let another = frames
            .last()
            .is_none_or(|before| first - *before > TOGETHER);
        if last - first <= TOGETHER && another {
            frames.push(first);
        }
    }
    frames
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64())
        .collect()
}

/// The largest distance between two empirical distributions, and how large it may be by
/// chance, once in a thousand (Smirnov 1948: c = sqrt(ln(2 / alpha) / 2)).
fn smirnov(one: &[f64], two: &[f64]) -> (f64, f64) {
    let [mut one, mut two] = [one.to_vec(), two.to_vec()];
    one.sort_by(f64::total_cmp);
    two.sort_by(f64::total_cmp);
    let share =
        |gaps: &[f64], at: f64| gaps.partition_point(|gap| *gap <= at) as f64 / gaps.len() as f64;
    let apart = one.iter().chain(&two);
    let apart = apart.map(|at| (share(&one, *at) - share(&two, *at)).abs());
    let (n, m) = (one.len() as f64, two.len() as f64);
    let critical = ((2.0 / 0.001_f64).ln() / 2.0).sqrt() * ((n + m) / (n * m)).sqrt();
    (apart.fold(0.0, f64::max), critical)
}

#[test]
fn the_comparison_tells_two_distributions_apart() {
    let even: Vec<f64> = (0..300).map(|at| f64::from(at) / 300.0).collect();
    let bent: Vec<f64> = even.iter().map(|at| at * at).collect();
    let (apart, critical) = smirnov(&even, &bent);
    // Of x and x²: at most 1/4, where x = 1/4; the critical value from a table for 0.001.
    assert!((apart - 0.25).abs() < 0.01 && (critical - 0.159).abs() < 0.001);
    assert!(apart > critical);
    let (apart, critical) = smirnov(&even, &even[50..250]);
    assert!(apart < critical * 1.2 && apart > 0.1);
    assert!(smirnov(&even, &even).0 < 0.001);
}

/// Both talk without a pause, or nobody does: from when to when.
fn part(a: &Home, b: &Home, talk: bool, long: Duration) -> (Duration, Duration) {
    let begun = now();
    if talk {
        let lines: String = (0..LINES).map(|number| format!("{number}\n")).collect();
        thread::scope(|scope| {
            scope.spawn(|| a.run_with(&["send", "bob", "--lines"], &lines).ok());
            b.run_with(&["send", "alice", "--lines"], &lines).ok();
        });
    }
    thread::sleep((begun + long).saturating_sub(now()));
    (begun, now())
}

#[test]
fn steady_cover_hides_whether_somebody_speaks() {
    let Some(network) = watched_network() else {
        return;
    };
    let world = World::across(Arc::clone(&network));
    let file = world.path("wire.pcap");
    let tcpdump = Tcpdump::start(&network.middle, TO_FIRST, &file);
    let (a, b) = (world.home("a", "alice"), world.home("b", "bob"));
    a.start();
    b.start();
    pair(&a, "bob", &b, "alice");
    a.deliver("bob", "hello");
    let talk_uncovered = part(&a, &b, true, CONTROL);
    a.wait_flushed(Duration::from_secs(20));
    let silence_uncovered = part(&a, &b, false, CONTROL);

    // One side asks, and the agent takes it up under a living link.
    a.run(&["config", "set", "privacy.cover", "steady:250ms"])
        .ok();
    for (home, peer) in [(&a, "bob"), (&b, "alice")] {
        eventually(Duration::from_secs(10), "the link is covered", || {
            home.route(peer)["cover"] == "steady:250ms"
        });
    }
    // By turns: this machine may have more to do in one part than in another.
    let parts = [false, true, false, true].map(|talk| part(&a, &b, talk, PART));
    a.wait_flushed(Duration::from_secs(60));
    b.wait_flushed(Duration::from_secs(60));
    let all = 1 + 3 * LINES;
    assert_eq!(b.recv_messages(all, Duration::from_secs(20)).len(), all);
    a.stop();
    b.stop();
    tcpdump.stop();

    let capture = pcap::parse(&std::fs::read(&file).unwrap());
    for from in ENDS {
        let seen = |parts: [(Duration, Duration); 2]| {
            let moments = parts.map(|part| moments(&capture, from, part));
            let count: usize = moments.iter().map(Vec::len).sum();
            let gaps = moments.iter().flat_map(|moments| gaps(moments));
            (count as f64, gaps.collect::<Vec<_>>())
        };
        let (quiet, silence) = seen([parts[0], parts[2]]);
        let (loud, talk) = seen([parts[1], parts[3]]);
        let (apart, critical) = smirnov(&silence, &talk);
        let uncovered = |part| moments(&capture, from, part).len().max(1) as f64;
        let ratio = uncovered(talk_uncovered) / uncovered(silence_uncovered);
        println!(
            "from {from}: {} and {} gaps, {apart:.3} apart (by chance up to {critical:.3}); {quiet} and {loud} \
             datagrams; uncovered {ratio:.0} times as many in a talk",
            silence.len(),
            talk.len()
        );
        assert!(silence.len() > 100 && talk.len() > 100, "four a second");
        assert!(apart < critical, "the gaps tell whether somebody speaks");
        // The count of a Poisson process, at five sigma; acknowledgements follow the peer's.
        let (one, two) = (silence.len() as f64, talk.len() as f64);
        assert!((one - two).abs() < 5.0 * (one + two).sqrt());
        let (per_frame, in_talk) = (quiet / one, loud / two);
        assert!((per_frame - in_talk).abs() < 0.25 * per_frame);
        // The control: without it a child can tell.
        assert!(ratio > 3.0);
    }
}

#[test]
fn a_doctor_counts_what_the_wire_shows() {
    let Some(network) = watched_network() else {
        return;
    };
    let world = World::across(Arc::clone(&network));
    let file = world.path("wire.pcap");
    let tcpdump = Tcpdump::start(&network.middle, TO_FIRST, &file);
    let (a, b) = (world.home("a", "alice"), world.home("b", "bob"));
    a.start();
    // Nobody is there yet.
    let nothing = a.run(&["doctor", "traffic", "--json"]);
    assert_eq!(nothing.code, 20);
    b.start();
    pair(&a, "bob", &b, "alice");
    let attachment = world.file("attachment", vec![7; 3_000_000]);
    a.run(&["send", "bob", "-f", &attachment, "--wait", "delivered"])
        .ok();
    a.deliver("bob", "and a text");
    let done = a.run(&["doctor", "traffic", "--json"]).ok().events();
    // While nothing but heartbeats and acknowledgements may come between.
    b.stop();
    a.stop();
    tcpdump.stop();

    let check = done.last().unwrap();
    assert_eq!(
        (&check["check"], &check["ok"]),
        (&"traffic.size".into(), &true.into())
    );
    let counted = |direction: &str| {
        let rows = done.iter().filter(|row| {
            row["type"] == "doctor.datagrams"
                && row["direction"] == direction
                && row["stun"] == false
        });
        let rows: Vec<_> = rows
            .map(|row| (row["size"].as_u64(), row["count"].as_u64()))
            .collect();
        let [(Some(size), Some(count))] = rows[..] else {
            panic!("one size: {rows:?}");
        };
        assert_eq!(size, DATAGRAM as u64);
        count as f64
    };
    let capture = pcap::parse(&std::fs::read(&file).unwrap());
    let whole = (Duration::ZERO, now());
    for (direction, from) in [("sent", ENDS[0]), ("received", ENDS[1])] {
        let (counted, seen) = (
            counted(direction),
            moments(&capture, from, whole).len() as f64,
        );
        println!("{direction}: {counted} counted, {seen} seen on the wire");
        assert!(seen >= counted && seen - counted < 30.0 + 0.02 * seen);
    }
}

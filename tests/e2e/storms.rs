//! Messages and a file through every weather: once each, in order, and whole.
//!
//! Knobs: `SOLO2_CHAOS_SEEDS` (how many seeds, 1), `SOLO2_SEED` (the first), `SOLO2_LABS` (worlds at
//! a time), `SOLO2_BLACKHOLE_SECS` (8), `SOLO2_STORM` (only the one of this name).

use std::collections::VecDeque;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::chaos::{At, Street, Toll, Weather};
use crate::world::{Home, World, eventually, knob, texts};

const PATIENCE: Duration = Duration::from_secs(100);
/// Texts of each side.
const TEXTS: usize = 8;

/// What comes over the street.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storm {
    /// 60 ms ± 20, 1 % lost: a telephone.
    Lte,
    /// 600 ms there and back.
    Satellite,
    /// 20 % lost.
    Loss,
    /// 5 % twice.
    Twice,
    /// 25 % overtaken.
    Overtaken,
    /// 2 % with a wrong bit and a right checksum.
    Spoilt,
    /// No packet above what IPv6 asks of every wire.
    Mtu1280,
    /// What Alice sends is slow and lossy, what she hears is not.
    OneSided,
    /// Nothing passes between the two for a while.
    Blackhole,
    /// Alice's translator forgets her.
    Rebinding,
    /// Alice's address changes.
    OtherAddress,
    /// Bob's agent dies while the introduction server cannot be reached from there.
    SignalDown,
    /// Both agents die.
    BothRestart,
}

const STORMS: [Storm; 13] = [
    Storm::Blackhole,
    Storm::OtherAddress,
    Storm::Rebinding,
    Storm::BothRestart,
    Storm::SignalDown,
    Storm::Satellite,
    Storm::Loss,
    Storm::Lte,
    Storm::OneSided,
    Storm::Twice,
    Storm::Overtaken,
    Storm::Spoilt,
    Storm::Mtu1280,
];

impl Storm {
    /// What lasts: the weather of what Alice sends, and of everything else.
    fn weather(self) -> [Weather; 2] {
        let fair = Weather::default();
        let milliseconds = Duration::from_millis;
        let both = |weather| [weather, weather];
        match self {
            Self::Lte => both(Weather {
                delay: milliseconds(40),
                jitter: milliseconds(40),
                loss: 0.01,
                ..fair
            }),
            Self::Satellite => both(Weather {
                delay: milliseconds(300),
                ..fair
            }),
            Self::Loss => both(Weather { loss: 0.2, ..fair }),
            Self::Twice => both(Weather {
                twice: 0.05,
                ..fair
            }),
            Self::Overtaken => both(Weather {
                overtaken: 0.25,
                delay: milliseconds(5),
                ..fair
            }),
            Self::Spoilt => both(Weather {
                spoilt: 0.02,
                ..fair
            }),
            Self::OneSided => [
                Weather {
                    delay: milliseconds(200),
                    loss: 0.1,
                    ..fair
                },
                fair,
            ],
            // A line on which a file takes long enough to be interrupted.
            _ => both(Weather {
                delay: milliseconds(10),
                ..fair
            }),
        }
    }

    /// What happens once, while the file is under way.
    fn strike(self, street: &Street, a: &Home, b: &Home) {
        match self {
            Self::Blackhole => {
                street.cut(Some([At::Alice, At::Bob]));
                thread::sleep(Duration::from_secs(knob("SOLO2_BLACKHOLE_SECS", 8)));
                street.cut(None);
            }
            Self::Rebinding => street.rebind(),
            Self::OtherAddress => street.move_alice(7),
            Self::SignalDown => {
                street.cut(Some([At::Bob, At::Servers]));
                b.kill();
                b.start();
                thread::sleep(Duration::from_secs(4));
                street.cut(None);
            }
            Self::BothRestart => {
                a.kill();
                b.kill();
                b.start();
                a.start();
            }
            _ => {}
        }
    }

    fn strikes(self) -> bool {
        use Storm::{Blackhole, BothRestart, OtherAddress, Rebinding, SignalDown};
        [Blackhole, Rebinding, OtherAddress, SignalDown, BothRestart].contains(&self)
    }
}

/// What one of them sends while it storms.
fn lines(who: &str) -> Vec<String> {
    (0..TEXTS).map(|at| format!("{who} {at}")).collect()
}

/// One storm with one seed: what of it was packets, and how long it took.
fn weather(storm: Storm, seed: u64) -> Option<(Toll, Duration)> {
    let street = Street::new(seed)
        .map_err(|missing| println!("skipped: needs {missing}"))
        .ok()?;
    let (world, a, b) = World::across(Arc::clone(&street.network)).with_alice_and_bob();
    a.deliver("bob", "before");
    let kib = match storm {
        Storm::Spoilt => 2048,
        _ if storm.strikes() => 6144,
        _ => 256,
    };
    let mut bytes = vec![0; kib << 10];
    StdRng::seed_from_u64(seed).fill(&mut bytes[..]);
    let file = world.file("picture", &bytes);
    if storm.strikes() {
        street.network.limit("20mbit", "50ms");
    }
    if storm == Storm::Mtu1280 {
        street.mtu(1280);
    }
    let [from_alice, others] = storm.weather();
    street.weather(from_alice, others);
    let begun = Instant::now();

    let from_a = lines("alice").join("\n") + "\n";
    let from_b = lines("bob").join("\n") + "\n";
    thread::scope(|scope| {
        scope.spawn(|| a.run_with(&["send", "bob", "--lines"], &from_a).ok());
        b.run_with(&["send", "alice", "--lines"], &from_b).ok();
    });
    let words = ["send", "bob", "-f", &file, "--wait", "delivered", "--json"];
    if storm == Storm::BothRestart {
        // Its agent dies under it: the offer is on disk, and that is enough.
        a.run(&["send", "bob", "-f", &file, "--wait", "queued"])
            .ok();
        eventually(PATIENCE, "the offer is there", || {
            !b.json(&["file", "list"]).is_empty()
        });
        storm.strike(&street, &a, &b);
    } else {
        let mut sending = a.stream(&[&words[..], &["--timeout", "100s"]].concat());
        if storm.strikes() {
            sending.event("file.progress");
            storm.strike(&street, &a, &b);
        }
        sending.end().ok();
    }
    arrives(&b, &world.path("in"), &bytes);
    // What was said twice or out of turn shows here.
    assert_eq!(texts_of(&a, "bob", TEXTS), lines("bob"));
    let took = begun.elapsed();
    let toll = street.toll();
    Some((toll, took))
}

/// The file comes, with this content, and before it the texts, each once and in order.
fn arrives(b: &Home, target: &Path, bytes: &[u8]) {
    fs::create_dir(target).unwrap();
    let mut all = Vec::new();
    eventually(PATIENCE, "the file is here", || {
        let words = ["recv", "--files-to", target.to_str().unwrap()];
        all.extend(b.json(&words));
        target.join("picture").exists()
    });
    assert!(
        fs::read(target.join("picture")).unwrap() == bytes,
        "another content"
    );
    let said: Vec<_> = all
        .into_iter()
        .filter(|event| event["type"] == "message" && event["body"]["text"].is_string())
        .collect();
    let expected: Vec<String> = ["before".to_owned()]
        .into_iter()
        .chain(lines("alice"))
        .collect();
    assert_eq!(texts(&said), expected);
}

fn texts_of(home: &Home, peer: &str, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    eventually(PATIENCE, "the texts are here", || {
        all.extend(
            home.recv()
                .into_iter()
                .filter(|event| event["type"] == "message"),
        );
        all.len() >= count
    });
    assert!(all.iter().all(|event| event["peer"]["name"] == peer));
    texts(&all)
}

#[test]
fn every_weather_lets_each_message_through_once_and_a_file_whole() {
    let first = knob("SOLO2_SEED", 1);
    let seeds = first..first + knob("SOLO2_CHAOS_SEEDS", 1);
    let only = std::env::var("SOLO2_STORM").ok();
    let chosen = STORMS.iter().filter(|storm| {
        only.as_ref()
            .is_none_or(|only| format!("{storm:?}").eq_ignore_ascii_case(only))
    });
    let chosen: Vec<_> = chosen.collect();
    let cases: VecDeque<_> = seeds
        .flat_map(|seed| chosen.iter().map(move |storm| (**storm, seed)))
        .collect();
    assert!(!cases.is_empty(), "no storm has this name: {only:?}");
    let (cases, failed) = (Mutex::new(cases), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..knob("SOLO2_LABS", 4) {
            scope.spawn(|| {
                loop {
                    let Some((storm, seed)) = cases.lock().unwrap().pop_front() else {
                        return;
                    };
                    match catch_unwind(|| weather(storm, seed)) {
                        Ok(None) => return,
                        Ok(Some((toll, took))) => {
                            println!(
                                "{storm:?}, seed {seed}: {} texts and a file once each in {:.1} s; {toll:?}",
                                2 * TEXTS,
                                took.as_secs_f64()
                            );
                            assert!(is_felt(storm, &toll), "{storm:?} was none: {toll:?}");
                        }
                        Err(_) => failed.lock().unwrap().push((storm, seed)),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "set SOLO2_STORM and SOLO2_SEED to these: {failed:?}"
    );
}

/// The control: what the storm is about did happen to packets.
fn is_felt(storm: Storm, toll: &Toll) -> bool {
    match storm {
        Storm::Lte | Storm::Loss | Storm::OneSided | Storm::Blackhole => toll.lost > 0,
        Storm::Twice => toll.doubled > 0,
        Storm::Overtaken => toll.overtaken > 0,
        Storm::Spoilt => toll.spoilt > 0,
        _ => toll.passed > 0,
    }
}

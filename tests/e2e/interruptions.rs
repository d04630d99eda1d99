//! Files between two machines: through whatever interrupts them, past the server, in
//! little memory, and with texts in between.
//!
//! Knobs: `SOLO2_FILE_MIB` (size of the file), `SOLO2_CUTS` (how often it is interrupted, 9),
//! `SOLO2_SEED`.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::Pid;

use crate::namespace::Network;
use crate::world::{Home, World, eventually, knob};

/// Memory of either agent above what it takes when idle, while any file is under way, in KiB.
const MEMORY: u64 = 20 * 1024;

/// A file of random bytes, and its hash.
fn random_file(path: &Path, mib: u64) -> blake3::Hash {
    let mut from = File::open("/dev/urandom").unwrap().take(mib << 20);
    io::copy(&mut from, &mut File::create(path).unwrap()).unwrap();
    hash_of(path)
}

fn hash_of(path: &Path) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path).unwrap()).unwrap();
    hasher.finalize()
}

/// A row of `/proc/PID/status`, in KiB.
fn memory(pid: Pid, row: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let line = status.lines().find(|line| line.starts_with(row)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Idle memory from now on; the peak is counted from here.
fn idle_memory(pid: Pid) -> u64 {
    fs::write(format!("/proc/{}/clear_refs", pid.as_raw_nonzero()), "5").unwrap();
    memory(pid, "VmRSS:")
}

fn network() -> Option<Arc<Network>> {
    Network::new()
        .map_err(|missing| println!("skipped: needs {missing}"))
        .ok()
}

struct Transfer {
    world: World,
    a: Home,
    b: Home,
    file: PathBuf,
    hash: blake3::Hash,
    target: PathBuf,
}

impl Transfer {
    fn prepare(network: &Arc<Network>, mib: u64) -> Transfer {
        let (world, a, b) = World::across(Arc::clone(network)).with_alice_and_bob();
        b.object(&["contact", "set", "alice", "max-file=off"]);
        let file = world.path("big.iso");
        let hash = random_file(&file, mib);
        let target = world.path("in");
        fs::create_dir(&target).unwrap();
        Transfer {
            world,
            a,
            b,
            file,
            hash,
            target,
        }
    }

    fn arrived(&self) -> PathBuf {
        self.target.join("big.iso")
    }

    /// Offers the file and has it accepted; nobody waits for it.
    fn begin(&self) {
        let file = self.file.to_str().unwrap();
        let sent = self
            .a
            .object(&["send", "bob", "-f", file, "--wait", "queued"]);
        let id = sent["id"].as_str().unwrap();
        eventually(Duration::from_secs(30), "the offer is there", || {
            !self.b.json(&["file", "list"]).is_empty()
        });
        let target = self.target.to_str().unwrap();
        let accept = [
            "file",
            "accept",
            id,
            "-o",
            target,
            "--timeout",
            "10ms",
            "--json",
        ];
        let first = self.b.run(&accept);
        assert!([0, 7].contains(&first.code), "{first}");
    }

    fn partial(&self) -> u64 {
        fs::read_dir(&self.target)
            .unwrap()
            .filter_map(|entry| entry.unwrap().metadata().ok())
            .map(|metadata| metadata.len())
            .max()
            .unwrap_or(0)
    }

    fn wait(&self, patience: Duration) {
        eventually(patience, "the file is here", || self.arrived().exists());
        assert_eq!(hash_of(&self.arrived()), self.hash);
    }
}

#[test]
fn a_file_survives_deaths_and_blocked_routes_and_little_crosses_twice() {
    let Some(network) = network() else { return };
    // A line that is slower than any disk, whose queue drains in 10 ms.
    network.limit("50mbit", "10ms");
    let mib = knob("SOLO2_FILE_MIB", 64);
    let cuts = knob("SOLO2_CUTS", 9);
    let mut chance = StdRng::seed_from_u64(knob("SOLO2_SEED", 1));
    let sent = || network.ends[0].sent_bytes();

    // Without an interruption, for comparison.
    let plain = Transfer::prepare(&network, mib);
    let before = sent();
    plain.begin();
    plain.wait(Duration::from_secs(600));
    let once = sent() - before;
    drop(plain);

    let cut = Transfer::prepare(&network, mib);
    let before = sent();
    cut.begin();
    // Spread over the file, whatever its size.
    let gap = Duration::from_secs_f64(once as f64 / 6.25e6 / (cuts + 1) as f64);
    let mut kinds = [0; 3];
    for _ in 0..cuts {
        thread::sleep(gap.mul_f64(chance.random_range(0.5..1.2)));
        if cut.arrived().exists() {
            break;
        }
        let whole = cut.partial();
        let kind: usize = chance.random_range(0..3);
        kinds[kind] += 1;
        match kind {
            0 => {
                cut.a.kill();
                cut.a.start();
            }
            1 => {
                cut.b.kill();
                cut.b.start();
            }
            _ => {
                network.block();
                thread::sleep(Duration::from_secs_f64(chance.random_range(1.0..5.0)));
                network.open();
            }
        }
        assert!(
            cut.partial() >= whole,
            "nothing that was written is given up"
        );
    }
    cut.wait(Duration::from_secs(600));
    let twice = (sent() - before).saturating_sub(once);
    let done: u64 = kinds.iter().sum();
    println!(
        "{mib} MiB, {done} cuts (sender killed, receiver killed, route blocked: {kinds:?}): {once} bytes on the \
         wire without them, {twice} more with them, {} KiB per cut, {:.2} %",
        twice / done / 1024,
        100.0 * twice as f64 / once as f64
    );
    // What the line and its queue hold, the chunk under way, and the new introduction.
    assert!(twice <= done * 1024 * 1024, "{twice} bytes for {done} cuts");
}

#[test]
fn a_large_file_needs_no_server_and_little_memory_and_lets_texts_pass() {
    let Some(network) = network() else { return };
    let mib = knob("SOLO2_FILE_MIB", 256);
    let transfer = Transfer::prepare(&network, mib);
    let Transfer { world, a, b, .. } = &transfer;
    a.deliver("bob", "ready");
    let (pid_a, pid_b) = (a.pid(), b.pid());
    let idle = [idle_memory(pid_a), idle_memory(pid_b)];

    let server = || network.middle.tcp_segments();
    let (began, before) = (Instant::now(), server());
    transfer.begin();
    let mut times = Vec::new();
    while !transfer.arrived().exists() {
        let started = Instant::now();
        a.deliver("bob", "quick");
        times.push(started.elapsed());
        thread::sleep(Duration::from_millis(100));
    }
    let took = began.elapsed();
    let during = server() - before;
    assert_eq!(hash_of(&transfer.arrived()), transfer.hash);
    times.sort();
    let median = times[times.len() / 2];
    let peak = [
        memory(pid_a, "VmHWM:").saturating_sub(idle[0]),
        memory(pid_b, "VmHWM:").saturating_sub(idle[1]),
    ];
    println!(
        "{mib} MiB in {took:?} ({:.0} MB/s); server: {during} TCP segments; memory above idle: sender {} KiB, \
         receiver {} KiB; {} texts meanwhile, median {median:?}, longest {:?}",
        mib as f64 * 1.048_576 / took.as_secs_f64(),
        peak[0],
        peak[1],
        times.len(),
        times[times.len() - 1]
    );
    // Each of the two connections is pinged every 30 s: ping, pong, and both acknowledged.
    assert!(during <= 2 * 4 * (took.as_secs() / 30 + 1), "{during}");
    assert!(peak.iter().all(|peak| *peak <= MEMORY), "{peak:?} KiB");
    // The bound of a release build is 200 ms; this may be one without optimisation.
    let bound = if cfg!(debug_assertions) { 2_000 } else { 200 };
    assert!(median < Duration::from_millis(bound), "{times:?}");

    // And with the server gone: the link is all that a file needs.
    fs::rename(transfer.arrived(), world.path("first")).unwrap();
    world.kill_signal();
    transfer.begin();
    transfer.wait(Duration::from_secs(600));
}

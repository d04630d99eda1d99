//! Pipes: stdin to stdout, whole or an error, whatever dies in between.
//!
//! Knobs: `SOLO2_FILE_MIB` (size of what is interrupted, 48), `SOLO2_CUTS` (how often, 8),
//! `SOLO2_SEED` (what chance does), `SOLO2_PIPE_MIB` (zeros that must not take memory, 256).

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rustix::process::{Pid, Signal, kill_process};

use crate::command::event;
use crate::namespace::Network;
use crate::world::{Home, World, contains, eventually, knob};

const MIB: usize = 1 << 20;

/// Bytes without a pattern, the same in each run.
fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    StdRng::seed_from_u64(len as u64).fill_bytes(&mut bytes);
    bytes
}

/// What a stdin is fed with.
enum Input {
    Bytes(Vec<u8>),
    /// So many zeros.
    Zeros(u64),
    /// Nothing: the test has it.
    Open,
}

/// A command whose two ends are bytes.
struct Piped {
    child: Child,
    out: Option<JoinHandle<(u64, blake3::Hash)>>,
    err: JoinHandle<String>,
}

/// How one ended.
struct Ended {
    code: i32,
    count: u64,
    hash: blake3::Hash,
    stderr: String,
}

fn spawn(mut command: Command, input: Input) -> Piped {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    match input {
        Input::Bytes(bytes) => {
            let mut stdin = child.stdin.take().unwrap();
            thread::spawn(move || drop(stdin.write_all(&bytes)));
        }
        Input::Zeros(count) => {
            let mut stdin = child.stdin.take().unwrap();
            thread::spawn(move || std::io::copy(&mut std::io::repeat(0).take(count), &mut stdin));
        }
        Input::Open => {}
    }
    let mut stderr = child.stderr.take().unwrap();
    let err = thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    let out = child.stdout.take().map(hashed);
    Piped { child, out, err }
}

fn hashed(mut stdout: ChildStdout) -> JoinHandle<(u64, blake3::Hash)> {
    thread::spawn(move || {
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; MIB];
        loop {
            match stdout.read(&mut buffer) {
                Ok(0) | Err(_) => return (hasher.count(), hasher.finalize()),
                Ok(count) => hasher.update(&buffer[..count]),
            };
        }
    })
}

impl Piped {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    #[track_caller]
    fn end_within(mut self, patience: Duration) -> Ended {
        let until = Instant::now() + patience;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break Some(status);
            }
            if Instant::now() > until {
                let _ = self.child.kill();
                break None;
            }
            thread::sleep(Duration::from_millis(5));
        };
        drop(self.child.stdin.take());
        let (count, hash) = self.out.take().unwrap().join().unwrap();
        let stderr = self.err.join().unwrap();
        assert!(!stderr.contains("panicked"), "{stderr}");
        let code = status.map(code);
        assert!(code.is_some(), "ends within {patience:?}: {stderr}");
        Ended {
            code: code.unwrap(),
            count,
            hash,
            stderr,
        }
    }

    #[track_caller]
    fn end(self) -> Ended {
        self.end_within(Duration::from_secs(120))
    }
}

impl Ended {
    #[track_caller]
    fn exits(self, code: i32) -> Ended {
        assert_eq!(self.code, code, "{}", self.stderr);
        self
    }

    #[track_caller]
    fn is(self, bytes: &[u8]) {
        assert_eq!(self.count, bytes.len() as u64, "{}", self.stderr);
        assert_eq!(self.hash, blake3::hash(bytes));
    }
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    let signal = status.signal().map(|signal| 128 + signal);
    status.code().or(signal).unwrap()
}

fn listen(home: &Home, target: &str) -> Piped {
    spawn(home.command(&["pipe", "--listen", target]), Input::Open)
}

fn send(home: &Home, target: &str, bytes: &[u8]) -> Piped {
    spawn(
        home.command(&["pipe", target]),
        Input::Bytes(bytes.to_vec()),
    )
}

/// Waits until a pipe shows in the list of a home, in this state.
#[track_caller]
fn wait_listed(home: &Home, state: &str) -> String {
    let mut id = String::new();
    eventually(Duration::from_secs(30), "the pipe is listed", || {
        let files = home.json(&["file", "list"]);
        let found = files.iter().find(|file| file["state"] == state);
        found.is_some_and(|file| {
            id = file["id"].as_str().unwrap().to_owned();
            true
        })
    });
    id
}

/// What takes no longer than this, or the test fails.
#[track_caller]
fn within<T: Send + 'static>(
    patience: Duration,
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (to, from) = mpsc::channel();
    thread::spawn(move || to.send(work()));
    let done = from.recv_timeout(patience);
    done.unwrap_or_else(|_| panic!("not within {patience:?}: {what}"))
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_pipe_is_whole_whoever_comes_first() {
    let (_world, a, b) = World::alice_and_bob();
    let bytes = noise(3 * MIB + 17);
    let listener = listen(&b, "alice:first");
    // Another label is another pipe.
    let mut other = listen(&b, "alice:other");
    thread::sleep(Duration::from_millis(200));
    send(&a, "bob:first", &bytes).end().exits(0);
    listener.end().exits(0).is(&bytes);
    assert!(other.runs());

    let sender = send(&a, "bob:second", &bytes);
    wait_listed(&b, "offered");
    listen(&b, "alice:second").end().exits(0).is(&bytes);
    sender.end().exits(0);

    for len in [0, 1, 65_536] {
        let sender = send(&a, "bob:other", &bytes[..len]);
        other.end().exits(0).is(&bytes[..len]);
        sender.end().exits(0);
        other = listen(&b, "alice:other");
    }
    assert!(a.json(&["file", "list"]).is_empty());
    assert!(b.json(&["file", "list"]).is_empty());
    assert!(b.recv().is_empty(), "nothing of it is kept");
}

#[test]
fn the_oldest_pipe_of_a_label_comes_first_and_each_to_one_listener() {
    let (_world, a, b) = World::alice_and_bob();
    let mut senders = Vec::new();
    for text in ["one", "two"] {
        senders.push(send(&a, "bob", text.as_bytes()));
        let count = senders.len();
        eventually(Duration::from_secs(20), "the offer is there", || {
            b.json(&["file", "list"]).len() == count
        });
    }
    listen(&b, "alice").end().exits(0).is(b"one");
    listen(&b, "alice").end().exits(0).is(b"two");
    for sender in senders {
        sender.end().exits(0);
    }
}

#[test]
fn what_is_written_is_there_at_once_and_not_when_a_chunk_is_full() {
    let (_world, a, b) = World::alice_and_bob();
    let mut listener = b.stream(&["pipe", "--listen", "alice"]);
    let mut sender = spawn(a.command(&["pipe", "bob"]), Input::Open);
    let mut stdin = sender.child.stdin.take().unwrap();
    let mut slowest = Duration::ZERO;
    for round in 0..10 {
        let line = format!("line {round}");
        let begun = Instant::now();
        writeln!(stdin, "{line}").unwrap();
        assert_eq!(listener.line(Duration::from_secs(30)), Some(line));
        // The first has a connection to make.
        if round > 0 {
            slowest = slowest.max(begun.elapsed());
        }
    }
    println!("slowest line: {slowest:?}");
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    drop(stdin);
    sender.end().exits(0);
    listener.end().ok();
}

#[test]
fn a_pipe_survives_the_death_of_either_agent_again_and_again() {
    let (_world, a, b) = World::alice_and_bob();
    let size = usize::try_from(knob("SOLO2_FILE_MIB", 48)).unwrap() * MIB;
    let cuts = knob("SOLO2_CUTS", 8);
    let mut chance = StdRng::seed_from_u64(knob("SOLO2_SEED", 1));
    let bytes = noise(size);
    let mut listener = listen(&b, "alice:big");
    let mut sender = send(&a, "bob:big", &bytes);
    let mut cut = 0;
    while cut < cuts && sender.runs() && listener.runs() {
        thread::sleep(Duration::from_millis(chance.random_range(20..600)));
        let victim = if chance.random() { &a } else { &b };
        victim.kill();
        victim.start();
        cut += 1;
    }
    println!("{cut} cuts");
    assert!(cut > 0);
    both_end_well(sender, listener, &bytes);
}

#[test]
fn a_pipe_between_two_machines_survives_deaths_and_blocked_routes() {
    let network = match Network::new() {
        Ok(network) => network,
        Err(missing) => {
            println!("skipped: needs {missing}");
            return;
        }
    };
    // Slower than either end, so that the cuts fall into it.
    network.limit("50mbit", "10ms");
    let (_world, a, b) = World::across(Arc::clone(&network)).with_alice_and_bob();
    let size = usize::try_from(knob("SOLO2_FILE_MIB", 48)).unwrap() * MIB;
    let cuts = knob("SOLO2_CUTS", 8);
    let mut chance = StdRng::seed_from_u64(knob("SOLO2_SEED", 1));
    let bytes = noise(size);
    let mut listener = listen(&b, "alice:big");
    let mut sender = send(&a, "bob:big", &bytes);
    let gap = Duration::from_secs_f64(size as f64 / 6e6 / (cuts + 1) as f64);
    let mut kinds = [0; 3];
    for _ in 0..cuts {
        thread::sleep(gap.mul_f64(chance.random_range(0.5..1.2)));
        if !sender.runs() || !listener.runs() {
            break;
        }
        let kind: usize = chance.random_range(0..3);
        kinds[kind] += 1;
        match kind {
            0 => {
                a.kill();
                a.start();
            }
            1 => {
                b.kill();
                b.start();
            }
            _ => {
                network.block();
                thread::sleep(Duration::from_secs_f64(chance.random_range(1.0..5.0)));
                network.open();
            }
        }
    }
    println!("cuts (sender's agent killed, receiver's agent killed, route blocked): {kinds:?}");
    assert!(kinds.iter().sum::<u64>() > cuts / 2, "{kinds:?}");
    both_end_well(sender, listener, &bytes);
}

/// Both sides say that all of it arrived, and it did.
#[track_caller]
fn both_end_well(sender: Piped, listener: Piped, bytes: &[u8]) {
    let patience = Duration::from_secs(600);
    let (sent, got) = (sender.end_within(patience), listener.end_within(patience));
    assert_eq!(
        (sent.code, got.code),
        (0, 0),
        "{} {}",
        sent.stderr,
        got.stderr
    );
    got.is(bytes);
}

#[test]
fn a_pipe_without_end_takes_no_memory_and_a_text_does_not_wait_behind_it() {
    let (_world, a, b) = World::alice_and_bob();
    let mib = knob("SOLO2_PIPE_MIB", 256);
    let listener = listen(&b, "alice");
    let sender = spawn(a.command(&["pipe", "bob"]), Input::Zeros(mib << 20));
    let mut watched = vec![
        ("sender", sender.pid()),
        ("listener", listener.pid()),
        ("its agent", a.pid()),
        ("the other agent", b.pid()),
    ];
    wait_listed(&b, "running");
    let begun = Instant::now();
    a.deliver("bob", "in between");
    let text = begun.elapsed();
    let mut peaks = vec![0; watched.len()];
    let mut sender = sender;
    while sender.runs() {
        for (peak, (_, pid)) in peaks.iter_mut().zip(&watched) {
            *peak = peak_kib(*pid).unwrap_or_default().max(*peak);
        }
        thread::sleep(Duration::from_millis(20));
    }
    sender.end().exits(0);
    let took = begun.elapsed();
    let got = listener.end().exits(0);
    assert_eq!(got.count, mib << 20);
    let told: Vec<_> = watched
        .drain(..)
        .map(|(name, _)| name)
        .zip(&peaks)
        .collect();
    println!("{mib} MiB in {took:?}, a text in {text:?}, peaks in KiB: {told:?}");
    assert!(text < Duration::from_secs(2), "{text:?}");
    // Argon2 alone has taken more than this of an agent, before it gave it back.
    assert!(peaks[..2].iter().all(|peak| *peak < 64 << 10), "{told:?}");
    assert!(peaks.iter().all(|peak| *peak < 160 << 10), "{told:?}");
}

/// The most memory that a process had, where it still runs.
fn peak_kib(pid: Pid) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_truncated_stream_never_looks_whole() {
    let (_world, a, b) = World::alice_and_bob();
    for signal in [Signal::KILL, Signal::INT, Signal::TERM] {
        let listener = listen(&b, "alice");
        let mut sender = spawn(a.command(&["pipe", "bob"]), Input::Open);
        let mut stdin = sender.child.stdin.take().unwrap();
        stdin.write_all(&noise(100_000)).unwrap();
        wait_listed(&b, "running");
        kill_process(sender.pid(), signal).unwrap();
        let sent = sender.end().exits(128 + signal.as_raw());
        assert!(!sent.stderr.contains("hint"), "{}", sent.stderr);
        let got = listener.end_within(Duration::from_secs(20)).exits(11);
        assert!(got.stderr.contains("not whole"), "{}", got.stderr);
        assert!(got.count <= 100_000);
        drop(stdin);
    }
    // A stdin that cannot be read is no end of it either.
    let mut command = a.command(&["pipe", "bob"]);
    command.stdin(fs::File::open("/proc/self/mem").unwrap());
    let sent = command.stdout(Stdio::null()).output().unwrap();
    assert_eq!(sent.status.code(), Some(3));
    assert!(contains(&sent.stderr, b"cannot read stdin"));
    eventually(Duration::from_secs(20), "it is called off", || {
        b.json(&["file", "list"]).is_empty()
    });
    let sender = send(&a, "bob", b"another");
    listen(&b, "alice").end().exits(0).is(b"another");
    sender.end().exits(0);
}

#[test]
fn a_listener_that_leaves_ends_its_sender() {
    let (_world, a, b) = World::alice_and_bob();
    // Killed, and its stdout closed: 141 without a word.
    for closed in [false, true] {
        let mut listener = b
            .command(&["pipe", "--listen", "alice"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = listener.stdout.take().unwrap();
        let sender = spawn(a.command(&["pipe", "bob"]), Input::Zeros(1 << 40));
        let out = within(Duration::from_secs(30), "something comes", move || {
            out.read_exact(&mut [0; 1000]).unwrap();
            out
        });
        if closed {
            drop(out);
            let output = within(Duration::from_secs(30), "it ends", move || {
                listener.wait_with_output().unwrap()
            });
            assert_eq!(output.status.code(), Some(141));
            assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        } else {
            listener.kill().unwrap();
            listener.wait().unwrap();
        }
        let sent = sender.end_within(Duration::from_secs(20)).exits(11);
        assert!(sent.stderr.contains("listener"), "{}", sent.stderr);
    }
    assert!(a.json(&["file", "list"]).is_empty());
    assert!(b.json(&["file", "list"]).is_empty());
}

#[test]
fn who_waits_in_vain_is_told_so() {
    let (_world, a, b) = World::alice_and_bob();
    let mut args = ["pipe", "bob:nobody", "--timeout", "1s"];
    let sent = spawn(a.command(&args), Input::Bytes(b"x".to_vec()));
    assert!(sent.end().exits(7).stderr.contains("hint: "));
    eventually(Duration::from_secs(20), "it is called off", || {
        b.json(&["file", "list"]).is_empty() && a.json(&["file", "list"]).is_empty()
    });
    args = ["pipe", "--listen", "alice:nobody", "--timeout=1s"];
    let got = spawn(b.command(&args), Input::Open).end().exits(7);
    assert!(got.stderr.contains("hint: "));
    assert_eq!(got.count, 0);

    // In the middle of it.
    let args = ["pipe", "--listen", "alice", "--timeout", "2s"];
    let listener = spawn(b.command(&args), Input::Open);
    let mut sender = spawn(a.command(&["pipe", "bob"]), Input::Open);
    sender
        .child
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"x")
        .unwrap();
    let got = listener.end().exits(7);
    assert!(got.stderr.contains("not whole"), "{}", got.stderr);
    sender.end_within(Duration::from_secs(20)).exits(11);
}

#[test]
fn a_sender_whose_peer_is_gone_waits_as_long_as_it_is_told_to() {
    let (_world, a, b) = World::alice_and_bob();
    let listener = listen(&b, "alice");
    let args = ["pipe", "bob", "--timeout", "3s"];
    let sender = spawn(a.command(&args), Input::Zeros(1 << 40));
    wait_listed(&b, "running");
    b.kill();
    let sent = sender.end_within(Duration::from_secs(30)).exits(7);
    assert!(sent.stderr.contains("in time"), "{}", sent.stderr);
    // The next agent hears that it is over and tells the listener, which waits for it.
    b.start();
    let got = listener.end_within(Duration::from_secs(60)).exits(11);
    assert!(got.stderr.contains("not whole"), "{}", got.stderr);
}

#[test]
fn a_pipe_shows_in_the_list_and_may_be_called_off_on_either_side() {
    let (_world, a, b) = World::alice_and_bob();
    for (canceller, verb) in [(&a, "cancel"), (&b, "cancel"), (&b, "reject")] {
        let listener = listen(&b, "alice");
        let sender = spawn(a.command(&["pipe", "bob"]), Input::Zeros(1 << 40));
        let id = wait_listed(&b, "running");
        assert_eq!(wait_listed(&a, "running"), id);
        let listed = &b.json(&["file", "list"])[0];
        assert_eq!(
            (&listed["shape"], &listed["size"]),
            (&"pipe".into(), &serde_json::Value::Null)
        );
        canceller.run(&["file", verb, &id, "--json"]).ok();
        sender.end_within(Duration::from_secs(20)).exits(11);
        listener.end_within(Duration::from_secs(20)).exits(11);
    }
    // Nobody listens, and nobody wants it in a file.
    let sender = send(&a, "bob", b"x");
    let id = wait_listed(&b, "offered");
    b.run(&["file", "accept", &id, "--json"]).exits(2).advises();
    b.run(&["file", "reject", &id, "--json"]).ok();
    sender.end_within(Duration::from_secs(20)).exits(11);
}

#[test]
fn a_listener_that_begins_anew_learns_that_the_beginning_is_gone() {
    let (_world, a, b) = World::alice_and_bob();
    let listener = listen(&b, "alice");
    let sender = spawn(a.command(&["pipe", "bob"]), Input::Zeros(1 << 40));
    wait_listed(&b, "running");
    thread::sleep(Duration::from_millis(300));
    // Both die before they can say anything.
    let agent = b.pid();
    kill_process(agent, Signal::STOP).unwrap();
    kill_process(listener.pid(), Signal::KILL).unwrap();
    crate::world::kill_and_wait(agent);
    b.start();
    let got = listen(&b, "alice")
        .end_within(Duration::from_secs(60))
        .exits(11);
    assert!(got.stderr.contains("beginning"), "{}", got.stderr);
    assert_eq!(got.count, 0);
    let sent = sender.end_within(Duration::from_secs(20));
    assert_ne!(sent.code, 0, "{}", sent.stderr);
}

#[test]
fn a_listener_passes_over_a_pipe_whose_sender_is_away() {
    let (_world, a, b) = World::alice_and_bob();
    let dead = send(&a, "bob", b"never read");
    wait_listed(&b, "offered");
    let agent = a.pid();
    kill_process(agent, Signal::STOP).unwrap();
    kill_process(dead.pid(), Signal::KILL).unwrap();
    crate::world::kill_and_wait(agent);
    let mut listener = listen(&b, "alice");
    a.start();
    // It is the older one, and its command is gone.
    let id = b.json(&["file", "list"])[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    thread::sleep(Duration::from_millis(1500));
    assert!(listener.runs());
    a.run(&["file", "cancel", &id, "--json"]).ok();
    eventually(Duration::from_secs(20), "it is called off", || {
        b.json(&["file", "list"]).is_empty()
    });
    assert!(listener.runs(), "nothing had begun");
    send(&a, "bob", b"read").end().exits(0);
    listener.end().exits(0).is(b"read");

    // And while the older one is only away.
    let dead = send(&a, "bob", b"never read");
    wait_listed(&b, "offered");
    let agent = a.pid();
    kill_process(agent, Signal::STOP).unwrap();
    kill_process(dead.pid(), Signal::KILL).unwrap();
    crate::world::kill_and_wait(agent);
    a.start();
    let sender = send(&a, "bob", b"newer");
    listen(&b, "alice").end().exits(0).is(b"newer");
    sender.end().exits(0);
}

#[test]
fn what_a_dead_command_was_sending_is_called_off_after_a_minute() {
    let (_world, a, b) = World::alice_and_bob();
    let listener = listen(&b, "alice");
    let sender = spawn(a.command(&["pipe", "bob"]), Input::Zeros(1 << 40));
    let id = wait_listed(&b, "running");
    let agent = a.pid();
    kill_process(agent, Signal::STOP).unwrap();
    kill_process(sender.pid(), Signal::KILL).unwrap();
    crate::world::kill_and_wait(agent);
    a.start();
    let begun = Instant::now();
    assert_eq!(a.json(&["file", "list"])[0]["id"], id.as_str());
    let got = listener.end_within(Duration::from_secs(90)).exits(11);
    assert!(got.stderr.contains("not whole"), "{}", got.stderr);
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(50), "it had a minute: {took:?}");
    assert!(a.json(&["file", "list"]).is_empty());
}

#[test]
fn a_pipe_needs_no_agent_on_either_side() {
    let (_world, a, b) = World::alice_and_bob();
    a.stop();
    b.stop();
    let bytes = noise(2 * MIB + 1);
    let password = a.password_file();
    let args = ["pipe", "--listen", "alice", "--password-file", &password];
    let listener = spawn(b.command(&args), Input::Open);
    let args = ["pipe", "bob", "--password-file", &password];
    let sender = spawn(a.command(&args), Input::Bytes(bytes.clone()));
    listener.end().exits(0).is(&bytes);
    sender.end().exits(0);
}

#[test]
fn stdout_is_for_the_bytes_and_json_for_stderr() {
    let (_world, a, b) = World::alice_and_bob();
    let args = ["pipe", "--listen", "alice", "--json"];
    let listener = spawn(b.command(&args), Input::Open);
    let args = ["pipe", "bob", "--json"];
    let sent = a.run_with(&args, b"hello").ok();
    let result = sent.last_event();
    assert_eq!(result["results"][0]["state"], "delivered", "{sent}");
    let got = listener.end().exits(0);
    let done = got.stderr.lines().map(event).next_back().unwrap();
    assert_eq!(done["type"], "file.done");
    assert_eq!(done["id"], result["id"]);
    assert_eq!(done["blake3"], blake3::hash(b"hello").to_hex().as_str());
    got.is(b"hello");
    let args = ["pipe", "--listen", "alice", "--timeout", "100ms", "--json"];
    let late = spawn(b.command(&args), Input::Open).end().exits(7);
    assert_eq!(late.count, 0);
    let object = late
        .stderr
        .lines()
        .find(|line| line.starts_with('{'))
        .unwrap();
    assert_eq!(event(object)["code"], "pipe_unfinished");
}

#[test]
fn stdin_arrives_as_an_ordinary_file() {
    let (world, a, b) = World::alice_and_bob();
    let target = world.path("in");
    fs::create_dir(&target).unwrap();
    for len in [0, 1, 65_536, 65_537, 9 * MIB + 5] {
        let bytes = noise(len);
        let name = format!("{len}.bin");
        let args = ["send", "bob", "-f", "-", "--name", &name, "--json"];
        let sent = a.run_with(&args, &bytes).ok().last_event();
        assert_eq!(sent["results"][0]["state"], "delivered", "{sent}");
        // The first half of them out of the vault, the others straight out of it.
        let id = sent["id"].as_str().unwrap();
        let out = b.run(&["file", "accept", id, "-o", "-"]).ok();
        assert!(out.stdout == bytes, "{len} bytes on stdout");
        let done = b.json(&["recv", "--files-to", path(&target)]);
        assert_eq!(done.last().unwrap()["size"], len, "{done:?}");
        assert!(
            fs::read(target.join(&name)).unwrap() == bytes,
            "{len} bytes"
        );
    }
    // A directory that waits for it gets it at once.
    let mut waiting = b.stream(&["recv", "--follow", "--files-to", path(&target), "--json"]);
    a.deliver("bob", "are you there?");
    waiting.event("message");
    let bytes = noise(300_001);
    a.run_with(&["send", "bob", "-f", "-", "--name", "direct"], &bytes)
        .ok();
    waiting.event("file.done");
    assert!(fs::read(target.join("direct")).unwrap() == bytes);
}

#[test]
fn stdin_as_a_file_survives_the_death_of_either_agent() {
    let (world, a, b) = World::alice_and_bob();
    let size = usize::try_from(knob("SOLO2_FILE_MIB", 48)).unwrap() * MIB + 77;
    let mut chance = StdRng::seed_from_u64(knob("SOLO2_SEED", 2));
    let bytes = noise(size);
    let args = [
        "send",
        "bob",
        "-f",
        "-",
        "--name",
        "big",
        "--timeout",
        "60s",
    ];
    let mut sender = spawn(a.command(&args), Input::Bytes(bytes.clone()));
    let mut cut = 0;
    while cut < knob("SOLO2_CUTS", 8) && sender.runs() {
        thread::sleep(Duration::from_millis(chance.random_range(20..600)));
        let victim = if chance.random() { &a } else { &b };
        victim.kill();
        victim.start();
        cut += 1;
    }
    println!("{cut} cuts");
    sender.end().exits(0);
    let target = world.path("in");
    fs::create_dir(&target).unwrap();
    b.json(&["recv", "--files-to", path(&target)]);
    assert!(fs::read(target.join("big")).unwrap() == bytes);
}

#[test]
fn what_comes_without_end_is_taken_up_to_the_contacts_limit() {
    let (_world, a, b) = World::alice_and_bob();
    b.run(&["contact", "set", "alice", "max-file=1MiB", "--json"])
        .ok();
    let args = ["send", "bob", "-f", "-", "--name", "endless"];
    let sent = spawn(a.command(&args), Input::Zeros(1 << 40))
        .end()
        .exits(11);
    assert!(sent.stderr.contains("not as much"), "{}", sent.stderr);
    assert!(b.json(&["file", "list"]).is_empty());
    let kept = fs::read_dir(b.dir.join("vault").join("files")).unwrap();
    assert_eq!(kept.count(), 0, "nothing of it stays");

    // What is on its way into the vault may be asked for on a stdout: it comes from there.
    b.run(&["contact", "set", "alice", "max-file=1GiB", "--json"])
        .ok();
    let mut sender = spawn(a.command(&args), Input::Open);
    let mut stdin = sender.child.stdin.take().unwrap();
    stdin.write_all(&noise(200_000)).unwrap();
    let id = wait_listed(&b, "running");
    let out = spawn(b.command(&["file", "accept", &id, "-o", "-"]), Input::Open);
    thread::sleep(Duration::from_millis(300));
    drop(stdin);
    sender.end().exits(0);
    out.end().exits(0).is(&noise(200_000));
    b.run(&["delete", &id, "--json"]).ok();

    // Asked for, it has no limit, and nothing of it goes to a disk on its way to a stdout.
    b.run(&["contact", "set", "alice", "max-file=off", "--json"])
        .ok();
    let bytes = noise(2 * MIB);
    let sender = spawn(a.command(&args), Input::Bytes(bytes.clone()));
    let id = wait_listed(&b, "offered");
    let out = b.run(&["file", "accept", &id, "-o", "-"]).ok();
    assert!(out.stdout == bytes);
    sender.end().exits(0);
    b.run(&["file", "accept", &id, "-o", "-"])
        .exits(5)
        .advises();
    assert_eq!(b.json(&["recv"]).last().unwrap()["path"], "-");
}

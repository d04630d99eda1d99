//! A small world to test in: one directory, one introduction server, some
//! homes, and every process in it dead when it is dropped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal as Kill, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::certificates::{TLS_FILES, TRUSTED_FILE, certify};
use crate::command::{Done, PATIENCE, Stream, finish};
use crate::namespace::{Namespace, Network};

/// The password of every home.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Where the server between two machines listens.
pub(crate) const HTTPS: u16 = 443;

/// The client.
pub(crate) fn solo2() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_solo2"))
}

/// A server, which stands beside the client.
fn beside(program: &str) -> PathBuf {
    let path = solo2().with_file_name(program);
    assert!(
        path.exists(),
        "{} is missing; build it: cargo build -p {program}",
        path.display()
    );
    path
}

/// Starts a server; what it says once it is ready comes along.
pub(crate) fn serve(mut command: Command) -> (Child, Value) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready = serde_json::from_str(&line)
        .unwrap_or_else(|_| panic!("{command:?} did not say that it is ready: {line:?}"));
    (child, ready)
}

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether a program is on the path.
pub(crate) fn has(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
        || Path::new("/usr/sbin").join(program).is_file()
}

/// A number from the environment.
pub(crate) fn knob(name: &str, usual: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

/// What all homes of a world share.
struct Root {
    dir: PathBuf,
    /// Where the introduction server runs, and homes without a machine of their own.
    namespace: Option<Arc<Namespace>>,
    /// The machines of the homes `a` and `b`.
    network: Option<Arc<Network>>,
    signal: Mutex<Option<Signal>>,
    url: Mutex<String>,
}

/// The introduction server.
struct Signal {
    child: Child,
    address: SocketAddr,
}

impl Drop for Signal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One test's world.
pub(crate) struct World {
    root: Arc<Root>,
    dir: Option<TempDir>,
}

impl World {
    /// A world with an introduction server.
    pub(crate) fn new() -> World {
        World::build(None, None, "ws://127.0.0.1:0")
    }

    /// The same inside a network namespace.
    pub(crate) fn inside(namespace: Arc<Namespace>) -> World {
        World::build(Some(namespace), None, "ws://127.0.0.1:0")
    }

    /// The same where there is no IPv4.
    pub(crate) fn inside_ipv6(namespace: Arc<Namespace>) -> World {
        World::build(Some(namespace), None, "ws://[::1]:0")
    }

    /// The homes `a` and `b` on machines of their own, the server between them, with TLS.
    pub(crate) fn across(network: Arc<Network>) -> World {
        let middle = Arc::clone(&network.middle);
        let url = format!("wss://{}", SocketAddr::new(network.server, HTTPS));
        World::build(Some(middle), Some(network), &url)
    }

    fn build(namespace: Option<Arc<Namespace>>, network: Option<Arc<Network>>, url: &str) -> World {
        let dir = TempDir::with_prefix("solo2-").unwrap();
        fs::write(dir.path().join("pw"), PASSWORD).unwrap();
        if let Some(network) = &network {
            certify(dir.path(), network.server);
        }
        let world = World {
            root: Arc::new(Root {
                dir: dir.path().to_owned(),
                namespace,
                network,
                signal: Mutex::new(None),
                url: Mutex::new(url.to_owned()),
            }),
            dir: Some(dir),
        };
        world.start_signal();
        world
    }

    /// Alice and Bob: two homes, two agents, paired, nothing said yet.
    pub(crate) fn alice_and_bob() -> (World, Home, Home) {
        World::new().with_alice_and_bob()
    }

    /// Alice and Bob in this world.
    pub(crate) fn with_alice_and_bob(self) -> (World, Home, Home) {
        let begin = |dir, name| {
            let home = self.home(dir, name);
            home.start();
            home
        };
        let (alice, bob) = thread::scope(|scope| {
            let alice = scope.spawn(|| begin("a", "alice"));
            let bob = begin("b", "bob");
            (alice.join().unwrap(), bob)
        });
        pair(&alice, "bob", &bob, "alice");
        (self, alice, bob)
    }

    /// The world's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.dir.join(name)
    }

    /// Writes a file into the world and returns its path.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Where the introduction server listens.
    pub(crate) fn signal_address(&self) -> SocketAddr {
        self.root.signal.lock().unwrap().as_ref().unwrap().address
    }

    /// Starts the introduction server, where it was if it ran before.
    pub(crate) fn start_signal(&self) {
        let mut slot = self.root.signal.lock().unwrap();
        let mut url = self.root.url.lock().unwrap();
        let (scheme, listen) = url.split_once("://").unwrap();
        let (scheme, listen) = (scheme.to_owned(), listen.to_owned());
        let mut command = self.server("solo2-signal");
        command.args(["serve", "--listen", &listen, "--db", "memory", "--json"]);
        if scheme == "wss" {
            let [certificate, key] = TLS_FILES.map(|file| self.root.dir.join(file));
            command.arg("--tls-cert").arg(certificate);
            command.arg("--tls-key").arg(key);
        }
        let (child, ready) = serve(command);
        let address: SocketAddr = ready["listen"].as_str().unwrap().parse().unwrap();
        *url = format!("{scheme}://{address}");
        *slot = Some(Signal { child, address });
    }

    /// A server, to be run in the middle.
    pub(crate) fn server(&self, program: &str) -> Command {
        let namespace = self.root.namespace.as_ref();
        self.root.command(namespace, &beside(program))
    }

    /// SIGKILLs the introduction server.
    pub(crate) fn kill_signal(&self) {
        drop(self.root.signal.lock().unwrap().take());
    }

    /// A home that is only a name yet.
    pub(crate) fn empty_home(&self, dir: &str) -> Home {
        let machine = match (&self.root.network, dir) {
            (Some(network), "a") => Some(&network.ends[0]),
            (Some(network), "b") => Some(&network.ends[1]),
            _ => self.root.namespace.as_ref(),
        };
        Home {
            dir: self.root.dir.join(dir),
            machine: machine.cloned(),
            root: Arc::clone(&self.root),
        }
    }

    /// A home with an identity, as the transcript makes it.
    pub(crate) fn home(&self, dir: &str, name: &str) -> Home {
        let home = self.empty_home(dir);
        home.init(name).ok();
        home
    }

    /// A world of its own for a home that was copied from another directory.
    pub(crate) fn copy(&self, from: &Path, to: &Path) {
        let status = Command::new("cp")
            .arg("-a")
            .arg(from)
            .arg(to)
            .status()
            .unwrap();
        assert!(
            status.success(),
            "cp -a {} {}",
            from.display(),
            to.display()
        );
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill_signal();
        // Agents are nobody's children. Twice, for what one was just starting.
        for _ in 0..2 {
            for pid in processes_naming(&self.root.dir) {
                let _ = kill_process(pid, Kill::KILL);
            }
            thread::sleep(Duration::from_millis(20));
        }
        if let Some(dir) = self.dir.take()
            && knob("SOLO2_KEEP", 0) > 0
        {
            eprintln!("kept: {}", dir.keep().display());
        }
    }
}

impl Root {
    /// A command in this world: on a machine of it, and nothing of our environment.
    fn command(&self, machine: Option<&Arc<Namespace>>, program: &Path) -> Command {
        let mut command = match machine {
            None => Command::new(program),
            Some(namespace) => namespace.command(program),
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.join("nobody"))
            .env("TZ", "UTC")
            .env("LC_ALL", "C.UTF-8")
            .current_dir(&self.dir);
        if self.network.is_some() {
            command.env("SSL_CERT_FILE", self.dir.join(TRUSTED_FILE));
        }
        command
    }
}

/// Processes with this directory in their arguments or their environment.
fn processes_naming(dir: &Path) -> Vec<Pid> {
    let needle = dir.as_os_str().as_encoded_bytes();
    let ours = std::process::id();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != ours)
        .filter(|pid| {
            ["cmdline", "environ"].iter().any(|file| {
                fs::read(format!("/proc/{pid}/{file}")).is_ok_and(|bytes| contains(&bytes, needle))
            })
        })
        .filter_map(|pid| Pid::from_raw(pid.try_into().ok()?))
        .collect()
}

/// Whether `needle` stands somewhere in `hay`.
pub(crate) fn contains(hay: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && hay.windows(needle.len()).any(|window| window == needle)
}

/// One `--home`, and the commands that are run in it.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) dir: PathBuf,
    machine: Option<Arc<Namespace>>,
    root: Arc<Root>,
}

impl Home {
    /// `solo2 --home DIR ARGS…`, not yet started.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.root.command(self.machine.as_ref(), &solo2());
        command.arg("--home").arg(&self.dir).args(args);
        command
    }

    /// Runs a command without stdin.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        finish(self.command(args), None, PATIENCE)
    }

    /// Runs a command with these bytes on stdin.
    pub(crate) fn run_with(&self, args: &[&str], stdin: impl AsRef<[u8]>) -> Done {
        finish(self.command(args), Some(stdin.as_ref()), PATIENCE)
    }

    /// Runs a command that gets the password from the world's file, so that it
    /// needs no agent.
    pub(crate) fn alone(&self, args: &[&str]) -> Done {
        let password = self.root.dir.join("pw");
        let mut command = self.command(args);
        command.arg("--password-file").arg(password);
        finish(command, None, PATIENCE)
    }

    /// Runs a command and returns its JSON lines; it must end with 0.
    pub(crate) fn json(&self, args: &[&str]) -> Vec<Value> {
        let mut args = args.to_vec();
        args.push("--json");
        self.run(&args).ok().events()
    }

    /// The one object that a command prints; it must end with 0.
    pub(crate) fn object(&self, args: &[&str]) -> Value {
        let mut events = self.json(args);
        assert_eq!(events.len(), 1, "{args:?} prints one object: {events:?}");
        events.remove(0)
    }

    /// Starts a command and reads its stdout as it comes.
    pub(crate) fn stream(&self, args: &[&str]) -> Stream {
        Stream::start(self.command(args))
    }

    /// `init`, as the transcript writes it.
    pub(crate) fn init(&self, name: &str) -> Done {
        let url = self.root.url.lock().unwrap().clone();
        let words = self.words_file();
        let password = self.root.dir.join("pw");
        self.run(&[
            "init",
            "--no-account",
            "--name",
            name,
            "--password-file",
            password.to_str().unwrap(),
            "--words-out",
            words.to_str().unwrap(),
            "--signal",
            &url,
            "--json",
        ])
    }

    /// Where `init` writes the words.
    pub(crate) fn words_file(&self) -> PathBuf {
        self.dir.with_extension("words")
    }

    /// The world's password file.
    pub(crate) fn password_file(&self) -> String {
        self.root.dir.join("pw").to_str().unwrap().to_owned()
    }

    /// Starts the agent.
    pub(crate) fn start(&self) {
        self.try_start().ok();
    }

    /// Starts the agent and says how that ended.
    pub(crate) fn try_start(&self) -> Done {
        self.alone(&["agent", "start", "--json"])
    }

    /// Stops the agent.
    pub(crate) fn stop(&self) {
        self.run(&["agent", "stop", "--json"]).ok();
    }

    /// The agent's process.
    pub(crate) fn pid(&self) -> Pid {
        let status = self.object(&["agent", "status"]);
        let pid = status["pid"]
            .as_i64()
            .unwrap_or_else(|| panic!("no pid: {status}"));
        Pid::from_raw(pid.try_into().unwrap()).unwrap()
    }

    /// SIGKILLs the agent and returns when it is gone.
    pub(crate) fn kill(&self) {
        kill_and_wait(self.pid());
    }

    /// Sends a text and waits for the peer's receipt; returns its id.
    pub(crate) fn deliver(&self, peer: &str, text: &str) -> String {
        let events = self.json(&[
            "send",
            peer,
            "-m",
            text,
            "--wait",
            "delivered",
            "--timeout",
            "60s",
        ]);
        let result = events.last().unwrap();
        assert_eq!(result["type"], "send.result");
        assert_eq!(result["satisfied"], true, "{result}");
        result["id"].as_str().unwrap().to_owned()
    }

    /// What has arrived, acknowledged.
    pub(crate) fn recv(&self) -> Vec<Value> {
        self.json(&["recv"])
    }

    /// Messages as they arrive until there are `count`, or too long has passed.
    pub(crate) fn recv_messages(&self, count: usize, patience: Duration) -> Vec<Value> {
        let mut all = Vec::new();
        let until = Instant::now() + patience;
        loop {
            all.extend(
                self.recv()
                    .into_iter()
                    .filter(|event| event["type"] == "message"),
            );
            if all.len() >= count || Instant::now() > until {
                return all;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The texts of [`Home::recv_messages`].
    pub(crate) fn recv_texts(&self, count: usize, patience: Duration) -> Vec<String> {
        texts(&self.recv_messages(count, patience))
    }

    /// Waits until nothing is queued any more.
    pub(crate) fn wait_flushed(&self, patience: Duration) {
        eventually(patience, "the queue is empty", || {
            self.json(&["queue", "list"])
                .iter()
                .all(|event| event["type"] != "queue.item")
        });
    }

    /// The row of `route status` about a peer.
    pub(crate) fn route(&self, name: &str) -> Value {
        self.json(&["route", "status"])
            .into_iter()
            .find(|row| row["name"] == name)
            .unwrap_or_else(|| panic!("route status does not name {name}"))
    }

    /// Waits until a link to the peer is up, and returns its row.
    pub(crate) fn wait_connected(&self, name: &str) -> Value {
        let mut row = Value::Null;
        eventually(Duration::from_secs(30), "a link is up", || {
            row = self.route(name);
            row["connected"] == true
        });
        row
    }
}

/// The texts of messages.
pub(crate) fn texts(messages: &[Value]) -> Vec<String> {
    messages
        .iter()
        .map(|event| {
            event["body"]["text"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

/// Pairs two homes: one invites, the other joins; each gives the other a name.
pub(crate) fn pair(inviter: &Home, joiner_name: &str, joiner: &Home, inviter_name: &str) {
    let mut invite = inviter.stream(&["pair", "invite", "--as", joiner_name, "--json"]);
    let code = invite.event("pair.invite")["code"]
        .as_str()
        .unwrap()
        .to_owned();
    let joined = joiner
        .run(&["pair", "join", &code, "--as", inviter_name, "--json"])
        .ok();
    assert_eq!(joined.last_event()["type"], "pair.accepted");
    invite.event("pair.accepted");
    invite.end().ok();
}

/// SIGKILLs a process and returns when it is gone.
pub(crate) fn kill_and_wait(pid: Pid) {
    kill_process(pid, Kill::KILL).unwrap();
    eventually(
        Duration::from_secs(10),
        "a killed process is gone",
        || match fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())) {
            Err(_) => true,
            Ok(stat) => stat.contains(") Z "),
        },
    );
}

/// Asks until the answer is yes.
pub(crate) fn eventually(patience: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + patience;
    while !holds() {
        assert!(Instant::now() < until, "not within {patience:?}: {what}");
        thread::sleep(Duration::from_millis(25));
    }
}

/// A name that no other test uses.
pub(crate) fn unique(prefix: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}{}x{next}", std::process::id())
}

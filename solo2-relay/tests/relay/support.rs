//! A running relay, and clients that talk to it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use solo2_relay::credential::REALM;
use solo2_relay::wire::{
    Class, Integrity, LongTermKey, Message, TransactionId, UDP, Writer, attribute, method,
};
use tempfile::TempDir;

/// The path of the binary under test: SOLO2_RELAY_BINARY for figures of a release.
pub(crate) fn binary() -> String {
    std::env::var("SOLO2_RELAY_BINARY").unwrap_or(env!("CARGO_BIN_EXE_solo2-relay").to_owned())
}
/// How long an answer is waited for before the question is asked again.
const PAUSE: Duration = Duration::from_secs(1);

pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(binary())
        .args(arguments)
        .output()
        .expect("the binary starts")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Whether a program is installed; says so if it is not.
#[expect(clippy::print_stdout, reason = "tests say what they skip")]
pub(crate) fn have(program: &str) -> bool {
    let there = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).exists())
    });
    if !there {
        println!("skipped: needs {program}");
    }
    there
}

/// The relay, in a process of its own, killed when dropped.
pub(crate) struct Relay {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    /// Every address that it listens on.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Where it takes connections, in the clear and under TLS.
    pub(crate) tcp: Option<SocketAddr>,
    pub(crate) tls: Option<SocketAddr>,
    /// Where it waits for a Tor daemon.
    pub(crate) onion: Option<SocketAddr>,
    secret: PathBuf,
    _place: TempDir,
}

/// What a TURN client needs to know.
pub(crate) struct Credential {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl Relay {
    /// Starts it on a free port of loopback and waits until it is ready.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        Self::start_with(place.path().join("s"), place, arguments)
    }

    /// The same, with this secret.
    pub(crate) fn start_with(secret: PathBuf, place: TempDir, arguments: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .args([
                "serve",
                "--json",
                "--listen-udp",
                "127.0.0.1:0",
                "--secret-file",
            ])
            .arg(&secret)
            .args(threads(arguments))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut line)
            .expect("a line");
        let ready: serde_json::Value = serde_json::from_str(&line).expect("a JSON line");
        assert_eq!((&ready["v"], &ready["type"]), (&1.into(), &"ready".into()));
        let addresses = |name: &str| -> Vec<SocketAddr> {
            let list = ready[name].as_array().expect("a list").iter();
            let address = |it: &serde_json::Value| it.as_str().and_then(|text| text.parse().ok());
            list.map(|it| address(it).expect("an address")).collect()
        };
        Self {
            child,
            address: addresses("listen")[0],
            addresses: addresses("listen"),
            tcp: addresses("listen_tcp").first().copied(),
            tls: addresses("listen_tls").first().copied(),
            onion: ready["onion"]
                .as_str()
                .map(|text| text.parse().expect("an address")),
            secret,
            _place: place,
        }
    }

    pub(crate) fn secret_file(&self) -> PathBuf {
        self.secret.clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn uri(&self) -> String {
        format!("turn:{}", self.address)
    }

    /// A credential of a new invite, as the command line prints it.
    pub(crate) fn credential(&self) -> Credential {
        credential(&self.secret_file(), &self.uri())
    }

    /// Memory in use, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        self.status("VmRSS:")
            .split_whitespace()
            .next()
            .and_then(|number| number.parse().ok())
            .expect("a number")
    }

    pub(crate) fn status(&self, name: &str) -> String {
        status(self.pid(), self.pid(), name)
    }

    /// One of the lines of `status`, of each of its threads.
    pub(crate) fn statuses(&self, name: &str) -> BTreeMap<u32, String> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).expect("it runs");
        let status = |task: std::io::Result<std::fs::DirEntry>| {
            let task = task.expect("a thread").file_name();
            let number = task.to_str().and_then(|text| text.parse().ok());
            let number: u32 = number.expect("a number");
            (number, status(self.pid(), number, name))
        };
        tasks.map(status).collect()
    }

    /// Open descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid()))
            .expect("it runs")
            .count()
    }

    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status();
        assert!(done.expect("kill runs").success());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn status(process: u32, thread: u32, name: &str) -> String {
    let path = format!("/proc/{process}/task/{thread}/status");
    let status = std::fs::read_to_string(path).expect("it runs");
    let line = status
        .lines()
        .find(|line| line.starts_with(name))
        .expect("a line");
    line[name.len()..].trim().to_owned()
}

/// So many as SOLO2_RELAY_THREADS says, unless a test says so itself.
fn threads(arguments: &[&str]) -> Vec<String> {
    match std::env::var("SOLO2_RELAY_THREADS") {
        Ok(count) if !arguments.contains(&"--threads") => vec!["--threads".into(), count],
        _ => Vec::new(),
    }
}

pub(crate) fn credential(secret: &Path, uri: &str) -> Credential {
    let secret = secret.to_str().expect("text");
    let said = json(&run(&[
        "invite",
        "--secret-file",
        secret,
        "--public",
        uri,
        "--turn-credential",
        "--json",
    ]));
    let text = |name: &str| said[name].as_str().expect("text").to_owned();
    Credential {
        username: text("username"),
        password: text("password"),
    }
}

/// What carries messages to the relay and back, one at a time.
pub(crate) trait Wire {
    fn send(&self, message: &[u8]) -> std::io::Result<usize>;
    /// Waits a second at most.
    fn recv(&self, message: &mut [u8]) -> std::io::Result<usize>;
}

impl Wire for UdpSocket {
    fn send(&self, message: &[u8]) -> std::io::Result<usize> {
        Self::send(self, message)
    }

    fn recv(&self, message: &mut [u8]) -> std::io::Result<usize> {
        Self::recv(self, message)
    }
}

/// A TURN client of the test's own.
pub(crate) struct Client<W: Wire = UdpSocket> {
    pub(crate) socket: W,
    pub(crate) relayed: SocketAddr,
    username: String,
    realm: String,
    key: LongTermKey,
    nonce: Vec<u8>,
}

impl Client {
    pub(crate) fn new(relay: &Relay, credential: &Credential) -> Self {
        Self::from(IpAddr::from([127, 0, 0, 1]), relay, credential)
    }

    pub(crate) fn from(ip: IpAddr, relay: &Relay, credential: &Credential) -> Self {
        let socket = UdpSocket::bind((ip, 0)).expect("a port");
        socket.connect(relay.address).expect("a route");
        socket
            .set_read_timeout(Some(PAUSE))
            .expect("a socket option");
        Self::over(socket, relay, credential)
    }
}

impl<W: Wire> Client<W> {
    pub(crate) fn over(socket: W, relay: &Relay, credential: &Credential) -> Self {
        Self {
            relayed: relay.address,
            username: credential.username.clone(),
            realm: REALM.to_owned(),
            key: LongTermKey::derive(&credential.username, REALM, &credential.password),
            nonce: Vec::new(),
            socket,
        }
    }

    /// The same client of a relay with this name.
    pub(crate) fn under(mut self, realm: &str, credential: &Credential) -> Self {
        self.key = LongTermKey::derive(&credential.username, realm, &credential.password);
        realm.clone_into(&mut self.realm);
        self
    }

    fn transaction() -> TransactionId {
        // A port may come to a second client; a transaction must not.
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let mut transaction = [0; 12];
        transaction[..8].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        transaction
    }

    /// Asks until there is an answer, and says its code: 0 for success.
    fn ask(
        &mut self,
        method: u16,
        attributes: &[(u16, &[u8])],
        peer: Option<SocketAddr>,
    ) -> (u16, Vec<u8>) {
        let transaction = Self::transaction();
        let mut request = Vec::new();
        let mut writer = Writer::new(&mut request, Class::Request, method, transaction);
        for (kind, value) in attributes {
            writer.attribute(*kind, value);
        }
        if let Some(peer) = peer {
            writer.xor_address(attribute::XOR_PEER_ADDRESS, peer);
        }
        if !self.nonce.is_empty() {
            writer
                .attribute(attribute::USERNAME, self.username.as_bytes())
                .attribute(attribute::REALM, self.realm.as_bytes())
                .attribute(attribute::NONCE, &self.nonce)
                .integrity(Integrity::Sha1, &self.key);
        }
        let mut bytes = vec![0; 2000];
        for _ in 0..20 {
            self.socket.send(&request).expect("sent");
            while let Ok(len) = self.socket.recv(&mut bytes) {
                let Ok(answer) = Message::parse(&bytes[..len]) else {
                    continue;
                };
                if answer.transaction() != transaction {
                    continue;
                }
                let code = answer.attribute(attribute::ERROR_CODE).map_or(0, |it| {
                    u16::from(it.value[2]) * 100 + u16::from(it.value[3])
                });
                return (code, bytes[..len].to_vec());
            }
        }
        panic!("no answer");
    }

    pub(crate) fn allocate(&mut self) -> u16 {
        let transport = [(attribute::REQUESTED_TRANSPORT, &[UDP, 0, 0, 0][..])];
        if self.nonce.is_empty() {
            let (code, challenge) = self.ask(method::ALLOCATE, &transport, None);
            assert_eq!(code, 401);
            let challenge = Message::parse(&challenge).expect("STUN");
            self.nonce = challenge
                .attribute(attribute::NONCE)
                .expect("a nonce")
                .value
                .to_vec();
        }
        let (code, answer) = self.ask(method::ALLOCATE, &transport, None);
        if code == 0 {
            let answer = Message::parse(&answer).expect("STUN");
            assert!(answer.verify(&self.key));
            let relayed = answer
                .attribute(attribute::XOR_RELAYED_ADDRESS)
                .expect("told");
            self.relayed = relayed
                .xor_address(&answer.transaction())
                .expect("an address");
        }
        code
    }

    pub(crate) fn refresh(&mut self, lifetime: u32) -> u16 {
        self.ask(
            method::REFRESH,
            &[(attribute::LIFETIME, &lifetime.to_be_bytes())],
            None,
        )
        .0
    }

    pub(crate) fn permit(&mut self, peer: SocketAddr) -> u16 {
        self.ask(method::CREATE_PERMISSION, &[], Some(peer)).0
    }

    pub(crate) fn bind(&mut self, number: u16, peer: SocketAddr) -> u16 {
        let [a, b] = number.to_be_bytes();
        self.ask(
            method::CHANNEL_BIND,
            &[(attribute::CHANNEL_NUMBER, &[a, b, 0, 0])],
            Some(peer),
        )
        .0
    }

    pub(crate) fn send(&self, number: u16, data: &[u8]) {
        let len = u16::try_from(data.len()).expect("short").to_be_bytes();
        let message = [&number.to_be_bytes()[..], &len, data].concat();
        self.socket.send(&message).expect("sent");
    }

    /// The next datagram, if one comes in a second.
    pub(crate) fn receive(&self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 1 << 16];
        let len = self.socket.recv(&mut bytes).ok()?;
        bytes.truncate(len);
        Some(bytes)
    }
}

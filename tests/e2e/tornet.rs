//! A Tor network of this machine's own: three authorities and five relays, all Debian's
//! `tor` on loopback, and nothing that leads to the real one.
//!
//! Each process ends when the one that started it does (`__OwningControllerProcess`).
//! The first vote comes ten seconds after the start; with less, three authorities do not
//! find together.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const AUTHORITIES: usize = 3;
const RELAYS: usize = 5;
/// What a start may take before it is tried again.
const PATIENCE: Duration = Duration::from_secs(120);
const ATTEMPTS: usize = 3;
/// The time after which a service is at another place in the network: longer than any test.
const PERIOD_MINUTES: u32 = 1440;
/// The same where C tor is among the clients or services: in a test network it takes 24 votes.
const C_PERIOD_MINUTES: u32 = 8;

/// A running network.
pub(crate) struct TorNetwork {
    dir: TempDir,
    nodes: Vec<Node>,
    period: u32,
}

/// A C tor that is a client of the network, or keeps services there; it ends when dropped.
pub(crate) struct Member {
    child: Child,
    log: PathBuf,
}

struct Node {
    name: String,
    dir: PathBuf,
    port: u16,
    dir_port: u16,
    rsa: String,
    ed25519: String,
    /// An authority's.
    v3ident: Option<String>,
    child: Option<Child>,
}

/// What is missing on this machine, if anything is.
pub(crate) fn missing() -> Option<&'static str> {
    ["tor", "tor-gencert"].into_iter().find(|program| {
        ["/usr/sbin", "/usr/bin", "/usr/local/bin"]
            .iter()
            .all(|dir| !Path::new(dir).join(program).exists())
    })
}

impl TorNetwork {
    /// Starts one and waits until its directory names every node.
    ///
    /// # Panics
    ///
    /// When it does not stand after several attempts.
    pub(crate) fn start() -> TorNetwork {
        TorNetwork::start_by(&|program| Command::new(program))
    }

    /// The same where `command` runs programs.
    pub(crate) fn start_by(command: &dyn Fn(&str) -> Command) -> TorNetwork {
        TorNetwork::persist(command, PERIOD_MINUTES)
    }

    /// The same for arti and C tor together.
    pub(crate) fn start_for_c() -> TorNetwork {
        TorNetwork::persist(&|program| Command::new(program), C_PERIOD_MINUTES)
    }

    fn persist(command: &dyn Fn(&str) -> Command, period: u32) -> TorNetwork {
        for _ in 1..ATTEMPTS {
            match TorNetwork::try_start(command, period) {
                Ok(network) => return network,
                Err(why) => println!("the Tor network is started again: {why}"),
            }
        }
        TorNetwork::try_start(command, period).unwrap()
    }

    fn try_start(command: &dyn Fn(&str) -> Command, period: u32) -> Result<TorNetwork, String> {
        let dir = TempDir::with_prefix("solo2-tor-").unwrap();
        let makers: Vec<_> = (0..AUTHORITIES + RELAYS)
            .map(|number| {
                let dir = dir.path().join(format!("n{number}"));
                thread::spawn(move || Node::make(number, dir))
            })
            .collect();
        let nodes = makers.into_iter().map(|maker| maker.join().unwrap());
        let mut network = TorNetwork {
            nodes: nodes.collect(),
            dir,
            period,
        };
        let authorities = network.authorities();
        for node in &mut network.nodes {
            node.start(&authorities, period, command);
        }
        let began = Instant::now();
        while !network.stands() {
            if let Some(why) = network.nodes.iter_mut().find_map(Node::ended) {
                return Err(why);
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("no directory after {} s", PATIENCE.as_secs()));
            }
            thread::sleep(Duration::from_millis(250));
        }
        Ok(network)
    }

    /// arti's settings for this network, as a file.
    pub(crate) fn arti_config(&self) -> PathBuf {
        let file = self.dir.path().join("arti.toml");
        fs::write(&file, self.arti()).unwrap();
        file
    }

    fn arti(&self) -> String {
        let mut caches = String::new();
        for node in self.nodes.iter().take(AUTHORITIES) {
            let _ = writeln!(
                caches,
                "  {{ rsa_identity = \"{}\", ed_identity = \"{}\", orports = [\"127.0.0.1:{}\"] }},",
                node.rsa, node.ed25519, node.port
            );
        }
        let authorities = || self.nodes.iter().take(AUTHORITIES);
        let idents: Vec<_> = authorities()
            .filter_map(|node| node.v3ident.as_ref())
            .map(|ident| format!("\"{ident}\""))
            .collect();
        let places: Vec<_> = authorities()
            .map(|node| format!("[\"127.0.0.1:{}\"]", node.dir_port))
            .collect();
        let (idents, places) = (idents.join(", "), places.join(", "));
        format!(
            "[tor_network]\nfallback_caches = [\n{caches}]\n\
             [tor_network.authorities]\nv3idents = [{idents}]\nuploads = [{places}]\n\
             downloads = [{places}]\nvotes = [{places}]\n\
             [path_rules]\nipv4_subnet_family_prefix = 33\nipv6_subnet_family_prefix = 129\n\
             [address_filter]\nallow_local_addrs = true\n\
             [storage.permissions]\ndangerously_trust_everyone = true\n\
             [override_net_params]\nhsdir_interval = {}\n",
            self.period
        )
    }

    /// Starts a C tor below `dir` with these further lines, and waits until it is connected.
    pub(crate) fn join(&self, dir: &Path, torrc: &str) -> Member {
        use std::os::unix::fs::DirBuilderExt as _;
        let mut make = fs::DirBuilder::new();
        make.recursive(true).mode(0o700).create(dir).unwrap();
        let (shown, log) = (dir.display(), dir.join("notice.log"));
        let torrc = format!(
            "TestingTorNetwork 1\nDataDirectory {shown}\nLog notice file {}\nSafeLogging 0\n\
             PathsNeededToBuildCircuits 0.67\nShutdownWaitLength 0\n\
             __OwningControllerProcess {}\n{}{torrc}",
            log.display(),
            std::process::id(),
            self.authorities()
        );
        fs::write(dir.join("torrc"), torrc).unwrap();
        let child = quiet(Command::new("tor").arg("-f").arg(dir.join("torrc")));
        let mut member = Member { child, log };
        let began = Instant::now();
        while !member.log().contains("Bootstrapped 100%") {
            let ended = member.child.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < PATIENCE,
                "{}",
                member.log()
            );
            thread::sleep(Duration::from_millis(250));
        }
        member
    }

    /// Ports that Tor's own traffic goes to.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let ports = self
            .nodes
            .iter()
            .flat_map(|node| [node.port, node.dir_port]);
        ports.collect()
    }

    /// Stops every node at once, as a firewall would.
    pub(crate) fn stop(&mut self) {
        for node in &mut self.nodes {
            node.kill();
        }
    }

    fn authorities(&self) -> String {
        let mut lines = String::new();
        for node in &self.nodes {
            if let Some(ident) = &node.v3ident {
                let _ = writeln!(
                    lines,
                    "DirAuthority {} orport={} no-v2 v3ident={ident} 127.0.0.1:{} {}",
                    node.name, node.port, node.dir_port, node.rsa
                );
            }
        }
        lines
    }

    /// Whether the authorities have a directory that names everybody, and can build circuits.
    fn stands(&self) -> bool {
        self.nodes.iter().take(AUTHORITIES).all(|node| {
            let read = |file: &str| fs::read_to_string(node.dir.join(file)).unwrap_or_default();
            let running = read("cached-microdesc-consensus")
                .lines()
                .filter(|line| {
                    let has = |flag| line.split(' ').any(|word| word == flag);
                    has("s") && has("Running") && has("HSDir") && has("Fast")
                })
                .count();
            running >= AUTHORITIES + RELAYS && read("notice.log").contains("Bootstrapped 100%")
        })
    }
}

impl Member {
    /// What it has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for TorNetwork {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Node {
    /// Keys and identities; nothing runs yet.
    fn make(number: usize, dir: PathBuf) -> Node {
        use std::os::unix::fs::DirBuilderExt as _;
        let authority = number < AUTHORITIES;
        let keys = dir.join("keys");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&keys)
            .unwrap();
        let (port, dir_port) = (free_port(), free_port());
        let v3ident = authority.then(|| {
            let certificate = keys.join("authority_certificate");
            let mut made = Command::new("nice")
                .arg("tor-gencert")
                .args([
                    "--create-identity-key",
                    "--passphrase-fd",
                    "0",
                    "-m",
                    "12",
                    "-i",
                ])
                .arg(keys.join("authority_identity_key"))
                .arg("-s")
                .arg(keys.join("authority_signing_key"))
                .arg("-c")
                .arg(&certificate)
                .args(["-a", &format!("127.0.0.1:{dir_port}")])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::io::Write::write_all(&mut made.stdin.take().unwrap(), b"x\n").unwrap();
            assert!(made.wait().unwrap().success(), "tor-gencert");
            let text = fs::read_to_string(certificate).unwrap();
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("fingerprint "));
            line.unwrap().to_owned()
        });
        let mut node = Node {
            name: format!("node{number}"),
            dir,
            port,
            dir_port,
            rsa: String::new(),
            ed25519: String::new(),
            v3ident,
            child: None,
        };
        // It wants to know some authority before it tells who it is.
        let nobody = "F".repeat(40);
        fs::write(node.dir.join("stub"), node.common()).unwrap();
        let told = Command::new("tor")
            .args(["--ignore-missing-torrc", "-f"])
            .arg(node.dir.join("stub"))
            .args([
                "--list-fingerprint",
                "--quiet",
                "--DisableNetwork",
                "1",
                "--DirAuthority",
            ])
            .arg(format!(
                "x orport=1 no-v2 v3ident={nobody} 127.0.0.1:1 {nobody}"
            ))
            .output()
            .unwrap();
        let second = |file: &str| {
            let text = fs::read_to_string(node.dir.join(file)).unwrap_or_else(|_| {
                panic!("tor: {}", String::from_utf8_lossy(&told.stdout));
            });
            text.split_whitespace().nth(1).unwrap().to_owned()
        };
        let (rsa, ed25519) = (second("fingerprint"), second("fingerprint-ed25519"));
        (node.rsa, node.ed25519) = (rsa, ed25519);
        node
    }

    fn common(&self) -> String {
        let (dir, name) = (self.dir.display(), &self.name);
        format!(
            "TestingTorNetwork 1\nDataDirectory {dir}\nNickname {name}\n\
             Log notice file {dir}/notice.log\nSafeLogging 0\nPathsNeededToBuildCircuits 0.67\n\
             ShutdownWaitLength 0\nSocksPort 0\nAddress 127.0.0.1\n\
             ORPort 127.0.0.1:{} IPv4Only\nDirPort 127.0.0.1:{}\nAssumeReachable 1\n\
             ContactInfo {name}@test.invalid\n__OwningControllerProcess {}\n",
            self.port,
            self.dir_port,
            std::process::id()
        )
    }

    fn start(&mut self, authorities: &str, period: u32, command: &dyn Fn(&str) -> Command) {
        let mut torrc = self.common();
        if self.v3ident.is_some() {
            // A client that has built a hundred circuits waits for no other any longer than for
            // most of those (path-spec §2.4): on loopback for less than a busy machine takes.
            let _ = write!(
                torrc,
                "AuthoritativeDirectory 1\nV3AuthoritativeDirectory 1\n\
                 TestingDirAuthVoteExit *\nTestingDirAuthVoteHSDir *\nTestingDirAuthVoteGuard *\n\
                 TestingMinExitFlagThreshold 0\nTestingAuthDirTimeToLearnReachability 0\n\
                 AuthDirFastGuarantee 1\n\
                 TestingV3AuthInitialVotingInterval 10\nTestingV3AuthInitialVoteDelay 2\n\
                 TestingV3AuthInitialDistDelay 2\nV3AuthVotingInterval 20\nV3AuthVoteDelay 4\n\
                 V3AuthDistDelay 4\nV3AuthNIntervalsValid 3\n\
                 ConsensusParams hsdir_interval={period} cbtmintimeout=1500\n"
            );
        }
        torrc.push_str("ExitRelay 0\nExitPolicy reject *:*\n");
        torrc.push_str(authorities);
        fs::write(self.dir.join("torrc"), torrc).unwrap();
        let child = quiet(command("tor").arg("-f").arg(self.dir.join("torrc")));
        self.child = Some(child);
    }

    /// What it said last, if it has ended by itself.
    fn ended(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().unwrap()?;
        let log = fs::read_to_string(self.dir.join("notice.log")).unwrap_or_default();
        let last = log.lines().last().unwrap_or_default();
        Some(format!("{} ended, {status}: {last}", self.name))
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Starts a tor that says nothing but in its log.
fn quiet(tor: &mut Command) -> Child {
    tor.arg("--quiet")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A port of this machine that nobody has now.
pub(crate) fn free_port() -> u16 {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    taken.local_addr().unwrap().port()
}

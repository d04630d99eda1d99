//! What a thief of the server's memory finds: nothing about anybody, once the
//! minute is over.
//!
//! The test reads the memory of the running server as root would, and looks for
//! every token, for pieces of every blob, and for the addresses of its clients.
//! The same search first finds them while they are held, so it can fail.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use solo2_signal::wire::{BLOB_LEN, Blob, TOKEN_LEN, Token};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::support::{Device, Said, Server, blob, token};
use crate::tls::Certificate;

/// Time that the server gets to wipe, beyond the life of a blob.
const SLACK: Duration = Duration::from_millis(1500);

/// Seconds that a blob waits: `SIGNAL_TTL=60` runs the test at the server's own pace.
fn signal_ttl() -> u64 {
    std::env::var("SIGNAL_TTL").map_or(1, |ttl| ttl.parse().expect("seconds"))
}

/// As many pairs of devices, each introduced as many times.
const PAIRS: usize = 10;
const EACH: usize = 100;
/// Bytes of a secret that count as finding it.
const SPAN: usize = 12;
/// What these become when each byte is combined with the fourth after it.
const NEEDLE: usize = 8;

/// A stretch of memory, and what the system calls it.
struct Region {
    name: String,
    bytes: Vec<u8>,
}

/// What was found, and where.
#[derive(Default)]
struct Found {
    secrets: usize,
    addresses: usize,
    places: Vec<String>,
}

impl Found {
    fn is_nothing(&self) -> bool {
        self.secrets + self.addresses == 0
    }
}

/// What to look for: twelve bytes of it are enough, at any offset.
///
/// WebSocket clients mask what they send, with four bytes that stand beside it:
/// that hides nothing from a thief, so it must not from this search. Combining
/// each byte with the fourth after it is the same for masked and for plain.
#[derive(Default)]
struct Needles {
    whole: HashSet<[u8; NEEDLE]>,
    starts: Vec<bool>,
    ports: HashSet<u16>,
}

impl Needles {
    fn add(&mut self, secret: &[u8], offsets: &[usize]) {
        for offset in offsets {
            let needle: [u8; NEEDLE] = unmasked(&secret[*offset..*offset + SPAN])
                .try_into()
                .expect("of this length");
            self.starts.resize(1 << 24, false);
            self.starts[start(&needle)] = true;
            self.whole.insert(needle);
        }
    }

    fn token(&mut self, token: &Token) {
        self.add(token, &[0, 5, 12, 16, TOKEN_LEN - SPAN]);
    }

    fn blob(&mut self, blob: &Blob) {
        self.add(blob, &[0, 31, 1000, 2048, 3333, 4000, BLOB_LEN - SPAN]);
    }

    /// `127.0.0.1:port`, in text and in the bytes that systems keep it in.
    fn address(&mut self, address: SocketAddr) {
        self.ports.insert(address.port());
    }

    /// How many different needles are in this memory, and how many addresses.
    fn count(&self, memory: &[Region]) -> Found {
        let (mut found, mut addresses) = (HashSet::new(), HashSet::new());
        let mut places = Vec::new();
        for Region {
            name,
            bytes: region,
        } in memory
        {
            let before = found.len() + addresses.len();
            for window in unmasked(region).windows(NEEDLE) {
                if self.starts.get(start(window)) == Some(&true)
                    && let Some(needle) = self.whole.get(window)
                {
                    found.insert(needle);
                }
            }
            for (at, window) in region.windows(8).enumerate() {
                if window.starts_with(&[127, 0, 0, 1])
                    && let Some(port) = self.binary_port(&region[at.saturating_sub(2)..])
                {
                    addresses.insert(port);
                }
                if window == b"127.0.0." {
                    let text: String = region[at..]
                        .iter()
                        .take(16)
                        .map(|byte| char::from(*byte))
                        .collect();
                    let digits = text.trim_start_matches("127.0.0.1:");
                    let len = digits.bytes().take_while(u8::is_ascii_digit).count();
                    if let Ok(port) = digits[..len].parse()
                        && self.ports.contains(&port)
                    {
                        addresses.insert(port);
                    }
                }
            }
            if found.len() + addresses.len() > before {
                places.push(format!("{name}, ports so far {addresses:?}"));
            }
        }
        Found {
            secrets: found.len(),
            addresses: addresses.len(),
            places,
        }
    }

    /// The port before the address, as the kernel has it, or behind it, as Rust
    /// has it; in either order of bytes.
    fn binary_port(&self, around: &[u8]) -> Option<u16> {
        binary_ports(around).find(|port| self.ports.contains(port))
    }
}

fn binary_ports(around: &[u8]) -> impl Iterator<Item = u16> {
    let pairs = match *around {
        [a, b, _, _, _, _, c, d, ..] => vec![[a, b], [c, d]],
        _ => Vec::new(),
    };
    pairs
        .into_iter()
        .flat_map(|pair| [u16::from_be_bytes(pair), u16::from_le_bytes(pair)])
}

/// What stands beside this machine's address like a port before anybody has come: the
/// server's own ports, also read backwards, and chance.
fn ports_of_nobody(memory: &[Region]) -> HashSet<u16> {
    let mut ports = HashSet::new();
    for Region { bytes, .. } in memory {
        for (at, window) in bytes.windows(8).enumerate() {
            if window.starts_with(&[127, 0, 0, 1]) {
                ports.extend(binary_ports(&bytes[at.saturating_sub(2)..]));
            }
        }
    }
    ports
}

fn unmasked(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .zip(bytes.iter().skip(4))
        .map(|(byte, fourth)| byte ^ fourth)
        .collect()
}

fn start(window: &[u8]) -> usize {
    usize::from(window[0]) | usize::from(window[1]) << 8 | usize::from(window[2]) << 16
}

/// Everything that the server can write to: heaps, stacks, statics.
fn memory(server: &Server) -> io::Result<Vec<Region>> {
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", server.pid()))?;
    let file = File::open(format!("/proc/{}/mem", server.pid()))?;
    let mut regions = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (
            words.next().expect("a range"),
            words.next().expect("rights"),
        );
        if !rights.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').expect("a range");
        let from = u64::from_str_radix(from, 16).expect("a number");
        let to = u64::from_str_radix(to, 16).expect("a number");
        let mut region = vec![0; usize::try_from(to - from).expect("fits")];
        // Page by page: some pages of the kernel's are not to be read.
        for (page, bytes) in region.chunks_mut(1 << 16).enumerate() {
            let _ = file.read_exact_at(bytes, from + (page as u64) * (1 << 16));
        }
        regions.push(Region {
            name: line.to_owned(),
            bytes: region,
        });
    }
    Ok(regions)
}

/// Introduces `EACH` times: half listen first, a quarter posts first, and a
/// quarter is never fetched.
async fn introduce<S>(alice: &mut Device<S>, bob: &mut Device<S>, needles: &mut Needles)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for round in 0..EACH {
        let (token, blob) = (token(), blob());
        needles.token(&token);
        needles.blob(&blob);
        if round % 4 < 2 {
            assert_eq!(
                bob.listen(token, round % 40 == 0).await,
                Said::Listening(token)
            );
        }
        assert_eq!(alice.post(token, &blob).await, Said::Posted(token));
        if round % 4 == 2 {
            assert_eq!(bob.listen(token, false).await, Said::Listening(token));
        }
        if round % 4 != 3 {
            assert_eq!(bob.hear().await, Said::Deliver(token, blob.to_vec()));
            bob.say(solo2_signal::wire::ClientMessage::Unlisten { token: &token })
                .await;
        }
    }
}

/// Whether this process may read the memory of the server. Nobody but root may.
fn may_look(server: &Server) -> bool {
    let denied = memory(server).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    if denied {
        use std::os::unix::fs::MetadataExt;
        let ours = std::fs::metadata("/proc/self").expect("we run").uid();
        assert_ne!(ours, 0, "root is denied");
    }
    !denied
}

/// Searches until the process has nothing, or five seconds have passed: a worker
/// thread cleans its stack when it goes to sleep, for which a busy machine may
/// not find the time at once.
async fn search(server: &Server, needles: &Needles) -> Found {
    let mut found = Found::default();
    for _ in 0..25 {
        found = needles.count(&memory(server).expect("readable"));
        if found.is_nothing() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    found
}

async fn leaves_nothing<S, F>(server: &Server, connect: F)
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: AsyncFn() -> (Device<S>, SocketAddr),
{
    if !may_look(server) {
        return;
    }
    let nobody = ports_of_nobody(&memory(server).expect("readable"));
    let connect = async || {
        loop {
            let (device, address) = connect().await;
            if !nobody.contains(&address.port()) {
                return (device, address);
            }
        }
    };
    let mut needles = Needles::default();
    let mut staying = Vec::new();
    for pair in 0..PAIRS {
        let (mut alice, here) = connect().await;
        let (mut bob, there) = connect().await;
        needles.address(here);
        needles.address(there);
        introduce(&mut alice, &mut bob, &mut needles).await;
        // Half of them stay on the line: their buffers live on.
        if pair % 2 == 0 {
            staying.extend([alice, bob]);
        }
    }
    tokio::time::sleep(Duration::from_secs(signal_ttl()) + SLACK).await;
    let found = search(server, &needles).await;
    assert!(
        found.is_nothing(),
        "pieces of {} secrets and {} addresses in {:?}",
        found.secrets,
        found.addresses,
        found.places
    );

    // They are still there, and served.
    for device in &mut staying {
        let token = token();
        assert_eq!(device.listen(token, false).await, Said::Listening(token));
    }
}

#[tokio::test]
async fn after_a_thousand_introductions_memory_holds_nothing_of_them() {
    let server = Server::start(&["--signal-ttl", &format!("{}s", signal_ttl())]);
    leaves_nothing(&server, async || {
        let stream = server.tcp().await;
        let address = stream.local_addr().expect("bound");
        (
            Device::open(stream, server.request())
                .await
                .expect("upgraded"),
            address,
        )
    })
    .await;
}

#[tokio::test]
async fn after_a_thousand_introductions_through_tls_memory_holds_nothing_of_them() {
    let certificate = Certificate::new();
    let server = certificate.serve(&["--signal-ttl", &format!("{}s", signal_ttl())]);
    leaves_nothing(&server, async || {
        let device = certificate.device(&server).await;
        let address = device
            .socket
            .get_ref()
            .get_ref()
            .0
            .local_addr()
            .expect("bound");
        (device, address)
    })
    .await;
}

#[tokio::test]
async fn the_search_finds_what_is_held() {
    let server = Server::start(&[]);
    if !may_look(&server) {
        return;
    }
    let mut needles = Needles::default();
    let (mut alice, mut bob) = (server.device().await, server.device().await);
    for _ in 0..10 {
        let (waiting, blob, listened) = (token(), blob(), token());
        alice.post(waiting, &blob).await;
        bob.listen(listened, false).await;
        for token in [waiting, listened] {
            needles.token(&token);
        }
        needles.blob(&blob);
    }
    // The one address that the server does keep is its own.
    needles.address(server.listen);
    let found = needles.count(&memory(&server).expect("readable"));
    assert_eq!(found.secrets, needles.whole.len());
    assert_eq!(found.addresses, 1);
}

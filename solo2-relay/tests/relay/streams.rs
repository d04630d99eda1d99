//! Clients over TCP and TLS: what they send arrives, beside those over UDP, and who takes
//! nothing, or says nothing, takes no memory and no one's place.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::ServerName;
use solo2_relay::invite::{Invite, Pin, Tls};
use solo2_relay::wire::{channel_data, framed_len};

use crate::support::{Client, Relay, Wire, json, run, stderr};

/// A certificate that vouches for itself, and its key.
pub(crate) struct Certificate {
    directory: tempfile::TempDir,
    der: Vec<u8>,
    host: String,
}

impl Certificate {
    pub(crate) fn new(host: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([host.to_owned()]).expect("made");
        let directory = tempfile::tempdir().expect("a directory");
        for (name, pem) in [
            ("cert.pem", made.cert.pem()),
            ("key.pem", made.signing_key.serialize_pem()),
        ] {
            std::fs::write(directory.path().join(name), pem).expect("a file");
        }
        Self {
            directory,
            der: made.cert.der().to_vec(),
            host: host.to_owned(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> &str {
        let path = self.directory.path().join(name);
        // For as long as the test runs.
        Box::leak(path.to_str().expect("text").to_owned().into_boxed_str())
    }

    pub(crate) fn flags(&self) -> [&str; 6] {
        [
            "--listen-tls",
            "127.0.0.1:0",
            "--tls-cert",
            self.path("cert.pem"),
            "--tls-key",
            self.path("key.pem"),
        ]
    }
}

/// Messages one behind the other.
pub(crate) struct Stream<S>(RefCell<(S, Vec<u8>)>);

impl<S: Read + Write> Wire for Stream<S> {
    fn send(&self, message: &[u8]) -> io::Result<usize> {
        let mut padded = message.to_vec();
        padded.resize(message.len().next_multiple_of(4), 0);
        self.0.borrow_mut().0.write_all(&padded)?;
        Ok(message.len())
    }

    fn recv(&self, message: &mut [u8]) -> io::Result<usize> {
        let (stream, bytes) = &mut *self.0.borrow_mut();
        loop {
            if let Some(len) = framed_len(bytes).expect("a message")
                && len <= bytes.len()
            {
                message[..len].copy_from_slice(&bytes[..len]);
                bytes.drain(..len);
                return Ok(len);
            }
            let mut more = [0; 4096];
            match stream.read(&mut more)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                len => bytes.extend_from_slice(&more[..len]),
            }
        }
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("accepted");
    let patience = Some(Duration::from_secs(1));
    stream.set_read_timeout(patience).expect("a socket option");
    stream.set_nodelay(true).expect("a socket option");
    stream
}

pub(crate) fn tcp(relay: &Relay) -> Stream<TcpStream> {
    let stream = connect(relay.tcp.expect("it listens"));
    Stream(RefCell::new((stream, Vec::new())))
}

fn tls(
    relay: &Relay,
    certificate: &Certificate,
) -> Stream<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(certificate.der.clone().into())
        .expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"stun.turn".to_vec()];
    let name = ServerName::try_from(certificate.host.clone()).expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let stream = StreamOwned::new(connection, connect(relay.tls.expect("it listens")));
    Stream(RefCell::new((stream, Vec::new())))
}

/// Sends datagrams both ways; they arrive whole and in order, whatever carries them.
pub(crate) fn talk<A: Wire, B: Wire>(alice: &mut Client<A>, bob: &mut Client<B>) {
    assert_eq!((alice.allocate(), bob.allocate()), (0, 0));
    assert_eq!(alice.bind(0x4000, bob.relayed), 0);
    assert_eq!(bob.bind(0x4abc, alice.relayed), 0);
    for round in 0..50_usize {
        let datagrams = [1228, 1, 0, round, 1228, 1399, 1228]
            .map(|len| (0..len).map(|at| (at ^ round) as u8).collect::<Vec<_>>());
        for datagram in &datagrams {
            alice.send(0x4000, datagram);
            bob.send(0x4abc, datagram);
        }
        for datagram in &datagrams {
            for (message, number) in [(bob.receive(), 0x4abc), (alice.receive(), 0x4000)] {
                let message = message.expect("it arrives");
                assert_eq!(channel_data(&message), Some((number, &datagram[..])));
            }
        }
    }
    assert_eq!((alice.refresh(0), bob.refresh(0)), (0, 0));
}

#[test]
fn clients_over_udp_tcp_and_tls_reach_each_other() {
    let certificate = Certificate::new("127.0.0.1");
    let flags = [
        &certificate.flags()[..],
        &["--listen-tcp", "127.0.0.1:0", "--listen-tcp", "[::1]:0"],
    ];
    let relay = Relay::start(&flags.concat());
    let credential = relay.credential();
    let mut by_udp = Client::new(&relay, &credential);
    let mut by_tcp = Client::over(tcp(&relay), &relay, &credential);
    let mut by_tls = Client::over(tls(&relay, &certificate), &relay, &credential);
    talk(&mut by_udp, &mut by_tcp);
    talk(&mut by_tcp, &mut by_tls);
    talk(&mut by_tls, &mut by_udp);
    let mut another = Client::over(tls(&relay, &certificate), &relay, &credential);
    talk(&mut by_tls, &mut another);
}

/// More than any queue holds, as fast as it goes: nothing is lost that TCP slows down, and
/// nothing is cut.
#[test]
fn a_stream_carries_megabytes_whole() {
    let relay = Relay::start(&["--listen-tcp", "127.0.0.1:0"]);
    let credential = relay.credential();
    let mut alice = Client::over(tcp(&relay), &relay, &credential);
    let mut bob = Client::over(tcp(&relay), &relay, &credential);
    assert_eq!((alice.allocate(), bob.allocate()), (0, 0));
    assert_eq!(alice.bind(0x4000, bob.relayed), 0);
    assert_eq!(bob.bind(0x4000, alice.relayed), 0);
    for round in 0..200_u32 {
        for at in 0..50_u32 {
            alice.send(
                0x4000,
                &[round.to_be_bytes(), at.to_be_bytes()].concat().repeat(150),
            );
        }
        for at in 0..50_u32 {
            let message = bob.receive().expect("it arrives");
            let (_, data) = channel_data(&message).expect("data");
            let wanted = [round.to_be_bytes(), at.to_be_bytes()].concat().repeat(150);
            assert!(data == wanted, "{round} {at}");
        }
    }
}

#[test]
fn a_connection_that_ends_takes_its_allocation_along() {
    let one = ["--listen-tcp", "127.0.0.1:0", "--max-allocs", "1"];
    let relay = Relay::start(&one);
    let credential = relay.credential();
    let descriptors = relay.descriptors();
    for round in 0..50 {
        let mut client = Client::over(tcp(&relay), &relay, &credential);
        let deadline = Instant::now() + Duration::from_secs(10);
        // The one before is noticed to be gone a moment later.
        while client.allocate() != 0 {
            assert!(Instant::now() < deadline, "still taken in round {round}");
        }
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while relay.descriptors() > descriptors {
        assert!(Instant::now() < deadline, "descriptors stay open");
    }
}

/// relay-flood, for streams: one that takes nothing of what it is sent.
#[test]
fn a_slow_reader_takes_no_memory_and_no_ones_place() {
    let relay = Relay::start(&["--listen-tcp", "127.0.0.1:0"]);
    let credential = relay.credential();
    let mut alice = Client::new(&relay, &credential);
    let mut slow = Client::over(tcp(&relay), &relay, &credential);
    assert_eq!((alice.allocate(), slow.allocate()), (0, 0));
    assert_eq!(slow.bind(0x4000, alice.relayed), 0);
    assert_eq!(alice.bind(0x4000, slow.relayed), 0);
    assert_eq!(alice.bind(0x4001, alice.relayed), 0);
    let before = relay.resident();
    let (mut arrived, rounds) = (0, 200);
    for round in 0..rounds {
        for _ in 0..100 {
            alice.send(0x4000, &[7; 1200]);
        }
        // A word to herself takes the same way, and is not held up.
        alice.send(0x4001, &[round; 9]);
        arrived += usize::from(alice.receive().is_some());
    }
    // 23 MiB were sent; the queue and one read are kept.
    let grown = relay.resident().saturating_sub(before);
    assert!(grown < 3 * 1024, "{grown} KiB");
    assert!(arrived * 100 >= usize::from(rounds) * 99, "{arrived}");
    // What is there yet is whole, and then come answers again.
    let mut whole = 0;
    while slow
        .receive()
        .is_some_and(|message| channel_data(&message).is_some_and(|(_, data)| data == [7; 1200]))
    {
        whole += 1;
    }
    assert!(whole > 100 && whole < 20_000, "{whole}");
    assert_eq!(slow.refresh(600), 0);
}

#[test]
fn what_is_no_turn_is_hung_up_on() {
    let certificate = Certificate::new("127.0.0.1");
    let flags = [&certificate.flags()[..], &["--listen-tcp", "127.0.0.1:0"]];
    let relay = Relay::start(&flags.concat());
    for address in [relay.tcp, relay.tls] {
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n"[..],
            b"\x40\x00\xff\xff",
            b"\x00\x01\x00\x00\x00\x00\x00\x00",
        ] {
            let mut stream = connect(address.expect("it listens"));
            stream.write_all(bytes).expect("sent");
            let patience = Some(Duration::from_secs(8));
            stream.set_read_timeout(patience).expect("a socket option");
            // TLS answers with an alert first.
            let ended = stream.read_to_end(&mut Vec::new());
            let ended = match ended {
                Ok(len) => len < 100,
                Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
            };
            assert!(ended, "{bytes:?}");
        }
    }
    let said = json(&run(&["health", "--json", "--url", &relay.uri()]));
    assert_eq!(said["status"], "ok");
}

#[test]
fn connections_are_counted_by_network_and_altogether() {
    let flags = [
        "--listen-tcp",
        "127.0.0.1:0",
        "--max-connections-per-address",
        "2",
    ];
    let relay = Relay::start(&flags);
    let address = relay.tcp.expect("it listens");
    let open = |stream: &mut TcpStream| {
        stream
            .set_read_timeout(Some(Duration::from_millis(300)))
            .expect("a socket option");
        stream
            .read(&mut [0; 9])
            .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    };
    let mut held: Vec<TcpStream> = (0..3).map(|_| connect(address)).collect();
    let states: Vec<bool> = held.iter_mut().map(open).collect();
    assert_eq!(states, [true, true, false]);
    held.clear();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !open(&mut connect(address)) {
        assert!(Instant::now() < deadline, "still full");
    }
}

/// Thirty seconds are the longest that one is kept who asks for nothing: this waits for it.
/// All of them come from one address, Tor's: they are neither taken for one nor let in without
/// end.
#[test]
fn who_comes_through_tor_has_no_address_and_half_of_the_room() {
    let flags = [
        "--onion",
        "127.0.0.1:0",
        "--listen-tcp",
        "127.0.0.1:0",
        "--max-connections",
        "9",
        "--max-connections-per-address",
        "1",
    ];
    let relay = Relay::start(&flags);
    let credential = relay.credential();
    let door = relay.onion.expect("it listens");
    let through_tor = || Stream(RefCell::new((connect(door), Vec::new())));
    let mut alice = Client::over(through_tor(), &relay, &credential);
    let mut bob = Client::over(through_tor(), &relay, &credential);
    talk(&mut alice, &mut bob);
    let mut by_udp = Client::new(&relay, &credential);
    talk(&mut by_udp, &mut alice);

    let open = |mut stream: &TcpStream| {
        let patience = Some(Duration::from_millis(300));
        stream.set_read_timeout(patience).expect("a socket option");
        let read = stream.read(&mut [0; 9]);
        read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    };
    let more: Vec<TcpStream> = (0..4).map(|_| connect(door)).collect();
    let states: Vec<bool> = more.iter().map(open).collect();
    assert_eq!(states, [true, true, true, false], "five, with two before");
    assert!(open(&connect(relay.tcp.expect("it listens"))));
}

#[test]
fn who_asks_for_nothing_is_sent_away() {
    let certificate = Certificate::new("127.0.0.1");
    let flags = [&certificate.flags()[..], &["--listen-tcp", "127.0.0.1:0"]];
    let relay = Relay::start(&flags.concat());
    let mut stays = Client::over(tcp(&relay), &relay, &relay.credential());
    assert_eq!(stays.allocate(), 0);
    let start = Instant::now();
    let mut silent = [relay.tcp, relay.tls].map(|address| connect(address.expect("it listens")));
    for (stream, at_least, at_most) in
        [(1, 9, 20), (0, 28, 40)].map(|(at, from, to)| (at, from, to))
    {
        let stream = &mut silent[stream];
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("a socket option");
        let _ = stream.read_to_end(&mut Vec::new()).expect("an end");
        let took = start.elapsed().as_secs();
        assert!((at_least..at_most).contains(&took), "{took} s");
    }
    assert_eq!(stays.refresh(600), 0);
}

#[test]
fn an_invite_names_the_transports_and_the_certificate() {
    let certificate = Certificate::new("relay.example");
    let place = tempfile::tempdir().expect("a directory");
    let secret = place.path().join("s");
    let first = [
        "invite",
        "--secret-file",
        secret.to_str().expect("text"),
        "--public",
        "turn:relay.example",
    ];
    let with = |more: &[&str]| run(&[&first, more].concat());
    let tls = ["--public", "turns:relay.example:443"];
    let said = with(
        &[
            &tls[..],
            &["--public", "turn:relay.example:80?transport=tcp"],
            &["--tls-cert", certificate.path("cert.pem"), "--json"],
        ]
        .concat(),
    );
    let url = json(&said)["url"].as_str().expect("text").to_owned();
    let invite: Invite = url.parse().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((invite.udp, invite.tcp), (Some(3478), Some(80)));
    let pin = Some(Pin::of(&certificate.der));
    assert_eq!(invite.tls, Some(Tls { port: 443, pin }));
    for (more, word) in [
        (&["--public", "turns:other.example"][..], "same host"),
        (&["--public", "turn:relay.example:9"], "once"),
        (
            &["--tls-cert", certificate.path("cert.pem")],
            "turns:HOST:PORT",
        ),
        (&[tls[0], tls[1], "--tls-cert", "/nowhere"], "/nowhere"),
    ] {
        let said = with(more);
        assert!(
            !said.status.success() && stderr(&said).contains(word),
            "{}",
            stderr(&said)
        );
    }
}

#[test]
fn tls_that_cannot_be_served_is_refused_with_a_remedy() {
    let certificate = Certificate::new("127.0.0.1");
    let place = tempfile::tempdir().expect("a directory");
    let secret = place.path().join("s");
    let serve = [
        "serve",
        "--secret-file",
        secret.to_str().expect("text"),
        "--listen-udp",
        "127.0.0.1:0",
    ];
    let key = certificate.path("key.pem");
    for (more, word) in [
        (&["--listen-tls", "127.0.0.1:0"][..], "--tls-cert FILE"),
        (&["--tls-cert", key, "--tls-key", key], "--listen-tls ADDR"),
        (
            &[
                "--listen-tls",
                "127.0.0.1:0",
                "--tls-cert",
                key,
                "--tls-key",
                key,
            ],
            "certificate from",
        ),
        (&["--listen-tcp", "192.0.2.1:3478"], "tcp 192.0.2.1:3478"),
    ] {
        let said = run(&[&serve, more].concat());
        assert_eq!(said.status.code(), Some(3), "{}", stderr(&said));
        assert!(stderr(&said).contains(word), "{}", stderr(&said));
    }
}

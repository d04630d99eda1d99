//! C tor at the other end: it finds the service that we keep, we find those that it keeps, and
//! it tells over which circuits we come.
#![allow(
    clippy::disallowed_methods,
    reason = "a test opens the sockets that a C tor's owner would"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;

use data_encoding::BASE32_NOPAD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

fn private(dir: &Path) -> &Path {
    let mut make = fs::DirBuilder::new();
    make.recursive(true).mode(0o700);
    make.create(dir).expect("a directory");
    dir
}

/// What a C tor needs to keep the service behind a door (tor(1), "HiddenServiceDir"), and the
/// port that its callers come out at.
fn keep(door: &Door, dir: &Path, port: u16) -> String {
    let pair = door.keypair();
    let secret =
        ed25519::ExpandedKeypair::from(&ed25519::Keypair::from_bytes(door.service.expose()));
    let file = |name: &str, what: &str, key: &[u8]| {
        let mut bytes = format!("== ed25519v1-{what}: type0 ==").into_bytes();
        bytes.resize(32, 0);
        bytes.extend_from_slice(key);
        fs::write(private(dir).join(name), bytes).expect("a key");
    };
    file(
        "hs_ed25519_secret_key",
        "secret",
        &secret.to_secret_key_bytes(),
    );
    let public: [u8; 32] = HsIdKey::from(&pair).id().into();
    file("hs_ed25519_public_key", "public", &public);
    let clients = dir.join("authorized_clients");
    let reader = HsClientDescEncKey::from(&door.reader());
    fs::write(private(&clients).join("peer.auth"), format!("{reader}\n")).expect("a client");
    format!(
        "HiddenServiceDir {}\nHiddenServicePort {PORT} 127.0.0.1:{port}\n",
        dir.display()
    )
}

fn over(side: yamux::Mode, stream: TcpStream) -> Connection {
    let (keep, path) = watch::channel(PathState::NONE);
    Connection::shared(side, stream, (Carrier::Onion, [0; 32]), path, keep)
}

/// Asks a SOCKS port for an onion service (RFC 1928), until it is found.
async fn through(socks: u16, host: &str) -> TcpStream {
    let found = async {
        loop {
            let mut stream = TcpStream::connect(("127.0.0.1", socks))
                .await
                .expect("a SOCKS port");
            let mut request = vec![5, 1, 0, 5, 1, 0, 3, host.len() as u8];
            request.extend_from_slice(host.as_bytes());
            request.extend_from_slice(&PORT.to_be_bytes());
            stream.write_all(&request).await.expect("writes");
            let mut answer = [0; 2 + 10];
            let answered = stream.read_exact(&mut answer).await;
            if answered.is_ok() && answer[3] == 0 {
                return stream;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    timeout(Duration::from_secs(300), found)
        .await
        .expect("the service is reached")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_c_tor_that_has_the_derived_key_reaches_our_service() {
    let dir = TempDir::new().expect("a directory");
    let Some(bob) = tor(&dir, "b") else { return };
    let (network, _) = network().expect("it stands");
    let door = Door::new(&Secret::new(&[8; 32]), b"bob");
    let mut service = bob.open(&door).await.expect("a service");

    let name = door.id().display_unredacted().to_string();
    let address = name.strip_suffix(".onion").expect("an onion address");
    let key = BASE32_NOPAD.encode(door.discovery.expose());
    let keys = dir.path().join("keys");
    fs::write(
        private(&keys).join("bob.auth_private"),
        format!("{address}:descriptor:x25519:{key}\n"),
    )
    .expect("a key");
    let socks = tornet::free_port();
    let torrc = format!(
        "SocksPort 127.0.0.1:{socks}\nClientOnionAuthDir {}\n",
        keys.display()
    );
    let _c = network.join(&dir.path().join("c"), &torrc);
    let calls = over(yamux::Mode::Client, through(socks, &name).await);
    greet(&calls, async || service.next().await.expect("a caller")).await;
}

/// The rendezvous circuits of a C tor's services on which their callers have arrived, by the
/// service (control-spec, `GETINFO circuit-status`).
fn rendezvous(control: u16) -> BTreeMap<String, BTreeSet<String>> {
    let mut port = std::net::TcpStream::connect(("127.0.0.1", control)).expect("a control port");
    port.write_all(b"AUTHENTICATE\r\nGETINFO circuit-status\r\nQUIT\r\n")
        .expect("writes");
    let mut said = String::new();
    port.read_to_string(&mut said).expect("an answer");
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in said
        .lines()
        .filter(|line| line.contains("HS_STATE=HSSR_JOINED"))
    {
        let mut words = line.split(' ');
        let circuit = words.next().expect("an id");
        let service = words.find_map(|word| word.strip_prefix("REND_QUERY="));
        let circuits = found.entry(service.expect("a service").to_owned());
        circuits.or_default().insert(circuit.to_owned());
    }
    found
}

/// Both services are a C tor's, so that somebody else than arti says which circuits there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn we_reach_services_of_a_c_tor_over_a_circuit_for_each_call() {
    let dir = TempDir::new().expect("a directory");
    let Some(alice) = tor(&dir, "a") else { return };
    let (network, _) = network().expect("it stands");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("a port").port();
    let doors = [&b"bob"[..], b"carol"].map(|owner| Door::new(&Secret::new(&[6; 32]), owner));
    let control = tornet::free_port();
    let mut torrc = format!("SocksPort 0\nControlPort 127.0.0.1:{control}\n");
    for (number, door) in doors.iter().enumerate() {
        torrc += &keep(door, &dir.path().join(format!("service{number}")), port);
    }
    let _c = network.join(&dir.path().join("c"), &torrc);

    let mut open = Vec::new();
    for door in [&doors[0], &doors[1], &doors[0], &doors[1]] {
        let calls = reach(&alice, door).await;
        let answers = greet(&calls, async || {
            let (stream, _) = listener.accept().await.expect("a caller");
            over(yamux::Mode::Server, stream)
        })
        .await;
        // Circuits that nobody uses are closed.
        open.push((calls, answers));
    }
    let circuits = rendezvous(control);
    let [bob, carol] = [&doors[0], &doors[1]].map(|door| {
        let name = door.id().display_unredacted().to_string();
        let name = name.strip_suffix(".onion").expect("an onion address");
        circuits[name].clone()
    });
    assert_eq!((bob.len(), carol.len()), (2, 2), "one for each call");
    assert!(bob.is_disjoint(&carol));
    let [bobs, carols] = [&doors[0], &doors[1]].map(|door| alice.isolation(door.address()));
    assert!(bobs != carols);
}

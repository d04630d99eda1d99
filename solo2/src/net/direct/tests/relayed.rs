//! Links through a real relay, in a thread of its own.

use std::net::IpAddr;

use std::sync::atomic::AtomicUsize;

use rand::RngExt as _;
use solo2_relay::credential::{InviteId, RelaySecret, Username};
use solo2_relay::invite::{Host, Invite, Pin};
use solo2_relay::server::Server;
use solo2_relay::server::config::{Options, Settings};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::*;
use crate::net::ice::offer::CandidateKind;
use crate::net::turn::stream::{Over, Stream};
use crate::net::turn::{self, Credential};

/// The service that the relay has in Tor.
const ONION: ([u8; 32], u16) = ([7; 32], 9);
const SECRET: &[u8] = b"a secret of the relay, for the test";

/// A relay that serves until it is dropped.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    /// Where it takes connections: in the clear, and under TLS.
    tcp: u16,
    tls: u16,
    pin: Pin,
    /// Allocations at present.
    live: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Relay {
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"))
    }

    fn start_at(address: SocketAddr) -> Self {
        let (ready_tx, ready) = std::sync::mpsc::channel();
        let (stop, mut stopped) = oneshot::channel();
        let live = Arc::new(AtomicUsize::new(0));
        let counted = live.clone();
        let place = tempfile::tempdir().expect("a directory");
        let certified = rcgen::generate_simple_self_signed(vec!["any.example".to_owned()]);
        let certified = certified.expect("a certificate");
        let pin = Pin::of(certified.cert.der());
        let files = [place.path().join("cert.pem"), place.path().join("key.pem")];
        let pems = [certified.cert.pem(), certified.signing_key.serialize_pem()];
        for (file, pem) in files.iter().zip(pems) {
            std::fs::write(file, pem).expect("a file");
        }
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, async move {
                let [cert, key] = files;
                let any = SocketAddr::new(address.ip(), 0);
                let options = Options {
                    listen_udp: vec![address],
                    listen_tcp: vec![any],
                    listen_tls: vec![any],
                    tls_cert: Some(cert),
                    tls_key: Some(key),
                    secret_file: Some("unused".into()),
                    ..Options::default()
                };
                let settings = Settings::try_from(options).expect("settings");
                let secret = RelaySecret::new(Zeroizing::new(SECRET.to_vec())).expect("long");
                let server = Server::start(&settings, Some(secret)).expect("a relay");
                let streams = [false, true].map(|tls| server.listen_streams(tls)[0].port());
                let ready = (server.listen()[0], streams);
                ready_tx.send(ready).expect("it is awaited");
                drop(place);
                let tick = Duration::from_millis(20);
                while timeout(tick, &mut stopped).await.is_err() {
                    counted.store(server.sums().live, Ordering::Relaxed);
                }
            });
        });
        let (address, [tcp, tls]) = ready.recv().expect("it starts");
        Self {
            address,
            tcp,
            tls,
            pin,
            live,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn access(&self) -> RelayAccess {
        access(self.address, SECRET)
    }

    /// User name and password for any client of TURN.
    pub(crate) fn login(&self) -> (String, String) {
        let secret = RelaySecret::new(Zeroizing::new(SECRET.to_vec())).expect("long enough");
        let invite = InviteId::new(None, rand::rng().random());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let username = Username {
            expires: now.expect("after 1970").as_secs() + 600,
            invite,
        };
        let password = secret.invite_key(invite).password(&username);
        (username.to_string(), password.expose().to_owned())
    }

    /// The same where UDP finds nobody: `silent` is a socket that says nothing.
    fn access_over(&self, silent: &UdpSocket, streams: Vec<Over>) -> RelayAccess {
        let server = silent.local_addr().expect("bound");
        RelayAccess {
            streams,
            ..access(server, SECRET)
        }
    }

    /// The same behind Tor.
    fn access_by_onion(&self) -> RelayAccess {
        let (service, port) = ONION;
        RelayAccess {
            server: turn::Server::Onion(service, port),
            streams: vec![Over::Onion { service, port }],
            ..self.access()
        }
    }

    /// A way through Tor that leads to the relay's door for connections.
    fn through_tor(&self) -> ThroughTor {
        let door = self.tcp;
        Arc::new(move |service, port| {
            assert_eq!((service, port), ONION);
            Box::pin(async move {
                let stream = socket::connect_tcp(RoutePolicy::Any, "127.0.0.1", door).await;
                Ok(Box::new(stream.map_err(std::io::Error::other)?) as Box<dyn Stream>)
            })
        })
    }

    fn tls(&self, pin: Pin) -> Over {
        Over::Tls {
            port: self.tls,
            pin: Some(pin),
            host: "127.0.0.1".to_owned(),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn access(server: SocketAddr, secret: &[u8]) -> RelayAccess {
    let secret = RelaySecret::new(Zeroizing::new(secret.to_vec())).expect("long enough");
    let id = InviteId::new(None, rand::rng().random());
    let IpAddr::V4(host) = server.ip() else {
        panic!("the tests use IPv4");
    };
    RelayAccess {
        server: turn::Server::At(server),
        streams: Vec::new(),
        credential: Credential::Invite(Arc::new(Invite {
            id,
            key: secret.invite_key(id),
            host: Host::V4(host),
            udp: Some(server.port()),
            tcp: None,
            tls: None,
        })),
    }
}

fn hides(relay: &RelayAccess) -> impl Fn(&mut DirectConfig) {
    move |config| {
        config.policy = RoutePolicy::Relay;
        config.relays = vec![relay.clone()];
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_hide_meet_at_their_relay_and_show_no_address() {
    let relay = Relay::start();
    let port = relay.address.port();
    let kinds = Arc::new(Mutex::new(Vec::new()));
    let seen = kinds.clone();
    let ends = ends_with(hides(&relay.access()), move |_, candidates| {
        let mut kinds = seen.lock().expect("no panic");
        kinds.extend(candidates.iter().map(|candidate| candidate.kind));
    })
    .await
    .expect("they meet");
    both_ways(&ends, MIB).await;
    for end in [&ends.controlling, &ends.controlled] {
        let path = *end.path().borrow();
        assert!(path.via == Via::Relay && path.connected);
        assert_ne!(path.remote.port(), port);
    }
    let kinds = std::mem::take(&mut *kinds.lock().expect("no panic"));
    assert!(!kinds.is_empty());
    assert!(kinds.iter().all(|kind| *kind == CandidateKind::Relayed));

    let live = || relay.live.load(Ordering::Relaxed);
    assert_eq!(live(), 2);
    drop(ends);
    for _ in 0..50 {
        if live() == 0 {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("what the relay lent was not given back: {}", live());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_relay_is_lent_the_other_sides() {
    let relay = Relay::start();
    let silent = bind_v4("127.0.0.1").await;
    let over_tcp = relay.access_over(&silent, vec![Over::Tcp { port: relay.tcp }]);
    let over_tls = relay.access_over(&silent, vec![relay.tls(relay.pin)]);
    for own in [relay.access(), over_tcp, over_tls] {
        let ends = ends_with(
            |config| {
                // The one that answers knows no relay and may be seen.
                if config.role == Role::Controlling {
                    config.policy = RoutePolicy::Relay;
                    config.relays = vec![own.clone()];
                }
            },
            |_, _| {},
        )
        .await
        .expect("they meet");
        both_ways(&ends, MIB / 4).await;
        assert_eq!(ends.controlling.path().borrow().via, Via::Relay);
        assert_eq!(ends.controlled.path().borrow().via, Via::Relay);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_usable_relay_nothing_is_said() {
    let none = ends_with(|config| config.policy = RoutePolicy::Relay, |_, _| {}).await;
    assert!(matches!(none.err(), Some(ConnectError::Relayless)));

    let relay = Relay::start();
    let wrong = access(relay.address, b"a secret of some other relay");
    let refused = ends_with(hides(&wrong), |_, _| panic!("a signal left")).await;
    assert!(matches!(
        refused.err(),
        Some(ConnectError::NoRelay(at, RelayTrouble::Credential)) if at == turn::Server::At(relay.address)
    ));

    let address = relay.address;
    drop(relay);
    let silent = ends_with(hides(&access(address, SECRET)), |_, _| {
        panic!("a signal left")
    })
    .await;
    assert!(matches!(
        silent.err(),
        Some(ConnectError::NoRelay(_, RelayTrouble::Silent))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_the_last_choice_and_given_up_for_a_direct_path() {
    let relay = Relay::start();
    let own = relay.access();
    // Only relayed candidates pass, until the network opens.
    let open = Arc::new(AtomicBool::new(false));
    let gate = open.clone();
    let ends = ends_with(
        |config| config.relays = vec![own.clone()],
        move |_, candidates| {
            let open = gate.load(Ordering::Relaxed);
            candidates.retain(|candidate| open || candidate.kind == CandidateKind::Relayed);
        },
    )
    .await
    .expect("they meet");
    assert_eq!(ends.controlling.path().borrow().via, Via::Relay);
    both_ways(&ends, MIB / 4).await;

    let direct = ends_with(|config| config.relays = vec![own.clone()], |_, _| {})
        .await
        .expect("they meet");
    let mut path = direct.controlling.path();
    let settled = path.wait_for(|path| path.connected && path.via == Via::Direct);
    timeout(Duration::from_secs(10), settled)
        .await
        .expect("in time")
        .expect("the link lives");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_policy_asks_no_relay_and_takes_none() {
    let relay = Relay::start();
    let own = relay.access();
    let ends = ends_with(
        |config| {
            config.relays = vec![own.clone()];
            if config.role == Role::Controlled {
                config.policy = RoutePolicy::Direct;
            }
        },
        |from, candidates| {
            let relayed = candidates
                .iter()
                .any(|candidate| candidate.kind == CandidateKind::Relayed);
            assert!(from == Role::Controlling || !relayed);
        },
    )
    .await
    .expect("they meet");
    assert_eq!(ends.controlled.path().borrow().via, Via::Direct);

    // Where nothing but a relay passes, there is no link under it, and one without it.
    for policy in [RoutePolicy::Direct, RoutePolicy::Any] {
        let met = ends_with(
            |config| {
                config.relays = vec![own.clone()];
                if config.role == Role::Controlled {
                    config.policy = policy;
                }
            },
            |_, candidates| {
                candidates.retain(|candidate| candidate.kind == CandidateKind::Relayed);
            },
        );
        let met = timeout(Duration::from_secs(6), met).await;
        assert_eq!(met.is_ok(), policy == RoutePolicy::Any, "{policy:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_forgot_everything_is_asked_again() {
    let relay = Relay::start();
    let address = relay.address;
    let ends = ends_with(hides(&relay.access()), |_, _| {})
        .await
        .expect("they meet");
    both_ways(&ends, 1_000).await;
    drop(relay);
    let mut path = ends.controlling.path();
    let lost = path.wait_for(|path| !path.connected);
    timeout(Duration::from_secs(15), lost)
        .await
        .expect("the loss is noticed")
        .expect("the link lives");
    let _relay = Relay::start_at(address);
    timeout(Duration::from_secs(25), both_ways(&ends, 100_000))
        .await
        .expect("the link goes on through new addresses");
    assert_eq!(ends.controlled.path().borrow().via, Via::Relay);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_behind_tor_serves_those_who_use_tor_and_lends_to_them() {
    let relay = Relay::start();
    let (onion, tor) = (relay.access_by_onion(), relay.through_tor());
    let tally = Arc::new(Tally::default());
    let meet = |answerer_hides: bool, answerer_tor: Option<ThroughTor>| {
        let (onion, tor, tally) = (onion.clone(), tor.clone(), tally.clone());
        ends_with(
            move |config| {
                let calls = config.role == Role::Controlling;
                if calls || answerer_hides {
                    config.policy = RoutePolicy::Relay;
                    config.relays = vec![onion.clone()];
                }
                config.tally = tally.clone();
                config.tor = match calls {
                    true => Some(tor.clone()),
                    false => answerer_tor.clone(),
                };
            },
            |_, _| {},
        )
    };
    for answerer_hides in [true, false] {
        let ends = meet(answerer_hides, Some(tor.clone()))
            .await
            .expect("they meet");
        both_ways(&ends, MIB).await;
        for end in [&ends.controlling, &ends.controlled] {
            assert_eq!(end.path().borrow().via, Via::Relay);
        }
        // Between two that hide nothing leaves any other way.
        assert_eq!(tally.counts().is_empty(), answerer_hides);
    }
    let tested = turn::probe::probe(onion.clone(), Some(tor.clone())).await;
    assert!(matches!(tested, Ok(Ok(_))));

    // Who does not use Tor is not made to.
    let apart = tokio::time::timeout(Duration::from_secs(3), meet(false, None)).await;
    assert!(apart.is_err(), "there is no other way");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_udp_is_blocked_the_relay_is_reached_over_tls_or_tcp() {
    let relay = Relay::start();
    let silent = bind_v4("127.0.0.1").await;
    let over_tls = relay.access_over(&silent, vec![relay.tls(relay.pin)]);
    let over_tcp = relay.access_over(&silent, vec![Over::Tcp { port: relay.tcp }]);
    let over_udp = relay.access();
    for (one, other) in [(&over_tls, &over_tcp), (&over_tcp, &over_udp)] {
        let ends = ends_with(
            |config| {
                config.policy = RoutePolicy::Relay;
                config.relays = vec![match config.role {
                    Role::Controlling => one.clone(),
                    Role::Controlled => other.clone(),
                }];
            },
            |_, _| {},
        )
        .await
        .expect("they meet");
        both_ways(&ends, 3 * MIB).await;
        assert_eq!(ends.controlling.path().borrow().via, Via::Relay);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_with_another_certificate_is_not_talked_to() {
    let relay = Relay::start();
    let silent = bind_v4("127.0.0.1").await;
    let other = Pin::of(b"some other certificate");
    let wrong = relay.access_over(&silent, vec![relay.tls(other)]);
    let refused = ends_with(hides(&wrong), |_, _| panic!("a signal left")).await;
    assert!(matches!(
        refused.err(),
        Some(ConnectError::NoRelay(_, RelayTrouble::Silent))
    ));
    let right = relay.access_over(&silent, vec![relay.tls(relay.pin)]);
    let tested = turn::probe::probe(right, None).await;
    assert!(matches!(tested, Ok(Ok(_))), "the control");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hiding_links_sockets_reach_nobody_but_the_relay() {
    let doors = socket::bind_udp(RoutePolicy::Relay, &Arc::default()).expect("sockets");
    let (relay, other) = (bind_v4("127.0.0.1").await, bind_v4("127.0.0.1").await);
    let at = |socket: &UdpSocket| socket.local_addr().expect("bound");
    doors.let_in(&[at(&relay)]);
    let door = doors.for_address(Ipv4Addr::LOCALHOST.into()).expect("IPv4");
    for destination in [at(&other), at(&relay)] {
        let sent = quinn::udp::Transmit {
            destination,
            ecn: None,
            contents: b"hello",
            segment_size: None,
            src_ip: None,
        };
        door.writable().await.expect("a socket");
        door.send(&sent).expect("sent or dropped");
        door.try_path(&sent);
    }
    let mut buffer = [0; 16];
    for _ in 0..2 {
        let (len, _) = relay.recv_from(&mut buffer).await.expect("arrives");
        assert_eq!(&buffer[..len], b"hello");
    }
    let none = timeout(Duration::from_millis(200), other.recv_from(&mut buffer)).await;
    assert!(none.is_err(), "a datagram went elsewhere");
    assert!(doors.admit(at(&relay)) && !doors.admit(at(&other)));
}

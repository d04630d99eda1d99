//! Two ends in one process, over real sockets and channels for the signals.

mod namespaces;
pub(crate) mod relayed;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use quinn::{RecvStream, SendStream};
use solo2_crypto::secret::Secret;
use tokio::net::UdpSocket;

use super::*;
use crate::net::ice::Ports;
use crate::net::ice::offer::CandidateInfo;
use crate::net::mask::{DATAGRAM_LEN, LOCAL_DATAGRAM_LEN};

const MIB: usize = 1024 * 1024;

pub(crate) fn config(role: Role, first_remote: Option<LinkSignal>) -> DirectConfig {
    DirectConfig {
        role,
        link: [3; 16],
        mask: MaskKeys::new(20_000, |day| {
            Secret::fill(|place| place[..8].copy_from_slice(&day.to_be_bytes()))
        }),
        stun: Vec::new(),
        relays: Vec::new(),
        tor: None,
        policy: RoutePolicy::Any,
        first_remote,
        tally: Arc::default(),
    }
}

/// Both ends of a link; `rewrite(from, candidates)` stands for the network in between.
pub(crate) struct Ends {
    pub(crate) controlling: DirectLink,
    pub(crate) controlled: DirectLink,
}

async fn ends(
    rewrite: impl FnMut(Role, &mut Vec<CandidateInfo>) + Send + 'static,
) -> Result<Ends, ConnectError> {
    ends_with(|_| {}, rewrite).await
}

/// The same, where each end is set up by `adjust`.
async fn ends_with(
    adjust: impl Fn(&mut DirectConfig),
    mut rewrite: impl FnMut(Role, &mut Vec<CandidateInfo>) + Send + 'static,
) -> Result<Ends, ConnectError> {
    let rewrite = move |from, signal: &mut LinkSignal| match signal {
        LinkSignal::Offer { candidates, .. }
        | LinkSignal::Answer { candidates, .. }
        | LinkSignal::Candidates { candidates, .. } => rewrite(from, candidates),
    };
    let [controlling, controlled] = introduce(connect, adjust, rewrite).await;
    Ok(Ends {
        controlling: controlling?,
        controlled: controlled?,
    })
}

/// What `connect` comes to on both ends, each set up by `adjust`, when `rewrite` sees every
/// signal on its way.
pub(crate) async fn introduce<L: Send + 'static, F>(
    connect: impl Fn(DirectConfig, mpsc::Sender<LinkSignal>, mpsc::Receiver<LinkSignal>) -> F,
    adjust: impl Fn(&mut DirectConfig),
    rewrite: impl FnMut(Role, &mut LinkSignal) + Send + 'static,
) -> [Result<L, ConnectError>; 2]
where
    F: Future<Output = Result<L, ConnectError>> + Send + 'static,
{
    let config = |role, offer| {
        let mut config = config(role, offer);
        adjust(&mut config);
        config
    };
    let rewrite = Arc::new(Mutex::new(rewrite));
    let deliver = move |from: Role, signal: LinkSignal| {
        let mut signal = LinkSignal::from_bytes(&signal.to_bytes()).expect("our own signal reads");
        rewrite.lock().expect("no panic yet")(from, &mut signal);
        signal
    };
    let (a_out, mut from_a) = mpsc::channel(4);
    let (to_a, a_in) = mpsc::channel(4);
    let (b_out, mut from_b) = mpsc::channel(4);
    let (to_b, b_in) = mpsc::channel(4);
    let a = tokio::spawn(connect(config(Role::Controlling, None), a_out, a_in));
    let Some(offer) = from_a.recv().await else {
        // It gave up before it had anything to say, and nobody heard of it.
        return [a.await.expect("no panic"), Err(ConnectError::NoAnswer)];
    };
    assert!(matches!(offer, LinkSignal::Offer { .. }));
    let offer = deliver(Role::Controlling, offer);
    let b = tokio::spawn(connect(config(Role::Controlled, Some(offer)), b_out, b_in));
    let forward = deliver.clone();
    tokio::spawn(async move {
        while let Some(signal) = from_a.recv().await {
            let _ = to_b.send(forward(Role::Controlling, signal)).await;
        }
    });
    tokio::spawn(async move {
        while let Some(signal) = from_b.recv().await {
            let _ = to_a.send(deliver(Role::Controlled, signal)).await;
        }
    });
    let (controlling, controlled) = tokio::join!(a, b);
    [controlling, controlled].map(|end| end.expect("no panic"))
}

/// The plain network: every candidate arrives as it was sent.
pub(crate) async fn plain_ends() -> Ends {
    ends(|_, _| {}).await.expect("two ends on one machine meet")
}

fn pattern(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8 ^ seed).collect()
}

async fn exchange(mut send: SendStream, mut recv: RecvStream, len: usize, seed: u8, theirs: u8) {
    let write = async {
        send.write_all(&pattern(len, seed)).await.expect("writes");
        send.finish().expect("finishes");
    };
    let read = async {
        let read = recv.read_to_end(len).await.expect("reads");
        assert!(read == pattern(len, theirs), "the stream arrives whole");
    };
    tokio::join!(write, read);
}

/// `len` bytes in both directions at once over one stream.
async fn both_ways(ends: &Ends, len: usize) {
    let one = async {
        let (send, recv) = ends.controlling.connection.open_bi().await.expect("opens");
        exchange(send, recv, len, 1, 2).await;
    };
    let two = async {
        let (send, recv) = ends
            .controlled
            .connection
            .accept_bi()
            .await
            .expect("accepts");
        exchange(send, recv, len, 2, 1).await;
    };
    tokio::join!(one, two);
}

/// A network element between the ends: sees every datagram, can fall silent.
struct Proxy {
    faces_controlling: SocketAddr,
    faces_controlled: SocketAddr,
    /// The real ends, learnt from their candidates.
    real: Mutex<[Option<SocketAddr>; 2]>,
    silent: AtomicBool,
    seen: Mutex<Vec<Vec<u8>>>,
}

impl Proxy {
    /// One whose address is no interface's: paths through it lead off the machine.
    async fn start() -> Arc<Self> {
        Self::start_at("127.0.0.2").await
    }

    async fn start_at(address: &str) -> Arc<Self> {
        let (a, b) = (bind_v4(address).await, bind_v4(address).await);
        let proxy = Arc::new(Self {
            faces_controlling: a.local_addr().expect("bound"),
            faces_controlled: b.local_addr().expect("bound"),
            real: Mutex::new([None; 2]),
            silent: AtomicBool::new(false),
            seen: Mutex::new(Vec::new()),
        });
        let (a, b) = (Arc::new(a), Arc::new(b));
        tokio::spawn(Arc::clone(&proxy).carry(a.clone(), b.clone(), 1));
        tokio::spawn(Arc::clone(&proxy).carry(b, a, 0));
        proxy
    }

    async fn carry(self: Arc<Self>, from: Arc<UdpSocket>, to: Arc<UdpSocket>, end: usize) {
        let mut buffer = vec![0; 65_536];
        while let Ok((len, _)) = from.recv_from(&mut buffer).await {
            let real = self.real.lock().expect("no panic")[end];
            if self.silent.load(Ordering::Relaxed) {
                continue;
            }
            self.seen
                .lock()
                .expect("no panic")
                .push(buffer[..len].to_vec());
            if let Some(real) = real {
                let _ = to.send_to(&buffer[..len], real).await;
            }
        }
    }

    /// The sizes of the datagrams that it saw and that are not STUN.
    fn sizes(&self) -> BTreeSet<usize> {
        let seen = self.seen.lock().expect("no panic");
        let quic = seen.iter().filter(|datagram| !is_stun(datagram));
        quic.map(Vec::len).collect()
    }

    /// Replaces an end's candidate by this proxy, with `priority`.
    fn stand_in(&self, from: Role, real: SocketAddr, priority: u32) -> CandidateInfo {
        let (end, address) = match from {
            Role::Controlling => (0, self.faces_controlled),
            Role::Controlled => (1, self.faces_controlling),
        };
        self.real.lock().expect("no panic")[end] = Some(real);
        CandidateInfo {
            address,
            kind: crate::net::ice::offer::CandidateKind::Host,
            priority,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the other side of the test")]
async fn bind_v4(address: &str) -> UdpSocket {
    UdpSocket::bind((address, 0)).await.expect("loopback binds")
}

fn loopback_v4(candidates: &[CandidateInfo]) -> SocketAddr {
    candidates
        .iter()
        .map(|candidate| candidate.address)
        .find(|address| address.ip() == Ipv4Addr::LOCALHOST)
        .expect("loopback is a candidate")
}

fn is_stun(datagram: &[u8]) -> bool {
    datagram.len() < DATAGRAM_LEN && datagram[0] < 4 && datagram[4..8] == [0x21, 0x12, 0xa4, 0x42]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_ends_on_one_machine_meet_and_exchange_8_mib_both_ways() {
    let started = Instant::now();
    let ends = plain_ends().await;
    let connected = started.elapsed();
    assert_eq!(ends.controlling.binding, ends.controlled.binding);
    assert_ne!(ends.controlling.binding, [0; 32]);
    let path = *ends.controlling.path().borrow();
    assert!(path.connected && path.rtt.is_some());
    let started = Instant::now();
    both_ways(&ends, 8 * MIB).await;
    let elapsed = started.elapsed();
    println!(
        "connected in {connected:?}; 2 x 8 MiB in {elapsed:?} = {:.0} MiB/s each way",
        8.0 / elapsed.as_secs_f64()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_connections_have_two_bindings() {
    let (one, two) = (plain_ends().await, plain_ends().await);
    assert_ne!(one.controlling.binding, two.controlling.binding);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_stun_and_1228_random_looking_bytes_cross() {
    let proxy = Proxy::start().await;
    let between = Arc::clone(&proxy);
    let ends = ends(move |from, candidates| {
        *candidates = vec![between.stand_in(from, loopback_v4(candidates), 1_000_000)];
    })
    .await
    .expect("the proxy forwards");
    both_ways(&ends, MIB).await;
    ends.controlling.connection.close(CLOSED, b"done");
    sleep(Duration::from_millis(200)).await;

    let seen = proxy.seen.lock().expect("no panic");
    let (stun, quic): (Vec<_>, Vec<_>) = seen.iter().partition(|datagram| is_stun(datagram));
    assert!(stun.len() > 2 && quic.len() > 1_000);
    assert!(quic.iter().all(|datagram| datagram.len() == DATAGRAM_LEN));
    // No byte position tells QUIC from noise: each is close to uniform over all datagrams.
    for at in [0, 1, 2, 3, 7, 20, 65, 66, 300, DATAGRAM_LEN - 1] {
        let ones: u32 = quic.iter().map(|datagram| datagram[at].count_ones()).sum();
        let share = f64::from(ones) / (quic.len() as f64 * 8.0);
        assert!((0.45..0.55).contains(&share), "byte {at}: {share}");
    }
    let sni = b"link.invalid";
    assert!(
        !seen
            .iter()
            .any(|datagram| datagram.windows(sni.len()).any(|part| part == sni))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_garbage_changes_nothing() {
    let ends = plain_ends().await;
    let path = *ends.controlling.path().borrow();
    let attacker = bind_v4("127.0.0.1").await;
    // The port is the same on every address of the family.
    let target = match path.local {
        SocketAddr::V4(local) => SocketAddr::from((Ipv4Addr::LOCALHOST, local.port())),
        v6 => v6,
    };
    let mut stun = vec![0; 100];
    stun[..8].copy_from_slice(&[0, 1, 0, 80, 0x21, 0x12, 0xa4, 0x42]);
    let flood = async {
        for round in 0..4_000_usize {
            let mut noise = pattern(DATAGRAM_LEN, round as u8);
            rand::Rng::fill_bytes(&mut rand::rng(), &mut noise[..1_000]);
            let _ = attacker.send_to(&noise, target).await;
            let _ = attacker
                .send_to(&noise[..round % DATAGRAM_LEN], target)
                .await;
            let _ = attacker.send_to(&stun, target).await;
        }
    };
    tokio::join!(flood, both_ways(&ends, 2 * MIB));
    assert!(ends.controlling.path().borrow().connected);
    let mut answer = [0; 2_048];
    assert!(
        attacker.try_recv_from(&mut answer).is_err(),
        "a stranger gets no answer at all"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_names_many_useless_addresses_is_still_reached() {
    let mut round = 0_u8;
    let ends = ends(move |_, candidates| {
        round = round.wrapping_add(1);
        let real = loopback_v4(candidates);
        candidates.retain(|candidate| candidate.address == real);
        for last in 1..24 {
            candidates.push(CandidateInfo {
                address: SocketAddr::from(([198, 51, round, last], 9)),
                ..candidates[0]
            });
        }
    })
    .await
    .expect("the one real address works");
    both_ways(&ends, 1_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ipv6_loopback_carries_a_link() {
    let lacks_v6 = !own_addresses().iter().any(|a| a.is_ipv6());
    if lacks_v6 {
        println!("skipped: this machine has no IPv6 address");
        return;
    }
    let ends = ends(|_, candidates| {
        candidates.retain(|candidate| candidate.address.is_ipv6());
    })
    .await
    .expect("IPv6 loopback works");
    assert!(ends.controlling.path().borrow().remote.is_ipv6());
    both_ways(&ends, MIB).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_path_falls_silent_the_connection_moves_to_the_other() {
    let (first, second) = (Proxy::start().await, Proxy::start().await);
    let (one, two) = (Arc::clone(&first), Arc::clone(&second));
    let ends = ends(move |from, candidates| {
        let real = loopback_v4(candidates);
        *candidates = vec![
            one.stand_in(from, real, 2_000_000),
            two.stand_in(from, real, 1_000_000),
        ];
    })
    .await
    .expect("either proxy forwards");
    let mut path = ends.controlling.path();
    let on_first = path.wait_for(|path| path.remote == first.faces_controlling);
    timeout(Duration::from_secs(10), on_first)
        .await
        .expect("the better pair wins")
        .expect("the driver lives");
    both_ways(&ends, 1_000).await;

    let started = Instant::now();
    first.silent.store(true, Ordering::Relaxed);
    timeout(Duration::from_secs(60), both_ways(&ends, MIB))
        .await
        .expect("the connection survives");
    println!("moved after {:?}", started.elapsed());
    assert_eq!(path.borrow().remote, second.faces_controlling);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datagrams_are_large_until_the_path_leaves_the_machine() {
    let near = Proxy::start_at("127.0.0.1").await;
    let far = Proxy::start().await;
    let (one, two) = (Arc::clone(&near), Arc::clone(&far));
    let ends = ends(move |from, candidates| {
        let real = loopback_v4(candidates);
        // The far path is named only when the near one is gone.
        let proxy = if one.silent.load(Ordering::Relaxed) {
            &two
        } else {
            &one
        };
        *candidates = vec![proxy.stand_in(from, real, 1_000_000)];
    })
    .await
    .expect("the near proxy forwards");
    both_ways(&ends, MIB).await;
    assert_eq!(near.sizes(), BTreeSet::from([LOCAL_DATAGRAM_LEN]));

    near.silent.store(true, Ordering::Relaxed);
    // QUIC learns of the smaller size from losses, and a slow machine has few of them a minute.
    timeout(Duration::from_secs(180), both_ways(&ends, MIB))
        .await
        .expect("the connection survives");
    assert_eq!(far.sizes(), BTreeSet::from([DATAGRAM_LEN]));
}

#[tokio::test]
async fn offline_opens_nothing() {
    let (out, _signals) = mpsc::channel(1);
    let (_keep, incoming) = mpsc::channel(1);
    let mut config = config(Role::Controlling, None);
    config.policy = RoutePolicy::Offline;
    let refused = connect(config, out, incoming).await;
    assert!(matches!(
        refused,
        Err(ConnectError::Door(DoorError::Offline))
    ));
}

#[tokio::test]
async fn an_offer_that_can_no_longer_be_answered_ends_at_once() {
    let (out, mut signals) = mpsc::channel(1);
    let (sender, incoming) = mpsc::channel(1);
    let attempt = tokio::spawn(connect(config(Role::Controlling, None), out, incoming));
    assert!(signals.recv().await.is_some());
    drop(sender);
    let ended = timeout(Duration::from_secs(5), attempt).await;
    let ended = ended.expect("in time").expect("no panic");
    assert!(matches!(ended, Err(ConnectError::NoAnswer)));
}

#[tokio::test]
async fn a_controlled_end_needs_an_offer_of_this_link() {
    let answer = Ice::new(
        Role::Controlled,
        RoutePolicy::Any,
        [3; 16],
        Ports::default(),
    )
    .introduction(Vec::new(), None);
    let elsewhere = Ice::new(
        Role::Controlling,
        RoutePolicy::Any,
        [4; 16],
        Ports::default(),
    )
    .introduction(Vec::new(), None);
    for first in [None, Some(answer), Some(elsewhere)] {
        let (out, _signals) = mpsc::channel(1);
        let (_keep, incoming) = mpsc::channel(1);
        let refused = connect(config(Role::Controlled, first), out, incoming).await;
        assert!(matches!(refused, Err(ConnectError::Offer)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_a_link_tells_the_peer_and_frees_the_port() {
    let Ends {
        controlling,
        controlled,
    } = plain_ends().await;
    let local = controlling.path().borrow().local;
    drop(controlling);
    let closed = timeout(Duration::from_secs(5), controlled.connection.closed()).await;
    assert!(matches!(
        closed,
        Ok(quinn::ConnectionError::ApplicationClosed(_))
    ));
    let freed = async {
        #[expect(clippy::disallowed_methods, reason = "asks whether the port is free")]
        while std::net::UdpSocket::bind(local).is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(10), freed)
        .await
        .expect("the sockets are closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_without_a_path_is_closed_when_patience_ends() {
    let ends = plain_ends().await;
    let connection = ends.controlling.connection.clone();
    let (state, path) = watch::channel(PathState::NONE);
    let idle = AbortOnDrop(tokio::spawn(std::future::pending()));
    guard(connection.clone(), path, Duration::from_millis(50), idle).await;
    assert!(matches!(
        connection.close_reason(),
        Some(quinn::ConnectionError::LocallyClosed)
    ));
    drop(state);
}

/// A STUN server that has seen everybody at 203.0.113.9.
async fn stun_server(socket: UdpSocket) {
    use stun_types::attribute::XorMappedAddress;
    use stun_types::message::{Message, MessageWrite as _, MessageWriteExt as _, MessageWriteVec};
    let mut buffer = [0; 2_048];
    while let Ok((len, client)) = socket.recv_from(&mut buffer).await {
        let request = Message::from_bytes(&buffer[..len]).expect("a STUN request");
        let seen = SocketAddr::from(([203, 0, 113, 9], client.port()));
        let mut answer = Message::builder_success(&request, MessageWriteVec::new());
        answer
            .add_attribute(&XorMappedAddress::new(seen, request.transaction_id()))
            .expect("one attribute fits");
        let _ = socket.send_to(&answer.finish(), client).await;
    }
}

#[tokio::test]
async fn what_our_stun_server_sees_is_told_to_the_peer() {
    let address = own_addresses()
        .into_iter()
        .find(|address| address.is_ipv4() && !address.is_loopback());
    let Some(address) = address else {
        println!("skipped: this machine has no address but loopback");
        return;
    };
    #[expect(clippy::disallowed_methods, reason = "the server of the test")]
    let server = UdpSocket::bind((address, 0)).await.expect("binds");
    let mut config = config(Role::Controlling, None);
    config.stun = vec![server.local_addr().expect("bound")];
    tokio::spawn(stun_server(server));

    let (out, mut signals) = mpsc::channel(4);
    let (_keep, incoming) = mpsc::channel(4);
    let attempt = tokio::spawn(connect(config, out, incoming));
    let told = async {
        loop {
            if let Some(LinkSignal::Candidates { candidates, .. }) = signals.recv().await
                && let Some(found) = candidates
                    .iter()
                    .find(|candidate| candidate.address.ip() == Ipv4Addr::new(203, 0, 113, 9))
            {
                return *found;
            }
        }
    };
    let told = timeout(Duration::from_secs(10), told)
        .await
        .expect("trickled");
    assert_eq!(
        told.kind,
        crate::net::ice::offer::CandidateKind::ServerReflexive
    );
    attempt.abort();
}

//! A link over datagrams: QUIC over the best path that ICE finds, and keeps finding.
//!
//! One call, [`connect`], makes one link to one contact: its own sockets, its own ICE
//! session, its own addresses at relays, one QUIC connection. While the link lives, a
//! driver task checks the path, watches the machine's interfaces, and tells the peer
//! about new addresses; QUIC does not notice a change of path. Who the peer is, is
//! Noise's question, asked above with [`DirectLink::binding`].
//!
//! ```text
//!   connect ─► sockets ─► relays ─► Offer / Answer ─► checks ─► QUIC handshake ─► DirectLink
//!                 │ refused  │ refused   │ silence     │ no pair      │
//!                 ▼          ▼           ▼             ▼              ▼
//!               Door      NoRelay    NoAnswer        NoPath       Handshake
//! ```
//!
//! A relayed pair is the last choice where a direct one is allowed, and its addresses are
//! given back once a direct path has stood for a while. Under [`RoutePolicy::Relay`] there
//! is no other: no address of this machine is gathered, and its sockets know relays only.
//!
//! Spec: docs/protocol/3-links.md §5-§7.

pub(super) mod mux;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use quinn::{Connection, Endpoint, VarInt};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

pub(crate) use self::mux::CHANNEL_HEADER_LEN;
use self::mux::{Cover, Mux, Stun, Way};
use super::RoutePolicy;
pub(crate) use super::ice::Role;
use super::ice::gather::{Reflexive, own_addresses};
pub(crate) use super::ice::offer::LinkSignal;
use super::ice::offer::{MAX_RELAYS as MAX_SHARED, SharedRelay};
use super::ice::{Check, Ice, Pair, UnexpectedSignal};
use super::mask::{Mask, MaskKeys};
use super::quic::{self, PathMoves};
use super::socket::{self, DoorError, Tally};
use super::turn::stream::{self, ThroughTor};
use super::turn::{
    Channel, FromPeer, MAX_RELAYS, RelayAccess, RelayNews, RelayTrouble, Relays, Server,
};
use super::webrtc::{ChannelError, Fingerprint};

/// How long the peer may take to answer an offer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the checks may take once both sides know each other.
const PATH_TIMEOUT: Duration = Duration::from_secs(30);
/// The same when a relay is behind Tor.
const ONION_PATH_TIMEOUT: Duration = Duration::from_secs(60);
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);
/// A link without a path is closed after this long.
pub(super) const LOST_TIMEOUT: Duration = Duration::from_secs(30);
/// How often the interfaces are compared.
const INTERFACES_EVERY: Duration = Duration::from_secs(3);
/// How long a direct path stands before the relays' addresses are given back.
const RELAYS_KEPT: Duration = Duration::from_secs(30);
/// While a relay carries the link, a way without it is looked for: after this long, after
/// twice as long, and so on, up to the second.
const BETTER_AFTER: [Duration; 2] = [Duration::from_secs(15), Duration::from_secs(240)];
/// How often the peer hears of our addresses while there is no path.
const REPEAT_WHILE_LOST: Duration = Duration::from_secs(10);
/// After an outage QUIC would wait for a probe timer that has grown as long as the
/// outage. It is woken instead; more than once, because the peer may come back later.
const KICKS: [Duration; 3] = [
    Duration::from_secs(3),
    Duration::from_secs(1),
    Duration::ZERO,
];

/// QUIC application error codes of a link.
pub(super) const CLOSED: VarInt = VarInt::from_u32(0);
const PATH_LOST: VarInt = VarInt::from_u32(1);

/// What [`connect`] needs to know.
pub(crate) struct DirectConfig {
    /// Which side we are.
    pub(crate) role: Role,
    /// Names the attempt; chosen at random by the controlling side.
    pub(crate) link: [u8; 16],
    /// The pair's keys of these days.
    pub(crate) mask: MaskKeys,
    /// Our STUN servers; none means no server-reflexive candidates.
    pub(crate) stun: Vec<SocketAddr>,
    /// Our relays; none means no relayed candidates of our own.
    pub(crate) relays: Vec<RelayAccess>,
    /// The way to relays behind Tor, if Tor is used here.
    pub(crate) tor: Option<ThroughTor>,
    /// What the user allows.
    pub(crate) policy: RoutePolicy,
    /// The peer's offer, when we are controlled.
    pub(crate) first_remote: Option<LinkSignal>,
    /// Counts the datagrams.
    pub(crate) tally: Arc<Tally>,
}

impl DirectConfig {
    /// Whether a relay behind Tor is asked, ours or one that the peer's offer lends.
    pub(crate) fn knocks_at_onions(&self) -> bool {
        let lent = match &self.first_remote {
            Some(LinkSignal::Offer { relays, .. }) => relays.as_slice(),
            _ => &[],
        };
        let lends = |relay: &SharedRelay| matches!(relay.server, Server::Onion(..));
        let own = self.relays.iter().any(RelayAccess::is_onion);
        self.tor.is_some() && (own || lent.iter().any(lends))
    }
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// No socket.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// QUIC could not be set up.
    #[error(transparent)]
    Setup(#[from] quic::SetupError),
    /// The policy asks for a relay, and there is none to ask.
    #[error("no relay is configured, or none can be found")]
    Relayless,
    /// The policy asks for a relay, and none of ours lends us an address.
    #[error("the relay {0} lends no address: {1}")]
    NoRelay(Server, #[source] RelayTrouble),
    /// The first signal was not an offer for this link.
    #[error("the peer's signal does not begin this link")]
    Offer,
    /// The peer did not answer the offer in time.
    #[error("the peer did not answer")]
    NoAnswer,
    /// The peer answered, but no pair of addresses works.
    #[error("no path to the peer was found")]
    NoPath,
    /// The path works, but QUIC did not come up.
    #[error("the connection could not be set up")]
    Handshake(#[source] quinn::ConnectionError),
    /// The path works, but there is no WebRTC channel over it.
    #[error("the data channel could not be opened")]
    Channel(#[source] ChannelError),
    /// The path works, but the handshake over it took too long.
    #[error("the peer did not complete the handshake")]
    HandshakeTimeout,
}

/// Which way a path goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// Straight to the peer.
    Direct,
    /// A relay of either side's.
    Relay,
    /// Tor.
    Onion,
}

/// The path a link takes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PathState {
    /// Our address, as the last path had it.
    pub(crate) local: SocketAddr,
    /// The peer's address, as the last path had it.
    pub(crate) remote: SocketAddr,
    /// Whether the path works at present.
    pub(crate) connected: bool,
    /// What carries it.
    pub(crate) via: Via,
    /// The round trip of the last connectivity check.
    pub(crate) rtt: Option<Duration>,
}

impl PathState {
    pub(super) const NONE: Self = Self {
        local: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        remote: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        connected: false,
        via: Via::Direct,
        rtt: None,
    };
}

/// A connection to the peer. Dropping it closes the connection and its sockets.
pub(crate) struct DirectLink {
    /// The connection; it survives changes of path.
    pub(crate) connection: Connection,
    /// What the session above is bound to: equal on both ends, on no other connection.
    pub(crate) binding: [u8; 32],
    path: watch::Receiver<PathState>,
    /// Kept for their drops: the tasks end, the endpoint lets go of the sockets.
    _guardian: AbortOnDrop,
    _endpoint: Endpoint,
}

impl DirectLink {
    /// The path, and word of its changes.
    pub(crate) fn path(&self) -> watch::Receiver<PathState> {
        self.path.clone()
    }
}

impl Drop for DirectLink {
    fn drop(&mut self) {
        self.connection.close(CLOSED, b"");
    }
}

pub(super) struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Connects to a contact. Signals for the peer go to `out`, the peer's come from
/// `incoming`, before and after this returns. Dropping the future gives up.
///
/// # Errors
///
/// [`ConnectError`] tells which step failed.
pub(crate) async fn connect(
    config: DirectConfig,
    out: mpsc::Sender<LinkSignal>,
    incoming: mpsc::Receiver<LinkSignal>,
) -> Result<DirectLink, ConnectError> {
    let role = config.role;
    let (search, setup) = search(config, None, (out, incoming), |mux| {
        let moves = PathMoves::default();
        let setup = match role {
            Role::Controlling => quic::client(mux, &moves)?,
            Role::Controlled => quic::server(mux, &moves)?,
        };
        let endpoint = setup.endpoint.clone();
        Ok((Upper::Quic { endpoint, moves }, setup))
    })?;
    let found = search.finish().await?;
    let connection = timeout(
        HANDSHAKE_TIMEOUT,
        setup.connection(found.mux.datagram_len()),
    )
    .await
    .map_err(|_| ConnectError::HandshakeTimeout)?
    .map_err(ConnectError::Handshake)?;
    let binding = quic::binding(&connection).ok_or(ConnectError::HandshakeTimeout)?;
    let guardian = AbortOnDrop(tokio::spawn(guard(
        connection.clone(),
        found.path.clone(),
        LOST_TIMEOUT,
        found.driver,
    )));
    Ok(DirectLink {
        connection,
        binding,
        path: found.path,
        _guardian: guardian,
        _endpoint: setup.endpoint,
    })
}

/// Ends the driver with the connection, and the connection with its last path.
async fn guard(
    connection: Connection,
    path: watch::Receiver<PathState>,
    patience: Duration,
    driver: AbortOnDrop,
) {
    tokio::select! {
        _ = connection.closed() => {}
        () = lost(path, patience) => connection.close(PATH_LOST, b"path lost"),
    }
    drop(driver);
}

/// Waits until there has been no path for as long as `patience`.
pub(super) async fn lost(mut path: watch::Receiver<PathState>, patience: Duration) {
    loop {
        if path.wait_for(|path| !path.connected).await.is_err() {
            return;
        }
        let back = path.wait_for(|path| path.connected);
        if timeout(patience, back).await.is_err() {
            return;
        }
    }
}

/// What runs over the path, as far as the path's changes concern it.
pub(super) enum Upper {
    Quic {
        endpoint: Endpoint,
        moves: PathMoves,
    },
    /// A WebRTC channel; its pump is told to hurry.
    Channel(Arc<Notify>),
}

/// The search for a path, under way.
pub(super) struct Search {
    mux: Arc<Mux>,
    /// How long the checks may take.
    patience: Duration,
    watched: watch::Receiver<Progress>,
    path: watch::Receiver<PathState>,
    theirs: Arc<OnceLock<Fingerprint>>,
    driver: AbortOnDrop,
}

/// A path, and what keeps it.
pub(super) struct Found {
    pub(super) mux: Arc<Mux>,
    pub(super) path: watch::Receiver<PathState>,
    /// The certificate that the peer announced, if its signal had one.
    pub(super) theirs: Option<Fingerprint>,
    /// Looks after the path until it is dropped.
    pub(super) driver: AbortOnDrop,
}

/// Opens the sockets and begins to look for a path, for QUIC, or for a WebRTC channel under
/// the certificate of this fingerprint. `upper` is made over the mux.
pub(super) fn search<T>(
    config: DirectConfig,
    ours: Option<Fingerprint>,
    (out, incoming): (mpsc::Sender<LinkSignal>, mpsc::Receiver<LinkSignal>),
    upper: impl FnOnce(Arc<Mux>) -> Result<(Upper, T), ConnectError>,
) -> Result<(Search, T), ConnectError> {
    if config.policy.hides() && config.relays.is_empty() {
        return Err(ConnectError::Relayless);
    }
    let patience = match config.knocks_at_onions() {
        true => ONION_PATH_TIMEOUT,
        false => PATH_TIMEOUT,
    };
    let doors = socket::bind_udp(config.policy, &config.tally)?;
    let cover = match ours {
        None => Cover::Mask(Mask::new(config.mask)),
        Some(_) => Cover::Bare,
    };
    let (mux, stun) = Mux::new(doors, cover);
    let ice = Ice::new(config.role, config.policy, config.link, mux.ports());
    let mut relays = Relays::new(mux.ports(), Instant::now());
    let mut shared = Vec::new();
    if config.policy != RoutePolicy::Direct {
        shared.extend(config.relays.iter().filter_map(RelayAccess::share));
        shared.truncate(MAX_SHARED);
        for access in config.relays {
            relays.add(access, Instant::now());
        }
    }
    let (upper, made) = upper(mux.clone())?;

    let (progress, watched) = watch::channel(Progress::Introducing);
    let (path_sender, path) = watch::channel(PathState::NONE);
    let theirs = Arc::new(OnceLock::new());
    let mut driver = Driver {
        mux: mux.clone(),
        policy: config.policy,
        own: Vec::new(),
        ice,
        relays,
        shared,
        tor: config.tor,
        hops: (Vec::new(), Vec::new()),
        streams: HashMap::new(),
        stream_ended: mpsc::channel(MAX_RELAYS),
        rest_relays: None,
        better: None,
        reflexive: Reflexive::new(config.stun),
        stun,
        incoming: Some(incoming),
        out: Some(out),
        introduced: false,
        // Without an address there is nothing to say yet.
        announce: !config.policy.hides(),
        repeat: None,
        upper,
        fingerprints: (ours, theirs.clone()),
        kicks: Vec::new(),
        progress,
        path: path_sender,
    };
    if config.role == Role::Controlled {
        let offer = config.first_remote.ok_or(ConnectError::Offer)?;
        driver
            .handle_signal(offer)
            .map_err(|_| ConnectError::Offer)?;
    }
    let driver = AbortOnDrop(tokio::spawn(driver.run()));
    let search = Search {
        mux,
        patience,
        watched,
        path,
        theirs,
        driver,
    };
    Ok((search, made))
}

impl Search {
    /// Waits until there is a path.
    pub(super) async fn finish(mut self) -> Result<Found, ConnectError> {
        let met = self
            .watched
            .wait_for(|progress| *progress != Progress::Introducing);
        match timeout(ANSWER_TIMEOUT, met).await {
            Ok(Ok(progress)) => progress.check()?,
            _ => return Err(ConnectError::NoAnswer),
        }
        let found = self
            .watched
            .wait_for(|progress| *progress != Progress::Checking);
        match timeout(self.patience, found).await {
            Ok(Ok(progress)) => progress.check()?,
            _ => return Err(ConnectError::NoPath),
        }
        Ok(Found {
            mux: self.mux,
            path: self.path,
            theirs: self.theirs.get().copied(),
            driver: self.driver,
        })
    }
}

/// How far the search for a path has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Introducing,
    Checking,
    Found,
    /// The policy asks for a relay, and none lends an address.
    NoRelay(Server, RelayTrouble),
}

impl Progress {
    fn check(self) -> Result<(), ConnectError> {
        match self {
            Self::NoRelay(server, trouble) => Err(ConnectError::NoRelay(server, trouble)),
            _ => Ok(()),
        }
    }
}

/// The I/O around [`Ice`]: one task per link.
struct Driver {
    mux: Arc<Mux>,
    policy: RoutePolicy,
    /// This machine's addresses.
    own: Vec<IpAddr>,
    ice: Ice,
    relays: Relays,
    /// Relays of ours that the peer may use.
    shared: Vec<SharedRelay>,
    tor: Option<ThroughTor>,
    /// What the mux knows of them.
    hops: (Vec<SocketAddr>, Vec<Channel>),
    /// Connections to relays, and word of their ends.
    streams: HashMap<SocketAddr, AbortOnDrop>,
    stream_ended: (mpsc::Sender<SocketAddr>, mpsc::Receiver<SocketAddr>),
    /// When a direct path has stood long enough.
    rest_relays: Option<Instant>,
    /// When to look for a way without a relay, and how long that waited.
    better: Option<(Instant, Duration)>,
    reflexive: Reflexive,
    stun: mpsc::Receiver<Stun>,
    /// `None` once the other end of the channel is gone; the same for `out`.
    incoming: Option<mpsc::Receiver<LinkSignal>>,
    out: Option<mpsc::Sender<LinkSignal>>,
    /// Whether our offer or answer has left.
    introduced: bool,
    /// Whether the peer should hear of our addresses.
    announce: bool,
    repeat: Option<Instant>,
    upper: Upper,
    /// Ours and the peer's, on a WebRTC channel.
    fingerprints: (Option<Fingerprint>, Arc<OnceLock<Fingerprint>>),
    /// When the layer above is to be woken after a change of path, latest first.
    kicks: Vec<Instant>,
    progress: watch::Sender<Progress>,
    path: watch::Sender<PathState>,
}

/// What relays lent is given back with the link.
impl Drop for Driver {
    fn drop(&mut self) {
        self.relays.release(Instant::now());
        while let Some(sent) = self.relays.poll_transmit() {
            self.mux.send_to_relay(sent.server, &sent.datagram);
        }
    }
}

impl Driver {
    /// Runs until aborted, or until it is clear that the peer will never be heard of.
    async fn run(mut self) {
        let mut interfaces = tokio::time::interval(INTERFACES_EVERY);
        interfaces.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.look_at_interfaces();
        loop {
            let wait = self.turn();
            tokio::select! {
                () = sleep(wait) => {}
                _ = interfaces.tick() => self.look_at_interfaces(),
                stun = self.stun.recv() => match stun {
                    Some(stun) => self.handle_stun(&stun),
                    None => return,
                },
                signal = next(&mut self.incoming) => match signal {
                    // A peer's stray signal changes nothing and is worth no more.
                    Some(signal) => drop(self.handle_signal(signal)),
                    None if !self.ice.has_met() => return,
                    None => self.incoming = None,
                },
                Some(server) = self.stream_ended.1.recv() => self.end_stream(server),
                permit = room(self.out.clone(), self.announce) => match permit {
                    Ok(permit) => {
                        self.announce = false;
                        permit.send(if self.introduced {
                            self.ice.announcement()
                        } else {
                            self.introduced = true;
                            let shared = self.shared.clone();
                            self.ice.introduction(shared, self.fingerprints.0)
                        });
                    }
                    Err(()) => self.out = None,
                },
            }
        }
    }

    /// Takes a peer's signal, and uses the relays that it lends us, unless these must not
    /// see us.
    fn handle_signal(&mut self, signal: LinkSignal) -> Result<(), UnexpectedSignal> {
        let (lent, theirs) = match &signal {
            LinkSignal::Offer {
                relays,
                fingerprint,
                ..
            }
            | LinkSignal::Answer {
                relays,
                fingerprint,
                ..
            } => {
                // One end cannot speak QUIC while the other speaks DTLS.
                if fingerprint.is_some() != self.fingerprints.0.is_some() {
                    return Err(UnexpectedSignal);
                }
                (relays.clone(), *fingerprint)
            }
            LinkSignal::Candidates { .. } => (Vec::new(), None),
        };
        self.ice.handle_signal(signal)?;
        if self.policy == RoutePolicy::Any {
            self.ice.look_for_better(Instant::now());
        }
        if let Some(theirs) = theirs {
            // The first introduction counts, for ICE as here.
            self.fingerprints.1.get_or_init(|| theirs);
        }
        if self.policy == RoutePolicy::Any {
            for access in lent.into_iter().map(RelayAccess::from) {
                // Nobody is made to use Tor by a contact.
                if self.tor.is_some() || !access.is_onion() {
                    self.relays.add(access, Instant::now());
                }
            }
        }
        Ok(())
    }

    /// Sends what is due and publishes what changed; returns how long nothing is due.
    fn turn(&mut self) -> Duration {
        let now = Instant::now();
        self.ice.note_heard(self.mux.heard());
        self.ice.handle_timeout(now);
        self.relays.handle_timeout(now);
        self.tell_of_relays();
        while let Some(check) = self.ice.poll_transmit() {
            let Pair { local, remote } = check.pair;
            if self.relays.lends(local) {
                self.relays.send(local, remote, check.message, now);
            } else {
                self.mux.send_stun(&check);
            }
        }
        while let Some(query) = self.reflexive.poll_transmit(now) {
            self.mux.send_stun(&Check {
                pair: Pair {
                    local: query.base,
                    remote: query.server,
                },
                message: query.request,
            });
        }
        if let Some(addresses) = self.ice.take_authentic() {
            self.mux.set_authentic(addresses);
        }
        self.publish(now);
        self.connect_streams();
        let hops = (self.relays.servers(), self.relays.channels());
        if hops != self.hops {
            self.mux.set_relays(hops.0.clone(), hops.1.clone());
            self.hops = hops;
        }
        while let Some(sent) = self.relays.poll_transmit() {
            self.mux.send_to_relay(sent.server, &sent.datagram);
        }
        let due = [
            self.ice.poll_timeout(),
            self.relays.poll_timeout(now),
            self.rest_relays,
            self.better.map(|(due, _)| due),
            self.kicks.last().copied(),
            self.reflexive.poll_timeout(),
            self.repeat,
        ];
        due.into_iter()
            .flatten()
            .min()
            .map_or(INTERFACES_EVERY, |due| due.saturating_duration_since(now))
    }

    /// Opens the connections that relays are to be reached over, and drops the others.
    fn connect_streams(&mut self) {
        let wanted = self.relays.streams();
        let mux = &self.mux;
        self.streams.retain(|server, _| {
            let keep = wanted.iter().any(|(wanted, _)| wanted == server);
            if !keep {
                mux.close_stream(*server);
            }
            keep
        });
        for (server, over) in wanted {
            if self.streams.contains_key(&server) {
                continue;
            }
            let mut outgoing = self.mux.open_stream(server);
            let (mux, ended) = (self.mux.clone(), self.stream_ended.0.clone());
            let (policy, to) = (self.policy, (server, over, self.tor.clone()));
            let task = tokio::spawn(async move {
                let deliver = |message: &mut [u8]| mux.take_from_stream(server, message);
                if let Err(error) = stream::carry(policy, to, &mut outgoing, deliver).await {
                    tracing::debug!("the connection to a relay ended: {error}");
                }
                let _ = ended.send(server).await;
            });
            self.streams.insert(server, AbortOnDrop(task));
        }
    }

    fn end_stream(&mut self, server: SocketAddr) {
        if self.streams.remove(&server).is_some() {
            self.mux.close_stream(server);
            self.relays.stream_ended(server, Instant::now());
        }
    }

    /// What became of our addresses at relays goes to ICE, and so to the peer.
    fn tell_of_relays(&mut self) {
        while let Some(news) = self.relays.poll_news() {
            self.announce |= match news {
                RelayNews::Lent(relayed) => self.ice.add_relayed(relayed),
                RelayNews::Gone(relayed) => self.ice.remove_relayed(relayed) && self.introduced,
            };
        }
    }

    /// The way to the peer along the pair that ICE nominated; a relayed one needs a channel.
    fn way(&mut self, pair: Option<Pair>, now: Instant) -> Option<Way> {
        let pair = pair?;
        if !self.relays.lends(pair.local) {
            return Some(Way {
                pair,
                channel: None,
            });
        }
        let channel = self.relays.channel(pair.local, pair.remote, now)?;
        Some(Way {
            pair,
            channel: Some(channel),
        })
    }

    fn publish(&mut self, now: Instant) {
        let nominated = self.ice.nominated();
        let way = self.way(nominated, now);
        // The channel is on its way: not lost, and not yet found.
        let pending = nominated.is_some() && way.is_none();
        let pair = way.map(|way| way.pair);
        let relayed = pair.is_some_and(|pair| self.ice.is_relayed(pair));
        self.rest(pair.is_some() && !relayed, now);
        self.look_for_better(relayed, now);
        let first = *self.path.borrow() == PathState::NONE;
        if self.mux.set_way(way, &self.own) && way.is_some() && !first {
            if let Upper::Quic { moves, .. } = &self.upper {
                moves.note();
            }
            self.kicks = KICKS.map(|after| now + after).to_vec();
        }
        if self.kicks.pop_if(|due| *due <= now).is_some() {
            match &self.upper {
                // The socket stays the same; QUIC sends a probe under a new connection id.
                Upper::Quic { endpoint, .. } => {
                    let _ = endpoint.rebind_abstract(self.mux.clone());
                }
                Upper::Channel(hurry) => hurry.notify_one(),
            }
        }
        let rtt = self.ice.rtt();
        let was_connected = self.path.borrow().connected;
        self.path.send_if_modified(|state| {
            let new = match pair {
                Some(Pair { local, remote }) => PathState {
                    local,
                    remote,
                    connected: true,
                    via: if relayed { Via::Relay } else { Via::Direct },
                    rtt,
                },
                None => PathState {
                    connected: false,
                    ..*state
                },
            };
            let changed = *state != new && !pending;
            if changed {
                *state = new;
            }
            changed
        });
        let progress = match (pair, self.ice.has_met()) {
            (Some(_), _) => Progress::Found,
            (None, met) => match self.relays.trouble() {
                Some((server, trouble)) if self.policy.hides() => {
                    Progress::NoRelay(server, trouble)
                }
                _ if met => Progress::Checking,
                _ => Progress::Introducing,
            },
        };
        // Once a path was found, the link itself tells of its loss.
        self.progress
            .send_if_modified(|old| std::mem::replace(old, progress) != progress);

        match (pair, self.repeat) {
            _ if pending => {}
            (None, None) if was_connected => self.look_again(now),
            (None, Some(due)) if due <= now => self.look_again(now),
            (Some(_), _) => self.repeat = None,
            _ => {}
        }
    }

    /// While no path works: what may have changed, and the peer hears of it.
    fn look_again(&mut self, now: Instant) {
        self.ask_servers(now);
        self.relays.restart(now);
        self.tell_of_relays();
        self.announce |= !self.policy.hides();
        self.repeat = Some(now + REPEAT_WHILE_LOST);
    }

    /// While the path goes through a relay, both sides look now and then for a better one.
    fn look_for_better(&mut self, relayed: bool, now: Instant) {
        let [first, most] = BETTER_AFTER;
        match self.better {
            _ if !relayed => self.better = None,
            None if self.policy == RoutePolicy::Any => self.better = Some((now + first, first)),
            Some((due, waited)) if due <= now => {
                let wait = (waited * 2).min(most);
                self.better = Some((now + wait, wait));
                // A translator may have given us another port by now.
                self.ask_servers(now);
                self.ice.look_for_better(now);
                // The peer looks when it hears of us: filters open from both sides at once.
                self.announce = true;
            }
            _ => {}
        }
    }

    /// Gives the relays' addresses back once a direct path has stood for a while.
    fn rest(&mut self, direct: bool, now: Instant) {
        match self.rest_relays {
            _ if !direct => self.rest_relays = None,
            None if self.relays.lends_any() => self.rest_relays = Some(now + RELAYS_KEPT),
            Some(due) if due <= now => {
                self.rest_relays = None;
                self.relays.release(now);
                self.tell_of_relays();
            }
            _ => {}
        }
    }

    fn look_at_interfaces(&mut self) {
        let before = std::mem::replace(&mut self.own, own_addresses());
        if self.ice.set_own_addresses(&self.own) {
            self.announce |= !self.policy.hides();
            self.ask_servers(Instant::now());
            // A relay knows us by the address that it saw.
            if before.iter().any(|address| !self.own.contains(address)) {
                self.relays.restart(Instant::now());
                self.tell_of_relays();
            }
        }
    }

    fn ask_servers(&mut self, now: Instant) {
        self.reflexive.ask(&self.ice.bases(), now);
    }

    fn handle_stun(&mut self, stun: &Stun) {
        let now = Instant::now();
        if let Some(mapped) = self.reflexive.handle(stun.remote, &stun.message) {
            self.announce |= self.ice.add_reflexive(&mapped);
        } else if self.hops.0.contains(&stun.remote) {
            let found = self.relays.handle(stun.remote, &stun.message, now);
            if let Some(FromPeer {
                relayed,
                peer,
                data,
            }) = found
            {
                self.ice.handle_stun(now, relayed, peer, &data);
            }
        } else {
            self.ice
                .handle_stun(now, stun.local, stun.remote, &stun.message);
        }
    }
}

/// The next signal; pending for ever once the channel is gone.
async fn next(incoming: &mut Option<mpsc::Receiver<LinkSignal>>) -> Option<LinkSignal> {
    match incoming {
        Some(incoming) => incoming.recv().await,
        None => std::future::pending().await,
    }
}

/// Room for one signal, when there is something to say and somebody to carry it.
async fn room(
    out: Option<mpsc::Sender<LinkSignal>>,
    wanted: bool,
) -> Result<mpsc::OwnedPermit<LinkSignal>, ()> {
    match out {
        Some(out) if wanted => out.reserve_owned().await.map_err(drop),
        _ => std::future::pending().await,
    }
}

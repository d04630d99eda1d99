//! Relays: addresses that a TURN server lends us, so that nobody sees ours.
//!
//! One [`Relays`] belongs to one link. It allocates an address at each server it is
//! told of, lets peers in when ICE wants to check them, and binds a channel for the
//! pair that ICE nominates, so that QUIC's datagrams carry four bytes more and no
//! header. It does no I/O: datagrams and time are handed in and out, and what arrives
//! through a channel is unwrapped by the mux without asking here.
//!
//! ```text
//!   add ──► Allocate ──► relayed address ──► CreatePermission ──► checks ──► ChannelBind ──► QUIC
//!              │ refused, silent                    │ 403
//!              └──► again after 1, 2, 4 … 30 s      └──► checks to that address are dropped
//! ```
//!
//! Spec: docs/protocol/8-relay.md; RFC 8656, which `turn-client-proto` speaks.

pub(crate) mod probe;
pub(crate) mod stream;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use solo2_relay::invite::{Host, Invite};
use stun_types::TransportType;
use stun_types::attribute::ErrorCode;
use stun_types::message::{Message, MessageClass};
use turn_client_proto::api::{
    BindChannelError, Transmit, TurnConfig, TurnEvent, TurnPollRet, TurnRecvRet,
};
use turn_client_proto::prelude::{DelayedTransmitBuild as _, TurnClientApi as _};
use turn_client_proto::types::{AddressFamily, TurnCredentials};
use turn_client_proto::udp::TurnClientUdp;
use zeroize::Zeroizing;

use self::stream::Over;
use super::ice::Ports;
use super::ice::offer::SharedRelay;
use super::onion;

/// A relay takes none that is good for more than a day, and its clock may be behind ours.
const CREDENTIAL_S: u64 = 23 * 60 * 60;
/// Relays that one link uses, ours and the peer's together.
pub(crate) const MAX_RELAYS: usize = 4;
/// Addresses that are let in at one relay; it may allow fewer.
const MAX_PERMISSIONS: usize = 16;
/// Checks that wait for one permission; the oldest goes first.
const MAX_HELD: usize = 8;
/// Pauses between attempts at one relay; the last repeats.
const AGAIN: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
    Duration::from_secs(30),
];
/// A request that gets no answer is sent again, and given up 3.6 s after the first time.
const FIRST_RTO: Duration = Duration::from_millis(300);
const LAST_RTO: Duration = Duration::from_millis(1_200);
const TRIES: u32 = 4;
const LAST_WAIT: Duration = Duration::from_millis(1_500);
/// First and last pause and last wait through Tor, whose circuit is on its way meanwhile: given
/// up after 42 s.
const ONION_RTO: [Duration; 3] = [
    Duration::from_secs(4),
    Duration::from_secs(10),
    Duration::from_secs(20),
];

/// RFC 8489 §14.8, RFC 8656 §18.9.
const UNAUTHENTICATED: u16 = 401;
const MISMATCH: u16 = 437;
const WRONG_CREDENTIALS: u16 = 441;
const QUOTA: u16 = 486;
const FULL: u16 = 508;

/// Where a TURN server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// Over UDP.
    At(SocketAddr),
    /// Through Tor, over TCP at this port of the onion service with this key.
    Onion([u8; 32], u16),
}

impl Server {
    /// The address by which it is known here; for an onion service one that stands for it.
    pub(crate) fn key(self) -> SocketAddr {
        match self {
            Self::At(address) => address,
            Self::Onion(service, port) => {
                let hash = blake3::hash(&service);
                let mut octets = [0; 16];
                octets[0] = 1;
                for (place, byte) in octets.iter_mut().skip(8).zip(hash.as_bytes()) {
                    *place = *byte;
                }
                SocketAddr::new(Ipv6Addr::from(octets).into(), port)
            }
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            Self::Onion(service, port) => write!(f, "{}:{port}", onion::name(*service)),
        }
    }
}

/// Whether this address stands for an onion service: nothing is sent there. It is of the block
/// whose packets every router drops (100::/64, RFC 6666).
pub(crate) fn stands_in(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(ip) => ip.segments()[..4] == [0x100, 0, 0, 0],
    }
}

/// One TURN server, and what opens it.
#[derive(Clone)]
pub(crate) struct RelayAccess {
    pub(crate) server: Server,
    /// What to try, in order, when UDP gets no answer; of an onion service, the only way.
    pub(crate) streams: Vec<Over>,
    pub(crate) credential: Credential,
}

/// What a relay asks for.
#[derive(Clone)]
pub(crate) enum Credential {
    /// Made anew each time, out of an invite of ours.
    Invite(Arc<Invite>),
    /// What the peer lends us.
    Lent {
        username: String,
        password: Zeroizing<String>,
    },
}

/// What an invite offers beside UDP, in the order in which it is tried.
pub(crate) fn streams(invite: &Invite) -> Vec<Over> {
    let tls = invite.tls.map(|tls| Over::Tls {
        port: tls.port,
        pin: tls.pin,
        host: match &invite.host {
            Host::Name(name) => name.clone(),
            Host::V4(address) => address.to_string(),
            Host::V6(address) => address.to_string(),
        },
    });
    let tcp = invite.tcp.map(|port| Over::Tcp { port });
    tls.into_iter().chain(tcp).collect()
}

impl RelayAccess {
    /// That of an invite whose host is an onion service, if it is one.
    pub(crate) fn onion(invite: &Arc<Invite>) -> Option<Self> {
        let service = onion::service(&invite.host.in_a_url())?;
        let port = invite.tcp?;
        Some(Self {
            server: Server::Onion(service, port),
            streams: vec![Over::Onion { service, port }],
            credential: Credential::Invite(invite.clone()),
        })
    }

    pub(crate) fn is_onion(&self) -> bool {
        matches!(self.server, Server::Onion(..))
    }

    /// The stream to begin with; none for UDP.
    fn first(&self) -> Option<usize> {
        self.is_onion().then_some(0)
    }

    /// What is lent to a peer, so that both sides are clients of one relay.
    pub(crate) fn share(&self) -> Option<SharedRelay> {
        let Credential::Invite(_) = &self.credential else {
            return None;
        };
        let (username, password) = self.credential.now();
        let mut shared = SharedRelay {
            server: self.server,
            username,
            password,
            tcp: None,
            tls: None,
        };
        for over in &self.streams {
            match over {
                Over::Tcp { port } => shared.tcp = Some(*port),
                Over::Tls { port, pin, .. } => shared.tls = pin.map(|pin| (*port, pin)),
                // Named by the server.
                Over::Onion { .. } => {}
            }
        }
        Some(shared)
    }
}

impl From<SharedRelay> for RelayAccess {
    fn from(shared: SharedRelay) -> Self {
        let streams = match shared.server {
            Server::Onion(service, port) => vec![Over::Onion { service, port }],
            Server::At(address) => {
                let tls = shared.tls.map(|(port, pin)| Over::Tls {
                    port,
                    pin: Some(pin),
                    host: address.ip().to_string(),
                });
                let tcp = shared.tcp.map(|port| Over::Tcp { port });
                tls.into_iter().chain(tcp).collect()
            }
        };
        Self {
            server: shared.server,
            streams,
            credential: Credential::Lent {
                username: shared.username,
                password: shared.password,
            },
        }
    }
}

impl Credential {
    /// User name and password, good for a day.
    fn now(&self) -> (String, Zeroizing<String>) {
        match self {
            Self::Invite(invite) => {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                let now = now.map_or(0, |now| now.as_secs());
                let (username, password) = invite.credential(now, CREDENTIAL_S);
                (
                    username.to_string(),
                    Zeroizing::new(password.expose().to_owned()),
                )
            }
            Self::Lent { username, password } => (username.clone(), password.clone()),
        }
    }
}

/// Why a relay lends us no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RelayTrouble {
    #[error("it does not answer")]
    Silent,
    #[error("it refuses the credential: the invite ended or was revoked, or the clocks differ")]
    Credential,
    #[error("the invite has all the addresses it may have there")]
    Quota,
    #[error("it is full")]
    Full,
    #[error("it refuses with error {0}")]
    Refused(u16),
}

impl RelayTrouble {
    fn of(code: u16) -> Self {
        match code {
            UNAUTHENTICATED | WRONG_CREDENTIALS => Self::Credential,
            QUOTA => Self::Quota,
            FULL => Self::Full,
            code => Self::Refused(code),
        }
    }
}

/// A datagram for a relay.
pub(crate) struct ToRelay {
    pub(crate) server: SocketAddr,
    pub(crate) datagram: Vec<u8>,
}

/// What a peer sent through a relay, outside a channel.
pub(crate) struct FromPeer {
    /// Our address there.
    pub(crate) relayed: SocketAddr,
    pub(crate) peer: SocketAddr,
    pub(crate) data: Vec<u8>,
}

/// What became of an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RelayNews {
    /// This address is ours.
    Lent(SocketAddr),
    /// It is no longer.
    Gone(SocketAddr),
}

/// A channel to one peer through one relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) server: SocketAddr,
    /// RFC 8656 §12: 0x4000 to 0x4FFF.
    pub(crate) number: u16,
    /// Our address there.
    pub(crate) relayed: SocketAddr,
    pub(crate) peer: SocketAddr,
}

/// The relays of one link.
pub(crate) struct Relays {
    ports: Ports,
    began: Instant,
    relays: Vec<Relay>,
    out: VecDeque<ToRelay>,
    news: VecDeque<RelayNews>,
}

struct Relay {
    access: RelayAccess,
    /// Which of its streams is tried; none for UDP.
    over: Option<usize>,
    state: State,
    failures: usize,
    trouble: Option<RelayTrouble>,
}

enum State {
    /// Nothing is asked of it before then; never by itself, if there is no time.
    Resting {
        until: Option<Instant>,
    },
    At(Box<Allocation>),
}

struct Allocation {
    client: TurnClientUdp,
    relayed: Option<SocketAddr>,
    /// The last error it answered with, but for the first 401, which asks for the password.
    refused: Option<u16>,
    asked: bool,
    permissions: HashMap<IpAddr, Permission>,
    channels: Vec<(SocketAddr, Option<u16>)>,
}

enum Permission {
    /// Asked for; the checks wait.
    Asked(VecDeque<(SocketAddr, Vec<u8>)>),
    Given,
    /// The relay does not carry there.
    Refused,
}

impl Relays {
    /// No relays yet, for a link whose sockets have these ports.
    pub(crate) fn new(ports: Ports, now: Instant) -> Self {
        Self {
            ports,
            began: now,
            relays: Vec::new(),
            out: VecDeque::new(),
            news: VecDeque::new(),
        }
    }

    /// Uses this relay, too; one that is known already, or too many, change nothing.
    pub(crate) fn add(&mut self, access: RelayAccess, now: Instant) {
        let known = self
            .relays
            .iter()
            .any(|relay| relay.access.server == access.server);
        let reachable = match access.server {
            Server::At(SocketAddr::V4(_)) => self.ports.v4.is_some(),
            Server::At(SocketAddr::V6(_)) => self.ports.v6.is_some(),
            Server::Onion(..) => true,
        };
        if known || !reachable || self.relays.len() == MAX_RELAYS {
            return;
        }
        self.relays.push(Relay {
            over: access.first(),
            access,
            state: State::Resting { until: Some(now) },
            failures: 0,
            trouble: None,
        });
        self.wake(now);
    }

    /// The servers: nobody else is written to for a link that hides this machine.
    pub(crate) fn servers(&self) -> Vec<SocketAddr> {
        self.relays.iter().map(Relay::server).collect()
    }

    /// The servers that are to be talked to over a connection, and what kind of one.
    pub(crate) fn streams(&self) -> Vec<(SocketAddr, Over)> {
        let stream = |relay: &Relay| {
            let over = relay.access.streams.get(relay.over?)?;
            matches!(relay.state, State::At(_)).then(|| (relay.server(), over.clone()))
        };
        self.relays.iter().filter_map(stream).collect()
    }

    /// A connection to a server did not come about, or has ended.
    pub(crate) fn stream_ended(&mut self, server: SocketAddr, now: Instant) {
        for relay in &mut self.relays {
            if relay.over.is_some() && relay.server() == server {
                let news = relay.fail(now);
                self.news.extend(news);
            }
        }
    }

    /// Why there is no address, if every relay has failed at least once.
    pub(crate) fn trouble(&self) -> Option<(Server, RelayTrouble)> {
        let mut last = None;
        for relay in &self.relays {
            last = Some((relay.access.server, relay.trouble?));
        }
        last
    }

    /// Gives every address back and asks for new ones: the network changed, or a relay
    /// forgot us.
    pub(crate) fn restart(&mut self, now: Instant) {
        self.release(now);
        for relay in &mut self.relays {
            relay.failures = 0;
            relay.state = State::Resting { until: Some(now) };
        }
        self.wake(now);
    }

    /// Gives every address back, until [`Self::restart`].
    pub(crate) fn release(&mut self, now: Instant) {
        let turn_now = self.turn_now(now);
        for relay in &mut self.relays {
            let State::At(at) = &mut relay.state else {
                continue;
            };
            if at.client.delete(turn_now).is_ok() {
                while let Some(transmit) = at.client.poll_transmit(turn_now) {
                    self.out.push_back(ToRelay {
                        server: transmit.to,
                        datagram: transmit.data.to_vec(),
                    });
                }
            }
            self.news.extend(at.relayed.map(RelayNews::Gone));
        }
        for relay in &mut self.relays {
            relay.state = State::Resting { until: None };
        }
    }

    /// Whether this is an address that a relay lends us.
    pub(crate) fn lends(&self, address: SocketAddr) -> bool {
        self.allocation(address).is_some()
    }

    /// Whether any relay lends us an address.
    pub(crate) fn lends_any(&self) -> bool {
        self.relays
            .iter()
            .any(|relay| matches!(&relay.state, State::At(at) if at.relayed.is_some()))
    }

    /// The channel from `relayed` to `peer`; it is bound when there is none yet.
    pub(crate) fn channel(
        &mut self,
        relayed: SocketAddr,
        peer: SocketAddr,
        now: Instant,
    ) -> Option<Channel> {
        let turn_now = self.turn_now(now);
        let relay = self.relays.iter_mut().find(|relay| relay.has(relayed))?;
        let server = relay.server();
        let State::At(at) = &mut relay.state else {
            return None;
        };
        if let Some((_, number)) = at.channels.iter().find(|(known, _)| *known == peer) {
            return number.map(|number| Channel {
                server,
                number,
                relayed,
                peer,
            });
        }
        match at.client.bind_channel(TransportType::Udp, peer, turn_now) {
            Ok(()) => at.channels.push((peer, None)),
            // Its renewal was lost, and RFC 8656 §12 keeps the number from us for minutes.
            Err(BindChannelError::ExpiredChannelExists(_)) => {
                self.news.extend(at.relayed.map(RelayNews::Gone));
                relay.state = State::Resting { until: Some(now) };
            }
            Err(_) => {}
        }
        self.pump(now);
        None
    }

    /// Every channel that stands.
    pub(crate) fn channels(&self) -> Vec<Channel> {
        let standing = |relay: &Relay| {
            let State::At(at) = &relay.state else {
                return Vec::new();
            };
            let server = relay.server();
            let relayed = at.relayed;
            at.channels
                .iter()
                .filter_map(|(peer, number)| {
                    Some(Channel {
                        server,
                        number: (*number)?,
                        relayed: relayed?,
                        peer: *peer,
                    })
                })
                .collect()
        };
        self.relays.iter().flat_map(standing).collect()
    }

    /// Sends a check from `relayed` to `peer`, once the relay lets the peer in.
    pub(crate) fn send(
        &mut self,
        relayed: SocketAddr,
        peer: SocketAddr,
        data: Vec<u8>,
        now: Instant,
    ) {
        let turn_now = self.turn_now(now);
        let Some(relay) = self.relays.iter_mut().find(|relay| relay.has(relayed)) else {
            return;
        };
        let State::At(at) = &mut relay.state else {
            return;
        };
        let server = at.client.remote_addr();
        let full = at.permissions.len() >= MAX_PERMISSIONS;
        match at.permissions.get_mut(&peer.ip()) {
            Some(Permission::Given) => {
                let sent = at.client.send_to(TransportType::Udp, peer, data, turn_now);
                if let Ok(Some(built)) = sent {
                    self.out.push_back(ToRelay {
                        server,
                        datagram: built.data.build(),
                    });
                }
            }
            Some(Permission::Asked(held)) => {
                if held.len() == MAX_HELD {
                    held.pop_front();
                }
                held.push_back((peer, data));
            }
            Some(Permission::Refused) => {}
            None if full => {}
            None => {
                let asked = at
                    .client
                    .create_permission(TransportType::Udp, peer.ip(), turn_now);
                if asked.is_ok() {
                    let held = VecDeque::from([(peer, data)]);
                    at.permissions.insert(peer.ip(), Permission::Asked(held));
                }
            }
        }
        self.pump(now);
    }

    /// Takes a datagram that came from a relay, and is in no channel.
    pub(crate) fn handle(
        &mut self,
        server: SocketAddr,
        datagram: &[u8],
        now: Instant,
    ) -> Option<FromPeer> {
        let turn_now = self.turn_now(now);
        let relay = self
            .relays
            .iter_mut()
            .find(|relay| relay.server() == server)?;
        let State::At(at) = &mut relay.state else {
            return None;
        };
        at.note_refusal(datagram);
        let local = at.client.local_addr();
        let transmit = Transmit::new(datagram, TransportType::Udp, server, local);
        let found = match at.client.recv(transmit, turn_now) {
            TurnRecvRet::PeerData(found) => at.relayed.map(|relayed| FromPeer {
                relayed,
                peer: found.peer,
                data: found.data().to_vec(),
            }),
            _ => None,
        };
        self.pump(now);
        found
    }

    /// Lets time pass.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.wake(now);
        self.pump(now);
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub(crate) fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        let (began, turn_now) = (self.began, self.turn_now(now));
        let due = |relay: &mut Relay| match &mut relay.state {
            State::Resting { until } => *until,
            State::At(at) => match at.client.poll(turn_now) {
                TurnPollRet::WaitUntil(when) => Some(when.to_std(began)),
                _ => Some(now),
            },
        };
        self.relays.iter_mut().filter_map(due).min()
    }

    /// The next datagram to send; call until `None`.
    pub(crate) fn poll_transmit(&mut self) -> Option<ToRelay> {
        self.out.pop_front()
    }

    /// What became of our addresses; call until `None`.
    pub(crate) fn poll_news(&mut self) -> Option<RelayNews> {
        self.news.pop_front()
    }

    fn allocation(&self, relayed: SocketAddr) -> Option<&Allocation> {
        self.relays.iter().find_map(|relay| match &relay.state {
            State::At(at) if at.relayed == Some(relayed) => Some(&**at),
            _ => None,
        })
    }

    fn turn_now(&self, now: Instant) -> stun_proto::Instant {
        let nanos = now.saturating_duration_since(self.began).as_nanos();
        stun_proto::Instant::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    /// Begins at the relays whose rest is over.
    fn wake(&mut self, now: Instant) {
        let ports = self.ports;
        for relay in &mut self.relays {
            if matches!(relay.state, State::Resting { until: Some(until) } if until <= now) {
                let server = relay.server();
                relay.state = State::At(Box::new(Allocation::begin(&relay.access, server, ports)));
            }
        }
        self.pump(now);
    }

    /// Moves what the clients have to say into our own queues.
    fn pump(&mut self, now: Instant) {
        let turn_now = self.turn_now(now);
        for relay in &mut self.relays {
            let State::At(at) = &mut relay.state else {
                continue;
            };
            let mut closed = false;
            loop {
                closed |= matches!(at.client.poll(turn_now), TurnPollRet::Closed);
                let mut moved = false;
                while let Some(transmit) = at.client.poll_transmit(turn_now) {
                    moved = true;
                    self.out.push_back(ToRelay {
                        server: transmit.to,
                        datagram: transmit.data.to_vec(),
                    });
                }
                while let Some(event) = at.client.poll_event() {
                    moved = true;
                    match event {
                        TurnEvent::AllocationCreated(_, relayed) => {
                            at.relayed = Some(relayed);
                            (relay.failures, relay.trouble) = (0, None);
                            self.news.push_back(RelayNews::Lent(relayed));
                        }
                        TurnEvent::AllocationCreateFailed(_) => closed = true,
                        event => at.on_event(&event, &mut self.out, turn_now),
                    }
                }
                if closed || !moved {
                    break;
                }
            }
            if closed {
                let news = relay.fail(now);
                self.news.extend(news);
            }
        }
    }
}

impl Relay {
    /// Where it is talked to now.
    fn server(&self) -> SocketAddr {
        let over = self.over.and_then(|index| self.access.streams.get(index));
        let server = self.access.server.key();
        match over {
            Some(over) => SocketAddr::new(server.ip(), over.port()),
            None => server,
        }
    }

    /// Gives up the present attempt, or the address that it led to. One that met with silence
    /// is followed by the next kind of connection at once; after the last there is a rest.
    fn fail(&mut self, now: Instant) -> Option<RelayNews> {
        let rest = State::Resting { until: Some(now) };
        let State::At(at) = std::mem::replace(&mut self.state, rest) else {
            return None;
        };
        let next = self.over.map_or(0, |index| index + 1);
        let silent = at.refused.is_none();
        if silent && at.relayed.is_none() && next < self.access.streams.len() {
            self.over = Some(next);
            return None;
        }
        if silent {
            self.over = self.access.first();
        }
        self.trouble = Some(at.refused.map_or(RelayTrouble::Silent, RelayTrouble::of));
        let rest = match at.refused {
            // Ours from before, under the same port: it is gone in a moment.
            Some(MISMATCH) => LAST_WAIT,
            _ => AGAIN[self.failures.min(AGAIN.len() - 1)],
        };
        self.failures += 1;
        self.state = State::Resting {
            until: Some(now + rest),
        };
        at.relayed.map(RelayNews::Gone)
    }

    fn has(&self, relayed: SocketAddr) -> bool {
        matches!(&self.state, State::At(at) if at.relayed == Some(relayed))
    }
}

impl Allocation {
    fn begin(access: &RelayAccess, server: SocketAddr, ports: Ports) -> Self {
        // The system chooses the address; the port is that of our socket.
        let local = match server {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, ports.v4.unwrap_or(0)).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, ports.v6.unwrap_or(0)).into(),
        };
        let (username, password) = access.credential.now();
        let credentials = TurnCredentials::new(&username, &password);
        let mut config = TurnConfig::new(credentials);
        config.set_address_family(match access.server {
            // What a relay is likely to have; the way to it says nothing.
            Server::At(SocketAddr::V4(_)) | Server::Onion(..) => AddressFamily::IPV4,
            Server::At(SocketAddr::V6(_)) => AddressFamily::IPV6,
        });
        match access.server {
            Server::At(_) => {
                config.set_request_retransmits(FIRST_RTO, LAST_RTO, TRIES, LAST_WAIT);
            }
            Server::Onion(..) => {
                let [first, last, wait] = ONION_RTO;
                config.set_request_retransmits(first, last, TRIES, wait);
            }
        }
        Self {
            // Over a connection, too: a request that comes twice changes nothing.
            client: TurnClientUdp::allocate(local, server, config),
            relayed: None,
            refused: None,
            asked: false,
            permissions: HashMap::new(),
            channels: Vec::new(),
        }
    }

    /// The library does not say why a request failed. Believed without its integrity: a
    /// refusal of the credential cannot have one.
    fn note_refusal(&mut self, datagram: &[u8]) {
        let Ok(message) = Message::from_bytes(datagram) else {
            return;
        };
        if self.relayed.is_some() || !message.has_class(MessageClass::Error) {
            return;
        }
        if let Ok(error) = message.attribute::<ErrorCode>() {
            let first = error.code() == UNAUTHENTICATED && !self.asked;
            self.asked = true;
            if !first {
                self.refused = Some(error.code());
            }
        }
    }

    fn on_event(
        &mut self,
        event: &TurnEvent,
        out: &mut VecDeque<ToRelay>,
        now: stun_proto::Instant,
    ) {
        match event {
            TurnEvent::PermissionCreated(_, peer) => {
                let held = self.permissions.insert(*peer, Permission::Given);
                let Some(Permission::Asked(held)) = held else {
                    return;
                };
                for (peer, data) in held {
                    if let Ok(Some(built)) =
                        self.client.send_to(TransportType::Udp, peer, data, now)
                    {
                        out.push_back(ToRelay {
                            server: self.client.remote_addr(),
                            datagram: built.data.build(),
                        });
                    }
                }
            }
            TurnEvent::PermissionCreateFailed(_, peer) => {
                self.permissions.insert(*peer, Permission::Refused);
            }
            TurnEvent::ChannelCreated(_, peer) => {
                let number = self.channel_number(*peer, now);
                if let Some(channel) = self.channels.iter_mut().find(|(known, _)| known == peer) {
                    channel.1 = number;
                }
            }
            TurnEvent::ChannelCreateFailed(_, peer) => {
                self.channels.retain(|(known, _)| known != peer);
            }
            _ => {}
        }
    }

    /// The library keeps the number to itself: it stands before what it sends.
    fn channel_number(&mut self, peer: SocketAddr, now: stun_proto::Instant) -> Option<u16> {
        let built = self
            .client
            .send_to(TransportType::Udp, peer, [0; 4], now)
            .ok()??;
        let bytes = built.data.build();
        let number = u16::from_be_bytes(*bytes.first_chunk()?);
        (0x4000..0x5000).contains(&number).then_some(number)
    }
}

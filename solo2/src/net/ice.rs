//! ICE for one link: which pair of addresses carries the datagrams.
//!
//! [`Ice`] wraps an `is` agent and keeps what the agent leaves to its user: which own
//! addresses are candidates, how a peer's candidates are bounded, and when to try
//! everything again. It does no I/O; time, STUN messages and signals are handed in,
//! and the driver in [`super::direct`] asks for what is to be sent.
//!
//! ```text
//!   new ──► checking ──► connected ──► lost ──► checking again, every 5 s
//!                            ▲                        │
//!                            └────────────────────────┘
//! ```
//!
//! A relayed pair is never the end of it: [`Ice::look_for_better`] checks all pairs again
//! while that one goes on carrying the link.
//!
//! What the peer can make us do: send connectivity checks of about 100 bytes, paced,
//! to at most 64 unicast addresses of its choice per link, as in every ICE agent.
//!
//! Spec: docs/protocol/3-links.md §7; RFC 8445, RFC 7675 (consent), RFC 8838 (trickle).

pub(crate) mod gather;
pub(crate) mod offer;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use is::stun::{StunMessage, StunPacket};
use is::{Candidate, CandidateKind as IsKind, IceAgent, IceAgentEvent, IceCreds, Protocol};
use rand::RngExt as _;
use rand::distr::{Alphanumeric, SampleString as _};

use super::RoutePolicy;
use super::webrtc::Fingerprint;
use offer::{CandidateInfo, CandidateKind, LinkSignal, MAX_CANDIDATES, SharedRelay};

/// Candidates a peer may name over the life of a link.
const MAX_SIGNALLED: usize = 64;
/// Addresses a peer may show us by sending checks from them.
const MAX_OBSERVED: usize = 128;
/// Own addresses, counting those that peers report back to us.
const MAX_LOCAL: usize = 64;
const MAX_PAIRS: usize = 96;

/// Between two checks (RFC 8445 §14.2 allows 5 ms and up).
const PACE: Duration = Duration::from_millis(20);
const FIRST_RTO: Duration = Duration::from_millis(250);
/// Also how often an idle path is checked.
const LAST_RTO: Duration = Duration::from_secs(2);
/// With the two above, a check that never succeeded ends after about 12 s.
const RETRANSMITS: usize = 7;
/// While no pair works, all of them are tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// A pair that carries nothing at all for so long is given up: two checks of each
/// side, and their answers, are gone by then.
const SILENCE: Duration = Duration::from_secs(5);
/// RFC 7675: a pair on which the peer no longer answers us is given up, even when the
/// peer's own datagrams still arrive.
const CONSENT: Duration = Duration::from_secs(20);

/// How long all pairs have to show that one of them is better than a relayed one.
const LOOK: Duration = Duration::from_secs(4);

const UFRAG_LEN: usize = 8;
const PWD_LEN: usize = 32;

/// Which side this is, for ICE and for QUIC alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Sends the offer, nominates the pair, is QUIC's client.
    Controlling,
    /// Answers, follows, is QUIC's server.
    Controlled,
}

/// Two addresses between which datagrams flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Ours: address and port of an own socket.
    pub(crate) local: SocketAddr,
    /// The peer's, as we reach it.
    pub(crate) remote: SocketAddr,
}

/// Why a peer's first signal cannot start a link.
#[derive(Debug, thiserror::Error)]
#[error("the signal does not begin this link")]
pub(crate) struct UnexpectedSignal;

/// A connectivity check to send.
pub(crate) struct Check {
    /// Where it leaves and where it goes.
    pub(crate) pair: Pair,
    /// The STUN message.
    pub(crate) message: Vec<u8>,
}

/// The ICE side of one link.
pub(crate) struct Ice {
    agent: IceAgent,
    role: Role,
    policy: RoutePolicy,
    link: [u8; 16],
    /// Our port in each family; `None` where there is no socket.
    ports: Ports,
    hosts: Vec<IpAddr>,
    serial: u32,
    theirs: Option<u32>,
    signalled: usize,
    nominated: Option<Pair>,
    /// While all pairs are checked again under the nominated one: until when, and which
    /// relayed pair the agent prefers by now.
    looking: Option<(Instant, Option<Pair>)>,
    /// Addresses that relays lend the peer, as it says.
    relayed: Vec<SocketAddr>,
    /// Remote addresses that proved to know our password.
    authentic: Vec<SocketAddr>,
    new_authentic: bool,
    try_again: Option<Instant>,
    /// When the nominated pair last carried anything to us.
    heard: Option<Instant>,
    /// How many checks the peer had answered on it, and since when.
    answered: Option<(u64, Instant)>,
}

/// The ports of the link's sockets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ports {
    /// Of the IPv4 socket.
    pub(crate) v4: Option<u16>,
    /// Of the IPv6 socket.
    pub(crate) v6: Option<u16>,
}

impl Ports {
    fn with(self, address: IpAddr) -> Option<SocketAddr> {
        let port = if address.is_ipv4() { self.v4 } else { self.v6 };
        port.map(|port| SocketAddr::new(address, port))
    }
}

impl Ice {
    /// A link that has said and heard nothing yet.
    pub(crate) fn new(role: Role, policy: RoutePolicy, link: [u8; 16], ports: Ports) -> Self {
        // The agent's own credentials come from a generator that is not for secrets.
        let mut agent = IceAgent::new(credentials());
        agent.set_controlling(role == Role::Controlling);
        agent.set_control_tie_breaker(rand::rng().random());
        agent.set_timing_advance(PACE);
        agent.set_initial_stun_rto(FIRST_RTO);
        agent.set_max_stun_rto(LAST_RTO);
        agent.set_max_stun_retransmits(RETRANSMITS);
        agent.set_max_candidate_pairs(MAX_PAIRS);
        agent.set_local_preference(local_preference);
        Self {
            agent,
            role,
            policy,
            link,
            ports,
            hosts: Vec::new(),
            serial: 0,
            theirs: None,
            signalled: 0,
            nominated: None,
            looking: None,
            relayed: Vec::new(),
            authentic: Vec::new(),
            new_authentic: false,
            try_again: None,
            heard: None,
            answered: None,
        }
    }

    /// What we tell the peer first: an offer or an answer, and which relays it may use.
    /// With a fingerprint it is about a WebRTC channel, else about QUIC.
    pub(crate) fn introduction(
        &self,
        relays: Vec<SharedRelay>,
        fingerprint: Option<Fingerprint>,
    ) -> LinkSignal {
        let creds = self.agent.local_credentials();
        let (link, ufrag, pwd) = (self.link, creds.ufrag.clone(), creds.pass.clone());
        let candidates = self.candidates();
        match self.role {
            Role::Controlling => LinkSignal::Offer {
                link,
                ufrag,
                pwd,
                candidates,
                relays,
                fingerprint,
            },
            Role::Controlled => LinkSignal::Answer {
                link,
                ufrag,
                pwd,
                candidates,
                relays,
                fingerprint,
            },
        }
    }

    /// What we tell the peer whenever our addresses changed: the whole set.
    pub(crate) fn announcement(&mut self) -> LinkSignal {
        self.serial = self.serial.saturating_add(1);
        LinkSignal::Candidates {
            link: self.link,
            serial: self.serial,
            candidates: self.candidates(),
        }
    }

    fn candidates(&self) -> Vec<CandidateInfo> {
        let mut candidates: Vec<_> = self
            .agent
            .local_candidates()
            .filter_map(|candidate| {
                Some(CandidateInfo {
                    address: candidate.addr(),
                    kind: kind(candidate.kind())?,
                    priority: candidate.prio(),
                })
            })
            .collect();
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.priority));
        candidates.truncate(MAX_CANDIDATES);
        candidates
    }

    /// Whether the peer has introduced itself.
    pub(crate) fn has_met(&self) -> bool {
        self.agent.remote_credentials().is_some()
    }

    /// Takes a peer's signal. Signals of other links, repeated introductions and late
    /// candidate sets change nothing.
    pub(crate) fn handle_signal(&mut self, signal: LinkSignal) -> Result<(), UnexpectedSignal> {
        if *signal.link() != self.link {
            return Err(UnexpectedSignal);
        }
        match (self.role, signal) {
            (
                Role::Controlled,
                LinkSignal::Offer {
                    ufrag,
                    pwd,
                    candidates,
                    ..
                },
            )
            | (
                Role::Controlling,
                LinkSignal::Answer {
                    ufrag,
                    pwd,
                    candidates,
                    ..
                },
            ) if !self.has_met() => {
                self.agent
                    .set_remote_credentials(IceCreds { ufrag, pass: pwd });
                self.add_remote(&candidates);
                Ok(())
            }
            (
                _,
                LinkSignal::Candidates {
                    serial, candidates, ..
                },
            ) if self.theirs.is_none_or(|last| serial > last) => {
                self.theirs = Some(serial);
                self.forget_remote_except(&candidates);
                self.add_remote(&candidates);
                if self.nominated.is_none() {
                    // The peer moved, or tries again: so do we, with every pair.
                    self.agent.recreate_candidate_pairs();
                }
                Ok(())
            }
            _ => Err(UnexpectedSignal),
        }
    }

    fn add_remote(&mut self, candidates: &[CandidateInfo]) {
        let known: Vec<_> = self
            .agent
            .remote_candidates()
            .filter_map(|candidate| Some((candidate.addr(), kind(candidate.kind())?)))
            .collect();
        for info in candidates.iter().take(MAX_CANDIDATES) {
            if info.kind == CandidateKind::Relayed && !self.relayed.contains(&info.address) {
                if self.relayed.len() == MAX_SIGNALLED {
                    continue;
                }
                self.relayed.push(info.address);
            }
            let unwanted =
                info.kind == CandidateKind::Relayed && self.policy == RoutePolicy::Direct;
            if unwanted || known.contains(&(info.address, info.kind)) {
                continue;
            }
            if self.signalled == MAX_SIGNALLED {
                return;
            }
            self.signalled += 1;
            self.agent.add_remote_candidate(Candidate::from_parts(
                "1".to_owned(),
                1,
                Protocol::Udp,
                info.priority,
                info.address,
                match info.kind {
                    CandidateKind::Host => IsKind::Host,
                    CandidateKind::ServerReflexive => IsKind::ServerReflexive,
                    CandidateKind::Relayed => IsKind::Relayed,
                },
                None,
                None,
                None,
            ));
        }
    }

    fn forget_remote_except(&mut self, candidates: &[CandidateInfo]) {
        let gone: Vec<_> = self
            .agent
            .remote_candidates()
            .filter(|candidate| {
                kind(candidate.kind()).is_some_and(|kind| {
                    !candidates
                        .iter()
                        .any(|info| info.kind == kind && info.address == candidate.addr())
                })
            })
            .collect();
        for candidate in gone {
            self.agent.invalidate_candidate(&candidate);
        }
    }

    /// Compares the machine's addresses with the candidates; `true` when they changed.
    pub(crate) fn set_own_addresses(&mut self, addresses: &[IpAddr]) -> bool {
        if self.hosts == addresses {
            return false;
        }
        let gone: Vec<_> = self
            .agent
            .local_candidates()
            .filter(|candidate| {
                kind(candidate.kind()).is_some_and(|kind| kind != CandidateKind::Relayed)
                    && !addresses.contains(&candidate.local().ip())
            })
            .collect();
        for candidate in gone {
            self.agent.invalidate_candidate(&candidate);
        }
        // Nothing is gathered that a peer must not learn.
        let shown = if self.policy.hides() { &[] } else { addresses };
        for address in shown {
            let host = self
                .ports
                .with(*address)
                .and_then(|address| Candidate::host(address, Protocol::Udp).ok());
            if let Some(host) = host
                && !self.hosts.contains(address)
                && self.has_room()
            {
                self.agent.add_local_candidate(host);
            }
        }
        self.hosts = addresses.to_vec();
        true
    }

    /// Adds an address that a relay lends us; `true` when the peer should hear of it.
    pub(crate) fn add_relayed(&mut self, relayed: SocketAddr) -> bool {
        offer::is_sendable(relayed)
            && self.has_room()
            && Candidate::relayed(relayed, relayed, Protocol::Udp)
                .is_ok_and(|candidate| self.agent.add_local_candidate(candidate).is_some())
    }

    /// Takes back [`Self::add_relayed`]; `true` when the peer should hear of it.
    pub(crate) fn remove_relayed(&mut self, relayed: SocketAddr) -> bool {
        let gone = self
            .agent
            .local_candidates()
            .find(|candidate| candidate.kind() == IsKind::Relayed && candidate.addr() == relayed);
        gone.is_some_and(|candidate| self.agent.invalidate_candidate(&candidate))
    }

    /// Whether what takes this pair goes through a relay of either side.
    pub(crate) fn is_relayed(&self, pair: Pair) -> bool {
        self.relayed.contains(&pair.remote)
            || self.agent.local_candidates().any(|candidate| {
                candidate.kind() == IsKind::Relayed && candidate.addr() == pair.local
            })
    }

    /// Our own addresses with the port they are reached at, if they may be asked about.
    pub(crate) fn bases(&self) -> Vec<SocketAddr> {
        if self.policy.hides() {
            return Vec::new();
        }
        self.hosts
            .iter()
            .filter_map(|address| self.ports.with(*address))
            .collect()
    }

    /// Adds what a STUN server saw; `true` when the peer should hear of it.
    pub(crate) fn add_reflexive(&mut self, mapped: &gather::Mapped) -> bool {
        if !offer::is_sendable(mapped.mapped) || !self.has_room() {
            return false;
        }
        let known = self
            .agent
            .local_candidates()
            .any(|candidate| candidate.addr() == mapped.mapped);
        if known {
            return false;
        }
        Candidate::server_reflexive(mapped.mapped, mapped.base, Protocol::Udp)
            .is_ok_and(|candidate| self.agent.add_local_candidate(candidate).is_some())
    }

    fn has_room(&self) -> bool {
        self.agent.local_candidates().count() < MAX_LOCAL
    }

    /// Takes a STUN message that arrived at `local` from `remote`.
    pub(crate) fn handle_stun(
        &mut self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        message: &[u8],
    ) {
        let Ok(message) = StunMessage::parse(message) else {
            return;
        };
        // A peer's relay is not the peer.
        if self.policy == RoutePolicy::Direct && self.relayed.contains(&remote) {
            return;
        }
        let known = self.authentic.contains(&remote);
        let full = self.authentic.len() >= MAX_OBSERVED;
        // A peer that invents addresses, its own or ours, gets no more room.
        let invents = message.mapped_address().is_some_and(|mapped| {
            !self.has_room()
                && !self
                    .agent
                    .local_candidates()
                    .any(|candidate| candidate.addr() == mapped)
        });
        if (!known && full) || invents {
            return;
        }
        let handled = self.agent.handle_packet(
            now,
            StunPacket {
                proto: Protocol::Udp,
                source: remote,
                destination: local,
                message,
            },
        );
        if handled
            && self
                .nominated
                .is_some_and(|pair| pair.remote == remote && pair.local == local)
        {
            self.note_heard(now);
        }
        if handled && !known {
            self.authentic.push(remote);
            self.new_authentic = true;
        }
    }

    /// The nominated pair carried something to us at `when`.
    pub(crate) fn note_heard(&mut self, when: Instant) {
        self.heard = self.heard.max(Some(when));
    }

    /// Whether the nominated pair has stopped working, long before its checks run out.
    fn is_dead(&mut self, now: Instant) -> bool {
        if self.nominated.is_none() {
            (self.heard, self.answered) = (None, None);
            return false;
        }
        let heard = *self.heard.get_or_insert(now);
        let count = self.agent.nominated_pair_responses_received().unwrap_or(0);
        let (_, answered) = *self.answered.insert(match self.answered {
            Some((last, since)) if last == count => (last, since),
            _ => (count, now),
        });
        now.saturating_duration_since(heard) > SILENCE
            || now.saturating_duration_since(answered) > CONSENT
    }

    /// Checks all pairs again while the nominated one goes on carrying the link, and leaves
    /// it only for one that needs no relay. Only worth it while that one is relayed; to open
    /// the filters of two translators both sides must look at about the same time.
    pub(crate) fn look_for_better(&mut self, now: Instant) {
        let relayed = self.nominated.is_some_and(|pair| self.is_relayed(pair));
        if relayed && self.looking.is_none() {
            self.looking = Some((now + LOOK, None));
            self.agent.recreate_candidate_pairs();
        }
    }

    /// Lets time pass. Call when [`Self::poll_timeout`] is due and after every input.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let dead = self.is_dead(now);
        if dead {
            self.looking = None;
        }
        if dead || self.try_again.is_some_and(|due| due <= now) {
            self.try_again = Some(now + TRY_AGAIN);
            self.agent.recreate_candidate_pairs();
        }
        self.agent.handle_timeout(now);
        while let Some(event) = self.agent.poll_event() {
            if let IceAgentEvent::NominatedSend {
                source,
                destination,
                ..
            } = event
            {
                let pair = Pair {
                    local: source,
                    remote: destination,
                };
                let relayed = self.is_relayed(pair);
                match &mut self.looking {
                    Some((_, preferred)) if relayed => *preferred = Some(pair),
                    _ => self.nominate(Some(pair), now),
                }
            }
        }
        let over = self.looking.is_none_or(|(until, _)| until <= now);
        if let Some((_, preferred)) = self.looking.take_if(|_| over)
            && preferred != self.nominated
        {
            self.nominate(preferred, now);
        }
        if over && !self.agent.state().is_connected() {
            self.nominated = None;
        }
        let searching = self.has_met() && self.nominated.is_none();
        match (searching, self.try_again) {
            (true, None) => self.try_again = Some(now + TRY_AGAIN),
            (false, _) => self.try_again = None,
            (true, Some(_)) => {}
        }
    }

    fn nominate(&mut self, pair: Option<Pair>, now: Instant) {
        (self.nominated, self.looking) = (pair, None);
        (self.heard, self.answered) = (Some(now), None);
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub(crate) fn poll_timeout(&mut self) -> Option<Instant> {
        let looking = self.looking.map(|(until, _)| until);
        let due = [self.agent.poll_timeout(), self.try_again, looking];
        due.into_iter().flatten().min()
    }

    /// The next check to send; call until `None`.
    pub(crate) fn poll_transmit(&mut self) -> Option<Check> {
        self.agent.poll_transmit().map(|transmit| Check {
            pair: Pair {
                local: transmit.source,
                remote: transmit.destination,
            },
            message: transmit.contents.to_vec(),
        })
    }

    /// The pair that carries the link now.
    pub(crate) fn nominated(&self) -> Option<Pair> {
        self.nominated
    }

    /// The round trip of the last check on that pair.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.agent.nominated_pair_rtt()
    }

    /// Remote addresses that sent a valid check, when there are new ones since the last call.
    pub(crate) fn take_authentic(&mut self) -> Option<&[SocketAddr]> {
        std::mem::take(&mut self.new_authentic).then_some(self.authentic.as_slice())
    }
}

fn credentials() -> IceCreds {
    let mut rng = rand::rng();
    IceCreds {
        ufrag: Alphanumeric.sample_string(&mut rng, UFRAG_LEN),
        pass: Alphanumeric.sample_string(&mut rng, PWD_LEN),
    }
}

/// Our name for a kind of candidate that is told to the peer; `None` for those found by checks.
fn kind(kind: IsKind) -> Option<CandidateKind> {
    match kind {
        IsKind::Host => Some(CandidateKind::Host),
        IsKind::ServerReflexive => Some(CandidateKind::ServerReflexive),
        IsKind::Relayed => Some(CandidateKind::Relayed),
        IsKind::PeerReflexive => None,
    }
}

/// RFC 8445 §5.1.2.1: IPv6 before IPv4, earlier before later, loopback last of all.
fn local_preference(candidate: &Candidate, earlier: usize) -> u32 {
    const FAMILY: u32 = 1;
    const LOOPBACK: u32 = 0x4000;
    const OTHER: u32 = 0xfffe;
    let earlier = u32::try_from(earlier).unwrap_or(u32::MAX);
    let start = if candidate.local().ip().is_loopback() {
        LOOPBACK
    } else {
        OTHER
    };
    let preference = start.saturating_sub(earlier.saturating_mul(2)).max(1);
    preference + u32::from(candidate.addr().is_ipv6()) * FAMILY
}

#[cfg(test)]
mod tests;

//! The relay's heart (RFC 8656): bytes and time in, one action out. It opens no
//! socket, reads no clock and waits for nobody.
//!
//! ```text
//!   client ── ChannelData 4001 ──► │ clients[5-tuple] ─► allocation A ─► channel 4001 ─► peer
//!                                  │                                                     │
//!                                  │            peer is relayed address of allocation B ◄┤ is ours
//!   B's client ◄ ChannelData 4007 ─┤ ◄─ B lets A's address in, knows it as 4007          │
//!                                  │                                                     ▼ is not
//!                                  │                                A's socket ── data ──► peer
//! ```
//!
//! On the way between two channels only the number is changed, in place: a datagram is
//! neither copied nor measured anew. Relayed addresses that are only handed over inside
//! the process need no socket; see [`Sockets`].

mod allocation;
mod auth;
mod data;
mod request;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::{Range, RangeInclusive};
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use zeroize::Zeroizing;

use self::auth::Door;
use self::data::write_channel_data;
use self::table::Table;
use super::config::Realm;
use super::limits::Answers;
use super::policy::Policy;
use crate::credential::{InviteId, RelaySecret};
use crate::wire::{Class, Message, method};

/// The time, both kinds.
#[derive(Clone, Copy)]
pub(super) struct Now {
    /// For what lasts so long from now.
    pub(super) instant: Instant,
    /// For what ends on a date: seconds since 1970.
    pub(super) unix: u64,
}

/// How a client came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Via {
    /// By datagrams, through the listening socket of this number.
    Udp(u16),
    /// By the TCP connection of this number, under TLS or not.
    Stream(u64),
}

/// A client as the network shows it: with the socket it came in by, the 5-tuple that
/// an allocation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Client {
    /// Which of the relay's sockets.
    pub(super) via: Via,
    /// The client's address and port.
    pub(super) address: SocketAddr,
    /// The address of ours that it wrote to, where the socket has several.
    pub(super) local: Option<IpAddr>,
}

/// What to do with a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing: it is dropped.
    Nothing,
    /// Its first bytes, changed in place, go to this client.
    Forward { to: Client, len: usize },
    /// What was written into the reply goes to this client.
    Reply { to: Client },
    /// These of its bytes leave by the socket of a relayed address.
    Peer {
        from: SocketAddr,
        to: SocketAddr,
        data: Range<usize>,
    },
}

/// The sockets behind relayed addresses. Where peers are relayed addresses
/// themselves there are none: a datagram never leaves the process on its way.
pub(super) trait Sockets {
    /// An allocation got this relayed address.
    fn open(&mut self, relayed: SocketAddr) -> io::Result<()>;
    /// And has it no longer.
    fn close(&mut self, relayed: SocketAddr);
}

/// What the operator allows.
pub(super) struct Rules {
    /// Whether Binding requests are answered.
    pub(super) stun: bool,
    pub(super) ports: RangeInclusive<u16>,
    pub(super) allocations: u32,
    pub(super) allocations_per_credential: u32,
    /// In bytes per second.
    pub(super) rate_per_credential: Option<f64>,
    /// How far ahead a credential may expire, in seconds.
    pub(super) credential_lifetime: u64,
    /// What challenges name, and keys are derived with.
    pub(super) realm: Realm,
}

/// What happened so far, in numbers that are about nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) allocations: u64,
    pub(super) datagrams: u64,
    pub(super) bytes: u64,
    pub(super) refusals: u64,
}

/// An answer that it did not work: an error code, and its words in the RFCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refused(u16, &'static str);

impl Refused {
    const BAD_REQUEST: Self = Self(400, "Bad Request");
    const UNAUTHENTICATED: Self = Self(401, "Unauthenticated");
    const FORBIDDEN: Self = Self(403, "Forbidden");
    const UNKNOWN_ATTRIBUTE: Self = Self(420, "Unknown Attribute");
    const MISMATCH: Self = Self(437, "Allocation Mismatch");
    const STALE_NONCE: Self = Self(438, "Stale Nonce");
    const FAMILY_NOT_SUPPORTED: Self = Self(440, "Address Family not Supported");
    const WRONG_CREDENTIALS: Self = Self(441, "Wrong Credentials");
    const TRANSPORT_NOT_SUPPORTED: Self = Self(442, "Unsupported Transport Protocol");
    const PEER_FAMILY_MISMATCH: Self = Self(443, "Peer Address Family Mismatch");
    const QUOTA_REACHED: Self = Self(486, "Allocation Quota Reached");
    const NO_CAPACITY: Self = Self(508, "Insufficient Capacity");

    /// Whether the client is told how to try again: realm and a fresh nonce.
    fn is_a_challenge(self) -> bool {
        self == Self::UNAUTHENTICATED || self == Self::STALE_NONCE
    }
}

/// The engine.
pub(super) struct Turn {
    rules: Rules,
    policy: Policy,
    /// There is none where TURN is not served.
    door: Option<Door>,
    table: Table,
    answers: Answers,
    counts: Counts,
    rng: StdRng,
}

impl Turn {
    /// `relayed` are the addresses that allocations get, one for each family at most;
    /// none gets one of `taken`. `seed` is where all its randomness comes from.
    pub(super) fn new(
        rules: Rules,
        policy: Policy,
        relayed: &[IpAddr],
        taken: &[SocketAddr],
        secret: Option<RelaySecret>,
        seed: [u8; 32],
        now: Now,
    ) -> Self {
        let mut rng = StdRng::from_seed(seed);
        let door = secret.map(|secret| {
            let nonce_key = draw_key(&mut rng);
            let realm = rules.realm.clone();
            Door::new(secret, nonce_key, rules.credential_lifetime, realm)
        });
        Self {
            policy,
            door,
            table: Table::new(relayed, &rules.ports, taken),
            answers: Answers::new(draw_key(&mut rng), now.instant),
            counts: Counts::default(),
            rules,
            rng,
        }
    }

    /// A datagram from a client. It may be changed in place; an answer is written
    /// into `reply`.
    pub(super) fn hear_client(
        &mut self,
        now: Now,
        client: Client,
        bytes: &mut [u8],
        reply: &mut Vec<u8>,
        sockets: &mut impl Sockets,
    ) -> Action {
        // Nobody sends from port 0, and nothing can be sent there.
        if client.address.port() == 0 {
            return Action::Nothing;
        }
        match bytes.first() {
            Some(0x40..=0x4f) => self
                .channel(now, client, bytes, reply)
                .unwrap_or(Action::Nothing),
            Some(0x00..=0x3f) => self.message(now, client, bytes, reply, sockets),
            _ => Action::Nothing,
        }
    }

    /// A datagram that reached the socket of a relayed address.
    pub(super) fn hear_peer(
        &mut self,
        now: Now,
        relayed: SocketAddr,
        peer: SocketAddr,
        data: &[u8],
        reply: &mut Vec<u8>,
    ) -> Action {
        // Our own addresses do not take this way: somebody pretends.
        if self.policy.is_relayed(peer.ip()) {
            return Action::Nothing;
        }
        let Some(allocation) = self.table.by_relayed(relayed) else {
            return Action::Nothing;
        };
        let (owner, to) = (allocation.owner, allocation.client);
        if !allocation.permits(peer.ip(), now.instant) {
            return Action::Nothing;
        }
        let channel = allocation.channel_to(peer, now.instant);
        if !self.may_send(owner, data.len(), now) {
            return Action::Nothing;
        }
        match channel {
            Some(number) => write_channel_data(reply, number, data),
            None => self.write_data_indication(reply, peer, data),
        }
        Action::Reply { to }
    }

    /// Lets go of what has expired. To be called about once a second.
    pub(super) fn expire(&mut self, now: Now, sockets: &mut impl Sockets) {
        for id in self
            .table
            .those(|allocation| allocation.expires <= now.instant)
        {
            self.remove(id, sockets);
        }
        if self.answers.is_old(now.instant) {
            self.answers = Answers::new(draw_key(&mut self.rng), now.instant);
        }
    }

    /// Allocations altogether, of one invite, and bytes per second of one.
    pub(super) fn limits(&self) -> (u32, u32, Option<f64>) {
        let rules = &self.rules;
        let each = rules.allocations_per_credential;
        (rules.allocations, each, rules.rate_per_credential)
    }

    /// From now on, these.
    pub(super) fn limit(&mut self, all: u32, each: u32, rate: Option<f64>) {
        self.rules.allocations = all;
        self.rules.allocations_per_credential = each;
        self.rules.rate_per_credential = rate;
    }

    /// Whether a stranger may connect: to be admitted costs as much as an answer.
    pub(super) fn admits(&mut self, ip: IpAddr, now: Now) -> bool {
        self.answers.take(ip, now.instant)
    }

    /// Whether this client has an allocation.
    pub(super) fn knows(&self, client: &Client) -> bool {
        self.table.by_client(client).is_some()
    }

    /// The connections whose clients have an allocation.
    pub(super) fn connected(&self) -> HashSet<u64> {
        let connection = |client: &Client| match client.via {
            Via::Stream(number) => Some(number),
            Via::Udp(_) => None,
        };
        self.table.clients().filter_map(connection).collect()
    }

    /// This client's connection ended, and what it held ends with it.
    pub(super) fn leave(&mut self, client: &Client, sockets: &mut impl Sockets) {
        if let Some(id) = self.table.by_client(client) {
            self.remove(id, sockets);
        }
    }

    /// From now on these invites, and no others, are revoked. What they hold ends.
    pub(super) fn revoke(&mut self, invites: HashSet<InviteId>, sockets: &mut impl Sockets) {
        for id in self
            .table
            .those(|allocation| invites.contains(&allocation.owner))
        {
            self.remove(id, sockets);
        }
        if let Some(door) = &mut self.door {
            door.revoke(invites);
        }
    }

    /// What happened so far.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Allocations that live.
    pub(super) fn allocations(&self) -> usize {
        self.table.len()
    }

    fn remove(&mut self, id: table::Id, sockets: &mut impl Sockets) {
        if let Some(allocation) = self.table.remove(id) {
            sockets.close(allocation.relayed);
        }
    }

    fn message(
        &mut self,
        now: Now,
        client: Client,
        bytes: &[u8],
        reply: &mut Vec<u8>,
        sockets: &mut impl Sockets,
    ) -> Action {
        let Ok(message) = Message::parse(bytes) else {
            return Action::Nothing;
        };
        let answered = match (message.class(), message.method()) {
            (Class::Indication, method::SEND) => {
                return self
                    .send(now, client, &message, reply)
                    .unwrap_or(Action::Nothing);
            }
            (Class::Request, method::BINDING) if self.rules.stun => {
                self.binding(now, client, &message, reply)
            }
            (
                Class::Request,
                method::ALLOCATE
                | method::REFRESH
                | method::CREATE_PERMISSION
                | method::CHANNEL_BIND,
            ) => self.request(now, client, &message, reply, sockets),
            _ => false,
        };
        if answered {
            Action::Reply { to: client }
        } else {
            Action::Nothing
        }
    }
}

fn draw_key(rng: &mut StdRng) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    rng.fill_bytes(key.as_mut_slice());
    key
}

//! Requests: Binding of RFC 8489, and the four of RFC 8656 that change an allocation.
//!
//! Each of the four is looked at in the same order: who is it, is it understood, is it
//! allowed, and only then is anything changed.

use std::net::SocketAddr;

use super::allocation::{Allocation, BindError, LIFETIME};
use super::auth::Visitor;
use super::table::Id;
use super::{Client, Now, Refused, Sockets, Turn};
use crate::wire::{CHANNELS, Class, Message, UDP, Writer, attribute, method};

/// Ports tried when the system refuses a relayed address that nobody here has.
const TRIES: usize = 8;
/// Attributes that are named in a refusal, at most.
const MOST_UNKNOWN: usize = 4;
/// Peers that one request may name.
const MOST_PEERS: usize = 8;

/// What a request is answered with when it worked.
enum Done {
    Allocated(SocketAddr),
    Refreshed(u32),
    Installed,
}

impl Turn {
    /// Tells a client its address. No word about this software.
    pub(super) fn binding(
        &mut self,
        now: Now,
        client: Client,
        message: &Message<'_>,
        reply: &mut Vec<u8>,
    ) -> bool {
        if !self.answers.take(client.address.ip(), now.instant) {
            return false;
        }
        // An open server is asked for nothing by these; they change no answer.
        let known = [attribute::PRIORITY, attribute::USE_CANDIDATE];
        if let Some(unknown) = unknown(message, &known) {
            self.refuse(
                now,
                client,
                message,
                Refused::UNKNOWN_ATTRIBUTE,
                Some(&unknown),
                None,
                reply,
            );
            return true;
        }
        let mut writer = Writer::new(
            reply,
            Class::Success,
            method::BINDING,
            message.transaction(),
        );
        writer.xor_address(attribute::XOR_MAPPED_ADDRESS, client.address);
        if message.has_fingerprint() {
            writer.fingerprint();
        }
        true
    }

    /// Allocate, Refresh, CreatePermission, ChannelBind.
    pub(super) fn request(
        &mut self,
        now: Now,
        client: Client,
        message: &Message<'_>,
        reply: &mut Vec<u8>,
        sockets: &mut impl Sockets,
    ) -> bool {
        let Some(door) = &self.door else {
            return false;
        };
        let visitor = match door.check(message, client.address, now.unix) {
            Ok(visitor) => visitor,
            Err(refused) => {
                // Strangers are answered, as long as they are not too many.
                let answered = self.answers.take(client.address.ip(), now.instant);
                if answered {
                    self.refuse(now, client, message, refused, None, None, reply);
                }
                return answered;
            }
        };
        if let Some(unknown) = unknown(message, known(message.method())) {
            let refused = Refused::UNKNOWN_ATTRIBUTE;
            self.refuse(
                now,
                client,
                message,
                refused,
                Some(&unknown),
                Some(&visitor),
                reply,
            );
            return true;
        }
        let done = match message.method() {
            method::ALLOCATE => self.allocate(now, client, message, &visitor, sockets),
            method::REFRESH => self.refresh(now, client, message, &visitor, sockets),
            method::CREATE_PERMISSION => self.create_permission(now, client, message, &visitor),
            _ => self.channel_bind(now, client, message, &visitor),
        };
        match done {
            Ok(done) => accept(client, message, &done, &visitor, reply),
            Err(refused) => self.refuse(now, client, message, refused, None, Some(&visitor), reply),
        }
        true
    }

    /// RFC 8656 §7.2.
    fn allocate(
        &mut self,
        now: Now,
        client: Client,
        message: &Message<'_>,
        visitor: &Visitor,
        sockets: &mut impl Sockets,
    ) -> Result<Done, Refused> {
        if let Some(there) = self
            .table
            .by_client(&client)
            .and_then(|id| self.table.get(id))
        {
            // The same request once more: its answer was lost.
            let again = there.transaction == message.transaction() && there.owner == visitor.invite;
            return if again {
                Ok(Done::Allocated(there.relayed))
            } else {
                Err(Refused::MISMATCH)
            };
        }
        match message
            .attribute(attribute::REQUESTED_TRANSPORT)
            .map(|it| it.value)
        {
            Some([UDP, _, _, _]) => {}
            Some([_, _, _, _]) => return Err(Refused::TRANSPORT_NOT_SUPPORTED),
            _ => return Err(Refused::BAD_REQUEST),
        }
        let ip = family(message)?
            .map_or_else(|| self.table.ip(false), |ipv6| self.table.ip(ipv6))
            .ok_or(Refused::FAMILY_NOT_SUPPORTED)?;
        if self.table.held_by(visitor.invite) >= self.rules.allocations_per_credential {
            return Err(Refused::QUOTA_REACHED);
        }
        if self.table.len() >= self.rules.allocations as usize {
            return Err(Refused::NO_CAPACITY);
        }
        let even = match message.attribute(attribute::EVEN_PORT).map(|it| it.value) {
            None => false,
            Some([0x00..=0x7f]) => true,
            // The port above as well, for later: nothing is reserved here.
            Some([0x80..=0xff]) => return Err(Refused::NO_CAPACITY),
            Some(_) => return Err(Refused::BAD_REQUEST),
        };
        for _ in 0..TRIES {
            let relayed = self
                .table
                .draw(ip, even, &mut self.rng)
                .ok_or(Refused::NO_CAPACITY)?;
            if sockets.open(relayed).is_ok() {
                let (owner, transaction) = (visitor.invite, message.transaction());
                let allocation = Allocation::new(client, relayed, owner, transaction, now.instant);
                let burst = self.rules.rate_per_credential.unwrap_or_default();
                self.table.insert(allocation, burst, now.instant);
                self.counts.allocations += 1;
                return Ok(Done::Allocated(relayed));
            }
        }
        Err(Refused::NO_CAPACITY)
    }

    /// RFC 8656 §8.2.
    fn refresh(
        &mut self,
        now: Now,
        client: Client,
        message: &Message<'_>,
        visitor: &Visitor,
        sockets: &mut impl Sockets,
    ) -> Result<Done, Refused> {
        let id = self.of(client, visitor)?;
        let allocation = self.table.get_mut(id).ok_or(Refused::MISMATCH)?;
        if family(message)?.is_some_and(|ipv6| ipv6 != allocation.relayed.is_ipv6()) {
            return Err(Refused::PEER_FAMILY_MISMATCH);
        }
        match message.attribute(attribute::LIFETIME).map(|it| it.number()) {
            None | Some(Some(1..)) => {
                allocation.refresh(now.instant);
                Ok(Done::Refreshed(LIFETIME))
            }
            Some(Some(0)) => {
                self.remove(id, sockets);
                Ok(Done::Refreshed(0))
            }
            Some(None) => Err(Refused::BAD_REQUEST),
        }
    }

    /// RFC 8656 §10.2: all of the peers, or none.
    fn create_permission(
        &mut self,
        now: Now,
        client: Client,
        message: &Message<'_>,
        visitor: &Visitor,
    ) -> Result<Done, Refused> {
        let id = self.of(client, visitor)?;
        let peers = || {
            message
                .attributes()
                .filter(|it| it.kind == attribute::XOR_PEER_ADDRESS)
        };
        match peers().count() {
            0 => return Err(Refused::BAD_REQUEST),
            1..=MOST_PEERS => {}
            _ => return Err(Refused::NO_CAPACITY),
        }
        let transaction = message.transaction();
        for peer in peers() {
            let peer = peer.xor_address(&transaction).ok_or(Refused::BAD_REQUEST)?;
            self.check_peer(id, peer)?;
        }
        let ips = peers()
            .filter_map(|it| it.xor_address(&transaction))
            .map(|peer| peer.ip());
        let allocation = self.table.get_mut(id).ok_or(Refused::MISMATCH)?;
        if allocation.permit(ips, now.instant) {
            Ok(Done::Installed)
        } else {
            Err(Refused::NO_CAPACITY)
        }
    }

    /// RFC 8656 §12.2.
    fn channel_bind(
        &mut self,
        now: Now,
        client: Client,
        message: &Message<'_>,
        visitor: &Visitor,
    ) -> Result<Done, Refused> {
        let id = self.of(client, visitor)?;
        let number = match message
            .attribute(attribute::CHANNEL_NUMBER)
            .map(|it| it.value)
        {
            Some([a, b, _, _]) => u16::from_be_bytes([*a, *b]),
            _ => return Err(Refused::BAD_REQUEST),
        };
        let peer = message
            .attribute(attribute::XOR_PEER_ADDRESS)
            .and_then(|it| it.xor_address(&message.transaction()))
            .filter(|peer| CHANNELS.contains(&number) && peer.port() != 0)
            .ok_or(Refused::BAD_REQUEST)?;
        self.check_peer(id, peer)?;
        let allocation = self.table.get_mut(id).ok_or(Refused::MISMATCH)?;
        match allocation.bind(number, peer, now.instant) {
            Ok(()) => Ok(Done::Installed),
            Err(BindError::Taken) => Err(Refused::BAD_REQUEST),
            Err(BindError::Full) => Err(Refused::NO_CAPACITY),
        }
    }

    /// The allocation of this client. An invite may go on with a later credential of
    /// its own: a day is the life of a password, not of a link.
    fn of(&self, client: Client, visitor: &Visitor) -> Result<Id, Refused> {
        let id = self.table.by_client(&client).ok_or(Refused::MISMATCH)?;
        let allocation = self.table.get(id).ok_or(Refused::MISMATCH)?;
        if allocation.owner == visitor.invite {
            Ok(id)
        } else {
            Err(Refused::WRONG_CREDENTIALS)
        }
    }

    fn check_peer(&self, id: Id, peer: SocketAddr) -> Result<(), Refused> {
        let allocation = self.table.get(id).ok_or(Refused::MISMATCH)?;
        if allocation.relayed.is_ipv6() != peer.is_ipv6() {
            return Err(Refused::PEER_FAMILY_MISMATCH);
        }
        if self.policy.permits(peer.ip()) {
            Ok(())
        } else {
            Err(Refused::FORBIDDEN)
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "everything a refusal may have to say"
    )]
    fn refuse(
        &mut self,
        now: Now,
        client: Client,
        message: &Message<'_>,
        refused: Refused,
        unknown: Option<&[u8]>,
        visitor: Option<&Visitor>,
        reply: &mut Vec<u8>,
    ) {
        self.counts.refusals += 1;
        let Refused(code, reason) = refused;
        let mut writer = Writer::new(reply, Class::Error, message.method(), message.transaction());
        writer.error(code, reason);
        if let Some(unknown) = unknown {
            writer.attribute(attribute::UNKNOWN_ATTRIBUTES, unknown);
        }
        if let Some(door) = self.door.as_ref().filter(|_| refused.is_a_challenge()) {
            writer
                .attribute(attribute::REALM, door.realm().as_bytes())
                .attribute(attribute::NONCE, &door.nonce(client.address, now.unix));
        }
        sign(&mut writer, message, visitor);
    }
}

fn accept(
    client: Client,
    message: &Message<'_>,
    done: &Done,
    visitor: &Visitor,
    reply: &mut Vec<u8>,
) {
    let mut writer = Writer::new(
        reply,
        Class::Success,
        message.method(),
        message.transaction(),
    );
    match done {
        Done::Allocated(relayed) => {
            writer
                .xor_address(attribute::XOR_RELAYED_ADDRESS, *relayed)
                .attribute(attribute::LIFETIME, &LIFETIME.to_be_bytes())
                .xor_address(attribute::XOR_MAPPED_ADDRESS, client.address);
        }
        Done::Refreshed(lifetime) => {
            writer.attribute(attribute::LIFETIME, &lifetime.to_be_bytes());
        }
        Done::Installed => {}
    }
    sign(&mut writer, message, Some(visitor));
}

/// The codes that the request had, too.
fn sign(writer: &mut Writer<'_>, message: &Message<'_>, visitor: Option<&Visitor>) {
    if let Some(visitor) = visitor {
        writer.integrity(visitor.integrity, &visitor.key);
    }
    if message.has_fingerprint() {
        writer.fingerprint();
    }
}

/// Whether REQUESTED-ADDRESS-FAMILY asks for IPv6, if it is there.
fn family(message: &Message<'_>) -> Result<Option<bool>, Refused> {
    match message
        .attribute(attribute::REQUESTED_ADDRESS_FAMILY)
        .map(|it| it.value)
    {
        None => Ok(None),
        Some([1, _, _, _]) => Ok(Some(false)),
        Some([2, _, _, _]) => Ok(Some(true)),
        Some([_, _, _, _]) => Err(Refused::FAMILY_NOT_SUPPORTED),
        Some(_) => Err(Refused::BAD_REQUEST),
    }
}

/// What a request may carry beside its credential.
fn known(method: u16) -> &'static [u16] {
    match method {
        method::ALLOCATE => &[
            attribute::REQUESTED_TRANSPORT,
            attribute::REQUESTED_ADDRESS_FAMILY,
            attribute::LIFETIME,
            attribute::EVEN_PORT,
            // Every datagram of ours forbids fragments.
            attribute::DONT_FRAGMENT,
        ],
        method::REFRESH => &[attribute::LIFETIME, attribute::REQUESTED_ADDRESS_FAMILY],
        method::CREATE_PERMISSION => &[attribute::XOR_PEER_ADDRESS],
        _ => &[attribute::XOR_PEER_ADDRESS, attribute::CHANNEL_NUMBER],
    }
}

/// The first types that must be understood and are not, as UNKNOWN-ATTRIBUTES has them.
fn unknown(message: &Message<'_>, known: &[u16]) -> Option<Vec<u8>> {
    let credential = [attribute::USERNAME, attribute::REALM, attribute::NONCE];
    let types: Vec<u8> = message
        .attributes()
        .map(|it| it.kind)
        .filter(|kind| {
            attribute::must_be_understood(*kind)
                && !known.contains(kind)
                && !credential.contains(kind)
        })
        .take(MOST_UNKNOWN)
        .flat_map(u16::to_be_bytes)
        .collect();
    (!types.is_empty()).then_some(types)
}

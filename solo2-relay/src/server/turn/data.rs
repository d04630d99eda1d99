//! Data on its way (RFC 8656 §11, §12): from one channel to another, and the longer ways.

use std::net::SocketAddr;

use rand::Rng as _;

use super::{Action, Client, Now, Turn};
use crate::credential::InviteId;
use crate::server::policy::Peers;
use crate::wire::{
    CHANNEL_HEADER_LEN, Class, Message, TransactionId, Writer, attribute, channel_data, method,
};

impl Turn {
    /// ChannelData: the way that nearly everything takes.
    pub(super) fn channel(
        &mut self,
        now: Now,
        client: Client,
        bytes: &mut [u8],
        reply: &mut Vec<u8>,
    ) -> Option<Action> {
        let (number, data) = channel_data(bytes)?;
        let len = data.len();
        let sender = self.table.get(self.table.by_client(&client)?)?;
        let (from, owner) = (sender.relayed, sender.owner);
        let peer = sender.peer_of(number, now.instant)?;
        let way = self.way(from, peer, now)?;
        if !self.may_send(owner, len, now) {
            return None;
        }
        match way {
            Way::Channel(to, number) => {
                bytes
                    .first_chunk_mut::<2>()?
                    .copy_from_slice(&number.to_be_bytes());
                Some(Action::Forward {
                    to,
                    len: CHANNEL_HEADER_LEN + len,
                })
            }
            Way::Indication(to) => {
                let data = bytes.get(CHANNEL_HEADER_LEN..CHANNEL_HEADER_LEN + len)?;
                self.write_data_indication(reply, from, data);
                Some(Action::Reply { to })
            }
            Way::Outside => Some(Action::Peer {
                from,
                to: peer,
                data: CHANNEL_HEADER_LEN..CHANNEL_HEADER_LEN + len,
            }),
        }
    }

    /// A Send indication: the same by a longer way.
    pub(super) fn send(
        &mut self,
        now: Now,
        client: Client,
        message: &Message<'_>,
        reply: &mut Vec<u8>,
    ) -> Option<Action> {
        let known = |kind| {
            matches!(
                kind,
                attribute::XOR_PEER_ADDRESS | attribute::DATA | attribute::DONT_FRAGMENT
            ) || !attribute::must_be_understood(kind)
        };
        if !message.attributes().all(|it| known(it.kind)) {
            return None;
        }
        let transaction = message.transaction();
        let peer = message
            .attribute(attribute::XOR_PEER_ADDRESS)?
            .xor_address(&transaction)?;
        let data = message.attribute(attribute::DATA)?;
        let sender = self.table.get(self.table.by_client(&client)?)?;
        let (from, owner) = (sender.relayed, sender.owner);
        if !sender.permits(peer.ip(), now.instant) || peer.port() == 0 {
            return None;
        }
        let way = self.way(from, peer, now)?;
        if !self.may_send(owner, data.value.len(), now) {
            return None;
        }
        match way {
            Way::Channel(to, number) => {
                write_channel_data(reply, number, data.value);
                Some(Action::Reply { to })
            }
            Way::Indication(to) => {
                self.write_data_indication(reply, from, data.value);
                Some(Action::Reply { to })
            }
            Way::Outside => {
                let start = data.start;
                Some(Action::Peer {
                    from,
                    to: peer,
                    data: start..start + data.value.len(),
                })
            }
        }
    }

    /// How data goes from a relayed address of ours to a peer.
    fn way(&self, from: SocketAddr, peer: SocketAddr, now: Now) -> Option<Way> {
        if !self.policy.is_relayed(peer.ip()) {
            return (self.policy.peers() == Peers::Public).then_some(Way::Outside);
        }
        let receiver = self.table.by_relayed(peer)?;
        if !receiver.permits(from.ip(), now.instant) {
            return None;
        }
        Some(match receiver.channel_to(from, now.instant) {
            Some(number) => Way::Channel(receiver.client, number),
            None => Way::Indication(receiver.client),
        })
    }

    /// Counts a datagram, once: where it enters.
    pub(super) fn may_send(&mut self, owner: InviteId, len: usize, now: Now) -> bool {
        let may = self
            .rules
            .rate_per_credential
            .is_none_or(|rate| self.table.spend(owner, len, rate, now.instant));
        if may {
            self.counts.datagrams += 1;
            self.counts.bytes += len as u64;
        }
        may
    }

    pub(super) fn write_data_indication(
        &mut self,
        reply: &mut Vec<u8>,
        peer: SocketAddr,
        data: &[u8],
    ) {
        let mut transaction: TransactionId = [0; 12];
        self.rng.fill_bytes(&mut transaction);
        Writer::new(reply, Class::Indication, method::DATA, transaction)
            .xor_address(attribute::XOR_PEER_ADDRESS, peer)
            .attribute(attribute::DATA, data);
    }
}

/// Where data for a peer goes.
enum Way {
    /// To a client of ours that has a channel for the sender.
    Channel(Client, u16),
    /// To a client of ours that has none.
    Indication(Client),
    /// Out.
    Outside,
}

pub(super) fn write_channel_data(reply: &mut Vec<u8>, number: u16, data: &[u8]) {
    reply.clear();
    reply.extend_from_slice(&number.to_be_bytes());
    reply.extend_from_slice(&u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
    reply.extend_from_slice(data);
}

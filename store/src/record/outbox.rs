//! Something on its way to a contact.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::{MAX_OUTBOX, at_most};
use crate::error::TxError;

/// Something on its way to a contact, kept until the contact has it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct OutboxItem {
    /// The message in the history that this carries.
    pub message: Option<[u8; 16]>,
    /// The content, encoded.
    pub content: Vec<u8>,
    /// The content, encrypted: empty until it was.
    pub envelopes: Vec<Vec<u8>>,
    /// Number of the first envelope on its session.
    pub first_seq: u64,
    /// Unix time in milliseconds.
    pub queued_at_ms: u64,
    /// Unix time in milliseconds after which it is not worth sealing any more.
    pub give_up_at_ms: Option<u64>,
    /// The one route that it may take, in numbers of the program's.
    pub route: Option<u8>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Stored {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    message: Option<[u8; 16]>,
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    content: Vec<u8>,
    #[n(2)]
    envelopes: Vec<ByteVec>,
    #[n(3)]
    first_seq: u64,
    #[n(4)]
    queued_at_ms: u64,
    #[n(5)]
    give_up_at_ms: Option<u64>,
    #[n(6)]
    route: Option<u8>,
}

impl OutboxItem {
    pub(crate) fn check(&self) -> Result<(), TxError> {
        let envelopes: usize = self
            .envelopes
            .iter()
            .map(|envelope| envelope.len() + 8)
            .sum();
        at_most(
            self.content.len() + envelopes,
            MAX_OUTBOX,
            "the outbox item",
        )
    }

    pub(crate) fn encode(&self) -> zeroize::Zeroizing<Vec<u8>> {
        super::encode(&Stored {
            message: self.message,
            content: self.content.clone(),
            envelopes: self.envelopes.iter().cloned().map(ByteVec::from).collect(),
            first_seq: self.first_seq,
            queued_at_ms: self.queued_at_ms,
            give_up_at_ms: self.give_up_at_ms,
            route: self.route,
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let stored: Stored = super::decode(bytes)?;
        Some(Self {
            message: stored.message,
            content: stored.content,
            envelopes: stored.envelopes.into_iter().map(Vec::from).collect(),
            first_seq: stored.first_seq,
            queued_at_ms: stored.queued_at_ms,
            give_up_at_ms: stored.give_up_at_ms,
            route: stored.route,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn an_item_reads_back_from_its_bytes(
            message: Option<[u8; 16]>,
            content: Vec<u8>,
            envelopes: Vec<Vec<u8>>,
            first_seq: u64,
            route: Option<u8>,
        ) {
            let item = OutboxItem { message, content, envelopes, first_seq, queued_at_ms: 1, give_up_at_ms: None, route };
            assert!(OutboxItem::decode(&item.encode()) == Some(item));
        }

        #[test]
        fn decoding_rubbish_never_panics(bytes: Vec<u8>) {
            let _ = OutboxItem::decode(&bytes);
        }
    }
}

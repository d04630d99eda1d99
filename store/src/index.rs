//! The search index: segments, each sealed under a random key of its own.
//!
//! ```text
//!   messages ──► tail ──seal──► segment ─┐
//!                 ▲              segment ─┼─merge──► segment        old keys destroyed
//!     send, recv  │              segment ─┘
//!    (write no index)               │ a message of it was deleted
//!                                   └──rewrite──► segment without it, old key destroyed
//! ```
//! A segment is fixed blocks of 4 KiB under opaque names in the log: a directory, a map from its
//! documents to messages, a stream of tokens with the documents that have them. What the index
//! promises is always held against the message itself, so an index that lags behind deletions
//! and edits finds nothing that is not there.
//! Spec: docs/protocol/5-vault.md §6.

mod build;
mod candidates;
mod draft;
#[cfg(test)]
mod erasure;
mod lists;
mod merge;
pub(crate) mod posting;
mod read;
mod rewrite;
mod seal;
mod step;
pub(crate) mod token;

use std::sync::{Arc, OnceLock};

use minicbor::{Decode, Encode};
use solo2_crypto::secret::Secret;
use zeroize::Zeroizing;

use crate::bytes::Reader;
use crate::index::merge::Merge;
use crate::index::rewrite::Looked;
use crate::key_page::{SLOTS, Slot};
use crate::keys::VaultKeys;
use crate::record::contact::ContactId;
use crate::row::{Key, Table};

pub(crate) use candidates::Candidates;
pub(crate) use read::{Directory, Docs};
pub use step::{IndexStatus, IndexStep};

/// The slot whose key seals the keys of the segments; no contact ever gets it.
pub(crate) const INDEX_SLOT: Slot = (SLOTS - 1) as Slot;
/// Every block of a segment has so many bytes before it is sealed.
pub(crate) const BLOCK: usize = 4096;
/// Documents a segment has at most.
pub(crate) const MAX_DOCS: usize = 65_536;
const LAYOUT: u8 = 1;

/// The index, in memory.
#[derive(Default)]
pub(crate) struct Index {
    pub(crate) row: IndexRow,
    /// One for each segment of the row.
    pub(crate) open: Vec<Open>,
    /// A segment that is being made out of others.
    merge: Option<Merge>,
    looked: Option<Looked>,
}

/// A segment with its key.
pub(crate) struct Open {
    pub(crate) segment: Segment,
    /// `None` when the record of the keys did not have it.
    pub(crate) key: Option<Secret<32>>,
    directory: OnceLock<Arc<Directory>>,
}

/// What is stored of the index, besides its keys and blocks.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Default)]
#[cbor(map)]
pub(crate) struct IndexRow {
    /// Number of the next segment.
    #[n(0)]
    pub(crate) next: u64,
    /// The segments, oldest number first.
    #[n(1)]
    pub(crate) segments: Vec<Segment>,
    /// Contacts that were removed while segments had words of theirs.
    #[n(2)]
    pub(crate) gone: Vec<Gone>,
}

/// What is stored of one segment.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Segment {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) id: [u8; 16],
    /// Counts up with every segment that is written.
    #[n(1)]
    pub(crate) number: u64,
    /// How many documents it has.
    #[n(2)]
    pub(crate) docs: u32,
    /// Blocks of its directory, of its map, of its tokens.
    #[n(3)]
    pub(crate) blocks: [u32; 3],
    /// When its oldest and its newest document were stored, in seconds.
    #[n(4)]
    pub(crate) first_s: u64,
    #[n(5)]
    pub(crate) last_s: u64,
}

/// A contact that was removed.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Gone {
    #[n(0)]
    pub(crate) contact: ContactId,
    /// Segments before this number may have words of theirs; a later contact may have the same id.
    #[n(1)]
    pub(crate) before: u64,
}

/// Which part of a segment a block belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Part {
    Directory = 0,
    Map = 1,
    Tokens = 2,
}

/// One message in a segment; its place among the others is its document number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Doc {
    /// When it was stored, in seconds: documents are in this order.
    pub(crate) at_s: u64,
    pub(crate) contact: ContactId,
    pub(crate) seq: u64,
    pub(crate) incoming: bool,
    pub(crate) file: bool,
}

impl Part {
    pub(crate) const ALL: [Self; 3] = [Self::Directory, Self::Map, Self::Tokens];

    /// What the block is, for a message about damage.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Map => "map",
            Self::Tokens => "token",
        }
    }
}

impl Segment {
    pub(crate) fn count(&self, part: Part) -> u32 {
        let [directory, map, tokens] = self.blocks;
        match part {
            Part::Directory => directory,
            Part::Map => map,
            Part::Tokens => tokens,
        }
    }

    /// The name of one block in the log.
    pub(crate) fn block_key(&self, keys: &VaultKeys, part: Part, number: u32) -> Key {
        block_key(keys, &self.id, part, number)
    }

    /// The names of all its blocks.
    pub(crate) fn block_keys(&self, keys: &VaultKeys) -> impl Iterator<Item = Key> {
        Part::ALL.into_iter().flat_map(move |part| {
            (0..self.count(part)).map(move |number| self.block_key(keys, part, number))
        })
    }
}

/// The name of one block in the log.
pub(crate) fn block_key(keys: &VaultKeys, id: &[u8; 16], part: Part, number: u32) -> Key {
    let name = [id.as_slice(), &[part as u8], &number.to_be_bytes()].concat();
    keys.name(Table::IndexBlock, &name)
}

/// What a block is sealed with besides its key: its name.
pub(crate) fn block_ad(key: &Key) -> Vec<u8> {
    [b"i", key.as_slice()].concat()
}

impl Index {
    /// Puts the stored row and the stored keys together.
    pub(crate) fn of(row: IndexRow, keys: Option<&[u8]>) -> Self {
        let mut keys = keys.and_then(read_keys).unwrap_or_default();
        let open = row
            .segments
            .iter()
            .map(|segment| {
                let at = keys.iter().position(|(id, _)| *id == segment.id);
                let key = at.map(|at| keys.swap_remove(at).1);
                Open::new(segment.clone(), key)
            })
            .collect();
        Self {
            row,
            open,
            merge: None,
            looked: None,
        }
    }

    /// The keys of the segments, to be stored under the slot of the index.
    pub(crate) fn keys_to_bytes<'k>(
        keys: impl ExactSizeIterator<Item = (&'k [u8; 16], &'k Secret<32>)>,
    ) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(3 + keys.len() * 48));
        bytes.push(LAYOUT);
        for (id, key) in keys {
            bytes.extend_from_slice(id);
            bytes.extend_from_slice(key.expose());
        }
        bytes
    }
}

/// Reads what [`Index::keys_to_bytes`] wrote.
fn read_keys(bytes: &[u8]) -> Option<Vec<([u8; 16], Secret<32>)>> {
    let mut reader = Reader::new(bytes);
    (reader.u8()? == LAYOUT).then_some(())?;
    let mut keys = Vec::new();
    while reader.end().is_none() {
        keys.push((reader.array()?, Secret::from_slice(reader.take(32)?)?));
    }
    Some(keys)
}

impl Open {
    pub(crate) fn new(segment: Segment, key: Option<Secret<32>>) -> Self {
        Self {
            segment,
            key,
            directory: OnceLock::new(),
        }
    }
}

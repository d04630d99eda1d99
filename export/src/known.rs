//! What a document and those it builds on hold, so that the next one can leave it out.
//!
//! ```text
//!   records.idx = ( contact id 16 || count u32be || mark 16 * count )*      contacts and marks ascending
//!   mark(record) = SHA-256("r" || the record, its file's place left out)[0..16]
//!   mark(file)   = SHA-256("f" || message id 16 || BLAKE3 of the file's stream)[0..16]
//! ```
//!
//! A record that changed has another mark, so edits, states, reactions and deletions of
//! old messages are told from what stayed. 16 bytes for each message and file.
//! Spec: docs/protocol/7-export.md §1.1.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use solo2_store::ContactId;

/// What stands for one record, or for one file's contents.
pub(crate) type Mark = [u8; 16];

/// The marks of every conversation.
#[derive(Default)]
pub struct Known(BTreeMap<ContactId, Vec<Mark>>);

impl Known {
    /// Reads what a document says of itself; `None` for what no document says.
    #[must_use]
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut all = BTreeMap::new();
        while !bytes.is_empty() {
            let (id, rest) = bytes.split_first_chunk::<16>()?;
            let (count, rest) = rest.split_first_chunk::<4>()?;
            let count = usize::try_from(u32::from_be_bytes(*count)).ok()?;
            let (marks, rest) = rest.split_at_checked(count.checked_mul(16)?)?;
            let marks = marks.as_chunks::<16>().0.to_vec();
            let behind = all.last_key_value().map(|(last, _)| *last);
            let ascends = marks.is_sorted() && behind.is_none_or(|last| last < ContactId(*id));
            ascends.then_some(())?;
            all.insert(ContactId(*id), marks);
            bytes = rest;
        }
        Some(Self(all))
    }

    /// As it stands in a document.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (contact, marks) in &self.0 {
            bytes.extend_from_slice(&contact.0);
            let count = u32::try_from(marks.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&count.to_be_bytes());
            bytes.extend(marks.iter().take(count as usize).flatten());
        }
        bytes
    }

    /// Whose conversations they are.
    pub fn contacts(&self) -> impl Iterator<Item = ContactId> {
        self.0.keys().copied()
    }

    pub(crate) fn has(&self, contact: ContactId, mark: &Mark) -> bool {
        self.0
            .get(&contact)
            .is_some_and(|marks| marks.binary_search(mark).is_ok())
    }

    pub(crate) fn note(&mut self, contact: ContactId, mut marks: Vec<Mark>) {
        marks.sort_unstable();
        marks.dedup();
        self.0.insert(contact, marks);
    }

    /// Takes over the conversations of `base` that were not gone through, but for `removed`.
    pub(crate) fn keep(&mut self, base: &Known, removed: &[ContactId]) {
        for (contact, marks) in &base.0 {
            if !removed.contains(contact) {
                self.0.entry(*contact).or_insert_with(|| marks.clone());
            }
        }
    }
}

/// The mark of a record, written without the place of its file.
pub(crate) fn record(line: &[u8]) -> Mark {
    cut(Sha256::new().chain_update(b"r").chain_update(line))
}

/// The mark of a file's contents.
pub(crate) fn file(message: &[u8; 16], root: &[u8; 32]) -> Mark {
    cut(Sha256::new()
        .chain_update(b"f")
        .chain_update(message)
        .chain_update(root))
}

fn cut(hash: Sha256) -> Mark {
    let hash: [u8; 32] = hash.finalize().into();
    let [mark, _] = *hash.as_chunks::<16>().0 else {
        return [0; 16];
    };
    mark
}

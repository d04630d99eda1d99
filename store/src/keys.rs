//! The branches of the data key.
//!
//! ```text
//! data key (random, 32 bytes; wrapped in vault.head)
//!   ├─ index     record name -> opaque database key
//!   ├─ mutable   seals mutable records
//!   ├─ log       seals log records that have no key of their own
//!   ├─ digest    counts records into the sealed digests
//!   ├─ key page  seals the slot keys
//!   ├─ anchor    seals the anchor
//!   └─ token     word -> token of the search index
//! ```
//! The data key itself is not kept: what is open holds its branches only.

use solo2_crypto::kdf;
use solo2_crypto::secret::Secret;

use crate::label;
use crate::row::{Key, Table};

/// The seven branches.
pub(crate) struct VaultKeys {
    index: Secret<32>,
    pub(crate) mutable: Secret<32>,
    pub(crate) log: Secret<32>,
    digest: Secret<32>,
    pub(crate) key_page: Secret<32>,
    pub(crate) anchor: Secret<32>,
    pub(crate) token: Secret<32>,
}

impl VaultKeys {
    pub(crate) fn of(data_key: &Secret<32>) -> Self {
        let branch = |label: &[u8]| kdf::expand(data_key.expose(), &[label]);
        Self {
            index: branch(label::INDEX),
            mutable: branch(label::MUTABLE),
            log: branch(label::LOG),
            digest: branch(label::DIGEST),
            key_page: branch(label::KEY_PAGE),
            anchor: branch(label::ANCHOR),
            token: branch(label::TOKEN),
        }
    }

    /// `HMAC(index, table || id)[..16]`.
    pub(crate) fn name(&self, table: Table, id: &[u8]) -> Key {
        let mac = kdf::hmac(self.index.expose(), &[&[table as u8], id]);
        let (key, _) = mac.expose().split_at(16);
        key.try_into().expect("half of 32 bytes")
    }

    /// What one mutable record adds to the digest: `HMAC(digest, 0x6d || key || version)`.
    pub(crate) fn mutable_mark(&self, key: &Key, version: u64) -> [u8; 32] {
        *kdf::hmac(self.digest.expose(), &[b"m", key, &version.to_be_bytes()]).expose()
    }

    /// What one log record adds to the digest: `HMAC(digest, 0x6c || key)`. It is written once, so it has no version.
    pub(crate) fn log_mark(&self, key: &Key) -> [u8; 32] {
        *kdf::hmac(self.digest.expose(), &[b"l", key]).expose()
    }
}

/// A set of records as one value: the XOR of their marks, and how many there are.
///
/// The marks are outputs of a keyed function that nobody outside sees, and the
/// digest lies sealed in the head, so no other set can be made to fit.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Digest {
    pub(crate) xor: [u8; 32],
    pub(crate) count: u64,
}

impl Digest {
    pub(crate) fn add(&mut self, mark: &[u8; 32]) {
        self.flip(mark);
        self.count = self.count.wrapping_add(1);
    }

    pub(crate) fn remove(&mut self, mark: &[u8; 32]) {
        self.flip(mark);
        self.count = self.count.wrapping_sub(1);
    }

    /// Takes in a set that has no record in common with this one.
    pub(crate) fn join(&mut self, other: &Digest) {
        self.flip(&other.xor);
        self.count = self.count.wrapping_add(other.count);
    }

    fn flip(&mut self, mark: &[u8; 32]) {
        for (place, byte) in self.xor.iter_mut().zip(mark) {
            *place ^= byte;
        }
    }
}

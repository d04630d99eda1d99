//! The head of the vault: one record per commit that vouches for all others.

use crate::bytes::Reader;
use crate::keys::Digest;

/// What the last commit left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct VaultHead {
    /// Its number.
    pub(crate) commit: u64,
    /// The generation of slot keys that opens the secret records.
    pub(crate) generation: u64,
    /// Every mutable record but this one, with its version.
    pub(crate) mutable: Digest,
    /// Every log record.
    pub(crate) log: Digest,
    /// Number of the next inbox entry; the first is 1.
    pub(crate) inbox_next: u64,
    /// The last inbox entry that was taken out.
    pub(crate) inbox_cursor: u64,
}

const LAYOUT: u8 = 1;

impl VaultHead {
    /// The head of a vault in which nothing was committed yet.
    pub(crate) fn first() -> Self {
        Self {
            commit: 1,
            generation: 1,
            mutable: Digest::default(),
            log: Digest::default(),
            inbox_next: 1,
            inbox_cursor: 0,
        }
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = vec![LAYOUT];
        for number in [
            self.commit,
            self.generation,
            self.inbox_next,
            self.inbox_cursor,
        ] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for digest in [self.mutable, self.log] {
            bytes.extend_from_slice(&digest.xor);
            bytes.extend_from_slice(&digest.count.to_be_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        (reader.u8()? == LAYOUT).then_some(())?;
        let [commit, generation, inbox_next, inbox_cursor] =
            [reader.u64()?, reader.u64()?, reader.u64()?, reader.u64()?];
        let mut digest = || {
            Some(Digest {
                xor: reader.array()?,
                count: reader.u64()?,
            })
        };
        let head = Self {
            commit,
            generation,
            mutable: digest()?,
            log: digest()?,
            inbox_next,
            inbox_cursor,
        };
        reader.end()?;
        Some(head)
    }
}

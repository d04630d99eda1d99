//! Keys of messages that have not arrived yet.
//!
//! Grouped by header key: an arriving envelope is tried against the few distinct header
//! keys, not against every stored message. Bounded in number and in age, so that a lost
//! message's key does not live for ever and a peer cannot fill the store.

use std::collections::{BTreeMap, VecDeque};

use zeroize::Zeroizing;

use super::chain::{MAX_SKIP, MessageKey};
use super::header::{self, SEALED_HEADER_LEN};
use crate::secret::Secret;
use crate::wire::{Malformed, Reader, Writer};

/// Keys kept per ratchet; beyond it the oldest go. Two full steps' worth.
pub const MAX_SKIPPED: usize = 2 * MAX_SKIP as usize;

/// Distinct header keys kept per ratchet; beyond it the oldest go with their message keys.
/// Bounds the trial decryptions that one garbage envelope costs.
pub const MAX_SKIPPED_CHAINS: usize = 100;

/// A skipped key is dropped after 30 days.
pub const SKIPPED_LIFETIME_SECS: u64 = 30 * 24 * 60 * 60;

/// All skipped keys, oldest chain first.
#[derive(Default)]
pub(crate) struct SkippedKeys {
    chains: VecDeque<SkippedChain>,
}

struct SkippedChain {
    header_key: Secret<32>,
    keys: BTreeMap<u32, SkippedKey>,
}

struct SkippedKey {
    key: MessageKey,
    since_secs: u64,
}

impl SkippedKey {
    fn expired(&self, now_secs: u64) -> bool {
        now_secs.saturating_sub(self.since_secs) >= SKIPPED_LIFETIME_SECS
    }
}

impl SkippedKeys {
    /// The header and the header key's place, if any kept header key opens `sealed`.
    pub(crate) fn open_header(
        &self,
        sealed: &[u8; SEALED_HEADER_LEN],
    ) -> Option<(usize, Zeroizing<Vec<u8>>)> {
        self.chains.iter().enumerate().find_map(|(place, chain)| {
            let header = header::open(&chain.header_key, sealed).ok()?;
            Some((place, header))
        })
    }

    /// The place of a header key that is known already.
    pub(crate) fn place_of(&self, header_key: &Secret<32>) -> Option<usize> {
        self.chains
            .iter()
            .position(|chain| chain.header_key.same_as(header_key))
    }

    /// The key of message `number` under the header key at `place`, unless used or expired.
    pub(crate) fn key(&self, place: usize, number: u32, now_secs: u64) -> Option<&MessageKey> {
        let skipped = self.chains.get(place)?.keys.get(&number)?;
        (!skipped.expired(now_secs)).then_some(&skipped.key)
    }

    /// Destroys the key of a message that has arrived.
    pub(crate) fn remove(&mut self, place: usize, number: u32) {
        if let Some(chain) = self.chains.get_mut(place) {
            chain.keys.remove(&number);
            if chain.keys.is_empty() {
                self.chains.remove(place);
            }
        }
    }

    /// Keeps the keys that a chain passed over, and the bounds.
    pub(crate) fn insert(
        &mut self,
        header_key: &Secret<32>,
        keys: Vec<(u32, MessageKey)>,
        now_secs: u64,
    ) {
        if keys.is_empty() {
            return;
        }
        let keys = keys.into_iter().map(|(number, key)| {
            let since_secs = now_secs;
            (number, SkippedKey { key, since_secs })
        });
        match self
            .chains
            .iter_mut()
            .find(|chain| chain.header_key.same_as(header_key))
        {
            Some(chain) => chain.keys.extend(keys),
            None => self.chains.push_back(SkippedChain {
                header_key: header_key.duplicate(),
                keys: keys.collect(),
            }),
        }
        while self.chains.len() > MAX_SKIPPED_CHAINS {
            self.chains.pop_front();
        }
        let mut excess = self.len().saturating_sub(MAX_SKIPPED);
        while excess > 0 {
            let Some(oldest) = self.chains.front_mut() else {
                break;
            };
            if oldest.keys.pop_first().is_some() {
                excess -= 1;
            }
            if oldest.keys.is_empty() {
                self.chains.pop_front();
            }
        }
    }

    /// Drops what is older than [`SKIPPED_LIFETIME_SECS`]; tells whether anything was.
    pub(crate) fn drop_expired(&mut self, now_secs: u64) -> bool {
        let before = self.len();
        for chain in &mut self.chains {
            chain.keys.retain(|_, skipped| !skipped.expired(now_secs));
        }
        self.chains.retain(|chain| !chain.keys.is_empty());
        self.len() != before
    }

    /// Number of keys kept.
    pub(crate) fn len(&self) -> usize {
        self.chains.iter().map(|chain| chain.keys.len()).sum()
    }

    /// Upper bound of what [`SkippedKeys::write`] appends.
    pub(crate) fn encoded_len(&self) -> usize {
        2 + self.chains.len() * (32 + 2) + self.len() * (4 + 8 + 32)
    }

    /// `chains u16be || (header key 32 || keys u16be || (number u32be || since u64be || key 32)…)…`
    pub(crate) fn write(&self, writer: &mut Writer) {
        let count = |len: usize| u16::try_from(len).expect("at most MAX_SKIPPED");
        writer.u16(count(self.chains.len()));
        for chain in &self.chains {
            writer
                .secret(&chain.header_key)
                .u16(count(chain.keys.len()));
            for (&number, skipped) in &chain.keys {
                writer
                    .u32(number)
                    .u64(skipped.since_secs)
                    .secret(skipped.key.secret());
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut skipped = Self::default();
        let mut total = 0;
        let chains = usize::from(reader.u16()?);
        if chains > MAX_SKIPPED_CHAINS {
            return Err(Malformed);
        }
        for _ in 0..chains {
            let header_key = reader.secret()?;
            let count = usize::from(reader.u16()?);
            total += count;
            if count == 0 || total > MAX_SKIPPED {
                return Err(Malformed);
            }
            let mut keys = BTreeMap::new();
            for _ in 0..count {
                let number = reader.u32()?;
                let since_secs = reader.u64()?;
                let key = MessageKey::new(reader.secret()?);
                if keys
                    .last_key_value()
                    .is_some_and(|(&last, _)| last >= number)
                {
                    return Err(Malformed);
                }
                keys.insert(number, SkippedKey { key, since_secs });
            }
            skipped.chains.push_back(SkippedChain { header_key, keys });
        }
        Ok(skipped)
    }
}

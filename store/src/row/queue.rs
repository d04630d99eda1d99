//! The keys of 64 places in one contact's outbox.
//!
//! Each item has a random key of its own, and a new one with each revision; a
//! place that was emptied has none.

use std::collections::BTreeMap;

use rand_core::CryptoRng;
use solo2_crypto::secret::Secret;
use zeroize::Zeroizing;

use super::conversation::PAGE;
use crate::bytes::Reader;

const LAYOUT: u8 = 1;

/// The items of up to 64 places.
#[derive(Default)]
pub(crate) struct Queue(BTreeMap<u8, Item>);

/// One item that is there.
pub(crate) struct Item {
    /// Counts its rewritings.
    pub(crate) revision: u32,
    /// Opens it.
    pub(crate) key: Secret<32>,
}

impl Queue {
    pub(crate) fn get(&self, place: usize) -> Option<&Item> {
        self.0.get(&u8::try_from(place).ok()?)
    }

    /// Draws the key of a new revision.
    pub(crate) fn set<R: CryptoRng>(&mut self, place: usize, revision: u32, rng: &mut R) {
        let place = u8::try_from(place).expect("64 to a queue");
        let key = Secret::random(rng);
        self.0.insert(place, Item { revision, key });
    }

    pub(crate) fn remove(&mut self, place: usize) {
        if let Ok(place) = u8::try_from(place) {
            self.0.remove(&place);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Places that hold an item, in order.
    pub(crate) fn places(&self) -> impl Iterator<Item = (u64, &Item)> {
        self.0.iter().map(|(place, item)| (u64::from(*place), item))
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 + self.0.len() * 37));
        let count = u8::try_from(self.0.len()).expect("64 to a queue");
        bytes.extend_from_slice(&[LAYOUT, count]);
        for (place, item) in &self.0 {
            bytes.push(*place);
            bytes.extend_from_slice(&item.revision.to_be_bytes());
            bytes.extend_from_slice(item.key.expose());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        (reader.u8()? == LAYOUT).then_some(())?;
        let count = reader.u8()?;
        let mut items = BTreeMap::new();
        for _ in 0..count {
            let place = reader.u8()?;
            (u64::from(place) < PAGE).then_some(())?;
            let revision = reader.u32()?;
            let key = Secret::from_slice(reader.take(32)?)?;
            items.insert(place, Item { revision, key });
        }
        reader.end()?;
        Some(Self(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn parsing_rubbish_never_panics(bytes: Vec<u8>) {
            let _ = Queue::from_bytes(&bytes);
        }
    }
}

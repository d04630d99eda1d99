//! The keys of 64 messages of one conversation.
//!
//! One base key gives every message its own. Deleting a message *punctures* the
//! page: the survivors' keys are written out, the base key and the deleted
//! message's key are not. With the conversation's slot renewed in the same
//! commit, no older copy of the page opens either.
//!
//! ```text
//! message key   = HMAC(base, "solo2/store/v1/message" || place)      until punctured
//! amendment key = HMAC(message key, "solo2/store/v1/amendment" || number u16be)
//! ```

use rand_core::CryptoRng;
use solo2_crypto::kdf;
use solo2_crypto::secret::Secret;
use zeroize::Zeroizing;

use super::conversation::PAGE;
use crate::bytes::Reader;
use crate::label;

/// At most so many amendments to one message.
pub(crate) const MAX_AMENDMENTS: u16 = 1024;
const LAYOUT: u8 = 1;

/// The keys of up to 64 messages.
pub(crate) struct Page {
    base: Option<Secret<32>>,
    entries: Vec<Entry>,
}

/// What a page knows of one message.
pub(crate) struct Entry {
    /// How many amendments it has.
    pub(crate) amendments: u16,
    /// How often it was rewritten: 1 after it was deleted.
    pub(crate) rewritten: u8,
    own: Option<Secret<32>>,
}

impl Page {
    pub(crate) fn new<R: CryptoRng>(rng: &mut R) -> Self {
        Self {
            base: Some(Secret::random(rng)),
            entries: Vec::new(),
        }
    }

    /// Takes in the next message; the caller opens a new page every 64.
    pub(crate) fn push<R: CryptoRng>(&mut self, rng: &mut R) {
        let own = self.base.is_none().then(|| Secret::random(rng));
        self.entries.push(Entry {
            amendments: 0,
            rewritten: 0,
            own,
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entry(&self, place: usize) -> Option<&Entry> {
        self.entries.get(place)
    }

    /// Counts one more amendment; `None` when there is no room or no such message.
    pub(crate) fn count_amendment(&mut self, place: usize) -> Option<u16> {
        let entry = self.entries.get_mut(place)?;
        let number = entry.amendments;
        if number >= MAX_AMENDMENTS {
            return None;
        }
        entry.amendments += 1;
        Some(number)
    }

    /// The key of one message.
    pub(crate) fn message_key(&self, place: usize) -> Option<Secret<32>> {
        let entry = self.entries.get(place)?;
        if let Some(own) = &entry.own {
            return Some(own.duplicate());
        }
        let base = self.base.as_ref()?;
        let place = u8::try_from(place).ok()?;
        Some(kdf::hmac(base.expose(), &[label::MESSAGE, &[place]]))
    }

    /// Gives one message a new key and forgets its old one, for good.
    pub(crate) fn puncture<R: CryptoRng>(&mut self, place: usize, rng: &mut R) -> Option<()> {
        for other in 0..self.entries.len() {
            let key = self.message_key(other)?;
            self.entries.get_mut(other)?.own = Some(key);
        }
        self.base = None;
        let entry = self.entries.get_mut(place)?;
        entry.own = Some(Secret::random(rng));
        entry.rewritten = entry.rewritten.checked_add(1)?;
        entry.amendments = 0;
        Some(())
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(3 + 32 + self.entries.len() * 36));
        let count = u8::try_from(self.entries.len()).expect("64 to a page");
        bytes.extend_from_slice(&[LAYOUT, u8::from(self.base.is_some()), count]);
        if let Some(base) = &self.base {
            bytes.extend_from_slice(base.expose());
        }
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.amendments.to_be_bytes());
            bytes.extend_from_slice(&[entry.rewritten, u8::from(entry.own.is_some())]);
            if let Some(own) = &entry.own {
                bytes.extend_from_slice(own.expose());
            }
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        (reader.u8()? == LAYOUT).then_some(())?;
        let has_base = reader.u8()? == 1;
        let count = reader.u8()?;
        (u64::from(count) <= PAGE).then_some(())?;
        let base = key_if(has_base, &mut reader)?;
        let mut entries = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let amendments = reader.u16()?;
            let rewritten = reader.u8()?;
            let has_own = reader.u8()? == 1;
            entries.push(Entry {
                amendments,
                rewritten,
                own: key_if(has_own, &mut reader)?,
            });
        }
        reader.end()?;
        Some(Self { base, entries })
    }
}

/// The key of one amendment.
pub(crate) fn amendment_key(message_key: &Secret<32>, number: u16) -> Secret<32> {
    kdf::hmac(
        message_key.expose(),
        &[label::AMENDMENT, &number.to_be_bytes()],
    )
}

fn key_if(there: bool, reader: &mut Reader<'_>) -> Option<Option<Secret<32>>> {
    if there {
        Some(Secret::from_slice(reader.take(32)?))
    } else {
        Some(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(page: &Page) -> Vec<Option<[u8; 32]>> {
        (0..page.len())
            .map(|place| page.message_key(place).map(|key| *key.expose()))
            .collect()
    }

    #[test]
    fn puncturing_changes_one_key_and_no_other() {
        let rng = &mut rand::rng();
        let mut page = Page::new(rng);
        (0..5).for_each(|_| page.push(rng));
        let before = keys(&page);
        page.puncture(2, rng).expect("place 2 is there");
        let after = keys(&page);
        for place in 0..5 {
            assert_eq!(before[place] == after[place], place != 2, "place {place}");
        }
        let bytes = page.to_bytes();
        let gone = before[2].expect("a key");
        assert!(!bytes.windows(32).any(|window| window == gone));
        page.push(rng);
        let again = Page::from_bytes(&page.to_bytes()).expect("parses");
        assert_eq!(keys(&again), keys(&page));
    }

    proptest::proptest! {
        #[test]
        fn parsing_rubbish_never_panics(bytes: Vec<u8>) {
            let _ = Page::from_bytes(&bytes);
        }
    }
}

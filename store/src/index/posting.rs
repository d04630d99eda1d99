//! Lists of documents as bits, the newest document first.
//!
//! ```text
//! list     = document *, then zeros up to a whole byte
//! document = quotient zeros || 1 || remainder, b bits || [follow]          the highest bit of a byte first
//!   quotient << b | remainder = how many documents lie between it and the one before in the list;
//!                               for the first, how many are newer
//!   b = floor(log2(11/16 of documents in the segment / documents in the list)), at least 0
//! follow   = class, 4 bits, 1 to 15 || nothing       wherever the word stands, such a word is behind it
//!          | 0000 || one bit for each class, 15      words of these; nothing is certain if of none
//! ```
//! Golomb codes with a power of two (Golomb 1966; Rice, Plaunt 1971): about 1.5 bits above what
//! chance leaves to be told. The class of a word tells no more than which fifteenth of all words
//! it is of: enough to leave out most messages that have the words of a phrase, but not in a row.

/// One document in the list of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Posting {
    pub(crate) doc: u32,
    pub(crate) follow: Follow,
}

/// What stands behind a word in a document: one bit for each class of words that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Follow(u16);

/// Classes there are.
const CLASSES: u32 = 15;
/// Bits that name one.
const CLASS_BITS: u32 = 4;

impl Follow {
    /// Not known.
    pub(crate) const ANY: Self = Self(0);
    /// The text ends there. Some words share this class.
    pub(crate) const END: Self = Self(1);

    /// The class of a word by one byte of its hash.
    pub(crate) fn of(hash: u8) -> Self {
        Self(1 << (u32::from(hash) % CLASSES))
    }

    /// Whether a word of class `wanted` may stand there.
    pub(crate) fn admits(self, wanted: Self) -> bool {
        self == Self::ANY || wanted == Self::ANY || self.0 & wanted.0 != 0
    }

    /// What is known of a word that stands in two places.
    fn or(self, other: Self) -> Self {
        match self == Self::ANY || other == Self::ANY {
            true => Self::ANY,
            false => Self(self.0 | other.0),
        }
    }

    fn write(self, bits: &mut Writer, out: &mut Vec<u8>) {
        if self.0.count_ones() == 1 {
            bits.put(out, u64::from(self.0.trailing_zeros() + 1), CLASS_BITS);
        } else {
            bits.put(out, u64::from(self.0), CLASS_BITS + CLASSES);
        }
    }
}

impl Posting {
    /// A document of which no more is known.
    pub(crate) fn plain(doc: u32) -> Self {
        let follow = Follow::ANY;
        Self { doc, follow }
    }
}

/// Puts a list into ascending order, each document once.
pub(crate) fn settle(list: &mut Vec<Posting>) {
    list.sort_unstable_by_key(|posting| posting.doc);
    list.dedup_by(|later, kept| {
        let same = later.doc == kept.doc;
        if same {
            kept.follow = kept.follow.or(later.follow);
        }
        same
    });
}

/// How many bits of a step are its remainder.
pub(crate) fn remainder_bits(docs: u64, count: u64) -> u32 {
    (docs * 11 / 16 / count.max(1)).max(1).ilog2()
}

/// Appends a list, which is in ascending order, to `out`.
pub(crate) fn write(out: &mut Vec<u8>, docs: u32, list: &[Posting], follows: bool) {
    let remainder = remainder_bits(u64::from(docs), list.len() as u64);
    let mut bits = Writer::default();
    let mut behind = docs;
    for posting in list.iter().rev() {
        let step = behind.saturating_sub(posting.doc + 1);
        let mut quotient = step >> remainder;
        while quotient >= 32 {
            bits.put(out, 0, 32);
            quotient -= 32;
        }
        bits.put(out, 1, quotient + 1);
        bits.put(out, u64::from(step) & ((1 << remainder) - 1), remainder);
        if follows {
            posting.follow.write(&mut bits, out);
        }
        behind = posting.doc;
    }
    bits.end(out);
}

#[derive(Default)]
struct Writer {
    held: u64,
    count: u32,
}

impl Writer {
    /// At most 32 bits.
    fn put(&mut self, out: &mut Vec<u8>, bits: u64, count: u32) {
        self.held = self.held << count | bits;
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            out.push((self.held >> self.count) as u8);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.count > 0 {
            self.put(out, 0, 8 - self.count);
        }
    }
}

/// A list that is being read.
pub(crate) struct Reader {
    left: u64,
    /// The document before, or behind the newest of the segment.
    behind: u64,
    remainder: u32,
    follows: bool,
    held: u64,
    count: u32,
}

impl Reader {
    pub(crate) fn new(docs: u32, count: u64, follows: bool) -> Self {
        Self {
            left: count,
            behind: u64::from(docs),
            remainder: remainder_bits(u64::from(docs), count),
            follows,
            held: 0,
            count: 0,
        }
    }

    /// The next document; `Ok(None)` at the end, and `Err` of `None` when it makes no sense.
    pub(crate) fn next<E>(
        &mut self,
        mut byte: impl FnMut() -> Result<u8, E>,
    ) -> Result<Option<Posting>, Option<E>> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut quotient = 0;
        loop {
            if self.count == 0 {
                self.held = u64::from(byte().map_err(Some)?);
                self.count = 8;
            }
            let zeros = (self.held << (64 - self.count)).leading_zeros();
            if zeros < self.count {
                quotient += u64::from(zeros);
                self.count -= zeros + 1;
                break;
            }
            quotient += u64::from(self.count);
            self.count = 0;
            if quotient > self.behind {
                return Err(None);
            }
        }
        let step = quotient << self.remainder | self.take(self.remainder, &mut byte)?;
        let follow = match self.follows {
            true => match self.take(CLASS_BITS, &mut byte)? {
                0 => Follow(self.take(CLASSES, &mut byte)? as u16),
                class => Follow(1 << (class - 1)),
            },
            false => Follow::ANY,
        };
        let doc = self.behind.checked_sub(step + 1).ok_or(None)?;
        self.behind = doc;
        self.left -= 1;
        Ok(Some(Posting {
            doc: doc as u32,
            follow,
        }))
    }

    /// At most 32 bits.
    fn take<E>(
        &mut self,
        bits: u32,
        byte: &mut impl FnMut() -> Result<u8, E>,
    ) -> Result<u64, Option<E>> {
        while self.count < bits {
            self.held = self.held << 8 | u64::from(byte().map_err(Some)?);
            self.count += 8;
        }
        self.count -= bits;
        Ok(self.held >> self.count & ((1 << bits) - 1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(bytes: &[u8], docs: u32, count: u64, follows: bool) -> Result<Vec<Posting>, ()> {
        let mut bytes = bytes.iter().copied();
        let mut reader = Reader::new(docs, count, follows);
        let mut found = Vec::new();
        while let Some(posting) = reader.next(|| bytes.next().ok_or(())).map_err(|_| ())? {
            found.push(posting);
        }
        assert_eq!(bytes.next(), None, "the next entry begins where this ended");
        Ok(found)
    }

    proptest::proptest! {
        #[test]
        fn a_list_reads_as_it_was_written_from_the_newest_on(
            docs in 1u32..=65_536,
            places: BTreeMap<u16, u8>,
            follows: bool,
        ) {
            let mut list: Vec<Posting> = places
                .into_iter()
                .map(|(place, hash)| Posting {
                    doc: u32::from(place) % docs,
                    follow: match follows {
                        true => Follow(u16::from(hash) * u16::from(hash) % (1 << CLASSES)),
                        false => Follow::ANY,
                    },
                })
                .collect();
            settle(&mut list);
            proptest::prop_assume!(!list.is_empty());
            let mut bytes = Vec::new();
            write(&mut bytes, docs, &list, follows);
            let found = read(&bytes, docs, list.len() as u64, follows);
            list.reverse();
            proptest::prop_assert_eq!(found, Ok(list));
        }

        #[test]
        fn reading_rubbish_never_panics(bytes: Vec<u8>, docs in 1u32..=65_536, count in 1u64..1000) {
            let mut rest = bytes.iter().copied();
            let mut reader = Reader::new(docs, count, true);
            while let Ok(Some(posting)) = reader.next(|| rest.next().ok_or(())) {
                proptest::prop_assert!(posting.doc < docs);
            }
        }
    }

    #[test]
    fn one_document_in_two_lists_has_what_either_says() {
        let posting = |doc, hash| Posting {
            doc,
            follow: Follow::of(hash),
        };
        let mut list = vec![posting(7, 3), posting(2, 4), posting(7, 5), posting(2, 4)];
        list.extend([posting(9, 3), Posting::plain(9)]);
        settle(&mut list);
        let [two, seven, nine] = list.try_into().unwrap();
        assert_eq!((two, nine), (posting(2, 4), Posting::plain(9)));
        assert!(seven.doc == 7 && seven.follow.admits(Follow::of(3)));
        assert!(seven.follow.admits(Follow::of(5)) && !seven.follow.admits(Follow::of(4)));
        assert!(Follow::ANY.admits(Follow::of(9)) && Follow::of(9).admits(Follow::of(9)));
        assert!(!Follow::of(9).admits(Follow::of(8)));
    }

    #[test]
    fn a_list_takes_few_bits() {
        // Every document, every tenth, one: 1 bit each, at most 5.5 bits each, 3 bytes.
        for (step, most) in [(1, 8192), (10, 4506), (65_536, 3)] {
            let list: Vec<_> = (0..65_536).step_by(step).map(Posting::plain).collect();
            let mut bytes = Vec::new();
            write(&mut bytes, 65_536, &list, false);
            assert!(bytes.len() <= most, "every {step}: {}", bytes.len());
        }
    }
}

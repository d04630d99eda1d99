//! What was read and is not acknowledged yet, and the hash of what was.
//!
//! ```text
//!   0 ······· base ━━━━━━━━━━━━━ read          at most [`CAPACITY`] bytes are kept
//!      hashed        kept
//! ```
//! The receiver may ask again from anywhere in the kept part, after whatever ended the
//! connection; what is before it is gone. Who asks, and where the bytes come from, is not
//! this module's concern.

use std::collections::VecDeque;

/// Bytes that are kept at most.
pub(super) const CAPACITY: usize = 4 << 20;

/// A window on a stream.
pub(super) struct Spool {
    kept: VecDeque<u8>,
    base: u64,
    /// Of everything before `base`.
    hasher: blake3::Hasher,
}

impl Spool {
    /// A window on nothing yet.
    pub(super) fn new() -> Spool {
        Spool {
            kept: VecDeque::with_capacity(CAPACITY),
            base: 0,
            hasher: blake3::Hasher::new(),
        }
    }

    /// Bytes that were read in all.
    pub(super) fn read(&self) -> u64 {
        self.base + self.kept.len() as u64
    }

    /// Bytes that were acknowledged in all.
    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// Whether everything that was read is acknowledged.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Bytes that may still be added.
    pub(super) fn room(&self) -> usize {
        CAPACITY - self.kept.len()
    }

    /// Adds what was read; the caller has looked for [`Spool::room`].
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.kept.extend(bytes);
    }

    /// Lets go of everything before `offset`; of what was never there, nothing.
    pub(super) fn acknowledge(&mut self, offset: u64) {
        let Some(count) = self.index(offset) else {
            return;
        };
        self.hasher = self.hashed(count);
        self.kept.drain(..count);
        self.base = offset;
    }

    /// The hash of everything before `offset`, if what is behind it is kept.
    pub(super) fn hash(&self, offset: u64) -> Option<[u8; 32]> {
        let count = self.index(offset)?;
        Some(*self.hashed(count).finalize().as_bytes())
    }

    /// Length and hash of everything that was read.
    pub(super) fn whole(&self) -> (u64, [u8; 32]) {
        let hasher = self.hashed(self.kept.len());
        (self.read(), *hasher.finalize().as_bytes())
    }

    /// At most `most` bytes from `offset` on.
    pub(super) fn part(&self, offset: u64, most: usize) -> Vec<u8> {
        let Some(from) = self.index(offset) else {
            return Vec::new();
        };
        let count = most.min(self.kept.len() - from);
        let (front, back) = self.slices(from, from + count);
        [front, back].concat()
    }

    fn index(&self, offset: u64) -> Option<usize> {
        let index = usize::try_from(offset.checked_sub(self.base)?).ok()?;
        (index <= self.kept.len()).then_some(index)
    }

    /// The hash's state behind the first `count` bytes that are kept.
    fn hashed(&self, count: usize) -> blake3::Hasher {
        let mut hasher = self.hasher.clone();
        let (front, back) = self.slices(0, count);
        hasher.update(front).update(back);
        hasher
    }

    fn slices(&self, from: usize, to: usize) -> (&[u8], &[u8]) {
        let (front, back) = self.kept.as_slices();
        let within = |slice: &'_ [u8], before: usize| {
            let start = from.saturating_sub(before).min(slice.len());
            let end = to.saturating_sub(before).min(slice.len());
            start..end
        };
        (
            front.get(within(front, 0)).unwrap_or_default(),
            back.get(within(back, front.len())).unwrap_or_default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes by which every place is told from every other nearby.
    fn stream(len: usize) -> Vec<u8> {
        (0..len)
            .map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8)
            .collect()
    }

    #[test]
    fn what_is_kept_comes_again_from_every_place_and_what_is_not_does_not() {
        let stream = stream(3 * CAPACITY);
        let hash = |len: usize| *blake3::hash(&stream[..len]).as_bytes();
        let mut spool = Spool::new();
        let (mut read, mut base) = (0, 0);
        // Round the ring more than once, in steps that fit nothing.
        for step in 0.. {
            let next = (read + 170_001.min(spool.room())).min(stream.len());
            spool.push(&stream[read..next]);
            read = next;
            if step % 3 == 2 {
                base = read - 300_000.min(read - base);
                spool.acknowledge(base as u64);
            }
            for offset in [base, (base + read) / 2, read - 1, read] {
                assert_eq!(spool.hash(offset as u64), Some(hash(offset)), "{offset}");
                let part = spool.part(offset as u64, 65_536);
                let end = read.min(offset + 65_536);
                assert!(part == stream[offset..end], "{offset}");
            }
            for gone in [Some(read + 1), base.checked_sub(1)].into_iter().flatten() {
                assert_eq!(spool.hash(gone as u64), None);
                assert!(spool.part(gone as u64, 1).is_empty());
            }
            if read == stream.len() {
                break;
            }
        }
        assert!(base > CAPACITY, "{base}");
        assert_eq!(spool.whole(), (read as u64, hash(read)));
    }

    #[test]
    fn an_acknowledgement_of_what_never_was_or_is_long_gone_changes_nothing() {
        let mut spool = Spool::new();
        spool.push(&stream(10));
        spool.acknowledge(11);
        spool.acknowledge(u64::MAX);
        assert_eq!((spool.base(), spool.read()), (0, 10));
        spool.acknowledge(7);
        spool.acknowledge(3);
        assert_eq!((spool.base(), spool.read()), (7, 10));
        assert!(!spool.is_empty());
        spool.acknowledge(10);
        assert!(spool.is_empty());
        assert_eq!(spool.room(), CAPACITY);
    }
}

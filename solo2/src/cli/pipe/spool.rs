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
    fn stream(from: u64, len: usize) -> Vec<u8> {
        (from..from + len as u64)
            .map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8)
            .collect()
    }

    fn hash(len: u64) -> [u8; 32] {
        *blake3::hash(&stream(0, len as usize)).as_bytes()
    }

    #[test]
    fn what_is_kept_comes_again_from_every_place_and_what_is_not_does_not() {
        let mut spool = Spool::new();
        let mut acknowledged = 0;
        // Round the ring more than once, in steps that fit nothing.
        for step in 0..120 {
            let len = 70_001.min(spool.room());
            spool.push(&stream(spool.read(), len));
            if step % 3 == 2 {
                acknowledged = spool.read() - 100_000.min(spool.read() - spool.base());
                spool.acknowledge(acknowledged);
            }
            let read = spool.read();
            for offset in [acknowledged, (acknowledged + read) / 2, read - 1, read] {
                assert_eq!(spool.hash(offset), Some(hash(offset)), "at {offset}");
                let part = spool.part(offset, 65_536);
                let most = (read - offset).min(65_536) as usize;
                assert_eq!(part, stream(offset, most), "at {offset}");
            }
            assert_eq!(spool.hash(read + 1), None);
            assert!(spool.part(read + 1, 1).is_empty());
            if let Some(before) = acknowledged.checked_sub(1) {
                assert_eq!(spool.hash(before), None);
                assert!(spool.part(before, 1).is_empty());
            }
        }
        assert!(spool.base() > 2 * CAPACITY as u64, "{}", spool.base());
        assert_eq!(spool.whole(), (spool.read(), hash(spool.read())));
    }

    #[test]
    fn an_acknowledgement_of_what_never_was_or_is_long_gone_changes_nothing() {
        let mut spool = Spool::new();
        spool.push(&stream(0, 10));
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

//! How far the search index has come with one conversation, and what is the matter behind that.

use minicbor::{Decode, Encode};

/// What the index knows of one conversation.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Default)]
#[cbor(map)]
pub(crate) struct Indexed {
    /// Messages before this number were looked at; those from it on are searched by reading them.
    #[n(0)]
    pub(crate) to: u64,
    /// Looked at, and not indexed: they disappear by themselves. Searched by reading them.
    #[n(1)]
    pub(crate) apart: Numbers,
    /// Edited since they were indexed. Searched by reading them, until they are indexed again.
    #[n(2)]
    pub(crate) again: Numbers,
    /// Deleted since they were indexed: their words are still in a segment.
    #[n(3)]
    pub(crate) dead: Numbers,
}

impl Indexed {
    /// Message `seq` was edited.
    pub(crate) fn edited(&mut self, seq: u64) -> bool {
        seq < self.to && !self.apart.contains(seq) && self.again.insert(seq)
    }

    /// Messages `first..before` are gone, and nothing before them is left.
    pub(crate) fn forgotten(&mut self, first: u64, before: u64) {
        self.apart.remove_before(before);
        self.again.remove_before(before);
        let end = before.min(self.to);
        if first < end {
            self.dead.insert_all(first, end - 1);
        }
    }

    /// Message `seq` was deleted.
    pub(crate) fn deleted(&mut self, seq: u64) -> bool {
        if seq >= self.to {
            return false;
        }
        if self.apart.remove(seq) {
            return true;
        }
        self.again.remove(seq);
        self.dead.insert(seq)
    }
}

/// A set of numbers, as runs `[first, last]` in ascending order that do not touch.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Default)]
#[cbor(transparent)]
pub(crate) struct Numbers(#[n(0)] Vec<(u64, u64)>);

impl Numbers {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        let behind = self.0.partition_point(|(first, _)| *first <= number);
        behind
            .checked_sub(1)
            .and_then(|at| self.0.get(at))
            .is_some_and(|(_, last)| number <= *last)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = u64> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// `false` when it was there.
    pub(crate) fn insert(&mut self, number: u64) -> bool {
        if self.contains(number) {
            return false;
        }
        let at = self.0.partition_point(|(first, _)| *first < number);
        self.0.insert(at, (number, number));
        let runs = std::mem::take(&mut self.0);
        for (first, last) in runs {
            match self.0.last_mut() {
                Some((_, end)) if *end + 1 == first => *end = last,
                _ => self.0.push((first, last)),
            }
        }
        true
    }

    /// Puts every number from `first` to `last` in.
    pub(crate) fn insert_all(&mut self, first: u64, last: u64) {
        let mut runs = std::mem::take(&mut self.0);
        runs.push((first, last));
        runs.sort_unstable();
        for (first, last) in runs {
            match self.0.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => self.0.push((first, last)),
            }
        }
    }

    /// Takes every number below `number` out.
    pub(crate) fn remove_before(&mut self, number: u64) {
        self.0.retain(|(_, last)| *last >= number);
        if let Some((first, _)) = self.0.first_mut() {
            *first = number.max(*first);
        }
    }

    /// `false` when it was not there.
    pub(crate) fn remove(&mut self, number: u64) -> bool {
        if !self.contains(number) {
            return false;
        }
        let runs = std::mem::take(&mut self.0);
        for (first, last) in runs {
            if !(first..=last).contains(&number) {
                self.0.push((first, last));
                continue;
            }
            if first < number {
                self.0.push((first, number - 1));
            }
            if number < last {
                self.0.push((number + 1, last));
            }
        }
        true
    }

    /// Whether the runs are what [`Numbers`] says they are, in `1..to`.
    pub(crate) fn is_sound(&self, to: u64) -> bool {
        let mut behind = 0;
        self.0.iter().all(|(first, last)| {
            let sound = *first > behind && first <= last && *last < to;
            behind = last.saturating_add(1);
            sound
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    proptest::proptest! {
        #[test]
        fn a_set_of_numbers_is_a_set(steps: Vec<(u8, u8, u8)>) {
            let (mut numbers, mut model) = (Numbers::default(), BTreeSet::new());
            for (what, number, more) in steps {
                let number = u64::from(number % 40) + 1;
                let (did, wanted) = match what % 8 {
                    0..4 => (numbers.insert(number), model.insert(number)),
                    4..6 => (numbers.remove(number), model.remove(&number)),
                    6 => {
                        let last = (number + u64::from(more % 8)).min(40);
                        numbers.insert_all(number, last);
                        model.extend(number..=last);
                        (true, true)
                    }
                    _ => {
                        numbers.remove_before(number);
                        model.retain(|one| *one >= number);
                        (true, true)
                    }
                };
                proptest::prop_assert_eq!(did, wanted);
                proptest::prop_assert!(numbers.is_sound(41));
            }
            proptest::prop_assert!(numbers.iter().eq(model.iter().copied()));
            proptest::prop_assert_eq!(numbers.len(), model.len() as u64);
            proptest::prop_assert!((1..=40).all(|n| numbers.contains(n) == model.contains(&n)));
        }
    }

    #[test]
    fn what_disappears_by_itself_is_never_dead_in_the_index() {
        let mut indexed = Indexed {
            to: 10,
            ..Indexed::default()
        };
        indexed.apart.insert(4);
        assert!(!indexed.edited(4) && indexed.edited(5) && !indexed.edited(10));
        assert!(indexed.deleted(4) && indexed.deleted(5) && !indexed.deleted(11));
        assert!(indexed.apart.is_empty() && indexed.again.is_empty());
        assert!(indexed.dead.iter().eq([5]));
    }
}

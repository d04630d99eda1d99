//! Keeping the index, a short step at a time.
//!
//! ```text
//! 1  rewrite  a segment that has words of deleted messages       destroys its key
//!    clear    when none has: forget which messages those were    destroys keys of before
//! 2  seal     what came since into a new segment
//! 3  merge    eight segments of a size into one                  destroys their keys
//! ```
//! Every step leaves an index that is right, so a crash between two costs nothing. What would
//! hold its owner up for long is done in several: until the last of them, on the disk nothing
//! changes.

use std::collections::BTreeMap;

use crate::error::{CommitError, ReadError};
use crate::index::build::{Built, build};
use crate::index::draft::Draft;
use crate::index::lists::Lists;
use crate::index::merge::Merge;
use crate::index::read::Docs;
use crate::index::seal::{Sealed, seal};
use crate::index::{INDEX_SLOT, Index, MAX_DOCS, Open};
use crate::record;
use crate::record::contact::ContactId;
use crate::row::Table;
use crate::row::indexed::Indexed;
use crate::vault::{Change, Changes, Vault};

/// Documents of a segment of each size, at most.
const SIZES: [usize; 3] = [1024, 8192, MAX_DOCS];
/// So many segments of one size become one of the next.
const FANOUT: usize = 8;
/// Documents of lists that are merged in the time in which a message is taken in.
const MERGED: usize = 400;

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexStep {
    /// Nothing: there is nothing to do.
    Idle,
    /// A part of a longer thing, which further steps end. Nothing was written.
    Working,
    /// Took so many messages in.
    Sealed(usize),
    /// Made one segment of several.
    Merged,
    /// Took the words of deleted messages out of a segment, and destroyed its key.
    Rewritten,
}

/// How the index stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IndexStatus {
    /// Segments there are.
    pub segments: usize,
    /// Messages in them.
    pub indexed: u64,
    /// Messages that a search reads because they are in none yet.
    pub tail: u64,
    /// Messages that a search reads because they disappear by themselves.
    pub apart: u64,
    /// Words of deleted messages are still in a segment.
    pub stale: bool,
    /// Blocks of 4 KiB.
    pub blocks: u64,
}

impl Vault {
    /// How the index stands.
    #[must_use]
    pub fn index_status(&self) -> IndexStatus {
        let segments = || self.index().open.iter().map(|open| &open.segment);
        let tail = |peer: &crate::vault::Peer| {
            let tail = peer.tail();
            tail.end.saturating_sub(tail.start) + peer.indexed.again.len()
        };
        IndexStatus {
            segments: segments().count(),
            indexed: segments().map(|segment| u64::from(segment.docs)).sum(),
            tail: self.peers().values().map(tail).sum(),
            apart: self
                .peers()
                .values()
                .map(|peer| peer.indexed.apart.len())
                .sum(),
            stale: self.has_stale(),
            blocks: segments()
                .flat_map(|segment| segment.blocks)
                .map(u64::from)
                .sum(),
        }
    }

    /// Does one thing for the index, in one commit at most. Call it when idle, until it says
    /// [`IndexStep::Idle`].
    ///
    /// New messages are taken in when there are `least` of them; until then a search reads them
    /// one by one. At most `most` are in one step, never more than 1024, and of what is merged no
    /// more than takes as long.
    ///
    /// # Errors
    ///
    /// [`CommitError`]; a damaged index is mended by [`Vault::drop_index`] and further steps.
    pub fn index_step(&mut self, least: usize, most: usize) -> Result<IndexStep, CommitError> {
        let [size, ..] = SIZES;
        let most = most.clamp(1, size);
        if let Some(step) = self.go_on(most)? {
            return Ok(step);
        }
        if self.has_stale() {
            return self.rewrite(most);
        }
        let tail = usize::try_from(self.index_status().tail).unwrap_or(usize::MAX);
        if tail > 0 && tail >= least {
            let Sealed { draft, indexed } = seal(self, most)?;
            let docs = draft.docs.len();
            self.replace(&[], draft, indexed, false)?;
            return Ok(IndexStep::Sealed(docs));
        }
        match self.to_merge() {
            Some(numbers) => self.merge(&numbers, false, most),
            None => Ok(IndexStep::Idle),
        }
    }

    /// Begins to make one segment out of those of these numbers.
    pub(super) fn merge(
        &mut self,
        numbers: &[u64],
        rewrites: bool,
        most: usize,
    ) -> Result<IndexStep, CommitError> {
        let merge = Merge::begin(self, &self.sources(numbers), rewrites)?;
        self.index_mut().merge = Some(merge);
        Ok(self.go_on(most)?.unwrap_or(IndexStep::Working))
    }

    /// Goes on with a segment that is being made, if there is one and it is still wanted.
    fn go_on(&mut self, most: usize) -> Result<Option<IndexStep>, CommitError> {
        let Some(mut merge) = self.index_mut().merge.take() else {
            return Ok(None);
        };
        let numbers = merge.numbers();
        let sources = self.sources(&numbers);
        let wanted = sources.len() == numbers.len()
            && merge.gone == self.index().row.gone
            && (merge.rewrites || !self.has_stale());
        if !wanted {
            return Ok(None);
        }
        if !merge.go_on(self, &sources, most * MERGED)? {
            self.index_mut().merge = Some(merge);
            return Ok(Some(IndexStep::Working));
        }
        let did = match merge.rewrites {
            true => IndexStep::Rewritten,
            false => IndexStep::Merged,
        };
        self.replace(&numbers, merge.finish(), BTreeMap::new(), false)?;
        Ok(Some(did))
    }

    /// Removes the whole index, whatever state it is in. Searches read every message until
    /// [`Vault::index_step`] has made it again.
    ///
    /// # Errors
    ///
    /// [`CommitError`].
    pub fn drop_index(&mut self) -> Result<(), CommitError> {
        let mut changes = Changes::default();
        self.index_dropped(&mut changes);
        let (next, cursor) = (self.head().inbox_next, self.head().inbox_cursor);
        self.apply(changes, next, cursor)?;
        self.forget_index();
        Ok(())
    }

    /// The changes that remove the whole index.
    pub(crate) fn index_dropped(&self, changes: &mut Changes) {
        for open in &self.index().open {
            let names = open.segment.block_keys(self.keys());
            changes.log.extend(names.map(|name| (name, None)));
        }
        changes.renew.push(INDEX_SLOT);
        let contacts = self
            .peers()
            .keys()
            .map(|id| (Table::Indexed, id.0.to_vec()));
        let whole = [(Table::Index, Vec::new()), (Table::IndexKeys, Vec::new())];
        for (table, id) in contacts.chain(whole) {
            changes.mutable.push(Change {
                table,
                id,
                body: None,
                secret: None,
            });
        }
    }

    /// Follows [`Vault::index_dropped`] in memory.
    pub(crate) fn forget_index(&mut self) {
        *self.index_mut() = Index::default();
        for peer in self.peers_mut().values_mut() {
            peer.indexed = Indexed::default();
        }
    }

    /// Segments to make one of: as many as fit of the first size of which there are enough.
    fn to_merge(&self) -> Option<Vec<u64>> {
        let mut above = 0;
        for size in SIZES {
            let mut found: Vec<(usize, u64)> = self
                .index()
                .open
                .iter()
                .map(|open| (open.segment.docs as usize, open.segment.number))
                .filter(|(docs, _)| *docs > above && *docs <= size)
                .collect();
            above = size;
            if found.len() < FANOUT {
                continue;
            }
            found.sort_unstable();
            let mut sum = 0;
            found.retain(|(docs, _)| {
                sum += docs;
                sum <= MAX_DOCS
            });
            found.truncate(FANOUT);
            if found.len() > 1 {
                return Some(found.into_iter().map(|(_, number)| number).collect());
            }
        }
        None
    }

    /// In the order in which the index has them.
    fn sources(&self, numbers: &[u64]) -> Vec<&Open> {
        let open = self.index().open.iter();
        open.filter(|open| numbers.contains(&open.segment.number))
            .collect()
    }

    /// Commits a segment made of `draft` in the place of others.
    ///
    /// Whenever a key must die, the slot of the index gets a new one: then nothing opens any
    /// record of the keys that was written before.
    pub(super) fn replace(
        &mut self,
        replaced: &[u64],
        draft: Draft,
        indexed: BTreeMap<ContactId, Indexed>,
        clear: bool,
    ) -> Result<(), CommitError> {
        let mut row = self.index().row.clone();
        let mut changes = Changes::default();
        for open in self.sources(replaced) {
            let names = open.segment.block_keys(self.keys());
            changes.log.extend(names.map(|name| (name, None)));
        }
        row.segments
            .retain(|segment| !replaced.contains(&segment.number));
        let built = (!draft.docs.is_empty())
            .then(|| build(&draft, row.next, self.keys(), &mut rand::rng()));
        drop(draft);
        let added = built.map(
            |Built {
                 segment,
                 key,
                 blocks,
             }| {
                changes
                    .log
                    .extend(blocks.into_iter().map(|(name, block)| (name, Some(block))));
                row.next += 1;
                row.segments.push(segment.clone());
                Open::new(segment, Some(key))
            },
        );
        if clear {
            row.gone.clear();
        }
        if clear || !replaced.is_empty() {
            changes.renew.push(INDEX_SLOT);
        }
        let kept = self.index().open.iter().chain(&added);
        let keys: Vec<_> = kept
            .filter(|open| !replaced.contains(&open.segment.number))
            .filter_map(|open| Some((&open.segment.id, open.key.as_ref()?)))
            .collect();
        let keys = Index::keys_to_bytes(keys.into_iter());
        for (table, id, body, secret) in [
            (Table::Index, Vec::new(), record::encode(&row), None),
            (Table::IndexKeys, Vec::new(), keys, Some(INDEX_SLOT)),
        ] {
            changes.mutable.push(Change {
                table,
                id,
                body: Some(body),
                secret,
            });
        }
        for (id, indexed) in &indexed {
            changes.mutable.push(Change {
                table: Table::Indexed,
                id: id.0.to_vec(),
                body: Some(record::encode(indexed)),
                secret: None,
            });
        }
        let (next, cursor) = (self.head().inbox_next, self.head().inbox_cursor);
        self.apply(changes, next, cursor)?;

        let index = self.index_mut();
        index.row = row;
        index
            .open
            .retain(|open| !replaced.contains(&open.segment.number));
        index.open.extend(added);
        for (id, indexed) in indexed {
            if let Some(peer) = self.peers_mut().get_mut(&id) {
                peer.indexed = indexed;
            }
        }
        Ok(())
    }

    /// Opens every block of the index; what does not open, and how many segments do.
    pub(crate) fn check_index(&self, problems: &mut Vec<String>) -> Result<u64, ReadError> {
        let mut sound = 0;
        for open in &self.index().open {
            match self.check_segment(open) {
                Ok(()) => sound += 1,
                Err(error @ ReadError::Index { .. }) => problems.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Ok(sound)
    }

    fn check_segment(&self, open: &Open) -> Result<(), ReadError> {
        Docs::new(self, open)?.all()?;
        let mut lists = Lists::new(self, open)?;
        while lists.entry()?.is_some() {
            while lists.posting()?.is_some() {}
        }
        Ok(())
    }
}

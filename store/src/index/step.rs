//! Keeping the index, one commit at a time.
//!
//! ```text
//! 1  rewrite  a segment that has words of deleted messages       destroys its key
//!    clear    when none has: forget which messages those were    destroys keys of before
//! 2  seal     what came since into a new segment
//! 3  merge    eight segments of a size into one                  destroys their keys
//! ```
//! Every step leaves an index that is right, so a crash between two costs nothing.

use std::collections::BTreeMap;

use crate::error::{CommitError, ReadError};
use crate::index::build::{Built, build};
use crate::index::draft::Draft;
use crate::index::merge::merge;
use crate::index::read::Docs;
use crate::index::seal::{Sealed, seal};
use crate::index::{Doc, INDEX_SLOT, Index, MAX_DOCS, Open};
use crate::record;
use crate::record::contact::ContactId;
use crate::row::Table;
use crate::row::indexed::Indexed;
use crate::vault::{Change, Changes, Vault};

/// Documents of a segment of each size, at most.
const SIZES: [usize; 3] = [1024, 8192, MAX_DOCS];
/// So many segments of one size become one of the next.
const FANOUT: usize = 8;

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexStep {
    /// Nothing: there is nothing to do.
    Idle,
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

    /// Does one thing for the index, in one commit. Call it when idle, until it says
    /// [`IndexStep::Idle`].
    ///
    /// New messages are taken in when there are `least` of them, at most `most` in one step;
    /// until then a search reads them one by one.
    ///
    /// # Errors
    ///
    /// [`CommitError`]; a damaged index is mended by [`Vault::drop_index`] and further steps.
    pub fn index_step(&mut self, least: usize, most: usize) -> Result<IndexStep, CommitError> {
        if self.has_stale() {
            self.rewrite()?;
            return Ok(IndexStep::Rewritten);
        }
        let tail = usize::try_from(self.index_status().tail).unwrap_or(usize::MAX);
        if tail > 0 && tail >= least {
            let size = SIZES.into_iter().rev().find(|size| *size <= tail);
            let Sealed { draft, indexed } = seal(self, size.unwrap_or(tail).min(most.max(1)))?;
            let docs = draft.docs.len();
            self.replace(&[], draft, indexed, false)?;
            return Ok(IndexStep::Sealed(docs));
        }
        if let Some(numbers) = self.to_merge() {
            let sources: Vec<&Open> = self.sources(&numbers);
            let draft = merge(self, &sources)?;
            self.replace(&numbers, draft, BTreeMap::new(), false)?;
            return Ok(IndexStep::Merged);
        }
        Ok(IndexStep::Idle)
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

    /// Whether a document of segment `number` is to go.
    pub(crate) fn is_stale(&self, number: u64, doc: &Doc) -> bool {
        let gone = &self.index().row.gone;
        gone.iter()
            .any(|gone| gone.contact == doc.contact && number < gone.before)
            || self
                .peers()
                .get(&doc.contact)
                .is_none_or(|peer| peer.indexed.dead.contains(doc.seq))
    }

    fn has_stale(&self) -> bool {
        !self.index().row.gone.is_empty()
            || self
                .peers()
                .values()
                .any(|peer| !peer.indexed.dead.is_empty())
    }

    /// Writes the first segment with stale documents anew; without one, forgets what was stale.
    fn rewrite(&mut self) -> Result<(), CommitError> {
        for open in &self.index().open {
            let number = open.segment.number;
            let docs = Docs::new(self, open)?.all()?;
            if docs.iter().any(|doc| self.is_stale(number, doc)) {
                let draft = merge(self, &[open])?;
                return self.replace(&[number], draft, BTreeMap::new(), false);
            }
        }
        let cleared = |peer: &crate::vault::Peer| Indexed {
            dead: Default::default(),
            ..peer.indexed.clone()
        };
        let indexed = self
            .peers()
            .iter()
            .filter(|(_, peer)| !peer.indexed.dead.is_empty())
            .map(|(id, peer)| (*id, cleared(peer)))
            .collect();
        let nothing = Draft {
            docs: Vec::new(),
            lists: Vec::new(),
        };
        self.replace(&[], nothing, indexed, true)
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

    fn sources(&self, numbers: &[u64]) -> Vec<&Open> {
        let open = self.index().open.iter();
        open.filter(|open| numbers.contains(&open.segment.number))
            .collect()
    }

    /// Commits a segment made of `draft` in the place of others.
    ///
    /// Whenever a key must die, the slot of the index gets a new one: then nothing opens any
    /// record of the keys that was written before.
    fn replace(
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
        let mut lists = crate::index::Lists::new(self, open)?;
        while let Some(count) = lists.entry()? {
            lists.each(count, |_| true)?;
        }
        Ok(())
    }
}

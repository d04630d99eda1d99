//! Taking the words of deleted messages and removed contacts out of the segments.
//!
//! ```text
//! deleted, removed ──look──► a segment that has it ──rewrite──► one without, old key destroyed
//!                    └─────► none has: forget which messages those were
//! ```

use std::collections::BTreeMap;

use crate::error::CommitError;
use crate::index::build::Stream;
use crate::index::draft::Draft;
use crate::index::read::Docs;
use crate::index::{Doc, IndexStep};
use crate::row::indexed::Indexed;
use crate::vault::{Peer, Vault};

/// Documents that are looked at in one step, before another segment is.
const LOOKED: usize = 32_768;

/// How far the segments were looked through for what is to go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Looked {
    /// How much there was to look for: messages, and contacts. Each only grows until it is none,
    /// or messages become a contact.
    wanted: (u64, usize),
    /// Segments before this number have none of it.
    before: u64,
}

impl Vault {
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

    pub(super) fn has_stale(&self) -> bool {
        self.stale() != (0, 0)
    }

    fn stale(&self) -> (u64, usize) {
        let dead = self.peers().values().map(|peer| peer.indexed.dead.len());
        (dead.sum(), self.index().row.gone.len())
    }

    /// Looks through the next segments, and begins to write one anew if it has stale documents;
    /// behind the last, forgets what was stale.
    pub(super) fn rewrite(&mut self, most: usize) -> Result<IndexStep, CommitError> {
        let wanted = self.stale();
        let mut seen = 0;
        while let Some(number) = self.next_to_look(wanted) {
            if seen > LOOKED {
                return Ok(IndexStep::Working);
            }
            let segments = self.index().open.iter();
            for open in segments.filter(|open| open.segment.number == number) {
                let docs = Docs::new(self, open)?.all()?;
                seen += docs.len();
                if docs.iter().any(|doc| self.is_stale(number, doc)) {
                    return self.merge(&[number], true, most);
                }
            }
            self.index_mut().looked = Some(Looked {
                wanted,
                before: number + 1,
            });
        }
        self.index_mut().looked = None;
        let cleared = |peer: &Peer| Indexed {
            dead: Default::default(),
            ..peer.indexed.clone()
        };
        let indexed: BTreeMap<_, _> = self
            .peers()
            .iter()
            .filter(|(_, peer)| !peer.indexed.dead.is_empty())
            .map(|(id, peer)| (*id, cleared(peer)))
            .collect();
        let nothing = Draft {
            docs: Vec::new(),
            tokens: Stream::new(0),
        };
        self.replace(&[], nothing, indexed, true)?;
        Ok(IndexStep::Rewritten)
    }

    /// The first segment that was not looked through yet for what is to go.
    fn next_to_look(&self, wanted: (u64, usize)) -> Option<u64> {
        let looked = self.index().looked.filter(|looked| looked.wanted == wanted);
        let before = looked.map_or(0, |looked| looked.before);
        let numbers = self.index().open.iter().map(|open| open.segment.number);
        numbers.filter(|number| *number >= before).min()
    }
}

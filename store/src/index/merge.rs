//! One segment out of several, without what was deleted; no message is read for it.
//!
//! It is made piece by piece, so that whoever keeps the index can do other things in between.

use crate::error::ReadError;
use crate::index::build::Stream;
use crate::index::draft::Draft;
use crate::index::lists::{Lists, Place};
use crate::index::posting::{Posting, settle};
use crate::index::read::Docs;
use crate::index::token::Token;
use crate::index::{Doc, Gone, Open};
use crate::vault::Vault;

/// What a token costs, in documents of a list.
const PER_TOKEN: usize = 4;

/// A segment that is to replace others, on its way.
///
/// A message that was indexed again after an edit keeps its words of before: it is still found
/// only where it fits now, and when it is deleted, all of them go.
pub(crate) struct Merge {
    /// It is made to take stale documents out.
    pub(crate) rewrites: bool,
    /// Contacts that were removed before it began. Its number comes after those that are removed
    /// later, so it must not have anything of theirs.
    pub(crate) gone: Vec<Gone>,
    sources: Vec<Source>,
    docs: Vec<Doc>,
    tokens: Stream,
}

/// One of the segments that are replaced.
struct Source {
    number: u64,
    place: Place,
    /// The token of the entry whose list comes next.
    token: Option<Token>,
    /// Where each of its documents goes.
    moves: Vec<Option<u32>>,
}

impl Merge {
    /// Puts the documents of `sources` in order.
    pub(crate) fn begin(
        vault: &Vault,
        sources: &[&Open],
        rewrites: bool,
    ) -> Result<Self, ReadError> {
        let mut kept = Vec::new();
        let mut begun = Vec::with_capacity(sources.len());
        for (source, open) in sources.iter().enumerate() {
            let number = open.segment.number;
            let docs = Docs::new(vault, open)?.all()?;
            begun.push(Source {
                number,
                place: Place::default(),
                token: None,
                moves: vec![None; docs.len()],
            });
            let docs = docs.into_iter().enumerate();
            let docs = docs.filter(|(_, doc)| !vault.is_stale(number, doc));
            kept.extend(docs.map(|(place, doc)| (doc, source, place)));
        }
        kept.sort_unstable();
        let mut docs: Vec<Doc> = Vec::with_capacity(kept.len());
        for (doc, source, place) in kept {
            // What was edited stands in several.
            if docs.last() != Some(&doc) {
                docs.push(doc);
            }
            let moves = begun.get_mut(source).map(|source| &mut source.moves);
            if let Some(to) = moves.and_then(|moves| moves.get_mut(place)) {
                *to = Some(docs.len() as u32 - 1);
            }
        }
        for (source, open) in begun.iter_mut().zip(sources) {
            let mut lists = Lists::new(vault, open)?;
            source.token = lists.entry()?.map(|_| lists.token().cut());
            source.place = lists.pause();
        }
        Ok(Self {
            rewrites,
            gone: vault.index().row.gone.clone(),
            sources: begun,
            tokens: Stream::new(docs.len() as u32),
            docs,
        })
    }

    /// The segments that it replaces.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.sources.iter().map(|source| source.number).collect()
    }

    /// Takes in the lists of tokens until `most` documents were in them; whether all are in.
    ///
    /// `sources` are those it began with.
    pub(crate) fn go_on(
        &mut self,
        vault: &Vault,
        sources: &[&Open],
        most: usize,
    ) -> Result<bool, ReadError> {
        let mut readers = Vec::with_capacity(sources.len());
        for (source, open) in self.sources.iter_mut().zip(sources) {
            let place = std::mem::take(&mut source.place);
            readers.push((Lists::resume(vault, open, place)?, source));
        }
        let mut done = 0;
        let mut list: Vec<Posting> = Vec::new();
        let all = loop {
            let Some(token) = readers.iter().filter_map(|(_, source)| source.token).min() else {
                break true;
            };
            if done >= most {
                break false;
            }
            list.clear();
            for (lists, source) in &mut readers {
                // Several tokens of layout 1 may be one of layout 2.
                while source.token == Some(token) {
                    done += PER_TOKEN;
                    while let Some(posting) = lists.posting()? {
                        done += 1;
                        let to = source.moves.get(posting.doc as usize).copied().flatten();
                        list.extend(to.map(|doc| Posting { doc, ..posting }));
                    }
                    source.token = lists.entry()?.map(|_| lists.token().cut());
                }
            }
            settle(&mut list);
            if !list.is_empty() {
                self.tokens.entry(token, &list);
            }
        };
        for (lists, source) in readers {
            source.place = lists.pause();
        }
        Ok(all)
    }

    /// The draft, once [`Merge::go_on`] said that all is in.
    pub(crate) fn finish(self) -> Draft {
        Draft {
            docs: self.docs,
            tokens: self.tokens,
        }
    }
}

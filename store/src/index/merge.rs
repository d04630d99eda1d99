//! One segment out of several, without what was deleted; no message is read for it.

use std::collections::{BTreeSet, HashMap};

use crate::error::ReadError;
use crate::index::draft::Draft;
use crate::index::read::Docs;
use crate::index::{Doc, Lists, Open};
use crate::record::contact::ContactId;
use crate::vault::Vault;

/// The draft of a segment that replaces `sources`.
///
/// A message that was indexed again after an edit keeps its words of before: it is still found
/// only where it fits now, and when it is deleted, all of them go.
pub(crate) fn merge(vault: &Vault, sources: &[&Open]) -> Result<Draft, ReadError> {
    let mut all = Vec::with_capacity(sources.len());
    let mut order = BTreeSet::new();
    for open in sources {
        let number = open.segment.number;
        let docs = Docs::new(vault, open)?.all()?;
        let kept: Vec<Option<Doc>> = docs
            .into_iter()
            .map(|doc| (!vault.is_stale(number, &doc)).then_some(doc))
            .collect();
        order.extend(kept.iter().flatten().copied());
        all.push(kept);
    }
    let places: HashMap<(ContactId, u64), u32> = order
        .iter()
        .map(|doc| (doc.contact, doc.seq))
        .zip(0..)
        .collect();
    // Where each document of each source goes.
    let place = |doc: Doc| places.get(&(doc.contact, doc.seq)).copied();
    let moves: Vec<Vec<Option<u32>>> = all
        .into_iter()
        .map(|docs| docs.into_iter().map(|doc| place(doc?)).collect())
        .collect();
    Ok(Draft {
        docs: order.into_iter().collect(),
        lists: lists(vault, sources, &moves)?,
    })
}

/// The lists of all sources, token by token.
fn lists(
    vault: &Vault,
    sources: &[&Open],
    moves: &[Vec<Option<u32>>],
) -> Result<Vec<(crate::index::token::Token, Vec<u32>)>, ReadError> {
    let mut readers = Vec::with_capacity(sources.len());
    for (open, moves) in sources.iter().zip(moves) {
        let mut lists = Lists::new(vault, open)?;
        let count = lists.entry()?;
        readers.push((lists, count, moves));
    }
    let mut merged = Vec::new();
    loop {
        let waiting = readers.iter().filter(|(_, count, _)| count.is_some());
        let Some(token) = waiting.map(|(lists, ..)| lists.token()).min() else {
            return Ok(merged);
        };
        let mut docs = Vec::new();
        for (lists, count, moves) in &mut readers {
            let Some(number) = count.filter(|_| lists.token() == token) else {
                continue;
            };
            lists.each(number, |doc| {
                docs.extend(moves.get(doc as usize).copied().flatten());
                true
            })?;
            *count = lists.entry()?;
        }
        if !docs.is_empty() {
            docs.sort_unstable();
            docs.dedup();
            merged.push((token, docs));
        }
    }
}

//! Searching: what no segment has is read, the rest is asked of the segments.
//!
//! ```text
//! tail, apart, edited ──read──────────────────────► fits? ─► hits
//! segments, newest first ──lists──► candidates ─────► fits? ─► hits      until there are enough
//! ```
//! Whatever the index says, a message is found because it fits now.

use std::collections::BTreeMap;

use crate::error::ReadError;
use crate::index::posting::Follow;
use crate::index::token::{Kind, Need, Tokens};
use crate::index::{Candidates, Docs, Open};
use crate::record::contact::ContactId;
use crate::search::{Filter, Hit, Query};
use crate::vault::Vault;
use crate::vault::read::PageReader;

/// Most that one search finds, whatever the caller asks for.
const MOST: usize = 100_000;

impl Vault {
    /// The newest `limit` messages that fit, the newest first.
    ///
    /// Order is by the time at which they were stored. Asks no network and writes nothing.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the database fails, a message does not open, or the index is damaged
    /// ([`ReadError::Index`]; [`Vault::drop_index`] mends that).
    pub fn search(
        &self,
        query: &Query,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Hit>, ReadError> {
        let mut search = Search {
            vault: self,
            query,
            filter,
            limit: limit.min(MOST),
            reader: PageReader::new(self),
            hits: BTreeMap::new(),
        };
        if search.limit > 0 {
            search.read_the_rest()?;
            search.ask_segments()?;
        }
        Ok(search.hits.into_values().rev().collect())
    }
}

struct Search<'v> {
    vault: &'v Vault,
    query: &'v Query,
    filter: &'v Filter,
    limit: usize,
    reader: PageReader<'v>,
    /// At most `limit`, the newest; oldest first.
    hits: BTreeMap<(u64, ContactId, u64), Hit>,
}

impl<'v> Search<'v> {
    /// Whether nothing that was stored before this second can come in any more.
    fn has_enough(&self, at_s: u64) -> bool {
        self.hits.len() >= self.limit
            && self
                .hits
                .first_key_value()
                .is_some_and(|((oldest_ms, ..), _)| at_s < oldest_ms / 1000)
    }

    /// Reads one message, and takes it in if it fits.
    fn look(&mut self, contact: ContactId, seq: u64) -> Result<(), ReadError> {
        // The index may name what was removed since.
        if !self.reader.has(contact, seq) {
            return Ok(());
        }
        let (message, amendments) = self.reader.read(contact, seq)?;
        if !self.filter.admits(contact, &message, &amendments) {
            return Ok(());
        }
        let body = amendments.body(&message).unwrap_or_default();
        let Some(place) = self.query.fits(body) else {
            return Ok(());
        };
        let order = (message.stored_at_ms, contact, seq);
        self.hits.insert(
            order,
            Hit {
                contact,
                seq,
                message,
                amendments,
                place,
            },
        );
        if self.hits.len() > self.limit {
            self.hits.pop_first();
        }
        Ok(())
    }

    /// What no segment answers for.
    fn read_the_rest(&mut self) -> Result<(), ReadError> {
        for (id, peer) in self.vault.peers() {
            if self.filter.contact.is_some_and(|wanted| wanted != *id) {
                continue;
            }
            let indexed = &peer.indexed;
            let rest = peer.tail().chain(indexed.apart.iter());
            for seq in rest.chain(indexed.again.iter()) {
                self.look(*id, seq)?;
            }
        }
        Ok(())
    }

    fn ask_segments(&mut self) -> Result<(), ReadError> {
        let mut tokens = Tokens::new(&self.vault.keys().token);
        let mut needs = Vec::new();
        for clause in &self.query.clauses {
            needs.append(&mut tokens.needs(clause));
        }
        if self.filter.has_file {
            let file = tokens.token(Kind::File, "");
            needs.push(Need::One(file, Follow::ANY));
        }
        if let Some(contact) = self.filter.contact {
            let contact = tokens.token(Kind::Contact, &contact.to_string());
            needs.push(Need::One(contact, Follow::ANY));
        }
        let mut segments: Vec<&'v Open> = self.vault.index().open.iter().collect();
        segments.sort_by_key(|open| std::cmp::Reverse(open.segment.last_s));
        for open in segments {
            if self.has_enough(open.segment.last_s) {
                break;
            }
            self.ask(open, &needs)?;
        }
        Ok(())
    }

    fn ask(&mut self, open: &'v Open, needs: &[Need]) -> Result<(), ReadError> {
        let since_s = self.filter.since_ms.unwrap_or(0) / 1000;
        let until_s = self.filter.until_ms.unwrap_or(u64::MAX) / 1000;
        if open.segment.last_s < since_s || open.segment.first_s > until_s {
            return Ok(());
        }
        let docs = Docs::new(self.vault, open)?;
        let within = docs.within(since_s, until_s);
        let Some(mut found) = Candidates::of(self.vault, open, needs)? else {
            return Ok(());
        };
        while let Some(number) = found.next()? {
            if number >= within.end {
                continue;
            }
            if number < within.start {
                break;
            }
            let doc = docs.get(number)?;
            if self.has_enough(doc.at_s) {
                break;
            }
            let wanted = self.filter.contact.is_none_or(|id| id == doc.contact)
                && self.filter.incoming.is_none_or(|side| side == doc.incoming)
                && (since_s..=until_s).contains(&doc.at_s);
            if wanted {
                self.look(doc.contact, doc.seq)?;
            }
        }
        Ok(())
    }
}

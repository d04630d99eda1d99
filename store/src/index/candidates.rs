//! Documents of a segment that the index lists for every need, the newest first.
//!
//! ```text
//! needs ──► cursors, the shortest leads:   lead  …… 91 ─► 57 ─► 31 ……
//!                                          other …… 91    60 ► 44         57 is in one only
//! ```
//! Lists are read as far as somebody asks for documents, and no further.

use crate::error::ReadError;
use crate::index::Open;
use crate::index::lists::Lists;
use crate::index::posting::Follow;
use crate::index::token::{Need, Token};
use crate::vault::Vault;

/// Documents of a list that are read in the time in which one message is looked at.
const READS_PER_LOOK: u64 = 2048;

/// What fulfils every need in one segment.
pub(crate) struct Candidates<'v> {
    lead: Cursor<'v>,
    others: Vec<Cursor<'v>>,
}

/// Documents of one need, from the newest down.
struct Cursor<'v> {
    source: Source<'v>,
    /// How many there are.
    count: u64,
    /// The document it stands at; `None` before the first and behind the last.
    at: Option<u32>,
    begun: bool,
}

enum Source<'v> {
    /// The last is the next.
    Set(Vec<u32>),
    /// Every document before this.
    All(u32),
    List(Box<Lists<'v>>, Follow),
}

impl<'v> Candidates<'v> {
    /// `None` when a need is fulfilled nowhere.
    pub(crate) fn of(
        vault: &'v Vault,
        open: &'v Open,
        needs: &[Need],
    ) -> Result<Option<Self>, ReadError> {
        let mut cursors = Vec::with_capacity(needs.len());
        for need in needs {
            let cursor = Cursor::of(vault, open, need)?;
            if cursor.count == 0 {
                return Ok(None);
            }
            cursors.push(cursor);
        }
        cursors.sort_by_key(|cursor| cursor.count);
        let mut cursors = cursors.into_iter();
        let lead = cursors
            .next()
            .unwrap_or_else(|| Cursor::new(Source::All(open.segment.docs), open.segment.docs));
        let most = lead.count * READS_PER_LOOK;
        let others = cursors.take_while(|cursor| cursor.count <= most).collect();
        Ok(Some(Self { lead, others }))
    }

    /// The next document, or nothing any more.
    pub(crate) fn next(&mut self) -> Result<Option<u32>, ReadError> {
        'lead: loop {
            let Some(doc) = self.lead.next()? else {
                return Ok(None);
            };
            for other in &mut self.others {
                match other.down_to(doc)? {
                    Some(found) if found == doc => {}
                    Some(_) => continue 'lead,
                    None => return Ok(None),
                }
            }
            return Ok(Some(doc));
        }
    }
}

impl<'v> Cursor<'v> {
    fn new(source: Source<'v>, count: impl Into<u64>) -> Self {
        Self {
            source,
            count: count.into(),
            at: None,
            begun: false,
        }
    }

    fn set(docs: Vec<u32>) -> Self {
        let count = docs.len() as u64;
        Self::new(Source::Set(docs), count)
    }

    fn of(vault: &'v Vault, open: &'v Open, need: &Need) -> Result<Self, ReadError> {
        match need {
            Need::One(token, follow) => Self::one(vault, open, *token, *follow),
            Need::Range(first, last) => Self::range(vault, open, *first, *last),
            Need::Either(all, other) => {
                let mut docs = Vec::new();
                if let Some(mut found) = Candidates::of(vault, open, all)? {
                    while let Some(doc) = found.next()? {
                        docs.push(doc);
                    }
                }
                let mut other = Self::one(vault, open, *other, Follow::ANY)?;
                while let Some(doc) = other.next()? {
                    docs.push(doc);
                }
                docs.sort_unstable();
                docs.dedup();
                Ok(Self::set(docs))
            }
        }
    }

    fn one(
        vault: &'v Vault,
        open: &'v Open,
        token: Token,
        follow: Follow,
    ) -> Result<Self, ReadError> {
        let mut lists = Lists::new(vault, open)?;
        if !lists.is_old() {
            let count = lists.find(token.cut())?.unwrap_or_default();
            return Ok(Self::new(Source::List(Box::new(lists), follow), count));
        }
        let mut docs = Vec::new();
        if lists.find(token)?.is_some() {
            while let Some(posting) = lists.posting()? {
                docs.push(posting.doc);
            }
        }
        Ok(Self::set(docs))
    }

    /// The documents of all tokens from `first` to `last`.
    fn range(
        vault: &'v Vault,
        open: &'v Open,
        first: Token,
        last: Token,
    ) -> Result<Self, ReadError> {
        let mut lists = Lists::new(vault, open)?;
        // One bit for each document.
        let mut found = vec![0u64; open.segment.docs.div_ceil(64) as usize];
        let mut some = lists.find_between(first, last)?.is_some();
        while some {
            while let Some(posting) = lists.posting()? {
                if let Some(bits) = found.get_mut(posting.doc as usize / 64) {
                    *bits |= 1 << (posting.doc % 64);
                }
            }
            some = lists.entry()?.is_some() && lists.token() <= last;
        }
        let docs = (0..).zip(found).flat_map(|(at, bits): (u32, u64)| {
            (0..64)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| at * 64 + bit)
        });
        Ok(Self::set(docs.collect()))
    }

    fn next(&mut self) -> Result<Option<u32>, ReadError> {
        self.begun = true;
        self.at = match &mut self.source {
            Source::Set(docs) => docs.pop(),
            Source::All(behind) => behind.checked_sub(1).inspect(|doc| *behind = *doc),
            Source::List(lists, wanted) => loop {
                match lists.posting()? {
                    Some(posting) if !posting.follow.admits(*wanted) => {}
                    posting => break posting.map(|posting| posting.doc),
                }
            },
        };
        Ok(self.at)
    }

    /// The newest document that is not newer than `doc`.
    fn down_to(&mut self, doc: u32) -> Result<Option<u32>, ReadError> {
        while self.at.is_some_and(|at| at > doc) || !self.begun {
            self.next()?;
        }
        Ok(self.at)
    }
}

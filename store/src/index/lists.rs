//! Reading the token stream of a segment, and what in it fulfils a need.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::ReadError;
use crate::index::build::depth_and_shared;
use crate::index::posting::{self, Posting};
use crate::index::read::Directory;
use crate::index::token::{DEPTH, Token};
use crate::index::{BLOCK, Open, Part};
use crate::vault::Vault;

/// Reads the token stream of one segment.
pub(crate) struct Lists<'v> {
    vault: &'v Vault,
    open: &'v Open,
    directory: Arc<Directory>,
    place: Place,
}

/// How far a token stream has been read; it can go on from there.
#[derive(Default)]
pub(crate) struct Place {
    number: u32,
    at: usize,
    block: Option<Zeroizing<Vec<u8>>>,
    token: Token,
    list: List,
}

/// What is left of the list of the entry read last.
#[derive(Default)]
enum List {
    #[default]
    Nothing,
    /// Layout 1: the oldest first; how many, and the one before.
    Steps(u64, Option<u32>),
    /// The newest first.
    Bits(posting::Reader),
}

impl<'v> Lists<'v> {
    pub(crate) fn new(vault: &'v Vault, open: &'v Open) -> Result<Self, ReadError> {
        Self::resume(vault, open, Place::default())
    }

    /// Goes on where [`Lists::pause`] left off, in the same segment.
    pub(crate) fn resume(
        vault: &'v Vault,
        open: &'v Open,
        place: Place,
    ) -> Result<Self, ReadError> {
        Ok(Self {
            vault,
            open,
            directory: vault.directory(open)?,
            place,
        })
    }

    pub(crate) fn pause(self) -> Place {
        self.place
    }

    /// Goes to the list of a token; how many documents it has.
    pub(crate) fn find(&mut self, token: Token) -> Result<Option<u64>, ReadError> {
        self.find_between(token, token)
    }

    /// Goes to the list of the first token from `first` to `last`; how many documents it has.
    pub(crate) fn find_between(
        &mut self,
        first: Token,
        last: Token,
    ) -> Result<Option<u64>, ReadError> {
        let directory = Arc::clone(&self.directory);
        let starts = &directory.starts;
        let behind = starts.partition_point(|(.., token)| *token < first);
        let next = starts.get(behind);
        let from = match next {
            Some((.., token)) if *token == first => behind,
            _ => behind.saturating_sub(1),
        };
        let Some(start) = starts.get(from) else {
            return Ok(None);
        };
        self.jump(*start);
        while let Some(count) = self.entry()? {
            if self.place.token > last {
                return Ok(None);
            }
            if self.place.token >= first {
                return Ok(Some(count));
            }
            let number = self.place.number;
            while self.posting()?.is_some() {
                if self.place.number != number && from < behind {
                    // Nothing more begins in this block, however long the list is.
                    match next {
                        Some(next) if next.2 <= last => self.jump(*next),
                        _ => return Ok(None),
                    }
                    break;
                }
            }
        }
        Ok(None)
    }

    fn jump(&mut self, (number, at, _): (u32, u16, Token)) {
        self.place = Place {
            number,
            at: usize::from(at),
            ..Place::default()
        };
    }

    /// Reads an entry up to its list; the number of documents in it, or nothing at the end. The
    /// list before was read to its end.
    pub(crate) fn entry(&mut self) -> Result<Option<u64>, ReadError> {
        let place = u64::from(self.place.number) * BLOCK as u64 + self.place.at as u64;
        if place >= self.directory.stream_len {
            return Ok(None);
        }
        let old = self.directory.old;
        let header = self.byte()?;
        let (depth, shared) = match old {
            true => (usize::from(header >> 3 & 7), usize::from(header & 7)),
            false => depth_and_shared(header & 0xf).ok_or_else(|| self.damage())?,
        };
        if depth > DEPTH || shared > depth {
            return Err(self.damage());
        }
        let mut token = Token::default();
        let before = self.place.token.groups;
        for (at, group) in token.groups.iter_mut().enumerate().take(depth) {
            *group = if at < shared {
                before.get(at).copied().unwrap_or_default()
            } else {
                u16::from_be_bytes([self.byte()?, self.byte()?])
            };
        }
        for byte in token.word.iter_mut().take(2 + usize::from(old)) {
            *byte = self.byte()?;
        }
        self.place.token = token;
        let count = match u64::from(header >> if old { 6 } else { 5 }) {
            0 => self.varint()?,
            few => few,
        };
        let docs = self.directory.docs;
        if count == 0 || count > u64::from(docs) {
            return Err(self.damage());
        }
        self.place.list = match old {
            true => List::Steps(count, None),
            false => List::Bits(posting::Reader::new(docs, count, header & 0x10 != 0)),
        };
        Ok(Some(count))
    }

    /// The token of the entry read last.
    pub(crate) fn token(&self) -> Token {
        self.place.token
    }

    /// Whether lists begin with the oldest document.
    pub(crate) fn is_old(&self) -> bool {
        self.directory.old
    }

    /// The next document of the entry read last.
    pub(crate) fn posting(&mut self) -> Result<Option<Posting>, ReadError> {
        match std::mem::take(&mut self.place.list) {
            List::Nothing | List::Steps(0, _) => Ok(None),
            List::Steps(left, before) => {
                let step = self.varint()?;
                let doc = before.map_or(Some(step), |before| step.checked_add(u64::from(before)));
                let doc = doc
                    .filter(|doc| *doc < u64::from(self.directory.docs))
                    .filter(|_| step > 0 || before.is_none())
                    .ok_or_else(|| self.damage())? as u32;
                self.place.list = List::Steps(left - 1, Some(doc));
                Ok(Some(Posting::plain(doc)))
            }
            List::Bits(mut reader) => {
                let posting = reader.next(|| self.byte());
                self.place.list = List::Bits(reader);
                posting.map_err(|error| error.unwrap_or_else(|| self.damage()))
            }
        }
    }

    fn byte(&mut self) -> Result<u8, ReadError> {
        let place = &mut self.place;
        if place.at >= BLOCK {
            place.number += 1;
            place.at = 0;
            place.block = None;
        }
        let block = match &mut place.block {
            Some(block) => block,
            missing => {
                let number = place.number;
                if number >= self.open.segment.count(Part::Tokens) {
                    return Err(self.damage());
                }
                missing.insert(self.vault.block(self.open, Part::Tokens, number)?)
            }
        };
        let byte = block.get(place.at).copied().unwrap_or_default();
        place.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, ReadError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.damage())
    }

    fn damage(&self) -> ReadError {
        ReadError::Index {
            segment: self.open.segment.number,
            part: Part::Tokens.name(),
            block: self.place.number,
        }
    }
}

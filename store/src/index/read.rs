//! Reading a segment. Nothing in it is believed: its blocks are authentic, and still every
//! number is checked, so that a mistake of a writer is damage and not a panic.

use std::cell::RefCell;
use std::sync::Arc;

use solo2_crypto::aead;
use zeroize::Zeroizing;

use crate::bytes::Reader;
use crate::db::Space;
use crate::error::ReadError;
use crate::index::build::{LAYOUT, NONE};
use crate::index::token::{DEPTH, Need, Token};
use crate::index::{BLOCK, Doc, Open, Part, block_ad};
use crate::record::contact::ContactId;
use crate::vault::Vault;

/// The table of contents of a segment.
pub(crate) struct Directory {
    docs: u32,
    stream_len: u64,
    contacts: Vec<ContactId>,
    /// First document of each map block, and its second.
    map: Vec<(u32, u64)>,
    /// Token blocks in which an entry begins: number, where, its token.
    starts: Vec<(u32, u16, Token)>,
}

impl Directory {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        (reader.u8()? == LAYOUT).then_some(())?;
        let docs = reader.u32()?;
        let stream_len = u64::from(reader.u32()?);
        let mut contacts = Vec::new();
        for _ in 0..reader.u16()? {
            contacts.push(ContactId(reader.array()?));
        }
        let mut map = Vec::new();
        for _ in 0..reader.u32()? {
            map.push((reader.u32()?, reader.u64()?));
        }
        let mut starts = Vec::new();
        for number in 0..reader.u32()? {
            let at = reader.u16()?;
            let token = Token::from_bytes(&reader.array()?);
            if at != NONE {
                starts.push((number, at, token));
            }
        }
        let ordered = map.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1)
            && map.first().is_none_or(|(first, _)| *first == 0)
            && map.last().is_none_or(|(first, _)| *first < docs)
            && starts.is_sorted_by(|a, b| a.2 <= b.2);
        ordered.then_some(Self {
            docs,
            stream_len,
            contacts,
            map,
            starts,
        })
    }
}

impl Vault {
    /// One block of a segment.
    pub(crate) fn block(
        &self,
        open: &Open,
        part: Part,
        number: u32,
    ) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        let damage = || ReadError::Index {
            segment: open.segment.number,
            part: part.name(),
            block: number,
        };
        let name = open.segment.block_key(self.keys(), part, number);
        let value = self.db().get(Space::Log, &name)?.ok_or_else(damage)?;
        let key = open.key.as_ref().ok_or_else(damage)?;
        let block = aead::open(key, &value, &block_ad(&name)).map_err(|_| damage())?;
        if block.len() != BLOCK {
            return Err(damage());
        }
        Ok(block)
    }

    /// The directory of a segment, read once.
    pub(crate) fn directory(&self, open: &Open) -> Result<Arc<Directory>, ReadError> {
        if let Some(directory) = open.directory.get() {
            return Ok(directory.clone());
        }
        let mut bytes = Zeroizing::new(Vec::new());
        for number in 0..open.segment.count(Part::Directory) {
            bytes.extend_from_slice(&self.block(open, Part::Directory, number)?);
        }
        let parsed = Directory::parse(&bytes).filter(|directory| {
            directory.docs == open.segment.docs
                && directory.map.len() as u64 == u64::from(open.segment.count(Part::Map))
        });
        let directory = Arc::new(parsed.ok_or(ReadError::Index {
            segment: open.segment.number,
            part: Part::Directory.name(),
            block: 0,
        })?);
        Ok(open.directory.get_or_init(|| directory).clone())
    }
}

/// The documents of one segment.
pub(crate) struct Docs<'v> {
    vault: &'v Vault,
    open: &'v Open,
    directory: Arc<Directory>,
    /// The map block read last.
    last: RefCell<Option<(usize, Vec<Doc>)>>,
}

impl<'v> Docs<'v> {
    pub(crate) fn new(vault: &'v Vault, open: &'v Open) -> Result<Self, ReadError> {
        Ok(Self {
            vault,
            open,
            directory: vault.directory(open)?,
            last: RefCell::new(None),
        })
    }

    /// One document.
    pub(crate) fn get(&self, number: u32) -> Result<Doc, ReadError> {
        let map = &self.directory.map;
        let behind = map.partition_point(|(first, _)| *first <= number);
        let block = behind.checked_sub(1).ok_or_else(|| self.damage(0))?;
        let (first, _) = map.get(block).ok_or_else(|| self.damage(block))?;
        let place = (number - first) as usize;
        if let Some((at, docs)) = &*self.last.borrow()
            && *at == block
        {
            return docs.get(place).copied().ok_or_else(|| self.damage(block));
        }
        let docs = self.read(block)?;
        let doc = docs.get(place).copied().ok_or_else(|| self.damage(block))?;
        self.last.replace(Some((block, docs)));
        Ok(doc)
    }

    /// All documents.
    pub(crate) fn all(&self) -> Result<Vec<Doc>, ReadError> {
        let mut docs = Vec::with_capacity(self.directory.docs as usize);
        for block in 0..self.directory.map.len() {
            docs.append(&mut self.read(block)?);
        }
        Ok(docs)
    }

    /// The documents that may have been stored in this time, to the second.
    pub(crate) fn within(&self, since_s: u64, until_s: u64) -> std::ops::Range<u32> {
        let map = &self.directory.map;
        // The block before may end in the very second with which the next begins.
        let first = map.partition_point(|(_, at_s)| *at_s < since_s);
        let first = first
            .checked_sub(1)
            .and_then(|block| map.get(block))
            .map_or(0, |(first, _)| *first);
        let last = map.partition_point(|(_, at_s)| *at_s <= until_s);
        let last = map
            .get(last)
            .map_or(self.directory.docs, |(first, _)| *first);
        first..last
    }

    fn read(&self, block: usize) -> Result<Vec<Doc>, ReadError> {
        let bytes = self.vault.block(self.open, Part::Map, block as u32)?;
        self.parse(block, &bytes).ok_or_else(|| self.damage(block))
    }

    fn parse(&self, block: usize, bytes: &[u8]) -> Option<Vec<Doc>> {
        let map = &self.directory.map;
        let (first, mut at_s) = *map.get(block)?;
        let end = map
            .get(block + 1)
            .map_or(self.directory.docs, |(first, _)| *first);
        let mut bytes = bytes.iter().copied();
        let mut next = || varint(|| bytes.next());
        (first..end)
            .map(|_| {
                let contact = next()?;
                let seq = next()?;
                at_s = at_s.checked_add(next()?)?;
                Some(Doc {
                    at_s,
                    contact: *self
                        .directory
                        .contacts
                        .get(usize::try_from(contact >> 2).ok()?)?,
                    seq,
                    incoming: contact & 1 == 1,
                    file: contact & 2 == 2,
                })
            })
            .collect()
    }

    fn damage(&self, block: usize) -> ReadError {
        ReadError::Index {
            segment: self.open.segment.number,
            part: Part::Map.name(),
            block: block as u32,
        }
    }
}

/// Reads the token stream of one segment.
pub(crate) struct Lists<'v> {
    vault: &'v Vault,
    open: &'v Open,
    directory: Arc<Directory>,
    number: u32,
    block: Option<Zeroizing<Vec<u8>>>,
    at: usize,
    token: Token,
}

/// Documents that fulfil a need.
pub(crate) enum Found<'v> {
    /// Counted, and not read yet.
    Listed(u64, Box<Lists<'v>>),
    /// In ascending order.
    Read(Vec<u32>),
}

impl<'v> Lists<'v> {
    pub(crate) fn new(vault: &'v Vault, open: &'v Open) -> Result<Self, ReadError> {
        Ok(Self {
            vault,
            open,
            directory: vault.directory(open)?,
            number: 0,
            block: None,
            at: 0,
            token: NOTHING,
        })
    }

    /// What fulfils a need in this segment.
    pub(crate) fn find(
        vault: &'v Vault,
        open: &'v Open,
        need: &Need,
    ) -> Result<Found<'v>, ReadError> {
        match need {
            Need::Range(first, last) => Self::range(vault, open, first, last),
            Need::Either(all, other) => {
                let mut docs = Self::all_of(vault, open, all)?;
                docs.extend(Self::range(vault, open, other, other)?.read()?);
                docs.sort_unstable();
                docs.dedup();
                Ok(Found::Read(docs))
            }
        }
    }

    /// The documents that fulfil every need: the shortest list first, then cut down by the others.
    pub(crate) fn all_of(
        vault: &'v Vault,
        open: &'v Open,
        needs: &[Need],
    ) -> Result<Vec<u32>, ReadError> {
        let mut lists = Vec::with_capacity(needs.len());
        for need in needs {
            let found = Self::find(vault, open, need)?;
            if found.count() == 0 {
                return Ok(Vec::new());
            }
            lists.push(found);
        }
        lists.sort_by_key(Found::count);
        let mut lists = lists.into_iter();
        let mut docs = match lists.next() {
            Some(shortest) => shortest.read()?,
            None => (0..open.segment.docs).collect(),
        };
        for list in lists {
            // Looking at a message costs as much as reading a list of this length.
            if list.count() > docs.len() as u64 * READS_PER_LOOK {
                break;
            }
            list.cut(&mut docs)?;
        }
        Ok(docs)
    }

    fn range(
        vault: &'v Vault,
        open: &'v Open,
        first: &Token,
        last: &Token,
    ) -> Result<Found<'v>, ReadError> {
        let mut lists = Self::new(vault, open)?;
        let starts = &lists.directory.starts;
        let behind = starts.partition_point(|(.., token)| token < first);
        let next = starts.get(behind).map(|(.., token)| *token);
        let from = match next {
            Some(token) if token == *first => behind,
            _ => behind.saturating_sub(1),
        };
        let Some((number, at, _)) = starts.get(from).copied() else {
            return Ok(Found::Read(Vec::new()));
        };
        lists.number = number;
        lists.at = usize::from(at);
        // Nothing that begins in a later block is wanted, however long a list leads there.
        let only_here = next.is_none_or(|token| token > *last);
        let mut docs = Vec::new();
        while let Some(count) = lists.entry()? {
            if lists.token > *last {
                break;
            }
            if lists.token < *first {
                lists.skip(count, only_here.then_some(number))?;
                if only_here && lists.number != number {
                    break;
                }
            } else if first == last {
                return Ok(Found::Listed(count, Box::new(lists)));
            } else {
                lists.each(count, |doc| {
                    docs.push(doc);
                    true
                })?;
            }
        }
        docs.sort_unstable();
        docs.dedup();
        Ok(Found::Read(docs))
    }

    /// Reads an entry up to its list; the number of documents in it, or nothing at the end.
    pub(crate) fn entry(&mut self) -> Result<Option<u64>, ReadError> {
        let place = u64::from(self.number) * BLOCK as u64 + self.at as u64;
        if place >= self.directory.stream_len {
            return Ok(None);
        }
        let header = self.byte()?;
        let shared = usize::from(header & 7);
        let depth = usize::from(header >> 3 & 7);
        if depth > DEPTH || shared > depth {
            return Err(self.damage());
        }
        let mut groups = [0; DEPTH];
        let before = self.token.groups;
        for (at, group) in groups.iter_mut().enumerate().take(depth) {
            *group = if at < shared {
                before.get(at).copied().unwrap_or_default()
            } else {
                u16::from_be_bytes([self.byte()?, self.byte()?])
            };
        }
        let word = [self.byte()?, self.byte()?, self.byte()?];
        self.token = Token { groups, word };
        let count = match u64::from(header >> 6) {
            0 => self.varint()?,
            few => few,
        };
        if count == 0 || count > u64::from(self.directory.docs) {
            return Err(self.damage());
        }
        Ok(Some(count))
    }

    /// The token of the entry read last.
    pub(crate) fn token(&self) -> Token {
        self.token
    }

    /// Calls `visit` with the documents of the entry read last, until it returns `false`.
    pub(crate) fn each(
        &mut self,
        count: u64,
        mut visit: impl FnMut(u32) -> bool,
    ) -> Result<(), ReadError> {
        let mut doc = 0u64;
        for at in 0..count {
            let step = self.varint()?;
            doc = doc.saturating_add(step);
            if doc >= u64::from(self.directory.docs) || (step == 0 && at > 0) {
                return Err(self.damage());
            }
            if !visit(doc as u32) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Passes over a list, or to the end of this block.
    fn skip(&mut self, count: u64, within: Option<u32>) -> Result<(), ReadError> {
        for _ in 0..count {
            while self.byte()? >= 0x80 {}
            if within.is_some_and(|block| block != self.number) {
                break;
            }
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, ReadError> {
        if self.at >= BLOCK {
            self.number += 1;
            self.at = 0;
            self.block = None;
        }
        let block = match &mut self.block {
            Some(block) => block,
            missing => {
                if self.number >= self.open.segment.count(Part::Tokens) {
                    return Err(self.damage());
                }
                missing.insert(self.vault.block(self.open, Part::Tokens, self.number)?)
            }
        };
        let byte = block.get(self.at).copied().unwrap_or_default();
        self.at += 1;
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
            block: self.number,
        }
    }
}

/// Documents of a list that are read in the time in which one message is looked at.
const READS_PER_LOOK: u64 = 2048;

const NOTHING: Token = Token {
    groups: [0; DEPTH],
    word: [0; 3],
};

impl Found<'_> {
    fn count(&self) -> u64 {
        match self {
            Self::Listed(count, _) => *count,
            Self::Read(docs) => docs.len() as u64,
        }
    }

    fn read(self) -> Result<Vec<u32>, ReadError> {
        match self {
            Self::Read(docs) => Ok(docs),
            Self::Listed(count, mut lists) => {
                let mut docs = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
                lists.each(count, |doc| {
                    docs.push(doc);
                    true
                })?;
                Ok(docs)
            }
        }
    }

    /// Leaves in `docs` what this list has as well.
    fn cut(self, docs: &mut Vec<u32>) -> Result<(), ReadError> {
        match self {
            Self::Read(other) => docs.retain(|doc| other.binary_search(doc).is_ok()),
            Self::Listed(count, mut lists) => {
                let mut kept = Vec::with_capacity(docs.len());
                let mut wanted = docs.iter().copied().peekable();
                lists.each(count, |doc| {
                    while wanted.next_if(|wanted| *wanted < doc).is_some() {}
                    kept.extend(wanted.next_if_eq(&doc));
                    wanted.peek().is_some()
                })?;
                *docs = kept;
            }
        }
        Ok(())
    }
}

/// One varint from bytes that may end.
fn varint(mut next: impl FnMut() -> Option<u8>) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = next()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

//! Reading a segment. Nothing in it is believed: its blocks are authentic, and still every
//! number is checked, so that a mistake of a writer is damage and not a panic.

use std::cell::RefCell;
use std::sync::Arc;

use solo2_crypto::aead;
use zeroize::Zeroizing;

use crate::bytes::Reader;
use crate::db::Space;
use crate::error::ReadError;
use crate::index::build::{LAYOUT, LAYOUT_1, NONE};
use crate::index::token::{DEPTH, Token};
use crate::index::{BLOCK, Doc, Open, Part, block_ad};
use crate::record::contact::ContactId;
use crate::vault::Vault;

/// The table of contents of a segment.
pub(crate) struct Directory {
    /// Written before lists became bits.
    pub(crate) old: bool,
    pub(crate) docs: u32,
    pub(crate) stream_len: u64,
    contacts: Vec<ContactId>,
    /// First document of each map block, and its second.
    map: Vec<(u32, u64)>,
    /// Token blocks in which an entry begins: number, where, its token.
    pub(crate) starts: Vec<(u32, u16, Token)>,
}

impl Directory {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let old = match reader.u8()? {
            LAYOUT_1 => true,
            LAYOUT => false,
            _ => return None,
        };
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
            let token = Token::from_bytes(reader.take(2 * DEPTH + 2 + usize::from(old))?)?;
            if at != NONE {
                starts.push((number, at, token));
            }
        }
        let ordered = map.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1)
            && map.first().is_none_or(|(first, _)| *first == 0)
            && map.last().is_none_or(|(first, _)| *first < docs)
            && starts.is_sorted_by(|a, b| a.2 <= b.2);
        ordered.then_some(Self {
            old,
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
    last: RefCell<Option<(usize, Zeroizing<Vec<u8>>)>>,
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
        let mut last = self.last.borrow_mut();
        let bytes = match &mut *last {
            Some((at, bytes)) if *at == block => bytes,
            other => {
                let bytes = self.vault.block(self.open, Part::Map, block as u32)?;
                &other.insert((block, bytes)).1
            }
        };
        let doc = self.docs(block, bytes).and_then(|mut docs| docs.nth(place));
        doc.flatten().ok_or_else(|| self.damage(block))
    }

    /// All documents.
    pub(crate) fn all(&self) -> Result<Vec<Doc>, ReadError> {
        let mut docs = Vec::with_capacity(self.directory.docs as usize);
        for block in 0..self.directory.map.len() {
            let bytes = self.vault.block(self.open, Part::Map, block as u32)?;
            for doc in self.docs(block, &bytes).into_iter().flatten() {
                docs.push(doc.ok_or_else(|| self.damage(block))?);
            }
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

    /// The documents of a map block, as far as they make sense.
    fn docs<'b>(
        &self,
        block: usize,
        bytes: &'b [u8],
    ) -> Option<impl Iterator<Item = Option<Doc>> + use<'b, '_, 'v>> {
        let map = &self.directory.map;
        let (first, mut at_s) = *map.get(block)?;
        let end = map
            .get(block + 1)
            .map_or(self.directory.docs, |(first, _)| *first);
        let mut bytes = bytes.iter();
        Some((first..end).map(move |_| {
            let contact = varint(&mut bytes)?;
            let seq = varint(&mut bytes)?;
            at_s = at_s.checked_add(varint(&mut bytes)?)?;
            let contacts = &self.directory.contacts;
            Some(Doc {
                at_s,
                contact: *contacts.get(usize::try_from(contact >> 2).ok()?)?,
                seq,
                incoming: contact & 1 == 1,
                file: contact & 2 == 2,
            })
        }))
    }

    fn damage(&self, block: usize) -> ReadError {
        ReadError::Index {
            segment: self.open.segment.number,
            part: Part::Map.name(),
            block: block as u32,
        }
    }
}

/// One varint from bytes that may end.
fn varint(bytes: &mut std::slice::Iter<'_, u8>) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.next()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

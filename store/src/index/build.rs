//! Writing a segment.
//!
//! ```text
//! block     = seal[segment key](4096 bytes, "i" || its name in the log)
//! directory = layout 2 || docs u32be || bytes of the token stream u32be
//!          || count u16be || contact id 16 *
//!          || count u32be || (first document u32be || its second u64be) *      one for each map block
//!          || count u32be || (first entry at u16be || its token 10) *          one for each token block
//! map       = (contact << 2 | file << 1 | incoming, seq, seconds since the one before) *      varints
//! tokens    = entry *
//! entry     = n << 5 | follows << 4 | depth * (depth + 1) / 2 + shared  u8
//!          || groups shared..depth 2 each || word 2 || [count varint when n = 0; else n is the count]
//!          || list                                                          see posting.rs
//! ```
//! A varint is LEB128. `shared` groups are those of the entry before; the first entry that
//! begins in a block shares none, so reading can start there. 0xffff: none begins in this block.
//! A map block starts with seconds counted from the directory's. Blocks are padded with zeros.
//!
//! Layout 1, which is read and not written any more, has tokens of 11 bytes and
//! ```text
//! entry     = n << 6 | depth << 3 | shared  u8 || groups shared..depth 2 each || word 3
//!          || [count varint when n = 0; else n is the count] || first document, then steps      varints
//! ```

use rand_core::CryptoRng;
use solo2_crypto::aead;
use solo2_crypto::secret::Secret;
use zeroize::Zeroizing;

use crate::index::draft::Draft;
use crate::index::posting::{self, Follow, Posting};
use crate::index::token::Token;
use crate::index::{BLOCK, Doc, Part, Segment, block_ad, block_key};
use crate::keys::VaultKeys;
use crate::record::contact::ContactId;
use crate::row::Key;

/// The layout that is written.
pub(crate) const LAYOUT: u8 = 2;
/// The one before.
pub(crate) const LAYOUT_1: u8 = 1;
/// No entry begins in this block.
pub(crate) const NONE: u16 = u16::MAX;
/// Lists up to this length have it in the first byte of their entry.
const SMALL: usize = 7;

/// A segment, ready to be committed.
pub(crate) struct Built {
    pub(crate) segment: Segment,
    pub(crate) key: Secret<32>,
    pub(crate) blocks: Vec<(Key, Vec<u8>)>,
}

/// Seals `draft` as segment `number`.
pub(crate) fn build<R: CryptoRng>(
    draft: &Draft,
    number: u64,
    keys: &VaultKeys,
    rng: &mut R,
) -> Built {
    let mut contacts: Vec<ContactId> = draft.docs.iter().map(|doc| doc.contact).collect();
    contacts.sort_unstable();
    contacts.dedup();
    let map = map(&draft.docs, &contacts);
    let directory = directory(draft, &contacts, &map);

    let mut id = [0; 16];
    rng.fill_bytes(&mut id);
    let key = Secret::random(rng);
    let mut blocks = Vec::new();
    let mut counts = [0; 3];
    let streams = [directory.as_slice(), &map.stream, &draft.tokens.stream];
    for ((part, stream), count) in Part::ALL.into_iter().zip(streams).zip(&mut counts) {
        for chunk in stream.chunks(BLOCK) {
            let mut plain = Zeroizing::new(vec![0; BLOCK]);
            for (place, byte) in plain.iter_mut().zip(chunk) {
                *place = *byte;
            }
            let name = block_key(keys, &id, part, *count);
            let sealed = aead::seal(&key, &plain, &block_ad(&name), rng);
            blocks.push((name, sealed));
            *count += 1;
        }
    }
    let segment = Segment {
        id,
        number,
        docs: draft.docs.len() as u32,
        blocks: counts,
        first_s: draft.docs.first().map_or(0, |doc| doc.at_s),
        last_s: draft.docs.last().map_or(0, |doc| doc.at_s),
    };
    Built {
        segment,
        key,
        blocks,
    }
}

struct Map {
    stream: Zeroizing<Vec<u8>>,
    /// First document of each block, and its second.
    starts: Vec<(u32, u64)>,
}

fn map(docs: &[Doc], contacts: &[ContactId]) -> Map {
    let mut stream = Zeroizing::new(Vec::new());
    let mut starts = Vec::new();
    let mut before = 0;
    let mut entry = Vec::with_capacity(24);
    for (number, doc) in (0..).zip(docs) {
        let contact = contacts.binary_search(&doc.contact).unwrap_or_default() as u64;
        let flags = u64::from(doc.file) << 1 | u64::from(doc.incoming);
        let put = |entry: &mut Vec<u8>, before: u64| {
            entry.clear();
            varint(entry, contact << 2 | flags);
            varint(entry, doc.seq);
            varint(entry, doc.at_s.saturating_sub(before));
        };
        put(&mut entry, before);
        let room = BLOCK - stream.len() % BLOCK;
        if stream.is_empty() || room == BLOCK || entry.len() > room {
            let whole = stream.len().next_multiple_of(BLOCK);
            stream.resize(whole, 0);
            starts.push((number, doc.at_s));
            put(&mut entry, doc.at_s);
        }
        before = doc.at_s;
        stream.extend_from_slice(&entry);
    }
    Map { stream, starts }
}

/// The token stream of a segment, written token by token in ascending order.
pub(crate) struct Stream {
    docs: u32,
    stream: Zeroizing<Vec<u8>>,
    /// Where the first entry of each block begins, and its token.
    starts: Vec<(u16, Token)>,
    before: Token,
}

impl Stream {
    /// For a segment of so many documents.
    pub(crate) fn new(docs: u32) -> Self {
        Self {
            docs,
            stream: Zeroizing::new(Vec::new()),
            starts: Vec::new(),
            before: Token::default(),
        }
    }

    /// Appends a token and its list, which is settled and not empty.
    pub(crate) fn entry(&mut self, token: Token, list: &[Posting]) {
        let at = self.stream.len();
        if at / BLOCK >= self.starts.len() {
            self.starts.resize(at / BLOCK, (NONE, Token::default()));
            self.starts.push(((at % BLOCK) as u16, token));
            self.before = Token::default();
        }
        let depth = token.depth();
        let pairs = token.groups.iter().zip(&self.before.groups);
        let shared = pairs
            .take(depth)
            .take_while(|(one, other)| one == other)
            .count();
        let follows = list.iter().any(|posting| posting.follow != Follow::ANY);
        let small = if list.len() <= SMALL { list.len() } else { 0 };
        let kind = depth * (depth + 1) / 2 + shared;
        self.stream
            .push((small << 5 | usize::from(follows) << 4 | kind) as u8);
        for group in token.groups.iter().take(depth).skip(shared) {
            self.stream.extend_from_slice(&group.to_be_bytes());
        }
        self.stream.extend(token.word.iter().take(2));
        if small == 0 {
            varint(&mut self.stream, list.len() as u64);
        }
        posting::write(&mut self.stream, self.docs, list, follows);
        self.before = token;
    }
}

/// `depth` and `shared` of an entry of layout 2.
pub(crate) fn depth_and_shared(kind: u8) -> Option<(usize, usize)> {
    let kind = usize::from(kind);
    let depth = (0..=crate::index::token::DEPTH)
        .rev()
        .find(|depth| depth * (depth + 1) / 2 <= kind)?;
    Some((depth, kind - depth * (depth + 1) / 2))
}

fn directory(draft: &Draft, contacts: &[ContactId], map: &Map) -> Zeroizing<Vec<u8>> {
    let tokens = &draft.tokens;
    let mut bytes = Zeroizing::new(vec![LAYOUT]);
    bytes.extend_from_slice(&(draft.docs.len() as u32).to_be_bytes());
    bytes.extend_from_slice(&(tokens.stream.len() as u32).to_be_bytes());
    bytes.extend_from_slice(&(contacts.len() as u16).to_be_bytes());
    for contact in contacts {
        bytes.extend_from_slice(&contact.0);
    }
    bytes.extend_from_slice(&(map.starts.len() as u32).to_be_bytes());
    for (first, at_s) in &map.starts {
        bytes.extend_from_slice(&first.to_be_bytes());
        bytes.extend_from_slice(&at_s.to_be_bytes());
    }
    let blocks = tokens.stream.len().div_ceil(BLOCK);
    bytes.extend_from_slice(&(blocks as u32).to_be_bytes());
    let none = (NONE, Token::default());
    let rest = std::iter::repeat_n(&none, blocks.saturating_sub(tokens.starts.len()));
    for (at, token) in tokens.starts.iter().chain(rest) {
        bytes.extend_from_slice(&at.to_be_bytes());
        bytes.extend_from_slice(&token.to_bytes());
    }
    bytes
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

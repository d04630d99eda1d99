//! Content longer than one envelope: cut by the sender, put together by the receiver.
//!
//! ```text
//! part = 0x00 || content
//!      | 0x01 || set u64be || index u8 || count u8 || piece
//! ```
//!
//! `set` is the sender's count of envelopes before the first part, so no two sets of one
//! session share it. What a peer can make us keep is bounded: sets reserve room for all
//! their parts before the first is kept, so two of them never starve each other.

use zeroize::Zeroizing;

use crate::content::MAX_CONTENT_LEN;
use crate::padding::UNPADDED_MAX;
use crate::ratchet::SKIPPED_LIFETIME_SECS;
use crate::wire::{Malformed, Reader, Writer};

/// Bytes of content in one part of several.
const PIECE_LEN: usize = UNPADDED_MAX - 1 - 8 - 1 - 1;
/// Bytes of content that fit into one envelope.
const WHOLE_LEN: usize = UNPADDED_MAX - 1;
/// Parts that the longest content needs, and all that is kept at once.
const MAX_PARTS: usize = MAX_CONTENT_LEN.div_ceil(PIECE_LEN);
/// An incomplete set that got nothing for so long gives way to a new one.
const STALE_SECS: u64 = 10 * 60;

const WHOLE: u8 = 0;
const PIECE: u8 = 1;

/// Cuts `content` into parts that each fit one padded envelope.
pub(super) fn split(content: &[u8], set: u64) -> Vec<Zeroizing<Vec<u8>>> {
    if content.len() <= WHOLE_LEN {
        let mut part = Writer::with_capacity(1 + content.len());
        part.u8(WHOLE).bytes(content);
        return vec![part.finish()];
    }
    let pieces = content.chunks(PIECE_LEN);
    let small = |number: usize| u8::try_from(number).expect("at most MAX_PARTS");
    let count = small(pieces.len());
    pieces
        .enumerate()
        .map(|(index, piece)| {
            let mut part = Writer::with_capacity(UNPADDED_MAX);
            part.u8(PIECE).u64(set).u8(small(index)).u8(count);
            part.bytes(piece);
            part.finish()
        })
        .collect()
}

/// One part as received.
pub(super) enum Part<'a> {
    Whole(&'a [u8]),
    Piece(Piece<'a>),
}

pub(super) struct Piece<'a> {
    set: u64,
    index: usize,
    count: usize,
    bytes: &'a [u8],
}

impl<'a> Part<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        match reader.u8()? {
            WHOLE => Ok(Self::Whole(reader.rest())),
            PIECE => {
                let piece = Piece {
                    set: reader.u64()?,
                    index: reader.u8()?.into(),
                    count: reader.u8()?.into(),
                    bytes: reader.rest(),
                };
                let fits = (2..=MAX_PARTS).contains(&piece.count) && piece.index < piece.count;
                if fits && (1..=PIECE_LEN).contains(&piece.bytes.len()) {
                    Ok(Self::Piece(piece))
                } else {
                    Err(Malformed)
                }
            }
            _ => Err(Malformed),
        }
    }
}

/// Why a piece is not taken; nothing has changed.
pub(super) enum Refused {
    /// It contradicts the pieces that came before.
    Malformed,
    /// No room until another set is complete or stale.
    Busy,
}

/// The incomplete sets.
#[derive(Default)]
pub(super) struct Parts {
    sets: Vec<Set>,
}

struct Set {
    set: u64,
    touched_secs: u64,
    pieces: Vec<Option<Zeroizing<Vec<u8>>>>,
}

impl Set {
    fn stale(&self, now_secs: u64) -> bool {
        now_secs.saturating_sub(self.touched_secs) >= STALE_SECS
    }
}

impl Parts {
    /// The whole content, if `piece` is the last one missing; `None` if others still are.
    pub(super) fn complete(
        &self,
        piece: &Piece<'_>,
        now_secs: u64,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Refused> {
        let Some(set) = self.sets.iter().find(|set| set.set == piece.set) else {
            let kept = self.sets.iter().filter(|set| !set.stale(now_secs));
            let reserved: usize = kept.map(|set| set.pieces.len()).sum();
            if reserved + piece.count > MAX_PARTS {
                return Err(Refused::Busy);
            }
            return Ok(None);
        };
        let place = set.pieces.get(piece.index).ok_or(Refused::Malformed)?;
        if set.pieces.len() != piece.count || place.is_some() {
            return Err(Refused::Malformed);
        }
        let mut content = Zeroizing::new(Vec::with_capacity(piece.count * PIECE_LEN));
        for (index, kept) in set.pieces.iter().enumerate() {
            match kept {
                Some(kept) => content.extend_from_slice(kept),
                None if index == piece.index => content.extend_from_slice(piece.bytes),
                None => return Ok(None),
            }
        }
        Ok(Some(content))
    }

    /// Keeps a piece that [`Parts::complete`] did not refuse.
    pub(super) fn keep(&mut self, piece: &Piece<'_>, now_secs: u64) {
        if !self.sets.iter().any(|set| set.set == piece.set) {
            self.make_room(piece.count, now_secs);
            self.sets.push(Set {
                set: piece.set,
                touched_secs: now_secs,
                pieces: (0..piece.count).map(|_| None).collect(),
            });
        }
        if let Some(set) = self.sets.iter_mut().find(|set| set.set == piece.set) {
            set.touched_secs = now_secs;
            if let Some(place) = set.pieces.get_mut(piece.index) {
                *place = Some(Zeroizing::new(piece.bytes.to_vec()));
            }
        }
    }

    /// Forgets a set that is complete.
    pub(super) fn remove(&mut self, piece: &Piece<'_>) {
        self.sets.retain(|set| set.set != piece.set);
    }

    /// Drops sets that got nothing for as long as a skipped key lives: what is missing can no
    /// longer be opened. Tells whether any was.
    pub(super) fn drop_expired(&mut self, now_secs: u64) -> bool {
        let before = self.sets.len();
        self.sets
            .retain(|set| now_secs.saturating_sub(set.touched_secs) < SKIPPED_LIFETIME_SECS);
        self.sets.len() != before
    }

    fn make_room(&mut self, count: usize, now_secs: u64) {
        let reserved = |sets: &[Set]| sets.iter().map(|set| set.pieces.len()).sum::<usize>();
        while reserved(&self.sets) + count > MAX_PARTS {
            let Some(stale) = self.sets.iter().position(|set| set.stale(now_secs)) else {
                return;
            };
            self.sets.remove(stale);
        }
    }

    /// Upper bound of what [`Parts::write`] appends.
    pub(super) fn encoded_len(&self) -> usize {
        let set = |set: &Set| 8 + 8 + 1 + set.pieces.len() * (2 + PIECE_LEN);
        1 + self.sets.iter().map(set).sum::<usize>()
    }

    /// `sets u8 || (set u64be || touched u64be || count u8 || (length u16be || piece)…)…`,
    /// length 0 for a piece that is missing.
    pub(super) fn write(&self, writer: &mut Writer) {
        let small = |number: usize| u8::try_from(number).expect("at most MAX_PARTS");
        writer.u8(small(self.sets.len()));
        for set in &self.sets {
            writer
                .u64(set.set)
                .u64(set.touched_secs)
                .u8(small(set.pieces.len()));
            for piece in &set.pieces {
                let piece = piece.as_ref().map_or([].as_slice(), |piece| piece);
                let len = u16::try_from(piece.len()).expect("at most PIECE_LEN");
                writer.u16(len).bytes(piece);
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut parts = Self::default();
        let mut reserved = 0;
        for _ in 0..reader.u8()? {
            let set = reader.u64()?;
            let touched_secs = reader.u64()?;
            let count = usize::from(reader.u8()?);
            reserved += count;
            if count < 2 || reserved > MAX_PARTS || parts.sets.iter().any(|kept| kept.set == set) {
                return Err(Malformed);
            }
            let mut pieces = Vec::with_capacity(count);
            for _ in 0..count {
                let len = usize::from(reader.u16()?);
                if len > PIECE_LEN {
                    return Err(Malformed);
                }
                let piece = reader.bytes(len)?;
                pieces.push((len > 0).then(|| Zeroizing::new(piece.to_vec())));
            }
            parts.sets.push(Set {
                set,
                touched_secs,
                pieces,
            });
        }
        Ok(parts)
    }
}

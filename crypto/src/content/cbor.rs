//! Content to CBOR and back: one table of fields for every kind.

use std::borrow::Cow;
use std::convert::Infallible;

use minicbor::data::Type;
use minicbor::{Decoder, Encoder, encode};
use zeroize::Zeroizing;

use super::{Content, FileOutcome, MAX_RECEIPT_IDS, MessageId, ReceiptState, Shape};
use crate::file::FileKey;

/// Nesting allowed inside a field that is skipped.
const MAX_DEPTH: u8 = 8;

const READY: u64 = 0;
const TEXT: u64 = 1;
const GEO: u64 = 2;
const EDIT: u64 = 3;
const DELETE: u64 = 4;
const REACTION: u64 = 5;
const RECEIPT: u64 = 6;
const PROFILE: u64 = 7;
const FILE: u64 = 8;
const FILE_END: u64 = 9;

/// Every field that any kind has; `encode` and `read` give their keys.
#[derive(Default)]
pub(super) struct Fields<'a> {
    id: Option<MessageId>,
    sent_at_ms: Option<u64>,
    body: Option<&'a str>,
    reply_to: Option<MessageId>,
    expires_in_s: Option<u64>,
    target: Option<MessageId>,
    lat: Option<f64>,
    lon: Option<f64>,
    accuracy_m: Option<f64>,
    emoji: Option<&'a str>,
    state: Option<ReceiptState>,
    ids: Option<Cow<'a, [MessageId]>>,
    at_ms: Option<u64>,
    name: Option<&'a str>,
    file_name: Option<&'a str>,
    shape: Option<Shape>,
    size: Option<u64>,
    file_key: Option<&'a [u8; 32]>,
    outcome: Option<FileOutcome>,
}

impl<'a> Fields<'a> {
    /// The kind and fields of a content that has an encoding.
    pub(super) fn of(content: &'a Content) -> Option<(u64, Self)> {
        let none = Self::default();
        Some(match content {
            Content::Ready => (READY, none),
            Content::Text {
                id,
                sent_at_ms,
                body,
                reply_to,
                expires_in_s,
            } => (
                TEXT,
                Self {
                    id: Some(*id),
                    sent_at_ms: Some(*sent_at_ms),
                    body: Some(body),
                    reply_to: *reply_to,
                    expires_in_s: *expires_in_s,
                    ..none
                },
            ),
            Content::Geo {
                id,
                sent_at_ms,
                lat,
                lon,
                accuracy_m,
                reply_to,
                expires_in_s,
            } => (
                GEO,
                Self {
                    id: Some(*id),
                    sent_at_ms: Some(*sent_at_ms),
                    lat: Some(*lat),
                    lon: Some(*lon),
                    accuracy_m: *accuracy_m,
                    reply_to: *reply_to,
                    expires_in_s: *expires_in_s,
                    ..none
                },
            ),
            Content::Edit {
                id,
                sent_at_ms,
                target,
                body,
            } => (
                EDIT,
                Self {
                    id: Some(*id),
                    sent_at_ms: Some(*sent_at_ms),
                    target: Some(*target),
                    body: Some(body),
                    ..none
                },
            ),
            Content::Delete {
                id,
                sent_at_ms,
                target,
            } => (
                DELETE,
                Self {
                    id: Some(*id),
                    sent_at_ms: Some(*sent_at_ms),
                    target: Some(*target),
                    ..none
                },
            ),
            Content::Reaction {
                id,
                sent_at_ms,
                target,
                emoji,
            } => (
                REACTION,
                Self {
                    id: Some(*id),
                    sent_at_ms: Some(*sent_at_ms),
                    target: Some(*target),
                    emoji: Some(emoji),
                    ..none
                },
            ),
            Content::Receipt { state, ids, at_ms } => (
                RECEIPT,
                Self {
                    state: Some(*state),
                    ids: Some(Cow::Borrowed(ids)),
                    at_ms: Some(*at_ms),
                    ..none
                },
            ),
            Content::Profile { name } => (
                PROFILE,
                Self {
                    name: Some(name),
                    ..none
                },
            ),
            Content::File {
                id,
                sent_at_ms,
                name,
                shape,
                size,
                key,
                reply_to,
                expires_in_s,
            } => (
                FILE,
                Self {
                    id: Some(*id),
                    sent_at_ms: Some(*sent_at_ms),
                    file_name: Some(name),
                    shape: Some(*shape),
                    size: *size,
                    file_key: Some(key.expose()),
                    reply_to: *reply_to,
                    expires_in_s: *expires_in_s,
                    ..none
                },
            ),
            Content::FileEnd { target, outcome } => (
                FILE_END,
                Self {
                    target: Some(*target),
                    outcome: Some(*outcome),
                    ..none
                },
            ),
            Content::Unknown { .. } => return None,
        })
    }

    pub(super) fn encode(&self, kind: u64) -> Zeroizing<Vec<u8>> {
        let text = |text: Option<&str>| text.map_or(0, str::len);
        let variable = text(self.body)
            + text(self.emoji)
            + text(self.name)
            + text(self.file_name)
            + self.ids.as_ref().map_or(0, |ids| 17 * ids.len());
        // Large enough for all the rest, so that no copy of the text is left behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(variable + 160));
        self.write(kind, &mut Encoder::new(&mut *bytes))
            .expect("memory takes every write");
        bytes
    }

    fn write(
        &self,
        kind: u64,
        e: &mut Encoder<&mut Vec<u8>>,
    ) -> Result<(), encode::Error<Infallible>> {
        let Self {
            id,
            sent_at_ms,
            body,
            reply_to,
            expires_in_s,
            target,
            lat,
            lon,
            accuracy_m,
            emoji,
            state,
            ids,
            at_ms,
            name,
            file_name,
            shape,
            size,
            file_key,
            outcome,
        } = self;
        let present = [
            id.is_some(),
            sent_at_ms.is_some(),
            body.is_some(),
            reply_to.is_some(),
            expires_in_s.is_some(),
            target.is_some(),
            lat.is_some(),
            lon.is_some(),
            accuracy_m.is_some(),
            emoji.is_some(),
            state.is_some(),
            ids.is_some(),
            at_ms.is_some(),
            name.is_some(),
            file_name.is_some(),
            shape.is_some(),
            size.is_some(),
            file_key.is_some(),
            outcome.is_some(),
        ];
        let count: u64 = present.iter().map(|&present| u64::from(present)).sum();
        e.map(count + 1)?.u8(0)?.u64(kind)?;
        if let Some(MessageId(id)) = id {
            e.u8(1)?.bytes(id)?;
        }
        if let Some(ms) = sent_at_ms {
            e.u8(2)?.u64(*ms)?;
        }
        if let Some(body) = body {
            e.u8(3)?.str(body)?;
        }
        if let Some(MessageId(id)) = reply_to {
            e.u8(4)?.bytes(id)?;
        }
        if let Some(s) = expires_in_s {
            e.u8(5)?.u64(*s)?;
        }
        if let Some(MessageId(id)) = target {
            e.u8(6)?.bytes(id)?;
        }
        if let Some(lat) = lat {
            e.u8(7)?.f64(*lat)?;
        }
        if let Some(lon) = lon {
            e.u8(8)?.f64(*lon)?;
        }
        if let Some(m) = accuracy_m {
            e.u8(9)?.f64(*m)?;
        }
        if let Some(emoji) = emoji {
            e.u8(10)?.str(emoji)?;
        }
        if let Some(state) = state {
            e.u8(11)?.u8(match state {
                ReceiptState::Delivered => 1,
                ReceiptState::Read => 2,
            })?;
        }
        if let Some(ids) = ids {
            e.u8(12)?.array(ids.len() as u64)?;
            for MessageId(id) in ids.iter() {
                e.bytes(id)?;
            }
        }
        if let Some(ms) = at_ms {
            e.u8(13)?.u64(*ms)?;
        }
        if let Some(name) = name {
            e.u8(14)?.str(name)?;
        }
        if let Some(name) = file_name {
            e.u8(15)?.str(name)?;
        }
        if let Some(shape) = shape {
            e.u8(16)?.u8(shape.code())?;
        }
        if let Some(size) = size {
            e.u8(17)?.u64(*size)?;
        }
        if let Some(key) = file_key {
            e.u8(18)?.bytes(key.as_slice())?;
        }
        if let Some(outcome) = outcome {
            e.u8(19)?.u8(match outcome {
                FileOutcome::Rejected => 1,
                FileOutcome::Cancelled => 2,
                FileOutcome::Failed => 3,
            })?;
        }
        Ok(())
    }

    /// Reads the value of `key`, or skips it.
    fn read(&mut self, key: u64, d: &mut Decoder<'a>) -> Option<()> {
        match key {
            1 => self.id = Some(message_id(d)?),
            2 => self.sent_at_ms = Some(d.u64().ok()?),
            3 => self.body = Some(d.str().ok()?),
            4 => self.reply_to = Some(message_id(d)?),
            5 => self.expires_in_s = Some(d.u64().ok()?),
            6 => self.target = Some(message_id(d)?),
            7 => self.lat = Some(d.f64().ok()?),
            8 => self.lon = Some(d.f64().ok()?),
            9 => self.accuracy_m = Some(d.f64().ok()?),
            10 => self.emoji = Some(d.str().ok()?),
            11 => {
                self.state = Some(match d.u64().ok()? {
                    1 => ReceiptState::Delivered,
                    2 => ReceiptState::Read,
                    _ => return None,
                });
            }
            12 => self.ids = Some(Cow::Owned(message_ids(d)?)),
            13 => self.at_ms = Some(d.u64().ok()?),
            14 => self.name = Some(d.str().ok()?),
            15 => self.file_name = Some(d.str().ok()?),
            16 => self.shape = Some(Shape::from_code(d.u8().ok()?)?),
            17 => self.size = Some(d.u64().ok()?),
            18 => self.file_key = Some(d.bytes().ok()?.try_into().ok()?),
            19 => {
                self.outcome = Some(match d.u64().ok()? {
                    1 => FileOutcome::Rejected,
                    2 => FileOutcome::Cancelled,
                    3 => FileOutcome::Failed,
                    _ => return None,
                });
            }
            _ => skip(d, MAX_DEPTH)?,
        }
        Some(())
    }

    fn into_content(self, kind: u64) -> Option<Content> {
        Some(match kind {
            READY => Content::Ready,
            TEXT => Content::Text {
                id: self.id?,
                sent_at_ms: self.sent_at_ms?,
                body: self.body?.to_owned(),
                reply_to: self.reply_to,
                expires_in_s: self.expires_in_s,
            },
            GEO => Content::Geo {
                id: self.id?,
                sent_at_ms: self.sent_at_ms?,
                lat: self.lat?,
                lon: self.lon?,
                accuracy_m: self.accuracy_m,
                reply_to: self.reply_to,
                expires_in_s: self.expires_in_s,
            },
            EDIT => Content::Edit {
                id: self.id?,
                sent_at_ms: self.sent_at_ms?,
                target: self.target?,
                body: self.body?.to_owned(),
            },
            DELETE => Content::Delete {
                id: self.id?,
                sent_at_ms: self.sent_at_ms?,
                target: self.target?,
            },
            REACTION => Content::Reaction {
                id: self.id?,
                sent_at_ms: self.sent_at_ms?,
                target: self.target?,
                emoji: self.emoji?.to_owned(),
            },
            RECEIPT => Content::Receipt {
                state: self.state?,
                ids: self.ids?.into_owned(),
                at_ms: self.at_ms?,
            },
            PROFILE => Content::Profile {
                name: self.name?.to_owned(),
            },
            FILE => Content::File {
                id: self.id?,
                sent_at_ms: self.sent_at_ms?,
                name: self.file_name?.to_owned(),
                shape: self.shape?,
                size: self.size,
                key: FileKey::new(self.file_key?),
                reply_to: self.reply_to,
                expires_in_s: self.expires_in_s,
            },
            FILE_END => Content::FileEnd {
                target: self.target?,
                outcome: self.outcome?,
            },
            kind => Content::Unknown { kind },
        })
    }
}

/// The content in `bytes`, all of them; `None` if malformed.
pub(super) fn decode(bytes: &[u8]) -> Option<Content> {
    let mut d = Decoder::new(bytes);
    let count = d.map().ok()??;
    if count == 0 || d.u64().ok()? != 0 {
        return None;
    }
    let kind = d.u64().ok()?;
    let mut fields = Fields::default();
    let mut last = 0;
    for _ in 1..count {
        let key = d.u64().ok()?;
        if key <= last {
            return None;
        }
        last = key;
        if kind <= FILE_END {
            fields.read(key, &mut d)?;
        } else {
            skip(&mut d, MAX_DEPTH)?;
        }
    }
    if d.position() != bytes.len() {
        return None;
    }
    fields.into_content(kind)
}

fn message_id(d: &mut Decoder<'_>) -> Option<MessageId> {
    d.bytes().ok()?.try_into().ok().map(MessageId)
}

fn message_ids(d: &mut Decoder<'_>) -> Option<Vec<MessageId>> {
    let count = usize::try_from(d.array().ok()??).ok()?;
    if count > MAX_RECEIPT_IDS {
        return None;
    }
    (0..count).map(|_| message_id(d)).collect()
}

/// Passes over one value of definite length, at most `depth` levels deep.
fn skip(d: &mut Decoder<'_>, depth: u8) -> Option<()> {
    let inner = || depth.checked_sub(1);
    match d.datatype().ok()? {
        Type::Array => {
            for _ in 0..d.array().ok()?? {
                skip(d, inner()?)?;
            }
        }
        Type::Map => {
            for _ in 0..d.map().ok()?? {
                skip(d, inner()?)?;
                skip(d, inner()?)?;
            }
        }
        Type::Tag => {
            d.tag().ok()?;
            skip(d, inner()?)?;
        }
        Type::Bytes => drop(d.bytes().ok()?),
        Type::String => drop(d.str().ok()?),
        Type::BytesIndef
        | Type::StringIndef
        | Type::ArrayIndef
        | Type::MapIndef
        | Type::Break
        | Type::Unknown(_) => return None,
        // Numbers and simple values: no length of their own, so minicbor may pass them.
        _ => d.skip().ok()?,
    }
    Some(())
}

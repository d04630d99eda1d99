//! What people say to each other, as CBOR (RFC 8949) with integer keys.
//!
//! One key has one meaning and one type in every kind, keys ascend, lengths are definite.
//! Unknown keys are skipped and unknown kinds become [`Content::Unknown`], so that versions
//! coexist; everything else that is not exactly this is refused.
//!
//! ```cddl
//! content = { 0: kind, * field }      ; kind names the fields below it needs
//! kind    = 0 / 1 / 2 / 3 / 4 / 5 / 6 / 7 / 8 / 9
//!           ; ready, text, geo, edit, delete, reaction, receipt, profile, file, file end
//! field   = (1: id) / (2: ms) /       ; the message's own id, sent at
//!           (3: tstr .size (0..65536)) /        ; body
//!           (4: id) / (5: uint) /     ; reply to, expires in seconds
//!           (6: id) /                 ; target
//!           (7: float) / (8: float) / (9: float) /   ; latitude, longitude, accuracy in m
//!           (10: tstr .size (0..64)) /          ; emoji, empty takes it back
//!           (11: 1 / 2) / (12: [0*256 id]) / (13: ms) / ; delivered or read, ids, at
//!           (14: tstr .size (0..128)) /         ; name
//!           (15: tstr .size (1..255)) /         ; file name
//!           (16: 1 / 2 / 3) /         ; shape: file, directory, pipe
//!           (17: uint) /              ; size in bytes; a directory has one, a pipe none, a file
//!                                     ; unless it is still being written
//!           (18: bstr .size 32) /     ; file key
//!           (19: 1 / 2 / 3) /         ; outcome: rejected, cancelled, failed
//!           (uint => any)
//! id      = bstr .size 16
//! ms      = uint                      ; milliseconds since the Unix epoch
//! ```

mod cbor;

use std::fmt;

use zeroize::Zeroizing;

use crate::file::FileKey;
use crate::{kdf, label};

/// Bytes of a text's body at most.
pub const MAX_BODY_LEN: usize = 64 * 1024;
/// Bytes of a reaction's emoji at most.
pub const MAX_EMOJI_LEN: usize = 64;
/// Message ids in one receipt at most.
pub const MAX_RECEIPT_IDS: usize = 256;
/// Bytes of a profile's name at most.
pub const MAX_NAME_LEN: usize = 128;
/// Bytes of a file's name at most; it has at least one.
pub const MAX_FILE_NAME_LEN: usize = 255;
/// Bytes of an encoded content at most.
pub const MAX_CONTENT_LEN: usize = 70 * 1024;

/// Names one message for both sides: the 16 bytes of a ULID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub [u8; 16]);

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReceiptState {
    /// It is in the peer's store.
    Delivered,
    /// It was shown to, or taken by, the peer.
    Read,
}

/// What an offered file is on its sender's disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// One file.
    File,
    /// A directory with all that is in it, as one stream.
    Directory,
    /// What a program writes: its length is known at its end.
    Pipe,
}

/// How a file ended that did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileOutcome {
    /// The receiver does not want it.
    Rejected,
    /// The sender took the offer back, or the receiver its acceptance.
    Cancelled,
    /// It cannot be sent or kept any more.
    Failed,
}

/// One thing said. Its `Debug` names the kind and nothing of what was said.
#[derive(Clone, PartialEq)]
pub enum Content {
    /// The initiator's first message: says nothing, but lets the responder speak.
    Ready,
    /// A text.
    Text {
        /// The message's own id.
        id: MessageId,
        /// When it was sent, milliseconds since the Unix epoch, by the sender's clock.
        sent_at_ms: u64,
        /// The text, at most [`MAX_BODY_LEN`] bytes.
        body: String,
        /// The message it answers.
        reply_to: Option<MessageId>,
        /// Seconds until both sides delete it.
        expires_in_s: Option<u64>,
    },
    /// A place.
    Geo {
        /// The message's own id.
        id: MessageId,
        /// When it was sent, milliseconds since the Unix epoch, by the sender's clock.
        sent_at_ms: u64,
        /// Latitude in degrees, -90 to 90.
        lat: f64,
        /// Longitude in degrees, -180 to 180.
        lon: f64,
        /// Radius of uncertainty in metres.
        accuracy_m: Option<f64>,
        /// The message it answers.
        reply_to: Option<MessageId>,
        /// Seconds until both sides delete it.
        expires_in_s: Option<u64>,
    },
    /// A new body for an earlier text of the sender's.
    Edit {
        /// The message's own id.
        id: MessageId,
        /// When it was sent, milliseconds since the Unix epoch, by the sender's clock.
        sent_at_ms: u64,
        /// The text to change.
        target: MessageId,
        /// The new text, at most [`MAX_BODY_LEN`] bytes.
        body: String,
    },
    /// An earlier message of the sender's is to be deleted.
    Delete {
        /// The message's own id.
        id: MessageId,
        /// When it was sent, milliseconds since the Unix epoch, by the sender's clock.
        sent_at_ms: u64,
        /// The message to delete.
        target: MessageId,
    },
    /// A reaction to a message of either side.
    Reaction {
        /// The message's own id.
        id: MessageId,
        /// When it was sent, milliseconds since the Unix epoch, by the sender's clock.
        sent_at_ms: u64,
        /// The message reacted to.
        target: MessageId,
        /// At most [`MAX_EMOJI_LEN`] bytes; empty takes the reaction back.
        emoji: String,
    },
    /// What became of the receiver's messages.
    Receipt {
        /// What became of them.
        state: ReceiptState,
        /// Which, at most [`MAX_RECEIPT_IDS`].
        ids: Vec<MessageId>,
        /// When, milliseconds since the Unix epoch, by the sender's clock.
        at_ms: u64,
    },
    /// How the sender wants to be called.
    Profile {
        /// At most [`MAX_NAME_LEN`] bytes.
        name: String,
    },
    /// A file is offered; whoever wants it asks for it (docs/protocol/6-files.md).
    File {
        /// The message's own id, and the file's.
        id: MessageId,
        /// When it was sent, milliseconds since the Unix epoch, by the sender's clock.
        sent_at_ms: u64,
        /// 1 to [`MAX_FILE_NAME_LEN`] bytes, as the sender has it: not safe as a path.
        name: String,
        /// What it is.
        shape: Shape,
        /// Bytes of its stream. `None` where only the end will tell: for a pipe, and for a file
        /// that comes from a program.
        size: Option<u64>,
        /// What its chunks are sealed under, by way of [`crate::file::attempt_key`].
        key: FileKey,
        /// The message it answers.
        reply_to: Option<MessageId>,
        /// Seconds until both sides delete it.
        expires_in_s: Option<u64>,
    },
    /// A file that was offered will not arrive.
    FileEnd {
        /// Which.
        target: MessageId,
        /// Why.
        outcome: FileOutcome,
    },
    /// From a newer version: its kind is kept so that a user can be told. Never sent.
    Unknown {
        /// The kind's number.
        kind: u64,
    },
}

/// A content that may neither be sent nor accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidContent {
    /// Over [`MAX_BODY_LEN`].
    #[error("text longer than {MAX_BODY_LEN} bytes")]
    Body,
    /// Over [`MAX_EMOJI_LEN`].
    #[error("reaction longer than {MAX_EMOJI_LEN} bytes")]
    Emoji,
    /// Over [`MAX_RECEIPT_IDS`].
    #[error("receipt for more than {MAX_RECEIPT_IDS} messages")]
    Ids,
    /// Over [`MAX_NAME_LEN`].
    #[error("name longer than {MAX_NAME_LEN} bytes")]
    Name,
    /// None, or over [`MAX_FILE_NAME_LEN`].
    #[error("file name empty or longer than {MAX_FILE_NAME_LEN} bytes")]
    FileName,
    /// A pipe with a size, or a directory without one.
    #[error("a pipe has no size, and a directory has one")]
    FileSize,
    /// Not on this planet, or not a number.
    #[error("coordinates out of range")]
    Coordinates,
    /// [`Content::Unknown`] cannot be sent.
    #[error("a content of unknown kind cannot be sent")]
    Unknown,
}

/// Bytes that are not a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not the CBOR that this module documents.
    #[error("malformed content")]
    Malformed,
    /// Well formed, but over a limit.
    #[error(transparent)]
    Invalid(#[from] InvalidContent),
}

impl MessageId {
    /// The id of a message that a script gave a name of its own: the same name from the same
    /// account in the same conversation is the same message.
    #[must_use]
    pub fn for_client_id(account: &[u8; 32], conversation: &[u8; 16], client_id: &str) -> Self {
        let hash = kdf::sha256(&[
            label::CLIENT_ID,
            account,
            conversation,
            client_id.as_bytes(),
        ]);
        Self(hash.first_chunk().copied().unwrap_or_default())
    }
}

impl Shape {
    /// Its number, on the wire and at rest.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::File => 1,
            Self::Directory => 2,
            Self::Pipe => 3,
        }
    }

    /// The shape with this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::File, Self::Directory, Self::Pipe]
            .into_iter()
            .find(|shape| shape.code() == code)
    }
}

impl Content {
    /// The CBOR of this content, at most [`MAX_CONTENT_LEN`] bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidContent`].
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, InvalidContent> {
        self.check()?;
        let (kind, fields) = cbor::Fields::of(self).ok_or(InvalidContent::Unknown)?;
        Ok(fields.encode(kind))
    }

    /// Reads what [`Content::to_bytes`] wrote, now or in a later version.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for anything else, trailing bytes included.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_CONTENT_LEN {
            return Err(DecodeError::Malformed);
        }
        let content = cbor::decode(bytes).ok_or(DecodeError::Malformed)?;
        content.check()?;
        Ok(content)
    }

    /// The message's own id, if this kind has one.
    #[must_use]
    pub fn id(&self) -> Option<MessageId> {
        match self {
            Self::Text { id, .. }
            | Self::Geo { id, .. }
            | Self::Edit { id, .. }
            | Self::Delete { id, .. }
            | Self::Reaction { id, .. }
            | Self::File { id, .. } => Some(*id),
            Self::Ready
            | Self::Receipt { .. }
            | Self::Profile { .. }
            | Self::FileEnd { .. }
            | Self::Unknown { .. } => None,
        }
    }

    fn check(&self) -> Result<(), InvalidContent> {
        let within = |degrees: f64, limit: f64| degrees.abs() <= limit;
        match self {
            Self::Text { body, .. } | Self::Edit { body, .. } if body.len() > MAX_BODY_LEN => {
                Err(InvalidContent::Body)
            }
            Self::Geo {
                lat,
                lon,
                accuracy_m,
                ..
            } if !within(*lat, 90.0)
                || !within(*lon, 180.0)
                || accuracy_m.is_some_and(|m| !m.is_finite() || m < 0.0) =>
            {
                Err(InvalidContent::Coordinates)
            }
            Self::Reaction { emoji, .. } if emoji.len() > MAX_EMOJI_LEN => {
                Err(InvalidContent::Emoji)
            }
            Self::Receipt { ids, .. } if ids.len() > MAX_RECEIPT_IDS => Err(InvalidContent::Ids),
            Self::Profile { name } if name.len() > MAX_NAME_LEN => Err(InvalidContent::Name),
            Self::File { name, .. } if name.is_empty() || name.len() > MAX_FILE_NAME_LEN => {
                Err(InvalidContent::FileName)
            }
            Self::File {
                shape: Shape::Pipe,
                size: Some(_),
                ..
            }
            | Self::File {
                shape: Shape::Directory,
                size: None,
                ..
            } => Err(InvalidContent::FileSize),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "Ready",
            Self::Text { .. } => "Text",
            Self::Geo { .. } => "Geo",
            Self::Edit { .. } => "Edit",
            Self::Delete { .. } => "Delete",
            Self::Reaction { .. } => "Reaction",
            Self::Receipt { .. } => "Receipt",
            Self::Profile { .. } => "Profile",
            Self::File { .. } => "File",
            Self::FileEnd { .. } => "FileEnd",
            Self::Unknown { .. } => "Unknown",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id() -> impl Strategy<Value = MessageId> {
        any::<[u8; 16]>().prop_map(MessageId)
    }

    fn content() -> impl Strategy<Value = Content> {
        let options = || (prop::option::of(id()), prop::option::of(any::<u64>()));
        prop_oneof![
            Just(Content::Ready),
            (id(), any::<u64>(), ".*", options()).prop_map(
                |(id, sent_at_ms, body, (reply_to, expires_in_s))| Content::Text {
                    id,
                    sent_at_ms,
                    body,
                    reply_to,
                    expires_in_s
                }
            ),
            (
                (id(), any::<u64>()),
                -90.0..=90.0,
                -180.0..=180.0,
                prop::option::of(0.0..1e6),
                options()
            )
                .prop_map(
                    |((id, sent_at_ms), lat, lon, accuracy_m, (reply_to, expires_in_s))| {
                        Content::Geo {
                            id,
                            sent_at_ms,
                            lat,
                            lon,
                            accuracy_m,
                            reply_to,
                            expires_in_s,
                        }
                    }
                ),
            (id(), any::<u64>(), id(), ".*").prop_map(|(id, sent_at_ms, target, body)| {
                Content::Edit {
                    id,
                    sent_at_ms,
                    target,
                    body,
                }
            }),
            (id(), any::<u64>(), id()).prop_map(|(id, sent_at_ms, target)| Content::Delete {
                id,
                sent_at_ms,
                target
            }),
            (id(), any::<u64>(), id(), ".{0,16}").prop_map(|(id, sent_at_ms, target, emoji)| {
                Content::Reaction {
                    id,
                    sent_at_ms,
                    target,
                    emoji,
                }
            }),
            (
                prop_oneof![Just(ReceiptState::Delivered), Just(ReceiptState::Read)],
                prop::collection::vec(id(), 0..=MAX_RECEIPT_IDS),
                any::<u64>()
            )
                .prop_map(|(state, ids, at_ms)| Content::Receipt { state, ids, at_ms }),
            ".{0,32}".prop_map(|name| Content::Profile { name }),
            (
                (id(), any::<u64>()),
                ".{1,63}",
                shape(),
                any::<[u8; 32]>(),
                options()
            )
                .prop_map(
                    |((id, sent_at_ms), name, (shape, size), key, (reply_to, expires_in_s))| {
                        Content::File {
                            id,
                            sent_at_ms,
                            name,
                            shape,
                            size,
                            key: FileKey::new(&key),
                            reply_to,
                            expires_in_s,
                        }
                    }
                ),
            (
                id(),
                prop_oneof![
                    Just(FileOutcome::Rejected),
                    Just(FileOutcome::Cancelled),
                    Just(FileOutcome::Failed)
                ]
            )
                .prop_map(|(target, outcome)| Content::FileEnd { target, outcome }),
        ]
    }

    fn shape() -> impl Strategy<Value = (Shape, Option<u64>)> {
        prop_oneof![
            any::<Option<u64>>().prop_map(|size| (Shape::File, size)),
            any::<u64>().prop_map(|size| (Shape::Directory, Some(size))),
            Just((Shape::Pipe, None)),
        ]
    }

    fn file(name: &str, shape: Shape, size: Option<u64>) -> Content {
        Content::File {
            id: MessageId([7; 16]),
            sent_at_ms: 1,
            name: name.to_owned(),
            shape,
            size,
            key: FileKey::new(&[9; 32]),
            reply_to: None,
            expires_in_s: None,
        }
    }

    fn text(body: String) -> Content {
        Content::Text {
            id: MessageId([7; 16]),
            sent_at_ms: 1,
            body,
            reply_to: None,
            expires_in_s: None,
        }
    }

    proptest! {
        #[test]
        fn every_content_comes_back(content in content()) {
            let bytes = content.to_bytes().unwrap();
            prop_assert!(Content::from_bytes(&bytes) == Ok(content));
        }

        #[test]
        fn no_prefix_and_no_extension_is_a_content(content in content(), cut in any::<prop::sample::Index>()) {
            let mut bytes = content.to_bytes().unwrap().to_vec();
            let cut = cut.index(bytes.len());
            prop_assert_eq!(Content::from_bytes(&bytes[..cut]), Err(DecodeError::Malformed));
            bytes.push(0);
            prop_assert_eq!(Content::from_bytes(&bytes), Err(DecodeError::Malformed));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Content::from_bytes(&bytes);
        }

        #[test]
        fn a_changed_byte_never_panics(content in content(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let mut bytes = content.to_bytes().unwrap().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = to;
            let _ = Content::from_bytes(&bytes);
        }
    }

    #[test]
    fn limits_hold_in_both_directions() {
        let longest = text("x".repeat(MAX_BODY_LEN));
        assert!(Content::from_bytes(&longest.to_bytes().unwrap()) == Ok(longest));
        let over = text("x".repeat(MAX_BODY_LEN + 1));
        assert_eq!(over.to_bytes(), Err(InvalidContent::Body));
        let (kind, fields) = cbor::Fields::of(&over).unwrap();
        assert_eq!(
            Content::from_bytes(&fields.encode(kind)),
            Err(DecodeError::Invalid(InvalidContent::Body))
        );

        let nowhere = Content::Geo {
            id: MessageId([0; 16]),
            sent_at_ms: 0,
            lat: f64::NAN,
            lon: 0.0,
            accuracy_m: None,
            reply_to: None,
            expires_in_s: None,
        };
        assert_eq!(nowhere.to_bytes(), Err(InvalidContent::Coordinates));
        assert_eq!(
            Content::Unknown { kind: 99 }.to_bytes(),
            Err(InvalidContent::Unknown)
        );
    }

    #[test]
    fn a_files_limits_hold_in_both_directions() {
        for good in [
            file("x", Shape::File, Some(0)),
            file(
                &"x".repeat(MAX_FILE_NAME_LEN),
                Shape::Directory,
                Some(u64::MAX),
            ),
            file("stdin", Shape::Pipe, None),
            file("stdin", Shape::File, None),
        ] {
            assert!(Content::from_bytes(&good.to_bytes().unwrap()) == Ok(good));
        }
        let too_long = "x".repeat(MAX_FILE_NAME_LEN + 1);
        for (bad, why) in [
            (file("", Shape::File, Some(1)), InvalidContent::FileName),
            (
                file(&too_long, Shape::File, Some(1)),
                InvalidContent::FileName,
            ),
            (file("x", Shape::Directory, None), InvalidContent::FileSize),
            (file("x", Shape::Pipe, Some(1)), InvalidContent::FileSize),
        ] {
            assert_eq!(bad.to_bytes(), Err(why));
            let (kind, fields) = cbor::Fields::of(&bad).unwrap();
            let decoded = Content::from_bytes(&fields.encode(kind));
            assert_eq!(decoded, Err(DecodeError::Invalid(why)));
        }
    }

    #[test]
    fn a_file_and_its_end_are_the_documented_cbor() {
        let mut offer = b"\xA7\x00\x08\x01\x50".to_vec();
        offer.extend([7; 16]);
        offer.extend(b"\x02\x01\x0F\x61x\x10\x02\x11\x18\x2A\x12\x58\x20");
        offer.extend([9; 32]);
        let directory = file("x", Shape::Directory, Some(42));
        assert_eq!(*directory.to_bytes().unwrap(), offer);

        let mut end = b"\xA3\x00\x09\x06\x50".to_vec();
        end.extend([7; 16]);
        end.extend(b"\x13\x03");
        let failed = Content::FileEnd {
            target: MessageId([7; 16]),
            outcome: FileOutcome::Failed,
        };
        assert_eq!(*failed.to_bytes().unwrap(), end);

        // A shape, an outcome or a key that there is not.
        for bad in [0, 4] {
            let mut offer = offer.clone();
            let shape = offer.len() - 32 - 3 - 3 - 1;
            assert_eq!(offer[shape], 2);
            offer[shape] = bad;
            assert_eq!(Content::from_bytes(&offer), Err(DecodeError::Malformed));
            let mut end = end.clone();
            *end.last_mut().unwrap() = bad;
            assert_eq!(Content::from_bytes(&end), Err(DecodeError::Malformed));
        }
        let at = offer.len() - 33;
        assert_eq!(offer[at], 32);
        offer[at] = 31;
        offer.pop();
        assert_eq!(Content::from_bytes(&offer), Err(DecodeError::Malformed));
    }

    #[test]
    fn a_newer_versions_fields_are_skipped_and_its_kinds_named() {
        // {0: 7, 14: "Bob", 99: {1: [h'00', 1.5, -1, true, null, 0("x")]}}
        let newer =
            b"\xA3\x00\x07\x0E\x63Bob\x18\x63\xA1\x01\x86\x41\x00\xF9\x3E\x00\x20\xF5\xF6\xC0\x61x";
        assert!(
            Content::from_bytes(newer)
                == Ok(Content::Profile {
                    name: "Bob".to_owned()
                })
        );
        // {0: 42, 3: [1, 2]}: what 3 means to a kind we do not know is not ours to say.
        assert!(
            Content::from_bytes(b"\xA2\x00\x18\x2A\x03\x82\x01\x02")
                == Ok(Content::Unknown { kind: 42 })
        );
    }

    #[test]
    fn ambiguous_or_unbounded_encodings_are_refused() {
        let refused: [&[u8]; 7] = [
            b"\xA2\x00\x07\x00\x07",                  // a key twice
            b"\xA2\x0E\x61x\x00\x07",                 // the kind not first
            b"\xBF\x00\x00\xFF",                      // indefinite map
            b"\xA3\x00\x07\x0E\x61x\x18\x63\x9F\xFF", // three announced, indefinite value
            b"\xA2\x00\x07\x0E\x7F\x61x\xFF",         // indefinite string
            b"\xA1\x00\x07",                          // a profile without a name
            b"",
        ];
        for bytes in refused {
            assert_eq!(Content::from_bytes(bytes), Err(DecodeError::Malformed));
        }
        let mut deep = b"\xA2\x00\x00\x18\x63".to_vec();
        deep.extend([0x81; 60_000]);
        deep.push(0);
        assert_eq!(Content::from_bytes(&deep), Err(DecodeError::Malformed));
        let huge = b"\xA2\x00\x00\x18\x63\x9B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF";
        assert_eq!(Content::from_bytes(huge), Err(DecodeError::Malformed));
    }

    #[test]
    fn debug_tells_the_kind_and_nothing_said() {
        assert_eq!(format!("{:?}", text("secret".to_owned())), "Text");
        let file = file("secret", Shape::File, Some(1));
        assert_eq!(format!("{file:?}"), "File");
    }
}

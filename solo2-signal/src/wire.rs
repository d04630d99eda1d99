//! What is said on the wire between a device and the introduction server.
//!
//! Every WebSocket binary message is [`MESSAGE_LEN`] bytes in both directions,
//! whatever it says: one type byte, the fields, zeros to the end. A padding
//! byte that is not zero is an error, so there is one encoding of each message.
//! Tokens and blobs are opaque here: what they mean, and who sealed them, is
//! not this crate's business.
//!
//! ```text
//!   Bob                        server                        Alice
//!    │ ── Listen{token} ────────► │                             │
//!    │ ◄──────── Listening{token} │                             │
//!    │                            │ ◄──── Post{token, blob} ─── │
//!    │ ◄──── Deliver{token, blob} │ ── Posted{token} ─────────► │
//!    │   (the same the other way, under the other token)        │
//!    │                                                          │
//!    │ ◄════════════ a link; the server may go away ══════════► │
//! ```
//!
//! - A blob posted where nobody listens is kept for the server's `signal-ttl`,
//!   60 s at most, handed to the first listener, and wiped.
//! - `Listen` is answered by `Listening`, `Busy` or `Refused`; `Post` by
//!   `Posted` or `Refused`; `Unlisten` by nothing. Answers come in the order of
//!   the requests, with deliveries between them. `Deliver` for a token never
//!   comes before its `Listening`.
//! - `Listen` with `exclusive` wants the token for this connection alone. `Busy`
//!   says that it is taken, by an exclusive listener or by too many.
//! - Beside messages there are the opening handshake and WebSocket's own pings,
//!   pongs and closes. They carry no field of this protocol, and are the only
//!   things on the line of another length.
//!
//! ```text
//!   client  Listen    01 token[32] exclusive[1]   0…
//!           Unlisten  02 token[32]                0…
//!           Post      03 token[32] blob[4096]     0…
//!   server  Listening 81 token[32]                0…
//!           Busy      82 token[32]                0…
//!           Posted    83 token[32]                0…
//!           Deliver   84 token[32] blob[4096]     0…
//!           Refused   85 code[1]                  0…
//! ```

use thiserror::Error;

/// Length of every message, in both directions, in bytes.
pub const MESSAGE_LEN: usize = 4160;
/// Length of a rendezvous token in bytes.
pub const TOKEN_LEN: usize = 32;
/// Length of a sealed blob in bytes.
pub const BLOB_LEN: usize = 4096;
/// The path of the WebSocket endpoint.
pub const PATH: &str = "/v1/signal";
/// The WebSocket subprotocol that both sides must name.
pub const SUBPROTOCOL: &str = "solo2.signal.v1";

/// An opaque rendezvous token: a pseudo-random value that only the pair knows.
pub type Token = [u8; TOKEN_LEN];
/// A sealed blob, opaque to the server.
pub type Blob = [u8; BLOB_LEN];

const LISTEN: u8 = 0x01;
const UNLISTEN: u8 = 0x02;
const POST: u8 = 0x03;
const LISTENING: u8 = 0x81;
const BUSY: u8 = 0x82;
const POSTED: u8 = 0x83;
const DELIVER: u8 = 0x84;
const REFUSED: u8 = 0x85;

/// What a device says. It borrows from the buffer it was read from, so that a
/// token is in memory once. No `Debug`: tokens belong in no log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ClientMessage<'a> {
    /// Deliver to me what is posted under this token.
    Listen {
        /// The token to listen under.
        token: &'a Token,
        /// Refuse everybody else while I listen.
        exclusive: bool,
    },
    /// Deliver no more under this token. Not answered.
    Unlisten {
        /// The token given up.
        token: &'a Token,
    },
    /// Hand this blob to whoever listens under the token.
    Post {
        /// The token of the other end.
        token: &'a Token,
        /// What to hand over.
        blob: &'a Blob,
    },
}

/// What the server says. See [`ClientMessage`] on borrowing and `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// The token is listened to from now on.
    Listening {
        /// The token asked for.
        token: &'a Token,
    },
    /// The token is taken.
    Busy {
        /// The token asked for.
        token: &'a Token,
    },
    /// The blob was handed over, or is kept until it expires.
    Posted {
        /// The token posted under.
        token: &'a Token,
    },
    /// Somebody posted this blob.
    Deliver {
        /// The token it was posted under.
        token: &'a Token,
        /// The blob.
        blob: &'a Blob,
    },
    /// The request in turn was not carried out.
    Refused {
        /// Why.
        code: RefusedCode,
    },
}

/// Why the server did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusedCode {
    /// Too many requests at once: slow down.
    Rate,
    /// This connection listens under as many tokens as it may.
    TooManyTokens,
    /// The server holds as much as it may: try again later.
    Full,
    /// The message was not one of this protocol; the connection ends.
    Malformed,
}

impl RefusedCode {
    fn to_byte(self) -> u8 {
        match self {
            Self::Rate => 1,
            Self::TooManyTokens => 2,
            Self::Full => 3,
            Self::Malformed => 4,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Rate),
            2 => Some(Self::TooManyTokens),
            3 => Some(Self::Full),
            4 => Some(Self::Malformed),
            _ => None,
        }
    }
}

/// The bytes are not a message of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WireError {
    /// Not [`MESSAGE_LEN`] bytes.
    #[error("a signal message is {MESSAGE_LEN} bytes, this one is {0}")]
    Length(usize),
    /// The first byte names no message of this direction.
    #[error("unknown signal message type {0:#04x}")]
    Type(u8),
    /// A field has a value that no message has.
    #[error("signal message with an invalid field")]
    Field,
    /// A byte behind the fields is not zero.
    #[error("signal message with padding that is not zero")]
    Padding,
}

impl<'a> ClientMessage<'a> {
    /// Reads one message.
    ///
    /// # Errors
    /// [`WireError`] for anything that [`ClientMessage::encode`] does not write.
    pub fn parse(message: &'a [u8]) -> Result<Self, WireError> {
        let mut fields = Fields::open(message)?;
        let parsed = match fields.kind {
            LISTEN => {
                let token = fields.take()?;
                let exclusive = match fields.take::<1>()? {
                    [0] => false,
                    [1] => true,
                    _ => return Err(WireError::Field),
                };
                Self::Listen { token, exclusive }
            }
            UNLISTEN => Self::Unlisten {
                token: fields.take()?,
            },
            POST => Self::Post {
                token: fields.take()?,
                blob: fields.take()?,
            },
            other => return Err(WireError::Type(other)),
        };
        fields.close()?;
        Ok(parsed)
    }

    /// Writes the message over the whole of `out`.
    pub fn encode(&self, out: &mut [u8; MESSAGE_LEN]) {
        match *self {
            Self::Listen { token, exclusive } => write(out, LISTEN, token, &[u8::from(exclusive)]),
            Self::Unlisten { token } => write(out, UNLISTEN, token, &[]),
            Self::Post { token, blob } => write(out, POST, token, blob),
        }
    }
}

impl<'a> ServerMessage<'a> {
    /// Reads one message.
    ///
    /// # Errors
    /// [`WireError`] for anything that [`ServerMessage::encode`] does not write.
    pub fn parse(message: &'a [u8]) -> Result<Self, WireError> {
        let mut fields = Fields::open(message)?;
        let parsed = match fields.kind {
            LISTENING => Self::Listening {
                token: fields.take()?,
            },
            BUSY => Self::Busy {
                token: fields.take()?,
            },
            POSTED => Self::Posted {
                token: fields.take()?,
            },
            DELIVER => Self::Deliver {
                token: fields.take()?,
                blob: fields.take()?,
            },
            REFUSED => {
                let [code] = *fields.take::<1>()?;
                Self::Refused {
                    code: RefusedCode::from_byte(code).ok_or(WireError::Field)?,
                }
            }
            other => return Err(WireError::Type(other)),
        };
        fields.close()?;
        Ok(parsed)
    }

    /// Writes the message over the whole of `out`.
    pub fn encode(&self, out: &mut [u8; MESSAGE_LEN]) {
        match *self {
            Self::Listening { token } => write(out, LISTENING, token, &[]),
            Self::Busy { token } => write(out, BUSY, token, &[]),
            Self::Posted { token } => write(out, POSTED, token, &[]),
            Self::Deliver { token, blob } => write(out, DELIVER, token, blob),
            Self::Refused { code } => write(out, REFUSED, &[code.to_byte()], &[]),
        }
    }
}

/// Turns an encoded `Post` into the `Deliver` of the same token and blob, in
/// place: they differ in the type byte only, so the server copies neither.
/// Returns false, and changes nothing, if it is not a `Post`.
pub fn post_into_deliver(message: &mut [u8; MESSAGE_LEN]) -> bool {
    let [kind, ..] = message;
    let is_post = *kind == POST;
    if is_post {
        *kind = DELIVER;
    }
    is_post
}

/// A message cut into its fields, front to back.
struct Fields<'a> {
    kind: u8,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn open(message: &'a [u8]) -> Result<Self, WireError> {
        match message.split_first() {
            Some((&kind, rest)) if message.len() == MESSAGE_LEN => Ok(Self { kind, rest }),
            _ => Err(WireError::Length(message.len())),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], WireError> {
        let (field, rest) = self.rest.split_first_chunk().ok_or(WireError::Field)?;
        self.rest = rest;
        Ok(field)
    }

    fn close(self) -> Result<(), WireError> {
        if self.rest.iter().all(|byte| *byte == 0) {
            Ok(())
        } else {
            Err(WireError::Padding)
        }
    }
}

/// Fills `out` with a type byte, two fields and zeros.
fn write(out: &mut [u8; MESSAGE_LEN], kind: u8, first: &[u8], second: &[u8]) {
    let fields = [kind]
        .into_iter()
        .chain(first.iter().copied())
        .chain(second.iter().copied());
    for (byte, value) in out.iter_mut().zip(fields.chain(std::iter::repeat(0))) {
        *byte = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOKEN: Token = [7; TOKEN_LEN];
    const BLOB: Blob = [9; BLOB_LEN];

    fn client_messages() -> [ClientMessage<'static>; 4] {
        [
            ClientMessage::Listen {
                token: &TOKEN,
                exclusive: false,
            },
            ClientMessage::Listen {
                token: &TOKEN,
                exclusive: true,
            },
            ClientMessage::Unlisten { token: &TOKEN },
            ClientMessage::Post {
                token: &TOKEN,
                blob: &BLOB,
            },
        ]
    }

    fn server_messages() -> Vec<ServerMessage<'static>> {
        let refusals = [
            RefusedCode::Rate,
            RefusedCode::TooManyTokens,
            RefusedCode::Full,
            RefusedCode::Malformed,
        ];
        [
            ServerMessage::Listening { token: &TOKEN },
            ServerMessage::Busy { token: &TOKEN },
            ServerMessage::Posted { token: &TOKEN },
            ServerMessage::Deliver {
                token: &TOKEN,
                blob: &BLOB,
            },
        ]
        .into_iter()
        .chain(refusals.map(|code| ServerMessage::Refused { code }))
        .collect()
    }

    #[test]
    fn every_message_survives_the_wire() {
        let mut out = [0xff; MESSAGE_LEN];
        for message in client_messages() {
            message.encode(&mut out);
            assert!(ClientMessage::parse(&out) == Ok(message));
            assert!(ServerMessage::parse(&out).is_err(), "directions do not mix");
        }
        for message in server_messages() {
            message.encode(&mut out);
            assert!(ServerMessage::parse(&out) == Ok(message));
            assert!(ClientMessage::parse(&out).is_err(), "directions do not mix");
        }
    }

    #[test]
    fn layout_is_the_documented_one() {
        let mut out = [0xff; MESSAGE_LEN];
        ClientMessage::Post {
            token: &TOKEN,
            blob: &BLOB,
        }
        .encode(&mut out);
        assert_eq!(out[0], 3);
        assert_eq!(out[1..33], TOKEN);
        assert_eq!(out[33..33 + BLOB_LEN], BLOB);
        assert!(out[33 + BLOB_LEN..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_post_becomes_the_deliver_of_the_same_blob() {
        let mut out = [0; MESSAGE_LEN];
        ClientMessage::Post {
            token: &TOKEN,
            blob: &BLOB,
        }
        .encode(&mut out);
        assert!(post_into_deliver(&mut out));
        assert!(
            ServerMessage::parse(&out)
                == Ok(ServerMessage::Deliver {
                    token: &TOKEN,
                    blob: &BLOB
                })
        );
        assert!(!post_into_deliver(&mut out));
    }

    #[test]
    fn padding_that_is_not_zero_is_refused() {
        let mut out = [0; MESSAGE_LEN];
        for message in client_messages() {
            for position in [34 + BLOB_LEN, MESSAGE_LEN - 1] {
                message.encode(&mut out);
                out[position] = 1;
                assert!(ClientMessage::parse(&out) == Err(WireError::Padding));
            }
        }
    }

    proptest! {
        #[test]
        fn any_length_but_one_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
            prop_assume!(bytes.len() != MESSAGE_LEN);
            prop_assert!(ClientMessage::parse(&bytes) == Err(WireError::Length(bytes.len())));
            prop_assert!(ServerMessage::parse(&bytes) == Err(WireError::Length(bytes.len())));
        }

        #[test]
        fn what_parses_has_one_encoding(
            kind in any::<u8>(),
            fields in proptest::collection::vec(any::<u8>(), 0..MESSAGE_LEN),
        ) {
            let mut message = [0; MESSAGE_LEN];
            message[0] = kind;
            message[1..=fields.len()].copy_from_slice(&fields);
            let mut again = [0xaa; MESSAGE_LEN];
            if let Ok(parsed) = ClientMessage::parse(&message) {
                parsed.encode(&mut again);
                prop_assert!(again == message);
            }
            if let Ok(parsed) = ServerMessage::parse(&message) {
                parsed.encode(&mut again);
                prop_assert!(again == message);
            }
        }

        #[test]
        fn one_flipped_padding_bit_never_parses(
            position in 34 + BLOB_LEN..MESSAGE_LEN,
            bit in 0u8..8,
            which in 0usize..4,
        ) {
            let mut message = [0; MESSAGE_LEN];
            client_messages()[which].encode(&mut message);
            message[position] ^= 1 << bit;
            prop_assert!(ClientMessage::parse(&message).is_err());
        }
    }
}

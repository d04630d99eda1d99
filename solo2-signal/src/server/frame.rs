//! WebSocket frames (RFC 6455 §5) for a server that takes one size of message.
//!
//! Own code where a crate would serve, for two reasons that follow from that one
//! size. A general reader collects frames in a growing buffer that keeps stale
//! bytes for the life of a connection; here a message goes straight into the
//! pooled buffer it is kept in, and that is wiped. And no length that a peer
//! names is ever allocated: bounds are the shape of the code.
//!
//! No text, no extensions, no compression. Fragments are put together, because
//! the RFC demands it. The opening handshake is not here: see `http`.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroize;

use super::buffer::{Buffer, Pool};
use crate::wire::MESSAGE_LEN;

/// How long a message or a control frame may take from its first byte to its
/// last.
const FRAME_TIME: Duration = Duration::from_secs(10);
/// Fragments of one message. More serve no purpose but to keep us busy.
const FRAGMENTS: u32 = 64;
/// Longest payload of a control frame (RFC 6455 §5.5).
const CONTROL_LEN: usize = 125;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// Why a connection ends, as its peer is told (RFC 6455 §7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum CloseCode {
    Normal = 1000,
    GoingAway = 1001,
    Protocol = 1002,
    Unsupported = 1003,
    Policy = 1008,
    TooBig = 1009,
    TryAgain = 1013,
}

/// What a peer sent.
pub(super) enum Incoming {
    /// A whole message, of [`MESSAGE_LEN`] bytes.
    Message(Buffer),
    /// Answer it with the same bytes.
    Ping(Control),
    /// The peer is there.
    Pong,
    /// The peer leaves.
    Close,
}

/// Why there is no next frame.
#[derive(Debug, Error)]
pub(super) enum FrameError {
    /// The connection broke, ended, or stalled.
    #[error("connection lost")]
    Lost(#[from] io::Error),
    /// The peer does not keep to the rules.
    #[error("closing with {0:?}")]
    Refused(CloseCode),
}

/// The payload of a control frame.
pub(super) struct Control {
    bytes: Box<[u8]>,
}

/// Reads frames, one piece at a time. Dropping the future of [`Reader::next`]
/// loses nothing: what was read is in here.
pub(super) struct Reader {
    pool: Pool,
    stage: Stage,
    message: Option<Partial>,
    deadline: Option<Instant>,
}

enum Stage {
    /// Bytes of the header, so far.
    Header { bytes: [u8; 8], len: usize },
    /// Payload of the frame.
    Payload {
        header: Header,
        done: usize,
        control: Option<Control>,
    },
}

#[derive(Clone, Copy)]
struct Header {
    last: bool,
    opcode: u8,
    len: usize,
    mask: [u8; 4],
}

/// A message, of which some fragments may still be on their way.
struct Partial {
    buffer: Buffer,
    len: usize,
    fragments: u32,
}

impl Reader {
    pub(super) fn new(pool: Pool) -> Self {
        Self {
            pool,
            stage: Stage::start(),
            message: None,
            deadline: None,
        }
    }

    /// The next frame that means something. Cancel safe.
    ///
    /// # Errors
    /// [`FrameError`]; there is no use in calling again after one.
    pub(super) async fn next<S>(&mut self, stream: &mut S) -> Result<Incoming, FrameError>
    where
        S: AsyncRead + Unpin,
    {
        loop {
            if let Some(incoming) = self.step()? {
                if self.message.is_none() {
                    self.deadline = None;
                }
                return Ok(incoming);
            }
            let deadline = self.deadline;
            let read = stream.read(self.wanted());
            let count = match deadline {
                None => read.await?,
                Some(deadline) => timeout_at(deadline, read)
                    .await
                    .map_err(|_| io::ErrorKind::TimedOut)
                    .map_err(io::Error::from)??,
            };
            if count == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            self.deadline
                .get_or_insert_with(|| Instant::now() + FRAME_TIME);
            match &mut self.stage {
                Stage::Header { len, .. } => *len += count,
                Stage::Payload { done, .. } => *done += count,
            }
        }
    }

    /// Where the next bytes belong. Never empty after [`Reader::step`].
    fn wanted(&mut self) -> &mut [u8] {
        match &mut self.stage {
            Stage::Header { bytes, len } => {
                let need = header_len(bytes, *len);
                bytes.get_mut(*len..need).unwrap_or_default()
            }
            Stage::Payload {
                header,
                done,
                control,
            } => match (control, &mut self.message) {
                (Some(control), _) => control.bytes.get_mut(*done..).unwrap_or_default(),
                (None, Some(message)) => message
                    .buffer
                    .message_mut()
                    .get_mut(message.len + *done..message.len + header.len)
                    .unwrap_or_default(),
                (None, None) => &mut [],
            },
        }
    }

    /// Goes as far as the bytes that are here allow.
    fn step(&mut self) -> Result<Option<Incoming>, FrameError> {
        loop {
            match std::mem::replace(&mut self.stage, Stage::start()) {
                Stage::Header { bytes, len } => {
                    if len < header_len(&bytes, len) {
                        self.stage = Stage::Header { bytes, len };
                        return Ok(None);
                    }
                    let header = Header::parse(bytes)?;
                    let control = self.admit(header)?;
                    self.stage = Stage::Payload {
                        header,
                        done: 0,
                        control,
                    };
                }
                Stage::Payload {
                    header,
                    done,
                    control,
                } => {
                    if done < header.len {
                        self.stage = Stage::Payload {
                            header,
                            done,
                            control,
                        };
                        return Ok(None);
                    }
                    if let Some(incoming) = self.finish(header, control)? {
                        return Ok(Some(incoming));
                    }
                }
            }
        }
    }

    /// Decides where the payload of a frame goes, before a byte of it is read.
    fn admit(&mut self, header: Header) -> Result<Option<Control>, FrameError> {
        match header.opcode {
            CLOSE | PING | PONG => {
                if !header.last || header.len > CONTROL_LEN {
                    return Err(FrameError::Refused(CloseCode::Protocol));
                }
                Ok(Some(Control {
                    bytes: vec![0; header.len].into_boxed_slice(),
                }))
            }
            BINARY if self.message.is_none() => {
                let buffer = self
                    .pool
                    .take()
                    .ok_or(FrameError::Refused(CloseCode::TryAgain))?;
                self.message = Some(Partial {
                    buffer,
                    len: 0,
                    fragments: 0,
                });
                self.admit_fragment(header).map(|()| None)
            }
            CONTINUATION if self.message.is_some() => self.admit_fragment(header).map(|()| None),
            TEXT => Err(FrameError::Refused(CloseCode::Unsupported)),
            _ => Err(FrameError::Refused(CloseCode::Protocol)),
        }
    }

    fn admit_fragment(&mut self, header: Header) -> Result<(), FrameError> {
        let Some(message) = &mut self.message else {
            return Err(FrameError::Refused(CloseCode::Protocol));
        };
        message.fragments += 1;
        if message.fragments > FRAGMENTS {
            return Err(FrameError::Refused(CloseCode::Policy));
        }
        match message.len + header.len {
            total if total > MESSAGE_LEN => Err(FrameError::Refused(CloseCode::TooBig)),
            total if total < MESSAGE_LEN && header.last => {
                Err(FrameError::Refused(CloseCode::Policy))
            }
            _ => Ok(()),
        }
    }

    /// A frame is complete: unmasks it, and says what it means.
    fn finish(
        &mut self,
        header: Header,
        control: Option<Control>,
    ) -> Result<Option<Incoming>, FrameError> {
        if let Some(mut control) = control {
            unmask(&mut control.bytes, header.mask);
            return Ok(Some(match header.opcode {
                PING => Incoming::Ping(control),
                PONG => Incoming::Pong,
                _ => Incoming::Close,
            }));
        }
        let Some(mut message) = self.message.take() else {
            return Err(FrameError::Refused(CloseCode::Protocol));
        };
        let end = message.len + header.len;
        if let Some(fragment) = message.buffer.message_mut().get_mut(message.len..end) {
            unmask(fragment, header.mask);
        }
        message.len = end;
        if header.last {
            return Ok(Some(Incoming::Message(message.buffer)));
        }
        self.message = Some(message);
        Ok(None)
    }
}

impl Stage {
    fn start() -> Self {
        Self::Header {
            bytes: [0; 8],
            len: 0,
        }
    }
}

impl Header {
    /// `fin rsv opcode | mask len7 | [len16] | mask[4]`. A length of 64 bits is
    /// longer than anything taken here.
    fn parse(bytes: [u8; 8]) -> Result<Self, FrameError> {
        let [first, second, a, b, c, d, e, f] = bytes;
        if first & 0x70 != 0 || second & 0x80 == 0 {
            return Err(FrameError::Refused(CloseCode::Protocol));
        }
        let (len, mask) = match second & 0x7f {
            127 => return Err(FrameError::Refused(CloseCode::TooBig)),
            126 => match u16::from_be_bytes([a, b]) {
                ..126 => return Err(FrameError::Refused(CloseCode::Protocol)),
                len => (usize::from(len), [c, d, e, f]),
            },
            len => (usize::from(len), [a, b, c, d]),
        };
        Ok(Self {
            last: first & 0x80 != 0,
            opcode: first & 0x0f,
            len,
            mask,
        })
    }
}

/// How long the header is, as far as the first `len` bytes tell.
fn header_len(bytes: &[u8; 8], len: usize) -> usize {
    let [_, second, ..] = bytes;
    match second & 0x7f {
        _ if len < 2 => 2,
        // Not masked, or too long: refused without a look at the rest.
        _ if second & 0x80 == 0 => 2,
        127 => 2,
        126 => 8,
        _ => 6,
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for (byte, mask) in payload.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

impl Control {
    /// The `Pong` that answers this `Ping`.
    pub(super) fn into_pong(self) -> Vec<u8> {
        control_frame(PONG, &self.bytes)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// A `Ping` without payload.
pub(super) fn ping() -> Vec<u8> {
    control_frame(PING, &[])
}

/// A `Close` with its code.
pub(super) fn close(code: CloseCode) -> Vec<u8> {
    control_frame(CLOSE, &(code as u16).to_be_bytes())
}

fn control_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    // Control payloads are at most 125 bytes, on the way in and so on the way out.
    let len = u8::try_from(payload.len()).unwrap_or(0);
    let mut frame = vec![0x80 | opcode, len];
    frame.extend_from_slice(payload);
    frame
}

#[cfg(test)]
mod tests;

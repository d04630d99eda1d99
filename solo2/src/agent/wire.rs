//! Bytes between a command and the owner of the profile: what `pipe` reads and writes.
//!
//! A connection of its own on the agent's socket. One JSON-RPC request says what it is
//! for; behind the answer both sides speak frames:
//!
//! ```text
//!   frame = kind u8 || length u32be || so many bytes, at most 64 KiB
//!
//!   a command that sends                     a command that receives
//!     ◄─ From serial 8 || offset 8             ◄─ Where serial 8
//!     ─► Prefix serial 8 || BLAKE3 32          ─► At serial 8 || offset 8 || BLAKE3 32
//!        or Gone serial 8                      ◄─ Begun file id 16
//!     ─► Data …                                ◄─ Data …
//!     ◄─ Ack offset 8                          ─► Ack offset 8
//!     ─► End total 8 || BLAKE3 32              ◄─ End total 8 || BLAKE3 32
//!                                              ─► Done, or Differs
//!     ─► Abort reason 1, either way
//!     ◄─ Over nothing, or the failure as JSON
//! ```
//!
//! The command keeps the hash of what has passed, so the owner may die and another one
//! go on with [`Frame::From`] or [`Frame::Where`]. A serial tells the answer to the newest
//! question from answers to older ones. What the bytes mean is not this module's concern.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::mpsc;

use super::rpc::Failure;

/// Bytes that one [`Frame::Data`] carries at most: a chunk of docs/protocol/6-files.md.
pub(crate) const DATA_MAX: usize = 64 * 1024;
/// Frames that wait for the other side to read.
const BACKLOG: usize = 4;
/// Bytes of kind and length.
const HEAD: usize = 5;

/// Why a command leaves before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The user ended it, or the time was over.
    Left,
    /// What it reads from, or writes to, broke.
    Failed,
}

/// One thing said between a command and the owner.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Frame {
    /// The reader wants what comes behind `offset`.
    From { serial: u64, offset: u64 },
    /// This is the hash of what is before it; what is behind it follows.
    Prefix { serial: u64, hash: [u8; 32] },
    /// That is not kept any more, or has not come yet.
    Gone { serial: u64 },
    /// The next bytes.
    Data(Vec<u8>),
    /// Everything before this offset is written at the receiver.
    Ack(u64),
    /// There is no more: the length and hash of all of it.
    End { total: u64, root: [u8; 32] },
    /// How far are you?
    Where { serial: u64 },
    /// So far, and this is the hash of it.
    At {
        serial: u64,
        offset: u64,
        hash: [u8; 32],
    },
    /// Bytes of this file are about to come.
    Begun([u8; 16]),
    /// All of it is written and is what was announced.
    Done,
    /// All of it is written and is not what was announced.
    Differs,
    /// The command leaves.
    Abort(Reason),
    /// It is over, well or not.
    Over(Option<Box<Failure>>),
}

impl Frame {
    fn kind(&self) -> u8 {
        match self {
            Self::From { .. } => 1,
            Self::Prefix { .. } => 2,
            Self::Gone { .. } => 3,
            Self::Data(_) => 4,
            Self::Ack(_) => 5,
            Self::End { .. } => 6,
            Self::Where { .. } => 7,
            Self::At { .. } => 8,
            Self::Begun(_) => 9,
            Self::Done => 10,
            Self::Differs => 11,
            Self::Abort(_) => 12,
            Self::Over(_) => 13,
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.kind(), 0, 0, 0, 0];
        match self {
            Self::From { serial, offset } => {
                bytes.extend_from_slice(&serial.to_be_bytes());
                bytes.extend_from_slice(&offset.to_be_bytes());
            }
            Self::Prefix { serial, hash } => {
                bytes.extend_from_slice(&serial.to_be_bytes());
                bytes.extend_from_slice(hash);
            }
            Self::Gone { serial } | Self::Where { serial } => {
                bytes.extend_from_slice(&serial.to_be_bytes());
            }
            Self::Data(data) => bytes.extend_from_slice(data),
            Self::Ack(offset) => bytes.extend_from_slice(&offset.to_be_bytes()),
            Self::End { total, root } => {
                bytes.extend_from_slice(&total.to_be_bytes());
                bytes.extend_from_slice(root);
            }
            Self::At {
                serial,
                offset,
                hash,
            } => {
                bytes.extend_from_slice(&serial.to_be_bytes());
                bytes.extend_from_slice(&offset.to_be_bytes());
                bytes.extend_from_slice(hash);
            }
            Self::Begun(id) => bytes.extend_from_slice(id),
            Self::Abort(reason) => bytes.push(match reason {
                Reason::Left => 0,
                Reason::Failed => 1,
            }),
            Self::Over(Some(failure)) => {
                // A failure is plain data, and far shorter than a frame may be.
                bytes.extend_from_slice(&serde_json::to_vec(failure).unwrap_or_default());
            }
            Self::Done | Self::Differs | Self::Over(None) => {}
        }
        let len = u32::try_from(bytes.len() - HEAD).unwrap_or(u32::MAX);
        if let Some(place) = bytes.get_mut(1..HEAD) {
            place.copy_from_slice(&len.to_be_bytes());
        }
        bytes
    }

    fn decode(kind: u8, mut body: &[u8]) -> Option<Self> {
        let rest = &mut body;
        let frame = match kind {
            1 => Self::From {
                serial: number(rest)?,
                offset: number(rest)?,
            },
            2 => Self::Prefix {
                serial: number(rest)?,
                hash: take(rest)?,
            },
            3 => Self::Gone {
                serial: number(rest)?,
            },
            4 => Self::Data(std::mem::take(rest).to_vec()),
            5 => Self::Ack(number(rest)?),
            6 => Self::End {
                total: number(rest)?,
                root: take(rest)?,
            },
            7 => Self::Where {
                serial: number(rest)?,
            },
            8 => Self::At {
                serial: number(rest)?,
                offset: number(rest)?,
                hash: take(rest)?,
            },
            9 => Self::Begun(take(rest)?),
            10 => Self::Done,
            11 => Self::Differs,
            12 => Self::Abort(match take(rest)? {
                [0] => Reason::Left,
                [1] => Reason::Failed,
                _ => return None,
            }),
            13 => match std::mem::take(rest) {
                [] => Self::Over(None),
                json => Self::Over(Some(serde_json::from_slice(json).ok()?)),
            },
            _ => return None,
        };
        rest.is_empty().then_some(frame)
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (field, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*field)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes).map(u64::from_be_bytes)
}

/// Both halves of a connection: what comes, and where frames for the other side go.
///
/// What was put into the sender leaves, even when the sender is dropped.
pub(crate) fn split(stream: UnixStream) -> (Frames, mpsc::Sender<Frame>) {
    let (from, mut to) = stream.into_split();
    let (sender, mut frames) = mpsc::channel::<Frame>(BACKLOG);
    // A task of its own: a frame that was begun is never cut by somebody's select.
    tokio::spawn(async move {
        while let Some(frame) = frames.recv().await {
            if to.write_all(&frame.encode()).await.is_err() {
                return;
            }
        }
    });
    let frames = Frames {
        from,
        buffer: Vec::with_capacity(HEAD + DATA_MAX),
    };
    (frames, sender)
}

/// The frames of the other side.
pub(crate) struct Frames {
    from: OwnedReadHalf,
    buffer: Vec<u8>,
}

impl Frames {
    /// The next frame, or nothing once the other side has left. Cancel safe.
    ///
    /// # Errors
    ///
    /// The socket's, and `InvalidData` for what is no frame.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.parse()? {
                return Ok(Some(frame));
            }
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn parse(&mut self) -> io::Result<Option<Frame>> {
        let bad = || io::Error::new(io::ErrorKind::InvalidData, "not a frame");
        let Some(([kind, len @ ..], rest)) = self.buffer.split_first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
        if len > DATA_MAX {
            return Err(bad());
        }
        let Some(body) = rest.get(..len) else {
            return Ok(None);
        };
        let frame = Frame::decode(*kind, body).ok_or_else(bad)?;
        self.buffer.drain(..HEAD + len);
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn all() -> Vec<Frame> {
        let failure = Failure::new(Kind::Rejected, "no").code("cancelled");
        vec![
            Frame::From {
                serial: 1,
                offset: 2,
            },
            Frame::Prefix {
                serial: 3,
                hash: [4; 32],
            },
            Frame::Gone { serial: 5 },
            Frame::Data(Vec::new()),
            Frame::Data(vec![6; DATA_MAX]),
            Frame::Ack(7),
            Frame::End {
                total: 8,
                root: [9; 32],
            },
            Frame::Where { serial: 10 },
            Frame::At {
                serial: 11,
                offset: 12,
                hash: [13; 32],
            },
            Frame::Begun([14; 16]),
            Frame::Done,
            Frame::Differs,
            Frame::Abort(Reason::Left),
            Frame::Abort(Reason::Failed),
            Frame::Over(None),
            Frame::Over(Some(Box::new(failure))),
        ]
    }

    #[tokio::test]
    async fn every_frame_comes_through_and_then_the_end() {
        let (ours, theirs) = UnixStream::pair().expect("pair");
        let (_, to) = split(ours);
        let (mut frames, _to) = split(theirs);
        tokio::spawn(async move {
            for frame in all() {
                to.send(frame).await.expect("sent");
            }
        });
        for frame in all() {
            assert_eq!(frames.next().await.expect("read"), Some(frame));
        }
        assert_eq!(frames.next().await.expect("read"), None);
    }

    #[tokio::test]
    async fn what_is_no_frame_is_refused_before_it_is_collected() {
        let mut long = Frame::Data(vec![0; DATA_MAX]).encode();
        long[3] += 1;
        let mut short = Frame::Ack(1).encode();
        short[4] -= 1;
        let mut more = Frame::Done.encode();
        more[4] = 1;
        more.push(0);
        let unknown = vec![99, 0, 0, 0, 0];
        let reason = vec![12, 0, 0, 0, 1, 2];
        for bytes in [long, short, more, unknown, reason] {
            let (mut ours, theirs) = UnixStream::pair().expect("pair");
            let (mut frames, _to) = split(theirs);
            ours.write_all(&bytes[..bytes.len().min(100)])
                .await
                .expect("written");
            let error = frames.next().await.expect_err("refused");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[tokio::test]
    async fn a_frame_that_comes_in_pieces_survives_a_reader_that_gives_up_in_between() {
        let (mut ours, theirs) = UnixStream::pair().expect("pair");
        let (mut frames, _to) = split(theirs);
        let bytes = Frame::Data(b"in pieces".to_vec()).encode();
        for (at, byte) in bytes.iter().enumerate() {
            ours.write_all(&[*byte]).await.expect("written");
            let soon = std::time::Duration::from_millis(5);
            let early = tokio::time::timeout(soon, frames.next()).await;
            assert_eq!(early.is_ok(), at + 1 == bytes.len(), "byte {at}");
        }
    }
}

//! The bulk lane: one stream of the link's connection for each file under way.
//!
//! Whoever receives the file opens the stream and asks for the file from an offset;
//! whoever has it answers with sealed records. What the records say, and under which
//! key, is the node's business. A lane has lower priority than frames, so that a text
//! never waits behind a file, and all lanes share what is left fairly. Over Tor the records
//! of a long file leave the lane for the link's strands ([`super::strands`]), once there are any.
//!
//! ```text
//!   receiver ──request 57──────► sender
//!            ◄─status 1 salt 32─
//!            ◄─record … record──          or on strands, numbered
//!            ──ack 8 … ack 8───►
//! ```
//! Spec: docs/protocol/6-files.md §3.

mod spread;

use std::sync::Arc;

use bytes::Bytes;
use solo2_crypto::file::{CHUNK_LEN, TAG_LEN};
use thiserror::Error;
use tokio::sync::watch;

use super::connection::{Broken, RecvStream, SendStream, Streams};
use super::direct::PathState;
use super::strands::Strands;
use spread::{Merge, Sides};

/// Version of the requests below.
const VERSION: u8 = 1;
/// Bytes of a request.
const REQUEST_LEN: usize = 1 + 16 + 8 + 32;
/// Marks the last record in its length.
const LAST: u32 = 1 << 31;
/// In place of a record's length: the next one, and all behind it, come over strands.
const SPREAD: u32 = 0;
/// Bytes that are worth more circuits than the link's own.
const SPREAD_LEAST: u64 = 1 << 20;
/// Below frames, which have priority 0.
const PRIORITY: i32 = -1;
/// Zeros written at a time behind the last record.
const PADDING: [u8; 16 * 1024] = [0; 16 * 1024];

/// What the receiver of a file asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    /// The message that offered the file.
    pub(crate) file: [u8; 16],
    /// Bytes that the receiver has.
    pub(crate) offset: u64,
    /// Proof of which these are.
    pub(crate) prefix: [u8; 32],
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Records follow.
    Data,
    /// No such file was offered, or it was called off.
    Unknown,
    /// It cannot be read at present.
    Unavailable,
    /// It is not any more what was offered.
    Changed,
    /// The receiver's beginning is not the sender's: ask again from 0.
    Differs,
}

/// Why a lane ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum LaneError {
    /// The link broke, or the other side let the lane go.
    #[error("the connection broke")]
    Connection,
    /// The other side does not keep to the protocol.
    #[error("the peer sent what this protocol does not allow")]
    Protocol,
}

impl From<Broken> for LaneError {
    fn from(Broken: Broken) -> Self {
        Self::Connection
    }
}

/// A link's lanes.
#[derive(Clone)]
pub(crate) struct Lanes {
    streams: Streams,
    path: watch::Receiver<PathState>,
    strands: Option<Arc<Strands>>,
}

impl Lanes {
    pub(crate) fn new(
        streams: Streams,
        path: watch::Receiver<PathState>,
        strands: Option<Arc<Strands>>,
    ) -> Self {
        Self {
            streams,
            path,
            strands,
        }
    }

    /// The path that they take now.
    pub(crate) fn path(&self) -> PathState {
        *self.path.borrow()
    }

    /// Circuits that they take through Tor, the link's own included.
    pub(crate) fn circuits(&self) -> Option<usize> {
        let strands = self.strands.as_ref();
        strands.map(|strands| 1 + strands.count())
    }

    /// Asks for a file, of which `left` bytes are missing if that is known: what comes back, or
    /// why nothing does.
    pub(crate) async fn fetch(
        &self,
        request: Request,
        left: Option<u64>,
    ) -> Result<Fetched, LaneError> {
        let (mut send, mut recv) = self.streams.open().await?;
        send.set_priority(PRIORITY);
        send.write_all(&request.encode()).await?;
        let mut status = [0];
        recv.read_exact(&mut status).await?;
        match Status::decode(status) {
            Some(Status::Data) => {
                let mut salt = [0; 32];
                recv.read_exact(&mut salt).await?;
                let strands = spreading(&self.strands, left);
                let records = Records {
                    lane: recv,
                    number: 0,
                    merge: strands.map(|strands| Merge::new(strands.lend(), salt)),
                    spread: false,
                };
                let acks = Acknowledger(send);
                Ok(Fetched::Data {
                    salt,
                    records,
                    acks,
                })
            }
            Some(refused) => Ok(Fetched::Refused(refused)),
            None => Err(LaneError::Protocol),
        }
    }

    /// The next request of the peer.
    pub(crate) async fn accept(&self) -> Result<Asked, LaneError> {
        let (send, recv) = self.streams.accept().await?;
        send.set_priority(PRIORITY);
        let strands = self.strands.clone();
        Ok(Asked {
            send,
            recv,
            strands,
        })
    }
}

/// The strands that a lane with so much to carry uses. What is written live keeps to the lane:
/// its writer may pause for as long as it likes, and a strand that stands still is given up.
fn spreading(strands: &Option<Arc<Strands>>, left: Option<u64>) -> Option<&Arc<Strands>> {
    let long = left.is_some_and(|left| left >= SPREAD_LEAST);
    strands.as_ref().filter(|_| long)
}

/// The answer to a request.
pub(crate) enum Fetched {
    /// Records, sealed under a key that the salt goes into.
    Data {
        salt: [u8; 32],
        records: Records,
        acks: Acknowledger,
    },
    /// Nothing, for this reason.
    Refused(Status),
}

/// A lane that the peer opened and whose request is still to be read.
pub(crate) struct Asked {
    send: SendStream,
    recv: RecvStream,
    strands: Option<Arc<Strands>>,
}

impl Asked {
    pub(crate) async fn request(&mut self) -> Result<Request, LaneError> {
        let mut bytes = [0; REQUEST_LEN];
        self.recv.read_exact(&mut bytes).await?;
        Request::decode(&bytes).ok_or(LaneError::Protocol)
    }

    /// Answers that there is nothing to send.
    pub(crate) async fn refuse(mut self, status: Status) {
        // A peer that has left needs no answer.
        if self.send.write_all(&[status.encode()]).await.is_ok() {
            let _ = self.send.finish().await;
        }
    }

    /// Begins to answer with records sealed under a key that `salt` goes into; with so many
    /// bytes of a file, if that is known.
    pub(crate) async fn answer(
        mut self,
        salt: &[u8; 32],
        left: Option<u64>,
    ) -> Result<(Outgoing, Acks), LaneError> {
        // Before the peer can ask on a strand.
        let strands = spreading(&self.strands, left);
        let sides = strands.map(|strands| Sides::new(strands.lend(), *salt));
        let mut head = [Status::Data.encode(); 33];
        if let Some(place) = head.last_chunk_mut() {
            *place = *salt;
        }
        self.send.write_all(&head).await?;
        let outgoing = Outgoing {
            lane: self.send,
            number: 0,
            sides,
            spread: false,
        };
        Ok((outgoing, Acks(self.recv)))
    }
}

/// The sending half of a lane.
pub(crate) struct Outgoing {
    lane: SendStream,
    /// Of the next record.
    number: u32,
    sides: Option<Sides>,
    /// Whether records have left the lane for strands.
    spread: bool,
}

impl Outgoing {
    /// Sends one sealed record: ciphertext and tag.
    pub(crate) async fn record(&mut self, sealed: Bytes, last: bool) -> Result<(), LaneError> {
        let len = u32::try_from(sealed.len().saturating_sub(TAG_LEN)).unwrap_or(0);
        let head = len | if last { LAST } else { 0 };
        let number = self.number;
        // No file has so many: its counter ends before.
        self.number = number.checked_add(1).ok_or(LaneError::Protocol)?;
        if let Some(sides) = &mut self.sides
            && sides.gather()
        {
            if !std::mem::replace(&mut self.spread, true) {
                self.lane.write_all(&SPREAD.to_be_bytes()).await?;
            }
            return Ok(sides.record((number, head, sealed)).await?);
        }
        let mut parts = [Bytes::copy_from_slice(&head.to_be_bytes()), sealed];
        Ok(self.lane.write_chunks(&mut parts).await?)
    }

    /// Sends `padding` zeros and waits until the peer has everything.
    pub(crate) async fn finish(mut self, mut padding: u64) -> Result<(), LaneError> {
        if let Some(sides) = self.sides {
            sides.finish().await?;
        }
        while padding > 0 {
            let count = usize::try_from(padding)
                .unwrap_or(usize::MAX)
                .min(PADDING.len());
            let mut zeros = [Bytes::from_static(PADDING.get(..count).unwrap_or_default())];
            self.lane.write_chunks(&mut zeros).await?;
            padding -= count as u64;
        }
        Ok(self.lane.finish().await?)
    }

    /// Lets the lane go in a way that cannot be taken for its end.
    pub(crate) fn abort(mut self) {
        self.lane.reset();
    }
}

/// What the receiver of a file says it has written.
pub(crate) struct Acks(RecvStream);

impl Acks {
    /// The next acknowledged offset.
    pub(crate) async fn next(&mut self) -> Result<u64, LaneError> {
        let mut bytes = [0; 8];
        self.0.read_exact(&mut bytes).await?;
        Ok(u64::from_be_bytes(bytes))
    }
}

/// The receiving half of a lane.
pub(crate) struct Records {
    lane: RecvStream,
    /// Of the next record.
    number: u32,
    merge: Option<Merge>,
    /// Whether the sender has left the lane for strands.
    spread: bool,
}

impl Records {
    /// The next record and whether it is the last.
    pub(crate) async fn next(&mut self) -> Result<(Vec<u8>, bool), LaneError> {
        let number = self.number;
        self.number = number.checked_add(1).ok_or(LaneError::Protocol)?;
        if !self.spread {
            let mut head = [0; 4];
            self.lane.read_exact(&mut head).await?;
            let head = u32::from_be_bytes(head);
            if head != SPREAD {
                return read_record(&mut self.lane, head).await;
            }
            self.spread = true;
        }
        match &mut self.merge {
            Some(merge) => merge.next(number).await,
            None => Err(LaneError::Protocol),
        }
    }

    /// Takes the padding, so that the sender learns that all has come.
    pub(crate) async fn drain(mut self, padding: u64) {
        let mut left = padding;
        while let Ok(count @ 1..) = self.lane.skip(CHUNK_LEN).await {
            let Some(rest) = left.checked_sub(count as u64) else {
                return;
            };
            left = rest;
        }
    }
}

/// What follows the `head` of a record, and whether it is the last.
async fn read_record(recv: &mut RecvStream, head: u32) -> Result<(Vec<u8>, bool), LaneError> {
    let len = usize::try_from(head & !LAST).unwrap_or(usize::MAX);
    if len == 0 || len > CHUNK_LEN {
        return Err(LaneError::Protocol);
    }
    let mut sealed = vec![0; len + TAG_LEN];
    recv.read_exact(&mut sealed).await?;
    Ok((sealed, head & LAST != 0))
}

/// Tells the sender how far the file is written.
pub(crate) struct Acknowledger(SendStream);

impl Acknowledger {
    /// Everything below `offset` is written.
    pub(crate) async fn acknowledge(&mut self, offset: u64) -> Result<(), LaneError> {
        Ok(self.0.write_all(&offset.to_be_bytes()).await?)
    }
}

impl Request {
    fn encode(&self) -> [u8; REQUEST_LEN] {
        let mut bytes = [VERSION; REQUEST_LEN];
        bytes[1..17].copy_from_slice(&self.file);
        bytes[17..25].copy_from_slice(&self.offset.to_be_bytes());
        bytes[25..].copy_from_slice(&self.prefix);
        bytes
    }

    fn decode(bytes: &[u8; REQUEST_LEN]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (file, rest) = rest.split_first_chunk()?;
        let (offset, prefix) = rest.split_first_chunk()?;
        (*version == VERSION).then_some(Self {
            file: *file,
            offset: u64::from_be_bytes(*offset),
            prefix: prefix.try_into().ok()?,
        })
    }
}

impl Status {
    fn encode(self) -> u8 {
        match self {
            Self::Data => 0,
            Self::Unknown => 1,
            Self::Unavailable => 2,
            Self::Changed => 3,
            Self::Differs => 4,
        }
    }

    fn decode([byte]: [u8; 1]) -> Option<Self> {
        [
            Self::Data,
            Self::Unknown,
            Self::Unavailable,
            Self::Changed,
            Self::Differs,
        ]
        .into_iter()
        .find(|status| status.encode() == byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_57_bytes_and_comes_back() {
        let request = Request {
            file: [7; 16],
            offset: u64::MAX - 1,
            prefix: [9; 32],
        };
        let mut bytes = request.encode();
        assert_eq!(bytes.len(), 57);
        assert_eq!(Request::decode(&bytes), Some(request));
        bytes[0] = 2;
        assert_eq!(Request::decode(&bytes), None);
    }

    #[test]
    fn a_status_that_nobody_knows_is_none() {
        for byte in 0..=255 {
            let status = Status::decode([byte]);
            assert_eq!(status.map(Status::encode), (byte < 5).then_some(byte));
        }
    }
}

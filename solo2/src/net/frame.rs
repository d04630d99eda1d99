//! Frames: what a link carries, all of one size.
//!
//! Every frame is sealed into one Noise message of [`SEALED_LEN`] bytes, so that a
//! text, a receipt, a heartbeat and a key change look alike on the wire. Inside:
//! `len u16be || data || zeros`, where `data` is a kind byte and its fixed fields.
//! Sealing is the link's business, meaning is the node's.
//! Spec: docs/protocol/3-links.md §2.

use solo2_crypto::session::ENVELOPE_LEN;
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of a frame on the wire.
pub(crate) const SEALED_LEN: usize = 4096;
/// Bytes of a frame before Noise adds its 16-byte tag.
pub(crate) const FRAME_LEN: usize = SEALED_LEN - 16;
/// Bytes that a frame's kind and fields may take.
pub(crate) const DATA_MAX: usize = FRAME_LEN - 2;
/// Version of the conversation that [`Hello`] opens.
pub(crate) const LINK_VERSION: u8 = 1;

/// The first frame of either side: where its copy of the conversation stands.
pub(crate) struct Hello {
    /// The ratchet session, or zeros when this side has none.
    pub(crate) session: [u8; 16],
    /// Sequence number of the next envelope that this side has not yet sealed.
    pub(crate) next_send: u64,
    /// Sequence number of the next envelope that this side wants.
    pub(crate) next_recv: u64,
    /// This side's share of the next psk (docs/protocol/3-links.md §1).
    pub(crate) random: [u8; 32],
}

/// One unit on a link.
pub(crate) enum Frame {
    /// Says nothing, at exponential gaps.
    Heartbeat,
    /// A ratchet envelope and its place in the order.
    Envelope { seq: u64, envelope: Vec<u8> },
    /// Everything before `next` is committed to the sender's disk.
    Ack { next: u64 },
    /// The sender's direction goes on under a new key.
    Rekey,
    /// A message of a new Noise handshake inside this session.
    Handshake(Vec<u8>),
    /// The sender's direction goes on under the new handshake.
    Switch,
    /// A step of the key agreement that starts a ratchet session.
    Agreement { step: u8, bytes: Vec<u8> },
    /// Where this side's copy of the conversation stands.
    Hello(Box<Hello>),
    /// The sender leaves on purpose.
    Close,
    /// Let both sides send at random times from now on, so many milliseconds apart on the
    /// average; 0: no more for this side.
    Steady { millis: u32 },
}

/// What is wrong with a frame that a peer sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum FrameError {
    #[error("frame has a wrong length")]
    Length,
    #[error("frame has an unknown kind {0:#04x}")]
    Kind(u8),
    #[error("peer speaks link version {0}, this side speaks {LINK_VERSION}")]
    Version(u8),
}

impl Frame {
    /// The [`FRAME_LEN`] bytes to seal.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut frame = Zeroizing::new(Vec::with_capacity(SEALED_LEN));
        frame.extend_from_slice(&[0, 0]);
        match self {
            Self::Heartbeat => frame.push(0x00),
            Self::Envelope { seq, envelope } => {
                frame.push(0x01);
                frame.extend_from_slice(&seq.to_be_bytes());
                frame.extend_from_slice(envelope);
            }
            Self::Ack { next } => {
                frame.push(0x02);
                frame.extend_from_slice(&next.to_be_bytes());
            }
            Self::Rekey => frame.push(0x03),
            Self::Handshake(message) => {
                frame.push(0x04);
                frame.extend_from_slice(message);
            }
            Self::Switch => frame.push(0x05),
            Self::Agreement { step, bytes } => {
                frame.extend_from_slice(&[0x06, *step]);
                frame.extend_from_slice(bytes);
            }
            Self::Close => frame.push(0x07),
            Self::Steady { millis } => {
                frame.push(0x08);
                frame.extend_from_slice(&millis.to_be_bytes());
            }
            Self::Hello(hello) => {
                frame.extend_from_slice(&[0x10, LINK_VERSION]);
                frame.extend_from_slice(&hello.session);
                frame.extend_from_slice(&hello.next_send.to_be_bytes());
                frame.extend_from_slice(&hello.next_recv.to_be_bytes());
                frame.extend_from_slice(&hello.random);
            }
        }
        let len = u16::try_from(frame.len() - 2).unwrap_or(u16::MAX);
        debug_assert!(
            usize::from(len) <= DATA_MAX,
            "frame data is bounded by its makers"
        );
        frame.resize(FRAME_LEN, 0);
        frame.splice(..2, len.to_be_bytes());
        frame
    }

    /// Reads an opened frame. The padding is not looked at: Noise authenticated it.
    pub(crate) fn decode(frame: &[u8]) -> Result<Self, FrameError> {
        if frame.len() != FRAME_LEN {
            return Err(FrameError::Length);
        }
        let (len, rest) = frame.split_first_chunk::<2>().ok_or(FrameError::Length)?;
        let data = rest
            .get(..usize::from(u16::from_be_bytes(*len)))
            .ok_or(FrameError::Length)?;
        let (&kind, mut fields) = data.split_first().ok_or(FrameError::Length)?;
        let frame = match kind {
            0x00 => Self::Heartbeat,
            0x01 => {
                let seq = u64::from_be_bytes(take(&mut fields)?);
                let envelope = std::mem::take(&mut fields).to_vec();
                if envelope.len() != ENVELOPE_LEN {
                    return Err(FrameError::Length);
                }
                Self::Envelope { seq, envelope }
            }
            0x02 => Self::Ack {
                next: u64::from_be_bytes(take(&mut fields)?),
            },
            0x03 => Self::Rekey,
            0x04 => Self::Handshake(std::mem::take(&mut fields).to_vec()),
            0x05 => Self::Switch,
            0x06 => {
                let [step] = take(&mut fields)?;
                Self::Agreement {
                    step,
                    bytes: std::mem::take(&mut fields).to_vec(),
                }
            }
            0x07 => Self::Close,
            0x08 => Self::Steady {
                millis: u32::from_be_bytes(take(&mut fields)?),
            },
            0x10 => {
                let [version] = take(&mut fields)?;
                if version != LINK_VERSION {
                    return Err(FrameError::Version(version));
                }
                Self::Hello(Box::new(Hello {
                    session: take(&mut fields)?,
                    next_send: u64::from_be_bytes(take(&mut fields)?),
                    next_recv: u64::from_be_bytes(take(&mut fields)?),
                    random: take(&mut fields)?,
                }))
            }
            kind => return Err(FrameError::Kind(kind)),
        };
        if fields.is_empty() {
            Ok(frame)
        } else {
            Err(FrameError::Length)
        }
    }
}

fn take<const N: usize>(fields: &mut &[u8]) -> Result<[u8; N], FrameError> {
    let (field, rest) = fields.split_first_chunk::<N>().ok_or(FrameError::Length)?;
    *fields = rest;
    Ok(*field)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_frame_has_one_size_and_comes_back() {
        let frames = [
            Frame::Heartbeat,
            Frame::Envelope {
                seq: 7,
                envelope: vec![9; ENVELOPE_LEN],
            },
            Frame::Ack { next: u64::MAX },
            Frame::Rekey,
            Frame::Handshake(vec![1; 96]),
            Frame::Switch,
            Frame::Agreement {
                step: 2,
                bytes: vec![3; 3000],
            },
            Frame::Hello(Box::new(Hello {
                session: [1; 16],
                next_send: 2,
                next_recv: 3,
                random: [4; 32],
            })),
            Frame::Close,
            Frame::Steady { millis: 1_000 },
        ];
        for frame in frames {
            let bytes = frame.encode();
            assert_eq!(bytes.len(), FRAME_LEN);
            let again = Frame::decode(&bytes).expect("our own frame").encode();
            assert_eq!(*bytes, *again);
        }
    }

    proptest! {
        #[test]
        fn hostile_frames_never_panic(data in proptest::collection::vec(any::<u8>(), 0..200), lie in any::<u16>()) {
            let mut frame = vec![0; FRAME_LEN];
            frame[..2].copy_from_slice(&lie.to_be_bytes());
            frame[2..2 + data.len()].copy_from_slice(&data);
            let _ = Frame::decode(&frame);
            let _ = Frame::decode(&data);
        }
    }
}

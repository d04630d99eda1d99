//! The memory that tokens and blobs pass through: a bounded pool of fixed-size
//! buffers that are wiped when they come back.
//!
//! A buffer holds one WebSocket frame as it stands on the wire, header included,
//! so that a message is received, kept and handed over without being copied, and
//! leaves as one write: one TLS record, one length.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroize;

use crate::wire::{MESSAGE_LEN, ServerMessage};

/// Header of an unmasked, final, binary WebSocket frame of [`MESSAGE_LEN`]
/// bytes (RFC 6455 §5.2).
const HEADER: [u8; 4] = [
    0x82,
    126,
    (MESSAGE_LEN >> 8) as u8,
    (MESSAGE_LEN & 0xff) as u8,
];
/// Length of a frame in bytes.
const LEN: usize = HEADER.len() + MESSAGE_LEN;
/// Wiped buffers kept for the next user; more go back to the allocator.
const SPARE: usize = 256;

/// A buffer that several readers share. The last one wipes it.
pub(super) type Frame = Arc<Buffer>;

/// Hands out at most so many buffers at a time. Clones are the same pool.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    most: usize,
    taken: AtomicUsize,
    spare: Mutex<Vec<Box<[u8]>>>,
}

impl Pool {
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Inner {
            most,
            taken: AtomicUsize::new(0),
            spare: Mutex::new(Vec::new()),
        }))
    }

    /// A frame with an empty message, or nothing if all are in use.
    pub(super) fn take(&self) -> Option<Buffer> {
        let one_more = |taken| (taken < self.0.most).then_some(taken + 1);
        self.0
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()?;
        let spare = self
            .0
            .spare
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut bytes = spare.unwrap_or_else(|| vec![0; LEN].into_boxed_slice());
        for (byte, value) in bytes.iter_mut().zip(HEADER) {
            *byte = value;
        }
        Some(Buffer {
            bytes,
            pool: self.clone(),
        })
    }

    /// A buffer with this message in it, ready to be written.
    pub(super) fn frame(&self, message: ServerMessage<'_>) -> Option<Frame> {
        let mut buffer = self.take()?;
        message.encode(buffer.message_mut());
        Some(Arc::new(buffer))
    }

    #[cfg(test)]
    pub(super) fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }
}

/// One frame's worth of memory. Wiped on drop; no `Debug`, no `Clone`.
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    pool: Pool,
}

impl Buffer {
    /// The message inside the frame.
    pub(super) fn message(&self) -> &[u8; MESSAGE_LEN] {
        self.bytes
            .last_chunk()
            .expect("a message is shorter than its frame")
    }

    /// The message inside the frame, to be written.
    pub(super) fn message_mut(&mut self) -> &mut [u8; MESSAGE_LEN] {
        self.bytes
            .last_chunk_mut()
            .expect("a message is shorter than its frame")
    }

    /// The whole frame, as it goes out.
    pub(super) fn frame(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.bytes.zeroize();
        let mut spare = self
            .pool
            .0
            .spare
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE {
            spare.push(std::mem::take(&mut self.bytes));
        }
        drop(spare);
        self.pool.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_returned_buffer_is_wiped_before_its_next_use() {
        let pool = Pool::new(1);
        let mut buffer = pool.take().expect("one is free");
        buffer.message_mut().fill(0xa5);
        drop(buffer);
        let buffer = pool.take().expect("it came back");
        assert!(buffer.message().iter().all(|byte| *byte == 0));
        assert_eq!(buffer.frame()[..4], [0x82, 126, 0x10, 0x40]);
    }

    #[test]
    fn the_pool_gives_no_more_than_it_has() {
        let pool = Pool::new(2);
        let held = [pool.take(), pool.take()];
        assert!(held.iter().all(Option::is_some));
        assert!(pool.take().is_none());
        drop(held);
        assert!(pool.take().is_some());
        assert_eq!(pool.taken(), 0);
    }
}

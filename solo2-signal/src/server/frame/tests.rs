use std::pin::Pin;
use std::task::{Context, Poll};

use proptest::prelude::*;
use tokio::io::ReadBuf;

use super::*;

/// Bytes that arrive in pieces of these sizes, and then no more.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    sizes: Vec<usize>,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        assert!(buffer.remaining() > 0, "a read that cannot read");
        let size = self
            .sizes
            .pop()
            .unwrap_or(usize::MAX)
            .min(buffer.remaining());
        let end = self.bytes.len().min(self.at + size);
        buffer.put_slice(&self.bytes[self.at..end]);
        self.at = end;
        Poll::Ready(Ok(()))
    }
}

/// What a reader makes of these bytes, in words.
fn read(bytes: Vec<u8>, sizes: Vec<usize>) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let pool = Pool::new(1);
    let mut heard = Vec::new();
    runtime.block_on(async {
        let mut pieces = Pieces {
            bytes,
            at: 0,
            sizes,
        };
        let mut reader = Reader::new(pool.clone());
        loop {
            heard.push(match reader.next(&mut pieces).await {
                Ok(Incoming::Message(buffer)) => {
                    format!(
                        "message {}",
                        buffer
                            .message()
                            .iter()
                            .map(|byte| u64::from(*byte))
                            .sum::<u64>()
                    )
                }
                Ok(Incoming::Ping(control)) => format!("ping {:?}", control.into_pong()),
                Ok(Incoming::Pong) => "pong".to_owned(),
                Ok(Incoming::Close) => "close".to_owned(),
                Err(FrameError::Refused(code)) => {
                    heard.push(format!("{code:?}"));
                    return;
                }
                Err(FrameError::Lost(_)) => return,
            });
        }
    });
    assert_eq!(pool.taken(), 0, "a buffer is missing");
    heard
}

fn frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![first];
    match u16::try_from(payload.len()).expect("short") {
        len @ ..126 => frame.push(0x80 | u8::try_from(len).expect("short")),
        len => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&len.to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    frame.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}

#[test]
fn too_many_pieces_are_refused() {
    let mut bytes = frame(0x02, &[1], [0; 4]);
    for _ in 0..FRAGMENTS {
        bytes.extend(frame(0x00, &[], [0; 4]));
    }
    assert_eq!(read(bytes, Vec::new()), ["Policy"]);
}

#[test]
fn without_memory_the_peer_is_asked_to_come_again() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let mut reader = Reader::new(Pool::new(0));
    let bytes = frame(0x82, &[0; MESSAGE_LEN], [0; 4]);
    let refused = runtime.block_on(reader.next(&mut bytes.as_slice()));
    assert!(matches!(
        refused,
        Err(FrameError::Refused(CloseCode::TryAgain))
    ));
}

proptest! {
    #[test]
    fn no_bytes_panic_or_keep_a_buffer(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        sizes in proptest::collection::vec(1usize..20, 0..50),
    ) {
        read(bytes, sizes);
    }

    #[test]
    fn frames_survive_any_cut(
        mask in any::<[u8; 4]>(),
        ping in proptest::collection::vec(any::<u8>(), 0..=125),
        cuts in proptest::collection::btree_set(0..=MESSAGE_LEN, 0..5),
        sizes in proptest::collection::vec(1usize..700, 0..60),
        fill in any::<u8>(),
    ) {
        let message: Vec<u8> = (0..MESSAGE_LEN).map(|at| fill.wrapping_add((at % 251) as u8)).collect();
        let mut bytes = Vec::new();
        let mut from = 0;
        for (index, to) in cuts.iter().copied().chain([MESSAGE_LEN]).enumerate() {
            let opcode = if index == 0 { 0x02 } else { 0x00 };
            let last = if index == cuts.len() { 0x80 } else { 0x00 };
            bytes.extend(frame(opcode | last, &message[from..to], mask));
            if last == 0 {
                bytes.extend(frame(0x89, &ping, mask));
            }
            from = to;
        }
        bytes.extend(frame(0x8a, &ping, mask));
        bytes.extend(frame(0x88, &[0x03, 0xe8], mask));
        let mut pong = vec![0x8a, ping.len() as u8];
        pong.extend_from_slice(&ping);
        let sum = message.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        let mut expected = vec![format!("ping {pong:?}"); cuts.len()];
        expected.extend([format!("message {sum}"), "pong".to_owned(), "close".to_owned()]);
        prop_assert_eq!(read(bytes, sizes), expected);
    }
}

//! Streams over each kind of connection.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{DuplexStream, duplex};

use super::*;
use crate::net::direct::tests::plain_ends;

/// What is below.
#[derive(Clone, Copy)]
pub(crate) enum Over {
    Quic,
    Bytes,
}

/// Both ends of a connection.
pub(crate) struct Ends {
    pub(crate) calls: Connection,
    pub(crate) answers: Connection,
}

pub(crate) async fn ends_over(over: Over) -> Ends {
    match over {
        Over::Quic => {
            let ends = plain_ends().await;
            Ends {
                calls: ends.controlling.into(),
                answers: ends.controlled.into(),
            }
        }
        Over::Bytes => {
            let (ours, theirs) = duplex(64 * 1024);
            Ends {
                calls: shared(yamux::Mode::Client, ours),
                answers: shared(yamux::Mode::Server, theirs),
            }
        }
    }
}

pub(crate) fn shared(side: yamux::Mode, bytes: DuplexStream) -> Connection {
    let (_, path) = watch::channel(PathState::NONE);
    Connection::shared(side, bytes, (Carrier::Onion, [7; 32]), path, ())
}

fn pattern(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8 ^ seed).collect()
}

async fn read_to_end(recv: &mut RecvStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    recv.read_exact(&mut bytes).await.expect("all of it");
    assert_eq!(recv.skip(1).await, Ok(0), "and no more");
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_carry_both_ways_and_end() {
    const LEN: usize = 3 * 1024 * 1024 + 17;
    for over in [Over::Quic, Over::Bytes] {
        let ends = ends_over(over).await;
        let one = async {
            let (mut send, mut recv) = ends.calls.streams.open().await.expect("opens");
            let write = async {
                send.write_all(&pattern(LEN, 1)).await.expect("writes");
                send.finish().await.expect("finishes");
            };
            let (read, ()) = tokio::join!(read_to_end(&mut recv, LEN), write);
            assert!(read == pattern(LEN, 2));
        };
        let other = async {
            let (mut send, mut recv) = ends.answers.streams.accept().await.expect("accepts");
            let write = async {
                let mut chunks = [Bytes::from(pattern(LEN, 2))];
                send.write_chunks(&mut chunks).await.expect("writes");
                send.finish().await.expect("finishes");
            };
            let (read, ()) = tokio::join!(read_to_end(&mut recv, LEN), write);
            assert!(read == pattern(LEN, 1));
        };
        tokio::join!(one, other);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_does_not_overtake_what_was_finished() {
    let Ends { calls, answers } = ends_over(Over::Bytes).await;
    let (mut send, _recv) = calls.streams.open().await.expect("opens");
    let bytes = pattern(200_000, 5);
    let write = async {
        send.write_all(&bytes).await.expect("writes");
        send.finish().await.expect("finishes");
        drop(calls);
    };
    let read = async {
        let (_send, mut recv) = answers.streams.accept().await.expect("accepts");
        let mut read = vec![0; bytes.len()];
        recv.read_exact(&mut read).await.expect("all of it");
        assert!(read == bytes);
        assert!(answers.streams.accept().await.is_err(), "it is closed");
    };
    tokio::join!(write, read);
    assert!(answers.streams.open().await.is_err(), "for good");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_let_go_does_not_look_whole() {
    for over in [Over::Quic, Over::Bytes] {
        let ends = ends_over(over).await;
        let (mut send, recv) = ends.calls.streams.open().await.expect("opens");
        send.write_all(&[1; 100]).await.expect("writes");
        let (_send, mut theirs) = ends.answers.streams.accept().await.expect("accepts");
        theirs.read_exact(&mut [0; 50]).await.expect("half of it");
        send.reset();
        drop((send, recv));
        assert_eq!(theirs.read_exact(&mut [0; 100]).await, Err(Broken));
    }
}

/// Whoever reads when the connection is closed, by either side, does not wait for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_ends_what_both_sides_read() {
    for over in [Over::Quic, Over::Bytes] {
        let Ends { calls, answers } = ends_over(over).await;
        let (mut send, ours) = calls.streams.open().await.expect("opens");
        send.write_all(&[1; 10]).await.expect("writes");
        let (_send, mut theirs) = answers.streams.accept().await.expect("accepts");
        theirs.read_exact(&mut [0; 10]).await.expect("what came");
        // Each in a task of its own, which nothing but its stream wakes.
        let reading = [ours, theirs]
            .map(|mut recv| tokio::spawn(async move { recv.read_exact(&mut [0; 1]).await }));
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(calls);
        for reader in reading {
            let ended = timeout(Duration::from_secs(30), reader).await;
            assert_eq!(ended.expect("in time").expect("a task"), Err(Broken));
        }
    }
}

/// A reader that stops makes the writer stop, and other streams go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_not_written_to_without_end() {
    for over in [Over::Quic, Over::Bytes] {
        let ends = ends_over(over).await;
        let (mut flood, _unread) = ends.calls.streams.open().await.expect("opens");
        let written = Arc::new(AtomicUsize::new(0));
        let count = written.clone();
        let flooding = tokio::spawn(async move {
            while flood.write_all(&[7; 64 * 1024]).await.is_ok() {
                count.fetch_add(64 * 1024, Ordering::Relaxed);
            }
        });
        let _stuck = ends.answers.streams.accept().await.expect("accepts");
        // Still while it lasts: nothing moves any more.
        let mut before = usize::MAX;
        while before != written.load(Ordering::Relaxed) {
            before = written.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        assert!(before < 32 * 1024 * 1024, "{before} bytes wait for nobody");

        let (mut send, _recv) = ends.calls.streams.open().await.expect("opens");
        send.write_all(b"and yet").await.expect("writes");
        let (_send, mut recv) = ends.answers.streams.accept().await.expect("accepts");
        let mut read = [0; 7];
        recv.read_exact(&mut read).await.expect("moves on");
        assert_eq!(&read, b"and yet");
        flooding.abort();
    }
}

/// Nobody accepts: a peer that opens streams without end costs no more than a few.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_without_end_end_the_connection() {
    let Ends { calls, answers } = ends_over(Over::Bytes).await;
    let mut open = Vec::new();
    while let Ok((mut send, recv)) = calls.streams.open().await {
        let _ = send.write_all(b"x").await;
        open.push((send, recv));
        assert!(open.len() <= STREAMS, "no bound");
    }
    drop(answers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_ends_the_connection() {
    let (mut ours, theirs) = duplex(64 * 1024);
    let connection = shared(yamux::Mode::Server, theirs);
    ours.write_all(&[0xa5; 4096]).await.expect("writes");
    let accepted = timeout(Duration::from_secs(5), connection.streams.accept()).await;
    assert!(matches!(accepted, Ok(Err(Broken))));
}

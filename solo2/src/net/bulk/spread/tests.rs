//! Answers over strands that are fast, slow, cut off, or the peer's own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use solo2_crypto::file::{CHUNK_LEN, TAG_LEN};
use solo2_crypto::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::sleep;

use super::super::{Fetched, Lanes, Outgoing, Records, Request};
use super::*;
use crate::net::connection::tests::{Ends, Over, ends_over, shared};
use crate::net::strands::Held;

const REQUEST: Request = Request {
    file: [1; 16],
    offset: 0,
    prefix: [2; 32],
};
const SALT: [u8; 32] = [9; 32];
const LONG: Option<u64> = Some(64 << 20);

const WHOLE: Wire = Wire::Whole;

/// How a strand moves bytes from the side that called, or to it.
#[derive(Clone, Copy, PartialEq)]
enum Wire {
    Whole,
    /// So many bytes each millisecond.
    Slow(usize),
    /// Breaks after so many bytes.
    Cut(usize),
    /// Moves no more after so many bytes, and does not say so.
    Still(usize),
}

async fn carry(
    mut from: tokio::io::ReadHalf<DuplexStream>,
    mut to: tokio::io::WriteHalf<DuplexStream>,
    wire: Wire,
) {
    let mut bytes = vec![0; 16 * 1024];
    let mut carried = 0;
    loop {
        let most = match wire {
            Wire::Slow(most) => most,
            _ => bytes.len(),
        };
        let Ok(len @ 1..) = from.read(&mut bytes[..most]).await else {
            return;
        };
        carried += len;
        match wire {
            Wire::Slow(_) => sleep(Duration::from_millis(1)).await,
            Wire::Cut(most) if carried > most => return,
            Wire::Still(most) if carried > most => std::future::pending().await,
            _ => {}
        }
        if to.write_all(&bytes[..len]).await.is_err() {
            return;
        }
    }
}

/// Two ends of a link whose strands, in the order in which they are called, are such wires, and
/// whole behind the last.
struct Link {
    caller: Lanes,
    called: Lanes,
    strands: [Arc<Strands>; 2],
    /// Strands that were called.
    calls: Arc<AtomicUsize>,
    /// How many may be.
    gate: Arc<Semaphore>,
    _ends: Ends,
    _held: [Held; 2],
}

async fn link(wires: &'static [Wire]) -> Link {
    let ends = ends_over(Over::Bytes).await;
    let token = || Secret::new(&[5; 32]);
    let called = Strands::new(token(), None);
    let answering = called.clone();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let gate = Arc::new(Semaphore::new(100));
    let passed = gate.clone();
    let caller = Strands::new(
        token(),
        Some(Box::new(move || {
            let number = counted.fetch_add(1, Ordering::Relaxed);
            let wire = wires.get(number).copied().unwrap_or(WHOLE);
            let (gate, answering) = (passed.clone(), answering.clone());
            Box::pin(async move {
                gate.acquire().await.expect("open").forget();
                let (near, this) = duplex(16 * 1024);
                let (that, far) = duplex(16 * 1024);
                let (from_near, to_near) = tokio::io::split(this);
                let (from_far, to_far) = tokio::io::split(that);
                tokio::spawn(async move {
                    // A wire that breaks does so in both directions.
                    tokio::select! {
                        () = carry(from_near, to_far, wire) => {}
                        () = carry(from_far, to_near, wire) => {}
                    }
                });
                answering.join(&token(), shared(yamux::Mode::Server, far));
                Ok(shared(yamux::Mode::Client, near))
            })
        })),
    );
    let lanes = |connection: &crate::net::connection::Connection, strands: &Arc<Strands>| {
        let (streams, path) = (connection.streams.clone(), connection.path());
        Lanes::new(streams, path, Some(strands.clone()))
    };
    Link {
        caller: lanes(&ends.calls, &caller),
        called: lanes(&ends.answers, &called),
        _held: [Held(caller.clone()), Held(called.clone())],
        strands: [caller, called],
        calls,
        gate,
        _ends: ends,
    }
}

/// A request and its answer's beginning.
async fn begin(from: &Lanes, to: &Lanes, left: Option<u64>) -> (Outgoing, Records) {
    let answer = async {
        let mut asked = to.accept().await.expect("a lane");
        asked.request().await.expect("a request");
        asked.answer(&SALT, left).await.expect("answers").0
    };
    let (outgoing, fetched) = tokio::join!(answer, from.fetch(REQUEST, left));
    match fetched {
        Ok(Fetched::Data { salt, records, .. }) => {
            assert_eq!(salt, SALT);
            (outgoing, records)
        }
        _ => panic!("refused"),
    }
}

/// What record `number` holds; the last one is short.
fn record(number: u32, last: bool) -> Bytes {
    let len = if last { 40 } else { CHUNK_LEN };
    let mut bytes = vec![number as u8; len + TAG_LEN];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    bytes.into()
}

async fn send_all(mut outgoing: Outgoing, count: u32) -> Result<(), LaneError> {
    for number in 0..count {
        let last = number + 1 == count;
        outgoing.record(record(number, last), last).await?;
    }
    outgoing.finish(1000).await
}

async fn take_all(mut records: Records, count: u32) -> Result<(), LaneError> {
    for number in 0..count {
        let (came, last) = records.next().await?;
        assert_eq!(last, number + 1 == count, "{number}");
        assert!(came == record(number, last), "{number}");
    }
    records.drain(1000).await;
    Ok(())
}

async fn settled(holds: impl Fn() -> bool) {
    let held = async {
        while !holds() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), held).await.expect("soon");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_file_leaves_the_lane_and_comes_in_order() {
    let wires = &[Wire::Slow(500), WHOLE, Wire::Slow(8000), WHOLE];
    let link = link(wires).await;
    // Who called receives, and then sends.
    for (from, to) in [(&link.caller, &link.called), (&link.called, &link.caller)] {
        let (outgoing, records) = begin(from, to, LONG).await;
        settled(|| link.strands[1].count() == 4).await;
        let (sent, taken) = tokio::join!(send_all(outgoing, 300), take_all(records, 300));
        assert_eq!((sent, taken), (Ok(()), Ok(())));
        assert_eq!(link.caller.circuits(), Some(5));
    }
    assert_eq!(link.calls.load(Ordering::Relaxed), 4, "the same for both");
    // Nobody needs them now.
    let [caller, called] = &link.strands;
    assert_eq!((caller.count(), called.count()), (4, 4));
    settled(|| caller.count() + called.count() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_begins_on_the_lane_goes_on_over_strands() {
    let link = link(&[]).await;
    link.gate.forget_permits(100);
    let (mut outgoing, mut records) = begin(&link.called, &link.caller, LONG).await;
    let send = async {
        for number in 0..2 {
            let sent = outgoing.record(record(number, false), false).await;
            assert_eq!((sent, outgoing.spread), (Ok(()), false));
        }
        link.gate.add_permits(1);
        let sides = outgoing.sides.as_ref().expect("strands");
        settled(|| !sides.joined.is_empty()).await;
        for number in 2..4 {
            let last = number == 3;
            let sent = outgoing.record(record(number, last), last).await;
            assert_eq!((sent, outgoing.spread), (Ok(()), true));
        }
        outgoing.finish(1000).await
    };
    let take = async {
        for number in 0..4 {
            let (came, last) = records.next().await.expect("comes");
            assert_eq!(last, number == 3);
            assert!(came == record(number, last), "{number}");
        }
        assert!(records.spread);
        records.drain(1000).await;
    };
    assert_eq!(tokio::join!(send, take).0, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_short_or_live_keeps_to_the_lane() {
    let link = link(&[]).await;
    for left in [None, Some(1000)] {
        let (outgoing, records) = begin(&link.caller, &link.called, left).await;
        let (sent, taken) = tokio::join!(send_all(outgoing, 20), take_all(records, 20));
        assert_eq!((sent, taken), (Ok(()), Ok(())));
    }
    assert_eq!(link.calls.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strand_that_fails_ends_the_answer_and_not_the_next_one() {
    let wires: [(&[Wire], bool); 2] = [
        (&[Wire::Cut(1 << 20)], false),
        (&[Wire::Still(1 << 20)], true),
    ];
    for (wires, stands_still) in wires {
        let link = link(wires).await;
        let (outgoing, records) = begin(&link.caller, &link.called, LONG).await;
        settled(|| link.strands[1].count() == 4).await;
        let both = async { tokio::join!(send_all(outgoing, 900), take_all(records, 900)) };
        let began = Instant::now();
        let (sent, taken) = both.await;
        assert_eq!(began.elapsed() >= STALL, stands_still);
        assert_eq!(
            (sent, taken),
            (Err(LaneError::Connection), Err(LaneError::Connection))
        );

        let (outgoing, records) = begin(&link.caller, &link.called, LONG).await;
        settled(|| link.strands[1].count() == 4).await;
        let (sent, taken) = tokio::join!(send_all(outgoing, 900), take_all(records, 900));
        assert_eq!((sent, taken), (Ok(()), Ok(())));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_ends_takes_its_strands_along() {
    let mut link = link(&[]).await;
    let (_outgoing, mut records) = begin(&link.caller, &link.called, LONG).await;
    settled(|| link.strands[1].count() == 4).await;
    // As if the sender had gone on over strands and were silent.
    records.spread = true;
    link._held = [Held(link.strands[1].clone()), Held(link.strands[0].clone())];
    let ended = timeout(Duration::from_secs(1), records.next()).await;
    assert_eq!(ended, Ok(Err(LaneError::Connection)));
    assert_eq!(link.caller.circuits(), Some(1));
    assert_eq!(link.called.circuits(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_and_heads_that_do_not_fit_end_the_answer() {
    let whole = |number: u32| {
        let head = (CHUNK_LEN as u32).to_be_bytes();
        [&number.to_be_bytes()[..], &head, &record(number, false)].concat()
    };
    let long = [1_u32.to_be_bytes(), (CHUNK_LEN as u32 + 1).to_be_bytes()].concat();
    let hostile: [(&str, Vec<u8>); 4] = [
        ("twice", [whole(2), whole(2)].concat()),
        ("from before", [whole(0), whole(0)].concat()),
        ("a record of nothing", [[0; 8].to_vec(), whole(1)].concat()),
        ("a record too long", long),
    ];
    for (what, bytes) in hostile {
        let link = link(&[]).await;
        let (mut outgoing, mut records) = begin(&link.caller, &link.called, LONG).await;
        let sides = outgoing.sides.as_mut().expect("strands");
        let mut stream = sides.joined.recv().await.expect("a stream");
        outgoing.lane.write_all(&[0; 4]).await.expect("spread");
        stream.write_all(&bytes).await.expect("writes");
        let ended = async {
            loop {
                if let Err(error) = records.next().await {
                    return error;
                }
            }
        };
        assert_eq!(ended.await, LaneError::Protocol, "{what}");
    }

    // And strands that nobody asked for.
    let link = link(&[]).await;
    let (mut outgoing, mut records) = begin(&link.caller, &link.called, None).await;
    outgoing.lane.write_all(&[0; 4]).await.expect("writes");
    assert_eq!(records.next().await, Err(LaneError::Protocol));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strand_comes_with_the_links_token_to_who_was_called_and_not_without_bound() {
    let link = link(&[]).await;
    let [caller, called] = &link.strands;
    let join = |strands: &Arc<Strands>, token: u8| {
        let (near, far) = duplex(1024);
        strands.join(&Secret::new(&[token; 32]), shared(yamux::Mode::Server, far));
        near
    };
    let _streams = [join(caller, 5), join(called, 6)];
    assert_eq!((caller.count(), called.count()), (0, 0));
    let _more: Vec<_> = (0..9).map(|_| join(called, 5)).collect();
    assert_eq!(called.count(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_strand_brings_ahead_of_the_others_is_bounded() {
    let link = link(&[]).await;
    let (mut outgoing, mut records) = begin(&link.caller, &link.called, LONG).await;
    let sides = outgoing.sides.as_mut().expect("strands");
    let mut stream = sides.joined.recv().await.expect("a stream");
    outgoing.lane.write_all(&[0; 4]).await.expect("spread");
    let written = AtomicUsize::new(0);
    let flood = async {
        // Never the first.
        for number in 1..1000_u32 {
            let mut bytes = number.to_be_bytes().to_vec();
            bytes.extend_from_slice(&(CHUNK_LEN as u32).to_be_bytes());
            bytes.extend_from_slice(&record(number, false));
            if stream.write_all(&bytes).await.is_err() {
                return;
            }
            written.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (ended, ()) = tokio::join!(records.next(), flood);
    assert_eq!(ended, Err(LaneError::Connection));
    // What waits, and what the stream itself holds.
    let written = written.load(Ordering::Relaxed);
    assert!((AHEAD..AHEAD + 80).contains(&written), "{written}");
}

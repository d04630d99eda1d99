//! Two devices, a connection of each kind between them, and handshakes and frames on it.

macro_rules! over_each {
    ($($test:ident)*) => {
        mod quic {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Over::Quic).await;
            })*
        }
        mod shared {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Over::Bytes).await;
            })*
        }
    };
}

use solo2_crypto::identity::{AccountKey, DeviceCertificate};

use super::*;
use crate::net::connection::tests::{Ends as Connected, Over, ends_over};
use crate::net::frame::Frame;
use crate::net::handshake::{self, Ends, HandshakeError, Psks};

over_each! {
    either_side_may_be_one_psk_behind
    lost_or_parted_psk_chains_fall_back_to_the_pinned_certificates
    a_different_psk_or_pair_secret_makes_no_link
    another_identity_makes_no_link
    keys_and_handshakes_are_renewed_under_traffic_and_nothing_is_lost
    cover_paces_both_directions_and_loses_nothing
    a_wish_out_of_bounds_ends_the_link
    a_block_that_does_not_open_ends_the_link
    a_replayed_block_ends_the_link
    an_authentic_frame_that_lies_ends_the_link
    leaving_is_said_and_heard
}

struct Device {
    keys: Arc<DeviceKeys>,
    certificate: DeviceCertificate,
}

fn device() -> Device {
    let mut rng = rand::rng();
    let account = AccountKey::generate(&mut rng);
    let keys = DeviceKeys::generate(&mut rng);
    let certificate = DeviceCertificate::issue(&account, 0, 1, &keys, 1_800_000_000);
    Device {
        keys: Arc::new(keys),
        certificate,
    }
}

fn psks(current: u8, previous: Option<u8>, generation: u32) -> Psks {
    Psks {
        current: Secret::new(&[current; 32]),
        previous: previous.map(|byte| Secret::new(&[byte; 32])),
        generation,
    }
}

type Outcome = Result<Established, HandshakeError>;

/// Both halves of a handshake between contacts.
async fn shake(
    ends: &Connected,
    [alice, bob]: [&Device; 2],
    pinned_by_bob: &DeviceCertificate,
    [hers, his]: [Option<&Psks>; 2],
    [her_reset, his_reset]: [u8; 2],
) -> (Outcome, Outcome) {
    let her_reset = Secret::new(&[her_reset; 32]);
    let his_reset = Secret::new(&[his_reset; 32]);
    let initiate = handshake::initiate(
        &ends.calls,
        Ends {
            device: &alice.keys,
            certificate: &alice.certificate,
        },
        &bob.certificate,
        hers,
        &her_reset,
    );
    let accept = handshake::accept(
        &ends.answers,
        Ends {
            device: &bob.keys,
            certificate: &bob.certificate,
        },
        pinned_by_bob,
        his,
        &his_reset,
    );
    // A side that gives up lets the other one know by ending the connection.
    let initiate = async {
        let outcome = initiate.await;
        if outcome.is_err() {
            ends.calls.close();
        }
        outcome
    };
    let accept = async {
        let outcome = accept.await;
        if outcome.is_err() {
            ends.answers.close();
        }
        outcome
    };
    tokio::join!(initiate, accept)
}

/// A handshake between two friends who remember the same.
async fn friends(ends: &Connected, alice: &Device, bob: &Device) -> (Established, Established) {
    let shared = psks(1, None, 0);
    let (a, b) = shake(
        ends,
        [alice, bob],
        &alice.certificate,
        [Some(&shared), Some(&shared)],
        [9, 9],
    )
    .await;
    (a.expect("an initiator"), b.expect("a responder"))
}

async fn either_side_may_be_one_psk_behind(over: Over) {
    let (alice, bob) = (device(), device());
    for (hers, his, generation) in [
        (psks(5, Some(4), 7), psks(5, Some(4), 7), 7),
        (psks(5, Some(4), 7), psks(4, Some(3), 6), 6),
        (psks(4, Some(3), 6), psks(5, Some(4), 7), 6),
    ] {
        let ends = ends_over(over).await;
        let (a, b) = shake(
            &ends,
            [&alice, &bob],
            &alice.certificate,
            [Some(&hers), Some(&his)],
            [9, 9],
        )
        .await;
        let (a, b) = (a.expect("an initiator"), b.expect("a responder"));
        assert_eq!(a.generation, Some(generation));
        assert_eq!(b.generation, Some(generation));
        assert!(a.psk.same_as(&b.psk));
        assert_eq!(a.transport.handshake_hash(), b.transport.handshake_hash());
    }
}

async fn lost_or_parted_psk_chains_fall_back_to_the_pinned_certificates(over: Over) {
    let (alice, bob) = (device(), device());
    let (old, new) = (psks(4, Some(3), 6), psks(9, Some(8), 11));
    for (hers, his) in [
        (Some(&old), Some(&new)),
        (Some(&old), None),
        (None, Some(&new)),
    ] {
        let ends = ends_over(over).await;
        let (a, b) = shake(
            &ends,
            [&alice, &bob],
            &alice.certificate,
            [hers, his],
            [9, 9],
        )
        .await;
        let (a, b) = (a.expect("an initiator"), b.expect("a responder"));
        assert_eq!(a.generation, None, "a new agreement is due");
        assert_eq!(b.generation, None);
        let seen = a.certificate.expect("a certificate in the handshake");
        assert_eq!(seen.account(), bob.certificate.account());
    }
}

async fn a_different_psk_or_pair_secret_makes_no_link(over: Over) {
    let (alice, bob) = (device(), device());
    let (hers, his) = (psks(1, None, 3), psks(2, None, 3));
    let ends = ends_over(over).await;
    let (a, _) = shake(
        &ends,
        [&alice, &bob],
        &alice.certificate,
        [Some(&hers), Some(&his)],
        [9, 9],
    )
    .await;
    assert!(matches!(a, Err(HandshakeError::Unproven)));

    let ends = ends_over(over).await;
    let (a, b) = shake(
        &ends,
        [&alice, &bob],
        &alice.certificate,
        [None, None],
        [9, 8],
    )
    .await;
    assert!(a.is_err() && b.is_err());
}

async fn another_identity_makes_no_link(over: Over) {
    let (alice, bob, stranger) = (device(), device(), device());
    let shared = psks(1, None, 0);
    for psks in [[Some(&shared), Some(&shared)], [None, None]] {
        let ends = ends_over(over).await;
        let (_, b) = shake(&ends, [&stranger, &bob], &alice.certificate, psks, [9, 9]).await;
        assert!(matches!(b, Err(HandshakeError::Identity)));
    }
}

/// A pumped link: frames in, events out.
struct Pumped {
    frames: mpsc::UnboundedSender<Frame>,
    events: mpsc::UnboundedReceiver<LinkEvent>,
    info: watch::Receiver<LinkInfo>,
    cover: watch::Sender<Option<Duration>>,
    _task: JoinHandle<()>,
}

fn pump(established: Established, own: &Device, remote: &Device, timing: LinkTiming) -> Pumped {
    let (frames, outgoing) = mpsc::unbounded_channel();
    let (events_tx, events) = mpsc::unbounded_channel();
    let (info_tx, info) = watch::channel(LinkInfo {
        key_epoch: 0,
        handshake_id: [0; 8],
        cover: None,
    });
    let (cover, wish) = watch::channel(None);
    let renewal = Renewal {
        device: own.keys.clone(),
        remote: remote.certificate.noise(),
    };
    let report = move |event| -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        let _ = events_tx.send(event);
        Box::pin(std::future::ready(()))
    };
    let task = tokio::spawn(run(
        established,
        renewal,
        timing,
        outgoing,
        wish,
        report,
        info_tx,
    ));
    Pumped {
        frames,
        events,
        info,
        cover,
        _task: task,
    }
}

/// The numbers of the acknowledgements that arrive, until `count` have.
async fn numbers(link: &mut Pumped, count: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    while (seen.len() as u64) < count {
        match link.events.recv().await.expect("an event") {
            LinkEvent::Frames(frames) => {
                for frame in frames {
                    let Frame::Ack { next } = frame else {
                        panic!("only acknowledgements were sent")
                    };
                    seen.push(next);
                }
            }
            LinkEvent::Down(reason) => panic!("the link went down: {reason}"),
        }
    }
    seen
}

async fn keys_and_handshakes_are_renewed_under_traffic_and_nothing_is_lost(over: Over) {
    const COUNT: u64 = 2_000;
    let (alice, bob) = (device(), device());
    let ends = ends_over(over).await;
    let (a, b) = friends(&ends, &alice, &bob).await;
    let timing = LinkTiming {
        rekey_every: Duration::from_millis(40),
        rekey_frames: 100,
        renew_every: Duration::from_millis(100),
        renew_frames: 500,
        heartbeat_mean: Duration::from_millis(20),
    };
    let mut a = pump(a, &alice, &bob, timing);
    let mut b = pump(b, &bob, &alice, timing);
    let first = a.info.borrow().handshake_id;
    for link in [&a, &b] {
        let frames = link.frames.clone();
        tokio::spawn(async move {
            for next in 0..COUNT {
                let _ = frames.send(Frame::Ack { next });
                if next % 20 == 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        });
    }
    let (at_a, at_b) = tokio::join!(numbers(&mut a, COUNT), numbers(&mut b, COUNT));
    let all: Vec<u64> = (0..COUNT).collect();
    assert_eq!(at_a, all);
    assert_eq!(at_b, all);
    for link in [&a, &b] {
        assert!(
            link.info.borrow().key_epoch > 0,
            "the sending key was renewed"
        );
        assert_ne!(
            link.info.borrow().handshake_id,
            first,
            "a new handshake was run"
        );
    }
}

/// With a pace a frame leaves per slot, on both sides though one of them asked for it, under
/// renewals too; what waited leaves at once when it ends, and an end waits for no slot.
async fn cover_paces_both_directions_and_loses_nothing(over: Over) {
    const MEAN: Duration = Duration::from_millis(100);
    let (alice, bob) = (device(), device());
    let ends = ends_over(over).await;
    let (a, b) = friends(&ends, &alice, &bob).await;
    let timing = LinkTiming {
        rekey_every: Duration::from_secs(1),
        renew_every: Duration::from_secs(2),
        ..LinkTiming::default()
    };
    let mut a = pump(a, &alice, &bob, timing);
    let mut b = pump(b, &bob, &alice, timing);
    a.cover.send_replace(Some(MEAN));
    for link in [&mut a, &mut b] {
        let paced = link.info.wait_for(|info| info.cover == Some(MEAN));
        paced.await.expect("a live link");
    }
    // Few enough that all have left before the pace ends below.
    for link in [&a, &b] {
        for next in 0..30 {
            link.frames.send(Frame::Ack { next }).expect("a live link");
        }
    }
    let begun = Instant::now();
    let (at_a, at_b) = tokio::join!(numbers(&mut a, 30), numbers(&mut b, 30));
    let took = begun.elapsed();
    assert_eq!((at_a, at_b), ((0..30).collect(), (0..30).collect()));
    // 30 gaps of a mean of 95 ms, twice: far less or more does not happen by chance.
    assert!(took > Duration::from_secs(1), "{took:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");

    for next in 30..90 {
        b.frames.send(Frame::Ack { next }).expect("a live link");
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    a.cover.send_replace(None);
    let begun = Instant::now();
    assert_eq!(numbers(&mut a, 60).await, (30..90).collect::<Vec<_>>());
    assert!(begun.elapsed() < Duration::from_secs(2), "nothing waits");
    for link in [&mut a, &mut b] {
        let free = link.info.wait_for(|info| info.cover.is_none());
        free.await.expect("a live link");
    }

    b.cover.send_replace(Some(Duration::from_secs(10)));
    let paced = a.info.wait_for(|info| info.cover.is_some());
    paced.await.expect("a live link");
    for next in 0..200 {
        a.frames.send(Frame::Ack { next }).expect("a live link");
    }
    let begun = Instant::now();
    drop(a.frames);
    loop {
        if let LinkEvent::Down(why) = b.events.recv().await.expect("an event") {
            assert_eq!(why, LinkError::ClosedByPeer);
            break;
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "it just ends");
}

async fn a_wish_out_of_bounds_ends_the_link(over: Over) {
    let (alice, bob) = (device(), device());
    for millis in [1, 99, 10_001, u32::MAX] {
        let ends = ends_over(over).await;
        let (a, b) = friends(&ends, &alice, &bob).await;
        let a = pump(a, &alice, &bob, LinkTiming::default());
        let mut b = pump(b, &bob, &alice, LinkTiming::default());
        a.frames
            .send(Frame::Steady { millis })
            .expect("a live link");
        let event = b.events.recv().await.expect("an event");
        assert!(matches!(event, LinkEvent::Down(LinkError::Protocol)));
    }
}

async fn a_block_that_does_not_open_ends_the_link(over: Over) {
    let (alice, bob) = (device(), device());
    for garbage in [vec![0; SEALED_LEN], vec![0xa5; SEALED_LEN]] {
        let ends = ends_over(over).await;
        let (mut a, b) = friends(&ends, &alice, &bob).await;
        let mut b = pump(b, &bob, &alice, LinkTiming::default());
        a.send.write_all(&garbage).await.expect("a stream");
        let event = b.events.recv().await.expect("an event");
        assert!(matches!(event, LinkEvent::Down(LinkError::Protocol)));
    }
}

async fn a_replayed_block_ends_the_link(over: Over) {
    let (alice, bob) = (device(), device());
    let ends = ends_over(over).await;
    let (mut a, b) = friends(&ends, &alice, &bob).await;
    let mut b = pump(b, &bob, &alice, LinkTiming::default());
    let sealed = a
        .transport
        .seal(&Frame::Ack { next: 1 }.encode())
        .expect("a fresh transport");
    a.send.write_all(&sealed).await.expect("a stream");
    assert_eq!(numbers(&mut b, 1).await, [1]);
    a.send.write_all(&sealed).await.expect("a stream");
    let event = b.events.recv().await.expect("an event");
    assert!(matches!(event, LinkEvent::Down(LinkError::Protocol)));
}

async fn an_authentic_frame_that_lies_ends_the_link(over: Over) {
    let (alice, bob) = (device(), device());
    let mut lies = vec![
        // A length beyond the frame, an unknown kind, an envelope of the wrong size.
        vec![0xff, 0xff, 0x01],
        vec![0x00, 0x01, 0x7f],
        vec![0x00, 0x0a, 0x01, 0, 0, 0, 0, 0, 0, 0, 1, 9],
        // A switch that nobody asked for, and a handshake that is none.
        vec![0x00, 0x01, 0x05],
        vec![0x00, 0x03, 0x04, 1, 2],
    ];
    for lie in &mut lies {
        lie.resize(SEALED_LEN - 16, 0);
        let ends = ends_over(over).await;
        let (mut a, b) = friends(&ends, &alice, &bob).await;
        let mut b = pump(b, &bob, &alice, LinkTiming::default());
        let sealed = a.transport.seal(lie).expect("a fresh transport");
        a.send.write_all(&sealed).await.expect("a stream");
        let event = b.events.recv().await.expect("an event");
        assert!(matches!(event, LinkEvent::Down(LinkError::Protocol)));
    }
}

async fn leaving_is_said_and_heard(over: Over) {
    let (alice, bob) = (device(), device());
    let ends = ends_over(over).await;
    let (a, b) = friends(&ends, &alice, &bob).await;
    let a = pump(a, &alice, &bob, LinkTiming::default());
    let mut b = pump(b, &bob, &alice, LinkTiming::default());
    drop(a.frames);
    let event = b.events.recv().await.expect("an event");
    assert!(matches!(event, LinkEvent::Down(LinkError::ClosedByPeer)));
}

//! What waits for a connection: how much, for how long, and whole.

use super::*;

fn streams(all: u32, each: u32) -> Streams {
    Streams::new(Connections { all, each })
}

#[expect(clippy::unnecessary_wraps, reason = "who comes through Tor has none")]
fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().expect("an address"))
}

fn waiting(streams: &Streams) -> usize {
    lock(&streams.0).waiting
}

/// A stream that takes so many bytes and then is full.
struct Pipe(usize, Vec<u8>);

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let len = bytes.len().min(self.0);
        if len == 0 {
            return Poll::Pending;
        }
        self.0 -= len;
        self.1.extend(&bytes[..len]);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// One call of a connection that has taken nothing yet.
fn drain(streams: &Streams, number: u64, pipe: &mut Pipe) -> Poll<io::Result<()>> {
    let mut context = Context::from_waker(Waker::noop());
    streams.poll_drain(number, &mut VecDeque::new(), pipe, &mut context)
}

#[test]
fn a_network_has_its_share_of_connections_and_gets_it_back() {
    let (streams, now) = (streams(4, 2), Instant::now());
    let first = streams.enter(ip("192.0.2.1"), now).expect("room");
    assert!(streams.enter(ip("::ffff:192.0.2.1"), now).is_some());
    assert_eq!(streams.enter(ip("192.0.2.1"), now), None);
    assert!(streams.enter(ip("2001:db8:1:200::1"), now).is_some());
    assert!(streams.enter(ip("2001:db8:1:2ff:ffff::9"), now).is_some());
    assert_eq!(streams.open(), 4);
    assert_eq!(streams.enter(ip("2001:db8:1:300::1"), now), None, "full");
    streams.remove(first);
    streams.remove(first);
    assert_eq!(streams.open(), 3);
    let next = streams.enter(ip("192.0.2.1"), now).expect("room");
    assert!(next > first, "no number comes back");
}

#[test]
fn who_has_no_address_shares_half_of_the_room_and_makes_up_a_network() {
    let (streams, now) = (streams(5, 1), Instant::now());
    let enter = || streams.enter(None, now);
    assert!(enter().is_some() && enter().is_some() && enter().is_some());
    assert_eq!(enter(), None);
    assert!(streams.enter(ip("192.0.2.1"), now).is_some());
    let [one, other] = [7, 8].map(|number| made_up(number, 1000).ip());
    assert!(are_near(one, one) && !are_near(one, other));
    assert_eq!(one, ip("fd00:0:0:700::1").expect("an address"));
}

#[test]
fn channel_data_is_padded_and_comes_out_in_order() {
    let streams = streams(1, 1);
    let number = streams
        .enter(ip("192.0.2.1"), Instant::now())
        .expect("room");
    streams.put(number, &[0x40, 0, 0, 1, 7, 0x40, 0, 0, 1, 8], 5);
    streams.put(number, &[0x40, 0, 0, 0], 4);
    let mut pipe = Pipe(usize::MAX, Vec::new());
    assert!(drain(&streams, number, &mut pipe).is_ready());
    let wanted = [
        &[0x40, 0, 0, 1, 7, 0, 0, 0][..],
        &[0x40, 0, 0, 1, 8, 0, 0, 0],
        &[0x40, 0, 0, 0],
    ]
    .concat();
    assert_eq!(pipe.1, wanted);
}

#[test]
fn who_takes_nothing_holds_a_bounded_queue_and_still_gets_its_answers() {
    let streams = streams(1, 1);
    let number = streams
        .enter(ip("192.0.2.1"), Instant::now())
        .expect("room");
    let datagram = [&[0x40, 0, 0x04, 0xcc][..], &[7; 1228]].concat();
    for _ in 0..100_000 {
        streams.put(number, &datagram, datagram.len());
    }
    let answer = [&[0x01, 0x04, 0, 0][..], &[9; 16]].concat();
    streams.put(number, &answer, answer.len());
    let queued = waiting(&streams);
    assert!(queued <= QUEUE + answer.len() && queued > QUEUE - datagram.len());
    for _ in 0..100_000 {
        streams.put(number, &answer, answer.len());
    }
    assert!(waiting(&streams) <= QUEUE_WITH_ANSWERS);
    // Nothing was cut: whole datagrams, then whole answers.
    let mut pipe = Pipe(usize::MAX, Vec::new());
    assert!(drain(&streams, number, &mut pipe).is_ready());
    let datagrams = QUEUE / datagram.len();
    let (data, answers) = pipe.1.split_at(datagrams * datagram.len());
    assert!(data.chunks(datagram.len()).all(|it| it == datagram));
    assert!(answers.chunks(answer.len()).all(|it| it == answer) && answers.len() > 10_000);
    assert_eq!(waiting(&streams), 0);
}

#[test]
fn all_that_take_nothing_hold_a_bounded_amount_together() {
    let streams = streams(1000, 1000);
    let datagram = [&[0x40, 0, 0x04, 0xcc][..], &[7; 1228]].concat();
    for _ in 0..500 {
        let number = streams
            .enter(ip("192.0.2.1"), Instant::now())
            .expect("room");
        for _ in 0..300 {
            streams.put(number, &datagram, datagram.len());
        }
    }
    let queued = waiting(&streams);
    assert!(
        (ALL_QUEUES - datagram.len()..=ALL_QUEUES).contains(&queued),
        "{queued}"
    );
    (0..500).for_each(|number| streams.remove(number));
    assert_eq!(waiting(&streams), 0);
}

#[test]
fn who_wants_nothing_and_who_takes_nothing_is_sent_away() {
    let (streams, start) = (streams(9, 9), Instant::now());
    let enter = || streams.enter(ip("192.0.2.1"), start).expect("room");
    let (idle, stuck, slow) = (enter(), enter(), enter());
    let over = |number: u64| lock(&streams.0).slots[&number].over;
    for number in [stuck, slow] {
        streams.put(number, &[0x40, 0, 0, 4, 1, 2, 3, 4], 8);
    }
    let knows = |number| number != idle;
    streams.expire(start + IDLE - Duration::from_secs(1), knows);
    assert!(![idle, stuck, slow].into_iter().any(over));
    // One byte every now and then is enough to stay.
    assert!(drain(&streams, slow, &mut Pipe(1, Vec::new())).is_pending());
    streams.expire(start + IDLE, knows);
    assert_eq!([idle, stuck, slow].map(over), [true, true, false]);
    assert!(matches!(
        drain(&streams, stuck, &mut Pipe(9, Vec::new())),
        Poll::Ready(Err(_))
    ));
}

/// As fast as they can, while the connection writes what it has: nothing is mixed, lost or
/// doubled, and each thread's messages stay in order.
#[test]
fn messages_of_several_threads_come_out_whole() {
    const EACH: u16 = 3000;
    let streams = streams(1, 1);
    let number = streams
        .enter(ip("192.0.2.1"), Instant::now())
        .expect("room");
    let mut pipe = Pipe(usize::MAX, Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..4_u16 {
            let streams = &streams;
            scope.spawn(move || {
                for at in 0..EACH {
                    let data = [thread.to_be_bytes(), at.to_be_bytes()].concat();
                    streams.put(number, &[&[0x40, 0, 0, 4], &data[..]].concat(), 8);
                }
            });
        }
        let mut taken = VecDeque::new();
        let mut context = Context::from_waker(Waker::noop());
        while pipe.1.len() < 8 * 4 * usize::from(EACH) {
            pipe.0 = 100;
            let drained = streams.poll_drain(number, &mut taken, &mut pipe, &mut context);
            assert!(!matches!(drained, Poll::Ready(Err(_))));
        }
    });
    assert_eq!(waiting(&streams), 0);
    let mut next = [0; 4];
    for message in pipe.1.chunks(8) {
        let [0x40, 0, 0, 4, 0, thread, high, low] = *message else {
            panic!("{message:?}");
        };
        let next = &mut next[usize::from(thread)];
        assert_eq!(u16::from_be_bytes([high, low]), *next);
        *next += 1;
    }
    assert_eq!(next, [EACH; 4]);
}

//! Clients over TCP and TLS, for networks that let no datagrams through (RFC 8656 §3.1):
//! the same engine, by a stream.
//!
//! ```text
//!   bytes ─► TLS, if it is ─► framing ─► turn ─► egress ─► datagrams, or another's queue
//!   bytes ◄─ TLS, if it is ◄─ queue ◄─── turn ◄─────────── datagrams, or another's bytes
//! ```
//!
//! A stream never refuses what is written to it, it only becomes slower; a relay must not
//! wait for it. So what a connection has not taken yet lies in a queue with an end, and
//! what does not fit is dropped, as the network drops a datagram. Answers to requests have
//! some room of their own: over a stream nobody asks twice (RFC 8489 §6.2.2).

mod connection;
mod framing;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::AsyncWrite;
use tokio_rustls::TlsAcceptor;

pub(super) use self::connection::accept;

/// Data that waits for one connection, in bytes.
const QUEUE: usize = 256 << 10;
/// What waits for it with the answers to requests.
const QUEUE_WITH_ANSWERS: usize = QUEUE + (16 << 10);
/// What waits for all of them together.
const ALL_QUEUES: usize = 64 << 20;
/// What the kernel may keep for a connection beyond what is on its way, in bytes.
const UNSENT: u32 = 64 << 10;
/// How long a connection may be without an allocation.
const IDLE: Duration = Duration::from_secs(30);
/// How long one may take nothing of what waits for it.
const STUCK: Duration = Duration::from_secs(30);
/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 512;

/// A listening TCP socket, and the address it got.
pub(super) struct StreamListener {
    listener: tokio::net::TcpListener,
    pub(super) address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

/// Opens a listening TCP socket. What is set here, each of its connections inherits; later
/// nothing can be set, see [`super::sandbox`].
pub(super) fn listen(address: SocketAddr, tls: Option<TlsAcceptor>) -> io::Result<StreamListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking(),
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_notsent_lowat(UNSENT)?;
    socket.set_tcp_user_timeout(Some(STUCK))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = tokio::net::TcpListener::from_std(socket.into())?;
    let address = listener.local_addr()?;
    Ok(StreamListener {
        listener,
        address,
        tls,
    })
}

impl StreamListener {
    pub(super) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }
}

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Connections {
    /// Altogether.
    pub(in crate::server) all: u32,
    /// From one network: /32 or /56.
    pub(in crate::server) each: u32,
}

/// What waits for whom.
pub(super) struct Streams {
    most: Cell<Connections>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    slots: Vec<Option<Slot>>,
    vacant: Vec<u32>,
    /// Bytes in all queues.
    queued: usize,
}

struct Slot {
    ip: IpAddr,
    queue: VecDeque<u8>,
    /// Wakes the connection.
    waker: Option<Waker>,
    /// When it last had an allocation, or began.
    known: Instant,
    /// When it last took something, or had taken all.
    moved: Instant,
    /// It is to end.
    over: bool,
}

impl Streams {
    pub(super) fn new(most: Connections) -> Self {
        Self {
            most: Cell::new(most),
            state: RefCell::default(),
        }
    }

    /// How many there may be.
    pub(super) fn most(&self) -> Connections {
        self.most.get()
    }

    /// From now on, so many.
    pub(super) fn limit(&self, most: Connections) {
        self.most.set(most);
    }

    /// Connections that are open.
    pub(super) fn open(&self) -> usize {
        let state = self.state.borrow();
        state.slots.len() - state.vacant.len()
    }

    /// A number for a new connection, if there may be one more from its network.
    fn enter(&self, ip: IpAddr, now: Instant) -> Option<u32> {
        let state = &mut *self.state.borrow_mut();
        let open = state.slots.iter().flatten();
        let (all, near) = open.fold((0_u32, 0_u32), |(all, near), slot| {
            (all + 1, near + u32::from(are_near(slot.ip, ip)))
        });
        let most = self.most.get();
        if all >= most.all || near >= most.each {
            return None;
        }
        let slot = Some(Slot {
            ip,
            queue: VecDeque::new(),
            waker: None,
            known: now,
            moved: now,
            over: false,
        });
        if let Some(number) = state.vacant.pop() {
            if let Some(place) = state.slots.get_mut(number as usize) {
                *place = slot;
            }
            return Some(number);
        }
        let number = u32::try_from(state.slots.len()).ok()?;
        state.slots.push(slot);
        Some(number)
    }

    fn remove(&self, number: u32) {
        let state = &mut *self.state.borrow_mut();
        let slot = state.slots.get_mut(number as usize).and_then(Option::take);
        if let Some(slot) = slot {
            state.queued -= slot.queue.len();
            state.vacant.push(number);
        }
    }

    /// Takes messages for a connection, of `segment` bytes each but the last; those that
    /// do not fit are dropped.
    pub(super) fn put(&self, number: u32, messages: &[u8], segment: usize) {
        let state = &mut *self.state.borrow_mut();
        let slot = state.slots.get_mut(number as usize);
        let Some(slot) = slot.and_then(Option::as_mut) else {
            return;
        };
        let before = slot.queue.len();
        for message in messages.chunks(segment.max(1)) {
            let len = message.len().next_multiple_of(4);
            let most = if framing::is_answer(message) {
                QUEUE_WITH_ANSWERS
            } else {
                QUEUE
            };
            let added = slot.queue.len() - before;
            if slot.queue.len() + len <= most && state.queued + added + len <= ALL_QUEUES {
                slot.queue.extend(message);
                // ChannelData is padded (RFC 8656 §12.5); STUN has no need of it.
                slot.queue.extend(&[0; 3][..len - message.len()]);
            }
        }
        state.queued += slot.queue.len() - before;
        // Who has something waiting already waits for the network, not for us.
        if before == 0
            && let Some(waker) = &slot.waker
        {
            waker.wake_by_ref();
        }
    }

    /// Writes what waits for a connection, until all is written or the network is full.
    /// To be called whenever its task runs; it is woken when there is more.
    fn poll_drain<S: AsyncWrite + Unpin>(
        &self,
        number: u32,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let state = &mut *self.state.borrow_mut();
        let slot = state.slots.get_mut(number as usize);
        let slot = slot
            .and_then(Option::as_mut)
            .filter(|slot| !slot.over)
            .ok_or(io::ErrorKind::TimedOut)?;
        if !slot
            .waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(context.waker()))
        {
            slot.waker = Some(context.waker().clone());
        }
        while !slot.queue.is_empty() {
            let (front, _) = slot.queue.as_slices();
            let written = ready!(Pin::new(&mut *stream).poll_write(context, front))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            slot.queue.drain(..written);
            state.queued -= written;
            slot.moved = Instant::now();
        }
        if slot.queue.capacity() > QUEUE / 8 {
            slot.queue = VecDeque::new();
        }
        Pin::new(stream).poll_flush(context)
    }

    /// Ends the connections that hold on to nothing, and those that take nothing.
    /// `knows` says which have an allocation. To be called about once a second.
    pub(super) fn expire(&self, now: Instant, knows: impl Fn(u32) -> bool) {
        let state = &mut *self.state.borrow_mut();
        for (number, slot) in (0..).zip(state.slots.iter_mut()) {
            let Some(slot) = slot else { continue };
            if knows(number) {
                slot.known = now;
            }
            if slot.queue.is_empty() {
                slot.moved = now;
            }
            let idle = now.saturating_duration_since(slot.known) >= IDLE;
            let stuck = now.saturating_duration_since(slot.moved) >= STUCK;
            if idle || stuck {
                slot.end();
            }
        }
    }

    /// Ends all.
    pub(super) fn end(&self) {
        let state = &mut *self.state.borrow_mut();
        state.slots.iter_mut().flatten().for_each(Slot::end);
    }
}

impl Slot {
    fn end(&mut self) {
        self.over = true;
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

/// Whether two addresses are of one network: the same IPv4 address, one IPv6 /56.
fn are_near(one: IpAddr, other: IpAddr) -> bool {
    match (one.to_canonical(), other.to_canonical()) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one == other,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() >> 72 == other.to_bits() >> 72,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(all: u32, each: u32) -> Streams {
        Streams::new(Connections { all, each })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
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

    fn drain(streams: &Streams, number: u32, pipe: &mut Pipe) -> Poll<io::Result<()>> {
        streams.poll_drain(number, pipe, &mut Context::from_waker(Waker::noop()))
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
        assert_eq!(streams.enter(ip("192.0.2.1"), now), Some(first));
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
        let queued = streams.state.borrow().queued;
        assert!(queued <= QUEUE + answer.len() && queued > QUEUE - datagram.len());
        for _ in 0..100_000 {
            streams.put(number, &answer, answer.len());
        }
        assert!(streams.state.borrow().queued <= QUEUE_WITH_ANSWERS);
        // Nothing was cut: whole datagrams, then whole answers.
        let mut pipe = Pipe(usize::MAX, Vec::new());
        assert!(drain(&streams, number, &mut pipe).is_ready());
        let datagrams = QUEUE / datagram.len();
        let (data, answers) = pipe.1.split_at(datagrams * datagram.len());
        assert!(data.chunks(datagram.len()).all(|it| it == datagram));
        assert!(answers.chunks(answer.len()).all(|it| it == answer) && answers.len() > 10_000);
        assert_eq!(streams.state.borrow().queued, 0);
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
        let queued = streams.state.borrow().queued;
        assert!(
            (ALL_QUEUES - datagram.len()..=ALL_QUEUES).contains(&queued),
            "{queued}"
        );
        (0..500).for_each(|number| streams.remove(number));
        assert_eq!(streams.state.borrow().queued, 0);
    }

    #[test]
    fn who_wants_nothing_and_who_takes_nothing_is_sent_away() {
        let (streams, start) = (streams(9, 9), Instant::now());
        let enter = || streams.enter(ip("192.0.2.1"), start).expect("room");
        let (idle, stuck, slow) = (enter(), enter(), enter());
        let over = |number: u32| {
            streams.state.borrow().slots[number as usize]
                .as_ref()
                .expect("there")
                .over
        };
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
}

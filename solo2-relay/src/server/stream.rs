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
//!
//! All connections are served by the first worker; any worker puts something into a queue.

mod connection;
mod framing;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::AsyncWrite;
use tokio_rustls::TlsAcceptor;

pub(super) use self::connection::accept;
use super::shared::lock;

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
    listener: std::net::TcpListener,
    pub(super) address: SocketAddr,
    kind: Kind,
}

/// What comes to a listening socket.
#[derive(Clone)]
pub(super) enum Kind {
    /// TCP in the clear.
    Clear,
    /// TLS over TCP.
    Tls(TlsAcceptor),
    /// TCP from a Tor daemon: whoever is behind it has no address.
    Onion,
}

impl Kind {
    /// Its name for the operator.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Clear => "tcp",
            Self::Tls(_) => "tls",
            Self::Onion => "onion",
        }
    }
}

/// Opens a listening TCP socket. What is set here, each of its connections inherits; later
/// nothing can be set, see [`solo2_server::sandbox`].
pub(super) fn listen(address: SocketAddr, kind: Kind) -> io::Result<StreamListener> {
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
    let listener = std::net::TcpListener::from(socket);
    let address = listener.local_addr()?;
    Ok(StreamListener {
        listener,
        address,
        kind,
    })
}

impl StreamListener {
    /// Its kind's name.
    pub(super) fn name(&self) -> &'static str {
        self.kind.name()
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
pub(super) struct Streams(Mutex<State>);

struct State {
    most: Connections,
    slots: HashMap<u64, Slot>,
    /// The number of the next connection. None is given twice: what a worker sends late
    /// must not reach somebody else.
    next: u64,
    /// Bytes that wait for all of them.
    waiting: usize,
}

struct Slot {
    /// `None` through Tor.
    ip: Option<IpAddr>,
    queue: VecDeque<u8>,
    /// Bytes that wait: in the queue, and with the connection that is about to write them.
    waiting: usize,
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
        Self(Mutex::new(State {
            most,
            slots: HashMap::new(),
            next: 0,
            waiting: 0,
        }))
    }

    /// How many there may be.
    pub(super) fn most(&self) -> Connections {
        lock(&self.0).most
    }

    /// From now on, so many.
    pub(super) fn limit(&self, most: Connections) {
        lock(&self.0).most = most;
    }

    /// Connections that are open.
    pub(super) fn open(&self) -> usize {
        lock(&self.0).slots.len()
    }

    /// A number for a new connection, if there may be one more from its network, or through
    /// Tor.
    fn enter(&self, ip: Option<IpAddr>, now: Instant) -> Option<u64> {
        let state = &mut *lock(&self.0);
        let is_near = |slot: &Slot| match (slot.ip, ip) {
            (Some(one), Some(other)) => are_near(one, other),
            (one, other) => one == other,
        };
        let (all, near) = state
            .slots
            .values()
            .fold((0_u32, 0_u32), |(all, near), slot| {
                (all + 1, near + u32::from(is_near(slot)))
            });
        let most = state.most;
        let each = match ip {
            Some(_) => most.each,
            None => most.all.div_ceil(2),
        };
        if all >= most.all || near >= each {
            return None;
        }
        let number = state.next;
        state.next += 1;
        let slot = Slot {
            ip,
            queue: VecDeque::new(),
            waiting: 0,
            waker: None,
            known: now,
            moved: now,
            over: false,
        };
        state.slots.insert(number, slot);
        Some(number)
    }

    fn remove(&self, number: u64) {
        let state = &mut *lock(&self.0);
        if let Some(slot) = state.slots.remove(&number) {
            state.waiting -= slot.waiting;
        }
    }

    /// Takes messages for a connection, of `segment` bytes each but the last; those that
    /// do not fit are dropped.
    pub(super) fn put(&self, number: u64, messages: &[u8], segment: usize) {
        let mut state = lock(&self.0);
        let State { slots, waiting, .. } = &mut *state;
        let Some(slot) = slots.get_mut(&number) else {
            return;
        };
        let before = slot.waiting;
        for message in messages.chunks(segment.max(1)) {
            let len = message.len().next_multiple_of(4);
            let most = if framing::is_answer(message) {
                QUEUE_WITH_ANSWERS
            } else {
                QUEUE
            };
            if slot.waiting + len <= most && *waiting + len <= ALL_QUEUES {
                slot.queue.extend(message);
                // ChannelData is padded (RFC 8656 §12.5); STUN has no need of it.
                slot.queue.extend(&[0; 3][..len - message.len()]);
                slot.waiting += len;
                *waiting += len;
            }
        }
        // Who has something waiting already waits for the network, not for us.
        let waker = slot.waker.clone().filter(|_| before == 0);
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Writes what waits for a connection, until all is written or the network is full.
    /// To be called whenever its task runs; it is woken when there is more. `taken` is
    /// what the connection has out of its queue, and has not written yet.
    fn poll_drain<S: AsyncWrite + Unpin>(
        &self,
        number: u64,
        taken: &mut VecDeque<u8>,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut written = 0;
        while self.take(number, taken, written, context.waker())? {
            let (front, _) = taken.as_slices();
            written = match Pin::new(&mut *stream).poll_write(context, front)? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(written) => written,
                Poll::Pending => return Poll::Pending,
            };
            taken.drain(..written);
        }
        Pin::new(stream).poll_flush(context)
    }

    /// Says that so much of `taken` was written, takes what waits if that was all, and says
    /// whether there is something to write now.
    fn take(
        &self,
        number: u64,
        taken: &mut VecDeque<u8>,
        written: usize,
        waker: &Waker,
    ) -> io::Result<bool> {
        let state = &mut *lock(&self.0);
        let slot = state.slots.get_mut(&number);
        let slot = slot
            .filter(|slot| !slot.over)
            .ok_or(io::ErrorKind::TimedOut)?;
        if !slot.waker.as_ref().is_some_and(|it| it.will_wake(waker)) {
            slot.waker = Some(waker.clone());
        }
        if written > 0 {
            slot.waiting -= written;
            state.waiting -= written;
            slot.moved = Instant::now();
        }
        if taken.is_empty() {
            if taken.capacity() > QUEUE / 8 {
                *taken = VecDeque::new();
            }
            std::mem::swap(taken, &mut slot.queue);
        }
        Ok(!taken.is_empty())
    }

    /// Ends the connections that hold on to nothing, and those that take nothing.
    /// `knows` says which have an allocation. To be called about once a second.
    pub(super) fn expire(&self, now: Instant, knows: impl Fn(u64) -> bool) {
        for (number, slot) in &mut lock(&self.0).slots {
            if knows(*number) {
                slot.known = now;
            }
            if slot.waiting == 0 {
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
        lock(&self.0).slots.values_mut().for_each(Slot::end);
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

/// An address for who has none, of a network of its own: unique local ones (RFC 4193), which
/// nobody comes from.
fn made_up(number: u64, port: u16) -> SocketAddr {
    let network = u128::from(number & 0xffff_ffff_ffff) << 72;
    let ip = Ipv6Addr::from_bits((0xfd << 120) | network | 1);
    SocketAddr::new(ip.into(), port)
}

/// Whether two addresses are of one network: the same IPv4 address, one IPv6 /56.
fn are_near(one: IpAddr, other: IpAddr) -> bool {
    match (one.to_canonical(), other.to_canonical()) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one == other,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() >> 72 == other.to_bits() >> 72,
        _ => false,
    }
}

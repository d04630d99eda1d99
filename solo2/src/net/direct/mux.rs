//! The mux: one link's sockets, as QUIC and as ICE see them.
//!
//! ```text
//!   quinn ── try_send ──► mask ──► [channel] ──► nominated pair ──► socket
//!   quinn ◄─ poll_recv ── unmask ◄─ one size ───┐            (a WebRTC channel's: as they are)
//!   ICE   ◄─ channel ◄──── STUN cookie ─────────┴─ [channel] ◄──── socket
//! ```
//!
//! Through a relay each datagram carries four bytes more, its channel (RFC 8656 §12.4); the
//! batch that the kernel takes at once stays one.
//!
//! quinn believes in one peer at one address ([`VIRTUAL_PEER`]); the real pair behind
//! it may change at any time. Without a nominated pair nothing is sent: quinn waits.
//! A datagram of the right size counts as QUIC only when it comes from an address that
//! has proved to ICE that it knows our password; everything else is dropped in silence.
//!
//! While every pair so far led to an address of our own, nothing has left this machine,
//! and datagrams are large. The first pair that leads further ends that for good: QUIC
//! packets that are too large for it are lost, which QUIC notices and goes on smaller.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use quinn::udp::{EcnCodepoint, RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use crate::net::ice::{Check, Pair, Ports};
use crate::net::mask::{self, DATAGRAM_LEN, LOCAL_DATAGRAM_LEN, Mask};
use crate::net::quic::{VIRTUAL_PEER, VIRTUAL_SELF};
use crate::net::socket::{UdpDoor, UdpDoors};
use crate::net::turn::Channel;
use crate::net::turn::stands_in;
use crate::net::turn::stream::framed;

/// Datagrams of the largest size that each of quinn's buffers has room for. Small, because
/// every link has such buffers; what does not fit waits in [`Mux::overflow`].
const RECEIVE_SEGMENTS: usize = 1;
/// Bytes that the kernel takes at once (GSO): an IP packet's, less the headers.
const TRANSMIT_MAX: usize = 65_000;
/// Messages taken from the kernel at once, each up to 64 KiB (GRO).
const BATCH: usize = 8;
const MESSAGE_MAX: usize = 64 * 1024;
/// Batches without anything for QUIC before other tasks get their turn.
const FRUITLESS_BATCHES: usize = 16;
/// STUN messages that may wait for ICE; more are dropped, they are repeated anyway.
const STUN_QUEUE: usize = 128;
/// STUN messages of ICE and of STUN servers are far shorter.
const STUN_MAX: usize = 1_024;
/// A relay's may have one of our datagrams inside.
const TURN_MAX: usize = 1_500;
const STUN_MIN: usize = 20;
/// Batches that wait for a relay's connection, and datagrams of a batch: together 150 KiB,
/// so that QUIC feels the connection's speed.
const STREAM_QUEUE: usize = 8;
const STREAM_SEGMENTS: usize = 16;
/// Datagrams out of connections that wait for QUIC to look.
const OVERFLOW_MAX: usize = 1_024;
pub(crate) const CHANNEL_HEADER_LEN: usize = 4;
const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

thread_local! {
    /// Shared by all links of a thread: receiving and sending never wait in between.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        received: vec![0; BATCH * MESSAGE_MAX],
        covered: Vec::new(),
    });
}

struct Scratch {
    received: Vec<u8>,
    covered: Vec<u8>,
}

/// A STUN message on its way to ICE.
pub(crate) struct Stun {
    /// The own address it arrived at: the relay's that is lent to us, if it came through
    /// a channel.
    pub(crate) local: SocketAddr,
    /// Where it came from: who sent it into the channel, if it came through one.
    pub(crate) remote: SocketAddr,
    /// The message.
    pub(crate) message: Vec<u8>,
}

/// What takes QUIC's datagrams now.
enum Line<'a> {
    Door(&'a UdpDoor),
    Stream(mpsc::Sender<Vec<u8>>),
}

/// How QUIC's datagrams reach the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    /// The pair that ICE nominated.
    pub(crate) pair: Pair,
    /// The channel to the pair's remote address, if the local one is lent by a relay.
    pub(crate) channel: Option<Channel>,
}

impl Way {
    /// Where the datagrams go first, and the address they leave from if that matters.
    fn hop(&self) -> (SocketAddr, Option<IpAddr>) {
        match &self.channel {
            Some(channel) => (channel.server, None),
            None => (self.pair.remote, Some(self.pair.local.ip())),
        }
    }

    /// Bytes before each datagram.
    fn header_len(&self) -> usize {
        match &self.channel {
            Some(_) => CHANNEL_HEADER_LEN,
            None => 0,
        }
    }
}

/// What the mux knows of relays.
#[derive(Default)]
struct Hops {
    servers: Vec<SocketAddr>,
    channels: Vec<Channel>,
    /// Those that are reached over a connection, and what leads into it.
    streams: HashMap<SocketAddr, mpsc::Sender<Vec<u8>>>,
}

/// What the datagrams of the layer above look like on the wire.
pub(crate) enum Cover {
    /// QUIC's: noise of one size.
    Mask(Mask),
    /// DTLS records as they are, for networks that let pass what looks like WebRTC.
    Bare,
}

impl Cover {
    /// Whether a datagram that is no STUN message may be the layer above's.
    fn may_hold(&self, datagram: &[u8]) -> bool {
        match self {
            Self::Mask(_) => mask::is_size(datagram.len()),
            // RFC 7983 §7.
            Self::Bare => datagram
                .first()
                .is_some_and(|first| (20..64).contains(first)),
        }
    }

    fn open<'a>(&self, datagram: &'a mut [u8]) -> Option<&'a mut [u8]> {
        match self {
            Self::Mask(mask) => mask.unmask(datagram),
            Self::Bare => Some(datagram),
        }
    }
}

/// One link's sockets.
pub(crate) struct Mux {
    doors: UdpDoors,
    cover: Cover,
    way: watch::Sender<Option<Way>>,
    hops: RwLock<Hops>,
    /// Whether a pair has led off this machine.
    abroad: AtomicBool,
    authentic: RwLock<Vec<SocketAddr>>,
    stun: mpsc::Sender<Stun>,
    overflow: Mutex<VecDeque<(Vec<u8>, Option<EcnCodepoint>)>>,
    /// Whoever waits for what a connection brings.
    reader: AtomicWaker,
    /// When the current pair last brought QUIC, in milliseconds since `started`.
    heard_ms: AtomicU64,
    started: Instant,
}

impl Mux {
    /// Takes over the sockets; STUN messages come out of the channel.
    pub(crate) fn new(doors: UdpDoors, cover: Cover) -> (Arc<Self>, mpsc::Receiver<Stun>) {
        let (stun, messages) = mpsc::channel(STUN_QUEUE);
        let mux = Arc::new(Self {
            doors,
            cover,
            way: watch::Sender::new(None),
            hops: RwLock::default(),
            abroad: AtomicBool::new(false),
            authentic: RwLock::new(Vec::new()),
            stun,
            overflow: Mutex::new(VecDeque::new()),
            reader: AtomicWaker::new(),
            heard_ms: AtomicU64::new(0),
            started: Instant::now(),
        });
        (mux, messages)
    }

    /// The ports of the sockets.
    pub(crate) fn ports(&self) -> Ports {
        let port = |family| self.doors.for_address(family).map(UdpDoor::port);
        Ports {
            v4: port(Ipv4Addr::UNSPECIFIED.into()),
            v6: port(Ipv6Addr::UNSPECIFIED.into()),
        }
    }

    /// Sends QUIC along `way` from now on; `None` holds it back. `own` are the addresses
    /// of this machine.
    ///
    /// `true` when that is a change.
    pub(crate) fn set_way(&self, way: Option<Way>, own: &[IpAddr]) -> bool {
        self.way.send_if_modified(|current| {
            if *current == way {
                return false;
            }
            if let Some(way) = way {
                if way.channel.is_some() || !own.contains(&way.pair.remote.ip()) {
                    self.abroad.store(true, Ordering::Relaxed);
                }
                if let Some(door) = self.doors.for_address(way.hop().0.ip()) {
                    door.renew();
                }
            }
            *current = way;
            true
        })
    }

    /// Talks to these relays, and unwraps what comes through these channels.
    pub(crate) fn set_relays(&self, servers: Vec<SocketAddr>, channels: Vec<Channel>) {
        let written: Vec<_> = servers
            .iter()
            .copied()
            .filter(|it| !stands_in(it.ip()))
            .collect();
        self.doors.let_in(&written);
        let mut hops = self.hops.write().unwrap_or_else(PoisonError::into_inner);
        hops.streams.retain(|server, _| servers.contains(server));
        (hops.servers, hops.channels) = (servers, channels);
    }

    /// Talks to this relay over a connection; what is for it comes out of the channel.
    pub(crate) fn open_stream(&self, server: SocketAddr) -> mpsc::Receiver<Vec<u8>> {
        let (into, outgoing) = mpsc::channel(STREAM_QUEUE);
        let mut hops = self.hops.write().unwrap_or_else(PoisonError::into_inner);
        hops.streams.insert(server, into);
        outgoing
    }

    /// Forgets that connection.
    pub(crate) fn close_stream(&self, server: SocketAddr) {
        let mut hops = self.hops.write().unwrap_or_else(PoisonError::into_inner);
        hops.streams.remove(&server);
    }

    fn stream(&self, server: SocketAddr) -> Option<mpsc::Sender<Vec<u8>>> {
        let hops = self.hops.read().unwrap_or_else(PoisonError::into_inner);
        hops.streams.get(&server).cloned()
    }

    /// Takes a message that came over the connection to this relay.
    pub(crate) fn take_from_stream(&self, server: SocketAddr, message: &mut [u8]) {
        let Some((number, data)) = channel_data(message) else {
            if is_stun(message, TURN_MAX) {
                self.pass_stun(server, server, message);
            }
            return;
        };
        let hops = self.hops.read().unwrap_or_else(PoisonError::into_inner);
        let channel = hops
            .channels
            .iter()
            .find(|channel| channel.server == server && channel.number == number);
        let Some(Channel { relayed, peer, .. }) = channel.copied() else {
            return;
        };
        drop(hops);
        if !self.cover.may_hold(data) {
            if is_stun(data, STUN_MAX) {
                self.pass_stun(relayed, peer, data);
            }
            return;
        }
        if !self.is_authentic(peer) {
            return;
        }
        if let Some(quic) = self.cover.open(data) {
            let mut overflow = self.overflow();
            if overflow.len() < OVERFLOW_MAX {
                overflow.push_back((quic.to_vec(), None));
            }
            drop(overflow);
            self.note_heard(peer);
            self.reader.wake();
        }
    }

    /// Sends a datagram to a relay; a lost one is repeated by whoever wanted it.
    pub(crate) fn send_to_relay(&self, server: SocketAddr, datagram: &[u8]) {
        if let Some(stream) = self.stream(server) {
            let _ = stream.try_send(framed(datagram.to_vec()));
            return;
        }
        if stands_in(server.ip()) {
            return;
        }
        if let Some(door) = self.doors.for_address(server.ip()) {
            door.try_path(&Transmit {
                destination: server,
                ecn: None,
                contents: datagram,
                segment_size: None,
                src_ip: None,
            });
        }
    }

    /// Bytes of every datagram that leaves.
    pub(crate) fn datagram_len(&self) -> usize {
        if self.abroad.load(Ordering::Relaxed) {
            DATAGRAM_LEN
        } else {
            LOCAL_DATAGRAM_LEN
        }
    }

    /// When the current pair last brought QUIC.
    pub(crate) fn heard(&self) -> Instant {
        self.started + Duration::from_millis(self.heard_ms.load(Ordering::Relaxed))
    }

    fn note_heard(&self, remote: SocketAddr) {
        if self
            .way
            .borrow()
            .is_some_and(|way| way.pair.remote == remote)
        {
            let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.heard_ms.store(ms, Ordering::Relaxed);
        }
    }

    /// Lets QUIC in from these addresses only.
    pub(crate) fn set_authentic(&self, addresses: &[SocketAddr]) {
        *self
            .authentic
            .write()
            .unwrap_or_else(PoisonError::into_inner) = addresses.to_vec();
    }

    /// Sends a STUN message; a lost one is repeated by whoever wanted it.
    pub(crate) fn send_stun(&self, check: &Check) {
        let Some(door) = self.doors.for_address(check.pair.local.ip()) else {
            return;
        };
        door.try_path(&Transmit {
            destination: check.pair.remote,
            ecn: None,
            contents: &check.message,
            segment_size: None,
            src_ip: Some(check.pair.local.ip()),
        });
    }

    fn current(&self) -> Option<(Way, Line<'_>)> {
        let way = (*self.way.borrow())?;
        let server = way.channel.map(|channel| channel.server);
        if let Some(stream) = server.and_then(|server| self.stream(server)) {
            return Some((way, Line::Stream(stream)));
        }
        if server.is_some_and(|server| stands_in(server.ip())) {
            return None;
        }
        let door = self.doors.for_address(way.hop().0.ip())?;
        Some((way, Line::Door(door)))
    }

    /// Writes the datagrams of `transmit` into `out` as they leave along `way`: how long each
    /// is but for the last, or `None` when one does not fit its cover.
    fn lay_out(
        &self,
        way: &Way,
        transmit: &Transmit<'_>,
        streamed: bool,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let whole = transmit.contents.len();
        let segment = transmit.segment_size.unwrap_or(whole).max(1);
        let header_len = way.header_len();
        let head = |header: &mut [u8], len: usize| {
            if let Some(channel) = &way.channel {
                let len = u16::try_from(len).unwrap_or(u16::MAX);
                header[..2].copy_from_slice(&channel.number.to_be_bytes());
                header[2..].copy_from_slice(&len.to_be_bytes());
            }
        };
        match &self.cover {
            Cover::Mask(mask) => {
                let size = header_len + self.datagram_len();
                out.resize(whole.div_ceil(segment) * size, 0);
                let places = out.chunks_exact_mut(size);
                for (quic, place) in transmit.contents.chunks(segment).zip(places) {
                    let (header, place) = place.split_at_mut(header_len);
                    head(header, place.len());
                    if !mask.mask(quic, place) {
                        return None;
                    }
                }
                Some(size)
            }
            Cover::Bare => {
                out.clear();
                for record in transmit.contents.chunks(segment) {
                    let mut header = [0; CHANNEL_HEADER_LEN];
                    head(&mut header, record.len());
                    out.extend_from_slice(&header[..header_len]);
                    out.extend_from_slice(record);
                    if streamed {
                        // RFC 8656 §12.5.
                        out.resize(out.len().next_multiple_of(4), 0);
                    }
                }
                Some(header_len + segment)
            }
        }
    }

    /// Sorts what a socket received: STUN to ICE, QUIC to `packer`, the rest nowhere.
    fn sort(&self, port: u16, meta: &RecvMeta, message: &mut [u8], packer: &mut Packer<'_, '_>) {
        // Without the address it arrived at, nobody could say on which path.
        let Some(local) = meta.dst_ip else { return };
        let local = SocketAddr::new(local, port);
        let (remote, stride) = (plain(meta.addr), meta.stride.max(1));
        if !self.doors.admit(remote) {
            return;
        }
        let hops = self.hops.read().unwrap_or_else(PoisonError::into_inner);
        let relay = hops.servers.contains(&remote);
        let mut heard = None;
        for datagram in message.chunks_mut(stride) {
            if !relay {
                if self.sort_one(local, remote, meta.ecn, datagram, packer) {
                    heard = Some(remote);
                }
            } else if let Some((number, data)) = channel_data(datagram) {
                let channel = hops
                    .channels
                    .iter()
                    .find(|channel| channel.server == remote && channel.number == number);
                if let Some(Channel { relayed, peer, .. }) = channel.copied()
                    && self.sort_one(relayed, peer, meta.ecn, data, packer)
                {
                    heard = Some(peer);
                }
            } else if is_stun(datagram, TURN_MAX) {
                self.pass_stun(local, remote, datagram);
            }
        }
        if let Some(remote) = heard {
            self.note_heard(remote);
        }
    }

    /// One datagram, out of its channel if it came through one; `true` if it was QUIC's.
    fn sort_one(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
        ecn: Option<EcnCodepoint>,
        datagram: &mut [u8],
        packer: &mut Packer<'_, '_>,
    ) -> bool {
        if !self.cover.may_hold(datagram) {
            if is_stun(datagram, STUN_MAX) {
                self.pass_stun(local, remote, datagram);
            }
            return false;
        }
        if !self.is_authentic(remote) {
            return false;
        }
        let Some(quic) = self.cover.open(datagram) else {
            return false;
        };
        if !packer.push(quic, ecn) {
            self.overflow().push_back((quic.to_vec(), ecn));
        }
        true
    }

    fn pass_stun(&self, local: SocketAddr, remote: SocketAddr, message: &[u8]) {
        let _ = self.stun.try_send(Stun {
            local,
            remote,
            message: message.to_vec(),
        });
    }

    fn is_authentic(&self, address: SocketAddr) -> bool {
        self.authentic
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&address)
    }

    fn overflow(&self) -> std::sync::MutexGuard<'_, VecDeque<(Vec<u8>, Option<EcnCodepoint>)>> {
        self.overflow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without the flow label and scope that the kernel may report.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port())
}

fn is_stun(datagram: &[u8], most: usize) -> bool {
    (STUN_MIN..=most).contains(&datagram.len()) && datagram[0] < 4 && datagram[4..8] == STUN_COOKIE
}

/// Number and content of a ChannelData message (RFC 8656 §12.4), without padding.
fn channel_data(datagram: &mut [u8]) -> Option<(u16, &mut [u8])> {
    let (header, data) = datagram.split_first_chunk_mut::<CHANNEL_HEADER_LEN>()?;
    let [n0, n1, l0, l1] = *header;
    let data = data.get_mut(..usize::from(u16::from_be_bytes([l0, l1])))?;
    (0x40..0x50)
        .contains(&n0)
        .then_some((u16::from_be_bytes([n0, n1]), data))
}

impl AsyncUdpSocket for Mux {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(WritePoller {
            mux: self,
            waiting: None,
        })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let Some((way, line)) = self.current() else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let (destination, src_ip) = way.hop();
        SCRATCH.with_borrow_mut(|scratch| {
            let streamed = matches!(line, Line::Stream(_));
            let Some(size) = self.lay_out(&way, transmit, streamed, &mut scratch.covered) else {
                // Made for the path before this one; a larger datagram would show.
                return Ok(());
            };
            match line {
                Line::Door(door) => door.send(&Transmit {
                    destination,
                    ecn: transmit.ecn,
                    contents: &scratch.covered,
                    segment_size: (scratch.covered.len() > size).then_some(size),
                    src_ip,
                }),
                // A connection that has ended loses what is sent, as a path does.
                Line::Stream(stream) => match stream.try_send(scratch.covered.clone()) {
                    Err(TrySendError::Full(_)) => Err(io::ErrorKind::WouldBlock.into()),
                    Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
                },
            }
        })
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut packer = Packer::new(bufs, meta);
        self.reader.register(cx.waker());
        let mut overflow = self.overflow();
        while let Some((quic, ecn)) = overflow.front() {
            if !packer.push(quic, *ecn) {
                break;
            }
            overflow.pop_front();
        }
        drop(overflow);
        if packer.used() > 0 {
            return Poll::Ready(Ok(packer.used()));
        }
        SCRATCH.with_borrow_mut(|scratch| {
            for _ in 0..FRUITLESS_BATCHES {
                let mut pending = true;
                for door in self.doors.iter() {
                    let mut messages = scratch.received.chunks_exact_mut(MESSAGE_MAX);
                    let mut buffers: [IoSliceMut<'_>; BATCH] = std::array::from_fn(|_| {
                        IoSliceMut::new(messages.next().expect("one chunk for each message"))
                    });
                    let mut received = [RecvMeta::default(); BATCH];
                    let Poll::Ready(count) = door.poll_recv(cx, &mut buffers, &mut received) else {
                        continue;
                    };
                    pending = false;
                    for (meta, buffer) in received.iter().zip(&mut buffers).take(count) {
                        if let Some(message) = buffer.get_mut(..meta.len) {
                            self.sort(door.port(), meta, message, &mut packer);
                        }
                    }
                }
                if packer.used() > 0 {
                    return Poll::Ready(Ok(packer.used()));
                }
                if pending {
                    return Poll::Pending;
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(VIRTUAL_SELF)
    }

    fn max_transmit_segments(&self) -> usize {
        let most = TRANSMIT_MAX / (self.datagram_len() + CHANNEL_HEADER_LEN);
        match self.current() {
            Some((_, Line::Door(door))) => door.max_segments().min(most),
            Some((_, Line::Stream(_))) => STREAM_SEGMENTS,
            None => 1,
        }
    }

    fn max_receive_segments(&self) -> usize {
        RECEIVE_SEGMENTS
    }

    fn may_fragment(&self) -> bool {
        self.doors.iter().any(UdpDoor::may_fragment)
    }
}

impl fmt::Debug for Mux {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mux").finish_non_exhaustive()
    }
}

/// Lays datagrams into quinn's buffers: runs of one length share a buffer, as GRO has it.
struct Packer<'a, 'b> {
    buffers: &'a mut [IoSliceMut<'b>],
    meta: &'a mut [RecvMeta],
    used: usize,
}

impl<'a, 'b> Packer<'a, 'b> {
    fn new(buffers: &'a mut [IoSliceMut<'b>], meta: &'a mut [RecvMeta]) -> Self {
        Self {
            buffers,
            meta,
            used: 0,
        }
    }

    fn used(&self) -> usize {
        self.used
    }

    /// `false` when there is no room left.
    fn push(&mut self, quic: &[u8], ecn: Option<EcnCodepoint>) -> bool {
        if let Some(last) = self.used.checked_sub(1) {
            let (meta, buffer) = (&mut self.meta[last], &mut self.buffers[last]);
            let whole = meta.len.is_multiple_of(meta.stride);
            let fits = quic.len() <= meta.stride && meta.len + quic.len() <= buffer.len();
            if whole && fits && meta.ecn == ecn {
                buffer[meta.len..meta.len + quic.len()].copy_from_slice(quic);
                meta.len += quic.len();
                return true;
            }
        }
        let (Some(meta), Some(buffer)) = (
            self.meta.get_mut(self.used),
            self.buffers.get_mut(self.used),
        ) else {
            return false;
        };
        let Some(place) = buffer.get_mut(..quic.len()) else {
            return false;
        };
        place.copy_from_slice(quic);
        *meta = RecvMeta {
            addr: VIRTUAL_PEER,
            len: quic.len(),
            stride: quic.len(),
            ecn,
            dst_ip: None,
        };
        self.used += 1;
        true
    }
}

type Waiting = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

/// Wakes quinn when there is a pair and its socket takes datagrams.
struct WritePoller {
    mux: Arc<Mux>,
    waiting: Option<Waiting>,
}

impl UdpPoller for WritePoller {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mux = Arc::clone(&self.mux);
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(async move { writable(&mux).await }));
        let ready = waiting.as_mut().poll(cx);
        if ready.is_ready() {
            self.waiting = None;
        }
        ready
    }
}

/// Waits until a datagram is worth another try.
pub(crate) async fn writable(mux: &Mux) -> io::Result<()> {
    let mut way = mux.way.subscribe();
    loop {
        way.borrow_and_update();
        match mux.current() {
            Some((_, Line::Door(door))) => tokio::select! {
                ready = door.writable() => return ready,
                _ = way.changed() => {}
            },
            Some((_, Line::Stream(stream))) => tokio::select! {
                _ = stream.reserve() => return Ok(()),
                _ = way.changed() => {}
            },
            // The sender lives in the mux, which we hold: waiting cannot fail.
            None => drop(way.changed().await),
        }
    }
}

impl fmt::Debug for WritePoller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WritePoller").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIC_MAX: usize = mask::quic_max(DATAGRAM_LEN);

    #[test]
    fn runs_of_equal_datagrams_share_a_buffer_and_nothing_is_lost() {
        let mut memory = vec![0; 4 * QUIC_MAX * 8];
        let mut buffers: Vec<_> = memory
            .chunks_mut(QUIC_MAX * 8)
            .map(IoSliceMut::new)
            .collect();
        let mut meta = [RecvMeta::default(); 4];
        let mut packer = Packer::new(&mut buffers, &mut meta);
        let lens = [
            QUIC_MAX, QUIC_MAX, 40, // one buffer, the last datagram shorter
            40, 40,       // the next: a short one ended the first
            QUIC_MAX, // longer than its neighbours
        ];
        for (fill, len) in (1u8..).zip(lens) {
            assert!(packer.push(&vec![fill; len], None));
        }
        assert!(packer.push(&[9; 40], Some(EcnCodepoint::Ce)));
        assert!(!packer.push(&[10; 40], None), "four buffers are full");
        let used = packer.used();
        let mut read = Vec::new();
        for (meta, buffer) in meta.iter().zip(&buffers).take(used) {
            read.extend(
                buffer[..meta.len]
                    .chunks(meta.stride)
                    .map(|d| (d[0], d.len())),
            );
        }
        let written: Vec<_> = (1u8..).zip(lens).chain([(9, 40)]).collect();
        assert_eq!(read, written);
    }

    #[test]
    fn a_full_size_datagram_is_never_taken_for_stun() {
        let mut datagram = vec![0; DATAGRAM_LEN];
        datagram[4..8].copy_from_slice(&STUN_COOKIE);
        assert!(!is_stun(&datagram, STUN_MAX));
        assert!(is_stun(&datagram[..100], STUN_MAX));
        assert!(!is_stun(&datagram[..19], STUN_MAX));
        datagram[0] = 0x40;
        assert!(!is_stun(&datagram[..100], STUN_MAX));
    }

    #[tokio::test]
    async fn dtls_leaves_as_it_is_and_padded_in_a_connection_to_a_relay() {
        let doors = crate::net::socket::bind_udp(crate::net::RoutePolicy::Any, &Arc::default())
            .expect("sockets");
        let (mux, _) = Mux::new(doors, Cover::Bare);
        let address = |port| SocketAddr::from(([192, 0, 2, 9], port));
        let pair = Pair {
            local: address(1),
            remote: address(2),
        };
        let channel = Channel {
            server: address(3),
            number: 0x4001,
            relayed: pair.local,
            peer: pair.remote,
        };
        let transmit = Transmit {
            destination: VIRTUAL_PEER,
            ecn: None,
            contents: &[23; 17],
            segment_size: Some(7),
            src_ip: None,
        };
        let mut out = Vec::new();
        let mut laid_out = |channel, streamed| {
            let size = mux.lay_out(&Way { pair, channel }, &transmit, streamed, &mut out);
            (size, out.clone())
        };
        assert_eq!(laid_out(None, false), (Some(7), vec![23; 17]));
        let whole = [0x40, 1, 0, 7, 23, 23, 23, 23, 23, 23, 23];
        let last = [0x40, 1, 0, 3, 23, 23, 23];
        let plain = [&whole[..], &whole, &last].concat();
        assert_eq!(laid_out(Some(channel), false), (Some(11), plain));
        let padded = [&whole[..], &[0], &whole, &[0], &last, &[0]].concat();
        assert_eq!(laid_out(Some(channel), true).1, padded);
    }

    #[test]
    fn what_is_neither_dtls_nor_a_masked_size_is_not_let_in() {
        let dtls = [22, 0xfe, 0xff];
        assert!(Cover::Bare.may_hold(&dtls));
        for first in [0, 3, 19, 64, 0x40, 0xc3] {
            assert!(!Cover::Bare.may_hold(&[first, 0xfe, 0xff]), "{first}");
        }
        assert!(!Cover::Bare.may_hold(&[]));
    }

    #[test]
    fn channel_data_is_what_its_length_says() {
        let mut whole = [0x40, 0x01, 0, 2, 7, 8, 0, 0];
        let (number, data) = channel_data(&mut whole).expect("a channel's");
        assert_eq!((number, &*data), (0x4001, &[7, 8][..]));
        assert!(channel_data(&mut [0x40, 0x01, 0, 3, 7, 8]).is_none());
        assert!(channel_data(&mut [0x50, 0x01, 0, 1, 7]).is_none());
        assert!(channel_data(&mut [0x40, 0x01, 0]).is_none());
    }
}

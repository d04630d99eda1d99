//! A link over a WebRTC data channel: for networks that let nothing else pass.
//!
//! The path is found as for QUIC ([`super::direct`]): the same sockets, ICE, relays and
//! route policy. Over it run DTLS and SCTP, as in a browser, and in them one reliable,
//! ordered data channel, which is a stream of bytes to the layers above.
//!
//! ```text
//!   yamux ──► duplex 256 KiB ──► pump ──► Engine: SCTP, DTLS ──► mux ──► the pair of ICE
//!         ◄──                 ◄──      ◄──                    ◄──
//! ```
//!
//! Both ways are bounded: a reader that stops fills the duplex, then SCTP's window, and the
//! peer's writer waits. Who the peer is, is Noise's question, asked above with
//! [`ChannelLink::binding`].
//!
//! Spec: docs/protocol/3-links.md §8; RFC 8831, RFC 8261.

mod engine;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::io::{self, IoSliceMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use quinn::AsyncUdpSocket as _;
use quinn::udp::{RecvMeta, Transmit};
use solo2_crypto::noise;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{sleep_until, timeout};

use self::engine::{Certified, Engine, MESSAGE_MAX, Message, Side};
pub(crate) use self::engine::{ChannelError, Fingerprint};
use super::direct::mux::{Mux, writable};
use super::direct::{
    self, AbortOnDrop, ConnectError, DirectConfig, HANDSHAKE_TIMEOUT, LOST_TIMEOUT, LinkSignal,
    PathState, Role, Upper,
};
use super::quic::VIRTUAL_PEER;

/// Bytes between the pump and the layer above, each way.
const BETWEEN: usize = 256 * 1024;
/// Datagrams are received into so many buffers of this size.
const BUFFERS: usize = 4;
const BUFFER_LEN: usize = 16 * 1024;
/// Datagrams that came before the peer's certificate was known here.
const EARLY_MAX: usize = 16;
/// Once we have said all: how long nothing may move before the channel is closed.
const FAREWELL: Duration = Duration::from_secs(5);

/// A data channel to the peer. Dropping it closes it, once what was written is there.
pub(crate) struct ChannelLink {
    /// Neither loses nor reorders a byte.
    pub(crate) bytes: DuplexStream,
    /// What the session above is bound to: equal on both ends, on no other channel.
    pub(crate) binding: [u8; 32],
    /// The path, and word of its changes.
    pub(crate) path: watch::Receiver<PathState>,
}

/// Connects to a contact; all else as in [`direct::connect`].
///
/// # Errors
///
/// [`ConnectError`] tells which step failed.
pub(crate) async fn connect(
    config: DirectConfig,
    out: mpsc::Sender<LinkSignal>,
    incoming: mpsc::Receiver<LinkSignal>,
) -> Result<ChannelLink, ConnectError> {
    let role = config.role;
    let certified = Certified::new().map_err(ConnectError::Channel)?;
    let ours = certified.fingerprint();
    let hurry = Arc::new(Notify::new());
    let (bytes, inner) = tokio::io::duplex(BETWEEN);
    let (start, started) = oneshot::channel();
    let (opened, open) = oneshot::channel();
    // ICE hears through the same sockets, so they are read from the beginning.
    // It ends when it is not started, when nobody waits for it, and with the bytes.
    let (search, ()) = direct::search(config, Some(ours), (out, incoming), |mux| {
        let pump = Pump::new(mux, inner, hurry.clone());
        tokio::spawn(pump.run(started, opened));
        Ok((Upper::Channel(hurry), ()))
    })?;
    let found = search.finish().await?;
    let path = found.path.clone();
    let theirs = found.theirs.ok_or(ConnectError::Offer)?;
    let side = match role {
        Role::Controlling => Side::Passive,
        Role::Controlled => Side::Active,
    };
    let engine =
        Engine::new(certified, side, theirs, Instant::now()).map_err(ConnectError::Channel)?;
    // The pump that has ended says why below.
    let _ = start.send((engine, found.path, found.driver));
    let exporter = match timeout(HANDSHAKE_TIMEOUT, open).await {
        Ok(Ok(opened)) => opened.map_err(ConnectError::Channel)?,
        Ok(Err(_)) | Err(_) => return Err(ConnectError::HandshakeTimeout),
    };
    let (controlling, controlled) = match role {
        Role::Controlling => (ours, theirs),
        Role::Controlled => (theirs, ours),
    };
    Ok(ChannelLink {
        bytes,
        binding: noise::channel_binding(&exporter, &controlling.0, &controlled.0),
        path,
    })
}

type Start = oneshot::Receiver<(Engine, watch::Receiver<PathState>, AbortOnDrop)>;
type Opened = oneshot::Sender<Result<[u8; 32], ChannelError>>;

/// The I/O around an [`Engine`]: one task per link.
struct Pump {
    mux: Arc<Mux>,
    hurry: Arc<Notify>,
    above: (ReadHalf<DuplexStream>, WriteHalf<DuplexStream>),
    /// Datagrams of one size that leave together, but for the last; and the next one.
    batch: (Vec<u8>, usize),
    next: Option<BytesMut>,
    /// What the layer above has not taken yet.
    inbound: Bytes,
    /// Bytes that it has taken.
    delivered: usize,
    /// Whether either side has said that no more will come.
    finished: Finished,
    memory: Vec<u8>,
    meta: [RecvMeta; BUFFERS],
}

#[derive(Clone, Copy, Default)]
struct Finished {
    ours: bool,
    theirs: bool,
    /// The peer has read our end.
    confirmed: bool,
}

impl Pump {
    fn new(mux: Arc<Mux>, above: DuplexStream, hurry: Arc<Notify>) -> Self {
        Self {
            mux,
            hurry,
            above: tokio::io::split(above),
            batch: (Vec::new(), 0),
            next: None,
            inbound: Bytes::new(),
            delivered: 0,
            finished: Finished::default(),
            memory: vec![0; BUFFERS * BUFFER_LEN],
            meta: [RecvMeta::default(); BUFFERS],
        }
    }

    /// Runs until the channel ends, either way.
    async fn run(mut self, mut start: Start, opened: Opened) {
        let mut early: Vec<Vec<u8>> = Vec::new();
        let (mut engine, path, driver) = loop {
            tokio::select! {
                begun = &mut start => match begun {
                    Ok(begun) => break begun,
                    Err(_) => return,
                },
                count = receive(&self.mux, &mut self.memory, &mut self.meta) => {
                    let room = EARLY_MAX.saturating_sub(early.len());
                    let came = datagrams(&self.memory, &self.meta, count).take(room);
                    early.extend(came.map(<[u8]>::to_vec));
                }
            }
        };
        for datagram in early {
            engine.handle(Instant::now(), &datagram);
        }
        let lost = direct::lost(path, LOST_TIMEOUT);
        tokio::select! {
            () = self.carry(&mut engine, Some(opened)) => {}
            () = lost => {}
        }
        engine.close(Instant::now());
        let _ = timeout(FAREWELL, self.flush(&mut engine)).await;
        drop(driver);
    }

    async fn carry(&mut self, engine: &mut Engine, mut opened: Option<Opened>) {
        let mut message = vec![0; MESSAGE_MAX];
        let (mut moved, mut quiet_since) = ((None, 0), Instant::now());
        loop {
            self.deliver(engine).await;
            let now = Instant::now();
            let full = self.send(engine, now).is_err();
            if let Some(error) = engine.ended() {
                if let Some(opened) = opened.take() {
                    let _ = opened.send(Err(error));
                }
                return;
            }
            if let Some(exporter) = engine.exporter()
                && let Some(opened) = opened.take()
            {
                let _ = opened.send(Ok(exporter));
            }
            let waiting = engine.waiting();
            if !self.finished.ours || moved != (waiting, self.delivered) {
                (moved, quiet_since) = ((waiting, self.delivered), now);
            }
            // What the peer has acknowledged may not be read yet; what it confirms is.
            let Finished {
                ours,
                theirs,
                confirmed,
            } = self.finished;
            let all = ours && theirs && confirmed && waiting == Some(0);
            let deadline = quiet_since + FAREWELL;
            if all || deadline <= now {
                return;
            }
            let due = engine.poll_timeout();
            let due = due.map_or(deadline, |due| due.min(deadline));
            let wanted = engine.has_room() && !self.finished.ours;
            tokio::select! {
                count = receive(&self.mux, &mut self.memory, &mut self.meta) => {
                    let now = Instant::now();
                    for datagram in datagrams(&self.memory, &self.meta, count) {
                        engine.handle(now, datagram);
                    }
                }
                read = self.above.0.read(&mut message), if wanted => match read {
                    Ok(len @ 1..) => {
                        let bytes = message.get(..len).unwrap_or_default();
                        engine.write(Instant::now(), &Bytes::copy_from_slice(bytes));
                    }
                    _ => {
                        self.finished.ours = true;
                        engine.finish(Instant::now());
                    }
                },
                written = self.above.1.write(&self.inbound), if !self.inbound.is_empty() => {
                    // Whoever reads no more may still write.
                    let len = written.unwrap_or(self.inbound.len());
                    self.delivered += len;
                    let _ = self.inbound.split_to(len);
                }
                _ = writable(&self.mux), if full => {}
                () = given_up(&mut opened) => return,
                () = self.hurry.notified() => engine.hurry(Instant::now()),
                () = sleep_until(due.into()) => engine.handle_timeout(Instant::now()),
            }
        }
    }

    /// Takes the next message out of the channel when the one before it is delivered.
    async fn deliver(&mut self, engine: &mut Engine) {
        while self.inbound.is_empty() {
            match engine.read() {
                // Behind an end it is written into nothing.
                Some(Message::Bytes(bytes)) => self.inbound = bytes.freeze(),
                Some(Message::End) => {
                    self.finished.theirs = true;
                    // A duplex takes the end at once.
                    let _ = self.above.1.shutdown().await;
                    engine.confirm(Instant::now());
                }
                Some(Message::Read) => self.finished.confirmed = true,
                None => return,
            }
        }
    }

    /// Sends until there is nothing to send, or fails because nothing can leave now.
    fn send(&mut self, engine: &mut Engine, now: Instant) -> io::Result<()> {
        loop {
            self.fill(engine, now);
            let (batch, size) = &self.batch;
            if batch.is_empty() {
                return Ok(());
            }
            let sent = self.mux.try_send(&Transmit {
                destination: VIRTUAL_PEER,
                ecn: None,
                contents: batch,
                segment_size: (batch.len() > *size).then_some(*size),
                src_ip: None,
            });
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                // Lost, and repeated by SCTP or DTLS.
                Ok(()) | Err(_) => self.batch.0.clear(),
            }
        }
    }

    /// Puts datagrams of one size, and a shorter last one, together.
    fn fill(&mut self, engine: &mut Engine, now: Instant) {
        if !self.batch.0.is_empty() {
            return;
        }
        let most = self.mux.max_transmit_segments();
        for count in 0..most {
            let next = self.next.take().or_else(|| engine.poll_transmit(now));
            let Some(next) = next else { return };
            let (batch, size) = &mut self.batch;
            if count == 0 {
                *size = next.len();
            } else if next.len() > *size {
                self.next = Some(next);
                return;
            }
            batch.extend_from_slice(&next);
            if next.len() < *size {
                return;
            }
        }
    }

    /// Sends what is left, and waits for room if there is none.
    async fn flush(&mut self, engine: &mut Engine) {
        while self.send(engine, Instant::now()).is_err() {
            if writable(&self.mux).await.is_err() {
                return;
            }
        }
    }
}

/// Nobody waits for the channel any more.
async fn given_up(opened: &mut Option<Opened>) {
    match opened {
        Some(opened) => opened.closed().await,
        None => std::future::pending().await,
    }
}

/// How many of the buffers hold something.
async fn receive(mux: &Mux, memory: &mut [u8], meta: &mut [RecvMeta; BUFFERS]) -> usize {
    poll_fn(|cx| {
        let mut parts = memory.chunks_exact_mut(BUFFER_LEN);
        let mut buffers: [IoSliceMut<'_>; BUFFERS] =
            std::array::from_fn(|_| IoSliceMut::new(parts.next().unwrap_or_default()));
        mux.poll_recv(cx, &mut buffers, meta)
            .map(Result::unwrap_or_default)
    })
    .await
}

/// The datagrams in so many buffers.
fn datagrams<'a>(
    memory: &'a [u8],
    meta: &'a [RecvMeta; BUFFERS],
    count: usize,
) -> impl Iterator<Item = &'a [u8]> {
    let parts = memory.chunks_exact(BUFFER_LEN).zip(meta).take(count);
    parts.flat_map(|(part, meta)| {
        let held = part.get(..meta.len).unwrap_or_default();
        held.chunks(meta.stride.max(1))
    })
}

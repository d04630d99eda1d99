//! A connection to the peer as the layers above see it, whichever transport made it.
//!
//! ```text
//!   handshake ─► link, bulk ──► Streams ─┬─► QUIC, which has streams of its own
//!                                        └─► yamux, over one ordered stream of bytes
//! ```
//!
//! Noise binds itself to [`Connection::binding`], so a session belongs to one connection
//! of one transport. Spec: docs/protocol/3-links.md §1;
//! <https://github.com/hashicorp/yamux/blob/master/spec.md>.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::poll_fn;
use solo2_crypto::noise::{Carrier, Purpose, prologue};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::io::{ReadHalf, WriteHalf};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt as _, TokioAsyncReadCompatExt as _};
use tokio_util::sync::CancellationToken;

use super::direct::{self, CLOSED, ConnectError, DirectConfig, DirectLink, PathState};
use super::ice::Role;
use super::ice::offer::LinkSignal;
use super::webrtc::{self, ChannelLink};

/// The link's own stream, and files of both sides; a peer that opens more ends the connection.
const STREAMS: usize = 64;
/// Bytes that may wait for readers of all streams together: 256 KiB for each are yamux's least, and
/// what is above that goes to streams whose peer waits for more, as over a long round trip.
const WINDOW: usize = STREAMS * 256 * 1024 + 4 * 1024 * 1024;
/// Streams that the peer opened and nobody has accepted yet; further ones are reset.
const ARRIVED_MAX: usize = 16;
/// How long the last bytes may take to leave.
const FAREWELL: Duration = Duration::from_secs(5);

/// The connection broke, or either side has let go of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection broke")]
pub(crate) struct Broken;

/// One connection. Dropping it closes it.
pub(crate) struct Connection {
    /// Opens and accepts its streams.
    pub(crate) streams: Streams,
    carrier: Carrier,
    binding: [u8; 32],
    path: watch::Receiver<PathState>,
    /// What lives as long as the connection does.
    _held: Box<dyn Any + Send + Sync>,
}

/// Connects to a contact over QUIC or, as `webrtc` says, a WebRTC data channel; signals and
/// errors as in [`direct::connect`].
pub(crate) async fn connect(
    webrtc: bool,
    config: DirectConfig,
    out: mpsc::Sender<LinkSignal>,
    incoming: mpsc::Receiver<LinkSignal>,
) -> Result<Connection, ConnectError> {
    if !webrtc {
        let link = direct::connect(config, out, incoming).await?;
        return Ok(link.into());
    }
    let side = match config.role {
        Role::Controlling => yamux::Mode::Client,
        Role::Controlled => yamux::Mode::Server,
    };
    let ChannelLink {
        bytes,
        binding,
        path,
    } = webrtc::connect(config, out, incoming).await?;
    // The bytes hold all there is.
    Ok(Connection::shared(
        side,
        bytes,
        (Carrier::WebRtc, binding),
        path,
        (),
    ))
}

impl Connection {
    /// A connection over `bytes`, which neither loses nor reorders any.
    pub(crate) fn shared(
        side: yamux::Mode,
        bytes: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        (carrier, binding): (Carrier, [u8; 32]),
        path: watch::Receiver<PathState>,
        held: impl Any + Send + Sync,
    ) -> Self {
        Self {
            streams: Streams::Shared(Shared::new(side, bytes)),
            carrier,
            binding,
            path,
            _held: Box::new(held),
        }
    }

    /// The path, and word of its changes.
    pub(crate) fn path(&self) -> watch::Receiver<PathState> {
        self.path.clone()
    }

    /// The word for what carries it.
    pub(crate) fn transport(&self) -> &'static str {
        match self.carrier {
            Carrier::Quic => "quic",
            Carrier::WebRtc => "webrtc",
            Carrier::Onion => "tor",
            // A renewal stays on the connection that it began on.
            Carrier::Session => "session",
        }
    }

    /// What Noise's first message of a conversation for this purpose begins with.
    pub(crate) fn prologue(&self, purpose: Purpose) -> Vec<u8> {
        prologue(purpose, self.carrier, &self.binding)
    }

    /// Closes it once what was written has left.
    pub(crate) fn close(&self) {
        match &self.streams {
            Streams::Quic(connection) => connection.close(CLOSED, b""),
            Streams::Shared(shared) => shared.close(),
        }
    }
}

impl From<DirectLink> for Connection {
    fn from(link: DirectLink) -> Self {
        Self {
            streams: Streams::Quic(link.connection.clone()),
            carrier: Carrier::Quic,
            binding: link.binding,
            path: link.path(),
            _held: Box::new(link),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

/// A connection's streams, in both directions each.
#[derive(Clone)]
pub(crate) enum Streams {
    /// QUIC's own.
    Quic(quinn::Connection),
    /// Shares of one stream.
    Shared(Shared),
}

impl Streams {
    /// A stream of ours; the peer learns of it with its first bytes.
    pub(crate) async fn open(&self) -> Result<(SendStream, RecvStream), Broken> {
        match self {
            Self::Quic(connection) => {
                let (send, recv) = connection.open_bi().await.map_err(|_| Broken)?;
                Ok((SendStream::Quic(send), RecvStream::Quic(recv)))
            }
            Self::Shared(shared) => shared.open().await,
        }
    }

    /// The next stream of the peer's.
    pub(crate) async fn accept(&self) -> Result<(SendStream, RecvStream), Broken> {
        match self {
            Self::Quic(connection) => {
                let (send, recv) = connection.accept_bi().await.map_err(|_| Broken)?;
                Ok((SendStream::Quic(send), RecvStream::Quic(recv)))
            }
            Self::Shared(shared) => {
                let stream = shared.arrived.lock().await.recv().await;
                stream.map(|stream| shared.halves(stream)).ok_or(Broken)
            }
        }
    }
}

/// Streams that share one stream of bytes.
#[derive(Clone)]
pub(crate) struct Shared {
    asked: mpsc::Sender<Ask>,
    arrived: Arc<Mutex<mpsc::Receiver<yamux::Stream>>>,
    /// Nothing more is read: yamux (0.14) leaves readers waiting when this side closes.
    ended: CancellationToken,
}

enum Ask {
    Open(oneshot::Sender<yamux::Stream>),
    Close,
}

impl Shared {
    fn new(side: yamux::Mode, bytes: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (asked, asks) = mpsc::channel(STREAMS);
        let (arrivals, arrived) = mpsc::channel(ARRIVED_MAX);
        let ended = CancellationToken::new();
        tokio::spawn(share(side, bytes, asks, arrivals, ended.clone()));
        Self {
            asked,
            arrived: Arc::new(Mutex::new(arrived)),
            ended,
        }
    }

    async fn open(&self) -> Result<(SendStream, RecvStream), Broken> {
        let (reply, stream) = oneshot::channel();
        let asked = self.asked.send(Ask::Open(reply)).await;
        asked.map_err(|_| Broken)?;
        let stream = stream.await.map_err(|_| Broken)?;
        Ok(self.halves(stream))
    }

    fn close(&self) {
        // Full or closed: whoever asks for streams sees the end, too.
        let _ = self.asked.try_send(Ask::Close);
    }

    fn halves(&self, stream: yamux::Stream) -> (SendStream, RecvStream) {
        let (recv, send) = tokio::io::split(stream.compat());
        let recv = RecvStream::Shared(recv, self.ended.clone());
        (SendStream::Shared(send), recv)
    }
}

/// Moves the bytes of all streams, until somebody closes the connection or it breaks.
async fn share(
    side: yamux::Mode,
    mut bytes: impl AsyncRead + AsyncWrite + Unpin,
    mut asks: mpsc::Receiver<Ask>,
    arrivals: mpsc::Sender<yamux::Stream>,
    ended: CancellationToken,
) {
    let ended = ended.drop_guard();
    let mut config = yamux::Config::default();
    config.set_max_num_streams(STREAMS);
    config.set_max_connection_receive_window(Some(WINDOW));
    let mut connection = yamux::Connection::new((&mut bytes).compat(), config, side);
    let mut wanted = VecDeque::new();
    poll_fn(|context| {
        loop {
            match asks.poll_recv(context) {
                Poll::Ready(Some(Ask::Open(reply))) => {
                    wanted.push_back(reply);
                    continue;
                }
                Poll::Ready(Some(Ask::Close) | None) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            if !wanted.is_empty() {
                match connection.poll_new_outbound(context) {
                    Poll::Ready(Ok(stream)) => {
                        if let Some(reply) = wanted.pop_front() {
                            let _ = reply.send(stream);
                        }
                        continue;
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => {}
                }
            }
            match connection.poll_next_inbound(context) {
                Poll::Ready(Some(Ok(stream))) => {
                    // One too many is dropped, and with that reset.
                    let _ = arrivals.try_send(stream);
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
    // This side has its answer at once; what it wrote before still leaves.
    drop((ended, arrivals, asks, wanted));
    let _ = timeout(FAREWELL, poll_fn(|context| connection.poll_close(context))).await;
    drop(connection);
    // The peer may be writing while it reads the last of ours: that must not fail before it has.
    let mut rest = [0; 4096];
    let leaves = async { while bytes.read(&mut rest).await.is_ok_and(|len| len > 0) {} };
    let _ = timeout(FAREWELL, leaves).await;
}

/// The half of a stream that this side writes. Dropping it ends the stream.
pub(crate) enum SendStream {
    /// QUIC's.
    Quic(quinn::SendStream),
    /// A share's.
    Shared(WriteHalf<Compat<yamux::Stream>>),
}

impl SendStream {
    /// Streams of lower priority wait for those of higher; shares are served in turn.
    pub(crate) fn set_priority(&self, priority: i32) {
        if let Self::Quic(stream) = self {
            // A stream that is gone has no priority.
            let _ = stream.set_priority(priority);
        }
    }

    /// Writes all of it, as fast as the peer reads.
    pub(crate) async fn write_all(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        match self {
            Self::Quic(stream) => stream.write_all(bytes).await.map_err(|_| Broken),
            Self::Shared(stream) => stream.write_all(bytes).await.map_err(|_| Broken),
        }
    }

    /// The same without a copy where the transport needs none.
    pub(crate) async fn write_chunks(&mut self, chunks: &mut [Bytes]) -> Result<(), Broken> {
        match self {
            Self::Quic(stream) => stream.write_all_chunks(chunks).await.map_err(|_| Broken),
            Self::Shared(stream) => {
                for chunk in chunks {
                    stream.write_all(chunk).await.map_err(|_| Broken)?;
                }
                Ok(())
            }
        }
    }

    /// Says that no more is coming. Over QUIC it waits until the peer's side has all of it, which
    /// may still be unread when the connection closes; on a share closing does not overtake it.
    pub(crate) async fn finish(&mut self) -> Result<(), Broken> {
        match self {
            Self::Quic(stream) => {
                stream.finish().map_err(|_| Broken)?;
                stream.stopped().await.map(drop).map_err(|_| Broken)
            }
            Self::Shared(stream) => stream.shutdown().await.map_err(|_| Broken),
        }
    }

    /// Lets go in a way that cannot be taken for an end.
    pub(crate) fn reset(&mut self) {
        if let Self::Quic(stream) = self {
            let _ = stream.reset(1u8.into());
        }
        // A share that is dropped before its end is reset with it.
    }
}

/// The half of a stream that this side reads.
pub(crate) enum RecvStream {
    /// QUIC's.
    Quic(quinn::RecvStream),
    /// A share's.
    Shared(ReadHalf<Compat<yamux::Stream>>, CancellationToken),
}

impl RecvStream {
    /// Fills `place`, or fails.
    pub(crate) async fn read_exact(&mut self, place: &mut [u8]) -> Result<(), Broken> {
        match self {
            Self::Quic(stream) => stream.read_exact(place).await.map_err(|_| Broken),
            Self::Shared(stream, ended) => {
                let read = until(ended, stream.read_exact(place)).await?;
                read.map(drop).map_err(|_| Broken)
            }
        }
    }

    /// Reads and forgets up to `most` bytes: how many, 0 at the end.
    pub(crate) async fn skip(&mut self, most: usize) -> Result<usize, Broken> {
        match self {
            Self::Quic(stream) => match stream.read_chunk(most, true).await {
                Ok(chunk) => Ok(chunk.map_or(0, |chunk| chunk.bytes.len())),
                Err(_) => Err(Broken),
            },
            Self::Shared(stream, ended) => {
                let mut place = vec![0; most.min(16 * 1024)];
                let read = until(ended, stream.read(&mut place)).await?;
                read.map_err(|_| Broken)
            }
        }
    }
}

/// What reading comes to, unless nothing more is read. What has come is read first.
async fn until<T>(ended: &CancellationToken, read: impl Future<Output = T>) -> Result<T, Broken> {
    tokio::select! {
        biased;
        read = read => Ok(read),
        () = ended.cancelled() => Err(Broken),
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! The client side of the introduction: one WebSocket to a signal server.
//!
//! It says what it is told and reports what it hears, in [`solo2_signal::wire`].
//! What tokens and blobs mean, when to listen, and whether to connect again is
//! the node's business. Connecting goes through the one door that it is given,
//! so that the route policy is asked first.
//!
//! ```text
//!   node ── listen, unlisten, post ──► SignalClient ──► pump ══ WebSocket ══ server
//!     ▲                                                  │
//!     └────────────── SignalEvent, Closed at last ───────┘
//! ```

mod url;

use std::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arti_client::DataStream;
use futures_util::{SinkExt, StreamExt};
use rustls::client::danger::ServerCertVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use solo2_signal::wire::{
    Blob, ClientMessage, MESSAGE_LEN, RefusedCode, SUBPROTOCOL, ServerMessage, Token,
};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tor_hscrypto::pk::HsId;
use zeroize::Zeroizing;

pub(crate) use self::url::{SignalUrl, SignalUrlError};

/// How long it may take to get from nothing to an open WebSocket.
const CONNECT_TIME: Duration = Duration::from_secs(20);
/// The same through Tor, which may have to find its own way first.
pub(crate) const TOR_CONNECT_TIME: Duration = Duration::from_secs(120);
/// How long one message may take to leave.
const SEND_TIME: Duration = Duration::from_secs(20);
/// Silence after which the server is taken for gone: it pings every 30 s.
const SILENCE: Duration = Duration::from_secs(75);
/// Requests, and events, that may wait for the other side.
const QUEUE: usize = 64;

/// A TCP connection in the making.
pub(crate) type Dialing = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// The one door out: connects to host and port, if the route policy allows it.
pub(crate) type Dial = Arc<dyn Fn(String, u16) -> Dialing + Send + Sync>;

/// A stream through Tor in the making.
pub(crate) type TorDialing = Pin<Box<dyn Future<Output = io::Result<DataStream>> + Send>>;

/// The way to a port of an onion service.
pub(crate) type TorDial = Arc<dyn Fn(HsId, u16) -> TorDialing + Send + Sync>;

/// How to reach a signal server.
#[derive(Clone)]
pub(crate) struct Connector {
    dial: Dial,
    tor: TorDial,
    extra_ca: Option<PathBuf>,
}

impl Connector {
    /// Goes through `dial`, or through `tor` to an onion service, and never through the one
    /// in place of the other. Trusts the roots of this system, and besides them those in the
    /// PEM file `extra_ca`.
    pub(crate) fn new(dial: Dial, tor: TorDial, extra_ca: Option<PathBuf>) -> Self {
        Self {
            dial,
            tor,
            extra_ca,
        }
    }
}

/// Why there is no connection to a signal server.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ConnectError {
    /// The address is not one of a signal server.
    #[error(transparent)]
    Url(#[from] SignalUrlError),
    /// The network, or the route policy, does not let us through.
    #[error("{source}")]
    Dial {
        /// What the system, or Tor, said.
        source: io::Error,
    },
    /// A name that stands for this machine led to another one.
    #[error("{0} is not this machine, and without tls nothing else will do")]
    NotLoopback(String),
    /// The file of extra roots is unusable.
    #[error("cannot read certificates from {}", .path.display())]
    ExtraCa {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls_pki_types::pem::Error,
    },
    /// There is no way to check the server's certificate.
    #[error("cannot verify certificates")]
    Verifier(#[source] rustls::Error),
    /// The server did not prove that it is the host.
    #[error("no tls with {host}")]
    Tls {
        /// The host asked for.
        host: String,
        /// What TLS said.
        source: io::Error,
    },
    /// Something answers, but it is no signal server that we know how to talk to.
    #[error("{host} is not a solo2 signal server")]
    Handshake {
        /// The host asked for.
        host: String,
        /// What it answered.
        source: Box<tungstenite::Error>,
    },
    /// It took too long.
    #[error("{0} does not answer")]
    TimedOut(String),
}

/// The connection has ended; the last event said why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not connected to the signal server")]
pub(crate) struct Disconnected;

/// What the server says. `Debug` names the event and nothing in it.
pub(crate) enum SignalEvent {
    /// The token is listened to from now on.
    Listening(Token),
    /// The token is taken by somebody else.
    Busy(Token),
    /// A blob was handed over, or waits for its listener. Answers come in the order of requests.
    Posted,
    /// Somebody posted this blob under a token of ours.
    Deliver {
        /// The token.
        token: Token,
        /// The sealed blob.
        blob: Box<Blob>,
    },
    /// The request in turn was refused. Answers come in the order of requests.
    Refused(RefusedCode),
    /// The connection has ended. Nothing comes after it.
    Closed(Closed),
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Closed {
    /// The server said goodbye, with this WebSocket close code if it gave one.
    ByServer(Option<u16>),
    /// The network lost it.
    Lost,
    /// Nothing was heard for 75 seconds, or nothing left for 20.
    Silent,
    /// The server said what no signal server says.
    Protocol,
}

impl fmt::Debug for SignalEvent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening(_) => out.write_str("Listening"),
            Self::Busy(_) => out.write_str("Busy"),
            Self::Posted => out.write_str("Posted"),
            Self::Deliver { token: _, blob: _ } => out.write_str("Deliver"),
            Self::Refused(code) => write!(out, "Refused({code:?})"),
            Self::Closed(how) => write!(out, "Closed({how:?})"),
        }
    }
}

/// One message on its way out.
type Request = Zeroizing<Vec<u8>>;

/// A connection to a signal server. It ends when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct SignalClient {
    requests: mpsc::Sender<Request>,
}

impl SignalClient {
    /// Connects to `wss://host[:port]`, or `ws://` on loopback or to an onion service, and
    /// starts to pump. Events must be read, or the server takes us for too slow.
    ///
    /// # Errors
    /// [`ConnectError`]; it is the caller who knows whether to try again.
    pub(crate) async fn connect(
        url: &str,
        connector: &Connector,
    ) -> Result<(Self, mpsc::Receiver<SignalEvent>), ConnectError> {
        let url: SignalUrl = url.parse()?;
        let patience = match url.onion() {
            Some(_) => TOR_CONNECT_TIME,
            None => CONNECT_TIME,
        };
        timeout(patience, open(&url, connector))
            .await
            .map_err(|_| ConnectError::TimedOut(url.host().to_owned()))?
    }

    /// Asks for what is posted under the token: `Listening`, `Busy` or `Refused`.
    ///
    /// # Errors
    /// [`Disconnected`] if the connection has ended.
    pub(crate) async fn listen(&self, token: &Token, exclusive: bool) -> Result<(), Disconnected> {
        self.request(ClientMessage::Listen { token, exclusive })
            .await
    }

    /// Gives the token up. There is no answer.
    ///
    /// # Errors
    /// [`Disconnected`] if the connection has ended.
    pub(crate) async fn unlisten(&self, token: &Token) -> Result<(), Disconnected> {
        self.request(ClientMessage::Unlisten { token }).await
    }

    /// Hands a blob to whoever listens under the token: `Posted` or `Refused`.
    ///
    /// # Errors
    /// [`Disconnected`] if the connection has ended.
    pub(crate) async fn post(&self, token: &Token, blob: &Blob) -> Result<(), Disconnected> {
        self.request(ClientMessage::Post { token, blob }).await
    }

    async fn request(&self, message: ClientMessage<'_>) -> Result<(), Disconnected> {
        let mut bytes = Zeroizing::new(vec![0; MESSAGE_LEN]);
        if let Some(bytes) = bytes.first_chunk_mut() {
            message.encode(bytes);
        }
        self.requests.send(bytes).await.map_err(|_| Disconnected)
    }
}

async fn open(
    url: &SignalUrl,
    connector: &Connector,
) -> Result<(SignalClient, mpsc::Receiver<SignalEvent>), ConnectError> {
    let host = || url.host().to_owned();
    let unreached = |source| ConnectError::Dial { source };
    if let Some(service) = url.onion() {
        let stream = (connector.tor)(service, url.port()).await;
        return upgrade(stream.map_err(unreached)?, url).await;
    }
    let stream = (connector.dial)(host(), url.port())
        .await
        .map_err(unreached)?;
    // Each message is one segment; waiting for more to say gains nothing.
    stream.set_nodelay(true).map_err(unreached)?;
    if !url.tls() {
        if !stream
            .peer_addr()
            .is_ok_and(|address| address.ip().is_loopback())
        {
            return Err(ConnectError::NotLoopback(host()));
        }
        return upgrade(stream, url).await;
    }
    let name = ServerName::try_from(host()).map_err(|error| ConnectError::Tls {
        host: host(),
        source: io::Error::other(error),
    })?;
    let stream = tls(connector)
        .await?
        .connect(name, stream)
        .await
        .map_err(|source| ConnectError::Tls {
            host: host(),
            source,
        })?;
    upgrade(stream, url).await
}

/// TLS that trusts what this system trusts, and the extra roots.
async fn tls(connector: &Connector) -> Result<TlsConnector, ConnectError> {
    let extra = match &connector.extra_ca {
        None => Vec::new(),
        Some(path) => {
            let error = |source| ConnectError::ExtraCa {
                path: path.clone(),
                source,
            };
            let found: Vec<_> = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<_, _>>)
                .map_err(error)?;
            if found.is_empty() {
                return Err(error(rustls_pki_types::pem::Error::NoItemsFound));
            }
            found
        }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // Reading the roots of a system means reading a hundred files.
    let for_verifier = Arc::clone(&provider);
    let verifier: Arc<dyn ServerCertVerifier> = tokio::task::spawn_blocking(move || {
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra, for_verifier)
    })
    .await
    .map_err(|error| rustls::Error::General(error.to_string()))
    .and_then(|verifier| verifier)
    .map(Arc::new)
    .map_err(ConnectError::Verifier)?;
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(ConnectError::Verifier)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A resumed session tells the server which two connections are one device.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn upgrade<S>(
    stream: S,
    url: &SignalUrl,
) -> Result<(SignalClient, mpsc::Receiver<SignalEvent>), ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let error = |source| ConnectError::Handshake {
        host: url.host().to_owned(),
        source: Box::new(source),
    };
    let mut request = url.endpoint().into_client_request().map_err(error)?;
    request.headers_mut().insert(
        "Sec-WebSocket-Protocol",
        HeaderValue::from_static(SUBPROTOCOL),
    );
    let limits = WebSocketConfig::default()
        .read_buffer_size(2 * MESSAGE_LEN)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MESSAGE_LEN)
        .max_message_size(Some(MESSAGE_LEN))
        .max_frame_size(Some(MESSAGE_LEN));
    let (socket, _) = client_async_with_config(request, stream, Some(limits))
        .await
        .map_err(error)?;
    let (requests, for_pump) = mpsc::channel(QUEUE);
    let (events, for_caller) = mpsc::channel(QUEUE);
    tokio::spawn(pump(socket, for_pump, events));
    Ok((SignalClient { requests }, for_caller))
}

/// Carries messages both ways until either side has had enough.
async fn pump<S>(
    mut socket: WebSocketStream<S>,
    mut requests: mpsc::Receiver<Request>,
    events: mpsc::Sender<SignalEvent>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut heard = Instant::now();
    let how = loop {
        tokio::select! {
            request = requests.recv() => {
                let Some(mut request) = request else {
                    // Nobody is left to tell how it went.
                    let _ = timeout(SEND_TIME, socket.close(None)).await;
                    return;
                };
                let message = Message::binary(std::mem::take(&mut *request));
                match timeout(SEND_TIME, socket.send(message)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => break Closed::Lost,
                    Err(_) => break Closed::Silent,
                }
            }
            // No room for events must not stop requests: a caller may be busy
            // with one while it does not read the others.
            incoming = next(&mut socket, &events, heard + SILENCE) => {
                heard = Instant::now();
                let Some((room, incoming)) = incoming else {
                    let _ = timeout(SEND_TIME, socket.close(None)).await;
                    return;
                };
                match incoming {
                    Err(_) => break Closed::Silent,
                    Ok(None) => break Closed::ByServer(None),
                    Ok(Some(Ok(Message::Binary(bytes)))) => match event(&bytes) {
                        Some(event) => room.send(event),
                        None => break Closed::Protocol,
                    },
                    Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
                    Ok(Some(Ok(Message::Close(frame)))) => {
                        break Closed::ByServer(frame.map(|frame| frame.code.into()));
                    }
                    Ok(Some(Ok(_))) => break Closed::Protocol,
                    Ok(Some(Err(error))) => break how_it_failed(&error),
                }
            }
        }
    };
    // A caller who no longer listens does not need to know.
    let _ = events.send(SignalEvent::Closed(how)).await;
}

type Incoming = Result<Option<Result<Message, tungstenite::Error>>, Elapsed>;

/// The next message, once there is room for what it says. `None` if nobody wants
/// to know. Cancel safe.
async fn next<'a, S>(
    socket: &mut WebSocketStream<S>,
    events: &'a mpsc::Sender<SignalEvent>,
    deadline: Instant,
) -> Option<(mpsc::Permit<'a, SignalEvent>, Incoming)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let room = events.reserve().await.ok()?;
    Some((room, timeout_at(deadline, socket.next()).await))
}

fn event(bytes: &[u8]) -> Option<SignalEvent> {
    Some(match ServerMessage::parse(bytes).ok()? {
        ServerMessage::Listening { token } => SignalEvent::Listening(*token),
        ServerMessage::Busy { token } => SignalEvent::Busy(*token),
        ServerMessage::Posted { token: _ } => SignalEvent::Posted,
        ServerMessage::Deliver { token, blob } => SignalEvent::Deliver {
            token: *token,
            blob: Box::new(*blob),
        },
        ServerMessage::Refused { code } => SignalEvent::Refused(code),
    })
}

fn how_it_failed(error: &tungstenite::Error) -> Closed {
    match error {
        tungstenite::Error::ConnectionClosed => Closed::ByServer(None),
        tungstenite::Error::Protocol(
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        )
        | tungstenite::Error::Io(_)
        | tungstenite::Error::AlreadyClosed => Closed::Lost,
        _ => Closed::Protocol,
    }
}

#[cfg(test)]
mod tests;

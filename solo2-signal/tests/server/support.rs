//! A running server, and devices that talk to it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use solo2_signal::wire::{
    BLOB_LEN, Blob, ClientMessage, MESSAGE_LEN, PATH, RefusedCode, SUBPROTOCOL, ServerMessage,
    TOKEN_LEN, Token,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// Longer than anything here takes, on a busy machine too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The path of the binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_solo2-signal");

/// The server, in a process of its own, killed when dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) listen: SocketAddr,
    pub(crate) stun: Option<SocketAddr>,
}

impl Server {
    /// Starts it on a free port of loopback and waits until it is ready.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_on("127.0.0.1:0", arguments)
    }

    pub(crate) fn start_on(listen: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(["serve", "--json", "--db", "memory", "--listen", listen])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut line)
            .expect("a line");
        let ready: serde_json::Value = serde_json::from_str(&line).expect("a JSON line");
        assert_eq!(ready["v"], 1);
        assert_eq!(ready["type"], "ready");
        let address = |name: &str| ready[name].as_str().and_then(|text| text.parse().ok());
        Self {
            child,
            listen: address("listen").expect("an address"),
            stun: address("stun"),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A request for the WebSocket, to be sent as it is or spoiled.
    pub(crate) fn request(&self) -> Request {
        request("ws", &self.listen.to_string())
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(self.listen)
            .await
            .expect("the server accepts");
        stream.set_nodelay(true).expect("a socket option");
        stream
    }

    pub(crate) async fn device(&self) -> Device<TcpStream> {
        Device::open(self.tcp().await, self.request())
            .await
            .expect("the server upgrades")
    }

    /// Memory in use, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .expect("a line");
        line.split_whitespace()
            .nth(1)
            .and_then(|number| number.parse().ok())
            .expect("a number")
    }

    pub(crate) fn terminate(&self) {
        let done = Command::new("kill")
            .arg(self.pid().to_string())
            .status()
            .expect("kill runs");
        assert!(done.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn request(scheme: &str, host: &str) -> Request {
    let mut request = format!("{scheme}://{host}{PATH}")
        .into_client_request()
        .expect("a request");
    request.headers_mut().insert(
        "Sec-WebSocket-Protocol",
        HeaderValue::from_static(SUBPROTOCOL),
    );
    request
}

/// What the server said, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Listening(Token),
    Busy(Token),
    Posted(Token),
    Deliver(Token, Vec<u8>),
    Refused(RefusedCode),
    Closed,
}

/// A device: another implementation of WebSocket than the one under test.
pub(crate) struct Device<S> {
    pub(crate) socket: WebSocketStream<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Device<S> {
    pub(crate) async fn open(stream: S, request: Request) -> Result<Self, tungstenite::Error> {
        let (socket, response) = client_async(request, stream).await?;
        assert_eq!(response.headers()["sec-websocket-protocol"], SUBPROTOCOL);
        assert!(!response.headers().contains_key("sec-websocket-extensions"));
        assert!(!response.headers().contains_key("server"));
        Ok(Self { socket })
    }

    /// Says something, without waiting for an answer.
    pub(crate) async fn say(&mut self, message: ClientMessage<'_>) {
        let mut bytes = vec![0; MESSAGE_LEN];
        message.encode(bytes.as_mut_slice().try_into().expect("of this length"));
        self.socket
            .send(Message::binary(bytes))
            .await
            .expect("the server reads");
    }

    pub(crate) async fn listen(&mut self, token: Token, exclusive: bool) -> Said {
        self.say(ClientMessage::Listen {
            token: &token,
            exclusive,
        })
        .await;
        self.hear().await
    }

    pub(crate) async fn post(&mut self, token: Token, blob: &Blob) -> Said {
        self.say(ClientMessage::Post {
            token: &token,
            blob,
        })
        .await;
        self.hear().await
    }

    /// The next thing the server says.
    pub(crate) async fn hear(&mut self) -> Said {
        timeout(PATIENCE, self.listen_for_more())
            .await
            .expect("the server answers")
    }

    /// Asserts that the server has nothing to say.
    pub(crate) async fn hear_nothing(&mut self) {
        let heard = timeout(Duration::from_millis(300), self.listen_for_more()).await;
        assert!(heard.is_err(), "unexpected: {heard:?}");
    }

    async fn listen_for_more(&mut self) -> Said {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    assert_eq!(bytes.len(), MESSAGE_LEN);
                    return match ServerMessage::parse(&bytes).expect("well formed") {
                        ServerMessage::Listening { token } => Said::Listening(*token),
                        ServerMessage::Busy { token } => Said::Busy(*token),
                        ServerMessage::Posted { token } => Said::Posted(*token),
                        ServerMessage::Deliver { token, blob } => {
                            Said::Deliver(*token, blob.to_vec())
                        }
                        ServerMessage::Refused { code } => Said::Refused(code),
                    };
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return Said::Closed,
            }
        }
    }
}

/// Random bytes, so that no two are alike and none is anywhere by chance.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut source = std::fs::File::open("/dev/urandom").expect("a source");
    source.read_exact(&mut bytes).expect("enough");
    bytes
}

pub(crate) fn token() -> Token {
    random::<TOKEN_LEN>()
}

pub(crate) fn blob() -> Blob {
    random::<BLOB_LEN>()
}

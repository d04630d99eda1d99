//! The client against the real server, in one process.

#![expect(
    clippy::disallowed_methods,
    reason = "the other end of the line is a plain socket here"
)]

use std::time::Duration;

use solo2_signal::server::Server;
use solo2_signal::server::config::{Options, Settings};
use tokio::net::TcpListener;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
const TOKEN: Token = [3; 32];
const BLOB: Blob = [5; 4096];

fn dial() -> Dial {
    Arc::new(|host, port| Box::pin(async move { TcpStream::connect((host, port)).await }))
}

fn no_tor() -> TorDial {
    Arc::new(|_, _| Box::pin(async { panic!("called through Tor") }))
}

async fn server(options: Options) -> Server {
    let listen = Some("127.0.0.1:0".parse().expect("an address"));
    let settings = Settings::try_from(Options { listen, ..options }).expect("settings");
    Server::start(&settings).await.expect("a server")
}

async fn hear(events: &mut mpsc::Receiver<SignalEvent>) -> SignalEvent {
    timeout(PATIENCE, events.recv())
        .await
        .expect("in time")
        .expect("an event")
}

struct Certificate {
    directory: tempfile::TempDir,
}

impl Certificate {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let ca_key = rcgen::KeyPair::generate().expect("a key");
        let mut ca = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca_cert = ca.self_signed(&ca_key).expect("a certificate");
        let issuer = rcgen::Issuer::new(ca, ca_key);
        let key = rcgen::KeyPair::generate().expect("a key");
        let cert = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
            .and_then(|parameters| parameters.signed_by(&key, &issuer))
            .expect("a certificate");
        for (name, pem) in [
            ("ca.pem", ca_cert.pem()),
            ("cert.pem", cert.pem()),
            ("key.pem", key.serialize_pem()),
        ] {
            std::fs::write(directory.path().join(name), pem).expect("a file");
        }
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn options(&self) -> Options {
        Options {
            tls_cert: Some(self.path("cert.pem")),
            tls_key: Some(self.path("key.pem")),
            ..Options::default()
        }
    }
}

#[tokio::test]
async fn two_clients_are_introduced() {
    let server = server(Options::default()).await;
    let url = format!("ws://{}", server.listen());
    let connector = Connector::new(dial(), no_tor(), None);
    let (alice, mut to_alice) = SignalClient::connect(&url, &connector)
        .await
        .expect("connected");
    let (bob, mut to_bob) = SignalClient::connect(&url, &connector)
        .await
        .expect("connected");

    bob.listen(&TOKEN, true).await.expect("sent");
    assert!(matches!(
        hear(&mut to_bob).await,
        SignalEvent::Listening(TOKEN)
    ));
    alice.listen(&TOKEN, false).await.expect("sent");
    assert!(matches!(
        hear(&mut to_alice).await,
        SignalEvent::Busy(TOKEN)
    ));
    alice.post(&TOKEN, &BLOB).await.expect("sent");
    assert!(matches!(hear(&mut to_alice).await, SignalEvent::Posted));
    let SignalEvent::Deliver { token: TOKEN, blob } = hear(&mut to_bob).await else {
        panic!("not delivered");
    };
    assert!(*blob == BLOB);

    bob.unlisten(&TOKEN).await.expect("sent");
    for _ in 0..17 {
        bob.listen(&fresh_token(), true).await.expect("sent");
    }
    for _ in 0..16 {
        assert!(matches!(hear(&mut to_bob).await, SignalEvent::Listening(_)));
    }
    assert!(matches!(
        hear(&mut to_bob).await,
        SignalEvent::Refused(RefusedCode::TooManyTokens)
    ));
}

#[tokio::test]
async fn a_stopped_server_is_reported_and_then_nothing_can_be_sent() {
    let server = server(Options::default()).await;
    let url = format!("ws://{}", server.listen());
    let (client, mut events) = SignalClient::connect(&url, &Connector::new(dial(), no_tor(), None))
        .await
        .expect("connected");
    server.stop().await;
    assert!(matches!(
        hear(&mut events).await,
        SignalEvent::Closed(Closed::ByServer(Some(1001)))
    ));
    assert!(events.recv().await.is_none());
    while client.post(&TOKEN, &BLOB).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let refused = SignalClient::connect(&url, &Connector::new(dial(), no_tor(), None)).await;
    assert!(matches!(refused, Err(ConnectError::Dial { .. })));
}

#[tokio::test]
async fn a_dropped_client_is_gone_from_the_server() {
    let server = server(Options::default()).await;
    let url = format!("ws://{}", server.listen());
    let connector = Connector::new(dial(), no_tor(), None);
    let (first, mut events) = SignalClient::connect(&url, &connector)
        .await
        .expect("connected");
    first.listen(&TOKEN, true).await.expect("sent");
    hear(&mut events).await;
    drop(first);
    assert!(
        timeout(PATIENCE, events.recv())
            .await
            .expect("in time")
            .is_none()
    );
    let (second, mut events) = SignalClient::connect(&url, &connector)
        .await
        .expect("connected");
    timeout(PATIENCE, async {
        loop {
            second.listen(&TOKEN, true).await.expect("sent");
            if matches!(hear(&mut events).await, SignalEvent::Listening(TOKEN)) {
                break;
            }
        }
    })
    .await
    .expect("the token is free again");
}

#[tokio::test]
async fn requests_go_on_while_events_are_not_read() {
    let server = server(Options::default()).await;
    let url = format!("ws://{}", server.listen());
    let connector = Connector::new(dial(), no_tor(), None);
    let (client, mut events) = SignalClient::connect(&url, &connector)
        .await
        .expect("connected");
    let asked = timeout(PATIENCE, async {
        for _ in 0..150 {
            client.listen(&fresh_token(), false).await.expect("sent");
        }
    });
    asked.await.expect("requests are taken while nobody reads");
    for _ in 0..150 {
        assert!(matches!(hear(&mut events).await, SignalEvent::Listening(_)));
    }
}

#[tokio::test]
async fn tls_is_checked_against_the_extra_roots_and_the_name() {
    let certificate = Certificate::new();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = server(certificate.options()).await;
    let port = server.listen().port();
    let trusting = Connector::new(dial(), no_tor(), Some(certificate.path("ca.pem")));

    let (client, mut events) = SignalClient::connect(&format!("wss://localhost:{port}"), &trusting)
        .await
        .expect("connected");
    client.listen(&TOKEN, false).await.expect("sent");
    assert!(matches!(
        hear(&mut events).await,
        SignalEvent::Listening(TOKEN)
    ));
    client.post(&TOKEN, &BLOB).await.expect("sent");
    let mut delivered = false;
    for _ in 0..2 {
        delivered |= matches!(hear(&mut events).await, SignalEvent::Deliver { .. });
    }
    assert!(delivered);

    let wrong_name = SignalClient::connect(&format!("wss://127.0.0.1:{port}"), &trusting).await;
    assert!(matches!(wrong_name, Err(ConnectError::Tls { .. })));
    let stranger = Connector::new(dial(), no_tor(), Some(Certificate::new().path("ca.pem")));
    let unknown = SignalClient::connect(&format!("wss://localhost:{port}"), &stranger).await;
    assert!(unknown.is_err());
    let missing = Connector::new(dial(), no_tor(), Some(certificate.path("none.pem")));
    let no_file = SignalClient::connect(&format!("wss://localhost:{port}"), &missing).await;
    assert!(matches!(no_file, Err(ConnectError::ExtraCa { .. })));
}

#[tokio::test]
async fn plain_text_is_never_spoken_to_another_machine() {
    let nobody: Dial = Arc::new(|_, _| panic!("dialled"));
    let error = SignalClient::connect(
        "ws://192.0.2.1:7400",
        &Connector::new(nobody, no_tor(), None),
    )
    .await;
    assert!(matches!(
        error,
        Err(ConnectError::Url(SignalUrlError::PlainText(_)))
    ));
}

#[tokio::test]
async fn an_onion_service_is_called_through_tor_or_not_at_all() {
    let nobody: Dial = Arc::new(|_, _| panic!("dialled"));
    let called = Arc::new(std::sync::Mutex::new(None));
    let note = Arc::clone(&called);
    let blocked: TorDial = Arc::new(move |service, port| {
        *note.lock().expect("a note") = Some((service, port));
        Box::pin(async { Err(io::Error::other("Tor is blocked")) })
    });
    let url = "ws://2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion:7400";
    let connector = Connector::new(nobody, blocked, None);
    let error = SignalClient::connect(url, &connector).await;
    assert!(matches!(error, Err(ConnectError::Dial { .. })));
    let called = called.lock().expect("a note").take();
    let url: SignalUrl = url.parse().expect("an onion service");
    assert_eq!(called, url.onion().map(|service| (service, 7400)));
}

#[tokio::test]
async fn the_dialer_may_refuse() {
    let policy: Dial =
        Arc::new(|_, _| Box::pin(async { Err(io::Error::from(io::ErrorKind::PermissionDenied)) }));
    let error = SignalClient::connect(
        "wss://signal.example",
        &Connector::new(policy, no_tor(), None),
    )
    .await;
    let Err(ConnectError::Dial { source, .. }) = error else {
        panic!("not refused")
    };
    assert_eq!(source.kind(), io::ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn a_server_that_speaks_another_language_is_left() {
    // Not even HTTP.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail.example ready\r\n\r\n")
            .await;
    });
    let error = SignalClient::connect(&url, &Connector::new(dial(), no_tor(), None)).await;
    assert!(matches!(error, Err(ConnectError::Handshake { .. })));
}

#[tokio::test]
async fn a_server_that_breaks_the_wire_is_left() {
    for (message, how) in [
        (Message::binary(vec![0x81; 100]), Closed::Protocol),
        (Message::binary(vec![0xff; MESSAGE_LEN]), Closed::Protocol),
        (Message::binary(vec![0; MESSAGE_LEN + 1]), Closed::Protocol),
        (Message::text("hello"), Closed::Protocol),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("ws://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a caller");
            let mut socket = tokio_tungstenite::accept_hdr_async(stream, with_subprotocol)
                .await
                .expect("upgraded");
            let _ = socket.send(message).await;
            // Stay until the other side has had enough.
            while let Some(Ok(_)) = socket.next().await {}
        });
        let (_client, mut events) =
            SignalClient::connect(&url, &Connector::new(dial(), no_tor(), None))
                .await
                .expect("connected");
        match hear(&mut events).await {
            SignalEvent::Closed(closed) => assert_eq!(closed, how),
            other => panic!("{other:?}"),
        }
    }
}

#[expect(
    clippy::result_large_err,
    reason = "the callback's signature is tungstenite's"
)]
fn with_subprotocol(
    _: &tungstenite::handshake::server::Request,
    mut response: tungstenite::handshake::server::Response,
) -> Result<tungstenite::handshake::server::Response, tungstenite::handshake::server::ErrorResponse>
{
    response.headers_mut().insert(
        "Sec-WebSocket-Protocol",
        HeaderValue::from_static(SUBPROTOCOL),
    );
    Ok(response)
}

/// A token like no other.
fn fresh_token() -> Token {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let mut token = [0; 32];
    token[..8].copy_from_slice(
        &NEXT
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            .to_be_bytes(),
    );
    token
}

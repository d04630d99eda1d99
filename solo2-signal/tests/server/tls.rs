//! The same server behind TLS.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::ServerName;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{BINARY, Device, PATIENCE, Said, Server, blob, request, token};

/// An authority, and a certificate for `localhost` from it.
pub(crate) struct Certificate {
    directory: tempfile::TempDir,
    roots: RootCertStore,
}

impl Certificate {
    pub(crate) fn new() -> Self {
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
        let mut roots = RootCertStore::empty();
        roots.add(ca_cert.der().clone()).expect("a root");
        Self { directory, roots }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        let (cert, key) = (self.path("cert.pem"), self.path("key.pem"));
        let files = [
            "--tls-cert",
            cert.to_str().expect("text"),
            "--tls-key",
            key.to_str().expect("text"),
        ];
        Server::start_on("0.0.0.0:0", &[&files, arguments].concat())
    }

    fn connector(&self, versions: &[&'static SupportedProtocolVersion]) -> TlsConnector {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    pub(crate) async fn connect(
        &self,
        server: &Server,
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(("127.0.0.1", server.listen.port())).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").expect("a name");
        self.connector(versions).connect(name, stream).await
    }

    pub(crate) async fn device(&self, server: &Server) -> Device<TlsStream<TcpStream>> {
        let stream = self
            .connect(server, &[&rustls::version::TLS13])
            .await
            .expect("tls");
        Device::open(stream, request("wss", "localhost"))
            .await
            .expect("the server upgrades")
    }
}

#[tokio::test]
async fn an_introduction_through_tls() {
    let certificate = Certificate::new();
    let server = certificate.serve(&[]);
    let (mut alice, mut bob) = (
        certificate.device(&server).await,
        certificate.device(&server).await,
    );
    let (token, blob) = (token(), blob());
    assert_eq!(bob.listen(token, true).await, Said::Listening(token));
    assert_eq!(alice.post(token, &blob).await, Said::Posted(token));
    assert_eq!(bob.hear().await, Said::Deliver(token, blob.to_vec()));
}

#[tokio::test]
async fn tls_is_1_3_or_nothing() {
    let certificate = Certificate::new();
    let server = certificate.serve(&[]);
    assert!(
        certificate
            .connect(&server, &[&rustls::version::TLS13])
            .await
            .is_ok()
    );
    assert!(
        certificate
            .connect(&server, &[&rustls::version::TLS12])
            .await
            .is_err()
    );
}

#[tokio::test]
async fn plain_text_to_a_tls_port_gets_nothing() {
    let certificate = Certificate::new();
    let server = certificate.serve(&[]);
    let stream = TcpStream::connect(("127.0.0.1", server.listen.port()))
        .await
        .expect("accepted");
    assert!(
        Device::open(stream, request("ws", "localhost"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_tls_handshake_that_stalls_is_cut_off() {
    let certificate = Certificate::new();
    let server = certificate.serve(&[]);
    let mut stream = TcpStream::connect(("127.0.0.1", server.listen.port()))
        .await
        .expect("accepted");
    let ended = timeout(Duration::from_secs(15), stream.read(&mut [0; 64])).await;
    assert!(matches!(ended, Ok(Ok(0) | Err(_))), "still open");
    let mut device = timeout(PATIENCE, certificate.device(&server))
        .await
        .expect("others are served");
    let token = token();
    assert_eq!(device.listen(token, false).await, Said::Listening(token));
}

#[tokio::test]
async fn health_is_answered_through_tls_to_who_trusts_the_certificate() {
    let certificate = Certificate::new();
    let server = certificate.serve(&[]);
    let url = format!("https://localhost:{}", server.listen.port());
    let ask = |ca: Option<PathBuf>| {
        let mut command = Command::new(BINARY);
        command.args(["health", "--url", &url]);
        if let Some(path) = ca {
            command.arg("--ca").arg(path);
        }
        command.output().expect("the binary starts").status.code()
    };
    assert_eq!(ask(Some(certificate.path("ca.pem"))), Some(0));
    assert_eq!(ask(Some(Certificate::new().path("ca.pem"))), Some(9));
    assert_eq!(ask(None), Some(9));
}

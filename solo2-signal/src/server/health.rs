//! Asks a running server whether it is well: what a supervisor calls.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use solo2_server::tls::{TlsError, certificates};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const PATIENCE: Duration = Duration::from_secs(5);
/// As much of an answer as is read, in bytes.
const ANSWER_LEN: u64 = 4096;

/// Why the server is not known to be well.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HealthError {
    /// Not an address of a server.
    #[error("not a server address: {0}")]
    Url(String),
    /// TLS needs to know whom to trust.
    #[error("no certificate to trust for {0}")]
    NoCa(String),
    /// The certificate to trust is unusable.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The certificate to trust is not one that can vouch.
    #[error("cannot trust that certificate")]
    Root(#[source] rustls::Error),
    /// Nothing answers.
    #[error("no answer from {url}")]
    Unreachable {
        /// The server asked.
        url: String,
        /// What the network said.
        source: io::Error,
    },
    /// Something answers, but not this server in good health.
    #[error("{0} is not well")]
    Unwell(String),
}

/// Asks `GET /health`. The URL is that of the server, `http`, `https`, `ws` or
/// `wss`; `ca` is the PEM certificate to trust, which TLS needs.
///
/// # Errors
/// [`HealthError`] unless the server says that it is well.
pub async fn check(url: &str, ca: Option<&Path>) -> Result<(), HealthError> {
    let target = Target::parse(url).ok_or_else(|| HealthError::Url(url.to_owned()))?;
    let tls = match (target.tls, ca) {
        (false, _) => None,
        (true, None) => return Err(HealthError::NoCa(url.to_owned())),
        (true, Some(path)) => Some(connector(path)?),
    };
    let answer = timeout(PATIENCE, ask(&target, tls))
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))
        .flatten()
        .map_err(|source| HealthError::Unreachable {
            url: url.to_owned(),
            source,
        })?;
    let well = answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"type\":\"health\"");
    if well {
        Ok(())
    } else {
        Err(HealthError::Unwell(url.to_owned()))
    }
}

struct Target {
    tls: bool,
    host: String,
    port: u16,
}

impl Target {
    fn parse(url: &str) -> Option<Self> {
        let uri: hyper::Uri = url.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return None,
        };
        let host = uri
            .host()?
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Some(Self { tls, host, port })
    }
}

fn connector(ca: &Path) -> Result<TlsConnector, HealthError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots.add(certificate).map_err(HealthError::Root)?;
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn ask(target: &Target, tls: Option<TlsConnector>) -> io::Result<String> {
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await?;
    match tls {
        None => exchange(stream, target).await,
        Some(connector) => {
            let name = ServerName::try_from(target.host.clone()).map_err(io::Error::other)?;
            exchange(connector.connect(name, stream).await?, target).await
        }
    }
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    target: &Target,
) -> io::Result<String> {
    let request = format!(
        "GET /health HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        target.host
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    // The end of the stream may come without TLS's goodbye; what counts was said.
    let read = stream.take(ANSWER_LEN).read_to_end(&mut answer).await;
    if answer.is_empty() {
        read?;
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

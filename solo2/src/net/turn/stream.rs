//! A relay over TCP or TLS, for networks that let no UDP through.
//!
//! A connection carries the same messages as datagrams do, one behind the other
//! (RFC 8489 §6.2.2, RFC 8656 §12.5), so nothing above knows of it: the mux hands
//! messages in, and gets back what came. What the connection is slow to take waits in a
//! short queue that QUIC feels as a slow path.
//!
//! Spec: docs/protocol/8-relay.md §1.1, §3.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use solo2_relay::invite::Pin;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::net::RoutePolicy;
use crate::net::socket;

/// How long TCP and TLS may take together.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// RFC 7443.
const ALPN: &[u8] = b"stun.turn";
/// A STUN message of a relay's carries one of our datagrams at most.
const STUN_MAX: usize = 2_048;
/// Bytes read at once.
const READ: usize = 64 * 1024;

/// What kind of connection.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Over {
    /// TLS 1.3 on this port, to the one who shows this certificate, or one for this host.
    Tls {
        port: u16,
        pin: Option<Pin>,
        host: String,
    },
    /// TCP in the clear on this port.
    Tcp { port: u16 },
    /// Tor, to this port of the onion service with this key.
    Onion { service: [u8; 32], port: u16 },
}

/// Connects to a port of an onion service.
pub(crate) type ThroughTor =
    Arc<dyn Fn([u8; 32], u16) -> BoxFuture<'static, io::Result<Box<dyn Stream>>> + Send + Sync>;

impl Over {
    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Tls { port, .. } | Self::Tcp { port } | Self::Onion { port, .. } => *port,
        }
    }
}

/// Connects, and carries messages until either side ends it.
///
/// # Errors
///
/// Why there is no connection, or no longer one.
pub(crate) async fn carry(
    policy: RoutePolicy,
    (server, over, tor): (SocketAddr, Over, Option<ThroughTor>),
    outgoing: &mut mpsc::Receiver<Vec<u8>>,
    deliver: impl FnMut(&mut [u8]),
) -> io::Result<()> {
    if let Over::Onion { service, port } = over {
        let tor = tor.ok_or(io::ErrorKind::Unsupported)?;
        return pump(tor(service, port).await?, outgoing, deliver).await;
    }
    let connect = async {
        let host = server.ip().to_string();
        let stream = socket::connect_tcp(policy, &host, server.port())
            .await
            .map_err(io::Error::other)?;
        let stream: Box<dyn Stream> = match over {
            Over::Tcp { .. } | Over::Onion { .. } => Box::new(stream),
            Over::Tls { pin, host, .. } => {
                let name = ServerName::try_from(host).map_err(io::Error::other)?;
                Box::new(tls(pin).await?.connect(name, stream).await?)
            }
        };
        io::Result::Ok(stream)
    };
    let connected = timeout(CONNECT_MAX, connect).await;
    let stream = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    pump(stream, outgoing, deliver).await
}

/// Bytes in both directions.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn pump(
    stream: impl AsyncRead + AsyncWrite,
    outgoing: &mut mpsc::Receiver<Vec<u8>>,
    mut deliver: impl FnMut(&mut [u8]),
) -> io::Result<()> {
    let (mut from, mut to) = tokio::io::split(stream);
    let write = async {
        while let Some(messages) = outgoing.recv().await {
            to.write_all(&messages).await?;
            to.flush().await?;
        }
        to.shutdown().await
    };
    let read = async {
        let mut buffer = Vec::new();
        let mut begin = 0;
        loop {
            while let Some((len, padded)) = message(&buffer[begin..])? {
                deliver(&mut buffer[begin..begin + len]);
                begin += padded;
            }
            buffer.drain(..std::mem::take(&mut begin));
            buffer.reserve(READ);
            if from.read_buf(&mut buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    };
    tokio::select! {
        done = write => done,
        done = read => done,
    }
}

/// The length of the first message, without and with its padding; `None` until it is all here.
fn message(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some([kind, _, l0, l1]) = bytes.first_chunk() else {
        return Ok(None);
    };
    let len = usize::from(u16::from_be_bytes([*l0, *l1]));
    let (len, padded) = match kind {
        0..0x40 if len.is_multiple_of(4) && len <= STUN_MAX => (20 + len, 20 + len),
        0x40..0x50 => (4 + len, 4 + len.next_multiple_of(4)),
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    Ok((bytes.len() >= padded).then_some((len, padded)))
}

/// What a message looks like in a connection: channel data is padded to four bytes.
pub(crate) fn framed(mut message: Vec<u8>) -> Vec<u8> {
    message.resize(message.len().next_multiple_of(4), 0);
    message
}

async fn tls(pin: Option<Pin>) -> io::Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let for_verifier = Arc::clone(&provider);
    let verifier: Arc<dyn ServerCertVerifier> = match pin {
        Some(pin) => Arc::new(Pinned {
            pin,
            provider: for_verifier,
        }),
        // Reading the roots of a system means reading a hundred files.
        None => tokio::task::spawn_blocking(move || {
            rustls_platform_verifier::Verifier::new(for_verifier)
        })
        .await?
        .map(Arc::new)
        .map_err(io::Error::other)?,
    };
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    // A resumed session tells the relay which two links are one device's.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Takes one certificate and no other, whatever it says.
#[derive(Debug)]
struct Pinned {
    pin: Pin,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.pin.matches(end_entity) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stun(len: u8) -> Vec<u8> {
        let mut message = vec![0x01, 0x13, 0, len];
        message.resize(20 + usize::from(len), 7);
        message
    }

    fn channel(len: u8) -> Vec<u8> {
        let mut message = vec![0x40, 0x01, 0, len];
        message.resize(4 + usize::from(len), 8);
        message
    }

    #[test]
    fn what_is_no_message_ends_the_connection() {
        for bad in [
            [0x50, 0, 0, 0],
            [0x01, 0x13, 0, 3],
            [0x01, 0x13, 0xff, 0xfc],
        ] {
            assert!(message(&bad).is_err(), "{bad:?}");
        }
        assert!(matches!(message(&[0x40, 1, 0]), Ok(None)));
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in_however_they_are_cut(
            kinds in prop::collection::vec((any::<bool>(), 0u8..60), 1..20),
            cuts in prop::collection::vec(1usize..40, 1..60),
        ) {
            let messages: Vec<Vec<u8>> = kinds
                .iter()
                .map(|(is_stun, len)| if *is_stun { stun(len / 4 * 4) } else { channel(*len) })
                .collect();
            let wire: Vec<u8> = messages.iter().cloned().flat_map(framed).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let mut read = Vec::new();
            runtime.block_on(async {
                let (ours, mut theirs) = tokio::io::duplex(64);
                let (_keep, mut outgoing) = mpsc::channel(1);
                let send = async {
                    let mut rest = wire.as_slice();
                    for cut in cuts.iter().cycle() {
                        let (now, later) = rest.split_at((*cut).min(rest.len()));
                        theirs.write_all(now).await.expect("a pipe");
                        rest = later;
                        if rest.is_empty() {
                            break;
                        }
                    }
                    drop(theirs);
                };
                let receive = pump(ours, &mut outgoing, |message| read.push(message.to_vec()));
                let _ = tokio::join!(send, receive);
            });
            prop_assert_eq!(read, messages);
        }
    }
}

//! QUIC for one link: one endpoint, one connection, one peer at a made-up address.
//!
//! QUIC brings streams, loss recovery and congestion control. It does not say who
//! the peer is: each connection has a throw-away certificate that nobody checks.
//! What ties the connection to a person is [`binding`], the TLS exporter, which the
//! Noise handshake above takes into its prologue: a man in the middle ends up with
//! two different exporters and Noise fails. Spec: docs/protocol/3-links.md §1, §5; RFC 9000.

mod congestion;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use quinn::congestion::CubicConfig;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{
    AsyncUdpSocket, ClientConfig, Connection, ConnectionError, Endpoint, EndpointConfig,
    IdleTimeout, ServerConfig, TokioRuntime, TransportConfig, VarInt,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use self::congestion::FreshCubicConfig;
pub(crate) use self::congestion::PathMoves;
use super::mask::{DATAGRAM_LEN, LOCAL_DATAGRAM_LEN, quic_max};

/// The peer's address as QUIC sees it, whatever path its datagrams take
/// (RFC 5737: an address that no network carries).
pub(crate) const VIRTUAL_PEER: SocketAddr =
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 1));
/// Our own address as QUIC sees it.
pub(crate) const VIRTUAL_SELF: SocketAddr =
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 1));

/// The same for every link, so that it says nothing.
const SERVER_NAME: &str = "link.invalid";
const ALPN: &[u8] = b"solo2";
/// RFC 9266: the TLS 1.3 channel binding.
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// Bytes that may be on their way to a reader of one stream.
const STREAM_WINDOW: u32 = 6 * 1024 * 1024;
/// Room for every file that may be fetched at a time, and for frames beside them: files
/// whose disk is slow must not hold up a text.
const CONNECTION_WINDOW: u32 = 5 * STREAM_WINDOW;
/// Bytes that are kept until the peer has acknowledged them.
const SEND_WINDOW: u64 = 8 * 1024 * 1024;
/// The link's own stream, and files.
const STREAMS: u32 = 16;
/// Longer than any gap between heartbeats, which are frames of the layer above.
const IDLE_TIMEOUT_MS: u32 = 120_000;
/// The first guess of the round trip; QUIC measures it with the first answer.
const INITIAL_RTT: Duration = Duration::from_millis(200);

/// Why QUIC could not be set up, before any packet was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// No certificate could be made.
    #[error("cannot make a certificate for the connection")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused our parameters.
    #[error("cannot configure TLS")]
    Tls(#[from] rustls::Error),
    /// The runtime refused the endpoint.
    #[error("cannot start the QUIC endpoint")]
    Endpoint(#[from] std::io::Error),
    /// The TLS library refused our cipher suites for QUIC.
    #[error("TLS offers no cipher suite for QUIC")]
    CipherSuite,
}

/// One end of a connection that is still to be made.
pub(crate) struct Setup {
    pub(crate) endpoint: Endpoint,
    side: Side,
    moves: PathMoves,
}

enum Side {
    Calls(ClientConfig),
    Answers(ServerConfig),
}

/// An end that answers: it accepts a connection.
pub(crate) fn server(
    socket: Arc<dyn AsyncUdpSocket>,
    moves: &PathMoves,
) -> Result<Setup, SetupError> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
    let certificate =
        rcgen::CertificateParams::new(vec![SERVER_NAME.to_owned()])?.self_signed(&key)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certificate)], private)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    // A resumed connection would skip what the exporter is bound to.
    tls.send_tls13_tickets = 0;
    let tls = QuicServerConfig::try_from(tls).map_err(|_| SetupError::CipherSuite)?;

    let mut config = ServerConfig::with_crypto(Arc::new(tls));
    config
        .migration(false)
        .max_incoming(2)
        .incoming_buffer_size(64 * 1024)
        .incoming_buffer_size_total(128 * 1024);
    Ok(Setup {
        endpoint: endpoint(socket, Some(config.clone()))?,
        side: Side::Answers(config),
        moves: moves.clone(),
    })
}

/// An end that calls.
pub(crate) fn client(
    socket: Arc<dyn AsyncUdpSocket>,
    moves: &PathMoves,
) -> Result<Setup, SetupError> {
    let mut tls = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(danger::AnyCertificate::new(provider())))
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.resumption = rustls::client::Resumption::disabled();
    let tls = QuicClientConfig::try_from(tls).map_err(|_| SetupError::CipherSuite)?;

    Ok(Setup {
        endpoint: endpoint(socket, None)?,
        side: Side::Calls(ClientConfig::new(Arc::new(tls))),
        moves: moves.clone(),
    })
}

impl Setup {
    /// Makes the one connection, over datagrams of `datagram_len` bytes.
    pub(crate) async fn connection(
        &self,
        datagram_len: usize,
    ) -> Result<Connection, ConnectionError> {
        let transport = Arc::new(transport(&self.moves, mtu(datagram_len)));
        match &self.side {
            Side::Calls(config) => {
                let mut config = config.clone();
                config.transport_config(transport);
                self.endpoint
                    .connect_with(config, VIRTUAL_PEER, SERVER_NAME)
                    .map_err(|_| ConnectionError::LocallyClosed)?
                    .await
            }
            Side::Answers(config) => {
                let mut config = config.clone();
                config.transport_config(transport);
                let incoming = self
                    .endpoint
                    .accept()
                    .await
                    .ok_or(ConnectionError::LocallyClosed)?;
                let connection = incoming.accept_with(Arc::new(config))?.await?;
                // One link, one connection.
                self.endpoint.set_server_config(None);
                Ok(connection)
            }
        }
    }
}

/// `TLS-Exporter("EXPORTER-Channel-Binding", "", 32)` (RFC 9266): equal on both ends of one
/// connection, and on no other. `None` before the handshake is complete.
pub(crate) fn binding(connection: &Connection) -> Option<[u8; 32]> {
    let mut binding = [0; 32];
    connection
        .export_keying_material(&mut binding, EXPORTER_LABEL, b"")
        .ok()?;
    Some(binding)
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn endpoint(
    socket: Arc<dyn AsyncUdpSocket>,
    server: Option<ServerConfig>,
) -> Result<Endpoint, SetupError> {
    let mut config = EndpointConfig::default();
    config
        .max_udp_payload_size(mtu(LOCAL_DATAGRAM_LEN))
        .expect("the size is within RFC 9000's bounds")
        // The mask tells noise from QUIC by the fixed bit.
        .grease_quic_bit(false);
    Ok(Endpoint::new_with_abstract_socket(
        config,
        server,
        socket,
        Arc::new(TokioRuntime),
    )?)
}

fn mtu(datagram_len: usize) -> u16 {
    u16::try_from(quic_max(datagram_len)).expect("a datagram's length fits 16 bits")
}

fn transport(moves: &PathMoves, mtu: u16) -> TransportConfig {
    let mut cubic = CubicConfig::default();
    // RFC 9002 §7.2.
    let datagram = u64::from(mtu);
    cubic.initial_window((10 * datagram).min(14_720.max(2 * datagram)));
    let mut transport = TransportConfig::default();
    transport
        // One datagram size on the wire: nothing to discover. A path that stops taking
        // large ones is noticed all the same.
        .initial_mtu(mtu)
        .min_mtu(self::mtu(DATAGRAM_LEN))
        .mtu_discovery_config(None)
        .initial_rtt(INITIAL_RTT)
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_TIMEOUT_MS))))
        .keep_alive_interval(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(SEND_WINDOW)
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .allow_spin(false)
        .congestion_controller_factory(Arc::new(FreshCubicConfig {
            moves: moves.clone(),
            // BBR collapses on fast links with this stack.
            cubic: Arc::new(cubic),
        }));
    transport
}

/// What would be wrong anywhere else.
mod danger {
    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    /// Accepts every certificate, because none of them names anybody: the peer is
    /// authenticated by Noise, whose prologue contains this connection's exporter.
    /// The handshake signature is still checked, so the other end holds the key of
    /// the certificate it showed.
    #[derive(Debug)]
    pub(super) struct AnyCertificate(Arc<CryptoProvider>);

    impl AnyCertificate {
        pub(super) fn new(provider: Arc<CryptoProvider>) -> Self {
            Self(provider)
        }
    }

    impl ServerCertVerifier for AnyCertificate {
        fn verify_server_cert(
            &self,
            _end_entity: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _server_name: &ServerName<'_>,
            _ocsp_response: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(
                message,
                cert,
                dss,
                &self.0.signature_verification_algorithms,
            )
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(
                message,
                cert,
                dss,
                &self.0.signature_verification_algorithms,
            )
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}

//! DTLS, SCTP inside it, and one stream inside that: a data channel without I/O.
//!
//! Hand in datagrams and the time, send what [`Engine::poll_transmit`] gives, and call
//! [`Engine::handle_timeout`] when [`Engine::poll_timeout`] is reached. Between two ends of
//! ours the channel is stream 0, reliable and ordered, agreed on beforehand
//! (`negotiated: true, id: 0`), so nothing is said about it on the wire.
//!
//! ```text
//!   Shaking ──DTLS, certificate as announced──► Joining ──SCTP──► Open ──► Closed
//!      │ another certificate, no handshake                                   ▲
//!      └─────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! RFC 6347 with RFC 7627; RFC 8261; RFC 9260; RFC 8831 §6.4; RFC 8122 §5 (fingerprints).

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::crypto_provider::RTCCryptoProvider;
use rtc_dtls::endpoint::{Endpoint as Dtls, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_sctp::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint as Sctp, EndpointConfig,
    Event, Payload, PayloadProtocolIdentifier, ServerConfig, StreamEvent, TimerConfig,
    TransportConfig,
};
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error;
use sha2::{Digest as _, Sha256};

/// The peer as DTLS and SCTP see it, whatever path its datagrams take (RFC 5737).
const PEER: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 5000));
const OURSELVES: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 5000));

/// What browsers offer, in their order.
const SRTP: [SrtpProtectionProfile; 3] = [
    SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
    SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
    SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
];

/// The only stream.
const CHANNEL: u16 = 0;
/// Bytes of one message at most; every browser takes as many.
pub(super) const MESSAGE_MAX: usize = 16 * 1024;
/// Bytes that wait for the peer's acknowledgement before no more are taken.
const SEND_WINDOW: usize = 2 * 1024 * 1024;
/// Bytes that wait here to be read before the peer has to stop.
const RECEIVE_WINDOW: u32 = 2 * 1024 * 1024;
/// A peer's message is not longer; SCTP by itself would collect one without an end.
const MESSAGE_LIMIT: usize = 256 * 1024;
/// Data that may come in before a message of it is whole: a window with holes in it, and
/// the longest message.
const UNREADABLE_MAX: usize = RECEIVE_WINDOW as usize + 2 * MESSAGE_LIMIT;
/// The same for every link, so that it says nothing.
const SUBJECT: &str = "link.invalid";
const EXPORTER_LABEL: &str = "EXPORTER-Channel-Binding";

/// Why there is no channel, or no longer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChannelError {
    /// No certificate could be made, or the libraries refused our parameters.
    #[error("cannot set up DTLS")]
    Setup,
    /// The peer did not complete the handshake.
    #[error("the DTLS handshake failed")]
    Handshake,
    /// Who answers holds another certificate than the peer announced.
    #[error("the other end's certificate is not the one that the peer announced")]
    Fingerprint,
    /// What the peer sent is no data channel of ours.
    #[error("the peer does not keep to one data channel")]
    Protocol,
    /// The peer closed it, or it was closed here.
    #[error("the data channel was closed")]
    Closed,
}

/// SHA-256 over a certificate (RFC 8122 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(pub(crate) [u8; 32]);

impl Fingerprint {
    fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

/// A certificate for one link, and its key.
pub(crate) struct Certified {
    certificate: Certificate,
    provider: Arc<dyn RTCCryptoProvider>,
    fingerprint: Fingerprint,
}

impl Certified {
    /// A new one, ECDSA over P-256.
    pub(crate) fn new() -> Result<Self, ChannelError> {
        let provider =
            rtc_dtls::crypto_provider::default_provider().map_err(|_| ChannelError::Setup)?;
        let certificate =
            Certificate::generate_self_signed(vec![SUBJECT.to_owned()], provider.crypto())
                .map_err(|_| ChannelError::Setup)?;
        let der = certificate.certificate.first().ok_or(ChannelError::Setup)?;
        Ok(Self {
            fingerprint: Fingerprint::of(der),
            certificate,
            provider,
        })
    }

    /// What the peer is told of it.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// What comes out of a channel.
pub(crate) enum Message {
    Bytes(BytesMut),
    /// The peer has nothing more to say: an empty message, of which our peers send no other.
    End,
    /// The peer has read our end, and so all before it: an empty text.
    Read,
}

/// Which end begins: RFC 8842 §5.3 lets the side that answers an offer be active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// DTLS client, opens the SCTP association.
    Active,
    /// Waits for both.
    Passive,
}

enum Stage {
    Shaking,
    /// DTLS is done; its exporter (RFC 5705).
    Joining([u8; 32]),
    Open([u8; 32]),
    Closed(ChannelError),
}

/// One end of a data channel.
pub(crate) struct Engine {
    side: Side,
    theirs: Fingerprint,
    dtls: Dtls,
    sctp: Sctp,
    association: Option<(AssociationHandle, Association)>,
    stage: Stage,
    /// Bytes that have come in since a message was whole.
    unreadable: usize,
}

impl Engine {
    /// An end that takes for its peer whoever holds the certificate of `theirs`.
    pub(crate) fn new(
        certified: Certified,
        side: Side,
        theirs: Fingerprint,
        now: Instant,
    ) -> Result<Self, ChannelError> {
        // Whose certificate it is, is decided by its fingerprint; DTLS checks that the peer
        // holds its key.
        let config = ConfigBuilder::default()
            .with_crypto_provider(certified.provider)
            .with_certificates(vec![certified.certificate])
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_insecure_skip_verify(true)
            // Browsers always ask for keys for SRTP (RFC 5764 §4.1), and so do we, to look
            // like one. No media follow, nobody uses them.
            .with_srtp_protection_profiles(SRTP.to_vec())
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .build(side == Side::Active, None)
            .map_err(|_| ChannelError::Setup)?;
        let config = Arc::new(config);
        let server = (side == Side::Passive).then(|| config.clone());
        let mut dtls = Dtls::new(OURSELVES, TransportProtocol::UDP, server);
        if side == Side::Active {
            dtls.connect(now, PEER, config, None)
                .map_err(|_| ChannelError::Setup)?;
        }
        let server = (side == Side::Passive).then(|| Arc::new(ServerConfig::new(transport())));
        let sctp = Sctp::new(
            OURSELVES,
            TransportProtocol::UDP,
            Arc::new(EndpointConfig::new()),
            server,
        );
        Ok(Self {
            side,
            theirs,
            dtls,
            sctp,
            association: None,
            stage: Stage::Shaking,
            unreadable: 0,
        })
    }

    /// The exporter of this DTLS session once the channel is open: equal on both ends, and
    /// on no other session.
    pub(crate) fn exporter(&self) -> Option<[u8; 32]> {
        match self.stage {
            Stage::Open(exporter) => Some(exporter),
            _ => None,
        }
    }

    /// Why nothing will come any more.
    pub(crate) fn ended(&self) -> Option<ChannelError> {
        match self.stage {
            Stage::Closed(error) => Some(error),
            _ => None,
        }
    }

    /// Takes a datagram of the peer's.
    pub(crate) fn handle(&mut self, now: Instant, datagram: &[u8]) {
        let events = match self.dtls.read(now, PEER, None, BytesMut::from(datagram)) {
            Ok(events) => events,
            Err(Error::ErrAlertFatalOrClose) => {
                let shaking = matches!(self.stage, Stage::Shaking);
                return self.end(if shaking {
                    ChannelError::Handshake
                } else {
                    ChannelError::Closed
                });
            }
            // Noise, or somebody's forgery: nothing happened.
            Err(error) => return tracing::debug!("a datagram was no DTLS: {error}"),
        };
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => self.shaken(now),
                EndpointEvent::ApplicationData(packet) => self.take(now, packet.freeze()),
                EndpointEvent::PeerClosed => self.end(ChannelError::Closed),
                _ => {}
            }
        }
    }

    /// DTLS is done: with whom, and what is it bound to?
    fn shaken(&mut self, now: Instant) {
        let Some(state) = self.dtls.get_connection_state(PEER) else {
            return self.end(ChannelError::Handshake);
        };
        let shown = state.peer_certificates.first();
        if shown.map(|certificate| Fingerprint::of(certificate)) != Some(self.theirs) {
            return self.end(ChannelError::Fingerprint);
        }
        let exported = state.export_keying_material(EXPORTER_LABEL, b"", 32).ok();
        let exporter = exported.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_ref()).ok());
        let Some(exporter) = exporter else {
            return self.end(ChannelError::Handshake);
        };
        self.stage = Stage::Joining(exporter);
        if self.side == Side::Active {
            match self.sctp.connect(now, ClientConfig::new(transport()), PEER) {
                Ok(association) => self.association = Some(association),
                Err(_) => self.end(ChannelError::Setup),
            }
        }
    }

    /// Takes an SCTP packet.
    fn take(&mut self, now: Instant, packet: Bytes) {
        if matches!(self.stage, Stage::Shaking | Stage::Closed(_)) {
            return;
        }
        let len = packet.len();
        match self.sctp.handle(now, PEER, None, packet) {
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                // One channel, one association.
                self.sctp.reject_new_associations();
                self.association = Some((handle, association));
            }
            Some((handle, DatagramEvent::AssociationEvent(event))) => {
                if let Some((ours, association)) = &mut self.association
                    && *ours == handle
                {
                    association.handle_event(event);
                }
            }
            _ => {}
        }
        self.look(len);
    }

    /// What became of the association; `len` bytes have just come in.
    fn look(&mut self, len: usize) {
        let mut end = None;
        if let Some((handle, association)) = &mut self.association {
            let mut data = false;
            while let Some(event) = association.poll() {
                match event {
                    Event::Connected => {
                        // The peer's first message may have come with the last of the setup.
                        let opened = association.stream(CHANNEL).is_ok()
                            || association
                                .open_stream(CHANNEL, PayloadProtocolIdentifier::Binary)
                                .is_ok();
                        match self.stage {
                            Stage::Joining(exporter) if opened => {
                                self.stage = Stage::Open(exporter);
                            }
                            _ => end = Some(ChannelError::Protocol),
                        }
                    }
                    Event::HandshakeFailed { .. } | Event::AssociationLost { .. } => {
                        end = Some(ChannelError::Closed);
                    }
                    Event::Stream(StreamEvent::Opened { id }) if id != CHANNEL => {
                        end = Some(ChannelError::Protocol);
                    }
                    Event::DatagramReceived => data = true,
                    _ => {}
                }
            }
            while let Some(event) = association.poll_endpoint_event() {
                self.sctp.handle_event(*handle, event);
            }
            self.unreadable += if data { len } else { 0 };
            if self.unreadable > UNREADABLE_MAX {
                end = Some(ChannelError::Protocol);
            }
        }
        if let Some(error) = end {
            self.end(error);
        }
    }

    fn end(&mut self, error: ChannelError) {
        if !matches!(self.stage, Stage::Closed(_)) {
            self.stage = Stage::Closed(error);
            self.association = None;
        }
    }

    /// The next datagram to send. Ask after every other call, until there is none.
    pub(crate) fn poll_transmit(&mut self, now: Instant) -> Option<BytesMut> {
        if let Some(record) = self.dtls.poll_transmit() {
            return Some(record.message);
        }
        let (_, association) = self.association.as_mut()?;
        if let Payload::RawEncode(packets) = association.poll_transmit(now)?.message {
            for packet in packets {
                // A session that has ended takes none; SCTP notices.
                let _ = self.dtls.write(now, PEER, &packet);
            }
        }
        self.dtls.poll_transmit().map(|record| record.message)
    }

    /// When [`Self::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let association = self.association.as_ref();
        let sctp = association.and_then(|(_, association)| association.poll_timeout());
        [self.dtls.poll_timeout(&PEER), sctp]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let shook = self.dtls.handle_timeout(PEER, now);
        if shook.is_err() && self.dtls.get_connection_state(PEER).is_some() {
            self.end(ChannelError::Handshake);
        }
        if let Some((_, association)) = &mut self.association {
            association.handle_timeout(now);
        }
        self.look(0);
    }

    /// The path is another one or is back: what waits for an answer is sent again now, and
    /// not when a timer that has grown with the outage says so.
    pub(crate) fn hurry(&mut self, now: Instant) {
        if let Some((_, association)) = &mut self.association
            && let Some(due) = association.poll_timeout()
        {
            association.handle_timeout(due.max(now));
        }
        self.look(0);
    }

    /// Whether [`Self::write`] may be called.
    pub(crate) fn has_room(&mut self) -> bool {
        self.waiting().is_some_and(|waiting| waiting < SEND_WINDOW)
    }

    /// Bytes that the peer has not acknowledged; none when the channel is not open.
    pub(crate) fn waiting(&mut self) -> Option<usize> {
        self.exporter()?;
        let (_, association) = self.association.as_mut()?;
        association.stream(CHANNEL).ok()?.buffered_amount().ok()
    }

    /// Sends a message of at most [`MESSAGE_MAX`] bytes, and not of none.
    pub(crate) fn write(&mut self, now: Instant, message: &Bytes) {
        self.say(now, message, PayloadProtocolIdentifier::Binary);
    }

    /// Says that no message will follow; those before it still arrive.
    pub(crate) fn finish(&mut self, now: Instant) {
        // SCTP carries no empty message, so one byte stands for it (RFC 8831 §6.6).
        let nothing = Bytes::from_static(&[0]);
        self.say(now, &nothing, PayloadProtocolIdentifier::BinaryEmpty);
    }

    /// Says that the peer's end was read, and all before it.
    pub(crate) fn confirm(&mut self, now: Instant) {
        let nothing = Bytes::from_static(&[0]);
        self.say(now, &nothing, PayloadProtocolIdentifier::StringEmpty);
    }

    fn say(&mut self, now: Instant, message: &Bytes, kind: PayloadProtocolIdentifier) {
        let Some((_, association)) = &mut self.association else {
            return;
        };
        let written = association
            .stream(CHANNEL)
            .and_then(|mut it| it.write_sctp(now, message, kind));
        if written.is_err() {
            self.end(ChannelError::Closed);
        }
    }

    /// The next message, if it is there in whole. What is not read makes the peer stop.
    pub(crate) fn read(&mut self) -> Option<Message> {
        self.exporter()?;
        let (_, association) = self.association.as_mut()?;
        let read = association
            .stream(CHANNEL)
            .and_then(|mut it| it.read_sctp());
        let message = match read {
            Ok(Some(message)) => message,
            Ok(None) => return None,
            Err(_) => {
                self.end(ChannelError::Closed);
                return None;
            }
        };
        self.unreadable = 0;
        let bytes = message.to_payload(MESSAGE_LIMIT);
        match (message.ppi, bytes) {
            (PayloadProtocolIdentifier::Binary, Ok(bytes)) => Some(Message::Bytes(bytes)),
            (PayloadProtocolIdentifier::BinaryEmpty, _) => Some(Message::End),
            (PayloadProtocolIdentifier::StringEmpty, _) => Some(Message::Read),
            _ => {
                self.end(ChannelError::Protocol);
                None
            }
        }
    }

    /// Tells the peer that nothing more will come; [`Self::poll_transmit`] has the words.
    pub(crate) fn close(&mut self, now: Instant) {
        if let Some((_, association)) = &mut self.association {
            // Closed already is as good.
            let _ = association.abort();
            while let Some(packet) = association.poll_transmit(now) {
                if let Payload::RawEncode(packets) = packet.message {
                    for packet in packets {
                        let _ = self.dtls.write(now, PEER, &packet);
                    }
                }
            }
        }
        let _ = self.dtls.stop(now, PEER);
        self.end(ChannelError::Closed);
    }
}

fn transport() -> TransportConfig {
    TransportConfig::default()
        .with_max_receive_buffer_size(RECEIVE_WINDOW)
        .with_max_message_size(MESSAGE_LIMIT as u32)
        .with_max_num_inbound_streams(1)
        .with_max_num_outbound_streams(1)
        .with_timer_config(TimerConfig {
            // Whether there is a path is for ICE to say.
            max_t3_rtx_retrans: usize::MAX,
            ..TimerConfig::default()
        })
}

#[cfg(test)]
mod tests;

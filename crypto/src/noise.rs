//! Noise sessions: the keys of one link, fresh each time.
//!
//! ```text
//! contacts, Noise_IKpsk2_25519_ChaChaPoly_SHA256
//!   IkInitiator::start ──96 B──► IkResponder::read ─ remote()
//!   AwaitIkReply ◄──────48 B──── IkResponder::reply ──► Transport
//!        └─finish──► Transport
//!
//! pairing, Noise_XXpsk0_25519_ChaChaPoly_SHA256
//!   XxInitiator::start ──48 B──► XxResponder::start
//!   AwaitXx ◄─────── payload 2 ──────┘
//!      └─read──► XxReply ── payload 3 ──► AwaitXxFinal::finish ──► Transport
//!                  └─finish──► Transport
//! ```
//!
//! A step consumes its state: after an error nothing of the handshake remains.
//! IK's first message can be replayed, so it carries no payload; a peer is known
//! to be alive when its first transport message opens. Framing, padding and the
//! clock of renewals are the link's business.
//!
//! snow wipes nothing. This module keeps its states short-lived, and its own
//! copies of keys in types that are wiped; see [`resolver`].
//! Spec: docs/protocol/3-links.md §1; Noise Protocol Framework, revision 34.

pub mod resolver;
mod transport;

use rand_core::CryptoRng;
use snow::{Builder, HandshakeState};

use self::resolver::Resolver;
pub use self::transport::{MAX_MESSAGE, TRANSPORT_OVERHEAD, Transport, TransportError};
use crate::kdf;
use crate::label;
use crate::secret::Secret;

/// Length of IK's first message: an ephemeral key, a sealed static key, a tag.
pub const IK_FIRST_LEN: usize = 96;
/// Length of IK's reply: an ephemeral key and a tag.
pub const IK_REPLY_LEN: usize = 48;
/// Length of XX's first message: an ephemeral key and a tag.
pub const XX_FIRST_LEN: usize = 48;

const IK: &str = "Noise_IKpsk2_25519_ChaChaPoly_SHA256";
const IK_PSK: u8 = 2;
const XX: &str = "Noise_XXpsk0_25519_ChaChaPoly_SHA256";
const XX_PSK: u8 = 0;
/// More than any handshake message has besides its payload: two keys, two tags.
const HANDSHAKE_OVERHEAD: usize = 96;

/// Why a handshake ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The peer's message is not one, or is from another peer, psk or prologue: all alike.
    #[error("handshake message refused")]
    Refused,
    /// The remote key we were told to use is a point of small order.
    #[error("remote key is unusable")]
    RemoteKey,
    /// Our own payload does not fit into one Noise message.
    #[error("handshake payload of {0} bytes is too long")]
    TooLong(usize),
}

/// What a handshake is for. Part of the prologue, so that none passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A session between contacts.
    Contact,
    /// Two strangers becoming contacts.
    Pairing,
    /// A session of a contact renewed inside the one before.
    Renewal,
}

/// What carries a link. Part of the prologue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// QUIC, direct or relayed; bound to by its 32-byte exporter.
    Quic,
    /// A WebRTC data channel; bound to by its [`channel_binding`].
    WebRtc,
    /// An onion stream; bound to by the service's address.
    Onion,
    /// The session before, for [`Purpose::Renewal`]; bound to by its handshake hash.
    Session,
}

/// `"solo2/noise/v1" || purpose 1 || carrier 1 || binding`: both sides must hand in the same.
#[must_use]
pub fn prologue(purpose: Purpose, carrier: Carrier, binding: &[u8]) -> Vec<u8> {
    let purpose = match purpose {
        Purpose::Contact => 1,
        Purpose::Pairing => 2,
        Purpose::Renewal => 3,
    };
    let carrier = match carrier {
        Carrier::Quic => 1,
        Carrier::WebRtc => 2,
        Carrier::Onion => 3,
        Carrier::Session => 4,
    };
    [label::NOISE_PROLOGUE, &[purpose, carrier], binding].concat()
}

/// What a session over a WebRTC data channel is bound to:
/// `SHA-256("solo2/noise/webrtc/v1" || exporter || controlling fingerprint || controlled fingerprint)`.
///
/// The exporter is that of the DTLS session (RFC 5705, RFC 7627); the fingerprints are SHA-256
/// over the certificates of both ends, by their roles in ICE.
#[must_use]
pub fn channel_binding(
    exporter: &[u8; 32],
    controlling: &[u8; 32],
    controlled: &[u8; 32],
) -> [u8; 32] {
    kdf::sha256(&[label::NOISE_CHANNEL, exporter, controlling, controlled])
}

/// `psk' = HKDF(psk, handshake hash || both sides' random bytes, initiator's first)`.
///
/// `mine` and `theirs` are the 32 random bytes of each side's first transport message.
#[must_use]
pub fn next_psk(
    psk: &Secret<32>,
    handshake_hash: &[u8; 32],
    mine: &[u8; 32],
    theirs: &[u8; 32],
    initiator: bool,
) -> Secret<32> {
    let (first, second) = if initiator {
        (mine, theirs)
    } else {
        (theirs, mine)
    };
    let input = zeroize::Zeroizing::new([*handshake_hash, *first, *second]);
    kdf::hkdf(psk.expose(), input.as_flattened(), &[label::NEXT_PSK])
}

/// The contact who opens a link.
pub struct IkInitiator;

impl IkInitiator {
    /// Writes the first message to a device whose key is known.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::RemoteKey`] when that key is a point of small order.
    pub fn start<R: CryptoRng>(
        local: &Secret<32>,
        remote: &[u8; 32],
        prologue: &[u8],
        rng: &mut R,
    ) -> Result<(AwaitIkReply, Vec<u8>), HandshakeError> {
        let mut state = builder(IK, local, prologue, rng)
            .remote_public_key(remote)
            .and_then(Builder::build_initiator)
            .map_err(|_| HandshakeError::RemoteKey)?;
        let message = write(&mut state, &[]).map_err(|_| HandshakeError::RemoteKey)?;
        Ok((AwaitIkReply { state }, message))
    }
}

/// An initiator that has sent its first message.
pub struct AwaitIkReply {
    state: HandshakeState,
}

impl AwaitIkReply {
    /// Reads the reply under the pair's psk.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Refused`]: the reply is not from that device under that psk.
    pub fn finish(self, reply: &[u8], psk: &Secret<32>) -> Result<Transport, HandshakeError> {
        self.finish_any(reply, &[psk])
            .map(|(transport, _)| transport)
    }

    /// Reads the reply under the first of several psks that fits; says which.
    ///
    /// A pair's psk moves on after each handshake, and one side may have missed it.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Refused`] when none fits.
    pub fn finish_any(
        mut self,
        reply: &[u8],
        psks: &[&Secret<32>],
    ) -> Result<(Transport, usize), HandshakeError> {
        for (place, psk) in psks.iter().enumerate() {
            set_psk(&mut self.state, IK_PSK, psk);
            // snow restores its transcript when a message fails to open.
            if read(&mut self.state, reply).is_ok() {
                return Ok((Transport::new(self.state)?, place));
            }
        }
        Err(HandshakeError::Refused)
    }
}

/// The contact whom a link reaches: has read a first message, has not answered it.
pub struct IkResponder {
    state: HandshakeState,
    remote: [u8; 32],
}

impl IkResponder {
    /// Reads a first message. It may be a replay: believe nothing until a transport message opens.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Refused`] when it was not made for this key and prologue.
    pub fn read<R: CryptoRng>(
        local: &Secret<32>,
        prologue: &[u8],
        message: &[u8],
        rng: &mut R,
    ) -> Result<Self, HandshakeError> {
        let mut state = builder(IK, local, prologue, rng)
            .build_responder()
            .map_err(|_| HandshakeError::Refused)?;
        read(&mut state, message)?;
        let remote = remote(&state)?;
        Ok(Self { state, remote })
    }

    /// The device that claims to call. Look its psk up by this.
    #[must_use]
    pub fn remote(&self) -> [u8; 32] {
        self.remote
    }

    /// Answers under the pair's psk.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Refused`] when the caller's keys are unusable.
    pub fn reply(mut self, psk: &Secret<32>) -> Result<(Transport, Vec<u8>), HandshakeError> {
        set_psk(&mut self.state, IK_PSK, psk);
        let message = write(&mut self.state, &[])?;
        Ok((Transport::new(self.state)?, message))
    }
}

/// The stranger who opens a pairing.
pub struct XxInitiator;

impl XxInitiator {
    /// Writes the first message; `psk` is the invite's key, or zeros for a pairing code.
    pub fn start<R: CryptoRng>(
        local: &Secret<32>,
        psk: &Secret<32>,
        prologue: &[u8],
        rng: &mut R,
    ) -> (AwaitXx, Vec<u8>) {
        let mut state = builder(XX, local, prologue, rng)
            .psk(XX_PSK, psk.expose())
            .and_then(Builder::build_initiator)
            .expect("XX needs a local key and a psk");
        let message =
            write(&mut state, &[]).expect("nothing of the peer's is in XX's first message");
        (AwaitXx { state }, message)
    }
}

/// An initiator that has sent its first message.
pub struct AwaitXx {
    state: HandshakeState,
}

impl AwaitXx {
    /// Reads the second message; the answer's payload may depend on what it says.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Refused`]: another psk, another prologue, or no such message.
    pub fn read(mut self, message: &[u8]) -> Result<XxReply, HandshakeError> {
        let payload = read(&mut self.state, message)?;
        let remote = remote(&self.state)?;
        Ok(XxReply {
            state: self.state,
            remote,
            payload,
        })
    }

    /// Reads the second message and writes the third at once: transport, message 3, remote key, payload 2.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`], as of [`read`](Self::read) and [`XxReply::finish`].
    #[expect(
        clippy::type_complexity,
        reason = "four things end here, each with its own type"
    )]
    pub fn finish(
        self,
        message: &[u8],
        payload: &[u8],
    ) -> Result<(Transport, Vec<u8>, [u8; 32], Vec<u8>), HandshakeError> {
        let reply = self.read(message)?;
        let (remote, theirs) = (reply.remote, reply.payload.clone());
        let (transport, message) = reply.finish(payload)?;
        Ok((transport, message, remote, theirs))
    }
}

/// An initiator that has read the second message and not answered it.
pub struct XxReply {
    state: HandshakeState,
    remote: [u8; 32],
    payload: Vec<u8>,
}

impl XxReply {
    /// The responder's device key, proven.
    #[must_use]
    pub fn remote(&self) -> [u8; 32] {
        self.remote
    }

    /// What the responder sent along.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Writes the third message.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::TooLong`] when the payload does not fit.
    pub fn finish(mut self, payload: &[u8]) -> Result<(Transport, Vec<u8>), HandshakeError> {
        let message = write(&mut self.state, payload)?;
        Ok((Transport::new(self.state)?, message))
    }
}

/// The stranger whom a pairing reaches.
pub struct XxResponder;

impl XxResponder {
    /// Reads the first message and writes the second, with `payload` for whoever completes the handshake.
    ///
    /// The payload is sealed to the psk and the caller's ephemeral key, whose owner is not known yet.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`] when the message was not made under this psk and
    /// prologue, or the payload does not fit.
    pub fn start<R: CryptoRng>(
        local: &Secret<32>,
        psk: &Secret<32>,
        prologue: &[u8],
        message: &[u8],
        payload: &[u8],
        rng: &mut R,
    ) -> Result<(AwaitXxFinal, Vec<u8>), HandshakeError> {
        let mut state = builder(XX, local, prologue, rng)
            .psk(XX_PSK, psk.expose())
            .and_then(Builder::build_responder)
            .map_err(|_| HandshakeError::Refused)?;
        read(&mut state, message)?;
        let reply = write(&mut state, payload)?;
        Ok((AwaitXxFinal { state }, reply))
    }
}

/// A responder that has sent the second message.
pub struct AwaitXxFinal {
    state: HandshakeState,
}

impl AwaitXxFinal {
    /// Reads the third message: transport, the initiator's proven device key, its payload.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Refused`] when it does not continue this handshake.
    pub fn finish(
        mut self,
        message: &[u8],
    ) -> Result<(Transport, [u8; 32], Vec<u8>), HandshakeError> {
        let payload = read(&mut self.state, message)?;
        let remote = remote(&self.state)?;
        Ok((Transport::new(self.state)?, remote, payload))
    }
}

fn builder<'a, R: CryptoRng>(
    pattern: &str,
    local: &'a Secret<32>,
    prologue: &'a [u8],
    rng: &mut R,
) -> Builder<'a> {
    let params = pattern.parse().expect("a pattern that snow knows");
    let resolver = Resolver::with_ephemeral(Secret::random(rng));
    Builder::with_resolver(params, Box::new(resolver))
        .local_private_key(local.expose())
        .and_then(|builder| builder.prologue(prologue))
        .expect("each is set once")
}

fn set_psk(state: &mut HandshakeState, place: u8, psk: &Secret<32>) {
    state
        .set_psk(usize::from(place), psk.expose())
        .expect("the place exists and the key is whole");
}

fn write(state: &mut HandshakeState, payload: &[u8]) -> Result<Vec<u8>, HandshakeError> {
    let length = payload.len() + HANDSHAKE_OVERHEAD;
    if length > MAX_MESSAGE {
        return Err(HandshakeError::TooLong(payload.len()));
    }
    let mut message = vec![0; length];
    let written = state
        .write_message(payload, &mut message)
        .map_err(|_| HandshakeError::Refused)?;
    message.truncate(written);
    Ok(message)
}

fn read(state: &mut HandshakeState, message: &[u8]) -> Result<Vec<u8>, HandshakeError> {
    let mut payload = vec![0; message.len().min(MAX_MESSAGE)];
    let read = state
        .read_message(message, &mut payload)
        .map_err(|_| HandshakeError::Refused)?;
    payload.truncate(read);
    Ok(payload)
}

fn remote(state: &HandshakeState) -> Result<[u8; 32], HandshakeError> {
    state
        .get_remote_static()
        .and_then(|key| key.try_into().ok())
        .ok_or(HandshakeError::Refused)
}

#[cfg(test)]
mod tests;

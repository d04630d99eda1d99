//! A session after its handshake: messages in order, each under its own counter.

use snow::{HandshakeState, TransportState};

use super::HandshakeError;

/// Longest Noise message.
pub const MAX_MESSAGE: usize = 65_535;
/// Bytes that [`Transport::seal`] adds.
pub const TRANSPORT_OVERHEAD: usize = 16;

/// Why a transport message was not sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The message was changed, repeated, left out or is another session's.
    #[error("transport message refused")]
    Refused,
    /// The plaintext does not fit into one Noise message.
    #[error("transport message of {0} bytes is too long")]
    TooLong(usize),
    /// 2^64 messages were sent under one handshake.
    #[error("session is used up")]
    UsedUp,
}

/// A session: seals and opens messages in order, each under its own counter.
pub struct Transport {
    state: TransportState,
    handshake_hash: [u8; 32],
}

impl Transport {
    pub(super) fn new(state: HandshakeState) -> Result<Self, HandshakeError> {
        let handshake_hash = state
            .get_handshake_hash()
            .try_into()
            .map_err(|_| HandshakeError::Refused)?;
        let state = state
            .into_transport_mode()
            .map_err(|_| HandshakeError::Refused)?;
        Ok(Self {
            state,
            handshake_hash,
        })
    }

    /// Seals the next message.
    ///
    /// # Errors
    ///
    /// [`TransportError`] when it is too long, or the session used up.
    pub fn seal(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, TransportError> {
        let length = plaintext.len() + TRANSPORT_OVERHEAD;
        if length > MAX_MESSAGE {
            return Err(TransportError::TooLong(plaintext.len()));
        }
        let mut message = vec![0; length];
        let written = self
            .state
            .write_message(plaintext, &mut message)
            .map_err(|_| TransportError::UsedUp)?;
        message.truncate(written);
        Ok(message)
    }

    /// Opens the next message. One that fails changes nothing.
    ///
    /// # Errors
    ///
    /// [`TransportError::Refused`], the same whatever was wrong.
    pub fn open(&mut self, message: &[u8]) -> Result<Vec<u8>, TransportError> {
        let length = message
            .len()
            .checked_sub(TRANSPORT_OVERHEAD)
            .filter(|_| message.len() <= MAX_MESSAGE)
            .ok_or(TransportError::Refused)?;
        let mut plaintext = vec![0; length];
        let read = self
            .state
            .read_message(message, &mut plaintext)
            .map_err(|_| TransportError::Refused)?;
        plaintext.truncate(read);
        Ok(plaintext)
    }

    /// Moves the sending key on; the peer does the same to its receiving key at the same message.
    pub fn rekey_outgoing(&mut self) {
        self.state.rekey_outgoing();
    }

    /// Moves the receiving key on.
    pub fn rekey_incoming(&mut self) {
        self.state.rekey_incoming();
    }

    /// The same 32 bytes on both sides and on no other session.
    #[must_use]
    pub fn handshake_hash(&self) -> [u8; 32] {
        self.handshake_hash
    }

    /// Messages sealed so far.
    #[must_use]
    pub fn sealed(&self) -> u64 {
        self.state.sending_nonce()
    }

    /// Messages opened so far.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.state.receiving_nonce()
    }
}

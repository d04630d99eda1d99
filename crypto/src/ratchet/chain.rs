//! The symmetric chains: one key per message, each step forgetting the last.
//!
//! `KDF_CK(ck)`: `mk = HMAC-SHA256(ck, 0x01)`, `ck' = HMAC-SHA256(ck, 0x02)`.

use super::kem::KEM_CIPHERTEXT_LEN;
use crate::kdf;
use crate::label;
use crate::secret::Secret;

/// How many messages of one chain may be missing before it is refused to look further:
/// a bound on the work that one header can ask for.
pub const MAX_SKIP: u32 = 1000;

/// A chain key: yields the key of its next message.
pub(crate) struct ChainKey(Secret<32>);

impl ChainKey {
    pub(crate) fn new(key: Secret<32>) -> Self {
        Self(key)
    }

    pub(crate) fn secret(&self) -> &Secret<32> {
        &self.0
    }

    pub(crate) fn next(&self) -> Self {
        Self(kdf::hmac(self.0.expose(), &[&[2]]))
    }

    pub(crate) fn message_key(&self) -> MessageKey {
        MessageKey(kdf::hmac(self.0.expose(), &[&[1]]))
    }
}

/// The key of one message.
pub(crate) struct MessageKey(Secret<32>);

impl MessageKey {
    pub(crate) fn new(key: Secret<32>) -> Self {
        Self(key)
    }

    pub(crate) fn secret(&self) -> &Secret<32> {
        &self.0
    }

    /// The key of the body's cipher.
    pub(crate) fn cipher_key(&self) -> Secret<32> {
        kdf::hkdf(&[], self.0.expose(), &[label::RATCHET_MESSAGE])
    }
}

/// The chain we send on, and what its headers say.
pub(crate) struct SendingChain {
    pub(crate) key: ChainKey,
    pub(crate) header_key: Secret<32>,
    /// Number of the next message.
    pub(crate) number: u32,
    /// Messages in our previous sending chain.
    pub(crate) previous: u32,
    /// Encapsulated to the peer's last key; repeated in every header of the chain.
    pub(crate) ciphertext: Box<[u8; KEM_CIPHERTEXT_LEN]>,
}

/// The chain we receive on.
pub(crate) struct ReceivingChain {
    pub(crate) key: ChainKey,
    pub(crate) header_key: Secret<32>,
    /// Number of the next message.
    pub(crate) number: u32,
}

/// More messages of one chain are missing than [`MAX_SKIP`].
pub(crate) struct TooFar;

/// A chain moved forward: the keys passed over, and where it now stands.
pub(crate) struct Forward {
    pub(crate) skipped: Vec<(u32, MessageKey)>,
    /// The chain at the number asked for; `None` if it stayed where it was.
    pub(crate) key: Option<ChainKey>,
}

impl Forward {
    /// Moves `key`, which stands at `from`, to `to`. A `to` in the past moves nothing.
    pub(crate) fn skip(key: &ChainKey, from: u32, to: u32) -> Result<Self, TooFar> {
        let missing = to.saturating_sub(from);
        if missing > MAX_SKIP {
            return Err(TooFar);
        }
        let mut skipped = Vec::new();
        let mut moved: Option<ChainKey> = None;
        for number in from..to {
            let here = moved.as_ref().unwrap_or(key);
            skipped.push((number, here.message_key()));
            moved = Some(here.next());
        }
        Ok(Self {
            skipped,
            key: moved,
        })
    }
}

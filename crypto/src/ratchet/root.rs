//! The root chain: what every turn's fresh secrets are stirred into.

use crate::kdf;
use crate::label;
use crate::secret::Secret;

/// The three keys that both sides derive from the agreed `SK`.
pub(crate) struct Initial {
    pub(crate) root: Secret<32>,
    /// The initiator's first sending header key.
    pub(crate) header_key_a: Secret<32>,
    /// The responder's first sending header key, "next" until it first turns.
    pub(crate) next_header_key_b: Secret<32>,
}

impl Initial {
    pub(crate) fn derive(sk: &Secret<32>) -> Self {
        let child = |label| kdf::hkdf(&[], sk.expose(), &[label]);
        Self {
            root: child(label::RATCHET_ROOT_KEY),
            header_key_a: child(label::RATCHET_HEADER_KEY_A),
            next_header_key_b: child(label::RATCHET_NEXT_HEADER_KEY_B),
        }
    }
}

/// What one turn of the root chain yields.
pub(crate) struct Turn {
    pub(crate) root: Secret<32>,
    pub(crate) chain: Secret<32>,
    pub(crate) next_header_key: Secret<32>,
}

/// `KDF_RK(rk, dh, ss) = HKDF(salt = rk, ikm = dh || ss, info, 96)`.
pub(crate) fn turn(root: &Secret<32>, dh: &Secret<32>, kem: &Secret<32>) -> Turn {
    let ikm = Secret::fill(|ikm: &mut [u8; 64]| {
        let (left, right) = ikm.split_at_mut(32);
        left.copy_from_slice(dh.expose());
        right.copy_from_slice(kem.expose());
    });
    let okm: Secret<96> = kdf::hkdf(root.expose(), ikm.expose(), &[label::RATCHET_ROOT]);
    let (keys, _) = okm.expose().as_chunks::<32>();
    let [root, chain, next_header_key] = keys else {
        unreachable!("96 bytes are three keys")
    };
    Turn {
        root: Secret::new(root),
        chain: Secret::new(chain),
        next_header_key: Secret::new(next_header_key),
    }
}

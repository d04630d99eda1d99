//! What grows from the 24 words: keys that open data, and nothing that reads past traffic.
//!
//! ```text
//! PRK   = HKDF-Extract("solo2/master/v1", E)
//! child = HKDF-Expand(PRK, "solo2/v1/" || label || u32be(index), 32)
//! ```
//!
//! Identity, ratchet, Noise and file keys are random and never derived here, so
//! that who finds the words later cannot read what was recorded before.
//! Spec: docs/protocol/1-keys.md §1.1.

use ed25519_dalek::{Signer as _, SigningKey};

use crate::kdf;
use crate::label;
use crate::secret::Secret;

/// A child of the master secret. Each opens one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Child {
    /// Wraps the vault's data key.
    VaultKek,
    /// Seed of the Ed25519 key that proves ownership of the words to a server.
    Recovery,
    /// Key of the HMAC under which search terms are stored.
    Search,
    /// X25519 key of age-encrypted backups.
    Age,
    /// Shared by an owner's own devices for finding each other.
    Sync,
}

impl Child {
    fn label(self) -> &'static [u8] {
        match self {
            Self::VaultKek => b"vault-kek",
            Self::Recovery => b"recovery-ed25519",
            Self::Search => b"search-hmac",
            Self::Age => b"age-x25519",
            Self::Sync => b"sync",
        }
    }
}

/// The first key of its kind: index 0.
#[must_use]
pub fn child(entropy: &Secret<32>, child: Child) -> Secret<32> {
    child_at(entropy, child, 0)
}

/// `HKDF(salt = "solo2/master/v1", E, "solo2/v1/" || label || u32be(index), 32)`.
#[must_use]
pub fn child_at(entropy: &Secret<32>, child: Child, index: u32) -> Secret<32> {
    kdf::hkdf(
        label::MASTER,
        entropy.expose(),
        &[label::CHILD, child.label(), &index.to_be_bytes()],
    )
}

/// Public half of the recovery key: what a server keeps to recognise its owner.
#[must_use]
pub fn recovery_public(entropy: &Secret<32>) -> [u8; 32] {
    recovery_key(entropy).verifying_key().to_bytes()
}

/// `hex(SHA-256("solo2/recovery/v1" || recovery public key))`: 64 characters.
///
/// A name to look an account up by. It logs nobody in: that takes a signature
/// over the server's nonce by the key itself, see [`recovery_sign`].
#[must_use]
pub fn recovery_fingerprint(entropy: &Secret<32>) -> String {
    let hash = kdf::sha256(&[label::RECOVERY_FINGERPRINT, &recovery_public(entropy)]);
    crate::identity::hex(&hash)
}

/// Signs a server's nonce: `Ed25519(recovery key, "solo2/recovery/nonce/v1" || nonce)`.
#[must_use]
pub fn recovery_sign(entropy: &Secret<32>, nonce: &[u8]) -> [u8; 64] {
    let message = [label::RECOVERY_NONCE, nonce].concat();
    recovery_key(entropy).sign(&message).to_bytes()
}

fn recovery_key(entropy: &Secret<32>) -> SigningKey {
    SigningKey::from_bytes(child(entropy, Child::Recovery).expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_differ_from_each_other_and_by_index() {
        let entropy = Secret::new(&[7; 32]);
        let all = [
            Child::VaultKek,
            Child::Recovery,
            Child::Search,
            Child::Age,
            Child::Sync,
        ];
        let mut seen = vec![*entropy.expose()];
        for kind in all {
            for index in [0, 1, u32::MAX] {
                let key = *child_at(&entropy, kind, index).expose();
                assert!(!seen.contains(&key), "{kind:?} {index}");
                seen.push(key);
            }
            assert!(child(&entropy, kind).same_as(&child_at(&entropy, kind, 0)));
        }
    }

    #[test]
    fn the_fingerprint_is_64_hex_characters_of_this_key_alone() {
        let print = recovery_fingerprint(&Secret::new(&[0; 32]));
        assert_eq!(print.len(), 64);
        assert!(print.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(print, recovery_fingerprint(&Secret::new(&[1; 32])));
    }
}

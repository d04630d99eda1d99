//! Who somebody is: account keys, and under them devices, words, safety numbers.
//!
//! An account is an Ed25519 key; its public half is pinned by every contact. It
//! signs [device certificates](DeviceCertificate) and nothing that a peer chooses.
//! Spec: docs/protocol/1-keys.md §1.

pub mod device;
pub mod master;
pub mod mnemonic;
pub mod safety_number;

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use rand_core::CryptoRng;

pub use self::device::{CertificateError, DeviceCertificate, DeviceKeys};
use crate::secret::Secret;

/// The private key of an account: random, never derived from the 24 words.
pub struct AccountKey {
    seed: Secret<32>,
    id: AccountId,
}

impl AccountKey {
    /// Draws a new account.
    pub fn generate<R: CryptoRng>(rng: &mut R) -> Self {
        Self::from_secret(Secret::random(rng))
    }

    /// Takes back what [`to_bytes`](Self::to_bytes) gave (RFC 8032's 32-byte private key).
    #[must_use]
    pub fn from_secret(seed: Secret<32>) -> Self {
        let id = AccountId(signing_public(&seed));
        Self { seed, id }
    }

    /// The secret to store.
    #[must_use]
    pub fn to_bytes(&self) -> &Secret<32> {
        &self.seed
    }

    /// The public half: the account itself, to everybody else.
    #[must_use]
    pub fn public(&self) -> AccountId {
        self.id
    }

    /// `Ed25519(key, label || message)`.
    ///
    /// `label` says what the signature is for, so that none can be shown
    /// elsewhere as another; it begins `solo2/`, ends with a version and is a constant.
    #[must_use]
    pub fn sign(&self, label: &[u8], message: &[u8]) -> [u8; 64] {
        sign(&self.seed, label, message)
    }
}

/// The public key of an account: a canonical point of the prime-order group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 32]);

impl AccountId {
    /// Reads a public key.
    ///
    /// # Errors
    ///
    /// [`AccountIdError`] for bytes that no honest key has: not a point, a
    /// second encoding of one, or a point with a component of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, AccountIdError> {
        checked_point(bytes).ok_or(AccountIdError)?;
        Ok(Self(*bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The whole key as 64 hexadecimal characters, to compare by eye or by script.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(&self.0)
    }

    /// Checks what [`AccountKey::sign`] made, strictly: no small order, no second form.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] when it was another key, label or message.
    pub fn verify(
        &self,
        label: &[u8],
        message: &[u8],
        signature: &[u8; 64],
    ) -> Result<(), SignatureError> {
        verify(&self.0, label, message, signature)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "AccountId({}…)", hex(&[a, b, c, d]))
    }
}

/// These bytes are no account's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an account key")]
pub struct AccountIdError;

/// The signature is not this key's over this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("signature does not match")]
pub struct SignatureError;

/// A canonical encoding of a point without a small-order component.
fn checked_point(bytes: &[u8; 32]) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(bytes).ok()?;
    let point = key.to_edwards();
    let canonical = point.compress().as_bytes() == bytes;
    (canonical && !key.is_weak() && point.is_torsion_free()).then_some(key)
}

pub(crate) fn signing_public(seed: &Secret<32>) -> [u8; 32] {
    SigningKey::from_bytes(seed.expose())
        .verifying_key()
        .to_bytes()
}

pub(crate) fn sign(seed: &Secret<32>, label: &[u8], message: &[u8]) -> [u8; 64] {
    SigningKey::from_bytes(seed.expose())
        .sign(&[label, message].concat())
        .to_bytes()
}

pub(crate) fn verify(
    public: &[u8; 32],
    label: &[u8],
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), SignatureError> {
    checked_point(public)
        .ok_or(SignatureError)?
        .verify_strict(
            &[label, message].concat(),
            &Signature::from_bytes(signature),
        )
        .map_err(|_| SignatureError)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    #[test]
    fn an_account_survives_storage_and_signs_as_itself() {
        let key = AccountKey::generate(&mut StdRng::seed_from_u64(1));
        let back = AccountKey::from_secret(key.to_bytes().duplicate());
        assert_eq!(key.public(), back.public());
        let signature = back.sign(b"solo2/test", b"message");
        let id = key.public();
        assert_eq!(id.verify(b"solo2/test", b"message", &signature), Ok(()));
        for (label, message) in [(&b"solo2/other"[..], &b"message"[..]), (b"solo2/test", b"")] {
            assert_eq!(id.verify(label, message, &signature), Err(SignatureError));
        }
    }

    #[test]
    fn debug_shows_eight_characters_and_the_fingerprint_all() {
        let id = AccountKey::from_secret(Secret::new(&[1; 32])).public();
        assert_eq!(id.fingerprint().len(), 64);
        assert_eq!(
            format!("{id:?}"),
            format!("AccountId({}…)", &id.fingerprint()[..8])
        );
    }

    #[test]
    fn points_of_small_or_mixed_order_are_no_accounts() {
        let mut identity = [0; 32];
        identity[0] = 1;
        // Of order 8, from RFC 8032's curve: the torsion that a mixed key hides.
        let mut eighth = [0; 32];
        hex::decode_to_slice(
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            &mut eighth,
        )
        .expect("hex");
        let good = AccountKey::from_secret(Secret::new(&[1; 32])).public();
        let torsion = VerifyingKey::from_bytes(&eighth)
            .expect("a point")
            .to_edwards();
        let mixed = VerifyingKey::from_bytes(good.as_bytes())
            .expect("a point")
            .to_edwards()
            + torsion;
        // y = 1 + p: the identity once more, written differently.
        let mut second = [0xff; 32];
        second[0] = 0xee;
        second[31] = 0x7f;
        for bytes in [
            identity,
            eighth,
            mixed.compress().to_bytes(),
            second,
            [0; 32],
        ] {
            assert_eq!(AccountId::from_bytes(&bytes), Err(AccountIdError));
        }
        assert_eq!(AccountId::from_bytes(good.as_bytes()), Ok(good));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: [u8; 32], head: [u8; 32], tail: [u8; 32]) {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&head);
            signature[32..].copy_from_slice(&tail);
            if let Ok(id) = AccountId::from_bytes(&bytes) {
                prop_assert!(id.verify(b"", b"", &signature).is_err());
            }
        }
    }
}

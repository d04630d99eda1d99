//! One ratchet key pair: X25519 and ML-KEM-768, ours and theirs.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::kem::{self, KEM_CIPHERTEXT_LEN, KEM_KEY_LEN, KemKeys};
use crate::secret::Secret;
use crate::wire::{Malformed, Reader, Writer};

/// Bytes of an X25519 public key.
pub(crate) const DH_LEN: usize = 32;
/// Bytes of a [`RatchetPublic`]: X25519 key, then ML-KEM-768 encapsulation key.
pub const RATCHET_PUBLIC_LEN: usize = DH_LEN + KEM_KEY_LEN;
/// Bytes of [`RatchetKeys::to_bytes`]: X25519 secret, then the ML-KEM seed `d || z`.
pub const RATCHET_SECRET_LEN: usize = 32 + 64;

/// A public key that no honest peer sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not [`RATCHET_PUBLIC_LEN`] (or, for a secret, [`RATCHET_SECRET_LEN`]) bytes.
    #[error("ratchet key of the wrong length")]
    Length,
    /// The ML-KEM key fails the modulus check of FIPS 203 §7.2.
    #[error("ratchet key with an invalid ml-kem part")]
    Kem,
    /// The X25519 key is of small order: the shared secret would be all zeros.
    #[error("ratchet key with a small-order x25519 part")]
    SmallOrder,
}

/// Our half of one turn: the secrets, kept expanded so that no turn pays for key generation twice.
pub struct RatchetKeys {
    dh: Secret<32>,
    kem: KemKeys,
    public: Box<[u8; RATCHET_PUBLIC_LEN]>,
}

impl RatchetKeys {
    /// Draws an X25519 secret (32 bytes), then ML-KEM's `d` and `z` (32 bytes each).
    pub fn generate<R: CryptoRng>(rng: &mut R) -> Self {
        let dh = Secret::random(rng);
        let d: Secret<32> = Secret::random(rng);
        let z: Secret<32> = Secret::random(rng);
        let seed = Secret::fill(|seed: &mut [u8; 64]| {
            let (left, right) = seed.split_at_mut(32);
            left.copy_from_slice(d.expose());
            right.copy_from_slice(z.expose());
        });
        Self::expand(dh, seed)
    }

    /// What the peer needs to start a ratchet towards these keys.
    #[must_use]
    pub fn public(&self) -> RatchetPublic {
        RatchetPublic {
            bytes: self.public.clone(),
        }
    }

    /// The secrets, [`RATCHET_SECRET_LEN`] bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(RATCHET_SECRET_LEN);
        writer.secret(&self.dh).secret(self.kem.seed());
        writer.finish()
    }

    /// Reads what [`RatchetKeys::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`KeyError::Length`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::new(bytes);
        let keys = Self::read(&mut reader).map_err(|Malformed| KeyError::Length)?;
        reader.finish().map_err(|Malformed| KeyError::Length)?;
        Ok(keys)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let dh = reader.secret()?;
        let seed = reader.secret()?;
        Ok(Self::expand(dh, seed))
    }

    pub(crate) fn public_bytes(&self) -> &[u8; RATCHET_PUBLIC_LEN] {
        &self.public
    }

    /// `X25519(ours, theirs)`, refused if all zeros (RFC 7748 §6.1).
    pub(crate) fn agree(&self, theirs: &PublicKey) -> Result<Secret<32>, KeyError> {
        let shared = StaticSecret::from(*self.dh.expose()).diffie_hellman(theirs);
        if shared.as_bytes().ct_eq(&[0; 32]).into() {
            return Err(KeyError::SmallOrder);
        }
        Ok(Secret::new(shared.as_bytes()))
    }

    /// `ML-KEM-768.Decaps`. A wrong ciphertext yields an unrelated secret, never an error.
    pub(crate) fn decapsulate(&self, ciphertext: &[u8; KEM_CIPHERTEXT_LEN]) -> Secret<32> {
        self.kem.decapsulate(ciphertext)
    }

    fn expand(dh: Secret<32>, seed: Secret<64>) -> Self {
        let kem = KemKeys::from_seed(seed);
        let dh_public = PublicKey::from(&StaticSecret::from(*dh.expose()));
        let public = concat(dh_public.as_bytes(), kem.encapsulation_key());
        Self { dh, kem, public }
    }
}

/// The peer's half of one turn, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct RatchetPublic {
    bytes: Box<[u8; RATCHET_PUBLIC_LEN]>,
}

impl RatchetPublic {
    /// Reads `X25519 public 32 || ML-KEM-768 ek 1184` and checks the latter (FIPS 203 §7.2).
    ///
    /// # Errors
    ///
    /// [`KeyError::Length`] or [`KeyError::Kem`]; a small-order X25519 key is refused when used.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::new(bytes);
        let dh = reader.array().map_err(|Malformed| KeyError::Length)?;
        let kem = reader.array().map_err(|Malformed| KeyError::Length)?;
        reader.finish().map_err(|Malformed| KeyError::Length)?;
        Self::from_parts(dh, kem)
    }

    pub(crate) fn from_parts(dh: &[u8; DH_LEN], kem: &[u8; KEM_KEY_LEN]) -> Result<Self, KeyError> {
        if !kem::is_valid(kem) {
            return Err(KeyError::Kem);
        }
        Ok(Self {
            bytes: concat(dh, kem),
        })
    }

    /// `X25519 public 32 || ML-KEM-768 ek 1184`.
    #[must_use]
    pub fn as_bytes(&self) -> [u8; RATCHET_PUBLIC_LEN] {
        *self.bytes
    }

    pub(crate) fn dh(&self) -> PublicKey {
        PublicKey::from(*self.parts().0)
    }

    /// `ML-KEM-768.Encaps`: draws `m` (32 bytes), gives the ciphertext and the shared secret.
    pub(crate) fn encapsulate<R: CryptoRng>(
        &self,
        rng: &mut R,
    ) -> (Box<[u8; KEM_CIPHERTEXT_LEN]>, Secret<32>) {
        kem::encapsulate(self.parts().1, &Secret::random(rng))
    }

    fn parts(&self) -> (&[u8; DH_LEN], &[u8; KEM_KEY_LEN]) {
        let (dh, kem) = self.bytes.split_at(DH_LEN);
        let whole = "a public key is its two parts";
        (dh.try_into().expect(whole), kem.try_into().expect(whole))
    }
}

fn concat(dh: &[u8; DH_LEN], kem: &[u8; KEM_KEY_LEN]) -> Box<[u8; RATCHET_PUBLIC_LEN]> {
    let mut bytes = Box::new([0; RATCHET_PUBLIC_LEN]);
    let (left, right) = bytes.split_at_mut(DH_LEN);
    left.copy_from_slice(dh);
    right.copy_from_slice(kem);
    bytes
}

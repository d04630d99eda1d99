//! The header: who turns to which keys, and where in its chain a message stands.
//!
//! `0x01 || X25519 public 32 || pn u32be || n u32be || ML-KEM-768 ek 1184 || ct 1088`,
//! then sealed whole under a header key, so that an observer sees only noise.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::kem::{KEM_CIPHERTEXT_LEN, KEM_KEY_LEN};
use super::keys::{DH_LEN, RATCHET_PUBLIC_LEN};
use crate::aead::{self, OpenError, SEAL_OVERHEAD};
use crate::label;
use crate::secret::Secret;
use crate::wire::{Malformed, Reader};

/// Bytes of a header in the clear.
pub(crate) const HEADER_LEN: usize = 1 + DH_LEN + 4 + 4 + KEM_KEY_LEN + KEM_CIPHERTEXT_LEN;
/// Bytes of a header as sent.
pub(crate) const SEALED_HEADER_LEN: usize = HEADER_LEN + SEAL_OVERHEAD;

const VERSION: u8 = 1;

/// A header, borrowed from the bytes it was read from.
pub(crate) struct Header<'a> {
    pub(crate) dh: &'a [u8; DH_LEN],
    /// Messages in the sender's previous chain.
    pub(crate) previous: u32,
    /// This message's number in its chain.
    pub(crate) number: u32,
    pub(crate) kem_key: &'a [u8; KEM_KEY_LEN],
    pub(crate) ciphertext: &'a [u8; KEM_CIPHERTEXT_LEN],
}

impl<'a> Header<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(Malformed);
        }
        let header = Self {
            dh: reader.array()?,
            previous: reader.u32()?,
            number: reader.u32()?,
            kem_key: reader.array()?,
            ciphertext: reader.array()?,
        };
        reader.finish()?;
        Ok(header)
    }
}

/// Seals a header that announces `public`.
pub(crate) fn seal<R: CryptoRng>(
    key: &Secret<32>,
    public: &[u8; RATCHET_PUBLIC_LEN],
    previous: u32,
    number: u32,
    ciphertext: &[u8; KEM_CIPHERTEXT_LEN],
    rng: &mut R,
) -> Vec<u8> {
    let (dh, kem_key) = public.split_at(DH_LEN);
    let mut header = Zeroizing::new(Vec::with_capacity(HEADER_LEN));
    header.push(VERSION);
    header.extend_from_slice(dh);
    header.extend_from_slice(&previous.to_be_bytes());
    header.extend_from_slice(&number.to_be_bytes());
    header.extend_from_slice(kem_key);
    header.extend_from_slice(ciphertext);
    aead::seal(key, &header, label::RATCHET_HEADER, rng)
}

/// Tries one header key on a sealed header.
pub(crate) fn open(
    key: &Secret<32>,
    sealed: &[u8; SEALED_HEADER_LEN],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    aead::open(key, sealed, label::RATCHET_HEADER)
}

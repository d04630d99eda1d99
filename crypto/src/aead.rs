//! Seal and open: XChaCha20-Poly1305 with a random nonce in front, and AES-256-GCM.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) is used wherever one key seals many
//! values, because its 24-byte nonces may be drawn at random. AES-256-GCM
//! (NIST SP 800-38D) is used where the key is fresh or the nonce is counted.

use aes_gcm::Aes256Gcm;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Bytes that [`seal`] adds: a 24-byte nonce and a 16-byte tag.
pub const SEAL_OVERHEAD: usize = 40;

/// The tag did not match. To a peer, every decryption failure looks like this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("decryption failed")]
pub struct OpenError;

/// `nonce 24 || XChaCha20-Poly1305[key](nonce, plaintext, ad)` with a nonce drawn from `rng`.
///
/// # Panics
///
/// Never for plaintexts that fit in memory: the cipher's limit is 256 GiB.
pub fn seal<R: CryptoRng>(key: &Secret<32>, plaintext: &[u8], ad: &[u8], rng: &mut R) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(plaintext.len() + SEAL_OVERHEAD);
    let mut nonce = [0; 24];
    rng.fill_bytes(&mut nonce);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    let (_, body) = sealed.split_at_mut(24);
    let tag = XChaCha20Poly1305::new(key.expose().into())
        .encrypt_inout_detached(&nonce.into(), ad, body.into())
        .expect("plaintext is shorter than 256 GiB");
    sealed.extend_from_slice(&tag);
    sealed
}

/// Opens what [`seal`] made.
///
/// # Errors
///
/// [`OpenError`] when the key, the associated data or a single bit differs.
pub fn open(key: &Secret<32>, sealed: &[u8], ad: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (nonce, body) = sealed.split_first_chunk::<24>().ok_or(OpenError)?;
    let (body, tag) = body.split_last_chunk::<16>().ok_or(OpenError)?;
    let mut plaintext = Zeroizing::new(body.to_vec());
    XChaCha20Poly1305::new(key.expose().into())
        .decrypt_inout_detached(
            nonce.into(),
            ad,
            plaintext.as_mut_slice().into(),
            tag.into(),
        )
        .map_err(|_| OpenError)?;
    Ok(plaintext)
}

/// `AES-256-GCM[key](nonce, plaintext, ad)`: ciphertext, then the 16-byte tag.
///
/// The caller answers for the nonce: never twice under one key.
///
/// # Panics
///
/// Never for plaintexts under the cipher's limit of 64 GiB.
#[must_use]
pub fn seal_gcm(key: &Secret<32>, nonce: &[u8; 12], plaintext: &[u8], ad: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(plaintext.len() + 16);
    sealed.extend_from_slice(plaintext);
    let tag = Aes256Gcm::new(key.expose().into())
        .encrypt_inout_detached(nonce.into(), ad, sealed.as_mut_slice().into())
        .expect("plaintext is shorter than 64 GiB");
    sealed.extend_from_slice(&tag);
    sealed
}

/// Opens what [`seal_gcm`] made.
///
/// # Errors
///
/// [`OpenError`] when the key, the nonce, the associated data or a single bit differs.
pub fn open_gcm(
    key: &Secret<32>,
    nonce: &[u8; 12],
    sealed: &[u8],
    ad: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (body, tag) = sealed.split_last_chunk::<16>().ok_or(OpenError)?;
    let mut plaintext = Zeroizing::new(body.to_vec());
    Aes256Gcm::new(key.expose().into())
        .decrypt_inout_detached(
            nonce.into(),
            ad,
            plaintext.as_mut_slice().into(),
            tag.into(),
        )
        .map_err(|_| OpenError)?;
    Ok(plaintext)
}

//! HKDF (RFC 5869) and HMAC (RFC 2104), both with SHA-256, filling secrets in place.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::secret::Secret;

/// `HKDF(salt, ikm, info, N)`: extract, then expand. An empty `salt` is RFC 5869's "not provided".
///
/// # Panics
///
/// Never for `N` up to 8,160 bytes, RFC 5869's limit; larger is refused at compile time.
#[must_use]
pub fn hkdf<const N: usize>(salt: &[u8], ikm: &[u8], info: &[&[u8]]) -> Secret<N> {
    const { assert!(N <= 255 * 32) };
    let salt = if salt.is_empty() { None } else { Some(salt) };
    let kdf = Hkdf::<Sha256>::new(salt, ikm);
    Secret::fill(|out| {
        kdf.expand_multi_info(info, out)
            .expect("length checked at compile time");
    })
}

/// `HKDF-Expand(prk, info, N)` alone, for a key that is already uniform.
///
/// # Panics
///
/// Never: the length is checked at compile time and a 32-byte key is long enough.
#[must_use]
pub fn expand<const N: usize>(prk: &[u8; 32], info: &[&[u8]]) -> Secret<N> {
    const { assert!(N <= 255 * 32) };
    let kdf = Hkdf::<Sha256>::from_prk(prk).expect("32 bytes are a whole PRK");
    Secret::fill(|out| {
        kdf.expand_multi_info(info, out)
            .expect("length checked at compile time");
    })
}

/// `HMAC-SHA256(key, parts[0] || parts[1] || …)`.
///
/// # Panics
///
/// Never: HMAC takes keys of every length.
#[must_use]
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> Secret<32> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key length");
    for part in parts {
        mac.update(part);
    }
    Secret::fill(|out| out.copy_from_slice(&mac.finalize().into_bytes()))
}

/// `SHA-256(parts[0] || parts[1] || …)`.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

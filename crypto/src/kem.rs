//! ML-KEM-1024 (FIPS 203): the post-quantum half of an agreement.
//!
//! The private half is kept as its 64-byte seed `d || z` and expanded when used.

use ml_kem::{
    Decapsulate as _, DecapsulationKey1024, Encapsulate as _, EncapsulationKey1024, KeyExport as _,
};
use rand_core::CryptoRng;

use crate::secret::Secret;

/// Bytes of an encapsulation key.
pub const PUBLIC_LEN: usize = 1568;
/// Bytes of a ciphertext.
pub const CIPHERTEXT_LEN: usize = 1568;

/// What a peer sent is not an ML-KEM-1024 key or ciphertext (FIPS 203 §7.2, §7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ML-KEM-1024 key or ciphertext")]
pub struct KemError;

/// The encapsulation key of a seed: `ML-KEM.KeyGen_internal(d, z)`.
#[must_use]
pub fn public(seed: &Secret<64>) -> Vec<u8> {
    expand(seed).encapsulation_key().to_bytes().to_vec()
}

/// `ML-KEM.Encaps(public)`: the ciphertext and the shared secret.
///
/// # Errors
///
/// [`KemError`] when the key has a wrong length or a coefficient out of range.
pub fn encapsulate<R: CryptoRng>(
    public: &[u8],
    rng: &mut R,
) -> Result<(Vec<u8>, Secret<32>), KemError> {
    let public = public.try_into().map_err(|_| KemError)?;
    let key = EncapsulationKey1024::new(public).map_err(|_| KemError)?;
    let (ciphertext, mut shared) = key.encapsulate_with_rng(rng);
    let secret = Secret::fill(|place| place.copy_from_slice(&shared));
    zeroize::Zeroize::zeroize(shared.as_mut_slice());
    Ok((ciphertext.to_vec(), secret))
}

/// `ML-KEM.Decaps(seed, ciphertext)`. A forged ciphertext yields a secret nobody else has.
///
/// # Errors
///
/// [`KemError`] when the ciphertext has a wrong length.
pub fn decapsulate(seed: &Secret<64>, ciphertext: &[u8]) -> Result<Secret<32>, KemError> {
    let ciphertext = ciphertext.try_into().map_err(|_| KemError)?;
    let mut shared = expand(seed).decapsulate(ciphertext);
    let secret = Secret::fill(|place| place.copy_from_slice(&shared));
    zeroize::Zeroize::zeroize(shared.as_mut_slice());
    Ok(secret)
}

fn expand(seed: &Secret<64>) -> DecapsulationKey1024 {
    DecapsulationKey1024::from_seed((*seed.expose()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    #[test]
    fn both_sides_share_and_a_forged_ciphertext_shares_nothing() {
        let mut rng = StdRng::seed_from_u64(1);
        let seed = Secret::random(&mut rng);
        let (mut ciphertext, shared) = encapsulate(&public(&seed), &mut rng).expect("our key");
        assert_eq!(ciphertext.len(), CIPHERTEXT_LEN);
        let same = decapsulate(&seed, &ciphertext).expect("right length");
        assert!(same.same_as(&shared));
        ciphertext[0] ^= 1;
        let other = decapsulate(&seed, &ciphertext).expect("right length");
        assert!(!other.same_as(&shared));
    }

    #[test]
    fn keys_and_ciphertexts_of_the_wrong_shape_are_refused() {
        let mut rng = StdRng::seed_from_u64(1);
        let seed = Secret::random(&mut rng);
        let mut key = public(&seed);
        assert_eq!(key.len(), PUBLIC_LEN);
        assert_eq!(encapsulate(&key[1..], &mut rng).err(), Some(KemError));
        assert_eq!(decapsulate(&seed, &[0; 1567]).err(), Some(KemError));
        // FIPS 203 §7.2: a coefficient of 3329 or more.
        key[..2].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(encapsulate(&key, &mut rng).err(), Some(KemError));
    }
}

//! ML-KEM-768 (FIPS 203), the ratchet's post-quantum half: bytes and randomness in, bytes out.
//!
//! Every turn generates, encapsulates and decapsulates, so this is libcrux's formally
//! verified, vectorised implementation: about three times as fast as `ml-kem`, which would
//! cost more than all the rest of a turn. It is young, so nothing outside this file names
//! it, and the tests hold it against `ml-kem`, bit for bit.

use libcrux_ml_kem::mlkem768::{self, MlKem768Ciphertext, MlKem768PrivateKey, MlKem768PublicKey};
use zeroize::Zeroize as _;

use crate::secret::Secret;

/// Bytes of an encapsulation key (FIPS 203, table 3).
pub(crate) const KEM_KEY_LEN: usize = 1184;
/// Bytes of a ciphertext (FIPS 203, table 3).
pub(crate) const KEM_CIPHERTEXT_LEN: usize = 1088;

/// A key pair: its seed, and what the seed expands to, so that no use pays for it twice.
pub(crate) struct KemKeys {
    seed: Secret<64>,
    decapsulation: Box<MlKem768PrivateKey>,
    encapsulation: Box<[u8; KEM_KEY_LEN]>,
}

impl KemKeys {
    /// `ML-KEM.KeyGen_internal(d, z)` for the seed `d || z`.
    pub(crate) fn from_seed(seed: Secret<64>) -> Self {
        let (mut private, public) = mlkem768::generate_key_pair(*seed.expose()).into_parts();
        let keys = Self {
            seed,
            decapsulation: Box::new(private.clone()),
            encapsulation: Box::new(*public.as_slice()),
        };
        wipe(&mut private);
        keys
    }

    pub(crate) fn seed(&self) -> &Secret<64> {
        &self.seed
    }

    pub(crate) fn encapsulation_key(&self) -> &[u8; KEM_KEY_LEN] {
        &self.encapsulation
    }

    /// `ML-KEM.Decaps`. A wrong ciphertext yields an unrelated secret, never an error.
    pub(crate) fn decapsulate(&self, ciphertext: &[u8; KEM_CIPHERTEXT_LEN]) -> Secret<32> {
        let ciphertext = MlKem768Ciphertext::from(ciphertext);
        let mut shared = mlkem768::decapsulate(&self.decapsulation, &ciphertext);
        let secret = Secret::new(&shared);
        shared.zeroize();
        secret
    }
}

impl Drop for KemKeys {
    fn drop(&mut self) {
        wipe(&mut self.decapsulation);
    }
}

/// The modulus check of FIPS 203 §7.2.
pub(crate) fn is_valid(key: &[u8; KEM_KEY_LEN]) -> bool {
    mlkem768::validate_public_key(&MlKem768PublicKey::from(key))
}

/// `ML-KEM.Encaps_internal(ek, m)` for a key that [`is_valid`].
pub(crate) fn encapsulate(
    key: &[u8; KEM_KEY_LEN],
    m: &Secret<32>,
) -> (Box<[u8; KEM_CIPHERTEXT_LEN]>, Secret<32>) {
    let key = MlKem768PublicKey::from(key);
    let (ciphertext, mut shared) = mlkem768::encapsulate(&key, *m.expose());
    let secret = Secret::new(&shared);
    shared.zeroize();
    (Box::new(*ciphertext.as_slice()), secret)
}

/// libcrux wipes nothing by itself.
fn wipe(key: &mut MlKem768PrivateKey) {
    key[0..MlKem768PrivateKey::len()].zeroize();
}

#[cfg(test)]
mod tests {
    use ml_kem::kem::{Decapsulate as _, KeyExport as _};
    use ml_kem::ml_kem_768::{DecapsulationKey, EncapsulationKey};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_independent_implementation_agrees_on_every_byte(
            (d, z) in any::<([u8; 32], [u8; 32])>(),
            m in any::<[u8; 32]>(),
            bit in 0..8 * KEM_CIPHERTEXT_LEN,
        ) {
            let seed: [u8; 64] = [d, z].concat().try_into().unwrap();
            let ours = KemKeys::from_seed(Secret::new(&seed));
            let theirs = DecapsulationKey::from_seed(seed.into());
            let key = ours.encapsulation_key();
            prop_assert!(key.as_slice() == theirs.encapsulation_key().to_bytes().as_slice());
            prop_assert!(is_valid(key));

            let (mut ciphertext, secret) = encapsulate(key, &Secret::new(&m));
            let (expected, shared) = theirs.encapsulation_key().encapsulate_deterministic(&m.into());
            prop_assert_eq!(ciphertext.as_slice(), expected.as_slice());
            prop_assert_eq!(secret.expose().as_slice(), shared.as_slice());
            prop_assert!(ours.decapsulate(&ciphertext).same_as(&secret));

            // Implicit rejection, too.
            ciphertext[bit / 8] ^= 1 << (bit % 8);
            let rejected = theirs.decapsulate(&(*ciphertext).into());
            prop_assert!(ours.decapsulate(&ciphertext).expose().as_slice() == rejected.as_slice());
            prop_assert!(rejected.as_slice() != secret.expose());
        }

        #[test]
        fn both_refuse_the_same_keys(
            at in 0..KEM_KEY_LEN,
            to in any::<u8>(),
        ) {
            let mut key = *KemKeys::from_seed(Secret::new(&[7; 64])).encapsulation_key();
            key[at] = to;
            prop_assert_eq!(is_valid(&key), EncapsulationKey::new(&key.into()).is_ok());
        }
    }
}

//! Signals: what two devices tell each other, through a server, to open a link.
//!
//! ```text
//! to a device  = X-Wing encapsulation 1120 || ChaCha20-Poly1305(padded 2960) 2976
//!                HPKE (RFC 9180) psk mode, X-Wing, HKDF-SHA256
//! under a key  = nonce 24 || XChaCha20-Poly1305(padded 4056) 4072
//! padded       = u16be len || plaintext || zeros
//! ```
//!
//! Every signal has 4,096 bytes. Freshness and replay are the link's to check;
//! who sent it is known by the psk, which the pair shares.
//! Spec: docs/protocol/4-signal.md §2; RFC 9180.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, PskBundle, Serializable as _};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::aead::{self, SEAL_OVERHEAD};
use crate::identity::DeviceKeys;
use crate::label;
use crate::secret::Secret;

/// Bytes of a sealed signal, always.
pub const SEALED_LEN: usize = 4096;
/// Longest plaintext that [`seal`] takes.
pub const MAX_SIGNAL: usize = SEALED_LEN - ENCAPSULATED_LEN - 16 - 2;
/// Longest plaintext that [`seal_with_key`] takes.
pub const MAX_SIGNAL_WITH_KEY: usize = SEALED_LEN - SEAL_OVERHEAD - 2;

const ENCAPSULATED_LEN: usize = 1120;

/// Why a signal was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The plaintext does not fit into one signal.
    #[error("signal of {len} bytes is too long, at most {max} fit")]
    TooLong {
        /// Its length.
        len: usize,
        /// What would fit.
        max: usize,
    },
    /// The recipient's key is no X-Wing key.
    #[error("recipient's sealing key is unusable")]
    Key,
}

/// The signal is not for us, not from whom we think, or not as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("signal does not open")]
pub struct SignalError;

/// Seals to a device's X-Wing key, under a psk that only the pair knows.
///
/// # Errors
///
/// [`SealError`] when the plaintext is too long or the key is no key.
pub fn seal<R: CryptoRng>(
    seal_public: &[u8],
    psk: &Secret<32>,
    plaintext: &[u8],
    rng: &mut R,
) -> Result<Box<[u8; SEALED_LEN]>, SealError> {
    let public = <XWing as Kem>::PublicKey::from_bytes(seal_public).map_err(|_| SealError::Key)?;
    let padded = pad(plaintext, MAX_SIGNAL)?;
    let (encapsulated, ciphertext) =
        hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeS::Psk(bundle(psk)),
            &public,
            label::SIGNAL,
            &padded,
            &[],
            rng,
        )
        .map_err(|_| SealError::Key)?;
    Ok(boxed(&[&encapsulated.to_bytes(), &ciphertext]))
}

/// Opens what [`seal`] made for this device.
///
/// # Errors
///
/// [`SignalError`], the same whatever was wrong.
pub fn open(
    device: &DeviceKeys,
    psk: &Secret<32>,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SignalError> {
    let sealed: &[u8; SEALED_LEN] = sealed.try_into().map_err(|_| SignalError)?;
    let (encapsulated, ciphertext) = sealed
        .split_first_chunk::<ENCAPSULATED_LEN>()
        .ok_or(SignalError)?;
    let encapsulated =
        <XWing as Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| SignalError)?;
    let padded = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeR::Psk(bundle(psk)),
        &device.seal_private(),
        &encapsulated,
        label::SIGNAL,
        ciphertext,
        &[],
    )
    .map_err(|_| SignalError)?;
    unpad(Zeroizing::new(padded))
}

/// Seals under a key that both sides have already: for pairing, before certificates are known.
///
/// # Errors
///
/// [`SealError::TooLong`] when the plaintext does not fit.
pub fn seal_with_key<R: CryptoRng>(
    key: &Secret<32>,
    plaintext: &[u8],
    rng: &mut R,
) -> Result<Box<[u8; SEALED_LEN]>, SealError> {
    let padded = pad(plaintext, MAX_SIGNAL_WITH_KEY)?;
    let sealed = aead::seal(key, &padded, label::SIGNAL_SHARED, rng);
    Ok(boxed(&[&sealed]))
}

/// Opens what [`seal_with_key`] made.
///
/// # Errors
///
/// [`SignalError`], the same whatever was wrong.
pub fn open_with_key(key: &Secret<32>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SignalError> {
    if sealed.len() != SEALED_LEN {
        return Err(SignalError);
    }
    unpad(aead::open(key, sealed, label::SIGNAL_SHARED).map_err(|_| SignalError)?)
}

fn bundle(psk: &Secret<32>) -> PskBundle<'_> {
    PskBundle::new(psk.expose(), label::SIGNAL_PSK_ID).expect("both are there")
}

/// `u16be len || plaintext || zeros` for at most `max` bytes of plaintext.
fn pad(plaintext: &[u8], max: usize) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let too_long = SealError::TooLong {
        len: plaintext.len(),
        max,
    };
    let length = u16::try_from(plaintext.len()).map_err(|_| too_long)?;
    if plaintext.len() > max {
        return Err(too_long);
    }
    let mut padded = Zeroizing::new(Vec::with_capacity(max + 2));
    padded.extend_from_slice(&length.to_be_bytes());
    padded.extend_from_slice(plaintext);
    padded.resize(max + 2, 0);
    Ok(padded)
}

fn unpad(mut padded: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, SignalError> {
    let (length, data) = padded.split_first_chunk::<2>().ok_or(SignalError)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (_, zeros) = data.split_at_checked(length).ok_or(SignalError)?;
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(SignalError);
    }
    padded.drain(..2);
    padded.truncate(length);
    Ok(padded)
}

fn boxed(parts: &[&[u8]]) -> Box<[u8; SEALED_LEN]> {
    parts
        .concat()
        .into_boxed_slice()
        .try_into()
        .expect("the parts have 4,096 bytes together")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    #[test]
    fn a_signal_opens_for_its_device_and_pair_alone() {
        let mut rng = StdRng::seed_from_u64(1);
        let (device, other) = (
            DeviceKeys::generate(&mut rng),
            DeviceKeys::generate(&mut rng),
        );
        let (psk, wrong) = (Secret::new(&[1; 32]), Secret::new(&[2; 32]));
        for length in [0, 1, 500, MAX_SIGNAL] {
            let plaintext = vec![7; length];
            let sealed = seal(&device.seal_public(), &psk, &plaintext, &mut rng).expect("fits");
            let opened = open(&device, &psk, sealed.as_slice()).expect("for us");
            assert_eq!(*opened, plaintext);
            assert!(open(&other, &psk, sealed.as_slice()).is_err());
            assert!(open(&device, &wrong, sealed.as_slice()).is_err());
            for place in [0, 1119, 1120, 4095] {
                let mut damaged = sealed.clone();
                damaged[place] ^= 1;
                assert!(open(&device, &psk, damaged.as_slice()).is_err());
            }
        }
    }

    #[test]
    fn a_shared_key_seals_to_the_same_length() {
        let mut rng = StdRng::seed_from_u64(1);
        let (key, wrong) = (Secret::new(&[1; 32]), Secret::new(&[2; 32]));
        for length in [0, 1, MAX_SIGNAL_WITH_KEY] {
            let plaintext = vec![7; length];
            let sealed = seal_with_key(&key, &plaintext, &mut rng).expect("fits");
            assert_eq!(
                *open_with_key(&key, sealed.as_slice()).expect("ours"),
                plaintext
            );
            assert!(open_with_key(&wrong, sealed.as_slice()).is_err());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_limit() {
        let mut rng = StdRng::seed_from_u64(1);
        let device = DeviceKeys::generate(&mut rng);
        let key = Secret::new(&[1; 32]);
        let flood = [0; SEALED_LEN];
        assert_eq!(
            seal(&device.seal_public(), &key, &flood, &mut rng).err(),
            Some(SealError::TooLong {
                len: 4096,
                max: 2958
            })
        );
        assert_eq!(
            seal_with_key(&key, &flood, &mut rng).err(),
            Some(SealError::TooLong {
                len: 4096,
                max: 4054
            })
        );
        assert_eq!(
            seal(&[0; 32], &key, b"", &mut rng).err(),
            Some(SealError::Key)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn random_bytes_never_open_and_never_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
            whole: bool,
        ) {
            let device = DeviceKeys::generate(&mut StdRng::seed_from_u64(1));
            let mut bytes = bytes;
            if whole {
                bytes.resize(SEALED_LEN, 0x5a);
            }
            let psk = Secret::new(&[1; 32]);
            prop_assert!(open(&device, &psk, &bytes).is_err());
            prop_assert!(open_with_key(&psk, &bytes).is_err());
        }
    }
}

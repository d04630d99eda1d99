//! PQXDH: two devices that are both online agree on a ratchet's first secret.
//!
//! ```text
//! Responder                                   Initiator
//!   OneTimeKeys ──bundle──► signed keys ────►  initiate ──► Agreed
//!        │                                        │
//!     respond ◄──────────── initial message ◄─────┘
//!        │
//!        └──► the same Agreed
//!
//! DH1 = DH(device I, one-time R)   DH2 = DH(ephemeral I, device R)
//! DH3 = DH(ephemeral I, one-time R)   SS = ML-KEM-1024 to one-time R
//! SK  = HKDF(0^32, 0xFF^32 || DH1 || DH2 || DH3 || SS, "solo2_CURVE25519_SHA-256_ML-KEM-1024")
//! AD  = "solo2/ad/v1" || account I || account R || index I || index R || SHA-256(KEM public key)
//! ```
//!
//! Keys are made for one agreement and consumed by it: nothing that could start
//! a session is ever stored on a server. That the two sides agreed shows when the
//! first ratchet message opens under `AD`. Transport and pinning are not this module's business.
//! Spec: docs/protocol/1-keys.md §3.1; Signal, "The PQXDH Key Agreement Protocol", revision 3.

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::cbor;
use crate::dh;
use crate::identity::{DeviceCertificate, DeviceKeys};
use crate::kdf;
use crate::kem;
use crate::label;
use crate::secret::Secret;

const VERSION: u8 = 1;
/// Longest ratchet key that a bundle carries; today's has 1,216 bytes.
const MAX_RATCHET_PUBLIC: usize = 4096;
/// Longest bundle that is read; today's has 2,894 bytes.
const MAX_BUNDLE: usize = 8192;
/// Longest initial message that is read; today's has 1,610 bytes.
const MAX_INITIAL: usize = 2048;

/// What both sides end with.
pub struct Agreed {
    /// The ratchet's first secret.
    pub sk: Secret<32>,
    /// Who agreed, with which keys: associated data of every ratchet message. Public.
    pub ad: Vec<u8>,
}

/// The responder's private halves, made for one agreement, wiped with it.
pub struct OneTimeKeys {
    dh: Secret<32>,
    kem: Secret<64>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Bundle<'a> {
    #[n(0)]
    version: u8,
    #[cbor(n(1), with = "minicbor::bytes")]
    dh: &'a [u8],
    #[cbor(n(2), with = "minicbor::bytes")]
    kem: &'a [u8],
    #[cbor(n(3), with = "minicbor::bytes")]
    ratchet: &'a [u8],
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Initial<'a> {
    #[n(0)]
    version: u8,
    #[cbor(n(1), with = "minicbor::bytes")]
    ephemeral: &'a [u8],
    #[cbor(n(2), with = "minicbor::bytes")]
    ciphertext: &'a [u8],
}

impl OneTimeKeys {
    /// Draws fresh keys.
    pub fn generate<R: CryptoRng>(rng: &mut R) -> Self {
        Self {
            dh: Secret::random(rng),
            kem: Secret::random(rng),
        }
    }

    /// The public halves and the ratchet's public key, signed by `device`, for the initiator.
    #[must_use]
    pub fn bundle(&self, device: &DeviceKeys, ratchet_public: &[u8]) -> Vec<u8> {
        let body = cbor::encode(&Bundle {
            version: VERSION,
            dh: &dh::public(&self.dh),
            kem: &kem::public(&self.kem),
            ratchet: ratchet_public,
        });
        let mut bundle = device.sign(label::BUNDLE, &body).to_vec();
        bundle.extend_from_slice(&body);
        bundle
    }
}

/// Why an agreement failed. Nothing of it remains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgreementError {
    /// The peer's bundle or initial message is not one, or is of another version.
    #[error("not an agreement message")]
    Encoding,
    /// The bundle was not signed by the device that the certificate names.
    #[error("one-time keys not signed by the peer's device")]
    Signature,
    /// One of the peer's keys is no key, or one that would fix the result.
    #[error("unusable key in an agreement message")]
    Key,
    /// Our own certificate is not for our own keys.
    #[error("our certificate does not match our device keys")]
    NotOurs,
}

impl From<dh::SmallOrder> for AgreementError {
    fn from(_: dh::SmallOrder) -> Self {
        Self::Key
    }
}

impl From<kem::KemError> for AgreementError {
    fn from(_: kem::KemError) -> Self {
        Self::Key
    }
}

/// Initiator: answers a bundle. Gives the initial message to send, the secret, and the peer's ratchet key.
///
/// # Errors
///
/// [`AgreementError`] when the bundle is not the certified device's, or a key of it is unusable.
pub fn initiate<R: CryptoRng>(
    device: &DeviceKeys,
    mine: &DeviceCertificate,
    theirs: &DeviceCertificate,
    bundle: &[u8],
    rng: &mut R,
) -> Result<(Vec<u8>, Agreed, Vec<u8>), AgreementError> {
    check_ours(device, mine)?;
    if bundle.len() > MAX_BUNDLE {
        return Err(AgreementError::Encoding);
    }
    let (signature, encoded) = bundle
        .split_first_chunk::<64>()
        .ok_or(AgreementError::Encoding)?;
    theirs
        .verify(label::BUNDLE, encoded, signature)
        .map_err(|_| AgreementError::Signature)?;
    let bundle: Bundle<'_> = cbor::decode(encoded, MAX_BUNDLE).ok_or(AgreementError::Encoding)?;
    if bundle.version != VERSION || bundle.ratchet.len() > MAX_RATCHET_PUBLIC {
        return Err(AgreementError::Encoding);
    }
    let one_time = fixed(bundle.dh)?;

    let ephemeral = Secret::random(rng);
    let (ciphertext, shared) = kem::encapsulate(bundle.kem, rng)?;
    let sk = combine([
        &dh::agree(device.noise(), &one_time)?,
        &dh::agree(&ephemeral, &theirs.noise())?,
        &dh::agree(&ephemeral, &one_time)?,
        &shared,
    ]);
    let ad = associated_data(mine, theirs, bundle.kem);
    let initial = cbor::encode(&Initial {
        version: VERSION,
        ephemeral: &dh::public(&ephemeral),
        ciphertext: &ciphertext,
    });
    Ok((initial, Agreed { sk, ad }, bundle.ratchet.to_vec()))
}

/// Responder: reads the initiator's message and consumes the one-time keys.
///
/// # Errors
///
/// [`AgreementError`] when the message is not one, or a key of it is unusable.
pub fn respond(
    device: &DeviceKeys,
    mine: &DeviceCertificate,
    theirs: &DeviceCertificate,
    keys: OneTimeKeys,
    initial: &[u8],
) -> Result<Agreed, AgreementError> {
    check_ours(device, mine)?;
    let initial: Initial<'_> =
        cbor::decode(initial, MAX_INITIAL).ok_or(AgreementError::Encoding)?;
    if initial.version != VERSION {
        return Err(AgreementError::Encoding);
    }
    let ephemeral = fixed(initial.ephemeral)?;
    let sk = combine([
        &dh::agree(&keys.dh, &theirs.noise())?,
        &dh::agree(device.noise(), &ephemeral)?,
        &dh::agree(&keys.dh, &ephemeral)?,
        &kem::decapsulate(&keys.kem, initial.ciphertext)?,
    ]);
    let ad = associated_data(theirs, mine, &kem::public(&keys.kem));
    Ok(Agreed { sk, ad })
}

fn check_ours(device: &DeviceKeys, mine: &DeviceCertificate) -> Result<(), AgreementError> {
    if device.noise_public() == mine.noise() {
        Ok(())
    } else {
        Err(AgreementError::NotOurs)
    }
}

/// `HKDF(0^32, 0xFF^32 || DH1 || DH2 || DH3 || SS, info)`.
fn combine(parts: [&Secret<32>; 4]) -> Secret<32> {
    let mut ikm = Zeroizing::new(Vec::with_capacity(32 * 5));
    ikm.extend_from_slice(&[0xff; 32]);
    for part in parts {
        ikm.extend_from_slice(part.expose());
    }
    kdf::hkdf(&[0; 32], &ikm, &[label::AGREEMENT])
}

fn associated_data(
    initiator: &DeviceCertificate,
    responder: &DeviceCertificate,
    kem_public: &[u8],
) -> Vec<u8> {
    [
        label::AGREEMENT_AD,
        initiator.account().as_bytes(),
        responder.account().as_bytes(),
        &initiator.index().to_be_bytes(),
        &responder.index().to_be_bytes(),
        &kdf::sha256(&[kem_public]),
    ]
    .concat()
}

fn fixed(bytes: &[u8]) -> Result<[u8; 32], AgreementError> {
    bytes.try_into().map_err(|_| AgreementError::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::AccountKey;
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    struct Side {
        device: DeviceKeys,
        certificate: DeviceCertificate,
    }

    fn side(seed: u64, index: u32) -> Side {
        let mut rng = StdRng::seed_from_u64(seed);
        let account = AccountKey::generate(&mut rng);
        let device = DeviceKeys::generate(&mut rng);
        let certificate = DeviceCertificate::issue(&account, index, 1, &device, 0);
        Side {
            device,
            certificate,
        }
    }

    type Initiated = Result<(Vec<u8>, Agreed, Vec<u8>), AgreementError>;

    fn initiated(alice: &Side, bob: &Side, bundle: &[u8]) -> Initiated {
        initiate(
            &alice.device,
            &alice.certificate,
            &bob.certificate,
            bundle,
            &mut StdRng::seed_from_u64(9),
        )
    }

    fn responded(bob: &Side, alice: &Side, initial: &[u8]) -> Result<Agreed, AgreementError> {
        respond(
            &bob.device,
            &bob.certificate,
            &alice.certificate,
            one_time(),
            initial,
        )
    }

    fn one_time() -> OneTimeKeys {
        OneTimeKeys::generate(&mut StdRng::seed_from_u64(8))
    }

    fn resigned(device: &DeviceKeys, body: &[u8]) -> Vec<u8> {
        [&device.sign(label::BUNDLE, body)[..], body].concat()
    }

    #[test]
    fn both_sides_agree_and_the_ratchet_key_arrives() {
        let (alice, bob) = (side(1, 0), side(2, 3));
        let bundle = one_time().bundle(&bob.device, &[5; 1216]);
        let (initial, here, ratchet) = initiated(&alice, &bob, &bundle).expect("agrees");
        let there = responded(&bob, &alice, &initial)
            .map_err(drop)
            .expect("agrees");
        assert!(here.sk.same_as(&there.sk));
        assert_eq!(here.ad, there.ad);
        assert_eq!(ratchet, [5; 1216]);
        assert_eq!(here.ad.len(), 11 + 32 + 32 + 4 + 4 + 32);
        assert_eq!((bundle.len(), initial.len()), (2894, 1610));
    }

    /// The formula once more, step by step, from the private keys.
    #[test]
    fn the_secret_is_the_one_of_the_formula() {
        let (alice, bob) = (side(1, 0), side(2, 3));
        let keys = one_time();
        let bundle = keys.bundle(&bob.device, &[]);
        let (initial, agreed, _) = initiated(&alice, &bob, &bundle).expect("agrees");
        let initial: Initial<'_> = minicbor::decode(&initial).expect("ours");
        let ephemeral = initial.ephemeral.try_into().expect("32 bytes");
        let mut ikm = vec![0xff; 32];
        let (noise, shared) = (
            bob.device.noise(),
            kem::decapsulate(&keys.kem, initial.ciphertext),
        );
        ikm.extend(
            dh::agree(&keys.dh, &alice.device.noise_public())
                .expect("good")
                .expose(),
        );
        ikm.extend(dh::agree(noise, &ephemeral).expect("good").expose());
        ikm.extend(dh::agree(&keys.dh, &ephemeral).expect("good").expose());
        ikm.extend(shared.expect("good").expose());
        let expected = kdf::hkdf(&[], &ikm, &[b"solo2_CURVE25519_SHA-256_ML-KEM-1024"]);
        assert!(agreed.sk.same_as(&expected));
    }

    #[test]
    fn another_peer_on_either_side_agrees_on_nothing() {
        let (alice, bob, eve) = (side(1, 0), side(2, 0), side(3, 0));
        let bundle = one_time().bundle(&bob.device, &[]);
        let (initial, here, _) = initiated(&alice, &bob, &bundle).expect("agrees");
        let there = responded(&bob, &eve, &initial)
            .map_err(drop)
            .expect("a secret, another one");
        assert!(!here.sk.same_as(&there.sk));
        assert_ne!(here.ad, there.ad);
        // Eve's word for Bob's keys is not Bob's.
        assert_eq!(
            initiated(&alice, &eve, &bundle).err(),
            Some(AgreementError::Signature)
        );
    }

    #[test]
    fn a_bundle_with_any_byte_changed_is_refused() {
        let (alice, bob) = (side(1, 0), side(2, 0));
        let bundle = one_time().bundle(&bob.device, &[5; 32]);
        for place in (0..bundle.len()).step_by(7) {
            let mut damaged = bundle.clone();
            damaged[place] ^= 1;
            assert_eq!(
                initiated(&alice, &bob, &damaged).err(),
                Some(AgreementError::Signature)
            );
        }
        for wrong in [&[][..], &bundle[..63], &[0; 9000]] {
            assert_eq!(
                initiated(&alice, &bob, wrong).err(),
                Some(AgreementError::Encoding)
            );
        }
    }

    #[test]
    fn keys_that_would_fix_the_result_are_refused_even_when_signed() {
        let (alice, bob) = (side(1, 0), side(2, 0));
        let keys = one_time();
        let (good_dh, good_kem) = (dh::public(&keys.dh), kem::public(&keys.kem));
        let mut bad_kem = good_kem.clone();
        bad_kem[..2].copy_from_slice(&[0xff, 0xff]);
        for (version, dh, kem, expected) in [
            (1, &[0; 32], &good_kem, AgreementError::Key),
            (1, &good_dh, &bad_kem, AgreementError::Key),
            (2, &good_dh, &good_kem, AgreementError::Encoding),
        ] {
            let body = cbor::encode(&Bundle {
                version,
                dh,
                kem,
                ratchet: &[],
            });
            let bundle = resigned(&bob.device, &body);
            assert_eq!(initiated(&alice, &bob, &bundle).err(), Some(expected));
        }
        let initial = cbor::encode(&Initial {
            version: 1,
            ephemeral: &[0; 32],
            ciphertext: &[0; kem::CIPHERTEXT_LEN],
        });
        assert_eq!(
            responded(&bob, &alice, &initial).err(),
            Some(AgreementError::Key)
        );
    }

    #[test]
    fn a_forged_kem_ciphertext_agrees_on_nothing() {
        let (alice, bob) = (side(1, 0), side(2, 0));
        let bundle = one_time().bundle(&bob.device, &[]);
        let (mut initial, here, _) = initiated(&alice, &bob, &bundle).expect("agrees");
        *initial.last_mut().expect("not empty") ^= 1;
        let there = responded(&bob, &alice, &initial)
            .map_err(drop)
            .expect("implicit rejection");
        assert!(!here.sk.same_as(&there.sk));
    }

    #[test]
    fn a_certificate_of_other_keys_is_noticed_at_home() {
        let (alice, bob) = (side(1, 0), side(2, 0));
        let mixed = Side {
            device: side(4, 0).device,
            certificate: side(1, 0).certificate,
        };
        let bundle = one_time().bundle(&bob.device, &[]);
        assert_eq!(
            initiated(&mixed, &bob, &bundle).err(),
            Some(AgreementError::NotOurs)
        );
        assert_eq!(
            responded(&mixed, &alice, &[]).err(),
            Some(AgreementError::NotOurs)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (alice, bob) = (side(1, 0), side(2, 0));
            prop_assert!(initiated(&alice, &bob, &bytes).is_err());
            prop_assert!(initiated(&alice, &bob, &resigned(&bob.device, &bytes)).is_err());
            prop_assert!(responded(&bob, &alice, &bytes).is_err());
        }
    }
}

//! Project Wycheproof, through our own functions wherever they exist.
//!
//! Every "acceptable" case is decided here on purpose: an all-zero
//! Diffie-Hellman result is refused, anything else must compute as published.

#[path = "support/given.rs"]
mod given;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use given::Given;
use ml_kem::{Decapsulate as _, Encapsulate as _, KeyExport as _};
use solo2_crypto::identity::AccountId;
use solo2_crypto::secret::Secret;
use solo2_crypto::{aead, dh, kdf, kem};
use wycheproof::TestResult;

fn secret<const N: usize>(bytes: &[u8]) -> Option<Secret<N>> {
    Secret::from_slice(bytes)
}

#[test]
fn x25519_agrees_or_refuses_as_decided() {
    use wycheproof::xdh::{TestFlag, TestName, TestSet};
    let (mut agreed, mut refused) = (0, 0);
    for group in TestSet::load(TestName::X25519).expect("loads").test_groups {
        for test in group.tests {
            let id = test.tc_id;
            let Ok(public) = <[u8; 32]>::try_from(&test.public_key[..]) else {
                // Too long to be a key: our type cannot hold it.
                assert!(
                    test.result.must_fail() || test.flags.contains(&TestFlag::PublicKeyTooLong),
                    "{id}"
                );
                refused += 1;
                continue;
            };
            let private = secret(&test.private_key).expect("32 bytes");
            let zero = test.shared_secret.iter().all(|byte| *byte == 0);
            match dh::agree(&private, &public) {
                // Acceptable cases here: points on the twist and non-canonical ones
                // compute as RFC 7748 says, which masks and reduces them.
                Ok(shared) => {
                    assert!(!test.result.must_fail() && !zero, "{id}");
                    assert_eq!(shared.expose()[..], test.shared_secret[..], "{id}");
                    assert!(dh::is_usable(&public), "{id}");
                    agreed += 1;
                }
                // Acceptable, and refused: points of small order.
                Err(_) => {
                    assert!(zero && test.result != TestResult::Valid, "{id}");
                    assert!(test.flags.contains(&TestFlag::ZeroSharedSecret), "{id}");
                    assert!(!dh::is_usable(&public), "{id}");
                    refused += 1;
                }
            }
        }
    }
    assert!(agreed > 400 && refused >= 20, "{agreed} {refused}");
}

#[test]
fn ed25519_is_verified_strictly() {
    use wycheproof::eddsa::{TestName, TestSet};
    let (mut accepted, mut refused) = (0, 0);
    for group in TestSet::load(TestName::Ed25519).expect("loads").test_groups {
        let id = <[u8; 32]>::try_from(&group.key.pk[..]).expect("32 bytes");
        let id = AccountId::from_bytes(&id).expect("an honest key");
        for test in group.tests {
            let verified = <[u8; 64]>::try_from(&test.sig[..])
                .is_ok_and(|signature| id.verify(b"", &test.msg, &signature).is_ok());
            // No case is merely acceptable: malleable and padded signatures are invalid.
            assert_ne!(test.result, TestResult::Acceptable);
            assert_eq!(verified, test.result == TestResult::Valid, "{}", test.tc_id);
            *(if verified {
                &mut accepted
            } else {
                &mut refused
            }) += 1;
        }
    }
    assert!(accepted > 60 && refused > 50, "{accepted} {refused}");
}

#[test]
fn xchacha20_poly1305_seals_and_opens() {
    use wycheproof::aead::{TestName, TestSet};
    let mut run = 0;
    let set = TestSet::load(TestName::XChaCha20Poly1305).expect("loads");
    for group in set.test_groups {
        for test in group.tests {
            let id = test.tc_id;
            assert_ne!(test.result, TestResult::Acceptable);
            let Some(key) = secret(&test.key).filter(|_| test.nonce.len() == 24) else {
                assert!(test.result.must_fail(), "{id}");
                continue;
            };
            let sealed = [&test.nonce[..], &test.ct, &test.tag].concat();
            let opened = aead::open(&key, &sealed, &test.aad);
            if test.result == TestResult::Valid {
                assert_eq!(opened.expect("valid")[..], test.pt[..], "{id}");
                let mut rng = Given::new(&test.nonce);
                assert_eq!(
                    aead::seal(&key, &test.pt, &test.aad, &mut rng),
                    sealed,
                    "{id}"
                );
            } else {
                assert!(opened.is_err(), "{id}");
            }
            run += 1;
        }
    }
    assert!(run > 250, "{run}");
}

#[test]
fn aes_256_gcm_seals_and_opens() {
    use wycheproof::aead::{TestName, TestSet};
    let mut run = 0;
    for group in TestSet::load(TestName::AesGcm).expect("loads").test_groups {
        // We have one key size, one nonce size and whole tags; the types hold no other.
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            let id = test.tc_id;
            assert_ne!(test.result, TestResult::Acceptable);
            let key = secret(&test.key).expect("32 bytes");
            let nonce = test.nonce[..].try_into().expect("12 bytes");
            let sealed = [&test.ct[..], &test.tag].concat();
            let opened = aead::open_gcm(&key, nonce, &sealed, &test.aad);
            if test.result == TestResult::Valid {
                assert_eq!(opened.expect("valid")[..], test.pt[..], "{id}");
                assert_eq!(
                    aead::seal_gcm(&key, nonce, &test.pt, &test.aad),
                    sealed,
                    "{id}"
                );
            } else {
                assert!(opened.is_err(), "{id}");
            }
            run += 1;
        }
    }
    assert!(run > 50, "{run}");
}

/// Noise's cipher. Noise fixes four bytes of the nonce, so the crate itself is asked.
#[test]
fn chacha20_poly1305_seals_and_opens() {
    use wycheproof::aead::{TestName, TestSet};
    let mut run = 0;
    let set = TestSet::load(TestName::ChaCha20Poly1305).expect("loads");
    for group in set.test_groups {
        for test in group.tests {
            let id = test.tc_id;
            assert_ne!(test.result, TestResult::Acceptable);
            let Ok(nonce) = <[u8; 12]>::try_from(&test.nonce[..]) else {
                assert!(test.result.must_fail(), "{id}");
                continue;
            };
            let cipher =
                chacha20poly1305::ChaCha20Poly1305::new_from_slice(&test.key).expect("32 bytes");
            let payload = |msg| Payload {
                msg,
                aad: &test.aad,
            };
            let sealed = [&test.ct[..], &test.tag].concat();
            let opened = cipher.decrypt(&nonce.into(), payload(&sealed));
            if test.result == TestResult::Valid {
                assert_eq!(opened.expect("valid")[..], test.pt[..], "{id}");
                let again = cipher.encrypt(&nonce.into(), payload(&test.pt));
                assert_eq!(again.expect("fits"), sealed, "{id}");
            } else {
                assert!(opened.is_err(), "{id}");
            }
            run += 1;
        }
    }
    assert!(run > 250, "{run}");
}

#[test]
fn hkdf_sha256_derives_as_published() {
    use wycheproof::hkdf::{TestName, TestSet};
    const LONGEST: usize = 255 * 32;
    let mut run = 0;
    for group in TestSet::load(TestName::HkdfSha256)
        .expect("loads")
        .test_groups
    {
        for test in group.tests {
            assert_ne!(test.result, TestResult::Acceptable);
            if test.size > LONGEST {
                // Refused at compile time.
                assert!(test.result.must_fail(), "{}", test.tc_id);
                continue;
            }
            assert_eq!(test.result, TestResult::Valid);
            // Shorter outputs are the beginning of the longest.
            let okm = kdf::hkdf::<LONGEST>(&test.salt, &test.ikm, &[&test.info]);
            assert_eq!(okm.expose()[..test.size], test.okm[..], "{}", test.tc_id);
            run += 1;
        }
    }
    assert!(run > 80, "{run}");
}

#[test]
fn hmac_sha256_authenticates_as_published() {
    use wycheproof::mac::{TestName, TestSet};
    let mut run = 0;
    for group in TestSet::load(TestName::HmacSha256)
        .expect("loads")
        .test_groups
    {
        for test in group.tests {
            assert_ne!(test.result, TestResult::Acceptable);
            let tag = kdf::hmac(&test.key, &[&test.msg]);
            let same = tag.expose()[..group.tag_size / 8] == test.tag[..];
            assert_eq!(same, test.result == TestResult::Valid, "{}", test.tc_id);
            run += 1;
        }
    }
    assert!(run > 150, "{run}");
}

mod mlkem {
    use super::*;
    use wycheproof::mlkem::{Test, TestName, TestSet};

    type Encapsulated = Option<(Vec<u8>, Secret<32>)>;

    /// What one parameter set does, as bytes.
    struct Functions {
        public: fn(&Secret<64>) -> Vec<u8>,
        encapsulate: fn(&[u8], &[u8]) -> Encapsulated,
        decapsulate: fn(&Secret<64>, &[u8]) -> Option<Secret<32>>,
    }

    /// Agreements use ML-KEM-1024, by our own wrapper.
    const MLKEM_1024: Functions = Functions {
        public: kem::public,
        encapsulate: |public, drawn| kem::encapsulate(public, &mut Given::new(drawn)).ok(),
        decapsulate: |seed, ciphertext| kem::decapsulate(seed, ciphertext).ok(),
    };

    /// The ratchet and X-Wing use ML-KEM-768, from the same crate.
    const MLKEM_768: Functions = Functions {
        public: |seed| key_768(seed).encapsulation_key().to_bytes().to_vec(),
        encapsulate: |public, drawn| {
            let key = ml_kem::EncapsulationKey768::new(public.try_into().ok()?).ok()?;
            let (ciphertext, shared) = key.encapsulate_with_rng(&mut Given::new(drawn));
            Some((ciphertext.to_vec(), secret(&shared)?))
        },
        decapsulate: |seed, ciphertext| {
            secret(&key_768(seed).decapsulate(ciphertext.try_into().ok()?))
        },
    };

    fn key_768(seed: &Secret<64>) -> ml_kem::DecapsulationKey768 {
        ml_kem::DecapsulationKey768::from_seed((*seed.expose()).into())
    }

    fn tests(name: TestName) -> impl Iterator<Item = Test> {
        let set = TestSet::load(name).expect("loads");
        set.test_groups.into_iter().flat_map(|group| group.tests)
    }

    fn run(functions: &Functions, keys: TestName, encaps: TestName, decaps: TestName) {
        let mut counts = [0; 3];
        for test in tests(keys) {
            assert_eq!(test.result, TestResult::Valid);
            let seed = secret(&test.seed.expect("a seed")).expect("64 bytes");
            let public = (functions.public)(&seed);
            assert_eq!(
                public,
                test.encaps_key.expect("a key")[..],
                "{}",
                test.tc_id
            );
            counts[0] += 1;
        }
        for test in tests(encaps) {
            assert_ne!(test.result, TestResult::Acceptable);
            let (public, drawn) = (test.encaps_key.expect("a key"), test.msg.expect("a draw"));
            let made = (functions.encapsulate)(&public, &drawn);
            if test.result == TestResult::Valid {
                let (ciphertext, shared) = made.expect("valid");
                assert_eq!(
                    ciphertext,
                    test.ct.expect("a ciphertext")[..],
                    "{}",
                    test.tc_id
                );
                let expected = test.shared_secret.expect("a secret");
                assert_eq!(shared.expose()[..], expected[..], "{}", test.tc_id);
            } else {
                // Coefficients of 3329 and more, and wrong lengths.
                assert!(made.is_none(), "{}", test.tc_id);
            }
            counts[1] += 1;
        }
        for test in tests(decaps) {
            assert_ne!(test.result, TestResult::Acceptable);
            let seed = secret(&test.seed.expect("a seed"));
            let shared = seed
                .and_then(|seed| (functions.decapsulate)(&seed, &test.ct.expect("a ciphertext")));
            if test.result == TestResult::Valid {
                // Some are forged: they decapsulate to what implicit rejection gives.
                let expected = test.shared_secret.expect("a secret");
                assert_eq!(
                    shared.expect("valid").expose()[..],
                    expected[..],
                    "{}",
                    test.tc_id
                );
            } else {
                assert!(shared.is_none(), "{}", test.tc_id);
            }
            counts[2] += 1;
        }
        assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
    }

    #[test]
    fn ml_kem_1024_is_that_of_fips_203() {
        run(
            &MLKEM_1024,
            TestName::MlKem1024KeyGenSeed,
            TestName::MlKem1024Encaps,
            TestName::MlKem1024,
        );
    }

    #[test]
    fn ml_kem_768_is_that_of_fips_203() {
        run(
            &MLKEM_768,
            TestName::MlKem768KeyGenSeed,
            TestName::MlKem768Encaps,
            TestName::MlKem768,
        );
    }
}

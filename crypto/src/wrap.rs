//! The 80-byte wrap: the entropy `E` under a password.
//!
//! ```text
//! wrap = ver 1 | m MiB 1 | t 1 | p 1 | salt 16 | nonce 12 | AES-256-GCM(E) 32 | tag 16
//! A    = Argon2id(NFKC(password), salt, m, t, p, 64)
//! key  = HKDF-Expand(A[0..32], "solo2/wrap"),  AAD = "solo2/wrap/v1" || wrap[0..20] || context
//! ```
//!
//! The cost is part of the wrap, so it arrives from wherever the wrap was kept:
//! it is held against floors and ceilings before any memory is taken.
//! How good the password is, is the caller's question.
//! Spec: docs/protocol/1-keys.md §2; RFC 9106; NIST SP 800-38D.

use argon2::{Algorithm, Argon2, Block, Version};
use rand_core::CryptoRng;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::aead;
use crate::kdf;
use crate::label;
use crate::secret::Secret;

/// Bytes in a wrap, always.
pub const WRAP_LEN: usize = 80;

const VERSION: u8 = 1;
const HEADER_LEN: usize = 4 + 16;
const MEMORY_MIB: std::ops::RangeInclusive<u8> = 19..=192;
const PASSES: std::ops::RangeInclusive<u8> = 2..=16;
const LANES: std::ops::RangeInclusive<u8> = 1..=4;

/// What one guess at a password costs. Exists only within the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params {
    memory_mib: u8,
    passes: u8,
    lanes: u8,
}

impl Params {
    /// OWASP's floor: 19 MiB, two passes. For machines with little memory, and for tests.
    pub const FLOOR: Self = Self {
        memory_mib: *MEMORY_MIB.start(),
        passes: *PASSES.start(),
        lanes: *LANES.start(),
    };

    /// Checks a cost: 19 to 192 MiB, 2 to 16 passes, 1 to 4 lanes.
    ///
    /// # Errors
    ///
    /// [`ParamsError`] outside these bounds.
    pub fn new(memory_mib: u8, passes: u8, lanes: u8) -> Result<Self, ParamsError> {
        if MEMORY_MIB.contains(&memory_mib) && PASSES.contains(&passes) && LANES.contains(&lanes) {
            Ok(Self {
                memory_mib,
                passes,
                lanes,
            })
        } else {
            Err(ParamsError {
                memory_mib,
                passes,
                lanes,
            })
        }
    }
}

impl Default for Params {
    /// 64 MiB, three passes, one lane.
    fn default() -> Self {
        Self {
            memory_mib: 64,
            passes: 3,
            lanes: 1,
        }
    }
}

/// A cost that is too low to protect or too high to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "password cost out of bounds: {memory_mib} MiB, {passes} passes, {lanes} lanes \
     (allowed: 19 to 192 MiB, 2 to 16 passes, 1 to 4 lanes)"
)]
pub struct ParamsError {
    memory_mib: u8,
    passes: u8,
    lanes: u8,
}

/// Why a wrap was not made or not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// The tag did not match: another password, another context, or a damaged wrap.
    /// The three cannot be told apart, or each would answer a question of its own.
    #[error("wrong password")]
    WrongPassword,
    /// Damaged, or made by a later version.
    #[error("unknown wrap version {0}")]
    Version(u8),
    /// Damaged or hostile: refused before any memory was taken.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// This machine has not the memory that the cost asks for.
    #[error("not enough memory to derive the key: {0} MiB needed")]
    Memory(u8),
}

/// Wraps `entropy` under `password`; `context` (the account, or nothing) must be given again to open it.
///
/// # Errors
///
/// [`WrapError::Memory`] when the machine cannot pay `params`.
pub fn wrap<R: CryptoRng>(
    entropy: &Secret<32>,
    password: &str,
    context: &[u8],
    params: Params,
    rng: &mut R,
) -> Result<[u8; WRAP_LEN], WrapError> {
    let mut header = [0; HEADER_LEN];
    let (cost, salt) = header.split_at_mut(4);
    cost.copy_from_slice(&[VERSION, params.memory_mib, params.passes, params.lanes]);
    rng.fill_bytes(salt);
    let mut nonce = [0; 12];
    rng.fill_bytes(&mut nonce);

    let key = derive(password, salt, params)?;
    let sealed = aead::seal_gcm(&key, &nonce, entropy.expose(), &ad(&header, context));

    let mut wrap = [0; WRAP_LEN];
    let parts = header.iter().chain(&nonce).chain(&sealed);
    for (place, byte) in wrap.iter_mut().zip(parts) {
        *place = *byte;
    }
    Ok(wrap)
}

/// Opens what [`wrap`] made.
///
/// # Errors
///
/// [`WrapError`]: a wrong password looks like a damaged ciphertext, on purpose.
pub fn unwrap(
    wrap: &[u8; WRAP_LEN],
    password: &str,
    context: &[u8],
) -> Result<Secret<32>, WrapError> {
    let (header, body) = wrap
        .split_first_chunk::<HEADER_LEN>()
        .expect("80 is more than 20");
    let (nonce, sealed) = body.split_first_chunk::<12>().expect("60 is more than 12");
    let ([version, memory_mib, passes, lanes], salt) =
        header.split_first_chunk::<4>().expect("20 is more than 4");
    if *version != VERSION {
        return Err(WrapError::Version(*version));
    }
    let params = Params::new(*memory_mib, *passes, *lanes)?;
    let key = derive(password, salt, params)?;
    let entropy = aead::open_gcm(&key, nonce, sealed, &ad(header, context))
        .map_err(|_| WrapError::WrongPassword)?;
    Secret::from_slice(&entropy).ok_or(WrapError::WrongPassword)
}

fn ad(header: &[u8; HEADER_LEN], context: &[u8]) -> Vec<u8> {
    [label::WRAP_AD, header, context].concat()
}

/// `HKDF-Expand(Argon2id(NFKC(password), salt, params, 64)[0..32], "solo2/wrap", 32)`.
fn derive(password: &str, salt: &[u8], params: Params) -> Result<Secret<32>, WrapError> {
    let out_of_memory = WrapError::Memory(params.memory_mib);
    let cost = argon2::Params::new(
        u32::from(params.memory_mib) * 1024,
        u32::from(params.passes),
        u32::from(params.lanes),
        Some(64),
    )
    .expect("our bounds lie within Argon2's");

    // NFKC expands one character to at most 18.
    let mut normal = Zeroizing::new(String::with_capacity(password.len().saturating_mul(18)));
    normal.extend(password.nfkc());

    // The memory is ours, so that it can be refused politely and wiped afterwards.
    let blocks = cost.block_count();
    let mut memory = Zeroizing::new(Vec::new());
    memory
        .try_reserve_exact(blocks)
        .map_err(|_| out_of_memory)?;
    memory.resize(blocks, Block::new());

    let mut derived = Zeroizing::new([0; 64]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, cost)
        .hash_password_into_with_memory(
            normal.as_bytes(),
            salt,
            derived.as_mut_slice(),
            memory.as_mut_slice(),
        )
        .map_err(|_| out_of_memory)?;
    let first = derived.first_chunk::<32>().expect("64 is more than 32");
    Ok(kdf::expand(first, &[label::WRAP_KEY]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    fn made(password: &str) -> [u8; WRAP_LEN] {
        let mut rng = StdRng::seed_from_u64(5);
        wrap(
            &Secret::new(&[9; 32]),
            password,
            b"account",
            Params::FLOOR,
            &mut rng,
        )
        .expect("19 MiB are there")
    }

    fn refused(wrap: &[u8; WRAP_LEN], password: &str, context: &[u8]) -> WrapError {
        unwrap(wrap, password, context)
            .err()
            .expect("must not open")
    }

    #[test]
    fn the_right_password_opens() {
        let opened = unwrap(&made("correct horse"), "correct horse", b"account");
        assert_eq!(opened.map_err(drop).expect("opens").expose(), &[9; 32]);
    }

    #[test]
    fn one_password_in_two_unicode_forms_is_one_password() {
        let opened = unwrap(&made("p\u{e4}ss\u{fb01}"), "pa\u{308}ssfi", b"account");
        assert!(opened.is_ok());
    }

    #[test]
    fn a_wrong_password_a_wrong_account_and_damage_look_alike() {
        let good = made("a");
        assert_eq!(refused(&good, "b", b"account"), WrapError::WrongPassword);
        assert_eq!(refused(&good, "", b"account"), WrapError::WrongPassword);
        assert_eq!(refused(&good, "a", b"other"), WrapError::WrongPassword);
        for place in [2, 3, 4, 19, 20, 31, 32, 63, 64, 79] {
            let mut damaged = good;
            // A bit whose flip keeps the cost within its bounds.
            damaged[place] ^= if place == 3 { 3 } else { 1 };
            assert_eq!(
                refused(&damaged, "a", b"account"),
                WrapError::WrongPassword,
                "byte {place}"
            );
        }
    }

    #[test]
    fn the_header_is_what_the_protocol_says() {
        let wrap = made("a");
        assert_eq!(wrap.len(), 80);
        assert_eq!(wrap[..4], [1, 19, 2, 1]);
        let default = Params::default();
        assert_eq!(
            (default.memory_mib, default.passes, default.lanes),
            (64, 3, 1)
        );
    }

    #[test]
    fn a_cost_out_of_bounds_is_refused_before_memory_is_taken() {
        for (place, byte) in [
            (1, 18),
            (1, 193),
            (1, 255),
            (2, 0),
            (2, 1),
            (2, 17),
            (3, 0),
            (3, 5),
        ] {
            let mut hostile = made("a");
            hostile[place] = byte;
            assert!(matches!(
                refused(&hostile, "a", b"account"),
                WrapError::Params(_)
            ));
        }
        let mut later = made("a");
        later[0] = 2;
        assert_eq!(refused(&later, "a", b"account"), WrapError::Version(2));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn random_headers_never_panic(head: [u8; 4]) {
            // Those within the bounds would only spend the test's time.
            prop_assume!(Params::new(head[1], head[2], head[3]).is_err());
            let mut wrap = [0; WRAP_LEN];
            wrap[..4].copy_from_slice(&head);
            prop_assert!(unwrap(&wrap, "a", b"").is_err());
        }
    }
}

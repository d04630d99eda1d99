//! Safety numbers: 60 digits, the same on both sides, that two people compare.
//!
//! Signal's NumericFingerprint, version 2: 5,200 rounds of SHA-512 over each
//! side's key, 30 digits from each, the smaller half first. An account has no
//! identifier besides its key, so the key stands in both places.
//! Spec: docs/protocol/1-keys.md §4.

use sha2::{Digest as _, Sha512};
use subtle::ConstantTimeEq as _;

use super::AccountId;

/// Bytes in a QR code's payload: a version and both sides' hashes.
pub const QR_LEN: usize = 1 + 32 + 32;

const ITERATIONS: u32 = 5200;
const QR_VERSION: u8 = 1;

/// The 60 digits, without spaces; show them in twelve groups of five.
#[must_use]
pub fn safety_number(a: &AccountId, b: &AccountId) -> String {
    let (a, b) = (digits(&hash_of(a)), digits(&hash_of(b)));
    if a <= b { a + &b } else { b + &a }
}

/// What to show as a QR code: `0x01 || hash(mine) || hash(theirs)`.
#[must_use]
pub fn qr_payload(mine: &AccountId, theirs: &AccountId) -> [u8; QR_LEN] {
    let (mine, theirs) = (hash_of(mine), hash_of(theirs));
    let mut payload = [QR_VERSION; QR_LEN];
    let parts = mine.iter().take(32).chain(theirs.iter().take(32));
    for (place, byte) in payload.iter_mut().skip(1).zip(parts) {
        *place = *byte;
    }
    payload
}

/// Whether a scanned payload is what `theirs` would show to `mine`.
#[must_use]
pub fn qr_matches(mine: &AccountId, theirs: &AccountId, scanned: &[u8]) -> bool {
    qr_payload(theirs, mine).ct_eq(scanned).into()
}

fn hash_of(id: &AccountId) -> [u8; 64] {
    hash(id.as_bytes(), id.as_bytes())
}

/// `h0 = SHA-512(0x0000 || key || identifier || key)`, `h(i+1) = SHA-512(h(i) || key)`.
fn hash(key: &[u8], identifier: &[u8]) -> [u8; 64] {
    let mut hash = Sha512::new()
        .chain_update([0, 0])
        .chain_update(key)
        .chain_update(identifier)
        .chain_update(key)
        .finalize();
    for _ in 1..ITERATIONS {
        hash = Sha512::new()
            .chain_update(hash)
            .chain_update(key)
            .finalize();
    }
    hash.into()
}

/// Six groups of five bytes, each as a number below 100,000.
fn digits(hash: &[u8; 64]) -> String {
    let (groups, _) = hash.as_chunks::<5>();
    groups
        .iter()
        .take(6)
        .map(|group| {
            let number = group
                .iter()
                .fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte));
            format!("{:05}", number % 100_000)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::AccountKey;
    use crate::secret::Secret;

    fn account(seed: u8) -> AccountId {
        AccountKey::from_secret(Secret::new(&[seed; 32])).public()
    }

    /// libsignal, rust/protocol/src/fingerprint.rs, its two test identities.
    #[test]
    fn the_digits_are_those_that_signal_publishes() {
        let alice =
            hex::decode("0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868")
                .expect("hex");
        let bob = hex::decode("05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b")
            .expect("hex");
        let (alice, bob) = (
            digits(&hash(&alice, b"+14152222222")),
            digits(&hash(&bob, b"+14153333333")),
        );
        assert_eq!(
            alice + &bob,
            "300354477692869396892869876765458257569162576843440918079131"
        );
    }

    #[test]
    fn both_sides_read_the_same_60_digits() {
        let (alice, bob, eve) = (account(1), account(2), account(3));
        let number = safety_number(&alice, &bob);
        assert_eq!(number, safety_number(&bob, &alice));
        assert_eq!(number.len(), 60);
        assert!(number.bytes().all(|b| b.is_ascii_digit()));
        assert_ne!(number, safety_number(&alice, &eve));
    }

    #[test]
    fn a_qr_code_matches_only_the_other_side() {
        let (alice, bob, eve) = (account(1), account(2), account(3));
        let shown = qr_payload(&bob, &alice);
        assert!(qr_matches(&alice, &bob, &shown));
        assert!(!qr_matches(&bob, &alice, &shown));
        assert!(!qr_matches(&alice, &eve, &shown));
        assert!(!qr_matches(&alice, &bob, &shown[1..]));
        assert!(!qr_matches(&alice, &bob, &[]));
    }
}

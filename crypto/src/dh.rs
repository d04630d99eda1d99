//! X25519 (RFC 7748) that refuses an all-zero result.
//!
//! A peer who sends a point of small order would otherwise choose the shared
//! secret for both sides (RFC 7748 §6.1).

use x25519_dalek::{PublicKey, StaticSecret};

use crate::secret::Secret;

/// The public key is a point of small order: the shared secret would be all zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("public key of small order")]
pub struct SmallOrder;

/// `X25519(secret, 9)`: the public key.
#[must_use]
pub fn public(secret: &Secret<32>) -> [u8; 32] {
    PublicKey::from(&StaticSecret::from(*secret.expose())).to_bytes()
}

/// `X25519(secret, public)`.
///
/// # Errors
///
/// [`SmallOrder`] when the result would be all zeros.
pub fn agree(secret: &Secret<32>, public: &[u8; 32]) -> Result<Secret<32>, SmallOrder> {
    let shared = StaticSecret::from(*secret.expose()).diffie_hellman(&PublicKey::from(*public));
    if shared.was_contributory() {
        Ok(Secret::new(shared.as_bytes()))
    } else {
        Err(SmallOrder)
    }
}

/// Whether every secret agrees with this key on something other than zeros.
#[must_use]
pub fn is_usable(public: &[u8; 32]) -> bool {
    // Clamped scalars are multiples of the cofactor: one tells for all.
    agree(&Secret::new(&[0; 32]), public).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The points of small order, canonical and not: Bernstein's list,
    /// <https://cr.yp.to/ecdh.html#validate>, twist and upper-bit variants included.
    const SMALL_ORDER: [&str; 7] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];

    #[test]
    fn points_of_small_order_are_refused() {
        for text in SMALL_ORDER {
            let mut point = [0; 32];
            hex::decode_to_slice(text, &mut point).expect("hex");
            for top in [0, 0x80] {
                point[31] = (point[31] & 0x7f) | top;
                assert!(agree(&Secret::new(&[42; 32]), &point).is_err(), "{text}");
                assert!(!is_usable(&point), "{text}");
            }
        }
    }

    #[test]
    fn both_sides_agree() {
        let (ours, theirs) = (Secret::new(&[1; 32]), Secret::new(&[2; 32]));
        let here = agree(&ours, &public(&theirs)).expect("a good key");
        let there = agree(&theirs, &public(&ours)).expect("a good key");
        assert!(here.same_as(&there));
        assert!(is_usable(&public(&ours)));
    }
}

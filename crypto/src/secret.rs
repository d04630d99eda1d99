//! Secrets as types: boxed, wiped on drop, silent.
//!
//! [`Secret`] has no `Debug`, `Clone`, `PartialEq` or serialization on purpose:
//! a secret leaves its type only through [`Secret::expose`], the one word to
//! search for in a review.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// `N` secret bytes on the heap (so that a move leaves no copy behind), wiped on drop.
pub struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// Takes over bytes that the caller already holds; the caller's copy is its own to wipe.
    #[must_use]
    pub fn new(bytes: &[u8; N]) -> Self {
        Self::fill(|place| place.copy_from_slice(bytes))
    }

    /// Creates a secret in place: `write` gets `N` zero bytes to overwrite.
    pub fn fill(write: impl FnOnce(&mut [u8; N])) -> Self {
        let mut place = Box::new([0; N]);
        write(&mut place);
        Self(place)
    }

    /// Draws a fresh secret from `rng`.
    pub fn random<R: CryptoRng>(rng: &mut R) -> Self {
        Self::fill(|place| rng.fill_bytes(place))
    }

    /// Reads a secret from exactly `N` bytes; `None` for any other length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::new)
    }

    /// The bytes themselves. Do not copy them into anything that is not wiped.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// A second owner of the same bytes, spelled out because it should be rare.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::new(&self.0)
    }

    /// Compares in constant time.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

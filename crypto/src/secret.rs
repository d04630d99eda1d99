//! Secrets as types: at one place in memory, wiped on drop, silent.
//!
//! They live in pages of their own, so that a program can keep just these from being swapped
//! to a disk, within the little that a system lets it lock: see [`keep_pages_with`].
//!
//! [`Secret`] has no `Debug`, `Clone`, `PartialEq` or serialization on purpose:
//! a secret leaves its type only through [`Secret::expose`], the one word to
//! search for in a review.

use std::sync::{Mutex, OnceLock, PoisonError};

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// The longest secret that gets a place in a page of secrets, bytes: every key there is.
const LONGEST: usize = 96;
/// Bytes of a page of memory.
const PAGE: usize = 4096;

/// One place for a secret; all zeros while it is free.
type Slot = &'static mut [u8; LONGEST];

/// A page that is never given back, so that whoever locked it need not think of it again.
#[repr(align(4096))]
struct Page([[u8; LONGEST]; PAGE / LONGEST]);

static FREE: Mutex<Vec<Slot>> = Mutex::new(Vec::new());
static KEEPER: OnceLock<fn(*const u8, usize)> = OnceLock::new();

/// Has `keep` called with the address and length of every page that is to hold secrets, before
/// it holds any. The first call counts; pages from before it are not told of.
pub fn keep_pages_with(keep: fn(start: *const u8, length: usize)) {
    let _ = KEEPER.set(keep);
}

fn take_slot() -> Slot {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(slot) = free.pop() {
            return slot;
        }
        let page = Box::leak(Box::new(Page([[0; LONGEST]; PAGE / LONGEST])));
        if let Some(keep) = KEEPER.get() {
            keep(std::ptr::from_ref(page).cast(), size_of::<Page>());
        }
        free.extend(page.0.iter_mut());
    }
}

/// `N` secret bytes at one place (so that a move leaves no copy behind), wiped on drop.
pub struct Secret<const N: usize>(Place<N>);

enum Place<const N: usize> {
    /// In a page of secrets; empty only while it is dropped.
    Slot(Option<Slot>),
    /// Longer than a place there.
    Heap(Box<[u8; N]>),
}

impl<const N: usize> Secret<N> {
    /// Takes over bytes that the caller already holds; the caller's copy is its own to wipe.
    #[must_use]
    pub fn new(bytes: &[u8; N]) -> Self {
        Self::fill(|place| place.copy_from_slice(bytes))
    }

    /// Creates a secret in place: `write` gets `N` zero bytes to overwrite.
    pub fn fill(write: impl FnOnce(&mut [u8; N])) -> Self {
        // Owned before it is written: a `write` that panics leaves nothing behind.
        let mut secret = Self(match N <= LONGEST {
            true => Place::Slot(Some(take_slot())),
            false => Place::Heap(Box::new([0; N])),
        });
        match &mut secret.0 {
            Place::Slot(slot) => {
                if let Some(place) = slot.as_mut().and_then(|slot| slot.first_chunk_mut()) {
                    write(place);
                }
            }
            Place::Heap(place) => write(place),
        }
        secret
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
        match &self.0 {
            // It has a place until it is dropped, and that is long enough.
            Place::Slot(slot) => slot
                .as_ref()
                .and_then(|slot| slot.first_chunk())
                .unwrap_or(&[0; N]),
            Place::Heap(place) => place,
        }
    }

    /// A second owner of the same bytes, spelled out because it should be rare.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::new(self.expose())
    }

    /// Compares in constant time.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.expose()
            .as_slice()
            .ct_eq(other.expose().as_slice())
            .into()
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        match &mut self.0 {
            Place::Slot(slot) => {
                if let Some(slot) = slot.take() {
                    slot.zeroize();
                    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
                    free.push(slot);
                }
            }
            Place::Heap(place) => place.zeroize(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_wiped_before_another_secret_gets_it() {
        for round in 1..=200_u8 {
            let held: Vec<_> = (0..50).map(|_| Secret::new(&[round; 32])).collect();
            let long = Secret::new(&[round; 500]);
            assert_eq!(*long.expose(), [round; 500]);
            let (own, next) = (Secret::new(&[round; 96]), Secret::<32>::fill(|_| {}));
            assert_eq!(*next.expose(), [0; 32], "what was there before is gone");
            assert!(held.iter().all(|secret| *secret.expose() == [round; 32]));
            assert_eq!(*own.expose(), [round; 96]);
        }
        let free = FREE.lock().expect("lock");
        assert!(free.iter().all(|slot| **slot == [0; LONGEST]));
    }

    #[test]
    fn pages_are_whole_and_at_the_border_of_one() {
        assert_eq!((align_of::<Page>(), size_of::<Page>()), (PAGE, PAGE));
    }
}

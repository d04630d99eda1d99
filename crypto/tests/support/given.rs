//! Randomness that a published vector prescribes.

use std::collections::VecDeque;
use std::convert::Infallible;

/// A generator that gives exactly these bytes, then panics.
pub(crate) struct Given(VecDeque<u8>);

impl Given {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(bytes.iter().copied().collect())
    }
}

impl rand_core::TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, place: &mut [u8]) -> Result<(), Infallible> {
        for byte in place {
            *byte = self.0.pop_front().expect("the vector prescribes no more");
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Given {}

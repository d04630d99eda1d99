//! A ratchet at rest.
//!
//! Fixed fields under a version byte, not CBOR: a program that skipped a field it does not
//! know would forget a secret that matters, so an unknown version is refused whole.

use zeroize::Zeroizing;

use super::Ratchet;
use super::chain::{ChainKey, ReceivingChain, SendingChain};
use super::kem::KEM_CIPHERTEXT_LEN;
use super::keys::{RATCHET_SECRET_LEN, RatchetKeys};
use super::skipped::SkippedKeys;
use crate::wire::{Malformed, Reader, Writer};

const VERSION: u8 = 1;

/// A saved state cannot be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Written by another version of this program.
    #[error("saved session of unknown version {0}")]
    Version(u8),
    /// Not what we wrote.
    #[error("saved session is damaged")]
    Malformed,
}

impl From<Malformed> for RestoreError {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

impl Ratchet {
    /// The whole state, secrets included. The same state always gives the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let Self {
            ad,
            root,
            ours,
            sending,
            next_sending_header_key,
            receiving,
            next_receiving_header_key,
            skipped,
            sent,
            received,
        } = self;
        let chains = 2 * (1 + 32 + 32 + 4 + 4) + KEM_CIPHERTEXT_LEN;
        let fixed = 1 + 4 + 3 * 32 + RATCHET_SECRET_LEN + chains + 8 + 8;
        let mut writer = Writer::with_capacity(fixed + ad.len() + skipped.encoded_len());
        writer
            .u8(VERSION)
            .prefixed(ad)
            .secret(root)
            .bytes(&ours.to_bytes())
            .flag(sending.is_some());
        if let Some(chain) = sending {
            writer
                .secret(chain.key.secret())
                .secret(&chain.header_key)
                .u32(chain.number)
                .u32(chain.previous)
                .bytes(chain.ciphertext.as_slice());
        }
        writer
            .secret(next_sending_header_key)
            .flag(receiving.is_some());
        if let Some(chain) = receiving {
            writer
                .secret(chain.key.secret())
                .secret(&chain.header_key)
                .u32(chain.number);
        }
        writer
            .secret(next_receiving_header_key)
            .u64(*sent)
            .u64(*received);
        skipped.write(&mut writer);
        writer.finish()
    }

    /// Reads what [`Ratchet::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RestoreError> {
        let mut reader = Reader::new(bytes);
        match reader.u8()? {
            VERSION => {}
            other => return Err(RestoreError::Version(other)),
        }
        let ad = reader.prefixed()?.to_vec();
        let root = reader.secret()?;
        let ours = reader.bytes(RATCHET_SECRET_LEN)?;
        let sending = if reader.flag()? {
            Some(SendingChain {
                key: ChainKey::new(reader.secret()?),
                header_key: reader.secret()?,
                number: reader.u32()?,
                previous: reader.u32()?,
                ciphertext: Box::new(*reader.array()?),
            })
        } else {
            None
        };
        let next_sending_header_key = reader.secret()?;
        let receiving = if reader.flag()? {
            Some(ReceivingChain {
                key: ChainKey::new(reader.secret()?),
                header_key: reader.secret()?,
                number: reader.u32()?,
            })
        } else {
            None
        };
        let next_receiving_header_key = reader.secret()?;
        let sent = reader.u64()?;
        let received = reader.u64()?;
        let skipped = SkippedKeys::read(&mut reader)?;
        reader.finish()?;
        // Key expansion comes last: damaged bytes are refused before it is paid for.
        let ours = RatchetKeys::from_bytes(ours).map_err(|_| RestoreError::Malformed)?;
        Ok(Self {
            ad,
            root,
            ours,
            sending,
            next_sending_header_key,
            receiving,
            next_receiving_header_key,
            skipped,
            sent,
            received,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::{Ratchet, RestoreError};
    use crate::ratchet::RatchetKeys;
    use crate::secret::Secret;

    /// Bob, who has turned and waits for messages of two chains.
    fn state() -> Vec<u8> {
        let rng = &mut StdRng::seed_from_u64(0);
        let sk = Secret::random(rng);
        let keys = RatchetKeys::generate(rng);
        let mut alice = Ratchet::initiator(&sk, b"ad", &keys.public(), rng).unwrap();
        let mut bob = Ratchet::responder(&sk, b"ad", keys);
        for _ in 0..2 {
            for _ in 0..3 {
                alice.encrypt(b"lost", rng).unwrap();
            }
            let arrived = alice.encrypt(b"arrived", rng).unwrap();
            bob.decrypt(&arrived, 7, rng).unwrap();
            let answer = bob.encrypt(b"answer", rng).unwrap();
            alice.decrypt(&answer, 7, rng).unwrap();
        }
        bob.to_bytes().to_vec()
    }

    fn restored(bytes: &[u8]) -> Result<Vec<u8>, RestoreError> {
        Ratchet::from_bytes(bytes).map(|ratchet| ratchet.to_bytes().to_vec())
    }

    #[test]
    fn a_state_comes_back_and_no_prefix_or_extension_of_it_does() {
        let mut state = state();
        assert_eq!(restored(&state), Ok(state.clone()));
        for cut in 0..state.len() {
            assert_eq!(restored(&state[..cut]), Err(RestoreError::Malformed));
        }
        state.push(0);
        assert_eq!(restored(&state), Err(RestoreError::Malformed));
        state[0] = 2;
        assert_eq!(restored(&state), Err(RestoreError::Version(2)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            let _ = restored(&bytes);
        }

        #[test]
        fn what_is_read_is_written_the_same_way(
            at in any::<prop::sample::Index>(),
            to in any::<u8>(),
        ) {
            let mut state = state();
            let at = at.index(state.len());
            state[at] = to;
            if let Ok(again) = restored(&state) {
                prop_assert!(again == state);
            }
        }
    }
}

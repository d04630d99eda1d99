//! The key page: where secrets can really be destroyed.
//!
//! A log-structured database keeps what was overwritten, for as long as it
//! pleases. So a secret record is sealed under a slot key that lives here, in a
//! small file written in place; once the slot has a new key, every older
//! version of the record, wherever it lies, is noise.
//!
//! ```text
//! keys.page = half 0 || half 1                               2 x 64 KiB
//! half      = seal[key page branch](generation || commit || reserved 8 || 2046 slot keys)
//!
//!   commit   generation g+1 -> half (g+1) % 2, sync;  then the database names g+1
//!   settle   the other half, which still holds g with the destroyed keys, becomes a copy
//! ```
//! Whatever moment a crash picks, the half that the database's head names is
//! whole. Flash storage may keep an overwritten block out of our sight for a
//! while: against someone who has the password *and* reads raw flash, this is
//! best effort.
//! Spec: docs/protocol/5-vault.md §3.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rand_core::CryptoRng;
use solo2_crypto::secret::Secret;
use solo2_crypto::{aead, kdf};
use zeroize::Zeroizing;

use crate::bytes::Reader;
use crate::error::DiskError;
use crate::files;
use crate::label;

const HALF_LEN: usize = 64 * 1024;
const HEADER_LEN: usize = 24;
/// How many slots there are.
pub(crate) const SLOTS: usize = (HALF_LEN - aead::SEAL_OVERHEAD - HEADER_LEN) / 32;

/// Names a slot.
pub(crate) type Slot = u16;

/// One generation of slot keys, in memory.
pub(crate) struct SlotKeys {
    pub(crate) generation: u64,
    keys: Zeroizing<Vec<u8>>,
}

impl SlotKeys {
    /// A first generation: every slot random, so that a used one cannot be told from a free one.
    pub(crate) fn random<R: CryptoRng>(generation: u64, rng: &mut R) -> Self {
        let mut keys = Zeroizing::new(vec![0; SLOTS * 32]);
        rng.fill_bytes(&mut keys);
        Self { generation, keys }
    }

    /// The next generation, with fresh keys in `slots`; every other key stays.
    pub(crate) fn renewed<R: CryptoRng>(&self, slots: &[Slot], rng: &mut R) -> Self {
        let mut keys = self.keys.clone();
        for slot in slots {
            let at = usize::from(*slot) * 32;
            if let Some(place) = keys.get_mut(at..at + 32) {
                rng.fill_bytes(place);
            }
        }
        Self {
            generation: self.generation + 1,
            keys,
        }
    }

    /// The key of the record that `slot` protects: `HMAC(slot key, "solo2/store/v1/slot")`.
    pub(crate) fn key(&self, slot: Slot) -> Option<Secret<32>> {
        let at = usize::from(slot) * 32;
        let key = self.keys.get(at..at + 32)?;
        Some(kdf::hmac(key, &[label::SLOT]))
    }
}

/// The open key page file.
pub(crate) struct KeyPage {
    file: File,
    path: PathBuf,
    vault_id: [u8; 16],
    /// Which halves hold the current generation.
    current: [bool; 2],
}

/// What the two halves held; `None` where nothing opened.
pub(crate) type Halves = [Option<SlotKeys>; 2];

impl KeyPage {
    /// Writes a new file with `keys` in both halves.
    pub(crate) fn create<R: CryptoRng>(
        path: &Path,
        vault_id: [u8; 16],
        keys: &SlotKeys,
        branch: &Secret<32>,
        rng: &mut R,
    ) -> Result<(), DiskError> {
        let mut page = Self {
            file: files::open_private(path)?,
            path: path.to_owned(),
            vault_id,
            current: [false; 2],
        };
        page.settle(keys, 0, branch, rng)
    }

    /// Opens the file and both halves of it.
    pub(crate) fn open(
        path: &Path,
        vault_id: [u8; 16],
        branch: &Secret<32>,
    ) -> Result<(Self, Halves), DiskError> {
        let bytes = files::read_bounded(path, 2 * HALF_LEN as u64)?;
        let page = Self {
            file: files::open_private(path)?,
            path: path.to_owned(),
            vault_id,
            current: [false; 2],
        };
        let halves = [0, 1].map(|half| {
            let sealed = bytes.get(half * HALF_LEN..(half + 1) * HALF_LEN)?;
            let plain = aead::open(branch, sealed, &page.ad(half)).ok()?;
            let mut reader = Reader::new(&plain);
            let generation = reader.u64()?;
            reader.take(HEADER_LEN - 8)?;
            let keys = reader.rest();
            (keys.len() == SLOTS * 32).then(|| SlotKeys {
                generation,
                keys: Zeroizing::new(keys.to_vec()),
            })
        });
        Ok((page, halves))
    }

    /// Picks the half of `generation`, the one at its own place first.
    pub(crate) fn pick(&mut self, halves: Halves, generation: u64) -> Option<SlotKeys> {
        for (current, half) in self.current.iter_mut().zip(&halves) {
            *current = half
                .as_ref()
                .is_some_and(|half| half.generation == generation);
        }
        let [even, odd] = halves;
        let in_order = if generation.is_multiple_of(2) {
            [even, odd]
        } else {
            [odd, even]
        };
        in_order
            .into_iter()
            .flatten()
            .find(|half| half.generation == generation)
    }

    /// Writes a new generation to its half and syncs it. The other half is left alone.
    pub(crate) fn write<R: CryptoRng>(
        &mut self,
        keys: &SlotKeys,
        commit: u64,
        branch: &Secret<32>,
        rng: &mut R,
    ) -> Result<(), DiskError> {
        let half = usize::from(keys.generation % 2 == 1);
        self.current = [false; 2];
        self.write_half(half, keys, commit, branch, rng)?;
        if let Some(current) = self.current.get_mut(half) {
            *current = true;
        }
        Ok(())
    }

    /// Overwrites whatever half holds another generation, destroying the keys in it.
    pub(crate) fn settle<R: CryptoRng>(
        &mut self,
        keys: &SlotKeys,
        commit: u64,
        branch: &Secret<32>,
        rng: &mut R,
    ) -> Result<(), DiskError> {
        for half in [0, 1] {
            if self.current.get(half) == Some(&false) {
                self.write_half(half, keys, commit, branch, rng)?;
                if let Some(current) = self.current.get_mut(half) {
                    *current = true;
                }
            }
        }
        Ok(())
    }

    /// Whether a half is known to hold the current generation, so that the other may be overwritten.
    pub(crate) fn any_current(&self) -> bool {
        self.current.contains(&true)
    }

    /// Whether no half holds destroyed keys any more.
    pub(crate) fn settled(&self) -> bool {
        self.current == [true; 2]
    }

    fn write_half<R: CryptoRng>(
        &self,
        half: usize,
        keys: &SlotKeys,
        commit: u64,
        branch: &Secret<32>,
        rng: &mut R,
    ) -> Result<(), DiskError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(HEADER_LEN + SLOTS * 32));
        plain.extend_from_slice(&keys.generation.to_be_bytes());
        plain.extend_from_slice(&commit.to_be_bytes());
        plain.extend_from_slice(&[0; 8]);
        plain.extend_from_slice(&keys.keys);
        let sealed = aead::seal(branch, &plain, &self.ad(half), rng);
        self.file
            .write_all_at(&sealed, (half * HALF_LEN) as u64)
            .and_then(|()| self.file.sync_data())
            .map_err(DiskError::at("write", &self.path))
    }

    fn ad(&self, half: usize) -> Vec<u8> {
        let half = u8::from(half == 1);
        [label::KEY_PAGE, &self.vault_id, &[half]].concat()
    }
}

//! The key page: where secrets can really be destroyed.
//!
//! A log-structured database keeps what was overwritten, for as long as it
//! pleases. So a secret record is sealed under a slot key that lives here, in a
//! small file written in place; once the slot has a new key, every older
//! version of the record, wherever it lies, is noise.
//!
//! ```text
//! keys.page, keys.copy = half 0, half 1                      64 KiB each
//! half      = seal[key page branch](generation || commit || reserved 8 || 2046 slot keys)
//!
//!   commit   generation g+1 -> half (g+1) % 2, sync;  then the database names g+1
//!   settle   the other half, which still holds g with the destroyed keys, becomes a copy
//! ```
//! Whatever moment a crash picks, the half that the database's head names is
//! whole. Each half is a file, so a vault that settled survives the loss of either. Until
//! there were two files, half 1 lay behind half 0 in `keys.page`: it is moved when settling.
//! Flash storage may keep an overwritten block out of our sight for a
//! while: against someone who has the password *and* reads raw flash, this is
//! best effort.
//! Spec: docs/protocol/5-vault.md §3.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rand_core::CryptoRng;
use solo2_crypto::secret::Secret;
use solo2_crypto::{aead, kdf};
use zeroize::Zeroizing;

use crate::bytes::Reader;
use crate::error::DiskError;
use crate::files::{self, VaultPaths};
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

/// The open key page.
pub(crate) struct KeyPage {
    /// The file of each half.
    paths: [PathBuf; 2],
    files: [Option<File>; 2],
    vault_id: [u8; 16],
    /// Which halves hold the current generation.
    current: [bool; 2],
    /// Whether half 1 lies, or lay, behind half 0 as well.
    old_place: bool,
    /// Whether it holds the current generation there.
    old_current: bool,
}

/// What the two halves held, and half 1 in its old place; `None` where nothing opened.
pub(crate) type Halves = [Option<SlotKeys>; 3];

impl KeyPage {
    /// Writes new files with `keys` in both halves.
    pub(crate) fn create<R: CryptoRng>(
        paths: &VaultPaths,
        vault_id: [u8; 16],
        keys: &SlotKeys,
        branch: &Secret<32>,
        rng: &mut R,
    ) -> Result<(), DiskError> {
        Self::at(paths, vault_id).settle(keys, 0, branch, rng)
    }

    fn at(paths: &VaultPaths, vault_id: [u8; 16]) -> Self {
        Self {
            paths: paths.key_pages(),
            files: [None, None],
            vault_id,
            current: [false; 2],
            old_place: false,
            old_current: false,
        }
    }

    /// Opens both halves; of the files one may be missing.
    pub(crate) fn open(
        paths: &VaultPaths,
        vault_id: [u8; 16],
        branch: &Secret<32>,
    ) -> Result<(Self, Halves), DiskError> {
        let mut page = Self::at(paths, vault_id);
        let [first, second] = paths.key_pages();
        let (first, second) = match (read(&first), read(&second)) {
            (Err(error), Err(_)) => return Err(error),
            (Err(error), _) | (_, Err(error)) if error.source.kind() != ErrorKind::NotFound => {
                return Err(error);
            }
            (first, second) => (first.unwrap_or_default(), second.unwrap_or_default()),
        };
        page.old_place = first.len() > HALF_LEN;
        let places = [
            (0, first.get(..HALF_LEN)),
            (1, second.get(..HALF_LEN)),
            (1, first.get(HALF_LEN..)),
        ];
        let halves = places.map(|(half, sealed)| {
            let plain = aead::open(branch, sealed?, &page.ad(half)).ok()?;
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
        let fits = |half: &Option<SlotKeys>| {
            half.as_ref()
                .is_some_and(|half| half.generation == generation)
        };
        let [even, odd, old] = halves;
        self.current = [fits(&even), fits(&odd)];
        self.old_current = fits(&old);
        let in_order = if generation.is_multiple_of(2) {
            [even, odd, old]
        } else {
            [odd, old, even]
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
        self.old_current = false;
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
        if self.old_place {
            self.leave_old_place(rng)?;
        }
        Ok(())
    }

    /// Whether a half is known to hold the current generation, so that the other may be overwritten.
    pub(crate) fn any_current(&self) -> bool {
        self.old_current || self.current.contains(&true)
    }

    /// Whether no half holds destroyed keys any more.
    pub(crate) fn settled(&self) -> bool {
        self.current == [true; 2] && !self.old_place
    }

    /// Overwrites half 1 where it lay behind half 0, and cuts it off.
    fn leave_old_place<R: CryptoRng>(&mut self, rng: &mut R) -> Result<(), DiskError> {
        let mut noise = vec![0; HALF_LEN];
        rng.fill_bytes(&mut noise);
        let (file, path) = self.file(0)?;
        file.write_all_at(&noise, HALF_LEN as u64)
            .and_then(|()| file.sync_data())
            .and_then(|()| file.set_len(HALF_LEN as u64))
            .and_then(|()| file.sync_all())
            .map_err(DiskError::at("write", path))?;
        (self.old_place, self.old_current) = (false, false);
        Ok(())
    }

    /// The file of a half, made if it is missing.
    fn file(&mut self, half: usize) -> Result<(&File, &Path), DiskError> {
        let ([first, second], [first_file, second_file]) = (&self.paths, &mut self.files);
        let (path, file) = match half {
            0 => (first, first_file),
            _ => (second, second_file),
        };
        if file.is_none() {
            let missing = !path.exists();
            let opened = files::open_private(path)?;
            if missing {
                // A copy whose name a power cut takes back is none.
                path.parent().map_or(Ok(()), files::sync_dir)?;
            }
            *file = Some(opened);
        }
        match file {
            Some(file) => Ok((file, path)),
            None => Err(DiskError::at("open", path)(ErrorKind::NotFound.into())),
        }
    }

    fn write_half<R: CryptoRng>(
        &mut self,
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
        let (file, path) = self.file(half)?;
        file.write_all_at(&sealed, 0)
            .and_then(|()| file.sync_data())
            .map_err(DiskError::at("write", path))
    }

    fn ad(&self, half: usize) -> Vec<u8> {
        let half = u8::from(half == 1);
        [label::KEY_PAGE, &self.vault_id, &[half]].concat()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, DiskError> {
    files::read_bounded(path, 2 * HALF_LEN as u64)
}

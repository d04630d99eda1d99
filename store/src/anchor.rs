//! The anchor: the highest commit this machine ever saw, kept outside the vault.
//!
//! Whoever puts back an older copy of the vault directory does not put back the
//! anchor, so the copy is recognised and refused: an old ratchet must not encrypt.
//! Two slots are written in turn, each in a disk sector of its own; the newest
//! that opens counts.
//!
//! ```text
//! slot = seal[anchor branch](vault id 16 || commit u64be)   64 bytes, at 0 and at 512
//! ```
//! A thief who takes the state directory along, too, rolls both back; that is for
//! the peers to notice.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rand_core::CryptoRng;
use solo2_crypto::aead;
use solo2_crypto::secret::Secret;

use crate::bytes::Reader;
use crate::error::DiskError;
use crate::files;
use crate::label;

const SLOT_LEN: usize = 16 + 8 + aead::SEAL_OVERHEAD;
const STRIDE: usize = 512;

/// The open anchor file.
pub(crate) struct Anchor {
    file: File,
    path: PathBuf,
    vault_id: [u8; 16],
    /// What the last successful write said.
    written: Option<u64>,
    synced: bool,
}

impl Anchor {
    /// Opens the file, creating it when missing; `written` is what [`Anchor::read`] found in it.
    pub(crate) fn open(
        path: &Path,
        vault_id: [u8; 16],
        written: Option<u64>,
    ) -> Result<Self, DiskError> {
        if let Some(dir) = path.parent() {
            files::create_private_dir(dir)?;
        }
        Ok(Self {
            file: files::open_private(path)?,
            path: path.to_owned(),
            vault_id,
            written,
            synced: true,
        })
    }

    /// The highest commit of this vault in a file that may be missing, damaged or another vault's.
    pub(crate) fn read(
        path: &Path,
        vault_id: &[u8; 16],
        key: &Secret<32>,
    ) -> Result<Option<u64>, DiskError> {
        let bytes = match files::read_bounded(path, (2 * STRIDE) as u64) {
            Ok(bytes) => bytes,
            Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let slots = [bytes.get(..SLOT_LEN), bytes.get(STRIDE..STRIDE + SLOT_LEN)];
        let commits = slots.into_iter().flatten().filter_map(|slot| {
            let plain = aead::open(key, slot, label::ANCHOR).ok()?;
            let mut reader = Reader::new(&plain);
            (reader.array::<16>()? == *vault_id).then_some(())?;
            let commit = reader.u64()?;
            reader.end()?;
            Some(commit)
        });
        Ok(commits.max())
    }

    /// Writes `commit` over the older slot. On disk after [`Anchor::sync`].
    pub(crate) fn write<R: CryptoRng>(
        &mut self,
        commit: u64,
        key: &Secret<32>,
        rng: &mut R,
    ) -> Result<(), DiskError> {
        let mut plain = [0; 24];
        let (id, number) = plain.split_at_mut(16);
        id.copy_from_slice(&self.vault_id);
        number.copy_from_slice(&commit.to_be_bytes());
        let slot = aead::seal(key, &plain, label::ANCHOR, rng);
        let at = (commit % 2) * STRIDE as u64;
        self.synced = false;
        self.written = None;
        self.file
            .write_all_at(&slot, at)
            .map_err(DiskError::at("write", &self.path))?;
        self.written = Some(commit);
        Ok(())
    }

    /// Makes `commit` survive a power cut, writing it again if the last write failed.
    pub(crate) fn sync<R: CryptoRng>(
        &mut self,
        commit: u64,
        key: &Secret<32>,
        rng: &mut R,
    ) -> Result<(), DiskError> {
        if self.written != Some(commit) {
            self.write(commit, key, rng)?;
        }
        if !self.synced {
            self.file
                .sync_data()
                .map_err(DiskError::at("sync", &self.path))?;
            self.synced = true;
        }
        Ok(())
    }
}

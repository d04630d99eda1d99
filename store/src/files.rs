//! Files as the vault wants them: private, whole, and on disk when we say so.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use rand::Rng as _;

use crate::error::DiskError;

/// Where a vault lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultPaths {
    /// The vault's own directory, 0700; nothing belongs in it but what this crate puts there.
    pub vault: PathBuf,
    /// A directory outside the vault, so that a copy of the vault does not carry its anchor along.
    pub state: PathBuf,
}

impl VaultPaths {
    /// The directory in the vault for sealed files, 0700. It is there whenever the vault is
    /// open; what lies in it is the caller's, sealed under keys that [`crate::Kept`] holds.
    #[must_use]
    pub fn files(&self) -> PathBuf {
        self.vault.join("files")
    }

    pub(crate) fn head(&self) -> PathBuf {
        self.vault.join("vault.head")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.vault.join("vault.lock")
    }

    /// The two halves of the key page.
    pub(crate) fn key_pages(&self) -> [PathBuf; 2] {
        ["keys.page", "keys.copy"].map(|name| self.vault.join(name))
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.vault.join("db")
    }

    pub(crate) fn anchor(&self) -> PathBuf {
        self.state.join("vault.anchor")
    }
}

/// Creates `path` and its missing parents, 0700 each; their names survive a power cut.
pub(crate) fn create_private_dir(path: &Path) -> Result<(), DiskError> {
    let missing = path.ancestors().take_while(|dir| !dir.exists());
    let missing: Vec<&Path> = missing.filter(|dir| !dir.as_os_str().is_empty()).collect();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(DiskError::at("create", path))?;
    for dir in missing {
        dir.parent().map_or(Ok(()), sync_dir)?;
    }
    Ok(())
}

/// The permission bits of `path`.
pub(crate) fn mode(path: &Path) -> Result<u32, DiskError> {
    let metadata = fs::metadata(path).map_err(DiskError::at("look at", path))?;
    Ok(metadata.permissions().mode() & 0o777)
}

/// Makes a new name in `dir` survive a power cut.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), DiskError> {
    // A path of one name lies in the directory we are in.
    let dir = match dir.as_os_str().is_empty() {
        true => Path::new("."),
        false => dir,
    };
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(DiskError::at("sync", dir))
}

/// Makes every name below `dir` survive a power cut.
pub(crate) fn sync_tree(dir: &Path) -> Result<(), DiskError> {
    let at = || DiskError::at("list", dir);
    for entry in fs::read_dir(dir).map_err(at())? {
        let path = entry.map_err(at())?.path();
        if path.is_dir() {
            sync_tree(&path)?;
        }
    }
    sync_dir(dir)
}

/// Removes `dir` with all that is in it, if it is there.
pub(crate) fn remove_tree(dir: &Path) -> Result<(), DiskError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(DiskError::at("remove", dir)(error))
        }
        _ => Ok(()),
    }
}

/// Replaces `path` by `bytes` whole or not at all: write beside it, sync, rename, sync the directory.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .map_err(DiskError::at("create", &new))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(DiskError::at("write", &new))?;
    fs::rename(&new, path).map_err(DiskError::at("replace", path))?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// [`replace`], and what the file held before is overwritten where it lay: a secret that was
/// taken out of it does not stay behind in a block that nobody owns.
///
/// A copy that shares the old file (a hard link) is somebody's backup and is left alone.
pub(crate) fn replace_and_destroy(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let old = OpenOptions::new().write(true).open(path).ok();
    replace(path, bytes)?;
    if let Some(old) = old {
        let found = old.metadata().map_err(DiskError::at("look at", path))?;
        if found.nlink() == 0 {
            scribble(&old, found.len()).map_err(DiskError::at("overwrite", path))?;
        }
    }
    Ok(())
}

/// Overwrites a file where it lies, syncs it, and removes it. One that is not there is fine; a
/// link is removed and what it points to left alone.
///
/// Flash storage may keep an overwritten block out of sight.
///
/// # Errors
///
/// [`DiskError`]: the file may still be there.
pub fn destroy_file(path: &Path) -> Result<(), DiskError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(DiskError::at("look at", path)(error)),
    };
    if found.is_file() {
        OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|file| scribble(&file, found.len()))
            .map_err(DiskError::at("overwrite", path))?;
    }
    fs::remove_file(path).map_err(DiskError::at("remove", path))?;
    path.parent().map_or(Ok(()), sync_dir)
}

fn scribble(file: &File, mut left: u64) -> std::io::Result<()> {
    let mut noise = [0; 4096];
    let mut at = 0;
    while left > 0 {
        rand::rng().fill_bytes(&mut noise);
        let part = usize::try_from(left).map_or(noise.len(), |left| left.min(noise.len()));
        file.write_all_at(noise.get(..part).unwrap_or(&noise), at)?;
        at += part as u64;
        left -= part as u64;
    }
    file.sync_all()
}

/// Creates or opens a private file for reading and writing in place.
pub(crate) fn open_private(path: &Path) -> Result<File, DiskError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(DiskError::at("open", path))
}

/// Reads at most `limit` bytes: a file that grew does not take the memory of the machine.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
    let file = File::open(path).map_err(DiskError::at("open", path))?;
    let mut bytes = Vec::new();
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(DiskError::at("read", path))?;
    Ok(bytes)
}

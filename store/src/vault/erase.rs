//! A vault that goes for good: its keys first, then its files.

use std::fs;
use std::path::Path;

use super::create::beside;
use crate::Vault;
use crate::error::{DiskError, UnlockError};
use crate::files::{self, VaultPaths, destroy_file};
use crate::lock::OwnerLock;

impl Vault {
    /// Destroys a vault, whole or damaged, that nobody has open.
    ///
    /// The doors and the slot keys are overwritten and synced before anything is removed, so
    /// whenever this is cut short nothing that is left can be read; it can be called again. A
    /// vault that is not there is fine.
    ///
    /// # Errors
    ///
    /// [`UnlockError::Busy`]: somebody has it open and nothing was touched. [`UnlockError::Disk`].
    pub fn erase(paths: &VaultPaths) -> Result<(), UnlockError> {
        let _lock = match paths.vault.is_dir() {
            true => Some(OwnerLock::take(&paths.lock())?),
            false => None,
        };
        // One whose creation was cut short has keys as well.
        let unfinished = VaultPaths {
            vault: beside(paths),
            state: paths.state.clone(),
        };
        for place in [paths, &unfinished] {
            destroy_file(&place.head())?;
            destroy_file(&place.head().with_extension("new"))?;
            for page in place.key_pages() {
                destroy_file(&page)?;
            }
        }
        destroy_file(&paths.anchor())?;
        for place in [&paths.vault, &unfinished.vault] {
            remove_tree(place)?;
        }
        Ok(())
    }
}

/// Removes a directory and all in it; through a link, what it points to, and the link.
fn remove_tree(path: &Path) -> Result<(), DiskError> {
    let failed = DiskError::at("remove", path);
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let removed = if found.is_symlink() {
        match fs::canonicalize(path) {
            Ok(real) => fs::remove_dir_all(real).and_then(|()| fs::remove_file(path)),
            Err(_) => fs::remove_file(path),
        }
    } else {
        fs::remove_dir_all(path)
    };
    removed.map_err(failed)?;
    let parent = path.parent().filter(|parent| parent.is_dir());
    parent.map_or(Ok(()), files::sync_dir)
}

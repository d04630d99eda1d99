//! A copy of the database's journal, put aside before it is opened.
//!
//! After an unclean end the engine replays its journal, and where it takes a
//! damaged byte for the torn end of the last write, it cuts the file off there,
//! on disk. The vault notices (the head is older than the anchor), but by then
//! the evidence is gone. So the journal is copied first, and put back when the
//! vault is refused: refusing changes nothing.
//!
//! ```text
//! put aside ──open, verify──► ok: dropped
//!                             refused: put back
//! ```
//! A journal that a clean close emptied needs no copy.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::DiskError;
use crate::files;

/// More than this is not copied: opening must not take minutes or fill a disk.
const LIMIT: u64 = 160 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;

/// Journals that were put aside.
pub(crate) struct Aside {
    db: PathBuf,
    dir: PathBuf,
}

impl Aside {
    /// Copies the journals below `db`; `None` when there is nothing in them, too much, or no
    /// room for a copy.
    ///
    /// An earlier copy that was never dropped comes from an open that was interrupted
    /// before it was verified: it is put back first.
    pub(crate) fn put(vault: &Path) -> Result<Option<Self>, DiskError> {
        let aside = Self {
            db: vault.join("db"),
            dir: vault.join("aside"),
        };
        if aside.dir.is_dir() {
            aside.restore()?;
        }
        let journals = journals(&aside.db)?;
        let total: u64 = journals.iter().map(|(_, len)| len).sum();
        if total == 0 || total > LIMIT {
            return Ok(None);
        }
        let unfinished = vault.join("aside.new");
        match aside.copy(vault, &unfinished, &journals) {
            Ok(()) => Ok(Some(aside)),
            // A vault that opens without the copy is worth more than a copy.
            Err(error) if error.is_full() => {
                files::remove_tree(&unfinished)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Copies into a directory that gets its name when all of it is on disk.
    fn copy(
        &self,
        vault: &Path,
        unfinished: &Path,
        journals: &[(OsString, u64)],
    ) -> Result<(), DiskError> {
        files::remove_tree(unfinished)?;
        files::create_private_dir(unfinished)?;
        for (name, _) in journals {
            copy_sparse(&self.db.join(name), &unfinished.join(name))?;
        }
        files::sync_dir(unfinished)?;
        fs::rename(unfinished, &self.dir).map_err(DiskError::at("rename", unfinished))?;
        files::sync_dir(vault)
    }

    /// Puts the journals back as they were.
    ///
    /// Whatever moment this is interrupted at, the copy is whole and is put back again.
    pub(crate) fn restore(&self) -> Result<(), DiskError> {
        let kept = journals(&self.dir)?;
        for (name, _) in &kept {
            let beside = self.db.join(name).with_extension("back");
            remove_file(&beside)?;
            copy_sparse(&self.dir.join(name), &beside)?;
            fs::rename(&beside, self.db.join(name)).map_err(DiskError::at("put back", &beside))?;
        }
        for (name, _) in journals(&self.db)? {
            if !kept.iter().any(|(other, _)| *other == name) {
                remove_file(&self.db.join(name))?;
            }
        }
        files::sync_dir(&self.db)?;
        self.drop_copy()
    }

    /// The vault opened right: the copy is not needed.
    pub(crate) fn discard(self) -> Result<(), DiskError> {
        self.drop_copy()
    }

    /// Renames first, and on disk: half a copy must never be taken for a whole one.
    fn drop_copy(&self) -> Result<(), DiskError> {
        let unfinished = self.dir.with_extension("new");
        files::remove_tree(&unfinished)?;
        fs::rename(&self.dir, &unfinished).map_err(DiskError::at("remove", &self.dir))?;
        self.dir.parent().map_or(Ok(()), files::sync_dir)?;
        files::remove_tree(&unfinished)
    }
}

/// Empties the journal of a database that was flushed and closed.
///
/// The engine itself starts from an empty journal after each rotation; here it makes the
/// next open fast and removes what was overwritten. Left alone unless there is exactly one.
pub(crate) fn truncate(db: &Path) -> Result<(), DiskError> {
    if let [(name, 1..)] = journals(db)?.as_slice() {
        let path = db.join(name);
        OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|file| {
                file.set_len(0)?;
                file.sync_all()
            })
            .map_err(DiskError::at("empty", &path))?;
    }
    Ok(())
}

/// Bytes that were written to the journals below `db`, without what was only set aside for them.
pub(crate) fn written(db: &Path) -> u64 {
    let journals = journals(db).unwrap_or_default();
    let metadata = journals.iter().map(|(name, _)| fs::metadata(db.join(name)));
    // In units of 512 bytes, whatever the file system's own are (stat(2)).
    metadata.flatten().map(|file| file.blocks() * 512).sum()
}

fn journals(dir: &Path) -> Result<Vec<(OsString, u64)>, DiskError> {
    let at = || DiskError::at("list", dir);
    let mut found = Vec::new();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(at()(error)),
    };
    for entry in entries {
        let entry = entry.map_err(at())?;
        if Path::new(&entry.file_name())
            .extension()
            .is_some_and(|end| end == "jnl")
        {
            let metadata = entry.metadata().map_err(at())?;
            found.push((entry.file_name(), metadata.len()));
        }
    }
    Ok(found)
}

/// Copies `from` without writing its holes: a fresh journal is 64 MiB of zeros.
fn copy_sparse(from: &Path, to: &Path) -> Result<(), DiskError> {
    let mut source = File::open(from).map_err(DiskError::at("open", from))?;
    let mut target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(DiskError::at("create", to))?;
    let mut chunk = vec![0; CHUNK];
    let mut copied = 0;
    loop {
        let read = source
            .read(&mut chunk)
            .map_err(DiskError::at("read", from))?;
        let Some(data) = chunk.get(..read).filter(|data| !data.is_empty()) else {
            break;
        };
        copied += data.len() as u64;
        let step = if data.iter().all(|byte| *byte == 0) {
            target.seek(SeekFrom::Start(copied)).map(|_| ())
        } else {
            target.write_all(data)
        };
        step.map_err(DiskError::at("write", to))?;
    }
    target
        .set_len(copied)
        .and_then(|()| target.sync_all())
        .map_err(DiskError::at("write", to))
}

fn remove_file(path: &Path) -> Result<(), DiskError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(DiskError::at("remove", path)(error))
        }
        _ => Ok(()),
    }
}

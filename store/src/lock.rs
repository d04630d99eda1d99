//! One owner at a time.
//!
//! The kernel holds the lock and drops it with the process, however that ends,
//! so the file is never removed. Taken before the database is touched: the
//! database's own lock would wait, and knows nobody's name.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::error::{DiskError, UnlockError};
use crate::files;

/// Held as long as the vault is open.
pub(crate) struct OwnerLock {
    _file: File,
}

impl OwnerLock {
    /// Takes the lock and writes our process id into it, or says who has it.
    pub(crate) fn take(path: &Path) -> Result<Self, UnlockError> {
        let mut file = files::open_private(path)?;
        if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error == rustix::io::Errno::WOULDBLOCK {
                return Err(UnlockError::Busy {
                    pid: holder(&mut file),
                });
            }
            return Err(DiskError::at("lock", path)(error.into()).into());
        }
        // The name is a courtesy to whoever comes second; the lock itself stands without it.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

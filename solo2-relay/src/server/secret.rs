//! The files of an operator: the secret, and the list of revoked invites.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use rand::TryRng as _;
use rand::rngs::SysRng;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::credential::{InviteId, RelaySecret, ShortSecret};

/// The longest secret file and the longest list that are read, in bytes.
const MOST: u64 = 1 << 20;

/// What is wrong with a file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It cannot be read or written.
    #[error("cannot {what} {}", .path.display())]
    Io {
        /// Read or write.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `init` found a secret, and leaves it.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// Not enough of a secret.
    #[error("cannot use {}", .path.display())]
    Short {
        /// The file.
        path: PathBuf,
        /// How short it is.
        source: ShortSecret,
    },
    /// A line in the list that is no id.
    #[error("cannot use {}: line {line} is not the id of an invite", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line.
        line: usize,
    },
}

impl SecretError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            what,
            path: path.to_owned(),
            source,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists(_) => {
                Some("another secret ends every invite; to have that, move the file away first")
            }
            Self::Short { .. } => Some("solo2-relay init --secret-file FILE makes a good one"),
            Self::Line { .. } => {
                Some("one id a line, as `solo2-relay invite --json` prints it; # begins a remark")
            }
            Self::Io { .. } => None,
        }
    }
}

/// A secret, and what there is to say about its file.
pub struct Found {
    /// The secret.
    pub secret: RelaySecret,
    /// Whether the file was not there and has been made.
    pub made: bool,
    /// Whether others on this machine may read it.
    pub exposed: bool,
}

/// Reads the secret, or makes one if the file is not there. Of two that do so at the
/// same time, one makes it and both read it.
///
/// # Errors
/// [`SecretError`] that names the file.
pub fn read_or_make(path: &Path) -> Result<Found, SecretError> {
    let made = match make(path) {
        Ok(()) => true,
        Err(SecretError::Exists(_)) => false,
        // A file that cannot be written may be there to be read.
        Err(error) if !path.exists() => return Err(error),
        Err(_) => false,
    };
    let file = File::open(path).map_err(SecretError::io("read", path))?;
    let mode = file
        .metadata()
        .map_err(SecretError::io("read", path))?
        .mode();
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    file.take(MOST)
        .read_to_end(&mut bytes)
        .map_err(SecretError::io("read", path))?;
    let secret = RelaySecret::new(bytes).map_err(|source| SecretError::Short {
        path: path.to_owned(),
        source,
    })?;
    Ok(Found {
        secret,
        made,
        exposed: mode & 0o077 != 0,
    })
}

/// Makes a secret of 256 bits in a file that only its owner may read.
///
/// It is written under another name and put in place whole, so that nobody reads half of it.
///
/// # Errors
/// [`SecretError::Exists`] if there is one; it stays as it is.
pub fn make(path: &Path) -> Result<(), SecretError> {
    if path.exists() {
        return Err(SecretError::Exists(path.to_owned()));
    }
    let mut bytes = Zeroizing::new([0; 32]);
    let mut mark = [0; 8];
    SysRng
        .try_fill_bytes(bytes.as_mut_slice())
        .and_then(|()| SysRng.try_fill_bytes(&mut mark))
        .map_err(|error| SecretError::io("write", path)(io::Error::other(error)))?;
    let mut text = Zeroizing::new(BASE64URL_NOPAD.encode(bytes.as_slice()));
    text.push('\n');

    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", BASE64URL_NOPAD.encode(&mark)));
    let aside = path.with_file_name(name);
    let mut options = OpenOptions::new();
    let written = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        // A second name fails if the first is taken, which a rename would not.
        .and_then(|()| fs::hard_link(&aside, path));
    let _ = fs::remove_file(&aside);
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(SecretError::Exists(path.to_owned()))
        }
        other => other.map_err(SecretError::io("write", path)),
    }
}

/// The list of revoked invites, open for as long as the server runs: it reads the list
/// again when asked, and by then it may open no file any more.
pub struct Revoked {
    path: PathBuf,
    file: File,
}

impl Revoked {
    /// Opens the list.
    ///
    /// # Errors
    /// [`SecretError::Io`] if it cannot be read.
    pub fn open(path: &Path) -> Result<Self, SecretError> {
        let file = File::open(path).map_err(SecretError::io("read", path))?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Reads the whole list.
    ///
    /// # Errors
    /// [`SecretError`] if it cannot be read, or a line is no id.
    pub fn read(&mut self) -> Result<HashSet<InviteId>, SecretError> {
        let mut text = String::new();
        self.file
            .rewind()
            .and_then(|()| {
                Read::by_ref(&mut self.file)
                    .take(MOST)
                    .read_to_string(&mut text)
            })
            .map_err(SecretError::io("read", &self.path))?;
        text.lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line.split('#').next().unwrap_or_default().trim()))
            .filter(|(_, id)| !id.is_empty())
            .map(|(line, id)| {
                id.parse().map_err(|_| SecretError::Line {
                    path: self.path.clone(),
                    line,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_for_its_owner_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("s");
        let first = read_or_make(&path).expect("made");
        let second = read_or_make(&path).expect("read");
        assert!(first.made && !second.made && !first.exposed);
        let id = InviteId::new(None, [0; 8]);
        assert!(first.secret.invite_key(id).expose() == second.secret.invite_key(id).expose());
        assert!(matches!(make(&path), Err(SecretError::Exists(_))));
        assert_eq!(
            fs::read_dir(directory.path()).expect("listed").count(),
            1,
            "nothing is left beside it"
        );
        fs::write(&path, "too short").expect("written");
        assert!(matches!(
            read_or_make(&path),
            Err(SecretError::Short { .. })
        ));
    }

    #[test]
    fn many_that_make_it_at_once_read_the_same() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("s");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let read = || {
                let found = read_or_make(&path).expect("a secret");
                *found
                    .secret
                    .invite_key(InviteId::new(None, [0; 8]))
                    .expose()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(read)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"))
                .collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn the_list_is_read_again_and_a_wrong_line_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("revoked");
        let [one, two] = [1, 2].map(|byte| InviteId::new(None, [byte; 8]));
        fs::write(&path, format!("# gone\n{one}  # Mallory\n\n")).expect("written");
        let mut revoked = Revoked::open(&path).expect("opened");
        assert_eq!(revoked.read().expect("read"), HashSet::from([one]));
        fs::write(&path, format!("{one}\n{two}\n")).expect("written");
        assert_eq!(revoked.read().expect("read"), HashSet::from([one, two]));
        fs::write(&path, format!("{one}\nMallory\n")).expect("written");
        assert!(matches!(
            revoked.read(),
            Err(SecretError::Line { line: 2, .. })
        ));
    }
}

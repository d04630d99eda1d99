//! The directory that received files are put in.
//!
//! ```text
//!   .solo2-<id>.partial ──── rename ────► name                    a file
//!          └── unpack ──► .solo2-<id>.d ── rename ──► name        a directory
//! ```
//!
//! Other users, other programs and the peer itself may work in that directory or on
//! the path to it, so everything happens beneath one descriptor: what is written to
//! is a regular file of ours with no second name, found without following a link;
//! what was there before stays unless [`Existing::Overwrite`] says otherwise; and
//! what gets the final name is compared with what was written. Files have mode
//! 0600, directories 0700: nothing that came from a peer is executable.
//! Whether the bytes are the right ones is settled before [`Target::finish`].

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, Stat, fdatasync, fstat, fsync,
    ftruncate, linkat, mkdirat, openat, openat2, renameat, renameat_with, statat, syncfs, unlinkat,
};
use rustix::io::Errno;
use solo2_crypto::file::CHUNK_LEN;

use super::entry::MAX_ENTRIES;
use super::name::{numbered, safe_component};
use super::unpack::{BENEATH, unpack};
use super::{Partial, Shape, check_chunk, space};

/// The last of `a (2)`, `a (3)`, … that is tried.
const LAST_NUMBER: u32 = 10_000;
/// Bytes read at once to hash what is there.
const REHASH_LEN: usize = 1024 * 1024;

/// What to do when the name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Leave everything as it is: [`TargetError::Exists`].
    Refuse,
    /// Take the next free name: `a (2).txt`.
    Rename,
    /// Let a file take a regular file's place; anything else is refused.
    Overwrite,
}

/// Why a file was not put where it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("cannot write {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("no room left for {}", path.display())]
    Full { path: PathBuf },
    #[error("{} exists already", path.display())]
    Exists { path: PathBuf },
    /// Not made by us, or changed behind our back.
    #[error("{} was put there by somebody else", path.display())]
    Planted { path: PathBuf },
    #[error("{} was replaced while the file came", path.display())]
    Moved { path: PathBuf },
    /// The peer's doing: `name` is what it chose.
    #[error("the directory was refused at {name:?}: {why}")]
    Hostile { name: String, why: &'static str },
    /// What was to be put here cannot be read back.
    #[error("cannot read what came: {0}")]
    Read(#[source] io::Error),
}

impl TargetError {
    pub(crate) fn at(path: PathBuf, source: io::Error) -> Self {
        if space::is_full(&source) {
            Self::Full { path }
        } else {
            Self::Io { path, source }
        }
    }
}

/// A directory, held open: it stays this one whatever its path leads to later.
pub(crate) struct Target {
    directory: OwnedFd,
    path: PathBuf,
}

impl Target {
    /// Opens a directory that exists; creates nothing.
    pub(crate) fn open(dir: &Path) -> Result<Self, TargetError> {
        let failed = |source| TargetError::Io {
            path: dir.to_owned(),
            source,
        };
        let path = std::path::absolute(dir).map_err(failed)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory =
            openat(CWD, &path, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
        Ok(Self { directory, path })
    }

    /// Whether `name` cannot be given: something has it, or it is no name.
    pub(crate) fn taken(&self, name: &str) -> bool {
        let Some(name) = safe_component(name) else {
            return true;
        };
        let found = statat(&self.directory, &*name, AtFlags::SYMLINK_NOFOLLOW);
        !matches!(found, Err(Errno::NOENT))
    }

    /// What has come of `id` so far, in this directory; begun if there is nothing.
    pub(crate) fn partial(&self, id: [u8; 16]) -> Result<PlainPartial, TargetError> {
        let name = partial_name(&id);
        let path = self.path.join(&name);
        let file = open_private(self.directory.as_fd(), &name).map_err(|error| match error {
            Some(error) => TargetError::at(path.clone(), error.into()),
            None => TargetError::Planted { path: path.clone() },
        })?;
        let failed = |error: Errno| TargetError::at(path.clone(), error.into());
        let size = u64::try_from(fstat(&file).map_err(failed)?.st_size).unwrap_or(0);
        let len = size - size % CHUNK_LEN as u64;
        if len != size {
            ftruncate(&file, len).map_err(failed)?;
        }
        Ok(PlainPartial {
            file,
            name,
            id,
            len,
            complete: false,
        })
    }

    /// Gives a whole, verified stream its name, and says which path it has now.
    ///
    /// `name` is one that [`super::name::safe_name`] made or that our own user
    /// chose. On success the partial is gone from the directory; on failure it is
    /// there to try again with.
    pub(crate) fn finish(
        &self,
        partial: &PlainPartial,
        name: &str,
        shape: Shape,
        existing: Existing,
    ) -> Result<PathBuf, TargetError> {
        let path = self.path.join(&partial.name);
        match shape {
            Shape::File | Shape::Pipe => {
                let name = self.admit(name)?;
                fdatasync(&partial.file).map_err(|error| TargetError::at(path, error.into()))?;
                self.place(&partial.name, partial.file.as_fd(), &name, existing)
            }
            Shape::Directory => {
                let mut stream = &partial.file;
                stream.rewind().map_err(TargetError::Read)?;
                let done =
                    self.finish_directory(&mut stream, partial.len, partial.id, name, existing)?;
                // It is whole under its name; a partial that stays is litter and no loss.
                let _ = unlinkat(&self.directory, &partial.name, AtFlags::empty());
                Ok(done)
            }
        }
    }

    /// Like [`Target::finish`], for a stream of `len` bytes that is kept elsewhere.
    pub(crate) fn import<R: Read>(
        &self,
        stream: &mut R,
        len: u64,
        id: [u8; 16],
        name: &str,
        shape: Shape,
        existing: Existing,
    ) -> Result<PathBuf, TargetError> {
        if shape == Shape::Directory {
            return self.finish_directory(stream, len, id, name, existing);
        }
        let mut partial = self.partial(id)?;
        let done = self
            .copy(stream, len, &mut partial)
            .and_then(|()| self.finish(&partial, name, shape, existing));
        if done.is_err() {
            let _ = unlinkat(&self.directory, &partial.name, AtFlags::empty());
        }
        done
    }

    /// Removes what has come of `id`, if anything.
    pub(crate) fn discard(&self, id: [u8; 16]) -> Result<(), TargetError> {
        let name = partial_name(&id);
        match unlinkat(&self.directory, &name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => self.remove_staging(&staging_name(&id)),
            Err(error) => Err(TargetError::at(self.path.join(name), error.into())),
        }
    }

    fn copy<R: Read>(
        &self,
        stream: &mut R,
        len: u64,
        partial: &mut PlainPartial,
    ) -> Result<(), TargetError> {
        let path = self.path.join(&partial.name);
        let failed = |error| TargetError::at(path.clone(), error);
        partial.clear().map_err(failed)?;
        let mut chunk = vec![0; CHUNK_LEN];
        let mut left = len;
        while left > 0 {
            let part = usize::try_from(left).map_or(CHUNK_LEN, |left| left.min(CHUNK_LEN));
            let part = &mut chunk[..part];
            stream.read_exact(part).map_err(TargetError::Read)?;
            left -= part.len() as u64;
            partial.append(part, left == 0).map_err(failed)?;
        }
        Ok(())
    }

    fn finish_directory<R: Read>(
        &self,
        stream: &mut R,
        len: u64,
        id: [u8; 16],
        name: &str,
        existing: Existing,
    ) -> Result<PathBuf, TargetError> {
        let name = self.admit(name)?;
        if existing != Existing::Rename && self.taken(&name) {
            return Err(TargetError::Exists {
                path: self.path.join(name),
            });
        }
        let staging = staging_name(&id);
        let at = self.path.join(&staging);
        self.remove_staging(&staging)?;
        let root = self.make_staging(&staging)?;
        let done = unpack(stream, len, &root, &at, MAX_ENTRIES)
            .and_then(|()| syncfs(&root).map_err(|error| TargetError::at(at, error.into())))
            .and_then(|()| self.place(&staging, root.as_fd(), &name, existing));
        if done.is_err() {
            let _ = self.remove_staging(&staging);
        }
        done
    }

    /// A name that stays in this directory.
    fn admit(&self, name: &str) -> Result<String, TargetError> {
        match safe_component(name) {
            Some(name) => Ok(name.into_owned()),
            None => Err(TargetError::Hostile {
                name: name.to_owned(),
                why: "it is no name of a file",
            }),
        }
    }

    /// Moves `from`, which must still be what `held` is, to `name` or what `existing` makes of it.
    fn place(
        &self,
        from: &str,
        held: BorrowedFd<'_>,
        name: &str,
        existing: Existing,
    ) -> Result<PathBuf, TargetError> {
        let failed = |error: Errno| TargetError::at(self.path.join(name), error.into());
        let held = fstat(held).map_err(failed)?;
        let directory = FileType::from_raw_mode(held.st_mode) == FileType::Directory;
        self.check_unmoved()?;
        self.check_same(from, &held)?;
        let placed = match existing {
            Existing::Overwrite if !directory && self.is_regular(name) => {
                renameat(&self.directory, from, &self.directory, name).map(|()| name.to_owned())
            }
            Existing::Refuse | Existing::Overwrite => {
                self.rename(from, name, directory).map(|()| name.to_owned())
            }
            Existing::Rename => self.rename_to_free(from, name, directory),
        };
        let placed = placed.map_err(|error| match error {
            Errno::EXIST | Errno::NOTEMPTY | Errno::ISDIR => TargetError::Exists {
                path: self.path.join(name),
            },
            other => failed(other),
        })?;
        self.check_same(&placed, &held)?;
        // Its contents are on disk already, and not every file system syncs directories.
        let _ = fsync(&self.directory);
        Ok(self.path.join(placed))
    }

    fn rename_to_free(
        &self,
        from: &str,
        name: &str,
        directory: bool,
    ) -> rustix::io::Result<String> {
        let mut free = name.to_owned();
        for number in 2..=LAST_NUMBER {
            match self.rename(from, &free, directory) {
                Err(Errno::EXIST | Errno::NOTEMPTY) => free = numbered(name, number, directory),
                result => return result.map(|()| free),
            }
        }
        Err(Errno::EXIST)
    }

    /// Renames in one step, unless the new name is taken.
    fn rename(&self, from: &str, to: &str, directory: bool) -> rustix::io::Result<()> {
        let here = &self.directory;
        match renameat_with(here, from, here, to, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                self.rename_without_flags(from, to, directory)
            }
            result => result,
        }
    }

    /// For file systems that cannot refuse to replace (NFS, 9P, some of FUSE).
    fn rename_without_flags(
        &self,
        from: &str,
        to: &str,
        directory: bool,
    ) -> rustix::io::Result<()> {
        let here = &self.directory;
        if !directory {
            linkat(here, from, here, to, AtFlags::empty())?;
            return unlinkat(here, from, AtFlags::empty());
        }
        // Between look and rename a directory replaces nothing but an empty directory.
        if self.taken(to) {
            return Err(Errno::EXIST);
        }
        renameat(here, from, here, to)
    }

    fn is_regular(&self, name: &str) -> bool {
        statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile)
    }

    /// Refuses to say "it is at this path" when the path leads elsewhere by now.
    fn check_unmoved(&self) -> Result<(), TargetError> {
        let there = rustix::fs::stat(&self.path);
        match (fstat(&self.directory), there) {
            (Ok(held), Ok(there)) if same(&held, &there) => Ok(()),
            _ => Err(TargetError::Moved {
                path: self.path.clone(),
            }),
        }
    }

    fn check_same(&self, name: &str, held: &Stat) -> Result<(), TargetError> {
        match statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if same(held, &found) => Ok(()),
            _ => Err(TargetError::Planted {
                path: self.path.join(name),
            }),
        }
    }

    fn make_staging(&self, name: &str) -> Result<OwnedFd, TargetError> {
        let failed = |error| match error {
            Errno::EXIST | Errno::LOOP | Errno::NOTDIR => TargetError::Planted {
                path: self.path.join(name),
            },
            other => TargetError::at(self.path.join(name), other.into()),
        };
        mkdirat(&self.directory, name, Mode::RWXU).map_err(failed)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = openat2(&self.directory, name, flags, Mode::empty(), BENEATH).map_err(failed)?;
        if fstat(&root).is_ok_and(|found| is_private(&found)) {
            Ok(root)
        } else {
            Err(failed(Errno::EXIST))
        }
    }

    /// Removes what a crash left of an unpacking; what is not ours stays, and is an error.
    fn remove_staging(&self, name: &str) -> Result<(), TargetError> {
        let failed = |error: Errno| TargetError::at(self.path.join(name), error.into());
        let found = match statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => found,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let directory = FileType::from_raw_mode(found.st_mode) == FileType::Directory;
        if !directory || !is_private(&found) {
            return Err(TargetError::Planted {
                path: self.path.join(name),
            });
        }
        remove_tree(self.directory.as_fd(), name).map_err(failed)
    }
}

/// What has come of a stream, in the open, beside its final name.
pub(crate) struct PlainPartial {
    file: File,
    name: String,
    id: [u8; 16],
    len: u64,
    complete: bool,
}

impl Partial for PlainPartial {
    fn len(&self) -> u64 {
        self.len
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn rehash(&mut self, hasher: &mut blake3::Hasher) -> io::Result<()> {
        let size = usize::try_from(self.len).map_or(REHASH_LEN, |len| len.min(REHASH_LEN));
        let mut buffer = vec![0; size];
        let mut at = 0;
        while at < self.len {
            let left = usize::try_from(self.len - at).map_or(size, |left| left.min(size));
            let part = &mut buffer[..left];
            self.file.read_exact_at(part, at)?;
            hasher.update(part);
            at += left as u64;
        }
        Ok(())
    }

    fn append(&mut self, chunk: &[u8], last: bool) -> io::Result<()> {
        check_chunk(self.complete, chunk, last)?;
        if let Err(error) = self.file.write_all_at(chunk, self.len) {
            // The part that was written would pass for more than has come.
            let _ = self.file.set_len(self.len);
            return Err(error);
        }
        self.len += chunk.len() as u64;
        self.complete = last;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.len = 0;
        self.complete = false;
        Ok(())
    }
}

fn partial_name(id: &[u8; 16]) -> String {
    format!(".solo2-{}.partial", hex(id))
}

fn staging_name(id: &[u8; 16]) -> String {
    format!(".solo2-{}.d", hex(id))
}

fn hex(id: &[u8; 16]) -> String {
    id.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Opens or creates a file that only we can have written: regular, ours, with one
/// name, closed to others' writing. `None`: there is something else.
pub(super) fn open_private(directory: BorrowedFd<'_>, name: &str) -> Result<File, Option<Errno>> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fresh = flags | OFlags::CREATE | OFlags::EXCL;
    match openat2(directory, name, fresh, Mode::RUSR | Mode::WUSR, BENEATH) {
        Ok(file) => return Ok(File::from(file)),
        Err(Errno::EXIST) => {}
        Err(error) => return Err(Some(error)),
    }
    // Neither a pipe without a writer nor a terminal may hold us up.
    let found = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match openat2(directory, name, found, Mode::empty(), BENEATH) {
        Ok(file) => file,
        Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO | Errno::ACCESS) => return Err(None),
        Err(error) => return Err(Some(error)),
    };
    let stat = fstat(&file).map_err(Some)?;
    let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    if regular && stat.st_nlink == 1 && is_private(&stat) {
        Ok(File::from(file))
    } else {
        Err(None)
    }
}

/// Ours, and nobody else may write to it. (FAT shows everything as readable.)
fn is_private(stat: &Stat) -> bool {
    stat.st_uid == rustix::process::geteuid().as_raw() && stat.st_mode & 0o022 == 0
}

fn same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// Removes a directory of ours with all that is in it, through no link.
///
/// It calls itself for each level of depth, of which `unpack` makes a bounded number.
fn remove_tree(
    above: BorrowedFd<'_>,
    name: impl rustix::path::Arg + Copy,
) -> rustix::io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = openat(above, name, flags, Mode::empty())?;
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match unlinkat(&directory, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => remove_tree(directory.as_fd(), name)?,
            result => result?,
        }
    }
    unlinkat(above, name, AtFlags::REMOVEDIR)
}

#[cfg(test)]
mod tests;

//! A received directory, made of the stream it came as.
//!
//! It grows in a fresh directory that nobody else may enter and that becomes
//! visible as a whole (`target`). The stream is a stranger's from its first byte to
//! its last: each part of each path is judged, each name is created and never
//! opened, every directory is found from the top without a link in between, and
//! the first thing that is not as it must be ends it all.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags, Timespec, Timestamps, futimens, mkdirat, openat2};
use rustix::io::Errno;

use super::entry::{Entry, MAX_DEPTH, MAX_PATH};
use super::name::safe_component;
use super::target::TargetError;

/// Bytes read at once, and the longest write.
const WINDOW: usize = 512 * 1024;

/// What a descriptor beneath ours may be reached through: directories, nothing else.
pub(super) const BENEATH: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

/// Creates in `root`, an empty directory called `at`, all that the `len` bytes of `stream` say.
pub(super) fn unpack<R: Read>(
    stream: &mut R,
    len: u64,
    root: &OwnedFd,
    at: &Path,
    limit: u64,
) -> Result<(), TargetError> {
    let mut window = Window::new(stream, len);
    let mut tree = Tree {
        root,
        at,
        open: None,
        open_path: String::new(),
        path: String::new(),
    };
    let mut entries = 0;
    loop {
        let Some(&[high, low]) = window.take(2)? else {
            return Err(hostile(&tree.path, "the stream stops after it"));
        };
        let header_len = u16::from_be_bytes([high, low]);
        if header_len == 0 {
            return match window.left() {
                0 => Ok(()),
                _ => Err(hostile(&tree.path, "bytes follow the last entry")),
            };
        }
        entries += 1;
        if entries > limit {
            return Err(hostile(
                &tree.path,
                "more entries follow than a directory may have",
            ));
        }
        let Some(header) = window.take(usize::from(header_len))? else {
            return Err(hostile(&tree.path, "the stream stops after it"));
        };
        let entry =
            Entry::read(header).map_err(|_| hostile(&tree.path, "a malformed entry follows"))?;
        tree.enter(entry.path())?;
        match entry {
            Entry::Directory { .. } => tree.make_directory()?,
            Entry::File { size, mtime, .. } => {
                if size > window.left() {
                    return Err(hostile(&tree.path, "it is longer than what came"));
                }
                let file = tree.create()?;
                fill(file, &mut window, size, mtime).map_err(|error| match error {
                    Broken::Reading(error) => TargetError::Read(error),
                    Broken::Writing(error) => tree.failed(error),
                })?;
            }
        }
    }
}

enum Broken {
    Reading(io::Error),
    Writing(io::Error),
}

/// Writes the next `size` bytes of the stream.
fn fill<R: Read>(
    mut file: File,
    window: &mut Window<'_, R>,
    size: u64,
    mtime: i64,
) -> Result<(), Broken> {
    let mut left = size;
    while left > 0 {
        let part = window.some(left).map_err(Broken::Reading)?;
        file.write_all(part).map_err(Broken::Writing)?;
        left -= part.len() as u64;
    }
    let time = Timespec {
        tv_sec: mtime,
        tv_nsec: 0,
    };
    // A courtesy; a time that this file system cannot hold stays the time of arrival.
    let _ = futimens(
        &file,
        &Timestamps {
            last_access: time,
            last_modification: time,
        },
    );
    Ok(())
}

/// The directory as far as it has grown.
struct Tree<'a> {
    root: &'a OwnedFd,
    at: &'a Path,
    /// The directory that the last entry went into, and its path; none for the root.
    open: Option<OwnedFd>,
    open_path: String,
    /// The entry at hand, cleaned.
    path: String,
}

impl Tree<'_> {
    /// Judges a path and opens the directory it leads into.
    fn enter(&mut self, raw: &str) -> Result<(), TargetError> {
        if raw.len() > MAX_PATH || raw.split('/').count() > MAX_DEPTH {
            return Err(hostile(raw, "it is too long or too deep"));
        }
        self.path.clear();
        for part in raw.split('/') {
            let Some(part) = safe_component(part) else {
                return Err(hostile(raw, "it leads out of the directory"));
            };
            if !self.path.is_empty() {
                self.path.push('/');
            }
            self.path.push_str(&part);
        }
        let (parent, _) = self.split();
        if parent == self.open_path {
            return Ok(());
        }
        let parent = parent.to_owned();
        self.open = None;
        self.open_path.clear();
        if parent.is_empty() {
            return Ok(());
        }
        // `BENEATH` refuses a link at the end as well, and tells it from a file.
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat2(self.root, parent.as_str(), flags, Mode::empty(), BENEATH) {
            Ok(directory) => {
                self.open = Some(directory);
                self.open_path = parent;
                Ok(())
            }
            Err(Errno::NOENT | Errno::NOTDIR) => Err(hostile(
                &self.path,
                "it lies in no directory that came before it",
            )),
            // No stream can make a link: somebody else put it there.
            Err(Errno::LOOP | Errno::XDEV) => Err(TargetError::Planted {
                path: self.at.join(&parent),
            }),
            Err(error) => Err(TargetError::at(self.at.join(&parent), error.into())),
        }
    }

    fn make_directory(&self) -> Result<(), TargetError> {
        let (_, name) = self.split();
        mkdirat(self.parent(), name, Mode::RWXU).map_err(|error| self.refused(error))
    }

    fn create(&self) -> Result<File, TargetError> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (_, name) = self.split();
        openat2(self.parent(), name, flags, Mode::RUSR | Mode::WUSR, BENEATH)
            .map(File::from)
            .map_err(|error| self.refused(error))
    }

    /// Parent and name of the entry at hand.
    fn split(&self) -> (&str, &str) {
        self.path.rsplit_once('/').unwrap_or(("", &self.path))
    }

    fn parent(&self) -> BorrowedFd<'_> {
        self.open.as_ref().unwrap_or(self.root).as_fd()
    }

    fn refused(&self, error: Errno) -> TargetError {
        match error {
            // The tree is fresh, so the stream itself named it before, in these
            // letters or in others that this file system takes for the same.
            Errno::EXIST => hostile(&self.path, "its name comes twice"),
            other => self.failed(other.into()),
        }
    }

    fn failed(&self, error: io::Error) -> TargetError {
        TargetError::at(self.at.join(&self.path), error)
    }
}

fn hostile(name: &str, why: &'static str) -> TargetError {
    TargetError::Hostile {
        name: name.to_owned(),
        why,
    }
}

/// A stream of known length, seen through a buffer.
struct Window<'a, R> {
    stream: &'a mut R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes that are not in the buffer yet.
    unread: u64,
}

impl<'a, R: Read> Window<'a, R> {
    fn new(stream: &'a mut R, len: u64) -> Self {
        let size = usize::try_from(len).unwrap_or(WINDOW).min(WINDOW);
        Self {
            stream,
            buffer: vec![0; size],
            start: 0,
            end: 0,
            unread: len,
        }
    }

    /// Bytes of the stream that were not taken yet.
    fn left(&self) -> u64 {
        self.unread + (self.end - self.start) as u64
    }

    /// The next `count` bytes in one piece, or `None` if so many do not come.
    fn take(&mut self, count: usize) -> Result<Option<&[u8]>, TargetError> {
        if (count as u64) > self.left() {
            return Ok(None);
        }
        if self.end - self.start < count {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            while self.end < count {
                self.refill().map_err(TargetError::Read)?;
            }
        }
        let from = self.start;
        self.start += count;
        Ok(self.buffer.get(from..self.start))
    }

    /// At least one of the next `most` bytes, of which there are as many.
    fn some(&mut self, most: u64) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.refill()?;
        }
        let from = self.start;
        let here = self.end - from;
        self.start += usize::try_from(most).map_or(here, |most| most.min(here));
        Ok(self.buffer.get(from..self.start).unwrap_or_default())
    }

    fn refill(&mut self) -> io::Result<()> {
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let most = usize::try_from(self.unread).map_or(room.len(), |left| left.min(room.len()));
        let read = loop {
            match self.stream.read(&mut room[..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.end += read;
        self.unread -= read as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! A file or a directory to send, read as the stream it travels as.
//!
//! ```text
//!   path ──inspect──► SourceInfo ─ ─ offered, perhaps days ─ ─► Source ──read──► bytes ──► end
//!                                                                 └───────► Changed
//! ```
//!
//! Only what was inspected is ever read: device, inode, size and both times (to
//! the nanosecond) are compared when a file is opened and after each read from it.
//! So a transfer that goes on tomorrow continues the same stream, or says that it
//! cannot. What the kernel's clock does not tell apart (two writes within one tick
//! of it, 4 ms or less) is left to the receiver's digest.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, CWD, FileType, Mode, OFlags, fadvise, fstat, openat};
use rustix::io::Errno;

use super::Shape;
use super::entry::{END, MAX_DEPTH, MAX_ENTRIES, MAX_PATH};
use super::listing::{Descent, Listing, Seen};
use super::name::{NAME_MAX, safe_name};

/// What an offer says of a file or directory, and what tells later whether it still is that one.
pub(crate) struct SourceInfo {
    /// The absolute path.
    pub(crate) path: PathBuf,
    pub(crate) shape: Shape,
    /// The name to offer.
    pub(crate) name: String,
    /// Bytes of the stream.
    pub(crate) size: u64,
    /// A digest of what was seen: a file's identity, size and times; of a
    /// directory every path and every file's.
    pub(crate) stamp: [u8; 32],
    /// The first 16 links and special files, which do not travel.
    pub(crate) skipped: Vec<PathBuf>,
    /// How many of those there are.
    pub(crate) skipped_count: u64,
}

/// Why something cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("cannot read {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is not what was offered any more", path.display())]
    Changed { path: PathBuf },
    #[error("{} is neither a file nor a directory", path.display())]
    Kind { path: PathBuf },
    #[error("{} holds more than {limit} files and directories", path.display())]
    TooMany { path: PathBuf, limit: u64 },
    #[error("{} lies deeper than {MAX_DEPTH} directories, or its path has more than {MAX_PATH} bytes", path.display())]
    Deep { path: PathBuf },
    #[error("the name of {} is not UTF-8, or has more than {NAME_MAX} bytes", path.display())]
    Name { path: PathBuf },
}

impl SourceError {
    pub(super) fn at(path: PathBuf, error: Errno) -> Self {
        let source = error.into();
        Self::Io { path, source }
    }
}

/// Looks at what is to be sent. A link at the end of `path` is followed, none below it.
pub(crate) fn inspect(path: &Path) -> Result<SourceInfo, SourceError> {
    inspect_within(path, MAX_ENTRIES)
}

fn inspect_within(path: &Path, limit: u64) -> Result<SourceInfo, SourceError> {
    let failed = |source| SourceError::Io {
        path: path.to_owned(),
        source,
    };
    let mut path = std::path::absolute(path).map_err(failed)?;
    if path.file_name().is_none() {
        path = path.canonicalize().map_err(failed)?;
    }
    let name = match path.file_name() {
        Some(name) => name.to_str(),
        // The root of the file system; it has no name of its own.
        None => Some(""),
    };
    let Some(name) = name.map(safe_name) else {
        return Err(SourceError::Name { path });
    };
    let (opened, seen) = open(&path)?;
    Ok(match seen {
        Some(seen) => SourceInfo {
            shape: Shape::File,
            name,
            size: seen.size,
            stamp: stamp(&seen),
            skipped: Vec::new(),
            skipped_count: 0,
            path,
        },
        None => {
            let listing = Listing::of(opened, &path, limit)?;
            SourceInfo {
                shape: Shape::Directory,
                name,
                size: listing.size,
                stamp: listing.stamp,
                skipped: listing.skipped,
                skipped_count: listing.skipped_count,
                path,
            }
        }
    })
}

/// Opens a file, with its state, or a directory, with none.
fn open(path: &Path) -> Result<(OwnedFd, Option<Seen>), SourceError> {
    let failed = |error| SourceError::at(path.to_owned(), error);
    let refused = |mode| match FileType::from_raw_mode(mode) {
        FileType::RegularFile | FileType::Directory => None,
        _ => Some(SourceError::Kind {
            path: path.to_owned(),
        }),
    };
    // Opening a pipe wakes its writer, so look before; and after, for what was swapped.
    if let Some(error) = refused(rustix::fs::stat(path).map_err(failed)?.st_mode) {
        return Err(error);
    }
    let opened = openat(CWD, path, READ, Mode::empty()).map_err(failed)?;
    let stat = fstat(&opened).map_err(failed)?;
    if let Some(error) = refused(stat.st_mode) {
        return Err(error);
    }
    let file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    Ok((opened, file.then(|| Seen::of(&stat))))
}

const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

fn stamp(seen: &Seen) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    seen.feed(&mut hasher);
    hasher.finalize().into()
}

/// The stream of a file or directory, from its start.
pub(crate) struct Source {
    path: PathBuf,
    body: Body,
}

enum Body {
    File(Contents),
    Directory(Box<Tree>),
}

impl Source {
    /// Opens what [`inspect`] saw; anything else there is [`SourceError::Changed`].
    ///
    /// A pipe's contents are sent from the regular file that they were put in.
    pub(crate) fn open(
        path: &Path,
        shape: Shape,
        stamp: [u8; 32],
        size: u64,
    ) -> Result<Self, SourceError> {
        let changed = || SourceError::Changed {
            path: path.to_owned(),
        };
        let (opened, seen) = match open(path) {
            Ok(found) => found,
            Err(SourceError::Kind { .. }) => return Err(changed()),
            Err(SourceError::Io { source, .. }) if gone(&source) => return Err(changed()),
            Err(other) => return Err(other),
        };
        let body = match (shape, seen) {
            (Shape::File | Shape::Pipe, Some(seen))
                if self::stamp(&seen) == stamp && seen.size == size =>
            {
                // Advice only: twice the read-ahead for what is read once, in order.
                let _ = fadvise(&opened, 0, None, Advice::Sequential);
                Body::File(Contents::new(opened, seen))
            }
            (Shape::Directory, None) => {
                let again = rustix::io::dup(&opened)
                    .map_err(|error| SourceError::at(path.to_owned(), error))?;
                let listing = Listing::of(opened, path, MAX_ENTRIES)?;
                if listing.stamp != stamp || listing.size != size {
                    return Err(changed());
                }
                Body::Directory(Box::new(Tree::new(again, listing)))
            }
            _ => return Err(changed()),
        };
        Ok(Self {
            path: path.to_owned(),
            body,
        })
    }

    /// Reads on into `buf`; 0 at the end of the stream.
    ///
    /// A directory fills `buf` whole while there is something left; a file's bytes
    /// come as the kernel gives them. Buffers of 64 KiB to 1 MiB suit both.
    pub(crate) fn read(&mut self, buf: &mut [u8]) -> Result<usize, SourceError> {
        match &mut self.body {
            Body::File(contents) => contents
                .read(buf)
                .map_err(|trouble| trouble.with(self.path.clone())),
            Body::Directory(tree) => tree
                .read(buf)
                .map_err(|trouble| trouble.with(self.path.join(tree.descent.path()))),
        }
    }
}

/// Whether opening failed because the thing is not there any more.
fn gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// What went wrong, before it has a path.
enum Trouble {
    Changed,
    Io(io::Error),
}

impl Trouble {
    fn with(self, path: PathBuf) -> SourceError {
        match self {
            Self::Changed => SourceError::Changed { path },
            Self::Io(source) => SourceError::Io { path, source },
        }
    }
}

impl From<Errno> for Trouble {
    fn from(error: Errno) -> Self {
        match error {
            // Another kind of thing, or nothing, has taken the name.
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO => Self::Changed,
            other => Self::Io(other.into()),
        }
    }
}

/// One file's bytes.
struct Contents {
    file: File,
    seen: Seen,
    left: u64,
}

impl Contents {
    fn new(opened: OwnedFd, seen: Seen) -> Self {
        Self {
            file: File::from(opened),
            left: seen.size,
            seen,
        }
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Trouble> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(buf.len());
        if most == 0 {
            return Ok(0);
        }
        let read = loop {
            match self.file.read(&mut buf[..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result.map_err(Trouble::Io)?,
            }
        };
        if read == 0 || Seen::of(&fstat(&self.file)?) != self.seen {
            return Err(Trouble::Changed);
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// A directory's entries and bytes.
struct Tree {
    listing: Listing,
    descent: Descent,
    /// The entry whose header comes next.
    next: usize,
    header: Vec<u8>,
    /// Bytes of `header` that have been read.
    header_read: usize,
    contents: Option<Contents>,
    ended: bool,
}

impl Tree {
    fn new(root: OwnedFd, listing: Listing) -> Self {
        Self {
            listing,
            descent: Descent::new(root),
            next: 0,
            header: Vec::new(),
            header_read: 0,
            contents: None,
            ended: false,
        }
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Trouble> {
        let mut filled = 0;
        while filled < buf.len() {
            let room = &mut buf[filled..];
            let header = self.header.get(self.header_read..).unwrap_or_default();
            if !header.is_empty() {
                let part = header.len().min(room.len());
                room[..part].copy_from_slice(&header[..part]);
                self.header_read += part;
                filled += part;
            } else if let Some(contents) = &mut self.contents {
                match contents.read(room)? {
                    0 => self.contents = None,
                    read => filled += read,
                }
            } else if !self.advance()? {
                break;
            }
        }
        Ok(filled)
    }

    /// Goes on to the next entry, then to the end, then nowhere.
    fn advance(&mut self) -> Result<bool, Trouble> {
        self.header_read = 0;
        let Some(node) = self.listing.node(self.next) else {
            self.header.clear();
            if !self.ended {
                self.header.extend_from_slice(&END);
            }
            return Ok(!std::mem::replace(&mut self.ended, true));
        };
        self.next += 1;
        let name = self.listing.name(node);
        self.descent.enter(node.depth, name);
        node.entry(self.descent.path()).write(&mut self.header);
        if let Some(seen) = node.file {
            let parent = self.descent.parent(node.depth);
            let opened = openat(parent, name, READ | OFlags::NOFOLLOW, Mode::empty())?;
            if Seen::of(&fstat(&opened)?) != seen {
                return Err(Trouble::Changed);
            }
            self.contents = Some(Contents::new(opened, seen));
        } else {
            self.descent.descend(node.depth)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;

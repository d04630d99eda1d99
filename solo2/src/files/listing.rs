//! What is in a directory, in the order in which it travels.
//!
//! A walk goes down from the directory's descriptor, one name at a time and never
//! through a link, so what is swapped under its feet cannot lead it out. It holds
//! names and what the kernel says of each file, about 100 bytes an entry, and no
//! contents. Reading the files is `source`'s business.

use std::cmp::Reverse;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat, openat, statat};

use super::entry::{END, Entry, MAX_DEPTH, MAX_PATH};
use super::name::safe_component;
use super::source::SourceError;

/// How many of the things that do not travel are named.
const NAMED: usize = 16;
/// For names of directories: one reading takes some 2,000 of them.
const DIRECTORY_BUFFER: usize = 64 * 1024;

/// What tells one state of a file from another, without reading it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    dev: u64,
    ino: u64,
    pub(super) size: u64,
    mtime: (i64, u64),
    ctime: (i64, u64),
}

impl Seen {
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            dev: stat.st_dev,
            ino: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mtime: (stat.st_mtime, stat.st_mtime_nsec),
            ctime: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    pub(super) fn feed(&self, hasher: &mut blake3::Hasher) {
        let mut bytes = [0; 56];
        let fields = [
            self.dev,
            self.ino,
            self.size,
            self.mtime.0.cast_unsigned(),
            self.mtime.1,
            self.ctime.0.cast_unsigned(),
            self.ctime.1,
        ];
        for (place, field) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(fields) {
            *place = field.to_be_bytes();
        }
        hasher.update(&bytes);
    }
}

/// One entry: its name, how deep it lies (0 is the top), and for a file its state.
pub(super) struct Node {
    name_at: usize,
    name_len: u16,
    pub(super) depth: u16,
    /// `None` for a directory.
    pub(super) file: Option<Seen>,
}

/// Everything in a directory that travels, each directory before what is in it.
pub(super) struct Listing {
    names: String,
    nodes: Vec<Node>,
    /// Bytes of the whole stream.
    pub(super) size: u64,
    /// A digest of every path and state.
    pub(super) stamp: [u8; 32],
    /// The first links and special files, which do not travel.
    pub(super) skipped: Vec<PathBuf>,
    /// How many there are.
    pub(super) skipped_count: u64,
}

impl Listing {
    /// Walks the directory `root`, which is called `at`; `limit` bounds its entries.
    pub(super) fn of(root: OwnedFd, at: &Path, limit: u64) -> Result<Self, SourceError> {
        let mut walk = Walk {
            at,
            limit,
            found: 0,
            pending: Vec::new(),
            buffer: Vec::with_capacity(DIRECTORY_BUFFER),
            listing: Self {
                names: String::new(),
                nodes: Vec::new(),
                size: 0,
                stamp: [0; 32],
                skipped: Vec::new(),
                skipped_count: 0,
            },
        };
        let mut hasher = blake3::Hasher::new();
        let mut header = Vec::new();
        let mut descent = Descent::new(root);
        walk.read(&descent, 0)?;
        while let Some(node) = walk.pending.pop() {
            let depth = node.depth;
            descent.enter(depth, walk.listing.name(&node));
            if descent.path().len() > MAX_PATH || usize::from(depth) >= MAX_DEPTH {
                return Err(SourceError::Deep {
                    path: at.join(descent.path()),
                });
            }
            node.entry(descent.path()).write(&mut header);
            hasher.update(&header);
            if let Some(seen) = node.file {
                seen.feed(&mut hasher);
                walk.listing.add(seen.size);
            } else {
                descent
                    .descend(depth)
                    .map_err(|error| SourceError::at(at.join(descent.path()), error))?;
                walk.read(&descent, depth + 1)?;
            }
            walk.listing.add(header.len() as u64);
            walk.listing.nodes.push(node);
        }
        let mut listing = walk.listing;
        listing.add(END.len() as u64);
        listing.stamp = hasher.finalize().into();
        Ok(listing)
    }

    /// The entry at `index`.
    pub(super) fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }

    /// The entry's name.
    pub(super) fn name(&self, node: &Node) -> &str {
        let end = node.name_at + usize::from(node.name_len);
        self.names.get(node.name_at..end).unwrap_or_default()
    }

    fn add(&mut self, bytes: u64) {
        self.size = self.size.saturating_add(bytes);
    }
}

impl Node {
    /// The header of this entry, whose path is `path`.
    pub(super) fn entry<'a>(&self, path: &'a str) -> Entry<'a> {
        match self.file {
            None => Entry::Directory { path },
            Some(seen) => Entry::File {
                path,
                size: seen.size,
                mtime: seen.mtime.0,
            },
        }
    }
}

/// A walk under way.
struct Walk<'a> {
    at: &'a Path,
    limit: u64,
    found: u64,
    /// What is still to be entered; the next one last.
    pending: Vec<Node>,
    buffer: Vec<u8>,
    listing: Listing,
}

impl Walk<'_> {
    /// Reads the directory that `descent` stands in, whose entries lie at `depth`.
    fn read(&mut self, descent: &Descent, depth: u16) -> Result<(), SourceError> {
        let Self {
            at,
            pending,
            buffer,
            listing,
            ..
        } = self;
        let within = |name: &str| at.join(descent.inside(depth)).join(name);
        let failed = |error| SourceError::at(within(""), error);
        let directory = descent.parent(depth);
        let first = pending.len();
        let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(failed)?;
            let raw = entry.file_name();
            if matches!(raw.to_bytes(), b"." | b"..") {
                continue;
            }
            let lossy = raw.to_string_lossy();
            let mut kind = entry.file_type();
            let mut seen = None;
            if matches!(kind, FileType::RegularFile | FileType::Unknown) {
                let stat = statat(directory, raw, AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(|error| SourceError::at(within(&lossy), error))?;
                kind = FileType::from_raw_mode(stat.st_mode);
                seen = (kind == FileType::RegularFile).then(|| Seen::of(&stat));
            }
            if !matches!(kind, FileType::RegularFile | FileType::Directory) {
                listing.skipped_count += 1;
                if listing.skipped.len() < NAMED {
                    listing.skipped.push(within(&lossy));
                }
                continue;
            }
            let name = raw
                .to_str()
                .ok()
                .filter(|name| safe_component(name).is_some());
            let (Some(name), Ok(name_len)) = (name, u16::try_from(lossy.len())) else {
                return Err(SourceError::Name {
                    path: within(&lossy),
                });
            };
            self.found += 1;
            if self.found > self.limit {
                return Err(SourceError::TooMany {
                    path: at.to_path_buf(),
                    limit: self.limit,
                });
            }
            pending.push(Node {
                name_at: listing.names.len(),
                name_len,
                depth,
                file: seen,
            });
            listing.names.push_str(name);
        }
        if let Some(fresh) = pending.get_mut(first..) {
            fresh.sort_unstable_by_key(|node| Reverse(listing.name(node)));
        }
        Ok(())
    }
}

/// A way down from a directory: a descriptor for each step, and the path so far.
pub(super) struct Descent {
    directories: Vec<OwnedFd>,
    path: String,
    /// Where in `path` the part of each depth ends.
    ends: Vec<usize>,
}

impl Descent {
    pub(super) fn new(root: OwnedFd) -> Self {
        Self {
            directories: vec![root],
            path: String::new(),
            ends: Vec::new(),
        }
    }

    /// Moves to the entry `name` at `depth`, in the directory last descended into above it.
    pub(super) fn enter(&mut self, depth: u16, name: &str) {
        let depth = usize::from(depth);
        self.ends.truncate(depth);
        self.directories.truncate(depth + 1);
        self.path.truncate(self.ends.last().copied().unwrap_or(0));
        if !self.path.is_empty() {
            self.path.push('/');
        }
        self.path.push_str(name);
        self.ends.push(self.path.len());
    }

    /// The path of the entry that was entered, from the root.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The path of the directory whose entries lie at `depth`.
    fn inside(&self, depth: u16) -> &str {
        let end = match usize::from(depth).checked_sub(1) {
            Some(above) => self.ends.get(above).copied().unwrap_or(0),
            None => 0,
        };
        self.path.get(..end).unwrap_or_default()
    }

    /// The directory whose entries lie at `depth`.
    pub(super) fn parent(&self, depth: u16) -> BorrowedFd<'_> {
        let depth = usize::from(depth).min(self.directories.len() - 1);
        self.directories[depth].as_fd()
    }

    /// Opens the entry that was entered, a directory, to go on into it.
    pub(super) fn descend(&mut self, depth: u16) -> rustix::io::Result<()> {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let directory = openat(
            self.parent(depth),
            name,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        self.directories.push(directory);
        Ok(())
    }
}

//! The local half of a file transfer: what is read here, and what is written.
//!
//! ```text
//!   path ── inspect ──► SourceInfo ── Source::open ──► bytes of the stream   (sender)
//!   bytes ── append ──► Partial ── Target::finish ──► path                   (receiver, named place)
//!   bytes ── append ──► Blob ── Target::import ──► path                      (receiver, in the vault)
//! ```
//!
//! A file's stream is its bytes, a directory's is that of [`entry`]. Whatever a
//! stream says comes from a stranger: nothing here follows a link, replaces what
//! was there without being told to, makes anything executable, or writes outside
//! the directory that it was given, whoever else works in that directory.
//! Blocking on purpose: callers run it where blocking is allowed. Peers, keys'
//! origins and the question whether a file is wanted are not this module's concern.
//! Spec: docs/threat-model.md §5.

use std::io;

pub(crate) mod blob;
mod entry;
mod listing;
pub(crate) mod name;
pub(crate) mod source;
pub(crate) mod space;
pub(crate) mod target;
pub(crate) mod tree;
mod unpack;

pub(crate) use solo2_crypto::content::Shape;
use solo2_crypto::file::CHUNK_LEN;

/// What has come of a stream so far, on disk, to go on from after a crash.
///
/// Opened again it holds whole chunks only; a [`blob::Blob`] also holds a last chunk
/// that is shorter, because it knows it for the last. Nothing is certain to outlive
/// a power cut before [`Partial::sync`].
pub(crate) trait Partial: Send {
    /// Bytes of the stream that are there.
    fn len(&self) -> u64;

    /// Whether the last chunk is there.
    fn is_complete(&self) -> bool;

    /// Feeds `hasher` all that is there. What turns out damaged is cut off, so
    /// [`Partial::len`] may be less afterwards.
    fn rehash(&mut self, hasher: &mut blake3::Hasher) -> io::Result<()>;

    /// Adds the next chunk: [`CHUNK_LEN`] bytes, at most that if it is the last.
    fn append(&mut self, chunk: &[u8], last: bool) -> io::Result<()>;

    /// Has the disk hold what was appended.
    fn sync(&mut self) -> io::Result<()>;

    /// Starts anew, with nothing.
    fn clear(&mut self) -> io::Result<()>;
}

/// What both kinds of partial refuse: a chunk after the last, or of a wrong length.
fn check_chunk(complete: bool, chunk: &[u8], last: bool) -> io::Result<()> {
    let fits = chunk.len() == CHUNK_LEN || last && chunk.len() < CHUNK_LEN;
    if complete || !fits {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a chunk of a wrong length, or after the last",
        ));
    }
    Ok(())
}

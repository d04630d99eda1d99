//! History in, documents out, and back: an age archive, a readable ZIP, the check of both.
//!
//! ```text
//!   Source (the open vault) ──► walk ──► archive::write   age( tar( JSONL, files, sums ) )
//!                                   ├──► archive::write_tar ──► archive::Sealed, elsewhere
//!                                   └──► readable::write  zip( JSONL, Markdown, HTML, files, sums )
//!   a file ──► verify::archive / verify::readable
//!   a file ──► import ──► Sink (the open vault)
//! ```
//!
//! What is handed over is read page by page and written as it is read: memory is
//! bounded by a page of messages (in a readable copy by 8 MiB of them), 16 bytes for each
//! message and 32 to 300 for each file in the document. Sessions, pair secrets and private keys are not in reach of a [`Source`], so
//! they cannot be in a document. Where bytes come from and go to is the caller's
//! business.
//! Spec: docs/protocol/7-export.md.

#![deny(clippy::indexing_slicing)]

pub mod archive;
mod document;
mod html;
pub mod import;
mod jsonl;
pub mod key;
mod known;
mod markdown;
mod open;
mod place;
pub mod readable;
mod recall;
mod record;
mod sums;
pub mod verify;
mod walk;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Read};

pub use known::Known;
use solo2_store::{Amendments, Contact, ContactId, Kind, Message, StoredFile};

/// What an export reads: the vault's public side, at one remove.
pub trait Source {
    /// Why reading failed.
    type Error;

    /// Messages numbered from `from` to before `from + PAGE`, in this order; earlier ones
    /// before them are passed over.
    ///
    /// # Errors
    ///
    /// The source's own.
    fn page(&mut self, contact: ContactId, from: u64) -> Result<Vec<Numbered>, Self::Error>;

    /// The number of a conversation's newest message; `None` while it is empty.
    ///
    /// # Errors
    ///
    /// The source's own.
    fn newest(&mut self, contact: ContactId) -> Result<Option<u64>, Self::Error>;

    /// The numbers at which a conversation goes back in time, ascending: what came in by an
    /// import behind newer messages. None where all of it came about in its order.
    ///
    /// # Errors
    ///
    /// The source's own.
    fn turns(&mut self, contact: ContactId) -> Result<Vec<u64>, Self::Error>;

    /// Opens a file that the vault keeps; `None` when it is not there any more.
    ///
    /// # Errors
    ///
    /// The disk's, and `InvalidData` for a damaged file.
    fn open(&mut self, file: &StoredFile) -> io::Result<Option<Attachment>>;

    /// Hears how far the export is.
    ///
    /// # Errors
    ///
    /// The source's own: it may call the export off.
    fn progress(&mut self, progress: &Progress) -> Result<(), Self::Error>;
}

/// Messages that one call of [`Source::page`] covers.
pub const PAGE: u64 = 256;

/// A message, its number in its conversation, and what happened to it since.
pub type Numbered = (u64, Message, Amendments);

/// A file out of the vault.
pub enum Attachment {
    /// One file: its length in bytes and its contents.
    File(u64, Box<dyn Read>),
    /// A directory.
    Tree(Box<dyn Tree>),
}

/// A directory's files, one after the other.
pub trait Tree {
    /// The next file: its path, as a stranger wrote it, and its length in bytes. What
    /// was not read of the one before is passed over.
    ///
    /// # Errors
    ///
    /// The disk's, and `InvalidData` for a damaged directory.
    fn next(&mut self) -> io::Result<Option<(String, u64)>>;

    /// The contents of the file at hand.
    fn contents(&mut self) -> &mut dyn Read;

    /// What the stream had besides contents since this was last asked.
    fn between(&mut self) -> Vec<u8>;
}

/// Who exports, what, and how things are called.
pub struct Request<'a> {
    /// Who is speaking: `solo2 0.1.0`.
    pub program: &'a str,
    /// When, Unix time in milliseconds.
    pub now_ms: u64,
    /// Ourselves.
    pub owner: Owner,
    /// Whose conversations, in the order in which they are written.
    pub contacts: Vec<Contact>,
    /// Who is in what is there already, and was removed since.
    pub removed: Vec<ContactId>,
    /// Name of the only conversation that was asked for.
    pub chat: Option<String>,
    /// Stored at this time or later, Unix time in milliseconds.
    pub since_ms: Option<u64>,
    /// Stored at this time or earlier.
    pub until_ms: Option<u64>,
    /// Whether files that lie in the vault come along.
    pub files: bool,
    /// What is there already, and is left out.
    pub base: Option<Base>,
    /// Ids of messages that have not left yet.
    pub queued: BTreeSet<[u8; 16]>,
    /// The program's ways with names.
    pub names: Names,
}

/// The document that a new one builds on.
#[derive(Default)]
pub struct Base {
    /// SHA-256 of its manifest.
    pub sha256: [u8; 32],
    /// When it was made, as its manifest says.
    pub created_at: String,
    /// Whose it is, as its manifest says: 64 hexadecimal digits of the account key.
    pub owner: String,
    /// What it, and what it builds on, hold.
    pub known: Known,
}

/// Our own identity, its public side.
pub struct Owner {
    /// The name that peers are shown.
    pub name: String,
    /// Our own id, `p_…`.
    pub id: String,
    /// 64 hexadecimal digits of the account key.
    pub fingerprint: String,
    /// The device certificate.
    pub certificate: Vec<u8>,
}

/// How the program writes names and ids.
#[derive(Clone, Copy)]
pub struct Names {
    /// A plain name of a file, of any text.
    pub file: fn(&str) -> String,
    /// One part of a path inside a received directory; `None` for one that no honest directory has.
    pub component: fn(&str) -> Option<Cow<'_, str>>,
    /// A message's id as its owner sees it.
    pub id: fn(Kind, [u8; 16]) -> String,
}

/// How far an export is, and at its end what it wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Places of conversations looked at, of `places` in all.
    pub looked_at: u64,
    /// Places of conversations there are.
    pub places: u64,
    /// Conversations written.
    pub conversations: u64,
    /// Messages written.
    pub messages: u64,
    /// Files written.
    pub files: u64,
    /// Files that were there when their message was read, and then gone.
    pub missing: u64,
    /// Bytes of records and files, before packing.
    pub bytes: u64,
}

/// Why there is no document, or only the beginning of one.
#[derive(Debug, thiserror::Error)]
pub enum ExportError<E> {
    /// Reading the vault failed.
    #[error("reading the vault failed")]
    Source(E),
    /// Writing failed.
    #[error("cannot write the export: {0}")]
    Write(io::Error),
    /// A file of the vault cannot be read.
    #[error("the vault's copy of {name:?} cannot be read: {source}")]
    Attachment {
        /// Its name, as its sender wrote it.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The key to encrypt to is not one.
    #[error("the archive's recipient is damaged")]
    Recipient,
}

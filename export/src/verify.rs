//! Whether a document is whole: every file has the sum that the list says, nothing
//! is missing, nothing was added.
//!
//! An archive's age layer proves that it was not changed since; a ZIP's list proves
//! no more than that nothing broke by accident. Memory: 32 bytes for each file.
//! Spec: docs/protocol/7-export.md §4.

use std::convert::Infallible;
use std::io::{self, Read, Seek};

use serde_json::Value;

use crate::key::{ArchiveKey, Passphrase};
use crate::open::{self, Stop, Visitor, Watched, broken};
use crate::{Base, Known, place};

/// Longest list of what a document holds, in bytes: 64 million records.
const MAX_KNOWN: u64 = 1 << 30;

/// What a whole document holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Files, the list of sums not counted.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// The identity that exported, as the manifest says.
    pub fingerprint: String,
    /// When, as the manifest says.
    pub created_at: String,
}

/// Why a document is not whole, or cannot be looked into.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(io::Error),
    /// The words, or the passphrase, are not its.
    #[error("it does not open: it is encrypted to another key, or its header is damaged")]
    WrongKey,
    /// It takes a passphrase and not the words, or the other way round.
    #[error("{0}")]
    OtherKey(&'static str),
    /// Its version is one that this program does not know.
    #[error("a newer version of solo2 made it")]
    Newer,
    /// It is damaged.
    #[error("{0}")]
    Broken(String),
}

/// What opens an archive.
#[derive(Clone, Copy)]
pub enum Opener<'a> {
    /// The key that grows from the words.
    Words(&'a ArchiveKey),
    /// The passphrase.
    Passphrase(&'a Passphrase),
}

/// What a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An archive to the 24 words.
    Words,
    /// An archive under a passphrase.
    Passphrase,
    /// A ZIP.
    Readable,
}

/// Judges a file by its first bytes, a few hundred at most; `None` for something else.
#[must_use]
pub fn form(start: &[u8]) -> Option<Form> {
    if start.starts_with(b"PK\x03\x04") {
        return Some(Form::Readable);
    }
    let rest = start.strip_prefix(b"age-encryption.org/v1\n-> ")?;
    Some(if rest.starts_with(b"scrypt ") {
        Form::Passphrase
    } else {
        Form::Words
    })
}

/// Reads an archive from its first byte to its last.
///
/// # Errors
///
/// [`VerifyError`].
pub fn archive<R: Read>(from: R, opener: Opener<'_>) -> Result<Verified, VerifyError> {
    visit(from, opener, &mut Nobody)
}

/// Reads a ZIP, entry by entry.
///
/// # Errors
///
/// [`VerifyError`].
pub fn readable<R: Read + Seek>(from: R) -> Result<Verified, VerifyError> {
    visit_zip(from, &mut Nobody)
}

/// Reads an archive whole, as the base of a new document.
///
/// # Errors
///
/// [`VerifyError`].
pub fn archive_base<R: Read>(from: R, opener: Opener<'_>) -> Result<Base, VerifyError> {
    let mut reader = BaseReader::default();
    visit(from, opener, &mut reader)?;
    reader.finish()
}

/// Reads a ZIP whole, as the base of a new document.
///
/// # Errors
///
/// [`VerifyError`].
pub fn readable_base<R: Read + Seek>(from: R) -> Result<Base, VerifyError> {
    let mut reader = BaseReader::default();
    visit_zip(from, &mut reader)?;
    reader.finish()
}

fn visit<R: Read, V: Visitor<Error = Infallible>>(
    from: R,
    opener: Opener<'_>,
    visitor: &mut V,
) -> Result<Verified, VerifyError> {
    let from = Watched::new(from);
    let trouble = from.trouble();
    let result = open::decrypt(from, opener)
        .map_err(Stop::from)
        .and_then(|plain| open::untar(plain, visitor));
    told(trouble.take(), result)
}

fn visit_zip<R: Read + Seek, V: Visitor<Error = Infallible>>(
    from: R,
    visitor: &mut V,
) -> Result<Verified, VerifyError> {
    let from = Watched::new(from);
    let trouble = from.trouble();
    let result = open::unzip(from, visitor);
    told(trouble.take(), result)
}

/// A disk that fails makes a damaged file of every one.
fn told(
    trouble: Option<io::Error>,
    result: Result<Verified, Stop<Infallible>>,
) -> Result<Verified, VerifyError> {
    match (trouble, result) {
        (Some(error), _) => Err(VerifyError::Read(error)),
        (None, Ok(verified)) => Ok(verified),
        (None, Err(Stop::Document(error))) => Err(error),
        (None, Err(Stop::Visitor(never))) => match never {},
    }
}

/// Wants to know nothing but that all of it is whole.
struct Nobody;

impl Visitor for Nobody {
    type Error = Infallible;

    fn manifest(&mut self, _: &Value, _: [u8; 32]) -> Result<(), Stop<Infallible>> {
        Ok(())
    }

    fn file(&mut self, _: &str, _: &mut dyn Read) -> Result<(), Stop<Infallible>> {
        Ok(())
    }
}

/// Wants to know what is in it.
#[derive(Default)]
struct BaseReader {
    base: Base,
    known: bool,
}

impl BaseReader {
    fn finish(self) -> Result<Base, VerifyError> {
        match self.known {
            true => Ok(self.base),
            false => Err(broken(format!("{} is not in it", place::KNOWN))),
        }
    }
}

impl Visitor for BaseReader {
    type Error = Infallible;

    fn manifest(&mut self, manifest: &Value, sha256: [u8; 32]) -> Result<(), Stop<Infallible>> {
        let created_at = manifest.get("created_at").and_then(Value::as_str);
        self.base.created_at = created_at.unwrap_or_default().to_owned();
        let owner = manifest.pointer("/identity/fingerprint");
        let owner = owner.and_then(Value::as_str);
        self.base.owner = owner.unwrap_or_default().to_owned();
        self.base.sha256 = sha256;
        Ok(())
    }

    fn file(&mut self, path: &str, contents: &mut dyn Read) -> Result<(), Stop<Infallible>> {
        if path == place::KNOWN {
            let mut bytes = Vec::new();
            let mut contents = contents.take(MAX_KNOWN);
            contents.read_to_end(&mut bytes).map_err(open::unreadable)?;
            self.base.known = Known::from_bytes(&bytes)
                .ok_or_else(|| broken(format!("{} is malformed", place::KNOWN)))?;
            self.known = true;
        }
        Ok(())
    }
}

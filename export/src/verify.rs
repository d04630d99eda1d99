//! Whether a document is whole: every file has the sum that the list says, nothing
//! is missing, nothing was added.
//!
//! An archive's age layer proves that it was not changed since; a ZIP's list proves
//! no more than that nothing broke by accident. Memory: 32 bytes for each file.
//! Spec: docs/protocol/7-export.md §4.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Seek};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::key::{ArchiveKey, Passphrase};
use crate::{archive, place, readable};

/// Longest manifest, and longest line of the sums, in bytes.
const MAX_MANIFEST: u64 = 1 << 20;
const MAX_LINE: u64 = 16 * 1024;
/// Highest scrypt work factor that is tried: 2^20 takes 1 GiB of memory, `age` itself takes 2^18.
const MAX_WORK: u8 = 20;

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
    let from = Watched::new(from);
    let trouble = from.trouble();
    let result = tarball(from, opener);
    // A disk that fails makes a damaged file of every one.
    match trouble.take() {
        Some(error) => Err(VerifyError::Read(error)),
        None => result,
    }
}

fn tarball<R: Read>(from: R, opener: Opener<'_>) -> Result<Verified, VerifyError> {
    let decryptor = age::Decryptor::new(from).map_err(age_error)?;
    let plain = match opener {
        Opener::Words(_) if decryptor.is_scrypt() => {
            return Err(VerifyError::OtherKey("it is encrypted with a passphrase"));
        }
        Opener::Words(key) => {
            decryptor.decrypt(std::iter::once(key.identity() as &dyn age::Identity))
        }
        Opener::Passphrase(_) if !decryptor.is_scrypt() => {
            return Err(VerifyError::OtherKey(
                "it is encrypted to the 24 words, not with a passphrase",
            ));
        }
        Opener::Passphrase(passphrase) => {
            let mut identity = age::scrypt::Identity::new(passphrase.secret());
            identity.set_max_work_factor(MAX_WORK);
            decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
        }
    };
    let mut tar = tar::Archive::new(plain.map_err(age_error)?);
    let mut check = Check::default();
    // A name that ustar has no room for stands in an entry of its own, before the file's.
    let mut long = None;
    // Raw: names are read here, where their length has a bound.
    for entry in tar.entries().map_err(unreadable)?.raw(true) {
        let mut entry = entry.map_err(unreadable)?;
        let kind = entry.header().entry_type();
        if kind.is_gnu_longname() && long.is_none() {
            let mut name = Vec::new();
            (&mut entry)
                .take(MAX_LINE)
                .read_to_end(&mut name)
                .map_err(unreadable)?;
            name.truncate(
                name.iter()
                    .position(|byte| *byte == 0)
                    .unwrap_or(name.len()),
            );
            long = Some(name);
            continue;
        }
        let path = long
            .take()
            .unwrap_or_else(|| entry.path_bytes().into_owned());
        let path = String::from_utf8(path).map_err(|_| broken("a name in it is not UTF-8"))?;
        if !kind.is_file() {
            return Err(broken(format!("{path} is not a plain file")));
        }
        check.entry(&path, archive::FORMAT, &mut entry)?;
    }
    // To the very end: only there does age tell that nothing was cut off.
    let mut rest = tar.into_inner();
    let mut buffer = [0; 8192];
    loop {
        let read = rest.read(&mut buffer).map_err(unreadable)?;
        let part = buffer.get(..read).unwrap_or_default();
        if read == 0 {
            break;
        }
        if part.iter().any(|byte| *byte != 0) {
            return Err(broken("something follows its end"));
        }
    }
    check.finish()
}

/// Reads a ZIP, entry by entry.
///
/// # Errors
///
/// [`VerifyError`].
pub fn readable<R: Read + Seek>(from: R) -> Result<Verified, VerifyError> {
    let from = Watched::new(from);
    let trouble = from.trouble();
    let result = unzip(from);
    match trouble.take() {
        Some(error) => Err(VerifyError::Read(error)),
        None => result,
    }
}

fn unzip<R: Read + Seek>(from: R) -> Result<Verified, VerifyError> {
    let mut zip = zip::ZipArchive::new(from).map_err(|error| unreadable(error.into()))?;
    if zip.has_duplicate_names() {
        return Err(broken("a name stands in it twice"));
    }
    let mut check = Check::default();
    for index in 0..zip.len() {
        let mut entry = zip
            .by_index(index)
            .map_err(|error| unreadable(error.into()))?;
        let path = String::from_utf8(entry.name_raw().to_vec())
            .map_err(|_| broken("a name in it is not UTF-8"))?;
        if !entry.is_file() {
            return Err(broken(format!("{path} is not a plain file")));
        }
        check.entry(&path, readable::FORMAT, &mut entry)?;
    }
    check.finish()
}

/// What was seen so far.
#[derive(Default)]
struct Check {
    manifest: Option<Value>,
    /// `SHA-256(sum || path)` of each file that no line of the list named yet.
    seen: BTreeSet<[u8; 32]>,
    files: u64,
    bytes: u64,
    listed: bool,
}

impl Check {
    fn entry(
        &mut self,
        path: &str,
        format: &str,
        contents: &mut dyn Read,
    ) -> Result<(), VerifyError> {
        if self.listed {
            return Err(broken(format!("{path} stands behind {}", place::SUMS)));
        }
        match (&self.manifest, path) {
            (None, place::MANIFEST) => {
                let mut bytes = Vec::new();
                let mut part = contents.take(MAX_MANIFEST);
                part.read_to_end(&mut bytes).map_err(unreadable)?;
                self.manifest = Some(manifest(&bytes, format)?);
                self.add(path, &crate::sums::sha256(&bytes), bytes.len() as u64)
            }
            (None, _) => Err(broken(format!(
                "it does not begin with {}",
                place::MANIFEST
            ))),
            (Some(_), place::SUMS) => {
                self.listed = true;
                self.list(contents)
            }
            (Some(_), _) => {
                let mut hash = Sha256::new();
                let mut len = 0;
                let mut buffer = vec![0; 64 * 1024];
                loop {
                    let read = contents.read(&mut buffer).map_err(unreadable)?;
                    if read == 0 {
                        break;
                    }
                    hash.update(buffer.get(..read).unwrap_or_default());
                    len += read as u64;
                }
                self.add(path, &hash.finalize().into(), len)
            }
        }
    }

    fn add(&mut self, path: &str, hash: &[u8; 32], len: u64) -> Result<(), VerifyError> {
        self.files += 1;
        self.bytes += len;
        if self.seen.insert(mark(hash, path)) {
            Ok(())
        } else {
            Err(broken(format!("{path} stands in it twice")))
        }
    }

    /// Crosses off what the list names.
    fn list(&mut self, contents: &mut dyn Read) -> Result<(), VerifyError> {
        let mut lines = BufReader::new(contents);
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut part = (&mut lines).take(MAX_LINE);
            if part.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
                return Ok(());
            }
            let (hash, path) = std::str::from_utf8(&line)
                .ok()
                .and_then(|line| line.strip_suffix('\n')?.split_once("  "))
                .ok_or_else(|| broken(format!("a line of {} is malformed", place::SUMS)))?;
            let hash = unhex(hash)
                .ok_or_else(|| broken(format!("a line of {} is malformed", place::SUMS)))?;
            if !self.seen.remove(&mark(&hash, path)) {
                return Err(broken(format!(
                    "{path} is missing, or not what {} says",
                    place::SUMS
                )));
            }
        }
    }

    fn finish(self) -> Result<Verified, VerifyError> {
        let Some(manifest) = self.manifest.filter(|_| self.listed) else {
            return Err(broken(format!("it ends before {}", place::SUMS)));
        };
        if !self.seen.is_empty() {
            let more = self.seen.len();
            return Err(broken(format!(
                "{more} files in it are not in {}",
                place::SUMS
            )));
        }
        let text = |place: &str| {
            let found = manifest.pointer(place).and_then(Value::as_str);
            found.unwrap_or_default().to_owned()
        };
        Ok(Verified {
            files: self.files,
            bytes: self.bytes,
            fingerprint: text("/identity/fingerprint"),
            created_at: text("/created_at"),
        })
    }
}

fn manifest(bytes: &[u8], format: &str) -> Result<Value, VerifyError> {
    let manifest: Value = serde_json::from_slice(bytes)
        .map_err(|_| broken(format!("{} is not JSON", place::MANIFEST)))?;
    if manifest.get("format").and_then(Value::as_str) != Some(format) {
        return Err(broken("it is not an export of solo2"));
    }
    if manifest.get("version").and_then(Value::as_u64) != Some(1) {
        return Err(broken("a newer version of solo2 made it"));
    }
    Ok(manifest)
}

fn mark(hash: &[u8; 32], path: &str) -> [u8; 32] {
    let mut both = Sha256::new();
    both.update(hash);
    both.update(path.as_bytes());
    both.finalize().into()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    let mut hash = [0; 32];
    for (to, [high, low]) in hash.iter_mut().zip(bytes.as_chunks::<2>().0) {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        *to = u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?;
    }
    Some(hash)
}

fn broken(what: impl Into<String>) -> VerifyError {
    VerifyError::Broken(what.into())
}

fn unreadable(error: io::Error) -> VerifyError {
    broken(format!("it is damaged: {error}"))
}

fn age_error(error: age::DecryptError) -> VerifyError {
    match error {
        age::DecryptError::NoMatchingKeys
        | age::DecryptError::KeyDecryptionFailed
        | age::DecryptError::DecryptionFailed => VerifyError::WrongKey,
        age::DecryptError::ExcessiveWork { .. } => {
            broken("its passphrase takes more work to try than an honest one")
        }
        _ => broken("its header is damaged"),
    }
}

/// A reader that remembers the disk's own errors, apart from those of what it reads.
struct Watched<R> {
    from: R,
    trouble: Trouble,
}

#[derive(Clone, Default)]
struct Trouble(std::rc::Rc<std::cell::RefCell<Option<io::Error>>>);

impl Trouble {
    fn take(&self) -> Option<io::Error> {
        self.0.borrow_mut().take()
    }
}

impl<R> Watched<R> {
    fn new(from: R) -> Self {
        Self {
            from,
            trouble: Trouble::default(),
        }
    }

    fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }

    fn watch<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                *self.trouble.0.borrow_mut() = Some(error);
            }
            kind.into()
        })
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let result = self.from.read(buf);
        self.watch(result)
    }
}

impl<R: Seek> Seek for Watched<R> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        // A place that a damaged ZIP names may not exist.
        self.from.seek(to)
    }
}

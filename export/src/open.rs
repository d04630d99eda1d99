//! The way into a document: age off, tar or ZIP apart, every file against its sum.
//!
//! ```text
//!   bytes ──decrypt──► tar ──files──► Visitor
//!   bytes ──────────── zip ──files──►    "          the list at the end holds for all of them
//! ```
//!
//! Sizes and names in it are somebody's word: nothing is taken into memory by them.
//! Spec: docs/protocol/7-export.md §4.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Seek};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::verify::{Opener, Verified, VerifyError};
use crate::{archive, place, readable};

/// Longest manifest, and longest line of the sums, in bytes.
const MAX_MANIFEST: u64 = 1 << 20;
const MAX_LINE: u64 = 16 * 1024;
/// Highest scrypt work factor that is tried: 2^20 takes 1 GiB of memory, `age` itself takes 2^18.
const MAX_WORK: u8 = 20;

/// Why reading a document ended: its fault, or its reader's.
pub(crate) enum Stop<E> {
    Document(VerifyError),
    Visitor(E),
}

impl<E> From<VerifyError> for Stop<E> {
    fn from(error: VerifyError) -> Self {
        Self::Document(error)
    }
}

/// Somebody who is handed each file of a document in its order. Whether its sum fits shows later.
pub(crate) trait Visitor {
    /// Why it wants no more.
    type Error;

    /// The manifest, known to be of this program and of a version that is understood.
    fn manifest(&mut self, manifest: &Value, sha256: [u8; 32]) -> Result<(), Stop<Self::Error>>;

    /// Any other file but the list of sums. What is not read of it is passed over.
    fn file(&mut self, path: &str, contents: &mut dyn Read) -> Result<(), Stop<Self::Error>>;
}

/// Takes the encryption off an archive.
pub(crate) fn decrypt<R: Read>(from: R, opener: Opener<'_>) -> Result<impl Read, VerifyError> {
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
    plain.map_err(age_error)
}

/// Reads the tar of an archive to the end of `plain`.
pub(crate) fn untar<R: Read, V: Visitor>(
    plain: R,
    visitor: &mut V,
) -> Result<Verified, Stop<V::Error>> {
    let mut tar = tar::Archive::new(plain);
    let mut check = Check::new(visitor);
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
            return Err(broken(format!("{path} is not a plain file")).into());
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
            return Err(broken("something follows its end").into());
        }
    }
    Ok(check.finish()?)
}

/// Reads a ZIP, entry by entry.
pub(crate) fn unzip<R: Read + Seek, V: Visitor>(
    from: R,
    visitor: &mut V,
) -> Result<Verified, Stop<V::Error>> {
    let mut zip = zip::ZipArchive::new(from).map_err(|error| unreadable(error.into()))?;
    if zip.has_duplicate_names() {
        return Err(broken("a name stands in it twice").into());
    }
    let mut check = Check::new(visitor);
    for index in 0..zip.len() {
        let mut entry = zip
            .by_index(index)
            .map_err(|error| unreadable(error.into()))?;
        let path = String::from_utf8(entry.name_raw().to_vec())
            .map_err(|_| broken("a name in it is not UTF-8"))?;
        if !entry.is_file() {
            return Err(broken(format!("{path} is not a plain file")).into());
        }
        check.entry(&path, readable::FORMAT, &mut entry)?;
    }
    Ok(check.finish()?)
}

/// What was seen so far.
struct Check<'v, V> {
    visitor: &'v mut V,
    manifest: Option<Value>,
    /// `SHA-256(sum || path)` of each file that no line of the list named yet.
    seen: BTreeSet<[u8; 32]>,
    files: u64,
    bytes: u64,
    listed: bool,
}

impl<'v, V: Visitor> Check<'v, V> {
    fn new(visitor: &'v mut V) -> Self {
        Self {
            visitor,
            manifest: None,
            seen: BTreeSet::new(),
            files: 0,
            bytes: 0,
            listed: false,
        }
    }

    fn entry(
        &mut self,
        path: &str,
        format: &str,
        contents: &mut dyn Read,
    ) -> Result<(), Stop<V::Error>> {
        if self.listed {
            return Err(broken(format!("{path} stands behind {}", place::SUMS)).into());
        }
        match (&self.manifest, path) {
            (None, place::MANIFEST) => {
                let mut bytes = Vec::new();
                let mut part = contents.take(MAX_MANIFEST);
                part.read_to_end(&mut bytes).map_err(unreadable)?;
                let manifest = manifest(&bytes, format)?;
                let sha256 = crate::sums::sha256(&bytes);
                self.visitor.manifest(&manifest, sha256)?;
                self.manifest = Some(manifest);
                Ok(self.add(path, &sha256, bytes.len() as u64)?)
            }
            (None, _) => Err(broken(format!("it does not begin with {}", place::MANIFEST)).into()),
            (Some(_), place::SUMS) => {
                self.listed = true;
                Ok(self.list(contents)?)
            }
            (Some(_), _) => {
                let mut passing = Passing {
                    from: contents,
                    hash: Sha256::new(),
                    len: 0,
                };
                self.visitor.file(path, &mut passing)?;
                io::copy(&mut passing, &mut io::sink()).map_err(unreadable)?;
                Ok(self.add(path, &passing.hash.finalize().into(), passing.len)?)
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
        return Err(VerifyError::Newer);
    }
    Ok(manifest)
}

fn mark(hash: &[u8; 32], path: &str) -> [u8; 32] {
    let mut both = Sha256::new();
    both.update(hash);
    both.update(path.as_bytes());
    both.finalize().into()
}

pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
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

pub(crate) fn broken(what: impl Into<String>) -> VerifyError {
    VerifyError::Broken(what.into())
}

pub(crate) fn unreadable(error: io::Error) -> VerifyError {
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

/// A file on its way to its visitor, hashed.
struct Passing<'r> {
    from: &'r mut dyn Read,
    hash: Sha256,
    len: u64,
}

impl Read for Passing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buf)?;
        self.hash.update(buf.get(..read).unwrap_or_default());
        self.len += read as u64;
        Ok(read)
    }
}

/// A reader that remembers the disk's own errors, apart from those of what it reads.
pub(crate) struct Watched<R> {
    from: R,
    trouble: Trouble,
}

#[derive(Clone, Default)]
pub(crate) struct Trouble(std::rc::Rc<std::cell::RefCell<Option<io::Error>>>);

impl Trouble {
    pub(crate) fn take(&self) -> Option<io::Error> {
        self.0.borrow_mut().take()
    }
}

impl<R> Watched<R> {
    pub(crate) fn new(from: R) -> Self {
        Self {
            from,
            trouble: Trouble::default(),
        }
    }

    pub(crate) fn trouble(&self) -> Trouble {
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

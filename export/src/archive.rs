//! The archive: one age file that holds one tar, written from front to back.
//!
//! ```text
//!   age( ustar(
//!     manifest.json  contacts.jsonl
//!     conversations/NAME-ID/messages-000001.jsonl  …   with, before each, the files its records name
//!     records.idx  SHA256SUMS ) )
//! ```
//!
//! Nothing is compressed: the length of what a peer chose together with a secret
//! would tell of the secret. A tar tells a file's length before its bytes, so a
//! conversation comes in parts that fit into memory.
//! Spec: docs/protocol/7-export.md §2; C2SP age; POSIX.1-2017 pax, "ustar".

use std::io::{self, Read, Write};

use age::stream::StreamWriter;
use age::x25519;

use crate::document::Document;
use crate::key::Passphrase;
use crate::known::Known;
use crate::sums::{Hashed, Sums};
use crate::{ExportError, Progress, Request, Source, place, walk};

/// What the manifest calls this form.
pub const FORMAT: &str = "solo2-archive";

/// Bytes of records from which on a part is written.
const PART: usize = 1 << 20;

/// Writes an archive that opens with the 24 words; what was written before a failure is worth
/// nothing. The recipient is `age1…`, see [`crate::key::ArchiveKey::recipient`].
///
/// # Errors
///
/// [`ExportError`].
pub fn write<S: Source, W: Write>(
    source: &mut S,
    request: &Request<'_>,
    recipient: &str,
    to: W,
) -> Result<Progress, ExportError<S::Error>> {
    let key: x25519::Recipient = recipient.parse().map_err(|_| ExportError::Recipient)?;
    let sealed = age::Encryptor::with_recipients(std::iter::once(&key as &dyn age::Recipient))
        .map_err(|_| ExportError::Recipient)?
        .wrap_output(to)
        .map_err(ExportError::Write)?;
    let (progress, sealed) = into_tar(source, request, sealed)?;
    sealed
        .finish()
        .and_then(|mut to| to.flush())
        .map_err(ExportError::Write)?;
    Ok(progress)
}

/// Writes the tar of an archive as it is, for somebody who puts it into [`Sealed`].
///
/// # Errors
///
/// [`ExportError`].
pub fn write_tar<S: Source, W: Write>(
    source: &mut S,
    request: &Request<'_>,
    to: W,
) -> Result<Progress, ExportError<S::Error>> {
    let (progress, mut to) = into_tar(source, request, to)?;
    to.flush().map_err(ExportError::Write)?;
    Ok(progress)
}

/// An archive that opens with a passphrase, written as its tar comes in.
pub struct Sealed<W: Write>(StreamWriter<W>);

impl<W: Write> Sealed<W> {
    /// Grows a key from the passphrase and writes the header. Takes a second, and as much memory
    /// as scrypt fills in that time: 256 MiB to 1 GiB.
    ///
    /// # Errors
    ///
    /// The writer's.
    pub fn begin(passphrase: &Passphrase, to: W) -> io::Result<Self> {
        let encryptor = age::Encryptor::with_user_passphrase(passphrase.secret());
        Ok(Self(encryptor.wrap_output(to)?))
    }

    /// Writes the end, without which the archive counts as cut off.
    ///
    /// # Errors
    ///
    /// The writer's.
    pub fn finish(self) -> io::Result<W> {
        let mut to = self.0.finish()?;
        to.flush()?;
        Ok(to)
    }
}

impl<W: Write> Write for Sealed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn into_tar<S: Source, W: Write>(
    source: &mut S,
    request: &Request<'_>,
    to: W,
) -> Result<(Progress, W), ExportError<S::Error>> {
    let mut tar = Tar {
        builder: tar::Builder::new(to),
        sums: Sums::default(),
    };
    let progress = fill(source, request, &mut tar)?;
    let to = tar.finish(request.now_ms).map_err(ExportError::Write)?;
    Ok((progress, to))
}

fn fill<S: Source, W: Write>(
    source: &mut S,
    request: &Request<'_>,
    tar: &mut Tar<W>,
) -> Result<Progress, ExportError<S::Error>> {
    let (conversations, mut progress) = walk::begin(source, request, tar)?;
    let mut known = Known::default();
    for one in &conversations {
        let directory = place::conversation(one.contact, &request.names);
        let mut part = Part::default();
        let count = (&mut known, &mut progress);
        let at = (one, directory.as_str());
        walk::through(
            source,
            request,
            at,
            tar,
            count,
            &mut |tar, numbered, line, _, progress| {
                part.lines.extend_from_slice(line.as_bytes());
                part.at_ms = numbered.1.stored_at_ms;
                if part.lines.len() >= PART {
                    progress.bytes += part.write(&directory, tar)?;
                }
                Ok(())
            },
        )?;
        progress.bytes += part.write(&directory, tar).map_err(ExportError::Write)?;
        progress.conversations += 1;
    }
    walk::end(source, request, known, tar, &progress)?;
    Ok(progress)
}

/// Records that wait to be written together.
#[derive(Default)]
struct Part {
    lines: Vec<u8>,
    /// When the last of them was stored.
    at_ms: u64,
    written: u32,
}

impl Part {
    fn write<W: Write>(&mut self, directory: &str, tar: &mut Tar<W>) -> io::Result<u64> {
        if self.lines.is_empty() {
            return Ok(0);
        }
        self.written += 1;
        let path = format!("{directory}/messages-{:06}.jsonl", self.written);
        tar.bytes(&path, self.at_ms, &self.lines)?;
        let len = self.lines.len() as u64;
        self.lines.clear();
        Ok(len)
    }
}

struct Tar<W: Write> {
    builder: tar::Builder<W>,
    sums: Sums,
}

impl<W: Write> Tar<W> {
    fn finish(mut self, now_ms: u64) -> io::Result<W> {
        let sums = std::mem::take(&mut self.sums);
        let len = sums.as_bytes().len() as u64;
        self.put(
            place::SUMS,
            now_ms,
            len,
            &mut Hashed::new(sums.as_bytes(), len),
        )?;
        self.builder.into_inner()
    }
}

impl<W: Write> Document for Tar<W> {
    const FORMAT: &str = FORMAT;
    const RESTORABLE: bool = true;

    fn put<R: Read>(
        &mut self,
        path: &str,
        at_ms: u64,
        len: u64,
        contents: &mut Hashed<R>,
    ) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(at_ms / 1000);
        header.set_size(len);
        self.builder.append_data(&mut header, path, contents)
    }

    fn note(&mut self, path: &str, hash: &[u8; 32]) {
        self.sums.add(path, hash);
    }
}

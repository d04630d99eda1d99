//! The readable copy: a plain ZIP, written from front to back.
//!
//! ```text
//!   manifest.json  contacts.jsonl
//!   conversations/NAME-ID/files/…  messages.jsonl  messages.md  messages.html
//!   records.idx  SHA256SUMS
//! ```
//!
//! It is not encrypted: whoever has it reads it, and may change it and its sums.
//! Each conversation is gone through once for each of its forms, so that none has
//! to fit into memory; what does fit is read from the vault once.
//! Spec: docs/protocol/7-export.md §3; PKWARE APPNOTE 6.3.10.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::rc::Rc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::document::{Document, Placed};
use crate::known::Known;
use crate::recall::Recall;
use crate::sums::{Hashed, Sums};
use crate::walk::{self, Conversation};
use crate::{ExportError, Numbered, Progress, Request, Source, html, jsonl, markdown, place};

/// What the manifest calls this form.
pub const FORMAT: &str = "solo2-readable";

/// Bytes in front of a file that tell whether it can be packed.
const SAMPLE: usize = 1 << 16;
/// Bits of information in a byte, from which on it cannot. Texts have 4 to 5.
const FULL: f64 = 7.8;

/// Writes the ZIP; what was written before a failure is worth nothing.
///
/// # Errors
///
/// [`ExportError`].
pub fn write<S: Source, W: Write>(
    source: &mut S,
    request: &Request<'_>,
    to: W,
) -> Result<Progress, ExportError<S::Error>> {
    let open = Rc::new(Cell::new(true));
    let gate = Gate {
        to,
        open: Rc::clone(&open),
    };
    let mut zip = Zip {
        writer: ZipWriter::new_stream(gate),
        sums: Sums::default(),
        hash: Sha256::new(),
    };
    let outcome = fill(&mut Recall::new(source), request, &mut zip);
    let progress = match outcome {
        Ok(progress) => progress,
        Err(error) => {
            open.set(false);
            return Err(error);
        }
    };
    zip.finish(request.now_ms).map_err(|error| {
        open.set(false);
        ExportError::Write(error)
    })?;
    Ok(progress)
}

/// Swallows what the ZIP writer says on its way out after a failure: half a document gets no end.
struct Gate<W> {
    to: W,
    open: Rc<Cell<bool>>,
}

impl<W: Write> Write for Gate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.open.get() {
            self.to.write(bytes)
        } else {
            Ok(bytes.len())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.open.get() {
            self.to.flush()
        } else {
            Ok(())
        }
    }
}

fn fill<S: Source, W: Write>(
    source: &mut S,
    request: &Request<'_>,
    zip: &mut Zip<W>,
) -> Result<Progress, ExportError<S::Error>> {
    let (conversations, mut progress) = walk::begin(source, request, zip)?;
    let mut known = Known::default();
    for one in &conversations {
        conversation(source, request, one, zip, (&mut known, &mut progress))?;
        progress.conversations += 1;
    }
    walk::end(source, request, known, zip, &progress)?;
    Ok(progress)
}

fn conversation<S: Source, W: Write>(
    source: &mut S,
    request: &Request<'_>,
    one: &Conversation<'_>,
    zip: &mut Zip<W>,
    (known, progress): (&mut Known, &mut Progress),
) -> Result<(), ExportError<S::Error>> {
    let directory = place::conversation(one.contact, &request.names);
    let mut placed: BTreeMap<u64, Placed> = BTreeMap::new();
    let at = (one, directory.as_str());
    let count = (known, &mut *progress);
    walk::through(
        source,
        request,
        at,
        zip,
        count,
        &mut |_, numbered, _, file, _| {
            placed.extend(file.map(|file| (numbered.0, file)));
            Ok(())
        },
    )?;
    let forms: [(&str, Form); 3] = [
        (
            "messages.jsonl",
            Form {
                head: |_, _| String::new(),
                message: |request, numbered, file| {
                    jsonl::line(&jsonl::message(request, numbered, file))
                },
                tail: "",
            },
        ),
        (
            "messages.md",
            Form {
                head: markdown::head,
                message: markdown::message,
                tail: "",
            },
        ),
        (
            "messages.html",
            Form {
                head: html::head,
                message: html::message,
                tail: html::TAIL,
            },
        ),
    ];
    for (name, form) in forms {
        let path = format!("{directory}/{name}");
        zip.begin(&path, request.now_ms)
            .map_err(ExportError::Write)?;
        let head = (form.head)(request, &one.contact.name);
        zip.text(&head, progress).map_err(ExportError::Write)?;
        walk::messages(source, request, one, &mut |numbered| {
            let text = (form.message)(request, numbered, placed.get(&numbered.0));
            zip.text(&text, progress).map_err(ExportError::Write)
        })?;
        zip.text(form.tail, progress).map_err(ExportError::Write)?;
        zip.end(&path);
        source.progress(progress).map_err(ExportError::Source)?;
    }
    Ok(())
}

/// One way to write a conversation down.
struct Form {
    head: fn(&Request<'_>, &str) -> String,
    message: fn(&Request<'_>, &Numbered, Option<&Placed>) -> String,
    tail: &'static str,
}

struct Zip<W: Write> {
    writer: ZipWriter<StreamWriter<Gate<W>>>,
    sums: Sums,
    /// Of the text at hand.
    hash: Sha256,
}

impl<W: Write> Zip<W> {
    fn begin(&mut self, path: &str, at_ms: u64) -> io::Result<()> {
        self.hash = Sha256::new();
        self.writer
            .start_file(path, options(at_ms, 0, CompressionMethod::Deflated))
            .map_err(io::Error::from)
    }

    fn text(&mut self, text: &str, progress: &mut Progress) -> io::Result<()> {
        self.hash.update(text.as_bytes());
        progress.bytes += text.len() as u64;
        self.writer.write_all(text.as_bytes())
    }

    fn end(&mut self, path: &str) {
        let hash = std::mem::take(&mut self.hash).finalize();
        self.sums.add(path, &hash.into());
    }

    fn finish(mut self, now_ms: u64) -> io::Result<()> {
        let sums = std::mem::take(&mut self.sums);
        let len = sums.as_bytes().len() as u64;
        self.put(
            place::SUMS,
            now_ms,
            len,
            &mut Hashed::new(sums.as_bytes(), len),
        )?;
        let mut gate = self.writer.finish()?.into_inner();
        gate.flush()
    }
}

impl<W: Write> Document for Zip<W> {
    const FORMAT: &str = FORMAT;
    const RESTORABLE: bool = false;

    fn put<R: Read>(
        &mut self,
        path: &str,
        at_ms: u64,
        len: u64,
        contents: &mut Hashed<R>,
    ) -> io::Result<()> {
        let mut front = Vec::with_capacity(SAMPLE);
        contents.take(SAMPLE as u64).read_to_end(&mut front)?;
        let method = if is_packed(&front) {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        self.writer.start_file(path, options(at_ms, len, method))?;
        self.writer.write_all(&front)?;
        io::copy(contents, &mut self.writer).map(drop)
    }

    fn note(&mut self, path: &str, hash: &[u8; 32]) {
        self.sums.add(path, hash);
    }
}

fn options(at_ms: u64, len: u64, method: CompressionMethod) -> SimpleFileOptions {
    let mut options = SimpleFileOptions::default()
        .compression_method(method)
        .unix_permissions(0o600)
        // Deflate may make a file a little longer.
        .large_file(len > u64::from(u32::MAX) / 2);
    if let Some(moment) = dos_time(at_ms) {
        options = options.last_modified_time(moment);
    }
    options
}

/// Whether packing once more would take long and gain nothing, as with photographs and archives:
/// there, each byte is as likely as any other. Short files are packed in no time.
fn is_packed(front: &[u8]) -> bool {
    let mut counts = [0u32; 256];
    for byte in front {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let all = front.len() as f64;
    let share = |count: &u32| f64::from(*count) / all;
    let bits: f64 = counts
        .iter()
        .map(share)
        .filter(|share| *share > 0.0)
        .map(|share| -share * share.log2())
        .sum();
    front.len() == SAMPLE && bits > FULL
}

/// A ZIP's time, in UTC; those before 1980 and after 2107 have none.
fn dos_time(at_ms: u64) -> Option<DateTime> {
    let moment = Timestamp::from_millisecond(i64::try_from(at_ms).ok()?).ok()?;
    let at = moment.to_zoned(TimeZone::UTC);
    let part = |part: i8| u8::try_from(part).ok();
    DateTime::from_date_and_time(
        u16::try_from(at.year()).ok()?,
        part(at.month())?,
        part(at.day())?,
        part(at.hour())?,
        part(at.minute())?,
        part(at.second())?,
    )
    .ok()
}

//! Where an exported document goes, and the passphrase on it.
//!
//! ```text
//!   owner ──the document──────────► Target: stdout, or a file that gets its name once it is whole
//!   owner ──its tar──► Sealed ────►   "
//! ```

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use solo2_export::archive::Sealed;
use solo2_export::key::Passphrase;
use tempfile::NamedTempFile;

use crate::context::Context;
use crate::error::{Failure, Kind};

/// Where the document goes.
pub(super) enum Target {
    Stdout,
    File {
        /// Readable by this user alone; gone unless it is finished.
        partial: Box<NamedTempFile>,
        path: PathBuf,
        force: bool,
    },
}

impl Target {
    pub(super) fn prepare(cx: &Context, path: &Path, force: bool) -> Result<Target, Failure> {
        if path == Path::new("-") {
            if cx.out.is_json() {
                return Err(Failure::usage("--json and -o - both want stdout")
                    .hint("write to a file: -o FILE"));
            }
            return Ok(Target::Stdout);
        }
        let place = path.display();
        match path.symlink_metadata() {
            Ok(found) if !found.is_file() => {
                return Err(Failure::new(
                    Kind::Io,
                    format!("{place} is there already, and is not a file"),
                )
                .code("exists")
                .hint("name a new file"));
            }
            Ok(_) if !force => {
                return Err(Failure::new(Kind::Io, format!("{place} is there already"))
                    .code("exists")
                    .hint("name a new file, or replace it: --force"));
            }
            _ => {}
        }
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let partial = tempfile::Builder::new()
            .prefix(".solo2-export-")
            .tempfile_in(directory)
            .map_err(|error| Failure::io(format!("cannot write {place}"), &error))?;
        Ok(Target::File {
            partial: Box::new(partial),
            path: path.to_owned(),
            force,
        })
    }

    fn write(&mut self, cx: &Context, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Target::Stdout => cx.out.raw(bytes),
            Target::File { partial, path, .. } => partial
                .write_all(bytes)
                .map_err(|error| Failure::io(format!("cannot write {}", path.display()), &error)),
        }
    }

    /// Gives a whole document its name; where it is, unless it went to stdout.
    pub(super) fn finish(self) -> Result<Option<PathBuf>, Failure> {
        let Target::File {
            partial,
            path,
            force,
        } = self
        else {
            return Ok(None);
        };
        let failed =
            |error: &io::Error| Failure::io(format!("cannot write {}", path.display()), error);
        partial
            .as_file()
            .sync_all()
            .map_err(|error| failed(&error))?;
        let placed = match force {
            true => partial.persist(&path),
            false => partial.persist_noclobber(&path),
        };
        placed.map_err(|error| failed(&error.error))?;
        Ok(Some(path))
    }
}

/// What takes the owner's bytes in, encrypted here if they take a passphrase.
pub(super) enum Intake<'a> {
    AsItIs(Filling<'a>),
    Sealed(Box<Sealed<Filling<'a>>>),
}

impl<'a> Intake<'a> {
    /// With a passphrase this takes a second, and hundreds of megabytes for as long.
    pub(super) fn begin(
        cx: &'a Context,
        target: &'a mut Target,
        passphrase: Option<&Passphrase>,
    ) -> Result<Intake<'a>, Failure> {
        let into = Filling {
            cx,
            target,
            written: 0,
        };
        Ok(match passphrase {
            None => Intake::AsItIs(into),
            Some(passphrase) => {
                Intake::Sealed(Box::new(Sealed::begin(passphrase, into).map_err(failure)?))
            }
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Intake::AsItIs(into) => into.write_all(bytes),
            Intake::Sealed(sealed) => sealed.write_all(bytes),
        }
        .map_err(failure)
    }

    /// That was all of it; how many bytes the document has.
    pub(super) fn finish(self) -> Result<u64, Failure> {
        match self {
            Intake::AsItIs(into) => Ok(into.written),
            Intake::Sealed(sealed) => sealed.finish().map(|into| into.written).map_err(failure),
        }
    }
}

/// The target as a writer; its failures travel as they are.
pub(super) struct Filling<'a> {
    cx: &'a Context,
    target: &'a mut Target,
    written: u64,
}

impl Write for Filling<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.target
            .write(self.cx, bytes)
            .map_err(io::Error::other)?;
        self.written += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn failure(error: io::Error) -> Failure {
    error
        .downcast::<Failure>()
        .unwrap_or_else(|error| Failure::io("cannot write the export", &error))
}

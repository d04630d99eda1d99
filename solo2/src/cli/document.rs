//! What commands about a document share: its file and form, what opens it, how far reading
//! is, and the socket on which it goes to or comes from the owner of the profile.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use solo2_export::key::{ArchiveKey, Passphrase};
use solo2_export::verify::{self, Form, Opener, VerifyError};
use tokio::net::{UnixListener, UnixStream};
use zeroize::Zeroizing;

use super::identity;
use crate::agent;
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::output::prompt;
use crate::password;
use crate::paths::{self, Profile};

/// How long the owner of the profile may take to begin.
pub(super) const BEGIN: Duration = Duration::from_secs(60);
/// How often somebody hears how far it is.
const TELL: Duration = Duration::from_millis(500);
/// The longest passphrase, bytes.
const LONGEST: usize = 1024;

/// The password, if somebody had to say it.
pub(super) type Secret = Option<Zeroizing<String>>;

/// A document on this machine.
pub(super) struct Document {
    file: File,
    /// How its user calls it.
    pub(super) name: String,
    /// What it is by its first bytes.
    pub(super) form: Option<Form>,
    /// Its length in bytes.
    pub(super) size: u64,
}

/// What is said of how far it is: bytes, of how many, and bytes a second.
pub(super) type Telling<'a> = dyn Fn(u64, u64, u64) -> Value + 'a;

impl Document {
    /// Opens a file.
    pub(super) fn open(path: &Path) -> Result<Document, Failure> {
        let name = path.display().to_string();
        let file =
            File::open(path).map_err(|error| Failure::io(format!("cannot read {name}"), &error))?;
        Document::of(file, name)
    }

    /// Puts stdin aside, as it is: reading it through takes two goes.
    pub(super) fn of_stdin() -> Result<Document, Failure> {
        let failed = |error: io::Error| Failure::io("cannot put stdin aside", &error);
        let mut file = tempfile::tempfile().map_err(failed)?;
        io::copy(&mut io::stdin().lock(), &mut file).map_err(failed)?;
        file.flush().map_err(failed)?;
        Document::of(file, "stdin".to_owned())
    }

    fn of(mut file: File, name: String) -> Result<Document, Failure> {
        let cannot = |error: io::Error| Failure::io(format!("cannot read {name}"), &error);
        file.rewind().map_err(cannot)?;
        let mut start = Vec::new();
        (&mut file)
            .take(64)
            .read_to_end(&mut start)
            .map_err(cannot)?;
        let size = file.metadata().map_err(cannot)?.len();
        Ok(Document {
            form: verify::form(&start),
            file,
            name,
            size,
        })
    }

    /// Its form; a failure for what no document is like.
    pub(super) fn archive_or_zip(&self) -> Result<Form, Failure> {
        let name = &self.name;
        self.form.ok_or_else(|| {
            Failure::new(
                Kind::Integrity,
                format!("{name} is neither an archive nor a ZIP of solo2"),
            )
            .code("archive_damaged")
            .hint("was the right file named?")
        })
    }

    /// A reader from its first byte.
    pub(super) fn reader(&self) -> Result<BufReader<File>, Failure> {
        let again = || -> io::Result<File> {
            let mut file = self.file.try_clone()?;
            file.rewind()?;
            Ok(file)
        };
        let file = again().map_err(|error| self.unreadable(&error))?;
        Ok(BufReader::with_capacity(256 * 1024, file))
    }

    /// The same, which says now and then how far it is.
    pub(super) fn watched<'a>(
        &self,
        cx: &'a Context,
        telling: &'a Telling<'a>,
    ) -> Result<Watched<'a>, Failure> {
        Ok(Watched {
            from: self.reader()?,
            size: self.size,
            cx,
            telling,
            begun: Instant::now(),
            told: RefCell::new(Instant::now()),
            bytes: 0,
        })
    }

    pub(super) fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::io(format!("cannot read {}", self.name), error)
    }

    /// Why it cannot be read through, for a command that needs what is in it.
    pub(super) fn told(&self, error: VerifyError) -> Failure {
        let name = &self.name;
        match error {
            VerifyError::Read(error) => self.unreadable(&error),
            VerifyError::WrongKey => {
                Failure::new(Kind::Locked, format!("cannot open {name}: {error}"))
                    .code("wrong_key")
                    .hint(
                        "another vault's archive opens with that vault's words: --words-file FILE",
                    )
            }
            VerifyError::OtherKey(_) => Failure::usage(format!("cannot open {name}: {error}")),
            VerifyError::Newer => Failure::usage(format!("cannot read {name}: {error}"))
                .code("newer_version")
                .hint("a newer solo2 reads it"),
            VerifyError::Broken(_) => Failure::new(
                Kind::Integrity,
                format!("{name} is not whole: {error}"),
            )
            .code("archive_damaged")
            .hint("nothing was taken of it; another copy may be whole: solo2 export verify FILE"),
        }
    }
}

/// A document that is being read, and says how far.
pub(super) struct Watched<'a> {
    from: BufReader<File>,
    size: u64,
    cx: &'a Context,
    telling: &'a Telling<'a>,
    begun: Instant,
    told: RefCell<Instant>,
    bytes: u64,
}

impl Watched<'_> {
    fn tell(&self) {
        if self.told.borrow().elapsed() < TELL {
            return;
        }
        self.told.replace(Instant::now());
        let ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let rate = self.bytes.saturating_mul(1000).checked_div(ms).unwrap_or(0);
        let event = (self.telling)(self.bytes.min(self.size), self.size, rate);
        // Who does not listen to this may still want the end.
        let _ = self.cx.out.event(&event);
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buf)?;
        self.bytes += count as u64;
        self.tell();
        Ok(count)
    }
}

impl Seek for Watched<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.from.seek(to)
    }
}

/// What opens a document.
pub(super) enum Key {
    Nothing,
    Words(ArchiveKey),
    Passphrase(Passphrase),
}

impl Key {
    /// As a reader takes it; nothing for what is not encrypted.
    pub(super) fn opener(&self) -> Option<Opener<'_>> {
        match self {
            Key::Nothing => None,
            Key::Words(key) => Some(Opener::Words(key)),
            Key::Passphrase(passphrase) => Some(Opener::Passphrase(passphrase)),
        }
    }
}

/// Where keys of documents may be.
pub(super) struct Keys<'a> {
    pub(super) words_file: Option<&'a Path>,
    pub(super) passphrase_file: Option<&'a Path>,
}

impl Keys<'_> {
    /// What opens a document of this form, and the password if that was asked for it.
    pub(super) fn take(
        &self,
        cx: &Context,
        name: &str,
        form: Form,
    ) -> Result<(Key, Secret), Failure> {
        match form {
            Form::Readable => Ok((Key::Nothing, None)),
            Form::Words => {
                if self.passphrase_file.is_some() {
                    return Err(Failure::usage(format!(
                        "{name} is encrypted to the 24 words, not with a passphrase"
                    ))
                    .hint("name their file: --words-file FILE"));
                }
                let (key, password) = identity::archive_key(cx, self.words_file)?;
                Ok((Key::Words(key), password))
            }
            Form::Passphrase => {
                let text = match self.passphrase_file {
                    Some(file) => read_passphrase(file)?,
                    None => ask(cx, "Passphrase of the archive")?,
                };
                Ok((Key::Passphrase(Passphrase::new(text)), None))
            }
        }
    }
}

pub(super) fn ask(cx: &Context, question: &str) -> Result<Zeroizing<String>, Failure> {
    if cx.globals.no_input || !prompt::possible() {
        return Err(
            Failure::usage("the passphrase is needed and nobody can be asked")
                .hint("name its file: --passphrase-file FILE"),
        );
    }
    prompt::password(question)
}

pub(super) fn read_passphrase(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let name = file.display().to_string();
    let from =
        File::open(file).map_err(|error| Failure::io(format!("cannot read {name}"), &error))?;
    password::read_text(from, &name, LONGEST)
}

/// A socket for one document: of this user alone, gone when it is dropped.
pub(super) struct Pipe {
    listener: UnixListener,
    path: PathBuf,
}

impl Pipe {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Listens beside the profile's own socket, where only this user may go.
    pub(super) fn listen(profile: &Profile) -> Result<Pipe, Failure> {
        let dir = profile.socket.parent().unwrap_or(Path::new("/"));
        paths::check_socket_dir(dir)?;
        let path = dir.join(format!(".{:08x}", rand::random::<u32>()));
        let listener = UnixListener::bind(&path)
            .map_err(|error| Failure::io(format!("cannot serve {}", path.display()), &error))?;
        Ok(Pipe { listener, path })
    }

    pub(super) async fn accept(&self) -> Result<UnixStream, Failure> {
        loop {
            let (stream, _) = self
                .listener
                .accept()
                .await
                .map_err(|error| Failure::io("cannot reach the agent", &error))?;
            if agent::server::is_ours(&stream) {
                return Ok(stream);
            }
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

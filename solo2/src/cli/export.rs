//! `solo2 export`: the history as one file, to keep or to read.
//!
//! The owner of the profile reads the vault and sends the document over a socket
//! of ours ([`Pipe`]); this process puts it where the user wants it, under its
//! name only once it is whole.

use std::fs::{self, File};
use std::io::{self, BufReader, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use solo2_export::key::Passphrase;
use solo2_export::verify::{self, Form, Opener, VerifyError};
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt as _;
use tokio::net::{UnixListener, UnixStream};
use zeroize::Zeroizing;

use super::values::{Moment, PeerRef};
use super::{Outcome, file, identity};
use crate::agent::client::Step;
use crate::agent::{self, Session};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::output::prompt;
use crate::paths::{self, Profile};
use crate::{event, password, size};

/// How long the owner of the profile may take to begin.
const BEGIN: Duration = Duration::from_secs(60);
/// The longest passphrase, bytes.
const LONGEST: usize = 1024;

/// Write your history to one file: an encrypted archive, or a readable ZIP
#[derive(Args)]
#[command(subcommand_negates_reqs = true)]
pub(crate) struct Export {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    write: Write,
}

#[derive(Subcommand)]
enum Verb {
    /// Check that an archive or a ZIP is whole
    Verify(Verify),
}

#[derive(Args)]
struct Write {
    /// What to write
    #[arg(long, value_enum, required = true)]
    format: Option<Format>,
    /// Write it to this new file, or - for stdout
    #[arg(short, long, value_name = "FILE", required = true)]
    output: Option<PathBuf>,
    /// Only the conversation with this contact
    #[arg(long, value_name = "NAME")]
    chat: Option<PeerRef>,
    /// From this moment on: a date, RFC 3339, or a time ago such as 30d
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,
    /// Up to this moment
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
    /// Leave out the files that lie in the vault
    #[arg(long)]
    no_files: bool,
    /// Encrypt the archive with a passphrase, asked for twice, instead of to your words
    #[arg(long, conflicts_with = "passphrase_file")]
    passphrase: bool,
    /// Encrypt the archive with the passphrase in this file
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    /// Do not ask whether a copy that everybody can read is wanted
    #[arg(long)]
    i_understand_plaintext: bool,
}

/// What an export is.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One age file to your 24 words, with everything in it
    Archive,
    /// An unencrypted ZIP of JSON Lines, Markdown, HTML and files
    Zip,
}

#[derive(Args)]
struct Verify {
    /// The archive or ZIP
    file: PathBuf,
    /// Open the archive with the words in this file, or - for stdin, instead of the password
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
    /// Open the archive with the passphrase in this file
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Export {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        match self.verb {
            // By hand: clap would refuse the global flags here, too.
            Some(Verb::Verify(_)) if self.write.says_something() => Err(Failure::usage(
                "export verify takes none of the flags that say what to write",
            )),
            Some(Verb::Verify(verb)) => verb.run(cx),
            None => self.write.run(cx),
        }
    }
}

impl Write {
    fn says_something(&self) -> bool {
        self.format.is_some()
            || self.output.is_some()
            || self.chat.is_some()
            || self.since.is_some()
            || self.until.is_some()
            || self.no_files
            || self.passphrase
            || self.passphrase_file.is_some()
            || self.force
            || self.i_understand_plaintext
    }

    fn run(self, cx: &Context) -> Outcome {
        let (Some(format), Some(output)) = (self.format, &self.output) else {
            return Err(Failure::internal("the parser let an export pass"));
        };
        let profile = cx.profile()?;
        profile.must_exist()?;
        if format == Format::Zip && (self.passphrase || self.passphrase_file.is_some()) {
            return Err(
                Failure::usage("a ZIP is not encrypted, so it takes no passphrase")
                    .hint("for an encrypted copy: --format archive"),
            );
        }
        if format == Format::Archive && self.i_understand_plaintext {
            return Err(Failure::usage(
                "--i-understand-plaintext is for --format zip; an archive is encrypted",
            ));
        }
        let mut target = Target::prepare(cx, output, self.force)?;
        let mut params = json!({
            "format": match format { Format::Archive => "archive", Format::Zip => "zip" },
            "chat": self.chat,
            "since": self.since.map(Moment::to_json),
            "until": self.until.map(Moment::to_json),
            "no_files": self.no_files,
        });
        let (key, unlock) = match format {
            Format::Zip => {
                self.consent(cx)?;
                // An open vault is not enough: whoever sits at the keyboard must know it.
                let secret = password::need(&cx.globals, profile.name.as_str())?;
                (Some(("password", secret.clone())), Some(secret))
            }
            Format::Archive => (
                self.new_passphrase(cx)?.map(|key| ("passphrase", key)),
                None,
            ),
        };
        let mut done = agent::with_session_as(cx, unlock, async |session| {
            let pipe = Pipe::listen(&profile)?;
            params["to"] = file::absolute(&pipe.path)?.into();
            pour(cx, session, pipe, params, key, &mut target).await
        })?;
        let path = target.finish()?;
        done["path"] = json!(path.as_ref().map(|path| path.display().to_string()));
        report(cx, &done, path.as_deref())
    }

    /// Whether a copy without a lock is really wanted.
    fn consent(&self, cx: &Context) -> Result<(), Failure> {
        const WARNING: &str = "a ZIP is not encrypted: whoever gets the file reads your conversations \
                               and files, and no deleting here or at your peers' reaches it";
        cx.out.note(WARNING);
        if self.i_understand_plaintext {
            return Ok(());
        }
        let refused = || {
            Failure::usage("nothing was written")
                .code("not_confirmed")
                .hint("an encrypted copy: --format archive; or say that you know: --i-understand-plaintext")
        };
        if cx.globals.no_input || !prompt::possible() {
            return Err(refused());
        }
        match cx.globals.yes || prompt::confirm("Write a copy that everybody can read?")? {
            true => Ok(()),
            false => Err(refused()),
        }
    }

    fn new_passphrase(&self, cx: &Context) -> Result<Option<Zeroizing<String>>, Failure> {
        let passphrase = match &self.passphrase_file {
            Some(file) => read_passphrase(file)?,
            None if !self.passphrase => return Ok(None),
            None => {
                let first = ask(cx, "Choose a passphrase for the archive")?;
                if *first != *ask(cx, "The same once more")? {
                    return Err(Failure::usage("the two passphrases differ"));
                }
                first
            }
        };
        if passphrase.is_empty() {
            return Err(Failure::usage("the passphrase is empty"));
        }
        Ok(Some(passphrase))
    }
}

fn ask(cx: &Context, question: &str) -> Result<Zeroizing<String>, Failure> {
    if cx.globals.no_input || !prompt::possible() {
        return Err(
            Failure::usage("the passphrase is needed and nobody can be asked")
                .hint("name its file: --passphrase-file FILE"),
        );
    }
    prompt::password(question)
}

fn read_passphrase(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let name = file.display().to_string();
    let from =
        File::open(file).map_err(|error| Failure::io(format!("cannot read {name}"), &error))?;
    password::read_text(from, &name, LONGEST)
}

/// A socket for one document: of this user alone, gone when it is dropped.
struct Pipe {
    listener: UnixListener,
    path: PathBuf,
}

impl Pipe {
    /// Listens beside the profile's own socket, where only this user may go.
    fn listen(profile: &Profile) -> Result<Pipe, Failure> {
        let dir = profile.socket.parent().unwrap_or(Path::new("/"));
        paths::check_socket_dir(dir)?;
        let path = dir.join(format!(".{:08x}", rand::random::<u32>()));
        let listener = UnixListener::bind(&path)
            .map_err(|error| Failure::io(format!("cannot serve {}", path.display()), &error))?;
        Ok(Pipe { listener, path })
    }

    async fn accept(&self) -> Result<UnixStream, Failure> {
        loop {
            let (stream, _) = self
                .listener
                .accept()
                .await
                .map_err(|error| Failure::io("cannot receive the export", &error))?;
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

/// Runs the request and takes its document in; all of it, or a failure.
async fn pour(
    cx: &Context,
    session: &Session,
    pipe: Pipe,
    params: Value,
    key: Option<(&'static str, Zeroizing<String>)>,
    target: &mut Target,
) -> Result<Value, Failure> {
    let mut call = match key {
        Some((name, secret)) => {
            session
                .client
                .stream_secret("export", params, name, &secret)
                .await?
        }
        None => session.client.stream("export", params).await?,
    };
    let late = tokio::time::sleep(BEGIN);
    tokio::pin!(late);
    let mut done = None;
    // A short document may be over before its connection is seen here.
    let mut stream = loop {
        tokio::select! {
            stream = pipe.accept() => break stream?,
            step = call.next(), if done.is_none() => match step {
                Step::Event(event) => cx.out.event(&event)?,
                Step::Done(result) => done = Some(result?),
            },
            () = &mut late => {
                return Err(Failure::new(Kind::Busy, "the agent does not begin to export").retry(None));
            }
        }
    };
    drop(pipe);
    let mut buffer = Zeroizing::new(vec![0; 256 * 1024]);
    let (mut received, mut open) = (0_u64, true);
    while open || done.is_none() {
        tokio::select! {
            read = stream.read(&mut buffer), if open => {
                let count = read
                    .map_err(|error| Failure::io("cannot receive the export", &error))?;
                open = count > 0;
                received += count as u64;
                target.write(cx, buffer.get(..count).unwrap_or_default())?;
            }
            step = call.next(), if done.is_none() => match step {
                Step::Event(event) => cx.out.event(&event)?,
                Step::Done(result) => done = Some(result?),
            },
        }
    }
    let done = done.unwrap_or_default();
    if done["written"].as_u64() != Some(received) {
        return Err(Failure::internal("the export came in part only"));
    }
    Ok(done)
}

/// Where the document goes.
enum Target {
    Stdout,
    File {
        /// Readable by this user alone; gone unless it is finished.
        partial: Box<NamedTempFile>,
        path: PathBuf,
        force: bool,
    },
}

impl Target {
    fn prepare(cx: &Context, path: &Path, force: bool) -> Result<Target, Failure> {
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
    fn finish(self) -> Result<Option<PathBuf>, Failure> {
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

fn report(cx: &Context, done: &Value, path: Option<&Path>) -> Outcome {
    if cx.out.is_json() {
        cx.out.object(done)?;
        return Ok(0);
    }
    let count = |key: &str, one: &str| match done[key].as_u64().unwrap_or_default() {
        1 => format!("1 {one}"),
        many => format!("{many} {one}s"),
    };
    let written = size::about(done["written"].as_u64().unwrap_or_default());
    let to = path.map_or_else(|| "stdout".to_owned(), |path| path.display().to_string());
    cx.out.note(&format!(
        "{}, {} and {} in {to}, {written}",
        count("conversations", "conversation"),
        count("messages", "message"),
        count("files", "file"),
    ));
    if done["missing"].as_u64().is_some_and(|missing| missing > 0) {
        cx.out.note(&format!(
            "{} left the vault meanwhile and {} not in it",
            count("missing", "file"),
            if done["missing"] == 1 { "is" } else { "are" },
        ));
    }
    Ok(0)
}

impl Verify {
    fn run(self, cx: &Context) -> Outcome {
        let name = self.file.display().to_string();
        let cannot = |error: &io::Error| Failure::io(format!("cannot read {name}"), error);
        let mut from = File::open(&self.file).map_err(|error| cannot(&error))?;
        let mut start = Vec::new();
        (&mut from)
            .take(64)
            .read_to_end(&mut start)
            .map_err(|error| cannot(&error))?;
        from.rewind().map_err(|error| cannot(&error))?;
        let not_whole = |what: &dyn std::fmt::Display| {
            Failure::new(Kind::VerifyFailed, format!("{name} is not whole: {what}"))
                .hint("keep it apart and export again; an older copy may be whole")
        };
        let form = verify::form(&start)
            .ok_or_else(|| not_whole(&"it is neither an archive nor a ZIP of solo2"))?;
        let from = BufReader::new(from);
        let verified = match form {
            Form::Readable => verify::readable(from),
            Form::Words => {
                if self.passphrase_file.is_some() {
                    return Err(Failure::usage(format!(
                        "{name} is encrypted to the 24 words, not with a passphrase"
                    ))
                    .hint("name their file: --words-file FILE"));
                }
                let key = identity::archive_key(cx, self.words_file.as_deref())?;
                verify::archive(from, Opener::Words(&key))
            }
            Form::Passphrase => {
                let text = match &self.passphrase_file {
                    Some(file) => read_passphrase(file)?,
                    None => ask(cx, "Passphrase of the archive")?,
                };
                verify::archive(from, Opener::Passphrase(&Passphrase::new(text)))
            }
        };
        let verified = verified.map_err(|error| match error {
            VerifyError::Read(error) => cannot(&error),
            VerifyError::WrongKey => not_whole(&error)
                .code("wrong_key")
                .hint("another vault's archive opens with that vault's words: --words-file FILE"),
            error => not_whole(&error),
        })?;
        let event = event::event(
            "export.verified",
            json!({
                "format": if form == Form::Readable { "zip" } else { "archive" },
                "path": name,
                "files": verified.files,
                "bytes": verified.bytes,
                "fingerprint": verified.fingerprint,
                "created_at": verified.created_at,
            }),
        );
        if cx.out.is_json() {
            cx.out.object(&event)?;
        } else {
            cx.out.result(&format!(
                "{name} is whole: {} files, {}, exported {}",
                verified.files,
                size::about(verified.bytes),
                verified.created_at,
            ))?;
        }
        Ok(0)
    }
}

//! `solo2 export`: the history as one file, to keep or to read.
//!
//! The owner of the profile reads the vault and sends the document over a socket
//! of ours ([`Pipe`]); this process puts it where the user wants it ([`target`]).

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use solo2_export::Base;
use solo2_export::key::Passphrase;
use solo2_export::verify::{self, Form, VerifyError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use zeroize::Zeroizing;

mod target;

use self::target::{Intake, Target};
use super::document::{BEGIN, Document, Keys, Pipe, Secret, ask, hex, read_passphrase};
use super::values::{Moment, PeerRef};
use super::{Outcome, file};
use crate::agent::client::Step;
use crate::agent::{self, Session};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::output::prompt;
use crate::{event, password, size};

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
    /// Only what is new or changed since this archive or ZIP
    #[arg(long, value_name = "BASE")]
    incremental: Option<PathBuf>,
    /// Open BASE with the words in this file, or - for stdin, instead of the password
    #[arg(long, value_name = "FILE", requires = "incremental")]
    words_file: Option<PathBuf>,
    /// Open BASE with the passphrase in this file
    #[arg(long, value_name = "FILE", requires = "incremental")]
    base_passphrase_file: Option<PathBuf>,
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
            || self.incremental.is_some()
            || self.words_file.is_some()
            || self.base_passphrase_file.is_some()
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
        let (base, known_password) = self.base(cx, format)?;
        let passphrase = match format {
            Format::Archive => self.new_passphrase(cx)?,
            Format::Zip => None,
        };
        let mut params = json!({
            "format": match (format, &passphrase) {
                (Format::Zip, _) => "zip",
                (Format::Archive, None) => "archive",
                (Format::Archive, Some(_)) => "tar",
            },
            "chat": self.chat,
            "since": self.since.map(Moment::to_json),
            "until": self.until.map(Moment::to_json),
            "no_files": self.no_files,
            "base": base.as_ref().map(|base| json!({
                "sha256": hex(&base.sha256),
                "created_at": base.created_at,
                "owner": base.owner,
            })),
        });
        let (password, unlock) = match format {
            Format::Zip => {
                self.consent(cx)?;
                // An open vault is not enough: whoever sits at the keyboard must know it.
                let secret = match known_password {
                    Some(secret) => secret,
                    None => password::need(&cx.globals, profile.name.as_str())?,
                };
                (Some(secret.clone()), Some(secret))
            }
            Format::Archive => (None, known_password),
        };
        let mut done = agent::with_session_as(cx, unlock, async |session| {
            let pipe = Pipe::listen(&profile)?;
            params["to"] = file::absolute(pipe.path())?.into();
            let known = base.map(|base| base.known.to_bytes()).unwrap_or_default();
            let to = (&mut target, passphrase.as_ref());
            pour(cx, session, pipe, params, password, known, to).await
        })?;
        let path = target.finish()?;
        done["path"] = json!(path.as_ref().map(|path| path.display().to_string()));
        report(cx, &done, path.as_deref())
    }

    /// Reads the document that this one builds on, and the password if that opened it.
    fn base(&self, cx: &Context, format: Format) -> Result<(Option<Base>, Secret), Failure> {
        let Some(path) = &self.incremental else {
            return Ok((None, None));
        };
        let document = Document::open(path)?;
        let name = &document.name;
        let form = document.archive_or_zip()?;
        if format == Format::Archive && form == Form::Readable {
            return Err(Failure::usage(format!(
                "{name} is a readable copy, and an archive builds on an archive: else it could not be imported"
            ))
            .hint("name an archive, or write a ZIP: --format zip"));
        }
        let keys = Keys {
            words_file: self.words_file.as_deref(),
            passphrase_file: self.base_passphrase_file.as_deref().or(self
                .passphrase_file
                .as_deref()
                .filter(|_| form == Form::Passphrase)),
        };
        let (key, password) = keys.take(cx, name, form)?;
        let telling = |bytes, size, rate_bps| {
            let fields =
                json!({ "path": name, "bytes": bytes, "size": size, "rate_bps": rate_bps });
            event::event("verify.progress", fields)
        };
        let from = document.watched(cx, &telling)?;
        let base = match key.opener() {
            None => verify::readable_base(from),
            Some(opener) => verify::archive_base(from, opener),
        };
        let base = base.map_err(|error| document.told(error))?;
        Ok((Some(base), password))
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

    fn new_passphrase(&self, cx: &Context) -> Result<Option<Passphrase>, Failure> {
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
        Ok(Some(Passphrase::new(passphrase)))
    }
}

/// Runs the request and takes its document in; all of it, or a failure.
async fn pour(
    cx: &Context,
    session: &Session,
    pipe: Pipe,
    params: Value,
    password: Secret,
    known: Vec<u8>,
    (target, passphrase): (&mut Target, Option<&Passphrase>),
) -> Result<Value, Failure> {
    let call_has_base = !params["base"].is_null();
    let mut call = match password {
        Some(secret) => {
            session
                .client
                .stream_secret("export", params, "password", &secret)
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
    if call_has_base {
        stream
            .write_all(&known)
            .await
            .map_err(|error| Failure::io("cannot say what the base holds", &error))?;
        stream
            .shutdown()
            .await
            .map_err(|error| Failure::io("cannot say what the base holds", &error))?;
    }
    let mut to = Intake::begin(cx, target, passphrase)?;
    let mut buffer = Zeroizing::new(vec![0; 256 * 1024]);
    let (mut received, mut open) = (0_u64, true);
    while open || done.is_none() {
        tokio::select! {
            read = stream.read(&mut buffer), if open => {
                let count = read
                    .map_err(|error| Failure::io("cannot receive the export", &error))?;
                open = count > 0;
                received += count as u64;
                to.write(buffer.get(..count).unwrap_or_default())?;
            }
            step = call.next(), if done.is_none() => match step {
                Step::Event(event) => cx.out.event(&event)?,
                Step::Done(result) => done = Some(result?),
            },
        }
    }
    let mut done = done.unwrap_or_default();
    if done["written"].as_u64() != Some(received) {
        return Err(Failure::internal("the export came in part only"));
    }
    done["written"] = to.finish()?.into();
    Ok(done)
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
        let document = Document::open(&self.file)?;
        let name = &document.name;
        let not_whole = |what: &dyn std::fmt::Display| {
            Failure::new(Kind::VerifyFailed, format!("{name} is not whole: {what}"))
                .hint("keep it apart and export again; an older copy may be whole")
        };
        let form = document
            .form
            .ok_or_else(|| not_whole(&"it is neither an archive nor a ZIP of solo2"))?;
        let keys = Keys {
            words_file: self.words_file.as_deref(),
            passphrase_file: self.passphrase_file.as_deref(),
        };
        let (key, _) = keys.take(cx, name, form)?;
        let telling = |bytes, size, rate_bps| {
            let fields =
                json!({ "path": name, "bytes": bytes, "size": size, "rate_bps": rate_bps });
            event::event("verify.progress", fields)
        };
        let from = document.watched(cx, &telling)?;
        let verified = match key.opener() {
            None => verify::readable(from),
            Some(opener) => verify::archive(from, opener),
        };
        let verified = verified.map_err(|error| match error {
            VerifyError::Read(error) => document.unreadable(&error),
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
            cx.out.event(&event)?;
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

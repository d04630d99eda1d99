//! `solo2 import`: an archive, back into a vault.
//!
//! ```text
//!   archive ──► 1 check: read through, every record and every sum
//!           ──► 2 import: its encryption taken off ──► socket ──► owner of the profile
//! ```
//!
//! So what is damaged, cut off, or no archive of ours is refused before anything is
//! written; and the key stays in this process.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _, Read as _, Write as _};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use solo2_export::import::{self, ImportError, Manifest, Record, Sink, Taken};
use solo2_export::verify::{Form, VerifyError};
use solo2_store::{Contact, ContactId};
use zeroize::Zeroizing;

use super::document::{BEGIN, Document, Key, Keys, Pipe};
use super::{Outcome, file};
use crate::agent::client::Step;
use crate::agent::{self, Session};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::output::human;
use crate::{event, password};

/// Take an archive into your vault: history, contacts and files that are not there yet
#[derive(Args)]
pub(crate) struct Import {
    /// The archive that solo2 export wrote, or - for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Say what would be taken in, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Open the archive with the words in this file, or - for stdin, instead of the password
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
    /// Open the archive with the passphrase in this file
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Import {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let profile = cx.profile()?;
        profile.must_exist()?;
        let document = self.document(cx)?;
        let name = &document.name;
        let form = document.archive_or_zip()?;
        if form == Form::Readable {
            return Err(Failure::usage(format!(
                "{name} is a readable copy, which anybody may have changed; an archive can be imported"
            ))
            .hint("solo2 export --format archive writes one"));
        }
        let keys = Keys {
            words_file: self.words_file.as_deref(),
            passphrase_file: self.passphrase_file.as_deref(),
        };
        let (key, password) = keys.take(cx, name, form)?;
        check(cx, &document, &key)?;
        let from = document.reader()?;
        let params = json!({ "size": document.size, "dry_run": self.dry_run });
        let mut done = agent::with_session_as(cx, password, async |session| {
            let pipe = Pipe::listen(&profile)?;
            let mut params = params.clone();
            params["from"] = file::absolute(pipe.path())?.into();
            pour(cx, session, pipe, params, from, key).await
        })?;
        done["path"] = json!(name);
        report(cx, &done)
    }

    fn document(&self, cx: &Context) -> Result<Document, Failure> {
        if self.file != Path::new("-") {
            return Document::open(&self.file);
        }
        if password::takes_stdin(&cx.globals) || self.words_file.as_deref() == Some(Path::new("-"))
        {
            return Err(Failure::usage(
                "stdin cannot be both the archive and what opens it",
            ));
        }
        if io::stdin().is_terminal() {
            return Err(Failure::usage("an archive does not come from a terminal")
                .hint("name its file: solo2 import FILE"));
        }
        Document::of_stdin()
    }
}

/// Reads the archive through before anything of it is believed.
fn check(cx: &Context, document: &Document, key: &Key) -> Result<(), Failure> {
    let telling = |bytes, size, rate_bps| {
        let fields = json!({ "step": "check", "messages": 0, "files": 0, "bytes": bytes, "size": size,
            "rate_bps": rate_bps });
        event::event("import.progress", fields)
    };
    let from = document.watched(cx, &telling)?;
    let Some(opener) = key.opener() else {
        return Err(Failure::internal("an archive without a key"));
    };
    let read = import::archive(
        from,
        opener,
        crate::node::parse_message_id,
        &mut Checker::default(),
    );
    match read {
        Ok(_) => Ok(()),
        Err(ImportError::Archive(error)) => Err(document.told(error)),
        Err(ImportError::Sink(never)) => match never {},
    }
}

/// Wants to know of every file what its hash is, and nothing else.
#[derive(Default)]
struct Checker {
    hash: blake3::Hasher,
    size: u64,
}

impl Sink for Checker {
    type Error = std::convert::Infallible;
    type File = ();

    fn manifest(&mut self, _: &Manifest) -> Result<(), Self::Error> {
        Ok(())
    }

    fn contacts(&mut self, _: Vec<Contact>, _: Vec<ContactId>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Self::Error> {
        *self = Self::default();
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn end(&mut self) -> Result<Taken<()>, Self::Error> {
        Ok(Taken {
            file: (),
            size: self.size,
            root: self.hash.finalize().into(),
        })
    }

    fn record(&mut self, _: ContactId, _: Record, _: Option<()>) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Runs the request and sends the archive's tar; what the owner says of it counts.
async fn pour(
    cx: &Context,
    session: &Session,
    pipe: Pipe,
    params: Value,
    from: BufReader<File>,
    key: Key,
) -> Result<Value, Failure> {
    let mut call = session.client.stream("import", params).await?;
    let late = tokio::time::sleep(BEGIN);
    tokio::pin!(late);
    let stream = loop {
        tokio::select! {
            stream = pipe.accept() => break stream?,
            step = call.next() => match step {
                Step::Event(event) => cx.out.event(&event)?,
                // It was refused before it began.
                Step::Done(result) => return result,
            },
            () = &mut late => {
                return Err(Failure::new(Kind::Busy, "the agent does not begin to import").retry(None));
            }
        }
    };
    drop(pipe);
    let failed = |error: &io::Error| Failure::io("cannot send the archive to the agent", error);
    let to = stream.into_std().map_err(|error| failed(&error))?;
    to.set_nonblocking(false).map_err(|error| failed(&error))?;
    let sending = tokio::task::spawn_blocking(move || send(from, &key, to));
    let done = loop {
        match call.next().await {
            Step::Event(event) => cx.out.event(&event)?,
            Step::Done(result) => break result,
        }
    };
    let sent = sending
        .await
        .map_err(|_| Failure::internal("the archive's sender stopped"))?;
    match (done, sent) {
        // What broke here is why it is not whole there.
        (Err(_), Err(Unsent::Archive(error))) => Err(Failure::new(
            Kind::Integrity,
            format!("the archive changed while it was read: {error}"),
        )
        .code("archive_damaged")
        .hint("what was taken in before stays; import it again")),
        (done, _) => done,
    }
}

/// Why the archive's tar did not get there.
enum Unsent {
    Archive(VerifyError),
    /// Nobody reads it any more, and says why elsewhere.
    Gone,
}

fn send(from: BufReader<File>, key: &Key, mut to: BlockingStream) -> Result<(), Unsent> {
    let Some(opener) = key.opener() else {
        return Err(Unsent::Gone);
    };
    let mut plain = import::open(from, opener).map_err(Unsent::Archive)?;
    let mut buffer = Zeroizing::new(vec![0; 256 * 1024]);
    loop {
        let count = match plain.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Unsent::Archive(VerifyError::Read(error))),
        };
        let part = buffer.get(..count).unwrap_or_default();
        to.write_all(part).map_err(|_| Unsent::Gone)?;
    }
}

fn report(cx: &Context, done: &Value) -> Outcome {
    if cx.out.is_json() {
        cx.out.object(done)?;
        return Ok(0);
    }
    let number = |key: &str| done[key].as_u64().unwrap_or_default();
    let count = |key: &str, one: &str| match number(key) {
        1 => format!("1 {one}"),
        many => format!("{many} {one}s"),
    };
    let dry = done["dry_run"] == true;
    let new = [
        "contacts",
        "contacts_changed",
        "contacts_removed",
        "messages",
        "changed",
        "files",
    ];
    if new.iter().all(|key| number(key) == 0) {
        cx.out.note(&format!(
            "nothing new: {} in it, all of them in the vault",
            count("known", "message")
        ));
    } else {
        cx.out.note(&format!(
            "{}{}, {} and {}; {} changed, {} known before",
            if dry { "would take in " } else { "took in " },
            count("contacts", "contact"),
            count("messages", "message"),
            count("files", "file"),
            number("changed"),
            number("known"),
        ));
    }
    if let Some(unpaired) = done["unpaired"].as_array().filter(|all| !all.is_empty()) {
        let names: Vec<String> = unpaired
            .iter()
            .map(|peer| human::field(peer, "/name").line())
            .collect();
        cx.out.note(&format!(
            "to write to them, pair again (solo2 pair invite --as NAME): {}",
            names.join(", ")
        ));
    }
    Ok(0)
}

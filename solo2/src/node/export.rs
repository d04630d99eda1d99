//! `export`: the vault's history, written to the caller's socket while it is read.
//!
//! ```text
//!   core ──a page──► writer (a thread that may block) ──► the caller's socket ──► its file
//! ```
//!
//! The caller puts the bytes where its user wants them: the owner of the profile may
//! run where that place is not to be seen. An archive to a passphrase leaves here as its
//! tar: what a passphrase costs to try, hundreds of megabytes for a second, is the caller's
//! to spend. What a document is made of is `solo2_export`'s business.
//! Spec: docs/protocol/7-export.md.

use std::io::{self, BufWriter, Read as _, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use solo2_crypto::content::Shape;
use solo2_export::{
    Attachment, Base, ExportError, Known, Names, Numbered, Owner, PAGE, Progress, Request, Source,
    archive, readable,
};
use solo2_store::{ContactId, Kind, StoredFile, Vault};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use zeroize::Zeroizing;

use super::core::Core;
use super::event::{file_id, hex, message_id};
use super::setup::{RECIPIENT, unlock_failure};
use super::time::now_ms;
use super::{Node, failure, history};
use crate::agent::rpc::EventSink;
use crate::agent::server::is_ours;
use crate::error::{Failure, Kind as FailureKind};
use crate::event::event;
use crate::files::blob::BlobReader;
use crate::files::name::{safe_component, safe_name};
use crate::files::tree::TreeReader;

/// How often the caller hears how far it is.
const TELL: Duration = Duration::from_millis(500);
/// Bytes that go to the socket at once.
const WINDOW: usize = 256 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// To the 24 words.
    Archive,
    /// An archive's, for the caller to encrypt.
    Tar,
    Zip,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            // What it will be.
            Format::Archive | Format::Tar => "archive",
            Format::Zip => "zip",
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Export {
    format: Format,
    /// The caller's socket.
    to: PathBuf,
    chat: Option<String>,
    since: Option<String>,
    until: Option<String>,
    #[serde(default)]
    no_files: bool,
    /// The document that this one builds on; what it holds comes over the caller's socket.
    base: Option<BaseDocument>,
    /// What a readable copy takes: an open vault is not enough.
    password: Option<Zeroizing<String>>,
}

/// What a base's manifest says.
#[derive(Deserialize)]
struct BaseDocument {
    sha256: String,
    created_at: String,
    owner: String,
}

/// Longest list of what a base holds, in bytes: 64 million records.
const MAX_KNOWN: u64 = 1 << 30;

/// Writes a document to the caller's socket, and says what is in it.
pub(super) async fn export(
    node: Arc<Node>,
    mut ask: Export,
    events: EventSink,
) -> Result<Value, Failure> {
    if ask.format == Format::Zip {
        prove(&node, ask.password.take()).await?;
    }
    let mut request = request(&node, &ask).await?;
    let recipient = node
        .call(|core| {
            let known = core.vault.setting(RECIPIENT);
            known.map_err(|error| failure::read(&error))
        })
        .await?
        .and_then(|text| String::from_utf8(text).ok())
        .unwrap_or_default();
    let to = connect(&ask.to).await?;
    if let Some(base) = ask.base.take() {
        let base = read_base(base, &to).await?;
        if request.chat.is_none() {
            request.removed = removed(&node, &base).await?;
        }
        request.base = Some(base);
    }
    let state = Arc::new(Mutex::new(State::default()));
    let format = ask.format;
    let mut source = VaultSource {
        node: Arc::clone(&node),
        runtime: Handle::current(),
        files: node.paths.files(),
        state: Arc::clone(&state),
        asked: None,
        ahead: None,
    };
    let counted = Counted {
        to,
        state: Arc::clone(&state),
    };
    let mut writing = tokio::task::spawn_blocking(move || {
        let to = BufWriter::with_capacity(WINDOW, counted);
        match format {
            Format::Archive => archive::write(&mut source, &request, &recipient, to),
            Format::Tar => archive::write_tar(&mut source, &request, to),
            Format::Zip => readable::write(&mut source, &request, to),
        }
    });
    let begun = Instant::now();
    let mut tick = tokio::time::interval(TELL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let progress = loop {
        tokio::select! {
            done = &mut writing => break done.map_err(|_| failure::stopped())?.map_err(told)?,
            _ = tick.tick() => {
                let state = *state.lock().unwrap_or_else(PoisonError::into_inner);
                // Who does not listen to this may still read the document.
                let _ = events.send(state.to_event(format, begun)).await;
            }
        }
    };
    let state = *state.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = events.send(state.to_event(format, begun)).await;
    Ok(event(
        "export.done",
        json!({
            "format": format.name(),
            "conversations": progress.conversations,
            "messages": progress.messages,
            "files": progress.files,
            "missing": progress.missing,
            "bytes": progress.bytes,
            "written": state.written,
        }),
    ))
}

/// What the new document leaves out, as the caller read it in the base.
async fn read_base(base: BaseDocument, from: &UnixStream) -> Result<Base, Failure> {
    let malformed = || Failure::usage("the base is malformed").code("invalid_params");
    let failed = |error: &io::Error| Failure::io("cannot read what the base holds", error);
    let sha256 = unhex(&base.sha256).ok_or_else(malformed)?;
    let from = from.try_clone().map_err(|error| failed(&error))?;
    let known = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        from.take(MAX_KNOWN).read_to_end(&mut bytes).map(|_| bytes)
    })
    .await
    .map_err(|_| failure::stopped())?
    .map_err(|error| failed(&error))?;
    Ok(Base {
        sha256,
        created_at: base.created_at,
        owner: base.owner,
        known: Known::from_bytes(&known).ok_or_else(malformed)?,
    })
}

/// Who is in the base and was removed here since. Of a base that this vault neither made nor
/// took in, nobody: whom it does not know it has not removed.
async fn removed(node: &Node, base: &Base) -> Result<Vec<ContactId>, Failure> {
    let (sha256, owner) = (base.sha256, base.owner.clone());
    let known: Vec<ContactId> = base.known.contacts().collect();
    node.call(move |core| {
        let made = core.me.certificate.account().fingerprint() == owner;
        let ours = made || core.imported()?.iter().any(|(taken, _)| *taken == sha256);
        let gone = known.into_iter().filter(|id| !core.peers.contains_key(id));
        Ok(gone.filter(|_| ours).collect())
    })
    .await
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = (text.len() == 64).then_some(text.as_bytes().as_chunks::<2>().0)?;
    for (byte, pair) in bytes.iter_mut().zip(digits) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// Whether whoever asks knows the password.
async fn prove(node: &Node, password: Option<Zeroizing<String>>) -> Result<(), Failure> {
    let password = password.ok_or_else(|| {
        Failure::new(FailureKind::Locked, "a readable copy takes the password")
            .hint("name its file: --password-file FILE")
    })?;
    let paths = node.paths.clone();
    tokio::task::spawn_blocking(move || Vault::entropy(&paths, &password).map(drop))
        .await
        .map_err(|_| failure::stopped())?
        .map_err(|error| unlock_failure(&error))
}

async fn request(node: &Node, ask: &Export) -> Result<Request<'static>, Failure> {
    let since_ms = history::millis(ask.since.as_deref())?;
    let until_ms = history::millis(ask.until.as_deref())?;
    let (chat, files) = (ask.chat.clone(), !ask.no_files);
    node.call(move |core| {
        let only = chat.as_deref().map(|name| core.find(name)).transpose()?;
        let contacts = core
            .vault
            .contacts()
            .filter(|contact| only.is_none_or(|only| contact.id == only))
            .cloned()
            .collect();
        Ok(Request {
            program: concat!("solo2 ", env!("CARGO_PKG_VERSION")),
            now_ms: now_ms(),
            owner: Owner {
                name: core.me.name.clone(),
                id: core.me.id.clone(),
                fingerprint: core.me.certificate.account().fingerprint(),
                certificate: core.me.certificate.as_bytes().to_vec(),
            },
            contacts,
            removed: Vec::new(),
            chat,
            since_ms,
            until_ms,
            files,
            base: None,
            queued: core
                .peers
                .values()
                .flat_map(|peer| &peer.outbox)
                .filter_map(|queued| queued.message)
                .collect(),
            names: Names {
                file: safe_name,
                component: safe_component,
                id: |kind, id| match kind {
                    Kind::File => file_id(id),
                    Kind::Text | Kind::Geo => message_id(id),
                },
            },
        })
    })
    .await
}

/// The caller's end: a socket of the same user, and of nobody else.
pub(super) async fn connect(to: &PathBuf) -> Result<UnixStream, Failure> {
    let failed = |error: &io::Error| Failure::io(format!("cannot reach {}", to.display()), error);
    let stream = tokio::net::UnixStream::connect(to)
        .await
        .map_err(|error| failed(&error))?;
    if !is_ours(&stream) {
        return Err(Failure::new(
            FailureKind::Io,
            format!("{} is served by another user", to.display()),
        )
        .code("not_private"));
    }
    let stream = stream.into_std().map_err(|error| failed(&error))?;
    stream
        .set_nonblocking(false)
        .map_err(|error| failed(&error))?;
    Ok(stream)
}

fn told(error: ExportError<Failure>) -> Failure {
    match error {
        ExportError::Source(failure) => failure,
        ExportError::Write(error) => Failure::io("cannot write the export", &error),
        ExportError::Attachment { .. } => Failure::new(FailureKind::Integrity, error.to_string())
            .code("file_damaged")
            .hint("export without files: --no-files; or delete the message it belongs to"),
        ExportError::Recipient => failure::read(&error),
    }
}

/// How far it is, seen from outside.
#[derive(Clone, Copy, Default)]
struct State {
    progress: Progress,
    /// Bytes that went to the caller.
    written: u64,
}

impl State {
    fn to_event(self, format: Format, begun: Instant) -> Value {
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        event(
            "export.progress",
            json!({
                "format": format.name(),
                "messages": self.progress.messages,
                "files": self.progress.files,
                "looked_at": self.progress.looked_at,
                "places": self.progress.places,
                "bytes": self.written,
                "rate_bps": self.written.saturating_mul(1000).checked_div(ms).unwrap_or(0),
            }),
        )
    }
}

/// The caller's socket, with a count of what went in.
struct Counted {
    to: UnixStream,
    state: Arc<Mutex<State>>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The open vault, asked from a thread that may wait for it.
struct VaultSource {
    node: Arc<Node>,
    runtime: Handle,
    files: PathBuf,
    state: Arc<Mutex<State>>,
    /// The page that was asked for last.
    asked: Option<(ContactId, u64)>,
    /// The one that comes next, most likely: it is read while the one at hand is written.
    ahead: Option<Ahead>,
}

struct Ahead {
    contact: ContactId,
    from: u64,
    page: JoinHandle<Result<Vec<Numbered>, Failure>>,
}

impl VaultSource {
    fn read(&self, contact: ContactId, from: u64) -> Ahead {
        let node = Arc::clone(&self.node);
        let read = move |core: &mut Core| {
            let end = core.vault.numbers(contact).end.min(from + PAGE);
            let limit = usize::try_from(end.saturating_sub(from)).unwrap_or_default();
            core.vault
                .history(contact, Some(end), limit)
                .map_err(|error| failure::read(&error))
        };
        Ahead {
            contact,
            from,
            page: self.runtime.spawn(async move { node.call(read).await }),
        }
    }
}

impl Source for VaultSource {
    type Error = Failure;

    fn page(&mut self, contact: ContactId, from: u64) -> Result<Vec<Numbered>, Failure> {
        let ahead = self.ahead.take();
        let ahead = ahead.filter(|ahead| ahead.contact == contact && ahead.from == from);
        // Where stretches of a conversation take turns, pages do not follow one another.
        let before = self.asked.replace((contact, from));
        let onward = from == 0 || before == from.checked_sub(PAGE).map(|from| (contact, from));
        let at_hand = ahead.unwrap_or_else(|| self.read(contact, from));
        if onward {
            self.ahead = Some(self.read(contact, from + PAGE));
        }
        self.runtime
            .block_on(at_hand.page)
            .map_err(|_| failure::stopped())?
    }

    fn newest(&mut self, contact: ContactId) -> Result<Option<u64>, Failure> {
        self.runtime.block_on(self.node.call(move |core| {
            let newest = core
                .vault
                .history(contact, None, 1)
                .map_err(|error| failure::read(&error))?;
            Ok(newest.last().map(|(number, ..)| *number))
        }))
    }

    fn turns(&mut self, contact: ContactId) -> Result<Vec<u64>, Failure> {
        self.runtime
            .block_on(self.node.call(move |core| core.turns(contact)))
    }

    fn open(&mut self, file: &StoredFile) -> io::Result<Option<Attachment>> {
        let Some(kept) = &file.kept else {
            return Ok(None);
        };
        let path = self.files.join(hex(&kept.blob));
        let stream = match BlobReader::open(&path, &kept.key.secret()) {
            Ok(stream) => stream,
            // Taken out of the vault, or deleted, since its message was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let len = stream.len();
        Ok(Some(match Shape::from_code(file.shape) {
            Some(Shape::Directory) => Attachment::Tree(Box::new(TreeReader::new(stream, len))),
            _ => Attachment::File(len, Box::new(stream)),
        }))
    }

    fn progress(&mut self, progress: &Progress) -> Result<(), Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.progress = *progress;
        Ok(())
    }
}

//! `import`: an archive's tar from the caller's socket into the vault.
//!
//! ```text
//!   its file ──► caller: age off ──► socket ──► reader (a thread that may block)
//!                                                 │ files: sealed beside the vault's own
//!                                                 └ messages: a batch ──► core: one commit
//! ```
//!
//! The caller has the key and gone through all of it before; here it is read again with
//! the same care, for the caller is not believed either. What an archive is made of is
//! `solo2_export`'s business, what becomes of it [`super::merge`]'s.
//! Spec: docs/protocol/7-export.md §5.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::Rng as _;
use serde::Deserialize;
use serde_json::{Value, json};
use solo2_crypto::file::{CHUNK_LEN, FileKey};
use solo2_crypto::secret::Secret;
use solo2_export::import::{self, ImportError, Manifest, Record, Sink, Taken};
use solo2_export::verify::VerifyError;
use solo2_store::{Contact, ContactId, Kept};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::core::{Core, Operation};
use super::event::{hex, parse_message_id, peer_json};
use super::merge::{Counts, Item, Terms};
use super::{Node, export, failure};
use crate::agent::rpc::EventSink;
use crate::error::{Failure, Kind};
use crate::event::event;
use crate::files::Partial as _;
use crate::files::blob::Blob;

/// How often the caller hears how far it is.
const TELL: Duration = Duration::from_millis(500);
/// Messages of one commit, and bytes of their texts.
const BATCH: usize = 1024;
const BATCH_BYTES: usize = 1 << 20;
/// The archives that were taken in: `SHA-256 of the manifest 32 || made at u64be` each.
const IMPORTED: &str = "imported";
const IMPORTED_MAX: usize = 256;
/// Ends the name of a file whose message is still to come.
const NEW: &str = "new";

#[derive(Deserialize)]
pub(super) struct Import {
    /// The caller's socket.
    from: PathBuf,
    /// Bytes of the archive.
    size: u64,
    #[serde(default)]
    dry_run: bool,
}

/// Takes in an archive from the caller's socket, and says what was new.
pub(super) async fn import(
    node: Arc<Node>,
    ask: Import,
    events: EventSink,
) -> Result<Value, Failure> {
    let Ok(_alone) = node.importing.try_lock() else {
        return Err(
            Failure::new(Kind::Busy, "another archive is being taken in")
                .hint("try again when that is done")
                .retry(None),
        );
    };
    let from = export::connect(&ask.from).await?;
    let state = Arc::new(Mutex::new(State::default()));
    let mut sink = VaultSink::new(&node, ask.dry_run, Arc::clone(&state));
    let counted = Counted {
        from,
        state: Arc::clone(&state),
    };
    let mut reading = tokio::task::spawn_blocking(move || {
        sink.clean();
        import::read(counted, parse_message_id, &mut sink).map_err(told)?;
        sink.finish()
    });
    let begun = Instant::now();
    let mut tick = tokio::time::interval(TELL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (counts, unpaired) = loop {
        tokio::select! {
            done = &mut reading => break done.map_err(|_| failure::stopped())??,
            _ = tick.tick() => {
                let state = *state.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = events.send(state.to_event(ask.size, begun)).await;
            }
        }
    };
    Ok(event(
        "import.done",
        json!({
            "path": null,
            "dry_run": ask.dry_run,
            "contacts": counts.contacts,
            "contacts_changed": counts.contacts_changed,
            "contacts_removed": counts.contacts_removed,
            "messages": counts.messages,
            "changed": counts.changed,
            "known": counts.known,
            "files": counts.files,
            "unpaired": unpaired,
        }),
    ))
}

fn told(error: ImportError<Failure>) -> Failure {
    match error {
        ImportError::Sink(failure) => failure,
        ImportError::Archive(VerifyError::Read(error)) => {
            Failure::io("cannot receive the archive", &error)
        }
        ImportError::Archive(error) => Failure::new(
            Kind::Integrity,
            format!("the archive is not whole: {error}"),
        )
        .code("archive_damaged")
        .hint("what was taken in before the damage stays; another copy may be whole"),
    }
}

/// How far it is, seen from outside.
#[derive(Clone, Copy, Default)]
struct State {
    messages: u64,
    files: u64,
    /// Bytes that came.
    bytes: u64,
}

impl State {
    fn to_event(self, size: u64, begun: Instant) -> Value {
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        event(
            "import.progress",
            json!({
                "step": "import",
                "messages": self.messages,
                "files": self.files,
                "bytes": self.bytes,
                "size": size,
                "rate_bps": self.bytes.saturating_mul(1000).checked_div(ms).unwrap_or(0),
            }),
        )
    }
}

/// The caller's socket, with a count of what came out.
struct Counted {
    from: UnixStream,
    state: Arc<Mutex<State>>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buf)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.bytes += count as u64;
        Ok(count)
    }
}

/// A batch on its way into the vault.
type Committing = JoinHandle<Result<(Counts, Vec<Kept>), Failure>>;

/// The vault, filled from a thread that may wait for it.
struct VaultSink {
    node: Arc<Node>,
    runtime: Handle,
    files: PathBuf,
    state: Arc<Mutex<State>>,
    terms: Terms,
    manifest: Option<Manifest>,
    /// Whose conversation a contact of the archive has here.
    places: BTreeMap<ContactId, ContactId>,
    growing: Option<Growing>,
    batch: Vec<Item>,
    batch_bytes: usize,
    /// The batch before, which is being committed while this one is read.
    committing: Option<Committing>,
    counts: Counts,
    /// Contacts that are not paired with, those that are new included.
    unpaired: Vec<Value>,
}

/// A file that is being taken in.
struct Growing {
    kept: Kept,
    /// Where it goes; nowhere in a dry run.
    blob: Option<Blob>,
    chunk: Vec<u8>,
    hash: blake3::Hasher,
    size: u64,
}

impl Growing {
    fn chunk(&mut self, last: bool) -> io::Result<()> {
        if let Some(blob) = &mut self.blob {
            blob.append(&self.chunk, last)?;
        }
        self.chunk.clear();
        Ok(())
    }
}

impl VaultSink {
    fn new(node: &Arc<Node>, dry: bool, state: Arc<Mutex<State>>) -> Self {
        Self {
            node: Arc::clone(node),
            runtime: Handle::current(),
            files: node.paths.files(),
            state,
            terms: Terms {
                dry,
                made_at_ms: 0,
                newest: false,
            },
            manifest: None,
            places: BTreeMap::new(),
            growing: None,
            batch: Vec::new(),
            batch_bytes: 0,
            committing: None,
            counts: Counts::default(),
            unpaired: Vec::new(),
        }
    }

    fn call<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut Core) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.runtime.block_on(self.node.call(verb))
    }

    /// Removes what an import left that did not come to its end.
    fn clean(&self) {
        let Ok(entries) = fs::read_dir(&self.files) else {
            return;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|end| end == NEW) {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn place(&self, kept: &Kept) -> PathBuf {
        self.files.join(hex(&kept.blob))
    }

    /// Sends the batch to be committed, once the one before is.
    fn flush(&mut self) -> Result<(), Failure> {
        self.settle()?;
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        if batch.is_empty() {
            return Ok(());
        }
        for kept in batch.iter().filter_map(|item| item.kept.as_ref()) {
            let path = self.place(kept);
            if !self.terms.dry {
                fs::rename(path.with_extension(NEW), &path).map_err(|error| unkept(&error))?;
            }
        }
        let (node, terms) = (Arc::clone(&self.node), self.terms);
        let commit = async move { node.call(move |core| core.restore(batch, terms)).await };
        self.committing = Some(self.runtime.spawn(commit));
        Ok(())
    }

    /// Waits for the batch that is being committed.
    fn settle(&mut self) -> Result<(), Failure> {
        let Some(committing) = self.committing.take() else {
            return Ok(());
        };
        let done = self.runtime.block_on(committing);
        let (counts, unused) = done.map_err(|_| failure::stopped())??;
        for kept in unused {
            // A leftover is sealed under a key that nothing leads to.
            let _ = fs::remove_file(self.place(&kept));
        }
        self.counts.messages += counts.messages;
        self.counts.changed += counts.changed;
        self.counts.known += counts.known;
        self.counts.files += counts.files;
        Ok(())
    }

    /// All of it was whole.
    fn finish(&mut self) -> Result<(Counts, Vec<Value>), Failure> {
        self.flush()?;
        self.settle()?;
        if let Some(manifest) = self.manifest.take().filter(|_| !self.terms.dry) {
            self.call(move |core| core.note_imported(&manifest))?;
        }
        Ok((self.counts, std::mem::take(&mut self.unpaired)))
    }
}

fn unkept(error: &io::Error) -> Failure {
    Failure::io("cannot keep a file of the archive in the vault", error)
}

impl Sink for VaultSink {
    type Error = Failure;
    type File = Kept;

    fn manifest(&mut self, manifest: &Manifest) -> Result<(), Failure> {
        let imported = self.call(|core| core.imported())?;
        if let Some((base, made_at_ms)) = manifest.base
            && !imported.iter().any(|(known, _)| *known == base)
        {
            let made_at = super::event::rfc3339(made_at_ms);
            return Err(Failure::usage(format!(
                "it has only what changed since an archive of {made_at}, which is not in this vault"
            ))
            .code("base_missing")
            .hint("import that one first, then this"));
        }
        // What its owner changed since it was taken in is not changed back.
        self.terms.newest = imported
            .iter()
            .all(|(known, at)| *known != manifest.sha256 && *at <= manifest.created_at_ms);
        self.terms.made_at_ms = manifest.created_at_ms;
        self.manifest = Some(manifest.clone());
        Ok(())
    }

    fn contacts(&mut self, contacts: Vec<Contact>, removed: Vec<ContactId>) -> Result<(), Failure> {
        let terms = self.terms;
        (self.places, self.counts, self.unpaired) = self.call(move |core| {
            let mut counts = Counts::default();
            let mut unpaired = core.unpaired();
            let restored = core.restore_contacts(contacts, &removed, terms, &mut counts)?;
            unpaired.retain(|contact| !restored.removed.contains(&contact.id));
            unpaired.extend(restored.new);
            let unpaired = unpaired.iter().map(peer_json).collect();
            Ok((restored.places, counts, unpaired))
        })?;
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Failure> {
        let mut rng = rand::rng();
        let mut blob = [0; 16];
        rng.fill_bytes(&mut blob);
        let key = Secret::random(&mut rng);
        let kept = Kept {
            blob,
            key: FileKey::new(key.expose()),
        };
        let path = self.place(&kept).with_extension(NEW);
        let blob = match self.terms.dry {
            true => None,
            false => Some(Blob::open_or_create(&path, &key).map_err(|error| unkept(&error))?),
        };
        self.growing = Some(Growing {
            kept,
            blob,
            chunk: Vec::with_capacity(CHUNK_LEN),
            hash: blake3::Hasher::new(),
            size: 0,
        });
        Ok(())
    }

    fn append(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        let Some(growing) = &mut self.growing else {
            return Err(failure::stopped());
        };
        growing.hash.update(bytes);
        growing.size += bytes.len() as u64;
        while !bytes.is_empty() {
            if growing.chunk.len() == CHUNK_LEN {
                growing.chunk(false).map_err(|error| unkept(&error))?;
            }
            let room = CHUNK_LEN - growing.chunk.len();
            let (part, rest) = bytes.split_at(room.min(bytes.len()));
            growing.chunk.extend_from_slice(part);
            bytes = rest;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<Taken<Kept>, Failure> {
        let Some(mut growing) = self.growing.take() else {
            return Err(failure::stopped());
        };
        growing.chunk(true).map_err(|error| unkept(&error))?;
        if let Some(blob) = &mut growing.blob {
            blob.sync().map_err(|error| unkept(&error))?;
        }
        Ok(Taken {
            file: growing.kept,
            size: growing.size,
            root: growing.hash.finalize().into(),
        })
    }

    fn record(
        &mut self,
        contact: ContactId,
        record: Record,
        file: Option<Kept>,
    ) -> Result<(), Failure> {
        let contact = *self.places.get(&contact).ok_or_else(failure::stopped)?;
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.messages += 1;
            state.files += u64::from(file.is_some());
        }
        self.batch_bytes += record.message.body.len();
        self.batch.push(Item {
            contact,
            record,
            kept: file,
        });
        if self.batch.len() >= BATCH || self.batch_bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }
}

impl Drop for VaultSink {
    fn drop(&mut self) {
        let _ = self.settle();
        self.clean();
    }
}

impl Core {
    /// The archives that were taken in, and when they were made.
    pub(super) fn imported(&self) -> Result<Vec<([u8; 32], u64)>, Failure> {
        let setting = self.vault.setting(IMPORTED);
        let bytes = setting.map_err(|error| failure::read(&error))?;
        let bytes = bytes.unwrap_or_default();
        let (entries, _) = bytes.as_chunks::<40>();
        Ok(entries
            .iter()
            .filter_map(|entry| {
                let (sha256, at) = entry.split_first_chunk::<32>()?;
                Some((*sha256, u64::from_be_bytes(at.try_into().ok()?)))
            })
            .collect())
    }

    fn note_imported(&mut self, manifest: &Manifest) -> Result<(), Failure> {
        let mut all = self.imported()?;
        if all.iter().any(|(known, _)| *known == manifest.sha256) {
            return Ok(());
        }
        all.push((manifest.sha256, manifest.created_at_ms));
        all.drain(..all.len().saturating_sub(IMPORTED_MAX));
        let value = all
            .iter()
            .flat_map(|(sha256, at)| [sha256.as_slice(), &at.to_be_bytes()].concat())
            .collect();
        self.push(Operation::PutSetting {
            key: IMPORTED.into(),
            value,
        });
        Ok(())
    }

    /// Contacts that must be paired with before they can be written to.
    fn unpaired(&self) -> Vec<Contact> {
        self.peers
            .values()
            .filter(|peer| !peer.state.paired)
            .map(|peer| peer.contact.clone())
            .collect()
    }
}

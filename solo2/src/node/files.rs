//! The verbs of files: list, accept, take out, reject, cancel, resume.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use solo2_crypto::content::Shape;
use solo2_store::{Amendment, ContactId, Kind, Message, StoredFile};
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout_at};

use super::core::{Core, Operation, Place as MessagePlace};
use super::event::{Event, file_id, hex, parse_message_id, peer_json};
use super::pull::target_failure;
use super::query::file_done_json;
use super::transfers::{shape_name, unknown_file};
use super::{Node, failure};
use crate::agent::rpc::EventSink;
use crate::error::{Failure, Kind as FailureKind};
use crate::files::blob::BlobReader;
use crate::files::target::{Existing, Target, TargetError};

/// How long nothing may move before a caller who named no time is told.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Messages of a conversation that are looked through for files in the vault.
const LOOKED_AT: usize = 1024;

/// What to do when the name is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Taken {
    #[default]
    Refuse,
    Rename,
    Overwrite,
}

impl From<Taken> for Existing {
    fn from(taken: Taken) -> Self {
        match taken {
            Taken::Refuse => Self::Refuse,
            Taken::Rename => Self::Rename,
            Taken::Overwrite => Self::Overwrite,
        }
    }
}

fn parse(id: &str) -> Result<[u8; 16], Failure> {
    parse_message_id(id).ok_or_else(|| {
        Failure::new(
            FailureKind::UnknownPeer,
            format!("not the id of a file: {id}"),
        )
        .code("unknown_file")
        .hint("solo2 file list shows ids")
    })
}

/// Everything under way, then what lies in the vault.
pub(super) async fn list(node: &Node, events: EventSink) -> Result<Value, Failure> {
    let lines = node
        .call(|core| {
            let mut lines = core.files_json();
            lines.extend(core.kept_files()?);
            Ok(lines)
        })
        .await?;
    let count = lines.len();
    for line in lines {
        if !events.send(line).await {
            break;
        }
    }
    Ok(json!({ "count": count }))
}

#[derive(Deserialize)]
pub(super) struct Accept {
    id: String,
    to: Option<PathBuf>,
    #[serde(default)]
    existing: Taken,
    timeout_ms: Option<u64>,
}

/// Wants a file that was offered and waits for it, or takes one out of the vault.
pub(super) async fn accept(node: &Node, ask: Accept, events: EventSink) -> Result<Value, Failure> {
    let id = parse(&ask.id)?;
    let mut live = node.events.subscribe();
    let existing = Existing::from(ask.existing);
    let under_way = node
        .call(move |core| {
            Ok(core
                .find_transfer(id)
                .map(|(_, transfer)| transfer.name.clone()))
        })
        .await?;
    let target = match (&ask.to, &under_way) {
        (Some(to), _) => Some(split(to.clone()).await?),
        (None, _) => None,
    };
    if under_way.is_some() {
        let place = target
            .clone()
            .map(|(directory, name)| (directory.to_string_lossy().into_owned(), name, existing));
        node.call(move |core| core.accept_file(id, place)).await?;
        wait(node, id, ask.timeout_ms, &mut live, &events).await?;
    }
    let done = node.call(move |core| core.arrived_file(id)).await?;
    match target {
        Some((directory, name)) if done.file.kept.is_some() => {
            take_out(node, done, &directory, name, existing).await
        }
        _ => Ok(done.to_json(None)),
    }
}

/// The directory, and the name in it unless the path is a directory itself.
async fn split(path: PathBuf) -> Result<(PathBuf, Option<String>), Failure> {
    if !path.is_absolute() {
        return Err(Failure::usage(format!(
            "not an absolute path: {}",
            path.display()
        )));
    }
    if tokio::fs::metadata(&path)
        .await
        .is_ok_and(|found| found.is_dir())
    {
        return Ok((path, None));
    }
    let name = path.file_name().and_then(|name| name.to_str());
    match (path.parent(), name) {
        (Some(parent), Some(name)) => Ok((parent.to_owned(), Some(name.to_owned()))),
        _ => Err(Failure::usage(format!(
            "not a path for a file: {}",
            path.display()
        ))),
    }
}

/// Waits until a file is here, or it is clear that it will not come now.
async fn wait(
    node: &Node,
    id: [u8; 16],
    timeout_ms: Option<u64>,
    live: &mut broadcast::Receiver<Event>,
    sink: &EventSink,
) -> Result<(), Failure> {
    let mut deadline = Instant::now() + timeout_ms.map_or(PATIENCE, Duration::from_millis);
    let text = json!(file_id(id));
    loop {
        let (open, stuck) = node
            .call(move |core| Ok((core.find_transfer(id).is_some(), core.stuck(id).cloned())))
            .await?;
        if let (true, Some(problem)) = (open, stuck) {
            return Err(problem);
        }
        // What ended has said why before it was gone: that is read first.
        let event = if open {
            tokio::select! {
                event = timeout_at(deadline, live.recv()) => event,
                () = sink.closed() => return Err(failure::stopped()),
            }
        } else {
            match live.try_recv() {
                Ok(event) => Ok(Ok(event)),
                Err(broadcast::error::TryRecvError::Lagged(_)) => continue,
                Err(_) => return Ok(()),
            }
        };
        match event {
            Ok(Ok(Event::OfPeer {
                contact,
                kind,
                fields,
            })) if fields["id"] == text => {
                if timeout_ms.is_none() {
                    deadline = Instant::now() + PATIENCE;
                }
                let failed = kind == "file.failed" && fields["retryable"] == json!(false);
                let message = fields["message"].as_str().unwrap_or_default().to_owned();
                let reason = fields["reason"].clone();
                let event = Event::OfPeer {
                    contact,
                    kind,
                    fields,
                };
                if let Some(line) = event.to_json(None) {
                    sink.send(line).await;
                }
                if failed {
                    let kind = match reason.as_str() {
                        Some("file_broken" | "file_hostile") => FailureKind::Integrity,
                        _ => FailureKind::Rejected,
                    };
                    return Err(Failure::new(kind, message).with("reason", reason));
                }
            }
            Ok(Ok(_) | Err(broadcast::error::RecvError::Lagged(_))) => {}
            Ok(Err(broadcast::error::RecvError::Closed)) => return Err(failure::stopped()),
            Err(_) => {
                return Err(Failure::new(
                    FailureKind::NotDelivered,
                    format!(
                        "{} is not here yet: {}",
                        file_id(id),
                        node.why_not_reached()
                    ),
                )
                .code("file_unfinished")
                .hint("it goes on while an agent runs; solo2 file resume tries at once")
                .retry(None));
            }
        }
    }
}

/// A file that is here, in the vault or in a directory.
pub(super) struct Arrived {
    contact: ContactId,
    /// Who sent it.
    name: String,
    position: u64,
    message: Message,
    pub(super) file: StoredFile,
}

impl Arrived {
    pub(super) fn contact(&self) -> ContactId {
        self.contact
    }

    pub(super) fn to_json(&self, cursor: Option<u64>) -> Value {
        file_done_json(
            self.contact,
            &self.name,
            &self.message,
            Some(&self.file),
            cursor,
        )
    }
}

/// Moves a file out of the vault into a directory; the vault forgets it there.
pub(super) async fn take_out(
    node: &Node,
    mut done: Arrived,
    directory: &Path,
    name: Option<String>,
    existing: Existing,
) -> Result<Value, Failure> {
    let Some(kept) = done.file.kept.take() else {
        return Ok(done.to_json(None));
    };
    let vault = node.paths.files();
    let blob = vault.join(hex(&kept.blob));
    let directory = directory.to_owned();
    let (id, shape) = (done.message.id, done.file.shape);
    let name = name.unwrap_or_else(|| done.message.body.clone());
    let source = blob.clone();
    let key = kept.key.secret();
    let path = tokio::task::spawn_blocking(move || -> Result<PathBuf, TargetError> {
        let target = Target::open(&directory)?;
        if existing == Existing::Refuse && target.taken(&name) {
            return Err(TargetError::Exists {
                path: directory.join(&name),
            });
        }
        let mut stream = BlobReader::open(&source, &key).map_err(TargetError::Read)?;
        let size = stream.len();
        target.import(&mut stream, size, id, &name, shape_of(shape), existing)
    })
    .await
    .map_err(|_| failure::stopped())?
    .map_err(|error| target_failure(&error))?;
    let path = path.to_string_lossy().into_owned();
    done.file.path = Some(path);
    let amendment = Amendment::File(done.file.clone());
    let (contact, position) = (done.contact, done.position);
    node.call(move |core| {
        core.push(Operation::Amend {
            contact,
            message: MessagePlace::At(position),
            amendment,
        });
        core.after_commit(move |committed| {
            if committed.is_ok() {
                // A leftover is sealed under a key that nothing leads to.
                let _ = std::fs::remove_file(&blob);
            }
        });
        Ok(())
    })
    .await?;
    Ok(done.to_json(None))
}

/// A shape that a newer version knows is the bytes that it is.
fn shape_of(code: u8) -> Shape {
    Shape::from_code(code).unwrap_or(Shape::File)
}

#[derive(Deserialize)]
pub(super) struct One {
    id: String,
}

/// `file.reject` and `file.cancel`.
pub(super) async fn end(node: &Node, method: &str, One { id }: One) -> Result<Value, Failure> {
    let id = parse(&id)?;
    let rejected = method == "file.reject";
    node.call(move |core| core.end_file(id, rejected)).await
}

#[derive(Deserialize)]
pub(super) struct Resume {
    id: Option<String>,
    timeout_ms: Option<u64>,
}

/// Tries again at once what is stuck or waits, and waits for what is wanted; a single file's
/// trouble is the answer, of several it is an event.
pub(super) async fn resume(node: &Node, ask: Resume, events: EventSink) -> Result<Value, Failure> {
    let one = ask.id.as_deref().map(parse).transpose()?;
    let mut live = node.events.subscribe();
    let wanted = node
        .call(move |core| {
            core.resume_files(one)?;
            Ok(one.map_or_else(|| core.wanted_files(), |id| vec![id]))
        })
        .await?;
    let begun = Instant::now();
    let mut unfinished = 0;
    for id in wanted {
        let spent = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let left = ask.timeout_ms.map(|ms| ms.saturating_sub(spent));
        match wait(node, id, left, &mut live, &events).await {
            Ok(()) => {
                let line = node
                    .call(move |core| Ok(core.arrived_file(id)?.to_json(None)))
                    .await;
                // A file of ours is at the peer's; nothing of it is here.
                if let Ok(line) = line {
                    events.send(line).await;
                }
            }
            Err(problem) if one.is_some() => return Err(problem),
            Err(_) => {
                let open = move |core: &mut Core| Ok(core.find_transfer(id).is_some());
                unfinished += u32::from(node.call(open).await?);
            }
        }
    }
    Ok(json!({ "unfinished": unfinished }))
}

impl Core {
    /// A file that has come, by its id.
    pub(super) fn arrived_file(&mut self, id: [u8; 16]) -> Result<Arrived, Failure> {
        self.place_fresh(id);
        let (contact, position) = self
            .vault
            .message_by_id(&id)
            .map_err(|error| failure::read(&error))?
            .ok_or_else(|| unknown_file(id))?;
        self.arrived_at(contact, position)?
            .ok_or_else(|| unknown_file(id))
    }

    /// Removes the vault's copy of a file whose message is being deleted. Its key goes with the
    /// message, so a copy that stays behind tells nothing but its length.
    pub(super) fn drop_kept(&mut self, contact: ContactId, place: MessagePlace) {
        let MessagePlace::At(position) = place else {
            return;
        };
        let Ok(Some(Arrived { file, .. })) = self.arrived_at(contact, position) else {
            return;
        };
        if let Some(kept) = &file.kept {
            let blob = self.files_dir.join(hex(&kept.blob));
            self.after_commit(move |committed| {
                if committed.is_ok() {
                    let _ = std::fs::remove_file(blob);
                }
            });
        }
    }

    fn arrived_at(&self, contact: ContactId, position: u64) -> Result<Option<Arrived>, Failure> {
        let found = self
            .vault
            .message(contact, position)
            .map_err(|error| failure::read(&error))?;
        let name = self
            .peers
            .get(&contact)
            .map(|peer| peer.contact.name.clone())
            .unwrap_or_default();
        Ok(found.and_then(|(message, amendments)| {
            let here = message.kind == Kind::File && message.incoming;
            let file = amendments.file().filter(|_| here)?.clone();
            Some(Arrived {
                contact,
                name,
                position,
                message,
                file,
            })
        }))
    }

    /// What lies in the vault of each conversation's newest messages.
    fn kept_files(&self) -> Result<Vec<Value>, Failure> {
        let mut lines = Vec::new();
        for (contact, peer) in &self.peers {
            let page = self
                .vault
                .history(*contact, None, LOOKED_AT)
                .map_err(|error| failure::read(&error))?;
            for (_, message, amendments) in page {
                let Some(file) = amendments.file().filter(|file| file.kept.is_some()) else {
                    continue;
                };
                lines.push(json!({
                    "v": 1,
                    "type": "file",
                    "id": file_id(message.id),
                    "peer": peer_json(&peer.contact),
                    "dir": "in",
                    "name": message.body,
                    "shape": shape_name(shape_of(file.shape)),
                    "size": file.size,
                    "bytes": file.size,
                    "state": "done",
                    "path": null,
                    "blake3": hex(&file.root),
                }));
            }
        }
        Ok(lines)
    }
}

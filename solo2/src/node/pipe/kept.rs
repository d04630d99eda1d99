//! A command that wants one file on its stdout: as it comes, or out of the vault.
//!
//! ```text
//!   with its sender ──► landing
//!   on its way into the vault ──► wait ─┐
//!   in the vault ───────────────────────┴─► Where ──At──► Data…End ──► Done
//! ```
//! Spec: docs/protocol/6-files.md §8.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use solo2_crypto::content::Shape;
use solo2_crypto::file::CHUNK_LEN;
use solo2_store::ContactId;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::super::event::hex;
use super::super::files::Arrived;
use super::super::pull::broken;
use super::super::transfer::{Place, Side};
use super::super::transfers::unknown_file;
use super::super::{Node, failure};
use super::Core;
use super::landing::{Wanted, attach, left};
use crate::agent::rpc::Attached;
use crate::agent::wire::{self, DATA_MAX, Frame, Frames, Reason};
use crate::error::{Failure, Kind};
use crate::files::blob::BlobReader;

/// How long to rest before looking whether a file has come.
const REST: Duration = Duration::from_millis(300);

/// Where a file is that somebody wants on a stdout.
enum Lies {
    /// With its sender, and nobody has decided.
    There,
    /// On its way into the vault.
    Coming,
    /// In the vault, or was.
    Here(Box<Arrived>),
}

/// Ties a command to one file: as it comes, or out of the vault.
pub(super) async fn stream(
    node: Arc<Node>,
    id: [u8; 16],
    begun: bool,
) -> Result<Attached, Failure> {
    let (answer, contact, lies) = node.call(move |core| core.lies(id)).await?;
    match lies {
        Lies::There => {
            let begun = begun.then_some(id);
            let attached = attach(node, contact, Wanted::File(id), begun).await?;
            Ok(Attached { answer, ..attached })
        }
        Lies::Here(arrived) if begun && arrived.file.path.as_deref() == Some(super::STDOUT) => {
            // All of it was written, and only the word of it was lost.
            let run = |stream| async move {
                let (_frames, to) = wire::split(stream);
                let _ = to.send(Frame::Over(None)).await;
            };
            Ok(Attached::new(answer, run))
        }
        Lies::Here(arrived) if arrived.file.kept.is_none() => Err(not_kept(&arrived)),
        Lies::Here(_) | Lies::Coming => {
            let run = move |stream| async move {
                let (mut frames, to) = wire::split(stream);
                let arrived = tokio::select! {
                    arrived = in_vault(&node, id) => arrived,
                    () = left(&mut frames) => return,
                };
                let end = match arrived {
                    Ok(arrived) => kept_to(&node, frames, to.clone(), &arrived).await,
                    Err(failure) => Some(Err(failure)),
                };
                if let Some(end) = end {
                    let _ = to.send(Frame::Over(end.err().map(Box::new))).await;
                }
            };
            Ok(Attached::new(answer, run))
        }
    }
}

/// Waits until all of a file is in the vault.
async fn in_vault(node: &Node, id: [u8; 16]) -> Result<Box<Arrived>, Failure> {
    loop {
        match node.call(move |core| core.lies(id)).await?.2 {
            Lies::Here(arrived) => return Ok(arrived),
            Lies::Coming => sleep(REST).await,
            // Nothing that is wanted is offered again.
            Lies::There => return Err(unknown_file(id)),
        }
    }
}

fn not_kept(arrived: &Arrived) -> Failure {
    let failure = match &arrived.file.path {
        Some(path) if path != super::STDOUT => {
            Failure::new(Kind::Io, "it is in a file already").hint(format!("it is {path}"))
        }
        _ => Failure::new(Kind::UnknownPeer, "it went to a stdout and was not kept")
            .hint("have it sent again"),
    };
    failure.code("not_kept")
}

fn directory() -> Failure {
    Failure::usage("a directory goes to a disk, not to stdout")
        .hint("name a place for it: solo2 file accept ID -o DIR")
}

/// Sends what the vault keeps of a file to a command; nothing when that has left.
async fn kept_to(
    node: &Node,
    mut frames: Frames,
    to: mpsc::Sender<Frame>,
    arrived: &Arrived,
) -> Option<Result<(), Failure>> {
    let Some(kept) = &arrived.file.kept else {
        return Some(Err(not_kept(arrived)));
    };
    let path = node.paths.files().join(hex(&kept.blob));
    let (key, root) = (kept.key.secret(), arrived.file.root);
    to.send(Frame::Where { serial: 1 }).await.ok()?;
    let from = loop {
        match frames.next().await {
            Ok(Some(Frame::At { offset, .. })) => break offset,
            Ok(Some(Frame::Abort(Reason::Left | Reason::Failed)) | None) | Err(_) => return None,
            Ok(Some(_)) => {}
        }
    };
    let reading = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        let mut blob = BlobReader::open(&path, &key)?;
        let total = blob.len();
        std::io::copy(&mut (&mut blob).take(from), &mut std::io::sink())?;
        loop {
            let mut part = vec![0; DATA_MAX.min(CHUNK_LEN)];
            let count = blob.read(&mut part)?;
            part.truncate(count);
            let frame = match count {
                0 => Frame::End { total, root },
                _ => Frame::Data(part),
            };
            // A command that has left says so elsewhere.
            if to.blocking_send(frame).is_err() || count == 0 {
                return Ok(());
            }
        }
    });
    let taken = async {
        loop {
            match frames.next().await {
                Ok(Some(Frame::Done)) => return Some(Ok(())),
                Ok(Some(Frame::Differs)) => {
                    return Some(Err(broken("the vault holds other bytes than came")));
                }
                Ok(Some(Frame::Abort(_)) | None) | Err(_) => return None,
                Ok(Some(_)) => {}
            }
        }
    };
    tokio::pin!(taken);
    tokio::select! {
        end = &mut taken => end,
        read = reading => match read {
            Ok(Ok(())) => taken.await,
            Ok(Err(error)) => Some(Err(Failure::io("cannot read the file out of the vault", &error))),
            Err(_) => Some(Err(failure::stopped())),
        },
    }
}

impl Core {
    /// Where a file is that is to go to a stdout, whose it is, and what is said of it.
    fn lies(&mut self, id: [u8; 16]) -> Result<(Value, ContactId, Lies), Failure> {
        let Some((contact, transfer)) = self.find_transfer(id) else {
            let arrived = self.arrived_file(id)?;
            if Shape::from_code(arrived.file.shape) == Some(Shape::Directory) {
                return Err(directory());
            }
            let answer = arrived.to_json(None);
            let contact = arrived.contact();
            return Ok((answer, contact, Lies::Here(Box::new(arrived))));
        };
        if transfer.shape == Shape::Directory {
            return Err(directory());
        }
        let lies = match (&transfer.side, transfer.place()) {
            (Side::Offered, _) => Lies::There,
            (_, Some(Place::Vault { .. })) => match self.stuck(id) {
                Some(problem) => return Err(problem.clone()),
                None => Lies::Coming,
            },
            (_, Some(Place::Directory { path, .. })) => {
                return Err(
                    Failure::new(Kind::Io, format!("it is on its way into {path}"))
                        .code("exists")
                        .hint("wait for it there: solo2 file resume"),
                );
            }
            (_, None) => return Err(Failure::usage("a file of your own needs no acceptance")),
        };
        let answer = json!({
            "id": super::file_id(id),
            "peer": super::peer_id(contact),
            "peer_name": self.peers.get(&contact).map(|peer| peer.contact.name.clone()),
            "route": self.route_of(contact),
            "name": transfer.name,
            "size": transfer.size,
        });
        Ok((answer, contact, lies))
    }
}

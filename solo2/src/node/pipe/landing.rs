//! This end of a command that receives: fetches what it wants and hands it over, verified
//! by the command itself, which alone knows what it has written.
//!
//! ```text
//!   Where ──At──► request ──► [open records] ──Data…End──► command ──Done──► receipt
//!     ▲                 │ link lost, sender away                │ left
//!     └─────────────────┘                                       ▼ called off
//! ```
//! Spec: docs/protocol/6-files.md §3, §8.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use solo2_crypto::content::FileOutcome;
use solo2_crypto::file::{Opener, attempt_key, padme, prefix_proof};
use solo2_crypto::secret::Secret;
use solo2_store::ContactId;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

use super::super::pull::broken;
use super::super::{Node, failure};
use super::{Core, Found, Progress};
use crate::agent::rpc::Attached;
use crate::agent::wire::{self, Frame, Frames};
use crate::error::{Failure, Kind};
use crate::net::bulk::{Acknowledger, Fetched, LaneError, Lanes, Records, Request, Status};

/// How long to rest before asking again for what could not be had.
const REST: Duration = Duration::from_millis(300);
/// How often to look for a link where there is something to fetch.
const LOOK: Duration = Duration::from_secs(1);
/// Bytes of the last record: length and hash.
const TRAILER_LEN: usize = 8 + 32;

/// How what a command has claimed ends otherwise than by its own doing.
pub(super) type Over = oneshot::Receiver<Result<(), Failure>>;

/// What a command wants.
#[derive(Clone)]
pub(super) enum Wanted {
    /// The oldest pipe of this label.
    Label(String),
    /// This file, whatever it is called.
    File([u8; 16]),
}

/// Ties a command to what one contact offers, now or later.
pub(super) async fn attach(
    node: Arc<Node>,
    contact: ContactId,
    wanted: Wanted,
    begun: Option<[u8; 16]>,
) -> Result<Attached, Failure> {
    let progress: Arc<Progress> = Arc::default();
    let seen = progress.clone();
    let claimed = begun.or(match &wanted {
        Wanted::File(id) => Some(*id),
        Wanted::Label(_) => None,
    });
    let (answer, (serial, over, changed)) = node
        .call(move |core| {
            let peer = core.peers.get(&contact).ok_or_else(failure::stopped)?;
            let answer = json!({
                "peer": super::peer_id(contact),
                "peer_name": peer.contact.name,
                "route": peer.route(),
            });
            Ok((answer, core.attach_landing(contact, claimed, seen)))
        })
        .await?;
    let run = move |stream: UnixStream| async move {
        let (frames, to) = wire::split(stream);
        let landing = Landing {
            node: node.clone(),
            contact,
            serial,
            wanted,
            begun,
            tried: Vec::new(),
            to,
            frames,
            question: 0,
            progress,
        };
        landing.run(over, changed).await;
        let gone = move |core: &mut Core| {
            core.pipes.landings.remove(&serial);
            core.pipes.wake();
            Ok(())
        };
        // An owner that has stopped remembers nothing of it.
        let _ = node.call(gone).await;
    };
    Ok(Attached::new(answer, run))
}

struct Landing {
    node: Arc<Node>,
    contact: ContactId,
    serial: u64,
    wanted: Wanted,
    /// What is being fetched, once its sender has answered.
    begun: Option<[u8; 16]>,
    /// Offers that cannot be had at present, until the next round.
    tried: Vec<[u8; 16]>,
    to: mpsc::Sender<Frame>,
    frames: Frames,
    question: u64,
    progress: Arc<Progress>,
}

/// An offer that is being tried.
struct Offer {
    lanes: Lanes,
    id: [u8; 16],
    key: Secret<32>,
    size: Option<u64>,
}

/// Why an attempt ended.
enum Stop {
    /// The link broke, or the sender cannot answer now.
    Later,
    /// The sender does not know of it.
    Unknown,
    /// It can never be had.
    Never(Failure),
    /// The command has left.
    Left,
}

impl From<LaneError> for Stop {
    fn from(error: LaneError) -> Self {
        match error {
            LaneError::Connection => Self::Later,
            LaneError::Protocol => Self::Never(broken(&error.to_string())),
        }
    }
}

impl Landing {
    async fn run(mut self, mut over: Over, mut changed: watch::Receiver<u64>) {
        let end = tokio::select! {
            end = self.fetch(&mut changed) => end,
            end = &mut over => match end {
                Ok(Err(failure)) => Some(Err(failure)),
                Ok(Ok(())) => Some(Ok(())),
                // This owner is leaving; the command finds the next one.
                Err(_) => return,
            },
        };
        self.progress.run(false);
        if let Some(end) = end {
            super::last_word(&self.node.net, self.contact).await;
            let _ = self.to.send(Frame::Over(end.err().map(Box::new))).await;
        }
    }

    /// Looks for an offer and fetches it; how it ended, or nothing if nobody wants to know.
    async fn fetch(&mut self, changed: &mut watch::Receiver<u64>) -> Option<Result<(), Failure>> {
        loop {
            changed.borrow_and_update();
            let (serial, wanted, begun) = (self.serial, self.wanted.clone(), self.begun);
            let tried = self.tried.clone();
            let found = move |core: &mut Core| Ok(core.find_offer(serial, &wanted, begun, &tried));
            let found = self.node.call(found).await.ok()?;
            let offer = match found {
                Found::Offer {
                    lanes,
                    id,
                    key,
                    size,
                } => Offer {
                    lanes,
                    id,
                    key,
                    size,
                },
                Found::Gone => return Some(Err(called_off(begun.is_some()))),
                Found::Nothing if self.tried.is_empty() => {
                    self.wait(changed, None).await?;
                    continue;
                }
                Found::Nothing => {
                    self.tried.clear();
                    self.wait(changed, Some(REST)).await?;
                    continue;
                }
                Found::NoLink => {
                    self.wait(changed, Some(LOOK)).await?;
                    continue;
                }
            };
            let ended = self.attempt(&offer).await;
            self.progress.run(false);
            match ended {
                Ok((root, size)) => {
                    let (contact, id) = (self.contact, offer.id);
                    let landed = move |core: &mut Core| core.landed(contact, id, root, size);
                    // What was called off this very moment is whole all the same.
                    let _ = self.node.call(landed).await;
                    return Some(Ok(()));
                }
                Err(Stop::Later) if self.begun.is_some() => {
                    self.wait(changed, Some(REST)).await?;
                }
                Err(Stop::Later) => self.tried.push(offer.id),
                Err(Stop::Unknown) => {
                    self.lose(&offer, None).await;
                    let begun = self.begun.is_some();
                    if begun || matches!(self.wanted, Wanted::File(_)) {
                        return Some(Err(called_off(begun)));
                    }
                }
                Err(Stop::Never(failure)) => {
                    self.lose(&offer, Some(FileOutcome::Failed)).await;
                    return Some(Err(failure));
                }
                Err(Stop::Left) => {
                    self.leave(&offer).await;
                    return Some(Ok(()));
                }
            }
        }
    }

    /// Waits for a change; nothing when the command has left.
    async fn wait(
        &mut self,
        changed: &mut watch::Receiver<u64>,
        most: Option<Duration>,
    ) -> Option<()> {
        let most = async {
            match most {
                Some(most) => sleep(most).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = changed.changed() => Some(()),
            () = most => Some(()),
            () = left(&mut self.frames) => {
                // Nothing is lost to anybody unless something had come.
                if let Some(id) = self.begun {
                    let contact = self.contact;
                    let lost = move |core: &mut Core| {
                        if core.find_transfer(id).is_some_and(|(_, found)| found.size.is_none()) {
                            core.lost(contact, id, Some(FileOutcome::Cancelled));
                        }
                        Ok(())
                    };
                    let _ = self.node.call(lost).await;
                    let _ = self.to.send(Frame::Over(None)).await;
                }
                None
            }
        }
    }

    async fn lose(&self, offer: &Offer, outcome: Option<FileOutcome>) {
        let (contact, id) = (self.contact, offer.id);
        let lost = move |core: &mut Core| {
            core.lost(contact, id, outcome);
            Ok(())
        };
        let _ = self.node.call(lost).await;
    }

    /// The command has left: what comes from a program cannot be had again.
    async fn leave(&self, offer: &Offer) {
        if self.begun.is_some() && offer.size.is_none() {
            self.lose(offer, Some(FileOutcome::Cancelled)).await;
        }
    }

    /// One attempt; hash and length of it all once the command has it.
    async fn attempt(&mut self, offer: &Offer) -> Result<([u8; 32], u64), Stop> {
        let (offset, hash) = self.ask().await?;
        let prefix = *prefix_proof(&offer.key, &offer.id, offset, &hash).expose();
        let request = Request {
            file: offer.id,
            offset,
            prefix,
        };
        let fetched = tokio::select! {
            fetched = offer.lanes.fetch(request, None) => fetched?,
            () = left(&mut self.frames) => return Err(Stop::Left),
        };
        let (salt, records, acks) = match fetched {
            Fetched::Data {
                salt,
                records,
                acks,
            } => (salt, records, acks),
            Fetched::Refused(Status::Unknown) => return Err(Stop::Unknown),
            Fetched::Refused(Status::Differs) => return Err(Stop::Never(beginning_gone())),
            Fetched::Refused(Status::Changed) => {
                let failure = Failure::new(
                    Kind::Rejected,
                    "the sender's file changed after it was offered",
                );
                return Err(Stop::Never(failure.code("source_changed")));
            }
            Fetched::Refused(_) => return Err(Stop::Later),
        };
        if self.begun.is_none() {
            let (serial, id) = (self.serial, offer.id);
            let bind = move |core: &mut Core| Ok(core.bind_landing(serial, id));
            if !matches!(self.node.call(bind).await, Ok(true)) {
                return Err(Stop::Later);
            }
            self.begun = Some(id);
            self.say(Frame::Begun(id)).await?;
        }
        self.progress.note(offset);
        self.progress.run(true);
        let opener = Opener::new(attempt_key(&offer.key, &offer.id, &salt, offset));
        let given = give(records, opener, offset, offer.size, &self.to);
        let taken = take(&mut self.frames, acks, &self.progress);
        let (end, ()) = tokio::try_join!(given, taken)?;
        Ok(end)
    }

    /// Asks the command how far it is.
    async fn ask(&mut self) -> Result<(u64, [u8; 32]), Stop> {
        self.question += 1;
        let question = self.question;
        self.say(Frame::Where { serial: question }).await?;
        loop {
            match self.frames.next().await {
                Ok(Some(Frame::At {
                    serial,
                    offset,
                    hash,
                })) if serial == question => return Ok((offset, hash)),
                Ok(Some(Frame::Abort(_)) | None) | Err(_) => return Err(Stop::Left),
                Ok(Some(_)) => {}
            }
        }
    }

    async fn say(&self, frame: Frame) -> Result<(), Stop> {
        self.to.send(frame).await.map_err(|_| Stop::Left)
    }
}

/// The sender has stopped, before or after something of it was handed over.
fn called_off(begun: bool) -> Failure {
    let words = match begun {
        true => "the sender stopped before its end: what came is not whole",
        false => "the sender called it off",
    };
    Failure::new(Kind::Rejected, words).code("cancelled")
}

fn beginning_gone() -> Failure {
    Failure::new(
        Kind::Rejected,
        "the beginning of it is gone: an earlier listener took it, and the sender keeps no more than was not taken",
    )
    .code("beginning_gone")
    .hint("have it sent again")
}

/// Resolves when the command leaves; what else it says now has no use.
pub(super) async fn left(frames: &mut Frames) {
    loop {
        match frames.next().await {
            Ok(Some(Frame::Abort(_)) | None) | Err(_) => return,
            Ok(Some(_)) => {}
        }
    }
}

/// Opens records and hands them to the command, up to the end.
async fn give(
    mut records: Records,
    mut opener: Opener,
    mut offset: u64,
    size: Option<u64>,
    to: &mpsc::Sender<Frame>,
) -> Result<([u8; 32], u64), Stop> {
    loop {
        let (mut sealed, last) = records.next().await?;
        opener
            .open(&mut sealed, last)
            .map_err(|_| Stop::Never(broken("a part of it is not authentic")))?;
        if !last {
            offset += sealed.len() as u64;
            if size.is_some_and(|size| offset > size) {
                return Err(Stop::Never(broken("it is longer than was announced")));
            }
            to.send(Frame::Data(sealed)).await.map_err(|_| Stop::Left)?;
            continue;
        }
        let parts = sealed.split_first_chunk::<8>();
        let Some((total, root)) = parts.filter(|_| sealed.len() == TRAILER_LEN) else {
            return Err(Stop::Never(broken("its end is malformed")));
        };
        let total = u64::from_be_bytes(*total);
        let root: [u8; 32] = root.try_into().unwrap_or_default();
        if total != offset || size.is_some_and(|size| total != size) {
            return Err(Stop::Never(broken("its end tells another length")));
        }
        to.send(Frame::End { total, root })
            .await
            .map_err(|_| Stop::Left)?;
        records.drain(padme(total) - total).await;
        return Ok((root, total));
    }
}

/// Passes on what the command has written, until it has all of it.
async fn take(
    frames: &mut Frames,
    mut acks: Acknowledger,
    progress: &Progress,
) -> Result<(), Stop> {
    loop {
        match frames.next().await {
            Ok(Some(Frame::Ack(offset))) => {
                progress.note(offset);
                // A lane that has ended says so where its records are read.
                let _ = acks.acknowledge(offset).await;
            }
            Ok(Some(Frame::Done)) => return Ok(()),
            Ok(Some(Frame::Differs)) => {
                return Err(Stop::Never(broken("the two sides hold different bytes")));
            }
            Ok(Some(Frame::Abort(_)) | None) | Err(_) => return Err(Stop::Left),
            Ok(Some(_)) => {}
        }
    }
}

//! Commands that read or write what is on its way: nothing of it touches a disk here.
//!
//! A command that sends keeps what the peer has not acknowledged, one that receives knows
//! what it has written; each has a connection of its own ([`wire`]) and a task at this end.
//! The core knows which command belongs to which transfer and tells it when that is over.
//!
//! ```text
//!   stdin ─ command ═wire═ feed ── serve ═lane═ landing ═wire═ command ─ stdout
//!                            ╲                    ╱
//!                             core: who, whose, over
//! ```
//! Spec: docs/protocol/6-files.md §8.
//!
//! [`wire`]: crate::agent::wire

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use solo2_crypto::content::{FileOutcome, Shape};
use solo2_crypto::secret::Secret;
use solo2_store::{ContactId, DeliveryState};
use tokio::sync::{oneshot, watch};

use super::core::Core;
use super::courier::Order;
use super::event::{Event, file_id, parse_message_id, peer_id};
use super::messages::{Body, Draft};
use super::route::Routes;
use super::time::now_ms;
use super::transfer::{Side, Transfer};
use super::transfers::unknown_file;
use super::{NetContext, Node, failure};
use crate::agent::rpc::Attached;
use crate::agent::wire::Reason;
use crate::error::{Failure, Kind};
use crate::files::name::safe_name;
use crate::net::bulk::Lanes;

mod feed;
mod kept;
mod landing;

pub(super) use self::feed::{Feed, Part};

/// How long a command whose owner died may take to find the new one.
const BACK_WITHIN: Duration = Duration::from_secs(60);
/// How long the last word to a peer may take before a command is let go.
const LAST_WORD: Duration = Duration::from_secs(2);

/// Pipes from one contact that are listened to at a time; the others wait.
pub(super) const PIPES_MAX: usize = 8;
/// Where a file went that went to a stdout.
const STDOUT: &str = "-";

/// How a pipe ended, and who wants to know.
type Farewell = oneshot::Sender<Result<(), Failure>>;

/// The commands at the ends of transfers.
#[derive(Default)]
pub(crate) struct Pipes {
    /// Commands that send, by file.
    feeds: HashMap<[u8; 16], Sending>,
    /// Commands that receive, by serial.
    landings: HashMap<u64, Receiving>,
    /// Changes whenever a command that waits should look again.
    changed: watch::Sender<u64>,
}

struct Sending {
    serial: u64,
    feed: Feed,
    farewell: Farewell,
}

struct Receiving {
    contact: ContactId,
    /// What it tries, or is in the middle of: nobody else may have it.
    claimed: Option<[u8; 16]>,
    /// Whether the end of that is its end. What has not begun may be called off, and it waits
    /// for another.
    bound: bool,
    progress: Arc<Progress>,
    farewell: Option<Farewell>,
}

/// How far a command came, for `file list`.
#[derive(Default)]
pub(crate) struct Progress {
    written: Arc<AtomicU64>,
    running: AtomicBool,
}

impl Progress {
    fn note(&self, written: u64) {
        self.written.store(written, Ordering::Relaxed);
    }

    fn run(&self, running: bool) {
        self.running.store(running, Ordering::Relaxed);
    }
}

impl Pipes {
    /// The command that reads a file of ours, if it is there.
    pub(super) fn feed(&self, id: [u8; 16]) -> Option<Feed> {
        self.feeds.get(&id).map(|sending| sending.feed.clone())
    }

    /// Has commands that wait look again: an offer came, a link is up.
    pub(super) fn wake(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Bytes at the receiver's stdout, while they move.
    pub(super) fn written(&self, id: [u8; 16]) -> Option<&Arc<AtomicU64>> {
        let landing = self
            .landings
            .values()
            .find(|receiving| receiving.claimed == Some(id));
        let progress = match self.feeds.get(&id) {
            Some(sending) => sending.feed.progress(),
            None => &landing?.progress,
        };
        let running = progress.running.load(Ordering::Relaxed);
        running.then_some(&progress.written)
    }

    /// What tells the command of a file how it ended; nothing when none is there.
    pub(super) fn farewell(
        &mut self,
        id: [u8; 16],
    ) -> Option<impl FnOnce(Result<(), Failure>) + Send + use<>> {
        let sending = self.feeds.remove(&id);
        let receiving = self
            .landings
            .values_mut()
            .find(|receiving| receiving.bound && receiving.claimed == Some(id));
        // Its questions end behind the word, or the command would think that its owner left.
        let (farewell, feed) = match sending {
            Some(sending) => (sending.farewell, Some(sending.feed)),
            None => (receiving?.farewell.take()?, None),
        };
        Some(move |end| {
            // A command that has left needs no word.
            let _ = farewell.send(end);
            drop(feed);
        })
    }
}

/// What to send, as `pipe.send` names it.
#[derive(Deserialize)]
struct Offering {
    peer: String,
    name: String,
    /// Chosen by the command, so that asking twice offers once.
    id: String,
    /// Whether it arrives as a file.
    #[serde(default)]
    file: bool,
    reply_to: Option<String>,
    expire_s: Option<u64>,
    #[serde(flatten)]
    routes: Routes,
}

/// What to receive, as `pipe.listen` names it.
#[derive(Deserialize)]
struct Listen {
    peer: String,
    label: String,
    /// What this command was in the middle of.
    id: Option<String>,
}

/// What to receive, as `file.stream` names it.
#[derive(Deserialize)]
struct Stream {
    id: String,
    /// Whether this command was in the middle of it.
    #[serde(default)]
    begun: bool,
}

fn file_of(text: &str) -> Result<[u8; 16], Failure> {
    parse_message_id(text)
        .ok_or_else(|| Failure::usage(format!("not an id: {text}")).code("invalid_params"))
}

/// Finds or makes what a command wants to send or receive, and what runs its connection.
pub(super) async fn attach(
    node: Arc<Node>,
    method: &str,
    params: Value,
) -> Result<Attached, Failure> {
    match method {
        "pipe.send" => {
            let ask: Offering = super::service::read(params)?;
            let id = file_of(&ask.id)?;
            let (answer, met) = node.call(move |core| core.attach_feed(id, &ask)).await?;
            let net = node.net.clone();
            let run = move |stream| feed::run(net, met, stream);
            Ok(Attached::new(answer, run))
        }
        "pipe.listen" => {
            let ask: Listen = super::service::read(params)?;
            let begun = ask.id.as_deref().map(file_of).transpose()?;
            let wanted = landing::Wanted::Label(safe_name(&ask.label));
            let peer = ask.peer;
            let contact = node.call(move |core| core.sendable(&peer)).await?;
            landing::attach(node, contact, wanted, begun).await
        }
        "file.stream" => {
            let ask: Stream = super::service::read(params)?;
            kept::stream(node, file_of(&ask.id)?, ask.begun).await
        }
        _ => Err(Failure::usage(format!("no method is called {method}")).code("unknown_method")),
    }
}

/// Waits until the peer has what was said to it last, or for so long that it will be told later.
async fn last_word(net: &NetContext, contact: ContactId) {
    let said = async {
        loop {
            let waits = move |core: &mut Core| {
                let peer = core.peers.get(&contact);
                Ok(peer.is_some_and(|peer| peer.is_up() && !peer.outbox.is_empty()))
            };
            if !matches!(net.call(waits).await, Ok(true)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let _ = tokio::time::timeout(LAST_WORD, said).await;
}

/// What a command that listens finds.
enum Found {
    /// Nothing yet.
    Nothing,
    /// Something, and no link to fetch it on.
    NoLink,
    /// This may be asked for.
    Offer {
        lanes: Lanes,
        id: [u8; 16],
        key: Secret<32>,
        size: Option<u64>,
    },
    /// What it was in the middle of is not offered any more.
    Gone,
}

impl Core {
    /// Offers what a command is about to read, unless it did before, and ties it to the command.
    fn attach_feed(&mut self, id: [u8; 16], ask: &Offering) -> Result<(Value, feed::Met), Failure> {
        let contact = self.find(&ask.peer)?;
        let answer = json!({
            "id": file_id(id),
            "peer": peer_id(contact),
            "name": self.peers.get(&contact).map(|peer| peer.contact.name.clone()),
            "route": self.route_of(contact),
        });
        let live = self
            .find_transfer(id)
            .map(|(owner, transfer)| owner == contact && matches!(transfer.side, Side::Live));
        match live {
            Some(true) => {}
            Some(false) => return Err(Failure::usage("the id of another file")),
            None if self.is_known(contact, id) => {
                // Its end was told to nobody: the owner died in between.
                let end = match self.state_of(contact, id)? {
                    "delivered" | "read" => Ok(()),
                    _ => Err(Failure::new(Kind::Rejected, "it was called off").code("cancelled")),
                };
                return Ok((answer, feed::Met::Over(end)));
            }
            None => self.offer_live(contact, id, ask)?,
        }
        let serial = self.new_ticket();
        let (farewell, over) = oneshot::channel();
        let (feed, ends) = feed::channel();
        let sending = Sending {
            serial,
            feed,
            farewell,
        };
        self.pipes.feeds.insert(id, sending);
        let tie = feed::Tie {
            contact,
            id,
            serial,
            ends,
            over,
        };
        Ok((answer, feed::Met::Offer(tie)))
    }

    fn offer_live(
        &mut self,
        contact: ContactId,
        id: [u8; 16],
        ask: &Offering,
    ) -> Result<(), Failure> {
        self.sendable(&ask.peer)?;
        let demand = ask.routes.demand()?;
        self.check_route(contact, demand)?;
        self.may_offer(contact, 1)?;
        if ask.name.is_empty() || ask.name.len() > 255 {
            return Err(Failure::usage("a name has 1 to 255 bytes"));
        }
        let reply_to = match &ask.reply_to {
            None => None,
            Some(text) => {
                let id = parse_message_id(text).ok_or_else(|| failure::unknown_message(text))?;
                self.locate(id, text)?;
                Some(id)
            }
        };
        let draft = Draft {
            peers: Vec::new(),
            bodies: Vec::new(),
            reply_to: None,
            expires_in_s: ask.expire_s,
            ttl_s: None,
            client_id: None,
            demand,
        };
        let shape = if ask.file { Shape::File } else { Shape::Pipe };
        let body = Body::Live(ask.name.clone(), shape);
        self.write_message(contact, id, &draft, &body, reply_to, now_ms());
        Ok(())
    }

    /// A command that sent has left, and nobody else has what it read.
    fn end_feed(&mut self, contact: ContactId, id: [u8; 16], serial: u64, reason: Reason) {
        let mine = self
            .pipes
            .feeds
            .get(&id)
            .is_some_and(|sending| sending.serial == serial);
        if mine {
            self.end_live(contact, id, reason);
        }
    }

    fn end_live(&mut self, contact: ContactId, id: [u8; 16], reason: Reason) {
        let Some(Transfer { name, .. }) = self.forget_transfer(contact, id) else {
            return;
        };
        let (outcome, code, words) = match reason {
            Reason::Left => (FileOutcome::Cancelled, "cancelled", "its command ended"),
            Reason::Failed => (
                FileOutcome::Failed,
                "source_failed",
                "its command could not read on",
            ),
        };
        self.send_file_end(contact, id, outcome);
        let problem = Failure::new(Kind::Rejected, words).code(code);
        self.after_commit_over(id, Err(problem.clone()));
        self.emit(Event::file_failed(contact, id, &name, &problem, false));
        self.set_state(contact, id, DeliveryState::Failed, now_ms());
    }

    /// What commands of an earlier owner were reading is called off if they do not come back.
    pub(super) fn await_feeds(&self) {
        let net = self.net.clone();
        let live = |transfer: &Transfer| matches!(transfer.side, Side::Live);
        if !self
            .peers
            .values()
            .any(|peer| peer.state.transfers.iter().any(live))
        {
            return;
        }
        tokio::spawn(async move {
            tokio::time::sleep(BACK_WITHIN).await;
            let late = move |core: &mut Self| {
                let late: Vec<_> = core
                    .peers
                    .iter()
                    .flat_map(|(contact, peer)| {
                        let transfers = peer.state.transfers.iter();
                        transfers.map(|transfer| (*contact, transfer))
                    })
                    .filter(|(_, transfer)| live(transfer))
                    .map(|(contact, transfer)| (contact, transfer.id))
                    .filter(|(_, id)| !core.pipes.feeds.contains_key(id))
                    .collect();
                for (contact, id) in late {
                    core.end_live(contact, id, Reason::Left);
                }
                Ok(())
            };
            // An owner that has stopped has nothing to call off.
            let _ = net.call(late).await;
        });
    }

    /// What a command that listens may ask for: the oldest that it has not tried.
    fn find_offer(
        &mut self,
        serial: u64,
        wanted: &landing::Wanted,
        begun: Option<[u8; 16]>,
        tried: &[[u8; 16]],
    ) -> Found {
        let Some(contact) = self.pipes.landings.get(&serial).map(|own| own.contact) else {
            return Found::Gone;
        };
        let taken: Vec<[u8; 16]> = self
            .pipes
            .landings
            .iter()
            .filter(|(other, _)| **other != serial)
            .filter_map(|(_, receiving)| receiving.claimed)
            .collect();
        let running = |own: &&Receiving| {
            own.contact == contact && own.progress.running.load(Ordering::Relaxed)
        };
        let others = self.pipes.landings.values().filter(running).count();
        let Some(peer) = self.peers.get(&contact) else {
            return Found::Gone;
        };
        let fits = |transfer: &&Transfer| {
            matches!(transfer.side, Side::Offered)
                && !taken.contains(&transfer.id)
                && match (begun, wanted) {
                    (Some(id), _) => transfer.id == id,
                    (None, landing::Wanted::File(id)) => transfer.id == *id,
                    (None, landing::Wanted::Label(label)) => {
                        transfer.shape == Shape::Pipe && transfer.name == *label
                    }
                }
        };
        let mut offers = peer.state.transfers.iter().filter(fits).peekable();
        if offers.peek().is_none() {
            let named = begun.is_some() || matches!(wanted, landing::Wanted::File(_));
            return if named { Found::Gone } else { Found::Nothing };
        }
        let Some(link) = peer.link.as_ref().filter(|_| peer.is_up()) else {
            if peer.link.is_none() {
                let _ = peer.courier.send(Order::Dial);
            }
            return Found::NoLink;
        };
        let untried = offers.find(|transfer| !tried.contains(&transfer.id));
        let untried = untried.filter(|_| others < PIPES_MAX);
        let Some(transfer) = untried else {
            return Found::Nothing;
        };
        let found = Found::Offer {
            lanes: link.lanes.clone(),
            id: transfer.id,
            key: transfer.key.duplicate(),
            size: transfer.size,
        };
        let id = transfer.id;
        if let Some(own) = self.pipes.landings.get_mut(&serial) {
            own.claimed = Some(id);
        }
        found
    }

    /// A command is about to listen: its serial, and how it hears that what it has is over.
    fn attach_landing(
        &mut self,
        contact: ContactId,
        claimed: Option<[u8; 16]>,
        progress: Arc<Progress>,
    ) -> (u64, landing::Over, watch::Receiver<u64>) {
        let serial = self.new_ticket();
        let (farewell, over) = oneshot::channel();
        let receiving = Receiving {
            contact,
            claimed,
            bound: claimed.is_some(),
            progress,
            farewell: Some(farewell),
        };
        self.pipes.landings.insert(serial, receiving);
        (serial, over, self.pipes.changed.subscribe())
    }

    /// The sender has answered a command: from here on they end together. Not if it was called
    /// off meanwhile.
    fn bind_landing(&mut self, serial: u64, id: [u8; 16]) -> bool {
        let there = self.find_transfer(id).is_some();
        if let Some(own) = self.pipes.landings.get_mut(&serial).filter(|_| there) {
            own.bound = true;
        }
        there
    }

    /// All of it is at the stdout of a command, verified.
    fn landed(
        &mut self,
        contact: ContactId,
        id: [u8; 16],
        root: [u8; 32],
        size: u64,
    ) -> Result<(), Failure> {
        let (_, transfer) = self.find_transfer(id).ok_or_else(|| unknown_file(id))?;
        if transfer.shape != Shape::Pipe {
            let path = Some(PathBuf::from(STDOUT));
            self.file_done(contact, id, root, size, path);
        } else if let Some(transfer) = self.take_transfer(contact, id) {
            self.confirm(contact, &transfer, now_ms());
        }
        Ok(())
    }

    /// It cannot be had any more by anybody: forgotten here, and its sender told why.
    fn lost(&mut self, contact: ContactId, id: [u8; 16], outcome: Option<FileOutcome>) {
        if self.forget_transfer(contact, id).is_none() {
            return;
        }
        if let Some(outcome) = outcome {
            self.send_file_end(contact, id, outcome);
        }
    }
}

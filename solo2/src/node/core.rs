//! The hinge: one owner of vault and sessions, one commit for everything at hand.
//!
//! The core runs on a thread of its own and takes what verbs and links bring in the
//! order in which it comes. Each round handles all that waits, commits once, and only
//! then lets effects out: frames to the wire, answers to callers, events to watchers.
//! That order is invariant 6, disk before wire.
//!
//! ```text
//!   calls ─┐                                       ┌─► frames ─► links
//!          ├─► handle … handle ─► one commit ─ok──►├─► answers
//!  frames ─┘        │               │              └─► events
//!                   └─ operations ──┘ failed ─► nothing leaves, and nothing is taken any more
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use solo2_crypto::content::MessageId;
use solo2_crypto::identity::{DeviceCertificate, DeviceKeys};
use solo2_crypto::secret::Secret;
use solo2_store::{
    Amendment, Contact, ContactId, IndexStep, Message, OutboxItem, Tx, TxError, Vault,
};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;

use super::courier::{self, Order};
use super::event::Event;
use super::failure;
use super::forget::Retention;
use super::peer::{LiveLink, Peer, PeerKeys, PeerState, Queued};
use super::pipe::Pipes;
use super::route;
use super::time::now_ms;
use super::transfers::{Collector, Pulls};
use super::{NetContext, NodeSettings};
use crate::error::Failure;
use crate::net::RoutePolicy;
use crate::net::bulk::Lanes;
use crate::net::direct::PathState;
use crate::net::frame::Frame;
use crate::net::link::{LinkError, LinkInfo};

/// Most inputs handled before a commit.
const ROUND_MAX: usize = 64;
/// How long after the last change destroyed keys are overwritten on disk, and how long after the
/// first one whatever goes on.
const SETTLE_AFTER: Duration = Duration::from_millis(50);
const SETTLE_LATEST: Duration = Duration::from_secs(1);
/// How long the search index is left alone after the first change, and after each step for it.
const TIDY_AFTER: Duration = Duration::from_millis(500);
const TIDY_AGAIN: Duration = Duration::from_millis(125);
/// Messages that a search may have to read one by one before they are indexed, and most that are
/// indexed in one step: it holds everything else up for some 30 milliseconds.
const INDEX_LEAST: usize = 128;
const INDEX_MOST: usize = 256;
/// How often what waited too long is looked for; messages that disappear have their own time.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// What reaches the core.
pub(crate) enum Input {
    Call(Box<dyn FnOnce(&mut Core) + Send>),
    LinkReady(Box<ReadyLink>),
    Frames {
        contact: ContactId,
        serial: u64,
        frames: Vec<Frame>,
    },
    LinkDown {
        contact: ContactId,
        serial: u64,
        reason: LinkError,
    },
    /// The path of a link went from straight to relayed, or back.
    Rerouted {
        contact: ContactId,
        serial: u64,
    },
    Stop(tokio::sync::oneshot::Sender<()>),
}

/// A link whose handshake is done.
pub(crate) struct ReadyLink {
    pub(crate) contact: ContactId,
    pub(crate) serial: u64,
    /// What it was made under.
    pub(crate) policy: RoutePolicy,
    pub(crate) transport: &'static str,
    pub(crate) frames: mpsc::UnboundedSender<Frame>,
    pub(crate) info: watch::Receiver<LinkInfo>,
    pub(crate) path: watch::Receiver<PathState>,
    pub(crate) lanes: Lanes,
    pub(crate) initiator: bool,
    pub(crate) psk: Secret<32>,
    pub(crate) generation: Option<u32>,
    pub(crate) hash: [u8; 32],
}

/// One change to the vault, collected until the round's commit.
pub(crate) enum Operation {
    PutContact(ContactId),
    RemoveContact(ContactId),
    /// The secret by which a pair meets: fixed at pairing, so it outlives sessions.
    PutPairSecret(ContactId),
    Append {
        contact: ContactId,
        message: Box<Message>,
    },
    Amend {
        contact: ContactId,
        message: Place,
        amendment: Amendment,
    },
    PushOutbox {
        contact: ContactId,
        ticket: u64,
        item: OutboxItem,
    },
    UpdateOutbox {
        contact: ContactId,
        position: u64,
        item: OutboxItem,
    },
    RemoveOutbox {
        contact: ContactId,
        position: u64,
    },
    PutSetting {
        key: String,
        value: Vec<u8>,
    },
    InboxCursor(u64),
    /// The messages of a conversation before this number, places and all.
    Forget {
        contact: ContactId,
        before: u64,
    },
}

/// Where a message of a conversation is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// In the vault, at this position.
    At(u64),
    /// Appended in this round, under this id.
    Fresh([u8; 16]),
}

/// One thing to let out once the round is on disk.
enum Effect {
    Frame {
        contact: ContactId,
        serial: u64,
        frame: Frame,
    },
    Event(Event),
    Then(Box<dyn FnOnce(Result<(), Failure>) + Send>),
}

/// This person on this device.
pub(crate) struct Me {
    pub(crate) name: String,
    /// `p_…`, grown from the account key.
    pub(crate) id: String,
    pub(crate) device: Arc<DeviceKeys>,
    pub(crate) certificate: Arc<DeviceCertificate>,
}

/// The owner of everything that changes together.
pub(crate) struct Core {
    pub(crate) vault: Vault,
    pub(crate) rng: StdRng,
    pub(crate) me: Me,
    pub(crate) settings: NodeSettings,
    pub(crate) peers: BTreeMap<ContactId, Peer>,
    /// Messages of this round that the vault does not know yet, and whether they came in.
    pub(crate) fresh: HashMap<(ContactId, [u8; 16]), bool>,
    /// Ids of edits, deletions and reactions whose receipt is awaited.
    pub(crate) acts: HashSet<[u8; 16]>,
    /// Ids under which read receipts of ours are on their way.
    pub(crate) told: HashSet<[u8; 16]>,
    /// Files that are being fetched, and why others are not.
    pub(crate) pulls: Pulls,
    /// Commands that read or write what is on its way.
    pub(crate) pipes: Pipes,
    /// Where accepted files go, while somebody collects them.
    pub(crate) collectors: Vec<Collector>,
    /// Where the vault keeps files.
    pub(crate) files_dir: PathBuf,
    /// Messages that are to disappear, soonest first.
    expiring: BTreeSet<(u64, ContactId, [u8; 16])>,
    /// Conversations that keep messages for a while only.
    pub(crate) retention: Retention,
    /// Why nothing can be written any more.
    failed: Option<Failure>,
    /// What this round stored and still has to confirm.
    pub(crate) receipts: BTreeMap<ContactId, Vec<MessageId>>,
    pub(crate) net: Arc<NetContext>,
    events: broadcast::Sender<Event>,
    operations: Vec<Operation>,
    /// Peers whose secret record changed in this round.
    dirty: BTreeSet<ContactId>,
    /// The one route that the acts of the present verb may take.
    pub(super) demand: Option<RoutePolicy>,
    /// Peers whose links may have to go another way.
    pub(super) reconsidered: BTreeSet<ContactId>,
    effects: Vec<Effect>,
    next_ticket: u64,
    /// When destroyed keys are overwritten next, and when at the latest, if there may be some.
    settle_at: Option<(Instant, Instant)>,
    /// When the search index is looked after next, if there may be something to do.
    tidy_at: Option<Instant>,
}

impl Core {
    /// Reads every contact and conversation into memory and starts their couriers.
    pub(crate) fn load(
        vault: Vault,
        files_dir: PathBuf,
        rng: StdRng,
        me: Me,
        settings: NodeSettings,
        net: Arc<NetContext>,
        events: broadcast::Sender<Event>,
    ) -> Result<Self, Failure> {
        let mut core = Self {
            vault,
            rng,
            me,
            settings,
            peers: BTreeMap::new(),
            fresh: HashMap::new(),
            acts: HashSet::new(),
            told: HashSet::new(),
            pulls: Pulls::default(),
            pipes: Pipes::default(),
            collectors: Vec::new(),
            files_dir,
            expiring: BTreeSet::new(),
            retention: Retention::default(),
            failed: None,
            receipts: BTreeMap::new(),
            net,
            events,
            operations: Vec::new(),
            dirty: BTreeSet::new(),
            demand: None,
            reconsidered: BTreeSet::new(),
            effects: Vec::new(),
            next_ticket: 0,
            settle_at: None,
            tidy_at: Some(Instant::now()),
        };
        core.read_peers()?;
        core.await_feeds();
        Ok(core)
    }

    fn read_peers(&mut self) -> Result<(), Failure> {
        let contacts: Vec<Contact> = self.vault.contacts().cloned().collect();
        for contact in contacts {
            let id = contact.id;
            let pair_secret = self
                .vault
                .setting(&pair_key(id))
                .map_err(|error| failure::read(&error))?
                .and_then(|bytes| Secret::from_slice(&bytes));
            let session = self
                .vault
                .session(id)
                .map_err(|error| failure::read(&error))?;
            let state = match (pair_secret, session) {
                (Some(pair_secret), Some(bytes)) => PeerState::from_bytes(pair_secret, &bytes)
                    .ok_or_else(|| failure::read(&"a conversation's keys are damaged"))?,
                // Dropped when an older vault was accepted: the next link agrees anew.
                (Some(pair_secret), None) => PeerState::forgotten(pair_secret),
                (None, Some(_)) => {
                    return Err(failure::read(&"a contact's pair secret is missing"));
                }
                // Out of an archive: history, and nothing to meet by.
                (None, None) => PeerState::unpaired(),
            };
            let certificate = DeviceCertificate::from_bytes(&contact.certificate)
                .map_err(|_| failure::read(&"a contact's certificate is damaged"))?;
            let mut outbox = VecDeque::new();
            let positions = self
                .vault
                .outbox_positions(id)
                .map_err(|error| failure::read(&error))?;
            for position in positions {
                // One at a time: their envelopes stay on disk.
                let item = self
                    .vault
                    .outbox_item(id, position)
                    .map_err(|error| failure::read(&error))?
                    .ok_or_else(|| failure::read(&"a queued message is missing"))?;
                outbox.push_back(Queued {
                    ticket: self.new_ticket(),
                    position: Some(position),
                    message: item.message,
                    first_seq: item.first_seq,
                    count: item.envelopes.len() as u64,
                    queued_at: item.queued_at_ms,
                    give_up_at: item.give_up_at_ms,
                    demand: item.route.and_then(route::from_code),
                });
            }
            let peer = self.start_peer(contact, certificate, state, outbox);
            self.peers.insert(id, peer);
            self.reconsider(id);
            self.look_at_retention(id);
        }
        let expiring = self
            .vault
            .setting(EXPIRING)
            .map_err(|error| failure::read(&error))?;
        self.expiring = expiring
            .map(|bytes| read_expiring(&bytes))
            .unwrap_or_default();
        Ok(())
    }

    /// A peer in memory with its courier at work.
    pub(crate) fn start_peer(
        &mut self,
        contact: Contact,
        certificate: DeviceCertificate,
        state: PeerState,
        outbox: VecDeque<Queued>,
    ) -> Peer {
        let wish = self.settings.route.wish(&contact, &outbox, &state);
        let chosen = self.settings.route.alone(&contact);
        let keys = Arc::new(PeerKeys::new(contact.id, certificate, &state));
        let open = state.paired && !contact.blocked && contact.changed_to.is_none();
        let courier = courier::start(self.net.clone(), keys.clone(), wish, open);
        Peer {
            contact,
            state,
            keys,
            link: None,
            outbox,
            wish,
            chosen,
            courier,
        }
    }

    pub(crate) fn new_ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    /// Takes inputs until told to stop.
    pub(crate) async fn run(mut self, mut inputs: mpsc::Receiver<Input>) {
        // Nobody sees what should have gone while the vault was closed.
        while self.sweep_due() {
            self.sweep();
            self.commit();
        }
        let mut swept = Instant::now();
        loop {
            let sweep_at = self.sweep_at(swept);
            let quiet = async {
                match (self.settle_at, self.tidy_at) {
                    (Some((at, latest)), _) => tokio::time::sleep_until(at.min(latest)).await,
                    (None, Some(tidy_at)) => tokio::time::sleep_until(tidy_at).await,
                    (None, None) => std::future::pending().await,
                }
            };
            let first = tokio::select! {
                input = inputs.recv() => input,
                () = quiet => {
                    if self.settle_at.take().is_none() {
                        self.tidy(INDEX_LEAST);
                        continue;
                    }
                    if let Err(error) = self.vault.settle() {
                        tracing::warn!("cannot overwrite destroyed keys: {error}");
                    }
                    continue;
                }
                () = tokio::time::sleep_until(sweep_at) => {
                    self.sweep();
                    self.commit();
                    swept = Instant::now();
                    continue;
                }
            };
            let Some(mut input) = first else { break };
            for handled in 1.. {
                if let Input::Stop(done) = input {
                    self.commit();
                    self.stop();
                    // The vault is closed and its lock free before the caller hears of it.
                    drop(self);
                    let _ = done.send(());
                    return;
                }
                self.handle(input);
                if handled >= ROUND_MAX {
                    break;
                }
                match inputs.try_recv() {
                    Ok(next) => input = next,
                    Err(_) => break,
                }
            }
            self.commit();
        }
        self.stop();
    }

    fn handle(&mut self, input: Input) {
        match input {
            Input::Call(call) => call(self),
            Input::LinkReady(ready) => self.on_link_ready(*ready),
            Input::Frames {
                contact,
                serial,
                frames,
            } => {
                for frame in frames {
                    self.on_frame(contact, serial, frame);
                }
            }
            Input::LinkDown {
                contact,
                serial,
                reason,
            } => self.on_link_down(contact, serial, reason),
            Input::Rerouted { contact, serial } => self.on_rerouted(contact, serial),
            Input::Stop(_) => {}
        }
    }

    /// Does one thing for the search index, if there is one to do.
    fn tidy(&mut self, least: usize) {
        match self.vault.index_step(least, INDEX_MOST) {
            Ok(IndexStep::Idle) => {
                self.tidy_at = None;
                if let Err(error) = self.vault.shorten_journal() {
                    tracing::warn!("cannot shorten the journal: {error}");
                }
            }
            Ok(_) => {
                self.changed();
                self.tidy_at = Some(Instant::now() + TIDY_AGAIN);
            }
            Err(error) => {
                self.tidy_at = None;
                tracing::warn!("cannot keep the search index: {error}");
            }
        }
    }

    /// Has the keys that a commit destroyed overwritten soon. What only reads puts nothing off.
    pub(super) fn changed(&mut self) {
        let now = Instant::now();
        let latest = self
            .settle_at
            .map_or(now + SETTLE_LATEST, |(_, latest)| latest);
        self.settle_at = Some((now + SETTLE_AFTER, latest));
    }

    fn stop(&mut self) {
        // Commands without an agent leave little to be read by the next search.
        self.tidy(INDEX_MOST);
        for (_, peer) in std::mem::take(&mut self.peers) {
            let _ = peer.courier.send(Order::Stop);
        }
        if let Err(error) = self.vault.settle() {
            tracing::warn!("cannot overwrite destroyed keys: {error}");
        }
    }

    pub(crate) fn push(&mut self, operation: Operation) {
        if let Operation::Append { contact, .. } = &operation {
            self.note_retention(*contact);
        }
        self.operations.push(operation);
    }

    /// Marks a peer's secret record for the round's commit.
    pub(crate) fn touch(&mut self, contact: ContactId) {
        self.dirty.insert(contact);
    }

    /// Sends a frame on the peer's present link, once the round is on disk.
    pub(crate) fn send_frame(&mut self, contact: ContactId, frame: Frame) {
        if let Some(LiveLink { serial, .. }) =
            self.peers.get(&contact).and_then(|peer| peer.link.as_ref())
        {
            self.effects.push(Effect::Frame {
                contact,
                serial: *serial,
                frame,
            });
        }
    }

    /// Tells watchers, once the round is on disk.
    pub(crate) fn emit(&mut self, event: Event) {
        self.effects.push(Effect::Event(event));
    }

    /// Runs `then` with the fate of the round's commit.
    pub(crate) fn after_commit(&mut self, then: impl FnOnce(Result<(), Failure>) + Send + 'static) {
        self.effects.push(Effect::Then(Box::new(then)));
    }

    /// Puts the round on disk, then lets its effects out.
    ///
    /// Only between two inputs, or before an input has changed anything: half a change is
    /// never on disk, and what is acknowledged is there with all that it led to.
    pub(crate) fn commit(&mut self) {
        self.follow_wishes();
        self.flush_receipts(now_ms());
        let operations = std::mem::take(&mut self.operations);
        let dirty = std::mem::take(&mut self.dirty);
        let effects = std::mem::take(&mut self.effects);
        self.fresh.clear();
        let outcome = match &self.failed {
            Some(failed) => Err(failed.clone()),
            None if operations.is_empty() && dirty.is_empty() => Ok(()),
            None => {
                self.changed();
                self.tidy_at
                    .get_or_insert_with(|| Instant::now() + TIDY_AFTER);
                self.write(operations, &dirty)
            }
        };
        if let Err(problem) = &outcome
            && self.failed.is_none()
        {
            tracing::error!("{}", problem.message);
            self.fail(problem.clone());
        }
        for effect in effects {
            match (effect, &outcome) {
                (Effect::Then(then), _) => then(outcome.clone()),
                (_, Err(_)) => {}
                (Effect::Event(event), Ok(())) => {
                    let _ = self.events.send(event);
                }
                (
                    Effect::Frame {
                        contact,
                        serial,
                        frame,
                    },
                    Ok(()),
                ) => {
                    if let Some(link) = self.peers.get(&contact).and_then(|peer| peer.link.as_ref())
                        && link.serial == serial
                    {
                        let _ = link.frames.send(frame);
                    }
                }
            }
        }
    }

    fn write(
        &mut self,
        operations: Vec<Operation>,
        dirty: &BTreeSet<ContactId>,
    ) -> Result<(), Failure> {
        let mut round = Round::default();
        let mut tx = self.vault.begin();
        for operation in operations {
            match apply(&mut tx, operation, &self.peers, &mut round) {
                Ok(()) => {}
                Err(TxError::Read(error)) => return Err(failure::read(&error)),
                // A message that is gone, or that a peer has amended too often: the rest goes on.
                Err(error) => tracing::warn!("a change was left out: {error}"),
            }
        }
        for contact in dirty {
            if let Some(peer) = self.peers.get(contact).filter(|peer| peer.state.paired) {
                tx.save_session(*contact, &peer.state.to_bytes())
                    .map_err(|error| failure::read(&error))?;
            }
        }
        tx.commit().map_err(|error| failure::commit(&error))?;
        for (contact, ticket, position) in round.queued {
            let queued = self.peers.get_mut(&contact).and_then(|peer| {
                peer.outbox
                    .iter_mut()
                    .rev()
                    .find(|queued| queued.ticket == ticket)
            });
            if let Some(queued) = queued {
                queued.position = Some(position);
            }
        }
        Ok(())
    }

    /// After a failed commit memory runs ahead of the disk: nothing is sent or taken any more.
    fn fail(&mut self, problem: Failure) {
        self.failed = Some(problem);
        for (_, peer) in std::mem::take(&mut self.peers) {
            let _ = peer.courier.send(Order::Stop);
        }
    }

    /// Remembers that messages out of an archive are to disappear.
    pub(super) fn note_expiries(&mut self, expiries: Vec<(u64, ContactId, [u8; 16])>) {
        let before = self.expiring.len();
        self.expiring.extend(expiries);
        while self.expiring.len() > EXPIRING_MAX {
            let now = self.expiring.first().map_or(0, |(at, ..)| *at);
            self.expire(now);
        }
        if self.expiring.len() != before {
            self.push_expiring();
        }
    }

    /// Remembers that a message is to disappear.
    pub(crate) fn note_expiry(&mut self, contact: ContactId, id: [u8; 16], at_ms: Option<u64>) {
        if let Some(at_ms) = at_ms {
            self.expiring.insert((at_ms, contact, id));
            if self.expiring.len() > EXPIRING_MAX {
                // The soonest goes early rather than never.
                let now = self.expiring.first().map_or(0, |(at, ..)| *at);
                self.expire(now);
            }
            self.push_expiring();
        }
    }

    /// Messages that are gone need not disappear any more.
    pub(crate) fn forget_expiry(&mut self, contact: ContactId, ids: &BTreeSet<[u8; 16]>) {
        let before = self.expiring.len();
        self.expiring
            .retain(|(_, whose, id)| *whose != contact || !ids.contains(id));
        if self.expiring.len() < before {
            self.push_expiring();
        }
    }

    fn push_expiring(&mut self) {
        let value = write_expiring(&self.expiring);
        self.push(Operation::PutSetting {
            key: EXPIRING.into(),
            value,
        });
    }

    /// When something is to be swept next: a message disappears, or enough time has passed.
    fn sweep_at(&self, swept: Instant) -> Instant {
        let usual = swept + SWEEP_EVERY;
        match self.next_due() {
            Some(due) => {
                let left = Duration::from_millis(due.saturating_sub(now_ms()));
                // A clock may jump, and a wait may be longer than an Instant can say.
                usual.min(Instant::now() + left.min(SWEEP_EVERY))
            }
            None => usual,
        }
    }

    fn sweep_due(&self) -> bool {
        self.failed.is_none() && self.next_due().is_some_and(|due| due <= now_ms())
    }

    /// When the next message disappears.
    fn next_due(&self) -> Option<u64> {
        let expires = self.expiring.first().map(|(at, ..)| *at);
        let too_old = self.retention_due();
        expires.into_iter().chain(too_old).min()
    }

    /// Gives up what waited too long and deletes what was meant to disappear.
    fn sweep(&mut self) {
        let now = now_ms();
        self.give_up_stale(now);
        self.retry_files();
        self.release_detours();
        self.sweep_retention(now);
        if self.expiring.first().is_some_and(|(at, ..)| *at <= now) {
            self.expire(now);
            self.push_expiring();
        }
    }

    fn expire(&mut self, now: u64) {
        while let Some((at_ms, contact, id)) =
            self.expiring.first().copied().filter(|(at, ..)| *at <= now)
        {
            self.expiring.pop_first();
            if let Ok(Some(message)) = self.vault.find_message(contact, &id) {
                let amendment = Amendment::Deleted { at_ms };
                self.withdraw_queued(contact, &BTreeSet::from([id]));
                self.withdraw_file(id);
                self.drop_kept(contact, Place::At(message));
                self.push(Operation::Amend {
                    contact,
                    message: Place::At(message),
                    amendment,
                });
            }
        }
    }
}

/// The setting that holds what is to disappear: `expiry u64be || contact 16 || message 16` each.
const EXPIRING: &str = "expiring";
const EXPIRING_MAX: usize = 16 * 1024;

fn write_expiring(expiring: &BTreeSet<(u64, ContactId, [u8; 16])>) -> Vec<u8> {
    expiring
        .iter()
        .flat_map(|(at, contact, id)| [at.to_be_bytes().as_slice(), &contact.0, id].concat())
        .collect()
}

fn read_expiring(bytes: &[u8]) -> BTreeSet<(u64, ContactId, [u8; 16])> {
    let (entries, _) = bytes.as_chunks::<40>();
    entries
        .iter()
        .filter_map(|entry| {
            let (at, rest) = entry.split_first_chunk::<8>()?;
            let (contact, id) = rest.split_first_chunk::<16>()?;
            Some((
                u64::from_be_bytes(*at),
                ContactId(*contact),
                id.try_into().ok()?,
            ))
        })
        .collect()
}

pub(super) fn pair_key(contact: ContactId) -> String {
    format!("pair/{}", super::event::hex(&contact.0))
}

/// The setting that tells where a conversation's order begins anew ([`super::order`]).
pub(super) fn order_key(contact: ContactId) -> String {
    format!("order/{}", super::event::hex(&contact.0))
}

/// The places that a round's additions got.
#[derive(Default)]
struct Round {
    appended: HashMap<(ContactId, [u8; 16]), u64>,
    queued: Vec<(ContactId, u64, u64)>,
}

fn apply(
    tx: &mut Tx<'_>,
    operation: Operation,
    peers: &BTreeMap<ContactId, Peer>,
    round: &mut Round,
) -> Result<(), TxError> {
    match operation {
        Operation::PutContact(contact) => {
            if let Some(peer) = peers.get(&contact) {
                tx.put_contact(&peer.contact)?;
            }
        }
        Operation::RemoveContact(contact) => {
            tx.remove_contact(contact)?;
            tx.remove_setting(&pair_key(contact))?;
            tx.remove_setting(&order_key(contact))?;
        }
        Operation::PutPairSecret(contact) => {
            if let Some(peer) = peers.get(&contact) {
                tx.put_setting(&pair_key(contact), peer.state.pair_secret.expose())?;
            }
        }
        Operation::Append { contact, message } => {
            let position = tx.append_message(contact, &message)?;
            round.appended.insert((contact, message.id), position);
        }
        Operation::Amend {
            contact,
            message,
            amendment,
        } => {
            let position = match message {
                Place::At(position) => Some(position),
                Place::Fresh(id) => round.appended.get(&(contact, id)).copied(),
            };
            let position = position.ok_or(TxError::UnknownMessage)?;
            tx.amend(contact, position, &amendment)?;
        }
        Operation::PushOutbox {
            contact,
            ticket,
            item,
        } => {
            let position = tx.push_outbox(contact, &item)?;
            round.queued.push((contact, ticket, position));
        }
        Operation::UpdateOutbox {
            contact,
            position,
            item,
        } => {
            tx.update_outbox(contact, position, &item)?;
        }
        Operation::RemoveOutbox { contact, position } => tx.remove_outbox(contact, position)?,
        Operation::PutSetting { key, value } => tx.put_setting(&key, &value)?,
        Operation::InboxCursor(cursor) => tx.set_inbox_cursor(cursor),
        Operation::Forget { contact, before } => {
            tx.forget_messages(contact, before)?;
        }
    }
    Ok(())
}

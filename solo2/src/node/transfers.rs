//! Files in the core: offered, decided on, fetched, called off.
//!
//! The core decides and remembers; `pull` and `serve` move the bytes and come back with how
//! it ended.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::Rng as _;
use serde_json::{Value, json};
use solo2_crypto::content::{Content, FileOutcome, MessageId, ReceiptState, Shape};
use solo2_crypto::file::FileKey;
use solo2_crypto::secret::Secret;
use solo2_store::{Amendment, ContactId, DeliveryState, Kept, Kind, Message, StoredFile};

use super::core::{Core, Operation, Place as MessagePlace};
use super::courier::Order;
use super::event::{Event, file_id, peer_json};
use super::messages::Draft;
use super::outbox::QueueTerms;
use super::pull::{End, Pull};
use super::serve::{From, Job};
use super::time::now_ms;
use super::transfer::{OPEN_MAX, Place, Side, Transfer, accepted_size};
use super::{failure, pull};
use crate::error::{Failure, Kind as FailureKind};
use crate::files::name::safe_name;
use crate::files::source::SourceInfo;
use crate::files::target::Existing;
use crate::net::bulk::Status;

/// Files fetched from one contact at a time; the others wait.
pub(super) const PULLS_MAX: usize = 4;
/// How long a file rests that broke off: its link may be dead without knowing yet.
const REST: Duration = Duration::from_millis(500);

/// What the core knows of transfers besides what the vault knows.
#[derive(Default)]
pub(crate) struct Pulls {
    /// Bytes written so far of what is being fetched.
    running: HashMap<[u8; 16], Arc<AtomicU64>>,
    /// Why a file is not being fetched although it is wanted.
    stuck: HashMap<[u8; 16], Failure>,
}

/// Where accepted files go while somebody collects them.
#[derive(Clone)]
pub(crate) struct Collector {
    pub(crate) serial: u64,
    pub(crate) path: String,
    pub(crate) existing: Existing,
    /// Only from these; from all when empty.
    pub(crate) from: Vec<ContactId>,
}

/// What a message of ours offers besides its own words.
pub(crate) struct Offered<'a> {
    pub(crate) name: &'a str,
    pub(crate) shape: Shape,
    /// Unknown for what a program writes.
    pub(crate) size: Option<u64>,
    pub(crate) side: Side,
}

impl<'a> Offered<'a> {
    /// A file or directory of this machine.
    pub(crate) fn source(info: &'a SourceInfo) -> Self {
        Self {
            name: &info.name,
            shape: info.shape,
            size: Some(info.size),
            side: Side::Outgoing {
                path: info.path.to_string_lossy().into_owned(),
                stamp: info.stamp,
            },
        }
    }

    /// What a command is about to read.
    pub(crate) fn stdin(name: &'a str, shape: Shape) -> Self {
        Self {
            name,
            shape,
            size: None,
            side: Side::Live,
        }
    }
}

impl Core {
    /// Remembers what a message of ours offers, and returns the offer.
    pub(crate) fn offer(
        &mut self,
        contact: ContactId,
        id: [u8; 16],
        offered: Offered<'_>,
        reply_to: Option<[u8; 16]>,
        draft: &Draft,
        now: u64,
    ) -> Content {
        let expires_in_s = draft.expires_in_s;
        let key = Secret::random(&mut self.rng);
        let content = Content::File {
            id: MessageId(id),
            sent_at_ms: now,
            name: offered.name.to_owned(),
            shape: offered.shape,
            size: offered.size,
            key: FileKey::new(key.expose()),
            reply_to: reply_to.map(MessageId),
            expires_in_s,
        };
        if let Some(peer) = self.peers.get_mut(&contact) {
            peer.state.transfers.push(Transfer {
                id,
                name: offered.name.to_owned(),
                shape: offered.shape,
                size: offered.size,
                key,
                sent_at_ms: now,
                reply_to,
                expires_in_s,
                demand: draft.demand,
                side: offered.side,
            });
            self.touch(contact);
        }
        content
    }

    /// Whether so many more files may be offered to a contact.
    pub(crate) fn may_offer(&self, contact: ContactId, more: usize) -> Result<(), Failure> {
        let peer = self.peers.get(&contact).ok_or_else(failure::stopped)?;
        if peer.state.transfers.len() + more <= OPEN_MAX {
            return Ok(());
        }
        Err(Failure::new(
            FailureKind::Quota,
            format!(
                "{} files with {} are under way, {OPEN_MAX} may be",
                peer.state.transfers.len(),
                peer.contact.name
            ),
        )
        .code("too_many_files")
        .hint("send a directory as a whole, or wait; solo2 file list shows them"))
    }

    /// A file that the peer may fetch on its present link, or the answer why not.
    pub(crate) fn offered_file(
        &self,
        contact: ContactId,
        serial: u64,
        id: [u8; 16],
    ) -> Result<Job, Status> {
        let peer = self.peers.get(&contact).ok_or(Status::Unknown)?;
        let transfer = peer.state.transfer(id).ok_or(Status::Unknown)?;
        let from = match &transfer.side {
            Side::Outgoing { path, stamp } => From::Disk {
                path: path.clone(),
                stamp: *stamp,
                size: transfer.size.unwrap_or_default(),
            },
            // Its command is starting again, or never will: the one or the other is told soon.
            Side::Live => From::Command(self.pipes.feed(id).ok_or(Status::Unavailable)?),
            _ => return Err(Status::Unknown),
        };
        // On a link that is being replaced the peer must not take this for the end.
        let present = peer.link.as_ref().is_some_and(|link| link.serial == serial);
        if !present || !peer.is_up() {
            return Err(Status::Unavailable);
        }
        Ok(Job {
            from,
            name: transfer.name.clone(),
            shape: transfer.shape,
            key: transfer.key.duplicate(),
        })
    }

    /// A file of the peer's is offered: taken if the contact may send as much, else left to the user.
    pub(crate) fn on_file_offer(&mut self, contact: ContactId, mut transfer: Transfer) {
        let id = transfer.id;
        if self.is_known(contact, id) {
            // Offered again because the receipt was lost with a session.
            self.queue_receipt(contact, MessageId(id), now_ms());
            return;
        }
        let Some(peer) = self.peers.get(&contact) else {
            return;
        };
        if peer.state.transfer(id).is_some() {
            return;
        }
        if peer.state.transfers.len() >= OPEN_MAX {
            self.send_file_end(contact, id, FileOutcome::Rejected);
            return;
        }
        let limit = accepted_size(&peer.contact, &self.settings.files);
        transfer.name = safe_name(&transfer.name);
        // A pipe goes to who listens for it, and nowhere else.
        let limit = limit.filter(|_| transfer.shape != Shape::Pipe);
        let taken = limit.is_some_and(|limit| transfer.size.unwrap_or(1) <= limit);
        if let Some(limit) = limit.filter(|_| taken) {
            let place = self.place_for(contact, &transfer.name);
            transfer.side = match transfer.size {
                Some(_) => Side::Wanted(place),
                None => Side::WantedUpTo(limit, place),
            };
        }
        self.emit(Event::file_offer(contact, &transfer, taken, limit));
        if let Some(peer) = self.peers.get_mut(&contact) {
            peer.state.transfers.push(transfer);
        }
        self.touch(contact);
        self.pull_files(contact);
        self.pipes.wake();
    }

    pub(crate) fn is_known(&self, contact: ContactId, id: [u8; 16]) -> bool {
        self.fresh.contains_key(&(contact, id))
            || self
                .vault
                .find_message(contact, &id)
                .is_ok_and(|found| found.is_some())
    }

    /// With whoever collects files, or in the vault.
    fn place_for(&mut self, contact: ContactId, name: &str) -> Place {
        let collector = self
            .collectors
            .iter()
            .find(|collector| collector.from.is_empty() || collector.from.contains(&contact));
        match collector {
            Some(collector) => Place::Directory {
                path: collector.path.clone(),
                name: name.to_owned(),
                existing: collector.existing,
            },
            None => self.vault_place(),
        }
    }

    fn vault_place(&mut self) -> Place {
        let mut blob = [0; 16];
        self.rng.fill_bytes(&mut blob);
        Place::Vault {
            blob,
            key: Secret::random(&mut self.rng),
        }
    }

    /// Fetches what is wanted from a contact, as far as its link and the bounds allow.
    pub(crate) fn pull_files(&mut self, contact: ContactId) {
        let Some(peer) = self.peers.get(&contact) else {
            return;
        };
        let wanted: Vec<&Transfer> = peer
            .state
            .transfers
            .iter()
            .filter(|transfer| transfer.place().is_some())
            .filter(|transfer| !self.pulls.stuck.contains_key(&transfer.id))
            .collect();
        let running = wanted
            .iter()
            .filter(|transfer| self.pulls.running.contains_key(&transfer.id))
            .count();
        let lanes = peer.link.as_ref().filter(|_| peer.is_up());
        let Some(lanes) = lanes.map(|link| link.lanes.clone()) else {
            if !wanted.is_empty() && peer.link.is_none() {
                let _ = peer.courier.send(Order::Dial);
            }
            return;
        };
        let vault = self.files_dir.clone();
        let starting: Vec<Pull> = wanted
            .into_iter()
            .filter(|transfer| !self.pulls.running.contains_key(&transfer.id))
            .take(PULLS_MAX.saturating_sub(running))
            .filter_map(|transfer| {
                Some(Pull {
                    net: self.net.clone(),
                    lanes: lanes.clone(),
                    contact,
                    id: transfer.id,
                    name: transfer.name.clone(),
                    key: transfer.key.duplicate(),
                    shape: transfer.shape,
                    size: transfer.size,
                    most: transfer.most(),
                    place: transfer.place()?.duplicate(),
                    vault: vault.clone(),
                    arrived: match &transfer.side {
                        Side::Arrived(_, root) => Some(*root),
                        _ => None,
                    },
                    written: Arc::default(),
                })
            })
            .collect();
        for pull in starting {
            self.pulls.running.insert(pull.id, pull.written.clone());
            let (net, id) = (self.net.clone(), pull.id);
            // Where the partial file is must be on disk before the file is.
            self.after_commit(move |committed| {
                if committed.is_err() {
                    return;
                }
                tokio::spawn(async move {
                    let end = pull.run().await;
                    if matches!(end, End::Later) {
                        tokio::time::sleep(REST).await;
                    }
                    let ended = move |core: &mut Self| {
                        core.pull_ended(contact, id, end);
                        Ok(())
                    };
                    // A core that has stopped fetches again when it is back.
                    let _ = net.call(ended).await;
                });
            });
        }
    }

    /// All of a file is here and verified; only its name is to be given.
    pub(crate) fn file_arrived(
        &mut self,
        contact: ContactId,
        id: [u8; 16],
        root: [u8; 32],
    ) -> Result<(), Failure> {
        let called_off =
            || Failure::new(FailureKind::Rejected, "the file was called off").code("cancelled");
        let transfer = self
            .peers
            .get_mut(&contact)
            .and_then(|peer| peer.state.transfer_mut(id))
            .ok_or_else(called_off)?;
        let place = transfer.place().ok_or_else(called_off)?.duplicate();
        transfer.side = Side::Arrived(place, root);
        self.touch(contact);
        Ok(())
    }

    fn pull_ended(&mut self, contact: ContactId, id: [u8; 16], end: End) {
        self.pulls.running.remove(&id);
        match end {
            End::Done { root, size, path } => self.file_done(contact, id, root, size, path),
            End::Later => {}
            End::Stuck(problem) => {
                let peer = self.peers.get(&contact);
                if let Some(transfer) = peer.and_then(|peer| peer.state.transfer(id)) {
                    let name = &transfer.name;
                    self.emit(Event::file_failed(contact, id, name, &problem, true));
                    self.pulls.stuck.insert(id, problem);
                }
            }
            End::Never(problem) => {
                if let Some(Transfer { name, .. }) = self.forget_transfer(contact, id) {
                    self.emit(Event::file_failed(contact, id, &name, &problem, false));
                    let outcome = match problem.code.as_ref() {
                        "too_large" => FileOutcome::Rejected,
                        _ => FileOutcome::Failed,
                    };
                    self.send_file_end(contact, id, outcome);
                }
            }
        }
        self.pull_files(contact);
    }

    /// The file becomes a message, and its sender hears that it is here.
    pub(crate) fn file_done(
        &mut self,
        contact: ContactId,
        id: [u8; 16],
        root: [u8; 32],
        size: u64,
        path: Option<PathBuf>,
    ) {
        let Some(transfer) = self.take_transfer(contact, id) else {
            return;
        };
        let now = now_ms();
        let path = path.map(|path| path.to_string_lossy().into_owned());
        let kept = match transfer.place() {
            Some(Place::Vault { blob, key }) => Some(Kept {
                blob: *blob,
                key: FileKey::new(key.expose()),
            }),
            _ => None,
        };
        let expires_at_ms = transfer
            .expires_in_s
            .map(|seconds| now.saturating_add(seconds.saturating_mul(1000)));
        let message = Message {
            id,
            incoming: true,
            sent_at_ms: transfer.sent_at_ms,
            stored_at_ms: now,
            kind: Kind::File,
            body: transfer.name.clone(),
            reply_to: transfer.reply_to,
            expires_at_ms,
            client_id: None,
            route: self.route_of(contact).map(str::to_owned),
        };
        self.fresh.insert((contact, id), true);
        self.note_expiry(contact, id, expires_at_ms);
        self.push(Operation::Append {
            contact,
            message: Box::new(message),
        });
        self.push(Operation::Amend {
            contact,
            message: MessagePlace::Fresh(id),
            amendment: Amendment::File(StoredFile {
                at_ms: now,
                size,
                root,
                shape: transfer.shape.code(),
                kept,
                path,
            }),
        });
        self.emit(Event::Arrived);
        self.confirm(contact, &transfer, now);
    }

    /// Tells the sender that all of it is here. Who reads from a program waits for nothing else
    /// and was told as much by the acknowledgements, so it hears this whatever the settings say.
    pub(crate) fn confirm(&mut self, contact: ContactId, transfer: &Transfer, now: u64) {
        match transfer.size {
            Some(_) => self.queue_receipt(contact, MessageId(transfer.id), now),
            None => {
                let receipt = Content::Receipt {
                    state: ReceiptState::Delivered,
                    ids: vec![MessageId(transfer.id)],
                    at_ms: now,
                };
                self.enqueue(contact, &receipt, None, QueueTerms::default());
            }
        }
    }

    /// The peer called a file off, ours or its own.
    pub(crate) fn on_file_end(&mut self, contact: ContactId, id: [u8; 16], outcome: FileOutcome) {
        let peer = self.peers.get(&contact);
        let transfer = peer.and_then(|peer| peer.state.transfer(id));
        if transfer.is_some_and(|transfer| matches!(transfer.side, Side::Arrived(..))) {
            // Too late: all of it is here.
            return;
        }
        let Some(transfer) = self.forget_transfer(contact, id) else {
            return;
        };
        let pipe = transfer.shape == Shape::Pipe;
        let (code, words) = match (outcome, transfer.is_incoming()) {
            (FileOutcome::Cancelled, false) if pipe => (
                "cancelled",
                "the listener stopped before all of it was there",
            ),
            (FileOutcome::Cancelled, true) if pipe => (
                "cancelled",
                "the sender stopped before its end: what came is not whole",
            ),
            (FileOutcome::Failed, true) if transfer.size.is_none() => (
                "source_failed",
                "the sender cannot read the rest of it: what came is not whole",
            ),
            (FileOutcome::Rejected, false) if transfer.size.is_none() && !pipe => (
                "rejected",
                "the peer does not want it, or not as much of it unasked",
            ),
            (FileOutcome::Rejected, _) => ("rejected", "the peer does not want the file"),
            (FileOutcome::Cancelled, true) => ("cancelled", "the sender called the file off"),
            (FileOutcome::Cancelled, false) => ("cancelled", "the receiver called the file off"),
            (FileOutcome::Failed, true) => {
                ("source_changed", "the sender cannot send the file any more")
            }
            (FileOutcome::Failed, false) => ("file_broken", "the file did not come through"),
        };
        let problem = Failure::new(FailureKind::Rejected, words).code(code);
        self.after_commit_over(id, Err(problem.clone()));
        let name = &transfer.name;
        self.emit(Event::file_failed(contact, id, name, &problem, false));
        if !transfer.is_incoming() {
            self.set_state(contact, id, DeliveryState::Failed, now_ms());
        }
    }

    /// A file of ours cannot be sent any more.
    pub(crate) fn fail_outgoing(&mut self, contact: ContactId, id: [u8; 16], problem: &Failure) {
        let Some(Transfer { name, .. }) = self.forget_transfer(contact, id) else {
            return;
        };
        self.send_file_end(contact, id, FileOutcome::Failed);
        self.after_commit_over(id, Err(problem.clone()));
        self.emit(Event::file_failed(contact, id, &name, problem, false));
        self.set_state(contact, id, DeliveryState::Failed, now_ms());
    }

    /// The peer has a file of ours, or will never hear of it: its key is not needed any more.
    pub(crate) fn outgoing_over(&mut self, contact: ContactId, id: [u8; 16], state: DeliveryState) {
        let peer = self.peers.get(&contact);
        let transfer = peer.and_then(|peer| peer.state.transfer(id));
        if transfer.is_some_and(|transfer| !transfer.is_incoming()) {
            self.take_transfer(contact, id);
            let given_up = || Failure::new(FailureKind::NotDelivered, "it was given up");
            let end = match state {
                DeliveryState::Failed => Err(given_up()),
                _ => Ok(()),
            };
            self.after_commit_over(id, end);
        }
    }

    /// Tells the command behind a pipe how it ended, once that is on disk.
    pub(crate) fn after_commit_over(&mut self, id: [u8; 16], end: Result<(), Failure>) {
        if let Some(tell) = self.pipes.farewell(id) {
            self.after_commit(move |committed| {
                if committed.is_ok() {
                    tell(end);
                }
            });
        }
    }

    /// A message is deleted: a file that it offers goes with it, here and at the peer.
    pub(crate) fn withdraw_file(&mut self, id: [u8; 16]) {
        let ours = self
            .find_transfer(id)
            .is_some_and(|(_, transfer)| !transfer.is_incoming());
        if ours {
            // It is there, so this cannot fail.
            let _ = self.end_file(id, false);
        }
    }

    /// Drops what has come of a contact's files.
    pub(crate) fn discard_files(&mut self, transfers: Vec<Transfer>) {
        for transfer in transfers {
            self.discard_later(&transfer);
            let gone = Failure::new(FailureKind::Rejected, "the contact was removed");
            self.after_commit_over(transfer.id, Err(gone.code("cancelled")));
        }
    }

    fn discard_later(&mut self, transfer: &Transfer) {
        if let Some(place) = transfer.place().map(Place::duplicate) {
            let (id, vault) = (transfer.id, self.files_dir.clone());
            self.after_commit(move |_| pull::discard(&place, id, &vault));
        }
    }

    pub(crate) fn send_file_end(&mut self, contact: ContactId, id: [u8; 16], outcome: FileOutcome) {
        let content = Content::FileEnd {
            target: MessageId(id),
            outcome,
        };
        self.enqueue(contact, &content, None, QueueTerms::default());
    }

    pub(crate) fn take_transfer(&mut self, contact: ContactId, id: [u8; 16]) -> Option<Transfer> {
        let transfers = &mut self.peers.get_mut(&contact)?.state.transfers;
        let index = transfers.iter().position(|transfer| transfer.id == id)?;
        let transfer = transfers.remove(index);
        self.pulls.stuck.remove(&id);
        self.touch(contact);
        Some(transfer)
    }

    /// Takes a transfer out together with what has come of it.
    pub(crate) fn forget_transfer(&mut self, contact: ContactId, id: [u8; 16]) -> Option<Transfer> {
        let transfer = self.take_transfer(contact, id)?;
        self.discard_later(&transfer);
        Some(transfer)
    }

    /// A transfer and its contact, by the file's id.
    pub(crate) fn find_transfer(&self, id: [u8; 16]) -> Option<(ContactId, &Transfer)> {
        self.peers
            .iter()
            .find_map(|(contact, peer)| Some((*contact, peer.state.transfer(id)?)))
    }

    /// The user wants a file that was offered, there or in the vault.
    pub(crate) fn accept_file(
        &mut self,
        id: [u8; 16],
        to: Option<(String, Option<String>, Existing)>,
    ) -> Result<(), Failure> {
        let (contact, transfer) = self.find_transfer(id).ok_or_else(|| unknown_file(id))?;
        if !transfer.is_incoming() {
            return Err(Failure::usage("a file of your own needs no acceptance"));
        }
        if transfer.shape == Shape::Pipe {
            return Err(
                Failure::usage("a pipe goes to stdout and is not kept").hint(format!(
                    "solo2 pipe --listen PEER:{}, or: solo2 file accept {} -o -",
                    transfer.name,
                    file_id(id)
                )),
            );
        }
        let name = transfer.name.clone();
        let offered = matches!(transfer.side, Side::Offered);
        let place = to.map(|(path, own_name, existing)| Place::Directory {
            path,
            name: own_name.unwrap_or(name),
            existing,
        });
        match place {
            Some(place) if !offered => self.redirect(contact, id, place),
            place => {
                let place = place.unwrap_or_else(|| self.vault_place());
                let peer = self.peers.get_mut(&contact);
                if let Some(transfer) = peer.and_then(|peer| peer.state.transfer_mut(id))
                    && offered
                {
                    transfer.side = Side::Wanted(place);
                    self.touch(contact);
                }
            }
        }
        self.pulls.stuck.remove(&id);
        self.pull_files(contact);
        Ok(())
    }

    /// Sends a file that was to go into one directory to another, or to another name there,
    /// unless it is being written. What lies in the vault is taken out when all of it is there.
    fn redirect(&mut self, contact: ContactId, id: [u8; 16], to: Place) {
        if self.pulls.running.contains_key(&id) {
            return;
        }
        let peer = self.peers.get_mut(&contact);
        let Some(transfer) = peer.and_then(|peer| peer.state.transfer_mut(id)) else {
            return;
        };
        let Some(Place::Directory { path: from, .. }) = transfer.place() else {
            return;
        };
        let stays = matches!(&to, Place::Directory { path, .. } if path == from);
        let root = match &transfer.side {
            Side::Arrived(_, root) if stays => Some(*root),
            _ => None,
        };
        let old = transfer.place().map(Place::duplicate);
        transfer.side = match (root, transfer.most()) {
            (Some(root), _) => Side::Arrived(to, root),
            (None, u64::MAX) => Side::Wanted(to),
            (None, most) => Side::WantedUpTo(most, to),
        };
        self.touch(contact);
        if let Some(old) = old.filter(|_| !stays) {
            let vault = self.files_dir.clone();
            self.after_commit(move |_| pull::discard(&old, id, &vault));
        }
    }

    /// Somebody collects files from now on: what is stuck on its way to the same directory
    /// goes on under the new terms.
    pub(crate) fn collect(&mut self, collector: Collector) -> Result<(), Failure> {
        let mut same = Vec::new();
        for (contact, peer) in &self.peers {
            for transfer in &peer.state.transfers {
                if let Some(Place::Directory { path, name, .. }) = transfer.place()
                    && *path == collector.path
                {
                    same.push((*contact, transfer.id, name.clone()));
                }
            }
        }
        for (contact, id, name) in same {
            let to = Place::Directory {
                path: collector.path.clone(),
                name,
                existing: collector.existing,
            };
            self.redirect(contact, id, to);
        }
        self.collectors.push(collector);
        self.resume_files(None)
    }

    /// The user does not want a file, or not any more.
    pub(crate) fn end_file(&mut self, id: [u8; 16], rejected: bool) -> Result<Value, Failure> {
        let (contact, transfer) = self.find_transfer(id).ok_or_else(|| unknown_file(id))?;
        let (incoming, name) = (transfer.is_incoming(), transfer.name.clone());
        if rejected && !incoming {
            return Err(
                Failure::usage("a file of your own is not rejected but cancelled")
                    .hint(format!("solo2 file cancel {}", file_id(id))),
            );
        }
        self.forget_transfer(contact, id);
        let (outcome, state) = if rejected {
            (FileOutcome::Rejected, "rejected")
        } else {
            (FileOutcome::Cancelled, "cancelled")
        };
        self.send_file_end(contact, id, outcome);
        if !incoming {
            self.set_state(contact, id, DeliveryState::Failed, now_ms());
        }
        let problem =
            Failure::new(FailureKind::Rejected, format!("the file was {state}")).code(state);
        self.after_commit_over(id, Err(problem.clone()));
        self.emit(Event::file_failed(contact, id, &name, &problem, false));
        Ok(json!({ "v": 1, "type": "file", "id": file_id(id), "state": state }))
    }

    /// Tries again what is stuck: one file, or all.
    pub(crate) fn resume_files(&mut self, id: Option<[u8; 16]>) -> Result<(), Failure> {
        let contacts: Vec<ContactId> = match id {
            Some(id) => {
                self.pulls.stuck.remove(&id);
                vec![self.find_transfer(id).ok_or_else(|| unknown_file(id))?.0]
            }
            None => {
                self.pulls.stuck.clear();
                self.peers.keys().copied().collect()
            }
        };
        for contact in contacts {
            self.pull_files(contact);
            if let Some(peer) = self.peers.get(&contact)
                && !peer.state.transfers.is_empty()
                && peer.link.is_none()
            {
                let _ = peer.courier.send(Order::Dial);
            }
        }
        Ok(())
    }

    /// The files that are wanted from anybody and are not here yet.
    pub(crate) fn wanted_files(&self) -> Vec<[u8; 16]> {
        self.peers
            .values()
            .flat_map(|peer| &peer.state.transfers)
            .filter(|transfer| transfer.place().is_some())
            .map(|transfer| transfer.id)
            .collect()
    }

    /// How many files are wanted from these contacts, or from all, and are not here yet;
    /// and what is wrong here, if none of them can come before it is mended.
    pub(crate) fn unfinished(&self, from: &[ContactId]) -> (usize, Option<Failure>) {
        let of = |contact: &ContactId| from.is_empty() || from.contains(contact);
        let wanted: Vec<[u8; 16]> = self
            .peers
            .iter()
            .filter(|(contact, _)| of(contact))
            .flat_map(|(_, peer)| &peer.state.transfers)
            .filter(|transfer| transfer.place().is_some())
            .map(|transfer| transfer.id)
            .collect();
        let mut problems = wanted.iter().map(|id| self.pulls.stuck.get(id));
        let first = problems.next().flatten().cloned();
        let hopeless = problems.all(|problem| problem.is_some());
        (wanted.len(), first.filter(|_| hopeless))
    }

    /// What found no room is tried again; the rest needs somebody to decide.
    pub(crate) fn retry_files(&mut self) {
        let before = self.pulls.stuck.len();
        self.pulls
            .stuck
            .retain(|_, problem| problem.code != "disk_full");
        if self.pulls.stuck.len() < before {
            let contacts: Vec<ContactId> = self.peers.keys().copied().collect();
            for contact in contacts {
                self.pull_files(contact);
            }
        }
    }

    /// Why a wanted file does not come at present.
    pub(crate) fn stuck(&self, id: [u8; 16]) -> Option<&Failure> {
        self.pulls.stuck.get(&id)
    }

    /// Offers that await a decision, as `file.offer` events.
    pub(crate) fn undecided(&self, from: &[ContactId]) -> Vec<Value> {
        self.peers
            .iter()
            .filter(|(contact, _)| from.is_empty() || from.contains(contact))
            .flat_map(|(contact, peer)| {
                let limit = accepted_size(&peer.contact, &self.settings.files);
                peer.state
                    .transfers
                    .iter()
                    .filter(|transfer| matches!(transfer.side, Side::Offered))
                    .filter_map(move |transfer| {
                        Event::file_offer(*contact, transfer, false, limit)
                            .to_json(Some(&peer.contact))
                    })
            })
            .collect()
    }

    /// Every file under way, as `solo2 file list` prints it.
    pub(crate) fn files_json(&self) -> Vec<Value> {
        self.peers
            .values()
            .flat_map(|peer| {
                peer.state.transfers.iter().map(|transfer| {
                    let running = self.pulls.running.get(&transfer.id);
                    let running = running.or_else(|| self.pipes.written(transfer.id));
                    let stuck = self.pulls.stuck.get(&transfer.id);
                    let state = match (&transfer.side, running) {
                        (_, Some(_)) => "running",
                        (Side::Offered, _) => "offered",
                        _ => "waiting",
                    };
                    let path = match transfer.place() {
                        Some(Place::Directory { path, .. }) => Some(path.as_str()),
                        _ => None,
                    };
                    let path = match &transfer.side {
                        Side::Outgoing { path, .. } => Some(path.as_str()),
                        _ => path,
                    };
                    json!({
                        "v": 1,
                        "type": "file",
                        "id": file_id(transfer.id),
                        "peer": peer_json(&peer.contact),
                        "dir": if transfer.is_incoming() { "in" } else { "out" },
                        "name": transfer.name,
                        "shape": shape_name(transfer.shape),
                        "size": transfer.size,
                        "bytes": running.map(|written| written.load(Ordering::Relaxed)),
                        "state": state,
                        "path": path,
                        "reason": stuck.map(|problem| problem.message.clone()),
                    })
                })
            })
            .collect()
    }
}

pub(crate) fn unknown_file(id: [u8; 16]) -> Failure {
    Failure::new(
        FailureKind::UnknownPeer,
        format!("no file has the id {}", file_id(id)),
    )
    .code("unknown_file")
    .hint("solo2 file list shows the files under way")
}

pub(crate) fn shape_name(shape: Shape) -> &'static str {
    match shape {
        Shape::File => "file",
        Shape::Directory => "directory",
        Shape::Pipe => "pipe",
    }
}

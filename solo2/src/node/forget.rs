//! Whole stretches of a conversation that go: all of it by command, and what is older than the
//! contact's setting `retain`.
//!
//! Keys first: one commit destroys what opens the messages, takes them out of the search index
//! and forgets what still waits to be sent; then the sealed files that belonged to them go.
//! A long stretch goes in pieces, the oldest first, so a crash in between leaves a shorter
//! conversation and a command that can be said again.
//! Spec: docs/protocol/5-vault.md §3.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};
use solo2_store::ContactId;

use super::core::{Core, Operation};
use super::courier::Order;
use super::event::{hex, peer_id};
use super::time::now_ms;
use super::{Node, failure};
use crate::error::Failure;

/// Messages that go in one commit: the keys of the others are written anew each time.
const PIECE: u64 = 4096;
/// Messages read at a time.
const PAGE: u64 = 256;
/// How long a conversation that cannot be read is left alone.
const AGAIN_MS: u64 = 30_000;

/// When the oldest message of each conversation with a limit is too old, in milliseconds.
#[derive(Default)]
pub(crate) struct Retention(BTreeMap<ContactId, u64>);

/// Deletes a whole conversation as it stands now, and what is on its way in it.
pub(crate) async fn forget_all(node: &Node, name: String) -> Result<Value, Failure> {
    let asked = name.clone();
    let (contact, end) = node
        .call(move |core| {
            let contact = core.find(&asked)?;
            // What this round appended has its number only then.
            core.commit();
            core.end_files_of(contact);
            Ok((contact, core.vault.numbers(contact).end))
        })
        .await?;
    let mut messages = 0;
    loop {
        let gone = node.call(move |core| core.forget(contact, end)).await?;
        messages += gone;
        if gone < PIECE {
            break;
        }
    }
    Ok(json!({
        "v": 1,
        "type": "delete.all",
        "peer": peer_id(contact),
        "name": name,
        "messages": messages,
    }))
}

impl Core {
    /// Calls off every file that is offered or under way with a contact.
    fn end_files_of(&mut self, contact: ContactId) {
        let Some(peer) = self.peers.get(&contact) else {
            return;
        };
        let files: Vec<[u8; 16]> = peer.state.transfers.iter().map(|file| file.id).collect();
        for id in files {
            // They are there, so this cannot fail.
            let _ = self.end_file(id, false);
        }
    }

    /// Deletes the oldest messages of a conversation, at most [`PIECE`] and none from number
    /// `before` on; how many went.
    fn forget(&mut self, contact: ContactId, before: u64) -> Result<u64, Failure> {
        let first = self.vault.numbers(contact).start;
        let before = before.min(first.saturating_add(PIECE));
        let (gone, blobs) = self.contents(contact, first..before)?;
        if gone.is_empty() {
            return Ok(0);
        }
        self.withdraw_queued(contact, &gone);
        for id in &gone {
            self.withdraw_file(*id);
        }
        self.forget_expiry(contact, &gone);
        self.push(Operation::Forget { contact, before });
        self.remove_after_commit(blobs);
        Ok(gone.len() as u64)
    }

    /// Removes a contact with everything of theirs.
    pub(super) fn remove(&mut self, contact: ContactId) {
        // What this round appended has its number only then.
        self.commit();
        let numbers = self.vault.numbers(contact);
        // Of a conversation that cannot be read the files stay behind, sealed under lost keys.
        let (_, blobs) = self.contents(contact, numbers).unwrap_or_default();
        if let Some(peer) = self.peers.remove(&contact) {
            let _ = peer.courier.send(Order::Stop);
            self.discard_files(peer.state.transfers);
        }
        self.push(Operation::RemoveContact(contact));
        self.remove_after_commit(blobs);
        self.look_at_retention(contact);
    }

    /// The ids of messages, and where the files that came with them lie.
    fn contents(
        &self,
        contact: ContactId,
        numbers: std::ops::Range<u64>,
    ) -> Result<(BTreeSet<[u8; 16]>, Vec<PathBuf>), Failure> {
        let mut ids = BTreeSet::new();
        let mut blobs = Vec::new();
        let mut at = numbers.start;
        while at < numbers.end {
            let next = at.saturating_add(PAGE).min(numbers.end);
            let page = self
                .vault
                .history(contact, Some(next), usize::try_from(next - at).unwrap_or(0))
                .map_err(|error| failure::read(&error))?;
            for (_, message, amendments) in page {
                ids.insert(message.id);
                if message.incoming
                    && let Some(kept) = amendments.file().and_then(|file| file.kept.as_ref())
                {
                    blobs.push(self.files_dir.join(hex(&kept.blob)));
                }
            }
            at = next;
        }
        Ok((ids, blobs))
    }

    fn remove_after_commit(&mut self, blobs: Vec<PathBuf>) {
        self.after_commit(move |committed| {
            if committed.is_ok() {
                for blob in blobs {
                    let _ = std::fs::remove_file(blob);
                }
            }
        });
    }

    /// Takes messages that have not left yet back, for nothing of them is to stay here.
    pub(super) fn withdraw_queued(&mut self, contact: ContactId, ids: &BTreeSet<[u8; 16]>) {
        let Some(peer) = self.peers.get(&contact) else {
            return;
        };
        let waiting: Vec<[u8; 16]> = peer
            .outbox
            .iter()
            .filter(|queued| queued.count == 0)
            .filter_map(|queued| queued.message.filter(|id| ids.contains(id)))
            .collect();
        for id in waiting {
            self.cancel_queued(id);
        }
    }

    /// How long messages with a contact are kept, in milliseconds, if not forever.
    fn retains(&self, contact: ContactId) -> Option<u64> {
        let settings = &self.peers.get(&contact)?.contact.settings;
        let seconds: u64 = settings.get("retain")?.parse().ok()?;
        Some(seconds.saturating_mul(1000))
    }

    /// A conversation's limit is to be looked at now: it was set, or the vault was opened.
    pub(crate) fn look_at_retention(&mut self, contact: ContactId) {
        self.retention.0.insert(contact, 0);
    }

    /// A message was added; if it is the only one, it is also the oldest.
    pub(super) fn note_retention(&mut self, contact: ContactId) {
        if self.retention.0.contains_key(&contact) {
            return;
        }
        if let Some(kept_ms) = self.retains(contact) {
            let due = now_ms().saturating_add(kept_ms);
            self.retention.0.insert(contact, due);
        }
    }

    /// When the next message is too old.
    pub(super) fn retention_due(&self) -> Option<u64> {
        self.retention.0.values().min().copied()
    }

    /// Deletes what is older than its conversation's limit, at most [`PIECE`] messages of each.
    pub(super) fn sweep_retention(&mut self, now: u64) {
        let due: Vec<ContactId> = self
            .retention
            .0
            .iter()
            .filter(|(_, due)| **due <= now)
            .map(|(contact, _)| *contact)
            .collect();
        for contact in due {
            let next = match self.sweep_conversation(contact, now) {
                Ok(next) => next,
                Err(problem) => {
                    tracing::error!("{}", problem.message);
                    Some(now.saturating_add(AGAIN_MS))
                }
            };
            match next {
                Some(next) => self.retention.0.insert(contact, next),
                None => self.retention.0.remove(&contact),
            };
        }
    }

    /// One conversation of [`Core::sweep_retention`]; when to look again.
    fn sweep_conversation(&mut self, contact: ContactId, now: u64) -> Result<Option<u64>, Failure> {
        let Some(kept_ms) = self.retains(contact) else {
            return Ok(None);
        };
        let numbers = self.vault.numbers(contact);
        let most = numbers.end.min(numbers.start.saturating_add(PIECE));
        let mut at = numbers.start;
        while at < most {
            let next = at.saturating_add(PAGE).min(most);
            let page = self
                .vault
                .history(contact, Some(next), usize::try_from(next - at).unwrap_or(0))
                .map_err(|error| failure::read(&error))?;
            let kept = page.iter().find_map(|(seq, message, _)| {
                let due = message.stored_at_ms.saturating_add(kept_ms);
                (due > now).then_some((*seq, due))
            });
            if let Some((seq, due)) = kept {
                self.forget(contact, seq)?;
                return Ok(Some(due));
            }
            at = next;
        }
        self.forget(contact, most)?;
        // There may be more of them; or none, until one comes.
        Ok((most < numbers.end).then_some(now))
    }
}

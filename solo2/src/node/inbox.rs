//! What a contact sent: opened, stored, acknowledged, in that order.

use std::collections::BTreeSet;

use solo2_crypto::content::{Content, MessageId, ReceiptState};
use solo2_crypto::session::DecryptError;
use solo2_store::{Amendment, ContactId, DeliveryState, Kind, Message};

use super::Receipts;
use super::core::{Core, Operation, Place};
use super::event::Event;
use super::outbox::QueueTerms;
use super::time::now_ms;
use super::transfer::{Side, Transfer};
use crate::net::frame::Frame;

/// Most message ids in one receipt.
const RECEIPT_MAX: usize = 64;

impl Core {
    /// One envelope in its place: advances the ratchet and hands the content on.
    pub(crate) fn on_envelope(&mut self, contact: ContactId, seq: u64, envelope: &[u8]) {
        let now = now_ms();
        let Some(peer) = self.peers.get_mut(&contact) else {
            return;
        };
        if seq < peer.state.next_recv {
            let next = peer.state.next_recv;
            self.send_frame(contact, Frame::Ack { next });
            return;
        }
        if seq > peer.state.next_recv {
            self.drop_link(contact, "envelope out of order");
            return;
        }
        let Some(session) = peer.state.session.as_mut() else {
            self.drop_link(contact, "envelope without a session");
            return;
        };
        let content = match session.decrypt(envelope, now / 1000, &mut self.rng) {
            Ok(content) => content,
            // Authentic, and nothing that this version can read: sending it again would not
            // help, so it is acknowledged and forgotten.
            Err(DecryptError::Content(_) | DecryptError::Busy) => None,
            Err(DecryptError::Ratchet(_)) => {
                // In its place on an authenticated link and still not ours: the two ratchets
                // have parted. Forgetting ours makes the next Hello ask for an agreement.
                peer.state.session = None;
                peer.keys.set_psks(&peer.state);
                self.touch(contact);
                self.drop_link(contact, "the ratchets have parted");
                return;
            }
        };
        peer.state.next_recv += 1;
        let next = peer.state.next_recv;
        self.touch(contact);
        self.send_frame(contact, Frame::Ack { next });
        if let Some(content) = content {
            self.on_content(contact, content, now);
        }
        // The first envelope of a session gives this side its sending chain.
        self.pump_outbox(contact);
    }

    fn on_content(&mut self, contact: ContactId, content: Content, now: u64) {
        match content {
            Content::Text {
                id,
                sent_at_ms,
                body,
                reply_to,
                expires_in_s,
            } => {
                let message = Message {
                    kind: Kind::Text,
                    body,
                    ..incoming(id, sent_at_ms, now, reply_to, expires_in_s)
                };
                self.store_incoming(contact, message);
            }
            Content::Geo {
                id,
                sent_at_ms,
                lat,
                lon,
                accuracy_m,
                reply_to,
                expires_in_s,
            } => {
                let accuracy = accuracy_m
                    .map(|metres| format!(",{metres}"))
                    .unwrap_or_default();
                let message = Message {
                    kind: Kind::Geo,
                    body: format!("{lat},{lon}{accuracy}"),
                    ..incoming(id, sent_at_ms, now, reply_to, expires_in_s)
                };
                self.store_incoming(contact, message);
            }
            Content::Edit {
                id,
                sent_at_ms,
                target,
                body,
            } => {
                let event = Event::edit(contact, target.0, &body, sent_at_ms);
                let amendment = Amendment::Edited {
                    body,
                    at_ms: sent_at_ms,
                };
                if self.amend_incoming(contact, target, true, amendment, event) {
                    self.queue_receipt(contact, id, now);
                }
            }
            Content::Delete {
                id,
                sent_at_ms,
                target,
            } => {
                let event = Event::delete(contact, target.0, sent_at_ms);
                let amendment = Amendment::Deleted { at_ms: sent_at_ms };
                if self.amend_incoming(contact, target, true, amendment, event) {
                    self.queue_receipt(contact, id, now);
                }
            }
            Content::Reaction {
                id,
                sent_at_ms,
                target,
                emoji,
            } => {
                let event = Event::reaction(contact, target.0, &emoji, sent_at_ms);
                let amendment = Amendment::Reaction {
                    incoming: true,
                    emoji,
                    at_ms: sent_at_ms,
                };
                if self.amend_incoming(contact, target, false, amendment, event) {
                    self.queue_receipt(contact, id, now);
                }
            }
            Content::Receipt { state, ids, at_ms } => self.on_receipt(contact, state, &ids, at_ms),
            Content::File {
                id,
                sent_at_ms,
                name,
                shape,
                size,
                key,
                reply_to,
                expires_in_s,
            } => {
                let transfer = Transfer {
                    id: id.0,
                    name,
                    shape,
                    size,
                    key: key.secret(),
                    sent_at_ms,
                    reply_to: reply_to.map(|id| id.0),
                    expires_in_s,
                    demand: None,
                    side: Side::Offered,
                };
                self.on_file_offer(contact, transfer);
            }
            Content::FileEnd { target, outcome } => self.on_file_end(contact, target.0, outcome),
            Content::Profile { name } => {
                if let Some(peer) = self.peers.get_mut(&contact) {
                    peer.contact.settings.insert("profile".into(), name);
                    self.push(Operation::PutContact(contact));
                }
            }
            Content::Ready | Content::Unknown { .. } => {}
        }
    }

    fn store_incoming(&mut self, contact: ContactId, mut message: Message) {
        message.route = self.route_of(contact).map(str::to_owned);
        let id = message.id;
        let known = self.fresh.contains_key(&(contact, id))
            || self
                .vault
                .find_message(contact, &id)
                .is_ok_and(|found| found.is_some());
        if !known {
            self.fresh.insert((contact, id), true);
            self.note_expiry(contact, id, message.expires_at_ms);
            self.emit(Event::Arrived);
            self.push(Operation::Append {
                contact,
                message: Box::new(message),
            });
        }
        self.queue_receipt(contact, MessageId(id), now_ms());
    }

    /// Applies an edit, deletion or reaction to a message of this conversation.
    ///
    /// Edits and deletions touch only what this contact wrote itself; a target that is not
    /// there changes nothing and is not answered for (docs/protocol/2-session.md §1).
    fn amend_incoming(
        &mut self,
        contact: ContactId,
        target: MessageId,
        own_only: bool,
        amendment: Amendment,
        event: Event,
    ) -> bool {
        let (place, incoming) = match self.fresh.get(&(contact, target.0)) {
            Some(incoming) => (Place::Fresh(target.0), *incoming),
            None => {
                let Ok(Some(position)) = self.vault.find_message(contact, &target.0) else {
                    return false;
                };
                let Ok(Some((message, _))) = self.vault.message(contact, position) else {
                    return false;
                };
                (Place::At(position), message.incoming)
            }
        };
        let allowed = incoming || !own_only;
        if allowed {
            if matches!(amendment, Amendment::Deleted { .. }) {
                self.drop_kept(contact, place);
            }
            self.push(Operation::Amend {
                contact,
                message: place,
                amendment,
            });
            self.emit(event);
        }
        allowed
    }

    /// Notes that `id` is to be confirmed; one receipt for all of a round.
    pub(crate) fn queue_receipt(&mut self, contact: ContactId, id: MessageId, at_ms: u64) {
        if self.receipts_for(contact) == Receipts::None {
            return;
        }
        let waiting = self.receipts.entry(contact).or_default();
        waiting.push(id);
        if waiting.len() >= RECEIPT_MAX {
            self.flush_receipts(at_ms);
        }
    }

    /// Which receipts a contact gets: its own setting, or the profile's.
    pub(crate) fn receipts_for(&self, contact: ContactId) -> Receipts {
        let own = self
            .peers
            .get(&contact)
            .and_then(|peer| peer.contact.settings.get("receipts"));
        match own.map(String::as_str) {
            Some("none") => Receipts::None,
            Some("delivery") => Receipts::Delivery,
            Some("read") => Receipts::Read,
            _ => self.settings.receipts,
        }
    }

    /// Seals one receipt per contact for what this round stored.
    pub(crate) fn flush_receipts(&mut self, at_ms: u64) {
        for (contact, ids) in std::mem::take(&mut self.receipts) {
            let receipt = Content::Receipt {
                state: ReceiptState::Delivered,
                ids,
                at_ms,
            };
            self.enqueue(contact, &receipt, None, QueueTerms::default());
        }
    }

    fn on_receipt(
        &mut self,
        contact: ContactId,
        state: ReceiptState,
        ids: &[MessageId],
        at_ms: u64,
    ) {
        let state = match state {
            ReceiptState::Delivered => DeliveryState::Delivered,
            ReceiptState::Read => DeliveryState::Read,
        };
        let distinct: BTreeSet<[u8; 16]> = ids.iter().map(|id| id.0).collect();
        for id in distinct {
            self.set_state(contact, id, state, at_ms);
        }
    }
}

fn incoming(
    id: MessageId,
    sent_at_ms: u64,
    now: u64,
    reply_to: Option<MessageId>,
    expires_in_s: Option<u64>,
) -> Message {
    Message {
        id: id.0,
        incoming: true,
        sent_at_ms,
        stored_at_ms: now,
        kind: Kind::Text,
        body: String::new(),
        reply_to: reply_to.map(|id| id.0),
        expires_at_ms: expires_in_s.map(|seconds| now.saturating_add(seconds.saturating_mul(1000))),
        client_id: None,
        route: None,
    }
}

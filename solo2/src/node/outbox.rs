//! What waits for a contact: sealed when the link is up, kept until acknowledged.
//!
//! An item is content at rest until both Hellos agreed; then it is sealed in order,
//! its envelopes are stored beside it, and it is sent again on every new link until
//! the peer's `Ack` says that it is on the peer's disk.

use solo2_crypto::content::Content;
use solo2_store::{Amendment, ContactId, DeliveryState, OutboxItem};

use super::core::{Core, Operation, Place};
use super::courier::Order;
use super::event::Event;
use super::peer::Queued;
use super::route;
use super::time::now_ms;
use crate::net::RoutePolicy;
use crate::net::frame::Frame;

/// Envelopes that may be on the wire without an `Ack`: 1 MiB a link.
const WINDOW: u64 = 256;

/// Under which terms something waits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct QueueTerms {
    /// Unix milliseconds after which it is not worth sealing any more.
    pub(crate) give_up_at: Option<u64>,
    /// The one route that it may take.
    pub(crate) demand: Option<RoutePolicy>,
}

impl Core {
    /// Queues content; seals and sends it in this round when the way is free.
    pub(crate) fn enqueue(
        &mut self,
        contact: ContactId,
        content: &Content,
        message: Option<[u8; 16]>,
        terms: QueueTerms,
    ) {
        let QueueTerms { give_up_at, demand } = terms;
        let now = now_ms();
        let ticket = self.new_ticket();
        let sealed = self.seal_now(contact, content, demand);
        let Some(peer) = self.peers.get_mut(&contact) else {
            return;
        };
        let (first_seq, envelopes) = sealed.unwrap_or((0, Vec::new()));
        peer.outbox.push_back(Queued {
            ticket,
            position: None,
            message,
            first_seq,
            count: envelopes.len() as u64,
            queued_at: now,
            give_up_at,
            demand,
        });
        if demand.is_some() {
            self.reconsidered.insert(contact);
        }
        if peer.link.is_none() {
            let _ = peer.courier.send(Order::Dial);
        }
        for (seq, envelope) in (first_seq..).zip(&envelopes) {
            self.send_frame(
                contact,
                Frame::Envelope {
                    seq,
                    envelope: envelope.clone(),
                },
            );
        }
        let item = OutboxItem {
            message,
            content: content
                .to_bytes()
                .map(|bytes| bytes.to_vec())
                .unwrap_or_default(),
            envelopes,
            first_seq,
            queued_at_ms: now,
            give_up_at_ms: give_up_at,
            route: demand.and_then(route::to_code),
        };
        self.push(Operation::PushOutbox {
            contact,
            ticket,
            item,
        });
    }

    /// The envelopes of `content`, when the link is up, nothing waits before it, and the window has room.
    fn seal_now(
        &mut self,
        contact: ContactId,
        content: &Content,
        demand: Option<RoutePolicy>,
    ) -> Option<(u64, Vec<Vec<u8>>)> {
        let peer = self.peers.get(&contact)?;
        let free = peer.is_up()
            && peer.takes(demand)
            && peer.outbox.back().is_none_or(|last| last.count > 0)
            && peer.state.next_send - peer.oldest_unacknowledged() < WINDOW;
        if free {
            self.seal(contact, content)
        } else {
            None
        }
    }

    /// Advances the ratchet over `content`; `None` while this side has no sending chain yet.
    fn seal(&mut self, contact: ContactId, content: &Content) -> Option<(u64, Vec<Vec<u8>>)> {
        let peer = self.peers.get_mut(&contact)?;
        let session = peer
            .state
            .session
            .as_mut()
            .filter(|session| session.can_send())?;
        let envelopes = session.encrypt(content, &mut self.rng).ok()?;
        let first_seq = peer.state.next_send;
        peer.state.next_send += envelopes.len() as u64;
        self.touch(contact);
        Some((first_seq, envelopes))
    }

    /// Seals what waits, as far as the window allows.
    pub(crate) fn pump_outbox(&mut self, contact: ContactId) {
        let Some(peer) = self.peers.get(&contact) else {
            return;
        };
        if !peer.is_up() || peer.outbox.back().is_none_or(|last| last.count > 0) {
            return;
        }
        if peer.outbox.iter().any(|queued| queued.position.is_none()) {
            // Positions are given by the commit; without them an item cannot be updated.
            self.commit();
        }
        let now = now_ms();
        let stale =
            |queued: &Queued| queued.count == 0 && queued.give_up_at.is_some_and(|at| at <= now);
        if self
            .peers
            .get(&contact)
            .is_some_and(|peer| peer.outbox.iter().any(stale))
        {
            self.give_up_stale(now);
        }
        let Some(peer) = self.peers.get(&contact) else {
            return;
        };
        let waiting: Vec<(usize, u64)> = peer
            .outbox
            .iter()
            .enumerate()
            .filter(|(_, queued)| queued.count == 0)
            .filter_map(|(index, queued)| Some((index, queued.position?)))
            .take(WINDOW as usize)
            .collect();
        for (index, position) in waiting {
            let full = self
                .peers
                .get(&contact)
                .is_none_or(|peer| peer.state.next_send - peer.oldest_unacknowledged() >= WINDOW);
            let waits = self.peers.get(&contact).is_some_and(|peer| {
                let queued = peer.outbox.get(index);
                queued.is_some_and(|queued| !peer.takes(queued.demand))
            });
            if full || waits {
                return;
            }
            let item = match self.vault.outbox_item(contact, position) {
                Ok(Some(item)) => item,
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!("cannot read a queued message: {error}");
                    return;
                }
            };
            let Ok(content) = Content::from_bytes(&item.content) else {
                tracing::error!("a queued message is damaged");
                continue;
            };
            let Some((first_seq, envelopes)) = self.seal(contact, &content) else {
                return;
            };
            if let Some(queued) = self
                .peers
                .get_mut(&contact)
                .and_then(|peer| peer.outbox.get_mut(index))
            {
                queued.first_seq = first_seq;
                queued.count = envelopes.len() as u64;
            }
            for (seq, envelope) in (first_seq..).zip(&envelopes) {
                self.send_frame(
                    contact,
                    Frame::Envelope {
                        seq,
                        envelope: envelope.clone(),
                    },
                );
            }
            let item = OutboxItem {
                envelopes,
                first_seq,
                ..item
            };
            self.push(Operation::UpdateOutbox {
                contact,
                position,
                item,
            });
        }
    }

    /// Forgets envelopes that a dead session sealed; their contents are sealed again under the new one.
    pub(crate) fn unseal_outbox(&mut self, contact: ContactId) {
        let Some(peer) = self.peers.get_mut(&contact) else {
            return;
        };
        let mut stale = Vec::new();
        for queued in peer.outbox.iter_mut().filter(|queued| queued.count > 0) {
            queued.count = 0;
            queued.first_seq = 0;
            stale.extend(queued.position);
        }
        for position in stale {
            match self.vault.outbox_item(contact, position) {
                Ok(Some(item)) => {
                    let item = OutboxItem {
                        envelopes: Vec::new(),
                        first_seq: 0,
                        ..item
                    };
                    self.push(Operation::UpdateOutbox {
                        contact,
                        position,
                        item,
                    });
                }
                Ok(None) => {}
                Err(error) => tracing::error!("cannot read a queued message: {error}"),
            }
        }
    }

    /// Puts the round on disk if something of it is sealed for a contact.
    pub(crate) fn place_sealed(&mut self, contact: ContactId) {
        let placeless = |queued: &Queued| queued.count > 0 && queued.position.is_none();
        let peer = self.peers.get(&contact);
        if peer.is_some_and(|peer| peer.outbox.iter().any(placeless)) {
            self.commit();
        }
    }

    /// Sends again what the peer has not seen: these envelopes are on disk already.
    pub(crate) fn resend(&mut self, contact: ContactId, from: u64) {
        let Some(peer) = self.peers.get(&contact) else {
            return;
        };
        let positions: Vec<u64> = peer
            .outbox
            .iter()
            .filter(|queued| queued.count > 0 && queued.first_seq + queued.count > from)
            .filter_map(|queued| queued.position)
            .collect();
        for position in positions {
            let Ok(Some(item)) = self.vault.outbox_item(contact, position) else {
                continue;
            };
            for (seq, envelope) in (item.first_seq..).zip(item.envelopes) {
                if seq >= from {
                    self.send_frame(contact, Frame::Envelope { seq, envelope });
                }
            }
        }
    }

    /// The peer has everything before `next` on its disk: there is room for what waits.
    pub(crate) fn on_ack(&mut self, contact: ContactId, next: u64) {
        self.acknowledged(contact, next);
        self.pump_outbox(contact);
    }

    /// Forgets what the peer has: everything before `next`.
    pub(crate) fn acknowledged(&mut self, contact: ContactId, next: u64) {
        let Some(peer) = self.peers.get(&contact) else {
            return;
        };
        if next > peer.state.next_send {
            self.drop_link(contact, "acknowledged what was never sent");
            return;
        }
        let done = |queued: &Queued| queued.count > 0 && queued.first_seq + queued.count <= next;
        if peer
            .outbox
            .front()
            .is_some_and(|first| done(first) && first.position.is_none())
        {
            self.commit();
        }
        let mut acknowledged = Vec::new();
        if let Some(peer) = self.peers.get_mut(&contact) {
            while peer.outbox.front().is_some_and(done) {
                acknowledged.extend(peer.outbox.pop_front());
            }
        }
        for queued in acknowledged {
            if let Some(position) = queued.position {
                self.push(Operation::RemoveOutbox { contact, position });
            }
            if let Some(message) = queued.message {
                // A receipt gets no receipt: on the peer's disk is all it can be.
                let state = match self.told.remove(&message) {
                    true => DeliveryState::Delivered,
                    false => DeliveryState::Sent,
                };
                let route = self.route_of(contact);
                self.emit(Event::receipt(contact, message, state, now_ms(), route));
            }
        }
    }

    /// Items whose time to live has passed before they could be sealed are given up.
    pub(crate) fn give_up_stale(&mut self, now: u64) {
        let mut stale = Vec::new();
        for (contact, peer) in &mut self.peers {
            peer.outbox.retain(|queued| {
                let gone = queued.count == 0
                    && queued.position.is_some()
                    && queued.give_up_at.is_some_and(|at| at <= now);
                if gone {
                    stale.push((*contact, queued.position, queued.message));
                }
                !gone
            });
        }
        for (contact, position, message) in stale {
            if let Some(position) = position {
                self.push(Operation::RemoveOutbox { contact, position });
            }
            if let Some(message) = message {
                self.set_state(contact, message, DeliveryState::Failed, now);
            }
        }
    }

    /// Takes an item that is not sealed yet out of the queue; `false` when it left already.
    pub(crate) fn cancel_queued(&mut self, message: [u8; 16]) -> Option<bool> {
        let (contact, index) = self.peers.iter().find_map(|(contact, peer)| {
            let index = peer
                .outbox
                .iter()
                .position(|queued| queued.message == Some(message))?;
            Some((*contact, index))
        })?;
        let peer = self.peers.get_mut(&contact)?;
        if peer.outbox.get(index)?.count > 0 {
            return Some(false);
        }
        let queued = peer.outbox.remove(index)?;
        if let Some(position) = queued.position {
            self.push(Operation::RemoveOutbox { contact, position });
        }
        self.set_state(contact, message, DeliveryState::Failed, now_ms());
        Some(true)
    }

    /// Records and announces a new delivery state of one of our messages.
    pub(crate) fn set_state(
        &mut self,
        contact: ContactId,
        message: [u8; 16],
        state: DeliveryState,
        at_ms: u64,
    ) {
        let route = self.route_of(contact);
        if self.acts.remove(&message) {
            self.emit(Event::receipt(contact, message, state, at_ms, route));
            return;
        }
        if state != DeliveryState::Sent {
            self.outgoing_over(contact, message, state);
        }
        match self.own_message_of(contact, message, state) {
            Ok(Some(place)) => {
                let amendment = Amendment::State {
                    state,
                    at_ms,
                    route: route.map(str::to_owned),
                };
                self.push(Operation::Amend {
                    contact,
                    message: place,
                    amendment,
                });
                self.emit(Event::receipt(contact, message, state, at_ms, route));
            }
            Ok(None) => {}
            Err(error) => tracing::error!("cannot read the vault: {error}"),
        }
    }

    /// The place of one of our messages to `contact` that has not reached `state` yet.
    fn own_message_of(
        &self,
        contact: ContactId,
        message: [u8; 16],
        state: DeliveryState,
    ) -> Result<Option<Place>, solo2_store::ReadError> {
        if let Some(incoming) = self.fresh.get(&(contact, message)) {
            return Ok((!incoming).then_some(Place::Fresh(message)));
        }
        let Some(position) = self.vault.find_message(contact, &message)? else {
            return Ok(None);
        };
        let Some((found, amendments)) = self.vault.message(contact, position)? else {
            return Ok(None);
        };
        let reached = amendments.state().is_some_and(|(known, ..)| known >= state);
        Ok((!found.incoming && !reached).then_some(Place::At(position)))
    }

    /// Wakes the couriers of everybody who has something waiting and no link.
    pub(crate) fn dial_waiting(&self) {
        for peer in self
            .peers
            .values()
            .filter(|peer| peer.link.is_none() && !peer.outbox.is_empty())
        {
            let _ = peer.courier.send(Order::Dial);
        }
    }
}

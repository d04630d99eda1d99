//! What the user reads: messages with what happened to them since, queue, routes.

use serde_json::{Value, json};
use solo2_store::{Amendments, Contact, ContactId, Kind, Message, StoredFile};

use super::core::Core;
use super::event::{file_id, hex, message_id, peer_id, peer_json, rfc3339, state_name};
use super::failure;
use crate::config::Cover;
use crate::error::Failure;

impl Core {
    /// A message as it is printed, with every amendment applied.
    pub(crate) fn message_json(
        &self,
        contact: &Contact,
        message: &Message,
        amendments: &Amendments,
        cursor: Option<u64>,
    ) -> Value {
        let deleted_at = amendments.deleted_at_ms();
        let text = amendments.body(message).unwrap_or_default();
        let body = match (deleted_at, message.kind) {
            (Some(_), _) => Value::Null,
            (None, Kind::Text) => json!({ "text": text }),
            (None, Kind::Geo) => geo_json(text),
            (None, Kind::File) => file_json(text, amendments),
        };
        // Ours tell it once they have arrived.
        let taken = amendments.state().and_then(|(_, _, route)| route);
        let mut object = json!({
            "v": 1,
            "type": "message",
            "id": id_text(message),
            "cursor": cursor.map(|n| format!("c_{n}")),
            "ts": rfc3339(message.sent_at_ms),
            "profile": self.settings.profile,
            "dir": if message.incoming { "in" } else { "out" },
            "peer": peer_json(contact),
            "device": message.incoming.then(|| self.device_of(contact.id)),
            "route": message.route.as_deref().or(taken),
            "body": body,
            "reply_to": message.reply_to.map(message_id),
            "expires_at": message.expires_at_ms.map(rfc3339),
        });
        if let Some(fields) = object.as_object_mut() {
            if !message.incoming {
                fields.insert(
                    "state".into(),
                    json!(self.state_json(contact.id, message.id, amendments)),
                );
            }
            if let Some(at) = amendments.edited_at_ms() {
                fields.insert("edited_at".into(), json!(rfc3339(at)));
            }
            if let Some(at) = deleted_at {
                fields.insert("deleted_at".into(), json!(rfc3339(at)));
            }
            let reactions: Vec<Value> = [true, false]
                .into_iter()
                .filter_map(|incoming| {
                    let emoji = amendments.reaction(incoming)?;
                    Some(json!({ "dir": if incoming { "in" } else { "out" }, "emoji": emoji }))
                })
                .collect();
            if !reactions.is_empty() {
                fields.insert("reactions".into(), json!(reactions));
            }
        }
        object
    }

    fn device_of(&self, contact: ContactId) -> Option<String> {
        let signing = self.peers.get(&contact)?.keys.certificate.signing();
        Some(format!("d_{}", hex(signing.first_chunk::<8>()?)))
    }

    /// `queued` until the peer has it, `sent` until it says so, then what it said.
    fn state_json(
        &self,
        contact: ContactId,
        id: [u8; 16],
        amendments: &Amendments,
    ) -> &'static str {
        match amendments.state() {
            Some((state, ..)) => state_name(state),
            None if self.is_queued(contact, id) => "queued",
            None => "sent",
        }
    }

    fn is_queued(&self, contact: ContactId, id: [u8; 16]) -> bool {
        self.peers
            .get(&contact)
            .is_some_and(|peer| peer.outbox.iter().any(|queued| queued.message == Some(id)))
    }

    /// The state of one of our messages or acts, for a caller that waits.
    pub(crate) fn state_of(
        &self,
        contact: ContactId,
        id: [u8; 16],
    ) -> Result<&'static str, Failure> {
        let amendments = self.amendments_of(contact, id)?;
        Ok(self.state_json(contact, id, &amendments))
    }

    /// The way that a message took, once it has arrived.
    pub(crate) fn route_taken(
        &self,
        contact: ContactId,
        id: [u8; 16],
    ) -> Result<Option<String>, Failure> {
        let amendments = self.amendments_of(contact, id)?;
        let route = amendments.state().and_then(|(_, _, route)| route);
        Ok(route.map(str::to_owned))
    }

    fn amendments_of(&self, contact: ContactId, id: [u8; 16]) -> Result<Amendments, Failure> {
        let found = self
            .vault
            .find_message(contact, &id)
            .map_err(|error| failure::read(&error))?;
        let Some(position) = found else {
            return Ok(Amendments::default());
        };
        let message = self
            .vault
            .message(contact, position)
            .map_err(|error| failure::read(&error))?;
        let amendments = message.map(|(_, amendments)| amendments);
        Ok(amendments.unwrap_or_default())
    }

    /// Messages behind `after` in the order of arrival.
    pub(crate) fn arrivals(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, ContactId, Value)>, Failure> {
        let entries = self
            .vault
            .inbox(after, limit)
            .map_err(|error| failure::read(&error))?;
        let mut lines = Vec::new();
        for entry in entries {
            let (number, id) = (entry.number, entry.contact);
            let message = self
                .vault
                .message(id, entry.seq)
                .map_err(|error| failure::read(&error))?;
            let line = match (self.peers.get(&id), message) {
                (Some(peer), Some((message, amendments)))
                    if message.kind == Kind::File && amendments.deleted_at_ms().is_none() =>
                {
                    let file = amendments.file();
                    file_done_json(id, &peer.contact.name, &message, file, Some(number))
                }
                (Some(peer), Some((message, amendments))) => {
                    self.message_json(&peer.contact, &message, &amendments, Some(number))
                }
                _ => Value::Null,
            };
            lines.push((number, id, line));
        }
        Ok(lines)
    }

    pub(crate) fn queue_json(&self) -> Vec<Value> {
        let mut items = Vec::new();
        for peer in self.peers.values() {
            for queued in &peer.outbox {
                if let Some(message) = queued.message {
                    items.push(json!({
                        "v": 1,
                        "type": "queue.item",
                        "id": message_id(message),
                        "peer": peer_json(&peer.contact),
                        "state": if queued.count > 0 { "sealed" } else { "queued" },
                        "queued_at": rfc3339(queued.queued_at),
                        "gives_up_at": queued.give_up_at.map(rfc3339),
                    }));
                }
            }
        }
        items
    }

    pub(crate) fn routes_json(&self) -> Vec<Value> {
        self.peers
            .iter()
            .map(|(id, peer)| {
                let link = peer.link.as_ref().filter(|_| peer.is_up());
                let info = link.map(|link| link.info.borrow().clone());
                json!({
                    "peer": peer_id(*id),
                    "name": peer.contact.name,
                    "connected": link.is_some(),
                    "route": link.map(|link| link.route),
                    "transport": link.map(|link| link.transport),
                    "circuits": link.and_then(|link| link.lanes.circuits()),
                    "key_epoch": info.as_ref().map(|info| info.key_epoch),
                    "handshake_id": info.as_ref().map(|info| hex(&info.handshake_id)),
                    "cover": info.map(|info| Cover(info.cover).to_string()),
                    "rtt_ms": link.and_then(|link| link.path.borrow().rtt).map(|rtt| rtt.as_secs_f64() * 1000.0),
                })
            })
            .collect()
    }
}

/// The id of a message as the user sees it.
fn id_text(message: &Message) -> String {
    match message.kind {
        Kind::File => file_id(message.id),
        Kind::Text | Kind::Geo => message_id(message.id),
    }
}

fn file_json(name: &str, amendments: &Amendments) -> Value {
    let arrived = amendments.file();
    json!({ "file": {
        "name": name,
        "size": arrived.map(|file| file.size),
        "blake3": arrived.map(|file| hex(&file.root)),
        "path": arrived.and_then(|file| file.path.as_deref()),
    } })
}

/// A file that is all here, as `recv` prints it.
pub(crate) fn file_done_json(
    contact: ContactId,
    name: &str,
    message: &Message,
    file: Option<&StoredFile>,
    cursor: Option<u64>,
) -> Value {
    json!({
        "v": 1,
        "type": "file.done",
        "id": file_id(message.id),
        "cursor": cursor.map(|n| format!("c_{n}")),
        "ts": rfc3339(message.sent_at_ms),
        "peer": peer_id(contact),
        "peer_name": name,
        "route": message.route,
        "name": message.body,
        "size": file.map(|file| file.size),
        "path": file.and_then(|file| file.path.as_deref()),
        "blake3": file.map(|file| hex(&file.root)),
        "verified": file.is_some(),
    })
}

fn geo_json(text: &str) -> Value {
    let mut numbers = text.split(',').map(|part| part.parse::<f64>().ok());
    let geo = json!({
        "lat": numbers.next().flatten(),
        "lon": numbers.next().flatten(),
        "accuracy_m": numbers.next().flatten(),
    });
    json!({ "geo": geo })
}

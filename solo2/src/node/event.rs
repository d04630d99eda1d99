//! What watchers are told, in the shapes of the JSON Lines schema.
//!
//! The core emits events without knowing names or verification; [`Event::to_json`] adds
//! them when a reader is there. Fields: docs/cli.md, "JSON Lines schema (v1)".

use serde_json::{Value, json};
use solo2_store::{Contact, ContactId, DeliveryState};

use super::transfer::Transfer;
use super::transfers::shape_name;
use crate::error::Failure;
pub(crate) use crate::event::timestamp_ms as rfc3339;

/// One thing that happened.
#[derive(Clone)]
pub(crate) enum Event {
    /// A message was stored; readers fetch it from the inbox.
    Arrived,
    /// One of our messages reached a new state.
    Receipt {
        contact: ContactId,
        message: [u8; 16],
        state: DeliveryState,
        at_ms: u64,
        /// The way to the peer, if there is a link.
        route: Option<&'static str>,
    },
    /// An edit, deletion, reaction, route change: complete but for the peer.
    OfPeer {
        contact: ContactId,
        kind: &'static str,
        fields: Value,
    },
    /// Complete.
    Value(Value),
}

/// A file on its way.
pub(crate) struct Moved<'a> {
    pub(crate) id: [u8; 16],
    pub(crate) name: &'a str,
    pub(crate) incoming: bool,
    /// Bytes on the receiver's disk.
    pub(crate) bytes: u64,
    pub(crate) size: Option<u64>,
    /// Bytes a second.
    pub(crate) rate: u64,
    /// Bytes that were there before.
    pub(crate) resumed_from: u64,
    /// The way that they take.
    pub(crate) route: &'static str,
}

impl Event {
    pub(crate) fn receipt(
        contact: ContactId,
        message: [u8; 16],
        state: DeliveryState,
        at_ms: u64,
        route: Option<&'static str>,
    ) -> Self {
        Self::Receipt {
            contact,
            message,
            state,
            at_ms,
            route,
        }
    }

    pub(crate) fn edit(contact: ContactId, target: [u8; 16], body: &str, at_ms: u64) -> Self {
        let fields =
            json!({ "id": message_id(target), "ts": rfc3339(at_ms), "body": { "text": body } });
        Self::OfPeer {
            contact,
            kind: "edit",
            fields,
        }
    }

    pub(crate) fn delete(contact: ContactId, target: [u8; 16], at_ms: u64) -> Self {
        let fields = json!({ "id": message_id(target), "ts": rfc3339(at_ms) });
        Self::OfPeer {
            contact,
            kind: "delete",
            fields,
        }
    }

    pub(crate) fn reaction(contact: ContactId, target: [u8; 16], emoji: &str, at_ms: u64) -> Self {
        let fields = json!({ "id": message_id(target), "ts": rfc3339(at_ms), "emoji": emoji });
        Self::OfPeer {
            contact,
            kind: "reaction",
            fields,
        }
    }

    pub(crate) fn route(
        contact: ContactId,
        from: Option<&str>,
        to: Option<&str>,
        reason: &str,
    ) -> Self {
        Self::OfPeer {
            contact,
            kind: "route",
            fields: json!({ "from": from, "to": to, "reason": reason }),
        }
    }

    pub(crate) fn session_reset(contact: ContactId) -> Self {
        Self::OfPeer {
            contact,
            kind: "session.reset",
            fields: json!({}),
        }
    }

    /// A file of the contact's, and whether it was taken without asking.
    pub(crate) fn file_offer(
        contact: ContactId,
        transfer: &Transfer,
        taken: bool,
        limit: Option<u64>,
    ) -> Self {
        let fields = json!({
            "id": file_id(transfer.id),
            "name": transfer.name,
            "shape": shape_name(transfer.shape),
            "size": transfer.size,
            "blake3": null,
            "mime": null,
            "ts": rfc3339(transfer.sent_at_ms),
            "state": if taken { "accepted" } else { "offered" },
            "limit": limit,
        });
        Self::OfPeer {
            contact,
            kind: "file.offer",
            fields,
        }
    }

    /// How far a file came.
    pub(crate) fn file_progress(contact: ContactId, moved: &Moved<'_>) -> Self {
        let fields = json!({
            "id": file_id(moved.id),
            "name": moved.name,
            "dir": if moved.incoming { "in" } else { "out" },
            "bytes": moved.bytes,
            "size": moved.size,
            "rate_bps": moved.rate,
            "route": moved.route,
            "resumed_from": moved.resumed_from,
        });
        Self::OfPeer {
            contact,
            kind: "file.progress",
            fields,
        }
    }

    /// A file does not come: for ever, or until something is mended here.
    pub(crate) fn file_failed(
        contact: ContactId,
        id: [u8; 16],
        name: &str,
        problem: &Failure,
        retryable: bool,
    ) -> Self {
        let fields = json!({
            "id": file_id(id),
            "name": name,
            "reason": problem.code,
            "message": problem.message,
            "retryable": retryable,
        });
        Self::OfPeer {
            contact,
            kind: "file.failed",
            fields,
        }
    }

    pub(crate) fn contact(&self) -> Option<ContactId> {
        match self {
            Self::Receipt { contact, .. } | Self::OfPeer { contact, .. } => Some(*contact),
            Self::Arrived | Self::Value(_) => None,
        }
    }

    /// The event as readers see it; `None` for what they fetch themselves.
    pub(crate) fn to_json(&self, contact: Option<&Contact>) -> Option<Value> {
        match self {
            Self::Arrived => None,
            Self::Value(value) => Some(value.clone()),
            Self::Receipt {
                contact,
                message,
                state,
                at_ms,
                route,
            } => Some(json!({
                "v": 1,
                "type": "receipt",
                "id": message_id(*message),
                "peer": peer_id(*contact),
                "state": state_name(*state),
                "ts": rfc3339(*at_ms),
                "route": route,
            })),
            Self::OfPeer { kind, fields, .. } => {
                let mut object = json!({ "v": 1, "type": kind });
                let peer = match (*kind, contact) {
                    ("route" | "session.reset", _) | (_, None) => {
                        json!(self.contact().map(peer_id))
                    }
                    (kind, _) if kind.starts_with("file.") => json!(self.contact().map(peer_id)),
                    (_, Some(contact)) => peer_json(contact),
                };
                if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), fields) {
                    object.insert("peer".into(), peer);
                    if let Some(contact) = contact.filter(|_| kind.starts_with("file.")) {
                        object.insert("peer_name".into(), json!(contact.name));
                    }
                    object.extend(fields.clone());
                }
                Some(object)
            }
        }
    }
}

/// The peer as message events name it.
pub(crate) fn peer_json(contact: &Contact) -> Value {
    json!({ "name": contact.name, "id": peer_id(contact.id), "verified": contact.verified })
}

pub(crate) fn peer_id(contact: ContactId) -> String {
    format!("p_{}", hex(&contact.0))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A message id as a ULID: 26 characters of Crockford's base 32.
pub(crate) fn message_id(id: [u8; 16]) -> String {
    ulid::Ulid::from_bytes(id).to_string()
}

/// Reads the id of a message or of a file.
pub(crate) fn parse_message_id(text: &str) -> Option<[u8; 16]> {
    let ulid = text.strip_prefix("f_").unwrap_or(text);
    ulid::Ulid::from_string(ulid).ok().map(|id| id.to_bytes())
}

/// A file's id: `f_` before the id of the message that offers it.
pub(crate) fn file_id(id: [u8; 16]) -> String {
    format!("f_{}", message_id(id))
}

pub(crate) fn state_name(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Sent => "sent",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Read => "read",
        DeliveryState::Failed => "failed",
    }
}

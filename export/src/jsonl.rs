//! Records: what a document says of its owner, a contact, a message.
//!
//! Fields are `solo2 history --json`'s where both have them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use solo2_store::{Amendments, Contact, DeliveryState, Kind, Message, Trust};

use crate::document::Placed;
use crate::sums::hex;
use crate::walk::SETTINGS;
use crate::{Names, Request};

/// One JSON object and a line end.
pub(crate) fn line(value: &Value) -> Vec<u8> {
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// What the document is; `format` and `version` come first.
pub(crate) fn manifest(request: &Request<'_>, format: &str) -> Value {
    json!({
        "format": format,
        "version": 1,
        "program": request.program,
        "created_at": time(request.now_ms),
        "identity": {
            "name": request.owner.name,
            "id": request.owner.id,
            "fingerprint": request.owner.fingerprint,
            "certificate": hex(&request.owner.certificate),
        },
        "filter": {
            "chat": request.chat,
            "since": request.since_ms.map(time),
            "until": request.until_ms.map(time),
            "files": request.files,
        },
        "contacts": request.contacts.len(),
    })
}

pub(crate) fn contact(contact: &Contact, directory: &str) -> Value {
    let settings: Map<String, Value> = contact
        .settings
        .iter()
        .filter(|(key, _)| SETTINGS.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    json!({
        "v": 1,
        "type": "contact",
        "id": contact.id.to_string(),
        "name": contact.name,
        "fingerprint": hex(&contact.account),
        "certificate": hex(&contact.certificate),
        "verified": contact.verified,
        "trust": match contact.trust {
            Trust::New => "new",
            Trust::Known => "known",
            Trust::Trusted => "trusted",
            Trust::Verified => "verified",
        },
        "blocked": contact.blocked,
        "changed_to": contact.changed_to.map(|key| hex(&key)),
        "added_at": time(contact.added_at_ms),
        "settings": settings,
        "conversation": directory,
    })
}

/// A message as it reads now; former texts stay behind.
pub(crate) fn message(
    seq: u64,
    message: &Message,
    amendments: &Amendments,
    file: Option<&Placed>,
    names: &Names,
) -> Value {
    let text = amendments.body(message).unwrap_or_default();
    let body = match message.kind {
        Kind::Text => json!({ "text": text }),
        Kind::Geo => json!({ "geo": geo(text) }),
        Kind::File => {
            let stored = amendments.file();
            json!({ "file": {
                "name": text,
                "size": stored.map(|file| file.size),
                "blake3": stored.map(|file| hex(&file.root)),
                "path": file.map(|placed| placed.path.as_str()),
                "sha256": file.and_then(|placed| placed.sha256.as_ref()).map(|hash| hex(hash)),
                "files": file.and_then(|placed| placed.files),
            } })
        }
    };
    let reactions: Vec<Value> = [true, false]
        .into_iter()
        .filter_map(|incoming| {
            let emoji = amendments.reaction(incoming)?;
            Some(json!({ "dir": dir(incoming), "emoji": emoji }))
        })
        .collect();
    let state = amendments.state().filter(|_| !message.incoming);
    json!({
        "v": 1,
        "type": "message",
        "n": seq,
        "id": (names.id)(message.kind, message.id),
        "ts": time(message.sent_at_ms),
        "stored_at": time(message.stored_at_ms),
        "dir": dir(message.incoming),
        "body": body,
        "edited_at": amendments.edited_at_ms().map(time),
        "reply_to": message.reply_to.map(|id| (names.id)(Kind::Text, id)),
        "expires_at": message.expires_at_ms.map(time),
        "client_id": message.client_id,
        "route": message.route,
        "state": state.map(|(state, ..)| match state {
            DeliveryState::Failed => "failed",
            DeliveryState::Sent => "sent",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Read => "read",
        }),
        "state_at": state.map(|(_, at, _)| time(at)),
        "reactions": reactions,
    })
}

/// Who wrote it.
fn dir(incoming: bool) -> &'static str {
    if incoming { "in" } else { "out" }
}

fn geo(text: &str) -> Value {
    let mut numbers = text.split(',').map(|part| part.parse::<f64>().ok());
    json!({
        "lat": numbers.next().flatten(),
        "lon": numbers.next().flatten(),
        "accuracy_m": numbers.next().flatten(),
    })
}

/// RFC 3339 in UTC with milliseconds; far-off times are clamped.
pub(crate) fn time(ms: u64) -> String {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    let moment = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    format!("{moment:.3}")
}

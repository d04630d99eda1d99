//! Records: what a document says of its owner, a contact, a message.
//!
//! Fields are `solo2 history --json`'s where both have them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use solo2_crypto::content::Shape;
use solo2_store::{Amendment, Amendments, Contact, ContactId, DeliveryState, Kind, Trust};

use crate::document::Placed;
use crate::sums::hex;
use crate::walk::{self, SETTINGS};
use crate::{Numbered, Request};

/// One JSON object and a line end.
///
/// # Panics
///
/// Never: keys are strings, and memory takes everything.
pub(crate) fn line(object: &impl Serialize) -> String {
    let mut line = serde_json::to_string(object).expect("a record is JSON");
    line.push('\n');
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
        "base": request.base.as_ref().map(|base| json!({
            "sha256": hex(&base.sha256),
            "created_at": base.created_at,
        })),
    })
}

pub(crate) const TRUST: [(&str, Trust); 4] = [
    ("new", Trust::New),
    ("known", Trust::Known),
    ("trusted", Trust::Trusted),
    ("verified", Trust::Verified),
];

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
        "trust": TRUST
            .iter()
            .find(|(_, known)| *known == contact.trust)
            .map(|(name, _)| name),
        "blocked": contact.blocked,
        "changed_to": contact.changed_to.map(|key| hex(&key)),
        "added_at": time(contact.added_at_ms),
        "settings": settings,
        "conversation": directory,
    })
}

/// Somebody whom the document that this one builds on has, and its vault no more.
pub(crate) fn removed(id: ContactId) -> Value {
    json!({ "v": 1, "type": "contact.removed", "id": id.to_string() })
}

/// A message's record: one line of millions, so no map of its fields is made for it.
#[derive(Serialize)]
pub(crate) struct Line<'a> {
    v: u8,
    r#type: &'static str,
    n: u64,
    id: String,
    ts: String,
    stored_at: String,
    dir: &'static str,
    kind: &'static str,
    body: Option<Body<'a>>,
    edited_at: Option<String>,
    deleted_at: Option<String>,
    reply_to: Option<String>,
    expires_at: Option<String>,
    client_id: Option<&'a str>,
    route: Option<&'a str>,
    state: Option<&'static str>,
    state_at: Option<String>,
    state_route: Option<&'a str>,
    reactions: Vec<Reaction<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Body<'a> {
    Text(&'a str),
    Geo(Value),
    File(Value),
}

#[derive(Serialize)]
struct Reaction<'a> {
    dir: &'static str,
    emoji: &'a str,
    at: String,
}

/// A message as it reads now; former texts stay behind, and of a deleted one every text.
pub(crate) fn message<'a>(
    request: &Request<'_>,
    (seq, message, amendments): &'a Numbered,
    file: Option<&Placed>,
) -> Line<'a> {
    let names = &request.names;
    let deleted_at = walk::deleted_at(request, message, amendments);
    let text = amendments.body(message).unwrap_or_default();
    let body = match (deleted_at, message.kind) {
        (Some(_), _) => None,
        (None, Kind::Text) => Some(Body::Text(text)),
        (None, Kind::Geo) => Some(Body::Geo(geo(text))),
        (None, Kind::File) => {
            let stored = amendments.file();
            Some(Body::File(json!({
                "name": text,
                "shape": stored.map(|file| shape(file.shape)),
                "size": stored.map(|file| file.size),
                "blake3": stored.map(|file| hex(&file.root)),
                "stored_at": stored.map(|file| time(file.at_ms)),
                "path": file.map(|placed| placed.path.as_str()),
                "sha256": file.and_then(|placed| placed.sha256.as_ref()).map(|hash| hex(hash)),
                "files": file.and_then(|placed| placed.files),
            })))
        }
    };
    let reactions = [true, false]
        .into_iter()
        .filter(|_| deleted_at.is_none())
        .filter_map(|incoming| {
            let (emoji, at_ms) = last_reaction(amendments, incoming)?;
            Some(Reaction {
                dir: dir(incoming),
                emoji,
                at: time(at_ms),
            })
        })
        .collect();
    let edited_at = amendments
        .edited_at_ms()
        .filter(|_| deleted_at.is_none())
        .map(time);
    let state = amendments.state();
    let queued = request.queued.contains(&message.id);
    Line {
        v: 1,
        r#type: "message",
        n: *seq,
        id: (names.id)(message.kind, message.id),
        ts: time(message.sent_at_ms),
        stored_at: time(message.stored_at_ms),
        dir: dir(message.incoming),
        kind: match message.kind {
            Kind::Text => "text",
            Kind::Geo => "geo",
            Kind::File => "file",
        },
        body,
        edited_at,
        deleted_at: deleted_at.map(time),
        reply_to: message.reply_to.map(|id| (names.id)(Kind::Text, id)),
        expires_at: message.expires_at_ms.map(time),
        client_id: message.client_id.as_deref(),
        route: message.route.as_deref(),
        state: match state {
            _ if message.incoming => None,
            Some((state, ..)) => Some(state_name(state)),
            None if queued => Some("queued"),
            None => Some("sent"),
        },
        state_at: state
            .filter(|_| !message.incoming)
            .map(|(_, at, _)| time(at)),
        state_route: state
            .filter(|_| !message.incoming)
            .and_then(|(.., route)| route),
        reactions,
    }
}

/// The last word of one side, an empty one if it took its reaction back.
fn last_reaction(amendments: &Amendments, incoming: bool) -> Option<(&str, u64)> {
    amendments
        .0
        .iter()
        .rev()
        .find_map(|amendment| match amendment {
            Amendment::Reaction {
                incoming: side,
                emoji,
                at_ms,
            } if *side == incoming => Some((emoji.as_str(), *at_ms)),
            _ => None,
        })
}

pub(crate) const STATES: [(&str, DeliveryState); 4] = [
    ("failed", DeliveryState::Failed),
    ("sent", DeliveryState::Sent),
    ("delivered", DeliveryState::Delivered),
    ("read", DeliveryState::Read),
];

fn state_name(state: DeliveryState) -> &'static str {
    STATES
        .iter()
        .find(|(_, known)| *known == state)
        .map_or("sent", |(name, _)| name)
}

pub(crate) const SHAPES: [(&str, Shape); 3] = [
    ("file", Shape::File),
    ("directory", Shape::Directory),
    ("pipe", Shape::Pipe),
];

/// A shape that a newer version knows is the bytes that it is.
fn shape(code: u8) -> &'static str {
    SHAPES
        .iter()
        .find(|(_, known)| known.code() == code)
        .map_or("file", |(name, _)| name)
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

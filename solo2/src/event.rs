//! One vocabulary for `--json`, the agent's socket and the human view.
//!
//! An event is a JSON object with `v` and `type` in front. The node makes
//! most of them; this file holds what all share and the table of types that
//! `solo2 schema` prints. Readers ignore types and fields they do not know.
//! Spec: docs/cli.md, "JSON Lines schema (v1)".

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// An event of `kind` with `fields` after `v` and `type`.
pub(crate) fn event(kind: &str, fields: Value) -> Value {
    let mut object = Map::new();
    object.insert("v".to_owned(), 1.into());
    object.insert("type".to_owned(), kind.into());
    if let Value::Object(fields) = fields {
        for (key, value) in fields {
            if key != "v" && key != "type" {
                object.insert(key, value);
            }
        }
    }
    Value::Object(object)
}

/// The type of an event, or nothing.
pub(crate) fn kind(event: &Value) -> &str {
    event["type"].as_str().unwrap_or_default()
}

/// RFC 3339 in UTC with milliseconds, as every time in an event.
pub(crate) fn timestamp(moment: Timestamp) -> String {
    format!("{moment:.3}")
}

/// [`timestamp`] of milliseconds since 1970; far-off times are clamped.
pub(crate) fn timestamp_ms(ms: u64) -> String {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    timestamp(Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX))
}

/// What a field holds.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Number,
    Bool,
    Time,
    Object,
    List,
}

/// `(type, what it tells, fields)`; a name ending in `?` may be null.
type Row = (&'static str, &'static str, &'static [(&'static str, Shape)]);

use Shape::{Bool, List, Number, Object, Text, Time};

const TYPES: &[Row] = &[
    (
        "message",
        "a message, received or sent",
        &[
            ("id", Text),
            ("cursor?", Text),
            ("ts", Time),
            ("profile", Text),
            ("dir", Text),
            ("peer", Object),
            ("device?", Text),
            ("route?", Text),
            ("body?", Object),
            ("reply_to?", Text),
            ("expires_at?", Time),
            ("snippet?", Text),
        ],
    ),
    (
        "edit",
        "a message got a new text",
        &[
            ("id", Text),
            ("peer", Object),
            ("ts", Time),
            ("body", Object),
        ],
    ),
    (
        "delete",
        "a message was taken back",
        &[("id", Text), ("peer", Object), ("ts", Time)],
    ),
    (
        "delete.all",
        "all messages with a contact were deleted here",
        &[("peer", Text), ("name", Text), ("messages", Number)],
    ),
    (
        "reaction",
        "a reaction to a message; an empty emoji takes it back",
        &[
            ("id", Text),
            ("peer", Object),
            ("ts", Time),
            ("emoji", Text),
        ],
    ),
    (
        "receipt",
        "a message of ours was delivered or read",
        &[
            ("id", Text),
            ("peer", Text),
            ("state", Text),
            ("ts", Time),
            ("route?", Text),
        ],
    ),
    (
        "send.result",
        "what became of a message, per peer",
        &[
            ("id", Text),
            ("client_id?", Text),
            ("results", List),
            ("waited", Text),
            ("satisfied", Bool),
        ],
    ),
    (
        "file",
        "a file, offered to us or by us, and how far it is; or what became of it",
        &[
            ("id", Text),
            ("peer?", Object),
            ("dir?", Text),
            ("name?", Text),
            ("shape?", Text),
            ("size?", Number),
            ("bytes?", Number),
            ("state", Text),
            ("path?", Text),
            ("blake3?", Text),
            ("reason?", Text),
        ],
    ),
    (
        "file.offer",
        "somebody offers a file: taken unasked, or it waits for our word",
        &[
            ("id", Text),
            ("peer", Text),
            ("peer_name", Text),
            ("name", Text),
            ("shape", Text),
            ("size?", Number),
            ("blake3?", Text),
            ("mime?", Text),
            ("ts", Time),
            ("state", Text),
            ("limit?", Number),
        ],
    ),
    (
        "file.progress",
        "a file moves; rate_bps is bytes a second",
        &[
            ("id", Text),
            ("peer", Text),
            ("name", Text),
            ("dir", Text),
            ("bytes", Number),
            ("size?", Number),
            ("rate_bps", Number),
            ("route?", Text),
            ("resumed_from", Number),
        ],
    ),
    (
        "file.done",
        "a file is here, whole and as it was sent; without a path it is in the vault, with - it went to stdout",
        &[
            ("id", Text),
            ("cursor?", Text),
            ("ts", Time),
            ("peer", Text),
            ("peer_name", Text),
            ("route?", Text),
            ("name", Text),
            ("size?", Number),
            ("path?", Text),
            ("blake3?", Text),
            ("verified", Bool),
        ],
    ),
    (
        "file.failed",
        "a file does not come: never, or not before something is mended",
        &[
            ("id", Text),
            ("peer", Text),
            ("name", Text),
            ("reason", Text),
            ("message", Text),
            ("retryable", Bool),
        ],
    ),
    (
        "export.progress",
        "a document is being written; bytes went out, rate_bps is bytes a second",
        &[
            ("format", Text),
            ("messages", Number),
            ("files", Number),
            ("looked_at", Number),
            ("places", Number),
            ("bytes", Number),
            ("rate_bps", Number),
        ],
    ),
    (
        "export.done",
        "a document is whole; missing counts files that left the vault meanwhile",
        &[
            ("format", Text),
            ("conversations", Number),
            ("messages", Number),
            ("files", Number),
            ("missing", Number),
            ("bytes", Number),
            ("written", Number),
            ("path?", Text),
        ],
    ),
    (
        "verify.progress",
        "a document is being checked; rate_bps is bytes a second",
        &[
            ("path", Text),
            ("bytes", Number),
            ("size", Number),
            ("rate_bps", Number),
        ],
    ),
    (
        "import.progress",
        "an archive is being taken in: step is check, then import; rate_bps is bytes a second",
        &[
            ("step", Text),
            ("messages", Number),
            ("files", Number),
            ("bytes", Number),
            ("size", Number),
            ("rate_bps", Number),
        ],
    ),
    (
        "import.done",
        "an archive is in the vault, or with dry_run would be; what was there already is known",
        &[
            ("path", Text),
            ("dry_run", Bool),
            ("contacts", Number),
            ("contacts_changed", Number),
            ("contacts_removed", Number),
            ("messages", Number),
            ("changed", Number),
            ("known", Number),
            ("files", Number),
            ("unpaired", List),
        ],
    ),
    (
        "export.verified",
        "a document is whole, and what its manifest says of itself",
        &[
            ("format", Text),
            ("path", Text),
            ("files", Number),
            ("bytes", Number),
            ("fingerprint", Text),
            ("created_at", Text),
        ],
    ),
    (
        "identity.age-key",
        "the key that opens archives: a secret",
        &[("recipient", Text), ("key", Text)],
    ),
    (
        "init",
        "a profile was created",
        &[
            ("profile", Text),
            ("name?", Text),
            ("id", Text),
            ("fingerprint", Text),
            ("vault", Text),
            ("words_file?", Text),
        ],
    ),
    (
        "identity",
        "our own identity",
        &[("name?", Text), ("id", Text), ("fingerprint", Text)],
    ),
    (
        "identity.changed",
        "a contact's identity changed",
        &[
            ("peer", Text),
            ("old", Text),
            ("new", Text),
            ("action", Text),
        ],
    ),
    (
        "contact",
        "somebody in the vault",
        &[
            ("id", Text),
            ("name", Text),
            ("fingerprint", Text),
            ("verified", Bool),
            ("trust", Text),
            ("blocked", Bool),
            ("paired", Bool),
            ("safety_number", Text),
            ("route?", Text),
            ("devices", List),
            ("settings", Object),
        ],
    ),
    (
        "contact.removed",
        "a contact is gone",
        &[("id", Text), ("name", Text)],
    ),
    (
        "pair.invite",
        "an invite is open: speak its code",
        &[("code", Text), ("name?", Text), ("expires_at", Time)],
    ),
    (
        "pair.accepted",
        "a pairing is complete",
        &[
            ("name", Text),
            ("peer", Text),
            ("fingerprint", Text),
            ("verified", Bool),
            ("safety_number", Text),
        ],
    ),
    (
        "pair.expired",
        "an invite ended without a peer",
        &[("code?", Text)],
    ),
    (
        "queue.item",
        "a message on its way",
        &[
            ("id", Text),
            ("peer?", Object),
            ("state", Text),
            ("queued_at?", Time),
            ("gives_up_at?", Time),
        ],
    ),
    ("queue.flush", "the queue was pushed", &[("left", Number)]),
    (
        "route",
        "a peer is reached in another way",
        &[
            ("peer", Text),
            ("from?", Text),
            ("to?", Text),
            ("reason", Text),
        ],
    ),
    (
        "session.reset",
        "a peer's session started anew under the pinned identities",
        &[("peer", Text)],
    ),
    (
        "route.status",
        "how a peer is reached",
        &[
            ("peer", Text),
            ("name", Text),
            ("route?", Text),
            ("transport?", Text),
            ("circuits?", Number),
            ("connected", Bool),
            ("key_epoch?", Number),
            ("handshake_id?", Text),
            ("cover?", Text),
            ("rtt_ms?", Number),
            ("took_ms?", Number),
        ],
    ),
    (
        "route.policy",
        "which route a peer is to be reached by; now: what holds while something is on its way that insists on one",
        &[
            ("peer", Text),
            ("name", Text),
            ("route", Text),
            ("strict", Bool),
            ("now", Text),
        ],
    ),
    (
        "tor.status",
        "how far Tor is, once something needed it; bootstrap in percent; services kept up, and those that the network knows",
        &[
            ("ready", Bool),
            ("bootstrap", Number),
            ("blocked?", Text),
            ("services", Number),
            ("published", Number),
        ],
    ),
    (
        "tor.progress",
        "how far Tor is, while a command waits for it; bootstrap in percent",
        &[("ready", Bool), ("bootstrap", Number), ("blocked?", Text)],
    ),
    (
        "doctor.datagrams",
        "how many datagrams of one size passed",
        &[
            ("direction", Text),
            ("stun", Bool),
            ("size", Number),
            ("count", Number),
            ("share", Number),
        ],
    ),
    (
        "doctor.check",
        "one check of a doctor: what was found, and what to do if it is not as it should be",
        &[
            ("check", Text),
            ("ok", Bool),
            ("found", Text),
            ("took_ms?", Number),
            ("hint?", Text),
        ],
    ),
    ("relay", "a relay that links may go through", RELAY),
    ("relay.removed", "a relay is used no more", RELAY),
    (
        "relay.test",
        "whether a relay lends an address",
        &[
            ("relay", Text),
            ("id", Text),
            ("host", Text),
            ("udp?", Number),
            ("tcp?", Number),
            ("ends_at?", Time),
            ("ok", Bool),
            ("lent?", Text),
            ("took_ms?", Number),
            ("reason?", Text),
        ],
    ),
    (
        "sync.progress",
        "a bounded window of syncing goes on",
        &[("received", Number), ("sent", Number)],
    ),
    (
        "sync.done",
        "a bounded window of syncing ended",
        &[("received", Number), ("sent", Number), ("queued", Number)],
    ),
    (
        "vault.status",
        "whether the vault is open",
        &[
            ("profile", Text),
            ("vault", Text),
            ("exists", Bool),
            ("locked", Bool),
            ("agent", Bool),
        ],
    ),
    (
        "vault.rollback",
        "an older copy of the vault was accepted",
        &[
            ("accepted", Bool),
            ("sessions_dropped", Number),
            ("conversations_lost", Number),
        ],
    ),
    (
        "vault.repair",
        "what mending the vault cost",
        &[
            ("repaired", Bool),
            ("sessions_dropped", Number),
            ("conversations_lost", Number),
            ("contacts_lost", Number),
            ("messages_lost", Number),
            ("outbox_lost", Number),
            ("inbox_lost", Number),
            ("unread", Number),
            ("kept_in?", Text),
        ],
    ),
    (
        "identity.words",
        "what happened to the 24 words; never the words",
        &[("words_file?", Text), ("confirmed?", Bool)],
    ),
    (
        "demo.step",
        "what the demo does",
        &[("step", Text), ("text", Text)],
    ),
    (
        "vault.passwd",
        "the password was changed",
        &[("profile", Text)],
    ),
    (
        "vault.device-secret",
        "whether this machine opens the vault without a password",
        &[
            ("profile", Text),
            ("set", Bool),
            ("kept?", Text),
            ("path?", Text),
            ("max_security", Bool),
        ],
    ),
    (
        "vault.check",
        "what a look at every record found",
        &[("ok", Bool)],
    ),
    (
        "vault.reindex",
        "the search index is new",
        &[("indexed", Number), ("segments", Number), ("bytes", Number)],
    ),
    (
        "vault.compact",
        "what was deleted is gone to the last word",
        &[],
    ),
    (
        "agent.status",
        "the running agent",
        &[
            ("running", Bool),
            ("pid?", Number),
            ("mode?", Text),
            ("version?", Text),
            ("locked?", Bool),
            ("uptime_s?", Number),
        ],
    ),
    (
        "wipe",
        "a profile is gone from this machine",
        &[("profile", Text), ("vault", Text)],
    ),
    ("config", "one setting", &[("key", Text), ("value", Text)]),
    ("version", "this program", &[("version", Text)]),
    (
        "hello",
        "the first line of a stream",
        &[("version", Text), ("caps", List), ("cursor?", Text)],
    ),
    (
        "gap",
        "events were dropped: read again from the cursor",
        &[("cursor?", Text)],
    ),
    (
        "error",
        "the command failed; stdout's last line",
        &[
            ("code", Text),
            ("exit", Number),
            ("message", Text),
            ("hint?", Text),
            ("retryable", Bool),
            ("retry_after_ms?", Number),
            ("id?", Text),
        ],
    ),
];

const RELAY: &[(&str, Shape)] = &[
    ("relay", Text),
    ("id", Text),
    ("host", Text),
    ("udp?", Number),
    ("tcp?", Number),
    ("ends_at?", Time),
];

/// The types that `--type` may name.
pub(crate) fn types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|row| row.0)
}

/// JSON Schema of one type, or of all.
pub(crate) fn schema(wanted: Option<&str>) -> Option<Value> {
    let definitions: Map<String, Value> = TYPES
        .iter()
        .filter(|row| wanted.is_none_or(|wanted| wanted == row.0))
        .map(|row| (row.0.to_owned(), definition(row)))
        .collect();
    if definitions.is_empty() {
        return None;
    }
    let any: Vec<Value> = definitions
        .keys()
        .map(|name| json!({"$ref": format!("#/$defs/{name}")}))
        .collect();
    Some(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "solo2 JSON Lines, version 1",
        "anyOf": any,
        "$defs": definitions,
    }))
}

fn definition((name, about, fields): &Row) -> Value {
    let mut properties = Map::new();
    properties.insert("v".to_owned(), json!({"const": 1}));
    properties.insert("type".to_owned(), json!({"const": name}));
    let mut required: Vec<Value> = vec!["v".into(), "type".into()];
    for (field, shape) in *fields {
        let (field, optional) = match field.strip_suffix('?') {
            Some(field) => (field, true),
            None => (*field, false),
        };
        let word = match shape {
            Text | Time => "string",
            Number => "number",
            Bool => "boolean",
            Object => "object",
            List => "array",
        };
        let mut property = Map::new();
        property.insert(
            "type".to_owned(),
            if optional {
                json!([word, "null"])
            } else {
                word.into()
            },
        );
        if matches!(shape, Time) {
            property.insert("format".to_owned(), "date-time".into());
        }
        properties.insert(field.to_owned(), property.into());
        if !optional {
            required.push(field.into());
        }
    }
    json!({
        "description": about,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_type_come_first_whatever_the_fields() {
        let event = event("message", json!({"id": "x", "type": "error", "v": 9}));
        assert_eq!(event.to_string(), r#"{"v":1,"type":"message","id":"x"}"#);
    }

    #[test]
    fn times_have_three_digits_after_the_second() {
        assert_eq!(timestamp_ms(1_790_000_000_120), "2026-09-21T14:13:20.120Z");
        assert_eq!(timestamp_ms(0), "1970-01-01T00:00:00.000Z");
        assert!(timestamp_ms(u64::MAX).starts_with("9999-"));
    }

    #[test]
    fn each_type_has_a_schema_and_appears_once() {
        let mut names: Vec<_> = types().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        let schema = schema(Some("send.result")).expect("schema");
        assert_eq!(schema["$defs"]["send.result"]["required"][2], "id");
        assert!(super::schema(Some("nonsense")).is_none());
    }
}

//! Records, read back: what [`crate::jsonl`] writes, believed as far as it makes sense.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use solo2_store::{Amendment, Contact, ContactId, DeliveryState, Kind, Message, StoredFile, Trust};

use crate::import::{Manifest, Record};
use crate::jsonl::{SHAPES, STATES, TRUST};
use crate::open::unhex;
use crate::walk::SETTINGS;

/// Reads the manifest's fields that matter.
pub(crate) fn manifest(manifest: &Value, sha256: [u8; 32]) -> Option<Manifest> {
    #[derive(Deserialize)]
    struct Line {
        created_at: Moment,
        base: Option<BaseLine>,
    }
    #[derive(Deserialize)]
    struct BaseLine {
        sha256: Hash,
        created_at: Moment,
    }
    let line = Line::deserialize(manifest).ok()?;
    Some(Manifest {
        sha256,
        created_at_ms: line.created_at.0,
        base: line.base.map(|base| (base.sha256.0, base.created_at.0)),
    })
}

/// Reads the id of a contact that was removed; `None` for another kind of line.
pub(crate) fn removed(line: &[u8]) -> Result<Option<ContactId>, String> {
    #[derive(Deserialize)]
    struct Line {
        id: String,
    }
    let line = of_type::<Line>(line, "contact.removed")?;
    let id = line.map(|line| line.id.parse().map_err(|_| "an id is malformed".to_owned()));
    id.transpose()
}

/// Reads a contact and the name of its conversation's directory; `None` for another kind of line.
pub(crate) fn contact(line: &[u8]) -> Result<Option<(Contact, String)>, String> {
    #[derive(Deserialize)]
    struct Line {
        id: String,
        name: String,
        fingerprint: Hash,
        certificate: String,
        verified: bool,
        trust: String,
        blocked: bool,
        changed_to: Option<Hash>,
        added_at: Moment,
        settings: BTreeMap<String, String>,
        conversation: String,
    }
    let Some(line) = of_type::<Line>(line, "contact")? else {
        return Ok(None);
    };
    let id: ContactId = line.id.parse().map_err(|_| "an id is malformed")?;
    let contact = Contact {
        id,
        name: line.name,
        account: line.fingerprint.0,
        certificate: bytes(&line.certificate).ok_or("a certificate is malformed")?,
        verified: line.verified,
        trust: named(&TRUST, &line.trust).unwrap_or(Trust::New),
        blocked: line.blocked,
        changed_to: line.changed_to.map(|key| key.0),
        added_at_ms: line.added_at.0,
        settings: line
            .settings
            .into_iter()
            .filter(|(key, _)| SETTINGS.contains(&key.as_str()))
            .collect(),
    };
    contact.check().map_err(|error| error.to_string())?;
    Ok(Some((contact, line.conversation)))
}

#[derive(Deserialize)]
struct MessageLine {
    n: u64,
    id: String,
    ts: Moment,
    stored_at: Moment,
    dir: Dir,
    kind: KindName,
    body: Option<Body>,
    edited_at: Option<Moment>,
    deleted_at: Option<Moment>,
    reply_to: Option<String>,
    expires_at: Option<Moment>,
    client_id: Option<String>,
    route: Option<String>,
    state: Option<String>,
    state_at: Option<Moment>,
    state_route: Option<String>,
    #[serde(default)]
    reactions: Vec<Reaction>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Dir {
    In,
    Out,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindName {
    Text,
    Geo,
    File,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Body {
    Text(String),
    Geo {
        lat: f64,
        lon: f64,
        accuracy_m: Option<f64>,
    },
    File(FileLine),
}

#[derive(Deserialize)]
struct FileLine {
    name: String,
    shape: Option<String>,
    size: Option<u64>,
    blake3: Option<Hash>,
    stored_at: Option<Moment>,
    path: Option<String>,
}

#[derive(Deserialize)]
struct Reaction {
    dir: Dir,
    emoji: String,
    at: Moment,
}

/// Reads a message; `None` for another kind of line.
pub(crate) fn message(
    line: &[u8],
    id: fn(&str) -> Option<[u8; 16]>,
) -> Result<Option<Record>, String> {
    let Some(line) = of_type::<MessageLine>(line, "message")? else {
        return Ok(None);
    };
    let incoming = line.dir == Dir::In;
    let mut amendments = Vec::new();
    let mut path = None;
    let deleted = line.deleted_at.is_some();
    let (kind, body) = match (line.kind, line.body.filter(|_| !deleted)) {
        (KindName::Text, None) if deleted => (Kind::Text, String::new()),
        (KindName::Geo, None) if deleted => (Kind::Geo, String::new()),
        (KindName::File, None) if deleted => (Kind::File, String::new()),
        (KindName::Text, Some(Body::Text(text))) => (Kind::Text, text),
        (
            KindName::Geo,
            Some(Body::Geo {
                lat,
                lon,
                accuracy_m,
            }),
        ) => {
            let accuracy = accuracy_m.map(|metres| format!(",{metres}"));
            (
                Kind::Geo,
                format!("{lat},{lon}{}", accuracy.unwrap_or_default()),
            )
        }
        (KindName::File, Some(Body::File(file))) => {
            amendments.extend(stored(&file)?.map(Amendment::File));
            path = file.path;
            (Kind::File, file.name)
        }
        _ => return Err("a body does not fit its kind".to_owned()),
    };
    let mut message = Message {
        id: id(&line.id).ok_or("an id is malformed")?,
        incoming,
        sent_at_ms: line.ts.0,
        stored_at_ms: line.stored_at.0,
        kind,
        body,
        reply_to: line
            .reply_to
            .map(|target| id(&target).ok_or("an id is malformed"))
            .transpose()?,
        expires_at_ms: line.expires_at.map(|at| at.0),
        client_id: line.client_id,
        route: line.route,
    };
    message.check().map_err(|error| error.to_string())?;
    if let Some(Moment(at_ms)) = line.edited_at.filter(|_| !deleted) {
        // What it said before is not told.
        let body = std::mem::take(&mut message.body);
        amendments.push(Amendment::Edited { body, at_ms });
    }
    let state = line.state.filter(|_| !incoming);
    let known = state.as_deref().and_then(|name| named(&STATES, name));
    if let (Some(state), Some(Moment(at_ms))) = (known, line.state_at) {
        amendments.push(Amendment::State {
            state,
            at_ms,
            route: line.state_route,
        });
    }
    for reaction in line.reactions.into_iter().take(2).filter(|_| !deleted) {
        amendments.push(Amendment::Reaction {
            incoming: reaction.dir == Dir::In,
            emoji: reaction.emoji,
            at_ms: reaction.at.0,
        });
    }
    amendments.extend(line.deleted_at.map(|at| Amendment::Deleted { at_ms: at.0 }));
    amendments
        .iter()
        .try_for_each(Amendment::check)
        .map_err(|error| error.to_string())?;
    Ok(Some(Record {
        number: line.n,
        message,
        amendments,
        state: match state.as_deref() {
            Some("queued") => None,
            _ => Some(known.unwrap_or(DeliveryState::Sent)),
        },
        path,
    }))
}

fn stored(file: &FileLine) -> Result<Option<StoredFile>, String> {
    let (Some(size), Some(root)) = (file.size, &file.blake3) else {
        return match file.path {
            Some(_) => Err("a file comes without its size and hash".to_owned()),
            None => Ok(None),
        };
    };
    let shape = file.shape.as_deref().unwrap_or("file");
    let shape = SHAPES
        .iter()
        .find(|(name, _)| *name == shape)
        .ok_or("a file has an unknown shape")?;
    Ok(Some(StoredFile {
        at_ms: file.stored_at.as_ref().map_or(0, |at| at.0),
        size,
        root: root.0,
        shape: shape.1.code(),
        kept: None,
        path: None,
    }))
}

fn of_type<T: DeserializeOwned>(line: &[u8], wanted: &str) -> Result<Option<T>, String> {
    #[derive(Deserialize)]
    struct Head<'a> {
        v: u64,
        r#type: &'a str,
    }
    let malformed = |error: serde_json::Error| format!("a {wanted} is malformed: {error}");
    let head: Head<'_> = serde_json::from_slice(line).map_err(malformed)?;
    if head.v != 1 || head.r#type != wanted {
        return Ok(None);
    }
    serde_json::from_slice(line).map(Some).map_err(malformed)
}

fn named<T: Copy>(names: &[(&str, T)], name: &str) -> Option<T> {
    names
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| *value)
}

/// RFC 3339, as Unix time in milliseconds.
struct Moment(u64);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        let moment: Timestamp = text.parse().map_err(|_| D::Error::custom("not a time"))?;
        let ms = u64::try_from(moment.as_millisecond());
        ms.map(Self).map_err(|_| D::Error::custom("before 1970"))
    }
}

/// 32 bytes in hexadecimal.
struct Hash([u8; 32]);

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        unhex(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("not 64 hexadecimal digits"))
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let (pairs, []) = hex.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
    pairs.iter().map(byte).collect()
}

//! The verbs behind the socket: parameters in, calls into the core, objects out.
//!
//! Parameters and results of every method: `agent::rpc`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use solo2_crypto::identity::mnemonic;
use solo2_crypto::invite::{InviteCode, OnionInvite};
use solo2_store::Vault;
use zeroize::Zeroizing;

use super::core::{Core, Input, Operation};
use super::event::{parse_message_id, peer_id, rfc3339};
use super::messages::{Body, Draft, Sent};
use super::route::{Choice, Routes};
use super::{
    Egress, Node, deliver, doctor, export, failure, feed, files, forget, history, import, pairing,
    pipe, route, search, serve, signal_servers,
};
use crate::agent::rpc::{Attached, EventSink, Service};
use crate::config::NodeConfig;
use crate::error::{Failure, Kind};
use crate::files::source::{self, SourceInfo};

/// Longest life of an invite.
const INVITE_TTL_MAX: Duration = Duration::from_secs(3600);
const INVITE_TTL: Duration = Duration::from_secs(600);

/// The node behind its door.
pub(crate) struct NodeService(pub(crate) Arc<Node>);

impl Service for NodeService {
    fn call(
        &self,
        method: String,
        params: Value,
        events: EventSink,
    ) -> BoxFuture<'static, Result<Value, Failure>> {
        let node = self.0.clone();
        Box::pin(async move { dispatch(node, &method, params, events).await })
    }

    fn attach(
        &self,
        method: String,
        params: Value,
    ) -> BoxFuture<'static, Result<Attached, Failure>> {
        let node = self.0.clone();
        Box::pin(async move { pipe::attach(node, &method, params).await })
    }

    fn shutdown(&self) -> BoxFuture<'static, ()> {
        let node = self.0.clone();
        Box::pin(async move {
            let (done_tx, done) = tokio::sync::oneshot::channel();
            if node.net.core.send(Input::Stop(done_tx)).await.is_ok() {
                let _ = done.await;
            }
            node.net.links_ended(Duration::from_secs(2)).await;
        })
    }
}

pub(super) fn read<T: DeserializeOwned>(params: Value) -> Result<T, Failure> {
    let params = if params.is_null() {
        Value::Object(Map::new())
    } else {
        params
    };
    serde_json::from_value(params)
        .map_err(|error| Failure::usage(format!("bad parameters: {error}")).code("invalid_params"))
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

async fn dispatch(
    node: Arc<Node>,
    method: &str,
    params: Value,
    events: EventSink,
) -> Result<Value, Failure> {
    match method {
        "status" => status(&node).await,
        "identity.show" => node.call(|core| core.identity_json()).await,
        "identity.words.show" => show_words(&node, read(params)?).await,
        "identity.words.confirm" => confirm_words(&node, read(params)?).await,
        "vault.check" => check(&node).await,
        "vault.reindex" => search::reindex(&node).await,
        "vault.compact" => search::compact(&node).await,
        "reload" => reload(&node, params).await,
        "pair.invite" => invite(node, read(params)?, events).await,
        "pair.join" => join(&node, read(params)?, events).await,
        "pair.list" => Ok(json!({ "pairs": node.invites() })),
        "contact.list" => {
            node.call(|core| {
                let ids: Vec<_> = core.peers.keys().copied().collect();
                let contacts: Result<Vec<Value>, Failure> =
                    ids.into_iter().map(|id| core.contact_json(id)).collect();
                Ok(json!({ "contacts": contacts? }))
            })
            .await
        }
        "contact.show" => {
            let Name { name } = read(params)?;
            node.call(move |core| core.find(&name).and_then(|id| core.contact_json(id)))
                .await
        }
        "contact.rename" => {
            #[derive(Deserialize)]
            struct Rename {
                name: String,
                to: String,
            }
            let Rename { name, to } = read(params)?;
            node.call(move |core| core.rename(&name, &to)).await
        }
        "contact.remove" => {
            let Name { name } = read(params)?;
            node.call(move |core| core.remove_contact(&name)).await
        }
        "contact.block" | "contact.unblock" => {
            let Name { name } = read(params)?;
            let blocked = method == "contact.block";
            node.call(move |core| core.set_blocked(&name, blocked))
                .await
        }
        "contact.verify" => {
            #[derive(Deserialize)]
            struct Verify {
                name: String,
                number: Option<String>,
            }
            let Verify { name, number } = read(params)?;
            node.call(move |core| core.verify(&name, number.as_deref()))
                .await
        }
        "contact.trust" => {
            #[derive(Deserialize)]
            struct Trust {
                name: String,
                fingerprint: String,
            }
            let Trust { name, fingerprint } = read(params)?;
            node.call(move |core| core.trust(&name, &fingerprint)).await
        }
        "contact.set" => set_contact(&node, read(params)?).await,
        "send" => send(&node, read(params)?, events).await,
        "delete" if !params["all_of"].is_null() => {
            #[derive(Deserialize)]
            struct All {
                all_of: String,
            }
            let All { all_of } = read(params)?;
            forget::forget_all(&node, all_of).await
        }
        "edit" | "delete" | "react" | "read" => act(&node, method, read(params)?, events).await,
        "recv" => feed::receive(&node, read(params)?, events).await,
        "recv.ack" => feed::acknowledge(&node, read(params)?).await,
        "subscribe" => feed::subscribe(&node, read(params)?, events).await,
        "sync" => feed::sync(&node, read(params)?, events).await,
        "history" => history::history(&node, read(params)?, events).await,
        "search" => search::search(&node, read(params)?, events).await,
        "queue.list" => queue(&node, events).await,
        "queue.show" => {
            let Id { id } = read(params)?;
            node.call(move |core| {
                core.queue_json()
                    .into_iter()
                    .find(|item| item["id"] == json!(id))
                    .ok_or_else(|| failure::unknown_message(&id))
            })
            .await
        }
        "queue.flush" => feed::flush(&node, read(params)?).await,
        "queue.cancel" => cancel(&node, read(params)?).await,
        "export" => export::export(node, read(params)?, events).await,
        "import" => import::import(node, read(params)?, events).await,
        "file.list" => files::list(&node, events).await,
        "file.accept" => files::accept(&node, read(params)?, events).await,
        "file.reject" | "file.cancel" => files::end(&node, method, read(params)?).await,
        "file.resume" => files::resume(&node, read(params)?, events).await,
        "route.status" => {
            let tor = node.net.onions.to_json();
            node.call(move |core| Ok(json!({ "peers": core.routes_json(), "tor": tor })))
                .await
        }
        "route.policy" => {
            let transport = node.net.transport().as_str();
            node.call(move |core| {
                Ok(json!({"transport": transport, "peers": core.policies_json()}))
            })
            .await
        }
        "route.test" => route::test(&node, read(params)?, events).await,
        "relay.test" => doctor::relay(&node, read(params)?, events).await,
        "doctor.tor" => doctor::tor(&node, read(params)?, events).await,
        "doctor.traffic" => doctor::traffic(&node, read(params)?, events).await,
        _ => Err(Failure::usage(format!("no method is called {method}")).code("unknown_method")),
    }
}

async fn status(node: &Node) -> Result<Value, Failure> {
    let reach = node.reach_json();
    node.call(move |core| {
        let mut status = core.identity_json()?;
        if let Some(fields) = status.as_object_mut() {
            fields.insert("type".into(), json!("status"));
            fields.insert("peers".into(), json!(core.peers.len()));
            fields.insert("queued".into(), json!(core.queue_json().len()));
            let connected = core.peers.values().filter(|peer| peer.is_up()).count();
            fields.insert("connected".into(), json!(connected));
            fields.insert("signal".into(), reach);
        }
        Ok(status)
    })
    .await
}

#[derive(Deserialize)]
struct ShowWords {
    password: Zeroizing<String>,
}

async fn show_words(node: &Node, ShowWords { password }: ShowWords) -> Result<Value, Failure> {
    let paths = node.paths.clone();
    let words = tokio::task::spawn_blocking(move || {
        Vault::entropy(&paths, &password).map(|entropy| mnemonic::to_words(&entropy))
    })
    .await
    .map_err(|_| failure::stopped())?
    .map_err(|error| super::setup::unlock_failure(&error))?;
    Ok(json!({ "words": *words }))
}

#[derive(Deserialize)]
struct ConfirmWords {
    words: Zeroizing<String>,
}

async fn confirm_words(
    node: &Node,
    ConfirmWords { words }: ConfirmWords,
) -> Result<Value, Failure> {
    let entropy = super::setup::parse_words(&words)?;
    let confirmed = Vault::opened_by(&node.paths, &entropy)
        .map_err(|error| super::setup::unlock_failure(&error))?;
    node.call(move |core| {
        if confirmed {
            core.push(Operation::PutSetting {
                key: "words-confirmed".into(),
                value: vec![1],
            });
        }
        Ok(json!({ "confirmed": confirmed }))
    })
    .await
}

async fn check(node: &Node) -> Result<Value, Failure> {
    node.call(|core| {
        let report = core.vault.check().map_err(|error| failure::read(&error))?;
        Ok(json!({
            "v": 1,
            "type": "vault.check",
            "ok": report.is_whole(),
            "contacts": report.contacts,
            "sessions": report.sessions,
            "messages": report.messages,
            "outbox": report.outbox,
            "inbox": report.inbox,
            "segments": report.segments,
            "problems": report.problems,
        }))
    })
    .await
}

/// Follows a changed configuration: receipts, signal and STUN servers.
async fn reload(node: &Node, params: Value) -> Result<Value, Failure> {
    let config: NodeConfig = read(params)?;
    let route = Choice::of(&config);
    if !config.offline {
        let policy = Egress::of(&config);
        node.net.egress.set(policy);
        let stun = super::setup::stun_servers(&config.stun, policy).await;
        node.net.set_stun(stun);
        node.net.set_relays(&config.relays);
        node.net.set_transport(config.transport);
        node.net.cover.send_replace(config.cover.0);
        node.net.onions.configure(config.tor.clone());
        node.net.introductions.set_servers(signal_servers(&config));
    }
    node.call(move |core| {
        core.settings.receipts = config.receipts;
        core.settings.files = config.files;
        core.settings.route = route;
        core.reconsider_all();
        Ok(json!({}))
    })
    .await
}

#[derive(Deserialize)]
struct Invite {
    r#as: Option<String>,
    ttl_s: Option<u64>,
    #[serde(default)]
    no_wait: bool,
    #[serde(default)]
    onion: bool,
    timeout_ms: Option<u64>,
}

/// An invite of either kind, waiting.
enum OpenInvite {
    Spoken(pairing::OpenInvite),
    Onion(pairing::OpenOnion),
}

impl OpenInvite {
    fn announcement(&self) -> Value {
        match self {
            Self::Spoken(open) => open.announcement(),
            Self::Onion(open) => open.announcement(),
        }
    }

    fn summary(&self) -> (String, u64) {
        match self {
            Self::Spoken(open) => open.summary(),
            Self::Onion(open) => open.summary(),
        }
    }

    async fn pair(self, node: &Node, name: Option<String>) -> Result<Value, Failure> {
        match self {
            Self::Spoken(open) => pairing::invite(node, open, name).await,
            Self::Onion(open) => pairing::invite_onion(node, open, name).await,
        }
    }
}

async fn invite(node: Arc<Node>, invite: Invite, events: EventSink) -> Result<Value, Failure> {
    let ttl = invite.ttl_s.map_or(INVITE_TTL, Duration::from_secs);
    if ttl > INVITE_TTL_MAX {
        return Err(Failure::usage("an invite lives at most an hour"));
    }
    let open = match invite.onion {
        true => {
            let open = pairing::OpenOnion::open(&node, ttl);
            OpenInvite::Onion(node.net.onions.telling(&events, open).await?)
        }
        false => {
            let open = pairing::OpenInvite::open(&node.net, ttl);
            OpenInvite::Spoken(node.net.onions.telling(&events, open).await?)
        }
    };
    let announcement = open.announcement();
    let (code, expires_at_ms) = open.summary();
    node.note_invite(code.clone(), expires_at_ms);
    events.send(announcement.clone()).await;
    if invite.no_wait {
        tokio::spawn(async move {
            if let Err(problem) = open.pair(&node, invite.r#as).await {
                tracing::info!("pairing ended: {}", problem.message);
            }
            node.forget_invite(&code);
        });
        return Ok(announcement);
    }
    // A wait as long as the invite's life ends with the invite, which says so itself.
    let shorter = invite
        .timeout_ms
        .filter(|ms| Duration::from_millis(*ms) < ttl);
    let outcome = tokio::select! {
        outcome = open.pair(&node, invite.r#as) => outcome,
        () = events.closed() => Err(Failure::new(Kind::Interrupted, "the invite was withdrawn")),
        () = patience(shorter) => {
            Err(Failure::new(Kind::NotDelivered, "nobody joined in time").code("invite_expired"))
        }
    };
    node.forget_invite(&code);
    let accepted = outcome?;
    events.send(accepted.clone()).await;
    Ok(accepted)
}

/// Ends when the caller's patience does; never without a limit.
async fn patience(timeout_ms: Option<u64>) {
    match timeout_ms {
        Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        None => std::future::pending().await,
    }
}

#[derive(Deserialize)]
struct Join {
    code: String,
    r#as: Option<String>,
    timeout_ms: Option<u64>,
}

async fn join(node: &Node, join: Join, reader: EventSink) -> Result<Value, Failure> {
    let patience = join.timeout_ms.map(Duration::from_millis);
    let begins_with_a_number = join.code.trim_start().starts_with(char::is_numeric);
    if !begins_with_a_number {
        let invite: OnionInvite = join.code.parse().map_err(|error| {
            Failure::usage(format!("not an invite: {error}")).hint(
                "an invite is a number and two words, like 7-salmon-violin, or twelve words for Tor",
            )
        })?;
        let joined = pairing::join_onion(node, &invite, join.r#as, patience);
        return node.net.onions.telling(&reader, joined).await;
    }
    let code: InviteCode = join.code.parse().map_err(|error| {
        Failure::usage(format!("not an invite code: {error}"))
            .hint("a code is a number and two words, like 7-salmon-violin")
    })?;
    let joined = pairing::join(node, &code, join.r#as, patience);
    node.net.onions.telling(&reader, joined).await
}

#[derive(Deserialize)]
struct SetContact {
    name: String,
    settings: Map<String, Value>,
}

async fn set_contact(node: &Node, set: SetContact) -> Result<Value, Failure> {
    node.call(move |core| {
        let id = core.find(&set.name)?;
        core.look_at_retention(id);
        core.reconsider(id);
        core.edit_contact(&set.name, |contact| {
            for (key, value) in &set.settings {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                match (key.as_str(), value.as_str()) {
                    ("route", "auto" | "direct" | "relay" | "onion")
                    | ("strict", "true" | "false")
                    | ("receipts", "none" | "delivery" | "read") => {
                        contact.settings.insert(key.clone(), value);
                    }
                    ("retain", "forever") => {
                        contact.settings.remove(key);
                    }
                    ("retain", secs) if secs.parse::<u64>().is_ok_and(|secs| secs > 0) => {
                        contact.settings.insert(key.clone(), value);
                    }
                    ("max-file", "default") => {
                        contact.settings.remove(key);
                    }
                    ("max-file", "off") => {
                        contact.settings.insert(key.clone(), value);
                    }
                    ("max-file", bytes) if bytes.parse::<u64>().is_ok() => {
                        contact.settings.insert(key.clone(), value);
                    }
                    ("route" | "strict" | "receipts" | "max-file" | "retain", _) => {
                        return Err(Failure::usage(format!("{key} cannot be {value}")));
                    }
                    _ => return Err(Failure::usage(format!("a contact has no setting {key}"))),
                }
            }
            Ok(())
        })
    })
    .await
}

#[derive(Deserialize)]
struct Geo {
    lat: f64,
    lon: f64,
    accuracy_m: Option<f64>,
}

#[derive(Deserialize)]
struct FilePath {
    path: PathBuf,
}

#[derive(Deserialize)]
struct Send {
    peers: Vec<String>,
    text: Option<String>,
    geo: Option<Geo>,
    #[serde(default)]
    files: Vec<FilePath>,
    reply_to: Option<String>,
    expire_s: Option<u64>,
    ttl_s: Option<u64>,
    id: Option<String>,
    wait: Option<deliver::Wait>,
    timeout_ms: Option<u64>,
    #[serde(flatten)]
    routes: Routes,
}

async fn send(node: &Node, send: Send, events: EventSink) -> Result<Value, Failure> {
    let mut bodies = Vec::new();
    match (send.text, send.geo) {
        (Some(text), None) if text.is_empty() => return Err(Failure::usage("empty message")),
        (Some(text), None) if text.len() > 64 * 1024 => {
            return Err(Failure::usage(format!(
                "the text is {} bytes long, a message holds 65536",
                text.len()
            ))
            .hint("send it in several messages, or as a file: -f"));
        }
        (Some(text), None) => bodies.push(Body::Text(text)),
        (None, Some(geo)) if geo.lat.abs() <= 90.0 && geo.lon.abs() <= 180.0 => {
            bodies.push(Body::Geo {
                lat: geo.lat,
                lon: geo.lon,
                accuracy_m: geo.accuracy_m.filter(|m| m.is_finite() && *m >= 0.0),
            });
        }
        (None, Some(_)) => {
            return Err(Failure::usage(
                "a place is LAT,LON in degrees: -90..90, -180..180",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(Failure::usage("a message is either a text or a place"));
        }
        (None, None) => {}
    }
    let mut skipped = Skipped::default();
    for FilePath { path } in send.files {
        let info = inspect(path).await?;
        skipped.note(&info);
        bodies.push(Body::File(Arc::new(info)));
    }
    if bodies.is_empty() {
        return Err(Failure::usage("empty message"));
    }
    if send.peers.is_empty() {
        return Err(Failure::usage("nobody to send to"));
    }
    let draft = Draft {
        peers: send.peers,
        bodies,
        reply_to: send.reply_to,
        expires_in_s: send.expire_s,
        ttl_s: send.ttl_s,
        client_id: send.id.clone(),
        demand: send.routes.demand()?,
    };
    let wait = deliver::Waiting::start(node, send.wait, send.timeout_ms);
    let (sent, onion) = node
        .call(move |core| {
            let sent = core.send(&draft)?;
            let onion = sent.iter().any(|sent| core.goes_through_tor(sent.contact));
            Ok((sent, onion))
        })
        .await?;
    let waited = wait.finish(sent, send.id, events.clone());
    let mut result = match onion {
        true => node.net.onions.telling(&events, waited).await?,
        false => waited.await?,
    };
    skipped.tell(&mut result);
    Ok(result)
}

/// Links and special files in directories, which stay here.
#[derive(Default)]
struct Skipped {
    count: u64,
    paths: Vec<String>,
}

impl Skipped {
    fn note(&mut self, info: &SourceInfo) {
        self.count += info.skipped_count;
        let paths = info.skipped.iter().map(|path| path.to_string_lossy());
        self.paths.extend(paths.map(String::from));
    }

    /// Says so in a `send.result`, if there are any.
    fn tell(self, result: &mut Value) {
        if let Some(fields) = result.as_object_mut().filter(|_| self.count > 0) {
            fields.insert(
                "skipped".into(),
                json!({ "count": self.count, "paths": self.paths }),
            );
        }
    }
}

/// What a path is, looked at where disks may block.
async fn inspect(path: PathBuf) -> Result<SourceInfo, Failure> {
    if !path.is_absolute() {
        return Err(Failure::usage(format!(
            "not an absolute path: {}",
            path.display()
        )));
    }
    tokio::task::spawn_blocking(move || source::inspect(&path))
        .await
        .map_err(|_| failure::stopped())?
        .map_err(|error| serve::source_failure(&error))
}

#[derive(Deserialize)]
struct Act {
    id: Option<String>,
    #[serde(default)]
    ids: Vec<String>,
    text: Option<String>,
    emoji: Option<String>,
    #[serde(default)]
    for_everyone: bool,
    wait: Option<deliver::Wait>,
    timeout_ms: Option<u64>,
    #[serde(flatten)]
    routes: Routes,
}

async fn act(node: &Node, method: &str, act: Act, events: EventSink) -> Result<Value, Failure> {
    let missing = |what: &str| Failure::usage(format!("{what} is missing")).code("invalid_params");
    let wait = deliver::Waiting::start(node, act.wait, act.timeout_ms);
    let demand = act.routes.demand()?;
    let sent = if method == "read" {
        node.call(move |core| core.under(demand, |core| core.read(&act.ids)))
            .await?
    } else {
        let id = act.id.ok_or_else(|| missing("id"))?;
        match method {
            "edit" => {
                let text = act
                    .text
                    .filter(|text| !text.is_empty())
                    .ok_or_else(|| missing("text"))?;
                if text.len() > 64 * 1024 {
                    return Err(Failure::usage("the text is longer than 65536 bytes"));
                }
                let edit = move |core: &mut Core| core.under(demand, |core| core.edit(&id, text));
                vec![node.call(edit).await?]
            }
            "react" => {
                let emoji = act
                    .emoji
                    .filter(|emoji| emoji.len() <= 64)
                    .ok_or_else(|| missing("a short emoji"))?;
                let react =
                    move |core: &mut Core| core.under(demand, |core| core.react(&id, emoji));
                vec![node.call(react).await?]
            }
            _ => {
                let for_everyone = act.for_everyone;
                node.call(move |core| core.under(demand, |core| core.delete(&id, for_everyone)))
                    .await?
                    .into_iter()
                    .collect()
            }
        }
    };
    wait.finish(sent, None, events).await
}

/// Everything that is on its way, in the order in which it will leave.
async fn queue(node: &Node, events: EventSink) -> Result<Value, Failure> {
    let items = node.call(|core| Ok(core.queue_json())).await?;
    let count = items.len();
    for item in items {
        if !events.send(item).await {
            break;
        }
    }
    Ok(json!({ "count": count }))
}

async fn cancel(node: &Node, Id { id }: Id) -> Result<Value, Failure> {
    let message = parse_message_id(&id).ok_or_else(|| failure::unknown_message(&id))?;
    node.call(move |core| match core.cancel_queued(message) {
        Some(true) => Ok(json!({ "v": 1, "type": "queue.item", "id": id, "state": "cancelled" })),
        Some(false) => Err(
            Failure::new(Kind::Rejected, format!("{id} has already left")).hint(format!(
                "solo2 delete {id} --for-everyone asks the other side to delete it"
            )),
        ),
        None => Err(failure::unknown_message(&id)),
    })
    .await
}

impl super::core::Core {
    fn identity_json(&self) -> Result<Value, Failure> {
        let confirmed = self
            .vault
            .setting("words-confirmed")
            .map_err(|error| failure::read(&error))?;
        Ok(json!({
            "v": 1,
            "type": "identity",
            "name": self.me.name,
            "id": self.me.id,
            "fingerprint": self.me.certificate.account().fingerprint(),
            "words_confirmed": confirmed.is_some(),
            "created_at": rfc3339(self.me.certificate.created().saturating_mul(1000)),
        }))
    }
}

/// One peer's line of a `send.result`.
pub(super) fn result_line(
    sent: &Sent,
    name: &str,
    (state, route): (&str, Option<&str>),
    reason: Option<&Value>,
) -> Value {
    let mut line = json!({
        "peer": peer_id(sent.contact),
        "name": name,
        "id": sent.id_text(),
        "state": state,
        "route": route.filter(|_| !["queued", "failed", "rejected", "cancelled"].contains(&state)),
    });
    if let (Some(fields), Some(reason)) = (line.as_object_mut(), reason) {
        fields.insert("reason".into(), reason.clone());
    }
    line
}

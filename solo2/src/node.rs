//! The only place that holds store, sessions and net together.
//!
//! The same verbs go down (`send`: content, session, disk, wire) and come up (`recv`:
//! wire, session, disk, event). [`core`] owns the vault and everything that changes with
//! it; [`courier`]s keep one link per contact; [`service`] is the door for commands.
//!
//! ```text
//!   service ──calls──►  core  ◄──frames── link pumps ◄── couriers ◄── introductions
//!      ▲                 │ one commit per round                        (signal server)
//!      └────events───────┴──frames──► link pumps
//! ```

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use serde_json::{Value, json};
use solo2_crypto::identity::{DeviceCertificate, DeviceKeys};
use solo2_crypto::rendezvous;
use solo2_crypto::secret::Secret;
use solo2_relay::invite::Invite;
use solo2_store::{ContactId, VaultPaths};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use zeroize::Zeroizing;

use self::core::{Core, Input};
use self::event::Event;
use self::introductions::{Introductions, Reach};
use self::onions::Onions;
use self::route::Choice;
use crate::config::{AcceptLimits, NodeConfig, Receipts, RelayInvite, Route, Transport};
use crate::error::Failure;
use crate::net::RoutePolicy;
use crate::net::link::LinkTiming;
use crate::net::mask::MaskKeys;
use crate::net::socket::Tally;
use crate::net::turn::RelayAccess;
use crate::net::turn::stream::{Stream, ThroughTor};

mod contacts;
mod core;
mod courier;
mod deliver;
mod doctor;
pub(crate) mod doors;
mod event;
mod export;
mod failure;
mod feed;
mod files;
mod forget;
mod history;
mod import;
mod inbox;
mod introductions;
mod linkup;
mod merge;
mod messages;
mod onions;
mod order;
mod outbox;
mod pairing;
mod peer;
mod pipe;
mod pull;
mod query;
mod route;
mod search;
mod serve;
mod service;
mod setup;
mod time;
mod transfer;
mod transfers;

pub(crate) use self::event::parse_message_id;
pub(crate) use self::setup::{accept_rollback, create, open, parse_words, repair, restore};

/// Where one profile lives.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    /// The vault directory.
    pub(crate) vault: PathBuf,
    /// What must stay outside the vault: the rollback anchor.
    pub(crate) state: PathBuf,
}

/// What a new profile needs.
pub(crate) struct NewProfile {
    /// The name that paired peers are shown.
    pub(crate) name: Option<String>,
    /// Opens the vault.
    pub(crate) password: Zeroizing<String>,
}

/// A profile as it was just made.
pub(crate) struct Created {
    /// The 24 words.
    pub(crate) words: Zeroizing<String>,
    /// 64 hex digits of the account key.
    pub(crate) fingerprint: String,
    /// The short id, `p_…`.
    pub(crate) id: String,
}

/// What opens a vault.
pub(crate) enum Unlock {
    /// The password.
    Password(Zeroizing<String>),
    /// The 24 words.
    Words(Zeroizing<String>),
    /// What this device keeps.
    Device(Secret<32>),
}

/// Settings that the core follows.
pub(crate) struct NodeSettings {
    pub(crate) receipts: Receipts,
    /// What is taken without asking, by trust.
    pub(crate) files: AcceptLimits,
    /// Which way links take unless a contact says otherwise.
    pub(crate) route: Choice,
    /// The profile's name in events.
    pub(crate) profile: String,
}

/// What may leave this machine at all, whatever contacts allow.
#[derive(Clone)]
pub(crate) struct Egress(Arc<RwLock<RoutePolicy>>);

impl Egress {
    pub(crate) fn new(policy: RoutePolicy) -> Self {
        Self(Arc::new(RwLock::new(policy)))
    }

    /// What the configuration says.
    fn of(config: &NodeConfig) -> RoutePolicy {
        match config.route {
            _ if config.offline => RoutePolicy::Offline,
            Route::Onion if config.strict => RoutePolicy::Onion,
            _ => RoutePolicy::Any,
        }
    }

    pub(crate) fn policy(&self) -> RoutePolicy {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, policy: RoutePolicy) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = policy;
    }
}

/// The signal servers that may be called in the clear.
fn signal_servers(config: &NodeConfig) -> Vec<String> {
    match Egress::of(config) {
        RoutePolicy::Any => config.signal.clone(),
        _ => Vec::new(),
    }
}

/// What couriers and pairings share.
pub(crate) struct NetContext {
    pub(crate) introductions: Introductions,
    pub(crate) device: Arc<DeviceKeys>,
    pub(crate) certificate: Arc<DeviceCertificate>,
    stun: RwLock<Vec<SocketAddr>>,
    relays: RwLock<Vec<Arc<Invite>>>,
    /// What may carry links.
    transport: RwLock<Transport>,
    pub(crate) egress: Egress,
    pub(crate) onions: Arc<Onions>,
    pub(crate) timing: LinkTiming,
    /// The datagrams of all links.
    pub(crate) tally: Arc<Tally>,
    /// The mean gap at which links send whether something is said or not.
    pub(crate) cover: watch::Sender<Option<Duration>>,
    pub(crate) serial: AtomicU64,
    /// How many links are pumped right now.
    pub(crate) links: watch::Sender<usize>,
    pub(crate) core: mpsc::Sender<Input>,
    pub(crate) events: broadcast::Sender<Event>,
}

impl NetContext {
    /// The datagram masks of a pair: yesterday's, today's and tomorrow's.
    pub(crate) fn mask_keys(&self, pair_secret: &Secret<32>) -> MaskKeys {
        MaskKeys::new(time::now_secs() / 86_400, |day| {
            rendezvous::mask_key(pair_secret, day)
        })
    }

    /// The STUN servers of the configuration, resolved.
    pub(crate) fn stun(&self) -> Vec<SocketAddr> {
        self.stun
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What may carry links.
    pub(crate) fn transport(&self) -> Transport {
        *self
            .transport
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether links may still be of this transport. Tor is a matter of the route.
    pub(crate) fn carries(&self, transport: &str) -> bool {
        if transport == "tor" {
            return true;
        }
        let webrtc = transport == Transport::Webrtc.as_str();
        self.transport().allows(webrtc)
    }

    fn set_transport(&self, transport: Transport) {
        *self
            .transport
            .write()
            .unwrap_or_else(PoisonError::into_inner) = transport;
    }

    /// Runs `verb` in the core; answers when its round is on disk.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut Core) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer_tx, answer) = oneshot::channel();
        let call = move |core: &mut Core| {
            let outcome = verb(core);
            core.after_commit(move |committed| {
                let _ = answer_tx.send(committed.and(outcome));
            });
        };
        self.core
            .send(Input::Call(Box::new(call)))
            .await
            .map_err(|_| failure::stopped())?;
        answer.await.map_err(|_| failure::stopped())?
    }

    /// The relays of the configuration.
    pub(crate) fn relays(&self) -> Vec<Arc<Invite>> {
        self.relays
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Those that a link under `policy` may use, at their addresses as they are now; one that
    /// cannot be found in time is left out.
    pub(crate) async fn find_relays(&self, policy: RoutePolicy) -> Vec<RelayAccess> {
        let relays = self.relays();
        match policy {
            RoutePolicy::Direct | RoutePolicy::Onion | RoutePolicy::Offline => Vec::new(),
            RoutePolicy::Any | RoutePolicy::Relay => setup::find_relays(&relays, policy).await,
        }
    }

    /// The way to relays behind Tor: for who has one, or uses Tor already.
    pub(crate) fn through_tor(&self) -> Option<ThroughTor> {
        let own = self.relays().iter().any(|relay| relay.host.is_onion());
        if !own && !self.onions.welcomes() {
            return None;
        }
        let onions = self.onions.clone();
        Some(Arc::new(move |service, port| {
            let onions = onions.clone();
            Box::pin(async move {
                let stream = onions.stream(service.into(), port).await;
                let stream = stream.map_err(std::io::Error::other)?;
                Ok(Box::new(stream) as Box<dyn Stream>)
            })
        }))
    }

    fn set_relays(&self, invites: &[RelayInvite]) {
        let relays = invites.iter().map(|invite| Arc::new(invite.read()));
        *self.relays.write().unwrap_or_else(PoisonError::into_inner) = relays.collect();
    }

    fn set_stun(&self, servers: Vec<SocketAddr>) {
        *self.stun.write().unwrap_or_else(PoisonError::into_inner) = servers;
    }

    /// Waits until every link has said goodbye, or `patience` is over.
    pub(crate) async fn links_ended(&self, patience: Duration) {
        let mut links = self.links.subscribe();
        let _ = tokio::time::timeout(patience, links.wait_for(|links| *links == 0)).await;
    }
}

/// A handle on the running node.
pub(crate) struct Node {
    pub(crate) paths: VaultPaths,
    pub(crate) net: Arc<NetContext>,
    pub(crate) events: broadcast::Sender<Event>,
    invites: Mutex<HashMap<String, u64>>,
    /// Held while an archive is taken in.
    importing: tokio::sync::Mutex<()>,
}

impl Node {
    fn new(paths: VaultPaths, net: Arc<NetContext>, events: broadcast::Sender<Event>) -> Self {
        Self {
            paths,
            net,
            events,
            invites: Mutex::new(HashMap::new()),
            importing: tokio::sync::Mutex::new(()),
        }
    }

    /// Runs `verb` in the core; answers when its round is on disk.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut Core) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.net.call(verb).await
    }

    pub(crate) async fn profile_name(&self) -> Result<String, Failure> {
        self.call(|core| Ok(core.me.name.clone())).await
    }

    /// An event as readers see it, or nothing when it is not about the peers asked for.
    pub(crate) async fn render(
        &self,
        event: Event,
        peers: &[ContactId],
    ) -> Result<Option<Value>, Failure> {
        let contact = event.contact();
        if !peers.is_empty() && contact.is_none_or(|contact| !peers.contains(&contact)) {
            return Ok(None);
        }
        self.call(move |core| {
            let contact = contact
                .and_then(|id| core.peers.get(&id))
                .map(|peer| &peer.contact);
            Ok(event.to_json(contact))
        })
        .await
    }

    /// Why a peer may not have been reached, in words for a person.
    pub(crate) fn why_not_reached(&self) -> String {
        match &*self.net.introductions.reach().borrow() {
            Reach::Online => "the peer is not online".into(),
            Reach::Connecting { .. } => "the signal server has not answered yet".into(),
            Reach::Offline { reason } => reason.clone(),
        }
    }

    pub(crate) fn reach_json(&self) -> Value {
        match &*self.net.introductions.reach().borrow() {
            Reach::Online => json!({ "online": true }),
            Reach::Connecting { .. } => json!({ "online": false, "reason": "connecting" }),
            Reach::Offline { reason } => json!({ "online": false, "reason": reason }),
        }
    }

    pub(crate) fn note_invite(&self, code: String, expires_at_ms: u64) {
        self.invites
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(code, expires_at_ms);
    }

    pub(crate) fn forget_invite(&self, code: &str) {
        self.invites
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(code);
    }

    /// Invites that wait for a joiner.
    pub(crate) fn invites(&self) -> Vec<Value> {
        let invites = self.invites.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |(code, expires_at): (&String, &u64)| json!({ "v": 1, "type": "pair.invite", "code": code, "expires_at": event::rfc3339(*expires_at) });
        invites.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests;

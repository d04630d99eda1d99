//! Making a profile and opening it.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::{StdRng, SysRng};
use rand_core::UnwrapErr;
use serde_json::{Value, json};
use solo2_crypto::identity::mnemonic::{self, MnemonicError};
use solo2_crypto::identity::{AccountKey, DeviceCertificate, DeviceKeys};
use solo2_crypto::secret::Secret;
use solo2_export::key::ArchiveKey;
use solo2_relay::invite::Invite;
use solo2_store::{CreateError, Repair, RepairError, Repaired, UnlockError, Vault, VaultPaths};
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout_at;
use zeroize::Zeroizing;

use super::core::{Core, Me};
use super::introductions::Introductions;
use super::onions::Onions;
use super::route::Choice;
use super::service::NodeService;
use super::time::{now_ms, now_secs};
use super::{
    Created, Egress, NetContext, NewProfile, Node, NodeSettings, Paths, Unlock, failure,
    signal_servers,
};
use crate::agent::rpc::Service;
use crate::config::NodeConfig;
use crate::error::{Failure, Kind};
use crate::net::link::LinkTiming;
use crate::net::signal::{Connector, Dialing, TorDialing};
use crate::net::turn::{Credential, RelayAccess, Server, streams};
use crate::net::{RoutePolicy, socket};

const ACCOUNT: &str = "account-key";
const DEVICE: &str = "device-keys";
const CERTIFICATE: &str = "device-certificate";
const NAME: &str = "name";
/// Whom archives are encrypted to, `age1…`: public, and grown from the words.
pub(super) const RECIPIENT: &str = "age-recipient";

/// Inputs that may wait for the core; more slow the links down.
const INPUTS: usize = 256;
/// Events that a slow watcher may fall behind.
const EVENTS: usize = 4096;

pub(crate) fn vault_paths(paths: &Paths) -> VaultPaths {
    VaultPaths {
        vault: paths.vault.clone(),
        state: paths.state.clone(),
    }
}

pub(crate) async fn create(paths: &Paths, new: NewProfile) -> Result<Created, Failure> {
    // What the 24 words stand for comes from the operating system, like every long-term key.
    let entropy = Secret::random(&mut system_rng());
    make(paths, entropy, new).await
}

pub(crate) async fn restore(
    paths: &Paths,
    words: Zeroizing<String>,
    new: NewProfile,
) -> Result<Created, Failure> {
    make(paths, parse_words(&words)?, new).await
}

pub(crate) fn parse_words(words: &str) -> Result<Secret<32>, Failure> {
    mnemonic::parse(words).map_err(|error| {
        let hint = match &error {
            MnemonicError::Checksum => {
                "every word exists, but together they do not fit: is the order right?"
            }
            _ => "the 24 words are English and stand on what you wrote down at init",
        };
        Failure::usage(format!("not your 24 words: {error}")).hint(hint)
    })
}

async fn make(paths: &Paths, entropy: Secret<32>, new: NewProfile) -> Result<Created, Failure> {
    let paths = vault_paths(paths);
    let name = new.name.unwrap_or_default();
    if name.len() > 128 || name.chars().any(char::is_control) {
        return Err(Failure::usage(
            "the name is longer than 128 bytes or holds control characters",
        ));
    }
    tokio::task::spawn_blocking(move || {
        let mut rng = system_rng();
        let account = AccountKey::generate(&mut rng);
        let device = DeviceKeys::generate(&mut rng);
        let certificate = DeviceCertificate::issue(&account, 0, 1, &device, now_secs());
        let words = mnemonic::to_words(&entropy);
        let (account_key, device_keys) = (account.to_bytes(), device.to_bytes());
        let recipient = ArchiveKey::of(&entropy).recipient();
        // All of it or nothing: a vault without these would be nobody's.
        let settings: [(&str, &[u8]); 5] = [
            (ACCOUNT, account_key.expose()),
            (DEVICE, &device_keys),
            (CERTIFICATE, certificate.as_bytes()),
            (NAME, name.as_bytes()),
            (RECIPIENT, recipient.as_bytes()),
        ];
        let mut vault = Vault::create(&paths, &entropy, &new.password, &settings, &mut rng)
            .map_err(|error| create_failure(&error))?;
        vault.settle().map_err(|error| failure::read(&error))?;
        Ok(Created {
            words,
            fingerprint: certificate.account().fingerprint(),
            id: own_id(&certificate),
        })
    })
    .await
    .map_err(|_| failure::stopped())?
}

/// The operating system's generator; without one nothing can be made.
fn system_rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

fn rng() -> StdRng {
    StdRng::from_rng(&mut rand::rng())
}

/// Our own id has the shape of a contact's, grown from the account key.
fn own_id(certificate: &DeviceCertificate) -> String {
    let account = certificate.account();
    format!(
        "p_{}",
        super::event::hex(
            account
                .as_bytes()
                .first_chunk::<16>()
                .map_or(&[][..], |id| &id[..])
        )
    )
}

fn create_failure(error: &CreateError) -> Failure {
    match error {
        CreateError::Exists { .. } => {
            Failure::new(Kind::Io, format!("there is a vault already: {error}"))
                .code("exists")
                .hint("use another --home or --profile; solo2 overwrites nothing")
        }
        CreateError::Unlock(error) => unlock_failure(error),
        error => Failure::new(Kind::Io, format!("cannot create the vault: {error}"))
            .hint("check the path, its owner, free disk space and memory"),
    }
}

pub(crate) fn unlock_failure(error: &UnlockError) -> Failure {
    let message = format!("cannot unlock the vault: {error}");
    match error {
        UnlockError::WrongPassword => Failure::new(Kind::Locked, message)
            .code("wrong_password")
            .hint("forgotten? your 24 words open it: solo2 vault unlock --words-file FILE; without them nobody can"),
        UnlockError::NotFound { .. } => Failure::new(Kind::Locked, message)
            .code("no_vault")
            .hint("solo2 init makes one"),
        UnlockError::Busy { .. } => Failure::new(Kind::Busy, message)
            .hint("solo2 agent status shows who holds it; solo2 agent stop ends it")
            .retry(None),
        UnlockError::RolledBack { .. } | UnlockError::NoAnchor { .. } => {
            Failure::new(Kind::Integrity, message)
                .code("rolled_back")
                .hint(format!(
                    "{}: solo2 vault unlock --accept-rollback",
                    error.advice()
                ))
        }
        UnlockError::Disk(_) | UnlockError::Permissions { .. } => {
            Failure::new(Kind::Io, message).hint(error.advice())
        }
        UnlockError::Damaged(_) | UnlockError::Engine(_) => Failure::new(Kind::Integrity, message)
            .hint("nothing was changed; see what can be mended: solo2 vault repair"),
        _ => Failure::new(Kind::Locked, message).hint(error.advice()),
    }
}

fn setting(vault: &Vault, key: &str) -> Result<Vec<u8>, Failure> {
    vault
        .setting(key)
        .map_err(|error| failure::read(&error))?
        .ok_or_else(|| failure::read(&format!("the record {key} is missing")))
}

/// The vault's door for what the user gave; words become what they stand for, in `entropy`.
fn door<'a>(
    unlock: &'a Unlock,
    entropy: &'a mut Option<Secret<32>>,
) -> Result<solo2_store::Unlock<'a>, Failure> {
    Ok(match unlock {
        Unlock::Password(password) => solo2_store::Unlock::Password(password),
        Unlock::Words(words) => solo2_store::Unlock::Entropy(entropy.insert(parse_words(words)?)),
        Unlock::Device(secret) => solo2_store::Unlock::Device(secret),
    })
}

/// Accepts a vault that is older than its anchor: its sessions are dropped, so that no old
/// ratchet seals anything, and the next link with each contact agrees anew.
pub(crate) async fn accept_rollback(paths: &Paths, unlock: Unlock) -> Result<Value, Failure> {
    let paths = vault_paths(paths);
    tokio::task::spawn_blocking(move || {
        let mut entropy = None;
        let (vault, accepted) = Vault::unlock_accepting_rollback(&paths, door(&unlock, &mut entropy)?)
            .map_err(|error| unlock_failure(&error))?;
        vault.close().map_err(|error| failure::read(&error))?;
        let count = |ids: Option<usize>| ids.unwrap_or(0);
        Ok(json!({
            "v": 1,
            "type": "vault.rollback",
            "accepted": accepted.is_some(),
            "sessions_dropped": count(accepted.as_ref().map(|accepted| accepted.sessions_dropped.len())),
            "conversations_lost": count(accepted.as_ref().map(|accepted| accepted.conversations_lost.len())),
        }))
    })
    .await
    .map_err(|_| failure::stopped())?
}

/// Mends the vault, once `agree` was told what is wrong and said yes; nothing if it did not.
pub(crate) fn repair(
    paths: &Paths,
    unlock: &Unlock,
    agree: &mut dyn FnMut(&[String]) -> bool,
) -> Result<Option<Value>, Failure> {
    let mut entropy = None;
    let door = door(unlock, &mut entropy)?;
    let repair = Vault::repair(&vault_paths(paths), door, now_ms(), agree);
    let (repaired, done) = match repair.map_err(|error| repair_failure(&error))? {
        Repair::Declined => return Ok(None),
        Repair::Whole => (false, Repaired::default()),
        Repair::Mended(done) => (true, done),
    };
    let rollback = done.rollback.as_ref();
    let lost = rollback.map_or(0, |rollback| rollback.conversations_lost.len());
    Ok(Some(json!({
        "v": 1,
        "type": "vault.repair",
        "repaired": repaired,
        "sessions_dropped": rollback.map_or(0, |rollback| rollback.sessions_dropped.len()),
        "conversations_lost": lost,
        "contacts_lost": done.contacts,
        "messages_lost": done.messages,
        "outbox_lost": done.outbox,
        "inbox_lost": done.inbox,
        "unread": done.unread,
        "kept_in": done.kept_in,
    })))
}

fn repair_failure(error: &RepairError) -> Failure {
    let hint = "what is damaged beyond repair needs a backup; or start anew from your words: solo2 identity words restore";
    match error {
        RepairError::Unlock(error @ (UnlockError::Damaged(_) | UnlockError::Engine(_))) => {
            Failure::new(Kind::Integrity, format!("cannot mend the vault: {error}")).hint(hint)
        }
        RepairError::Unlock(error) => unlock_failure(error),
        error => {
            Failure::new(Kind::Integrity, format!("cannot mend the vault: {error}")).hint(hint)
        }
    }
}

/// Opens the vault and starts the node on it.
pub(crate) async fn open(
    paths: &Paths,
    unlock: Unlock,
    config: NodeConfig,
) -> Result<Arc<dyn Service>, Failure> {
    let node = start(paths, unlock, config).await?;
    Ok(Arc::new(NodeService(node)))
}

pub(super) async fn start(
    paths: &Paths,
    unlock: Unlock,
    config: NodeConfig,
) -> Result<Arc<Node>, Failure> {
    let vault_paths = vault_paths(paths);
    let opened = vault_paths.clone();
    let vault = tokio::task::spawn_blocking(move || match unlock {
        Unlock::Password(password) => {
            let door = solo2_store::Unlock::Password(&password);
            let vault = Vault::unlock(&opened, door).map_err(|error| unlock_failure(&error))?;
            with_recipient(vault, || {
                Vault::entropy(&opened, &password).map_err(|error| unlock_failure(&error))
            })
        }
        Unlock::Words(words) => {
            let entropy = parse_words(&words)?;
            let door = solo2_store::Unlock::Entropy(&entropy);
            let vault = Vault::unlock(&opened, door).map_err(|error| unlock_failure(&error))?;
            with_recipient(vault, || Ok(entropy))
        }
        Unlock::Device(secret) => {
            // It does not know the words: an old vault learns its recipient another time.
            let door = solo2_store::Unlock::Device(&secret);
            Vault::unlock(&opened, door).map_err(|error| unlock_failure(&error))
        }
    })
    .await
    .map_err(|_| failure::stopped())??;

    let device = DeviceKeys::from_bytes(&setting(&vault, DEVICE)?)
        .map_err(|_| failure::read(&"the device keys are damaged"))?;
    let certificate = DeviceCertificate::from_bytes(&setting(&vault, CERTIFICATE)?)
        .map_err(|_| failure::read(&"the device certificate is damaged"))?;
    let name = String::from_utf8_lossy(&setting(&vault, NAME)?).into_owned();
    let device = Arc::new(device);
    let certificate = Arc::new(certificate);

    let (core_tx, inputs) = mpsc::channel(INPUTS);
    let (events, _) = broadcast::channel(EVENTS);
    let egress = Egress::new(Egress::of(&config));
    let onions = Arc::new(Onions::new(
        paths.state.join("tor"),
        config.tor.clone(),
        egress.clone(),
    ));
    let connector = connector(egress.clone(), onions.clone());
    let net = Arc::new(NetContext {
        introductions: Introductions::start(signal_servers(&config), connector),
        device: device.clone(),
        certificate: certificate.clone(),
        stun: RwLock::new(stun_servers(&config.stun, egress.policy()).await),
        relays: RwLock::new(
            config
                .relays
                .iter()
                .map(|invite| Arc::new(invite.read()))
                .collect(),
        ),
        transport: RwLock::new(config.transport),
        egress,
        onions,
        timing: LinkTiming::default(),
        tally: Arc::default(),
        cover: tokio::sync::watch::channel(config.cover.0).0,
        serial: AtomicU64::new(1),
        links: tokio::sync::watch::channel(0).0,
        core: core_tx,
        events: events.clone(),
    });
    let me = Me {
        name,
        id: own_id(&certificate),
        device,
        certificate,
    };
    let settings = NodeSettings {
        receipts: config.receipts,
        files: config.files,
        route: Choice::of(&config),
        profile: config.profile.clone(),
    };
    let files_dir = vault_paths.files();
    let node = Arc::new(Node::new(vault_paths, net.clone(), events.clone()));
    let core = Core::load(vault, files_dir, rng(), me, settings, net, events)?;
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new()
        .name("vault".into())
        .spawn(move || runtime.block_on(core.run(inputs)))
        .map_err(|error| Failure::io("cannot start the vault's thread", &error))?;
    Ok(node)
}

/// A vault that knows whom its archives are encrypted to; those from before there were any learn it.
fn with_recipient(
    mut vault: Vault,
    entropy: impl FnOnce() -> Result<Secret<32>, Failure>,
) -> Result<Vault, Failure> {
    let known = vault
        .setting(RECIPIENT)
        .map_err(|error| failure::read(&error))?;
    if known.is_none() {
        let recipient = ArchiveKey::of(&entropy()?).recipient();
        let mut tx = vault.begin();
        tx.put_setting(RECIPIENT, recipient.as_bytes())
            .map_err(|error| failure::read(&error))?;
        tx.commit().map_err(|error| failure::commit(&error))?;
        vault.settle().map_err(|error| failure::read(&error))?;
    }
    Ok(vault)
}

/// Signal connections leave through the one door, and Tor's through Tor's.
pub(super) fn connector(egress: Egress, onions: Arc<Onions>) -> Connector {
    let dial = move |host: String, port: u16| -> Dialing {
        let policy = egress.policy();
        Box::pin(async move {
            socket::connect_tcp(policy, &host, port)
                .await
                .map_err(std::io::Error::other)
        })
    };
    let tor = move |service, port| -> TorDialing {
        let onions = onions.clone();
        Box::pin(async move {
            let stream = onions.stream(service, port).await;
            stream.map_err(std::io::Error::other)
        })
    };
    Connector::new(Arc::new(dial), Arc::new(tor), None)
}

/// The addresses of the STUN servers that are configured; one that cannot be found is left out.
pub(super) async fn stun_servers(servers: &[String], policy: RoutePolicy) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for server in servers {
        let Some((host, port)) = stun_address(server) else {
            continue;
        };
        match socket::resolve(policy, host).await {
            Ok(found) => addresses.extend(
                found
                    .into_iter()
                    .take(2)
                    .map(|ip| SocketAddr::new(ip, port)),
            ),
            Err(error) => tracing::warn!("{error}"),
        }
    }
    addresses
}

/// How long a link waits for the addresses of its relays.
const FIND_RELAYS: Duration = Duration::from_secs(3);

/// Relays at their addresses; one that cannot be found is left out.
pub(super) async fn find_relays(invites: &[Arc<Invite>], policy: RoutePolicy) -> Vec<RelayAccess> {
    let mut relays = Vec::new();
    let until = tokio::time::Instant::now() + FIND_RELAYS;
    for invite in invites {
        if let Some(behind_tor) = RelayAccess::onion(invite) {
            relays.push(behind_tor);
            continue;
        }
        let (host, Some(udp)) = (invite.host.in_a_url(), invite.udp) else {
            continue;
        };
        match timeout_at(until, socket::resolve(policy, &host)).await {
            Ok(Ok(found)) => {
                // One of each family: a link needs one that its peer can use, too.
                let of = |v4: bool| found.iter().find(|address| address.is_ipv4() == v4);
                for address in [of(true), of(false)].into_iter().flatten() {
                    relays.push(RelayAccess {
                        server: Server::At(SocketAddr::new(*address, udp)),
                        streams: streams(invite),
                        credential: Credential::Invite(invite.clone()),
                    });
                }
            }
            Ok(Err(error)) => tracing::warn!("{error}"),
            Err(_) => tracing::warn!("looking for {host} takes too long"),
        }
    }
    relays
}

/// `stun:host[:port]`, the port being 3478 by default (RFC 7064).
fn stun_address(server: &str) -> Option<(&str, u16)> {
    let address = server.strip_prefix("stun:").unwrap_or(server);
    match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            Some((host, port.parse().ok()?))
        }
        _ => Some((address, 3478)),
    }
}

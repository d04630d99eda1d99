//! Who owns a profile: one process at a time, reached through one socket.
//!
//! Every verb that touches the vault is a client of that owner. When no agent
//! answers, the verb's own process becomes the owner for as long as the verb
//! takes and serves the same socket, so that verbs started beside it join in.
//!
//! ```text
//!   connect ──answers──► Session (client of the agent)
//!      │ nobody
//!   lock ────taken─────► wait, connect again, until --lock-timeout: exit 14
//!      │ ours
//!   open the vault ──► serve the socket ──► Session (client of ourselves)
//! ```
//!
//! The lock, not the socket, says who the owner is: a socket file found under
//! our lock is a dead process's and is replaced; a lock file is never deleted.
//! What the verbs mean is the node's business.
//! Spec: docs/cli.md, "Who holds the connections".

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::AgentUse;
use crate::config::Transport;
use crate::context::{Context, Interrupts};
use crate::error::{Failure, Kind};
use crate::node::{self, Unlock};
use crate::paths::{self, Profile};
use crate::{password, unlock};

pub(crate) mod client;
pub(crate) mod launch;
pub(crate) mod rpc;
pub(crate) mod server;
pub(crate) mod wire;

use client::Client;
use server::{Locking, Mode, Server};

/// How often a process that waits for another looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The right to own a profile, until this process ends or drops it.
#[derive(Debug)]
pub(crate) struct OwnerLock {
    _file: File,
}

impl OwnerLock {
    /// Takes the lock if nobody has it.
    pub(crate) fn try_take(profile: &Profile) -> Result<Option<OwnerLock>, Failure> {
        paths::make_private(&profile.paths.state)?;
        let path = profile.paths.state.join("agent.lock");
        let failed =
            |error: &std::io::Error| Failure::io(format!("cannot lock {}", path.display()), error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(OwnerLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(&error)),
        }
    }

    /// Takes the lock, waiting at most `patience` for another process.
    pub(crate) async fn take(profile: &Profile, patience: Duration) -> Result<OwnerLock, Failure> {
        let until = Instant::now() + patience;
        loop {
            if let Some(lock) = OwnerLock::try_take(profile)? {
                return Ok(lock);
            }
            if Instant::now() >= until {
                return Err(busy(profile));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// A way to the owner of the profile, whoever it is.
pub(crate) struct Session {
    /// Where requests go.
    pub(crate) client: Client,
    /// Whether an agent answers that stays when we leave.
    pub(crate) lasting: bool,
    owned: Option<Server>,
    profile: Profile,
}

impl Session {
    /// Finds the owner of the profile, or becomes it.
    ///
    /// A `secret` that is at hand already is not asked for again.
    pub(crate) async fn open(
        cx: &Context,
        mut secret: Option<Zeroizing<String>>,
    ) -> Result<Session, Failure> {
        let profile = cx.profile()?;
        profile.must_exist()?;
        profile.check_permissions()?;
        let until = Instant::now() + cx.globals.lock_timeout.0;
        let mut opens = None;
        loop {
            if cx.globals.agent != AgentUse::Never
                && let Some((client, hello)) = Client::greet(&profile.socket).await?
            {
                if hello["locked"] == true {
                    if let Some(Unlock::Password(password)) = opens.take() {
                        secret = Some(password);
                    }
                    unlock_agent(cx, &client, &profile, &mut secret).await?;
                }
                if let Some(transport) = cx.globals.transport {
                    agree_on(transport, &client).await?;
                }
                return Ok(Session {
                    client,
                    lasting: hello["mode"] == Mode::Agent.as_str(),
                    owned: None,
                    profile,
                });
            }
            if cx.globals.agent == AgentUse::Require {
                return Err(no_agent());
            }
            if opens.is_none() {
                // Asked for before the lock is taken: typing takes its time.
                opens = Some(match secret.take() {
                    Some(secret) => Unlock::Password(secret),
                    None => unlock::need(cx, &profile)?,
                });
                continue;
            }
            if let Some(lock) = OwnerLock::try_take(&profile)?
                && let Some(unlock) = opens.take()
            {
                return Session::own(cx, profile, lock, unlock).await;
            }
            if Instant::now() >= until {
                return Err(busy(&profile));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Becomes the owner for the length of one verb.
    async fn own(
        cx: &Context,
        profile: Profile,
        lock: OwnerLock,
        unlock: Unlock,
    ) -> Result<Session, Failure> {
        unlock::enforce(&profile, &cx.settings()?)?;
        let service = node::open(&profile.paths, unlock, cx.node_config()?).await?;
        let server = Server::start(server::Setup {
            lock,
            socket: profile.socket.clone(),
            profile: profile.name.as_str().to_owned(),
            vault: profile.paths.vault.clone(),
            mode: Mode::Embedded,
            service: Some(service),
            keeper: None,
            locking: Locking::never(),
        })
        .await?;
        match Client::greet(&profile.socket).await? {
            Some((client, _)) => Ok(Session {
                client,
                lasting: false,
                owned: Some(server),
                profile,
            }),
            None => {
                server.close().await;
                Err(Failure::internal("our own socket does not answer"))
            }
        }
    }

    /// Where the owner answers.
    pub(crate) fn socket(&self) -> &Path {
        &self.profile.socket
    }

    /// A second connection to the same owner.
    pub(crate) async fn another(&self) -> Result<Client, Failure> {
        match Client::greet(&self.profile.socket).await? {
            Some((client, _)) => Ok(client),
            None => Err(client::gone()),
        }
    }

    /// Leaves; an owner of its own flushes, lets others finish, and locks up.
    pub(crate) async fn close(self) {
        drop(self.client);
        if let Some(server) = self.owned {
            server.close().await;
        }
    }
}

/// What carries links is up to the process that makes them; a flag of another's that says
/// something else is refused, and not passed over.
async fn agree_on(transport: Transport, client: &Client) -> Result<(), Failure> {
    let policy = client.call("route.policy", json!({})).await?;
    if policy["transport"] == transport.as_str() {
        return Ok(());
    }
    let now = policy["transport"].as_str().unwrap_or("another");
    let asked = transport.as_str();
    Err(Failure::usage(format!(
        "another process holds the profile, with transport {now}; --transport {asked} cannot change that"
    ))
    .hint(format!(
        "solo2 config set net.transport {asked}; solo2 agent reload"
    )))
}

/// Opens a session, runs `verb` in it, and leaves it in good order whatever
/// happens; Ctrl-C and SIGTERM end the verb and still leave in good order.
pub(crate) fn with_session<T>(
    cx: &Context,
    verb: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    with_session_as(cx, None, verb)
}

/// As [`with_session`], with a password that was asked for already.
pub(crate) fn with_session_as<T>(
    cx: &Context,
    secret: Option<Zeroizing<String>>,
    verb: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    cx.block_on(async {
        let stop = Interrupts::listen()?.wait();
        tokio::pin!(stop);
        let session = tokio::select! {
            opened = Session::open(cx, secret) => opened?,
            failure = &mut stop => return Err(failure),
        };
        let result = tokio::select! {
            result = verb(&session) => result,
            failure = &mut stop => Err(failure),
        };
        session.close().await;
        result
    })
}

/// One request to the owner of the profile, and its answer.
pub(crate) fn ask(cx: &Context, method: &str, params: Value) -> Result<Value, Failure> {
    with_session(cx, async |session| {
        session.client.call(method, params).await
    })
}

/// One request to a running agent; nothing when none runs.
pub(crate) fn ask_agent(
    cx: &Context,
    method: &str,
    params: Value,
) -> Result<Option<Value>, Failure> {
    let profile = cx.profile()?;
    cx.block_on(async {
        match Client::greet(&profile.socket).await? {
            Some((client, _)) => client.call(method, params).await.map(Some),
            None => Ok(None),
        }
    })
}

/// That no agent runs.
pub(crate) fn no_agent() -> Failure {
    Failure::new(Kind::Locked, "no agent is running")
        .code("no_agent")
        .hint("start one: solo2 agent start")
}

/// That somebody else owns the profile and does not let go.
pub(crate) fn busy(profile: &Profile) -> Failure {
    Failure::new(
        Kind::Busy,
        format!(
            "another process owns profile \"{}\" and does not answer",
            profile.name.as_str()
        ),
    )
    .retry(Some(1000))
    .hint("wait for it, or find it: solo2 agent status")
}

/// Opens a locked agent's vault by a password. The device secret does not: whoever locked the
/// agent meant it.
async fn unlock_agent(
    cx: &Context,
    client: &Client,
    profile: &Profile,
    secret: &mut Option<Zeroizing<String>>,
) -> Result<(), Failure> {
    let secret = match secret.take() {
        Some(secret) => secret,
        None => password::find(&cx.globals, profile.name.as_str())?.ok_or_else(|| {
            Failure::new(Kind::Locked, "the vault is locked").hint("unlock it: solo2 vault unlock")
        })?,
    };
    client
        .call_secret("vault.unlock", "password", &secret)
        .await
        .map(drop)
}

/// Whether anything holds the profile's lock.
pub(crate) fn is_owned(profile: &Profile) -> Result<bool, Failure> {
    if !profile.paths.state.is_dir() {
        return Ok(false);
    }
    OwnerLock::try_take(profile).map(|lock| lock.is_none())
}

/// Waits until the owner with `pid` is gone, lock and process.
pub(crate) async fn wait_gone(
    profile: &Profile,
    pid: Option<u32>,
    patience: Duration,
) -> Result<bool, Failure> {
    let until = Instant::now() + patience;
    loop {
        if !pid.is_some_and(is_running) && !is_owned(profile)? {
            return Ok(true);
        }
        if Instant::now() >= until {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Whether a process runs; one that only waits to be collected does not.
fn is_running(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
    !state.starts_with(['Z', 'X'])
}

/// What `agent.status` and `vault.status` say of a profile without an owner.
pub(crate) fn status_without_owner(profile: &Profile) -> Value {
    crate::event::event(
        "vault.status",
        json!({
            "profile": profile.name.as_str(),
            "vault": profile.paths.vault.display().to_string(),
            "exists": profile.exists(),
            "locked": true,
            "agent": false,
        }),
    )
}

#[cfg(test)]
mod tests;

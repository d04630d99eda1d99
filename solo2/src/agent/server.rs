//! The owner's end of the socket.
//!
//! Accepts this user's processes only, reads one request per line, hands it to
//! the node and writes events and answers back. Requests of one connection run
//! side by side, at most [`MAX_RUNNING`] of them; a reader that is slow slows
//! its own requests and nobody else's. Locking and unlocking happen here: the
//! node exists while the vault is open.
//! What the verbs mean is the node's business (`rpc`).
//! Spec: docs/cli.md, "Who holds the connections".

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::OwnerLock;
use super::rpc::{
    self, Attached, EventParams, EventSink, Failure, Id, Lines, Reply, Request, RpcError, Service,
    Version,
};
use crate::config::{NodeConfig, Settings};
use crate::error::Kind;
use crate::node::Unlock;
use crate::paths;
use crate::{device_secret, event};

/// Connections at a time.
const MAX_CONNECTIONS: usize = 128;
/// Requests of one connection at a time; further ones wait unread.
const MAX_RUNNING: usize = 32;
/// Lines that may wait for one slow reader.
const WRITE_BACKLOG: usize = 64;
/// How long a call goes on after its reader left.
const AFTER_READER_LEFT: Duration = Duration::from_secs(5);
/// How long an embedded owner stays for others that joined in.
const LINGER: Duration = Duration::from_secs(60);
/// How long a stopping agent waits for requests that are under way.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// A connection that asked nothing for so long is not waited for.
const IDLE: Duration = Duration::from_secs(1);
/// Most events that an answer without stream carries.
const MAX_COLLECTED: usize = 256;

/// What kind of owner answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Stays until it is stopped.
    Agent,
    /// Lives as long as one verb.
    Embedded,
}

impl Mode {
    /// The word in `hello` and `agent.status`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Mode::Agent => "agent",
            Mode::Embedded => "embedded",
        }
    }
}

/// What reopens a vault that was locked, and reads the configuration again.
pub(crate) trait Keeper: Send + Sync + 'static {
    /// Opens the vault and starts the node.
    fn open(&self, unlock: Unlock) -> BoxFuture<'static, Result<Arc<dyn Service>, Failure>>;
    /// The configuration as it stands now, and when the agent locks by itself.
    fn config(&self) -> Result<(NodeConfig, Locking), Failure>;
}

/// When an agent wipes its keys by itself.
#[derive(Clone, Copy)]
pub(crate) struct Locking {
    /// After so long without a request.
    pub(crate) after: Option<Duration>,
    /// Once the machine has slept.
    pub(crate) asleep: bool,
    /// How long this machine has slept so far.
    pub(crate) slept: fn() -> Duration,
}

impl Locking {
    /// What the settings say.
    pub(crate) fn of(settings: &Settings) -> Locking {
        Locking {
            after: settings.lock_after,
            asleep: settings.max_security,
            slept,
        }
    }

    /// For an owner that lives as long as one verb.
    pub(crate) fn never() -> Locking {
        Locking {
            after: None,
            asleep: false,
            slept,
        }
    }
}

/// How long this machine has slept since it started: its clock goes on meanwhile, and the one
/// that timers run by does not.
fn slept() -> Duration {
    #[cfg(target_os = "linux")]
    {
        use rustix::time::{ClockId, clock_gettime};
        let read = |clock| {
            let time = clock_gettime(clock);
            Duration::new(
                u64::try_from(time.tv_sec).unwrap_or_default(),
                u32::try_from(time.tv_nsec).unwrap_or_default(),
            )
        };
        read(ClockId::Boottime).saturating_sub(read(ClockId::Monotonic))
    }
    #[cfg(not(target_os = "linux"))]
    {
        use std::sync::LazyLock;
        use std::time::SystemTime;
        static BEGUN: LazyLock<(SystemTime, Instant)> =
            LazyLock::new(|| (SystemTime::now(), Instant::now()));
        let passed = BEGUN.0.elapsed().unwrap_or_default();
        passed.saturating_sub(BEGUN.1.elapsed())
    }
}

/// What a server starts with.
pub(crate) struct Setup {
    pub(crate) lock: OwnerLock,
    pub(crate) socket: PathBuf,
    /// The profile's name.
    pub(crate) profile: String,
    /// Where the vault is, for `vault.status`.
    pub(crate) vault: PathBuf,
    pub(crate) mode: Mode,
    /// The open vault's node; none starts locked.
    pub(crate) service: Option<Arc<dyn Service>>,
    /// None for an owner that is never locked and unlocked.
    pub(crate) keeper: Option<Box<dyn Keeper>>,
    /// When it locks by itself.
    pub(crate) locking: Locking,
}

/// The running server; [`Server::close`] ends it in good order.
pub(crate) struct Server {
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
    watching: JoinHandle<()>,
    socket: PathBuf,
    _lock: OwnerLock,
}

impl Server {
    /// Binds the socket under the lock and serves it.
    pub(crate) async fn start(setup: Setup) -> Result<Server, Failure> {
        let listener = bind(&setup.socket)?;
        let (stop, _) = watch::channel(false);
        let (end, _) = watch::channel(false);
        let shared = Arc::new(Shared {
            profile: setup.profile,
            vault: setup.vault,
            mode: setup.mode,
            started: Instant::now(),
            service: Mutex::new(setup.service),
            changing: tokio::sync::Mutex::new(()),
            keeper: setup.keeper,
            connections: Mutex::new(HashMap::new()),
            next_connection: AtomicU64::new(0),
            last_request: Mutex::new(Instant::now()),
            awake: Mutex::new((setup.locking.slept)()),
            locking: Mutex::new(setup.locking),
            stop,
            end,
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        let watching = tokio::spawn(lock_when_idle(Arc::clone(&shared)));
        Ok(Server {
            shared,
            accepting,
            watching,
            socket: setup.socket,
            _lock: setup.lock,
        })
    }

    /// Resolves when somebody asked for the agent to stop.
    pub(crate) async fn stop_asked(&self) {
        let mut stop = self.shared.stop.subscribe();
        if stop.wait_for(|stop| *stop).await.is_err() {
            pending().await
        }
    }

    /// Stops accepting, lets others finish, ends the node, lets the lock go.
    pub(crate) async fn close(self) {
        self.accepting.abort();
        self.watching.abort();
        let _ = self.accepting.await;
        // Still under the lock: whoever comes now takes it after us.
        let _ = std::fs::remove_file(&self.socket);
        let patience = match self.shared.mode {
            Mode::Agent => STOP_GRACE,
            Mode::Embedded => LINGER,
        };
        let until = Instant::now() + patience;
        while self.shared.is_awaited() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.shared.end.send_replace(true);
        let service = self.shared.service().take();
        if let Some(service) = service {
            service.shutdown().await;
        }
    }
}

/// What the connections share.
struct Shared {
    profile: String,
    vault: PathBuf,
    mode: Mode,
    started: Instant,
    service: Mutex<Option<Arc<dyn Service>>>,
    /// Held while the vault is being locked or unlocked.
    changing: tokio::sync::Mutex<()>,
    keeper: Option<Box<dyn Keeper>>,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    next_connection: AtomicU64,
    last_request: Mutex<Instant>,
    /// How long the machine had slept when we looked last.
    awake: Mutex<Duration>,
    locking: Mutex<Locking>,
    /// True once `agent.stop` was asked.
    stop: watch::Sender<bool>,
    /// True when every connection has to end.
    end: watch::Sender<bool>,
}

/// What the server knows of one connection.
struct Connection {
    /// Requests under way that end by themselves.
    bounded: AtomicUsize,
    /// Requests under way that last until the reader leaves.
    following: AtomicUsize,
    last: Mutex<Instant>,
}

impl Shared {
    fn service(&self) -> MutexGuard<'_, Option<Arc<dyn Service>>> {
        hold(&self.service)
    }

    fn open_service(&self) -> Result<Arc<dyn Service>, Failure> {
        self.service().clone().ok_or_else(|| {
            Failure::new(Kind::Locked, "the vault is locked").hint("unlock it: solo2 vault unlock")
        })
    }

    fn is_locked(&self) -> bool {
        self.service().is_none()
    }

    /// Whether a connection is worth waiting for before the owner leaves.
    fn is_awaited(&self) -> bool {
        hold(&self.connections).values().any(|connection| {
            connection.bounded.load(Ordering::Relaxed) > 0
                || (connection.following.load(Ordering::Relaxed) == 0
                    && self.mode == Mode::Embedded
                    && hold(&connection.last).elapsed() < IDLE)
        })
    }

    /// Whether no request is under way, lasting ones included.
    fn is_idle(&self) -> bool {
        !hold(&self.connections).values().any(|connection| {
            connection.bounded.load(Ordering::Relaxed) > 0
                || connection.following.load(Ordering::Relaxed) > 0
        })
    }

    fn hello(&self) -> Value {
        event::event(
            "hello",
            json!({
                "version": env!("CARGO_PKG_VERSION"),
                "caps": ["jsonl.1", "stream"],
                "mode": self.mode.as_str(),
                "profile": self.profile,
                "pid": std::process::id(),
                "locked": self.is_locked(),
            }),
        )
    }

    /// The agent's state, with what the node adds while the vault is open.
    async fn status(&self) -> Value {
        let mut status = event::event(
            "agent.status",
            json!({
                "running": true,
                "pid": std::process::id(),
                "mode": self.mode.as_str(),
                "version": env!("CARGO_PKG_VERSION"),
                "profile": self.profile,
                "locked": self.is_locked(),
                "uptime_s": self.started.elapsed().as_secs(),
            }),
        );
        let service = self.service().clone();
        if let Some(service) = service {
            let (sink, _events) = EventSink::new();
            let found = service.call("status".to_owned(), json!({}), sink).await;
            if let (Ok(Value::Object(more)), Value::Object(status)) = (found, &mut status) {
                for (key, value) in more {
                    status.entry(key).or_insert(value);
                }
            }
        }
        status
    }

    fn vault_status(&self) -> Value {
        event::event(
            "vault.status",
            json!({
                "profile": self.profile,
                "vault": self.vault.display().to_string(),
                "exists": true,
                "locked": self.is_locked(),
                "agent": self.mode == Mode::Agent,
            }),
        )
    }

    async fn unlock(&self, params: Value) -> Result<Value, Failure> {
        let mut params = params;
        let mut secret = |key: &str| match params.get_mut(key).map(Value::take) {
            Some(Value::String(text)) => Some(Zeroizing::new(text)),
            _ => None,
        };
        let found = (secret("password"), secret("words"), secret("device_secret"));
        let unlock = match found {
            (Some(password), None, None) => Unlock::Password(password),
            (None, Some(words), None) => Unlock::Words(words),
            (None, None, Some(digits)) => match device_secret::parse(&digits) {
                Some(secret) => Unlock::Device(secret),
                None => return Err(invalid("device_secret is 64 hexadecimal digits")),
            },
            _ => {
                return Err(invalid(
                    "vault.unlock takes a password, words or a device_secret",
                ));
            }
        };
        let keeper = self.keeper()?;
        let _changing = self.changing.lock().await;
        if self.is_locked() {
            let service = keeper.open(unlock).await?;
            *hold(&self.last_request) = Instant::now();
            *self.service() = Some(service);
        }
        Ok(self.vault_status())
    }

    async fn lock(&self) -> Result<Value, Failure> {
        self.keeper()?;
        let _changing = self.changing.lock().await;
        let service = self.service().take();
        if let Some(service) = service {
            service.shutdown().await;
        }
        Ok(self.vault_status())
    }

    async fn reload(&self) -> Result<Value, Failure> {
        let (config, locking) = self.keeper()?.config()?;
        *hold(&self.locking) = locking;
        let config =
            serde_json::to_value(config).map_err(|error| Failure::internal(error.to_string()))?;
        // A locked vault's node reads the configuration when it is opened.
        let service = self.service().clone();
        if let Some(service) = service {
            let (sink, _events) = EventSink::new();
            service.call("reload".to_owned(), config, sink).await?;
        }
        Ok(self.status().await)
    }

    /// Locks if the machine has slept since we looked last, whoever uses the agent.
    async fn lock_if_slept(&self) {
        /// Two clocks are never read in the same moment.
        const DOZE: Duration = Duration::from_millis(500);
        let locking = *hold(&self.locking);
        let now = (locking.slept)();
        let before = std::mem::replace(&mut *hold(&self.awake), now);
        let has_slept = locking.asleep && now.saturating_sub(before) > DOZE;
        if has_slept && !self.is_locked() && self.lock().await.is_ok() {
            tracing::info!("locked: the machine has slept");
        }
    }

    fn keeper(&self) -> Result<&dyn Keeper, Failure> {
        self.keeper.as_deref().ok_or_else(|| {
            Failure::new(Kind::Locked, "no agent is running, only another command")
                .code("no_agent")
                .hint("start one: solo2 agent start")
        })
    }

    /// Carries out one method, the server's own or the node's.
    async fn call(&self, request: Request, events: EventSink) -> Result<Value, Failure> {
        self.lock_if_slept().await;
        match request.method.as_str() {
            "hello" => Ok(self.hello()),
            "agent.status" => Ok(self.status().await),
            "agent.reload" => self.reload().await,
            "agent.stop" => {
                self.stop.send_replace(true);
                Ok(json!({"pid": std::process::id()}))
            }
            "vault.status" => Ok(self.vault_status()),
            "vault.unlock" | "agent.unlock" => self.unlock(request.params).await,
            "vault.lock" | "agent.lock" => self.lock().await,
            _ => {
                let service = self.open_service()?;
                service.call(request.method, request.params, events).await
            }
        }
    }
}

/// Binds the socket, for this user alone. The caller holds the lock, so what
/// lies there is a dead process's.
fn bind(socket: &Path) -> Result<UnixListener, Failure> {
    let failed =
        |error: &io::Error| Failure::io(format!("cannot serve {}", socket.display()), error);
    if let Some(dir) = socket.parent() {
        paths::make_private(dir)?;
        paths::check_socket_dir(dir)?;
    }
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&error)),
        _ => {}
    }
    // The process's umask makes it 0600 from the start; this is for the reader.
    let listener = UnixListener::bind(socket).map_err(|error| failed(&error))?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))
        .map_err(|error| failed(&error))?;
    Ok(listener)
}

async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) if is_ours(&stream) => {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    serve(stream, shared).await;
                    drop(permit);
                });
            }
            Ok(_) => tracing::warn!("refused a connection of another user"),
            Err(error) => {
                // Out of descriptors, most likely: others may close some.
                tracing::warn!(kind = %error.kind(), "cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Whether the process at the other end is this user's.
pub(crate) fn is_ours(stream: &UnixStream) -> bool {
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}

async fn lock_when_idle(shared: Arc<Shared>) {
    const LOOK: Duration = Duration::from_secs(5);
    /// A machine that woke up is not to be asked for what it held before.
    const LOOK_FOR_SLEEP: Duration = Duration::from_secs(1);
    loop {
        shared.lock_if_slept().await;
        let idle = hold(&shared.last_request).elapsed();
        let Locking { after, asleep, .. } = *hold(&shared.locking);
        if !shared.is_idle() {
            *hold(&shared.last_request) = Instant::now();
        } else if after.is_some_and(|after| idle >= after)
            && !shared.is_locked()
            && shared.lock().await.is_ok()
        {
            tracing::info!("locked after {} s without a request", idle.as_secs());
        }
        let longest = if asleep { LOOK_FOR_SLEEP } else { LOOK };
        let next = after.map_or(longest, |after| after.saturating_sub(idle));
        tokio::time::sleep(next.clamp(Duration::from_millis(100), longest)).await;
    }
}

/// One connection, from its first line to its last.
async fn serve(stream: UnixStream, shared: Arc<Shared>) {
    let number = shared.next_connection.fetch_add(1, Ordering::Relaxed);
    let connection = Arc::new(Connection {
        bounded: AtomicUsize::new(0),
        following: AtomicUsize::new(0),
        last: Mutex::new(Instant::now()),
    });
    hold(&shared.connections).insert(number, Arc::clone(&connection));

    let (from, mut to) = stream.into_split();
    let (answers, mut waiting) = mpsc::channel::<Zeroizing<Vec<u8>>>(WRITE_BACKLOG);
    let (left, _) = watch::channel(false);
    let left = Arc::new(left);
    let mut writing = tokio::spawn(async move {
        while let Some(line) = waiting.recv().await {
            if to.write_all(&line).await.is_err() {
                break;
            }
        }
        to
    });
    let room = Arc::new(Semaphore::new(MAX_RUNNING));
    let mut end = shared.end.subscribe();
    let mut lines = Lines::new(from);
    let mut alone = true;
    let mut taken_over = None;
    loop {
        let line = tokio::select! {
            line = lines.next() => line,
            () = told(&mut end) => break,
            _ = &mut writing => break,
        };
        let request = match line {
            Ok(Some([])) => continue,
            Ok(Some(line)) => serde_json::from_slice::<Request>(line),
            Ok(None) => break,
            Err(_) => {
                let failure = Failure::usage("the line is too long").code("invalid_request");
                let _ = answers.send(failed(None, failure)).await;
                break;
            }
        };
        *hold(&connection.last) = Instant::now();
        let request = match request {
            Ok(request) => request,
            Err(_) => {
                let failure = Failure::usage("not a JSON-RPC 2.0 request").code("parse_error");
                if answers.send(failed(None, failure)).await.is_err() {
                    break;
                }
                continue;
            }
        };
        // Looking at the agent is not using it.
        if !matches!(
            request.method.as_str(),
            "hello" | "agent.status" | "vault.status"
        ) {
            *hold(&shared.last_request) = Instant::now();
        }
        if rpc::is_attaching(&request.method) && std::mem::replace(&mut alone, false) {
            taken_over = Some(request);
            break;
        }
        alone = false;
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit,
            () = told(&mut end) => break,
            _ = &mut writing => break,
        };
        let task = Running {
            shared: Arc::clone(&shared),
            connection: Arc::clone(&connection),
            answers: answers.clone(),
            left: left.subscribe(),
        };
        tokio::spawn(async move {
            task.run(request).await;
            drop(permit);
        });
    }
    left.send_replace(true);
    drop(answers);
    if let Some(request) = taken_over {
        if let (Ok(to), Some(from)) = (writing.await, lines.into_inner())
            && let Ok(stream) = to.reunite(from)
        {
            take_over(stream, request, &shared, &connection).await;
        }
        hold(&shared.connections).remove(&number);
        return;
    }
    hold(&shared.connections).remove(&number);
    if !writing.is_finished() {
        // What is answered already still goes out.
        let _ = tokio::time::timeout(Duration::from_secs(1), writing).await;
    }
}

/// Answers the one request of a connection and lets what it asked for have the connection.
async fn take_over(
    mut stream: UnixStream,
    request: Request,
    shared: &Shared,
    connection: &Connection,
) {
    // Others' bytes are worth waiting for, but an agent that is to stop stops: they go on
    // with the next one.
    let count = match shared.mode {
        Mode::Agent => &connection.following,
        Mode::Embedded => &connection.bounded,
    };
    count.fetch_add(1, Ordering::Relaxed);
    let mut end = shared.end.subscribe();
    let carried = async {
        let id = request.id.unwrap_or(Id::Number(0));
        let attached = match shared.open_service() {
            Ok(service) => service.attach(request.method, request.params).await,
            Err(failure) => Err(failure),
        };
        let (line, run) = match attached {
            Ok(Attached { answer, run }) => {
                let done = Reply::Done {
                    jsonrpc: Version::V2,
                    id,
                    result: answer,
                };
                (to_line(&done), Some(run))
            }
            Err(failure) => (failed(Some(id), failure), None),
        };
        if stream.write_all(&line).await.is_ok()
            && let Some(run) = run
        {
            run(stream).await;
        }
    };
    tokio::select! {
        () = carried => {}
        () = told(&mut end) => {}
    }
    count.fetch_sub(1, Ordering::Relaxed);
}

/// One request under way.
struct Running {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    answers: mpsc::Sender<Zeroizing<Vec<u8>>>,
    left: watch::Receiver<bool>,
}

impl Running {
    async fn run(self, mut request: Request) {
        let id = request.id.take();
        let stream = take_flag(&mut request.params, "stream") || request.method == "subscribe";
        let follows = request.method == "subscribe" || request.params["follow"] == true;
        let count = if follows {
            &self.connection.following
        } else {
            &self.connection.bounded
        };
        count.fetch_add(1, Ordering::Relaxed);
        let result = match bound_collection(&mut request, stream) {
            Ok(()) => self.carry_out(request, id.as_ref(), stream).await,
            Err(failure) => Some(Err(failure)),
        };
        count.fetch_sub(1, Ordering::Relaxed);
        *hold(&self.connection.last) = Instant::now();
        if let (Some(id), Some(result)) = (id, result) {
            let line = match result {
                Ok(result) => to_line(&Reply::Done {
                    jsonrpc: Version::V2,
                    id,
                    result,
                }),
                Err(failure) => failed(Some(id), failure),
            };
            let _ = self.answers.send(line).await;
        }
    }

    /// Runs the call and passes its events on; nothing when the reader left.
    async fn carry_out(
        &self,
        request: Request,
        id: Option<&Id>,
        stream: bool,
    ) -> Option<Result<Value, Failure>> {
        let collects = collected_as(&request.method).filter(|_| !stream);
        let (sink, mut events) = EventSink::new();
        let mut left = self.left.clone();
        let shared = Arc::clone(&self.shared);
        // Its own task: a panic in one request is one failed request.
        let mut call = tokio::spawn(async move { shared.call(request, sink).await });
        let mut collected = Vec::new();
        let mut open = true;
        let result = loop {
            tokio::select! {
                biased;
                event = events.recv(), if open => match event {
                    Some(event) if stream => self.pass(id, event).await,
                    Some(event) if collects.is_some() && collected.len() < MAX_COLLECTED => collected.push(event),
                    Some(_) => {}
                    None => open = false,
                },
                result = &mut call => break result,
                () = told(&mut left) => {
                    drop(events);
                    if tokio::time::timeout(AFTER_READER_LEFT, &mut call).await.is_err() {
                        call.abort();
                    }
                    return None;
                }
            }
        };
        while let Ok(event) = events.try_recv() {
            if stream {
                self.pass(id, event).await;
            } else if collects.is_some() && collected.len() < MAX_COLLECTED {
                collected.push(event);
            }
        }
        let result = result.unwrap_or_else(|_| Err(Failure::internal("the request failed badly")));
        Some(result.map(|mut result| {
            if let (Some(name), Value::Object(result)) = (collects, &mut result) {
                result.insert(name.to_owned(), collected.into());
            }
            result
        }))
    }

    async fn pass(&self, id: Option<&Id>, event: Value) {
        if let Some(id) = id {
            let line = to_line(&Reply::Event {
                jsonrpc: Version::V2,
                method: "event".to_owned(),
                params: EventParams {
                    id: id.clone(),
                    event,
                },
            });
            let _ = self.answers.send(line).await;
        }
    }
}

/// The field in which a method's events stand when its answer is not a stream.
fn collected_as(method: &str) -> Option<&'static str> {
    match method {
        "recv" => Some("events"),
        "history" | "search" => Some("messages"),
        "queue.list" => Some("items"),
        _ => None,
    }
}

/// `recv` acknowledges what it answers with, so without a stream there is a limit.
fn bound_collection(request: &mut Request, stream: bool) -> Result<(), Failure> {
    if stream || request.method != "recv" {
        return Ok(());
    }
    if request.params["follow"] == true {
        return Err(invalid("recv with follow needs \"stream\": true"));
    }
    let wanted = request.params["max"].as_u64().unwrap_or(u64::MAX);
    if let Value::Object(params) = &mut request.params {
        params.insert("max".to_owned(), wanted.min(MAX_COLLECTED as u64).into());
    } else {
        request.params = json!({"max": MAX_COLLECTED});
    }
    Ok(())
}

fn take_flag(params: &mut Value, key: &str) -> bool {
    match params {
        Value::Object(params) => params.shift_remove(key) == Some(Value::Bool(true)),
        Value::Null => {
            *params = json!({});
            false
        }
        _ => false,
    }
}

fn invalid(message: &str) -> Failure {
    Failure::usage(message).code("invalid_params")
}

fn failed(id: Option<Id>, failure: Failure) -> Zeroizing<Vec<u8>> {
    to_line(&Reply::Failed {
        jsonrpc: Version::V2,
        id,
        error: RpcError::from_failure(failure),
    })
}

fn to_line(reply: &Reply) -> Zeroizing<Vec<u8>> {
    let mut line = Zeroizing::new(Vec::with_capacity(512));
    // Writing plain data to memory has no way to fail.
    let written = serde_json::to_writer(&mut *line, reply);
    debug_assert!(written.is_ok());
    line.push(b'\n');
    line
}

/// Resolves when the flag is raised, or nobody is left to raise it.
async fn told(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|raised| *raised).await;
}

/// A lock whose holder panicked guards nothing that could be half done here.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

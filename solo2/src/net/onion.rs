//! Onion services: the way to a contact that hides both addresses, with no server at all.
//!
//! Each of two contacts keeps a service that only the other one knows of and only the other
//! one can find. Both sides derive both services' keys from the pair secret, so there is no
//! address to be told, and none that says who is behind it.
//!
//! ```text
//!   pair secret ──► Door of A ──open──► service ◄──call── B
//!              └──► Door of B ──open──► service ◄──call── A        (Tor in between)
//! ```
//!
//! Tor itself is arti, in this process. Its connections leave through the one door
//! ([`super::socket`]) like all others; it looks no name up.
//! Spec: docs/protocol/3-links.md §9; <https://spec.torproject.org/rend-spec/>.

use std::collections::HashMap;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arti_client::{
    DataStream, ErrorKind, HasKind as _, IsolationToken, KeystoreSelector, StreamPrefs, TorClient,
};
use futures_util::{Stream, StreamExt as _};
use safelog::DisplayRedacted as _;
use solo2_crypto::noise::Carrier;
use solo2_crypto::rendezvous;
use solo2_crypto::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tor_cell::relaycell::msg::Connected;
use tor_hscrypto::pk::{HsClientDescEncKey, HsClientDescEncSecretKey, HsId, HsIdKey, HsIdKeypair};
use tor_hsservice::config::OnionServiceConfigBuilder;
use tor_hsservice::{RendRequest, RunningOnionService, StreamRequest, handle_rend_requests};
use tor_llcrypto::pk::{curve25519, ed25519};
use tor_rtcompat::{CompoundRuntime, PreferredRuntime};
use zeroize::Zeroizing;

use super::RoutePolicy;
use super::connection::Connection;
use super::direct::{PathState, Via};
use super::socket::TorDoor;

mod config;

pub(crate) use config::{Bridge, Settings};

/// The ports of our services: nothing else is there.
const PORT: u16 = 1;
const STRAND_PORT: u16 = 2;
/// How long a call may take; circuits and descriptors are tried anew meanwhile.
const CALL_MAX: Duration = Duration::from_secs(90);
/// How often and when a call is made again that found no guard or no directory to begin with.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// When a call gets company that has been on its way for so long: its circuit may lead nowhere,
/// and a service that cannot answer on it has no way to say so.
const SECOND_CALL: Duration = Duration::from_secs(20);
/// Callers that nobody has attended to yet; further ones are turned away.
const CALLERS_MAX: usize = 4;
/// How long a strand may take to say which link it belongs to.
const TOKEN_MAX: Duration = Duration::from_secs(30);

/// Why there is no connection through Tor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OnionError {
    /// The configuration, or the directory for Tor's state.
    #[error("Tor cannot be set up: {0}")]
    Setup(String),
    /// The Tor network, or the way to it.
    #[error("Tor is not reachable: {0}")]
    Network(String),
    /// Nobody keeps this service now.
    #[error("the onion service is not there")]
    Absent,
    /// It is there, but not for this key.
    #[error("the onion service does not know our key")]
    Unauthorised,
    /// It did not answer.
    #[error("the onion service did not answer in time")]
    Timeout,
}

impl OnionError {
    fn setup(error: impl std::error::Error) -> Self {
        Self::Setup(chain(&error))
    }

    fn of(error: &arti_client::Error) -> Self {
        match error.kind() {
            ErrorKind::OnionServiceNotFound
            | ErrorKind::OnionServiceNotRunning
            | ErrorKind::OnionServiceConnectionFailed
            | ErrorKind::RemoteConnectionRefused
            | ErrorKind::RemoteStreamReset
            | ErrorKind::RemoteStreamClosed => Self::Absent,
            ErrorKind::OnionServiceMissingClientAuth | ErrorKind::OnionServiceWrongClientAuth => {
                Self::Unauthorised
            }
            // Somebody beyond the first relay was slow: the network itself is reached.
            ErrorKind::TorNetworkTimeout
            | ErrorKind::RemoteNetworkTimeout
            | ErrorKind::ExitTimeout => Self::Timeout,
            _ => Self::Network(chain(error)),
        }
    }
}

/// An error and what it came of, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut below = error.source();
    while let Some(source) = below {
        let text = source.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        below = source.source();
    }
    line
}

/// The keys of one service.
pub(crate) struct Door {
    service: Secret<32>,
    discovery: Secret<32>,
}

impl Door {
    /// The service that `owner` keeps for whoever shares `secret`.
    pub(crate) fn new(secret: &Secret<32>, owner: &[u8]) -> Self {
        Self {
            service: rendezvous::onion_service(secret, owner),
            discovery: rendezvous::onion_discovery(secret, owner),
        }
    }

    fn keypair(&self) -> HsIdKeypair {
        let seed = ed25519::Keypair::from_bytes(self.service.expose());
        HsIdKeypair::from(ed25519::ExpandedKeypair::from(&seed))
    }

    fn id(&self) -> HsId {
        HsIdKey::from(&self.keypair()).id()
    }

    /// The public key that is the service's address.
    fn address(&self) -> [u8; 32] {
        self.id().into()
    }

    fn reader(&self) -> HsClientDescEncSecretKey {
        curve25519::StaticSecret::from(*self.discovery.expose()).into()
    }
}

/// The key of the onion service with this name; `None` when it is none.
pub(crate) fn service(name: &str) -> Option<[u8; 32]> {
    let id: HsId = name.parse().ok()?;
    Some(id.into())
}

/// The name of the onion service with this key.
pub(crate) fn name(service: [u8; 32]) -> String {
    HsId::from(service).display_unredacted().to_string()
}

/// How far Tor has come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Progress {
    /// 0 to 1.
    pub(crate) fraction: f32,
    /// Whether connections can be made.
    pub(crate) ready: bool,
    /// What is in the way.
    pub(crate) blocked: Option<String>,
    /// Services that are kept up.
    pub(crate) services: usize,
    /// Those among them that the network's directory has, as far as arti knows.
    pub(crate) published: usize,
}

/// The usual runtime, with our door in it.
type Runtime = CompoundRuntime<
    PreferredRuntime,
    PreferredRuntime,
    PreferredRuntime,
    TorDoor,
    PreferredRuntime,
    PreferredRuntime,
    PreferredRuntime,
>;

/// Tor, in this process.
pub(crate) struct Tor {
    client: Arc<TorClient<Runtime>>,
    /// Circuits of one contact serve no other, and no server.
    isolation: Mutex<HashMap<[u8; 32], IsolationToken>>,
    services: Mutex<Vec<Weak<RunningOnionService>>>,
}

impl Tor {
    /// Sets Tor up; it connects when there is something to do.
    ///
    /// `directory` holds what it remembers: guards and the network's directory, and nothing
    /// of contacts.
    pub(crate) fn new(
        directory: &Path,
        settings: &Settings,
        policy: Arc<dyn Fn() -> RoutePolicy + Send + Sync>,
    ) -> Result<Arc<Self>, OnionError> {
        // arti takes the process's provider, and there is one only.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let state = directory.join("state");
        // Which services there were, and what they remembered, is nobody's business.
        match std::fs::remove_dir_all(state.join("hss")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(OnionError::setup(error));
            }
            _ => {}
        }
        let config = settings.build(&state, &directory.join("cache"))?;
        let usual = PreferredRuntime::current().map_err(OnionError::setup)?;
        let again = || usual.clone();
        let door = TorDoor::new(usual.clone(), policy);
        let runtime = Runtime::new(again(), again(), again(), door, again(), again(), again());
        let client = TorClient::with_runtime(runtime)
            .config(config)
            .create_unbootstrapped()
            .map_err(|error| OnionError::setup(&error))?;
        Ok(Arc::new(Self {
            client,
            isolation: Mutex::default(),
            services: Mutex::default(),
        }))
    }

    /// Connects to the network, or says why not.
    pub(crate) async fn connect(&self) -> Result<(), OnionError> {
        let connected = self.client.bootstrap().await;
        connected.map_err(|error| OnionError::Network(chain(&error)))
    }

    /// How far that has come.
    pub(crate) fn progress(&self) -> Progress {
        let status = self.client.bootstrap_status();
        let mut services = self.services();
        services.retain(|service| service.strong_count() > 0);
        let up: Vec<_> = services.iter().filter_map(Weak::upgrade).collect();
        Progress {
            fraction: status.as_frac(),
            ready: status.ready_for_traffic(),
            blocked: status
                .blocked()
                .map(|blocked| blocked.message().to_string()),
            services: up.len(),
            published: up
                .iter()
                .filter(|service| service.status().state().is_fully_reachable())
                .count(),
        }
    }

    fn services(&self) -> MutexGuard<'_, Vec<Weak<RunningOnionService>>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the service behind `door` until the result is dropped.
    ///
    /// Connects first: a service that is launched before is never published (arti 0.47).
    pub(crate) async fn open(&self, door: &Door) -> Result<Service, OnionError> {
        self.connect().await?;
        let key = HsClientDescEncKey::from(&door.reader());
        // Known to nobody: what Tor keeps on the disk under it says nothing.
        let nickname = format!("s{:016x}", rand::random::<u64>());
        let config = format!(
            "nickname = \"{nickname}\"\n\
             [restricted_discovery]\nenabled = true\n\
             [restricted_discovery.static_keys]\npeer = \"{key}\"\n"
        );
        let builder: OnionServiceConfigBuilder =
            toml::from_str(&config).map_err(OnionError::setup)?;
        let config = builder.build().map_err(OnionError::setup)?;
        let (running, requests) = self
            .client
            .launch_onion_service_with_hsid(config, door.keypair())
            .map_err(|error| OnionError::of(&error))?
            .ok_or_else(|| OnionError::Setup("the service is switched off".to_owned()))?;
        let (callers, calls) = mpsc::channel(CALLERS_MAX);
        let (joining, strands) = mpsc::channel(CALLERS_MAX);
        let answering = answer(requests, callers, joining, door.address());
        let answering = tokio::spawn(answering);
        self.services().push(Arc::downgrade(&running));
        Ok(Service {
            calls,
            strands,
            _answering: AbortOnDrop(answering),
            _running: running,
        })
    }

    /// Calls the service behind `door`.
    pub(crate) async fn call(&self, door: &Door) -> Result<Connection, OnionError> {
        let id = self.may_read(door)?;
        let stream = self.stream(id, PORT).await?;
        Ok(connection(yamux::Mode::Client, stream, door.address()))
    }

    /// Calls it once more, for the link that `token` belongs to, over a circuit of its own.
    pub(crate) async fn strand(
        &self,
        door: &Door,
        token: &Secret<32>,
    ) -> Result<Connection, OnionError> {
        let id = self.may_read(door)?;
        let calling = self.attempt(id, STRAND_PORT, IsolationToken::new());
        let mut stream = match timeout(CALL_MAX, calling).await {
            Ok(called) => called.map_err(|error| OnionError::of(&error))?,
            Err(_) => return Err(OnionError::Timeout),
        };
        let said = async {
            stream.write_all(token.expose()).await?;
            stream.flush().await
        };
        said.await.map_err(|_| OnionError::Absent)?;
        Ok(connection(yamux::Mode::Client, stream, door.address()))
    }

    /// Which service is behind `door`; with our key, so that Tor can find it.
    fn may_read(&self, door: &Door) -> Result<HsId, OnionError> {
        let id = door.id();
        let known = self.client.get_service_discovery_key(id);
        if !matches!(known, Ok(Some(_))) {
            self.client
                .insert_service_discovery_key(KeystoreSelector::Primary, id, door.reader())
                .map_err(|error| OnionError::setup(&error))?;
        }
        Ok(id)
    }

    /// A stream to a port of the service `id`.
    pub(crate) async fn stream(&self, id: HsId, port: u16) -> Result<DataStream, OnionError> {
        let calling = either(
            self.attempt(id, port, self.isolation(id.into())),
            SECOND_CALL,
            self.attempt(id, port, IsolationToken::new()),
        );
        match timeout(CALL_MAX, calling).await {
            Ok(called) => called.map_err(|error| OnionError::of(&error)),
            Err(_) => Err(OnionError::Timeout),
        }
    }

    /// The same on circuits of their own, for as long as Tor tries.
    async fn attempt(
        &self,
        id: HsId,
        port: u16,
        isolation: IsolationToken,
    ) -> arti_client::Result<DataStream> {
        let mut prefs = StreamPrefs::new();
        prefs.connect_to_onion_services(arti_client::config::BoolOrAuto::Explicit(true));
        prefs.set_isolation(isolation);
        let name = id.display_unredacted().to_string();
        let mut tries = 0;
        loop {
            let target = (name.as_str(), port);
            match self.client.connect_with_prefs(target, &prefs).await {
                // Guards are being tried: there are others, or it is a bridge just found.
                // Or the directory has run out and the next one is on its way.
                Err(error)
                    if tries < TRIES
                        && matches!(
                            error.kind(),
                            ErrorKind::TorAccessFailed | ErrorKind::BootstrapRequired
                        ) =>
                {
                    tries += 1;
                    sleep(PAUSE).await;
                }
                called => return called,
            }
        }
    }

    fn isolation(&self, address: [u8; 32]) -> IsolationToken {
        let mut tokens = self
            .isolation
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *tokens.entry(address).or_insert_with(IsolationToken::new)
    }
}

/// The first of two that succeeds; the second begins only when the first takes `patience`.
async fn either<T, E>(
    first: impl Future<Output = Result<T, E>>,
    patience: Duration,
    second: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    if let Ok(done) = timeout(patience, &mut first).await {
        return done;
    }
    tokio::select! {
        done = &mut first => match done {
            Ok(_) => done,
            Err(_) => second.await,
        },
        done = &mut second => match done {
            Ok(_) => done,
            Err(_) => first.await,
        },
    }
}

/// A service that is kept up; whoever calls arrives as a connection.
pub(crate) struct Service {
    calls: mpsc::Receiver<Connection>,
    strands: mpsc::Receiver<Joining>,
    _answering: AbortOnDrop,
    _running: Arc<RunningOnionService>,
}

impl Service {
    /// The next caller; `None` when the service has ended.
    pub(crate) async fn next(&mut self) -> Option<Connection> {
        self.calls.recv().await
    }

    /// The next caller, or a further stream of one that was.
    pub(crate) async fn next_or_strand(&mut self) -> Option<Caller> {
        tokio::select! {
            called = self.calls.recv() => called.map(Caller::Link),
            joining = self.strands.recv() => joining.map(Caller::Strand),
        }
    }
}

/// What comes to a service.
pub(crate) enum Caller {
    /// Somebody who wants a link.
    Link(Connection),
    /// A strand of a link.
    Strand(Joining),
}

/// A strand, and the token by which it is known whose.
pub(crate) type Joining = (Secret<32>, Connection);

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn answer(
    requests: impl Stream<Item = RendRequest> + Send,
    callers: mpsc::Sender<Connection>,
    joining: mpsc::Sender<Joining>,
    address: [u8; 32],
) {
    let mut streams = pin!(handle_rend_requests(requests));
    while let Some(request) = streams.next().await {
        let port = port(&request);
        if port == Some(PORT)
            && let Ok(place) = callers.clone().try_reserve_owned()
        {
            tokio::spawn(async move {
                if let Ok(stream) = request.accept(Connected::new_empty()).await {
                    place.send(connection(yamux::Mode::Server, stream, address));
                }
            });
        } else if port == Some(STRAND_PORT)
            && let Ok(place) = joining.clone().try_reserve_owned()
        {
            tokio::spawn(async move {
                if let Some(joined) = join(request, address).await {
                    place.send(joined);
                }
            });
        } else {
            // Nothing else is here, or too many wait already.
            let _ = request.shutdown_circuit();
        }
    }
}

/// The port that a stream is to lead to.
fn port(request: &StreamRequest) -> Option<u16> {
    use tor_proto::stream::IncomingStreamRequest;
    match request.request() {
        IncomingStreamRequest::Begin(begin) => Some(begin.port()),
        _ => None,
    }
}

/// Takes a strand and hears which link it belongs to.
async fn join(request: StreamRequest, address: [u8; 32]) -> Option<Joining> {
    let mut stream = request.accept(Connected::new_empty()).await.ok()?;
    let mut token = Zeroizing::new([0; 32]);
    let heard = timeout(TOKEN_MAX, stream.read_exact(token.as_mut())).await;
    heard.ok()?.ok()?;
    let connection = connection(yamux::Mode::Server, stream, address);
    Some((Secret::new(&token), connection))
}

fn connection(side: yamux::Mode, stream: DataStream, address: [u8; 32]) -> Connection {
    let (keep, path) = watch::channel(PathState {
        connected: true,
        via: Via::Onion,
        ..PathState::NONE
    });
    Connection::shared(side, stream, (Carrier::Onion, address), path, keep)
}

#[cfg(test)]
mod tests;

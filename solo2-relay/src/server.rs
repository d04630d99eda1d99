//! The relay server: a STUN and TURN server that keeps its hands to itself.
//!
//! A datagram walks through these files in this order: `listen` has bound the socket, `io`
//! receives it in a batch, `turn` decides with `policy` and `limits` what becomes of it,
//! `batch` keeps that in mind, and `egress` sends it on with others of its size. A client
//! that is connected comes in by `stream` instead, and is sent what waits for it from there.
//! `workers` are the threads that do so, `shared` is what they have in common. `config` and
//! `secret` are the operator's; what the process does to itself is in `solo2-server`.
//!
//! There is no logging here, at any level: what is never written needs no retention.
//! Nothing in this tree opens a file after the start, and unless peers beyond this relay
//! are allowed, nothing opens a socket either.

pub mod config;
pub mod control;
pub mod health;
pub mod secret;

mod batch;
mod egress;
mod io;
mod limits;
mod listen;
mod policy;
mod relayed;
mod shared;
mod stream;
mod turn;
mod workers;

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::TryRng as _;
use rand::rngs::SysRng;
use serde::Serialize;
use solo2_server::tls::{self, TlsError};
use thiserror::Error;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{MissedTickBehavior, interval};
use zeroize::Zeroizing;

use self::config::{Settings, TurnSettings};
use self::io::Pump;
pub use self::policy::Peers;
use self::policy::Policy;
use self::shared::Shared;
use self::stream::{Kind, StreamListener};
use self::turn::{Rules, Turn};
use self::workers::Workers;
use crate::credential::{InviteId, RelaySecret};

/// How often the server lets go of what has expired.
const SWEEP: Duration = Duration::from_secs(1);

/// TURN under TLS, as RFC 7443 names it. A client that names no protocol is served, too.
const ALPN: &str = "stun.turn";

/// Why the server cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The listening address is not to be had.
    #[error("cannot listen on {transport} {address}")]
    Listen {
        /// What was to be listened for.
        transport: &'static str,
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The addresses of this machine are not to be had, so none could be refused as a peer.
    #[error("cannot tell which addresses this machine has")]
    Interfaces(#[source] std::io::Error),
    /// The socket of `--control` is not to be had.
    #[error("cannot listen on {}", .path.display())]
    Control {
        /// The path asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificate or its key is unusable.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The system has no randomness.
    #[error("the system gives no random bytes")]
    Randomness(#[source] rand::rngs::SysError),
    /// What is bound cannot be served, or not by so many threads.
    #[error("cannot start to serve")]
    Serve(#[source] std::io::Error),
}

/// Sums over everybody since the start; they are about nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Sums {
    /// Allocations that live.
    pub live: usize,
    /// Connections over TCP and TLS that are open.
    pub connections: usize,
    /// Allocations that were made.
    pub allocations: u64,
    /// Datagrams that were relayed, and the bytes in them.
    pub datagrams: u64,
    /// See `datagrams`.
    pub bytes: u64,
    /// Requests that were answered with an error.
    pub refusals: u64,
}

/// A server whose sockets are bound, and that has no thread yet.
pub struct Bound {
    /// What the listening sockets are, for each worker.
    shares: Vec<Vec<listen::Bound>>,
    streams: Vec<StreamListener>,
    control: Option<UnixListener>,
    shared: Shared,
}

/// A server that runs on this thread and on others. It stops when dropped.
pub struct Server {
    pump: Rc<Pump>,
    workers: Workers,
    since: Instant,
    tasks: Vec<JoinHandle<()>>,
    listen: Vec<SocketAddr>,
    /// The same of TCP, and what comes there.
    listen_streams: Vec<(SocketAddr, &'static str)>,
}

impl Bound {
    /// Binds the sockets. The secret is needed if TURN is served; without one, only STUN is.
    ///
    /// # Errors
    /// [`StartError`] if an address is taken, or the system does not tell what it must.
    pub fn new(settings: &Settings, secret: Option<RelaySecret>) -> Result<Self, StartError> {
        let mut shares: Vec<_> = (0..settings.threads()).map(|_| Vec::new()).collect();
        for &address in &settings.listen_udp {
            let all = listen::listen(address, shares.len());
            let all = all.map_err(|source| StartError::Listen {
                transport: "udp",
                address,
                source,
            })?;
            for (share, bound) in shares.iter_mut().zip(all) {
                share.push(bound);
            }
        }
        let (turn, bind) = engine(settings, secret, &addresses(&shares))?;
        let bind_control = |path: &PathBuf| {
            control::bind(path).map_err(|source| StartError::Control {
                path: path.clone(),
                source,
            })
        };
        Ok(Self {
            shares,
            streams: stream_listeners(settings)?,
            control: settings.control.as_ref().map(bind_control).transpose()?,
            shared: Shared::new(turn, bind, settings.connections),
        })
    }

    /// Starts to serve, in the current `LocalSet` and on as many threads as are set beside
    /// this one. When it returns, all of them have begun.
    ///
    /// # Errors
    /// [`StartError::Serve`].
    pub fn serve(self) -> Result<Server, StartError> {
        let listen = addresses(&self.shares);
        let listen_streams = self.streams.iter();
        let listen_streams = listen_streams.map(|it| (it.address, it.name())).collect();
        let (shared, since) = (Arc::new(self.shared), Instant::now());
        let mut shares = self.shares.into_iter();
        let first = shares.next().unwrap_or_default();
        let serve = || {
            let workers = Workers::start(&shared, shares.collect())?;
            let (pump, mut tasks) = workers::serve(Arc::clone(&shared), first)?;
            tasks.push(spawn_local(sweep(Rc::clone(&pump))));
            if let Some(listener) = self.control {
                let listener = tokio::net::UnixListener::from_std(listener)?;
                let serve = control::serve(Arc::clone(&shared), listener, since);
                tasks.push(spawn_local(serve));
            }
            for listener in self.streams {
                tasks.push(spawn_local(stream::accept(Rc::clone(&pump), listener)?));
            }
            Ok((workers, pump, tasks))
        };
        let (workers, pump, tasks) = serve().map_err(StartError::Serve)?;
        Ok(Server {
            pump,
            workers,
            since,
            tasks,
            listen,
            listen_streams,
        })
    }
}

impl Server {
    /// Binds the sockets and starts to serve: [`Bound::new`] and [`Bound::serve`].
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(settings: &Settings, secret: Option<RelaySecret>) -> Result<Self, StartError> {
        Bound::new(settings, secret)?.serve()
    }

    /// The bound addresses, with the port the system chose where 0 was asked for.
    #[must_use]
    pub fn listen(&self) -> Vec<SocketAddr> {
        self.listen.clone()
    }

    /// The same of TCP, in the clear or under TLS.
    #[must_use]
    pub fn listen_streams(&self, tls: bool) -> Vec<SocketAddr> {
        self.named(if tls { "tls" } else { "tcp" }).collect()
    }

    /// Where a Tor daemon finds it.
    #[must_use]
    pub fn onion(&self) -> Option<SocketAddr> {
        self.named("onion").next()
    }

    fn named(&self, name: &str) -> impl Iterator<Item = SocketAddr> {
        let listeners = self.listen_streams.iter();
        listeners
            .filter(move |(_, it)| *it == name)
            .map(|(address, _)| *address)
    }

    /// Does something on every thread that serves, and waits for all.
    pub fn on_each_thread<T: Send + 'static>(
        &self,
        what: impl Fn() -> T + Clone + Send + 'static,
    ) -> Vec<T> {
        self.workers.each(what)
    }

    /// From now on these invites, and no others, are revoked; what they hold ends.
    pub fn revoke(&self, invites: HashSet<InviteId>) {
        let mut engine = self.pump.engine();
        engine.turn.revoke(invites, &mut engine.sockets);
    }

    /// How long it has been serving.
    #[must_use]
    pub fn up(&self) -> Duration {
        self.since.elapsed()
    }

    /// Sums over everybody.
    #[must_use]
    pub fn sums(&self) -> Sums {
        self.pump.shared().sums()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.pump.shared().streams.end();
    }
}

/// Where the first worker listens, and every other.
fn addresses(shares: &[Vec<listen::Bound>]) -> Vec<SocketAddr> {
    let first = shares.iter().take(1).flatten();
    first.map(|bound| bound.address).collect()
}

/// The listening TCP sockets; certificates are read here, and never again.
fn stream_listeners(settings: &Settings) -> Result<Vec<StreamListener>, StartError> {
    let config = settings.tls.as_ref();
    let config = config.map(|files| tls::server(files, ALPN)).transpose()?;
    let sealed = config.map(|config| Kind::Tls(config.into()));
    let clear = settings.listen_tcp.iter().map(|at| (at, Kind::Clear));
    let sealed = sealed.map(|sealed| {
        settings
            .listen_tls
            .iter()
            .map(move |at| (at, sealed.clone()))
    });
    let onion = settings.onion.iter().map(|at| (at, Kind::Onion));
    let listen = |(&address, kind): (&SocketAddr, Kind)| {
        let transport = kind.name();
        stream::listen(address, kind).map_err(|source| StartError::Listen {
            transport,
            address,
            source,
        })
    };
    let all = clear.chain(sealed.into_iter().flatten()).chain(onion);
    all.map(listen).collect()
}

/// The engine, and the addresses that relayed sockets are bound to, if there are any.
fn engine(
    settings: &Settings,
    secret: Option<RelaySecret>,
    bound: &[SocketAddr],
) -> Result<(Turn, Option<Vec<IpAddr>>), StartError> {
    let mut seed = Zeroizing::new([0; 32]);
    SysRng
        .try_fill_bytes(seed.as_mut_slice())
        .map_err(StartError::Randomness)?;
    let turn = settings.turn.as_ref().zip(secret);
    let relayed = settings.relayed();
    let peers = turn
        .as_ref()
        .map_or(Peers::OwnRelays, |(turn, _)| turn.peers);
    let (own, bind) = match peers {
        Peers::OwnRelays => (Vec::new(), None),
        Peers::Public => {
            let own = own_addresses(bound)?;
            let bind = relayed.iter().map(|ip| bind_to(*ip, &own, bound)).collect();
            (
                own.into_iter().chain(relayed.iter().copied()).collect(),
                Some(bind),
            )
        }
    };
    let rules = rules(settings.stun, turn.as_ref().map(|(turn, _)| *turn));
    let policy = Policy::new(peers, relayed.to_vec(), own);
    let turn = Turn::new(
        rules,
        policy,
        relayed,
        bound,
        turn.map(|(_, secret)| secret),
        *seed,
        io::now(),
    );
    Ok((turn, bind))
}

fn rules(stun: bool, turn: Option<&TurnSettings>) -> Rules {
    Rules {
        stun,
        ports: turn.map_or(1024..=1024, |turn| turn.ports.clone()),
        allocations: turn.map_or(0, |turn| turn.allocations),
        allocations_per_credential: turn.map_or(0, |turn| turn.allocations_per_credential),
        rate_per_credential: turn.and_then(|turn| turn.rate_per_credential),
        credential_lifetime: turn.map_or(0, |turn| turn.credential_lifetime.as_secs()),
        realm: turn.map(|turn| turn.realm.clone()).unwrap_or_default(),
    }
}

/// Every address that reaches this machine, as far as it knows.
fn own_addresses(bound: &[SocketAddr]) -> Result<Vec<IpAddr>, StartError> {
    let interfaces = if_addrs::get_if_addrs().map_err(StartError::Interfaces)?;
    let interfaces = interfaces.iter().map(if_addrs::Interface::ip);
    Ok(interfaces.chain(bound.iter().map(SocketAddr::ip)).collect())
}

/// Where the socket of a relayed address is bound: to that address if this machine has
/// it, else (behind a translator) to one that it listens on.
fn bind_to(relayed: IpAddr, own: &[IpAddr], bound: &[SocketAddr]) -> IpAddr {
    if own.contains(&relayed) {
        return relayed;
    }
    let same_family = bound
        .iter()
        .map(SocketAddr::ip)
        .find(|ip| ip.is_ipv6() == relayed.is_ipv6());
    same_family.unwrap_or(relayed)
}

async fn sweep(pump: Rc<Pump>) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        pump.expire();
    }
}

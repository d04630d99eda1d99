//! The relay server: a STUN and TURN server that keeps its hands to itself.
//!
//! A datagram walks through these files in this order: `io` receives it in a batch,
//! `turn` decides with `policy` and `limits` what becomes of it, and `egress` sends it on
//! with others of its size. A client that is connected comes in by `stream` instead, and
//! is sent what waits for it from there. `config` and `secret` are the operator's; what the process does to
//! itself is in `solo2-server`.
//!
//! There is no logging here, at any level: what is never written needs no retention.
//! Nothing in this tree opens a file after the start, and unless peers beyond this relay
//! are allowed, nothing opens a socket either.

pub mod config;
pub mod control;
pub mod health;
pub mod secret;

mod egress;
mod io;
mod limits;
mod policy;
mod relayed;
mod stream;
mod turn;

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rand::TryRng as _;
use rand::rngs::SysRng;
use serde::Serialize;
use solo2_server::tls::{self, TlsError};
use thiserror::Error;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use self::config::{Settings, TurnSettings};
use self::io::{Doors, Pump};
pub use self::policy::Peers;
use self::policy::Policy;
use self::stream::{StreamListener, Streams};
use self::turn::{Rules, Turn};
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

/// A server that is bound and runs on this thread. It stops when dropped.
pub struct Server {
    pump: Rc<Pump>,
    since: Instant,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Binds the sockets and starts to serve, in the current `LocalSet`. The secret is
    /// needed if TURN is served; without one, only STUN is.
    ///
    /// # Errors
    /// [`StartError`] if an address is taken, or the system does not tell what it must.
    pub fn start(settings: &Settings, secret: Option<RelaySecret>) -> Result<Self, StartError> {
        let listeners = settings
            .listen_udp
            .iter()
            .map(|&address| {
                io::listen(address).map_err(|source| StartError::Listen {
                    transport: "udp",
                    address,
                    source,
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let bound: Vec<SocketAddr> = listeners.iter().map(|listener| listener.address).collect();
        let (turn, bind) = engine(settings, secret, &bound)?;
        let doors = Doors {
            listeners,
            stream_listeners: stream_listeners(settings)?,
            streams: Streams::new(settings.connections),
        };
        let connected = doors.stream_listeners.len();
        let pump = Pump::new(doors, turn, bind);
        let since = Instant::now();
        let mut tasks = vec![spawn_local(sweep(Rc::clone(&pump)))];
        if let Some(path) = &settings.control {
            let listener = control::bind(path).and_then(tokio::net::UnixListener::from_std);
            let listener = listener.map_err(|source| StartError::Control {
                path: path.clone(),
                source,
            })?;
            let serve = control::serve(Rc::clone(&pump), listener, since);
            tasks.push(spawn_local(serve));
        }
        for number in 0..u16::try_from(bound.len()).unwrap_or(u16::MAX) {
            tasks.push(spawn_local(Rc::clone(&pump).serve_clients(number)));
        }
        for number in 0..connected {
            tasks.push(spawn_local(stream::accept(Rc::clone(&pump), number)));
        }
        Ok(Self { pump, since, tasks })
    }

    /// The bound addresses, with the port the system chose where 0 was asked for.
    #[must_use]
    pub fn listen(&self) -> Vec<SocketAddr> {
        let listeners = self.pump.doors().listeners.iter();
        listeners.map(|listener| listener.address).collect()
    }

    /// The same of TCP, in the clear or under TLS.
    #[must_use]
    pub fn listen_streams(&self, tls: bool) -> Vec<SocketAddr> {
        let listeners = self.pump.doors().stream_listeners.iter();
        listeners
            .filter(|listener| listener.is_tls() == tls)
            .map(|listener| listener.address)
            .collect()
    }

    /// From now on these invites, and no others, are revoked; what they hold ends.
    pub fn revoke(&self, invites: HashSet<InviteId>) {
        self.pump
            .with(|turn, sockets| turn.revoke(invites, sockets));
    }

    /// How long it has been serving.
    #[must_use]
    pub fn up(&self) -> Duration {
        self.since.elapsed()
    }

    /// Sums over everybody.
    #[must_use]
    pub fn sums(&self) -> Sums {
        self.pump.sums()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.pump.doors().streams.end();
    }
}

/// The listening TCP sockets; certificates are read here, and never again.
fn stream_listeners(settings: &Settings) -> Result<Vec<StreamListener>, StartError> {
    let config = settings.tls.as_ref();
    let config = config.map(|files| tls::server(files, ALPN)).transpose()?;
    let acceptor = config.map(TlsAcceptor::from);
    let clear = settings.listen_tcp.iter().map(|at| (at, "tcp", None));
    let sealed = settings.listen_tls.iter();
    let sealed = sealed.map(|at| (at, "tls", acceptor.clone()));
    let listen = |(&address, transport, tls)| {
        stream::listen(address, tls).map_err(|source| StartError::Listen {
            transport,
            address,
            source,
        })
    };
    clear.chain(sealed).map(listen).collect()
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
        pump.expire(io::now());
    }
}

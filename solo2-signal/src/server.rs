//! The introduction server: everything in memory, nothing about people.
//!
//! A connection walks through these files in this order: `limits` counts its
//! network, `tls` wraps it, `http` upgrades it, `connection` speaks
//! [`crate::wire`] over `frame`, and `rendezvous` brings two of them together.
//! `buffer` owns the memory that tokens and blobs pass through, `solo2_server::harden`
//! keeps that memory from outliving its use, `stun` tells a device its address.
//!
//! There is no logging here, at any level: what is never written needs no
//! retention. Nothing in this tree opens a file after the start.

pub mod config;
pub mod health;

mod buffer;
mod connection;
mod frame;
mod http;
mod limits;
mod rendezvous;
mod stun;
mod tls;

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::net::sockopt::set_tcp_nodelay;
use solo2_server::harden;
use solo2_server::tls::{self as certificates, TlsError};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsAcceptor;

use self::buffer::Pool;
use self::config::{Limits, Settings};
use self::limits::{Addresses, Place};
use self::rendezvous::{Bounds, Rendezvous};

/// How long connections may take to say goodbye once the server stops.
const DRAIN: Duration = Duration::from_secs(5);
/// Pause after a failed `accept`, which means that descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 1024;
/// What is spoken under TLS.
const ALPN: &str = "http/1.1";

/// Why the server cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The listening address is not to be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate or its key is unusable.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A server that is bound and runs. It stops when dropped, at once, or in good
/// order by [`Server::stop`].
pub struct Server {
    listen: SocketAddr,
    onion: Option<SocketAddr>,
    stun: Option<SocketAddr>,
    stopping: watch::Sender<bool>,
    connections: Arc<Semaphore>,
    max_connections: u32,
}

impl Server {
    /// Binds the sockets and starts to serve, in the current Tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] if an address is taken or the certificate is unusable.
    #[expect(clippy::unused_async, reason = "it belongs into a runtime")]
    pub async fn start(settings: &Settings) -> Result<Self, StartError> {
        Bound::new(settings)?.serve()
    }

    /// The bound address, with the port the system chose if 0 was asked for.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// The bound address for a Tor daemon's callers, if there is one.
    #[must_use]
    pub fn onion(&self) -> Option<SocketAddr> {
        self.onion
    }

    /// The bound address of the STUN socket, if there is one.
    #[must_use]
    pub fn stun(&self) -> Option<SocketAddr> {
        self.stun
    }

    /// Accepts nobody any more, says goodbye to everybody, and returns when they
    /// have gone or five seconds have passed.
    pub async fn stop(self) {
        // Nobody to tell is fine: then there is nothing to stop.
        let _ = self.stopping.send(true);
        let _ = timeout(DRAIN, self.connections.acquire_many(self.max_connections)).await;
    }
}

/// Everything that a server needs from the system, before it serves: a program gives up
/// its rights in between.
pub struct Bound {
    tls: Option<TlsAcceptor>,
    listener: std::net::TcpListener,
    onion: Option<std::net::TcpListener>,
    stun: Option<std::net::UdpSocket>,
    signal_ttl: Duration,
    limits: Limits,
    /// For what goes wrong yet.
    asked: SocketAddr,
}

impl Bound {
    /// Binds the sockets and reads the certificate.
    ///
    /// # Errors
    /// [`StartError`] if an address is taken or the certificate is unusable.
    pub fn new(settings: &Settings) -> Result<Self, StartError> {
        let tls = settings.tls();
        let tls = tls
            .map(|files| certificates::server(files, ALPN))
            .transpose()?;
        let listener = bind(settings.listen(), listen)?;
        let onion = settings.onion();
        let onion = onion.map(|address| bind(address, listen)).transpose()?;
        let stun = settings.stun();
        let stun = stun
            .map(|address| bind(address, std::net::UdpSocket::bind))
            .transpose()?;
        Ok(Self {
            tls: tls.map(TlsAcceptor::from),
            listener,
            onion,
            stun,
            signal_ttl: settings.signal_ttl(),
            limits: settings.limits(),
            asked: settings.listen(),
        })
    }

    /// Serves, in the current Tokio runtime.
    ///
    /// # Errors
    /// [`StartError::Listen`] if the runtime has no place for the sockets.
    pub fn serve(self) -> Result<Server, StartError> {
        let Self {
            tls,
            listener,
            onion,
            stun,
            signal_ttl,
            limits,
            asked,
        } = self;
        let error = |source| StartError::Listen {
            address: asked,
            source,
        };
        let listener = TcpListener::from_std(listener).map_err(error)?;
        let listen = listener.local_addr().map_err(error)?;
        let (stopping, stop) = watch::channel(false);
        let stun = match stun {
            Some(socket) => {
                let socket = UdpSocket::from_std(socket).map_err(error)?;
                let address = socket.local_addr().map_err(error)?;
                tokio::spawn(stun::serve(socket, stop.clone()));
                Some(address)
            }
            None => None,
        };

        let connections = Arc::new(Semaphore::new(limits.connections as usize));
        let shared = Arc::new(Shared {
            pool: Pool::new(limits.buffers),
            rendezvous: Mutex::new(Rendezvous::new(Bounds {
                ttl: signal_ttl,
                stored: limits.stored,
                tokens: limits.tokens,
            })),
            stop,
        });
        tokio::spawn(sweep(Arc::clone(&shared)));
        let onion = match onion {
            Some(listener) => {
                let listener = TcpListener::from_std(listener).map_err(error)?;
                let address = listener.local_addr().map_err(error)?;
                // They all come from the one address of the Tor daemon.
                let together = Addresses::new((limits.connections / 2).max(1));
                let (shared, connections) = (Arc::clone(&shared), Arc::clone(&connections));
                tokio::spawn(accept(listener, None, shared, connections, together));
                Some(address)
            }
            None => None,
        };
        tokio::spawn(accept(
            listener,
            tls,
            shared,
            Arc::clone(&connections),
            Addresses::new(limits.connections_per_address),
        ));
        Ok(Server {
            listen,
            onion,
            stun,
            stopping,
            connections,
            max_connections: limits.connections,
        })
    }
}

/// A TCP listener whose connections send at once: they inherit it, and could not be told
/// later. As many as fit may wait until they are accepted.
fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    set_tcp_nodelay(&listener, true)?;
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

/// Binds a socket that does not block.
fn bind<S: AsFd>(
    address: SocketAddr,
    bind: impl Fn(SocketAddr) -> io::Result<S>,
) -> Result<S, StartError> {
    let bound = bind(address).and_then(|socket| {
        rustix::io::ioctl_fionbio(&socket, true)?;
        Ok(socket)
    });
    bound.map_err(|source| StartError::Listen { address, source })
}

/// What every connection sees.
struct Shared {
    pool: Pool,
    rendezvous: Mutex<Rendezvous>,
    stop: watch::Receiver<bool>,
}

impl Shared {
    /// The meeting place. A panic elsewhere leaves it whole: every change is one
    /// call that does not unwind half way.
    fn rendezvous(&self) -> MutexGuard<'_, Rendezvous> {
        self.rendezvous
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when the server stops.
    async fn stopped(&self) {
        // An error means that the server handle is gone, which is a stop too.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }
}

/// Drops what has expired, so that nothing waits for the next visitor to go.
async fn sweep(shared: Arc<Shared>) {
    let period = shared.rendezvous().sweep_period();
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.stopped() => return,
            now = ticks.tick() => shared.rendezvous().expire(now.max(Instant::now())),
        }
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    connections: Arc<Semaphore>,
    addresses: Addresses,
) {
    loop {
        let accepted = tokio::select! {
            () = shared.stopped() => return,
            accepted = poll_fn(|context| poll_accept(&listener, &addresses, context)) => accepted,
        };
        // What follows is built on this stack and then moved to the heap as it
        // is, gaps included: the address must not be in a gap.
        harden::scrub_stack();
        let Ok((stream, place)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Some(place) = place else { continue };
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
            continue;
        };
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            let _held = (permit, place);
            http::serve(stream, tls, &shared).await;
        });
    }
}

/// Accepts one connection and counts its network. The address is used for that,
/// and never leaves this frame.
#[inline(never)]
fn poll_accept(
    listener: &TcpListener,
    addresses: &Addresses,
    context: &mut Context<'_>,
) -> Poll<io::Result<(TcpStream, Option<Place>)>> {
    listener
        .poll_accept(context)
        .map_ok(|(stream, peer)| (stream, addresses.admit(peer.ip())))
}

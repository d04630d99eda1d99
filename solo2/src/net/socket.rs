//! The one door out: the only file of the program that binds, connects or resolves.
//!
//! Each function asks the [`RoutePolicy`] first, so a policy that hides this
//! machine is enforced in one auditable place. `clippy.toml` bans the functions
//! used here everywhere else. What travels through the door is not its business.

mod tally;

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use tokio::io::Interest;
use tokio::net::{TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tor_rtcompat::{NetStreamProvider, PreferredRuntime};

use super::RoutePolicy;
pub(crate) use tally::{Counted, Tally};

/// How long the next address waits for the one before it (RFC 8305 §5).
const CONNECT_STAGGER: Duration = Duration::from_millis(250);
/// Addresses of one host that are tried.
const CONNECT_ADDRESSES: usize = 8;
/// Room in the kernel for one burst of a fast peer; the kernel may grant less.
const SOCKET_BUFFER: usize = 2 * 1024 * 1024;
/// Errors read off a socket before it counts as empty.
const QUEUED_ERRORS: usize = 8;

/// Why the door stayed closed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoorError {
    /// The policy refused before anything was opened.
    #[error("the route policy keeps this machine offline")]
    Offline,
    /// The same, but for Tor.
    #[error("the route policy lets nothing leave but through Tor")]
    TorOnly,
    /// Asking a resolver would tell it who is meant (RFC 7686 §2).
    #[error("{0} is reached through Tor, and in no other way")]
    Onion(String),
    /// Neither an IPv4 nor an IPv6 socket could be opened.
    #[error("cannot open a UDP socket")]
    Udp(#[source] io::Error),
    /// The name could not be resolved.
    #[error("cannot look up {host}")]
    Lookup {
        /// The name asked for.
        host: String,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// No address of the host answered.
    #[error("cannot connect to {host} port {port}")]
    Connect {
        /// The host asked for.
        host: String,
        /// Its port.
        port: u16,
        /// What the last address answered.
        #[source]
        source: io::Error,
    },
}

fn allowed(policy: RoutePolicy) -> Result<(), DoorError> {
    match policy {
        // What a hiding policy lets out is decided for each datagram, below.
        RoutePolicy::Any | RoutePolicy::Direct | RoutePolicy::Relay => Ok(()),
        RoutePolicy::Onion => Err(DoorError::TorOnly),
        RoutePolicy::Offline => Err(DoorError::Offline),
    }
}

/// Resolves `host` (a name or an address) to addresses, in the resolver's order.
pub(crate) async fn resolve(policy: RoutePolicy, host: &str) -> Result<Vec<IpAddr>, DoorError> {
    allowed(policy)?;
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(address) = bare.parse() {
        return Ok(vec![address]);
    }
    if is_onion(bare) {
        return Err(DoorError::Onion(bare.to_owned()));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the one door: the policy was asked"
    )]
    let found = tokio::net::lookup_host((bare, 0)).await;
    let mut addresses = Vec::new();
    for address in found.map_err(|source| DoorError::Lookup {
        host: host.to_owned(),
        source,
    })? {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    Ok(addresses)
}

/// Whether a name is one of Tor's, however it is written.
pub(crate) fn is_onion(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "onion" || name.ends_with(".onion")
}

/// Connects to `host`, racing its addresses with a small stagger (RFC 8305).
pub(crate) async fn connect_tcp(
    policy: RoutePolicy,
    host: &str,
    port: u16,
) -> Result<TcpStream, DoorError> {
    let addresses = resolve(policy, host).await?;
    let mut attempts = JoinSet::new();
    let mut delay = Duration::ZERO;
    for address in addresses.into_iter().take(CONNECT_ADDRESSES) {
        let wait = delay;
        delay += CONNECT_STAGGER;
        attempts.spawn(async move {
            tokio::time::sleep(wait).await;
            #[expect(
                clippy::disallowed_methods,
                reason = "the one door: the policy was asked"
            )]
            TcpStream::connect((address, port)).await
        });
    }
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    while let Some(attempt) = attempts.join_next().await {
        match attempt {
            Ok(Ok(stream)) => {
                // Frames are whole messages: holding them back for company only delays.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(error) => last = io::Error::other(error),
        }
    }
    Err(DoorError::Connect {
        host: host.to_owned(),
        port,
        source: last,
    })
}

/// What arti connects with: each of its connections asks here, too.
#[derive(Clone)]
pub(crate) struct TorDoor {
    runtime: PreferredRuntime,
    policy: Arc<dyn Fn() -> RoutePolicy + Send + Sync>,
}

impl TorDoor {
    /// Asks `policy` each time.
    pub(crate) fn new(
        runtime: PreferredRuntime,
        policy: Arc<dyn Fn() -> RoutePolicy + Send + Sync>,
    ) -> Self {
        Self { runtime, policy }
    }
}

#[async_trait::async_trait]
impl NetStreamProvider for TorDoor {
    type Stream = <PreferredRuntime as NetStreamProvider>::Stream;
    type Listener = <PreferredRuntime as NetStreamProvider>::Listener;
    type ConnectOptions = <PreferredRuntime as NetStreamProvider>::ConnectOptions;
    type ListenOptions = <PreferredRuntime as NetStreamProvider>::ListenOptions;

    async fn connect(
        &self,
        address: &SocketAddr,
        options: &Self::ConnectOptions,
    ) -> io::Result<Self::Stream> {
        // Tor goes with every policy but none; who asked for Tor is the caller's business.
        if (self.policy)() == RoutePolicy::Offline {
            return Err(io::Error::other(DoorError::Offline));
        }
        NetStreamProvider::connect(&self.runtime, address, options).await
    }

    async fn listen(
        &self,
        _address: &SocketAddr,
        _options: &Self::ListenOptions,
    ) -> io::Result<Self::Listener> {
        Err(io::Error::other("nothing here listens"))
    }
}

/// Opens one UDP socket per address family on a port of the system's choice.
///
/// A host without IPv6 (or without IPv4) gets one socket only. Under a policy that hides
/// this machine they send to nobody but who was [let in](UdpDoors::let_in), and hear
/// nobody else. What passes is counted in `tally`.
pub(crate) fn bind_udp(policy: RoutePolicy, tally: &Arc<Tally>) -> Result<UdpDoors, DoorError> {
    allowed(policy)?;
    let guests = Arc::new(Guests {
        only: policy.hides(),
        known: RwLock::new(Vec::new()),
    });
    let v4 = UdpDoor::open((Ipv4Addr::UNSPECIFIED, 0).into(), &guests, tally);
    let v6 = UdpDoor::open((Ipv6Addr::UNSPECIFIED, 0).into(), &guests, tally);
    match (v4, v6) {
        (Err(error), Err(_)) => Err(DoorError::Udp(error)),
        (v4, v6) => Ok(UdpDoors {
            v4: v4.ok(),
            v6: v6.ok(),
            guests,
        }),
    }
}

/// Whom the sockets of a link may write to, and hear.
struct Guests {
    /// Only those who are known; else anybody.
    only: bool,
    known: RwLock<Vec<SocketAddr>>,
}

impl Guests {
    fn admit(&self, address: SocketAddr) -> bool {
        !self.only
            || self
                .known
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(&address)
    }
}

/// The sockets of one link.
pub(crate) struct UdpDoors {
    v4: Option<UdpDoor>,
    v6: Option<UdpDoor>,
    guests: Arc<Guests>,
}

impl UdpDoors {
    /// Under a policy that hides this machine: these relays may be written to, nobody else.
    pub(crate) fn let_in(&self, relays: &[SocketAddr]) {
        *self
            .guests
            .known
            .write()
            .unwrap_or_else(PoisonError::into_inner) = relays.to_vec();
    }

    /// Whether a datagram from there may be looked at.
    pub(crate) fn admit(&self, address: SocketAddr) -> bool {
        self.guests.admit(address)
    }

    /// The socket that can send to, or was reached at, an address of this family.
    pub(crate) fn for_address(&self, address: IpAddr) -> Option<&UdpDoor> {
        match address {
            IpAddr::V4(_) => self.v4.as_ref(),
            IpAddr::V6(_) => self.v6.as_ref(),
        }
    }

    /// Both, IPv4 first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &UdpDoor> {
        self.v4.iter().chain(&self.v6)
    }
}

/// A UDP socket that knows on which local address a datagram arrived, chooses from
/// which one it leaves, and sends and receives in batches (GSO, GRO, recvmmsg).
pub(crate) struct UdpDoor {
    io: UdpSocket,
    state: RwLock<UdpSocketState>,
    /// For single datagrams of ICE, many of which the system refuses: their failures
    /// must not turn off batching for the others.
    singles: UdpSocketState,
    port: u16,
    guests: Arc<Guests>,
    tally: Arc<Tally>,
}

impl UdpDoor {
    fn open(address: SocketAddr, guests: &Arc<Guests>, tally: &Arc<Tally>) -> io::Result<Self> {
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the one door: the policy was asked"
        )]
        let socket =
            rustix::net::socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
        if address.is_ipv6() {
            rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the one door: the policy was asked"
        )]
        rustix::net::bind(&socket, &address)?;
        let socket = std::net::UdpSocket::from(socket);
        let state = UdpSocketState::new((&socket).into())?;
        // The system's limit may be lower; a smaller buffer only costs speed.
        let _ = state.set_recv_buffer_size((&socket).into(), SOCKET_BUFFER);
        let _ = state.set_send_buffer_size((&socket).into(), SOCKET_BUFFER);
        let port = socket.local_addr()?.port();
        Ok(Self {
            singles: UdpSocketState::new((&socket).into())?,
            io: UdpSocket::from_std(socket)?,
            state: RwLock::new(state),
            port,
            guests: guests.clone(),
            tally: tally.clone(),
        })
    }

    /// The local port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many segments one [`Self::send`] may carry.
    pub(crate) fn max_segments(&self) -> usize {
        self.state().max_gso_segments()
    }

    /// Whether the system may split our datagrams on the way.
    pub(crate) fn may_fragment(&self) -> bool {
        self.state().may_fragment()
    }

    /// Sends now or fails with [`io::ErrorKind::WouldBlock`]; every other failure is a
    /// lost datagram, which the protocols above repair, and so is one to where the route
    /// policy lets nothing go.
    pub(crate) fn send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if !self.guests.admit(transmit.destination) {
            return Ok(());
        }
        let state = self.state();
        self.io.try_io(Interest::WRITABLE, || {
            state.send((&self.io).into(), transmit)
        })?;
        self.note_sent(transmit);
        Ok(())
    }

    fn note_sent(&self, transmit: &Transmit<'_>) {
        let segment = transmit.segment_size.unwrap_or(transmit.contents.len());
        self.tally.note(true, transmit.contents, segment);
    }

    /// Sends one datagram along a path that may not exist; it is lost then.
    pub(crate) fn try_path(&self, transmit: &Transmit<'_>) {
        if !self.guests.admit(transmit.destination) {
            return;
        }
        let sent = self.io.try_io(Interest::WRITABLE, || {
            self.singles.send((&self.io).into(), transmit)
        });
        if sent.is_ok() {
            self.note_sent(transmit);
        }
    }

    /// Waits until [`Self::send`] is worth another try.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.io.writable().await
    }

    /// Receives a batch, or registers the task to be woken.
    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<usize> {
        loop {
            // An error here means the runtime is shutting down.
            if !matches!(self.io.poll_recv_ready(cx), Poll::Ready(Ok(()))) {
                return Poll::Pending;
            }
            let state = self.state();
            let received = self.io.try_io(Interest::READABLE, || {
                // An error queued on the socket (an ICMP answer, a network that went
                // away) must not end the link: ICE judges paths, not the socket.
                for _ in 0..QUEUED_ERRORS {
                    match state.recv((&self.io).into(), buffers, meta) {
                        Err(error) if error.kind() != io::ErrorKind::WouldBlock => {}
                        result => return result,
                    }
                }
                Err(io::ErrorKind::WouldBlock.into())
            });
            if let Ok(count) = received {
                for (buffer, meta) in buffers.iter().zip(meta.iter()).take(count) {
                    let received = buffer.get(..meta.len).unwrap_or_default();
                    self.tally.note(false, received, meta.stride);
                }
                return Poll::Ready(count);
            }
        }
    }

    /// Forgets failures of a path that is gone: one refused send turns batching off
    /// for good, although the next path may well support it.
    pub(crate) fn renew(&self) {
        if let Ok(fresh) = UdpSocketState::new((&self.io).into()) {
            *self.state.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }

    fn state(&self) -> RwLockReadGuard<'_, UdpSocketState> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_onion_name_never_reaches_a_resolver() {
        for name in ["abc.onion", "abc.onion.", "ABC.Onion", "a.b.onion", "onion"] {
            let refused = resolve(RoutePolicy::Any, name).await;
            assert!(matches!(refused, Err(DoorError::Onion(_))), "{name}");
            let refused = connect_tcp(RoutePolicy::Direct, name, 80).await;
            assert!(matches!(refused, Err(DoorError::Onion(_))), "{name}");
        }
        assert!(!is_onion("onion.example") && !is_onion("scallonion"));
    }

    #[tokio::test]
    async fn a_path_that_is_refused_leaves_batching_on() {
        let doors = bind_udp(RoutePolicy::Direct, &Arc::default()).expect("sockets");
        let door = doors
            .for_address(Ipv4Addr::LOCALHOST.into())
            .expect("an IPv4 socket");
        let most = door.max_segments();
        assert!(most > 1, "this system batches");
        door.writable().await.expect("a socket");
        // From loopback to another machine: refused by the system, and tried by ICE.
        let nowhere = Transmit {
            destination: (Ipv4Addr::new(198, 51, 100, 1), 9).into(),
            ecn: None,
            contents: &[0; 20],
            segment_size: None,
            src_ip: Some(Ipv4Addr::LOCALHOST.into()),
        };
        door.try_path(&nowhere);
        assert_eq!(door.max_segments(), most);
        // The control: sent like everything else, it would have cost the batching.
        let _ = door.send(&nowhere);
        assert_eq!(door.max_segments(), 1);
        door.renew();
        assert_eq!(door.max_segments(), most);
    }
}

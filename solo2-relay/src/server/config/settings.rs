//! What holds: every value checked, with the defaults in place.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use solo2_server::config;
use solo2_server::sandbox::Needs;
use solo2_server::tls::{self, TlsError, TlsFiles};
use solo2_server::user::User;

use super::{ConfigError, DEFAULT_LISTEN, Log, MOST_LISTENERS, Options, PortRange, Realm, Role};
use crate::credential::MAX_LIFETIME;
use crate::server::ALPN;
use crate::server::control::RATES;
use crate::server::policy::Peers;
use crate::server::stream::Connections;

/// The ports of relayed addresses: those that IANA leaves to everybody.
const DEFAULT_PORTS: PortRange = PortRange {
    first: 49152,
    last: 65535,
};

/// Threads unless told otherwise, where there are as many cores: beyond them the network is
/// full, or the one engine is.
const DEFAULT_THREADS: usize = 8;
/// Threads at most.
const MOST_THREADS: u32 = 64;

/// What holds: every value checked.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(in crate::server) listen_udp: Vec<SocketAddr>,
    pub(in crate::server) listen_tcp: Vec<SocketAddr>,
    pub(in crate::server) listen_tls: Vec<SocketAddr>,
    pub(in crate::server) onion: Option<SocketAddr>,
    pub(in crate::server) tls: Option<TlsFiles>,
    threads: usize,
    pub(in crate::server) connections: Connections,
    pub(in crate::server) turn: Option<TurnSettings>,
    pub(in crate::server) stun: bool,
    pub(in crate::server) control: Option<PathBuf>,
    log: Log,
    user: Option<User>,
}

/// What a TURN server needs beyond an address.
#[derive(Clone, Debug)]
pub(in crate::server) struct TurnSettings {
    pub(in crate::server) secret_file: PathBuf,
    pub(in crate::server) revoked_file: Option<PathBuf>,
    /// One address for each family at most.
    pub(in crate::server) relayed: Vec<IpAddr>,
    pub(in crate::server) realm: Realm,
    pub(in crate::server) peers: Peers,
    pub(in crate::server) ports: RangeInclusive<u16>,
    pub(in crate::server) allocations: u32,
    pub(in crate::server) allocations_per_credential: u32,
    /// Bytes per second.
    pub(in crate::server) rate_per_credential: Option<f64>,
    pub(in crate::server) credential_lifetime: Duration,
}

impl TryFrom<Options> for Settings {
    type Error = ConfigError;

    fn try_from(mut options: Options) -> Result<Self, ConfigError> {
        let mut listen_udp = listeners("listen-udp", &mut options.listen_udp)?;
        if listen_udp.is_empty() {
            listen_udp.push(DEFAULT_LISTEN);
        }
        let listen_tcp = listeners("listen-tcp", &mut options.listen_tcp)?;
        let listen_tls = listeners("listen-tls", &mut options.listen_tls)?;
        if let Some(onion) = options.onion.filter(|onion| !onion.ip().is_loopback()) {
            return Err(ConfigError::Onion(onion));
        }
        let tls = match (options.tls_cert.take(), options.tls_key.take()) {
            (Some(cert), Some(key)) if !listen_tls.is_empty() => Some(TlsFiles { cert, key }),
            (None, None) if listen_tls.is_empty() => None,
            _ => return Err(ConfigError::HalfTls),
        };
        let connections = Connections {
            all: bound("max-connections", options.max_connections, 2000)?,
            each: bound(
                "max-connections-per-address",
                options.max_connections_per_address,
                64,
            )?,
        };
        let threads = threads(options.threads)?;
        let serves = |role| options.role.is_empty() || options.role.contains(&role);
        let (stun, turn) = (serves(Role::Stun), serves(Role::Turn));
        Ok(Self {
            control: options.control.take(),
            log: options.log.unwrap_or_default(),
            user: options.user,
            onion: options.onion,
            turn: turn
                .then(|| TurnSettings::new(options, &listen_udp))
                .transpose()?,
            stun,
            listen_udp,
            listen_tcp,
            listen_tls,
            tls,
            threads,
            connections,
        })
    }
}

impl TurnSettings {
    fn new(options: Options, listen: &[SocketAddr]) -> Result<Self, ConfigError> {
        let ports = options.relay_ports.unwrap_or(DEFAULT_PORTS);
        let credential_lifetime = options
            .cred_ttl
            .unwrap_or(Duration::from_secs(MAX_LIFETIME));
        if !(60..=MAX_LIFETIME).contains(&credential_lifetime.as_secs()) {
            return Err(ConfigError::CredentialTtl(credential_lifetime));
        }
        let allocations = bound("max-allocs", options.max_allocs, 10_000)?;
        let each = bound("max-allocs-per-cred", options.max_allocs_per_cred, 64)?;
        let rate = options.max_bps_per_cred;
        if rate.is_some_and(|bits| !RATES.contains(&bits)) {
            return Err(ConfigError::Bound(
                "max-bps-per-cred, in millions,",
                1_000_000,
            ));
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate needs no more than 52 bits"
        )]
        let rate_per_credential = rate.map(|bits| bits as f64 / 8.0);
        Ok(Self {
            secret_file: options.secret_file.ok_or(ConfigError::NoSecret)?,
            revoked_file: options.revoked_file,
            relayed: relayed(&options.public_ip, listen)?,
            realm: options.realm.unwrap_or_default(),
            peers: options.peers.unwrap_or_default(),
            ports: ports.first..=ports.last,
            allocations,
            allocations_per_credential: each,
            rate_per_credential,
            credential_lifetime,
        })
    }
}

/// The addresses given, unless they are too many.
fn listeners(
    name: &'static str,
    given: &mut Vec<SocketAddr>,
) -> Result<Vec<SocketAddr>, ConfigError> {
    if given.len() > MOST_LISTENERS {
        return Err(ConfigError::Listeners(name));
    }
    Ok(std::mem::take(given))
}

/// As many as given, or as there are cores.
fn threads(given: Option<u32>) -> Result<usize, ConfigError> {
    let cores = || available_parallelism().map_or(1, NonZero::get);
    match given {
        None => Ok(cores().min(DEFAULT_THREADS)),
        Some(count @ 1..=MOST_THREADS) => Ok(count as usize),
        Some(_) => Err(ConfigError::Bound("threads", MOST_THREADS.into())),
    }
}

fn bound(name: &'static str, value: Option<u32>, default: u32) -> Result<u32, ConfigError> {
    const MOST: u32 = 1_000_000;
    config::bounded(value, default, MOST).ok_or(ConfigError::Bound(name, MOST.into()))
}

/// The addresses that relayed addresses are made of.
fn relayed(public: &[IpAddr], listen: &[SocketAddr]) -> Result<Vec<IpAddr>, ConfigError> {
    let mut ips: Vec<IpAddr> = Vec::new();
    for ip in public {
        let embedded = matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
        let twice = ips.iter().any(|other| other.is_ipv6() == ip.is_ipv6());
        if twice || embedded || ip.is_unspecified() || ip.is_multicast() {
            return Err(ConfigError::PublicIp(*ip));
        }
        ips.push(*ip);
    }
    if ips.is_empty() {
        for ip in listen
            .iter()
            .map(SocketAddr::ip)
            .filter(|ip| !ip.is_unspecified())
        {
            if !ips.iter().any(|other| other.is_ipv6() == ip.is_ipv6()) {
                ips.push(ip);
            }
        }
    }
    if ips.is_empty() {
        Err(ConfigError::NoPublicIp)
    } else {
        Ok(ips)
    }
}

impl Settings {
    /// Where to listen.
    #[must_use]
    pub fn listen_udp(&self) -> &[SocketAddr] {
        &self.listen_udp
    }

    /// Where to listen over TCP, in the clear or under TLS.
    #[must_use]
    pub fn listen_streams(&self, tls: bool) -> &[SocketAddr] {
        if tls {
            &self.listen_tls
        } else {
            &self.listen_tcp
        }
    }

    /// Where to listen for a Tor daemon.
    #[must_use]
    pub fn onion(&self) -> Option<SocketAddr> {
        self.onion
    }

    /// Threads that serve.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Connections altogether, if there are any.
    #[must_use]
    pub fn connections(&self) -> Option<u32> {
        let none = self.listen_tcp.is_empty() && self.listen_tls.is_empty();
        let any = !none || self.onion.is_some();
        any.then_some(self.connections.all)
    }

    /// What serving goes on to need of the system.
    #[must_use]
    pub fn needs(&self) -> Needs {
        Needs {
            sockets: self.peers() == Some(Peers::Public),
            connections: self.connections().is_some() || self.control.is_some(),
            threads: self.threads > 1,
        }
    }

    /// Checks what only reading the certificate and its key can tell.
    ///
    /// # Errors
    /// [`TlsError`] if they are unusable.
    pub fn check_files(&self) -> Result<(), TlsError> {
        let config = self.tls.as_ref();
        let config = config.map(|files| tls::server(files, ALPN));
        config.transpose().map(drop)
    }

    /// Whether TURN is served, and whether anybody is told their address.
    #[must_use]
    pub fn roles(&self) -> Vec<&'static str> {
        let roles = [(self.turn.is_some(), "turn"), (self.stun, "stun")];
        roles
            .into_iter()
            .filter_map(|(on, name)| on.then_some(name))
            .collect()
    }

    /// Where the secret is, if one is needed.
    #[must_use]
    pub fn secret_file(&self) -> Option<&Path> {
        self.turn.as_ref().map(|turn| turn.secret_file.as_path())
    }

    /// Where the revoked invites are listed, if anywhere.
    #[must_use]
    pub fn revoked_file(&self) -> Option<&Path> {
        self.turn.as_ref()?.revoked_file.as_deref()
    }

    /// The addresses that relayed addresses are made of.
    #[must_use]
    pub fn relayed(&self) -> &[IpAddr] {
        self.turn.as_ref().map_or(&[], |turn| &turn.relayed)
    }

    /// What it calls itself in its challenges.
    #[must_use]
    pub fn realm(&self) -> Option<&Realm> {
        self.turn.as_ref().map(|turn| &turn.realm)
    }

    /// Whether peers beyond this relay are reached.
    #[must_use]
    pub fn peers(&self) -> Option<Peers> {
        self.turn.as_ref().map(|turn| turn.peers)
    }

    /// Allocations altogether, and those of one invite.
    #[must_use]
    pub fn allocations(&self) -> (u32, u32) {
        self.turn.as_ref().map_or((0, 0), |turn| {
            (turn.allocations, turn.allocations_per_credential)
        })
    }

    /// Whom to become.
    #[must_use]
    pub fn user(&self) -> Option<User> {
        self.user
    }

    /// What to say while serving.
    #[must_use]
    pub fn log(&self) -> Log {
        self.log
    }
}

//! What an operator sets: a TOML file and flags of the same names, flags first.
//!
//! [`Options`] is what was written; [`Settings`] is what holds: checked, with the
//! defaults in place.
//!
//! ```toml
//! listen-udp = ["198.51.100.7:3478"]
//! secret-file = "/etc/solo2/relay-secret"
//! role = ["turn", "stun"]
//! ```

mod ports;
mod realm;
mod settings;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Deserialize;
use solo2_server::config::{self, FileError};
use solo2_server::user::User;
use thiserror::Error;

pub use self::ports::PortRange;
pub use self::realm::Realm;
pub use self::settings::Settings;
pub(super) use self::settings::TurnSettings;
use super::policy::Peers;

/// Where the server listens unless told otherwise.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3478);
/// Listening sockets at most.
const MOST_LISTENERS: usize = 16;

/// What the operator wrote, in a file or as flags. Absent means the default.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Options {
    /// Address and port to serve on; may be given several times
    #[arg(long, value_name = "ADDR")]
    pub listen_udp: Vec<SocketAddr>,
    /// Address and port to serve over TCP, for networks that let no UDP through
    #[arg(long, value_name = "ADDR")]
    pub listen_tcp: Vec<SocketAddr>,
    /// Address and port to serve over TLS, for networks that let nothing else through
    #[arg(long, value_name = "ADDR")]
    pub listen_tls: Vec<SocketAddr>,
    /// Listen over TCP here, too, for a Tor daemon on this machine that keeps an onion service
    ///
    /// A loopback address. Who comes this way has no address, so all of them together may
    /// be half of --max-connections.
    #[arg(long, value_name = "ADDR")]
    pub onion: Option<SocketAddr>,
    /// Threads that serve UDP; one for each core unless given, but no more than 8
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<u32>,
    /// Certificate chain for TLS, PEM
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key for TLS, PEM
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Connections over TCP and TLS altogether
    #[arg(long, value_name = "COUNT")]
    pub max_connections: Option<u32>,
    /// Connections from one network: an IPv4 address, or an IPv6 /56
    #[arg(long, value_name = "COUNT")]
    pub max_connections_per_address: Option<u32>,
    /// What is served: turn, stun, or both
    #[arg(long, value_enum, value_delimiter = ',', value_name = "ROLE,…")]
    pub role: Vec<Role>,
    /// The secret that invites are made from; made if it is not there
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Invites that are good no longer, one id a line; read again upon SIGHUP
    #[arg(long, value_name = "FILE")]
    pub revoked_file: Option<PathBuf>,
    /// Address that clients know this relay by, if it is not the one it listens on
    ///
    /// One for IPv4 and one for IPv6, at most. Relayed addresses are made of it.
    #[arg(long, value_name = "IP")]
    pub public_ip: Vec<IpAddr>,
    /// What the relay calls itself in its challenges, like relay.example
    #[arg(long, value_name = "NAME")]
    pub realm: Option<Realm>,
    /// With whom clients may talk
    #[arg(long, value_enum)]
    pub peers: Option<Peers>,
    /// Ports of relayed addresses
    #[arg(long, value_name = "FIRST-LAST")]
    pub relay_ports: Option<PortRange>,
    /// Allocations altogether
    #[arg(long, value_name = "COUNT")]
    pub max_allocs: Option<u32>,
    /// Allocations of one invite
    #[arg(long, value_name = "COUNT")]
    pub max_allocs_per_cred: Option<u32>,
    /// Bits per second that one invite may send; unlimited unless given
    #[arg(long, value_name = "BITS")]
    pub max_bps_per_cred: Option<u64>,
    /// How far ahead a credential may expire, 24 h at most
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    #[serde(deserialize_with = "config::duration")]
    pub cred_ttl: Option<Duration>,
    /// What is said while serving: nothing, or sums of everybody once a minute
    #[arg(long, value_enum)]
    pub log: Option<Log>,
    /// Unix socket for the commands stats and limits; only its owner opens it
    #[arg(long, value_name = "FILE")]
    pub control: Option<PathBuf>,
    /// Become this user once the sockets are bound; root only
    #[arg(long, value_name = "NAME")]
    pub user: Option<User>,
}

/// What a relay serves.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Role {
    /// Relays datagrams for those with a credential
    Turn,
    /// Tells anybody their address
    Stun,
}

/// What a relay says while it serves.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Log {
    /// Nothing
    #[default]
    None,
    /// Sums of everybody, once a minute
    Aggregate,
}

/// What is wrong with the configuration.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// TURN without a secret to check credentials by.
    #[error("no secret-file: turn serves nobody without credentials")]
    NoSecret,
    /// Listening everywhere does not say where clients find us.
    #[error("listening on every address does not tell under which one clients reach this relay")]
    NoPublicIp,
    /// Not an address of a host, or a second one of its family.
    #[error("{0} cannot be a public-ip")]
    PublicIp(IpAddr),
    /// More sockets than anybody has addresses.
    #[error("{0} may be given {MOST_LISTENERS} times")]
    Listeners(&'static str),
    /// Anybody could come without an address, not Tor's daemon alone.
    #[error("{0} is no loopback address, and onion is for a Tor daemon beside the relay")]
    Onion(SocketAddr),
    /// A TLS listener without its certificate or key, or one of these without a listener.
    #[error("tls needs an address to listen on, a certificate and a key")]
    HalfTls,
    /// Credentials would be good for too long, or for no time.
    #[error("cred-ttl must be between 1m and 24h, not {}", humantime::format_duration(*.0))]
    CredentialTtl(Duration),
    /// A bound that leaves nothing.
    #[error("{0} must be between 1 and {1}")]
    Bound(&'static str, u64),
}

impl ConfigError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoSecret => {
                Some("give --secret-file FILE; it is made if it is not there. Or: --role stun")
            }
            Self::NoPublicIp => Some("give --public-ip IP, or listen on that address itself"),
            Self::PublicIp(_) => {
                Some("give one address of a host for IPv4 and one for IPv6, at most")
            }
            Self::Onion(_) => Some("give a loopback address, as HiddenServicePort names it"),
            Self::HalfTls => {
                Some("give --listen-tls ADDR, --tls-cert FILE and --tls-key FILE together")
            }
            Self::File(FileError::Parse { .. }) => {
                Some("the keys are the long flags of solo2-relay serve --help")
            }
            Self::File(_) | Self::Listeners(_) | Self::CredentialTtl(_) | Self::Bound(..) => None,
        }
    }
}

impl Options {
    /// Reads a TOML file. Unknown keys are refused by name.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        config::read(path)
    }

    /// These options, and those of `other` where these say nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        fn first<T>(these: Vec<T>, those: Vec<T>) -> Vec<T> {
            if these.is_empty() { those } else { these }
        }
        Self {
            listen_udp: first(self.listen_udp, other.listen_udp),
            listen_tcp: first(self.listen_tcp, other.listen_tcp),
            listen_tls: first(self.listen_tls, other.listen_tls),
            onion: self.onion.or(other.onion),
            threads: self.threads.or(other.threads),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            max_connections: self.max_connections.or(other.max_connections),
            max_connections_per_address: self
                .max_connections_per_address
                .or(other.max_connections_per_address),
            role: first(self.role, other.role),
            secret_file: self.secret_file.or(other.secret_file),
            revoked_file: self.revoked_file.or(other.revoked_file),
            public_ip: first(self.public_ip, other.public_ip),
            realm: self.realm.or(other.realm),
            peers: self.peers.or(other.peers),
            relay_ports: self.relay_ports.or(other.relay_ports),
            max_allocs: self.max_allocs.or(other.max_allocs),
            max_allocs_per_cred: self.max_allocs_per_cred.or(other.max_allocs_per_cred),
            max_bps_per_cred: self.max_bps_per_cred.or(other.max_bps_per_cred),
            cred_ttl: self.cred_ttl.or(other.cred_ttl),
            log: self.log.or(other.log),
            control: self.control.or(other.control),
            user: self.user.or(other.user),
        }
    }
}

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

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::policy::Peers;
use super::sandbox::{Needs, User};
use super::stream::Connections;
use super::tls::{TlsError, TlsFiles};
use crate::credential::MAX_LIFETIME;

/// Where the server listens unless told otherwise.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3478);
/// The ports of relayed addresses: those that IANA leaves to everybody.
const DEFAULT_PORTS: PortRange = PortRange {
    first: 49152,
    last: 65535,
};
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
    #[serde(deserialize_with = "duration")]
    pub cred_ttl: Option<Duration>,
    /// What is said while serving: nothing, or sums of everybody once a minute
    #[arg(long, value_enum)]
    pub log: Option<Log>,
    /// Become this user once the sockets are bound; root only
    #[arg(long, value_name = "NAME")]
    #[serde(deserialize_with = "user")]
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

/// Ports from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl FromStr for PortRange {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "expected two ports from 1024 on, the lower first, like 49152-65535";
        let (first, last) = text.split_once('-').ok_or(wrong)?;
        let (first, last) = (
            first.parse().map_err(|_| wrong)?,
            last.parse().map_err(|_| wrong)?,
        );
        if (1024..=last).contains(&first) {
            Ok(Self { first, last })
        } else {
            Err(wrong)
        }
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// What holds: every value checked.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) listen_udp: Vec<SocketAddr>,
    pub(super) listen_tcp: Vec<SocketAddr>,
    pub(super) listen_tls: Vec<SocketAddr>,
    pub(super) tls: Option<TlsFiles>,
    pub(super) connections: Connections,
    pub(super) turn: Option<TurnSettings>,
    pub(super) stun: bool,
    log: Log,
    user: Option<User>,
}

/// What a TURN server needs beyond an address.
#[derive(Clone, Debug)]
pub(super) struct TurnSettings {
    pub(super) secret_file: PathBuf,
    pub(super) revoked_file: Option<PathBuf>,
    /// One address for each family at most.
    pub(super) relayed: Vec<IpAddr>,
    pub(super) peers: Peers,
    pub(super) ports: RangeInclusive<u16>,
    pub(super) allocations: u32,
    pub(super) allocations_per_credential: u32,
    /// Bytes per second.
    pub(super) rate_per_credential: Option<f64>,
    pub(super) credential_lifetime: Duration,
}

/// What is wrong with the configuration.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not say what a configuration says.
    #[error("cannot use {}: {reason}", .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The key or value at fault.
        reason: String,
    },
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
            Self::HalfTls => {
                Some("give --listen-tls ADDR, --tls-cert FILE and --tls-key FILE together")
            }
            Self::Parse { .. } => Some("the keys are the long flags of solo2-relay serve --help"),
            Self::Read { .. } | Self::Listeners(_) | Self::CredentialTtl(_) | Self::Bound(..) => {
                None
            }
        }
    }
}

impl Options {
    /// Reads a TOML file. Unknown keys are refused by name.
    ///
    /// # Errors
    /// [`ConfigError::Read`] and [`ConfigError::Parse`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })
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
            peers: self.peers.or(other.peers),
            relay_ports: self.relay_ports.or(other.relay_ports),
            max_allocs: self.max_allocs.or(other.max_allocs),
            max_allocs_per_cred: self.max_allocs_per_cred.or(other.max_allocs_per_cred),
            max_bps_per_cred: self.max_bps_per_cred.or(other.max_bps_per_cred),
            cred_ttl: self.cred_ttl.or(other.cred_ttl),
            log: self.log.or(other.log),
            user: self.user.or(other.user),
        }
    }
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
        let serves = |role| options.role.is_empty() || options.role.contains(&role);
        let (stun, turn) = (serves(Role::Stun), serves(Role::Turn));
        Ok(Self {
            log: options.log.unwrap_or_default(),
            user: options.user,
            turn: turn
                .then(|| TurnSettings::new(options, &listen_udp))
                .transpose()?,
            stun,
            listen_udp,
            listen_tcp,
            listen_tls,
            tls,
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
        // At least a datagram of the greatest length a second.
        let rate = options.max_bps_per_cred;
        if rate.is_some_and(|bits| !(1_000_000..=1_000_000_000_000).contains(&bits)) {
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

fn bound(name: &'static str, value: Option<u32>, default: u32) -> Result<u32, ConfigError> {
    const MOST: u32 = 1_000_000;
    match value.unwrap_or(default) {
        good if (1..=MOST).contains(&good) => Ok(good),
        _ => Err(ConfigError::Bound(name, MOST.into())),
    }
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

    /// Connections altogether, if there are any.
    #[must_use]
    pub fn connections(&self) -> Option<u32> {
        let any = !(self.listen_tcp.is_empty() && self.listen_tls.is_empty());
        any.then_some(self.connections.all)
    }

    /// What serving goes on to need of the system.
    #[must_use]
    pub fn needs(&self) -> Needs {
        Needs {
            sockets: self.peers() == Some(Peers::Public),
            connections: self.connections().is_some(),
        }
    }

    /// Checks what only reading the certificate and its key can tell.
    ///
    /// # Errors
    /// [`TlsError`] if they are unusable.
    pub fn check_files(&self) -> Result<(), TlsError> {
        let acceptor = self.tls.as_ref().map(super::tls::acceptor);
        acceptor.transpose().map(drop)
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

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

fn user<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<User>, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(toml: &str) -> Result<Settings, ConfigError> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("relay.toml");
        std::fs::write(&path, format!("secret-file = \"s\"\n{toml}")).expect("a file");
        Settings::try_from(Options::read(&path)?)
    }

    #[test]
    fn nothing_written_means_the_defaults() {
        let settings = settings("").expect("valid");
        assert_eq!(settings.listen_udp(), [DEFAULT_LISTEN]);
        assert_eq!(settings.relayed(), [DEFAULT_LISTEN.ip()]);
        assert_eq!(settings.roles(), ["turn", "stun"]);
        assert_eq!(settings.peers(), Some(Peers::OwnRelays));
        assert_eq!(settings.allocations(), (10_000, 64));
    }

    #[test]
    fn flags_win_over_the_file() {
        let flags = Options {
            max_allocs: Some(1),
            role: vec![Role::Turn],
            ..Options::default()
        };
        let file = Options {
            max_allocs: Some(2),
            role: vec![Role::Stun],
            max_allocs_per_cred: Some(3),
            ..Options::default()
        };
        let merged = flags.or(file);
        assert_eq!(
            (merged.max_allocs, merged.max_allocs_per_cred),
            (Some(1), Some(3))
        );
        assert_eq!(merged.role, [Role::Turn]);
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = settings("log-addresses = true").expect_err("refused");
        assert!(error.to_string().contains("log-addresses"), "{error}");
    }

    #[test]
    fn stun_alone_needs_no_secret_and_turn_does() {
        let stun = Options {
            role: vec![Role::Stun],
            ..Options::default()
        };
        assert_eq!(Settings::try_from(stun).expect("valid").roles(), ["stun"]);
        assert!(matches!(
            Settings::try_from(Options::default()),
            Err(ConfigError::NoSecret)
        ));
    }

    #[test]
    fn where_clients_reach_it_must_be_known() {
        assert!(matches!(
            settings("listen-udp = [\"0.0.0.0:3478\"]"),
            Err(ConfigError::NoPublicIp)
        ));
        let both = settings(
            "listen-udp = [\"0.0.0.0:3478\"]\npublic-ip = [\"198.51.100.7\", \"2001:db8::7\"]",
        )
        .expect("valid");
        assert_eq!(both.relayed().len(), 2);
        for bad in [
            "\"198.51.100.7\", \"198.51.100.8\"",
            "\"0.0.0.0\"",
            "\"224.0.0.1\"",
            "\"::ffff:198.51.100.7\"",
        ] {
            assert!(
                matches!(
                    settings(&format!("public-ip = [{bad}]")),
                    Err(ConfigError::PublicIp(_))
                ),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_credential_lives_a_day_at_most() {
        assert!(settings("cred-ttl = \"24h\"").is_ok());
        for toml in ["cred-ttl = \"25h\"", "cred-ttl = \"30s\""] {
            assert!(
                matches!(settings(toml), Err(ConfigError::CredentialTtl(_))),
                "{toml}"
            );
        }
    }

    #[test]
    fn bounds_that_leave_nothing_and_ports_that_are_none_are_refused() {
        for toml in [
            "max-allocs = 0",
            "max-allocs-per-cred = 0",
            "max-bps-per-cred = 1",
        ] {
            assert!(
                matches!(settings(toml), Err(ConfigError::Bound(..))),
                "{toml}"
            );
        }
        for bad in ["65535-49152", "80-90", "1024", "1024-70000"] {
            assert!(
                matches!(
                    settings(&format!("relay-ports = \"{bad}\"")),
                    Err(ConfigError::Parse { .. })
                ),
                "{bad}"
            );
        }
        assert!(settings("relay-ports = \"1024-1024\"").is_ok());
    }
}

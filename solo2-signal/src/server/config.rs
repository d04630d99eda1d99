//! What an operator sets: a TOML file and flags of the same names, flags first.
//!
//! [`Options`] is what was written; [`Settings`] is what holds: checked, with the
//! defaults in place.
//!
//! ```toml
//! listen = "0.0.0.0:443"
//! tls-cert = "/etc/solo2/cert.pem"
//! tls-key = "/etc/solo2/key.pem"
//! stun = "0.0.0.0:3478"
//! signal-ttl = "60s"
//! ```

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Deserialize;
use solo2_server::config::{self, FileError};
pub use solo2_server::tls::TlsFiles;
use solo2_server::tls::{self, TlsError};
use solo2_server::user::User;
use thiserror::Error;

/// The longest a blob may wait, and the default.
const MAX_SIGNAL_TTL: Duration = Duration::from_secs(60);
/// Where the server listens unless told otherwise.
pub const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7400);

/// What the operator wrote, in a file or as flags. Absent means the default.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    /// Address and port to listen on; port 0 lets the system choose
    ///
    /// Without TLS it must be a loopback address.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Listen here, too, for a Tor daemon on this machine that keeps an onion service
    ///
    /// Plain text on a loopback address. Who comes this way has no address, so all of
    /// them together may be half of --max-connections.
    #[arg(long, value_name = "ADDR")]
    pub onion: Option<SocketAddr>,
    /// Where records are kept: in memory, and nowhere else
    #[arg(long, value_enum)]
    pub db: Option<Db>,
    /// How long an introduction waits for its other half, 60 s at most
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    #[serde(default, deserialize_with = "config::duration")]
    pub signal_ttl: Option<Duration>,
    /// Certificate chain for TLS, PEM
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key for TLS, PEM
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Answer STUN binding requests on this UDP address
    #[arg(long, value_name = "ADDR")]
    pub stun: Option<SocketAddr>,
    /// Connections altogether
    #[arg(long, value_name = "COUNT")]
    pub max_connections: Option<u32>,
    /// Connections from one network: an IPv4 address, or an IPv6 /56
    ///
    /// Raise it behind a proxy, where everybody comes from one address.
    #[arg(long, value_name = "COUNT")]
    pub max_connections_per_address: Option<u32>,
    /// Introductions kept at a time; the oldest makes room
    #[arg(long, value_name = "COUNT")]
    pub max_waiting: Option<usize>,
    /// Become this user once the sockets are bound; root only
    #[arg(long, value_name = "NAME")]
    pub user: Option<User>,
}

/// Where records are kept. There are none so far: nothing is ever stored.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Db {
    /// In memory only.
    Memory,
}

/// What holds: every value checked.
#[derive(Clone, Debug)]
pub struct Settings {
    listen: SocketAddr,
    onion: Option<SocketAddr>,
    signal_ttl: Duration,
    tls: Option<TlsFiles>,
    stun: Option<SocketAddr>,
    limits: Limits,
    user: Option<User>,
}

/// Bounds on what the server holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connections: u32,
    pub(super) connections_per_address: u32,
    /// Blobs that wait for a listener.
    pub(super) stored: usize,
    /// Frames in memory, waiting ones included: about 4 KiB each.
    pub(super) buffers: usize,
    /// Tokens listened under.
    pub(super) tokens: usize,
}

/// What is wrong with the configuration.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A public address without TLS.
    #[error("refusing to listen on {0} without tls")]
    PlainText(SocketAddr),
    /// Others than the Tor daemon could come that way.
    #[error("refusing to take {0} for a Tor daemon's: it is not on this machine alone")]
    Onion(SocketAddr),
    /// One of the two TLS files is missing.
    #[error("tls needs both a certificate and a key")]
    HalfTls,
    /// Introductions would wait for too long, or not at all.
    #[error("signal-ttl must be between 1ms and 60s, not {}", humantime::format_duration(*.0))]
    SignalTtl(Duration),
    /// A bound that leaves nothing.
    #[error("{0} must be between 1 and 1000000")]
    Bound(&'static str),
}

impl ConfigError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::PlainText(_) => Some(
                "give --tls-cert FILE and --tls-key FILE, or listen on 127.0.0.1 behind a proxy that does TLS",
            ),
            Self::Onion(_) => Some("give a loopback address, as HiddenServicePort names it"),
            Self::HalfTls => Some("give --tls-cert FILE and --tls-key FILE together"),
            Self::File(FileError::Parse { .. }) => {
                Some("the keys are the long flags of solo2-signal serve --help")
            }
            Self::File(_) | Self::SignalTtl(_) | Self::Bound(_) => None,
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
        Self {
            listen: self.listen.or(other.listen),
            onion: self.onion.or(other.onion),
            db: self.db.or(other.db),
            signal_ttl: self.signal_ttl.or(other.signal_ttl),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            stun: self.stun.or(other.stun),
            max_connections: self.max_connections.or(other.max_connections),
            max_connections_per_address: self
                .max_connections_per_address
                .or(other.max_connections_per_address),
            max_waiting: self.max_waiting.or(other.max_waiting),
            user: self.user.or(other.user),
        }
    }
}

impl TryFrom<Options> for Settings {
    type Error = ConfigError;

    fn try_from(options: Options) -> Result<Self, ConfigError> {
        let listen = options.listen.unwrap_or(DEFAULT_LISTEN);
        let tls = match (options.tls_cert, options.tls_key) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
            (None, None) => None,
            _ => return Err(ConfigError::HalfTls),
        };
        if tls.is_none() && !listen.ip().is_loopback() {
            return Err(ConfigError::PlainText(listen));
        }
        if let Some(onion) = options.onion.filter(|onion| !onion.ip().is_loopback()) {
            return Err(ConfigError::Onion(onion));
        }
        let signal_ttl = options.signal_ttl.unwrap_or(MAX_SIGNAL_TTL);
        if signal_ttl < Duration::from_millis(1) || signal_ttl > MAX_SIGNAL_TTL {
            return Err(ConfigError::SignalTtl(signal_ttl));
        }
        let connections = options.max_connections.unwrap_or(10_000);
        let connections_per_address = options.max_connections_per_address.unwrap_or(256);
        let stored = options.max_waiting.unwrap_or(16_384);
        for (name, value) in [
            ("max-connections", connections as usize),
            (
                "max-connections-per-address",
                connections_per_address as usize,
            ),
            ("max-waiting", stored),
        ] {
            if !(1..=1_000_000).contains(&value) {
                return Err(ConfigError::Bound(name));
            }
        }
        // As much again as may wait is in motion: being read, or being written.
        let limits = Limits {
            connections,
            connections_per_address,
            stored,
            buffers: stored + stored.max(4096),
            tokens: 1_000_000,
        };
        Ok(Self {
            listen,
            onion: options.onion,
            signal_ttl,
            tls,
            stun: options.stun,
            limits,
            user: options.user,
        })
    }
}

impl Settings {
    /// Where to listen.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Where a Tor daemon brings its callers, if anywhere.
    #[must_use]
    pub fn onion(&self) -> Option<SocketAddr> {
        self.onion
    }

    /// How long a blob waits for its listener.
    #[must_use]
    pub fn signal_ttl(&self) -> Duration {
        self.signal_ttl
    }

    /// The certificate and key, if there is to be TLS.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsFiles> {
        self.tls.as_ref()
    }

    /// Where to answer STUN, if anywhere.
    #[must_use]
    pub fn stun(&self) -> Option<SocketAddr> {
        self.stun
    }

    /// Whom to become.
    #[must_use]
    pub fn user(&self) -> Option<User> {
        self.user
    }

    /// Connections altogether.
    #[must_use]
    pub fn max_connections(&self) -> u32 {
        self.limits.connections
    }

    /// Checks what only reading the files can tell.
    ///
    /// # Errors
    /// [`TlsError`] if the certificate or its key is unusable.
    pub fn check_files(&self) -> Result<(), TlsError> {
        let config = self.tls().map(|files| tls::server(files, super::ALPN));
        config.transpose().map(drop)
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(toml: &str) -> Result<Settings, ConfigError> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("signal.toml");
        std::fs::write(&path, toml).expect("a file");
        Settings::try_from(Options::read(&path)?)
    }

    #[test]
    fn nothing_written_means_the_defaults() {
        let settings = settings("").expect("valid");
        assert_eq!(settings.listen(), DEFAULT_LISTEN);
        assert_eq!(settings.signal_ttl(), Duration::from_secs(60));
        assert!(settings.tls().is_none());
    }

    #[test]
    fn flags_win_over_the_file() {
        let flags = Options {
            signal_ttl: Some(Duration::from_secs(1)),
            ..Options::default()
        };
        let file = Options {
            signal_ttl: Some(Duration::from_secs(2)),
            db: Some(Db::Memory),
            ..Options::default()
        };
        let merged = flags.or(file);
        assert_eq!(merged.signal_ttl, Some(Duration::from_secs(1)));
        assert_eq!(merged.db, Some(Db::Memory));
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error =
            settings("listen = \"127.0.0.1:0\"\nlog-addresses = true\n").expect_err("refused");
        assert!(error.to_string().contains("log-addresses"), "{error}");
    }

    #[test]
    fn plain_text_is_for_loopback_only() {
        assert!(settings("listen = \"[::1]:7400\"").is_ok());
        let error = settings("listen = \"0.0.0.0:7400\"").expect_err("refused");
        assert!(matches!(error, ConfigError::PlainText(_)));
        assert!(error.hint().is_some_and(|hint| hint.contains("--tls-cert")));
    }

    #[test]
    fn a_tor_daemon_is_on_this_machine() {
        let good = settings("onion = \"127.0.0.1:7401\"").expect("valid");
        assert_eq!(good.onion(), Some(([127, 0, 0, 1], 7401).into()));
        for address in ["0.0.0.0:7401", "192.0.2.1:7401", "[::]:7401"] {
            let error = settings(&format!("onion = \"{address}\"")).expect_err("refused");
            assert!(matches!(error, ConfigError::Onion(_)), "{address}");
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn an_introduction_waits_a_minute_at_most() {
        assert!(settings("signal-ttl = \"60s\"").is_ok());
        for toml in [
            "signal-ttl = \"61s\"",
            "signal-ttl = \"0s\"",
            "signal-ttl = \"1h\"",
        ] {
            assert!(
                matches!(settings(toml), Err(ConfigError::SignalTtl(_))),
                "{toml}"
            );
        }
    }

    #[test]
    fn half_of_tls_is_refused() {
        assert!(matches!(
            settings("tls-cert = \"a\""),
            Err(ConfigError::HalfTls)
        ));
    }
}

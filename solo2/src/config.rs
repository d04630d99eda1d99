//! `config.toml`: what may be set, read strictly and edited gently.
//!
//! Flags stand before the environment, the environment before the user's file,
//! that before the machine's. A key nobody knows is an error that names it, so
//! a typing mistake never passes for a setting. `config set` keeps comments
//! and order. Only keys that do something exist.
//! Spec: docs/cli.md, "Environment and files".

mod cover;

use std::fmt;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use solo2_relay::invite::Invite;
use toml_edit::{Array, DocumentMut, Item, Table, value};

use crate::error::{Failure, Kind};
use crate::net::onion::{self, Bridge};
use crate::net::signal::{self, SignalUrlError};
use crate::paths;
use crate::size::Size;
use zeroize::Zeroizing;

pub(crate) use cover::Cover;

/// What the node runs with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct NodeConfig {
    /// Signal servers, most preferred first.
    pub(crate) signal: Vec<String>,
    /// STUN servers, `stun:host:port`.
    pub(crate) stun: Vec<String>,
    /// Relays.
    #[serde(default)]
    pub(crate) relays: Vec<RelayInvite>,
    /// The route policy of the profile.
    pub(crate) route: Route,
    /// Whether it is more than a preference.
    #[serde(default)]
    pub(crate) strict: bool,
    /// Whether a flag or the environment named it.
    #[serde(default)]
    pub(crate) route_is_fixed: bool,
    /// What may carry links.
    #[serde(default)]
    pub(crate) transport: Transport,
    /// Whether a flag named it.
    #[serde(default)]
    pub(crate) transport_is_fixed: bool,
    /// How Tor is reached.
    #[serde(default)]
    pub(crate) tor: TorConfig,
    /// How links hide when and how much is said.
    #[serde(default)]
    pub(crate) cover: Cover,
    /// Which receipts we send.
    pub(crate) receipts: Receipts,
    /// Up to which size files are taken without asking.
    #[serde(default)]
    pub(crate) files: AcceptLimits,
    /// Touch no network.
    #[serde(default)]
    pub(crate) offline: bool,
    /// The profile's name, as events show it.
    #[serde(default)]
    pub(crate) profile: String,
}

/// How Tor is reached, and which Tor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TorConfig {
    /// arti's own configuration file, for another network or for pluggable transports.
    pub(crate) file: Option<PathBuf>,
    /// Bridges beside those in the file.
    #[serde(default)]
    pub(crate) bridges: Vec<Bridge>,
}

/// The way a message may take.
///
/// In order: what comes later shows less of this machine.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Route {
    /// The best there is
    #[default]
    Auto,
    /// Peer to peer
    Direct,
    /// Through a relay, which hides your address from the peer
    Relay,
    /// Through Tor, which hides your address from everybody
    Onion,
}

impl Route {
    /// The word on the command line and in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Route::Auto => "auto",
            Route::Direct => "direct",
            Route::Relay => "relay",
            Route::Onion => "onion",
        }
    }

    /// Reads [`Route::as_str`].
    pub(crate) fn from_word(word: &str) -> Option<Route> {
        [Route::Auto, Route::Direct, Route::Relay, Route::Onion]
            .into_iter()
            .find(|route| route.as_str() == word)
    }
}

/// What may carry links.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// QUIC, and WebRTC where QUIC does not pass
    #[default]
    Auto,
    /// QUIC alone, masked to look like noise
    Quic,
    /// WebRTC data channels alone, for networks that let nothing else pass
    Webrtc,
}

impl Transport {
    /// The word on the command line and in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Transport::Auto => "auto",
            Transport::Quic => "quic",
            Transport::Webrtc => "webrtc",
        }
    }

    /// Whether a link may be a WebRTC channel, or else QUIC.
    pub(crate) fn allows(self, webrtc: bool) -> bool {
        match self {
            Transport::Auto => true,
            Transport::Quic => !webrtc,
            Transport::Webrtc => webrtc,
        }
    }
}

/// A relay's invite, as the configuration holds it. Its `Debug` and [`RelayInvite::shown`] leave
/// the key out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RelayInvite(Zeroizing<String>);

impl RelayInvite {
    /// The whole line, key and all.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// What it says.
    pub(crate) fn read(&self) -> Invite {
        self.0.parse().expect("it was read before")
    }

    /// Names it without its key: `solo2-relay://ID@HOST/?udp=PORT`.
    pub(crate) fn shown(&self) -> String {
        let (user, rest) = self.0.split_once('@').unwrap_or_default();
        let id = user.split_once('.').map_or("", |(id, _)| id);
        format!("{id}@{rest}")
    }
}

impl TryFrom<String> for RelayInvite {
    type Error = String;

    fn try_from(text: String) -> Result<RelayInvite, String> {
        let text = Zeroizing::new(text.trim().to_owned());
        match text.parse::<Invite>() {
            Ok(invite) => {
                let host = invite.host.in_a_url();
                if invite.host.is_onion() && onion::service(&host).is_none() {
                    return Err(SignalUrlError::Onion(host).to_string());
                }
                Ok(RelayInvite(text))
            }
            Err(why) => Err(why.to_string()),
        }
    }
}

impl fmt::Debug for RelayInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// Which receipts peers get from us.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Receipts {
    /// No receipts.
    None,
    /// That a message arrived.
    #[default]
    Delivery,
    /// That it arrived, and that it was read.
    Read,
}

/// Up to how many bytes a file is taken without asking, by the trust in whom it
/// comes from; without a number the owner is asked for every file.
///
/// A contact's setting `max-file` stands above these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AcceptLimits {
    /// From somebody just met.
    pub(crate) new: Option<u64>,
    /// From somebody written with before.
    pub(crate) known: Option<u64>,
    /// From somebody the owner trusts.
    pub(crate) trusted: Option<u64>,
    /// From somebody verified.
    pub(crate) verified: Option<u64>,
}

impl Default for AcceptLimits {
    /// Who is known better may fill more of the disk.
    fn default() -> AcceptLimits {
        AcceptLimits {
            new: Some(1 << 20),
            known: Some(1 << 30),
            trusted: Some(64 << 30),
            verified: Some(1 << 40),
        }
    }
}

/// A signal server's address: TLS, plain on this machine, or an onion service's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignalUrl(String);

impl SignalUrl {
    /// The address as it was given.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SignalUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<SignalUrl, String> {
        let checked = text.parse::<signal::SignalUrl>();
        checked.map_err(|error| error.to_string())?;
        Ok(SignalUrl(text.to_owned()))
    }
}

/// The settings in force, and where each came from.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Settings {
    pub(crate) default_profile: Option<String>,
    pub(crate) signal: Vec<String>,
    pub(crate) stun: Vec<String>,
    pub(crate) relays: Vec<RelayInvite>,
    pub(crate) route: Route,
    pub(crate) strict: bool,
    pub(crate) transport: Transport,
    pub(crate) tor: TorConfig,
    pub(crate) cover: Cover,
    pub(crate) receipts: Receipts,
    pub(crate) files: AcceptLimits,
    /// Lock the agent's vault after so long without use; never when absent.
    pub(crate) lock_after: Option<Duration>,
    /// Keep nothing that opens the vault: no device secret, no key when idle or asleep.
    pub(crate) max_security: bool,
}

/// The longest an idle agent keeps the vault open with `vault.max_security`.
const LOCK_AT_LATEST: Duration = Duration::from_secs(15 * 60);

impl Settings {
    /// Reads the machine's and the user's file; the environment's
    /// `SOLO2_SIGNAL_URL` stands above both.
    pub(crate) fn load(user: &Path, signal: Option<&str>) -> Result<Settings, Failure> {
        let mut settings = Settings::default();
        for file in [paths::system_config(), user] {
            if let Some(found) = read(file)? {
                settings.lay_over(found);
            }
        }
        if let Some(url) = signal {
            let url: SignalUrl = url
                .parse()
                .map_err(|why| Failure::usage(format!("SOLO2_SIGNAL_URL: {why}")))?;
            settings.signal = vec![url.0];
        }
        if settings.max_security {
            let after = settings.lock_after.unwrap_or(LOCK_AT_LATEST);
            settings.lock_after = Some(after.min(LOCK_AT_LATEST));
        }
        Ok(settings)
    }

    fn lay_over(&mut self, file: File) {
        if file.default_profile.is_some() {
            self.default_profile = file.default_profile;
        }
        if let Some(signal) = file.net.signal {
            self.signal = signal.into();
        }
        if let Some(stun) = file.net.stun {
            self.stun = stun.into();
        }
        if let Some(relays) = file.net.relays {
            self.relays = relays;
        }
        if let Some(route) = file.net.route {
            self.route = route;
        }
        if let Some(strict) = file.net.strict {
            self.strict = strict;
        }
        if let Some(transport) = file.net.transport {
            self.transport = transport;
        }
        if let Some(config) = file.tor.config {
            self.tor.file = Some(config);
        }
        if let Some(bridges) = file.tor.bridges {
            self.tor.bridges = bridges;
        }
        if let Some(cover) = file.privacy.cover {
            self.cover = cover;
        }
        if let Some(receipts) = file.privacy.receipts {
            self.receipts = receipts;
        }
        for (limit, found) in [
            (&mut self.files.new, file.files.accept_new),
            (&mut self.files.known, file.files.accept_known),
            (&mut self.files.trusted, file.files.accept_trusted),
            (&mut self.files.verified, file.files.accept_verified),
        ] {
            if let Some(found) = found {
                *limit = found.0;
            }
        }
        if let Some(after) = file.vault.lock_after {
            self.lock_after = after.0;
        }
        if let Some(max_security) = file.vault.max_security {
            self.max_security = max_security;
        }
    }

    /// The value of one key, as `config get` prints it.
    pub(crate) fn get(&self, key: Key) -> String {
        match key {
            Key::DefaultProfile => self
                .default_profile
                .clone()
                .unwrap_or_else(|| paths::DEFAULT_PROFILE.to_owned()),
            Key::NetSignal => self.signal.join(" "),
            Key::NetStun => self.stun.join(" "),
            Key::NetRelays => {
                let shown: Vec<_> = self.relays.iter().map(RelayInvite::shown).collect();
                shown.join(" ")
            }
            Key::NetRoute => self.route.as_str().to_owned(),
            Key::NetStrict => self.strict.to_string(),
            Key::NetTransport => self.transport.as_str().to_owned(),
            Key::TorConfig => match &self.tor.file {
                Some(file) => file.display().to_string(),
                None => String::new(),
            },
            Key::TorBridges => {
                let lines: Vec<_> = self.tor.bridges.iter().map(Bridge::as_str).collect();
                lines.join("\n")
            }
            Key::PrivacyCover => self.cover.to_string(),
            Key::PrivacyReceipts => match self.receipts {
                Receipts::None => "none",
                Receipts::Delivery => "delivery",
                Receipts::Read => "read",
            }
            .to_owned(),
            Key::FilesAcceptNew => limit(self.files.new),
            Key::FilesAcceptKnown => limit(self.files.known),
            Key::FilesAcceptTrusted => limit(self.files.trusted),
            Key::FilesAcceptVerified => limit(self.files.verified),
            Key::VaultLockAfter => match self.lock_after {
                Some(after) => humantime::format_duration(after).to_string(),
                None => "off".to_owned(),
            },
            Key::VaultMaxSecurity => self.max_security.to_string(),
        }
    }
}

/// A limit as it is written in the file.
fn limit(bytes: Option<u64>) -> String {
    match bytes {
        Some(bytes) => Size(bytes).to_string(),
        None => "off".to_owned(),
    }
}

/// The keys that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    DefaultProfile,
    NetSignal,
    NetStun,
    NetRelays,
    NetRoute,
    NetStrict,
    NetTransport,
    TorConfig,
    TorBridges,
    PrivacyCover,
    PrivacyReceipts,
    FilesAcceptNew,
    FilesAcceptKnown,
    FilesAcceptTrusted,
    FilesAcceptVerified,
    VaultLockAfter,
    VaultMaxSecurity,
}

impl Key {
    /// All of them, in the order of the file.
    pub(crate) const ALL: [Key; 17] = [
        Key::DefaultProfile,
        Key::NetSignal,
        Key::NetStun,
        Key::NetRelays,
        Key::NetRoute,
        Key::NetStrict,
        Key::NetTransport,
        Key::TorConfig,
        Key::TorBridges,
        Key::PrivacyCover,
        Key::PrivacyReceipts,
        Key::FilesAcceptNew,
        Key::FilesAcceptKnown,
        Key::FilesAcceptTrusted,
        Key::FilesAcceptVerified,
        Key::VaultLockAfter,
        Key::VaultMaxSecurity,
    ];

    /// The dotted name and what it sets.
    pub(crate) const fn row(self) -> (&'static str, &'static str) {
        match self {
            Key::DefaultProfile => ("default_profile", "the profile used without --profile"),
            Key::NetSignal => (
                "net.signal",
                "signal servers, wss://HOST[:PORT] or ws://NAME.onion",
            ),
            Key::NetStun => ("net.stun", "STUN servers, stun:HOST:PORT"),
            Key::NetRelays => (
                "net.relays",
                "invites of relays; solo2 relay add writes them",
            ),
            Key::NetRoute => ("net.route", "auto, direct, relay or onion"),
            Key::NetStrict => ("net.strict", "true or false: by this route or not at all"),
            Key::NetTransport => ("net.transport", "auto, quic or webrtc: what carries links"),
            Key::TorConfig => (
                "tor.config",
                "a file of arti's own settings, for pluggable transports or another Tor network",
            ),
            Key::TorBridges => (
                "tor.bridges",
                "where Tor is blocked: lines of bridges, each quoted, HOST:PORT FINGERPRINT",
            ),
            Key::PrivacyCover => (
                "privacy.cover",
                "off, or steady:1s: both sides send a frame every second on the average, said or not",
            ),
            Key::PrivacyReceipts => ("privacy.receipts", "none, delivery or read"),
            Key::FilesAcceptNew => (
                "files.accept_new",
                "take files of new contacts up to this size unasked, such as 1MiB; or off: always ask",
            ),
            Key::FilesAcceptKnown => (
                "files.accept_known",
                "the same for known contacts, such as 1GiB; or off",
            ),
            Key::FilesAcceptTrusted => (
                "files.accept_trusted",
                "the same for trusted contacts, such as 64GiB; or off",
            ),
            Key::FilesAcceptVerified => (
                "files.accept_verified",
                "the same for verified contacts, such as 1TiB; or off",
            ),
            Key::VaultLockAfter => (
                "vault.lock_after",
                "lock an idle agent after so long, such as 15m; or off",
            ),
            Key::VaultMaxSecurity => (
                "vault.max_security",
                "true or false: no device secret; lock when idle, 15m at most, and when the machine sleeps",
            ),
        }
    }

    const fn is_list(self) -> bool {
        matches!(
            self,
            Key::NetSignal | Key::NetStun | Key::NetRelays | Key::TorBridges
        )
    }

    const fn is_flag(self) -> bool {
        matches!(self, Key::VaultMaxSecurity | Key::NetStrict)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().0)
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Key, String> {
        Key::ALL
            .into_iter()
            .find(|key| key.row().0 == text)
            .ok_or_else(|| {
                let names: Vec<_> = Key::ALL.iter().map(|key| key.row().0).collect();
                format!("no such key; there are {}", names.join(", "))
            })
    }
}

/// Sets one key in the user's file and keeps the rest of it as it stands.
pub(crate) fn set(file: &Path, key: Key, values: &[String]) -> Result<(), Failure> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(Failure::io(
                format!("cannot read {}", file.display()),
                &error,
            ));
        }
    };
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| broken(file, error.message()))?;
    let name = key.row().0;
    let item = if key.is_list() {
        value(values.iter().map(String::as_str).collect::<Array>())
    } else {
        match values {
            [one] => match one.parse::<bool>() {
                Ok(flag) if key.is_flag() => value(flag),
                _ if key == Key::TorConfig => value(whole(one)?),
                _ => value(one.as_str()),
            },
            _ => return Err(Failure::usage(format!("{name} takes one value"))),
        }
    };
    match name.split_once('.') {
        Some((table, field)) => {
            let table = document
                .entry(table)
                .or_insert_with(|| Item::Table(Table::new()));
            match table.as_table_like_mut() {
                Some(table) => table.insert(field, item),
                None => return Err(broken(file, "a section is expected there")),
            };
        }
        None => {
            document.insert(name, item);
        }
    }
    let text = document.to_string();
    toml::from_str::<File>(&text).map_err(|error| {
        Failure::usage(format!("{name}: {}", error.message().trim_end()))
            .hint(format!("{name}: {}", key.row().1))
    })?;
    replace(file, &text)
}

/// A path that means the same wherever the agent runs.
fn whole(path: &str) -> Result<String, Failure> {
    let found = fs::canonicalize(path);
    let found = found.map_err(|error| Failure::io(format!("cannot read {path}"), &error))?;
    found
        .into_os_string()
        .into_string()
        .map_err(|_| Failure::usage(format!("{path} is not UTF-8")))
}

/// Checks a file that was edited by hand.
pub(crate) fn check(file: &Path) -> Result<(), Failure> {
    read(file).map(drop)
}

/// Writes a whole file in one step, readable by this user alone.
fn replace(file: &Path, text: &str) -> Result<(), Failure> {
    let failed =
        |error: &std::io::Error| Failure::io(format!("cannot write {}", file.display()), error);
    if let Some(dir) = file.parent() {
        paths::make_private(dir)?;
    }
    let beside = file.with_extension(format!("toml.{}", std::process::id()));
    let result = (|| {
        let mut to = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        to.write_all(text.as_bytes())?;
        to.sync_all()?;
        fs::rename(&beside, file)
    })();
    result.map_err(|error| {
        let _ = fs::remove_file(&beside);
        failed(&error)
    })
}

fn read(file: &Path) -> Result<Option<File>, Failure> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Failure::io(
                format!("cannot read {}", file.display()),
                &error,
            ));
        }
    };
    match toml::from_str(&text) {
        Ok(found) => Ok(Some(found)),
        Err(error) => {
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map(|before| before.matches('\n').count() + 1);
            let place = match line {
                Some(line) => format!("line {line}: {}", error.message().trim_end()),
                None => error.message().trim_end().to_owned(),
            };
            Err(broken(file, &place))
        }
    }
}

fn broken(file: &Path, why: &str) -> Failure {
    Failure::new(Kind::Io, format!("{}: {why}", file.display()))
        .code("config")
        .hint("the keys that exist: solo2 config list")
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    default_profile: Option<String>,
    net: Net,
    tor: TorTable,
    privacy: Privacy,
    files: FilesTable,
    vault: VaultTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Net {
    signal: Option<Signals>,
    stun: Option<Stuns>,
    relays: Option<Vec<RelayInvite>>,
    route: Option<Route>,
    strict: Option<bool>,
    transport: Option<Transport>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TorTable {
    config: Option<PathBuf>,
    bridges: Option<Vec<Bridge>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Privacy {
    cover: Option<Cover>,
    receipts: Option<Receipts>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FilesTable {
    accept_new: Option<Limit>,
    accept_known: Option<Limit>,
    accept_trusted: Option<Limit>,
    accept_verified: Option<Limit>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct VaultTable {
    lock_after: Option<LockAfter>,
    max_security: Option<bool>,
}

/// One text or a list of texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl From<OneOrMore> for Vec<String> {
    fn from(texts: OneOrMore) -> Vec<String> {
        match texts {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "OneOrMore")]
struct Signals(Vec<String>);

impl TryFrom<OneOrMore> for Signals {
    type Error = String;

    fn try_from(texts: OneOrMore) -> Result<Signals, String> {
        let texts: Vec<String> = texts.into();
        let mut onions = 0;
        for text in &texts {
            let url = text.parse::<signal::SignalUrl>();
            onions += usize::from(url.map_err(|error| error.to_string())?.onion().is_some());
        }
        if onions != 0 && onions != texts.len() {
            return Err(
                "onion services and other signal servers do not mix: the first that answers \
                 is used, and the others would see your address"
                    .to_owned(),
            );
        }
        Ok(Signals(texts))
    }
}

impl From<Signals> for Vec<String> {
    fn from(signals: Signals) -> Vec<String> {
        signals.0
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "OneOrMore")]
struct Stuns(Vec<String>);

impl TryFrom<OneOrMore> for Stuns {
    type Error = String;

    fn try_from(texts: OneOrMore) -> Result<Stuns, String> {
        let texts: Vec<String> = texts.into();
        for text in &texts {
            let port = text
                .strip_prefix("stun:")
                .and_then(|rest| rest.rsplit_once(':'))
                .filter(|(host, _)| !host.is_empty())
                .and_then(|(_, port)| port.parse::<u16>().ok());
            if port.is_none() {
                return Err("a STUN server is named stun:HOST:PORT".to_owned());
            }
        }
        Ok(Stuns(texts))
    }
}

impl From<Stuns> for Vec<String> {
    fn from(stuns: Stuns) -> Vec<String> {
        stuns.0
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Limit(Option<u64>);

impl TryFrom<String> for Limit {
    type Error = String;

    fn try_from(text: String) -> Result<Limit, String> {
        if text == "off" {
            return Ok(Limit(None));
        }
        text.parse()
            .map(|Size(bytes)| Limit(Some(bytes)))
            .map_err(|why| format!("{why}, or off"))
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct LockAfter(Option<Duration>);

impl TryFrom<String> for LockAfter {
    type Error = String;

    fn try_from(text: String) -> Result<LockAfter, String> {
        if text == "off" {
            return Ok(LockAfter(None));
        }
        humantime::parse_duration(&text)
            .ok()
            .filter(|after| *after >= Duration::from_secs(1))
            .map(|after| LockAfter(Some(after)))
            .ok_or_else(|| "a time is written like 30s, 15m or 1h, or off".to_owned())
    }
}

#[cfg(test)]
mod tests;

//! arti's configuration: what the user says of it, with our directories, and keys in memory only.

use std::path::Path;
use std::str::FromStr;

use arti_client::TorClientConfig;
use arti_client::config::{BridgeConfigBuilder, TorClientConfigBuilder};
use serde::{Deserialize, Serialize};

use super::OnionError;

/// A bridge's line, as <https://bridges.torproject.org> gives it: `[TRANSPORT] HOST:PORT ID… [KEY=VALUE…]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Bridge(String);

impl Bridge {
    /// The line as it was given.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Bridge {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        match line.parse::<BridgeConfigBuilder>() {
            Ok(_) => Ok(Self(line.trim().to_owned())),
            Err(error) => Err(format!("not the line of a bridge: {error}")),
        }
    }
}

impl TryFrom<String> for Bridge {
    type Error = String;

    fn try_from(line: String) -> Result<Self, String> {
        line.parse()
    }
}

/// How Tor is reached, and which Tor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// arti's own configuration (TOML): another network, pluggable transports and the like.
    pub(crate) custom: Option<String>,
    /// Bridges beside those that it names.
    pub(crate) bridges: Vec<Bridge>,
}

impl Settings {
    /// The whole configuration, with these directories.
    pub(super) fn build(&self, state: &Path, cache: &Path) -> Result<TorClientConfig, OnionError> {
        let custom = self.custom.as_deref().unwrap_or_default();
        let mut root: toml::Table = custom.parse().map_err(OnionError::setup)?;
        let storage = table(&mut root, "storage")?;
        storage.insert("state_dir".to_owned(), literal(state)?);
        storage.insert("cache_dir".to_owned(), literal(cache)?);
        let mut primary = toml::Table::new();
        primary.insert("kind".to_owned(), "ephemeral".into());
        let mut keystore = toml::Table::new();
        keystore.insert("enabled".to_owned(), true.into());
        keystore.insert("primary".to_owned(), primary.into());
        storage.insert("keystore".to_owned(), keystore.into());
        let mut builder: TorClientConfigBuilder = root.try_into().map_err(OnionError::setup)?;
        for bridge in &self.bridges {
            let line = bridge.0.parse().map_err(OnionError::setup)?;
            builder.bridges().bridges().push(line);
        }
        builder.build().map_err(OnionError::setup)
    }
}

/// A section of arti's, made if it is not there.
fn table<'a>(root: &'a mut toml::Table, name: &str) -> Result<&'a mut toml::Table, OnionError> {
    root.entry(name)
        .or_insert_with(|| toml::Table::new().into())
        .as_table_mut()
        .ok_or_else(|| OnionError::Setup(format!("{name} is no table")))
}

/// A path in which arti expands nothing.
fn literal(path: &Path) -> Result<toml::Value, OnionError> {
    let text = path
        .to_str()
        .ok_or_else(|| OnionError::Setup(format!("{} is not UTF-8", path.display())))?;
    let mut literal = toml::Table::new();
    literal.insert("literal".to_owned(), text.into());
    Ok(literal.into())
}

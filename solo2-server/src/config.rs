//! A configuration as it was written: TOML, whose keys are the flags of the program.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

/// Why a file cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It does not say what a configuration says.
    #[error("cannot use {}: {reason}", .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The key or value at fault.
        reason: String,
    },
}

/// Reads a TOML file. Keys that `T` does not know are refused by name, if it says so.
///
/// # Errors
/// [`FileError`].
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    let text = std::fs::read_to_string(path).map_err(|source| FileError::Read {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|error| FileError::Parse {
        path: path.to_owned(),
        reason: error.to_string().trim_end().to_owned(),
    })
}

/// For `deserialize_with`: a time like `60s` or `24h`.
///
/// # Errors
/// What is wrong with the text.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

/// A count, or what holds without one, if it is between 1 and `most`.
pub fn bounded(value: Option<u32>, default: u32, most: u32) -> Option<u32> {
    Some(value.unwrap_or(default)).filter(|good| (1..=most).contains(good))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Written {
        #[serde(default, deserialize_with = "duration")]
        ttl: Option<Duration>,
    }

    #[test]
    fn a_file_is_read_and_what_is_wrong_in_it_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("c.toml");
        let with = |text: &str| {
            std::fs::write(&path, text).expect("a file");
            read::<Written>(&path).map(|written| written.ttl)
        };
        assert_eq!(
            with("ttl = \"2h\"").expect("read"),
            Some(Duration::from_secs(7200))
        );
        assert_eq!(with("").expect("read"), None);
        for (text, word) in [
            ("ttl = \"soon\"", "ttl"),
            ("color = 1", "color"),
            ("ttl =", "c.toml"),
        ] {
            let error = with(text).expect_err("refused").to_string();
            assert!(error.contains(word), "{error}");
        }
        let nowhere = read::<Written>(&directory.path().join("nowhere")).expect_err("refused");
        assert!(nowhere.to_string().contains("nowhere"));
    }

    #[test]
    fn a_count_leaves_something_and_has_an_end() {
        assert_eq!(bounded(None, 5, 10), Some(5));
        let given = [0, 1, 10, 11].map(|value| bounded(Some(value), 5, 10));
        assert_eq!(given, [None, Some(1), Some(10), None]);
    }
}

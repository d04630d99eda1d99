//! The name under which credentials hold (RFC 8489 §14.9).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::credential::REALM;

/// With more, a challenge would have more than the 128 bytes that a stranger is
/// answered with. The RFC allows 127 characters.
const MOST: usize = 40;

/// What a relay calls itself in its challenges, and what clients derive their keys with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm(String);

impl Realm {
    /// Its text, as it is on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Realm {
    fn default() -> Self {
        Self(REALM.to_owned())
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Realm {
    type Err = &'static str;

    /// ASCII that clients write as it is: no preparation (RFC 8265) changes it, and
    /// no quotes have to be escaped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
        if (1..=MOST).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "expected 1 to 40 letters, digits and signs without spaces, quotes and backslashes, \
                 like relay.example",
            )
        }
    }
}

impl<'de> Deserialize<'de> for Realm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

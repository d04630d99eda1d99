//! A range of ports, as `FIRST-LAST`.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// Ports from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    pub(super) first: u16,
    pub(super) last: u16,
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

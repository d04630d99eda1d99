//! How a link hides when and how much is said.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::net::link::pace::MEANS;

/// `off`, or `steady:TIME`: both sides send a frame each time on the average, at random
/// moments, whether something is said or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Cover(pub(crate) Option<Duration>);

impl fmt::Display for Cover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(mean) => write!(f, "steady:{}", humantime::format_duration(mean)),
            None => f.write_str("off"),
        }
    }
}

impl FromStr for Cover {
    type Err = String;

    fn from_str(text: &str) -> Result<Cover, String> {
        if text == "off" {
            return Ok(Cover(None));
        }
        text.strip_prefix("steady:")
            .and_then(|mean| humantime::parse_duration(mean).ok())
            .filter(|mean| MEANS.contains(mean) && mean.subsec_nanos().is_multiple_of(1_000_000))
            .map(|mean| Cover(Some(mean)))
            .ok_or_else(|| {
                let [least, most] = [MEANS.start(), MEANS.end()]
                    .map(|mean| humantime::format_duration(*mean).to_string());
                format!("cover is off, or steady:TIME, such as steady:1s, from {least} to {most}")
            })
    }
}

impl TryFrom<String> for Cover {
    type Error = String;

    fn try_from(text: String) -> Result<Cover, String> {
        text.parse()
    }
}

impl From<Cover> for String {
    fn from(cover: Cover) -> String {
        cover.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cover_is_off_or_steady_within_bounds() {
        for (text, millis) in [
            ("steady:1s", 1_000),
            ("steady:250ms", 250),
            ("steady:10s", 10_000),
        ] {
            let cover: Cover = text.parse().expect(text);
            assert_eq!(cover, Cover(Some(Duration::from_millis(millis))));
            assert_eq!(cover.to_string(), text);
        }
        assert_eq!("off".parse(), Ok(Cover(None)));
        for text in [
            "",
            "on",
            "steady",
            "steady:",
            "steady:99ms",
            "steady:11s",
            "steady:0s",
            "steady:1",
            "steady:-1s",
            "steady:1500us",
            "1s",
        ] {
            let why = text.parse::<Cover>().expect_err(text);
            assert!(why.contains("steady:1s"), "{text}: {why}");
        }
    }
}

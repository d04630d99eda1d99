//! What arguments are made of: times, names, ids, places.
//!
//! Each parses from text and refuses what could not be meant, so that a verb
//! starts with values that are right. Whether a named peer exists is the
//! node's to say.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use ulid::Ulid;

use crate::output::sanitize;
use crate::size::Size;

/// A length of time: `30s`, `10m`, `7d`, or `0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    /// Whole milliseconds.
    pub(crate) fn millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// Whole seconds.
    pub(crate) fn secs(self) -> u64 {
        self.0.as_secs()
    }
}

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Span, &'static str> {
        // A century: long enough for everybody, short enough for every sum.
        const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);
        humantime::parse_duration(text)
            .ok()
            .filter(|span| *span <= LONGEST)
            .map(Span)
            .ok_or("a time is written like 30s, 10m, 12h or 7d")
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", humantime::format_duration(self.0))
    }
}

/// A message's id, 26 characters; a file's is one too, without its `f_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageId(Ulid);

impl FromStr for MessageId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<MessageId, &'static str> {
        Ulid::from_string(text.strip_prefix("f_").unwrap_or(text))
            .map(MessageId)
            .map_err(
                |_| "a message id has 26 letters and digits, such as 01J9ZQ6Y3N8V5T2K7M4R1B0C9D",
            )
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for MessageId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

/// A file's id, `f_` and 26 characters; on the command line the `f_` may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId(MessageId);

impl FromStr for FileId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<FileId, &'static str> {
        text.parse()
            .map(FileId)
            .map_err(|_| "a file id is f_ and 26 letters and digits, as `solo2 file list` shows it")
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "f_{}", self.0)
    }
}

impl Serialize for FileId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A peer as it is named on the command line: a contact's name or its `p_` id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct PeerRef(pub(crate) String);

impl FromStr for PeerRef {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<PeerRef, &'static str> {
        check_name(text)?;
        Ok(PeerRef(text.to_owned()))
    }
}

/// A name to give somebody, ourselves included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Name(pub(crate) String);

impl FromStr for Name {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Name, &'static str> {
        check_name(text)?;
        if text.starts_with("p_") {
            return Err("a name does not start with p_: ids do");
        }
        Ok(Name(text.to_owned()))
    }
}

fn check_name(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        Err("a name is not empty")
    } else if text.len() > 128 {
        Err("a name has at most 128 bytes")
    } else if text != text.trim() {
        Err("a name neither starts nor ends with a space")
    } else if text.starts_with(['-', '@']) {
        Err("a name starts with neither '-' nor '@'")
    } else if text.contains([':', '/', '=']) {
        Err("a name holds none of ':', '/' and '='")
    } else if sanitize::line(text) != text {
        Err("a name holds visible characters only")
    } else {
        Ok(())
    }
}

/// A place: `LAT,LON` or `LAT,LON,METRES`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    lat: f64,
    lon: f64,
    accuracy_m: Option<f64>,
}

impl Place {
    /// The `geo` parameter.
    pub(crate) fn to_json(self) -> Value {
        json!({"lat": self.lat, "lon": self.lon, "accuracy_m": self.accuracy_m})
    }
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Place, &'static str> {
        let wrong = "a place is written LAT,LON or LAT,LON,METRES, such as 52.52,13.405,10";
        let numbers: Result<Vec<f64>, _> =
            text.split(',').map(|part| part.trim().parse()).collect();
        let (lat, lon, accuracy_m) = match numbers.as_deref() {
            Ok(&[lat, lon]) => (lat, lon, None),
            Ok(&[lat, lon, metres]) => (lat, lon, Some(metres)),
            _ => return Err(wrong),
        };
        if !(-90.0..=90.0).contains(&lat) {
            return Err("a latitude lies between -90 and 90");
        }
        if !(-180.0..=180.0).contains(&lon) {
            return Err("a longitude lies between -180 and 180");
        }
        if accuracy_m.is_some_and(|metres| !(0.0..=1e7).contains(&metres)) {
            return Err("an accuracy is a number of metres, zero or more");
        }
        Ok(Place {
            lat,
            lon,
            accuracy_m,
        })
    }
}

/// Where a reader left off: `c_42`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Cursor(pub(crate) String);

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Cursor, &'static str> {
        match text.strip_prefix("c_").map(str::parse::<u64>) {
            Some(Ok(_)) => Ok(Cursor(text.to_owned())),
            _ => Err("a cursor is written as recv prints it, such as c_42"),
        }
    }
}

/// A moment: RFC 3339, a date, or a time ago such as `2h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) jiff::Timestamp);

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Moment, &'static str> {
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Ok(Moment(moment));
        }
        if let Ok(day) = text.parse::<jiff::civil::Date>()
            && let Ok(start) = day.to_zoned(jiff::tz::TimeZone::UTC)
        {
            return Ok(Moment(start.timestamp()));
        }
        text.parse::<Span>()
            .ok()
            .and_then(|ago| jiff::Timestamp::now().checked_sub(ago.0).ok())
            .map(Moment)
            .ok_or("a moment is a date (2026-01-31), RFC 3339, or a time ago (2h)")
    }
}

impl Moment {
    /// Milliseconds since 1970, and RFC 3339 for JSON.
    pub(crate) fn to_json(self) -> Value {
        crate::event::timestamp(self.0).into()
    }
}

/// A `key=value` pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Setting, String> {
        /// What a contact can be set to, and the words for each.
        const SETTINGS: [(&str, &[&str]); 5] = [
            ("route", &["auto", "direct", "relay", "onion"]),
            ("strict", &["true", "false"]),
            ("receipts", &["none", "delivery", "read"]),
            ("max-file", &["off", "default"]),
            ("retain", &["forever"]),
        ];
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| "a setting is written KEY=VALUE".to_owned())?;
        let Some((_, values)) = SETTINGS.iter().find(|(name, _)| *name == key) else {
            let names: Vec<_> = SETTINGS.iter().map(|(name, _)| *name).collect();
            return Err(format!("no such setting; there are {}", names.join(", ")));
        };
        let value = match value.parse::<Size>() {
            _ if key == "retain" && !values.contains(&value) => retention(value)?,
            _ if values.contains(&value) => value.to_owned(),
            // The vault keeps plain bytes.
            Ok(Size(bytes)) if key == "max-file" => bytes.to_string(),
            Err(why) if key == "max-file" => return Err(format!("{why}, or off, or default")),
            _ => return Err(format!("{key} is one of {}", values.join(", "))),
        };
        Ok(Setting {
            key: key.to_owned(),
            value,
        })
    }
}

/// How long messages are kept, in the seconds that the vault keeps.
fn retention(text: &str) -> Result<String, String> {
    match text.parse::<Span>() {
        Ok(span) if span.secs() > 0 && span.0.subsec_nanos() == 0 => Ok(span.secs().to_string()),
        Ok(_) => Err("retain is whole seconds, one at least, or forever".to_owned()),
        Err(why) => Err(format!("{why}, or forever")),
    }
}

/// 64 hex digits, in any case, spaced or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Fingerprint(String);

impl FromStr for Fingerprint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Fingerprint, &'static str> {
        let digits: String = text
            .chars()
            .filter(|letter| !letter.is_whitespace())
            .collect::<String>()
            .to_ascii_lowercase();
        if digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            Ok(Fingerprint(digits))
        } else {
            Err("a fingerprint has 64 hexadecimal digits")
        }
    }
}

/// 60 decimal digits, spaced or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct SafetyNumber(String);

impl FromStr for SafetyNumber {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<SafetyNumber, &'static str> {
        let digits: String = text
            .chars()
            .filter(|letter| !letter.is_whitespace() && *letter != '-')
            .collect();
        if digits.len() == 60 && digits.bytes().all(|digit| digit.is_ascii_digit()) {
            Ok(SafetyNumber(digits))
        } else {
            Err("a safety number has 60 digits")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_confuse_a_shell_or_a_reader_are_refused() {
        for bad in [
            "",
            " ",
            " a",
            "a ",
            "-x",
            "@x",
            "a:b",
            "a/b",
            "a=b",
            "a\nb",
            "a\u{202e}b",
            "p_12",
            "a\u{200b}",
        ] {
            assert!(Name::from_str(bad).is_err(), "{bad:?}");
        }
        for good in ["bob", "Bob Smith", "Ünal", "老王", "ops🚨"] {
            assert!(Name::from_str(good).is_ok(), "{good:?}");
        }
        assert!(PeerRef::from_str("p_00ff").is_ok());
    }

    #[test]
    fn a_file_is_named_with_or_without_its_prefix_and_never_by_a_part() {
        let id = "01J9ZQ6Y3N8V5T2K7M4R1B0C9D";
        for text in [id.to_owned(), format!("f_{id}")] {
            let file = FileId::from_str(&text).expect("an id");
            assert_eq!(json!(file), format!("f_{id}"));
            // What works on messages works on files.
            assert_eq!(json!(MessageId::from_str(&text).expect("an id")), id);
        }
        for bad in [
            "",
            "f_",
            "01J9Z",
            "F_01J9ZQ6Y3N8V5T2K7M4R1B0C9D",
            "p_01J9ZQ6Y3N8V5T2K7M4R1B0C9D",
            "f_f_01J9ZQ6Y3N8V5T2K7M4R1B0C9D",
        ] {
            assert!(FileId::from_str(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_contacts_largest_file_is_kept_in_bytes() {
        for (text, value) in [
            ("max-file=10MiB", "10485760"),
            ("max-file=off", "off"),
            ("max-file=default", "default"),
        ] {
            let setting = Setting::from_str(text).expect("a setting");
            assert_eq!(
                (setting.key.as_str(), setting.value.as_str()),
                ("max-file", value)
            );
        }
        for bad in [
            "max-file=",
            "max-file=10",
            "max-file=10M",
            "route=1MiB",
            "receipts=off",
        ] {
            assert!(Setting::from_str(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_place_lies_on_earth() {
        for bad in [
            "", "1", "91,0", "0,181", "nan,0", "0,inf", "1,2,-3", "1,2,3,4", "a,b",
        ] {
            assert!(Place::from_str(bad).is_err(), "{bad:?}");
        }
        let place = Place::from_str("52.52, 13.405, 10").expect("place");
        assert_eq!(place.to_json()["accuracy_m"], 10.0);
    }

    #[test]
    fn a_moment_may_be_a_date_a_time_or_a_while_ago() {
        let date = Moment::from_str("2026-01-31").expect("date");
        assert_eq!(date.to_json(), "2026-01-31T00:00:00.000Z");
        assert!(Moment::from_str("2026-01-31T10:00:00Z").is_ok());
        assert!(Moment::from_str("2h").expect("ago").0 < jiff::Timestamp::now());
        assert!(Moment::from_str("yesterday").is_err());
    }

    #[test]
    fn a_time_without_a_unit_or_beyond_reason_is_refused() {
        for bad in ["", "30", "-1s", "9999999y", "soon"] {
            assert!(Span::from_str(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Span::from_str("1m 30s").expect("span").millis(), 90_000);
    }

    #[test]
    fn fingerprints_and_safety_numbers_may_be_spaced() {
        assert!(Fingerprint::from_str(&"AB cd ".repeat(16)).is_ok());
        assert!(Fingerprint::from_str(&"ag".repeat(32)).is_err());
        assert!(SafetyNumber::from_str(&"12345 ".repeat(12)).is_ok());
        assert!(SafetyNumber::from_str("12345").is_err());
    }
}

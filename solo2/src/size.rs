//! A number of bytes as people write and read it.
//!
//! Binary units (KiB is 1024 bytes) and decimal ones (kB is 1000) are told
//! apart, as IEC 80000-13 does; "M" alone could be either and is refused.

use std::fmt;
use std::str::FromStr;

/// The binary units, largest first; also those that [`Size`] prints.
const BINARY: [(&str, u64); 4] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
];

/// The decimal units.
const DECIMAL: [(&str, u64); 4] = [
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
];

/// A number of bytes, written `1MiB`, `20GB` or `512B`; at least one.
///
/// It prints as it can be written again: in the largest binary unit that needs
/// no fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Size, &'static str> {
        let wrong =
            "a size is a whole number with B, KiB, MiB, GiB, TiB, kB, MB, GB or TB, such as 1MiB";
        let end = text
            .find(|letter: char| !letter.is_ascii_digit())
            .ok_or(wrong)?;
        let (number, unit) = text.split_at(end);
        let unit = match unit.trim_start_matches(' ') {
            "B" => 1,
            named => {
                BINARY
                    .iter()
                    .chain(&DECIMAL)
                    .find(|(name, _)| *name == named)
                    .ok_or(wrong)?
                    .1
            }
        };
        let bytes = number
            .parse::<u64>()
            .map_err(|_| wrong)?
            .checked_mul(unit)
            .ok_or("a size has less than 16777216 TiB")?;
        if bytes == 0 {
            return Err("a size is at least 1B");
        }
        Ok(Size(bytes))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, unit): &&(&str, u64)| self.0 != 0 && self.0.is_multiple_of(*unit);
        match BINARY.iter().find(fits) {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}B", self.0),
        }
    }
}

/// A number of bytes for reading only: `1.4 MiB`, one digit after the point.
pub(crate) fn about(bytes: u64) -> String {
    match BINARY.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => {
            // Tenths, rounded down: what is not there yet is never told.
            let tenths = u128::from(bytes) * 10 / u128::from(*unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn binary_and_decimal_units_are_told_apart() {
        for (text, bytes) in [
            ("1B", 1),
            ("1KiB", 1024),
            ("1kB", 1000),
            ("1MiB", 1_048_576),
            ("1 MB", 1_000_000),
            ("64GiB", 68_719_476_736),
            ("1TiB", 1_099_511_627_776),
            ("16777215TiB", 16_777_215 * 1_099_511_627_776),
        ] {
            assert_eq!(Size::from_str(text), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn what_could_mean_two_things_or_none_is_refused() {
        for bad in [
            "",
            "1",
            "0",
            "0B",
            "MiB",
            "1M",
            "1mib",
            "1.5GiB",
            "-1MiB",
            "+1MiB",
            "1MiBs",
            "1 000B",
            "off",
            "16777216TiB",
            "99999999999999999999B",
        ] {
            assert!(Size::from_str(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_size_reads_back_as_it_prints(bytes in 1_u64..) {
            prop_assert_eq!(Size(bytes).to_string().parse(), Ok(Size(bytes)));
        }
    }

    #[test]
    fn a_size_prints_in_its_largest_whole_unit() {
        assert_eq!(Size(1 << 30).to_string(), "1GiB");
        assert_eq!(Size(1536 << 20).to_string(), "1536MiB");
        assert_eq!(Size(1001).to_string(), "1001B");
    }

    #[test]
    fn a_size_for_reading_never_tells_more_than_there_is() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1023.9 KiB"),
            (1_048_576, "1.0 MiB"),
            (10 << 40, "10.0 TiB"),
        ] {
            assert_eq!(about(bytes), text);
        }
        assert!(about(u64::MAX).ends_with(" TiB"));
    }
}

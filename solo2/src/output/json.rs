//! JSON Lines: one object, one line, nothing in it that a terminal obeys.
//!
//! Values arrive unchanged at whoever parses them; in transit every control,
//! bidirectional and invisible character is a `\u` escape.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::Formatter;

use super::sanitize;

/// One line of JSON, without its line end.
pub(crate) fn line(value: &Value) -> Vec<u8> {
    let mut line = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut line, Careful);
    // Writing a `Value` to memory has no way to fail.
    let written = value.serialize(&mut serializer);
    debug_assert!(written.is_ok());
    line
}

/// Escapes what serde_json lets through: DEL, C1, and all that is invisible.
struct Careful;

impl Formatter for Careful {
    fn write_string_fragment<W>(&mut self, to: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some((at, letter)) = rest.char_indices().find(|(_, letter)| dangerous(*letter)) {
            let (before, after) = rest.split_at(at);
            to.write_all(before.as_bytes())?;
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                write!(to, "\\u{unit:04x}")?;
            }
            rest = after.get(letter.len_utf8()..).unwrap_or_default();
        }
        to.write_all(rest.as_bytes())
    }
}

fn dangerous(letter: char) -> bool {
    !letter.is_ascii()
        && (matches!(letter, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}')
            || sanitize::invisible(letter))
        || letter == '\u{7f}'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn a_reader_gets_the_very_text_and_a_terminal_none_of_its_controls(text in any::<String>()) {
            let value = json!({"v": 1, "type": "message", "text": text});
            let line = line(&value);
            let back: Value = serde_json::from_slice(&line).expect("parse");
            prop_assert_eq!(&back, &value);
            let shown = String::from_utf8(line).expect("utf-8");
            let harmless = shown.chars().all(|c| c >= ' ' && !dangerous(c));
            prop_assert!(harmless);
        }
    }

    #[test]
    fn controls_and_tags_beyond_the_first_plane_are_escaped() {
        let line =
            String::from_utf8(line(&json!("\u{9b}\u{7f}\u{202e}\u{e0041}ä"))).expect("utf-8");
        assert_eq!(line, "\"\\u009b\\u007f\\u202e\\udb40\\udc41ä\"");
    }

    #[test]
    fn version_and_type_stay_in_front() {
        let line = String::from_utf8(line(&json!({"v": 1, "type": "x", "a": 0}))).expect("utf-8");
        assert_eq!(line, r#"{"v":1,"type":"x","a":0}"#);
    }
}

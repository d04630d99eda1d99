//! Names that somebody else chose, made fit for our disk.
//!
//! A peer names a file; the name may be a path, a device of DOS, an option of
//! `rm`, a dotfile of the shell, or text that reads backwards. [`safe_name`] makes
//! a plain name of anything, [`safe_component`] judges one part of a path inside a
//! received directory. Whether the name is free is `target`'s business.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use crate::output::sanitize::invisible;

/// Longest name of a file, in bytes: Linux's `NAME_MAX`.
pub(crate) const NAME_MAX: usize = 255;

/// Longest extension, with its dot, that a cut leaves alone; longer ones are part of the name.
const EXTENSION_MAX: usize = 32;

/// A name for a file, of any text: never empty, never a path, never hidden, the
/// same when made safe again.
///
/// The last part of a path in NFC. Controls, invisible and bidirectional
/// characters and ``:*?"<>|`` become `_`, so do a leading `.` or `-`; white space at
/// both ends and dots at the end go; a device name of DOS gets a `_` in front;
/// what is longer than 255 bytes loses the end of its stem, not its extension.
pub(crate) fn safe_name(raw: &str) -> String {
    let last = raw
        .rsplit(['/', '\\'])
        .find(|part| !part.is_empty())
        .unwrap_or_default();
    let clean: String = last.nfc().map(harmless).collect();
    let mut name = trimmed(clean.trim_start()).to_owned();
    if name.starts_with(['.', '-']) {
        name.replace_range(..1, "_");
        name.truncate(trimmed(&name).len());
    }
    if is_device(&name) {
        name.insert(0, '_');
    }
    if name.len() > NAME_MAX {
        let (stem, extension) = split(&name);
        let stem = trimmed(cut(stem, NAME_MAX - extension.len()));
        name = format!("{stem}{extension}");
    }
    if name.is_empty() {
        name.push_str("file");
    }
    name
}

/// One part of a path inside a received directory, or `None` for one that no
/// honest directory has: empty, `.`, `..`, with a `/` or NUL, over 255 bytes.
///
/// Inside a directory names mean something to each other, so they stay as they
/// are (dotfiles, spaces, either normal form) but for controls and bidirectional
/// characters, which become `_`.
pub(crate) fn safe_component(raw: &str) -> Option<Cow<'_, str>> {
    if matches!(raw, "" | "." | "..") || raw.len() > NAME_MAX || raw.contains(['/', '\0']) {
        return None;
    }
    if !raw.contains(deceives) {
        return Some(Cow::Borrowed(raw));
    }
    Some(Cow::Owned(raw.replace(deceives, "_")))
}

/// The `number`th name in a row of equals, at most 255 bytes: `a.txt` gives
/// `a (2).txt`; a directory's name has no extension.
pub(crate) fn numbered(name: &str, number: u32, directory: bool) -> String {
    let (stem, extension) = if directory { (name, "") } else { split(name) };
    let mark = format!(" ({number})");
    let stem = cut(stem, NAME_MAX - extension.len() - mark.len());
    format!("{stem}{mark}{extension}")
}

/// What a plain name shows for `letter`.
fn harmless(letter: char) -> char {
    if deceives(letter) || invisible(letter) || ":*?\"<>|".contains(letter) {
        '_'
    } else {
        letter
    }
}

/// Controls, line ends, and what turns the direction of writing.
fn deceives(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{061c}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// Windows cannot end a name in a dot or a space, people cannot see a space there.
fn trimmed(name: &str) -> &str {
    name.trim_end_matches(|letter: char| letter == '.' || letter.is_whitespace())
}

/// Whether DOS, and Windows after it, has a device of this name, with any extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end().to_ascii_uppercase();
    if matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) {
        return true;
    }
    let port = stem
        .strip_prefix("COM")
        .or_else(|| stem.strip_prefix("LPT"));
    let mut digits = port.unwrap_or_default().chars();
    matches!(
        (digits.next(), digits.next()),
        (Some('0'..='9' | '¹' | '²' | '³'), None)
    )
}

/// Stem and extension, the dot with the latter.
fn split(name: &str) -> (&str, &str) {
    name.rfind('.')
        .filter(|at| *at > 0 && name.len() - at <= EXTENSION_MAX)
        .map_or((name, ""), |at| name.split_at(at))
}

/// The longest start of `text` with at most `max` bytes.
fn cut(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_never_a_path() {
        for (raw, safe) in [
            ("../x", "x"),
            ("/etc/x", "x"),
            ("a/../../b", "b"),
            ("a/..", "file"),
            ("..", "file"),
            ("C:\\", "C_"),
            ("C:\\Windows\\x.dll", "x.dll"),
            ("\\\\host\\share\\x", "x"),
            ("photos/", "photos"),
            ("x:stream", "x_stream"),
        ] {
            assert_eq!(safe_name(raw), safe, "{raw:?}");
        }
    }

    #[test]
    fn a_name_is_never_hidden_an_option_or_empty() {
        for (raw, safe) in [
            (".bashrc", "_bashrc"),
            (" .bashrc", "_bashrc"),
            ("-rf", "_rf"),
            ("--", "_-"),
            ("", "file"),
            ("/", "file"),
            (" . . ", "file"),
            ("...", "file"),
            ("\u{3000}", "file"),
        ] {
            assert_eq!(safe_name(raw), safe, "{raw:?}");
        }
    }

    #[test]
    fn a_name_is_one_line_that_reads_as_it_is() {
        for (raw, safe) in [
            ("a\nb", "a_b"),
            ("a\0b", "a_b"),
            ("\u{1b}[2Jx", "_[2Jx"),
            ("\u{9b}2Jx", "_2Jx"),
            ("invoice\u{202e}fdp.exe", "invoice_fdp.exe"),
            ("a\u{200b}b", "a_b"),
            ("a\u{2028}b", "a_b"),
            ("what?*\"<>|.txt", "what______.txt"),
        ] {
            assert_eq!(safe_name(raw), safe, "{raw:?}");
        }
    }

    #[test]
    fn a_name_means_no_device_and_loses_trailing_dots() {
        for (raw, safe) in [
            ("NUL", "_NUL"),
            ("nul.txt", "_nul.txt"),
            ("con .log", "_con .log"),
            ("Aux", "_Aux"),
            ("COM1.tar.gz", "_COM1.tar.gz"),
            ("lpt³", "_lpt³"),
            ("COM10", "COM10"),
            ("null", "null"),
            ("setup.exe. . ", "setup.exe"),
            ("CON...", "_CON"),
        ] {
            assert_eq!(safe_name(raw), safe, "{raw:?}");
        }
    }

    #[test]
    fn both_normal_forms_give_one_name() {
        assert_eq!(safe_name("re\u{301}sume\u{301}.txt"), "résumé.txt");
        assert_eq!(safe_name("r\u{e9}sum\u{e9}.txt"), "résumé.txt");
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = safe_name(&format!("{}.tar.gz", "x".repeat(300)));
        assert_eq!(name.len(), 255);
        assert!(name.ends_with("xx.gz"), "{name}");
        // Three bytes each, so the cut falls inside a character.
        let name = safe_name(&format!("{}.pdf", "語".repeat(100)));
        assert_eq!(name, format!("{}.pdf", "語".repeat(83)));
        let name = safe_name(&format!("x.{}", "y".repeat(300)));
        assert_eq!(name.len(), 255);
    }

    #[test]
    fn a_component_is_kept_or_refused() {
        for kept in [
            ".bashrc",
            "-rf",
            "a b ",
            "x.",
            "NUL",
            "C:\\",
            "e\u{301}",
            "ab\u{200d}c",
        ] {
            assert_eq!(safe_component(kept).as_deref(), Some(kept));
        }
        for bad in ["", ".", "..", "a/b", "/", "a\0", &"x".repeat(256)] {
            assert_eq!(safe_component(bad), None, "{bad:?}");
        }
        assert_eq!(safe_component("a\nb\u{202e}").as_deref(), Some("a_b_"));
        assert!(safe_component(&"x".repeat(255)).is_some());
    }

    #[test]
    fn numbers_go_before_the_extension_and_fit() {
        assert_eq!(numbered("a.txt", 2, false), "a (2).txt");
        assert_eq!(numbered("a", 3, false), "a (3)");
        assert_eq!(numbered("v1.2", 2, true), "v1.2 (2)");
        let long = format!("{}.txt", "ä".repeat(125));
        let name = numbered(&long, 10_000, false);
        assert!(
            name.len() <= NAME_MAX && name.ends_with("ä (10000).txt"),
            "{name}"
        );
    }

    proptest! {
        #[test]
        fn any_text_makes_a_name_that_is_safe_and_stays_so(
            raw in prop_oneof![
                any::<String>(),
                "[./\\\\ a-cCON:\u{0}\n\u{301}\u{202e}-]{0,12}",
                "[.é語 x]{200,300}",
            ]
        ) {
            let name = safe_name(&raw);
            prop_assert!(!name.is_empty() && name.len() <= NAME_MAX);
            prop_assert!(!name.contains(['/', '\\', '\0', '\n', ':']));
            prop_assert!(!name.starts_with(['.', '-', ' ']) && !name.ends_with(['.', ' ']));
            prop_assert!(safe_component(&name).is_some_and(|part| part == name));
            prop_assert_eq!(safe_name(&name), name);
        }
    }
}

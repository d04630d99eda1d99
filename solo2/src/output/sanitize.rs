//! What of a peer's text a terminal may see.
//!
//! Escape sequences move cursors, set titles, write clipboards; bidirectional
//! controls and zero-width characters make one name look like another. So
//! controls become U+FFFD, invisible formatting is taken out, and a name stays
//! on one line. What remains is ordinary text in any script.
//! JSON has its own escaping (`json`).
//! Spec: docs/threat-model.md §5.

use std::fmt;

/// The longest name shown, in characters.
const LONGEST_LINE: usize = 200;

/// Text that somebody else chose. It has no `Display`: only [`Untrusted::line`]
/// and [`Untrusted::body`] make something printable of it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Untrusted(String);

impl Untrusted {
    /// Marks a text as somebody else's.
    pub(crate) fn new(text: impl Into<String>) -> Untrusted {
        Untrusted(text.into())
    }

    /// For a name or a title: one line, of bounded length.
    pub(crate) fn line(&self) -> String {
        line(&self.0)
    }

    /// For a text: line ends and tabs stay.
    pub(crate) fn body(&self) -> String {
        body(&self.0)
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untrusted({} bytes)", self.0.len())
    }
}

/// One line: line ends and tabs become spaces, and what is too long is cut.
pub(crate) fn line(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(LONGEST_LINE * 4));
    for (count, letter) in text.chars().filter_map(visible).enumerate() {
        if count == LONGEST_LINE {
            clean.pop();
            clean.push('…');
            break;
        }
        clean.push(if matches!(letter, '\n' | '\t') {
            ' '
        } else {
            letter
        });
    }
    clean
}

/// Several lines: line ends and tabs stay, CR LF becomes LF.
pub(crate) fn body(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .filter_map(visible)
        .collect()
}

/// The character to show, or none for one that has no business in a terminal.
fn visible(letter: char) -> Option<char> {
    match letter {
        '\n' | '\t' => Some(letter),
        // C0, DEL, C1; the separators that some terminals treat as line ends.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => Some('\u{fffd}'),
        _ if invisible(letter) => None,
        _ => Some(letter),
    }
}

/// Characters that change how others look, or that look like nothing.
pub(crate) fn invisible(letter: char) -> bool {
    matches!(letter,
        '\u{00ad}'                      // soft hyphen
        | '\u{034f}'                    // combining grapheme joiner
        | '\u{061c}'                    // Arabic letter mark
        | '\u{115f}'..='\u{1160}'       // Hangul fillers
        | '\u{17b4}'..='\u{17b5}'       // Khmer inherent vowels
        | '\u{180b}'..='\u{180f}'       // Mongolian selectors and separator
        | '\u{200b}'..='\u{200f}'       // zero width, LRM, RLM
        | '\u{202a}'..='\u{202e}'       // bidirectional embeddings and overrides
        | '\u{2060}'..='\u{206f}'       // word joiner, isolates, deprecated controls
        | '\u{3164}'                    // Hangul filler
        | '\u{feff}'                    // byte order mark
        | '\u{ffa0}'                    // half-width Hangul filler
        | '\u{fff0}'..='\u{fffb}'       // specials: interlinear annotation
        | '\u{1bca0}'..='\u{1bca3}'     // shorthand format controls
        | '\u{1d173}'..='\u{1d17a}'     // musical format controls
        | '\u{e0000}'..='\u{e0fff}'     // tags and further selectors
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn harmless(text: &str) -> bool {
        text.chars().all(|letter| {
            (letter >= ' ' || letter == '\n' || letter == '\t')
                && !('\u{7f}'..='\u{9f}').contains(&letter)
                && !('\u{202a}'..='\u{202e}').contains(&letter)
                && !('\u{2066}'..='\u{2069}').contains(&letter)
                && !('\u{200b}'..='\u{200f}').contains(&letter)
        })
    }

    proptest! {
        #[test]
        fn nothing_that_a_terminal_obeys_comes_through(text in any::<String>()) {
            prop_assert!(harmless(&body(&text)));
            let name = line(&text);
            prop_assert!(harmless(&name));
            prop_assert!(!name.contains(['\n', '\t']));
            prop_assert!(name.chars().count() <= LONGEST_LINE);
        }

        #[test]
        fn bytes_that_are_hostile_on_purpose_do_not_come_through(
            picks in prop::collection::vec(prop::sample::select(HOSTILE.to_vec()), 0..40)
        ) {
            let text: String = picks.concat();
            prop_assert!(harmless(&body(&text)));
            prop_assert!(harmless(&line(&text)));
        }

        #[test]
        fn cleaning_twice_is_cleaning_once(text in any::<String>()) {
            let once = body(&text);
            prop_assert_eq!(body(&once), once.clone());
            let once = line(&text);
            prop_assert_eq!(line(&once), once.clone());
        }
    }

    const HOSTILE: &[&str] = &[
        "\u{1b}[2J",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]52;c;aGk=\u{1b}\\",
        "\u{1b}]8;;http://x\u{1b}\\",
        "\u{1b}P",
        "\u{1b}_",
        "\u{9b}31m",
        "\u{9d}",
        "\u{7f}",
        "\u{8}",
        "\r",
        "\r\n",
        "\n",
        "\t",
        "\0",
        "\u{202e}",
        "\u{2066}",
        "\u{2069}",
        "\u{200b}",
        "\u{200d}",
        "\u{feff}",
        "\u{e0041}",
        "a",
        "é",
        "🧅",
    ];

    #[test]
    fn ordinary_text_of_any_script_is_untouched() {
        for text in [
            "hi",
            "Grüße\n\tan alle",
            "שלום עולם",
            "مرحبا",
            "こんにちは 🧅",
            "a\u{301}",
            "❤\u{fe0f}",
        ] {
            assert_eq!(body(text), text);
        }
    }

    #[test]
    fn an_escape_sequence_is_left_harmless_and_visible() {
        assert_eq!(body("\u{1b}[31mred"), "\u{fffd}[31mred");
        assert_eq!(line("a\nb\tc"), "a b c");
        assert_eq!(body("a\r\nb"), "a\nb");
    }

    #[test]
    fn a_megabyte_of_name_is_cut() {
        let name = line(&"x".repeat(1_000_000));
        assert_eq!(name.chars().count(), LONGEST_LINE);
        assert!(name.ends_with('…'));
    }
}

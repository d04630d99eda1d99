//! Text on its way to a person: sanitised pieces, each with its ink.
//!
//! Colour is added after the sanitiser, so no text can bring its own.

use super::sanitize::{self, Untrusted};

/// How a piece looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
}

impl Ink {
    fn code(self) -> Option<&'static str> {
        match self {
            Ink::Plain => None,
            Ink::Bold => Some("\u{1b}[1m"),
            Ink::Dim => Some("\u{1b}[2m"),
            Ink::Red => Some("\u{1b}[31m"),
            Ink::Green => Some("\u{1b}[32m"),
            Ink::Yellow => Some("\u{1b}[33m"),
        }
    }
}

/// Pieces of text; every one of them went through the sanitiser.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(Vec<(Ink, String)>);

impl Text {
    /// No text yet.
    pub(crate) fn new() -> Text {
        Text::default()
    }

    /// Our own words.
    pub(crate) fn plain(self, words: &'static str) -> Text {
        self.push(Ink::Plain, words.to_owned())
    }

    /// Any text, on one line.
    pub(crate) fn line(self, text: &str) -> Text {
        self.push(Ink::Plain, sanitize::line(text))
    }

    /// Any text, with its line ends.
    pub(crate) fn body(self, text: &str) -> Text {
        self.push(Ink::Plain, sanitize::body(text))
    }

    /// Somebody else's name or word, on one line.
    pub(crate) fn untrusted(self, text: &Untrusted) -> Text {
        self.push(Ink::Plain, text.line())
    }

    /// Somebody else's text with its line ends, each line after the first
    /// moved in, so that no line of it can pass for one of ours.
    pub(crate) fn untrusted_body(self, text: &Untrusted) -> Text {
        let clean = text.body();
        let clean = clean.strip_suffix('\n').unwrap_or(&clean);
        self.push(Ink::Plain, clean.replace('\n', "\n    "))
    }

    /// One line, bold.
    pub(crate) fn bold(self, text: &str) -> Text {
        self.push(Ink::Bold, sanitize::line(text))
    }

    /// One line, faint.
    pub(crate) fn dim(self, text: &str) -> Text {
        self.push(Ink::Dim, sanitize::line(text))
    }

    /// One line, for what is wrong.
    pub(crate) fn red(self, text: &str) -> Text {
        self.push(Ink::Red, sanitize::line(text))
    }

    /// One line, for what is well.
    pub(crate) fn green(self, text: &str) -> Text {
        self.push(Ink::Green, sanitize::line(text))
    }

    /// One line, for what wants attention.
    pub(crate) fn yellow(self, text: &str) -> Text {
        self.push(Ink::Yellow, sanitize::line(text))
    }

    /// The whole, with or without colour.
    pub(crate) fn render(&self, color: bool) -> String {
        let mut whole = String::new();
        for (ink, piece) in &self.0 {
            match ink.code().filter(|_| color) {
                Some(code) => {
                    whole.push_str(code);
                    whole.push_str(piece);
                    whole.push_str("\u{1b}[0m");
                }
                None => whole.push_str(piece),
            }
        }
        whole
    }

    fn push(mut self, ink: Ink, piece: String) -> Text {
        if !piece.is_empty() {
            self.0.push((ink, piece));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_line_of_a_message_never_starts_at_the_margin() {
        let body = Untrusted::new("hi\nbob: lend me 100\n");
        let text = Text::new().line("alice").plain(": ").untrusted_body(&body);
        assert_eq!(text.render(false), "alice: hi\n    bob: lend me 100");
    }

    #[test]
    fn text_cannot_bring_its_own_colour() {
        let text = Text::new().bold("\u{1b}[31mx").render(true);
        assert_eq!(text, "\u{1b}[1m\u{fffd}[31mx\u{1b}[0m");
    }
}

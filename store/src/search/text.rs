//! Text as a search sees it: folded, and cut into units.
//!
//! ```text
//! "Ça coûte 5, L'ÉTÉ à 東京都!"  ──►  ca  coute  5  l  ete  a  東·京·都
//! ```
//! *Folded*: NFKC (UAX #15), full case folding (Unicode Standard §3.13), every kind of i made
//! one (dotted and dotless, for Turkish), the marks of Latin, Greek and Cyrillic dropped. Marks
//! of other scripts are vowels, so they stay.
//!
//! *Cut*: at the word boundaries of UAX #29, then at whatever is neither letter, digit nor mark;
//! so a URL, an address or a file name is the row of its parts. Scripts that write no spaces give
//! one unit per character. A unit is *glued* when nothing stands between it and the one before.

mod common;

use common::Common;
use icu_casemap::CaseMapper;
use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, Script};
use std::borrow::Cow;
use std::ops::Range;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation as _;

/// A text, cut.
#[derive(Default)]
pub(crate) struct Units {
    folded: String,
    marks: Vec<Mark>,
}

struct Mark {
    start: u32,
    end: u32,
    at: u32,
    to: u32,
    gram: bool,
    glued: bool,
}

/// One unit of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit<'a> {
    /// Folded.
    pub(crate) text: &'a str,
    /// One character of a script that writes no spaces, or a symbol.
    pub(crate) gram: bool,
    /// Nothing stands between this and the unit before.
    pub(crate) glued: bool,
}

impl Units {
    /// Cuts `text`, which is shorter than 4 GiB.
    pub(crate) fn of(text: &str) -> Self {
        let mut units = Self::default();
        if text.is_ascii() {
            units.cut_ascii(text);
        } else if !units.cut_common(text) {
            units = Self::default();
            units.cut(text);
        }
        units
    }

    pub(crate) fn len(&self) -> usize {
        self.marks.len()
    }

    pub(crate) fn get(&self, at: usize) -> Option<Unit<'_>> {
        self.marks.get(at).map(|mark| self.unit(mark))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Unit<'_>> {
        self.marks.iter().map(|mark| self.unit(mark))
    }

    /// Where the units from `first` to `last` come from, in bytes of the text.
    pub(crate) fn place(&self, first: usize, last: usize) -> Range<usize> {
        let at = self.marks.get(first).map_or(0, |mark| mark.at as usize);
        let to = self.marks.get(last).map_or(at, |mark| mark.to as usize);
        at..to
    }

    fn unit(&self, mark: &Mark) -> Unit<'_> {
        let range = mark.start as usize..mark.end as usize;
        Unit {
            text: self.folded.get(range).unwrap_or_default(),
            gram: mark.gram,
            glued: mark.glued,
        }
    }

    /// What [`Units::cut`] does, for most texts much faster.
    fn cut_ascii(&mut self, text: &str) {
        self.folded = text.to_ascii_lowercase();
        let mut from = None;
        let ends = std::iter::once((text.len(), b' '));
        for (at, byte) in text.bytes().enumerate().chain(ends) {
            match (byte.is_ascii_alphanumeric(), from) {
                (true, None) => from = Some(at),
                (false, Some(start)) => {
                    let (start, end) = (start as u32, at as u32);
                    self.marks.push(Mark {
                        start,
                        end,
                        at: start,
                        to: end,
                        gram: false,
                        glued: false,
                    });
                    from = None;
                }
                _ => {}
            }
        }
    }

    /// The same for characters of which each folds by itself; `false` when there are others.
    fn cut_common(&mut self, text: &str) -> bool {
        self.folded.reserve(text.len());
        let mut from = None;
        let ends = std::iter::once((text.len(), ' '));
        for (at, c) in text.char_indices().chain(ends) {
            let folded = match c {
                'a'..='z' | '0'..='9' => Common::Letter([c, '\0']),
                'A'..='Z' => Common::Letter([c.to_ascii_lowercase(), '\0']),
                '\0'..='\x7f' => Common::Separator,
                _ => common::of(c),
            };
            match (folded, from) {
                (Common::Letter([first, second]), _) => {
                    from.get_or_insert((at, self.folded.len()));
                    self.folded.push(first);
                    if second != '\0' {
                        self.folded.push(second);
                    }
                }
                (Common::Separator, Some((begun, start))) => {
                    self.marks.push(Mark {
                        start: start as u32,
                        end: self.folded.len() as u32,
                        at: begun as u32,
                        to: at as u32,
                        gram: false,
                        glued: false,
                    });
                    from = None;
                }
                (Common::Separator, None) => {}
                (Common::Rare, _) => return false,
            }
        }
        true
    }

    fn cut(&mut self, text: &str) {
        let mapper = CaseMapper::new();
        let scripts = CodePointMapData::<Script>::new();
        let categories = CodePointMapData::<GeneralCategory>::new();
        // Whether the last character seen ended a unit without anything after it.
        let mut adjacent = false;
        for (at, piece) in text.split_word_bound_indices() {
            let span = (at as u32, (at + piece.len()) as u32);
            let mut open: Option<usize> = None;
            let folded = if piece.is_ascii() {
                Cow::Borrowed(piece)
            } else {
                Cow::Owned(fold(&mapper, piece))
            };
            for c in folded.chars() {
                let c = c.to_ascii_lowercase();
                let class = match c {
                    'a'..='z' | '0'..='9' => Class::Word,
                    '\0'..='\x7f' => Class::Other,
                    _ => Class::of(c, scripts.get(c), categories.get(c)),
                };
                let start = self.folded.len() as u32;
                match class {
                    Class::Word => {
                        self.folded.push(c);
                        match open.and_then(|open| self.marks.get_mut(open)) {
                            Some(mark) => mark.end = self.folded.len() as u32,
                            None => {
                                open = Some(self.marks.len());
                                self.push(start, span, false, adjacent);
                            }
                        }
                        adjacent = true;
                    }
                    Class::Gram => {
                        self.folded.push(c);
                        self.push(start, span, true, adjacent);
                        (open, adjacent) = (None, true);
                    }
                    // A mark belongs to what it stands on, and is nothing alone.
                    Class::Mark => {
                        if adjacent {
                            self.folded.push(c);
                            let end = self.folded.len() as u32;
                            if let Some(mark) = self.marks.last_mut() {
                                mark.end = end;
                            }
                        }
                    }
                    Class::Other => (open, adjacent) = (None, false),
                }
            }
        }
    }

    fn push(&mut self, start: u32, (at, to): (u32, u32), gram: bool, glued: bool) {
        self.marks.push(Mark {
            start,
            end: self.folded.len() as u32,
            at,
            to,
            gram,
            glued,
        });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Gram,
    Mark,
    Other,
}

impl Class {
    fn of(c: char, script: Script, category: GeneralCategory) -> Self {
        use GeneralCategory as G;
        match category {
            G::NonspacingMark | G::SpacingMark | G::EnclosingMark => Self::Mark,
            G::OtherSymbol => Self::Gram,
            _ if c.is_alphanumeric() => match script {
                Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Thai
                | Script::Lao
                | Script::Khmer
                | Script::Myanmar => Self::Gram,
                // The long-vowel mark of kana is common to two scripts.
                _ if c == '\u{30fc}' => Self::Gram,
                _ => Self::Word,
            },
            _ => Self::Other,
        }
    }
}

/// Folds one piece of a text.
fn fold(mapper: &icu_casemap::CaseMapperBorrowed<'_>, piece: &str) -> String {
    let compatible: String = piece.nfkc().collect();
    let cased = mapper.fold_string(&compatible);
    let mut bare = String::with_capacity(cased.len());
    let mut drops = false;
    for c in cased.nfd() {
        // Soft hyphens, and whether a symbol is to be drawn in colour.
        if matches!(c, '\u{ad}' | '\u{fe0e}' | '\u{fe0f}') {
            continue;
        }
        if is_combining_mark(c) {
            if !drops {
                bare.push(c);
            }
            continue;
        }
        drops = is_european(c);
        // The dotless one; its dotted capital has come apart into i and a dot.
        bare.push(if c == '\u{131}' { 'i' } else { c });
    }
    bare.nfkc().collect()
}

/// Latin, Greek and Cyrillic letters, whose marks a reader does without.
fn is_european(c: char) -> bool {
    matches!(u32::from(c), 0x41..=0x24f | 0x250..=0x2af | 0x370..=0x3ff | 0x400..=0x52f | 0x1c80..=0x1c8f | 0x1d00..=0x1dbf | 0x1e00..=0x1fff | 0x2c60..=0x2c7f | 0xa640..=0xa69f | 0xa720..=0xa7ff | 0xab30..=0xab6f)
}

/// Telephone numbers as digits alone: 7 to 15 of them (ITU-T E.164), in whatever groups.
pub(crate) fn phones(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut digits = String::new();
    let mut groups = 0;
    let mut last = ' ';
    for c in text.chars().chain(std::iter::once('\n')) {
        match c {
            '0'..='9' => {
                groups += usize::from(!last.is_ascii_digit());
                digits.push(c);
            }
            ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' if !(c == last && c != ' ') => {}
            '+' if digits.is_empty() => {}
            _ => {
                if groups > 1 {
                    found.extend(phone(&digits));
                }
                digits.clear();
                groups = 0;
            }
        }
        last = c;
    }
    found
}

/// The number that these digits dial, without the prefix that leads abroad.
pub(crate) fn phone(digits: &str) -> Option<String> {
    let digits = digits.strip_prefix("00").unwrap_or(digits);
    (7..=15).contains(&digits.len()).then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        Units::of(text)
            .iter()
            .map(|unit| unit.text.to_owned())
            .collect()
    }

    #[test]
    fn words_are_folded_over_case_marks_and_width() {
        for (text, units) in [
            ("Straße STRASSE", vec!["strasse", "strasse"]),
            ("İstanbul ISTANBUL ıstanbul istanbul", vec!["istanbul"; 4]),
            ("Ça coûte", vec!["ca", "coute"]),
            ("ΌΔΟΣ όδος", vec!["οδοσ", "οδοσ"]),
            ("Ёлка йод", vec!["елка", "иод"]),
            ("ﬁn Ｆｕｌｌ", vec!["fin", "full"]),
            ("e\u{301}te\u{301} \u{e9}t\u{e9}", vec!["ete", "ete"]),
            ("don't l'été", vec!["don", "t", "l", "ete"]),
            ("snake_case a.b-c", vec!["snake", "case", "a", "b", "c"]),
        ] {
            assert_eq!(cut(text), units, "{text}");
        }
    }

    #[test]
    fn marks_that_are_vowels_stay() {
        assert_ne!(cut("कि"), cut("की"));
        assert_ne!(cut("กา"), cut("กำ"));
        assert_eq!(cut("हिन्दी").len(), 1);
    }

    #[test]
    fn scripts_without_spaces_give_one_unit_per_character() {
        let units = Units::of("東京タワーへ iPhone15を");
        let all: Vec<_> = units
            .iter()
            .map(|unit| (unit.text, unit.gram, unit.glued))
            .collect();
        assert_eq!(
            all,
            [
                ("東", true, false),
                ("京", true, true),
                ("タ", true, true),
                ("ワ", true, true),
                ("ー", true, true),
                ("へ", true, true),
                ("iphone15", false, false),
                ("を", true, true),
            ]
        );
        assert_eq!(cut("👍 ok"), ["👍", "ok"]);
    }

    #[test]
    fn units_know_where_they_come_from() {
        let text = "Über die Straße";
        let units = Units::of(text);
        assert_eq!(&text[units.place(0, 0)], "Über");
        assert_eq!(&text[units.place(1, 2)], "die Straße");
    }

    #[test]
    fn telephone_numbers_are_digits_in_any_groups() {
        assert_eq!(
            phones("call +49 171 234-5678 or (030) 12 34 56"),
            ["491712345678", "030123456"]
        );
        assert!(phones("at 10:30 in 2026").is_empty());
        assert_eq!(phone("0049171234567").as_deref(), Some("49171234567"));
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_for_ascii_cuts_like_the_long_one(text in "[ -~\\n]{0,80}") {
            let (mut fast, mut slow) = (Units::default(), Units::default());
            fast.cut_ascii(&text);
            slow.cut(&text);
            let all = |units: &Units| units.iter().map(|unit| (unit.text.to_owned(), unit.gram, unit.glued)).collect::<Vec<_>>();
            proptest::prop_assert_eq!(all(&fast), all(&slow));
        }

        #[test]
        fn the_short_way_for_common_letters_cuts_like_the_long_one(
            text in "([ -~\\n]|[\\u{a0}-\\u{17f}]|[\\u{370}-\\u{45f}]|[\\u{2010}-\\u{2027}€]){0,80}",
        ) {
            let (mut fast, mut slow) = (Units::default(), Units::default());
            proptest::prop_assume!(fast.cut_common(&text));
            slow.cut(&text);
            let all = |units: &Units| units.iter().map(|unit| (unit.text.to_owned(), unit.gram, unit.glued)).collect::<Vec<_>>();
            proptest::prop_assert_eq!(all(&fast), all(&slow), "{}", text);
        }

        #[test]
        fn any_text_can_be_cut(text: String) {
            let units = Units::of(&text);
            for at in 0..units.len() {
                proptest::prop_assert!(text.get(units.place(at, at)).is_some());
                proptest::prop_assert!(!units.get(at).unwrap().text.is_empty());
            }
        }
    }
}

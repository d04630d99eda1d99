//! Characters of common texts that fold by themselves, whatever stands beside them: letters of
//! Latin, Greek and Cyrillic with their marks in one, quotation marks, dashes.
//!
//! What each is says the long way itself, once: the short one only remembers it.

use std::ops::RangeInclusive;
use std::sync::OnceLock;

use super::Units;

/// What a character is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Common {
    /// Part of a word; folded, the second is NUL when there is none.
    Letter([char; 2]),
    /// Between words.
    Separator,
    /// Another: only the long way knows.
    Rare,
}

/// Latin-1 and Latin Extended-A, Greek and most of Cyrillic, punctuation, the sign of the euro.
const RANGES: [RangeInclusive<u32>; 4] = [
    0xa0..=0x17f,
    0x370..=0x45f,
    0x2010..=0x2027,
    0x20ac..=0x20ac,
];

/// What a character is that is not ASCII.
pub(super) fn of(c: char) -> Common {
    static KNOWN: OnceLock<[Vec<Common>; RANGES.len()]> = OnceLock::new();
    let known = KNOWN.get_or_init(|| RANGES.map(|range| range.map(learn).collect()));
    let code = u32::from(c);
    let place = RANGES.iter().zip(known).find_map(|(range, known)| {
        let within = range.contains(&code);
        known.get(within.then(|| (code - range.start()) as usize)?)
    });
    place.copied().unwrap_or(Common::Rare)
}

/// Asks the long way.
fn learn(code: u32) -> Common {
    let Some(c) = char::from_u32(code) else {
        return Common::Rare;
    };
    let cut = |text: String| {
        let mut units = Units::default();
        units.cut(&text);
        let found: Vec<_> = units
            .iter()
            .map(|unit| (unit.text.to_owned(), unit.gram || unit.glued))
            .collect();
        found
    };
    let word = |text: &str| (text.to_owned(), false);
    let alone = cut(c.to_string());
    let (inside, beside) = (cut(format!("a{c}b")), cut(format!("1{c}{c}2")));
    match alone.as_slice() {
        [] if inside == [word("a"), word("b")] && beside == [word("1"), word("2")] => {
            Common::Separator
        }
        [(folded, false)] => {
            let mut letters = folded.chars();
            let first = letters.next().unwrap_or_default();
            let second = letters.next().unwrap_or_default();
            let whole = letters.next().is_none()
                && inside == [word(&format!("a{folded}b"))]
                && beside == [word(&format!("1{folded}{folded}2"))];
            match whole {
                true => Common::Letter([first, second]),
                false => Common::Rare,
            }
        }
        _ => Common::Rare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_common_folds_by_itself() {
        assert_eq!(of('ä'), Common::Letter(['a', '\0']));
        assert_eq!(of('ß'), Common::Letter(['s', 's']));
        assert_eq!(of('Ж'), Common::Letter(['ж', '\0']));
        assert_eq!(of('ς'), Common::Letter(['σ', '\0']));
        assert_eq!(of('“'), Common::Separator);
        for rare in ['²', '\u{ad}', '\u{301}', '東', '👍', '™'] {
            assert_eq!(of(rare), Common::Rare, "{rare}");
        }
    }
}

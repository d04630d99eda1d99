//! The 2,048 English words of BIP39: find one, or the one that was meant.
//!
//! Recovery words and invite codes are both read aloud and typed back, so both
//! forgive case, spacing and Unicode forms, and both name the word they cannot read.

use bip39::Language;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// How many characters of an unknown word an error repeats: enough to find it
/// on the page, too few to hold a whole sentence pasted without its spaces.
const SHOWN_CHARS: usize = 16;

/// The form in which words are compared: NFKD, lower case.
pub(crate) fn normalize(text: &str) -> Zeroizing<String> {
    // Room for the whole text at once, so that growing leaves no copies behind.
    let mut normal = String::with_capacity(text.len().saturating_mul(4));
    normal.extend(text.nfkd().flat_map(char::to_lowercase));
    Zeroizing::new(normal)
}

/// Position of a normalized word in the list.
pub(crate) fn index(word: &str) -> Option<u16> {
    Language::English.find_word(word)
}

/// The word at a position below 2,048.
pub(crate) fn word(index: u16) -> &'static str {
    Language::English
        .word_list()
        .get(usize::from(index & 0x7ff))
        .copied()
        .unwrap_or_default()
}

/// What an error may repeat of an unknown word.
pub(crate) fn shown(word: &str) -> String {
    word.chars().take(SHOWN_CHARS).collect()
}

/// The one word of the list that was most likely meant, if there is one.
///
/// The first four letters settle it when they name a single word (BIP39's own
/// promise); otherwise the only word at the smallest edit distance, at most 2.
pub(crate) fn nearest(word: &str) -> Option<&'static str> {
    let list = Language::English.word_list();
    if word.chars().count() > SHOWN_CHARS {
        return None;
    }
    let distances = || list.iter().map(|known| (distance(word, known), *known));
    let smallest = distances().map(|(distance, _)| distance).min()?;
    if smallest <= 2 {
        let mut closest = distances().filter(|(distance, _)| *distance == smallest);
        if let (Some((_, only)), None) = (closest.next(), closest.next()) {
            return Some(only);
        }
    }
    let prefix = word.get(..4)?;
    let mut same = list.iter().filter(|known| known.starts_with(prefix));
    match (same.next(), same.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// Edits (insert, delete, replace, swap neighbours) that turn one word into the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous_char = None;
    for (row, letter) in left.chars().enumerate() {
        let mut current = Vec::with_capacity(right.len() + 1);
        current.push(row + 1);
        let mut previous_other = None;
        for (column, other) in right.iter().enumerate() {
            let at =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 2);
            let replaced = at(&last, column) + usize::from(letter != *other);
            let mut best = replaced
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            if previous_char == Some(*other) && previous_other == Some(letter) && column > 0 {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            current.push(best);
            previous_other = Some(*other);
        }
        previous_char = Some(letter);
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_one_letter_finds_the_word() {
        assert_eq!(nearest("abandn"), Some("abandon"));
        assert_eq!(nearest("zooo"), Some("zoo"));
        assert_eq!(nearest("witdh"), Some("width"));
    }

    #[test]
    fn four_letters_find_the_word() {
        assert_eq!(nearest("abanxyzw"), Some("abandon"));
    }

    #[test]
    fn a_guess_that_could_be_two_words_is_not_made() {
        assert_eq!(distance("cot", "cat"), 1);
        assert_eq!(nearest("xxxxxx"), None);
        assert_eq!(nearest(""), None);
    }

    #[test]
    fn the_list_is_the_published_one() {
        // sha256 of english.txt in the bitcoin/bips repository.
        let mut text = String::new();
        for known in Language::English.word_list() {
            text.push_str(known);
            text.push('\n');
        }
        assert_eq!(
            hex::encode(crate::kdf::sha256(&[text.as_bytes()])),
            "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
        );
        assert_eq!(word(0), "abandon");
        assert_eq!(word(2047), "zoo");
    }
}

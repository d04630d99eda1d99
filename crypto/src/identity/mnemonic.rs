//! 24 words that are the 32 bytes of entropy `E`, and back.
//!
//! BIP39's word list and checksum; the entropy itself is used, never BIP39's
//! PBKDF2 seed. What `E` opens is [`master`](super::master)'s business.
//! Spec: docs/protocol/1-keys.md §1.1.

use bip39::{Language, Mnemonic};
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::Secret;
use crate::words;

/// Words in a mnemonic of 256 bits.
pub const WORDS: usize = 24;

/// Longest text that is worth reading: 24 words of 8 letters, and generous spacing.
const MAX_TEXT: usize = 4096;

/// Why a text is not a mnemonic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MnemonicError {
    /// There are more or fewer words.
    #[error("expected {expected} words, found {found}")]
    WordCount {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A word is not in the list.
    #[error("word {position} ({word:?}) is not in the word list")]
    UnknownWord {
        /// Which one, counted from 1.
        position: usize,
        /// Its first characters, normalized. It is not a word of the list, so not one of the secret's.
        word: String,
        /// The word that was most likely meant, when there is exactly one.
        nearest: Option<&'static str>,
    },
    /// Every word is known, but they do not belong together in this order.
    #[error("the words do not match their checksum: one of them, or their order, is wrong")]
    Checksum,
}

/// `E` as 24 lower-case English words with single spaces between them.
///
/// # Panics
///
/// Never: 32 bytes are one of BIP39's five lengths.
#[must_use]
pub fn to_words(entropy: &Secret<32>) -> Zeroizing<String> {
    let mnemonic = Mnemonic::from_entropy_in(Language::English, entropy.expose())
        .expect("32 bytes are a whole mnemonic");
    // One allocation: a string that grew would leave its beginnings behind.
    let mut text = String::with_capacity(WORDS * 9);
    for word in mnemonic.words() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    Zeroizing::new(text)
}

/// Reads 24 words, forgiving case, spacing and Unicode form, and checks their checksum.
///
/// # Errors
///
/// [`MnemonicError`], naming the first word that cannot be right.
pub fn parse(text: &str) -> Result<Secret<32>, MnemonicError> {
    if text.len() > MAX_TEXT {
        return Err(MnemonicError::WordCount {
            expected: WORDS,
            found: text.split_whitespace().count(),
        });
    }
    read(&words::normalize(text))
}

/// Reads normalized words that stand for `N` bytes: three words for four of them.
pub(crate) fn read<const N: usize>(normal: &str) -> Result<Secret<N>, MnemonicError> {
    let (expected, found) = (N / 4 * 3, normal.split_whitespace().count());
    if found != expected {
        return Err(MnemonicError::WordCount { expected, found });
    }
    for (word, position) in normal.split_whitespace().zip(1..) {
        if words::index(word).is_none() {
            return Err(MnemonicError::UnknownWord {
                position,
                word: words::shown(word),
                nearest: words::nearest(word),
            });
        }
    }
    let mnemonic = Mnemonic::parse_in_normalized(Language::English, normal)
        .map_err(|_| MnemonicError::Checksum)?;
    let (mut bytes, length) = mnemonic.to_entropy_array();
    let entropy = bytes.get(..length).and_then(Secret::from_slice);
    bytes.zeroize();
    entropy.ok_or(MnemonicError::Checksum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ZEROS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon \
        abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
        abandon abandon abandon abandon abandon art";

    fn refused(text: &str) -> MnemonicError {
        parse(text).err().expect("these words are wrong")
    }

    #[test]
    fn case_spacing_and_unicode_form_do_not_matter() {
        let loud = ZEROS.to_uppercase().replace(' ', "\t \u{a0}\r\n");
        let wide = ZEROS.replace("art", "\u{ff41}\u{ff32}\u{ff34}");
        for text in [ZEROS, &format!("  {loud}\n"), &wide] {
            let entropy = parse(text).expect("the same words");
            assert_eq!(entropy.expose(), &[0; 32]);
        }
    }

    #[test]
    fn the_wrong_word_is_named_with_its_place() {
        let text = ZEROS.replacen("abandon abandon abandon", "abandon abandon abandn", 1);
        assert_eq!(
            refused(&text),
            MnemonicError::UnknownWord {
                position: 3,
                word: "abandn".to_owned(),
                nearest: Some("abandon"),
            }
        );
        assert_eq!(
            refused(&text).to_string(),
            "word 3 (\"abandn\") is not in the word list"
        );
    }

    #[test]
    fn a_wrong_count_is_said_first() {
        let text = ZEROS.replacen("abandon abandon", "abandonabandon", 1);
        assert_eq!(
            refused(&text),
            MnemonicError::WordCount {
                expected: WORDS,
                found: 23
            }
        );
        assert_eq!(
            refused(""),
            MnemonicError::WordCount {
                expected: WORDS,
                found: 0
            }
        );
        let flood = "abandon ".repeat(100_000);
        assert_eq!(
            refused(&flood),
            MnemonicError::WordCount {
                expected: WORDS,
                found: 100_000
            }
        );
    }

    #[test]
    fn two_words_exchanged_fail_the_checksum() {
        let text = ZEROS.replace("abandon art", "art abandon");
        assert_eq!(refused(&text), MnemonicError::Checksum);
    }

    #[test]
    fn an_error_never_repeats_a_sentence() {
        let glued = "abandon".repeat(20);
        let text = ZEROS.replacen("abandon", &glued, 1);
        match refused(&text) {
            MnemonicError::UnknownWord { word, nearest, .. } => {
                assert!(word.len() <= 16);
                assert_eq!(nearest, None);
            }
            other => panic!("{other}"),
        }
    }

    proptest! {
        #[test]
        fn words_and_entropy_are_one_thing(bytes: [u8; 32]) {
            let words = to_words(&Secret::new(&bytes));
            let back = parse(&words).expect("our own words");
            prop_assert_eq!(back.expose(), &bytes);
        }

        #[test]
        fn no_text_panics(text in ".{0,300}") {
            let _ = parse(&text);
        }
    }
}

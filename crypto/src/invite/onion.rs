//! An invite without a server: twelve words that lead to an onion service and open it.
//!
//! A spoken code of two words may be short because a server counts the guesses. Here is
//! nobody to count, so the words carry 128 bits: whoever has them can find the service,
//! see that it is there, and prove it; nobody else can do any of these.
//! Spec: docs/protocol/1-keys.md §3.3; BIP39 for words and checksum.

use std::fmt;
use std::str::FromStr;

use bip39::{Language, Mnemonic};
use rand_core::CryptoRng;
use zeroize::Zeroize as _;

use crate::identity::mnemonic::{self, MnemonicError};
use crate::kdf;
use crate::label;
use crate::secret::Secret;
use crate::words;

/// Words of the invite.
pub const ONION_WORDS: usize = 12;
/// Bytes that they carry, beside a checksum of four bits.
const LEN: usize = 16;
/// Longest text that is worth reading as an invite.
const MAX_TEXT: usize = 512;

/// Twelve words. Shown to their owner on purpose; without `Debug`, so that no log shows them too.
pub struct OnionInvite(Secret<LEN>);

impl OnionInvite {
    /// Draws one.
    pub fn generate<R: CryptoRng>(rng: &mut R) -> Self {
        Self(Secret::random(rng))
    }

    /// What both sides pair under, and what the service's keys grow from.
    #[must_use]
    pub fn key(&self) -> Secret<32> {
        kdf::hkdf(&[], self.0.expose(), &[label::ONION_INVITE])
    }
}

impl fmt::Display for OnionInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mnemonic = Mnemonic::from_entropy_in(Language::English, self.0.expose());
        for (place, word) in mnemonic.map_err(|_| fmt::Error)?.words().enumerate() {
            f.write_str(if place == 0 { "" } else { "-" })?;
            f.write_str(word)?;
        }
        Ok(())
    }
}

impl FromStr for OnionInvite {
    type Err = MnemonicError;

    /// Reads twelve words, forgiving case, Unicode form, and any mix of spaces and dashes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_TEXT {
            return Err(MnemonicError::WordCount {
                expected: ONION_WORDS,
                found: text.split_whitespace().count(),
            });
        }
        let mut normal = words::normalize(text);
        // One byte for one byte: the text stays where it is.
        let spaced = normal.replace(['-', '_'], " ");
        normal.zeroize();
        *normal = spaced;
        mnemonic::read(&normal).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BIP39's own test vector of 128 zero bits.
    const ZEROS: &str = "abandon-abandon-abandon-abandon-abandon-abandon-abandon-abandon-abandon-abandon-abandon-about";

    fn refused(text: &str) -> MnemonicError {
        text.parse::<OnionInvite>().err().expect("no invite")
    }

    #[test]
    fn it_is_read_however_it_was_typed() {
        for text in [
            ZEROS.to_owned(),
            ZEROS.replace('-', " "),
            format!("  {}\n", ZEROS.to_uppercase().replace('-', " - ")),
        ] {
            let invite: OnionInvite = text.parse().expect("the same words");
            assert_eq!(invite.0.expose(), &[0; LEN]);
            assert_eq!(invite.to_string(), ZEROS);
        }
    }

    #[test]
    fn what_is_none_is_refused_with_the_reason() {
        let long = "abandon-".repeat(100);
        for (text, found) in [("", 0), ("7-salmon-violin", 3), ("abandon", 1), (&long, 1)] {
            let expected = ONION_WORDS;
            assert_eq!(
                refused(text),
                MnemonicError::WordCount { expected, found },
                "{text}"
            );
        }
        assert_eq!(
            refused(&ZEROS.replace("about", "abandon")),
            MnemonicError::Checksum
        );
        assert_eq!(
            refused(&ZEROS.replace("about", "abuot")),
            MnemonicError::UnknownWord {
                position: 12,
                word: "abuot".into(),
                nearest: Some("about"),
            }
        );
    }

    #[test]
    fn two_invites_share_no_key() {
        let (one, other) = (
            OnionInvite::generate(&mut rand::rng()),
            OnionInvite::generate(&mut rand::rng()),
        );
        assert!(!one.key().same_as(&other.key()));
        let again: OnionInvite = one.to_string().parse().expect("its own words");
        assert!(one.key().same_as(&again.key()));
    }
}

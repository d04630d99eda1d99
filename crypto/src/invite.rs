//! Invites: a spoken code, run through a balanced PAKE, becomes a shared key.
//!
//! ```text
//! Inviter  7-salmon-violin ──(spoken)──► Joiner
//!    start ──── SPAKE2 message A ─────────► start
//!    finish ◄── SPAKE2 message B ────────── finish
//!    confirmation(Inviter) ⇄ confirmation(Joiner)   compared in constant time
//! ```
//!
//! The code has 22 secret bits and a number that only says where to meet. Who
//! listens or interferes gets one guess per run and learns nothing from a wrong
//! one; counting the runs, and burning the code after three, is the caller's.
//! SPAKE2 here is the ed25519 form of the `spake2` crate and of python-spake2,
//! which are interoperable but predate RFC 9382's ciphersuites.
//! Spec: docs/protocol/1-keys.md §3.2; RFC 9382.

mod onion;

use std::fmt;
use std::str::FromStr;

use rand_core::CryptoRng;
use spake2::{Ed25519Group, Identity, Password, Spake2};
use zeroize::Zeroizing;

use crate::kdf;
use crate::label;
use crate::secret::Secret;
use crate::words;

pub use self::onion::{ONION_WORDS, OnionInvite};

/// Bytes of each side's PAKE message: a side and a point.
pub const PAKE_LEN: usize = 33;

const NUMBERS: std::ops::RangeInclusive<u16> = 1..=9999;
/// Longest text that is worth reading as a code.
const MAX_TEXT: usize = 64;

/// A one-time code such as `7-salmon-violin`: where to meet, and 22 bits to prove.
///
/// Shown to its owner on purpose; it has no `Debug`, so that no log shows it too.
pub struct InviteCode {
    number: u16,
    words: [u16; 2],
}

impl InviteCode {
    /// Draws a code: a number from 1 to 9999, two words of 2,048.
    pub fn generate<R: CryptoRng>(rng: &mut R) -> Self {
        let mut draw = || {
            let mut bytes = [0; 2];
            rng.fill_bytes(&mut bytes);
            u16::from_be_bytes(bytes)
        };
        let words = [draw() & 0x7ff, draw() & 0x7ff];
        let number = loop {
            // 14 bits cover the numbers; reject the rest, so that none is likelier.
            let number = draw() & 0x3fff;
            if NUMBERS.contains(&number) {
                break number;
            }
        };
        Self { number, words }
    }

    /// Where the two meet. Not secret.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }
}

impl fmt::Display for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.words.map(words::word);
        write!(f, "{}-{first}-{second}", self.number)
    }
}

impl FromStr for InviteCode {
    type Err = InviteCodeError;

    /// Reads a code, forgiving case, Unicode form, and any mix of spaces and dashes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_TEXT {
            return Err(InviteCodeError::Shape);
        }
        let normal = words::normalize(text);
        let mut parts = normal
            .split(|c: char| c.is_whitespace() || matches!(c, '-' | '_' | '\u{2010}'..='\u{2015}'))
            .filter(|part| !part.is_empty());
        let (Some(number), Some(first), Some(second), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InviteCodeError::Shape);
        };
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InviteCodeError::Shape);
        }
        let number = number
            .parse()
            .ok()
            .filter(|number| NUMBERS.contains(number))
            .ok_or(InviteCodeError::Number)?;
        let read = |word: &str, position| {
            words::index(word).ok_or_else(|| InviteCodeError::UnknownWord {
                position,
                word: words::shown(word),
                nearest: words::nearest(word),
            })
        };
        Ok(Self {
            number,
            words: [read(first, 1)?, read(second, 2)?],
        })
    }
}

/// Why a text is not an invite code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InviteCodeError {
    /// Not a number and two words.
    #[error("an invite code is a number and two words, like 7-salmon-violin")]
    Shape,
    /// The number is not one of the possible ones.
    #[error("the number of an invite code lies between 1 and 9999")]
    Number,
    /// A word is not in the list.
    #[error("word {position} ({word:?}) is not in the word list")]
    UnknownWord {
        /// Which of the two words, counted from 1.
        position: usize,
        /// Its first characters, normalized.
        word: String,
        /// The word that was most likely meant, when there is exactly one.
        nearest: Option<&'static str>,
    },
}

/// Which side of an invite. The PAKE binds it, so that no message can be sent back to its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InviteSide {
    /// Made the code.
    Inviter,
    /// Was told the code.
    Joiner,
}

/// The rendezvous token where the inviter of this number listens. Anybody can compute it.
#[must_use]
pub fn invite_token(number: u16) -> [u8; 32] {
    kdf::sha256(&[label::INVITE_TOKEN, &number.to_be_bytes()])
}

/// A PAKE that waits for the other side's message.
pub struct Pake(Spake2<Ed25519Group>);

/// The other side's message is not one. A wrong code is not an error here: it
/// shows in the confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message of the other side of this invite")]
pub struct PakeError;

impl Pake {
    /// Begins a run: one guess at the code. Send the message that comes with it.
    pub fn start<R: CryptoRng>(
        code: &InviteCode,
        side: InviteSide,
        rng: &mut R,
    ) -> (Self, Vec<u8>) {
        let text = Zeroizing::new(code.to_string());
        let password = Password::new(text.as_bytes());
        let inviter = Identity::new(label::INVITER);
        let joiner = Identity::new(label::JOINER);
        let rng = Bridge(rng);
        let (state, message) = match side {
            InviteSide::Inviter => Spake2::start_a_with_rng(&password, &inviter, &joiner, rng),
            InviteSide::Joiner => Spake2::start_b_with_rng(&password, &inviter, &joiner, rng),
        };
        (Self(state), message)
    }

    /// Ends the run with the other side's message. Both have the same key if both had the same code.
    ///
    /// # Errors
    ///
    /// [`PakeError`] when the message has the wrong shape or comes from our own side.
    pub fn finish(self, message: &[u8]) -> Result<Secret<32>, PakeError> {
        let key = Zeroizing::new(self.0.finish(message).map_err(|_| PakeError)?);
        Ok(kdf::hkdf(&[], &key, &[label::INVITE_KEY]))
    }
}

/// What `side` sends to prove that it holds `key`; compare with [`Secret::same_as`] or `subtle`.
#[must_use]
pub fn confirmation(key: &Secret<32>, side: InviteSide) -> [u8; 32] {
    let side = match side {
        InviteSide::Inviter => b"A",
        InviteSide::Joiner => b"B",
    };
    *kdf::expand(key.expose(), &[label::INVITE_CONFIRM, side]).expose()
}

/// Whether `received` is what `side` sends; in constant time.
#[must_use]
pub fn confirms(key: &Secret<32>, side: InviteSide, received: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(confirmation(key, side).as_slice(), received).into()
}

/// Where `side` listens once both hold `key`: `HKDF-Expand(key, label || side, 32)`.
#[must_use]
pub fn meeting_token(key: &Secret<32>, side: InviteSide) -> [u8; 32] {
    let side = match side {
        InviteSide::Inviter => b"A",
        InviteSide::Joiner => b"B",
    };
    *kdf::expand(key.expose(), &[label::INVITE_MEETING, side]).expose()
}

/// Our generator, as the older trait that `spake2` asks for.
struct Bridge<'a, R>(&'a mut R);

impl<R: CryptoRng> rand_core_06::CryptoRng for Bridge<'_, R> {}

impl<R: CryptoRng> rand_core_06::RngCore for Bridge<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, place: &mut [u8]) {
        self.0.fill_bytes(place);
    }

    fn try_fill_bytes(&mut self, place: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.0.fill_bytes(place);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    fn code(text: &str) -> InviteCode {
        text.parse().expect("a code")
    }

    fn refused(text: &str) -> InviteCodeError {
        text.parse::<InviteCode>().err().expect("no code")
    }

    fn run(inviter: &str, joiner: &str) -> (Secret<32>, Secret<32>) {
        let mut rng = StdRng::seed_from_u64(1);
        let (here, to_joiner) = Pake::start(&code(inviter), InviteSide::Inviter, &mut rng);
        let (there, to_inviter) = Pake::start(&code(joiner), InviteSide::Joiner, &mut rng);
        assert_eq!(to_joiner.len(), PAKE_LEN);
        assert_eq!(to_inviter.len(), PAKE_LEN);
        (
            here.finish(&to_inviter).expect("a message"),
            there.finish(&to_joiner).expect("a message"),
        )
    }

    #[test]
    fn a_code_is_read_however_it_was_typed() {
        for text in [
            "7-salmon-violin",
            "  7 Salmon  VIOLIN\n",
            "07 - salmon - violin",
            "7\u{2013}salmon_violin",
            "\u{ff17}-salmon-violin",
        ] {
            assert_eq!(code(text).to_string(), "7-salmon-violin", "{text}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused_with_the_reason() {
        for text in [
            "",
            "7",
            "7-salmon",
            "7-salmon-violin-zoo",
            "salmon-violin-7",
            "+7-zoo-zoo",
        ] {
            assert_eq!(refused(text), InviteCodeError::Shape, "{text}");
        }
        assert_eq!(refused(&"7-".repeat(100)), InviteCodeError::Shape);
        for text in ["0-zoo-zoo", "10000-zoo-zoo", "99999999999-zoo-zoo"] {
            assert_eq!(refused(text), InviteCodeError::Number, "{text}");
        }
        assert_eq!(
            refused("7-salmon-violni"),
            InviteCodeError::UnknownWord {
                position: 2,
                word: "violni".to_owned(),
                nearest: Some("violin"),
            }
        );
    }

    #[test]
    fn the_same_code_gives_the_same_key_and_confirms_by_side() {
        let (here, there) = run("7-salmon-violin", "7 SALMON VIOLIN");
        assert!(here.same_as(&there));
        for side in [InviteSide::Inviter, InviteSide::Joiner] {
            assert!(confirms(&here, side, &confirmation(&there, side)));
        }
        let ours = confirmation(&here, InviteSide::Inviter);
        assert!(!confirms(&here, InviteSide::Joiner, &ours), "no reflection");
        assert!(!confirms(&here, InviteSide::Inviter, &ours[..31]));
    }

    #[test]
    fn a_wrong_word_or_number_gives_another_key() {
        for wrong in ["7-salmon-violin", "8-salmon-zoo", "7-zoo-salmon"] {
            let (here, there) = run("7-salmon-zoo", wrong);
            let sent = confirmation(&there, InviteSide::Joiner);
            assert!(!confirms(&here, InviteSide::Joiner, &sent), "{wrong}");
        }
    }

    #[test]
    fn a_message_sent_back_to_its_sender_is_refused() {
        let mut rng = StdRng::seed_from_u64(1);
        let code = code("7-salmon-violin");
        for side in [InviteSide::Inviter, InviteSide::Joiner] {
            let (state, own) = Pake::start(&code, side, &mut rng);
            assert_eq!(state.finish(&own).err(), Some(PakeError));
        }
    }

    #[test]
    fn numbers_meet_at_different_places() {
        assert_ne!(invite_token(7), invite_token(8));
    }

    proptest! {
        #[test]
        fn every_code_drawn_reads_back(seed: u64) {
            let drawn = InviteCode::generate(&mut StdRng::seed_from_u64(seed));
            prop_assert!(NUMBERS.contains(&drawn.number()));
            let read = code(&drawn.to_string());
            prop_assert_eq!((read.number, read.words), (drawn.number, drawn.words));
        }

        #[test]
        fn no_text_panics(text in ".{0,80}") {
            let _ = text.parse::<InviteCode>();
        }

        #[test]
        fn no_message_panics(bytes in proptest::collection::vec(any::<u8>(), 0..40), whole: bool) {
            let mut bytes = bytes;
            if whole {
                bytes.resize(PAKE_LEN, 0);
                bytes[0] = b'B';
            }
            let mut rng = StdRng::seed_from_u64(1);
            let (state, _) = Pake::start(&code("7-zoo-zoo"), InviteSide::Inviter, &mut rng);
            let _ = state.finish(&bytes);
        }
    }
}

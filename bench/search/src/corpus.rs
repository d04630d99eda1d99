//! A history that nobody wrote: words by Zipf's law, the rest by plausible dice.
//!
//! The same seed gives the same history. Words are made of syllables, frequent ones short; one
//! message in fifty is a run of Han characters, as frequent as those of a real text.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Words there are.
pub(crate) const WORDS: usize = 200_000;
const HAN: usize = 3000;
/// Contacts there are.
pub(crate) const CONTACTS: u64 = 200;
/// How long it took to write it all, in milliseconds.
pub(crate) const SPAN_MS: u64 = 3 * 365 * 86_400_000;

/// One message.
pub(crate) struct Said {
    pub(crate) contact: u64,
    pub(crate) incoming: bool,
    pub(crate) at_ms: u64,
    pub(crate) text: String,
}

/// Draws messages, oldest first.
pub(crate) struct Corpus {
    rng: StdRng,
    words: Vec<String>,
    word_law: Vec<f64>,
    han_law: Vec<f64>,
    contact_law: Vec<f64>,
    messages: u64,
    next: u64,
}

/// Running sums of `1 / rank`.
fn zipf(ranks: usize) -> Vec<f64> {
    let mut sum = 0.0;
    (1..=ranks)
        .map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        })
        .collect()
}

fn draw(law: &[f64], rng: &mut StdRng) -> usize {
    let whole = law.last().copied().unwrap_or(1.0);
    let dart = rng.random_range(0.0..whole);
    law.partition_point(|sum| *sum <= dart).min(law.len() - 1)
}

fn vocabulary(rng: &mut StdRng) -> Vec<String> {
    const HEADS: [&str; 24] = [
        "b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z",
        "st", "tr", "ch", "br", "pl", "",
    ];
    const VOWELS: [&str; 10] = ["a", "e", "i", "o", "u", "ä", "é", "ei", "ou", "y"];
    const TAILS: [&str; 10] = ["", "", "n", "r", "s", "t", "l", "m", "nd", "ck"];
    let mut known = std::collections::HashSet::new();
    let mut words = Vec::with_capacity(WORDS);
    while words.len() < WORDS {
        let syllables = 1 + (words.len().max(1).ilog10() as usize + rng.random_range(0..2)) / 2;
        let word: String = (0..syllables)
            .flat_map(|_| {
                [
                    HEADS[rng.random_range(0..HEADS.len())],
                    VOWELS[rng.random_range(0..VOWELS.len())],
                    TAILS[rng.random_range(0..TAILS.len())],
                ]
            })
            .collect();
        if known.insert(word.clone()) {
            words.push(word);
        } else if known.len() > 3000 || syllables > 2 {
            // The short ones are used up: a longer one in its place.
            let word = format!("{word}{}", VOWELS[rng.random_range(0..VOWELS.len())]);
            if known.insert(word.clone()) {
                words.push(word);
            }
        }
    }
    words
}

impl Corpus {
    /// A history of `messages` messages.
    pub(crate) fn new(messages: u64, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        Self {
            words: vocabulary(&mut rng),
            rng,
            word_law: zipf(WORDS),
            han_law: zipf(HAN),
            contact_law: zipf(CONTACTS as usize),
            messages,
            next: 0,
        }
    }

    /// The word of a rank, from 0.
    pub(crate) fn word(&self, rank: usize) -> &str {
        &self.words[rank]
    }

    /// A run of Han characters as a text would have it.
    pub(crate) fn han(rng: &mut StdRng, law: &[f64], len: usize) -> String {
        (0..len)
            .filter_map(|_| char::from_u32(0x4e00 + 7 * draw(law, rng) as u32))
            .collect()
    }

    /// The law of Han characters.
    pub(crate) fn han_law(&self) -> &[f64] {
        &self.han_law
    }
}

impl Iterator for Corpus {
    type Item = Said;

    fn next(&mut self) -> Option<Said> {
        if self.next >= self.messages {
            return None;
        }
        let at_ms = SPAN_MS / self.messages * self.next + 1_700_000_000_000;
        self.next += 1;
        let rng = &mut self.rng;
        let text = if self.next % 50 == 0 {
            let len = rng.random_range(10..60);
            Self::han(rng, &self.han_law, len)
        } else {
            let len = rng.random_range(16..48);
            let mut text = String::with_capacity(280);
            for at in 0..len {
                if at > 0 {
                    text.push_str(if rng.random_bool(0.1) { ", " } else { " " });
                }
                text.push_str(&self.words[draw(&self.word_law, rng)]);
            }
            text
        };
        Some(Said {
            contact: draw(&self.contact_law, rng) as u64,
            incoming: rng.random(),
            at_ms,
            text,
        })
    }
}

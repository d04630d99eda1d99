//! Words as the index keeps them: HMACs, in groups of words that begin alike.
//!
//! ```text
//! token(word) = T2 2 || T3 2 || T4 2 || T6 2 || word 2
//!   Tn   = HMAC(token branch, "p" || n u8 || first n characters)[0..2]   0 when the word is shorter
//!   word = HMAC(token branch, "w" || word)[0..2]         its class: HMAC(…)[3] mod 15
//! token(x of kind k) = HMAC(token branch, k || x)[0..2] || 0^6 || HMAC(token branch, k || x)[2..4]
//!   k = "g" one or two characters of a script without spaces | "n" telephone number
//!     | "f" any file | "c" the conversation with a contact, by its id as text
//! ```
//! So words that begin alike lie together once tokens are sorted, and a prefix is a range of
//! tokens. Two words may share a token: what is found is held against the message. Segments of
//! layout 1 have one byte more of each token.

use std::collections::HashMap;

use solo2_crypto::kdf;
use solo2_crypto::secret::Secret;

use crate::index::posting::Follow;
use crate::search::query::Clause;
use crate::search::text::{self, Units};

/// After how many characters words are grouped.
const LEVELS: [usize; 4] = [2, 3, 4, 6];
/// How many groups stand in a token.
pub(crate) const DEPTH: usize = LEVELS.len();

/// What a word is in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Token {
    pub(crate) groups: [u16; DEPTH],
    /// The last byte is 0 in segments of layout 2.
    pub(crate) word: [u8; 3],
}

/// One thing a message is indexed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Kind {
    Word = b'w',
    Gram = b'g',
    Phone = b'n',
    File = b'f',
    Contact = b'c',
}

impl Token {
    /// As in segments of layout 2.
    pub(crate) fn cut(self) -> Self {
        let [a, b, _] = self.word;
        Self {
            word: [a, b, 0],
            ..self
        }
    }

    /// The bytes of the groups, then those of the word but the last.
    pub(crate) fn to_bytes(self) -> [u8; 2 * DEPTH + 2] {
        let mut bytes = [0; 2 * DEPTH + 2];
        let (groups, word) = bytes.split_at_mut(2 * DEPTH);
        for (place, group) in groups.chunks_exact_mut(2).zip(self.groups) {
            place.copy_from_slice(&group.to_be_bytes());
        }
        for (place, byte) in word.iter_mut().zip(self.word) {
            *place = byte;
        }
        bytes
    }

    /// Undoes [`Token::to_bytes`]; a third byte of the word may follow.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (groups, word) = bytes.split_at_checked(2 * DEPTH)?;
        let mut token = Self::default();
        for (group, pair) in token.groups.iter_mut().zip(groups.chunks_exact(2)) {
            *group = pair.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte));
        }
        for (place, byte) in token.word.iter_mut().zip(word) {
            *place = *byte;
        }
        Some(token)
    }

    /// How many groups it has before the first that is none.
    pub(crate) fn depth(&self) -> usize {
        self.groups.iter().take_while(|group| **group != 0).count()
    }
}

/// What the index must list for a message to fit.
pub(crate) enum Need {
    /// This token, and if it says what stands behind it, this.
    One(Token, Follow),
    /// One of the tokens from the first to the second.
    Range(Token, Token),
    /// All of these, or the token alone.
    Either(Vec<Need>, Token),
}

/// Makes tokens, and remembers those of groups.
pub(crate) struct Tokens<'k> {
    key: &'k Secret<32>,
    groups: HashMap<(u8, String), u16>,
}

impl<'k> Tokens<'k> {
    pub(crate) fn new(key: &'k Secret<32>) -> Self {
        Self {
            key,
            groups: HashMap::new(),
        }
    }

    /// The token of a word as segments of layout 2 have it, and its class.
    pub(crate) fn word(&mut self, text: &str) -> (Token, Follow) {
        let (token, class) = self.whole_word(text);
        (token.cut(), class)
    }

    fn whole_word(&mut self, text: &str) -> (Token, Follow) {
        let mac = kdf::hmac(self.key.expose(), &[&[Kind::Word as u8], text.as_bytes()]);
        let [a, b, c, class, ..] = *mac.expose();
        let groups = self.groups(text);
        let word = [a, b, c];
        (Token { groups, word }, Follow::of(class))
    }

    /// The token of one thing.
    pub(crate) fn token(&mut self, kind: Kind, text: &str) -> Token {
        if kind == Kind::Word {
            return self.whole_word(text).0;
        }
        let mac = kdf::hmac(self.key.expose(), &[&[kind as u8], text.as_bytes()]);
        let [a, b, c, d, e, ..] = *mac.expose();
        let mut groups = [0; DEPTH];
        if let Some(first) = groups.first_mut() {
            *first = u16::from_be_bytes([a, b]).max(1);
        }
        Token {
            groups,
            word: [c, d, e],
        }
    }

    /// The tokens between which every word lies that begins so.
    fn prefix(&mut self, text: &str) -> Need {
        let groups = self.groups(text);
        let depth = groups.iter().take_while(|group| **group != 0).count();
        let mut last = groups;
        last.iter_mut().skip(depth).for_each(|group| *group = !0);
        Need::Range(
            Token {
                groups,
                word: [0; 3],
            },
            Token {
                groups: last,
                word: [!0; 3],
            },
        )
    }

    /// What the index must list for a clause.
    pub(crate) fn needs(&mut self, clause: &Clause) -> Vec<Need> {
        let units = &clause.units;
        let mut needs = Vec::new();
        for (at, unit) in units.iter().enumerate() {
            let is_last = at + 1 == units.len();
            let next = units.get(at + 1).filter(|next| next.gram && next.glued);
            match (unit.gram, next) {
                (true, Some(next)) => {
                    let pair = [unit.text, next.text].concat();
                    needs.push(self.one(Kind::Gram, &pair));
                }
                // Only where no pair speaks for it.
                (true, None) if at == 0 || !unit.glued || !before_is_gram(units, at) => {
                    needs.push(self.one(Kind::Gram, unit.text));
                }
                (true, None) => {}
                (false, _) if clause.prefix && is_last => needs.push(self.prefix(unit.text)),
                (false, _) => {
                    let next = units.get(at + 1);
                    // Of the beginning of a word nothing is known.
                    let whole = !(clause.prefix && at + 2 == units.len());
                    let follow = match next {
                        Some(next) if !next.gram && whole => self.whole_word(next.text).1,
                        _ => Follow::ANY,
                    };
                    needs.push(Need::One(self.token(Kind::Word, unit.text), follow));
                }
            }
        }
        match &clause.phone {
            Some(digits) => {
                let number = self.token(Kind::Phone, digits);
                vec![Need::Either(needs, number)]
            }
            None => needs,
        }
    }

    fn one(&mut self, kind: Kind, text: &str) -> Need {
        Need::One(self.token(kind, text), Follow::ANY)
    }

    fn groups(&mut self, text: &str) -> [u16; DEPTH] {
        let mut groups = [0; DEPTH];
        let ends = text
            .char_indices()
            .map(|(at, c)| at + c.len_utf8())
            .collect::<Vec<_>>();
        for (group, level) in groups.iter_mut().zip(LEVELS) {
            let Some(begin) = ends.get(level - 1).and_then(|end| text.get(..*end)) else {
                break;
            };
            *group = self.group(level as u8, begin);
        }
        groups
    }

    fn group(&mut self, level: u8, begin: &str) -> u16 {
        if let Some(group) = self.groups.get(&(level, begin.to_owned())) {
            return *group;
        }
        let mac = kdf::hmac(self.key.expose(), &[b"p", &[level], begin.as_bytes()]);
        let [a, b, ..] = *mac.expose();
        let group = u16::from_be_bytes([a, b]).max(1);
        self.groups.insert((level, begin.to_owned()), group);
        group
    }
}

fn before_is_gram(units: &Units, at: usize) -> bool {
    at.checked_sub(1)
        .and_then(|before| units.get(before))
        .is_some_and(|before| before.gram)
}

/// Calls `visit` with everything that a text is indexed under; some of it more than once.
pub(crate) fn each(body: &str, visit: &mut impl FnMut(Kind, &str)) {
    let units = Units::of(body);
    let mut pair = String::new();
    let mut before: Option<text::Unit<'_>> = None;
    for unit in units.iter() {
        if unit.gram {
            visit(Kind::Gram, unit.text);
            if let Some(before) = before.filter(|before| before.gram && unit.glued) {
                pair.clear();
                pair.push_str(before.text);
                pair.push_str(unit.text);
                visit(Kind::Gram, &pair);
            }
        } else {
            visit(Kind::Word, unit.text);
        }
        before = Some(unit);
    }
    for number in text::phones(body) {
        visit(Kind::Phone, &number);
    }
}

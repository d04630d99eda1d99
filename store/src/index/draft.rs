//! A segment before it is written: documents in order, and what they are indexed under.

use std::collections::HashMap;

use crate::index::Doc;
use crate::index::build::Stream;
use crate::index::posting::{Follow, Posting, settle};
use crate::index::token::{Kind, Tokens, each};

/// Documents and the stream of what they are indexed under, complete.
pub(crate) struct Draft {
    /// In ascending order.
    pub(crate) docs: Vec<Doc>,
    pub(crate) tokens: Stream,
}

/// Takes documents in, in order.
#[derive(Default)]
pub(crate) struct Collector {
    docs: Vec<Doc>,
    /// Each word has a number.
    words: HashMap<Box<str>, usize>,
    /// By the number of the word.
    lists: Vec<Vec<Place>>,
    others: HashMap<(Kind, Box<str>), Vec<u32>>,
}

/// A word in a document, once for each thing that stands behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    doc: u32,
    behind: Behind,
}

/// What stands behind a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// A word, by its number.
    Word(usize),
    /// Nothing more.
    End,
    /// No word.
    Any,
}

impl Collector {
    /// Takes in the next document; the caller sees to the order and the number of them.
    pub(crate) fn push(&mut self, doc: Doc, body: &str) {
        let number = self.docs.len() as u32;
        // The word that waits for what stands behind it.
        let mut waiting = None;
        each(body, &mut |kind, text| {
            if kind == Kind::Word {
                let word = self.word(text);
                self.note(waiting.replace(word), number, Behind::Word(word));
                return;
            }
            if kind == Kind::Gram {
                self.note(waiting.take(), number, Behind::Any);
            }
            self.other(number, kind, text);
        });
        self.note(waiting, number, Behind::End);
        if doc.file {
            self.other(number, Kind::File, "");
        }
        self.other(number, Kind::Contact, &doc.contact.to_string());
        self.docs.push(doc);
    }

    fn word(&mut self, text: &str) -> usize {
        // Most words are known: no copy is made to look.
        if let Some(known) = self.words.get(text) {
            return *known;
        }
        let new = self.lists.len();
        self.words.insert(text.into(), new);
        self.lists.push(Vec::new());
        new
    }

    fn note(&mut self, word: Option<usize>, doc: u32, behind: Behind) {
        let Some(list) = word.and_then(|word| self.lists.get_mut(word)) else {
            return;
        };
        let place = Place { doc, behind };
        if list.last() != Some(&place) {
            list.push(place);
        }
    }

    fn other(&mut self, doc: u32, kind: Kind, text: &str) {
        let list = self.others.entry((kind, text.into())).or_default();
        if list.last() != Some(&doc) {
            list.push(doc);
        }
    }

    pub(crate) fn finish(self, tokens: &mut Tokens<'_>) -> Draft {
        let mut words = vec![Default::default(); self.lists.len()];
        for (text, number) in &self.words {
            if let Some(place) = words.get_mut(*number) {
                *place = Some(tokens.word(text));
            }
        }
        let follow = |behind: Behind| match behind {
            Behind::Word(word) => match words.get(word) {
                Some(Some((_, class))) => *class,
                _ => Follow::ANY,
            },
            Behind::End => Follow::END,
            Behind::Any => Follow::ANY,
        };
        let mut all = Vec::with_capacity(self.lists.len() + self.others.len());
        for (list, word) in self.lists.iter().zip(&words) {
            let Some((token, _)) = word else { continue };
            let list = list.iter().map(|place| Posting {
                doc: place.doc,
                follow: follow(place.behind),
            });
            all.push((*token, list.collect::<Vec<_>>()));
        }
        for ((kind, text), list) in &self.others {
            let list = list.iter().map(|doc| Posting::plain(*doc));
            all.push((tokens.token(*kind, text).cut(), list.collect()));
        }
        all.sort_unstable_by_key(|(token, _)| *token);
        let mut stream = Stream::new(self.docs.len() as u32);
        let mut all = all.into_iter().peekable();
        while let Some((token, mut list)) = all.next() {
            // Two words with one token.
            while let Some((_, more)) = all.next_if(|(other, _)| *other == token) {
                list.extend(more);
            }
            settle(&mut list);
            stream.entry(token, &list);
        }
        Draft {
            docs: self.docs,
            tokens: stream,
        }
    }
}

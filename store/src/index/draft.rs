//! A segment before it is written: documents in order, and what they are indexed under.

use std::collections::HashMap;

use crate::index::Doc;
use crate::index::token::{Kind, Token, Tokens, each};

/// Documents and lists, complete.
pub(crate) struct Draft {
    /// In ascending order.
    pub(crate) docs: Vec<Doc>,
    /// In ascending order; each list too, and none is empty.
    pub(crate) lists: Vec<(Token, Vec<u32>)>,
}

/// Takes documents in, in order.
#[derive(Default)]
pub(crate) struct Collector {
    docs: Vec<Doc>,
    words: HashMap<Box<str>, Vec<u32>>,
    others: HashMap<(Kind, Box<str>), Vec<u32>>,
}

impl Collector {
    /// Takes in the next document; the caller sees to the order and the number of them.
    pub(crate) fn push(&mut self, doc: Doc, body: &str) {
        let number = self.docs.len() as u32;
        let (words, others) = (&mut self.words, &mut self.others);
        let mut add = |kind: Kind, text: &str| {
            let list = if kind == Kind::Word {
                // Most words are known: no copy is made to look.
                if !words.contains_key(text) {
                    words.insert(text.into(), Vec::new());
                }
                words.get_mut(text)
            } else {
                Some(others.entry((kind, text.into())).or_default())
            };
            if let Some(list) = list.filter(|list| list.last() != Some(&number)) {
                list.push(number);
            }
        };
        each(body, &mut add);
        if doc.file {
            add(Kind::File, "");
        }
        add(Kind::Contact, &doc.contact.to_string());
        self.docs.push(doc);
    }

    pub(crate) fn finish(self, tokens: &mut Tokens<'_>) -> Draft {
        let words = self
            .words
            .into_iter()
            .map(|(text, list)| (tokens.token(Kind::Word, &text), list))
            .collect::<Vec<_>>();
        let others = self
            .others
            .into_iter()
            .map(|((kind, text), list)| (tokens.token(kind, &text), list));
        let mut all: Vec<_> = words.into_iter().chain(others).collect();
        all.sort_unstable_by_key(|(token, _)| *token);
        let mut lists: Vec<(Token, Vec<u32>)> = Vec::with_capacity(all.len());
        for (token, list) in all {
            match lists.last_mut().filter(|(last, _)| *last == token) {
                // Two words with one token.
                Some((_, before)) => {
                    before.extend(list);
                    before.sort_unstable();
                    before.dedup();
                }
                None => lists.push((token, list)),
            }
        }
        Draft {
            docs: self.docs,
            lists,
        }
    }
}

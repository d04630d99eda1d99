//! A source that tells one conversation several times and is asked once, within bounds.

use std::collections::BTreeMap;
use std::io;

use solo2_store::{Amendment, ContactId, StoredFile};

use crate::{Attachment, Numbered, Progress, Source};

/// Bytes of messages that are kept, about; what comes behind them is asked for again.
const MOST: usize = 8 << 20;

/// A source, and the pages of the conversation that it was asked for last.
pub(crate) struct Recall<'a, S> {
    source: &'a mut S,
    contact: Option<ContactId>,
    pages: BTreeMap<u64, Vec<Numbered>>,
    bytes: usize,
}

impl<'a, S: Source> Recall<'a, S> {
    pub(crate) fn new(source: &'a mut S) -> Self {
        Self {
            source,
            contact: None,
            pages: BTreeMap::new(),
            bytes: 0,
        }
    }
}

impl<S: Source> Source for Recall<'_, S> {
    type Error = S::Error;

    fn page(&mut self, contact: ContactId, from: u64) -> Result<Vec<Numbered>, S::Error> {
        if self.contact != Some(contact) {
            self.contact = Some(contact);
            self.pages.clear();
            self.bytes = 0;
        }
        if let Some(page) = self.pages.get(&from) {
            return Ok(page.clone());
        }
        let page = self.source.page(contact, from)?;
        let bytes = self.bytes + page.iter().map(size).sum::<usize>();
        if bytes <= MOST {
            self.bytes = bytes;
            self.pages.insert(from, page.clone());
        }
        Ok(page)
    }

    fn newest(&mut self, contact: ContactId) -> Result<Option<u64>, S::Error> {
        self.source.newest(contact)
    }

    fn turns(&mut self, contact: ContactId) -> Result<Vec<u64>, S::Error> {
        self.source.turns(contact)
    }

    fn open(&mut self, file: &StoredFile) -> io::Result<Option<Attachment>> {
        self.source.open(file)
    }

    fn progress(&mut self, progress: &Progress) -> Result<(), S::Error> {
        self.source.progress(progress)
    }
}

/// What a message takes in memory, about.
fn size((_, message, amendments): &Numbered) -> usize {
    let texts = amendments.0.iter().map(|amendment| match amendment {
        Amendment::Edited { body, .. } => body.len(),
        _ => 0,
    });
    size_of::<Numbered>()
        + message.body.len()
        + amendments.0.len() * size_of::<Amendment>()
        + texts.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use solo2_store::{Amendments, Kind, Message};

    use super::*;

    /// Conversations of 600 messages with bodies of so many bytes, and how often it was asked.
    struct Asked {
        body: usize,
        times: usize,
    }

    impl Source for Asked {
        type Error = Infallible;

        fn page(&mut self, _: ContactId, from: u64) -> Result<Vec<Numbered>, Infallible> {
            self.times += 1;
            let message = |seq: u64| Message {
                id: u128::from(seq).to_be_bytes(),
                incoming: false,
                sent_at_ms: seq,
                stored_at_ms: seq,
                kind: Kind::Text,
                body: "x".repeat(self.body),
                reply_to: None,
                expires_at_ms: None,
                client_id: None,
                route: None,
            };
            Ok((from..600.min(from + crate::PAGE))
                .map(|seq| (seq, message(seq), Amendments::default()))
                .collect())
        }

        fn newest(&mut self, _: ContactId) -> Result<Option<u64>, Infallible> {
            Ok(Some(599))
        }

        fn turns(&mut self, _: ContactId) -> Result<Vec<u64>, Infallible> {
            Ok(Vec::new())
        }

        fn open(&mut self, _: &StoredFile) -> io::Result<Option<Attachment>> {
            Ok(None)
        }

        fn progress(&mut self, _: &Progress) -> Result<(), Infallible> {
            Ok(())
        }
    }

    /// Goes through a conversation; the numbers that were told.
    fn through(recall: &mut Recall<'_, Asked>, contact: u8) -> Vec<u64> {
        let pages = (0..600).step_by(256);
        let pages = pages.map(|from| recall.page(ContactId([contact; 16]), from));
        let told = pages.flat_map(|page| page.unwrap());
        told.map(|(seq, ..)| seq).collect()
    }

    #[test]
    fn a_conversation_that_fits_is_read_once_and_told_as_often_as_asked() {
        let mut source = Asked { body: 10, times: 0 };
        let mut recall = Recall::new(&mut source);
        let all: Vec<u64> = (0..600).collect();
        for contact in [1, 1, 1, 2, 2] {
            assert_eq!(through(&mut recall, contact), all);
        }
        assert_eq!(recall.source.times, 3 + 3);
        assert_eq!(through(&mut recall, 1), all);
        assert_eq!(recall.source.times, 9, "only the last one is kept");
    }

    #[test]
    fn what_does_not_fit_is_read_again() {
        // Pages of 256, 256 and 88 messages: the first leaves no room for another.
        let body = MOST / 256 * 9 / 10;
        let mut source = Asked { body, times: 0 };
        let mut recall = Recall::new(&mut source);
        let all: Vec<u64> = (0..600).collect();
        assert_eq!(through(&mut recall, 1), all);
        assert_eq!(through(&mut recall, 1), all);
        assert!(recall.bytes <= MOST, "{} bytes are kept", recall.bytes);
        assert_eq!(recall.source.times, 3 + 2);
    }
}

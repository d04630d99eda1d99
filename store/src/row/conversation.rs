//! The counters of a conversation, and the row of its contact.

use minicbor::{Decode, Encode};

use crate::key_page::Slot;
use crate::record::contact::{Contact, ContactId};

/// Messages to a page, outbox places to a queue.
pub(crate) const PAGE: u64 = 64;

/// Page and place in it of `seq`, which counts from 1.
pub(crate) fn place(seq: u64) -> Option<(u64, usize)> {
    let index = seq.checked_sub(1)?;
    Some((index / PAGE, usize::try_from(index % PAGE).ok()?))
}

/// The counters of a conversation.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Conversation {
    /// The oldest message there is; later than 1 once older ones were deleted with their
    /// places, or lost in a rollback.
    #[n(0)]
    pub(crate) first_seq: u64,
    /// The next message's number.
    #[n(1)]
    pub(crate) next_seq: u64,
    /// No outbox item lies before this position.
    #[n(2)]
    pub(crate) outbox_first: u64,
    /// The next outbox item's position.
    #[n(3)]
    pub(crate) outbox_next: u64,
    /// How many outbox items there are.
    #[n(4)]
    pub(crate) outbox_len: u64,
}

impl Conversation {
    pub(crate) const NEW: Self = Self {
        first_seq: 1,
        next_seq: 1,
        outbox_first: 1,
        outbox_next: 1,
        outbox_len: 0,
    };

    /// Numbers of the pages that hold messages.
    pub(crate) fn pages(&self) -> std::ops::Range<u64> {
        covering(self.first_seq, self.next_seq)
    }

    /// Numbers of the queues that may hold outbox items.
    pub(crate) fn queues(&self) -> std::ops::Range<u64> {
        covering(self.outbox_first, self.outbox_next)
    }

    /// Goes on behind the messages before `seq`; behind the last of them, in a page of its own.
    pub(crate) fn forget_before(&mut self, seq: u64) {
        if seq >= self.next_seq {
            self.next_seq = page_after(self.next_seq);
            self.first_seq = self.next_seq;
        } else {
            self.first_seq = seq;
        }
    }

    /// Goes on behind pages and queues that cannot be opened any more.
    pub(crate) fn forget(&mut self) {
        self.next_seq = page_after(self.next_seq);
        self.first_seq = self.next_seq;
        self.outbox_next = page_after(self.outbox_next);
        self.outbox_first = self.outbox_next;
        self.outbox_len = 0;
    }
}

/// The first number of the first page that nothing before `next` is in.
fn page_after(next: u64) -> u64 {
    (next - 1).div_ceil(PAGE) * PAGE + 1
}

fn covering(first: u64, next: u64) -> std::ops::Range<u64> {
    if next <= first {
        return 0..0;
    }
    (first - 1) / PAGE..(next - 1).div_ceil(PAGE)
}

/// A contact as stored.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ContactRow {
    #[n(0)]
    pub(crate) contact: Contact,
    /// Whose key opens the session.
    #[n(1)]
    pub(crate) session_slot: Slot,
    /// Whose key opens the pages and queues.
    #[n(2)]
    pub(crate) conversation_slot: Slot,
}

/// `contact || number`: the id of a page or a queue.
pub(crate) fn numbered(contact: &ContactId, number: u64) -> Vec<u8> {
    [contact.0.as_slice(), &number.to_be_bytes()].concat()
}

/// Undoes [`numbered`].
pub(crate) fn read_numbered(id: &[u8]) -> Option<(ContactId, u64)> {
    let (contact, number) = id.split_first_chunk::<16>()?;
    Some((
        ContactId(*contact),
        u64::from_be_bytes(number.try_into().ok()?),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_exactly_the_messages_there_are() {
        let with = |first_seq, next_seq| Conversation {
            first_seq,
            next_seq,
            ..Conversation::NEW
        };
        assert_eq!(with(1, 1).pages(), 0..0);
        assert_eq!(with(1, 2).pages(), 0..1);
        assert_eq!(with(1, 65).pages(), 0..1);
        assert_eq!(with(1, 66).pages(), 0..2);
        assert_eq!(with(65, 66).pages(), 1..2);
        assert_eq!(place(64), Some((0, 63)));
        assert_eq!(place(65), Some((1, 0)));
        assert_eq!(place(0), None);
    }

    #[test]
    fn a_forgotten_conversation_goes_on_in_a_page_of_its_own() {
        let mut conversation = Conversation {
            next_seq: 66,
            outbox_next: 2,
            outbox_len: 1,
            ..Conversation::NEW
        };
        conversation.forget();
        assert_eq!((conversation.first_seq, conversation.next_seq), (129, 129));
        assert_eq!(place(conversation.next_seq), Some((2, 0)));
        assert_eq!((conversation.outbox_next, conversation.outbox_len), (65, 0));
        let again = conversation;
        conversation.forget();
        assert!(again == conversation);
    }
}

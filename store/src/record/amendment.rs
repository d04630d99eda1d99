//! What happened to a message after it was stored.

use minicbor::{Decode, Encode};

use super::{MAX_BODY, MAX_SHORT, at_most};
use crate::error::TxError;
use crate::record::file::StoredFile;
use crate::record::message::Message;

/// How far a message of ours got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum DeliveryState {
    /// It was given up.
    #[n(0)]
    Failed,
    /// It left this machine.
    #[n(1)]
    Sent,
    /// The peer's device has it.
    #[n(2)]
    Delivered,
    /// The peer saw it.
    #[n(3)]
    Read,
}

/// One thing that happened to a message; times are Unix time in milliseconds.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum Amendment {
    /// It got this far.
    #[n(0)]
    State {
        /// How far.
        #[n(0)]
        state: DeliveryState,
        /// When.
        #[n(1)]
        at_ms: u64,
        /// Over which route.
        #[n(2)]
        route: Option<String>,
    },
    /// It reads differently now.
    #[n(1)]
    Edited {
        /// The new text.
        #[n(0)]
        body: String,
        /// When.
        #[n(1)]
        at_ms: u64,
    },
    /// It is gone: storing this destroys the key of its text, of its edits and of its file.
    #[n(2)]
    Deleted {
        /// When.
        #[n(0)]
        at_ms: u64,
    },
    /// Someone reacted; an empty emoji takes the reaction back.
    #[n(3)]
    Reaction {
        /// Theirs, not ours.
        #[n(0)]
        incoming: bool,
        /// The reaction.
        #[n(1)]
        emoji: String,
        /// When.
        #[n(2)]
        at_ms: u64,
    },
    /// Its file is whole.
    #[n(4)]
    File(
        /// What and where it is.
        #[n(0)]
        StoredFile,
    ),
}

impl Amendment {
    /// Whether the vault has room for it.
    ///
    /// # Errors
    ///
    /// [`TxError::TooLong`].
    pub fn check(&self) -> Result<(), TxError> {
        match self {
            Self::State { route, .. } => {
                let len = route.as_ref().map_or(0, String::len);
                at_most(len, MAX_SHORT, "the route")
            }
            Self::Edited { body, .. } => at_most(body.len(), MAX_BODY, "the message's text"),
            Self::Deleted { .. } => Ok(()),
            Self::Reaction { emoji, .. } => at_most(emoji.len(), MAX_SHORT, "the reaction"),
            Self::File(file) => file.check(),
        }
    }
}

/// Everything that happened to one message, oldest first.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Amendments(
    /// In the order in which they were stored.
    pub Vec<Amendment>,
);

impl Amendments {
    /// The furthest state reached, with its time and route.
    #[must_use]
    pub fn state(&self) -> Option<(DeliveryState, u64, Option<&str>)> {
        let states = self.0.iter().filter_map(|amendment| match amendment {
            Amendment::State {
                state,
                at_ms,
                route,
            } => Some((*state, *at_ms, route.as_deref())),
            _ => None,
        });
        states.reduce(|best, next| if next.0 > best.0 { next } else { best })
    }

    /// When it was deleted.
    #[must_use]
    pub fn deleted_at_ms(&self) -> Option<u64> {
        self.0.iter().find_map(|amendment| match amendment {
            Amendment::Deleted { at_ms } => Some(*at_ms),
            _ => None,
        })
    }

    /// When it was last edited.
    #[must_use]
    pub fn edited_at_ms(&self) -> Option<u64> {
        self.0.iter().rev().find_map(|amendment| match amendment {
            Amendment::Edited { at_ms, .. } => Some(*at_ms),
            _ => None,
        })
    }

    /// The text as it reads now: the last edit, or the message's own; nothing once deleted.
    #[must_use]
    pub fn body<'a>(&'a self, message: &'a Message) -> Option<&'a str> {
        if self.deleted_at_ms().is_some() {
            return None;
        }
        let edit = self.0.iter().rev().find_map(|amendment| match amendment {
            Amendment::Edited { body, .. } => Some(body.as_str()),
            _ => None,
        });
        Some(edit.unwrap_or(&message.body))
    }

    /// What was last stored of its file; nothing once deleted.
    #[must_use]
    pub fn file(&self) -> Option<&StoredFile> {
        if self.deleted_at_ms().is_some() {
            return None;
        }
        self.0.iter().rev().find_map(|amendment| match amendment {
            Amendment::File(file) => Some(file),
            _ => None,
        })
    }

    /// The standing reaction of one side.
    #[must_use]
    pub fn reaction(&self, incoming: bool) -> Option<&str> {
        let last = self.0.iter().rev().find_map(|amendment| match amendment {
            Amendment::Reaction {
                incoming: side,
                emoji,
                ..
            } if *side == incoming => Some(emoji.as_str()),
            _ => None,
        });
        last.filter(|emoji| !emoji.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn decoding_rubbish_never_panics(bytes: Vec<u8>) {
            let _ = crate::record::decode::<Amendment>(&bytes);
            let _ = crate::record::decode::<Message>(&bytes);
        }
    }

    #[test]
    fn the_furthest_state_counts_whatever_the_order() {
        let state = |state, at_ms| Amendment::State {
            state,
            at_ms,
            route: None,
        };
        let amendments = Amendments(vec![
            state(DeliveryState::Read, 3),
            state(DeliveryState::Sent, 4),
            state(DeliveryState::Delivered, 5),
        ]);
        assert_eq!(amendments.state(), Some((DeliveryState::Read, 3, None)));
    }

    #[test]
    fn an_empty_reaction_takes_back_the_one_before() {
        let reaction = |emoji: &str| Amendment::Reaction {
            incoming: true,
            emoji: emoji.to_owned(),
            at_ms: 0,
        };
        let mut amendments = Amendments(vec![reaction("+1")]);
        assert_eq!(amendments.reaction(true), Some("+1"));
        assert_eq!(amendments.reaction(false), None);
        amendments.0.push(reaction(""));
        assert_eq!(amendments.reaction(true), None);
    }
}

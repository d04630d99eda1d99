//! What is looked for: the query, the filter, and what a search finds.
//!
//! ```text
//!   text ──text::units──► units            the same for messages and queries
//!   query = clause AND clause …            a clause is one word, or words in a row
//!   clause ──terms──► what the index is asked for: may promise too much, never too little
//!   clause ──fits───► what a decrypted message is held against: decides
//! ```
//! Spec: docs/protocol/5-vault.md §6.

pub(crate) mod query;
pub(crate) mod text;

use std::ops::Range;

use crate::record::amendment::Amendments;
use crate::record::contact::ContactId;
use crate::record::message::Message;

pub use query::{Query, QueryError};

/// What a message must be besides what it says.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only in the conversation with this contact.
    pub contact: Option<ContactId>,
    /// Only what came in, or only what went out.
    pub incoming: Option<bool>,
    /// Stored at this moment or later, Unix time in milliseconds.
    pub since_ms: Option<u64>,
    /// Stored at this moment or earlier.
    pub until_ms: Option<u64>,
    /// Only files.
    pub has_file: bool,
    /// The time now: what has expired by then is not found.
    pub now_ms: u64,
}

/// A message that was found.
#[derive(Clone)]
pub struct Hit {
    /// In whose conversation.
    pub contact: ContactId,
    /// Its number there.
    pub seq: u64,
    /// The message.
    pub message: Message,
    /// What happened to it.
    pub amendments: Amendments,
    /// Where the first word that was looked for stands in the text, in bytes; empty at 0 when
    /// nothing was looked for.
    pub place: Range<usize>,
}

impl Filter {
    /// Whether a message passes, whatever it says.
    pub(crate) fn admits(
        &self,
        contact: ContactId,
        message: &Message,
        amendments: &Amendments,
    ) -> bool {
        self.admits_time(message.stored_at_ms)
            && self.contact.is_none_or(|wanted| wanted == contact)
            && self
                .incoming
                .is_none_or(|wanted| wanted == message.incoming)
            && (!self.has_file || message.kind == crate::Kind::File)
            && message.kind != crate::Kind::Geo
            && message.expires_at_ms.is_none_or(|at| at > self.now_ms)
            && amendments.deleted_at_ms().is_none()
    }

    fn admits_time(&self, at_ms: u64) -> bool {
        self.since_ms.is_none_or(|since| at_ms >= since)
            && self.until_ms.is_none_or(|until| at_ms <= until)
    }
}

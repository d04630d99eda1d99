//! What a human wrote, as stored. Never changed once stored: see [`crate::Amendment`].

use minicbor::{Decode, Encode};

use super::{MAX_BODY, MAX_SHORT, at_most};
use crate::error::TxError;

/// What the body of a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// A text.
    #[n(0)]
    Text,
    /// A place, as text of the caller's making.
    #[n(1)]
    Geo,
    /// A file; the body is its name.
    #[n(2)]
    File,
}

/// What a human wrote.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Message {
    /// Unique within its conversation.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub id: [u8; 16],
    /// Theirs, not ours.
    #[n(1)]
    pub incoming: bool,
    /// The sender's clock, Unix time in milliseconds.
    #[n(2)]
    pub sent_at_ms: u64,
    /// Our clock, Unix time in milliseconds.
    #[n(3)]
    pub stored_at_ms: u64,
    /// What the body is.
    #[n(4)]
    pub kind: Kind,
    /// At most 256 KiB; empty once the message was deleted.
    #[n(5)]
    pub body: String,
    /// The message this one answers.
    #[n(6)]
    #[cbor(with = "minicbor::bytes")]
    pub reply_to: Option<[u8; 16]>,
    /// When it is to be deleted, Unix time in milliseconds.
    #[n(7)]
    pub expires_at_ms: Option<u64>,
    /// The sending program's own name for it.
    #[n(8)]
    pub client_id: Option<String>,
    /// The route it took.
    #[n(9)]
    pub route: Option<String>,
}

impl Message {
    /// Whether the vault has room for it.
    ///
    /// # Errors
    ///
    /// [`TxError::TooLong`].
    pub fn check(&self) -> Result<(), TxError> {
        at_most(self.body.len(), MAX_BODY, "the message's text")?;
        let shorts = [&self.client_id, &self.route];
        shorts
            .into_iter()
            .flatten()
            .try_for_each(|text| at_most(text.len(), MAX_SHORT, "a field of the message"))
    }

    /// What stays of a deleted message: that there was one.
    pub(crate) fn without_body(&self) -> Self {
        Self {
            body: String::new(),
            ..self.clone()
        }
    }
}

//! STUN and TURN on the wire (RFC 8489, RFC 8656).
//!
//! A reader that borrows and a writer that appends: neither allocates for a
//! message, and no length is believed before it is checked. What a request means
//! is not this module's concern.
//!
//! ```text
//!   STUN         00 class+method[14 bits] length[2] 2112a442 transaction[12]  { type[2] length[2] value pad }…
//!   ChannelData  number[2] = 4000…4fff    length[2] data                      (padded to 4 on a stream)
//! ```
//!
//! The crate `stun-types`, which `solo2-signal` uses, refuses a message that has
//! attributes behind MESSAGE-INTEGRITY; RFC 8489 §14.5 wants them ignored. It also
//! knows nothing of TURN. Hence this one.

mod integrity;
mod message;
mod writer;

use std::ops::RangeInclusive;

pub use self::integrity::{Integrity, LongTermKey};
pub use self::message::{Attribute, Attributes, Message, WireError};
pub use self::writer::Writer;

/// The magic cookie of RFC 8489 §5.
pub const MAGIC_COOKIE: u32 = 0x2112_a442;
/// Length of a STUN header in bytes.
pub const HEADER_LEN: usize = 20;
/// Length of a ChannelData header in bytes.
pub const CHANNEL_HEADER_LEN: usize = 4;
/// The numbers that a channel may have (RFC 8656 §12).
pub const CHANNELS: RangeInclusive<u16> = 0x4000..=0x4fff;
/// UDP, as REQUESTED-TRANSPORT names it.
pub const UDP: u8 = 17;

/// Names a transaction: 96 bits that the client drew.
pub type TransactionId = [u8; 12];

/// Methods (RFC 8489 §18.2, RFC 8656 §17).
pub mod method {
    /// Binding.
    pub const BINDING: u16 = 0x001;
    /// Allocate.
    pub const ALLOCATE: u16 = 0x003;
    /// Refresh.
    pub const REFRESH: u16 = 0x004;
    /// Send, an indication.
    pub const SEND: u16 = 0x006;
    /// Data, an indication.
    pub const DATA: u16 = 0x007;
    /// CreatePermission.
    pub const CREATE_PERMISSION: u16 = 0x008;
    /// ChannelBind.
    pub const CHANNEL_BIND: u16 = 0x009;
}

/// Attribute types (RFC 8489 §18.3, RFC 8656 §18).
pub mod attribute {
    /// USERNAME.
    pub const USERNAME: u16 = 0x0006;
    /// MESSAGE-INTEGRITY.
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    /// ERROR-CODE.
    pub const ERROR_CODE: u16 = 0x0009;
    /// UNKNOWN-ATTRIBUTES.
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    /// CHANNEL-NUMBER.
    pub const CHANNEL_NUMBER: u16 = 0x000c;
    /// LIFETIME, in seconds.
    pub const LIFETIME: u16 = 0x000d;
    /// XOR-PEER-ADDRESS.
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    /// DATA.
    pub const DATA: u16 = 0x0013;
    /// REALM.
    pub const REALM: u16 = 0x0014;
    /// NONCE.
    pub const NONCE: u16 = 0x0015;
    /// XOR-RELAYED-ADDRESS.
    pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    /// REQUESTED-ADDRESS-FAMILY.
    pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    /// EVEN-PORT.
    pub const EVEN_PORT: u16 = 0x0018;
    /// REQUESTED-TRANSPORT.
    pub const REQUESTED_TRANSPORT: u16 = 0x0019;
    /// DONT-FRAGMENT.
    pub const DONT_FRAGMENT: u16 = 0x001a;
    /// MESSAGE-INTEGRITY-SHA256.
    pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
    /// XOR-MAPPED-ADDRESS.
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    /// PRIORITY (RFC 8445 §16.1).
    pub const PRIORITY: u16 = 0x0024;
    /// USE-CANDIDATE (RFC 8445 §16.1).
    pub const USE_CANDIDATE: u16 = 0x0025;
    /// FINGERPRINT.
    pub const FINGERPRINT: u16 = 0x8028;

    /// Whether who does not know this attribute must refuse the message.
    #[must_use]
    pub const fn must_be_understood(kind: u16) -> bool {
        kind < 0x8000
    }
}

/// The class of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// The answer that it worked.
    Success,
    /// The answer that it did not.
    Error,
}

/// The data of a ChannelData message, with its channel. Over UDP the padding is
/// optional, so bytes behind the data are none of its business (RFC 8656 §12.5).
#[must_use]
pub fn channel_data(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<CHANNEL_HEADER_LEN>()?;
    let [a, b, c, d] = *header;
    let number = u16::from_be_bytes([a, b]);
    let data = rest.get(..usize::from(u16::from_be_bytes([c, d])))?;
    CHANNELS.contains(&number).then_some((number, data))
}

/// How long the message is that begins here, padding included, as a stream
/// carries it (RFC 8489 §6.2.2, RFC 8656 §12.5); `None` if these are too few bytes to tell.
///
/// # Errors
/// [`WireError::NotStun`] if no message begins like this: the stream is lost.
pub fn framed_len(bytes: &[u8]) -> Result<Option<usize>, WireError> {
    let Some(&[first, _, c, d]) = bytes.first_chunk::<4>() else {
        return Ok(None);
    };
    let len = usize::from(u16::from_be_bytes([c, d]));
    match first {
        0x00..=0x3f if len.is_multiple_of(4) => match bytes.get(4..8) {
            Some(cookie) if cookie != MAGIC_COOKIE.to_be_bytes() => Err(WireError::NotStun),
            _ => Ok(Some(HEADER_LEN + len)),
        },
        0x40..=0x4f => Ok(Some((CHANNEL_HEADER_LEN + len).next_multiple_of(4))),
        _ => Err(WireError::NotStun),
    }
}

#[cfg(test)]
mod tests;

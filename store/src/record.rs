//! What the vault keeps, as its callers see it: CBOR maps with integer keys.
//!
//! Unknown keys are skipped, so an older program reads what a newer one wrote.
//! Texts and names have no `Debug`: they must not reach a log by accident.

pub(crate) mod amendment;
pub(crate) mod contact;
pub(crate) mod file;
pub(crate) mod message;
pub(crate) mod outbox;

use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use crate::error::TxError;

/// Longest name of a contact, in bytes.
pub(crate) const MAX_NAME: usize = 1024;
/// Longest certificate, in bytes.
pub(crate) const MAX_CERTIFICATE: usize = 16 * 1024;
/// Longest text of a message, in bytes.
pub(crate) const MAX_BODY: usize = 256 * 1024;
/// Longest content or set of envelopes of an outbox item, in bytes.
pub(crate) const MAX_OUTBOX: usize = 4 * 1024 * 1024;
/// Longest session state, in bytes.
pub(crate) const MAX_SESSION: usize = 4 * 1024 * 1024;
/// Longest path of a file, in bytes.
pub(crate) const MAX_PATH: usize = 4096;
/// Longest value of a setting, in bytes.
pub(crate) const MAX_SETTING: usize = 1024 * 1024;
/// Longest of the short texts: routes, client ids, emoji, setting names.
pub(crate) const MAX_SHORT: usize = 1024;

/// Refuses what is longer than the vault takes.
pub(crate) fn at_most(len: usize, limit: usize, what: &'static str) -> Result<(), TxError> {
    if len > limit {
        return Err(TxError::TooLong { what });
    }
    Ok(())
}

pub(crate) fn encode<T: Encode<()>>(value: &T) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::new());
    minicbor::encode(value, &mut *bytes).expect("writing to memory does not fail");
    bytes
}

/// Decodes one whole value; trailing bytes are refused.
pub(crate) fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Option<T> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let value = decoder.decode().ok()?;
    (decoder.position() == bytes.len()).then_some(value)
}

//! CBOR at the edges: one object, bounded, nothing after it.

use minicbor::{Decode, Decoder, Encode};

/// Encodes one object.
///
/// # Panics
///
/// Never: a vector takes every byte.
pub(crate) fn encode<T: Encode<()>>(object: &T) -> Vec<u8> {
    minicbor::to_vec(object).expect("a vector takes every byte")
}

/// Decodes exactly one object of at most `max` bytes.
pub(crate) fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8], max: usize) -> Option<T> {
    if bytes.len() > max {
        return None;
    }
    let mut decoder = Decoder::new(bytes);
    let object = decoder.decode().ok()?;
    (decoder.position() == bytes.len()).then_some(object)
}

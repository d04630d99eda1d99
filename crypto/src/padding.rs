//! Padding: every content, of whatever kind and length, becomes the same number of bytes.
//!
//! `u16be length || content || zeros`. What is longer than one padded block is the
//! session's to split. Spec: docs/protocol/2-session.md §2.

use zeroize::Zeroizing;

use crate::wire::{Malformed, Reader};

/// Bytes of a padded content, always.
pub const PADDED_LEN: usize = 1664;
/// Bytes that fit into one padded content.
pub const UNPADDED_MAX: usize = PADDED_LEN - 2;

/// More than [`UNPADDED_MAX`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("content longer than {UNPADDED_MAX} bytes")]
pub struct TooLong;

/// Pads to [`PADDED_LEN`].
///
/// # Errors
///
/// [`TooLong`].
pub fn pad(content: &[u8]) -> Result<Zeroizing<Vec<u8>>, TooLong> {
    if content.len() > UNPADDED_MAX {
        return Err(TooLong);
    }
    let len = u16::try_from(content.len()).map_err(|_| TooLong)?;
    let mut padded = Zeroizing::new(Vec::with_capacity(PADDED_LEN));
    padded.extend_from_slice(&len.to_be_bytes());
    padded.extend_from_slice(content);
    padded.resize(PADDED_LEN, 0);
    Ok(padded)
}

/// The content that was padded.
///
/// # Errors
///
/// [`Malformed`] for another total length, a length that points outside, or padding that is
/// not zeros: nothing may hide in it.
pub fn unpad(padded: &[u8]) -> Result<&[u8], Malformed> {
    if padded.len() != PADDED_LEN {
        return Err(Malformed);
    }
    let mut reader = Reader::new(padded);
    let len = reader.u16()?;
    let content = reader.bytes(len.into())?;
    if reader.rest().iter().any(|&byte| byte != 0) {
        return Err(Malformed);
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{PADDED_LEN, TooLong, UNPADDED_MAX, pad, unpad};
    use crate::wire::Malformed;

    #[test]
    fn one_byte_too_many_is_refused() {
        assert!(pad(&[1; UNPADDED_MAX]).is_ok());
        assert_eq!(pad(&[1; UNPADDED_MAX + 1]), Err(TooLong));
    }

    #[test]
    fn nothing_hides_in_the_padding() {
        let mut padded = pad(b"seen").unwrap();
        assert_eq!(unpad(&padded), Ok(b"seen".as_slice()));
        padded[PADDED_LEN - 1] = 1;
        assert_eq!(unpad(&padded), Err(Malformed));
        assert_eq!(unpad(&[0xFF; PADDED_LEN]), Err(Malformed));
        assert_eq!(unpad(&[0; PADDED_LEN + 1]), Err(Malformed));
    }

    proptest! {
        #[test]
        fn every_length_pads_to_the_same_and_comes_back(
            content in prop::collection::vec(any::<u8>(), 0..=UNPADDED_MAX),
        ) {
            let padded = pad(&content).unwrap();
            prop_assert_eq!(padded.len(), PADDED_LEN);
            prop_assert_eq!(unpad(&padded), Ok(content.as_slice()));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = unpad(&bytes);
        }
    }
}

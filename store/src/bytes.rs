//! Fixed layouts: a reader that never indexes past the end, and padding.

use zeroize::Zeroizing;

/// Reads fixed-width big-endian fields from the front of a slice.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// `Some` when nothing is left: trailing bytes are refused.
    pub(crate) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }
}

/// Next size step: powers of two from 64 to 4096, then multiples of 4096.
///
/// Values on disk have one of these lengths, so a length tells little.
pub(crate) fn step(len: usize) -> usize {
    if len <= 4096 {
        len.next_power_of_two().max(64)
    } else {
        len.div_ceil(4096).saturating_mul(4096)
    }
}

/// `u32be length || data || zeros`, up to the next step.
pub(crate) fn pad(data: &[u8]) -> Zeroizing<Vec<u8>> {
    let len = u32::try_from(data.len()).expect("records are far shorter than 4 GiB");
    let mut padded = Zeroizing::new(Vec::with_capacity(step(data.len().saturating_add(4))));
    padded.extend_from_slice(&len.to_be_bytes());
    padded.extend_from_slice(data);
    let whole = step(padded.len());
    padded.resize(whole, 0);
    padded
}

/// Undoes [`pad`]; the caller's bytes are authenticated, so the zeros are not looked at.
pub(crate) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(padded);
    let len = usize::try_from(reader.u32()?).ok()?;
    reader.take(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn padding_round_trips_and_hides_all_but_the_step(data: Vec<u8>) {
            let padded = pad(&data);
            assert_eq!(unpad(&padded), Some(data.as_slice()));
            assert_eq!(padded.len(), step(data.len() + 4));
        }

        #[test]
        fn unpadding_rubbish_never_panics(data: Vec<u8>) {
            let _ = unpad(&data);
        }
    }
}

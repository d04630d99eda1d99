//! Where messages end in a stream (RFC 8489 §6.2.2, RFC 8656 §12.5): they follow each
//! other without a gap, STUN by its length, ChannelData by its length up to the next 4.

use std::ops::Range;

use crate::wire::{WireError, framed_len};

/// The longest message that a stranger may begin, in bytes: any request is shorter. Who has
/// an allocation may send what the protocol allows.
const STRANGERS_MOST: usize = 2048;

/// Shows `hear` where in `bytes` every whole message at their beginning lies, and says how
/// many bytes these are. `knows` says, when asked, whether the sender has an allocation.
///
/// # Errors
/// [`WireError`] if what follows is no message, or a stranger's that is too long: then the
/// rest of the stream means nothing.
pub(super) fn hear_all<T>(
    bytes: &mut [u8],
    hearer: &mut T,
    knows: impl Fn(&T) -> bool,
    mut hear: impl FnMut(&mut T, &mut [u8], Range<usize>),
) -> Result<usize, WireError> {
    let mut from = 0;
    loop {
        let rest = bytes.get(from..).unwrap_or_default();
        let Some(len) = framed_len(rest)? else {
            return Ok(from);
        };
        if len > STRANGERS_MOST && !knows(hearer) {
            return Err(WireError::Length);
        }
        if rest.len() < len {
            return Ok(from);
        }
        hear(hearer, bytes, from..from + len);
        from += len;
    }
}

/// Whether this answers a request: the class bits of a success or an error.
pub(super) fn is_answer(message: &[u8]) -> bool {
    message
        .first()
        .is_some_and(|first| *first < 0x40 && first & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Class, Writer, attribute, channel_data, method};
    use proptest::prelude::*;

    /// Runs a stream through in reads of these lengths, as a connection does.
    fn read(stream: &[u8], reads: &[usize], known: bool) -> Result<Vec<Vec<u8>>, WireError> {
        let (mut heard, mut rest, mut at) = (Vec::new(), Vec::new(), 0);
        for len in reads.iter().copied().chain([stream.len()]) {
            let end = (at + len).min(stream.len());
            rest.extend_from_slice(&stream[at..end]);
            at = end;
            let used = hear_all(
                &mut rest,
                &mut heard,
                |_| known,
                |heard, bytes, range| heard.push(bytes[range].to_vec()),
            )?;
            rest.drain(..used);
        }
        Ok(heard)
    }

    fn request(len: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        Writer::new(&mut bytes, Class::Request, method::ALLOCATE, [1; 12])
            .attribute(attribute::USERNAME, &vec![7; len]);
        bytes
    }

    #[test]
    fn a_stranger_begins_nothing_long_and_nothing_else() {
        let long = request(2025);
        assert_eq!(read(&long[..4], &[], false), Err(WireError::Length));
        assert_eq!(read(&long, &[], true), Ok(vec![long]));
        let short = request(2024);
        assert_eq!(read(&short, &[3, 5], false), Ok(vec![short]));
        assert_eq!(
            read(&[0x40, 0, 0xff, 0xff], &[], false),
            Err(WireError::Length)
        );
        for bad in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"SSH-2.0",
        ] {
            assert!(read(bad, &[], false).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn answers_are_told_from_data() {
        let of = |class| {
            let mut bytes = Vec::new();
            Writer::new(&mut bytes, class, method::DATA, [1; 12]);
            is_answer(&bytes)
        };
        let classes = [
            Class::Success,
            Class::Error,
            Class::Indication,
            Class::Request,
        ];
        assert_eq!(classes.map(of), [true, true, false, false]);
        assert!(!is_answer(&[0x41, 1, 0, 0]) && !is_answer(&[]));
    }

    proptest! {
        /// However the network cuts a stream, the same messages come out.
        #[test]
        fn any_split_of_a_stream_says_the_same(
            messages in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..1500)), 1..12),
            reads in proptest::collection::vec(0..2000_usize, 0..40),
            known in any::<bool>(),
        ) {
            let messages: Vec<Vec<u8>> = messages
                .into_iter()
                .map(|(stun, data)| {
                    if stun {
                        return request(data.len());
                    }
                    let len = u16::try_from(data.len()).expect("short").to_be_bytes();
                    let mut message = [&[0x40, 1], &len[..], &data].concat();
                    assert_eq!(channel_data(&message), Some((0x4001, &data[..])));
                    message.resize(message.len().next_multiple_of(4), 0);
                    message
                })
                .collect();
            prop_assert_eq!(read(&messages.concat(), &reads, known), Ok(messages));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), reads in proptest::collection::vec(0..50_usize, 0..9)) {
            let _ = read(&bytes, &reads, true).is_ok();
        }
    }
}

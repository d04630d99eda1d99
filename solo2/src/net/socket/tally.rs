//! How many datagrams of which size went through the door.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// One kind of datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counted {
    /// Whether it left; else it arrived.
    pub(crate) sent: bool,
    /// Whether it is a STUN message: a check of ICE, or a request to a STUN server or relay.
    pub(crate) stun: bool,
    /// Bytes of UDP payload.
    pub(crate) size: usize,
}

/// What was counted since it was made.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<Counted, u64>>);

impl Tally {
    /// Counts the datagrams that one buffer holds, each of `segment` bytes but the last.
    pub(super) fn note(&self, sent: bool, buffer: &[u8], segment: usize) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for datagram in buffer.chunks(segment.max(1)) {
            let kind = Counted {
                sent,
                stun: is_stun(datagram),
                size: datagram.len(),
            };
            *counts.entry(kind).or_default() += 1;
        }
    }

    /// How many of each kind.
    pub(crate) fn counts(&self) -> Vec<(Counted, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(kind, count)| (*kind, *count)).collect()
    }
}

/// RFC 8489 §5: two zero bits, and the magic cookie.
fn is_stun(datagram: &[u8]) -> bool {
    matches!(datagram, [0..4, _, _, _, 0x21, 0x12, 0xa4, 0x42, ..] if datagram.len() >= 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_datagram_of_a_batch_counts() {
        let tally = Tally::default();
        tally.note(true, &[9; 3 * 1228 + 40], 1228);
        tally.note(true, &[9; 1228], 1228);
        let mut check = [0; 24];
        check[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        tally.note(false, &check, 24);
        tally.note(false, &check[..19], 19);
        let kind = |sent, stun, size| Counted { sent, stun, size };
        assert_eq!(
            tally.counts(),
            [
                (kind(false, false, 19), 1),
                (kind(false, true, 24), 1),
                (kind(true, false, 40), 1),
                (kind(true, false, 1228), 4),
            ]
        );
    }
}

//! The mask: every QUIC datagram becomes as many random-looking bytes as every other.
//!
//! ```text
//!   0        2                    2 + len                size - 12   size
//!   ┌────────┬─────────────────────┬───────────────────────┬──────────┐
//!   │ u16 len│ QUIC datagram       │ random padding        │  sample  │
//!   └────────┴─────────────────────┴───────────────────────┴──────────┘
//!   short header:  bytes 0..66      XOR ChaCha20(day key, nonce = sample)
//!   long header:   all but sample   XOR the same keystream, continued
//! ```
//!
//! The size is [`DATAGRAM_LEN`] on every network, and [`LOCAL_DATAGRAM_LEN`] where
//! there is none: between two programs on one machine.
//!
//! The sample is the end of QUIC's own ciphertext, or padding: random either way,
//! and never masked, so the receiver starts from it (as QUIC's header protection
//! does). A short-header packet is ciphertext after its first 64 bytes. Handshake
//! datagrams may carry several long headers, so they are masked whole; bit 7 of
//! the first QUIC byte tells which, once the first 66 bytes are open.
//!
//! The mask hides what the datagram is; it authenticates nothing. QUIC's AEAD does.
//!
//! **Which day?** The pair key rotates daily and the two clocks may disagree by a
//! day, so a receiver holds three. A QUIC connection begins with long headers that
//! spell out version 1: the first datagram in which a key reveals one fixes the
//! peer's key for this link, with odds of about 2^-40 to be wrong on noise. Until
//! then nothing else is let through. A link keeps its key for life.
//!
//! Spec: docs/protocol/3-links.md §6.

use std::sync::OnceLock;

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit as _, StreamCipher as _};
use rand::Rng as _;
use solo2_crypto::secret::Secret;

/// The size of every datagram that carries QUIC, in bytes of UDP payload.
pub(crate) const DATAGRAM_LEN: usize = 1228;

/// Its size on a path that does not leave this machine. Four fill what the kernel takes
/// at once, and the path's own limit is 65,535.
pub(crate) const LOCAL_DATAGRAM_LEN: usize = 16_000;

/// The largest QUIC datagram that fits into a datagram of `size` bytes.
pub(crate) const fn quic_max(size: usize) -> usize {
    size - LENGTH_LEN
}

/// Shorter than any QUIC packet: first byte, one byte of packet number, sample, tag.
const QUIC_MIN: usize = 20;

const LENGTH_LEN: usize = 2;
/// The length and the first 64 bytes of QUIC.
const HEAD_LEN: usize = LENGTH_LEN + 64;
const SAMPLE_LEN: usize = 12;

const LONG_HEADER: u8 = 0x80;
/// RFC 9000 §17: set in every packet, because we do not grease it.
const FIXED_BIT: u8 = 0x40;
const QUIC_V1: [u8; 4] = [0, 0, 0, 1];
/// RFC 9000 §17.2: a version 1 connection id is at most 20 bytes.
const MAX_CID_LEN: u8 = 20;

/// The pair's keys for yesterday, today and tomorrow.
pub(crate) struct MaskKeys([Secret<32>; 3]);

/// Index of our own day in [`MaskKeys`].
const TODAY: usize = 1;

impl MaskKeys {
    /// Takes the keys from `key(day - 1)`, `key(day)`, `key(day + 1)`; `day` counts from 1970-01-01.
    pub(crate) fn new(day: u64, mut key: impl FnMut(u64) -> Secret<32>) -> Self {
        Self([
            key(day.saturating_sub(1)),
            key(day),
            key(day.saturating_add(1)),
        ])
    }
}

/// Masks what one link sends, unmasks what it receives.
pub(crate) struct Mask {
    keys: MaskKeys,
    /// Which key the peer uses, once one of its datagrams has shown it.
    theirs: OnceLock<usize>,
}

impl Mask {
    pub(crate) fn new(keys: MaskKeys) -> Self {
        Self {
            keys,
            theirs: OnceLock::new(),
        }
    }

    /// Writes the masked form of `quic` over all of `out`, one of the two sizes; `false`, and
    /// nothing written, when it does not fit.
    ///
    /// `datagram = (len || quic || random) ^ keystream`, see the top of this file.
    #[must_use]
    pub(crate) fn mask(&self, quic: &[u8], out: &mut [u8]) -> bool {
        let Ok(len) = u16::try_from(quic.len()) else {
            return false;
        };
        let end = LENGTH_LEN + quic.len();
        if end > out.len() || !is_size(out.len()) {
            return false;
        }
        out[..LENGTH_LEN].copy_from_slice(&len.to_be_bytes());
        out[LENGTH_LEN..end].copy_from_slice(quic);
        if end < out.len() {
            rand::rng().fill_bytes(&mut out[end..]);
        }
        let long = quic.first().is_some_and(|first| first & LONG_HEADER != 0);
        let mut keystream = keystream(&self.keys.0[TODAY], out);
        let masked = if long { body_end(out) } else { HEAD_LEN };
        keystream.apply_keystream(&mut out[..masked]);
        true
    }

    /// Opens a received datagram in place: the QUIC datagram inside, or `None` for noise.
    pub(crate) fn unmask<'a>(&self, datagram: &'a mut [u8]) -> Option<&'a mut [u8]> {
        if !is_size(datagram.len()) {
            return None;
        }
        let index = match self.theirs.get() {
            Some(index) => *index,
            None => {
                let revealed = [TODAY, TODAY - 1, TODAY + 1]
                    .into_iter()
                    .find(|index| begins_a_connection(&self.keys.0[*index], datagram))?;
                *self.theirs.get_or_init(|| revealed)
            }
        };
        let mut keystream = keystream(&self.keys.0[index], datagram);
        keystream.apply_keystream(&mut datagram[..HEAD_LEN]);
        let len = usize::from(u16::from_be_bytes([datagram[0], datagram[1]]));
        let first = datagram[LENGTH_LEN];
        if !(QUIC_MIN..=quic_max(datagram.len())).contains(&len) || first & FIXED_BIT == 0 {
            return None;
        }
        if first & LONG_HEADER != 0 {
            let end = body_end(datagram);
            keystream.apply_keystream(&mut datagram[HEAD_LEN..end]);
        }
        datagram.get_mut(LENGTH_LEN..LENGTH_LEN + len)
    }
}

/// Whether a datagram of this length may hold QUIC.
pub(crate) fn is_size(len: usize) -> bool {
    len == DATAGRAM_LEN || len == LOCAL_DATAGRAM_LEN
}

/// Where the sample begins.
fn body_end(datagram: &[u8]) -> usize {
    datagram.len() - SAMPLE_LEN
}

fn keystream(key: &Secret<32>, datagram: &[u8]) -> ChaCha20 {
    let mut sample = [0; SAMPLE_LEN];
    sample.copy_from_slice(&datagram[body_end(datagram)..]);
    ChaCha20::new(key.expose().into(), &sample.into())
}

/// Whether `key` reveals a QUIC version 1 long header.
fn begins_a_connection(key: &Secret<32>, datagram: &[u8]) -> bool {
    let mut head = [0; HEAD_LEN];
    head.copy_from_slice(&datagram[..HEAD_LEN]);
    keystream(key, datagram).apply_keystream(&mut head);
    let len = usize::from(u16::from_be_bytes([head[0], head[1]]));
    (QUIC_MIN..=quic_max(datagram.len())).contains(&len)
        && head[2] & (LONG_HEADER | FIXED_BIT) == LONG_HEADER | FIXED_BIT
        && head[3..7] == QUIC_V1
        && head[7] <= MAX_CID_LEN
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUIC_MAX: usize = quic_max(DATAGRAM_LEN);
    const BODY_END: usize = DATAGRAM_LEN - SAMPLE_LEN;

    fn keys(pair: u8, day: u64) -> MaskKeys {
        MaskKeys::new(day, |day| {
            Secret::fill(|place| {
                place[0] = pair;
                place[1..9].copy_from_slice(&day.to_be_bytes());
            })
        })
    }

    fn long_header(len: usize) -> Vec<u8> {
        let mut quic = vec![0x5a; len];
        quic[..6].copy_from_slice(&[0xc3, 0, 0, 0, 1, 8]);
        quic
    }

    fn masked(mask: &Mask, quic: &[u8]) -> [u8; DATAGRAM_LEN] {
        let mut out = [0; DATAGRAM_LEN];
        assert!(mask.mask(quic, &mut out));
        out
    }

    /// A receiver that has seen the start of a connection of `sender`.
    fn met(sender: &Mask, receiver: Mask) -> Mask {
        let mut first = masked(sender, &long_header(QUIC_MAX));
        assert!(receiver.unmask(&mut first).is_some());
        receiver
    }

    #[test]
    fn every_length_round_trips_and_leaves_as_1228_bytes() {
        let sender = Mask::new(keys(1, 20_000));
        let receiver = met(&sender, Mask::new(keys(1, 20_000)));
        for len in QUIC_MIN..=QUIC_MAX {
            let mut short = vec![0xa5; len];
            short[0] = 0x41;
            for quic in [short, long_header(len)] {
                let mut wire = masked(&sender, &quic);
                assert_eq!(receiver.unmask(&mut wire).as_deref(), Some(&quic[..]));
            }
        }
        assert!(!sender.mask(&[0x41; QUIC_MAX + 1], &mut [0; DATAGRAM_LEN]));
        assert!(!sender.mask(&[0x41; 70_000], &mut [0; DATAGRAM_LEN]));
    }

    #[test]
    fn clocks_a_day_apart_still_meet_and_two_days_do_not() {
        for (theirs, meets) in [
            (19_998, false),
            (19_999, true),
            (20_001, true),
            (20_002, false),
        ] {
            let sender = Mask::new(keys(1, theirs));
            let receiver = Mask::new(keys(1, 20_000));
            let mut first = masked(&sender, &long_header(1_200));
            assert_eq!(receiver.unmask(&mut first).is_some(), meets, "day {theirs}");
        }
    }

    #[test]
    fn nothing_passes_before_a_connection_has_begun() {
        let sender = Mask::new(keys(1, 20_000));
        let receiver = Mask::new(keys(1, 20_000));
        let mut short = vec![0x41; 300];
        short[1..5].copy_from_slice(&QUIC_V1);
        assert!(receiver.unmask(&mut masked(&sender, &short)).is_none());
        assert!(
            receiver
                .unmask(&mut masked(&sender, &long_header(300)))
                .is_some()
        );
        assert!(receiver.unmask(&mut masked(&sender, &short)).is_some());
    }

    #[test]
    fn a_handshake_datagram_shows_nothing_of_itself() {
        let sender = Mask::new(keys(1, 20_000));
        // Coalesced: a second long header far behind the first 64 bytes.
        let mut quic = long_header(1_200);
        let second = long_header(600);
        quic[600..].copy_from_slice(&second);
        let wire = masked(&sender, &quic);
        assert!(!wire.windows(8).any(|window| window == &second[..8]));
        assert!(!wire.windows(8).any(|window| window == [0x5a; 8]));
    }

    #[test]
    fn equal_packets_do_not_look_equal() {
        let sender = Mask::new(keys(1, 20_000));
        let ack = [0x41; 40];
        let (one, two) = (masked(&sender, &ack), masked(&sender, &ack));
        assert_ne!(one[..HEAD_LEN], two[..HEAD_LEN]);
        assert_ne!(one[BODY_END..], two[BODY_END..]);
    }

    proptest! {
        #[test]
        fn a_batch_of_segments_round_trips(
            lens in prop::collection::vec(QUIC_MIN..=QUIC_MAX, 1..10), fill: u8
        ) {
            let sender = Mask::new(keys(1, 20_000));
            let receiver = met(&sender, Mask::new(keys(1, 20_000)));
            let mut batch = vec![0; DATAGRAM_LEN * lens.len()];
            for (len, out) in lens.iter().zip(batch.chunks_exact_mut(DATAGRAM_LEN)) {
                let mut quic = vec![fill; *len];
                quic[0] = 0x47;
                prop_assert!(sender.mask(&quic, out));
            }
            for (len, wire) in lens.iter().zip(batch.chunks_exact_mut(DATAGRAM_LEN)) {
                let quic = receiver.unmask(wire).expect("our own datagram opens");
                prop_assert_eq!(quic.len(), *len);
                prop_assert!(quic[1..].iter().all(|byte| *byte == fill));
            }
        }

        #[test]
        fn a_wrong_key_opens_nothing_and_never_panics(len in QUIC_MIN..=QUIC_MAX, pair in 2u8..) {
            let sender = Mask::new(keys(1, 20_000));
            let stranger = Mask::new(keys(pair, 20_000));
            prop_assert!(stranger.unmask(&mut masked(&sender, &long_header(len))).is_none());
        }

        #[test]
        fn noise_of_any_size_never_panics(mut noise in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let sender = Mask::new(keys(1, 20_000));
            let fresh = Mask::new(keys(1, 20_000));
            prop_assert!(fresh.unmask(&mut noise.clone()).is_none());
            noise.resize(DATAGRAM_LEN, 7);
            prop_assert!(fresh.unmask(&mut noise.clone()).is_none());
            let met = met(&sender, Mask::new(keys(1, 20_000)));
            if let Some(quic) = met.unmask(&mut noise) {
                prop_assert!(quic.len() <= QUIC_MAX);
            }
        }
    }
}

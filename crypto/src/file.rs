//! Files: the key of one attempt to send one, its chunks sealed in order, and its padded length.
//!
//! ```text
//! attempt key = HKDF(salt, file key, "solo2/file" || file id 16 || offset u64be)
//! chunk i     = AES-256-GCM[attempt key](0^3 || i u64be || last u8, at most 64 KiB) || tag 16
//! ```
//!
//! The chunks are STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: *Online
//! Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance*, 2015): a counter and a
//! flag in the nonce, so that none can be swapped, left out or added, nor the end cut off.
//! The sender draws `salt` for each attempt: the counter may begin at 0 again, and a file
//! that changed in between meets no nonce twice.
//!
//! What the chunks hold, where they go and whether a file arrived whole is the caller's.
//! Spec: docs/protocol/6-files.md; NIST SP 800-38D.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use rand_core::CryptoRng;

use crate::kdf;
use crate::label;
use crate::secret::Secret;

/// Bytes of plaintext in a chunk at most.
pub const CHUNK_LEN: usize = 64 * 1024;
/// Bytes that sealing adds to a chunk.
pub const TAG_LEN: usize = 16;
/// Chunks under one key at most: 256 TiB. NIST SP 800-38D §8.3 would allow no more even with
/// random nonces, and AES's 128-bit blocks stay far from their birthday bound.
pub const MAX_CHUNKS: u64 = 1 << 32;

/// Why a chunk was not sealed or not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Over [`CHUNK_LEN`].
    #[error("chunk longer than {CHUNK_LEN} bytes")]
    TooLong,
    /// Over [`MAX_CHUNKS`].
    #[error("more than {MAX_CHUNKS} chunks")]
    TooMany,
    /// The last chunk has been, and nothing comes after it.
    #[error("chunk after the last one")]
    Ended,
    /// The tag did not match: another key, place or flag, or a damaged chunk.
    #[error("decryption failed")]
    Open,
}

/// What opens one file: drawn by its sender, told inside the ratchet, wiped on drop.
///
/// Unlike [`Secret`] it is part of a content that can be cloned and compared (in constant
/// time); like it, it has no `Debug`.
pub struct FileKey(Secret<32>);

impl FileKey {
    /// Takes over bytes that the caller already holds; the caller's copy is its own to wipe.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// Draws the key of a new file.
    pub fn random<R: CryptoRng>(rng: &mut R) -> Self {
        Self(Secret::random(rng))
    }

    /// The key as the [`Secret`] that it is.
    #[must_use]
    pub fn secret(&self) -> Secret<32> {
        self.0.duplicate()
    }

    /// The bytes themselves, to be encoded into what is sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

impl Clone for FileKey {
    fn clone(&self) -> Self {
        Self(self.0.duplicate())
    }
}

impl PartialEq for FileKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.same_as(&other.0)
    }
}

impl Eq for FileKey {}

/// `HKDF(salt, file_key, "solo2/file" || id || offset u64be)`: the key of one attempt to send
/// the file `id` from `offset` on. `salt` is the sender's, fresh for each attempt.
#[must_use]
pub fn attempt_key(
    file_key: &Secret<32>,
    id: &[u8; 16],
    salt: &[u8; 32],
    offset: u64,
) -> Secret<32> {
    let info = [label::FILE, id, &offset.to_be_bytes()];
    kdf::hkdf(salt, file_key.expose(), &info)
}

/// `HMAC-SHA256(file_key, "solo2/file/prefix" || id || offset u64be || hash)`: shows the sender
/// what the receiver has of the file, and nobody else anything. `hash` is the BLAKE3 of the
/// first `offset` bytes, by which a guess at them could be confirmed.
#[must_use]
pub fn prefix_proof(
    file_key: &Secret<32>,
    id: &[u8; 16],
    offset: u64,
    hash: &[u8; 32],
) -> Secret<32> {
    let parts = [label::FILE_PREFIX, id, &offset.to_be_bytes(), hash];
    kdf::hmac(file_key.expose(), &parts)
}

/// The sending side of one attempt: chunks in order, the last one marked.
pub struct Sealer(Stream);

impl Sealer {
    /// Starts at chunk 0. The key must never have sealed before: see [`attempt_key`].
    #[must_use]
    pub fn new(key: Secret<32>) -> Self {
        Self(Stream::new(&key))
    }

    /// Seals the next chunk in place and appends its tag. Room for [`TAG_LEN`] bytes more
    /// keeps the vector where it is.
    ///
    /// # Errors
    ///
    /// [`FileError`] other than `Open`; chunk and state are as before.
    pub fn seal(&mut self, chunk: &mut Vec<u8>, last: bool) -> Result<(), FileError> {
        self.0
            .step(last, |cipher, index| cipher.seal_at(index, last, chunk))
    }
}

/// The receiving side of one attempt.
pub struct Opener(Stream);

impl Opener {
    /// Starts at chunk 0.
    #[must_use]
    pub fn new(key: Secret<32>) -> Self {
        Self(Stream::new(&key))
    }

    /// Opens the next chunk in place and takes its tag off. A file is whole only when a chunk
    /// has opened as the last one.
    ///
    /// # Errors
    ///
    /// [`FileError`]; the bytes are as they came and the state is as before.
    pub fn open(&mut self, sealed: &mut Vec<u8>, last: bool) -> Result<(), FileError> {
        self.0
            .step(last, |cipher, index| cipher.open_at(index, last, sealed))
    }
}

/// Chunks sealed by their number, in any order.
///
/// The caller answers for the nonce: under one key, no number and flag may ever seal two
/// different plaintexts. [`Sealer`] keeps that by counting.
pub struct ChunkCipher(Aes256Gcm);

impl ChunkCipher {
    /// Expands the key once for all chunks.
    #[must_use]
    pub fn new(key: &Secret<32>) -> Self {
        Self(Aes256Gcm::new(key.expose().into()))
    }

    /// Seals chunk `index` in place and appends its tag.
    ///
    /// # Errors
    ///
    /// [`FileError::TooLong`], [`FileError::TooMany`]; the chunk is as before.
    ///
    /// # Panics
    ///
    /// Never: a chunk is far under the cipher's limit of 64 GiB.
    pub fn seal_at(&self, index: u64, last: bool, chunk: &mut Vec<u8>) -> Result<(), FileError> {
        if chunk.len() > CHUNK_LEN {
            return Err(FileError::TooLong);
        }
        let nonce = nonce(index, last)?;
        let tag = self
            .0
            .encrypt_inout_detached(&nonce.into(), b"", chunk.as_mut_slice().into())
            .expect("a chunk is shorter than 64 GiB");
        chunk.extend_from_slice(&tag);
        Ok(())
    }

    /// Opens chunk `index` in place and takes its tag off.
    ///
    /// # Errors
    ///
    /// [`FileError`] other than `Ended`; the bytes are as they came.
    pub fn open_at(&self, index: u64, last: bool, sealed: &mut Vec<u8>) -> Result<(), FileError> {
        if sealed.len() > CHUNK_LEN + TAG_LEN {
            return Err(FileError::TooLong);
        }
        let nonce = nonce(index, last)?;
        let (body, tag) = sealed
            .split_last_chunk_mut::<TAG_LEN>()
            .ok_or(FileError::Open)?;
        let tag = *tag;
        let len = body.len();
        self.0
            .decrypt_inout_detached(&nonce.into(), b"", body.into(), &tag.into())
            .map_err(|_| FileError::Open)?;
        sealed.truncate(len);
        Ok(())
    }
}

/// A cipher and the number of the chunk that comes next.
struct Stream {
    cipher: ChunkCipher,
    /// `None` after the last chunk.
    next: Option<u64>,
}

impl Stream {
    fn new(key: &Secret<32>) -> Self {
        Self {
            cipher: ChunkCipher::new(key),
            next: Some(0),
        }
    }

    fn step(
        &mut self,
        last: bool,
        work: impl FnOnce(&ChunkCipher, u64) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        let index = self.next.ok_or(FileError::Ended)?;
        work(&self.cipher, index)?;
        self.next = if last { None } else { index.checked_add(1) };
        Ok(())
    }
}

/// `0^3 || index u64be || last u8`.
fn nonce(index: u64, last: bool) -> Result<[u8; 12], FileError> {
    if index >= MAX_CHUNKS {
        return Err(FileError::TooMany);
    }
    let [a, b, c, d, e, f, g, h] = index.to_be_bytes();
    Ok([0, 0, 0, a, b, c, d, e, f, g, h, u8::from(last)])
}

/// Padmé: the length that a file of `len` bytes shows, at most 12 % more than it has.
///
/// Nikitin, Barman, Lueks, Underwood, Hubaux, Ford: *Reducing Metadata Leakage from Encrypted
/// Files and Communication with PURBs*, 2019, §4. With `E = floor(log2 len)` and
/// `S = floor(log2 E) + 1` the low `E - S` bits are rounded up to zeros, so a length tells
/// `O(log log len)` bits. Where that passes 64 bits, `u64::MAX`.
#[must_use]
pub fn padme(len: u64) -> u64 {
    let Some(bits) = len.checked_ilog2().and_then(u32::checked_ilog2) else {
        // 0 and 1 have nothing to round.
        return len;
    };
    let rounded = len.ilog2().saturating_sub(bits + 1);
    let mask = (1 << rounded) - 1;
    len.checked_add(mask).map_or(u64::MAX, |len| len & !mask)
}

#[cfg(test)]
mod tests {
    use aes_gcm::aead::{Aead as _, AeadInOut as _};
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn sealer() -> Sealer {
        Sealer::new(Secret::new(&KEY))
    }

    fn opener() -> Opener {
        Opener::new(Secret::new(&KEY))
    }

    /// `chunks` sealed in order, the last one marked.
    fn sealed(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut sealer = sealer();
        let seal = |(at, chunk): (usize, &&[u8])| {
            let mut chunk = chunk.to_vec();
            sealer.seal(&mut chunk, at + 1 == chunks.len()).unwrap();
            chunk
        };
        chunks.iter().enumerate().map(seal).collect()
    }

    /// Whether a fresh opener takes all of `sealed`, the last one as the last.
    fn opens(sealed: &[Vec<u8>]) -> bool {
        let mut opener = opener();
        sealed.iter().enumerate().all(|(at, chunk)| {
            let mut chunk = chunk.clone();
            opener.open(&mut chunk, at + 1 == sealed.len()).is_ok()
        })
    }

    #[test]
    fn nonces_are_a_counter_and_a_flag_as_the_protocol_says() {
        let cipher = Aes256Gcm::new((&KEY).into());
        let nonces: [[u8; 12]; 3] = [
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1],
        ];
        let chunks: [&[u8]; 3] = [b"first", b"second", b"third"];
        for ((sealed, nonce), chunk) in sealed(&chunks).iter().zip(nonces).zip(chunks) {
            let made_by_hand = cipher.encrypt(&nonce.into(), chunk).unwrap();
            assert_eq!(*sealed, made_by_hand);
        }

        let mut far = b"far".to_vec();
        ChunkCipher::new(&Secret::new(&KEY))
            .seal_at(0xA1B2_C3D4, false, &mut far)
            .unwrap();
        let nonce = [0, 0, 0, 0, 0, 0, 0, 0xA1, 0xB2, 0xC3, 0xD4, 0];
        let mut made_by_hand = b"far".to_vec();
        let tag = cipher
            .encrypt_inout_detached(&nonce.into(), b"", made_by_hand.as_mut_slice().into())
            .unwrap();
        made_by_hand.extend_from_slice(&tag);
        assert_eq!(far, made_by_hand);
    }

    #[test]
    fn the_attempt_key_is_the_protocols_hkdf() {
        use hkdf::Hkdf;
        use sha2::Sha256;

        let key = attempt_key(
            &Secret::new(&KEY),
            &[1; 16],
            &[2; 32],
            0x0102_0304_0506_0708,
        );
        let mut info = b"solo2/file".to_vec();
        info.extend([1; 16]);
        info.extend([1, 2, 3, 4, 5, 6, 7, 8]);
        let mut expected = [0; 32];
        Hkdf::<Sha256>::new(Some(&[2; 32]), &KEY)
            .expand(&info, &mut expected)
            .unwrap();
        assert_eq!(key.expose(), &expected);
    }

    #[test]
    fn another_file_salt_offset_or_key_opens_nothing() {
        let key = |file: u8, id: u8, salt: u8, offset| {
            attempt_key(&Secret::new(&[file; 32]), &[id; 16], &[salt; 32], offset)
        };
        let mut sealed = b"chunk".to_vec();
        Sealer::new(key(1, 2, 3, 4))
            .seal(&mut sealed, true)
            .unwrap();
        let open = |key| Opener::new(key).open(&mut sealed.clone(), true);
        assert_eq!(open(key(1, 2, 3, 4)), Ok(()));
        for other in [
            key(0, 2, 3, 4),
            key(1, 0, 3, 4),
            key(1, 2, 0, 4),
            key(1, 2, 3, 0),
        ] {
            assert_eq!(open(other), Err(FileError::Open));
        }
    }

    #[test]
    fn order_number_and_end_of_chunks_are_authentic() {
        let good = sealed(&[b"one", b"two", b"three"]);
        assert!(opens(&good));
        let pick = |places: &[usize]| -> Vec<Vec<u8>> {
            places.iter().map(|&at| good[at].clone()).collect()
        };
        for changed in [
            &[1, 0, 2][..],
            &[0, 2, 1],
            &[0, 1],       // the end cut off
            &[0, 2],       // one left out
            &[1, 2],       // the start cut off
            &[0, 0, 2],    // one twice
            &[0, 1, 2, 2], // one added
        ] {
            assert!(!opens(&pick(changed)), "{changed:?}");
        }
        let mut opener = opener();
        assert_eq!(
            opener.open(&mut good[0].clone(), true),
            Err(FileError::Open)
        );
        assert_eq!(opener.open(&mut good[0].clone(), false), Ok(()));
        assert_eq!(opener.open(&mut good[1].clone(), false), Ok(()));
        assert_eq!(
            opener.open(&mut good[2].clone(), false),
            Err(FileError::Open)
        );
        assert_eq!(opener.open(&mut good[2].clone(), true), Ok(()));
    }

    #[test]
    fn after_the_last_chunk_nothing_is_sealed_or_opened() {
        let (mut sealer, mut opener) = (sealer(), opener());
        let mut chunk = b"all".to_vec();
        sealer.seal(&mut chunk, true).unwrap();
        opener.open(&mut chunk, true).unwrap();
        for last in [false, true] {
            let mut more = b"more".to_vec();
            assert_eq!(sealer.seal(&mut more, last), Err(FileError::Ended));
            assert_eq!(more, b"more");
            assert_eq!(opener.open(&mut more, last), Err(FileError::Ended));
        }
    }

    #[test]
    fn a_refused_chunk_changes_nothing() {
        let (mut sealer, mut opener) = (sealer(), opener());
        let mut long = vec![1; CHUNK_LEN + 1];
        assert_eq!(sealer.seal(&mut long, true), Err(FileError::TooLong));
        assert!(long == [1; CHUNK_LEN + 1]);

        let mut good = b"good".to_vec();
        sealer.seal(&mut good, false).unwrap();
        let mut damaged = good.clone();
        damaged[0] ^= 1;
        let before = damaged.clone();
        assert_eq!(opener.open(&mut damaged, false), Err(FileError::Open));
        assert_eq!(damaged, before);
        let mut long = vec![0; CHUNK_LEN + TAG_LEN + 1];
        assert_eq!(opener.open(&mut long, false), Err(FileError::TooLong));
        assert_eq!(
            opener.open(&mut vec![0; TAG_LEN - 1], false),
            Err(FileError::Open)
        );
        assert_eq!(opener.open(&mut Vec::new(), true), Err(FileError::Open));
        opener.open(&mut good, false).unwrap();
        assert_eq!(good, b"good");
    }

    #[test]
    fn the_counter_ends_before_it_could_repeat() {
        let mut sealer = sealer();
        sealer.0.next = Some(MAX_CHUNKS - 1);
        assert_eq!(sealer.seal(&mut b"fits".to_vec(), false), Ok(()));
        let mut chunk = b"does not".to_vec();
        assert_eq!(sealer.seal(&mut chunk, true), Err(FileError::TooMany));
        assert_eq!(chunk, b"does not");
        let cipher = ChunkCipher::new(&Secret::new(&KEY));
        let mut sealed = vec![0; 20];
        let beyond = cipher.open_at(u64::MAX, false, &mut sealed);
        assert_eq!(beyond, Err(FileError::TooMany));
    }

    #[test]
    fn padme_is_the_papers() {
        // By hand: E = floor(log2 L), S = floor(log2 E) + 1, rounded up to 2^(E - S).
        for (len, padded) in [
            (0, 0),
            (1, 1),
            (2, 2),
            (7, 7),
            (8, 8),                         // E 3, S 2: even numbers
            (9, 10),                        // the paper's worst case, 11.1 %
            (100, 104),                     // E 6, S 3: eights
            (1000, 1024),                   // E 9, S 4: 32s
            (65_536, 65_536),               // E 16, S 5: 2048s
            (65_537, 67_584),               //
            (1_000_000, 1_015_808),         // E 19, S 5: 62 of 16,384
            (1_073_741_825, 1_107_296_256), // E 30, S 5: 33 of 2^25
            (4_294_967_297, 4_362_076_160), // E 32, S 6: 65 of 2^26
            (1 << 63, 1 << 63),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(padme(len), padded, "{len}");
        }
    }

    /// Lengths around the bounds of a chunk, and any in between.
    fn chunk_len() -> impl Strategy<Value = usize> {
        prop_oneof![0..=33usize, CHUNK_LEN - 33..=CHUNK_LEN, 0..=CHUNK_LEN]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_length_comes_back(lens in prop::collection::vec(chunk_len(), 1..4), fill: u8) {
            let chunks: Vec<Vec<u8>> = lens.iter().map(|&len| vec![fill; len]).collect();
            let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            let mut opener = opener();
            for (at, mut bytes) in sealed(&slices).into_iter().enumerate() {
                prop_assert_eq!(bytes.len(), lens[at] + TAG_LEN);
                opener.open(&mut bytes, at + 1 == lens.len()).unwrap();
                prop_assert!(bytes == chunks[at]);
            }
        }

        #[test]
        fn any_flipped_bit_and_any_cut_is_refused(
            len in chunk_len(),
            place in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            let good = sealed(&[&vec![5; len]]).remove(0);
            let place = place.index(good.len());
            let mut flipped = good.clone();
            flipped[place] ^= 1 << bit;
            prop_assert_eq!(opener().open(&mut flipped, true), Err(FileError::Open));
            let mut cut = good[..place].to_vec();
            prop_assert_eq!(opener().open(&mut cut, true), Err(FileError::Open));
        }

        #[test]
        fn chunks_open_by_their_number_in_any_order(index in 0..MAX_CHUNKS, other in 0..MAX_CHUNKS) {
            let cipher = ChunkCipher::new(&Secret::new(&KEY));
            let mut sealed = b"chunk".to_vec();
            cipher.seal_at(index, false, &mut sealed).unwrap();
            if other != index {
                let elsewhere = cipher.open_at(other, false, &mut sealed.clone());
                prop_assert_eq!(elsewhere, Err(FileError::Open));
            }
            cipher.open_at(index, false, &mut sealed).unwrap();
            prop_assert_eq!(sealed, b"chunk");
        }
    }

    proptest! {
        #[test]
        fn padme_adds_twelve_percent_at_most(len: u64, shift in 0..64u32) {
            let len = len >> shift;
            let padded = padme(len);
            prop_assert!(padded >= len);
            prop_assert!(u128::from(padded - len) * 100 <= u128::from(len) * 12);
            prop_assert_eq!(padme(padded), padded);
            prop_assert!(padme(len.saturating_sub(1)) <= padded);
        }
    }
}

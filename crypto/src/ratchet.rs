//! The Double Ratchet with header encryption, hybrid: X25519 and ML-KEM-768 in every turn.
//!
//! Give it padded content, get an envelope; give it an envelope, get padded content.
//! Padding, identities, storage and transports are not this module's concern.
//! Spec: docs/protocol/2-session.md §3; the Signal specification "The Double Ratchet
//! Algorithm", §4, whose names are kept where they help.
//!
//! ```text
//! envelope = enc_header 2353 || body (40 more than the padded content)
//!
//!                 encrypt ──► sending chain steps, envelope
//!   Ratchet ──┬── decrypt ──► receiving chain steps, or both sides' keys turn
//!             └── any error ─► nothing has changed, not one byte
//! ```

mod chain;
mod header;
mod kem;
mod keys;
mod root;
mod skipped;
mod state;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

pub use self::chain::MAX_SKIP;
pub use self::keys::{
    KeyError, RATCHET_PUBLIC_LEN, RATCHET_SECRET_LEN, RatchetKeys, RatchetPublic,
};
pub use self::skipped::{MAX_SKIPPED, MAX_SKIPPED_CHAINS, SKIPPED_LIFETIME_SECS};
pub use self::state::RestoreError;

use self::chain::{ChainKey, Forward, MessageKey, ReceivingChain, SendingChain, TooFar};
use self::header::{Header, SEALED_HEADER_LEN};
use self::root::{Initial, Turn};
use self::skipped::SkippedKeys;
use crate::aead::{self, OpenError, SEAL_OVERHEAD};
use crate::secret::Secret;

/// Bytes that an envelope adds to the padded content, always.
pub const ENVELOPE_OVERHEAD: usize = SEALED_HEADER_LEN + SEAL_OVERHEAD;

/// Nothing was encrypted, nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncryptError {
    /// The responder cannot send before the initiator's first message has arrived.
    #[error("the peer's first message has not arrived yet")]
    NotYet,
    /// 2^32 - 1 messages went out without one answer.
    #[error("too many messages without an answer")]
    Exhausted,
}

/// Nothing was decrypted, nothing has changed. To a peer, every one of these looks alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// Too short to be an envelope.
    #[error("not an envelope")]
    Length,
    /// No header key of ours opens it: garbage, another session's, or from a chain long done.
    #[error("no key opens this envelope")]
    UnknownHeader,
    /// Its key was used or has expired: it arrived before, or far too late.
    #[error("this envelope was opened before or came too late")]
    NoKey,
    /// More than [`MAX_SKIP`] messages of one chain are missing.
    #[error("too many messages are missing before this one")]
    TooFar,
    /// The header is authentic but says what no honest peer says.
    #[error("invalid header")]
    Header,
    /// The header is authentic but the body is not.
    #[error("decryption failed")]
    Body,
}

impl From<TooFar> for DecryptError {
    fn from(TooFar: TooFar) -> Self {
        Self::TooFar
    }
}

/// One side of a conversation.
///
/// Encrypting and decrypting move it forward; persist [`Ratchet::to_bytes`] *before* an
/// envelope leaves and together with what an envelope held.
pub struct Ratchet {
    ad: Vec<u8>,
    root: Secret<32>,
    ours: RatchetKeys,
    sending: Option<SendingChain>,
    next_sending_header_key: Secret<32>,
    receiving: Option<ReceivingChain>,
    next_receiving_header_key: Secret<32>,
    skipped: SkippedKeys,
    sent: u64,
    received: u64,
}

impl Ratchet {
    /// Alice: who knows the peer's first ratchet key and can send at once.
    ///
    /// Draws [`RatchetKeys::generate`]'s 96 bytes, then 32 for the encapsulation.
    ///
    /// # Errors
    ///
    /// [`KeyError::SmallOrder`] if their X25519 key yields an all-zero secret.
    pub fn initiator<R: CryptoRng>(
        sk: &Secret<32>,
        ad: &[u8],
        theirs: &RatchetPublic,
        rng: &mut R,
    ) -> Result<Self, KeyError> {
        let initial = Initial::derive(sk);
        let ours = RatchetKeys::generate(rng);
        let dh = ours.agree(&theirs.dh())?;
        let (ciphertext, shared) = theirs.encapsulate(rng);
        let turn = root::turn(&initial.root, &dh, &shared);
        Ok(Self {
            ad: ad.to_vec(),
            root: turn.root,
            ours,
            sending: Some(SendingChain {
                key: ChainKey::new(turn.chain),
                header_key: initial.header_key_a,
                number: 0,
                previous: 0,
                ciphertext,
            }),
            next_sending_header_key: turn.next_header_key,
            receiving: None,
            next_receiving_header_key: initial.next_header_key_b,
            skipped: SkippedKeys::default(),
            sent: 0,
            received: 0,
        })
    }

    /// Bob: whose first ratchet key the peer knows; can send once the first message is in.
    #[must_use]
    pub fn responder(sk: &Secret<32>, ad: &[u8], ours: RatchetKeys) -> Self {
        let initial = Initial::derive(sk);
        Self {
            ad: ad.to_vec(),
            root: initial.root,
            ours,
            sending: None,
            next_sending_header_key: initial.next_header_key_b,
            receiving: None,
            next_receiving_header_key: initial.header_key_a,
            skipped: SkippedKeys::default(),
            sent: 0,
            received: 0,
        }
    }

    /// Whether [`Ratchet::encrypt`] has a chain to send on.
    #[must_use]
    pub fn can_send(&self) -> bool {
        self.room() > 0
    }

    /// Messages encrypted in this ratchet's lifetime.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Messages decrypted in this ratchet's lifetime.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Keys kept for messages that have not arrived.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped.len()
    }

    /// `enc_header || body` for `padded`, [`ENVELOPE_OVERHEAD`] bytes longer than it.
    ///
    /// Draws the header's nonce, then the body's, 24 bytes each.
    ///
    /// # Errors
    ///
    /// [`EncryptError`]; the state is then as it was.
    pub fn encrypt<R: CryptoRng>(
        &mut self,
        padded: &[u8],
        rng: &mut R,
    ) -> Result<Vec<u8>, EncryptError> {
        let sending = self.sending.as_mut().ok_or(EncryptError::NotYet)?;
        let next_number = sending
            .number
            .checked_add(1)
            .ok_or(EncryptError::Exhausted)?;
        let mut envelope = header::seal(
            &sending.header_key,
            self.ours.public_bytes(),
            sending.previous,
            sending.number,
            &sending.ciphertext,
            rng,
        );
        let key = sending.key.message_key().cipher_key();
        let ad = [self.ad.as_slice(), &envelope].concat();
        let body = aead::seal(&key, padded, &ad, rng);
        envelope.extend_from_slice(&body);

        sending.key = sending.key.next();
        sending.number = next_number;
        self.sent = self.sent.saturating_add(1);
        Ok(envelope)
    }

    /// The padded content of `envelope`.
    ///
    /// `now_secs` dates the keys of messages that this one overtook. When the peer has turned,
    /// so do we: that draws [`RatchetKeys::generate`]'s 96 bytes, then 32 for the encapsulation.
    ///
    /// # Errors
    ///
    /// [`DecryptError`]; the state is then as it was.
    pub fn decrypt<R: CryptoRng>(
        &mut self,
        envelope: &[u8],
        now_secs: u64,
        rng: &mut R,
    ) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let opened = self.open(envelope, now_secs, rng)?;
        Ok(self.accept(opened))
    }

    /// Destroys the keys of messages overdue by [`SKIPPED_LIFETIME_SECS`]; every accepted
    /// envelope does so too. Tells whether the state has changed.
    pub fn drop_expired(&mut self, now_secs: u64) -> bool {
        self.skipped.drop_expired(now_secs)
    }

    /// How many messages can be encrypted before the peer must answer.
    pub(crate) fn room(&self) -> u32 {
        self.sending
            .as_ref()
            .map_or(0, |sending| u32::MAX - sending.number)
    }

    /// Decrypts without changing anything: what would change is in the answer.
    pub(crate) fn open<R: CryptoRng>(
        &self,
        envelope: &[u8],
        now_secs: u64,
        rng: &mut R,
    ) -> Result<Opened, DecryptError> {
        let envelope = Envelope::parse(envelope).ok_or(DecryptError::Length)?;
        let (plaintext, change) = if let Some((chain, bytes)) = self.open_current(&envelope) {
            let header = parse(&bytes)?;
            if header.number < chain.number {
                let place = self.skipped.place_of(&chain.header_key);
                self.open_skipped(&envelope, place, header.number, now_secs)?
            } else {
                self.open_forward(&envelope, chain, header.number)?
            }
        } else if let Ok(bytes) = header::open(&self.next_receiving_header_key, envelope.header) {
            self.open_turn(&envelope, &parse(&bytes)?, rng)?
        } else if let Some((place, bytes)) = self.skipped.open_header(envelope.header) {
            let number = parse(&bytes)?.number;
            self.open_skipped(&envelope, Some(place), number, now_secs)?
        } else {
            return Err(DecryptError::UnknownHeader);
        };
        Ok(Opened {
            plaintext,
            change,
            now_secs,
        })
    }

    /// Makes the change that [`Ratchet::open`] found, on the same state. Cannot fail.
    pub(crate) fn accept(&mut self, opened: Opened) -> Zeroizing<Vec<u8>> {
        let now_secs = opened.now_secs;
        match opened.change {
            Change::Skipped { place, number } => self.skipped.remove(place, number),
            Change::Forward { skipped, chain } => {
                self.skipped.insert(&chain.header_key, skipped, now_secs);
                self.receiving = Some(chain);
            }
            Change::Turn(next) => {
                if let Some(old) = &self.receiving {
                    self.skipped
                        .insert(&old.header_key, next.skipped_before, now_secs);
                }
                self.skipped
                    .insert(&next.receiving.header_key, next.skipped, now_secs);
                self.root = next.root;
                self.ours = next.ours;
                self.sending = Some(next.sending);
                self.next_sending_header_key = next.next_sending_header_key;
                self.receiving = Some(next.receiving);
                self.next_receiving_header_key = next.next_receiving_header_key;
            }
        }
        self.skipped.drop_expired(now_secs);
        self.received = self.received.saturating_add(1);
        opened.plaintext
    }

    fn open_current(
        &self,
        envelope: &Envelope<'_>,
    ) -> Option<(&ReceivingChain, Zeroizing<Vec<u8>>)> {
        let chain = self.receiving.as_ref()?;
        let header = header::open(&chain.header_key, envelope.header).ok()?;
        Some((chain, header))
    }

    /// A message that later ones have overtaken.
    fn open_skipped(
        &self,
        envelope: &Envelope<'_>,
        place: Option<usize>,
        number: u32,
        now_secs: u64,
    ) -> Result<(Zeroizing<Vec<u8>>, Change), DecryptError> {
        let place = place.ok_or(DecryptError::NoKey)?;
        let key = self
            .skipped
            .key(place, number, now_secs)
            .ok_or(DecryptError::NoKey)?;
        let plaintext = envelope.open_body(key, &self.ad)?;
        Ok((plaintext, Change::Skipped { place, number }))
    }

    /// The next message of the current chain, or a later one.
    fn open_forward(
        &self,
        envelope: &Envelope<'_>,
        chain: &ReceivingChain,
        number: u32,
    ) -> Result<(Zeroizing<Vec<u8>>, Change), DecryptError> {
        let (plaintext, skipped, chain) = self.open_on(
            envelope,
            &chain.key,
            &chain.header_key,
            chain.number,
            number,
        )?;
        Ok((plaintext, Change::Forward { skipped, chain }))
    }

    /// The first message that we see of the peer's next chain: both root chains turn.
    fn open_turn<R: CryptoRng>(
        &self,
        envelope: &Envelope<'_>,
        header: &Header<'_>,
        rng: &mut R,
    ) -> Result<(Zeroizing<Vec<u8>>, Change), DecryptError> {
        let theirs = RatchetPublic::from_parts(header.dh, header.kem_key)
            .map_err(|_: KeyError| DecryptError::Header)?;
        let skipped_before = match &self.receiving {
            Some(old) => Forward::skip(&old.key, old.number, header.previous)?.skipped,
            None => Vec::new(),
        };

        let dh = agree(&self.ours, &theirs)?;
        let kem = self.ours.decapsulate(header.ciphertext);
        let received = root::turn(&self.root, &dh, &kem);
        let key = ChainKey::new(received.chain);
        let header_key = &self.next_receiving_header_key;
        let (plaintext, skipped, receiving) =
            self.open_on(envelope, &key, header_key, 0, header.number)?;

        let ours = RatchetKeys::generate(rng);
        let dh = agree(&ours, &theirs)?;
        let (ciphertext, kem) = theirs.encapsulate(rng);
        let Turn {
            root,
            chain,
            next_header_key,
        } = root::turn(&received.root, &dh, &kem);
        let sending = SendingChain {
            key: ChainKey::new(chain),
            header_key: self.next_sending_header_key.duplicate(),
            number: 0,
            previous: self.sending.as_ref().map_or(0, |old| old.number),
            ciphertext,
        };
        let next = NextTurn {
            skipped_before,
            skipped,
            root,
            ours,
            sending,
            next_sending_header_key: next_header_key,
            receiving,
            next_receiving_header_key: received.next_header_key,
        };
        Ok((plaintext, Change::Turn(Box::new(next))))
    }

    /// Opens message `number` of a chain that stands at `from`.
    #[expect(clippy::type_complexity, reason = "three halves of one answer")]
    fn open_on(
        &self,
        envelope: &Envelope<'_>,
        key: &ChainKey,
        header_key: &Secret<32>,
        from: u32,
        number: u32,
    ) -> Result<(Zeroizing<Vec<u8>>, Vec<(u32, MessageKey)>, ReceivingChain), DecryptError> {
        let next_number = number.checked_add(1).ok_or(DecryptError::Header)?;
        let Forward {
            skipped,
            key: moved,
        } = Forward::skip(key, from, number)?;
        let key = moved.as_ref().unwrap_or(key);
        let plaintext = envelope.open_body(&key.message_key(), &self.ad)?;
        let chain = ReceivingChain {
            key: key.next(),
            header_key: header_key.duplicate(),
            number: next_number,
        };
        Ok((plaintext, skipped, chain))
    }
}

/// A decrypted envelope and the change that accepting it makes.
pub(crate) struct Opened {
    plaintext: Zeroizing<Vec<u8>>,
    change: Change,
    now_secs: u64,
}

impl Opened {
    pub(crate) fn plaintext(&self) -> &[u8] {
        &self.plaintext
    }
}

enum Change {
    /// A skipped message arrived.
    Skipped { place: usize, number: u32 },
    /// The receiving chain moved.
    Forward {
        skipped: Vec<(u32, MessageKey)>,
        chain: ReceivingChain,
    },
    /// The peer has new keys, and so have we.
    Turn(Box<NextTurn>),
}

struct NextTurn {
    /// Keys left over on the chain that ends.
    skipped_before: Vec<(u32, MessageKey)>,
    /// Keys passed over on the chain that begins.
    skipped: Vec<(u32, MessageKey)>,
    root: Secret<32>,
    ours: RatchetKeys,
    sending: SendingChain,
    next_sending_header_key: Secret<32>,
    receiving: ReceivingChain,
    next_receiving_header_key: Secret<32>,
}

/// An envelope, cut in two.
struct Envelope<'a> {
    header: &'a [u8; SEALED_HEADER_LEN],
    body: &'a [u8],
}

impl<'a> Envelope<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, body) = bytes.split_first_chunk()?;
        (body.len() >= SEAL_OVERHEAD).then_some(Self { header, body })
    }

    fn open_body(&self, key: &MessageKey, ad: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let ad = [ad, self.header].concat();
        aead::open(&key.cipher_key(), self.body, &ad).map_err(|OpenError| DecryptError::Body)
    }
}

fn parse(bytes: &[u8]) -> Result<Header<'_>, DecryptError> {
    Header::parse(bytes).map_err(|_| DecryptError::Header)
}

fn agree(ours: &RatchetKeys, theirs: &RatchetPublic) -> Result<Secret<32>, DecryptError> {
    ours.agree(&theirs.dh())
        .map_err(|_: KeyError| DecryptError::Header)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    /// A peer that has every key and uses them to say what no honest peer says.
    struct Liar {
        alice: Ratchet,
        bob: Ratchet,
        rng: StdRng,
    }

    impl Liar {
        fn new() -> Self {
            let mut rng = StdRng::seed_from_u64(0);
            let sk = Secret::random(&mut rng);
            let keys = RatchetKeys::generate(&mut rng);
            let alice = Ratchet::initiator(&sk, b"ad", &keys.public(), &mut rng).unwrap();
            let bob = Ratchet::responder(&sk, b"ad", keys);
            Self { alice, bob, rng }
        }

        /// Bob's answer to an authentic header with these fields.
        fn says(
            &mut self,
            public: &[u8; RATCHET_PUBLIC_LEN],
            previous: u32,
            number: u32,
        ) -> DecryptError {
            let sending = self.alice.sending.as_ref().unwrap();
            let mut envelope = header::seal(
                &sending.header_key,
                public,
                previous,
                number,
                &sending.ciphertext,
                &mut self.rng,
            );
            envelope.extend_from_slice(&[0; SEAL_OVERHEAD]);
            self.refused(&envelope)
        }

        fn refused(&mut self, envelope: &[u8]) -> DecryptError {
            let before = self.bob.to_bytes();
            let answer = self.bob.decrypt(envelope, 0, &mut self.rng);
            assert!(self.bob.to_bytes() == before);
            answer.map(|_| ()).unwrap_err()
        }
    }

    #[test]
    fn authentic_lies_change_nothing_either() {
        let mut liar = Liar::new();
        let honest = *liar.alice.ours.public_bytes();
        let mut weak = honest;
        weak[..32].fill(0);
        let mut unreduced = honest;
        unreduced[32..].fill(0xFF);

        for turned in [false, true] {
            if !turned {
                // Keys are looked at only when they turn something.
                assert_eq!(liar.says(&weak, 0, 0), DecryptError::Header);
                assert_eq!(liar.says(&unreduced, 0, 0), DecryptError::Header);
            }
            assert_eq!(liar.says(&honest, 0, u32::MAX), DecryptError::Header);
            assert_eq!(liar.says(&honest, 0, MAX_SKIP + 2), DecryptError::TooFar);
            assert_eq!(liar.says(&honest, 0, MAX_SKIP), DecryptError::Body);
            let envelope = liar.alice.encrypt(b"honest", &mut liar.rng).unwrap();
            liar.bob.decrypt(&envelope, 0, &mut liar.rng).unwrap();
        }
        assert_eq!(liar.says(&honest, 0, 0), DecryptError::NoKey);
    }

    #[test]
    fn a_chain_that_claims_too_many_lost_messages_is_refused() {
        let mut liar = Liar::new();
        let envelope = liar.alice.encrypt(b"first", &mut liar.rng).unwrap();
        liar.bob.decrypt(&envelope, 0, &mut liar.rng).unwrap();
        let answer = liar.bob.encrypt(b"answer", &mut liar.rng).unwrap();
        liar.alice.decrypt(&answer, 0, &mut liar.rng).unwrap();

        let honest = *liar.alice.ours.public_bytes();
        assert_eq!(liar.says(&honest, u32::MAX, 0), DecryptError::TooFar);
        assert_eq!(liar.says(&honest, MAX_SKIP + 2, 0), DecryptError::TooFar);
        assert_eq!(liar.says(&honest, 0, 0), DecryptError::Body);
    }

    #[test]
    fn a_wrong_kem_ciphertext_fails_in_the_body_and_changes_nothing() {
        let mut liar = Liar::new();
        let sending = liar.alice.sending.as_mut().unwrap();
        sending.ciphertext[0] ^= 1;
        let envelope = liar.alice.encrypt(b"hello", &mut liar.rng).unwrap();
        assert_eq!(liar.refused(&envelope), DecryptError::Body);
    }

    #[test]
    fn what_is_too_short_is_no_envelope() {
        let mut liar = Liar::new();
        for len in [0, 1, SEALED_HEADER_LEN, ENVELOPE_OVERHEAD - 1] {
            assert_eq!(liar.refused(&vec![0; len]), DecryptError::Length);
        }
        let garbage = vec![0; ENVELOPE_OVERHEAD];
        assert_eq!(liar.refused(&garbage), DecryptError::UnknownHeader);
    }

    #[test]
    fn a_chain_ends_before_its_numbers_do() {
        let mut liar = Liar::new();
        liar.alice.sending.as_mut().unwrap().number = u32::MAX;
        assert!(!liar.alice.can_send());
        let before = liar.alice.to_bytes();
        assert_eq!(
            liar.alice.encrypt(b"one more", &mut liar.rng),
            Err(EncryptError::Exhausted)
        );
        assert!(liar.alice.to_bytes() == before);
        assert_eq!(
            liar.bob.encrypt(b"too early", &mut liar.rng),
            Err(EncryptError::NotYet)
        );
    }
}

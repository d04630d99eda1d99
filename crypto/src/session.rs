//! A session: one peer's device, content in, envelopes out, and back.
//!
//! Content is encoded, cut if it is long, padded to one length and ratcheted; every
//! envelope is [`ENVELOPE_LEN`] bytes whatever it holds. How the agreed secret came to be,
//! where states are stored and how envelopes travel are not this module's concern.
//! Spec: docs/protocol/2-session.md §1, §4.
//!
//! ```text
//! Content ── CBOR ── parts ── padding ── ratchet ──► envelope…
//! ```

mod parts;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

pub use crate::ratchet::RestoreError;

use self::parts::{Part, Parts, Refused};
use crate::content::{Content, DecodeError, InvalidContent};
use crate::kdf;
use crate::label;
use crate::padding::{self, PADDED_LEN};
use crate::ratchet::{self, ENVELOPE_OVERHEAD, KeyError, Ratchet, RatchetKeys, RatchetPublic};
use crate::secret::Secret;
use crate::wire::{Malformed, Reader, Writer};

/// Bytes of every envelope.
pub const ENVELOPE_LEN: usize = ENVELOPE_OVERHEAD + PADDED_LEN;

const VERSION: u8 = 1;

/// Nothing was encrypted, nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncryptError {
    /// The content may not be sent.
    #[error(transparent)]
    Content(#[from] InvalidContent),
    /// The ratchet cannot send.
    #[error(transparent)]
    Ratchet(#[from] ratchet::EncryptError),
}

/// Nothing was decrypted, nothing has changed. To a peer, every one of these looks alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// The envelope does not open.
    #[error(transparent)]
    Ratchet(#[from] ratchet::DecryptError),
    /// It opens, but what is inside is malformed: the peer's fault, and sending it again
    /// will not help.
    #[error(transparent)]
    Content(#[from] DecodeError),
    /// It opens, but no room is left for another long content: try the same envelope again
    /// when one that has begun is complete, or ten minutes later.
    #[error("too many long contents at once")]
    Busy,
}

impl From<Malformed> for DecryptError {
    fn from(Malformed: Malformed) -> Self {
        Self::Content(DecodeError::Malformed)
    }
}

/// One side of a session with one device of one peer.
///
/// Persist [`Session::to_bytes`] *before* an envelope leaves, and in one transaction with
/// the content that an envelope held.
pub struct Session {
    id: [u8; 16],
    ratchet: Ratchet,
    parts: Parts,
}

impl Session {
    /// The side that knows the peer's first ratchet key; it must send first,
    /// [`Content::Ready`] if nothing else.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if their key is one that no honest peer sends.
    pub fn initiator<R: CryptoRng>(
        sk: &Secret<32>,
        ad: &[u8],
        theirs: &RatchetPublic,
        rng: &mut R,
    ) -> Result<Self, KeyError> {
        Ok(Self {
            id: session_id(sk, ad),
            ratchet: Ratchet::initiator(sk, ad, theirs, rng)?,
            parts: Parts::default(),
        })
    }

    /// The side whose first ratchet key the peer knows; it can send once the first envelope is in.
    #[must_use]
    pub fn responder(sk: &Secret<32>, ad: &[u8], ours: RatchetKeys) -> Self {
        Self {
            id: session_id(sk, ad),
            ratchet: Ratchet::responder(sk, ad, ours),
            parts: Parts::default(),
        }
    }

    /// Names this session, the same on both sides, and tells nothing about its keys.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        self.id
    }

    /// Whether [`Session::encrypt`] can work already.
    #[must_use]
    pub fn can_send(&self) -> bool {
        self.ratchet.can_send()
    }

    /// Envelopes encrypted in this session's lifetime; a mirror of it outside the vault
    /// tells a state that was rolled back.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.ratchet.sent()
    }

    /// Envelopes decrypted in this session's lifetime.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.ratchet.received()
    }

    /// Keys kept for envelopes that have not arrived.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.ratchet.skipped()
    }

    /// The envelopes that carry `content`, each [`ENVELOPE_LEN`] bytes: one, or several if it is long.
    ///
    /// # Errors
    ///
    /// [`EncryptError`]; the state is then as it was.
    ///
    /// # Panics
    ///
    /// Never: room and lengths are checked first.
    pub fn encrypt<R: CryptoRng>(
        &mut self,
        content: &Content,
        rng: &mut R,
    ) -> Result<Vec<Vec<u8>>, EncryptError> {
        let content = content.to_bytes()?;
        let parts = parts::split(&content, self.ratchet.sent());
        if self.ratchet.can_send() && (self.ratchet.room() as usize) < parts.len() {
            return Err(ratchet::EncryptError::Exhausted.into());
        }
        parts
            .iter()
            .map(|part| {
                let padded = padding::pad(part).expect("parts are cut to fit");
                Ok(self.ratchet.encrypt(&padded, rng)?)
            })
            .collect()
    }

    /// The content that `envelope` completes; `None` if it was one part of a longer one.
    ///
    /// `now_secs` is seconds since the Unix epoch: it dates what has to be kept.
    ///
    /// # Errors
    ///
    /// [`DecryptError`]; the state is then as it was.
    pub fn decrypt<R: CryptoRng>(
        &mut self,
        envelope: &[u8],
        now_secs: u64,
        rng: &mut R,
    ) -> Result<Option<Content>, DecryptError> {
        if envelope.len() != ENVELOPE_LEN {
            return Err(ratchet::DecryptError::Length.into());
        }
        let opened = self.ratchet.open(envelope, now_secs, rng)?;
        let content = match Part::parse(padding::unpad(opened.plaintext())?)? {
            Part::Whole(bytes) => Some(Content::from_bytes(bytes)?),
            Part::Piece(piece) => match self.parts.complete(&piece, now_secs) {
                Ok(Some(bytes)) => {
                    let content = Content::from_bytes(&bytes)?;
                    self.parts.remove(&piece);
                    Some(content)
                }
                Ok(None) => {
                    self.parts.keep(&piece, now_secs);
                    None
                }
                Err(Refused::Malformed) => return Err(Malformed.into()),
                Err(Refused::Busy) => return Err(DecryptError::Busy),
            },
        };
        self.parts.drop_expired(now_secs);
        self.ratchet.accept(opened);
        Ok(content)
    }

    /// Destroys the keys of envelopes that are overdue by 30 days, and parts that waited as
    /// long for the rest; every accepted envelope does so too. Tells whether the state has changed.
    pub fn drop_expired(&mut self, now_secs: u64) -> bool {
        let parts = self.parts.drop_expired(now_secs);
        self.ratchet.drop_expired(now_secs) || parts
    }

    /// The whole state, secrets included. The same state always gives the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let Self { id, ratchet, parts } = self;
        let ratchet = ratchet.to_bytes();
        let len = 1 + 16 + 4 + ratchet.len() + parts.encoded_len();
        let mut writer = Writer::with_capacity(len);
        writer.u8(VERSION).bytes(id).prefixed(&ratchet);
        parts.write(&mut writer);
        writer.finish()
    }

    /// Reads what [`Session::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RestoreError> {
        let mut reader = Reader::new(bytes);
        match reader.u8()? {
            VERSION => {}
            other => return Err(RestoreError::Version(other)),
        }
        let id = *reader.array()?;
        let ratchet = reader.prefixed()?;
        let parts = Parts::read(&mut reader)?;
        reader.finish()?;
        let ratchet = Ratchet::from_bytes(ratchet)?;
        Ok(Self { id, ratchet, parts })
    }
}

fn session_id(sk: &Secret<32>, ad: &[u8]) -> [u8; 16] {
    *kdf::hkdf(&[], sk.expose(), &[label::SESSION_ID, ad]).expose()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;
    use crate::content::MessageId;

    fn pair(rng: &mut StdRng) -> (Session, Session) {
        let sk = Secret::random(rng);
        let keys = RatchetKeys::generate(rng);
        let alice = Session::initiator(&sk, b"ad", &keys.public(), rng).unwrap();
        (alice, Session::responder(&sk, b"ad", keys))
    }

    fn long() -> Content {
        Content::Text {
            id: MessageId([1; 16]),
            sent_at_ms: 1,
            body: "long ".repeat(1000),
            reply_to: None,
            expires_in_s: None,
        }
    }

    /// Bob, who waits for the last part of a long text, and that part.
    fn waiting() -> (Session, Vec<u8>, StdRng) {
        let mut rng = StdRng::seed_from_u64(0);
        let (mut alice, mut bob) = pair(&mut rng);
        let mut envelopes = alice.encrypt(&long(), &mut rng).unwrap();
        let last = envelopes.pop().unwrap();
        for envelope in envelopes {
            assert!(bob.decrypt(&envelope, 0, &mut rng).unwrap().is_none());
        }
        (bob, last, rng)
    }

    /// What Bob says to an authentic envelope around `padded`.
    fn answer(padded: &[u8]) -> Result<Option<Content>, DecryptError> {
        let rng = &mut StdRng::seed_from_u64(1);
        let (mut alice, mut bob) = pair(rng);
        let first = alice.encrypt(&long(), rng).unwrap();
        bob.decrypt(&first[0], 0, rng).unwrap();
        let envelope = alice.ratchet.encrypt(padded, rng).unwrap();
        let before = bob.to_bytes();
        let answer = bob.decrypt(&envelope, 0, rng);
        assert!(answer.is_ok() || bob.to_bytes() == before);
        answer
    }

    fn malformed(part: &[u8]) -> bool {
        let malformed = DecryptError::Content(DecodeError::Malformed);
        answer(&padding::pad(part).unwrap()) == Err(malformed)
    }

    #[test]
    fn malformed_parts_of_an_authentic_peer_change_nothing() {
        let piece = |set: u64, index: u8, count: u8, bytes: &[u8]| {
            [&[1], set.to_be_bytes().as_slice(), &[index, count], bytes].concat()
        };
        assert!(malformed(b""));
        assert!(malformed(&[0]));
        assert!(malformed(&[2, 0]));
        assert!(malformed(&[1, 0, 0]));
        assert!(malformed(&piece(9, 0, 1, b"one part is not several")));
        assert!(malformed(&piece(9, 2, 2, b"index out of range")));
        assert!(malformed(&piece(9, 0, 200, b"too many")));
        assert!(malformed(&piece(9, 0, 2, b"")));
        assert!(malformed(&piece(0, 0, 4, b"a part we have")));
        assert!(malformed(&piece(0, 1, 3, b"another count than before")));
        assert_eq!(
            answer(&padding::pad(&piece(9, 0, 2, b"x")).unwrap()),
            Ok(None)
        );
        let other_length = DecryptError::Ratchet(ratchet::DecryptError::Length);
        assert_eq!(answer(b"unpadded"), Err(other_length));
    }

    #[test]
    fn a_saved_session_takes_the_last_part_and_names_itself_the_same() {
        let (bob, last, mut rng) = waiting();
        let state = bob.to_bytes();
        let mut again = Session::from_bytes(&state).unwrap();
        assert!(again.to_bytes() == state);
        assert_eq!(again.id(), bob.id());
        assert!(again.decrypt(&last, 0, &mut rng).unwrap() == Some(long()));
        assert!(again.to_bytes().len() < state.len());
    }

    #[test]
    fn a_long_text_that_never_completes_is_forgotten_after_thirty_days() {
        let (mut bob, ..) = waiting();
        let waits = bob.to_bytes().len();
        assert!(!bob.drop_expired(ratchet::SKIPPED_LIFETIME_SECS - 1));
        assert!(bob.drop_expired(ratchet::SKIPPED_LIFETIME_SECS));
        assert!(bob.to_bytes().len() < waits);
    }

    #[test]
    fn no_prefix_or_extension_of_a_state_is_one() {
        let (bob, ..) = waiting();
        let mut state = bob.to_bytes().to_vec();
        for cut in 0..state.len() {
            assert!(Session::from_bytes(&state[..cut]).is_err());
        }
        state.push(0);
        assert!(Session::from_bytes(&state).is_err());
        state[0] = 9;
        let version = Session::from_bytes(&state).map(|_| ());
        assert_eq!(version, Err(RestoreError::Version(9)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn an_authentic_peer_cannot_make_us_panic(
            part in prop::collection::vec(any::<u8>(), 0..200),
            kind in 0_u8..3,
        ) {
            let part = [&[kind], part.as_slice()].concat();
            let _ = answer(&padding::pad(&part).unwrap());
        }

        #[test]
        fn a_damaged_state_never_panics(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let (bob, ..) = waiting();
            let mut state = bob.to_bytes().to_vec();
            let at = at.index(state.len());
            state[at] = to;
            if let Ok(again) = Session::from_bytes(&state) {
                prop_assert!(again.to_bytes()[..] == state[..]);
            }
        }

        #[test]
        fn arbitrary_bytes_are_no_state(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            prop_assert!(Session::from_bytes(&bytes).is_err());
        }
    }
}

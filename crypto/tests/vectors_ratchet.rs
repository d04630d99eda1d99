//! The ratchet speaks exactly what an independent implementation wrote down.
//!
//! `vectors/ratchet.json` is a conversation made on other libraries; another file of the
//! same form is read instead when `RATCHET_VECTORS` names one. Its randomness is a
//! SHAKE-256 stream, one draw per `fill_bytes`: this test also fixes what is drawn, when.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;
use sha3::Shake256;
use sha3::digest::{ExtendableOutput as _, Update as _, XofReader as _};
use solo2_crypto::ratchet::{DecryptError, ENVELOPE_OVERHEAD, Ratchet, RatchetKeys};
use solo2_crypto::secret::Secret;

/// Draw `n` of a stream is `SHAKE256(seed || u64be(n))`, cut to the length asked for.
struct ShakeStream {
    seed: Vec<u8>,
    draws: u64,
}

impl ShakeStream {
    fn new(run: &str, party: &str) -> Self {
        let seed = format!("{run}{party}").into_bytes();
        Self { seed, draws: 0 }
    }

    fn draw<const N: usize>(&mut self) -> [u8; N] {
        let mut block = [0; N];
        self.try_fill_bytes(&mut block).unwrap();
        block
    }
}

impl TryRng for ShakeStream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(self.draw()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(self.draw()))
    }

    fn try_fill_bytes(&mut self, block: &mut [u8]) -> Result<(), Infallible> {
        let mut hash = Shake256::default();
        hash.update(&self.seed);
        hash.update(&self.draws.to_be_bytes());
        hash.finalize_xof().read(block);
        self.draws += 1;
        Ok(())
    }
}

impl TryCryptoRng for ShakeStream {}

#[expect(clippy::disallowed_methods, reason = "a test may read its vectors")]
fn vectors() -> Value {
    let text = match std::env::var("RATCHET_VECTORS") {
        Ok(path) => std::fs::read(path).unwrap(),
        Err(_) => include_bytes!("vectors/ratchet.json").to_vec(),
    };
    serde_json::from_slice(&text).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

struct Party {
    ratchet: Ratchet,
    rng: ShakeStream,
}

impl Party {
    fn reload(&mut self) {
        self.ratchet = Ratchet::from_bytes(&self.ratchet.to_bytes()).unwrap();
    }
}

fn start(vectors: &Value) -> (Party, Party) {
    let run = vectors["seed"].as_str().unwrap();
    let setup = &vectors["setup"];
    let mut rng = ShakeStream::new(run, "setup");
    let sk: [u8; 32] = rng.draw();
    let bob_keys = RatchetKeys::generate(&mut rng);
    let ad = [b"AD".as_slice(), &rng.draw::<64>()].concat();

    assert_eq!(sk.to_vec(), bytes(&setup["SK"]));
    assert_eq!(ad, bytes(&setup["AD"]));
    assert_eq!(bob_keys.to_bytes()[..32], bytes(&setup["bob_dh_sk"]));
    let bob_public = bob_keys.public();
    assert_eq!(bob_public.as_bytes()[32..], bytes(&setup["bob_kem_ek"]));

    let sk = Secret::new(&sk);
    let mut alice_rng = ShakeStream::new(run, "A");
    let alice = Ratchet::initiator(&sk, &ad, &bob_public, &mut alice_rng).unwrap();
    let bob = Ratchet::responder(&sk, &ad, bob_keys);
    let alice = Party {
        ratchet: alice,
        rng: alice_rng,
    };
    let bob = Party {
        ratchet: bob,
        rng: ShakeStream::new(run, "B"),
    };
    (alice, bob)
}

fn converse(vectors: &Value, reload: bool) {
    let (mut alice, mut bob) = start(vectors);
    let messages = vectors["messages"].as_array().unwrap();
    assert!(!messages.is_empty());
    for (index, message) in messages.iter().enumerate() {
        let (from, to) = match message["dir"].as_str().unwrap() {
            "AB" => (&mut alice, &mut bob),
            "BA" => (&mut bob, &mut alice),
            other => panic!("message {index} goes {other}"),
        };
        if reload {
            from.reload();
            to.reload();
        }
        let text = bytes(&message["pt"]);
        let expected = bytes(&message["msg"]);
        assert_eq!(expected.len(), text.len() + ENVELOPE_OVERHEAD);

        let envelope = from.ratchet.encrypt(&text, &mut from.rng).unwrap();
        assert!(envelope == expected, "message {index} differs on the wire");
        let plain = to.ratchet.decrypt(&expected, 0, &mut to.rng).unwrap();
        assert_eq!(*plain, text, "message {index}");
    }
}

#[test]
fn every_envelope_matches_the_vectors_byte_for_byte() {
    converse(&vectors(), false);
}

#[test]
fn a_state_saved_and_restored_before_each_message_changes_nothing() {
    converse(&vectors(), true);
}

#[test]
fn no_vector_opens_twice_and_a_second_look_changes_nothing() {
    let vectors = vectors();
    let (mut alice, mut bob) = start(&vectors);
    for message in vectors["messages"].as_array().unwrap() {
        let (from, to) = match message["dir"].as_str().unwrap() {
            "AB" => (&mut alice, &mut bob),
            _ => (&mut bob, &mut alice),
        };
        let envelope = from
            .ratchet
            .encrypt(&bytes(&message["pt"]), &mut from.rng)
            .unwrap();
        to.ratchet.decrypt(&envelope, 0, &mut to.rng).unwrap();
        let before = to.ratchet.to_bytes();
        let draws = to.rng.draws;
        let again = to.ratchet.decrypt(&envelope, 0, &mut to.rng).map(|_| ());
        assert_eq!(again, Err(DecryptError::NoKey));
        assert!(to.ratchet.to_bytes() == before);
        assert_eq!(to.rng.draws, draws);
    }
}

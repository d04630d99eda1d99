//! What one message costs, beside vodozemac's Olm (no header encryption, no ML-KEM) as the
//! anchor: `cargo bench -p solo2-crypto --bench ratchet`.
//!
//! A message is one encryption and one decryption of a full padded content. Targets: at
//! most 40 µs on one chain, at most 250 µs for a turn.

#![allow(missing_docs, reason = "a program, not a library")]
#![allow(clippy::unwrap_used, reason = "a benchmark may fail loudly")]

use divan::{Bencher, black_box};
use rand::rngs::StdRng;
use solo2_crypto::padding::PADDED_LEN;
use solo2_crypto::ratchet::{Ratchet, RatchetKeys};
use solo2_crypto::secret::Secret;

const PADDED: [u8; PADDED_LEN] = [7; PADDED_LEN];

fn main() {
    divan::main();
}

/// Two sides that have each turned once, and the randomness both draw from.
struct Pair {
    from: Ratchet,
    to: Ratchet,
    rng: StdRng,
}

impl Pair {
    fn new() -> Self {
        let mut rng: StdRng = rand::make_rng();
        let sk = Secret::random(&mut rng);
        let keys = RatchetKeys::generate(&mut rng);
        let from = Ratchet::initiator(&sk, b"ad", &keys.public(), &mut rng).unwrap();
        let to = Ratchet::responder(&sk, b"ad", keys);
        let mut pair = Self { from, to, rng };
        pair.turn();
        pair.turn();
        pair
    }

    fn say(&mut self) {
        let envelope = self
            .from
            .encrypt(black_box(&PADDED), &mut self.rng)
            .unwrap();
        let padded = self.to.decrypt(&envelope, 0, &mut self.rng).unwrap();
        black_box(padded);
    }

    fn turn(&mut self) {
        self.say();
        std::mem::swap(&mut self.from, &mut self.to);
    }
}

/// The next message of a chain.
#[divan::bench]
fn same_chain(bencher: Bencher<'_, '_>) {
    let mut pair = Pair::new();
    pair.say();
    bencher.bench_local(move || pair.say());
}

/// A message that answers: both sides' X25519 and ML-KEM-768 keys turn.
#[divan::bench]
fn turn(bencher: Bencher<'_, '_>) {
    let mut pair = Pair::new();
    bencher.bench_local(move || pair.turn());
}

/// An envelope that opens under no header key.
#[divan::bench]
fn garbage(bencher: Bencher<'_, '_>) {
    let mut pair = Pair::new();
    let envelope = vec![0; solo2_crypto::session::ENVELOPE_LEN];
    bencher.bench_local(move || pair.to.decrypt(&envelope, 0, &mut pair.rng).is_err());
}

#[divan::bench]
fn save(bencher: Bencher<'_, '_>) {
    let pair = Pair::new();
    bencher.bench_local(|| pair.to.to_bytes());
}

#[divan::bench]
fn restore(bencher: Bencher<'_, '_>) {
    let state = Pair::new().to.to_bytes();
    bencher.bench_local(|| Ratchet::from_bytes(&state).unwrap());
}

mod olm {
    use divan::{Bencher, black_box};
    use vodozemac::olm::{Account, OlmMessage, Session, SessionConfig};

    use super::PADDED;

    struct Pair {
        from: Session,
        to: Session,
    }

    impl Pair {
        fn new() -> Self {
            let alice = Account::new();
            let mut bob = Account::new();
            bob.generate_one_time_keys(1);
            let key = *bob.one_time_keys().values().next().unwrap();
            let config = SessionConfig::version_1();
            let mut from = alice
                .create_outbound_session(config, bob.curve25519_key(), key)
                .unwrap();
            let OlmMessage::PreKey(first) = from.encrypt(PADDED).unwrap() else {
                panic!("the first message starts the session")
            };
            let to = bob
                .create_inbound_session(config, alice.curve25519_key(), &first)
                .unwrap()
                .session;
            let mut pair = Self { from: to, to: from };
            pair.turn();
            pair.turn();
            pair
        }

        fn say(&mut self) {
            let message = self.from.encrypt(black_box(PADDED)).unwrap();
            black_box(self.to.decrypt(&message).unwrap());
        }

        fn turn(&mut self) {
            self.say();
            std::mem::swap(&mut self.from, &mut self.to);
        }
    }

    #[divan::bench]
    fn same_chain(bencher: Bencher<'_, '_>) {
        let mut pair = Pair::new();
        pair.say();
        bencher.bench_local(move || pair.say());
    }

    #[divan::bench]
    fn turn(bencher: Bencher<'_, '_>) {
        let mut pair = Pair::new();
        bencher.bench_local(move || pair.turn());
    }
}

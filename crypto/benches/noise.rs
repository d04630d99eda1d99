//! Noise: a contact's handshake, and one frame sealed and opened.
//!
//! Bar: a 4 KiB frame written and read in 10 µs.

use divan::Bencher;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use solo2_crypto::dh;
use solo2_crypto::noise::{IkInitiator, IkResponder, Transport};
use solo2_crypto::secret::Secret;

fn main() {
    divan::main();
}

fn handshake(rng: &mut StdRng) -> (Transport, Transport) {
    let (alice, bob) = (Secret::new(&[1; 32]), Secret::new(&[2; 32]));
    let psk = Secret::new(&[3; 32]);
    let (waiting, first) =
        IkInitiator::start(&alice, &dh::public(&bob), b"bench", rng).expect("a good key");
    let called = IkResponder::read(&bob, b"bench", &first, rng).expect("our message");
    let (there, reply) = called.reply(&psk).expect("a good key");
    let here = waiting.finish(&reply, &psk).expect("our message");
    (here, there)
}

#[divan::bench]
fn ikpsk2_handshake_both_sides(bencher: Bencher<'_, '_>) {
    let mut rng = StdRng::seed_from_u64(1);
    bencher.bench_local(|| handshake(&mut rng));
}

#[divan::bench(args = [1024, 4080, 16384])]
fn transport_write_and_read(bencher: Bencher<'_, '_>, length: usize) {
    let (mut here, mut there) = handshake(&mut StdRng::seed_from_u64(1));
    let plaintext = vec![7; length];
    bencher.bench_local(|| {
        let sealed = here.seal(divan::black_box(&plaintext)).expect("fits");
        there.open(&sealed).expect("in order")
    });
}

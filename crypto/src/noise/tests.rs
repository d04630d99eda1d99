//! What a link may rely on.

use super::*;
use crate::dh;
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

const PROLOGUE: &[u8] = b"prologue";

fn rng() -> StdRng {
    StdRng::seed_from_u64(1)
}

fn key(byte: u8) -> Secret<32> {
    Secret::new(&[byte; 32])
}

fn ik_first() -> (AwaitIkReply, Vec<u8>) {
    let remote = dh::public(&key(2));
    IkInitiator::start(&key(1), &remote, PROLOGUE, &mut rng()).expect("a good key")
}

fn ik() -> (Transport, Transport) {
    let (waiting, first) = ik_first();
    assert_eq!(first.len(), IK_FIRST_LEN);
    let called = IkResponder::read(&key(2), PROLOGUE, &first, &mut rng()).expect("ours");
    assert_eq!(called.remote(), dh::public(&key(1)));
    let (there, reply) = called.reply(&key(3)).expect("good keys");
    assert_eq!(reply.len(), IK_REPLY_LEN);
    let here = waiting.finish(&reply, &key(3)).expect("ours");
    (here, there)
}

fn opens(from: &mut Transport, to: &mut Transport, text: &[u8]) {
    let sealed = from.seal(text).expect("fits");
    assert_eq!(sealed.len(), text.len() + TRANSPORT_OVERHEAD);
    assert_eq!(to.open(&sealed).expect("in order"), text);
}

#[test]
fn contacts_talk_both_ways_and_share_the_hash() {
    let (mut here, mut there) = ik();
    assert_eq!(here.handshake_hash(), there.handshake_hash());
    opens(&mut here, &mut there, b"to bob");
    opens(&mut there, &mut here, b"");
    opens(
        &mut there,
        &mut here,
        &[7; MAX_MESSAGE - TRANSPORT_OVERHEAD],
    );
    assert_eq!((here.sealed(), here.opened()), (1, 2));
}

#[test]
fn strangers_exchange_payloads_that_depend_on_each_other() {
    let (psk, mut rng) = (key(9), rng());
    let (waiting, first) = XxInitiator::start(&key(1), &psk, PROLOGUE, &mut rng);
    assert_eq!(first.len(), XX_FIRST_LEN);
    let (last, second) =
        XxResponder::start(&key(2), &psk, PROLOGUE, &first, b"bundle", &mut rng).expect("ours");
    let reply = waiting.read(&second).expect("ours");
    assert_eq!(reply.remote(), dh::public(&key(2)));
    let answer = [reply.payload(), b" answered"].concat();
    let (mut here, third) = reply.finish(&answer).expect("fits");
    let (mut there, remote, payload) = last.finish(&third).expect("ours");
    assert_eq!(remote, dh::public(&key(1)));
    assert_eq!(payload, b"bundle answered");
    opens(&mut here, &mut there, b"hello");
    opens(&mut there, &mut here, b"hello");
}

#[test]
fn xx_in_one_step_is_the_same() {
    let (psk, mut rng) = (key(0), rng());
    let (waiting, first) = XxInitiator::start(&key(1), &psk, PROLOGUE, &mut rng);
    let (last, second) =
        XxResponder::start(&key(2), &psk, PROLOGUE, &first, &[8; 4000], &mut rng).expect("ours");
    let (here, third, remote, payload) = waiting.finish(&second, b"three").expect("ours");
    assert_eq!((remote, payload), (dh::public(&key(2)), vec![8; 4000]));
    let (there, _, three) = last.finish(&third).expect("ours");
    assert_eq!(three, b"three");
    assert_eq!(here.handshake_hash(), there.handshake_hash());
}

#[test]
fn another_psk_key_or_prologue_is_refused_alike() {
    let (waiting, first) = ik_first();
    for (local, prologue) in [(key(4), PROLOGUE), (key(2), b"other")] {
        let read = IkResponder::read(&local, prologue, &first, &mut rng());
        assert_eq!(read.err(), Some(HandshakeError::Refused));
    }
    let called = IkResponder::read(&key(2), PROLOGUE, &first, &mut rng()).expect("ours");
    let (_, reply) = called.reply(&key(3)).expect("good keys");
    let finished = waiting.finish(&reply, &key(4));
    assert_eq!(finished.err(), Some(HandshakeError::Refused));

    let (_, first) = XxInitiator::start(&key(1), &key(9), PROLOGUE, &mut rng());
    let started = XxResponder::start(&key(2), &key(8), PROLOGUE, &first, b"", &mut rng());
    assert_eq!(started.err(), Some(HandshakeError::Refused));
}

#[test]
fn a_side_that_missed_the_last_psk_still_gets_through() {
    let (waiting, first) = ik_first();
    let called = IkResponder::read(&key(2), PROLOGUE, &first, &mut rng()).expect("ours");
    let (mut there, reply) = called.reply(&key(3)).expect("good keys");
    let (current, previous) = (key(4), key(3));
    let (mut here, which) = waiting
        .finish_any(&reply, &[&current, &previous])
        .expect("the previous one fits");
    assert_eq!(which, 1);
    assert_eq!(here.handshake_hash(), there.handshake_hash());
    opens(&mut here, &mut there, b"hello");

    let (waiting, _) = ik_first();
    assert!(waiting.finish_any(&reply, &[]).is_err());
}

#[test]
fn points_of_small_order_are_refused() {
    for point in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        let started = IkInitiator::start(&key(1), &point, PROLOGUE, &mut rng());
        assert_eq!(started.err(), Some(HandshakeError::RemoteKey));

        // As an ephemeral key it reaches a Diffie-Hellman in every first or second message.
        let (waiting, mut first) = ik_first();
        first[..32].copy_from_slice(&point);
        assert!(IkResponder::read(&key(2), PROLOGUE, &first, &mut rng()).is_err());
        let mut reply = vec![0; IK_REPLY_LEN];
        reply[..32].copy_from_slice(&point);
        assert!(waiting.finish(&reply, &key(3)).is_err());
    }
}

/// With an all-zero ephemeral key a payload could be sealed to nobody in particular.
#[test]
fn an_initiator_whose_ephemeral_is_zero_gets_no_second_message() {
    let psk = key(9);
    let zero = [0; 32];
    // The first message of XX has no Diffie-Hellman, so it can be made whole.
    let params: snow::params::NoiseParams = XX.parse().expect("known");
    let mut state = Builder::with_resolver(params, Box::new(ZeroEphemeral))
        .local_private_key(key(1).expose())
        .and_then(|b| b.prologue(PROLOGUE))
        .and_then(|b| b.psk(XX_PSK, psk.expose()))
        .and_then(Builder::build_initiator)
        .expect("builds");
    let first = write(&mut state, &[]).expect("no Diffie-Hellman yet");
    assert_eq!(first[..32], zero);
    let started = XxResponder::start(&key(2), &psk, PROLOGUE, &first, b"secret", &mut rng());
    assert_eq!(started.err(), Some(HandshakeError::Refused));
}

struct ZeroEphemeral;

impl snow::resolvers::CryptoResolver for ZeroEphemeral {
    fn resolve_rng(&self) -> Option<Box<dyn snow::types::Random>> {
        Resolver::with_ephemeral(key(1)).resolve_rng()
    }
    fn resolve_dh(&self, _: &snow::params::DHChoice) -> Option<Box<dyn snow::types::Dh>> {
        Some(Box::new(ZeroDh))
    }
    fn resolve_hash(
        &self,
        choice: &snow::params::HashChoice,
    ) -> Option<Box<dyn snow::types::Hash>> {
        Resolver::with_ephemeral(key(1)).resolve_hash(choice)
    }
    fn resolve_cipher(
        &self,
        choice: &snow::params::CipherChoice,
    ) -> Option<Box<dyn snow::types::Cipher>> {
        Resolver::with_ephemeral(key(1)).resolve_cipher(choice)
    }
}

struct ZeroDh;

impl snow::types::Dh for ZeroDh {
    fn name(&self) -> &'static str {
        "25519"
    }
    fn pub_len(&self) -> usize {
        32
    }
    fn priv_len(&self) -> usize {
        32
    }
    fn set(&mut self, _: &[u8]) {}
    fn generate(&mut self, _: &mut dyn snow::types::Random) -> Result<(), snow::Error> {
        Ok(())
    }
    fn pubkey(&self) -> &[u8] {
        &[0; 32]
    }
    fn privkey(&self) -> &[u8] {
        &[0; 32]
    }
    fn dh(&self, _: &[u8], out: &mut [u8]) -> Result<(), snow::Error> {
        out.fill(0);
        Ok(())
    }
}

#[test]
fn a_transport_message_counts_once_and_in_order() {
    let (mut here, mut there) = ik();
    let (one, two) = (
        here.seal(b"one").expect("fits"),
        here.seal(b"two").expect("fits"),
    );
    let refused = Some(TransportError::Refused);
    assert_eq!(there.open(&two).err(), refused);
    let mut damaged = one.clone();
    damaged[0] ^= 1;
    assert_eq!(there.open(&damaged).err(), refused);
    assert_eq!(there.open(&one[..15]).err(), refused);
    assert_eq!(there.open(&[0; MAX_MESSAGE + 1]).err(), refused);
    assert_eq!(there.open(&one).expect("unharmed by what failed"), b"one");
    assert_eq!(there.open(&one).err(), refused);
    assert_eq!(there.open(&two).expect("next"), b"two");
    assert_eq!(here.open(&one).err(), refused, "no reflection");
    assert_eq!(
        here.seal(&[0; MAX_MESSAGE]).err(),
        Some(TransportError::TooLong(MAX_MESSAGE))
    );
}

#[test]
fn rekeying_moves_one_direction_at_a_time() {
    let (mut here, mut there) = ik();
    here.rekey_outgoing();
    let sealed = here.seal(b"new").expect("fits");
    assert!(there.open(&sealed).is_err());
    there.rekey_incoming();
    assert_eq!(there.open(&sealed).expect("moved on"), b"new");
    opens(&mut there, &mut here, b"the other direction stayed");
}

#[test]
fn a_payload_too_long_for_noise_is_refused_before_it_is_sealed() {
    let (_, first) = XxInitiator::start(&key(1), &key(9), PROLOGUE, &mut rng());
    let flood = vec![0; MAX_MESSAGE];
    let started = XxResponder::start(&key(2), &key(9), PROLOGUE, &first, &flood, &mut rng());
    assert_eq!(started.err(), Some(HandshakeError::TooLong(MAX_MESSAGE)));
}

#[test]
fn both_sides_find_the_same_next_psk() {
    let (hash, mine, theirs) = ([1; 32], [2; 32], [3; 32]);
    let here = next_psk(&key(1), &hash, &mine, &theirs, true);
    let there = next_psk(&key(1), &hash, &theirs, &mine, false);
    assert!(here.same_as(&there));
    assert!(!here.same_as(&next_psk(&key(1), &hash, &mine, &theirs, false)));
    assert!(!here.same_as(&next_psk(&key(1), &[0; 32], &mine, &theirs, true)));
    assert!(!here.same_as(&next_psk(&key(2), &hash, &mine, &theirs, true)));
}

#[test]
fn prologues_tell_purposes_and_carriers_apart() {
    let mut seen = Vec::new();
    for purpose in [Purpose::Contact, Purpose::Pairing, Purpose::Renewal] {
        for carrier in [
            Carrier::Quic,
            Carrier::WebRtc,
            Carrier::Onion,
            Carrier::Session,
        ] {
            let made = prologue(purpose, carrier, b"binding");
            assert!(made.starts_with(b"solo2/noise/v1") && made.ends_with(b"binding"));
            assert!(!seen.contains(&made));
            seen.push(made);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (waiting, _) = ik_first();
        prop_assert!(waiting.finish(&bytes, &key(3)).is_err());
        prop_assert!(IkResponder::read(&key(2), PROLOGUE, &bytes, &mut rng()).is_err());
        let (waiting, first) = XxInitiator::start(&key(1), &key(9), PROLOGUE, &mut rng());
        prop_assert!(waiting.read(&bytes).is_err());
        let started = XxResponder::start(&key(2), &key(9), PROLOGUE, &bytes, b"", &mut rng());
        prop_assert!(started.is_err());
        let (last, _) =
            XxResponder::start(&key(2), &key(9), PROLOGUE, &first, b"", &mut rng()).expect("ours");
        prop_assert!(last.finish(&bytes).is_err());
    }

    #[test]
    fn random_transport_bytes_never_open(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let (mut here, _) = ik();
        prop_assert!(here.open(&bytes).is_err());
    }
}

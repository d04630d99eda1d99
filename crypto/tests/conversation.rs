//! Two parties talk over a network that loses, reorders, repeats and damages.
//!
//! The invariant: every envelope that arrives whole opens exactly once; everything else
//! is refused and leaves the state byte-identical.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use solo2_crypto::content::{Content, MAX_BODY_LEN, MessageId, ReceiptState};
use solo2_crypto::ratchet::{
    self, KeyError, MAX_SKIP, MAX_SKIPPED, MAX_SKIPPED_CHAINS, Ratchet, RatchetKeys, RatchetPublic,
    SKIPPED_LIFETIME_SECS,
};
use solo2_crypto::secret::Secret;
use solo2_crypto::session::{DecryptError, ENVELOPE_LEN, EncryptError, Session};

const AD: &[u8] = b"alice and bob";

fn sessions(rng: &mut StdRng) -> (Session, Session) {
    let sk = Secret::random(rng);
    let keys = RatchetKeys::generate(rng);
    let alice = Session::initiator(&sk, AD, &keys.public(), rng).unwrap();
    let bob = Session::responder(&sk, AD, keys);
    assert_eq!(alice.id(), bob.id());
    (alice, bob)
}

fn ratchets(rng: &mut StdRng) -> (Ratchet, Ratchet) {
    let sk = Secret::random(rng);
    let keys = RatchetKeys::generate(rng);
    let alice = Ratchet::initiator(&sk, AD, &keys.public(), rng).unwrap();
    (alice, Ratchet::responder(&sk, AD, keys))
}

fn text(number: u64, body: String) -> Content {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Content::Text {
        id: MessageId(id),
        sent_at_ms: number,
        body,
        reply_to: None,
        expires_in_s: None,
    }
}

/// A session and what the network still holds for it.
struct Side {
    session: Session,
    arriving: Vec<Vec<u8>>,
    opened: Vec<Vec<u8>>,
    expected: BTreeSet<u64>,
    seen: BTreeSet<u64>,
}

impl Side {
    fn new(session: Session) -> Self {
        Self {
            session,
            arriving: Vec::new(),
            opened: Vec::new(),
            expected: BTreeSet::new(),
            seen: BTreeSet::new(),
        }
    }

    fn refuses(&mut self, envelope: &[u8], now: u64, rng: &mut StdRng) {
        let before = self.session.to_bytes();
        assert!(self.session.decrypt(envelope, now, rng).is_err());
        assert!(self.session.to_bytes() == before, "a refusal left a trace");
    }

    fn takes(&mut self, envelope: Vec<u8>, now: u64, rng: &mut StdRng) {
        let content = self.session.decrypt(&envelope, now, rng).unwrap();
        if let Some(Content::Text { sent_at_ms, .. }) = content {
            assert!(self.seen.insert(sent_at_ms), "a message came twice");
        }
        self.opened.push(envelope);
    }

    fn restart(&mut self) {
        self.session = Session::from_bytes(&self.session.to_bytes()).unwrap();
    }
}

fn simulate(seed: u64) {
    let rng = &mut StdRng::seed_from_u64(seed);
    let (alice, bob) = sessions(rng);
    let mut sides = [Side::new(alice), Side::new(bob)];
    let mut number = 0;
    for now in 0..400 {
        let from = rng.random_range(0..2);
        let to = 1 - from;
        match rng.random_range(0..20) {
            // Say something; now and then something long.
            0..8 => {
                if !sides[from].session.can_send() {
                    let early = sides[from].session.encrypt(&Content::Ready, rng);
                    assert_eq!(
                        early.map(|_| ()),
                        Err(EncryptError::Ratchet(ratchet::EncryptError::NotYet))
                    );
                    continue;
                }
                number += 1;
                let len = if rng.random_ratio(1, 10) { 6000 } else { 20 };
                let content = text(number, "x".repeat(len));
                let envelopes = sides[from].session.encrypt(&content, rng).unwrap();
                assert!(envelopes.iter().all(|one| one.len() == ENVELOPE_LEN));
                if rng.random_ratio(1, 10) {
                    // Lost on the way, the first part at least.
                    sides[to].arriving.extend(envelopes.into_iter().skip(1));
                } else {
                    sides[to].expected.insert(number);
                    sides[to].arriving.extend(envelopes);
                }
            }
            // One of those on the way arrives, whichever.
            8..16 => {
                let side = &mut sides[to];
                if side.arriving.is_empty() {
                    continue;
                }
                let at = rng.random_range(0..side.arriving.len());
                let envelope = side.arriving.swap_remove(at);
                if rng.random_ratio(1, 4) {
                    let mut damaged = envelope.clone();
                    let bit = rng.random_range(0..8 * ENVELOPE_LEN);
                    damaged[bit / 8] ^= 1 << (bit % 8);
                    side.refuses(&damaged, now, rng);
                }
                side.takes(envelope, now, rng);
            }
            // A replay.
            16..18 => {
                let side = &mut sides[to];
                if side.opened.is_empty() {
                    continue;
                }
                let again = side.opened[rng.random_range(0..side.opened.len())].clone();
                side.refuses(&again, now, rng);
            }
            // Garbage, or our own words reflected.
            18 => {
                let mut garbage = vec![0; rng.random_range(0..2 * ENVELOPE_LEN)];
                rng.fill(&mut garbage[..]);
                sides[to].refuses(&garbage, now, rng);
                if let Some(reflected) = sides[from].arriving.last().cloned() {
                    sides[to].refuses(&reflected, now, rng);
                }
            }
            _ => sides[to].restart(),
        }
    }
    for side in &mut sides {
        while !side.arriving.is_empty() {
            let at = rng.random_range(0..side.arriving.len());
            let envelope = side.arriving.swap_remove(at);
            side.takes(envelope, 400, rng);
        }
        assert_eq!(side.seen, side.expected, "seed {seed}");
        for envelope in std::mem::take(&mut side.opened) {
            side.refuses(&envelope, 400, rng);
        }
    }
}

#[test]
fn every_message_that_arrives_opens_exactly_once() {
    for seed in 0..24 {
        simulate(seed);
    }
}

#[test]
fn both_may_speak_at_once_and_both_are_heard() {
    let rng = &mut StdRng::seed_from_u64(1);
    let (mut alice, mut bob) = sessions(rng);
    let ready = alice.encrypt(&Content::Ready, rng).unwrap();
    bob.decrypt(&ready[0], 0, rng).unwrap();
    for round in 0..20 {
        let to_bob = alice.encrypt(&text(round, "a".into()), rng).unwrap();
        let to_alice = bob.encrypt(&text(round, "b".into()), rng).unwrap();
        assert!(bob.decrypt(&to_bob[0], 0, rng).unwrap() == Some(text(round, "a".into())));
        assert!(alice.decrypt(&to_alice[0], 0, rng).unwrap() == Some(text(round, "b".into())));
    }
}

#[test]
fn the_longest_text_crosses_in_any_order_and_over_restarts() {
    let rng = &mut StdRng::seed_from_u64(2);
    let (mut alice, mut bob) = sessions(rng);
    let long = text(1, "x".repeat(MAX_BODY_LEN));
    let mut envelopes = alice.encrypt(&long, rng).unwrap();
    assert!(envelopes.len() > 30);
    while let Some(envelope) =
        (!envelopes.is_empty()).then(|| envelopes.swap_remove(rng.random_range(0..envelopes.len())))
    {
        let content = bob.decrypt(&envelope, 0, rng).unwrap();
        assert_eq!(content.is_some(), envelopes.is_empty());
        assert!(content.is_none_or(|content| content == long));
        bob = Session::from_bytes(&bob.to_bytes()).unwrap();
    }
}

#[test]
fn a_text_of_1600_bytes_needs_one_envelope_and_one_of_1700_two() {
    let rng = &mut StdRng::seed_from_u64(3);
    let (mut alice, _) = sessions(rng);
    let envelopes = |alice: &mut Session, len, rng: &mut StdRng| {
        alice.encrypt(&text(1, "x".repeat(len)), rng).unwrap().len()
    };
    assert_eq!(envelopes(&mut alice, 1600, rng), 1);
    assert_eq!(envelopes(&mut alice, 1700, rng), 2);
}

#[test]
fn a_second_long_text_waits_for_the_first_or_outlives_it() {
    let rng = &mut StdRng::seed_from_u64(4);
    let (mut alice, mut bob) = sessions(rng);
    let first = alice
        .encrypt(&text(1, "1".repeat(MAX_BODY_LEN)), rng)
        .unwrap();
    let second = alice
        .encrypt(&text(2, "2".repeat(MAX_BODY_LEN)), rng)
        .unwrap();
    assert!(bob.decrypt(&first[0], 0, rng).unwrap().is_none());

    let before = bob.to_bytes();
    assert!(bob.decrypt(&second[0], 1, rng) == Err(DecryptError::Busy));
    assert!(bob.to_bytes() == before);
    let short = alice.encrypt(&text(3, "3".into()), rng).unwrap();
    assert!(bob.decrypt(&short[0], 1, rng).unwrap().is_some());

    // Refused, not lost: the very same envelope opens once the first text is given up.
    for (index, envelope) in second.iter().enumerate() {
        let content = bob.decrypt(envelope, 601, rng).unwrap();
        assert_eq!(content.is_some(), index + 1 == second.len());
    }
}

#[test]
fn a_copied_state_reads_nothing_more_after_one_round() {
    let rng = &mut StdRng::seed_from_u64(5);
    let (mut alice, mut bob) = ratchets(rng);
    let send = |from: &mut Ratchet, to: &mut Ratchet, rng: &mut StdRng| {
        let envelope = from.encrypt(b"said", rng).unwrap();
        to.decrypt(&envelope, 0, rng).unwrap();
        envelope
    };
    send(&mut alice, &mut bob, rng);
    send(&mut bob, &mut alice, rng);

    // The attacker has all of Alice's memory, and from now on only listens.
    let mut thief = Ratchet::from_bytes(&alice.to_bytes()).unwrap();
    let still_readable = send(&mut bob, &mut alice, rng);
    thief.decrypt(&still_readable, 0, rng).unwrap();

    // Bob turns towards keys the copy has, Alice turns towards fresh ones of her own.
    send(&mut alice, &mut bob, rng);
    let turned = send(&mut bob, &mut alice, rng);
    thief.decrypt(&turned, 0, rng).unwrap();
    send(&mut alice, &mut bob, rng);

    // The body heals at once. Its header key was derived one turn before: it heals with the next.
    for expected in [
        ratchet::DecryptError::Body,
        ratchet::DecryptError::UnknownHeader,
        ratchet::DecryptError::UnknownHeader,
    ] {
        let healed = send(&mut bob, &mut alice, rng);
        let before = thief.to_bytes();
        let refused = thief.decrypt(&healed, 0, rng).map(|_| ());
        assert_eq!(refused, Err(expected));
        assert!(thief.to_bytes() == before);
        send(&mut alice, &mut bob, rng);
    }
}

/// One side only talks, the other only confirms: its receipts turn the talker's chain, too.
#[test]
fn receipts_alone_renew_the_chain_of_one_who_only_talks() {
    const TEXTS: u64 = 12;
    // How many of Alice's texts a copy of Bob's memory opens.
    let overheard = |receipts: bool| {
        let rng = &mut StdRng::seed_from_u64(15);
        let (mut alice, mut bob) = sessions(rng);
        let mut thief: Option<Session> = None;
        let mut opened = 0;
        for number in 0..TEXTS {
            let said = alice.encrypt(&text(number, "news".into()), rng).unwrap();
            assert!(bob.decrypt(&said[0], 0, rng).unwrap().is_some());
            match &mut thief {
                None => thief = Some(Session::from_bytes(&bob.to_bytes()).unwrap()),
                Some(thief) => opened += u64::from(thief.decrypt(&said[0], 0, rng).is_ok()),
            }
            if receipts {
                let receipt = Content::Receipt {
                    state: ReceiptState::Delivered,
                    ids: vec![MessageId([7; 16])],
                    at_ms: number,
                };
                let receipt = bob.encrypt(&receipt, rng).unwrap();
                assert!(alice.decrypt(&receipt[0], 0, rng).unwrap().is_some());
            }
        }
        opened
    };
    assert_eq!(overheard(false), TEXTS - 1, "nothing renews it");
    let with_receipts = overheard(true);
    assert!(with_receipts <= 2, "{with_receipts} after the theft");
}

#[test]
fn a_state_stolen_later_reads_nothing_said_before() {
    let rng = &mut StdRng::seed_from_u64(6);
    let (mut alice, mut bob) = ratchets(rng);
    let mut past = Vec::new();
    for _ in 0..3 {
        let to_bob = alice.encrypt(b"past", rng).unwrap();
        bob.decrypt(&to_bob, 0, rng).unwrap();
        let to_alice = bob.encrypt(b"past", rng).unwrap();
        alice.decrypt(&to_alice, 0, rng).unwrap();
        past.extend([to_bob, to_alice]);
    }
    for stolen in [&alice, &bob] {
        let mut thief = Ratchet::from_bytes(&stolen.to_bytes()).unwrap();
        for envelope in &past {
            assert!(thief.decrypt(envelope, 0, rng).is_err());
        }
    }
}

#[test]
fn a_thousand_may_be_missing_but_not_one_more() {
    let rng = &mut StdRng::seed_from_u64(7);
    let (mut alice, mut bob) = ratchets(rng);
    let envelopes: Vec<_> = (0..=MAX_SKIP + 1)
        .map(|_| alice.encrypt(b"one way", rng).unwrap())
        .collect();
    let before = bob.to_bytes();
    let too_far = bob.decrypt(&envelopes[MAX_SKIP as usize + 1], 0, rng);
    assert_eq!(too_far.map(|_| ()), Err(ratchet::DecryptError::TooFar));
    assert!(bob.to_bytes() == before);

    bob.decrypt(&envelopes[MAX_SKIP as usize], 0, rng).unwrap();
    assert_eq!(bob.skipped(), MAX_SKIP as usize);
    for envelope in envelopes[..MAX_SKIP as usize].iter().rev() {
        bob.decrypt(envelope, 0, rng).unwrap();
    }
    assert_eq!(bob.skipped(), 0);
    bob.decrypt(&envelopes[MAX_SKIP as usize + 1], 0, rng)
        .unwrap();
}

#[test]
fn two_thousand_keys_are_kept_and_the_oldest_go_first() {
    let rng = &mut StdRng::seed_from_u64(8);
    let (mut alice, mut bob) = ratchets(rng);
    let mut lost = Vec::new();
    for _ in 0..3 {
        lost.extend((0..MAX_SKIP).map(|_| alice.encrypt(b"lost", rng).unwrap()));
        let arrived = alice.encrypt(b"arrived", rng).unwrap();
        bob.decrypt(&arrived, 0, rng).unwrap();
        assert!(bob.skipped() <= MAX_SKIPPED);
    }
    assert_eq!(bob.skipped(), MAX_SKIPPED);
    assert!(bob.decrypt(&lost[0], 0, rng).is_err());
    assert!(bob.decrypt(&lost[MAX_SKIP as usize - 1], 0, rng).is_err());
    bob.decrypt(&lost[MAX_SKIP as usize], 0, rng).unwrap();
    bob.decrypt(lost.last().unwrap(), 0, rng).unwrap();

    let restored = Ratchet::from_bytes(&bob.to_bytes()).unwrap();
    assert!(restored.to_bytes() == bob.to_bytes());
}

#[test]
fn header_keys_kept_are_few_however_many_turns_lose_a_message() {
    let rng = &mut StdRng::seed_from_u64(9);
    let (mut alice, mut bob) = ratchets(rng);
    let mut lost = Vec::new();
    for _ in 0..MAX_SKIPPED_CHAINS + 5 {
        lost.push(alice.encrypt(b"lost", rng).unwrap());
        let arrived = alice.encrypt(b"arrived", rng).unwrap();
        bob.decrypt(&arrived, 0, rng).unwrap();
        let answer = bob.encrypt(b"answer", rng).unwrap();
        alice.decrypt(&answer, 0, rng).unwrap();
    }
    assert_eq!(bob.skipped(), MAX_SKIPPED_CHAINS);
    for (index, envelope) in lost.iter().enumerate() {
        assert_eq!(bob.decrypt(envelope, 0, rng).is_ok(), index >= 5);
    }
    assert_eq!(bob.skipped(), 0);
}

#[test]
fn the_key_of_a_lost_message_dies_after_thirty_days() {
    let rng = &mut StdRng::seed_from_u64(10);
    let (mut alice, mut bob) = ratchets(rng);
    let early = [
        alice.encrypt(b"early", rng).unwrap(),
        alice.encrypt(b"early", rng).unwrap(),
    ];
    let later = alice.encrypt(b"later", rng).unwrap();
    let start = 1_700_000_000;
    bob.decrypt(&later, start, rng).unwrap();

    let last_moment = start + SKIPPED_LIFETIME_SECS - 1;
    assert!(!bob.drop_expired(last_moment));
    bob.decrypt(&early[0], last_moment, rng).unwrap();

    // Dead at once, even before it is swept away.
    let expired = bob.decrypt(&early[1], last_moment + 1, rng).map(|_| ());
    assert_eq!(expired, Err(ratchet::DecryptError::NoKey));
    assert_eq!(bob.skipped(), 1);
    assert!(bob.drop_expired(last_moment + 1));
    assert_eq!(bob.skipped(), 0);
}

#[test]
fn an_overtaken_message_opens_turns_later() {
    let rng = &mut StdRng::seed_from_u64(11);
    let (mut alice, mut bob) = ratchets(rng);
    let first = alice.encrypt(b"first", rng).unwrap();
    let overtaken = alice.encrypt(b"overtaken", rng).unwrap();
    bob.decrypt(&first, 0, rng).unwrap();
    for _ in 0..5 {
        let answer = bob.encrypt(b"answer", rng).unwrap();
        alice.decrypt(&answer, 0, rng).unwrap();
        let next = alice.encrypt(b"next", rng).unwrap();
        bob.decrypt(&next, 0, rng).unwrap();
    }
    assert_eq!(*bob.decrypt(&overtaken, 0, rng).unwrap(), b"overtaken");
}

#[test]
fn other_associated_data_opens_nothing() {
    let rng = &mut StdRng::seed_from_u64(12);
    let sk = Secret::random(rng);
    let keys = RatchetKeys::generate(rng);
    let mut alice = Ratchet::initiator(&sk, b"alice", &keys.public(), rng).unwrap();
    let mut bob = Ratchet::responder(&sk, b"mallory", keys);
    let envelope = alice.encrypt(b"hello", rng).unwrap();
    let before = bob.to_bytes();
    let refused = bob.decrypt(&envelope, 0, rng).map(|_| ());
    assert_eq!(refused, Err(ratchet::DecryptError::Body));
    assert!(bob.to_bytes() == before);
    assert!(!bob.can_send());
}

#[test]
fn keys_that_no_honest_peer_sends_are_refused() {
    let rng = &mut StdRng::seed_from_u64(13);
    let sk = Secret::random(rng);
    let keys = RatchetKeys::generate(rng);
    let good = keys.public().as_bytes();
    assert!(RatchetKeys::from_bytes(&keys.to_bytes()).is_ok());
    assert!(RatchetPublic::from_bytes(&good).is_ok());
    let short = RatchetPublic::from_bytes(&good[1..]).map(|_| ());
    assert_eq!(short, Err(KeyError::Length));

    // Coefficients of 4095 are not below the modulus 3329 (FIPS 203 §7.2).
    let mut unreduced = good;
    unreduced[32..].fill(0xFF);
    let unreduced = RatchetPublic::from_bytes(&unreduced).map(|_| ());
    assert_eq!(unreduced, Err(KeyError::Kem));

    // Small-order points: 0, 1, p - 1 and p + 1 all lead to an all-zero shared secret.
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xFF; 32];
    (minus_one[0], minus_one[31]) = (0xEC, 0x7F);
    let mut above = [0xFF; 32];
    (above[0], above[31]) = (0xEE, 0x7F);
    for point in [[0; 32], one, minus_one, above] {
        let mut weak = good;
        weak[..32].copy_from_slice(&point);
        let weak = RatchetPublic::from_bytes(&weak).unwrap();
        let refused = Ratchet::initiator(&sk, AD, &weak, rng).map(|_| ());
        assert_eq!(refused, Err(KeyError::SmallOrder));
    }
}

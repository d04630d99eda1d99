//! What an independent implementation derives from the same secrets.
//!
//! Computed from docs/protocol alone with Python's `hashlib`, `cryptography` and
//! `argon2-cffi`. These bytes are formats: a change of any is a change of version.

#[path = "support/given.rs"]
mod given;

use given::Given;
use solo2_crypto::identity::master::{self, Child};
use solo2_crypto::identity::{AccountId, AccountKey, safety_number};
use solo2_crypto::secret::Secret;
use solo2_crypto::wrap::{self, Params};
use solo2_crypto::{invite, noise, rendezvous};

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hex")
}

fn entropy() -> Secret<32> {
    Secret::fill(|place| place.iter_mut().zip(0..).for_each(|(byte, n)| *byte = n))
}

fn account(seed: u8) -> AccountId {
    AccountKey::from_secret(Secret::new(&[seed; 32])).public()
}

#[test]
fn an_80_byte_wrap_is_byte_for_byte_the_same() {
    let expected = hex(
        "01130201a0a1a2a3a4a5a6a7a8a9aaabacadaeafc0c1c2c3c4c5c6c7c8c9cacb\
         b32940fa2a5db85d96f68e3cdcbf1785f80ebd3bf4598643f133186fe5884326\
         c8b4feef2e93d4fd6db23611ddbbf3a8",
    );
    // Salt, then nonce.
    let drawn: Vec<u8> = (0xa0..0xb0).chain(0xc0..0xcc).collect();
    let password = "Pa\u{308}sswo\u{fb01}rt";
    let made = wrap::wrap(
        &entropy(),
        password,
        b"account",
        Params::FLOOR,
        &mut Given::new(&drawn),
    );
    assert_eq!(made.expect("19 MiB are there").to_vec(), expected);
    let wrapped = expected.try_into().expect("80 bytes");
    let opened = wrap::unwrap(&wrapped, password, b"account").expect("the right password");
    assert!(opened.same_as(&entropy()));
}

#[test]
fn master_children_are_the_same() {
    for (child, index, expected) in [
        (
            Child::VaultKek,
            0,
            "1bdf389b8fada6bf6312225f739f0e28807af060aaa5aa58bc8ca19dbc10c6be",
        ),
        (
            Child::Recovery,
            0,
            "fd0db349c3f89bdc98df72424febd9ba4a0f4b99aa8b18c3e964bb620792c0ab",
        ),
        (
            Child::Search,
            0,
            "db2cb8c86b9bd275774fa0a1f7364d4272320dc9ea7b36bb515a0c50e0a7ed38",
        ),
        (
            Child::Age,
            0,
            "0de381e8e28631c9fce1052b44f9378a0e999591d863fc6401a42bfc3b24f2b3",
        ),
        (
            Child::Sync,
            0,
            "23f2e8f163fa28727276f8cec93591880ecd005cb2437e7f9eea74878c50050f",
        ),
        (
            Child::Sync,
            7,
            "c54961f2d5241c63ba7d60a0141820bf306adc12cb666f3c050da3bedcbf432c",
        ),
    ] {
        let derived = master::child_at(&entropy(), child, index);
        assert_eq!(
            derived.expose().to_vec(),
            hex(expected),
            "{child:?} {index}"
        );
    }
    assert_eq!(
        master::recovery_fingerprint(&entropy()),
        "5264a3a79309a8e914b0067c77659fdc5a3713e0e4e0b2198fdd982f28f77e6e"
    );
}

#[test]
fn what_a_pair_derives_is_the_same() {
    let sk = Secret::new(&[7; 32]);
    let pair = rendezvous::pair_secret(&sk);
    for (derived, expected) in [
        (
            &pair,
            "211572c624343391b0cf8c4416d9a42f9193e56849e4ff28614e5978110a7585",
        ),
        (
            &rendezvous::session_psk(&sk),
            "9f95acfdf0f7b7b99388e1f0abc66936899ee3da37e6b7f1c8d64f588396b2f7",
        ),
        (
            &Secret::new(&rendezvous::token(&pair, 489_000, &account(1))),
            "b0fea0fb78081f91dd621a54fe316197727bed63d5c2e88ab725efef62e9df9f",
        ),
        (
            &rendezvous::mask_key(&pair, 20_376),
            "34912f418bc6e89db8296d97f3e2ae923a6b6af9b3d262cf621cc140da638c62",
        ),
        (
            &rendezvous::signal_psk(&pair),
            "748fb83026d8766d85d82ee5b7a888891837f0e82559ef058193f95316ab7775",
        ),
        (
            &noise::next_psk(&Secret::new(&[3; 32]), &[4; 32], &[5; 32], &[6; 32], true),
            "1762029292115825fcf6cc124b0ebe332eea877fc791241bc0fa5adf781cade7",
        ),
        (
            &Secret::new(&invite::invite_token(7)),
            "9ae009afe3ccb2e202a9cc374dd23d675cdcf37ab78e101bcbd0ddeec5f6d5bc",
        ),
    ] {
        assert_eq!(derived.expose().to_vec(), hex(expected));
    }
}

#[test]
fn a_safety_number_is_the_same() {
    assert_eq!(
        safety_number::safety_number(&account(1), &account(2)),
        "317624588155306243569179239027399687628852204239947791414600"
    );
}

//! HPKE and X-Wing as published: RFC 9180 appendix A.2.2 (psk mode), the
//! hpke-pq draft's X-Wing suite (the one signals are sealed with, in base mode),
//! and the X-Wing draft's own KEM vectors.

#[path = "support/given.rs"]
mod given;

use given::Given;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, PskBundle, Serializable as _};
use serde_json::Value;

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hex")
}

fn vectors(kem_id: u64) -> Vec<Value> {
    let mut all: Vec<Value> =
        serde_json::from_str(include_str!("vectors/hpke.json")).expect("our own file");
    all.retain(|vector| vector["kem_id"] == kem_id);
    assert_eq!(all.len(), 1);
    all
}

fn run<K: Kem>(vector: &Value) {
    let field = |name: &str| hex(vector[name].as_str().expect("a string"));
    let (psk, psk_id) = (field("psk"), field("psk_id"));
    let (sender, receiver) = if vector["mode"] == 1 {
        let bundle = PskBundle::new(&psk, &psk_id).expect("both are there");
        (OpModeS::Psk(bundle), OpModeR::Psk(bundle))
    } else {
        (OpModeS::Base, OpModeR::Base)
    };
    let private = K::PrivateKey::from_bytes(&field("skRm")).expect("a private key");
    let public = K::PublicKey::from_bytes(&field("pkRm")).expect("a public key");
    assert!(K::sk_to_pk(&private) == public);

    let mut rng = Given::new(&field("ikmE"));
    let (encapsulated, mut sealing) =
        hpke::setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, K>(
            &sender,
            &public,
            &field("info"),
            &mut rng,
        )
        .expect("a good key");
    assert_eq!(encapsulated.to_bytes().to_vec(), field("enc"));
    let received = K::EncappedKey::from_bytes(&field("enc")).expect("an encapsulation");
    let mut opening = hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, K>(
        &receiver,
        &private,
        &received,
        &field("info"),
    )
    .expect("a good encapsulation");

    let list = |name: &str| vector[name].as_array().expect("a list").clone();
    for message in list("encryptions") {
        let part = |name: &str| hex(message[name].as_str().expect("a string"));
        let sealed = sealing.seal(&part("pt"), &part("aad")).expect("seals");
        assert_eq!(sealed, part("ct"));
        let opened = opening.open(&part("ct"), &part("aad")).expect("opens");
        assert_eq!(opened, part("pt"));
    }
    for export in list("exports") {
        let part = |name: &str| hex(export[name].as_str().expect("a string"));
        let mut value = [0; 32];
        opening
            .export(&part("context"), &mut value)
            .expect("short enough");
        assert_eq!(value.to_vec(), part("value"));
    }
}

#[test]
fn psk_mode_is_that_of_rfc_9180() {
    for vector in vectors(32) {
        assert_eq!(vector["mode"], 1);
        run::<X25519HkdfSha256>(&vector);
    }
}

#[test]
fn the_suite_of_signals_is_that_of_the_pq_draft() {
    for vector in vectors(0x647a) {
        run::<XWing>(&vector);
    }
}

#[test]
fn x_wing_is_that_of_its_draft() {
    let file: Value = serde_json::from_str(include_str!("vectors/xwing.json")).expect("our own");
    let vectors = file["vectors"].as_array().expect("a list");
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let field = |name: &str| hex(vector[name].as_str().expect("a string"));
        let private = <XWing as Kem>::PrivateKey::from_bytes(&field("seed")).expect("32 bytes");
        let public = XWing::sk_to_pk(&private);
        assert_eq!(public.to_bytes().to_vec(), field("pk"));
        let mut rng = Given::new(&field("eseed"));
        let (shared, ciphertext) =
            XWing::encap_with_rng(&public, None, &mut rng).expect("a good key");
        assert_eq!(ciphertext.to_bytes().to_vec(), field("ct"));
        assert_eq!(shared.0.to_vec(), field("ss"));
        let again = XWing::decap(&private, None, &ciphertext).expect("ours");
        assert_eq!(again.0.to_vec(), field("ss"));
    }
}

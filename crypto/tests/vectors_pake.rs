//! SPAKE2 as python-spake2 publishes it, and our use of it.
//!
//! Sources: warner/python-spake2, src/spake2/test/test_compat.py
//! (`test_asymmetric`: password, scalars, both messages, the key with empty
//! identities), and the tests of the `spake2` crate 0.4.0 (the key with identities).

#[path = "support/given.rs"]
mod given;

use given::Given;
use solo2_crypto::invite::{InviteCode, InviteSide, Pake, confirmation};
use spake2::{Ed25519Group, Identity, Password, Spake2};

/// 2611694063369306139794446498317402240796898290761098242657700742213257926693, little-endian.
const SCALAR_A: &str = "25184061a70b1142f1a9f043a52cf7033dc308b5a0a32e42b003ecd59c2ac605";
/// 7002393159576182977806091886122272758628412261510164356026361256515836884383, little-endian.
const SCALAR_B: &str = "9fb5e845084e0cbe27ac8b4d3af139b33f3f8a047d4234e2d45d33c5cd367b0f";
const MESSAGE_A: &str = "416fc960df73c9cf8ed7198b0c9534e2e96a5984bfc5edc023fd24dacf371f2af9";
const MESSAGE_B: &str = "42354e97b88406922b1df4bea1d7870f17aed3dba7c720b313edae315b00959309";

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hex")
}

/// The crate draws 64 bytes and reduces them: a reduced scalar and zeros stay that scalar.
fn draw(scalar: &str) -> [u8; 64] {
    let mut wide = [0; 64];
    wide[..32].copy_from_slice(&hex(scalar));
    wide
}

struct Old(Vec<u8>);

impl rand_core_06::CryptoRng for Old {}

impl rand_core_06::RngCore for Old {
    fn next_u32(&mut self) -> u32 {
        unreachable!("SPAKE2 draws bytes")
    }
    fn next_u64(&mut self) -> u64 {
        unreachable!("SPAKE2 draws bytes")
    }
    fn fill_bytes(&mut self, place: &mut [u8]) {
        let rest = self.0.split_off(place.len());
        place.copy_from_slice(&std::mem::replace(&mut self.0, rest));
    }
    fn try_fill_bytes(&mut self, place: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.fill_bytes(place);
        Ok(())
    }
}

fn exchange(password: &[u8], id_a: &[u8], id_b: &[u8]) -> [(Vec<u8>, Vec<u8>); 2] {
    let (password, id_a, id_b) = (
        Password::new(password),
        Identity::new(id_a),
        Identity::new(id_b),
    );
    let rng = |scalar| Old(draw(scalar).to_vec());
    let (a, to_b) =
        Spake2::<Ed25519Group>::start_a_with_rng(&password, &id_a, &id_b, rng(SCALAR_A));
    let (b, to_a) =
        Spake2::<Ed25519Group>::start_b_with_rng(&password, &id_a, &id_b, rng(SCALAR_B));
    let keys = [a.finish(&to_a), b.finish(&to_b)].map(|key| key.expect("a message"));
    let [key_a, key_b] = keys;
    [(to_b, key_a), (to_a, key_b)]
}

#[test]
fn messages_and_keys_are_those_of_python_spake2() {
    for (ids, key) in [
        (
            [&b""[..], b""],
            "a480bca13fa04464bb644f10e340125e96c9494f7399fef7c2bda67eb0fdf06d",
        ),
        (
            [b"idA", b"idB"],
            "712295de7219c675ddd31942184aa26e0a957cf216bc230d165b215047b520c1",
        ),
    ] {
        let [a, b] = exchange(b"password", ids[0], ids[1]);
        assert_eq!((a.0, b.0), (hex(MESSAGE_A), hex(MESSAGE_B)));
        assert_eq!((a.1, b.1), (hex(key), hex(key)));
    }
}

/// Our wrapper is that exchange, with a code as the password and our labels as identities.
#[test]
fn an_invite_is_that_exchange_with_our_password_and_identities() {
    let code: InviteCode = "7 Salmon Violin".parse().expect("a code");
    let ids = [&b"solo2/invite/inviter/v1"[..], b"solo2/invite/joiner/v1"];
    let [a, b] = exchange(b"7-salmon-violin", ids[0], ids[1]);
    let start = |side, scalar| Pake::start(&code, side, &mut Given::new(&draw(scalar)));
    let (inviter, message_a) = start(InviteSide::Inviter, SCALAR_A);
    let (joiner, message_b) = start(InviteSide::Joiner, SCALAR_B);
    assert_eq!((&message_a, &message_b), (&a.0, &b.0));
    let expected = solo2_crypto::kdf::hkdf::<32>(&[], &a.1, &[b"solo2/invite/key/v1"]);
    for (state, message) in [(inviter, message_b), (joiner, message_a)] {
        let key = state.finish(&message).expect("a message");
        assert!(key.same_as(&expected));
        let side = InviteSide::Inviter;
        assert_eq!(confirmation(&key, side), confirmation(&expected, side));
    }
}

//! Secrets stay silent: no type that holds one can be printed, copied or serialized.
//!
//! Checked by the compiler: deriving `Debug`, `Clone`, `Copy`, `PartialEq` or serde's
//! `Serialize` on any type below stops this file from compiling.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::fmt::{Debug, Display};
use std::marker::PhantomData;

use serde::Serialize;
use solo2_crypto::file::{ChunkCipher, FileKey, Opener, Sealer};
use solo2_crypto::ratchet::{Ratchet, RatchetKeys};
use solo2_crypto::secret::Secret;
use solo2_crypto::session::Session;

/// Whether `T: Trait`, as a constant: an inherent constant, which exists only where the
/// bound holds, hides the trait's constant of the same name.
macro_rules! implements {
    ($type:ty: $($bound:tt)+) => {{
        struct Probe<T: ?Sized>(#[allow(dead_code, reason = "never a value")] PhantomData<T>);
        #[allow(dead_code, reason = "hidden where the bound holds")]
        trait Otherwise {
            const ANSWER: bool = false;
        }
        impl<T: ?Sized> Otherwise for Probe<T> {}
        #[allow(dead_code, reason = "only where the bound holds")]
        impl<T: ?Sized + $($bound)+> Probe<T> {
            const ANSWER: bool = true;
        }
        <Probe<$type>>::ANSWER
    }};
}

macro_rules! silent {
    ($($type:ty),+ $(,)?) => {
        $(const _: () = {
            assert!(!implements!($type: Debug), "a secret can be printed");
            assert!(!implements!($type: Display), "a secret can be printed");
            assert!(!implements!($type: Clone), "a secret can be copied unseen");
            assert!(!implements!($type: PartialEq), "a secret can be compared in variable time");
            assert!(!implements!($type: Serialize), "a secret can be serialized");
            assert!(std::mem::needs_drop::<$type>(), "a secret is not wiped");
        };)+
    };
}

silent!(
    Secret<32>,
    RatchetKeys,
    Ratchet,
    Session,
    ChunkCipher,
    Sealer,
    Opener
);

// Part of a content, so it is cloned and compared, the latter in constant time.
const _: () = {
    assert!(!implements!(FileKey: Debug), "a secret can be printed");
    assert!(!implements!(FileKey: Display), "a secret can be printed");
    assert!(
        !implements!(FileKey: Serialize),
        "a secret can be serialized"
    );
    assert!(std::mem::needs_drop::<FileKey>(), "a secret is not wiped");
};

// The probe itself is no rubber stamp: it sees what is there.
const _: () = assert!(implements!(String: Debug));
const _: () = assert!(implements!(String: Display));
const _: () = assert!(implements!(String: Clone));
const _: () = assert!(implements!(String: PartialEq));
const _: () = assert!(implements!(String: Serialize));

#[test]
fn sessions_may_move_between_threads() {
    fn movable<T: Send + Sync>() {}
    movable::<Session>();
    movable::<Ratchet>();
}

#[test]
fn a_chain_forgets_the_keys_it_has_used() {
    let mut rng = rand::rng();
    let sk = Secret::random(&mut rng);
    let keys = RatchetKeys::generate(&mut rng);
    let bob_secret = keys.to_bytes();
    let mut alice = Ratchet::initiator(&sk, b"ad", &keys.public(), &mut rng).unwrap();
    let mut bob = Ratchet::responder(&sk, b"ad", keys);

    let holds = |state: &[u8], secret: &[u8]| state.windows(32).any(|bytes| bytes == secret);
    assert!(holds(&bob.to_bytes(), &bob_secret[..32]));
    let envelope = alice.encrypt(b"hello", &mut rng).unwrap();
    bob.decrypt(&envelope, 0, &mut rng).unwrap();
    assert!(!holds(&bob.to_bytes(), &bob_secret[..32]));
    assert!(!holds(&bob.to_bytes(), &bob_secret[32..64]));
    assert!(!holds(&bob.to_bytes(), sk.expose()));
}

//! Everything in Solo2 that turns bytes into bytes.
//!
//! No I/O, no clock, no async: time and randomness are arguments. Layers, inside out:
//! [`content`] ⊂ [`padding`] ⊂ [`ratchet`], which [`session`] puts together; what a peer
//! sends is hostile until its tag has matched, and a failure changes nothing.
//!
//! Alice and Bob agreed on `sk` and `ad`, and Alice knows Bob's first ratchet key:
//!
//! ```
//! use solo2_crypto::content::Content;
//! use solo2_crypto::ratchet::RatchetKeys;
//! use solo2_crypto::secret::Secret;
//! use solo2_crypto::session::{ENVELOPE_LEN, Session};
//!
//! # let mut rng = rand::rng();
//! # let now = 0; // seconds since the Unix epoch
//! # let (sk, ad) = (Secret::random(&mut rng), b"both identities");
//! let bob_keys = RatchetKeys::generate(&mut rng);
//! let mut alice = Session::initiator(&sk, ad, &bob_keys.public(), &mut rng)?;
//! let mut bob = Session::responder(&sk, ad, bob_keys);
//!
//! // Alice speaks first, so that Bob can answer.
//! let envelopes = alice.encrypt(&Content::Ready, &mut rng)?;
//! assert_eq!(envelopes[0].len(), ENVELOPE_LEN);
//! assert_eq!(bob.decrypt(&envelopes[0], now, &mut rng)?, Some(Content::Ready));
//!
//! let hello = Content::Profile { name: "Bob".to_owned() };
//! for envelope in bob.encrypt(&hello, &mut rng)? {
//!     assert!(alice.decrypt(&envelope, now, &mut rng)?.as_ref() == Some(&hello));
//!     assert!(alice.decrypt(&envelope, now, &mut rng).is_err(), "no key opens twice");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::panic, clippy::string_slice)
)]

pub mod aead;
pub mod agreement;
mod cbor;
pub mod content;
pub mod dh;
pub mod file;
pub mod identity;
pub mod invite;
pub mod kdf;
pub mod kem;
mod label;
pub mod noise;
pub mod padding;
pub mod ratchet;
pub mod rendezvous;
pub mod secret;
pub mod session;
pub mod signal_seal;
pub mod wire;
mod words;
pub mod wrap;

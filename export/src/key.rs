//! The age key that grows from the 24 words, in the form that stock `age` reads.
//!
//! Identity: Bech32 (BIP173) of the 32 bytes of `age-x25519`, upper case, under
//! `AGE-SECRET-KEY-`; recipient: X25519 of it times the base point, under `age`.
//! Spec: docs/protocol/1-keys.md §1.1, docs/protocol/7-export.md §2; C2SP age.

use age::secrecy::ExposeSecret as _;
use age::x25519;
use bech32::{ToBase32 as _, Variant};
use solo2_crypto::identity::master::{Child, child};
use solo2_crypto::secret::Secret;
use zeroize::{Zeroize as _, Zeroizing};

/// The key of the archives of one set of words.
pub struct ArchiveKey(x25519::Identity);

impl ArchiveKey {
    /// Grows it from what the 24 words stand for.
    ///
    /// # Panics
    ///
    /// Never: 32 bytes always have a Bech32 form.
    #[must_use]
    pub fn of(entropy: &Secret<32>) -> Self {
        let secret = child(entropy, Child::Age);
        let mut digits = secret.expose().to_base32();
        let lower = bech32::encode("age-secret-key-", &digits, Variant::Bech32)
            .map(Zeroizing::new)
            .expect("the prefix is fixed and lower case");
        for digit in &mut digits {
            *digit = bech32::u5::default();
        }
        let text = Zeroizing::new(lower.to_ascii_uppercase());
        Self(text.parse().expect("32 bytes are a whole key"))
    }

    /// `AGE-SECRET-KEY-1…`, for `age -d -i`.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.to_string().expose_secret().to_owned())
    }

    /// `age1…`: whom an archive is encrypted to. Not a secret.
    #[must_use]
    pub fn recipient(&self) -> String {
        self.0.to_public().to_string()
    }

    pub(crate) fn identity(&self) -> &x25519::Identity {
        &self.0
    }
}

/// A passphrase for an archive without the words.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes the text as it was typed.
    #[must_use]
    pub fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    pub(crate) fn secret(&self) -> age::secrecy::SecretString {
        let mut copy = String::with_capacity(self.0.len());
        copy.push_str(&self.0);
        let secret = age::secrecy::SecretString::from(copy.as_str());
        copy.zeroize();
        secret
    }
}

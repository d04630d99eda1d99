//! Someone in our vault.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use super::{MAX_CERTIFICATE, MAX_NAME, MAX_SHORT, at_most};
use crate::error::TxError;

/// Names a contact on this machine only: random, never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct ContactId(
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub [u8; 16],
);

impl ContactId {
    /// Draws a new one.
    pub fn random<R: CryptoRng>(rng: &mut R) -> Self {
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        Self(id)
    }
}

/// `p_` and 32 hexadecimal digits.
impl fmt::Display for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("p_")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Not the text of a contact id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a contact id is p_ and 32 hexadecimal digits")]
pub struct ContactIdError;

impl FromStr for ContactId {
    type Err = ContactIdError;

    fn from_str(text: &str) -> Result<Self, ContactIdError> {
        let digits = text.strip_prefix("p_").ok_or(ContactIdError)?;
        if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(ContactIdError);
        }
        u128::from_str_radix(digits, 16)
            .map(|number| Self(number.to_be_bytes()))
            .map_err(|_| ContactIdError)
    }
}

/// How far the owner trusts a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Trust {
    /// Just met.
    #[n(0)]
    New,
    /// Written with before.
    #[n(1)]
    Known,
    /// The owner said so.
    #[n(2)]
    Trusted,
    /// The safety numbers were compared, or the pairing was verified at birth.
    #[n(3)]
    Verified,
}

/// Someone in our vault.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Contact {
    /// Our name for the record.
    #[n(0)]
    pub id: ContactId,
    /// Our name for the person, at most 1024 bytes.
    #[n(1)]
    pub name: String,
    /// The pinned account key.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub account: [u8; 32],
    /// The device certificate, as received; at most 16 KiB.
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    pub certificate: Vec<u8>,
    /// Whether the safety numbers were compared.
    #[n(4)]
    pub verified: bool,
    /// How far the owner trusts them.
    #[n(5)]
    pub trust: Trust,
    /// Nothing is taken from them.
    #[n(6)]
    pub blocked: bool,
    /// The account key they showed instead of the pinned one.
    #[n(7)]
    #[cbor(with = "minicbor::bytes")]
    pub changed_to: Option<[u8; 32]>,
    /// Unix time in milliseconds.
    #[n(8)]
    pub added_at_ms: u64,
    /// Settings for this contact alone.
    #[n(9)]
    pub settings: BTreeMap<String, String>,
}

impl Contact {
    /// Whether the vault has room for it.
    ///
    /// # Errors
    ///
    /// [`TxError::TooLong`].
    pub fn check(&self) -> Result<(), TxError> {
        at_most(self.name.len(), MAX_NAME, "the contact's name")?;
        at_most(
            self.certificate.len(),
            MAX_CERTIFICATE,
            "the contact's certificate",
        )?;
        at_most(
            self.settings.len(),
            256,
            "the list of the contact's settings",
        )?;
        self.settings.iter().try_for_each(|(name, value)| {
            at_most(
                name.len().max(value.len()),
                MAX_SHORT,
                "a setting of the contact",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_contact_id_reads_back_from_its_text(id: [u8; 16]) {
            let text = ContactId(id).to_string();
            assert_eq!(text.parse(), Ok(ContactId(id)));
            assert_eq!(text.len(), 34);
        }

        #[test]
        fn decoding_rubbish_never_panics(bytes: Vec<u8>) {
            let _ = crate::record::decode::<Contact>(&bytes);
        }
    }

    #[test]
    fn a_contact_id_is_nothing_else() {
        for text in [
            "",
            "p_",
            "p_+0000000000000000000000000000000",
            "q_00000000000000000000000000000000",
        ] {
            assert_eq!(text.parse::<ContactId>(), Err(ContactIdError));
        }
    }
}

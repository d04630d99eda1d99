//! Who may use a relay: a secret, the invites it vouches for, and the passwords
//! that an invite makes.
//!
//! ```text
//!   secret (the relay's file)
//!     │ HMAC-SHA256, over the invite's id
//!     ▼
//!   invite key ──HMAC-SHA1, over the username──► password, good for 24 hours at most
//! ```
//!
//! Nothing of this is kept by the relay but its secret: an id says which key made
//! a password, and until when. An id is drawn at random and names nobody.
//! The second step is that of the TURN REST draft (draft-uberti-behave-turn-rest-00 §2.2).
//! Spec: docs/protocol/8-relay.md §2.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::wire::LongTermKey;

/// The realm of a relay whose operator names none: credentials are bound to its secret, not
/// to its name. Clients take the one that they are challenged with.
pub const REALM: &str = "solo2-relay";
/// The longest that a password is good for, in seconds.
pub const MAX_LIFETIME: u64 = 24 * 60 * 60;
/// The shortest secret that is taken, in bytes.
pub const MIN_SECRET_LEN: usize = 16;

const INVITE_LABEL: &[u8] = b"solo2/relay/invite/v1";

/// What vouches for every invite of a relay. It never leaves its operator.
pub struct RelaySecret(Zeroizing<Vec<u8>>);

/// The secret is too short to withstand guessing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a secret needs {MIN_SECRET_LEN} bytes, this one has {0}")]
pub struct ShortSecret(usize);

impl RelaySecret {
    /// Takes the content of a secret file: any bytes, a newline at their end left out.
    ///
    /// # Errors
    /// [`ShortSecret`] below [`MIN_SECRET_LEN`] bytes.
    pub fn new(mut bytes: Zeroizing<Vec<u8>>) -> Result<Self, ShortSecret> {
        while bytes.last().is_some_and(|byte| b"\r\n".contains(byte)) {
            bytes.pop();
        }
        if bytes.len() < MIN_SECRET_LEN {
            return Err(ShortSecret(bytes.len()));
        }
        Ok(Self(bytes))
    }

    /// `HMAC-SHA256[secret]("solo2/relay/invite/v1" || id)`.
    #[must_use]
    pub fn invite_key(&self, id: InviteId) -> InviteKey {
        let mut mac = hmac_sha256(&self.0);
        mac.update(INVITE_LABEL);
        mac.update(&id.0);
        InviteKey(Zeroizing::new(mac.finalize().into_bytes().into()))
    }
}

/// Names an invite: when it ends, and 64 bits that were drawn.
///
/// `u32be(end, seconds since 1970; 0 = never) || random 8`, in text as base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InviteId([u8; InviteId::LEN]);

impl InviteId {
    const LEN: usize = 12;
    /// Length of its text in bytes.
    pub const TEXT_LEN: usize = 16;

    /// A new id. `ends` is in seconds since 1970; `None` means never.
    #[must_use]
    pub fn new(ends: Option<u64>, random: [u8; 8]) -> Self {
        let ends = ends.map_or(0, |ends| u32::try_from(ends).unwrap_or(u32::MAX));
        let mut id = [0; Self::LEN];
        let (head, tail) = id.split_at_mut(4);
        head.copy_from_slice(&ends.to_be_bytes());
        tail.copy_from_slice(&random);
        Self(id)
    }

    /// When the invite ends, in seconds since 1970, if it does.
    #[must_use]
    pub fn ends(self) -> Option<u64> {
        let [a, b, c, d, ..] = self.0;
        let ends = u32::from_be_bytes([a, b, c, d]);
        (ends != 0).then(|| u64::from(ends))
    }
}

impl fmt::Display for InviteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        BASE64URL_NOPAD.encode_display(&self.0).fmt(f)
    }
}

/// Text that is no invite id.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not the id of an invite")]
pub struct NotAnId;

impl FromStr for InviteId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let mut id = [0; Self::LEN];
        if text.len() != Self::TEXT_LEN {
            return Err(NotAnId);
        }
        BASE64URL_NOPAD
            .decode_mut(text.as_bytes(), &mut id)
            .map_err(|_| NotAnId)?;
        Ok(Self(id))
    }
}

/// What an invite gives its holder: the right to make passwords.
pub struct InviteKey(Zeroizing<[u8; 32]>);

impl InviteKey {
    /// Takes a key that was read from an invite.
    #[must_use]
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The bytes of the key, to be written into an invite.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// `base64(HMAC-SHA1[key](username))`.
    #[must_use]
    pub fn password(&self, username: &Username) -> Password {
        let mut mac =
            Hmac::<Sha1>::new_from_slice(self.0.as_slice()).expect("HMAC takes keys of any length");
        mac.update(username.to_string().as_bytes());
        Password(Zeroizing::new(BASE64.encode(&mac.finalize().into_bytes())))
    }
}

/// The username of a credential: `expiry ":" invite id`, the expiry in decimal
/// seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Username {
    /// When the credential stops to be good, in seconds since 1970.
    pub expires: u64,
    /// The invite that made it.
    pub invite: InviteId,
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.expires, self.invite)
    }
}

/// Text that is no username of ours.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a username of this relay")]
pub struct NotAUsername;

impl FromStr for Username {
    type Err = NotAUsername;

    /// There is one spelling of each: no sign, no leading zero.
    fn from_str(text: &str) -> Result<Self, NotAUsername> {
        let (expires, invite) = text.split_once(':').ok_or(NotAUsername)?;
        let plain = expires.len() <= 12
            && !expires.starts_with('0')
            && expires.bytes().all(|byte| byte.is_ascii_digit());
        let expires = expires.parse().ok().filter(|_| plain).ok_or(NotAUsername)?;
        let invite = invite.parse().map_err(|NotAnId| NotAUsername)?;
        Ok(Self { expires, invite })
    }
}

/// The password that belongs to a username.
pub struct Password(Zeroizing<String>);

impl Password {
    /// The password, to be given to a TURN client.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The key that requests under this credential are signed with, where the relay calls
    /// itself `realm`.
    #[must_use]
    pub fn key(&self, username: &Username, realm: &str) -> LongTermKey {
        LongTermKey::derive(&username.to_string(), realm, &self.0)
    }
}

pub(crate) fn hmac_sha256(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secret(text: &str) -> Result<RelaySecret, ShortSecret> {
        RelaySecret::new(Zeroizing::new(text.as_bytes().to_vec()))
    }

    /// Computed with Python's `hmac` and `hashlib`; docs/protocol/8-relay.md §2 has the lines.
    #[test]
    fn passwords_are_those_of_an_independent_computation() {
        let secret = secret("a secret of the relay, for the test\n").expect("long enough");
        let id = InviteId::new(Some(1_800_000_000), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(id.to_string(), "a0nSAAECAwQFBgcI");
        let key = secret.invite_key(id);
        assert_eq!(
            data_encoding::HEXLOWER.encode(key.expose()),
            "72392db100a9f111049ce4af301b677ec02575ef8370d676f3124497560be469"
        );
        let username = Username {
            expires: 1_790_000_000,
            invite: id,
        };
        assert_eq!(username.to_string(), "1790000000:a0nSAAECAwQFBgcI");
        assert_eq!(
            key.password(&username).expose(),
            "2CvbwE2UQCRZHw3Or6Ee/LLWMPk="
        );
    }

    #[test]
    fn a_newline_at_the_end_of_a_secret_file_is_none_of_it() {
        let id = InviteId::new(None, [9; 8]);
        let [bare, line] = ["0123456789abcdef", "0123456789abcdef\r\n"]
            .map(|text| secret(text).expect("long enough"));
        assert!(bare.invite_key(id).expose() == line.invite_key(id).expose());
        assert_eq!(secret("0123456789abcde\n").err(), Some(ShortSecret(15)));
    }

    #[test]
    fn an_id_says_when_it_ends() {
        assert_eq!(
            InviteId::new(Some(1_900_000_000), [0; 8]).ends(),
            Some(1_900_000_000)
        );
        assert_eq!(InviteId::new(None, [0; 8]).ends(), None);
        assert_eq!(
            InviteId::new(Some(u64::MAX), [0; 8]).ends(),
            Some(u64::from(u32::MAX))
        );
    }

    #[test]
    fn another_spelling_of_a_username_is_none() {
        let good = format!("1790000000:{}", InviteId::new(None, [7; 8]));
        assert!(good.parse::<Username>().is_ok());
        for bad in [
            "",
            ":",
            "1790000000",
            &good[1..].replace("790000000", "+790000000"),
            &format!("0{good}"),
            &format!("{good}A"),
            &format!("-{good}"),
            &format!("1790000000000:{}", &good[11..]),
            &good.replace(':', ";"),
        ] {
            assert_eq!(bad.parse::<Username>().err(), Some(NotAUsername), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn usernames_come_back(expires in 1..1_000_000_000_000_u64, end in any::<u32>(), random in any::<[u8; 8]>()) {
            let username = Username { expires, invite: InviteId::new(Some(u64::from(end)), random) };
            prop_assert_eq!(username.to_string().parse::<Username>(), Ok(username));
        }
    }
}

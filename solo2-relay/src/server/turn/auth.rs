//! Who is at the door: long-term credentials (RFC 8489 §9.2) without a line of state
//! for those who have not shown one.
//!
//! ```text
//!   nonce = base64url( u32be(seconds since 1970) || first16(HMAC-SHA256[key](seconds || IP || port)) )
//! ```
//!
//! So a nonce is good for the address it was given to and for an hour, and the relay
//! keeps none. Only the integrity code tells that somebody knows a password; before it
//! was checked, nothing is remembered.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use data_encoding::BASE64URL_NOPAD;
use hmac::Mac as _;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::Refused;
use crate::credential::{InviteId, RelaySecret, Username, hmac_sha256};
use crate::server::config::Realm;
use crate::wire::{Integrity, LongTermKey, Message, attribute};

/// How long a nonce is good, in seconds.
const NONCE_LIFETIME: u32 = 60 * 60;
const NONCE_LEN: usize = 20;
/// Length of a nonce as text, in bytes.
pub(super) const NONCE_TEXT_LEN: usize = 27;

/// What opens the door.
pub(in crate::server) struct Door {
    secret: RelaySecret,
    nonce_key: Zeroizing<[u8; 32]>,
    /// How far ahead a credential may expire, in seconds.
    longest: u64,
    realm: Realm,
    revoked: HashSet<InviteId>,
}

/// Somebody who knows a password, and how to answer them.
pub(super) struct Visitor {
    pub(super) invite: InviteId,
    pub(super) key: LongTermKey,
    pub(super) integrity: Integrity,
}

impl Door {
    /// `nonce_key` is random, and this is its only place.
    pub(in crate::server) fn new(
        secret: RelaySecret,
        nonce_key: Zeroizing<[u8; 32]>,
        longest: u64,
        realm: Realm,
    ) -> Self {
        Self {
            secret,
            nonce_key,
            longest,
            realm,
            revoked: HashSet::new(),
        }
    }

    /// What challenges name.
    pub(super) fn realm(&self) -> &str {
        self.realm.as_str()
    }

    /// From now on, these invites open nothing, and all others do.
    pub(super) fn revoke(&mut self, invites: HashSet<InviteId>) {
        self.revoked = invites;
    }

    /// Looks at a request from this address, at this time in seconds since 1970.
    pub(super) fn check(
        &self,
        message: &Message<'_>,
        from: SocketAddr,
        unix: u64,
    ) -> Result<Visitor, Refused> {
        let Some(integrity) = message.integrity() else {
            return Err(Refused::UNAUTHENTICATED);
        };
        let (Some(username), Some(nonce), Some(_)) = (
            message.attribute(attribute::USERNAME),
            message.attribute(attribute::NONCE),
            message.attribute(attribute::REALM),
        ) else {
            return Err(Refused::BAD_REQUEST);
        };
        if !self.is_our_nonce(nonce.value, from, unix) {
            return Err(Refused::STALE_NONCE);
        }
        let username: Username = username
            .text()
            .and_then(|text| text.parse().ok())
            .filter(|username| self.is_current(username, unix))
            .ok_or(Refused::UNAUTHENTICATED)?;
        let key = self
            .secret
            .invite_key(username.invite)
            .password(&username)
            .key(&username, self.realm.as_str());
        if !message.verify(&key) {
            return Err(Refused::UNAUTHENTICATED);
        }
        Ok(Visitor {
            invite: username.invite,
            key,
            integrity,
        })
    }

    fn is_current(&self, username: &Username, unix: u64) -> bool {
        username.expires > unix
            && username.expires <= unix.saturating_add(self.longest)
            && username.invite.ends().is_none_or(|ends| ends > unix)
            && !self.revoked.contains(&username.invite)
    }

    /// A nonce for this address, as text.
    pub(super) fn nonce(&self, from: SocketAddr, unix: u64) -> [u8; NONCE_TEXT_LEN] {
        let mut text = [0; NONCE_TEXT_LEN];
        let seconds = u32::try_from(unix).unwrap_or(u32::MAX);
        BASE64URL_NOPAD.encode_mut(&self.nonce_bytes(from, seconds), &mut text);
        text
    }

    fn nonce_bytes(&self, from: SocketAddr, seconds: u32) -> [u8; NONCE_LEN] {
        let mut mac = hmac_sha256(self.nonce_key.as_slice());
        mac.update(&seconds.to_be_bytes());
        match from.ip() {
            IpAddr::V4(ip) => mac.update(&ip.octets()),
            IpAddr::V6(ip) => mac.update(&ip.octets()),
        }
        mac.update(&from.port().to_be_bytes());
        let code: [u8; 32] = mac.finalize().into_bytes().into();
        let mut nonce = [0; NONCE_LEN];
        let (head, tail) = nonce.split_at_mut(4);
        head.copy_from_slice(&seconds.to_be_bytes());
        for (to, from) in tail.iter_mut().zip(code) {
            *to = from;
        }
        nonce
    }

    fn is_our_nonce(&self, text: &[u8], from: SocketAddr, unix: u64) -> bool {
        let mut nonce = [0; NONCE_LEN];
        if text.len() != NONCE_TEXT_LEN || BASE64URL_NOPAD.decode_mut(text, &mut nonce).is_err() {
            return false;
        }
        let [a, b, c, d, ..] = nonce;
        let seconds = u32::from_be_bytes([a, b, c, d]);
        let fresh = unix
            .checked_sub(seconds.into())
            .is_some_and(|age| age < NONCE_LIFETIME.into());
        bool::from(self.nonce_bytes(from, seconds).ct_eq(&nonce)) && fresh
    }
}

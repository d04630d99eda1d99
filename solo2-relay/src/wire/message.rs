//! Reads a STUN message where it lies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::integrity::{Integrity, LongTermKey};
use super::{Class, HEADER_LEN, MAGIC_COOKIE, TransactionId, attribute};

/// Length of an attribute's type and length, in bytes.
const ATTRIBUTE_HEADER_LEN: usize = 4;
/// What a fingerprint is combined with (RFC 8489 §14.7): "STUN".
pub(super) const FINGERPRINT_XOR: u32 = 0x5354_554e;

/// Why bytes are no STUN message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// No header of STUN: too short, other leading bits, another cookie.
    #[error("not a STUN message")]
    NotStun,
    /// A length that does not fit what holds it.
    #[error("a length does not fit")]
    Length,
    /// The fingerprint is not that of the message.
    #[error("wrong fingerprint")]
    Fingerprint,
}

/// A well-formed message. It borrows the bytes it was read from.
///
/// What counts ends with the first integrity code or fingerprint: no attribute
/// behind it is handed out, whoever put it there (RFC 8489 §14.5).
#[derive(Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
    class: Class,
    method: u16,
    /// Where the attributes end that count.
    end: usize,
    /// Where the codes begin, type and length included.
    sha1: Option<usize>,
    sha256: Option<usize>,
    fingerprint: bool,
}

impl<'a> Message<'a> {
    /// Reads a whole message: nothing may be missing, nothing follow.
    ///
    /// # Errors
    /// [`WireError`]; a FINGERPRINT that is there must be right.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let header = bytes
            .first_chunk::<HEADER_LEN>()
            .ok_or(WireError::NotStun)?;
        let [a, b, c, d, e, f, g, h, ..] = *header;
        let kind = u16::from_be_bytes([a, b]);
        if kind & 0xc000 != 0 || u32::from_be_bytes([e, f, g, h]) != MAGIC_COOKIE {
            return Err(WireError::NotStun);
        }
        let length = usize::from(u16::from_be_bytes([c, d]));
        if !length.is_multiple_of(4) || bytes.len() != HEADER_LEN + length {
            return Err(WireError::Length);
        }
        let class = match (kind >> 7 & 2) | (kind >> 4 & 1) {
            0 => Class::Request,
            1 => Class::Indication,
            2 => Class::Success,
            _ => Class::Error,
        };
        let mut message = Self {
            bytes,
            class,
            method: (kind >> 2 & 0xf80) | (kind >> 1 & 0x70) | (kind & 0xf),
            end: bytes.len(),
            sha1: None,
            sha256: None,
            fingerprint: false,
        };
        message.find_the_end()?;
        Ok(message)
    }

    /// Walks all attributes once, so that no later look can fail.
    fn find_the_end(&mut self) -> Result<(), WireError> {
        let mut at = HEADER_LEN;
        while at < self.bytes.len() {
            let (attribute, next) = attribute_at(self.bytes, at).ok_or(WireError::Length)?;
            let codes_begun = self.sha1.is_some() || self.sha256.is_some();
            match attribute.kind {
                attribute::MESSAGE_INTEGRITY if !codes_begun => self.sha1 = Some(at),
                attribute::MESSAGE_INTEGRITY_SHA256 if self.sha256.is_none() => {
                    self.sha256 = Some(at);
                }
                attribute::FINGERPRINT if next == self.bytes.len() => {
                    self.check_fingerprint(at, attribute.value)?;
                    self.fingerprint = true;
                }
                _ => {
                    at = next;
                    continue;
                }
            }
            self.end = self.end.min(at);
            at = next;
        }
        Ok(())
    }

    fn check_fingerprint(&self, at: usize, value: &[u8]) -> Result<(), WireError> {
        let covered = self.bytes.get(..at).ok_or(WireError::Length)?;
        let crc = crc32fast::hash(covered) ^ FINGERPRINT_XOR;
        if value == crc.to_be_bytes() {
            Ok(())
        } else {
            Err(WireError::Fingerprint)
        }
    }

    /// What kind of message this is.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// What it is about: one of [`super::method`], or something else.
    #[must_use]
    pub fn method(&self) -> u16 {
        self.method
    }

    /// The transaction that it belongs to.
    #[must_use]
    pub fn transaction(&self) -> TransactionId {
        let id = self.bytes.get(8..HEADER_LEN).unwrap_or_default();
        id.try_into().unwrap_or_default()
    }

    /// Whether it bears a FINGERPRINT, which then is right.
    #[must_use]
    pub fn has_fingerprint(&self) -> bool {
        self.fingerprint
    }

    /// The attributes that count, in their order.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes {
            bytes: self.bytes.get(..self.end).unwrap_or_default(),
            at: HEADER_LEN,
        }
    }

    /// The first attribute of this type: of several, only the first counts
    /// (RFC 8489 §14).
    #[must_use]
    pub fn attribute(&self, kind: u16) -> Option<Attribute<'a>> {
        self.attributes().find(|attribute| attribute.kind == kind)
    }

    /// The code that must hold: SHA-256 if it is there, else SHA-1.
    #[must_use]
    pub fn integrity(&self) -> Option<Integrity> {
        match (self.sha256, self.sha1) {
            (Some(_), _) => Some(Integrity::Sha256),
            (None, Some(_)) => Some(Integrity::Sha1),
            (None, None) => None,
        }
    }

    /// Whether the code named by [`Message::integrity`] is that of `key`.
    #[must_use]
    pub fn verify(&self, key: &LongTermKey) -> bool {
        self.verify_with(key.bytes())
    }

    /// As [`Message::verify`], for a short-term credential: its password is the key.
    #[must_use]
    pub fn verify_short_term(&self, password: &str) -> bool {
        self.verify_with(password.as_bytes())
    }

    fn verify_with(&self, key: &[u8]) -> bool {
        let (Some(integrity), Some(at)) = (self.integrity(), self.sha256.or(self.sha1)) else {
            return false;
        };
        let Some((attribute, _)) = attribute_at(self.bytes, at) else {
            return false;
        };
        // A truncated SHA-256 is allowed by the RFC; nobody needs it here.
        let whole = attribute.value.len() == integrity.len();
        let (Some([a, b]), Some(rest)) = (self.bytes.first_chunk(), self.bytes.get(4..at)) else {
            return false;
        };
        // The header is hashed with the length up to and including the code.
        let covered = at + ATTRIBUTE_HEADER_LEN + integrity.len() - HEADER_LEN;
        let length = u16::try_from(covered).unwrap_or_default().to_be_bytes();
        whole && integrity.verify(key, [&[*a, *b], &length, rest], attribute.value)
    }
}

/// One attribute.
#[derive(Clone, Copy)]
pub struct Attribute<'a> {
    /// Its type.
    pub kind: u16,
    /// Its value, without padding.
    pub value: &'a [u8],
    /// Where in the message the value begins.
    pub start: usize,
}

impl Attribute<'_> {
    /// Whether the value is `other`, told in constant time.
    #[must_use]
    pub fn is(&self, other: &[u8]) -> bool {
        self.value.ct_eq(other).into()
    }

    /// The value as text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        str::from_utf8(self.value).ok()
    }

    /// The value as a number of 32 bits.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        self.value.try_into().ok().map(u32::from_be_bytes)
    }

    /// The value as an address under the XOR of RFC 8489 §14.2.
    #[must_use]
    pub fn xor_address(&self, transaction: &TransactionId) -> Option<SocketAddr> {
        let (&[_, family, high, low], address) = self.value.split_first_chunk()?;
        let port = u16::from_be_bytes([high, low]) ^ (MAGIC_COOKIE >> 16) as u16;
        let ip: IpAddr = match (family, address.len()) {
            (1, 4) => {
                let bytes: [u8; 4] = address.try_into().ok()?;
                Ipv4Addr::from_bits(u32::from_be_bytes(bytes) ^ MAGIC_COOKIE).into()
            }
            (2, 16) => {
                let bytes: [u8; 16] = address.try_into().ok()?;
                Ipv6Addr::from_bits(u128::from_be_bytes(bytes) ^ mask(transaction)).into()
            }
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }
}

/// What IPv6 addresses are combined with: the cookie and the transaction.
pub(super) fn mask(transaction: &TransactionId) -> u128 {
    let mut bytes = [0; 16];
    let (cookie, rest) = bytes.split_at_mut(4);
    cookie.copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    rest.copy_from_slice(transaction);
    u128::from_be_bytes(bytes)
}

/// The attributes of a message, in their order.
#[derive(Clone)]
pub struct Attributes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let (attribute, next) = attribute_at(self.bytes, self.at)?;
        self.at = next;
        Some(attribute)
    }
}

/// The attribute that begins at `at`, and where the next one would.
fn attribute_at(bytes: &[u8], at: usize) -> Option<(Attribute<'_>, usize)> {
    let (&[a, b, c, d], rest) = bytes.get(at..)?.split_first_chunk()?;
    let len = usize::from(u16::from_be_bytes([c, d]));
    let value = rest.get(..len)?;
    let padded = len.next_multiple_of(4);
    rest.get(..padded)?;
    let (kind, start) = (u16::from_be_bytes([a, b]), at + ATTRIBUTE_HEADER_LEN);
    Some((Attribute { kind, value, start }, start + padded))
}

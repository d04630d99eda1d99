//! Writes a STUN message into a buffer that is used again.

use std::net::{IpAddr, SocketAddr};

use super::integrity::{Integrity, LongTermKey};
use super::message::{FINGERPRINT_XOR, mask};
use super::{Class, HEADER_LEN, MAGIC_COOKIE, TransactionId, attribute};

/// A message on its way into a buffer: attributes in the order of the calls, then
/// the integrity code, then the fingerprint.
///
/// Lengths must stay below 64 KiB. Ours do: the longest value is the datagram
/// that a Data indication hands on, and what does not fit was cut off by who read it.
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    transaction: TransactionId,
}

impl<'a> Writer<'a> {
    /// Begins a message; what was in the buffer is gone.
    pub fn new(
        out: &'a mut Vec<u8>,
        class: Class,
        method: u16,
        transaction: TransactionId,
    ) -> Self {
        let class = match class {
            Class::Request => 0x000,
            Class::Indication => 0x010,
            Class::Success => 0x100,
            Class::Error => 0x110,
        };
        let kind = class | (method & 0xf80) << 2 | (method & 0x70) << 1 | (method & 0xf);
        out.clear();
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        out.extend_from_slice(&transaction);
        Self { out, transaction }
    }

    /// Appends an attribute, padded with zeros.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.out.extend_from_slice(&kind.to_be_bytes());
        self.out.extend_from_slice(&len.to_be_bytes());
        self.out
            .extend_from_slice(value.get(..usize::from(len)).unwrap_or_default());
        self.out.resize(self.out.len().next_multiple_of(4), 0);
        self.set_length(0);
        self
    }

    /// Appends an address under the XOR of RFC 8489 §14.2.
    pub fn xor_address(&mut self, kind: u16, address: SocketAddr) -> &mut Self {
        let port = (address.port() ^ (MAGIC_COOKIE >> 16) as u16).to_be_bytes();
        let [high, low] = port;
        match address.ip() {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = (ip.to_bits() ^ MAGIC_COOKIE).to_be_bytes();
                self.attribute(kind, &[0, 1, high, low, a, b, c, d])
            }
            IpAddr::V6(ip) => {
                let mut value = [0; 20];
                let (head, rest) = value.split_at_mut(4);
                head.copy_from_slice(&[0, 2, high, low]);
                rest.copy_from_slice(&(ip.to_bits() ^ mask(&self.transaction)).to_be_bytes());
                self.attribute(kind, &value)
            }
        }
    }

    /// Appends ERROR-CODE (RFC 8489 §14.8).
    pub fn error(&mut self, code: u16, reason: &str) -> &mut Self {
        let [class, number] = [code / 100, code % 100].map(|part| part.to_be_bytes()[1]);
        let mut value = [0; 64];
        let (head, rest) = value.split_at_mut(4);
        head.copy_from_slice(&[0, 0, class, number]);
        let len = reason.len().min(rest.len());
        for (to, from) in rest.iter_mut().zip(reason.bytes()) {
            *to = from;
        }
        self.attribute(
            attribute::ERROR_CODE,
            value.get(..4 + len).unwrap_or_default(),
        )
    }

    /// Appends the code over everything so far.
    pub fn integrity(&mut self, integrity: Integrity, key: &LongTermKey) -> &mut Self {
        let kind = match integrity {
            Integrity::Sha1 => attribute::MESSAGE_INTEGRITY,
            Integrity::Sha256 => attribute::MESSAGE_INTEGRITY_SHA256,
        };
        self.set_length(4 + integrity.len());
        let mut code = Vec::with_capacity(integrity.len());
        integrity.write(key.bytes(), [self.out, &[], &[]], &mut code);
        self.attribute(kind, &code)
    }

    /// Appends FINGERPRINT, which is the last.
    pub fn fingerprint(&mut self) {
        self.set_length(8);
        let crc = crc32fast::hash(self.out) ^ FINGERPRINT_XOR;
        self.attribute(attribute::FINGERPRINT, &crc.to_be_bytes());
    }

    /// Says in the header how long the message is, with so much still to come.
    fn set_length(&mut self, more: usize) {
        let length = self.out.len() - HEADER_LEN + more;
        let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        if let Some(field) = self.out.get_mut(2..4) {
            field.copy_from_slice(&length);
        }
    }
}

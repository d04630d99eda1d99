//! Who knows the password: MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256
//! (RFC 8489 §14.5, §14.6), over HMAC of RustCrypto; it compares in constant time.

use hmac::{Hmac, Mac as _};
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The key of a long-term credential.
///
/// `MD5(username ":" realm ":" password)` (RFC 8489 §9.2.2). MD5 is what every
/// TURN client derives it with; the password behind it has 160 bits, so nothing
/// rests on MD5 being hard to collide.
pub struct LongTermKey(Zeroizing<[u8; 16]>);

impl LongTermKey {
    /// Derives the key. All three are taken as they are: ours are ASCII, which
    /// OpaqueString (RFC 8265) leaves alone.
    #[must_use]
    pub fn derive(username: &str, realm: &str, password: &str) -> Self {
        let mut hash = Md5::new();
        hash.update(username);
        hash.update(":");
        hash.update(realm);
        hash.update(":");
        hash.update(password);
        Self(Zeroizing::new(hash.finalize().into()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// Which of the two codes a message bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// MESSAGE-INTEGRITY: HMAC-SHA1, 20 bytes.
    Sha1,
    /// MESSAGE-INTEGRITY-SHA256: HMAC-SHA256, 32 bytes.
    Sha256,
}

impl Integrity {
    pub(super) const fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Appends the code over `parts`.
    pub(super) fn write(self, key: &[u8], parts: [&[u8]; 3], out: &mut Vec<u8>) {
        match self {
            Self::Sha1 => {
                out.extend_from_slice(&over::<Hmac<Sha1>>(key, parts).finalize().into_bytes())
            }
            Self::Sha256 => {
                out.extend_from_slice(&over::<Hmac<Sha256>>(key, parts).finalize().into_bytes());
            }
        }
    }

    /// Whether `code` is the whole code over `parts`.
    pub(super) fn verify(self, key: &[u8], parts: [&[u8]; 3], code: &[u8]) -> bool {
        match self {
            Self::Sha1 => over::<Hmac<Sha1>>(key, parts).verify_slice(code),
            Self::Sha256 => over::<Hmac<Sha256>>(key, parts).verify_slice(code),
        }
        .is_ok()
    }
}

fn over<M: hmac::Mac + hmac::KeyInit>(key: &[u8], parts: [&[u8]; 3]) -> M {
    let mut mac = <M as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac
}

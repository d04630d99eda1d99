//! A device: three private keys, and the certificate by which its account vouches for them.
//!
//! ```text
//! keys        = 0x01 || Ed25519 seed 32 || X25519 32 || X-Wing seed 32
//! certificate = Ed25519(account, "solo2/certificate/v1" || body) 64 || body
//! body        = CBOR {0: 1, 1: account, 2: index, 3: list version, 4: created,
//!                     5: Ed25519, 6: X25519, 7: X-Wing}
//! ```
//!
//! The signature is over the bytes received, never re-encoded ones. Which list
//! version is too old is for whoever pinned the account to say.
//! Spec: docs/protocol/1-keys.md §1.2.

use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem as _, Serializable as _};
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{AccountId, AccountKey, checked_point, sign, signing_public, verify};
use crate::cbor;
use crate::dh;
use crate::label;
use crate::secret::Secret;

const VERSION: u8 = 1;
const KEYS_LEN: usize = 1 + 3 * 32;
/// Room for what later versions add; today's certificates have 1,393 to 1,406 bytes.
const MAX_CERTIFICATE: usize = 2048;
/// Bytes of an X-Wing public key.
pub const SEAL_PUBLIC_LEN: usize = 1216;

/// The private keys of one device. One per purpose: sign, agree, unseal.
pub struct DeviceKeys {
    signing: Secret<32>,
    noise: Secret<32>,
    seal: Secret<32>,
}

impl DeviceKeys {
    /// Draws the keys of a new device.
    pub fn generate<R: CryptoRng>(rng: &mut R) -> Self {
        Self {
            signing: Secret::random(rng),
            noise: Secret::random(rng),
            seal: Secret::random(rng),
        }
    }

    /// The secret to store: 97 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(KEYS_LEN));
        bytes.push(VERSION);
        for key in [&self.signing, &self.noise, &self.seal] {
            bytes.extend_from_slice(key.expose());
        }
        bytes
    }

    /// Takes back what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    ///
    /// [`DeviceKeysError`] for any other length or version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DeviceKeysError> {
        let bytes: &[u8; KEYS_LEN] = bytes.try_into().map_err(|_| DeviceKeysError)?;
        let [VERSION, rest @ ..] = bytes else {
            return Err(DeviceKeysError);
        };
        let (keys, _) = rest.as_chunks::<32>();
        let [signing, noise, seal] = keys else {
            return Err(DeviceKeysError);
        };
        Ok(Self {
            signing: Secret::new(signing),
            noise: Secret::new(noise),
            seal: Secret::new(seal),
        })
    }

    /// The X25519 private key for Noise and for agreements.
    #[must_use]
    pub fn noise(&self) -> &Secret<32> {
        &self.noise
    }

    /// The X25519 public key.
    #[must_use]
    pub fn noise_public(&self) -> [u8; 32] {
        dh::public(&self.noise)
    }

    /// The Ed25519 public key.
    #[must_use]
    pub fn signing_public(&self) -> [u8; 32] {
        signing_public(&self.signing)
    }

    /// The X-Wing public key that others seal signals to.
    #[must_use]
    pub fn seal_public(&self) -> Vec<u8> {
        XWing::sk_to_pk(&self.seal_private()).to_bytes().to_vec()
    }

    /// `Ed25519(device key, label || message)`; see [`AccountKey::sign`] on labels.
    #[must_use]
    pub fn sign(&self, label: &[u8], message: &[u8]) -> [u8; 64] {
        sign(&self.signing, label, message)
    }

    pub(crate) fn seal_private(&self) -> <XWing as hpke::Kem>::PrivateKey {
        <XWing as hpke::Kem>::PrivateKey::from_bytes(self.seal.expose())
            .expect("every 32 bytes are an X-Wing seed")
    }
}

/// These bytes are not stored device keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the keys of a device")]
pub struct DeviceKeysError;

/// An account's word that three public keys are its device's.
///
/// Exists only with a signature that was checked.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCertificate {
    bytes: Vec<u8>,
    account: AccountId,
    index: u32,
    list_version: u32,
    created_secs: u64,
    signing: [u8; 32],
    noise: [u8; 32],
    seal: Vec<u8>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Body<'a> {
    #[n(0)]
    version: u8,
    #[cbor(n(1), with = "minicbor::bytes")]
    account: &'a [u8],
    #[n(2)]
    index: u32,
    #[n(3)]
    list_version: u32,
    #[n(4)]
    created_secs: u64,
    #[cbor(n(5), with = "minicbor::bytes")]
    signing: &'a [u8],
    #[cbor(n(6), with = "minicbor::bytes")]
    noise: &'a [u8],
    #[cbor(n(7), with = "minicbor::bytes")]
    seal: &'a [u8],
}

impl DeviceCertificate {
    /// Signs the public halves of `device` with `account`.
    #[must_use]
    pub fn issue(
        account: &AccountKey,
        index: u32,
        list_version: u32,
        device: &DeviceKeys,
        created_secs: u64,
    ) -> Self {
        let (signing, noise, seal) = (
            device.signing_public(),
            device.noise_public(),
            device.seal_public(),
        );
        let body = cbor::encode(&Body {
            version: VERSION,
            account: account.public().as_bytes(),
            index,
            list_version,
            created_secs,
            signing: &signing,
            noise: &noise,
            seal: &seal,
        });
        let mut bytes = account.sign(label::CERTIFICATE, &body).to_vec();
        bytes.extend_from_slice(&body);
        Self {
            bytes,
            account: account.public(),
            index,
            list_version,
            created_secs,
            signing,
            noise,
            seal,
        }
    }

    /// Reads and checks a certificate: shape, every key, and the account's signature.
    ///
    /// # Errors
    ///
    /// [`CertificateError`]; whichever it is, the sender is not to be believed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CertificateError> {
        if bytes.len() > MAX_CERTIFICATE {
            return Err(CertificateError::Encoding);
        }
        let (signature, encoded) = bytes
            .split_first_chunk::<64>()
            .ok_or(CertificateError::Encoding)?;
        let body: Body<'_> =
            cbor::decode(encoded, MAX_CERTIFICATE).ok_or(CertificateError::Encoding)?;
        if body.version != VERSION {
            return Err(CertificateError::Version(body.version));
        }
        let account = fixed(body.account)?;
        let account = AccountId::from_bytes(&account).map_err(|_| CertificateError::Key)?;
        account
            .verify(label::CERTIFICATE, encoded, signature)
            .map_err(|_| CertificateError::Signature)?;

        let (signing, noise) = (fixed(body.signing)?, fixed(body.noise)?);
        if checked_point(&signing).is_none()
            || !dh::is_usable(&noise)
            || <XWing as hpke::Kem>::PublicKey::from_bytes(body.seal).is_err()
        {
            return Err(CertificateError::Key);
        }
        Ok(Self {
            bytes: bytes.to_vec(),
            account,
            index: body.index,
            list_version: body.list_version,
            created_secs: body.created_secs,
            signing,
            noise,
            seal: body.seal.to_vec(),
        })
    }

    /// The certificate as it travels and rests.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The account that signed.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Which of the account's devices this is.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Version of the account's device list. Peers refuse one lower than they have seen.
    #[must_use]
    pub fn list_version(&self) -> u32 {
        self.list_version
    }

    /// The device's Ed25519 key.
    #[must_use]
    pub fn signing(&self) -> [u8; 32] {
        self.signing
    }

    /// The device's X25519 key.
    #[must_use]
    pub fn noise(&self) -> [u8; 32] {
        self.noise
    }

    /// The device's X-Wing key, 1,216 bytes.
    #[must_use]
    pub fn seal(&self) -> &[u8] {
        &self.seal
    }

    /// When it was issued, in seconds since 1970, by the issuer's clock.
    #[must_use]
    pub fn created(&self) -> u64 {
        self.created_secs
    }

    /// Checks what [`DeviceKeys::sign`] made on this device.
    ///
    /// # Errors
    ///
    /// [`SignatureError`](super::SignatureError) when it was another key, label or message.
    pub fn verify(
        &self,
        label: &[u8],
        message: &[u8],
        signature: &[u8; 64],
    ) -> Result<(), super::SignatureError> {
        verify(&self.signing, label, message, signature)
    }
}

impl std::fmt::Debug for DeviceCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            bytes: _,
            account,
            index,
            list_version,
            created_secs,
            signing: _,
            noise: _,
            seal: _,
        } = self;
        f.debug_struct("DeviceCertificate")
            .field("account", account)
            .field("index", index)
            .field("list_version", list_version)
            .field("created_secs", created_secs)
            .finish_non_exhaustive()
    }
}

/// Why a certificate is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not a certificate's encoding, or too long for one.
    #[error("not a device certificate")]
    Encoding,
    /// From a later version of the protocol.
    #[error("unknown certificate version {0}")]
    Version(u8),
    /// One of its keys is no key, or one that would give its holder away.
    #[error("device certificate with an unusable key")]
    Key,
    /// The account it names did not sign it.
    #[error("device certificate not signed by its account")]
    Signature,
}

fn fixed(bytes: &[u8]) -> Result<[u8; 32], CertificateError> {
    bytes.try_into().map_err(|_| CertificateError::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    fn issued() -> (AccountKey, DeviceKeys, DeviceCertificate) {
        let mut rng = StdRng::seed_from_u64(1);
        let (account, device) = (
            AccountKey::generate(&mut rng),
            DeviceKeys::generate(&mut rng),
        );
        let certificate = DeviceCertificate::issue(&account, 2, 5, &device, 1_760_000_000);
        (account, device, certificate)
    }

    fn refused(bytes: &[u8]) -> CertificateError {
        DeviceCertificate::from_bytes(bytes).expect_err("not to be believed")
    }

    /// A body with any fields at all, signed as an account would.
    fn signed(account: &AccountKey, body: &[u8]) -> Vec<u8> {
        [&account.sign(label::CERTIFICATE, body)[..], body].concat()
    }

    #[test]
    fn a_certificate_says_what_was_issued() {
        let (account, device, certificate) = issued();
        let read = DeviceCertificate::from_bytes(certificate.as_bytes()).expect("our own");
        assert!(read == certificate);
        assert_eq!(read.account(), account.public());
        assert_eq!((read.index(), read.list_version()), (2, 5));
        assert_eq!(read.created(), 1_760_000_000);
        assert_eq!(read.noise(), device.noise_public());
        assert_eq!(read.signing(), device.signing_public());
        assert_eq!(read.seal(), device.seal_public());
        assert_eq!(read.seal().len(), SEAL_PUBLIC_LEN);
    }

    #[test]
    fn a_certificate_with_any_byte_changed_is_refused() {
        let (_, _, certificate) = issued();
        for place in 0..certificate.as_bytes().len() {
            let mut bytes = certificate.as_bytes().to_vec();
            bytes[place] ^= 1;
            refused(&bytes);
        }
        let bytes = certificate.as_bytes();
        assert_eq!(
            refused(&bytes[..bytes.len() - 1]),
            CertificateError::Encoding
        );
        assert_eq!(refused(&[bytes, &[0]].concat()), CertificateError::Encoding);
        assert_eq!(refused(&[0; 4096]), CertificateError::Encoding);
        assert_eq!(refused(&[]), CertificateError::Encoding);
    }

    #[test]
    fn an_account_cannot_be_named_by_another() {
        let (_, device, certificate) = issued();
        let mallory = AccountKey::from_secret(Secret::new(&[9; 32]));
        let (_, body) = certificate.as_bytes().split_at(64);
        assert_eq!(
            refused(&signed(&mallory, body)),
            CertificateError::Signature
        );
        let theirs = DeviceCertificate::issue(&mallory, 2, 5, &device, 0);
        assert_ne!(theirs.account(), certificate.account());
    }

    #[test]
    fn keys_of_small_order_are_refused_even_when_signed() {
        let (account, device, _) = issued();
        let (signing, noise) = (device.signing_public(), device.noise_public());
        let seal = device.seal_public();
        let mut bad_seal = seal.clone();
        bad_seal[..2].copy_from_slice(&[0xff, 0xff]); // a coefficient above q
        type Case<'a> = (&'a [u8], &'a [u8], &'a [u8], Option<CertificateError>);
        let cases: [Case<'_>; 5] = [
            (&signing, &noise, &seal, None),
            (&signing, &[0; 32], &seal, Some(CertificateError::Key)),
            (&[0; 32], &noise, &seal, Some(CertificateError::Key)),
            (&signing, &noise, &bad_seal, Some(CertificateError::Key)),
            (
                &signing,
                &noise[1..],
                &seal,
                Some(CertificateError::Encoding),
            ),
        ];
        for (signing, noise, seal, expected) in cases {
            let body = cbor::encode(&Body {
                version: VERSION,
                account: account.public().as_bytes(),
                index: 0,
                list_version: 0,
                created_secs: 0,
                signing,
                noise,
                seal,
            });
            let read = DeviceCertificate::from_bytes(&signed(&account, &body));
            assert_eq!(read.err(), expected);
        }
    }

    #[test]
    fn a_later_field_is_skipped_and_a_later_version_refused() {
        let (account, _, certificate) = issued();
        let (_, body) = certificate.as_bytes().split_at(64);
        // A map of 8 becomes one of 9 with key 24.
        assert_eq!(body[0], 0xa8);
        let later = [&[0xa9], &body[1..], &[0x18, 24, 0x82, 1, 2]].concat();
        let read = DeviceCertificate::from_bytes(&signed(&account, &later)).expect("skipped");
        assert_eq!(read.noise(), certificate.noise());

        let mut version = body.to_vec();
        assert_eq!(version[..3], [0xa8, 0, 1]);
        version[2] = 2;
        assert_eq!(
            refused(&signed(&account, &version)),
            CertificateError::Version(2)
        );
    }

    #[test]
    fn device_keys_survive_storage_in_97_bytes() {
        let (_, device, _) = issued();
        let bytes = device.to_bytes();
        assert_eq!((bytes.len(), bytes[0]), (97, 1));
        let back = DeviceKeys::from_bytes(&bytes)
            .map_err(drop)
            .expect("our own");
        assert_eq!(back.seal_public(), device.seal_public());
        assert_eq!(back.noise_public(), device.noise_public());
        assert_eq!(back.signing_public(), device.signing_public());
        assert!(DeviceKeys::from_bytes(&bytes[1..]).is_err());
        assert!(DeviceKeys::from_bytes(&[2; 97]).is_err());
    }

    proptest! {
        #[test]
        fn random_bytes_are_no_certificate(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(DeviceCertificate::from_bytes(&bytes).is_err());
            prop_assert!(DeviceKeys::from_bytes(&bytes).is_err() || bytes.len() == 97);
        }

        #[test]
        fn signed_nonsense_does_not_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let account = AccountKey::from_secret(Secret::new(&[1; 32]));
            prop_assert!(DeviceCertificate::from_bytes(&signed(&account, &body)).is_err());
        }
    }
}

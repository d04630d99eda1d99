//! `vault.head`: the three doors to the data key.
//!
//! ```text
//! head = "solo2vlt" 8 | version 1 | vault id 16
//!      | password door 80     wrap(E, password)            the 80-byte wrap; E opens the next
//!      | words door 72        seal[vault-kek(E)](data key)
//!      | device door 72       seal[KDF(device secret)](data key), or random bytes
//!      | device door set 1
//! ```
//! A new password rewrites this file and nothing else. It is replaced whole, so
//! there is always one that opens; the one before is overwritten then.
//! Spec: docs/protocol/5-vault.md §2.

use std::fs::File;
use std::path::Path;

use rand_core::CryptoRng;
use rustix::fs::{FlockOperation, flock};
use solo2_crypto::identity::master::{Child, child};
use solo2_crypto::secret::Secret;
use solo2_crypto::wrap::{self, Params, WRAP_LEN, WrapError};
use solo2_crypto::{aead, kdf};

use crate::bytes::Reader;
use crate::error::{Damage, DiskError, UnlockError};
use crate::files;
use crate::label;

const MAGIC: &[u8; 8] = b"solo2vlt";
/// Of the whole vault. Who raises it teaches `Doors::read` the one before, and makes a
/// fixture of it first (tests/fixtures.rs).
pub(crate) const VERSION: u8 = 1;
const DOOR_LEN: usize = 32 + aead::SEAL_OVERHEAD;
const HEAD_LEN: usize = 8 + 1 + 16 + WRAP_LEN + 2 * DOOR_LEN + 1;

/// The parsed head file.
pub(crate) struct Doors {
    pub(crate) vault_id: [u8; 16],
    password: [u8; WRAP_LEN],
    words: [u8; DOOR_LEN],
    device: [u8; DOOR_LEN],
    has_device: bool,
}

impl Doors {
    /// Doors of a new vault: password and words; no device secret.
    pub(crate) fn new<R: CryptoRng>(
        data_key: &Secret<32>,
        entropy: &Secret<32>,
        password: &str,
        cost: Params,
        rng: &mut R,
    ) -> Result<Self, WrapError> {
        let mut vault_id = [0; 16];
        rng.fill_bytes(&mut vault_id);
        let mut doors = Self {
            vault_id,
            password: [0; WRAP_LEN],
            words: [0; DOOR_LEN],
            device: [0; DOOR_LEN],
            has_device: false,
        };
        doors.set_password(entropy, password, cost, rng)?;
        let kek = child(entropy, Child::VaultKek);
        doors.words = door(&kek, data_key, &doors.ad(label::WORDS_DOOR), rng);
        rng.fill_bytes(&mut doors.device);
        Ok(doors)
    }

    /// Replaces the password's door.
    pub(crate) fn set_password<R: CryptoRng>(
        &mut self,
        entropy: &Secret<32>,
        password: &str,
        cost: Params,
        rng: &mut R,
    ) -> Result<(), WrapError> {
        let context = self.ad(label::PASSWORD_DOOR);
        self.password = wrap::wrap(entropy, password, &context, cost, rng)?;
        Ok(())
    }

    /// Replaces the device secret's door.
    pub(crate) fn set_device<R: CryptoRng>(
        &mut self,
        data_key: &Secret<32>,
        secret: &Secret<32>,
        rng: &mut R,
    ) {
        let ad = self.ad(label::DEVICE_DOOR);
        self.device = door(&device_kek(secret), data_key, &ad, rng);
        self.has_device = true;
    }

    /// Puts random bytes where the device secret's door was.
    pub(crate) fn wall_up_device<R: CryptoRng>(&mut self, rng: &mut R) {
        rng.fill_bytes(&mut self.device);
        self.has_device = false;
    }

    /// Whether there is a door for a device secret.
    pub(crate) fn has_device(&self) -> bool {
        self.has_device
    }

    /// The words' entropy, by password.
    pub(crate) fn entropy(&self, password: &str) -> Result<Secret<32>, UnlockError> {
        wrap::unwrap(&self.password, password, &self.ad(label::PASSWORD_DOOR)).map_err(|error| {
            match error {
                WrapError::WrongPassword => UnlockError::WrongPassword,
                WrapError::Memory(_) => UnlockError::PasswordCost(error),
                WrapError::Version(_) | WrapError::Params(_) => UnlockError::Damaged(Damage {
                    what: "the password's door cannot be read (the 24 words may still open it)",
                }),
            }
        })
    }

    /// The data key, by the words' entropy.
    pub(crate) fn by_entropy(&self, entropy: &Secret<32>) -> Result<Secret<32>, UnlockError> {
        let kek = child(entropy, Child::VaultKek);
        let opened = aead::open(&kek, &self.words, &self.ad(label::WORDS_DOOR));
        let key = opened.map_err(|_| UnlockError::WrongWords)?;
        Secret::from_slice(&key).ok_or(UnlockError::WrongWords)
    }

    /// The data key, by the device secret.
    pub(crate) fn by_device(&self, secret: &Secret<32>) -> Result<Secret<32>, UnlockError> {
        if !self.has_device {
            return Err(UnlockError::NoDeviceSecret);
        }
        let ad = self.ad(label::DEVICE_DOOR);
        let opened = aead::open(&device_kek(secret), &self.device, &ad);
        let key = opened.map_err(|_| UnlockError::WrongDeviceSecret)?;
        Secret::from_slice(&key).ok_or(UnlockError::WrongDeviceSecret)
    }

    /// Reads the head file.
    pub(crate) fn read(path: &Path) -> Result<Self, UnlockError> {
        let bytes = match files::read_bounded(path, HEAD_LEN as u64 + 1) {
            Ok(bytes) => bytes,
            Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => {
                return Err(UnlockError::NotFound {
                    path: path.parent().unwrap_or(path).to_owned(),
                });
            }
            Err(error) => return Err(error.into()),
        };
        match bytes.strip_prefix(MAGIC).and_then(<[u8]>::first) {
            Some(version) if *version > VERSION => Err(UnlockError::Newer { version: *version }),
            _ => Self::parse(&bytes).ok_or(UnlockError::Damaged(Damage {
                what: "vault.head cannot be read",
            })),
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        (reader.array::<8>()? == *MAGIC).then_some(())?;
        (reader.u8()? == VERSION).then_some(())?;
        let doors = Self {
            vault_id: reader.array()?,
            password: reader.array()?,
            words: reader.array()?,
            device: reader.array()?,
            has_device: match reader.u8()? {
                0 => false,
                1 => true,
                _ => return None,
            },
        };
        reader.end()?;
        Some(doors)
    }

    /// Replaces the head file; the doors that it had before are nowhere any more.
    pub(crate) fn write(&self, path: &Path) -> Result<(), DiskError> {
        let mut bytes = Vec::with_capacity(HEAD_LEN);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.vault_id);
        bytes.extend_from_slice(&self.password);
        bytes.extend_from_slice(&self.words);
        bytes.extend_from_slice(&self.device);
        bytes.push(u8::from(self.has_device));
        files::replace_and_destroy(path, &bytes)
    }

    fn ad(&self, label: &[u8]) -> Vec<u8> {
        [label, MAGIC, &[VERSION], &self.vault_id].concat()
    }
}

/// Held while the head is read, changed and replaced, so that no change is lost to another.
///
/// The owner of the vault may be at work meanwhile: it reads the head once, when it unlocks.
pub(crate) struct HeadLock {
    _directory: File,
}

impl HeadLock {
    pub(crate) fn take(vault: &Path) -> Result<Self, UnlockError> {
        let directory = match File::open(vault) {
            Ok(directory) => directory,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(UnlockError::NotFound {
                    path: vault.to_owned(),
                });
            }
            Err(error) => return Err(DiskError::at("open", vault)(error).into()),
        };
        flock(&directory, FlockOperation::LockExclusive)
            .map_err(|error| DiskError::at("lock", vault)(error.into()))?;
        Ok(Self {
            _directory: directory,
        })
    }
}

fn door<R: CryptoRng>(
    kek: &Secret<32>,
    data_key: &Secret<32>,
    ad: &[u8],
    rng: &mut R,
) -> [u8; DOOR_LEN] {
    aead::seal(kek, data_key.expose(), ad, rng)
        .try_into()
        .expect("a sealed key has one length")
}

fn device_kek(secret: &Secret<32>) -> Secret<32> {
    kdf::hkdf(&[], secret.expose(), &[label::DEVICE_DOOR])
}

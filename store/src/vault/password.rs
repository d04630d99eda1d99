//! Changing the doors: a new password or device secret rewrites `vault.head` and nothing else.

use rand_core::CryptoRng;
use solo2_crypto::secret::Secret;

use super::unlock::Unlock;
use crate::doors::{Doors, HeadLock};
use crate::error::{PasswordError, UnlockError};
use crate::files::VaultPaths;
use crate::{PasswordCost, Vault};

impl Vault {
    /// Replaces the password; the old one or the words are needed. The vault may be open meanwhile.
    ///
    /// # Errors
    ///
    /// [`PasswordError`]: the old password stands.
    pub fn change_password<R: CryptoRng>(
        paths: &VaultPaths,
        unlock: Unlock<'_>,
        new: &str,
        rng: &mut R,
    ) -> Result<(), PasswordError> {
        Self::change_password_with(paths, unlock, new, PasswordCost::default(), rng)
    }

    /// [`Vault::change_password`] with a chosen cost for each guess at the password.
    ///
    /// # Errors
    ///
    /// As [`Vault::change_password`].
    pub fn change_password_with<R: CryptoRng>(
        paths: &VaultPaths,
        unlock: Unlock<'_>,
        new: &str,
        cost: PasswordCost,
        rng: &mut R,
    ) -> Result<(), PasswordError> {
        let _lock = HeadLock::take(&paths.vault)?;
        let mut doors = Doors::read(&paths.head())?;
        let entropy = match unlock {
            Unlock::Password(password) => doors.entropy(password)?,
            Unlock::Entropy(entropy) => {
                doors.by_entropy(entropy)?;
                entropy.duplicate()
            }
            Unlock::Device(_) => return Err(PasswordError::NeedsPasswordOrWords),
        };
        doors
            .set_password(&entropy, new, cost, rng)
            .map_err(PasswordError::Cost)?;
        doors.write(&paths.head())?;
        Ok(())
    }

    /// Sets the device secret that opens the vault without a password.
    ///
    /// # Errors
    ///
    /// [`PasswordError`]: the doors stand as they were.
    pub fn set_device_secret<R: CryptoRng>(
        paths: &VaultPaths,
        unlock: Unlock<'_>,
        secret: &Secret<32>,
        rng: &mut R,
    ) -> Result<(), PasswordError> {
        let _lock = HeadLock::take(&paths.vault)?;
        let mut doors = Doors::read(&paths.head())?;
        let data_key = unlock.data_key(&doors)?;
        doors.set_device(&data_key, secret, rng);
        doors.write(&paths.head())?;
        Ok(())
    }

    /// Walls the device secret's door up with random bytes. Whoever may write the vault may do
    /// this: it opens nothing.
    ///
    /// # Errors
    ///
    /// [`UnlockError`]: the door stands as it was.
    pub fn remove_device_secret<R: CryptoRng>(
        paths: &VaultPaths,
        rng: &mut R,
    ) -> Result<(), UnlockError> {
        let _lock = HeadLock::take(&paths.vault)?;
        let mut doors = Doors::read(&paths.head())?;
        if doors.has_device() {
            doors.wall_up_device(rng);
            doors.write(&paths.head())?;
        }
        Ok(())
    }

    /// Whether the vault has a door for a device secret.
    ///
    /// # Errors
    ///
    /// [`UnlockError`] when the head cannot be read.
    pub fn has_device_secret(paths: &VaultPaths) -> Result<bool, UnlockError> {
        Ok(Doors::read(&paths.head())?.has_device())
    }

    /// Whether this device secret opens the vault; it may be open meanwhile.
    ///
    /// # Errors
    ///
    /// [`UnlockError`] when the head cannot be read.
    pub fn opened_by_device(paths: &VaultPaths, secret: &Secret<32>) -> Result<bool, UnlockError> {
        match Doors::read(&paths.head())?.by_device(secret) {
            Ok(_) => Ok(true),
            Err(UnlockError::WrongDeviceSecret | UnlockError::NoDeviceSecret) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The entropy of the 24 words, by password.
    ///
    /// # Errors
    ///
    /// [`UnlockError`]: no vault, or a wrong password.
    pub fn entropy(paths: &VaultPaths, password: &str) -> Result<Secret<32>, UnlockError> {
        Doors::read(&paths.head())?.entropy(password)
    }

    /// Whether these words' entropy opens the vault at `paths`; it may be open meanwhile.
    ///
    /// # Errors
    ///
    /// [`UnlockError`] when the head cannot be read.
    pub fn opened_by(paths: &VaultPaths, entropy: &Secret<32>) -> Result<bool, UnlockError> {
        match Doors::read(&paths.head())?.by_entropy(entropy) {
            Ok(_) => Ok(true),
            Err(UnlockError::WrongWords) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

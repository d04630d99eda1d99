//! The doors of a vault: another password, the device secret.
//!
//! None of this opens the vault, so it works beside the agent that has it open, takes no
//! longer than the password's cost, and changes `vault.head` and nothing else.
//! Spec: docs/protocol/5-vault.md §2.

use rand::rngs::SysRng;
use rand_core::UnwrapErr;
use solo2_crypto::secret::Secret;
use solo2_store::{PasswordError, UnlockError, Vault};
use zeroize::Zeroizing;

use super::setup::{parse_words, unlock_failure, vault_paths};
use super::{Paths, Unlock, failure};
use crate::error::{Failure, Kind};

/// What the 24 words stand for, by password or by the words themselves: who has it may change
/// the doors.
pub(crate) async fn entropy(paths: &Paths, unlock: Unlock) -> Result<Secret<32>, Failure> {
    let paths = vault_paths(paths);
    blocking(move || match unlock {
        Unlock::Password(password) => {
            Vault::entropy(&paths, &password).map_err(|error| unlock_failure(&error))
        }
        Unlock::Words(words) => {
            let entropy = parse_words(&words)?;
            match Vault::opened_by(&paths, &entropy) {
                Ok(true) => Ok(entropy),
                Ok(false) => Err(unlock_failure(&UnlockError::WrongWords)),
                Err(error) => Err(unlock_failure(&error)),
            }
        }
        Unlock::Device(_) => Err(Failure::usage(
            "this takes the password or the 24 words, not the device secret",
        )),
    })
    .await
}

/// Puts another password's door in the place of the old one.
pub(crate) async fn change_password(
    paths: &Paths,
    entropy: Secret<32>,
    new: Zeroizing<String>,
) -> Result<(), Failure> {
    let paths = vault_paths(paths);
    blocking(move || {
        let door = solo2_store::Unlock::Entropy(&entropy);
        Vault::change_password(&paths, door, &new, &mut UnwrapErr(SysRng))
            .map_err(|error| password_failure(&error))
    })
    .await
}

/// Opens a door for a device secret, instead of the one that there was.
pub(crate) async fn set_device_secret(
    paths: &Paths,
    entropy: Secret<32>,
    secret: Secret<32>,
) -> Result<(), Failure> {
    let paths = vault_paths(paths);
    blocking(move || {
        let door = solo2_store::Unlock::Entropy(&entropy);
        Vault::set_device_secret(&paths, door, &secret, &mut UnwrapErr(SysRng))
            .map_err(|error| password_failure(&error))
    })
    .await
}

/// A new device secret, from the operating system's generator.
pub(crate) fn new_device_secret() -> Secret<32> {
    Secret::random(&mut UnwrapErr(SysRng))
}

/// Whether there is a door for a device secret.
pub(crate) fn has_device_secret(paths: &Paths) -> Result<bool, Failure> {
    Vault::has_device_secret(&vault_paths(paths)).map_err(|error| unlock_failure(&error))
}

/// Whether this is the secret of that door.
pub(crate) fn device_secret_opens(paths: &Paths, secret: &Secret<32>) -> Result<bool, Failure> {
    Vault::opened_by_device(&vault_paths(paths), secret).map_err(|error| unlock_failure(&error))
}

/// Walls that door up.
pub(crate) fn remove_device_secret(paths: &Paths) -> Result<(), Failure> {
    Vault::remove_device_secret(&vault_paths(paths), &mut UnwrapErr(SysRng))
        .map_err(|error| unlock_failure(&error))
}

/// Destroys a vault that nobody has open, its keys first.
pub(crate) fn erase(paths: &Paths) -> Result<(), Failure> {
    Vault::erase(&vault_paths(paths)).map_err(|error| match error {
        UnlockError::Busy { .. } => unlock_failure(&error),
        error => Failure::new(Kind::Io, format!("cannot destroy the vault: {error}"))
            .hint("what is gone is gone; mend this and say it again"),
    })
}

/// Overwrites a file that held a secret, and removes it.
pub(crate) fn destroy_file(path: &std::path::Path) -> Result<(), Failure> {
    solo2_store::destroy_file(path).map_err(|error| {
        Failure::new(Kind::Io, error.to_string()).hint("check the path, its owner and the disk")
    })
}

fn password_failure(error: &PasswordError) -> Failure {
    match error {
        PasswordError::Unlock(error) => unlock_failure(error),
        PasswordError::Disk(error) => {
            Failure::new(Kind::Io, format!("the doors stand as they were: {error}"))
                .hint("check the path, its owner and free disk space")
        }
        error => Failure::new(
            Kind::Locked,
            format!("the doors stand as they were: {error}"),
        )
        .hint("name what opens the vault: --password-file FILE or --words-file FILE"),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| failure::stopped())?
}

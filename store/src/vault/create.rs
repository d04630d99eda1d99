//! A new vault, built beside its place and moved there whole.

use std::fs;
use std::path::PathBuf;

use rand_core::CryptoRng;
use solo2_crypto::secret::Secret;

use super::unlock::Unlock;
use crate::anchor::Anchor;
use crate::db::{Batch, Db};
use crate::doors::Doors;
use crate::error::{CreateError, DiskError};
use crate::files::{self, VaultPaths};
use crate::journal;
use crate::key_page::{KeyPage, SlotKeys};
use crate::keys::VaultKeys;
use crate::row::head::VaultHead;
use crate::row::{self, Table};
use crate::{PasswordCost, Vault};

impl Vault {
    /// Creates a vault that `password` and the words of `entropy` open, and opens it.
    ///
    /// It holds `settings` from its first moment on: there is no vault without them.
    ///
    /// # Errors
    ///
    /// [`CreateError`]: there is no vault then, and nothing that was there before was touched.
    pub fn create<R: CryptoRng>(
        paths: &VaultPaths,
        entropy: &Secret<32>,
        password: &str,
        settings: &[(&str, &[u8])],
        rng: &mut R,
    ) -> Result<Self, CreateError> {
        make(
            paths,
            entropy,
            password,
            PasswordCost::default(),
            settings,
            rng,
        )
    }

    /// Creates an empty vault, with a chosen cost for each guess at the password.
    ///
    /// # Errors
    ///
    /// As [`Vault::create`].
    pub fn create_with<R: CryptoRng>(
        paths: &VaultPaths,
        entropy: &Secret<32>,
        password: &str,
        cost: PasswordCost,
        rng: &mut R,
    ) -> Result<Self, CreateError> {
        make(paths, entropy, password, cost, &[], rng)
    }
}

fn make<R: CryptoRng>(
    paths: &VaultPaths,
    entropy: &Secret<32>,
    password: &str,
    cost: PasswordCost,
    settings: &[(&str, &[u8])],
    rng: &mut R,
) -> Result<Vault, CreateError> {
    refuse_existing(paths)?;
    let data_key = Secret::random(rng);
    let doors =
        Doors::new(&data_key, entropy, password, cost, rng).map_err(CreateError::Password)?;
    let keys = VaultKeys::of(&data_key);
    let mut head = VaultHead::first();

    let place = VaultPaths {
        vault: beside(paths),
        state: paths.state.clone(),
    };
    if place.vault.exists() {
        // An earlier creation was cut short: no head was ever written there.
        fs::remove_dir_all(&place.vault).map_err(DiskError::at("remove", &place.vault))?;
    }
    files::create_private_dir(&place.files())?;

    let slots = SlotKeys::random(head.generation, rng);
    KeyPage::create(&place, doors.vault_id, &slots, &keys.key_page, rng)?;
    let db = Db::create(&place.db())?;
    let mut batch = Batch::default();
    for (name, value) in settings {
        let (key, value) = row::seal_mutable(
            &keys,
            Table::Setting,
            name.as_bytes(),
            head.commit,
            value,
            rng,
        );
        head.mutable.add(&keys.mutable_mark(&key, head.commit));
        batch.mutable.push((key, Some(value)));
    }
    let (key, value) =
        row::seal_mutable(&keys, Table::Head, &[], head.commit, &head.to_bytes(), rng);
    batch.mutable.push((key, Some(value)));
    db.commit(batch)?;
    let flushed = db.flush()?;
    db.close()?;
    if flushed {
        journal::truncate(&place.db())?;
    }
    // The engine syncs its directories, but not that they are there.
    files::sync_tree(&place.db())?;
    let mut anchor = Anchor::open(&paths.anchor(), doors.vault_id, None)?;
    anchor.sync(head.commit, &keys.anchor, rng)?;
    files::sync_dir(&paths.state)?;
    doors.write(&place.head())?;

    fs::rename(&place.vault, &paths.vault).map_err(DiskError::at("create", &paths.vault))?;
    if let Some(parent) = paths.vault.parent() {
        files::sync_dir(parent)?;
    }
    Vault::unlock(paths, Unlock::Entropy(entropy))
        .map_err(|error| CreateError::Unlock(Box::new(error)))
}

fn refuse_existing(paths: &VaultPaths) -> Result<(), CreateError> {
    let exists = || CreateError::Exists {
        path: paths.vault.clone(),
    };
    match fs::read_dir(&paths.vault) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(exists()),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(_) => Err(exists()),
    }
}

pub(super) fn beside(paths: &VaultPaths) -> PathBuf {
    let mut name = paths.vault.file_name().unwrap_or_default().to_owned();
    name.push(".creating");
    paths.vault.with_file_name(name)
}

//! The vault opens by the right secret, for one owner, if it is the newest; and by nothing else.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use common::{PASSWORD, contact, copy_dir, create, entropy, item, message, paths, unlock};
use solo2_crypto::secret::Secret;
use solo2_store::{
    Amendment, ContactId, CreateError, PasswordCost, PasswordError, Unlock, UnlockError, Vault,
};

const ANNA: ContactId = ContactId([1; 16]);

fn by_password(dir: &Path, password: &str) -> Result<Vault, UnlockError> {
    Vault::unlock(&paths(dir), Unlock::Password(password))
}

fn fill(vault: &mut Vault, n: u64) {
    let mut tx = vault.begin();
    tx.put_contact(&contact(1)).unwrap();
    tx.save_session(ANNA, &n.to_be_bytes()).unwrap();
    tx.append_message(ANNA, &message(n, true)).unwrap();
    tx.push_outbox(ANNA, &item(n)).unwrap();
    tx.commit().unwrap();
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn password_words_and_device_secret_each_open_the_vault() {
    let dir = tempfile::tempdir().unwrap();
    drop(create(dir.path()));
    assert!(by_password(dir.path(), PASSWORD).is_ok());
    assert!(unlock(dir.path()).is_ok());
    let secret = Secret::new(&[3; 32]);
    let by_device = || Vault::unlock(&paths(dir.path()), Unlock::Device(&secret));
    assert!(matches!(by_device(), Err(UnlockError::NoDeviceSecret)));
    let rng = &mut rand::rng();
    let words = entropy();
    Vault::set_device_secret(&paths(dir.path()), Unlock::Entropy(&words), &secret, rng).unwrap();
    assert!(by_device().is_ok());
    assert!(by_password(dir.path(), PASSWORD).is_ok());
    let changed = Vault::change_password(&paths(dir.path()), Unlock::Device(&secret), "new", rng);
    assert!(matches!(changed, Err(PasswordError::NeedsPasswordOrWords)));
    assert!(Vault::has_device_secret(&paths(dir.path())).unwrap());
    let opens = |secret: &Secret<32>| Vault::opened_by_device(&paths(dir.path()), secret).unwrap();
    assert!(opens(&secret) && !opens(&Secret::new(&[4; 32])));
    let head = || fs::read(dir.path().join("vault/vault.head")).unwrap();
    let (before, after) = (head(), {
        Vault::remove_device_secret(&paths(dir.path()), rng).unwrap();
        head()
    });
    assert!(matches!(by_device(), Err(UnlockError::NoDeviceSecret)));
    assert!(!opens(&secret) && !Vault::has_device_secret(&paths(dir.path())).unwrap());
    // 177 bytes of header and two doors stay, the third door is other bytes.
    assert!(before[..177] == after[..177] && before[177..249] != after[177..249]);
    assert!(by_password(dir.path(), PASSWORD).is_ok());
    assert!(
        Vault::entropy(&paths(dir.path()), PASSWORD)
            .unwrap()
            .same_as(&words)
    );
}

#[test]
fn wrong_secrets_open_nothing() {
    let dir = tempfile::tempdir().unwrap();
    drop(create(dir.path()));
    let vault = paths(dir.path());
    let wrong = Secret::new(&[8; 32]);
    assert!(matches!(
        by_password(dir.path(), "wrong"),
        Err(UnlockError::WrongPassword)
    ));
    assert!(matches!(
        Vault::entropy(&vault, "wrong"),
        Err(UnlockError::WrongPassword)
    ));
    assert!(matches!(
        Vault::unlock(&vault, Unlock::Entropy(&wrong)),
        Err(UnlockError::WrongWords)
    ));
    let rng = &mut rand::rng();
    let words = entropy();
    Vault::set_device_secret(&vault, Unlock::Entropy(&words), &entropy(), rng).unwrap();
    assert!(matches!(
        Vault::unlock(&vault, Unlock::Device(&wrong)),
        Err(UnlockError::WrongDeviceSecret)
    ));
    let changed = Vault::change_password(&vault, Unlock::Entropy(&wrong), "new", rng);
    assert!(matches!(
        changed,
        Err(PasswordError::Unlock(UnlockError::WrongWords))
    ));
    assert!(by_password(dir.path(), PASSWORD).is_ok());
}

#[test]
fn a_password_change_rewrites_the_head_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    fill(&mut vault, 1);
    drop(vault);
    let before = files(dir.path());
    Vault::change_password_with(
        &paths(dir.path()),
        Unlock::Password(PASSWORD),
        "another",
        PasswordCost::FLOOR,
        &mut rand::rng(),
    )
    .unwrap();
    let after = files(dir.path());
    assert!(before.keys().eq(after.keys()));
    let changed: Vec<_> = before
        .iter()
        .filter(|(name, bytes)| after.get(*name) != Some(bytes))
        .collect();
    assert_eq!(changed.len(), 1);
    assert!(changed[0].0.ends_with("vault/vault.head"));
    assert!(matches!(
        by_password(dir.path(), PASSWORD),
        Err(UnlockError::WrongPassword)
    ));
    assert!(by_password(dir.path(), "another").is_ok());
    assert!(unlock(dir.path()).is_ok());
}

#[test]
fn a_second_owner_is_told_who_the_first_is() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    match unlock(dir.path()) {
        Err(UnlockError::Busy { pid }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("expected Busy, got {other:?}"),
    }
    let error = unlock(dir.path()).unwrap_err();
    assert!(error.to_string().contains(&std::process::id().to_string()));
    drop(vault);
    assert!(unlock(dir.path()).is_ok());
}

#[test]
fn where_no_vault_is_none_is_made() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(
        unlock(dir.path()),
        Err(UnlockError::NotFound { .. })
    ));
    assert!(matches!(
        Vault::entropy(&paths(dir.path()), PASSWORD),
        Err(UnlockError::NotFound { .. })
    ));
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none());
}

#[test]
fn an_existing_vault_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    drop(create(dir.path()));
    let before = files(dir.path());
    let again = Vault::create_with(
        &paths(dir.path()),
        &Secret::new(&[1; 32]),
        "x",
        PasswordCost::FLOOR,
        &mut rand::rng(),
    );
    assert!(matches!(again, Err(CreateError::Exists { .. })));
    assert!(files(dir.path()) == before);
}

#[test]
fn a_creation_cut_short_does_not_stand_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let stale = dir.path().join("vault.creating");
    fs::create_dir_all(stale.join("db")).unwrap();
    fs::write(stale.join("keys.page"), b"half").unwrap();
    drop(create(dir.path()));
    assert!(!stale.exists());
}

#[test]
fn a_directory_that_others_can_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(create(dir.path()));
    let vault = dir.path().join("vault");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&vault), 0o700);
    for name in ["vault.head", "vault.lock", "keys.page"] {
        assert_eq!(mode(&vault.join(name)), 0o600, "{name}");
    }
    assert_eq!(mode(&paths(dir.path()).state.join("vault.anchor")), 0o600);
    let files = vault.join("files");
    assert_eq!(mode(&files), 0o700);
    fs::set_permissions(&files, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(
        unlock(dir.path()),
        Err(UnlockError::Permissions { path, mode: 0o755 }) if path == files
    ));
    fs::set_permissions(&files, fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(&vault, fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(
        unlock(dir.path()),
        Err(UnlockError::Permissions { mode: 0o750, .. })
    ));
}

#[test]
fn a_vault_from_before_there_were_files_gets_a_place_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let files = create(dir.path()).paths().files();
    assert_eq!(files, dir.path().join("vault/files"));
    fs::remove_dir(&files).unwrap();
    drop(unlock(dir.path()).unwrap());
    let mode = fs::metadata(&files).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn an_older_copy_is_refused_and_opens_without_sessions_when_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    fill(&mut vault, 1);
    drop(vault);
    let copy = dir.path().join("copy");
    copy_dir(&dir.path().join("vault"), &copy);
    let mut vault = unlock(dir.path()).unwrap();
    fill(&mut vault, 2);
    let newest = vault.commits();
    drop(vault);
    let newer = dir.path().join("newer");
    fs::rename(dir.path().join("vault"), &newer).unwrap();
    copy_dir(&copy, &dir.path().join("vault"));

    for _ in 0..2 {
        match unlock(dir.path()) {
            Err(UnlockError::RolledBack {
                vault_at,
                anchor_at,
            }) => {
                assert_eq!((vault_at, anchor_at), (newest - 1, newest));
            }
            other => panic!("expected RolledBack, got {other:?}"),
        }
    }
    let words = entropy();
    let accept = || Vault::unlock_accepting_rollback(&paths(dir.path()), Unlock::Entropy(&words));
    let (mut vault, accepted) = accept().unwrap();
    let accepted = accepted.unwrap();
    assert_eq!(accepted.sessions_dropped, [ANNA]);
    assert!(accepted.conversations_lost.is_empty());
    assert!(vault.session(ANNA).unwrap().is_none());
    assert!(vault.message(ANNA, 1).unwrap().unwrap().0 == message(1, true));
    assert!(vault.message(ANNA, 2).unwrap().is_none());
    assert!(vault.outbox(ANNA, 9).unwrap() == [(1, item(1))]);
    assert!(vault.commits() > newest);
    fill(&mut vault, 7);
    assert!(vault.check().unwrap().is_whole());
    drop(vault);
    let (vault, accepted) = accept().unwrap();
    assert!(accepted.is_none(), "accepted once, it is the newest");
    assert!(vault.session(ANNA).unwrap().is_some());
    drop(vault);

    fs::rename(dir.path().join("vault"), dir.path().join("accepted")).unwrap();
    copy_dir(&newer, &dir.path().join("vault"));
    assert!(matches!(
        unlock(dir.path()),
        Err(UnlockError::RolledBack { .. })
    ));
}

#[test]
fn a_vault_without_its_anchor_opens_only_when_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    fill(&mut vault, 1);
    drop(vault);
    fs::remove_file(paths(dir.path()).state.join("vault.anchor")).unwrap();
    assert!(matches!(
        unlock(dir.path()),
        Err(UnlockError::NoAnchor { .. })
    ));
    let words = entropy();
    let (vault, accepted) =
        Vault::unlock_accepting_rollback(&paths(dir.path()), Unlock::Entropy(&words)).unwrap();
    assert_eq!(accepted.unwrap().anchor_at, None);
    assert!(vault.session(ANNA).unwrap().is_none());
    drop(vault);
    assert!(unlock(dir.path()).is_ok());
}

#[test]
fn an_older_database_beside_a_newer_key_page_loses_what_was_erased_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    let bert = ContactId([2; 16]);
    let mut tx = vault.begin();
    tx.put_contact(&contact(1)).unwrap();
    tx.put_contact(&contact(2)).unwrap();
    for n in 1..=3 {
        tx.append_message(ANNA, &message(n, true)).unwrap();
        tx.append_message(bert, &message(n, true)).unwrap();
        tx.push_outbox(ANNA, &item(n)).unwrap();
    }
    tx.save_session(ANNA, b"anna").unwrap();
    tx.save_session(bert, b"bert").unwrap();
    tx.commit().unwrap();
    drop(vault);
    let old = dir.path().join("old");
    copy_dir(&dir.path().join("vault/db"), &old);
    let mut vault = unlock(dir.path()).unwrap();
    let mut tx = vault.begin();
    tx.amend(ANNA, 2, &Amendment::Deleted { at_ms: 1 }).unwrap();
    tx.commit().unwrap();
    drop(vault);
    fs::remove_dir_all(dir.path().join("vault/db")).unwrap();
    fs::rename(&old, dir.path().join("vault/db")).unwrap();

    assert!(matches!(
        unlock(dir.path()),
        Err(UnlockError::RolledBack { .. })
    ));
    let words = entropy();
    let (mut vault, accepted) =
        Vault::unlock_accepting_rollback(&paths(dir.path()), Unlock::Entropy(&words)).unwrap();
    let accepted = accepted.unwrap();
    assert_eq!(accepted.conversations_lost, [ANNA]);
    assert_eq!(accepted.sessions_dropped, [ANNA, bert]);
    assert!(vault.history(ANNA, None, 9).unwrap().is_empty());
    assert_eq!(vault.history(bert, None, 9).unwrap().len(), 3);
    assert_eq!(vault.outbox_len(ANNA), 0);
    let mut tx = vault.begin();
    let seq = tx.append_message(ANNA, &message(9, true)).unwrap();
    let position = tx.push_outbox(ANNA, &item(9)).unwrap();
    tx.commit().unwrap();
    drop(vault);
    let vault = unlock(dir.path()).unwrap();
    assert!(vault.message(ANNA, seq).unwrap().unwrap().0 == message(9, true));
    assert!(vault.outbox(ANNA, 9).unwrap() == [(position, item(9))]);
}

#[test]
fn missing_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    drop(create(dir.path()));
    let vault = dir.path().join("vault");
    let pristine = dir.path().join("pristine");
    copy_dir(&vault, &pristine);
    for (names, word) in [
        (&["keys.page", "keys.copy"][..], "keys.page"),
        (&["db/version"], "version"),
        (&["db"], "version"),
    ] {
        for gone in names.iter().map(|name| vault.join(name)) {
            if gone.is_dir() {
                fs::remove_dir_all(&gone).unwrap();
            } else {
                fs::remove_file(&gone).unwrap();
            }
        }
        let error = unlock(dir.path()).unwrap_err();
        assert!(error.to_string().contains(word), "{names:?}: {error}");
        assert!(!error.advice().is_empty());
        fs::remove_dir_all(&vault).unwrap();
        copy_dir(&pristine, &vault);
    }
    assert!(unlock(dir.path()).is_ok());
}

#[test]
fn what_a_replaced_head_held_is_overwritten_where_it_lay() {
    use std::os::unix::fs::FileExt as _;
    let dir = tempfile::tempdir().unwrap();
    drop(create(dir.path()));
    let head = dir.path().join("vault/vault.head");
    let held = fs::File::open(&head).unwrap();
    let before = fs::read(&head).unwrap();
    let change = || {
        Vault::change_password_with(
            &paths(dir.path()),
            Unlock::Entropy(&entropy()),
            "another",
            PasswordCost::FLOOR,
            &mut rand::rng(),
        )
        .unwrap();
    };
    change();
    // The old file is nobody's any more, and what is left of it opens nothing.
    let mut left = vec![0; before.len()];
    held.read_exact_at(&mut left, 0).unwrap();
    for (left, before) in left.chunks(32).zip(before.chunks(32)) {
        assert!(left.len() < 32 || left != before);
    }
    // A backup that shares the file with us is somebody else's to destroy.
    let backup = dir.path().join("backup");
    fs::hard_link(&head, &backup).unwrap();
    let kept = fs::read(&backup).unwrap();
    change();
    assert!(fs::read(&backup).unwrap() == kept && fs::read(&head).unwrap() != kept);
}

#[test]
fn an_erased_vault_leaves_nothing_and_a_piece_of_one_goes_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    fill(&mut vault, 1);
    let outside = dir.path().join("outside");
    fs::write(&outside, b"not of the vault").unwrap();
    std::os::unix::fs::symlink(&outside, vault.paths().files().join("link")).unwrap();
    assert!(matches!(
        Vault::erase(&paths(dir.path())),
        Err(UnlockError::Busy { pid }) if pid == Some(std::process::id())
    ));
    assert!(vault.check().unwrap().is_whole(), "nothing was touched");
    drop(vault);

    // Somebody reads the keys' files while they go: noise is what is left in them.
    use std::os::unix::fs::FileExt as _;
    let place = paths(dir.path());
    let held = [
        place.vault.join("vault.head"),
        place.vault.join("keys.page"),
        place.vault.join("keys.copy"),
        place.state.join("vault.anchor"),
    ]
    .map(|path| (fs::File::open(&path).unwrap(), fs::read(&path).unwrap()));
    Vault::erase(&place).unwrap();
    for (file, before) in held {
        let mut left = vec![0; before.len()];
        file.read_exact_at(&mut left, 0).unwrap();
        let same = left.chunks_exact(16).zip(before.chunks_exact(16));
        assert_eq!(same.filter(|(left, before)| left == before).count(), 0);
    }
    assert!(!dir.path().join("vault").exists());
    assert!(fs::read_dir(place.state).unwrap().next().is_none());
    assert_eq!(fs::read(&outside).unwrap(), b"not of the vault");
    Vault::erase(&paths(dir.path())).unwrap();

    // What an erasure or a creation that was cut short has left.
    fs::create_dir_all(dir.path().join("vault/db")).unwrap();
    fs::create_dir_all(dir.path().join("vault.creating")).unwrap();
    fs::write(dir.path().join("vault.creating/keys.page"), b"half").unwrap();
    Vault::erase(&paths(dir.path())).unwrap();
    assert!(!dir.path().join("vault").exists() && !dir.path().join("vault.creating").exists());

    // A vault on another disk, behind a link.
    drop(create(dir.path()));
    let real = dir.path().join("real");
    fs::rename(dir.path().join("vault"), &real).unwrap();
    std::os::unix::fs::symlink(&real, dir.path().join("vault")).unwrap();
    Vault::erase(&paths(dir.path())).unwrap();
    assert!(!real.exists() && fs::symlink_metadata(dir.path().join("vault")).is_err());
}

#[test]
fn a_vault_is_created_with_its_settings_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let settings: [(&str, &[u8]); 2] = [("name", b"Clara"), ("empty", b"")];
    let place = paths(dir.path());
    let vault = Vault::create(&place, &entropy(), PASSWORD, &settings, &mut rand::rng()).unwrap();
    assert_eq!(vault.commits(), 1, "not in a commit of their own");
    for (name, value) in settings {
        assert_eq!(vault.setting(name).unwrap().unwrap(), value);
    }
    assert!(vault.check().unwrap().is_whole());
}

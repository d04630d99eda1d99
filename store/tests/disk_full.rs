//! A full disk: the commit that does not fit says so, and every one before it is there.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{contact, copy_dir, create, message, unlock};
use solo2_store::{CommitError, ContactId, SettleError, Vault};

const ANNA: ContactId = ContactId([1; 16]);

/// A file system of a few MiB, gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=6m,mode=700", "tmpfs"])
            .arg(at)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn fill(vault: &mut Vault, from: u64) -> (u64, CommitError) {
    for n in from.. {
        let mut tx = vault.begin();
        let mut long = message(n, true);
        long.body = "x".repeat(20_000);
        tx.append_message(ANNA, &long).unwrap();
        tx.save_session(ANNA, &n.to_be_bytes()).unwrap();
        if let Err(error) = tx.commit() {
            return (n - 1, error);
        }
        assert!(n < from + 1000, "the disk does not fill");
    }
    unreachable!()
}

fn assert_holds(vault: &Vault, acknowledged: u64) {
    let session = vault.session(ANNA).unwrap().unwrap();
    let held = u64::from_be_bytes(session[..8].try_into().unwrap());
    assert!(
        held == acknowledged || held == acknowledged + 1,
        "{held}, not {acknowledged}"
    );
    assert_eq!(vault.history(ANNA, None, 1000).unwrap().len() as u64, held);
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn a_full_disk_loses_nothing_acknowledged_and_goes_on_after_making_room() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(dir.path()) else {
        eprintln!("skipped: needs root (mounts a tmpfs)");
        return;
    };
    let mut vault = create(dir.path());
    let mut tx = vault.begin();
    tx.put_contact(&contact(1)).unwrap();
    tx.commit().unwrap();
    let ballast = dir.path().join("ballast");
    std::fs::write(&ballast, vec![1; 1024 * 1024]).unwrap();

    let (acknowledged, error) = fill(&mut vault, 1);
    assert!(acknowledged > 20);
    assert!(error.to_string().contains("disk"), "{error}");
    let mut tx = vault.begin();
    tx.put_setting("name", b"value").unwrap();
    assert!(matches!(tx.commit(), Err(CommitError::Stopped)));
    assert!(matches!(vault.settle(), Err(SettleError::Stopped)));
    assert_eq!(
        vault.history(ANNA, None, 1000).unwrap().len() as u64,
        acknowledged
    );
    drop(vault);

    // Still full: the vault opens, or says that it cannot, and stays whole.
    let kept = tempfile::tempdir().unwrap();
    copy_dir(dir.path(), &kept.path().join("copy"));
    match unlock(dir.path()) {
        Ok(vault) => assert_holds(&vault, acknowledged),
        Err(error) => assert!(!error.advice().is_empty()),
    }
    assert_holds(&unlock(&kept.path().join("copy")).unwrap(), acknowledged);

    std::fs::remove_file(&ballast).unwrap();
    let mut vault = unlock(dir.path()).unwrap();
    assert_holds(&vault, acknowledged);
    let mut tx = vault.begin();
    tx.put_setting("name", b"value").unwrap();
    tx.commit().unwrap();
    assert_eq!(vault.setting("name").unwrap().unwrap(), b"value");
    drop(vault);
    drop(disk);
}

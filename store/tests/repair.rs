//! A damaged vault is mended: what can be read stays as it was, what cannot is named, nothing is made up.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;
#[path = "watch/story.rs"]
mod story;

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use common::{copy_dir, entropy, message, paths, scratch, unlock};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use solo2_store::{Repair, RepairError, Repaired, Unlock, UnlockError, Vault};
use story::{ANNA, assert_whole, reached, teller, write};

const NOW: u64 = 5_000_000;
const COMMITS: u64 = 90;

/// A closed vault of the story, with a history over two pages.
fn grown() -> tempfile::TempDir {
    let dir = scratch();
    assert!(
        teller(dir.path(), COMMITS)
            .output()
            .unwrap()
            .status
            .success()
    );
    assert_eq!(reached(&unlock(dir.path()).unwrap()), Some(COMMITS));
    dir
}

fn repair(dir: &Path) -> Result<Repair, RepairError> {
    let words = entropy();
    Vault::repair(&paths(dir), Unlock::Entropy(&words), NOW, &mut |_| true)
}

fn mended(dir: &Path) -> Repaired {
    match repair(dir).unwrap() {
        Repair::Mended(done) => done,
        other => panic!("{other:?}"),
    }
}

fn flip(path: &Path, at: u64) {
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

/// The tables of one keyspace, the largest first.
fn tables(dir: &Path, keyspace: u8) -> Vec<(PathBuf, u64)> {
    let tables = paths(dir)
        .vault
        .join(format!("db/keyspaces/{keyspace}/tables"));
    let entries = fs::read_dir(tables).unwrap().map(|entry| entry.unwrap());
    let mut found: Vec<_> = entries
        .map(|entry| (entry.path(), entry.metadata().unwrap().len()))
        .collect();
    found.sort_by_key(|(_, len)| std::cmp::Reverse(*len));
    found
}

/// Every message is as it was or stands there deleted; says how many are the latter.
fn lost_messages(vault: &Vault) -> u64 {
    let history = vault.history(ANNA, None, 10_000).unwrap();
    assert_eq!(
        history.len() as u64,
        COMMITS,
        "from {:?}",
        history.first().map(|(seq, ..)| seq)
    );
    let mut lost = 0;
    for (seq, found, amendments) in history {
        if amendments.deleted_at_ms() == Some(NOW) {
            assert!(found.body.is_empty() && found.incoming);
            lost += 1;
        } else if seq % 10 == 5 {
            assert!(amendments.deleted_at_ms().is_some());
        } else {
            assert!(found == message(seq, true), "message {seq}");
        }
    }
    lost
}

/// It opens, is whole in itself, and goes on.
fn assert_mended(dir: &Path) {
    let mut vault = unlock(dir).unwrap();
    assert!(vault.check().unwrap().is_whole());
    let mut tx = vault.begin();
    assert_eq!(
        tx.append_message(ANNA, &message(1000, true)).unwrap(),
        COMMITS + 1
    );
    tx.save_session(ANNA, b"a later session").unwrap();
    tx.commit().unwrap();
    while vault.index_step(1, 1000).unwrap() != solo2_store::IndexStep::Idle {}
    vault.compact().unwrap();
    vault.close().unwrap();
    let vault = unlock(dir).unwrap();
    assert!(vault.check().unwrap().is_whole());
    assert!(matches!(repair_closed(dir, vault), Repair::Whole));
}

fn repair_closed(dir: &Path, vault: Vault) -> Repair {
    vault.close().unwrap();
    repair(dir).unwrap()
}

#[test]
fn a_whole_vault_needs_no_repair_and_is_left_alone() {
    let dir = grown();
    let words = entropy();
    let mut asked = false;
    let done = Vault::repair(
        &paths(dir.path()),
        Unlock::Entropy(&words),
        NOW,
        &mut |_| {
            asked = true;
            true
        },
    );
    assert_eq!((done.unwrap(), asked), (Repair::Whole, false));
    assert_whole(&unlock(dir.path()).unwrap(), COMMITS);
}

#[test]
fn a_damaged_log_loses_what_lay_in_its_damaged_block_and_nothing_else() {
    let dir = grown();
    let (table, len) = tables(dir.path(), 2).remove(0);
    let mut seen = 0;
    for at in [len / 7, len / 3, len / 2] {
        let copy = dir.path().join("copy");
        copy_dir(&paths(dir.path()).vault, &paths(&copy).vault);
        copy_dir(&paths(dir.path()).state, &paths(&copy).state);
        let table = copy.join(table.strip_prefix(dir.path()).unwrap());
        flip(&table, at);
        // Asked first, and told what is wrong.
        let words = entropy();
        let mut findings = Vec::new();
        let declined = Vault::repair(&paths(&copy), Unlock::Entropy(&words), NOW, &mut |found| {
            findings = found.to_vec();
            false
        });
        assert_eq!(declined.unwrap(), Repair::Declined);
        assert!(!findings.is_empty());
        assert!(!paths(&copy).vault.join("damaged-1").exists());

        let done = mended(&copy);
        assert_eq!(done.rollback, None, "sessions are as good as before");
        assert_eq!((done.contacts, done.unread), (0, 1));
        let vault = unlock(&copy).unwrap();
        assert_eq!(lost_messages(&vault), done.messages);
        let session = vault.session(ANNA).unwrap();
        assert_eq!(
            session.is_some(),
            done.outbox == 0,
            "the session counts the outbox"
        );
        assert_eq!(vault.inbox_newest(), COMMITS);
        drop(vault);
        let kept = done.kept_in.unwrap();
        assert!(kept.starts_with(&paths(&copy).vault) && kept.join("version").is_file());
        seen += done.messages + done.outbox + done.inbox;
        assert_mended(&copy);
        fs::remove_dir_all(&copy).unwrap();
    }
    assert!(seen > 0, "the flips hit nothing but the index");
}

#[test]
fn damaged_mutable_records_take_the_sessions_along_and_no_message_that_opens() {
    let dir = grown();
    let (table, len) = tables(dir.path(), 1).remove(0);
    let mut rng = StdRng::seed_from_u64(5);
    let (mut mended_count, mut refused) = (0, 0);
    for _ in 0..12 {
        let copy = dir.path().join("copy");
        copy_dir(&paths(dir.path()).vault, &paths(&copy).vault);
        copy_dir(&paths(dir.path()).state, &paths(&copy).state);
        let table = copy.join(table.strip_prefix(dir.path()).unwrap());
        // In the blocks of records, before the filters and contents at the end.
        flip(&table, rng.random_range(0..len / 2));
        let before = unlock(&copy).err();
        match repair(&copy) {
            Ok(Repair::Mended(done)) => {
                eprintln!("{before:?} {done:?}");
                assert!(before.is_some() && done.rollback.is_some());
                let vault = unlock(&copy).unwrap();
                assert!(vault.check().unwrap().is_whole());
                if done.contacts == 0 {
                    assert!(vault.session(ANNA).unwrap().is_none());
                    assert!(vault.outbox(ANNA, 10).unwrap().len() <= 1);
                    assert_eq!(lost_messages(&vault), done.messages);
                    drop(vault);
                    assert_mended(&copy);
                }
                mended_count += 1;
            }
            Ok(Repair::Whole) => assert!(before.is_none()),
            Ok(Repair::Declined) => unreachable!(),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
        fs::remove_dir_all(&copy).unwrap();
    }
    eprintln!("12 damaged vaults: {mended_count} mended, {refused} refused");
    assert!(
        mended_count >= 6,
        "{mended_count} mended, {refused} refused"
    );
}

#[test]
fn a_vault_without_its_anchor_is_mended_by_dropping_the_sessions() {
    let dir = grown();
    fs::remove_dir_all(paths(dir.path()).state).unwrap();
    assert!(matches!(
        unlock(dir.path()),
        Err(UnlockError::NoAnchor { .. })
    ));
    let done = mended(dir.path());
    assert_eq!(done.rollback.as_ref().unwrap().sessions_dropped, [ANNA]);
    assert_eq!(
        (done.messages, done.kept_in.clone()),
        (0, None),
        "nothing was damaged"
    );
    let vault = unlock(dir.path()).unwrap();
    assert_eq!(lost_messages(&vault), 0);
    drop(vault);
    assert_mended(dir.path());
}

#[test]
fn a_journal_damaged_in_its_middle_gives_back_what_was_before_it() {
    let dir = grown();
    let image = dir.path().join("image");
    let mut vault = unlock(dir.path()).unwrap();
    for n in COMMITS + 1..=COMMITS + 9 {
        write(&mut vault, n).unwrap();
    }
    // As after a crash.
    copy_dir(&paths(dir.path()).vault, &paths(&image).vault);
    copy_dir(&paths(dir.path()).state, &paths(&image).state);
    drop(vault);
    let journal = paths(&image).vault.join("db/0.jnl");
    let bytes = fs::read(&journal).unwrap();
    let len = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    flip(&journal, len as u64 / 2);
    let error = unlock(&image).err().unwrap();
    assert!(matches!(error, UnlockError::RolledBack { .. }), "{error}");
    let done = mended(&image);
    assert!(done.rollback.is_some());
    let vault = unlock(&image).unwrap();
    let history = vault.history(ANNA, None, 10_000).unwrap();
    let found = history.len() as u64;
    assert!((COMMITS..COMMITS + 9).contains(&found), "{found} messages");
    assert!(vault.session(ANNA).unwrap().is_none());
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn without_the_keys_nothing_is_mended_and_nothing_is_touched() {
    let dir = grown();
    let pages = ["keys.page", "keys.copy"].map(|name| paths(dir.path()).vault.join(name));
    for page in &pages {
        flip(page, 100);
    }
    let read = || pages.each_ref().map(|page| fs::read(page).unwrap());
    let before = read();
    let error = repair(dir.path()).unwrap_err();
    assert!(error.to_string().contains("keys.page"), "{error}");
    assert!(read() == before);
    assert!(!paths(dir.path()).vault.join("damaged-1").exists());
    // A wrong password is no damage.
    let wrong = Vault::repair(
        &paths(dir.path()),
        Unlock::Password("wrong"),
        NOW,
        &mut |_| true,
    );
    assert!(matches!(
        wrong,
        Err(RepairError::Unlock(UnlockError::WrongPassword))
    ));
}

/// What happens to a file.
type Harm = fn(&Path);

#[test]
fn either_file_of_the_keys_may_be_lost_or_damaged() {
    let dir = grown();
    let image = dir.path().join("image");
    let names = ["keys.page", "keys.copy"];
    for (lost, other) in [(names[0], names[1]), (names[1], names[0])] {
        let harms: [(&str, Harm); 4] = [
            ("gone", |page| fs::remove_file(page).unwrap()),
            ("flipped", |page| flip(page, 100)),
            ("empty", |page| fs::write(page, b"").unwrap()),
            ("another's", |page| fs::write(page, [7; 65_536]).unwrap()),
        ];
        for (harm, happens) in harms {
            copy_dir(&paths(dir.path()).vault, &paths(&image).vault);
            copy_dir(&paths(dir.path()).state, &paths(&image).state);
            happens(&paths(&image).vault.join(lost));
            let vault = unlock(&image).unwrap();
            assert!(vault.settled(), "{lost} {harm}: both are whole again");
            assert!(vault.check().unwrap().is_whole(), "{lost} {harm}");
            assert_eq!(lost_messages(&vault), 0);
            assert!(vault.session(ANNA).unwrap().is_some());
            drop(vault);
            // So next time the other one may go.
            happens(&paths(&image).vault.join(other));
            let vault = unlock(&image).unwrap();
            assert!(
                vault.check().unwrap().is_whole(),
                "{other} {harm} behind it"
            );
            drop(vault);
            fs::remove_dir_all(&image).unwrap();
        }
    }
}

#[test]
fn halves_of_the_keys_that_lie_in_one_file_are_taken_apart() {
    let dir = grown();
    let [page, copy] = ["keys.page", "keys.copy"].map(|name| paths(dir.path()).vault.join(name));
    let mut both = fs::read(&page).unwrap();
    both.extend(fs::read(&copy).unwrap());
    fs::remove_file(&copy).unwrap();
    // Whole, and with either half damaged, as it could be then.
    for damaged in [None, Some(100), Some(65_636)] {
        let mut bytes = both.clone();
        if let Some(at) = damaged {
            bytes[at] ^= 1;
        }
        let _ = fs::remove_file(&copy);
        fs::write(&page, &bytes).unwrap();
        let vault = unlock(dir.path()).unwrap();
        assert!(vault.settled() && vault.check().unwrap().is_whole());
        assert!(vault.session(ANNA).unwrap().is_some());
        let lens = [&page, &copy].map(|path| fs::metadata(path).unwrap().len());
        assert_eq!(lens, [65_536, 65_536], "{damaged:?}");
        drop(vault);
        fs::remove_file(&page).unwrap();
        assert!(unlock(dir.path()).is_ok(), "the copy alone does");
    }
}

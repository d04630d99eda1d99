//! What little there is to work with: few files, a journal that must not grow, a clock that jumps.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;
#[path = "watch/story.rs"]
mod story;

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{contact, create, message, paths, scratch, unlock};
use solo2_store::{ContactId, Filter, Query};
use story::{Told, assert_goes_on, teller};

const PATIENCE: Duration = Duration::from_secs(30);
const ANNA: ContactId = ContactId([1; 16]);

/// Bytes of all journals of the vault in `dir`.
fn journal_bytes(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(paths(dir).vault.join("db")).unwrap();
    let journals = entries.map(|entry| entry.unwrap());
    journals
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "jnl"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum()
}

#[test]
fn however_much_was_written_a_closed_vault_has_an_empty_journal() {
    let dir = scratch();
    let mut vault = create(dir.path());
    let mut written = 0;
    // The engine begins a new journal behind 64 MiB.
    for n in 0..130u32 {
        let mut tx = vault.begin();
        let name = format!("setting {}", n % 40);
        tx.put_setting(&name, &n.to_be_bytes().repeat(150_000))
            .unwrap();
        written += 600_000;
        tx.commit().unwrap();
    }
    assert!(written > 64 * 1024 * 1024);
    // It drops the old one once what is in it lies in tables, which another thread writes.
    let began = Instant::now();
    while journal_bytes(dir.path()) >= 2 * 64 * 1024 * 1024 {
        assert!(began.elapsed() < PATIENCE, "the old journal stays");
        sleep(Duration::from_millis(10));
    }
    vault.close().unwrap();
    assert_eq!(journal_bytes(dir.path()), 0);
    let vault = unlock(dir.path()).unwrap();
    let last = vault.setting("setting 9").unwrap().unwrap();
    assert!(last == 129u32.to_be_bytes().repeat(150_000));
}

#[test]
fn an_idle_vault_has_a_short_journal_and_loses_nothing_for_it() {
    let dir = scratch();
    let mut vault = create(dir.path());
    let mut tx = vault.begin();
    tx.put_contact(&contact(1)).unwrap();
    tx.commit().unwrap();
    let write = |vault: &mut solo2_store::Vault, n: u32| {
        let mut tx = vault.begin();
        let name = format!("setting {}", n % 40);
        tx.put_setting(&name, &n.to_be_bytes().repeat(150_000))
            .unwrap();
        tx.append_message(ANNA, &message(u64::from(n) + 1, true))
            .unwrap();
        tx.commit().unwrap();
    };
    let mut shortened = 0;
    for n in 0..100 {
        write(&mut vault, n);
        let before = written(dir.path());
        if vault.shorten_journal().unwrap() {
            shortened += 1;
            assert!(before > 15 << 20, "{before} bytes");
            assert!(
                written(dir.path()) < 1 << 20,
                "{} bytes are left",
                written(dir.path())
            );
        } else {
            assert!(before < 17 << 20, "{before} bytes");
        }
    }
    // 60 MB in pieces of 16 MiB.
    assert_eq!(shortened, 3);
    // As after a crash: what is on disk now is whole, and little is to be read again.
    let image = dir.path().join("image");
    common::copy_dir(&paths(dir.path()).vault, &paths(&image).vault);
    common::copy_dir(&paths(dir.path()).state, &paths(&image).state);
    drop(vault);
    for place in [image.as_path(), dir.path()] {
        let mut vault = unlock(place).unwrap();
        assert_eq!(vault.history(ANNA, None, 1000).unwrap().len(), 100);
        let last = vault.setting("setting 19").unwrap().unwrap();
        assert!(last == 99u32.to_be_bytes().repeat(150_000));
        assert!(vault.check().unwrap().is_whole());
        write(&mut vault, 100);
    }
}

/// Bytes that the journals of the vault in `dir` take on the disk.
fn written(dir: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let entries = std::fs::read_dir(paths(dir).vault.join("db")).unwrap();
    let journals = entries.map(|entry| entry.unwrap());
    journals
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "jnl"))
        .map(|entry| entry.metadata().unwrap().blocks() * 512)
        .sum()
}

#[test]
fn with_few_open_files_the_vault_works_or_says_so() {
    for limit in [8, 16, 32, 48] {
        let dir = scratch();
        let story = teller(dir.path(), 14);
        let mut limited = Command::new("sh");
        limited
            .args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")])
            .arg(story.get_program())
            .args(story.get_args());
        for (name, value) in story.get_envs() {
            limited.env(name, value.unwrap());
        }
        let done = limited.output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        let complaints = String::from_utf8_lossy(&done.stderr);
        assert!(
            !complaints.contains("panicked"),
            "{limit} files: {said}{complaints}"
        );
        let mut told = Told::default();
        told.hear(&said);
        assert!(told.closed || said.contains("refused: ") || done.status.code() != Some(0));
        assert!(
            told.closed || limit < 48,
            "{limit} files are enough: {said}"
        );
        let found = assert_goes_on(dir.path(), told);
        eprintln!(
            "{limit} open files: {found:?} commits, {}",
            if told.closed {
                "whole story"
            } else {
                "refused"
            }
        );
    }
}

#[test]
fn a_clock_that_is_set_back_reorders_and_loses_nothing() {
    let dir = scratch();
    let mut vault = create(dir.path());
    let mut tx = vault.begin();
    tx.put_contact(&contact(1)).unwrap();
    tx.commit().unwrap();
    // Forward 400 days, back a year before it began, to the very beginning of time, and right again.
    const DAY: u64 = 86_400_000;
    const NOW: u64 = 20_000 * DAY;
    let clocks = [NOW, NOW + 400 * DAY, NOW - 365 * DAY, 0, NOW + 1];
    let mut n = 0;
    for clock in clocks {
        for step in 0..20 {
            n += 1;
            let mut tx = vault.begin();
            let mut message = message(n, true);
            message.stored_at_ms = clock + step;
            message.expires_at_ms = Some(clock + DAY);
            tx.append_message(ANNA, &message).unwrap();
            tx.commit().unwrap();
            // Messages of all clocks in one segment, and in several.
            if n.is_multiple_of(15) {
                vault.index_step(1, 10).unwrap();
            }
        }
    }
    let check = |vault: &solo2_store::Vault| {
        let history = vault.history(ANNA, None, 1000).unwrap();
        let numbers: Vec<u64> = history.iter().map(|(seq, ..)| *seq).collect();
        assert_eq!(
            numbers,
            (1..=n).collect::<Vec<_>>(),
            "in the order of arrival"
        );
        let inbox = vault.inbox(0, 1000).unwrap();
        assert!(inbox.iter().map(|entry| entry.seq).eq(1..=n));
        let query = Query::parse("text number").unwrap();
        let hits = vault.search(&query, &Filter::default(), 1000).unwrap();
        assert_eq!(hits.len() as u64, n, "found");
        assert!(vault.check().unwrap().is_whole());
    };
    check(&vault);
    vault.close().unwrap();
    check(&unlock(dir.path()).unwrap());
}

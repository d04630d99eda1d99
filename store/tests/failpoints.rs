//! Every change that a vault makes to its disk is tried: there it dies, or there it fails.
//!
//! The process under watch goes through legs of the story: creation, commits, settling,
//! reopening, a new password, compacting. At its n-th change it is killed; or that change
//! fails as on a broken disk; or it and all later ones fail, as on a disk that is full or
//! became read-only. It never panics, says what went wrong, and when the disk is well
//! again everything that was acknowledged is there and the vault goes on.
//!
//! Every ninth change is tried, other ninths with another `SOLO2_SEED`;
//! `SOLO2_FAILPOINTS=all` tries each.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;
#[path = "watch/story.rs"]
mod story;
mod watch;

use std::path::{Path, PathBuf};

use common::{copy_dir, paths, scratch};
use solo2_store::UnlockError;
use story::{Told, assert_goes_on, assert_password, open, teller};
use watch::{Errno, Mode, watch};

/// From where to where a process goes; the first makes the vault.
const LEGS: [(Option<u64>, u64); 4] = [(None, 1), (Some(2), 4), (Some(7), 8), (Some(10), 11)];

/// Which changes are tried: every which one, from which on.
fn stride() -> (u64, u64) {
    if std::env::var("SOLO2_FAILPOINTS").is_ok_and(|value| value == "all") {
        return (1, 0);
    }
    let seed = std::env::var("SOLO2_SEED").map_or(0, |seed| seed.parse().unwrap());
    (9, seed % 9)
}

/// Does `what` at each change of each leg, and looks at what is left.
fn try_each(name: &str, what: impl Fn(u64) -> Mode) {
    if !watch::possible() {
        return;
    }
    let dir = scratch();
    let (step, first) = stride();
    let (mut tried, mut early) = (0, 0);
    for (from, to) in LEGS {
        let base = dir.path().join("base");
        std::fs::create_dir(&base).unwrap();
        let mut before = Told::default();
        if let Some(from) = from {
            let done = teller(&base, from).output().unwrap();
            before.hear(&String::from_utf8_lossy(&done.stdout));
            assert!(before.closed);
            before.closed = false;
        }
        for n in (1 + first..).step_by(step as usize) {
            let copy = dir.path().join("copy");
            copy_dir(&base, &copy);
            if !one(what(n), n, &copy, to, before, &mut early) {
                std::fs::remove_dir_all(&copy).unwrap();
                break;
            }
            tried += 1;
            std::fs::remove_dir_all(&copy).unwrap();
        }
        std::fs::remove_dir_all(&base).unwrap();
    }
    eprintln!(
        "{name} at {tried} changes: 0 lost, 0 wrong, 0 panics; {early} commits there before they were acknowledged"
    );
    assert!(tried > 40, "the legs are longer than {tried}");
}

/// One run; `false` when it ended before its n-th change.
fn one(mode: Mode, n: u64, root: &Path, to: u64, before: Told, early: &mut u64) -> bool {
    let run = watch(mode, root, &teller(root, to));
    let place = format!(
        "{mode:?} of {}: {}{}",
        run.tried,
        run.said(),
        run.complaints
    );
    assert!(!run.complaints.contains("panicked"), "{place}");
    let mut told = before;
    told.hear(&run.said());
    if run.tried < n {
        assert!(told.closed, "{place}");
        return false;
    }
    match mode {
        Mode::Kill(_) => assert!(run.killed(), "{place}"),
        _ => {
            assert_eq!(run.code, 0, "{place}");
            assert!(told.closed || run.said().contains("refused: "), "{place}");
        }
    }
    assert_password(root, told);
    let found = std::panic::catch_unwind(|| assert_goes_on(root, told));
    let found = found.unwrap_or_else(|_| panic!("{place}"));
    *early += u64::from(found > told.committed);
    true
}

#[test]
fn death_at_any_change_loses_nothing_acknowledged() {
    try_each("death", Mode::Kill);
}

#[test]
fn a_failed_change_is_told_and_loses_nothing_acknowledged() {
    try_each("EIO", |n| Mode::Fail(n, Errno::Broken));
}

#[test]
fn a_disk_that_fills_at_any_change_loses_nothing_acknowledged() {
    try_each("ENOSPC", |n| Mode::From(n, Errno::Full));
}

#[test]
fn a_disk_that_becomes_read_only_at_any_change_loses_nothing_acknowledged() {
    try_each("EROFS", |n| Mode::From(n, Errno::ReadOnly));
}

/// Every journal of a vault, without the zeros behind it.
fn journals(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(paths(dir).vault.join("db")).unwrap();
    let journals = entries.map(|entry| entry.unwrap().path());
    let mut journals: Vec<_> = journals
        .filter(|path| path.extension().is_some_and(|end| end == "jnl"))
        .map(|path| {
            let mut bytes = std::fs::read(&path).unwrap();
            let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
            bytes.truncate(bytes.len() - zeros);
            (path.strip_prefix(dir).unwrap().to_owned(), bytes)
        })
        .collect();
    journals.sort();
    journals
}

#[test]
fn a_refusal_that_dies_at_any_change_changes_nothing() {
    if !watch::possible() {
        return;
    }
    let dir = scratch();
    // A vault whose owner was killed between two commits …
    let base = dir.path().join("base");
    std::fs::create_dir(&base).unwrap();
    assert!(teller(&base, 2).output().unwrap().status.success());
    let mut n = 60;
    let told = loop {
        let copy = dir.path().join("copy");
        copy_dir(&base, &copy);
        let run = watch(Mode::Kill(n), &copy, &teller(&copy, 6));
        let mut told = Told::default();
        told.hear(&run.said());
        if told.committed == Some(4) {
            std::fs::remove_dir_all(&base).unwrap();
            std::fs::rename(&copy, &base).unwrap();
            break told;
        }
        std::fs::remove_dir_all(&copy).unwrap();
        n += 1;
    };
    // … and the anchor of a later one: it is refused for its age.
    let later = dir.path().join("later");
    copy_dir(&base, &later);
    assert!(teller(&later, 6).output().unwrap().status.success());
    let image = dir.path().join("image");
    copy_dir(&paths(&base).vault, &paths(&image).vault);
    copy_dir(&paths(&later).state, &paths(&image).state);
    let before = journals(&image);
    assert!(before.iter().any(|(_, bytes)| bytes.len() > 1000));

    let copy = dir.path().join("copy");
    let mut tried = 0;
    for n in 1.. {
        copy_dir(&image, &copy);
        let run = watch(Mode::Kill(n), &copy, &teller(&copy, 6));
        let refused = |error: &UnlockError| matches!(error, UnlockError::RolledBack { .. });
        let error = open(&copy).expect_err("still refused");
        assert!(refused(&error), "change {n}: {error}");
        assert!(
            journals(&copy) == before,
            "change {n}: the journal is another"
        );
        // Its own anchor opens it: nothing was lost.
        std::fs::remove_dir_all(&paths(&copy).state).unwrap();
        copy_dir(&paths(&base).state, &paths(&copy).state);
        assert_goes_on(&copy, told);
        std::fs::remove_dir_all(&copy).unwrap();
        if !run.killed() {
            assert!(run.said().contains("refused: the vault is older"));
            break;
        }
        tried += 1;
    }
    eprintln!("a refusal died at {tried} changes: nothing changed");
    assert!(tried > 10);
}

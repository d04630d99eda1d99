//! Every change that a vault makes to its disk is tried: there it dies, or there it fails.
//!
//! The process under watch goes through legs of the story: creation, commits, settling,
//! reopening, a new password, compacting. At its n-th change it is killed; or that change
//! fails as on a broken disk; or it and all later ones fail, as on a disk that is full or
//! became read-only. It never panics, says what went wrong, and when the disk is well
//! again everything that was acknowledged is there and the vault goes on.
//!
//! Every fifth change is tried, another fifth with another `SOLO2_SEED`;
//! `SOLO2_FAILPOINTS=all` tries each.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;
mod story;
mod watch;

use std::path::Path;

use common::{copy_dir, scratch};
use story::{Told, assert_goes_on, assert_password, teller};
use watch::{Errno, Mode, watch};

/// From where to where a process goes; the first makes the vault.
const LEGS: [(Option<u64>, u64); 4] = [(None, 1), (Some(2), 4), (Some(7), 8), (Some(10), 11)];

/// Which changes are tried: every which one, from which on.
fn stride() -> (u64, u64) {
    if std::env::var("SOLO2_FAILPOINTS").is_ok_and(|value| value == "all") {
        return (1, 0);
    }
    let seed = std::env::var("SOLO2_SEED").map_or(0, |seed| seed.parse().unwrap());
    (5, seed % 5)
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

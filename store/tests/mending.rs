//! A repair that dies, or whose disk fails, at any change: said again it gives back the same.
//!
//! ```text
//!   damaged vault ──repair, killed or failed at its n-th change──► damaged vault, or a mended one
//!                 └─repair, undisturbed──► what can be had  ◄──repair again──┘
//! ```
//! Every 59th change is tried, others with another `SOLO2_SEED`;
//! `SOLO2_FAILPOINTS=all` tries each.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;
#[path = "watch/story.rs"]
mod story;
mod watch;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{copy_dir, entropy, message, paths, scratch, unlock};
use solo2_store::{Repair, RepairError, Unlock, Vault};
use story::{ANNA, open, reached, teller};
use watch::{Errno, Mode, watch};

const DIRECTORY: &str = "SOLO2_STORE_TEST_MENDING";
const COMMITS: u64 = 40;
const NOW: u64 = 5_000_000;

fn repair(dir: &Path) -> Result<Repair, RepairError> {
    let words = entropy();
    Vault::repair(&paths(dir), Unlock::Entropy(&words), NOW, &mut |_| true)
}

/// Not a promise by itself: what the watched process runs.
#[test]
fn one_who_mends() {
    let Ok(dir) = std::env::var(DIRECTORY) else {
        return;
    };
    let said = match repair(Path::new(&dir)) {
        Ok(_) => "\nmended\n".to_owned(),
        Err(error) => format!("\nrefused: {error}\n"),
    };
    std::io::stdout().write_all(said.as_bytes()).unwrap();
}

fn mender(dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "one_who_mends",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIRECTORY, dir);
    command
}

/// Which messages say what they said; the others stand there deleted.
fn left(vault: &Vault) -> BTreeSet<u64> {
    let history = vault.history(ANNA, None, 10_000).unwrap();
    assert_eq!(history.len() as u64, COMMITS);
    let told = history
        .into_iter()
        .filter(|(_, _, amendments)| amendments.deleted_at_ms().is_none());
    told.map(|(seq, found, _)| {
        assert!(found == message(seq, true), "message {seq}");
        seq
    })
    .collect()
}

/// Databases that were put aside.
fn kept(dir: &Path) -> usize {
    let entries = fs::read_dir(paths(dir).vault).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    names
        .filter(|name| name.to_string_lossy().starts_with("damaged"))
        .count()
}

/// Flips a bit in the largest table of a keyspace, a third of the way in.
fn harm(dir: &Path, keyspace: u8) {
    let tables = paths(dir)
        .vault
        .join(format!("db/keyspaces/{keyspace}/tables"));
    let entries = fs::read_dir(tables).unwrap().map(|entry| entry.unwrap());
    let sized = entries.map(|entry| (entry.metadata().unwrap().len(), entry.path()));
    let (len, table): (u64, PathBuf) = sized.max().unwrap();
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&table)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, len / 3).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], len / 3).unwrap();
}

/// From which change on, and every which one.
fn stride() -> (u64, u64) {
    if std::env::var("SOLO2_FAILPOINTS").is_ok_and(|value| value == "all") {
        return (1, 1);
    }
    let seed = std::env::var("SOLO2_SEED").map_or(0, |seed| seed.parse().unwrap());
    (1 + seed % 59, 59)
}

/// Mends a damaged vault while `what` happens at each change in turn, and looks at what is left.
fn try_each(name: &str, damage: impl Fn(&Path), what: impl Fn(u64) -> Mode) {
    if !watch::possible() {
        return;
    }
    let dir = scratch();
    let base = dir.path().join("base");
    fs::create_dir(&base).unwrap();
    assert!(teller(&base, COMMITS).output().unwrap().status.success());
    assert_eq!(reached(&unlock(&base).unwrap()), Some(COMMITS));
    damage(&base);

    let calm = dir.path().join("calm");
    copy_dir(&base, &calm);
    assert!(
        matches!(repair(&calm).unwrap(), Repair::Mended(_)),
        "there is something to mend"
    );
    let expected = left(&unlock(&calm).unwrap());
    let replaced = kept(&calm);
    assert!(replaced > 0, "what was damaged is kept");

    let copy = dir.path().join("copy");
    let (first, step) = stride();
    let mut tried = 0;
    for n in (first..).step_by(step as usize) {
        copy_dir(&base, &copy);
        let run = watch(what(n), &copy, &mender(&copy));
        let place = format!(
            "{name} {n} of {}: {}{}",
            run.tried,
            run.said(),
            run.complaints
        );
        assert!(!run.complaints.contains("panicked"), "{place}");
        if run.tried < n {
            assert!(run.said().contains("mended"), "{place}");
            fs::remove_dir_all(&copy).unwrap();
            break;
        }
        assert!(
            run.killed() || run.said().contains("mended") || run.said().contains("refused: "),
            "{place}"
        );
        let again = repair(&copy).unwrap_or_else(|error| panic!("{place}: then {error}"));
        let vault = open(&copy).unwrap_or_else(|error| panic!("{place}: then {error}"));
        assert!(left(&vault) == expected, "{place}: then {again:?}");
        assert!(vault.check().unwrap().is_whole(), "{place}");
        assert!(kept(&copy) >= replaced, "{place}: the damaged one is kept");
        drop(vault);
        assert!(matches!(repair(&copy).unwrap(), Repair::Whole), "{place}");
        fs::remove_dir_all(&copy).unwrap();
        tried += 1;
    }
    eprintln!(
        "{name}: a repair met it at {tried} changes and gave back the same {} messages",
        expected.len()
    );
    assert!(tried >= 3, "{tried} changes");
}

#[test]
fn a_repair_that_dies_at_any_change_gives_back_the_same_when_said_again() {
    try_each("death, messages damaged", |dir| harm(dir, 2), Mode::Kill);
}

#[test]
fn a_repair_of_a_vault_that_does_not_open_may_die_at_any_change() {
    let damage = |dir: &Path| {
        harm(dir, 2);
        fs::remove_dir_all(paths(dir).state).unwrap();
    };
    try_each("death, no anchor besides", damage, Mode::Kill);
}

#[test]
fn a_repair_whose_disk_fails_at_any_change_gives_back_the_same_when_said_again() {
    try_each("EIO", |dir| harm(dir, 2), |n| Mode::Fail(n, Errno::Broken));
    try_each("ENOSPC", |dir| harm(dir, 2), |n| Mode::From(n, Errno::Full));
}

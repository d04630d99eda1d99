//! The power goes, at any moment: what was acknowledged is there when it is back.
//!
//! A vault's whole life, from its creation over commits, settling, a new password and
//! compacting to its end, is lived by a process under watch. Then, for moments all over
//! that life, the disk is built as a power cut may leave it there, by the model of
//! `watch/disk.rs`, and the vault is opened: it holds every commit that had been
//! acknowledged, in order and exact, at most the one after it, nothing twice, and goes
//! on. A refusal is a loss.
//!
//! `SOLO2_POWER_CUTS=2000` looks at so many disks, `SOLO2_SEED=n` at others.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;
#[path = "watch/story.rs"]
mod story;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use common::scratch;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use story::{Told, assert_goes_on, assert_password, teller};
use watch::disk::{Disk, FATES, Fate};
use watch::{Change, Mode, watch};

/// A number from the environment.
fn knob(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

/// What was told by the first `moment` changes.
fn told(changes: &[Change]) -> Told {
    let mut told = Told::default();
    for change in changes {
        if let Change::Said { text } = change {
            told.hear(text);
        }
    }
    told
}

/// Half of the moments evenly over all changes, half right before something is synced: then
/// most is at stake.
fn moments(changes: &[Change], cuts: usize) -> Vec<usize> {
    let syncs = changes.iter().enumerate();
    let syncs: Vec<usize> = syncs
        .filter(|(_, change)| matches!(change, Change::Sync { .. }))
        .map(|(at, _)| at)
        .collect();
    let half = cuts / 2;
    let evenly = (0..cuts - half).map(|n| n * (changes.len() + 1) / (cuts - half));
    let before_syncs = (0..half).map(|n| syncs[n * syncs.len() / half]);
    let mut moments: Vec<usize> = evenly.chain(before_syncs).collect();
    moments.sort_unstable();
    moments
}

/// Cuts the power in `changes`, which began on `disk`, at `cuts` moments all over them.
fn survive(mut disk: Disk, changes: &[Change], before: Told, cuts: u64, seed: u64) -> Tally {
    let scratch = scratch();
    let mut rng = StdRng::seed_from_u64(seed);
    let mut tally = Tally::default();
    let mut applied = 0;
    for (cut, moment) in moments(changes, cuts as usize).into_iter().enumerate() {
        for change in &changes[applied..moment] {
            disk.apply(change);
        }
        applied = moment;
        let mut told = told(&changes[..moment]);
        told.created |= before.created;
        told.password |= before.password;
        told.committed = told.committed.max(before.committed);
        let image = scratch.path().join("image");
        let fate = *FATES.choose(&mut rng).unwrap();
        disk.cut(fate, &mut rng, &image);
        let place = format!(
            "seed {seed}, cut {cut} of {cuts}, before change {moment} of {}: {:?}, {fate:?}",
            changes.len(),
            changes.get(moment).map(brief)
        );
        let survived = catch_unwind(AssertUnwindSafe(|| {
            if cut.is_multiple_of(7) {
                assert_password(&image, told);
            }
            assert_goes_on(&image, told)
        }));
        match survived {
            Ok(found) => tally.count(told, found),
            Err(panic) => {
                let text = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied());
                tally
                    .failed
                    .push(format!("{place}: {}", text.unwrap_or_default()));
            }
        }
        std::fs::remove_dir_all(&image).unwrap();
    }
    tally
}

fn brief(change: &Change) -> String {
    match change {
        Change::Write { inode, at, data } => format!("write {} at {at} of {inode}", data.len()),
        other => format!("{other:?}"),
    }
}

/// Two trees hold the same names and bytes.
fn assert_same(one: &Path, other: &Path) {
    let names = |dir: &Path| {
        let entries = std::fs::read_dir(dir).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(one), names(other), "in {}", one.display());
    for name in names(one) {
        let (one, other) = (one.join(&name), other.join(&name));
        if one.is_dir() {
            assert_same(&one, &other);
        } else {
            let same = std::fs::read(&one).unwrap() == std::fs::read(&other).unwrap();
            assert!(same, "{}", one.display());
        }
    }
}

#[derive(Default)]
struct Tally {
    cuts: u64,
    early: u64,
    failed: Vec<String>,
}

impl Tally {
    fn count(&mut self, told: Told, found: Option<u64>) {
        self.cuts += 1;
        self.early += u64::from(found > told.committed);
    }

    fn add(&mut self, other: Self) {
        self.cuts += other.cuts;
        self.early += other.early;
        self.failed.extend(other.failed);
    }

    fn assert_none_failed(self, what: &str) {
        eprintln!(
            "{what}: {} disks, {} refused or wrong, {} with a commit that was not acknowledged yet",
            self.cuts + self.failed.len() as u64,
            self.failed.len(),
            self.early
        );
        assert!(self.failed.is_empty(), "{:#?}", self.failed);
    }
}

#[test]
fn a_power_cut_at_any_moment_loses_no_acknowledged_commit() {
    if !watch::possible() {
        return;
    }
    let dir = scratch();
    let root = dir.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let before = Disk::of(&root);
    let mut replayed = Disk::of(&root);
    let lived = watch(Mode::Record, &root, &teller(&root, 16));
    assert!(
        told(&lived.changes).closed,
        "{}{}",
        lived.said(),
        lived.complaints
    );

    // Nothing escaped the watcher: with everything kept, the disk is the directory.
    lived
        .changes
        .iter()
        .for_each(|change| replayed.apply(change));
    let copy = dir.path().join("copy");
    replayed.cut(Fate::Kept, &mut StdRng::seed_from_u64(0), &copy);
    assert_same(&root, &copy);

    let cuts = knob("SOLO2_POWER_CUTS", 250);
    let seed = knob("SOLO2_SEED", 1);
    survive(before, &lived.changes, Told::default(), cuts, seed)
        .assert_none_failed("power cuts in a vault's life");
}

/// The process dies first, then the power goes while the next one puts things in order:
/// what that one was shown must last, too, synced by the dead or not.
#[test]
fn a_power_cut_after_a_death_loses_nothing_that_was_read() {
    if !watch::possible() {
        return;
    }
    let deaths = knob("SOLO2_DEATHS", 12);
    let cuts = knob("SOLO2_POWER_CUTS", 120) / deaths;
    let seed = knob("SOLO2_SEED", 1);
    let dir = scratch();
    let mut all = Tally::default();
    for death in 0..deaths {
        let root = dir.path().join("root");
        std::fs::create_dir(&root).unwrap();
        let mut disk = Disk::of(&root);
        // All over the story: its commits are made by changes 250 to 700.
        let at = 250 + death * 450 / deaths + seed % 37;
        let died = watch(Mode::Kill(at), &root, &teller(&root, 16));
        assert!(died.killed(), "the story is longer than {at} changes");
        died.changes.iter().for_each(|change| disk.apply(change));
        let before = told(&died.changes);

        // The next one opens, tells how far the vault has come, and closes.
        let reached = before.committed.unwrap_or(0);
        let next = watch(Mode::Record, &root, &teller(&root, reached));
        assert!(
            told(&next.changes).closed,
            "{}{}",
            next.said(),
            next.complaints
        );
        all.add(survive(disk, &next.changes, before, cuts, seed + death));
        std::fs::remove_dir_all(&root).unwrap();
    }
    all.assert_none_failed("power cuts after a death");
}

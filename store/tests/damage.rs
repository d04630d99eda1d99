//! One flipped bit anywhere: the vault opens right or refuses. Never wrong, never a panic.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use common::{PASSWORD, contact, copy_dir, create, item, message, paths, scratch, unlock};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use solo2_store::{
    Amendment, Amendments, Contact, ContactId, DeliveryState, Filter, InboxEntry, Message,
    OutboxItem, Query, ReadError, Unlock, Vault,
};

const FLIPS: u64 = 500;

/// How many flips: `SOLO2_FLIPS=n` for so many, `SOLO2_FLIPS=all` for one in every byte.
fn flips(bytes: usize) -> u64 {
    match std::env::var("SOLO2_FLIPS") {
        Ok(all) if all == "all" => bytes as u64,
        Ok(count) => count.parse().unwrap(),
        Err(_) => FLIPS,
    }
}

/// Everything that can be read from a vault.
#[derive(PartialEq)]
struct Everything {
    contacts: Vec<Contact>,
    sessions: Vec<Option<Vec<u8>>>,
    histories: Vec<Vec<(u64, Message, Amendments)>>,
    outboxes: Vec<Vec<(u64, OutboxItem)>>,
    found: Vec<Option<u64>>,
    inbox: Vec<InboxEntry>,
    settings: Vec<Option<Vec<u8>>>,
    /// What a search finds, most of it by the index.
    hits: Vec<(ContactId, u64)>,
    cursor: u64,
    commits: u64,
}

fn everything(vault: &Vault) -> Result<Everything, ReadError> {
    let ids: Vec<ContactId> = vault.contacts().map(|contact| contact.id).collect();
    let mut all = Everything {
        contacts: vault.contacts().cloned().collect(),
        sessions: Vec::new(),
        histories: Vec::new(),
        outboxes: Vec::new(),
        found: Vec::new(),
        inbox: vault.inbox(0, 1000)?,
        settings: vec![
            vault.setting("one")?,
            vault.setting("two")?,
            vault.setting("none")?,
        ],
        hits: vault
            .search(
                &Query::parse("text number").unwrap(),
                &Filter::default(),
                1000,
            )?
            .iter()
            .map(|hit| (hit.contact, hit.seq))
            .collect(),
        cursor: vault.inbox_cursor(),
        commits: vault.commits(),
    };
    for id in ids {
        all.sessions
            .push(vault.session(id)?.map(|session| session.to_vec()));
        all.histories.push(vault.history(id, None, 1000)?);
        all.outboxes.push(vault.outbox(id, 1000)?);
        for n in 0..100u64 {
            all.found
                .push(vault.find_message(id, &u128::from(n).to_be_bytes())?);
        }
    }
    Ok(all)
}

/// Some of everything, over several commits.
fn grow(vault: &mut Vault, from: u64) {
    for n in from..from + 12 {
        commit(vault, n);
        if n.is_multiple_of(3) {
            vault.index_step(1, 100).unwrap();
        }
    }
}

/// A commit with some of everything.
fn commit(vault: &mut Vault, n: u64) {
    let who = ContactId([(n % 3) as u8 + 1; 16]);
    let mut tx = vault.begin();
    tx.put_contact(&contact(who.0[0])).unwrap();
    tx.save_session(who, &vec![n as u8; 6000]).unwrap();
    let seq = tx
        .append_message(who, &message(n, n.is_multiple_of(2)))
        .unwrap();
    let state = Amendment::State {
        state: DeliveryState::Sent,
        at_ms: n,
        route: None,
    };
    tx.amend(who, seq, &state).unwrap();
    if n % 5 == 4 {
        tx.amend(who, 1, &Amendment::Deleted { at_ms: n }).unwrap();
    }
    let position = tx.push_outbox(who, &item(n)).unwrap();
    if n.is_multiple_of(4) {
        tx.remove_outbox(who, position).unwrap();
    }
    tx.put_setting(
        if n.is_multiple_of(2) { "one" } else { "two" },
        &n.to_be_bytes(),
    )
    .unwrap();
    tx.set_inbox_cursor(n / 4);
    tx.commit().unwrap();
}

/// Every file below `dir` with the length of what was written to it, zeros at the end left out.
fn files(dir: &Path, found: &mut Vec<(PathBuf, usize)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let bytes = fs::read(&path).unwrap();
            let len = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count();
            if len > 0 {
                found.push((path, len));
            }
        }
    }
}

fn flip(path: &Path, at: usize, bit: u8) {
    let mut bytes = [0];
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, at as u64).unwrap();
    bytes[0] ^= 1 << bit;
    std::os::unix::fs::FileExt::write_all_at(&file, &bytes, at as u64).unwrap();
}

fn journals(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir.join("vault/db")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "jnl") {
            let mut bytes = fs::read(&path).unwrap();
            bytes.truncate(bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count());
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

/// Flips bits in copies of `image` and opens each.
fn survive(image: &Path, seed: u64) {
    let scratch = scratch();
    let pristine = scratch.path().join("pristine");
    copy_dir(image, &pristine);
    let oracle = everything(&unlock(&pristine).unwrap()).unwrap();
    fs::remove_dir_all(&pristine).unwrap();

    let mut targets = Vec::new();
    files(image, &mut targets);
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut right, mut refused, mut unread) = (0, 0, 0);
    let bytes = targets.iter().map(|(_, len)| len).sum();
    let rounds = flips(bytes);
    let mut every = targets
        .iter()
        .flat_map(|(path, len)| (0..*len).map(move |at| (path, at)));
    for round in 0..rounds {
        let copy = scratch.path().join("copy");
        copy_dir(image, &copy);
        let (path, at) = if rounds == bytes as u64 {
            every.next().unwrap()
        } else {
            let (path, len) = &targets[rng.random_range(0..targets.len())];
            (path, rng.random_range(0..*len))
        };
        let path = copy.join(path.strip_prefix(image).unwrap());
        let bit = rng.random_range(0..8);
        flip(&path, at, bit);
        let place = format!(
            "round {round}: bit {bit} of byte {at} of {}",
            path.display()
        );
        let before = journals(&copy);
        let head = path.ends_with("vault.head");
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let vault = if head && round.is_multiple_of(2) {
                Vault::unlock(&paths(&copy), Unlock::Password(PASSWORD))
            } else {
                unlock(&copy)
            };
            let vault = match vault {
                Ok(vault) => vault,
                Err(error) => {
                    assert!(!error.to_string().is_empty() && !error.advice().is_empty());
                    return Some(false);
                }
            };
            match everything(&vault) {
                Ok(found) => assert!(found == oracle, "{place}: opened wrong"),
                Err(_) => return None,
            }
            drop(vault);
            // What was opened right stays right.
            let vault = unlock(&copy).map_err(|error| error.to_string());
            let again =
                vault.and_then(|vault| everything(&vault).map_err(|error| error.to_string()));
            if let Ok(found) = again {
                assert!(found == oracle, "{place}: opened wrong the second time");
            }
            Some(true)
        }));
        match opened {
            Ok(Some(true)) => right += 1,
            Ok(Some(false)) => {
                assert!(
                    journals(&copy) == before,
                    "{place}: a refusal changed the journal"
                );
                refused += 1;
            }
            Ok(None) => unread += 1,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                panic!("{place}: panic: {text}");
            }
        }
        fs::remove_dir_all(&copy).unwrap();
    }
    eprintln!(
        "{rounds} flips over {} files: {right} opened right, {refused} refused, {unread} refused when read, 0 wrong",
        targets.len()
    );
}

#[test]
fn a_flipped_bit_in_a_closed_vault_is_refused_or_harmless() {
    let dir = scratch();
    let mut vault = create(dir.path());
    grow(&mut vault, 1);
    vault.close().unwrap();
    let mut vault = unlock(dir.path()).unwrap();
    grow(&mut vault, 13);
    vault.close().unwrap();
    survive(dir.path(), 1);
}

#[test]
fn a_flipped_bit_in_a_vault_that_was_not_closed_is_refused_or_harmless() {
    let dir = scratch();
    let mut vault = create(dir.path());
    grow(&mut vault, 1);
    vault.close().unwrap();
    let mut vault = unlock(dir.path()).unwrap();
    grow(&mut vault, 13);
    // As after a crash: the journal is full, the key page unsettled.
    let image = dir.path().join("image");
    copy_dir(&dir.path().join("vault"), &image.join("vault"));
    copy_dir(&dir.path().join("state"), &image.join("state"));
    survive(&image, 2);
}

#[test]
fn a_journal_cut_short_is_refused_and_opens_whole_but_older_when_accepted() {
    let dir = scratch();
    let mut vault = create(dir.path());
    grow(&mut vault, 1);
    let image = dir.path().join("image");
    copy_dir(&dir.path().join("vault"), &image.join("vault"));
    copy_dir(&dir.path().join("state"), &image.join("state"));
    let oracle = everything(&vault).unwrap();
    let mut rng = StdRng::seed_from_u64(3);
    let copy = dir.path().join("copy");
    let whole = journals(&image)[0].1.len();
    let mut older = 0;
    for _ in 0..40 {
        copy_dir(&image, &copy);
        let journal = journals(&copy)[0].0.clone();
        let file = fs::OpenOptions::new().write(true).open(&journal).unwrap();
        file.set_len(rng.random_range(0..whole as u64)).unwrap();
        drop(file);
        assert!(unlock(&copy).is_err());
        assert!(unlock(&copy).is_err(), "the second time, too");
        let words = common::entropy();
        let accepted = Vault::unlock_accepting_rollback(&paths(&copy), Unlock::Entropy(&words));
        // Cut before the database itself was set up, nothing is left to accept.
        if let Ok((vault, accepted)) = accepted {
            assert!(accepted.is_some());
            let found = everything(&vault).unwrap();
            assert!(found.sessions.iter().all(Option::is_none));
            for (found, whole) in found.histories.iter().zip(&oracle.histories) {
                assert!(found.len() <= whole.len());
            }
            drop(vault);
            let vault = unlock(&copy).unwrap();
            assert!(everything(&vault).unwrap() == found);
            older += 1;
        }
        fs::remove_dir_all(&copy).unwrap();
    }
    assert!(older > 0);
}

/// What lies where the last batch was to be written.
#[derive(Clone, Copy, Debug)]
enum Tear {
    /// Nothing: the file ends there.
    End,
    /// Zeros from there on.
    Zeros,
    /// Zeros in one sector, and what was written behind it.
    Hole,
}

#[test]
fn a_commit_that_nobody_was_told_of_is_torn_off_wherever_it_broke() {
    let dir = scratch();
    let mut vault = create(dir.path());
    grow(&mut vault, 1);
    vault.settle().unwrap();
    let image = dir.path().join("image");
    // The anchor is synced when the vault settles: a power cut may leave this one.
    copy_dir(&dir.path().join("state"), &image.join("state"));
    let before = everything(&vault).unwrap();
    let start = journals(dir.path())[0].1.len();
    commit(&mut vault, 13);
    let after = everything(&vault).unwrap();
    copy_dir(&dir.path().join("vault"), &image.join("vault"));
    let journal = journals(&image)[0].1.clone();
    drop(vault);

    // A zero at the very end of a batch would be cut off with those behind it; there is none.
    let end = journal.len();
    assert!(start + 2000 < end && journal.ends_with(b"FJL\x03"));
    let all = std::env::var("SOLO2_FLIPS").is_ok_and(|value| value == "all");
    let places = (start..=end).filter(|at| all || at + 60 > end || at % 157 == 0);
    let copy = dir.path().join("copy");
    let mut opened = 0;
    for at in places {
        for tear in [Tear::End, Tear::Zeros, Tear::Hole] {
            copy_dir(&image, &copy);
            let (path, _) = &journals(&copy)[0];
            let mut torn = journal.clone();
            match tear {
                Tear::End => torn.truncate(at),
                Tear::Zeros => torn[at..].fill(0),
                Tear::Hole => torn[at..(at / 512 * 512 + 512).min(end)].fill(0),
            }
            fs::write(path, &torn).unwrap();
            let place = format!("{tear:?} at {at} of {start}..{end}");
            let vault = unlock(&copy).unwrap_or_else(|error| panic!("{place}: {error}"));
            let found = everything(&vault).unwrap();
            let whole = torn == journal;
            assert!(found == *if whole { &after } else { &before }, "{place}");
            let mut vault = vault;
            commit(&mut vault, 14);
            vault.close().unwrap();
            opened += 1;
            fs::remove_dir_all(&copy).unwrap();
        }
    }
    eprintln!("a batch torn in {opened} ways: none lost what was acknowledged");
}

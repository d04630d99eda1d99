//! A killed owner loses nothing it acknowledged and leaves nothing half done.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{contact, create, item, message, unlock};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use solo2_store::{Amendment, ContactId, DeliveryState, Filter, Query, Vault};

const DIRECTORY: &str = "SOLO2_STORE_TEST_DIRECTORY";
const CYCLES: u32 = 40;
const ANNA: ContactId = ContactId([1; 16]);

fn session(n: u64) -> Vec<u8> {
    n.to_be_bytes().repeat(700)
}

fn delivered(at_ms: u64) -> Amendment {
    Amendment::State {
        state: DeliveryState::Delivered,
        at_ms,
        route: None,
    }
}

/// How many commits the vault holds, by its session.
fn reached(vault: &Vault) -> u64 {
    let session = vault.session(ANNA).unwrap();
    session.map_or(0, |session| {
        u64::from_be_bytes(session[..8].try_into().unwrap())
    })
}

/// Commit `n`: everything in it names `n`.
fn write(vault: &mut Vault, n: u64) {
    let mut tx = vault.begin();
    tx.save_session(ANNA, &session(n)).unwrap();
    assert_eq!(tx.append_message(ANNA, &message(n, true)).unwrap(), n);
    assert_eq!(tx.push_outbox(ANNA, &item(n)).unwrap(), n);
    if n > 1 {
        tx.remove_outbox(ANNA, n - 1).unwrap();
        tx.amend(ANNA, n - 1, &delivered(n)).unwrap();
    }
    if n.is_multiple_of(10) {
        tx.amend(ANNA, n - 5, &Amendment::Deleted { at_ms: n })
            .unwrap();
    }
    tx.put_setting("n", &n.to_be_bytes()).unwrap();
    tx.commit().unwrap();
}

/// Whether the vault holds commits 1 to `n`, whole, and nothing else.
fn assert_whole(vault: &Vault, n: u64) {
    assert!(*vault.session(ANNA).unwrap().unwrap() == session(n));
    let history = vault.history(ANNA, None, usize::MAX).unwrap();
    assert_eq!(history.len() as u64, n);
    for (seq, found, amendments) in history {
        let deleted = seq % 10 == 5 && seq + 5 <= n;
        assert_eq!(
            amendments.deleted_at_ms().is_some(),
            deleted,
            "message {seq} of {n}"
        );
        if deleted {
            assert!(found.body.is_empty());
        } else {
            assert!(found == message(seq, true));
        }
        assert_eq!(amendments.0.contains(&delivered(seq + 1)), seq < n);
    }
    let deleted = (n / 10) as usize;
    let query = Query::parse("\"text number\"").unwrap();
    let hits = vault
        .search(&query, &Filter::default(), usize::MAX)
        .unwrap();
    assert_eq!(hits.len() + deleted, n as usize, "found by search");
    assert!(vault.outbox(ANNA, 9).unwrap() == [(n, item(n))]);
    assert_eq!(vault.setting("n").unwrap().unwrap(), n.to_be_bytes());
    let report = vault.check().unwrap();
    assert!(report.is_whole(), "{:?}", report.problems);
}

/// Not a promise by itself: what the killed process runs.
#[test]
fn owner_to_be_killed() {
    let Ok(dir) = std::env::var(DIRECTORY) else {
        return;
    };
    let mut vault = unlock(Path::new(&dir)).unwrap();
    let mut out = std::io::stdout();
    for n in reached(&vault) + 1.. {
        write(&mut vault, n);
        writeln!(out, "committed {n}").unwrap();
        out.flush().unwrap();
        // Seals, merges and, behind the deletions, rewrites.
        vault.index_step(2, 8).unwrap();
        if n.is_multiple_of(3) {
            vault.settle().unwrap();
        }
        if n.is_multiple_of(17) {
            drop(vault);
            vault = unlock(Path::new(&dir)).unwrap();
        }
    }
}

#[test]
fn a_killed_owner_loses_no_acknowledged_commit_and_tears_none() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    let mut tx = vault.begin();
    tx.put_contact(&contact(1)).unwrap();
    tx.commit().unwrap();
    drop(vault);
    let mut rng = StdRng::seed_from_u64(4);
    let (mut acknowledged, mut unacknowledged) = (0, 0);
    for cycle in 0..CYCLES {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "owner_to_be_killed",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(DIRECTORY, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(rng.random_range(5..400)));
        child.kill().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_to_string(&mut said)
            .unwrap();
        let mut complaints = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut complaints)
            .unwrap();
        child.wait().unwrap();
        assert!(
            !complaints.contains("panicked"),
            "cycle {cycle}: {complaints}"
        );
        let last = said
            .as_bytes()
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.split_once("committed ")?.1.parse::<u64>().ok());
        if let Some(last) = last.last() {
            acknowledged = last;
        }

        let vault = unlock(dir.path()).unwrap();
        let n = reached(&vault);
        assert!(
            n >= acknowledged,
            "cycle {cycle}: lost commits {n}..{acknowledged}"
        );
        assert!(n <= acknowledged + 1, "cycle {cycle}: {n} out of nowhere");
        unacknowledged += n - acknowledged;
        acknowledged = n;
        if n > 0 {
            assert_whole(&vault, n);
        }
    }
    eprintln!(
        "{CYCLES} kills over {acknowledged} commits: 0 lost, 0 torn, {unacknowledged} there before they were acknowledged"
    );
    assert!(
        acknowledged > 40,
        "the children hardly got to write: {acknowledged}"
    );
}

//! A killed owner loses nothing it acknowledged and leaves nothing half done.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;
#[path = "watch/story.rs"]
mod story;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{contact, create, unlock};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use story::{assert_whole, reached, write};

const DIRECTORY: &str = "SOLO2_STORE_TEST_DIRECTORY";
const CYCLES: u32 = 40;

/// Not a promise by itself: what the killed process runs.
#[test]
fn owner_to_be_killed() {
    let Ok(dir) = std::env::var(DIRECTORY) else {
        return;
    };
    let mut vault = unlock(Path::new(&dir)).unwrap();
    let mut out = std::io::stdout();
    for n in reached(&vault).unwrap() + 1.. {
        write(&mut vault, n).unwrap();
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
        let n = reached(&vault).unwrap();
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

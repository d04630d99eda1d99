//! One life of a vault, written down before it is lived: whoever watches knows what must be there.
//!
//! ```text
//!   created ─► commit 0: a contact ─► commit 1 ─► … ─► commit n ─► closed
//!                                        │ every third settles; one reopens, one compacts,
//!                                        ▼ one gets a new password
//!                                      said aloud as soon as it is done: from then on it must last
//! ```

#![allow(dead_code, clippy::unwrap_used)]

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use solo2_store::{
    Amendment, ContactId, DeliveryState, Filter, PasswordCost, Query, Unlock, UnlockError, Vault,
};

use crate::common::{PASSWORD, contact, entropy, item, message, paths, unlock};

const DIRECTORY: &str = "SOLO2_STORE_TEST_STORY";
const COMMITS: &str = "SOLO2_STORE_TEST_COMMITS";
/// The contact of the story.
pub(crate) const ANNA: ContactId = ContactId([1; 16]);
/// What the password is from a commit of the story on.
pub(crate) const NEW_PASSWORD: &str = "battery staple";

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

/// How many commits the vault holds, by its session; none without a contact.
pub(crate) fn reached(vault: &Vault) -> Option<u64> {
    vault.contact(ANNA)?;
    let session = vault.session(ANNA).unwrap();
    Some(session.map_or(0, |session| {
        u64::from_be_bytes(session[..8].try_into().unwrap())
    }))
}

/// Commit `n`: everything in it names `n`.
pub(crate) fn write(vault: &mut Vault, n: u64) -> Result<(), String> {
    let mut tx = vault.begin();
    let mut stage = || {
        tx.save_session(ANNA, &session(n))?;
        assert_eq!(tx.append_message(ANNA, &message(n, true))?, n);
        assert_eq!(tx.push_outbox(ANNA, &item(n))?, n);
        if n > 1 {
            tx.remove_outbox(ANNA, n - 1)?;
            tx.amend(ANNA, n - 1, &delivered(n))?;
        }
        if n.is_multiple_of(10) {
            tx.amend(ANNA, n - 5, &Amendment::Deleted { at_ms: n })?;
        }
        tx.put_setting("n", &n.to_be_bytes())
    };
    stage().map_err(|error| error.to_string())?;
    tx.commit().map_err(|error| error.to_string())
}

/// Whether the vault holds commits 1 to `n`, whole, and nothing else.
pub(crate) fn assert_whole(vault: &Vault, n: u64) {
    if n > 0 {
        assert!(*vault.session(ANNA).unwrap().unwrap() == session(n));
        assert!(vault.outbox(ANNA, 9).unwrap() == [(n, item(n))]);
        assert_eq!(vault.setting("n").unwrap().unwrap(), n.to_be_bytes());
    }
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
    let report = vault.check().unwrap();
    assert!(report.is_whole(), "{:?}", report.problems);
}

/// This test program as the one who lives the story in `dir`, up to commit `commits`.
///
/// The vault may be there already: then the story goes on where it is.
pub(crate) fn teller(dir: &Path, commits: u64) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "story::one_who_may_not_live_to_tell",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIRECTORY, dir)
        .env(COMMITS, commits.to_string());
    command
}

/// Not a promise by itself: what the watched process runs.
#[test]
fn one_who_may_not_live_to_tell() {
    let Ok(dir) = std::env::var(DIRECTORY) else {
        return;
    };
    let commits = std::env::var(COMMITS).unwrap().parse().unwrap();
    if let Err(error) = live(Path::new(&dir), commits) {
        say(&format!("refused: {error}"));
    }
}

fn say(what: &str) {
    // One write, in a line of its own: the test's own name may stand before it.
    let mut out = std::io::stdout();
    out.write_all(format!("\n{what}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn live(dir: &Path, commits: u64) -> Result<(), String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let open = || unlock(dir).map_err(|error| told(&error));
    let mut vault = match unlock(dir) {
        Ok(vault) => vault,
        Err(UnlockError::NotFound { .. }) => Vault::create_with(
            &paths(dir),
            &entropy(),
            PASSWORD,
            PasswordCost::FLOOR,
            &mut rand::rng(),
        )
        .map_err(|error| told(&error))?,
        Err(error) => return Err(told(&error)),
    };
    say("created");
    if reached(&vault).is_none() {
        let mut tx = vault.begin();
        tx.put_contact(&contact(1)).map_err(|error| told(&error))?;
        tx.commit().map_err(|error| told(&error))?;
    }
    let begun = reached(&vault).unwrap();
    say(&format!("committed {begun}"));
    for n in begun + 1..=commits {
        write(&mut vault, n)?;
        say(&format!("committed {n}"));
        // Seals, merges and, behind the deletions, rewrites.
        vault.index_step(2, 8).map_err(|error| told(&error))?;
        if n.is_multiple_of(3) {
            vault.settle().map_err(|error| told(&error))?;
        }
        match n {
            4 => {
                vault.close().map_err(|error| told(&error))?;
                vault = open()?;
            }
            8 => {
                let words = entropy();
                Vault::change_password_with(
                    &paths(dir),
                    Unlock::Entropy(&words),
                    NEW_PASSWORD,
                    PasswordCost::FLOOR,
                    &mut rand::rng(),
                )
                .map_err(|error| told(&error))?;
                say("password changed");
            }
            11 => vault.compact().map_err(|error| told(&error))?,
            _ => {}
        }
    }
    vault.close().map_err(|error| told(&error))?;
    say("closed");
    Ok(())
}

/// How far somebody got who was heard saying this, and no further.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) created: bool,
    pub(crate) committed: Option<u64>,
    pub(crate) password: bool,
    pub(crate) closed: bool,
}

impl Told {
    pub(crate) fn hear(&mut self, said: &str) {
        for line in said.lines() {
            match line {
                "created" => self.created = true,
                "password changed" => self.password = true,
                "closed" => self.closed = true,
                _ => {
                    if let Some(n) = line.strip_prefix("committed ") {
                        self.committed = Some(n.parse().unwrap());
                    }
                }
            }
        }
    }
}

/// Opens the vault in `dir`. A process that another test is just starting may hold a copy
/// of our lock for a moment.
pub(crate) fn open(dir: &Path) -> Result<Vault, UnlockError> {
    for _ in 0..200 {
        match unlock(dir) {
            Err(UnlockError::Busy { .. }) => std::thread::sleep(Duration::from_millis(10)),
            other => return other,
        }
    }
    unlock(dir)
}

/// Opens the vault in `dir` after whatever happened to it: everything that was told is
/// there, whole, at most one commit more, and it goes on. Says how many commits there are.
pub(crate) fn assert_goes_on(dir: &Path, told: Told) -> Option<u64> {
    let vault = match open(dir) {
        Ok(vault) => vault,
        Err(UnlockError::NotFound { .. }) if !told.created => {
            // Nothing is in the way of a vault that never was.
            let vault = crate::common::create(dir);
            assert_eq!(reached(&vault), None);
            return None;
        }
        Err(error) => panic!("refused after {told:?}: {error}"),
    };
    let found = reached(&vault);
    assert!(
        found >= told.committed,
        "{found:?} commits are left after {told:?}"
    );
    let most = match (told.created, told.committed) {
        (_, Some(n)) => Some(n + 1),
        (true, None) => Some(0),
        (false, None) => None,
    };
    assert!(found <= most, "{found:?} commits after {told:?}");
    if let Some(n) = found {
        assert_whole(&vault, n);
    }
    drop(vault);
    let mut vault = open(dir).expect("the second time, too");
    assert_eq!(reached(&vault), found);
    if let Some(n) = found {
        write(&mut vault, n + 1).unwrap();
        vault.close().unwrap();
        assert_whole(&open(dir).unwrap(), n + 1);
    }
    found
}

/// The password that was told opens the vault; one that was being changed may be either.
pub(crate) fn assert_password(dir: &Path, told: Told) {
    let opens = |password| Vault::entropy(&paths(dir), password).is_ok();
    if told.password {
        assert!(opens(NEW_PASSWORD), "the new password after {told:?}");
    } else if told.created {
        assert!(opens(PASSWORD) || opens(NEW_PASSWORD), "after {told:?}");
    }
}

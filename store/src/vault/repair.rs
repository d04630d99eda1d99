//! Mending a vault that does not open, or not all of it.
//!
//! ```text
//!   db/ ──every record that can be read──► db.new/ ──exchange──► db/       the rest is mended in place
//!    └────────────────────────────────────────────────────────► damaged-N/  as it was, sealed
//! ```
//! What can be read is written into a new database, so that no damaged block is left for a
//! later write to stumble over. Then every message, outbox item and inbox entry is read: a
//! lost message becomes a deleted one, a lost item takes the session along that counted it,
//! a lost entry is passed over. The search index is made anew from the messages.
//!
//! When the mutable records are not all those of the last commit, nobody knows how old a
//! session is, so none survives: the same as accepting a rollback. Not mended: a damaged
//! `vault.head`, both files of the slot keys damaged, and a database whose list of tables is gone. Without keys,
//! or without knowing what there was, nothing would be left to call a vault.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::unlock::{Accept, AcceptedRollback, Unlock, open_db, open_with};
use crate::Vault;
use crate::anchor::Anchor;
use crate::db::{Batch, Db, Space};
use crate::doors::Doors;
use crate::error::{Damage, DiskError, RepairError, UnlockError};
use crate::files::{self, VaultPaths};
use crate::index::IndexRow;
use crate::journal::{self, Aside};
use crate::key_page::KeyPage;
use crate::keys::{Digest, VaultKeys};
use crate::lock::OwnerLock;
use crate::record::contact::ContactId;
use crate::record::{self};
use crate::row::conversation::{ContactRow, Conversation, PAGE, read_numbered};
use crate::row::head::VaultHead;
use crate::row::{self, Key, Row, Table};
use crate::tx::mend::Mended;
use crate::vault::read::inbox_key;

/// So many records are written at a time.
const BATCH: usize = 1000;

/// What became of a vault that was to be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// There was nothing to mend.
    Whole,
    /// The owner did not agree; nothing was changed.
    Declined,
    /// It opens and reads whole again.
    Mended(Repaired),
}

/// What mending a vault cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repaired {
    /// Set when the vault was older than it should be, or nobody can tell.
    pub rollback: Option<AcceptedRollback>,
    /// Messages that are lost; each keeps its place as a deleted one.
    pub messages: u64,
    /// Items that were on their way and are lost.
    pub outbox: u64,
    /// Inbox entries that are lost: messages that nobody may have taken out yet.
    pub inbox: u64,
    /// Contacts that are lost with everything of theirs.
    pub contacts: u64,
    /// Records of other kinds that do not open, or blocks of the database that cannot be read.
    pub unread: u64,
    /// Where the damaged database is, sealed as it was; `None` when it was not replaced.
    pub kept_in: Option<PathBuf>,
}

impl Vault {
    /// Mends what can be mended, once `agree` has been told what is wrong and said yes.
    ///
    /// `now_ms` is when messages that are lost count as deleted, Unix time in milliseconds.
    ///
    /// # Errors
    ///
    /// [`RepairError`]: the vault is as it was, or, when a disk failed meanwhile, as far as
    /// it got; the damaged database is kept in any case.
    pub fn repair(
        paths: &VaultPaths,
        unlock: Unlock<'_>,
        now_ms: u64,
        agree: &mut dyn FnMut(&[String]) -> bool,
    ) -> Result<Repair, RepairError> {
        let (findings, trusted) = match Self::unlock(paths, unlock) {
            Ok(vault) => {
                let found = vault.findings();
                vault.close()?;
                (found, true)
            }
            Err(
                error @ (UnlockError::RolledBack { .. }
                | UnlockError::NoAnchor { .. }
                | UnlockError::Damaged(_)
                | UnlockError::Engine(_)),
            ) => (vec![error.to_string()], false),
            Err(error) => return Err(error.into()),
        };
        if findings.is_empty() {
            return Ok(Repair::Whole);
        }
        if !agree(&findings) {
            return Ok(Repair::Declined);
        }
        let mut done = Repaired::default();
        // An older vault may be whole in itself.
        let older = match trusted {
            true => None,
            false => Self::unlock_accepting_rollback(paths, unlock).ok(),
        };
        let mut vault = match older {
            Some((vault, rollback)) if vault.findings().is_empty() => {
                done.rollback = rollback;
                vault
            }
            other => {
                let opened = other.map(|(vault, rollback)| {
                    done.rollback = rollback;
                    vault.close()
                });
                opened.transpose()?;
                let suspect = rewrite(paths, unlock, &mut done)?;
                let accept = Accept {
                    older: true,
                    torn: false,
                    suspect,
                };
                let (vault, rollback) = open_with(paths, unlock, accept)?;
                done.rollback = rollback.or(done.rollback);
                vault
            }
        };
        vault.mend(now_ms, &mut done)?;
        let left = vault.findings();
        vault.close()?;
        match left.into_iter().next() {
            None => Ok(Repair::Mended(done)),
            Some(problem) => Err(RepairError::Left(problem)),
        }
    }

    /// Everything that a check finds wrong.
    fn findings(&self) -> Vec<String> {
        match self.check() {
            Ok(report) => report.problems,
            Err(error) => vec![error.to_string()],
        }
    }

    /// Puts something sound in the place of each record that is lost.
    fn mend(&mut self, now_ms: u64, done: &mut Repaired) -> Result<(), RepairError> {
        let ids: Vec<ContactId> = self.peers().keys().copied().collect();
        for id in ids {
            let mut tx = self.begin();
            let Mended { messages, outbox } = tx.mend_contact(id, now_ms)?;
            tx.commit_over()?;
            done.messages += messages;
            done.outbox += outbox;
        }
        let mut tx = self.begin();
        done.inbox += tx.mend_inbox()?;
        tx.commit_over()?;
        self.drop_index()?;
        Ok(())
    }
}

/// Writes all that can be read into a new database and puts it in the place of the old one.
///
/// Says whether the mutable records are other than those of the last commit.
fn rewrite(
    paths: &VaultPaths,
    unlock: Unlock<'_>,
    done: &mut Repaired,
) -> Result<bool, RepairError> {
    let lock = Arc::new(OwnerLock::take(&paths.lock())?);
    let doors = Doors::read(&paths.head())?;
    let keys = VaultKeys::of(&unlock.data_key(&doors)?);
    let anchor_at = Anchor::read(&paths.anchor(), &doors.vault_id, &keys.anchor)?;
    let (_, halves) = KeyPage::open(paths, doors.vault_id, &keys.key_page)?;
    if halves.iter().all(Option::is_none) {
        let what = "neither keys.page nor keys.copy opens, and with them no message";
        return Err(UnlockError::Damaged(Damage { what }).into());
    }
    let aside = Aside::put(&paths.vault)?;
    let old = open_db(paths, aside.is_some())?;
    let fresh = paths.vault.join("db.new");
    files::remove_tree(&fresh)?;
    let new = Db::create(&fresh)?;
    let mut survivors = Survivors::of(&old, &keys)?;
    let suspect = survivors.suspect();
    let mut head = survivors.head.unwrap_or(VaultHead::first());
    head.commit = head
        .commit
        .max(survivors.newest)
        .max(anchor_at.unwrap_or(0));
    (head.mutable, head.log) = Default::default();
    done.contacts += survivors.complete(&keys, head.commit);
    done.unread += survivors.unread;

    let mut batch = Batch::default();
    for (key, row) in &survivors.rows {
        let version = row::version_of(&row.value).ok_or(UNREAD)?;
        head.mutable.add(&keys.mutable_mark(key, version));
        batch.mutable.push((*key, Some(row.value.clone())));
    }
    new.commit(std::mem::take(&mut batch))?;
    let blocks = survivors.index_blocks(&keys);
    done.unread += old.salvage(Space::Log, |key, value| -> Result<(), RepairError> {
        if blocks.contains(key) {
            return Ok(());
        }
        head.log.add(&keys.log_mark(key));
        batch.log.push((*key, Some(value.to_vec())));
        if batch.log.len() >= BATCH {
            new.commit(std::mem::take(&mut batch))?;
        }
        Ok(())
    })?;
    if survivors.head.is_none() {
        // Nobody knows what was taken out already: as if all of it was, for nothing comes twice.
        let newest = (1..=survivors.most_messages())
            .rev()
            .find(|number| {
                matches!(
                    old.contains(Space::Log, &inbox_key(&keys, *number)),
                    Ok(true)
                )
            })
            .unwrap_or(0);
        (head.inbox_next, head.inbox_cursor) = (newest + 1, newest);
    }
    let rng = &mut rand::rng();
    let (key, value) =
        row::seal_mutable(&keys, Table::Head, &[], head.commit, &head.to_bytes(), rng);
    batch.mutable.push((key, Some(value)));
    new.commit(batch)?;
    let flushed = new.flush()?;
    new.close()?;
    old.close()?;
    if flushed {
        journal::truncate(&fresh)?;
    }
    files::sync_tree(&fresh)?;
    if let Some(aside) = aside {
        aside.restore()?;
    }
    done.kept_in = Some(exchange(paths, &fresh)?);
    drop(lock);
    Ok(suspect)
}

const UNREAD: Damage = Damage {
    what: "a record cannot be read",
};

/// Puts `fresh` in the place of the database and the database into a directory of its own.
fn exchange(paths: &VaultPaths, fresh: &Path) -> Result<PathBuf, DiskError> {
    let names = (1u32..).map(|n| paths.vault.join(format!("damaged-{n}")));
    let kept = names
        .into_iter()
        .find(|path| !path.exists())
        .unwrap_or_else(|| paths.vault.join("damaged"));
    let db = paths.db();
    renameat_with(CWD, &db, CWD, fresh, RenameFlags::EXCHANGE)
        .map_err(|error| DiskError::at("exchange", &db)(error.into()))?;
    files::sync_dir(&paths.vault)?;
    fs::rename(fresh, &kept).map_err(DiskError::at("keep", fresh))?;
    files::sync_dir(&paths.vault)?;
    Ok(kept)
}

/// A mutable record that opens.
struct Survivor {
    table: Table,
    /// Whose it is, if it belongs to a contact.
    contact: Option<ContactId>,
    value: Vec<u8>,
}

/// All of them.
#[derive(Default)]
struct Survivors {
    head: Option<VaultHead>,
    rows: BTreeMap<Key, Survivor>,
    digest: Digest,
    newest: u64,
    contacts: BTreeSet<ContactId>,
    conversations: BTreeMap<ContactId, Conversation>,
    index: IndexRow,
    /// Behind the highest page and the highest queue of a contact.
    ends: BTreeMap<ContactId, (u64, u64)>,
    unread: u64,
}

impl Survivors {
    fn of(db: &Db, keys: &VaultKeys) -> Result<Self, RepairError> {
        let mut survivors = Self::default();
        let unread = db.salvage(Space::Mutable, |key, value| {
            survivors.take(keys, key, value);
            Ok::<_, RepairError>(())
        })?;
        survivors.unread += unread;
        Ok(survivors)
    }

    fn take(&mut self, keys: &VaultKeys, key: &Key, value: &[u8]) {
        let opened = row::open_mutable(keys, key, value).ok();
        if opened
            .and_then(|row| self.sort(keys, key, value, &row))
            .is_none()
        {
            self.unread += 1;
        }
    }

    fn sort(&mut self, keys: &VaultKeys, key: &Key, value: &[u8], row: &Row) -> Option<()> {
        if row.table == Table::Head {
            self.head = Some(VaultHead::from_bytes(&row.body)?);
            return Some(());
        }
        let contact = match row.table {
            Table::Contact | Table::Conversation | Table::Session | Table::Indexed => {
                Some(ContactId(row.id.as_slice().try_into().ok()?))
            }
            Table::Page | Table::Queue => Some(read_numbered(&row.id)?.0),
            _ => None,
        };
        match (row.table, contact) {
            (Table::Contact, Some(id)) => {
                record::decode::<ContactRow>(&row.body)?;
                self.contacts.insert(id);
            }
            (Table::Conversation, Some(id)) => {
                self.conversations.insert(id, record::decode(&row.body)?);
            }
            (Table::Page | Table::Queue, Some(id)) => {
                let (_, number) = read_numbered(&row.id)?;
                let (pages, queues) = self.ends.entry(id).or_default();
                let end = if row.table == Table::Page {
                    pages
                } else {
                    queues
                };
                *end = number.checked_add(1)?.max(*end);
            }
            (Table::Index, _) => self.index = record::decode(&row.body)?,
            _ => {}
        }
        self.digest.add(&keys.mutable_mark(key, row.version));
        self.newest = self.newest.max(row.version);
        let survivor = Survivor {
            table: row.table,
            contact,
            value: value.to_vec(),
        };
        self.rows.insert(*key, survivor);
        Some(())
    }

    /// Whether these are other than the records of the last commit.
    fn suspect(&self) -> bool {
        self.head
            .is_none_or(|head| self.digest != head.mutable || self.newest > head.commit)
    }

    /// The rows of a vault that opens: without the search index, without what belonged to
    /// lost contacts, and with counters for every contact. Says how many contacts are lost.
    fn complete(&mut self, keys: &VaultKeys, commit: u64) -> u64 {
        let contacts = &self.contacts;
        let mut lost = BTreeSet::new();
        self.rows.retain(|_, row| {
            let orphan = row.contact.filter(|id| !contacts.contains(id));
            lost.extend(orphan);
            orphan.is_none()
                && !matches!(row.table, Table::Index | Table::IndexKeys | Table::Indexed)
        });
        let suspect = self.suspect();
        for id in contacts {
            let (pages, queues) = self.ends.get(id).copied().unwrap_or_default();
            let stored = self.conversations.get(id).copied();
            if stored.is_some() && !suspect {
                continue;
            }
            // Older counters may have come up: behind these, mending counts on by itself.
            let mut counters = stored.unwrap_or(Conversation::NEW);
            counters.next_seq = counters.next_seq.max(pages.saturating_sub(1) * PAGE + 1);
            counters.outbox_next = counters.outbox_next.max(queues * PAGE + 1);
            let body = record::encode(&counters);
            let rng = &mut rand::rng();
            let table = Table::Conversation;
            let (key, value) = row::seal_mutable(keys, table, &id.0, commit, &body, rng);
            let row = Survivor {
                table,
                contact: Some(*id),
                value,
            };
            self.rows.insert(key, row);
        }
        lost.len() as u64
    }

    /// The names of the search index's blocks, which are left behind.
    fn index_blocks(&self, keys: &VaultKeys) -> BTreeSet<Key> {
        let segments = self.index.segments.iter();
        segments
            .flat_map(|segment| segment.block_keys(keys))
            .collect()
    }

    /// No inbox can have more entries than this.
    fn most_messages(&self) -> u64 {
        let pages: u64 = self.ends.values().map(|(pages, _)| *pages).sum();
        (pages + 1) * PAGE
    }
}

//! The open vault.
//!
//! ```text
//!   VaultPaths ──create──► Vault ◄──unlock── VaultPaths
//!                            │ begin
//!                            ▼
//!                            Tx ──commit──► Vault         dropping a Tx changes nothing
//! ```
//! The commit protocol, in order, each step on disk before the next:
//!
//! ```text
//!   1  key page: next generation of slot keys into the idle half    (only if a secret changes)
//!   2  database: every record and the head, one batch
//!   3  anchor:   the commit's number                                (synced when settling)
//! ```
//! After a crash the head tells which half of the key page counts. After an
//! error in 1 or 2 nothing more is written until the vault is reopened: what is
//! on disk then decides.

pub(crate) mod check;
mod create;
mod erase;
#[cfg(test)]
mod erasure;
mod password;
pub(crate) mod read;
pub(crate) mod repair;
mod search;
pub(crate) mod unlock;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::anchor::Anchor;
use crate::db::{Batch, Db, Space};
use crate::error::{CommitError, CompactError, Damage, ReadError, SettleError};
use crate::files::VaultPaths;
use crate::index::Index;
use crate::journal;
use crate::key_page::{KeyPage, Slot, SlotKeys};
use crate::keys::VaultKeys;
use crate::lock::OwnerLock;
use crate::record::contact::ContactId;
use crate::row::conversation::{ContactRow, Conversation};
use crate::row::head::VaultHead;
use crate::row::indexed::Indexed;
use crate::row::{self, Key, Row, Table};
use crate::tx::Tx;
use zeroize::Zeroizing;

/// Longest journal that an idle vault keeps, in bytes: some 0.1 s of reading for the next one
/// who opens it, if this one is killed.
const JOURNAL_MOST: u64 = 16 * 1024 * 1024;

/// The open vault: the one owner of its directory until dropped or closed.
pub struct Vault {
    // Declared, and so dropped, before the lock that guards it.
    db: Option<Db>,
    paths: VaultPaths,
    keys: VaultKeys,
    page: KeyPage,
    anchor: Anchor,
    slots: SlotKeys,
    head: VaultHead,
    peers: BTreeMap<ContactId, Peer>,
    index: Index,
    /// A write failed: no more are tried.
    stopped: bool,
    /// Readable records were removed, so closing compacts.
    removed: bool,
    _lock: Arc<OwnerLock>,
}

/// What is kept in memory of each contact.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) row: ContactRow,
    pub(crate) conversation: Conversation,
    pub(crate) indexed: Indexed,
}

impl Peer {
    /// Numbers of the messages that no segment of the search index has seen.
    pub(crate) fn tail(&self) -> std::ops::Range<u64> {
        let first = self.indexed.to.max(self.conversation.first_seq);
        first..self.conversation.next_seq.max(first)
    }
}

/// One message that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxEntry {
    /// Its number in the inbox, counting from 1 and never reused.
    pub number: u64,
    /// From whom.
    pub contact: ContactId,
    /// Its number in the conversation.
    pub seq: u64,
}

/// Changes to commit, sealed only when the commit has its number and keys.
#[derive(Default)]
pub(crate) struct Changes {
    /// Slots that get a fresh key.
    pub(crate) renew: Vec<Slot>,
    pub(crate) mutable: Vec<Change>,
    /// Sealed already: log records do not depend on the commit.
    pub(crate) log: Vec<(Key, Option<Vec<u8>>)>,
    /// Log records that are written over: the digest has them already. Only a repair does that.
    pub(crate) over: BTreeSet<Key>,
}

/// A change to one mutable record; no body removes it.
pub(crate) struct Change {
    pub(crate) table: Table,
    pub(crate) id: Vec<u8>,
    pub(crate) body: Option<Zeroizing<Vec<u8>>>,
    /// The slot whose key seals the body, for secret records.
    pub(crate) secret: Option<Slot>,
}

impl Vault {
    /// Starts a transaction. Dropping it changes nothing.
    pub fn begin(&mut self) -> Tx<'_> {
        Tx::new(self)
    }

    /// Where this vault lives.
    #[must_use]
    pub fn paths(&self) -> &VaultPaths {
        &self.paths
    }

    /// How many commits this vault has seen.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.head.commit
    }

    /// Whether every key that commits destroyed is gone from the disk.
    #[must_use]
    pub fn settled(&self) -> bool {
        self.page.settled()
    }

    /// Destroys superseded slot keys now, and syncs the anchor. Call it when idle.
    ///
    /// Without it they go with the next commit that changes a secret.
    ///
    /// # Errors
    ///
    /// [`SettleError`]: the keys may still be on disk.
    pub fn settle(&mut self) -> Result<(), SettleError> {
        if self.stopped {
            return Err(SettleError::Stopped);
        }
        let rng = &mut rand::rng();
        let commit = self.head.commit;
        self.page
            .settle(&self.slots, commit, &self.keys.key_page, rng)?;
        self.anchor.sync(commit, &self.keys.anchor, rng)?;
        Ok(())
    }

    /// Takes deleted messages out of the search index, destroys superseded keys, and rewrites the
    /// database without what was overwritten or removed. The journal empties when the vault closes.
    ///
    /// # Errors
    ///
    /// [`CompactError`]; what was done until then stands.
    pub fn compact(&mut self) -> Result<(), CompactError> {
        while self.index_status().stale {
            self.index_step(usize::MAX, usize::MAX)?;
        }
        self.settle()?;
        let flush = || -> Result<bool, SettleError> {
            let flushed = self.db().flush()?;
            if flushed {
                self.db().compact(Space::Mutable)?;
                self.db().compact(Space::Log)?;
            }
            Ok(flushed)
        };
        if !flush()? {
            return Err(CompactError::Busy);
        }
        Ok(())
    }

    /// Begins with an empty journal if more than 16 MiB went into it, so that opening after a
    /// crash stays fast. Call it when idle: the database is closed and opened for that. Says
    /// whether it was.
    ///
    /// # Errors
    ///
    /// [`SettleError`]; nothing committed is lost. If the database does not open again, every
    /// later call fails.
    pub fn shorten_journal(&mut self) -> Result<bool, SettleError> {
        if self.db().journal() < JOURNAL_MOST {
            return Ok(false);
        }
        self.settle()?;
        if !self.db().flush()? {
            return Ok(false);
        }
        let path = self.paths.db();
        self.stopped = true;
        if let Some(db) = &mut self.db {
            db.reopen(&path, || Ok::<_, SettleError>(journal::truncate(&path)?))?;
        }
        self.stopped = false;
        Ok(true)
    }

    /// Settles, empties the journal and closes. Dropping a vault does the same, and tells nobody of errors.
    ///
    /// # Errors
    ///
    /// [`SettleError`]; the vault is closed all the same, and nothing committed is lost.
    pub fn close(mut self) -> Result<(), SettleError> {
        self.shut()
    }

    fn shut(&mut self) -> Result<(), SettleError> {
        let settled = self.settle();
        let Some(db) = self.db.take() else {
            return settled;
        };
        let flushed = match settled {
            Ok(()) => self.flush(&db),
            Err(error) => Err(error),
        };
        db.close()?;
        if flushed? {
            journal::truncate(&self.paths.db())?;
        }
        Ok(())
    }

    fn flush(&self, db: &Db) -> Result<bool, SettleError> {
        let flushed = db.flush()?;
        if flushed && self.removed {
            db.compact(Space::Mutable)?;
        }
        Ok(flushed)
    }

    pub(crate) fn db(&self) -> &Db {
        self.db.as_ref().expect("open until it is closed")
    }

    pub(crate) fn keys(&self) -> &VaultKeys {
        &self.keys
    }

    pub(crate) fn head(&self) -> &VaultHead {
        &self.head
    }

    pub(crate) fn peers(&self) -> &BTreeMap<ContactId, Peer> {
        &self.peers
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    pub(crate) fn index_mut(&mut self) -> &mut Index {
        &mut self.index
    }

    pub(crate) fn peers_mut(&mut self) -> &mut BTreeMap<ContactId, Peer> {
        &mut self.peers
    }

    /// Reads one mutable record.
    pub(crate) fn row(&self, table: Table, id: &[u8]) -> Result<Option<Row>, ReadError> {
        let key = self.keys.name(table, id);
        match self.db().get(Space::Mutable, &key)? {
            Some(value) => Ok(Some(row::open_mutable(&self.keys, &key, &value)?)),
            None => Ok(None),
        }
    }

    /// Reads the body of one secret record.
    pub(crate) fn secret(
        &self,
        table: Table,
        id: &[u8],
        slot: Slot,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        let Some(row) = self.row(table, id)? else {
            return Ok(None);
        };
        let key = self.slots.key(slot).ok_or(SLOT_DAMAGE)?;
        Ok(Some(row::open_secret(&key, &row).ok_or(SLOT_DAMAGE)?))
    }

    /// Commits `changes` with a head whose inbox numbers are given: see the top of this file.
    pub(crate) fn apply(
        &mut self,
        changes: Changes,
        inbox_next: u64,
        inbox_cursor: u64,
    ) -> Result<(), CommitError> {
        if self.stopped {
            return Err(CommitError::Stopped);
        }
        let rng = &mut rand::rng();
        let commit = self.head.commit + 1;
        let slots = (!changes.renew.is_empty()).then(|| self.slots.renewed(&changes.renew, rng));
        let current = slots.as_ref().unwrap_or(&self.slots);

        let mut head = VaultHead {
            commit,
            generation: current.generation,
            inbox_next,
            inbox_cursor,
            ..self.head
        };
        let mut batch = Batch::default();
        let mut removed = false;
        for change in changes.mutable {
            let key = self.keys.name(change.table, &change.id);
            let old = self.db().get(Space::Mutable, &key)?;
            if let Some(old) = &old {
                let version = row::version_of(old).ok_or(Damage {
                    what: "a record that is to be overwritten cannot be read",
                })?;
                head.mutable.remove(&self.keys.mutable_mark(&key, version));
            }
            let Some(body) = change.body else {
                if old.is_some() {
                    removed |= matches!(change.table, Table::Contact | Table::Setting);
                    batch.mutable.push((key, None));
                }
                continue;
            };
            let sealed = match change.secret {
                Some(slot) => {
                    let slot_key = current.key(slot).ok_or(SLOT_DAMAGE)?;
                    Zeroizing::new(row::seal_secret(
                        &slot_key,
                        change.table,
                        &change.id,
                        commit,
                        &body,
                        rng,
                    ))
                }
                None => body,
            };
            let (key, value) =
                row::seal_mutable(&self.keys, change.table, &change.id, commit, &sealed, rng);
            head.mutable.add(&self.keys.mutable_mark(&key, commit));
            batch.mutable.push((key, Some(value)));
        }
        for (key, value) in changes.log {
            let mark = self.keys.log_mark(&key);
            match value {
                Some(_) if changes.over.contains(&key) => {}
                Some(_) => head.log.add(&mark),
                None => head.log.remove(&mark),
            }
            batch.log.push((key, value));
        }
        let (key, value) =
            row::seal_mutable(&self.keys, Table::Head, &[], commit, &head.to_bytes(), rng);
        batch.mutable.push((key, Some(value)));

        // From here on an error leaves the disk in one of two states that only reopening tells apart.
        self.stopped = true;
        if let Some(slots) = &slots {
            self.page.write(slots, commit, &self.keys.key_page, rng)?;
        }
        self.db().commit(batch)?;
        self.stopped = false;

        self.head = head;
        self.removed |= removed;
        if let Some(slots) = slots {
            self.slots = slots;
        }
        // The commit stands whatever becomes of the anchor; settling reports an anchor that cannot be written.
        let _ = self.anchor.write(commit, &self.keys.anchor, rng);
        Ok(())
    }
}

pub(crate) const SLOT_DAMAGE: Damage = Damage {
    what: "a secret record does not open under its slot key",
};

impl Drop for Vault {
    fn drop(&mut self) {
        // Nothing committed depends on it; see `close` for a caller who wants to know.
        let _ = self.shut();
    }
}

/// Tells the state, never the contents.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("commits", &self.head.commit)
            .field("stopped", &self.stopped)
            .finish_non_exhaustive()
    }
}

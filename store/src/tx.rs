//! One change to the vault: everything in it is committed together, or nothing.
//!
//! A transaction collects changes in memory and sees its own: two messages
//! appended in one transaction have two numbers. Nothing touches the disk before
//! [`Tx::commit`], so an error or a drop leaves the vault as it was.

mod conversation;
pub(crate) mod mend;
mod outbox;
mod removal;

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use crate::db::Space;
use crate::error::{CommitError, ReadError, TxError};
use crate::index::{Gone, INDEX_SLOT};
use crate::key_page::{SLOTS, Slot};
use crate::record::contact::{Contact, ContactId};
use crate::record::{self, MAX_SESSION, MAX_SETTING, MAX_SHORT, at_most};
use crate::row::conversation::{ContactRow, Conversation, numbered};
use crate::row::indexed::Indexed;
use crate::row::page::Page;
use crate::row::queue::Queue;
use crate::row::{Key, Table};
use crate::vault::{Change, Changes, Peer, Vault};

/// One change to the vault, being put together.
pub struct Tx<'v> {
    vault: &'v mut Vault,
    peers: BTreeMap<ContactId, Staged>,
    settings: BTreeMap<String, Option<Zeroizing<Vec<u8>>>>,
    log: BTreeMap<Key, Option<Vec<u8>>>,
    inbox_next: u64,
    inbox_cursor: u64,
}

enum Staged {
    Present(Box<StagedPeer>),
    /// Its pages and queues, by table and number.
    Removed(Box<Peer>, Vec<(Table, u64)>),
}

/// A contact as this transaction leaves it.
struct StagedPeer {
    peer: Peer,
    contact_changed: bool,
    conversation_changed: bool,
    indexed_changed: bool,
    /// Something was deleted: no older copy of a page or queue may open again.
    rekey: bool,
    session: Option<Option<Zeroizing<Vec<u8>>>>,
    pages: BTreeMap<u64, Page>,
    /// Pages of which no message is left.
    dropped: BTreeSet<u64>,
    queues: BTreeMap<u64, Queue>,
}

impl StagedPeer {
    fn of(peer: Peer) -> Self {
        Self {
            peer,
            contact_changed: false,
            conversation_changed: false,
            indexed_changed: false,
            rekey: false,
            session: None,
            pages: BTreeMap::new(),
            dropped: BTreeSet::new(),
            queues: BTreeMap::new(),
        }
    }
}

impl<'v> Tx<'v> {
    pub(crate) fn new(vault: &'v mut Vault) -> Self {
        let (inbox_next, inbox_cursor) = (vault.head().inbox_next, vault.head().inbox_cursor);
        Self {
            vault,
            peers: BTreeMap::new(),
            settings: BTreeMap::new(),
            log: BTreeMap::new(),
            inbox_next,
            inbox_cursor,
        }
    }

    /// The vault as it was before this transaction.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        self.vault
    }

    /// Adds a contact, or replaces what is known of one. Draw a new id for someone who was
    /// removed: inbox entries of the old one may still name it.
    ///
    /// # Errors
    ///
    /// [`TxError::TooManyContacts`], [`TxError::TooLong`].
    pub fn put_contact(&mut self, contact: &Contact) -> Result<(), TxError> {
        contact.check()?;
        let id = contact.id;
        let known = self.peers.contains_key(&id) || self.vault.peers().contains_key(&id);
        if known {
            let staged = self.staged(id)?;
            staged.peer.row.contact = contact.clone();
            staged.contact_changed = true;
            return Ok(());
        }
        let [session_slot, conversation_slot] =
            self.free_slots().ok_or(TxError::TooManyContacts {
                limit: (SLOTS - 1) / 2,
            })?;
        let mut staged = StagedPeer::of(Peer {
            row: ContactRow {
                contact: contact.clone(),
                session_slot,
                conversation_slot,
            },
            conversation: Conversation::NEW,
            indexed: Indexed::default(),
        });
        staged.contact_changed = true;
        staged.conversation_changed = true;
        self.peers.insert(id, Staged::Present(Box::new(staged)));
        Ok(())
    }

    /// Saves the session with a contact; no copy of the session it replaces opens again.
    ///
    /// # Errors
    ///
    /// [`TxError::UnknownContact`], [`TxError::TooLong`].
    pub fn save_session(&mut self, id: ContactId, session: &[u8]) -> Result<(), TxError> {
        at_most(session.len(), MAX_SESSION, "the session")?;
        self.staged(id)?.session = Some(Some(Zeroizing::new(session.to_vec())));
        Ok(())
    }

    /// Drops the session with a contact.
    ///
    /// # Errors
    ///
    /// [`TxError::UnknownContact`].
    pub fn remove_session(&mut self, id: ContactId) -> Result<(), TxError> {
        self.staged(id)?.session = Some(None);
        Ok(())
    }

    /// Sets a setting.
    ///
    /// # Errors
    ///
    /// [`TxError::TooLong`]: names up to 1024 bytes, values up to 1 MiB.
    pub fn put_setting(&mut self, name: &str, value: &[u8]) -> Result<(), TxError> {
        at_most(name.len(), MAX_SHORT, "the setting's name")?;
        at_most(value.len(), MAX_SETTING, "the setting's value")?;
        let value = Zeroizing::new(value.to_vec());
        self.settings.insert(name.to_owned(), Some(value));
        Ok(())
    }

    /// Removes a setting, if it was there.
    ///
    /// # Errors
    ///
    /// [`TxError::TooLong`], as [`Tx::put_setting`].
    pub fn remove_setting(&mut self, name: &str) -> Result<(), TxError> {
        at_most(name.len(), MAX_SHORT, "the setting's name")?;
        self.settings.insert(name.to_owned(), None);
        Ok(())
    }

    /// Notes that inbox entries up to `number` were taken out.
    pub fn set_inbox_cursor(&mut self, number: u64) {
        self.inbox_cursor = number;
    }

    /// Commits everything; when this returns, it is on disk.
    ///
    /// # Errors
    ///
    /// [`CommitError`]: after reopening the vault, all of it is there or nothing is.
    pub fn commit(self) -> Result<(), CommitError> {
        self.commit_with(BTreeSet::new())
    }

    /// [`Tx::commit`] where log records may be written that are there already.
    pub(crate) fn commit_over(self) -> Result<(), CommitError> {
        let mut over = BTreeSet::new();
        for key in self
            .log
            .iter()
            .filter_map(|(key, value)| value.as_ref().map(|_| key))
        {
            if self.vault.db().contains(Space::Log, key)? {
                over.insert(*key);
            }
        }
        self.commit_with(over)
    }

    fn commit_with(self, over: BTreeSet<Key>) -> Result<(), CommitError> {
        let Self {
            vault,
            peers,
            settings,
            log,
            inbox_next,
            inbox_cursor,
        } = self;
        let mut changes = Changes {
            over,
            ..Changes::default()
        };
        for (id, staged) in &peers {
            match staged {
                Staged::Present(staged) => staged.changes(*id, vault, &mut changes)?,
                Staged::Removed(peer, numbers) => {
                    removal::changes(*id, peer, numbers, &mut changes)
                }
            }
        }
        for (name, value) in settings {
            changes.mutable.push(Change {
                table: Table::Setting,
                id: name.into_bytes(),
                body: value,
                secret: None,
            });
        }
        let mut index = vault.index().row.clone();
        if !index.segments.is_empty() {
            let removed = peers
                .iter()
                .filter(|(_, staged)| matches!(staged, Staged::Removed(..)));
            index.gone.extend(removed.map(|(contact, _)| Gone {
                contact: *contact,
                before: index.next,
            }));
        }
        let index_changed = index.gone.len() != vault.index().row.gone.len();
        if index_changed {
            changes.mutable.push(Change {
                table: Table::Index,
                id: Vec::new(),
                body: Some(record::encode(&index)),
                secret: None,
            });
        }
        changes.log = log.into_iter().collect();
        let inbox_unchanged =
            (inbox_next, inbox_cursor) == (vault.head().inbox_next, vault.head().inbox_cursor);
        if changes.mutable.is_empty() && changes.log.is_empty() && inbox_unchanged {
            return Ok(());
        }
        vault.apply(changes, inbox_next, inbox_cursor)?;
        vault.index_mut().row = index;
        for (id, staged) in peers {
            match staged {
                Staged::Present(staged) => vault.peers_mut().insert(id, staged.peer),
                Staged::Removed(..) => vault.peers_mut().remove(&id),
            };
        }
        Ok(())
    }

    /// The contact as this transaction has it so far.
    fn staged(&mut self, id: ContactId) -> Result<&mut StagedPeer, TxError> {
        use std::collections::btree_map::Entry;
        let staged = match self.peers.entry(id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let peer = self.vault.peers().get(&id).ok_or(TxError::UnknownContact)?;
                entry.insert(Staged::Present(Box::new(StagedPeer::of(peer.clone()))))
            }
        };
        match staged {
            Staged::Present(staged) => Ok(staged),
            Staged::Removed(..) => Err(TxError::Removed),
        }
    }

    /// A log value as this transaction has it.
    fn log_value(&self, key: &Key) -> Result<Option<Vec<u8>>, ReadError> {
        match self.log.get(key) {
            Some(staged) => Ok(staged.clone()),
            None => self.vault.log_value(key),
        }
    }

    /// Takes a log record out: the one this transaction put in, or the one in the database.
    fn remove_log(&mut self, key: Key) -> Result<(), ReadError> {
        if self.vault.db().contains(Space::Log, &key)? {
            self.log.insert(key, None);
        } else {
            self.log.remove(&key);
        }
        Ok(())
    }

    /// Two slots that no contact has, those removed in this transaction included.
    fn free_slots(&self) -> Option<[Slot; 2]> {
        let mut free = vec![true; SLOTS];
        if let Some(place) = free.get_mut(usize::from(INDEX_SLOT)) {
            *place = false;
        }
        let staged = self.peers.values().map(|staged| match staged {
            Staged::Present(staged) => &staged.peer,
            Staged::Removed(peer, _) => peer,
        });
        for peer in self.vault.peers().values().chain(staged) {
            for slot in [peer.row.session_slot, peer.row.conversation_slot] {
                if let Some(place) = free.get_mut(usize::from(slot)) {
                    *place = false;
                }
            }
        }
        let mut slots = (0..)
            .zip(free)
            .filter_map(|(slot, free)| free.then_some(slot));
        Some([slots.next()?, slots.next()?])
    }
}

impl StagedPeer {
    /// What changed, as changes to records.
    fn changes(&self, id: ContactId, vault: &Vault, out: &mut Changes) -> Result<(), ReadError> {
        let row = &self.peer.row;
        if self.contact_changed {
            out.mutable.push(Change {
                table: Table::Contact,
                id: id.0.to_vec(),
                body: Some(record::encode(row)),
                secret: None,
            });
        }
        if self.conversation_changed {
            out.mutable.push(Change {
                table: Table::Conversation,
                id: id.0.to_vec(),
                body: Some(record::encode(&self.peer.conversation)),
                secret: None,
            });
        }
        if self.indexed_changed {
            out.mutable.push(Change {
                table: Table::Indexed,
                id: id.0.to_vec(),
                body: Some(record::encode(&self.peer.indexed)),
                secret: None,
            });
        }
        if let Some(session) = &self.session {
            out.renew.push(row.session_slot);
            out.mutable.push(Change {
                table: Table::Session,
                id: id.0.to_vec(),
                body: session.clone(),
                secret: Some(row.session_slot),
            });
        }
        let slot = row.conversation_slot;
        let mut secret = |table, number, body| {
            out.mutable.push(Change {
                table,
                id: numbered(&id, number),
                body,
                secret: Some(slot),
            });
        };
        for (number, page) in &self.pages {
            secret(Table::Page, *number, Some(page.to_bytes()));
        }
        for number in &self.dropped {
            secret(Table::Page, *number, None);
        }
        for (number, queue) in &self.queues {
            let body = (!queue.is_empty()).then(|| queue.to_bytes());
            secret(Table::Queue, *number, body);
        }
        if self.rekey {
            let conversation = &self.peer.conversation;
            let kept = conversation
                .pages()
                .filter(|number| !self.pages.contains_key(number));
            for number in kept {
                let page = vault
                    .page(&self.peer, number)?
                    .ok_or(crate::vault::SLOT_DAMAGE)?;
                secret(Table::Page, number, Some(page.to_bytes()));
            }
            let kept = conversation
                .queues()
                .filter(|number| !self.queues.contains_key(number));
            for number in kept {
                let queue = vault.queue(&self.peer, number)?;
                let body = (!queue.is_empty()).then(|| queue.to_bytes());
                secret(Table::Queue, number, body);
            }
            out.renew.push(slot);
        }
        Ok(())
    }
}

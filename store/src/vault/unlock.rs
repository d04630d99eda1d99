//! Opening a vault: through one of its doors, and only if every check holds.
//!
//! ```text
//!   lock ─► door ─► anchor ─► journal aside ─► database ─► verify ─► Vault
//!                                                 │           │
//!                                                 ▼           ▼
//!                                              refused: journal put back, nothing changed
//! ```
//! Verifying opens every mutable record, recomputes the digest that the head
//! seals, and holds the head against the anchor and the key page. Log records
//! are found by counters in mutable records and authenticated when read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use solo2_crypto::secret::Secret;

use super::{Change, Changes, Peer, SLOT_DAMAGE};
use crate::Vault;
use crate::anchor::Anchor;
use crate::db::{self, Db, Space};
use crate::doors::Doors;
use crate::error::{CommitError, Damage, ReadError, UnlockError};
use crate::files::{self, VaultPaths};
use crate::index::{INDEX_SLOT, Index, IndexRow};
use crate::journal::Aside;
use crate::key_page::{Halves, KeyPage, SLOTS, SlotKeys};
use crate::keys::{Digest, VaultKeys};
use crate::lock::OwnerLock;
use crate::record::contact::ContactId;
use crate::record::{self};
use crate::row::conversation::{ContactRow, Conversation, read_numbered};
use crate::row::head::VaultHead;
use crate::row::indexed::Indexed;
use crate::row::{self, Table};
use crate::threads;

/// What opens a vault.
#[derive(Clone, Copy)]
pub enum Unlock<'a> {
    /// The password.
    Password(&'a str),
    /// The entropy of the 24 words.
    Entropy(&'a Secret<32>),
    /// The secret that this device keeps.
    Device(&'a Secret<32>),
}

impl Unlock<'_> {
    pub(crate) fn data_key(self, doors: &Doors) -> Result<Secret<32>, UnlockError> {
        match self {
            Self::Password(password) => doors.by_entropy(&doors.entropy(password)?),
            Self::Entropy(entropy) => doors.by_entropy(entropy),
            Self::Device(secret) => doors.by_device(secret),
        }
    }
}

/// What accepting an older vault cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedRollback {
    /// The commit the vault stood at.
    pub vault_at: u64,
    /// The highest commit the anchor saw; `None` when there was no anchor.
    pub anchor_at: Option<u64>,
    /// Contacts whose sessions were dropped: they must handshake again.
    pub sessions_dropped: Vec<ContactId>,
    /// Contacts whose history cannot be opened any more.
    pub conversations_lost: Vec<ContactId>,
}

impl Vault {
    /// Opens a vault, if it is whole and the newest there was.
    ///
    /// # Errors
    ///
    /// [`UnlockError`]; [`UnlockError::advice`] says what to do about it. Nothing was changed.
    pub fn unlock(paths: &VaultPaths, unlock: Unlock<'_>) -> Result<Self, UnlockError> {
        open_with(paths, unlock, Accept::default()).map(|(vault, _)| vault)
    }

    /// Opens a vault that is older than its anchor, or has none, and drops every session in it.
    ///
    /// An old ratchet would use its keys twice, so none survives this. A vault that is
    /// the newest opens as with [`Vault::unlock`] and loses nothing.
    ///
    /// # Errors
    ///
    /// [`UnlockError`], as [`Vault::unlock`] but for the age of the vault.
    pub fn unlock_accepting_rollback(
        paths: &VaultPaths,
        unlock: Unlock<'_>,
    ) -> Result<(Self, Option<AcceptedRollback>), UnlockError> {
        let accept = Accept {
            older: true,
            ..Accept::default()
        };
        open_with(paths, unlock, accept)
    }
}

/// What is let pass.
#[derive(Clone, Copy, Default)]
pub(crate) struct Accept {
    /// A vault that is older than its anchor, or has none.
    pub(crate) older: bool,
    /// A journal whose last write came down in part. Without a copy of it, nothing may be cut off.
    pub(crate) torn: bool,
    /// Nothing: whatever its number says, the vault counts as an older one.
    pub(crate) suspect: bool,
}

/// Opens a vault, if it is whole but for what is accepted.
pub(crate) fn open_with(
    paths: &VaultPaths,
    unlock: Unlock<'_>,
    accept: Accept,
) -> Result<(Vault, Option<AcceptedRollback>), UnlockError> {
    let mut doors = None;
    if !paths.head().is_file() {
        // Before a lock file is made where no vault is.
        doors = Some(Doors::read(&paths.head())?);
    }
    for dir in [&paths.vault, &paths.files(), &paths.state] {
        if dir.is_dir() {
            let mode = files::mode(dir)?;
            if mode & 0o077 != 0 {
                return Err(UnlockError::Permissions {
                    path: dir.clone(),
                    mode,
                });
            }
        }
    }
    // Held here as well, so that a refusal puts the journal back before anyone else comes in.
    let lock = Arc::new(OwnerLock::take(&paths.lock())?);
    let doors = match doors {
        Some(doors) => doors,
        None => Doors::read(&paths.head())?,
    };
    let keys = VaultKeys::of(&unlock.data_key(&doors)?);
    let anchor_at = Anchor::read(&paths.anchor(), &doors.vault_id, &keys.anchor)?;
    let aside = Aside::put(&paths.vault)?;
    let accept = Accept {
        torn: aside.is_some(),
        ..accept
    };
    match open_verified(paths, &doors, keys, anchor_at, Arc::clone(&lock), accept) {
        Ok(opened) => {
            if let Some(aside) = aside {
                aside.discard()?;
            }
            let (mut vault, rollback) = opened;
            // Vaults from before there were files have none.
            files::create_private_dir(&paths.files())?;
            vault.finish_opening(anchor_at)?;
            let accepted = match rollback {
                Some(found) => Some(vault.drop_sessions(found, anchor_at)?),
                None => None,
            };
            Ok((vault, accepted))
        }
        Err(error) => {
            if let Some(aside) = aside {
                aside.restore()?;
            }
            Err(error)
        }
    }
}

/// Opens the database; a torn end of its journal may be cut off.
pub(crate) fn open_db(paths: &VaultPaths, torn: bool) -> Result<Db, UnlockError> {
    match Db::open(&paths.db()) {
        // Head and anchor tell whether it was more than the end of a write that nobody was told of.
        Err(_) if torn && db::cut_torn_tail(&paths.db())? => Ok(Db::open(&paths.db())?),
        opened => Ok(opened?),
    }
}

/// What an older vault holds that may not open.
struct Found {
    vault_at: u64,
    secrets: Vec<SecretName>,
}

/// Which secret record, and under which database key.
struct SecretName {
    table: Table,
    contact: ContactId,
    id: Vec<u8>,
}

fn open_verified(
    paths: &VaultPaths,
    doors: &Doors,
    keys: VaultKeys,
    anchor_at: Option<u64>,
    lock: Arc<OwnerLock>,
    accept: Accept,
) -> Result<(Vault, Option<Found>), UnlockError> {
    let (mut page, halves) = match KeyPage::open(paths, doors.vault_id, &keys.key_page) {
        Ok(opened) => opened,
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => {
            return Err(UnlockError::Damaged(Damage {
                what: "keys.page and keys.copy are missing",
            }));
        }
        Err(error) => return Err(error.into()),
    };
    let db = open_db(paths, accept.torn)?;
    let scan = Scan::of(&db, &keys)?;
    let mut head = scan.verified_head()?;
    let fresh = !accept.suspect && anchor_at.is_some_and(|anchor_at| head.commit >= anchor_at);
    let vault_at = head.commit;
    let slots = if fresh {
        page.pick(halves, head.generation).ok_or(Damage {
            what: "neither keys.page nor keys.copy fits the database",
        })?
    } else if accept.older {
        head.commit = head.commit.max(anchor_at.unwrap_or(0));
        best_slots(halves, head.generation)
    } else {
        return Err(match anchor_at {
            Some(anchor_at) => UnlockError::RolledBack {
                vault_at,
                anchor_at,
            },
            None => UnlockError::NoAnchor {
                path: paths.anchor(),
            },
        });
    };
    let secrets = scan.secrets;
    let peers = assemble(scan.contacts, scan.conversations, scan.indexed)?;
    let index = scan.index.unwrap_or_default();
    let anchor = Anchor::open(&paths.anchor(), doors.vault_id, anchor_at)?;
    let mut vault = Vault {
        db: Some(db),
        paths: paths.clone(),
        keys,
        page,
        anchor,
        slots,
        head,
        peers,
        index: Index::default(),
        stopped: false,
        removed: false,
        _lock: lock,
    };
    vault.load_index(index)?;
    Ok((vault, (!fresh).then_some(Found { vault_at, secrets })))
}

/// Slot keys for an older database: those of its generation, else the newest there are.
///
/// Their generation is set so that the next one is newer than any on disk and
/// goes to the other half.
fn best_slots(halves: Halves, generation: u64) -> SlotKeys {
    let newest = halves.iter().flatten().map(|half| half.generation).max();
    let next = newest.unwrap_or(0).max(generation) + 1;
    let best = halves
        .into_iter()
        .flatten()
        .max_by_key(|half| (half.generation == generation, half.generation));
    match best {
        Some(mut slots) => {
            let same_half = next % 2 == slots.generation % 2;
            slots.generation = if same_half { next } else { next - 1 };
            slots
        }
        None => SlotKeys::random(next, &mut rand::rng()),
    }
}

/// Everything mutable in the database, read once.
#[derive(Default)]
struct Scan {
    head: Option<VaultHead>,
    digest: Digest,
    newest: u64,
    contacts: Vec<ContactRow>,
    conversations: BTreeMap<ContactId, Conversation>,
    secrets: Vec<SecretName>,
    index: Option<IndexRow>,
    indexed: BTreeMap<ContactId, Indexed>,
}

impl Scan {
    fn of(db: &Db, keys: &VaultKeys) -> Result<Self, UnlockError> {
        let parts: Vec<u8> = (0..db::PARTS).collect();
        let scans = threads::share(&parts, |part| {
            let mut scan = Self::default();
            db.scan_part(Space::Mutable, *part, |key, value| {
                scan.take(keys, key, value)
            })?;
            Ok::<_, UnlockError>(scan)
        });
        let mut whole = Self::default();
        for scan in scans {
            whole.join(scan?);
        }
        Ok(whole)
    }

    /// Takes in what was found in another part.
    fn join(&mut self, mut other: Self) {
        self.head = self.head.or(other.head);
        self.digest.join(&other.digest);
        self.newest = self.newest.max(other.newest);
        self.contacts.append(&mut other.contacts);
        self.conversations.append(&mut other.conversations);
        self.secrets.append(&mut other.secrets);
        self.index = self.index.take().or(other.index);
        self.indexed.append(&mut other.indexed);
    }

    fn take(&mut self, keys: &VaultKeys, key: &[u8], value: &[u8]) -> Result<(), UnlockError> {
        const UNREADABLE: Damage = Damage {
            what: "a record cannot be read",
        };
        let row = row::open_mutable(keys, key, value)?;
        if row.table == Table::Head {
            let head = VaultHead::from_bytes(&row.body).ok_or(UNREADABLE)?;
            if head.commit != row.version {
                return Err(UNREADABLE.into());
            }
            self.head = Some(head);
            return Ok(());
        }
        // It lies under its own name, or it would not have opened.
        let key = key.try_into().map_err(|_| UNREADABLE)?;
        self.digest.add(&keys.mutable_mark(&key, row.version));
        self.newest = self.newest.max(row.version);
        match row.table {
            Table::Contact => {
                let contact: ContactRow = record::decode(&row.body).ok_or(UNREADABLE)?;
                if row.id != contact.contact.id.0 || self.contacts.len() >= SLOTS {
                    return Err(UNREADABLE.into());
                }
                self.contacts.push(contact);
            }
            Table::Conversation => {
                let id = ContactId(row.id.as_slice().try_into().map_err(|_| UNREADABLE)?);
                let conversation = record::decode(&row.body).ok_or(UNREADABLE)?;
                self.conversations.insert(id, conversation);
            }
            Table::Index => self.index = Some(record::decode(&row.body).ok_or(UNREADABLE)?),
            Table::Indexed => {
                let id = ContactId(row.id.as_slice().try_into().map_err(|_| UNREADABLE)?);
                let indexed: Indexed = record::decode(&row.body).ok_or(UNREADABLE)?;
                let Indexed {
                    to,
                    apart,
                    again,
                    dead,
                } = &indexed;
                if ![apart, again, dead]
                    .iter()
                    .all(|numbers| numbers.is_sound(*to))
                {
                    return Err(UNREADABLE.into());
                }
                self.indexed.insert(id, indexed);
            }
            Table::Session => {
                let contact = ContactId(row.id.as_slice().try_into().map_err(|_| UNREADABLE)?);
                self.secrets.push(SecretName {
                    table: row.table,
                    contact,
                    id: row.id,
                });
            }
            Table::Page | Table::Queue => {
                let (contact, _) = read_numbered(&row.id).ok_or(UNREADABLE)?;
                self.secrets.push(SecretName {
                    table: row.table,
                    contact,
                    id: row.id,
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn verified_head(&self) -> Result<VaultHead, UnlockError> {
        let head = self.head.ok_or(Damage {
            what: "the database has no head",
        })?;
        if self.digest != head.mutable || self.newest > head.commit {
            return Err(UnlockError::Damaged(Damage {
                what: "records are missing or older than the last commit left them",
            }));
        }
        Ok(head)
    }
}

/// Puts contacts and conversations together and checks that no two share a slot.
fn assemble(
    contacts: Vec<ContactRow>,
    mut conversations: BTreeMap<ContactId, Conversation>,
    mut indexed: BTreeMap<ContactId, Indexed>,
) -> Result<BTreeMap<ContactId, Peer>, UnlockError> {
    const INCOMPLETE: Damage = Damage {
        what: "a contact is incomplete",
    };
    let mut used = BTreeSet::from([INDEX_SLOT]);
    let mut peers = BTreeMap::new();
    for row in contacts {
        for slot in [row.session_slot, row.conversation_slot] {
            if usize::from(slot) >= SLOTS || !used.insert(slot) {
                return Err(INCOMPLETE.into());
            }
        }
        let id = row.contact.id;
        let conversation = conversations.remove(&id).ok_or(INCOMPLETE)?;
        let indexed = indexed.remove(&id).unwrap_or_default();
        if indexed.to > conversation.next_seq {
            return Err(INCOMPLETE.into());
        }
        let peer = Peer {
            row,
            conversation,
            indexed,
        };
        peers.insert(id, peer);
    }
    if conversations.is_empty() && indexed.is_empty() {
        Ok(peers)
    } else {
        Err(INCOMPLETE.into())
    }
}

impl Vault {
    /// Puts the index together. A key that is missing makes its segment a damaged one, which
    /// searches name and a rebuilt index mends; nothing else depends on it.
    fn load_index(&mut self, row: IndexRow) -> Result<(), ReadError> {
        let keys = match self.secret(Table::IndexKeys, &[], INDEX_SLOT) {
            Ok(keys) => keys,
            Err(ReadError::Damaged(_)) => None,
            Err(error) => return Err(error),
        };
        self.index = Index::of(row, keys.as_deref().map(Vec::as_slice));
        Ok(())
    }

    /// Heals what a crash left: the anchor one commit behind, destroyed keys in the idle half.
    fn finish_opening(&mut self, anchor_at: Option<u64>) -> Result<(), UnlockError> {
        let rng = &mut rand::rng();
        let commit = self.head.commit;
        if anchor_at.is_some_and(|anchor_at| anchor_at < commit) {
            self.anchor.sync(commit, &self.keys.anchor, rng)?;
        }
        if self.page.any_current() {
            self.page
                .settle(&self.slots, commit, &self.keys.key_page, rng)?;
        }
        Ok(())
    }

    /// Makes an older vault safe to go on with: no session survives, and a commit newer than any seen says so.
    fn drop_sessions(
        &mut self,
        found: Found,
        anchor_at: Option<u64>,
    ) -> Result<AcceptedRollback, UnlockError> {
        let lost = self.unreadable(&found)?;
        let mut sessions = BTreeSet::new();
        let mut changes = Changes::default();
        self.index_dropped(&mut changes);
        for secret in found.secrets {
            let drop = match secret.table {
                Table::Session => sessions.insert(secret.contact),
                _ => lost.contains(&secret.contact),
            };
            if drop {
                changes.mutable.push(Change {
                    table: secret.table,
                    id: secret.id,
                    body: None,
                    secret: None,
                });
            }
        }
        for (id, peer) in &mut self.peers {
            changes.renew.push(peer.row.session_slot);
            if lost.contains(id) {
                changes.renew.push(peer.row.conversation_slot);
                peer.conversation.forget();
                changes.mutable.push(Change {
                    table: Table::Conversation,
                    id: id.0.to_vec(),
                    body: Some(record::encode(&peer.conversation)),
                    secret: None,
                });
            }
        }
        let (next, cursor) = (self.head.inbox_next, self.head.inbox_cursor);
        self.apply(changes, next, cursor)
            .map_err(|error| match error {
                CommitError::Disk(disk) => UnlockError::Disk(disk),
                CommitError::Engine(engine) => UnlockError::Engine(engine),
                CommitError::Damaged(damage) => UnlockError::Damaged(damage),
                CommitError::Stopped => UnlockError::Damaged(SLOT_DAMAGE),
            })?;
        self.forget_index();
        let commit = self.head.commit;
        let rng = &mut rand::rng();
        self.page
            .settle(&self.slots, commit, &self.keys.key_page, rng)?;
        self.anchor.sync(commit, &self.keys.anchor, rng)?;
        files::sync_dir(&self.paths.state)?;
        Ok(AcceptedRollback {
            vault_at: found.vault_at,
            anchor_at,
            sessions_dropped: sessions.into_iter().collect(),
            conversations_lost: lost.into_iter().collect(),
        })
    }

    /// Contacts with pages or queues that the slot keys at hand do not open.
    fn unreadable(&self, found: &Found) -> Result<BTreeSet<ContactId>, UnlockError> {
        let mut lost = BTreeSet::new();
        for secret in &found.secrets {
            let Some(peer) = self.peers.get(&secret.contact) else {
                continue;
            };
            let slot = peer.row.conversation_slot;
            if secret.table == Table::Session || lost.contains(&secret.contact) {
                continue;
            }
            let Some(row) = self.row(secret.table, &secret.id)? else {
                continue;
            };
            let opens = self
                .slots
                .key(slot)
                .is_some_and(|key| row::open_secret(&key, &row).is_some());
            if !opens {
                lost.insert(secret.contact);
            }
        }
        Ok(lost)
    }
}

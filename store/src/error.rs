//! What can go wrong, one enum per operation.
//!
//! Split by blame: the caller's input, the disk, the database engine, damage to
//! the files, and a vault that is older than it was. No error holds a secret.

use std::io;
use std::path::{Path, PathBuf};

use crate::doors::VERSION;

/// The operating system refused something the vault needs.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {source}", path.display())]
pub struct DiskError {
    pub(crate) doing: &'static str,
    pub(crate) path: PathBuf,
    #[source]
    pub(crate) source: io::Error,
}

impl DiskError {
    /// For `map_err`: what was being done, and to which path.
    pub(crate) fn at(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self {
            doing,
            path,
            source,
        }
    }

    /// Whether the disk had no room left.
    #[must_use]
    pub fn is_full(&self) -> bool {
        is_full(&self.source)
    }
}

pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Bytes on disk are not what the vault wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Damage {
    pub(crate) what: &'static str,
}

/// The database engine refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No room left; the engine accepts no more writes until it is reopened.
    #[error("the disk is full: make room, then reopen the vault")]
    DiskFull,
    /// A write failed earlier and the engine stopped, to be safe.
    #[error("the database stopped after a failed write: check disk space, then reopen the vault")]
    Stopped,
    /// Another process has the database open without holding our lock.
    #[error("another process has the database open")]
    Locked,
    /// Its files are damaged beyond what it could read.
    #[error("the database cannot {doing}: {detail}")]
    Broken {
        /// What was being done.
        doing: &'static str,
        /// The engine's own words: checksums and file names, never contents.
        detail: String,
    },
    /// It panicked on what it read; the panic was contained.
    #[error("the database gave up while trying to {doing}")]
    Panicked {
        /// What was being done.
        doing: &'static str,
    },
}

/// Why no vault was created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Something is there already; nothing was touched.
    #[error("{} exists already", path.display())]
    Exists {
        /// Where the vault was to be.
        path: PathBuf,
    },
    /// This machine cannot pay the password's cost.
    #[error(transparent)]
    Password(solo2_crypto::wrap::WrapError),
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The database refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What was just written could not be opened.
    #[error("the new vault does not open: {0}")]
    Unlock(#[source] Box<UnlockError>),
}

/// Why a vault stays locked.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// There is no vault here.
    #[error("there is no vault at {}", path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Another process owns the vault.
    #[error("the vault is in use{}", match pid { Some(pid) => format!(" by process {pid}"), None => String::new() })]
    Busy {
        /// The owner, as it wrote itself down.
        pid: Option<u32>,
    },
    /// Others could read the vault's directory.
    #[error("{} is open to other users (mode {mode:o}); it must be 700", path.display())]
    Permissions {
        /// The directory.
        path: PathBuf,
        /// Its mode bits.
        mode: u32,
    },
    /// Or the password's door is damaged: the two look alike on purpose.
    #[error("wrong password")]
    WrongPassword,
    /// These are not the words of this vault.
    #[error("these words do not open this vault")]
    WrongWords,
    /// This device secret is not the one this vault knows.
    #[error("this device's secret does not open this vault")]
    WrongDeviceSecret,
    /// No device secret was ever set.
    #[error("this vault has no device secret")]
    NoDeviceSecret,
    /// The password's door cannot be tried on this machine.
    #[error("the password cannot be checked: {0}")]
    PasswordCost(#[source] solo2_crypto::wrap::WrapError),
    /// An older copy of the vault was put in place, or its last commits were lost.
    #[error(
        "the vault is older than it was: it stands at commit {vault_at}, commit {anchor_at} was seen"
    )]
    RolledBack {
        /// Where the vault stands.
        vault_at: u64,
        /// The highest commit that the anchor saw.
        anchor_at: u64,
    },
    /// The anchor is gone, so nothing tells whether this copy is the newest.
    #[error("nothing tells whether this copy of the vault is the newest: {} is missing or damaged", path.display())]
    NoAnchor {
        /// Where the anchor belongs.
        path: PathBuf,
    },
    /// A later version of this program wrote it.
    #[error(
        "a later version of this program wrote the vault: its format is {version}, {VERSION} is the latest known here"
    )]
    Newer {
        /// The format's number.
        version: u8,
    },
    /// The files are damaged.
    #[error("the vault is damaged: {0}")]
    Damaged(#[from] Damage),
    /// The database refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl UnlockError {
    /// What the owner can do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "create one, or point at the directory that holds it",
            Self::Busy { .. } => "ask that process, or end it and try again",
            Self::Permissions { .. } => "make the directory private: chmod 700",
            Self::WrongPassword => "try again, or use the 24 words",
            Self::WrongWords => {
                "check the order of the words and whose vault this is; without the words and the \
                 password nobody can open it"
            }
            Self::WrongDeviceSecret | Self::NoDeviceSecret => "use the password or the 24 words",
            Self::PasswordCost(_) => "free some memory, or use the 24 words",
            Self::RolledBack { .. } => {
                "put the newest copy back; or accept the older one: messages since then are gone \
                 and every contact's session starts anew"
            }
            Self::NoAnchor { .. } => {
                "if you moved the vault here, accept it: every contact's session starts anew"
            }
            Self::Newer { .. } => "nothing was changed; install that version, or a later one",
            Self::Damaged(_) | Self::Engine(_) => {
                "nothing was changed; check the disk, then restore a backup"
            }
            Self::Disk(_) => "check the disk and its permissions",
        }
    }
}

/// Why a door was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The vault did not open by what was given.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// A device secret opens the data but does not know the words' entropy.
    #[error("a password can only be changed with the old password or the 24 words")]
    NeedsPasswordOrWords,
    /// This machine cannot pay the new password's cost.
    #[error(transparent)]
    Cost(solo2_crypto::wrap::WrapError),
    /// The new head could not be written; the old one stands.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why a record was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A record is missing or does not open.
    #[error("the vault is damaged: {0}")]
    Damaged(#[from] Damage),
    /// A block of the search index is missing, does not open or makes no sense.
    #[error("the search index is damaged: segment {segment}, {part} block {block}")]
    Index {
        /// Number of the segment.
        segment: u64,
        /// Which part of it.
        part: &'static str,
        /// Number of the block in that part.
        block: u32,
    },
    /// The database failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What an error that counts the blocks becomes where nobody counts.
const INDEX_DAMAGE: Damage = Damage {
    what: "a block of the search index is missing, does not open or makes no sense",
};

/// Why a change was not taken into the transaction; what was taken before stays in it.
#[derive(Debug, thiserror::Error)]
pub enum TxError {
    /// No such contact.
    #[error("unknown contact")]
    UnknownContact,
    /// This contact was removed earlier in the same transaction.
    #[error("the contact was removed in this transaction")]
    Removed,
    /// The key page has no free slots.
    #[error("no room for more contacts: {limit} at most")]
    TooManyContacts {
        /// How many there can be.
        limit: usize,
    },
    /// The conversation has a message of this id already.
    #[error("the message is stored already")]
    Duplicate {
        /// Where.
        seq: u64,
    },
    /// No such message.
    #[error("unknown message")]
    UnknownMessage,
    /// No such item in the outbox.
    #[error("unknown outbox item")]
    UnknownOutboxItem,
    /// One message takes a bounded number of amendments.
    #[error("too many amendments to one message")]
    TooManyAmendments,
    /// A field is longer than the vault takes.
    #[error("{what} is too long")]
    TooLong {
        /// Which.
        what: &'static str,
    },
    /// What the change builds on could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why a transaction was not committed. On reopening, it is there whole or not at all.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// An earlier commit failed; this one was not tried.
    #[error("an earlier write failed: check disk space, then reopen the vault")]
    Stopped,
    /// The key page could not be written; nothing was committed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The database failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What is to be overwritten could not be read; nothing was committed.
    #[error("the vault is damaged: {0}")]
    Damaged(#[from] Damage),
}

impl From<ReadError> for CommitError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged(damage) => Self::Damaged(damage),
            ReadError::Index { .. } => Self::Damaged(INDEX_DAMAGE),
            ReadError::Engine(engine) => Self::Engine(engine),
        }
    }
}

impl From<ReadError> for UnlockError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged(damage) => Self::Damaged(damage),
            ReadError::Index { .. } => Self::Damaged(INDEX_DAMAGE),
            ReadError::Engine(engine) => Self::Engine(engine),
        }
    }
}

/// Why superseded keys are still on disk.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// An earlier commit failed, so the key page is left as it is.
    #[error("an earlier write failed: check disk space, then reopen the vault")]
    Stopped,
    /// The key page or the anchor could not be written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The database could not be flushed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Why a vault was not compacted to the end.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    /// The search index could not be written anew.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// Keys could not be destroyed, or the database could not be rewritten.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The database did not get its memory to disk in time.
    #[error("the database is busy: try again")]
    Busy,
}

/// Why a vault was not mended. The damaged database is kept in any case.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// It does not open, and not for damage that can be mended.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// A record could not be taken over.
    #[error(transparent)]
    Tx(#[from] TxError),
    /// A change could not be committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The vault could not be closed.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// It was mended as far as can be, and this is left.
    #[error("the vault is still damaged: {0}")]
    Left(String),
}

impl From<DiskError> for RepairError {
    fn from(error: DiskError) -> Self {
        Self::Unlock(error.into())
    }
}

impl From<EngineError> for RepairError {
    fn from(error: EngineError) -> Self {
        Self::Unlock(error.into())
    }
}

impl From<Damage> for RepairError {
    fn from(damage: Damage) -> Self {
        Self::Unlock(damage.into())
    }
}

//! The vault: everything Solo2 keeps on this machine, sealed.
//!
//! [`Vault`] answers reads; [`Tx`] is the only way to change anything, and the
//! only way to save a session: whatever belongs together is committed together
//! or not at all. What overwrites a secret record also destroys the key that
//! opened the old one.
//!
//! ```text
//!   vault/               0700, one owner at a time (vault.lock)
//!     vault.head         the doors: password, words, device secret -> data key
//!     keys.page          slot keys of secret records, rewritten in place
//!     keys.copy          their other half, and once settled a copy
//!     db/                opaque keys, sealed values
//!     files/             sealed files that belong to messages
//!   state/               outside the vault
//!     vault.anchor       highest commit seen: an older copy of vault/ is refused
//! ```
//!
//! Networks, sessions and clocks are not this crate's business: times are
//! arguments, session states are bytes.
//! Spec: docs/protocol/5-vault.md.

mod anchor;
mod bytes;
mod db;
mod doors;
mod error;
mod files;
mod index;
mod journal;
mod key_page;
mod keys;
mod label;
mod lock;
mod record;
mod row;
mod search;
mod threads;
mod tx;
mod vault;

pub use error::{
    CommitError, CompactError, CreateError, Damage, DiskError, EngineError, PasswordError,
    ReadError, RepairError, SettleError, TxError, UnlockError,
};
pub use files::{VaultPaths, destroy_file};
pub use index::{IndexStatus, IndexStep};
pub use record::amendment::{Amendment, Amendments, DeliveryState};
pub use record::contact::{Contact, ContactId, Trust};
pub use record::file::{Kept, StoredFile};
pub use record::message::{Kind, Message};
pub use record::outbox::OutboxItem;
pub use search::{Filter, Hit, Query, QueryError};
pub use tx::Tx;
pub use vault::check::Report;
pub use vault::repair::{Repair, Repaired};
pub use vault::unlock::{AcceptedRollback, Unlock};
pub use vault::{InboxEntry, Vault};

/// What one guess at the vault's password costs; see [`Vault::create_with`].
pub use solo2_crypto::wrap::Params as PasswordCost;

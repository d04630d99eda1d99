//! The order in which a conversation is told, where it is not that of its numbers.
//!
//! Messages out of an archive come behind those that were there, however old they are.
//! Where time goes backwards from one message to the next, a new *stretch* begins; within
//! one, numbers and times ascend together:
//!
//! ```text
//!   number   1 … 40 │ 41 … 900 │ 901 …        stretches of the setting: 41, 901
//!   stored   in May │ in March │ in June
//! ```
//!
//! Spec: docs/protocol/5-vault.md §4, setting `order/`.

use std::collections::VecDeque;

use solo2_store::{ContactId, Tx, TxError, Vault};

use super::core::{Core, order_key};
use super::failure;
use crate::error::Failure;

/// Most stretches of a conversation; what would be a further one belongs to the last.
const MOST: usize = 128;

/// The numbers at which stretches begin, but for the first one.
pub(super) struct Order {
    starts: Vec<u64>,
    /// When the newest message so far was stored.
    newest_ms: u64,
    changed: bool,
}

impl Order {
    /// The order of a conversation as the vault has it.
    pub(super) fn read(vault: &Vault, contact: ContactId) -> Result<Self, Failure> {
        let setting = vault.setting(&order_key(contact));
        let bytes = setting.map_err(|error| failure::read(&error))?;
        let starts = bytes.unwrap_or_default();
        let starts = starts.as_chunks::<8>().0.iter();
        let newest = vault.history(contact, None, 1);
        let newest = newest.map_err(|error| failure::read(&error))?;
        Ok(Self {
            starts: starts.map(|start| u64::from_be_bytes(*start)).collect(),
            newest_ms: newest
                .last()
                .map_or(0, |(_, message, _)| message.stored_at_ms),
            changed: false,
        })
    }

    /// Takes in the next message.
    pub(super) fn note(&mut self, seq: u64, stored_at_ms: u64) {
        if stored_at_ms < self.newest_ms && self.starts.len() < MOST {
            self.starts.push(seq);
            self.changed = true;
        }
        self.newest_ms = stored_at_ms;
    }

    /// Saves what is new of it.
    pub(super) fn save(&self, tx: &mut Tx<'_>, contact: ContactId) -> Result<(), TxError> {
        if !self.changed {
            return Ok(());
        }
        let bytes: Vec<u8> = self
            .starts
            .iter()
            .flat_map(|start| start.to_be_bytes())
            .collect();
        tx.put_setting(&order_key(contact), &bytes)
    }
}

/// A stretch that is read from its end.
pub(super) struct Stretch<T> {
    /// Its first number.
    pub(super) first: u64,
    /// Where reading goes on; `None` at the end of the conversation.
    pub(super) before: Option<u64>,
    /// Whether there is more to read.
    pub(super) open: bool,
    /// What was read, the newest first.
    pub(super) found: VecDeque<T>,
}

impl Core {
    /// The numbers at which a conversation goes back in time.
    pub(super) fn turns(&self, contact: ContactId) -> Result<Vec<u64>, Failure> {
        Ok(Order::read(&self.vault, contact)?.starts)
    }

    /// The stretches of a conversation, none of them read yet.
    pub(super) fn stretches<T>(&self, contact: ContactId) -> Result<Vec<Stretch<T>>, Failure> {
        let starts = Order::read(&self.vault, contact)?.starts;
        let firsts = std::iter::once(0).chain(starts.iter().copied());
        let ends = starts.iter().copied().map(Some).chain([None]);
        Ok(firsts
            .zip(ends)
            .map(|(first, before)| Stretch {
                first,
                before,
                open: true,
                found: VecDeque::new(),
            })
            .collect())
    }
}

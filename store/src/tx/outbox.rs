//! What is on its way to a contact.

use super::Tx;
use crate::error::TxError;
use crate::record::contact::ContactId;
use crate::record::outbox::OutboxItem;
use crate::row::conversation::{PAGE, place};
use crate::row::queue::Queue;
use crate::row::{self};
use crate::vault::read::outbox_key;

impl Tx<'_> {
    /// Puts an item behind all others on their way to a contact; returns its position.
    ///
    /// # Errors
    ///
    /// [`TxError::UnknownContact`], [`TxError::TooLong`].
    pub fn push_outbox(&mut self, id: ContactId, item: &OutboxItem) -> Result<u64, TxError> {
        item.check()?;
        let position = self.staged(id)?.peer.conversation.outbox_next;
        self.write_item(id, position, 1, item)?;
        let staged = self.staged(id)?;
        staged.peer.conversation.outbox_next = position + 1;
        staged.peer.conversation.outbox_len += 1;
        staged.conversation_changed = true;
        Ok(position)
    }

    /// Replaces an item where it stands.
    ///
    /// # Errors
    ///
    /// [`TxError::UnknownOutboxItem`], [`TxError::TooLong`].
    pub fn update_outbox(
        &mut self,
        id: ContactId,
        position: u64,
        item: &OutboxItem,
    ) -> Result<(), TxError> {
        item.check()?;
        let revision = self.revision(id, position)?;
        let key = outbox_key(self.vault.keys(), id, position, revision);
        self.remove_log(key)?;
        let next = revision.checked_add(1).ok_or(TxError::UnknownOutboxItem)?;
        self.write_item(id, position, next, item)
    }

    /// Takes an item out.
    ///
    /// # Errors
    ///
    /// [`TxError::UnknownOutboxItem`].
    pub fn remove_outbox(&mut self, id: ContactId, position: u64) -> Result<(), TxError> {
        let revision = self.revision(id, position)?;
        let key = outbox_key(self.vault.keys(), id, position, revision);
        self.remove_log(key)?;
        let (number, at) = place(position).ok_or(TxError::UnknownOutboxItem)?;
        self.queue(id, number)?.remove(at);
        let conversation = &mut self.staged(id)?.peer.conversation;
        conversation.outbox_len = conversation.outbox_len.saturating_sub(1);
        let moved = conversation.outbox_first == position;
        self.staged(id)?.conversation_changed = true;
        if moved {
            self.advance(id)?;
        }
        Ok(())
    }

    /// Moves the front of the outbox to the first item there is.
    fn advance(&mut self, id: ContactId) -> Result<(), TxError> {
        loop {
            let conversation = self.staged(id)?.peer.conversation;
            if conversation.outbox_len == 0 {
                self.staged(id)?.peer.conversation.outbox_first = conversation.outbox_next;
                return Ok(());
            }
            if conversation.outbox_first >= conversation.outbox_next {
                return Ok(());
            }
            let (number, _) = place(conversation.outbox_first).ok_or(TxError::UnknownOutboxItem)?;
            let front = self.queue(id, number)?.places().map(|(at, _)| at).next();
            let first = match front {
                Some(at) => number * PAGE + at + 1,
                None => (number + 1) * PAGE + 1,
            };
            self.staged(id)?.peer.conversation.outbox_first = first;
            if front.is_some() {
                return Ok(());
            }
        }
    }

    fn write_item(
        &mut self,
        id: ContactId,
        position: u64,
        revision: u32,
        item: &OutboxItem,
    ) -> Result<(), TxError> {
        let (number, at) = place(position).ok_or(TxError::UnknownOutboxItem)?;
        let rng = &mut rand::rng();
        let key = outbox_key(self.vault.keys(), id, position, revision);
        let queue = self.queue(id, number)?;
        queue.set(at, revision, rng);
        let item_key = &queue.get(at).ok_or(TxError::UnknownOutboxItem)?.key;
        let sealed = row::seal_log(item_key, &key, &item.encode(), rng);
        self.log.insert(key, Some(sealed));
        Ok(())
    }

    fn revision(&mut self, id: ContactId, position: u64) -> Result<u32, TxError> {
        let (number, at) = place(position).ok_or(TxError::UnknownOutboxItem)?;
        let item = self.queue(id, number)?.get(at);
        item.map(|item| item.revision)
            .ok_or(TxError::UnknownOutboxItem)
    }

    pub(super) fn queue(&mut self, id: ContactId, number: u64) -> Result<&mut Queue, TxError> {
        let staged = self.staged(id)?;
        if !staged.queues.contains_key(&number) {
            let queue = match self.vault.peers().get(&id) {
                Some(peer) => self.vault.queue(peer, number)?,
                None => Queue::default(),
            };
            self.staged(id)?.queues.insert(number, queue);
        }
        let queues = &mut self.staged(id)?.queues;
        queues.get_mut(&number).ok_or(TxError::UnknownOutboxItem)
    }
}

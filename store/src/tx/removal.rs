//! Removing a contact, or the beginning of a conversation: the slots get new keys, so whatever
//! copy is left is noise.

use super::{Staged, Tx};
use crate::error::{ReadError, TxError};
use crate::record::contact::ContactId;
use crate::row::Table;
use crate::row::conversation::{PAGE, numbered, place};
use crate::vault::read::{self, amendment_log_key, message_id_key, message_log_key, outbox_key};
use crate::vault::{Change, Changes, Peer};

impl Tx<'_> {
    /// Removes a contact with its session, history and outbox.
    ///
    /// # Errors
    ///
    /// [`TxError::UnknownContact`]; [`TxError::Read`] when the history cannot be walked.
    pub fn remove_contact(&mut self, id: ContactId) -> Result<(), TxError> {
        let peer = self.staged(id)?.peer.clone();
        let conversation = peer.conversation;
        let mut numbers = Vec::new();
        for number in conversation.pages() {
            self.page(id, number)?;
            numbers.push((Table::Page, number));
        }
        for seq in conversation.first_seq..conversation.next_seq {
            self.remove_message(id, seq)?;
        }
        for number in conversation.queues() {
            numbers.push((Table::Queue, number));
            let items: Vec<_> = self
                .queue(id, number)?
                .places()
                .map(|(at, item)| (number * PAGE + at + 1, item.revision))
                .collect();
            for (position, revision) in items {
                let key = outbox_key(self.vault.keys(), id, position, revision);
                self.remove_log(key)?;
            }
        }
        // Pages that were dropped and queues that ran empty in this very transaction may lie
        // before the first message and position.
        if let Some(Staged::Present(staged)) = self.peers.get(&id) {
            numbers.extend(staged.dropped.iter().map(|number| (Table::Page, *number)));
            numbers.extend(staged.queues.keys().map(|number| (Table::Queue, *number)));
        }
        numbers.sort_by_key(|(table, number)| (*table as u8, *number));
        numbers.dedup();
        self.peers
            .insert(id, Staged::Removed(Box::new(peer), numbers));
        Ok(())
    }

    /// Deletes every message of a conversation before number `before`, places and all; returns
    /// how many there were. Nothing on disk opens any of them once the vault is settled.
    ///
    /// The keys of the others are written anew, so delete many at a time: some thousands.
    ///
    /// # Errors
    ///
    /// [`TxError::UnknownContact`]; [`TxError::Read`] when the history cannot be walked.
    pub fn forget_messages(&mut self, id: ContactId, before: u64) -> Result<u64, TxError> {
        let mut conversation = self.staged(id)?.peer.conversation;
        let first = conversation.first_seq;
        let before = before.min(conversation.next_seq);
        if before <= first {
            return Ok(0);
        }
        let pages = conversation.pages();
        conversation.forget_before(before);
        let kept = conversation.pages();
        for seq in first..before {
            let (number, at) = place(seq).ok_or(TxError::UnknownMessage)?;
            self.page(id, number)?;
            self.remove_message(id, seq)?;
            if let Some(page) = self.staged(id)?.pages.get_mut(&number)
                && kept.contains(&number)
            {
                page.puncture(at, &mut rand::rng())
                    .ok_or(TxError::Read(read::UNREADABLE.into()))?;
            }
        }
        let staged = self.staged(id)?;
        for number in pages.filter(|number| !kept.contains(number)) {
            staged.pages.remove(&number);
            staged.dropped.insert(number);
        }
        staged.peer.conversation = conversation;
        staged.conversation_changed = true;
        staged.peer.indexed.forgotten(first, before);
        staged.indexed_changed = true;
        staged.rekey = true;
        Ok(before - first)
    }

    fn remove_message(&mut self, id: ContactId, seq: u64) -> Result<(), TxError> {
        let (number, place) = place(seq).ok_or(TxError::UnknownMessage)?;
        let mut gone = Vec::new();
        {
            let page = self.loaded(id, number).ok_or(TxError::UnknownMessage)?;
            let entry = page.entry(place).ok_or(TxError::UnknownMessage)?;
            let keys = self.vault.keys();
            let lookup = |key: &crate::row::Key| self.log_value(key);
            match read::read_message(keys, id, seq, page, place, &lookup) {
                Ok((message, _)) => gone.push(message_id_key(keys, id, &message.id)),
                // A damaged message cannot tell its id; the rest of it can go.
                Err(ReadError::Damaged(_)) => {}
                Err(error) => return Err(error.into()),
            }
            gone.push(message_log_key(keys, id, seq, entry.rewritten));
            for count in 0..entry.amendments {
                gone.push(amendment_log_key(keys, id, seq, entry.rewritten, count));
            }
        }
        for key in gone {
            self.remove_log(key)?;
        }
        Ok(())
    }
}

/// The removal as changes to records.
pub(super) fn changes(id: ContactId, peer: &Peer, numbers: &[(Table, u64)], out: &mut Changes) {
    out.renew.push(peer.row.session_slot);
    out.renew.push(peer.row.conversation_slot);
    let mut remove = |table, id| {
        out.mutable.push(Change {
            table,
            id,
            body: None,
            secret: None,
        });
    };
    for table in [
        Table::Contact,
        Table::Conversation,
        Table::Session,
        Table::Indexed,
    ] {
        remove(table, id.0.to_vec());
    }
    for (table, number) in numbers {
        remove(*table, numbered(&id, *number));
    }
}

//! Removing a contact: the slots get new keys, so whatever copy is left is noise.

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
        // Queues that ran empty in this very transaction may lie before the first position.
        if let Some(Staged::Present(staged)) = self.peers.get(&id) {
            numbers.extend(staged.queues.keys().map(|number| (Table::Queue, *number)));
        }
        numbers.sort_by_key(|(table, number)| (*table as u8, *number));
        numbers.dedup();
        self.peers
            .insert(id, Staged::Removed(Box::new(peer), numbers));
        Ok(())
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

//! Messages and what happens to them.

use super::Tx;
use crate::error::TxError;
use crate::record::amendment::Amendment;
use crate::record::contact::ContactId;
use crate::record::message::Message;
use crate::record::{self};
use crate::row::conversation::{numbered, place};
use crate::row::page::{Page, amendment_key};
use crate::row::{self};
use crate::vault::read::{
    self, MISSING, UNREADABLE, amendment_log_key, inbox_key, message_id_key, message_log_key,
};

impl Tx<'_> {
    /// Appends a message to a conversation, and to the inbox if it came in; returns its number.
    ///
    /// # Errors
    ///
    /// [`TxError::Duplicate`] when the conversation has a message of this id.
    pub fn append_message(&mut self, id: ContactId, message: &Message) -> Result<u64, TxError> {
        let seq = self.append(id, message)?;
        if message.incoming {
            let rng = &mut rand::rng();
            let keys = self.vault.keys();
            let key = inbox_key(keys, self.inbox_next);
            let entry = row::seal_log(&keys.log, &key, &numbered(&id, seq), rng);
            self.log.insert(key, Some(entry));
            self.inbox_next += 1;
        }
        Ok(seq)
    }

    /// Appends a message of an earlier vault and what happened to it there, and leaves the inbox
    /// alone: it is not news. Returns its number.
    ///
    /// Of one that was deleted there ([`Amendment::Deleted`]), only its place, times and states
    /// are stored.
    ///
    /// # Errors
    ///
    /// As [`Tx::append_message`] and [`Tx::amend`].
    pub fn restore_message(
        &mut self,
        id: ContactId,
        message: &Message,
        amendments: &[Amendment],
    ) -> Result<u64, TxError> {
        amendments.iter().try_for_each(Amendment::check)?;
        let deleted = amendments
            .iter()
            .any(|amendment| matches!(amendment, Amendment::Deleted { .. }));
        if !deleted {
            let seq = self.append(id, message)?;
            for amendment in amendments {
                self.append_amendment(id, seq, amendment)?;
            }
            return Ok(seq);
        }
        let seq = self.append(id, &message.without_body())?;
        let stays = |amendment: &&Amendment| {
            matches!(
                amendment,
                Amendment::State { .. } | Amendment::Deleted { .. }
            )
        };
        for amendment in amendments.iter().filter(stays) {
            self.append_amendment(id, seq, amendment)?;
        }
        Ok(seq)
    }

    fn append(&mut self, id: ContactId, message: &Message) -> Result<u64, TxError> {
        message.check()?;
        let index_key = message_id_key(self.vault.keys(), id, &message.id);
        let seq = self.staged(id)?.peer.conversation.next_seq;
        if let Some(value) = self.log_value(&index_key)? {
            let seq = read::read_seq(self.vault.keys(), &index_key, &value)?;
            return Err(TxError::Duplicate { seq });
        }
        let (number, place) = place(seq).ok_or(TxError::UnknownMessage)?;
        let rng = &mut rand::rng();
        let page = self.page(id, number)?;
        if page.len() != place {
            return Err(TxError::Read(MISSING.into()));
        }
        page.push(rng);
        let message_key = page.message_key(place).ok_or(TxError::UnknownMessage)?;
        let rewritten = page.entry(place).ok_or(TxError::UnknownMessage)?.rewritten;
        let keys = self.vault.keys();
        let key = message_log_key(keys, id, seq, rewritten);
        let sealed = row::seal_log(&message_key, &key, &record::encode(message), rng);
        let index = row::seal_log(&keys.log, &index_key, &seq.to_be_bytes(), rng);
        self.log.insert(key, Some(sealed));
        self.log.insert(index_key, Some(index));
        let staged = self.staged(id)?;
        staged.peer.conversation.next_seq = seq + 1;
        staged.conversation_changed = true;
        Ok(seq)
    }

    /// Adds to a message what happened to it.
    ///
    /// [`Amendment::Deleted`] destroys the text: the message keeps its place, its times and
    /// its states; nothing on disk opens the text, its edits, the reactions to it and the key
    /// of its file once the vault is settled. Further copies of it in the outbox go the same way when their item
    /// is removed or rewritten before or in this transaction.
    ///
    /// # Errors
    ///
    /// [`TxError::UnknownMessage`], [`TxError::TooManyAmendments`].
    pub fn amend(&mut self, id: ContactId, seq: u64, amendment: &Amendment) -> Result<(), TxError> {
        amendment.check()?;
        let conversation = self.staged(id)?.peer.conversation;
        if !(conversation.first_seq..conversation.next_seq).contains(&seq) {
            return Err(TxError::UnknownMessage);
        }
        let (number, place) = place(seq).ok_or(TxError::UnknownMessage)?;
        let deletes = matches!(amendment, Amendment::Deleted { .. });
        if deletes {
            let page = self.page(id, number)?;
            if page.entry(place).is_some_and(|entry| entry.rewritten > 0) {
                return Ok(());
            }
            self.erase(id, seq)?;
        }
        let staged = self.staged(id)?;
        staged.indexed_changed |= match amendment {
            Amendment::Deleted { .. } => staged.peer.indexed.deleted(seq),
            Amendment::Edited { .. } => staged.peer.indexed.edited(seq),
            _ => false,
        };
        self.append_amendment(id, seq, amendment)
    }

    pub(super) fn append_amendment(
        &mut self,
        id: ContactId,
        seq: u64,
        amendment: &Amendment,
    ) -> Result<(), TxError> {
        let (number, place) = place(seq).ok_or(TxError::UnknownMessage)?;
        let page = self.page(id, number)?;
        let rewritten = page.entry(place).ok_or(TxError::UnknownMessage)?.rewritten;
        let message_key = page.message_key(place).ok_or(TxError::UnknownMessage)?;
        let count = page
            .count_amendment(place)
            .ok_or(TxError::TooManyAmendments)?;
        let key = amendment_log_key(self.vault.keys(), id, seq, rewritten, count);
        let sealed = row::seal_log(
            &amendment_key(&message_key, count),
            &key,
            &record::encode(amendment),
            &mut rand::rng(),
        );
        self.log.insert(key, Some(sealed));
        Ok(())
    }

    /// Rewrites a message without its text, under a key that was never used before.
    fn erase(&mut self, id: ContactId, seq: u64) -> Result<(), TxError> {
        let (number, place) = place(seq).ok_or(TxError::UnknownMessage)?;
        self.page(id, number)?;
        let (message, amendments, old) = {
            let page = self.loaded(id, number).ok_or(TxError::UnknownMessage)?;
            let lookup = |key: &row::Key| self.log_value(key);
            let keys = self.vault.keys();
            let (message, amendments) = read::read_message(keys, id, seq, page, place, &lookup)?;
            let entry = page.entry(place).ok_or(TxError::UnknownMessage)?;
            let mut old = vec![message_log_key(keys, id, seq, entry.rewritten)];
            old.extend(
                (0..entry.amendments)
                    .map(|count| amendment_log_key(keys, id, seq, entry.rewritten, count)),
            );
            (message, amendments, old)
        };
        for key in old {
            self.remove_log(key)?;
        }
        let rng = &mut rand::rng();
        let page = self.page(id, number)?;
        page.puncture(place, rng)
            .ok_or(UNREADABLE)
            .map_err(read_error)?;
        let message_key = page.message_key(place).ok_or(TxError::UnknownMessage)?;
        let rewritten = page.entry(place).ok_or(TxError::UnknownMessage)?.rewritten;
        let key = message_log_key(self.vault.keys(), id, seq, rewritten);
        let stub = record::encode(&message.without_body());
        let sealed = row::seal_log(&message_key, &key, &stub, rng);
        self.log.insert(key, Some(sealed));
        let staged = self.staged(id)?;
        staged.rekey = true;
        for amendment in &amendments.0 {
            if matches!(amendment, Amendment::State { .. }) {
                self.append_amendment(id, seq, amendment)?;
            }
        }
        Ok(())
    }

    /// A page of this transaction, taken in from the vault or new.
    pub(super) fn page(&mut self, id: ContactId, number: u64) -> Result<&mut Page, TxError> {
        self.staged(id)?;
        if self.loaded(id, number).is_none() {
            let known = self.vault.peers().get(&id);
            let stored = match known {
                Some(peer) => self.vault.page(peer, number)?,
                None => None,
            };
            let page = stored.unwrap_or_else(|| Page::new(&mut rand::rng()));
            self.staged(id)?.pages.insert(number, page);
        }
        let pages = &mut self.staged(id)?.pages;
        pages.get_mut(&number).ok_or(TxError::UnknownMessage)
    }

    pub(super) fn loaded(&self, id: ContactId, number: u64) -> Option<&Page> {
        match self.peers.get(&id)? {
            super::Staged::Present(staged) => staged.pages.get(&number),
            super::Staged::Removed(..) => None,
        }
    }
}

fn read_error(damage: crate::error::Damage) -> TxError {
    TxError::Read(damage.into())
}

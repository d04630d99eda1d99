//! Putting something sound in the place of what does not open any more.
//!
//! A message that is lost becomes one that was deleted: it keeps its number, so that every
//! other keeps its own. Only a repair does this, on a database that can be read throughout.

use super::Tx;
use crate::error::{ReadError, TxError};
use crate::record::amendment::Amendment;
use crate::record::contact::ContactId;
use crate::record::message::{Kind, Message};
use crate::record::{self};
use crate::row::conversation::{PAGE, numbered, place};
use crate::row::page::Page;
use crate::row::queue::Queue;
use crate::row::{self};
use crate::vault::read::{amendment_log_key, inbox_key, message_id_key, message_log_key};

/// What a repair put in the place of what was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mended {
    pub(crate) messages: u64,
    pub(crate) outbox: u64,
}

impl Tx<'_> {
    /// Mends one conversation; `now_ms` is when its lost messages count as deleted.
    pub(crate) fn mend_contact(&mut self, id: ContactId, now_ms: u64) -> Result<Mended, TxError> {
        let mut mended = Mended::default();
        self.mend_counters(id)?;
        let conversation = self.staged(id)?.peer.conversation;
        let mut at_ms = now_ms;
        for number in conversation.pages() {
            let first = (number * PAGE + 1).max(conversation.first_seq);
            let end = ((number + 1) * PAGE + 1).min(conversation.next_seq);
            let peer = self.staged(id)?.peer.clone();
            let stored = match self.vault.page(&peer, number) {
                Ok(page) => page,
                Err(ReadError::Damaged(_)) => None,
                Err(error) => return Err(error.into()),
            };
            let rng = &mut rand::rng();
            let mut page = stored.unwrap_or_else(|| Page::new(rng));
            let wanted = usize::try_from(end - number * PAGE - 1).unwrap_or(0);
            let short = page.len() < wanted;
            while page.len() < wanted {
                page.push(rng);
            }
            if short {
                let staged = self.staged(id)?;
                staged.pages.insert(number, page);
                staged.rekey = true;
            }
            for seq in first..end {
                match self.vault.message(id, seq) {
                    Ok(Some((message, _))) if !short => {
                        at_ms = message.stored_at_ms;
                        self.name_message(id, seq, &message.id)?;
                    }
                    Ok(_) | Err(ReadError::Damaged(_)) => {
                        self.stand_in(id, seq, at_ms, now_ms)?;
                        mended.messages += 1;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        mended.outbox = self.mend_outbox(id)?;
        Ok(mended)
    }

    /// Counts on behind messages that are there: an older counter may have come up again.
    fn mend_counters(&mut self, id: ContactId) -> Result<(), TxError> {
        loop {
            let seq = self.staged(id)?.peer.conversation.next_seq;
            let mut there = false;
            for rewritten in 0..=1 {
                let key = message_log_key(self.vault.keys(), id, seq, rewritten);
                there |= self.log_value(&key)?.is_some();
            }
            if !there {
                return Ok(());
            }
            let staged = self.staged(id)?;
            staged.peer.conversation.next_seq += 1;
            staged.conversation_changed = true;
        }
    }

    /// Makes a message that is there found by its id.
    fn name_message(&mut self, id: ContactId, seq: u64, message: &[u8; 16]) -> Result<(), TxError> {
        if !matches!(self.vault.find_message(id, message), Ok(Some(at)) if at == seq) {
            let keys = self.vault.keys();
            let key = message_id_key(keys, id, message);
            let value = row::seal_log(&keys.log, &key, &seq.to_be_bytes(), &mut rand::rng());
            self.log.insert(key, Some(value));
        }
        Ok(())
    }

    /// A deleted message in the place of a lost one.
    fn stand_in(
        &mut self,
        id: ContactId,
        seq: u64,
        stored_at_ms: u64,
        now_ms: u64,
    ) -> Result<(), TxError> {
        let (number, place) = place(seq).ok_or(TxError::UnknownMessage)?;
        let page = self.page(id, number)?;
        let entry = page.entry(place).ok_or(TxError::UnknownMessage)?;
        let (rewritten, amendments) = (entry.rewritten, entry.amendments);
        let keys = self.vault.keys();
        let mut old = vec![message_log_key(keys, id, seq, rewritten)];
        old.extend((0..amendments).map(|n| amendment_log_key(keys, id, seq, rewritten, n)));
        for key in old {
            self.remove_log(key)?;
        }
        let rng = &mut rand::rng();
        let page = self.page(id, number)?;
        page.puncture(place, rng).ok_or(TxError::UnknownMessage)?;
        let key = page.message_key(place).ok_or(TxError::UnknownMessage)?;
        let rewritten = page.entry(place).ok_or(TxError::UnknownMessage)?.rewritten;
        self.staged(id)?.rekey = true;
        let message = Message {
            id: rand::random(),
            incoming: true,
            sent_at_ms: stored_at_ms,
            stored_at_ms,
            kind: Kind::Text,
            body: String::new(),
            reply_to: None,
            expires_at_ms: None,
            client_id: None,
            route: None,
        };
        let keys = self.vault.keys();
        let log_key = message_log_key(keys, id, seq, rewritten);
        let sealed = row::seal_log(&key, &log_key, &record::encode(&message), rng);
        let id_key = message_id_key(keys, id, &message.id);
        let place = row::seal_log(&keys.log, &id_key, &seq.to_be_bytes(), rng);
        self.log.insert(log_key, Some(sealed));
        self.log.insert(id_key, Some(place));
        self.append_amendment(id, seq, &Amendment::Deleted { at_ms: now_ms })
    }

    /// Takes items that do not open out of the outbox; the session counts them, so it goes along.
    fn mend_outbox(&mut self, id: ContactId) -> Result<u64, TxError> {
        let peer = self.staged(id)?.peer.clone();
        let mut lost = 0;
        let mut left = 0;
        for number in peer.conversation.queues() {
            let queue = match self.vault.queue(&peer, number) {
                Ok(queue) => queue,
                Err(ReadError::Damaged(_)) => Queue::default(),
                Err(error) => return Err(error.into()),
            };
            let positions: Vec<_> = queue
                .places()
                .map(|(at, _)| number * PAGE + at + 1)
                .collect();
            self.staged(id)?.queues.insert(number, queue);
            for position in positions {
                match self.vault.outbox_item(id, position) {
                    Ok(Some(_)) => left += 1,
                    Ok(None) | Err(ReadError::Damaged(_)) => {
                        self.remove_outbox(id, position)?;
                        lost += 1;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        // Those whose very keys are lost are not among the places any more.
        let staged = self.staged(id)?;
        lost += (peer.conversation.outbox_len).saturating_sub(left + lost);
        if staged.peer.conversation.outbox_len != left {
            staged.peer.conversation.outbox_len = left;
            staged.conversation_changed = true;
        }
        if lost > 0 {
            staged.rekey = true;
            staged.session = Some(None);
        }
        Ok(lost)
    }

    /// Entries of the inbox that are lost name nobody from here on, and are passed over.
    pub(crate) fn mend_inbox(&mut self) -> Result<u64, TxError> {
        let mut lost = 0;
        for number in 1..self.inbox_next {
            match self.vault.inbox_entry(number) {
                Ok(_) => {}
                Err(ReadError::Damaged(_)) => {
                    let keys = self.vault.keys();
                    let key = inbox_key(keys, number);
                    let nobody = numbered(&ContactId([0; 16]), 0);
                    let value = row::seal_log(&keys.log, &key, &nobody, &mut rand::rng());
                    self.log.insert(key, Some(value));
                    lost += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(lost)
    }
}

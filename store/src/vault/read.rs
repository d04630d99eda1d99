//! Reading. What a counter says is there and is not is damage, never silence.

use std::collections::HashMap;
use std::ops::Range;

use solo2_crypto::secret::Secret;
use zeroize::Zeroizing;

use crate::db::Space;
use crate::error::{Damage, ReadError};
use crate::keys::VaultKeys;
use crate::record::amendment::{Amendment, Amendments};
use crate::record::contact::{Contact, ContactId};
use crate::record::message::Message;
use crate::record::outbox::OutboxItem;
use crate::record::{self};
use crate::row::conversation::{PAGE, numbered, place};
use crate::row::page::{Page, amendment_key};
use crate::row::queue::Queue;
use crate::row::{self, Key, Table};
use crate::threads;
use crate::vault::{InboxEntry, Peer, Vault};

/// Most that one call returns, whatever the caller asks for.
const MOST: usize = 10_000;
/// Messages that one thread reads by itself.
const STRETCH: u64 = 2 * PAGE;

pub(crate) const MISSING: Damage = Damage {
    what: "a record that should be there is missing",
};
pub(crate) const UNREADABLE: Damage = Damage {
    what: "a record does not open",
};

impl Vault {
    /// Every contact, in the order of their ids.
    pub fn contacts(&self) -> impl Iterator<Item = &Contact> {
        self.peers().values().map(|peer| &peer.row.contact)
    }

    /// One contact.
    #[must_use]
    pub fn contact(&self, id: ContactId) -> Option<&Contact> {
        self.peers().get(&id).map(|peer| &peer.row.contact)
    }

    /// The session with a contact, as it was saved.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the database fails or the record does not open.
    pub fn session(&self, id: ContactId) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        match self.peers().get(&id) {
            Some(peer) => self.secret(Table::Session, &id.0, peer.row.session_slot),
            None => Ok(None),
        }
    }

    /// The last `limit` messages of a conversation before number `before`, newest last.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the database fails, or a message is missing or does not open.
    pub fn history(
        &self,
        id: ContactId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Message, Amendments)>, ReadError> {
        let Some(peer) = self.peers().get(&id) else {
            return Ok(Vec::new());
        };
        let conversation = &peer.conversation;
        let end = before.map_or(conversation.next_seq, |seq| seq.min(conversation.next_seq));
        let start = end
            .saturating_sub(limit.min(MOST) as u64)
            .max(conversation.first_seq);
        let stretches = stretches(start..end);
        let mut found = Vec::new();
        for stretch in threads::share(&stretches, |numbers| self.stretch(peer, numbers.clone())) {
            found.extend(stretch?);
        }
        Ok(found)
    }

    /// Messages that are there, in the order of their numbers.
    fn stretch(
        &self,
        peer: &Peer,
        numbers: Range<u64>,
    ) -> Result<Vec<(u64, Message, Amendments)>, ReadError> {
        let id = peer.row.contact.id;
        let mut found = Vec::new();
        let mut page: Option<(u64, Page)> = None;
        for seq in numbers {
            let (number, place) = place(seq).ok_or(MISSING)?;
            let page = match page.take() {
                Some((at, open)) if at == number => page.insert((at, open)),
                _ => page.insert((number, self.page(peer, number)?.ok_or(MISSING)?)),
            };
            let lookup = |key: &Key| self.log_value(key);
            let (message, amendments) =
                read_message(self.keys(), id, seq, &page.1, place, &lookup)?;
            found.push((seq, message, amendments));
        }
        Ok(found)
    }

    /// One message by its number in the conversation.
    ///
    /// # Errors
    ///
    /// As [`Vault::history`].
    pub fn message(
        &self,
        id: ContactId,
        seq: u64,
    ) -> Result<Option<(Message, Amendments)>, ReadError> {
        let before = seq.checked_add(1);
        let found = self.history(id, before, 1)?;
        Ok(found
            .into_iter()
            .find(|(at, ..)| *at == seq)
            .map(|(_, message, amendments)| (message, amendments)))
    }

    /// The numbers of the messages of a conversation: from the oldest to behind the newest.
    #[must_use]
    pub fn numbers(&self, id: ContactId) -> std::ops::Range<u64> {
        self.peers().get(&id).map_or(0..0, |peer| {
            peer.conversation.first_seq..peer.conversation.next_seq
        })
    }

    /// The number in one conversation of the message with this id.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the database fails or the record does not open.
    pub fn find_message(
        &self,
        contact: ContactId,
        message: &[u8; 16],
    ) -> Result<Option<u64>, ReadError> {
        let key = message_id_key(self.keys(), contact, message);
        match self.log_value(&key)? {
            Some(value) => Ok(Some(read_seq(self.keys(), &key, &value)?)),
            None => Ok(None),
        }
    }

    /// The message with this id, in whichever conversation has it.
    ///
    /// Ids are unique within a conversation only: a contact may choose one that another
    /// used. Where the contact is known, ask [`Vault::find_message`].
    ///
    /// # Errors
    ///
    /// As [`Vault::find_message`].
    pub fn message_by_id(&self, message: &[u8; 16]) -> Result<Option<(ContactId, u64)>, ReadError> {
        for contact in self.peers().keys() {
            if let Some(seq) = self.find_message(*contact, message)? {
                return Ok(Some((*contact, seq)));
            }
        }
        Ok(None)
    }

    /// The oldest `limit` items on their way to a contact, with their positions.
    ///
    /// # Errors
    ///
    /// As [`Vault::history`].
    pub fn outbox(&self, id: ContactId, limit: usize) -> Result<Vec<(u64, OutboxItem)>, ReadError> {
        let mut found = Vec::new();
        let Some(peer) = self.peers().get(&id) else {
            return Ok(found);
        };
        let wanted = limit.min(MOST).min(peer.conversation.outbox_len as usize);
        for number in peer.conversation.queues() {
            if found.len() >= wanted {
                break;
            }
            let queue = self.queue(peer, number)?;
            for (place, item) in queue.places().take(wanted - found.len()) {
                let position = number * PAGE + place + 1;
                let key = outbox_key(self.keys(), id, position, item.revision);
                let value = self.log_value(&key)?.ok_or(MISSING)?;
                let body = row::open_log(&item.key, &key, &value).ok_or(UNREADABLE)?;
                found.push((position, OutboxItem::decode(&body).ok_or(UNREADABLE)?));
            }
        }
        if found.len() < wanted {
            return Err(MISSING.into());
        }
        Ok(found)
    }

    /// The positions of everything on its way to a contact, oldest first.
    ///
    /// # Errors
    ///
    /// As [`Vault::history`].
    pub fn outbox_positions(&self, id: ContactId) -> Result<Vec<u64>, ReadError> {
        let mut found = Vec::new();
        let Some(peer) = self.peers().get(&id) else {
            return Ok(found);
        };
        if peer.conversation.outbox_len == 0 {
            return Ok(found);
        }
        for number in peer.conversation.queues() {
            let queue = self.queue(peer, number)?;
            found.extend(queue.places().map(|(place, _)| number * PAGE + place + 1));
        }
        if found.len() as u64 != peer.conversation.outbox_len {
            return Err(MISSING.into());
        }
        Ok(found)
    }

    /// One item on its way to a contact; `None` when it is not there any more.
    ///
    /// # Errors
    ///
    /// As [`Vault::history`].
    pub fn outbox_item(
        &self,
        id: ContactId,
        position: u64,
    ) -> Result<Option<OutboxItem>, ReadError> {
        let Some(peer) = self.peers().get(&id) else {
            return Ok(None);
        };
        let Some((number, at)) = place(position) else {
            return Ok(None);
        };
        if !peer.conversation.queues().contains(&number) {
            return Ok(None);
        }
        let queue = self.queue(peer, number)?;
        let Some((_, item)) = queue
            .places()
            .find(|(place, _)| usize::try_from(*place) == Ok(at))
        else {
            return Ok(None);
        };
        let key = outbox_key(self.keys(), id, position, item.revision);
        let value = self.log_value(&key)?.ok_or(MISSING)?;
        let body = row::open_log(&item.key, &key, &value).ok_or(UNREADABLE)?;
        Ok(Some(OutboxItem::decode(&body).ok_or(UNREADABLE)?))
    }

    /// How many items are on their way to a contact.
    #[must_use]
    pub fn outbox_len(&self, id: ContactId) -> u64 {
        self.peers()
            .get(&id)
            .map_or(0, |peer| peer.conversation.outbox_len)
    }

    /// What came in after entry `after`, at most `limit` entries; contacts removed since are left out.
    ///
    /// # Errors
    ///
    /// As [`Vault::history`].
    pub fn inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxEntry>, ReadError> {
        let mut found = Vec::new();
        for number in after.saturating_add(1)..self.head().inbox_next {
            if found.len() >= limit.min(MOST) {
                break;
            }
            let entry = self.inbox_entry(number)?;
            let there = self.peers().get(&entry.contact).is_some_and(|peer| {
                (peer.conversation.first_seq..peer.conversation.next_seq).contains(&entry.seq)
            });
            if there {
                found.push(entry);
            }
        }
        Ok(found)
    }

    /// Whether an entry that was not taken out yet names this contact, who may have been removed.
    ///
    /// # Errors
    ///
    /// As [`Vault::history`].
    pub fn inbox_names(&self, id: ContactId) -> Result<bool, ReadError> {
        for number in self.inbox_cursor().saturating_add(1)..self.head().inbox_next {
            if self.inbox_entry(number)?.contact == id {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Number of the newest inbox entry; 0 when there was none.
    #[must_use]
    pub fn inbox_newest(&self) -> u64 {
        self.head().inbox_next.saturating_sub(1)
    }

    /// The last inbox entry that was taken out; 0 when none was.
    #[must_use]
    pub fn inbox_cursor(&self) -> u64 {
        self.head().inbox_cursor
    }

    /// A setting.
    ///
    /// # Errors
    ///
    /// As [`Vault::find_message`].
    pub fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let row = self.row(Table::Setting, name.as_bytes())?;
        Ok(row.map(|mut row| std::mem::take(&mut *row.body)))
    }

    pub(crate) fn inbox_entry(&self, number: u64) -> Result<InboxEntry, ReadError> {
        let key = inbox_key(self.keys(), number);
        let value = self.log_value(&key)?.ok_or(MISSING)?;
        let body = row::open_log(&self.keys().log, &key, &value).ok_or(UNREADABLE)?;
        let (contact, seq) = crate::row::conversation::read_numbered(&body).ok_or(UNREADABLE)?;
        Ok(InboxEntry {
            number,
            contact,
            seq,
        })
    }

    pub(crate) fn page(&self, peer: &Peer, number: u64) -> Result<Option<Page>, ReadError> {
        let id = numbered(&peer.row.contact.id, number);
        match self.secret(Table::Page, &id, peer.row.conversation_slot)? {
            Some(body) => Ok(Some(Page::from_bytes(&body).ok_or(UNREADABLE)?)),
            None => Ok(None),
        }
    }

    /// The keys of a stretch of the outbox; one that was never written, or emptied, has no record.
    pub(crate) fn queue(&self, peer: &Peer, number: u64) -> Result<Queue, ReadError> {
        let id = numbered(&peer.row.contact.id, number);
        match self.secret(Table::Queue, &id, peer.row.conversation_slot)? {
            Some(body) => Ok(Queue::from_bytes(&body).ok_or(UNREADABLE)?),
            None => Ok(Queue::default()),
        }
    }

    pub(crate) fn log_value(&self, key: &Key) -> Result<Option<Vec<u8>>, ReadError> {
        let value = self.db().get(Space::Log, key)?;
        Ok(value.map(|value| value.to_vec()))
    }
}

/// Cuts these numbers where pages of keys end, into pieces that are worth a thread's while; what
/// fits on a screen stays in one.
fn stretches(numbers: Range<u64>) -> Vec<Range<u64>> {
    let mut rest = numbers;
    let mut found = Vec::new();
    while rest.end.saturating_sub(rest.start) > STRETCH {
        // Numbers count from 1: a page ends with a multiple of 64.
        let behind = (rest.start / PAGE + 1) * PAGE + 1;
        found.push(rest.start..behind);
        rest.start = behind;
    }
    found.push(rest);
    found
}

/// Reads messages one by one, and opens each page of keys once.
pub(crate) struct PageReader<'v> {
    vault: &'v Vault,
    pages: HashMap<(ContactId, u64), Page>,
}

impl<'v> PageReader<'v> {
    pub(crate) fn new(vault: &'v Vault) -> Self {
        Self {
            vault,
            pages: HashMap::new(),
        }
    }

    /// Whether there is such a message.
    pub(crate) fn has(&self, id: ContactId, seq: u64) -> bool {
        self.vault.peers().get(&id).is_some_and(|peer| {
            (peer.conversation.first_seq..peer.conversation.next_seq).contains(&seq)
        })
    }

    /// A message that is there.
    pub(crate) fn read(
        &mut self,
        id: ContactId,
        seq: u64,
    ) -> Result<(Message, Amendments), ReadError> {
        let peer = self.vault.peers().get(&id).ok_or(MISSING)?;
        let (number, place) = place(seq).ok_or(MISSING)?;
        if !self.pages.contains_key(&(id, number)) {
            if self.pages.len() >= MOST_PAGES {
                self.pages.clear();
            }
            let page = self.vault.page(peer, number)?.ok_or(MISSING)?;
            self.pages.insert((id, number), page);
        }
        let page = self.pages.get(&(id, number)).ok_or(MISSING)?;
        let lookup = |key: &Key| self.vault.log_value(key);
        read_message(self.vault.keys(), id, seq, page, place, &lookup)
    }
}

/// Pages that are kept open at a time: one for each conversation there can be.
const MOST_PAGES: usize = 2048;

/// Where to look a log value up: the database, or a transaction over it.
pub(crate) type Lookup<'a> = dyn Fn(&Key) -> Result<Option<Vec<u8>>, ReadError> + 'a;

/// Reads a message and everything that happened to it.
pub(crate) fn read_message(
    keys: &VaultKeys,
    contact: ContactId,
    seq: u64,
    page: &Page,
    place: usize,
    lookup: &Lookup<'_>,
) -> Result<(Message, Amendments), ReadError> {
    let entry = page.entry(place).ok_or(MISSING)?;
    let message_key = page.message_key(place).ok_or(UNREADABLE)?;
    let key = message_log_key(keys, contact, seq, entry.rewritten);
    let message = read_log(&message_key, &key, lookup)?;
    let mut amendments = Vec::with_capacity(usize::from(entry.amendments));
    for number in 0..entry.amendments {
        let key = amendment_log_key(keys, contact, seq, entry.rewritten, number);
        let amendment: Amendment = read_log(&amendment_key(&message_key, number), &key, lookup)?;
        amendments.push(amendment);
    }
    Ok((message, Amendments(amendments)))
}

fn read_log<T: for<'b> minicbor::Decode<'b, ()>>(
    record_key: &Secret<32>,
    key: &Key,
    lookup: &Lookup<'_>,
) -> Result<T, ReadError> {
    let value = lookup(key)?.ok_or(MISSING)?;
    let body = row::open_log(record_key, key, &value).ok_or(UNREADABLE)?;
    Ok(record::decode(&body).ok_or(UNREADABLE)?)
}

/// Reads a value of the message id index.
pub(crate) fn read_seq(keys: &VaultKeys, key: &Key, value: &[u8]) -> Result<u64, ReadError> {
    let body = row::open_log(&keys.log, key, value).ok_or(UNREADABLE)?;
    let seq = body.as_slice().try_into().map_err(|_| UNREADABLE)?;
    Ok(u64::from_be_bytes(seq))
}

pub(crate) fn message_log_key(
    keys: &VaultKeys,
    contact: ContactId,
    seq: u64,
    rewritten: u8,
) -> Key {
    let mut id = numbered(&contact, seq);
    id.push(rewritten);
    keys.name(Table::Message, &id)
}

pub(crate) fn amendment_log_key(
    keys: &VaultKeys,
    contact: ContactId,
    seq: u64,
    rewritten: u8,
    number: u16,
) -> Key {
    let mut id = numbered(&contact, seq);
    id.push(rewritten);
    id.extend_from_slice(&number.to_be_bytes());
    keys.name(Table::Amendment, &id)
}

pub(crate) fn message_id_key(keys: &VaultKeys, contact: ContactId, message: &[u8; 16]) -> Key {
    keys.name(Table::MessageId, &[contact.0, *message].concat())
}

pub(crate) fn outbox_key(
    keys: &VaultKeys,
    contact: ContactId,
    position: u64,
    revision: u32,
) -> Key {
    let mut id = numbered(&contact, position);
    id.extend_from_slice(&revision.to_be_bytes());
    keys.name(Table::Outbox, &id)
}

pub(crate) fn inbox_key(keys: &VaultKeys, number: u64) -> Key {
    keys.name(Table::Inbox, &number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn stretches_cover_every_number_once_and_part_between_pages(
            start in 1..2000u64,
            len in 0..2000u64,
        ) {
            let found = stretches(start..start + len);
            let numbers: Vec<u64> = found.iter().cloned().flatten().collect();
            assert_eq!(numbers, (start..start + len).collect::<Vec<_>>());
            for pair in found.windows(2) {
                let page = |seq| place(seq).map(|(number, _)| number);
                assert_ne!(page(pair[0].end - 1), page(pair[1].start));
            }
            assert!(found.iter().all(|stretch| stretch.end - stretch.start <= STRETCH));
        }
    }
}

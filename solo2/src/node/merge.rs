//! What an archive holds, taken into the vault: nothing twice, and nothing older over newer.
//!
//! ```text
//!   contact   known by its account, or by the id it had here ──► its conversation
//!             unknown ──► new, and to be paired with
//!   message   unknown to the conversation ──► appended, with what happened to it
//!             known ──► gets what happened to it since; deleted here stays deleted
//! ```
//!
//! Each batch is one commit, so a crash leaves whole messages, and the same archive goes on
//! from there.
//! Spec: docs/protocol/7-export.md §5.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use solo2_crypto::identity::DeviceCertificate;
use solo2_export::import::Record;
use solo2_store::{
    Amendment, Amendments, Contact, ContactId, DeliveryState, Kept, Message, Tx, TxError,
};

use super::contacts::{CONTACTS_MAX, free_name, valid_name};
use super::core::{Core, Operation};
use super::failure;
use super::order::Order;
use super::peer::PeerState;
use super::time::now_ms;
use crate::error::{Failure, Kind};

/// A message on its way into a conversation of this vault.
pub(super) struct Item {
    pub(super) contact: ContactId,
    pub(super) record: Record,
    /// Its file, sealed and in its place.
    pub(super) kept: Option<Kept>,
}

/// What was done, or with a dry run would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Contacts that were not known.
    pub(super) contacts: u64,
    /// Those that are not paired with, and got the archive's newer record.
    pub(super) contacts_changed: u64,
    /// Those that were removed where the archive is from, and are not paired with here.
    pub(super) contacts_removed: u64,
    /// Messages that were not known.
    pub(super) messages: u64,
    /// Those that were, and got something that happened to them.
    pub(super) changed: u64,
    /// Those that stay as they are.
    pub(super) known: u64,
    /// Files that the vault now keeps.
    pub(super) files: u64,
}

/// How an archive is taken in.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// Nothing is written.
    pub(super) dry: bool,
    /// When the archive was made, Unix time in milliseconds.
    pub(super) made_at_ms: u64,
    /// Neither it nor a newer archive was taken in before.
    pub(super) newest: bool,
}

/// What becomes of one contact.
enum Fate {
    Known(ContactId),
    Changed(Contact),
    New(Contact),
}

/// What became of an archive's contacts.
pub(super) struct Restored {
    /// Whose conversation here each of them has.
    pub(super) places: BTreeMap<ContactId, ContactId>,
    /// Who was not known.
    pub(super) new: Vec<Contact>,
    /// Who went.
    pub(super) removed: BTreeSet<ContactId>,
}

impl Core {
    /// Takes in an archive's contacts, all or none, and takes leave of those that were removed
    /// where it is from: not of one that is paired with here.
    pub(super) fn restore_contacts(
        &mut self,
        contacts: Vec<Contact>,
        removed: &[ContactId],
        terms: Terms,
        counts: &mut Counts,
    ) -> Result<Restored, Failure> {
        let unpaired = |id: &&ContactId| {
            let peer = self.peers.get(id);
            peer.is_some_and(|peer| !peer.state.paired)
        };
        let removed: BTreeSet<ContactId> = removed
            .iter()
            .filter(unpaired)
            .filter(|_| terms.newest)
            .copied()
            .collect();
        let mut places = BTreeMap::new();
        let mut fates = Vec::new();
        let mut names = Vec::new();
        for contact in contacts {
            let theirs = contact.id;
            let fate = self.fate(contact, &removed, terms, &mut names)?;
            let ours = match &fate {
                Fate::Known(id) => *id,
                Fate::Changed(contact) | Fate::New(contact) => contact.id,
            };
            places.insert(theirs, ours);
            fates.push(fate);
        }
        let new = fates.iter().filter(|fate| matches!(fate, Fate::New(_)));
        if self.peers.len() - removed.len() + new.count() > CONTACTS_MAX {
            return Err(Failure::new(
                Kind::Quota,
                format!("a vault holds {CONTACTS_MAX} contacts, and with this archive's there would be more"),
            )
            .hint("solo2 contact remove frees a place"));
        }
        counts.contacts_removed += removed.len() as u64;
        if !terms.dry {
            for id in &removed {
                self.remove(*id);
            }
        }
        let mut newcomers = Vec::new();
        for fate in fates {
            let contact = match fate {
                Fate::Known(_) => continue,
                Fate::Changed(contact) => {
                    counts.contacts_changed += 1;
                    contact
                }
                Fate::New(contact) => {
                    counts.contacts += 1;
                    newcomers.push(contact.clone());
                    contact
                }
            };
            if !terms.dry {
                self.put_unpaired(contact)?;
            }
        }
        Ok(Restored {
            places,
            new: newcomers,
            removed,
        })
    }

    fn fate(
        &self,
        mut contact: Contact,
        removed: &BTreeSet<ContactId>,
        terms: Terms,
        names: &mut Vec<String>,
    ) -> Result<Fate, Failure> {
        let certificate = DeviceCertificate::from_bytes(&contact.certificate).ok();
        let shown = certificate.map(|certificate| *certificate.account().as_bytes());
        if shown != Some(contact.account) && (shown.is_none() || shown != contact.changed_to) {
            return Err(Failure::new(
                Kind::Integrity,
                format!(
                    "the certificate of {:?} in the archive is not that contact's",
                    contact.name
                ),
            )
            .code("archive_damaged")
            .hint("nothing was taken in; another copy of the archive may be whole"));
        }
        let known = self
            .peers
            .values()
            .find(|peer| peer.contact.account == contact.account)
            .or_else(|| self.peers.get(&contact.id))
            .filter(|peer| !removed.contains(&peer.contact.id));
        let Some(peer) = known else {
            let pending = self.vault.inbox_names(contact.id);
            if pending.map_err(|error| failure::read(&error))? {
                // The inbox still names who was removed.
                let mut id = [0; 16];
                rand::Rng::fill_bytes(&mut rand::rng(), &mut id);
                contact.id = ContactId(id);
            }
            contact.name = self.name_for(&contact.name, removed, names);
            return Ok(Fate::New(contact));
        };
        let here = &peer.contact;
        if peer.state.paired || !terms.newest {
            return Ok(Fate::Known(here.id));
        }
        contact.id = here.id;
        if contact.name != here.name {
            contact.name = match self.find(&contact.name) {
                Ok(_) => here.name.clone(),
                Err(_) => self.name_for(&contact.name, removed, names),
            };
        }
        Ok(match contact == *here {
            true => Fate::Known(here.id),
            false => Fate::Changed(contact),
        })
    }

    /// A name that nobody has, as like the old one as can be.
    fn name_for(
        &self,
        name: &str,
        removed: &BTreeSet<ContactId>,
        names: &mut Vec<String>,
    ) -> String {
        let base = valid_name(name).unwrap_or_else(|_| "contact".to_owned());
        let here = self.peers.values().map(|peer| &peer.contact);
        let here: Vec<&str> = here
            .filter(|contact| !removed.contains(&contact.id))
            .map(|contact| contact.name.as_str())
            .collect();
        let taken = |name: &str| here.contains(&name) || names.iter().any(|known| known == name);
        let name = free_name(&base, taken).unwrap_or(base);
        names.push(name.clone());
        name
    }

    fn put_unpaired(&mut self, contact: Contact) -> Result<(), Failure> {
        let id = contact.id;
        let certificate = DeviceCertificate::from_bytes(&contact.certificate)
            .map_err(|_| failure::read(&"a contact's certificate is damaged"))?;
        let peer = self.start_peer(contact, certificate, PeerState::unpaired(), VecDeque::new());
        self.peers.insert(id, peer);
        self.push(Operation::PutContact(id));
        Ok(())
    }

    /// Takes in a batch in one commit. Returns what was done, and the files that found no message.
    pub(super) fn restore(
        &mut self,
        batch: Vec<Item>,
        terms: Terms,
    ) -> Result<(Counts, Vec<Kept>), Failure> {
        // What came in before is to be seen, too.
        self.commit();
        let mut counts = Counts::default();
        let mut unused = Vec::new();
        let mut orders = BTreeMap::new();
        let mut expiring = Vec::new();
        let now = now_ms();
        let mut tx = self.vault.begin();
        for item in batch {
            let contact = item.contact;
            let found = tx.vault().find_message(contact, &item.record.message.id);
            let found = found.map_err(|error| failure::read(&error))?;
            let known = match found {
                Some(seq) => tx.vault().message(contact, seq),
                None => Ok(None),
            };
            let known = known.map_err(|error| failure::read(&error))?;
            if let (Some(seq), Some((message, amendments))) = (found, known) {
                let mut kept = item.kept;
                let news = news(&message, &amendments, item.record, &mut kept, terms, now);
                match news.is_empty() {
                    true => counts.known += 1,
                    false => counts.changed += 1,
                }
                for amendment in news {
                    counts.files += u64::from(keeps(&amendment));
                    if !terms.dry {
                        left_out(tx.amend(contact, seq, &amendment))?;
                    }
                }
                unused.extend(kept);
                continue;
            }
            let (message, amendments, kept) = whole(item.record, item.kept, terms, now);
            unused.extend(kept);
            if !terms.dry {
                match tx.restore_message(contact, &message, &amendments) {
                    Ok(seq) => {
                        let order = match orders.entry(contact) {
                            Entry::Occupied(known) => known.into_mut(),
                            Entry::Vacant(new) => new.insert(Order::read(tx.vault(), contact)?),
                        };
                        order.note(seq, message.stored_at_ms);
                    }
                    Err(TxError::Duplicate { .. }) => {
                        counts.known += 1;
                        unused.extend(amendments.into_iter().filter_map(into_kept));
                        continue;
                    }
                    Err(error) => return Err(unfit(&error)),
                }
            }
            counts.messages += 1;
            counts.files += amendments
                .iter()
                .map(|one| u64::from(keeps(one)))
                .sum::<u64>();
            let live = message.expires_at_ms.filter(|at| *at > now);
            expiring.extend(live.map(|at| (at, contact, message.id)));
        }
        if terms.dry {
            return Ok((counts, unused));
        }
        for (contact, order) in &orders {
            order
                .save(&mut tx, *contact)
                .map_err(|error| unfit(&error))?;
        }
        commit(tx)?;
        self.changed();
        self.note_expiries(expiring);
        Ok((counts, unused))
    }
}

fn commit(tx: Tx<'_>) -> Result<(), Failure> {
    tx.commit().map_err(|error| failure::commit(&error))
}

fn unfit(error: &TxError) -> Failure {
    match error {
        TxError::Read(error) => failure::read(error),
        error => Failure::new(
            Kind::Integrity,
            format!("the archive holds what a vault has no room for: {error}"),
        )
        .code("archive_damaged")
        .hint("what was taken in before it stays"),
    }
}

/// What a message has no room for any more is left out, as if it had come from the peer.
fn left_out(result: Result<(), TxError>) -> Result<(), Failure> {
    match result {
        Ok(()) | Err(TxError::TooManyAmendments) => Ok(()),
        Err(error) => Err(unfit(&error)),
    }
}

fn keeps(amendment: &Amendment) -> bool {
    matches!(amendment, Amendment::File(file) if file.kept.is_some())
}

fn into_kept(amendment: Amendment) -> Option<Kept> {
    match amendment {
        Amendment::File(file) => file.kept,
        _ => None,
    }
}

/// A message that the vault does not have, as it is to be stored, and its file if it has no use
/// for it.
fn whole(
    record: Record,
    mut kept: Option<Kept>,
    terms: Terms,
    now: u64,
) -> (Message, Vec<Amendment>, Option<Kept>) {
    let Record {
        message,
        mut amendments,
        state,
        ..
    } = record;
    let deleted = |one: &Amendment| matches!(one, Amendment::Deleted { .. });
    let expired = message.expires_at_ms.filter(|at| *at <= now);
    if let Some(at_ms) = expired.filter(|_| !amendments.iter().any(deleted)) {
        amendments.push(Amendment::Deleted { at_ms });
    }
    if !message.incoming && state.is_none() && !amendments.iter().any(deleted) {
        // It was waiting, and what it waited in stayed behind.
        amendments.push(Amendment::State {
            state: DeliveryState::Failed,
            at_ms: terms.made_at_ms,
            route: None,
        });
    }
    if message.incoming && !amendments.iter().any(deleted) {
        for amendment in &mut amendments {
            if let Amendment::File(file) = amendment {
                file.kept = kept.take();
            }
        }
    }
    (message, amendments, kept)
}

/// What happened to a message that the vault does not know of; takes its file if it is missed.
fn news(
    message: &Message,
    known: &Amendments,
    record: Record,
    kept: &mut Option<Kept>,
    terms: Terms,
    now: u64,
) -> Vec<Amendment> {
    if known.deleted_at_ms().is_some() || message.expires_at_ms.is_some_and(|at| at <= now) {
        return Vec::new();
    }
    let deleted = record
        .amendments
        .iter()
        .find(|one| matches!(one, Amendment::Deleted { .. }));
    if let Some(deleted) = deleted {
        return vec![deleted.clone()];
    }
    let state = known.state().map(|(state, ..)| state);
    let mut news = Vec::new();
    for amendment in record.amendments {
        match amendment {
            Amendment::Edited { ref body, at_ms } => {
                let newer = known.edited_at_ms().is_none_or(|at| at_ms > at);
                if newer && known.body(message) != Some(body) {
                    news.push(amendment);
                }
            }
            Amendment::State { state: theirs, .. } => {
                // Without a word it was sent.
                if !message.incoming && theirs > state.unwrap_or(DeliveryState::Sent) {
                    news.push(amendment);
                }
            }
            Amendment::Reaction {
                incoming, at_ms, ..
            } => {
                if last_reaction(known, incoming).is_none_or(|at| at_ms > at) {
                    news.push(amendment);
                }
            }
            Amendment::File(mut file) if message.incoming => {
                let missed = match known.file() {
                    None => true,
                    Some(here) => here.kept.is_none() && here.path.is_none() && kept.is_some(),
                };
                if missed {
                    file.kept = kept.take();
                    news.push(Amendment::File(file));
                }
            }
            Amendment::File(_) | Amendment::Deleted { .. } => {}
        }
    }
    let went = record
        .state
        .is_some_and(|state| state >= DeliveryState::Sent);
    let says_so = news
        .iter()
        .any(|one| matches!(one, Amendment::State { .. }));
    if state == Some(DeliveryState::Failed) && went && !says_so {
        news.push(Amendment::State {
            state: DeliveryState::Sent,
            at_ms: terms.made_at_ms,
            route: None,
        });
    }
    news
}

fn last_reaction(known: &Amendments, incoming: bool) -> Option<u64> {
    known.0.iter().rev().find_map(|amendment| match amendment {
        Amendment::Reaction {
            incoming: side,
            at_ms,
            ..
        } if *side == incoming => Some(*at_ms),
        _ => None,
    })
}

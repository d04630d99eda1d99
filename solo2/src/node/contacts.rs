//! Contacts: admitted by pairing, renamed, trusted, blocked, removed by their owner.

use std::collections::{BTreeMap, VecDeque};

use rand::Rng as _;
use serde_json::{Value, json};
use solo2_crypto::content::Content;
use solo2_crypto::identity::DeviceCertificate;
use solo2_crypto::identity::safety_number::safety_number;
use solo2_store::{Contact, ContactId, Trust};

use super::core::{Core, Operation};
use super::courier::Order;
use super::event::{Event, hex, peer_id, rfc3339};
use super::failure;
use super::outbox::QueueTerms;
use super::peer::PeerState;
use super::time::now_ms;
use crate::error::{Failure, Kind};

/// Longest name of a contact, characters.
const NAME_MAX: usize = 64;
/// Contacts that a vault's key page has room for.
pub(super) const CONTACTS_MAX: usize = 400;

/// What pairing yields.
pub(crate) struct NewContact {
    pub(crate) certificate: DeviceCertificate,
    pub(crate) state: PeerState,
    /// The name that this side's user chose.
    pub(crate) name: Option<String>,
    /// The name that the other side gave itself.
    pub(crate) their_name: String,
    /// Whether it is to be reached through Tor and in no other way.
    pub(crate) onion: bool,
}

impl Core {
    /// Finds a contact by name or id.
    pub(crate) fn find(&self, name: &str) -> Result<ContactId, Failure> {
        self.peers
            .values()
            .find(|peer| peer.contact.name == name || peer_id(peer.contact.id) == name)
            .map(|peer| peer.contact.id)
            .ok_or_else(|| failure::unknown_peer(name))
    }

    /// Takes in a freshly paired contact, or a known one's new session.
    ///
    /// The same account under its old name starts a new session. Another account under a
    /// name that is taken is a changed identity: it is kept apart until `contact trust`.
    pub(crate) fn admit(&mut self, new: NewContact) -> Result<Value, Failure> {
        let account = *new.certificate.account().as_bytes();
        let known = self
            .peers
            .values()
            .find(|peer| peer.contact.account == account)
            .map(|peer| peer.contact.id);
        let name = match (&new.name, known) {
            (None, Some(id)) => self.peers.get(&id).map(|peer| peer.contact.name.clone()),
            _ => None,
        };
        let name = match name {
            Some(name) => name,
            None => self.choose_name(new.name.as_deref(), &new.their_name)?,
        };
        let namesake = self
            .peers
            .values()
            .find(|peer| peer.contact.name == name)
            .map(|peer| peer.contact.id);
        let (contact, changed) = match (known, namesake) {
            (Some(id), None) => (self.known(id, &name), false),
            (Some(id), Some(other)) if id == other => (self.known(id, &name), false),
            (Some(_), Some(_)) => {
                return Err(
                    failure::usage(format!("another contact is already called {name}"))
                        .hint("pair with --as and a name that is free"),
                );
            }
            (None, Some(id)) => (self.known(id, &name), true),
            (None, None) => (Some(self.fresh(&name)?), false),
        };
        let mut contact = contact.ok_or_else(failure::stopped)?;
        contact.certificate = new.certificate.as_bytes().to_vec();
        contact.verified = !changed;
        contact.trust = if changed { Trust::New } else { Trust::Verified };
        contact
            .settings
            .insert("profile".into(), printable(&new.their_name));
        if new.onion {
            contact.settings.insert("route".into(), "onion".into());
            contact.settings.insert("strict".into(), "true".into());
        }
        if changed {
            contact.changed_to = Some(account);
            self.emit(Event::Value(json!({
                "v": 1,
                "type": "identity.changed",
                "peer": peer_id(contact.id),
                "old": hex(&contact.account),
                "new": hex(&account),
                "action": "blocked",
            })));
        } else {
            contact.account = account;
            contact.changed_to = None;
        }
        let accepted = self.accepted(&contact, &new.certificate);
        self.install(contact, new.certificate, new.state);
        Ok(accepted)
    }

    fn known(&self, id: ContactId, name: &str) -> Option<Contact> {
        let mut contact = self.peers.get(&id)?.contact.clone();
        contact.name = name.to_owned();
        Some(contact)
    }

    fn fresh(&mut self, name: &str) -> Result<Contact, Failure> {
        if self.peers.len() >= CONTACTS_MAX {
            return Err(Failure::new(
                Kind::Quota,
                format!("a vault holds {CONTACTS_MAX} contacts"),
            )
            .hint("solo2 contact remove frees a place"));
        }
        let mut id = [0; 16];
        self.rng.fill_bytes(&mut id);
        Ok(Contact {
            id: ContactId(id),
            name: name.to_owned(),
            account: [0; 32],
            certificate: Vec::new(),
            verified: false,
            trust: Trust::New,
            blocked: false,
            changed_to: None,
            added_at_ms: now_ms(),
            settings: BTreeMap::new(),
        })
    }

    /// Puts a contact and its conversation state in place of what was there.
    fn install(&mut self, contact: Contact, certificate: DeviceCertificate, state: PeerState) {
        let id = contact.id;
        let speaks = state
            .session
            .as_ref()
            .is_some_and(solo2_crypto::session::Session::can_send);
        let mut outbox = VecDeque::new();
        if let Some(old) = self.peers.remove(&id) {
            let _ = old.courier.send(Order::Stop);
            outbox = old.outbox;
        }
        let peer = self.start_peer(contact, certificate, state, outbox);
        self.peers.insert(id, peer);
        self.unseal_outbox(id);
        self.push(Operation::PutContact(id));
        self.push(Operation::PutPairSecret(id));
        self.touch(id);
        if speaks {
            self.enqueue(id, &Content::Ready, None, QueueTerms::default());
        }
    }

    fn choose_name(&self, chosen: Option<&str>, theirs: &str) -> Result<String, Failure> {
        if let Some(name) = chosen {
            return valid_name(name);
        }
        let base: String = theirs
            .chars()
            .filter(|c| c.is_alphanumeric() || "._-".contains(*c))
            .take(NAME_MAX - 4)
            .collect();
        let base = valid_name(&base).unwrap_or_else(|_| "contact".into());
        let taken = |name: &str| self.peers.values().any(|peer| peer.contact.name == name);
        free_name(&base, taken).ok_or_else(|| failure::usage(format!("no free name like {base}")))
    }

    fn accepted(&self, contact: &Contact, certificate: &DeviceCertificate) -> Value {
        json!({
            "v": 1,
            "type": "pair.accepted",
            "name": contact.name,
            "peer": peer_id(contact.id),
            "fingerprint": certificate.account().fingerprint(),
            "verified": contact.verified,
            "safety_number": safety_number(&self.me.certificate.account(), &certificate.account()),
        })
    }

    /// The contact as `contact show` prints it.
    pub(crate) fn contact_json(&self, id: ContactId) -> Result<Value, Failure> {
        let peer = self.peers.get(&id).ok_or_else(failure::stopped)?;
        let contact = &peer.contact;
        let certificate = &peer.keys.certificate;
        let settings: BTreeMap<&String, &String> = contact
            .settings
            .iter()
            .filter(|(key, _)| *key != "profile")
            .collect();
        Ok(json!({
            "v": 1,
            "type": "contact",
            "id": peer_id(id),
            "name": contact.name,
            "verified": contact.verified,
            "trust": trust_name(contact.trust),
            "blocked": contact.blocked,
            "paired": peer.state.paired,
            "identity_changed": contact.changed_to.map(|new| hex(&new)),
            "fingerprint": hex(&contact.account),
            "safety_number": safety_number(&self.me.certificate.account(), &certificate.account()),
            "profile": contact.settings.get("profile"),
            "route": contact.settings.get("route").map_or("auto", String::as_str),
            "connected": peer.is_up(),
            "queued": peer.outbox.iter().filter(|queued| queued.message.is_some()).count(),
            "devices": [{
                "id": format!("d_{}", hex(certificate.signing().first_chunk::<8>().map_or(&[][..], |id| &id[..]))),
                "index": certificate.index(),
                "created_at": rfc3339(certificate.created().saturating_mul(1000)),
            }],
            "added_at": rfc3339(contact.added_at_ms),
            "settings": settings,
        }))
    }

    /// Changes a contact's record.
    pub(crate) fn edit_contact(
        &mut self,
        name: &str,
        edit: impl FnOnce(&mut Contact) -> Result<(), Failure>,
    ) -> Result<Value, Failure> {
        let id = self.find(name)?;
        let peer = self.peers.get_mut(&id).ok_or_else(failure::stopped)?;
        edit(&mut peer.contact)?;
        self.push(Operation::PutContact(id));
        self.contact_json(id)
    }

    pub(crate) fn rename(&mut self, name: &str, to: &str) -> Result<Value, Failure> {
        let to = valid_name(to)?;
        if self.find(&to).is_ok() {
            return Err(failure::usage(format!(
                "another contact is already called {to}"
            )));
        }
        self.edit_contact(name, |contact| {
            contact.name = to;
            Ok(())
        })
    }

    /// Blocks or unblocks: a blocked contact meets silence, and its link ends.
    pub(crate) fn set_blocked(&mut self, name: &str, blocked: bool) -> Result<Value, Failure> {
        let id = self.find(name)?;
        self.edit_contact(name, |contact| {
            contact.blocked = blocked;
            Ok(())
        })?;
        self.restart(id);
        self.contact_json(id)
    }

    /// Ends a contact's courier and link, and starts a courier that follows the new record.
    fn restart(&mut self, id: ContactId) {
        let Some(old) = self.peers.remove(&id) else {
            return;
        };
        let _ = old.courier.send(Order::Stop);
        let Ok(certificate) = DeviceCertificate::from_bytes(&old.contact.certificate) else {
            return;
        };
        let peer = self.start_peer(old.contact, certificate, old.state, old.outbox);
        self.peers.insert(id, peer);
    }

    /// Compares the number that the other person reads out, then pins the identity as verified.
    pub(crate) fn verify(&mut self, name: &str, number: Option<&str>) -> Result<Value, Failure> {
        let id = self.find(name)?;
        let peer = self.peers.get(&id).ok_or_else(failure::stopped)?;
        if let Some(new) = peer.contact.changed_to {
            return Err(failure::untrusted(name, &hex(&new)));
        }
        let ours = safety_number(
            &self.me.certificate.account(),
            &peer.keys.certificate.account(),
        );
        if let Some(number) = number {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            let expected: String = ours.chars().filter(char::is_ascii_digit).collect();
            if digits != expected {
                return Err(Failure::new(Kind::Untrusted, format!("the safety number with {name} does not match"))
                    .hint("if both of you read it right, somebody is between you: do not use this contact"));
            }
        }
        self.edit_contact(name, |contact| {
            contact.verified = true;
            contact.trust = Trust::Verified;
            Ok(())
        })
    }

    /// Accepts a changed identity by its fingerprint.
    pub(crate) fn trust(&mut self, name: &str, fingerprint: &str) -> Result<Value, Failure> {
        let id = self.find(name)?;
        let peer = self.peers.get(&id).ok_or_else(failure::stopped)?;
        let expected = hex(&peer.contact.changed_to.unwrap_or(peer.contact.account));
        let given: String = fingerprint
            .chars()
            .filter(char::is_ascii_hexdigit)
            .collect::<String>()
            .to_ascii_lowercase();
        if given != expected {
            return Err(Failure::new(
                Kind::Untrusted,
                format!("the fingerprint is not that of {name}"),
            )
            .hint(format!("the identity that presents itself is {expected}")));
        }
        self.edit_contact(name, |contact| {
            if let Some(new) = contact.changed_to.take() {
                contact.account = new;
            }
            contact.trust = contact.trust.max(Trust::Trusted);
            Ok(())
        })?;
        self.restart(id);
        self.contact_json(id)
    }

    pub(crate) fn remove_contact(&mut self, name: &str) -> Result<Value, Failure> {
        let id = self.find(name)?;
        self.remove(id);
        Ok(json!({ "v": 1, "type": "contact.removed", "id": peer_id(id), "name": name }))
    }
}

pub(crate) fn trust_name(trust: Trust) -> &'static str {
    match trust {
        Trust::New => "new",
        Trust::Known => "known",
        Trust::Trusted => "trusted",
        Trust::Verified => "verified",
    }
}

/// `base`, or with a number behind it the first that is free.
pub(super) fn free_name(base: &str, taken: impl Fn(&str) -> bool) -> Option<String> {
    if !taken(base) {
        return Some(base.to_owned());
    }
    (2..1000)
        .map(|n| format!("{base}-{n}"))
        .find(|name| !taken(name))
}

/// A name that scripts can pass around: no spaces, no `/`, `:` or `@`, nothing invisible.
pub(super) fn valid_name(name: &str) -> Result<String, Failure> {
    let fits = !name.is_empty() && name.chars().count() <= NAME_MAX;
    let clean = name
        .chars()
        .all(|c| !c.is_control() && !c.is_whitespace() && !"/:@\\'\"".contains(c));
    if fits && clean && !name.starts_with('-') && !name.starts_with("p_") {
        Ok(name.to_owned())
    } else {
        Err(
            failure::usage(format!("not a name for a contact: {name:?}")).hint(
                "1 to 64 characters without spaces, quotes, / : @, not starting with - or p_",
            ),
        )
    }
}

fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(NAME_MAX)
        .collect()
}

//! What this side's user writes: messages, and acts on messages.

use std::collections::BTreeSet;
use std::sync::Arc;

use rand::Rng as _;
use solo2_crypto::content::{Content, MessageId, ReceiptState, Shape};
use solo2_store::{Amendment, ContactId, Kind, Message};

use super::core::{Core, Operation, Place};
use super::event::{file_id, hex, message_id, parse_message_id};
use super::outbox::QueueTerms;
use super::time::now_ms;
use super::transfers::Offered;
use super::{Receipts, failure};
use crate::error::Failure;
use crate::files::source::SourceInfo;
use crate::net::RoutePolicy;

/// Acts whose receipts may be awaited at once; beyond it the oldest waits time out.
const ACTS_MAX: usize = 4096;

/// What a message says.
#[derive(Clone)]
pub(crate) enum Body {
    Text(String),
    Geo {
        lat: f64,
        lon: f64,
        accuracy_m: Option<f64>,
    },
    File(Arc<SourceInfo>),
    /// What a command reads from its stdin, and is called.
    Live(String, Shape),
}

impl Body {
    fn is_file(&self) -> bool {
        matches!(self, Self::File(_) | Self::Live(..))
    }
}

/// Messages to several people.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) peers: Vec<String>,
    /// Each is a message of its own.
    pub(crate) bodies: Vec<Body>,
    pub(crate) reply_to: Option<String>,
    pub(crate) expires_in_s: Option<u64>,
    pub(crate) ttl_s: Option<u64>,
    pub(crate) client_id: Option<String>,
    /// The one route that they may take.
    pub(crate) demand: Option<RoutePolicy>,
}

/// A message or act that is on disk and on its way to one peer.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) contact: ContactId,
    pub(crate) id: [u8; 16],
    /// Whether it is a file, whose ids are written in another way.
    pub(crate) file: bool,
}

impl Sent {
    /// The id as the user sees it.
    pub(crate) fn id_text(&self) -> String {
        if self.file {
            file_id(self.id)
        } else {
            message_id(self.id)
        }
    }
}

impl Core {
    /// Checks everything, then queues one message per peer and body; all or nothing.
    pub(crate) fn send(&mut self, draft: &Draft) -> Result<Vec<Sent>, Failure> {
        let mut contacts = BTreeSet::new();
        for name in &draft.peers {
            let contact = self.sendable(name)?;
            self.check_route(contact, draft.demand)?;
            contacts.insert(contact);
        }
        let files = draft.bodies.iter().filter(|body| body.is_file()).count();
        for contact in &contacts {
            self.may_offer(*contact, files)?;
        }
        let reply_to = match &draft.reply_to {
            None => None,
            Some(text) => {
                let id = parse_message_id(text).ok_or_else(|| failure::unknown_message(text))?;
                self.locate(id, text)?;
                Some(id)
            }
        };
        let now = now_ms();
        let mut sent = Vec::new();
        for contact in contacts {
            for (index, body) in draft.bodies.iter().enumerate() {
                // A script names the whole; its first message has that name, the others grow from it.
                let client_id = draft.client_id.as_ref().map(|name| match index {
                    0 => name.clone(),
                    index => format!("{name}#{index}"),
                });
                let (id, repeated) = self.choose_id(contact, client_id.as_deref(), now)?;
                let file = body.is_file();
                sent.push(Sent { contact, id, file });
                if !repeated {
                    self.write_message(contact, id, draft, body, reply_to, now);
                }
            }
        }
        Ok(sent)
    }

    /// A contact that may be written to, or the reason why not.
    pub(super) fn sendable(&self, name: &str) -> Result<ContactId, Failure> {
        let id = self.find(name)?;
        let peer = self.peers.get(&id).ok_or_else(failure::stopped)?;
        let contact = &peer.contact;
        if let Some(new) = contact.changed_to {
            return Err(failure::untrusted(name, &hex(&new)));
        }
        if contact.blocked {
            return Err(failure::blocked(name));
        }
        if !peer.state.paired {
            return Err(failure::not_paired(name));
        }
        Ok(id)
    }

    /// A new ULID, or the id that this client id had before: a repeated run changes nothing.
    fn choose_id(
        &mut self,
        contact: ContactId,
        client_id: Option<&str>,
        now: u64,
    ) -> Result<([u8; 16], bool), Failure> {
        let Some(client_id) = client_id else {
            let mut random = [0; 10];
            self.rng.fill_bytes(&mut random);
            let random = random
                .iter()
                .fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
            return Ok((ulid::Ulid::from_parts(now, random).to_bytes(), false));
        };
        let account = self.me.certificate.account();
        let MessageId(id) = MessageId::for_client_id(account.as_bytes(), &contact.0, client_id);
        let known = self.fresh.contains_key(&(contact, id))
            || self
                .vault
                .find_message(contact, &id)
                .map_err(|error| failure::read(&error))?
                .is_some();
        Ok((id, known))
    }

    pub(super) fn write_message(
        &mut self,
        contact: ContactId,
        id: [u8; 16],
        draft: &Draft,
        body: &Body,
        reply_to: Option<[u8; 16]>,
        now: u64,
    ) {
        let (kind, body, content) = match body {
            Body::Text(text) => (
                Kind::Text,
                text.clone(),
                Content::Text {
                    id: MessageId(id),
                    sent_at_ms: now,
                    body: text.clone(),
                    reply_to: reply_to.map(MessageId),
                    expires_in_s: draft.expires_in_s,
                },
            ),
            Body::Geo {
                lat,
                lon,
                accuracy_m,
            } => {
                let accuracy = accuracy_m
                    .map(|metres| format!(",{metres}"))
                    .unwrap_or_default();
                (
                    Kind::Geo,
                    format!("{lat},{lon}{accuracy}"),
                    Content::Geo {
                        id: MessageId(id),
                        sent_at_ms: now,
                        lat: *lat,
                        lon: *lon,
                        accuracy_m: *accuracy_m,
                        reply_to: reply_to.map(MessageId),
                        expires_in_s: draft.expires_in_s,
                    },
                )
            }
            Body::File(info) => {
                let file = Offered::source(info);
                let content = self.offer(contact, id, file, reply_to, draft, now);
                (Kind::File, info.name.clone(), content)
            }
            Body::Live(name, shape) => {
                let stdin = Offered::stdin(name, *shape);
                let content = self.offer(contact, id, stdin, reply_to, draft, now);
                (Kind::File, name.clone(), content)
            }
        };
        let message = Message {
            id,
            incoming: false,
            sent_at_ms: now,
            stored_at_ms: now,
            kind,
            body,
            reply_to,
            expires_at_ms: draft
                .expires_in_s
                .map(|s| now.saturating_add(s.saturating_mul(1000))),
            client_id: draft.client_id.clone(),
            route: None,
        };
        self.fresh.insert((contact, id), false);
        self.note_expiry(contact, id, message.expires_at_ms);
        self.push(Operation::Append {
            contact,
            message: Box::new(message),
        });
        let give_up_at = draft
            .ttl_s
            .map(|s| now.saturating_add(s.saturating_mul(1000)));
        let terms = QueueTerms {
            give_up_at,
            demand: draft.demand,
        };
        self.enqueue(contact, &content, Some(id), terms);
    }

    /// Puts a message on disk, where it is looked for, if this round has brought it.
    pub(super) fn place_fresh(&mut self, id: [u8; 16]) {
        if self.fresh.keys().any(|(_, fresh)| *fresh == id) {
            self.commit();
        }
    }

    /// The conversation and place of a message.
    pub(super) fn locate(&mut self, id: [u8; 16], text: &str) -> Result<(ContactId, u64), Failure> {
        self.place_fresh(id);
        self.vault
            .message_by_id(&id)
            .map_err(|error| failure::read(&error))?
            .ok_or_else(|| failure::unknown_message(text))
    }

    fn own_message(&mut self, text: &str) -> Result<(ContactId, u64, [u8; 16]), Failure> {
        let id = parse_message_id(text).ok_or_else(|| failure::unknown_message(text))?;
        let (contact, position) = self.locate(id, text)?;
        let message = self
            .vault
            .message(contact, position)
            .map_err(|error| failure::read(&error))?;
        if message.is_some_and(|(message, _)| !message.incoming) {
            Ok((contact, position, id))
        } else {
            Err(failure::usage(
                "only your own messages can be changed for the other side",
            ))
        }
    }

    fn act_id(&mut self, now: u64) -> [u8; 16] {
        let mut random = [0; 16];
        self.rng.fill_bytes(&mut random);
        ulid::Ulid::from_parts(now, u128::from_be_bytes(random)).to_bytes()
    }

    /// Runs a verb whose acts may take this one route.
    pub(crate) fn under<T>(
        &mut self,
        demand: Option<RoutePolicy>,
        verb: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.demand = demand;
        let done = verb(self);
        self.demand = None;
        done
    }

    /// Queues an act and remembers that its receipt is awaited.
    fn act(&mut self, contact: ContactId, id: [u8; 16], content: &Content) -> Sent {
        if self.acts.len() >= ACTS_MAX {
            self.acts.clear();
        }
        self.acts.insert(id);
        let terms = QueueTerms {
            give_up_at: None,
            demand: self.demand,
        };
        self.enqueue(contact, content, Some(id), terms);
        Sent {
            contact,
            id,
            file: false,
        }
    }

    pub(crate) fn edit(&mut self, target: &str, body: String) -> Result<Sent, Failure> {
        let (contact, position, target) = self.own_message(target)?;
        self.require_sendable(contact)?;
        let now = now_ms();
        let id = self.act_id(now);
        let content = Content::Edit {
            id: MessageId(id),
            sent_at_ms: now,
            target: MessageId(target),
            body: body.clone(),
        };
        self.push(Operation::Amend {
            contact,
            message: Place::At(position),
            amendment: Amendment::Edited { body, at_ms: now },
        });
        Ok(self.act(contact, id, &content))
    }

    /// Deletes a message here and, if it is our own and asked for, at the other side.
    pub(crate) fn delete(
        &mut self,
        target: &str,
        for_everyone: bool,
    ) -> Result<Option<Sent>, Failure> {
        let now = now_ms();
        if for_everyone {
            let (contact, position, target) = self.own_message(target)?;
            self.require_sendable(contact)?;
            self.withdraw_file(target);
            let id = self.act_id(now);
            let content = Content::Delete {
                id: MessageId(id),
                sent_at_ms: now,
                target: MessageId(target),
            };
            self.push(Operation::Amend {
                contact,
                message: Place::At(position),
                amendment: Amendment::Deleted { at_ms: now },
            });
            return Ok(Some(self.act(contact, id, &content)));
        }
        let id = parse_message_id(target).ok_or_else(|| failure::unknown_message(target))?;
        let (contact, message) = self.locate(id, target)?;
        self.withdraw_queued(contact, &BTreeSet::from([id]));
        self.withdraw_file(id);
        self.drop_kept(contact, Place::At(message));
        self.push(Operation::Amend {
            contact,
            message: Place::At(message),
            amendment: Amendment::Deleted { at_ms: now },
        });
        Ok(None)
    }

    pub(crate) fn react(&mut self, target: &str, emoji: String) -> Result<Sent, Failure> {
        let target_id = parse_message_id(target).ok_or_else(|| failure::unknown_message(target))?;
        let (contact, position) = self.locate(target_id, target)?;
        self.require_sendable(contact)?;
        let now = now_ms();
        let id = self.act_id(now);
        let content = Content::Reaction {
            id: MessageId(id),
            sent_at_ms: now,
            target: MessageId(target_id),
            emoji: emoji.clone(),
        };
        let amendment = Amendment::Reaction {
            incoming: false,
            emoji,
            at_ms: now,
        };
        self.push(Operation::Amend {
            contact,
            message: Place::At(position),
            amendment,
        });
        Ok(self.act(contact, id, &content))
    }

    /// Tells the senders that their messages were read, if the user lets that be told.
    pub(crate) fn read(&mut self, targets: &[String]) -> Result<Vec<Sent>, Failure> {
        let mut by_contact: Vec<(ContactId, Vec<MessageId>)> = Vec::new();
        for target in targets {
            let id = parse_message_id(target).ok_or_else(|| failure::unknown_message(target))?;
            let (contact, _) = self.locate(id, target)?;
            if self.receipts_for(contact) != Receipts::Read {
                return Err(failure::usage("read receipts are off for this contact")
                    .hint("solo2 config set privacy.receipts read"));
            }
            match by_contact.iter_mut().find(|(known, _)| *known == contact) {
                Some((_, ids)) => ids.push(MessageId(id)),
                None => by_contact.push((contact, vec![MessageId(id)])),
            }
        }
        let now = now_ms();
        let mut sent = Vec::new();
        for (contact, ids) in by_contact {
            self.require_sendable(contact)?;
            for ids in ids.chunks(64) {
                let id = self.act_id(now);
                let content = Content::Receipt {
                    state: ReceiptState::Read,
                    ids: ids.to_vec(),
                    at_ms: now,
                };
                if self.told.len() >= ACTS_MAX {
                    self.told.clear();
                }
                self.told.insert(id);
                let terms = QueueTerms {
                    give_up_at: None,
                    demand: self.demand,
                };
                self.enqueue(contact, &content, Some(id), terms);
                sent.push(Sent {
                    contact,
                    id,
                    file: false,
                });
            }
        }
        Ok(sent)
    }

    fn require_sendable(&self, contact: ContactId) -> Result<(), Failure> {
        let name = self
            .peers
            .get(&contact)
            .ok_or_else(failure::stopped)?
            .contact
            .name
            .clone();
        self.sendable(&name)?;
        self.check_route(contact, self.demand)
    }
}

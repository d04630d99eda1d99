//! Brings a post and its listeners together, in either order. No I/O: time is an
//! argument, and what is to be sent goes into the mailbox of its connection.
//!
//! ```text
//!             listen                       post
//!   (nothing) ──────► listeners ◄────────────┐ delivered at once, not kept
//!       │                 ▲                  │
//!       └──── post ───► kept blobs ── listen ┘ handed to the first listener
//!                         └─ ttl ─► wiped
//! ```
//! Tokens live in wiped boxes and are never formatted. Blobs stay in the buffer
//! that they were received in.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use zeroize::Zeroize;

use super::buffer::Frame;
use crate::wire::Token;

/// Blobs kept under one token; the oldest makes room.
pub(super) const BLOBS_PER_TOKEN: usize = 16;
/// Connections that share one token.
pub(super) const LISTENERS_PER_TOKEN: usize = 4;
/// Tokens that one connection listens under.
pub(super) const TOKENS_PER_CONNECTION: usize = 4096;
/// Exclusive tokens of one connection. They serve pairing, where one is usual;
/// the short codes of invitations must not be taken wholesale.
pub(super) const EXCLUSIVE_PER_CONNECTION: usize = 16;
/// Frames that wait for a connection to read them. One more, and it is dropped.
pub(super) const MAILBOX: usize = 256;
/// How long a frame may wait for its reader. With a `ttl` of 60 s no blob is
/// older than 65 s.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What the operator set.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// How long a blob is kept that nobody listens for.
    pub(super) ttl: Duration,
    /// Blobs kept altogether; the oldest makes room.
    pub(super) stored: usize,
    /// Tokens listened under altogether.
    pub(super) tokens: usize,
}

/// A token in a box of its own, so that no table and no move leaves a copy.
struct SecretToken(Box<[u8]>);

impl Drop for SecretToken {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A shared token, as the key of a table: compared by its bytes.
#[derive(Clone)]
struct Key(Arc<SecretToken>);

impl Key {
    fn new(token: &Token) -> Self {
        Self(Arc::new(SecretToken(token.as_slice().into())))
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0.0
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.0 == other.0.0
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.0.hash(state);
    }
}

/// A frame on its way to a connection.
pub(super) struct Parcel {
    pub(super) frame: Frame,
    /// When it is too late to send it.
    pub(super) until: Instant,
}

/// Where a connection is reached.
struct Mailbox {
    id: u64,
    parcels: mpsc::Sender<Parcel>,
    overflow: Arc<Notify>,
}

/// One connection, seen from here. Hand it back by [`Rendezvous::leave`].
pub(super) struct Visitor {
    mailbox: Arc<Mailbox>,
    tokens: HashSet<Key>,
    exclusive: HashSet<Key>,
}

impl Visitor {
    /// A visitor, the parcels for it, and what rings when it reads too slowly
    /// and is to be dropped.
    pub(super) fn new(id: u64) -> (Self, mpsc::Receiver<Parcel>, Arc<Notify>) {
        let (parcels, receiver) = mpsc::channel(MAILBOX);
        let overflow = Arc::new(Notify::new());
        let mailbox = Arc::new(Mailbox {
            id,
            parcels,
            overflow: Arc::clone(&overflow),
        });
        let visitor = Self {
            mailbox,
            tokens: HashSet::new(),
            exclusive: HashSet::new(),
        };
        (visitor, receiver, overflow)
    }
}

struct Slot {
    listeners: Vec<Arc<Mailbox>>,
    exclusive: bool,
    kept: VecDeque<Kept>,
}

struct Kept {
    number: u64,
    until: Instant,
    frame: Frame,
}

/// What became of a request to listen.
pub(super) enum Listened {
    /// Granted. These blobs were waiting; send them after the answer.
    Listening(Vec<Parcel>),
    /// Somebody else has the token.
    Busy,
    /// This connection has enough tokens.
    TooManyTokens,
    /// The server has enough tokens.
    Full,
}

/// All tokens and blobs there are.
pub(super) struct Rendezvous {
    bounds: Bounds,
    slots: HashMap<Key, Slot>,
    /// Kept blobs by age: the lowest number is the oldest.
    order: BTreeMap<u64, Key>,
    next: u64,
}

impl Rendezvous {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            slots: HashMap::new(),
            order: BTreeMap::new(),
            next: 0,
        }
    }

    /// How often to call [`Rendezvous::expire`].
    pub(super) fn sweep_period(&self) -> Duration {
        (self.bounds.ttl / 4).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }

    /// Makes the visitor a listener under the token. Asking twice is no error.
    pub(super) fn listen(
        &mut self,
        visitor: &mut Visitor,
        token: &Token,
        exclusive: bool,
        now: Instant,
    ) -> Listened {
        let known = visitor.tokens.contains(token.as_slice());
        if !known && visitor.tokens.len() >= TOKENS_PER_CONNECTION {
            return Listened::TooManyTokens;
        }
        let more_exclusive = exclusive && !visitor.exclusive.contains(token.as_slice());
        if more_exclusive && visitor.exclusive.len() >= EXCLUSIVE_PER_CONNECTION {
            return Listened::TooManyTokens;
        }
        let id = visitor.mailbox.id;
        let taken = self.slots.get(token.as_slice()).is_some_and(|slot| {
            let others = slot
                .listeners
                .iter()
                .filter(|listener| listener.id != id)
                .count();
            others > 0 && (exclusive || slot.exclusive || others >= LISTENERS_PER_TOKEN)
        });
        if taken {
            return Listened::Busy;
        }
        if !self.slots.contains_key(token.as_slice()) && self.slots.len() >= self.bounds.tokens {
            return Listened::Full;
        }
        let key = self.key(token);
        let slot = self.slots.entry(key.clone()).or_insert_with(Slot::new);
        if !slot.listeners.iter().any(|listener| listener.id == id) {
            slot.listeners.push(Arc::clone(&visitor.mailbox));
        }
        slot.exclusive = exclusive;
        let waiting = std::mem::take(&mut slot.kept);
        for kept in &waiting {
            self.order.remove(&kept.number);
        }
        if exclusive {
            visitor.exclusive.insert(key.clone());
        } else {
            visitor.exclusive.remove(token.as_slice());
        }
        visitor.tokens.insert(key);
        let parcel = |kept: Kept| Parcel {
            frame: kept.frame,
            until: now + PATIENCE,
        };
        Listened::Listening(
            waiting
                .into_iter()
                .filter(|kept| kept.until > now)
                .map(parcel)
                .collect(),
        )
    }

    /// Ends listening under the token, if the visitor did.
    pub(super) fn unlisten(&mut self, visitor: &mut Visitor, token: &Token) {
        visitor.exclusive.remove(token.as_slice());
        if visitor.tokens.take(token.as_slice()).is_some() {
            self.forget(token, visitor.mailbox.id);
        }
    }

    /// Ends listening under every token.
    pub(super) fn leave(&mut self, visitor: Visitor) {
        for key in &visitor.tokens {
            self.forget(key.borrow(), visitor.mailbox.id);
        }
        self.shrink();
    }

    /// Hands a `Deliver` frame to those who listen under the token, or keeps it.
    pub(super) fn post(&mut self, token: &Token, frame: Frame, now: Instant) {
        if let Some(slot) = self.slots.get_mut(token.as_slice()) {
            let parcel = || Parcel {
                frame: Arc::clone(&frame),
                until: now + PATIENCE,
            };
            slot.listeners.retain(|listener| {
                let sent = listener.parcels.try_send(parcel()).is_ok();
                if !sent {
                    // It does not read, or is gone: either way it is no listener.
                    listener.overflow.notify_one();
                }
                sent
            });
            if !slot.listeners.is_empty() {
                return;
            }
        }
        self.keep(token, frame, now);
    }

    /// Drops and wipes what is older than its time.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(oldest) = self.order.first_entry() {
            let expired = self
                .slots
                .get(oldest.get())
                .and_then(|slot| slot.kept.front())
                .is_none_or(|kept| kept.until <= now);
            if !expired {
                break;
            }
            self.drop_oldest();
        }
        self.shrink();
    }

    fn keep(&mut self, token: &Token, frame: Frame, now: Instant) {
        if self.bounds.stored == 0 {
            return;
        }
        while self.order.len() >= self.bounds.stored {
            self.drop_oldest();
        }
        let number = self.next;
        self.next += 1;
        let key = self.key(token);
        let slot = self.slots.entry(key.clone()).or_insert_with(Slot::new);
        if slot.kept.len() >= BLOBS_PER_TOKEN
            && let Some(oldest) = slot.kept.pop_front()
        {
            self.order.remove(&oldest.number);
        }
        slot.kept.push_back(Kept {
            number,
            until: now + self.bounds.ttl,
            frame,
        });
        self.order.insert(number, key);
    }

    /// The oldest blob of all is the oldest of its token too.
    fn drop_oldest(&mut self) {
        let Some((_, key)) = self.order.pop_first() else {
            return;
        };
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.kept.pop_front();
            if slot.is_empty() {
                self.slots.remove(&key);
            }
        }
    }

    fn forget(&mut self, token: &[u8], id: u64) {
        if let Some(slot) = self.slots.get_mut(token) {
            slot.listeners.retain(|listener| listener.id != id);
            if slot.listeners.is_empty() {
                slot.exclusive = false;
            }
            if slot.is_empty() {
                self.slots.remove(token);
            }
        }
    }

    /// The box that holds the token already, or a new one.
    fn key(&self, token: &Token) -> Key {
        match self.slots.get_key_value(token.as_slice()) {
            Some((key, _)) => key.clone(),
            None => Key::new(token),
        }
    }

    /// Gives the memory of a past flood back.
    fn shrink(&mut self) {
        if self.slots.capacity() > 1024 && self.slots.len() < self.slots.capacity() / 8 {
            self.slots.shrink_to(self.slots.len() * 2);
        }
    }
}

impl Slot {
    fn new() -> Self {
        Self {
            listeners: Vec::new(),
            exclusive: false,
            kept: VecDeque::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.listeners.is_empty() && self.kept.is_empty()
    }
}

#[cfg(test)]
mod tests;

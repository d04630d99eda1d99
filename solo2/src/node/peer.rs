//! What this side remembers of one contact's conversation, and the link it runs on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use solo2_crypto::agreement::OneTimeKeys;
use solo2_crypto::identity::DeviceCertificate;
use solo2_crypto::rendezvous;
use solo2_crypto::secret::Secret;
use solo2_crypto::session::Session;
use solo2_store::{Contact, ContactId};
use tokio::sync::{mpsc, watch};
use zeroize::Zeroizing;

use super::courier::Order;
use super::route::Wish;
use super::transfer::{self, Transfer};
use crate::net::RoutePolicy;
use crate::net::bulk::Lanes;
use crate::net::direct::PathState;
use crate::net::frame::Frame;
use crate::net::handshake::Psks;
use crate::net::link::LinkInfo;
use crate::net::onion::OnionError;
use crate::net::strands::Strands;

const STATE_VERSION: u8 = 1;

/// The secret half of a contact: one record in the vault, saved as a whole.
///
/// Its layout: docs/protocol/5-vault.md §4.
pub(crate) struct PeerState {
    /// Whether there is a pair secret: a contact that an archive brought has none.
    pub(crate) paired: bool,
    /// Fixed at pairing: meeting tokens, signal seals and datagram masks grow from it.
    pub(crate) pair_secret: Secret<32>,
    pub(crate) psks: Psks,
    /// `None` until the two sides agree on a session (again).
    pub(crate) session: Option<Session>,
    /// Sequence number of the next envelope to seal.
    pub(crate) next_send: u64,
    /// Sequence number of the next envelope to open.
    pub(crate) next_recv: u64,
    /// Files that are on their way, or wait for a decision.
    pub(crate) transfers: Vec<Transfer>,
}

impl PeerState {
    /// The state right after an agreement on `sk`.
    pub(crate) fn agreed(pair_secret: Secret<32>, sk: &Secret<32>, session: Session) -> Self {
        Self {
            paired: true,
            pair_secret,
            psks: Psks {
                current: rendezvous::session_psk(sk),
                previous: None,
                generation: 0,
            },
            session: Some(session),
            next_send: 1,
            next_recv: 1,
            transfers: Vec::new(),
        }
    }

    /// The state after this side lost the session: nothing to seal under, a secret to meet by.
    pub(crate) fn forgotten(pair_secret: Secret<32>) -> Self {
        let psks = Psks {
            current: Secret::new(&[0; 32]),
            previous: None,
            generation: 0,
        };
        Self {
            paired: true,
            pair_secret,
            psks,
            session: None,
            next_send: 1,
            next_recv: 1,
            transfers: Vec::new(),
        }
    }

    /// The state of a contact that must be paired with first: nothing to meet by.
    pub(crate) fn unpaired() -> Self {
        Self {
            paired: false,
            ..Self::forgotten(Secret::new(&[0; 32]))
        }
    }

    /// Everything but the pair secret, which is a record of its own.
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
        bytes.push(STATE_VERSION);
        bytes.extend_from_slice(self.psks.current.expose());
        bytes.push(u8::from(self.psks.previous.is_some()));
        if let Some(previous) = &self.psks.previous {
            bytes.extend_from_slice(previous.expose());
        }
        bytes.extend_from_slice(&self.psks.generation.to_be_bytes());
        bytes.extend_from_slice(&self.next_send.to_be_bytes());
        bytes.extend_from_slice(&self.next_recv.to_be_bytes());
        transfer::write(&self.transfers, &mut bytes);
        if let Some(session) = &self.session {
            bytes.extend_from_slice(&session.to_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(pair_secret: Secret<32>, bytes: &[u8]) -> Option<Self> {
        let (&version, mut rest) = bytes.split_first()?;
        if version != STATE_VERSION {
            return None;
        }
        let current = Secret::new(&take(&mut rest)?);
        let previous = match take::<1>(&mut rest)? {
            [0] => None,
            [1] => Some(Secret::new(&take(&mut rest)?)),
            _ => return None,
        };
        let generation = u32::from_be_bytes(take(&mut rest)?);
        let next_send = u64::from_be_bytes(take(&mut rest)?);
        let next_recv = u64::from_be_bytes(take(&mut rest)?);
        let transfers = transfer::read(&mut rest)?;
        let session = match rest {
            [] => None,
            bytes => Some(Session::from_bytes(bytes).ok()?),
        };
        let psks = Psks {
            current,
            previous,
            generation,
        };
        Some(Self {
            paired: true,
            pair_secret,
            psks,
            session,
            next_send,
            next_recv,
            transfers,
        })
    }

    pub(crate) fn transfer(&self, id: [u8; 16]) -> Option<&Transfer> {
        self.transfers.iter().find(|transfer| transfer.id == id)
    }

    pub(crate) fn transfer_mut(&mut self, id: [u8; 16]) -> Option<&mut Transfer> {
        self.transfers.iter_mut().find(|transfer| transfer.id == id)
    }

    /// The session's name on the wire, zeros without one.
    pub(crate) fn session_id(&self) -> [u8; 16] {
        self.session.as_ref().map_or([0; 16], Session::id)
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (field, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*field)
}

/// One outbox item as the node keeps it in memory; its bytes stay in the vault.
pub(crate) struct Queued {
    /// Names the item until the vault has given it a position.
    pub(crate) ticket: u64,
    pub(crate) position: Option<u64>,
    pub(crate) message: Option<[u8; 16]>,
    /// First sequence number and count of its envelopes; count 0 = not sealed yet.
    pub(crate) first_seq: u64,
    pub(crate) count: u64,
    /// Unix milliseconds.
    pub(crate) queued_at: u64,
    /// Unix milliseconds after which an unsealed item is given up.
    pub(crate) give_up_at: Option<u64>,
    /// The one route that it may take.
    pub(crate) demand: Option<RoutePolicy>,
}

/// The keys that a contact's courier needs beside the node.
pub(crate) struct PeerKeys {
    pub(crate) contact: ContactId,
    pub(crate) certificate: DeviceCertificate,
    pub(crate) pair_secret: Secret<32>,
    psks: Mutex<Option<Psks>>,
    /// Why the last attempt under a policy that hides us came to nothing.
    trouble: Mutex<Option<Trouble>>,
    /// The strands of the newest link, while it lives.
    strands: Mutex<Weak<Strands>>,
}

/// Why no link under a policy that hides us came up.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// No relay lends us an address.
    Relay(String),
    /// Tor, or what is behind it.
    Tor(OnionError),
}

impl PeerKeys {
    pub(crate) fn new(
        contact: ContactId,
        certificate: DeviceCertificate,
        state: &PeerState,
    ) -> Self {
        Self {
            contact,
            certificate,
            pair_secret: state.pair_secret.duplicate(),
            psks: Mutex::new(state.session.as_ref().map(|_| state.psks.duplicate())),
            trouble: Mutex::new(None),
            strands: Mutex::default(),
        }
    }

    /// What was in the way of the last attempt, if it was to hide us.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set_trouble(&self, trouble: Option<Trouble>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// What a further stream of the contact's through Tor may belong to.
    pub(crate) fn strands(&self) -> Option<Arc<Strands>> {
        let strands = self.strands.lock().unwrap_or_else(PoisonError::into_inner);
        strands.upgrade()
    }

    pub(crate) fn set_strands(&self, strands: &Arc<Strands>) {
        *self.strands.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(strands);
    }

    /// The psk chain for a handshake; `None` when a new agreement is due.
    pub(crate) fn psks(&self) -> Option<Psks> {
        let psks = self.psks.lock().unwrap_or_else(PoisonError::into_inner);
        psks.as_ref().map(Psks::duplicate)
    }

    /// The chains have parted: the next handshake agrees anew.
    pub(crate) fn forget_psks(&self) {
        *self.psks.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn set_psks(&self, state: &PeerState) {
        let new = state.session.as_ref().map(|_| state.psks.duplicate());
        *self.psks.lock().unwrap_or_else(PoisonError::into_inner) = new;
    }
}

/// Where a fresh link stands before envelopes may cross.
pub(crate) enum Phase {
    /// Our Hello is out, theirs is awaited.
    AwaitHello {
        random: [u8; 32],
        psk: Secret<32>,
        generation: Option<u32>,
        hash: [u8; 32],
    },
    /// The agreement's responder sent its bundle and keeps the private halves.
    AwaitInitial(Box<OneTimeKeys>, Box<solo2_crypto::ratchet::RatchetKeys>),
    /// The agreement's initiator asked for a bundle, or sent its message and awaits the last word.
    AwaitAgreement,
    /// Counters agree: envelopes cross.
    Up,
}

/// A link that the node may send on.
pub(crate) struct LiveLink {
    pub(crate) serial: u64,
    /// What it was made under.
    pub(crate) policy: RoutePolicy,
    pub(crate) frames: mpsc::UnboundedSender<Frame>,
    pub(crate) info: watch::Receiver<LinkInfo>,
    pub(crate) path: watch::Receiver<PathState>,
    /// What was last told of its path.
    pub(crate) route: &'static str,
    /// What carries it.
    pub(crate) transport: &'static str,
    pub(crate) lanes: Lanes,
    pub(crate) initiator: bool,
    pub(crate) phase: Phase,
}

/// One contact as the node runs it.
pub(crate) struct Peer {
    pub(crate) contact: Contact,
    pub(crate) state: PeerState,
    pub(crate) keys: Arc<PeerKeys>,
    pub(crate) link: Option<LiveLink>,
    pub(crate) outbox: VecDeque<Queued>,
    /// What its links are made under.
    pub(crate) wish: Wish,
    /// What the user chose, whatever is on its way demands.
    pub(crate) chosen: Wish,
    pub(crate) courier: mpsc::UnboundedSender<Order>,
}

impl Peer {
    /// The oldest envelope that the peer has not acknowledged.
    pub(crate) fn oldest_unacknowledged(&self) -> u64 {
        self.outbox
            .iter()
            .find(|queued| queued.count > 0)
            .map_or(self.state.next_send, |queued| queued.first_seq)
    }

    /// The route of the link, if it is up.
    pub(crate) fn route(&self) -> Option<&'static str> {
        let link = self.link.as_ref().filter(|_| self.is_up());
        link.map(|link| link.route)
    }

    /// Whether something with this demand may take the present link.
    pub(crate) fn takes(&self, demand: Option<RoutePolicy>) -> bool {
        let policy = self.link.as_ref().map(|link| link.policy);
        demand.is_none_or(|demand| policy.is_some_and(|policy| policy.meets(demand)))
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(
            &self.link,
            Some(LiveLink {
                phase: Phase::Up,
                ..
            })
        )
    }

    /// Whether messages may be exchanged with this contact at all.
    pub(crate) fn is_open(&self) -> bool {
        self.state.paired && !self.contact.blocked && self.contact.changed_to.is_none()
    }
}

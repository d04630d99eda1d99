//! From a finished handshake to envelopes: Hello, and an agreement when memories differ.
//!
//! ```text
//!   LinkReady ──Hello──► AwaitHello ──counters agree──────────────────► Up
//!                             │ either side sees a gap or a rollback
//!                             ▼
//!            initiator: 0 ask ──► responder: 1 bundle ──► initiator: 2 PQXDH ──► responder: 3 done
//! ```
//! Sealing starts only behind `Up`, so a copy of the vault that was rolled back never
//! seals under an old ratchet. Spec: docs/protocol/3-links.md §4.

use rand::Rng as _;
use solo2_crypto::agreement::{self, OneTimeKeys};
use solo2_crypto::content::Content;
use solo2_crypto::noise::next_psk;
use solo2_crypto::ratchet::{RatchetKeys, RatchetPublic};
use solo2_crypto::rendezvous;
use solo2_crypto::secret::Secret;
use solo2_crypto::session::Session;
use solo2_store::ContactId;

use super::core::{Core, ReadyLink};
use super::courier::Order;
use super::event::Event;
use super::outbox::QueueTerms;
use super::peer::{LiveLink, Peer, Phase};
use super::{route, serve};
use crate::net::frame::{Frame, Hello};
use crate::net::handshake::Psks;
use crate::net::link::LinkError;

/// Steps of the agreement as frames name them.
const ASK: u8 = 0;
const BUNDLE: u8 = 1;
const INITIAL: u8 = 2;
const DONE: u8 = 3;

impl Core {
    pub(crate) fn on_link_ready(&mut self, ready: ReadyLink) {
        let contact = ready.contact;
        // What was sealed for the link before has its place on the disk, to be sent again.
        self.place_sealed(contact);
        let mut random = [0; 32];
        self.rng.fill_bytes(&mut random);
        let Some(peer) = self.peers.get_mut(&contact) else {
            return;
        };
        if !peer.is_open() || !peer.wish.allows(ready.policy) || !self.net.carries(ready.transport)
        {
            return;
        }
        let hello = Hello {
            session: peer.state.session_id(),
            next_send: peer.state.next_send,
            next_recv: peer.state.next_recv,
            random,
        };
        let route = route::name(&ready.path.borrow());
        peer.link = Some(LiveLink {
            serial: ready.serial,
            policy: ready.policy,
            frames: ready.frames,
            info: ready.info,
            route,
            transport: ready.transport,
            path: ready.path,
            lanes: ready.lanes,
            initiator: ready.initiator,
            phase: Phase::AwaitHello {
                random,
                psk: ready.psk,
                generation: ready.generation,
                hash: ready.hash,
            },
        });
        self.send_frame(contact, Frame::Hello(Box::new(hello)));
    }

    pub(crate) fn on_link_down(&mut self, contact: ContactId, serial: u64, reason: LinkError) {
        let Some(peer) = self.peers.get_mut(&contact) else {
            return;
        };
        if peer.link.as_ref().is_some_and(|link| link.serial == serial) {
            let was = peer.route();
            peer.link = None;
            if was.is_some() {
                self.emit(Event::route(contact, was, None, &reason.to_string()));
            }
        }
    }

    /// The path of a link that is up goes another way now.
    pub(crate) fn on_rerouted(&mut self, contact: ContactId, serial: u64) {
        let Some(peer) = self.peers.get_mut(&contact) else {
            return;
        };
        let up = peer.is_up();
        let Some(link) = peer.link.as_mut().filter(|link| link.serial == serial) else {
            return;
        };
        let now = route::name(&link.path.borrow());
        let before = std::mem::replace(&mut link.route, now);
        if up && before != now {
            self.emit(Event::route(contact, Some(before), Some(now), "path"));
        }
    }

    /// One frame of the peer; a frame that has no business here ends the link.
    pub(crate) fn on_frame(&mut self, contact: ContactId, serial: u64, frame: Frame) {
        let Some(peer) = self.peers.get(&contact) else {
            return;
        };
        let Some(link) = peer.link.as_ref().filter(|link| link.serial == serial) else {
            return;
        };
        let up = matches!(link.phase, Phase::Up);
        match frame {
            Frame::Hello(hello) => self.on_hello(contact, &hello),
            Frame::Agreement { step, bytes } => self.on_agreement(contact, step, &bytes),
            Frame::Envelope { seq, envelope } if up => self.on_envelope(contact, seq, &envelope),
            Frame::Ack { next } if up => self.on_ack(contact, next),
            // Sent before the peer learned that a new agreement is due: it is sent again after it.
            Frame::Envelope { .. } | Frame::Ack { .. } => {}
            _ => self.drop_link(contact, "frame out of place"),
        }
    }

    /// Ends the present link; the courier dials anew.
    pub(crate) fn drop_link(&mut self, contact: ContactId, why: &str) {
        tracing::info!("link dropped: {why}");
        if let Some(peer) = self.peers.get_mut(&contact) {
            let was = peer.route();
            peer.link = None;
            let _ = peer.courier.send(Order::Reset);
            if was.is_some() {
                self.emit(Event::route(contact, was, None, why));
            }
        }
    }

    fn on_hello(&mut self, contact: ContactId, hello: &Hello) {
        let Some(peer) = self.peers.get_mut(&contact) else {
            return;
        };
        let oldest = peer.oldest_unacknowledged();
        let Some(link) = peer.link.as_mut() else {
            return;
        };
        let phase = std::mem::replace(&mut link.phase, Phase::AwaitAgreement);
        let Phase::AwaitHello {
            random,
            psk,
            generation,
            hash,
        } = phase
        else {
            self.drop_link(contact, "second hello");
            return;
        };
        let state = &mut peer.state;
        let agree = generation.is_some()
            && state.session.is_some()
            && hello.session == state.session_id()
            && hello.next_recv <= state.next_send
            && hello.next_recv >= oldest
            && hello.next_send >= state.next_recv;
        let initiator = link.initiator;
        if let Some(used) = generation {
            let next = next_psk(&psk, &hash, &random, &hello.random, initiator);
            state.psks = Psks {
                current: next,
                previous: Some(psk),
                generation: used + 1,
            };
            peer.keys.set_psks(state);
            self.touch(contact);
        }
        match (agree, initiator) {
            (true, _) => self.on_up(contact, hello.next_recv),
            (false, true) => self.send_frame(
                contact,
                Frame::Agreement {
                    step: ASK,
                    bytes: Vec::new(),
                },
            ),
            (false, false) => self.send_bundle(contact),
        }
    }

    /// Counters agree: send again what was lost, seal what waits.
    fn on_up(&mut self, contact: ContactId, their_next: u64) {
        if let Some(peer) = self.peers.get_mut(&contact)
            && let Some(link) = peer.link.as_mut()
        {
            link.phase = Phase::Up;
            let (net, lanes) = (self.net.clone(), link.lanes.clone());
            // Ends with the connection.
            tokio::spawn(serve::serve(net, lanes, contact, link.serial));
            let _ = peer.courier.send(Order::Up);
        }
        let route = self.peers.get(&contact).and_then(Peer::route);
        self.emit(Event::route(contact, None, route, "link"));
        // In their order: what was sealed before anything that is sealed now.
        self.acknowledged(contact, their_next);
        self.resend(contact, their_next);
        self.pump_outbox(contact);
        self.pull_files(contact);
        self.pipes.wake();
    }

    fn send_bundle(&mut self, contact: ContactId) {
        let one_time = OneTimeKeys::generate(&mut self.rng);
        let ratchet = RatchetKeys::generate(&mut self.rng);
        let bundle = one_time.bundle(&self.me.device, &ratchet.public().as_bytes());
        if let Some(link) = self
            .peers
            .get_mut(&contact)
            .and_then(|peer| peer.link.as_mut())
        {
            link.phase = Phase::AwaitInitial(Box::new(one_time), Box::new(ratchet));
        }
        self.send_frame(
            contact,
            Frame::Agreement {
                step: BUNDLE,
                bytes: bundle,
            },
        );
    }

    fn on_agreement(&mut self, contact: ContactId, step: u8, bytes: &[u8]) {
        let Some(peer) = self.peers.get_mut(&contact) else {
            return;
        };
        let Some(link) = peer.link.as_mut() else {
            return;
        };
        let initiator = link.initiator;
        let waits = matches!(link.phase, Phase::AwaitHello { .. });
        match (step, initiator) {
            _ if waits => self.drop_link(contact, "agreement before hello"),
            // Both saw the gap: the bundle that our own Hello led to is on its way.
            (ASK, false) if matches!(link.phase, Phase::AwaitInitial(..)) => {}
            (ASK, false) => self.send_bundle(contact),
            (BUNDLE, true) => self.answer_bundle(contact, bytes),
            (INITIAL, false) => self.finish_agreement(contact, bytes),
            (DONE, true) if matches!(link.phase, Phase::AwaitAgreement) => self.on_agreed(contact),
            _ => self.drop_link(contact, "agreement out of order"),
        }
    }

    /// The initiator's half of PQXDH.
    fn answer_bundle(&mut self, contact: ContactId, bundle: &[u8]) {
        let Some(peer) = self.peers.get_mut(&contact) else {
            return;
        };
        let agreed = agreement::initiate(
            &self.me.device,
            &self.me.certificate,
            &peer.keys.certificate,
            bundle,
            &mut self.rng,
        );
        let session = agreed.ok().and_then(|(initial, agreed, theirs)| {
            let theirs = RatchetPublic::from_bytes(&theirs).ok()?;
            let session =
                Session::initiator(&agreed.sk, &agreed.ad, &theirs, &mut self.rng).ok()?;
            Some((initial, agreed.sk, session))
        });
        let Some((initial, sk, session)) = session else {
            self.drop_link(contact, "bad key bundle");
            return;
        };
        if let Some(link) = peer.link.as_mut() {
            link.phase = Phase::AwaitAgreement;
        }
        self.start_session(contact, &sk, session);
        self.send_frame(
            contact,
            Frame::Agreement {
                step: INITIAL,
                bytes: initial,
            },
        );
    }

    /// The responder's half of PQXDH.
    fn finish_agreement(&mut self, contact: ContactId, initial: &[u8]) {
        let Some(peer) = self.peers.get_mut(&contact) else {
            return;
        };
        let Some(link) = peer.link.as_mut() else {
            return;
        };
        let phase = std::mem::replace(&mut link.phase, Phase::AwaitAgreement);
        let Phase::AwaitInitial(one_time, ratchet) = phase else {
            self.drop_link(contact, "agreement out of order");
            return;
        };
        let agreed = agreement::respond(
            &self.me.device,
            &self.me.certificate,
            &peer.keys.certificate,
            *one_time,
            initial,
        );
        let Ok(agreed) = agreed else {
            self.drop_link(contact, "bad key agreement");
            return;
        };
        let session = Session::responder(&agreed.sk, &agreed.ad, *ratchet);
        self.start_session(contact, &agreed.sk, session);
        self.send_frame(
            contact,
            Frame::Agreement {
                step: DONE,
                bytes: Vec::new(),
            },
        );
        self.on_agreed(contact);
    }

    /// Replaces the session; what was sealed under the old one waits to be sealed again.
    fn start_session(&mut self, contact: ContactId, sk: &Secret<32>, session: Session) {
        let Some(peer) = self.peers.get_mut(&contact) else {
            return;
        };
        let renewed = peer.state.session.is_some();
        peer.state.session = Some(session);
        peer.state.psks = Psks {
            current: rendezvous::session_psk(sk),
            previous: None,
            generation: 0,
        };
        peer.state.next_send = 1;
        peer.state.next_recv = 1;
        peer.keys.set_psks(&peer.state);
        self.unseal_outbox(contact);
        self.touch(contact);
        if renewed {
            self.emit(Event::session_reset(contact));
        }
    }

    fn on_agreed(&mut self, contact: ContactId) {
        let speaks_first = self.peers.get(&contact).is_some_and(|peer| {
            peer.outbox.is_empty() && peer.link.as_ref().is_some_and(|link| link.initiator)
        });
        if speaks_first {
            // The first ratchet message, whatever it is, gives the responder its sending chain.
            self.enqueue(contact, &Content::Ready, None, QueueTerms::default());
        }
        self.on_up(contact, 1);
    }
}

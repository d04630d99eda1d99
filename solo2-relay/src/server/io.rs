//! The pump around the engine: receives in batches, hands each datagram to
//! [`super::turn`], and sends what comes out in as few calls as it can.
//!
//! Each worker has one, and sends by its own sockets. The engine is theirs together; a
//! worker locks it to decide what becomes of a batch ([`super::batch`]), and lets it go
//! before it sends. What arrived together from one client (UDP_GRO) and goes on together to
//! another is not even copied: its headers are changed where it lies, and it leaves in one
//! call (see [`super::egress`]).

use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::{Arc, MutexGuard};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use quinn_udp::{BATCH_SIZE, RecvMeta};
use tokio::io::Interest;

use super::batch::{Arrival, Batch};
use super::egress::{By, Egress, Send, Target, Udp};
use super::relayed::WorkersSockets;
use super::shared::Shared;
use super::turn::{Client, Now, Turn, Via};

/// What one receive may bring: the kernel gathers up to 64 KiB from one client.
const BUFFER_LEN: usize = 1 << 16;
/// Batches taken from a socket before others have their turn.
const BATCHES: usize = 16;

/// The time, now.
pub(super) fn now() -> Now {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    Now {
        instant: Instant::now(),
        unix,
    }
}

/// A listening socket of one worker, and its address.
pub(super) struct Listener {
    pub(super) udp: Udp,
    pub(super) address: SocketAddr,
}

/// One worker's share of the relay, on its thread.
pub(super) struct Pump {
    shared: Arc<Shared>,
    listeners: Vec<Listener>,
    hands: RefCell<Hands>,
}

/// What a worker works with. Nobody holds it while waiting.
pub(super) struct Hands {
    pub(super) buffers: Box<[u8]>,
    pub(super) batch: Batch,
    metas: [RecvMeta; BATCH_SIZE],
    egress: Egress,
}

/// The engine while it is locked, as one worker sees it.
pub(super) struct Engine<'a> {
    pub(super) turn: MutexGuard<'a, Turn>,
    pub(super) sockets: WorkersSockets<'a>,
    /// When it was locked: for the engine, time never goes back.
    pub(super) now: Now,
}

impl Pump {
    pub(super) fn new(shared: Arc<Shared>, listeners: Vec<Listener>) -> Rc<Self> {
        Rc::new(Self {
            shared,
            listeners,
            hands: RefCell::new(Hands {
                buffers: vec![0; BATCH_SIZE * BUFFER_LEN].into(),
                batch: Batch::default(),
                metas: [RecvMeta::default(); BATCH_SIZE],
                egress: Egress::default(),
            }),
        })
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Locks the engine until dropped.
    pub(super) fn engine(self: &Rc<Self>) -> Engine<'_> {
        let turn = self.shared.turn();
        Engine {
            turn,
            sockets: WorkersSockets(self),
            now: now(),
        }
    }

    /// Does something with the hands of this worker.
    pub(super) fn work<T>(&self, work: impl FnOnce(&mut Hands) -> T) -> T {
        work(&mut self.hands.borrow_mut())
    }

    /// Lets go of what has expired. To be called about once a second, by one worker.
    pub(super) fn expire(self: &Rc<Self>) {
        let mut engine = self.engine();
        let now = engine.now;
        engine.turn.expire(now, &mut engine.sockets);
        let known = engine.turn.connected();
        drop(engine);
        let streams = &self.shared.streams;
        streams.expire(now.instant, |number| known.contains(&number));
    }

    /// Serves clients on one listening socket, until dropped.
    pub(super) async fn serve_clients(self: Rc<Self>, number: u16) {
        let Some(listener) = self.listeners.get(usize::from(number)) else {
            return;
        };
        let several = listener.address.ip().is_unspecified();
        let hear = |hands: &mut Hands, engine: &mut Engine<'_>, meta: &RecvMeta, arrival| {
            // An answer cannot come from an address that many have.
            let local = meta.dst_ip.filter(|_| several);
            if local.is_some_and(|ip| ip.is_multicast() || ip == IpAddr::from([255; 4])) {
                return;
            }
            let client = Client {
                via: Via::Udp(number),
                address: meta.addr,
                local,
            };
            let Hands { buffers, batch, .. } = hands;
            batch.hear_client(engine, client, buffers, arrival);
        };
        self.serve(&listener.udp, hear).await;
    }

    /// Serves peers on the socket of a relayed address, until dropped.
    pub(super) async fn serve_peers(self: Rc<Self>, relayed: SocketAddr, udp: Arc<Udp>) {
        let hear = |hands: &mut Hands, engine: &mut Engine<'_>, meta: &RecvMeta, arrival| {
            let Hands { buffers, batch, .. } = hands;
            batch.hear_peer(engine, (relayed, meta.addr), buffers, arrival);
        };
        self.serve(&udp, hear).await;
    }

    /// Hears all that comes by a socket, and sends what it leads to.
    async fn serve(
        self: &Rc<Self>,
        udp: &Udp,
        hear: impl Fn(&mut Hands, &mut Engine<'_>, &RecvMeta, Arrival),
    ) {
        while udp.socket.readable().await.is_ok() {
            for _ in 0..BATCHES {
                let hands = &mut *self.hands.borrow_mut();
                let Ok(count) = hands.receive(udp) else {
                    break;
                };
                let mut at = 0;
                while at < count {
                    let mut engine = self.engine();
                    while at < count && !hands.batch.is_full() {
                        if let Some(meta) = hands.metas.get(at).copied() {
                            hear(hands, &mut engine, &meta, arrival(at, &meta));
                        }
                        at += 1;
                    }
                    drop(engine);
                    hands.send(self);
                }
                hands.egress.flush(&**self);
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Hands {
    fn receive(&mut self, udp: &Udp) -> io::Result<usize> {
        let mut chunks = self.buffers.chunks_mut(BUFFER_LEN);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let receive = || {
            udp.state
                .recv((&udp.socket).into(), &mut slices, &mut self.metas)
        };
        udp.socket.try_io(Interest::READABLE, receive)
    }

    /// Sends what was decided, or gathers it with what comes next.
    fn send(&mut self, pump: &Pump) {
        self.batch.send(&mut self.egress, pump, &self.buffers);
    }

    /// Sends what was decided, and all that was gathered.
    pub(super) fn finish(&mut self, pump: &Pump) {
        self.send(pump);
        self.egress.flush(pump);
    }
}

/// All datagrams of one buffer: from one sender, of one size but the last.
fn arrival(at: usize, meta: &RecvMeta) -> Arrival {
    let start = at * BUFFER_LEN;
    Arrival {
        range: start..start + meta.len,
        stride: meta.stride.max(1),
        ecn: meta.ecn,
    }
}

impl Send for Pump {
    fn send(&self, to: &Target, bytes: &[u8], segment: usize) {
        match to.by {
            By::Listener(number) => {
                if let Some(listener) = self.listeners.get(usize::from(number)) {
                    listener.udp.send(to, bytes, segment);
                }
            }
            By::Stream(number) => self.shared.streams.put(number, bytes, segment),
            By::Relayed(relayed) => self.shared.relayed.send(relayed, to, bytes, segment),
        }
    }
}

//! The pump around the engine: receives in batches, hands each datagram to
//! [`super::turn`], and sends what comes out in as few calls as it can.
//!
//! One thread does it all, so nothing is locked. What arrived together from one client
//! (UDP_GRO) and goes on together to another is not even copied: its headers are changed
//! where it lies, and it leaves in one call (see [`super::egress`]).

use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::rc::{Rc, Weak};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSocketState};
use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;

use super::Sums;
use super::control::Limits;
use super::egress::{By, Egress, Send, Target, Udp};
use super::relayed::RelayedSockets;
use super::stream::{Connections, StreamListener, Streams};
use super::turn::{Action, Client, Now, Turn, Via};

/// What one receive may bring: the kernel gathers up to 64 KiB from one client.
const BUFFER_LEN: usize = 1 << 16;
/// What the kernel may keep for a listening socket, each way, in bytes.
const LISTENER_QUEUE: usize = 8 << 20;
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

/// Opens a UDP socket. IPv6 sockets take no IPv4, so that nobody has two addresses.
pub(super) fn open(address: SocketAddr, queue: usize) -> io::Result<Udp> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM.nonblocking(),
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Only root gets more than the system's usual; others get what there is. Then more is
    // lost under load, and nothing else.
    if set_socket_recv_buffer_size_force(&socket, queue).is_err() {
        let _ = socket.set_recv_buffer_size(queue);
    }
    let _ = socket.set_send_buffer_size(queue);
    socket.bind(&address.into())?;
    let state = UdpSocketState::new((&socket).into())?;
    Ok(Udp {
        socket: tokio::net::UdpSocket::from_std(socket.into())?,
        state,
    })
}

/// Opens a listening socket.
pub(super) fn listen(address: SocketAddr) -> io::Result<Listener> {
    let udp = open(address, LISTENER_QUEUE)?;
    let address = udp.socket.local_addr()?;
    Ok(Listener { udp, address })
}

/// A listening socket, and the address it got.
pub(super) struct Listener {
    udp: Udp,
    pub(super) address: SocketAddr,
}

/// Where clients come in and answers go out.
pub(super) struct Doors {
    pub(super) listeners: Vec<Listener>,
    pub(super) stream_listeners: Vec<StreamListener>,
    pub(super) streams: Streams,
}

/// The whole relay, on one thread.
pub(super) struct Pump {
    doors: Doors,
    core: RefCell<Core>,
}

/// What changes. Nobody holds it while waiting.
pub(super) struct Core {
    pub(super) turn: Turn,
    relayed: RelayedSockets,
    egress: Egress,
    reply: Vec<u8>,
    pub(super) buffers: Box<[u8]>,
    metas: [RecvMeta; BATCH_SIZE],
}

impl Pump {
    /// `bind` says on which addresses of this machine relayed sockets are bound; without
    /// it, relayed addresses have no sockets.
    pub(super) fn new(doors: Doors, turn: Turn, bind: Option<Vec<IpAddr>>) -> Rc<Self> {
        Rc::new_cyclic(|pump| Self {
            doors,
            core: RefCell::new(Core {
                turn,
                relayed: RelayedSockets::new(Weak::clone(pump), bind),
                egress: Egress::default(),
                reply: Vec::with_capacity(2048),
                buffers: vec![0; BATCH_SIZE * BUFFER_LEN].into(),
                metas: [RecvMeta::default(); BATCH_SIZE],
            }),
        })
    }

    pub(super) fn doors(&self) -> &Doors {
        &self.doors
    }

    /// Does something with the engine and its sockets.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Turn, &mut RelayedSockets) -> T) -> T {
        let core = &mut *self.core.borrow_mut();
        work(&mut core.turn, &mut core.relayed)
    }

    /// Sums over everybody.
    pub(super) fn sums(&self) -> Sums {
        let connections = self.doors.streams.open();
        self.with(|turn, _| {
            let counts = turn.counts();
            Sums {
                live: turn.allocations(),
                connections,
                allocations: counts.allocations,
                datagrams: counts.datagrams,
                bytes: counts.bytes,
                refusals: counts.refusals,
            }
        })
    }

    /// What is allowed.
    pub(super) fn limits(&self) -> Limits {
        let Connections { all, each } = self.doors.streams.most();
        let (max_allocs, max_allocs_per_cred, rate) = self.with(|turn, _| turn.limits());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it came from a number of bits"
        )]
        let max_bps_per_cred = rate.map(|bytes| (bytes * 8.0) as u64);
        Limits {
            max_allocs,
            max_allocs_per_cred,
            max_bps_per_cred,
            max_connections: all,
            max_connections_per_address: each,
        }
    }

    /// Allows this from now on. What there is stays.
    pub(super) fn limit(&self, limits: Limits) {
        self.doors.streams.limit(Connections {
            all: limits.max_connections,
            each: limits.max_connections_per_address,
        });
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate needs no more than 52 bits"
        )]
        let rate = limits.max_bps_per_cred.map(|bits| bits as f64 / 8.0);
        let (all, each) = (limits.max_allocs, limits.max_allocs_per_cred);
        self.with(|turn, _| turn.limit(all, each, rate));
    }

    /// Does something with all of it.
    pub(super) fn read<T>(&self, work: impl FnOnce(&mut Core, &Doors) -> T) -> T {
        work(&mut self.core.borrow_mut(), &self.doors)
    }

    /// Lets go of what has expired. To be called about once a second.
    pub(super) fn expire(&self, now: Now) {
        let core = &mut *self.core.borrow_mut();
        core.turn.expire(now, &mut core.relayed);
        let known = core.turn.connected();
        let streams = &self.doors.streams;
        streams.expire(now.instant, |number| known.contains(&number));
    }

    /// Serves clients on one listening socket, until dropped.
    pub(super) async fn serve_clients(self: Rc<Self>, number: u16) {
        let Some(listener) = self.doors.listeners.get(usize::from(number)) else {
            return;
        };
        let several = listener.address.ip().is_unspecified();
        while listener.udp.socket.readable().await.is_ok() {
            for _ in 0..BATCHES {
                let core = &mut *self.core.borrow_mut();
                let Ok(count) = core.receive(&listener.udp) else {
                    break;
                };
                let now = now();
                for at in 0..count {
                    core.clients_datagrams(&self.doors, number, several, at, now);
                }
                core.flush(&self.doors);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Serves peers on the socket of a relayed address, until dropped.
    pub(super) async fn serve_peers(self: Rc<Self>, relayed: SocketAddr, udp: Rc<Udp>) {
        while udp.socket.readable().await.is_ok() {
            for _ in 0..BATCHES {
                let core = &mut *self.core.borrow_mut();
                let Ok(count) = core.receive(&udp) else {
                    break;
                };
                let now = now();
                for at in 0..count {
                    core.peers_datagrams(&self.doors, relayed, at, now);
                }
                core.flush(&self.doors);
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Core {
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

    /// All datagrams of one buffer: from one client, of one size but the last.
    fn clients_datagrams(
        &mut self,
        doors: &Doors,
        number: u16,
        several: bool,
        at: usize,
        now: Now,
    ) {
        let Some(meta) = self.metas.get(at).copied() else {
            return;
        };
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
        let sockets = AllSockets {
            doors,
            relayed: &mut self.relayed,
        };
        let start = at * BUFFER_LEN;
        let Some(buffer) = self.buffers.get_mut(start..start + meta.len) else {
            return;
        };
        let stride = meta.stride.max(1);
        let mut run: Option<(Target, Range<usize>)> = None;
        let mut from = 0;
        while from < buffer.len() {
            let end = (from + stride).min(buffer.len());
            let Some(datagram) = buffer.get_mut(from..end) else {
                break;
            };
            let action =
                self.turn
                    .hear_client(now, client, datagram, &mut self.reply, sockets.relayed);
            match action {
                Action::Nothing => {}
                Action::Forward { to, len } => {
                    let to = Target {
                        ecn: meta.ecn,
                        ..target(to)
                    };
                    match &mut run {
                        // It lies right behind the last one, so all before it are whole.
                        Some((there, range)) if *there == to && range.end == from => {
                            range.end = from + len;
                        }
                        _ => {
                            finish(&mut self.egress, &sockets, run.take(), buffer, stride);
                            run = Some((to, from..from + len));
                        }
                    }
                }
                Action::Reply { to } => {
                    finish(&mut self.egress, &sockets, run.take(), buffer, stride);
                    self.egress.push(&sockets, target(to), &self.reply);
                }
                Action::Peer { from: by, to, data } => {
                    let datagram = buffer
                        .get(from..end)
                        .and_then(|datagram| datagram.get(data));
                    let to = Target {
                        by: By::Relayed(by),
                        address: to,
                        local: None,
                        ecn: meta.ecn,
                    };
                    self.egress.push(&sockets, to, datagram.unwrap_or_default());
                }
            }
            from = end;
        }
        finish(&mut self.egress, &sockets, run, buffer, stride);
    }

    /// One message of a client that is connected.
    pub(super) fn clients_message(
        &mut self,
        doors: &Doors,
        client: Client,
        message: &mut [u8],
        now: Now,
    ) {
        let action =
            self.turn
                .hear_client(now, client, message, &mut self.reply, &mut self.relayed);
        let sockets = AllSockets {
            doors,
            relayed: &mut self.relayed,
        };
        let (to, bytes) = match action {
            Action::Nothing => return,
            Action::Forward { to, len } => (target(to), message.get(..len)),
            Action::Reply { to } => (target(to), Some(&self.reply[..])),
            Action::Peer { from, to, data } => {
                let to = Target {
                    by: By::Relayed(from),
                    address: to,
                    local: None,
                    ecn: None,
                };
                (to, message.get(data))
            }
        };
        self.egress.push(&sockets, to, bytes.unwrap_or_default());
    }

    fn peers_datagrams(&mut self, doors: &Doors, relayed: SocketAddr, at: usize, now: Now) {
        let Some(meta) = self.metas.get(at).copied() else {
            return;
        };
        let sockets = AllSockets {
            doors,
            relayed: &mut self.relayed,
        };
        let start = at * BUFFER_LEN;
        let buffer = self
            .buffers
            .get(start..start + meta.len)
            .unwrap_or_default();
        for datagram in buffer.chunks(meta.stride.max(1)) {
            if let Action::Reply { to } =
                self.turn
                    .hear_peer(now, relayed, meta.addr, datagram, &mut self.reply)
            {
                self.egress.push(
                    &sockets,
                    Target {
                        ecn: meta.ecn,
                        ..target(to)
                    },
                    &self.reply,
                );
            }
        }
    }

    pub(super) fn flush(&mut self, doors: &Doors) {
        self.egress.flush(&AllSockets {
            doors,
            relayed: &mut self.relayed,
        });
    }
}

fn target(client: Client) -> Target {
    Target {
        by: match client.via {
            Via::Udp(number) => By::Listener(number),
            Via::Stream(number) => By::Stream(number),
        },
        address: client.address,
        local: client.local,
        ecn: None,
    }
}

/// Sends a run: as it lies, if it has several datagrams.
fn finish(
    egress: &mut Egress,
    sockets: &impl Send,
    run: Option<(Target, Range<usize>)>,
    buffer: &[u8],
    stride: usize,
) {
    let Some((to, range)) = run else {
        return;
    };
    let datagrams = buffer.get(range).unwrap_or_default();
    if datagrams.len() > stride {
        egress.push_run(sockets, to, datagrams, stride);
    } else {
        egress.push(sockets, to, datagrams);
    }
}

/// Every socket there is.
struct AllSockets<'a> {
    doors: &'a Doors,
    relayed: &'a mut RelayedSockets,
}

impl Send for AllSockets<'_> {
    fn send(&self, to: &Target, bytes: &[u8], segment: usize) {
        match to.by {
            By::Listener(number) => {
                if let Some(listener) = self.doors.listeners.get(usize::from(number)) {
                    listener.udp.send(to, bytes, segment);
                }
            }
            By::Stream(number) => self.doors.streams.put(number, bytes, segment),
            By::Relayed(relayed) => {
                self.relayed.send(relayed, to, bytes, segment);
            }
        }
    }
}

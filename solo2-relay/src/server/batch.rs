//! What becomes of a batch: decided while the engine is locked, done when it is not.
//!
//! What was received lies where the kernel put it until it is sent on; here is written down
//! which parts of it go where. Only what the engine writes itself is kept here.

use std::net::SocketAddr;
use std::ops::Range;

use quinn_udp::EcnCodepoint;

use super::egress::{By, Egress, Send, Target};
use super::io::Engine;
use super::turn::{Action, Client, Via};

/// Decisions, and bytes written, after which the engine is let go for others.
const MOST_DECIDED: usize = 64;
const MOST_WRITTEN: usize = 1 << 16;

/// Datagrams that came together: of one size but the last, one behind the other.
pub(super) struct Arrival {
    /// Where they lie.
    pub(super) range: Range<usize>,
    /// Their size.
    pub(super) stride: usize,
    /// The congestion mark that they came with.
    pub(super) ecn: Option<EcnCodepoint>,
}

/// What to send, in this order.
#[derive(Default)]
pub(super) struct Batch {
    decided: Vec<(Target, Bytes)>,
    reply: Vec<u8>,
    written: Vec<u8>,
}

enum Bytes {
    /// These of what was received, in datagrams of `stride`.
    Received { range: Range<usize>, stride: usize },
    /// One datagram, these of what was written.
    Written(Range<usize>),
}

impl Batch {
    /// Whether it is time to send.
    pub(super) fn is_full(&self) -> bool {
        self.decided.len() >= MOST_DECIDED || self.written.len() >= MOST_WRITTEN
    }

    /// Hears what one client sent.
    pub(super) fn hear_client(
        &mut self,
        engine: &mut Engine<'_>,
        client: Client,
        buffers: &mut [u8],
        arrival: Arrival,
    ) {
        let Arrival { range, stride, ecn } = arrival;
        let mut run: Option<(Target, Range<usize>)> = None;
        let mut from = range.start;
        while from < range.end {
            let end = (from + stride).min(range.end);
            let Some(datagram) = buffers.get_mut(from..end) else {
                break;
            };
            let Engine { turn, sockets, now } = &mut *engine;
            match turn.hear_client(*now, client, datagram, &mut self.reply, sockets) {
                Action::Nothing => {}
                Action::Forward { to, len } => {
                    let to = Target { ecn, ..target(to) };
                    match &mut run {
                        // It lies right behind the last one, so all before it are whole.
                        Some((there, range)) if *there == to && range.end == from => {
                            range.end = from + len;
                        }
                        _ => {
                            self.pass_on(run.replace((to, from..from + len)), stride);
                        }
                    }
                }
                Action::Reply { to } => {
                    self.pass_on(run.take(), stride);
                    self.write(target(to));
                }
                Action::Peer { from: by, to, data } => {
                    let to = Target {
                        by: By::Relayed(by),
                        address: to,
                        local: None,
                        ecn,
                    };
                    self.pass_on(Some((to, from + data.start..from + data.end)), stride);
                }
            }
            from = end;
        }
        self.pass_on(run, stride);
    }

    /// Hears what a peer sent to a relayed address.
    pub(super) fn hear_peer(
        &mut self,
        engine: &mut Engine<'_>,
        (relayed, peer): (SocketAddr, SocketAddr),
        buffers: &[u8],
        arrival: Arrival,
    ) {
        let Arrival { range, stride, ecn } = arrival;
        for datagram in buffers.get(range).unwrap_or_default().chunks(stride) {
            let Engine { turn, now, .. } = &mut *engine;
            let heard = turn.hear_peer(*now, relayed, peer, datagram, &mut self.reply);
            if let Action::Reply { to } = heard {
                self.write(Target { ecn, ..target(to) });
            }
        }
    }

    /// Sends all of it by way of `egress`, which may keep some of it to gather more.
    pub(super) fn send<S: Send>(&mut self, egress: &mut Egress, sockets: &S, buffers: &[u8]) {
        for (to, bytes) in self.decided.drain(..) {
            match bytes {
                Bytes::Received { range, stride } => {
                    let datagrams = buffers.get(range).unwrap_or_default();
                    if datagrams.len() > stride {
                        egress.push_run(sockets, to, datagrams, stride);
                    } else {
                        egress.push(sockets, to, datagrams);
                    }
                }
                Bytes::Written(range) => {
                    egress.push(sockets, to, self.written.get(range).unwrap_or_default());
                }
            }
        }
        self.written.clear();
    }

    fn pass_on(&mut self, run: Option<(Target, Range<usize>)>, stride: usize) {
        if let Some((to, range)) = run {
            self.decided.push((to, Bytes::Received { range, stride }));
        }
    }

    fn write(&mut self, to: Target) {
        let start = self.written.len();
        self.written.extend_from_slice(&self.reply);
        let range = start..self.written.len();
        self.decided.push((to, Bytes::Written(range)));
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

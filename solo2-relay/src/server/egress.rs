//! Datagrams on their way out, gathered by destination.
//!
//! The kernel takes up to 64 datagrams of one size for one destination in a single call
//! and cuts them apart late (UDP_SEGMENT); that halves the work of each. So what a batch
//! of received datagrams leaves behind is collected here until the batch is over. Order
//! is kept for each destination.

use std::net::{IpAddr, SocketAddr};

use quinn_udp::{EcnCodepoint, Transmit, UdpSocketState};

/// Longest datagram that is sent in one call with others: what fits the smallest MTU that
/// IPv6 allows, 1280, with its headers. The kernel refuses a longer one if the device is
/// no better than that, and would be taken for one that cannot do this at all.
const MOST_SEGMENT: usize = 1232;
/// Bytes gathered for one destination.
const MOST_BYTES: usize = 60_000;
/// Destinations gathered for at a time.
const MOST_RUNS: usize = 32;

/// A UDP socket, and what it can do.
pub(super) struct Udp {
    pub(super) socket: tokio::net::UdpSocket,
    pub(super) state: UdpSocketState,
}

impl Udp {
    /// Sends `bytes`, cut into datagrams of `segment`. What the system does not take now
    /// is lost, as the network might lose it.
    pub(super) fn send(&self, to: &Target, bytes: &[u8], segment: usize) {
        let most = match self.state.max_gso_segments() {
            _ if segment > MOST_SEGMENT => 1,
            most => most.max(1),
        };
        for part in bytes.chunks(segment * most) {
            let transmit = Transmit {
                destination: to.address,
                ecn: to.ecn,
                contents: part,
                segment_size: (part.len() > segment).then_some(segment),
                src_ip: to.local,
            };
            let _ = self.state.send((&self.socket).into(), &transmit);
        }
    }
}

/// Which socket a datagram leaves by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The listening socket of this number.
    Listener(u16),
    /// The TCP connection of this number.
    Stream(u64),
    /// The socket of this relayed address.
    Relayed(SocketAddr),
}

/// Where a datagram goes, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) by: By,
    pub(super) address: SocketAddr,
    /// The address of ours that it comes from, where the socket has several.
    pub(super) local: Option<IpAddr>,
    /// The congestion mark that it came with.
    pub(super) ecn: Option<EcnCodepoint>,
}

impl Target {
    /// Whether two datagrams must stay in their order.
    fn is_reached_like(&self, other: &Self) -> bool {
        (self.by, self.address, self.local) == (other.by, other.address, other.local)
    }
}

/// Datagrams of one size for one destination; the last may be shorter.
struct Run {
    to: Target,
    segment: usize,
    bytes: Vec<u8>,
}

/// All of them. `sockets` finds the socket to send by; it may be gone.
#[derive(Default)]
pub(super) struct Egress {
    runs: Vec<Run>,
    spare: Vec<Vec<u8>>,
}

impl Egress {
    /// Takes a datagram.
    pub(super) fn push<S: Send>(&mut self, sockets: &S, to: Target, datagram: &[u8]) {
        if let Some(at) = self.runs.iter().position(|run| run.to.is_reached_like(&to)) {
            let fits = |run: &Run| {
                run.to == to
                    && datagram.len() <= run.segment
                    && !datagram.is_empty()
                    && run.bytes.len() + datagram.len() <= MOST_BYTES
            };
            if let Some(run) = self.runs.get_mut(at).filter(|run| fits(run)) {
                run.bytes.extend_from_slice(datagram);
                if datagram.len() < run.segment {
                    self.flush_one(sockets, at);
                }
                return;
            }
            self.flush_one(sockets, at);
        }
        if datagram.is_empty() || datagram.len() > MOST_SEGMENT {
            return sockets.send(&to, datagram, datagram.len().max(1));
        }
        if self.runs.len() >= MOST_RUNS {
            self.flush(sockets);
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.extend_from_slice(datagram);
        self.runs.push(Run {
            to,
            segment: datagram.len(),
            bytes,
        });
    }

    /// Takes datagrams that lie one behind the other already, and sends them at once.
    pub(super) fn push_run<S: Send>(
        &mut self,
        sockets: &S,
        to: Target,
        datagrams: &[u8],
        segment: usize,
    ) {
        if let Some(at) = self.runs.iter().position(|run| run.to.is_reached_like(&to)) {
            self.flush_one(sockets, at);
        }
        sockets.send(&to, datagrams, segment);
    }

    /// Sends all that has been gathered.
    pub(super) fn flush<S: Send>(&mut self, sockets: &S) {
        while !self.runs.is_empty() {
            self.flush_one(sockets, 0);
        }
    }

    fn flush_one<S: Send>(&mut self, sockets: &S, at: usize) {
        let Run {
            to,
            segment,
            mut bytes,
        } = self.runs.swap_remove(at);
        sockets.send(&to, &bytes, segment);
        bytes.clear();
        self.spare.push(bytes);
    }
}

/// What sends: the relay's sockets, or a test.
pub(super) trait Send {
    /// Sends `bytes` to a target, cut into datagrams of `segment` bytes.
    fn send(&self, to: &Target, bytes: &[u8], segment: usize);
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    struct Wire(RefCell<Vec<(Target, Vec<u8>, usize)>>);

    impl Send for Wire {
        fn send(&self, to: &Target, bytes: &[u8], segment: usize) {
            self.0.borrow_mut().push((*to, bytes.to_vec(), segment));
        }
    }

    fn target(port: u16) -> Target {
        Target {
            by: By::Listener(0),
            address: SocketAddr::from(([192, 0, 2, 1], port)),
            local: None,
            ecn: None,
        }
    }

    #[test]
    fn datagrams_of_one_size_leave_together() {
        let (mut egress, wire) = (Egress::default(), Wire::default());
        for _ in 0..10 {
            egress.push(&wire, target(1), &[1; 1232]);
            egress.push(&wire, target(2), &[2; 100]);
        }
        egress.push(&wire, target(1), &[3; 7]);
        assert_eq!(wire.0.borrow().len(), 1, "a shorter one ends the run");
        egress.flush(&wire);
        let sent: Vec<_> = wire
            .0
            .borrow()
            .iter()
            .map(|(to, bytes, segment)| (to.address.port(), bytes.len(), *segment))
            .collect();
        assert_eq!(sent, [(1, 12_327, 1232), (2, 1000, 100)]);
    }

    #[test]
    fn a_long_datagram_leaves_alone() {
        let (mut egress, wire) = (Egress::default(), Wire::default());
        egress.push(&wire, target(1), &[1; 1233]);
        egress.push(&wire, target(1), &[1; 1233]);
        assert_eq!(wire.0.borrow().len(), 2);
    }

    proptest! {
        /// Whatever is pushed arrives, whole and in order for each destination.
        #[test]
        fn nothing_is_lost_doubled_or_reordered(
            datagrams in proptest::collection::vec((0..40_u16, 0..1500_usize, any::<u8>(), any::<bool>()), 0..200),
        ) {
            let (mut egress, wire) = (Egress::default(), Wire::default());
            for (port, len, byte, run) in &datagrams {
                if *run && *len > 0 {
                    egress.push_run(&wire, target(*port), &vec![*byte; *len], *len);
                } else {
                    egress.push(&wire, target(*port), &vec![*byte; *len]);
                }
            }
            egress.flush(&wire);
            for port in 0..40 {
                let wanted: Vec<Vec<u8>> = datagrams.iter().filter(|it| it.0 == port).map(|it| vec![it.2; it.1]).collect();
                let mut sent = Vec::new();
                for (_, bytes, segment) in wire.0.borrow().iter().filter(|it| it.0 == target(port)) {
                    if bytes.is_empty() {
                        sent.push(Vec::new());
                    }
                    sent.extend(bytes.chunks(*segment).map(<[u8]>::to_vec));
                }
                prop_assert_eq!(sent, wanted);
            }
        }
    }
}

//! What the workers share. Each lock is held for as long as it takes to decide or to copy,
//! and never across a call that sends, receives or waits. While the engine is locked, the
//! sockets of relayed addresses may be, too; otherwise nobody holds two.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Sums;
use super::control::Limits;
use super::relayed::RelayedSockets;
use super::stream::{Connections, Streams};
use super::turn::Turn;

/// The engine, of which there is one: so every limit holds exactly, whichever worker a
/// client comes to.
pub(super) struct Shared {
    turn: Mutex<Turn>,
    pub(super) relayed: RelayedSockets,
    pub(super) streams: Streams,
}

/// Locks. A panic ends the process, so nobody sees what it left half done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// `bind` says on which addresses of this machine relayed sockets are bound; without
    /// it, relayed addresses have no sockets.
    pub(super) fn new(turn: Turn, bind: Option<Vec<IpAddr>>, most: Connections) -> Self {
        Self {
            turn: Mutex::new(turn),
            relayed: RelayedSockets::new(bind),
            streams: Streams::new(most),
        }
    }

    /// The engine, until dropped.
    pub(super) fn turn(&self) -> MutexGuard<'_, Turn> {
        lock(&self.turn)
    }

    /// Sums over everybody.
    pub(super) fn sums(&self) -> Sums {
        let connections = self.streams.open();
        let turn = self.turn();
        let counts = turn.counts();
        Sums {
            live: turn.allocations(),
            connections,
            allocations: counts.allocations,
            datagrams: counts.datagrams,
            bytes: counts.bytes,
            refusals: counts.refusals,
        }
    }

    /// What is allowed.
    pub(super) fn limits(&self) -> Limits {
        let Connections { all, each } = self.streams.most();
        let (max_allocs, max_allocs_per_cred, rate) = self.turn().limits();
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
        self.streams.limit(Connections {
            all: limits.max_connections,
            each: limits.max_connections_per_address,
        });
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate needs no more than 52 bits"
        )]
        let rate = limits.max_bps_per_cred.map(|bits| bits as f64 / 8.0);
        let (all, each) = (limits.max_allocs, limits.max_allocs_per_cred);
        self.turn().limit(all, each, rate);
    }
}

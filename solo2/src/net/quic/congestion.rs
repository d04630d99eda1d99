//! CUBIC that starts afresh when the path changes under it.
//!
//! QUIC does not see our changes of path, so it would carry the old path's window and
//! its losses over to the new one (RFC 9000 §9.4 says reset). [`PathMoves`] counts the
//! changes; [`FreshCubic`] notices with the first acknowledgement, the proof that the
//! new path works. Until then it grants a few packets beyond the old window, so that a
//! window full of packets lost on the old path cannot hold back the first probe.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use quinn::congestion::{Controller, ControllerFactory, ControllerMetrics, CubicConfig};
use quinn_proto::RttEstimator;

/// Packets granted beyond the window to probe a new path.
const PROBES: u64 = 4;

/// Counts the changes of path of one link.
#[derive(Clone, Default)]
pub(crate) struct PathMoves(Arc<AtomicU64>);

impl PathMoves {
    /// The path changed.
    pub(crate) fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Makes the controllers of one link.
pub(super) struct FreshCubicConfig {
    pub(super) moves: PathMoves,
    pub(super) cubic: Arc<CubicConfig>,
}

impl ControllerFactory for FreshCubicConfig {
    fn build(self: Arc<Self>, now: Instant, mtu: u16) -> Box<dyn Controller> {
        Box::new(FreshCubic {
            inner: Arc::clone(&self.cubic).build(now, mtu),
            noticed: self.moves.count(),
            since: None,
            mtu,
            config: self,
        })
    }
}

struct FreshCubic {
    config: Arc<FreshCubicConfig>,
    inner: Box<dyn Controller>,
    /// Changes of path that `inner` knows of.
    noticed: u64,
    /// When `inner` began, unless it is the first.
    since: Option<Instant>,
    mtu: u16,
}

impl FreshCubic {
    fn notice(&mut self, now: Instant) {
        let count = self.config.moves.count();
        if count != self.noticed {
            self.noticed = count;
            self.since = Some(now);
            self.inner = Arc::clone(&self.config.cubic).build(now, self.mtu);
        }
    }
}

impl Controller for FreshCubic {
    fn on_sent(&mut self, now: Instant, bytes: u64, last_packet_number: u64) {
        self.inner.on_sent(now, bytes, last_packet_number);
    }

    fn on_ack(
        &mut self,
        now: Instant,
        sent: Instant,
        bytes: u64,
        app_limited: bool,
        rtt: &RttEstimator,
    ) {
        self.notice(now);
        self.inner.on_ack(now, sent, bytes, app_limited, rtt);
    }

    fn on_end_acks(
        &mut self,
        now: Instant,
        in_flight: u64,
        app_limited: bool,
        largest_packet_num_acked: Option<u64>,
    ) {
        self.notice(now);
        self.inner
            .on_end_acks(now, in_flight, app_limited, largest_packet_num_acked);
    }

    fn on_congestion_event(
        &mut self,
        now: Instant,
        sent: Instant,
        is_persistent_congestion: bool,
        lost_bytes: u64,
    ) {
        // What the old path lost says nothing about the new one.
        if self.since.is_none_or(|since| sent >= since) {
            self.inner
                .on_congestion_event(now, sent, is_persistent_congestion, lost_bytes);
        }
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.mtu = new_mtu;
        self.inner.on_mtu_update(new_mtu);
    }

    fn window(&self) -> u64 {
        if self.config.moves.count() == self.noticed {
            self.inner.window()
        } else {
            self.inner.window() + PROBES * u64::from(self.mtu)
        }
    }

    fn metrics(&self) -> ControllerMetrics {
        self.inner.metrics()
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(Self {
            config: Arc::clone(&self.config),
            inner: self.inner.clone_box(),
            noticed: self.noticed,
            since: self.since,
            mtu: self.mtu,
        })
    }

    fn initial_window(&self) -> u64 {
        self.inner.initial_window()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_new_path_starts_with_a_fresh_window_and_forgets_old_losses() {
        let moves = PathMoves::default();
        let config = Arc::new(FreshCubicConfig {
            moves: moves.clone(),
            cubic: Arc::new(CubicConfig::default()),
        });
        let start = Instant::now();
        let mut controller = config.build(start, 1_226);
        let initial = controller.initial_window();
        let later = start + Duration::from_secs(1);
        controller.on_congestion_event(later, later, false, 1_226);
        let shrunk = controller.window();
        assert!(shrunk < initial);

        moves.note();
        assert!(controller.window() > shrunk, "probes pass a full window");
        let moved = later + Duration::from_secs(1);
        controller.on_end_acks(moved, 0, true, Some(1));
        assert_eq!(controller.window(), initial);
        controller.on_congestion_event(moved, later, true, 100_000);
        assert_eq!(controller.window(), initial);
        controller.on_congestion_event(moved, moved, false, 1_226);
        assert!(controller.window() < initial);
    }
}

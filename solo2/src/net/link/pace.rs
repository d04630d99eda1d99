//! When frames leave: at once, or one at a time at moments that say nothing.
//!
//! With a pace a link sends one frame per slot, whether there is something to say or not.
//! Slots follow each other at exponential gaps, so that neither how often somebody speaks
//! nor when can be told from the line; what waits takes the place of a heartbeat.
//!
//! ```text
//!   said          a     b c
//!   slots    ─┴──┴────┴─┴───────┴──┴──►
//!   sent      ♥  ♥    a b       c  ♥
//! ```
//! Spec: docs/protocol/3-links.md §3.1.

use std::collections::VecDeque;
use std::time::Duration;

use rand::RngExt as _;
use tokio::time::Instant;

use crate::net::frame::Frame;

/// The mean gaps that a side may ask for.
pub(crate) const MEANS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(10);

/// The mean gap as [`Frame::Steady`] says it.
pub(super) fn to_wire(mean: Option<Duration>) -> u32 {
    mean.map_or(0, |mean| {
        u32::try_from(mean.as_millis()).unwrap_or(u32::MAX)
    })
}

/// The same as a peer says it, if it may.
pub(super) fn from_wire(millis: u32) -> Option<Option<Duration>> {
    let mean = Duration::from_millis(millis.into());
    match millis {
        0 => Some(None),
        _ => MEANS.contains(&mean).then_some(Some(mean)),
    }
}

/// A gap of a Poisson process with this mean, capped so that silence means absence.
pub(super) fn gap(mean: Duration) -> Duration {
    let uniform: f64 = rand::rng().random_range(f64::EPSILON..1.0);
    mean.mul_f64((-uniform.ln()).min(3.0))
}

/// The pace of one direction.
pub(super) struct Pace {
    /// What this side wants.
    pub(super) ours: Option<Duration>,
    /// What the peer asked for: only both directions together hide who speaks.
    theirs: Option<Duration>,
    /// When the next slot is.
    slot: Instant,
    /// Whether the present slot's frame has not left yet.
    due: bool,
    /// Frames that wait for theirs.
    waiting: VecDeque<Frame>,
}

impl Pace {
    pub(super) fn new(ours: Option<Duration>) -> Self {
        let mut pace = Self {
            ours,
            theirs: None,
            slot: Instant::now(),
            due: false,
            waiting: VecDeque::new(),
        };
        pace.begin();
        pace
    }

    /// The mean gap, if there is a pace: the shorter one of both wishes.
    pub(super) fn mean(&self) -> Option<Duration> {
        self.ours.into_iter().chain(self.theirs).min()
    }

    /// Takes another wish of ours.
    pub(super) fn set_ours(&mut self, mean: Option<Duration>) {
        self.ours = mean;
        self.begin();
    }

    /// The same of the peer's.
    pub(super) fn set_theirs(&mut self, mean: Option<Duration>) {
        self.theirs = mean;
        self.begin();
    }

    fn begin(&mut self) {
        self.due = false;
        self.slot = Instant::now() + self.mean().map_or(Duration::ZERO, gap);
    }

    /// When [`Self::on_slot`] is to be called, if ever.
    pub(super) fn slot(&self) -> Option<Instant> {
        self.mean().map(|_| self.slot)
    }

    /// Begins a slot if it is time.
    pub(super) fn on_slot(&mut self, now: Instant) -> bool {
        let Some(mean) = self.mean().filter(|_| self.slot <= now) else {
            return false;
        };
        self.slot = now + gap(mean);
        self.due = true;
        true
    }

    /// Whether a frame may leave.
    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    /// It did.
    pub(super) fn sent(&mut self) {
        self.due = false;
    }

    /// Keeps a frame until there is a slot for it.
    pub(super) fn wait(&mut self, frame: Frame) {
        self.waiting.push_back(frame);
    }

    /// The next of those that wait.
    pub(super) fn next(&mut self) -> Option<Frame> {
        self.waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_exponential_around_their_mean() {
        let mean = Duration::from_secs(1);
        let gaps: Vec<f64> = (0..20_000).map(|_| gap(mean).as_secs_f64()).collect();
        let average = gaps.iter().sum::<f64>() / gaps.len() as f64;
        // The mean of an exponential gap cut at three times its mean: 1 - e^-3.
        assert!((average - 0.950).abs() < 0.03, "{average}");
        let short = gaps.iter().filter(|gap| **gap < 0.5).count() as f64 / gaps.len() as f64;
        assert!((short - 0.393).abs() < 0.02, "1 - e^-0.5: {short}");
        assert!(gaps.iter().all(|gap| *gap <= 3.0));
    }

    #[test]
    fn a_peer_cannot_ask_for_a_flood_or_for_silence() {
        assert_eq!(from_wire(0), Some(None));
        assert_eq!(from_wire(99), None);
        assert_eq!(from_wire(10_001), None);
        assert_eq!(from_wire(u32::MAX), None);
        for mean in [*MEANS.start(), *MEANS.end()] {
            assert_eq!(from_wire(to_wire(Some(mean))), Some(Some(mean)));
        }
        assert_eq!(to_wire(None), 0);
    }

    #[test]
    fn the_shorter_wish_counts() {
        let [short, long] = [Duration::from_millis(200), Duration::from_secs(2)];
        let mut pace = Pace::new(None);
        assert_eq!((pace.mean(), pace.slot()), (None, None));
        pace.set_theirs(Some(long));
        assert_eq!(pace.mean(), Some(long));
        pace.set_ours(Some(short));
        assert_eq!(pace.mean(), Some(short));
        pace.set_ours(None);
        pace.set_theirs(None);
        assert!(pace.mean().is_none() && !pace.on_slot(Instant::now() + long));
    }
}

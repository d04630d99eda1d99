//! How much a relay says to whom it does not know, and how fast a credential may send.
//!
//! Before its integrity code was checked, a request leaves nothing behind but a number
//! in a table of fixed size, under a keyed hash of its network, with a key that exists
//! only here and only for a day. Addresses themselves are not kept.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use hmac::Mac as _;
use zeroize::Zeroizing;

use crate::credential::hmac_sha256;

/// How long one key serves.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Networks counted apart; two that share a place share its answers. A power of two.
const PLACES: usize = 1 << 14;
/// Answers at once, and answers per second, for one network: /32 or /56.
const NETWORK: (f64, f64) = (500.0, 200.0);
/// The same for everybody together.
const EVERYBODY: (f64, f64) = (10_000.0, 10_000.0);

/// A token bucket: so many at once, and so many more each second.
#[derive(Clone)]
pub(super) struct Bucket {
    level: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(capacity: f64, now: Instant) -> Self {
        Self {
            level: capacity,
            filled: now,
        }
    }

    /// Takes `amount`, if it is there.
    pub(super) fn take(
        &mut self,
        amount: f64,
        (capacity, per_second): (f64, f64),
        now: Instant,
    ) -> bool {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * per_second;
        self.level = (self.level + gained).min(capacity);
        self.filled = now;
        let enough = self.level >= amount;
        if enough {
            self.level -= amount;
        }
        enough
    }
}

/// Answers to strangers: whoever has not shown a credential in the same request.
pub(super) struct Answers {
    key: Zeroizing<[u8; 32]>,
    since: Instant,
    networks: Box<[Bucket]>,
    everybody: Bucket,
}

impl Answers {
    /// `key` is random, and this is its only place.
    pub(super) fn new(key: Zeroizing<[u8; 32]>, now: Instant) -> Self {
        Self {
            key,
            since: now,
            networks: vec![Bucket::new(NETWORK.0, now); PLACES].into(),
            everybody: Bucket::new(EVERYBODY.0, now),
        }
    }

    /// Whether a key has served its day, and [`Answers::new`] is due.
    pub(super) fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= DAY
    }

    /// Whether this stranger gets one more answer.
    pub(super) fn take(&mut self, ip: IpAddr, now: Instant) -> bool {
        let place = self.place(ip);
        self.networks
            .get_mut(place)
            .is_some_and(|bucket| bucket.take(1.0, NETWORK, now))
            && self.everybody.take(1.0, EVERYBODY, now)
    }

    /// `first64(HMAC-SHA256[key](prefix)) mod places`.
    fn place(&self, ip: IpAddr) -> usize {
        let mut mac = hmac_sha256(self.key.as_slice());
        match ip.to_canonical() {
            IpAddr::V4(ip) => mac.update(&ip.octets()),
            IpAddr::V6(ip) => mac.update(ip.octets().get(..7).unwrap_or_default()),
        }
        let [a, b, c, d, ..]: [u8; 32] = mac.finalize().into_bytes().into();
        u32::from_le_bytes([a, b, c, d]) as usize & (PLACES - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(key: u8) -> (Answers, Instant) {
        let now = Instant::now();
        (Answers::new(Zeroizing::new([key; 32]), now), now)
    }

    fn count(answers: &mut Answers, ip: &str, now: Instant) -> usize {
        let ip = ip.parse().expect("an address");
        (0..2000).filter(|_| answers.take(ip, now)).count()
    }

    #[test]
    fn a_network_gets_its_burst_and_then_its_rate() {
        let (mut answers, now) = answers(1);
        assert_eq!(count(&mut answers, "192.0.2.1", now), 500);
        assert_eq!(count(&mut answers, "::ffff:192.0.2.1", now), 0);
        assert_eq!(
            count(&mut answers, "192.0.2.1", now + Duration::from_secs(1)),
            200
        );
        assert_eq!(count(&mut answers, "2001:db8:1:200::1", now), 500);
        assert_eq!(count(&mut answers, "2001:db8:1:2ff:ffff::9", now), 0);
        assert_eq!(count(&mut answers, "2001:db8:1:300::1", now), 500);
    }

    #[test]
    fn everybody_together_gets_no_more_than_that() {
        let (mut answers, now) = answers(1);
        let given: usize = (0..=255)
            .map(|last| count(&mut answers, &format!("192.0.2.{last}"), now))
            .sum();
        assert_eq!(given, 10_000);
    }

    #[test]
    fn another_days_key_gives_other_places() {
        let ((today, now), (tomorrow, _)) = (answers(1), answers(2));
        let ips: Vec<IpAddr> = (0..64)
            .map(|last| IpAddr::from([192, 0, 2, last]))
            .collect();
        assert!(ips.iter().any(|ip| today.place(*ip) != tomorrow.place(*ip)));
        assert!(!today.is_old(now + DAY - Duration::from_secs(1)) && today.is_old(now + DAY));
    }
}

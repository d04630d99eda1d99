//! Who may ask for how much: connections per network, requests per second.
//!
//! A network is counted under a keyed hash of its address, with a key that
//! exists only here and only for a day. Addresses themselves are not kept.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::TryRng;
use rand::rngs::SysRng;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How long one key serves.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A token bucket: so many at once, and so many more each second.
pub(super) struct Bucket {
    capacity: f64,
    per_second: f64,
    level: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(capacity: u32, per_second: u32, now: Instant) -> Self {
        let capacity = f64::from(capacity);
        Self {
            capacity,
            per_second: f64::from(per_second),
            level: capacity,
            filled: now,
        }
    }

    /// Takes one token, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * self.per_second;
        self.level = (self.level + gained).min(self.capacity);
        self.filled = now;
        let enough = self.level >= 1.0;
        if enough {
            self.level -= 1.0;
        }
        enough
    }
}

/// Counts open connections per network: /32 for IPv4, /56 for IPv6.
///
/// When the key changes, the count starts again, so for the length of its
/// oldest connections a network may hold twice its share, once a day.
#[derive(Clone)]
pub(super) struct Addresses {
    most: u32,
    day: Arc<Mutex<Day>>,
}

struct Day {
    number: u64,
    since: Instant,
    key: Box<Zeroizing<[u8; 32]>>,
    open: HashMap<u64, u32>,
}

impl Addresses {
    /// At most `most` connections from one network.
    pub(super) fn new(most: u32) -> Self {
        Self {
            most,
            day: Arc::new(Mutex::new(Day::new(0, Instant::now()))),
        }
    }

    /// Counts one connection until the returned value is dropped, or says no.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Place> {
        self.admit_at(address, Instant::now())
    }

    fn admit_at(&self, address: IpAddr, now: Instant) -> Option<Place> {
        let mut day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(day.since) >= DAY {
            *day = Day::new(day.number.wrapping_add(1), now);
        }
        let network = day.network(address);
        let open = day.open.entry(network).or_insert(0);
        if *open >= self.most {
            return None;
        }
        *open += 1;
        Some(Place {
            day: Arc::clone(&self.day),
            number: day.number,
            network,
        })
    }
}

impl Day {
    fn new(number: u64, since: Instant) -> Self {
        let mut key = Box::new(Zeroizing::new([0; 32]));
        SysRng
            .try_fill_bytes(key.as_mut_slice())
            .expect("the system has randomness");
        Self {
            number,
            since,
            key,
            open: HashMap::new(),
        }
    }

    /// `first64(BLAKE3[key](prefix))`.
    fn network(&self, address: IpAddr) -> u64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        match address.to_canonical() {
            IpAddr::V4(address) => hasher.update(&address.octets()),
            IpAddr::V6(address) => hasher.update(&address.octets()[..7]),
        };
        let hash = hasher.finalize();
        let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// One counted connection.
pub(super) struct Place {
    day: Arc<Mutex<Day>>,
    number: u64,
    network: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        if day.number != self.number {
            return;
        }
        if let Some(open) = day.open.get_mut(&self.network) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                day.open.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(200, 50, start);
        assert_eq!((0..300).filter(|_| bucket.take(start)).count(), 200);
        let later = start + Duration::from_secs(1);
        assert_eq!((0..300).filter(|_| bucket.take(later)).count(), 50);
        let much_later = start + Duration::from_secs(3600);
        assert_eq!((0..300).filter(|_| bucket.take(much_later)).count(), 200);
    }

    #[test]
    fn a_network_holds_its_share_and_gets_it_back() {
        let addresses = Addresses::new(2);
        let first = addresses.admit(address("192.0.2.1"));
        let second = addresses.admit(address("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(addresses.admit(address("192.0.2.1")).is_none());
        assert!(addresses.admit(address("192.0.2.2")).is_some());
        drop(first);
        assert!(addresses.admit(address("192.0.2.1")).is_some());
        assert_eq!(addresses.day.lock().expect("not poisoned").open.len(), 1);
    }

    #[test]
    fn one_ipv6_customer_is_one_network() {
        let addresses = Addresses::new(1);
        let _held = addresses.admit(address("2001:db8:1:200::1"));
        assert!(addresses.admit(address("2001:db8:1:2ff:ffff::9")).is_none());
        assert!(addresses.admit(address("2001:db8:1:300::1")).is_some());
    }

    #[test]
    fn the_key_changes_every_day_and_old_places_do_not_count_down_the_new() {
        let addresses = Addresses::new(1);
        let start = Instant::now();
        let here = address("192.0.2.1");
        let old = addresses.admit_at(here, start);
        let key = addresses.day.lock().expect("not poisoned").key.clone();
        let new = addresses.admit_at(here, start + DAY);
        assert!(new.is_some());
        assert!(**key != **addresses.day.lock().expect("not poisoned").key);
        drop(old);
        assert!(addresses.admit_at(here, start + DAY).is_none());
    }
}

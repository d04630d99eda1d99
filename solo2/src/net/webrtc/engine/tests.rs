//! Two engines without sockets, on a clock of the test's.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use super::*;

/// Two ends, the time, and a network that loses what `loses` says.
struct Pair {
    active: Engine,
    passive: Engine,
    now: Instant,
    chance: StdRng,
    loses: f64,
}

impl Pair {
    fn new() -> Self {
        let now = Instant::now();
        let (one, two) = (Certified::new(), Certified::new());
        let (one, two) = (one.expect("a certificate"), two.expect("a certificate"));
        let (first, second) = (one.fingerprint(), two.fingerprint());
        Self {
            active: Engine::new(one, Side::Active, second, now).expect("an engine"),
            passive: Engine::new(two, Side::Passive, first, now).expect("an engine"),
            now,
            chance: StdRng::seed_from_u64(5),
            loses: 0.0,
        }
    }

    fn open() -> Self {
        let mut pair = Self::new();
        pair.run(|pair| pair.active.exporter().is_some() && pair.passive.exporter().is_some());
        pair
    }

    /// Carries datagrams, and lets time pass when there are none, until it is done.
    fn run(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        let end = self.now + Duration::from_secs(120);
        while !done(self) {
            assert!(self.now < end, "not in two minutes");
            let mut moved = false;
            for turned in [false, true] {
                let (from, to) = if turned {
                    (&mut self.passive, &mut self.active)
                } else {
                    (&mut self.active, &mut self.passive)
                };
                while let Some(datagram) = from.poll_transmit(self.now) {
                    assert!(datagram.len() <= 1228, "{} bytes", datagram.len());
                    moved = true;
                    if !self.chance.random_bool(self.loses) {
                        to.handle(self.now, &datagram);
                    }
                }
            }
            if !moved {
                let due = [self.active.poll_timeout(), self.passive.poll_timeout()];
                let due = due.into_iter().flatten().min();
                let later = self.now + Duration::from_millis(10);
                self.now = due.map_or(later, |due| due.max(later));
                self.active.handle_timeout(self.now);
                self.passive.handle_timeout(self.now);
            }
        }
    }

    /// Writes in behind the back of the active engine.
    fn association(&mut self) -> &mut Association {
        &mut self.active.association.as_mut().expect("it is open").1
    }

    fn until_the_passive_end_gives_up(&mut self) {
        self.run(|pair| pair.passive.ended().is_some());
        assert_eq!(self.passive.ended(), Some(ChannelError::Protocol));
    }
}

fn pattern(at: usize) -> Bytes {
    (0..MESSAGE_MAX).map(|byte| (byte ^ at) as u8).collect()
}

#[test]
fn messages_arrive_whole_and_in_order_through_a_network_that_loses_a_tenth() {
    let mut pair = Pair::new();
    pair.loses = 0.1;
    pair.run(|pair| pair.active.exporter().is_some() && pair.passive.exporter().is_some());
    assert_eq!(pair.active.exporter(), pair.passive.exporter());
    let count = 60;
    for at in 0..count {
        pair.active.write(pair.now, &pattern(at));
    }
    pair.active.finish(pair.now);
    let mut read = 0;
    pair.run(|pair| {
        while let Some(message) = pair.passive.read() {
            match message {
                Message::Bytes(bytes) => {
                    assert!(bytes == pattern(read), "message {read}");
                    read += 1;
                }
                Message::End => return true,
                Message::Read => panic!("nothing was to be confirmed"),
            }
        }
        false
    });
    assert_eq!(read, count);
}

#[test]
fn what_nobody_reads_is_bounded_on_both_sides() {
    let mut pair = Pair::open();
    let mut written = 0;
    let end = pair.now + Duration::from_secs(30);
    pair.run(|pair| {
        while pair.active.has_room() {
            pair.active.write(pair.now, &pattern(0));
            written += MESSAGE_MAX;
        }
        pair.now > end
    });
    let most = SEND_WINDOW + RECEIVE_WINDOW as usize + 2 * MESSAGE_LIMIT;
    assert!(written > SEND_WINDOW && written < most, "{written} bytes");
    assert_eq!(pair.passive.ended(), None);
    // Once it is read, the rest comes.
    let mut read = 0;
    pair.run(|pair| {
        while let Some(Message::Bytes(bytes)) = pair.passive.read() {
            read += bytes.len();
        }
        read == written
    });
}

#[test]
fn a_peer_that_opens_another_stream_loses_the_channel() {
    let mut pair = Pair::open();
    let now = pair.now;
    let mut other = pair
        .association()
        .open_stream(7, PayloadProtocolIdentifier::Binary)
        .expect("a stream");
    other
        .write_sctp(now, &pattern(0), PayloadProtocolIdentifier::Binary)
        .expect("written");
    pair.until_the_passive_end_gives_up();
}

#[test]
fn a_message_without_an_end_is_not_collected_for_ever() {
    let mut pair = Pair::new();
    pair.run(|pair| pair.active.association.is_some());
    // A peer that believes in messages of any length, before it has said anything.
    let endless = transport().with_max_message_size(u32::MAX);
    let association = pair
        .active
        .sctp
        .connect(pair.now, ClientConfig::new(endless), PEER);
    pair.active.association = Some(association.expect("an association"));
    pair.run(|pair| pair.active.exporter().is_some() && pair.passive.exporter().is_some());
    let message = Bytes::from(vec![7; 4 * UNREADABLE_MAX]);
    pair.active.write(pair.now, &message);
    pair.run(|pair| {
        assert!(pair.passive.read().is_none());
        pair.passive.ended().is_some()
    });
    assert_eq!(pair.passive.ended(), Some(ChannelError::Protocol));
}

#[test]
fn a_message_that_is_no_bytes_ends_the_channel() {
    let mut pair = Pair::open();
    let now = pair.now;
    let text = Bytes::from_static(b"hello");
    pair.association()
        .stream(CHANNEL)
        .and_then(|mut it| it.write_sctp(now, &text, PayloadProtocolIdentifier::String))
        .expect("written");
    pair.run(|pair| {
        assert!(pair.passive.read().is_none());
        pair.passive.ended().is_some()
    });
    assert_eq!(pair.passive.ended(), Some(ChannelError::Protocol));
}

#[test]
fn noise_and_damaged_datagrams_end_nothing() {
    let mut pair = Pair::open();
    let mut noise = [0; 1228];
    for round in 0..2_000 {
        pair.chance.fill_bytes(&mut noise);
        // Every other one looks like a record of this session.
        if round % 2 == 0 {
            noise[..5].copy_from_slice(&[23, 0xfe, 0xfd, 0, 1]);
        }
        let len = pair.chance.random_range(0..noise.len());
        pair.passive.handle(pair.now, &noise[..len]);
        pair.active.handle(pair.now, &noise[..len]);
    }
    pair.active.write(pair.now, &pattern(1));
    while let Some(datagram) = pair.active.poll_transmit(pair.now) {
        let mut damaged = datagram.to_vec();
        let at = pair.chance.random_range(0..damaged.len());
        damaged[at] ^= 1;
        pair.passive.handle(pair.now, &damaged);
        pair.passive.handle(pair.now, &datagram);
    }
    let mut heard = false;
    pair.run(|pair| {
        heard |= matches!(pair.passive.read(), Some(Message::Bytes(bytes)) if bytes == pattern(1));
        heard
    });
    assert_eq!((pair.active.ended(), pair.passive.ended()), (None, None));
}

#[test]
fn closing_tells_the_other_end_at_once() {
    let mut pair = Pair::open();
    pair.active.close(pair.now);
    let before = pair.now;
    pair.run(|pair| pair.passive.ended().is_some());
    assert_eq!(pair.passive.ended(), Some(ChannelError::Closed));
    assert!(pair.now - before < Duration::from_secs(1));
}

#[test]
fn after_an_outage_the_channel_goes_on_when_told_and_not_when_its_timer_ends() {
    let mut pair = Pair::open();
    pair.active.write(pair.now, &pattern(2));
    pair.loses = 1.0;
    let back = pair.now + Duration::from_secs(25);
    pair.run(|pair| pair.now >= back);
    // What was due at the very end is lost, too.
    while pair.active.poll_transmit(pair.now).is_some() {}
    pair.loses = 0.0;
    let back = pair.now;
    assert!(
        pair.active
            .poll_timeout()
            .is_some_and(|due| due > back + Duration::from_secs(2)),
        "the control: it would wait"
    );
    pair.active.hurry(pair.now);
    let mut heard = false;
    pair.run(|pair| {
        heard |= pair.passive.read().is_some();
        heard
    });
    assert!(pair.now - back < Duration::from_secs(1));
}

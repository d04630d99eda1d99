use proptest::prelude::*;

use super::*;
use crate::server::buffer::Pool;
use crate::wire::{ClientMessage, ServerMessage, TOKEN_LEN, post_into_deliver};

const TTL: Duration = Duration::from_secs(60);

struct Place {
    rendezvous: Rendezvous,
    pool: Pool,
    now: Instant,
}

impl Place {
    fn new(stored: usize, tokens: usize) -> Self {
        let rendezvous = Rendezvous::new(Bounds {
            ttl: TTL,
            stored,
            tokens,
        });
        Self {
            rendezvous,
            pool: Pool::new(100_000),
            now: Instant::now(),
        }
    }

    fn post(&mut self, token: u8, blob: u8) {
        let mut buffer = self.pool.take().expect("enough");
        let token = [token; TOKEN_LEN];
        ClientMessage::Post {
            token: &token,
            blob: &[blob; 4096],
        }
        .encode(buffer.message_mut());
        assert!(post_into_deliver(buffer.message_mut()));
        self.rendezvous.post(&token, Arc::new(buffer), self.now);
    }

    /// The blobs that waited, or why there is no listening.
    fn listen(
        &mut self,
        visitor: &mut Visitor,
        token: u8,
        exclusive: bool,
    ) -> Result<Vec<u8>, &'static str> {
        match self
            .rendezvous
            .listen(visitor, &[token; TOKEN_LEN], exclusive, self.now)
        {
            Listened::Listening(parcels) => Ok(parcels.iter().map(blob).collect()),
            Listened::Busy => Err("busy"),
            Listened::TooManyTokens => Err("too many"),
            Listened::Full => Err("full"),
        }
    }

    /// What must hold at any time.
    fn check(&self) {
        let kept: usize = self
            .rendezvous
            .slots
            .values()
            .map(|slot| slot.kept.len())
            .sum();
        assert_eq!(kept, self.rendezvous.order.len());
        assert!(kept <= self.rendezvous.bounds.stored);
        for slot in self.rendezvous.slots.values() {
            assert!(!slot.is_empty(), "a slot without use");
            assert!(slot.listeners.len() <= LISTENERS_PER_TOKEN);
            assert!(!slot.exclusive || slot.listeners.len() == 1);
            assert!(slot.kept.len() <= BLOBS_PER_TOKEN);
            assert!(
                slot.kept.is_empty() || slot.listeners.is_empty(),
                "kept although somebody listens"
            );
            assert!(slot.kept.iter().all(|kept| kept.until <= self.now + TTL));
        }
    }
}

fn blob(parcel: &Parcel) -> u8 {
    match ServerMessage::parse(parcel.frame.message()) {
        Ok(ServerMessage::Deliver { blob, .. }) => blob[0],
        _ => panic!("not a delivery"),
    }
}

#[test]
fn a_blob_is_wiped_when_its_time_is_over() {
    let mut place = Place::new(10, 10);
    place.post(1, 1);
    place.now += TTL / 2;
    place.post(1, 2);
    place.rendezvous.expire(place.now);
    assert_eq!(place.pool.taken(), 2);
    place.now += TTL / 2;
    place.rendezvous.expire(place.now);
    assert_eq!(place.pool.taken(), 1);
    place.now += TTL / 2;
    // Even if nobody has swept: what is too old is not handed over.
    let (mut visitor, _parcels, _) = Visitor::new(0);
    assert_eq!(place.listen(&mut visitor, 1, false), Ok(Vec::new()));
    assert_eq!(place.pool.taken(), 0);
}

#[test]
fn when_there_is_no_room_the_oldest_goes() {
    let mut place = Place::new(3, 10);
    for blob in 1..=5 {
        place.post(blob, blob);
    }
    place.check();
    let (mut visitor, _parcels, _) = Visitor::new(0);
    let found: Vec<_> = (1..=5)
        .map(|token| place.listen(&mut visitor, token, false))
        .collect();
    assert_eq!(
        found,
        [
            Ok(vec![]),
            Ok(vec![]),
            Ok(vec![3]),
            Ok(vec![4]),
            Ok(vec![5])
        ]
    );
}

#[test]
fn tokens_have_a_bound_too() {
    let mut place = Place::new(10, 2);
    let (mut visitor, _parcels, _) = Visitor::new(0);
    assert!(place.listen(&mut visitor, 1, false).is_ok());
    assert!(place.listen(&mut visitor, 2, false).is_ok());
    assert_eq!(place.listen(&mut visitor, 3, false), Err("full"));
    assert!(place.listen(&mut visitor, 2, false).is_ok());
    place.rendezvous.unlisten(&mut visitor, &[1; TOKEN_LEN]);
    assert!(place.listen(&mut visitor, 3, false).is_ok());
}

#[test]
fn a_full_mailbox_rings_and_the_blob_is_kept_for_the_next() {
    let mut place = Place::new(10, 10);
    let (mut slow, parcels, overflow) = Visitor::new(0);
    assert!(place.listen(&mut slow, 1, false).is_ok());
    for _ in 0..MAILBOX {
        place.post(1, 1);
    }
    place.post(1, 2);
    let rung = std::pin::pin!(overflow.notified());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(rung.poll(&mut context).is_ready());
    let (mut next, _parcels, _) = Visitor::new(1);
    assert_eq!(place.listen(&mut next, 1, false), Ok(vec![2]));
    drop(parcels);
    assert_eq!(place.pool.taken(), 0);
}

#[test]
fn a_visitor_that_leaves_leaves_nothing() {
    let mut place = Place::new(10, 5000);
    let (mut visitor, _parcels, _) = Visitor::new(0);
    for token in 0..=255 {
        assert!(place.listen(&mut visitor, token, token < 16).is_ok());
    }
    assert_eq!(place.listen(&mut visitor, 200, true), Err("too many"));
    place.rendezvous.leave(visitor);
    assert!(place.rendezvous.slots.is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Listen(usize, u8, bool),
    Unlisten(usize, u8),
    Post(u8),
    Leave(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0usize..6, 0u8..4, any::<bool>())
            .prop_map(|(who, token, only)| Step::Listen(who, token, only)),
        (0usize..6, 0u8..4).prop_map(|(who, token)| Step::Unlisten(who, token)),
        (0u8..4).prop_map(Step::Post),
        (0u8..4).prop_map(Step::Post),
        (0usize..6).prop_map(Step::Leave),
        (0u64..40).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn every_blob_is_delivered_kept_or_gone_whatever_happens(
        steps in proptest::collection::vec(step(), 0..120),
    ) {
        let mut place = Place::new(20, 100);
        let mut next = 6;
        let mut visitors: Vec<_> = (0..6).map(Visitor::new).collect();
        for step in steps {
            match step {
                Step::Listen(who, token, exclusive) => {
                    let _ = place.listen(&mut visitors[who].0, token, exclusive);
                }
                Step::Unlisten(who, token) => {
                    place.rendezvous.unlisten(&mut visitors[who].0, &[token; TOKEN_LEN]);
                }
                Step::Post(token) => place.post(token, token),
                Step::Leave(who) => {
                    let (gone, ..) = std::mem::replace(&mut visitors[who], Visitor::new(next));
                    next += 1;
                    place.rendezvous.leave(gone);
                }
                Step::Wait(seconds) => {
                    place.now += Duration::from_secs(seconds);
                    place.rendezvous.expire(place.now);
                }
            }
            place.check();
        }
        for (visitor, ..) in visitors {
            place.rendezvous.leave(visitor);
        }
        place.now += TTL;
        place.rendezvous.expire(place.now);
        prop_assert!(place.rendezvous.slots.is_empty());
        prop_assert_eq!(place.pool.taken(), 0);
    }
}

//! Two ends without a network: time and messages are handed over.

use super::*;

const PORTS: Ports = Ports {
    v4: Some(4_000),
    v6: None,
};

fn ends() -> (Ice, Ice) {
    let mut controlling = Ice::new(Role::Controlling, RoutePolicy::Any, [1; 16], PORTS);
    let mut controlled = Ice::new(Role::Controlled, RoutePolicy::Any, [1; 16], PORTS);
    controlling.set_own_addresses(&[[10, 0, 0, 1].into()]);
    controlled.set_own_addresses(&[[10, 0, 0, 2].into()]);
    let offer = controlling.introduction(Vec::new(), None);
    controlled.handle_signal(offer).expect("an offer begins");
    let answer = controlled.introduction(Vec::new(), None);
    controlling
        .handle_signal(answer)
        .expect("an answer follows");
    (controlling, controlled)
}

fn deliver(from: &mut Ice, to: &mut Ice, now: Instant) {
    while let Some(Check { pair, message }) = from.poll_transmit() {
        to.handle_stun(now, pair.remote, pair.local, &message);
    }
}

/// Lets `seconds` pass; datagrams flow only while `open`.
fn pass(one: &mut Ice, two: &mut Ice, now: &mut Instant, seconds: u32, open: bool) {
    for _ in 0..seconds * 50 {
        *now += PACE;
        one.handle_timeout(*now);
        two.handle_timeout(*now);
        if open {
            deliver(one, two, *now);
            deliver(two, one, *now);
        } else {
            while one.poll_transmit().is_some() || two.poll_transmit().is_some() {}
        }
    }
}

fn candidates(signal: &LinkSignal) -> &[CandidateInfo] {
    match signal {
        LinkSignal::Offer { candidates, .. }
        | LinkSignal::Answer { candidates, .. }
        | LinkSignal::Candidates { candidates, .. } => candidates,
    }
}

#[test]
fn two_ends_agree_on_one_pair() {
    let (mut one, mut two) = ends();
    let mut now = Instant::now();
    pass(&mut one, &mut two, &mut now, 2, true);
    let (mine, theirs) = (one.nominated(), two.nominated());
    assert_eq!(mine.map(|p| p.local), theirs.map(|p| p.remote));
    assert_eq!(mine.map(|p| p.remote), theirs.map(|p| p.local));
    assert!(mine.is_some() && one.rtt().is_some());
}

#[test]
fn a_silent_pair_is_left_and_found_again() {
    let (mut one, mut two) = ends();
    let mut now = Instant::now();
    pass(&mut one, &mut two, &mut now, 2, true);
    pass(&mut one, &mut two, &mut now, 8, false);
    assert!(one.nominated().is_none() && two.nominated().is_none());
    pass(&mut one, &mut two, &mut now, 120, false);
    pass(&mut one, &mut two, &mut now, 8, true);
    assert!(one.nominated().is_some() && two.nominated().is_some());
}

/// Ends with an address at a relay each, which the other can reach when nothing else passes.
fn ends_with_relays() -> (Ice, Ice) {
    let (mut one, mut two) = ends();
    assert!(one.add_relayed(LENT[0]) && two.add_relayed(LENT[1]));
    let (mine, theirs) = (one.announcement(), two.announcement());
    two.handle_signal(mine).expect("a newer set counts");
    one.handle_signal(theirs).expect("a newer set counts");
    (one, two)
}

const LENT: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(10, 8, 0, 1)), 5_001),
    SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(10, 8, 0, 1)), 5_002),
];

/// Like [`pass`]; unless `open`, only what goes from relay to relay arrives. Returns which
/// pairs were nominated by `one` on the way.
fn pass_relays(
    one: &mut Ice,
    two: &mut Ice,
    now: &mut Instant,
    seconds: u32,
    open: bool,
) -> Vec<Option<Pair>> {
    let mut seen = vec![one.nominated()];
    for _ in 0..seconds * 50 {
        *now += PACE;
        for turn in [true, false] {
            let (from, to) = if turn {
                (&mut *one, &mut *two)
            } else {
                (&mut *two, &mut *one)
            };
            from.handle_timeout(*now);
            while let Some(Check { pair, message }) = from.poll_transmit() {
                let relays = LENT.contains(&pair.local) && LENT.contains(&pair.remote);
                let direct = !LENT.contains(&pair.local) && !LENT.contains(&pair.remote);
                if relays || (direct && open) {
                    to.handle_stun(*now, pair.remote, pair.local, &message);
                }
            }
            from.note_heard(*now);
        }
        if seen.last() != Some(&one.nominated()) {
            seen.push(one.nominated());
        }
    }
    seen
}

#[test]
fn a_relayed_pair_is_left_for_a_direct_one_that_works_again() {
    for looker in 0..3 {
        let (mut one, mut two) = ends_with_relays();
        let mut now = Instant::now();
        pass_relays(&mut one, &mut two, &mut now, 30, false);
        let relayed = one.nominated().expect("a relay carries it");
        assert!(one.is_relayed(relayed));

        one.look_for_better(now);
        two.look_for_better(now);
        let seen = pass_relays(&mut one, &mut two, &mut now, 30, false);
        assert_eq!(seen, [Some(relayed)], "nothing better: nothing changes");

        pass_relays(&mut one, &mut two, &mut now, 30, true);
        assert_eq!(one.nominated(), Some(relayed), "nobody looked");
        if looker != 1 {
            one.look_for_better(now);
        }
        if looker != 0 {
            two.look_for_better(now);
        }
        let seen = pass_relays(&mut one, &mut two, &mut now, 8, true);
        assert_eq!(
            seen.len(),
            2,
            "{looker}: one change, without a gap: {seen:?}"
        );
        let [mine, theirs] = [&one, &two].map(|end| end.nominated().expect("a pair"));
        assert!(!one.is_relayed(mine) && !two.is_relayed(theirs), "{looker}");
        assert_eq!((mine.local, mine.remote), (theirs.remote, theirs.local));
    }
}

#[test]
fn a_relay_that_dies_while_the_sides_look_is_lost_as_ever() {
    let (mut one, mut two) = ends_with_relays();
    let mut now = Instant::now();
    pass_relays(&mut one, &mut two, &mut now, 30, false);
    one.look_for_better(now);
    pass(&mut one, &mut two, &mut now, 8, false);
    assert!(one.nominated().is_none());
}

#[test]
fn an_idle_pair_is_kept() {
    let (mut one, mut two) = ends();
    let mut now = Instant::now();
    pass(&mut one, &mut two, &mut now, 2, true);
    let pair = one.nominated();
    for _ in 0..60 {
        pass(&mut one, &mut two, &mut now, 1, true);
        assert_eq!(one.nominated(), pair);
    }
}

#[test]
fn an_end_that_moves_is_followed_without_waiting_for_silence() {
    let (mut one, mut two) = ends();
    let mut now = Instant::now();
    pass(&mut one, &mut two, &mut now, 2, true);
    assert!(two.set_own_addresses(&[[10, 9, 0, 2].into()]));
    assert!(!two.set_own_addresses(&[[10, 9, 0, 2].into()]));
    let moved = two.announcement();
    assert_eq!(candidates(&moved).len(), 1);
    one.handle_signal(moved).expect("a newer set counts");
    pass(&mut one, &mut two, &mut now, 2, true);
    assert_eq!(
        one.nominated().map(|pair| pair.remote),
        Some(([10, 9, 0, 2], 4_000).into())
    );
    assert!(two.nominated().is_some());
}

#[test]
fn a_candidate_set_that_arrives_late_is_dropped() {
    let (mut one, mut two) = ends();
    let old = two.announcement();
    let new = two.announcement();
    assert!(one.handle_signal(new).is_ok());
    assert!(one.handle_signal(old).is_err());
    assert!(
        one.handle_signal(two.introduction(Vec::new(), None))
            .is_err(),
        "introduced already"
    );
}

#[test]
fn the_addresses_a_peer_names_are_bounded() {
    let (mut one, _) = ends();
    for serial in 1..100_u8 {
        let candidates = (1..=24)
            .map(|last| CandidateInfo {
                address: ([10, 1, serial, last], 9).into(),
                kind: CandidateKind::Host,
                priority: 1,
            })
            .collect();
        let _ = one.handle_signal(LinkSignal::Candidates {
            link: [1; 16],
            serial: serial.into(),
            candidates,
        });
    }
    assert!(one.signalled <= MAX_SIGNALLED);
    assert!(one.agent.remote_candidates().count() <= MAX_SIGNALLED);
}

#[test]
fn the_addresses_a_peer_shows_are_bounded() {
    let (mut one, mut two) = ends();
    let mut now = Instant::now();
    for port in 1..1_000 {
        now += PACE;
        two.handle_timeout(now);
        while let Some(Check { pair, message }) = two.poll_transmit() {
            one.handle_stun(now, pair.remote, ([10, 0, 0, 2], port).into(), &message);
        }
        one.handle_timeout(now);
        while one.poll_transmit().is_some() {}
        two.agent.recreate_candidate_pairs();
    }
    assert_eq!(one.authentic.len(), MAX_OBSERVED);
    assert!(one.agent.remote_candidates().count() <= MAX_OBSERVED + 1);
}

#[test]
fn loopback_comes_last() {
    let mut ice = Ice::new(Role::Controlling, RoutePolicy::Any, [1; 16], PORTS);
    ice.set_own_addresses(&[[127, 0, 0, 1].into(), [10, 0, 0, 1].into()]);
    let offer = ice.introduction(Vec::new(), None);
    let order: Vec<_> = candidates(&offer).iter().map(|c| c.address.ip()).collect();
    assert_eq!(order, [IpAddr::from([10, 0, 0, 1]), [127, 0, 0, 1].into()]);
}

#[test]
fn what_a_server_saw_is_announced_once() {
    let mut ice = Ice::new(Role::Controlling, RoutePolicy::Any, [1; 16], PORTS);
    ice.set_own_addresses(&[[10, 0, 0, 1].into()]);
    let mapped = gather::Mapped {
        base: ([10, 0, 0, 1], 4_000).into(),
        mapped: ([203, 0, 113, 5], 61_000).into(),
    };
    assert!(ice.add_reflexive(&mapped));
    assert!(!ice.add_reflexive(&mapped));
    assert_eq!(candidates(&ice.announcement()).len(), 2);
    ice.set_own_addresses(&[]);
    assert_eq!(candidates(&ice.announcement()).len(), 0);
}

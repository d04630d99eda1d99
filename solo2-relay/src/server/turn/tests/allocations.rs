//! Making and ending allocations (RFC 8656 §7, §8), and how many there may be.

use super::*;

#[test]
fn allocate_answers_as_the_rfc_says() {
    let mut world = World::new();
    let mut device = Device::new(1);
    device.knock(&mut world);
    let family: fn(u8) -> [u8; 4] = |family| [family, 0, 0, 0];
    let mut ask = |world: &mut World, attributes: Attributes<'_>| {
        device.ask(world, method::ALLOCATE, attributes, &[])
    };
    assert_eq!(ask(&mut world, &[]), Some(400));
    assert_eq!(
        ask(
            &mut world,
            &[(attribute::REQUESTED_TRANSPORT, &[6, 0, 0, 0])]
        ),
        Some(442)
    );
    assert_eq!(
        ask(
            &mut world,
            &[ASK_UDP, (attribute::REQUESTED_ADDRESS_FAMILY, &family(3))]
        ),
        Some(440)
    );
    assert_eq!(
        ask(&mut world, &[ASK_UDP, (0x0022, &[0; 8])]),
        Some(420),
        "RESERVATION-TOKEN"
    );
    let answer = Message::parse(&world.reply).expect("STUN");
    assert_eq!(
        answer
            .attribute(attribute::UNKNOWN_ATTRIBUTES)
            .map(|it| it.value),
        Some(&[0, 0x22][..])
    );
    assert_eq!(
        ask(&mut world, &[ASK_UDP, (attribute::EVEN_PORT, &[0x80])]),
        Some(508)
    );
    assert_eq!(
        ask(&mut world, &[ASK_UDP, (0x8000, &family(2))]),
        Some(0),
        "what is optional is passed over"
    );
    assert_eq!(ask(&mut world, &[ASK_UDP]), Some(437), "there is one");
    let lifetime = |world: &World| {
        let answer = Message::parse(&world.reply).expect("STUN");
        answer
            .attribute(attribute::LIFETIME)
            .and_then(|it| it.number())
    };
    assert_eq!(device.refresh(&mut world, 0), Some(0));
    assert_eq!(lifetime(&world), Some(0));
    assert_eq!(device.refresh(&mut world, 0), Some(437));
    let v6 = [
        ASK_UDP,
        (attribute::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0][..]),
    ];
    assert_eq!(device.ask(&mut world, method::ALLOCATE, &v6, &[]), Some(0));
    assert!(told(&world.reply, attribute::XOR_RELAYED_ADDRESS).is_ipv6());
    assert_eq!(lifetime(&world), Some(600));
    assert_eq!(
        device.ask(
            &mut world,
            method::REFRESH,
            &[(attribute::REQUESTED_ADDRESS_FAMILY, &[1, 0, 0, 0])],
            &[]
        ),
        Some(443)
    );
    assert_eq!(device.refresh(&mut world, 100_000), Some(0));
    assert_eq!(lifetime(&world), Some(600), "no longer than that");
    assert_eq!(
        device.permit(&mut world, SocketAddr::new(ip(RELAY), 50_000)),
        Some(443)
    );
}

#[test]
fn an_even_port_is_even() {
    let mut world = World::with(Peers::OwnRelays, |rules| rules.ports = 50_001..=50_004);
    for port in 1..=2 {
        let mut device = Device::new(port);
        device.knock(&mut world);
        let even = [ASK_UDP, (attribute::EVEN_PORT, &[0][..])];
        assert_eq!(
            device.ask(&mut world, method::ALLOCATE, &even, &[]),
            Some(0)
        );
        assert!(
            told(&world.reply, attribute::XOR_RELAYED_ADDRESS)
                .port()
                .is_multiple_of(2)
        );
    }
    let mut device = Device::new(3);
    device.knock(&mut world);
    assert_eq!(
        device.ask(
            &mut world,
            method::ALLOCATE,
            &[ASK_UDP, (attribute::EVEN_PORT, &[0])],
            &[]
        ),
        Some(508)
    );
    assert_eq!(device.allocate(&mut world), Some(0));
}

#[test]
fn a_request_sent_twice_makes_one_allocation() {
    let mut world = World::new();
    let mut device = Device::new(1);
    device.knock(&mut world);
    let request = device.request(method::ALLOCATE, &[ASK_UDP], &[]);
    assert_eq!(world.ask(device.client, &request), Some(0));
    let first = world.reply.clone();
    assert_eq!(world.ask(device.client, &request), Some(0));
    assert_eq!(world.reply, first);
    assert_eq!((world.turn.allocations(), world.sockets.1), (1, 1));
}

#[test]
fn quotas_hold_and_come_back() {
    let mut world = World::with(Peers::OwnRelays, |rules| {
        rules.allocations = 3;
        rules.allocations_per_credential = 2;
    });
    let mut devices: Vec<_> = (1..=2)
        .map(|port| Device::with_allocation(&mut world, port))
        .collect();
    let mut third = Device::new(3);
    assert_eq!(third.allocate(&mut world), Some(486));
    third.username.invite = InviteId::new(None, [2; 8]);
    assert_eq!(third.allocate(&mut world), Some(0));
    let mut fourth = Device::new(4);
    fourth.username.invite = InviteId::new(None, [3; 8]);
    assert_eq!(fourth.allocate(&mut world), Some(508));
    assert_eq!(devices[0].refresh(&mut world, 0), Some(0));
    assert_eq!(fourth.allocate(&mut world), Some(0));
    world.pass(600);
    assert_eq!(world.turn.allocations(), 0, "nobody refreshed");
    assert!(world.sockets.0.is_empty());
}

#[test]
fn ports_run_out_cleanly_and_ours_are_not_given_out() {
    let now = Now {
        instant: Instant::now(),
        unix: UNIX,
    };
    let mut world = World::with(Peers::OwnRelays, |_| {});
    let rules = Rules {
        ports: 50_000..=50_002,
        ..world.turn.rules
    };
    let taken = [SocketAddr::new(ip(RELAY), 50_001)];
    let policy = Policy::new(Peers::OwnRelays, vec![ip(RELAY)], vec![]);
    world.turn = Turn::new(
        rules,
        policy,
        &[ip(RELAY)],
        &taken,
        Some(secret()),
        [1; 32],
        now,
    );
    let ports: BTreeSet<u16> = (1..=2)
        .map(|port| Device::with_allocation(&mut world, port).relayed.port())
        .collect();
    assert_eq!(ports, BTreeSet::from([50_000, 50_002]));
    assert_eq!(Device::new(3).allocate(&mut world), Some(508));
}

/// relay-leak: what is made and ended leaves nothing.
#[test]
fn ten_thousand_allocations_leave_nothing() {
    let mut world = World::with(Peers::Public, |_| {});
    let mut device = Device::new(1);
    device.knock(&mut world);
    for round in 0..10_000_u32 {
        device.transaction = 0;
        assert_eq!(device.allocate(&mut world), Some(0), "{round}");
        assert_eq!(device.refresh(&mut world, 0), Some(0), "{round}");
    }
    assert_eq!((world.turn.allocations(), world.sockets.1), (0, 10_000));
    assert!(world.sockets.0.is_empty());
    assert_eq!(world.turn.table.places(), 1, "one place served them all");
    assert_eq!(world.turn.table.held_by(device.username.invite), 0);
}

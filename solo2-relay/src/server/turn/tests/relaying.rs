//! Data on its way, and who may be a peer (RFC 8656 §9 to §12).

use super::*;

#[test]
fn two_clients_talk_and_neither_is_shown_the_other() {
    let mut world = World::new();
    let mut alice = Device::with_allocation(&mut world, 1);
    let mut bob = Device::with_allocation(&mut world, 2);
    assert_eq!(alice.bind(&mut world, 0x4001, bob.relayed), Some(0));
    // Bob does not let her in yet.
    assert_eq!(
        world.say(alice.client, &channel_message(0x4001, b"hi")).0,
        Action::Nothing
    );
    assert_eq!(bob.permit(&mut world, alice.relayed), Some(0));
    assert_eq!(
        world.say(alice.client, &channel_message(0x4001, b"hi")).0,
        Action::Reply { to: bob.client }
    );
    assert_eq!(
        told(&world.reply, attribute::XOR_PEER_ADDRESS),
        alice.relayed
    );
    assert_eq!(bob.bind(&mut world, 0x4fff, alice.relayed), Some(0));
    let (action, bytes) = world.say(alice.client, &channel_message(0x4001, b"hi"));
    assert_eq!(
        action,
        Action::Forward {
            to: bob.client,
            len: 6
        }
    );
    assert_eq!(bytes, channel_message(0x4fff, b"hi"));
    // By the long way it is the same, and padding is not handed on.
    assert_eq!(
        world
            .say(alice.client, &send_indication(bob.relayed, b"hi"))
            .0,
        Action::Reply { to: bob.client }
    );
    assert_eq!(world.reply, channel_message(0x4fff, b"hi"));
    let padded = [channel_message(0x4fff, b"ho"), vec![0, 0]].concat();
    assert_eq!(
        world.say(bob.client, &padded).0,
        Action::Forward {
            to: alice.client,
            len: 6
        }
    );
    assert!(world.sockets.0.contains(&alice.relayed));
    assert_eq!(
        (world.turn.counts().datagrams, world.turn.counts().bytes),
        (4, 8)
    );
}

/// relay-ssrf: the requests, over every kind of address; the tables are `policy`'s to test.
#[test]
fn forbidden_peers_get_403_and_no_way_around() {
    for peers in [Peers::OwnRelays, Peers::Public] {
        let mut world = World::with(peers, |_| {});
        let mut device = Device::with_allocation(&mut world, 1);
        let mut v6 = Device::new(2);
        v6.knock(&mut world);
        let family = [
            ASK_UDP,
            (attribute::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0][..]),
        ];
        assert_eq!(v6.ask(&mut world, method::ALLOCATE, &family, &[]), Some(0));
        for bad in [
            "127.0.0.1",
            "10.0.0.1",
            "169.254.169.254",
            "224.0.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "fe80::1",
            "fd00:ec2::254",
        ] {
            let peer = SocketAddr::new(ip(bad), 80);
            let device = if peer.is_ipv6() { &mut v6 } else { &mut device };
            assert_eq!(device.permit(&mut world, peer), Some(403), "{bad}");
            assert_eq!(device.bind(&mut world, 0x4000, peer), Some(403), "{bad}");
            assert_eq!(
                world.say(device.client, &send_indication(peer, b"x")).0,
                Action::Nothing,
                "{bad}"
            );
            assert_eq!(
                world.say(device.client, &channel_message(0x4000, b"x")).0,
                Action::Nothing,
                "{bad}"
            );
        }
        // One bad peer among good ones spoils them all.
        let good = SocketAddr::new(ip(RELAY), 50_005);
        let both = [good, SocketAddr::new(ip("127.0.0.1"), 1)];
        assert_eq!(
            device.ask(&mut world, method::CREATE_PERMISSION, &[], &both),
            Some(403)
        );
        let sender = world
            .turn
            .table
            .by_client(&device.client)
            .and_then(|id| world.turn.table.get(id));
        assert!(!sender.is_some_and(|it| it.permits(good.ip(), world.now.instant)));
    }
}

/// relay-self: the relay's own address is a peer only with the port of an allocation.
#[test]
fn the_relay_sends_nothing_to_itself() {
    for peers in [Peers::OwnRelays, Peers::Public] {
        let mut world = World::with(peers, |_| {});
        let mut device = Device::with_allocation(&mut world, 1);
        for (number, port) in (0x4000..).zip([22, 3478, 49_999, 50_999, 51_000]) {
            let peer = SocketAddr::new(ip(RELAY), port);
            assert_eq!(
                device.bind(&mut world, number, peer),
                Some(0),
                "the address is a relayed one"
            );
            assert_eq!(
                world.say(device.client, &channel_message(number, b"x")).0,
                Action::Nothing,
                "{port}"
            );
            assert_eq!(
                world.say(device.client, &send_indication(peer, b"x")).0,
                Action::Nothing,
                "{port}"
            );
        }
    }
}

#[test]
fn public_peers_are_reached_and_heard_by_permission_only() {
    let mut world = World::with(Peers::Public, |_| {});
    let mut device = Device::with_allocation(&mut world, 1);
    let peer = SocketAddr::new(ip("9.8.7.6"), 99);
    let hear = |world: &mut World, peer| {
        world
            .turn
            .hear_peer(world.now, device.relayed, peer, b"hi", &mut world.reply)
    };
    assert_eq!(
        world.say(device.client, &send_indication(peer, b"x")).0,
        Action::Nothing
    );
    assert_eq!(hear(&mut world, peer), Action::Nothing);
    assert_eq!(device.permit(&mut world, peer), Some(0));
    let hear = |world: &mut World, peer| {
        world
            .turn
            .hear_peer(world.now, device.relayed, peer, b"hi", &mut world.reply)
    };
    let indication = send_indication(peer, b"hello");
    let (action, _) = world.say(device.client, &indication);
    let Action::Peer { from, to, data } = action else {
        panic!("{action:?}")
    };
    assert_eq!(
        (from, to, &indication[data]),
        (device.relayed, peer, &b"hello"[..])
    );
    assert_eq!(hear(&mut world, peer), Action::Reply { to: device.client });
    assert_eq!(told(&world.reply, attribute::XOR_PEER_ADDRESS), peer);
    let another_port = SocketAddr::new(peer.ip(), 100);
    assert_eq!(
        hear(&mut world, another_port),
        Action::Reply { to: device.client }
    );
    assert_eq!(device.bind(&mut world, 0x4002, peer), Some(0));
    let message = channel_message(0x4002, b"hello");
    let (action, _) = world.say(device.client, &message);
    assert_eq!(
        action,
        Action::Peer {
            from: device.relayed,
            to: peer,
            data: 4..9
        }
    );
    let hear = |world: &mut World, peer| {
        world
            .turn
            .hear_peer(world.now, device.relayed, peer, b"hi", &mut world.reply)
    };
    assert_eq!(hear(&mut world, peer), Action::Reply { to: device.client });
    assert_eq!(world.reply, channel_message(0x4002, b"hi"));
    // Somebody outside who claims to be one of ours.
    let claimed = SocketAddr::new(ip(RELAY), 50_001);
    assert_eq!(device.permit(&mut world, claimed), Some(0));
    let action = world
        .turn
        .hear_peer(world.now, device.relayed, claimed, b"hi", &mut world.reply);
    assert_eq!(action, Action::Nothing);
}

#[test]
fn channel_numbers_are_those_of_rfc_8656() {
    let mut world = World::new();
    let mut device = Device::with_allocation(&mut world, 1);
    let peer = |port| SocketAddr::new(ip(RELAY), port);
    for number in [0x3fff, 0x5000, 0x7fff, 0xffff] {
        assert_eq!(
            device.bind(&mut world, number, peer(50_001)),
            Some(400),
            "{number:x}"
        );
    }
    assert_eq!(device.bind(&mut world, 0x4000, peer(50_001)), Some(0));
    assert_eq!(device.bind(&mut world, 0x4000, peer(50_002)), Some(400));
    assert_eq!(device.bind(&mut world, 0x4001, peer(50_001)), Some(400));
    assert_eq!(device.bind(&mut world, 0x4001, peer(0)), Some(400));
    assert_eq!(
        device.ask(&mut world, method::CHANNEL_BIND, &[], &[peer(50_003)]),
        Some(400)
    );
    assert_eq!(
        device.ask(&mut world, method::CREATE_PERMISSION, &[], &[]),
        Some(400)
    );
    assert_eq!(
        device.ask(&mut world, method::CREATE_PERMISSION, &[], &[peer(1); 9]),
        Some(508)
    );
}

#[test]
fn a_credential_sends_no_faster_than_it_may() {
    let mut world = World::with(Peers::OwnRelays, |rules| {
        rules.rate_per_credential = Some(125_000.0)
    });
    let mut alice = Device::with_allocation(&mut world, 1);
    let mut bob = Device::with_allocation(&mut world, 2);
    assert_eq!(alice.bind(&mut world, 0x4000, bob.relayed), Some(0));
    assert_eq!(bob.bind(&mut world, 0x4000, alice.relayed), Some(0));
    let message = channel_message(0x4000, &[0; 1000]);
    let passed = |world: &mut World| {
        (0..1000)
            .filter(|_| world.say(alice.client, &message).0 != Action::Nothing)
            .count()
    };
    assert_eq!(passed(&mut world), 125);
    world.pass(1);
    assert_eq!(passed(&mut world), 125);
}

proptest::proptest! {
    /// Whatever comes, and in whatever order: no panic, and no word to who was not asked.
    #[test]
    fn no_datagrams_panic(
        datagrams in proptest::collection::vec((0..4_u16, proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80), 0..6_u8), 0..40),
    ) {
        let mut world = World::with(Peers::Public, |_| {});
        let mut device = Device::with_allocation(&mut world, 1);
        let others = Device::with_allocation(&mut world, 2).relayed;
        for (port, bytes, kind) in datagrams {
            let attribute = [(u16::from_be_bytes([0, bytes.len() as u8]), bytes.as_slice())];
            let datagram = match kind {
                0 => bytes.clone(),
                1 => channel_message(0x4000 + port, &bytes),
                2 => send_indication(others, &bytes),
                3 => device.request(method::REFRESH, &attribute, &[]),
                4 => device.request(method::CHANNEL_BIND, &attribute, &[others]),
                _ => device.request(method::ALLOCATE, &attribute, &[]),
            };
            device.transaction = device.transaction.wrapping_rem(200);
            let (action, _) = world.say(client(port), &datagram);
            if let Action::Peer { to, .. } = action {
                proptest::prop_assert!(world.turn.policy.permits(to.ip()));
            }
        }
    }
}

/// RFC 8656 §3.1: what carries a client's messages changes nothing between the two.
#[test]
fn a_connection_is_a_client_of_its_own_and_ends_with_its_allocation() {
    let mut world = World::new();
    let mut by_udp = Device::with_allocation(&mut world, 1);
    let mut by_tcp = Device::new(1);
    by_tcp.client.via = Via::Stream(3);
    assert_eq!(
        by_tcp.allocate(&mut world),
        Some(0),
        "one address, two 5-tuples"
    );
    assert_eq!(by_udp.bind(&mut world, 0x4000, by_tcp.relayed), Some(0));
    assert_eq!(by_tcp.bind(&mut world, 0x4001, by_udp.relayed), Some(0));
    let (action, bytes) = world.say(by_udp.client, &channel_message(0x4000, b"hello"));
    let to = by_tcp.client;
    assert_eq!(action, Action::Forward { to, len: 9 });
    assert_eq!(bytes, channel_message(0x4001, b"hello"));
    // Padding on the way in is no part of the data.
    let padded = [channel_message(0x4001, b"hello"), vec![0; 3]].concat();
    let to = by_udp.client;
    let (action, _) = world.say(by_tcp.client, &padded);
    assert_eq!(action, Action::Forward { to, len: 9 });
    assert_eq!(world.turn.connected(), HashSet::from([3]));
    assert!(world.turn.knows(&by_tcp.client));
    world.turn.leave(&by_tcp.client, &mut world.sockets);
    assert!(!world.turn.knows(&by_tcp.client) && world.turn.knows(&by_udp.client));
    assert!(world.turn.connected().is_empty());
    let (action, _) = world.say(by_udp.client, &channel_message(0x4000, b"anybody?"));
    assert_eq!(action, Action::Nothing);
}

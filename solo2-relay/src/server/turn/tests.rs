//! The engine against clients made by hand, with a clock and sockets of the test's own.

use std::collections::BTreeSet;
use std::time::Duration;

use zeroize::Zeroizing;

use super::*;
use crate::credential::{REALM, Username};
use crate::wire::{Integrity, LongTermKey};

const RELAY: &str = "198.51.100.7";
const UNIX: u64 = 1_790_000_000;

#[derive(Default)]
struct Opened(BTreeSet<SocketAddr>, usize);

impl Sockets for Opened {
    fn open(&mut self, relayed: SocketAddr) -> io::Result<()> {
        self.1 += 1;
        assert!(self.0.insert(relayed), "{relayed} was open");
        Ok(())
    }

    fn close(&mut self, relayed: SocketAddr) {
        assert!(self.0.remove(&relayed), "{relayed} was not open");
    }
}

/// An engine and the time it lives in.
struct World {
    turn: Turn,
    now: Now,
    sockets: Opened,
    reply: Vec<u8>,
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn secret() -> RelaySecret {
    RelaySecret::new(Zeroizing::new(b"0123456789abcdef".to_vec())).expect("long enough")
}

impl World {
    fn with(peers: Peers, change: impl FnOnce(&mut Rules)) -> Self {
        let mut rules = Rules {
            stun: true,
            ports: 50_000..=50_999,
            allocations: 100,
            allocations_per_credential: 10,
            rate_per_credential: None,
            credential_lifetime: 86_400,
        };
        change(&mut rules);
        let now = Now {
            instant: Instant::now(),
            unix: UNIX,
        };
        let relayed = [ip(RELAY), ip("2a00::7")];
        let policy = Policy::new(peers, relayed.to_vec(), relayed.to_vec());
        let turn = Turn::new(rules, policy, &relayed, &[], Some(secret()), [7; 32], now);
        Self {
            turn,
            now,
            sockets: Opened::default(),
            reply: Vec::new(),
        }
    }

    fn new() -> Self {
        Self::with(Peers::OwnRelays, |_| {})
    }

    fn pass(&mut self, seconds: u64) {
        self.now.instant += Duration::from_secs(seconds);
        self.now.unix += seconds;
        self.turn.expire(self.now, &mut self.sockets);
    }

    /// The engine's word on a datagram: the action, and the datagram as it now is.
    fn say(&mut self, client: Client, bytes: &[u8]) -> (Action, Vec<u8>) {
        let mut bytes = bytes.to_vec();
        let action = self.turn.hear_client(
            self.now,
            client,
            &mut bytes,
            &mut self.reply,
            &mut self.sockets,
        );
        (action, bytes)
    }

    /// The code of the answer: 0 for success, `None` for silence.
    fn ask(&mut self, client: Client, bytes: &[u8]) -> Option<u16> {
        match self.say(client, bytes).0 {
            Action::Reply { to } => assert_eq!(to, client),
            Action::Nothing => return None,
            other => panic!("{other:?}"),
        }
        let answer = Message::parse(&self.reply).expect("STUN");
        Some(match answer.class() {
            Class::Success => 0,
            _ => match answer
                .attribute(attribute::ERROR_CODE)
                .expect("a code")
                .value
            {
                [_, _, class, number, ..] => u16::from(*class) * 100 + u16::from(*number),
                other => panic!("{other:?}"),
            },
        })
    }
}

fn client(port: u16) -> Client {
    Client {
        via: Via::Udp(0),
        address: SocketAddr::from(([192, 0, 2, 1], port)),
        local: None,
    }
}

/// A client with a credential.
struct Device {
    client: Client,
    username: Username,
    nonce: Vec<u8>,
    transaction: u8,
    relayed: SocketAddr,
}

type Attributes<'a> = &'a [(u16, &'a [u8])];
const ASK_UDP: (u16, &[u8]) = (attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);

impl Device {
    fn new(port: u16) -> Self {
        Self {
            client: client(port),
            username: Username {
                expires: UNIX + 3600,
                invite: InviteId::new(None, [1; 8]),
            },
            nonce: Vec::new(),
            transaction: 0,
            relayed: SocketAddr::from(([0; 4], 0)),
        }
    }

    fn key(&self) -> LongTermKey {
        secret()
            .invite_key(self.username.invite)
            .password(&self.username)
            .key(&self.username)
    }

    fn request(
        &mut self,
        method: u16,
        attributes: Attributes<'_>,
        peers: &[SocketAddr],
    ) -> Vec<u8> {
        self.transaction += 1;
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, Class::Request, method, [self.transaction; 12]);
        for (kind, value) in attributes {
            writer.attribute(*kind, value);
        }
        for peer in peers {
            writer.xor_address(attribute::XOR_PEER_ADDRESS, *peer);
        }
        writer
            .attribute(attribute::USERNAME, self.username.to_string().as_bytes())
            .attribute(attribute::REALM, REALM.as_bytes())
            .attribute(attribute::NONCE, &self.nonce)
            .integrity(Integrity::Sha1, &self.key())
            .fingerprint();
        out
    }

    fn ask(
        &mut self,
        world: &mut World,
        method: u16,
        attributes: Attributes<'_>,
        peers: &[SocketAddr],
    ) -> Option<u16> {
        let request = self.request(method, attributes, peers);
        let code = world.ask(self.client, &request);
        if code.is_some() {
            let answer = Message::parse(&world.reply).expect("STUN");
            assert!(answer.has_fingerprint(), "the request had one");
            if !matches!(code, Some(400 | 401 | 438)) {
                assert!(answer.verify(&self.key()), "answers are signed");
            }
        }
        code
    }

    /// Learns a nonce.
    fn knock(&mut self, world: &mut World) {
        let mut bare = Vec::new();
        Writer::new(&mut bare, Class::Request, method::ALLOCATE, [9; 12])
            .attribute(ASK_UDP.0, ASK_UDP.1);
        assert_eq!(world.ask(self.client, &bare), Some(401));
        let answer = Message::parse(&world.reply).expect("STUN");
        assert_eq!(
            answer.attribute(attribute::REALM).map(|it| it.value),
            Some(REALM.as_bytes())
        );
        self.nonce = answer
            .attribute(attribute::NONCE)
            .expect("a nonce")
            .value
            .to_vec();
    }

    fn allocate(&mut self, world: &mut World) -> Option<u16> {
        if self.nonce.is_empty() {
            self.knock(world);
        }
        let code = self.ask(world, method::ALLOCATE, &[ASK_UDP], &[]);
        if code == Some(0) {
            self.relayed = told(&world.reply, attribute::XOR_RELAYED_ADDRESS);
            assert_eq!(
                told(&world.reply, attribute::XOR_MAPPED_ADDRESS),
                self.client.address
            );
        }
        code
    }

    fn with_allocation(world: &mut World, port: u16) -> Self {
        let mut device = Self::new(port);
        assert_eq!(device.allocate(world), Some(0));
        device
    }

    fn permit(&mut self, world: &mut World, peer: SocketAddr) -> Option<u16> {
        self.ask(world, method::CREATE_PERMISSION, &[], &[peer])
    }

    fn bind(&mut self, world: &mut World, number: u16, peer: SocketAddr) -> Option<u16> {
        let [a, b] = number.to_be_bytes();
        self.ask(
            world,
            method::CHANNEL_BIND,
            &[(attribute::CHANNEL_NUMBER, &[a, b, 0, 0])],
            &[peer],
        )
    }

    fn refresh(&mut self, world: &mut World, lifetime: u32) -> Option<u16> {
        self.ask(
            world,
            method::REFRESH,
            &[(attribute::LIFETIME, &lifetime.to_be_bytes())],
            &[],
        )
    }
}

fn told(reply: &[u8], kind: u16) -> SocketAddr {
    let answer = Message::parse(reply).expect("STUN");
    let address = answer.attribute(kind).expect("it is told");
    address
        .xor_address(&answer.transaction())
        .expect("an address")
}

fn send_indication(peer: SocketAddr, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::new(&mut out, Class::Indication, method::SEND, [3; 12])
        .xor_address(attribute::XOR_PEER_ADDRESS, peer)
        .attribute(attribute::DATA, data);
    out
}

fn channel_message(number: u16, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_channel_data(&mut out, number, data);
    out
}

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

#[test]
fn nothing_is_kept_about_who_has_shown_no_password() {
    let mut world = World::new();
    let mut stranger = Device::new(1);
    stranger.knock(&mut world);
    stranger.username.invite = InviteId::new(None, [1; 8]);
    let mut guess = stranger.request(method::ALLOCATE, &[ASK_UDP], &[]);
    let at = guess.len() - 10;
    guess[at] ^= 1;
    // The last eight bytes are the fingerprint, which must be right.
    let message_end = guess.len() - 8;
    let crc = crc32fast::hash(&guess[..message_end]) ^ 0x5354_554e;
    guess[message_end + 4..].copy_from_slice(&crc.to_be_bytes());
    assert_eq!(world.ask(stranger.client, &guess), Some(401));
    assert_eq!(world.turn.allocations(), 0);
    assert_eq!(world.sockets.1, 0);
    assert_eq!(world.turn.table.held_by(stranger.username.invite), 0);
}

#[test]
fn a_nonce_is_good_for_its_address_and_an_hour() {
    let mut world = World::new();
    let mut alice = Device::new(1);
    alice.knock(&mut world);
    let mut mallory = Device {
        client: client(2),
        ..Device::new(2)
    };
    mallory.nonce.clone_from(&alice.nonce);
    assert_eq!(
        mallory.ask(&mut world, method::ALLOCATE, &[ASK_UDP], &[]),
        Some(438)
    );
    assert!(
        Message::parse(&world.reply)
            .expect("STUN")
            .attribute(attribute::NONCE)
            .is_some()
    );
    world.pass(3599);
    alice.username.expires += 3600;
    assert_eq!(
        alice.ask(&mut world, method::ALLOCATE, &[ASK_UDP], &[]),
        Some(0)
    );
    world.pass(1);
    assert_eq!(alice.refresh(&mut world, 600), Some(438));
    alice.nonce = vec![b'A'; auth::NONCE_TEXT_LEN];
    assert_eq!(alice.refresh(&mut world, 600), Some(438));
}

#[test]
fn a_credential_ends_with_its_day_its_invite_or_by_revocation() {
    let mut world = World::new();
    let mut device = Device::new(1);
    device.knock(&mut world);
    let mut ask = |world: &mut World, expires: u64, ends: Option<u64>| {
        device.username = Username {
            expires,
            invite: InviteId::new(ends, [1; 8]),
        };
        let code = device.ask(world, method::ALLOCATE, &[ASK_UDP], &[]);
        if code == Some(0) {
            assert_eq!(device.refresh(world, 0), Some(0));
        }
        code
    };
    assert_eq!(ask(&mut world, UNIX + 86_400, None), Some(0));
    assert_eq!(
        ask(&mut world, UNIX + 86_401, None),
        Some(401),
        "more than a day ahead"
    );
    assert_eq!(ask(&mut world, UNIX, None), Some(401), "over");
    assert_eq!(ask(&mut world, UNIX + 10, Some(UNIX + 1)), Some(0));
    assert_eq!(
        ask(&mut world, UNIX + 10, Some(UNIX)),
        Some(401),
        "the invite is over"
    );
    let mut held = Device::with_allocation(&mut world, 2);
    world
        .turn
        .revoke([held.username.invite].into(), &mut world.sockets);
    assert_eq!(world.turn.allocations(), 0, "what it holds ends");
    assert!(world.sockets.0.is_empty());
    assert_eq!(held.allocate(&mut world), Some(401));
    world.turn.revoke(HashSet::new(), &mut world.sockets);
    assert_eq!(held.allocate(&mut world), Some(0));
}

#[test]
fn a_later_credential_of_the_same_invite_goes_on_and_another_invite_does_not() {
    let mut world = World::new();
    let mut device = Device::with_allocation(&mut world, 1);
    device.username.expires += 60;
    assert_eq!(device.refresh(&mut world, 600), Some(0));
    device.username.invite = InviteId::new(None, [2; 8]);
    assert_eq!(device.refresh(&mut world, 600), Some(441));
    assert_eq!(
        device.permit(&mut world, SocketAddr::new(ip(RELAY), 50_001)),
        Some(441)
    );
}

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

/// stun-post-mi: what stands behind the integrity code changes nothing.
#[test]
fn an_attribute_behind_the_integrity_code_is_not_obeyed() {
    let mut world = World::new();
    let mut device = Device::with_allocation(&mut world, 1);
    let mut request = Vec::new();
    let mut writer = Writer::new(&mut request, Class::Request, method::REFRESH, [99; 12]);
    writer
        .attribute(attribute::USERNAME, device.username.to_string().as_bytes())
        .attribute(attribute::REALM, REALM.as_bytes())
        .attribute(attribute::NONCE, &device.nonce)
        .integrity(Integrity::Sha1, &device.key())
        .attribute(attribute::LIFETIME, &[0; 4]);
    assert_eq!(world.ask(device.client, &request), Some(0));
    assert_eq!(world.turn.allocations(), 1, "it was not deleted");
    assert_eq!(device.refresh(&mut world, 0), Some(0));
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

#[test]
fn strangers_are_answered_a_bounded_number_of_times() {
    let mut world = World::new();
    let mut bare = Vec::new();
    Writer::new(&mut bare, Class::Request, method::ALLOCATE, [9; 12]);
    let mut device = Device::with_allocation(&mut world, 1);
    let answered = (0..2000)
        .filter(|_| world.ask(client(7), &bare).is_some())
        .count();
    assert_eq!(answered, 499, "500 less the one that brought the nonce");
    assert!(
        world.reply.len() <= 128,
        "{} bytes for {}",
        world.reply.len(),
        bare.len()
    );
    // Who has a password is served all the same.
    assert_eq!(device.refresh(&mut world, 600), Some(0));
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

#[test]
fn binding_tells_the_address_and_nothing_else() {
    let mut world = World::new();
    let mut request = Vec::new();
    Writer::new(&mut request, Class::Request, method::BINDING, [5; 12]);
    assert_eq!(world.ask(client(4), &request), Some(0));
    assert_eq!(
        told(&world.reply, attribute::XOR_MAPPED_ADDRESS),
        client(4).address
    );
    assert_eq!(
        Message::parse(&world.reply)
            .expect("STUN")
            .attributes()
            .count(),
        1
    );
    assert_eq!(
        world.ask(client(0), &request),
        None,
        "nobody sends from port 0"
    );
    Writer::new(&mut request, Class::Request, method::BINDING, [5; 12])
        .attribute(0x0003, &[0, 0, 0, 6]);
    assert_eq!(
        world.ask(client(4), &request),
        Some(420),
        "no reflecting to other ports"
    );
    world.turn.rules.stun = false;
    Writer::new(&mut request, Class::Request, method::BINDING, [5; 12]);
    assert_eq!(world.ask(client(4), &request), None);
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

//! The engine against clients made by hand, with a clock and sockets of the test's own.

mod allocations;
mod credentials;
mod relaying;

use std::collections::BTreeSet;
use std::time::Duration;

use zeroize::Zeroizing;

use super::*;
use crate::credential::{REALM, Username};
use crate::server::policy::Peers;
use crate::wire::{Integrity, LongTermKey, Writer, attribute};

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
            realm: Realm::default(),
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
    realm: String,
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
            realm: REALM.to_owned(),
            transaction: 0,
            relayed: SocketAddr::from(([0; 4], 0)),
        }
    }

    fn key(&self) -> LongTermKey {
        secret()
            .invite_key(self.username.invite)
            .password(&self.username)
            .key(&self.username, &self.realm)
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
            .attribute(attribute::REALM, self.realm.as_bytes())
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
            Some(self.realm.as_bytes())
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

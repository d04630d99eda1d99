//! What a relay is for: datagrams arrive, whole and in order, and show no address.

use std::net::{IpAddr, SocketAddr};

use quinn_udp::{Transmit, UdpSocketState};
use solo2_relay::wire::{Message, attribute, channel_data, method};

use crate::streams::talk;
use crate::support::{Client, Relay};

/// Two clients that know each other as channel 4000 and 4abc.
fn pair(relay: &Relay) -> (Client, Client) {
    let credential = relay.credential();
    let (mut alice, mut bob) = (
        Client::new(relay, &credential),
        Client::new(relay, &credential),
    );
    assert_eq!((alice.allocate(), bob.allocate()), (0, 0));
    assert_eq!(alice.bind(0x4000, bob.relayed), 0);
    assert_eq!(bob.bind(0x4abc, alice.relayed), 0);
    (alice, bob)
}

#[test]
fn datagrams_arrive_whole_and_in_order_both_ways() {
    let relay = Relay::start(&[]);
    let (alice, bob) = pair(&relay);
    // Of one size and of many, across the size that may be sent in one call.
    let lengths = |round: u32| [1228, 1228, 1228, round as usize % 1300, 1228, 1400, 1, 0];
    for (from, to, send, receive) in [
        (&alice, &bob, 0x4000, 0x4abc),
        (&bob, &alice, 0x4abc, 0x4000),
    ] {
        for round in 0..200_u32 {
            let datagrams: Vec<Vec<u8>> = lengths(round)
                .iter()
                .enumerate()
                .map(|(at, len)| {
                    (0..*len)
                        .map(|byte| (byte as u8) ^ (round as u8) ^ (at as u8) << 4)
                        .collect()
                })
                .collect();
            for datagram in &datagrams {
                from.send(send, datagram);
            }
            for datagram in &datagrams {
                let message = to.receive().expect("it arrives");
                assert_eq!(
                    channel_data(&message),
                    Some((receive, &datagram[..])),
                    "round {round}"
                );
                assert_eq!(message.len(), datagram.len() + 4, "no padding over UDP");
            }
        }
    }
}

/// Many in one call, for two receivers in turns, some with less in them than their
/// length: they arrive at the relay as one, and must not be mistaken for each other.
#[test]
fn datagrams_that_come_together_are_told_apart() {
    let relay = Relay::start(&[]);
    let credential = relay.credential();
    let mut clients = [(); 3].map(|()| Client::new(&relay, &credential));
    send_together(&relay, &mut clients);
}

/// From the first of the clients to the others, none of which has an allocation yet.
pub(crate) fn send_together(relay: &Relay, [alice, bob, carol]: &mut [Client; 3]) {
    const SEGMENT: usize = 1232;
    for client in [&mut *alice, bob, carol] {
        assert_eq!(client.allocate(), 0);
    }
    assert_eq!(alice.bind(0x4000, bob.relayed), 0);
    assert_eq!(bob.bind(0x4abc, alice.relayed), 0);
    assert_eq!(alice.bind(0x4001, carol.relayed), 0);
    assert_eq!(carol.bind(0x4def, alice.relayed), 0);
    let state = UdpSocketState::new((&alice.socket).into()).expect("a UDP socket");
    alice
        .socket
        .set_nonblocking(false)
        .expect("a socket option");
    for round in 0..64_u32 {
        let (mut burst, mut wanted) = (Vec::new(), [Vec::new(), Vec::new()]);
        for at in 0..32_u32 {
            // Long stretches for one, changes, and a last one that is short.
            let to = usize::from(at % 8 == round % 8 || at == 31 && round % 2 == 0);
            let len = if at % 11 == 3 {
                SEGMENT - 4 - round as usize % 9
            } else {
                SEGMENT - 4
            };
            let mut data = vec![at as u8 ^ round as u8; len];
            data[..4].copy_from_slice(&(round << 8 | at).to_be_bytes());
            let number = [0x4000_u16, 0x4001][to];
            burst.extend_from_slice(&number.to_be_bytes());
            burst.extend_from_slice(&u16::try_from(len).expect("short").to_be_bytes());
            burst.extend_from_slice(&data);
            burst.resize((at as usize + 1) * SEGMENT, 0);
            wanted[to].push(data);
        }
        let transmit = Transmit {
            destination: relay.address,
            ecn: None,
            contents: &burst[..burst.len() - SEGMENT + SEGMENT / 2],
            segment_size: Some(SEGMENT),
            src_ip: None,
        };
        // What is cut short says that it is longer, and is dropped.
        let last = usize::from(31 % 8 == round % 8 || round % 2 == 0);
        wanted[last].pop();
        state
            .try_send((&alice.socket).into(), &transmit)
            .expect("sent in one call");
        for (receiver, number, wanted) in
            [(&*bob, 0x4abc, &wanted[0]), (&*carol, 0x4def, &wanted[1])]
        {
            for data in wanted {
                let message = receiver.receive().expect("it arrives");
                assert_eq!(message.len(), data.len() + 4, "round {round}");
                assert!(
                    channel_data(&message) == Some((number, &data[..])),
                    "round {round}"
                );
            }
        }
    }
    for receiver in [bob, carol] {
        receiver
            .socket
            .set_nonblocking(true)
            .expect("a socket option");
        assert!(receiver.receive().is_none(), "and nothing else");
    }
}

/// One comes by IPv4 and one by IPv6; their relayed addresses are of one family, so each is
/// a peer of the other.
#[test]
fn clients_of_both_families_meet_on_one_relay() {
    let relay = Relay::start(&["--listen-udp", "[::1]:0"]);
    let [v4, v6] = relay.addresses[..] else {
        panic!("two sockets");
    };
    let credential = relay.credential();
    let mut by_v4 = Client::new(&relay, &credential);
    let socket = std::net::UdpSocket::bind("[::1]:0").expect("a port");
    socket.connect(v6).expect("a route");
    let patience = Some(std::time::Duration::from_secs(1));
    socket.set_read_timeout(patience).expect("a socket option");
    let mut by_v6 = Client::over(socket, &relay, &credential);
    talk(&mut by_v4, &mut by_v6);
    for client in [by_v4, by_v6] {
        assert_eq!(client.relayed.ip(), v4.ip());
    }
}

#[test]
fn who_is_not_let_in_is_not_heard() {
    let relay = Relay::start(&[]);
    let credential = relay.credential();
    let (mut alice, mut bob) = (
        Client::new(&relay, &credential),
        Client::new(&relay, &credential),
    );
    assert_eq!((alice.allocate(), bob.allocate()), (0, 0));
    assert_eq!(alice.bind(0x4000, bob.relayed), 0);
    alice.send(0x4000, b"too early");
    assert_eq!(bob.permit(alice.relayed), 0);
    alice.send(0x4000, b"hello");
    let bytes = bob.receive().expect("it arrives");
    let message = Message::parse(&bytes).expect("an indication");
    assert_eq!(message.method(), method::DATA);
    assert_eq!(
        message.attribute(attribute::DATA).map(|it| it.value),
        Some(&b"hello"[..])
    );
    let peer = message
        .attribute(attribute::XOR_PEER_ADDRESS)
        .and_then(|it| it.xor_address(&message.transaction()));
    assert_eq!(peer, Some(alice.relayed), "not her address");
}

/// relay-ssrf and relay-self: a socket that waits on this machine hears nothing.
#[test]
fn nothing_on_this_machine_is_reached_through_the_relay() {
    for peers in ["own-relays", "public"] {
        let relay = Relay::start(&["--peers", peers]);
        let mut client = Client::new(&relay, &relay.credential());
        assert_eq!(client.allocate(), 0);
        for ip in ["127.0.0.1", "127.0.0.2"] {
            let ip: IpAddr = ip.parse().expect("an address");
            let secret_service = std::net::UdpSocket::bind((ip, 0)).expect("a port");
            secret_service
                .set_nonblocking(true)
                .expect("a socket option");
            let peer = secret_service.local_addr().expect("bound");
            // The relay's own address may be asked for, since relayed addresses have it.
            let expected = if ip == relay.address.ip() { 0 } else { 403 };
            assert_eq!(client.permit(peer), expected, "{peers} {peer}");
            assert_eq!(client.bind(0x4001, peer), expected, "{peers} {peer}");
            client.send(0x4001, b"GET /secret");
            assert_eq!(client.refresh(600), 0, "the relay is past it");
            assert!(
                secret_service.recv(&mut [0; 100]).is_err(),
                "{peers} {peer}"
            );
            assert_eq!((client.refresh(0), client.allocate()), (0, 0));
        }
        assert_eq!(
            client.permit(SocketAddr::from(([169, 254, 169, 254], 80))),
            403
        );
        assert_eq!(
            client.permit(SocketAddr::from(([8, 8, 8, 8], 53))),
            if peers == "public" { 0 } else { 403 }
        );
    }
}

#[test]
fn a_revoked_invite_ends_with_a_signal() {
    let list = tempfile::NamedTempFile::new().expect("a file");
    let relay = Relay::start(&["--revoked-file", list.path().to_str().expect("text")]);
    let (good, bad) = (relay.credential(), relay.credential());
    let (mut stays, mut goes) = (Client::new(&relay, &good), Client::new(&relay, &bad));
    assert_eq!((stays.allocate(), goes.allocate()), (0, 0));
    let id = bad.username.split_once(':').expect("an id").1;
    std::fs::write(list.path(), format!("{id} # Mallory\n")).expect("written");
    relay.signal("HUP");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while goes.refresh(600) != 401 {
        assert!(std::time::Instant::now() < deadline, "still served");
    }
    assert_eq!(stays.refresh(600), 0);
    // A list that cannot be read changes nothing.
    std::fs::write(list.path(), "Mallory\n").expect("written");
    relay.signal("HUP");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!((goes.refresh(600), stays.refresh(600)), (401, 0));
}

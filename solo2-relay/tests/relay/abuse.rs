//! Those who take what they can: the figures of coturn's history that must not come back.

use std::net::{IpAddr, UdpSocket};
use std::time::{Duration, Instant};

use solo2_relay::wire::{Class, Writer, attribute, channel_data, method};

use crate::support::{Client, Relay};

/// What a longer run may ask for: SOLO2_RELAY_CYCLES=100000, SOLO2_RELAY_FLOOD_SECONDS=60.
fn asked(name: &str, usual: u32) -> u32 {
    std::env::var(name).map_or(usual, |text| text.parse().expect("a number"))
}

/// relay-leak: thousands of allocations, made and ended, in either mode, on 64 ports.
#[test]
fn allocations_that_end_leave_no_descriptor_and_no_memory() {
    for peers in ["own-relays", "public"] {
        let relay = Relay::start(&["--peers", peers, "--relay-ports", "40000-40063"]);
        let mut client = Client::new(&relay, &relay.credential());
        let mut cycle = |rounds: u32| {
            for round in 0..rounds {
                assert_eq!(client.allocate(), 0, "{peers} {round}");
                assert_eq!(client.refresh(0), 0, "{peers} {round}");
            }
        };
        // The socket of an ended allocation is closed a moment later.
        let settle = || std::thread::sleep(Duration::from_millis(300));
        cycle(500);
        settle();
        let (descriptors, resident) = (relay.descriptors(), relay.resident());
        let rounds = asked("SOLO2_RELAY_CYCLES", 2000);
        let start = Instant::now();
        cycle(rounds);
        settle();
        println!(
            "{peers}: {rounds} allocations made and ended in {:.1?}; {descriptors} descriptors became {}, {resident} KiB {}",
            start.elapsed(),
            relay.descriptors(),
            relay.resident()
        );
        assert_eq!(relay.descriptors(), descriptors, "{peers}");
        assert!(
            relay.resident() < resident + 1024,
            "{peers}: {resident} KiB became {}",
            relay.resident()
        );
    }
}

/// relay-flood: requests without a credential, from many addresses, 50,000 a second as far
/// as this machine sends them.
#[test]
fn a_flood_of_strangers_takes_no_memory_and_no_ones_place() {
    const RATE: f64 = 50_000.0;
    let relay = Relay::start(&[]);
    let credential = relay.credential();
    let (mut alice, mut bob) = (
        Client::new(&relay, &credential),
        Client::new(&relay, &credential),
    );
    assert_eq!((alice.allocate(), bob.allocate()), (0, 0));
    assert_eq!(
        (
            alice.bind(0x4000, bob.relayed),
            bob.bind(0x4000, alice.relayed)
        ),
        (0, 0)
    );
    bob.socket.set_nonblocking(true).expect("a socket option");
    let strangers: Vec<UdpSocket> = (0..250_u8)
        .map(|last| {
            let socket = UdpSocket::bind((IpAddr::from([127, 0, 9, last]), 0)).expect("a port");
            socket.connect(relay.address).expect("a route");
            socket.set_nonblocking(true).expect("a socket option");
            socket
        })
        .collect();
    let mut request = Vec::new();
    Writer::new(&mut request, Class::Request, method::ALLOCATE, [1; 12])
        .attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
    let flood = || {
        for socket in &strangers {
            // What the system does not take is not sent.
            let _ = socket.send(&request);
        }
    };
    for _ in 0..20 {
        flood();
    }
    let before = relay.resident();
    let seconds = asked("SOLO2_RELAY_FLOOD_SECONDS", 3);
    let (start, mut requests) = (Instant::now(), 0_u32);
    let (mut sent, mut arrived) = (0_u32, 0_u32);
    let heard = |arrived: &mut u32| {
        while bob.socket.recv(&mut [0; 100]).is_ok_and(|len| len == 8) {
            *arrived += 1;
        }
    };
    while start.elapsed() < Duration::from_secs(seconds.into()) {
        if start.elapsed().as_secs_f64() * RATE < f64::from(requests) {
            std::thread::sleep(Duration::from_millis(1));
        } else {
            flood();
            requests += 250;
        }
        alice.send(0x4000, &sent.to_be_bytes());
        sent += 1;
        // A machine that is too slow for the rate gets a lower one: what is not taken is
        // waited for, at most a second.
        let patience = Instant::now() + Duration::from_secs(1);
        while {
            heard(&mut arrived);
            arrived < sent
        } && Instant::now() < patience
        {
            std::thread::sleep(Duration::from_micros(100));
        }
    }
    let grown = relay.resident().saturating_sub(before);
    println!(
        "{requests} requests of strangers in {seconds} s, {before} KiB grew by {grown}; {arrived} of {sent} datagrams arrived",
    );
    assert!(grown < 5 * 1024, "{before} KiB grew by {grown}");
    assert!(
        f64::from(arrived) >= f64::from(sent) * 0.99,
        "{arrived} of {sent} arrived"
    );
    assert!(requests > 2000 * seconds, "only {requests} requests");
    let heard: usize = strangers
        .iter()
        .map(|socket| std::iter::from_fn(|| socket.recv(&mut [0; 500]).ok()).count())
        .sum();
    assert!(heard > 0, "strangers are answered");
    let most = 10_000 * (1 + start.elapsed().as_secs() as usize + 1);
    assert!(heard < most, "{heard} answers");
}

/// R13 of the targets: 10,000 that live take at most 60 MiB, with all the threads that a
/// large machine gives by itself.
#[test]
fn ten_thousand_allocations_fit_sixty_mebibytes() {
    let relay = Relay::start(&["--max-allocs-per-cred", "10000", "--threads", "8"]);
    let credential = relay.credential();
    let mut made = 0;
    while made < 10_000 {
        // Strangers are counted by address, so these come from many.
        let from = IpAddr::from([127, 1, u8::try_from(made / 250).expect("small"), 1]);
        let mut client = Client::from(from, &relay, &credential);
        match client.allocate() {
            0 => made += 1,
            // The system gave us a port that a client had before.
            437 => {}
            other => panic!("{other} after {made}"),
        }
    }
    let mut late = Client::new(&relay, &credential);
    assert_eq!(late.allocate(), 486);
    println!("{} KiB with 8 threads", relay.resident());
    assert!(relay.resident() < 60 * 1024, "{} KiB", relay.resident());
}

#[test]
fn what_is_no_stun_gets_no_answer_and_harms_nobody() {
    let relay = Relay::start(&[]);
    let credential = relay.credential();
    let mut client = Client::new(&relay, &credential);
    assert_eq!(client.allocate(), 0);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(relay.address).expect("a route");
    socket
        .set_read_timeout(Some(Duration::from_millis(300)))
        .expect("a socket option");
    for datagram in [
        vec![],
        b"hello".to_vec(),
        vec![0; 1400],
        vec![0x40; 1400],
        vec![0xff; 60_000],
        vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42],
    ] {
        socket.send(&datagram).expect("sent");
    }
    assert!(socket.recv(&mut [0; 100]).is_err(), "silence");
    assert_eq!(client.bind(0x4000, client.relayed), 0);
    client.send(0x4000, b"to myself");
    let echo = client.receive().expect("it arrives");
    assert_eq!(channel_data(&echo), Some((0x4000, &b"to myself"[..])));
}

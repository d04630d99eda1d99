//! A street with weather: every packet between two machines, and between them and the servers,
//! goes through this process, which delays, loses, doubles, overtakes and spoils as it is told.
//!
//! ```text
//!   alice 198.18.1.1 ── to1 ┐ street ┌ to2 ── 198.18.2.1 bob
//!                           ├─ TUN ──┤
//!                           └ to3 ── 198.18.3.1 servers
//!                              │ ▲
//!                     packet  ▼ │  the same, later, twice, changed, or not at all
//!                           this process
//! ```
//!
//! What comes in by one of the three wires is routed into the TUN device, what comes out of it
//! to where it is addressed. It is whole IPv4 packets that pass: ICE, QUIC, TURN and the
//! server's TCP alike.
//!
//! A changed byte gets a checksum that fits (RFC 1624), or the kernel would drop the packet
//! and spoiling were losing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::namespace::{Namespace, Network};
use crate::tun;
use crate::world::unique;

/// What happens to packets of one direction. The shares are of 1.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    pub(crate) delay: Duration,
    /// Added to the delay, up to so much; packets keep their order.
    pub(crate) jitter: Duration,
    pub(crate) loss: f64,
    pub(crate) twice: f64,
    /// Packets that come later than those after them.
    pub(crate) overtaken: f64,
    pub(crate) spoilt: f64,
}

/// How much later a packet comes that is overtaken.
const LATER: Duration = Duration::from_millis(30);

/// What happened so far, in packets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Toll {
    pub(crate) passed: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) overtaken: u64,
    pub(crate) spoilt: u64,
}

/// An end of a wire: who sends, or who is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Alice = 1,
    Bob = 2,
    Servers = 3,
}

/// The street between two machines. It ends with the value.
pub(crate) struct Street {
    pub(crate) network: Arc<Network>,
    namespace: Arc<Namespace>,
    device: String,
    air: Arc<Air>,
}

impl Street {
    /// Makes one in fair weather, or says what is missing.
    pub(crate) fn new(seed: u64) -> Result<Street, &'static str> {
        let street = Namespace::lonely()?;
        let legs = [
            Namespace::lonely()?,
            Namespace::lonely()?,
            Namespace::lonely()?,
        ];
        let device = unique("s2");
        let file = tun::open(&device).map_err(|_| "a TUN device")?;
        Namespace::adopt(&device, &street)?;
        street.run(&[
            "sysctl -q -w net.ipv4.ip_forward=1".to_owned(),
            "sysctl -q -w net.ipv6.conf.all.disable_ipv6=1".to_owned(),
            "sysctl -q -w net.ipv4.conf.all.rp_filter=0".to_owned(),
            "sysctl -q -w net.ipv4.conf.default.rp_filter=0".to_owned(),
            format!("ip link set {device} up"),
            format!("ip route add default dev {device} table 100"),
        ])?;
        for (number, leg) in (1..).zip(&legs) {
            street.run(&[
                format!(
                    "ip link add to{number} type veth peer name out netns {}",
                    leg.name()
                ),
                format!("ip addr add 198.18.{number}.254/24 dev to{number}"),
                format!("ip link set to{number} up"),
                // Ahead of the local table, so that what is for a neighbour passes, too.
                format!("ip rule add iif to{number} lookup 100"),
            ])?;
            leg.run(&[
                format!("ip addr add 198.18.{number}.1/24 dev out"),
                "ip link set out up".to_owned(),
                format!("ip route add default via 198.18.{number}.254"),
            ])?;
        }
        let [alice, bob, servers] = legs;
        let air = Arc::new(Air {
            state: Mutex::new(State::new(seed)),
            changed: Condvar::new(),
        });
        air.blow(file);
        Ok(Street {
            network: Arc::new(Network {
                middle: servers,
                ends: [alice, bob],
                server: "198.18.3.1".parse().unwrap(),
                _gates: [vec![Arc::clone(&street)], vec![]],
            }),
            namespace: street,
            device,
            air,
        })
    }

    /// The weather from now on: for what Alice sends, and for everything else.
    pub(crate) fn weather(&self, from_alice: Weather, others: Weather) {
        self.air.state.lock().unwrap().weather = [from_alice, others];
    }

    /// From now on nothing passes between these, or everything does again.
    pub(crate) fn cut(&self, between: Option<[At; 2]>) {
        self.air.state.lock().unwrap().cut = between;
    }

    /// From now on Alice's datagrams come from other ports, and the old ones lead nowhere: her
    /// translator has forgotten her (RFC 4787 §4.3).
    pub(crate) fn rebind(&self) {
        self.air.state.lock().unwrap().rebound ^= 0x0404;
    }

    /// The largest packet that crosses; who sends a larger one is told (RFC 1191).
    pub(crate) fn mtu(&self, bytes: u16) {
        let shrink = format!("ip link set {} mtu {bytes}", self.device);
        self.namespace.run(&[shrink]).unwrap();
    }

    /// Gives Alice another address in place of the one she has.
    pub(crate) fn move_alice(&self, last: u8) {
        self.network.ends[0].readdress("198.18.1.", last);
    }

    pub(crate) fn toll(&self) -> Toll {
        self.air.state.lock().unwrap().toll
    }
}

impl Drop for Street {
    fn drop(&mut self) {
        self.air.state.lock().unwrap().over = true;
        self.air.changed.notify_all();
        // Whoever reads from it is told.
        let _ = self
            .namespace
            .run(&[format!("ip link del {}", self.device)]);
    }
}

struct Air {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    chance: StdRng,
    weather: [Weather; 2],
    cut: Option<[At; 2]>,
    /// What Alice's ports are changed by.
    rebound: u16,
    /// By when it is due, then in order of arrival.
    queue: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    arrivals: u64,
    /// When the last packet of each direction that nobody overtakes is due.
    last: [Option<Instant>; 2],
    toll: Toll,
    over: bool,
}

impl Air {
    fn blow(self: &Arc<Self>, file: File) {
        let mut device = file.try_clone().unwrap();
        let air = Arc::clone(self);
        thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            // Fails when the device is gone.
            while let Ok(len) = device.read(&mut buffer) {
                air.state.lock().unwrap().take(&buffer[..len]);
                air.changed.notify_one();
            }
        });
        let air = Arc::clone(self);
        thread::spawn(move || air.deliver(file));
    }

    fn deliver(&self, mut device: File) {
        let mut state = self.state.lock().unwrap();
        while !state.over {
            let now = Instant::now();
            let Some(due) = state.queue.peek().map(|Reverse((due, ..))| *due) else {
                state = self.changed.wait(state).unwrap();
                continue;
            };
            if due > now {
                state = self.changed.wait_timeout(state, due - now).unwrap().0;
                continue;
            }
            let Reverse((_, _, packet)) = state.queue.pop().unwrap();
            drop(state);
            // A packet too large for the wire ahead is the kernel's to refuse.
            let _ = device.write(&packet);
            state = self.state.lock().unwrap();
        }
    }
}

impl State {
    fn new(seed: u64) -> State {
        State {
            chance: StdRng::seed_from_u64(seed),
            weather: [Weather::default(); 2],
            cut: None,
            rebound: 0,
            queue: BinaryHeap::new(),
            arrivals: 0,
            last: [None; 2],
            toll: Toll::default(),
            over: false,
        }
    }

    fn take(&mut self, packet: &[u8]) {
        let Some(mut packet) = Packet::parse(packet.to_vec()) else {
            return;
        };
        let (from, to) = (packet.from(), packet.to());
        let cut = self.cut.map(|cut| cut.map(|at| at as u8));
        let direction = usize::from(from != At::Alice as u8);
        let weather = self.weather[direction];
        if cut.is_some_and(|cut| cut == [from, to] || cut == [to, from])
            || self.chance.random_bool(weather.loss)
        {
            self.toll.lost += 1;
            return;
        }
        let hers = [from, to].contains(&(At::Alice as u8));
        if self.rebound > 0 && hers && packet.is_udp() {
            // Her own port is the first of two, or the second.
            packet.change_port(direction, self.rebound);
        }
        if self.chance.random_bool(weather.spoilt) && packet.spoil(&mut self.chance) {
            self.toll.spoilt += 1;
        }
        let now = Instant::now();
        let jitter = weather.jitter.mul_f64(self.chance.random_range(0.0..=1.0));
        let mut due = now + weather.delay + jitter;
        if self.chance.random_bool(weather.overtaken) {
            self.toll.overtaken += 1;
            due += LATER;
        } else {
            due = self.last[direction].map_or(due, |last| due.max(last));
            self.last[direction] = Some(due);
        }
        self.toll.passed += 1;
        if self.chance.random_bool(weather.twice) {
            self.toll.doubled += 1;
            self.push(due + weather.jitter, packet.0.clone());
        }
        self.push(due, packet.0);
    }

    fn push(&mut self, due: Instant, packet: Vec<u8>) {
        self.arrivals += 1;
        self.queue.push(Reverse((due, self.arrivals, packet)));
    }
}

/// An IPv4 packet (RFC 791), whole, with TCP or UDP in it.
struct Packet(Vec<u8>);

const TCP: u8 = 6;
const UDP: u8 = 17;

impl Packet {
    fn parse(bytes: Vec<u8>) -> Option<Packet> {
        let packet = Packet(bytes);
        let least = packet.0.len() >= 40 || (packet.0.len() >= 28 && packet.is_udp());
        let fragment = u16::from_be_bytes([packet.0[6], packet.0[7]]) & 0x3fff != 0;
        (packet.0[0] >> 4 == 4 && least && !fragment).then_some(packet)
    }

    fn from(&self) -> u8 {
        self.0[14]
    }

    fn to(&self) -> u8 {
        self.0[18]
    }

    fn is_udp(&self) -> bool {
        self.0[9] == UDP
    }

    /// Where the header of TCP or UDP begins.
    fn inner(&self) -> usize {
        usize::from(self.0[0] & 15) * 4
    }

    /// Changes the source port (0) or the destination port (1) of a datagram.
    fn change_port(&mut self, which: usize, by: u16) {
        let at = self.inner() + 2 * which;
        let [high, low] = by.to_be_bytes();
        self.change(at, high);
        self.change(at + 1, low);
    }

    /// Flips a bit of what TCP or UDP carry, unless it carries nothing.
    fn spoil(&mut self, chance: &mut StdRng) -> bool {
        let header = match self.0[9] {
            UDP => 8,
            TCP => usize::from(self.0[self.inner() + 12] >> 4) * 4,
            _ => return false,
        };
        let data = self.inner() + header;
        if data >= self.0.len() {
            return false;
        }
        let at = chance.random_range(data..self.0.len());
        self.change(at, 1 << chance.random_range(0..8));
        true
    }

    /// XORs a byte behind the IP header, and makes the checksum fit (RFC 1624 §3, eqn. 3).
    fn change(&mut self, at: usize, with: u8) {
        let inner = self.inner();
        let sum_at = inner + if self.is_udp() { 6 } else { 16 };
        let word_at = inner + (at - inner) / 2 * 2;
        let word = |bytes: &[u8], at: usize| {
            u16::from_be_bytes([bytes[at], bytes.get(at + 1).copied().unwrap_or(0)])
        };
        let old = word(&self.0, word_at);
        self.0[at] ^= with;
        let new = word(&self.0, word_at);
        let mut sum = u32::from(!word(&self.0, sum_at)) + u32::from(!old) + u32::from(new);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        let [high, low] = (!(sum as u16)).to_be_bytes();
        self.0[sum_at..sum_at + 2].copy_from_slice(&[high, low]);
    }
}

#[test]
fn a_spoilt_packet_has_a_checksum_that_fits() {
    // RFC 1071 §1: with a checksum that fits, all words of a datagram and its pseudo-header
    // add up to 0xffff.
    let sum = |packet: &[u8]| {
        let udp = &packet[20..];
        let pseudo = [
            &packet[12..20],
            &[0, UDP],
            &(udp.len() as u16).to_be_bytes(),
        ]
        .concat();
        let words = [&pseudo[..], udp, &[0][..udp.len() % 2]].concat();
        let mut sum: u32 = words
            .chunks(2)
            .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
            .sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum
    };
    let mut chance = StdRng::seed_from_u64(1);
    for len in [1, 2, 101, 1228] {
        let mut bytes = vec![0; 28 + len];
        chance.fill(&mut bytes[..]);
        bytes[..12].copy_from_slice(&[0x45, 0, 0, 0, 0, 0, 0, 0, 64, UDP, 0, 0]);
        bytes[24..26].copy_from_slice(&(8 + len as u16).to_be_bytes());
        bytes[26..28].fill(0);
        let fitting = !(sum(&bytes) as u16);
        bytes[26..28].copy_from_slice(&fitting.to_be_bytes());
        assert_eq!(sum(&bytes), 0xffff, "the control");
        let mut packet = Packet::parse(bytes.clone()).unwrap();
        assert!(packet.spoil(&mut chance));
        packet.change_port(1, 0x1234);
        assert_ne!(packet.0[28..], bytes[28..]);
        assert_eq!(sum(&packet.0), 0xffff);
    }
}

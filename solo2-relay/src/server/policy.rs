//! Whom a relay may be asked to talk to.
//!
//! By default only its own relayed addresses: both ends of a Solo2 link allocate,
//! so relay to relay is all they need, and each hides the other's address. With
//! [`Peers::Public`] also global unicast addresses, as TURN servers commonly do.
//! Nothing else, ever: not the machine itself, not its network, not the address that
//! clouds tell secrets under, and none of them inside another address.
//!
//! An address inside another (IPv4-mapped, IPv4-compatible, NAT64, 6to4, Teredo,
//! ISATAP) is refused whatever is inside: who means an IPv4 address can say it.
//! So there is nothing to unwrap, and no order of unwrapping to get wrong.
//!
//! Own relayed addresses are known by identity, not by range: a relay that was set up
//! on loopback, to try it, relays between the loopback addresses it gave out and to no
//! other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use clap::ValueEnum;
use serde::Deserialize;

/// Which peers an allocation may have.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Peers {
    /// Relayed addresses of this relay, handed over inside the process
    #[default]
    OwnRelays,
    /// These, and every global unicast address that is not this machine's
    Public,
}

/// The policy, and the addresses it is about.
pub(super) struct Policy {
    peers: Peers,
    /// What relayed addresses are made of.
    relayed: Vec<IpAddr>,
    /// Every address of this machine: a peer only as a relayed address.
    own: Vec<IpAddr>,
}

impl Policy {
    pub(super) fn new(peers: Peers, relayed: Vec<IpAddr>, own: Vec<IpAddr>) -> Self {
        Self {
            peers,
            relayed,
            own,
        }
    }

    /// Whether this address may be a peer's. One of our own may, but only with the
    /// port of an allocation: see [`Policy::is_relayed`].
    pub(super) fn permits(&self, ip: IpAddr) -> bool {
        self.is_relayed(ip)
            || (self.peers == Peers::Public && is_global(ip) && !self.own.contains(&ip))
    }

    /// Whether relayed addresses are made of this one. Then a datagram for it stays
    /// in the process, or is dropped.
    pub(super) fn is_relayed(&self, ip: IpAddr) -> bool {
        self.relayed.contains(&ip)
    }

    /// What is reached beyond this process.
    pub(super) fn peers(&self) -> Peers {
        self.peers
    }
}

/// IPv4 blocks that are not global unicast: IANA's special-purpose registry
/// (RFC 6890 and later), multicast, class E, and the one address in public space
/// that a cloud answers on from inside its machines.
const SPECIAL_V4: [(Ipv4Addr, u32); 20] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),        // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),       // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),    // shared by carriers
    (Ipv4Addr::new(127, 0, 0, 0), 8),      // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32), // Azure's host
    (Ipv4Addr::new(169, 254, 0, 0), 16),   // link-local, and metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),    // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),     // IETF protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),     // documentation
    (Ipv4Addr::new(192, 31, 196, 0), 24),  // AS112
    (Ipv4Addr::new(192, 52, 193, 0), 24),  // AMT
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),   // private
    (Ipv4Addr::new(192, 175, 48, 0), 24),  // AS112
    (Ipv4Addr::new(198, 18, 0, 0), 15),    // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24),  // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),   // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),      // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),      // reserved
    (Ipv4Addr::BROADCAST, 32),
];

/// What IPv6 has of global unicast (RFC 4291 §2.4, as assigned).
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// IPv6 blocks inside it that are special, or hold an IPv4 address.
const SPECIAL_V6: [(Ipv6Addr, u32); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // IETF protocol assignments, Teredo
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // AS112
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// Whether an address is global unicast, plainly said.
fn is_global(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !SPECIAL_V4
            .iter()
            .any(|(block, len)| same_prefix_v4(ip, *block, *len)),
        IpAddr::V6(ip) => {
            let within = |&(block, len): &(Ipv6Addr, u32)| same_prefix_v6(ip, block, len);
            // An ISATAP interface (RFC 5214 §6.1) has 0000:5efe or 0200:5efe before its IPv4 address.
            let isatap = matches!(ip.segments(), [_, _, _, _, 0 | 0x200, 0x5efe, _, _]);
            within(&GLOBAL_V6) && !isatap && !SPECIAL_V6.iter().any(within)
        }
    }
}

/// Compared as whole numbers, not byte by byte.
fn same_prefix_v4(ip: Ipv4Addr, block: Ipv4Addr, len: u32) -> bool {
    (ip.to_bits() ^ block.to_bits()).leading_zeros() >= len
}

fn same_prefix_v6(ip: Ipv6Addr, block: Ipv6Addr, len: u32) -> bool {
    (ip.to_bits() ^ block.to_bits()).leading_zeros() >= len
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse()
            .unwrap_or_else(|_| panic!("{text} is no address"))
    }

    /// Every way to write an IPv4 address into an IPv6 one that an operating system or a
    /// gateway on the way may undo.
    fn embeddings(inside: Ipv4Addr) -> Vec<IpAddr> {
        let v4 = u128::from(inside.to_bits());
        let at = |prefix: &str, shift: u32| {
            Ipv6Addr::from_bits(
                prefix.parse::<Ipv6Addr>().expect("a prefix").to_bits() | v4 << shift,
            )
        };
        let [a, b, c, d] = inside.octets().map(u128::from);
        let rfc6052_48 = 0x0064_ff9b_0001_u128 << 80 | a << 72 | b << 64 | c << 48 | d << 40;
        [
            inside.to_ipv6_mapped(),
            at("::", 0),                     // IPv4-compatible
            at("::ffff:0:0:0", 0),           // IPv4-translated, RFC 2765
            at("64:ff9b::", 0),              // NAT64
            at("64:ff9b:1::", 0),            // local NAT64, /96
            Ipv6Addr::from_bits(rfc6052_48), // local NAT64, /48
            at("2002::", 80),                // 6to4
            at("2002::1", 80),
            at("2001::", 64), // Teredo, as the server
            Ipv6Addr::from_bits(0x2001_0000_u128 << 96 | u128::from(!inside.to_bits())), // as the client
            at("fe80::5efe:0:0", 0),                                                     // ISATAP
            at("fe80::200:5efe:0:0", 0),
            at("2a00:1450:4001:801:0:5efe::", 0),
            at("2a00:1450:4001:801:200:5efe::", 0),
        ]
        .map(IpAddr::V6)
        .into()
    }

    fn public() -> Policy {
        Policy::new(
            Peers::Public,
            vec![ip("8.8.4.4")],
            vec![ip("8.8.4.4"), ip("9.9.9.9"), ip("2a00::9")],
        )
    }

    /// Written from IANA's registries, not from the tables above.
    const REFUSED: [&str; 61] = [
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.1.2.3",
        "10.255.255.255",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.0.0.53",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "192.168.255.255",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.1.2.3",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::a01:203",
        "64:ff9b:1:a01:2:300::",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a01:203::1",
        "2620:4f:8000::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::5efe:7f00:1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "2a00:1450:4001:801:0:5efe:7f00:1",
    ];
    const GLOBAL: [&str; 16] = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.17",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2a00:1450:4001:801::200e",
        "2606:4700::1111",
    ];

    #[test]
    fn special_addresses_are_never_peers() {
        for text in REFUSED {
            assert!(!public().permits(ip(text)), "{text}");
        }
        for text in GLOBAL {
            assert!(public().permits(ip(text)), "{text}");
        }
    }

    #[test]
    fn by_default_only_own_relayed_addresses_are_peers() {
        let policy = Policy::new(
            Peers::OwnRelays,
            vec![ip("127.0.0.1"), ip("2a00::1")],
            vec![],
        );
        for text in REFUSED.iter().chain(&GLOBAL) {
            assert_eq!(policy.permits(ip(text)), *text == "127.0.0.1", "{text}");
        }
        assert!(policy.permits(ip("2a00::1")));
        for embedded in embeddings(Ipv4Addr::LOCALHOST) {
            assert!(!policy.permits(embedded), "{embedded}");
        }
    }

    #[test]
    fn this_machine_is_a_peer_as_a_relayed_address_only() {
        assert!(!public().permits(ip("9.9.9.9")) && !public().permits(ip("2a00::9")));
        assert!(public().permits(ip("8.8.4.4")) && public().is_relayed(ip("8.8.4.4")));
    }

    proptest! {
        #[test]
        fn no_embedding_reaches_what_the_plain_address_does_not(bits in any::<u32>()) {
            let inside = Ipv4Addr::from_bits(bits);
            for embedded in embeddings(inside) {
                prop_assert!(!public().permits(embedded), "{} in {}", inside, embedded);
            }
        }

        #[test]
        fn prefixes_are_compared_as_numbers(bits in any::<u32>(), block in any::<u32>(), len in 0..=32_u32) {
            let mask = u32::MAX.checked_shl(32 - len).unwrap_or(0);
            let same = bits & mask == block & mask;
            prop_assert_eq!(same_prefix_v4(Ipv4Addr::from_bits(bits), Ipv4Addr::from_bits(block), len), same);
        }

        /// The standard library knows some of these ranges by itself.
        #[test]
        fn the_standard_library_agrees(bits in any::<u32>()) {
            let ip = Ipv4Addr::from_bits(bits);
            let special = ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_broadcast()
                || ip.is_documentation() || ip.is_multicast() || ip.is_unspecified();
            prop_assert!(!(special && is_global(ip.into())), "{}", ip);
        }
    }
}

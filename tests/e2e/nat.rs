//! Two machines behind routers of a chosen kind, and the public segment between them.
//!
//! ```text
//!   alice ── home router ── carrier's ── middle ── carrier's ── home router ── bob
//!   192.168.1.1      100.64.1.1   198.18.1.1 │ 198.18.2.1
//!                                 servers at 198.18.1.254
//! ```
//!
//! A router is a namespace with Linux' own translation:
//!
//! * `masquerade` keeps the port of the inside for every destination: endpoint-independent
//!   mapping (RFC 4787 §4.1), as long as no entry for the same 5-tuple stands in its way.
//!   A datagram that nobody asked for must therefore be dropped by a rule: as one for the
//!   router itself it would leave such an entry, and each check that comes early would
//!   make the router a symmetric one.
//! * `masquerade fully-random` draws a port per destination: address and port-dependent mapping.
//! * Both let in only what answers: address and port-dependent filtering (RFC 4787 §5).
//!
//! What is addressed to a private address of the other side is swallowed in the middle, as
//! the Internet swallows it, and not refused.

use std::fmt;
use std::sync::Arc;

use crate::namespace::{Namespace, Network};
use crate::relay::TURNS;
use crate::world::{HTTPS, has};

/// How one end reaches the public segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// By a public address of its own.
    Public,
    /// Through a translator that gives it one port for all destinations.
    Cone,
    /// Through a translator that gives it a port for each destination.
    Symmetric,
    /// Through its own translator and its carrier's (RFC 6888), both of which keep ports.
    Double,
    /// Through a translator and a firewall that lets out TLS, over TCP, and nothing else.
    TlsOnly,
    /// By IPv6 and nothing else, through a firewall that lets in what answers (RFC 6092).
    Ipv6,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public address",
            Self::Cone => "cone NAT",
            Self::Symmetric => "symmetric NAT",
            Self::Double => "cone behind cone",
            Self::TlsOnly => "UDP blocked",
            Self::Ipv6 => "IPv6 only, firewall",
        })
    }
}

impl Side {
    /// What each router on its way does, the outermost first.
    fn gates(self) -> Vec<Vec<String>> {
        let cone = || translate("masquerade");
        match self {
            Self::Public => vec![],
            Self::Cone => vec![cone()],
            Self::Symmetric => vec![translate("masquerade fully-random")],
            Self::Double => vec![cone(), cone()],
            Self::TlsOnly => {
                let tls = format!(
                    "nft add rule inet gate forward tcp dport {{ {HTTPS}, {TURNS} }} accept"
                );
                let nothing = "nft add rule inet gate forward iifname in drop".to_owned();
                vec![[cone(), vec![tls, nothing]].concat()]
            }
            Self::Ipv6 => vec![firewall()],
        }
    }

    /// The network between the middle, or a router of this depth, and what is behind it.
    fn subnet(self, side: usize, depth: usize, routers: usize) -> String {
        match self {
            Self::Ipv6 => format!("2001:db8:{side}:{depth}::"),
            _ if depth == 0 => format!("198.18.{side}."),
            _ if depth < routers => format!("100.64.{side}."),
            _ => format!("192.168.{side}."),
        }
    }
}

/// Lets in what answers. What reaches the router itself unasked is dropped and leaves no trace.
fn firewall() -> Vec<String> {
    [
        "nft add table inet gate",
        "nft add chain inet gate input { type filter hook input priority 0 ; }",
        "nft add chain inet gate forward { type filter hook forward priority 0 ; }",
        "nft add rule inet gate input iifname out ct state new meta l4proto { tcp, udp } drop",
        "nft add rule inet gate forward iifname out ct state new drop",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn translate(how: &str) -> Vec<String> {
    let nat = [
        "nft add chain inet gate nat { type nat hook postrouting priority 100 ; }".to_owned(),
        format!("nft add rule inet gate nat oifname out {how}"),
    ];
    [firewall(), nat.to_vec()].concat()
}

impl Network {
    /// Makes one with an end behind each of these, or says what is missing.
    pub(crate) fn behind(sides: [Side; 2]) -> Result<Arc<Network>, &'static str> {
        if !has("nft") {
            return Err("nftables");
        }
        let ipv6 = sides.contains(&Side::Ipv6);
        assert!(
            !ipv6 || sides == [Side::Ipv6; 2],
            "the server has one family"
        );
        let middle = Namespace::lonely()?;
        middle.run(&[
            "sysctl -q -w net.ipv4.ip_forward=1",
            "sysctl -q -w net.ipv6.conf.all.forwarding=1",
            "ip route add blackhole default",
        ])?;
        let mut ends = Vec::new();
        let mut gates = Vec::new();
        for (number, side) in (1..).zip(sides) {
            let rules = side.gates();
            let routers = rules.len();
            let mut outer = Arc::clone(&middle);
            let mut between = Vec::new();
            for (depth, rules) in rules.iter().enumerate() {
                let gate = Namespace::lonely()?;
                gate.run(&[
                    "sysctl -q -w net.ipv4.ip_forward=1",
                    "sysctl -q -w net.ipv6.conf.all.forwarding=1",
                ])?;
                join(
                    &outer,
                    &gate,
                    number,
                    depth,
                    &side.subnet(number, depth, routers),
                )?;
                gate.run(rules)?;
                outer = Arc::clone(&gate);
                between.push(gate);
            }
            let end = Namespace::lonely()?;
            join(
                &outer,
                &end,
                number,
                routers,
                &side.subnet(number, routers, routers),
            )?;
            if side == Side::Ipv6 {
                let (behind, gate) = (side.subnet(number, 1, 1), side.subnet(number, 0, 1));
                middle.run(&[format!("ip route add {behind}/64 via {gate}1")])?;
            }
            ends.push(end);
            gates.push(between);
        }
        let server = if ipv6 {
            "2001:db8:1:0::fe"
        } else {
            "198.18.1.254"
        };
        Ok(Arc::new(Network {
            middle,
            ends: ends.try_into().ok().unwrap(),
            server: server.parse().unwrap(),
            _gates: gates.try_into().ok().unwrap(),
        }))
    }
}

/// A wire: `outer` calls it `in`, or `to1` and `to2` in the middle, `inner` calls it `out`.
fn join(
    outer: &Namespace,
    inner: &Namespace,
    number: usize,
    depth: usize,
    subnet: &str,
) -> Result<(), &'static str> {
    let (outer_end, length, more) = match subnet.ends_with(':') {
        true => ("fe", 64, " nodad"),
        false => ("254", 24, ""),
    };
    let wire = match depth {
        0 => format!("to{number}"),
        _ => "in".to_owned(),
    };
    outer.run(&[
        format!(
            "ip link add {wire} type veth peer name out netns {}",
            inner.name()
        ),
        format!("ip addr add {subnet}{outer_end}/{length} dev {wire}{more}"),
        format!("ip link set {wire} up"),
    ])?;
    inner.run(&[
        format!("ip addr add {subnet}1/{length} dev out{more}"),
        "ip link set out up".to_owned(),
        format!("ip route add default via {subnet}{outer_end}"),
    ])
}

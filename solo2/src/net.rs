//! The network: how a link to one contact is reached, and through which door.
//!
//! ```text
//!   node ──► direct::connect ──► Mux (one socket per address family)
//!               │   │ │            │  ▲ STUN, TURN     ▲ masked QUIC
//!               │   │ └─ turn ◄────┤  │                │
//!               │   └── ice ◄──────┘  │                │
//!               └────── quic ─────────┴── mask ────────┘
//!   every socket of the program is opened by `socket`, the one door out
//! ```
//!
//! Who the peer is, is not decided here: QUIC's certificates are throw-away, and
//! the Noise session above binds itself to the connection (docs/protocol/3-links.md §1).

pub(crate) mod bulk;
pub(crate) mod connection;
pub(crate) mod direct;
pub(crate) mod frame;
pub(crate) mod handshake;
pub(crate) mod ice;
pub(crate) mod link;
pub(crate) mod mask;
pub(crate) mod onion;
pub(crate) mod quic;
pub(crate) mod signal;
pub(crate) mod socket;
pub(crate) mod strands;
pub(crate) mod turn;
pub(crate) mod webrtc;

/// Which routes the user allows. [`socket`] asks it before it opens anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RoutePolicy {
    /// The best there is: direct, or through a relay.
    Any,
    /// Straight to the peer or not at all: it and our servers may see our addresses.
    Direct,
    /// Through our own relays or not at all: they and our servers may see our addresses,
    /// the peer and its relays may not.
    Relay,
    /// Through Tor or not at all: nobody may see our addresses but the Tor network.
    Onion,
    /// Nothing leaves this machine.
    Offline,
}

impl RoutePolicy {
    /// Whether the peer must not learn our addresses.
    pub(crate) fn hides(self) -> bool {
        matches!(self, Self::Relay | Self::Onion)
    }

    /// Whether a link made under this policy keeps to `other`, too.
    pub(crate) fn meets(self, other: Self) -> bool {
        self == other || other == Self::Any
    }
}

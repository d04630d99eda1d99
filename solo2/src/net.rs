//! The network: how a link to one contact is reached, and through which door.
//!
//! ```text
//!   node ──► direct::connect ──► Mux (one socket per address family)
//!               │   │              │  ▲ STUN           ▲ masked QUIC
//!               │   └── ice ◄──────┘  │                │
//!               └────── quic ─────────┴── mask ────────┘
//!   every socket of the program is opened by `socket`, the one door out
//! ```
//!
//! Who the peer is, is not decided here: QUIC's certificates are throw-away, and
//! the Noise session above binds itself to the connection (docs/protocol/3-links.md §1).

pub(crate) mod bulk;
pub(crate) mod direct;
pub(crate) mod frame;
pub(crate) mod handshake;
pub(crate) mod ice;
pub(crate) mod link;
pub(crate) mod mask;
pub(crate) mod quic;
pub(crate) mod signal;
pub(crate) mod socket;

/// Which routes the user allows. [`socket`] asks it before it opens anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RoutePolicy {
    /// Direct links are allowed: the peer and our servers may see our addresses.
    Direct,
    /// Nothing leaves this machine.
    Offline,
}

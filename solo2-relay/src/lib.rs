//! The blind middle-man: a STUN and TURN server (RFC 8489, RFC 8656), and what
//! its clients need to know about it.
//!
//! [`wire`], [`credential`] and [`invite`] are bytes in, bytes out: what the
//! client links. The server is behind the feature `server`. It depends on neither
//! `solo2-crypto` nor `solo2-store`: what it cannot link, it cannot read.
//! Spec: docs/protocol/8-relay.md.

pub mod credential;
pub mod invite;
#[cfg(feature = "server")]
pub mod server;
pub mod wire;

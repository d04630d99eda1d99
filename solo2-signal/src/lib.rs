//! The introduction: two devices that share a secret meet here, exchange one
//! sealed blob each way, and from then on talk without this server.
//!
//! [`wire`] is all that a client needs: the fixed-size messages, no I/O. The
//! server is behind the feature `server`. It depends on neither `solo2-crypto`
//! nor `solo2-store`: what it cannot link, it cannot read.
//! Spec: docs/protocol/4-signal.md §4-§6.

#[cfg(feature = "server")]
pub mod server;
pub mod wire;

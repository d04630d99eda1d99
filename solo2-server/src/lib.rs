//! What `solo2-signal` and `solo2-relay` have in common, and nobody else needs: what they
//! do to themselves ([`harden`], [`sandbox`], [`user`]), what they read from files
//! ([`config`], [`tls`]), and how they speak to their operator ([`command`]).
//!
//! Nothing here knows what a server is about, and nothing here is about people.

pub mod command;
pub mod config;
pub mod harden;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod tls;
pub mod user;

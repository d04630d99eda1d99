//! `solo2 route`: how peers are reached.

use clap::{Args, Subcommand};
use serde_json::json;

use super::Outcome;
use crate::context::Context;
use crate::{agent, event};

/// See how your peers are reached
#[derive(Args)]
pub(crate) struct RouteVerb {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show route, transport and keys' age per peer
    Status,
}

impl RouteVerb {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let Verb::Status = self.verb;
        let found = agent::ask(cx, "route.status", json!({}))?;
        for peer in found["peers"].as_array().into_iter().flatten() {
            cx.out.event(&event::event("route.status", peer.clone()))?;
        }
        Ok(0)
    }
}

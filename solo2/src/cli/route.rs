//! `solo2 route`: how peers are reached.

use clap::{Args, Subcommand};
use serde_json::json;

use super::values::{PeerRef, Span};
use super::{Outcome, pair};
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
    /// Show which route each contact is to be reached by
    Policy,
    /// Reach a contact now, at most --timeout, and show how
    ///
    /// It is waited for as long as --timeout says: 30 seconds unless it says anything, two
    /// minutes where Tor is the way. Exit code 7 when the contact is not online, 10 when it is to be reached in a way that
    /// cannot be had.
    Test {
        /// Name or id
        name: PeerRef,
    },
}

impl RouteVerb {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let (method, kind) = match self.verb {
            Verb::Status => ("route.status", "route.status"),
            Verb::Policy => ("route.policy", "route.policy"),
            Verb::Test { name } => {
                let patience = cx.globals.timeout.map(Span::millis);
                let params = json!({"name": name, "timeout_ms": patience});
                let found = agent::with_session(cx, async |session| {
                    pair::report(session, "route.test", params, |event| cx.out.event(event)).await
                })?;
                cx.out.event(&event::event("route.status", found))?;
                return Ok(0);
            }
        };
        let found = agent::ask(cx, method, json!({}))?;
        for peer in found["peers"].as_array().into_iter().flatten() {
            cx.out.event(&event::event(kind, peer.clone()))?;
        }
        if found["tor"].is_object() {
            cx.out
                .event(&event::event("tor.status", found["tor"].clone()))?;
        }
        Ok(0)
    }
}

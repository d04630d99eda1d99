//! `solo2 history`: what was said.

use clap::Args;
use serde_json::json;

use super::values::{Moment, PeerRef};
use super::{Outcome, pair};
use crate::agent;
use crate::context::Context;

/// Print stored messages, the oldest first
#[derive(Args)]
pub(crate) struct History {
    /// Only with this contact
    peer: Option<PeerRef>,
    /// At most this many, the newest
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    limit: u64,
    /// From this moment on: a date, RFC 3339, or a time ago such as 2h
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,
    /// Up to this moment
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
    /// Only messages that hold this text, in any case
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
}

impl History {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let params = json!({
            "peer": self.peer,
            "limit": self.limit,
            "since": self.since.map(Moment::to_json),
            "until": self.until.map(Moment::to_json),
            "grep": self.grep,
        });
        agent::with_session(cx, async |session| {
            pair::report(session, "history", params, |event| cx.out.event(event)).await
        })?;
        Ok(0)
    }
}

//! `solo2 search`: what was said, by its words.

use clap::Args;
use serde_json::json;

use super::values::{Moment, PeerRef};
use super::{Outcome, pair};
use crate::agent;
use crate::context::Context;

/// Find messages by their words, the oldest first
///
/// A message must have all the words. "Words in quotes" must stand in a row, and back* is any
/// word that begins so; mind that the shell takes quotes and stars for itself. Case, accents and
/// the width of letters do not count. Needs no network.
#[derive(Args)]
pub(crate) struct Search {
    /// What to look for
    #[arg(required_unless_present_any = ["from", "peer", "since", "until", "has_file"])]
    query: Vec<String>,
    /// Only what this contact sent
    #[arg(long, value_name = "PEER", conflicts_with = "peer")]
    from: Option<PeerRef>,
    /// Only in the conversation with this contact
    #[arg(long = "in", visible_alias = "peer", id = "peer", value_name = "PEER")]
    peer: Option<PeerRef>,
    /// From this moment on: a date, RFC 3339, or a time ago such as 2h
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,
    /// Up to this moment
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
    /// Only files, by their names
    #[arg(long)]
    has_file: bool,
    /// At most this many, the newest
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    limit: u64,
}

impl Search {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let params = json!({
            "query": self.query.join(" "),
            "from": self.from,
            "peer": self.peer,
            "since": self.since.map(Moment::to_json),
            "until": self.until.map(Moment::to_json),
            "has_file": self.has_file,
            "limit": self.limit,
        });
        agent::with_session(cx, async |session| {
            pair::report(session, "search", params, |event| cx.out.event(event)).await
        })?;
        Ok(0)
    }
}

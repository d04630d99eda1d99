//! `solo2 sync`: be online for a bounded while.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::values::Span;
use super::{Outcome, pair};
use crate::agent;
use crate::context::Context;

/// Send what is queued and fetch what waits, then end
#[derive(Args)]
pub(crate) struct Sync {
    /// End as soon as everything queued has left
    #[arg(long, conflicts_with = "span")]
    once: bool,
    /// Stay online for this long
    #[arg(long = "for", id = "span", value_name = "DUR")]
    span: Option<Span>,
}

impl Sync {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let span = self.span.unwrap_or(Span(Duration::from_secs(30)));
        let params = json!({"for_ms": span.millis(), "once": self.once});
        agent::with_session(cx, async |session| {
            pair::report(session, "sync", params, |event| cx.out.event(event)).await
        })?;
        Ok(0)
    }
}

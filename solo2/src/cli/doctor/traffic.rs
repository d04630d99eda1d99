//! `solo2 doctor traffic`: the sizes of our datagrams.

use clap::Args;
use serde_json::json;

use super::check;
use crate::cli::Outcome;
use crate::cli::values::Span;
use crate::context::Context;

/// Count datagrams by size, as somebody on the wire could: a text must look like a heartbeat
///
/// Counts where they leave and arrive, since the agent was started or for a while from now on.
/// The check fails when one that was sent has a size of its own, or when nothing was sent.
#[derive(Args)]
pub(crate) struct Traffic {
    /// Count for so long, such as 30s; else all since the start
    #[arg(long = "for", value_name = "TIME")]
    span: Option<Span>,
}

impl Traffic {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let millis = self.span.map(Span::millis);
        check(cx, "doctor.traffic", json!({"for_ms": millis}))
    }
}

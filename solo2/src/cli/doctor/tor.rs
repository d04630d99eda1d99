//! `solo2 doctor tor`: how far the way through Tor reaches.

use clap::Args;
use serde_json::json;

use super::check;
use crate::cli::Outcome;
use crate::cli::values::Span;
use crate::context::Context;

/// Check Tor: its settings, the network, a service of our own, and a call to it
///
/// Each check needs the one before. The service is made for the check, under keys that
/// nobody else has, and is gone with it. Gives up after --timeout, two minutes unless said.
#[derive(Args)]
pub(crate) struct Tor {}

impl Tor {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let patience = cx.globals.timeout.map(Span::millis);
        check(cx, "doctor.tor", json!({"timeout_ms": patience}))
    }
}

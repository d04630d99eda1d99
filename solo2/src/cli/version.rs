//! `solo2 version`.

use clap::Args;
use serde_json::json;

use super::Outcome;
use crate::context::Context;
use crate::event;
use crate::output::Text;

/// Print the version
#[derive(Args)]
pub(crate) struct Version {}

impl Version {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let version = env!("CARGO_PKG_VERSION");
        if cx.out.is_json() {
            cx.out
                .object(&event::event("version", json!({"version": version})))?;
        } else {
            cx.out.text(&Text::new().plain("solo2 ").line(version))?;
        }
        Ok(0)
    }
}

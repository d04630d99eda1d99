//! `solo2 doctor`: look for what is wrong, one subject at a time.
//!
//! A subject is a row of checks, each an event `doctor.check` that says what was found and, if
//! it is not as it should be, what to do. Spec: docs/cli.md, "Doctor".

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{Outcome, pair};
use crate::agent;
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::event;

mod tor;
mod traffic;

/// Look for what is wrong
///
/// Exit code 20 when a check fails.
#[derive(Args)]
pub(crate) struct Doctor {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Subcommand)]
enum Subject {
    Tor(tor::Tor),
    Traffic(traffic::Traffic),
}

impl Doctor {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        match self.subject {
            Subject::Tor(subject) => subject.run(cx),
            Subject::Traffic(subject) => subject.run(cx),
        }
    }
}

/// Has the owner of the profile check a subject, shows each check, and fails if one did.
fn check(cx: &Context, method: &str, params: Value) -> Outcome {
    let mut failed = Vec::new();
    agent::with_session(cx, async |session| {
        pair::report(session, method, params, |event| {
            if event::kind(event) == "doctor.check" && event["ok"] == false {
                failed.push(event.clone());
            }
            cx.out.event(event)
        })
        .await
    })?;
    let Some(first) = failed.first() else {
        return Ok(0);
    };
    let text = |field: &str| first[field].as_str().unwrap_or_default().to_owned();
    let problem = format!("{}: {}", text("check"), text("found"));
    let failure = Failure::new(Kind::VerifyFailed, problem).code("check_failed");
    Err(failure.hint(text("hint")).retry(None))
}

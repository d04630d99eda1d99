//! What `solo2 doctor` asks of the owner of a profile: a row of checks for each subject.

use std::time::Duration;

use serde_json::{Value, json};

use crate::agent::rpc::EventSink;

mod relay;
mod tor;
mod traffic;

pub(super) use relay::relay;
pub(super) use tor::tor;
pub(super) use traffic::traffic;

/// What a check found, or what is wrong and what to do about it.
type Finding = Result<String, (String, &'static str)>;

/// Tells the reader of a check; whether what it looked at is as it should be.
async fn tell(reader: &EventSink, check: &str, found: Finding, took: Duration) -> bool {
    let ok = found.is_ok();
    let (found, hint) = match found {
        Ok(found) => (found, None),
        Err((problem, hint)) => (problem, Some(hint)),
    };
    reader.send(line(check, ok, &found, hint, took)).await;
    ok
}

fn line(check: &str, ok: bool, found: &str, hint: Option<&str>, took: Duration) -> Value {
    json!({
        "v": 1,
        "type": "doctor.check",
        "check": check,
        "ok": ok,
        "found": found,
        "took_ms": (took.as_secs_f64() * 1000.0).round(),
        "hint": hint,
    })
}

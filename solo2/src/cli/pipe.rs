//! `solo2 pipe`: stdin of one machine to stdout of another, whole or an error.
//!
//! Also what `send -f -` and `file accept -o -` share with it: stdin as a file, a file on
//! stdout.

use std::io::{self, IsTerminal as _};
use std::str::FromStr;
use std::time::SystemTime;

use clap::Args;
use serde_json::{Value, json};
use ulid::Ulid;

use super::Outcome;
use super::values::{PeerRef, Span};
use crate::agent::{self, Session};
use crate::context::Context;
use crate::error::Failure;
use crate::files::name::safe_name;
use crate::password;

mod line;
mod sink;
mod source;
mod spool;

pub(super) use line::Line;
pub(super) use sink::{Sink, done};
pub(super) use source::Source;

/// What a pipe is called that nobody gave a name.
const LABEL: &str = "pipe";

/// Send stdin to somebody's stdout
///
/// Nothing of it is kept: whoever comes first waits, and what is written here
/// is read there as it comes. It ends with 0 on both sides when the listener
/// has written all of it and its hash fits, and with an error on both sides
/// otherwise. Agents may die and come back meanwhile; this command may not.
///
/// --timeout ends it when the other side lets nothing move for so long; without,
/// it waits.
#[derive(Args)]
pub(crate) struct Pipe {
    /// Receive: somebody's pipe of that label to stdout
    #[arg(short, long)]
    listen: bool,

    /// Who is at the other side, and what the pipe is called there too
    #[arg(value_name = "NAME[:LABEL]")]
    target: Target,
}

/// A contact and a pipe's label.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    peer: PeerRef,
    label: String,
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Target, &'static str> {
        let (peer, label) = text.split_once(':').unwrap_or((text, LABEL));
        Ok(Target {
            peer: peer.parse()?,
            label: plain_name(label)?,
        })
    }
}

/// A name that the other side will see as it is.
pub(super) fn plain_name(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("a label is not empty");
    }
    if text.len() > 255 {
        return Err("a label has at most 255 bytes");
    }
    if safe_name(text) != text {
        return Err("a label is like the name of a file: no path, and nothing hidden in it");
    }
    Ok(text.to_owned())
}

impl Pipe {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        match self.listen {
            true => self.receive(cx),
            false => self.send(cx),
        }
    }

    fn send(&self, cx: &Context) -> Outcome {
        refuse_terminal(cx, "COMMAND | solo2 pipe NAME[:LABEL]")?;
        let source = Source {
            id: new_id(),
            name: self.target.label.clone(),
            file: false,
            patience: cx.globals.timeout.map(patience),
        };
        let params = source::params(cx, &source, &self.target.peer);
        agent::with_session(cx, async |session| {
            deliver(cx, session, &source, params).await
        })
    }

    fn receive(&self, cx: &Context) -> Outcome {
        if cx.out.data().is_terminal() {
            return Err(Failure::usage("a pipe's bytes may do anything to a terminal")
                .hint("name a file or a program for them: solo2 pipe --listen NAME:LABEL > FILE, or | less"));
        }
        let Target { peer, label } = &self.target;
        let sink = Sink {
            name: label.clone(),
            resume: |params, id| params["id"] = json!(file_id(id)),
            patience: cx.globals.timeout.map(patience),
        };
        let params = json!({ "peer": peer, "label": label });
        to_stdout(cx, "pipe.listen", params, &sink)
    }
}

/// Runs what ends in bytes on stdout; whatever else is said goes to stderr.
pub(super) fn to_stdout(cx: &Context, method: &'static str, params: Value, sink: &Sink) -> Outcome {
    cx.out.keep_stdout();
    agent::with_session(cx, async |session| {
        let line = Line::new(session, method, params);
        let received = sink.receive(cx, &line).await?;
        if cx.out.is_json() {
            cx.out.event(&done(&sink.name, &received))?;
        }
        Ok(0)
    })
}

/// Sends stdin and tells what became of it as `send` does.
pub(super) async fn deliver(
    cx: &Context,
    session: &Session,
    source: &Source,
    params: Value,
) -> Outcome {
    let line = Line::new(session, "pipe.send", params);
    let mut told = Value::Null;
    let stored = |answer: &Value| {
        told = result(answer, "queued", None);
        match cx.out.is_json() {
            true => cx.out.object(&told),
            // A pipe leaves nothing that an id would be good for.
            false if source.file => cx.out.result(&source.id),
            false => Ok(()),
        }
    };
    match source.send(cx, &line, stored).await {
        Ok(()) => {
            if cx.out.is_json() {
                cx.out
                    .object(&result(&told["results"][0], "delivered", None))?;
            }
            Ok(0)
        }
        Err(failure) => {
            if cx.out.is_json() && told.is_object() {
                let state = match failure.code.as_ref() {
                    "rejected" => "rejected",
                    "cancelled" => "cancelled",
                    _ => "failed",
                };
                cx.out
                    .object(&result(&told["results"][0], state, Some(&failure)))?;
            }
            Err(failure)
        }
    }
}

/// The `send.result` of one pipe to one peer.
fn result(of: &Value, state: &str, failure: Option<&Failure>) -> Value {
    let mut row = json!({
        "peer": of["peer"],
        "name": of["name"],
        "id": of["id"],
        "state": state,
        "route": if state == "delivered" { of["route"].clone() } else { Value::Null },
    });
    if let (Some(row), Some(failure)) = (row.as_object_mut(), failure) {
        row.insert("reason".to_owned(), json!(failure.code));
    }
    json!({
        "v": 1,
        "type": "send.result",
        "id": of["id"],
        "client_id": null,
        "results": [row],
        "waited": if state == "queued" { "queued" } else { "delivered" },
        "satisfied": state == "delivered" || state == "queued",
    })
}

/// stdin is to be read: it is neither the password's nor a person's.
pub(super) fn refuse_terminal(cx: &Context, instead: &str) -> Result<(), Failure> {
    if password::takes_stdin(&cx.globals) {
        return Err(
            Failure::usage("stdin cannot be both the password and what is sent")
                .hint("give the password in a file: --password-file FILE"),
        );
    }
    if io::stdin().is_terminal() {
        return Err(Failure::usage("stdin is a terminal").hint(instead));
    }
    Ok(())
}

pub(super) fn patience(span: Span) -> std::time::Duration {
    span.0
}

/// A new file's id, `f_…`.
pub(super) fn new_id() -> String {
    file_id(Ulid::from_parts(now_ms(), rand::random()).to_bytes())
}

fn file_id(id: [u8; 16]) -> String {
    format!("f_{}", Ulid::from_bytes(id))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_named_by_contact_and_label() {
        let target = |text: &str| text.parse::<Target>();
        let named = target("bob:etc-backup").expect("a target");
        assert_eq!(
            (named.peer.0.as_str(), named.label.as_str()),
            ("bob", "etc-backup")
        );
        assert_eq!(target("bob").expect("a target").label, LABEL);
        for bad in [
            "",
            ":x",
            "bob:",
            "bob:a/b",
            "bob:.x",
            "bob:-x",
            "bob:a\nb",
            "bob:a:b",
            "bob: ",
            &format!("bob:{}", "x".repeat(256)),
        ] {
            assert!(target(bad).is_err(), "{bad:?}");
        }
        assert!(target(&format!("bob:{}", "x".repeat(255))).is_ok());
    }

    #[test]
    fn the_label_of_a_pipe_without_one_may_be_written_out() {
        assert_eq!(plain_name(LABEL).as_deref(), Ok(LABEL));
    }
}

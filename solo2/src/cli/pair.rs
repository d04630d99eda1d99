//! `solo2 pair`: become somebody's contact, by a spoken code.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Outcome;
use super::values::{Name, Span};
use crate::agent::client::Step;
use crate::agent::{self, Session};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::event;
use crate::output::{Text, qr};

/// Pair with somebody
///
/// One side makes an invite and speaks its code; the other joins with it.
/// Who pairs this way is verified from the first message on. An invite works
/// once, for ten minutes, and burns after three wrong guesses.
#[derive(Args)]
pub(crate) struct Pair {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make an invite, show its code, wait for the other side
    Invite(Invite),
    /// Join with the code that somebody told you
    Join(Join),
    /// List the invites that are open
    List,
}

#[derive(Args)]
struct Invite {
    /// Name to give to whoever joins
    #[arg(long = "as", value_name = "NAME")]
    name: Option<Name>,
    /// Draw the code as a QR code too
    #[arg(long)]
    qr: bool,
    /// How long the invite is open
    #[arg(long, value_name = "DUR", default_value = "10m")]
    ttl: Span,
    /// Pair through Tor, without any server; the code is twelve words
    #[arg(long)]
    onion: bool,
    /// Leave the waiting to the agent
    #[arg(long)]
    no_wait: bool,
}

#[derive(Args)]
struct Join {
    /// The code, such as 7-crossover-clockwork, or twelve words
    #[arg(required = true, num_args = 1..=12)]
    code: Vec<String>,
    /// Name to give to the other side
    #[arg(long = "as", value_name = "NAME")]
    name: Option<Name>,
}

impl Pair {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        match self.verb {
            Verb::Invite(verb) => verb.run(cx),
            Verb::Join(verb) => verb.run(cx),
            Verb::List => list(cx),
        }
    }
}

/// No contact is known yet that a demand could be kept with.
fn refuse_demand(cx: &Context) -> Result<(), Failure> {
    if cx.globals.require_route.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::RouteRefused,
        "--require-route does not go with pairing, which follows net.route; nothing was sent",
    )
    .hint("solo2 config set net.route relay; solo2 config set net.strict true"))
}

impl Invite {
    fn run(self, cx: &Context) -> Outcome {
        refuse_demand(cx)?;
        let wait_ms = match cx.globals.timeout {
            Some(timeout) => timeout.millis(),
            None => self.ttl.millis(),
        };
        let params = json!({
            "as": self.name,
            "ttl_s": self.ttl.secs(),
            "no_wait": self.no_wait,
            "onion": self.onion,
            "timeout_ms": wait_ms,
        });
        agent::with_session(cx, async |session| {
            if self.no_wait && !session.lasting {
                return Err(agent::no_agent().hint(
                    "an invite needs somebody who waits: solo2 agent start, or leave --no-wait out",
                ));
            }
            report(session, "pair.invite", params, |event| self.show(cx, event)).await
        })?;
        Ok(0)
    }

    fn show(&self, cx: &Context, event: &Value) -> Result<(), Failure> {
        if cx.out.is_json() || event::kind(event) != "pair.invite" {
            return cx.out.event(event);
        }
        let code = event["code"].as_str().unwrap_or_default();
        cx.out.text(&Text::new().bold(code))?;
        if self.qr {
            cx.out.text(&Text::new().body(&qr::draw(code)?))?;
        }
        cx.out
            .note(&format!("the other side types: solo2 pair join {code}"));
        if !self.no_wait {
            cx.out
                .note("waiting for them; Ctrl-C takes the invite back");
        }
        Ok(())
    }
}

impl Join {
    fn run(self, cx: &Context) -> Outcome {
        refuse_demand(cx)?;
        let params = json!({
            "code": self.code.join("-"),
            "as": self.name,
            "timeout_ms": cx.timeout_ms(),
        });
        agent::with_session(cx, async |session| {
            report(session, "pair.join", params, |event| cx.out.event(event)).await
        })?;
        Ok(0)
    }
}

fn list(cx: &Context) -> Outcome {
    let found = agent::ask(cx, "pair.list", json!({}))?;
    for pair in found["pairs"].as_array().into_iter().flatten() {
        if cx.out.is_json() {
            cx.out.object(pair)?;
            continue;
        }
        let code = pair["code"].as_str().unwrap_or_default();
        let until = pair["expires_at"].as_str().unwrap_or_default();
        let name = pair["name"].as_str().unwrap_or("-");
        cx.out.text(
            &Text::new()
                .bold(code)
                .plain("  for ")
                .line(name)
                .plain("  until ")
                .line(until),
        )?;
    }
    Ok(0)
}

/// Runs a request and shows each event once, the result being the last.
pub(super) async fn report(
    session: &Session,
    method: &str,
    params: Value,
    mut show: impl FnMut(&Value) -> Result<(), Failure>,
) -> Result<Value, Failure> {
    let mut call = session.client.stream(method, params).await?;
    let mut last = Value::Null;
    loop {
        match call.next().await {
            Step::Event(event) => {
                show(&event)?;
                last = event;
            }
            Step::Done(result) => {
                let result = result?;
                if result != last && !event::kind(&result).is_empty() {
                    show(&result)?;
                }
                return Ok(result);
            }
        }
    }
}

//! `solo2 send`: text to one peer or several, and the truth in the exit code.
//!
//! Also what `edit`, `delete`, `react`, `read` and `chat` share with it: how a
//! result becomes lines and an exit code.

use std::io::{self, BufRead, IsTerminal, Read};
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::Outcome;
use super::values::{MessageId, PeerRef, Place, Span};
use crate::agent::client::Step;
use crate::agent::{self, Session};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::{event, password};

/// The longest text of one message, bytes.
const LONGEST_TEXT: usize = 64 * 1024;

/// Send a text
///
/// The text is -m TEXT, or what comes on stdin. Prints the message's id as
/// soon as the message is safely stored; the exit code says whether the state
/// that --wait names was reached: 0 reached, 7 not yet (the message is kept).
/// Text on the command line shows in `ps`; stdin does not.
#[derive(Args)]
pub(crate) struct Send {
    /// Names or ids of contacts; - reads the text from stdin
    #[arg(required = true, value_name = "PEER")]
    peers: Vec<Target>,

    /// The text; - reads it from stdin
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    message: Option<String>,

    /// Send each line of stdin as a message of its own, as it arrives
    #[arg(long, conflicts_with_all = ["message", "geo", "id"])]
    lines: bool,

    #[command(flatten)]
    wait: Wait,

    /// Let the message disappear on both sides after this time
    #[arg(long, value_name = "DUR")]
    expire: Option<Span>,

    /// Answer this message
    #[arg(long, value_name = "ID")]
    reply_to: Option<MessageId>,

    /// Send a place instead of a text
    #[arg(
        long,
        value_name = "LAT,LON[,M]",
        conflicts_with = "message",
        allow_hyphen_values = true
    )]
    geo: Option<Place>,

    /// Your own id for this message: sending it again does nothing
    #[arg(long, value_name = "CLIENT_ID", value_parser = client_id)]
    id: Option<String>,

    /// Give up on delivering after this time
    #[arg(long, value_name = "DUR")]
    ttl: Option<Span>,

    /// Succeed when one of several peers is reached
    #[arg(long)]
    any: bool,
}

/// How far to wait.
#[derive(Args, Clone, Copy)]
pub(crate) struct Wait {
    /// Wait for this state [default: queued with an agent, which goes on delivering; sent without]
    #[arg(long, value_name = "STATE", value_enum)]
    wait: Option<State>,
}

impl Wait {
    /// The state to wait for, given who goes on when this process ends.
    fn resolve(self, cx: &Context, session: &Session) -> State {
        self.wait
            .unwrap_or(if session.lasting || cx.globals.offline {
                State::Queued
            } else {
                State::Sent
            })
    }
}

/// How far a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum State {
    /// Do not wait at all
    None,
    /// Stored in the vault
    Queued,
    /// On its way to the peer
    Sent,
    /// In the peer's vault
    Delivered,
    /// Read by the peer
    Read,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            State::None => "none",
            State::Queued => "queued",
            State::Sent => "sent",
            State::Delivered => "delivered",
            State::Read => "read",
        }
    }

    fn from_result(state: &str) -> Option<State> {
        [State::Queued, State::Sent, State::Delivered, State::Read]
            .into_iter()
            .find(|known| known.as_str() == state)
    }
}

/// A peer, or the word for stdin.
#[derive(Debug, Clone)]
enum Target {
    Peer(PeerRef),
    Stdin,
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Target, &'static str> {
        if text == "-" {
            Ok(Target::Stdin)
        } else {
            text.parse().map(Target::Peer)
        }
    }
}

impl Send {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let named_stdin = self.message.as_deref() == Some("-")
            || self
                .peers
                .iter()
                .any(|target| matches!(target, Target::Stdin));
        let peers: Vec<&PeerRef> = self
            .peers
            .iter()
            .filter_map(|target| match target {
                Target::Peer(peer) => Some(peer),
                Target::Stdin => None,
            })
            .collect();
        if peers.is_empty() {
            return Err(Failure::usage("no peer is named").hint("solo2 send PEER"));
        }
        if self.message.as_deref().is_some_and(|text| text != "-") && named_stdin {
            return Err(Failure::usage("the text is given twice: -m and stdin"));
        }
        if self.geo.is_some() && named_stdin {
            return Err(Failure::usage("a message is a place or a text, not both"));
        }
        let from_stdin = named_stdin || (self.message.is_none() && self.geo.is_none());
        if from_stdin {
            if password::takes_stdin(&cx.globals) {
                return Err(Failure::usage(
                    "stdin cannot be both the password and the text",
                ));
            }
            if !named_stdin && !self.lines && io::stdin().is_terminal() {
                return Err(Failure::usage("there is no text").hint(
                    "solo2 send PEER -m TEXT, or pipe the text in: echo hi | solo2 send PEER",
                ));
            }
        }
        let mut params = self.params(cx, &peers);
        if self.lines {
            return agent::with_session(cx, async |session| {
                self.send_lines(cx, session, &params).await
            });
        }
        if from_stdin {
            params.insert("text".to_owned(), read_text()?.into());
        } else if let Some(text) = &self.message {
            params.insert("text".to_owned(), checked(text.clone())?.into());
        }
        agent::with_session(cx, async |session| {
            deliver(
                cx,
                session,
                "send",
                params.into(),
                self.wait,
                self.any,
                true,
            )
            .await
        })
    }

    /// Everything but the text.
    fn params(&self, cx: &Context, peers: &[&PeerRef]) -> Map<String, Value> {
        let mut params = Map::new();
        let mut set = |key: &str, value: Value| {
            if !value.is_null() {
                params.insert(key.to_owned(), value);
            }
        };
        set("peers", json!(peers));
        set("geo", self.geo.map_or(Value::Null, Place::to_json));
        set("reply_to", json!(self.reply_to));
        set("expire_s", json!(self.expire.map(Span::secs)));
        set("ttl_s", json!(self.ttl.map(Span::secs)));
        set("id", json!(self.id));
        set("any", json!(self.any));
        if let Some(route) = cx.globals.route {
            set("route", route.as_str().into());
        }
        if !cx.globals.require_route.is_empty() {
            let routes: Vec<_> = cx
                .globals
                .require_route
                .iter()
                .map(|route| route.as_str())
                .collect();
            set("require_route", json!(routes));
        }
        params
    }

    async fn send_lines(
        &self,
        cx: &Context,
        session: &Session,
        params: &Map<String, Value>,
    ) -> Outcome {
        let mut lines = stdin_lines();
        let mut worst = 0;
        let mut sent = false;
        while let Some(line) = lines.recv().await {
            let line = line?;
            if line.is_empty() {
                continue;
            }
            sent = true;
            let mut params = params.clone();
            params.insert("text".to_owned(), checked(line)?.into());
            let params = Value::Object(params);
            let code = loop {
                match deliver(
                    cx,
                    session,
                    "send",
                    params.clone(),
                    self.wait,
                    self.any,
                    false,
                )
                .await
                {
                    // A limit slows a stream of lines down and loses none.
                    Err(failure) if failure.exit == Kind::RateLimited.exit() => {
                        let pause = failure.retry_after_ms.unwrap_or(1000).clamp(10, 60_000);
                        tokio::time::sleep(Duration::from_millis(pause)).await;
                    }
                    other => break other?,
                }
            };
            worst = worst.max(code);
        }
        if !sent {
            return Err(empty());
        }
        Ok(worst)
    }
}

/// Runs a request that ends in `send.result` and gives the exit code; `early`
/// says the id as soon as it is stored rather than at the end.
pub(super) async fn deliver(
    cx: &Context,
    session: &Session,
    method: &str,
    mut params: Value,
    wait: Wait,
    any: bool,
    early: bool,
) -> Outcome {
    let wait = wait.resolve(cx, session);
    // The stored state is worth a line of its own when the end takes longer.
    let early = early && wait > State::Queued;
    if let Value::Object(params) = &mut params {
        params.insert("wait".to_owned(), wait.as_str().into());
        params.insert("timeout_ms".to_owned(), cx.timeout_ms().into());
    }
    let mut call = session.client.stream(method, params).await?;
    let mut last = Value::Null;
    let mut said = false;
    let result = loop {
        match call.next().await {
            Step::Event(event) => {
                if early || event::kind(&event) != "send.result" {
                    say(cx, &event, &mut said)?;
                    last = event;
                }
            }
            Step::Done(result) => break result?,
        }
    };
    if result != last {
        say(cx, &result, &mut said)?;
    }
    let (code, late) = judge(&result, wait, any);
    if code == Kind::NotDelivered.exit() && !late.is_empty() {
        let late: Vec<_> = late
            .into_iter()
            .map(crate::output::sanitize::line)
            .collect();
        cx.out.note(&format!(
            "solo2: not {} in time: {} (the message is kept)",
            wait.as_str(),
            late.join(", ")
        ));
    }
    if !session.lasting && stays_queued(&result) {
        cx.out
            .note("no agent runs: what is queued leaves with `solo2 agent start` or `solo2 sync`");
    }
    Ok(code)
}

/// With `--json` every result, else the id once.
fn say(cx: &Context, event: &Value, said: &mut bool) -> Result<(), Failure> {
    if cx.out.is_json() {
        return cx.out.object(event);
    }
    if event::kind(event) != "send.result" {
        return cx.out.event(event);
    }
    if !std::mem::replace(said, true)
        && let Some(id) = event["id"].as_str()
    {
        cx.out.result(id)?;
    }
    Ok(())
}

/// The exit code of a result, and the peers that were not reached.
fn judge(result: &Value, wait: State, any: bool) -> (u8, Vec<&str>) {
    let mut codes = Vec::new();
    let mut late = Vec::new();
    for peer in result["results"].as_array().into_iter().flatten() {
        let state = peer["state"].as_str().unwrap_or_default();
        let code = match State::from_result(state) {
            _ if wait == State::None && peer["error"].is_null() => 0,
            Some(reached) if reached >= wait => 0,
            _ => peer["error"]["exit"]
                .as_u64()
                .and_then(|exit| u8::try_from(exit).ok())
                .unwrap_or(Kind::NotDelivered.exit()),
        };
        if code != 0 {
            late.push(
                peer["name"]
                    .as_str()
                    .or(peer["peer"].as_str())
                    .unwrap_or_default(),
            );
        }
        codes.push(code);
    }
    let code = if any && codes.contains(&0) {
        0
    } else {
        codes.into_iter().max().unwrap_or(0)
    };
    (code, late)
}

fn stays_queued(result: &Value) -> bool {
    result["results"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|peer| peer["state"] == "queued")
}

fn empty() -> Failure {
    Failure::usage("empty message").hint("give a text: solo2 send PEER -m TEXT")
}

/// A text that may be sent.
pub(super) fn checked(text: String) -> Result<String, Failure> {
    if text.is_empty() {
        return Err(empty());
    }
    if text.len() > LONGEST_TEXT {
        return Err(too_long());
    }
    Ok(text)
}

fn too_long() -> Failure {
    Failure::usage("the text is longer than 65536 bytes")
        .code("text_too_long")
        .hint("send it in parts; with --lines each line is a message")
}

/// The whole of stdin, byte for byte.
pub(super) fn read_text() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(LONGEST_TEXT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::io("cannot read stdin", &error))?;
    if bytes.len() > LONGEST_TEXT {
        return Err(too_long());
    }
    checked(utf8(bytes)?)
}

fn utf8(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| {
        Failure::usage(format!(
            "the text is not UTF-8 (byte {})",
            error.utf8_error().valid_up_to()
        ))
        .code("text_not_utf8")
        .hint("encode it first, such as: base64 FILE | solo2 send PEER")
    })
}

/// The lines of stdin as they arrive; a thread of its own reads, because a
/// terminal or a pipe cannot be read with a way out.
fn stdin_lines() -> mpsc::Receiver<Result<String, Failure>> {
    let (to, from) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let read = (&mut stdin)
                .take(LONGEST_TEXT as u64 + 2)
                .read_until(b'\n', &mut line);
            let line = match read {
                Ok(0) => return,
                Ok(_) => {
                    if line.last() == Some(&b'\n') {
                        line.pop();
                    }
                    utf8(line)
                }
                Err(error) => Err(Failure::io("cannot read stdin", &error)),
            };
            let last = line.is_err();
            if to.blocking_send(line).is_err() || last {
                return;
            }
        }
    });
    from
}

fn client_id(text: &str) -> Result<String, &'static str> {
    let fine = |letter: char| letter.is_ascii_graphic();
    if text.is_empty() || text.len() > 128 || !text.chars().all(fine) {
        return Err("an id of yours has 1 to 128 visible ASCII characters");
    }
    Ok(text.to_owned())
}

/// What a text argument that may be `-` says.
pub(super) fn text_or_stdin(cx: &Context, text: Option<String>) -> Result<String, Failure> {
    match text {
        Some(text) if text != "-" => checked(text),
        named => {
            if password::takes_stdin(&cx.globals) {
                return Err(Failure::usage(
                    "stdin cannot be both the password and the text",
                ));
            }
            if named.is_none() && io::stdin().is_terminal() {
                return Err(Failure::usage("there is no text").hint("give one: -m TEXT"));
            }
            read_text()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(states: &[&str]) -> Value {
        let results: Vec<_> = states
            .iter()
            .map(|state| json!({"peer": "p_1", "name": "bob", "state": state, "route": null}))
            .collect();
        json!({"v": 1, "type": "send.result", "id": "x", "results": results})
    }

    #[test]
    fn the_exit_code_tells_whether_the_state_was_reached() {
        for (states, wait, any, code) in [
            (&["delivered"][..], State::Delivered, false, 0),
            (&["read"], State::Delivered, false, 0),
            (&["queued"], State::Queued, false, 0),
            (&["queued"], State::Delivered, false, 7),
            (&["queued"], State::None, false, 0),
            (&["delivered", "queued"], State::Sent, false, 7),
            (&["delivered", "queued"], State::Sent, true, 0),
            (&["queued", "queued"], State::Sent, true, 7),
        ] {
            assert_eq!(
                judge(&result(states), wait, any).0,
                code,
                "{states:?} {wait:?} {any}"
            );
        }
    }

    #[test]
    fn the_worst_code_of_several_peers_wins() {
        let mut result = result(&["delivered", "failed", "queued"]);
        result["results"][1]["error"] = json!({"exit": 10});
        assert_eq!(judge(&result, State::Delivered, false).0, 10);
        assert_eq!(judge(&result, State::Delivered, true).0, 0);
        assert_eq!(judge(&result, State::None, false).0, 10);
    }

    #[test]
    fn a_text_is_neither_empty_nor_too_long() {
        assert_eq!(checked(String::new()).expect_err("empty").exit, 2);
        assert!(checked("x".repeat(LONGEST_TEXT)).is_ok());
        assert_eq!(
            checked("x".repeat(LONGEST_TEXT + 1))
                .expect_err("long")
                .exit,
            2
        );
    }
}

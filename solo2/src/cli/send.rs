//! `solo2 send`: text and files to one peer or several, and the truth in the
//! exit code.
//!
//! Also what `edit`, `delete`, `react`, `read` and `chat` share with it: how a
//! result becomes lines and an exit code.

use std::io::{self, BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::values::{MessageId, PeerRef, Place, Span};
use super::{Outcome, file, pipe};
use crate::agent::client::Step;
use crate::agent::{self, Session};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::{event, password};

/// How long the peer may let nothing of stdin move, unless somebody says so.
const FILE_PATIENCE: Duration = Duration::from_secs(60);
/// The longest text of one message, bytes.
const LONGEST_TEXT: usize = 64 * 1024;

/// Send a text or files
///
/// The text is -m TEXT, or what comes on stdin; with -f stdin is left alone.
/// Prints the message's id as soon as the message is safely stored, and with
/// -f one id a line, the text's first; the exit code says whether the state
/// that --wait names was reached: 0 reached, 7 not yet (the message is kept).
/// Text on the command line shows in `ps`; stdin does not.
///
/// A file is offered first and read while it moves: leave it as it is until it
/// is delivered. A transfer that breaks off goes on where it stopped.
#[derive(Args)]
pub(crate) struct Send {
    /// Names or ids of contacts; - reads the text from stdin
    #[arg(required = true, value_name = "PEER")]
    peers: Vec<Target>,

    /// The text; - reads it from stdin
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    message: Option<String>,

    /// Send this file or directory; may be given several times, and with -m; - for stdin
    #[arg(
        short,
        long = "file",
        value_name = "PATH",
        conflicts_with_all = ["lines", "geo"]
    )]
    files: Vec<PathBuf>,

    /// What stdin is called at the other side, with -f -
    #[arg(long, value_name = "NAME", value_parser = pipe::plain_name)]
    name: Option<String>,

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
    /// Wait for this state [default: queued with an agent, which goes on delivering; without, sent, and delivered for files]
    #[arg(long, value_name = "STATE", value_enum)]
    wait: Option<State>,
}

impl Wait {
    /// The state to wait for, given who goes on when this process ends.
    fn resolve(self, cx: &Context, session: &Session, files: bool) -> State {
        let usual = match (session.lasting || cx.globals.offline, files) {
            (true, _) => State::Queued,
            (false, false) => State::Sent,
            // A file moves only while somebody is there to move it.
            (false, true) => State::Delivered,
        };
        self.wait.unwrap_or(usual)
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
        if self.files.iter().any(|path| path == Path::new("-")) {
            return self.send_stdin(cx, &peers, named_stdin);
        }
        if self.name.is_some() {
            return Err(Failure::usage("--name is for what comes on stdin")
                .hint("COMMAND | solo2 send PEER -f - --name NAME"));
        }
        let files = file::sources(&self.files)?;
        let from_stdin =
            named_stdin || (self.message.is_none() && self.geo.is_none() && self.files.is_empty());
        if from_stdin {
            if password::takes_stdin(&cx.globals) {
                return Err(Failure::usage(
                    "stdin cannot be both the password and the text",
                ));
            }
            if !named_stdin && !self.lines && io::stdin().is_terminal() {
                return Err(Failure::usage("there is no text").hint(
                    "solo2 send PEER -m TEXT, -f FILE, or pipe the text in: echo hi | solo2 send PEER",
                ));
            }
        }
        let mut params = self.params(cx, &peers);
        if !files.is_empty() {
            params.insert("files".to_owned(), files.into());
        }
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

    /// stdin as a file: its length is known when it ends, so this waits until the peer has it.
    fn send_stdin(&self, cx: &Context, peers: &[&PeerRef], named_stdin: bool) -> Outcome {
        if named_stdin || self.files.len() > 1 {
            let twice = self.files.iter().filter(|path| *path == Path::new("-"));
            let what = match named_stdin || twice.count() > 1 {
                true => "stdin is named twice",
                false => "-f - goes alone",
            };
            return Err(Failure::usage(what).hint("send the rest with another solo2 send"));
        }
        let [peer] = peers else {
            return Err(Failure::usage("stdin is read once, and goes to one peer")
                .hint("write it to a file first: COMMAND > FILE && solo2 send PEER… -f FILE"));
        };
        let Some(name) = &self.name else {
            return Err(Failure::usage("what comes on stdin has no name yet")
                .hint("COMMAND | solo2 send PEER -f - --name NAME"));
        };
        let unfit = [
            (self.message.is_some(), "-m"),
            (self.id.is_some(), "--id"),
            (self.ttl.is_some(), "--ttl"),
            (self.any, "--any"),
            (
                self.wait.wait.is_some_and(|wait| wait != State::Delivered),
                "--wait, unless it is delivered,",
            ),
        ];
        if let Some((_, flag)) = unfit.iter().find(|(given, _)| *given) {
            return Err(Failure::usage(format!("{flag} does not go with -f -"))
                .hint("what is read from stdin is waited for until it is delivered"));
        }
        pipe::refuse_terminal(cx, "COMMAND | solo2 send PEER -f - --name NAME")?;
        let source = pipe::Source {
            id: pipe::new_id(),
            name: name.clone(),
            file: true,
            patience: Some(cx.globals.timeout.map_or(FILE_PATIENCE, pipe::patience)),
        };
        let params = json!({
            "peer": peer,
            "id": source.id,
            "name": source.name,
            "file": true,
            "reply_to": self.reply_to,
            "expire_s": self.expire.map(Span::secs),
        });
        let params = cx.routed(params);
        agent::with_session(cx, async |session| {
            pipe::deliver(cx, session, &source, params).await
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
        set("route", json!(cx.globals.route));
        set("require_route", json!(cx.globals.require_route));
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
    let files = params.get("files").is_some();
    let wait = wait.resolve(cx, session, files);
    // The stored state is worth a line of its own when the end takes longer.
    let early = early && wait > State::Queued;
    if let Value::Object(params) = &mut params {
        params.insert("wait".to_owned(), wait.as_str().into());
        // Unless somebody says so, a file is waited for as long as it moves.
        let patience = match params.get("files") {
            Some(_) => file::patience_ms(cx),
            None => Some(cx.timeout_ms()),
        };
        if let Some(patience) = patience {
            params.insert("timeout_ms".to_owned(), patience.into());
        }
    }
    let mut call = session.client.stream(method, params).await?;
    let mut last = Value::Null;
    let mut said = false;
    let mut failed = Vec::new();
    let result = loop {
        match call.next().await {
            // Whom it did not reach is told with the result, beside stdout.
            Step::Event(event) if event::kind(&event) == "file.failed" && !cx.out.is_json() => {
                failed.push(event);
            }
            Step::Event(event) if event::kind(&event) != "send.result" => cx.out.event(&event)?,
            Step::Event(event) => {
                if early {
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
    for line in explain(&result, &failed, wait) {
        cx.out.note(&line);
    }
    if let Some(count) = result["skipped"]["count"].as_u64() {
        let paths = result["skipped"]["paths"].as_array();
        let paths: Vec<_> = paths
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(crate::output::sanitize::line)
            .collect();
        cx.out.note(&format!(
            "{count} links and special files are not sent: {}",
            paths.join(", ")
        ));
    }
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
    } else if !session.lasting && still_moves(&result) {
        cx.out
            .note("no agent runs: files go on moving with `solo2 agent start` or `solo2 sync`");
    }
    Ok(code)
}

/// With `--json` every result, else the ids once.
fn say(cx: &Context, result: &Value, said: &mut bool) -> Result<(), Failure> {
    if cx.out.is_json() {
        return cx.out.object(result);
    }
    if !std::mem::replace(said, true) {
        for id in ids(result) {
            cx.out.result(id)?;
        }
    }
    Ok(())
}

/// The ids to print: one for a message, however many get it; with files, one
/// for each, in order. Each peer's copy has an id of its own, the first's counts.
fn ids(result: &Value) -> Vec<&str> {
    if !lines(result).any(is_file) {
        return result["id"].as_str().into_iter().collect();
    }
    let first = lines(result).next().map(|line| &line["peer"]);
    lines(result)
        .filter(|line| Some(&line["peer"]) == first)
        .filter_map(|line| line["id"].as_str())
        .collect()
}

/// The exit code of a result, and the peers that were not reached in time.
fn judge(result: &Value, wait: State, any: bool) -> (u8, Vec<&str>) {
    let mut codes = Vec::new();
    let mut late = Vec::new();
    for line in lines(result) {
        let code = code_of(line, wait);
        if code == Kind::NotDelivered.exit() && !late.contains(&recipient(line)) {
            late.push(recipient(line));
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

/// The exit code of one line of a result: one message to one peer.
fn code_of(line: &Value, wait: State) -> u8 {
    let state = line["state"].as_str().unwrap_or_default();
    match State::from_result(state) {
        _ if wait == State::None && line["error"].is_null() => return 0,
        Some(reached) if reached >= wait => return 0,
        _ => {}
    }
    let told = line["error"]["exit"]
        .as_u64()
        .and_then(|exit| u8::try_from(exit).ok());
    match (state, line["reason"].as_str()) {
        ("rejected" | "cancelled", _) => Kind::Rejected.exit(),
        ("failed", Some("source_changed" | "not_a_file" | "io")) => Kind::Io.exit(),
        ("failed", Some("file_broken" | "file_hostile")) => Kind::Integrity.exit(),
        _ => told.unwrap_or(Kind::NotDelivered.exit()),
    }
}

fn recipient(line: &Value) -> &str {
    line["name"]
        .as_str()
        .or(line["peer"].as_str())
        .unwrap_or_default()
}

/// Why some will never arrive, one line for each; `failed` are the files' own events.
fn explain(result: &Value, failed: &[Value], wait: State) -> Vec<String> {
    lines(result)
        .filter(|line| !matches!(code_of(line, wait), 0 | 7))
        .map(|line| {
            let id = line["id"].as_str().unwrap_or_default();
            let state = line["state"].as_str().unwrap_or_default();
            let mut text = format!("solo2: {id} to {}: {state}", recipient(line));
            let event = failed.iter().find(|event| event["id"] == line["id"]);
            let why = event.map_or(&line["error"]["message"], |event| &event["message"]);
            if let Some(why) = why.as_str() {
                text.push_str(&format!(": {why}"));
            }
            if line["reason"] == "source_changed" {
                text.push_str("\nhint: send it again when nothing writes to it any more");
            }
            text
        })
        .collect()
}

fn stays_queued(result: &Value) -> bool {
    lines(result).any(|line| line["state"] == "queued")
}

/// Whether a file is offered and not there yet.
fn still_moves(result: &Value) -> bool {
    lines(result).any(|line| is_file(line) && line["state"] == "sent")
}

/// One message to one peer each.
fn lines(result: &Value) -> impl Iterator<Item = &Value> {
    result["results"].as_array().into_iter().flatten()
}

fn is_file(line: &Value) -> bool {
    line["id"].as_str().is_some_and(|id| id.starts_with("f_"))
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
        .hint("send it as a file: COMMAND | solo2 send PEER -f - --name NAME; or with --lines each line as a message")
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
        .hint("send it as a file: COMMAND | solo2 send PEER -f - --name NAME")
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
    fn a_file_that_was_refused_or_changed_has_its_own_exit_code() {
        for (state, reason, code) in [
            ("rejected", json!("rejected"), 11),
            ("cancelled", json!("cancelled"), 11),
            ("failed", json!("source_changed"), 3),
            ("failed", json!("file_broken"), 12),
            ("failed", Value::Null, 7),
            ("sent", Value::Null, 7),
            ("delivered", Value::Null, 0),
        ] {
            let mut result = result(&["delivered", state]);
            result["results"][1]["reason"] = reason.clone();
            let (found, late) = judge(&result, State::Delivered, false);
            assert_eq!(found, code, "{state} {reason}");
            // Who will never have it is told why; who is late is named as late.
            let told = explain(&result, &[], State::Delivered);
            assert_eq!(told.len(), usize::from(!matches!(code, 0 | 7)), "{told:?}");
            assert_eq!(late.len(), usize::from(code == 7), "{late:?}");
        }
    }

    #[test]
    fn the_reason_why_a_file_failed_stands_beside_its_id() {
        let sent = json!({"results": [
            {"peer": "p_1", "name": "bob", "id": "f_1", "state": "failed", "reason": "source_changed"},
        ]});
        let failed = [json!({"type": "file.failed", "id": "f_1", "message": "/x/a changed"})];
        assert_eq!(
            explain(&sent, &failed, State::Delivered),
            ["solo2: f_1 to bob: failed: /x/a changed\n\
              hint: send it again when nothing writes to it any more"]
        );
    }

    #[test]
    fn a_files_id_is_printed_once_for_each_however_many_get_it() {
        let line = |peer: &str, id: &str| json!({"peer": peer, "id": id, "state": "queued"});
        let sent = |results: &[Value]| json!({"id": "01A", "results": results});
        let text = sent(&[line("p_1", "01A"), line("p_2", "01B")]);
        assert_eq!(ids(&text), ["01A"]);
        let both = sent(&[
            line("p_1", "01A"),
            line("p_1", "f_01C"),
            line("p_2", "01B"),
            line("p_2", "f_01D"),
        ]);
        assert_eq!(ids(&both), ["01A", "f_01C"]);
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

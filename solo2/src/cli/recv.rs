//! `solo2 recv`: what has arrived, as lines or into a program's stdin.
//!
//! An event counts as received when it was written and flushed, or when the
//! program that got it succeeded; only then is it acknowledged. Whoever dies
//! in between gets it again.

use std::path::PathBuf;
use std::process::Stdio;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::values::{Cursor, PeerRef};
use super::{Outcome, file};
use crate::agent::client::{self, Client, Step};
use crate::agent::{self, Session};
use crate::context::{Context, Interrupts};
use crate::error::{Failure, Kind};
use crate::{event, output};

/// Events written between two acknowledgements when many wait.
const ACK_EVERY: u64 = 64;

/// Print what has arrived
///
/// Without --follow, prints what waits, acknowledges it and ends. With
/// --files-to it also waits for files that are under way.
#[derive(Args)]
pub(crate) struct Recv {
    /// Go on, and print what arrives from now on too
    #[arg(short, long)]
    follow: bool,

    /// Only from this contact; may be given several times
    #[arg(long, value_name = "PEER")]
    from: Vec<PeerRef>,

    /// Only events of these types, such as message,receipt
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = known_type)]
    types: Vec<String>,

    /// End after this many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max: Option<u64>,

    /// Start after this cursor; with --ack manual it acknowledges up to there
    #[arg(long, value_name = "CURSOR")]
    since: Option<Cursor>,

    /// Whether printing an event acknowledges it
    #[arg(long, value_name = "HOW", value_enum, default_value = "auto")]
    ack: Ack,

    /// Run this shell command for each event, with the event as JSON on its stdin
    ///
    /// No part of an event ever stands on a command line. The event is
    /// acknowledged when the command succeeds; when it fails, recv ends.
    #[arg(long, value_name = "CMD")]
    exec: Option<String>,

    /// Put received files into this directory
    ///
    /// A name is made harmless first, and nothing is replaced: a file whose
    /// name is taken stays in the vault. Without --timeout, files are waited
    /// for as long as they move; exit 7 if one is not here at the end.
    #[arg(long, value_name = "DIR")]
    files_to: Option<PathBuf>,

    #[command(flatten)]
    existing: file::Existing,

    /// Wait until this many messages came, at most --timeout; exit 7 if they did not
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    expect: Option<u64>,

    /// Allow --follow without an agent: this process stays online itself
    #[arg(long, requires = "follow")]
    foreground: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ack {
    /// Yes
    Auto,
    /// No; --since of a later run does
    Manual,
}

impl Recv {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        self.existing
            .only_with(self.files_to.is_some(), "--files-to DIR")?;
        let files_to = match &self.files_to {
            Some(dir) => Some(file::directory(dir)?),
            None => None,
        };
        cx.block_on(async {
            let stop = Interrupts::listen()?.wait();
            tokio::pin!(stop);
            let mut progress = Progress {
                since: self.since.clone(),
                ..Progress::default()
            };
            loop {
                let session = tokio::select! {
                    opened = Session::open(cx, None) => opened?,
                    failure = &mut stop => return Err(failure),
                };
                if self.follow && !self.foreground && !session.lasting {
                    session.close().await;
                    return Err(agent::no_agent().hint(
                        "start one: solo2 agent start, or let this process stay online: --foreground",
                    ));
                }
                let result = tokio::select! {
                    result = self.receive(cx, &session, files_to.as_deref(), &mut progress) => result,
                    failure = &mut stop => Err(failure),
                };
                session.close().await;
                match result {
                    // The owner left; in the foreground somebody else may follow it.
                    Err(failure) if self.foreground && client::is_gone(&failure) => {}
                    other => return other,
                }
            }
        })
    }

    async fn receive(
        &self,
        cx: &Context,
        session: &Session,
        files_to: Option<&str>,
        progress: &mut Progress,
    ) -> Outcome {
        let acks = match self.ack {
            Ack::Auto => Some(session.another().await?),
            Ack::Manual => {
                if let Some(cursor) = &self.since {
                    session
                        .client
                        .call("recv.ack", json!({"cursor": cursor}))
                        .await?;
                }
                None
            }
        };
        // Following has no end of its own, and files are waited for as long as they
        // move; everything else waits as long as usual.
        let patience = match cx.globals.timeout {
            Some(timeout) => Some(timeout.millis()),
            None if self.follow => None,
            None if files_to.is_some() && self.expect.is_none() => None,
            None => Some(cx.timeout_ms()),
        };
        let mut params = json!({
            "from": self.from,
            "types": self.types,
            "max": self.max.map(|max| max.saturating_sub(progress.shown)),
            "since": progress.since,
            "follow": self.follow,
            "expect": self.expect,
            "timeout_ms": patience,
        });
        if let (Some(dir), Value::Object(params)) = (files_to, &mut params) {
            params.insert("files_to".to_owned(), dir.into());
            params.insert("existing".to_owned(), self.existing.as_str().into());
        }
        let mut call = session.client.stream("recv", params).await?;
        let result = loop {
            match call.next().await {
                Step::Event(event) if file::is_progress(&event) => {
                    if self.exec.is_none() {
                        cx.out.event(&event)?;
                    }
                }
                Step::Event(event) => {
                    self.show(cx, &event).await?;
                    progress.note(&event);
                    if let Some(acks) = &acks
                        && (!call.has_more() || progress.unacked >= ACK_EVERY)
                    {
                        progress.acknowledge(acks, &self.from).await?;
                    }
                    if self.max.is_some_and(|max| progress.shown >= max) {
                        break Value::Null;
                    }
                }
                Step::Done(result) => break result?,
            }
        };
        if let Some(acks) = &acks {
            progress.acknowledge(acks, &self.from).await?;
        }
        match self.expect {
            Some(expect) if progress.messages < expect => Err(Failure::new(
                Kind::NotDelivered,
                format!("{} of {expect} messages came", progress.messages),
            )
            .code("expect_unmet")
            .retry(None)),
            _ => file::finished(&result),
        }
    }

    async fn show(&self, cx: &Context, event: &Value) -> Result<(), Failure> {
        let Some(command) = &self.exec else {
            return cx.out.event(event);
        };
        if event::kind(event) == "hello" {
            return Ok(());
        }
        let failed =
            |error: &std::io::Error| Failure::io("cannot run the command of --exec", error);
        let mut child = tokio::process::Command::new("/bin/sh")
            .arg("-c")
            .arg(command)
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(&error))?;
        if let Some(mut stdin) = child.stdin.take() {
            let mut line = output::json::line(event);
            line.push(b'\n');
            // A command that does not read its stdin is no failure.
            let _ = stdin.write_all(&line).await;
        }
        let status = child.wait().await.map_err(|error| failed(&error))?;
        if status.success() {
            return Ok(());
        }
        Err(
            Failure::new(Kind::Io, format!("the command of --exec failed: {status}"))
                .code("exec_failed")
                .hint("the event is not acknowledged and comes again"),
        )
    }
}

/// How far a reader came.
#[derive(Default)]
struct Progress {
    shown: u64,
    messages: u64,
    unacked: u64,
    since: Option<Cursor>,
}

impl Progress {
    fn note(&mut self, event: &Value) {
        if event::kind(event) == "hello" {
            return;
        }
        self.shown += 1;
        if event::kind(event) == "message" {
            self.messages += 1;
        }
        if let Some(cursor) = event["cursor"].as_str() {
            self.since = Some(Cursor(cursor.to_owned()));
            self.unacked += 1;
        }
    }

    async fn acknowledge(&mut self, acks: &Client, from: &[PeerRef]) -> Result<(), Failure> {
        if self.unacked > 0
            && let Some(cursor) = &self.since
        {
            acks.call("recv.ack", json!({"cursor": cursor, "from": from}))
                .await?;
            self.unacked = 0;
        }
        Ok(())
    }
}

fn known_type(text: &str) -> Result<String, String> {
    if event::types().any(|known| known == text) {
        Ok(text.to_owned())
    } else {
        Err("no such type; solo2 schema lists them".to_owned())
    }
}

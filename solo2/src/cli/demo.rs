//! `solo2 demo`: two throw-away profiles meet, talk and exchange files, every step explained.
//!
//! Everything is real and on this machine: a signal server on loopback, two vaults on
//! disk, the spoken invite, the direct link. It is the only place of the client that
//! knows the server's code; nothing of the demo is left behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use solo2_signal::server::Server;
use solo2_signal::server::config::{Options, Settings};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::Outcome;
use crate::agent::rpc::{EventSink, Service};
use crate::config::NodeConfig;
use crate::context::Context;
use crate::error::Failure;
use crate::event::{self, event};
use crate::node::{self, NewProfile, Paths, Unlock};
use crate::output::text::Text;
use crate::size;

/// How long any one step may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Watch two throw-away profiles meet, talk and exchange files on this machine
#[derive(Args)]
pub(crate) struct Demo {}

impl Demo {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let place = tempfile::Builder::new()
            .prefix("solo2-demo-")
            .tempdir()
            .map_err(|error| Failure::io("cannot make a temporary directory", &error))?;
        cx.block_on(play(cx, place.path()))?;
        place
            .close()
            .map_err(|error| Failure::io("cannot remove the demo's directory", &error))?;
        tell(
            cx,
            "done",
            "Nothing of this is left on the disk. Your own start: solo2 init",
        )?;
        Ok(0)
    }
}

fn tell(cx: &Context, step: &str, words: &str) -> Result<(), Failure> {
    if cx.out.is_json() {
        return cx
            .out
            .object(&event("demo.step", json!({ "step": step, "text": words })));
    }
    cx.out.text(&Text::new().bold(step).plain("  ").line(words))
}

async fn play(cx: &Context, place: &Path) -> Result<(), Failure> {
    let (server, url) = start_server().await?;
    tell(
        cx,
        "signal",
        &format!("A signal server listens on {url}. It introduces, and stores nothing."),
    )?;

    let alice = Person::new(place, "alice", &url).await?;
    let bob = Person::new(place, "bob", &url).await?;
    for person in [&alice, &bob] {
        tell(
            cx,
            "init",
            &format!(
                "{} has a vault, 24 words and the identity {}…",
                person.name,
                person.fingerprint.get(..16).unwrap_or_default()
            ),
        )?;
    }

    let (code, invite) = alice.invite().await?;
    tell(
        cx,
        "invite",
        &format!("alice says to bob: {code}. It works once, for ten minutes."),
    )?;
    let joined = bob
        .call("pair.join", json!({ "code": code, "as": "alice" }))
        .await?;
    invite
        .await
        .map_err(|error| Failure::internal(error.to_string()))??;
    tell(
        cx,
        "pair",
        &format!(
            "Paired and verified. Both see the safety number {}.",
            word(&joined, "safety_number")
        ),
    )?;

    say(cx, &alice, &bob, "Hello Bob. Nobody stands between us.").await?;
    say(cx, &bob, &alice, "Hello Alice. I see that, too.").await?;

    let letter = "All of this crosses sealed, chunk by chunk.\n".repeat(5_000);
    hand_over(cx, &alice, &bob, "letter.txt", &letter).await?;

    server.stop().await;
    tell(
        cx,
        "signal",
        "The signal server is stopped. It is not needed any more:",
    )?;
    say(cx, &alice, &bob, "Still here?").await?;
    say(cx, &bob, &alice, "Still here.").await?;
    let answer = "Files need no server either.\n".repeat(10_000);
    hand_over(cx, &bob, &alice, "answer.txt", &answer).await?;

    alice.node.shutdown().await;
    bob.node.shutdown().await;
    Ok(())
}

async fn start_server() -> Result<(Server, String), Failure> {
    let options = Options {
        listen: "127.0.0.1:0".parse().ok(),
        ..Options::default()
    };
    let settings =
        Settings::try_from(options).map_err(|error| Failure::internal(error.to_string()))?;
    let server = Server::start(&settings)
        .await
        .map_err(|error| Failure::internal(format!("cannot start the signal server: {error}")))?;
    let url = format!("ws://{}", server.listen());
    Ok((server, url))
}

/// Sends, receives, and tells both with the time between.
async fn say(cx: &Context, from: &Person, to: &Person, text: &str) -> Result<(), Failure> {
    let begun = Instant::now();
    let params = json!({
        "peers": [to.name],
        "text": text,
        "wait": "delivered",
        "timeout_ms": PATIENCE.as_millis() as u64,
    });
    let sent = from.call("send", params).await?;
    if sent["satisfied"] != true {
        return Err(Failure::internal(format!(
            "the message did not arrive: {}",
            word(&sent, "reason")
        )));
    }
    let took = begun.elapsed();
    let received = to.receive().await?;
    if received["body"]["text"] != text {
        return Err(Failure::internal("the message arrived changed"));
    }
    tell(
        cx,
        "send",
        &format!(
            "{} → {}: {text}  (delivered in {:.1} ms, {})",
            from.name,
            to.name,
            took.as_secs_f64() * 1000.0,
            word(&received, "route")
        ),
    )
}

/// Sends a file, takes it out on the other side, compares, and tells of it.
async fn hand_over(
    cx: &Context,
    from: &Person,
    to: &Person,
    name: &str,
    text: &str,
) -> Result<(), Failure> {
    let source = from.home.join(name);
    std::fs::write(&source, text).map_err(|error| Failure::io("cannot write a file", &error))?;
    tell(
        cx,
        "offer",
        &format!(
            "{} offers {name}, {}, to {}: name, size and key of the file in a message.",
            from.name,
            size::about(text.len() as u64),
            to.name
        ),
    )?;
    let begun = Instant::now();
    let params = json!({
        "peers": [to.name],
        "files": [{ "path": source }],
        "wait": "delivered",
        "timeout_ms": PATIENCE.as_millis() as u64,
    });
    let sent = from.call("send", params).await?;
    if sent["satisfied"] != true {
        return Err(Failure::internal(format!(
            "the file did not arrive: {}",
            word(&sent, "reason")
        )));
    }
    let took = begun.elapsed();
    let done = to.take_out().await?;
    let path = word(&done, "path");
    let arrived =
        std::fs::read(path).map_err(|error| Failure::io(format!("cannot read {path}"), &error))?;
    if arrived != text.as_bytes() {
        return Err(Failure::internal("the file arrived changed"));
    }
    tell(
        cx,
        "file",
        &format!(
            "{} takes it, verified, and has the same bytes: {path}  (delivered in {:.1} ms, BLAKE3 {}…)",
            to.name,
            took.as_secs_f64() * 1000.0,
            word(&done, "blake3").get(..16).unwrap_or_default()
        ),
    )
}

fn word<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

/// One profile of the demo.
struct Person {
    name: &'static str,
    home: PathBuf,
    fingerprint: String,
    node: Arc<dyn Service>,
}

impl Person {
    async fn new(place: &Path, name: &'static str, url: &str) -> Result<Self, Failure> {
        let home = place.join(name);
        let paths = Paths {
            vault: home.join("vault"),
            state: home.join("state"),
        };
        let password = Zeroizing::new(format!("{:032x}", rand::random::<u128>()));
        let new = NewProfile {
            name: Some(name.to_owned()),
            password: password.clone(),
        };
        let created = node::create(&paths, new).await?;
        let config = NodeConfig {
            signal: vec![url.to_owned()],
            profile: name.to_owned(),
            ..NodeConfig::default()
        };
        let node = node::open(&paths, Unlock::Password(password), config).await?;
        Ok(Self {
            name,
            home,
            fingerprint: created.fingerprint,
            node,
        })
    }

    async fn call(&self, method: &str, params: Value) -> Result<Value, Failure> {
        let (sink, mut events) = EventSink::new();
        let call = self.node.call(method.to_owned(), params, sink);
        let drain = async { while events.recv().await.is_some() {} };
        let both = async { tokio::join!(call, drain).0 };
        tokio::time::timeout(PATIENCE, both)
            .await
            .map_err(|_| late(method))?
    }

    /// Opens an invite; the task ends when somebody has joined.
    async fn invite(&self) -> Result<(String, JoinHandle<Result<Value, Failure>>), Failure> {
        let (sink, mut events) = EventSink::new();
        let call = self
            .node
            .call("pair.invite".to_owned(), json!({ "as": "bob" }), sink);
        let announced = tokio::spawn(async move {
            let announcement = events.recv().await;
            (announcement, events)
        });
        let invite = tokio::spawn(call);
        let (announcement, events) = announced
            .await
            .map_err(|error| Failure::internal(error.to_string()))?;
        let Some(announcement) = announcement else {
            return Err(invite
                .await
                .map_err(|error| Failure::internal(error.to_string()))?
                .err()
                .unwrap_or_else(|| late("pair.invite")));
        };
        let waiting = tokio::spawn(async move {
            // The invite stands as long as its reader does.
            let _reader = events;
            invite
                .await
                .map_err(|error| Failure::internal(error.to_string()))?
        });
        Ok((word(&announcement, "code").to_owned(), waiting))
    }

    /// The next file, put into a directory of its own and acknowledged.
    async fn take_out(&self) -> Result<Value, Failure> {
        let inbox = self.home.join("in");
        std::fs::create_dir_all(&inbox)
            .map_err(|error| Failure::io("cannot make a directory", &error))?;
        let (sink, mut events) = EventSink::new();
        let params = json!({
            "types": ["file.done"],
            "files_to": inbox,
            "existing": "refuse",
            "timeout_ms": PATIENCE.as_millis() as u64,
        });
        let call = self.node.call("recv".to_owned(), params, sink);
        let watch = async {
            let mut done = None;
            while let Some(event) = events.recv().await {
                if event::kind(&event) == "file.done" {
                    done = Some(event);
                }
            }
            done
        };
        let (result, done) = tokio::join!(call, watch);
        result?;
        let done = done.ok_or_else(|| late("recv --files-to"))?;
        self.call("recv.ack", json!({ "cursor": done["cursor"] }))
            .await?;
        Ok(done)
    }

    /// The next message, acknowledged.
    async fn receive(&self) -> Result<Value, Failure> {
        let (sink, mut events) = EventSink::new();
        let params = json!({ "expect": 1, "timeout_ms": PATIENCE.as_millis() as u64 });
        let call = tokio::spawn(self.node.call("recv".to_owned(), params, sink));
        let message = events.recv().await.ok_or_else(|| late("recv"))?;
        call.await
            .map_err(|error| Failure::internal(error.to_string()))??;
        self.call("recv.ack", json!({ "cursor": message["cursor"] }))
            .await?;
        Ok(message)
    }
}

fn late(what: &str) -> Failure {
    Failure::internal(format!("{what} did not end in time"))
}

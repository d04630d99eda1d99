//! A connection that carries bytes to the owner of the profile, and is made again when the
//! owner dies and another takes its place.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

use crate::agent::Session;
use crate::agent::client;
use crate::agent::wire::{self, Frame, Frames, Reason};
use crate::context::Context;
use crate::error::{Failure, Kind};

/// How often progress is told and patience looked at.
pub(super) const TICK: Duration = Duration::from_millis(200);
/// How long to look for a new owner: after that it calls off what it finds unclaimed.
const BACK_WITHIN: Duration = Duration::from_secs(60);
/// How often to look.
const LOOK: Duration = Duration::from_millis(100);
/// How long an owner may take to say its last word.
const LAST_WORD: Duration = Duration::from_secs(5);

/// Where the owner is, and what it is asked for.
pub(in crate::cli) struct Line {
    socket: PathBuf,
    method: &'static str,
    pub(super) params: Value,
}

/// A connection: the owner's answer, what it says, what is said to it.
pub(super) type Open = (Value, Frames, Sender<Frame>);

impl Line {
    pub(in crate::cli) fn new(session: &Session, method: &'static str, params: Value) -> Line {
        Line {
            socket: session.socket().to_owned(),
            method,
            params,
        }
    }

    /// Connects to the owner that is there.
    pub(super) async fn open(&self, params: &Value) -> Result<Open, Failure> {
        match client::attach(&self.socket, self.method, params).await? {
            Some((answer, stream)) => {
                let (frames, to) = wire::split(stream);
                Ok((answer, frames, to))
            }
            None => Err(client::gone()),
        }
    }

    /// Connects to the next owner, once there is one.
    pub(super) async fn reopen(
        &self,
        params: &Value,
        patience: Option<Duration>,
    ) -> Result<Open, Failure> {
        let until = Instant::now() + patience.unwrap_or(BACK_WITHIN).min(BACK_WITHIN);
        loop {
            match self.open(params).await {
                // Not there, or not unlocked yet.
                Err(failure) if failure.exit == Kind::Locked.exit() => {
                    if Instant::now() >= until {
                        return Err(client::gone());
                    }
                }
                other => return other,
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Tells the owner why this command leaves, and waits until the peer is told.
pub(super) async fn abort(mut frames: Frames, to: Sender<Frame>, reason: Reason) {
    let told = async {
        if to.send(Frame::Abort(reason)).await.is_err() {
            return;
        }
        while let Ok(Some(frame)) = frames.next().await {
            if matches!(frame, Frame::Over(_)) {
                return;
            }
        }
    };
    // An owner that is gone tells the peer later.
    let _ = tokio::time::timeout(LAST_WORD, told).await;
}

/// How far it came, and how fast.
pub(super) struct Meter {
    event: Value,
    from: (Instant, u64),
}

impl Meter {
    /// For the file that the owner's answer is about.
    pub(super) fn new(id: &str, name: &str, answer: &Value, incoming: bool) -> Meter {
        let event = json!({
            "v": 1,
            "type": "file.progress",
            "peer": answer["peer"],
            "id": id,
            "name": name,
            "dir": if incoming { "in" } else { "out" },
            "bytes": 0,
            "size": null,
            "rate_bps": 0,
            "route": answer["route"],
            "resumed_from": 0,
        });
        Meter {
            event,
            from: (Instant::now(), 0),
        }
    }

    /// Names what came to light later.
    pub(super) fn rename(&mut self, id: &str) {
        self.set("id", json!(id));
    }

    pub(super) fn set_size(&mut self, size: &Value) {
        self.set("size", size.clone());
    }

    /// Tells it, if it moved.
    pub(super) fn tell(&mut self, cx: &Context, bytes: u64) -> Result<(), Failure> {
        let (since, before) = self.from;
        if bytes == before {
            return Ok(());
        }
        let millis = u64::try_from(since.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        let rate = (bytes - before).saturating_mul(1000) / millis;
        self.from = (Instant::now(), bytes);
        self.set("bytes", json!(bytes));
        self.set("rate_bps", json!(rate));
        cx.out.event(&self.event)
    }

    fn set(&mut self, key: &str, value: Value) {
        if let Some(fields) = self.event.as_object_mut() {
            fields.insert(key.to_owned(), value);
        }
    }
}

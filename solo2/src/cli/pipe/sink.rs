//! A peer to stdout: written as it comes, hashed as it is written, whole or an error.
//!
//! ```text
//!   owner ──Where, Data, End──► thread ──► stdout
//!         ◄──At, Ack, Done─────
//! ```
//! The thread alone knows what was written, so it answers the owner itself; whichever owner
//! that is. Spec: docs/protocol/6-files.md §8.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::line::{Line, Meter, TICK, abort};
use crate::agent::wire::{Frame, Reason};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::output::Data;

/// What the thread is asked to do, and where its answer goes.
type Job = (Frame, Sender<Frame>);

/// What the thread tells about it.
enum News {
    /// Bytes that are written in all.
    Written(u64),
    /// The end was there: whether all of it is what was announced.
    Verdict(bool),
    Broken(std::io::Error),
}

/// What came, whole.
pub(in crate::cli) struct Received {
    pub(in crate::cli) answer: Value,
    pub(in crate::cli) id: Option<[u8; 16]>,
    pub(in crate::cli) size: u64,
    pub(in crate::cli) root: [u8; 32],
}

/// What to receive, and how long nothing may come.
pub(in crate::cli) struct Sink {
    pub(in crate::cli) name: String,
    /// The parameter that says to a new owner what was begun, for an id.
    pub(in crate::cli) resume: fn(&mut Value, [u8; 16]),
    pub(in crate::cli) patience: Option<Duration>,
}

impl Sink {
    /// Writes what comes to stdout; returns when all of it is written and verified, and the
    /// sender will hear of it.
    pub(in crate::cli) async fn receive(
        &self,
        cx: &Context,
        line: &Line,
    ) -> Result<Received, Failure> {
        let mut params = line.params.clone();
        let (answer, mut frames, mut to) = line.open(&params).await?;
        let (jobs, mut news) = writer(cx.out.data());
        let name = answer["name"].as_str().unwrap_or(&self.name);
        let mut meter = Meter::new("", name, &answer, true);
        meter.set_size(&answer["size"]);
        let mut tick = tokio::time::interval(TICK);
        let mut job: Option<Frame> = None;
        let mut begun = None;
        let mut whole = None;
        let mut verdict = None;
        // Given to the thread, and written by it.
        let (mut given, mut written) = (0, 0);
        let mut moved = Instant::now();
        let received = |id, (size, root): (u64, [u8; 32])| Received {
            answer: answer.clone(),
            id,
            size,
            root,
        };
        let (failure, reason) = loop {
            tokio::select! {
                frame = frames.next(), if job.is_none() => match frame {
                    Ok(Some(Frame::Over(end))) => {
                        // The thread has spoken before the owner did, and may not be heard yet.
                        while let Ok(told) = news.try_recv() {
                            if let News::Verdict(same) = told {
                                verdict = Some(same);
                            }
                        }
                        return match (verdict.zip(whole), end) {
                            // What was verified is whole, whatever was called off meanwhile.
                            (Some((true, whole)), _) => Ok(received(begun, whole)),
                            (_, Some(failure)) => Err(*failure),
                            (_, None) => Err(cut_short()),
                        };
                    }
                    Ok(Some(Frame::Begun(id))) => {
                        begun = Some(id);
                        (self.resume)(&mut params, id);
                        meter.rename(&super::file_id(id));
                    }
                    Ok(Some(frame)) => {
                        match &frame {
                            Frame::Data(data) => given += data.len() as u64,
                            Frame::End { total, root } => whole = Some((*total, *root)),
                            _ => {}
                        }
                        moved = Instant::now();
                        job = Some(frame);
                    }
                    Ok(None) | Err(_) => {
                        let again = line.reopen(&params, self.patience).await;
                        match (again, verdict.zip(whole)) {
                            (Ok((_, new_frames, new_to)), _) => (frames, to) = (new_frames, new_to),
                            // The sender hears of it when the next owner asks.
                            (Err(_), Some((true, whole))) => return Ok(received(begun, whole)),
                            (Err(failure), _) => return Err(failure),
                        }
                        moved = Instant::now();
                    }
                },
                permit = jobs.reserve(), if job.is_some() => {
                    if let (Ok(permit), Some(frame)) = (permit, job.take()) {
                        permit.send((frame, to.clone()));
                    }
                }
                told = news.recv() => match told {
                    Some(News::Written(count)) => {
                        written = count;
                        moved = Instant::now();
                    }
                    Some(News::Verdict(same)) => verdict = Some(same),
                    Some(News::Broken(error)) => {
                        break (Failure::io("cannot write to stdout", &error), Reason::Failed);
                    }
                    None => break (Failure::internal("the writing thread is gone"), Reason::Failed),
                },
                _ = tick.tick() => {
                    meter.tell(cx, written)?;
                    // A reader of ours that pauses is not the sender's fault.
                    let late = |patience| given <= written && moved.elapsed() >= patience;
                    if verdict.is_none() && self.patience.is_some_and(late) {
                        break (unfinished(begun.is_some()), Reason::Left);
                    }
                }
            }
        };
        abort(frames, to, reason).await;
        Err(failure)
    }
}

fn cut_short() -> Failure {
    Failure::new(
        Kind::Integrity,
        "it ended before its end: what came is not whole",
    )
}

fn unfinished(begun: bool) -> Failure {
    let (message, hint) = match begun {
        true => (
            "nothing more came in time: what came is not whole",
            "wait longer: --timeout",
        ),
        false => (
            "nobody sent anything in time",
            "wait longer with --timeout, and on the other side: solo2 pipe NAME:LABEL",
        ),
    };
    Failure::new(Kind::NotDelivered, message)
        .code("pipe_unfinished")
        .hint(hint)
        .retry(None)
}

/// The thread that writes: stdout may keep it waiting for as long as it likes.
fn writer(mut out: Data) -> (Sender<Job>, Receiver<News>) {
    let (jobs_tx, mut jobs) = mpsc::channel::<Job>(1);
    let (news_tx, news) = mpsc::channel(4);
    std::thread::spawn(move || {
        let mut written = Written {
            count: 0,
            hasher: blake3::Hasher::new(),
        };
        while let Some((frame, to)) = jobs.blocking_recv() {
            if let Frame::Data(data) = &frame
                && let Err(error) = out.write_all(data).and_then(|()| out.flush())
            {
                let _ = news_tx.blocking_send(News::Broken(error));
                return;
            }
            let (reply, told) = written.note(&frame);
            if let Some(told) = told
                && news_tx.blocking_send(told).is_err()
            {
                return;
            }
            if let Some(reply) = reply {
                // An owner that is gone is asked for by another, which asks anew.
                let _ = to.blocking_send(reply);
            }
        }
    });
    (jobs_tx, news)
}

/// What is at stdout.
struct Written {
    count: u64,
    hasher: blake3::Hasher,
}

impl Written {
    /// What to answer the owner and tell the command, once a frame's bytes are written.
    fn note(&mut self, frame: &Frame) -> (Option<Frame>, Option<News>) {
        match frame {
            Frame::Where { serial } => {
                let at = Frame::At {
                    serial: *serial,
                    offset: self.count,
                    hash: *self.hasher.finalize().as_bytes(),
                };
                (Some(at), None)
            }
            Frame::Data(data) => {
                self.hasher.update(data);
                self.count += data.len() as u64;
                let told = News::Written(self.count);
                (Some(Frame::Ack(self.count)), Some(told))
            }
            Frame::End { total, root } => {
                let same = *total == self.count && self.hasher.finalize().as_bytes() == root;
                let reply = if same { Frame::Done } else { Frame::Differs };
                (Some(reply), Some(News::Verdict(same)))
            }
            _ => (None, None),
        }
    }
}

/// The `file.done` of what came.
pub(in crate::cli) fn done(name: &str, received: &Received) -> Value {
    let answer = &received.answer;
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let id = match received.id {
        Some(id) => json!(super::file_id(id)),
        None => answer["id"].clone(),
    };
    json!({
        "v": 1,
        "type": "file.done",
        "id": id,
        "cursor": null,
        "ts": crate::event::timestamp_ms(super::now_ms()),
        "peer": answer["peer"],
        "peer_name": answer["peer_name"],
        "route": answer["route"],
        "name": answer["name"].as_str().unwrap_or(name),
        "size": received.size,
        "path": "-",
        "blake3": hex(&received.root),
        "verified": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_counted_hashed_and_held_against_the_end() {
        let hash = |bytes: &[u8]| *blake3::hash(bytes).as_bytes();
        let mut written = Written {
            count: 0,
            hasher: blake3::Hasher::new(),
        };
        let mut reply = |frame: Frame| written.note(&frame).0;
        assert_eq!(reply(Frame::Data(b"one ".to_vec())), Some(Frame::Ack(4)));
        let at = Frame::At {
            serial: 9,
            offset: 4,
            hash: hash(b"one "),
        };
        assert_eq!(reply(Frame::Where { serial: 9 }), Some(at));
        assert_eq!(reply(Frame::Data(b"two".to_vec())), Some(Frame::Ack(7)));
        let end = |total, bytes: &[u8]| Frame::End {
            total,
            root: hash(bytes),
        };
        assert_eq!(reply(end(7, b"one tw")), Some(Frame::Differs));
        assert_eq!(reply(end(8, b"one two")), Some(Frame::Differs));
        assert_eq!(reply(end(7, b"one two")), Some(Frame::Done));
    }
}

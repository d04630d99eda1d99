//! This end of a command that sends: asks it for what a peer wants, and tells it what the
//! peer has.
//!
//! ```text
//!   command ── Prefix, Data, End ──► run ──► Streaming ──► serve
//!           ◄── From, Ack, Over ────     ◄── Feed::from, Feed::acknowledge
//! ```
//! What comes while nobody wants it answers a question of a link that is gone, and is let go.

use std::future::pending;
use std::sync::Arc;

use solo2_store::ContactId;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};

use super::super::NetContext;
use super::Progress;
use crate::agent::wire::{self, Frame, Reason};
use crate::error::Failure;

/// Frames between the command and a lane.
const BACKLOG: usize = 2;
/// Questions that may wait.
const ASKS: usize = 8;

/// A command that sends, as whoever answers the peer sees it.
#[derive(Clone)]
pub(in crate::node) struct Feed {
    asks: mpsc::Sender<Ask>,
    acknowledged: watch::Sender<u64>,
    progress: Arc<Progress>,
}

/// What comes behind an offset, and the hash of what is before it.
pub(in crate::node) struct Streaming {
    pub(in crate::node) hash: [u8; 32],
    pub(in crate::node) parts: mpsc::Receiver<Part>,
}

/// Some of it, or its end.
pub(in crate::node) enum Part {
    Data(Vec<u8>),
    End { total: u64, root: [u8; 32] },
}

struct Ask {
    offset: u64,
    answer: oneshot::Sender<Option<Streaming>>,
}

/// The ends that the command's task holds.
pub(super) struct Ends {
    asks: mpsc::Receiver<Ask>,
    acknowledged: watch::Receiver<u64>,
    progress: Arc<Progress>,
}

/// What a command that sends finds.
pub(super) enum Met {
    /// Its offer.
    Offer(Tie),
    /// That all was over before it came back.
    Over(Result<(), Failure>),
}

/// What ties a connection to a transfer.
pub(super) struct Tie {
    pub(super) contact: ContactId,
    pub(super) id: [u8; 16],
    pub(super) serial: u64,
    pub(super) ends: Ends,
    pub(super) over: oneshot::Receiver<Result<(), Failure>>,
}

pub(super) fn channel() -> (Feed, Ends) {
    let (asks_tx, asks) = mpsc::channel(ASKS);
    let (acknowledged_tx, acknowledged) = watch::channel(0);
    let progress: Arc<Progress> = Arc::default();
    let feed = Feed {
        asks: asks_tx,
        acknowledged: acknowledged_tx,
        progress: progress.clone(),
    };
    let ends = Ends {
        asks,
        acknowledged,
        progress,
    };
    (feed, ends)
}

impl Feed {
    /// What comes behind `offset`; `Ok(None)` if the command does not have that any more,
    /// an error if it is not there.
    pub(in crate::node) async fn from(&self, offset: u64) -> Result<Option<Streaming>, ()> {
        let (answer, answered) = oneshot::channel();
        let ask = Ask { offset, answer };
        self.asks.send(ask).await.map_err(drop)?;
        answered.await.map_err(drop)
    }

    /// The peer says that everything before `offset` is written.
    pub(in crate::node) fn acknowledge(&self, offset: u64) {
        self.acknowledged.send_if_modified(|known| {
            let further = offset > *known;
            if further {
                *known = offset;
            }
            further
        });
    }

    pub(super) fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }
}

/// Whom what the command says is for.
#[derive(Default)]
enum Listener {
    #[default]
    Nobody,
    /// The newest question is not answered yet.
    Waiting(Ask),
    Streaming(mpsc::Sender<Part>),
}

/// What the command said last, and what it is asked.
#[derive(Default)]
struct Talk {
    listener: Listener,
    /// The number of the newest question.
    question: u64,
    /// What the lane has no room for yet.
    part: Option<Part>,
    /// Where the next bytes belong.
    behind: u64,
    /// What the peer may have seen: it cannot have written more.
    passed: u64,
}

impl Talk {
    fn ask(&mut self, ask: Ask) -> Frame {
        self.question += 1;
        self.part = None;
        let offset = ask.offset;
        self.listener = Listener::Waiting(ask);
        Frame::From {
            serial: self.question,
            offset,
        }
    }

    /// Takes one frame of the command; why it leaves, if it does.
    fn hear(&mut self, frame: Frame) -> Option<Reason> {
        let streaming = matches!(self.listener, Listener::Streaming(_));
        match frame {
            Frame::Prefix { serial, hash } if serial == self.question => {
                if let Listener::Waiting(ask) = std::mem::take(&mut self.listener) {
                    let (parts_tx, parts) = mpsc::channel(BACKLOG);
                    self.behind = ask.offset;
                    self.passed = self.passed.max(ask.offset);
                    if ask.answer.send(Some(Streaming { hash, parts })).is_ok() {
                        self.listener = Listener::Streaming(parts_tx);
                    }
                }
            }
            Frame::Gone { serial } if serial == self.question => {
                if let Listener::Waiting(ask) = std::mem::take(&mut self.listener) {
                    let _ = ask.answer.send(None);
                }
            }
            Frame::Data(data) if streaming => {
                self.behind += data.len() as u64;
                self.passed = self.passed.max(self.behind);
                self.part = Some(Part::Data(data));
            }
            Frame::End { total, root } if streaming => {
                self.part = Some(Part::End { total, root });
            }
            Frame::Abort(reason) => return Some(reason),
            // To a question of a link that is gone.
            _ => {}
        }
        None
    }

    /// Waits for room for what is to be passed on; nothing when nobody wants it any more.
    fn room(&self) -> impl Future<Output = Option<mpsc::OwnedPermit<Part>>> + use<> {
        let waits = self.part.is_some();
        let parts = match &self.listener {
            Listener::Streaming(parts) => Some(parts.clone()),
            _ => None,
        };
        async move {
            if !waits {
                return pending().await;
            }
            parts?.reserve_owned().await.ok()
        }
    }

    fn pass_on(&mut self, permit: Option<mpsc::OwnedPermit<Part>>) {
        match (permit, self.part.take()) {
            (Some(permit), Some(part)) => {
                permit.send(part);
            }
            _ => self.listener = Listener::Nobody,
        }
    }
}

/// Runs the connection of a command that sends until it is over or the command has left.
pub(super) async fn run(net: Arc<NetContext>, met: Met, stream: UnixStream) {
    let (frames, to) = wire::split(stream);
    match met {
        Met::Offer(tie) => relay(&net, tie, frames, &to).await,
        Met::Over(end) => {
            let _ = to.send(over(end)).await;
        }
    }
}

fn over(end: Result<(), Failure>) -> Frame {
    Frame::Over(end.err().map(Box::new))
}

async fn relay(net: &NetContext, tie: Tie, mut frames: wire::Frames, to: &mpsc::Sender<Frame>) {
    let Tie {
        contact,
        id,
        serial,
        mut ends,
        over: mut ended,
    } = tie;
    let mut talk = Talk::default();
    let leaving = loop {
        let heard = tokio::select! {
            biased;
            end = &mut ended => {
                // Without a word this owner is leaving, and the command finds the next one.
                if let Ok(end) = end {
                    super::last_word(net, contact).await;
                    let _ = to.send(over(end)).await;
                }
                return;
            }
            ask = ends.asks.recv() => match ask {
                Some(ask) => to.send(talk.ask(ask)).await.err().map(|_| Reason::Left),
                None => return,
            },
            Ok(()) = ends.acknowledged.changed() => {
                let offset = (*ends.acknowledged.borrow_and_update()).min(talk.passed);
                ends.progress.note(offset);
                to.send(Frame::Ack(offset)).await.err().map(|_| Reason::Left)
            }
            permit = talk.room() => {
                talk.pass_on(permit);
                None
            }
            frame = frames.next(), if talk.part.is_none() => match frame {
                Ok(Some(frame)) => talk.hear(frame),
                Ok(None) | Err(_) => Some(Reason::Left),
            },
        };
        let streaming = matches!(talk.listener, Listener::Streaming(_));
        ends.progress.run(streaming);
        if let Some(reason) = heard {
            break reason;
        }
    };
    let left = move |core: &mut super::Core| {
        core.end_feed(contact, id, serial, leaving);
        Ok(())
    };
    if net.call(left).await.is_ok()
        && let Ok(end) = ended.await
    {
        super::last_word(net, contact).await;
        let _ = to.send(over(end)).await;
    }
}

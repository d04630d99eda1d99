//! One device on the line: reads requests, writes answers and deliveries.
//!
//! A connection is one task and owns no memory to speak of while nothing is
//! said. It ends when the peer leaves, breaks a rule, reads too slowly, or is
//! silent for three pings.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout, timeout_at};

use super::Shared;
use super::buffer::{Buffer, Frame};
use super::frame::{self, CloseCode, FrameError, Incoming, Reader};
use super::harden;
use super::limits::Bucket;
use super::rendezvous::{Listened, PATIENCE, Parcel, Visitor};
use crate::wire::{ClientMessage, RefusedCode, ServerMessage, Token, post_into_deliver};

/// How often the server asks whether the peer is there.
const PING: Duration = Duration::from_secs(30);
/// Silence after which the peer is taken for gone.
const SILENCE: Duration = Duration::from_secs(95);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);
/// Posts at once, and posts per second.
const POSTS: (u32, u32) = (200, 50);
/// Other requests at once, and per second: a device may come with all its
/// tokens, once.
const LISTENS: (u32, u32) = (8192, 100);

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// Serves the connection until it ends. Its listeners end with it.
pub(super) async fn serve<S>(mut stream: S, shared: &Shared)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (visitor, parcels, overflow) = Visitor::new(NEXT_ID.fetch_add(1, Ordering::Relaxed));
    let now = Instant::now();
    let mut connection = Connection {
        shared,
        visitor: Some(visitor),
        posts: Bucket::new(POSTS.0, POSTS.1, now),
        listens: Bucket::new(LISTENS.0, LISTENS.1, now),
    };
    let code = match connection.run(&mut stream, parcels, &overflow).await {
        End::Lost => return,
        End::Close(code) => code,
    };
    // Nobody else is to wait for this goodbye.
    drop(connection);
    let goodbye = async {
        stream.write_all(&frame::close(code)).await?;
        stream.shutdown().await
    };
    // A peer that does not take it is gone all the same.
    let _ = timeout(GOODBYE, goodbye).await;
}

/// Why a connection ends.
enum End {
    /// There is nobody to say goodbye to.
    Lost,
    /// Tell the peer why.
    Close(CloseCode),
}

impl From<FrameError> for End {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Lost(_) => Self::Lost,
            FrameError::Refused(code) => Self::Close(code),
        }
    }
}

struct Connection<'a> {
    shared: &'a Shared,
    /// Taken by `drop` only.
    visitor: Option<Visitor>,
    posts: Bucket,
    listens: Bucket,
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        if let Some(visitor) = self.visitor.take() {
            self.shared.rendezvous().leave(visitor);
        }
    }
}

/// What goes back after a request.
struct Reply {
    answer: Option<Frame>,
    waiting: Vec<Parcel>,
    /// The request was no request; the connection ends after the answer.
    last: bool,
}

impl Connection<'_> {
    async fn run<S>(
        &mut self,
        stream: &mut S,
        mut parcels: mpsc::Receiver<Parcel>,
        overflow: &Arc<Notify>,
    ) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut reader = Reader::new(self.shared.pool.clone());
        let mut pings = interval_at(Instant::now() + PING, PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let ended = tokio::select! {
                biased;
                () = overflow.notified() => return End::Close(CloseCode::Policy),
                () = self.shared.stopped() => return End::Close(CloseCode::GoingAway),
                parcel = parcels.recv() => match parcel {
                    Some(parcel) => write(stream, parcel.frame.frame(), parcel.until, overflow).await,
                    None => return End::Lost,
                },
                now = pings.tick() => {
                    if now.saturating_duration_since(heard) >= SILENCE {
                        return End::Lost;
                    }
                    write(stream, &frame::ping(), now + PATIENCE, overflow).await
                }
                incoming = reader.next(stream) => {
                    heard = Instant::now();
                    match incoming {
                        Ok(incoming) => {
                            let taken = self.take(incoming, stream, overflow).await;
                            // What the calls above left behind must not be in
                            // the gaps of what is built here next.
                            harden::scrub_stack();
                            taken
                        }
                        Err(error) => return error.into(),
                    }
                }
            };
            if let Err(end) = ended {
                return end;
            }
        }
    }

    async fn take<S>(
        &mut self,
        incoming: Incoming,
        stream: &mut S,
        overflow: &Arc<Notify>,
    ) -> Result<(), End>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let until = Instant::now() + PATIENCE;
        let reply = match incoming {
            Incoming::Message(message) => self
                .answer(message)
                .ok_or(End::Close(CloseCode::TryAgain))?,
            Incoming::Ping(control) => {
                return write(stream, &control.into_pong(), until, overflow).await;
            }
            Incoming::Pong => return Ok(()),
            Incoming::Close => return Err(End::Close(CloseCode::Normal)),
        };
        if let Some(answer) = reply.answer {
            write(stream, answer.frame(), until, overflow).await?;
        }
        for parcel in reply.waiting {
            write(stream, parcel.frame.frame(), parcel.until, overflow).await?;
        }
        if reply.last {
            Err(End::Close(CloseCode::Policy))
        } else {
            Ok(())
        }
    }

    /// Does what a message asks for, or `None` if there is no memory to answer.
    fn answer(&mut self, mut message: Buffer) -> Option<Reply> {
        let now = Instant::now();
        let visitor = self.visitor.as_mut()?;
        let pool = &self.shared.pool;
        match ClientMessage::parse(message.message()) {
            Ok(ClientMessage::Listen { token, exclusive }) => {
                if !self.listens.take(now) {
                    return refused(pool.frame(RATE));
                }
                let listened = self
                    .shared
                    .rendezvous()
                    .listen(visitor, token, exclusive, now);
                answer_listen(token, listened, |message| pool.frame(message))
            }
            Ok(ClientMessage::Unlisten { token }) => {
                // Giving up is always allowed.
                self.shared.rendezvous().unlisten(visitor, token);
                Some(Reply {
                    answer: None,
                    waiting: Vec::new(),
                    last: false,
                })
            }
            Ok(ClientMessage::Post { token, .. }) => {
                if !self.posts.take(now) {
                    return refused(pool.frame(RATE));
                }
                let answer = pool.frame(ServerMessage::Posted { token })?;
                post_into_deliver(message.message_mut());
                let frame = Arc::new(message);
                if let Ok(ServerMessage::Deliver { token, .. }) =
                    ServerMessage::parse(frame.message())
                {
                    self.shared
                        .rendezvous()
                        .post(token, Arc::clone(&frame), now);
                }
                Some(Reply {
                    answer: Some(answer),
                    waiting: Vec::new(),
                    last: false,
                })
            }
            Err(_) => {
                let answer = pool.frame(ServerMessage::Refused {
                    code: RefusedCode::Malformed,
                })?;
                Some(Reply {
                    answer: Some(answer),
                    waiting: Vec::new(),
                    last: true,
                })
            }
        }
    }
}

const RATE: ServerMessage<'static> = ServerMessage::Refused {
    code: RefusedCode::Rate,
};

fn refused(answer: Option<Frame>) -> Option<Reply> {
    Some(Reply {
        answer: Some(answer?),
        waiting: Vec::new(),
        last: false,
    })
}

fn answer_listen(
    token: &Token,
    listened: Listened,
    frame: impl Fn(ServerMessage<'_>) -> Option<Frame>,
) -> Option<Reply> {
    let (message, waiting) = match listened {
        Listened::Listening(waiting) => (ServerMessage::Listening { token }, waiting),
        Listened::Busy => (ServerMessage::Busy { token }, Vec::new()),
        Listened::TooManyTokens => (
            ServerMessage::Refused {
                code: RefusedCode::TooManyTokens,
            },
            Vec::new(),
        ),
        Listened::Full => (
            ServerMessage::Refused {
                code: RefusedCode::Full,
            },
            Vec::new(),
        ),
    };
    Some(Reply {
        answer: Some(frame(message)?),
        waiting,
        last: false,
    })
}

/// Writes one whole frame in time, or ends the connection: a peer that does not
/// read holds other people's blobs.
async fn write<S>(
    stream: &mut S,
    frame: &[u8],
    until: Instant,
    overflow: &Notify,
) -> Result<(), End>
where
    S: AsyncWrite + Unpin,
{
    let sent = timeout_at(until, async {
        stream.write_all(frame).await?;
        stream.flush().await
    });
    tokio::select! {
        biased;
        sent = sent => match sent {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Lost),
        },
        () = overflow.notified() => Err(End::Lost),
    }
}

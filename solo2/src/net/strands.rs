//! Strands: further streams through Tor beside a link's own, for its files.
//!
//! A circuit is as fast as its slowest relay, and what waits on it makes a text wait, too. When
//! a file is under way on a link over Tor, who called gets more streams to the same service,
//! each over a circuit of its own; the file's records take whichever has room
//! ([`super::bulk`]).
//!
//! ```text
//!   link ─────── circuit ────────► frames, requests, acknowledgements
//!   strand 1…4 ─ one circuit each ─► records
//! ```
//!
//! A strand says first which link it belongs to, by a token that nobody else can know.
//! Spec: docs/protocol/3-links.md §9.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use solo2_crypto::secret::Secret;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, RecvStream, SendStream, Streams};
use super::onion::OnionError;

/// Strands of one link.
const STRANDS: usize = 4;
/// How often, and after which pause, a strand is called that does not come up.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(10);
/// When strands go that no file needs.
const IDLE: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 120 });
/// How long the peer may take to say which answer a stream is for.
const HEAD_MAX: Duration = Duration::from_secs(30);
/// First byte of a stream that is to carry records: a request's version and one more.
const VERSION: u8 = 2;
/// Bytes of its head: version and the answer's salt.
const HEAD_LEN: usize = 1 + 32;

/// Calls the peer's service once more, over a circuit of its own.
pub(crate) type Dial =
    Box<dyn Fn() -> BoxFuture<'static, Result<Connection, OnionError>> + Send + Sync>;

/// The strands of one link.
pub(crate) struct Strands {
    token: Secret<32>,
    /// `None` at the side that was called.
    dial: Option<Dial>,
    open: watch::Sender<Vec<Strand>>,
    /// The link is over.
    ended: CancellationToken,
    state: Mutex<State>,
}

/// A link's hold on its strands: they end with it, whatever is under way.
pub(crate) struct Held(pub(crate) Arc<Strands>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.ended.cancel();
        self.0.clear();
    }
}

/// One stream through Tor, shared by files.
#[derive(Clone)]
pub(super) struct Strand {
    /// Ascends from 1.
    pub(super) serial: u64,
    connection: Arc<Connection>,
}

impl Strand {
    /// Opens a stream for the records of the answer with this salt.
    pub(super) fn ask(
        &self,
        salt: [u8; 32],
    ) -> impl Future<Output = Option<RecvStream>> + Send + 'static {
        let streams = self.connection.streams.clone();
        async move {
            let (mut send, recv) = streams.open().await.ok()?;
            let mut head = [VERSION; HEAD_LEN];
            head[1..].copy_from_slice(&salt);
            send.write_all(&head).await.ok()?;
            Some(recv)
        }
    }
}

#[derive(Default)]
struct State {
    newest: u64,
    /// Strands being called.
    calling: usize,
    /// Files under way.
    files: usize,
    /// Rises with each file, so that a rest that was broken is told from one that was not.
    turn: u64,
    /// Answers that take streams, by their salt.
    answers: HashMap<[u8; 32], mpsc::Sender<SendStream>>,
}

impl Strands {
    /// Those of a link whose first handshake led to `token`; `dial` at the side that called.
    pub(crate) fn new(token: Secret<32>, dial: Option<Dial>) -> Arc<Self> {
        Arc::new(Self {
            token,
            dial,
            open: watch::Sender::default(),
            ended: CancellationToken::new(),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end of the link.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// What is open, and word of its changes.
    pub(super) fn watch(&self) -> watch::Receiver<Vec<Strand>> {
        self.open.subscribe()
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.open.borrow().len()
    }

    /// The peer has called: a strand if the token is ours and there are not too many.
    pub(crate) fn join(self: &Arc<Self>, token: &Secret<32>, connection: Connection) {
        if self.dial.is_none() && self.token.same_as(token) && self.count() < STRANDS {
            self.add(connection);
        }
    }

    /// A file begins: strands are called for it as far as they are missing.
    pub(super) fn lend(self: &Arc<Self>) -> Lent {
        let missing = {
            let mut state = self.state();
            state.files += 1;
            state.turn += 1;
            let missing = match self.dial {
                Some(_) => STRANDS.saturating_sub(self.count() + state.calling),
                None => 0,
            };
            state.calling += missing;
            missing
        };
        for _ in 0..missing {
            let strands = Arc::downgrade(self);
            tokio::spawn(async move {
                let called = call(&strands).await;
                if let Some(strands) = strands.upgrade() {
                    strands.state().calling -= 1;
                    if let Some(connection) = called {
                        strands.add(connection);
                    }
                }
            });
        }
        Lent(self.clone())
    }

    /// Streams that the peer opens for the answer with this salt, for as long as both live.
    pub(super) fn offer(&self, salt: [u8; 32]) -> mpsc::Receiver<SendStream> {
        let (joining, joined) = mpsc::channel(STRANDS);
        let mut state = self.state();
        state.answers.retain(|_, joining| !joining.is_closed());
        state.answers.insert(salt, joining);
        joined
    }

    /// Closes all: one of them stands still, and does not say so.
    pub(super) fn clear(&self) {
        self.open.send_replace(Vec::new());
    }

    fn add(self: &Arc<Self>, connection: Connection) {
        let serial = {
            let mut state = self.state();
            state.newest += 1;
            state.newest
        };
        let streams = connection.streams.clone();
        let connection = Arc::new(connection);
        let strand = Strand { serial, connection };
        let lives = |open: &mut Vec<Strand>| {
            let lives = !self.ended.is_cancelled();
            if lives {
                open.push(strand);
            }
            lives
        };
        if self.open.send_if_modified(lives) {
            tokio::spawn(attend(Arc::downgrade(self), serial, streams));
        }
    }
}

/// Calls a strand, for as long as a file wants it.
async fn call(strands: &Weak<Strands>) -> Option<Connection> {
    for attempt in 0..TRIES {
        if attempt > 0 {
            sleep(PAUSE).await;
        }
        let calling = {
            let strands = strands.upgrade()?;
            let wanted = strands.state().files > 0;
            strands.dial.as_ref().filter(|_| wanted)?()
        };
        match calling.await {
            Ok(connection) => return Some(connection),
            Err(error) => tracing::debug!("no further stream through Tor: {error}"),
        }
    }
    None
}

/// Takes the peer's streams on one strand until it ends.
async fn attend(strands: Weak<Strands>, serial: u64, streams: Streams) {
    while let Ok((send, mut recv)) = streams.accept().await {
        let strands = strands.clone();
        tokio::spawn(async move {
            let mut head = [0; HEAD_LEN];
            let read = timeout(HEAD_MAX, recv.read_exact(&mut head)).await;
            if let (Ok(Ok(())), [VERSION, salt @ ..], Some(strands)) =
                (read, head, strands.upgrade())
                && let Some(joining) = strands.state().answers.get(&salt)
            {
                // An answer takes as many as there are strands.
                let _ = joining.try_send(send);
            }
        });
    }
    if let Some(strands) = strands.upgrade() {
        let gone = |open: &mut Vec<Strand>| open.retain(|strand| strand.serial != serial);
        strands.open.send_modify(gone);
    }
}

/// A file's hold on the strands: they go some time after the last one.
pub(super) struct Lent(Arc<Strands>);

impl Lent {
    pub(super) fn strands(&self) -> &Arc<Strands> {
        &self.0
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let turn = {
            let mut state = self.0.state();
            state.files -= 1;
            if state.files > 0 || self.0.dial.is_none() {
                return;
            }
            state.turn
        };
        let strands = Arc::downgrade(&self.0);
        let rest = async move {
            sleep(IDLE).await;
            if let Some(strands) = strands.upgrade()
                && strands.state().turn == turn
            {
                strands.clear();
            }
        };
        // Outside of a runtime nothing is left to close.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(rest);
        }
    }
}

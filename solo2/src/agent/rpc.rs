//! The words between a command and the node that carries it out.
//!
//! JSON-RPC 2.0, one object per line, on a Unix socket. A method is the dotted
//! verb (`contact.verify`), its parameters are the long flags in `snake_case`.
//! What a method reports while it runs are *events*, the same objects that
//! `--json` prints; they travel as notifications
//! `{"jsonrpc":"2.0","method":"event","params":{"id":<request>,"event":{…}}}`
//! and only for a request that asked for them with `"stream": true` (or is
//! `subscribe`). `error.data` is a [`Failure`].
//!
//! ```text
//!   command ──request──► agent::server ──call──► dyn Service (the node)
//!           ◄──event───                ◄─events─
//!           ◄──result──                ◄─result─
//! ```
//!
//! Methods of the node, parameters → result (events in braces). Every event
//! and every result that is printed as a line carries `v` and `type` first.
//!
//! ```text
//! status                                        → {"name","id","fingerprint","peers","queued","connected"}
//! identity.show                                 → identity {"name","id","fingerprint","words_confirmed","created_at"}
//! identity.words.show     password              → {"words"}
//! identity.words.confirm  words                 → {"confirmed":bool}
//! vault.check                                   → vault.check {"ok",…}
//! vault.reindex                                 → vault.reindex {"indexed","segments","bytes"}
//! vault.compact                                 → vault.compact
//! reload                  signal stun relays route strict transport receipts files{new known trusted verified} → {}
//! pair.invite   as ttl_s no_wait timeout_ms     → pair.accepted, or pair.invite with no_wait; {pair.invite pair.accepted}
//! pair.join     code as timeout_ms              → pair.accepted
//! pair.list                                     → {"pairs":[pair.invite…]}
//! contact.list                                  → {"contacts":[contact…]}
//! contact.show  name                            → contact
//! contact.rename name to                        → contact
//! contact.remove name                           → contact.removed
//! contact.block|unblock name                    → contact
//! contact.verify name [number]                  → contact; without a number it verifies unconditionally
//! contact.trust name fingerprint                → contact
//! contact.set   name settings{key:value}        → contact; retain in seconds, max-file in bytes
//! send          peers text|geo{lat,lon,accuracy_m} files[{path}] reply_to expire_s ttl_s id wait timeout_ms
//!               route require_route[]           → send.result; {send.result as soon as durable, state "queued";
//!                                                  file.progress}; without timeout_ms files are waited for while they move
//! edit          id text wait timeout_ms         → send.result; {…}
//! delete        id for_everyone wait timeout_ms → send.result; {…}
//! delete        all_of                          → delete.all {"peer","name","messages"}
//! react         id emoji wait timeout_ms        → send.result; {…}
//! read          ids wait timeout_ms             → send.result; {…}
//! recv          from[] types[] max since follow expect timeout_ms files_to existing
//!                                               → {"count","cursor","unfinished"}; {message edit delete reaction
//!                                                  receipt file.offer file.progress file.done file.failed …}
//! file.list                                     → {"count"}; {file …}
//! file.accept   id to existing timeout_ms       → file.done; {file.progress file.failed}
//! file.reject|cancel id                         → file {"id","state"}
//! file.stream   id begun                        → {"peer","peer_name","id","name","size"}, then bytes
//! pipe.send     peer name id file reply_to expire_s   → {"id","peer","name"}, then bytes
//! pipe.listen   peer label id                   → {"peer","peer_name"}, then bytes
//! file.resume   id timeout_ms                   → {"unfinished"}; {file.progress file.done file.failed}
//! export        format to chat since until no_files base{sha256,created_at} passphrase|password
//!                                               → export.done; {export.progress}; the document goes to the
//!                                                  caller's socket `to`; a readable copy takes the password;
//!                                                  with a base the caller first sends its records.idx
//! import        from size dry_run               → import.done; {import.progress}; the tar comes over the
//!                                                  caller's socket `from`, its encryption taken off
//! recv.ack      cursor                          → {}
//! history       peer limit since until grep     → {"count"}; {message …} oldest first
//! search        query from|peer since until has_file limit
//!                                               → {"count"}; {message with "snippet" …} oldest first
//! queue.list                                    → {"count"}; {queue.item …}
//! queue.show    id                              → queue.item
//! queue.flush   timeout_ms                      → {"left":n}
//! queue.cancel  id                              → queue.item
//! route.status                                  → {"peers":[{"peer","name","route","transport","circuits",
//!                                                  "connected","key_epoch","handshake_id","cover","rtt_ms"}]}
//! route.policy                                  → {"transport","peers":[{"peer","name","route","strict","policy"}]}
//! route.test    name timeout_ms                 → as a peer of route.status, with "took_ms"; {tor.progress}
//! relay.test    id timeout_ms                   → {"lent","took_ms"} or {"reason"}; {tor.progress}
//! doctor.tor    timeout_ms                      → {}; {tor.progress doctor.check}
//! doctor.traffic for_ms                         → {}; {doctor.datagrams doctor.check}
//! sync          for_ms once                     → sync.done {"received","sent","queued"}; {sync.progress}
//! subscribe     types peer since                → never, until the reader leaves; {hello, then everything new}
//! ```
//!
//! Asked without a stream, `recv`, `history`, `search` and `queue.list` answer with the first 256 of
//! their events, as `events`, `messages` and `items`.
//! `recv` over the socket never acknowledges by itself: `recv.ack` does, after
//! the reader has the event in hand, so a reader that dies gets it again.
//! `pipe.send`, `pipe.listen` and `file.stream` are the first request of a connection of
//! their own and its last: behind the answer it speaks `wire`.
//! The server itself answers `hello`, `vault.status`, `vault.unlock` (`password`, `words` or
//! `device_secret`), `vault.lock`, `agent.status`, `agent.stop` and `agent.reload` (`server`).

use std::io;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use zeroize::{Zeroize, Zeroizing};

pub(crate) use crate::error::Failure;

/// Longest line either side accepts, bytes; a 64 KiB text fully escaped fits.
pub(crate) const MAX_LINE: usize = 1024 * 1024;

/// Events that may wait between the node and one reader.
const EVENT_BACKLOG: usize = 64;

/// What carries out the verbs: the node, behind one door.
///
/// A call runs to its end even when the reader leaves; it should look at
/// [`EventSink::closed`] wherever it waits for more than a moment.
pub(crate) trait Service: Send + Sync + 'static {
    /// Carries out one method.
    fn call(
        &self,
        method: String,
        params: Value,
        events: EventSink,
    ) -> BoxFuture<'static, Result<Value, Failure>>;

    /// Ties a connection of its own to one method of [`is_attaching`]: what to answer, and
    /// what to do with the connection behind the answer.
    fn attach(
        &self,
        method: String,
        params: Value,
    ) -> BoxFuture<'static, Result<Attached, Failure>>;

    /// Flushes, says goodbye to the peers, wipes the keys and lets the vault go.
    fn shutdown(&self) -> BoxFuture<'static, ()>;
}

/// Whether a method takes its connection over, which then speaks [`wire`](super::wire).
pub(crate) fn is_attaching(method: &str) -> bool {
    matches!(method, "pipe.send" | "pipe.listen" | "file.stream")
}

/// What runs a connection behind its answer.
type Run = Box<dyn FnOnce(UnixStream) -> BoxFuture<'static, ()> + Send>;

/// A connection that is about to carry bytes.
pub(crate) struct Attached {
    /// What the request is answered with.
    pub(crate) answer: Value,
    /// Runs the connection to its end.
    pub(crate) run: Run,
}

impl Attached {
    /// Behind `answer`, `run` has the connection.
    pub(crate) fn new<F: Future<Output = ()> + Send + 'static>(
        answer: Value,
        run: impl FnOnce(UnixStream) -> F + Send + 'static,
    ) -> Attached {
        Attached {
            answer,
            run: Box::new(move |stream| Box::pin(run(stream))),
        }
    }
}

/// Where a running call puts its events; bounded, so a slow reader slows the
/// call and costs no memory.
#[derive(Clone)]
pub(crate) struct EventSink {
    to: mpsc::Sender<Value>,
}

impl EventSink {
    /// A sink and the end that reads it.
    pub(crate) fn new() -> (EventSink, mpsc::Receiver<Value>) {
        let (to, from) = mpsc::channel(EVENT_BACKLOG);
        (EventSink { to }, from)
    }

    /// Hands over one event, waiting for room; false when nobody reads any more.
    pub(crate) async fn send(&self, event: Value) -> bool {
        self.to.send(event).await.is_ok()
    }

    /// Resolves when the reader leaves.
    pub(crate) async fn closed(&self) {
        self.to.closed().await;
    }
}

/// A request line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) jsonrpc: Version,
    /// Absent for a notification, which is carried out and not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<Id>,
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) params: Value,
}

/// A request's id: whatever the client chose, a number or a string.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Id {
    /// A number.
    Number(u64),
    /// A string.
    Text(String),
}

/// The constant `"2.0"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Version {
    /// JSON-RPC 2.0.
    #[serde(rename = "2.0")]
    V2,
}

/// A line from the agent: an answer, or an event of a running request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Reply {
    /// `event`, a notification.
    Event {
        jsonrpc: Version,
        method: String,
        params: EventParams,
    },
    /// A failed request.
    Failed {
        jsonrpc: Version,
        id: Option<Id>,
        error: RpcError,
    },
    /// A finished request.
    Done {
        jsonrpc: Version,
        id: Id,
        result: Value,
    },
}

/// The request an event belongs to, and the event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventParams {
    pub(crate) id: Id,
    pub(crate) event: Value,
}

/// JSON-RPC's error object; `data` is what a command acts on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RpcError {
    pub(crate) code: i32,
    pub(crate) message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Failure>,
}

impl RpcError {
    /// JSON-RPC's number for our failure: its own range for malformed
    /// requests, `-32000 - exit` for the rest.
    pub(crate) fn from_failure(failure: Failure) -> RpcError {
        let code = match failure.code.as_ref() {
            "parse_error" => -32700,
            "invalid_request" => -32600,
            "unknown_method" => -32601,
            "invalid_params" => -32602,
            _ => -32000 - i32::from(failure.exit),
        };
        RpcError {
            code,
            message: failure.message.clone(),
            data: Some(failure),
        }
    }
}

/// Reads lines of bounded length from a socket and wipes them afterwards: a
/// password may have been in one.
pub(crate) struct Lines<R> {
    from: R,
    buffer: Zeroizing<Vec<u8>>,
    /// Where the line that was handed out last ends.
    used: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Lines of `from`.
    pub(crate) fn new(from: R) -> Lines<R> {
        Lines {
            from,
            // Room for every secret, so that growing leaves no copy behind.
            buffer: Zeroizing::new(Vec::with_capacity(16 * 1024)),
            used: 0,
        }
    }

    /// What is read from, if nothing was read behind the last line.
    pub(crate) fn into_inner(self) -> Option<R> {
        (self.used == self.buffer.len()).then_some(self.from)
    }

    /// The next line without its end, or nothing at the end of the stream.
    /// Cancel safe.
    pub(crate) async fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let rest = self.buffer.len() - self.used;
        self.buffer.copy_within(self.used.., 0);
        if let Some(stale) = self.buffer.get_mut(rest..) {
            stale.zeroize();
        }
        self.buffer.truncate(rest);
        self.used = 0;
        let mut searched = 0;
        loop {
            let fresh = self.buffer.get(searched..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let end = searched + at;
                self.used = end + 1;
                return Ok(self.buffer.get(..end));
            }
            searched = self.buffer.len();
            if searched > MAX_LINE {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the line is too long",
                ));
            }
            self.buffer.reserve(4096);
            if self.from.read_buf(&mut *self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_one_by_one_however_the_bytes_arrive() {
        let bytes = tokio_test_chunks(&[b"on", b"e\ntwo\nth", b"ree\n", b"rest"]);
        let mut lines = Lines::new(bytes);
        for expected in ["one", "two", "three"] {
            let line = lines.next().await.expect("read").expect("a line");
            assert_eq!(line, expected.as_bytes());
        }
        assert!(lines.next().await.expect("read").is_none());
    }

    #[tokio::test]
    async fn a_line_without_end_is_refused_and_not_collected() {
        let endless = tokio::io::repeat(b'x');
        let error = Lines::new(endless).next().await.expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn replies_are_told_apart() {
        let line = r#"{"jsonrpc":"2.0","id":1,"result":null}"#;
        assert!(matches!(serde_json::from_str(line), Ok(Reply::Done { .. })));
        let line = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":"locked"}}"#;
        assert!(matches!(
            serde_json::from_str(line),
            Ok(Reply::Failed { .. })
        ));
        let line = r#"{"jsonrpc":"2.0","method":"event","params":{"id":1,"event":{}}}"#;
        assert!(matches!(
            serde_json::from_str(line),
            Ok(Reply::Event { .. })
        ));
    }

    fn tokio_test_chunks(chunks: &[&[u8]]) -> impl AsyncRead + Unpin {
        let (mut to, from) = tokio::io::duplex(3);
        let chunks: Vec<Vec<u8>> = chunks.iter().map(|chunk| chunk.to_vec()).collect();
        tokio::spawn(async move {
            for chunk in chunks {
                let sent = tokio::io::AsyncWriteExt::write_all(&mut to, &chunk).await;
                assert!(sent.is_ok());
            }
        });
        from
    }
}

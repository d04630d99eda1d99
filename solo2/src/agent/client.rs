//! A command's end of the socket.
//!
//! Sends requests, tells their answers and events apart by id. The other end
//! is checked as it checks us: a socket of another user is never spoken to, so
//! a password cannot end up there.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::rpc::{Failure, Id, Lines, MAX_LINE, Reply, Request, Version};
use super::server::is_ours;
use crate::error::Kind;

/// How long an owner may take to say hello.
const HELLO: Duration = Duration::from_secs(5);
/// Events that wait for the command to read them.
const BACKLOG: usize = 16;

/// A connection to the owner of the profile.
pub(crate) struct Client {
    to: tokio::sync::Mutex<OwnedWriteHalf>,
    pending: Arc<Pending>,
    next: AtomicU64,
    reading: JoinHandle<()>,
}

/// Requests that wait for their answer; none once the owner is gone.
type Pending = Mutex<Option<HashMap<u64, Waiting>>>;

struct Waiting {
    events: Option<mpsc::Sender<Value>>,
    done: oneshot::Sender<Result<Value, Failure>>,
}

impl Client {
    /// Connects and says hello; nothing when nobody serves the socket.
    pub(crate) async fn greet(socket: &Path) -> Result<Option<(Client, Value)>, Failure> {
        let stream = match UnixStream::connect(socket).await {
            Ok(stream) => stream,
            Err(error) if is_nobody(&error) => return Ok(None),
            Err(error) => {
                return Err(Failure::io(
                    format!("cannot reach the agent at {}", socket.display()),
                    &error,
                ));
            }
        };
        if !is_ours(&stream) {
            return Err(foreign(socket));
        }
        let client = Client::new(stream);
        match tokio::time::timeout(HELLO, client.call("hello", json!({}))).await {
            Ok(Ok(hello)) => Ok(Some((client, hello))),
            // It went away as we came.
            Ok(Err(failure)) if is_gone(&failure) => Ok(None),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::new(Kind::Busy, "the agent does not answer")
                .retry(Some(1000))
                .hint("see what it does: solo2 agent status; stop it: solo2 agent stop")),
        }
    }

    fn new(stream: UnixStream) -> Client {
        let (from, to) = stream.into_split();
        let pending: Arc<Pending> = Arc::new(Mutex::new(Some(HashMap::new())));
        let reading = tokio::spawn(read(Lines::new(from), Arc::clone(&pending)));
        Client {
            to: tokio::sync::Mutex::new(to),
            pending,
            next: AtomicU64::new(1),
            reading,
        }
    }

    /// One request and its answer; its events are not asked for.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Result<Value, Failure> {
        self.start(method, params, None)
            .await?
            .await
            .unwrap_or_else(|_| Err(gone()))
    }

    /// One request whose parameter is a secret: no copy of it stays behind here.
    pub(crate) async fn call_secret(
        &self,
        method: &str,
        key: &str,
        secret: &str,
    ) -> Result<Value, Failure> {
        let (number, line) = self.secret_line(method, &json!({}), key, secret)?;
        let done = self.wait_for(number, None)?;
        self.write(&line).await?;
        done.await.unwrap_or_else(|_| Err(gone()))
    }

    /// A request line with `secret` as one more of its parameters, in memory that is wiped.
    fn secret_line(
        &self,
        method: &str,
        params: &Value,
        key: &str,
        secret: &str,
    ) -> Result<(u64, Zeroizing<Vec<u8>>), Failure> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let others = params.to_string();
        let others = others.strip_suffix('}').unwrap_or("{");
        let mut line = Zeroizing::new(Vec::with_capacity(secret.len() * 6 + others.len() + 256));
        let head = json!({"jsonrpc": "2.0", "id": number, "method": method});
        line.extend_from_slice(head.to_string().trim_end_matches('}').as_bytes());
        line.extend_from_slice(br#","params":"#);
        line.extend_from_slice(others.as_bytes());
        line.extend_from_slice(if others == "{" { br#"""# } else { br#",""# });
        line.extend_from_slice(key.as_bytes());
        line.extend_from_slice(br#"":"#);
        serde_json::to_writer(&mut *line, secret)
            .map_err(|error| Failure::internal(error.to_string()))?;
        line.extend_from_slice(b"}}\n");
        Ok((number, line))
    }

    /// As [`Client::stream`], and one of the parameters, the last, is a secret.
    pub(crate) async fn stream_secret(
        &self,
        method: &str,
        mut params: Value,
        key: &str,
        secret: &str,
    ) -> Result<Call, Failure> {
        params["stream"] = true.into();
        let (number, line) = self.secret_line(method, &params, key, secret)?;
        let (to, events) = mpsc::channel(BACKLOG);
        let done = self.wait_for(number, Some(to))?;
        self.write(&line).await?;
        Ok(Call {
            events,
            done,
            finished: None,
        })
    }

    /// One request whose events are read while it runs.
    pub(crate) async fn stream(&self, method: &str, mut params: Value) -> Result<Call, Failure> {
        if let Value::Object(params) = &mut params {
            params.insert("stream".to_owned(), true.into());
        }
        let (to, events) = mpsc::channel(BACKLOG);
        let done = self.start(method, params, Some(to)).await?;
        Ok(Call {
            events,
            done,
            finished: None,
        })
    }

    async fn start(
        &self,
        method: &str,
        params: Value,
        events: Option<mpsc::Sender<Value>>,
    ) -> Result<oneshot::Receiver<Result<Value, Failure>>, Failure> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let request = Request {
            jsonrpc: Version::V2,
            id: Some(Id::Number(number)),
            method: method.to_owned(),
            params,
        };
        let mut line =
            serde_json::to_vec(&request).map_err(|error| Failure::internal(error.to_string()))?;
        line.push(b'\n');
        let done = self.wait_for(number, events)?;
        self.write(&line).await?;
        Ok(done)
    }

    fn wait_for(
        &self,
        number: u64,
        events: Option<mpsc::Sender<Value>>,
    ) -> Result<oneshot::Receiver<Result<Value, Failure>>, Failure> {
        let (done, wait) = oneshot::channel();
        match hold(&self.pending).as_mut() {
            Some(pending) => pending.insert(number, Waiting { events, done }),
            None => return Err(gone()),
        };
        Ok(wait)
    }

    async fn write(&self, line: &[u8]) -> Result<(), Failure> {
        let mut to = self.to.lock().await;
        to.write_all(line).await.map_err(|_| gone())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Opens a connection that one request takes over: its answer, and what carries the bytes
/// behind it. Nothing when nobody serves the socket.
pub(crate) async fn attach(
    socket: &Path,
    method: &str,
    params: &Value,
) -> Result<Option<(Value, UnixStream)>, Failure> {
    let mut stream = match UnixStream::connect(socket).await {
        Ok(stream) if is_ours(&stream) => stream,
        Ok(_) => return Err(foreign(socket)),
        Err(error) if is_nobody(&error) => return Ok(None),
        Err(error) => {
            return Err(Failure::io(
                format!("cannot reach the agent at {}", socket.display()),
                &error,
            ));
        }
    };
    let request = Request {
        jsonrpc: Version::V2,
        id: Some(Id::Number(1)),
        method: method.to_owned(),
        params: params.clone(),
    };
    let mut line =
        serde_json::to_vec(&request).map_err(|error| Failure::internal(error.to_string()))?;
    line.push(b'\n');
    let answered = async {
        stream.write_all(&line).await?;
        let mut answer = Vec::new();
        // Byte by byte: what follows the line is not of it.
        loop {
            match stream.read_u8().await? {
                b'\n' => return Ok(answer),
                byte if answer.len() < MAX_LINE => answer.push(byte),
                _ => return Err(io::Error::from(io::ErrorKind::InvalidData)),
            }
        }
    };
    // It went away as we came.
    let Ok(answer) = answered.await else {
        return Ok(None);
    };
    match serde_json::from_slice(&answer) {
        Ok(Reply::Done { result, .. }) => Ok(Some((result, stream))),
        Ok(Reply::Failed { error, .. }) => Err(error
            .data
            .unwrap_or_else(|| Failure::internal(error.message))),
        _ => Err(Failure::internal("the agent answered something else")),
    }
}

fn foreign(socket: &Path) -> Failure {
    Failure::new(
        Kind::Io,
        format!("{} is served by another user", socket.display()),
    )
    .code("not_private")
    .hint("nothing was said to it; use a directory of your own: --home DIR")
}

/// A request under way.
pub(crate) struct Call {
    events: mpsc::Receiver<Value>,
    done: oneshot::Receiver<Result<Value, Failure>>,
    finished: Option<Result<Value, Failure>>,
}

/// What comes next of a request.
pub(crate) enum Step {
    /// It reports something.
    Event(Value),
    /// It is over.
    Done(Result<Value, Failure>),
}

impl Call {
    /// The next event, or the end: all events come before it. Cancel safe.
    pub(crate) async fn next(&mut self) -> Step {
        loop {
            if self.finished.is_some() {
                return match self.events.recv().await {
                    Some(event) => Step::Event(event),
                    None => Step::Done(self.finished.take().unwrap_or_else(|| Err(gone()))),
                };
            }
            tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Some(event) => return Step::Event(event),
                    None => {
                        let end = (&mut self.done).await;
                        self.finished = Some(end.unwrap_or_else(|_| Err(gone())));
                    }
                },
                end = &mut self.done => {
                    self.finished = Some(end.unwrap_or_else(|_| Err(gone())));
                }
            }
        }
    }

    /// Whether an event waits already, so that more work can wait for it.
    pub(crate) fn has_more(&self) -> bool {
        !self.events.is_empty()
    }
}

/// That the owner left in the middle.
pub(crate) fn gone() -> Failure {
    Failure::new(Kind::Locked, "the agent went away")
        .code("agent_gone")
        .retry(None)
        .hint("what was queued is kept; start it again: solo2 agent start")
}

/// Whether a failure is [`gone`].
pub(crate) fn is_gone(failure: &Failure) -> bool {
    failure.code == "agent_gone"
}

async fn read(mut lines: Lines<tokio::net::unix::OwnedReadHalf>, pending: Arc<Pending>) {
    while let Ok(Some(line)) = lines.next().await {
        match serde_json::from_slice::<Reply>(line) {
            Ok(Reply::Event { params, .. }) => {
                let to = match (&params.id, hold(&pending).as_ref()) {
                    (Id::Number(number), Some(pending)) => pending
                        .get(number)
                        .and_then(|waiting| waiting.events.clone()),
                    _ => None,
                };
                if let Some(to) = to {
                    let _ = to.send(params.event).await;
                }
            }
            Ok(Reply::Done {
                id: Id::Number(number),
                result,
                ..
            }) => finish(&pending, number, Ok(result)),
            Ok(Reply::Failed {
                id: Some(Id::Number(number)),
                error,
                ..
            }) => {
                let failure = error
                    .data
                    .unwrap_or_else(|| Failure::internal(error.message));
                finish(&pending, number, Err(failure));
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    // Every one that still waits sees its sender dropped.
    hold(&pending).take();
}

fn finish(pending: &Pending, number: u64, result: Result<Value, Failure>) {
    let waiting = hold(pending)
        .as_mut()
        .and_then(|pending| pending.remove(&number));
    if let Some(waiting) = waiting {
        let _ = waiting.done.send(result);
    }
}

fn is_nobody(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    )
}

fn hold(pending: &Pending) -> MutexGuard<'_, Option<HashMap<u64, Waiting>>> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

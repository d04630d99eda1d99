//! The socket's two ends, with a service that lives in memory.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::client::{Client, Step, is_gone};
use super::rpc::{Attached, EventSink, Failure, Service};
use super::server::{Keeper, Locking, Mode, Server, Setup};
use super::wire::{self, Frame};
use super::{OwnerLock, wait_gone};
use crate::config::NodeConfig;
use crate::error::Kind;
use crate::event::event;
use crate::node::Unlock;
use crate::paths::{Profile, ProfileName};

/// What a node would be: some verbs, and a count of what was abandoned.
#[derive(Default, Clone)]
struct Memory {
    abandoned: Arc<AtomicUsize>,
    shut: Arc<AtomicUsize>,
}

impl Service for Memory {
    fn call(
        &self,
        method: String,
        params: Value,
        events: EventSink,
    ) -> BoxFuture<'static, Result<Value, Failure>> {
        let abandoned = Arc::clone(&self.abandoned);
        Box::pin(async move {
            match method.as_str() {
                "echo" => Ok(params),
                "status" => Ok(json!({"queued": 3, "running": "not mine to say"})),
                "reload" => Ok(json!({})),
                "recv" => {
                    let count = params["max"].as_u64().unwrap_or(1000);
                    for n in 0..count {
                        events.send(event("message", json!({"n": n}))).await;
                    }
                    Ok(json!({"count": count}))
                }
                "nap" => {
                    let ms = params["ms"].as_u64().unwrap_or_default();
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    Ok(json!({"rested": true}))
                }
                "subscribe" => {
                    events.send(event("hello", json!({}))).await;
                    events.closed().await;
                    abandoned.fetch_add(1, Ordering::SeqCst);
                    Err(Failure::internal("nobody reads"))
                }
                "panic" => panic!("a bug with a secret in its message"),
                _ => Err(Failure::usage("no such method").code("unknown_method")),
            }
        })
    }

    fn attach(
        &self,
        method: String,
        params: Value,
    ) -> BoxFuture<'static, Result<Attached, Failure>> {
        Box::pin(async move {
            if params["refuse"] == true {
                return Err(Failure::usage("not now"));
            }
            // Says back what comes, whole frames only.
            let run = |stream| async move {
                let (mut frames, to) = wire::split(stream);
                while let Ok(Some(frame)) = frames.next().await {
                    if to.send(frame).await.is_err() {
                        return;
                    }
                }
            };
            Ok(Attached::new(json!({"method": method}), run))
        })
    }

    fn shutdown(&self) -> BoxFuture<'static, ()> {
        self.shut.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {})
    }
}

/// Opens for the password "right".
struct Door(Memory);

impl Keeper for Door {
    fn open(&self, unlock: Unlock) -> BoxFuture<'static, Result<Arc<dyn Service>, Failure>> {
        let memory = self.0.clone();
        Box::pin(async move {
            match unlock {
                Unlock::Password(password) if *password == "right" => {
                    Ok(Arc::new(memory) as Arc<dyn Service>)
                }
                _ => Err(Failure::new(
                    Kind::Locked,
                    "cannot unlock the vault: wrong password",
                )),
            }
        })
    }

    fn config(&self) -> Result<(NodeConfig, Locking), Failure> {
        Ok((
            NodeConfig::default(),
            after(Some(Duration::from_millis(200))),
        ))
    }
}

/// Locks after so long without a request.
fn after(after: Option<Duration>) -> Locking {
    Locking {
        after,
        ..Locking::never()
    }
}

struct Place {
    _dir: tempfile::TempDir,
    profile: Profile,
    memory: Memory,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().expect("tempdir");
        let profile = Profile::locate(Some(dir.path()), ProfileName::default()).expect("locate");
        Place {
            _dir: dir,
            profile,
            memory: Memory::default(),
        }
    }

    async fn serve(&self, mode: Mode) -> Server {
        self.serve_with(mode, true, Locking::never()).await
    }

    async fn serve_with(&self, mode: Mode, open: bool, locking: Locking) -> Server {
        let lock = OwnerLock::try_take(&self.profile)
            .expect("lock")
            .expect("nobody else");
        let service = open.then(|| Arc::new(self.memory.clone()) as Arc<dyn Service>);
        let keeper: Option<Box<dyn Keeper>> = match mode {
            Mode::Agent => Some(Box::new(Door(self.memory.clone()))),
            Mode::Embedded => None,
        };
        Server::start(Setup {
            lock,
            socket: self.profile.socket.clone(),
            profile: "default".to_owned(),
            vault: self.profile.paths.vault.clone(),
            mode,
            service,
            keeper,
            locking,
        })
        .await
        .expect("start")
    }

    fn socket(&self) -> &Path {
        &self.profile.socket
    }

    async fn client(&self) -> Client {
        let greeted = Client::greet(self.socket()).await.expect("greet");
        greeted.expect("somebody answers").0
    }
}

#[tokio::test]
async fn nobody_answers_where_nobody_serves() {
    let place = Place::new();
    assert!(
        Client::greet(place.socket())
            .await
            .expect("greet")
            .is_none()
    );
}

#[tokio::test]
async fn events_come_in_order_and_before_the_answer() {
    let place = Place::new();
    let server = place.serve(Mode::Agent).await;
    let client = place.client().await;
    let mut call = client.stream("recv", json!({})).await.expect("start");
    let mut expected = 0;
    let result = loop {
        match call.next().await {
            Step::Event(event) => {
                assert_eq!(event["n"], expected);
                expected += 1;
            }
            Step::Done(result) => break result.expect("recv"),
        }
    };
    assert_eq!(expected, 1000);
    assert_eq!(result["count"], 1000);
    drop(client);
    server.close().await;
}

#[tokio::test]
async fn requests_of_one_connection_run_side_by_side() {
    let place = Place::new();
    let server = place.serve(Mode::Agent).await;
    let client = place.client().await;
    let before = Instant::now();
    let naps = (0..10).map(|_| client.call("nap", json!({"ms": 200})));
    for nap in futures_util::future::join_all(naps).await {
        assert_eq!(nap.expect("nap")["rested"], true);
    }
    assert!(before.elapsed() < Duration::from_millis(1500));
    drop(client);
    server.close().await;
}

#[tokio::test]
async fn events_are_not_sent_to_who_did_not_ask_and_recv_collects_a_bounded_number() {
    let place = Place::new();
    let server = place.serve(Mode::Agent).await;
    let stream = UnixStream::connect(place.socket()).await.expect("connect");
    let (from, mut to) = stream.into_split();
    let mut lines = BufReader::new(from).lines();
    to.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"recv\"}\n")
        .await
        .expect("write");
    let line = lines.next_line().await.expect("read").expect("a line");
    let answer: Value = serde_json::from_str(&line).expect("json");
    assert_eq!(answer["id"], "a");
    assert_eq!(
        answer["result"]["events"].as_array().expect("events").len(),
        256
    );
    to.write_all(
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"recv\",\"params\":{\"follow\":true}}\n",
    )
    .await
    .expect("write");
    let line = lines.next_line().await.expect("read").expect("a line");
    let answer: Value = serde_json::from_str(&line).expect("json");
    assert_eq!(answer["error"]["code"], -32602);
    drop((lines, to));
    server.close().await;
}

#[tokio::test]
async fn garbage_gets_an_error_and_the_connection_lives() {
    let place = Place::new();
    let server = place.serve(Mode::Agent).await;
    let stream = UnixStream::connect(place.socket()).await.expect("connect");
    let (from, mut to) = stream.into_split();
    let mut lines = BufReader::new(from).lines();
    for garbage in [
        &b"hello\n"[..],
        b"{}\n",
        b"[]\n",
        b"\xff\xfe\n",
        b"{\"jsonrpc\":\"1.0\",\"method\":\"echo\"}\n",
    ] {
        to.write_all(garbage).await.expect("write");
        let line = lines.next_line().await.expect("read").expect("a line");
        let answer: Value = serde_json::from_str(&line).expect("json");
        assert_eq!(answer["error"]["code"], -32700, "{line}");
    }
    to.write_all(b"\n{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"echo\",\"params\":{\"a\":1}}\n")
        .await
        .expect("write");
    let line = lines.next_line().await.expect("read").expect("a line");
    assert_eq!(line, r#"{"jsonrpc":"2.0","id":7,"result":{"a":1}}"#);
    drop((lines, to));
    server.close().await;
}

#[tokio::test]
async fn a_line_without_end_ends_the_connection_and_nothing_else() {
    let place = Place::new();
    let server = place.serve(Mode::Agent).await;
    let stream = UnixStream::connect(place.socket()).await.expect("connect");
    let (from, mut to) = stream.into_split();
    let writing = tokio::spawn(async move {
        let piece = vec![b'x'; 64 * 1024];
        while to.write_all(&piece).await.is_ok() {}
    });
    let mut lines = BufReader::new(from).lines();
    let mut last = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        last = line;
    }
    assert!(last.contains("too long"), "{last}");
    writing.await.expect("writer");
    assert_eq!(
        place
            .client()
            .await
            .call("echo", json!({"b": 2}))
            .await
            .expect("echo")["b"],
        2
    );
    server.close().await;
}

#[tokio::test]
async fn a_panic_in_one_request_is_one_failed_request() {
    let place = Place::new();
    let server = place.serve(Mode::Agent).await;
    let client = place.client().await;
    let failure = client.call("panic", json!({})).await.expect_err("panicked");
    assert_eq!(failure.exit, 1);
    assert!(!failure.message.contains("secret"));
    assert!(client.call("echo", json!({})).await.is_ok());
    drop(client);
    server.close().await;
}

#[tokio::test]
async fn a_call_learns_that_its_reader_left() {
    let place = Place::new();
    let server = place.serve(Mode::Agent).await;
    let client = place.client().await;
    let mut call = client.stream("subscribe", json!({})).await.expect("start");
    assert!(matches!(call.next().await, Step::Event(_)));
    drop((call, client));
    for _ in 0..100 {
        if place.memory.abandoned.load(Ordering::SeqCst) == 1 {
            server.close().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the call never learned of it");
}

#[tokio::test]
async fn one_owner_at_a_time_and_a_dead_ones_socket_is_replaced() {
    let place = Place::new();
    std::fs::create_dir_all(place.socket().parent().expect("parent")).expect("mkdir");
    // Bound and abandoned: the file stays, nobody listens.
    drop(std::os::unix::net::UnixListener::bind(place.socket()).expect("bind"));
    assert!(
        Client::greet(place.socket())
            .await
            .expect("greet")
            .is_none()
    );
    let server = place.serve(Mode::Agent).await;
    assert!(OwnerLock::try_take(&place.profile).expect("lock").is_none());
    let taken = OwnerLock::take(&place.profile, Duration::from_millis(60)).await;
    assert_eq!(taken.expect_err("busy").exit, 14);
    let mode = std::fs::metadata(place.socket())
        .expect("socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    server.close().await;
    assert!(!place.socket().exists());
    assert!(place.profile.paths.state.join("agent.lock").exists());
    assert!(
        wait_gone(&place.profile, None, Duration::ZERO)
            .await
            .expect("look")
    );
}

#[tokio::test]
async fn a_directory_that_others_can_write_to_holds_no_socket() {
    let place = Place::new();
    let lock = OwnerLock::try_take(&place.profile)
        .expect("lock")
        .expect("free");
    let dir = place.socket().parent().expect("parent");
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o777)).expect("chmod");
    let started = Server::start(Setup {
        lock,
        socket: place.profile.socket.clone(),
        profile: "default".to_owned(),
        vault: place.profile.paths.vault.clone(),
        mode: Mode::Embedded,
        service: None,
        keeper: None,
        locking: Locking::never(),
    })
    .await;
    let failure = started.err().expect("refused");
    assert_eq!(failure.code, "not_private");
}

#[tokio::test]
async fn a_locked_vault_says_so_and_opens_for_its_password_only() {
    let place = Place::new();
    let server = place.serve_with(Mode::Agent, false, Locking::never()).await;
    let (client, hello) = Client::greet(place.socket())
        .await
        .expect("greet")
        .expect("answer");
    assert_eq!(hello["locked"], true);
    let locked = client.call("echo", json!({})).await.expect_err("locked");
    assert_eq!((locked.exit, locked.code.as_ref()), (4, "locked"));
    let wrong = client
        .call_secret("vault.unlock", "password", "w\"rong\n")
        .await;
    assert_eq!(wrong.expect_err("wrong").exit, 4);
    let status = client
        .call_secret("vault.unlock", "password", "right")
        .await
        .expect("unlock");
    assert_eq!(status["locked"], false);
    assert!(client.call("echo", json!({})).await.is_ok());
    let status = client
        .call("agent.status", json!({}))
        .await
        .expect("status");
    assert_eq!(status["queued"], 3);
    assert_eq!(status["running"], true);
    assert!(
        status
            .to_string()
            .starts_with(r#"{"v":1,"type":"agent.status","#)
    );
    client.call("vault.lock", json!({})).await.expect("lock");
    assert_eq!(place.memory.shut.load(Ordering::SeqCst), 1);
    assert_eq!(
        client
            .call("echo", json!({}))
            .await
            .expect_err("locked")
            .exit,
        4
    );
    drop(client);
    server.close().await;
}

#[tokio::test]
async fn an_idle_agent_locks_itself_and_a_busy_one_does_not() {
    let place = Place::new();
    let limit = Duration::from_millis(300);
    let server = place
        .serve_with(Mode::Agent, true, after(Some(limit)))
        .await;
    let client = place.client().await;
    client.call("nap", json!({"ms": 800})).await.expect("nap");
    assert!(client.call("echo", json!({})).await.is_ok());
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let hello = client.call("hello", json!({})).await.expect("hello");
    assert_eq!(hello["locked"], true);
    drop(client);
    server.close().await;
}

/// How long the machine of the next test has slept, milliseconds.
static SLEPT_MS: AtomicU64 = AtomicU64::new(5_000);

#[tokio::test]
async fn an_agent_locks_once_the_machine_has_slept() {
    let slept = || Duration::from_millis(SLEPT_MS.load(Ordering::SeqCst));
    let asleep = |asleep| Locking {
        asleep,
        slept,
        ..Locking::never()
    };
    for (wanted, locks) in [(false, false), (true, true)] {
        let place = Place::new();
        let server = place.serve_with(Mode::Agent, true, asleep(wanted)).await;
        // In the middle of being used, which keeps an idle agent open.
        let watcher = place.client().await;
        let watching = watcher
            .stream("subscribe", json!({}))
            .await
            .expect("subscribe");
        let client = place.client().await;
        assert!(client.call("echo", json!({})).await.is_ok(), "awake so far");
        SLEPT_MS.fetch_add(60_000, Ordering::SeqCst);
        let answer = client.call("echo", json!({})).await;
        assert_eq!(answer.is_err(), locks, "locks: {locks}");
        assert_eq!(place.memory.shut.load(Ordering::SeqCst), usize::from(locks));
        if locks {
            assert_eq!(answer.expect_err("locked").exit, 4);
        }
        drop((watching, watcher, client));
        server.close().await;
    }
    // The clocks of this machine can be read and do not fall apart while it is awake.
    let real = Locking::never().slept;
    let before = real();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(real().saturating_sub(before) < Duration::from_millis(100));
}

#[tokio::test]
async fn a_reload_changes_when_an_idle_agent_locks() {
    let place = Place::new();
    let hour = Duration::from_secs(3600);
    let server = place.serve_with(Mode::Agent, true, after(Some(hour))).await;
    let client = place.client().await;
    let status = client
        .call("agent.reload", json!({}))
        .await
        .expect("reload");
    assert_eq!(status["locked"], false);
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        if hello_without_asking(&place).await["locked"] == true {
            drop(client);
            server.close().await;
            return;
        }
    }
    panic!("it never locked");
}

/// What a newcomer is told; it keeps the agent busy for that moment only.
async fn hello_without_asking(place: &Place) -> Value {
    let greeted = Client::greet(place.socket()).await.expect("greet");
    greeted.expect("somebody answers").1
}

#[tokio::test]
async fn an_embedded_owner_stays_until_a_joined_verb_is_done() {
    let place = Place::new();
    let server = place.serve(Mode::Embedded).await;
    let joined = place.client().await;
    let nap = tokio::spawn(async move { joined.call("nap", json!({"ms": 700})).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.close().await;
    assert_eq!(nap.await.expect("join").expect("nap")["rested"], true);
    assert_eq!(place.memory.shut.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_embedded_owner_does_not_stay_for_a_follower() {
    let place = Place::new();
    let server = place.serve(Mode::Embedded).await;
    let follower = place.client().await;
    let mut call = follower
        .stream("subscribe", json!({}))
        .await
        .expect("start");
    assert!(matches!(call.next().await, Step::Event(_)));
    let before = Instant::now();
    server.close().await;
    assert!(before.elapsed() < Duration::from_secs(5));
    match call.next().await {
        Step::Done(Err(failure)) => assert!(is_gone(&failure)),
        _ => panic!("the follower was not told"),
    }
}

#[tokio::test]
async fn an_embedded_owner_cannot_be_locked_from_outside() {
    let place = Place::new();
    let server = place.serve(Mode::Embedded).await;
    let client = place.client().await;
    let failure = client
        .call("vault.lock", json!({}))
        .await
        .expect_err("refused");
    assert_eq!(failure.code, "no_agent");
    drop(client);
    server.close().await;
}

#[tokio::test]
async fn a_stop_is_heard() {
    let place = Place::new();
    let server = place.serve(Mode::Agent).await;
    let client = place.client().await;
    client.call("agent.stop", json!({})).await.expect("stop");
    drop(client);
    tokio::time::timeout(Duration::from_secs(5), server.stop_asked())
        .await
        .expect("heard");
    server.close().await;
}

#[tokio::test]
async fn sixty_four_kibibytes_of_awkward_text_cross_unchanged() {
    let place = Place::new();
    let server = place.serve(Mode::Agent).await;
    let client = place.client().await;
    let text = "\u{1}\u{202e}\"\\ü🧅\n".repeat(4000);
    let back = client
        .call("echo", json!({"text": text}))
        .await
        .expect("echo");
    assert_eq!(back["text"], text);
    drop(client);
    server.close().await;
}

async fn attach(place: &Place, params: Value) -> Result<Option<(Value, UnixStream)>, Failure> {
    super::client::attach(place.socket(), "pipe.send", &params).await
}

/// The frames of a connection that a request took over, behind its answer.
async fn attached(place: &Place) -> (wire::Frames, tokio::sync::mpsc::Sender<Frame>) {
    let served = attach(place, json!({})).await.expect("attach");
    let (answer, stream) = served.expect("served");
    assert_eq!(answer["method"], "pipe.send");
    wire::split(stream)
}

#[tokio::test]
async fn a_request_takes_its_connection_over_and_no_other() {
    let place = Place::new();
    let server = place.serve(Mode::Agent).await;
    let client = place.client().await;
    let (mut frames, to) = attached(&place).await;
    for frame in [Frame::Data(vec![b'\n'; 70]), Frame::Ack(7), Frame::Done] {
        to.send(frame.clone()).await.expect("sent");
        assert_eq!(frames.next().await.expect("read"), Some(frame));
    }
    assert_eq!(
        client.call("echo", json!({"n": 1})).await,
        Ok(json!({"n": 1}))
    );
    // A connection that was asked other things before is not taken over.
    let failure = client
        .call("pipe.send", json!({}))
        .await
        .expect_err("refused");
    assert_eq!(failure.code, "unknown_method");

    let refused = attach(&place, json!({"refuse": true}));
    let failure = refused.await.map(|_| ()).expect_err("refused");
    assert_eq!((failure.exit, failure.message.as_str()), (2, "not now"));
    drop((frames, to));
    server.close().await;
}

#[tokio::test]
async fn an_agent_that_stops_does_not_wait_for_bytes_and_lets_their_command_know() {
    let place = Place::new();
    let server = place.serve(Mode::Agent).await;
    let (mut frames, _to) = attached(&place).await;
    let begun = Instant::now();
    server.close().await;
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(frames.next().await.expect("read"), None);
    let nobody = attach(&place, json!({}));
    assert!(nobody.await.expect("attach").is_none());
}

#[tokio::test]
async fn a_locked_agent_takes_no_connection_over() {
    let place = Place::new();
    let server = place.serve_with(Mode::Agent, false, Locking::never()).await;
    let locked = attach(&place, json!({}));
    assert_eq!(locked.await.map(|_| ()).expect_err("locked").exit, 4);
    server.close().await;
}

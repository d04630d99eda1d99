//! A contact whose device has turned hostile: authentic, and against every rule.
//!
//! Alice is a whole node. Bob's device keys are driven by the test, over Bob's own
//! courier and a real link, so that everything Alice sees is properly sealed and wrong.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::path::Path;

use serde_json::{Value, json};
use solo2_crypto::content::{Content, MessageId, Shape};
use solo2_crypto::file::{FileKey, Sealer, attempt_key};
use solo2_crypto::noise::next_psk;
use solo2_crypto::session::ENVELOPE_LEN;
use solo2_signal::server::Server;
use solo2_signal::server::config::{Options, Settings};
use tempfile::TempDir;

use super::core::ReadyLink;
use super::courier::Order;
use super::introductions::Introductions;
use super::peer::{PeerKeys, PeerState};
use super::route::Wish;
use super::service::NodeService;
use super::*;
use crate::agent::rpc::{EventSink, Service};
use crate::config::NodeConfig;
use crate::net::bulk::Lanes;
use crate::net::frame::{Frame, Hello};
use crate::net::handshake::Psks;

mod export;
mod import;

const PATIENCE: Duration = Duration::from_secs(60);

struct World {
    _place: TempDir,
    _server: Server,
    url: String,
    alice: Arc<Node>,
    bob: Paths,
}

fn config(url: &str) -> NodeConfig {
    NodeConfig {
        signal: vec![url.to_owned()],
        ..NodeConfig::default()
    }
}

fn password() -> Unlock {
    Unlock::Password(Zeroizing::new("correct horse".to_owned()))
}

async fn person(place: &Path, name: &str, url: &str) -> (Paths, Arc<Node>) {
    let home = place.join(name);
    let paths = Paths {
        vault: home.join("vault"),
        state: home.join("state"),
    };
    let new = NewProfile {
        name: Some(name.to_owned()),
        password: Zeroizing::new("correct horse".to_owned()),
    };
    create(&paths, new).await.expect("a profile");
    let node = setup::start(&paths, password(), config(url))
        .await
        .expect("a node");
    (paths, node)
}

async fn call(node: &Arc<Node>, method: &str, params: Value) -> Result<Value, Failure> {
    let (sink, mut events) = EventSink::new();
    let call = NodeService(node.clone()).call(method.to_owned(), params, sink);
    let drain = async { while events.recv().await.is_some() {} };
    let both = async { tokio::join!(call, drain).0 };
    tokio::time::timeout(PATIENCE, both)
        .await
        .expect("an answer in time")
}

async fn send(from: &Arc<Node>, to: &str, text: &str) {
    let params = json!({ "peers": [to], "text": text, "wait": "delivered", "timeout_ms": 60_000 });
    let sent = call(from, "send", params).await.expect("a message on disk");
    assert_eq!(sent["satisfied"], true, "{sent}");
}

/// Alice and Bob, paired, with a few messages behind them; Bob's node is not running.
async fn world() -> World {
    let place = tempfile::tempdir().expect("a directory");
    let options = Options {
        listen: Some((Ipv4Addr::LOCALHOST, 0).into()),
        ..Options::default()
    };
    let settings = Settings::try_from(options).expect("settings");
    let server = Server::start(&settings).await.expect("a server");
    let url = format!("ws://{}", server.listen());
    let (_, alice) = person(place.path(), "alice", &url).await;
    let (bob_paths, bob) = person(place.path(), "bob", &url).await;
    let open = pairing::OpenInvite::open(&alice.net, PATIENCE)
        .await
        .expect("an invite");
    let code = open.summary().0.parse().expect("our own code");
    let (invited, joined) = tokio::join!(
        pairing::invite(&alice, open, Some("bob".to_owned())),
        pairing::join(&bob, &code, Some("alice".to_owned()), None),
    );
    invited.expect("an invite that was joined");
    joined.expect("a pairing");
    send(&alice, "bob", "hello").await;
    send(&bob, "alice", "hello").await;
    NodeService(bob).shutdown().await;
    World {
        _place: place,
        _server: server,
        url,
        alice,
        bob: bob_paths,
    }
}

/// Bob's device in the hands of the test.
struct Hostile {
    inputs: mpsc::Receiver<Input>,
    courier: mpsc::UnboundedSender<Order>,
    keys: Arc<PeerKeys>,
    state: PeerState,
    /// What Alice has sent and nobody has looked at.
    came: VecDeque<Frame>,
}

impl Hostile {
    async fn take_over(world: &World) -> Self {
        let bob = setup::start(
            &world.bob,
            password(),
            NodeConfig {
                offline: true,
                ..config(&world.url)
            },
        )
        .await
        .expect("bob's node");
        let (contact, certificate, secret, state) = bob
            .call(|core| {
                let peer = core.peers.values().next().expect("alice");
                let state = peer.state.to_bytes();
                let secret = peer.state.pair_secret.duplicate();
                Ok((
                    peer.contact.id,
                    peer.contact.certificate.clone(),
                    secret,
                    state,
                ))
            })
            .await
            .expect("what bob knows");
        let (device, own) = (bob.net.device.clone(), bob.net.certificate.clone());
        NodeService(bob).shutdown().await;
        let state = PeerState::from_bytes(secret, &state).expect("bob's state");
        let certificate = DeviceCertificate::from_bytes(&certificate).expect("alice's certificate");
        let keys = Arc::new(PeerKeys::new(contact, certificate, &state));
        let (core, inputs) = mpsc::channel(64);
        let egress = super::Egress::new(RoutePolicy::Any);
        let onions = Arc::new(super::onions::Onions::new(
            std::path::PathBuf::from("/nonexistent"),
            crate::config::TorConfig::default(),
            egress.clone(),
        ));
        let connector = setup::connector(egress.clone(), onions.clone());
        let net = NetContext {
            introductions: Introductions::start(vec![world.url.clone()], connector),
            device,
            certificate: own,
            stun: RwLock::new(Vec::new()),
            relays: RwLock::new(Vec::new()),
            transport: RwLock::default(),
            egress,
            onions,
            timing: LinkTiming::default(),
            tally: Arc::default(),
            cover: watch::channel(None).0,
            serial: AtomicU64::new(1),
            links: watch::channel(0).0,
            core,
            events: broadcast::channel(64).0,
        };
        let courier = courier::start(Arc::new(net), keys.clone(), Wish::ANY, true);
        Self {
            inputs,
            courier,
            keys,
            state,
            came: VecDeque::new(),
        }
    }

    /// The next link to Alice, before anything was said on it.
    async fn link(&mut self) -> ReadyLink {
        let wait = async {
            loop {
                match self.inputs.recv().await.expect("a courier at work") {
                    Input::LinkReady(ready) => {
                        self.came.clear();
                        return *ready;
                    }
                    _ => {
                        let _ = self.courier.send(Order::Dial);
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .expect("a link in time")
    }

    /// Says hello truthfully and follows Alice's psk chain, so that she takes the link for good.
    async fn greeted(&mut self) -> ReadyLink {
        let ready = self.link().await;
        let hello = Hello {
            session: self.state.session_id(),
            next_send: self.state.next_send,
            next_recv: self.state.next_recv,
            random: [7; 32],
        };
        let _ = ready.frames.send(Frame::Hello(Box::new(hello)));
        let theirs = self.frame(|frame| match frame {
            Frame::Hello(hello) => Some(hello.random),
            _ => None,
        });
        let theirs = theirs.await.expect("alice's hello");
        if let Some(used) = ready.generation {
            let next = next_psk(&ready.psk, &ready.hash, &[7; 32], &theirs, ready.initiator);
            self.state.psks = Psks {
                current: next,
                previous: Some(ready.psk.duplicate()),
                generation: used + 1,
            };
            self.keys.set_psks(&self.state);
        }
        ready
    }

    /// The next frame of Alice that `pick` wants; `None` when she ends the link instead.
    async fn frame<T>(&mut self, pick: impl Fn(&Frame) -> Option<T>) -> Option<T> {
        let wait = async {
            loop {
                while let Some(frame) = self.came.pop_front() {
                    if let Some(found) = pick(&frame) {
                        return Some(found);
                    }
                }
                match self.inputs.recv().await.expect("a courier at work") {
                    Input::Frames { frames, .. } => self.came.extend(frames),
                    Input::LinkDown { .. } => return None,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .expect("an answer of alice")
    }

    /// Waits until Alice has ended the link.
    async fn is_dropped(&mut self) {
        assert!(self.frame(|_| None::<()>).await.is_none());
    }
}

impl Hostile {
    /// Says something that is properly sealed.
    fn say(&mut self, ready: &ReadyLink, content: &Content) {
        let session = self.state.session.as_mut().expect("bob's session");
        let envelopes = session.encrypt(content, &mut rand::rng());
        for envelope in envelopes.expect("an envelope") {
            let seq = self.state.next_send;
            let _ = ready.frames.send(Frame::Envelope { seq, envelope });
            self.state.next_send += 1;
        }
    }
}

/// An offer of a file that is as long as `size` says.
fn offer(id: u8, name: &str, size: u64) -> Content {
    Content::File {
        id: MessageId([id; 16]),
        sent_at_ms: 1,
        name: name.to_owned(),
        shape: Shape::File,
        size: Some(size),
        key: FileKey::new(&[id; 32]),
        reply_to: None,
        expires_in_s: None,
    }
}

/// Whether Alice still answers her user, and owns nothing that she did not have before.
async fn alice_is_well(world: &World) {
    let status = call(&world.alice, "status", Value::Null)
        .await
        .expect("a status");
    assert_eq!(status["peers"], 1);
    let history = call(
        &world.alice,
        "history",
        json!({ "peer": "bob", "limit": 50 }),
    )
    .await
    .expect("a history");
    drop(history);
    let report = call(&world.alice, "vault.check", Value::Null)
        .await
        .expect("a check");
    assert_eq!(report["ok"], true, "{report}");
    assert_eq!(report["messages"], 2, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_contact_loses_its_link_and_nothing_else_happens() {
    let world = world().await;
    let mut bob = Hostile::take_over(&world).await;

    // An envelope before any hello is not looked at; a second hello ends the link.
    let ready = bob.greeted().await;
    let again = Hello {
        session: [0; 16],
        next_send: 0,
        next_recv: 0,
        random: [0; 32],
    };
    let _ = ready.frames.send(Frame::Hello(Box::new(again)));
    bob.is_dropped().await;
    alice_is_well(&world).await;

    // Counters from the future, in both directions.
    let ready = bob.greeted().await;
    let seq = bob.state.next_send + (1 << 31);
    let envelope = vec![0; ENVELOPE_LEN];
    let _ = ready.frames.send(Frame::Envelope { seq, envelope });
    bob.is_dropped().await;
    let ready = bob.greeted().await;
    let _ = ready.frames.send(Frame::Ack { next: u64::MAX });
    bob.is_dropped().await;
    alice_is_well(&world).await;

    // Replays and acknowledgements without end are answered and change nothing.
    let ready = bob.greeted().await;
    for _ in 0..500 {
        let _ = ready.frames.send(Frame::Ack { next: 1 });
        let _ = ready.frames.send(Frame::Envelope {
            seq: 1,
            envelope: vec![9; ENVELOPE_LEN],
        });
    }
    let expected = bob.state.next_send;
    let next = bob.frame(|frame| match frame {
        Frame::Ack { next } => Some(*next),
        _ => None,
    });
    assert_eq!(next.await, Some(expected), "alice names what she wants");
    drop(ready);
    alice_is_well(&world).await;

    // An agreement that nobody needs, made of rubbish: whichever side alice is on.
    for step in [1, 2, 3, 9] {
        let ready = bob.greeted().await;
        let _ = ready.frames.send(Frame::Agreement {
            step,
            bytes: vec![0xa5; 3_000],
        });
        bob.is_dropped().await;
        alice_is_well(&world).await;
    }

    // An authentic edit of what Alice wrote herself, and of what does not exist.
    let ready = bob.greeted().await;
    let mut session = bob.state.session.take().expect("bob's session");
    for target in [[0; 16], [0xff; 16]] {
        let content = Content::Edit {
            id: MessageId([3; 16]),
            sent_at_ms: 1,
            target: MessageId(target),
            body: "never said".to_owned(),
        };
        let envelopes = session
            .encrypt(&content, &mut rand::rng())
            .expect("an envelope");
        for envelope in envelopes {
            let _ = ready.frames.send(Frame::Envelope {
                seq: bob.state.next_send,
                envelope,
            });
            bob.state.next_send += 1;
        }
    }
    let expected = bob.state.next_send;
    let acknowledged = bob.frame(|frame| match frame {
        Frame::Ack { next } if *next == expected => Some(true),
        // A receipt would be an envelope of hers.
        Frame::Envelope { .. } => Some(false),
        _ => None,
    });
    assert_eq!(
        acknowledged.await,
        Some(true),
        "alice confirms no act on what is not there"
    );
    alice_is_well(&world).await;

    // Rubbish in its place: the ratchets have parted, and both agree anew when Bob is himself.
    let _ = ready.frames.send(Frame::Envelope {
        seq: bob.state.next_send,
        envelope: vec![0x5a; ENVELOPE_LEN],
    });
    bob.is_dropped().await;
    alice_is_well(&world).await;
    let _ = bob.courier.send(Order::Stop);
    drop(bob);

    let bob = setup::start(&world.bob, password(), config(&world.url))
        .await
        .expect("bob's node");
    send(&bob, "alice", "it is me again").await;
    send(&world.alice, "bob", "so it is").await;
    NodeService(bob).shutdown().await;
    NodeService(world.alice.clone()).shutdown().await;
}

/// What was sealed for a link that died goes first on the next one, before what was written since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sealed_before_goes_first_on_a_new_link() {
    let world = world().await;
    let mut bob = Hostile::take_over(&world).await;
    let say = async |text: &str| {
        let params = json!({ "peers": ["bob"], "text": text });
        call(&world.alice, "send", params).await.expect("on disk");
    };
    let ready = bob.greeted().await;
    let first = bob.state.next_recv;
    say("one").await;
    let seq = |frame: &Frame| match frame {
        Frame::Envelope { seq, .. } => Some(*seq),
        _ => None,
    };
    assert_eq!(bob.frame(seq).await, Some(first));
    // It came, and the word of that is lost with the link.
    drop(ready);
    world.alice.net.links_ended(PATIENCE).await;
    say("two").await;
    say("three").await;

    let _ready = bob.greeted().await;
    for expected in [first, first + 1, first + 2] {
        assert_eq!(bob.frame(seq).await, Some(expected));
    }
    NodeService(world.alice.clone()).shutdown().await;
}

/// Answers Alice's next request with these records, each with its flag; `spoil` sees the bytes.
async fn serve_once(lanes: &Lanes, records: &[(Vec<u8>, bool)], spoil: impl Fn(&mut Vec<u8>)) {
    let mut asked = lanes.accept().await.expect("alice asks");
    let request = asked.request().await.expect("a request");
    let salt = [9; 32];
    let key = Secret::new(&[request.file[0]; 32]);
    let mut sealer = Sealer::new(attempt_key(&key, &request.file, &salt, request.offset));
    let (mut outgoing, _acks) = asked.answer(&salt, None).await.expect("a lane");
    for (record, last) in records {
        let mut sealed = record.clone();
        sealer.seal(&mut sealed, *last).expect("a chunk");
        spoil(&mut sealed);
        // Alice may have had enough.
        if outgoing.record(sealed.into(), *last).await.is_err() {
            return;
        }
    }
    let _ = outgoing.finish(0).await;
}

fn trailer(total: u64, contents: &[u8]) -> (Vec<u8>, bool) {
    let mut trailer = total.to_be_bytes().to_vec();
    trailer.extend_from_slice(blake3::hash(contents).as_bytes());
    (trailer, true)
}

async fn files_of(node: &Arc<Node>) -> Vec<Value> {
    let (sink, mut events) = EventSink::new();
    let call = NodeService(node.clone()).call("file.list".to_owned(), Value::Null, sink);
    let mut files = Vec::new();
    let collect = async {
        while let Some(file) = events.recv().await {
            files.push(file);
        }
    };
    let listed = async { tokio::join!(call, collect).0 };
    tokio::time::timeout(PATIENCE, listed)
        .await
        .expect("an answer in time")
        .expect("a list");
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_what_was_offered_is_given_up_and_leaves_nothing() {
    let world = world().await;
    let mut bob = Hostile::take_over(&world).await;
    let ready = bob.greeted().await;
    let contents = vec![0x42; 1000];
    let whole = (contents.clone(), false);
    type Case = (&'static str, Vec<(Vec<u8>, bool)>, fn(&mut Vec<u8>));
    let cases: [Case; 6] = [
        ("forged", vec![whole.clone()], |sealed| sealed[5] ^= 1),
        ("longer", vec![(vec![0; 1001], false)], |_| {}),
        (
            "cut off",
            vec![(vec![1; 999], false), trailer(999, &[1; 999])],
            |_| {},
        ),
        (
            "miscounted",
            vec![whole.clone(), trailer(1001, &contents)],
            |_| {},
        ),
        (
            "without an end",
            vec![whole.clone(), (vec![0; 3], true)],
            |_| {},
        ),
        ("not even begun", vec![trailer(1000, &contents)], |_| {}),
    ];
    for (number, (what, records, spoil)) in (1..).zip(cases) {
        bob.say(&ready, &offer(number, what, 1000));
        let serving = serve_once(&ready.lanes, &records, spoil);
        tokio::time::timeout(PATIENCE, serving)
            .await
            .expect("alice asks in time");
        let given_up = async {
            while !files_of(&world.alice).await.is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, given_up)
            .await
            .unwrap_or_else(|_| panic!("{what}: kept"));
        let kept = std::fs::read_dir(world.alice.paths.files())
            .expect("a directory")
            .count();
        assert_eq!(kept, 0, "{what}");
        alice_is_well(&world).await;
    }

    // The wrong hash: asked for again from the beginning, once.
    bob.say(&ready, &offer(7, "another hash", 1000));
    let lie = [whole.clone(), trailer(1000, b"something else")];
    for _ in 0..2 {
        let serving = serve_once(&ready.lanes, &lie, |_| {});
        tokio::time::timeout(PATIENCE, serving)
            .await
            .expect("alice asks again");
    }

    // The truth arrives, under a name that stays in its directory, and once.
    let place = tempfile::tempdir().expect("a directory");
    let target = place.path().join("in");
    std::fs::create_dir(&target).expect("a directory");
    bob.say(&ready, &offer(8, "../../etc/passwd", 1000));
    let truth = [whole, trailer(1000, &contents)];
    let serving = serve_once(&ready.lanes, &truth, |_| {});
    tokio::time::timeout(PATIENCE, serving)
        .await
        .expect("alice asks in time");
    bob.say(&ready, &offer(8, "again", 1000));
    let received = call(
        &world.alice,
        "recv",
        json!({ "files_to": target, "timeout_ms": 5_000 }),
    );
    received.await.expect("the file");
    let names: Vec<_> = std::fs::read_dir(&target)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["passwd"]);
    assert_eq!(
        std::fs::read(target.join("passwd")).expect("the file"),
        contents
    );
    let around = std::fs::read_dir(place.path())
        .expect("a directory")
        .count();
    assert_eq!(around, 1, "nothing outside of it");

    // More offers than are kept open: the rest is turned down.
    world
        .alice
        .call(|core| {
            core.edit_contact("bob", |contact| {
                contact.settings.insert("max-file".into(), "off".into());
                Ok(())
            })
        })
        .await
        .expect("no file is taken unasked");
    for number in 0..300_u16 {
        let mut content = offer(0, "one of many", 1);
        if let Content::File { id, .. } = &mut content {
            id.0[..2].copy_from_slice(&number.to_be_bytes());
            id.0[15] = 1;
        }
        bob.say(&ready, &content);
    }
    let all_kept = async {
        while files_of(&world.alice).await.len() < 256 {
            // What Alice answers is read, or his end of the link would stand still.
            while bob.inputs.try_recv().is_ok() {}
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all_kept)
        .await
        .expect("256 offers");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(files_of(&world.alice).await.len(), 256);
    let _ = bob.courier.send(Order::Stop);
    NodeService(world.alice.clone()).shutdown().await;
}

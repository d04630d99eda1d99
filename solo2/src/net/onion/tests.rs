//! Services and callers on a Tor network of the test's own.

use std::sync::OnceLock;

use tempfile::TempDir;

use super::*;

#[path = "../../../../tests/e2e/tornet.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods
)]
mod tornet;

mod bridge;
mod ctor;

/// One for all tests, and arti's settings for it.
fn network() -> Option<&'static (tornet::TorNetwork, String)> {
    static NETWORK: OnceLock<Option<(tornet::TorNetwork, String)>> = OnceLock::new();
    let network = NETWORK.get_or_init(|| {
        if let Some(missing) = tornet::missing() {
            println!("skipped: needs {missing}");
            return None;
        }
        let network = tornet::TorNetwork::start_for_c();
        let config = std::fs::read_to_string(network.arti_config()).expect("its settings");
        Some((network, config))
    });
    network.as_ref()
}

fn tor(dir: &TempDir, name: &str) -> Option<Arc<Tor>> {
    let tor = Tor::new(
        &dir.path().join(name),
        &Settings {
            custom: Some(network()?.1.clone()),
            ..Settings::default()
        },
        Arc::new(|| RoutePolicy::Any),
    );
    Some(tor.expect("a Tor client"))
}

/// Calls until somebody answers: a service takes a moment to be found.
async fn reach(tor: &Tor, door: &Door) -> Connection {
    let reached = async {
        loop {
            match tor.call(door).await {
                Ok(connection) => return connection,
                Err(OnionError::Absent | OnionError::Timeout) => {}
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    timeout(Duration::from_secs(300), reached)
        .await
        .expect("the service is reached")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_reached_by_who_shares_the_secret_and_by_nobody_else() {
    let dir = TempDir::new().expect("a directory");
    let (Some(alice), Some(bob)) = (tor(&dir, "a"), tor(&dir, "b")) else {
        return;
    };
    let secret = Secret::new(&[7; 32]);
    let door = Door::new(&secret, b"bob");
    let mut service = bob.open(&door).await.expect("a service");
    let calls = reach(&alice, &door).await;
    let answers = greet(&calls, async || service.next().await.expect("a caller")).await;
    let purpose = solo2_crypto::noise::Purpose::Contact;
    assert_eq!(calls.prologue(purpose), answers.prologue(purpose));
    assert_eq!(calls.path().borrow().via, Via::Onion);

    // The address alone opens nothing, and does not say that anybody is there.
    let stranger = tor(&dir, "c").expect("a Tor client");
    let address_only = Door {
        service: door.service.duplicate(),
        discovery: Secret::new(&[9; 32]),
    };
    let refused = stranger.call(&address_only).await;
    assert_eq!(refused.err(), Some(OnionError::Unauthorised));
    let elsewhere = stranger.call(&Door::new(&secret, b"carol")).await;
    assert_eq!(elsewhere.err(), Some(OnionError::Absent));

    assert_eq!(bob.progress().services, 1);
    drop(service);
    eventually(async || bob.progress().services == 0).await;
}

#[tokio::test]
async fn a_call_that_hangs_gets_company_and_one_that_ends_does_not() {
    use std::future::{pending, ready};
    type Call = Result<&'static str, &'static str>;
    let never = || pending::<Call>();
    for ended in [Ok("first"), Err("absent")] {
        let unasked = async { panic!("nobody called twice") };
        let called = either(ready::<Call>(ended), Duration::from_secs(600), unasked);
        assert_eq!(called.await, ended);
    }
    let called = either(never(), Duration::ZERO, ready(Ok("second")));
    assert_eq!(called.await, Ok("second"));

    // Whichever fails, the other is waited for; with both, the call has failed.
    for other in [Ok("the other"), Err("neither")] {
        let (failed, fails) = tokio::sync::oneshot::channel::<()>();
        let fail = async {
            drop(failed);
            Err("lost")
        };
        let wait = async {
            let _ = fails.await;
            sleep(Duration::from_millis(1)).await;
            other
        };
        assert_eq!(either(wait, Duration::ZERO, fail).await, other);
    }
    for other in [Ok("the other"), Err("neither")] {
        let (started, starts) = tokio::sync::oneshot::channel::<()>();
        let fail = async {
            let _ = starts.await;
            Err("lost")
        };
        let wait = async {
            drop(started);
            sleep(Duration::from_millis(1)).await;
            other
        };
        assert_eq!(either(fail, Duration::ZERO, wait).await, other);
    }
}

/// A word each way over a stream of a call; the other end of it.
async fn greet(calls: &Connection, answers: impl AsyncFnOnce() -> Connection) -> Connection {
    let (mut send, mut recv) = calls.streams.open().await.expect("opens");
    send.write_all(b"hello").await.expect("writes");
    let answers = timeout(Duration::from_secs(60), answers()).await;
    let answers = answers.expect("in time");
    let (mut back, mut heard) = answers.streams.accept().await.expect("accepts");
    let mut word = [0; 5];
    heard.read_exact(&mut word).await.expect("reads");
    assert_eq!(&word, b"hello");
    back.write_all(b"again").await.expect("writes");
    recv.read_exact(&mut word).await.expect("reads");
    assert_eq!(&word, b"again");
    answers
}

async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let held = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(60), held)
        .await
        .expect("within a minute");
}

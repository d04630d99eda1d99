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

fn network() -> Option<&'static str> {
    static NETWORK: OnceLock<Option<(tornet::TorNetwork, String)>> = OnceLock::new();
    let network = NETWORK.get_or_init(|| {
        if let Some(missing) = tornet::missing() {
            println!("skipped: needs {missing}");
            return None;
        }
        let network = tornet::TorNetwork::start();
        let config = std::fs::read_to_string(network.arti_config()).expect("its settings");
        Some((network, config))
    });
    network.as_ref().map(|(_, config)| config.as_str())
}

fn tor(dir: &TempDir, name: &str) -> Option<Arc<Tor>> {
    let tor = Tor::new(
        &dir.path().join(name),
        Some(network()?),
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
    let (mut send, mut recv) = calls.streams.open().await.expect("opens");
    send.write_all(b"hello").await.expect("writes");
    let answers = timeout(Duration::from_secs(60), service.next()).await;
    let answers = answers.expect("in time").expect("a caller");
    let (mut back, mut heard) = answers.streams.accept().await.expect("accepts");
    let mut word = [0; 5];
    heard.read_exact(&mut word).await.expect("reads");
    assert_eq!(&word, b"hello");
    back.write_all(b"again").await.expect("writes");
    recv.read_exact(&mut word).await.expect("reads");
    assert_eq!(&word, b"again");
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

    // What Tor keeps on the disk has no names that we gave.
    drop((calls, answers));
}

//! What bare arti streams to one onion service carry, on a Tor network of this machine's own:
//! the measure for files through Tor. `bench/onion.sh` runs it.
//!
//! ```text
//!   onion MIB DELAY_MS STREAMS CIRCUITS
//!   onion network
//!
//!   caller ── DELAY ── guard … rendezvous … guard ── DELAY ── service
//! ```
//!
//! STREAMS at once share MIB bytes, over CIRCUITS: streams of one circuit have one isolation
//! token. Each byte waits DELAY_MS at either end in either direction, so a round trip takes
//! four of them. Prints what was carried, and how long it took. `onion network` keeps the
//! network up until its standard input ends, and prints arti's configuration for it, for
//! `bench/onion-talk.sh`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement, and no part of the program"
)]

use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arti_client::config::{BoolOrAuto, TorClientConfigBuilder};
use arti_client::{DataStream, IsolationToken, StreamPrefs, TorClient};
use futures_util::StreamExt as _;
use safelog::DisplayRedacted as _;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::sleep_until;
use tor_cell::relaycell::msg::Connected;
use tor_hsservice::config::OnionServiceConfigBuilder;
use tor_hsservice::handle_rend_requests;
use tor_rtcompat::{CompoundRuntime, NetStreamProvider, PreferredRuntime};

#[path = "../../tests/e2e/tornet.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod tornet;

/// Bytes that are on their way through a delay at a time, in reads of 64 KiB at most.
const IN_FLIGHT: usize = 1024;

/// The usual runtime, whose connections take their time.
#[derive(Clone)]
struct Slow {
    usual: PreferredRuntime,
    delay: Duration,
}

#[async_trait::async_trait]
impl NetStreamProvider for Slow {
    type Stream = <PreferredRuntime as NetStreamProvider>::Stream;
    type Listener = <PreferredRuntime as NetStreamProvider>::Listener;
    type ConnectOptions = <PreferredRuntime as NetStreamProvider>::ConnectOptions;
    type ListenOptions = <PreferredRuntime as NetStreamProvider>::ListenOptions;

    async fn connect(
        &self,
        address: &SocketAddr,
        options: &Self::ConnectOptions,
    ) -> io::Result<Self::Stream> {
        let (address, delay) = (*address, self.delay);
        if delay.is_zero() {
            return NetStreamProvider::connect(&self.usual, &address, options).await;
        }
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let here = listener.local_addr()?;
        tokio::spawn(async move {
            let (near, _) = listener.accept().await?;
            let (from_near, to_near) = near.into_split();
            let (from_far, to_far) = TcpStream::connect(address).await?.into_split();
            tokio::spawn(late(from_near, to_far, delay));
            late(from_far, to_near, delay).await;
            io::Result::Ok(())
        });
        NetStreamProvider::connect(&self.usual, &here, options).await
    }

    async fn listen(
        &self,
        address: &SocketAddr,
        options: &Self::ListenOptions,
    ) -> io::Result<Self::Listener> {
        NetStreamProvider::listen(&self.usual, address, options).await
    }
}

/// Passes bytes on, each `delay` after it came.
async fn late(
    mut from: impl AsyncRead + Unpin + Send + 'static,
    mut to: impl AsyncWrite + Unpin,
    delay: Duration,
) {
    let (sender, mut receiver) = mpsc::channel::<(tokio::time::Instant, Vec<u8>)>(IN_FLIGHT);
    tokio::spawn(async move {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(len @ 1..) = from.read(&mut bytes).await {
            let due = tokio::time::Instant::now() + delay;
            if sender.send((due, bytes[..len].to_vec())).await.is_err() {
                return;
            }
        }
    });
    while let Some((due, bytes)) = receiver.recv().await {
        sleep_until(due).await;
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

type Runtime = CompoundRuntime<
    PreferredRuntime,
    PreferredRuntime,
    PreferredRuntime,
    Slow,
    PreferredRuntime,
    PreferredRuntime,
    PreferredRuntime,
>;

async fn client(
    dir: &TempDir,
    name: &str,
    custom: &str,
    delay: Duration,
) -> Arc<TorClient<Runtime>> {
    let dir = dir.path().join(name).display().to_string();
    let custom = format!(
        "{}\n[storage]\nstate_dir = \"{dir}/state\"\ncache_dir = \"{dir}/cache\"\n\
         [storage.keystore.primary]\nkind = \"ephemeral\"\n\
         [storage.permissions]\ndangerously_trust_everyone = true\n",
        custom.replace(
            "[storage.permissions]\ndangerously_trust_everyone = true\n",
            ""
        )
    );
    let builder: TorClientConfigBuilder = toml::from_str(&custom).unwrap();
    let usual = PreferredRuntime::current().unwrap();
    let again = || usual.clone();
    let slow = Slow {
        usual: again(),
        delay,
    };
    let runtime = Runtime::new(again(), again(), again(), slow, again(), again(), again());
    let client = TorClient::with_runtime(runtime).config(builder.build().unwrap());
    client.create_bootstrapped().await.unwrap()
}

/// Takes what comes over a stream and says when it has all of it.
async fn swallow(mut stream: DataStream, share: usize) {
    let mut bytes = vec![0; 64 * 1024];
    let mut left = share;
    while left > 0 {
        left -= stream.read(&mut bytes).await.unwrap().min(left);
    }
    stream.write_all(b"!").await.unwrap();
    stream.flush().await.unwrap();
    // Until the other side has read that.
    let _ = stream.read(&mut bytes).await;
}

async fn send(mut stream: DataStream, share: usize) {
    let bytes = vec![7; share];
    stream.write_all(&bytes).await.unwrap();
    stream.flush().await.unwrap();
    stream.read_exact(&mut [0]).await.unwrap();
}

#[tokio::main]
async fn main() {
    if std::env::args().nth(1).as_deref() == Some("network") {
        let network = tornet::TorNetwork::start();
        println!("{}", network.arti_config().display());
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .map(|text| text.parse().unwrap())
        .collect();
    let [mib, delay, streams, circuits] = numbers[..] else {
        panic!("onion MIB DELAY_MS STREAMS CIRCUITS");
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let network = tornet::TorNetwork::start();
    let custom = std::fs::read_to_string(network.arti_config()).unwrap();
    let dir = TempDir::new().unwrap();
    let delay = Duration::from_millis(delay as u64);
    let service = client(&dir, "service", &custom, delay).await;
    let caller = client(&dir, "caller", &custom, delay).await;

    let config: OnionServiceConfigBuilder = toml::from_str("nickname = \"bench\"").unwrap();
    let launched = service.launch_onion_service(config.build().unwrap());
    let (running, requests) = launched.unwrap().unwrap();
    let share = (mib << 20) / streams;
    tokio::spawn(async move {
        let mut requests = std::pin::pin!(handle_rend_requests(requests));
        while let Some(request) = requests.next().await {
            let stream = request.accept(Connected::new_empty()).await.unwrap();
            tokio::spawn(swallow(stream, share));
        }
    });
    let name = running
        .onion_address()
        .unwrap()
        .display_unredacted()
        .to_string();
    let tokens: Vec<_> = (0..circuits).map(|_| IsolationToken::new()).collect();
    let mut open = Vec::new();
    for number in 0..streams {
        let mut prefs = StreamPrefs::new();
        prefs.connect_to_onion_services(BoolOrAuto::Explicit(true));
        prefs.set_isolation(tokens[number % circuits]);
        let stream = loop {
            match caller.connect_with_prefs((name.as_str(), 1), &prefs).await {
                Ok(stream) => break stream,
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        };
        open.push(stream);
    }
    let began = Instant::now();
    let sending: Vec<_> = open
        .into_iter()
        .map(|stream| tokio::spawn(send(stream, share)))
        .collect();
    for stream in sending {
        stream.await.unwrap();
    }
    let took = began.elapsed().as_secs_f64();
    println!("{mib} MiB {took:.2} s {:.2} MiB/s", mib as f64 / took);
}

//! Two channels in one process, over real sockets.

mod browser;
mod library;
mod sdp;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::*;
use crate::net::RoutePolicy;
use crate::net::direct::Via;
use crate::net::direct::tests::introduce;

const MIB: usize = 1024 * 1024;

/// Both ends of a channel; `rewrite` stands for the network between them.
async fn ends(
    rewrite: impl FnMut(Role, &mut LinkSignal) + Send + 'static,
) -> [Result<ChannelLink, ConnectError>; 2] {
    introduce(connect, |_| {}, rewrite).await
}

async fn plain_ends() -> [ChannelLink; 2] {
    ends(|_, _| {})
        .await
        .map(|end| end.expect("two ends on one machine meet"))
}

fn pattern(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8 ^ seed).collect()
}

/// Writes `len` bytes and the end, and reads the other's.
async fn exchange(bytes: impl AsyncRead + AsyncWrite, len: usize, seed: u8, theirs: u8) {
    let (mut recv, mut send) = tokio::io::split(bytes);
    let write = async {
        send.write_all(&pattern(len, seed)).await.expect("writes");
        send.shutdown().await.expect("ends");
    };
    let read = async {
        let mut read = Vec::new();
        recv.read_to_end(&mut read).await.expect("reads");
        assert!(read == pattern(len, theirs), "the bytes arrive whole");
    };
    tokio::join!(write, read);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_channels_on_one_machine_carry_8_mib_both_ways() {
    let started = Instant::now();
    let [one, two] = plain_ends().await;
    let connected = started.elapsed();
    assert_eq!(one.binding, two.binding);
    assert_ne!(one.binding, [0; 32]);
    assert!(one.path.borrow().connected);
    assert_eq!(one.path.borrow().via, Via::Direct);
    let started = Instant::now();
    tokio::join!(
        exchange(one.bytes, 8 * MIB, 1, 2),
        exchange(two.bytes, 8 * MIB, 2, 1)
    );
    let elapsed = started.elapsed();
    println!(
        "connected in {connected:?}; 2 x 8 MiB in {elapsed:?} = {:.0} MiB/s each way",
        8.0 / elapsed.as_secs_f64()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_channels_have_two_bindings() {
    let ([one, _], [two, _]) = (plain_ends().await, plain_ends().await);
    assert_ne!(one.binding, two.binding);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stops_stops_the_writer_and_loses_nothing() {
    let [mut writer, mut reader] = plain_ends().await;
    let mut written = 0;
    let block = pattern(251 * 64, 0);
    let from = |written: usize| block.get(written % 251..).expect("it is longer");
    // Until nothing has moved for two seconds.
    while let Ok(wrote) = {
        let write = writer.bytes.write(from(written));
        timeout(Duration::from_secs(2), write).await
    } {
        written += wrote.expect("the channel stands");
        assert!(written < 16 * MIB, "the writer goes on and on");
    }
    assert!(written > BETWEEN, "the writer was under way");
    let total = written + MIB;
    let finish = async {
        let all = pattern(total, 0);
        let rest = all.get(written..).expect("a part of it");
        writer.bytes.write_all(rest).await.expect("writes");
        writer.bytes.shutdown().await.expect("ends");
    };
    let read = async {
        let mut read = Vec::new();
        reader.bytes.read_to_end(&mut read).await.expect("reads");
        assert!(read == pattern(total, 0), "all of it, in order");
    };
    tokio::join!(finish, read);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_with_another_certificate_than_announced_gets_no_channel() {
    for (forger, judge) in [(Role::Controlled, 0), (Role::Controlling, 1)] {
        let ends = ends(move |from, signal| {
            if let LinkSignal::Offer { fingerprint, .. } | LinkSignal::Answer { fingerprint, .. } =
                signal
                && from == forger
            {
                let fingerprint = fingerprint.as_mut().expect("it is about a channel");
                fingerprint.0[31] ^= 1;
            }
        })
        .await;
        let judged = ends.into_iter().nth(judge).expect("two ends");
        assert!(matches!(
            judged.err().expect("no channel"),
            ConnectError::Channel(ChannelError::Fingerprint)
        ));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_before_an_end_lets_go_still_arrives() {
    let [mut one, mut two] = plain_ends().await;
    let said = pattern(3 * MIB, 5);
    let write = async {
        one.bytes.write_all(&said).await.expect("writes");
        drop(one);
    };
    let read = async {
        // Slower than what was written last needs to leave.
        sleep(Duration::from_millis(300)).await;
        let mut heard = Vec::new();
        two.bytes.read_to_end(&mut heard).await.expect("reads");
        assert!(heard == said);
    };
    tokio::join!(write, read);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_hides_asks_for_a_relay_on_a_channel_too() {
    let hidden = introduce(
        connect,
        |config| config.policy = RoutePolicy::Relay,
        |_, _| {},
    );
    let [one, _] = hidden.await;
    assert!(matches!(one.err(), Some(ConnectError::Relayless)));
}

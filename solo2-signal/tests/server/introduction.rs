//! What two devices can rely on.

use std::time::{Duration, Instant};

use solo2_signal::wire::{ClientMessage, RefusedCode};

use crate::support::{Said, Server, blob, token};

#[tokio::test]
async fn who_listens_first_is_handed_the_blob_at_once() {
    let server = Server::start(&[]);
    let (mut alice, mut bob) = (server.device().await, server.device().await);
    let (token, blob) = (token(), blob());
    assert_eq!(bob.listen(token, false).await, Said::Listening(token));
    let start = Instant::now();
    assert_eq!(alice.post(token, &blob).await, Said::Posted(token));
    assert_eq!(bob.hear().await, Said::Deliver(token, blob.to_vec()));
    assert!(start.elapsed() < Duration::from_secs(2));
    // It was handed over, so it is not kept.
    let mut late = server.device().await;
    assert_eq!(late.listen(token, false).await, Said::Listening(token));
    late.hear_nothing().await;
}

#[tokio::test]
async fn who_posts_first_is_waited_for() {
    let server = Server::start(&[]);
    let (mut alice, mut bob) = (server.device().await, server.device().await);
    let (token, first, second) = (token(), blob(), blob());
    assert_eq!(alice.post(token, &first).await, Said::Posted(token));
    assert_eq!(alice.post(token, &second).await, Said::Posted(token));
    drop(alice);
    assert_eq!(bob.listen(token, false).await, Said::Listening(token));
    assert_eq!(bob.hear().await, Said::Deliver(token, first.to_vec()));
    assert_eq!(bob.hear().await, Said::Deliver(token, second.to_vec()));
    bob.hear_nothing().await;
    // The first listener had them: there are none for the next.
    let mut late = server.device().await;
    assert_eq!(late.listen(token, false).await, Said::Listening(token));
    late.hear_nothing().await;
}

#[tokio::test]
async fn an_introduction_goes_both_ways() {
    let server = Server::start(&[]);
    let (mut alice, mut bob) = (server.device().await, server.device().await);
    let (to_alice, to_bob, there, back) = (token(), token(), blob(), blob());
    alice.listen(to_alice, false).await;
    bob.listen(to_bob, false).await;
    alice.post(to_bob, &there).await;
    assert_eq!(bob.hear().await, Said::Deliver(to_bob, there.to_vec()));
    bob.post(to_alice, &back).await;
    assert_eq!(alice.hear().await, Said::Deliver(to_alice, back.to_vec()));
}

#[tokio::test]
async fn a_blob_nobody_fetches_is_gone_after_its_time() {
    let server = Server::start(&["--signal-ttl", "1s"]);
    let (mut alice, mut bob) = (server.device().await, server.device().await);
    let token = token();
    assert_eq!(alice.post(token, &blob()).await, Said::Posted(token));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(bob.listen(token, false).await, Said::Listening(token));
    bob.hear_nothing().await;
}

#[tokio::test]
async fn an_exclusive_token_is_for_one() {
    let server = Server::start(&[]);
    let (mut first, mut second) = (server.device().await, server.device().await);
    let (taken, shared) = (token(), token());
    assert_eq!(first.listen(taken, true).await, Said::Listening(taken));
    assert_eq!(second.listen(taken, true).await, Said::Busy(taken));
    assert_eq!(second.listen(taken, false).await, Said::Busy(taken));
    // Asking again is no error for its owner.
    assert_eq!(first.listen(taken, true).await, Said::Listening(taken));
    // A shared token cannot be taken from those who share it.
    assert_eq!(first.listen(shared, false).await, Said::Listening(shared));
    assert_eq!(second.listen(shared, true).await, Said::Busy(shared));
    assert_eq!(second.listen(shared, false).await, Said::Listening(shared));
    // Free again, either way.
    first.say(ClientMessage::Unlisten { token: &taken }).await;
    // Answers come in order: once this one is here, the request before is done.
    let other = token();
    assert_eq!(first.listen(other, false).await, Said::Listening(other));
    assert_eq!(second.listen(taken, true).await, Said::Listening(taken));
    drop(second);
    let mut third = server.device().await;
    let deadline = Instant::now() + Duration::from_secs(5);
    while third.listen(taken, true).await == Said::Busy(taken) {
        assert!(
            Instant::now() < deadline,
            "a connection that ended holds a token"
        );
    }
}

#[tokio::test]
async fn up_to_four_share_a_token_and_each_is_handed_the_blob() {
    let server = Server::start(&[]);
    let (token, blob) = (token(), blob());
    let mut devices = Vec::new();
    for _ in 0..4 {
        let mut device = server.device().await;
        assert_eq!(device.listen(token, false).await, Said::Listening(token));
        devices.push(device);
    }
    let mut fifth = server.device().await;
    assert_eq!(fifth.listen(token, false).await, Said::Busy(token));
    fifth.post(token, &blob).await;
    for device in &mut devices {
        assert_eq!(device.hear().await, Said::Deliver(token, blob.to_vec()));
    }
}

#[tokio::test]
async fn who_unlistens_hears_no_more() {
    let server = Server::start(&[]);
    let (mut alice, mut bob) = (server.device().await, server.device().await);
    let (token, other, blob) = (token(), token(), blob());
    bob.listen(token, false).await;
    bob.say(ClientMessage::Unlisten { token: &token }).await;
    // Answers come in order: once this one is here, the request before is done.
    bob.listen(other, false).await;
    alice.post(token, &blob).await;
    bob.hear_nothing().await;
    assert_eq!(bob.listen(token, false).await, Said::Listening(token));
    assert_eq!(bob.hear().await, Said::Deliver(token, blob.to_vec()));
}

#[tokio::test]
async fn sixteen_blobs_wait_under_a_token_and_the_oldest_makes_room() {
    let server = Server::start(&[]);
    let (mut alice, mut bob) = (server.device().await, server.device().await);
    let token = token();
    let blobs: Vec<_> = (0..20).map(|_| blob()).collect();
    for blob in &blobs {
        assert_eq!(alice.post(token, blob).await, Said::Posted(token));
    }
    bob.listen(token, false).await;
    for blob in &blobs[4..] {
        assert_eq!(bob.hear().await, Said::Deliver(token, blob.to_vec()));
    }
    bob.hear_nothing().await;
}

#[tokio::test]
async fn a_device_listens_under_4096_tokens_and_no_more() {
    let server = Server::start(&[]);
    let mut device = server.device().await;
    for _ in 0..4096 {
        let token = token();
        assert_eq!(device.listen(token, false).await, Said::Listening(token));
    }
    let one_more = token();
    assert_eq!(
        device.listen(one_more, false).await,
        Said::Refused(RefusedCode::TooManyTokens)
    );
}

#[tokio::test]
async fn a_device_cannot_take_every_code_for_itself() {
    let server = Server::start(&[]);
    let mut device = server.device().await;
    for _ in 0..16 {
        let token = token();
        assert_eq!(device.listen(token, true).await, Said::Listening(token));
    }
    assert_eq!(
        device.listen(token(), true).await,
        Said::Refused(RefusedCode::TooManyTokens)
    );
    let shared = token();
    assert_eq!(device.listen(shared, false).await, Said::Listening(shared));
}

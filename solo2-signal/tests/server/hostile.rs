//! What the server does with those who do not keep to the rules.

use std::time::{Duration, Instant};

use futures_util::SinkExt;
use solo2_signal::wire::{BLOB_LEN, ClientMessage, MESSAGE_LEN, RefusedCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};

use crate::support::{Device, PATIENCE, Said, Server, blob, token};

/// What the server answers to a request with this header changed.
async fn upgrade_with(
    server: &Server,
    name: &'static str,
    value: Option<&'static str>,
) -> StatusCode {
    let mut request = server.request();
    match value {
        Some(value) => {
            request
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        None => {
            request.headers_mut().remove(name);
        }
    }
    match tokio_tungstenite::client_async(request, server.tcp().await).await {
        Ok((_, response)) => response.status(),
        Err(Error::Http(response)) => response.status(),
        Err(other) => panic!("{other}"),
    }
}

/// What the server answers to these bytes, until it closes.
async fn raw(server: &Server, bytes: &[u8]) -> String {
    let mut stream = server.tcp().await;
    // It may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("it closes");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn still_serves(server: &Server) {
    let mut device = server.device().await;
    let token = token();
    assert_eq!(device.listen(token, false).await, Said::Listening(token));
}

#[tokio::test]
async fn a_web_page_is_refused() {
    let server = Server::start(&[]);
    for origin in ["https://attacker.example", "http://127.0.0.1", "null"] {
        assert_eq!(
            upgrade_with(&server, "origin", Some(origin)).await,
            StatusCode::FORBIDDEN
        );
    }
    assert_eq!(
        upgrade_with(&server, "x-other", Some("1")).await,
        StatusCode::SWITCHING_PROTOCOLS
    );
}

#[tokio::test]
async fn only_the_protocol_of_this_server_is_spoken() {
    let server = Server::start(&[]);
    let named = "sec-websocket-protocol";
    assert_eq!(
        upgrade_with(&server, named, Some("chat")).await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        upgrade_with(&server, named, Some("solo2.signal.v2, solo2.signal.v1")).await,
        StatusCode::SWITCHING_PROTOCOLS
    );
    assert_eq!(
        upgrade_with(&server, "sec-websocket-version", Some("8")).await,
        StatusCode::UPGRADE_REQUIRED
    );
    let status = |answer: String| answer.split(' ').nth(1).unwrap_or_default().to_owned();
    let host = "Host: a\r\n\r\n";
    for (line, code) in [
        ("GET /v1/signal HTTP/1.1", "400"),
        ("GET / HTTP/1.1", "404"),
        ("GET /v1/signal/ HTTP/1.1", "404"),
        ("POST /v1/signal HTTP/1.1", "405"),
        ("GET /health HTTP/1.1", "200"),
        ("BREW pot HTTP/9.9", "400"),
    ] {
        assert_eq!(
            status(raw(&server, format!("{line}\r\n{host}").as_bytes()).await),
            code,
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_request_head_has_a_limit() {
    let server = Server::start(&[]);
    let long = format!(
        "GET /health HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "x".repeat(1 << 20)
    );
    assert!(!raw(&server, long.as_bytes()).await.contains(" 200 "));
    let many = format!(
        "GET /health HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "A: b\r\n".repeat(200)
    );
    assert!(
        raw(&server, many.as_bytes())
            .await
            .starts_with("HTTP/1.1 431")
    );
    still_serves(&server).await;
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off() {
    let server = Server::start(&[]);
    let mut stream = server.tcp().await;
    let start = Instant::now();
    let cut_off = timeout(Duration::from_secs(18), async {
        stream
            .write_all(b"GET /v1/signal HTTP/1.1\r\nHost: a\r\n")
            .await
            .expect("open");
        loop {
            if stream.write_all(b"X: y\r\n").await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    });
    cut_off.await.expect("the server hangs up");
    assert!(
        start.elapsed() > Duration::from_secs(5),
        "a slow but honest client has time"
    );
}

#[tokio::test]
async fn a_message_of_another_length_ends_the_connection() {
    let server = Server::start(&[]);
    for len in [0, 1, MESSAGE_LEN - 1, MESSAGE_LEN + 1, 1 << 20] {
        let mut device = server.device().await;
        // The server may hang up before it has all of it.
        let _ = device.socket.send(Message::binary(vec![0; len])).await;
        assert_eq!(device.hear().await, Said::Closed, "{len}");
    }
    let mut device = server.device().await;
    device
        .socket
        .send(Message::text("hello"))
        .await
        .expect("sent");
    assert_eq!(device.hear().await, Said::Closed);
    still_serves(&server).await;
}

#[tokio::test]
async fn a_message_that_means_nothing_is_refused_and_ends_the_connection() {
    let server = Server::start(&[]);
    let token = token();
    let mut well_formed = [0; MESSAGE_LEN];
    ClientMessage::Listen {
        token: &token,
        exclusive: false,
    }
    .encode(&mut well_formed);
    for (position, value) in [
        (0, 0x00),
        (0, 0x81),
        (0, 0xff),
        (33, 2),
        (34, 1),
        (MESSAGE_LEN - 1, 1),
    ] {
        let mut message = well_formed.to_vec();
        message[position] = value;
        let mut device = server.device().await;
        device
            .socket
            .send(Message::binary(message))
            .await
            .expect("sent");
        assert_eq!(device.hear().await, Said::Refused(RefusedCode::Malformed));
        assert_eq!(device.hear().await, Said::Closed);
    }
}

/// The WebSocket of a device, without a WebSocket library.
async fn upgraded(server: &Server) -> TcpStream {
    Device::open(server.tcp().await, server.request())
        .await
        .expect("upgraded")
        .socket
        .into_inner()
}

#[tokio::test]
async fn frames_that_break_the_rules_end_the_connection() {
    let server = Server::start(&[]);
    for frame in [
        [0x82, 0x05].as_slice(),                                       // not masked
        &[0xc2, 0x80, 0, 0, 0, 0],                                     // a reserved bit
        &[0x83, 0x80, 0, 0, 0, 0],                                     // a reserved opcode
        &[0x80, 0x80, 0, 0, 0, 0],                                     // the rest of nothing
        &[0x09, 0x80, 0, 0, 0, 0],                                     // a ping in pieces
        &[0x89, 0xfe, 0, 126, 0, 0, 0, 0],                             // a ping too long
        &[0x82, 0xfe, 0, 100, 0, 0, 0, 0],                             // a length in too many bytes
        &[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // 9 EB
        &[0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0],                         // 64 KiB
        &[0x02, 0x80, 0, 0, 0, 0, 0x02, 0x80, 0, 0, 0, 0],             // a message inside a message
    ] {
        let mut stream = upgraded(&server).await;
        stream.write_all(frame).await.expect("sent");
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut answer))
            .await
            .expect("it closes");
        assert!(
            matches!(answer.as_slice(), [0x88, 2, 0x03, _]),
            "{frame:x?} -> {answer:x?}"
        );
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn a_message_may_come_in_pieces() {
    let server = Server::start(&[]);
    let token = token();
    let mut message = [0; MESSAGE_LEN];
    ClientMessage::Listen {
        token: &token,
        exclusive: false,
    }
    .encode(&mut message);
    let mut stream = upgraded(&server).await;
    let (first, rest) = message.split_at(100);
    let mut bytes = vec![0x02, 0x80 | 100, 0, 0, 0, 0];
    bytes.extend_from_slice(first);
    bytes.extend_from_slice(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i']); // a ping between them
    bytes.extend_from_slice(&[0x80, 0xfe]);
    bytes.extend_from_slice(&u16::try_from(rest.len()).expect("short").to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(rest);
    for byte in bytes {
        stream.write_all(&[byte]).await.expect("sent");
    }
    let mut pong = [0; 4];
    timeout(PATIENCE, stream.read_exact(&mut pong))
        .await
        .expect("in time")
        .expect("a pong");
    assert_eq!(pong, [0x8a, 2, b'h', b'i']);
    let mut answer = vec![0; 4 + MESSAGE_LEN];
    timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .expect("in time")
        .expect("an answer");
    assert_eq!(answer[..5], [0x82, 126, 0x10, 0x40, 0x81]);
    assert_eq!(answer[5..37], token);
}

#[tokio::test]
async fn half_a_message_is_not_waited_for() {
    let server = Server::start(&[]);
    let mut stream = upgraded(&server).await;
    let cut_off = timeout(Duration::from_secs(18), async {
        stream
            .write_all(&[0x82, 0xfe, 0x10, 0x40, 0, 0, 0, 0])
            .await
            .expect("open");
        loop {
            if stream.write_all(&[0]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    cut_off.await.expect("the server hangs up");
}

#[tokio::test]
async fn posts_come_at_a_rate() {
    let server = Server::start(&[]);
    let mut device = server.device().await;
    let (token, blob) = (token(), blob());
    let start = Instant::now();
    let mut refused = 0;
    for _ in 0..400 {
        match device.post(token, &blob).await {
            Said::Posted(_) => {}
            Said::Refused(RefusedCode::Rate) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    let allowed = 200 + 50 * (start.elapsed().as_secs() + 1);
    assert!(
        400 - refused <= allowed,
        "{refused} of 400 refused in {:?}",
        start.elapsed()
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(device.post(token, &blob).await, Said::Posted(token));
}

#[tokio::test]
async fn who_does_not_read_is_dropped_and_holds_nobody_up() {
    let server = Server::start(&[]);
    let token = token();
    let slow = {
        let mut device = server.device().await;
        assert_eq!(device.listen(token, false).await, Said::Listening(token));
        device
    };
    let mut quick = server.device().await;
    assert_eq!(quick.listen(token, false).await, Said::Listening(token));
    // More than the buffers of two sockets and the queue can take.
    let start = Instant::now();
    let mut posted = 0;
    'posting: for _ in 0..40 {
        let mut poster = server.device().await;
        for _ in 0..150 {
            let blob = blob();
            assert_eq!(poster.post(token, &blob).await, Said::Posted(token));
            assert_eq!(quick.hear().await, Said::Deliver(token, blob.to_vec()));
            posted += 1;
            if start.elapsed() > Duration::from_secs(60) {
                break 'posting;
            }
        }
    }
    // The slow one is gone: what is in its socket is the end of it.
    let mut slow = slow.socket.into_inner();
    let mut held = 0;
    let mut chunk = vec![0; 1 << 16];
    let ended = timeout(PATIENCE, async {
        while let Ok(count @ 1..) = slow.read(&mut chunk).await {
            held += count;
        }
    });
    ended.await.expect("the server hung up");
    assert!(held < posted * BLOB_LEN, "{held} bytes of {posted} posts");
}

#[tokio::test]
async fn a_flood_of_posts_stays_within_its_memory() {
    // At most 1,000 wait: 4 MiB. Ten connections post 2,000 in all.
    let server = Server::start(&["--max-waiting", "1000"]);
    still_serves(&server).await;
    let before = server.resident();
    let mut newest = Vec::new();
    for _ in 0..10 {
        let mut device = server.device().await;
        newest.clear();
        for _ in 0..200 {
            let (token, blob) = (token(), blob());
            assert_eq!(device.post(token, &blob).await, Said::Posted(token));
            newest.push((token, blob));
        }
    }
    let after = server.resident();
    assert!(
        after < before + 16 * 1024,
        "{before} KiB before, {after} KiB after"
    );
    // The newest are there; only the oldest made room.
    let mut device = server.device().await;
    for (token, blob) in newest {
        assert_eq!(device.listen(token, false).await, Said::Listening(token));
        assert_eq!(device.hear().await, Said::Deliver(token, blob.to_vec()));
    }
}

#[tokio::test]
async fn a_network_gets_its_share_of_connections_and_no_more() {
    let server = Server::start(&["--max-connections-per-address", "3"]);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(server.device().await);
    }
    assert!(
        Device::open(server.tcp().await, server.request())
            .await
            .is_err()
    );
    held.pop();
    let deadline = Instant::now() + PATIENCE;
    while Device::open(server.tcp().await, server.request())
        .await
        .is_err()
    {
        assert!(Instant::now() < deadline, "the place was not given back");
    }
}

#[tokio::test]
async fn many_connections_cost_little_and_leave_nothing() {
    let server = Server::start(&["--max-connections-per-address", "600"]);
    still_serves(&server).await;
    let descriptors = || {
        std::fs::read_dir(format!("/proc/{}/fd", server.pid()))
            .expect("it runs")
            .count()
    };
    let (before, open) = (server.resident(), descriptors());
    let mut devices = Vec::new();
    for _ in 0..500 {
        devices.push(server.device().await);
    }
    let after = server.resident();
    assert!(
        after < before + 500 * 32,
        "{before} KiB before, {after} KiB after"
    );
    drop(devices);
    let deadline = Instant::now() + PATIENCE;
    while descriptors() > open {
        assert!(Instant::now() < deadline, "descriptors leak");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//! What a device learns by STUN, and what the server does not lend itself to.

use std::time::Duration;

use stun_types::attribute::{Software, XorMappedAddress};
use stun_types::message::{BINDING, Message, MessageWrite, MessageWriteVec};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::support::{PATIENCE, Server};

async fn receive(socket: &UdpSocket, patience: Duration) -> Option<Vec<u8>> {
    let mut datagram = vec![0; 1500];
    let len = timeout(patience, socket.recv(&mut datagram))
        .await
        .ok()?
        .expect("a datagram");
    datagram.truncate(len);
    Some(datagram)
}

#[tokio::test]
async fn a_device_is_told_its_address_and_nothing_else() {
    for family in ["127.0.0.1:0", "[::1]:0"] {
        let server = Server::start(&["--stun", family]);
        let socket = UdpSocket::bind(family).await.expect("a port");
        socket
            .connect(server.stun.expect("announced"))
            .await
            .expect("a route");
        let request = Message::builder_request(BINDING, MessageWriteVec::new()).finish();
        socket.send(&request).await.expect("sent");
        let response = receive(&socket, PATIENCE).await.expect("an answer");
        let request = Message::from_bytes(&request).expect("ours");
        let response = Message::from_bytes(&response).expect("STUN");
        assert_eq!(response.transaction_id(), request.transaction_id());
        let mapped = response.attribute::<XorMappedAddress>().expect("it says");
        assert_eq!(
            mapped.addr(request.transaction_id()),
            socket.local_addr().expect("bound")
        );
        assert!(response.attribute::<Software>().is_err());
        assert_eq!(response.iter_attributes().count(), 1);
    }
}

#[tokio::test]
async fn what_is_no_binding_request_gets_no_answer() {
    let server = Server::start(&["--stun", "127.0.0.1:0"]);
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    socket
        .connect(server.stun.expect("announced"))
        .await
        .expect("a route");
    let request = Message::builder_request(BINDING, MessageWriteVec::new()).finish();
    let mut allocate = request.clone();
    allocate[1] = 3;
    for datagram in [
        Vec::new(),
        b"hello".to_vec(),
        vec![0; 1400],
        allocate,
        request[..19].to_vec(),
    ] {
        socket.send(&datagram).await.expect("sent");
    }
    assert!(receive(&socket, Duration::from_millis(300)).await.is_none());
    socket.send(&request).await.expect("sent");
    assert!(
        receive(&socket, PATIENCE).await.is_some(),
        "and it still serves"
    );
}

#[tokio::test]
async fn a_flood_is_not_answered_in_full() {
    let server = Server::start(&["--stun", "127.0.0.1:0"]);
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    socket
        .connect(server.stun.expect("announced"))
        .await
        .expect("a route");
    let request = Message::builder_request(BINDING, MessageWriteVec::new()).finish();
    let start = std::time::Instant::now();
    let mut answers = 0_u64;
    for _ in 0..200 {
        for _ in 0..100 {
            socket.send(&request).await.expect("sent");
        }
        while receive(&socket, Duration::from_millis(1)).await.is_some() {
            answers += 1;
        }
    }
    while receive(&socket, Duration::from_millis(100)).await.is_some() {
        answers += 1;
    }
    let most = 2000 + 1000 * (start.elapsed().as_secs() + 1);
    assert!(
        answers > 0 && answers <= most,
        "{answers} answers, {most} allowed"
    );
}

//! WebRTC without a browser against this relay: aiortc 1.16, whose ICE is aioice.

use std::net::SocketAddr;

use crate::aioice::python;
use crate::support::Relay;

#[test]
fn two_ends_of_aiortc_meet_through_the_relay_over_udp_and_tcp() {
    let relay = Relay::start(&["--listen-tcp", "127.0.0.1:0"]);
    let credential = relay.credential();
    let port = |address: Option<SocketAddr>| address.expect("it listens").port().to_string();
    let arguments = [
        "127.0.0.1",
        &port(Some(relay.address)),
        &port(relay.tcp),
        &credential.username,
    ];
    let Some(said) = python(
        "aiortc",
        "aiortc_talks.py",
        &arguments,
        &credential.password,
    ) else {
        return;
    };
    assert_eq!(said.matches("ok turn:").count(), 4, "{said}");
}

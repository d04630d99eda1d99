//! Whom a device speaks to: its contact, and the servers that it was told of.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::namespace::{Network, TO_FIRST};
use crate::ways::Killed;
use crate::world::{World, has, pair, serve};

const STUN: u16 = 3479;
/// Where the contact is.
const PEER: &str = "198.18.2.1";

#[test]
fn nothing_leaves_but_to_the_contact_and_to_the_servers_it_was_told_of() {
    let network = match Network::new() {
        Ok(network) if has("nft") => network,
        Ok(_) => return println!("skipped: needs nftables"),
        Err(missing) => return println!("skipped: needs {missing}"),
    };
    let world = World::across(Arc::clone(&network));
    let signal = world.signal_address();
    let stun = SocketAddr::new(signal.ip(), STUN).to_string();
    let mut command = world.server("solo2-relay");
    command.args(["serve", "--json", "--role", "stun", "--listen-udp", &stun]);
    let _stun = Killed(serve(command).0);
    network.middle.count(TO_FIRST, STUN);

    let first = &network.ends[0];
    let server = signal.ip();
    first.count_leaving_but(&[
        format!("ip daddr {PEER} udp dport 1024-65535"),
        format!("ip daddr {server} tcp dport {}", signal.port()),
        format!("ip daddr {server} udp dport {STUN}"),
        // Whether the contact is on this machine.
        "ip daddr 127.0.0.1 udp dport 1024-65535".to_owned(),
        "ip6 daddr ::1 udp dport 1024-65535".to_owned(),
        // The kernel's own: that a port is closed by now, and who its neighbours are.
        "meta l4proto { icmp, ipv6-icmp }".to_owned(),
    ]);
    let (a, b) = (world.home("a", "alice"), world.home("b", "bob"));
    a.run(&["config", "set", "net.stun", &format!("stun:{stun}")])
        .ok();
    a.start();
    b.start();
    pair(&a, "bob", &b, "alice");
    a.deliver("bob", "hello");
    b.deliver("alice", "and back");
    let file = world.file("a file", vec![7; 1 << 20]);
    for (home, peer) in [(&a, "bob"), (&b, "alice")] {
        home.run(&["send", peer, "-f", &file, "--wait", "delivered"])
            .ok();
    }
    // What works without anybody else asks nobody else.
    a.run(&["search", "hello"]).ok();
    a.run(&["history", "bob"]).ok();
    a.run(&["route", "status"]).ok();
    a.run(&["vault", "check"]).ok();
    a.run(&[
        "export",
        "--format",
        "archive",
        "-o",
        &world.path("archive").display().to_string(),
    ])
    .ok();
    // Nor does an agent that is left alone, or is started again.
    a.stop();
    a.start();
    a.wait_connected("bob");
    thread::sleep(Duration::from_secs(20));
    a.stop();
    assert!(network.middle.counted() > 0, "the STUN server was asked");
    assert_eq!(first.counted(), 0, "{}", first.left_for());

    // The counter counts: a name asked for, another port of the server.
    let mut stranger = first.command(Path::new("bash"));
    stranger.args(["-c", &format!("printf x > /dev/udp/{server}/53")]);
    assert!(stranger.status().unwrap().success());
    assert_eq!(first.counted(), 1);
}

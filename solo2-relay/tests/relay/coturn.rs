//! The tools of another TURN implementation (Debian's package `coturn`) against this one.

use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use crate::streams::Certificate;
use crate::support::{Relay, binary, have};

#[test]
fn turnutils_stunclient_is_told_its_address() {
    if !have("turnutils_stunclient") {
        return;
    }
    let relay = Relay::start(&[]);
    let port = relay.address.port().to_string();
    let output = Command::new("turnutils_stunclient")
        .args(["-p", &port, "127.0.0.1"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("UDP reflexive addr: 127.0.0.1:"), "{said}");
}

/// Two clients of its own through the relay, by Send and Data indications. (It draws
/// channel numbers that RFC 8656 does not have any more.)
#[test]
fn turnutils_uclient_gets_every_message_through() {
    if !have("turnutils_uclient") {
        return;
    }
    let relay = Relay::start(&[]);
    let credential = relay.credential();
    let port = relay.address.port();
    let output = uclient(port, &[], &credential.username, &credential.password);
    assert!(
        output.contains("tot_send_msgs=400, tot_recv_msgs=400"),
        "{output}"
    );
    assert!(output.contains("Total lost packets 0 "), "{output}");
}

#[test]
fn turnutils_uclient_with_a_wrong_password_gets_nothing() {
    if !have("turnutils_uclient") {
        return;
    }
    let relay = Relay::start(&[]);
    let port = relay.address.port();
    let output = uclient(port, &[], &relay.credential().username, "a guess");
    assert!(output.contains("Cannot complete Allocation"), "{output}");
    assert!(!output.contains("tot_recv_msgs=400"), "{output}");
}

#[test]
fn turnutils_uclient_gets_every_message_through_over_tcp() {
    if !have("turnutils_uclient") {
        return;
    }
    let relay = Relay::start(&["--listen-tcp", "127.0.0.1:0"]);
    let credential = relay.credential();
    let port = relay.tcp.expect("it listens").port();
    let output = uclient(port, &["-t"], &credential.username, &credential.password);
    assert!(
        output.contains("tot_send_msgs=400, tot_recv_msgs=400"),
        "{output}"
    );
}

/// It reads one record each time that something arrives, and so loses sight of half of
/// them, with its own server as well: here, it is about its handshake and its framing.
#[test]
fn turnutils_uclient_gets_messages_through_over_tls() {
    if !have("turnutils_uclient") {
        return;
    }
    let certificate = Certificate::new("127.0.0.1");
    let relay = Relay::start(&certificate.flags());
    let credential = relay.credential();
    let port = relay.tls.expect("it listens").port();
    let slowly = ["-t", "-S", "-z", "20"];
    let output = uclient(port, &slowly, &credential.username, &credential.password);
    let received = output.rsplit_once("tot_recv_msgs=").map(|(_, rest)| rest);
    let received = received.and_then(|rest| rest.split([',', ' ', '\n']).next());
    let received: u32 = received
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{output}"));
    assert!(received >= 100, "{output}");
}

fn uclient(port: u16, options: &[&str], username: &str, password: &str) -> String {
    let port = port.to_string();
    let output = Command::new("timeout")
        .args([
            "60",
            "turnutils_uclient",
            "-y",
            "-c",
            "-s",
            "-n",
            "200",
            "-m",
            "2",
            "-l",
            "1000",
            "-z",
            "2",
        ])
        .args(options)
        .args(["-p", &port, "-u", username, "-w", password, "127.0.0.1"])
        .output()
        .expect("it runs");
    [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat()
}

/// Two networks and a wire between them, since a relay never talks to its own machine:
/// here the relay and the client, there coturn's echo.
const TWO_NETWORKS: &str = r#"
set -e
ip link set lo up
unshare -n sh -c 'until ip link set vb up 2>/dev/null; do sleep 0.1; done
    ip addr add 9.8.7.2/24 dev vb; exec turnutils_peer -L 9.8.7.2 -p 3480' >/dev/null &
there=$!
trap 'kill $there $relay 2>/dev/null' EXIT
ip link add va type veth peer name vb
sleep 0.5
ip link set vb netns $there
ip addr add 9.8.7.1/24 dev va
ip link set va up
"$0" serve --listen-udp 9.8.7.1:3478 --secret-file "$1/s" --peers "$2" --threads 2 >/dev/null &
relay=$!
said=$("$0" invite --secret-file "$1/s" --public turn:9.8.7.1 --turn-credential --json)
field() { echo "$said" | sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }
"$0" health --url turn:9.8.7.1
timeout 60 turnutils_uclient -e 9.8.7.2 -r 3480 -c -s -n 100 -m 16 -l 1000 -z 2 \
    -u "$(field username)" -w "$(field password)" 9.8.7.1 2>&1 || true
echo "work=$(awk '/^voluntary_ctxt_switches/ && $2 > 100' /proc/$relay/task/*/status | wc -l)"
"#;

#[test]
fn turnutils_uclient_reaches_a_peer_outside_only_where_the_operator_allows() {
    let tools = ["turnutils_uclient", "turnutils_peer", "unshare", "ip"];
    if !tools.into_iter().all(have) {
        return;
    }
    if std::fs::metadata("/proc/self").expect("we run").uid() != 0 {
        println!("skipped: needs root");
        return;
    }
    for (peers, reached) in [("public", true), ("own-relays", false)] {
        let place = tempfile::tempdir().expect("a directory");
        let output = Command::new("unshare")
            .args(["-n", "sh", "-c", TWO_NETWORKS, &binary()])
            .arg(place.path())
            .arg(peers)
            .output()
            .expect("it runs");
        let said = [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .concat();
        assert_eq!(
            said.contains("tot_send_msgs=1600, tot_recv_msgs=1600"),
            reached,
            "{peers}: {said}"
        );
        if reached {
            assert!(said.contains("work=2"), "both threads serve: {said}");
        }
        assert_eq!(said.contains("403"), !reached, "{peers}: {said}");
    }
}

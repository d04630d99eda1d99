//! The tools of another TURN implementation (Debian's package `coturn`) against this one.

use std::process::Command;

use crate::support::{Relay, have};

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
    let output = uclient(&relay, &credential.username, &credential.password);
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
    let output = uclient(&relay, &relay.credential().username, "a guess");
    assert!(output.contains("Cannot complete Allocation"), "{output}");
    assert!(!output.contains("tot_recv_msgs=400"), "{output}");
}

fn uclient(relay: &Relay, username: &str, password: &str) -> String {
    let port = relay.address.port().to_string();
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
        .args(["-p", &port, "-u", username, "-w", password, "127.0.0.1"])
        .output()
        .expect("it runs");
    [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat()
}

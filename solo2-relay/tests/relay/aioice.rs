//! A third implementation, in Python, against this relay: aioice 0.13, over every transport.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::streams::Certificate;
use crate::support::{Relay, have};

#[test]
fn aioice_talks_over_every_transport_and_agrees_on_relayed_candidates() {
    if !have("python3") {
        return;
    }
    let import = Command::new("python3")
        .args(["-c", "import aioice"])
        .stderr(Stdio::null())
        .status();
    if !import.is_ok_and(|it| it.success()) {
        println!("skipped: needs aioice, from PyPI");
        return;
    }
    let certificate = Certificate::new("127.0.0.1");
    let flags = [&certificate.flags()[..], &["--listen-tcp", "127.0.0.1:0"]];
    let relay = Relay::start(&flags.concat());
    let credential = relay.credential();
    let port = |address: Option<std::net::SocketAddr>| address.expect("it listens").port();
    let mut child = Command::new("python3")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/relay/aioice_talks.py"
        ))
        .arg("127.0.0.1")
        .args([Some(relay.address), relay.tcp, relay.tls].map(|it| port(it).to_string()))
        .args([certificate.path("cert.pem"), &credential.username])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    writeln!(stdin, "{}", credential.password).expect("read");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("turn ok") && said.contains("ice ok"),
        "{said}"
    );
}

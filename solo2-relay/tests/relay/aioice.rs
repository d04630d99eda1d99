//! A third implementation, in Python, against this relay: aioice 0.13, over every transport.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::streams::Certificate;
use crate::support::{Relay, have};

/// What a script beside this file said, if Python has this module; it must succeed.
#[expect(clippy::print_stdout, reason = "tests say what they skip")]
pub(crate) fn python(
    module: &str,
    script: &str,
    arguments: &[&str],
    stdin: &str,
) -> Option<String> {
    if !have("python3") {
        return None;
    }
    let import = Command::new("python3")
        .args(["-c", &format!("import {module}")])
        .stderr(Stdio::null())
        .status();
    if !import.is_ok_and(|it| it.success()) {
        println!("skipped: needs {module}, from PyPI");
        return None;
    }
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/relay/");
    let mut child = Command::new("python3")
        .arg(format!("{place}{script}"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut pipe = child.stdin.take().expect("piped");
    writeln!(pipe, "{stdin}").expect("read");
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    assert!(output.status.success(), "{said}");
    Some(said)
}

#[test]
fn aioice_talks_over_every_transport_and_agrees_on_relayed_candidates() {
    let certificate = Certificate::new("127.0.0.1");
    let flags = [&certificate.flags()[..], &["--listen-tcp", "127.0.0.1:0"]];
    let relay = Relay::start(&flags.concat());
    let credential = relay.credential();
    let port = |address: Option<SocketAddr>| address.expect("it listens").port().to_string();
    let arguments = [
        "127.0.0.1",
        &port(Some(relay.address)),
        &port(relay.tcp),
        &port(relay.tls),
        certificate.path("cert.pem"),
        &credential.username,
    ];
    let Some(said) = python(
        "aioice",
        "aioice_talks.py",
        &arguments,
        &credential.password,
    ) else {
        return;
    };
    assert!(
        said.contains("turn ok") && said.contains("ice ok"),
        "{said}"
    );
}

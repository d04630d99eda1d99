//! The command line: what an operator and a supervisor rely on.

use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::support::{BINARY, Said, Server, token};

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .output()
        .expect("the binary starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether a program is installed; says so if it is not.
#[expect(clippy::print_stdout, reason = "tests say what they skip")]
fn have(program: &str) -> bool {
    let there = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).exists())
    });
    if !there {
        println!("skipped: needs {program}");
    }
    there
}

#[test]
fn plain_text_beyond_this_machine_is_refused_with_a_remedy() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:7400"] {
        let output = run(&["serve", "--listen", listen]);
        assert_eq!(output.status.code(), Some(3));
        let said = stderr(&output);
        assert!(
            said.contains("refusing to listen") && said.contains("hint: give --tls-cert"),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_configuration_with_an_unknown_key_is_refused_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("signal.toml");
    std::fs::write(&path, "listen = \"127.0.0.1:0\"\nretention = \"7d\"\n").expect("a file");
    let path = path.to_str().expect("text");
    for command in ["serve", "check-config"] {
        let output = run(&[command, "--config", path]);
        assert_eq!(output.status.code(), Some(3));
        assert!(stderr(&output).contains("retention"), "{}", stderr(&output));
    }
}

#[test]
fn only_memory_is_a_database_and_only_a_minute_a_time() {
    assert_eq!(
        run(&["serve", "--db", "signal.sqlite"]).status.code(),
        Some(2)
    );
    let output = run(&["check-config", "--signal-ttl", "61s"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("60s"), "{}", stderr(&output));
}

#[test]
fn check_config_says_what_holds() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("signal.toml");
    std::fs::write(&path, "signal-ttl = \"30s\"\nstun = \"127.0.0.1:0\"\n").expect("a file");
    let path = path.to_str().expect("text");
    let output = run(&[
        "check-config",
        "--config",
        path,
        "--signal-ttl",
        "20s",
        "--json",
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["signal_ttl_ms"], 20_000);
    assert_eq!(said["stun"], "127.0.0.1:0");
    let output = run(&[
        "check-config",
        "--tls-cert",
        "/nonexistent",
        "--tls-key",
        "/nonexistent",
    ]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output).contains("/nonexistent"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_version_is_told() {
    let output = run(&["version"]);
    assert_eq!(
        output.stdout,
        format!("solo2-signal {}\n", env!("CARGO_PKG_VERSION")).as_bytes()
    );
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = holder.local_addr().expect("bound").to_string();
    let output = run(&["serve", "--listen", &address]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains(&address), "{}", stderr(&output));
}

#[test]
fn health_is_answered_and_absence_noticed() {
    let server = Server::start(&[]);
    let (http, ws) = (
        format!("http://{}", server.listen),
        format!("ws://{}", server.listen),
    );
    for url in [&http, &ws] {
        let output = run(&["health", "--json", "--url", url]);
        assert!(output.status.success(), "{}", stderr(&output));
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(said["status"], "ok");
    }
    drop(server);
    assert_eq!(run(&["health", "--url", &http]).status.code(), Some(9));
    assert_eq!(
        run(&["health", "--url", "ftp://127.0.0.1"]).status.code(),
        Some(9)
    );
}

#[tokio::test]
async fn terminating_says_goodbye_and_ends_in_order() {
    let mut server = Server::start(&[]);
    let mut device = server.device().await;
    let token = token();
    assert_eq!(device.listen(token, false).await, Said::Listening(token));
    let start = Instant::now();
    server.terminate();
    assert_eq!(device.hear().await, Said::Closed);
    let status = server.child.wait().expect("it ends");
    assert!(status.success(), "{status}");
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn the_process_leaves_no_core_and_lets_nobody_look() {
    let server = Server::start(&[]);
    let limits =
        std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("it runs");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .expect("a line");
    let values: Vec<_> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(values, ["0", "0"]);
    // The kernel gives the files of an undumpable process to root.
    let owner = |path: &str| {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(format!("/proc/{}/{path}", server.pid()))
            .expect("it runs")
            .uid()
    };
    assert_eq!(owner("mem"), 0);
}

#[tokio::test]
async fn introductions_write_nothing_to_disk_and_nothing_to_the_log() {
    let server = Server::start(&[]);
    let written = || {
        let io = std::fs::read_to_string(format!("/proc/{}/io", server.pid())).expect("it runs");
        io.lines()
            .find(|line| line.starts_with("write_bytes:"))
            .expect("a line")
            .to_owned()
    };
    let before = written();
    let (mut alice, mut bob) = (server.device().await, server.device().await);
    for _ in 0..100 {
        let (token, blob) = (token(), crate::support::blob());
        bob.listen(token, false).await;
        alice.post(token, &blob).await;
        assert_eq!(bob.hear().await, Said::Deliver(token, blob.to_vec()));
    }
    assert_eq!(written(), before);
}

#[tokio::test]
async fn a_serving_server_has_given_everything_up_on_every_thread() {
    let server = Server::start(&["--stun", "127.0.0.1:0"]);
    let mut device = server.device().await;
    let token = token();
    assert_eq!(device.listen(token, false).await, Said::Listening(token));
    let threads = std::fs::read_dir(format!("/proc/{}/task", server.pid())).expect("it runs");
    let mut count = 0;
    for thread in threads {
        let status = thread.expect("a thread").path().join("status");
        let status = std::fs::read_to_string(status).expect("it runs");
        let of = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            line.expect("a line")[name.len()..].trim().to_owned()
        };
        assert_eq!(
            (of("NoNewPrivs:"), of("Seccomp:")),
            ("1".into(), "2".into())
        );
        for set in ["CapInh:", "CapPrm:", "CapEff:"] {
            assert_eq!(of(set).trim_start_matches('0'), "", "{set}");
        }
        count += 1;
    }
    assert!(count >= 2, "one that waits and one that works");
    let output = run(&[
        "serve",
        "--json",
        "--selftest-sandbox",
        "--listen",
        "127.0.0.1:0",
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["type"], "signal.sandbox");
    assert_eq!(said["escapes"], serde_json::json!([]));
}

#[test]
fn the_shipped_unit_gives_up_what_it_can() {
    if !have("systemd-analyze") {
        return;
    }
    let unit = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../packaging/solo2-signal.service"
    );
    let output = Command::new("systemd-analyze")
        .args([
            "security",
            "--offline=true",
            "--threshold=15",
            "--no-pager",
            unit,
        ])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Overall exposure level"), "{said}");
}

/// As root, it becomes somebody else, whose files it cannot open either.
#[test]
fn root_is_left_behind_with_the_user_that_is_named() {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata("/proc/self").expect("we run").uid() != 0 {
        println!("skipped: needs root");
        return;
    }
    let server = Server::start(&["--user", "nobody"]);
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()));
    let status = status.expect("it runs");
    let line = status.lines().find(|line| line.starts_with("Uid:"));
    let ids: Vec<_> = line.expect("a line").split_whitespace().skip(1).collect();
    assert!(ids.len() == 4 && ids.iter().all(|id| *id != "0"), "{ids:?}");
    let owner = std::fs::metadata(format!("/proc/{}/mem", server.pid())).expect("it runs");
    assert_eq!(owner.uid(), 0, "and still shows nobody its memory");
}

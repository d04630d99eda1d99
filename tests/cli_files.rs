//! What the file verbs ask the owner of the profile for, and what they make of
//! its answers: lines, bars, exit codes. The owner is a few scripted replies on
//! a socket; the real one has its tests in `e2e/files.rs`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

mod cli_support;
use cli_support::Place;

const ID: &str = "f_01J9ZQ6Y3N8V5T2K7M4R1B0C9D";

/// What the owner says to one method.
#[derive(Clone)]
struct Script {
    method: &'static str,
    events: Vec<Value>,
    result: Value,
}

fn script(method: &'static str, events: &[Value], result: Value) -> Script {
    let events = events.to_vec();
    Script {
        method,
        events,
        result,
    }
}

/// An owner that follows a script and remembers what it was asked.
struct Owner {
    place: Place,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Owner {
    fn new(script: Script) -> Owner {
        let place = Place::new();
        let vault = place.path("home/vault");
        fs::create_dir_all(&vault).expect("mkdir");
        for dir in [&place.path("home"), &vault] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).expect("chmod");
        }
        let listener = UnixListener::bind(place.path("home/agent.sock")).expect("bind");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, to) = (script.clone(), Arc::clone(&to));
                thread::spawn(move || serve(stream, &script, &to));
            }
        });
        Owner { place, asked }
    }

    /// The parameters of the only call of a method.
    fn params(&self, method: &str) -> Value {
        let asked = self.asked.lock().expect("asked");
        let mut found = asked.iter().filter(|(name, _)| name == method);
        let params = found.next().expect("the method was called").1.clone();
        assert!(found.next().is_none(), "{method} was called twice");
        params
    }
}

fn serve(stream: UnixStream, script: &Script, asked: &Mutex<Vec<(String, Value)>>) {
    let mut to = stream.try_clone().expect("clone");
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let request: Value = serde_json::from_str(&line).expect("JSON");
        let method = request["method"].as_str().expect("a method").to_owned();
        let id = &request["id"];
        let (events, result) = match method.as_str() {
            "hello" => (&[][..], json!({"mode": "agent", "locked": false})),
            name if name == script.method => (&script.events[..], script.result.clone()),
            _ => (&[][..], json!({})),
        };
        asked
            .lock()
            .expect("asked")
            .push((method, request["params"].clone()));
        for event in events {
            let params = json!({"id": id, "event": event});
            let line = json!({"jsonrpc": "2.0", "method": "event", "params": params});
            let _ = writeln!(to, "{line}");
        }
        let answer = match result.get("exit") {
            Some(_) => json!({"jsonrpc": "2.0", "id": id,
                "error": {"code": -32000, "message": "x", "data": result}}),
            None => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        };
        let _ = writeln!(to, "{answer}");
    }
}

fn progress(bytes: u64) -> Value {
    json!({"v": 1, "type": "file.progress", "peer": "p_1", "id": ID, "name": "a\u{1b}[2J.tar",
        "dir": "in", "bytes": bytes, "size": 4 << 20, "rate_bps": 1 << 20, "route": "direct", "resumed_from": 0})
}

fn done(path: &str) -> Value {
    json!({"v": 1, "type": "file.done", "id": ID, "cursor": "c_7", "peer": "p_1", "peer_name": "alice", "name": "a.tar",
        "path": path, "size": 4 << 20, "blake3": "00", "verified": true})
}

fn sent(state: &str, reason: Value) -> Value {
    json!({"v": 1, "type": "send.result", "id": "01J9ZQ6Y3N8V5T2K7M4R1B0C9A", "waited": "delivered",
    "satisfied": state == "delivered", "results": [
        {"peer": "p_1", "name": "bob", "id": "01J9ZQ6Y3N8V5T2K7M4R1B0C9A", "state": "delivered"},
        {"peer": "p_1", "name": "bob", "id": ID, "state": state, "reason": reason},
    ]})
}

#[test]
fn files_leave_with_absolute_paths_after_the_text() {
    let result = sent("delivered", Value::Null);
    let owner = Owner::new(script(
        "send",
        &[sent("queued", Value::Null), progress(1)],
        result,
    ));
    fs::write(owner.place.path("a.tar"), "x").expect("write");
    let ended = owner
        .place
        .run(&[
            "send",
            "bob",
            "-m",
            "hi",
            "-f",
            "a.tar",
            "--wait",
            "delivered",
        ])
        .code(0);
    assert_eq!(ended.stdout, format!("01J9ZQ6Y3N8V5T2K7M4R1B0C9A\n{ID}\n"));
    assert_eq!(ended.stderr, "", "a pipe gets no bar");
    let params = owner.params("send");
    let path = owner.place.path("a.tar");
    let path = fs::canonicalize(path).expect("a path");
    assert_eq!(params["files"], json!([{"path": path}]));
    assert_eq!(
        (&params["text"], &params["peers"]),
        (&json!("hi"), &json!(["bob"]))
    );
    assert_eq!(
        params.get("timeout_ms"),
        None,
        "files are waited for as long as they move"
    );
}

#[test]
fn a_timeout_that_was_named_counts_for_files_too() {
    let owner = Owner::new(script("send", &[], sent("delivered", Value::Null)));
    fs::write(owner.place.path("a.tar"), "x").expect("write");
    owner
        .place
        .run(&["send", "bob", "-f", "a.tar", "--timeout", "2s"])
        .code(0);
    assert_eq!(owner.params("send")["timeout_ms"], 2000);
}

#[test]
fn a_file_that_will_not_arrive_is_told_with_its_reason_and_exit_code() {
    for (state, reason, code) in [
        ("rejected", "rejected", 11),
        ("cancelled", "cancelled", 11),
        ("failed", "source_changed", 3),
        ("failed", "file_broken", 12),
    ] {
        let failed = json!({"v": 1, "type": "file.failed", "peer": "p_1", "id": ID,
            "reason": reason, "message": "why it is so", "retryable": false});
        let owner = Owner::new(script("send", &[failed], sent(state, json!(reason))));
        fs::write(owner.place.path("a.tar"), "x").expect("write");
        let ended = owner
            .place
            .run(&["send", "bob", "-f", "a.tar", "--wait", "delivered"])
            .code(code);
        assert!(
            ended
                .stderr
                .contains(&format!("solo2: {ID} to bob: {state}: why it is so")),
            "{ended:?}"
        );
        assert!(!ended.stdout.contains("why"), "{ended:?}");
    }
}

#[test]
fn received_files_go_where_they_are_wanted_and_are_acknowledged() {
    let events = [progress(1 << 20), done("/in/a.tar")];
    let owner = Owner::new(script(
        "recv",
        &events,
        json!({"count": 1, "cursor": "c_7"}),
    ));
    fs::create_dir(owner.place.path("in")).expect("mkdir");
    let ended = owner
        .place
        .run(&["recv", "--files-to", "in", "--rename"])
        .code(0);
    assert_eq!(
        ended.stdout,
        "alice sent the file a.tar, 4.0 MiB: /in/a.tar\n"
    );
    assert_eq!(ended.stderr, "");
    let params = owner.params("recv");
    let inbox = fs::canonicalize(owner.place.path("in")).expect("a path");
    assert_eq!(
        (&params["files_to"], &params["existing"]),
        (&json!(inbox), &json!("rename"))
    );
    assert_eq!(owner.params("recv.ack")["cursor"], "c_7");
}

#[test]
fn with_json_every_step_of_a_file_is_a_line() {
    let events = [progress(1 << 20), progress(2 << 20), done("/in/a.tar")];
    let owner = Owner::new(script("recv", &events, json!({"count": 1})));
    let ended = owner
        .place
        .run(&["recv", "--files-to", ".", "--json"])
        .code(0);
    let kinds: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["type"].take())
        .collect();
    assert_eq!(kinds, ["file.progress", "file.progress", "file.done"]);
}

#[test]
fn a_file_that_is_still_under_way_is_exit_7_with_what_to_do() {
    let owner = Owner::new(script("recv", &[], json!({"count": 0, "unfinished": 1})));
    let ended = owner
        .place
        .run(&["recv", "--files-to", ".", "--json"])
        .code(7);
    assert_eq!(ended.last()["code"], "file_unfinished");
    assert!(
        ended.stderr.contains("solo2 file resume"),
        "{}",
        ended.stderr
    );
}

#[test]
fn accepting_names_the_place_and_tells_where_the_file_is() {
    let owner = Owner::new(script("file.accept", &[progress(1)], done("/in/b.tar")));
    let bare = ID.trim_start_matches("f_");
    let ended = owner
        .place
        .run(&["file", "accept", bare, "-o", "b.tar", "--timeout", "1s"])
        .code(0);
    assert_eq!(
        ended.stdout,
        "alice sent the file a.tar, 4.0 MiB: /in/b.tar\n"
    );
    let params = owner.params("file.accept");
    let to = fs::canonicalize(owner.place.path("."))
        .expect("a path")
        .join("b.tar");
    assert_eq!(
        (
            &params["id"],
            &params["to"],
            &params["existing"],
            &params["timeout_ms"]
        ),
        (&json!(ID), &json!(to), &json!("refuse"), &json!(1000))
    );
}

#[test]
fn what_the_owner_refuses_ends_with_its_code() {
    let failure = json!({"code": "unknown_file", "exit": 5, "message": "no file has the id"});
    let owner = Owner::new(script("file.cancel", &[], failure));
    let ended = owner.place.run(&["file", "cancel", ID, "--json"]).code(5);
    assert_eq!(ended.last()["code"], "unknown_file");
}

#[test]
fn files_are_listed_one_a_line() {
    let file = json!({"v": 1, "type": "file", "id": ID, "peer": {"name": "bob", "id": "p_1"},
        "dir": "in", "name": "a.tar", "shape": "file", "size": 4 << 20, "bytes": 1 << 20,
        "state": "running", "path": null});
    let owner = Owner::new(script("file.list", &[file], json!({"count": 1})));
    let ended = owner.place.run(&["file", "list"]).code(0);
    assert_eq!(
        ended.stdout,
        format!("{ID}  from bob  running  the file a.tar, 4.0 MiB, 1.0 MiB so far\n")
    );
}

#[test]
fn on_a_terminal_a_bar_shows_how_far_a_file_is_and_leaves_no_trace() {
    let events = [progress(1 << 20), progress(2 << 20), done("/in/a.tar")];
    let owner = Owner::new(script("recv", &events, json!({"count": 1})));
    let shown = |more: &str| {
        let line = format!(
            "{} --home home recv --files-to . {more}",
            env!("CARGO_BIN_EXE_solo2")
        );
        let output = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .current_dir(owner.place.path("."))
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .output()
            .ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Some(bar) = shown("") else {
        println!("skipped: needs script");
        return;
    };
    assert!(bar.contains("1.0 MiB of 4.0 MiB, 1.0 MiB/s"), "{bar:?}");
    assert!(bar.contains("a\u{fffd}[2J.tar [="), "{bar:?}");
    assert!(!bar.contains("\u{1b}[2J"), "a name is only a name: {bar:?}");
    let last = bar.lines().last().expect("a line");
    assert!(last.ends_with("a.tar, 4.0 MiB: /in/a.tar"), "{bar:?}");
    for quiet in ["--plain", "-q", "--json"] {
        let shown = shown(quiet).expect("script");
        assert!(!shown.contains(" of 4.0 MiB"), "{quiet}: {shown:?}");
    }
}

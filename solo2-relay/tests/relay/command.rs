//! The command line: what an operator, a supervisor and scripts rely on.

use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use solo2_relay::invite::Invite;

use crate::support::{Client, Credential, Relay, have, json, run, stderr};

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

#[test]
fn the_transcript_of_the_contract_works_in_any_order() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("s");
    let secret = file.to_str().expect("text");
    let invite = run(&[
        "invite",
        "--secret-file",
        secret,
        "--public",
        "turn:127.0.0.1:7478",
    ]);
    assert!(invite.status.success(), "{}", stderr(&invite));
    let url = String::from_utf8(invite.stdout).expect("text");
    let invite: Invite = url
        .trim_end()
        .parse()
        .unwrap_or_else(|error| panic!("{url}: {error}"));
    assert_eq!(invite.udp, Some(7478));
    assert_eq!(url.lines().count(), 1);
    // A server that starts later with this file serves that invite.
    let relay = Relay::start_with(file, place, &[]);
    let (username, password) = invite.credential(now(), 600);
    let credential = Credential {
        username: username.to_string(),
        password: password.expose().to_owned(),
    };
    assert_eq!(Client::new(&relay, &credential).allocate(), 0);
}

#[test]
fn an_invite_configures_a_client_in_one_step() {
    let relay = Relay::start(&[]);
    let secret = relay.secret_file();
    let said = json(&run(&[
        "invite",
        "--secret-file",
        secret.to_str().expect("text"),
        "--public",
        &relay.uri(),
        "--ttl",
        "1h",
        "--json",
    ]));
    let url = said["url"].as_str().expect("text");
    let invite: Invite = url.parse().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(said["id"], invite.id.to_string());
    assert!(
        said["expires_at"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z'))
    );
    let (username, password) = invite.credential(now(), 12 * 3600);
    assert!(
        username.expires <= now() + 3600,
        "not longer than the invite"
    );
    let credential = Credential {
        username: username.to_string(),
        password: password.expose().to_owned(),
    };
    let mut client = Client::new(&relay, &credential);
    assert_eq!(client.allocate(), 0);
    // One letter of it changed, and it opens nothing.
    let mut spoiled = credential.password.into_bytes();
    spoiled[5] ^= 1;
    let spoiled = Credential {
        username: credential.username,
        password: String::from_utf8(spoiled).expect("text"),
    };
    assert_eq!(Client::new(&relay, &spoiled).allocate(), 401);
}

#[test]
fn a_turn_credential_has_the_fields_that_clients_take() {
    let place = tempfile::tempdir().expect("a directory");
    let secret = place.path().join("s");
    let secret = secret.to_str().expect("text");
    let arguments = [
        "invite",
        "--secret-file",
        secret,
        "--public",
        "turn:relay.example",
        "--turn-credential",
        "--json",
    ];
    let said = json(&run(&arguments));
    assert_eq!(
        said["urls"],
        serde_json::json!(["turn:relay.example:3478?transport=udp"])
    );
    assert!(
        said["username"]
            .as_str()
            .is_some_and(|name| name.len() == 27)
    );
    assert_eq!(said["password"].as_str().map(str::len), Some(28));
    assert!(
        said["expires_at"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z'))
    );
}

#[test]
fn a_qr_code_shows_the_invite_too() {
    let place = tempfile::tempdir().expect("a directory");
    let secret = place.path().join("s");
    let output = run(&[
        "invite",
        "--secret-file",
        secret.to_str().expect("text"),
        "--public",
        "turn:relay.example",
        "--qr",
    ]);
    let said = String::from_utf8(output.stdout).expect("text");
    let (code, url): (Vec<&str>, Vec<&str>) = said
        .lines()
        .partition(|line| !line.starts_with("solo2-relay://"));
    assert_eq!(url.len(), 1);
    assert!(
        code.len() > 15 && code.iter().all(|line| line.chars().count() <= 80),
        "{said}"
    );
}

#[test]
fn init_makes_a_secret_once_for_its_owner() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("secret");
    let path = path.to_str().expect("text");
    assert!(run(&["init", "--secret-file", path]).status.success());
    let mode = std::fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read(path).expect("read");
    let again = run(&["init", "--secret-file", path]);
    assert_eq!(again.status.code(), Some(3));
    assert!(
        stderr(&again).contains(path) && stderr(&again).contains("hint:"),
        "{}",
        stderr(&again)
    );
    assert_eq!(std::fs::read(path).expect("read"), before);
}

#[test]
fn a_relay_goes_by_the_name_it_was_given() {
    let relay = Relay::start(&["--realm", "relay.example"]);
    let credential = relay.credential();
    assert_eq!(Client::new(&relay, &credential).allocate(), 401);
    let mut client = Client::new(&relay, &credential).under("relay.example", &credential);
    assert_eq!(client.allocate(), 0);
}

#[test]
fn what_cannot_serve_is_refused_with_a_remedy() {
    let place = tempfile::tempdir().expect("a directory");
    let (secret, short) = (place.path().join("s"), place.path().join("short"));
    let (secret, short) = (
        secret.to_str().expect("text"),
        short.to_str().expect("text"),
    );
    std::fs::write(short, "hunter2").expect("written");
    let onion = "turn:a.onion:3478?transport=tcp";
    let cases: [(&[&str], i32, &str); 11] = [
        (&["health", "--url", onion], 2, "through Tor"),
        (&["serve"], 3, "--secret-file FILE"),
        (&["serve", "--secret-file", short], 3, "16 bytes"),
        (
            &[
                "serve",
                "--secret-file",
                secret,
                "--listen-udp",
                "0.0.0.0:0",
            ],
            3,
            "--public-ip",
        ),
        (
            &[
                "serve",
                "--secret-file",
                secret,
                "--listen-udp",
                "192.0.2.1:3478",
            ],
            3,
            "192.0.2.1:3478",
        ),
        (
            &[
                "serve",
                "--secret-file",
                secret,
                "--onion",
                "192.0.2.1:3478",
            ],
            3,
            "loopback",
        ),
        (
            &[
                "invite",
                "--secret-file",
                secret,
                "--public",
                "turn:a.onion:3478",
            ],
            2,
            "?transport=tcp",
        ),
        (
            &["serve", "--secret-file", secret, "--cred-ttl", "48h"],
            3,
            "24h",
        ),
        (
            &["serve", "--secret-file", secret, "--realm", "a relay"],
            2,
            "like relay.example",
        ),
        (
            &["serve", "--secret-file", secret, "--role", "mailbox"],
            2,
            "mailbox",
        ),
        (
            &[
                "invite",
                "--secret-file",
                secret,
                "--public",
                "relay.example",
            ],
            2,
            "turn:HOST:PORT",
        ),
    ];
    for (arguments, code, word) in cases {
        let output = run(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(word),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn check_config_says_what_holds() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("relay.toml");
    let secret = place.path().join("s");
    std::fs::write(
        &path,
        format!("secret-file = {secret:?}\nrole = [\"turn\"]\nmax-allocs = 7\n"),
    )
    .expect("a file");
    let path = path.to_str().expect("text");
    let said = json(&run(&[
        "check-config",
        "--config",
        path,
        "--peers",
        "public",
        "--threads",
        "3",
        "--json",
    ]));
    assert_eq!(said["threads"], 3);
    assert_eq!(said["role"], serde_json::json!(["turn"]));
    assert_eq!(
        (&said["max_allocs"], &said["peers"]),
        (&7.into(), &"public".into())
    );
    assert!(!secret.exists(), "checking makes nothing");
    std::fs::write(path, "log-addresses = true\n").expect("a file");
    let output = run(&["check-config", "--config", path]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output).contains("log-addresses"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_version_is_told() {
    assert_eq!(
        run(&["version"]).stdout,
        format!("solo2-relay {}\n", env!("CARGO_PKG_VERSION")).as_bytes()
    );
}

#[test]
fn health_is_answered_in_every_role_and_absence_noticed() {
    for role in ["turn", "stun", "turn,stun"] {
        let mut relay = Relay::start(&["--role", role]);
        let said = json(&run(&["health", "--json", "--url", &relay.uri()]));
        assert_eq!(said["status"], "ok", "{role}");
        relay.signal("TERM");
        assert!(
            relay.child.wait().expect("it ends").success(),
            "terminating is no error"
        );
        assert_eq!(
            run(&["health", "--url", &relay.uri()]).status.code(),
            Some(9)
        );
    }
}

#[test]
fn an_answer_comes_from_the_address_that_was_asked() {
    let everywhere = [
        "--listen-udp",
        "0.0.0.0:0",
        "--listen-udp",
        "[::]:0",
        "--public-ip",
        "127.0.0.1",
    ];
    let relay = Relay::start(&everywhere);
    let [_, v4, v6] = relay.addresses[..] else {
        panic!("three sockets");
    };
    for (host, port) in [
        ("127.0.0.1", v4.port()),
        ("127.0.0.9", v4.port()),
        ("[::1]", v6.port()),
    ] {
        let said = json(&run(&[
            "health",
            "--json",
            "--url",
            &format!("turn:{host}:{port}"),
        ]));
        assert_eq!(said["status"], "ok", "{host}");
    }
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let holder = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = holder.local_addr().expect("bound").to_string();
    let output = run(&["serve", "--role", "stun", "--listen-udp", &address]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains(&address), "{}", stderr(&output));
}

#[test]
fn a_serving_relay_has_given_everything_up() {
    for (peers, threads) in [("own-relays", "1"), ("public", "1"), ("public", "3")] {
        let flags = ["--peers", peers, "--threads", threads];
        let relay = Relay::start(&[&flags[..], &["--listen-tcp", "127.0.0.1:0"]].concat());
        let all = |name: &str, wanted: &str| {
            let found = relay.statuses(name);
            assert_eq!(found.len().to_string(), threads);
            let given_up = |found: &String| found.trim_start_matches('0') == wanted;
            assert!(found.values().all(given_up), "{name} {found:?}");
        };
        all("NoNewPrivs:", "1");
        all("Seccomp:", "2");
        for set in ["CapInh:", "CapPrm:", "CapEff:"] {
            all(set, "");
        }
        let secret = relay.secret_file();
        let secret = secret.to_str().expect("text");
        let arguments = [
            "serve",
            "--json",
            "--selftest-sandbox",
            "--listen-udp",
            "127.0.0.1:0",
            "--peers",
            peers,
            "--threads",
            threads,
            "--listen-tcp",
            "127.0.0.1:0",
            "--secret-file",
            secret,
        ];
        let said = json(&run(&arguments));
        assert_eq!(said["escapes"], serde_json::json!([]));
    }
}

#[test]
fn the_shipped_unit_gives_up_what_it_can() {
    if !have("systemd-analyze") {
        return;
    }
    let unit = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../packaging/solo2-relay.service"
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

#[test]
fn serving_writes_nothing_to_the_disk() {
    let relay = Relay::start(&[]);
    let written = || {
        let io = std::fs::read_to_string(format!("/proc/{}/io", relay.pid())).expect("it runs");
        io.lines()
            .find(|line| line.starts_with("write_bytes:"))
            .expect("a line")
            .to_owned()
    };
    let mut client = Client::new(&relay, &relay.credential());
    let before = written();
    assert_eq!(client.allocate(), 0);
    assert_eq!(client.bind(0x4000, client.relayed), 0);
    client.send(0x4000, b"not for the disk");
    assert!(client.receive().is_some());
    assert_eq!(written(), before);
}

#[test]
fn an_operator_sees_sums_and_changes_limits_while_it_runs() {
    let place = tempfile::tempdir().expect("a directory");
    let socket = place.path().join("control");
    let socket = socket.to_str().expect("text");
    let relay = Relay::start(&["--control", socket, "--max-allocs", "5"]);
    let mode = std::fs::metadata(socket)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let ask = |words: &[&str]| {
        let (verb, rest) =
            words.split_at(words.len().min(if words[0] == "limits" { 2 } else { 1 }));
        run(&[verb, &["--control", socket, "--json"], rest].concat())
    };
    let mut client = Client::new(&relay, &relay.credential());
    assert_eq!(client.allocate(), 0);
    assert_eq!(client.bind(0x4000, client.relayed), 0);
    client.send(0x4000, &[7; 100]);
    assert!(client.receive().is_some());
    let said = json(&ask(&["stats"]));
    assert_eq!(
        (&said["v"], &said["type"]),
        (&1.into(), &"relay.stats".into())
    );
    for (name, wanted) in [
        ("live", 1),
        ("allocations", 1),
        ("datagrams", 1),
        ("bytes", 100),
        ("refusals", 1),
    ] {
        assert_eq!(said[name], wanted, "{name}: {said}");
    }
    let text = said.to_string();
    assert!(!text.contains("127.0.0.1"), "{text}");
    assert_eq!(json(&ask(&["limits", "show"]))["max_allocs"], 5);
    let changed = json(&ask(&[
        "limits",
        "set",
        "--max-allocs",
        "1",
        "--max-bps-per-cred",
        "8000000",
    ]));
    assert_eq!(
        (&changed["max_allocs"], &changed["max_bps_per_cred"]),
        (&1.into(), &8_000_000.into())
    );
    let mut second = Client::new(&relay, &relay.credential());
    assert_eq!(second.allocate(), 508);
    assert_eq!(client.refresh(600), 0, "what is there stays");
    json(&ask(&["limits", "set", "--max-allocs", "2"]));
    assert_eq!(second.allocate(), 0);
    let refused = ask(&["limits", "set", "--max-allocs", "0"]);
    assert!(
        stderr(&refused).contains("between 1 and 1000000"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(ask(&["limits", "set"]).status.code(), Some(2));
    let people = run(&["stats", "--control", socket]);
    assert!(String::from_utf8_lossy(&people.stdout).starts_with("2 allocations, 0 connections; 2"));
    drop(relay);
    let gone = ask(&["stats"]);
    assert_eq!(gone.status.code(), Some(9));
    assert!(
        stderr(&gone).contains("hint: the relay must run with --control"),
        "{}",
        stderr(&gone)
    );
    // What a relay that was killed left behind is no obstacle.
    let relay = Relay::start(&["--control", socket]);
    assert_eq!(json(&ask(&["stats"]))["live"], 0);
    drop(relay);
}

//! What is typed wrong ends with exit 2, a sentence and a remedy; what cannot
//! be done ends with the exit code that docs/cli.md names.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

mod cli_support;
use cli_support::{Place, bare};

#[test]
fn nothing_typed_shows_the_three_first_commands() {
    let place = Place::new();
    let output = bare(&place.path("."))
        .stdin(Stdio::null())
        .output()
        .expect("run");
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0));
    for first in ["solo2 init", "solo2 pair invite", "solo2 send"] {
        assert!(help.contains(first), "{first}");
    }
}

#[test]
fn long_help_names_every_exit_code() {
    let help = Place::new().run(&["--help"]).code(0).stdout;
    for code in [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 130, 141, 143,
    ] {
        assert!(help.contains(&format!("\n  {code:>3}  ")), "{code}");
    }
}

#[test]
fn the_version_is_told_in_three_ways() {
    let place = Place::new();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        place.run(&["--version"]).code(0).stdout,
        format!("solo2 {version}\n")
    );
    assert_eq!(
        place.run(&["version"]).code(0).stdout,
        format!("solo2 {version}\n")
    );
    let json = place.run(&["version", "--json"]).code(0).stdout;
    assert_eq!(
        json,
        format!("{{\"v\":1,\"type\":\"version\",\"version\":\"{version}\"}}\n")
    );
}

#[test]
fn a_wrong_flag_is_exit_2_and_with_json_an_error_object() {
    let place = Place::new();
    for words in [
        &["send"][..],
        &["send", "bob", "--wait", "mailboxed"],
        &["send", "bob", "-m", "x", "--geo", "1,2"],
        &["send", "bob", "--geo", "100,2"],
        &["send", "bob:x", "-m", "x"],
        &["--route", "sideways", "version"],
        &["--transport", "pigeon", "version"],
        &["send", "bob", "-f", "x", "--geo", "1,2"],
        &["send", "bob", "-f", "x", "--lines"],
        &["send", "bob", "-f", "-"],
        &["send", "bob", "-f"],
        &["send", "bob", "-f", "x", "--name", "x"],
        &["send", "bob", "-m", "x", "--name", "x"],
        &["send", "bob", "-f", "-", "--name", "a/b"],
        &["send", "bob", "-f", "-", "--name", ".hidden"],
        &["send", "bob", "-f", "-", "-f", "-", "--name", "x"],
        &["send", "bob", "-f", "-", "-f", "x", "--name", "x"],
        &["send", "bob", "-", "-f", "-", "--name", "x"],
        &["send", "bob", "-m", "-", "-f", "-", "--name", "x"],
        &["send", "bob", "-m", "x", "-f", "-", "--name", "x"],
        &["send", "bob", "eve", "-f", "-", "--name", "x"],
        &["send", "bob", "-f", "-", "--name", "x", "--wait", "read"],
        &["send", "bob", "-f", "-", "--name", "x", "--id", "1"],
        &[
            "send",
            "bob",
            "-f",
            "-",
            "--name",
            "x",
            "--password-file",
            "-",
        ],
        &["pipe"],
        &["pipe", "bob", "eve"],
        &["pipe", "bob:"],
        &["pipe", ":label"],
        &["pipe", "bob:a/b"],
        &["pipe", "bob:a:b"],
        &["pipe", "--listen"],
        &["pipe", "bob", "--password-file", "-"],
        &["search"],
        &["search", "x", "--limit", "0"],
        &["search", "x", "--since", "sometime"],
        &["search", "x", "--from", "bob", "--in", "bob"],
        &["file"],
        &["file", "accept"],
        &["file", "accept", "01J9Z"],
        &[
            "file",
            "accept",
            "f_01J9ZQ6Y3N8V5T2K7M4R1B0C9D",
            "-o",
            "-",
            "--rename",
        ],
        &["file", "accept", "f_01J9ZQ6Y3N8V5T2K7M4R1B0C9D", "--rename"],
        &["file", "resume", "bob"],
        &["recv", "--overwrite"],
        &["recv", "--files-to", ".", "--overwrite", "--rename"],
        &["contact", "set", "bob", "max-file=10M"],
        &["recv", "--foreground"],
        &["recv", "--type", "nonsense"],
        &["recv", "--since", "42"],
        &["edit", "not-an-id", "-m", "x"],
        &["contact", "set", "bob", "cover=on"],
        &["contact", "trust", "bob"],
        &["pair", "join"],
        &["frobnicate"],
        &["schema", "nonsense"],
    ] {
        let plain = place.run(words).code(2);
        assert!(!plain.stderr.is_empty(), "{words:?}");
        assert_eq!(plain.stdout, "", "{words:?}");
        let mut words = words.to_vec();
        words.push("--json");
        let error = place.run(&words).code(2).last();
        assert_eq!(
            (&error["v"], &error["type"]),
            (&1.into(), &"error".into()),
            "{words:?}"
        );
        assert_eq!(error["exit"], 2, "{words:?}");
        assert!(!error["message"].as_str().expect("a message").is_empty());
    }
}

#[test]
fn json_can_be_asked_for_by_the_environment() {
    let place = Place::new();
    let run = |value: &str| {
        let output = place
            .command(&["version"])
            .env("SOLO2_JSON", value)
            .output()
            .expect("run");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(run("1").starts_with("{\"v\":1,"));
    assert!(run("0").starts_with("solo2 "));
    assert!(run("").starts_with("solo2 "));
}

#[test]
fn an_empty_message_never_hangs_and_is_exit_2() {
    let place = Place::new();
    let ended = place.run(&["send", "bob"]).code(2);
    assert!(ended.stderr.contains("empty message"), "{}", ended.stderr);
    assert!(ended.stderr.contains("\nhint: "), "{}", ended.stderr);
    place.run(&["send", "bob", "-m", ""]).code(2);
    place.run_with(&["send", "bob", "-"], b"").code(2);
}

#[test]
fn a_text_that_cannot_be_sent_is_named_before_anything_else() {
    let place = Place::new();
    let long = place
        .run_with(&["send", "bob", "--json"], &vec![b'x'; 65_537])
        .code(2);
    assert_eq!(long.last()["code"], "text_too_long");
    let binary = place
        .run_with(&["send", "bob", "--json"], b"ab\xff\xfe")
        .code(2);
    assert_eq!(binary.last()["code"], "text_not_utf8");
    assert!(
        binary.last()["message"]
            .as_str()
            .expect("text")
            .contains("byte 2")
    );
}

#[test]
fn a_file_that_cannot_be_sent_is_named_before_anything_else() {
    let place = Place::new();
    fs::write(place.path("there"), "x").expect("write");
    let ended = place
        .run(&["send", "bob", "-m", "hi", "-f", "there", "-f", "missing"])
        .code(3);
    assert!(
        ended.stderr.contains("missing: no such file"),
        "{}",
        ended.stderr
    );
    place.run(&["send", "bob", "-f", "/dev/null"]).code(3);
    let stream = place.run(&["send", "bob", "-f", "-"]).code(2);
    assert!(
        stream.stderr.contains("-f - --name NAME"),
        "{}",
        stream.stderr
    );
    // It comes as far as the profile, which is not there: stdin is not looked at.
    let ended = place
        .run_with(&["send", "bob", "-f", "there", "--json"], b"\xff")
        .last();
    assert_eq!(ended["code"], "no_profile");
    let named = place.run_with(&["send", "bob", "-", "-f", "there", "--json"], b"\xff");
    assert_eq!(named.last()["code"], "text_not_utf8");
}

#[test]
fn what_is_piped_is_not_looked_at_before_there_is_a_profile() {
    let place = Place::new();
    for words in [
        &["pipe", "bob"][..],
        &["pipe", "bob:etc-backup"],
        &["pipe", "--listen", "bob:etc-backup"],
        &["send", "bob", "-f", "-", "--name", "a.tar"],
        &["file", "accept", "01J9ZQ6Y3N8V5T2K7M4R1B0C9D", "-o", "-"],
    ] {
        let ended = place.run_with(words, b"\xff").code(3);
        assert!(ended.stderr.contains("solo2 init"), "{}", ended.stderr);
        assert_eq!(ended.stdout, "", "{words:?}");
    }
    // What goes to stdout is data, so what is said goes beside it.
    let words = ["pipe", "--listen", "bob", "--json"];
    let ended = place.run(&words).code(3);
    assert_eq!(ended.stdout, "");
    assert!(
        ended.stderr.contains(r#""code":"no_profile""#),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_place_for_files_that_is_not_there_is_named_with_its_remedy() {
    let place = Place::new();
    fs::write(place.path("file"), "x").expect("write");
    for words in [
        &["recv", "--files-to", "missing"][..],
        &["recv", "--files-to", "file"],
        &[
            "file",
            "accept",
            "01J9ZQ6Y3N8V5T2K7M4R1B0C9D",
            "-o",
            "missing/x",
        ],
    ] {
        let ended = place.run(words).code(3);
        assert!(
            ended
                .stderr
                .contains("\nhint: make the directory first: mkdir"),
            "{}",
            ended.stderr
        );
    }
    let taken = place
        .run(&[
            "file",
            "accept",
            "01J9ZQ6Y3N8V5T2K7M4R1B0C9D",
            "-o",
            "file",
            "--json",
        ])
        .code(3);
    assert_eq!(taken.last()["code"], "exists");
}

#[test]
fn stdin_is_not_both_password_and_text() {
    let place = Place::new();
    let ended = place
        .run_with(&["send", "bob", "--password-file", "-"], b"pw")
        .code(2);
    assert!(ended.stderr.contains("stdin"), "{}", ended.stderr);
}

#[test]
fn a_profile_that_is_not_there_is_named_with_its_remedy() {
    let place = Place::new();
    for words in [
        &["send", "bob", "-m", "x"][..],
        &["recv"],
        &["contact", "list"],
        &["agent", "start"],
        &["agent", "run"],
        &["vault", "unlock"],
        &["identity", "show"],
    ] {
        let mut words = words.to_vec();
        words.extend(["--json", "--no-input"]);
        let ended = place.run(&words).code(3);
        assert_eq!(ended.last()["code"], "no_profile", "{words:?}");
        assert!(
            ended.stderr.contains("hint: create it: solo2 init"),
            "{words:?}"
        );
    }
    assert!(!place.path("home").exists(), "asking created something");
}

#[test]
fn without_an_agent_its_status_is_exit_4_and_stopping_it_is_fine() {
    let place = Place::new();
    assert_eq!(
        place.run(&["agent", "status", "--json"]).code(4).last()["code"],
        "no_agent"
    );
    place.run(&["agent", "stop"]).code(0);
    let status = place.run(&["vault", "status", "--json"]).code(0).last();
    assert_eq!(status["exists"], false);
    fs::create_dir_all(place.path("home/vault")).expect("mkdir");
    fs::set_permissions(place.path("home/vault"), fs::Permissions::from_mode(0o700))
        .expect("chmod");
    let required = place.run(&["recv", "--agent", "require", "--json"]).code(4);
    assert_eq!(required.last()["code"], "no_agent");
}

#[test]
fn a_vault_that_others_can_read_is_refused_with_the_command_that_closes_it() {
    let place = Place::new();
    fs::create_dir_all(place.path("home/vault")).expect("mkdir");
    fs::set_permissions(place.path("home/vault"), fs::Permissions::from_mode(0o755))
        .expect("chmod");
    let ended = place.run(&["recv"]).code(3);
    assert!(
        ended.stderr.contains("hint: close it: chmod 700 "),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_password_that_is_nowhere_is_exit_4_without_a_question() {
    let place = Place::new();
    fs::create_dir_all(place.path("home/vault")).expect("mkdir");
    fs::set_permissions(place.path("home/vault"), fs::Permissions::from_mode(0o700))
        .expect("chmod");
    let ended = place.run(&["recv", "--no-input", "--json"]).code(4);
    assert_eq!(ended.last()["code"], "locked");
    // The variable that many expect is not read.
    let output = place
        .command(&["recv", "--no-input"])
        .env("SOLO2_PASSWORD", "secret")
        .stdin(Stdio::null())
        .output()
        .expect("run");
    assert_eq!(output.status.code(), Some(4));
    let missing = place
        .run(&["recv", "--password-file", "nowhere", "--json"])
        .code(3);
    assert!(
        missing.last()["message"]
            .as_str()
            .expect("text")
            .contains("nowhere")
    );
}

#[test]
fn init_overwrites_neither_a_profile_nor_a_file() {
    let place = Place::new();
    fs::write(place.path("pw"), "correct horse").expect("write");
    fs::write(place.path("words"), "precious").expect("write");
    let words = ["init", "--password-file", "pw", "--words-out", "words"];
    place.run(&words).code(3);
    assert_eq!(fs::read(place.path("words")).expect("read"), b"precious");
    fs::create_dir_all(place.path("home/vault")).expect("mkdir");
    let ended = place
        .run(&[
            "init",
            "--password-file",
            "pw",
            "--words-out",
            "new",
            "--json",
        ])
        .code(3);
    assert_eq!(ended.last()["code"], "profile_exists");
    assert!(!place.path("new").exists());
}

#[test]
fn init_without_a_place_for_the_words_makes_nothing() {
    let place = Place::new();
    fs::write(place.path("pw"), "correct horse").expect("write");
    // A session of its own has no terminal to show them on.
    let output = std::process::Command::new("setsid")
        .arg("--wait")
        .arg(env!("CARGO_BIN_EXE_solo2"))
        .arg("--home")
        .arg(place.path("home"))
        .args(["init", "--password-file"])
        .arg(place.path("pw"))
        .stdin(Stdio::null())
        .output()
        .expect("run");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--words-out FILE"));
    assert!(!place.path("home").exists());
}

#[test]
fn chat_without_a_terminal_is_exit_2() {
    let ended = Place::new().run(&["chat", "bob"]).code(2);
    assert!(
        ended.stderr.contains("solo2 send and solo2 recv"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_reader_that_leaves_ends_the_program_quietly_with_141() {
    let place = Place::new();
    let mut child = place
        .command(&["completion", "bash"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spawn");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("wait");
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn the_schema_covers_what_the_contract_names() {
    let place = Place::new();
    let schema = place.run(&["schema", "--json"]).code(0).last();
    for kind in [
        "message",
        "receipt",
        "send.result",
        "identity.changed",
        "route",
        "error",
        "hello",
        "gap",
    ] {
        assert!(schema["$defs"][kind].is_object(), "{kind}");
    }
    let one = place.run(&["schema", "message"]).code(0).stdout;
    let one: serde_json::Value = serde_json::from_str(&one).expect("JSON");
    assert_eq!(one["$defs"].as_object().expect("defs").len(), 1);
}

#[test]
fn a_service_file_names_the_profile_and_no_secret() {
    let place = Place::new();
    fs::write(place.path("pw"), "correct horse").expect("write");
    let unit = place
        .run(&[
            "agent",
            "install",
            "--systemd",
            "--password-file",
            "pw",
            "-p",
            "work",
        ])
        .code(0)
        .stdout;
    assert!(unit.contains("Type=notify"));
    assert!(unit.contains("\"--profile\" \"work\""));
    assert!(!unit.contains("correct horse"));
    let list = place.run(&["agent", "install", "--launchd"]).code(0).stdout;
    assert!(list.starts_with("<?xml"));
}

//! On a real pseudo-terminal: questions are asked there and answered without
//! echo, and the terminal is left as it was found.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

mod cli_support;
use cli_support::Place;

/// Runs a shell line under `script`, which gives it a terminal, types `keys`,
/// and returns what the terminal showed.
fn on_terminal(place: &Place, line: &str, keys: &[u8]) -> Option<String> {
    use std::io::Write;
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", line, "/dev/null"])
        .current_dir(place.path("."))
        .env_remove("PINENTRY_PROGRAM")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take().expect("stdin");
    // The question silences the terminal first; typing waits for that.
    std::thread::sleep(std::time::Duration::from_millis(700));
    stdin.write_all(keys).expect("type");
    std::thread::sleep(std::time::Duration::from_millis(700));
    drop(stdin);
    let output = child.wait_with_output().expect("wait");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn locked_vault() -> Place {
    let place = Place::new();
    let vault = place.path("home/vault");
    fs::create_dir_all(&vault).expect("mkdir");
    fs::set_permissions(vault, fs::Permissions::from_mode(0o700)).expect("chmod");
    place
}

#[test]
fn a_password_is_asked_for_on_the_terminal_and_never_shown() {
    let place = locked_vault();
    let line = format!("{} --home home recv; stty -a", env!("CARGO_BIN_EXE_solo2"));
    let Some(shown) = on_terminal(&place, &line, b"hunter2\r") else {
        return; // no `script` on this machine
    };
    assert!(shown.contains("Password of profile default: "), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(
        shown.contains(" echo ") && shown.contains(" icanon "),
        "{shown}"
    );
}

#[test]
fn ctrl_c_at_the_password_is_130_and_leaves_the_terminal_as_it_was() {
    let place = locked_vault();
    let line = format!(
        "{} --home home recv; echo \"code $?\"; stty -a",
        env!("CARGO_BIN_EXE_solo2")
    );
    let Some(shown) = on_terminal(&place, &line, b"hun\x03") else {
        return; // no `script` on this machine
    };
    assert!(shown.contains("code 130"), "{shown}");
    assert!(
        shown.contains(" echo ") && shown.contains(" icanon "),
        "{shown}"
    );
}

#[test]
fn bytes_of_a_peer_reach_a_terminal_only_when_that_is_said() {
    let place = locked_vault();
    let solo2 = env!("CARGO_BIN_EXE_solo2");
    let line = |words: &str| format!("{solo2} --home home {words} --no-input; echo exit=$?");
    let shown = |words: &str| on_terminal(&place, &line(words), b"");
    let Some(refused) = shown("pipe --listen bob") else {
        return; // no `script` on this machine
    };
    assert!(refused.contains("exit=2"), "{refused}");
    assert!(refused.contains("> FILE"), "{refused}");
    let asked = shown("file accept 01J9ZQ6Y3N8V5T2K7M4R1B0C9D -o -").expect("script");
    assert!(asked.contains("exit=4"), "as far as the vault: {asked}");
    // A person at the terminal is no program that writes.
    for words in ["pipe bob", "send bob -f - --name x"] {
        let typed = shown(words).expect("script");
        assert!(typed.contains("exit=2"), "{typed}");
        assert!(typed.contains("COMMAND | solo2"), "{typed}");
    }
}

#[test]
fn destroying_a_profile_takes_a_yes_and_its_name_on_the_terminal() {
    let place = locked_vault();
    let vault = place.path("home/vault");
    let solo2 = env!("CARGO_BIN_EXE_solo2");
    let line = format!("{solo2} --home home wipe profile default; echo exit=$?");
    for (keys, exit) in [
        (&b"n\r"[..], "exit=2"),
        (b"\r", "exit=2"),
        (b"y\rdesk\r", "exit=2"),
        (b"y\ry\r", "exit=2"),
        (b"y\rdefault\r", "exit=0"),
    ] {
        let Some(shown) = on_terminal(&place, &line, keys) else {
            return; // no `script` on this machine
        };
        assert!(shown.contains("Destroy profile default"), "{shown}");
        assert!(shown.contains(exit), "{keys:?}: {shown}");
        assert_eq!(vault.exists(), exit != "exit=0", "{keys:?}: {shown}");
    }
}

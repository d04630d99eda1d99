//! `solo2 config`: strict reading, gentle editing, and who stands above whom.

use std::fs;
use std::os::unix::fs::PermissionsExt;

mod cli_support;
use cli_support::Place;

fn write(place: &Place, text: &str) {
    fs::create_dir_all(place.path("home")).expect("mkdir");
    fs::write(place.path("home/config.toml"), text).expect("write");
}

#[test]
fn a_value_that_is_set_is_read_back() {
    let place = Place::new();
    place
        .run(&["config", "set", "net.signal", "ws://127.0.0.1:7400"])
        .code(0);
    assert_eq!(
        place.run(&["config", "get", "net.signal"]).code(0).stdout,
        "ws://127.0.0.1:7400\n"
    );
    let json = place
        .run(&["config", "get", "net.signal", "--json"])
        .code(0)
        .stdout;
    assert_eq!(
        json,
        "{\"v\":1,\"type\":\"config\",\"key\":\"net.signal\",\"value\":\"ws://127.0.0.1:7400\"}\n"
    );
    let file = place.path("home/config.toml");
    assert_eq!(
        place.run(&["config", "path"]).code(0).stdout,
        format!("{}\n", file.display())
    );
    let mode = fs::metadata(file).expect("metadata").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn defaults_are_listed_with_what_they_mean() {
    let list = Place::new().run(&["config", "list"]).code(0).stdout;
    for line in [
        "net.route = auto",
        "privacy.receipts = delivery",
        "files.accept_new = 1MiB",
        "files.accept_known = 1GiB",
        "files.accept_trusted = 64GiB",
        "files.accept_verified = 1TiB",
        "vault.lock_after = off",
    ] {
        assert!(list.contains(line), "{line}");
    }
}

#[test]
fn the_environment_stands_above_the_file_and_a_flag_above_both() {
    let place = Place::new();
    write(&place, "[net]\nsignal = \"wss://file.example\"\n");
    let output = place
        .command(&["config", "get", "net.signal"])
        .env("SOLO2_SIGNAL_URL", "wss://environment.example")
        .output()
        .expect("run");
    assert_eq!(output.stdout, b"wss://environment.example\n");
    fs::write(
        place.path("other.toml"),
        "[net]\nsignal = \"wss://other.example\"\n",
    )
    .expect("write");
    let other = place.run(&["--config", "other.toml", "config", "get", "net.signal"]);
    assert_eq!(other.code(0).stdout, "wss://other.example\n");
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_leaves_repair_possible() {
    let place = Place::new();
    write(&place, "# mine\n[net]\nsignl = \"wss://x.example\"\n");
    let ended = place.run(&["config", "list", "--json"]).code(3);
    let error = ended.last();
    assert_eq!(error["code"], "config");
    let message = error["message"].as_str().expect("text");
    assert!(
        message.contains("line 3") && message.contains("signl"),
        "{message}"
    );
    place.run(&["config", "path"]).code(0);
    place.run(&["version"]).code(0);
    let output = place
        .command(&["config", "edit"])
        .env("EDITOR", "sed -i s/signl/signal/")
        .output()
        .expect("run");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        place.run(&["config", "get", "net.signal"]).code(0).stdout,
        "wss://x.example\n"
    );
}

#[test]
fn a_value_that_cannot_be_meant_is_refused_and_the_file_stays() {
    let place = Place::new();
    let text = "# mine\n[net]\nroute = \"direct\" # for now\n";
    write(&place, text);
    for words in [
        ["net.route", "sideways"],
        ["net.signal", "ws://signal.example"],
        ["net.signal", "http://signal.example"],
        ["net.stun", "signal.example"],
        ["privacy.receipts", "all"],
        ["vault.lock_after", "soon"],
        ["files.accept_new", "10M"],
        ["net.relays", "x"],
    ] {
        let ended = place.run(&["config", "set", words[0], words[1]]).code(2);
        assert!(!ended.stderr.is_empty());
        assert_eq!(
            fs::read_to_string(place.path("home/config.toml")).expect("read"),
            text
        );
    }
    place
        .run(&["config", "set", "privacy.receipts", "read"])
        .code(0);
    let edited = fs::read_to_string(place.path("home/config.toml")).expect("read");
    assert!(edited.starts_with(text), "{edited}");
}

#[test]
fn without_a_home_the_xdg_directories_are_used() {
    let place = Place::new();
    let path = |variables: &[(&str, &str)]| {
        let output = cli_support::bare(&place.path("."))
            .args(["config", "path"])
            .envs(variables.iter().copied())
            .output()
            .expect("run");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(path(&[]).ends_with("/.config/solo2/config.toml\n"));
    assert_eq!(
        path(&[("XDG_CONFIG_HOME", "/x/y")]),
        "/x/y/solo2/config.toml\n"
    );
}

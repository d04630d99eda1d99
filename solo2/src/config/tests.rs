//! The configuration, as scripts and people write it.

use super::*;

fn write(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().expect("tempdir");
    let file = dir.path().join("config.toml");
    fs::write(&file, text).expect("write");
    (dir, file)
}

#[test]
fn an_unknown_key_is_named() {
    let (_dir, file) = write("[net]\nsignl = \"wss://x\"\n");
    let failure = Settings::load(&file, None).expect_err("unknown key");
    assert_eq!(failure.exit, 3);
    assert!(failure.message.contains("signl"), "{}", failure.message);
    assert!(failure.message.contains("line 2"), "{}", failure.message);
}

#[test]
fn plain_websockets_stay_on_this_machine() {
    for good in [
        "ws://127.0.0.1:7400",
        "ws://[::1]:1",
        "ws://localhost",
        "wss://signal.example",
    ] {
        assert!(good.parse::<SignalUrl>().is_ok(), "{good}");
    }
    for bad in [
        "ws://signal.example",
        "http://x",
        "wss://",
        "wss://a b",
        "ws://127.0.0.1@evil:1",
        "ws://10.0.0.1",
        "wss://x\n",
    ] {
        assert!(bad.parse::<SignalUrl>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_signal_server_behind_tor_has_no_other_beside_it() {
    let onion = "ws://2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion";
    let load = |servers: &[&str]| {
        let (_dir, file) = write(&format!("[net]\nsignal = {servers:?}\n"));
        Settings::load(&file, None)
    };
    assert_eq!(load(&[onion]).expect("one").signal, [onion]);
    assert_eq!(load(&[onion, onion]).expect("two").signal.len(), 2);
    let failure = load(&[onion, "wss://signal.example"]).expect_err("mixed");
    assert_eq!(failure.exit, 3);
    assert!(
        failure.message.contains("do not mix"),
        "{}",
        failure.message
    );
    let failure = load(&["ws://short.onion"]).expect_err("no service");
    assert!(failure.message.contains("onion"), "{}", failure.message);
}

#[test]
fn setting_a_key_keeps_comments_and_the_other_keys() {
    let (_dir, file) = write("# mine\n[net] # the net\nroute = \"auto\"\n");
    set(&file, Key::NetSignal, &["ws://127.0.0.1:7400".to_owned()]).expect("set");
    let text = fs::read_to_string(&file).expect("read");
    assert!(
        text.starts_with("# mine\n[net] # the net\nroute = \"auto\"\n"),
        "{text}"
    );
    let settings = Settings::load(&file, None).expect("load");
    assert_eq!(settings.signal, ["ws://127.0.0.1:7400"]);
}

#[test]
fn a_value_that_cannot_be_is_refused_and_the_file_stays() {
    let (_dir, file) = write("[net]\nroute = \"direct\"\n");
    let failure = set(&file, Key::NetRoute, &["sideways".to_owned()]).expect_err("refused");
    assert_eq!(failure.exit, 2);
    assert_eq!(
        fs::read_to_string(&file).expect("read"),
        "[net]\nroute = \"direct\"\n"
    );
    assert!(set(&file, Key::NetSignal, &["ws://signal.example".to_owned()]).is_err());
    assert!(set(&file, Key::VaultLockAfter, &["soon".to_owned()]).is_err());
    assert!(set(&file, Key::VaultMaxSecurity, &["yes".to_owned()]).is_err());
    for bad in ["1M", "0B", "no", "1"] {
        assert!(set(&file, Key::FilesAcceptNew, &[bad.to_owned()]).is_err());
    }
}

#[test]
fn a_limit_that_is_not_set_keeps_its_default() {
    let (_dir, file) = write("[files]\naccept_known = \"off\"\n");
    let settings = Settings::load(&file, None).expect("load");
    assert_eq!(settings.files.known, None);
    assert_eq!(settings.get(Key::FilesAcceptNew), "1MiB");
    assert_eq!(settings.get(Key::FilesAcceptTrusted), "64GiB");
    assert_eq!(settings.get(Key::FilesAcceptVerified), "1TiB");
}

#[test]
fn maximum_security_locks_an_idle_agent_after_15_minutes_at_most() {
    for (written, minutes) in [
        ("", 15),
        ("lock_after = \"off\"", 15),
        ("lock_after = \"1h\"", 15),
        ("lock_after = \"2m\"", 2),
    ] {
        let (_dir, file) = write(&format!("[vault]\nmax_security = true\n{written}\n"));
        let settings = Settings::load(&file, None).expect("load");
        let after = Some(Duration::from_secs(minutes * 60));
        assert_eq!(settings.lock_after, after, "{written}");
    }
    let (_dir, file) = write("[vault]\nmax_security = false\nlock_after = \"1h\"\n");
    let settings = Settings::load(&file, None).expect("load");
    assert_eq!(settings.lock_after, Some(Duration::from_secs(3600)));
}

#[test]
fn the_environment_stands_above_the_file() {
    let (_dir, file) = write("[net]\nsignal = [\"wss://a.example\", \"wss://b.example\"]\n");
    let settings = Settings::load(&file, Some("wss://c.example")).expect("load");
    assert_eq!(settings.signal, ["wss://c.example"]);
}

#[test]
fn every_key_can_be_read_back_after_it_was_set() {
    let (dir, file) = write("");
    // What is set as a path comes back as the whole one.
    let tor = dir.path().canonicalize().expect("a directory");
    let tor = tor.to_str().expect("UTF-8");
    let values = [
        "work",
        "wss://a.example",
        "stun:a.example:3478",
        // That of docs/protocol/8-relay.md §3.
        "solo2-relay://a0nSAAECAwQFBgcI.cjktsQCp8REEnOSvMBtnfsAlde-DcNZ28xJEl1YL5Gk@relay.example/?udp=3478",
        "relay",
        "true",
        "quic",
        tor,
        "192.0.2.66:443 0123456789ABCDEF0123456789ABCDEF01234567",
        "steady:2s",
        "read",
        "off",
        "20MB",
        "3GiB",
        "2TiB",
        "15m",
        "true",
    ];
    assert_eq!(values.len(), Key::ALL.len());
    for (key, text) in Key::ALL.into_iter().zip(values) {
        set(&file, key, &[text.to_owned()]).expect("set");
    }
    let settings = Settings::load(&file, None).expect("load");
    for (key, text) in Key::ALL.into_iter().zip(values) {
        let text = match text {
            // A size comes back in a binary unit, an invite without its key.
            "20MB" => "20000000B",
            text if key == Key::NetRelays => {
                assert!(!format!("{settings:?}").contains("cjktsQCp"));
                assert!(text.contains("cjktsQCp"));
                "solo2-relay://a0nSAAECAwQFBgcI@relay.example/?udp=3478"
            }
            text => text,
        };
        assert_eq!(settings.get(key), text, "{key}");
    }
    let limits = AcceptLimits {
        new: None,
        known: Some(20_000_000),
        trusted: Some(3 << 30),
        verified: Some(2 << 40),
    };
    assert_eq!(settings.files, limits);
}

#[test]
fn the_file_is_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, file) = write("");
    set(&file, Key::NetRoute, &["auto".to_owned()]).expect("set");
    let mode = fs::metadata(&file).expect("metadata").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

//! What an operator may write, and what not.

use super::*;

fn settings(toml: &str) -> Result<Settings, ConfigError> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("relay.toml");
    std::fs::write(&path, format!("secret-file = \"s\"\n{toml}")).expect("a file");
    Settings::try_from(Options::read(&path)?)
}

#[test]
fn nothing_written_means_the_defaults() {
    let settings = settings("").expect("valid");
    assert_eq!(settings.listen_udp(), [DEFAULT_LISTEN]);
    assert_eq!(settings.relayed(), [DEFAULT_LISTEN.ip()]);
    assert_eq!(settings.roles(), ["turn", "stun"]);
    assert_eq!(settings.peers(), Some(Peers::OwnRelays));
    assert_eq!(settings.allocations(), (10_000, 64));
}

#[test]
fn flags_win_over_the_file() {
    let flags = Options {
        max_allocs: Some(1),
        role: vec![Role::Turn],
        ..Options::default()
    };
    let file = Options {
        max_allocs: Some(2),
        role: vec![Role::Stun],
        max_allocs_per_cred: Some(3),
        ..Options::default()
    };
    let merged = flags.or(file);
    assert_eq!(
        (merged.max_allocs, merged.max_allocs_per_cred),
        (Some(1), Some(3))
    );
    assert_eq!(merged.role, [Role::Turn]);
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let error = settings("log-addresses = true").expect_err("refused");
    assert!(error.to_string().contains("log-addresses"), "{error}");
}

#[test]
fn a_realm_is_one_plain_word() {
    let default = settings("").expect("valid");
    assert_eq!(default.realm().expect("TURN").as_str(), "solo2-relay");
    let named = settings("realm = \"relay.example\"").expect("valid");
    assert_eq!(named.realm().expect("TURN").as_str(), "relay.example");
    for bad in [
        "",
        "a relay",
        "\\\"",
        "\\\\",
        "rel\u{e4}is",
        &"x".repeat(41),
    ] {
        let error = settings(&format!("realm = \"{bad}\"")).expect_err(bad);
        assert!(error.to_string().contains("like relay.example"), "{error}");
    }
}

#[test]
fn stun_alone_needs_no_secret_and_turn_does() {
    let stun = Options {
        role: vec![Role::Stun],
        ..Options::default()
    };
    assert_eq!(Settings::try_from(stun).expect("valid").roles(), ["stun"]);
    assert!(matches!(
        Settings::try_from(Options::default()),
        Err(ConfigError::NoSecret)
    ));
}

#[test]
fn where_clients_reach_it_must_be_known() {
    assert!(matches!(
        settings("listen-udp = [\"0.0.0.0:3478\"]"),
        Err(ConfigError::NoPublicIp)
    ));
    let both = settings(
        "listen-udp = [\"0.0.0.0:3478\"]\npublic-ip = [\"198.51.100.7\", \"2001:db8::7\"]",
    )
    .expect("valid");
    assert_eq!(both.relayed().len(), 2);
    for bad in [
        "\"198.51.100.7\", \"198.51.100.8\"",
        "\"0.0.0.0\"",
        "\"224.0.0.1\"",
        "\"::ffff:198.51.100.7\"",
    ] {
        assert!(
            matches!(
                settings(&format!("public-ip = [{bad}]")),
                Err(ConfigError::PublicIp(_))
            ),
            "{bad}"
        );
    }
}

#[test]
fn a_credential_lives_a_day_at_most() {
    assert!(settings("cred-ttl = \"24h\"").is_ok());
    for toml in ["cred-ttl = \"25h\"", "cred-ttl = \"30s\""] {
        assert!(
            matches!(settings(toml), Err(ConfigError::CredentialTtl(_))),
            "{toml}"
        );
    }
}

#[test]
fn bounds_that_leave_nothing_and_ports_that_are_none_are_refused() {
    for toml in [
        "max-allocs = 0",
        "max-allocs-per-cred = 0",
        "max-bps-per-cred = 1",
    ] {
        assert!(
            matches!(settings(toml), Err(ConfigError::Bound(..))),
            "{toml}"
        );
    }
    for bad in ["65535-49152", "80-90", "1024", "1024-70000"] {
        assert!(
            matches!(
                settings(&format!("relay-ports = \"{bad}\"")),
                Err(ConfigError::File(FileError::Parse { .. }))
            ),
            "{bad}"
        );
    }
    assert!(settings("relay-ports = \"1024-1024\"").is_ok());
}

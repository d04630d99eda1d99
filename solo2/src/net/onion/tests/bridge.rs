//! Bridges: the way to Tor where its public relays cannot be reached.

use super::*;

/// arti's settings for a network whose public relays are not there: their ports are closed.
fn blocked(config: &str) -> String {
    let line = |line: &str| match line.contains("orports") {
        true => {
            let (before, _) = line.split_once("orports").expect("ports");
            format!("{before}orports = [\"127.0.0.1:9\"] }},\n")
        }
        false => format!("{line}\n"),
    };
    config.lines().map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_leads_to_tor_where_nothing_else_does() {
    let dir = TempDir::new().expect("a directory");
    let Some((network, config)) = network() else {
        return;
    };
    let custom = Some(blocked(config));
    let start = |name: &str, bridges: Vec<Bridge>| {
        let custom = custom.clone();
        let settings = Settings { custom, bridges };
        let directory = dir.path().join(name);
        Tor::new(&directory, &settings, Arc::new(|| RoutePolicy::Any)).expect("a Tor client")
    };
    let lost = start("a", Vec::new());
    let connected = timeout(Duration::from_secs(10), lost.connect()).await;
    assert!(!matches!(connected, Ok(Ok(()))), "nothing leads there");
    assert!(!lost.progress().ready);

    let port = tornet::free_port();
    let at = dir.path().join("bridge");
    let torrc = format!(
        "BridgeRelay 1\nORPort 127.0.0.1:{port} IPv4Only\nAddress 127.0.0.1\nAssumeReachable 1\n\
         PublishServerDescriptor 0\nExitRelay 0\nSocksPort 0\nContactInfo b@test.invalid\n"
    );
    let _bridge = network.join(&at, &torrc);
    let told = std::fs::read_to_string(at.join("fingerprint")).expect("a fingerprint");
    let fingerprint = told.split_whitespace().nth(1).expect("a fingerprint");
    let line = format!("127.0.0.1:{port} {fingerprint}");
    let tor = start("b", vec![line.parse().expect("a bridge")]);
    let connected = timeout(Duration::from_secs(120), tor.connect()).await;
    connected.expect("in time").expect("connects");
    eventually(async || tor.progress().ready).await;

    let door = Door::new(&Secret::new(&[5; 32]), b"bob");
    let mut service = tor.open(&door).await.expect("a service");
    let calls = reach(&tor, &door).await;
    greet(&calls, async || service.next().await.expect("a caller")).await;
}

#[test]
fn what_is_no_bridge_is_refused_and_a_transport_needs_its_program() {
    let fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567";
    for line in ["", "192.0.2.66", "192.0.2.66:443", fingerprint] {
        assert!(line.parse::<Bridge>().is_err(), "{line:?}");
    }
    let plain: Bridge = format!("192.0.2.66:443 {fingerprint}")
        .parse()
        .expect("a bridge");
    let obfuscated: Bridge = format!("obfs4 192.0.2.66:443 {fingerprint} cert=YQ iat-mode=0")
        .parse()
        .expect("a bridge");
    let build = |custom: Option<&str>, bridge: &Bridge| {
        let settings = Settings {
            custom: custom.map(str::to_owned),
            bridges: vec![bridge.clone()],
        };
        settings.build(Path::new("/s"), Path::new("/c")).map(drop)
    };
    assert_eq!(build(None, &plain), Ok(()));
    let Err(OnionError::Setup(why)) = build(None, &obfuscated) else {
        panic!("a transport without a program");
    };
    assert!(why.contains("transport"), "{why}");
    let transports =
        "[[bridges.transports]]\nprotocols = [\"obfs4\"]\npath = \"/usr/bin/lyrebird\"\n";
    assert_eq!(build(Some(transports), &obfuscated), Ok(()));
}

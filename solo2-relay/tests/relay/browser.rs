//! A browser against this relay: two WebRTC ends in Chromium that may use nothing else
//! (`iceTransportPolicy: "relay"`), over UDP, TCP and one with the other.

use serde_json::{Value, json};

use crate::chromium::Browser;
use crate::support::{Relay, have};

/// Two ends in one page: `ways` are the relay's addresses of the side that offers and of the
/// one that answers. Comes to what both saw.
const TALK: &str = r#"(async ({ways, username, credential, len}) => {
    const ends = ways.map(urls => new RTCPeerConnection({
        iceServers: [{urls, username, credential}], iceTransportPolicy: 'relay',
    }));
    const candidates = [[], []];
    ends.forEach((end, at) => end.onicecandidate = ({candidate}) => {
        if (!candidate || !candidate.candidate) return;
        candidates[at].push(candidate.candidate);
        ends[1 - at].addIceCandidate(candidate);
    });
    const late = new Promise((_, fail) => setTimeout(() => fail(new Error(JSON.stringify(
        [candidates, ends.map(end => [end.iceConnectionState, end.connectionState])]))), 30000));
    const soon = promise => Promise.race([promise, late]);
    const [alice, bob] = ends;
    const one = alice.createDataChannel('link');
    const opened = [new Promise(done => one.onopen = done),
        new Promise(done => bob.ondatachannel = ({channel}) => done(channel))];
    await alice.setLocalDescription();
    await bob.setRemoteDescription(alice.localDescription);
    await bob.setLocalDescription();
    await alice.setRemoteDescription(bob.localDescription);
    const [, other] = await soon(Promise.all(opened));
    const channels = [one, other];
    channels.forEach(channel => channel.binaryType = 'arraybuffer');
    const texts = await soon(Promise.all([0, 1].map(at => new Promise(done => {
        channels[1 - at].onmessage = ({data}) => done(data);
        channels[at].send('from ' + at);
    }))));
    const byte = at => (at * 7 + (at >> 8)) & 255;
    const sums = await soon(Promise.all([0, 1].map(at => new Promise(done => {
        let there = 0, wrong = 0;
        channels[1 - at].onmessage = ({data}) => {
            for (const one of new Uint8Array(data)) wrong += one !== byte(there++);
            if (there === len) done([there, wrong]);
        };
        for (let from = 0; from < len; from += 16384) {
            channels[at].send(Uint8Array.from({length: 16384}, (_, next) => byte(from + next)));
        }
    }))));
    const pairs = [];
    for (const end of ends) {
        const stats = await end.getStats();
        const pair = stats.get([...stats.values()].find(it => it.type === 'transport').selectedCandidatePairId);
        const local = stats.get(pair.localCandidateId), remote = stats.get(pair.remoteCandidateId);
        pairs.push([local.candidateType, local.relayProtocol, remote.candidateType]);
    }
    ends.forEach(end => end.close());
    return {texts, sums, pairs, candidates};
})"#;

/// Bytes that go each way.
const LEN: usize = 1 << 20;

#[test]
fn two_ends_in_chromium_meet_through_the_relay_over_udp_and_tcp() {
    if !have("chromium") {
        return;
    }
    let relay = Relay::start(&["--listen-tcp", "127.0.0.1:0"]);
    let credential = relay.credential();
    let place = tempfile::tempdir().expect("a directory");
    // Without it a browser leaves loopback out, and here is nothing else.
    let mut browser = Browser::start(place.path(), &["--allow-loopback-in-peer-connection"]);
    let tcp = relay.tcp.expect("it listens");
    let ways = [
        ("udp", format!("turn:{}?transport=udp", relay.address)),
        ("tcp", format!("turn:{tcp}?transport=tcp")),
    ];
    for (offers, offerer) in &ways {
        for (answers, answerer) in &ways {
            let ask = json!({
                "ways": [offerer, answerer],
                "username": credential.username,
                "credential": credential.password,
                "len": LEN,
            });
            let seen = browser.evaluate(&format!("{TALK}({ask})"));
            let way = format!("{offers} to {answers}: {seen}");
            assert_eq!(seen["texts"], json!(["from 0", "from 1"]), "{way}");
            assert_eq!(seen["sums"], json!([[LEN, 0], [LEN, 0]]), "{way}");
            let pairs = json!([["relay", offers, "relay"], ["relay", answers, "relay"]]);
            assert_eq!(seen["pairs"], pairs, "{way}");
            for candidate in seen["candidates"].as_array().into_iter().flatten() {
                let of_relays = |it: &Value| it.as_str().is_some_and(|it| it.contains("typ relay"));
                let told = candidate.as_array().expect("a list");
                assert!(!told.is_empty() && told.iter().all(of_relays), "{way}");
            }
        }
    }
}

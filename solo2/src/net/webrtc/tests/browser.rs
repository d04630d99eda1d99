//! Our channel against Chromium's: a browser that may know nothing of us but an SDP.
//!
//! A page stands at the other end: it offers or answers, straight or through our relay
//! alone, and sends back what it gets.

use serde_json::{Value, json};

use super::sdp::{to_sdp, to_signal};
use super::*;
use crate::net::direct::tests::config;
use crate::net::direct::tests::relayed::Relay;

#[path = "../../../../../tests/e2e/chromium.rs"]
mod chromium;
use chromium::Browser;

/// One end in the page: sets the description it gets, if any, and comes to its own, once it
/// has gathered. What arrives goes back, in the same pieces.
const END: &str = r#"(async ({theirs, servers, policy}) => {
    const end = window.end = new RTCPeerConnection({iceServers: servers, iceTransportPolicy: policy});
    const channel = window.channel = end.createDataChannel('', {negotiated: true, id: 0});
    channel.binaryType = 'arraybuffer';
    window.seen = [];
    channel.onmessage = ({data}) => {
        const size = typeof data === 'string' ? 'text' : data.byteLength;
        window.seen.push(size);
        if (size !== 'text' && size > 0) channel.send(data);
    };
    const gathered = new Promise(done => end.onicecandidate = ({candidate}) => candidate || done());
    if (theirs) await end.setRemoteDescription({type: 'offer', sdp: theirs});
    await end.setLocalDescription();
    await gathered;
    return end.localDescription.sdp;
})"#;

/// For the side that offered.
const ANSWER: &str = "(sdp => window.end.setRemoteDescription({type: 'answer', sdp}))";

/// Which pair carries it, and what came.
const SEEN: &str = r#"(async () => {
    const stats = await window.end.getStats();
    const transport = [...stats.values()].find(it => it.type === 'transport');
    const pair = stats.get(transport.selectedCandidatePairId);
    const kinds = [pair.localCandidateId, pair.remoteCandidateId].map(id => stats.get(id).candidateType);
    return {kinds, seen: window.seen, state: window.channel.readyState};
})()"#;

/// Connects one end here with one in the page, and sends `len` bytes there and back.
async fn talk(browser: &mut Browser, role: Role, relay: Option<&Relay>) {
    const LEN: usize = 3 * MIB + 5;
    let way = format!("{role:?}, relayed: {}", relay.is_some());
    let (out, mut signals) = mpsc::channel(4);
    let (to_us, incoming) = mpsc::channel(4);
    let servers = relay.map_or(json!([]), |relay| {
        let (username, credential) = relay.login();
        json!([{"urls": format!("turn:{}?transport=udp", relay.address), "username": username,
                "credential": credential}])
    });
    let policy = if relay.is_some() { "relay" } else { "all" };
    let mut end = |theirs: Option<String>| {
        let ask = json!({"theirs": theirs, "servers": servers, "policy": policy});
        let sdp = tokio::task::block_in_place(|| browser.evaluate(&format!("{END}({ask})")));
        sdp.as_str().expect("a description").to_owned()
    };
    let ours = |offer| {
        let mut config = config(role, offer);
        if let Some(relay) = relay {
            config.policy = RoutePolicy::Relay;
            config.relays = vec![relay.access()];
        }
        tokio::spawn(connect(config, out, incoming))
    };
    let link = match role {
        Role::Controlling => {
            let ours = ours(None);
            let offer = signals.recv().await.expect("an offer");
            let answer = to_signal(&end(Some(to_sdp(&offer))), *offer.link(), false);
            to_us.send(answer).await.expect("it is awaited");
            ours
        }
        Role::Controlled => {
            let offer = to_signal(&end(None), [3; 16], true);
            let ours = ours(Some(offer));
            let answer = signals.recv().await.expect("an answer");
            let answer = format!("{ANSWER}({})", json!(to_sdp(&answer)));
            tokio::task::block_in_place(|| browser.evaluate(&answer));
            ours
        }
    };
    let link = link.await.expect("no panic");
    let link = link.unwrap_or_else(|error| panic!("{way}: {error}"));
    let (mut recv, mut send) = tokio::io::split(link.bytes);
    let bytes = pattern(LEN, 3);
    let mut back = vec![0; LEN];
    let (wrote, read) = tokio::join!(send.write_all(&bytes), recv.read_exact(&mut back));
    wrote.unwrap_or_else(|error| panic!("{way}: {error}"));
    read.unwrap_or_else(|error| panic!("{way}: {error}"));
    assert!(back == bytes, "{way}: every byte came back");
    let seen = tokio::task::block_in_place(|| browser.evaluate(SEEN));
    let sizes = seen["seen"].as_array().expect("a list");
    let total: u64 = sizes.iter().filter_map(Value::as_u64).sum();
    assert_eq!(
        (total, &seen["state"]),
        (LEN as u64, &json!("open")),
        "{way}: {seen}"
    );
    match relay {
        Some(_) => assert_eq!(seen["kinds"], json!(["relay", "relay"]), "{way}"),
        None => assert_ne!(seen["kinds"][0], json!("relay"), "{way}"),
    }
    println!("{way}: {} messages, pair {}", sizes.len(), seen["kinds"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn chromium_meets_our_channel_in_both_roles_straight_and_through_our_relay() {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|directory| directory.join("chromium").exists())
    });
    if !found {
        println!("skipped: needs chromium");
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let flags = [
        "--allow-loopback-in-peer-connection",
        // Else it hides its addresses behind names of multicast DNS, which we do not ask for.
        "--disable-features=WebRtcHideLocalIpsWithMdns",
    ];
    let mut browser = tokio::task::block_in_place(|| Browser::start(place.path(), &flags));
    let relay = Relay::start();
    for role in [Role::Controlling, Role::Controlled] {
        talk(&mut browser, role, None).await;
        talk(&mut browser, role, Some(&relay)).await;
    }
}

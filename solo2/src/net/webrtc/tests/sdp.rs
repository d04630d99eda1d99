//! What our signals say, as SDP says it (RFC 8839, RFC 8841), and back.

use std::fmt::Write as _;

use super::super::Fingerprint;
use crate::net::direct::LinkSignal;
use crate::net::ice::offer::{CandidateInfo, CandidateKind};

/// A signal of ours as a description.
pub(super) fn to_sdp(signal: &LinkSignal) -> String {
    let (LinkSignal::Offer {
        ufrag,
        pwd,
        candidates,
        fingerprint,
        ..
    }
    | LinkSignal::Answer {
        ufrag,
        pwd,
        candidates,
        fingerprint,
        ..
    }) = signal
    else {
        panic!("an introduction");
    };
    let print = fingerprint.expect("it is about a channel").0;
    let print: Vec<_> = print.iter().map(|byte| format!("{byte:02X}")).collect();
    let setup = match signal {
        LinkSignal::Offer { .. } => "actpass",
        _ => "active",
    };
    let mut sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n\
         a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\na=fingerprint:sha-256 {}\r\na=setup:{setup}\r\n\
         a=sctp-port:5000\r\na=max-message-size:65536\r\n",
        print.join(":")
    );
    for CandidateInfo {
        address,
        kind,
        priority,
    } in candidates
    {
        let (ip, port) = (address.ip(), address.port());
        let kind = match kind {
            CandidateKind::Host => "host",
            CandidateKind::ServerReflexive => "srflx",
            CandidateKind::Relayed => "relay",
        };
        write!(
            sdp,
            "a=candidate:1 1 udp {priority} {ip} {port} typ {kind}\r\n"
        )
        .expect("text");
    }
    sdp
}

/// A description of the counterpart's as a signal to us: an offer, or an answer about `link`.
pub(super) fn to_signal(sdp: &str, link: [u8; 16], offers: bool) -> LinkSignal {
    let value = |name: &str| {
        let line = sdp.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} in {sdp}")).to_owned()
    };
    let print: Vec<u8> = value("a=fingerprint:sha-256 ")
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16).expect("hex"))
        .collect();
    let candidates = sdp.lines().filter_map(|line| {
        let words: Vec<_> = line.strip_prefix("a=candidate:")?.split(' ').collect();
        let [_, "1", "udp", priority, ip, port, "typ", kind, ..] = words[..] else {
            return None;
        };
        Some(CandidateInfo {
            address: format!("{ip}:{port}").parse().ok()?,
            kind: match kind {
                "host" => CandidateKind::Host,
                "srflx" => CandidateKind::ServerReflexive,
                "relay" => CandidateKind::Relayed,
                _ => return None,
            },
            priority: priority.parse().expect("a number"),
        })
    });
    let candidates: Vec<_> = candidates.collect();
    let fingerprint = Some(Fingerprint(print.try_into().expect("32 bytes")));
    let (ufrag, pwd, relays) = (value("a=ice-ufrag:"), value("a=ice-pwd:"), Vec::new());
    if offers {
        LinkSignal::Offer {
            link,
            ufrag,
            pwd,
            candidates,
            relays,
            fingerprint,
        }
    } else {
        LinkSignal::Answer {
            link,
            ufrag,
            pwd,
            candidates,
            relays,
            fingerprint,
        }
    }
}

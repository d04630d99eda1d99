//! `solo2 doctor traffic`: do our datagrams have one size?
//!
//! Counted at the one door that they leave by, so nothing of the links can pass beside it.
//! Spec: docs/protocol/3-links.md §6; docs/cli.md, "Doctor".

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::Node;
use super::{Finding, tell};
use crate::agent::rpc::EventSink;
use crate::error::Failure;
use crate::net::direct::CHANNEL_HEADER_LEN;
use crate::net::mask::{DATAGRAM_LEN, LOCAL_DATAGRAM_LEN};
use crate::net::socket::Counted;

/// The sizes of masked datagrams: to a peer, and to a relay.
const SIZES: [usize; 4] = [
    DATAGRAM_LEN,
    DATAGRAM_LEN + CHANNEL_HEADER_LEN,
    LOCAL_DATAGRAM_LEN,
    LOCAL_DATAGRAM_LEN + CHANNEL_HEADER_LEN,
];

const SILENT: &str =
    "is somebody connected? solo2 route status; heartbeats come every 20 seconds on the average";
const UNEVEN: &str =
    "WebRTC shows how long messages are; solo2 config set net.transport quic does without it";

#[derive(Deserialize)]
pub(crate) struct Ask {
    for_ms: Option<u64>,
}

/// Tells how many datagrams of which size passed, since the start or from now on, and whether
/// those that we sent have the sizes that they should have.
pub(crate) async fn traffic(node: &Node, ask: Ask, reader: EventSink) -> Result<Value, Failure> {
    let began = Instant::now();
    let before = match ask.for_ms {
        Some(millis) => {
            let before = node.net.tally.counts();
            sleep(Duration::from_millis(millis)).await;
            before
        }
        None => Vec::new(),
    };
    let mut counts = node.net.tally.counts();
    for (kind, count) in &mut counts {
        let earlier = before.iter().find(|(known, _)| known == kind);
        *count -= earlier.map_or(0, |(_, count)| *count);
    }
    counts.retain(|(_, count)| *count > 0);
    for (kind, count) in &counts {
        let alike = counts.iter().filter(|(other, _)| other.sent == kind.sent);
        let all: u64 = alike.map(|(_, count)| count).sum();
        let row = json!({
            "v": 1,
            "type": "doctor.datagrams",
            "direction": if kind.sent { "sent" } else { "received" },
            "stun": kind.stun,
            "size": kind.size,
            "count": count,
            "share": *count as f64 / all as f64,
        });
        reader.send(row).await;
    }
    tell(&reader, "traffic.size", judge(&counts), began.elapsed()).await;
    Ok(json!({}))
}

fn judge(counts: &[(Counted, u64)]) -> Finding {
    let sent = counts.iter().filter(|(kind, _)| kind.sent && !kind.stun);
    let (even, odd): (Vec<_>, Vec<_>) = sent.partition(|(kind, _)| SIZES.contains(&kind.size));
    let count = |rows: &[&(Counted, u64)]| rows.iter().map(|(_, count)| count).sum::<u64>();
    if !odd.is_empty() {
        let (some, sizes) = (count(&odd), odd.len());
        let problem = format!("{some} datagrams have one of {sizes} other sizes");
        return Err((problem, UNEVEN));
    }
    if even.is_empty() {
        return Err(("nothing was sent".to_owned(), SILENT));
    }
    let sizes: Vec<_> = even.iter().map(|(kind, _)| kind.size.to_string()).collect();
    let sizes = sizes.join(", ");
    Ok(format!("{} datagrams of {sizes} bytes sent", count(&even)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(size: usize, stun: bool) -> (Counted, u64) {
        let sent = true;
        (Counted { sent, stun, size }, 7)
    }

    #[test]
    fn one_odd_size_is_one_too_many() {
        assert!(judge(&[sent(1228, false), sent(80, true)]).is_ok());
        assert!(judge(&[sent(1228, false), sent(1232, false), sent(16_000, false)]).is_ok());
        assert!(judge(&[sent(1228, false), sent(1227, false)]).is_err());
        assert!(judge(&[sent(80, false)]).is_err());
        // What strangers send is not ours; and a check of nothing has found nothing.
        let received = |size| {
            (
                Counted {
                    sent: false,
                    stun: false,
                    size,
                },
                1,
            )
        };
        assert!(judge(&[sent(1228, false), received(3)]).is_ok());
        assert!(judge(&[received(1228), sent(80, true)]).is_err());
        assert!(judge(&[]).is_err());
    }
}

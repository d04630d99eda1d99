//! What was said: looked for page by page and handed over piece by piece, so that a
//! long history neither holds the node up nor has to fit into one answer.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use solo2_store::ContactId;

use super::core::Core;
use super::time::now_ms;
use super::{Node, failure};
use crate::agent::rpc::EventSink;
use crate::error::Failure;

/// Messages looked at, and messages handed over, at a time.
const PAGE: usize = 256;
const PIECE: usize = 32;
/// How many messages there are when nobody says.
const LIMIT: usize = 50;

#[derive(Deserialize)]
pub(crate) struct History {
    peer: Option<String>,
    limit: Option<usize>,
    since: Option<String>,
    until: Option<String>,
    grep: Option<String>,
}

/// What a message must fulfil.
#[derive(Clone)]
struct Filter {
    since_ms: u64,
    until_ms: u64,
    needle: Option<String>,
}

#[derive(Clone, Copy)]
struct Found {
    contact: ContactId,
    position: u64,
    stored_at_ms: u64,
}

/// The newest messages that fit, of one conversation or of all, the oldest first.
pub(crate) async fn history(node: &Node, ask: History, sink: EventSink) -> Result<Value, Failure> {
    let contacts = match ask.peer {
        Some(name) => vec![node.call(move |core| core.find(&name)).await?],
        None => {
            node.call(|core| Ok(core.peers.keys().copied().collect()))
                .await?
        }
    };
    let limit = ask.limit.unwrap_or(LIMIT);
    let filter = Filter {
        since_ms: millis(ask.since.as_deref())?.unwrap_or(0),
        until_ms: millis(ask.until.as_deref())?.unwrap_or(u64::MAX),
        needle: ask.grep.map(|text| text.to_lowercase()),
    };
    let several = contacts.len() > 1;
    let mut found = Vec::new();
    for contact in contacts {
        let mut newest = search(node, contact, &filter, limit).await?;
        newest.reverse();
        found.append(&mut newest);
    }
    if several {
        found.sort_by_key(|found| found.stored_at_ms);
        found.drain(..found.len().saturating_sub(limit));
    }
    let mut count = 0;
    for piece in found.chunks(PIECE) {
        let piece = piece.to_vec();
        for line in node.call(move |core| core.lines(&piece)).await? {
            if !sink.send(line).await {
                return Ok(json!({ "count": count }));
            }
            count += 1;
        }
    }
    Ok(json!({ "count": count }))
}

pub(crate) fn millis(moment: Option<&str>) -> Result<Option<u64>, Failure> {
    let Some(text) = moment else { return Ok(None) };
    let moment: Timestamp = text.parse().map_err(|_| {
        Failure::usage(format!("not a time: {text}")).hint("write it as RFC 3339 does")
    })?;
    Ok(Some(u64::try_from(moment.as_millisecond()).unwrap_or(0)))
}

/// What fits of one conversation, the newest first: the newest of what its stretches end with,
/// again and again.
async fn search(
    node: &Node,
    contact: ContactId,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    let mut stretches = node.call(move |core| core.stretches(contact)).await?;
    while found.len() < limit {
        for stretch in &mut stretches {
            while stretch.found.is_empty() && stretch.open {
                let (filter, first, before) = (filter.clone(), stretch.first, stretch.before);
                let (page, next) = node
                    .call(move |core| core.search(contact, before, &filter))
                    .await?;
                let inside = page.into_iter().filter(|found| found.position >= first);
                stretch.found.extend(inside);
                stretch.before = next;
                stretch.open = next.is_some_and(|next| next > first);
            }
        }
        let newest = stretches
            .iter_mut()
            .filter(|stretch| !stretch.found.is_empty())
            // Of two at one time the one behind is the newer.
            .max_by_key(|stretch| stretch.found.front().map(|found| found.stored_at_ms));
        let Some(next) = newest.and_then(|stretch| stretch.found.pop_front()) else {
            break;
        };
        found.push(next);
    }
    Ok(found)
}

impl Core {
    /// What fits among one page of messages, the newest first, and where the next page is.
    fn search(
        &self,
        contact: ContactId,
        before: Option<u64>,
        filter: &Filter,
    ) -> Result<(Vec<Found>, Option<u64>), Failure> {
        let page = self
            .vault
            .history(contact, before, PAGE)
            .map_err(|error| failure::read(&error))?;
        let mut next = page.first().map(|(oldest, ..)| *oldest);
        let now = now_ms();
        let mut found = Vec::new();
        for (position, message, amendments) in page.iter().rev() {
            let stored_at_ms = message.stored_at_ms;
            if stored_at_ms < filter.since_ms {
                next = None;
                break;
            }
            let says = |needle: &String| {
                amendments
                    .body(message)
                    .is_some_and(|body| body.to_lowercase().contains(needle))
            };
            let fits = stored_at_ms <= filter.until_ms
                && message.expires_at_ms.is_none_or(|at| at > now)
                && filter.needle.as_ref().is_none_or(says);
            if fits {
                found.push(Found {
                    contact,
                    position: *position,
                    stored_at_ms,
                });
            }
        }
        Ok((found, next))
    }

    /// Messages as they are printed; what is gone by now is left out.
    fn lines(&self, found: &[Found]) -> Result<Vec<Value>, Failure> {
        let mut lines = Vec::new();
        for Found {
            contact, position, ..
        } in found
        {
            let Some(peer) = self.peers.get(contact) else {
                continue;
            };
            let message = self
                .vault
                .message(*contact, *position)
                .map_err(|error| failure::read(&error))?;
            if let Some((message, amendments)) = message {
                lines.push(self.message_json(&peer.contact, &message, &amendments, None));
            }
        }
        Ok(lines)
    }
}

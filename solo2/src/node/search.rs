//! Looking for words in everything that was said, and looking after the index that makes it quick.

use std::ops::Range;

use serde::Deserialize;
use serde_json::{Value, json};
use solo2_store::{CompactError, Filter, Hit, IndexStep, Query, ReadError};

use super::core::Core;
use super::history::millis;
use super::time::now_ms;
use super::{Node, failure};
use crate::agent::rpc::EventSink;
use crate::error::{Failure, Kind};

/// How many messages there are when nobody says.
const LIMIT: usize = 20;
/// Messages that a search reads one by one; more are indexed first, in pieces of this size.
const PIECE: usize = 4096;
/// Characters of a message around what was found, and those of them before it.
const SNIPPET: usize = 160;
const BEFORE: usize = 60;

#[derive(Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    query: String,
    from: Option<String>,
    peer: Option<String>,
    since: Option<String>,
    until: Option<String>,
    #[serde(default)]
    has_file: bool,
    limit: Option<usize>,
}

/// The newest messages that fit, the oldest first.
pub(crate) async fn search(node: &Node, ask: Search, sink: EventSink) -> Result<Value, Failure> {
    let query = Query::parse(&ask.query).map_err(|error| {
        Failure::usage(format!("cannot search for this: {error}"))
            .hint("a query is words, \"words in a row\", and beginnings such as back*")
    })?;
    let incoming = ask.from.is_some().then_some(true);
    let contact = match ask.from.or(ask.peer) {
        Some(name) => Some(node.call(move |core| core.find(&name)).await?),
        None => None,
    };
    let filter = Filter {
        contact,
        incoming,
        since_ms: millis(ask.since.as_deref())?,
        until_ms: millis(ask.until.as_deref())?,
        has_file: ask.has_file,
        now_ms: now_ms(),
    };
    let limit = ask.limit.unwrap_or(LIMIT);
    catch_up(node).await?;
    let lines = node
        .call(move |core| {
            let hits = core.vault.search(&query, &filter, limit);
            let hits = hits.map_err(|error| unread(&error))?;
            Ok(hits
                .iter()
                .rev()
                .filter_map(|hit| core.hit_json(hit))
                .collect::<Vec<_>>())
        })
        .await?;
    let mut count = 0;
    for line in lines {
        if !sink.send(line).await {
            break;
        }
        count += 1;
    }
    Ok(json!({ "count": count }))
}

/// Takes in what waits, piece by piece so that others get their turn, until little is left to be
/// read message by message.
async fn catch_up(node: &Node) -> Result<(), Failure> {
    let more = |core: &mut Core| {
        // Without room on the disk all of it is read: slower, and as right.
        let behind = core.vault.index_status().tail > PIECE as u64;
        Ok(behind && core.vault.index_step(PIECE, PIECE).is_ok())
    };
    while node.call(more).await? {}
    Ok(())
}

/// Makes the index anew.
pub(crate) async fn reindex(node: &Node) -> Result<Value, Failure> {
    node.call(|core| {
        let dropped = core.vault.drop_index();
        dropped.map_err(|error| failure::commit(&error))
    })
    .await?;
    let more = |core: &mut Core| {
        let step = core.vault.index_step(1, 2 * PIECE);
        step.map_err(|error| failure::commit(&error))
    };
    while node.call(more).await? != IndexStep::Idle {}
    node.call(|core| {
        let status = core.vault.index_status();
        Ok(json!({
            "v": 1,
            "type": "vault.reindex",
            "indexed": status.indexed,
            "segments": status.segments,
            "bytes": status.blocks * 4096,
        }))
    })
    .await
}

/// Takes what was deleted out of the index, destroys keys, and gives room back.
pub(crate) async fn compact(node: &Node) -> Result<Value, Failure> {
    node.call(|core| match core.vault.compact() {
        Ok(()) => Ok(json!({ "v": 1, "type": "vault.compact" })),
        Err(CompactError::Commit(error)) => Err(failure::commit(&error)),
        Err(error @ CompactError::Busy) => {
            Err(Failure::new(Kind::Busy, error.to_string()).retry(None))
        }
        Err(error @ CompactError::Settle(_)) => Err(Failure::new(
            Kind::Io,
            format!("cannot compact the vault: {error}"),
        )
        .hint("check free disk space and that the disk is writable; nothing is lost")),
    })
    .await
}

fn unread(error: &ReadError) -> Failure {
    match error {
        ReadError::Index { .. } => Failure::new(Kind::Integrity, error.to_string())
            .hint("no message is lost; solo2 vault reindex makes the index anew"),
        _ => failure::read(error),
    }
}

impl Core {
    /// A message as it is printed, with the part of it that was found.
    fn hit_json(&self, hit: &Hit) -> Option<Value> {
        let peer = self.peers.get(&hit.contact)?;
        let mut line = self.message_json(&peer.contact, &hit.message, &hit.amendments, None);
        let body = hit.amendments.body(&hit.message)?;
        line.as_object_mut()?
            .insert("snippet".into(), snippet(body, hit.place.clone()).into());
        Some(line)
    }
}

/// The part of a text around `place`, a dot for what is left out.
fn snippet(text: &str, place: Range<usize>) -> String {
    let before = text.get(..place.start).unwrap_or_default();
    let skipped = before.chars().count().saturating_sub(BEFORE);
    let whole = text.chars().count();
    // What fits is shown whole, and an end is shown up to the end.
    let skipped = skipped.min(whole.saturating_sub(SNIPPET));
    let mut part: String = text.chars().skip(skipped).take(SNIPPET).collect();
    if skipped > 0 {
        part.insert(0, '…');
    }
    if skipped + SNIPPET < whole {
        part.push('…');
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_shows_what_was_found_and_says_where_it_is_cut() {
        assert_eq!(snippet("short", 0..5), "short");
        let long = format!("{}needle{}", "ä".repeat(300), "ö".repeat(300));
        let part = snippet(&long, 600..606);
        assert!(part.starts_with("…ä") && part.ends_with("ö…") && part.contains("needle"));
        assert_eq!(part.chars().count(), SNIPPET + 2);
        let end = format!("{}needle", "ä".repeat(300));
        let part = snippet(&end, 600..606);
        assert!(part.starts_with('…') && part.ends_with("äneedle"));
    }
}

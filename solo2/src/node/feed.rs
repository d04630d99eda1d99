//! What readers follow: the inbox with its cursor, live events, the queue running dry.
//!
//! Messages wait in the vault until a reader acknowledges them, so a reader that dies
//! gets them again. Other events (receipts, edits, routes) are live: who is not there
//! finds their effect in the history.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use solo2_store::ContactId;
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout_at};

use super::core::{Core, Operation};
use super::event::{Event, hex, parse_message_id};
use super::files::{self, Taken};
use super::transfers::Collector;
use super::{Node, failure};
use crate::agent::rpc::EventSink;
use crate::error::Failure;

/// Messages fetched at a time.
const PAGE: usize = 64;

#[derive(Deserialize)]
pub(crate) struct Receive {
    #[serde(default)]
    from: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
    max: Option<u64>,
    since: Option<String>,
    #[serde(default)]
    follow: bool,
    expect: Option<u64>,
    timeout_ms: Option<u64>,
    /// The directory that files go to.
    files_to: Option<PathBuf>,
    #[serde(default)]
    existing: Taken,
}

/// Delivers what waits, then what comes, until the reader has what it asked for.
pub(crate) async fn receive(
    node: &Node,
    mut ask: Receive,
    sink: EventSink,
) -> Result<Value, Failure> {
    let from = resolve(node, std::mem::take(&mut ask.from)).await?;
    let Some(directory) = ask.files_to.clone() else {
        return deliver(node, &ask, from, sink).await;
    };
    if !directory.is_absolute() {
        return Err(Failure::usage(format!(
            "not an absolute path: {}",
            directory.display()
        )));
    }
    let serial = node.net.serial.fetch_add(1, Ordering::Relaxed);
    let collector = Collector {
        serial,
        path: directory.to_string_lossy().into_owned(),
        existing: ask.existing.into(),
        from: from.clone(),
    };
    node.call(move |core| core.collect(collector)).await?;
    let delivered = deliver(node, &ask, from, sink).await;
    node.call(move |core| {
        core.collectors
            .retain(|collector| collector.serial != serial);
        Ok(())
    })
    .await?;
    delivered
}

async fn deliver(
    node: &Node,
    ask: &Receive,
    from: Vec<ContactId>,
    sink: EventSink,
) -> Result<Value, Failure> {
    let mut live = node.events.subscribe();
    let wants = |kind: &str| ask.types.is_empty() || ask.types.iter().any(|wanted| wanted == kind);
    let mut place = match &ask.since {
        Some(text) => Place::All(cursor(text)?),
        None => Place::Unread,
    };
    let mut deadline = ask
        .timeout_ms
        .map(|ms| Instant::now() + Duration::from_millis(ms));
    // Unless the caller said how long, files are waited for as long as they move.
    let while_moving = ask.files_to.is_some() && !ask.follow && deadline.is_none();
    if while_moving {
        deadline = Some(Instant::now() + files::PATIENCE);
    }
    let mut count = 0;
    let mut last = None;
    if wants("file.offer") {
        let senders = from.clone();
        for offer in node.call(move |core| Ok(core.undecided(&senders))).await? {
            sink.send(offer).await;
        }
    }
    loop {
        // Asked first: a file that arrives meanwhile is then either still to come or waits below.
        let unfinished = match ask.files_to {
            Some(_) if !ask.follow => unfinished(node, &from).await,
            _ => Ok(0),
        };
        let mut more = true;
        while more && ask.max.is_none_or(|max| count < max) {
            let senders = from.clone();
            let page = node
                .call(move |core| core.waiting(&senders, place, PAGE))
                .await?;
            more = page.next.is_some();
            for (number, line) in page.lines {
                if ask.max.is_some_and(|max| count >= max) {
                    break;
                }
                let kind = line["type"].as_str().unwrap_or_default();
                if !line.is_null() && wants(kind) {
                    let line = match &ask.files_to {
                        Some(directory) if kind == "file.done" => {
                            taken_out(node, line, directory, ask.existing).await?
                        }
                        _ => line,
                    };
                    if !sink.send(line).await {
                        return Ok(summary(count, last));
                    }
                    count += 1;
                }
                last = Some(number);
                place = Place::After(number);
            }
            if let Some(next) = page.next {
                place = Place::After(next);
            }
        }
        let enough = ask.max.is_some_and(|max| count >= max);
        let unfinished = unfinished?;
        let patient =
            ask.follow || unfinished > 0 || ask.expect.is_some_and(|expect| count < expect);
        if enough || !patient {
            return Ok(summary(count, last));
        }
        match next_event(&mut live, deadline, &sink).await? {
            Next::Over => {
                let mut summary = summary(count, last);
                if let Some(fields) = summary.as_object_mut().filter(|_| unfinished > 0) {
                    fields.insert("unfinished".into(), json!(unfinished));
                }
                return Ok(summary);
            }
            Next::Lost => {
                sink.send(json!({ "v": 1, "type": "gap" })).await;
            }
            Next::Event(Event::Arrived) => {}
            Next::Event(event) => {
                let Some(line) = node.render(event, &from).await? else {
                    continue;
                };
                let kind = line["type"].as_str().unwrap_or_default();
                // Who waits for files sees them come.
                let comes = ask.files_to.is_some()
                    && (kind == "file.progress" && line["dir"] == "in" || kind == "file.failed");
                if comes && while_moving {
                    deadline = Some(Instant::now() + files::PATIENCE);
                }
                if (ask.follow || comes) && wants(kind) && !sink.send(line).await {
                    return Ok(summary(count, last));
                }
            }
        }
    }
}

/// Files that these contacts are to bring yet; a failure when none of them can come now.
async fn unfinished(node: &Node, from: &[ContactId]) -> Result<usize, Failure> {
    let from = from.to_vec();
    let (open, stuck) = node.call(move |core| Ok(core.unfinished(&from))).await?;
    match stuck {
        Some(problem) => Err(problem),
        None => Ok(open),
    }
}

/// Moves a file that lies in the vault into the reader's directory.
async fn taken_out(
    node: &Node,
    line: Value,
    directory: &Path,
    existing: Taken,
) -> Result<Value, Failure> {
    let id = line["id"].as_str().and_then(parse_message_id);
    let Some(id) = id.filter(|_| line["path"].is_null()) else {
        return Ok(line);
    };
    let done = node.call(move |core| core.arrived_file(id)).await?;
    let mut taken = files::take_out(node, done, directory, None, existing.into()).await?;
    if let Some(fields) = taken.as_object_mut() {
        fields.insert("cursor".into(), line["cursor"].clone());
    }
    Ok(taken)
}

fn summary(count: u64, last: Option<u64>) -> Value {
    json!({ "count": count, "cursor": last.map(|n| format!("c_{n}")) })
}

enum Next {
    Event(Event),
    /// Events were dropped: what is durable is read again.
    Lost,
    Over,
}

async fn next_event(
    live: &mut broadcast::Receiver<Event>,
    deadline: Option<Instant>,
    sink: &EventSink,
) -> Result<Next, Failure> {
    let far = Instant::now() + Duration::from_secs(86_400 * 365);
    tokio::select! {
        event = timeout_at(deadline.unwrap_or(far), live.recv()) => match event {
            Ok(Ok(event)) => Ok(Next::Event(event)),
            Ok(Err(broadcast::error::RecvError::Lagged(_))) => Ok(Next::Lost),
            Ok(Err(broadcast::error::RecvError::Closed)) => Err(failure::stopped()),
            Err(_) => Ok(Next::Over),
        },
        () = sink.closed() => Ok(Next::Over),
    }
}

async fn resolve(node: &Node, names: Vec<String>) -> Result<Vec<ContactId>, Failure> {
    node.call(move |core| names.iter().map(|name| core.find(name)).collect())
        .await
}

fn cursor(text: &str) -> Result<u64, Failure> {
    text.strip_prefix("c_")
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| {
            Failure::usage(format!("not a cursor: {text}")).hint("a cursor looks like c_42")
        })
}

#[derive(Deserialize)]
pub(crate) struct Acknowledge {
    cursor: String,
    #[serde(default)]
    from: Vec<String>,
}

/// Notes that everything up to the cursor was taken, from all or from some.
pub(crate) async fn acknowledge(node: &Node, ask: Acknowledge) -> Result<Value, Failure> {
    let upto = cursor(&ask.cursor)?;
    let from = resolve(node, ask.from).await?;
    node.call(move |core| {
        if from.is_empty() {
            let now = core.vault.inbox_cursor();
            core.push(Operation::InboxCursor(upto.max(now)));
        }
        for contact in from {
            core.push(Operation::PutSetting {
                key: read_key(contact),
                value: upto.to_be_bytes().to_vec(),
            });
        }
        Ok(json!({}))
    })
    .await
}

fn read_key(contact: ContactId) -> String {
    format!("read/{}", hex(&contact.0))
}

/// Where a reader stands.
#[derive(Clone, Copy)]
enum Place {
    /// Behind what was acknowledged.
    Unread,
    /// Behind a cursor that the reader named, acknowledged or not.
    All(u64),
    /// Behind what this reader got.
    After(u64),
}

/// Some of what waits, and where the next page begins, if there may be one.
struct Page {
    lines: Vec<(u64, Value)>,
    next: Option<u64>,
}

impl Core {
    /// A page of what waits for a reader, and where the next page begins.
    fn waiting(&self, from: &[ContactId], place: Place, limit: usize) -> Result<Page, Failure> {
        let acknowledged = self.vault.inbox_cursor();
        let after = match place {
            Place::Unread => acknowledged,
            Place::All(after) | Place::After(after) => after,
        };
        let arrivals = self.arrivals(after, limit)?;
        let full = arrivals.len() == limit;
        let next = arrivals.last().map(|(number, ..)| *number).filter(|_| full);
        let mut lines = Vec::new();
        for (number, contact, line) in arrivals {
            let wanted = from.is_empty() || from.contains(&contact);
            let read = match place {
                Place::All(_) => false,
                _ => self.read_by_sender(contact)? >= number,
            };
            if wanted && !read {
                lines.push((number, line));
            }
        }
        Ok(Page { lines, next })
    }

    /// How far a reader of this contact alone has come.
    fn read_by_sender(&self, contact: ContactId) -> Result<u64, Failure> {
        let value = self
            .vault
            .setting(&read_key(contact))
            .map_err(|error| failure::read(&error))?;
        let number = value
            .and_then(|value| value.try_into().ok())
            .map_or(0, u64::from_be_bytes);
        Ok(number)
    }
}

#[derive(Deserialize)]
pub(crate) struct Subscribe {
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    peer: Option<String>,
    since: Option<String>,
}

/// Everything new, until the reader leaves.
pub(crate) async fn subscribe(
    node: &Node,
    ask: Subscribe,
    sink: EventSink,
) -> Result<Value, Failure> {
    let since = match ask.since {
        Some(since) => since,
        None => {
            let newest = node.call(|core| Ok(core.vault.inbox_newest())).await?;
            format!("c_{newest}")
        }
    };
    sink.send(json!({
        "v": 1,
        "type": "hello",
        "version": env!("CARGO_PKG_VERSION"),
        "caps": ["jsonl.1", "stream"],
        "cursor": since,
    }))
    .await;
    let ask = Receive {
        from: ask.peer.into_iter().collect(),
        types: ask.types,
        max: None,
        since: Some(since),
        follow: true,
        expect: None,
        timeout_ms: None,
        files_to: None,
        existing: Taken::default(),
    };
    receive(node, ask, sink).await
}

#[derive(Deserialize)]
pub(crate) struct Sync {
    for_ms: Option<u64>,
    /// End as soon as nothing of ours waits.
    #[serde(default)]
    once: bool,
}

/// Stays a bounded while so that queues empty in both directions.
pub(crate) async fn sync(node: &Node, ask: Sync, sink: EventSink) -> Result<Value, Failure> {
    let window = Duration::from_millis(ask.for_ms.unwrap_or(10_000));
    let deadline = Instant::now() + window;
    let mut live = node.events.subscribe();
    let count = |core: &mut Core| Ok((core.queue_json().len(), core.vault.inbox_newest()));
    let (queued_before, newest_before) = node.call(count).await?;
    let (mut queued, mut newest) = (queued_before, newest_before);
    while !(ask.once && queued == 0) {
        let next = next_event(&mut live, Some(deadline), &sink).await?;
        let progress = node.call(count).await?;
        if progress != (queued, newest) {
            (queued, newest) = progress;
            sink.send(json!({
                "v": 1,
                "type": "sync.progress",
                "received": newest.saturating_sub(newest_before),
                "sent": queued_before.saturating_sub(queued),
            }))
            .await;
        }
        if matches!(next, Next::Over) {
            break;
        }
    }
    Ok(json!({
        "v": 1,
        "type": "sync.done",
        "received": newest.saturating_sub(newest_before),
        "sent": queued_before.saturating_sub(queued),
        "queued": queued,
    }))
}

#[derive(Deserialize)]
pub(crate) struct Flush {
    timeout_ms: Option<u64>,
}

/// Dials everybody who has something waiting, until nothing waits or the time is over.
pub(crate) async fn flush(node: &Node, ask: Flush) -> Result<Value, Failure> {
    let deadline = Instant::now() + Duration::from_millis(ask.timeout_ms.unwrap_or(30_000));
    let mut live = node.events.subscribe();
    let (sink, _open) = EventSink::new();
    loop {
        let left = node
            .call(|core| {
                core.dial_waiting();
                Ok(core.queue_json().len())
            })
            .await?;
        if left == 0 {
            return Ok(json!({ "left": 0 }));
        }
        if matches!(
            next_event(&mut live, Some(deadline), &sink).await?,
            Next::Over
        ) {
            return Ok(json!({ "left": left, "reason": node.why_not_reached() }));
        }
    }
}

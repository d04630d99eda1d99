//! Sending one file that a peer asked for: reads it, hashes it, seals it, once.
//!
//! ```text
//!   request ──► is it ours, and unchanged? ──► read up to the offset, compare hashes
//!                      │ no                                   │ equal
//!                      ▼                                      ▼
//!                   status 1-4              salt ──► [read, hash, seal] ──► records ──► trailer
//!                                                     a thread of its own
//! ```
//! Nothing is hashed before the first byte leaves, unless the peer has a beginning already.
//! Spec: docs/protocol/6-files.md §3-§5.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use solo2_crypto::content::Shape;
use solo2_crypto::file::{CHUNK_LEN, Sealer, TAG_LEN, attempt_key, padme, prefix_proof};
use solo2_crypto::secret::Secret;
use solo2_store::ContactId;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::NetContext;
use super::event::{Event, Moved};
use super::pipe::{Feed, PIPES_MAX, Part};
use super::pull::rate;
use super::route;
use super::transfers::PULLS_MAX;
use crate::error::{Failure, Kind};
use crate::files::source::{Source, SourceError};
use crate::net::bulk::{Acks, Asked, LaneError, Lanes, Outgoing, Request, Status};

/// Records that are sealed ahead of the network.
const BACKLOG: usize = 8;
/// How long a peer may take to say what it wants.
const REQUEST_MAX: Duration = Duration::from_secs(10);
/// Files and pipes that one peer may fetch at a time.
const SERVED_MAX: usize = PULLS_MAX + PIPES_MAX;
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// What was offered under a message's id.
pub(crate) struct Job {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) key: Secret<32>,
    pub(super) from: From,
}

/// Where its bytes come from.
pub(super) enum From {
    Disk {
        path: String,
        stamp: [u8; 32],
        size: u64,
    },
    /// A command's stdin.
    Command(Feed),
}

/// Answers a peer's requests for as long as the link lives.
pub(super) async fn serve(net: Arc<NetContext>, lanes: Lanes, contact: ContactId, serial: u64) {
    let free = Arc::new(tokio::sync::Semaphore::new(SERVED_MAX));
    while let Ok(permit) = free.clone().acquire_owned().await {
        let Ok(asked) = lanes.accept().await else {
            return;
        };
        let serving = Serving {
            net: net.clone(),
            lanes: lanes.clone(),
            contact,
            serial,
        };
        tokio::spawn(async move {
            serving.one(asked).await;
            drop(permit);
        });
    }
}

struct Serving {
    net: Arc<NetContext>,
    lanes: Lanes,
    contact: ContactId,
    serial: u64,
}

/// A sealed record, and whether it is the last.
type Record = (Bytes, bool);

impl Serving {
    async fn one(&self, mut asked: Asked) {
        let Ok(Ok(request)) = timeout(REQUEST_MAX, asked.request()).await else {
            return;
        };
        let (contact, serial, id) = (self.contact, self.serial, request.file);
        let job = self
            .net
            .call(move |core| Ok(core.offered_file(contact, serial, id)))
            .await;
        let job = match job {
            Ok(Ok(job)) => job,
            Ok(Err(status)) => return asked.refuse(status).await,
            // This side is on its way out.
            Err(_) => return asked.refuse(Status::Unavailable).await,
        };
        let size = match &job.from {
            From::Command(feed) => {
                let feed = feed.clone();
                return relay(asked, &request, &job, &feed).await;
            }
            From::Disk { size, .. } => *size,
        };
        let opened = tokio::task::spawn_blocking(move || {
            let begun = begin(&job, &id, request.offset, &request.prefix);
            (job, begun)
        });
        let (job, begun) = match opened.await {
            Ok((job, Ok(begun))) => (job, begun),
            Ok((_, Err(refusal))) => {
                asked.refuse(refusal.status()).await;
                if let Refusal::Gone(error) = refusal {
                    self.failed(id, &error).await;
                }
                return;
            }
            Err(_) => return,
        };
        let salt: [u8; 32] = rand::random();
        let left = size.saturating_sub(request.offset);
        let Ok((outgoing, acks)) = asked.answer(&salt, Some(left)).await else {
            return;
        };
        let sealer = Sealer::new(attempt_key(&job.key, &id, &salt, request.offset));
        let (to_lane, records) = mpsc::channel(BACKLOG);
        let reading = tokio::task::spawn_blocking(move || read(begun, sealer, &to_lane));
        let told = self.tell(id, &job.name, size, request.offset, acks);
        let sent = tokio::select! {
            sent = send(outgoing, records, padme(size) - size) => sent,
            () = told => Err(LaneError::Connection),
        };
        if let (Ok(Err(error)), _) = (reading.await, sent) {
            self.failed(id, &error).await;
        }
    }

    /// Tells who watches how far the peer has written; never ends before the lane does.
    async fn tell(&self, id: [u8; 16], name: &str, size: u64, resumed_from: u64, mut acks: Acks) {
        let mut told = (Instant::now(), resumed_from);
        while let Ok(written) = acks.next().await {
            if told.0.elapsed() < TELL_EVERY && written < size {
                continue;
            }
            let rate = rate(told.1, written, told.0.elapsed());
            told = (Instant::now(), written);
            let moved = Moved {
                id,
                name,
                incoming: false,
                bytes: written.min(size),
                size: Some(size),
                rate,
                resumed_from,
                route: route::name(&self.lanes.path()),
            };
            let event = Event::file_progress(self.contact, &moved);
            let _ = self.net.events.send(event);
        }
        std::future::pending::<()>().await;
    }

    /// The file cannot be sent as it was offered: it is called off, and the user told which.
    async fn failed(&self, id: [u8; 16], error: &SourceError) {
        let contact = self.contact;
        let failure = source_failure(error);
        let _ = self
            .net
            .call(move |core| {
                core.fail_outgoing(contact, id, &failure);
                Ok(())
            })
            .await;
    }
}

/// A source's refusal, in words that name the thing and the remedy.
pub(super) fn source_failure(error: &SourceError) -> Failure {
    let failure = Failure::new(Kind::Io, error.to_string());
    match error {
        SourceError::Changed { .. } => failure
            .code("source_changed")
            .hint("send it again when nothing writes to it any more"),
        SourceError::Kind { .. } => failure
            .code("not_a_file")
            .hint("files and directories can be sent"),
        _ => failure,
    }
}

/// Why a request is not answered with the file.
enum Refusal {
    /// It cannot be sent any more.
    Gone(SourceError),
    /// The peer's beginning is not ours.
    Differs,
}

impl Refusal {
    fn status(&self) -> Status {
        match self {
            Self::Gone(_) => Status::Changed,
            Self::Differs => Status::Differs,
        }
    }
}

/// A source behind its first `offset` bytes, and the hash of these.
struct Begun {
    source: Source,
    hasher: blake3::Hasher,
    total: u64,
}

fn begin(job: &Job, id: &[u8; 16], offset: u64, prefix: &[u8; 32]) -> Result<Begun, Refusal> {
    let From::Disk { path, stamp, size } = &job.from else {
        return Err(Refusal::Differs);
    };
    let source = Source::open(path.as_ref(), job.shape, *stamp, *size);
    let mut source = source.map_err(Refusal::Gone)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK_LEN];
    let mut left = offset;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK_LEN);
        let place = buffer.get_mut(..most).unwrap_or_default();
        let count = source.read(place).map_err(Refusal::Gone)?;
        if count == 0 {
            return Err(Refusal::Differs);
        }
        hasher.update(place.get(..count).unwrap_or_default());
        left -= count as u64;
    }
    let hash = *hasher.finalize().as_bytes();
    let proof = prefix_proof(&job.key, id, offset, &hash);
    if !proof.same_as(&Secret::new(prefix)) {
        return Err(Refusal::Differs);
    }
    Ok(Begun {
        source,
        hasher,
        total: offset,
    })
}

/// Reads, hashes and seals until the end, or until nobody takes it any more.
fn read(
    mut begun: Begun,
    mut sealer: Sealer,
    to_lane: &mpsc::Sender<Record>,
) -> Result<(), SourceError> {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK_LEN + TAG_LEN);
        chunk.resize(CHUNK_LEN, 0);
        let mut len = 0;
        while len < CHUNK_LEN {
            match begun
                .source
                .read(chunk.get_mut(len..).unwrap_or_default())?
            {
                0 => break,
                count => len += count,
            }
        }
        chunk.truncate(len);
        let ended = len < CHUNK_LEN;
        if len > 0 {
            begun.hasher.update(&chunk);
            begun.total += len as u64;
            if !pass(&mut sealer, chunk, false, to_lane) {
                return Ok(());
            }
        }
        if ended {
            let mut trailer = begun.total.to_be_bytes().to_vec();
            trailer.extend_from_slice(begun.hasher.finalize().as_bytes());
            pass(&mut sealer, trailer, true, to_lane);
            return Ok(());
        }
    }
}

fn pass(sealer: &mut Sealer, mut record: Vec<u8>, last: bool, to: &mpsc::Sender<Record>) -> bool {
    sealer.seal(&mut record, last).is_ok() && to.blocking_send((Bytes::from(record), last)).is_ok()
}

/// Answers from what a command reads: it has what the peer has not acknowledged.
async fn relay(asked: Asked, request: &Request, job: &Job, feed: &Feed) {
    let offset = request.offset;
    let streaming = match feed.from(offset).await {
        Ok(Some(streaming)) => streaming,
        Ok(None) => return asked.refuse(Status::Differs).await,
        Err(()) => return asked.refuse(Status::Unavailable).await,
    };
    let proof = prefix_proof(&job.key, &request.file, offset, &streaming.hash);
    if !proof.same_as(&Secret::new(&request.prefix)) {
        return asked.refuse(Status::Differs).await;
    }
    // What proves that it is there is acknowledged, whatever became of acknowledgements
    // before: a command whose spool is full would wait for them, and the peer for it.
    feed.acknowledge(offset);
    let salt: [u8; 32] = rand::random();
    let Ok((outgoing, mut acks)) = asked.answer(&salt, None).await else {
        return;
    };
    let sealer = Sealer::new(attempt_key(&job.key, &request.file, &salt, offset));
    let heard = async {
        while let Ok(written) = acks.next().await {
            feed.acknowledge(written);
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        // The command hears of the end from the peer's receipt, and of anything else by
        // being asked again.
        _ = pass_on(outgoing, streaming.parts, sealer) => {}
        () = heard => {}
    }
}

async fn pass_on(
    mut outgoing: Outgoing,
    mut parts: mpsc::Receiver<Part>,
    mut sealer: Sealer,
) -> Result<(), LaneError> {
    while let Some(part) = parts.recv().await {
        let (mut record, end) = match part {
            Part::Data(data) => (data, None),
            Part::End { total, root } => {
                let mut trailer = total.to_be_bytes().to_vec();
                trailer.extend_from_slice(&root);
                (trailer, Some(total))
            }
        };
        // Nothing is said by a record of nothing, and a lane has none.
        if record.is_empty() {
            continue;
        }
        if sealer.seal(&mut record, end.is_some()).is_err() {
            break;
        }
        outgoing.record(Bytes::from(record), end.is_some()).await?;
        if let Some(total) = end {
            return outgoing.finish(padme(total) - total).await;
        }
    }
    // The command left, or the peer asked anew: what was sent must not look whole.
    outgoing.abort();
    Err(LaneError::Connection)
}

async fn send(
    mut outgoing: Outgoing,
    mut records: mpsc::Receiver<Record>,
    padding: u64,
) -> Result<(), LaneError> {
    while let Some((record, last)) = records.recv().await {
        outgoing.record(record, last).await?;
        if last {
            return outgoing.finish(padding).await;
        }
    }
    // The reader gave up: what was sent must not look whole.
    outgoing.abort();
    Err(LaneError::Connection)
}

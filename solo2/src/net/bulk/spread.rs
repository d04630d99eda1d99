//! One answer over several strands: what leaves on any of them is put in order again.
//!
//! ```text
//!              ┌─► strand ─► 3, 5, …, end ─┐
//!   records ───┼─► strand ─► 4, 8, …, end ─┼──► by number ──► records
//!              └─► strand ─► 6, 7, …, end ─┘
//! ```
//! A strand takes the next record when it has room, so each carries what it can.
//! Spec: docs/protocol/6-files.md §3.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::super::connection::{Broken, RecvStream, SendStream};
use super::super::strands::{Lent, Strands};
use super::{LaneError, read_record};

/// What a strand carries behind its last record.
const END: u32 = u32::MAX;
/// Records of one strand that may wait for those of others.
const AHEAD: usize = 32;
/// How long one record may take: who waits longer waits for a circuit that is gone.
const STALL: Duration = Duration::from_secs(if cfg!(test) { 3 } else { 60 });

/// A record of an answer: its number, its head, and what is sealed.
type Numbered = (u32, u32, Bytes);

/// The sending end.
pub(super) struct Sides {
    lent: Lent,
    joined: mpsc::Receiver<SendStream>,
    queue: mpsc::Sender<Numbered>,
    takers: Arc<Mutex<mpsc::Receiver<Numbered>>>,
    sending: JoinSet<Result<(), Broken>>,
}

impl Sides {
    /// For the answer with this salt.
    pub(super) fn new(lent: Lent, salt: [u8; 32]) -> Self {
        let joined = lent.strands().offer(salt);
        let (queue, takers) = mpsc::channel(1);
        Self {
            lent,
            joined,
            queue,
            takers: Arc::new(Mutex::new(takers)),
            sending: JoinSet::new(),
        }
    }

    /// Takes the streams that have joined; whether there are any by now.
    pub(super) fn gather(&mut self) -> bool {
        while let Ok(stream) = self.joined.try_recv() {
            let (takers, strands) = (self.takers.clone(), self.lent.strands().clone());
            self.sending.spawn(send(stream, takers, strands));
        }
        !self.sending.is_empty()
    }

    /// Gives a record to whichever strand takes it first.
    pub(super) async fn record(&mut self, record: Numbered) -> Result<(), Broken> {
        tokio::select! {
            taken = self.queue.send(record) => taken.map_err(|_| Broken),
            // None ends before there are no more records.
            Some(_) = self.sending.join_next() => Err(Broken),
        }
    }

    /// Waits until all have left.
    pub(super) async fn finish(mut self) -> Result<(), Broken> {
        drop(self.queue);
        while let Some(ended) = self.sending.join_next().await {
            ended.map_err(|_| Broken)??;
        }
        Ok(())
    }
}

/// Sends records over one strand until there are no more.
async fn send(
    mut stream: SendStream,
    takers: Arc<Mutex<mpsc::Receiver<Numbered>>>,
    strands: Arc<Strands>,
) -> Result<(), Broken> {
    loop {
        let next = takers.lock().await.recv().await;
        let ends = next.is_none();
        let written = timeout(STALL, put(&mut stream, next)).await;
        if written.is_err() {
            strands.clear();
        }
        written.map_err(|_| Broken)??;
        if ends {
            return Ok(());
        }
    }
}

/// Writes one record, or the end.
async fn put(stream: &mut SendStream, next: Option<Numbered>) -> Result<(), Broken> {
    let Some((number, head, sealed)) = next else {
        stream.write_all(&END.to_be_bytes()).await?;
        return stream.finish().await;
    };
    let mut before = number.to_be_bytes().to_vec();
    before.extend_from_slice(&head.to_be_bytes());
    stream
        .write_chunks(&mut [Bytes::from(before), sealed])
        .await
}

/// The receiving end.
pub(super) struct Merge {
    lent: Lent,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    waiting: BTreeMap<u32, Arrived>,
    /// Opens a stream on each strand and reads it.
    _asking: JoinSet<()>,
}

/// A record that has come, and its place among those of its strand that may wait.
struct Arrived {
    record: Vec<u8>,
    last: bool,
    _place: OwnedSemaphorePermit,
}

/// What a strand brings. Their number is bounded by [`AHEAD`].
enum Arrival {
    Record(u32, Arrived),
    Failed(LaneError),
}

impl Merge {
    /// Asks for records of the answer with this salt on every strand that there is or comes.
    pub(super) fn new(lent: Lent, salt: [u8; 32]) -> Self {
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let mut asking = JoinSet::new();
        let mut open = lent.strands().watch();
        asking.spawn(async move {
            let mut newest = 0;
            let mut readers = JoinSet::new();
            loop {
                for strand in &*open.borrow_and_update() {
                    if strand.serial > newest {
                        newest = strand.serial;
                        readers.spawn(read(strand.ask(salt), arrived.clone()));
                    }
                }
                if open.changed().await.is_err() {
                    return;
                }
            }
        });
        Self {
            lent,
            arrivals,
            waiting: BTreeMap::new(),
            _asking: asking,
        }
    }

    /// The record with this number, and whether it is the last.
    pub(super) async fn next(&mut self, number: u32) -> Result<(Vec<u8>, bool), LaneError> {
        loop {
            if let Some(found) = self.waiting.remove(&number) {
                return Ok((found.record, found.last));
            }
            let arrives = tokio::select! {
                arrives = timeout(STALL, self.arrivals.recv()) => arrives,
                () = self.lent.strands().ended() => return Err(LaneError::Connection),
            };
            match arrives {
                Ok(Some(Arrival::Record(came, arrived))) => {
                    if came < number || self.waiting.insert(came, arrived).is_some() {
                        return Err(LaneError::Protocol);
                    }
                }
                Ok(Some(Arrival::Failed(error))) => return Err(error),
                Ok(None) => return Err(LaneError::Connection),
                Err(_) => {
                    self.lent.strands().clear();
                    return Err(LaneError::Connection);
                }
            }
        }
    }
}

/// Reads one strand's share.
async fn read(
    asked: impl Future<Output = Option<RecvStream>>,
    arrivals: mpsc::UnboundedSender<Arrival>,
) {
    let Some(mut stream) = asked.await else {
        return;
    };
    let places = Arc::new(Semaphore::new(AHEAD));
    let mut begun = false;
    loop {
        let error = match next(&mut stream, &places).await {
            Ok(Some((number, arrived))) => {
                begun = true;
                if arrivals.send(Arrival::Record(number, arrived)).is_err() {
                    return;
                }
                continue;
            }
            Ok(None) => return,
            Err(error) => error,
        };
        // What never carried anything may have come too late.
        if begun || error == LaneError::Protocol {
            let _ = arrivals.send(Arrival::Failed(error));
        }
        return;
    }
}

/// The next record of a strand, once there is room for it; nothing behind the last.
async fn next(
    stream: &mut RecvStream,
    places: &Arc<Semaphore>,
) -> Result<Option<(u32, Arrived)>, LaneError> {
    let mut number = [0; 4];
    stream.read_exact(&mut number).await?;
    let number = u32::from_be_bytes(number);
    if number == END {
        return Ok(None);
    }
    let place = places.clone().acquire_owned().await;
    let _place = place.map_err(|_| LaneError::Connection)?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let (record, last) = read_record(stream, u32::from_be_bytes(head)).await?;
    let arrived = Arrived {
        record,
        last,
        _place,
    };
    Ok(Some((number, arrived)))
}

#[cfg(test)]
mod tests;

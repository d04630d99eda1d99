//! Fetching one file: asks the peer, opens what comes, writes it, and checks the whole.
//!
//! ```text
//!   partial ──what is there, hashed──► request ──► records ──► [open, hash, write] ──► trailer
//!      ▲                                                        a thread of its own       │
//!      └────────────── ends anywhere: the next link goes on from here ◄── equal hashes ───┘
//! ```
//! What is written was authenticated first, so whatever ends this, the partial file holds a
//! beginning of the file and nothing else. Spec: docs/protocol/6-files.md §3-§5.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use solo2_crypto::content::Shape;
use solo2_crypto::file::{CHUNK_LEN, Opener, attempt_key, padme, prefix_proof};
use solo2_crypto::secret::Secret;
use solo2_store::ContactId;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::NetContext;
use super::event::{Event, Moved, hex};
use super::route;
use super::transfer::Place;
use crate::error::{Failure, Kind};
use crate::files::blob::Blob;
use crate::files::target::{Existing, PlainPartial, Target, TargetError};
use crate::files::{Partial, space};
use crate::net::bulk::{Acknowledger, Fetched, LaneError, Lanes, Records, Request, Status};

/// Records that may wait for the disk.
const BACKLOG: usize = 8;
/// How often progress is told, to the sender and to who watches.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// Bytes that a disk keeps free for others.
const RESERVE: u64 = 64 << 20;
/// Bytes of the last record: length and hash.
const TRAILER_LEN: usize = 8 + 32;
/// How often the room on the disk is looked at while a file of unknown size comes, in chunks.
const LOOK_EVERY: u64 = 256;
/// How often the sender of such a file is told that it may forget what it kept, in chunks.
const ACK_EVERY: u64 = 4;

/// What is to be fetched, and where to.
pub(super) struct Pull {
    pub(super) net: Arc<NetContext>,
    pub(super) lanes: Lanes,
    pub(super) contact: ContactId,
    pub(super) id: [u8; 16],
    pub(super) name: String,
    pub(super) key: Secret<32>,
    pub(super) shape: Shape,
    /// Bytes of all of it; `None` for what is still being written.
    pub(super) size: Option<u64>,
    /// Bytes that may come of it.
    pub(super) most: u64,
    pub(super) place: Place,
    /// Where the vault keeps files.
    pub(super) vault: PathBuf,
    /// The file's hash, when all of it was here before.
    pub(super) arrived: Option<[u8; 32]>,
    /// Bytes that are written.
    pub(super) written: Arc<AtomicU64>,
}

/// How fetching ended.
pub(super) enum End {
    /// All of it is here, checked, and where it belongs.
    Done {
        root: [u8; 32],
        size: u64,
        path: Option<PathBuf>,
    },
    /// The link ended, or the peer cannot read the file now: there will be another.
    Later,
    /// Something is wrong here, and may be mended: a full disk, a name that is taken.
    Stuck(Failure),
    /// It will never come, for this reason.
    Never(Failure),
}

/// Why an attempt did not get to the end.
enum Stop {
    /// What is here is not the beginning of what the peer has.
    Differs,
    End(End),
}

impl From<End> for Stop {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl From<LaneError> for Stop {
    fn from(error: LaneError) -> Self {
        Self::End(match error {
            LaneError::Connection => End::Later,
            LaneError::Protocol => End::Never(broken(&error.to_string())),
        })
    }
}

impl From<TargetError> for Stop {
    fn from(error: TargetError) -> Self {
        Self::End(match error {
            TargetError::Hostile { .. } => End::Never(target_failure(&error)),
            error => End::Stuck(target_failure(&error)),
        })
    }
}

pub(super) fn broken(why: &str) -> Failure {
    Failure::new(
        Kind::Integrity,
        format!("the file did not come through: {why}"),
    )
    .code("file_broken")
}

fn too_large(most: u64) -> Failure {
    Failure::new(
        Kind::Quota,
        format!("it is longer than the {most} bytes that are taken unasked"),
    )
    .code("too_large")
    .hint("take more from this contact: solo2 contact set NAME max-file=SIZE")
}

/// A directory's refusal, in words that name the thing and the remedy.
pub(super) fn target_failure(error: &TargetError) -> Failure {
    let failure = |kind| Failure::new(kind, error.to_string());
    match error {
        TargetError::Full { .. } => failure(Kind::Io)
            .code("disk_full")
            .hint("free some space, then: solo2 file resume; what has come is kept"),
        TargetError::Exists { .. } => failure(Kind::Io)
            .code("exists")
            .hint("move it away, or say --rename or --overwrite"),
        TargetError::Hostile { .. } => failure(Kind::Integrity).code("file_hostile"),
        TargetError::Planted { .. } | TargetError::Moved { .. } => failure(Kind::Io)
            .code("tampered")
            .hint("receive into a directory that only you can write to"),
        TargetError::Io { .. } | TargetError::Read(_) => failure(Kind::Io),
    }
}

/// Drops what has come of a file that is called off.
pub(super) fn discard(place: &Place, id: [u8; 16], vault: &Path) {
    // What cannot be removed is a hidden file, or sealed under a key that is gone.
    match place {
        Place::Vault { blob, .. } => {
            let _ = std::fs::remove_file(vault.join(hex(blob)));
        }
        Place::Directory { path, .. } => {
            if let Ok(target) = Target::open(Path::new(path)) {
                let _ = target.discard(id);
            }
        }
    }
}

/// Where the file is being written.
enum Landing {
    Vault(Box<Blob>, PathBuf),
    Directory(Target, PlainPartial, String, Existing),
}

impl Landing {
    fn open(place: &Place, id: [u8; 16], vault: &Path) -> Result<Self, TargetError> {
        match place {
            Place::Vault { blob, key } => {
                let path = vault.join(hex(blob));
                let blob = Blob::open_or_create(&path, key);
                let blob = blob.map_err(|error| TargetError::at(path.clone(), error))?;
                Ok(Self::Vault(Box::new(blob), path))
            }
            Place::Directory {
                path,
                name,
                existing,
            } => {
                let target = Target::open(Path::new(path))?;
                if *existing == Existing::Refuse && target.taken(name) {
                    let path = Path::new(path).join(name);
                    return Err(TargetError::Exists { path });
                }
                let partial = target.partial(id)?;
                Ok(Self::Directory(target, partial, name.clone(), *existing))
            }
        }
    }

    fn partial(&mut self) -> &mut dyn Partial {
        match self {
            Self::Vault(blob, _) => blob.as_mut(),
            Self::Directory(_, partial, ..) => partial,
        }
    }

    /// Makes it last under its name.
    fn finish(self, shape: Shape) -> Result<Option<PathBuf>, TargetError> {
        match self {
            Self::Vault(mut blob, path) => match blob.sync() {
                Ok(()) => Ok(None),
                Err(error) => Err(TargetError::at(path, error)),
            },
            Self::Directory(target, partial, name, existing) => {
                target.finish(&partial, &name, shape, existing).map(Some)
            }
        }
    }
}

/// The writing end: on a thread of its own, since disks block.
struct Writer {
    place: PathBuf,
    landing: Landing,
    hasher: blake3::Hasher,
    /// Bytes that have come, `held` included.
    offset: u64,
    size: Option<u64>,
    most: u64,
    /// Of a file whose size nobody knows, the newest chunk: it may be the last.
    held: Option<Vec<u8>>,
    written: Arc<AtomicU64>,
}

impl Writer {
    /// Opens what is there and hashes it.
    fn open(pull: &Pull, afresh: bool) -> Result<Self, TargetError> {
        let place = pull.place_name();
        let failed = |error| TargetError::at(place.clone(), error);
        let mut landing = Landing::open(&pull.place, pull.id, &pull.vault)?;
        let mut hasher = blake3::Hasher::new();
        let partial = landing.partial();
        // More than was offered is not of this file.
        if afresh || pull.size.is_some_and(|size| partial.len() > size) {
            partial.clear().map_err(failed)?;
        }
        let missing = pull
            .size
            .map_or(0, |size| size.saturating_sub(partial.len()));
        if space::free(&place).map_err(failed)? < missing.saturating_add(RESERVE) {
            return Err(TargetError::Full { path: place });
        }
        partial.rehash(&mut hasher).map_err(failed)?;
        let offset = partial.len();
        pull.written.store(offset, Ordering::Relaxed);
        Ok(Self {
            place,
            landing,
            hasher,
            offset,
            size: pull.size,
            most: pull.most,
            held: None,
            written: pull.written.clone(),
        })
    }

    /// Opens and writes records as they come; the landing, hash and length when all is there.
    fn run(
        mut self,
        mut opener: Opener,
        mut records: mpsc::Receiver<(Vec<u8>, bool)>,
    ) -> Result<(Landing, [u8; 32], u64), Stop> {
        while let Some((mut sealed, last)) = records.blocking_recv() {
            opener
                .open(&mut sealed, last)
                .map_err(|_| End::Never(broken("a part of it is not authentic")))?;
            if last {
                self.check(&sealed)?;
                if let Some(held) = self.held.take() {
                    self.append(&held, true)?;
                }
                if !self.landing.partial().is_complete() {
                    // Of an empty file nothing but the end comes.
                    self.append(&[], true)?;
                }
                let root = *self.hasher.finalize().as_bytes();
                return Ok((self.landing, root, self.offset));
            }
            self.take(sealed)?;
        }
        Err(End::Later.into())
    }

    /// One chunk: a whole one unless it is the last.
    fn take(&mut self, chunk: Vec<u8>) -> Result<(), Stop> {
        let offset = self.offset + chunk.len() as u64;
        let fits = match self.size {
            Some(size) => chunk.len() == CHUNK_LEN || offset >= size,
            None => self
                .held
                .as_ref()
                .is_none_or(|held| held.len() == CHUNK_LEN),
        };
        if self.size.is_some_and(|size| offset > size) {
            return Err(End::Never(broken("it is longer than was announced")).into());
        }
        if !fits {
            return Err(End::Never(broken("it has a gap")).into());
        }
        if offset > self.most {
            return Err(End::Never(too_large(self.most)).into());
        }
        self.hasher.update(&chunk);
        self.offset = offset;
        let Some(size) = self.size else {
            let whole = self.held.replace(chunk);
            if let Some(whole) = whole {
                self.append(&whole, false)?;
                self.look_for_room()?;
            }
            let held = self.held.as_ref().map_or(0, Vec::len) as u64;
            self.written.store(offset - held, Ordering::Relaxed);
            return Ok(());
        };
        self.append(&chunk, offset == size)?;
        self.written.store(offset, Ordering::Relaxed);
        Ok(())
    }

    /// What comes without end must not fill the disk.
    fn look_for_room(&self) -> Result<(), TargetError> {
        let chunks = self.offset / CHUNK_LEN as u64;
        if chunks.is_multiple_of(LOOK_EVERY) {
            let free = space::free(&self.place);
            if free.map_err(|error| TargetError::at(self.place.clone(), error))? < RESERVE {
                let path = self.place.clone();
                return Err(TargetError::Full { path });
            }
        }
        Ok(())
    }

    fn append(&mut self, chunk: &[u8], last: bool) -> Result<(), TargetError> {
        let appended = self.landing.partial().append(chunk, last);
        appended.map_err(|error| TargetError::at(self.place.clone(), error))
    }

    /// `total u64be || BLAKE3 32` against what is here.
    fn check(&self, trailer: &[u8]) -> Result<(), Stop> {
        let parts = trailer.split_first_chunk::<8>();
        let Some((total, root)) = parts.filter(|_| trailer.len() == TRAILER_LEN) else {
            return Err(End::Never(broken("its end is malformed")).into());
        };
        let total = u64::from_be_bytes(*total);
        if total != self.offset || self.size.is_some_and(|size| total != size) {
            return Err(End::Never(broken("it is shorter than was announced")).into());
        }
        if self.hasher.finalize().as_bytes() != root {
            return Err(Stop::Differs);
        }
        Ok(())
    }
}

impl Pull {
    pub(super) async fn run(self) -> End {
        if let Some(root) = self.arrived
            && let Some((path, size)) = self.was_named(root).await
        {
            let path = Some(path);
            return End::Done { root, size, path };
        }
        // A beginning that is not the sender's is dropped, once.
        let mut stop = self.attempt(false).await;
        if matches!(stop, Err(Stop::Differs)) {
            stop = self.attempt(true).await;
        }
        match stop {
            Ok(end) | Err(Stop::End(end)) => end,
            Err(Stop::Differs) => End::Never(broken("the two sides hold different files")),
        }
    }

    fn place_name(&self) -> PathBuf {
        match &self.place {
            Place::Vault { .. } => self.vault.clone(),
            Place::Directory { path, .. } => path.into(),
        }
    }

    /// Path and length of the file if it got its name before this program was killed.
    async fn was_named(&self, root: [u8; 32]) -> Option<(PathBuf, u64)> {
        let Place::Directory { path, name, .. } = &self.place else {
            return None;
        };
        let path = Path::new(path).join(name);
        if self.shape != Shape::File {
            return None;
        }
        let found = path.clone();
        let same = tokio::task::spawn_blocking(move || {
            let mut hasher = blake3::Hasher::new();
            let file = std::fs::File::open(found)?;
            hasher.update_reader(file)?;
            let same = *hasher.finalize().as_bytes() == root;
            Ok::<_, std::io::Error>(same.then_some(hasher.count()))
        });
        let size = same.await.ok()?.ok()??;
        Some((path, size))
    }

    async fn attempt(&self, afresh: bool) -> Result<End, Stop> {
        let writer = tokio::task::block_in_place(|| Writer::open(self, afresh))?;
        let offset = writer.offset;
        let hash = *writer.hasher.finalize().as_bytes();
        let prefix = *prefix_proof(&self.key, &self.id, offset, &hash).expose();
        let request = Request {
            file: self.id,
            offset,
            prefix,
        };
        let left = self.size.map(|size| size.saturating_sub(offset));
        let (salt, records, acks) = match self.lanes.fetch(request, left).await? {
            Fetched::Data {
                salt,
                records,
                acks,
            } => (salt, records, acks),
            Fetched::Refused(Status::Differs) => return Err(Stop::Differs),
            Fetched::Refused(Status::Changed) => {
                let failure = Failure::new(
                    Kind::Rejected,
                    "the sender's file changed after it was offered",
                );
                return Err(End::Never(failure.code("source_changed")).into());
            }
            Fetched::Refused(Status::Unknown) => {
                let failure = Failure::new(Kind::Rejected, "the sender called the file off");
                return Err(End::Never(failure.code("cancelled")).into());
            }
            Fetched::Refused(_) => return Err(End::Later.into()),
        };
        let opener = Opener::new(attempt_key(&self.key, &self.id, &salt, offset));
        let (to_writer, from_lane) = mpsc::channel(BACKLOG);
        let writer = tokio::task::spawn_blocking(move || writer.run(opener, from_lane));
        let relayed = self.relay(records, acks, to_writer, offset).await;
        let (landing, root, total) = writer.await.map_err(|_| End::Later)??;
        let (records, mut acks) = relayed?;
        let (contact, id) = (self.contact, self.id);
        // From here on a crash finds the file whole.
        self.net
            .call(move |core| core.file_arrived(contact, id, root))
            .await
            .map_err(|_| End::Later)?;
        let shape = self.shape;
        let path = tokio::task::spawn_blocking(move || landing.finish(shape))
            .await
            .map_err(|_| End::Later)??;
        self.written.store(total, Ordering::Relaxed);
        let _ = acks.acknowledge(total).await;
        records.drain(padme(total) - total).await;
        Ok(End::Done {
            root,
            size: total,
            path,
        })
    }

    /// Hands records to the writer until the last, and tells how far it is.
    async fn relay(
        &self,
        mut records: Records,
        mut acks: Acknowledger,
        to_writer: mpsc::Sender<(Vec<u8>, bool)>,
        resumed_from: u64,
    ) -> Result<(Records, Acknowledger), LaneError> {
        let mut told = (Instant::now(), resumed_from);
        let mut acknowledged = resumed_from;
        loop {
            let (record, last) = records.next().await?;
            // The writer stops early only when something is wrong: it says what.
            if to_writer.send((record, last)).await.is_err() || last {
                return Ok((records, acks));
            }
            // Whoever reads from a program keeps what is not acknowledged, and not much of it.
            let written = self.written.load(Ordering::Relaxed);
            let owed = written.saturating_sub(acknowledged) >= ACK_EVERY * CHUNK_LEN as u64;
            if self.size.is_none() && owed {
                acknowledged = written;
                acks.acknowledge(written).await?;
            }
            if told.0.elapsed() >= TELL_EVERY {
                let written = self.written.load(Ordering::Relaxed);
                acks.acknowledge(written).await?;
                let rate = rate(told.1, written, told.0.elapsed());
                told = (Instant::now(), written);
                let moved = Moved {
                    id: self.id,
                    name: &self.name,
                    incoming: true,
                    bytes: written,
                    size: self.size,
                    rate,
                    resumed_from,
                    route: route::name(&self.lanes.path()),
                };
                let event = Event::file_progress(self.contact, &moved);
                let _ = self.net.events.send(event);
            }
        }
    }
}

/// Bytes per second.
pub(super) fn rate(from: u64, to: u64, time: Duration) -> u64 {
    let bytes = to.saturating_sub(from);
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    bytes.saturating_mul(1000) / millis
}

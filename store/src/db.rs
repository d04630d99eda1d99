//! The database: with its trial and its tail, the only file that names the engine.
//!
//! Two keyspaces: `mut` for small records that change, `log` for records that
//! are written once. The engine's checksums are not security and do not cover
//! all of its journal, so nothing read here is believed before it was opened
//! under a key; a panic inside the engine ends as an error.
//! Configuration: no compression (ciphertext), small memtables and cache (an
//! idle agent holds this open), every batch synced.

mod tail;
mod trial;

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

pub(crate) use tail::cut as cut_torn_tail;

use crate::error::{EngineError, is_full};
use crate::journal;
use crate::row::Key;

const MUTABLE: &str = "mut";
const LOG: &str = "log";
const MEMTABLE_BYTES: u64 = 2 * 1024 * 1024;
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;
/// What a record takes in the journal besides its value, about.
const RECORD_BYTES: u64 = 32;
/// Bits of a key that a stretch of unreadable keys has at least: 2^20 stretches in all.
const FINEST: u32 = 108;
/// Parts of a keyspace that are gone through at a time.
pub(crate) const PARTS: u8 = 8;
const FLUSH_PATIENCE: Duration = Duration::from_secs(10);

/// The open database.
pub(crate) struct Db {
    /// None once it is closed, or could not be opened again.
    engine: Option<Engine>,
    /// Bytes that went into the journal since it was empty, or were in it at the beginning.
    journal: AtomicU64,
}

struct Engine {
    // Dropped in this order: handles first.
    mutable: Keyspace,
    log: Keyspace,
    database: Database,
}

/// Writes that happen together or not at all.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) mutable: Vec<(Key, Option<Vec<u8>>)>,
    pub(crate) log: Vec<(Key, Option<Vec<u8>>)>,
}

/// Which keyspace to read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    Mutable,
    Log,
}

impl Db {
    /// Creates an empty database below `path`.
    pub(crate) fn create(path: &Path) -> Result<Self, EngineError> {
        contained("create", || {
            let database = builder(path).open()?;
            let mutable = database.keyspace(MUTABLE, options)?;
            let log = database.keyspace(LOG, options)?;
            Ok(Self::of(mutable, log, database))
        })
    }

    /// Opens what [`Db::create`] made. Keyspaces that are not there are not made up.
    pub(crate) fn open(path: &Path) -> Result<Self, EngineError> {
        // Without this marker the engine would take the directory for a new one.
        if !path.join("version").is_file() {
            return Err(EngineError::Broken {
                doing: "open",
                detail: "its version marker is missing".to_owned(),
            });
        }
        trial::run(path, &[(1, MUTABLE), (2, LOG)])?;
        let before = journal::written(path);
        let mut db = contained("open", || Self::open_whole(path))?;
        db.journal = AtomicU64::new(before);
        Ok(db)
    }

    fn open_whole(path: &Path) -> fjall::Result<Self> {
        let database = builder(path).open()?;
        let names = database.list_keyspace_names();
        let known = |name: &str| {
            names
                .iter()
                .any(|known| known.as_bytes() == name.as_bytes())
        };
        if !known(MUTABLE) || !known(LOG) {
            return Err(fjall::Error::Unrecoverable);
        }
        let mutable = database.keyspace(MUTABLE, options)?;
        let log = database.keyspace(LOG, options)?;
        Ok(Self::of(mutable, log, database))
    }

    fn of(mutable: Keyspace, log: Keyspace, database: Database) -> Self {
        Self {
            engine: Some(Engine {
                mutable,
                log,
                database,
            }),
            journal: AtomicU64::new(0),
        }
    }

    /// Closes it, lets `between` have the files, and opens it again. After an error every call fails.
    pub(crate) fn reopen<E: From<EngineError>>(
        &mut self,
        path: &Path,
        between: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        self.shut()?;
        between()?;
        *self = Self::open(path)?;
        Ok(())
    }

    /// Bytes that whoever opens it after a crash has to read again, about.
    pub(crate) fn journal(&self) -> u64 {
        self.journal.load(Ordering::Relaxed)
    }

    /// The value of `key`.
    pub(crate) fn get(
        &self,
        space: Space,
        key: &Key,
    ) -> Result<Option<fjall::UserValue>, EngineError> {
        contained("read", || self.space(space)?.get(key))
    }

    /// Whether `key` has a value.
    pub(crate) fn contains(&self, space: Space, key: &Key) -> Result<bool, EngineError> {
        contained("read", || self.space(space)?.contains_key(key))
    }

    /// Calls `visit` with every key and value.
    pub(crate) fn scan<E: From<EngineError>>(
        &self,
        space: Space,
        visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.scan_between(space, Bound::Unbounded, Bound::Unbounded, visit)
    }

    /// Calls `visit` with every key and value of one of [`PARTS`] parts: keys are evenly spread.
    pub(crate) fn scan_part<E: From<EngineError>>(
        &self,
        space: Space,
        part: u8,
        visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let first = |part: u8| [part * (u8::MAX / PARTS + 1)];
        let from = match part {
            0 => Bound::Unbounded,
            part => Bound::Included(first(part)),
        };
        let to = match part + 1 {
            PARTS => Bound::Unbounded,
            next => Bound::Excluded(first(next)),
        };
        self.scan_between(space, from, to, visit)
    }

    fn scan_between<E: From<EngineError>>(
        &self,
        space: Space,
        from: Bound<[u8; 1]>,
        to: Bound<[u8; 1]>,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut iter = contained("scan", || Ok(self.space(space)?.range((from, to))))?;
        while let Some((key, value)) = contained("scan", || {
            iter.next().map(fjall::Guard::into_inner).transpose()
        })? {
            visit(&key, &value)?;
        }
        Ok(())
    }

    /// Calls `visit` with every key and value that can be read, whatever lies between; says
    /// how many stretches of keys cannot.
    pub(crate) fn salvage<E: From<EngineError>>(
        &self,
        space: Space,
        mut visit: impl FnMut(&Key, &[u8]) -> Result<(), E>,
    ) -> Result<u64, E> {
        // Keys are evenly spread: each stretch is a small part of them, halved until what
        // cannot be read in it is one damaged block.
        let mut stretches: Vec<(u128, u32)> =
            (0..1 << 12).rev().map(|n: u128| (n << 116, 116)).collect();
        let mut lost = 0;
        let mut lost_until = None;
        while let Some((from, bits)) = stretches.pop() {
            let to = from | ((1 << bits) - 1);
            match self.stretch(space, from, to) {
                Ok(records) => records
                    .iter()
                    .try_for_each(|(key, value)| visit(key, value))?,
                Err(_) if bits > FINEST => {
                    let half = bits - 1;
                    stretches.extend([(from | 1 << half, half), (from, half)]);
                }
                Err(_) => {
                    lost += u64::from(lost_until != from.checked_sub(1));
                    lost_until = Some(to);
                }
            }
        }
        Ok(lost)
    }

    fn stretch(
        &self,
        space: Space,
        from: u128,
        to: u128,
    ) -> Result<Vec<(Key, fjall::UserValue)>, EngineError> {
        contained("scan", || {
            let range = from.to_be_bytes()..=to.to_be_bytes();
            let records = self.space(space)?.range(range).map(|guard| {
                let (key, value) = guard.into_inner()?;
                let key = (*key).try_into();
                Ok((key.map_err(|_| fjall::Error::Unrecoverable)?, value))
            });
            records.collect()
        })
    }

    /// Commits `batch` atomically; it is on disk when this returns.
    pub(crate) fn commit(&self, batch: Batch) -> Result<(), EngineError> {
        contained("commit", || {
            let Engine {
                mutable,
                log,
                database,
            } = self.engine()?;
            let mut writes = database.batch().durability(Some(PersistMode::SyncAll));
            let mut bytes = 0;
            for (space, changes) in [(mutable, batch.mutable), (log, batch.log)] {
                for (key, value) in changes {
                    bytes += RECORD_BYTES + value.as_ref().map_or(0, |value| value.len() as u64);
                    match value {
                        Some(value) => writes.insert(space, key.as_slice(), value),
                        None => writes.remove(space, key.as_slice()),
                    }
                }
            }
            self.journal.fetch_add(bytes, Ordering::Relaxed);
            writes.commit()
        })
    }

    /// Writes everything in memory to tables, so that the journal is not needed any more.
    ///
    /// `false` when the engine did not get it done in time: then the journal stays.
    pub(crate) fn flush(&self) -> Result<bool, EngineError> {
        contained("flush", || {
            let deadline = Instant::now() + FLUSH_PATIENCE;
            let Engine {
                mutable,
                log,
                database,
            } = self.engine()?;
            for space in [mutable, log] {
                space.rotate_memtable()?;
            }
            while mutable.sealed_memtable_count() + log.sealed_memtable_count() > 0 {
                // Fails when the engine stopped, as on a full disk: then it would be a long wait.
                database.persist(PersistMode::Buffer)?;
                if Instant::now() > deadline {
                    return Ok(false);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(true)
        })
    }

    /// Closes the database, its threads and its files.
    pub(crate) fn close(mut self) -> Result<(), EngineError> {
        self.shut()
    }

    fn shut(&mut self) -> Result<(), EngineError> {
        let engine = self.engine.take();
        contained("close", || {
            drop(engine);
            Ok(())
        })
    }

    fn engine(&self) -> fjall::Result<&Engine> {
        self.engine.as_ref().ok_or(fjall::Error::Poisoned)
    }

    /// Rewrites the tables of one keyspace without what was overwritten or removed in them.
    pub(crate) fn compact(&self, space: Space) -> Result<(), EngineError> {
        contained("compact", || self.space(space)?.major_compact())
    }

    fn space(&self, space: Space) -> fjall::Result<&Keyspace> {
        let engine = self.engine()?;
        Ok(match space {
            Space::Mutable => &engine.mutable,
            Space::Log => &engine.log,
        })
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        // The engine's destructor panics when one of its threads did.
        let _ = self.shut();
    }
}

fn builder(path: &Path) -> fjall::DatabaseBuilder<Database> {
    Database::builder(path)
        .cache_size(CACHE_BYTES)
        .worker_threads(1)
        .max_journaling_size(JOURNAL_BYTES)
        .journal_compression(fjall::CompressionType::None)
        .max_cached_files(Some(64))
}

fn options() -> KeyspaceCreateOptions {
    use fjall::config::PartitioningPolicy;
    KeyspaceCreateOptions::default()
        .max_memtable_size(MEMTABLE_BYTES)
        // Records are read one by one at random names: each reads a few blocks of 4 KiB, and not
        // the whole filter of its table, a quarter of a megabyte.
        .index_block_partitioning_policy(PartitioningPolicy::all(true))
        .filter_block_partitioning_policy(PartitioningPolicy::all(true))
        .data_block_compression_policy(fjall::config::CompressionPolicy::disabled())
        .index_block_compression_policy(fjall::config::CompressionPolicy::disabled())
}

/// Runs one call into the engine; its errors and its panics become ours.
fn contained<T>(
    doing: &'static str,
    call: impl FnOnce() -> fjall::Result<T>,
) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(translate(doing, &error)),
        Err(_) => Err(EngineError::Panicked { doing }),
    }
}

fn translate(doing: &'static str, error: &fjall::Error) -> EngineError {
    let io = match error {
        fjall::Error::Io(io) | fjall::Error::Storage(fjall::LsmError::Io(io)) => Some(io),
        _ => None,
    };
    match error {
        _ if io.is_some_and(is_full) => EngineError::DiskFull,
        fjall::Error::Poisoned => EngineError::Stopped,
        fjall::Error::Locked => EngineError::Locked,
        other => EngineError::Broken {
            doing,
            detail: match io {
                Some(io) => io.to_string(),
                None => format!("{other:?}"),
            },
        },
    }
}

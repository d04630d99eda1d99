//! Where the database's journal stops being whole.
//!
//! A batch that was not synced when the power went may be on disk in part: any of its
//! sectors and not the others. Where it breaks off at a hole, the engine drops it; where
//! its end came down and its middle did not, the engine refuses the journal, and the
//! database with it. Nobody was told of that batch, so after such a refusal the journal
//! is cut behind its last whole one. If more than that was damaged, the vault's head
//! stands behind its anchor then, and the vault is refused for its age.
//!
//! ```text
//! journal = batch *                                    db/N.jnl, the highest N is written to
//! batch   = 1 | items u32le | seqno u64le | item * | 3 | xxh3-64 of the items u64le | "FJL" 3
//! item    = 2 | type u8 | 0 | keyspace u64le | key length u16le | value length u32le
//!             | the same u32le | key | value
//!         | 4 | keyspace u64le
//! ```
//! Layout: fjall 3.1.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::error::DiskError;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: &[u8] = b"FJL\x03";
/// Much longer than any record of ours: a length that says more is damage.
const LIMIT: u32 = 64 * 1024 * 1024;

/// Cuts the newest journal below `db` behind its last whole batch; `false` when there is
/// nothing to cut but zeros.
pub(crate) fn cut(db: &Path) -> Result<bool, DiskError> {
    let Some(path) = newest(db)? else {
        return Ok(false);
    };
    let at = || DiskError::at("read", &path);
    let file = File::open(&path).map_err(at())?;
    let mut reader = BufReader::new(file);
    let whole = whole_len(&mut reader).map_err(at())?;
    if is_zero_from(&path, whole).map_err(at())? {
        return Ok(false);
    }
    OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|file| {
            file.set_len(whole)?;
            file.sync_all()
        })
        .map_err(DiskError::at("cut", &path))?;
    Ok(true)
}

fn newest(db: &Path) -> Result<Option<PathBuf>, DiskError> {
    let at = || DiskError::at("list", db);
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in fs::read_dir(db).map_err(at())? {
        let path = entry.map_err(at())?.path();
        if path.extension().is_none_or(|end| end != "jnl") {
            continue;
        }
        let number = path
            .file_stem()
            .and_then(|stem| stem.to_str()?.parse().ok());
        let Some(number) = number else { continue };
        if newest.as_ref().is_none_or(|(other, _)| *other < number) {
            newest = Some((number, path));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

fn is_zero_from(path: &Path, place: u64) -> io::Result<bool> {
    use std::io::{Seek as _, SeekFrom};
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(place))?;
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    loop {
        let chunk = io::BufRead::fill_buf(&mut reader)?;
        if chunk.is_empty() {
            return Ok(true);
        }
        if chunk.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        let len = chunk.len();
        io::BufRead::consume(&mut reader, len);
    }
}

/// The length of the batches in front that are whole.
fn whole_len(journal: &mut impl Read) -> io::Result<u64> {
    let mut whole = 0;
    loop {
        match batch_len(journal) {
            Ok(Some(len)) => whole += len,
            Ok(None) => return Ok(whole),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(whole),
            Err(error) => return Err(error),
        }
    }
}

/// The length of the next batch; `None` if it is not whole.
fn batch_len(journal: &mut impl Read) -> io::Result<Option<u64>> {
    let mut start = [0; 1 + 4 + 8];
    journal.read_exact(&mut start)?;
    let [START, a, b, c, d, ..] = start else {
        return Ok(None);
    };
    let mut len = start.len() as u64;
    let mut hasher = Xxh3::new();
    for _ in 0..u32::from_le_bytes([a, b, c, d]) {
        let Some(item) = item(journal)? else {
            return Ok(None);
        };
        hasher.update(&item);
        len += item.len() as u64;
    }
    let mut end = [0; 1 + 8 + TRAILER.len()];
    journal.read_exact(&mut end)?;
    let mut expected = vec![END];
    expected.extend_from_slice(&hasher.digest().to_le_bytes());
    expected.extend_from_slice(TRAILER);
    Ok((expected == end).then_some(len + end.len() as u64))
}

/// The bytes of the next item; `None` if they are none.
fn item(journal: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut item = bytes(journal, 1)?;
    match item.as_slice() {
        [CLEAR] => item.extend(bytes(journal, 8)?),
        [ITEM] => {
            item.extend(bytes(journal, 1 + 1 + 8)?);
            let lengths = bytes(journal, 2 + 4 + 4)?;
            let [k, l, v, w, x, y, stored @ ..] = lengths.as_slice() else {
                return Ok(None);
            };
            let (key, value) = (
                u16::from_le_bytes([*k, *l]),
                u32::from_le_bytes([*v, *w, *x, *y]),
            );
            if value > LIMIT || value.to_le_bytes() != stored {
                return Ok(None);
            }
            item.extend_from_slice(&lengths);
            item.extend(bytes(journal, u64::from(key) + u64::from(value))?);
        }
        _ => return Ok(None),
    }
    Ok(Some(item))
}

/// Exactly `len` bytes; memory is taken for what is there, not for what a length says.
fn bytes(journal: &mut impl Read, len: u64) -> io::Result<Vec<u8>> {
    let mut found = Vec::new();
    journal.take(len).read_to_end(&mut found)?;
    if found.len() as u64 == len {
        Ok(found)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn parsing_rubbish_never_panics(bytes: Vec<u8>) {
            let _ = whole_len(&mut bytes.as_slice());
        }
    }

    /// Three batches as the engine writes them.
    fn journal() -> (tempfile::TempDir, PathBuf, Vec<u64>) {
        let dir = tempfile::tempdir().unwrap();
        let db = super::super::Db::create(dir.path()).unwrap();
        let path = newest(dir.path()).unwrap().unwrap();
        let mut ends = Vec::new();
        for n in 0..3u8 {
            let batch = super::super::Batch {
                mutable: vec![([n; 16], Some(vec![n; 3000])), ([9; 16], None)],
                log: vec![([n; 16], Some(vec![n; 100]))],
            };
            db.commit(batch).unwrap();
            ends.push(whole_len(&mut File::open(&path).unwrap()).unwrap());
        }
        let copy = dir.path().join("copy");
        fs::create_dir(&copy).unwrap();
        fs::copy(&path, copy.join("0.jnl")).unwrap();
        (dir, copy, ends)
    }

    #[test]
    fn the_engines_batches_are_whole_and_grow_the_journal() {
        let (_dir, copy, ends) = journal();
        assert!(
            ends.windows(2).all(|pair| pair[0] + 3100 < pair[1]),
            "{ends:?}"
        );
        assert!(!cut(&copy).unwrap(), "only zeros behind them");
    }

    #[test]
    fn a_batch_with_a_hole_is_cut_off_and_those_before_it_stay() {
        use std::os::unix::fs::FileExt as _;
        let (_dir, copy, ends) = journal();
        let path = copy.join("0.jnl");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        file.write_all_at(&[0; 512], ends[1] + 700).unwrap();
        assert!(cut(&copy).unwrap());
        assert_eq!(file.metadata().unwrap().len(), ends[1]);
        assert!(!cut(&copy).unwrap());
    }
}

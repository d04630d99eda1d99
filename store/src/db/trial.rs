//! Each tree of the database is tried before the engine opens them all.
//!
//! The engine trusts the few hundred bytes that say which tables there are, and
//! the table of contents at the end of each. Where they are damaged it may
//! allocate what a flipped length asks for, which ends the process; or panic
//! while it holds its own locks, whereupon the destructor of its half-made
//! database panics on the poisoned lock, and two panics at once end the process,
//! too; or take a tree for a new one, or for one that nobody refers to, and
//! remove its directory. So these bytes are held against the engine's own
//! checksums first, and then each tree is opened once by itself, where a panic
//! can be caught.
//!
//! ```text
//! keyspaces/N/current    version id u64le | xxh3-128 of the version file u128le | 0
//! keyspaces/N/v<id>      archive; its section "tables" lists levels, runs, tables
//! keyspaces/N/tables/<id>
//! archive = … | contents | "SFA!" 1 0 | xxh3-128 of contents u128le | their place u64le | length u64le
//! contents = "TOC!" | count u32le | (place u64le, length u64le, name length u16le, name)…
//! ```
//! Layouts: lsm-tree 3.1, sfa 1.0.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use fjall::AbstractTree as _;
use xxhash_rust::xxh3::xxh3_128;

use super::contained;
use crate::error::EngineError;
use crate::files;

const TRAILER_LEN: u64 = 4 + 1 + 1 + 16 + 8 + 8;
/// A list of tables, or a table of contents, is far shorter.
const LIMIT: u64 = 64 * 1024 * 1024;

/// Tries the engine's list of keyspaces, tree 0, and the keyspaces it must list.
pub(super) fn run(db: &Path, keyspaces: &[(u64, &str)]) -> Result<(), EngineError> {
    let numbers = keyspaces.iter().map(|(number, _)| *number);
    for number in std::iter::once(0).chain(numbers) {
        let tree = db.join("keyspaces").join(number.to_string());
        if !is_whole(&tree) {
            return Err(EngineError::Broken {
                doing: "open",
                detail: format!("the list of tables in {} is damaged", tree.display()),
            });
        }
        let listed = if number == 0 { keyspaces } else { &[] };
        contained("open", || open_alone(&tree, listed))?;
    }
    Ok(())
}

/// Opens one tree and drops it again; it must name `listed`.
fn open_alone(tree: &Path, listed: &[(u64, &str)]) -> fjall::Result<()> {
    let tree = lsm_tree::Config::new(
        tree,
        lsm_tree::SequenceNumberCounter::default(),
        lsm_tree::SequenceNumberCounter::default(),
    )
    .open()?;
    for (number, name) in listed {
        let mut key = vec![b'n'];
        key.extend_from_slice(&number.to_be_bytes());
        let stored = tree.get(&key, lsm_tree::SeqNo::MAX)?;
        if stored.as_deref() != Some(name.as_bytes()) {
            return Err(fjall::Error::Unrecoverable);
        }
    }
    Ok(())
}

/// Whether the version file has its checksum, and every table it lists a whole table of contents.
fn is_whole(tree: &Path) -> bool {
    let tables = current_version(tree).and_then(|version| {
        let contents = contents(&version)?;
        let (place, len) = section(contents, b"tables")?;
        listed_tables(version.get(place..place.checked_add(len)?)?)
    });
    tables.is_some_and(|tables| {
        tables
            .iter()
            .all(|id| has_contents(&tree.join("tables").join(id.to_string())).is_some())
    })
}

fn current_version(tree: &Path) -> Option<Vec<u8>> {
    let current = files::read_bounded(&tree.join("current"), 26).ok()?;
    let mut current = Fields(&current);
    let id = current.u64()?;
    let checksum = current.u128()?;
    (current.0 == [0]).then_some(())?;
    let version = files::read_bounded(&tree.join(format!("v{id}")), LIMIT).ok()?;
    (xxh3_128(&version) == checksum).then_some(version)
}

/// The ids in the section "tables".
fn listed_tables(section: &[u8]) -> Option<Vec<u64>> {
    let mut fields = Fields(section);
    let mut ids = Vec::new();
    for _ in 0..fields.u8()? {
        for _ in 0..fields.u8()? {
            for _ in 0..fields.u32()? {
                ids.push(fields.u64()?);
                fields.take(1 + 16 + 8)?;
            }
        }
    }
    fields.0.is_empty().then_some(ids)
}

/// The table of contents of a whole archive, if it has its checksum.
fn contents(archive: &[u8]) -> Option<&[u8]> {
    let body = archive
        .len()
        .checked_sub(usize::try_from(TRAILER_LEN).ok()?)?;
    let (body, trailer) = archive.split_at_checked(body)?;
    let (checksum, place, len) = parse_trailer(trailer)?;
    let end = place.checked_add(len)?;
    let contents = body.get(usize::try_from(place).ok()?..usize::try_from(end).ok()?)?;
    (xxh3_128(contents) == checksum).then_some(contents)
}

/// The same for an archive that is too long to read whole.
fn has_contents(path: &Path) -> Option<()> {
    let file = File::open(path).ok()?;
    let body = file.metadata().ok()?.len().checked_sub(TRAILER_LEN)?;
    let mut trailer = [0; TRAILER_LEN as usize];
    file.read_exact_at(&mut trailer, body).ok()?;
    let (checksum, place, len) = parse_trailer(&trailer)?;
    (len <= LIMIT && place.checked_add(len)? <= body).then_some(())?;
    let mut contents = vec![0; usize::try_from(len).ok()?];
    file.read_exact_at(&mut contents, place).ok()?;
    (xxh3_128(&contents) == checksum).then_some(())
}

/// Checksum, place and length of the table of contents.
fn parse_trailer(trailer: &[u8]) -> Option<(u128, u64, u64)> {
    let mut fields = Fields(trailer);
    (fields.take(6)? == b"SFA!\x01\x00").then_some(())?;
    Some((fields.u128()?, fields.u64()?, fields.u64()?))
}

/// Place and length of one section.
fn section(contents: &[u8], wanted: &[u8]) -> Option<(usize, usize)> {
    let mut fields = Fields(contents);
    (fields.take(4)? == b"TOC!").then_some(())?;
    for _ in 0..fields.u32()? {
        let (place, len) = (fields.u64()?, fields.u64()?);
        let name_len = usize::from(fields.u16()?);
        if fields.take(name_len)? == wanted {
            return Some((usize::try_from(place).ok()?, usize::try_from(len).ok()?));
        }
    }
    None
}

/// Little-endian fields from the front of a slice.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn parsing_rubbish_never_panics(bytes: Vec<u8>) {
            let _ = contents(&bytes);
            let _ = listed_tables(&bytes);
            let _ = section(&bytes, b"tables");
        }
    }
}

//! A received file that stays in the vault, sealed.
//!
//! ```text
//!   blob      = salt 32 *chunk
//!   chunk i   = AES-256-GCM[blob key](i, last, at most 64 KiB) || tag 16     at 32 + i * 65,552
//!   blob key  = HKDF(salt, key, "solo2/file" || "solo2 vault blob" || 0 u64be)
//! ```
//!
//! The vault keeps `key`; a blob whose key is gone is noise. The salt is fresh
//! whenever a blob begins anew, because then other bytes may come and no nonce may
//! meet both; after a torn end the same bytes come again. The flag of the last
//! chunk tells a whole blob from one that was cut between two chunks.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rand_core::Rng as _;
use rustix::fs::{CWD, Mode, OFlags, openat};
use solo2_crypto::file::{CHUNK_LEN, ChunkCipher, TAG_LEN, attempt_key};
use solo2_crypto::secret::Secret;
use zeroize::Zeroizing;

use super::target::open_private;
use super::{Partial, check_chunk};

const SALT_LEN: usize = 32;
const SEALED_LEN: usize = CHUNK_LEN + TAG_LEN;
/// Stands where the key of an attempt has the file's id.
const PURPOSE: &[u8; 16] = b"solo2 vault blob";

/// A sealed stream that still grows, or is about to be kept.
pub(crate) struct Blob {
    sealed: Sealed,
    key: Secret<32>,
    /// The chunk that comes next.
    next: u64,
    len: u64,
    complete: bool,
}

impl Blob {
    /// Opens what has come of a blob, without a torn end; begins one if there is nothing.
    ///
    /// # Errors
    ///
    /// The disk's, and `AlreadyExists` for something that is no file of ours.
    pub(crate) fn open_or_create(path: &Path, key: &Secret<32>) -> io::Result<Self> {
        let file = open_file(path)?;
        let size = file.metadata()?.len();
        let sealed = Sealed::open(file, key)?;
        let mut blob = Self {
            sealed,
            key: key.duplicate(),
            next: 0,
            len: 0,
            complete: false,
        };
        if let Some((index, sealed_len)) = last_chunk(size) {
            let before = index * CHUNK_LEN as u64;
            if blob.sealed.load(index, sealed_len, true)? {
                blob.next = index + 1;
                blob.len = before + blob.sealed.plain_len();
                blob.complete = true;
            } else if sealed_len == SEALED_LEN && blob.sealed.load(index, sealed_len, false)? {
                blob.next = index + 1;
                blob.len = before + CHUNK_LEN as u64;
            } else {
                blob.cut(index)?;
            }
        }
        if blob.next == 0 {
            blob.clear()?;
        }
        Ok(blob)
    }

    /// Keeps the first `count` chunks, none of them the last.
    fn cut(&mut self, count: u64) -> io::Result<()> {
        self.sealed.file.set_len(place(count))?;
        self.next = count;
        self.len = count * CHUNK_LEN as u64;
        self.complete = false;
        Ok(())
    }
}

impl Partial for Blob {
    fn len(&self) -> u64 {
        self.len
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn rehash(&mut self, hasher: &mut blake3::Hasher) -> io::Result<()> {
        for index in 0..self.next {
            let last = self.complete && index + 1 == self.next;
            let left = self.len - index * CHUNK_LEN as u64;
            let len = usize::try_from(left).map_or(CHUNK_LEN, |left| left.min(CHUNK_LEN));
            if !self.sealed.load(index, len + TAG_LEN, last)? {
                return self.cut(index);
            }
            hasher.update(&self.sealed.buffer);
        }
        Ok(())
    }

    fn append(&mut self, chunk: &[u8], last: bool) -> io::Result<()> {
        check_chunk(self.complete, chunk, last)?;
        if let Err(error) = self.sealed.store(self.next, last, chunk) {
            let _ = self.sealed.file.set_len(place(self.next));
            return Err(error);
        }
        self.next += 1;
        self.len += chunk.len() as u64;
        self.complete = last;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sealed.file.sync_data()
    }

    fn clear(&mut self) -> io::Result<()> {
        let mut salt = [0; SALT_LEN];
        rand::rng().fill_bytes(&mut salt);
        self.sealed.file.set_len(0)?;
        self.sealed.file.write_all_at(&salt, 0)?;
        self.sealed.cipher = cipher(&self.key, &salt);
        self.cut(0)
    }
}

/// A kept blob's plaintext, from its start.
pub(crate) struct BlobReader {
    sealed: Sealed,
    next: u64,
    /// The last chunk's number and length.
    last: (u64, usize),
    /// Bytes of the chunk at hand that were read.
    read: usize,
    len: u64,
}

impl BlobReader {
    /// Opens a whole blob.
    ///
    /// # Errors
    ///
    /// The disk's, and `InvalidData` for a blob that is damaged, not whole, or of another key.
    pub(crate) fn open(path: &Path, key: &Secret<32>) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(CWD, path, flags, Mode::empty())?);
        let last = last_chunk(file.metadata()?.len()).ok_or_else(damaged)?;
        let mut sealed = Sealed::open(file, key)?;
        if !sealed.load(last.0, last.1, true)? {
            return Err(damaged());
        }
        let len = last.0 * CHUNK_LEN as u64 + sealed.plain_len();
        sealed.buffer.clear();
        Ok(Self {
            sealed,
            next: 0,
            last,
            read: 0,
            len,
        })
    }

    /// Bytes of plaintext in all.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

impl Read for BlobReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.read == self.sealed.buffer.len() {
            if self.next > self.last.0 {
                return Ok(0);
            }
            let last = self.next == self.last.0;
            let sealed_len = if last { self.last.1 } else { SEALED_LEN };
            self.read = 0;
            if !self.sealed.load(self.next, sealed_len, last)? {
                self.sealed.buffer.clear();
                return Err(damaged());
            }
            self.next += 1;
        }
        let rest = self.sealed.buffer.get(self.read..).unwrap_or_default();
        let part = rest.len().min(buf.len());
        buf[..part].copy_from_slice(&rest[..part]);
        self.read += part;
        Ok(part)
    }
}

/// A blob's file and its cipher, one chunk at a time.
struct Sealed {
    file: File,
    cipher: ChunkCipher,
    /// The chunk at hand; plaintext after [`Sealed::load`].
    buffer: Zeroizing<Vec<u8>>,
}

impl Sealed {
    fn open(file: File, key: &Secret<32>) -> io::Result<Self> {
        let mut salt = [0; SALT_LEN];
        match file.read_exact_at(&mut salt, 0) {
            // Nothing yet, or the beginning torn: no chunk is there to be opened either.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            result => result?,
        }
        Ok(Self {
            file,
            cipher: cipher(key, &salt),
            buffer: Zeroizing::new(Vec::with_capacity(SEALED_LEN)),
        })
    }

    /// Whether the chunk opens; its plaintext is in `buffer` then.
    fn load(&mut self, index: u64, sealed_len: usize, last: bool) -> io::Result<bool> {
        self.buffer.resize(sealed_len, 0);
        self.file.read_exact_at(&mut self.buffer, place(index))?;
        Ok(self.cipher.open_at(index, last, &mut self.buffer).is_ok())
    }

    fn store(&mut self, index: u64, last: bool, chunk: &[u8]) -> io::Result<()> {
        self.buffer.clear();
        self.buffer.extend_from_slice(chunk);
        self.cipher
            .seal_at(index, last, &mut self.buffer)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.file.write_all_at(&self.buffer, place(index))
    }

    fn plain_len(&self) -> u64 {
        self.buffer.len() as u64
    }
}

fn cipher(key: &Secret<32>, salt: &[u8; SALT_LEN]) -> ChunkCipher {
    ChunkCipher::new(&attempt_key(key, PURPOSE, salt, 0))
}

/// Where chunk `index` begins.
fn place(index: u64) -> u64 {
    SALT_LEN as u64 + index * SEALED_LEN as u64
}

/// Number and length of the last chunk in a file of `size` bytes.
fn last_chunk(size: u64) -> Option<(u64, usize)> {
    let last_byte = size.checked_sub(place(0))?.checked_sub(1)?;
    let index = last_byte / SEALED_LEN as u64;
    let len = usize::try_from(size - place(index)).ok()?;
    Some((index, len))
}

fn open_file(path: &Path) -> io::Result<File> {
    let no_file = || io::Error::new(io::ErrorKind::AlreadyExists, "no file of ours is there");
    let name = path.file_name().and_then(|name| name.to_str());
    let (Some(above), Some(name)) = (path.parent(), name) else {
        return Err(no_file());
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, above, flags, Mode::empty())?;
    open_private(directory.as_fd(), name).map_err(|error| error.map_or_else(no_file, Into::into))
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the kept file is damaged")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, symlink};
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    const CHUNK: u64 = CHUNK_LEN as u64;

    struct Place {
        home: TempDir,
        key: Secret<32>,
    }

    impl Place {
        fn new() -> Self {
            Self {
                home: tempfile::tempdir().unwrap(),
                key: Secret::new(&[7; 32]),
            }
        }

        fn path(&self) -> PathBuf {
            self.home.path().join("blob")
        }

        fn open(&self) -> Blob {
            Blob::open_or_create(&self.path(), &self.key).unwrap()
        }

        /// A blob of these bytes, its last chunk marked if `whole`.
        fn blob(&self, bytes: &[u8], whole: bool) -> Blob {
            let mut blob = self.open();
            let mut chunks = bytes.chunks(CHUNK_LEN).peekable();
            if chunks.peek().is_none() && whole {
                blob.append(b"", true).unwrap();
            }
            while let Some(chunk) = chunks.next() {
                blob.append(chunk, whole && chunks.peek().is_none())
                    .unwrap();
            }
            blob
        }

        fn read(&self) -> io::Result<Vec<u8>> {
            let mut reader = BlobReader::open(&self.path(), &self.key)?;
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes)?;
            assert_eq!(bytes.len() as u64, reader.len());
            Ok(bytes)
        }

        fn change(&self, change: impl FnOnce(&mut Vec<u8>)) {
            let mut bytes = fs::read(self.path()).unwrap();
            change(&mut bytes);
            fs::write(self.path(), bytes).unwrap();
        }

        fn assert_damaged(&self, what: &str) {
            let error = self.read().expect_err(what);
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{what}");
        }
    }

    fn text(len: usize) -> Vec<u8> {
        (0..len).map(|n| (n / 5) as u8).collect()
    }

    fn hash_of(blob: &mut Blob) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        blob.rehash(&mut hasher).unwrap();
        hasher.finalize()
    }

    #[test]
    fn what_was_kept_is_read_back_whatever_its_length() {
        for len in [0, 1, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 3 * CHUNK_LEN] {
            let place = Place::new();
            let bytes = text(len);
            drop(place.blob(&bytes, true));
            assert!(place.read().unwrap() == bytes, "{len}");
            let mut blob = place.open();
            assert!(blob.is_complete());
            assert_eq!(blob.len(), len as u64);
            assert_eq!(hash_of(&mut blob), blake3::hash(&bytes));
            assert!(blob.append(b"", true).is_err());
        }
        // An end that is told late, after a whole chunk, is an empty chunk.
        let place = Place::new();
        place
            .blob(&text(CHUNK_LEN), false)
            .append(b"", true)
            .unwrap();
        assert!(place.read().unwrap() == text(CHUNK_LEN));
        assert_eq!(place.open().len(), CHUNK);
    }

    #[test]
    fn a_blob_shows_nothing_of_what_it_holds_and_is_ours_alone() {
        let place = Place::new();
        drop(place.blob(&b"canary".repeat(20_000), true));
        let raw = fs::read(place.path()).unwrap();
        assert!(!raw.windows(6).any(|six| six == b"canary"));
        assert_eq!(raw.len(), 32 + 120_000 + 2 * 16);
        assert_eq!(fs::metadata(place.path()).unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_blob_that_is_not_whole_goes_on_and_is_not_read() {
        let place = Place::new();
        let bytes = text(2 * CHUNK_LEN + 10);
        drop(place.blob(&bytes[..2 * CHUNK_LEN], false));
        place.assert_damaged("unfinished");
        let mut blob = place.open();
        assert_eq!((blob.len(), blob.is_complete()), (2 * CHUNK, false));
        assert_eq!(hash_of(&mut blob), blake3::hash(&bytes[..2 * CHUNK_LEN]));
        blob.append(&bytes[2 * CHUNK_LEN..], true).unwrap();
        blob.sync().unwrap();
        assert!(place.read().unwrap() == bytes);
    }

    #[test]
    fn a_torn_end_is_cut_at_a_chunk() {
        let bytes = text(2 * CHUNK_LEN + 500);
        let whole = place(2) as usize + 500 + TAG_LEN;
        // Length on disk, and whole chunks that are left of it.
        for (size, left) in [
            (0, 0),
            (31, 0),
            (32, 0),
            (33, 0),
            (place(1) - 1, 0),
            (place(1), 1),
            (place(1) + 15, 1),
            (place(2), 2),
            (whole as u64 - 1, 2),
        ] {
            let place = Place::new();
            drop(place.blob(&bytes, true));
            place.change(|raw| raw.truncate(size as usize));
            let mut blob = place.open();
            assert_eq!(
                (blob.len(), blob.is_complete()),
                (left * CHUNK, false),
                "{size}"
            );
            let rest = &bytes[(left * CHUNK) as usize..];
            let mut chunks = rest.chunks(CHUNK_LEN).peekable();
            while let Some(chunk) = chunks.next() {
                blob.append(chunk, chunks.peek().is_none()).unwrap();
            }
            assert!(place.read().unwrap() == bytes, "{size}");
        }
        // Long enough, and never written: a hole.
        let place = Place::new();
        drop(place.blob(&bytes, true));
        place.change(|raw| raw[whole - 1] ^= 1);
        assert_eq!(place.open().len(), 2 * CHUNK);
    }

    #[test]
    fn hashing_cuts_off_from_the_first_damaged_chunk() {
        let bytes = text(4 * CHUNK_LEN);
        let damaged = Place::new();
        drop(damaged.blob(&bytes, true));
        damaged.change(|raw| raw[place(2) as usize + 9] ^= 1);
        damaged.assert_damaged("a flipped bit");
        let mut blob = damaged.open();
        assert_eq!(hash_of(&mut blob), blake3::hash(&bytes[..2 * CHUNK_LEN]));
        assert_eq!((blob.len(), blob.is_complete()), (2 * CHUNK, false));
        blob.append(&bytes[2 * CHUNK_LEN..3 * CHUNK_LEN], false)
            .unwrap();
        blob.append(&bytes[3 * CHUNK_LEN..], true).unwrap();
        assert!(damaged.read().unwrap() == bytes);
    }

    #[test]
    fn a_blob_that_was_cut_swapped_or_sealed_by_another_key_is_not_read() {
        let bytes = text(3 * CHUNK_LEN);
        let changes: [fn(&mut Vec<u8>); 5] = [
            |raw| raw.truncate(place(2) as usize),
            |raw| raw.truncate(0),
            |raw| {
                let (one, two) = raw[place(0) as usize..].split_at_mut(SEALED_LEN);
                one.swap_with_slice(&mut two[..SEALED_LEN]);
            },
            |raw| raw[0] ^= 1,
            |raw| raw.push(0),
        ];
        for change in changes {
            let place = Place::new();
            drop(place.blob(&bytes, true));
            place.change(change);
            place.assert_damaged("changed");
        }
        let mut place = Place::new();
        drop(place.blob(&bytes, true));
        place.key = Secret::new(&[8; 32]);
        place.assert_damaged("another key");
    }

    #[test]
    fn a_blob_that_begins_anew_uses_no_nonce_twice() {
        let place = Place::new();
        let mut blob = place.blob(b"the same", true);
        let before = fs::read(place.path()).unwrap();
        blob.clear().unwrap();
        assert_eq!((blob.len(), blob.is_complete()), (0, false));
        blob.append(b"the same", true).unwrap();
        let after = fs::read(place.path()).unwrap();
        assert_eq!(before.len(), after.len());
        assert_ne!(before[32..40], after[32..40]);
        assert_eq!(place.read().unwrap(), b"the same");
    }

    #[test]
    fn what_is_planted_under_its_name_is_left_alone() {
        let place = Place::new();
        let victim = place.home.path().join("victim");
        fs::write(&victim, "theirs").unwrap();
        symlink(&victim, place.path()).unwrap();
        assert!(Blob::open_or_create(&place.path(), &place.key).is_err());
        assert!(BlobReader::open(&place.path(), &place.key).is_err());
        fs::remove_file(place.path()).unwrap();
        fs::hard_link(&victim, place.path()).unwrap();
        assert!(Blob::open_or_create(&place.path(), &place.key).is_err());
        assert_eq!(fs::read(&victim).unwrap(), b"theirs");
    }
}

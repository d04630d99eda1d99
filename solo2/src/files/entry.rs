//! Headers of the stream that a directory travels as.
//!
//! ```text
//!   stream = *(header-length header [contents]) zero
//!   header-length = u16 big endian, never 0      zero = u16 0
//!   header = CBOR {0: path, 1: 1}                             a directory
//!          / CBOR {0: path, 1: 0, 2: size, 3: mtime}          a file; `size` bytes follow
//! ```
//!
//! A path is relative, its parts joined by `/`; a directory comes before what is
//! in it, and entries of one directory come in the order of their names' bytes. The
//! directory that travels has no header: its name is the offer's. Reading a
//! header judges its form only; the names in it are still a stranger's.

use minicbor::decode::{Decoder, Error};
use minicbor::encode::Encoder;

/// Most entries of one directory, at every depth together.
pub(crate) const MAX_ENTRIES: u64 = 1_000_000;
/// Most parts of a path. A walk holds one descriptor for each.
pub(crate) const MAX_DEPTH: usize = 128;
/// Longest path in bytes: Linux's `PATH_MAX` less its NUL.
pub(crate) const MAX_PATH: usize = 4095;
/// Ends the stream.
pub(crate) const END: [u8; 2] = [0, 0];

/// One header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    Directory {
        path: &'a str,
    },
    /// `size` bytes of contents follow; `mtime` is in seconds since 1970.
    File {
        path: &'a str,
        size: u64,
        mtime: i64,
    },
}

impl<'a> Entry<'a> {
    /// The path, as its sender wrote it.
    pub(crate) fn path(&self) -> &'a str {
        match self {
            Self::Directory { path } | Self::File { path, .. } => path,
        }
    }

    /// Replaces what is in `out` by the header and the length before it.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&END);
        let mut to = Encoder::new(&mut *out);
        let written = match *self {
            Self::Directory { path } => to
                .map(2)
                .and_then(|to| to.u8(0)?.str(path)?.u8(1)?.u8(1)?.ok()),
            Self::File { path, size, mtime } => to.map(4).and_then(|to| {
                to.u8(0)?.str(path)?.u8(1)?.u8(0)?;
                to.u8(2)?.u64(size)?.u8(3)?.i64(mtime)?.ok()
            }),
        };
        written.expect("writing to memory does not fail");
        let len = u16::try_from(out.len() - END.len()).unwrap_or(u16::MAX);
        debug_assert!(usize::from(len) + 2 == out.len(), "paths are bounded");
        out.splice(..END.len(), len.to_be_bytes());
    }

    /// Reads one header, without the length before it; nothing may follow it.
    pub(crate) fn read(header: &'a [u8]) -> Result<Self, Error> {
        let mut from = Decoder::new(header);
        let pairs = from.map()?;
        key(&mut from, 0)?;
        let path = from.str()?;
        key(&mut from, 1)?;
        let entry = match (from.u8()?, pairs) {
            (1, Some(2)) => Self::Directory { path },
            (0, Some(4)) => {
                key(&mut from, 2)?;
                let size = from.u64()?;
                key(&mut from, 3)?;
                let mtime = from.i64()?;
                Self::File { path, size, mtime }
            }
            _ => return Err(Error::message("an unknown kind of entry")),
        };
        if from.position() != header.len() {
            return Err(Error::message("bytes after the entry"));
        }
        Ok(entry)
    }
}

fn key(from: &mut Decoder<'_>, number: u8) -> Result<(), Error> {
    if from.u8()? == number {
        Ok(())
    } else {
        Err(Error::message("keys of an entry ascend from 0"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_are_the_bytes_of_their_drawing() {
        let mut bytes = vec![9; 9];
        Entry::Directory { path: "a" }.write(&mut bytes);
        // RFC 8949 §3: a2 map of two, 61 text of one.
        assert_eq!(bytes, [0, 6, 0xa2, 0, 0x61, b'a', 1, 1]);
        let file = Entry::File {
            path: "a/b",
            size: 24,
            mtime: -1,
        };
        file.write(&mut bytes);
        assert_eq!(
            bytes,
            [
                0, 13, 0xa4, 0, 0x63, b'a', b'/', b'b', 1, 0, 2, 0x18, 24, 3, 0x20
            ]
        );
    }

    #[test]
    fn a_header_of_another_form_is_refused() {
        let good = [0xa2, 0, 0x61, b'a', 1, 1];
        assert!(Entry::read(&good).is_ok());
        let bad: [&[u8]; 8] = [
            &[],
            // Cut short; with a byte too many; a map without end.
            &[0xa2, 0, 0x61, b'a', 1],
            &[0xa2, 0, 0x61, b'a', 1, 1, 0],
            &[0xbf, 0, 0x61, b'a', 1, 1, 0xff],
            // Kind 2; a directory with a size; a file without one; the same key twice.
            &[0xa2, 0, 0x61, b'a', 1, 2],
            &[0xa4, 0, 0x61, b'a', 1, 1, 2, 0, 3, 0],
            &[0xa2, 0, 0x61, b'a', 1, 0],
            &[0xa2, 0, 0x61, b'a', 0, 1],
        ];
        for bytes in bad {
            assert!(Entry::read(bytes).is_err(), "{bytes:02x?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(path in any::<String>(), size: u64, mtime: i64) {
            let mut bytes = Vec::new();
            for entry in [
                Entry::File { path: &path, size, mtime },
                Entry::Directory { path: &path },
            ] {
                entry.write(&mut bytes);
                prop_assert_eq!(usize::from(bytes[0]) << 8 | usize::from(bytes[1]), bytes.len() - 2);
                prop_assert_eq!(Entry::read(&bytes[2..]).unwrap(), entry);
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = Entry::read(&bytes);
        }
    }
}

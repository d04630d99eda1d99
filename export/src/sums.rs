//! SHA-256 of what goes by, and the list that says so.
//!
//! One line for each file, as `sha256sum` writes it: 64 hexadecimal digits, two
//! spaces, the path. Paths hold neither line ends nor backslashes ([`crate::place`]).

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

/// The lines so far.
#[derive(Default)]
pub(crate) struct Sums {
    lines: String,
}

impl Sums {
    pub(crate) fn add(&mut self, path: &str, hash: &[u8; 32]) {
        self.lines.push_str(&hex(hash));
        self.lines.push_str("  ");
        self.lines.push_str(path);
        self.lines.push('\n');
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.lines.as_bytes()
    }
}

/// Reads exactly `len` bytes of `from` and hashes them; keeps the reader's own error apart
/// from the writer's.
pub(crate) struct Hashed<R> {
    from: R,
    left: u64,
    hash: Sha256,
    failed: Option<io::Error>,
}

impl<R: Read> Hashed<R> {
    pub(crate) fn new(from: R, len: u64) -> Self {
        Self {
            from,
            left: len,
            hash: Sha256::new(),
            failed: None,
        }
    }

    /// The hash, or why reading failed.
    pub(crate) fn finish(mut self) -> io::Result<[u8; 32]> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(self.hash.finalize().into()),
        }
    }

    /// Why reading failed, if it did.
    pub(crate) fn failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    fn fill(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        let Some(part) = buf.get_mut(..most).filter(|part| !part.is_empty()) else {
            return Ok(0);
        };
        let read = self.from.read(part)?;
        if read == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is shorter than it should be",
            ));
        }
        self.hash.update(part.get(..read).unwrap_or_default());
        self.left -= read as u64;
        Ok(read)
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.fill(buf).map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.failed = Some(error);
            }
            kind.into()
        })
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

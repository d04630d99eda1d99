//! stdout as a place for bytes that are not ours to look at: a pipe's, a file's.
//!
//! Written as they come and flushed at once, because a program may wait for each of them.

use std::io::{self, IsTerminal as _, Write};

/// stdout, for bytes.
#[derive(Debug)]
pub(crate) struct Data(io::Stdout);

impl Data {
    pub(super) fn stdout() -> Data {
        Data(io::stdout())
    }

    /// Whether a person sees the bytes, and a terminal obeys them.
    pub(crate) fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }
}

impl Write for Data {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

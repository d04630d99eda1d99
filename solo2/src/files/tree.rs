//! A received directory as the files in it, read from the stream that it came as.
//!
//! For who wants contents and no directory on a disk. Paths are the sender's, as
//! they stand in the stream; directories without a file in them do not show.

use std::io::{self, Read};

use solo2_export::Tree;

use super::entry::{Entry, MAX_ENTRIES};

/// The files of a stream of known length.
pub(crate) struct TreeReader<R> {
    stream: R,
    /// Bytes of the stream that were not read yet.
    unread: u64,
    /// Those of them that belong to the file at hand.
    left: u64,
    entries: u64,
    /// What was read besides contents.
    between: Vec<u8>,
}

impl<R: Read> TreeReader<R> {
    /// Begins at the start of a stream of `len` bytes.
    pub(crate) fn new(stream: R, len: u64) -> Self {
        Self {
            stream,
            unread: len,
            left: 0,
            entries: 0,
            between: Vec::new(),
        }
    }

    fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        self.unread = self
            .unread
            .checked_sub(count as u64)
            .ok_or_else(|| malformed("it stops in the middle"))?;
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes)?;
        self.between.extend_from_slice(&bytes);
        Ok(bytes)
    }
}

impl<R: Read> Tree for TreeReader<R> {
    fn next(&mut self) -> io::Result<Option<(String, u64)>> {
        io::copy(self, &mut io::sink())?;
        loop {
            let count = match *self.exactly(2)? {
                [high, low] => u16::from_be_bytes([high, low]),
                _ => 0,
            };
            if count == 0 {
                return match self.unread {
                    0 => Ok(None),
                    _ => Err(malformed("bytes follow the last entry")),
                };
            }
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(malformed("it has more entries than a directory may have"));
            }
            let header = self.exactly(usize::from(count))?;
            let entry = Entry::read(&header).map_err(|_| malformed("an entry is malformed"))?;
            if let Entry::File { path, size, .. } = entry {
                if size > self.unread {
                    return Err(malformed("a file is longer than what came"));
                }
                self.left = size;
                return Ok(Some((path.to_owned(), size)));
            }
        }
    }

    fn contents(&mut self) -> &mut dyn Read {
        self
    }

    fn between(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.between)
    }
}

impl<R: Read> Read for TreeReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        let Some(part) = buf.get_mut(..most).filter(|part| !part.is_empty()) else {
            return Ok(0);
        };
        let read = self.stream.read(part)?;
        if read == 0 {
            return Err(malformed("it stops in the middle"));
        }
        self.left -= read as u64;
        self.unread -= read as u64;
        Ok(read)
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of these headers, each file followed by `size` bytes of its path's first letter.
    fn stream(entries: &[Entry<'_>]) -> Vec<u8> {
        let (mut all, mut header) = (Vec::new(), Vec::new());
        for entry in entries {
            entry.write(&mut header);
            all.extend_from_slice(&header);
            if let Entry::File { path, size, .. } = entry {
                all.resize(all.len() + *size as usize, path.as_bytes()[0]);
            }
        }
        all.extend_from_slice(&[0, 0]);
        all
    }

    fn file(path: &str, size: u64) -> Entry<'_> {
        Entry::File {
            path,
            size,
            mtime: 0,
        }
    }

    #[test]
    fn files_come_with_their_contents_read_or_not() {
        let bytes = stream(&[
            file("a", 3),
            Entry::Directory { path: "d" },
            file("d/b", 70_000),
            file("e", 0),
        ]);
        let mut tree = TreeReader::new(&bytes[..], bytes.len() as u64);
        assert_eq!(tree.next().unwrap(), Some(("a".to_owned(), 3)));
        let mut contents = String::new();
        tree.contents().read_to_string(&mut contents).unwrap();
        assert_eq!(contents, "aaa");
        // Not read: passed over.
        assert_eq!(tree.next().unwrap(), Some(("d/b".to_owned(), 70_000)));
        assert_eq!(tree.next().unwrap(), Some(("e".to_owned(), 0)));
        assert_eq!(tree.next().unwrap(), None);
    }

    #[test]
    fn contents_and_what_is_between_them_are_the_whole_stream() {
        let bytes = stream(&[
            Entry::Directory { path: "d" },
            file("d/b", 70_000),
            file("e", 0),
            Entry::Directory { path: "f" },
        ]);
        let mut tree = TreeReader::new(&bytes[..], bytes.len() as u64);
        let mut all = Vec::new();
        while tree.next().unwrap().is_some() {
            all.extend(tree.between());
            io::copy(tree.contents(), &mut all).unwrap();
        }
        all.extend(tree.between());
        assert!(all == bytes);
    }

    #[test]
    fn a_stream_that_lies_about_its_length_is_refused() {
        let good = stream(&[file("a", 3)]);
        let mut longer = good.clone();
        longer.push(0);
        let mut huge = stream(&[file("a", 3)]);
        huge.truncate(good.len() - 4);
        for bytes in [&longer, &huge, &Vec::new()] {
            let mut tree = TreeReader::new(&bytes[..], bytes.len() as u64);
            let end = loop {
                match tree.next() {
                    Ok(Some(_)) => {}
                    end => break end,
                }
            };
            assert!(end.is_err(), "{bytes:?}");
        }
    }
}

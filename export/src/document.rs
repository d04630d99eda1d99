//! What both forms of document share: entries, their sums, and files out of the vault.

use std::io::{self, Read};

use solo2_store::{Amendments, Kind, Message};

use crate::sums::Hashed;
use crate::{Attachment, ExportError, Names, Progress, Request, Source, Tree, place};

/// Whose fault a broken entry is.
pub(crate) enum Broken {
    /// What should be written could not be read.
    Reading(io::Error),
    /// It could not be written.
    Writing(io::Error),
}

/// Something that entries go into, one after the other.
pub(crate) trait Document {
    /// What its manifest calls it.
    const FORMAT: &str;

    /// Whether a vault can be made of it again: then it says which messages were deleted, and
    /// as which stream a directory came.
    const RESTORABLE: bool;

    /// Writes `len` bytes of `contents` as the file `path`.
    fn put<R: Read>(
        &mut self,
        path: &str,
        at_ms: u64,
        len: u64,
        contents: &mut Hashed<R>,
    ) -> io::Result<()>;

    /// Adds a file to the sums.
    fn note(&mut self, path: &str, hash: &[u8; 32]);

    /// Writes `len` bytes of `contents`, which must be as long, and its sum.
    fn entry<R: Read>(
        &mut self,
        path: &str,
        at_ms: u64,
        len: u64,
        contents: R,
    ) -> Result<[u8; 32], Broken> {
        let mut contents = Hashed::new(contents, len);
        if let Err(error) = self.put(path, at_ms, len, &mut contents) {
            return Err(match contents.failure() {
                Some(error) => Broken::Reading(error),
                None => Broken::Writing(error),
            });
        }
        let hash = contents.finish().map_err(Broken::Reading)?;
        self.note(path, &hash);
        Ok(hash)
    }

    /// Writes what is in memory already.
    fn bytes(&mut self, path: &str, at_ms: u64, bytes: &[u8]) -> io::Result<()> {
        let len = bytes.len() as u64;
        let mut contents = Hashed::new(bytes, len);
        self.put(path, at_ms, len, &mut contents)?;
        self.note(path, &contents.finish()?);
        Ok(())
    }
}

/// Where in a conversation's directory a file went.
pub(crate) struct Placed {
    /// A file's path, or a directory's.
    pub(crate) path: String,
    /// A file's sum.
    pub(crate) sha256: Option<[u8; 32]>,
    /// How many files a directory has.
    pub(crate) files: Option<u64>,
}

/// The conversation whose files are written, and how far all is.
pub(crate) struct Desk<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) directory: &'a str,
    pub(crate) progress: &'a mut Progress,
}

impl Desk<'_> {
    /// Writes a message's file, if the vault has it.
    pub(crate) fn attach<S: Source, D: Document>(
        &mut self,
        source: &mut S,
        document: &mut D,
        (seq, message, amendments): &(u64, Message, Amendments),
    ) -> Result<Option<Placed>, ExportError<S::Error>> {
        let kept = amendments.file().filter(|file| file.kept.is_some());
        let Some(file) = kept.filter(|_| self.request.files && message.kind == Kind::File) else {
            return Ok(None);
        };
        let broken = |broken| match broken {
            Broken::Reading(source) => ExportError::Attachment {
                name: message.body.clone(),
                source,
            },
            Broken::Writing(error) => ExportError::Write(error),
        };
        let opened = source
            .open(file)
            .map_err(|error| broken(Broken::Reading(error)))?;
        let Some(attachment) = opened else {
            self.progress.missing += 1;
            return Ok(None);
        };
        let names = &self.request.names;
        let path = place::attachment(*seq, message, names);
        let at_ms = message.sent_at_ms;
        let placed = match attachment {
            Attachment::File(len, contents) => {
                let whole = format!("{}/{path}", self.directory);
                let hash = document
                    .entry(&whole, at_ms, len, contents)
                    .map_err(broken)?;
                self.progress.files += 1;
                self.progress.bytes += len;
                Placed {
                    path,
                    sha256: Some(hash),
                    files: None,
                }
            }
            Attachment::Tree(tree) => {
                if D::RESTORABLE {
                    let frame = frame(tree).map_err(|error| broken(Broken::Reading(error)))?;
                    let whole = format!("{}/{}", self.directory, place::tree(&path));
                    document
                        .bytes(&whole, at_ms, &frame)
                        .map_err(ExportError::Write)?;
                    // It was read to its end, so it begins again.
                    let again = source
                        .open(file)
                        .map_err(|error| broken(Broken::Reading(error)))?;
                    let Some(Attachment::Tree(again)) = again else {
                        let gone = io::Error::from(io::ErrorKind::NotFound);
                        return Err(broken(Broken::Reading(gone)));
                    };
                    self.tree(again, document, path, at_ms).map_err(broken)?
                } else {
                    self.tree(tree, document, path, at_ms).map_err(broken)?
                }
            }
        };
        Ok(Some(placed))
    }

    /// Writes a directory's files.
    fn tree<D: Document>(
        &mut self,
        mut tree: Box<dyn Tree>,
        document: &mut D,
        path: String,
        at_ms: u64,
    ) -> Result<Placed, Broken> {
        let mut files = 0;
        while let Some((inside, len)) = tree.next().map_err(Broken::Reading)? {
            let inside = honest(&inside, &self.request.names)?;
            let whole = format!("{}/{path}/{inside}", self.directory);
            document.entry(&whole, at_ms, len, tree.contents())?;
            drop(tree.between());
            files += 1;
            self.progress.files += 1;
            self.progress.bytes += len;
        }
        Ok(Placed {
            path,
            sha256: None,
            files: Some(files),
        })
    }
}

/// What stands in a directory's stream before its first file, between two of them, and behind
/// the last: `( length u32be || bytes )*`.
fn frame(mut tree: Box<dyn Tree>) -> io::Result<Vec<u8>> {
    let mut frame = Vec::new();
    loop {
        let end = tree.next()?.is_none();
        let between = tree.between();
        let len = u32::try_from(between.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        frame.extend_from_slice(&len.to_be_bytes());
        frame.extend_from_slice(&between);
        if end {
            return Ok(frame);
        }
    }
}

fn honest(path: &str, names: &Names) -> Result<String, Broken> {
    place::inside(path, names).ok_or_else(|| {
        Broken::Reading(io::Error::new(
            io::ErrorKind::InvalidData,
            "a path in it leads out of it",
        ))
    })
}

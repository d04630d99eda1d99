//! An archive, read back: contacts, files and messages in their order, for a vault to take in.
//!
//! ```text
//!   archive ──open──► tar ──read──► Sink:  manifest  contacts  ( begin append… end )*  record*
//! ```
//!
//! Everything in it is somebody's word: a name in it is looked up and never a path of this
//! machine, a length bounds no memory, and what does not fit together is an error before
//! its reader sees it. Whether the files' sums fit shows at the end, so a careful reader
//! goes through twice. Memory: 32 bytes for each file, some 20 for each message of the
//! longest conversation, and what a directory's stream has besides its files.
//! Spec: docs/protocol/7-export.md §5.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{BufRead, BufReader, Read};

use serde_json::Value;
use solo2_store::{Amendment, Contact, ContactId, DeliveryState, Message};

use crate::open::{self, Stop, Visitor, Watched, broken, unreadable};
use crate::verify::{Opener, Verified, VerifyError};
use crate::{place, record};

/// Longest line of a record, in bytes: a text of 256 KiB, escaped, and what stands around it.
const MAX_RECORD: u64 = 2 << 20;
/// Longest line of a contact.
const MAX_CONTACT: u64 = 1 << 20;
/// Contacts that a vault has room for.
const MAX_CONTACTS: usize = 1022;
/// Contacts that may have gone since an archive's base was made.
const MAX_REMOVED: usize = 1 << 16;
/// Longest that a directory's stream may be besides its files.
const MAX_TREE: u64 = 256 << 20;
/// Files that may wait for their messages: a part of 1 MiB names fewer.
const MAX_WAITING: usize = 1 << 16;

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// SHA-256 of its manifest, which names it.
    pub sha256: [u8; 32],
    /// When it was made, Unix time in milliseconds.
    pub created_at_ms: u64,
    /// The archive that it builds on, and when that was made.
    pub base: Option<([u8; 32], u64)>,
}

/// A message and what happened to it.
pub struct Record {
    /// Its number in the conversation that it was in.
    pub number: u64,
    /// As it was stored; without its text if it was edited or deleted.
    pub message: Message,
    /// At most one of each kind, one reaction of each side. A file is not said to be kept.
    pub amendments: Vec<Amendment>,
    /// How far ours got; `None` if it had not left.
    pub state: Option<DeliveryState>,
    /// Where in the conversation's directory its file is.
    pub(crate) path: Option<String>,
}

/// A file as its taker has it.
pub struct Taken<F> {
    /// The taker's own.
    pub file: F,
    /// Bytes that it got.
    pub size: u64,
    /// BLAKE3 of them.
    pub root: [u8; 32],
}

/// What an archive is poured into.
pub trait Sink {
    /// Why it takes no more.
    type Error;
    /// A file that it took, until it is known whose it is.
    type File;

    /// Which archive it is; called first and once.
    ///
    /// # Errors
    ///
    /// The sink's own, here as everywhere.
    fn manifest(&mut self, manifest: &Manifest) -> Result<(), Self::Error>;

    /// Everybody in it, no two with one id or one account, and who was removed since the archive
    /// that it builds on; called second and once.
    ///
    /// # Errors
    ///
    /// The sink's own.
    fn contacts(
        &mut self,
        contacts: Vec<Contact>,
        removed: Vec<ContactId>,
    ) -> Result<(), Self::Error>;

    /// A file begins.
    ///
    /// # Errors
    ///
    /// The sink's own.
    fn begin(&mut self) -> Result<(), Self::Error>;

    /// It goes on.
    ///
    /// # Errors
    ///
    /// The sink's own.
    fn append(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// It is whole.
    ///
    /// # Errors
    ///
    /// The sink's own.
    fn end(&mut self) -> Result<Taken<Self::File>, Self::Error>;

    /// A message of one of the contacts, with its file.
    ///
    /// # Errors
    ///
    /// The sink's own.
    fn record(
        &mut self,
        contact: ContactId,
        record: Record,
        file: Option<Self::File>,
    ) -> Result<(), Self::Error>;
}

/// Why an archive was not taken in, or only in part.
#[derive(Debug)]
pub enum ImportError<E> {
    /// The archive's fault.
    Archive(VerifyError),
    /// The sink's.
    Sink(E),
}

/// Takes the encryption off.
///
/// # Errors
///
/// [`VerifyError`].
pub fn open<R: Read>(from: R, opener: Opener<'_>) -> Result<impl Read, VerifyError> {
    open::decrypt(from, opener)
}

/// Reads an archive from its first byte to its last. `id` reads a message's id.
///
/// # Errors
///
/// [`ImportError`]; what the sink was given until then may be of a damaged archive.
pub fn archive<R: Read, S: Sink>(
    from: R,
    opener: Opener<'_>,
    id: fn(&str) -> Option<[u8; 16]>,
    sink: &mut S,
) -> Result<Verified, ImportError<S::Error>> {
    let from = Watched::new(from);
    let trouble = from.trouble();
    let result = match open(from, opener) {
        Ok(plain) => read(plain, id, sink),
        Err(error) => Err(ImportError::Archive(error)),
    };
    match (trouble.take(), result) {
        (Some(error), Err(ImportError::Archive(_))) => {
            Err(ImportError::Archive(VerifyError::Read(error)))
        }
        (_, result) => result,
    }
}

/// Reads the tar of an archive.
///
/// # Errors
///
/// As [`archive`].
pub fn read<R: Read, S: Sink>(
    plain: R,
    id: fn(&str) -> Option<[u8; 16]>,
    sink: &mut S,
) -> Result<Verified, ImportError<S::Error>> {
    let mut importer = Importer {
        sink,
        id,
        contacts: None,
        done: BTreeSet::new(),
        at: None,
    };
    let result = open::untar(plain, &mut importer).and_then(|verified| {
        importer.leave()?;
        match importer.contacts {
            Some(_) => Ok(verified),
            None => Err(broken(format!("{} is not in it", place::CONTACTS)).into()),
        }
    });
    result.map_err(|stop| match stop {
        Stop::Document(error) => ImportError::Archive(error),
        Stop::Visitor(error) => ImportError::Sink(error),
    })
}

struct Importer<'s, S: Sink> {
    sink: &'s mut S,
    id: fn(&str) -> Option<[u8; 16]>,
    /// By the directory of the conversation.
    contacts: Option<BTreeMap<String, ContactId>>,
    /// Conversations that are over.
    done: BTreeSet<ContactId>,
    at: Option<Conversation<S::File>>,
}

/// The conversation that is being read.
struct Conversation<F> {
    contact: ContactId,
    last: Option<u64>,
    ids: HashSet<[u8; 16]>,
    /// Files whose messages are still to come, by their paths.
    waiting: BTreeMap<String, Taken<F>>,
    tree: Option<Tree>,
}

/// A directory whose files are being read.
struct Tree {
    path: String,
    /// What its stream has besides them, and how far that was handed on.
    frame: Vec<u8>,
    next: usize,
}

impl Tree {
    /// What stands before the next file, or behind the last.
    fn between(&mut self) -> Option<&[u8]> {
        let rest = self.frame.get(self.next..)?;
        let (len, rest) = rest.split_first_chunk::<4>()?;
        let part = rest.get(..usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
        self.next += 4 + part.len();
        Some(part)
    }
}

impl<S: Sink> Visitor for Importer<'_, S> {
    type Error = S::Error;

    fn manifest(&mut self, manifest: &Value, sha256: [u8; 32]) -> Result<(), Stop<S::Error>> {
        let manifest = record::manifest(manifest, sha256)
            .ok_or_else(|| broken(format!("{} is malformed", place::MANIFEST)))?;
        self.sink.manifest(&manifest).map_err(Stop::Visitor)
    }

    fn file(&mut self, path: &str, contents: &mut dyn Read) -> Result<(), Stop<S::Error>> {
        if path == place::CONTACTS && self.contacts.is_none() {
            return self.contacts(contents);
        }
        if path == place::KNOWN {
            return Ok(());
        }
        let unknown = || broken(format!("{path} belongs to nothing in it"));
        let contacts = self.contacts.as_ref().ok_or_else(unknown)?;
        let (directory, inside) = path
            .strip_prefix(place::CONVERSATIONS)
            .and_then(|rest| rest.split_once('/'))
            .ok_or_else(unknown)?;
        let contact = *contacts.get(directory).ok_or_else(unknown)?;
        self.enter(contact, path)?;
        let in_tree = self.tree_of(inside);
        if let Some(tree) = in_tree {
            return self.tree_file(tree, contents);
        }
        self.leave_tree()?;
        if inside.starts_with("messages-") && inside.ends_with(".jsonl") {
            self.messages(path, contents)
        } else if inside.starts_with(place::FILES) {
            self.whole_file(inside, contents)
        } else if let Some(name) = inside.strip_prefix(place::TREES) {
            self.tree(format!("{}{name}", place::FILES), contents)
        } else {
            Err(unknown().into())
        }
    }
}

impl<S: Sink> Importer<'_, S> {
    fn contacts(&mut self, contents: &mut dyn Read) -> Result<(), Stop<S::Error>> {
        let mut directories = BTreeMap::new();
        let mut contacts: Vec<Contact> = Vec::new();
        let mut removed = Vec::new();
        let mut seen = BTreeSet::new();
        lines(contents, MAX_CONTACT, place::CONTACTS, &mut |line| {
            let wrong = |what: &str| broken(format!("{}: {what}", place::CONTACTS));
            let Some((contact, directory)) = record::contact(line).map_err(|what| wrong(&what))?
            else {
                let Some(id) = record::removed(line).map_err(|what| wrong(&what))? else {
                    return Ok(());
                };
                if removed.len() >= MAX_REMOVED {
                    return Err(wrong("more contacts were removed than there can have been").into());
                }
                if !seen.insert(id.0.to_vec()) {
                    return Err(wrong("a contact stands in it twice").into());
                }
                removed.push(id);
                return Ok(());
            };
            if contacts.len() >= MAX_CONTACTS {
                return Err(wrong("more contacts than a vault has room for").into());
            }
            let directory = directory
                .strip_prefix(place::CONVERSATIONS)
                .filter(|name| !name.contains('/'))
                .ok_or_else(|| wrong("a conversation's directory is malformed"))?;
            let again = !seen.insert(contact.id.0.to_vec())
                | !seen.insert(contact.account.to_vec())
                | directories
                    .insert(directory.to_owned(), contact.id)
                    .is_some();
            if again {
                return Err(wrong("a contact stands in it twice").into());
            }
            contacts.push(contact);
            Ok(())
        })?;
        self.contacts = Some(directories);
        self.sink.contacts(contacts, removed).map_err(Stop::Visitor)
    }

    /// Goes over to a conversation; each comes in one piece.
    fn enter(&mut self, contact: ContactId, path: &str) -> Result<(), Stop<S::Error>> {
        if self.at.as_ref().is_some_and(|at| at.contact == contact) {
            return Ok(());
        }
        self.leave()?;
        if !self.done.insert(contact) {
            return Err(broken(format!("{path} stands apart from its conversation")).into());
        }
        self.at = Some(Conversation {
            contact,
            last: None,
            ids: HashSet::new(),
            waiting: BTreeMap::new(),
            tree: None,
        });
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Stop<S::Error>> {
        self.leave_tree()?;
        let at = self.at.take();
        match at.and_then(|mut at| at.waiting.pop_first()) {
            Some((path, _)) => Err(broken(format!("{path} belongs to no message")).into()),
            None => Ok(()),
        }
    }

    fn here(&mut self) -> Result<&mut Conversation<S::File>, Stop<S::Error>> {
        self.at
            .as_mut()
            .ok_or_else(|| broken("a file in it belongs to nobody").into())
    }

    fn whole_file(&mut self, path: &str, contents: &mut dyn Read) -> Result<(), Stop<S::Error>> {
        self.sink.begin().map_err(Stop::Visitor)?;
        self.pour(contents)?;
        let taken = self.sink.end().map_err(Stop::Visitor)?;
        self.wait(path.to_owned(), taken)
    }

    fn pour(&mut self, contents: &mut dyn Read) -> Result<(), Stop<S::Error>> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = contents.read(&mut buffer).map_err(unreadable)?;
            let part = buffer.get(..read).unwrap_or_default();
            if part.is_empty() {
                return Ok(());
            }
            self.sink.append(part).map_err(Stop::Visitor)?;
        }
    }

    fn wait(&mut self, path: String, taken: Taken<S::File>) -> Result<(), Stop<S::Error>> {
        let here = self.here()?;
        if here.waiting.len() >= MAX_WAITING {
            return Err(broken("more files in it than messages name").into());
        }
        match here.waiting.insert(path.clone(), taken) {
            None => Ok(()),
            Some(_) => Err(broken(format!("{path} stands in it twice")).into()),
        }
    }

    /// Begins a directory.
    fn tree(&mut self, path: String, contents: &mut dyn Read) -> Result<(), Stop<S::Error>> {
        let mut frame = Vec::new();
        contents
            .take(MAX_TREE)
            .read_to_end(&mut frame)
            .map_err(unreadable)?;
        self.sink.begin().map_err(Stop::Visitor)?;
        let tree = Tree {
            path,
            frame,
            next: 0,
        };
        self.between(tree)
    }

    /// Takes out the directory that a path is in.
    fn tree_of(&mut self, inside: &str) -> Option<Tree> {
        let tree = &mut self.at.as_mut()?.tree;
        let path = &tree.as_ref()?.path;
        inside.strip_prefix(path.as_str())?.strip_prefix('/')?;
        tree.take()
    }

    fn tree_file(&mut self, tree: Tree, contents: &mut dyn Read) -> Result<(), Stop<S::Error>> {
        self.pour(contents)?;
        self.between(tree)
    }

    /// Hands on what stands before the next file of a directory.
    fn between(&mut self, mut tree: Tree) -> Result<(), Stop<S::Error>> {
        let malformed = || broken("the order of a directory in it is malformed");
        let between = tree.between().ok_or_else(malformed)?;
        self.sink.append(between).map_err(Stop::Visitor)?;
        self.here()?.tree = Some(tree);
        Ok(())
    }

    fn leave_tree(&mut self) -> Result<(), Stop<S::Error>> {
        let Some(tree) = self.at.as_mut().and_then(|at| at.tree.take()) else {
            return Ok(());
        };
        if tree.next != tree.frame.len() {
            return Err(broken(format!("files of {} are missing", tree.path)).into());
        }
        let taken = self.sink.end().map_err(Stop::Visitor)?;
        self.wait(tree.path, taken)
    }

    fn messages(&mut self, path: &str, contents: &mut dyn Read) -> Result<(), Stop<S::Error>> {
        lines(contents, MAX_RECORD, path, &mut |line| {
            let record = record::message(line, self.id);
            match record.map_err(|what| broken(format!("{path}: {what}")))? {
                Some(record) => self.message(path, record),
                None => Ok(()),
            }
        })
    }

    fn message(&mut self, part: &str, record: Record) -> Result<(), Stop<S::Error>> {
        let here = self.here()?;
        let wrong = |what: &str| broken(format!("{part}: {what}"));
        if here.last.is_some_and(|last| last >= record.number) {
            return Err(wrong("a message's number does not ascend").into());
        }
        if !here.ids.insert(record.message.id) {
            return Err(wrong("a message stands in it twice").into());
        }
        here.last = Some(record.number);
        let contact = here.contact;
        let taken = match &record.path {
            None => None,
            Some(path) => {
                let missing = || wrong(&format!("{path} is not there before its message"));
                Some(here.waiting.remove(path).ok_or_else(missing)?)
            }
        };
        if let Some(taken) = &taken {
            let fits = record.amendments.iter().any(|amendment| match amendment {
                Amendment::File(file) => file.root == taken.root && file.size == taken.size,
                _ => false,
            });
            if !fits {
                return Err(wrong("a file is not the one that its message names").into());
            }
        }
        self.sink
            .record(contact, record, taken.map(|taken| taken.file))
            .map_err(Stop::Visitor)
    }
}

/// What is done with a line.
type Each<'a, E> = dyn FnMut(&[u8]) -> Result<(), Stop<E>> + 'a;

/// Calls `each` for every line; one that is longer than `most` bytes ends it.
fn lines<E>(
    contents: &mut dyn Read,
    most: u64,
    path: &str,
    each: &mut Each<'_, E>,
) -> Result<(), Stop<E>> {
    let mut contents = BufReader::with_capacity(64 * 1024, contents);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut part = (&mut contents).take(most);
        if part.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            return Ok(());
        }
        let Some(record) = line.strip_suffix(b"\n") else {
            return Err(broken(format!("a line of {path} has no end, or is too long")).into());
        };
        each(record)?;
    }
}

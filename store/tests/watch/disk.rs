//! The disk that a power cut leaves behind.
//!
//! Fed with every change that a program made, in order, it keeps apart what is on the
//! platter and what only the kernel knows. The model is POSIX's promise, not what one
//! file system happens to do:
//!
//! * **Data.** What was written to a file is on disk once that file was synced. Until
//!   then each sector of 512 bytes of each write is there or not, whatever the order. A
//!   sector is written whole or not at all.
//! * **Length.** A length that was set, or grew by writing, is data, too: before a sync
//!   it is the old or the new one, and what grew without its data reads as zeros.
//! * **Names.** Creating, renaming, linking and removing change directories. They are on
//!   disk once the directory was synced: syncing a new file does not sync its name. Until
//!   then each of them has happened or not, whatever the order; what builds on a name
//!   that is not there has not happened. One rename is atomic, also from one directory
//!   into another, and syncing either makes it last.
//! * What was once read is not for that reason on disk.
//!
//! ext4, XFS and btrfs keep more order than this (names change in the order in which they
//! were changed, and syncing a new file syncs its name), so what survives here survives
//! there. Not modelled: disks that lie about a flush, and sectors that a cut damages.
//!
//! ```text
//!   Change ──apply──► Disk { nodes: durable + pending }
//!                       │ cut(Fate, lots)
//!                       ▼
//!                     a directory, as it is when the power is back
//! ```

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::Change;

const SECTOR: u64 = 512;

type Node = usize;
type Sector = [u8; SECTOR as usize];

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    /// Nothing of it is on disk.
    Dropped,
    /// All of it is: the same as a killed process.
    Kept,
    /// Every name, but no data.
    NamesOnly,
    /// Every byte, but no name.
    DataOnly,
    /// Some of it: each name and each sector by its own lot.
    Torn,
    /// The names up to some moment, in order, and some sectors: a journaling file system.
    InOrder,
}

/// All of them, the worst of them more often.
pub(crate) const FATES: [Fate; 8] = [
    Fate::Torn,
    Fate::Torn,
    Fate::InOrder,
    Fate::InOrder,
    Fate::Dropped,
    Fate::NamesOnly,
    Fate::DataOnly,
    Fate::Kept,
];

#[derive(Clone, Default)]
struct Data {
    sectors: BTreeMap<u64, Box<Sector>>,
    len: u64,
}

impl Data {
    fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.sectors.retain(|at, _| at * SECTOR < len);
            if let Some(last) = self.sectors.get_mut(&(len / SECTOR)) {
                last[(len % SECTOR) as usize..].fill(0);
            }
        }
        self.len = len;
    }

    /// Writes those sectors of `data` that `kept` wants.
    fn write(&mut self, at: u64, data: &[u8], mut kept: impl FnMut() -> bool) {
        let mut done = 0;
        while done < data.len() {
            let place = at + done as u64;
            let start = (place % SECTOR) as usize;
            let step = (data.len() - done).min(SECTOR as usize - start);
            if kept() {
                let sector = self
                    .sectors
                    .entry(place / SECTOR)
                    .or_insert_with(|| Box::new([0; 512]));
                sector[start..start + step].copy_from_slice(&data[done..done + step]);
                self.len = self.len.max(place + step as u64);
            }
            done += step;
        }
    }
}

enum Pending {
    Write(u64, Vec<u8>),
    Length(u64),
}

#[derive(Default)]
struct File {
    durable: Data,
    pending: Vec<Pending>,
}

enum Entry {
    File(File),
    Directory {
        durable: BTreeMap<String, Node>,
        now: BTreeMap<String, Node>,
    },
}

/// One change to names: `node` goes from one of them to another.
#[derive(Clone, Debug)]
struct Naming {
    node: Node,
    from: Option<(Node, String)>,
    to: Option<(Node, String)>,
}

impl Naming {
    fn touches(&self, directory: Node) -> bool {
        [&self.from, &self.to]
            .into_iter()
            .flatten()
            .any(|(node, _)| *node == directory)
    }
}

type Names = HashMap<Node, BTreeMap<String, Node>>;

fn rename(names: &mut Names, naming: &Naming) {
    if let Some((directory, name)) = &naming.from {
        let entries = names.entry(*directory).or_default();
        if entries.get(name) != Some(&naming.node) {
            return;
        }
        entries.remove(name);
    }
    if let Some((directory, name)) = &naming.to {
        names
            .entry(*directory)
            .or_default()
            .insert(name.clone(), naming.node);
    }
}

/// A directory tree, on disk and in the kernel's memory.
pub(crate) struct Disk {
    nodes: Vec<Entry>,
    by_inode: HashMap<u64, Node>,
    pending: Vec<Naming>,
}

impl Disk {
    /// The tree below `root` as it is, all of it on disk.
    pub(crate) fn of(root: &Path) -> Self {
        let mut disk = Self {
            nodes: Vec::new(),
            by_inode: HashMap::new(),
            pending: Vec::new(),
        };
        disk.load(root);
        disk
    }

    fn load(&mut self, path: &Path) -> Node {
        let metadata = fs::metadata(path).unwrap();
        let node = self.nodes.len();
        self.by_inode.insert(metadata.ino(), node);
        if metadata.is_dir() {
            self.nodes.push(directory());
            let mut entries = BTreeMap::new();
            for entry in fs::read_dir(path).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                entries.insert(name, self.load(&entry.path()));
            }
            self.nodes[node] = Entry::Directory {
                durable: entries.clone(),
                now: entries,
            };
        } else {
            let mut durable = Data::default();
            let bytes = fs::read(path).unwrap();
            for (number, chunk) in bytes.chunks(SECTOR as usize).enumerate() {
                if chunk.iter().any(|byte| *byte != 0) {
                    durable.write(number as u64 * SECTOR, chunk, || true);
                }
            }
            durable.len = bytes.len() as u64;
            self.nodes.push(Entry::File(File {
                durable,
                pending: Vec::new(),
            }));
        }
        node
    }

    /// Takes one change.
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Create { inode, path } => {
                self.add(*inode, Entry::File(File::default()), path);
            }
            Change::Directory { inode, path } => self.add(*inode, directory(), path),
            Change::Link { inode, path } => {
                let node = self.by_inode[inode];
                self.name(node, None, Some(self.split(path)));
            }
            Change::Write { inode, at, data } => {
                self.file(*inode)
                    .pending
                    .push(Pending::Write(*at, data.clone()));
            }
            Change::Length { inode, len } => self.file(*inode).pending.push(Pending::Length(*len)),
            Change::Rename { from, to } => {
                let from = self.split(from);
                let to = self.split(to);
                let node = self.entries(from.0)[&from.1];
                self.name(node, Some(from), Some(to));
            }
            Change::Unlink { path } => {
                let place = self.split(path);
                let node = self.entries(place.0)[&place.1];
                self.name(node, Some(place), None);
            }
            Change::Sync { inode } => self.sync(self.by_inode[inode]),
            Change::Said { .. } => {}
            // Only a repair does that, and a power cut in one is not simulated.
            Change::Exchange { one, other } => panic!("{one} and {other} are exchanged"),
        }
    }

    fn add(&mut self, inode: u64, entry: Entry, path: &str) {
        let node = self.nodes.len();
        self.nodes.push(entry);
        // A number that was used before names the new file from here on.
        self.by_inode.insert(inode, node);
        self.name(node, None, Some(self.split(path)));
    }

    fn name(&mut self, node: Node, from: Option<(Node, String)>, to: Option<(Node, String)>) {
        let naming = Naming { node, from, to };
        if let Some((directory, name)) = &naming.from {
            self.entries_mut(*directory).remove(name);
        }
        if let Some((directory, name)) = &naming.to {
            self.entries_mut(*directory).insert(name.clone(), node);
        }
        self.pending.push(naming);
    }

    fn sync(&mut self, node: Node) {
        if let Entry::File(file) = &mut self.nodes[node] {
            for pending in file.pending.drain(..) {
                match pending {
                    Pending::Write(at, data) => file.durable.write(at, &data, || true),
                    Pending::Length(len) => file.durable.set_len(len),
                }
            }
            return;
        }
        let mut names = self.durable();
        let (synced, pending) = self
            .pending
            .drain(..)
            .partition(|naming| naming.touches(node));
        self.pending = pending;
        for naming in &synced {
            let _: &Naming = naming;
            rename(&mut names, naming);
        }
        for (directory, entries) in names {
            if let Entry::Directory { durable, .. } = &mut self.nodes[directory] {
                *durable = entries;
            }
        }
    }

    fn durable(&self) -> Names {
        let directories = self
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(node, entry)| match entry {
                Entry::Directory { durable, .. } => Some((node, durable.clone())),
                Entry::File(_) => None,
            });
        directories.collect()
    }

    /// Writes to `target` what is on disk if the power goes now.
    pub(crate) fn cut(&self, fate: Fate, rng: &mut StdRng, target: &Path) {
        let mut names = self.durable();
        let until = rng.random_range(0..=self.pending.len());
        for (number, naming) in self.pending.iter().enumerate() {
            let kept = match fate {
                Fate::Dropped | Fate::DataOnly => false,
                Fate::Kept | Fate::NamesOnly => true,
                Fate::Torn => rng.random(),
                Fate::InOrder => number < until,
            };
            if kept {
                rename(&mut names, naming);
            }
        }
        self.write(0, &names, fate, rng, target);
    }

    fn write(&self, node: Node, names: &Names, fate: Fate, rng: &mut StdRng, target: &Path) {
        match &self.nodes[node] {
            Entry::Directory { .. } => {
                fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(target)
                    .unwrap();
                for (name, node) in names.get(&node).into_iter().flatten() {
                    self.write(*node, names, fate, rng, &target.join(name));
                }
            }
            Entry::File(file) => write_file(&after(file, fate, rng), target),
        }
    }

    fn file(&mut self, inode: u64) -> &mut File {
        match &mut self.nodes[self.by_inode[&inode]] {
            Entry::File(file) => file,
            Entry::Directory { .. } => panic!("a directory was written to"),
        }
    }

    fn entries(&self, directory: Node) -> &BTreeMap<String, Node> {
        match &self.nodes[directory] {
            Entry::Directory { now, .. } => now,
            Entry::File(_) => panic!("a file has no entries"),
        }
    }

    fn entries_mut(&mut self, directory: Node) -> &mut BTreeMap<String, Node> {
        match &mut self.nodes[directory] {
            Entry::Directory { now, .. } => now,
            Entry::File(_) => panic!("a file has no entries"),
        }
    }

    /// The directory of a path, and the name in it.
    fn split(&self, path: &str) -> (Node, String) {
        let (parent, name) = path.rsplit_once('/').unwrap();
        let mut node = 0;
        for part in parent.split('/').filter(|part| !part.is_empty()) {
            node = self.entries(node)[part];
        }
        (node, name.to_owned())
    }
}

fn directory() -> Entry {
    Entry::Directory {
        durable: BTreeMap::new(),
        now: BTreeMap::new(),
    }
}

/// What is left of a file.
fn after(file: &File, fate: Fate, rng: &mut StdRng) -> Data {
    let mut data = file.durable.clone();
    // Most files torn, some lucky, some not.
    let luck: f64 = [0.0, 0.5, 0.9, 1.0][rng.random_range(0..4)];
    for pending in &file.pending {
        let luck = match fate {
            Fate::Dropped | Fate::NamesOnly => 0.0,
            Fate::Kept | Fate::DataOnly => 1.0,
            Fate::Torn | Fate::InOrder => luck,
        };
        match pending {
            Pending::Write(at, bytes) => {
                data.write(*at, bytes, || rng.random_bool(luck));
                let grown = at + bytes.len() as u64;
                if grown > data.len && rng.random_bool(luck) {
                    data.len = grown;
                }
            }
            Pending::Length(len) => {
                if rng.random_bool(luck) {
                    data.set_len(*len);
                }
            }
        }
    }
    data
}

fn write_file(data: &Data, target: &Path) {
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(target)
        .unwrap();
    let mut run = Vec::new();
    let mut start = 0;
    for (at, sector) in &data.sectors {
        if start + run.len() as u64 != at * SECTOR {
            file.write_all_at(&run, start).unwrap();
            run.clear();
            start = at * SECTOR;
        }
        run.extend_from_slice(sector.as_slice());
    }
    file.write_all_at(&run, start).unwrap();
    file.set_len(data.len).unwrap();
}

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::process::Command;

use rustix::fs::mkfifoat;
use tempfile::TempDir;

use super::*;
use crate::files::source::{Source, inspect};

const ID: [u8; 16] = [0xab; 16];
const PARTIAL: &str = ".solo2-abababababababababababababababab.partial";
const STAGING: &str = ".solo2-abababababababababababababababab.d";

/// A target, and beside it something that must not change.
struct Place {
    home: TempDir,
    target: Target,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("to")).unwrap();
        fs::write(home.path().join("victim"), "theirs").unwrap();
        let target = Target::open(&home.path().join("to")).unwrap();
        Self { home, target }
    }

    fn to(&self, name: &str) -> PathBuf {
        self.home.path().join("to").join(name)
    }

    fn victim(&self) -> PathBuf {
        self.home.path().join("victim")
    }

    fn received(&self, bytes: &[u8]) -> PlainPartial {
        let mut partial = self.target.partial(ID).unwrap();
        for chunk in bytes.chunks(CHUNK_LEN) {
            partial.append(chunk, chunk.len() < CHUNK_LEN).unwrap();
        }
        partial
    }

    fn finish(&self, bytes: &[u8], name: &str, existing: Existing) -> Result<PathBuf, TargetError> {
        let partial = self.received(bytes);
        self.target.finish(&partial, name, Shape::File, existing)
    }

    fn assert_untouched(&self) {
        assert_eq!(fs::read(self.victim()).unwrap(), b"theirs");
        assert_eq!(fs::metadata(self.victim()).unwrap().nlink(), 1);
    }

    /// What is in the target directory.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.to(""))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn planted(result: Result<impl Sized, TargetError>) -> PathBuf {
    match result {
        Err(TargetError::Planted { path }) => path,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("what was planted was used"),
    }
}

fn exists(result: Result<impl Sized, TargetError>) -> PathBuf {
    match result {
        Err(TargetError::Exists { path }) => path,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("what was there was replaced"),
    }
}

fn stream_of(path: &Path) -> Vec<u8> {
    let info = inspect(path).unwrap();
    let mut source = Source::open(path, info.shape, info.stamp, info.size).unwrap();
    let mut stream = vec![0; info.size as usize + 1];
    let read = source.read(&mut stream).unwrap();
    assert_eq!(read as u64, info.size);
    stream.truncate(read);
    stream
}

#[test]
fn a_file_gets_its_name_when_it_is_whole_and_nobody_can_run_it() {
    let place = Place::new();
    let partial = place.received(b"#!/bin/sh");
    assert_eq!(place.names(), [PARTIAL]);
    let path = place
        .target
        .finish(&partial, "run.sh", Shape::File, Existing::Refuse)
        .unwrap();
    assert_eq!(path, place.to("run.sh"));
    assert_eq!(fs::read(&path).unwrap(), b"#!/bin/sh");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(place.names(), ["run.sh"]);
}

#[test]
fn a_transfer_goes_on_from_whole_chunks_and_hashes_what_is_there() {
    let place = Place::new();
    let bytes: Vec<u8> = (0..3 * CHUNK_LEN + 100).map(|n| (n / 7) as u8).collect();
    drop(place.received(&bytes));
    let mut partial = place.target.partial(ID).unwrap();
    assert_eq!(partial.len(), 3 * CHUNK_LEN as u64);
    assert!(!partial.is_complete());
    let mut hasher = blake3::Hasher::new();
    partial.rehash(&mut hasher).unwrap();
    assert_eq!(hasher.finalize(), blake3::hash(&bytes[..3 * CHUNK_LEN]));
    partial.append(&bytes[3 * CHUNK_LEN..], true).unwrap();
    assert!(partial.is_complete());
    partial.sync().unwrap();
    assert!(partial.append(b"more", true).is_err());
    let path = place
        .target
        .finish(&partial, "a", Shape::Pipe, Existing::Refuse)
        .unwrap();
    assert!(fs::read(path).unwrap() == bytes);
}

#[test]
fn a_cleared_partial_begins_again_and_a_discarded_one_is_gone() {
    let place = Place::new();
    let mut partial = place.received(b"old");
    partial.clear().unwrap();
    assert_eq!((partial.len(), partial.is_complete()), (0, false));
    assert!(partial.append(b"short", false).is_err());
    assert!(partial.append(&[0; CHUNK_LEN + 1], true).is_err());
    partial.append(b"new", true).unwrap();
    assert_eq!(fs::read(place.to(PARTIAL)).unwrap(), b"new");
    place.target.discard(ID).unwrap();
    assert!(place.names().is_empty());
    place.target.discard(ID).unwrap();
}

#[test]
fn only_a_file_of_ours_is_gone_on_with() {
    type Plant = fn(&Place);
    let plants: [(&str, Plant); 6] = [
        ("a link to a file", |place| {
            symlink(place.victim(), place.to(PARTIAL)).unwrap();
        }),
        ("a link to nothing", |place| {
            symlink(place.home.path().join("new"), place.to(PARTIAL)).unwrap();
        }),
        ("a second name of a file", |place| {
            fs::hard_link(place.victim(), place.to(PARTIAL)).unwrap();
        }),
        ("a pipe", |place| {
            mkfifoat(CWD, place.to(PARTIAL), Mode::RWXU).unwrap();
        }),
        ("a directory", |place| {
            fs::create_dir(place.to(PARTIAL)).unwrap()
        }),
        ("a file that others may write", |place| {
            fs::write(place.to(PARTIAL), [0; CHUNK_LEN]).unwrap();
            fs::set_permissions(place.to(PARTIAL), fs::Permissions::from_mode(0o666)).unwrap();
        }),
    ];
    for (what, plant) in plants {
        let place = Place::new();
        plant(&place);
        assert_eq!(
            planted(place.target.partial(ID)),
            place.to(PARTIAL),
            "{what}"
        );
        assert_eq!(fs::read(place.victim()).unwrap(), b"theirs", "{what}");
        assert!(!place.home.path().join("new").exists(), "{what}");
    }
}

#[test]
fn another_users_file_is_not_gone_on_with() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let place = Place::new();
    fs::write(place.to(PARTIAL), [0; CHUNK_LEN]).unwrap();
    std::os::unix::fs::chown(place.to(PARTIAL), Some(12345), None).unwrap();
    assert_eq!(planted(place.target.partial(ID)), place.to(PARTIAL));
}

#[test]
fn a_partial_that_was_exchanged_gets_no_name() {
    type Exchange = fn(&Place);
    let exchanges: [Exchange; 2] = [
        |place| fs::write(place.to(PARTIAL), "evil").unwrap(),
        |place| symlink(place.victim(), place.to(PARTIAL)).unwrap(),
    ];
    for exchange in exchanges {
        for existing in [Existing::Refuse, Existing::Rename, Existing::Overwrite] {
            let place = Place::new();
            fs::write(place.to("mine"), "mine").unwrap();
            let partial = place.received(b"good");
            fs::remove_file(place.to(PARTIAL)).unwrap();
            exchange(&place);
            let refused = place.target.finish(&partial, "mine", Shape::File, existing);
            assert_eq!(planted(refused), place.to(PARTIAL));
            assert_eq!(fs::read(place.to("mine")).unwrap(), b"mine");
            assert_eq!(place.names(), [PARTIAL, "mine"]);
            place.assert_untouched();
        }
    }
}

#[test]
fn what_is_there_stays_unless_told_otherwise() {
    let place = Place::new();
    fs::write(place.to("a.txt"), "mine").unwrap();
    assert!(place.target.taken("a.txt") && !place.target.taken("b.txt"));
    let refused = place.finish(b"new", "a.txt", Existing::Refuse);
    assert_eq!(exists(refused), place.to("a.txt"));
    assert_eq!(
        fs::read(place.to(PARTIAL)).unwrap(),
        b"new",
        "it is there to try again"
    );

    let second = place.finish(b"two", "a.txt", Existing::Rename).unwrap();
    let third = place.finish(b"three", "a.txt", Existing::Rename).unwrap();
    assert_eq!(
        (second, third),
        (place.to("a (2).txt"), place.to("a (3).txt"))
    );
    assert_eq!(fs::read(place.to("a.txt")).unwrap(), b"mine");

    let path = place.finish(b"new", "a.txt", Existing::Overwrite).unwrap();
    assert_eq!(fs::read(path).unwrap(), b"new");
    place.finish(b"b", "b", Existing::Overwrite).unwrap();
    assert_eq!(place.names(), ["a (2).txt", "a (3).txt", "a.txt", "b"]);
}

#[test]
fn only_a_regular_file_is_overwritten() {
    type Plant = fn(&Place);
    let plants: [Plant; 5] = [
        |place| symlink(place.victim(), place.to("x")).unwrap(),
        |place| symlink(place.home.path().join("new"), place.to("x")).unwrap(),
        |place| fs::create_dir(place.to("x")).unwrap(),
        |place| mkfifoat(CWD, place.to("x"), Mode::RWXU).unwrap(),
        |place| symlink(place.home.path(), place.to("x")).unwrap(),
    ];
    for plant in plants {
        let place = Place::new();
        plant(&place);
        let before = fs::symlink_metadata(place.to("x")).unwrap().ino();
        assert!(place.target.taken("x"));
        for existing in [Existing::Refuse, Existing::Overwrite] {
            assert_eq!(exists(place.finish(b"evil", "x", existing)), place.to("x"));
        }
        let path = place.finish(b"evil", "x", Existing::Rename).unwrap();
        assert_eq!(path, place.to("x (2)"));
        assert_eq!(fs::symlink_metadata(place.to("x")).unwrap().ino(), before);
        assert!(!place.home.path().join("new").exists());
        place.assert_untouched();
    }
}

#[test]
fn a_name_that_is_a_path_is_refused() {
    let place = Place::new();
    for name in [
        "../victim",
        "..",
        ".",
        "",
        "/etc/x",
        "a/b",
        "a\0",
        &"x".repeat(256),
    ] {
        assert!(place.target.taken(name), "{name:?}");
        for existing in [Existing::Refuse, Existing::Rename, Existing::Overwrite] {
            let refused = place.finish(b"evil", name, existing);
            assert!(
                matches!(refused, Err(TargetError::Hostile { .. })),
                "{name:?}"
            );
        }
    }
    place.assert_untouched();
    assert_eq!(place.names(), [PARTIAL]);
}

#[test]
fn a_target_that_was_replaced_is_noticed_and_nothing_lands_elsewhere() {
    let place = Place::new();
    let elsewhere = place.home.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let mut partial = place.received(&[1; CHUNK_LEN]);
    fs::rename(place.to(""), place.home.path().join("was")).unwrap();
    symlink(&elsewhere, place.home.path().join("to")).unwrap();
    partial.append(b"rest", true).unwrap();
    for shape in [Shape::File, Shape::Pipe] {
        let refused = place.target.finish(&partial, "a", shape, Existing::Refuse);
        assert!(matches!(refused, Err(TargetError::Moved { path }) if path == place.to("")));
    }
    assert_eq!(fs::read_dir(elsewhere).unwrap().count(), 0);
    let kept = place.home.path().join("was").join(PARTIAL);
    assert_eq!(fs::metadata(kept).unwrap().len(), CHUNK_LEN as u64 + 4);
}

#[test]
fn a_directory_arrives_as_a_whole_and_as_it_was() {
    let place = Place::new();
    let tree = place.home.path().join("tree");
    fs::create_dir_all(tree.join("sub/empty")).unwrap();
    fs::write(tree.join(".hidden"), "h").unwrap();
    fs::write(tree.join("sub/run"), vec![7; 3 * CHUNK_LEN]).unwrap();
    fs::set_permissions(tree.join("sub/run"), fs::Permissions::from_mode(0o755)).unwrap();
    let stream = stream_of(&tree);

    let partial = place.received(&stream);
    let path = place
        .target
        .finish(&partial, "v1.2", Shape::Directory, Existing::Refuse)
        .unwrap();
    assert_eq!(path, place.to("v1.2"));
    assert_eq!(place.names(), ["v1.2"]);
    assert_eq!(stream_of(&path), stream, "names, sizes, times and contents");
    assert_eq!(
        fs::metadata(path.join("sub/run")).unwrap().mode() & 0o7777,
        0o600
    );

    for existing in [Existing::Refuse, Existing::Overwrite] {
        let partial = place.received(&stream);
        let refused = place
            .target
            .finish(&partial, "v1.2", Shape::Directory, existing);
        assert_eq!(exists(refused), path);
        assert_eq!(place.names(), [PARTIAL, "v1.2"]);
        place.target.discard(ID).unwrap();
    }
    let partial = place.received(&stream);
    let second = place
        .target
        .finish(&partial, "v1.2", Shape::Directory, Existing::Rename)
        .unwrap();
    assert_eq!(second, place.to("v1.2 (2)"));
    assert_eq!(place.names(), ["v1.2", "v1.2 (2)"]);
}

#[test]
fn a_refused_directory_leaves_what_came_and_nothing_else() {
    let place = Place::new();
    let tree = place.home.path().join("tree");
    fs::create_dir_all(tree.join("a/b/c")).unwrap();
    fs::write(tree.join("a/b/file"), "x").unwrap();
    let mut stream = stream_of(&tree);
    stream.push(0);
    let partial = place.received(&stream);
    let refused = place
        .target
        .finish(&partial, "tree", Shape::Directory, Existing::Refuse);
    assert!(matches!(refused, Err(TargetError::Hostile { .. })));
    assert_eq!(place.names(), [PARTIAL]);
}

#[test]
fn what_a_crash_left_is_removed_and_what_others_planted_is_not() {
    let place = Place::new();
    let tree = place.home.path().join("tree");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("file"), "x").unwrap();
    let stream = stream_of(&tree);
    let finish = |place: &Place| {
        let partial = place.received(&stream);
        place
            .target
            .finish(&partial, "tree", Shape::Directory, Existing::Refuse)
    };

    fs::create_dir_all(place.to(STAGING).join("left/over")).unwrap();
    fs::write(place.to(STAGING).join("left/file"), "x").unwrap();
    symlink(place.home.path(), place.to(STAGING).join("left/link")).unwrap();
    let path = finish(&place).unwrap();
    assert_eq!(stream_of(&path), stream);
    assert_eq!(place.names(), ["tree"]);
    place.assert_untouched();

    type Plant = fn(&Place);
    let plants: [Plant; 3] = [
        |place| symlink(place.home.path(), place.to(STAGING)).unwrap(),
        |place| fs::write(place.to(STAGING), "theirs").unwrap(),
        |place| {
            fs::create_dir(place.to(STAGING)).unwrap();
            fs::set_permissions(place.to(STAGING), fs::Permissions::from_mode(0o777)).unwrap();
        },
    ];
    for plant in plants {
        let place = Place::new();
        plant(&place);
        assert_eq!(planted(finish(&place)), place.to(STAGING));
        assert_eq!(place.names(), [STAGING, PARTIAL]);
        place.assert_untouched();
    }
}

#[test]
fn what_the_vault_kept_is_put_where_it_should_be() {
    let place = Place::new();
    let bytes = vec![5; 2 * CHUNK_LEN];
    let import = |bytes: &[u8], len: usize, shape, existing| {
        let mut stream = bytes;
        place
            .target
            .import(&mut stream, len as u64, ID, "kept", shape, existing)
    };
    let path = import(&bytes, bytes.len(), Shape::File, Existing::Refuse).unwrap();
    assert!(fs::read(&path).unwrap() == bytes);
    let path = import(b"", 0, Shape::Pipe, Existing::Rename).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"");
    exists(import(&bytes, bytes.len(), Shape::File, Existing::Refuse));
    let short = import(&bytes, bytes.len() + 1, Shape::File, Existing::Rename);
    assert!(matches!(short, Err(TargetError::Read(_))));
    assert_eq!(
        place.names(),
        ["kept", "kept (2)"],
        "no failure leaves anything"
    );

    let tree = place.home.path().join("tree");
    fs::create_dir_all(tree.join("sub")).unwrap();
    let stream = stream_of(&tree);
    let path = import(&stream, stream.len(), Shape::Directory, Existing::Rename).unwrap();
    assert_eq!(path, place.to("kept (3)"));
    assert_eq!(stream_of(&path), stream);
}

#[test]
fn without_flags_for_renaming_nothing_is_replaced_either() {
    let place = Place::new();
    let rename = |from, to, directory| place.target.rename_without_flags(from, to, directory);
    fs::write(place.to("new"), "new").unwrap();
    fs::write(place.to("old"), "old").unwrap();
    symlink("old", place.to("link")).unwrap();
    assert_eq!(rename("new", "old", false), Err(Errno::EXIST));
    assert_eq!(rename("new", "link", false), Err(Errno::EXIST));
    rename("new", "free", false).unwrap();
    assert_eq!(fs::read(place.to("old")).unwrap(), b"old");
    assert_eq!(place.names(), ["free", "link", "old"]);

    fs::create_dir_all(place.to("fresh/sub")).unwrap();
    fs::create_dir(place.to("empty")).unwrap();
    for taken in ["empty", "old", "link"] {
        assert_eq!(rename("fresh", taken, true), Err(Errno::EXIST));
    }
    rename("fresh", "tree", true).unwrap();
    assert!(place.to("tree/sub").is_dir());
}

#[test]
fn a_target_must_be_a_directory() {
    let place = Place::new();
    for path in [place.victim(), place.home.path().join("gone")] {
        let error = Target::open(&path).err().unwrap();
        assert!(matches!(&error, TargetError::Io { path: named, .. } if *named == path));
    }
    assert!(!place.home.path().join("gone").exists());
}

/// A file system of 1 MiB.
struct Small(PathBuf);

impl Small {
    fn mount(at: PathBuf) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m,mode=0700", "none"])
            .arg(&at)
            .status()
            .is_ok_and(|status| status.success());
        mounted.then_some(Self(at))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_told_apart_and_leaves_no_half() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let at = home.path().join("small");
    fs::create_dir(&at).unwrap();
    let Some(_small) = Small::mount(at.clone()) else {
        println!("skipped: needs tmpfs");
        return;
    };
    let target = Target::open(&at).unwrap();
    let free = space::free(&at).unwrap();
    assert!((512 << 10..=1 << 20).contains(&free), "{free}");

    // A partial: what did not fit does not count, and the rest fits once there is room.
    let filler = at.join("filler");
    fs::write(&filler, vec![0; (free - 100_000) as usize]).unwrap();
    let mut partial = target.partial(ID).unwrap();
    partial.append(&[1; CHUNK_LEN], false).unwrap();
    let error = partial.append(&[2; CHUNK_LEN], false).unwrap_err();
    assert!(space::is_full(&error), "{error}");
    assert_eq!(partial.len(), CHUNK_LEN as u64);
    assert_eq!(
        fs::metadata(at.join(PARTIAL)).unwrap().len(),
        CHUNK_LEN as u64
    );
    fs::remove_file(&filler).unwrap();
    partial.append(&[2; CHUNK_LEN], true).unwrap();
    let path = target
        .finish(&partial, "a", Shape::File, Existing::Refuse)
        .unwrap();
    assert_eq!(
        fs::read(&path).unwrap(),
        [[1; CHUNK_LEN], [2; CHUNK_LEN]].concat()
    );
    fs::remove_file(path).unwrap();
    drop(partial);

    // A directory whose stream fits and whose files do not fit beside it.
    let tree = home.path().join("tree");
    fs::create_dir(&tree).unwrap();
    for name in ["a", "b", "c"] {
        fs::write(tree.join(name), vec![3; 200_000]).unwrap();
    }
    let stream = stream_of(&tree);
    let mut partial = target.partial(ID).unwrap();
    for chunk in stream.chunks(CHUNK_LEN) {
        partial.append(chunk, chunk.len() < CHUNK_LEN).unwrap();
    }
    let full = target.finish(&partial, "tree", Shape::Directory, Existing::Refuse);
    assert!(matches!(full, Err(TargetError::Full { .. })));
    let left: Vec<_> = fs::read_dir(&at)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, [PARTIAL]);

    // From the vault, the same, and nothing at all is left.
    drop(partial);
    target.discard(ID).unwrap();
    fs::write(&filler, vec![0; (free - 100_000) as usize]).unwrap();
    let bytes = vec![4; 300_000];
    for shape in [Shape::File, Shape::Directory] {
        let (bytes, shape) = match shape {
            Shape::Directory => (&stream, shape),
            other => (&bytes, other),
        };
        let full = target.import(
            &mut &bytes[..],
            bytes.len() as u64,
            ID,
            "x",
            shape,
            Existing::Refuse,
        );
        assert!(matches!(full, Err(TargetError::Full { .. })));
    }
    assert_eq!(fs::read_dir(&at).unwrap().count(), 1);
}

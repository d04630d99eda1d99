use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::PathBuf;

use proptest::prelude::*;
use rustix::fs::{CWD, openat};
use tempfile::TempDir;

use super::*;
use crate::files::entry::MAX_ENTRIES;

/// A place to unpack in, beside something that must not change.
struct Place {
    home: TempDir,
    root: OwnedFd,
    at: PathBuf,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let at = home.path().join("root");
        fs::create_dir(&at).unwrap();
        fs::create_dir(home.path().join("outside")).unwrap();
        fs::write(home.path().join("outside/file"), "theirs").unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, &at, flags, Mode::empty()).unwrap();
        Self { home, root, at }
    }

    fn outside(&self) -> PathBuf {
        self.home.path().join("outside")
    }

    fn unpack(&self, stream: &[u8]) -> Result<(), TargetError> {
        let len = stream.len() as u64;
        unpack(&mut { stream }, len, &self.root, &self.at, MAX_ENTRIES)
    }

    /// Unpacks `before`, then lets `act` happen, then unpacks the rest.
    fn unpack_around(
        &self,
        before: &[u8],
        act: impl FnMut(),
        after: &[u8],
    ) -> Result<(), TargetError> {
        let len = (before.len() + after.len()) as u64;
        let mut stream = Interrupted { before, act, after };
        unpack(&mut stream, len, &self.root, &self.at, MAX_ENTRIES)
    }

    fn assert_nothing_outside(&self) {
        let mut names: Vec<_> = fs::read_dir(self.home.path())
            .unwrap()
            .chain(fs::read_dir(self.outside()).unwrap())
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["file", "outside", "root"]);
        assert_eq!(fs::read(self.outside().join("file")).unwrap(), b"theirs");
    }
}

struct Interrupted<'a, F> {
    before: &'a [u8],
    act: F,
    after: &'a [u8],
}

impl<F: FnMut()> Read for Interrupted<'_, F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !self.before.is_empty() {
            return self.before.read(buf);
        }
        (self.act)();
        self.after.read(buf)
    }
}

/// Headers and contents, without the end: `None` is a directory.
fn part(entries: &[(&str, Option<&str>)]) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut header = Vec::new();
    for (path, contents) in entries {
        let entry = match contents {
            None => Entry::Directory { path },
            Some(text) => Entry::File {
                path,
                size: text.len() as u64,
                mtime: 1_000_000_000,
            },
        };
        entry.write(&mut header);
        stream.extend_from_slice(&header);
        stream.extend_from_slice(contents.unwrap_or_default().as_bytes());
    }
    stream
}

fn whole(entries: &[(&str, Option<&str>)]) -> Vec<u8> {
    [part(entries), vec![0, 0]].concat()
}

fn hostile_name(result: Result<(), TargetError>) -> String {
    match result {
        Err(TargetError::Hostile { name, .. }) => name,
        Err(other) => panic!("{other}"),
        Ok(()) => panic!("a hostile stream was unpacked"),
    }
}

#[test]
fn a_stream_becomes_files_that_only_we_can_read_and_nobody_can_run() {
    let place = Place::new();
    let stream = whole(&[
        (".profile", Some("a")),
        ("-rf", Some("")),
        ("bin", None),
        ("bin/run.sh", Some("#!/bin/sh")),
        ("bin/empty", None),
        ("z.", Some("last")),
    ]);
    place.unpack(&stream).unwrap();
    assert_eq!(fs::read(place.at.join("bin/run.sh")).unwrap(), b"#!/bin/sh");
    assert_eq!(fs::read(place.at.join(".profile")).unwrap(), b"a");
    assert_eq!(fs::read(place.at.join("z.")).unwrap(), b"last");
    let mode = |path: &str| fs::metadata(place.at.join(path)).unwrap().mode() & 0o7777;
    for (path, expected) in [
        ("bin", 0o700),
        ("bin/empty", 0o700),
        ("bin/run.sh", 0o600),
        ("-rf", 0o600),
    ] {
        assert_eq!(mode(path), expected, "{path}");
    }
    assert_eq!(
        fs::metadata(place.at.join("z.")).unwrap().mtime(),
        1_000_000_000
    );
}

#[test]
fn no_path_leads_out() {
    for path in [
        "../x",
        "..",
        "/etc/x",
        "/",
        "a/../../b",
        "a/..",
        "./a",
        "a//b",
        "a/",
        "",
        "a\0b",
        &"x".repeat(256),
        &["d"; MAX_DEPTH + 1].join("/"),
        &"d/".repeat(3000),
    ] {
        let place = Place::new();
        let hostile = hostile_name(place.unpack(&whole(&[("a", None), (path, Some("evil"))])));
        assert_eq!(hostile, path);
        assert_eq!(hostile_name(place.unpack(&whole(&[(path, None)]))), path);
        place.assert_nothing_outside();
    }
    // What means something elsewhere is a plain name here.
    let place = Place::new();
    place
        .unpack(&whole(&[
            ("C:\\", Some("")),
            ("NUL", Some("")),
            ("..\\x", Some("")),
        ]))
        .unwrap();
    place.assert_nothing_outside();
    assert!(place.at.join("..\\x").is_file());
}

#[test]
fn controls_in_names_do_not_reach_the_disk() {
    let place = Place::new();
    place
        .unpack(&whole(&[
            ("a\nb", None),
            ("a\nb/\u{1b}[2J\u{202e}", Some("x")),
        ]))
        .unwrap();
    assert!(place.at.join("a_b/_[2J_").is_file());
}

#[test]
fn a_name_that_comes_twice_refuses_the_whole() {
    for twins in [
        [("a", Some("1")), ("a", Some("2"))],
        [("a", None), ("a", None)],
        [("a", Some("1")), ("a", None)],
        [("a", None), ("a", Some("2"))],
        [("a\n", Some("1")), ("a\r", Some("2"))],
    ] {
        let place = Place::new();
        let name = hostile_name(place.unpack(&whole(&twins)));
        assert!(matches!(name.as_str(), "a" | "a_"), "{name}");
    }
    // Both normal forms are two names to Linux: neither takes the other's place.
    let place = Place::new();
    place
        .unpack(&whole(&[("\u{e9}", Some("1")), ("e\u{301}", Some("2"))]))
        .unwrap();
    assert_eq!(fs::read(place.at.join("\u{e9}")).unwrap(), b"1");
    assert_eq!(fs::read(place.at.join("e\u{301}")).unwrap(), b"2");
}

#[test]
fn an_entry_lies_in_a_directory_that_came_before() {
    for stream in [
        whole(&[("a/b", Some("x"))]),
        whole(&[("a", Some("x")), ("a/b", Some("y"))]),
        whole(&[("a/b", Some("x")), ("a", None)]),
    ] {
        let place = Place::new();
        assert_eq!(hostile_name(place.unpack(&stream)), "a/b");
    }
}

#[test]
fn a_size_that_lies_ends_it() {
    let mut more = Vec::new();
    let lie = |size| Entry::File {
        path: "a",
        size,
        mtime: 0,
    };
    lie(5).write(&mut more);
    more.extend_from_slice(b"\0\0");
    assert_eq!(hostile_name(Place::new().unpack(&more)), "a");

    lie(u64::MAX).write(&mut more);
    let place = Place::new();
    assert_eq!(hostile_name(place.unpack(&more)), "a");
    assert!(
        !place.at.join("a").exists(),
        "no file was made as large as it was said to be"
    );

    let mut less = Vec::new();
    lie(1).write(&mut less);
    less.extend_from_slice(b"xyz\0\0");
    assert_eq!(hostile_name(Place::new().unpack(&less)), "a");
}

#[test]
fn a_stream_ends_where_it_says_and_nowhere_else() {
    let stream = whole(&[("a", Some("x")), ("b", None)]);
    assert!(Place::new().unpack(&stream).is_ok());
    for len in 0..stream.len() {
        assert!(
            matches!(
                Place::new().unpack(&stream[..len]),
                Err(TargetError::Hostile { .. })
            ),
            "cut at {len}"
        );
    }
    let longer = [&stream[..], b"\0"].concat();
    assert_eq!(hostile_name(Place::new().unpack(&longer)), "b");
    // A reader that has less than it said is no fault of the peer.
    let place = Place::new();
    let short = unpack(
        &mut &stream[..9],
        stream.len() as u64,
        &place.root,
        &place.at,
        9,
    );
    assert!(matches!(short, Err(TargetError::Read(_))));
}

#[test]
fn there_is_a_most_of_entries() {
    let stream = whole(&[("a", Some("")), ("b", None), ("c", Some(""))]);
    let len = stream.len() as u64;
    let place = Place::new();
    let refused = unpack(&mut &stream[..], len, &place.root, &place.at, 2);
    assert_eq!(hostile_name(refused), "b");
    assert!(!place.at.join("c").exists());
    let place = Place::new();
    unpack(&mut &stream[..], len, &place.root, &place.at, 3).unwrap();
}

#[test]
fn a_directory_swapped_for_a_link_leads_nowhere() {
    let place = Place::new();
    let swap = || {
        fs::rename(place.at.join("sub"), place.at.join("moved")).unwrap();
        symlink(place.outside(), place.at.join("sub")).unwrap();
    };
    // Found again from the top, the link is noticed.
    let before = part(&[("sub", None), ("sub/a", Some("a")), ("b", Some("b"))]);
    let after = whole(&[("sub/file", Some("evil")), ("sub/new", Some("evil"))]);
    let refused = place.unpack_around(&before, swap, &after);
    assert!(matches!(refused, Err(TargetError::Planted { path }) if path.ends_with("sub")));
    place.assert_nothing_outside();

    // Still held open, the directory is the one that was made.
    let place = Place::new();
    let swap = || {
        fs::rename(place.at.join("sub"), place.at.join("moved")).unwrap();
        symlink(place.outside(), place.at.join("sub")).unwrap();
    };
    let before = part(&[("sub", None), ("sub/a", Some("a"))]);
    place.unpack_around(&before, swap, &after).unwrap();
    place.assert_nothing_outside();
    assert_eq!(fs::read(place.at.join("moved/file")).unwrap(), b"evil");
}

#[test]
fn a_link_planted_under_a_name_to_come_is_not_followed() {
    for entry in [("x", Some("evil")), ("x", None)] {
        let place = Place::new();
        let plant = || symlink(place.outside().join("file"), place.at.join("x")).unwrap();
        let before = part(&[("a", Some("a"))]);
        let refused = place.unpack_around(&before, plant, &whole(&[entry]));
        assert_eq!(hostile_name(refused), "x");
        place.assert_nothing_outside();
    }
    // Nor one to a file that does not exist yet.
    let place = Place::new();
    let plant = || symlink(place.outside().join("new"), place.at.join("x")).unwrap();
    let refused = place.unpack_around(&part(&[("a", None)]), plant, &whole(&[("x", Some(""))]));
    assert_eq!(hostile_name(refused), "x");
    place.assert_nothing_outside();
}

#[test]
fn contents_longer_than_the_buffer_come_through_whole() {
    let place = Place::new();
    let text = "0123456789abcdef".repeat(WINDOW / 10);
    let stream = whole(&[("a", Some(&text)), ("b", Some("b")), ("c", Some(&text))]);
    place.unpack(&stream).unwrap();
    for name in ["a", "c"] {
        assert!(fs::read(place.at.join(name)).unwrap() == text.as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_streams_neither_panic_nor_write_outside(
        paths in prop::collection::vec("(\\.\\.|[ab./\u{0}]|outside|file){0,6}", 1..8),
        flip in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let entries: Vec<_> = paths
            .iter()
            .enumerate()
            .map(|(n, path)| (path.as_str(), (n % 2 == 0).then_some("text")))
            .collect();
        let mut stream = whole(&entries);
        let place = Place::new();
        let _ = place.unpack(&stream);
        let at = flip.index(stream.len());
        stream[at] = byte;
        let _ = place.unpack(&stream);
        place.assert_nothing_outside();
    }
}

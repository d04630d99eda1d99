use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use rustix::fs::mkfifoat;
use tempfile::TempDir;

use super::*;
use crate::files::entry::Entry;

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn reopen(info: &SourceInfo) -> Result<Source, SourceError> {
    Source::open(&info.path, info.shape, info.stamp, info.size)
}

fn read_all(info: &SourceInfo, step: usize) -> Result<Vec<u8>, SourceError> {
    let mut source = reopen(info)?;
    let mut all = Vec::new();
    let mut buf = vec![0; step];
    loop {
        match source.read(&mut buf)? {
            0 => return Ok(all),
            read => all.extend_from_slice(&buf[..read]),
        }
    }
}

/// The stream, taken apart by its drawing: path and contents, `None` for a directory.
fn entries(mut stream: &[u8]) -> Vec<(String, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    loop {
        let (len, rest) = stream.split_first_chunk().unwrap();
        let len = usize::from(u16::from_be_bytes(*len));
        if len == 0 {
            assert!(rest.is_empty());
            return found;
        }
        let (header, rest) = rest.split_at(len);
        let (path, contents) = match Entry::read(header).unwrap() {
            Entry::Directory { path } => (path, None),
            Entry::File { path, size, .. } => (path, Some(size as usize)),
        };
        let (contents, rest) = match contents {
            Some(size) => (Some(rest[..size].to_vec()), &rest[size..]),
            None => (None, rest),
        };
        found.push((path.to_owned(), contents));
        stream = rest;
    }
}

fn changed(result: Result<impl Sized, SourceError>) -> PathBuf {
    match result {
        Err(SourceError::Changed { path }) => path,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the change was not noticed"),
    }
}

#[test]
fn a_file_is_read_as_it_is() {
    let home = home();
    let path = home.path().join(".a: b.txt");
    let bytes: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
    fs::write(&path, &bytes).unwrap();
    let info = inspect(&path).unwrap();
    assert_eq!((info.shape, info.size), (Shape::File, 200_000));
    assert_eq!(info.name, "_a_ b.txt");
    assert_eq!(info.path, path);
    assert_eq!(read_all(&info, 65_536).unwrap(), bytes);
    assert_eq!(read_all(&info, 77).unwrap(), bytes);
    let pipe = SourceInfo {
        shape: Shape::Pipe,
        ..info
    };
    assert_eq!(read_all(&pipe, 65_536).unwrap(), bytes);
}

#[test]
fn a_directory_is_its_entries_in_order_and_ends() {
    let home = home();
    let root = home.path().join("tree");
    for dir in ["", "b", "b/empty", "b/z"] {
        fs::create_dir(root.join(dir)).unwrap();
    }
    for (file, text) in [
        ("b/z/deep", "deep"),
        ("b-a", "sibling"),
        (".hidden", ""),
        ("b/y", "why"),
    ] {
        fs::write(root.join(file), text).unwrap();
    }
    let info = inspect(&root).unwrap();
    assert_eq!((info.shape, info.skipped_count), (Shape::Directory, 0));
    let stream = read_all(&info, 100_000).unwrap();
    assert_eq!(stream.len() as u64, info.size);
    let text = |text: &str| Some(text.as_bytes().to_vec());
    let expected = [
        (".hidden", text("")),
        ("b", None),
        ("b/empty", None),
        ("b/y", text("why")),
        ("b/z", None),
        ("b/z/deep", text("deep")),
        ("b-a", text("sibling")),
    ];
    assert_eq!(
        entries(&stream),
        expected.map(|(path, contents)| (path.to_owned(), contents))
    );
    for step in [1, 2, 3, 7, 64] {
        assert_eq!(read_all(&info, step).unwrap(), stream);
    }
}

#[test]
fn links_and_special_files_stay_here_and_are_counted() {
    let home = home();
    let outside = home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    let root = home.path().join("tree");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("plain"), "plain").unwrap();
    symlink(&outside, root.join("to-directory")).unwrap();
    symlink(outside.join("secret"), root.join("to-file")).unwrap();
    mkfifoat(CWD, root.join("pipe"), Mode::RWXU).unwrap();
    for number in 0..20 {
        symlink("nowhere", root.join(format!("link{number}"))).unwrap();
    }
    let info = inspect(&root).unwrap();
    let found = entries(&read_all(&info, 4096).unwrap());
    assert_eq!(found, [("plain".to_owned(), Some(b"plain".to_vec()))]);
    assert_eq!((info.skipped_count, info.skipped.len()), (23, 16));
    assert!(info.skipped.iter().all(|path| path.starts_with(&root)));
}

#[test]
fn a_link_that_was_named_is_followed_and_a_pipe_is_refused_at_once() {
    let home = home();
    fs::write(home.path().join("file"), "x").unwrap();
    symlink("file", home.path().join("link")).unwrap();
    let info = inspect(&home.path().join("link")).unwrap();
    assert_eq!((info.name.as_str(), info.size), ("link", 1));
    let pipe = home.path().join("pipe");
    mkfifoat(CWD, &pipe, Mode::RWXU).unwrap();
    assert!(matches!(inspect(&pipe), Err(SourceError::Kind { path }) if path == pipe));
    assert!(matches!(
        inspect(Path::new("/dev/zero")),
        Err(SourceError::Kind { .. })
    ));
    let gone = inspect(&home.path().join("gone")).err().unwrap();
    assert!(gone.to_string().contains("gone: No such file"), "{gone}");
}

#[test]
fn the_directory_that_one_stands_in_has_a_name() {
    let info = inspect(Path::new("src/..")).unwrap();
    let here = std::env::current_dir().unwrap();
    assert_eq!(info.path, here);
    assert_eq!(info.name, here.file_name().unwrap().to_str().unwrap());
}

#[test]
fn any_change_of_a_file_is_noticed_when_it_is_opened_again() {
    let home = home();
    let path = home.path().join("file");
    let other = home.path().join("other");
    type Change = fn(&Path, &Path);
    let changes: [(&str, Change); 6] = [
        ("longer", |path, _| {
            fs::OpenOptions::new()
                .append(true)
                .open(path)
                .and_then(|mut file| std::io::Write::write_all(&mut file, b"!"))
                .unwrap();
        }),
        ("as long, with the old time", |path, _| {
            let time = fs::metadata(path).unwrap().modified().unwrap();
            fs::write(path, "5678").unwrap();
            fs::File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(time)
                .unwrap();
        }),
        ("another file in its place", |path, other| {
            fs::write(other, "1234").unwrap();
            fs::rename(other, path).unwrap();
        }),
        ("gone", |path, _| fs::remove_file(path).unwrap()),
        ("a directory", |path, _| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("a pipe", |path, _| {
            fs::remove_file(path).unwrap();
            mkfifoat(CWD, path, Mode::RWXU).unwrap();
        }),
    ];
    for (what, change) in changes {
        let _ = fs::remove_dir(&path);
        let _ = fs::remove_file(&path);
        fs::write(&path, "1234").unwrap();
        let info = inspect(&path).unwrap();
        assert_eq!(read_all(&info, 9).unwrap(), b"1234");
        // The kernel's clock has to move on for two writes to differ.
        std::thread::sleep(Duration::from_millis(15));
        change(&path, &other);
        assert_eq!(changed(reopen(&info)), path, "{what}");
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_ends_the_stream() {
    let home = home();
    let path = home.path().join("file");
    for size in [20, 5, 10] {
        fs::write(&path, [1; 10]).unwrap();
        let info = inspect(&path).unwrap();
        let mut source = reopen(&info).unwrap();
        assert_eq!(source.read(&mut [0; 4]).unwrap(), 4);
        std::thread::sleep(Duration::from_millis(15));
        fs::write(&path, vec![2; size]).unwrap();
        assert_eq!(changed(source.read(&mut [0; 4])), path);
    }
}

#[test]
fn any_change_of_a_directory_is_noticed_when_it_is_opened_again() {
    let home = home();
    let root = home.path().join("tree");
    let changes: [fn(&Path); 5] = [
        |root| fs::write(root.join("sub/new"), "").unwrap(),
        |root| fs::create_dir(root.join("new")).unwrap(),
        |root| fs::remove_file(root.join("sub/file")).unwrap(),
        |root| fs::rename(root.join("sub"), root.join("sup")).unwrap(),
        |root| {
            let file = fs::File::options().write(true).open(root.join("sub/file"));
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
            file.unwrap().set_modified(time).unwrap();
        },
    ];
    for change in changes {
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(root.join("sub/file"), "1234").unwrap();
        let info = inspect(&root).unwrap();
        assert_eq!(read_all(&info, 99).unwrap().len() as u64, info.size);
        change(&root);
        assert_eq!(changed(reopen(&info)), root);
    }
}

#[test]
fn a_directory_that_changes_while_it_is_read_ends_the_stream() {
    let home = home();
    let outside = home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "secret").unwrap();
    let root = home.path().join("tree");
    type Change = fn(&Path, &Path);
    let changes: [(Change, &str); 4] = [
        (
            |root, _| fs::write(root.join("z/file"), "longer than it was").unwrap(),
            "z/file",
        ),
        (
            |root, _| fs::remove_file(root.join("z/file")).unwrap(),
            "z/file",
        ),
        (
            |root, outside| {
                fs::remove_file(root.join("z/file")).unwrap();
                symlink(outside.join("file"), root.join("z/file")).unwrap();
            },
            "z/file",
        ),
        (
            |root, outside| {
                fs::rename(root.join("z"), root.join("y")).unwrap();
                symlink(outside, root.join("z")).unwrap();
            },
            "z",
        ),
    ];
    for (change, place) in changes {
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("z")).unwrap();
        fs::write(root.join("a"), "first").unwrap();
        fs::write(root.join("z/file"), "second").unwrap();
        let info = inspect(&root).unwrap();
        let mut source = reopen(&info).unwrap();
        assert_eq!(source.read(&mut [0; 5]).unwrap(), 5);
        change(&root, &outside);
        let rest = source.read(&mut [0; 1000]);
        assert_eq!(changed(rest), root.join(place));
    }
}

#[test]
fn what_is_too_much_or_too_deep_or_has_no_name_is_refused_by_name() {
    let home = home();
    let root = home.path().join("tree");
    fs::create_dir(&root).unwrap();
    for number in 0..4 {
        fs::write(root.join(number.to_string()), "").unwrap();
    }
    assert!(inspect_within(&root, 4).is_ok());
    let many = inspect_within(&root, 3).err().unwrap();
    assert!(matches!(&many, SourceError::TooMany { path, limit: 3 } if *path == root));

    let mut deep = root.clone();
    for _ in 0..MAX_DEPTH - 1 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    assert!(inspect(&root).is_ok());
    fs::create_dir_all(deep.join("d/d")).unwrap();
    assert!(matches!(inspect(&root), Err(SourceError::Deep { .. })));
    fs::remove_dir_all(root.join("d")).unwrap();

    let odd = root.join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    fs::write(&odd, "").unwrap();
    assert!(matches!(inspect(&root), Err(SourceError::Name { .. })));
    assert!(matches!(inspect(&odd), Err(SourceError::Name { path }) if path == odd));
}

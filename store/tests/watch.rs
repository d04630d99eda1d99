//! A program under watch: every change that it makes to its disk, in order, and what it says.
//!
//! `watch/watch.c` does the watching, `watch/disk.rs` keeps the disk that a power cut leaves.

#![allow(dead_code, clippy::unwrap_used, clippy::print_stderr)]

#[path = "watch/disk.rs"]
pub(crate) mod disk;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// What is done to the program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    /// Nothing.
    Record,
    /// It is killed instead of its n-th change.
    Kill(u64),
    /// Its n-th change fails, once.
    Fail(u64, Errno),
    /// Its n-th change and every later one fails.
    From(u64, Errno),
}

/// What a change fails with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Errno {
    /// EIO: a disk that breaks.
    Broken = 5,
    /// ENOSPC: a disk that is full.
    Full = 28,
    /// EROFS: a disk that the kernel made read-only after an error.
    ReadOnly = 30,
}

/// One change, or one thing said. Paths are below the root, with a slash in front.
#[derive(Debug, PartialEq)]
pub(crate) enum Change {
    Create { inode: u64, path: String },
    Directory { inode: u64, path: String },
    Write { inode: u64, at: u64, data: Vec<u8> },
    Length { inode: u64, len: u64 },
    Sync { inode: u64 },
    Rename { from: String, to: String },
    Exchange { one: String, other: String },
    Link { inode: u64, path: String },
    Unlink { path: String },
    Said { text: String },
}

/// What a watched program did.
pub(crate) struct Watched {
    /// Its exit status, 128 + n if signal n ended it.
    pub(crate) code: i32,
    pub(crate) changes: Vec<Change>,
    /// How many changes it tried to make; those that failed and the one it died at count.
    pub(crate) tried: u64,
    /// What it wrote to stderr.
    pub(crate) complaints: String,
}

impl Watched {
    /// Whether it was killed.
    pub(crate) fn killed(&self) -> bool {
        self.code == 128 + 9
    }

    /// Everything it said.
    pub(crate) fn said(&self) -> String {
        let said = self.changes.iter().filter_map(|change| match change {
            Change::Said { text } => Some(text.as_str()),
            _ => None,
        });
        said.collect()
    }
}

/// Whether programs can be watched here; if not, says what is missing.
pub(crate) fn possible() -> bool {
    match watcher() {
        Ok(_) => true,
        Err(missing) => {
            eprintln!("skipped: needs {missing}");
            false
        }
    }
}

/// Runs `program` and watches what it does below `root`.
pub(crate) fn watch(mode: Mode, root: &Path, program: &Command) -> Watched {
    run(watcher().as_ref().unwrap(), mode, root, program)
}

fn run(watcher: &Path, mode: Mode, root: &Path, program: &Command) -> Watched {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(watcher);
    match mode {
        Mode::Record => command.arg("record"),
        Mode::Kill(n) => command.arg("kill").arg(n.to_string()),
        Mode::Fail(n, errno) | Mode::From(n, errno) => command
            .arg(if matches!(mode, Mode::Fail(..)) {
                "fail"
            } else {
                "from"
            })
            .arg(n.to_string())
            .arg((errno as i32).to_string()),
    };
    command.arg(root).arg(log.path()).arg("--");
    command.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(dir) = program.get_current_dir() {
        command.current_dir(dir);
    }
    let done = command.stdin(Stdio::null()).output().unwrap();
    let complaints = String::from_utf8_lossy(&done.stderr).into_owned();
    let code = done.status.code().unwrap_or(125);
    assert!(code != 125, "the watcher failed: {complaints}");
    let (changes, tried) = parse(&std::fs::read(log.path()).unwrap());
    Watched {
        code,
        changes,
        tried,
        complaints,
    }
}

/// Compiles the watcher, once per test program, and tries it.
fn watcher() -> &'static Result<PathBuf, String> {
    static WATCHER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    WATCHER.get_or_init(|| {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return Err("Linux on x86-64".to_owned());
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/watch/watch.c");
        let source = if source.is_file() {
            source
        } else {
            // From the tests of another package.
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/tests/watch/watch.c")
        };
        let built =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("watch-{}", std::process::id()));
        let compiled = Command::new("cc")
            .args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&built)
            .arg(&source)
            .output()
            .map_err(|_| "cc".to_owned())?;
        assert!(
            compiled.status.success(),
            "{}",
            String::from_utf8_lossy(&compiled.stderr)
        );
        let root = tempfile::tempdir().unwrap();
        let log = root.path().join("log");
        let tried = Command::new(&built)
            .arg("record")
            .arg(root.path())
            .arg(&log)
            .args(["--", "true"])
            .output()
            .unwrap();
        if tried.status.success() {
            Ok(built)
        } else {
            Err("ptrace".to_owned())
        }
    })
}

fn parse(log: &[u8]) -> (Vec<Change>, u64) {
    let mut rest = log;
    let mut changes = Vec::new();
    loop {
        let kind = take(&mut rest, 1)[0];
        let inode = u64::from_le_bytes(take(&mut rest, 8).try_into().unwrap());
        let number = u64::from_le_bytes(take(&mut rest, 8).try_into().unwrap());
        let first = field(&mut rest);
        let second = field(&mut rest);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let path = text(first);
        changes.push(match kind {
            b'C' => Change::Create { inode, path },
            b'M' => Change::Directory { inode, path },
            b'W' => Change::Write {
                inode,
                at: number,
                data: first.to_vec(),
            },
            b'T' => Change::Length { inode, len: number },
            b'S' => Change::Sync { inode },
            b'X' => Change::Exchange {
                one: path,
                other: text(second),
            },
            b'R' => Change::Rename {
                from: path,
                to: text(second),
            },
            b'L' => Change::Link { inode, path },
            b'U' | b'D' => Change::Unlink { path },
            b'A' => Change::Said { text: path },
            b'E' => {
                assert!(rest.is_empty());
                return (changes, number);
            }
            other => panic!("no such change: {other}"),
        });
    }
}

fn field<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let len = u32::from_le_bytes(take(rest, 4).try_into().unwrap());
    take(rest, len as usize)
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(len);
    *rest = left;
    taken
}

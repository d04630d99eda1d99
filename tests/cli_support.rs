//! Running the real binary in a directory of its own, with nothing inherited
//! that could lead it elsewhere.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A directory with room for a home, gone when dropped.
pub(crate) struct Place {
    dir: tempfile::TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code.
    pub(crate) code: i32,
    /// What stood on stdout.
    pub(crate) stdout: String,
    /// What stood on stderr.
    pub(crate) stderr: String,
}

impl Place {
    /// An empty place.
    pub(crate) fn new() -> Place {
        Place {
            dir: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The binary, about to run here under `--home home`.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = bare(self.dir.path());
        command.arg("--home").arg(self.path("home")).args(words);
        command
    }

    /// Runs it with nothing on stdin.
    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        ended(
            self.command(words)
                .stdin(Stdio::null())
                .output()
                .expect("run"),
        )
    }

    /// Runs it with `input` on stdin.
    pub(crate) fn run_with(&self, words: &[&str], input: &[u8]) -> Ended {
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("spawn");
        // A child that refuses its arguments never reads.
        let _ = child.stdin.take().expect("stdin").write_all(input);
        ended(child.wait_with_output().expect("wait"))
    }
}

impl Ended {
    /// The last line of stdout as JSON.
    pub(crate) fn last(&self) -> Value {
        let line = self.stdout.lines().last().expect("a line on stdout");
        serde_json::from_str(line).expect("a JSON line")
    }

    /// Checks the exit code, and says all if it is another.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Ended {
        assert_eq!(self.code, expected, "{self:#?}");
        self
    }
}

/// The binary without any argument, in `dir`.
pub(crate) fn bare(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solo2"));
    command
        .current_dir(dir)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", dir)
        .env("LANG", "C.UTF-8");
    command
}

fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code().expect("an exit code"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
    }
}

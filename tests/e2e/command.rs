//! Commands as a script meets them: run to the end, or read as they go.
//!
//! Every line that a command prints under `--json` is checked here for the
//! form that all share, so that no test has to.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal as Kill, kill_process};
use serde_json::Value;

use crate::world::{contains, knob};

/// What no command may exceed, however slow the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How a command ended.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
    what: String,
}

impl Done {
    /// It must have ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Done {
        assert_eq!(self.code, code, "exit code of {self}");
        self
    }

    /// It must have ended with 0.
    #[track_caller]
    pub(crate) fn ok(self) -> Done {
        self.exits(0)
    }

    /// A failure as people should meet it: what, and what to do about it.
    #[track_caller]
    pub(crate) fn advises(self) -> Done {
        let last_error = self
            .stdout
            .starts_with(b"{")
            .then(|| self.last_event())
            .filter(|event| event["type"] == "error");
        match last_error {
            Some(error) => {
                assert_eq!(error["exit"], self.code, "{self}");
                assert!(
                    error["message"]
                        .as_str()
                        .is_some_and(|text| !text.is_empty()),
                    "{self}"
                );
                assert!(
                    error["hint"].as_str().is_some_and(|text| !text.is_empty()),
                    "{self}"
                );
            }
            None => {
                assert!(self.stderr.contains("solo2: "), "what failed: {self}");
                assert!(self.stderr.contains("hint: "), "what to do: {self}");
            }
        }
        self
    }

    /// A word that must be said, on stderr or in the JSON error.
    #[track_caller]
    pub(crate) fn says(self, word: &str) -> Done {
        let said = self.stderr.contains(word) || contains(&self.stdout, word.as_bytes());
        assert!(said, "{word:?} is said by {self}");
        self
    }

    /// The JSON lines of stdout; each must have the common form.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        self.text().lines().map(event).collect()
    }

    /// The last JSON line of stdout.
    #[track_caller]
    pub(crate) fn last_event(&self) -> Value {
        self.events()
            .pop()
            .unwrap_or_else(|| panic!("a last line of {self}"))
    }

    /// Stdout as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("stdout is UTF-8")
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stdout = String::from_utf8_lossy(&self.stdout);
        let cut = stdout
            .char_indices()
            .nth(2000)
            .map_or(stdout.len(), |at| at.0);
        write!(
            f,
            "`{}` -> {} in {:?}\nstdout: {}\nstderr: {}",
            self.what,
            self.code,
            self.took,
            &stdout[..cut],
            self.stderr
        )
    }
}

/// One JSON line: `v` and `type` stand first, and nothing in it is raw that a
/// terminal obeys.
#[track_caller]
pub(crate) fn event(line: &str) -> Value {
    assert!(
        line.starts_with(r#"{"v":1,"type":""#),
        "v and type stand first: {line}"
    );
    assert!(
        !line.chars().any(char::is_control),
        "no raw control: {line:?}"
    );
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// As a shell gives it.
fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap()
}

/// Waits for a child; none if it did not end, and then it is killed.
fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() > until {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs a command to its end.
pub(crate) fn finish(mut command: Command, stdin: Option<&[u8]>, patience: Duration) -> Done {
    let what = format!("{:?}", command.get_args().collect::<Vec<_>>());
    let begun = Instant::now();
    let mut child = command
        .stdin(if stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut err = child.stderr.take().unwrap();
    let stdout = thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).map(|_| bytes)
    });
    let stderr = thread::spawn(move || {
        let mut bytes = Vec::new();
        err.read_to_end(&mut bytes).map(|_| bytes)
    });
    let feeder = stdin.map(|bytes| {
        let mut pipe = child.stdin.take().unwrap();
        let bytes = bytes.to_vec();
        // A command may leave without having read everything.
        thread::spawn(move || drop(pipe.write_all(&bytes)))
    });
    let status = wait(&mut child, patience);
    let took = begun.elapsed();
    if let Some(feeder) = feeder {
        feeder.join().unwrap();
    }
    let code = status.map(exit_code);
    let done = Done {
        code: code.unwrap_or(-1),
        stdout: stdout.join().unwrap().unwrap(),
        stderr: String::from_utf8_lossy(&stderr.join().unwrap().unwrap()).into_owned(),
        took,
        what,
    };
    if knob("SOLO2_TRACE", 0) > 0 {
        println!("{:>9.3?}  {} -> {}", done.took, done.what, done.code);
    }
    assert!(code.is_some(), "ends within {patience:?}: {done}");
    assert!(!done.stderr.contains("panicked at"), "no panic: {done}");
    done
}

/// A command whose stdout is read as it comes.
pub(crate) struct Stream {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    seen: Vec<u8>,
    stderr: Option<thread::JoinHandle<String>>,
    begun: Instant,
    what: String,
}

impl Stream {
    /// Starts it.
    pub(crate) fn start(mut command: Command) -> Stream {
        let what = format!("{:?}", command.get_args().collect::<Vec<_>>());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut err = child.stderr.take().unwrap();
        let (to, lines) = mpsc::channel();
        thread::spawn(move || {
            loop {
                let mut line = Vec::new();
                match out.read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {
                        if to
                            .send(String::from_utf8_lossy(&line).into_owned())
                            .is_err()
                        {
                            return;
                        }
                    }
                }
            }
        });
        let stderr = thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = err.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        Stream {
            stdin: child.stdin.take(),
            child,
            lines,
            seen: Vec::new(),
            stderr: Some(stderr),
            begun: Instant::now(),
            what,
        }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Writes to its stdin.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    /// Closes its stdin.
    pub(crate) fn close(&mut self) {
        self.stdin = None;
    }

    /// The next line within `patience`, without its line end; none at the end.
    pub(crate) fn line(&mut self, patience: Duration) -> Option<String> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => {
                self.seen.extend_from_slice(line.as_bytes());
                Some(line.trim_end_matches('\n').to_owned())
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.child.kill();
                panic!(
                    "no line within {patience:?} from {}\nstdout: {}\nstderr: {}",
                    self.what,
                    String::from_utf8_lossy(&self.seen),
                    self.stderr
                        .take()
                        .map(|err| err.join().unwrap())
                        .unwrap_or_default()
                )
            }
        }
    }

    /// The next event of this kind; others are passed over.
    #[track_caller]
    pub(crate) fn event(&mut self, kind: &str) -> Value {
        loop {
            let Some(line) = self.line(Duration::from_secs(60)) else {
                let stderr = self.stderr.take().map(|err| err.join().unwrap());
                panic!(
                    "{} ended without {kind}\nstdout: {}\nstderr: {}",
                    self.what,
                    String::from_utf8_lossy(&self.seen),
                    stderr.unwrap_or_default()
                );
            };
            let event = event(&line);
            if event["type"] == kind {
                return event;
            }
        }
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Done {
        self.stdin = None;
        let status = wait(&mut self.child, PATIENCE);
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(1)) {
            self.seen.extend_from_slice(line.as_bytes());
        }
        let code = status.map(exit_code);
        let done = Done {
            code: code.unwrap_or(-1),
            stdout: std::mem::take(&mut self.seen),
            stderr: self
                .stderr
                .take()
                .map(|err| err.join().unwrap())
                .unwrap_or_default(),
            took: self.begun.elapsed(),
            what: std::mem::take(&mut self.what),
        };
        if knob("SOLO2_TRACE", 0) > 0 {
            println!("{:>9.3?}  {} -> {}", done.took, done.what, done.code);
        }
        assert!(code.is_some(), "ends: {done}");
        assert!(!done.stderr.contains("panicked at"), "no panic: {done}");
        done
    }

    /// Ends it as Ctrl-C does, and waits.
    pub(crate) fn interrupt(self) -> Done {
        kill_process(self.pid(), Kill::INT).unwrap();
        self.end()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

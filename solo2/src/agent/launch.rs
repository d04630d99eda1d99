//! Starting the agent as a process of its own, and telling when it is ready.
//!
//! `agent start` runs this program again as `agent run --detached`. The
//! password goes through the child's stdin, readiness or a failure comes back
//! through its stdout, so neither arguments nor environment carry a secret.
//! The child leaves the terminal's session and then holds neither end.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::output::Output;
use crate::password;

/// The longest line a child may answer with, bytes.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// The command line of `agent run` for this profile, with absolute paths.
pub(crate) fn arguments(cx: &Context, program: &Path) -> Result<Vec<String>, Failure> {
    let text = |path: &Path| {
        std::path::absolute(path)
            .map_err(|error| Failure::io(format!("cannot use {}", path.display()), &error))?
            .into_os_string()
            .into_string()
            .map_err(|_| Failure::usage("a path is not UTF-8"))
    };
    let mut words = vec![text(program)?];
    words.push("--profile".to_owned());
    words.push(cx.profile()?.name.as_str().to_owned());
    if let Some(home) = &cx.globals.home {
        words.extend(["--home".to_owned(), text(home)?]);
    }
    if let Some(file) = &cx.globals.config {
        words.extend(["--config".to_owned(), text(file)?]);
    }
    if let Some(route) = cx.globals.route {
        words.extend(["--route".to_owned(), route.as_str().to_owned()]);
    }
    if let Some(transport) = cx.globals.transport {
        words.extend(["--transport".to_owned(), transport.as_str().to_owned()]);
    }
    if cx.globals.offline {
        words.push("--offline".to_owned());
    }
    words.extend(["agent".to_owned(), "run".to_owned()]);
    Ok(words)
}

/// What a file brings is allocated by one thread and freed by another. glibc would keep room for
/// it in an arena for each (mallopt(3)): up to 10 MiB more, for no more speed.
pub(crate) const ONE_ARENA: (&str, &str) = ("MALLOC_ARENA_MAX", "1");

/// What an agent starts with.
pub(crate) enum Start {
    /// A locked vault.
    Locked,
    /// This password.
    Password(Zeroizing<String>),
    /// The device secret, which it finds itself.
    Device,
}

/// Starts the agent and waits until it answers.
pub(crate) fn start(cx: &Context, with: &Start) -> Result<(), Failure> {
    let failed = |error: &io::Error| Failure::io("cannot start the agent", error);
    let program =
        std::env::current_exe().map_err(|error| Failure::io("cannot find this program", &error))?;
    let words = arguments(cx, &program)?;
    let mut command = Command::new(&program);
    command
        .args(words.iter().skip(1))
        .arg("--detached")
        .env_remove("SOLO2_JSON")
        .env_remove("SOLO2_PASSWORD_FILE")
        .env_remove("SOLO2_TIMEOUT")
        .env(ONE_ARENA.0, ONE_ARENA.1)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let secret = match with {
        Start::Password(password) => password.as_str(),
        Start::Locked => {
            command.arg("--locked");
            ""
        }
        Start::Device => {
            command.arg("--device-secret");
            ""
        }
    };
    let mut child = command.spawn().map_err(|error| failed(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A child that died has said why on its stdout.
        let _ = stdin.write_all(secret.as_bytes());
    }
    let mut answer = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout.take(LONGEST_ANSWER))
            .read_line(&mut answer)
            .map_err(|error| failed(&error))?;
    }
    match serde_json::from_str::<Value>(&answer) {
        Ok(answer) if answer["ready"] == true => Ok(()),
        Ok(answer) => Err(serde_json::from_value(answer)
            .unwrap_or_else(|_| Failure::internal("the agent answered nonsense"))),
        Err(_) => {
            let status = child.wait().map_err(|error| failed(&error))?;
            Err(
                Failure::new(Kind::Internal, format!("the agent did not start: {status}"))
                    .hint("see why: solo2 agent run -v"),
            )
        }
    }
}

/// The child's side of [`start`].
pub(crate) struct Launched {
    /// Whether the parent knows how it went.
    told: bool,
}

impl Launched {
    /// Leaves the terminal's session.
    pub(crate) fn take_over() -> Result<Launched, Failure> {
        rustix::process::setsid()
            .map_err(|error| Failure::io("cannot leave the session", &error.into()))?;
        Ok(Launched { told: false })
    }

    /// The password from stdin.
    pub(crate) fn password(&self) -> Result<Zeroizing<String>, Failure> {
        password::read_text(password::Stdin, "stdin", 1024)
    }

    /// Tells the parent that the agent answers, and lets go of it.
    pub(crate) fn ready(&mut self, out: &Output) -> Result<(), Failure> {
        self.tell(out, &json!({"ready": true, "pid": std::process::id()}));
        let null = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")
            .map_err(|error| Failure::io("cannot open /dev/null", &error))?;
        rustix::stdio::dup2_stdin(&null)
            .and_then(|()| rustix::stdio::dup2_stdout(&null))
            .and_then(|()| rustix::process::chdir("/"))
            .map_err(|error| Failure::io("cannot let the terminal go", &error.into()))
    }

    /// Tells the parent why there is no agent.
    pub(crate) fn failed(&mut self, out: &Output, failure: &Failure) {
        if let Ok(answer) = serde_json::to_value(failure) {
            self.tell(out, &answer);
        }
    }

    fn tell(&mut self, out: &Output, answer: &Value) {
        if !std::mem::replace(&mut self.told, true) {
            out.answer_parent(answer);
        }
    }
}

/// Tells the service manager, if there is one, how it stands.
pub(crate) fn notify(state: &str) {
    let Some(place) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let sent = UnixDatagram::unbound().and_then(|socket| {
        #[cfg(target_os = "linux")]
        if let Some(name) = place.to_str().and_then(|place| place.strip_prefix('@')) {
            use std::os::linux::net::SocketAddrExt;
            let place = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            return socket.send_to_addr(state.as_bytes(), &place);
        }
        socket.send_to(state.as_bytes(), &place)
    });
    if let Err(error) = sent {
        tracing::warn!(kind = %error.kind(), "cannot notify the service manager");
    }
}

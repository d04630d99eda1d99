//! `solo2 file`: what happens to files that are offered, under way or kept.
//!
//! Also what `send`, `recv` and `chat` share with it: which paths may be sent,
//! and where a file may be put.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::values::{FileId, Span};
use super::{Outcome, pair, pipe};
use crate::agent;
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::event;

/// The most files of one `send`: their paths fit one request.
const MOST: usize = 200;

/// Take, refuse and follow files
#[derive(Args)]
pub(crate) struct File {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List files that are offered, under way, done or failed
    List,
    /// Take an offered file, and wait until it is here
    ///
    /// Without -o it is kept in the vault; accepting it once more with -o takes it out.
    Accept(Accept),
    /// Refuse an offered file; the other side is told
    Reject {
        /// The file's id
        id: FileId,
    },
    /// Stop a file, sent or received; what of it is here goes away
    Cancel {
        /// The file's id
        id: FileId,
    },
    /// Go on with a file that broke off, or with all of them
    Resume {
        /// The file's id
        id: Option<FileId>,
    },
}

#[derive(Args)]
struct Accept {
    /// The file's id
    id: FileId,

    /// Put it there: a directory, or a new name in one; - for stdout
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,

    #[command(flatten)]
    existing: Existing,
}

/// What to do where a file of that name is already.
#[derive(Args, Clone, Copy)]
pub(crate) struct Existing {
    /// Replace a file that has the same name
    #[arg(long, conflicts_with = "rename")]
    overwrite: bool,

    /// Put the file beside one that has the same name, such as "a (2).txt"
    #[arg(long)]
    rename: bool,
}

impl Existing {
    /// The `existing` parameter.
    pub(super) fn as_str(self) -> &'static str {
        match (self.overwrite, self.rename) {
            (true, _) => "overwrite",
            (_, true) => "rename",
            _ => "refuse",
        }
    }

    /// Refuses the flags where nothing is put anywhere.
    pub(super) fn only_with(self, is_put: bool, flag: &str) -> Result<(), Failure> {
        if is_put || self.as_str() == "refuse" {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "--{} says what to do in a directory, and none is named",
            self.as_str()
        ))
        .hint(format!("name it: {flag}")))
    }
}

impl File {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        match self.verb {
            Verb::List => list(cx),
            Verb::Accept(verb) => verb.run(cx),
            Verb::Reject { id } => change(cx, "file.reject", id),
            Verb::Cancel { id } => change(cx, "file.cancel", id),
            Verb::Resume { id } => fetch(cx, "file.resume", json!({ "id": id })),
        }
    }
}

impl Accept {
    fn run(self, cx: &Context) -> Outcome {
        let stdout = self.output.as_deref() == Some(Path::new("-"));
        self.existing
            .only_with(self.output.is_some() && !stdout, "-o PATH")?;
        if stdout {
            return self.to_stdout(cx);
        }
        let to = match &self.output {
            Some(path) => Some(place(path, self.existing)?),
            None => None,
        };
        fetch(
            cx,
            "file.accept",
            json!({"id": self.id, "to": to, "existing": self.existing.as_str()}),
        )
    }
}

impl Accept {
    /// The file's bytes, as they come or out of the vault, which keeps what it has.
    fn to_stdout(&self, cx: &Context) -> Outcome {
        let sink = pipe::Sink {
            name: format!("{}", self.id),
            resume: |params, _| params["begun"] = json!(true),
            patience: cx.globals.timeout.map(pipe::patience),
        };
        let params = json!({ "id": self.id });
        pipe::to_stdout(cx, "file.stream", params, &sink)
    }
}

fn list(cx: &Context) -> Outcome {
    agent::with_session(cx, async |session| {
        pair::report(session, "file.list", json!({}), |file| cx.out.event(file)).await
    })?;
    Ok(0)
}

fn change(cx: &Context, method: &str, id: FileId) -> Outcome {
    let file = agent::ask(cx, method, json!({ "id": id }))?;
    cx.out.event(&file)?;
    Ok(0)
}

/// Runs a request that ends when its files are here, or do not move any more.
fn fetch(cx: &Context, method: &str, mut params: Value) -> Outcome {
    if let (Some(patience), Value::Object(params)) = (patience_ms(cx), &mut params) {
        params.insert("timeout_ms".to_owned(), patience.into());
    }
    let result = agent::with_session(cx, async |session| {
        pair::report(session, method, params, |event| cx.out.event(event)).await
    })?;
    finished(&result)
}

/// Whether nothing is left on its way; exit 7 if something is.
pub(super) fn finished(result: &Value) -> Outcome {
    match result["unfinished"].as_u64() {
        None | Some(0) => Ok(0),
        Some(left) => Err(Failure::new(
            Kind::NotDelivered,
            match left {
                1 => "one file is not here yet".to_owned(),
                _ => format!("{left} files are not here yet"),
            },
        )
        .code("file_unfinished")
        .retry(None)
        .with("unfinished", left)
        .hint("it goes on while an agent runs (solo2 agent start), or now: solo2 file resume")),
    }
}

/// How long to wait for files: as long as they move, unless somebody says so.
pub(super) fn patience_ms(cx: &Context) -> Option<u64> {
    cx.globals.timeout.map(Span::millis)
}

/// The `files` parameter: each path made absolute, and something to read there.
pub(super) fn sources(paths: &[PathBuf]) -> Result<Vec<Value>, Failure> {
    if paths.len() > MOST {
        return Err(Failure::usage(format!(
            "{} files at once; {MOST} are the most",
            paths.len()
        ))
        .hint("send the directory that they are in, or send in parts"));
    }
    paths.iter().map(|path| source(path)).collect()
}

fn source(path: &Path) -> Result<Value, Failure> {
    if path == Path::new("-") {
        return Err(Failure::usage("-f - : what comes on stdin has no name yet")
            .hint("COMMAND | solo2 send PEER -f - --name NAME"));
    }
    let cannot =
        |error: std::io::Error| Failure::io(format!("cannot send {}", path.display()), &error);
    let found = fs::metadata(path).map_err(cannot)?;
    if !found.is_file() && !found.is_dir() {
        return Err(Failure::new(
            Kind::Io,
            format!(
                "cannot send {}: it is neither a file nor a directory",
                path.display()
            ),
        )
        .hint("write what comes out of it to a file first"));
    }
    // Opened here, so that what may not be read is told before anything leaves.
    fs::File::open(path).map_err(cannot)?;
    Ok(json!({ "path": absolute(path)? }))
}

/// The directory of `recv --files-to`, absolute.
pub(super) fn directory(path: &Path) -> Result<String, Failure> {
    let cannot = |why: &str| {
        let place = path.display();
        Failure::new(Kind::Io, format!("cannot put files into {place}: {why}"))
            .hint(format!("make the directory first: mkdir -p {place}"))
    };
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => absolute(path),
        Ok(_) => Err(cannot("it is not a directory")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(cannot("there is no such directory"))
        }
        Err(error) => Err(Failure::io(
            format!("cannot put files into {}", path.display()),
            &error,
        )),
    }
}

/// The `to` of a file: a directory that is there, or a name in one.
fn place(path: &Path, existing: Existing) -> Result<String, Failure> {
    if path.is_dir() {
        return directory(path);
    }
    let slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    let parent = match path.parent() {
        _ if slash => path,
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    directory(parent)?;
    if existing.as_str() == "refuse" && path.symlink_metadata().is_ok() {
        return Err(
            Failure::new(Kind::Io, format!("{} is there already", path.display()))
                .code("exists")
                .hint("replace it: --overwrite, or keep both: --rename"),
        );
    }
    absolute(path)
}

/// A path that means the same to the owner of the profile, wherever it runs.
pub(super) fn absolute(path: &Path) -> Result<String, Failure> {
    let whole = std::path::absolute(path)
        .map_err(|error| Failure::io(format!("cannot find {}", path.display()), &error))?;
    whole.into_os_string().into_string().map_err(|_| {
        Failure::new(
            Kind::Io,
            format!("the path {} is not UTF-8", path.display()),
        )
        .hint("give it another name")
    })
}

/// Whether an event tells how far a file came: nothing to count, keep or acknowledge.
pub(super) fn is_progress(event: &Value) -> bool {
    event::kind(event) == "file.progress"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(result: Result<impl std::fmt::Debug, Failure>) -> (u8, String, bool) {
        let failure = result.expect_err("refused");
        (failure.exit, failure.message, failure.hint.is_some())
    }

    fn existing(word: &str) -> Existing {
        Existing {
            overwrite: word == "overwrite",
            rename: word == "rename",
        }
    }

    #[test]
    fn a_path_to_send_becomes_absolute() {
        let sent = sources(&[PathBuf::from("src"), PathBuf::from("Cargo.toml")]).expect("paths");
        let here = std::env::current_dir().expect("a directory");
        let path = |name: &str| json!({"path": here.join(name).to_str().expect("UTF-8")});
        assert_eq!(sent, [path("src"), path("Cargo.toml")]);
    }

    #[test]
    fn what_is_not_there_or_not_a_file_is_named_before_anything_leaves() {
        let dir = tempfile::tempdir().expect("tempdir");
        let missing = dir.path().join("missing");
        let (exit, message, _) = refused(sources(&[missing]));
        assert_eq!(exit, 3);
        assert!(message.contains("missing: no such file"), "{message}");
        // A socket: opening a pipe instead could wait for ever.
        let socket = dir.path().join("socket");
        let _kept = std::os::unix::net::UnixListener::bind(&socket).expect("bind");
        let (exit, message, hint) = refused(sources(&[socket]));
        assert_eq!((exit, hint), (3, true));
        assert!(message.contains("neither a file"), "{message}");
    }

    #[test]
    fn stdin_is_no_path() {
        let (exit, message, hint) = refused(sources(&[PathBuf::from("-")]));
        assert_eq!((exit, hint), (2, true));
        assert!(message.contains("- : "), "{message}");
    }

    #[test]
    fn too_many_files_at_once_are_refused() {
        let many = vec![PathBuf::from("Cargo.toml"); MOST + 1];
        assert_eq!(refused(sources(&many)).0, 2);
        assert_eq!(sources(&many[1..]).expect("as many as may be").len(), MOST);
    }

    #[test]
    fn a_directory_for_files_is_there_already() {
        let dir = tempfile::tempdir().expect("tempdir");
        let file = dir.path().join("file");
        fs::write(&file, "x").expect("write");
        assert!(directory(dir.path()).is_ok());
        for bad in [file, dir.path().join("missing")] {
            let (exit, _, hint) = refused(directory(&bad));
            assert_eq!((exit, hint), (3, true), "{bad:?}");
        }
    }

    #[test]
    fn a_file_goes_into_a_directory_or_under_a_new_name() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("old"), "x").expect("write");
        std::os::unix::fs::symlink("nowhere", path("link")).expect("symlink");
        assert!(place(dir.path(), existing("")).is_ok());
        assert!(place(&path("new"), existing("")).is_ok());
        assert!(place(Path::new("new-and-here"), existing("")).is_ok());
        for word in ["overwrite", "rename"] {
            assert!(place(&path("old"), existing(word)).is_ok(), "{word}");
        }
        for bad in ["old", "link", "missing/new", "missing/", "old/new"] {
            assert_eq!(refused(place(&path(bad), existing(""))).0, 3, "{bad}");
        }
    }

    #[test]
    fn overwriting_needs_somewhere_to_do_it() {
        assert!(existing("").only_with(false, "-o PATH").is_ok());
        assert!(existing("rename").only_with(true, "-o PATH").is_ok());
        let (exit, message, _) = refused(existing("overwrite").only_with(false, "-o PATH"));
        assert_eq!(exit, 2);
        assert!(message.starts_with("--overwrite"), "{message}");
    }

    #[test]
    fn a_file_that_is_not_here_in_time_is_exit_7_and_kept() {
        assert_eq!(finished(&json!({"unfinished": 0})), Ok(0));
        assert_eq!(finished(&json!({"type": "file.done"})), Ok(0));
        let failure = finished(&json!({"unfinished": 2})).expect_err("unfinished");
        assert_eq!(
            (failure.exit, &*failure.code, failure.retryable),
            (7, "file_unfinished", true)
        );
        assert_eq!(failure.to_event()["unfinished"], 2);
    }
}

//! How a server speaks to its operator: one line on stdout, for people or for programs,
//! remarks on stderr, and an exit code that says what went wrong.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::Value;

/// A bug, or the unexpected. The codes are those of docs/cli.md §6.
pub const INTERNAL: u8 = 1;
/// Flags that make no sense.
pub const USAGE: u8 = 2;
/// A file, a configuration, an address.
pub const IO: u8 = 3;
/// Nobody answers.
pub const NETWORK: u8 = 9;
/// A check is false.
pub const VERIFY: u8 = 20;

/// What went wrong, what to do, and the exit code that says it.
pub struct Failure {
    code: u8,
    error: Box<dyn Error>,
    hint: Option<&'static str>,
}

impl Failure {
    /// With this exit code.
    pub fn new(code: u8, error: impl Error + 'static) -> Self {
        Self {
            code,
            error: Box::new(error),
            hint: None,
        }
    }

    /// One of ours.
    pub fn internal(error: impl Error + 'static) -> Self {
        Self::new(INTERNAL, error)
    }

    /// In these words.
    #[must_use]
    pub fn because(code: u8, words: &'static str) -> Self {
        Self::new(code, io::Error::other(words))
    }

    /// What to do about it, if there is something.
    #[must_use]
    pub fn hint(self, hint: Option<&'static str>) -> Self {
        Self { hint, ..self }
    }
}

/// The mouth of a program of this name.
#[derive(Clone, Copy)]
pub struct Mouth(pub &'static str);

impl Mouth {
    /// One line on stdout, for people or for programs.
    ///
    /// # Errors
    /// If there is no stdout to write to.
    pub fn say(self, json: bool, value: &Value, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let written = if json {
            writeln!(out, "{value}")
        } else {
            writeln!(out, "{text}")
        };
        written
            .and_then(|()| out.flush())
            .map_err(|error| Failure::new(IO, error))
    }

    /// One line on stderr. If there is no stderr, nobody wanted to know.
    pub fn note(self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{}: {text}", self.0);
    }

    /// What went wrong, all of it, and what to do.
    pub fn complain(self, failure: &Failure) {
        let mut sentence = failure.error.to_string();
        let mut cause = failure.error.source();
        while let Some(inner) = cause {
            let text = inner.to_string();
            if !sentence.ends_with(&text) {
                sentence = format!("{sentence}: {text}");
            }
            cause = inner.source();
        }
        self.note(&sentence);
        if let Some(hint) = failure.hint {
            let _ = writeln!(io::stderr().lock(), "hint: {hint}");
        }
    }

    /// The end of the program.
    #[must_use]
    pub fn exit(self, done: Result<(), Failure>) -> ExitCode {
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                self.complain(&failure);
                ExitCode::from(failure.code)
            }
        }
    }

    /// What `--selftest-sandbox` found; `kind` is the type of the JSON object.
    ///
    /// # Errors
    /// If anything worked that must not.
    #[cfg(feature = "sandbox")]
    pub fn say_escapes(
        self,
        json: bool,
        kind: &str,
        escapes: &[&str],
        files: crate::sandbox::Files,
    ) -> Result<(), Failure> {
        use crate::sandbox::Files;
        let landlock = match files {
            Files::Closed => "full",
            Files::Partly => "partial",
            Files::Unguarded => "none",
        };
        let text = match escapes {
            [] => "nothing worked that must not".to_owned(),
            some => format!("it could still {}", some.join(", ")),
        };
        let value =
            serde_json::json!({"v": 1, "type": kind, "landlock": landlock, "escapes": escapes});
        self.say(json, &value, &text)?;
        if escapes.is_empty() {
            Ok(())
        } else {
            Err(Failure::because(VERIFY, "the sandbox does not hold"))
        }
    }
}

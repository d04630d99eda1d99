//! Where a password comes from: a file, a descriptor, the service manager, a
//! pinentry program, the terminal; never an argument, never the environment.
//!
//! Secrets live in `Zeroizing` from the first byte read.
//! Spec: docs/cli.md, "Who holds the connections".

use std::env;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cli::Globals;
use crate::error::{Failure, Kind};
use crate::output::prompt;

/// The longest password, bytes; Argon2 is asked for no more.
const LONGEST: usize = 1024;

/// Stdin without the buffer that the standard library keeps of it as long as the process lives:
/// a secret would stay in it.
pub(crate) struct Stdin;

impl Read for Stdin {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(rustix::stdio::stdin(), into)?)
    }
}

/// Whether stdin is spoken for by `--password-file -`.
pub(crate) fn takes_stdin(globals: &Globals) -> bool {
    globals.password_file.as_deref() == Some(Path::new("-"))
}

/// The password of an existing vault, or nothing when no source is there and
/// nobody can be asked.
pub(crate) fn find(globals: &Globals, profile: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(given) = given(globals)? {
        return Ok(Some(given));
    }
    if globals.no_input {
        return Ok(None);
    }
    let question = format!("Password of profile {profile}");
    if let Some(program) = pinentry() {
        return prompt::pinentry(&program, &question).map(Some);
    }
    if prompt::possible() {
        return prompt::password(&question).map(Some);
    }
    Ok(None)
}

/// As [`find`], and its absence is a failure with a remedy.
pub(crate) fn need(globals: &Globals, profile: &str) -> Result<Zeroizing<String>, Failure> {
    find(globals, profile)?.ok_or_else(none)
}

/// A password for a new vault: asked for twice when it is typed.
pub(crate) fn choose(globals: &Globals) -> Result<Zeroizing<String>, Failure> {
    let given = given(globals)?;
    chosen(globals, given, none)
}

/// A new password for a vault that has one, out of this file, or - for stdin, or typed twice.
pub(crate) fn choose_another(
    globals: &Globals,
    file: Option<&Path>,
) -> Result<Zeroizing<String>, Failure> {
    let given = match file {
        Some(file) if file == Path::new("-") => Some(secret(Stdin, "stdin")?),
        Some(file) => Some(read(file, &file.display().to_string()).map_err(|failure| {
            failure.hint("name a file that holds the new password: --new-password-file FILE")
        })?),
        None => None,
    };
    chosen(globals, given, || {
        Failure::usage("no new password was given")
            .hint("name a file that holds it: --new-password-file FILE")
    })
}

fn chosen(
    globals: &Globals,
    given: Option<Zeroizing<String>>,
    none: impl Fn() -> Failure,
) -> Result<Zeroizing<String>, Failure> {
    let chosen = match given {
        Some(given) => given,
        None if globals.no_input => return Err(none()),
        None => {
            let ask = |question: &str| match pinentry() {
                Some(program) => prompt::pinentry(&program, question),
                None if prompt::possible() => prompt::password(question),
                None => Err(none()),
            };
            let first = ask("Choose a password")?;
            if *first != *ask("The same once more")? {
                return Err(Failure::usage("the two passwords differ"));
            }
            first
        }
    };
    if chosen.is_empty() {
        return Err(Failure::usage("the password is empty")
            .hint("a short sentence that only you would think of is a good one"));
    }
    Ok(chosen)
}

fn none() -> Failure {
    Failure::new(
        Kind::Locked,
        "the vault is locked and no password was given",
    )
    .hint("name a file: --password-file FILE, or start an agent: solo2 agent start")
}

fn pinentry() -> Option<String> {
    env::var("PINENTRY_PROGRAM")
        .ok()
        .filter(|program| !program.is_empty())
}

/// The password from a flag, its variable, or the service manager.
pub(crate) fn given(globals: &Globals) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(fd) = globals.password_fd {
        // Opening the descriptor by its name needs no unsafe code.
        let file = PathBuf::from(format!("/dev/fd/{fd}"));
        return read(&file, &format!("file descriptor {fd}")).map(Some);
    }
    if takes_stdin(globals) {
        return secret(Stdin, "stdin").map(Some);
    }
    if let Some(file) = &globals.password_file {
        return read(file, &file.display().to_string()).map(Some);
    }
    if let Some(dir) = env::var_os("CREDENTIALS_DIRECTORY") {
        let file = Path::new(&dir).join("solo2-password");
        if fs::exists(&file).unwrap_or(false) {
            return read(&file, &file.display().to_string()).map(Some);
        }
    }
    Ok(None)
}

fn read(file: &Path, name: &str) -> Result<Zeroizing<String>, Failure> {
    let from = File::open(file).map_err(|error| {
        Failure::io(format!("cannot read the password from {name}"), &error)
            .hint("name a file that holds the password: --password-file FILE")
    })?;
    secret(from, name)
}

/// Reads a secret of at most [`LONGEST`] bytes and strips one line end.
fn secret(from: impl Read, name: &str) -> Result<Zeroizing<String>, Failure> {
    read_text(from, name, LONGEST)
}

/// Reads a short secret text and strips one line end.
pub(crate) fn read_text(
    from: impl Read,
    name: &str,
    longest: usize,
) -> Result<Zeroizing<String>, Failure> {
    // Room for it all at once, so that growing leaves no copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(longest + 3));
    from.take(longest as u64 + 3)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::io(format!("cannot read {name}"), &error))?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.len() > longest {
        return Err(Failure::usage(format!(
            "{name} holds more than {longest} bytes"
        )));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(Failure::usage(format!("{name} is not UTF-8 text"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_stripped_and_no_more() {
        let read = |bytes: &[u8]| secret(bytes, "x").expect("read").to_string();
        assert_eq!(read(b"pw\n"), "pw");
        assert_eq!(read(b"pw\r\n"), "pw");
        assert_eq!(read(b"pw\n\n"), "pw\n");
        assert_eq!(read(b" pw "), " pw ");
        assert_eq!(read(b""), "");
    }

    #[test]
    fn a_file_that_is_no_password_is_refused() {
        assert!(secret(&[b'x'; 1025][..], "x").is_err());
        assert!(secret(&[b'x'; 1024][..], "x").is_ok());
        assert!(secret(&[0xff][..], "x").is_err());
    }
}

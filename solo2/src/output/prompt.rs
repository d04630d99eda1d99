//! Asking the person at the terminal.
//!
//! Passwords are read without echo, from the controlling terminal and never
//! from stdin, or by the pinentry program that `PINENTRY_PROGRAM` names. The
//! terminal is put back whatever happens. Whether asking is allowed is the
//! caller's to decide.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::sanitize;
use crate::error::{Failure, Kind};

/// The longest password that can be typed, bytes.
const LONGEST: usize = 1024;

/// Whether there is a terminal to ask.
pub(crate) fn possible() -> bool {
    open_terminal().is_ok()
}

/// Asks for a password on the terminal, without echo.
pub(crate) fn password(question: &str) -> Result<Zeroizing<String>, Failure> {
    let mut terminal =
        open_terminal().map_err(|error| Failure::io("cannot open the terminal", &error))?;
    say(&mut terminal, &format!("{question}: "))?;
    let typed = {
        let _quiet = Quiet::new(&terminal)?;
        read_secret(&mut &terminal)
    };
    say(&mut terminal, "\n")?;
    typed
}

/// Asks a question that is answered with yes or no; no is the default.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    let mut terminal =
        open_terminal().map_err(|error| Failure::io("cannot open the terminal", &error))?;
    say(&mut terminal, &format!("{question} [y/N] "))?;
    let mut answer = String::new();
    BufReader::new(terminal.take(LONGEST as u64))
        .read_line(&mut answer)
        .map_err(|error| Failure::io("cannot read from the terminal", &error))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a word to be typed, seen as it is typed; whether it is the word.
pub(crate) fn typed(question: &str, word: &str) -> Result<bool, Failure> {
    let mut terminal =
        open_terminal().map_err(|error| Failure::io("cannot open the terminal", &error))?;
    say(&mut terminal, &format!("{question}: "))?;
    let mut answer = String::new();
    BufReader::new(terminal.take(LONGEST as u64))
        .read_line(&mut answer)
        .map_err(|error| Failure::io("cannot read from the terminal", &error))?;
    Ok(answer.trim() == word)
}

/// Writes to the terminal itself, past any redirection: for what must be seen
/// and not stored, such as the 24 words.
pub(crate) fn show(text: &str) -> Result<(), Failure> {
    let mut terminal =
        open_terminal().map_err(|error| Failure::io("cannot open the terminal", &error))?;
    say(&mut terminal, text)
}

/// Asks for a password through a pinentry program.
pub(crate) fn pinentry(program: &str, question: &str) -> Result<Zeroizing<String>, Failure> {
    let failed = |error: &std::io::Error| {
        Failure::io(
            format!("cannot use the pinentry program \"{program}\""),
            error,
        )
    };
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    let (Some(mut to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Failure::internal("a child without pipes"));
    };
    let mut from = BufReader::new(from);
    let talk = (|| -> std::io::Result<_> {
        expect_ok(&mut from)?;
        for line in [
            "SETTITLE solo2".to_owned(),
            format!("SETPROMPT {}", escape(question)),
        ] {
            writeln!(to, "{line}")?;
            expect_ok(&mut from)?;
        }
        writeln!(to, "GETPIN")?;
        let pin = expect_ok(&mut from)?;
        writeln!(to, "BYE")?;
        Ok(pin)
    })();
    drop(to);
    let _ = child.wait();
    match talk {
        Ok(pin) => Ok(pin),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {
            Err(Failure::new(Kind::Locked, "no password was given"))
        }
        Err(error) => Err(failed(&error)),
    }
}

/// Reads the answer to one Assuan command: data lines up to `OK`.
fn expect_ok(from: &mut impl BufRead) -> std::io::Result<Zeroizing<String>> {
    let mut data = Zeroizing::new(String::with_capacity(LONGEST));
    loop {
        let mut line = Zeroizing::new(String::with_capacity(LONGEST * 3));
        if from.take(LONGEST as u64 * 3 + 3).read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end_matches(['\r', '\n']);
        if line == "OK" || line.starts_with("OK ") {
            return Ok(data);
        } else if line.starts_with("ERR") {
            return Err(std::io::ErrorKind::ConnectionAborted.into());
        } else if let Some(part) = line.strip_prefix("D ") {
            unescape(part, &mut data)?;
        }
    }
}

fn escape(text: &str) -> String {
    sanitize::line(text).replace('%', "%25")
}

fn unescape(part: &str, into: &mut Zeroizing<String>) -> std::io::Result<()> {
    let wrong = || std::io::Error::from(std::io::ErrorKind::InvalidData);
    let mut bytes = Zeroizing::new(Vec::with_capacity(part.len()));
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = rest.next().ok_or_else(wrong)?;
            char::from(digit).to_digit(16).ok_or_else(wrong)
        };
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| wrong())?);
    }
    into.push_str(std::str::from_utf8(&bytes).map_err(|_| wrong())?);
    Ok(())
}

fn open_terminal() -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty")
}

fn say(terminal: &mut File, text: &str) -> Result<(), Failure> {
    terminal
        .write_all(sanitize::body(text).as_bytes())
        .map_err(|error| Failure::io("cannot write to the terminal", &error))
}

/// The terminal without echo, line by line editing and signals; dropped, it is
/// as it was. Signals are off so that Ctrl-C cannot leave it silent.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn new(terminal: &'a File) -> Result<Quiet<'a>, Failure> {
        let failed =
            |error: rustix::io::Errno| Failure::io("cannot silence the terminal", &error.into());
        let before = tcgetattr(terminal).map_err(failed)?;
        let mut quiet = before.clone();
        quiet
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(terminal, OptionalActions::Flush, &quiet).map_err(failed)?;
        Ok(Quiet { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

fn read_secret(terminal: &mut impl Read) -> Result<Zeroizing<String>, Failure> {
    let mut typed = Zeroizing::new(Vec::with_capacity(LONGEST));
    loop {
        let mut key = [0];
        let read = terminal
            .read(&mut key)
            .map_err(|error| Failure::io("cannot read from the terminal", &error))?;
        match key[0] {
            _ if read == 0 => break,
            b'\r' | b'\n' => break,
            0x04 if typed.is_empty() => break,
            0x03 => return Err(Failure::new(Kind::Interrupted, "interrupted")),
            0x15 => typed.clear(),
            0x08 | 0x7f => {
                // One character, which may be several bytes.
                while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            byte if typed.len() < LONGEST => typed.push(byte),
            _ => return Err(Failure::usage("a password has at most 1024 bytes")),
        }
    }
    match std::str::from_utf8(&typed) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(Failure::usage("the password is not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> Result<String, u8> {
        match read_secret(&mut &keys[..]) {
            Ok(secret) => Ok(secret.to_string()),
            Err(failure) => Err(failure.exit),
        }
    }

    #[test]
    fn a_password_can_be_corrected_while_it_is_typed() {
        assert_eq!(typed(b"abc\x7f\x7fx\n"), Ok("ax".to_owned()));
        assert_eq!(typed("aü\u{7f}b\n".as_bytes()), Ok("ab".to_owned()));
        assert_eq!(typed(b"wrong\x15right\r"), Ok("right".to_owned()));
        assert_eq!(typed(b"\x7f\x7fa\n"), Ok("a".to_owned()));
    }

    #[test]
    fn ctrl_c_at_the_password_ends_with_130() {
        assert_eq!(typed(b"ab\x03"), Err(130));
    }

    #[test]
    fn pinentry_answers_are_unescaped() {
        let mut answer = "S something\nD a%25b%0Ac\nOK\n".as_bytes();
        assert_eq!(expect_ok(&mut answer).expect("ok").as_str(), "a%b\nc");
        assert!(expect_ok(&mut "ERR 83886179 cancelled\n".as_bytes()).is_err());
        assert!(expect_ok(&mut "D %zz\nOK\n".as_bytes()).is_err());
        assert!(expect_ok(&mut "".as_bytes()).is_err());
    }
}

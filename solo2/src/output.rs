//! The one mouth: everything this program says leaves through here.
//!
//! stdout carries what was asked for, stderr the rest. A terminal only ever
//! gets text that went through [`sanitize`]; JSON carries the peers' bytes
//! escaped. A reader that went away is [`Failure`] 141, which ends the verb
//! without a word.
//! What to say is the verbs' business.
//! Spec: docs/cli.md, "stdin / stdout semantics".

#![allow(clippy::disallowed_methods, reason = "this is the one mouth")]

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use serde_json::Value;

use crate::cli::Globals;
use crate::error::Failure;
use crate::event;

pub(crate) mod data;
pub(crate) mod editor;
pub(crate) mod human;
pub(crate) mod json;
mod progress;
pub(crate) mod prompt;
pub(crate) mod qr;
pub(crate) mod sanitize;
pub(crate) mod text;

pub(crate) use data::Data;
use progress::Bars;
pub(crate) use text::Text;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Never
    Never,
    /// Always
    Always,
}

/// How this run speaks.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    plain: bool,
    color: bool,
    color_err: bool,
    /// Whether an object was the last thing said about a failure already.
    failed: Cell<bool>,
    /// Whether stdout is for bytes, and everything else is said on stderr.
    kept: Cell<bool>,
    bars: Bars,
}

impl Output {
    /// Follows the global flags and the terminal.
    pub(crate) fn new(globals: &Globals) -> Output {
        let wanted = |terminal: bool| match globals.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => {
                terminal
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        // Log lines go to stderr by themselves and would cut a bar in two.
        let bars = !(globals.json || globals.quiet || globals.plain)
            && globals.verbose == 0
            && std::env::var_os("SOLO2_LOG").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            && io::stderr().is_terminal();
        Output {
            json: globals.json,
            quiet: globals.quiet,
            plain: globals.plain,
            color: !globals.plain && wanted(io::stdout().is_terminal()),
            color_err: !globals.plain && wanted(io::stderr().is_terminal()),
            failed: Cell::new(false),
            kept: Cell::new(false),
            bars: if bars {
                Bars::on_stderr()
            } else {
                Bars::hidden()
            },
        }
    }

    /// For what goes wrong before the flags are known.
    pub(crate) fn before_parsing() -> Output {
        let asked = std::env::args_os()
            .take_while(|word| word != "--")
            .any(|word| word == "--json");
        let set = std::env::var("SOLO2_JSON").is_ok_and(|value| {
            !matches!(
                value.to_ascii_lowercase().as_str(),
                "" | "0" | "n" | "no" | "f" | "false" | "off"
            )
        });
        Output {
            json: asked || set,
            quiet: false,
            plain: false,
            color: false,
            color_err: false,
            failed: Cell::new(false),
            kept: Cell::new(false),
            bars: Bars::hidden(),
        }
    }

    /// Keeps stdout for the bytes of [`Output::data`]: from here on events, JSON and the
    /// error object go to stderr.
    pub(crate) fn keep_stdout(&self) {
        self.kept.set(true);
    }

    /// Where bytes go that a peer sent and a program reads: stdout, as they are.
    pub(crate) fn data(&self) -> Data {
        Data::stdout()
    }

    /// Whether `--json` was asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether words should stand where glyphs could.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether stdout gets colour.
    pub(crate) fn is_colored(&self) -> bool {
        self.color
    }

    /// Says an event: a JSON line, or its human form; how far a file came is a
    /// bar on a terminal and nothing else.
    pub(crate) fn event(&self, event: &Value) -> Result<(), Failure> {
        if self.json {
            self.object(event)
        } else {
            let kind = event::kind(event);
            let moves = ["file.", "export.", "import.", "verify.", "tor.progress"];
            if moves.iter().any(|prefix| kind.starts_with(prefix)) {
                self.bars.note(event);
            }
            match human::event(event) {
                Some(text) => self.text(&text),
                None => Ok(()),
            }
        }
    }

    /// Says a JSON object as one line of stdout, whatever the mode.
    pub(crate) fn object(&self, object: &Value) -> Result<(), Failure> {
        let mut line = json::line(object);
        line.push(b'\n');
        self.stdout(&line)
    }

    /// Says text on stdout, with a line end.
    pub(crate) fn text(&self, text: &Text) -> Result<(), Failure> {
        let mut line = text.render(self.color);
        line.push('\n');
        self.stdout(line.as_bytes())
    }

    /// Says one line of stdout that is data, such as a message id; nothing
    /// with `-q` or `--json`.
    pub(crate) fn result(&self, line: &str) -> Result<(), Failure> {
        if self.quiet || self.json {
            return Ok(());
        }
        self.text(&Text::new().line(line))
    }

    /// Writes bytes that a person or a program asked for as they are.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.stdout(bytes)
    }

    /// Says something beside the result, on stderr; nothing with `-q`.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.stderr(&Text::new().body(text));
        }
    }

    /// Says how the command failed: a sentence and a remedy on stderr, and
    /// with `--json` the error object as stdout's last line.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.is_pipe() || self.failed.replace(true) {
            return;
        }
        if failure.is_signal() {
            // Whoever sent the signal knows; the exit code tells the rest.
            return self.failure_object(failure);
        }
        let mut text = Text::new().red("solo2: ").body(&failure.message);
        if let Some(hint) = &failure.hint {
            text = text.plain("\n").dim("hint: ").body(hint);
        }
        self.stderr(&text);
        self.failure_object(failure);
    }

    /// The error object alone, with `--json`.
    pub(crate) fn failure_object(&self, failure: &Failure) {
        if self.json {
            // The exit code tells it too, so a closed stdout loses nothing.
            let _ = self.object(&failure.to_event());
        }
    }

    /// Says what the argument parser has to say and gives the exit code.
    pub(crate) fn clap(&self, error: &clap::Error, asked: bool) -> u8 {
        let terminal = if asked {
            io::stdout().is_terminal()
        } else {
            io::stderr().is_terminal()
        };
        let colored = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        // An error quotes what was typed, which a script may have from anywhere.
        let plain = error.render().to_string();
        let clean = sanitize::body(&plain);
        let text = if colored && clean == plain {
            error.render().ansi().to_string()
        } else {
            clean
        };
        if asked {
            match to_stdout(text.as_bytes()) {
                Ok(()) => 0,
                Err(failure) => failure.exit,
            }
        } else {
            let _ = io::stderr().lock().write_all(text.as_bytes());
            0
        }
    }

    /// Answers the process that started this one, through the stdout it holds.
    /// One that is gone needs no answer.
    pub(crate) fn answer_parent(&self, answer: &Value) {
        let _ = self.object(answer);
    }

    /// Where log lines go: stderr, through the sanitiser.
    pub(crate) fn log_writer(&self) -> LogWriter {
        LogWriter
    }

    fn stdout(&self, bytes: &[u8]) -> Result<(), Failure> {
        if self.kept.get() {
            // Nobody is left to tell when stderr is gone.
            let _ = self.bars.around(|| io::stderr().lock().write_all(bytes));
            return Ok(());
        }
        self.bars.around(|| to_stdout(bytes))
    }

    fn stderr(&self, text: &Text) {
        let mut line = text.render(self.color_err);
        line.push('\n');
        // Nobody is left to tell when stderr is gone.
        let _ = self
            .bars
            .around(|| io::stderr().lock().write_all(line.as_bytes()));
    }
}

/// Says where a panic happened, and not its message, which may quote anything.
pub(crate) fn panicked(place: &str) {
    let place = sanitize::line(place);
    let _ = writeln!(
        io::stderr().lock(),
        "solo2: internal error at {place}\nhint: this is a bug in solo2; nothing you sent is lost"
    );
}

/// Log lines on stderr, sanitised: a peer's text may be in them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = sanitize::body(&String::from_utf8_lossy(bytes));
        // A log that nobody reads must not end the program.
        let _ = io::stderr().lock().write_all(text.as_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn to_stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::io("cannot write to stdout", &error))
}

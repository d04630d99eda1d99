//! A line editor at the bottom of the terminal, with text arriving above it.
//!
//! Pastes arrive whole. Where a terminal hands over several keys at once outside
//! of a paste (some input methods do), rustyline up to 19 shows the first and
//! the rest with the next key (its issue 976).
//!
//! The editor blocks, so it lives on a thread of its own; lines come out of a
//! channel. However the program ends, the terminal is put back as it was.

use std::io::{self, IsTerminal, Write};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor, ExternalPrinter};
use tokio::sync::mpsc;

use super::Text;
use crate::error::Failure;

/// What the person did.
#[derive(Debug)]
pub(crate) enum Typed {
    /// Finished a line.
    Line(String),
    /// Ctrl-D.
    End,
    /// Ctrl-C.
    Interrupt,
    /// The terminal does not work any more.
    Failed(String),
}

/// The editor; dropped, the terminal is as it was.
pub(crate) struct Editor {
    typed: mpsc::Receiver<Typed>,
    prompts: std::sync::mpsc::Sender<String>,
    printer: Box<dyn ExternalPrinter + Send>,
    color: bool,
    before: Termios,
}

impl Editor {
    /// Whether there is a terminal to edit on.
    pub(crate) fn possible() -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// Takes the terminal over; nothing is read before the first prompt.
    pub(crate) fn open(color: bool) -> Result<Editor, Failure> {
        let failed = |error: ReadlineError| {
            Failure::io(
                "cannot use the terminal",
                &io::Error::other(error.to_string()),
            )
        };
        let before = tcgetattr(io::stdin())
            .map_err(|error| Failure::io("cannot use the terminal", &error.into()))?;
        let config = Config::builder().auto_add_history(true).build();
        let mut editor = DefaultEditor::with_config(config).map_err(failed)?;
        let printer = editor.create_external_printer().map_err(failed)?;
        let (to, typed) = mpsc::channel(1);
        let (prompts, wanted) = std::sync::mpsc::channel::<String>();
        std::thread::spawn(move || {
            for prompt in wanted {
                let typed = match editor.readline(&prompt) {
                    Ok(line) => Typed::Line(line),
                    Err(ReadlineError::Eof) => Typed::End,
                    Err(ReadlineError::Interrupted) => Typed::Interrupt,
                    Err(error) => Typed::Failed(error.to_string()),
                };
                if to.blocking_send(typed).is_err() {
                    return;
                }
            }
        });
        Ok(Editor {
            typed,
            prompts,
            printer: Box::new(printer),
            color,
            before,
        })
    }

    /// Asks for one more line.
    pub(crate) fn ask(&self, prompt: &str) {
        // A thread that is gone has said so through `typed`.
        let _ = self.prompts.send(super::sanitize::line(prompt));
    }

    /// What was typed. Cancel safe.
    pub(crate) async fn typed(&mut self) -> Typed {
        self.typed.recv().await.unwrap_or(Typed::End)
    }

    /// Says something above the prompt.
    pub(crate) fn above(&mut self, text: &Text) -> Result<(), Failure> {
        let mut line = text.render(self.color);
        line.push('\n');
        self.printer.print(line).map_err(|error| {
            Failure::io(
                "cannot write to the terminal",
                &io::Error::other(error.to_string()),
            )
        })
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // A prompt that was left open had asked for bracketed pastes.
        let mut stdout = io::stdout().lock();
        let _ = stdout
            .write_all(b"\x1b[?2004l")
            .and_then(|()| stdout.flush());
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

//! `solo2 identity`: who we are, and the 24 words.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use solo2_export::key::ArchiveKey;
use zeroize::Zeroizing;

use super::Outcome;
use super::init::{self, Words};
use super::values::Name;
use crate::agent;
use crate::config::SignalUrl;
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::node::{self, NewProfile};
use crate::output::{Text, qr};
use crate::{event, password};

/// The longest text that can be 24 words.
const LONGEST_WORDS: usize = 1000;

/// Show who you are, and keep your 24 words
#[derive(Args)]
pub(crate) struct Identity {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show name, id and fingerprint
    Show,
    /// Print the fingerprint, 64 hexadecimal digits
    Fingerprint,
    /// Draw the fingerprint as a QR code
    Qr,
    /// Print the age key of your archives, on the last line
    ///
    /// It grows from the 24 words, so it takes them or the password. Stock `age -d -i FILE`
    /// opens an archive with it; so does everybody else who has it.
    AgeKey {
        /// Read the words from this file, or - for stdin, instead of asking for the password
        #[arg(long, value_name = "FILE")]
        words_file: Option<PathBuf>,
    },
    /// The 24 words that open your vault
    Words {
        #[command(subcommand)]
        verb: WordsVerb,
    },
}

#[derive(Subcommand)]
enum WordsVerb {
    /// Show the words again: asks for the password, on a terminal or into a new file
    Show {
        /// Write them to this new file, readable by you alone
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Check that you wrote the words down right
    Confirm {
        /// Read the words from this file, or - for stdin
        #[arg(long, value_name = "FILE", default_value = "-")]
        from: PathBuf,
    },
    /// Make a vault again from its words, with a new identity
    Restore {
        /// Read the words from this file, or - for stdin
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Name that paired peers are shown
        #[arg(long, value_name = "NAME")]
        name: Option<Name>,
        /// Signal server that introduces you to your peers
        #[arg(long, value_name = "URL")]
        signal: Option<SignalUrl>,
    },
}

impl Identity {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        match self.verb {
            Verb::Show => {
                let identity = agent::ask(cx, "identity.show", json!({}))?;
                cx.out.event(&identity)?;
            }
            Verb::Fingerprint => {
                let identity = agent::ask(cx, "identity.show", json!({}))?;
                if cx.out.is_json() {
                    cx.out.object(&identity)?;
                } else {
                    let digits = identity["fingerprint"].as_str().unwrap_or_default();
                    cx.out.text(&Text::new().line(digits))?;
                }
            }
            Verb::Qr => {
                let identity = agent::ask(cx, "identity.show", json!({}))?;
                if cx.out.is_json() {
                    cx.out.object(&identity)?;
                } else {
                    let digits = identity["fingerprint"].as_str().unwrap_or_default();
                    cx.out
                        .text(&Text::new().body(&qr::draw(&format!("solo2:{digits}"))?))?;
                }
            }
            Verb::AgeKey { words_file } => return age_key(cx, words_file.as_deref()),
            Verb::Words { verb } => return verb.run(cx),
        }
        Ok(0)
    }
}

impl WordsVerb {
    fn run(self, cx: &Context) -> Outcome {
        match self {
            WordsVerb::Show { out } => show(cx, out.as_deref()),
            WordsVerb::Confirm { from } => confirm(cx, &from),
            WordsVerb::Restore { from, name, signal } => restore(cx, &from, name, signal.as_ref()),
        }
    }
}

fn show(cx: &Context, out: Option<&Path>) -> Outcome {
    let profile = cx.profile()?;
    profile.must_exist()?;
    let place = Words::prepare(out).map_err(|failure| {
        if out.is_none() {
            failure.hint("name a file for them: --out FILE")
        } else {
            failure
        }
    })?;
    match words_by_password(cx) {
        Ok(words) => place.write(&words)?,
        Err(failure) => {
            place.discard();
            return Err(failure);
        }
    }
    if let Some(file) = out {
        let file = file.display().to_string();
        cx.out
            .event(&event::event("identity.words", json!({"words_file": file})))?;
        cx.out.note(&format!(
            "the 24 words are in {file}; keep it off this machine"
        ));
    }
    Ok(0)
}

/// The words, out of the vault. An open vault is not enough: whoever sits at the keyboard
/// must know the password.
fn words_by_password(cx: &Context) -> Result<Zeroizing<String>, Failure> {
    Ok(words_and_password(cx)?.0)
}

/// The words, and the password that opened them.
fn words_and_password(cx: &Context) -> Result<(Zeroizing<String>, Zeroizing<String>), Failure> {
    let profile = cx.profile()?;
    profile.must_exist()?;
    let secret = password::need(&cx.globals, profile.name.as_str())?;
    let answer = agent::with_session_as(cx, Some(secret.clone()), async |session| {
        session
            .client
            .call_secret("identity.words.show", "password", &secret)
            .await
    })?;
    match answer {
        serde_json::Value::Object(mut answer) => match answer.shift_remove("words") {
            Some(serde_json::Value::String(words)) => Ok((Zeroizing::new(words), secret)),
            _ => Err(Failure::internal("an answer without words")),
        },
        _ => Err(Failure::internal("an answer without words")),
    }
}

/// The key of archives, from the words in a file or, with the password, from the vault; and the
/// password if it was needed.
pub(super) fn archive_key(
    cx: &Context,
    words_file: Option<&Path>,
) -> Result<(ArchiveKey, Option<Zeroizing<String>>), Failure> {
    let (words, password) = match words_file {
        Some(file) => (read_words(cx, file)?, None),
        None => {
            let (words, password) = words_and_password(cx)?;
            (words, Some(password))
        }
    };
    let entropy = node::parse_words(&words)?;
    Ok((ArchiveKey::of(&entropy), password))
}

fn age_key(cx: &Context, words_file: Option<&Path>) -> Outcome {
    let (key, _) = archive_key(cx, words_file)?;
    let (recipient, text) = (key.recipient(), key.to_text());
    let lines = match cx.out.is_json() {
        true => format!(
            "{{\"v\":1,\"type\":\"identity.age-key\",\"recipient\":\"{recipient}\",\"key\":\"{}\"}}\n",
            &*text
        ),
        false => format!("# public key: {recipient}\n{}\n", &*text),
    };
    cx.out.raw(Zeroizing::new(lines).as_bytes())?;
    Ok(0)
}

fn confirm(cx: &Context, from: &Path) -> Outcome {
    let words = read_words(cx, from)?;
    let answer = agent::with_session(cx, async |session| {
        session
            .client
            .call_secret("identity.words.confirm", "words", &words)
            .await
    })?;
    if answer["confirmed"] != true {
        return Err(
            Failure::new(Kind::Integrity, "these are not the words of this vault")
                .hint("compare them with: solo2 identity words show"),
        );
    }
    cx.out
        .event(&event::event("identity.words", json!({"confirmed": true})))?;
    cx.out.note("these are the words of this vault");
    Ok(0)
}

fn restore(cx: &Context, from: &Path, name: Option<Name>, signal: Option<&SignalUrl>) -> Outcome {
    let profile = cx.profile()?;
    init::refuse_existing(&profile)?;
    let words = read_words(cx, from)?;
    let new = NewProfile {
        name: name.map(|name| name.0),
        password: password::choose(&cx.globals)?,
    };
    let created = init::create(cx, &profile, signal, async |profile| {
        node::restore(&profile.paths, words, new).await
    })?;
    let file = (from != Path::new("-")).then_some(from);
    init::report(cx, &profile, &created, file)
}

/// Reads the words; typed words end with the line.
pub(super) fn read_words(cx: &Context, from: &Path) -> Result<Zeroizing<String>, Failure> {
    if from != Path::new("-") {
        let file = File::open(from)
            .map_err(|error| Failure::io(format!("cannot read {}", from.display()), &error))?;
        return password::read_text(file, &from.display().to_string(), LONGEST_WORDS);
    }
    if password::takes_stdin(&cx.globals) {
        return Err(Failure::usage(
            "stdin cannot be both the password and the words",
        ));
    }
    if io::IsTerminal::is_terminal(&io::stdin()) {
        if cx.globals.no_input {
            return Err(Failure::usage("the words are needed").hint("name their file: --from FILE"));
        }
        return crate::output::prompt::password("The 24 words");
    }
    password::read_text(password::Stdin, "stdin", LONGEST_WORDS)
}

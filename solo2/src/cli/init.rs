//! `solo2 init`: an identity and its vault.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use super::Outcome;
use super::values::Name;
use crate::agent::OwnerLock;
use crate::config::{self, Key, SignalUrl};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::node::{self, Created, NewProfile};
use crate::output::{Text, prompt};
use crate::paths::{self, Profile};
use crate::{event, password};

/// Make an identity and its vault
///
/// Asks for a password (or reads --password-file), makes the keys, and gives
/// the 24 words that open the vault should the password be lost: on the
/// terminal, or in a new file with --words-out. Who loses both the password and
/// the words has lost the vault: there is no other way in, for nobody. Never
/// overwrites a profile.
#[derive(Args)]
pub(crate) struct Init {
    /// Name that paired peers are shown
    #[arg(long, value_name = "NAME")]
    name: Option<Name>,

    /// Write the 24 words to this new file, readable by you alone
    #[arg(long, value_name = "FILE")]
    words_out: Option<PathBuf>,

    /// Signal server that introduces you to your peers
    #[arg(long, value_name = "URL")]
    signal: Option<SignalUrl>,

    /// Keep no account at any server: the default, and the only way so far
    #[arg(long)]
    no_account: bool,

    /// Keep nothing that opens the vault: vault.max_security in the configuration
    #[arg(long)]
    max_security: bool,
}

impl Init {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let _ = self.no_account;
        let profile = cx.profile()?;
        refuse_existing(&profile)?;
        let words = Words::prepare(self.words_out.as_deref())?;
        let created = (|| {
            let new = NewProfile {
                name: self.name.map(|name| name.0),
                password: password::choose(&cx.globals)?,
            };
            create(cx, &profile, self.signal.as_ref(), async |profile| {
                node::create(&profile.paths, new).await
            })
        })();
        let created = match created {
            Ok(created) => created,
            Err(failure) => {
                words.discard();
                return Err(failure);
            }
        };
        words.write(&created.words)?;
        if self.max_security {
            let on = ["true".to_owned()];
            config::set(&cx.config_file()?, Key::VaultMaxSecurity, &on)?;
        }
        report(cx, &profile, &created, self.words_out.as_deref())
    }
}

/// Refuses to touch a profile that exists.
pub(super) fn refuse_existing(profile: &Profile) -> Result<(), Failure> {
    if !profile.exists() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Io,
        format!("profile \"{}\" exists already", profile.name.as_str()),
    )
    .code("profile_exists")
    .hint("use another one: --profile NAME or --home DIR"))
}

/// Makes the directories, takes the lock, creates the vault and notes the
/// signal server.
pub(super) fn create(
    cx: &Context,
    profile: &Profile,
    signal: Option<&SignalUrl>,
    make: impl AsyncFnOnce(&Profile) -> Result<Created, Failure>,
) -> Result<Created, Failure> {
    if let Some(parent) = profile.paths.vault.parent() {
        paths::make_private(parent)?;
    }
    let created = cx.block_on(async {
        let _lock = OwnerLock::take(profile, Duration::from_secs(5)).await?;
        refuse_existing(profile)?;
        make(profile).await
    })?;
    if let Some(signal) = signal {
        config::set(
            &cx.config_file()?,
            Key::NetSignal,
            &[signal.as_str().to_owned()],
        )?;
    }
    Ok(created)
}

/// Tells what happened, where the vault is, what to keep, what to type next.
pub(super) fn report(
    cx: &Context,
    profile: &Profile,
    created: &Created,
    words_file: Option<&Path>,
) -> Outcome {
    let vault = profile.paths.vault.display().to_string();
    if cx.out.is_json() {
        cx.out.object(&event::event(
            "init",
            json!({
                "profile": profile.name.as_str(),
                "id": created.id,
                "fingerprint": created.fingerprint,
                "vault": vault,
                "words_file": words_file.map(|file| file.display().to_string()),
            }),
        ))?;
        return Ok(0);
    }
    let words = match words_file {
        Some(file) => format!("your 24 words are in {}", file.display()),
        None => "your 24 words are above".to_owned(),
    };
    let text = Text::new()
        .green("You have an identity: ")
        .line(&created.id)
        .plain("\nIts vault is ")
        .line(&vault)
        .plain(", locked by your password.\nLost the password? ")
        .line(&words)
        .plain("; keep them on paper, they open everything.\nLost both? Then nobody can open it any more.\nPair with somebody:  solo2 pair invite --as bob\nStay reachable:      solo2 agent start");
    cx.out.text(&text)?;
    Ok(0)
}

/// Where the 24 words go; settled before there are any.
pub(super) enum Words {
    /// A file that was just made.
    File(File, PathBuf),
    /// The terminal.
    Terminal,
}

impl Words {
    /// Makes the file, or makes sure of a terminal.
    pub(super) fn prepare(file: Option<&Path>) -> Result<Words, Failure> {
        let Some(path) = file else {
            if prompt::possible() {
                return Ok(Words::Terminal);
            }
            return Err(
                Failure::usage("there is no terminal to show the 24 words on")
                    .hint("name a file for them: --words-out FILE"),
            );
        };
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| {
                Failure::io(format!("cannot create {}", path.display()), &error)
                    .hint("name a file that is not there yet, in a directory that is yours")
            })?;
        Ok(Words::File(file, path.to_owned()))
    }

    /// Writes the words where they go.
    pub(super) fn write(self, words: &Zeroizing<String>) -> Result<(), Failure> {
        match self {
            Words::File(mut file, path) => {
                let mut line = Zeroizing::new(String::with_capacity(words.len() + 1));
                line.push_str(words);
                line.push('\n');
                file.write_all(line.as_bytes())
                    .and_then(|()| file.sync_all())
                    .map_err(|error| {
                        Failure::io(
                            format!("cannot write the words to {}", path.display()),
                            &error,
                        )
                        .hint("show them again: solo2 identity words show")
                    })
            }
            Words::Terminal => prompt::show(&numbered(words)),
        }
    }

    /// Takes an empty file away again.
    pub(super) fn discard(self) {
        if let Words::File(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Four numbered words to a line.
fn numbered(words: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(1024));
    for (at, word) in words.split_whitespace().enumerate() {
        let number = at + 1;
        text.push_str(if at == 0 {
            ""
        } else if at % 4 == 0 {
            "\n"
        } else {
            " "
        });
        text.push_str(&Zeroizing::new(format!("{number:>3} {word:<9}")));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_shown_four_to_a_line_and_numbered() {
        let shown = numbered("abandon ability able about above");
        assert_eq!(
            shown.as_str(),
            "  1 abandon     2 ability     3 able        4 about    \n  5 above    \n"
        );
    }
}

//! `solo2 wipe`: a profile, or all of them, gone from this machine.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Outcome, agent as verbs};
use crate::agent::OwnerLock;
use crate::context::Context;
use crate::error::Failure;
use crate::node::doors;
use crate::output::{Text, prompt};
use crate::paths::{self, Profile, ProfileName};
use crate::{device_secret, event};

/// The word that is typed to destroy everything.
const ERASE: &str = "ERASE";

/// Destroy a profile, or everything, on this machine
///
/// What opens the vault is overwritten first, then all files go. Nobody can undo this, your
/// 24 words neither: they open a vault, and there is none any more. Archives that you exported
/// stay where they are. Your contacts are not told.
#[derive(Args)]
pub(crate) struct Wipe {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Destroy one profile: identity, vault, everything; the others stay
    Profile {
        /// Its name
        name: ProfileName,
        /// The same name again, for a script; on a terminal you are asked
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
    /// Destroy every profile, and the configuration
    All {
        /// The word ERASE, for a script; on a terminal you are asked
        #[arg(long, value_name = "ERASE")]
        confirm: Option<String>,
        /// The name of this machine, so that a script ends on the right one
        #[arg(long, value_name = "HOST")]
        confirm_host: Option<String>,
    },
}

impl Wipe {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        match self.verb {
            Verb::Profile { name, confirm } => profile(cx, name, confirm.as_deref()),
            Verb::All {
                confirm,
                confirm_host,
            } => all(cx, confirm.as_deref(), confirm_host.as_deref()),
        }
    }
}

fn profile(cx: &Context, name: ProfileName, confirm: Option<&str>) -> Outcome {
    let known = Profile::all(cx.globals.home.as_deref())?;
    let profile = match known.into_iter().find(|profile| profile.name == name) {
        Some(profile) => profile,
        None => {
            let absent = Profile::locate(cx.globals.home.as_deref(), name)?;
            absent.must_exist()?;
            absent
        }
    };
    let name = profile.name.as_str();
    make_sure(
        cx,
        &format!("Destroy profile {name} on this machine, for good?"),
        &[("Type the profile's name", name, confirm)],
        &format!("solo2 wipe profile {name} --confirm {name}"),
    )?;
    wipe(cx, &profile)?;
    Ok(0)
}

fn all(cx: &Context, confirm: Option<&str>, confirm_host: Option<&str>) -> Outcome {
    let profiles = Profile::all(cx.globals.home.as_deref())?;
    let names: Vec<&str> = profiles.iter().map(|one| one.name.as_str()).collect();
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().into_owned();
    make_sure(
        cx,
        &format!(
            "Destroy everything of solo2 here, {} profiles ({}), for good?",
            names.len(),
            names.join(", ")
        ),
        &[
            ("Type ERASE", ERASE, confirm),
            ("Type the name of this machine", &host, confirm_host),
        ],
        "solo2 wipe all --confirm ERASE --confirm-host \"$(hostname)\"",
    )?;
    for profile in &profiles {
        wipe(cx, profile)?;
    }
    let config = paths::user_config(None, cx.globals.home.as_deref())?;
    remove(&config, |file| fs::remove_file(file))?;
    if let Some(dir) = config.parent() {
        remove_empty(dir, None);
    }
    Ok(0)
}

/// Both answers: a yes, and every word typed; or every word as a flag. `--yes` is none of them.
fn make_sure(
    cx: &Context,
    question: &str,
    words: &[(&str, &str, Option<&str>)],
    script: &str,
) -> Result<(), Failure> {
    let nothing = |why: &str| {
        Failure::usage(format!("{why}; nothing was done")).hint(format!("in a script: {script}"))
    };
    let given: Vec<_> = words.iter().filter(|(.., given)| given.is_some()).collect();
    if !given.is_empty() {
        let right = |(_, word, given): &(&str, &str, Option<&str>)| *given == Some(*word);
        return match words.iter().all(right) {
            true => Ok(()),
            false => Err(nothing("that is not the confirmation")),
        };
    }
    if cx.globals.no_input || !prompt::possible() {
        return Err(nothing("this needs to be confirmed"));
    }
    if !prompt::confirm(question)? {
        return Err(nothing("not confirmed"));
    }
    for (question, word, _) in words {
        if !prompt::typed(question, word)? {
            return Err(nothing("that is not the word"));
        }
    }
    Ok(())
}

/// Stops whoever has the profile, destroys what opens it, then removes it.
fn wipe(cx: &Context, profile: &Profile) -> Result<(), Failure> {
    cx.block_on(async {
        verbs::stop_owner(profile).await?;
        let _lock = OwnerLock::take(profile, cx.globals.lock_timeout.0).await?;
        doors::destroy_file(&device_secret::file(profile))?;
        device_secret::forget_keyring(profile)?;
        doors::erase(&profile.paths)?;
        // Under the lock, whose file goes with them: whoever waits for it finds no vault.
        remove(&profile.paths.state, |dir| fs::remove_dir_all(dir))?;
        remove(&profile.socket, |file| fs::remove_file(file))
    })?;
    for dir in [&profile.paths.vault, &profile.paths.state] {
        if let Some(parent) = dir.parent() {
            remove_empty(parent, Some(&profile.name));
        }
    }
    if cx.out.is_json() {
        return cx.out.object(&event::event(
            "wipe",
            json!({
                "profile": profile.name.as_str(),
                "vault": profile.paths.vault.display().to_string(),
            }),
        ));
    }
    let text = Text::new()
        .plain("profile ")
        .line(profile.name.as_str())
        .plain(" is gone from this machine; your contacts are not told");
    cx.out.text(&text)
}

fn remove(path: &Path, how: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<(), Failure> {
    match how(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::io(
            format!("cannot remove {}", path.display()),
            &error,
        )
        .hint("the keys are destroyed; mend this and say it again")),
        _ => Ok(()),
    }
}

/// Takes a directory of our own making along if nothing is left in it.
fn remove_empty(dir: &Path, profile: Option<&ProfileName>) {
    let name = dir.file_name().and_then(|name| name.to_str());
    if name == Some("solo2") || (name.is_some() && name == profile.map(ProfileName::as_str)) {
        let _ = fs::remove_dir(dir);
    }
}

//! `solo2 vault device-secret`: the vault opens on this machine without a password.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use super::passwd;
use crate::cli::Outcome;
use crate::context::Context;
use crate::device_secret::{self, Kept};
use crate::error::Failure;
use crate::event;
use crate::node::doors;
use crate::output::Text;
use crate::paths::Profile;

/// Let this machine open the vault without a password
///
/// A random secret that only this machine has opens the vault, so that an agent can start at
/// boot. Password and words open it as before. Whoever has this machine's disk and its
/// secret reads the vault: encrypt the disk, or let systemd or a keyring keep the secret.
#[derive(Subcommand)]
pub(crate) enum DeviceSecret {
    /// Make a new one; takes the password or the words
    On {
        /// Use the 24 words in this file instead of the password, or - for stdin
        #[arg(long, value_name = "FILE")]
        words_file: Option<PathBuf>,
        /// Write it to this new file, or - for stdout, instead of keeping it here
        ///
        /// For systemd: solo2 vault device-secret on -o - --password-file PW |
        /// systemd-creds encrypt --name=solo2-device-secret - FILE
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Keep it in the keyring of your desktop's session (Secret Service), and on no disk of ours
        #[arg(long, conflicts_with = "out")]
        keyring: bool,
    },
    /// Destroy it: the vault opens by password and words alone
    Off,
    /// Tell whether there is one, and where
    Status,
}

impl DeviceSecret {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let profile = cx.profile()?;
        profile.must_exist()?;
        profile.check_permissions()?;
        match self {
            DeviceSecret::On {
                words_file,
                out,
                keyring,
            } => {
                let place = match out.as_deref() {
                    None if keyring => Place::Keyring,
                    None => Place::Here,
                    Some(out) if out == Path::new("-") => Place::Stdout,
                    Some(out) => Place::File(out),
                };
                on(cx, &profile, words_file.as_deref(), &place)
            }
            DeviceSecret::Off => {
                device_secret::remove(&profile)?;
                say(cx, &profile)
            }
            DeviceSecret::Status => say(cx, &profile),
        }
    }
}

/// Where a new one goes.
#[derive(PartialEq, Eq)]
enum Place<'a> {
    /// The state directory.
    Here,
    Keyring,
    File(&'a Path),
    Stdout,
}

fn on(cx: &Context, profile: &Profile, words: Option<&Path>, place: &Place<'_>) -> Outcome {
    if cx.settings()?.max_security {
        return Err(Failure::usage(
            "vault.max_security is on: this machine keeps nothing that opens the vault",
        )
        .code("max_security")
        .hint("turn it off first: solo2 config set vault.max_security false"));
    }
    let stdout = *place == Place::Stdout;
    if stdout && (cx.out.is_json() || cx.out.data().is_terminal()) {
        return Err(
            Failure::usage("the device secret goes to another program, not to a terminal")
                .hint("pipe it: solo2 vault device-secret on -o - | systemd-creds encrypt …"),
        );
    }
    let entropy = passwd::entropy(cx, profile, words)?;
    let secret = doors::new_device_secret();
    // Kept before its door is opened: a door without its secret would help nobody.
    match *place {
        Place::Here => drop(device_secret::keep(profile, &secret)?),
        Place::Keyring => device_secret::keep_in_keyring(profile, &secret)?,
        Place::File(file) => device_secret::write(file, &secret)?,
        Place::Stdout => cx.out.raw(device_secret::line(&secret).as_bytes())?,
    }
    let opened = cx.block_on(doors::set_device_secret(
        &profile.paths,
        entropy,
        secret.duplicate(),
    ));
    // What was kept before opens nothing any more; neither does this one, if its door did not open.
    let useless = |kept: Place<'_>| (*place == kept) == opened.is_err();
    if useless(Place::Here) {
        doors::destroy_file(&device_secret::file(profile))?;
    }
    if useless(Place::Keyring) {
        device_secret::forget_keyring(profile)?;
    }
    opened?;
    if stdout {
        return Ok(0);
    }
    say(cx, profile)
}

fn say(cx: &Context, profile: &Profile) -> Outcome {
    let status = status(cx, profile)?;
    if cx.out.is_json() {
        cx.out.object(&status)?;
        return Ok(0);
    }
    let text = match (status["kept"].as_str(), status["path"].as_str()) {
        _ if status["set"] != true => {
            Text::new().plain("off: the vault opens by password and words alone")
        }
        (Some("keyring"), _) => {
            Text::new().plain("on: the keyring of your session opens the vault")
        }
        (_, Some(path)) => Text::new()
            .plain("on: this machine opens the vault by ")
            .line(path),
        _ => Text::new().plain("on, but its secret is not here"),
    };
    cx.out.text(&text)?;
    Ok(0)
}

/// How it stands with the device secret.
fn status(cx: &Context, profile: &Profile) -> Result<Value, Failure> {
    let found = device_secret::find(profile)?.map(|(_, kept)| kept);
    Ok(event::event(
        "vault.device-secret",
        json!({
            "profile": profile.name.as_str(),
            "set": doors::has_device_secret(&profile.paths)?,
            "kept": found.as_ref().map(Kept::as_str),
            "path": found.as_ref().and_then(Kept::path).map(|path| path.display().to_string()),
            "max_security": cx.settings()?.max_security,
        }),
    ))
}

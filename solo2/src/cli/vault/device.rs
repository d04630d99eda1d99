//! `solo2 vault device-secret`: the vault opens on this machine without a password.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use super::passwd;
use crate::cli::Outcome;
use crate::context::Context;
use crate::device_secret;
use crate::error::Failure;
use crate::event;
use crate::node::doors;
use crate::output::Text;
use crate::paths::Profile;

/// Let this machine open the vault without a password
///
/// A random secret that only this machine has opens the vault, so that an agent can start at
/// boot. Password and words open it as before. Whoever has this machine's disk and its
/// secret reads the vault: encrypt the disk, or let systemd keep the secret.
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
            DeviceSecret::On { words_file, out } => {
                on(cx, &profile, words_file.as_deref(), out.as_deref())
            }
            DeviceSecret::Off => {
                device_secret::remove(&profile)?;
                say(cx, &profile)
            }
            DeviceSecret::Status => say(cx, &profile),
        }
    }
}

fn on(cx: &Context, profile: &Profile, words: Option<&Path>, out: Option<&Path>) -> Outcome {
    if cx.settings()?.max_security {
        return Err(Failure::usage(
            "vault.max_security is on: this machine keeps nothing that opens the vault",
        )
        .code("max_security")
        .hint("turn it off first: solo2 config set vault.max_security false"));
    }
    let stdout = out == Some(Path::new("-"));
    if stdout && (cx.out.is_json() || cx.out.data().is_terminal()) {
        return Err(
            Failure::usage("the device secret goes to another program, not to a terminal")
                .hint("pipe it: solo2 vault device-secret on -o - | systemd-creds encrypt …"),
        );
    }
    let entropy = passwd::entropy(cx, profile, words)?;
    let secret = doors::new_device_secret();
    // Kept before its door is opened: a door without its secret would help nobody.
    match out {
        None => drop(device_secret::keep(profile, &secret)?),
        Some(_) if stdout => cx.out.raw(device_secret::line(&secret).as_bytes())?,
        Some(file) => device_secret::write(file, &secret)?,
    }
    let opened = cx.block_on(doors::set_device_secret(
        &profile.paths,
        entropy,
        secret.duplicate(),
    ));
    match (opened, out) {
        (Ok(()), Some(_)) => {
            // One that was kept here before opens nothing any more.
            doors::destroy_file(&device_secret::file(profile))?;
        }
        (Ok(()), None) => {}
        (Err(failure), None) => {
            doors::destroy_file(&device_secret::file(profile))?;
            return Err(failure);
        }
        (Err(failure), Some(_)) => return Err(failure),
    }
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
    let text = match (status["set"] == true, status["path"].as_str()) {
        (false, _) => Text::new().plain("off: the vault opens by password and words alone"),
        (true, Some(path)) => Text::new()
            .plain("on: this machine opens the vault by ")
            .line(path),
        (true, None) => Text::new().plain("on, but its secret is not here"),
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
            "kept": found.as_ref().map(device_secret::Kept::as_str),
            "path": found.as_ref().map(|kept| kept.path().display().to_string()),
            "max_security": cx.settings()?.max_security,
        }),
    ))
}

//! `solo2 config`: read and edit the settings.

use std::process::Command;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Outcome;
use super::agent::reload;
use crate::agent;
use crate::config::{self, Key, Settings};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::output::Text;
use crate::paths::{self, Profile};
use crate::{event, unlock};

/// Read and edit the settings
#[derive(Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Print the value in force
    Get {
        /// Such as net.signal
        key: Key,
    },
    /// Write a value to your configuration file
    Set {
        /// Such as net.signal
        key: Key,
        /// The value; some keys take several
        #[arg(required = true)]
        values: Vec<String>,
    },
    /// Print every key and its value in force
    List,
    /// Print where your configuration file is
    Path,
    /// Open your configuration file in $EDITOR
    Edit,
}

impl Config {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        match self.verb {
            Verb::Get { key } => {
                let value = cx.settings()?.get(key);
                if cx.out.is_json() {
                    say(cx, key, &value)?;
                } else {
                    cx.out.text(&Text::new().line(&value))?;
                }
            }
            Verb::Set { key, values } => {
                config::set(&cx.config_file()?, key, &values)?;
                let settings = cx.settings()?;
                enforce(cx, &settings)?;
                if cx.out.is_json() {
                    say(cx, key, &settings.get(key))?;
                }
                match key {
                    // What hides must not wait for somebody to remember.
                    Key::NetRoute | Key::NetStrict | Key::TorConfig | Key::PrivacyCover => {
                        reload(cx)?;
                    }
                    _ => remind(cx)?,
                }
            }
            Verb::List => {
                let settings = cx.settings()?;
                for key in Key::ALL {
                    say(cx, key, &settings.get(key))?;
                }
            }
            Verb::Path => {
                let file = cx.config_file()?.display().to_string();
                if cx.out.is_json() {
                    cx.out
                        .object(&event::event("config", json!({"path": file})))?;
                } else {
                    cx.out.text(&Text::new().line(&file))?;
                }
            }
            Verb::Edit => edit(cx)?,
        }
        Ok(0)
    }
}

fn say(cx: &Context, key: Key, value: &str) -> Result<(), Failure> {
    let (name, about) = key.row();
    if cx.out.is_json() {
        return cx.out.object(&event::event(
            "config",
            json!({"key": name, "value": value}),
        ));
    }
    cx.out.text(
        &Text::new()
            .bold(name)
            .plain(" = ")
            .line(value)
            .plain("  ")
            .dim(&format!("# {about}")),
    )
}

fn edit(cx: &Context) -> Result<(), Failure> {
    let file = cx.config_file()?;
    if let Some(dir) = file.parent() {
        paths::make_private(dir)?;
    }
    let editor = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| "vi".to_owned());
    // $EDITOR may hold flags, as every program that honours it allows.
    let status = Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("sh")
        .arg(&file)
        .status()
        .map_err(|error| Failure::io(format!("cannot run \"{editor}\""), &error))?;
    if !status.success() {
        return Err(Failure::new(
            Kind::Io,
            format!("\"{editor}\" failed: {status}"),
        ));
    }
    config::check(&file)?;
    enforce(cx, &cx.settings()?)?;
    remind(cx)
}

/// With `vault.max_security`, no profile that the configuration is for keeps a device secret.
fn enforce(cx: &Context, settings: &Settings) -> Result<(), Failure> {
    if settings.max_security {
        for profile in Profile::all(cx.globals.home.as_deref())? {
            unlock::enforce(&profile, settings)?;
        }
    }
    Ok(())
}

/// A running agent goes on with what it read until it is told.
fn remind(cx: &Context) -> Result<(), Failure> {
    let profile = cx.profile()?;
    if agent::is_owned(&profile)? {
        cx.out
            .note("a running agent reads it with: solo2 agent reload");
    }
    Ok(())
}

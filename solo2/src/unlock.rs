//! What opens the vault for a command, in the order of docs/cli.md §1: a password that was
//! given, the device secret, a password that is asked for.

use crate::config::Settings;
use crate::context::Context;
use crate::device_secret;
use crate::error::{Failure, Kind};
use crate::node::Unlock;
use crate::password;
use crate::paths::Profile;

/// What opens the vault, or the failure that says what to give.
pub(crate) fn need(cx: &Context, profile: &Profile) -> Result<Unlock, Failure> {
    if let Some(password) = password::given(&cx.globals)? {
        return Ok(Unlock::Password(password));
    }
    let trouble = match device(profile, &cx.settings()?) {
        Ok(Some(unlock)) => return Ok(unlock),
        Ok(None) => None,
        // A keyring out of reach is no reason not to ask.
        Err(failure) if failure.code == "keyring" => Some(failure),
        Err(failure) => return Err(failure),
    };
    let password = password::need(&cx.globals, profile.name.as_str());
    match (password, trouble) {
        // Nobody was there to ask, or to answer.
        (Err(failure), Some(trouble)) if failure.exit == Kind::Locked.exit() => Err(trouble),
        (password, _) => password.map(Unlock::Password),
    }
}

/// The device secret, where one may be used.
pub(crate) fn device(profile: &Profile, settings: &Settings) -> Result<Option<Unlock>, Failure> {
    if settings.max_security {
        return Ok(None);
    }
    let found = device_secret::find(profile)?;
    Ok(found.map(|(secret, _)| Unlock::Device(secret)))
}

/// Where `vault.max_security` is on, no device secret may be left: neither ours nor its door.
pub(crate) fn enforce(profile: &Profile, settings: &Settings) -> Result<(), Failure> {
    if !settings.max_security {
        return Ok(());
    }
    match device_secret::remove(profile) {
        Err(failure) if failure.code != "no_vault" => Err(failure),
        _ => Ok(()),
    }
}

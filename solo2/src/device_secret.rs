//! The device secret: what opens the vault on this machine without a password.
//!
//! 32 random bytes that only this device has, written as 64 hexadecimal digits. They never
//! replace password or words, which open the vault with or without them. Looked for in this
//! order:
//!
//! ```text
//!   $CREDENTIALS_DIRECTORY/solo2-device-secret      systemd hands it over, from a TPM if there is one
//!   STATE/device.secret                             0600, outside the vault
//!   the keyring of the session, if STATE/device.keyring names an entry in it
//! ```
//! One that does not open the vault any more counts as none. With `vault.max_security` there
//! is none: it is not looked for, and destroyed where it is found.
//! Spec: docs/protocol/5-vault.md §2.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use solo2_crypto::secret::Secret;
use zeroize::Zeroizing;

use crate::error::{Failure, Kind};
use crate::node::doors;
use crate::password;
use crate::paths::{self, Profile};

mod keyring;

/// Bytes of its text.
const DIGITS: usize = 64;

/// Where a device secret was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The service manager gave it to this process.
    Credential(PathBuf),
    /// In the state directory.
    File(PathBuf),
    /// In the keyring of the user's session.
    Keyring,
}

impl Kept {
    /// The word in JSON.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Kept::Credential(_) => "credential",
            Kept::File(_) => "file",
            Kept::Keyring => "keyring",
        }
    }

    /// Which file that is, if it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Kept::Credential(path) | Kept::File(path) => Some(path),
            Kept::Keyring => None,
        }
    }
}

/// The device secret of a profile, if it is here and opens the vault.
pub(crate) fn find(profile: &Profile) -> Result<Option<(Secret<32>, Kept)>, Failure> {
    // What is wrong with a vault is said by whoever opens it.
    if !doors::has_device_secret(&profile.paths).unwrap_or(false) {
        return Ok(None);
    }
    let credential = env::var_os("CREDENTIALS_DIRECTORY")
        .map(|dir| Kept::Credential(Path::new(&dir).join("solo2-device-secret")));
    let places = [Kept::File(file(profile)), Kept::Keyring];
    for kept in credential.into_iter().chain(places) {
        let secret = match &kept {
            Kept::Credential(path) | Kept::File(path) => read(path)?,
            Kept::Keyring => in_keyring(profile)?,
        };
        if let Some(secret) = secret
            && doors::device_secret_opens(&profile.paths, &secret)?
        {
            return Ok(Some((secret, kept)));
        }
    }
    Ok(None)
}

/// Keeps a secret in the state directory, in the place of any other.
pub(crate) fn keep(profile: &Profile, secret: &Secret<32>) -> Result<PathBuf, Failure> {
    let place = file(profile);
    paths::make_private(&profile.paths.state)?;
    doors::destroy_file(&place)?;
    write(&place, secret)?;
    Ok(place)
}

/// The secret in the keyring, if this profile has one there.
fn in_keyring(profile: &Profile) -> Result<Option<Secret<32>>, Failure> {
    let Some(entry) = entry(profile)? else {
        return Ok(None);
    };
    let Some(text) = keyring::get(&entry)? else {
        return Err(Failure::new(
            Kind::Locked,
            "the keyring has no device secret of this profile any more",
        )
        .code("keyring")
        .hint(
            "the password opens the vault; make a new one: solo2 vault device-secret on --keyring",
        ));
    };
    Ok(parse(&text))
}

/// Keeps a secret in the keyring, in a new entry.
pub(crate) fn keep_in_keyring(profile: &Profile, secret: &Secret<32>) -> Result<(), Failure> {
    let name = format!("{:032x}", rand::random::<u128>());
    let label = format!("Solo2, device secret of {}", profile.name.as_str());
    keyring::put(&name, &label, &text(secret))?;
    let noted = paths::make_private(&profile.paths.state)
        .and_then(|()| forget_keyring(profile))
        .and_then(|()| create(&note(profile), name.as_bytes()));
    if noted.is_err() {
        let _ = keyring::delete(&name);
    }
    noted
}

/// Deletes what the keyring has of this profile. An entry out of reach stays behind and opens
/// nothing once its door is walled up.
pub(crate) fn forget_keyring(profile: &Profile) -> Result<(), Failure> {
    if let Some(entry) = entry(profile)? {
        let _ = keyring::delete(&entry);
    }
    doors::destroy_file(&note(profile))
}

/// What the entry in the keyring is called.
fn entry(profile: &Profile) -> Result<Option<String>, Failure> {
    let path = note(profile);
    match fs::read_to_string(&path) {
        Ok(name) if name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(Some(name))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io(
            format!("cannot read {}", path.display()),
            &error,
        )),
    }
}

/// Where the entry's name stands.
fn note(profile: &Profile) -> PathBuf {
    profile.paths.state.join("device.keyring")
}

/// Writes a secret to a new file of its own.
pub(crate) fn write(place: &Path, secret: &Secret<32>) -> Result<(), Failure> {
    create(place, line(secret).as_bytes())
}

fn create(place: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| {
        Failure::io(format!("cannot write {}", place.display()), error)
            .hint("name a new file in a directory of yours")
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(place)
        .map_err(|error| failed(&error))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = fs::remove_file(place);
        return Err(failed(&error));
    }
    let dir = place.parent().filter(|dir| !dir.as_os_str().is_empty());
    File::open(dir.unwrap_or(Path::new(".")))
        .and_then(|dir| dir.sync_all())
        .map_err(|error| failed(&error))
}

/// Destroys a profile's device secret and walls up its door; password and words stay.
/// Whether there was one.
pub(crate) fn remove(profile: &Profile) -> Result<bool, Failure> {
    let place = file(profile);
    let there = fs::symlink_metadata(&place).is_ok() || doors::has_device_secret(&profile.paths)?;
    doors::destroy_file(&place)?;
    doors::remove_device_secret(&profile.paths)?;
    forget_keyring(profile)?;
    Ok(there)
}

/// Where a profile keeps it.
pub(crate) fn file(profile: &Profile) -> PathBuf {
    profile.paths.state.join("device.secret")
}

/// 64 hexadecimal digits and a line end.
pub(crate) fn line(secret: &Secret<32>) -> Zeroizing<String> {
    let mut text = text(secret);
    text.push('\n');
    text
}

/// 64 hexadecimal digits.
pub(crate) fn text(secret: &Secret<32>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(DIGITS + 1));
    for byte in secret.expose() {
        for half in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(half), 16));
        }
    }
    text
}

/// Undoes [`text`].
pub(crate) fn parse(text: &str) -> Option<Secret<32>> {
    let digits = text.as_bytes();
    if digits.len() != DIGITS || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default();
    let (pairs, _) = digits.as_chunks::<2>();
    Some(Secret::fill(|place| {
        for (byte, [high, low]) in place.iter_mut().zip(pairs) {
            *byte = u8::try_from(value(*high) * 16 + value(*low)).unwrap_or_default();
        }
    }))
}

fn read(place: &Path) -> Result<Option<Secret<32>>, Failure> {
    let from = match File::open(place) {
        Ok(from) => from,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Failure::io(
                format!("cannot read the device secret in {}", place.display()),
                &error,
            )
            .hint("give it back to you alone, or do without: solo2 vault device-secret off"));
        }
    };
    let text = password::read_text(from, &place.display().to_string(), DIGITS)?;
    Ok(parse(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_secret_is_64_hexadecimal_digits() {
        let secret = Secret::fill(|place| {
            for (at, byte) in (0..).zip(place.iter_mut()) {
                *byte = at * 8 + 5;
            }
        });
        let written = text(&secret);
        assert!(written.starts_with("050d151d"), "{}", &*written);
        assert!(parse(&written).is_some_and(|read| read.same_as(&secret)));
        assert!(parse(&written.to_uppercase()).is_some_and(|read| read.same_as(&secret)));
        for bad in ["", "05", &written[1..], &format!("{}g", &written[1..])] {
            assert!(parse(bad).is_none(), "{bad:?}");
        }
    }
}

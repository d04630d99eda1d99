//! Where a profile's files are.
//!
//! Either everything under `--home DIR`, so that a run is hermetic, or the XDG
//! directories. Nothing here creates or opens a file of the vault; that is the
//! store's business.
//! Spec: docs/cli.md, "Environment and files".

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::{Failure, Kind};
use crate::node;

/// The profile that is used when none is named.
pub(crate) const DEFAULT_PROFILE: &str = "default";

/// A Unix socket's path has 108 bytes at most on Linux, 104 elsewhere.
const LONGEST_SOCKET: usize = 100;

/// A profile's name: a file name, and nothing clever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProfileName(String);

impl ProfileName {
    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ProfileName {
    fn default() -> ProfileName {
        ProfileName(DEFAULT_PROFILE.to_owned())
    }
}

impl FromStr for ProfileName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<ProfileName, &'static str> {
        let fine = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if text.is_empty() || text.len() > 32 {
            Err("a profile name has 1 to 32 characters")
        } else if !text.chars().all(fine) || text.starts_with(['-', '.']) {
            Err(
                "a profile name is made of letters, digits, '-', '_' and '.', and starts with neither '-' nor '.'",
            )
        } else {
            Ok(ProfileName(text.to_owned()))
        }
    }
}

/// One profile and its places.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) name: ProfileName,
    pub(crate) paths: node::Paths,
    /// The agent's socket.
    pub(crate) socket: PathBuf,
}

impl Profile {
    /// Finds the places of `name`, under `home` if there is one.
    pub(crate) fn locate(home: Option<&Path>, name: ProfileName) -> Result<Profile, Failure> {
        let (vault, state, socket) = match home {
            Some(home) => {
                let home = absolute(home)?;
                let base = if name == ProfileName::default() {
                    home
                } else {
                    home.join(name.as_str())
                };
                (
                    base.join("vault"),
                    base.join("state"),
                    base.join("agent.sock"),
                )
            }
            None => {
                let vault = xdg("XDG_DATA_HOME", ".local/share")?.join(name.as_str());
                let state = xdg("XDG_STATE_HOME", ".local/state")?.join(name.as_str());
                let file = format!("{}.sock", name.as_str());
                let socket = match env_path("XDG_RUNTIME_DIR") {
                    Some(run) => run.join("solo2").join(file),
                    None => state.join("agent.sock"),
                };
                (vault, state, socket)
            }
        };
        let socket = env_path("SOLO2_SOCKET").unwrap_or(socket);
        Ok(Profile {
            name,
            paths: node::Paths { vault, state },
            socket: shorten(socket),
        })
    }

    /// Every profile under `home`, or of this user: those with a vault, and those of which
    /// only a part is left.
    pub(crate) fn all(home: Option<&Path>) -> Result<Vec<Profile>, Failure> {
        let (dirs, base) = match home {
            Some(home) => (vec![absolute(home)?], Some(absolute(home)?)),
            None => (
                vec![
                    xdg("XDG_DATA_HOME", ".local/share")?,
                    xdg("XDG_STATE_HOME", ".local/state")?,
                ],
                None,
            ),
        };
        let mut names = BTreeSet::from([DEFAULT_PROFILE.to_owned()]);
        for dir in dirs {
            let entries = match fs::read_dir(&dir) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    return Err(Failure::io(
                        format!("cannot read {}", dir.display()),
                        &error,
                    ));
                }
            };
            names.extend(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()));
        }
        let mut found = Vec::new();
        for name in names {
            // Beside the profiles of a home lie the directories of its default one.
            let is_part = base.is_some() && ["vault", "state"].contains(&name.as_str());
            let Ok(name) = name.parse::<ProfileName>() else {
                continue;
            };
            let profile = Profile::locate(home, name)?;
            if !is_part && (profile.exists() || profile.paths.state.is_dir()) {
                found.push(profile);
            }
        }
        Ok(found)
    }

    /// Whether there is a vault.
    pub(crate) fn exists(&self) -> bool {
        self.paths.vault.is_dir()
    }

    /// Refuses a profile that is not there.
    pub(crate) fn must_exist(&self) -> Result<(), Failure> {
        if self.exists() {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Io,
            format!(
                "profile \"{}\" does not exist: no vault in {}",
                self.name.as_str(),
                self.paths.vault.display()
            ),
        )
        .code("no_profile")
        .hint("create it: solo2 init"))
    }

    /// Refuses directories that others could read or replace.
    pub(crate) fn check_permissions(&self) -> Result<(), Failure> {
        private(&self.paths.vault)?;
        private(&self.paths.state)
    }
}

/// The user's configuration file.
pub(crate) fn user_config(
    explicit: Option<&Path>,
    home: Option<&Path>,
) -> Result<PathBuf, Failure> {
    match (explicit, home) {
        (Some(file), _) => absolute(file),
        (None, Some(home)) => Ok(absolute(home)?.join("config.toml")),
        (None, None) => Ok(xdg("XDG_CONFIG_HOME", ".config")?.join("config.toml")),
    }
}

/// The machine's configuration file.
pub(crate) fn system_config() -> &'static Path {
    Path::new("/etc/solo2/config.toml")
}

/// Creates a directory for this user alone, with its parents.
pub(crate) fn make_private(dir: &Path) -> Result<(), Failure> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| Failure::io(format!("cannot create {}", dir.display()), &error))
}

/// Refuses a directory for the socket that others could replace it in.
pub(crate) fn check_socket_dir(dir: &Path) -> Result<(), Failure> {
    let found = fs::metadata(dir)
        .map_err(|error| Failure::io(format!("cannot use {}", dir.display()), &error))?;
    let own = found.uid() == rustix::process::geteuid().as_raw();
    if own && found.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(
        Failure::new(Kind::Io, format!("others can write to {}", dir.display()))
            .code("not_private")
            .hint(format!("close it: chmod 700 {}", dir.display())),
    )
}

fn private(dir: &Path) -> Result<(), Failure> {
    let Ok(found) = fs::metadata(dir) else {
        return Ok(());
    };
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(Failure::new(
            Kind::Io,
            format!("{} belongs to another user", dir.display()),
        )
        .code("not_private")
        .hint("use a profile of your own: --home DIR"));
    }
    if found.mode() & 0o077 != 0 {
        return Err(Failure::new(
            Kind::Io,
            format!("{} is open to other users", dir.display()),
        )
        .code("not_private")
        .hint(format!("close it: chmod 700 {}", dir.display())));
    }
    Ok(())
}

fn env_path(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn xdg(variable: &str, fallback: &str) -> Result<PathBuf, Failure> {
    if let Some(dir) = env_path(variable).filter(|dir| dir.is_absolute()) {
        return Ok(dir.join("solo2"));
    }
    let home = env_path("HOME").ok_or_else(|| {
        Failure::new(Kind::Io, "no home directory: HOME is not set")
            .hint("name a directory: --home DIR")
    })?;
    Ok(home.join(fallback).join("solo2"))
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::io(format!("cannot use {}", path.display()), &error))
}

/// A socket whose path is too long for the kernel moves to a short one, named
/// by a hash of the long one so that every process finds the same.
fn shorten(socket: PathBuf) -> PathBuf {
    if socket.as_os_str().len() <= LONGEST_SOCKET {
        return socket;
    }
    // FNV-1a. Nothing rests on it but the name; peer credentials guard the socket.
    let hash = socket
        .as_os_str()
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let file = format!("{hash:016x}.sock");
    let short = match env_path("XDG_RUNTIME_DIR") {
        Some(run) => run.join("solo2").join(&file),
        None => temporary(&file),
    };
    if short.as_os_str().len() <= LONGEST_SOCKET {
        short
    } else {
        temporary(&file)
    }
}

fn temporary(file: &str) -> PathBuf {
    PathBuf::from(format!(
        "/tmp/solo2-{}",
        rustix::process::geteuid().as_raw()
    ))
    .join(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_a_home_is_under_it() {
        let home = Path::new("/x/a");
        let profile = Profile::locate(Some(home), ProfileName::default()).expect("locate");
        assert_eq!(profile.paths.vault, Path::new("/x/a/vault"));
        assert_eq!(profile.paths.state, Path::new("/x/a/state"));
        assert_eq!(profile.socket, Path::new("/x/a/agent.sock"));
        assert_eq!(
            user_config(None, Some(home)).expect("config"),
            Path::new("/x/a/config.toml")
        );
    }

    #[test]
    fn a_second_profile_of_a_home_has_its_own_socket() {
        let name = "desk".parse().expect("name");
        let profile = Profile::locate(Some(Path::new("/x/a")), name).expect("locate");
        assert_eq!(profile.socket, Path::new("/x/a/desk/agent.sock"));
    }

    #[test]
    fn every_profile_of_a_home_is_found_and_nothing_else() {
        let dir = tempfile::tempdir().expect("tempdir");
        for part in [
            "vault",
            "state",
            "desk/vault",
            "desk/state",
            "half/state",
            "papers",
        ] {
            fs::create_dir_all(dir.path().join(part)).expect("mkdir");
        }
        fs::write(dir.path().join("config.toml"), "").expect("write");
        let names = |profiles: Vec<Profile>| -> Vec<String> {
            let names = profiles
                .iter()
                .map(|profile| profile.name.as_str().to_owned());
            names.collect()
        };
        let all = Profile::all(Some(dir.path())).expect("all");
        assert_eq!(names(all), ["default", "desk", "half"]);
        let none = Profile::all(Some(&dir.path().join("papers"))).expect("all");
        assert!(none.is_empty());
    }

    #[test]
    fn a_long_socket_path_is_shortened_the_same_way_each_time() {
        let long = Path::new("/x").join("y".repeat(200));
        let one = Profile::locate(Some(&long), ProfileName::default()).expect("locate");
        let two = Profile::locate(Some(&long), ProfileName::default()).expect("locate");
        assert!(one.socket.as_os_str().len() <= LONGEST_SOCKET);
        assert_eq!(one.socket, two.socket);
    }

    #[test]
    fn a_profile_name_is_never_a_path() {
        for bad in ["", "..", "a/b", ".x", "-p", "a b", "ä", "a\n"] {
            assert!(ProfileName::from_str(bad).is_err(), "{bad:?}");
        }
        assert!(ProfileName::from_str("work-2.bak_x").is_ok());
    }
}

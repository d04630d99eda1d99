//! Whom a server becomes once its sockets are bound.

use std::fs;
use std::io;
use std::str::FromStr;

use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use serde::{Deserialize, Deserializer};

/// A user of this machine, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    uid: Uid,
    gid: Gid,
}

impl FromStr for User {
    type Err = String;

    /// Looks the name up in `/etc/passwd`.
    fn from_str(name: &str) -> Result<Self, String> {
        let list = fs::read_to_string("/etc/passwd")
            .map_err(|error| format!("cannot read /etc/passwd: {error}"))?;
        let fields = list.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let id = |text: &str| text.parse::<u32>().ok();
        let mut found = fields.filter_map(|fields| match fields.as_slice() {
            [found, _, uid, gid, ..] if *found == name => id(uid).zip(id(gid)),
            _ => None,
        });
        match found.next() {
            Some((0, _)) => Err("that is root again; name a user of its own".to_owned()),
            Some((uid, gid)) => Ok(Self {
                uid: Uid::from_raw(uid),
                gid: Gid::from_raw(gid),
            }),
            None => Err(format!("no user {name} in /etc/passwd")),
        }
    }
}

impl<'de> Deserialize<'de> for User {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

impl User {
    /// Becomes this user, on the only thread of the process.
    ///
    /// # Errors
    /// What the system says to anybody but root.
    pub fn become_it(self) -> io::Result<()> {
        let Self { uid, gid } = self;
        set_thread_groups(&[])
            .and_then(|()| set_thread_res_gid(gid, gid, gid))
            .and_then(|()| set_thread_res_uid(uid, uid, uid))
            .map_err(io::Error::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_and_is_not_root() {
        assert!("nobody".parse::<User>().is_ok());
        for (name, word) in [
            ("root", "root again"),
            ("nobody-here", "no user nobody-here"),
        ] {
            let error = name.parse::<User>().expect_err("refused");
            assert!(error.contains(word), "{error}");
        }
    }
}

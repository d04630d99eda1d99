//! `solo2 vault passwd`: another password for the same vault.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use solo2_crypto::secret::Secret;

use crate::cli::{Outcome, identity};
use crate::context::Context;
use crate::error::Failure;
use crate::event;
use crate::node::{self, Unlock, doors};
use crate::password;
use crate::paths::Profile;

/// Change the password
///
/// Takes the old password, or with --words-file the 24 words when it is forgotten. Messages,
/// contacts and words stay what they are: one small file is replaced, whole or not at all. A
/// running agent goes on and needs nothing.
#[derive(Args)]
pub(crate) struct Passwd {
    /// Read the new password from this file, or - for stdin
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
    /// Use the 24 words in this file instead of the old password, or - for stdin
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
}

impl Passwd {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let profile = cx.profile()?;
        profile.must_exist()?;
        profile.check_permissions()?;
        let file = self.new_password_file.as_deref();
        if file == Some(Path::new("-")) && stdin_is_taken(cx, self.words_file.as_deref()) {
            return Err(Failure::usage(
                "stdin cannot be both what opens the vault and the new password",
            )
            .hint("name a file for one of them: --new-password-file FILE"));
        }
        // Held against the vault before a new one is thought up.
        let entropy = entropy(cx, &profile, self.words_file.as_deref())?;
        let new = password::choose_another(&cx.globals, file)?;
        cx.block_on(doors::change_password(&profile.paths, entropy, new))?;
        if cx.out.is_json() {
            let name = profile.name.as_str();
            cx.out
                .object(&event::event("vault.passwd", json!({"profile": name})))?;
        } else {
            cx.out
                .note("the password is changed; the 24 words are the same");
        }
        Ok(0)
    }
}

/// What the words stand for, by the words or the password: the right to change the doors.
pub(super) fn entropy(
    cx: &Context,
    profile: &Profile,
    words_file: Option<&Path>,
) -> Result<Secret<32>, Failure> {
    let unlock = match words_file {
        Some(file) => Unlock::Words(identity::read_words(cx, file)?),
        None => Unlock::Password(password::need(&cx.globals, profile.name.as_str())?),
    };
    cx.block_on(node::doors::entropy(&profile.paths, unlock))
}

fn stdin_is_taken(cx: &Context, words_file: Option<&Path>) -> bool {
    password::takes_stdin(&cx.globals) || words_file == Some(Path::new("-"))
}

//! `solo2 completion`: a script for the shell.

use clap::Args;
use clap_complete::Shell;

use super::Outcome;
use crate::context::Context;
use crate::error::Failure;
use crate::generate::{self, SHELLS};

/// Print the completion script for a shell
#[derive(Args)]
pub(crate) struct Completion {
    /// bash, zsh, fish or elvish
    #[arg(value_name = "SHELL", value_parser = shell)]
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        cx.out.raw(&generate::completion(self.shell))?;
        Ok(0)
    }
}

fn shell(text: &str) -> Result<Shell, String> {
    SHELLS
        .into_iter()
        .find(|shell| shell.to_string() == text)
        .ok_or_else(|| Failure::usage("the shells are bash, zsh, fish and elvish").message)
}

//! `solo2 man`: the manual, from the binary itself.

use clap::Args;

use super::Outcome;
use crate::context::Context;
use crate::error::Failure;
use crate::generate;

/// Print a man page: solo2 man | man -l -
#[derive(Args)]
pub(crate) struct Man {
    /// The verb, such as: send, or: contact verify
    #[arg(value_name = "VERB")]
    verb: Vec<String>,
}

impl Man {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let wanted = std::iter::once("solo2")
            .chain(self.verb.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join("-");
        for (name, page) in generate::man_pages()? {
            if name == wanted {
                cx.out.raw(&page)?;
                return Ok(0);
            }
        }
        Err(Failure::usage("there is no such page").hint("the verbs are in: solo2 --help"))
    }
}

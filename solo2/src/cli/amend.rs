//! `solo2 edit`, `delete`, `react`, `read`: about a message that exists.

use clap::Args;
use serde_json::{Value, json};

use super::Outcome;
use super::send::{self, Wait};
use super::values::MessageId;
use crate::agent;
use crate::context::Context;
use crate::output::sanitize;

/// Give a message of yours another text
#[derive(Args)]
pub(crate) struct Edit {
    /// The message's id
    #[arg(value_name = "ID")]
    id: MessageId,
    /// The new text; without it, or as -, stdin is read
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    message: Option<String>,
    #[command(flatten)]
    wait: Wait,
}

/// Delete a message here, or on both sides
#[derive(Args)]
pub(crate) struct Delete {
    /// The message's id
    #[arg(value_name = "ID")]
    id: MessageId,
    /// Ask the other side to delete it too; only for messages of yours
    #[arg(long)]
    for_everyone: bool,
    #[command(flatten)]
    wait: Wait,
}

/// React to a message
#[derive(Args)]
pub(crate) struct React {
    /// The message's id
    #[arg(value_name = "ID")]
    id: MessageId,
    /// The emoji; an empty one takes the reaction back
    #[arg(value_parser = emoji)]
    emoji: String,
    #[command(flatten)]
    wait: Wait,
}

/// Mark messages as read
///
/// Their senders are told if privacy.receipts is read.
#[derive(Args)]
pub(crate) struct Read {
    /// The messages' ids
    #[arg(required = true, value_name = "ID")]
    ids: Vec<MessageId>,
    #[command(flatten)]
    wait: Wait,
}

impl Edit {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let text = send::text_or_stdin(cx, self.message)?;
        run(cx, "edit", json!({"id": self.id, "text": text}), self.wait)
    }
}

impl Delete {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let params = json!({"id": self.id, "for_everyone": self.for_everyone});
        run(cx, "delete", params, self.wait)
    }
}

impl React {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let params = json!({"id": self.id, "emoji": self.emoji});
        run(cx, "react", params, self.wait)
    }
}

impl Read {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        run(cx, "read", json!({"ids": self.ids}), self.wait)
    }
}

fn run(cx: &Context, method: &str, params: Value, wait: Wait) -> Outcome {
    agent::with_session(cx, async |session| {
        send::deliver(cx, session, method, params, wait, false, true).await
    })
}

fn emoji(text: &str) -> Result<String, &'static str> {
    // An emoji may hold joiners that the sanitiser takes out; a control never.
    let fine = text.len() <= 64
        && !text.contains(|letter: char| letter.is_control() || letter.is_whitespace())
        && (text.is_empty() || !sanitize::line(text).is_empty());
    if fine {
        Ok(text.to_owned())
    } else {
        Err("a reaction is one emoji, at most 64 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reaction_is_something_one_can_see() {
        for good in ["👍", "❤️", "👨‍👩‍👧", "", "+1"] {
            assert!(emoji(good).is_ok(), "{good:?}");
        }
        for bad in [
            "a b",
            "\u{1b}[2J",
            "\u{200b}",
            "\n",
            "👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍",
        ] {
            assert!(emoji(bad).is_err(), "{bad:?}");
        }
    }
}

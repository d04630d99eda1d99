//! `solo2 edit`, `delete`, `react`, `read`: about a message that exists.

use clap::Args;
use serde_json::{Value, json};

use super::send::{self, Wait};
use super::values::{MessageId, PeerRef};
use super::{Outcome, vault};
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

/// Delete a message here, or on both sides, or a whole conversation here
///
/// What opens it is destroyed: no copy that is left on this disk can be read again. A message
/// that has not left yet is taken back.
#[derive(Args)]
pub(crate) struct Delete {
    /// The message's id
    #[arg(value_name = "ID", required_unless_present = "all_of")]
    id: Option<MessageId>,
    /// Ask the other side to delete it too; only for messages of yours
    #[arg(long)]
    for_everyone: bool,
    /// Delete all messages and files with this contact, here alone; asks
    ///
    /// Files that are offered or under way are called off. The contact stays.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["id", "for_everyone", "wait"])]
    all_of: Option<PeerRef>,
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
        if let Some(name) = &self.all_of {
            return delete_all(cx, name);
        }
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

fn delete_all(cx: &Context, name: &PeerRef) -> Outcome {
    vault::make_sure(
        cx,
        &format!("Delete all messages and files with {}, here?", name.0),
    )?;
    let done = agent::ask(cx, "delete", json!({"all_of": name}))?;
    if cx.out.is_json() {
        cx.out.object(&done)?;
    } else {
        let messages = done["messages"].as_u64().unwrap_or(0);
        cx.out.note(&format!("{messages} messages are deleted"));
    }
    Ok(0)
}

fn run(cx: &Context, method: &str, params: Value, wait: Wait) -> Outcome {
    let params = cx.routed(params);
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

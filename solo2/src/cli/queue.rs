//! `solo2 queue`: what has not arrived yet.

use clap::{Args, Subcommand};
use serde_json::json;

use super::values::MessageId;
use super::{Outcome, pair};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::{agent, event};

/// See and push what is on its way
#[derive(Args)]
pub(crate) struct Queue {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List what is queued
    List,
    /// Show one queued message
    Show {
        /// The message's id
        id: MessageId,
    },
    /// Try to deliver everything now, at most --timeout; exit 7 if something is left
    Flush,
    /// Take a message back that has not left
    Cancel {
        /// The message's id
        id: MessageId,
    },
}

impl Queue {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        match self.verb {
            Verb::List => {
                agent::with_session(cx, async |session| {
                    pair::report(session, "queue.list", json!({}), |item| cx.out.event(item)).await
                })?;
                Ok(0)
            }
            Verb::Show { id } => one(cx, "queue.show", id),
            Verb::Cancel { id } => one(cx, "queue.cancel", id),
            Verb::Flush => {
                let params = json!({"timeout_ms": cx.timeout_ms()});
                let found = agent::ask(cx, "queue.flush", params)?;
                let left = found["left"].as_u64().unwrap_or_default();
                if left > 0 {
                    return Err(Failure::new(
                        Kind::NotDelivered,
                        format!("{left} messages are still queued"),
                    )
                    .retry(None)
                    .with("left", left));
                }
                cx.out
                    .event(&event::event("queue.flush", json!({"left": 0})))?;
                Ok(0)
            }
        }
    }
}

fn one(cx: &Context, method: &str, id: MessageId) -> Outcome {
    let item = agent::ask(cx, method, json!({"id": id}))?;
    cx.out.event(&item)?;
    Ok(0)
}

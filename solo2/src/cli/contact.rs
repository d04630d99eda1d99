//! `solo2 contact`: the people in the vault.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::values::{Fingerprint, Name, PeerRef, SafetyNumber, Setting};
use super::{Outcome, vault};
use crate::agent;
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::output::{Text, human, qr};

/// See, name, verify and block your contacts
#[derive(Args)]
pub(crate) struct Contact {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List everybody
    List,
    /// Show one contact with its safety number
    Show {
        /// Name or id
        name: PeerRef,
    },
    /// Give a contact another name
    Rename {
        /// Name or id
        name: PeerRef,
        /// The new name
        to: Name,
    },
    /// Remove a contact, its session and its history
    Remove {
        /// Name or id
        name: PeerRef,
    },
    /// Take nothing from a contact any more
    Block {
        /// Name or id
        name: PeerRef,
    },
    /// Undo a block
    Unblock {
        /// Name or id
        name: PeerRef,
    },
    /// Compare safety numbers and mark a contact as verified
    Verify {
        /// Name or id
        name: PeerRef,
        /// The safety number that your contact reads to you
        #[arg(long, value_name = "DIGITS")]
        number: Option<SafetyNumber>,
    },
    /// Accept a contact's changed identity
    Trust {
        /// Name or id
        name: PeerRef,
        /// The new fingerprint, as your contact tells it
        #[arg(long, value_name = "HEX")]
        fingerprint: Fingerprint,
    },
    /// Set how one contact is treated
    ///
    /// route=auto|direct|relay is how to reach the contact; with strict=true, so or not at all.
    /// receipts=none|delivery|read, and max-file=SIZE|off|default:
    /// take files up to this size unasked, or ask for each, or as `files.accept_…`
    /// of the configuration says. retain=7d deletes messages with them, and kept files, once
    /// they are so old, read or not, here alone; it asks. retain=forever keeps them.
    Set {
        /// Name or id
        name: PeerRef,
        /// One or more settings
        #[arg(required = true, value_name = "KEY=VALUE")]
        settings: Vec<Setting>,
    },
}

impl Contact {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        match self.verb {
            Verb::List => list(cx),
            Verb::Show { name } => show(cx, &name),
            Verb::Rename { name, to } => {
                change(cx, "contact.rename", json!({"name": name, "to": to}))
            }
            Verb::Remove { name } => {
                vault::make_sure(
                    cx,
                    &format!("Remove {} with all messages and keys?", name.0),
                )?;
                change(cx, "contact.remove", json!({"name": name}))
            }
            Verb::Block { name } => change(cx, "contact.block", json!({"name": name})),
            Verb::Unblock { name } => change(cx, "contact.unblock", json!({"name": name})),
            Verb::Verify { name, number } => verify(cx, &name, number),
            Verb::Trust { name, fingerprint } => change(
                cx,
                "contact.trust",
                json!({"name": name, "fingerprint": fingerprint}),
            ),
            Verb::Set { name, settings } => {
                let limit = settings
                    .iter()
                    .find(|setting| setting.key == "retain" && setting.value != "forever");
                if limit.is_some() {
                    let question = format!("Delete what is older with {}, now and later?", name.0);
                    vault::make_sure(cx, &question)?;
                }
                let settings: Map<String, Value> = settings
                    .into_iter()
                    .map(|setting| (setting.key, setting.value.into()))
                    .collect();
                change(
                    cx,
                    "contact.set",
                    json!({"name": name, "settings": settings}),
                )
            }
        }
    }
}

fn list(cx: &Context) -> Outcome {
    let found = agent::ask(cx, "contact.list", json!({}))?;
    for contact in found["contacts"].as_array().into_iter().flatten() {
        cx.out.event(contact)?;
    }
    Ok(0)
}

fn show(cx: &Context, name: &PeerRef) -> Outcome {
    let contact = agent::ask(cx, "contact.show", json!({"name": name}))?;
    if cx.out.is_json() {
        cx.out.object(&contact)?;
    } else {
        cx.out.text(&human::contact_card(&contact))?;
    }
    Ok(0)
}

fn change(cx: &Context, method: &str, params: Value) -> Outcome {
    let contact = agent::ask(cx, method, params)?;
    cx.out.event(&contact)?;
    Ok(0)
}

fn verify(cx: &Context, name: &PeerRef, number: Option<SafetyNumber>) -> Outcome {
    let contact = agent::with_session(cx, async |session| {
        if let Some(number) = number {
            let params = json!({"name": name, "number": number});
            return session.client.call("contact.verify", params).await;
        }
        let contact = session
            .client
            .call("contact.show", json!({"name": name}))
            .await?;
        let digits = contact["safety_number"].as_str().unwrap_or_default();
        if !cx.out.is_json() {
            cx.out.text(&human::contact_card(&contact))?;
            cx.out.text(&Text::new().body(&qr::draw(digits)?))?;
        }
        if !cx.globals.yes && (cx.globals.no_input || !crate::output::prompt::possible()) {
            return Err(
                Failure::new(Kind::Untrusted, "the safety number was not compared")
                    .hint("give the number that your contact reads to you: --number DIGITS"),
            );
        }
        vault::make_sure(cx, "Does your contact see the same safety number?")?;
        let params = json!({"name": name, "number": digits});
        session.client.call("contact.verify", params).await
    })?;
    cx.out.event(&contact)?;
    Ok(0)
}

//! `solo2 vault`: open, close, look after.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Outcome, identity};
use crate::agent::client::Client;
use crate::agent::{self, no_agent};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::node;
use crate::output::Text;
use crate::paths::Profile;
use crate::{device_secret, password, unlock};

mod device;
mod passwd;

/// Unlock, lock and check the vault
#[derive(Args)]
pub(crate) struct Vault {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Let the running agent open the vault
    Unlock(Unlock),
    /// Let the running agent wipe its keys; it keeps running
    Lock,
    /// Tell whether there is a vault and whether it is open
    Status,
    Passwd(passwd::Passwd),
    #[command(subcommand)]
    DeviceSecret(device::DeviceSecret),
    /// Look at every record of the vault
    Check,
    /// Make the search index anew
    Reindex,
    /// Mend a damaged vault, as far as that goes, while no agent runs
    Repair(Repair),
    /// Destroy what was deleted down to the last word, and give room back
    Compact,
}

/// Let the running agent open the vault
#[derive(Args)]
pub(crate) struct Unlock {
    /// Use the 24 words in this file instead of the password, or - for stdin
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
    /// Accept a vault that is an older copy, while no agent runs
    ///
    /// Messages since then are gone. Every contact's session in it is dropped and agreed
    /// anew at the next link, so that no old key is used twice.
    #[arg(long)]
    accept_rollback: bool,
}

/// Mend a damaged vault, as far as that goes, while no agent runs
///
/// Says first what is wrong, and asks. What can be read stays; a message that is lost stands
/// in the history as a deleted one. The damaged database is kept beside the new one, sealed.
#[derive(Args)]
pub(crate) struct Repair {
    /// Use the 24 words in this file instead of the password, or - for stdin
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
}

impl Vault {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        match self.verb {
            Verb::Unlock(verb) => verb.run(cx),
            Verb::Lock => lock(cx),
            Verb::Status => status(cx),
            Verb::Repair(verb) => verb.run(cx),
            Verb::Passwd(verb) => verb.run(cx),
            Verb::DeviceSecret(verb) => verb.run(cx),
            Verb::Check => {
                let report = agent::ask(cx, "vault.check", json!({}))?;
                if cx.out.is_json() {
                    cx.out.object(&report)?;
                } else if report["ok"] != false {
                    cx.out.result("the vault is sound")?;
                }
                if report["ok"] == false {
                    let problems = report["problems"].as_array().into_iter().flatten();
                    let index = problems
                        .filter_map(Value::as_str)
                        .any(|text| text.contains("search index"));
                    if index {
                        return Err(Failure::new(Kind::Integrity, "the search index is damaged")
                            .hint("make it anew, then check again: solo2 vault reindex"));
                    }
                    return Err(Failure::new(Kind::Integrity, "the vault is damaged")
                        .hint("mend what can be mended, while no agent runs: solo2 vault repair"));
                }
                Ok(0)
            }
            Verb::Reindex => {
                let done = agent::ask(cx, "vault.reindex", json!({}))?;
                if cx.out.is_json() {
                    cx.out.object(&done)?;
                } else {
                    let indexed = done["indexed"].as_u64().unwrap_or(0);
                    cx.out
                        .result(&format!("{indexed} messages are in the search index"))?;
                }
                Ok(0)
            }
            Verb::Compact => {
                let done = agent::ask(cx, "vault.compact", json!({}))?;
                if cx.out.is_json() {
                    cx.out.object(&done)?;
                } else {
                    cx.out.result("the vault is compact")?;
                }
                Ok(0)
            }
        }
    }
}

impl Unlock {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let profile = cx.profile()?;
        profile.must_exist()?;
        if self.accept_rollback {
            return self.accept(cx, &profile);
        }
        let status = cx.block_on(async {
            let Some((client, hello)) = Client::greet(&profile.socket).await? else {
                return Err(no_agent());
            };
            if hello["locked"] != true {
                return client.call("vault.status", json!({})).await;
            }
            match &self.words_file {
                Some(file) => {
                    let words = identity::read_words(cx, file)?;
                    client.call_secret("vault.unlock", "words", &words).await
                }
                None => match unlock::need(cx, &profile)? {
                    node::Unlock::Device(secret) => {
                        let digits = device_secret::text(&secret);
                        client
                            .call_secret("vault.unlock", "device_secret", &digits)
                            .await
                    }
                    node::Unlock::Password(secret) | node::Unlock::Words(secret) => {
                        client
                            .call_secret("vault.unlock", "password", &secret)
                            .await
                    }
                },
            }
        })?;
        say(cx, &status)
    }
}

impl Unlock {
    /// Opens an older copy once, drops its sessions and closes it: from then on it is the newest.
    fn accept(&self, cx: &Context, profile: &Profile) -> Outcome {
        make_sure(
            cx,
            "accept an older copy of the vault, without the messages since?",
        )?;
        let unlock = door(cx, profile, self.words_file.as_deref())?;
        let accepted = cx.block_on(node::accept_rollback(&profile.paths, unlock))?;
        if cx.out.is_json() {
            cx.out.object(&accepted)?;
            return Ok(0);
        }
        let dropped = accepted["sessions_dropped"].as_u64().unwrap_or(0);
        cx.out.text(&Text::new().line(&format!(
            "the vault opens again; {dropped} sessions start anew at the next link"
        )))?;
        Ok(0)
    }
}

impl Repair {
    fn run(self, cx: &Context) -> Outcome {
        let profile = cx.profile()?;
        profile.must_exist()?;
        let unlock = door(cx, &profile, self.words_file.as_deref())?;
        let mut refused = None;
        let done = node::repair(&profile.paths, &unlock, &mut |findings| {
            for finding in findings.iter().take(MOST_FINDINGS) {
                cx.out.note(finding);
            }
            if let Some(more @ 1..) = findings.len().checked_sub(MOST_FINDINGS) {
                cx.out.note(&format!("and {more} more"));
            }
            let question = "mend the vault, without what is damaged? the damaged database is kept";
            make_sure(cx, question)
                .map_err(|failure| refused = Some(failure))
                .is_ok()
        })?;
        let Some(done) = done else {
            return Err(refused.unwrap_or_else(|| Failure::usage("nothing was done")));
        };
        if cx.out.is_json() {
            cx.out.object(&done)?;
            return Ok(0);
        }
        if done["repaired"] != true {
            cx.out
                .result("the vault is sound; there is nothing to mend")?;
            return Ok(0);
        }
        let mut text = Text::new().line("the vault is sound again");
        for (field, what) in LOST {
            let count = done[field].as_u64().unwrap_or(0);
            if count > 0 {
                text = text.line(&format!("{count} {what}"));
            }
        }
        if let Some(kept) = done["kept_in"].as_str() {
            text = text.line(&format!("the damaged database is kept, sealed, in {kept}"));
        }
        cx.out.text(&text)?;
        Ok(0)
    }
}

/// More are counted, not shown.
const MOST_FINDINGS: usize = 20;

/// What mending may cost, in words.
const LOST: [(&str, &str); 6] = [
    (
        "messages_lost",
        "messages are lost; each stands in the history as deleted",
    ),
    ("outbox_lost", "messages on their way are lost"),
    (
        "inbox_lost",
        "messages may have been lost before anything took them out: see history",
    ),
    ("contacts_lost", "contacts are lost: pair with them again"),
    ("conversations_lost", "conversations are lost"),
    ("sessions_dropped", "sessions start anew at the next link"),
];

/// What opens the vault of a profile that no agent owns.
fn door(
    cx: &Context,
    profile: &Profile,
    words_file: Option<&Path>,
) -> Result<node::Unlock, Failure> {
    Ok(match words_file {
        Some(file) => node::Unlock::Words(identity::read_words(cx, file)?),
        None => node::Unlock::Password(password::need(&cx.globals, profile.name.as_str())?),
    })
}

/// Locks the running agent's vault.
pub(super) fn lock(cx: &Context) -> Outcome {
    match agent::ask_agent(cx, "vault.lock", json!({}))? {
        Some(status) => say(cx, &status),
        None => {
            // Without an owner the keys are nowhere: that is locked.
            let profile = cx.profile()?;
            profile.must_exist()?;
            say(cx, &agent::status_without_owner(&profile))
        }
    }
}

fn status(cx: &Context) -> Outcome {
    let status = match agent::ask_agent(cx, "vault.status", json!({}))? {
        Some(status) => status,
        None => agent::status_without_owner(&cx.profile()?),
    };
    say(cx, &status)
}

fn say(cx: &Context, status: &Value) -> Outcome {
    if cx.out.is_json() {
        cx.out.object(status)?;
        return Ok(0);
    }
    let state = match (status["exists"] == true, status["locked"] == true) {
        (false, _) => "there is no vault",
        (true, true) => "locked",
        (true, false) => "unlocked",
    };
    let place = status["vault"].as_str().unwrap_or_default();
    cx.out
        .text(&Text::new().plain(state).plain(": ").line(place))?;
    Ok(0)
}

/// Asks before something that cannot be undone.
pub(super) fn make_sure(cx: &Context, question: &str) -> Result<(), Failure> {
    if cx.globals.yes {
        return Ok(());
    }
    if !cx.globals.no_input && crate::output::prompt::possible() {
        if crate::output::prompt::confirm(question)? {
            return Ok(());
        }
        return Err(Failure::usage("nothing was done"));
    }
    Err(Failure::usage("this needs a yes").hint("say it on the command line: --yes"))
}

/// How long an agent may take to stop.
pub(super) const STOPPING: Duration = Duration::from_secs(15);

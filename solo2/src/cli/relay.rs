//! `solo2 relay`: the relays that this user's links may go through.

use std::io::Read as _;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::agent::reload;
use super::values::Span;
use super::{Outcome, pair};
use crate::agent;
use crate::config::{self, Key, RelayInvite};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::event::event;
use crate::net::RoutePolicy;
use crate::net::socket::{self, DoorError};
use crate::net::turn::probe::{Lent, probe};
use crate::net::turn::{Credential, RelayAccess, Server, streams};

/// The longest invite is shorter.
const INVITE_MAX: u64 = 4096;

/// Keep and test the relays that links may go through
#[derive(Args)]
pub(crate) struct Relay {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Use a relay, by the invite of whoever runs it
    ///
    /// `solo2-relay invite` prints one. It goes into your configuration, and a running agent
    /// uses it at once. Who reads an invite may use the relay, so - reads it from stdin.
    Add {
        /// solo2-relay://… or - for stdin
        #[arg(value_name = "INVITE")]
        invite: String,
    },
    /// List the relays, without their keys
    List,
    /// Use a relay no more
    Remove {
        /// Its host, the id in its invite, or the invite
        #[arg(value_name = "RELAY")]
        which: String,
    },
    /// Borrow an address from each relay, or from one, and give it back
    ///
    /// Exit code 9 when one does not lend any. One behind Tor may take --timeout, two minutes
    /// unless said.
    Test {
        /// Its host, or the id in its invite
        #[arg(value_name = "RELAY")]
        which: Option<String>,
    },
}

impl Relay {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        match self.verb {
            Verb::Add { invite } => add(cx, &invite),
            Verb::List => {
                for relay in cx.settings()?.relays {
                    cx.out.event(&event("relay", row(&relay)))?;
                }
                Ok(0)
            }
            Verb::Remove { which } => remove(cx, &which),
            Verb::Test { which } => test(cx, which.as_deref()),
        }
    }
}

fn row(relay: &RelayInvite) -> Value {
    let invite = relay.read();
    json!({
        "relay": relay.shown(),
        "id": invite.id.to_string(),
        "host": invite.host.in_a_url(),
        "udp": invite.udp,
        "tcp": invite.tcp,
        "ends_at": invite.id.ends().map(|ends| crate::event::timestamp_ms(ends.saturating_mul(1000))),
    })
}

fn add(cx: &Context, given: &str) -> Outcome {
    let mut text = Zeroizing::new(given.to_owned());
    if given == "-" {
        text.clear();
        std::io::stdin()
            .take(INVITE_MAX)
            .read_to_string(&mut text)
            .map_err(|error| Failure::io("cannot read the invite from stdin", &error))?;
    }
    let invite = RelayInvite::try_from(String::clone(&text)).map_err(|why| {
        Failure::usage(why).hint("whoever runs the relay makes one: solo2-relay invite")
    })?;
    let mut relays = cx.settings()?.relays;
    if !relays.contains(&invite) {
        relays.push(invite.clone());
        keep(cx, &relays)?;
    }
    cx.out.event(&event("relay", row(&invite)))?;
    Ok(0)
}

fn remove(cx: &Context, which: &str) -> Outcome {
    let (gone, left): (Vec<_>, Vec<_>) = cx
        .settings()?
        .relays
        .into_iter()
        .partition(|relay| is(relay, which));
    if gone.is_empty() {
        return Err(unknown(which));
    }
    keep(cx, &left)?;
    for relay in gone {
        cx.out.event(&event("relay.removed", row(&relay)))?;
    }
    Ok(0)
}

/// Writes the list down, and a running agent follows.
fn keep(cx: &Context, relays: &[RelayInvite]) -> Result<(), Failure> {
    let lines: Vec<String> = relays
        .iter()
        .map(|relay| relay.expose().to_owned())
        .collect();
    config::set(&cx.config_file()?, Key::NetRelays, &lines)?;
    reload(cx)
}

fn is(relay: &RelayInvite, which: &str) -> bool {
    let invite = relay.read();
    let host = invite.host.in_a_url();
    relay.expose() == which
        || relay.shown() == which
        || invite.id.to_string() == which
        || host == which
        || [invite.udp, invite.tcp]
            .iter()
            .flatten()
            .any(|port| format!("{host}:{port}") == which)
}

fn unknown(which: &str) -> Failure {
    Failure::new(Kind::UnknownPeer, format!("no relay is called {which}"))
        .code("unknown_relay")
        .hint("solo2 relay list shows them")
}

fn test(cx: &Context, which: Option<&str>) -> Outcome {
    let relays: Vec<_> = cx
        .settings()?
        .relays
        .into_iter()
        .filter(|relay| which.is_none_or(|which| is(relay, which)))
        .collect();
    if relays.is_empty() {
        return Err(match which {
            Some(which) => unknown(which),
            None => Failure::new(Kind::UnknownPeer, "no relay is configured")
                .code("unknown_relay")
                .hint("ask whoever runs one for an invite, then: solo2 relay add INVITE"),
        });
    }
    let policy = match cx.globals.offline {
        true => RoutePolicy::Offline,
        false => RoutePolicy::Relay,
    };
    let mut failed = Vec::new();
    for relay in &relays {
        let outcome = match relay.read().host.is_onion() {
            true => ask_through_tor(cx, relay)?,
            false => cx.block_on(ask(relay, policy))?,
        };
        let mut line = row(relay);
        if let Some(fields) = line.as_object_mut() {
            let lent = outcome.as_ref().ok();
            fields.insert("ok".into(), json!(lent.is_some()));
            fields.insert("lent".into(), json!(lent.map(|lent| lent.address)));
            let took = lent.map(|lent| lent.took.as_secs_f64() * 1000.0);
            fields.insert("took_ms".into(), json!(took));
            fields.insert("reason".into(), json!(outcome.as_ref().err()));
        }
        cx.out.event(&event("relay.test", line))?;
        if let Err(why) = outcome {
            failed.push(format!("{}: {why}", relay.read().host.in_a_url()));
        }
    }
    if failed.is_empty() {
        return Ok(0);
    }
    Err(Failure::new(Kind::Network, failed.join("; "))
        .code("relay_unusable")
        .hint("ask whoever runs the relay; its side of it: solo2-relay health")
        .retry(None))
}

/// The address that a relay behind Tor lends, or why none: Tor belongs to the owner of the profile.
fn ask_through_tor(cx: &Context, relay: &RelayInvite) -> Result<Result<Lent, String>, Failure> {
    if cx.globals.offline {
        return Ok(Err(DoorError::Offline.to_string()));
    }
    let id = relay.read().id.to_string();
    let patience = cx.globals.timeout.map(Span::millis);
    let params = json!({ "id": id, "timeout_ms": patience });
    let answer = agent::with_session(cx, async |session| {
        pair::report(session, "relay.test", params, |event| cx.out.event(event)).await
    })?;
    let address = answer["lent"].as_str().and_then(|text| text.parse().ok());
    let took = answer["took_ms"].as_f64().unwrap_or_default() / 1000.0;
    Ok(match address {
        Some(address) => Ok(Lent {
            address,
            took: Duration::from_secs_f64(took),
        }),
        None => Err(answer["reason"].as_str().unwrap_or_default().to_owned()),
    })
}

/// The first address of a relay that lends one, or why none does.
async fn ask(relay: &RelayInvite, policy: RoutePolicy) -> Result<Result<Lent, String>, Failure> {
    let invite = std::sync::Arc::new(relay.read());
    let host = invite.host.in_a_url();
    let refused = |error: DoorError| error.to_string();
    let Some(udp) = invite.udp else {
        return Ok(Err("it names no port".to_owned()));
    };
    let addresses = match socket::resolve(policy, &host).await {
        Ok(addresses) => addresses,
        Err(error) => return Ok(Err(refused(error))),
    };
    let mut why = "it has no address".to_owned();
    for address in addresses {
        let access = RelayAccess {
            server: Server::At((address, udp).into()),
            streams: streams(&invite),
            credential: Credential::Invite(invite.clone()),
        };
        match probe(access, None).await {
            Ok(Ok(lent)) => return Ok(Ok(lent)),
            Ok(Err(trouble)) => why = trouble.to_string(),
            Err(error) => why = refused(error),
        }
    }
    Ok(Err(why))
}

//! `solo2 doctor tor`: does a call through Tor arrive?
//!
//! ```text
//!   settings ─► network ─► service, published ─► call ─► what we said comes out of the service
//! ```
//!
//! The service is like a contact's, under keys drawn for the check.
//! Spec: docs/cli.md, "Doctor".

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use solo2_crypto::secret::Secret;
use tokio::time::{Instant, sleep, timeout_at};

use super::super::Node;
use super::{Finding, tell};
use crate::agent::rpc::EventSink;
use crate::error::Failure;
use crate::net::onion::{Door, OnionError, Service, Tor};

/// How long all of it may take when nobody says.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two calls of a service that is not found yet.
const CALL_EVERY: Duration = Duration::from_secs(1);
/// What is said to the service.
const WORD: [u8; 16] = *b"solo2 doctor tor";

const SETTINGS: &str =
    "look at tor.config and tor.bridges: solo2 config list; solo2 config get tor.bridges";
const NETWORK: &str = "is this machine online, and its clock right? where Tor is blocked a bridge \
    helps: solo2 config set tor.bridges 'HOST:PORT FINGERPRINT'; then start the agent anew";
const SERVICE: &str = "a service takes seconds to minutes to be found: once more with --timeout 5m";

#[derive(Deserialize)]
pub(crate) struct Ask {
    timeout_ms: Option<u64>,
}

/// Checks the way through Tor, one step after the other, until one fails.
pub(crate) async fn tor(node: &Node, ask: Ask, reader: EventSink) -> Result<Value, Failure> {
    let end = Instant::now() + ask.timeout_ms.map_or(PATIENCE, Duration::from_millis);
    let began = Instant::now();
    let (found, tor) = match node.net.onions.tor().await {
        Ok(tor) => (Ok("the settings are sound".to_owned()), Some(tor)),
        Err(error @ OnionError::Network(_)) => (Err((error.to_string(), NETWORK)), None),
        Err(error) => (Err((error.to_string(), SETTINGS)), None),
    };
    tell(&reader, "tor.settings", found, began.elapsed()).await;
    if let Some(tor) = tor {
        reach(node, &tor, end, &reader).await;
    }
    Ok(json!({}))
}

async fn reach(node: &Node, tor: &Arc<Tor>, end: Instant, reader: &EventSink) {
    let began = Instant::now();
    let connecting = node.net.onions.telling(reader, tor.connect());
    let found = match timeout_at(end, connecting).await {
        Ok(Ok(())) => Ok("Tor is reached, and its directory is here".to_owned()),
        Ok(Err(error)) => Err((error.to_string(), NETWORK)),
        Err(_) => Err((stuck(tor), NETWORK)),
    };
    if !tell(reader, "tor.network", found, began.elapsed()).await {
        return;
    }
    let began = Instant::now();
    let door = Door::new(&Secret::random(&mut rand::rng()), b"doctor");
    let (found, service) = match timeout_at(end, tor.open(&door)).await {
        Ok(Ok(service)) => (Ok("a service of our own is up".to_owned()), Some(service)),
        Ok(Err(error)) => (Err((error.to_string(), SERVICE)), None),
        Err(_) => (
            Err(("no service within the time".to_owned(), SERVICE)),
            None,
        ),
    };
    tell(reader, "tor.service", found, began.elapsed()).await;
    let Some(mut service) = service else {
        return;
    };
    let began = Instant::now();
    let found = called(tor, &door, &mut service, end).await;
    tell(reader, "tor.call", found, began.elapsed()).await;
}

/// How far Tor came before the time was over, and why no further.
fn stuck(tor: &Tor) -> String {
    let progress = tor.progress();
    let why = match progress.blocked {
        Some(why) => why,
        None => "no more within the time".to_owned(),
    };
    format!("{:.0} % of the way: {why}", progress.fraction * 100.0)
}

/// Calls the service until it is found, and says a word through it.
async fn called(tor: &Tor, door: &Door, service: &mut Service, end: Instant) -> Finding {
    let arrived = async {
        let caller = loop {
            match tor.call(door).await {
                Ok(connection) => break connection,
                Err(OnionError::Absent | OnionError::Timeout) => sleep(CALL_EVERY).await,
                Err(error) => return Err((error.to_string(), SERVICE)),
            }
        };
        let broken = |_| ("the call broke".to_owned(), SERVICE);
        let (mut send, _back) = caller.streams.open().await.map_err(broken)?;
        send.write_all(&WORD).await.map_err(broken)?;
        let answerer = service.next().await;
        let answerer = answerer.ok_or_else(|| ("the service ended".to_owned(), SERVICE))?;
        let (_, mut heard) = answerer.streams.accept().await.map_err(broken)?;
        let mut word = [0; WORD.len()];
        heard.read_exact(&mut word).await.map_err(broken)?;
        match word == WORD {
            true => Ok("a call through Tor arrives".to_owned()),
            false => Err(("somebody else is on the line".to_owned(), SERVICE)),
        }
    };
    match timeout_at(end, arrived).await {
        Ok(found) => found,
        Err(_) => Err(("no call arrived within the time".to_owned(), SERVICE)),
    }
}

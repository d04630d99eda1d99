//! `solo2 relay test` of a relay behind Tor: does it lend an address?
//!
//! Tor belongs to the owner of the profile, so the owner asks.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::agent::rpc::EventSink;
use crate::error::{Failure, Kind};
use crate::net::turn::RelayAccess;
use crate::net::turn::probe::probe;
use crate::node::Node;

/// How long the relay may take unless the caller says otherwise.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Deserialize)]
pub(crate) struct Ask {
    /// Of the invite.
    id: String,
    timeout_ms: Option<u64>,
}

/// Borrows an address and gives it back: which it was, or why there is none.
pub(crate) async fn relay(node: &Node, ask: Ask, reader: EventSink) -> Result<Value, Failure> {
    let relays = node.net.relays();
    let invite = relays.iter().find(|invite| invite.id.to_string() == ask.id);
    let access = invite.and_then(|invite: &Arc<_>| RelayAccess::onion(invite));
    let Some(access) = access else {
        let unknown = format!("no relay behind Tor has the id {}", ask.id);
        return Err(Failure::new(Kind::UnknownPeer, unknown)
            .code("unknown_relay")
            .hint("solo2 relay list shows them"));
    };
    let patience = ask.timeout_ms.map_or(PATIENCE, Duration::from_millis);
    let asking = async {
        // What is wrong with Tor is said as such.
        let tor = node
            .net
            .onions
            .tor()
            .await
            .map_err(|error| error.to_string())?;
        tor.connect().await.map_err(|error| error.to_string())?;
        match probe(access, node.net.through_tor()).await {
            Ok(Ok(lent)) => Ok(lent),
            Ok(Err(trouble)) => Err(trouble.to_string()),
            Err(error) => Err(error.to_string()),
        }
    };
    let asked = timeout(patience, node.net.onions.telling(&reader, asking)).await;
    let asked = asked.unwrap_or_else(|_| Err("it does not answer in time".to_owned()));
    Ok(match asked {
        Ok(lent) => json!({ "lent": lent.address, "took_ms": lent.took.as_secs_f64() * 1000.0 }),
        Err(why) => json!({ "reason": why }),
    })
}

//! Pairing without any server: twelve words lead both to one onion service, for once.
//!
//! ```text
//! twelve words ──► key ──┬─► the service's keys       inviter keeps it, joiner calls it
//!                        └─► psk of Noise XXpsk0      as in any pairing from there on
//! ```
//!
//! Who pairs this way is reached through Tor from then on, and no other way.
//! Spec: docs/protocol/1-keys.md §3.3.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use solo2_crypto::invite::{InviteSide, OnionInvite};
use tokio::time::{Instant, sleep, timeout_at};

use super::super::event::rfc3339;
use super::super::time::now_ms;
use super::{Failure, Kind, Node, Proven, settle};
use crate::net::connection::Connection;
use crate::net::onion::{Door, OnionError, Service, Tor};

/// The owner's name in the keys of an invite's service.
const OWNER: &[u8] = b"invite";
/// How long a pairing through Tor may take once the two have met.
const PAIR_MAX: Duration = Duration::from_secs(120);
/// How long a joiner looks for the service when nobody says.
const LOOK_MAX: Duration = Duration::from_secs(300);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// An invite whose service is kept up.
pub(crate) struct OpenOnion {
    invite: OnionInvite,
    expires_at: Instant,
    expires_at_ms: u64,
    service: Service,
}

impl OpenOnion {
    /// Draws the words and opens their service.
    pub(crate) async fn open(node: &Node, ttl: Duration) -> Result<Self, Failure> {
        let tor = tor(node).await?;
        let invite = OnionInvite::generate(&mut rand::rng());
        let service = tor.open(&Door::new(&invite.key(), OWNER)).await;
        Ok(Self {
            invite,
            expires_at: Instant::now() + ttl,
            expires_at_ms: now_ms().saturating_add(ttl.as_millis() as u64),
            service: service.map_err(|error| trouble(&error))?,
        })
    }

    pub(crate) fn announcement(&self) -> Value {
        json!({
            "v": 1,
            "type": "pair.invite",
            "code": self.invite.to_string(),
            "route": "onion",
            "expires_at": rfc3339(self.expires_at_ms),
        })
    }

    pub(crate) fn summary(&self) -> (String, u64) {
        (self.invite.to_string(), self.expires_at_ms)
    }
}

/// Waits for the joiner and pairs with it.
pub(crate) async fn invite(
    node: &Node,
    mut open: OpenOnion,
    name: Option<String>,
) -> Result<Value, Failure> {
    let key = open.invite.key();
    loop {
        let Ok(caller) = timeout_at(open.expires_at, open.service.next()).await else {
            return Err(
                Failure::new(Kind::NotDelivered, "the invite has expired unused")
                    .code("invite_expired")
                    .hint("solo2 pair invite --onion makes a new one"),
            );
        };
        let connection = caller.ok_or_else(|| {
            Failure::new(Kind::Network, "Tor ended the invite's onion service").retry(None)
        })?;
        match paired(node, connection, &key, InviteSide::Inviter, name.clone()).await {
            // Whoever came without the words, or lost the way, was not the joiner.
            Err(failure)
                if [Kind::Integrity, Kind::Network]
                    .map(Kind::exit)
                    .contains(&failure.exit) =>
            {
                tracing::info!("a caller did not pair: {}", failure.message);
            }
            outcome => return outcome,
        }
    }
}

/// Pairs with whoever made the invite, within the caller's patience.
pub(crate) async fn join(
    node: &Node,
    invite: &OnionInvite,
    name: Option<String>,
    patience: Option<Duration>,
) -> Result<Value, Failure> {
    let end = Instant::now() + patience.unwrap_or(LOOK_MAX).max(LOOK_EVERY);
    let tor = tor(node).await?;
    let key = invite.key();
    let door = Door::new(&key, OWNER);
    let connection = timeout_at(end, look(&tor, &door)).await.map_err(|_| {
        Failure::new(Kind::NotDelivered, "no open invite answers to these words")
            .code("invite_expired")
            .hint("is the other side still waiting? an invite works once, and takes a minute to be found")
    })??;
    paired(node, connection, &key, InviteSide::Joiner, name).await
}

/// Calls until somebody answers: a service takes a while until it is found.
async fn look(tor: &Arc<Tor>, door: &Door) -> Result<Connection, Failure> {
    loop {
        match tor.call(door).await {
            Ok(connection) => return Ok(connection),
            Err(OnionError::Absent | OnionError::Timeout) => sleep(LOOK_EVERY).await,
            Err(error) => return Err(trouble(&error)),
        }
    }
}

async fn paired(
    node: &Node,
    connection: Connection,
    key: &solo2_crypto::secret::Secret<32>,
    side: InviteSide,
    name: Option<String>,
) -> Result<Value, Failure> {
    let proven = Proven {
        key: key.duplicate(),
        side,
    };
    timeout_at(
        Instant::now() + PAIR_MAX,
        settle(node, &connection, proven, name, true),
    )
    .await
    .map_err(|_| {
        Failure::new(Kind::Network, "the other side fell silent during pairing").retry(None)
    })?
}

async fn tor(node: &Node) -> Result<Arc<Tor>, Failure> {
    let tor = node.net.onions.tor().await;
    let tor = tor.map_err(|error| trouble(&error))?;
    tor.connect().await.map_err(|error| trouble(&error))?;
    Ok(tor)
}

fn trouble(error: &OnionError) -> Failure {
    Failure::new(Kind::Network, error.to_string())
        .hint("pairing through Tor needs Tor; what is wrong with it: solo2 doctor tor")
        .retry(None)
}

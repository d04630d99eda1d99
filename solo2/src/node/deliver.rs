//! Waiting for what a send was asked to reach, and telling the truth about it.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use solo2_store::DeliveryState;
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout_at};

use super::event::{Event, message_id};
use super::messages::Sent;
use super::service::result_line;
use super::{Node, failure};
use crate::agent::rpc::EventSink;
use crate::error::Failure;

/// How far a message must come before the caller is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Wait {
    None,
    Queued,
    Sent,
    Delivered,
    Read,
}

impl Wait {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    fn met_by(self, state: &str) -> bool {
        let reached = match state {
            "queued" => Self::Queued,
            "sent" => Self::Sent,
            "delivered" => Self::Delivered,
            "read" => Self::Read,
            _ => return false,
        };
        reached >= self
    }
}

/// Longest wait when the caller names none.
const PATIENCE: Duration = Duration::from_secs(30);

/// A wait that began before the message did, so that no event is missed.
pub(crate) struct Waiting<'a> {
    node: &'a Node,
    wait: Wait,
    deadline: Instant,
    events: broadcast::Receiver<Event>,
}

impl<'a> Waiting<'a> {
    pub(crate) fn start(node: &'a Node, wait: Option<Wait>, timeout_ms: Option<u64>) -> Self {
        Self {
            node,
            wait: wait.unwrap_or(Wait::Queued),
            deadline: Instant::now() + timeout_ms.map_or(PATIENCE, Duration::from_millis),
            events: node.events.subscribe(),
        }
    }

    /// Reports the durable message at once, then its state when the wait is over.
    pub(crate) async fn finish(
        mut self,
        sent: Vec<Sent>,
        client_id: Option<String>,
        sink: EventSink,
    ) -> Result<Value, Failure> {
        let contacts: Vec<_> = sent.iter().map(|sent| sent.contact).collect();
        let names = self
            .node
            .call(move |core| {
                Ok(contacts
                    .iter()
                    .map(|id| {
                        core.peers
                            .get(id)
                            .map(|peer| peer.contact.name.clone())
                            .unwrap_or_default()
                    })
                    .collect::<Vec<_>>())
            })
            .await?;
        let mut states = self.states(&sent).await?;
        let result = |states: &HashMap<[u8; 16], &'static str>, wait: Wait| {
            let state = |sent: &Sent| states.get(&sent.id).copied().unwrap_or("queued");
            let lines: Vec<Value> = sent
                .iter()
                .zip(&names)
                .map(|(sent, name)| result_line(sent, name, state(sent)))
                .collect();
            json!({
                "v": 1,
                "type": "send.result",
                "id": sent.first().map(|sent| message_id(sent.id)),
                "client_id": client_id,
                "results": lines,
                "waited": wait.name(),
                "satisfied": sent.iter().all(|sent| wait.met_by(state(sent))),
            })
        };
        if self.wait <= Wait::Queued {
            return Ok(result(&states, self.wait));
        }
        sink.send(result(&states, Wait::Queued)).await;
        while !sent
            .iter()
            .all(|sent| self.is_over(states.get(&sent.id).copied()))
        {
            let event = tokio::select! {
                event = timeout_at(self.deadline, self.events.recv()) => event,
                () = sink.closed() => break,
            };
            match event {
                Ok(Ok(Event::Receipt { message, state, .. })) => {
                    if let Some(known) = states.get_mut(&message) {
                        advance(known, state);
                    }
                }
                Ok(Ok(_)) => {}
                Ok(Err(broadcast::error::RecvError::Lagged(_))) => {
                    states = self.states(&sent).await?
                }
                Ok(Err(broadcast::error::RecvError::Closed)) => return Err(failure::stopped()),
                Err(_) => break,
            }
        }
        let mut result = result(&states, self.wait);
        if let Some(fields) = result.as_object_mut()
            && fields.get("satisfied") == Some(&Value::Bool(false))
        {
            fields.insert("reason".into(), json!(self.node.why_not_reached()));
        }
        Ok(result)
    }

    /// Whether nothing more is to be waited for.
    fn is_over(&self, state: Option<&'static str>) -> bool {
        state.is_none_or(|state| state == "failed" || self.wait.met_by(state))
    }

    async fn states(&self, sent: &[Sent]) -> Result<HashMap<[u8; 16], &'static str>, Failure> {
        let sent = sent.to_vec();
        self.node
            .call(move |core| {
                sent.iter()
                    .map(|sent| Ok((sent.id, core.state_of(sent.contact, sent.id)?)))
                    .collect()
            })
            .await
    }
}

/// Takes over a state that is further along; `failed` ends everything.
fn advance(known: &mut &'static str, state: DeliveryState) {
    let rank = |name: &str| {
        ["queued", "sent", "delivered", "read", "failed"]
            .iter()
            .position(|n| *n == name)
    };
    let new = super::event::state_name(state);
    if rank(new) > rank(known) {
        *known = new;
    }
}

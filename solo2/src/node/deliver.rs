//! Waiting for what a send was asked to reach, and telling the truth about it.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use solo2_store::DeliveryState;
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout_at};

use super::core::Core;
use super::event::Event;
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

/// Longest wait when the caller names none; for files, from the last byte that moved.
const PATIENCE: Duration = Duration::from_secs(30);
const FILE_PATIENCE: Duration = Duration::from_secs(60);

/// A wait that began before the message did, so that no event is missed.
pub(crate) struct Waiting<'a> {
    node: &'a Node,
    wait: Wait,
    deadline: Instant,
    /// Whether the caller named the deadline; else files move it as they move.
    fixed: bool,
    events: broadcast::Receiver<Event>,
}

impl<'a> Waiting<'a> {
    pub(crate) fn start(node: &'a Node, wait: Option<Wait>, timeout_ms: Option<u64>) -> Self {
        Self {
            node,
            wait: wait.unwrap_or(Wait::Queued),
            deadline: Instant::now() + timeout_ms.map_or(PATIENCE, Duration::from_millis),
            fixed: timeout_ms.is_some(),
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
        // The way that each took as far as it came.
        let mut routes: HashMap<[u8; 16], String> = self.routes(&sent).await?;
        // Why files failed, by their ids.
        let mut reasons: HashMap<String, Value> = HashMap::new();
        if !self.fixed && sent.iter().any(|sent| sent.file) {
            self.deadline = Instant::now() + FILE_PATIENCE;
        }
        let result = |states: &HashMap<[u8; 16], &'static str>,
                      routes: &HashMap<[u8; 16], String>,
                      reasons: &HashMap<String, Value>,
                      wait: Wait| {
            let state = |sent: &Sent| states.get(&sent.id).copied().unwrap_or("queued");
            let lines: Vec<Value> = sent
                .iter()
                .zip(&names)
                .map(|(sent, name)| {
                    let reason = reasons.get(&sent.id_text());
                    let route = routes.get(&sent.id).map(String::as_str);
                    result_line(sent, name, (state(sent), route), reason)
                })
                .collect();
            json!({
                "v": 1,
                "type": "send.result",
                "id": sent.first().map(Sent::id_text),
                "client_id": client_id,
                "results": lines,
                "waited": wait.name(),
                "satisfied": sent.iter().all(|sent| wait.met_by(state(sent))),
            })
        };
        if self.wait <= Wait::Queued {
            return Ok(result(&states, &routes, &reasons, self.wait));
        }
        sink.send(result(&states, &routes, &reasons, Wait::Queued))
            .await;
        while !sent
            .iter()
            .all(|sent| self.is_over(states.get(&sent.id).copied()))
        {
            let event = tokio::select! {
                event = timeout_at(self.deadline, self.events.recv()) => event,
                () = sink.closed() => break,
            };
            match event {
                Ok(Ok(Event::Receipt {
                    message,
                    state,
                    route,
                    ..
                })) => {
                    if let Some(known) = states.get_mut(&message) {
                        advance(known, state);
                        if let Some(route) = route {
                            routes.insert(message, route.to_owned());
                        }
                    }
                }
                Ok(Ok(Event::OfPeer { kind, fields, .. })) => {
                    let file = sent
                        .iter()
                        .find(|sent| sent.file && fields["id"] == json!(sent.id_text()));
                    let Some(file) = file else { continue };
                    match kind {
                        "file.progress" if !self.fixed => {
                            self.deadline = Instant::now() + FILE_PATIENCE;
                        }
                        "file.failed" => {
                            reasons.insert(file.id_text(), fields["reason"].clone());
                            let state = ended(&fields["reason"]);
                            states.insert(file.id, state);
                        }
                        _ => {}
                    }
                    let event = Event::OfPeer {
                        contact: file.contact,
                        kind,
                        fields,
                    };
                    if let Some(line) = event.to_json(None) {
                        sink.send(line).await;
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
        let mut result = result(&states, &routes, &reasons, self.wait);
        if let Some(fields) = result.as_object_mut()
            && fields.get("satisfied") == Some(&Value::Bool(false))
        {
            let only = sent.first().map(|sent| sent.contact);
            let absence = self
                .node
                .call(move |core| Ok(only.and_then(|contact| core.absence(contact))))
                .await?;
            let why = absence.unwrap_or_else(|| self.node.why_not_reached());
            fields.insert("reason".into(), json!(why));
            self.tell_refusals(&sent, &states, fields).await?;
        }
        Ok(result)
    }

    /// Says of each line that waits for a route which cannot be had, that this is why.
    async fn tell_refusals(
        &self,
        sent: &[Sent],
        states: &HashMap<[u8; 16], &'static str>,
        result: &mut Map<String, Value>,
    ) -> Result<(), Failure> {
        let contacts: Vec<_> = sent.iter().map(|sent| sent.contact).collect();
        let ask = move |core: &mut Core| {
            let refusals = contacts.iter().map(|contact| core.refusal(*contact));
            Ok(refusals.collect::<Vec<_>>())
        };
        let refusals = self.node.call(ask).await?;
        let lines = result.get_mut("results").and_then(Value::as_array_mut);
        for ((sent, refusal), line) in sent.iter().zip(refusals).zip(lines.into_iter().flatten()) {
            let waits = !self.is_over(states.get(&sent.id).copied());
            if let (Some(refusal), Some(line)) = (refusal.filter(|_| waits), line.as_object_mut()) {
                let problem = json!({
                    "code": refusal.code,
                    "exit": refusal.exit,
                    "message": refusal.message,
                });
                line.insert("error".into(), problem);
            }
        }
        Ok(())
    }

    /// Whether nothing more is to be waited for.
    fn is_over(&self, state: Option<&'static str>) -> bool {
        let ended = |state| ["failed", "rejected", "cancelled"].contains(&state);
        state.is_none_or(|state| ended(state) || self.wait.met_by(state))
    }

    /// The way of what has arrived already.
    async fn routes(&self, sent: &[Sent]) -> Result<HashMap<[u8; 16], String>, Failure> {
        let sent = sent.to_vec();
        self.node
            .call(move |core| {
                let mut routes = HashMap::new();
                for Sent { contact, id, .. } in sent {
                    if let Some(route) = core.route_taken(contact, id)? {
                        routes.insert(id, route);
                    }
                }
                Ok(routes)
            })
            .await
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

/// The state of a file that ended for this reason.
fn ended(reason: &Value) -> &'static str {
    match reason.as_str() {
        Some("rejected") => "rejected",
        Some("cancelled") => "cancelled",
        _ => "failed",
    }
}

/// Takes over a state that is further along; `failed` ends everything.
fn advance(known: &mut &'static str, state: DeliveryState) {
    let rank = |name: &str| {
        let order = ["queued", "sent", "delivered", "read", "failed"];
        order
            .iter()
            .chain(&["rejected", "cancelled"])
            .position(|n| *n == name)
    };
    let new = super::event::state_name(state);
    if rank(new) > rank(known) {
        *known = new;
    }
}

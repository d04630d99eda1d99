//! Which way a contact's links may take, and what happens when that changes.
//!
//! ```text
//!   the profile's route ─► the contact's ─► what a message was sent under ─► Wish
//!                                                                             │
//!   a link that does not keep to it is dropped ◄──────────────────────────────┤
//!   the courier makes the next one under it ◄─────────────────────────────────┘
//! ```
//!
//! A message that was sent with `--require-route` takes its demand into the vault. While
//! it, or a file offered with it, is on its way, every link to that contact is made under
//! the demand; what else waits for the contact takes the same way.
//! Spec: docs/cli.md, "Routes".

use std::collections::VecDeque;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use solo2_store::{Contact, ContactId};
use tokio::time::{Instant, timeout_at};

use super::core::Core;
use super::courier::Order;
use super::event::peer_id;
use super::peer::{Peer, PeerState, Queued, Trouble};
use super::{Node, failure};
use crate::agent::rpc::EventSink;
use crate::config::{NodeConfig, Route};
use crate::error::{Failure, Kind};
use crate::net::RoutePolicy;
use crate::net::direct::{PathState, Via};
use crate::net::onion::OnionError;

/// What links to a contact are made under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) policy: RoutePolicy,
    /// Whether any way will do when that one fails.
    pub(crate) fallback: bool,
}

impl Wish {
    /// Whatever comes first.
    #[cfg(test)]
    pub(crate) const ANY: Self = Self {
        policy: RoutePolicy::Any,
        fallback: false,
    };

    /// The user's choice; without `strict` it is a preference.
    fn of(route: Route, strict: bool) -> Self {
        let policy = match route {
            Route::Relay => RoutePolicy::Relay,
            Route::Onion => RoutePolicy::Onion,
            Route::Direct if strict => RoutePolicy::Direct,
            // A direct path comes first by itself.
            Route::Direct | Route::Auto => RoutePolicy::Any,
        };
        Self {
            policy,
            fallback: policy.hides() && !strict,
        }
    }

    /// Whether a link that was made under `policy` keeps to this.
    pub(crate) fn allows(self, policy: RoutePolicy) -> bool {
        self.fallback || policy.meets(self.policy)
    }
}

/// The profile's route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Choice {
    pub(crate) route: Route,
    pub(crate) strict: bool,
    /// Whether a flag or the environment said so: above what a contact prefers, and never
    /// looser than what a contact insists on.
    pub(crate) fixed: bool,
}

impl Choice {
    pub(crate) fn of(config: &NodeConfig) -> Self {
        Self {
            route: config.route,
            strict: config.strict,
            fixed: config.route_is_fixed,
        }
    }

    /// What links to a contact are made under: what is on its way to it may insist on a route.
    pub(crate) fn wish(
        self,
        contact: &Contact,
        outbox: &VecDeque<Queued>,
        state: &PeerState,
    ) -> Wish {
        let messages = outbox.iter().find_map(|queued| queued.demand);
        let files = || state.transfers.iter().find_map(|file| file.demand);
        match messages.or_else(files) {
            Some(policy) => Wish {
                policy,
                fallback: false,
            },
            None => self.alone(contact),
        }
    }

    /// The same without anything on its way.
    pub(super) fn alone(self, contact: &Contact) -> Wish {
        let (route, strict) = self.of_contact(contact);
        Wish::of(route, strict)
    }

    /// The route for a contact, and whether it is more than a preference.
    fn of_contact(self, contact: &Contact) -> (Route, bool) {
        let own = contact
            .settings
            .get("route")
            .and_then(|route| Route::from_word(route));
        let strict = match contact.settings.get("strict") {
            Some(strict) => strict == "true",
            None => self.strict,
        };
        let route = match own {
            Some(own) if self.fixed && strict => own.max(self.route),
            Some(own) if !self.fixed => own,
            _ => self.route,
        };
        (route, strict)
    }
}

/// The routes that a command allows, and those that it insists on.
#[derive(Deserialize)]
pub(crate) struct Routes {
    route: Option<Route>,
    #[serde(default)]
    require_route: Vec<Route>,
}

impl Routes {
    /// The one route that may be taken, if only one may.
    pub(crate) fn demand(&self) -> Result<Option<RoutePolicy>, Failure> {
        let required = demand(&self.require_route);
        let wanted = demand(self.route.as_slice());
        match (required, wanted) {
            (Some(required), Some(wanted)) if required != wanted => Err(Failure::usage(
                "--route and --require-route name different routes",
            )),
            (required, wanted) => Ok(required.or(wanted)),
        }
    }
}

/// What a message may insist on, out of the routes that would do; `None` if direct and relayed
/// ones would. Tor is never mixed with others: there the route that is named first counts.
fn demand(routes: &[Route]) -> Option<RoutePolicy> {
    let named = |route| routes.contains(&route);
    if named(Route::Auto) || (named(Route::Direct) && named(Route::Relay)) {
        return None;
    }
    match routes.first()? {
        Route::Auto => None,
        Route::Direct => Some(RoutePolicy::Direct),
        Route::Relay => Some(RoutePolicy::Relay),
        Route::Onion => Some(RoutePolicy::Onion),
    }
}

/// A demand as the vault keeps it.
pub(crate) fn to_code(demand: RoutePolicy) -> Option<u8> {
    match demand {
        RoutePolicy::Direct => Some(1),
        RoutePolicy::Relay => Some(2),
        RoutePolicy::Onion => Some(3),
        RoutePolicy::Any | RoutePolicy::Offline => None,
    }
}

/// Reads [`to_code`]; a code nobody knows is a vault's that is newer than this program.
pub(crate) fn from_code(code: u8) -> Option<RoutePolicy> {
    match code {
        1 => Some(RoutePolicy::Direct),
        2 => Some(RoutePolicy::Relay),
        3 => Some(RoutePolicy::Onion),
        _ => None,
    }
}

/// The word for the route that a path takes.
pub(crate) fn name(path: &PathState) -> &'static str {
    match path.via {
        Via::Direct => "direct",
        Via::Relay => "relay",
        Via::Onion => "onion",
    }
}

impl Core {
    /// The route of the link to a contact.
    pub(crate) fn route_of(&self, contact: ContactId) -> Option<&'static str> {
        self.peers.get(&contact).and_then(Peer::route)
    }

    /// Whether what is sent under `demand` may leave at all; nothing is queued otherwise.
    pub(crate) fn check_route(
        &self,
        contact: ContactId,
        demand: Option<RoutePolicy>,
    ) -> Result<(), Failure> {
        let peer = self.peers.get(&contact).ok_or_else(failure::stopped)?;
        let name = &peer.contact.name;
        let wish = self.settings.route.alone(&peer.contact);
        let demand = demand.unwrap_or(RoutePolicy::Any);
        let (strict, only) = match wish.policy {
            RoutePolicy::Relay => (!wish.fallback, "a relay"),
            RoutePolicy::Onion => (!wish.fallback, "Tor"),
            _ => (false, ""),
        };
        let looser = match demand {
            RoutePolicy::Direct => true,
            RoutePolicy::Relay => wish.policy == RoutePolicy::Onion,
            _ => false,
        };
        if strict && looser {
            return Err(Failure::new(
                Kind::RouteRefused,
                format!("{name} is only to be reached through {only}; nothing was sent"),
            )
            .hint(format!(
                "if another way may be taken after all: solo2 contact set {name} strict=false"
            )));
        }
        let relayed = match demand {
            RoutePolicy::Any => strict && wish.policy == RoutePolicy::Relay,
            demand => demand == RoutePolicy::Relay,
        };
        if relayed
            && self.net.relays().is_empty()
            && self.net.egress.policy() != RoutePolicy::Offline
        {
            return Err(relayless(name));
        }
        Ok(())
    }

    /// What the link to somebody not known yet is made under.
    pub(crate) fn first_contact(&self) -> Result<RoutePolicy, Failure> {
        if self.net.egress.policy() == RoutePolicy::Offline {
            return Ok(RoutePolicy::Offline);
        }
        let Choice { route, strict, .. } = self.settings.route;
        let wish = Wish::of(route, strict);
        if wish.policy == RoutePolicy::Onion {
            return match wish.fallback {
                true => Ok(RoutePolicy::Any),
                false => Err(Failure::new(
                    Kind::RouteRefused,
                    "contacts are only to be reached through Tor; nothing was sent",
                )
                .hint("pair without any server: solo2 pair invite --onion")),
            };
        }
        match (self.net.relays().is_empty(), wish.fallback) {
            (true, true) => Ok(RoutePolicy::Any),
            (true, false) if wish.policy.hides() => Err(relayless("whom you pair with")),
            _ => Ok(wish.policy),
        }
    }

    /// Remembers that a contact's links may have to be made anew, once the round is on disk.
    pub(crate) fn reconsider(&mut self, contact: ContactId) {
        self.reconsidered.insert(contact);
    }

    /// The same for everybody: the profile's route changed.
    pub(crate) fn reconsider_all(&mut self) {
        self.reconsidered.extend(self.peers.keys());
        for peer in self.peers.values() {
            let _ = peer.courier.send(Order::Listen);
        }
    }

    /// Brings links and couriers in line with what is wished now.
    pub(super) fn follow_wishes(&mut self) {
        for contact in std::mem::take(&mut self.reconsidered) {
            let choice = self.settings.route;
            let Some(peer) = self.peers.get_mut(&contact) else {
                continue;
            };
            let wish = choice.wish(&peer.contact, &peer.outbox, &peer.state);
            let chosen = choice.alone(&peer.contact);
            let chosen_anew = std::mem::replace(&mut peer.chosen, chosen) != chosen;
            if wish != chosen {
                // A demand ends without anybody saying so.
                self.reconsidered.insert(contact);
            }
            if peer.wish != wish {
                peer.wish = wish;
                let _ = peer.courier.send(Order::Wish(wish));
            }
            // What the user says counts at once; a demand that has ended may come again soon.
            let strays = peer.link.as_ref().is_some_and(|link| {
                !wish.allows(link.policy)
                    || !self.net.carries(link.transport)
                    || (chosen_anew && link.policy != wish.policy)
            });
            if strays {
                self.drop_link(contact, "route policy");
            }
        }
    }

    /// A link that was made for a demand goes when nothing is left that had one.
    pub(super) fn release_detours(&mut self) {
        let idle: Vec<ContactId> = self
            .peers
            .iter()
            .filter(|(_, peer)| {
                let detour = peer.link.as_ref().is_some_and(|link| {
                    link.policy != peer.wish.policy && link.policy != RoutePolicy::Any
                });
                detour && peer.outbox.is_empty() && peer.state.transfers.is_empty()
            })
            .map(|(contact, _)| *contact)
            .collect();
        for contact in idle {
            self.drop_link(contact, "route policy");
        }
    }
}

/// The policy asks for a relay, and there is none.
fn relayless(name: &str) -> Failure {
    Failure::new(
        Kind::RouteRefused,
        format!("{name} is to be reached through a relay and none is configured; nothing was sent"),
    )
    .hint("ask whoever runs a relay for an invite, then: solo2 relay add INVITE")
}

impl Core {
    /// Why a contact that must be reached through a relay is not, if the relays are the reason.
    pub(crate) fn refusal(&self, contact: ContactId) -> Option<Failure> {
        let peer = self.peers.get(&contact)?;
        let hidden = peer.wish.policy.hides() && !peer.wish.fallback;
        let trouble = peer.keys.trouble().filter(|_| hidden && !peer.is_up())?;
        let (way, why, look) = match trouble {
            Trouble::Relay(why) => ("a relay", why, "solo2 relay test"),
            Trouble::Tor(error @ (OnionError::Network(_) | OnionError::Setup(_))) => {
                ("Tor", error.to_string(), "solo2 doctor tor")
            }
            // Tor does its part; it is the contact that is not there.
            Trouble::Tor(_) => return None,
        };
        let name = &peer.contact.name;
        let problem = Failure::new(
            Kind::RouteRefused,
            format!("{name} is to be reached through {way}: {why}; no packet went another way"),
        );
        let hint = format!("what is queued is kept and waits for it; have a look: {look}");
        Some(problem.hint(hint).retry(None))
    }

    /// Why a contact is not reached, where Tor knows better than the signal server.
    pub(crate) fn absence(&self, contact: ContactId) -> Option<String> {
        let peer = self.peers.get(&contact).filter(|peer| !peer.is_up())?;
        match peer.keys.trouble()? {
            Trouble::Tor(error) => Some(error.to_string()),
            Trouble::Relay(_) => None,
        }
    }

    /// Whether Tor is the way to a contact now.
    pub(crate) fn goes_through_tor(&self, contact: ContactId) -> bool {
        let peer = self.peers.get(&contact);
        peer.is_some_and(|peer| peer.wish.policy == RoutePolicy::Onion)
    }

    /// What `route policy` shows.
    pub(crate) fn policies_json(&self) -> Vec<Value> {
        let line = |(id, peer): (&ContactId, &Peer)| {
            let (route, strict) = self.settings.route.of_contact(&peer.contact);
            json!({
                "peer": peer_id(*id),
                "name": peer.contact.name,
                "route": route.as_str(),
                "strict": strict,
                "now": match peer.wish.policy {
                    RoutePolicy::Any => "any",
                    RoutePolicy::Direct => "direct",
                    RoutePolicy::Relay => "relay",
                    RoutePolicy::Onion => "onion",
                    RoutePolicy::Offline => "none",
                },
            })
        };
        self.peers.iter().map(line).collect()
    }
}

/// What `route test` asks.
#[derive(Deserialize)]
pub(super) struct Test {
    name: String,
    timeout_ms: Option<u64>,
}

/// How long a contact is waited for when nobody says.
const PATIENCE_MS: u64 = 30_000;
/// The same through Tor, where a first connection takes its time.
const ONION_PATIENCE_MS: u64 = 120_000;

/// Reaches a contact and tells how.
pub(super) async fn test(node: &Node, ask: Test, reader: EventSink) -> Result<Value, Failure> {
    let name = ask.name.clone();
    let (contact, onion) = node
        .call(move |core| {
            let contact = core.sendable(&name)?;
            core.check_route(contact, None)?;
            if let Some(peer) = core.peers.get(&contact) {
                let _ = peer.courier.send(Order::Dial);
            }
            Ok((contact, core.goes_through_tor(contact)))
        })
        .await?;
    let usual = if onion {
        ONION_PATIENCE_MS
    } else {
        PATIENCE_MS
    };
    let patience = Duration::from_millis(ask.timeout_ms.unwrap_or(usual));
    let reached = reached(node, contact, &ask.name, patience);
    match onion {
        true => node.net.onions.telling(&reader, reached).await,
        false => reached.await,
    }
}

async fn reached(
    node: &Node,
    contact: ContactId,
    name: &str,
    patience: Duration,
) -> Result<Value, Failure> {
    let mut events = node.events.subscribe();
    let began = Instant::now();
    let deadline = began + patience;
    loop {
        let (found, refusal) = node
            .call(move |core| {
                let wanted = json!(peer_id(contact));
                let rows = core.routes_json();
                let row = rows.into_iter().find(|row| row["peer"] == wanted);
                Ok((row, core.refusal(contact)))
            })
            .await?;
        if let Some(mut row) = found.filter(|row| row["connected"] == true) {
            if let Some(fields) = row.as_object_mut() {
                let took = began.elapsed().as_secs_f64() * 1000.0;
                fields.insert("took_ms".into(), json!(took));
            }
            return Ok(row);
        }
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        // A relay that refuses is no event.
        let step = deadline.min(Instant::now() + Duration::from_millis(250));
        let _ = timeout_at(step, events.recv()).await;
        if Instant::now() >= deadline {
            let absence = node.call(move |core| Ok(core.absence(contact))).await?;
            let why = absence.unwrap_or_else(|| node.why_not_reached());
            return Err(
                Failure::new(Kind::NotDelivered, format!("{name} is not reached: {why}"))
                    .retry(None),
            );
        }
    }
}

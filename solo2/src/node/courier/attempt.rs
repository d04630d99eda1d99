//! One attempt to meet a contact, from candidates to the end of the link that came of it.
//!
//! ```text
//!   signal, with a server's help ──┐
//!   a call to its onion service ───┼──► connection ──► handshake ──► link, for as long as it lasts
//!   its call to ours ──────────────┘
//! ```
//!
//! The courier hears of what it has to know ([`News`]); the core gets the link.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use solo2_crypto::rendezvous;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::super::NetContext;
use super::super::core::{Input, ReadyLink};
use super::super::peer::{PeerKeys, Trouble};
use crate::net::RoutePolicy;
use crate::net::bulk::Lanes;
use crate::net::connection::{self, Connection};
use crate::net::direct::{ConnectError, DirectConfig, Via};
use crate::net::handshake::{self, Ends, HandshakeError};
use crate::net::ice::Role;
use crate::net::ice::offer::LinkSignal;
use crate::net::link::{self, LinkEvent, LinkInfo, Renewal};
use crate::net::onion::Door;
use crate::net::strands::{Dial, Held, Strands};

/// How long both ends may take to find a path.
const CONNECT_MAX: Duration = Duration::from_secs(30);
/// The same when a relay is behind Tor.
const ONION_CONNECT_MAX: Duration = Duration::from_secs(90);
/// How long the handshake may take on a path that stands.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// The same through Tor, where a round trip takes a second or more.
const ONION_HANDSHAKE_MAX: Duration = Duration::from_secs(45);

/// What an attempt starts from.
pub(super) enum Start {
    /// A signal: to be sent, or the peer's offer.
    Signal([u8; 16], Role, Option<LinkSignal>),
    /// Our call to the peer's onion service.
    Call,
    /// The peer's to ours.
    Answer(Box<Connection>),
}

impl Start {
    pub(super) fn role(&self) -> Role {
        match self {
            Self::Signal(_, role, _) => *role,
            Self::Call => Role::Controlling,
            Self::Answer(_) => Role::Controlled,
        }
    }
}

/// What a courier hears of its attempts.
pub(super) enum News {
    Connected([u8; 16]),
    /// There is a path, and the transport does not get through it.
    Stuck([u8; 16]),
    Ended([u8; 16]),
    /// A signal to seal and post.
    Signal(LinkSignal),
}

/// One try, from candidates to the end of the link that came of it.
pub(super) async fn attempt(
    net: Arc<NetContext>,
    keys: Arc<PeerKeys>,
    (policy, webrtc): (RoutePolicy, bool),
    (link, start): ([u8; 16], Start),
    signals: (mpsc::Sender<LinkSignal>, mpsc::Receiver<LinkSignal>),
    news: mpsc::Sender<News>,
) {
    let role = start.role();
    let connected = match start {
        Start::Answer(connection) => Ok(*connection),
        Start::Call => call(&net, &keys).await,
        Start::Signal(link, role, offer) => {
            introduced(&net, &keys, (policy, webrtc), (link, role, offer), signals).await
        }
    };
    let connection = match connected {
        Ok(connection) => connection,
        Err(Unlinked::Stuck) => {
            keys.set_trouble(None);
            let _ = news.send(News::Stuck(link)).await;
            return;
        }
        Err(Unlinked::Hidden(trouble)) => return keys.set_trouble(Some(trouble)),
        Err(Unlinked::Missed) => return keys.set_trouble(None),
    };
    keys.set_trouble(None);
    let _ = news.send(News::Connected(link)).await;
    let patience = match connection.path().borrow().via {
        Via::Onion => ONION_HANDSHAKE_MAX,
        Via::Direct | Via::Relay => HANDSHAKE_MAX,
    };
    match timeout(patience, shake_hands(&net, &keys, role, &connection)).await {
        Ok(Ok(established)) => {
            let strands = match connection.path().borrow().via {
                Via::Onion => Some(strands(&net, &keys, role, &established)),
                Via::Direct | Via::Relay => None,
            };
            carry(&net, &keys, policy, (&connection, strands), established).await;
        }
        Ok(Err(error)) => {
            tracing::info!("handshake failed: {error}");
            if matches!(error, HandshakeError::Unproven) && role == Role::Controlling {
                // The psk chains have parted: the next dial agrees anew under the pinned keys.
                keys.forget_psks();
            }
        }
        Err(_) => tracing::info!("handshake timed out"),
    }
}

/// Those of a link through Tor; who called it calls them, too.
fn strands(
    net: &Arc<NetContext>,
    keys: &Arc<PeerKeys>,
    role: Role,
    established: &handshake::Established,
) -> Arc<Strands> {
    let hash = established.transport.handshake_hash();
    let token = rendezvous::onion_strand(&established.psk, &hash);
    let said = token.duplicate();
    let (net, caller) = (net.clone(), keys.clone());
    let dial: Dial = Box::new(move || {
        let (net, keys, said) = (net.clone(), caller.clone(), said.duplicate());
        Box::pin(async move {
            let theirs = Door::new(&keys.pair_secret, keys.certificate.account().as_bytes());
            net.onions.tor().await?.strand(&theirs, &said).await
        })
    });
    let strands = Strands::new(token, (role == Role::Controlling).then_some(dial));
    keys.set_strands(&strands);
    strands
}

/// Why an attempt has come to nothing.
enum Unlinked {
    /// The two have not met.
    Missed,
    /// A path was found, and the transport did not get through it.
    Stuck,
    /// The policy hides us, and what it needs is not there.
    Hidden(Trouble),
}

/// Calls the contact's onion service.
async fn call(net: &NetContext, keys: &PeerKeys) -> Result<Connection, Unlinked> {
    let theirs = Door::new(&keys.pair_secret, keys.certificate.account().as_bytes());
    let called = match net.onions.tor().await {
        Ok(tor) => tor.call(&theirs).await,
        Err(error) => Err(error),
    };
    called.map_err(|error| Unlinked::Hidden(Trouble::Tor(error)))
}

/// Finds a path with the help of a server that passes signals on.
async fn introduced(
    net: &NetContext,
    keys: &PeerKeys,
    (policy, webrtc): (RoutePolicy, bool),
    (link, role, offer): ([u8; 16], Role, Option<LinkSignal>),
    (out, incoming): (mpsc::Sender<LinkSignal>, mpsc::Receiver<LinkSignal>),
) -> Result<Connection, Unlinked> {
    let config = DirectConfig {
        role,
        link,
        mask: net.mask_keys(&keys.pair_secret),
        stun: net.stun(),
        relays: net.find_relays(policy).await,
        tor: net.through_tor(),
        policy,
        first_remote: offer,
        tally: net.tally.clone(),
    };
    let patience = match config.knocks_at_onions() {
        true => ONION_CONNECT_MAX,
        false => CONNECT_MAX,
    };
    let connecting = connection::connect(webrtc, config, out, incoming);
    match timeout(patience, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error @ (ConnectError::Relayless | ConnectError::NoRelay(..)))) => {
            Err(Unlinked::Hidden(Trouble::Relay(error.to_string())))
        }
        Ok(Err(
            ConnectError::Handshake(_) | ConnectError::HandshakeTimeout | ConnectError::Channel(_),
        )) => Err(Unlinked::Stuck),
        _ => Err(Unlinked::Missed),
    }
}

async fn shake_hands(
    net: &NetContext,
    keys: &PeerKeys,
    role: Role,
    connection: &Connection,
) -> Result<handshake::Established, HandshakeError> {
    let ends = Ends {
        device: &net.device,
        certificate: &net.certificate,
    };
    let psks = keys.psks();
    let reset_psk = rendezvous::reset_psk(&keys.pair_secret);
    match role {
        Role::Controlling => {
            handshake::initiate(
                connection,
                ends,
                &keys.certificate,
                psks.as_ref(),
                &reset_psk,
            )
            .await
        }
        Role::Controlled => {
            handshake::accept(
                connection,
                ends,
                &keys.certificate,
                psks.as_ref(),
                &reset_psk,
            )
            .await
        }
    }
}

/// Hands the link to the core and pumps it until it ends.
async fn carry(
    net: &NetContext,
    keys: &PeerKeys,
    policy: RoutePolicy,
    (connection, strands): (&Connection, Option<Arc<Strands>>),
    established: handshake::Established,
) {
    let contact = keys.contact;
    let _held = strands.clone().map(Held);
    let serial = net.serial.fetch_add(1, Ordering::Relaxed);
    let (frames, outgoing) = mpsc::unbounded_channel();
    let (info_tx, info) = watch::channel(LinkInfo {
        key_epoch: 0,
        handshake_id: [0; 8],
        cover: None,
    });
    let ready = ReadyLink {
        contact,
        serial,
        policy,
        transport: connection.transport(),
        frames,
        info,
        path: connection.path(),
        lanes: Lanes::new(connection.streams.clone(), connection.path(), strands),
        initiator: established.initiator,
        psk: established.psk.duplicate(),
        generation: established.generation,
        hash: established.transport.handshake_hash(),
    };
    let renewal = Renewal {
        device: net.device.clone(),
        remote: keys.certificate.noise(),
    };
    if net
        .core
        .send(Input::LinkReady(Box::new(ready)))
        .await
        .is_err()
    {
        return;
    }
    let core = net.core.clone();
    let events = move |event| -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        let core = core.clone();
        Box::pin(async move {
            let input = match event {
                LinkEvent::Frames(frames) => Input::Frames {
                    contact,
                    serial,
                    frames,
                },
                LinkEvent::Down(reason) => Input::LinkDown {
                    contact,
                    serial,
                    reason,
                },
            };
            let _ = core.send(input).await;
        })
    };
    net.links.send_modify(|links| *links += 1);
    let routes = async {
        let mut path = connection.path();
        let mut via = path.borrow_and_update().via;
        while path.changed().await.is_ok() {
            let now = path.borrow_and_update().via;
            if std::mem::replace(&mut via, now) == now {
                continue;
            }
            let _ = net.core.send(Input::Rerouted { contact, serial }).await;
        }
        std::future::pending::<()>().await;
    };
    let cover = net.cover.subscribe();
    tokio::select! {
        () = link::run(established, renewal, net.timing, outgoing, cover, events, info_tx) => {}
        () = routes => {}
    }
    net.links.send_modify(|links| *links -= 1);
}

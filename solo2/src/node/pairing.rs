//! Pairing by a spoken one-time invite: two strangers become verified contacts.
//!
//! ```text
//! joiner                         signal server                        inviter
//!   hello: reply token, PAKE  ──► invite token ──────────────────────►
//!                             ◄── reply token  ◄───────────────────── PAKE
//!   proof                     ──► invite token ──────────────────────►  wrong: one guess gone
//!                             ◄── reply token  ◄───────────────────── proof
//!   offer, candidates         ◄── meeting tokens of the PAKE key ──►    answer, candidates
//! ═══════════ direct link: Noise XXpsk0 under the PAKE key, certificates inside ═══════════
//!                                                             ◄─────  name, bundle
//!   name, PQXDH               ─────►                                    commits
//!   commits                   ◄─────                                    done
//! ```
//! The third wrong proof burns the invite. Spec: docs/protocol/4-signal.md §3.

mod onion;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use solo2_crypto::agreement::{self, OneTimeKeys};
use solo2_crypto::identity::DeviceCertificate;
use solo2_crypto::invite::{self, InviteCode, InviteSide, Pake};
use solo2_crypto::ratchet::{RatchetKeys, RatchetPublic};
use solo2_crypto::rendezvous;
use solo2_crypto::secret::Secret;
use solo2_crypto::session::Session;
use solo2_crypto::signal_seal;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::contacts::NewContact;
use super::event::Event;
use super::introductions::{Blob, Listening, Token};
use super::peer::PeerState;
use super::time::now_ms;
use super::{NetContext, Node, failure};
use crate::config::Transport;
use crate::error::{Failure, Kind};
use crate::net::connection::{self, Connection};
use crate::net::direct::DirectConfig;
use crate::net::frame::{Frame, SEALED_LEN};
use crate::net::handshake::{self, Ends, Established};
use crate::net::ice::Role;
use crate::net::ice::offer::LinkSignal;

pub(crate) use self::onion::{OpenOnion, invite as invite_onion, join as join_onion};

/// Wrong proofs that an invite survives.
const GUESSES_MAX: u32 = 3;
/// Joiners that may be between hello and proof at once.
const JOINERS_MAX: usize = 8;
/// How long an answer of the other side may take.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long the direct link may take after that.
const LINK_MAX: Duration = Duration::from_secs(45);
/// How long the one who spoke last waits for the other side to leave.
const PARTING: Duration = Duration::from_secs(15);
/// Steps on the pairing link, beside those of the agreement.
const NAME: u8 = 4;
const BUNDLE: u8 = 1;
const INITIAL: u8 = 2;
const DONE: u8 = 3;

/// What crosses the invite's tokens before there is a key.
enum Note {
    Hello {
        joiner: [u8; 16],
        reply: Token,
        pake: Vec<u8>,
    },
    Pake {
        joiner: [u8; 16],
        pake: Vec<u8>,
    },
    Proof {
        joiner: [u8; 16],
        proof: [u8; 32],
    },
    Wrong {
        joiner: [u8; 16],
    },
}

impl Note {
    fn to_blob(&self) -> Blob {
        let mut bytes = Vec::with_capacity(4096);
        let (kind, joiner) = match self {
            Self::Hello { joiner, .. } => (1, joiner),
            Self::Pake { joiner, .. } => (2, joiner),
            Self::Proof { joiner, .. } => (3, joiner),
            Self::Wrong { joiner } => (4, joiner),
        };
        bytes.push(kind);
        bytes.extend_from_slice(joiner);
        match self {
            Self::Hello { reply, pake, .. } => {
                bytes.extend_from_slice(reply);
                bytes.push(u8::try_from(pake.len()).unwrap_or(0));
                bytes.extend_from_slice(pake);
            }
            Self::Pake { pake, .. } => {
                bytes.push(u8::try_from(pake.len()).unwrap_or(0));
                bytes.extend_from_slice(pake);
            }
            Self::Proof { proof, .. } => bytes.extend_from_slice(proof),
            Self::Wrong { .. } => {}
        }
        let mut blob = Box::new([0; 4096]);
        for (place, byte) in blob.iter_mut().zip(bytes) {
            *place = byte;
        }
        blob
    }

    fn from_blob(blob: &Blob) -> Option<Self> {
        let (&kind, rest) = blob.as_slice().split_first()?;
        let (&joiner, rest) = rest.split_first_chunk::<16>()?;
        Some(match kind {
            1 => {
                let (&reply, rest) = rest.split_first_chunk::<32>()?;
                Self::Hello {
                    joiner,
                    reply,
                    pake: short(rest)?,
                }
            }
            2 => Self::Pake {
                joiner,
                pake: short(rest)?,
            },
            3 => Self::Proof {
                joiner,
                proof: *rest.first_chunk()?,
            },
            4 => Self::Wrong { joiner },
            _ => return None,
        })
    }
}

fn short(bytes: &[u8]) -> Option<Vec<u8>> {
    let (&len, rest) = bytes.split_first()?;
    Some(rest.get(..usize::from(len))?.to_vec())
}

/// What both sides hold once the code is proven.
struct Proven {
    key: Secret<32>,
    side: InviteSide,
}

/// An invite that is open at the server.
pub(crate) struct OpenInvite {
    code: InviteCode,
    expires_at: Instant,
    expires_at_ms: u64,
    blobs: mpsc::Receiver<Blob>,
    _listening: Listening,
}

impl OpenInvite {
    /// Draws a code whose number nobody else uses and listens for a joiner.
    pub(crate) async fn open(net: &NetContext, ttl: Duration) -> Result<Self, Failure> {
        net.call(|core| core.first_contact()).await?;
        net.introductions.online().await.map_err(unreachable)?;
        for _ in 0..16 {
            let code = InviteCode::generate(&mut rand::rng());
            let (blobs_tx, blobs) = mpsc::channel(16);
            let token = invite::invite_token(code.number());
            let listening =
                timeout(ANSWER_MAX, net.introductions.listen_alone(token, blobs_tx)).await;
            if let Ok(Ok(listening)) = listening {
                return Ok(Self {
                    code,
                    expires_at: Instant::now() + ttl,
                    expires_at_ms: now_ms().saturating_add(ttl.as_millis() as u64),
                    blobs,
                    _listening: listening,
                });
            }
        }
        Err(failure::network(
            "the signal server has no free invite number",
        ))
    }

    pub(crate) fn announcement(&self) -> Value {
        json!({
            "v": 1,
            "type": "pair.invite",
            "code": self.code.to_string(),
            "expires_at": super::event::rfc3339(self.expires_at_ms),
        })
    }

    pub(crate) fn summary(&self) -> (String, u64) {
        (self.code.to_string(), self.expires_at_ms)
    }

    /// Waits for the one who knows the code.
    async fn prove(&mut self, net: &NetContext) -> Result<Proven, Failure> {
        let mut joiners: Vec<([u8; 16], Token, Secret<32>)> = Vec::new();
        let mut guesses = 0;
        loop {
            let blob = match timeout_at(self.expires_at, self.blobs.recv()).await {
                Ok(Some(blob)) => blob,
                Ok(None) => return Err(failure::network("the signal server is gone")),
                Err(_) => {
                    return Err(
                        Failure::new(Kind::NotDelivered, "the invite has expired unused")
                            .code("invite_expired")
                            .hint("solo2 pair invite makes a new one"),
                    );
                }
            };
            match Note::from_blob(&blob) {
                Some(Note::Hello {
                    joiner,
                    reply,
                    pake,
                }) => {
                    let (ours, message) =
                        Pake::start(&self.code, InviteSide::Inviter, &mut rand::rng());
                    let Ok(key) = ours.finish(&pake) else {
                        continue;
                    };
                    if joiners.len() >= JOINERS_MAX {
                        joiners.remove(0);
                    }
                    joiners.push((joiner, reply, key));
                    net.introductions.post(
                        reply,
                        Note::Pake {
                            joiner,
                            pake: message,
                        }
                        .to_blob(),
                    );
                }
                Some(Note::Proof { joiner, proof }) => {
                    let Some(index) = joiners.iter().position(|(id, ..)| *id == joiner) else {
                        continue;
                    };
                    let (_, reply, key) = joiners.remove(index);
                    if invite::confirms(&key, InviteSide::Joiner, &proof) {
                        let proof = invite::confirmation(&key, InviteSide::Inviter);
                        net.introductions
                            .post(reply, Note::Proof { joiner, proof }.to_blob());
                        return Ok(Proven {
                            key,
                            side: InviteSide::Inviter,
                        });
                    }
                    guesses += 1;
                    net.introductions
                        .post(reply, Note::Wrong { joiner }.to_blob());
                    if guesses >= GUESSES_MAX {
                        return Err(Failure::new(
                            Kind::Rejected,
                            "the invite is burned: three wrong codes were tried",
                        )
                        .hint("somebody may be guessing; make a new invite and say it in person"));
                    }
                }
                _ => {}
            }
        }
    }
}

/// Waits for the joiner and pairs with it.
pub(crate) async fn invite(
    node: &Node,
    mut open: OpenInvite,
    name: Option<String>,
) -> Result<Value, Failure> {
    let proven = open.prove(&node.net).await?;
    drop(open);
    timeout(LINK_MAX, pair(node, proven, name))
        .await
        .map_err(|_| too_slow())?
}

/// Pairs with whoever made the invite, within the caller's patience.
pub(crate) async fn join(
    node: &Node,
    code: &InviteCode,
    name: Option<String>,
    patience: Option<Duration>,
) -> Result<Value, Failure> {
    let net = &node.net;
    let end = patience.map(|patience| Instant::now() + patience);
    let within = |limit: Duration| {
        let limit = Instant::now() + limit;
        end.map_or(limit, |end| end.min(limit))
    };
    net.call(|core| core.first_contact()).await?;
    net.introductions.online().await.map_err(unreachable)?;
    let joiner: [u8; 16] = rand::random();
    let reply: Token = rand::random();
    let there = invite::invite_token(code.number());
    let (blobs_tx, mut blobs) = mpsc::channel(4);
    let _listening = net.introductions.listen(reply, blobs_tx);
    let (pake, message) = Pake::start(code, InviteSide::Joiner, &mut rand::rng());
    net.introductions.post(
        there,
        Note::Hello {
            joiner,
            reply,
            pake: message,
        }
        .to_blob(),
    );
    let answer = next_note(&mut blobs, joiner, within(ANSWER_MAX)).await;
    let Some(Note::Pake { pake: answer, .. }) = answer else {
        return Err(Failure::new(Kind::NotDelivered, "no open invite answers to this code").code("invite_expired")
            .hint("invites last ten minutes and work once: ask for a new one, and check the number"));
    };
    let key = pake
        .finish(&answer)
        .map_err(|_| Failure::new(Kind::Integrity, "the answer to the code is malformed"))?;
    let proof = invite::confirmation(&key, InviteSide::Joiner);
    net.introductions
        .post(there, Note::Proof { joiner, proof }.to_blob());
    match next_note(&mut blobs, joiner, within(ANSWER_MAX)).await {
        Some(Note::Proof { proof, .. }) if invite::confirms(&key, InviteSide::Inviter, &proof) => {}
        Some(Note::Proof { .. } | Note::Wrong { .. }) => {
            return Err(Failure::new(Kind::Rejected, "the code is wrong").hint(
                "check the two words with the person who made it; three wrong tries burn it",
            ));
        }
        _ => {
            return Err(Failure::new(
                Kind::NotDelivered,
                "the other side went away during pairing",
            )
            .code("invite_expired")
            .retry(None));
        }
    }
    let proven = Proven {
        key,
        side: InviteSide::Joiner,
    };
    timeout_at(within(LINK_MAX), pair(node, proven, name))
        .await
        .map_err(|_| too_slow())?
}

async fn next_note(
    blobs: &mut mpsc::Receiver<Blob>,
    me: [u8; 16],
    deadline: Instant,
) -> Option<Note> {
    loop {
        let note = Note::from_blob(&timeout_at(deadline, blobs.recv()).await.ok()??)?;
        let (Note::Hello { joiner, .. }
        | Note::Pake { joiner, .. }
        | Note::Proof { joiner, .. }
        | Note::Wrong { joiner }) = &note;
        if *joiner == me {
            return Some(note);
        }
    }
}

fn unreachable(reason: String) -> Failure {
    failure::network(reason).hint("pairing needs the signal server: solo2 config get net.signal")
}

fn too_slow() -> Failure {
    failure::network("the two devices know each other's code but found no path to each other")
        .hint("are both online, and does a firewall drop UDP?")
}

/// The direct link under the PAKE key, the agreement on it, and the new contact.
async fn pair(node: &Node, proven: Proven, name: Option<String>) -> Result<Value, Failure> {
    let connection = meet(&node.net, &proven).await?;
    settle(node, &connection, proven, name, false).await
}

/// The handshake under the invite's key, and the agreement on a contact; `onion` if it is to be
/// reached through Tor alone.
async fn settle(
    node: &Node,
    connection: &Connection,
    proven: Proven,
    name: Option<String>,
    onion: bool,
) -> Result<Value, Failure> {
    let net = &node.net;
    let ends = Ends {
        device: &net.device,
        certificate: &net.certificate,
    };
    let established = match proven.side {
        InviteSide::Joiner => handshake::initiate_pairing(connection, ends, &proven.key).await,
        InviteSide::Inviter => handshake::accept_pairing(connection, ends, &proven.key).await,
    }
    .map_err(|error| Failure::new(Kind::Integrity, format!("pairing failed: {error}")))?;
    let outcome = agree(node, established, (proven.side, onion), name).await;
    if proven.side == InviteSide::Inviter && outcome.is_ok() {
        // What has arrived there is not read yet, and lost with the connection.
        let _ = timeout(PARTING, connection.streams.accept()).await;
    }
    connection.close();
    outcome
}

/// Finds a path to the other side over the tokens that grow from the PAKE key.
async fn meet(net: &Arc<NetContext>, proven: &Proven) -> Result<Connection, Failure> {
    let (ours, theirs) = match proven.side {
        InviteSide::Inviter => (InviteSide::Inviter, InviteSide::Joiner),
        InviteSide::Joiner => (InviteSide::Joiner, InviteSide::Inviter),
    };
    let (blobs_tx, mut blobs) = mpsc::channel(16);
    let _listening = net
        .introductions
        .listen(invite::meeting_token(&proven.key, ours), blobs_tx);
    let there = invite::meeting_token(&proven.key, theirs);
    let opened = |blob: Blob| {
        let bytes = signal_seal::open_with_key(&proven.key, blob.as_slice()).ok()?;
        LinkSignal::from_bytes(&bytes).ok()
    };
    let offer = match proven.side {
        InviteSide::Joiner => None,
        InviteSide::Inviter => loop {
            let Some(blob) = blobs.recv().await else {
                return Err(failure::stopped());
            };
            if let Some(offer @ LinkSignal::Offer { .. }) = opened(blob)
                && net.transport().allows(offer.is_webrtc())
            {
                break Some(offer);
            }
        },
    };
    let (link, role) = match &offer {
        Some(offer) => (*offer.link(), Role::Controlled),
        None => (rand::random(), Role::Controlling),
    };
    let webrtc = match &offer {
        Some(offer) => offer.is_webrtc(),
        None => net.transport() == Transport::Webrtc,
    };
    let policy = net.call(|core| core.first_contact()).await?;
    let config = DirectConfig {
        role,
        link,
        mask: net.mask_keys(&proven.key),
        stun: net.stun(),
        relays: net.find_relays(policy).await,
        tor: net.through_tor(),
        policy,
        first_remote: offer,
        tally: net.tally.clone(),
    };
    let (signals, incoming) = mpsc::channel(16);
    let (out, mut outgoing) = mpsc::channel(16);
    let mut connecting = std::pin::pin!(connection::connect(webrtc, config, out, incoming));
    loop {
        tokio::select! {
            done = &mut connecting => {
                return done.map_err(|error| {
                    failure::network(format!("no path to the other device: {error}"))
                });
            }
            Some(signal) = outgoing.recv() => {
                if let Ok(blob) = signal_seal::seal_with_key(&proven.key, &signal.to_bytes(), &mut rand::rng()) {
                    net.introductions.post(there, blob);
                }
            }
            Some(blob) = blobs.recv() => {
                if let Some(signal) = opened(blob).filter(|signal| *signal.link() == link) {
                    let _ = signals.try_send(signal);
                }
            }
        }
    }
}

/// Frames one at a time, for the few that a pairing needs.
struct Frames(Established);

impl Frames {
    async fn send(&mut self, step: u8, bytes: Vec<u8>) -> Result<(), Failure> {
        let sealed = self
            .0
            .transport
            .seal(&Frame::Agreement { step, bytes }.encode())
            .map_err(|_| broken())?;
        self.0.send.write_all(&sealed).await.map_err(|_| broken())
    }

    async fn receive(&mut self, expected: u8) -> Result<Vec<u8>, Failure> {
        let mut block = vec![0; SEALED_LEN];
        let read = self.0.recv.read_exact(&mut block).await;
        read.map_err(|_| broken())?;
        let data = self.0.transport.open(&block).map_err(|_| broken())?;
        match Frame::decode(&data) {
            Ok(Frame::Agreement { step, bytes }) if step == expected => Ok(bytes),
            _ => Err(broken()),
        }
    }
}

fn broken() -> Failure {
    Failure::new(Kind::Network, "the link broke during pairing")
        .retry(None)
        .hint("make a new invite and try again")
}

fn malformed() -> Failure {
    Failure::new(Kind::Integrity, "the other side sent malformed keys")
}

async fn agree(
    node: &Node,
    mut established: Established,
    (side, onion): (InviteSide, bool),
    name: Option<String>,
) -> Result<Value, Failure> {
    let certificate = established.certificate.take().ok_or_else(malformed)?;
    let net = &node.net;
    if certificate.account() == net.certificate.account() {
        return Err(failure::usage("this is your own invite"));
    }
    let mut frames = Frames(established);
    let profile = node.profile_name().await?.into_bytes();
    match side {
        InviteSide::Inviter => {
            let one_time = OneTimeKeys::generate(&mut rand::rng());
            let ratchet = RatchetKeys::generate(&mut rand::rng());
            let bundle = one_time.bundle(&net.device, &ratchet.public().as_bytes());
            frames.send(NAME, profile).await?;
            frames.send(BUNDLE, bundle).await?;
            let their_name = frames.receive(NAME).await?;
            let initial = frames.receive(INITIAL).await?;
            let agreed = agreement::respond(
                &net.device,
                &net.certificate,
                &certificate,
                one_time,
                &initial,
            )
            .map_err(|_| malformed())?;
            let session = Session::responder(&agreed.sk, &agreed.ad, ratchet);
            let accepted = admit(
                node,
                certificate,
                (&agreed.sk, session),
                name,
                (&their_name, onion),
            )
            .await?;
            frames.send(DONE, Vec::new()).await?;
            let _ = timeout(Duration::from_secs(5), frames.0.send.finish()).await;
            Ok(accepted)
        }
        InviteSide::Joiner => {
            let their_name = frames.receive(NAME).await?;
            let bundle = frames.receive(BUNDLE).await?;
            let (initial, agreed, theirs) = agreement::initiate(
                &net.device,
                &net.certificate,
                &certificate,
                &bundle,
                &mut rand::rng(),
            )
            .map_err(|_| malformed())?;
            let theirs = RatchetPublic::from_bytes(&theirs).map_err(|_| malformed())?;
            let session = Session::initiator(&agreed.sk, &agreed.ad, &theirs, &mut rand::rng())
                .map_err(|_| malformed())?;
            frames.send(NAME, profile).await?;
            frames.send(INITIAL, initial).await?;
            frames.receive(DONE).await?;
            admit(
                node,
                certificate,
                (&agreed.sk, session),
                name,
                (&their_name, onion),
            )
            .await
        }
    }
}

async fn admit(
    node: &Node,
    certificate: DeviceCertificate,
    (sk, session): (&Secret<32>, Session),
    name: Option<String>,
    (their_name, onion): (&[u8], bool),
) -> Result<Value, Failure> {
    let state = PeerState::agreed(rendezvous::pair_secret(sk), sk, session);
    let their_name = String::from_utf8_lossy(their_name).into_owned();
    node.call(move |core| {
        let accepted = core.admit(NewContact {
            certificate,
            state,
            name,
            their_name,
            onion,
        })?;
        core.emit(Event::Value(accepted.clone()));
        Ok(accepted)
    })
    .await
}

//! The Noise handshake that opens a link, over one stream of a fresh connection.
//!
//! Contacts run `IKpsk2` under the psk that both remember. When one side has lost or
//! rolled back its memory the responder refuses, and both run `XXpsk0` under the pair's
//! reset psk and their pinned certificates; the node then agrees on a new ratchet session.
//! Pairing runs `XXpsk0` under the invite's key.
//!
//! ```text
//! initiator                                   responder
//!   IK 1, psk generation g        ──────►
//!                                 ◄──────     IK 2, generation used   (|g - own| <= 1)
//!                                 ◄──────     refused                 (else)
//!   XX 1                          ──────►
//!                                 ◄──────     XX 2 + certificate
//!   XX 3 + certificate            ──────►
//! ```
//! Each message crosses as one block of 4096 bytes. Spec: docs/protocol/3-links.md §1.

use solo2_crypto::identity::{DeviceCertificate, DeviceKeys};
use solo2_crypto::noise::{IkInitiator, IkResponder, Purpose, Transport, XxInitiator, XxResponder};
use solo2_crypto::secret::Secret;
use thiserror::Error;
use zeroize::Zeroizing;

use super::connection::{Broken, Connection, RecvStream, SendStream};
use super::frame::SEALED_LEN;

/// Bytes of a block before the message: kind, generation, length.
const BLOCK_HEAD: usize = 7;

/// The psk chain of a contact as one side remembers it (docs/protocol/3-links.md §1).
pub(crate) struct Psks {
    pub(crate) current: Secret<32>,
    pub(crate) previous: Option<Secret<32>>,
    pub(crate) generation: u32,
}

impl Psks {
    /// The psk of `generation`, if this side still has it.
    fn of(&self, generation: u32) -> Option<&Secret<32>> {
        if generation == self.generation {
            Some(&self.current)
        } else if generation.checked_add(1) == Some(self.generation) {
            self.previous.as_ref()
        } else {
            None
        }
    }

    /// A second owner, for a handshake that runs beside the node.
    pub(crate) fn duplicate(&self) -> Self {
        Self {
            current: self.current.duplicate(),
            previous: self.previous.as_ref().map(Secret::duplicate),
            generation: self.generation,
        }
    }
}

/// Who both ends are.
pub(crate) struct Ends<'a> {
    pub(crate) device: &'a DeviceKeys,
    pub(crate) certificate: &'a DeviceCertificate,
}

/// What a handshake yields.
pub(crate) struct Established {
    pub(crate) transport: Transport,
    pub(crate) send: SendStream,
    pub(crate) recv: RecvStream,
    /// The psk that went into the handshake.
    pub(crate) psk: Secret<32>,
    /// Its place in the chain; `None` after `XXpsk0`, which starts a new one.
    pub(crate) generation: Option<u32>,
    /// Whether this side spoke first.
    pub(crate) initiator: bool,
    /// The other end's certificate, when the handshake carried one.
    pub(crate) certificate: Option<DeviceCertificate>,
}

/// Why two ends did not come to a link.
#[derive(Debug, Error)]
pub(crate) enum HandshakeError {
    #[error("the connection broke during the handshake")]
    Connection,
    #[error("the other end does not speak this handshake")]
    Malformed,
    #[error("the other end could not prove that it is the expected one")]
    Unproven,
    #[error("the other end presents another identity")]
    Identity,
}

impl From<Broken> for HandshakeError {
    fn from(Broken: Broken) -> Self {
        Self::Connection
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    IkInit = 1,
    IkReply = 2,
    Refused = 3,
    XxFirst = 4,
    XxSecond = 5,
    XxThird = 6,
}

/// Opens the link to a known contact as its initiator.
pub(crate) async fn initiate(
    connection: &Connection,
    ends: Ends<'_>,
    remote: &DeviceCertificate,
    psks: Option<&Psks>,
    reset_psk: &Secret<32>,
) -> Result<Established, HandshakeError> {
    let prologue = connection.prologue(Purpose::Contact);
    let (mut send, mut recv) = connection.streams.open().await?;
    if let Some(psks) = psks {
        let (await_reply, first) = IkInitiator::start(
            ends.device.noise(),
            &remote.noise(),
            &prologue,
            &mut rand::rng(),
        )
        .map_err(|_| HandshakeError::Unproven)?;
        write_block(&mut send, Kind::IkInit, psks.generation, &first).await?;
        let reply = read_block(&mut recv).await?;
        match reply.kind {
            Kind::IkReply => {
                let psk = psks.of(reply.generation).ok_or(HandshakeError::Malformed)?;
                let transport = await_reply
                    .finish(&reply.message, psk)
                    .map_err(|_| HandshakeError::Unproven)?;
                return Ok(Established {
                    transport,
                    send,
                    recv,
                    psk: psk.duplicate(),
                    generation: Some(reply.generation),
                    initiator: true,
                    certificate: None,
                });
            }
            Kind::Refused => {}
            _ => return Err(HandshakeError::Malformed),
        }
    }
    let established = initiate_xx((send, recv), &ends, &prologue, reset_psk).await?;
    require_account(established, remote)
}

/// Answers a known contact.
pub(crate) async fn accept(
    connection: &Connection,
    ends: Ends<'_>,
    remote: &DeviceCertificate,
    psks: Option<&Psks>,
    reset_psk: &Secret<32>,
) -> Result<Established, HandshakeError> {
    let prologue = connection.prologue(Purpose::Contact);
    let (mut send, mut recv) = connection.streams.accept().await?;
    let mut first = read_block(&mut recv).await?;
    if first.kind == Kind::IkInit {
        let shared = psks.and_then(|psks| {
            let generation = first.generation.min(psks.generation);
            let near = first.generation.abs_diff(generation) <= 1;
            psks.of(generation)
                .filter(|_| near)
                .map(|psk| (generation, psk))
        });
        if let Some((generation, psk)) = shared {
            let responder = IkResponder::read(
                ends.device.noise(),
                &prologue,
                &first.message,
                &mut rand::rng(),
            )
            .map_err(|_| HandshakeError::Unproven)?;
            if responder.remote() != remote.noise() {
                return Err(HandshakeError::Identity);
            }
            let (transport, reply) = responder.reply(psk).map_err(|_| HandshakeError::Unproven)?;
            write_block(&mut send, Kind::IkReply, generation, &reply).await?;
            return Ok(Established {
                transport,
                send,
                recv,
                psk: psk.duplicate(),
                generation: Some(generation),
                initiator: false,
                certificate: None,
            });
        }
        write_block(&mut send, Kind::Refused, 0, &[]).await?;
        first = read_block(&mut recv).await?;
    }
    let established = accept_xx((send, recv), first, &ends, &prologue, reset_psk).await?;
    require_account(established, remote)
}

/// Opens a pairing link under the invite's key.
pub(crate) async fn initiate_pairing(
    connection: &Connection,
    ends: Ends<'_>,
    psk: &Secret<32>,
) -> Result<Established, HandshakeError> {
    let streams = connection.streams.open().await?;
    initiate_xx(streams, &ends, &connection.prologue(Purpose::Pairing), psk).await
}

/// Answers a pairing link under the invite's key.
pub(crate) async fn accept_pairing(
    connection: &Connection,
    ends: Ends<'_>,
    psk: &Secret<32>,
) -> Result<Established, HandshakeError> {
    let (send, mut recv) = connection.streams.accept().await?;
    let first = read_block(&mut recv).await?;
    accept_xx(
        (send, recv),
        first,
        &ends,
        &connection.prologue(Purpose::Pairing),
        psk,
    )
    .await
}

async fn initiate_xx(
    (mut send, mut recv): (SendStream, RecvStream),
    ends: &Ends<'_>,
    prologue: &[u8],
    psk: &Secret<32>,
) -> Result<Established, HandshakeError> {
    let (await_second, first) =
        XxInitiator::start(ends.device.noise(), psk, prologue, &mut rand::rng());
    write_block(&mut send, Kind::XxFirst, 0, &first).await?;
    let second = read_block(&mut recv).await?;
    if second.kind != Kind::XxSecond {
        return Err(HandshakeError::Malformed);
    }
    let (transport, third, key, payload) = await_second
        .finish(&second.message, ends.certificate.as_bytes())
        .map_err(|_| HandshakeError::Unproven)?;
    write_block(&mut send, Kind::XxThird, 0, &third).await?;
    Ok(Established {
        transport,
        send,
        recv,
        psk: psk.duplicate(),
        generation: None,
        initiator: true,
        certificate: Some(certificate_of(&payload, key)?),
    })
}

async fn accept_xx(
    (mut send, mut recv): (SendStream, RecvStream),
    first: Block,
    ends: &Ends<'_>,
    prologue: &[u8],
    psk: &Secret<32>,
) -> Result<Established, HandshakeError> {
    if first.kind != Kind::XxFirst {
        return Err(HandshakeError::Malformed);
    }
    let (await_third, second) = XxResponder::start(
        ends.device.noise(),
        psk,
        prologue,
        &first.message,
        ends.certificate.as_bytes(),
        &mut rand::rng(),
    )
    .map_err(|_| HandshakeError::Unproven)?;
    write_block(&mut send, Kind::XxSecond, 0, &second).await?;
    let third = read_block(&mut recv).await?;
    if third.kind != Kind::XxThird {
        return Err(HandshakeError::Malformed);
    }
    let (transport, key, payload) = await_third
        .finish(&third.message)
        .map_err(|_| HandshakeError::Unproven)?;
    Ok(Established {
        transport,
        send,
        recv,
        psk: psk.duplicate(),
        generation: None,
        initiator: false,
        certificate: Some(certificate_of(&payload, key)?),
    })
}

/// The certificate in a handshake payload, if it names the key that the handshake proved.
fn certificate_of(payload: &[u8], key: [u8; 32]) -> Result<DeviceCertificate, HandshakeError> {
    let certificate =
        DeviceCertificate::from_bytes(payload).map_err(|_| HandshakeError::Malformed)?;
    if certificate.noise() == key {
        Ok(certificate)
    } else {
        Err(HandshakeError::Identity)
    }
}

fn require_account(
    established: Established,
    pinned: &DeviceCertificate,
) -> Result<Established, HandshakeError> {
    let same = established.certificate.as_ref().is_some_and(|seen| {
        seen.account() == pinned.account() && seen.list_version() >= pinned.list_version()
    });
    if same {
        Ok(established)
    } else {
        Err(HandshakeError::Identity)
    }
}

struct Block {
    kind: Kind,
    generation: u32,
    message: Vec<u8>,
}

async fn write_block(
    send: &mut SendStream,
    kind: Kind,
    generation: u32,
    message: &[u8],
) -> Result<(), HandshakeError> {
    let len = u16::try_from(message.len()).map_err(|_| HandshakeError::Malformed)?;
    if message.len() > SEALED_LEN - BLOCK_HEAD {
        return Err(HandshakeError::Malformed);
    }
    let mut block = Vec::with_capacity(SEALED_LEN);
    block.push(kind as u8);
    block.extend_from_slice(&generation.to_be_bytes());
    block.extend_from_slice(&len.to_be_bytes());
    block.extend_from_slice(message);
    block.resize(SEALED_LEN, 0);
    Ok(send.write_all(&block).await?)
}

async fn read_block(recv: &mut RecvStream) -> Result<Block, HandshakeError> {
    let mut block = Zeroizing::new(vec![0; SEALED_LEN]);
    recv.read_exact(&mut block).await?;
    parse_block(&block).ok_or(HandshakeError::Malformed)
}

fn parse_block(block: &[u8]) -> Option<Block> {
    let (&kind, rest) = block.split_first()?;
    let (generation, rest) = rest.split_first_chunk::<4>()?;
    let (len, rest) = rest.split_first_chunk::<2>()?;
    let message = rest.get(..usize::from(u16::from_be_bytes(*len)))?.to_vec();
    let kind = match kind {
        1 => Kind::IkInit,
        2 => Kind::IkReply,
        3 => Kind::Refused,
        4 => Kind::XxFirst,
        5 => Kind::XxSecond,
        6 => Kind::XxThird,
        _ => return None,
    };
    Some(Block {
        kind,
        generation: u32::from_be_bytes(*generation),
        message,
    })
}

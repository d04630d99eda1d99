//! A link: one authenticated Noise session over one connection, carrying frames.
//!
//! The pump seals what the node wants sent, opens what the peer sent, keeps quiet
//! lines noisy (heartbeats at exponential gaps) or every line equally noisy ([`pace`]),
//! renews its keys, and hands every other frame to the node in the batches in which they
//! arrived.
//!
//! ```text
//!   handshake ──► Link ──rekey every 120 s or 2^16 frames──► Link
//!                   └────new handshake inside, every 10 min or 1 GiB──► Link
//! ```
//! Spec: docs/protocol/3-links.md §2-§3.

pub(crate) mod pace;

use std::sync::Arc;
use std::time::Duration;

use solo2_crypto::identity::DeviceKeys;
use solo2_crypto::noise::{
    AwaitIkReply, Carrier, IkInitiator, IkResponder, Purpose, Transport, next_psk, prologue,
};
use solo2_crypto::secret::Secret;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::connection::{RecvStream, SendStream};
use super::frame::{Frame, SEALED_LEN};
use super::handshake::Established;
use pace::{Pace, gap};

/// Most frames that reach the node in one batch.
const BATCH_MAX: usize = 64;
/// Silence after which a peer is taken for gone: heartbeats come at least every minute.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// How long a peer may take to read: one that only writes would block both ends for ever.
const WRITE_MAX: Duration = Duration::from_secs(30);
/// How long leaving may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// When a link renews itself and how it fills silence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinkTiming {
    pub(crate) rekey_every: Duration,
    pub(crate) rekey_frames: u64,
    pub(crate) renew_every: Duration,
    pub(crate) renew_frames: u64,
    pub(crate) heartbeat_mean: Duration,
}

impl Default for LinkTiming {
    fn default() -> Self {
        Self {
            rekey_every: Duration::from_secs(120),
            rekey_frames: 1 << 16,
            renew_every: Duration::from_secs(600),
            renew_frames: (1 << 30) / SEALED_LEN as u64,
            heartbeat_mean: Duration::from_secs(20),
        }
    }
}

/// What the user may watch of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkInfo {
    /// Renewals of this side's sending key since the link began.
    pub(crate) key_epoch: u64,
    /// First bytes of the newest handshake's hash, the same on both sides.
    pub(crate) handshake_id: [u8; 8],
    /// The mean gap between two frames, if they leave whether something is said or not.
    pub(crate) cover: Option<Duration>,
}

/// What a link tells the node.
pub(crate) enum LinkEvent {
    Frames(Vec<Frame>),
    Down(LinkError),
}

/// Why a link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum LinkError {
    #[error("the connection broke")]
    Connection,
    #[error("the peer fell silent")]
    Silent,
    #[error("the peer closed the link")]
    ClosedByPeer,
    #[error("this side closed the link")]
    Closed,
    #[error("the peer sent what this protocol does not allow")]
    Protocol,
}

/// The fixed keys that a new handshake inside the link needs.
pub(crate) struct Renewal {
    pub(crate) device: Arc<DeviceKeys>,
    pub(crate) remote: [u8; 32],
}

/// Sends frames in order until `outgoing` closes, and events of the peer to `events`; at the
/// pace that `cover` says or the peer asks for.
///
/// Ends with exactly one [`LinkEvent::Down`].
pub(crate) async fn run(
    established: Established,
    renewal: Renewal,
    timing: LinkTiming,
    mut outgoing: mpsc::UnboundedReceiver<Frame>,
    mut cover: watch::Receiver<Option<Duration>>,
    events: impl Fn(LinkEvent) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
    info: watch::Sender<LinkInfo>,
) {
    let Established {
        transport,
        send,
        recv,
        psk,
        initiator,
        ..
    } = established;
    let (blocks, mut incoming) = mpsc::channel(BATCH_MAX);
    let reader = tokio::spawn(read_blocks(recv, blocks));
    // Of their own: a peer that writes much before it reads would stop both pumps otherwise.
    let (wire, sealed) = mpsc::channel(1);
    let mut writer = tokio::spawn(write_all(send, sealed));
    let mut pump = Pump {
        transport,
        pending: None,
        chain: psk,
        initiator,
        renewal,
        timing,
        info,
        frames_sent: 0,
        frames_since_renewal: 0,
        key_epoch: 0,
        rekey_at: Instant::now() + timing.rekey_every,
        renew_at: Instant::now() + timing.renew_every,
        beat_at: Instant::now() + gap(timing.heartbeat_mean),
        pace: Pace::new(None),
        heard_at: Instant::now(),
        wire: Vec::new(),
    };
    pump.publish();
    cover.mark_changed();
    let end = loop {
        let step = tokio::select! {
            frame = outgoing.recv(), if pump.takes() => match frame {
                Some(frame) => pump.seal_batch(frame, &mut outgoing),
                None => Err(LinkError::Closed),
            },
            Ok(room) = wire.reserve(), if pump.may_release() => {
                room.send(pump.release());
                Ok(())
            }
            Ok(()) = cover.changed() => {
                let ours = *cover.borrow_and_update();
                pump.cover(ours)
            }
            ended = &mut writer => Err(ended.unwrap_or(LinkError::Connection)),
            block = incoming.recv() => match block {
                Some(block) => match pump.receive_batch(block, &mut incoming) {
                    Ok(frames) if frames.is_empty() => Ok(()),
                    Ok(frames) => {
                        events(LinkEvent::Frames(frames)).await;
                        Ok(())
                    }
                    Err(error) => Err(error),
                },
                None => Err(LinkError::Connection),
            },
            () = sleep_until(pump.next_timer()) => pump.on_timer(),
        };
        if let Err(error) = step {
            break error;
        }
    };
    if end == LinkError::Closed {
        pump.leave(wire, &mut writer).await;
    }
    reader.abort();
    writer.abort();
    events(LinkEvent::Down(end)).await;
}

async fn read_blocks(mut recv: RecvStream, blocks: mpsc::Sender<Vec<u8>>) {
    loop {
        let mut block = vec![0; SEALED_LEN];
        if recv.read_exact(&mut block).await.is_err() || blocks.send(block).await.is_err() {
            return;
        }
    }
}

/// Writes what is sealed until there is no more, or until the peer does not take it.
async fn write_all(mut send: SendStream, mut sealed: mpsc::Receiver<Vec<u8>>) -> LinkError {
    while let Some(frames) = sealed.recv().await {
        match timeout(WRITE_MAX, send.write_all(&frames)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return LinkError::Connection,
            Err(_) => return LinkError::Silent,
        }
    }
    let _ = send.finish().await;
    LinkError::Closed
}

struct Pump {
    transport: Transport,
    /// A handshake inside the link that awaits its reply (initiator) or its switch (responder).
    pending: Option<Pending>,
    /// Feeds the psk of the next handshake inside the link.
    chain: Secret<32>,
    initiator: bool,
    renewal: Renewal,
    timing: LinkTiming,
    info: watch::Sender<LinkInfo>,
    frames_sent: u64,
    frames_since_renewal: u64,
    key_epoch: u64,
    rekey_at: Instant,
    renew_at: Instant,
    beat_at: Instant,
    pace: Pace,
    heard_at: Instant,
    /// Sealed, and not yet handed to the writer.
    wire: Vec<u8>,
}

enum Pending {
    Reply(Box<AwaitIkReply>),
    /// Our direction already runs under the new transport, the peer's not yet.
    Switch(Transport),
}

impl Pump {
    fn publish(&self) {
        let hash = self.transport.handshake_hash();
        let mut handshake_id = [0; 8];
        handshake_id.copy_from_slice(hash.first_chunk().unwrap_or(&[0; 8]));
        self.info.send_replace(LinkInfo {
            key_epoch: self.key_epoch,
            handshake_id,
            cover: self.pace.mean(),
        });
    }

    /// Whether another frame can be taken from the node. With a pace it waits here, so that
    /// the end, which stands behind all frames, is seen at once.
    fn takes(&self) -> bool {
        self.pace.mean().is_some() || self.wire.is_empty()
    }

    fn may_release(&self) -> bool {
        !self.wire.is_empty() && (self.pace.mean().is_none() || self.pace.is_due())
    }

    /// What may leave now: a frame if there is a pace, else all.
    fn release(&mut self) -> Vec<u8> {
        if self.pace.mean().is_none() {
            return std::mem::take(&mut self.wire);
        }
        self.pace.sent();
        let rest = self.wire.split_off(SEALED_LEN.min(self.wire.len()));
        std::mem::replace(&mut self.wire, rest)
    }

    /// Follows this side's wish, and tells the peer.
    fn cover(&mut self, ours: Option<Duration>) -> Result<(), LinkError> {
        if ours == self.pace.ours {
            return Ok(());
        }
        let millis = pace::to_wire(ours);
        self.seal(&Frame::Steady { millis })?;
        self.pace.set_ours(ours);
        self.repaced()
    }

    /// Without a pace nothing waits for a slot.
    fn repaced(&mut self) -> Result<(), LinkError> {
        if self.pace.mean().is_none() {
            self.beat_at = Instant::now() + gap(self.timing.heartbeat_mean);
            while let Some(frame) = self.pace.next() {
                self.seal(&frame)?;
            }
        }
        self.publish();
        Ok(())
    }

    fn next_timer(&self) -> Instant {
        let renewals = self.rekey_at.min(if self.initiator {
            self.renew_at
        } else {
            self.rekey_at
        });
        let frame = self.pace.slot().unwrap_or(self.beat_at);
        renewals.min(frame).min(self.heard_at + SILENCE_MAX)
    }

    fn on_timer(&mut self) -> Result<(), LinkError> {
        let now = Instant::now();
        if now >= self.heard_at + SILENCE_MAX {
            return Err(LinkError::Silent);
        }
        if now >= self.rekey_at {
            self.rekey()?;
        }
        if self.initiator && now >= self.renew_at {
            self.start_renewal()?;
        }
        if self.pace.mean().is_none() && now >= self.beat_at {
            self.seal(&Frame::Heartbeat)?;
            self.beat_at = now + gap(self.timing.heartbeat_mean);
        }
        if self.pace.on_slot(now) && self.wire.is_empty() {
            let frame = self.pace.next().unwrap_or(Frame::Heartbeat);
            self.seal(&frame)?;
            self.renew_if_due()?;
        }
        Ok(())
    }

    /// Seals `first` and whatever else already waits, for one write; with a pace it waits.
    fn seal_batch(
        &mut self,
        first: Frame,
        more: &mut mpsc::UnboundedReceiver<Frame>,
    ) -> Result<(), LinkError> {
        if self.pace.mean().is_some() {
            self.pace.wait(first);
            return Ok(());
        }
        self.seal(&first)?;
        for _ in 1..BATCH_MAX {
            match more.try_recv() {
                Ok(frame) => self.seal(&frame)?,
                Err(_) => break,
            }
        }
        self.renew_if_due()
    }

    /// Renews what so many frames have used up.
    fn renew_if_due(&mut self) -> Result<(), LinkError> {
        if self.frames_sent >= self.timing.rekey_frames {
            self.rekey()?;
        }
        if self.initiator && self.frames_since_renewal >= self.timing.renew_frames {
            self.start_renewal()?;
        }
        Ok(())
    }

    /// Says good-bye and lets everything leave, for a moment at most.
    async fn leave(&mut self, wire: mpsc::Sender<Vec<u8>>, writer: &mut JoinHandle<LinkError>) {
        let farewell = async {
            if self.seal(&Frame::Close).is_ok() {
                let _ = wire.send(std::mem::take(&mut self.wire)).await;
            }
            drop(wire);
            let _ = writer.await;
        };
        let _ = timeout(FAREWELL, farewell).await;
    }

    /// The transport of our sending direction.
    fn seal(&mut self, frame: &Frame) -> Result<(), LinkError> {
        let transport = match &mut self.pending {
            Some(Pending::Switch(new)) => new,
            _ => &mut self.transport,
        };
        let sealed = transport
            .seal(&frame.encode())
            .map_err(|_| LinkError::Protocol)?;
        self.wire.extend_from_slice(&sealed);
        self.frames_sent += 1;
        self.frames_since_renewal += 1;
        Ok(())
    }

    fn rekey(&mut self) -> Result<(), LinkError> {
        self.seal(&Frame::Rekey)?;
        match &mut self.pending {
            Some(Pending::Switch(new)) => new.rekey_outgoing(),
            _ => self.transport.rekey_outgoing(),
        }
        self.frames_sent = 0;
        self.key_epoch += 1;
        self.rekey_at = Instant::now() + self.timing.rekey_every;
        self.publish();
        Ok(())
    }

    /// The psk and prologue of a handshake inside this one: both grow from its hash.
    fn inner_terms(&self) -> (Secret<32>, Vec<u8>) {
        let hash = self.transport.handshake_hash();
        let psk = next_psk(&self.chain, &hash, &[0; 32], &[0; 32], true);
        (psk, prologue(Purpose::Renewal, Carrier::Session, &hash))
    }

    fn start_renewal(&mut self) -> Result<(), LinkError> {
        self.renew_at = Instant::now() + self.timing.renew_every;
        self.frames_since_renewal = 0;
        if self.pending.is_some() {
            return Ok(());
        }
        let (_, prologue) = self.inner_terms();
        let (await_reply, first) = IkInitiator::start(
            self.renewal.device.noise(),
            &self.renewal.remote,
            &prologue,
            &mut rand::rng(),
        )
        .map_err(|_| LinkError::Protocol)?;
        self.seal(&Frame::Handshake(first))?;
        self.pending = Some(Pending::Reply(Box::new(await_reply)));
        Ok(())
    }

    fn on_handshake(&mut self, message: &[u8]) -> Result<(), LinkError> {
        let (psk, prologue) = self.inner_terms();
        match self.pending.take() {
            Some(Pending::Reply(await_reply)) => {
                let new = await_reply
                    .finish(message, &psk)
                    .map_err(|_| LinkError::Protocol)?;
                self.seal(&Frame::Switch)?;
                self.adopt(new, psk);
                Ok(())
            }
            None if !self.initiator => {
                let responder = IkResponder::read(
                    self.renewal.device.noise(),
                    &prologue,
                    message,
                    &mut rand::rng(),
                )
                .map_err(|_| LinkError::Protocol)?;
                if responder.remote() != self.renewal.remote {
                    return Err(LinkError::Protocol);
                }
                let (new, reply) = responder.reply(&psk).map_err(|_| LinkError::Protocol)?;
                self.seal(&Frame::Handshake(reply))?;
                self.chain = psk;
                self.pending = Some(Pending::Switch(new));
                Ok(())
            }
            _ => Err(LinkError::Protocol),
        }
    }

    fn adopt(&mut self, new: Transport, psk: Secret<32>) {
        self.transport = new;
        self.chain = psk;
        self.frames_sent = 0;
        self.frames_since_renewal = 0;
        self.publish();
    }

    /// Opens `first` and whatever else already arrived; returns what concerns the node.
    fn receive_batch(
        &mut self,
        first: Vec<u8>,
        more: &mut mpsc::Receiver<Vec<u8>>,
    ) -> Result<Vec<Frame>, LinkError> {
        let mut frames = Vec::new();
        let mut next = Some(first);
        let mut opened = 0;
        while let Some(block) = next {
            let data = self
                .transport
                .open(&block)
                .map_err(|_| LinkError::Protocol)?;
            match Frame::decode(&data).map_err(|_| LinkError::Protocol)? {
                Frame::Heartbeat => {}
                Frame::Rekey => self.transport.rekey_incoming(),
                Frame::Handshake(message) => self.on_handshake(&message)?,
                Frame::Switch => match self.pending.take() {
                    Some(Pending::Switch(new)) => {
                        self.transport = new;
                        self.publish();
                    }
                    _ => return Err(LinkError::Protocol),
                },
                Frame::Steady { millis } => {
                    let theirs = pace::from_wire(millis).ok_or(LinkError::Protocol)?;
                    self.pace.set_theirs(theirs);
                    self.repaced()?;
                }
                Frame::Close => return Err(LinkError::ClosedByPeer),
                frame => frames.push(frame),
            }
            opened += 1;
            next = if opened < BATCH_MAX {
                more.try_recv().ok()
            } else {
                None
            };
        }
        self.heard_at = Instant::now();
        Ok(frames)
    }
}

#[cfg(test)]
mod tests;

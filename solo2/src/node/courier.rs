//! One courier per contact: meets the contact's device and keeps a link to it.
//!
//! Where Tor is the route it keeps our onion service for the contact up and calls the
//! contact's; nobody introduces the two. Otherwise it listens on the contact's rotating
//! tokens, dials when there is reason to, answers the other side's offers, and turns every
//! connection into a link for the core. When both dial at once, the side with the smaller
//! account key is the one that dials.
//!
//! ```text
//!   Idle ──Dial, online, link lost──► Dialing ──answer──► handshake ──► link ──lost──► Idle
//!     └──────────offer──────────────► Answering ────────────┘
//! ```
//!
//! Links are QUIC, or WebRTC channels if the user says so. Left the choice, a courier dials
//! with WebRTC after a path was found and QUIC did not get through it, until that fails, too,
//! or the network changes. It answers in kind. When both dial at once, once with either, it is
//! the WebRTC offer that stands: its sender may have no other way.

mod attempt;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use solo2_crypto::rendezvous::{self, EPOCH_SECS};
use solo2_crypto::signal_seal;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use self::attempt::{News, Start, attempt};
use super::NetContext;
use super::introductions::{Blob, Listening, Reach, Token};
use super::onions;
use super::peer::PeerKeys;
use super::route::Wish;
use super::time::now_secs;
use crate::config::Transport;
use crate::net::RoutePolicy;
use crate::net::connection::Connection;
use crate::net::ice::Role;
use crate::net::ice::offer::LinkSignal;
use crate::net::onion::Door;

/// Callers through Tor that wait for the courier.
const CALLERS: usize = 4;
/// Pauses between attempts that fail; the last one repeats.
const BACKOFF: [u64; 5] = [1, 3, 10, 60, 300];
/// The same through Tor: a service that was just opened takes a while to be found, each call
/// costs many circuits, and who comes back calls by itself.
const ONION_BACKOFF: [u64; 8] = [2, 4, 8, 15, 30, 60, 120, 300];
/// What is written meanwhile does not make the next dial come sooner than this.
const DIAL_REST: Duration = Duration::from_secs(3);
/// Attempts that may be under way with one contact.
const ATTEMPTS_MAX: usize = 4;
/// Link names remembered so that a repeated offer starts nothing.
const SEEN_MAX: usize = 64;

/// What the core tells a courier.
pub(crate) enum Order {
    /// There is something to send.
    Dial,
    /// The link is up: attempts that fail from here on start over quickly.
    Up,
    /// The link was dropped for cause.
    Reset,
    /// What links are made under from now on.
    Wish(Wish),
    /// The configuration changed: where the contact is awaited may have, too.
    Listen,
    /// Leave.
    Stop,
}

struct Attempt {
    policy: RoutePolicy,
    dialing: bool,
    webrtc: bool,
    by_tor: bool,
    /// The other side has taken part in it.
    answered: bool,
    connected: bool,
    signals: mpsc::Sender<LinkSignal>,
    task: JoinHandle<()>,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.connected {
            self.task.abort();
        }
    }
}

/// Starts a courier; it leaves at [`Order::Stop`] or when the sender is dropped.
pub(crate) fn start(
    net: Arc<NetContext>,
    keys: Arc<PeerKeys>,
    wish: Wish,
    open: bool,
) -> mpsc::UnboundedSender<Order> {
    let (orders_tx, orders) = mpsc::unbounded_channel();
    if open {
        tokio::spawn(Courier::new(net, keys, wish).run(orders));
    }
    orders_tx
}

struct Courier {
    net: Arc<NetContext>,
    keys: Arc<PeerKeys>,
    attempts: HashMap<[u8; 16], Attempt>,
    seen: VecDeque<[u8; 16]>,
    /// The offer of the present dial, posted again when the other side dials too.
    offer: Option<LinkSignal>,
    wish: Wish,
    /// Whether the wished route failed, and any way will do for the next attempt.
    detour: bool,
    /// Whether the next dial is WebRTC's, when the choice is ours.
    webrtc: bool,
    /// Whether the contact came through Tor last, and is called there though any way will do.
    by_tor: bool,
    /// Whether the next dial need not wait: the last link was given up for another route.
    eager: bool,
    failures: usize,
    redial_at: Option<Instant>,
    dialed_at: Option<Instant>,
    news_tx: mpsc::Sender<News>,
    news: mpsc::Receiver<News>,
    blobs_tx: mpsc::Sender<Blob>,
    blobs: mpsc::Receiver<Blob>,
    ears: Vec<Listening>,
    epoch: u64,
    /// Keeps our onion service for the contact.
    service: Option<Keeping>,
    callers: mpsc::Receiver<Connection>,
}

/// Ends the service when dropped.
struct Keeping(JoinHandle<()>);

impl Drop for Keeping {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Courier {
    fn new(net: Arc<NetContext>, keys: Arc<PeerKeys>, wish: Wish) -> Self {
        let (news_tx, news) = mpsc::channel(32);
        let (blobs_tx, blobs) = mpsc::channel(32);
        Self {
            net,
            keys,
            attempts: HashMap::new(),
            seen: VecDeque::new(),
            offer: None,
            wish,
            detour: false,
            by_tor: false,
            webrtc: false,
            eager: false,
            failures: 0,
            redial_at: None,
            dialed_at: None,
            news_tx,
            news,
            blobs_tx,
            blobs,
            ears: Vec::new(),
            epoch: 0,
            service: None,
            callers: mpsc::channel(1).1,
        }
    }

    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut reach = self.net.introductions.reach();
        reach.mark_unchanged();
        self.listen();
        self.dial();
        loop {
            let epoch_end =
                Instant::now() + Duration::from_secs(EPOCH_SECS - now_secs() % EPOCH_SECS);
            let redial = self.redial_at.unwrap_or(epoch_end);
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Dial) => {
                        let resting = self.dialed_at.is_some_and(|at| at.elapsed() < DIAL_REST);
                        if !resting {
                            self.dial();
                        }
                    }
                    Some(Order::Up) => self.failures = 0,
                    Some(Order::Reset) => self.schedule(),
                    Some(Order::Wish(wish)) => self.follow(wish),
                    Some(Order::Listen) => self.listen(),
                    Some(Order::Stop) | None => return,
                },
                Some(caller) = self.callers.recv() => self.on_call(caller),
                Some(blob) = self.blobs.recv() => self.on_blob(&blob),
                Some(news) = self.news.recv() => self.on_news(news),
                Ok(()) = reach.changed() => {
                    if *reach.borrow_and_update() == Reach::Online {
                        self.failures = 0;
                        self.webrtc = false;
                        self.dial();
                    }
                }
                () = sleep_until(redial), if self.redial_at.is_some() => {
                    self.redial_at = None;
                    self.dial();
                }
                () = sleep_until(epoch_end) => self.listen(),
            }
        }
    }

    fn token_to(&self, to_peer: bool, epoch: u64) -> Token {
        let to = if to_peer {
            self.keys.certificate.account()
        } else {
            self.net.certificate.account()
        };
        rendezvous::token(&self.keys.pair_secret, epoch, &to)
    }

    /// Listens on this epoch's token and its neighbours', since clocks differ; or at our onion
    /// service, and at a server only if Tor is no more than a preference.
    fn listen(&mut self) {
        let expected = match self.net.egress.policy() {
            RoutePolicy::Offline => false,
            RoutePolicy::Onion => true,
            _ if self.net.onions.welcomes() => self.wish.allows(RoutePolicy::Onion),
            _ => self.wish.policy == RoutePolicy::Onion,
        };
        if !expected {
            self.service = None;
        } else if self.service.is_none() {
            let (callers, calls) = mpsc::channel(CALLERS);
            let own = Door::new(
                &self.keys.pair_secret,
                self.net.certificate.account().as_bytes(),
            );
            let (onions, keys) = (self.net.onions.clone(), self.keys.clone());
            let keeping = onions::keep(onions, own, callers, keys);
            self.service = Some(Keeping(tokio::spawn(keeping)));
            self.callers = calls;
        }
        if !self.introduced() {
            self.ears.clear();
            self.epoch = 0;
            return;
        }
        let epoch = now_secs() / EPOCH_SECS;
        if epoch == self.epoch {
            return;
        }
        self.epoch = epoch;
        let tokens =
            [epoch.saturating_sub(1), epoch, epoch + 1].map(|epoch| self.token_to(false, epoch));
        // First, or leaving the old tokens would also leave those that go on.
        self.ears.clear();
        self.ears = tokens
            .into_iter()
            .map(|token| self.net.introductions.listen(token, self.blobs_tx.clone()))
            .collect();
    }

    fn post(&self, signal: &LinkSignal) {
        let psk = rendezvous::signal_psk(&self.keys.pair_secret);
        let sealed = signal_seal::seal(
            self.keys.certificate.seal(),
            &psk,
            &signal.to_bytes(),
            &mut rand::rng(),
        );
        match sealed {
            Ok(blob) => {
                let token = self.token_to(true, now_secs() / EPOCH_SECS);
                self.net.introductions.post(token, blob);
            }
            Err(error) => tracing::warn!("cannot seal a signal: {error}"),
        }
    }

    /// Whether a server may introduce the two.
    fn introduced(&self) -> bool {
        self.wish.policy != RoutePolicy::Onion || self.wish.fallback
    }

    fn busy(&self) -> bool {
        self.attempts
            .values()
            .any(|attempt| attempt.dialing || attempt.connected)
    }

    fn dial(&mut self) {
        let online = *self.net.introductions.reach().borrow() == Reach::Online;
        let through_tor = match self.policy() {
            RoutePolicy::Any => self.by_tor,
            policy => policy == RoutePolicy::Onion,
        };
        if self.busy() || !(online || through_tor) || self.attempts.len() >= ATTEMPTS_MAX {
            return;
        }
        self.dialed_at = Some(Instant::now());
        let link = rand::random();
        match through_tor {
            true => self.begin(link, Start::Call),
            false => self.begin(link, Start::Signal(link, Role::Controlling, None)),
        }
    }

    /// The peer calls our onion service. Who calls while we call, too, has one call that is
    /// taken: the one of the smaller account key, unless it comes to nothing. An offer of ours
    /// stands: a peer that does not insist on Tor takes it.
    fn on_call(&mut self, caller: Connection) {
        if self.net.certificate.account() > self.keys.certificate.account() {
            self.attempts
                .retain(|_, attempt| !(attempt.dialing && attempt.by_tor) || attempt.connected);
        }
        if self.attempts.len() < ATTEMPTS_MAX {
            self.begin(rand::random(), Start::Answer(Box::new(caller)));
        }
    }

    /// Drops what was begun under another route, and forgets how the contact came under it.
    fn follow(&mut self, wish: Wish) {
        (self.wish, self.detour, self.eager) = (wish, false, true);
        self.by_tor = false;
        self.attempts
            .retain(|_, attempt| attempt.connected || wish.allows(attempt.policy));
        self.listen();
        self.dial();
    }

    /// What the next attempt is made under.
    fn policy(&self) -> RoutePolicy {
        match self.net.egress.policy() {
            RoutePolicy::Offline => RoutePolicy::Offline,
            RoutePolicy::Onion if self.wish.allows(RoutePolicy::Onion) => RoutePolicy::Onion,
            // The profile lets nothing but Tor out, and the contact is not to be reached by it.
            RoutePolicy::Onion => RoutePolicy::Offline,
            _ if self.detour => RoutePolicy::Any,
            _ => self.wish.policy,
        }
    }

    fn on_blob(&mut self, blob: &Blob) {
        let psk = rendezvous::signal_psk(&self.keys.pair_secret);
        let Ok(opened) = signal_seal::open(&self.net.device, &psk, blob.as_slice()) else {
            return;
        };
        let Ok(signal) = LinkSignal::from_bytes(&opened) else {
            return;
        };
        let link = *signal.link();
        if self.policy() == RoutePolicy::Onion {
            // Tor first; what the contact offers again after it failed is taken.
            return;
        }
        if let Some(attempt) = self.attempts.get_mut(&link) {
            attempt.answered = true;
            let _ = attempt.signals.try_send(signal);
            return;
        }
        if !matches!(signal, LinkSignal::Offer { .. }) || self.seen.contains(&link) {
            return;
        }
        if !self.net.transport().allows(signal.is_webrtc()) {
            // It may take an offer of ours instead.
            self.dial();
            return;
        }
        // Whoever makes offers again does not wait at its onion service.
        self.by_tor = false;
        self.attempts
            .retain(|_, attempt| !(attempt.dialing && attempt.by_tor) || attempt.connected);
        // Who answered our offer and now makes one has started anew and forgotten ours.
        let dialing = self
            .attempts
            .values()
            .find(|attempt| attempt.dialing && !attempt.answered && !attempt.connected);
        let ours_stands = dialing.is_some_and(|ours| {
            if ours.webrtc == signal.is_webrtc() {
                self.net.certificate.account() < self.keys.certificate.account()
            } else {
                ours.webrtc
            }
        });
        if ours_stands {
            // Both dial and ours goes first; theirs may have missed our offer.
            if let Some(offer) = &self.offer {
                self.post(offer);
            }
            return;
        }
        self.attempts
            .retain(|_, attempt| !attempt.dialing || attempt.connected);
        if self.attempts.len() < ATTEMPTS_MAX {
            self.begin(link, Start::Signal(link, Role::Controlled, Some(signal)));
        }
    }

    fn begin(&mut self, link: [u8; 16], start: Start) {
        self.seen.push_back(link);
        if self.seen.len() > SEEN_MAX {
            self.seen.pop_front();
        }
        self.redial_at = None;
        let (signals, incoming) = mpsc::channel(16);
        let (out, mut outgoing) = mpsc::channel(16);
        let dialing = start.role() == Role::Controlling;
        let policy = match start {
            // Who does not insist on Tor keeps what comes through it.
            Start::Call | Start::Answer(_) if self.wish.policy != RoutePolicy::Onion => {
                RoutePolicy::Any
            }
            Start::Call | Start::Answer(_) => RoutePolicy::Onion,
            Start::Signal(..) => self.policy(),
        };
        let by_tor = !matches!(start, Start::Signal(..));
        let webrtc = match (&start, self.net.transport()) {
            (Start::Call | Start::Answer(_), _) => false,
            (Start::Signal(_, _, Some(offer)), _) => offer.is_webrtc(),
            (_, Transport::Auto) => self.webrtc,
            (_, choice) => choice == Transport::Webrtc,
        };
        let attempt = attempt(
            self.net.clone(),
            self.keys.clone(),
            (policy, webrtc),
            (link, start),
            (out, incoming),
            self.news_tx.clone(),
        );
        let news = self.news_tx.clone();
        let task = tokio::spawn(async move {
            let forward = async {
                while let Some(signal) = outgoing.recv().await {
                    let _ = news.send(News::Signal(signal)).await;
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = attempt => {}
                () = forward => {}
            }
            let _ = news.send(News::Ended(link)).await;
        });
        self.attempts.insert(
            link,
            Attempt {
                policy,
                dialing,
                webrtc,
                by_tor,
                answered: false,
                connected: false,
                signals,
                task,
            },
        );
    }

    fn on_news(&mut self, news: News) {
        match news {
            News::Signal(signal) => {
                self.post(&signal);
                if matches!(signal, LinkSignal::Offer { .. }) {
                    self.offer = Some(signal);
                }
            }
            News::Connected(link) => {
                if let Some(attempt) = self.attempts.get_mut(&link) {
                    attempt.connected = true;
                    self.by_tor = attempt.by_tor;
                }
            }
            News::Stuck(link) => {
                if let Some(attempt) = self.attempts.get(&link) {
                    self.webrtc = attempt.dialing && !attempt.webrtc;
                    self.eager |= self.webrtc && self.net.transport() == Transport::Auto;
                }
            }
            News::Ended(link) => {
                let ended = self.attempts.remove(&link);
                if let Some(ended) = &ended {
                    // The other side may not want it.
                    self.webrtc &= !(ended.dialing && ended.webrtc && !ended.answered);
                    self.by_tor &= !(ended.dialing && ended.by_tor && !ended.connected);
                }
                if let Some(ended) = ended.filter(|_| self.wish.fallback) {
                    // A link that ends gives the wished route its chance again.
                    self.detour = !ended.connected && ended.policy == self.wish.policy;
                }
                if !self.busy() {
                    self.schedule();
                }
            }
        }
    }

    fn schedule(&mut self) {
        if self.eager && !self.busy() {
            self.eager = false;
            return self.dial();
        }
        let pauses: &[u64] = match self.policy() {
            RoutePolicy::Onion => &ONION_BACKOFF,
            _ => &BACKOFF,
        };
        let pause = pauses
            .get(self.failures.min(pauses.len() - 1))
            .copied()
            .unwrap_or(300);
        self.failures += 1;
        let jitter = rand::random::<u64>() % (pause * 250);
        self.redial_at = Some(Instant::now() + Duration::from_millis(pause * 750 + jitter));
    }
}

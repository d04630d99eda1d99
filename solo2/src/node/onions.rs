//! Tor as the node uses it: started when the first contact needs it, and the services of
//! contacts kept up.
//!
//! ```text
//!   courier ──call──► Onions ──first use──► Tor ──► the contact's service
//!   courier ◄─callers── keep ──► our service for the contact, made anew when it ends
//! ```
//!
//! Spec: docs/protocol/3-links.md §9.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use arti_client::DataStream;
use serde_json::{Value, json};
use tokio::sync::{OnceCell, mpsc};
use tokio::time::{interval, sleep};
use tor_hscrypto::pk::HsId;

use super::Egress;
use super::peer::PeerKeys;
use crate::agent::rpc::EventSink;
use crate::config::TorConfig;
use crate::net::RoutePolicy;
use crate::net::connection::Connection;
use crate::net::onion::{Caller, Door, OnionError, Settings, Tor};

/// How often a reader hears how far Tor is.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// Pauses between attempts to publish a service; the last one repeats.
const PAUSES: [u64; 5] = [5, 15, 60, 300, 600];

/// The profile's Tor.
pub(crate) struct Onions {
    directory: PathBuf,
    egress: Egress,
    config: RwLock<TorConfig>,
    tor: OnceCell<Arc<Tor>>,
}

impl Onions {
    /// Nothing is started yet.
    pub(crate) fn new(directory: PathBuf, config: TorConfig, egress: Egress) -> Self {
        Self {
            directory,
            egress,
            config: RwLock::new(config),
            tor: OnceCell::new(),
        }
    }

    /// Another configuration: for the next start.
    pub(crate) fn configure(&self, config: TorConfig) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    fn config(&self) -> TorConfig {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        config.clone()
    }

    /// Whether contacts who come through Tor are welcome though we would not: a profile whose
    /// owner has said how it reaches Tor keeps a service for each.
    pub(crate) fn welcomes(&self) -> bool {
        self.config() != TorConfig::default()
    }

    /// Tor, started if it is not.
    pub(crate) async fn tor(&self) -> Result<Arc<Tor>, OnionError> {
        if self.egress.policy() == RoutePolicy::Offline {
            return Err(OnionError::Network(
                "this machine is kept offline".to_owned(),
            ));
        }
        self.tor.get_or_try_init(|| self.start()).await.cloned()
    }

    /// A stream to a port of somebody's onion service.
    pub(crate) async fn stream(&self, id: HsId, port: u16) -> Result<DataStream, OnionError> {
        self.tor().await?.stream(id, port).await
    }

    async fn start(&self) -> Result<Arc<Tor>, OnionError> {
        let TorConfig { file, bridges } = self.config();
        let custom = match file {
            None => None,
            Some(file) => match tokio::fs::read_to_string(&file).await {
                Ok(text) => Some(text),
                Err(error) => {
                    return Err(OnionError::Setup(format!("{}: {error}", file.display())));
                }
            },
        };
        let egress = self.egress.clone();
        let policy = Arc::new(move || egress.policy());
        Tor::new(&self.directory, &Settings { custom, bridges }, policy)
    }

    /// How far Tor is, if it was started.
    pub(crate) fn to_json(&self) -> Value {
        let Some(tor) = self.tor.get() else {
            return Value::Null;
        };
        let progress = tor.progress();
        json!({
            "ready": progress.ready,
            "bootstrap": percent(progress.fraction),
            "blocked": progress.blocked,
            "services": progress.services,
            "published": progress.published,
        })
    }

    /// Does what waits for Tor, and tells the reader meanwhile how far Tor is: each time that
    /// changes, from the start until connections can be made.
    pub(crate) async fn telling<T>(&self, reader: &EventSink, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut look = interval(TELL_EVERY);
        let mut told = None;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = look.tick() => {}
            }
            let Some(tor) = self.tor.get() else {
                continue;
            };
            let progress = tor.progress();
            let now = (progress.ready, percent(progress.fraction), progress.blocked);
            // Who finds Tor ready hears nothing of it.
            if told.as_ref().map_or(progress.ready, |told| *told == now) {
                continue;
            }
            let (ready, bootstrap, blocked) = &now;
            reader
                .send(json!({
                    "v": 1,
                    "type": "tor.progress",
                    "ready": ready,
                    "bootstrap": bootstrap,
                    "blocked": blocked,
                }))
                .await;
            told = Some(now);
        }
    }
}

/// A part of 1 in whole percents.
fn percent(fraction: f32) -> u8 {
    // Between 0 and 100, whatever it was.
    (fraction * 100.0).round() as u8
}

/// Keeps our service for one contact up for as long as somebody takes its callers; strands go
/// to the link that they belong to.
pub(crate) async fn keep(
    onions: Arc<Onions>,
    door: Door,
    callers: mpsc::Sender<Connection>,
    keys: Arc<PeerKeys>,
) {
    let mut failures = 0;
    while !callers.is_closed() {
        let service = match onions.tor().await {
            Ok(tor) => tor.open(&door).await,
            Err(error) => Err(error),
        };
        match service {
            Ok(mut service) => {
                failures = 0;
                loop {
                    tokio::select! {
                        caller = service.next_or_strand() => match caller {
                            Some(Caller::Link(connection)) => {
                                let _ = callers.send(connection).await;
                            }
                            Some(Caller::Strand((token, connection))) => {
                                if let Some(strands) = keys.strands() {
                                    strands.join(&token, connection);
                                }
                            }
                            None => break,
                        },
                        () = callers.closed() => return,
                    }
                }
            }
            Err(error) => tracing::warn!("an onion service is not kept up: {error}"),
        }
        let pause = PAUSES.get(failures).copied().unwrap_or(600);
        failures += 1;
        tokio::select! {
            () = sleep(Duration::from_secs(pause)) => {}
            () = callers.closed() => return,
        }
    }
}

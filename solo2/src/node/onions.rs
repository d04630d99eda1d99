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

use serde_json::{Value, json};
use tokio::sync::{OnceCell, mpsc};
use tokio::time::sleep;

use super::Egress;
use crate::net::RoutePolicy;
use crate::net::connection::Connection;
use crate::net::onion::{Door, OnionError, Tor};

/// Pauses between attempts to publish a service; the last one repeats.
const PAUSES: [u64; 5] = [5, 15, 60, 300, 600];

/// The profile's Tor.
pub(crate) struct Onions {
    directory: PathBuf,
    egress: Egress,
    /// arti's own configuration, if the user gave one.
    custom: RwLock<Option<PathBuf>>,
    tor: OnceCell<Arc<Tor>>,
}

impl Onions {
    /// Nothing is started yet.
    pub(crate) fn new(directory: PathBuf, custom: Option<PathBuf>, egress: Egress) -> Self {
        Self {
            directory,
            egress,
            custom: RwLock::new(custom),
            tor: OnceCell::new(),
        }
    }

    /// Another configuration file: for the next start.
    pub(crate) fn configure(&self, custom: Option<PathBuf>) {
        *self.custom.write().unwrap_or_else(PoisonError::into_inner) = custom;
    }

    /// Whether contacts who come through Tor are welcome though we would not: a profile with a
    /// Tor of its own keeps a service for each.
    pub(crate) fn welcomes(&self) -> bool {
        let custom = self.custom.read().unwrap_or_else(PoisonError::into_inner);
        custom.is_some()
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

    async fn start(&self) -> Result<Arc<Tor>, OnionError> {
        let custom = self
            .custom
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let custom = match custom {
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
        Tor::new(&self.directory, custom.as_deref(), policy)
    }

    /// How far Tor is, if it was started.
    pub(crate) fn to_json(&self) -> Value {
        let Some(tor) = self.tor.get() else {
            return Value::Null;
        };
        let progress = tor.progress();
        json!({
            "ready": progress.ready,
            "bootstrap": (f64::from(progress.fraction) * 100.0).round(),
            "blocked": progress.blocked,
            "services": progress.services,
        })
    }
}

/// Keeps our service for one contact up for as long as somebody takes its callers.
pub(crate) async fn keep(onions: Arc<Onions>, door: Door, callers: mpsc::Sender<Connection>) {
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
                        caller = service.next() => match caller {
                            Some(caller) => {
                                let _ = callers.send(caller).await;
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

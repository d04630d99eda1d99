//! What every verb has at hand: flags, places, settings, the mouth, a runtime.
//!
//! Places and settings are looked up when a verb asks, so that `solo2 version`
//! works with a broken configuration; the runtime starts when a verb needs it,
//! so that `--help` is quick.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Globals;
use crate::config::{NodeConfig, Settings};
use crate::error::{Failure, Kind};
use crate::output::Output;
use crate::paths::{self, Profile, ProfileName};

/// How long a verb waits for a peer when nothing else is said.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// What every verb has at hand.
pub(crate) struct Context {
    pub(crate) globals: Globals,
    pub(crate) out: Output,
}

impl Context {
    /// Nothing is looked up yet.
    pub(crate) fn new(globals: Globals, out: Output) -> Context {
        Context { globals, out }
    }

    /// The user's configuration file, whether or not it exists.
    pub(crate) fn config_file(&self) -> Result<PathBuf, Failure> {
        paths::user_config(self.globals.config.as_deref(), self.globals.home.as_deref())
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        Settings::load(&self.config_file()?, env("SOLO2_SIGNAL_URL").as_deref())
    }

    /// What the node runs with: the settings under the flags.
    pub(crate) fn node_config(&self) -> Result<NodeConfig, Failure> {
        let settings = self.settings()?;
        Ok(NodeConfig {
            signal: settings.signal,
            stun: settings.stun,
            relays: settings.relays,
            strict: settings.strict,
            route_is_fixed: self.globals.route.is_some(),
            route: self.globals.route.unwrap_or(settings.route),
            transport_is_fixed: self.globals.transport.is_some(),
            transport: self.globals.transport.unwrap_or(settings.transport),
            tor: settings.tor,
            cover: settings.cover,
            receipts: settings.receipts,
            files: settings.files,
            offline: self.globals.offline,
            profile: self.profile()?.name.as_str().to_owned(),
        })
    }

    /// The profile that the flags or the settings name.
    pub(crate) fn profile(&self) -> Result<Profile, Failure> {
        let name = match &self.globals.profile {
            Some(name) => name.clone(),
            None => match self.settings()?.default_profile {
                Some(name) => name.parse().map_err(|why| {
                    Failure::new(Kind::Io, format!("default_profile: {why}")).code("config")
                })?,
                None => ProfileName::default(),
            },
        };
        Profile::locate(self.globals.home.as_deref(), name)
    }

    /// How long to wait for a peer.
    pub(crate) fn timeout(&self) -> Duration {
        self.globals
            .timeout
            .map_or(DEFAULT_TIMEOUT, |timeout| timeout.0)
    }

    /// [`Context::timeout`] in milliseconds, for a request.
    pub(crate) fn timeout_ms(&self) -> u64 {
        u64::try_from(self.timeout().as_millis()).unwrap_or(u64::MAX)
    }

    /// A request with the routes that the flags name.
    pub(crate) fn routed(&self, mut params: Value) -> Value {
        if let Some(fields) = params.as_object_mut() {
            fields.insert("route".into(), json!(self.globals.route));
            fields.insert("require_route".into(), json!(self.globals.require_route));
        }
        params
    }

    /// Runs `work` on a new runtime.
    pub(crate) fn block_on<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Failure::io("cannot start the runtime", &error))?;
        let result = runtime.block_on(work);
        // A thread that still waits on stdin must not hold the process back.
        runtime.shutdown_timeout(Duration::from_millis(100));
        result
    }
}

/// A variable of the environment that is set to something.
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Ctrl-C and SIGTERM, heard from [`Interrupts::listen`] on.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    /// Takes both signals over; inside a runtime only.
    pub(crate) fn listen() -> Result<Interrupts, Failure> {
        let failed = |error: std::io::Error| Failure::io("cannot listen to signals", &error);
        Ok(Interrupts {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    /// Whichever comes first.
    ///
    /// The next one ends the process at once: the first was heard, and the
    /// work of letting go takes too long for somebody.
    pub(crate) async fn wait(mut self) -> Failure {
        let kind = self.next().await;
        tokio::spawn(async move {
            std::process::exit(i32::from(self.next().await.exit()));
        });
        Failure::new(kind, kind.name())
    }

    async fn next(&mut self) -> Kind {
        tokio::select! {
            _ = self.interrupt.recv() => Kind::Interrupted,
            _ = self.terminate.recv() => Kind::Terminated,
        }
    }
}

/// Starts the log on stderr if `-v` or `SOLO2_LOG` asks for one.
pub(crate) fn start_log(globals: &Globals, out: &Output) {
    let filter = match (env("SOLO2_LOG"), globals.verbose) {
        (Some(filter), _) => filter,
        (None, 0) => return,
        (None, 1) => "solo2=info".to_owned(),
        (None, 2) => "solo2=debug".to_owned(),
        (None, _) => "solo2=trace".to_owned(),
    };
    let writer = out.log_writer();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_ansi(false)
        .with_writer(move || writer)
        .init();
}

//! `solo2-signal`: runs the introduction server.
//!
//! All words that leave the process are in this file. None is about people.

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use serde_json::json;
use solo2_server::command::{Failure, IO, Mouth, NETWORK};
use solo2_server::harden;
use solo2_server::sandbox::{self, Files, Needs};
use solo2_signal::server::config::{ConfigError, Options, Settings};
use solo2_signal::server::{Bound, health};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use zeroizing_alloc::ZeroAlloc;

/// Memory is wiped when it is given back, whoever used it: TLS, HTTP and the
/// runtime free buffers that tokens and addresses passed through.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

const MOUTH: Mouth = Mouth("solo2-signal");

/// Threads that are ready to serve.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// What serving goes on to need.
const NEEDS: Needs = Needs {
    sockets: false,
    connections: true,
    threads: true,
};

/// Introduces two Solo2 devices to each other, and then is not needed.
///
/// It keeps nothing: what it hands over is sealed, in memory only, and gone after
/// a minute at most.
#[derive(Parser)]
#[command(name = "solo2-signal", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve {
        #[command(flatten)]
        configuration: Configuration,
        /// Give up all that serving does not need, try to get it back, say what worked, and end
        #[arg(long)]
        selftest_sandbox: bool,
    },
    /// Ask a running server whether it is well
    Health {
        /// The server, as `http://`, `https://`, `ws://` or `wss://`
        #[arg(long, default_value = "http://127.0.0.1:7400")]
        url: String,
        /// Certificate to trust, PEM; needed for https
        #[arg(long, value_name = "FILE")]
        ca: Option<PathBuf>,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Check the configuration and say what holds
    CheckConfig(Configuration),
    /// Print the version
    Version {
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
struct Configuration {
    /// Configuration file, TOML; its keys are the flags below
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

impl Configuration {
    fn settings(self) -> Result<Settings, Failure> {
        let file = self
            .config
            .as_deref()
            .map(Options::read)
            .transpose()
            .map_err(|error| from_config(error.into()))?
            .unwrap_or_default();
        Settings::try_from(self.options.or(file)).map_err(from_config)
    }
}

fn from_config(error: ConfigError) -> Failure {
    let hint = error.hint();
    Failure::new(IO, error).hint(hint)
}

fn main() -> ExitCode {
    // Fails only if one was installed before, and nothing ran before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ready = harden::process().map_err(Failure::internal);
    MOUTH.exit(ready.and_then(|()| run(Cli::parse())))
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve {
            configuration,
            selftest_sandbox,
        } => {
            let json = configuration.json;
            serve(&configuration.settings()?, selftest_sandbox, json)
        }
        Command::Health { url, ca, json } => {
            let asked = small_runtime()?.block_on(health::check(&url, ca.as_deref()));
            asked.map_err(|error| {
                let hint = match error {
                    health::HealthError::NoCa(_) => {
                        Some("give --ca FILE: the certificate, or the one that vouches for it")
                    }
                    _ => None,
                };
                Failure::new(NETWORK, error).hint(hint)
            })?;
            MOUTH.say(
                json,
                &json!({"v": 1, "type": "health", "url": url, "status": "ok"}),
                "ok",
            )
        }
        Command::CheckConfig(configuration) => {
            let json = configuration.json;
            let settings = configuration.settings()?;
            settings
                .check_files()
                .map_err(|error| Failure::new(IO, error))?;
            let ttl = settings.signal_ttl();
            MOUTH.say(
                json,
                &json!({
                    "v": 1, "type": "config", "status": "ok", "listen": settings.listen(), "tls": settings.tls().is_some(),
                    "onion": settings.onion(), "stun": settings.stun(), "signal_ttl_ms": u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
                    "max_connections": settings.max_connections(),
                }),
                "the configuration is good",
            )
        }
        Command::Version { json } => {
            let version = env!("CARGO_PKG_VERSION");
            MOUTH.say(
                json,
                &json!({"v": 1, "type": "version", "version": version}),
                &format!("solo2-signal {version}"),
            )
        }
    }
}

fn serve(settings: &Settings, selftest: bool, json: bool) -> Result<(), Failure> {
    let fitting = harden::raise_descriptor_limit();
    if fitting < u64::from(settings.max_connections()) {
        MOUTH.note(&format!(
            "only {fitting} connections fit the limit of open files (ulimit -n)"
        ));
    }
    // The system tells how many in files, too.
    let threads = available_parallelism().map_or(1, NonZero::get);
    let bound = Bound::new(settings).map_err(|error| Failure::new(IO, error))?;
    let files = sandbox::give_up_rights(settings.user()).map_err(Failure::internal)?;
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .on_thread_start(|| {
            STARTED.fetch_add(1, Ordering::Release);
        })
        .on_thread_park(harden::scrub_stack)
        .build()
        .map_err(Failure::internal)?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::internal)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::internal)?;
        let server = bound.serve().map_err(|error| Failure::new(IO, error))?;
        // A thread that is still beginning needs calls that none needs later.
        while STARTED.load(Ordering::Acquire) < threads {
            sleep(Duration::from_millis(1)).await;
        }
        sandbox::give_up_calls(NEEDS).map_err(Failure::internal)?;
        if selftest {
            // On a thread that serves, and on this one.
            let there = tokio::spawn(async { sandbox::escapes(NEEDS) });
            let mut escapes = there.await.map_err(Failure::internal)?;
            escapes.extend(sandbox::escapes(NEEDS));
            return MOUTH.say_escapes(json, "signal.sandbox", &escapes, files);
        }
        if files != Files::Closed {
            MOUTH.note(
                "this kernel guards not all ways to a file (Landlock); the other guards hold",
            );
        }
        let scheme = if settings.tls().is_some() {
            "wss"
        } else {
            "ws"
        };
        let onion = server
            .onion()
            .map(|address| format!(", for Tor on {address}"))
            .unwrap_or_default();
        let stun = server
            .stun()
            .map(|address| format!(", stun on {address}"))
            .unwrap_or_default();
        MOUTH.say(
            json,
            &json!({"v": 1, "type": "ready", "listen": server.listen(), "onion": server.onion(), "stun": server.stun()}),
            &format!(
                "solo2-signal: listening on {scheme}://{}{onion}{stun}",
                server.listen()
            ),
        )?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        server.stop().await;
        Ok(())
    })
}

fn small_runtime() -> Result<runtime::Runtime, Failure> {
    runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::internal)
}

#[cfg(test)]
#[path = "../../tests/pages.rs"]
mod pages;

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_manual_and_the_completions_are_current() {
        super::pages::check(super::Cli::command());
    }
}

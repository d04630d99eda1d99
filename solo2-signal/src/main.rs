//! `solo2-signal`: runs the introduction server.
//!
//! All words that leave the process are in this file. None is about people.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde_json::json;
use solo2_signal::server::config::{ConfigError, Options, Settings};
use solo2_signal::server::{Server, harden, health};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use zeroizing_alloc::ZeroAlloc;

/// Memory is wiped when it is given back, whoever used it: TLS, HTTP and the
/// runtime free buffers that tokens and addresses passed through.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

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
    Serve(Configuration),
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
    fn settings(self) -> Result<Settings, ConfigError> {
        let file = self
            .config
            .as_deref()
            .map(Options::read)
            .transpose()?
            .unwrap_or_default();
        Settings::try_from(self.options.or(file))
    }
}

/// What went wrong, what to do, and the exit code that says it.
struct Failure {
    code: u8,
    error: Box<dyn Error>,
    hint: Option<&'static str>,
}

const IO: u8 = 3;
const NETWORK: u8 = 9;

impl Failure {
    fn new(code: u8, error: impl Error + 'static) -> Self {
        Self {
            code,
            error: Box::new(error),
            hint: None,
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self {
            code: IO,
            hint: error.hint(),
            error: Box::new(error),
        }
    }
}

fn main() -> ExitCode {
    // Fails only if one was installed before, and nothing ran before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match harden::process()
        .map_err(|error| Failure::new(1, error))
        .and_then(|()| run(Cli::parse()))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure);
            ExitCode::from(failure.code)
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve(configuration) => {
            let json = configuration.json;
            serve(&configuration.settings()?, json)
        }
        Command::Health { url, ca, json } => {
            let asked = small_runtime()?.block_on(health::check(&url, ca.as_deref()));
            asked.map_err(|error| Failure {
                code: NETWORK,
                hint: match error {
                    health::HealthError::NoCa(_) => {
                        Some("give --ca FILE: the certificate, or the one that vouches for it")
                    }
                    _ => None,
                },
                error: Box::new(error),
            })?;
            say(
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
            say(
                json,
                &json!({
                    "v": 1, "type": "config", "status": "ok", "listen": settings.listen(), "tls": settings.tls().is_some(),
                    "stun": settings.stun(), "signal_ttl_ms": u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
                    "max_connections": settings.max_connections(),
                }),
                "the configuration is good",
            )
        }
        Command::Version { json } => {
            let version = env!("CARGO_PKG_VERSION");
            say(
                json,
                &json!({"v": 1, "type": "version", "version": version}),
                &format!("solo2-signal {version}"),
            )
        }
    }
}

fn serve(settings: &Settings, json: bool) -> Result<(), Failure> {
    let fitting = harden::raise_descriptor_limit();
    if fitting < u64::from(settings.max_connections()) {
        note(&format!(
            "only {fitting} connections fit the limit of open files (ulimit -n)"
        ));
    }
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_park(harden::scrub_stack)
        .build()
        .map_err(|error| Failure::new(1, error))?;
    runtime.block_on(async {
        let mut terminate =
            signal(SignalKind::terminate()).map_err(|error| Failure::new(1, error))?;
        let mut interrupt =
            signal(SignalKind::interrupt()).map_err(|error| Failure::new(1, error))?;
        let server = Server::start(settings)
            .await
            .map_err(|error| Failure::new(IO, error))?;
        let scheme = if settings.tls().is_some() {
            "wss"
        } else {
            "ws"
        };
        let stun = server
            .stun()
            .map(|address| format!(", stun on {address}"))
            .unwrap_or_default();
        say(
            json,
            &json!({"v": 1, "type": "ready", "listen": server.listen(), "stun": server.stun()}),
            &format!(
                "solo2-signal: listening on {scheme}://{}{stun}",
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
        .map_err(|error| Failure::new(1, error))
}

/// One line on stdout, for people or for programs.
fn say(json: bool, value: &serde_json::Value, text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = if json {
        writeln!(out, "{value}")
    } else {
        writeln!(out, "{text}")
    };
    written
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(IO, error))
}

/// One line on stderr. If there is no stderr, nobody wanted to know.
fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "solo2-signal: {text}");
}

fn complain(failure: &Failure) {
    let mut sentence = failure.error.to_string();
    let mut cause = failure.error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !sentence.ends_with(&text) {
            sentence = format!("{sentence}: {text}");
        }
        cause = inner.source();
    }
    note(&sentence);
    if let Some(hint) = failure.hint {
        let _ = writeln!(io::stderr().lock(), "hint: {hint}");
    }
}

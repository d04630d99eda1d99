//! `solo2-relay`: runs the blind middle-man, and makes the invites to it.
//!
//! All words that leave the process are in this file and in `program/`. None is about people.

mod program {
    pub(crate) mod invite;
    pub(crate) mod operate;
    pub(crate) mod serve;
}

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use serde_json::json;
use solo2_relay::credential::RelaySecret;
use solo2_relay::invite::TurnUri;
use solo2_relay::server::config::{ConfigError, Options, Settings};
use solo2_relay::server::health::{self, HealthError};
use solo2_relay::server::secret::{self, SecretError};
use solo2_server::command::{Failure, IO, Mouth, NETWORK, USAGE};
use solo2_server::harden;
use zeroizing_alloc::ZeroAlloc;

use self::program::{invite, operate, serve};

/// Memory is wiped when it is given back, whoever used it.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

const MOUTH: Mouth = Mouth("solo2-relay");

/// The blind middle-man: carries sealed datagrams between Solo2 devices.
///
/// A STUN and TURN server. It cannot read what it carries, keeps nothing, and writes
/// no address anywhere.
#[derive(Parser)]
#[command(name = "solo2-relay", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the secret of a new relay
    Init {
        /// Where to put it; nobody else may read it
        #[arg(long, value_name = "FILE")]
        secret_file: PathBuf,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Run the server
    Serve {
        #[command(flatten)]
        configuration: Configuration,
        /// Give up all that serving does not need, try to get it back, say what worked, and end
        #[arg(long)]
        selftest_sandbox: bool,
    },
    /// Make an invite: one line that a client needs to use this relay
    Invite(InviteArgs),
    /// Ask a running relay whether it is well
    Health {
        /// The relay, by UDP, or with ?transport=tcp by TCP
        #[arg(
            long,
            value_name = "turn:HOST:PORT",
            default_value = "turn:127.0.0.1:3478"
        )]
        url: TurnUri,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what a running relay did so far, in sums over everybody
    Stats(Ask),
    /// Show or change what a running relay allows
    #[command(subcommand)]
    Limits(Limits),
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

#[derive(Args)]
struct InviteArgs {
    /// The secret of the relay; made if it is not there
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// Where clients reach the relay, once for each transport: turn:HOST:PORT,
    /// turn:HOST:PORT?transport=tcp, turns:HOST:PORT; through Tor over TCP alone:
    /// turn:NAME.onion:PORT?transport=tcp
    #[arg(long, value_name = "URI", required = true)]
    public: Vec<TurnUri>,
    /// The certificate that clients shall insist on, PEM: for one that nobody vouches for
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// How long the invite is good; for ever unless given
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    ttl: Option<Duration>,
    /// Show it as a QR code, too
    #[arg(long, conflicts_with_all = ["json", "turn_credential"])]
    qr: bool,
    /// Print a credential for any TURN client instead, good for 24 h
    #[arg(long)]
    turn_credential: bool,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Ask {
    /// The socket that the relay was given as --control
    #[arg(long, value_name = "FILE")]
    control: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Limits {
    /// Show them
    Show(Ask),
    /// Change them until the relay ends; what is there already stays
    Set {
        #[command(flatten)]
        ask: Ask,
        #[command(flatten)]
        changes: Changes,
    },
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Allocations altogether
    #[arg(long, value_name = "COUNT")]
    max_allocs: Option<u32>,
    /// Allocations of one invite
    #[arg(long, value_name = "COUNT")]
    max_allocs_per_cred: Option<u32>,
    /// Bits per second that one invite may send; 0 for no limit
    #[arg(long, value_name = "BITS")]
    max_bps_per_cred: Option<u64>,
    /// Connections over TCP and TLS altogether
    #[arg(long, value_name = "COUNT")]
    max_connections: Option<u32>,
    /// Connections from one network
    #[arg(long, value_name = "COUNT")]
    max_connections_per_address: Option<u32>,
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

fn from_secret(error: SecretError) -> Failure {
    let hint = error.hint();
    Failure::new(IO, error).hint(hint)
}

fn main() -> ExitCode {
    let ready = harden::process().map_err(Failure::internal);
    MOUTH.exit(ready.and_then(|()| run(Cli::parse())))
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Init { secret_file, json } => {
            secret::make(&secret_file).map_err(from_secret)?;
            let path = secret_file.display();
            MOUTH.say(
                json,
                &json!({"v": 1, "type": "relay.init", "secret_file": path.to_string()}),
                &format!(
                    "made the secret of a relay: {path}\n\
                     next: solo2-relay serve --listen-udp IP:3478 --secret-file {path}\n\
                     then: solo2-relay invite --secret-file {path} --public turn:IP:3478"
                ),
            )
        }
        Command::Serve {
            configuration,
            selftest_sandbox,
        } => {
            let json = configuration.json;
            harden::end_upon_panic();
            serve::serve(&configuration.settings()?, selftest_sandbox, json)
        }
        Command::Invite(args) => invite::invite(&args),
        Command::Health { url, json } => {
            health::check(&url).map_err(|error| {
                let asked = !matches!(error, HealthError::Tls(_) | HealthError::Onion(_));
                Failure::new(if asked { NETWORK } else { USAGE }, error)
            })?;
            MOUTH.say(
                json,
                &json!({"v": 1, "type": "health", "url": url.to_uri(), "status": "ok"}),
                "ok",
            )
        }
        Command::Stats(ask) => operate::stats(&ask),
        Command::Limits(Limits::Show(ask)) => operate::limits(&ask, None),
        Command::Limits(Limits::Set { ask, changes }) => operate::limits(&ask, Some(&changes)),
        Command::CheckConfig(configuration) => {
            let json = configuration.json;
            serve::check(&configuration.settings()?, json)
        }
        Command::Version { json } => {
            let version = env!("CARGO_PKG_VERSION");
            MOUTH.say(
                json,
                &json!({"v": 1, "type": "version", "version": version}),
                &format!("solo2-relay {version}"),
            )
        }
    }
}

/// The secret, with a word if it is new or in the open.
fn found_secret(path: &Path) -> Result<RelaySecret, Failure> {
    let found = secret::read_or_make(path).map_err(from_secret)?;
    note_about(path, &found);
    Ok(found.secret)
}

fn note_about(path: &Path, found: &secret::Found) {
    if found.made {
        MOUTH.note(&format!("made a new secret: {}", path.display()));
    }
    if found.exposed {
        MOUTH.note(&format!(
            "others on this machine may read {}; chmod 600 ends that",
            path.display()
        ));
    }
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

//! `solo2-relay`: runs the blind middle-man, and makes the invites to it.
//!
//! All words that leave the process are in this file. None is about people.

use std::error::Error;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use rand::TryRng as _;
use rand::rngs::SysRng;
use serde_json::json;
use solo2_relay::credential::{InviteId, InviteKey, MAX_LIFETIME, RelaySecret};
use solo2_relay::invite::{Invite, Pin, Tls, Transport, TurnUri};
use solo2_relay::server::config::{ConfigError, Log, Options, Settings};
use solo2_relay::server::sandbox::{self, Files};
use solo2_relay::server::secret::{self, Revoked, SecretError};
use solo2_relay::server::{Peers, Server, harden, health, tls};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;
use tokio::time::{Interval, MissedTickBehavior, interval};
use zeroizing_alloc::ZeroAlloc;

/// Memory is wiped when it is given back, whoever used it.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

/// How often sums are told with `--log aggregate`.
const SUMS: Duration = Duration::from_secs(60);

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
    /// turn:HOST:PORT?transport=tcp, turns:HOST:PORT
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

const INTERNAL: u8 = 1;
const USAGE: u8 = 2;
const IO: u8 = 3;
const NETWORK: u8 = 9;
const VERIFY: u8 = 20;

impl Failure {
    fn new(code: u8, error: impl Error + 'static) -> Self {
        Self {
            code,
            error: Box::new(error),
            hint: None,
        }
    }

    fn internal(error: impl Error + 'static) -> Self {
        Self::new(INTERNAL, error)
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

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        Self {
            code: IO,
            hint: error.hint(),
            error: Box::new(error),
        }
    }
}

fn main() -> ExitCode {
    match harden::process()
        .map_err(Failure::internal)
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
        Command::Init { secret_file, json } => {
            secret::make(&secret_file)?;
            let path = secret_file.display();
            say(
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
            serve(&configuration.settings()?, selftest_sandbox, json)
        }
        Command::Invite(args) => invite(&args),
        Command::Health { url, json } => {
            health::check(&url).map_err(|error| {
                let asked = !matches!(error, health::HealthError::Tls(_));
                Failure::new(if asked { NETWORK } else { USAGE }, error)
            })?;
            say(
                json,
                &json!({"v": 1, "type": "health", "url": url.to_uri(), "status": "ok"}),
                "ok",
            )
        }
        Command::CheckConfig(configuration) => {
            let json = configuration.json;
            let settings = configuration.settings()?;
            match settings.secret_file() {
                Some(path) if path.exists() => note_about(path, &secret::read_or_make(path)?),
                Some(path) => note(&format!(
                    "{} is not there yet; serve makes it",
                    path.display()
                )),
                None => {}
            }
            revoked(&settings)?;
            settings
                .check_files()
                .map_err(|error| Failure::new(IO, error))?;
            let (allocations, each) = settings.allocations();
            say(
                json,
                &json!({
                    "v": 1, "type": "config", "status": "ok", "listen": settings.listen_udp(),
                    "listen_tcp": settings.listen_streams(false), "listen_tls": settings.listen_streams(true),
                    "role": settings.roles(), "peers": peers(&settings), "relayed": settings.relayed(),
                    "max_allocs": allocations, "max_allocs_per_cred": each, "max_connections": settings.connections(),
                }),
                "the configuration is good",
            )
        }
        Command::Version { json } => {
            let version = env!("CARGO_PKG_VERSION");
            say(
                json,
                &json!({"v": 1, "type": "version", "version": version}),
                &format!("solo2-relay {version}"),
            )
        }
    }
}

fn serve(settings: &Settings, selftest: bool, json: bool) -> Result<(), Failure> {
    let secret = settings.secret_file().map(found_secret).transpose()?;
    let mut revoked = revoked(settings)?;
    let fitting = harden::raise_descriptor_limit();
    let connections = u64::from(settings.connections().unwrap_or_default());
    let sockets = match settings.peers() {
        Some(Peers::Public) => u64::from(settings.allocations().0),
        _ => 0,
    };
    if fitting < connections + sockets {
        note(&format!(
            "only {fitting} sockets fit the limit of open files (ulimit -n): {connections} connections and {sockets} \
             relayed addresses may be wanted"
        ));
    }
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::internal)?;
    LocalSet::new().block_on(&runtime, async {
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::internal)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::internal)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(Failure::internal)?;
        let server = Server::start(settings, secret).map_err(|error| Failure::new(IO, error))?;
        if let Some(list) = &mut revoked {
            server.revoke(list.read()?);
        }
        let needs = settings.needs();
        let files = sandbox::enter(settings.user(), needs).map_err(Failure::internal)?;
        if selftest {
            return say_escapes(&sandbox::escapes(needs), files, json);
        }
        if files != Files::Closed {
            note("this kernel guards not all ways to a file (Landlock); the other guards hold");
        }
        say_ready(settings, &server, json)?;
        let mut sums = sums_timer();
        loop {
            tokio::select! {
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
                _ = hangup.recv() => if let Some(list) = &mut revoked {
                    match list.read() {
                        Ok(invites) => server.revoke(invites),
                        // What held before goes on to hold.
                        Err(error) => complain(&error.into()),
                    }
                },
                _ = sums.tick(), if settings.log() == Log::Aggregate => say_sums(&server, json)?,
            }
        }
    })
}

fn invite(args: &InviteArgs) -> Result<(), Failure> {
    let secret = found_secret(&args.secret_file)?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let lifetime = args.ttl.map(|ttl| ttl.as_secs());
    if lifetime == Some(0) {
        return Err(Failure::new(
            USAGE,
            io::Error::other("an invite needs a --ttl of a second at least"),
        ));
    }
    let mut random = [0; 8];
    SysRng
        .try_fill_bytes(&mut random)
        .map_err(Failure::internal)?;
    let id = InviteId::new(
        lifetime.map(|lifetime| now.saturating_add(lifetime)),
        random,
    );
    let invite = reached_at(args, id, secret.invite_key(id))?;
    if args.turn_credential {
        let (username, password) = invite.credential(now, MAX_LIFETIME);
        let (username, password) = (username.to_string(), password.expose());
        let uris: Vec<String> = args.public.iter().map(TurnUri::to_uri).collect();
        let expires = timestamp(invite.credential(now, MAX_LIFETIME).0.expires);
        return say(
            args.json,
            &json!({
                "v": 1, "type": "turn.credential", "username": username, "password": password, "urls": uris,
                "expires_at": expires,
            }),
            &format!(
                "url       {}\nusername  {username}\npassword  {password}\nexpires   {expires}",
                uris.join(" ")
            ),
        );
    }
    let url = invite.to_url();
    let expires = id.ends().map(timestamp);
    if args.qr {
        let code = QrCode::new(url.as_bytes()).map_err(Failure::internal)?;
        // Light on dark with its quiet zone, so that it reads on dark and on light terminals.
        let drawn = code
            .render::<Dense1x2>()
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark)
            .build();
        say(false, &json!(null), &drawn)?;
    }
    say(
        args.json,
        &json!({"v": 1, "type": "relay.invite", "url": *url, "id": id.to_string(), "expires_at": expires}),
        &url,
    )?;
    if io::stdout().is_terminal() {
        note("who has this line may use the relay");
    }
    Ok(())
}

/// The invite, with the transports that --public names.
fn reached_at(args: &InviteArgs, id: InviteId, key: InviteKey) -> Result<Invite, Failure> {
    let at = |transport| {
        args.public
            .iter()
            .filter(move |uri| uri.transport == transport)
    };
    let port = |transport| at(transport).next().map(|uri| uri.port);
    let wrong = |what: &'static str| Failure::new(USAGE, io::Error::other(what));
    let [udp, tcp, tls] = [Transport::Udp, Transport::Tcp, Transport::Tls].map(port);
    let hosts = || args.public.iter().map(|uri| &uri.host);
    if [Transport::Udp, Transport::Tcp, Transport::Tls]
        .into_iter()
        .any(|transport| at(transport).count() > 1)
    {
        return Err(wrong("an invite names each transport once, at most"));
    }
    let Some(host) = hosts().next().filter(|host| hosts().all(|it| it == *host)) else {
        return Err(wrong("every --public of an invite names the same host"));
    };
    let udp = udp.ok_or_else(|| wrong("an invite needs --public turn:HOST:PORT, for UDP"))?;
    let pin = args.tls_cert.as_deref().map(tls::leaf).transpose();
    let pin = pin.map_err(|error| Failure::new(IO, error))?;
    let pin = pin.map(|certificate| Pin::of(&certificate));
    if pin.is_some() && tls.is_none() {
        return Err(wrong("--tls-cert goes with --public turns:HOST:PORT"));
    }
    Ok(Invite {
        id,
        key,
        host: host.clone(),
        udp,
        tcp,
        tls: tls.map(|port| Tls { port, pin }),
    })
}

/// The secret, with a word if it is new or in the open.
fn found_secret(path: &Path) -> Result<RelaySecret, SecretError> {
    let found = secret::read_or_make(path)?;
    note_about(path, &found);
    Ok(found.secret)
}

fn note_about(path: &Path, found: &secret::Found) {
    if found.made {
        note(&format!("made a new secret: {}", path.display()));
    }
    if found.exposed {
        note(&format!(
            "others on this machine may read {}; chmod 600 ends that",
            path.display()
        ));
    }
}

fn revoked(settings: &Settings) -> Result<Option<Revoked>, SecretError> {
    let mut list = settings.revoked_file().map(Revoked::open).transpose()?;
    if let Some(list) = &mut list {
        list.read()?;
    }
    Ok(list)
}

fn say_ready(settings: &Settings, server: &Server, json: bool) -> Result<(), Failure> {
    let listen = server.listen();
    let (tcp, tls) = (server.listen_streams(false), server.listen_streams(true));
    let mut words = Vec::new();
    for (transport, addresses) in [("udp", &listen), ("tcp", &tcp), ("tls", &tls)] {
        if !addresses.is_empty() {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            words.push(format!("{transport} {}", addresses.join(", ")));
        }
    }
    say(
        json,
        &json!({
            "v": 1, "type": "ready", "listen": listen, "listen_tcp": tcp, "listen_tls": tls, "role": settings.roles(),
            "peers": peers(settings), "relayed": settings.relayed(),
        }),
        &format!(
            "solo2-relay: {} on {}",
            settings.roles().join(" and "),
            words.join(", ")
        ),
    )
}

fn say_escapes(escapes: &[&str], files: Files, json: bool) -> Result<(), Failure> {
    let landlock = match files {
        Files::Closed => "full",
        Files::Partly => "partial",
        Files::Unguarded => "none",
    };
    let text = match escapes {
        [] => "nothing worked that must not".to_owned(),
        some => format!("it could still {}", some.join(", ")),
    };
    say(
        json,
        &json!({"v": 1, "type": "relay.sandbox", "landlock": landlock, "escapes": escapes}),
        &text,
    )?;
    match escapes {
        [] => Ok(()),
        _ => Err(Failure::new(
            VERIFY,
            io::Error::other("the sandbox does not hold"),
        )),
    }
}

fn say_sums(server: &Server, json: bool) -> Result<(), Failure> {
    let sums = server.sums();
    say(
        json,
        &json!({
            "v": 1, "type": "relay.sums", "live": sums.live, "allocations": sums.allocations,
            "datagrams": sums.datagrams, "bytes": sums.bytes, "refusals": sums.refusals,
        }),
        &format!(
            "{} allocations, {} connections; {} allocations since the start; {} datagrams, {} bytes; {} refusals",
            sums.live,
            sums.connections,
            sums.allocations,
            sums.datagrams,
            sums.bytes,
            sums.refusals
        ),
    )
}

fn sums_timer() -> Interval {
    let mut timer = interval(SUMS);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    timer
}

fn peers(settings: &Settings) -> Option<&'static str> {
    settings.peers().map(|peers| match peers {
        Peers::OwnRelays => "own-relays",
        Peers::Public => "public",
    })
}

fn timestamp(unix: u64) -> String {
    let time = UNIX_EPOCH
        .checked_add(Duration::from_secs(unix))
        .unwrap_or(UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
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
    let _ = writeln!(io::stderr().lock(), "solo2-relay: {text}");
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

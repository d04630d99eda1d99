//! `serve` and `check-config`.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use solo2_relay::server::config::{Log, Realm, Settings};
use solo2_relay::server::secret::{self, Revoked};
use solo2_relay::server::{Bound, Peers, Server, control};
use solo2_server::command::{Failure, IO};
use solo2_server::harden;
use solo2_server::sandbox::{self, Files};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::operate;
use crate::{MOUTH, found_secret, from_secret, note_about};

/// How often sums are told with `--log aggregate`.
const SUMS: Duration = Duration::from_secs(60);

/// Serves until told to end.
pub(crate) fn serve(settings: &Settings, selftest: bool, json: bool) -> Result<(), Failure> {
    let secret = settings.secret_file().map(found_secret).transpose()?;
    let mut revoked = revoked(settings)?;
    let fitting = harden::raise_descriptor_limit();
    let connections = u64::from(settings.connections().unwrap_or_default());
    let sockets = match settings.peers() {
        Some(Peers::Public) => u64::from(settings.allocations().0),
        _ => 0,
    };
    if fitting < connections + sockets {
        MOUTH.note(&format!(
            "only {fitting} sockets fit the limit of open files (ulimit -n): {connections} connections and {sockets} \
             relayed addresses may be wanted"
        ));
    }
    let bound = Bound::new(settings, secret).map_err(|error| Failure::new(IO, error))?;
    let files = sandbox::give_up_rights(settings.user()).map_err(Failure::internal)?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::internal)?;
    LocalSet::new().block_on(&runtime, async {
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::internal)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::internal)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(Failure::internal)?;
        let server = bound.serve().map_err(|error| Failure::new(IO, error))?;
        if let Some(list) = &mut revoked {
            server.revoke(list.read().map_err(from_secret)?);
        }
        let needs = settings.needs();
        sandbox::give_up_calls(needs).map_err(Failure::internal)?;
        if selftest {
            let escapes = server.on_each_thread(move || sandbox::escapes(needs));
            let escapes = escapes.concat();
            return MOUTH.say_escapes(json, "relay.sandbox", &escapes, files);
        }
        if files != Files::Closed {
            MOUTH.note(
                "this kernel guards not all ways to a file (Landlock); the other guards hold",
            );
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
                        Err(error) => MOUTH.complain(&from_secret(error)),
                    }
                },
                _ = sums.tick(), if settings.log() == Log::Aggregate => say_sums(&server, json)?,
            }
        }
    })
}

/// Says what would hold.
pub(crate) fn check(settings: &Settings, json: bool) -> Result<(), Failure> {
    match settings.secret_file() {
        Some(path) if path.exists() => {
            note_about(path, &secret::read_or_make(path).map_err(from_secret)?)
        }
        Some(path) => MOUTH.note(&format!(
            "{} is not there yet; serve makes it",
            path.display()
        )),
        None => {}
    }
    revoked(settings)?;
    settings
        .check_files()
        .map_err(|error| Failure::new(IO, error))?;
    let (allocations, each) = settings.allocations();
    MOUTH.say(
        json,
        &json!({
            "v": 1, "type": "config", "status": "ok", "listen": settings.listen_udp(),
            "listen_tcp": settings.listen_streams(false), "listen_tls": settings.listen_streams(true),
            "onion": settings.onion(), "role": settings.roles(), "peers": peers(settings), "relayed": settings.relayed(),
            "threads": settings.threads(), "realm": settings.realm().map(Realm::as_str), "max_allocs": allocations, "max_allocs_per_cred": each, "max_connections": settings.connections(),
        }),
        "the configuration is good",
    )
}

fn revoked(settings: &Settings) -> Result<Option<Revoked>, Failure> {
    let mut list = settings
        .revoked_file()
        .map(Revoked::open)
        .transpose()
        .map_err(from_secret)?;
    if let Some(list) = &mut list {
        list.read().map_err(from_secret)?;
    }
    Ok(list)
}

fn say_ready(settings: &Settings, server: &Server, json: bool) -> Result<(), Failure> {
    let listen = server.listen();
    let (tcp, tls) = (server.listen_streams(false), server.listen_streams(true));
    let mut words = Vec::new();
    let onion: Vec<SocketAddr> = server.onion().into_iter().collect();
    for (transport, addresses) in [
        ("udp", &listen),
        ("tcp", &tcp),
        ("tls", &tls),
        ("for Tor", &onion),
    ] {
        if !addresses.is_empty() {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            words.push(format!("{transport} {}", addresses.join(", ")));
        }
    }
    MOUTH.say(
        json,
        &json!({
            "v": 1, "type": "ready", "listen": listen, "listen_tcp": tcp, "listen_tls": tls, "onion": server.onion(),
            "role": settings.roles(), "peers": peers(settings), "relayed": settings.relayed(),
        }),
        &format!(
            "solo2-relay: {} on {}",
            settings.roles().join(" and "),
            words.join(", ")
        ),
    )
}

fn say_sums(server: &Server, json: bool) -> Result<(), Failure> {
    let sums = server.sums();
    let mut value = control::stats(&sums, server.up());
    value["type"] = "relay.sums".into();
    MOUTH.say(json, &value, &operate::in_words(&value))
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

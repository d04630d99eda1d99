//! `stats` and `limits`: asking a relay that runs.

use std::path::Path;

use serde_json::Value;
use solo2_relay::server::control;
use solo2_server::command::{Failure, NETWORK};

use crate::{Ask, Changes, MOUTH};

/// Says the sums.
pub(crate) fn stats(ask: &Ask) -> Result<(), Failure> {
    let said = asked(&ask.control, "stats")?;
    MOUTH.say(ask.json, &said, &in_words(&said))
}

/// Shows the limits, after the changes if there are any.
pub(crate) fn limits(ask: &Ask, changes: Option<&Changes>) -> Result<(), Failure> {
    let mut request = "limits".to_owned();
    if let Some(changes) = changes {
        let given = [
            ("max-allocs", changes.max_allocs.map(u64::from)),
            (
                "max-allocs-per-cred",
                changes.max_allocs_per_cred.map(u64::from),
            ),
            ("max-bps-per-cred", changes.max_bps_per_cred),
            ("max-connections", changes.max_connections.map(u64::from)),
            (
                "max-connections-per-address",
                changes.max_connections_per_address.map(u64::from),
            ),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                request.push_str(&format!(" {name}={value}"));
            }
        }
    }
    let said = asked(&ask.control, &request)?;
    let number = |name: &str| {
        said[name]
            .as_u64()
            .map_or("unlimited".to_owned(), |it| it.to_string())
    };
    let names = [
        "max_allocs",
        "max_allocs_per_cred",
        "max_bps_per_cred",
        "max_connections",
        "max_connections_per_address",
    ];
    let lines: Vec<String> = names
        .iter()
        .map(|name| format!("{:<28} {}", name.replace('_', "-"), number(name)))
        .collect();
    MOUTH.say(ask.json, &said, &lines.join("\n"))
}

fn asked(socket: &Path, request: &str) -> Result<Value, Failure> {
    control::ask(socket, request).map_err(|source| {
        let hint = "the relay must run with --control and this file, as the same user";
        let asked = NotAsked {
            socket: socket.display().to_string(),
            source,
        };
        let hint = asked.source.raw_os_error().is_some().then_some(hint);
        Failure::new(NETWORK, asked).hint(hint)
    })
}

/// Sums, for people.
pub(crate) fn in_words(sums: &Value) -> String {
    let of = |name: &str| sums[name].as_u64().unwrap_or_default();
    format!(
        "{} allocations, {} connections; {} allocations since the start; {} datagrams, {} bytes; {} refusals",
        of("live"),
        of("connections"),
        of("allocations"),
        of("datagrams"),
        of("bytes"),
        of("refusals"),
    )
}

/// The relay did not answer, or refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot ask {socket}")]
struct NotAsked {
    socket: String,
    source: std::io::Error,
}

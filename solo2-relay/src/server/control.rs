//! What an operator on this machine may ask a running relay, and change: a Unix socket that
//! only its owner opens, bound before the sandbox closes. There is no other way in.
//!
//! ```text
//!   request = ( "stats" / "limits" *( SP name "=" count ) ) LF        at most 256 bytes
//!   answer  = JSON LF                                                 {"v":1,"type":"relay.stats",…}
//! ```
//!
//! One request for each connection, one connection at a time. The counters are sums over
//! everybody, and about nobody.

use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::Mode;
use serde::Serialize;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};

use super::Sums;
use super::shared::Shared;

/// The longest request, in bytes.
const REQUEST: usize = 256;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause after a failed `accept`.
const PAUSE: Duration = Duration::from_millis(100);
/// The most that any limit may be.
const MOST: u64 = 1_000_000;
/// The least and the most that a rate may be, in bits per second: a datagram of the greatest
/// length a second is the least that makes sense.
pub(super) const RATES: std::ops::RangeInclusive<u64> = 1_000_000..=1_000_000_000_000;

/// What a running relay allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Limits {
    /// Allocations altogether.
    pub max_allocs: u32,
    /// Allocations of one invite.
    pub max_allocs_per_cred: u32,
    /// Bits per second that one invite may send, if there is a limit.
    pub max_bps_per_cred: Option<u64>,
    /// Connections over TCP and TLS altogether.
    pub max_connections: u32,
    /// Connections from one network.
    pub max_connections_per_address: u32,
}

/// Why a request means nothing.
#[derive(Debug, Error, PartialEq, Eq)]
enum Refused {
    #[error("expected stats, limits, or limits NAME=COUNT")]
    Unknown,
    #[error("no limit {0}")]
    Name(String),
    #[error(
        "{0} must be between 1 and 1000000, max-bps-per-cred between 1000000 and 1000000000000"
    )]
    Bound(String),
}

impl Limits {
    /// These, changed as a request says; 0 ends the limit of a rate.
    fn changed<'a>(mut self, changes: impl Iterator<Item = &'a str>) -> Result<Self, Refused> {
        for change in changes {
            let (name, value) = change.split_once('=').ok_or(Refused::Unknown)?;
            let bound = || Refused::Bound(name.to_owned());
            let value: u64 = value.parse().map_err(|_| bound())?;
            if name == "max-bps-per-cred" {
                if value != 0 && !RATES.contains(&value) {
                    return Err(bound());
                }
                self.max_bps_per_cred = Some(value).filter(|value| *value != 0);
                continue;
            }
            let place = match name {
                "max-allocs" => &mut self.max_allocs,
                "max-allocs-per-cred" => &mut self.max_allocs_per_cred,
                "max-connections" => &mut self.max_connections,
                "max-connections-per-address" => &mut self.max_connections_per_address,
                _ => return Err(Refused::Name(name.to_owned())),
            };
            *place = u32::try_from(value)
                .ok()
                .filter(|_| (1..=MOST).contains(&value))
                .ok_or_else(bound)?;
        }
        Ok(self)
    }
}

/// Binds the socket, in place of one that nobody listens on any more.
///
/// # Errors
/// What the system says, or that something else is there.
pub(super) fn bind(path: &Path) -> io::Result<UnixListener> {
    let left_behind = std::fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket())
        && UnixStream::connect(path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if left_behind {
        std::fs::remove_file(path)?;
    }
    // From its first moment on, nobody else opens it. There is no other thread yet.
    let before = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(path);
    rustix::process::umask(before);
    let listener = bound?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers requests, until dropped.
pub(super) async fn serve(shared: Arc<Shared>, listener: tokio::net::UnixListener, since: Instant) {
    loop {
        match listener.accept().await {
            // Who is slow or gone gets no answer.
            Ok((stream, _)) => drop(timeout(PATIENCE, answer(&shared, stream, since)).await),
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn answer(
    shared: &Shared,
    mut stream: tokio::net::UnixStream,
    since: Instant,
) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\n") && request.len() < REQUEST {
        let mut bytes = [0; REQUEST];
        let room = bytes.get_mut(..REQUEST - request.len()).unwrap_or_default();
        match stream.read(room).await? {
            0 => break,
            len => request.extend_from_slice(room.get(..len).unwrap_or_default()),
        }
    }
    let said = str::from_utf8(&request).map_err(|_| Refused::Unknown);
    let said = said.and_then(|request| reply(shared, request, since));
    let said = said
        .unwrap_or_else(|refused| json!({"v": 1, "type": "error", "message": refused.to_string()}));
    stream.write_all(format!("{said}\n").as_bytes()).await
}

fn reply(shared: &Shared, request: &str, since: Instant) -> Result<Value, Refused> {
    let mut words = request.split_ascii_whitespace();
    match words.next() {
        Some("stats") if words.next().is_none() => Ok(stats(&shared.sums(), since.elapsed())),
        Some("limits") => {
            let limits = shared.limits().changed(words)?;
            shared.limit(limits);
            Ok(object("relay.limits", &limits))
        }
        _ => Err(Refused::Unknown),
    }
}

/// The sums, as they are told to programs.
#[must_use]
pub fn stats(sums: &Sums, up: Duration) -> Value {
    let mut value = object("relay.stats", sums);
    value["uptime_s"] = up.as_secs().into();
    value
}

fn object(kind: &str, fields: &impl Serialize) -> Value {
    let mut value = json!({"v": 1, "type": kind});
    if let (Value::Object(object), Ok(Value::Object(fields))) =
        (&mut value, serde_json::to_value(fields))
    {
        object.extend(fields);
    }
    value
}

/// Asks a running relay, through its socket.
///
/// # Errors
/// What the system says, or the relay.
pub fn ask(path: &Path, request: &str) -> io::Result<Value> {
    use std::io::{Read as _, Write as _};
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE * 2))?;
    stream.write_all(format!("{request}\n").as_bytes())?;
    let mut said = String::new();
    stream.take(1 << 16).read_to_string(&mut said)?;
    let value: Value = serde_json::from_str(&said).map_err(io::Error::other)?;
    match value["message"].as_str() {
        Some(message) if value["type"] == "error" => Err(io::Error::other(message.to_owned())),
        _ => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        max_allocs: 1,
        max_allocs_per_cred: 2,
        max_bps_per_cred: Some(3_000_000),
        max_connections: 4,
        max_connections_per_address: 5,
    };

    #[test]
    fn limits_are_changed_as_asked_or_not_at_all() {
        let changed = |request: &str| LIMITS.changed(request.split(' '));
        let wanted = Limits {
            max_allocs: 10,
            max_bps_per_cred: None,
            max_connections: 1_000_000,
            ..LIMITS
        };
        assert_eq!(
            changed("max-allocs=10 max-bps-per-cred=0 max-connections=1000000"),
            Ok(wanted)
        );
        for bad in [
            "max-allocs=0",
            "max-connections=1000001",
            "max-allocs=-1",
            "max-bps-per-cred=1",
        ] {
            assert!(matches!(changed(bad), Err(Refused::Bound(_))), "{bad}");
        }
        assert_eq!(changed("color=1"), Err(Refused::Name("color".into())));
        assert_eq!(changed("max-allocs"), Err(Refused::Unknown));
    }

    #[test]
    fn a_socket_that_was_left_behind_makes_room_and_nothing_else_does() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("control");
        let first = bind(&path).expect("bound");
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(bind(&path).is_err(), "somebody listens");
        drop(first);
        assert!(bind(&path).is_ok());
        let file = directory.path().join("file");
        std::fs::write(&file, "precious").expect("written");
        assert!(bind(&file).is_err());
        assert_eq!(std::fs::read(&file).expect("read"), b"precious");
    }
}

//! What went wrong, as a kind with an exit code and a remedy.
//!
//! One table turns a kind of failure into the process's exit code, the `code`
//! of the JSON error object and a line of the man page. Every verb ends in
//! either success or one [`Failure`]; the same object crosses the agent's
//! socket, so a failure means the same with and without an agent.
//! Printing is not this module's business (see `output`).
//! Spec: docs/cli.md, "Exit codes".

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The kinds of failure, one exit code each; codes never change meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bug, or something nobody expected.
    Internal,
    /// Bad flags, an empty message, a terminal that is needed and not there.
    Usage,
    /// A local file, the disk, the configuration.
    Io,
    /// The vault is locked, the password wrong, or no agent runs.
    Locked,
    /// Not paired with that name, or no such id.
    UnknownPeer,
    /// The peer's identity changed or must be verified; nothing was sent.
    Untrusted,
    /// Still queued when the time was over; the item is kept.
    NotDelivered,
    /// A limit of ours, of the peer or of a server.
    RateLimited,
    /// The signal server or the network cannot be reached.
    Network,
    /// The route policy cannot be met; no packet left.
    RouteRefused,
    /// The peer refused.
    Rejected,
    /// A hash, a seal or a signature is wrong; the vault is damaged.
    Integrity,
    /// A size or space limit.
    Quota,
    /// Another process owns this profile.
    Busy,
    /// What was asked to be checked is not as it should be.
    VerifyFailed,
    /// Ctrl-C.
    Interrupted,
    /// The reader of our output went away.
    Pipe,
    /// SIGTERM.
    Terminated,
}

impl Kind {
    /// Every kind, in the order of the exit codes.
    pub(crate) const ALL: [Kind; 18] = [
        Kind::Internal,
        Kind::Usage,
        Kind::Io,
        Kind::Locked,
        Kind::UnknownPeer,
        Kind::Untrusted,
        Kind::NotDelivered,
        Kind::RateLimited,
        Kind::Network,
        Kind::RouteRefused,
        Kind::Rejected,
        Kind::Integrity,
        Kind::Quota,
        Kind::Busy,
        Kind::VerifyFailed,
        Kind::Interrupted,
        Kind::Pipe,
        Kind::Terminated,
    ];

    /// `(exit code, name, meaning)`: the table of the man page and of `schema`.
    pub(crate) const fn row(self) -> (u8, &'static str, &'static str) {
        match self {
            Kind::Internal => (1, "internal", "a bug, or something unexpected"),
            Kind::Usage => (
                2,
                "usage",
                "bad flags, an empty message, or a terminal is needed",
            ),
            Kind::Io => (
                3,
                "io",
                "a local file, one that changed while it was sent, a full disk, or the configuration",
            ),
            Kind::Locked => (
                4,
                "locked",
                "the vault is locked, the password is wrong, or no agent runs",
            ),
            Kind::UnknownPeer => (5, "unknown_peer", "not paired, or an unknown id"),
            Kind::Untrusted => (
                6,
                "untrusted",
                "an identity changed or must be verified; nothing was sent",
            ),
            Kind::NotDelivered => (
                7,
                "not_delivered",
                "not there when the time was over (kept); recv --expect unmet",
            ),
            Kind::RateLimited => (8, "rate_limited", "a limit; JSON names retry_after_ms"),
            Kind::Network => (9, "network", "the signal server cannot be reached"),
            Kind::RouteRefused => (
                10,
                "route_refused",
                "the route policy cannot be met; no packet was sent",
            ),
            Kind::Rejected => (11, "rejected", "the peer refused, or a file was cancelled"),
            Kind::Integrity => (12, "integrity", "a hash, seal or signature is wrong"),
            Kind::Quota => (13, "quota", "a size or space limit"),
            Kind::Busy => (14, "busy", "another process owns this profile"),
            Kind::VerifyFailed => (20, "verify_failed", "what was to be checked is not whole"),
            Kind::Interrupted => (130, "interrupted", "ended by Ctrl-C"),
            Kind::Pipe => (141, "pipe", "the reader of the output went away"),
            Kind::Terminated => (143, "terminated", "ended by SIGTERM"),
        }
    }

    /// The exit code.
    pub(crate) const fn exit(self) -> u8 {
        self.row().0
    }

    /// The stable name, the default `code` of a failure of this kind.
    pub(crate) const fn name(self) -> &'static str {
        self.row().1
    }
}

/// One failure, as it crosses the agent's socket and ends a command.
///
/// The message is a sentence without full stop, the hint what to do about it.
/// Neither may hold a secret or a plaintext. Either may quote what a peer
/// chose, so only `output` prints them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// A stable name for scripts; the kind's name where nothing finer exists.
    pub(crate) code: Cow<'static, str>,
    /// The process's exit code.
    pub(crate) exit: u8,
    /// What failed, and on what.
    pub(crate) message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// Whether trying again may help.
    #[serde(default)]
    pub(crate) retryable: bool,
    /// When trying again makes sense.
    #[serde(default)]
    pub(crate) retry_after_ms: Option<u64>,
    /// Further fields of the JSON error object, such as `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) extra: Option<Box<Value>>,
}

impl Failure {
    /// A failure of `kind`, with the kind's name as code.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Failure {
        Failure {
            code: Cow::Borrowed(kind.name()),
            exit: kind.exit(),
            message: message.into(),
            hint: None,
            retryable: false,
            retry_after_ms: None,
            extra: None,
        }
    }

    /// A usage error: exit 2.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Kind::Usage, message)
    }

    /// A local input/output error: what was done, to what, and why it failed.
    pub(crate) fn io(what: impl fmt::Display, error: &std::io::Error) -> Failure {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure::new(Kind::Pipe, "the reader of the output went away");
        }
        let failure = Failure::new(Kind::Io, format!("{what}: {}", lower(error)));
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => failure
                .code("disk_full")
                .hint("free some space and try again; nothing that was there is lost"),
            std::io::ErrorKind::ReadOnlyFilesystem => failure
                .hint("have the disk looked after and mounted for writing; nothing that was there is lost"),
            _ => failure,
        }
    }

    /// A bug.
    pub(crate) fn internal(message: impl Into<String>) -> Failure {
        Failure::new(Kind::Internal, message)
            .hint("this is a bug in solo2; nothing you sent is lost")
    }

    /// The reader of our output went away: exit 141, and nothing is said.
    pub(crate) fn is_pipe(&self) -> bool {
        self.exit == Kind::Pipe.exit()
    }

    /// A signal ended the command.
    pub(crate) fn is_signal(&self) -> bool {
        self.exit == Kind::Interrupted.exit() || self.exit == Kind::Terminated.exit()
    }

    /// Replaces the code by a finer one.
    pub(crate) fn code(mut self, code: &'static str) -> Failure {
        self.code = Cow::Borrowed(code);
        self
    }

    /// Adds the remedy.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// Says that trying again may help, at once or after `after_ms`.
    pub(crate) fn retry(mut self, after_ms: Option<u64>) -> Failure {
        self.retryable = true;
        self.retry_after_ms = after_ms;
        self
    }

    /// Adds one field to the JSON error object.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Failure {
        let extra = self.extra.get_or_insert_with(|| Box::new(json!({})));
        if let Value::Object(map) = extra.as_mut() {
            map.insert(key.to_owned(), value.into());
        }
        self
    }

    /// The `error` object that `--json` prints as its last line.
    pub(crate) fn to_event(&self) -> Value {
        let mut object = json!({
            "v": 1,
            "type": "error",
            "code": self.code,
            "exit": self.exit,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            "retry_after_ms": self.retry_after_ms,
            "id": null,
        });
        if let (Value::Object(to), Some(Value::Object(from))) = (&mut object, self.extra.as_deref())
        {
            for (key, value) in from {
                if key != "v" && key != "type" {
                    to.insert(key.clone(), value.clone());
                }
            }
        }
        object
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The operating system's words without its error number.
fn lower(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_code_and_name() {
        for (at, one) in Kind::ALL.iter().enumerate() {
            for other in &Kind::ALL[at + 1..] {
                assert_ne!(one.exit(), other.exit());
                assert_ne!(one.name(), other.name());
            }
        }
    }

    #[test]
    fn the_error_object_names_version_and_type_first() {
        let failure = Failure::new(Kind::NotDelivered, "bob is not reachable")
            .code("peer_offline")
            .retry(None)
            .with("id", "01J9Z");
        let text = failure.to_event().to_string();
        assert!(text.starts_with(r#"{"v":1,"type":"error","code":"peer_offline","exit":7,"#));
        assert!(text.contains(r#""retryable":true"#));
        assert!(text.contains(r#""id":"01J9Z""#));
    }

    #[test]
    fn a_failure_survives_the_socket() {
        let failure = Failure::new(Kind::RateLimited, "too fast").retry(Some(250));
        let text = serde_json::to_string(&failure).expect("serialise");
        let back: Failure = serde_json::from_str(&text).expect("parse");
        assert_eq!(back, failure);
    }

    #[test]
    fn an_extra_field_cannot_displace_version_or_type() {
        let event = Failure::usage("x").with("type", "message").to_event();
        assert_eq!(event["type"], "error");
    }

    #[test]
    fn operating_system_errors_lose_their_number() {
        let error = std::io::Error::from_raw_os_error(2);
        let failure = Failure::io("cannot read \"pw\"", &error);
        assert_eq!(
            failure.message,
            "cannot read \"pw\": no such file or directory"
        );
        assert_eq!(failure.exit, 3);
    }
}

//! The node's failures, in words that name the thing and the remedy.

use solo2_store::CommitError;

use crate::error::{Failure, Kind};

pub(crate) fn unknown_peer(name: &str) -> Failure {
    Failure::new(Kind::UnknownPeer, format!("no contact is called {name}"))
        .hint("solo2 contact list shows who is paired; solo2 pair invite pairs someone new")
}

pub(crate) fn untrusted(name: &str, fingerprint: &str) -> Failure {
    Failure::new(Kind::Untrusted, format!("{name} presents a new identity; nothing was sent"))
        .hint(format!(
            "compare the fingerprint with {name} in person, then: solo2 contact trust {name} --fingerprint {fingerprint}"
        ))
}

pub(crate) fn blocked(name: &str) -> Failure {
    Failure::new(Kind::Rejected, format!("{name} is blocked"))
        .hint(format!("solo2 contact unblock {name}"))
}

/// A contact out of an archive: there is history, and no secret to meet by.
pub(crate) fn not_paired(name: &str) -> Failure {
    Failure::new(
        Kind::UnknownPeer,
        format!("{name} comes from an archive and is not paired with you yet; nothing was sent"),
    )
    .code("not_paired")
    .hint(format!(
        "agree on new keys with {name}, the history stays: solo2 pair invite --as {name}"
    ))
}

pub(crate) fn unknown_message(id: &str) -> Failure {
    Failure::new(Kind::UnknownPeer, format!("no message has the id {id}"))
        .code("unknown_message")
        .hint("solo2 history NAME --json shows ids")
}

pub(crate) fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Kind::Usage, message.into())
}

pub(crate) fn network(message: impl Into<String>) -> Failure {
    Failure::new(Kind::Network, message.into()).retry(None)
}

pub(crate) fn stopped() -> Failure {
    Failure::new(Kind::Internal, "the node has stopped")
        .hint("solo2 agent start starts it again; what was accepted is kept")
        .retry(None)
}

pub(crate) fn commit(error: &CommitError) -> Failure {
    Failure::new(Kind::Io, format!("cannot write the vault: {error}")).hint(
        "check free disk space and that the disk is writable; nothing that was accepted is lost",
    )
}

pub(crate) fn read(error: &impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Integrity, format!("cannot read the vault: {error}")).hint(
        "solo2 vault check names the damage; while no agent runs, solo2 vault repair mends it",
    )
}

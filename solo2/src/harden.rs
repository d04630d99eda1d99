//! What this process refuses to leak to its neighbours on the machine.
//!
//! Files are made for this user alone, a crash writes no core, no other
//! process of this user reads our memory, a panic does not print what it holds.
//! Failing to harden is no reason not to run: each step only adds.

use rustix::fs::Mode;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask,
};

use crate::output;

/// Hardens the process; called once, before any thread or file.
pub(crate) fn process() {
    umask(Mode::RWXG | Mode::RWXO);
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        output::panicked(&place);
    }));
    // One TLS provider, chosen once; a second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

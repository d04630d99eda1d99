//! What this process refuses to leak to its neighbours on the machine.
//!
//! Files are made for this user alone, a crash writes no core, no other
//! process of this user reads our memory, keys are not swapped to a disk, a panic does not
//! print what it holds.
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
    solo2_crypto::secret::keep_pages_with(keep_page);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        output::panicked(&place);
    }));
    // One TLS provider, chosen once; a second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Keeps a page of secrets in memory and out of dumps, as far as the system lets us: what it
/// lets an ordinary process lock (`ulimit -l`) holds thousands of keys.
#[allow(
    unsafe_code,
    reason = "locking memory takes its address, and there is no safe call for it"
)]
fn keep_page(start: *const u8, length: usize) {
    let start = start.cast_mut().cast();
    // SAFETY: the page is mapped as long as the process lives, and neither call changes what is
    // in it or who may touch it.
    unsafe {
        let _ = rustix::mm::mlock(start, length);
        #[cfg(target_os = "linux")]
        let _ = rustix::mm::madvise(start, length, rustix::mm::Advice::LinuxDontDump);
    }
}

//! What the process does to itself at the start, so that nothing leaves it by
//! the back door: no core file, no debugger of the same user, clean stacks.

use std::hint::black_box;
use std::panic;
use std::process::exit;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior,
    setrlimit,
};
use thiserror::Error;

use crate::command::INTERNAL;

/// As deep as the calls of one task go, in bytes, with room to spare.
const STACK: usize = 96 * 1024;

/// The process cannot be made safe to run.
#[derive(Debug, Error)]
#[error("cannot switch core dumps off")]
pub struct HardenError(#[source] std::io::Error);

/// Switches core dumps and debugging by the same user off, and checks that they
/// are: `RLIMIT_CORE = 0`, `PR_SET_DUMPABLE = 0`.
///
/// # Errors
/// [`HardenError`] if the system refuses; then the server must not serve.
pub fn process() -> Result<(), HardenError> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).map_err(|error| HardenError(error.into()))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| HardenError(error.into()))?;
    let core_off = getrlimit(Resource::Core).current == Some(0);
    let hidden = dumpable_behavior().is_ok_and(|found| found == DumpableBehavior::NotDumpable);
    if core_off && hidden {
        Ok(())
    } else {
        Err(HardenError(std::io::Error::other(
            "the system did not keep the setting",
        )))
    }
}

/// From now on a panic ends the process, on whichever thread: what goes on without the one
/// that panicked may hold a port that nobody reads.
pub fn end_upon_panic() {
    let say = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        say(panicked);
        exit(INTERNAL.into());
    }));
}

/// Raises the limit of open descriptors as far as this process may, and says how
/// many sockets then fit.
#[must_use]
pub fn raise_descriptor_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // If it stays as it is, so be it: the number below tells.
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile)
        .current
        .map_or(u64::MAX, |most| most.saturating_sub(64))
}

/// Overwrites the part of the stack that finished calls have left behind. Each
/// worker thread calls it before it goes to sleep, and after work that saw a
/// token or an address: a future is built on the stack and moved to the heap with
/// whatever is in its gaps.
#[inline(never)]
pub fn scrub_stack() {
    let mut area = [0_u8; STACK];
    black_box(&mut area);
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_panic_on_any_thread_ends_the_process() {
        const CHILD: &str = "SOLO2_TEST_PANICS";
        if std::env::var_os(CHILD).is_some() {
            end_upon_panic();
            let _ = thread::spawn(|| panic!("as asked")).join();
            thread::sleep(Duration::from_secs(60));
        }
        let this = std::env::current_exe().expect("a test");
        let ended = Command::new(this)
            .args([
                "--exact",
                "harden::tests::a_panic_on_any_thread_ends_the_process",
            ])
            .args(["--nocapture", "--test-threads=1"])
            .env(CHILD, "1")
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(INTERNAL.into()), "{said}");
        assert!(said.contains("as asked"), "{said}");
    }
}

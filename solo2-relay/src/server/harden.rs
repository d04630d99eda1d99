//! What the process does to itself at the start, so that nothing leaves it by
//! the back door: no core file, no debugger of the same user.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior,
    setrlimit,
};
use thiserror::Error;

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

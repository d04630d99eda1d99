//! The wall clock, for display, expiry and epochs; timeouts use tokio's monotonic clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time in milliseconds; a clock before 1970 reads as 0.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

/// Unix time in seconds.
pub(crate) fn now_secs() -> u64 {
    now_ms() / 1000
}

//! The monotonic clock in whole nanoseconds, as the timers of the kernel count them.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of the monotonic clock.
pub(super) type Nanos = u64;

/// The present time.
pub(super) fn now() -> Nanos {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every Linux has a monotonic clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

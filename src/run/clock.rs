//! The one monotonic clock of a run.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use history::Nanos;

/// Counts from the moment the run's calls may begin. All times in a history come from here.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    start: Instant,
}

impl RunClock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The time now.
    pub fn now(&self) -> Nanos {
        Nanos(self.start.elapsed().as_nanos() as u64)
    }

    /// The moment of a time, for sleeping until it.
    pub fn moment(&self, time: Nanos) -> tokio::time::Instant {
        (self.start + Duration::from_nanos(time.0)).into()
    }

    /// The clock as a value for the rooms that may not read clocks themselves.
    pub fn as_source(&self) -> Arc<dyn Fn() -> Nanos + Send + Sync> {
        let clock = *self;
        Arc::new(move || clock.now())
    }
}

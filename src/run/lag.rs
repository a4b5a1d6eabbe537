//! Measures the tester itself, so that a report can say when the tester was the bottleneck.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often the scheduler is tried.
const EVERY: Duration = Duration::from_millis(10);
/// A lag that a call's measured time would notice.
const NOTABLE: Duration = Duration::from_millis(50);

/// How late the tester's own timers fired, and how busy the machine was.
#[derive(Debug, Default)]
pub struct LagMeter {
    samples: Mutex<Samples>,
}

#[derive(Debug, Default)]
struct Samples {
    count: u64,
    late: u64,
    worst: Duration,
    busy_at_start: Option<(u64, u64)>,
}

/// What was measured over a phase.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lag {
    /// The latest that a timer fired.
    pub worst: Duration,
    /// The share of timers that fired more than 50 ms late.
    pub late_share: f64,
    /// The share of the machine's processor time that was in use, where the system tells.
    pub processor: Option<f64>,
}

impl LagMeter {
    /// Starts to measure on the runtime of the clients; ends when the task is aborted.
    pub fn start(runtime: &tokio::runtime::Handle) -> (Arc<Self>, tokio::task::JoinHandle<()>) {
        let meter = Arc::new(Self::default());
        meter.lock().busy_at_start = processor_ticks();
        let task = runtime.spawn(Arc::clone(&meter).sample());
        (meter, task)
    }

    async fn sample(self: Arc<Self>) {
        loop {
            let asked = Instant::now();
            tokio::time::sleep(EVERY).await;
            let late = asked.elapsed().saturating_sub(EVERY);
            let mut samples = self.lock();
            samples.count += 1;
            samples.late += u64::from(late > NOTABLE);
            samples.worst = samples.worst.max(late);
        }
    }

    /// What was measured so far.
    pub fn read(&self) -> Lag {
        let samples = self.lock();
        let processor = samples.busy_at_start.zip(processor_ticks()).and_then(|(then, now)| {
            let total = now.1.checked_sub(then.1).filter(|&total| total > 0)?;
            Some(now.0.saturating_sub(then.0) as f64 / total as f64)
        });
        let late_share = samples.late as f64 / samples.count.max(1) as f64;
        Lag { worst: samples.worst, late_share, processor }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Samples> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lag {
    /// What the report must warn of, if anything.
    pub fn warning(&self) -> Option<String> {
        let worst = self.worst.as_millis();
        if self.late_share > 0.01 {
            let share = self.late_share * 100.0;
            return Some(format!(
                "the tester itself was slow: {share:.1} % of its timers fired more than 50 ms late (worst {worst} ms), \
                 so latencies are overstated; lower --rate or --concurrency"
            ));
        }
        let processor = self.processor.filter(|&share| share > 0.95)?;
        Some(format!(
            "the machine's processors were {:.0} % busy during the calls, so latencies say little of the database",
            processor * 100.0
        ))
    }
}

/// Busy and total processor ticks since the machine started.
fn processor_ticks() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<u64> = text
        .lines()
        .next()?
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|word| word.parse().ok())
        .collect();
    let total: u64 = ticks.iter().sum();
    let idle = ticks.get(3)? + ticks.get(4)?;
    Some((total - idle, total))
}

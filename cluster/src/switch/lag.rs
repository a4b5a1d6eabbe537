//! How long packets waited for the switch itself, so that a report can say when the tester was the bottleneck.
//!
//! A packet that was read has waited since the switch last looked at its port; a packet that was held back has waited
//! since it was due; and a timer that strikes many times a second shows how late the thread is woken when there is no
//! traffic. All three are upper bounds of what the switch added on its own.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::clock::Nanos;

/// Eight buckets to each doubling: a quantile is at most an eighth too high.
const STEPS: u32 = 8;

/// Enough buckets for every `u64`.
const BUCKETS: usize = 64 * STEPS as usize;

/// How long packets waited for the switch itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchLag {
    /// How often it was measured.
    pub samples: u64,
    /// Half of all samples were at most this.
    pub p50: Duration,
    /// 99 of 100 samples were at most this.
    pub p99: Duration,
    /// 999 of 1000 samples were at most this.
    pub p999: Duration,
    /// The longest.
    pub worst: Duration,
}

/// Collects samples from the thread of the switch.
#[derive(Debug)]
pub(super) struct LagMeter {
    buckets: Vec<AtomicU64>,
    worst: AtomicU64,
}

impl Default for LagMeter {
    fn default() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(), worst: AtomicU64::new(0) }
    }
}

/// The bucket of a value: its highest bit and the three bits below it.
fn bucket_of(value: Nanos) -> usize {
    if value < u64::from(STEPS) {
        return value as usize;
    }
    let doublings = value.ilog2() - STEPS.ilog2();
    ((doublings + 1) * STEPS) as usize + ((value >> doublings) as usize & (STEPS as usize - 1))
}

/// The highest value of a bucket.
fn top_of(bucket: usize) -> Nanos {
    let (row, step) = (bucket as u32 / STEPS, bucket as u64 % u64::from(STEPS));
    match row {
        0 => step,
        _ => (((u128::from(step) + u128::from(STEPS) + 1) << (row - 1)) - 1) as u64,
    }
}

impl LagMeter {
    /// Notes that `count` packets waited this long.
    pub(super) fn record(&self, lag: Nanos, count: u64) {
        let bucket = &self.buckets[bucket_of(lag)];
        // Only the thread of the switch writes.
        bucket.store(bucket.load(Relaxed) + count, Relaxed);
        if lag > self.worst.load(Relaxed) {
            self.worst.store(lag, Relaxed);
        }
    }

    /// Sums up.
    pub(super) fn read(&self) -> SwitchLag {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let samples: u64 = counts.iter().sum();
        let worst = self.worst.load(Relaxed);
        let quantile = |of_thousand: u64| {
            let rank = (u128::from(samples) * u128::from(of_thousand)).div_ceil(1000) as u64;
            let mut seen = 0;
            for (bucket, count) in counts.iter().enumerate() {
                seen += count;
                if seen >= rank && seen > 0 {
                    return Duration::from_nanos(top_of(bucket).min(worst));
                }
            }
            Duration::ZERO
        };
        SwitchLag {
            samples,
            p50: quantile(500),
            p99: quantile(990),
            p999: quantile(999),
            worst: Duration::from_nanos(worst),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket() {
        for value in (0..70).chain([1000, 123_456, 999_999_999, u64::MAX / 2, u64::MAX]) {
            let bucket = bucket_of(value);
            assert!(value <= top_of(bucket), "{value} is above bucket {bucket}");
            assert!(bucket == 0 || value > top_of(bucket - 1), "{value} is below bucket {bucket}");
        }
    }

    #[test]
    fn quantiles_are_at_most_an_eighth_too_high() {
        let meter = LagMeter::default();
        assert_eq!(meter.read(), SwitchLag::default());
        for lag in 1..=1000 {
            meter.record(lag * 1000, 1);
        }
        let lag = meter.read();
        assert_eq!(lag.samples, 1000);
        assert_eq!(lag.worst, Duration::from_millis(1));
        for (found, exact) in [(lag.p50, 500.0), (lag.p99, 990.0), (lag.p999, 999.0)] {
            let found = found.as_nanos() as f64 / 1000.0;
            assert!((exact..=exact * 1.125).contains(&found), "{found} is not near {exact}");
        }
    }
}

//! A limit of bandwidth: a token bucket with a bounded queue, kept as one point in time.
//!
//! `free` is when all that was admitted will have been sent at the given rate. A link that was idle may be ahead of its
//! rate by a burst, so `free` never lies further back than that; a packet leaves when the rate has caught up with it.

use super::clock::Nanos;

/// How far ahead of its rate an idle link may get: this long, but at least these bytes.
const BURST: Nanos = 5_000_000;
const BURST_BYTES: u64 = 3_000;

/// How long packets may queue: this long, but at least for these bytes.
const QUEUE: Nanos = 200_000_000;
const QUEUE_BYTES: u64 = 12_000;

/// The state of one link.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    free: Nanos,
}

/// How long so many bytes take.
fn cost(bytes: u64, bits_per_second: u64) -> Nanos {
    let nanos = u128::from(bytes) * 8_000_000_000 / u128::from(bits_per_second.max(1));
    // A thousand years are as good as for ever, and leave room for sums.
    nanos.min(1 << 55) as Nanos
}

impl Bucket {
    /// When a packet that arrives now has left, or nothing if the queue is full.
    pub(super) fn admit(&mut self, now: Nanos, bytes: usize, bits_per_second: u64) -> Option<Nanos> {
        let burst = BURST.max(cost(BURST_BYTES, bits_per_second));
        let start = self.free.max(now.saturating_sub(burst));
        if start.saturating_sub(now) > QUEUE.max(cost(QUEUE_BYTES, bits_per_second)) {
            return None;
        }
        self.free = start + cost(bytes as u64, bits_per_second);
        Some(self.free.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Nanos = 1_000_000_000_000;

    #[test]
    fn an_idle_link_sends_a_burst_at_once_and_then_keeps_its_rate() {
        let mut bucket = Bucket::default();
        // 8 Mbit/s is one byte each microsecond; the burst is 5000 bytes.
        let left: Vec<_> = (0..8).map(|_| bucket.admit(START, 1000, 8_000_000).unwrap() - START).collect();
        assert_eq!(left, [0, 0, 0, 0, 0, 1_000_000, 2_000_000, 3_000_000]);
        // An hour of silence earns no more than one burst.
        let later = START + 3_600_000_000_000;
        let left: Vec<_> = (0..7).map(|_| bucket.admit(later, 1000, 8_000_000).unwrap() - later).collect();
        assert_eq!(left, [0, 0, 0, 0, 0, 1_000_000, 2_000_000]);
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut bucket = Bucket::default();
        let taken = (0..10_000).filter(|_| bucket.admit(START, 1000, 8_000_000).is_some()).count();
        // The burst, 200 ms of queue, and the packet that finds exactly that much before it.
        assert_eq!(taken, 5 + 200 + 1);
    }

    #[test]
    fn a_slow_link_still_takes_whole_packets() {
        let mut bucket = Bucket::default();
        let taken = (0..100).filter(|_| bucket.admit(START, 1500, 1000).is_some()).count();
        assert_eq!(taken, 2 + 8 + 1);
        assert!(Bucket::default().admit(START, 65_535, 1).is_some());
    }
}

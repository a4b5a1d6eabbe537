//! When the lines of a foreign history were written. Their order decides, so no two lines have one time, and none is before
//! the line above it, whatever the file says of times.

use crate::Nanos;

/// How far lines are apart where the file says nothing of times: so far that sentences, which tell milliseconds, tell them
/// apart.
pub(super) const RANK: u64 = 1_000_000;

/// Times from here on, three years, are those of a calendar, and are counted from the first line.
const CALENDAR: u64 = 100_000_000_000_000_000;

/// The clock of a file.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// The earliest time of the next line.
    next: u64,
    /// What is taken off the file's times, if its first line has one; else lines are only counted.
    origin: Option<u64>,
    is_begun: bool,
}

impl Clock {
    /// The time of the next line, which says that it was written then.
    pub fn tick(&mut self, told: Option<u64>) -> Nanos {
        if !self.is_begun {
            self.is_begun = true;
            self.origin = told.map(|told| if told < CALENDAR { 0 } else { told });
        }
        let Some(origin) = self.origin else {
            self.next += RANK;
            return Nanos(self.next - RANK);
        };
        let now = told.map_or(0, |told| told.saturating_sub(origin)).max(self.next);
        self.next = now + 1;
        Nanos(now)
    }

    /// Whether times are ranks of lines and nothing else.
    pub fn is_ranked(&self) -> bool {
        self.origin.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(told: &[Option<u64>]) -> Vec<u64> {
        let mut clock = Clock::default();
        told.iter().map(|told| clock.tick(*told).0).collect()
    }

    #[test]
    fn times_are_kept_where_they_agree_with_the_order_of_lines() {
        assert_eq!(ticks(&[Some(5), Some(9), Some(9), None, Some(3), Some(40)]), [5, 9, 10, 11, 12, 40]);
        assert_eq!(ticks(&[Some(CALENDAR + 7), Some(CALENDAR + 9), Some(2)]), [0, 2, 3]);
    }

    #[test]
    fn lines_are_counted_where_the_first_has_no_time() {
        assert_eq!(ticks(&[None, Some(7), None]), [0, RANK, 2 * RANK]);
    }

    #[test]
    fn the_largest_time_of_a_file_is_no_overflow() {
        assert_eq!(ticks(&[Some(1), Some(i64::MAX as u64), None])[2], i64::MAX as u64 + 1);
    }
}

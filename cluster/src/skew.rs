//! Clocks that processes read wrongly: what they are to be told instead of the time.

use serde::{Deserialize, Serialize};

/// What the processes of a node are to take for the time of day. The machine's own clock is never touched, and monotonic
/// clocks stay true.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "skew", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Skew {
    /// It is so far ahead; negative is back.
    Jump {
        /// How far, in milliseconds.
        offset_ms: i64,
    },
    /// It is so far ahead for one period, right for the next, and so on.
    Strobe {
        /// How far, in milliseconds.
        offset_ms: i64,
        /// The length of a period, in milliseconds.
        period_ms: u64,
    },
    /// It runs too fast or too slowly from now on.
    Drift {
        /// By how many millionths it is too fast; negative is too slow, and -1000000 stands still.
        parts_per_million: i64,
    },
    /// It stands still.
    Freeze,
    /// The second that has just gone by comes once more, as where a leap second is inserted.
    LeapSecond,
}

/// The longest that a clock is set off by, in milliseconds: a hundred years.
const OFFSET_MAX_MS: u64 = 100 * 366 * 24 * 3600 * 1000;

impl Skew {
    /// What is wrong with its parameters, if anything is.
    pub fn doubt(&self) -> Option<String> {
        match *self {
            Self::Jump { offset_ms } | Self::Strobe { offset_ms, .. }
                if offset_ms.unsigned_abs() > OFFSET_MAX_MS || offset_ms == 0 =>
            {
                Some("the offset of a clock is not zero and at most a hundred years".into())
            }
            Self::Strobe { period_ms, .. } if !(1..=86_400_000).contains(&period_ms) => {
                Some("the period of a strobe is a millisecond to a day".into())
            }
            Self::Drift { parts_per_million } if !(-1_000_000..=100_000_000).contains(&parts_per_million) => {
                Some("a clock drifts by -1000000 (it stands still) to 100000000 millionths".into())
            }
            _ => None,
        }
    }

    /// The numbers for a clock that begins to be wrong at this moment, in nanoseconds since 1970.
    pub(crate) fn terms(&self, now: i64) -> Terms {
        let still = Terms { anchor: now, ..Terms::default() };
        match *self {
            Self::Jump { offset_ms } => Terms { offset: offset_ms * 1_000_000, ..still },
            Self::Strobe { offset_ms, period_ms } => {
                Terms { offset: offset_ms * 1_000_000, period: period_ms as i64 * 1_000_000, ..still }
            }
            Self::Drift { parts_per_million } => {
                Terms { rate: ((i128::from(parts_per_million) << 32) / 1_000_000) as i64, ..still }
            }
            Self::Freeze => Terms { rate: -(1 << 32), ..still },
            Self::LeapSecond => Terms { offset: -1_000_000_000, ..still },
        }
    }
}

/// The same in numbers: the time `t` is taken for `t + offset + (t - anchor) * rate`, where the offset holds in every other
/// period only if there are periods. Times are nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    pub offset: i64,
    pub anchor: i64,
    /// In parts of 2^32.
    pub rate: i64,
    pub period: i64,
}

impl Terms {
    /// What is taken for a time, less that time.
    pub(crate) fn error_at(&self, time: i64) -> i64 {
        let drifted = (i128::from(time - self.anchor) * i128::from(self.rate)) >> 32;
        let off = self.period > 0 && (time / self.period) % 2 != 0;
        drifted as i64 + if off { 0 } else { self.offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_say_what_the_words_say() {
        let (now, second) = (1_700_000_000_000_000_000, 1_000_000_000);
        let error = |skew: Skew, later: i64| skew.terms(now).error_at(now + later);
        assert_eq!(error(Skew::Jump { offset_ms: -1500 }, 9 * second), -1_500_000_000);
        assert_eq!(error(Skew::Freeze, 7 * second), -7 * second);
        assert_eq!(error(Skew::LeapSecond, 7 * second), -second);
        let fast = error(Skew::Drift { parts_per_million: 250_000 }, 8 * second);
        assert!((fast - 2 * second).abs() < 10, "{fast}");
        let strobe = Skew::Strobe { offset_ms: 4000, period_ms: 500 };
        let errors: Vec<i64> = (0..4).map(|half| error(strobe, half * second / 2)).collect();
        assert_eq!(errors, [4 * second, 0, 4 * second, 0]);
    }

    #[test]
    fn what_cannot_be_meant_is_doubted() {
        for skew in [
            Skew::Jump { offset_ms: 0 },
            Skew::Jump { offset_ms: i64::MIN },
            Skew::Strobe { offset_ms: 5, period_ms: 0 },
            Skew::Drift { parts_per_million: -1_000_001 },
        ] {
            assert!(skew.doubt().is_some(), "{skew:?}");
        }
        assert_eq!(Skew::Freeze.doubt(), None);
    }
}

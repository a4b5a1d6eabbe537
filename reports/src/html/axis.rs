//! An elastic time axis: in order and labelled with true times, but stretched where much happens and shrunk where
//! nothing does, so that a call of a millisecond can be read beside a pause of seconds.
//!
//! Positions are the longest paths of a small constraint system: every gap has a width that grows with the logarithm
//! of its duration, and every bar may ask to be at least as wide as its text. One pass from left to right solves it.

/// The least and the most that one gap between two events may measure, in pixels.
const GAP_MIN: f64 = 6.0;
const GAP_MAX: f64 = 56.0;
/// A gap so many times the usual one is marked as shrunk.
const BREAK: f64 = 20.0;

/// Where moments of time stand on the picture.
#[derive(Debug)]
pub(super) struct Axis {
    /// The distinct moments, sorted.
    moments: Vec<u64>,
    /// Their positions in pixels, strictly increasing.
    positions: Vec<f64>,
    /// The median gap: what is drawn much shorter than this would ask for is a break.
    usual: f64,
}

/// A bar that asks for room: when it begins and ends, and how wide it wants to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub began: u64,
    pub ended: u64,
    pub width: f64,
}

impl Axis {
    /// An axis through these moments, from 0 to at least `width` pixels.
    pub fn new(mut moments: Vec<u64>, wishes: &[Wish], width: f64) -> Self {
        moments.sort_unstable();
        moments.dedup();
        let mut gaps: Vec<u64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(1).max(1) as f64;
        let mut wishes: Vec<Wish> = wishes.to_vec();
        wishes.sort_by_key(|wish| wish.ended);
        let mut wishes = wishes.into_iter().peekable();
        let mut positions: Vec<f64> = Vec::with_capacity(moments.len());
        for (place, &moment) in moments.iter().enumerate() {
            let mut position = match place {
                0 => 0.0,
                _ => {
                    let gap = (moment - moments[place - 1]) as f64;
                    positions[place - 1] + (GAP_MIN + 8.0 * (1.0 + gap / usual).ln()).min(GAP_MAX)
                }
            };
            while let Some(wish) = wishes.next_if(|wish| wish.ended <= moment) {
                if let Ok(began) = moments[..place].binary_search(&wish.began) {
                    position = position.max(positions[began] + wish.width);
                }
            }
            positions.push(position);
        }
        let used = positions.last().copied().unwrap_or(0.0);
        if used > 0.0 && used < width {
            positions.iter_mut().for_each(|position| *position *= width / used);
        }
        Self { moments, positions, usual }
    }

    /// The position of a moment; before the first and after the last it is theirs.
    pub fn at(&self, moment: u64) -> f64 {
        match self.moments.binary_search(&moment) {
            Ok(place) => self.positions[place],
            Err(0) => 0.0,
            Err(place) if place == self.moments.len() => self.width(),
            Err(place) => {
                let (before, after) = (self.moments[place - 1], self.moments[place]);
                let share = (moment - before) as f64 / (after - before) as f64;
                self.positions[place - 1] + share * (self.positions[place] - self.positions[place - 1])
            }
        }
    }

    /// The position of the last moment.
    pub fn width(&self) -> f64 {
        self.positions.last().copied().unwrap_or(0.0)
    }

    /// The first and the last moment.
    pub fn span(&self) -> (u64, u64) {
        (self.moments.first().copied().unwrap_or(0), self.moments.last().copied().unwrap_or(0))
    }

    /// Moments to be labelled, with their positions, at least so many pixels apart.
    pub fn ticks(&self, apart: f64) -> Vec<(u64, f64)> {
        let mut ticks: Vec<(u64, f64)> = Vec::new();
        for (&moment, &position) in self.moments.iter().zip(&self.positions) {
            if ticks.last().is_none_or(|last| position - last.1 >= apart) {
                ticks.push((moment, position));
            }
        }
        ticks
    }

    /// The gaps that are far longer than the usual one, and so drawn too short: their durations and the positions of their middles.
    pub fn breaks(&self) -> Vec<(u64, f64)> {
        let mut breaks = Vec::new();
        for (moments, positions) in self.moments.windows(2).zip(self.positions.windows(2)) {
            let (gap, drawn) = (moments[1] - moments[0], positions[1] - positions[0]);
            if drawn >= 30.0 && gap as f64 > BREAK * self.usual {
                breaks.push((gap, (positions[0] + positions[1]) / 2.0));
            }
        }
        breaks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_wishes_are_granted() {
        let wish = Wish { began: 1_000, ended: 1_001, width: 90.0 };
        let axis = Axis::new(vec![5, 1_000, 1_001, 9_000_000_000, 5], &[wish], 600.0);
        let places: Vec<f64> = [5, 1_000, 1_001, 9_000_000_000].map(|moment| axis.at(moment)).to_vec();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
        assert!(places[2] - places[1] >= 90.0);
        assert!((axis.width() - 600.0).abs() < 1e-6);
        assert_eq!(axis.at(0), 0.0);
        assert_eq!(axis.at(u64::MAX), axis.width());
        assert!(axis.at(4_000_000_000) > places[2] && axis.at(4_000_000_000) < places[3]);
        assert_eq!(axis.breaks().len(), 1);
    }

    #[test]
    fn nothing_and_one_moment_are_fine() {
        assert_eq!(Axis::new(vec![], &[], 100.0).at(3), 0.0);
        assert_eq!(Axis::new(vec![7], &[], 100.0).at(7), 0.0);
        assert!(Axis::new(vec![7, 7], &[], 100.0).breaks().is_empty());
    }
}

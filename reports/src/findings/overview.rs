//! The whole run in a few kilobytes: rates and quantiles per bin of time, and latencies as the cells of a grid of
//! time and duration, one mark per cell that any operation fell into.
//!
//! The duration axis of the grid is logarithmic, so the marks of a plot with a logarithmic axis lie as densely as
//! they can be told apart. The mark of a cell is its slowest operation: outliers always survive.

use history::Nanos;

use super::{Dot, LatencyLine, OutcomeKind, Overview, Quantiles, RateSeries, nodes::Bins};

/// The most bins of time.
const BINS_MAX: u64 = 240;
/// The cells of the grid per factor of ten in duration: a resolution of an eighth.
const CELLS_PER_DECADE: f64 = 20.0;
/// The duration cells, from a nanosecond to a million seconds.
const CELLS: usize = 15 * CELLS_PER_DECADE as usize;

/// What is needed of one operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub kind: &'static str,
    pub outcome: OutcomeKind,
    pub began: Nanos,
    pub ended: Option<Nanos>,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    began: u64,
    took: u64,
    operations: u32,
}

struct Series {
    kind: &'static str,
    outcome: OutcomeKind,
    counts: Vec<u32>,
}

/// Measures the whole run as its operations go by.
pub(super) struct Gauge {
    began: u64,
    ended: u64,
    bin: u64,
    bins: usize,
    series: Vec<Series>,
    /// Per outcome, a grid of `bins` × [`CELLS`]; empty until the first operation of the outcome.
    grids: [Vec<Cell>; 3],
}

impl Gauge {
    pub fn new((began, ended): (u64, u64)) -> Self {
        let bin = round_up((ended - began) / BINS_MAX + 1);
        let bins = ((ended - began) / bin + 1) as usize;
        Self { began, ended, bin, bins, series: Vec::new(), grids: Default::default() }
    }

    /// The bins of time, for whoever counts in the same.
    pub fn bins(&self) -> Bins {
        Bins { began: self.began, length: self.bin, count: self.bins }
    }

    pub fn add(&mut self, seen: Seen) {
        let shown_at = seen.ended.unwrap_or(seen.began).0;
        let bin = self.bin_of(shown_at);
        self.series_of(&seen).counts[bin] += 1;
        let Some(ended) = seen.ended else { return };
        let took = ended.0.saturating_sub(seen.began.0);
        let place = self.bin_of(seen.began.0) * CELLS + cell_of(took);
        let grid = &mut self.grids[seen.outcome as usize];
        if grid.is_empty() {
            grid.resize(self.bins * CELLS, Cell::default());
        }
        let cell = &mut grid[place];
        cell.operations += 1;
        if cell.operations == 1 || took > cell.took {
            cell.began = seen.began.0;
            cell.took = took;
        }
    }

    fn bin_of(&self, at: u64) -> usize {
        ((at.saturating_sub(self.began) / self.bin) as usize).min(self.bins - 1)
    }

    fn series_of(&mut self, seen: &Seen) -> &mut Series {
        let same = |series: &Series| series.outcome == seen.outcome && series.kind == seen.kind;
        let place = self.series.iter().position(same).unwrap_or_else(|| {
            self.series.push(Series { kind: seen.kind, outcome: seen.outcome, counts: vec![0; self.bins] });
            self.series.len() - 1
        });
        &mut self.series[place]
    }

    pub fn finish(mut self) -> Overview {
        self.series.sort_by_key(|series| (series.outcome, series.kind));
        let rates = self.series.iter().map(|series| RateSeries {
            kind: series.kind.into(),
            outcome: series.outcome,
            counts: series.counts.clone(),
        });
        let latency = OutcomeKind::ALL.into_iter().filter_map(|outcome| self.latency(outcome)).collect();
        Overview {
            began: Nanos(self.began),
            ended: Nanos(self.ended),
            bin: Nanos(self.bin),
            rates: rates.collect(),
            latency,
            quantiles: self.quantiles(),
            nodes: Vec::new(),
        }
    }

    fn latency(&self, outcome: OutcomeKind) -> Option<LatencyLine> {
        let grid = &self.grids[outcome as usize];
        let cells = || grid.iter().filter(|cell| cell.operations > 0);
        let dots: Vec<_> = cells().map(|cell| Dot(cell.began, cell.took, cell.operations)).collect();
        if dots.is_empty() {
            return None;
        }
        let mut by_duration = vec![0u64; CELLS];
        for row in grid.chunks(CELLS) {
            row.iter().zip(&mut by_duration).for_each(|(cell, sum)| *sum += u64::from(cell.operations));
        }
        let operations = by_duration.iter().sum();
        let max = cells().map(|cell| cell.took).max().unwrap_or(0);
        let quantile = |share| Nanos(quantile(by_duration.iter().copied(), operations, share).min(max));
        Some(LatencyLine {
            outcome,
            operations,
            p50: quantile(0.5),
            p99: quantile(0.99),
            max: Nanos(max),
            dots,
        })
    }

    fn quantiles(&self) -> Vec<Quantiles> {
        let grid = &self.grids[OutcomeKind::Ok as usize];
        let bins = grid.chunks(CELLS).enumerate().filter_map(|(bin, row)| {
            let operations: u64 = row.iter().map(|cell| u64::from(cell.operations)).sum();
            let max = row.iter().map(|cell| cell.took).max().unwrap_or(0);
            let counts = || row.iter().map(|cell| u64::from(cell.operations));
            (operations > 0).then(|| Quantiles {
                at: Nanos(self.began.saturating_add((bin as u64).saturating_mul(self.bin))),
                p50: Nanos(quantile(counts(), operations, 0.5).min(max)),
                p99: Nanos(quantile(counts(), operations, 0.99).min(max)),
                max: Nanos(max),
            })
        });
        bins.collect()
    }
}

/// The next of 1, 2, 5, 10, 20, 50, ... nanoseconds.
fn round_up(length: u64) -> u64 {
    let mut unit = 1u64;
    loop {
        for factor in [1, 2, 5] {
            match unit.checked_mul(factor) {
                Some(rounded) if rounded >= length => return rounded,
                Some(_) => {}
                None => return u64::MAX,
            }
        }
        match unit.checked_mul(10) {
            Some(next) => unit = next,
            None => return u64::MAX,
        }
    }
}

fn cell_of(took: u64) -> usize {
    ((took.max(1) as f64).log10() * CELLS_PER_DECADE) as usize
}
const _: () = assert!(CELLS >= 300, "a duration of less than a million seconds has its own cell");

/// The upper edge of the cell below which this share of the operations lies.
fn quantile(counts: impl Iterator<Item = u64>, operations: u64, share: f64) -> u64 {
    let rank = (operations as f64 * share).ceil() as u64;
    let mut sum = 0;
    for (cell, count) in counts.enumerate() {
        sum += count;
        if sum >= rank {
            return 10f64.powf((cell + 1) as f64 / CELLS_PER_DECADE) as u64;
        }
    }
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(began: u64, took: Option<u64>, outcome: OutcomeKind) -> Seen {
        Seen { kind: "read", outcome, began: Nanos(began), ended: took.map(|took| Nanos(began + took)) }
    }

    #[test]
    fn every_operation_is_counted_once_and_outliers_survive() {
        let mut gauge = Gauge::new((0, 20_000_000_000));
        for n in 0..200_000u64 {
            gauge.add(seen(n * 100_000, Some(1_000_000 + n % 7 * 1_000), OutcomeKind::Ok));
        }
        gauge.add(seen(5_000_000_000, Some(3_000_000_000), OutcomeKind::Ok));
        gauge.add(seen(5_000_000_000, None, OutcomeKind::Unknown));
        let overview = gauge.finish();
        let total: u64 = overview.rates.iter().flat_map(|series| &series.counts).map(|&n| u64::from(n)).sum();
        assert_eq!(total, 200_002);
        assert_eq!(overview.latency.len(), 1);
        let line = &overview.latency[0];
        assert_eq!(line.operations, 200_001);
        assert_eq!(line.max, Nanos(3_000_000_000));
        assert!(line.dots.contains(&Dot(5_000_000_000, 3_000_000_000, 1)));
        assert!(line.p50.0 >= 1_000_000 && line.p50.0 < 1_130_000, "{:?}", line.p50);
        assert!(line.dots.len() < 1_000);
    }

    #[test]
    fn absurd_times_are_drawn_at_the_edge_and_not_at_the_cost_of_memory() {
        let mut gauge = Gauge::new((0, u64::MAX));
        gauge.add(seen(0, Some(u64::MAX), OutcomeKind::Ok));
        gauge.add(Seen { ended: Some(Nanos(3)), ..seen(9, None, OutcomeKind::Ok) });
        let overview = gauge.finish();
        assert_eq!(overview.latency[0].operations, 2);
        assert!(overview.rates[0].counts.len() <= 241);
        let empty = Gauge::new((0, 0)).finish();
        assert!(empty.rates.is_empty() && empty.quantiles.is_empty());
    }
}

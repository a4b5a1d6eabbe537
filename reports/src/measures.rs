//! Rates of outcomes and latencies, over the whole run and during and outside of faults, for thresholds.
//!
//! Unlike the overview these are exact: a threshold may not be missed by the width of a plot's cell.

use history::{FaultRecord, FaultState, Nanos};
use serde::{Deserialize, Serialize};

use crate::OutcomeKind;

/// How often calls ended how, and how long the successful ones took, during something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measure {
    /// During what: `all` is the whole run, `any` and `none` are with and without any fault in force, and the rest are
    /// families of faults.
    pub during: String,
    /// All operations.
    pub operations: u64,
    /// Those that happened.
    pub ok: u64,
    /// Those that certainly did not.
    pub fail: u64,
    /// Those nobody can say about.
    pub unknown: u64,
    /// Half of the successful ones took at most this.
    pub p50: Nanos,
    /// 95 of 100 took at most this.
    pub p95: Nanos,
    /// 99 of 100 took at most this.
    pub p99: Nanos,
    /// The slowest.
    pub max: Nanos,
}

/// Operations that met the same thing.
#[derive(Debug, Default)]
struct Part {
    counts: [u64; 3],
    took: Vec<u64>,
}

/// The moments at which faults of a family were in force, as disjoint sorted intervals.
#[derive(Debug)]
struct Cover {
    name: String,
    intervals: Vec<(u64, u64)>,
    part: Part,
}

/// Measures operations as they go by.
#[derive(Debug)]
pub(crate) struct Meter {
    any: Cover,
    none: Part,
    families: Vec<Cover>,
}

impl Part {
    fn add(&mut self, outcome: OutcomeKind, took: Option<u64>) {
        self.counts[outcome as usize] += 1;
        if let (OutcomeKind::Ok, Some(took)) = (outcome, took) {
            self.took.push(took);
        }
    }

    fn finish(mut self, during: &str) -> Measure {
        self.took.sort_unstable();
        let at = |share: f64| {
            let rank = (self.took.len() as f64 * share).ceil() as usize;
            Nanos(self.took.get(rank.saturating_sub(1)).copied().unwrap_or(0))
        };
        let [ok, fail, unknown] = self.counts;
        Measure {
            during: during.into(),
            operations: ok + fail + unknown,
            ok,
            fail,
            unknown,
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

impl Cover {
    fn of(name: &str, faults: &[FaultRecord], is_meant: impl Fn(&FaultRecord) -> bool) -> Self {
        let met = faults.iter().filter(|fault| fault.state != FaultState::Skipped && is_meant(fault));
        let mut all: Vec<(u64, u64)> = met
            .map(|fault| (fault.began.0, fault.ended.map_or(u64::MAX, |ended| ended.0.max(fault.began.0))))
            .collect();
        all.sort_unstable();
        let mut intervals: Vec<(u64, u64)> = Vec::new();
        for (began, ended) in all {
            match intervals.last_mut() {
                Some(last) if began <= last.1 => last.1 = last.1.max(ended),
                _ => intervals.push((began, ended)),
            }
        }
        Self { name: name.into(), intervals, part: Part::default() }
    }

    fn meets(&self, began: u64, ended: u64) -> bool {
        let place = self.intervals.partition_point(|&(_, until)| until < began);
        self.intervals.get(place).is_some_and(|&(from, _)| from <= ended)
    }
}

impl Meter {
    pub(crate) fn new(faults: &[FaultRecord]) -> Self {
        let mut names: Vec<&str> = faults.iter().map(|fault| fault.family.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let families =
            names.into_iter().map(|name| Cover::of(name, faults, |fault| fault.family == name)).collect();
        Self { any: Cover::of("any", faults, |_| true), none: Part::default(), families }
    }

    pub(crate) fn add(&mut self, began: Nanos, ended: Option<Nanos>, outcome: OutcomeKind) {
        let took = ended.map(|ended| ended.0.saturating_sub(began.0));
        let (began, ended) = (began.0, ended.map_or(u64::MAX, |ended| ended.0.max(began.0)));
        if !self.any.meets(began, ended) {
            self.none.add(outcome, took);
            return;
        }
        self.any.part.add(outcome, took);
        for family in &mut self.families {
            if family.meets(began, ended) {
                family.part.add(outcome, took);
            }
        }
    }

    pub(crate) fn finish(self) -> Vec<Measure> {
        let mut all = Part::default();
        for part in [&self.any.part, &self.none] {
            all.took.extend_from_slice(&part.took);
            all.counts.iter_mut().zip(part.counts).for_each(|(sum, count)| *sum += count);
        }
        let mut measures =
            vec![all.finish("all"), self.none.finish("none"), self.any.part.finish(&self.any.name)];
        measures.extend(self.families.into_iter().map(|family| family.part.finish(&family.name)));
        measures
    }
}

#[cfg(test)]
mod tests {
    use history::FaultId;

    use super::*;

    fn fault(family: &str, began: u64, ended: Option<u64>, state: FaultState) -> FaultRecord {
        FaultRecord {
            id: FaultId(0),
            family: family.into(),
            description: String::new(),
            nodes: vec![],
            began: Nanos(began),
            ended: ended.map(Nanos),
            state,
            evidence: String::new(),
        }
    }

    #[test]
    fn an_operation_counts_where_it_overlaps_and_quantiles_are_exact() {
        let faults = [
            fault("kill", 100, Some(200), FaultState::Installed),
            fault("pause", 150, Some(300), FaultState::Indeterminate),
            fault("clock", 0, None, FaultState::Skipped),
        ];
        let mut meter = Meter::new(&faults);
        for took in 1..=50 {
            meter.add(Nanos(0), Some(Nanos(took)), OutcomeKind::Ok);
        }
        meter.add(Nanos(90), Some(Nanos(110)), OutcomeKind::Ok);
        meter.add(Nanos(120), Some(Nanos(160)), OutcomeKind::Fail);
        meter.add(Nanos(301), None, OutcomeKind::Unknown);
        meter.add(Nanos(10), None, OutcomeKind::Unknown);
        let measures = meter.finish();
        let of = |during: &str| measures.iter().find(|measure| measure.during == during).unwrap();
        let counts = |during| (of(during).operations, of(during).ok, of(during).fail, of(during).unknown);
        assert_eq!(counts("all"), (54, 51, 1, 2));
        assert_eq!(counts("none"), (51, 50, 0, 1));
        assert_eq!(counts("any"), (3, 1, 1, 1));
        assert_eq!(counts("kill"), (3, 1, 1, 1));
        assert_eq!(counts("pause"), (2, 0, 1, 1));
        assert_eq!(counts("clock"), (0, 0, 0, 0));
        assert_eq!(
            (of("none").p50, of("none").p95, of("none").p99, of("none").max),
            (Nanos(25), Nanos(48), Nanos(50), Nanos(50))
        );
        assert_eq!(of("any").p99, Nanos(20));
    }
}

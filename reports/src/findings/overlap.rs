//! How many operations were under way during each fault, counted in one pass over the history.
//!
//! An operation meets a fault unless it ended before the fault began or began after the fault ended. So the number
//! that met it is the number that began by the fault's end, less the number that ended before its beginning: two
//! counts per moment, each found by a binary search among the few moments of the faults.

use history::{FaultRecord, FaultState, Nanos};

use super::{Exposure, FaultLine, OutcomeKind};

/// Counts operations against faults.
#[derive(Debug)]
pub(super) struct Overlap {
    /// The beginnings of the faults, sorted; beside each, what ended before it and not before an earlier one.
    begins: Vec<u64>,
    ended_before: Vec<Exposure>,
    /// The ends of the faults, sorted; beside each, what began by it and not by an earlier one.
    ends: Vec<u64>,
    began_by: Vec<Exposure>,
    /// The times at which any fault was in force, as disjoint sorted intervals.
    covered: Vec<(u64, u64)>,
    covered_exposure: Exposure,
}

/// What is counted of one operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met {
    pub began: Nanos,
    pub ended: Option<Nanos>,
    pub outcome: OutcomeKind,
    pub is_read: bool,
}

impl Exposure {
    fn add(&mut self, met: Met) {
        self.operations += 1;
        self.ok += u64::from(met.outcome == OutcomeKind::Ok);
        self.ok_reads += u64::from(met.outcome == OutcomeKind::Ok && met.is_read);
        self.unknown += u64::from(met.outcome == OutcomeKind::Unknown);
    }

    /// Both together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            operations: self.operations + other.operations,
            ok: self.ok + other.ok,
            ok_reads: self.ok_reads + other.ok_reads,
            unknown: self.unknown + other.unknown,
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            operations: self.operations - other.operations,
            ok: self.ok - other.ok,
            ok_reads: self.ok_reads - other.ok_reads,
            unknown: self.unknown - other.unknown,
        }
    }
}

/// When a fault ended, where one that never did lasts for ever and none ends before it began.
fn end_of(fault: &FaultRecord) -> u64 {
    fault.ended.map_or(u64::MAX, |ended| ended.0.max(fault.began.0))
}

impl Overlap {
    pub fn new(faults: &[FaultRecord]) -> Self {
        let mut begins: Vec<u64> = faults.iter().map(|fault| fault.began.0).collect();
        let mut ends: Vec<u64> = faults.iter().map(end_of).collect();
        begins.sort_unstable();
        begins.dedup();
        ends.sort_unstable();
        ends.dedup();
        let mut intervals: Vec<(u64, u64)> = faults
            .iter()
            .filter(|fault| fault.state != FaultState::Skipped)
            .map(|fault| (fault.began.0, end_of(fault)))
            .collect();
        intervals.sort_unstable();
        let mut covered: Vec<(u64, u64)> = Vec::new();
        for (began, ended) in intervals {
            match covered.last_mut() {
                Some(last) if began <= last.1 => last.1 = last.1.max(ended),
                _ => covered.push((began, ended)),
            }
        }
        Self {
            ended_before: vec![Exposure::default(); begins.len()],
            began_by: vec![Exposure::default(); ends.len()],
            begins,
            ends,
            covered,
            covered_exposure: Exposure::default(),
        }
    }

    pub fn add(&mut self, met: Met) {
        let began = met.began.0;
        let ended = met.ended.map_or(u64::MAX, |ended| ended.0.max(began));
        let place = self.begins.partition_point(|&fault| fault <= ended);
        if let Some(slot) = self.ended_before.get_mut(place) {
            slot.add(met);
        }
        let place = self.ends.partition_point(|&fault| fault < began);
        if let Some(slot) = self.began_by.get_mut(place) {
            slot.add(met);
        }
        let place = self.covered.partition_point(|&(_, until)| until < began);
        if self.covered.get(place).is_some_and(|&(from, _)| from <= ended) {
            self.covered_exposure.add(met);
        }
    }

    /// The faults with what met them, and what met any of them.
    pub fn finish(mut self, faults: &[FaultRecord]) -> (Vec<FaultLine>, Exposure) {
        sum_up(&mut self.ended_before);
        sum_up(&mut self.began_by);
        let lines = faults.iter().map(|fault| {
            let before = self.begins.partition_point(|&moment| moment < fault.began.0);
            let by = self.ends.partition_point(|&moment| moment < end_of(fault));
            let exposure = self.began_by[by].minus(self.ended_before[before]);
            let skipped = fault.state == FaultState::Skipped;
            FaultLine {
                record: fault.clone(),
                exposure: if skipped { Exposure::default() } else { exposure },
                answered: None,
            }
        });
        (lines.collect(), self.covered_exposure)
    }
}

fn sum_up(slots: &mut [Exposure]) {
    let mut sum = Exposure::default();
    for slot in slots {
        sum = sum.plus(*slot);
        *slot = sum;
    }
}

#[cfg(test)]
mod tests {
    use history::FaultId;

    use super::*;

    fn fault(began: u64, ended: Option<u64>) -> FaultRecord {
        FaultRecord {
            id: FaultId(0),
            family: "kill".into(),
            description: String::new(),
            nodes: vec![],
            began: Nanos(began),
            ended: ended.map(Nanos),
            state: FaultState::Installed,
            evidence: String::new(),
        }
    }

    #[test]
    fn agrees_with_comparing_every_operation_with_every_fault() {
        // A small linear congruential generator: the numbers only have to be many and various.
        let mut state = 7u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..200 {
            let faults: Vec<_> = (0..next(6))
                .map(|_| {
                    let began = next(40);
                    fault(began, (next(5) > 0).then_some(began + next(12)))
                })
                .collect();
            let operations: Vec<_> = (0..50)
                .map(|_| {
                    let began = next(50);
                    Met {
                        began: Nanos(began),
                        ended: (next(9) > 0).then_some(Nanos(began + next(6))),
                        outcome: OutcomeKind::ALL[next(3) as usize],
                        is_read: next(2) == 0,
                    }
                })
                .collect();
            let mut overlap = Overlap::new(&faults);
            operations.iter().for_each(|&met| overlap.add(met));
            let (lines, any) = overlap.finish(&faults);
            let meets = |met: &Met, fault: &FaultRecord| {
                met.began.0 <= end_of(fault) && met.ended.map_or(u64::MAX, |e| e.0) >= fault.began.0
            };
            for line in &lines {
                let expected = operations.iter().filter(|met| meets(met, &line.record)).count();
                assert_eq!(line.exposure.operations, expected as u64);
            }
            let expected =
                operations.iter().filter(|met| faults.iter().any(|fault| meets(met, fault))).count();
            assert_eq!(any.operations, expected as u64);
        }
    }
}

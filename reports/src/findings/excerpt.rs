//! Findings about a history of which only a part was kept.
//!
//! Whatever draws takes the index of an operation for its place, which in a part it is not: so everything is gathered by
//! places, and then gets its indexes back.

use checkers::{Anomaly, Verdict};
use history::{History, OpIndex, Vocabulary};

use super::{Count, Findings, Run};

impl Findings {
    /// Findings about a history of which only some operations were kept, each with its index in the whole: all that the
    /// anomalies of the verdicts are about. `counts` is of the whole.
    pub fn from_excerpt<V: Vocabulary>(
        run: Run,
        excerpt: &History<V>,
        verdicts: Vec<Verdict>,
        counts: Vec<Count>,
    ) -> Self {
        let places = Places(excerpt.operations.iter().map(|operation| operation.index).collect());
        let by_place = verdicts.iter().map(|verdict| places.localised(verdict)).collect();
        let mut findings = Self::from_history(run, excerpt, by_place);
        for scene in &mut findings.scenes {
            scene.operations.iter_mut().for_each(|operation| places.globalise(operation));
            scene.culprit.iter_mut().for_each(|operation| places.globalise(operation));
        }
        for mark in &mut findings.tape.marks {
            let mut index = OpIndex(mark.0);
            places.globalise(&mut index);
            mark.0 = index.0;
        }
        findings.verdicts = verdicts;
        findings.operations = counts.iter().map(Count::total).sum();
        findings.ok_operations = counts.iter().map(|count| count.ok).sum();
        // An excerpt may leave out whatever the anomalies do not need.
        findings.ok_changes = None;
        findings.counts = counts;
        findings.settle();
        findings
    }
}

/// The index of the operation at each place.
struct Places(Vec<OpIndex>);

impl Places {
    fn globalise(&self, operation: &mut OpIndex) {
        if let Some(index) = self.0.get(operation.0 as usize) {
            *operation = *index;
        }
    }

    fn place(&self, index: OpIndex) -> Option<OpIndex> {
        self.0.binary_search(&index).ok().map(|place| OpIndex(place as u32))
    }

    /// The verdict with places instead of indexes.
    fn localised(&self, verdict: &Verdict) -> Verdict {
        let anomaly = |anomaly: &Anomaly| {
            let mut local = anomaly.clone();
            local.witness = anomaly.witness.iter().filter_map(|index| self.place(*index)).collect();
            local.explanation.retain_mut(|placement| match self.place(placement.operation) {
                Some(place) => {
                    placement.operation = place;
                    true
                }
                None => false,
            });
            local
        };
        Verdict { anomalies: verdict.anomalies.iter().map(anomaly).collect(), ..verdict.clone() }
    }
}

#[cfg(test)]
mod tests {
    use checkers::Validity;
    use history::{
        Header, ListAppend, Nanos, NodeId, Operation, Outcome, Process,
        vocabulary::list_append::{Answer, Step},
    };

    use super::*;

    #[test]
    fn what_is_drawn_of_a_part_has_the_indexes_of_the_whole() {
        let operation = |index: u32| Operation::<ListAppend> {
            index: OpIndex(index),
            process: Process(index),
            node: NodeId(0),
            call: vec![Step::Read("x".into())],
            outcome: Outcome::Ok(vec![Answer::Read("x".into(), Some(Vec::new().into()))]),
            began: Nanos(u64::from(index)),
            ended: Some(Nanos(u64::from(index) + 1)),
        };
        let operations = [7, 1_000_000, 1_000_007].map(operation).into();
        let excerpt =
            History { header: Header::new("list-append"), operations, faults: Vec::new(), damage: None };
        let witness = vec![OpIndex(7), OpIndex(1_000_007)];
        let anomaly = Anomaly { kind: "G0".into(), witness: witness.clone(), ..Anomaly::default() };
        let verdict = Verdict { validity: Validity::Invalid, anomalies: vec![anomaly], ..Verdict::default() };
        let count = Count { kind: "txn".into(), ok: 1_000_008, fail: 0, unknown: 0 };
        let findings = Findings::from_excerpt(Run::default(), &excerpt, vec![verdict], vec![count]);
        assert_eq!(findings.validity, Validity::Invalid);
        assert_eq!(findings.operations, 1_000_008);
        assert_eq!(findings.verdicts[0].anomalies[0].witness, witness);
        assert!(witness.iter().all(|index| findings.scenes[0].operations.contains(index)));
        let rows: Vec<_> = findings.rows.iter().map(|row| row.index).collect();
        assert!(witness.iter().all(|index| rows.contains(index)), "{rows:?}");
        assert_eq!(findings.tape.marks.last().map(|mark| mark.0), Some(1_000_007));
    }
}

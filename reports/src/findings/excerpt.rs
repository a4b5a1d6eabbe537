//! Findings about a history of which only a part was kept.
//!
//! Whatever draws takes the index of an operation for its place, which in a part it is not: so everything is gathered by
//! places, and then gets its indexes back.

use checkers::{Anomaly, Verdict};
use history::{History, OpIndex, Vocabulary};

use super::{Count, Findings, Gathering, Run, gather::counted};

/// What is known of the whole of which an excerpt was kept.
#[derive(Debug)]
pub enum Whole {
    /// How often calls ended how.
    Counts(Vec<Count>),
    /// All that is counted of a run.
    Gathered(Box<Gathering>),
}

impl Findings {
    /// Findings about a history of which only some operations were kept, each with its index in the whole: all that the
    /// anomalies of the verdicts are about.
    pub fn from_excerpt<V: Vocabulary>(
        run: Run,
        excerpt: &History<V>,
        verdicts: Vec<Verdict>,
        whole: Whole,
    ) -> Self {
        let places = Places(excerpt.operations.iter().map(|operation| operation.index).collect());
        let by_place = verdicts.iter().map(|verdict| places.localised(verdict)).collect();
        let gathering = match whole {
            Whole::Gathered(gathering) => *gathering,
            Whole::Counts(counts) => counted(&run, excerpt).with_counts(counts),
        };
        let mut findings = Self::gather(run, excerpt, by_place, gathering);
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
        FaultId, FaultRecord, FaultState, Header, ListAppend, Nanos, NodeId, Operation, Outcome, Process,
        Reason,
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
        let findings =
            Findings::from_excerpt(Run::default(), &excerpt, vec![verdict], Whole::Counts(vec![count]));
        assert_eq!(findings.validity, Validity::Invalid);
        assert_eq!(findings.operations, 1_000_008);
        assert_eq!(findings.verdicts[0].anomalies[0].witness, witness);
        assert!(witness.iter().all(|index| findings.scenes[0].operations.contains(index)));
        let rows: Vec<_> = findings.rows.iter().map(|row| row.index).collect();
        assert!(witness.iter().all(|index| rows.contains(index)), "{rows:?}");
        assert_eq!(findings.tape.marks.last().map(|mark| mark.0), Some(1_000_007));
    }

    #[test]
    fn what_was_counted_on_the_way_is_what_the_whole_would_tell() {
        let operation = |index: u32| {
            let began = Nanos(u64::from(index) * 1_000);
            let outcome = match index % 5 {
                0 => Outcome::Unknown(Reason::from("no answer")),
                1 => Outcome::Fail(Reason::from("refused")),
                _ => Outcome::Ok(vec![Answer::Append("x".into(), i64::from(index).into())]),
            };
            Operation::<ListAppend> {
                index: OpIndex(index),
                process: Process(index % 3),
                node: NodeId((index % 2) as u16),
                call: vec![Step::Append("x".into(), i64::from(index).into())],
                ended: (!index.is_multiple_of(5))
                    .then_some(Nanos(began.0 + 700 + u64::from(index % 7) * 900)),
                outcome,
                began,
            }
        };
        let fault = |id: u32, began: u64, ended: Option<u64>, nodes: &[&str]| FaultRecord {
            id: FaultId(id),
            family: "pause".into(),
            description: "paused".into(),
            nodes: nodes.iter().map(|&node| node.into()).collect(),
            began: Nanos(began),
            ended: ended.map(Nanos),
            state: FaultState::Installed,
            evidence: String::new(),
        };
        let mut header = Header::new("list-append");
        header.nodes = vec!["n1".into(), "n2".into()];
        let faults = vec![fault(0, 9_000, Some(21_000), &["n1"]), fault(1, 40_000, None, &[])];
        let operations: Vec<Operation<ListAppend>> = (0..64).map(operation).collect();
        let whole = History { header: header.clone(), operations, faults: faults.clone(), damage: None };
        let told = Findings::from_history(Run::default(), &whole, vec![Verdict::default()]);
        let ended = told.overview.ended.0;
        let mut gathering = Gathering::new(&faults, (0, ended), &header.nodes);
        whole.operations.iter().rev().for_each(|operation| gathering.add(operation));
        let excerpt: History<ListAppend> = History { header, operations: Vec::new(), faults, damage: None };
        let gathered = Whole::Gathered(Box::new(gathering));
        let mut found = Findings::from_excerpt(Run::default(), &excerpt, vec![Verdict::default()], gathered);
        assert!(told.faults[0].answered.is_some() && told.exposure.operations > 0);
        // Which operations are drawn is another matter.
        (found.tape, found.pictures) = (told.tape.clone(), told.pictures.clone());
        assert!(found == told, "{:?}\n{:?}", found.warnings, told.warnings);
    }
}

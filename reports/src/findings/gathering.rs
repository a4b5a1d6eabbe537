//! What is counted of the operations of a run as they go by, one after the other and in whatever order.

use std::collections::BTreeMap;

use history::{FaultRecord, Operation, Vocabulary};

use super::{
    Count, Findings, OutcomeKind, Overview, ReasonLine, coverage,
    nodes::{Answers, Watch},
    overlap::{Met, Overlap},
    overview::{Gauge, Seen},
    recorded::Passage,
};
use crate::{
    measures::Meter,
    wording::{SHOWN_MAX, cut},
};

/// How many different reasons are told apart while counting; what comes later is counted together.
const REASONS_MAX: usize = 512;
/// How many reasons are kept.
const REASONS_SHOWN_MAX: usize = 12;

/// Counts operations, so that none of them needs to be kept.
pub struct Gathering {
    faults: Vec<FaultRecord>,
    counts: Tally,
    /// How many successful operations may have changed something, where that was counted.
    changes: Option<u64>,
    overlap: Overlap,
    gauge: Gauge,
    meter: Meter,
    watch: Watch,
    answers: Answers,
}

impl std::fmt::Debug for Gathering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gathering").field("counts", &self.counts.kinds).finish_non_exhaustive()
    }
}

impl Gathering {
    /// Of a run with these faults and nodes; the span is from the first moment of anything in it to the last.
    pub fn new(faults: &[FaultRecord], span: (u64, u64), names: &[String]) -> Self {
        let gauge = Gauge::new(span);
        Self {
            faults: faults.to_vec(),
            counts: Tally::default(),
            changes: Some(0),
            overlap: Overlap::new(faults),
            meter: Meter::new(faults),
            watch: Watch::new(gauge.bins(), names),
            answers: Answers::new(faults, names),
            gauge,
        }
    }

    /// Counts an operation.
    pub fn add<V: Vocabulary>(&mut self, operation: &Operation<V>) {
        self.take(&Passage::of(operation));
    }

    /// The same, where only these counts are of the whole.
    pub(super) fn with_counts(self, kinds: Vec<Count>) -> Self {
        Self { counts: Tally { kinds, ..self.counts }, changes: None, ..self }
    }

    pub(super) fn take(&mut self, passage: &Passage<'_>) {
        let &Passage { node, kind, outcome, began, ended, is_read, .. } = passage;
        self.counts.add(passage);
        if let Some(changes) = &mut self.changes {
            *changes += u64::from(outcome == OutcomeKind::Ok && !is_read);
        }
        self.gauge.add(Seen { kind, outcome, began, ended });
        self.meter.add(began, ended, outcome);
        self.watch.add(node, outcome, ended.unwrap_or(began));
        self.answers.add(node, outcome, (began, ended));
        self.overlap.add(Met { began, ended, outcome, is_read });
    }

    /// Puts what was counted in its places.
    pub(super) fn fill(self, findings: &mut Findings) {
        let (mut faults, exposure) = self.overlap.finish(&self.faults);
        for (line, answered) in faults.iter_mut().zip(self.answers.finish(self.faults.len())) {
            line.answered = answered;
        }
        let overview = Overview { nodes: self.watch.finish(), ..self.gauge.finish() };
        findings.operations = self.counts.kinds.iter().map(Count::total).sum();
        findings.ok_operations = self.counts.kinds.iter().map(|count| count.ok).sum();
        findings.ok_changes = self.changes;
        findings.reasons = self.counts.most_frequent_reasons();
        findings.counts = self.counts.kinds;
        findings.measures = self.meter.finish();
        findings.coverage = coverage::table(&faults, overview.ended);
        findings.down = coverage::down(&faults, findings.run.nodes.len());
        (findings.faults, findings.exposure, findings.overview) = (faults, exposure, overview);
    }
}

/// Counts by kind and outcome, and by reason.
#[derive(Default)]
struct Tally {
    kinds: Vec<Count>,
    reasons: BTreeMap<String, ReasonLine>,
}

impl Tally {
    fn add(&mut self, passage: &Passage<'_>) {
        let place = self.kinds.iter().position(|count| count.kind == passage.kind).unwrap_or_else(|| {
            self.kinds.push(Count { kind: passage.kind.into(), ..Count::default() });
            self.kinds.len() - 1
        });
        let count = &mut self.kinds[place];
        match passage.outcome {
            OutcomeKind::Ok => count.ok += 1,
            OutcomeKind::Fail => count.fail += 1,
            OutcomeKind::Unknown => count.unknown += 1,
        }
        let Some(reason) = passage.reason else { return };
        let line = self.reason(reason);
        match passage.outcome {
            OutcomeKind::Ok => {}
            OutcomeKind::Fail => line.fail += 1,
            OutcomeKind::Unknown => line.unknown += 1,
        }
    }

    fn reason(&mut self, reason: &str) -> &mut ReasonLine {
        let known = self.reasons.contains_key(reason);
        let name = if known || self.reasons.len() < REASONS_MAX { reason } else { "other reasons" };
        let name = cut(name, SHOWN_MAX).into_owned();
        self.reasons
            .entry(name.clone())
            .or_insert_with(|| ReasonLine { reason: name, ..ReasonLine::default() })
    }

    fn most_frequent_reasons(&self) -> Vec<ReasonLine> {
        let mut reasons: Vec<_> = self.reasons.values().cloned().collect();
        reasons.sort_by_key(|line| std::cmp::Reverse(line.fail + line.unknown));
        reasons.truncate(REASONS_SHOWN_MAX);
        reasons
    }
}

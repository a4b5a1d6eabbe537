//! Gathers [`Findings`] from a history: the one place of this crate where a vocabulary is known.

use std::collections::{BTreeMap, BTreeSet};

use checkers::{Validity, Verdict};
use history::{Header, History, Key, NodeId, Operation, Outcome, Vocabulary};

use super::{
    Count, Down, Exposure, Findings, Headline, OutcomeKind, Overview, ReasonLine, Row, Run, SCHEMA_VERSION,
    Tape, coverage,
    nodes::{self, Watch},
    overlap::{Met, Overlap},
    overview::{Gauge, Seen},
    pictures,
    scenes::{self, Stage},
    tape,
};
use crate::{
    measures::Meter,
    wording::{SHOWN_MAX, cut},
};

/// How many different reasons are told apart while counting; what comes later is counted together.
const REASONS_MAX: usize = 512;
/// How many reasons are kept.
const REASONS_SHOWN_MAX: usize = 12;

impl Findings {
    /// Everything that can be known from a history and its verdicts, in one pass over its operations (and one short
    /// look at the surroundings of each drawn anomaly). Phases, recovery, warnings and doubts of the controller are
    /// fields to be set afterwards; then [`Findings::settle`] or [`Findings::demand_evidence`].
    pub fn from_history<V: Vocabulary>(run: Run, history: &History<V>, verdicts: Vec<Verdict>) -> Self {
        let mut counts = Tally::default();
        let mut overlap = Overlap::new(&history.faults);
        let mut gauge = Gauge::new(span_of(history));
        let mut meter = Meter::new(&history.faults);
        let names = if history.header.nodes.is_empty() { &run.nodes } else { &history.header.nodes };
        let mut watch = Watch::new(gauge.bins(), names);
        for operation in &history.operations {
            let seen = Seen {
                kind: V::kind(&operation.call),
                outcome: outcome_kind(&operation.outcome),
                began: operation.began,
                ended: operation.ended,
            };
            counts.add(&seen, &operation.outcome);
            gauge.add(seen);
            meter.add(seen.began, seen.ended, seen.outcome);
            watch.add(operation.node, seen.outcome, seen.ended.unwrap_or(seen.began));
            overlap.add(Met {
                began: seen.began,
                ended: seen.ended,
                outcome: seen.outcome,
                is_read: V::is_read(&operation.call),
            });
        }
        let (mut faults, exposure) = overlap.finish(&history.faults);
        for (line, answered) in faults.iter_mut().zip(nodes::answered(history, names)) {
            line.answered = answered;
        }
        let overview = Overview { nodes: watch.finish(), ..gauge.finish() };
        let (scenes, drawn) = scenes::stage(&verdicts, &Whole(history));
        let on_stage: BTreeSet<_> = drawn.iter().copied().collect();
        let tape = tape::record(history, names.clone(), &scenes, &on_stage);
        let pictures = pictures::of(history, &verdicts);
        let rows =
            drawn.into_iter().map(|index| row(&history.header, &run, &history.operations[index.0 as usize]));
        let rows = rows.collect();
        let mut findings = Self {
            verdicts,
            operations: history.operations.len() as u64,
            ok_operations: counts.kinds.iter().map(|count| count.ok).sum(),
            reasons: counts.most_frequent_reasons(),
            counts: counts.kinds,
            faults,
            exposure,
            damage: history.damage.clone(),
            scenes,
            rows,
            measures: meter.finish(),
            overview,
            tape,
            pictures,
            ..Self::empty(run)
        };
        if findings.run.model.is_empty() {
            findings.run.model = history.header.model.clone().unwrap_or_default();
        }
        if findings.run.nodes.is_empty() {
            findings.run.nodes = history.header.nodes.clone();
        }
        let last = findings.overview.ended;
        findings.coverage = coverage::table(&findings.faults, last);
        findings.down = coverage::down(&findings.faults, findings.run.nodes.len());
        findings.collect_limits();
        findings.warn_of_counts();
        findings.settle();
        findings
    }

    /// The findings of a run that left no history: the harness failed before there was one.
    pub fn from_failure(run: Run, failure: impl Into<String>) -> Self {
        let mut findings = Self { failure: Some(failure.into()), ..Self::empty(run) };
        findings.settle();
        findings
    }

    fn empty(run: Run) -> Self {
        Self {
            schema: SCHEMA_VERSION,
            headline: Headline::Unknown,
            validity: Validity::Unknown,
            run,
            verdicts: Vec::new(),
            operations: 0,
            ok_operations: 0,
            counts: Vec::new(),
            reasons: Vec::new(),
            faults: Vec::new(),
            exposure: Exposure::default(),
            coverage: Vec::new(),
            down: Down::default(),
            phases: Vec::new(),
            recovery: None,
            doubts: Vec::new(),
            limits: Vec::new(),
            known: Vec::new(),
            required: Vec::new(),
            measures: Vec::new(),
            warnings: Vec::new(),
            failure: None,
            interrupted: false,
            damage: None,
            scenes: Vec::new(),
            rows: Vec::new(),
            overview: Overview::default(),
            tape: Tape::default(),
            pictures: Vec::new(),
        }
    }
}

pub(super) fn outcome_kind<R>(outcome: &Outcome<R>) -> OutcomeKind {
    match outcome {
        Outcome::Ok(_) => OutcomeKind::Ok,
        Outcome::Fail(_) => OutcomeKind::Fail,
        Outcome::Unknown(_) => OutcomeKind::Unknown,
    }
}

/// The first and the last moment of anything in the history.
fn span_of<V: Vocabulary>(history: &History<V>) -> (u64, u64) {
    let operations = history.operations.iter().map(|operation| (operation.began, operation.ended));
    let faults = history.faults.iter().map(|fault| (fault.began, fault.ended));
    let (mut first, mut last) = (u64::MAX, 0);
    for (began, ended) in operations.chain(faults) {
        first = first.min(began.0);
        last = last.max(began.0).max(ended.map_or(0, |ended| ended.0));
    }
    (first.min(last), last)
}

fn row<V: Vocabulary>(header: &Header, run: &Run, operation: &Operation<V>) -> Row {
    let answer = match &operation.outcome {
        Outcome::Ok(returned) => V::describe_return(&operation.call, returned),
        Outcome::Fail(reason) | Outcome::Unknown(reason) => reason.to_string(),
    };
    Row {
        index: operation.index,
        process: operation.process,
        node: node_name(header, run, operation.node),
        kind: V::kind(&operation.call).into(),
        call: cut(&V::describe_call(&operation.call), SHOWN_MAX).into_owned(),
        outcome: outcome_kind(&operation.outcome),
        answer: cut(&answer, SHOWN_MAX).into_owned(),
        began: operation.began,
        ended: operation.ended,
    }
}

fn node_name(header: &Header, run: &Run, node: NodeId) -> String {
    let names = if header.nodes.is_empty() { &run.nodes } else { &header.nodes };
    names.get(usize::from(node.0)).cloned().unwrap_or_default()
}

/// A whole history with its vocabulary erased, as the scenes need it.
struct Whole<'a, V: Vocabulary>(&'a History<V>);

impl<V: Vocabulary> Stage for Whole<'_, V> {
    fn len(&self) -> usize {
        self.0.operations.len()
    }

    fn times(&self, index: usize) -> (u64, u64) {
        let operation = &self.0.operations[index];
        (operation.began.0, operation.deadline().map_or(u64::MAX, |ended| ended.0))
    }

    fn keys(&self, index: usize) -> Vec<Key> {
        V::keys(&self.0.operations[index].call)
    }

    fn is_fail(&self, index: usize) -> bool {
        matches!(self.0.operations[index].outcome, Outcome::Fail(_))
    }
}

/// Counts by kind and outcome, and by reason.
#[derive(Default)]
struct Tally {
    kinds: Vec<Count>,
    reasons: BTreeMap<String, ReasonLine>,
}

impl Tally {
    fn add<R>(&mut self, seen: &Seen, outcome: &Outcome<R>) {
        let place = self.kinds.iter().position(|count| count.kind == seen.kind).unwrap_or_else(|| {
            self.kinds.push(Count { kind: seen.kind.into(), ..Count::default() });
            self.kinds.len() - 1
        });
        let count = &mut self.kinds[place];
        match outcome {
            Outcome::Ok(_) => count.ok += 1,
            Outcome::Fail(reason) => {
                count.fail += 1;
                self.reason(&reason.0).fail += 1;
            }
            Outcome::Unknown(reason) => {
                count.unknown += 1;
                self.reason(&reason.0).unknown += 1;
            }
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

//! Gathers [`Findings`] from a history.

use std::collections::{BTreeMap, BTreeSet};

use checkers::{Validity, Verdict};
use history::{Header, History, NodeId, Vocabulary};

use super::{
    Count, Down, Exposure, Findings, Headline, OutcomeKind, Overview, ReasonLine, Row, Run, SCHEMA_VERSION,
    Tape, coverage,
    nodes::{self, Watch},
    overlap::{Met, Overlap},
    overview::{Gauge, Seen},
    pictures,
    recorded::{Passage, Recorded},
    scenes, tape,
};
use crate::{
    measures::Meter,
    wording::{SHOWN_MAX, cut},
};

/// How many different reasons are told apart while counting; what comes later is counted together.
const REASONS_MAX: usize = 512;
/// How many reasons are kept.
const REASONS_SHOWN_MAX: usize = 12;

/// What is said of a history whose times are ranks.
const RANKED: &str = "The file says what came first and nothing of when: its events are told by their number, a thousandth of \
                      a second each, so that 0.048 s is event 48 and no latency is known.";

impl Findings {
    /// Everything that can be known from a history and its verdicts, in one pass over its operations (and one short
    /// look at the surroundings of each drawn anomaly). Phases, recovery, warnings and doubts of the controller are
    /// fields to be set afterwards; then [`Findings::settle`] or [`Findings::demand_evidence`].
    pub fn from_history<V: Vocabulary>(run: Run, history: &History<V>, verdicts: Vec<Verdict>) -> Self {
        Self::gather(run, history, verdicts)
    }

    fn gather(run: Run, history: &dyn Recorded, verdicts: Vec<Verdict>) -> Self {
        let header = history.header();
        let mut counts = Tally::default();
        let mut changes = 0;
        let mut overlap = Overlap::new(history.faults());
        let mut gauge = Gauge::new(span_of(history));
        let mut meter = Meter::new(history.faults());
        let names = if header.nodes.is_empty() { &run.nodes } else { &header.nodes };
        let mut watch = Watch::new(gauge.bins(), names);
        for passage in history.passages() {
            let Passage { kind, outcome, began, ended, is_read, .. } = passage;
            counts.add(&passage);
            changes += u64::from(outcome == OutcomeKind::Ok && !is_read);
            gauge.add(Seen { kind, outcome, began, ended });
            meter.add(began, ended, outcome);
            watch.add(passage.node, outcome, ended.unwrap_or(began));
            overlap.add(Met { began, ended, outcome, is_read });
        }
        let (mut faults, exposure) = overlap.finish(history.faults());
        for (line, answered) in faults.iter_mut().zip(nodes::answered(history, names)) {
            line.answered = answered;
        }
        let overview = Overview { nodes: watch.finish(), ..gauge.finish() };
        let (scenes, drawn) = scenes::stage(&verdicts, history);
        let on_stage: BTreeSet<_> = drawn.iter().copied().collect();
        let tape = tape::record(history, names.clone(), &scenes, &on_stage);
        let pictures = pictures::of(history, &verdicts);
        let rows = drawn.into_iter().map(|index| row(history, &run, index.0 as usize)).collect();
        let mut findings = Self {
            verdicts,
            operations: history.len() as u64,
            ok_operations: counts.kinds.iter().map(|count| count.ok).sum(),
            ok_changes: Some(changes),
            reasons: counts.most_frequent_reasons(),
            counts: counts.kinds,
            faults,
            exposure,
            damage: history.damage().cloned(),
            scenes,
            rows,
            measures: meter.finish(),
            overview,
            tape,
            pictures,
            ..Self::empty(run)
        };
        if findings.run.model.is_empty() {
            findings.run.model = header.model.clone().unwrap_or_default();
        }
        if findings.run.nodes.is_empty() {
            findings.run.nodes = header.nodes.clone();
        }
        let last = findings.overview.ended;
        findings.coverage = coverage::table(&findings.faults, last);
        findings.down = coverage::down(&findings.faults, findings.run.nodes.len());
        if header.ranked {
            // A length of time would only say how many lines of the file were in between.
            findings.overview.latency.clear();
            findings.warnings.push(RANKED.into());
        }
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
            ok_changes: None,
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

/// The first and the last moment of anything in the history.
fn span_of(history: &dyn Recorded) -> (u64, u64) {
    let operations = history.passages().map(|passage| (passage.began, passage.ended));
    let faults = history.faults().iter().map(|fault| (fault.began, fault.ended));
    let (mut first, mut last) = (u64::MAX, 0);
    for (began, ended) in operations.chain(faults) {
        first = first.min(began.0);
        last = last.max(began.0).max(ended.map_or(0, |ended| ended.0));
    }
    (first.min(last), last)
}

fn row(history: &dyn Recorded, run: &Run, place: usize) -> Row {
    let passage = history.at(place);
    Row {
        index: passage.index,
        process: passage.process,
        node: node_name(history.header(), run, passage.node),
        kind: passage.kind.into(),
        call: cut(&history.call(place), SHOWN_MAX).into_owned(),
        outcome: passage.outcome,
        answer: cut(&history.answer(place), SHOWN_MAX).into_owned(),
        began: passage.began,
        ended: passage.ended,
    }
}

fn node_name(header: &Header, run: &Run, node: NodeId) -> String {
    let names = if header.nodes.is_empty() { &run.nodes } else { &header.nodes };
    names.get(usize::from(node.0)).cloned().unwrap_or_default()
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

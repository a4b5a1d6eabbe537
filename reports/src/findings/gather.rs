//! Gathers [`Findings`] from a history.

use std::collections::BTreeSet;

use checkers::{Validity, Verdict};
use history::{Header, History, NodeId, Vocabulary};

use super::{
    Down, Exposure, Findings, Gathering, Headline, Overview, Row, Run, SCHEMA_VERSION, Tape, pictures,
    recorded::Recorded, scenes, tape,
};
use crate::wording::{SHOWN_MAX, cut};

/// What is said of a history whose times are ranks.
const RANKED: &str = "The file says what came first and nothing of when: its events are told by their number, a thousandth of \
                      a second each, so that 0.048 s is event 48 and no latency is known.";

impl Findings {
    /// Everything that can be known from a history and its verdicts, in one pass over its operations (and one short
    /// look at the surroundings of each drawn anomaly). Phases, recovery, warnings and doubts of the controller are
    /// fields to be set afterwards; then [`Findings::settle`] or [`Findings::demand_evidence`].
    pub fn from_history<V: Vocabulary>(run: Run, history: &History<V>, verdicts: Vec<Verdict>) -> Self {
        let gathering = counted(&run, history);
        Self::gather(run, history, verdicts, gathering)
    }

    pub(super) fn gather(
        run: Run,
        history: &dyn Recorded,
        verdicts: Vec<Verdict>,
        gathering: Gathering,
    ) -> Self {
        let header = history.header();
        let names = if header.nodes.is_empty() { &run.nodes } else { &header.nodes };
        let (scenes, drawn) = scenes::stage(&verdicts, history);
        let on_stage: BTreeSet<_> = drawn.iter().copied().collect();
        let tape = tape::record(history, names.clone(), &scenes, &on_stage);
        let pictures = pictures::of(history, &verdicts);
        let rows = drawn.into_iter().map(|index| row(history, &run, index.0 as usize)).collect();
        let mut findings = Self {
            verdicts,
            damage: history.damage().cloned(),
            scenes,
            rows,
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
        gathering.fill(&mut findings);
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

/// What is counted of the operations of a history.
pub(super) fn counted(run: &Run, history: &dyn Recorded) -> Gathering {
    let names = if history.header().nodes.is_empty() { &run.nodes } else { &history.header().nodes };
    let mut gathering = Gathering::new(history.faults(), span_of(history), names);
    history.passages().for_each(|passage| gathering.take(&passage));
    gathering
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

//! The proof as a table: the longest order that fits, the state after each step, and the operation that does not fit.

use std::collections::BTreeMap;

use checkers::{Anomaly, Placement};
use history::OpIndex;
use maud::{Markup, html};

use crate::{
    Findings, OutcomeKind, Row, Scene,
    wording::{cut, duration, visible},
};

/// How many steps are shown; the last are the ones that matter.
const STEPS_MAX: usize = 40;
/// The longest text of a cell, in characters.
const TEXT_MAX: usize = 160;

/// The table of an anomaly: its order where the checker gave one, else its witness.
pub(super) fn table(findings: &Findings, scene: &Scene, anomaly: &Anomaly, id: usize) -> Markup {
    let steps = &anomaly.explanation;
    let skipped = steps.len().saturating_sub(STEPS_MAX);
    let placed = steps.iter().take_while(|step| step.refusal.is_none()).count();
    let witness: Vec<Placement>;
    let (shown, ordered) = if steps.is_empty() {
        witness = anomaly.witness.iter().take(STEPS_MAX).map(|&operation| bare(operation)).collect();
        (witness.as_slice(), false)
    } else {
        (&steps[skipped..], true)
    };
    let mut anchored = BTreeMap::new();
    html! {
        @if ordered {
            h3 { "The longest order that fits, and why it ends" }
            p.how {
                "Read from the top: each operation takes effect after the one before, and the state is what the data is then. "
                @if placed > 0 { "After " (placed) @if placed == 1 { " step" } @else { " steps" } " no order continues." }
            }
        } @else {
            h3 { "The operations that prove it" }
        }
        @if skipped > 0 {
            p.note { (skipped) " earlier steps fit and are in results.json." }
        }
        div.scroll tabindex="0" role="region" aria-label={ "Proof of anomaly " (id) } {
            table {
                thead { tr {
                    @if ordered { th.number { "Step" } }
                    th { "Operation" } th { "Call" } th { "Answer" } th { "Who" } th { "Began" } th { "Took" }
                    @if ordered { th { "State after, or why not" } }
                } }
                tbody {
                    @for (place, step) in shown.iter().enumerate() {
                        @let first = anchored.insert(step.operation, ()).is_none();
                        (line(findings, scene, step, ordered.then_some(skipped + place + 1), id, first))
                    }
                }
            }
        }
    }
}

fn bare(operation: OpIndex) -> Placement {
    Placement { operation, state: None, refusal: None }
}

fn line(
    findings: &Findings,
    scene: &Scene,
    step: &Placement,
    number: Option<usize>,
    id: usize,
    first: bool,
) -> Markup {
    let row = findings.row(step.operation);
    let text = |text: &str| cut(&visible(text), TEXT_MAX).into_owned();
    let refused = step.refusal.is_some() || (number.is_none() && scene.culprit == Some(step.operation));
    html! {
        tr.refused[refused] data-op=(step.operation.0)
            id=[first.then(|| format!("a{id}-row{}", step.operation.0))] {
            @if let Some(number) = number {
                td.number { @if step.refusal.is_some() { "✗" } @else { (number) } }
            }
            td {
                @if row.is_some() { a href={ "#a" (id) "-op" (step.operation.0) } { (step.operation) } }
                @else { (step.operation) }
            }
            @if let Some(row) = row {
                td { code { (text(&row.call)) } }
                td { (answer(row)) }
                td.time { (row.process) @if !row.node.is_empty() { " · " (text(&row.node)) } }
                td.time { (row.began.to_string()) }
                td.time { (took(row)) }
            } @else {
                td colspan="5" { "not drawn" }
            }
            @if number.is_some() {
                td.prose {
                    @if let Some(refusal) = &step.refusal { span.why { (text(refusal)) } }
                    @else if let Some(state) = &step.state { code { (text(state)) } }
                }
            }
        }
    }
}

fn answer(row: &Row) -> Markup {
    let text = cut(&visible(&row.answer), TEXT_MAX).into_owned();
    html! {
        @match row.outcome {
            OutcomeKind::Ok => code { (text) },
            OutcomeKind::Fail => { "failed: " (text) },
            OutcomeKind::Unknown => { "unknown: " (text) },
        }
    }
}

fn took(row: &Row) -> String {
    match (row.outcome, row.ended) {
        (OutcomeKind::Unknown, _) => "open end".into(),
        (_, Some(ended)) => duration(history::Nanos(ended.0.saturating_sub(row.began.0))),
        (_, None) => "-".into(),
    }
}

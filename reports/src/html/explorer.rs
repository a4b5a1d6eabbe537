//! The explorer: the operations of the whole run on a canvas to be zoomed, panned, filtered and linked to.
//!
//! What it shows travels as JSON in a block that no browser runs; every sign that could end the block is written as an
//! escape, and the script puts texts on the page as text alone.

use checkers::Anomaly;
use history::OpIndex;
use maud::{Markup, PreEscaped, html};
use serde::Serialize;

use crate::{
    Findings, Mark, OutcomeKind, Scene,
    wording::{count, cut, visible},
};

/// How many faults and how many steps of one order travel along.
const FAULTS_MAX: usize = 300;
const STEPS_MAX: usize = 40;
const TEXT_MAX: usize = 80;
/// How many bytes all orders together may take; anomalies beyond that are shown without theirs.
const ORDERS_MAX: usize = 250_000;
/// How many nodes have a density of their own.
const NODES_MAX: usize = 48;

#[derive(Serialize)]
struct Band(String, String, u64, Option<u64>, Vec<String>);

#[derive(Serialize)]
struct Story {
    id: usize,
    kind: String,
    culprit: Option<OpIndex>,
    witness: Vec<OpIndex>,
    /// The order that was tried: an operation, the state after it, or why it cannot stand there.
    order: Vec<(OpIndex, Option<String>, Option<String>)>,
}

#[derive(Serialize)]
struct Density<'a> {
    node: u16,
    ok: &'a [u32],
    fail: &'a [u32],
    unknown: &'a [u32],
}

#[derive(Serialize)]
struct Data<'a> {
    span: (u64, u64),
    bin: u64,
    total: u64,
    stride: u64,
    kinds: Vec<String>,
    nodes: Vec<String>,
    keys: &'a [String],
    marks: &'a [Mark],
    faults: Vec<Band>,
    stories: Vec<Story>,
    density: Vec<Density<'a>>,
}

/// The explorer; nothing where the history holds nothing.
pub(super) fn section(findings: &Findings) -> Markup {
    let tape = &findings.tape;
    if tape.marks.is_empty() {
        return html! {};
    }
    let shown = tape.marks.len() as u64;
    html! {
        h2 #explorer { "Every operation" }
        section.panel.explorer aria-label="Operations of the run" {
            p.how {
                "Each bar is one operation on the lane of its process or node, from its first byte sent to its whole answer received. "
                "Drag to move, turn the wheel over the picture with Ctrl (or after a click) to zoom, click a bar to pin it. "
                @if tape.stride > 1 {
                    "Shown are " (count(shown)) " of " (count(findings.operations)) " operations: those around every drawn anomaly, "
                    "some that did not succeed, and one in " (count(tape.stride)) " of the others; the shading of node lanes and the small picture count all."
                } @else { "All " (count(shown)) " operations are shown." }
            }
            noscript { p.note { "This picture needs a script. The anomalies above and the plots below do not." } }
            div.script.controls {
                label { "Process " input #f-process size="6" placeholder="p3" autocomplete="off"; }
                label { "Key " input #f-key list="keys-known" size="10" placeholder="any" autocomplete="off"; }
                datalist #keys-known {}
                label { "Node " select #f-node { option value="" { "all" } } }
                label { "Call " select #f-call { option value="" { "all" } } }
                label { "Outcome " select #f-outcome { option value="" { "all" } @for outcome in OutcomeKind::ALL { option { (outcome.name()) } } } }
                label { "Fault " select #f-fault { option value="" { "any time" } option value="none" { "none in force" } } }
                label { "Text " input #f-text type="search" size="14" placeholder="in call or answer (/)" autocomplete="off"; }
                label { "Lanes " select #f-lanes { option value="process" { "per process" } option value="node" { "per node" } } }
                label { "Anomaly " select #f-story { option value="" { "all" } } }
                button type="button" #x-in title="Zoom in (+)" { "+" } button type="button" #x-out title="Zoom out (-)" { "−" }
                button type="button" #x-fit title="Show all (f)" { "Fit" } button type="button" #x-clear title="Forget filter and pin (Esc)" { "Clear" }
                button type="button" #x-link title="Copy a link to exactly this view (y)" { "Copy link" }
            }
            div.script.stage {
                canvas #map tabindex="0" role="application" aria-roledescription="timeline"
                    aria-label="Timeline of operations. Arrow keys move, plus and minus zoom, j and k go from operation to operation." {}
                canvas #mini aria-label="The whole run; the frame is the part that is shown. Drag it." role="img" {}
            }
            p.told.script #x-told aria-live="polite" { "Point at an operation, or reach it with j and k." }
            p.note.script #x-count {}
            details.script #x-list { summary { "The operations in view as a table" }
                div.scroll tabindex="0" role="region" aria-label="Operations in view" { table {
                    thead { tr { th { "Operation" } th { "Who" } th { "Call" } th { "Outcome" } th { "Began" } th { "Took" } } }
                    tbody {}
                } }
            }
            ul.key.script {
                li { "filled: ok" } li { "dashed frame, ✗: fail" } li { "open to the right, ?: unknown" }
                li { "thick red frame, ✗: cannot be placed" } li { "double frame: part of the proof" }
                li { "numbers and dotted line: the order that was tried, with the state after each step below" }
                li { "hatched: fault in force" }
            }
        }
        script #data type="application/json" { (PreEscaped(data(findings))) }
    }
}

fn data(findings: &Findings) -> String {
    let tape = &findings.tape;
    let overview = &findings.overview;
    let text = |text: &str| cut(&visible(text), TEXT_MAX).into_owned();
    let faults = findings.faults.iter().filter(|line| line.record.state != history::FaultState::Skipped);
    let band = |line: &crate::FaultLine| {
        let record = &line.record;
        Band(
            text(&record.family),
            text(&record.description),
            record.began.0,
            record.ended.map(|ended| ended.0),
            record.nodes.iter().take(8).map(|node| text(node)).collect(),
        )
    };
    let density = overview.nodes.iter().enumerate().take(NODES_MAX).map(|(node, series)| Density {
        node: node as u16,
        ok: &series.ok,
        fail: &series.fail,
        unknown: &series.unknown,
    });
    let data = Data {
        span: (overview.began.0, overview.ended.0),
        bin: overview.bin.0,
        total: findings.operations,
        stride: tape.stride,
        kinds: tape.kinds.iter().map(|kind| text(kind)).collect(),
        nodes: tape.nodes.iter().map(|node| text(node)).collect(),
        keys: &tape.keys,
        marks: &tape.marks,
        faults: faults.take(FAULTS_MAX).map(band).collect(),
        stories: stories(findings),
        density: density.collect(),
    };
    harmless(&serde_json::to_string(&data).expect("plain data always serialises into memory"))
}

fn stories(findings: &Findings) -> Vec<Story> {
    let mut room = ORDERS_MAX;
    let mut stories = Vec::new();
    for (place, scene) in findings.scenes.iter().enumerate() {
        let anomaly =
            findings.verdicts.get(scene.verdict).and_then(|verdict| verdict.anomalies.get(scene.anomaly));
        let Some(anomaly) = anomaly else { continue };
        let mut story = story(place + 1, scene, anomaly);
        let bytes = serde_json::to_string(&story).map_or(usize::MAX, |json| harmless(&json).len());
        match room.checked_sub(bytes) {
            Some(left) => room = left,
            None => story.order.clear(),
        }
        stories.push(story);
    }
    stories
}

fn story(id: usize, scene: &Scene, anomaly: &Anomaly) -> Story {
    let text = |text: &String| cut(&visible(text), TEXT_MAX).into_owned();
    let steps = &anomaly.explanation;
    let last = &steps[steps.len().saturating_sub(STEPS_MAX)..];
    Story {
        id,
        kind: text(&anomaly.kind),
        culprit: scene.culprit,
        witness: anomaly.witness.iter().copied().take(STEPS_MAX).collect(),
        order: last
            .iter()
            .map(|step| (step.operation, step.state.as_ref().map(text), step.refusal.as_ref().map(text)))
            .collect(),
    }
}

/// JSON in which no sign is left that means something to HTML. Outside of its texts JSON has none of them.
fn harmless(json: &str) -> String {
    let mut safe = String::with_capacity(json.len() + json.len() / 16);
    for character in json.chars() {
        match character {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_harmless_reads_back_as_it_was() {
        let text = "</script><!--<img src=x onerror=alert(1)>&amp;\u{2028}\"\\";
        let safe = harmless(&serde_json::to_string(text).unwrap());
        assert!(!safe.contains(['<', '>', '&']));
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
    }
}

//! The anomalies: a sentence, a picture and a table each.

use maud::{Markup, PreEscaped, html};

use super::{cycle, order, timeline};
use crate::{
    Findings, Scene,
    wording::{count, cut, plural, visible},
};

/// How many bytes all pictures and tables together may take; what does not fit is told and not drawn.
const BYTES_MAX: usize = 1_000_000;
/// The longest sentence, in characters.
pub(super) const SENTENCE_MAX: usize = 900;

pub(super) fn all(findings: &Findings) -> Markup {
    if findings.scenes.is_empty() {
        return html! {};
    }
    let mut drawn: Vec<Markup> = Vec::new();
    let mut bytes = 0;
    for (place, scene) in findings.scenes.iter().enumerate() {
        let section = section(findings, scene, place + 1);
        bytes += section.0.len();
        if bytes > BYTES_MAX {
            break;
        }
        drawn.push(section);
    }
    let left = findings.anomalies().count() - drawn.len();
    html! {
        h2 #anomalies { @if findings.scenes.len() == 1 { "The anomaly" } @else { "The anomalies" } }
        p.how {
            "Each row is one client process, time runs to the right, and each bar is one operation from its first byte sent "
            "to its whole answer received. Bars that overlap in time may have taken effect in either order; a bar that ends "
            "before another begins took effect first."
        }
        (timeline::key())
        @for section in &drawn { (section) }
        @if left > 0 {
            p.note { (count(left as u64)) " more are not drawn here; results.json and the history hold them." }
        }
    }
}

fn section(findings: &Findings, scene: &Scene, id: usize) -> Markup {
    let Some(verdict) = findings.verdicts.get(scene.verdict) else { return html! {} };
    let Some(anomaly) = verdict.anomalies.get(scene.anomaly) else { return html! {} };
    let name = |text: &str| cut(&visible(text), 80).into_owned();
    const IDLE: &str = "Point at an operation, or reach it with Tab or j, to read it here.";
    html! {
        section.anomaly.panel id={ "anomaly-" (id) } tabindex="-1" aria-label={ "Anomaly " (id) } {
            header {
                h3 { (id) ". " (name(&anomaly.kind)) @if let Some(key) = &anomaly.key { " on key " code { (name(&key.to_string())) } } }
                span.meta { "breaks " b { (name(&verdict.model)) } @if verdict.checker != verdict.model { ", found by " (name(&verdict.checker)) } }
            }
            p.sentence { (mentions(findings, &anomaly.sentence, id)) }
            @if let Some(meaning) = meaning(&anomaly.kind) {
                p.how { b { (name(&anomaly.kind)) ": " } (meaning) }
            }
            @if let Some(involved) = anomaly.involved { p.note { (plural(involved, "operation")) " are caught in contradictions of this kind." } }
            (cycle::picture(findings, anomaly, id))
            (timeline::picture(findings, scene, anomaly, id))
            p.told.script aria-live="polite" data-idle=(IDLE) { (IDLE) }
            @if scene.omitted > 0 {
                p.note { (count(scene.omitted)) " more operations on the same key at that time are not drawn." }
            }
            p.script { a href={ "#explore&anomaly=" (id) } { "See it among all operations" } " (e)" }
            (order::table(findings, scene, anomaly, id))
        }
    }
}

/// The sentence, with every `#12` that is drawn turned into a link to its bar.
pub(super) fn mentions(findings: &Findings, sentence: &str, id: usize) -> Markup {
    let shown = visible(sentence);
    let shown = cut(&shown, SENTENCE_MAX);
    let mut rest: &str = &shown;
    let mut parts = Vec::new();
    while let Some(at) = rest.find('#') {
        let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let (before, from) = rest.split_at(at);
        let (name, after) = from.split_at(1 + digits);
        parts.push(html! { (before) });
        let drawn = name[1..].parse().ok().and_then(|index| findings.row(history::OpIndex(index)));
        parts.push(match drawn {
            Some(row) => html! { a href={ "#a" (id) "-op" (row.index.0) } data-op=(row.index.0) { (name) } },
            None => html! { (name) },
        });
        rest = after;
    }
    html! { @for part in parts { (PreEscaped(part.0)) } (rest) }
}

/// What an anomaly of this kind is, where the glossary knows it.
fn meaning(kind: &str) -> Option<&'static str> {
    checkers::glossary().iter().find(|entry| entry.kind == kind).map(|entry| entry.explanation)
}

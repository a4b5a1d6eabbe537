//! A cycle of transactions, drawn: a box for each, an arrow for each reason, and the reasons in words below.

use checkers::{Anomaly, Link};
use history::OpIndex;
use maud::{Markup, html};

mod column;
mod ring;

use super::anomalies::mentions;
use crate::{
    Findings, proof,
    wording::{count, cut, visible},
};

/// More boxes than this are told and not drawn.
const BOXES_MAX: usize = 10;
const BOX_WIDTH: f64 = 236.0;
const BOX_HEIGHT: f64 = 46.0;
/// The longest text in a box, in characters.
const TEXT_MAX: usize = 32;

/// The picture and the proof of a cycle; nothing where the anomaly is not one. `id` is the anomaly's number.
pub(super) fn picture(findings: &Findings, anomaly: &Anomaly, id: usize) -> Markup {
    if anomaly.cycle.is_empty() {
        return html! {};
    }
    let steps = proof::steps(anomaly);
    let left = steps.len().saturating_sub(proof::STEPS_MAX);
    html! {
        h3 { "The cycle" }
        p.how {
            "An arrow means that the first must come before the second in any order that explains the answers. "
            "The arrows lead back to where they began, so there is no such order."
        }
        @if anomaly.cycle.len() <= BOXES_MAX { (graph(findings, &anomaly.cycle, id)) }
        ol.because {
            @for (place, step) in steps.iter().take(proof::STEPS_MAX).enumerate() {
                li data-link=(place) { (mentions(findings, step, id)) }
            }
        }
        @if left > 0 { p.note { (count(left as u64)) " more steps are in results.json." } }
    }
}

/// A box's middle, and an arrow's line and where its words stand.
struct Layout {
    width: f64,
    height: f64,
    boxes: Vec<(f64, f64)>,
    arrows: Vec<Arrow>,
}

struct Arrow {
    line: String,
    words: (f64, f64),
    /// Which end of the words stands there, in SVG's names.
    anchor: &'static str,
}

/// The drawing twice: around a ring, and one below the other where the screen is too narrow for that.
fn graph(findings: &Findings, cycle: &[Link], id: usize) -> Markup {
    let mut boxes: Vec<OpIndex> = Vec::new();
    for operation in cycle.iter().flat_map(|link| [link.from, link.to]) {
        if !boxes.contains(&operation) {
            boxes.push(operation);
        }
    }
    let place = |operation| boxes.iter().position(|&known| known == operation).unwrap_or(0);
    let arrows: Vec<(usize, usize)> = cycle.iter().map(|link| (place(link.from), place(link.to))).collect();
    let draw = |layout: &Layout, tip: &str| {
        html! {
            svg.cycle width=(layout.width) height=(layout.height) viewBox={ "0 0 " (layout.width) " " (layout.height) }
                role="group" aria-label="transactions and what orders them" {
                defs { marker id=(tip) viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto" {
                    path.tip d="M0 0L10 5L0 10z" {}
                } }
                @for (place, (link, drawn)) in cycle.iter().zip(&layout.arrows).enumerate() { (arrow(link, drawn, place, tip)) }
                @for (&operation, &at) in boxes.iter().zip(&layout.boxes) { (transaction(findings, operation, at, id)) }
            }
        }
    };
    html! {
        div.picture.wide tabindex="0" role="region" aria-label={ "Cycle of anomaly " (id) } {
            (draw(&ring::layout(boxes.len(), &arrows), &format!("tip{id}")))
        }
        div.picture.narrow { (draw(&column::layout(boxes.len(), &arrows), &format!("stacked-tip{id}"))) }
    }
}

fn arrow(link: &Link, drawn: &Arrow, place: usize, tip: &str) -> Markup {
    let key = link.key.as_ref().map(|key| format!(" {}", cut(&visible(&key.to_string()), 20)));
    let label = format!("{}{}", link.relation.name(), key.unwrap_or_default());
    html! {
        g.link data-link=(place) data-from=(link.from.0) data-to=(link.to.0) {
            title { (cut(&visible(&link.because), 240)) }
            path.arrow marker-end={ "url(#" (tip) ")" } d=(drawn.line) {}
            text text-anchor=(drawn.anchor) x=(format!("{:.1}", drawn.words.0)) y=(format!("{:.1}", drawn.words.1)) font-size="12" { (label) }
        }
    }
}

fn transaction(findings: &Findings, operation: OpIndex, at: (f64, f64), id: usize) -> Markup {
    let row = findings.row(operation);
    let (x, y) = (at.0 - BOX_WIDTH / 2.0, at.1 - BOX_HEIGHT / 2.0);
    let who = row.map_or(operation.to_string(), |row| match row.node.as_str() {
        "" => format!("{operation} {}", row.process),
        node => format!("{operation} {} on {}", row.process, cut(&visible(node), 12)),
    });
    let what = row.map_or(String::new(), |row| match row.outcome {
        crate::OutcomeKind::Ok if !row.answer.is_empty() => row.answer.clone(),
        _ => row.call.clone(),
    });
    let hint = row.map_or(who.clone(), super::timeline::hint);
    html! {
        a.op.{ (row.map_or("ok", |row| row.outcome.name())) } data-op=(operation.0)
            href={ "#a" (id) "-row" (operation.0) } aria-label=(hint) {
            title { (hint) }
            rect x=(format!("{x:.1}")) y=(format!("{y:.1}")) width=(BOX_WIDTH) height=(BOX_HEIGHT) rx="6" {}
            text x=(format!("{:.1}", x + 8.0)) y=(format!("{:.1}", y + 18.0)) font-size="12" font-weight="600" { (who) }
            text.soft x=(format!("{:.1}", x + 8.0)) y=(format!("{:.1}", y + 35.0)) font-size="12" { (cut(&visible(&what), TEXT_MAX)) }
        }
    }
}

//! A cycle of transactions, drawn: a box for each, an arrow for each reason, and the reasons in words below.

use std::f64::consts::{PI, TAU};

use checkers::{Anomaly, Link};
use history::OpIndex;
use maud::{Markup, html};

use super::anomalies::mentions;
use crate::{
    Findings, proof,
    wording::{count, cut, visible},
};

/// More boxes than this are told and not drawn.
const BOXES_MAX: usize = 10;
const BOX_WIDTH: f64 = 236.0;
const BOX_HEIGHT: f64 = 46.0;
const WIDTH: f64 = 1_060.0;
/// How far an arrow bows away from the straight line, so that two between the same boxes do not meet.
const BOW: f64 = 34.0;
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

/// Where the boxes stand: evenly on an ellipse, the first at the left where there are two, else at the top.
fn places(boxes: usize) -> (Vec<(f64, f64)>, f64) {
    let down = match boxes {
        0..=2 => 0.0,
        _ => 44.0 * boxes as f64,
    };
    let across = (WIDTH - BOX_WIDTH) / 2.0 - 40.0;
    let start = if boxes <= 2 { PI } else { -PI / 2.0 };
    let height = 2.0 * down + BOX_HEIGHT + 2.0 * BOW + 30.0;
    let place = |at: usize| {
        let angle = start + TAU * at as f64 / boxes as f64;
        (WIDTH / 2.0 + across * angle.cos(), height / 2.0 + down * angle.sin())
    };
    ((0..boxes).map(place).collect(), height)
}

fn graph(findings: &Findings, cycle: &[Link], id: usize) -> Markup {
    let mut boxes: Vec<OpIndex> = Vec::new();
    for link in cycle {
        for operation in [link.from, link.to] {
            if !boxes.contains(&operation) {
                boxes.push(operation);
            }
        }
    }
    let (places, height) = places(boxes.len());
    let at = |operation: OpIndex| places[boxes.iter().position(|&known| known == operation).unwrap_or(0)];
    html! {
        div.picture tabindex="0" role="region" aria-label={ "Cycle of anomaly " (id) } {
            svg.cycle width=(WIDTH) height=(height) viewBox={ "0 0 " (WIDTH) " " (height) } role="group"
                aria-label="transactions and what orders them" {
                defs { marker id={ "tip" (id) } viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto" {
                    path.tip d="M0 0L10 5L0 10z" {}
                } }
                @for (place, link) in cycle.iter().enumerate() { (arrow(link, at(link.from), at(link.to), place, id)) }
                @for &operation in &boxes { (transaction(findings, operation, at(operation), id)) }
            }
        }
    }
}

/// Where the line from the middle of a box towards a point leaves the box.
fn edge(from: (f64, f64), towards: (f64, f64)) -> (f64, f64) {
    let (x, y) = (towards.0 - from.0, towards.1 - from.1);
    let across = if x == 0.0 { f64::INFINITY } else { BOX_WIDTH / 2.0 / x.abs() };
    let down = if y == 0.0 { f64::INFINITY } else { BOX_HEIGHT / 2.0 / y.abs() };
    let share = across.min(down).min(1.0);
    (from.0 + x * share, from.1 + y * share)
}

fn arrow(link: &Link, from: (f64, f64), to: (f64, f64), place: usize, id: usize) -> Markup {
    let (x, y) = (to.0 - from.0, to.1 - from.1);
    let length = x.hypot(y).max(1.0);
    let bend =
        ((from.0 + to.0) / 2.0 + y / length * BOW * 2.0, (from.1 + to.1) / 2.0 - x / length * BOW * 2.0);
    let (start, end) = (edge(from, bend), edge(to, bend));
    let middle = ((start.0 + 2.0 * bend.0 + end.0) / 4.0, (start.1 + 2.0 * bend.1 + end.1) / 4.0);
    let key = link.key.as_ref().map(|key| format!(" {}", cut(&visible(&key.to_string()), 20)));
    let label = format!("{}{}", link.relation.name(), key.unwrap_or_default());
    html! {
        g.link data-link=(place) data-from=(link.from.0) data-to=(link.to.0) {
            title { (cut(&visible(&link.because), 240)) }
            path.arrow marker-end={ "url(#tip" (id) ")" }
                d=(format!("M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}", start.0, start.1, bend.0, bend.1, end.0, end.1)) {}
            text text-anchor="middle" x=(format!("{:.1}", middle.0)) y=(format!("{:.1}", middle.1 + 4.0)) font-size="12" { (label) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_stay_inside_and_apart() {
        for boxes in 2..=BOXES_MAX {
            let (places, height) = places(boxes);
            for (one, &(x, y)) in places.iter().enumerate() {
                assert!(x - BOX_WIDTH / 2.0 >= 0.0 && x + BOX_WIDTH / 2.0 <= WIDTH, "{boxes}: {x}");
                assert!(y - BOX_HEIGHT / 2.0 >= 0.0 && y + BOX_HEIGHT / 2.0 <= height, "{boxes}: {y}");
                for &(other_x, other_y) in &places[..one] {
                    let apart = (x - other_x).abs() >= BOX_WIDTH || (y - other_y).abs() >= BOX_HEIGHT;
                    assert!(apart, "{boxes} boxes: two meet at {x} {y} and {other_x} {other_y}");
                }
            }
        }
    }

    #[test]
    fn an_arrow_begins_at_the_rim_of_its_box() {
        let (x, y) = edge((0.0, 0.0), (1_000.0, 0.0));
        assert_eq!((x, y), (BOX_WIDTH / 2.0, 0.0));
        let (x, y) = edge((0.0, 0.0), (0.0, -500.0));
        assert_eq!((x, y), (0.0, -BOX_HEIGHT / 2.0));
    }
}

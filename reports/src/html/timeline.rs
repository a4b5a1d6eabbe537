//! The operations of one anomaly, drawn: a lane per process, time to the right, faults behind.

use checkers::Anomaly;
use history::{FaultState, Nanos, OpIndex, Process};
use maud::{Markup, PreEscaped, html};

use super::axis::{Axis, Wish};
use crate::{
    FaultLine, Findings, OutcomeKind, Row, Scene,
    wording::{cut, duration, visible},
};

const LANE: f64 = 34.0;
const BAR: f64 = 24.0;
const STRIP: f64 = 19.0;
const AXIS: f64 = 26.0;
const WIDTH_MIN: f64 = 1_010.0;
const LEFT: f64 = 14.0;
/// Room to the right of the last moment, into which unknown operations fade.
const RIGHT: f64 = 64.0;
const LETTER: f64 = 6.7;
/// A fault's words are repeated after so many pixels.
const AGAIN: f64 = 640.0;
/// How many faults are drawn behind one anomaly.
const FAULTS_MAX: usize = 6;
/// The longest text in a bar and in a hint, in characters.
const BAR_TEXT_MAX: usize = 44;
const HINT_MAX: usize = 160;

/// The picture of a scene. `id` is the anomaly's number on the page.
pub(super) fn picture(findings: &Findings, scene: &Scene, anomaly: &Anomaly, id: usize) -> Markup {
    let rows: Vec<&Row> = scene.operations.iter().filter_map(|&operation| findings.row(operation)).collect();
    if rows.is_empty() {
        return html! { p.note { "The history holds none of the operations of this anomaly." } };
    }
    let faults = faults_of(findings, &rows);
    let axis = axis_of(&rows, &faults, scene, anomaly);
    let lanes = lanes_of(&rows);
    let top = AXIS + STRIP * faults.len() as f64 + 4.0;
    let height = top + LANE * lanes.len() as f64 + 6.0;
    let stage = Stage { scene, anomaly, id, axis, top, height, lanes };
    let width = stage.axis.width() + LEFT + RIGHT;
    html! {
        div.picture tabindex="0" role="region" aria-label={ "Timeline of anomaly " (id) } {
            svg.lanes width="104" height=(height) viewBox={ "0 0 104 " (height) } aria-hidden="true" {
                @for (place, (process, node)) in stage.lanes.iter().enumerate() {
                    text x="10" y=(stage.lane(place) + 16.5) font-size="12" {
                        (process) tspan.soft dx="6" { (cut(&visible(node), 8)) }
                    }
                }
            }
            svg.ops width=(px(width)) height=(height) viewBox={ "0 0 " (px(width)) " " (height) } role="group"
                preserveAspectRatio="none" aria-label="operations by process and time" {
                defs {
                    linearGradient id={ "fade" (id) } {
                        stop.fade0 offset="0" {} stop.fade0 offset=".3" {} stop.fade1 offset="1" {}
                    }
                }
                (stage.scale())
                @for (place, fault) in faults.iter().enumerate() { (stage.fault(place, fault)) }
                @for place in 0..stage.lanes.len() {
                    line.lane x1="0" x2=(px(width)) y1=(stage.lane(place) + BAR / 2.0) y2=(stage.lane(place) + BAR / 2.0) {}
                }
                @for row in &rows { (stage.operation(row, width)) }
            }
        }
    }
}

struct Stage<'a> {
    scene: &'a Scene,
    anomaly: &'a Anomaly,
    id: usize,
    axis: Axis,
    top: f64,
    height: f64,
    lanes: Vec<(Process, String)>,
}

/// A pixel with one decimal, which is finer than anybody sees.
fn px(position: f64) -> String {
    format!("{position:.1}")
}

/// The text in the bar of an operation.
fn label(row: &Row) -> String {
    let call = visible(&row.call);
    let text = match row.outcome {
        OutcomeKind::Ok if row.answer.is_empty() => call.into_owned(),
        OutcomeKind::Ok => format!("{call} → {}", visible(&row.answer)),
        OutcomeKind::Fail => format!("{call} ✗"),
        OutcomeKind::Unknown => format!("{call} → ?"),
    };
    cut(&text, BAR_TEXT_MAX).into_owned()
}

/// Everything about an operation in one line.
pub(super) fn hint(row: &Row) -> String {
    let node = if row.node.is_empty() { String::new() } else { format!(" on {}", visible(&row.node)) };
    let ended = match (row.outcome, row.ended) {
        (OutcomeKind::Unknown, Some(ended)) => {
            format!("the client gave up after {}", duration(Nanos(ended.0.saturating_sub(row.began.0))))
        }
        (_, Some(ended)) => format!("took {}", duration(Nanos(ended.0.saturating_sub(row.began.0)))),
        (_, None) => "never ended".into(),
    };
    format!(
        "{} {}{node}: {} → {}: {}; began {:.6} s, {ended}",
        row.index,
        row.process,
        cut(&visible(&row.call), HINT_MAX),
        row.outcome.name(),
        cut(&visible(&row.answer), HINT_MAX),
        row.began.seconds(),
    )
}

fn faults_of<'a>(findings: &'a Findings, rows: &[&Row]) -> Vec<&'a FaultLine> {
    let first = rows.iter().map(|row| row.began).min().unwrap_or_default();
    let last = rows.iter().map(|row| certain_end(row)).max().unwrap_or_default();
    let meets = |line: &&FaultLine| {
        let record = &line.record;
        record.state != FaultState::Skipped
            && record.began.0 <= last
            && record.ended.is_none_or(|ended| ended >= first)
    };
    findings.faults.iter().filter(meets).take(FAULTS_MAX).collect()
}

/// When an operation had ended; for an unknown one, when it began, so that a long wait does not stretch the picture.
fn certain_end(row: &Row) -> u64 {
    match row.outcome {
        OutcomeKind::Unknown => row.began.0,
        _ => row.ended.map_or(row.began.0, |ended| ended.0.max(row.began.0)),
    }
}

fn axis_of(rows: &[&Row], faults: &[&FaultLine], scene: &Scene, anomaly: &Anomaly) -> Axis {
    let mut moments: Vec<u64> = rows.iter().flat_map(|row| [row.began.0, certain_end(row)]).collect();
    let first = moments.iter().copied().min().unwrap_or(0);
    let last = moments.iter().copied().max().unwrap_or(0);
    let edges = faults.iter().flat_map(|line| [Some(line.record.began), line.record.ended]).flatten();
    moments.extend(edges.map(|edge| edge.0).filter(|&edge| edge > first && edge < last));
    let proves = |row: &Row| {
        scene.culprit == Some(row.index)
            || anomaly.witness.contains(&row.index)
            || anomaly.explanation.iter().any(|placement| placement.operation == row.index)
    };
    let wishes: Vec<Wish> = rows
        .iter()
        .filter(|row| row.outcome != OutcomeKind::Unknown && proves(row))
        .map(|row| Wish {
            began: row.began.0,
            ended: certain_end(row),
            width: label(row).chars().count() as f64 * LETTER + 16.0,
        })
        .collect();
    Axis::new(moments, &wishes, WIDTH_MIN - LEFT - RIGHT)
}

fn lanes_of(rows: &[&Row]) -> Vec<(Process, String)> {
    let mut lanes: Vec<(Process, String)> = rows.iter().map(|row| (row.process, row.node.clone())).collect();
    lanes.sort();
    lanes.dedup_by_key(|lane| lane.0);
    lanes
}

impl Stage<'_> {
    fn lane(&self, place: usize) -> f64 {
        self.top + LANE * place as f64 + (LANE - BAR) / 2.0
    }

    fn x(&self, moment: u64) -> f64 {
        LEFT + self.axis.at(moment)
    }

    fn scale(&self) -> Markup {
        let (first, last) = self.axis.span();
        let digits = match last - first {
            0..50_000_000 => 6,
            50_000_000..5_000_000_000 => 4,
            _ => 3,
        };
        html! {
            @for (moment, position) in self.axis.ticks(96.0) {
                line.rule x1=(px(LEFT + position)) x2=(px(LEFT + position)) y1="20" y2=(self.height) {}
                text.soft x=(px(LEFT + position + 3.0)) y="13" font-size="11" {
                    (format!("{:.digits$} s", Nanos(moment).seconds()))
                }
            }
            @for (gap, position) in self.axis.breaks() {
                path.break d={ "M" (px(LEFT + position - 4.0)) " 25l4-9m2 9l4-9" } {
                    title { "The axis is shrunk here: " (duration(Nanos(gap))) " in which none of these operations began or ended" }
                }
            }
        }
    }

    fn fault(&self, place: usize, line: &FaultLine) -> Markup {
        let record = &line.record;
        let (first, last) = self.axis.span();
        let from = if record.began.0 <= first { 0.0 } else { self.x(record.began.0) };
        let edge = LEFT + self.axis.width() + RIGHT;
        let until = record.ended.filter(|ended| ended.0 <= last).map_or(edge, |ended| self.x(ended.0));
        let y = AXIS + STRIP * place as f64;
        let text = format!("{}: {}", record.family, record.description);
        let room = edge - from - 8.0;
        let text = visible(&text);
        let letters = text.chars().count() as f64 * 6.2;
        // A fault that begins near the right edge is told to the left of its strip's end.
        let start = if letters > room { (edge - letters - 8.0).max(4.0) } else { from + 5.0 };
        html! {
            g {
                title { (cut(&text, HINT_MAX)) }
                rect.band x=(px(from)) y=(y) width=(px((until - from).max(2.0))) height=(px(self.height - y)) {}
                rect.strip x=(px(from)) y=(px(y + STRIP - 5.0)) width=(px((until - from).max(2.0))) height="3" {}
                // Told again where the band goes on, for whoever has scrolled past its beginning.
                @for again in 0..=((until - start) / AGAIN).clamp(0.0, 20.0) as u32 {
                    @let x = start + AGAIN * f64::from(again);
                    @if again == 0 || x + letters < until {
                        text.striptext x=(px(x)) y=(px(y + 11.0)) { (cut(&text, 90)) }
                    }
                }
            }
        }
    }

    fn place_of(&self, operation: OpIndex) -> Option<usize> {
        let explanation = &self.anomaly.explanation;
        explanation
            .iter()
            .position(|placement| placement.operation == operation && placement.refusal.is_none())
    }

    fn operation(&self, row: &Row, width: f64) -> Markup {
        let culprit = self.scene.culprit == Some(row.index);
        let witness = self.anomaly.witness.contains(&row.index);
        let place = self.place_of(row.index);
        let lane = self.lanes.partition_point(|lane| lane.0 < row.process);
        let (x, y) = (self.x(row.began.0), self.lane(lane));
        let unknown = row.outcome == OutcomeKind::Unknown;
        let until = if unknown { width } else { self.x(certain_end(row)).max(x + 4.0) };
        let role = match (culprit, witness, place) {
            (true, ..) => " culprit",
            (_, true, _) => " proof",
            (_, _, Some(_)) => "",
            _ => " near",
        };
        let text = label(row);
        let room = ((until - x - 12.0) / LETTER).max(0.0) as usize;
        let shown = if text.chars().count() <= room || unknown { text.into() } else { cut(&text, room) };
        html! {
            a.op.{ (row.outcome.name()) (role) } id={ "a" (self.id) "-op" (row.index.0) } data-op=(row.index.0)
                href={ "#a" (self.id) "-row" (row.index.0) } aria-label=(hint(row)) {
                title { (hint(row)) @if culprit { ". This operation cannot be placed." } }
                @if unknown {
                    rect x=(px(x)) y=(px(y)) width=(px(until - x)) height=(BAR) rx="4" style={ "fill:url(#fade" (self.id) ")" } {}
                    path stroke-dasharray="5 3" d={ "M" (px(until)) " " (px(y)) "H" (px(x)) "v" (BAR) "H" (px(until)) } {}
                } @else {
                    rect x=(px(x)) y=(px(y)) width=(px(until - x)) height=(BAR) rx="4" {}
                }
                @if room >= 2 || unknown {
                    text x=(px(x + 6.0)) y=(px(y + 16.0)) font-size="12" { (shown) }
                }
                @if culprit {
                    text.place x=(px(x - 2.0)) y=(px(y + 4.0)) text-anchor="middle" { "✗" }
                } @else if let Some(place) = place {
                    text.place x=(px(until + 2.0)) y=(px(y + 9.0)) { @if !unknown { (place + 1) } }
                }
            }
        }
    }
}

/// What the shapes of the picture mean.
pub(super) fn key() -> Markup {
    let sample = |class: &str, drawn: &str| {
        html! { svg width="30" height="16" aria-hidden="true" { g class={ "op " (class) } { (PreEscaped(drawn)) } } }
    };
    let bar = r#"<rect x="1" y="2" width="27" height="12" rx="3"/>"#;
    html! {
        ul.key {
            li { (sample("ok", bar)) "ok" }
            li { (sample("ok culprit", bar)) "cannot be placed" }
            li { (sample("fail", bar)) "fail: certainly did not happen" }
            li { (sample("unknown", r#"<path stroke-dasharray="5 3" d="M30 2H2v12H30"/>"#)) "unknown: may take effect at any later time" }
            li { svg width="30" height="16" aria-hidden="true" { rect.band width="30" height="16" {} rect.strip y="1" width="30" height="3" {} } "fault" }
            li { "small numbers: place in the longest order that fits" }
            li { svg width="16" height="16" aria-hidden="true" { path.break d="M3 13l4-9m2 9l4-9" {} } "shrunk gap; time labels are true" }
        }
    }
}

//! The pictures that belong to a data type, drawn: lanes over time, numbers over time, distributions.

use history::Nanos;
use maud::{Markup, html};

use crate::{
    Findings, Life, Picture, Point, Series, Shape, Tone,
    wording::{count, cut, duration, percent, visible},
};

const WIDTH: f64 = 1_060.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 22.0;
const LANE: f64 = 24.0;
const PLOT: f64 = 230.0;
/// How many pictures, and how many bytes all of them may take.
const PICTURES_MAX: usize = 6;
const BYTES_MAX: usize = 500_000;
const TEXT_MAX: usize = 60;

/// All pictures of the findings.
pub(super) fn all(findings: &Findings) -> Markup {
    let mut drawn: Vec<Markup> = Vec::new();
    let mut bytes = 0;
    for picture in findings.pictures.iter().take(PICTURES_MAX) {
        let panel = panel(findings, picture);
        bytes += panel.0.len();
        if bytes > BYTES_MAX {
            break;
        }
        drawn.push(panel);
    }
    html! {
        @if !drawn.is_empty() {
            h2 #data-type { "What the data shows" }
            @for panel in &drawn { (panel) }
            @if drawn.len() < findings.pictures.len() {
                p.note { (findings.pictures.len() - drawn.len()) " more pictures have no room here; results.json holds what they show." }
            }
        }
    }
}

fn panel(findings: &Findings, picture: &Picture) -> Markup {
    let text = |text: &str| cut(&visible(text), 400).into_owned();
    html! {
        section.panel.own aria-label=(text(&picture.title)) {
            h3 { (text(&picture.title)) }
            p.how { (text(&picture.how)) }
            @match &picture.shape {
                Shape::Lives(lanes) => (lives(findings, lanes, &picture.title)),
                Shape::Points(series) => (points(findings, series, &picture.title)),
                Shape::Bars(bars) => (distribution(bars)),
            }
            @if !picture.note.is_empty() { p.note { (text(&picture.note)) } }
        }
    }
}

fn px(position: f64) -> String {
    format!("{position:.1}")
}

fn short(text: &str) -> String {
    cut(&visible(text), TEXT_MAX).into_owned()
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Plain => "plain",
        Tone::Unknown => "maybe",
    }
}

/// A straight time axis.
#[derive(Clone, Copy)]
struct Scale {
    from: u64,
    until: u64,
}

impl Scale {
    fn over(moments: impl Iterator<Item = u64>) -> Self {
        let (from, until) = moments.fold((u64::MAX, 0), |(low, high), at| (low.min(at), high.max(at)));
        if from > until { Self { from: 0, until: 1 } } else { Self { from, until: until.max(from + 1) } }
    }

    fn x(self, at: u64) -> f64 {
        let at = at.clamp(self.from, self.until);
        LEFT + (at - self.from) as f64 / (self.until - self.from) as f64 * (WIDTH - LEFT - RIGHT)
    }

    fn axis(self, height: f64) -> Markup {
        let length = self.until - self.from;
        let digits = if length < 50_000_000 { 6 } else { 3 };
        html! {
            @for step in 0..=5u64 {
                @let at = self.from + (length as f64 * step as f64 / 5.0) as u64;
                line.rule x1=(px(self.x(at))) x2=(px(self.x(at))) y1="16" y2=(px(height)) {}
                text.soft x=(px(self.x(at))) y="12" font-size="11" text-anchor=(if step == 5 { "end" } else { "middle" }) {
                    (format!("{:.digits$} s", Nanos(at).seconds()))
                }
            }
        }
    }

    fn faults(self, findings: &Findings, height: f64) -> Markup {
        let meets = |line: &&crate::FaultLine| {
            line.record.state != history::FaultState::Skipped
                && line.record.began.0 <= self.until
                && line.record.ended.is_none_or(|ended| ended.0 >= self.from)
        };
        html! {
            @for line in findings.faults.iter().filter(meets).take(60) {
                @let from = self.x(line.record.began.0);
                @let until = self.x(line.record.ended.map_or(self.until, |ended| ended.0));
                g {
                    title { (short(&line.record.family)) ": " (short(&line.record.description)) }
                    rect.band x=(px(from)) y="16" width=(px((until - from).max(2.0))) height=(px(height - 16.0)) {}
                    rect.strip x=(px(from)) y="16" width=(px((until - from).max(2.0))) height="3" {}
                }
            }
        }
    }
}

fn lives(findings: &Findings, lanes: &[Life], title: &str) -> Markup {
    let spans = || lanes.iter().flat_map(|lane| &lane.spans);
    let moments = spans().flat_map(|span| [Some(span.from), span.until]).flatten();
    let scale =
        Scale::over(moments.chain(lanes.iter().flat_map(|lane| lane.signs.iter().map(|sign| sign.at))));
    let height = TOP + LANE * lanes.len() as f64 + 6.0;
    html! {
        div.picture tabindex="0" role="region" aria-label=(short(title)) {
            svg.lives width=(WIDTH) height=(px(height)) viewBox=(format!("0 0 {WIDTH} {height:.1}")) role="group" aria-label="lanes over time" {
                (scale.faults(findings, height))
                (scale.axis(height))
                @for (place, lane) in lanes.iter().enumerate() { (life(lane, scale, TOP + LANE * place as f64)) }
            }
        }
    }
}

fn life(lane: &Life, scale: Scale, y: f64) -> Markup {
    let middle = y + LANE / 2.0;
    let sign = if lane.tone == Tone::Bad { "✗ " } else { "" };
    html! {
        g.life.(class(lane.tone)) role="img" aria-label={ (short(&lane.name)) " " (short(&lane.fate)) } {
            text x="8" y=(px(middle + 4.0)) font-size="12" {
                (sign) (cut(&visible(&lane.name), 12)) tspan.soft dx="6" { (cut(&visible(&lane.fate), 13)) }
            }
            line.lane x1=(LEFT) x2=(WIDTH) y1=(px(middle)) y2=(px(middle)) {}
            @for span in &lane.spans {
                @let from = scale.x(span.from);
                @let until = span.until.map_or(WIDTH, |until| scale.x(until));
                rect.(class(span.tone)) x=(px(from)) y=(px(middle - 6.0)) width=(px((until - from).max(2.0))) height="12" rx="2" {
                    title { (short(&span.text)) ", from " (Nanos(span.from).to_string())
                        @if let Some(until) = span.until { ", for " (duration(Nanos(until.saturating_sub(span.from)))) } }
                }
            }
            @for sign in &lane.signs {
                g.(class(sign.tone)) {
                    title { (short(&sign.text)) " at " (Nanos(sign.at).to_string()) }
                    @if sign.tone == Tone::Bad { path.cross d=(format!("M{:.1} {:.1}l6 6m0-6l-6 6", scale.x(sign.at) - 3.0, middle - 3.0)) {} }
                    @else { circle cx=(px(scale.x(sign.at))) cy=(px(middle)) r="2.4" {} }
                }
            }
        }
    }
}

fn points(findings: &Findings, series: &[Series], title: &str) -> Markup {
    let all = || series.iter().flat_map(|series| &series.points);
    let scale = Scale::over(all().map(|point| point.0));
    let low = all().map(|point| point.1).min().unwrap_or(0);
    let high = all().map(|point| point.2).max().unwrap_or(1);
    let range = (high as f64 - low as f64).max(1.0);
    let y = |value: i64| TOP + 8.0 + PLOT - (value as f64 - low as f64) / range * PLOT;
    let height = TOP + PLOT + 20.0;
    html! {
        div.picture tabindex="0" role="region" aria-label=(short(title)) {
            svg.points width=(WIDTH) height=(px(height)) viewBox=(format!("0 0 {WIDTH} {height:.1}")) role="img" aria-label=(short(title)) {
                (scale.faults(findings, height))
                (scale.axis(height))
                @for step in 0..=4 {
                    @let value = (low as f64 + range * f64::from(step) / 4.0).round() as i64;
                    line.rule x1=(LEFT) x2=(WIDTH - RIGHT) y1=(px(y(value))) y2=(px(y(value))) {}
                    text.soft x=(LEFT - 8.0) y=(px(y(value) + 4.0)) text-anchor="end" font-size="11" { (value) }
                }
                @for one in series.iter().filter(|one| !one.points.is_empty()) {
                    path.(class(one.tone)) d=(outline(&one.points, one.tone, scale, y)) {}
                }
            }
        }
        ul.key {
            @for one in series.iter().filter(|one| !one.points.is_empty()) {
                li {
                    svg.points width="18" height="12" aria-hidden="true" { path.(class(one.tone)) d=(mark(9.0, 6.0, one.tone)) {} }
                    (short(&one.name)) " (" (count(one.points.len() as u64)) ")"
                }
            }
        }
    }
}

/// The sign of one number, of a shape that tells without colour.
fn mark(x: f64, y: f64, tone: Tone) -> String {
    match tone {
        Tone::Bad => format!("M{:.1} {:.1}l7 7m0-7l-7 7", x - 3.5, y - 3.5),
        Tone::Plain => format!("M{x:.1} {:.1}v8", y - 4.0),
        _ => format!("M{x:.1} {y:.1}h0"),
    }
}

fn outline(points: &[Point], tone: Tone, scale: Scale, y: impl Fn(i64) -> f64) -> String {
    let one = |&Point(at, low, high): &Point| match (low == high, tone) {
        (true, Tone::Plain) => format!("M{:.1} {:.1}h4", scale.x(at) - 2.0, y(low)),
        (true, _) => mark(scale.x(at), y(low), tone),
        (false, _) => format!("M{:.1} {:.1}V{:.1}", scale.x(at), y(low), y(high)),
    };
    points.iter().map(one).collect()
}

fn distribution(bars: &[crate::Bar]) -> Markup {
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(1).max(1) as f64;
    let all: u64 = bars.iter().map(|bar| bar.count).sum();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Distribution" { table.bars { tbody {
            @for bar in bars {
                tr {
                    td { (short(&bar.name)) }
                    td.number { (count(bar.count)) }
                    td.number { (percent(bar.count, all)) }
                    td.room { i.length.(class(bar.tone)) style=(format!("width:{:.1}%", bar.count as f64 / most * 100.0)) {} }
                }
            }
        } } }
    }
}

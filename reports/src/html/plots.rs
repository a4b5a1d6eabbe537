//! The whole run, drawn by plotters: latencies and rates over time with the faults above and behind them.
//!
//! plotters knows only fixed colours, so everything is drawn in marker colours that [`super::recolour`] turns into
//! classes; the page's style sheet then gives them the colours of the light or the dark theme.

use plotters::{
    coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter},
    prelude::*,
};

use super::recolour::{self, Marker};
use crate::{
    Findings, OutcomeKind,
    wording::{count, visible},
};

/// The size of a plot in pixels, once for wide screens and once for narrow ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub width: u32,
    pub height: u32,
}

pub(super) const WIDE: Size = Size { width: 1_120, height: 300 };
pub(super) const NARROW: Size = Size { width: 360, height: 280 };

pub(super) const AXIS_LEFT: u32 = 62;
const AXIS_BELOW: u32 = 28;
const RIGHT: u32 = 12;
/// The height of the strip of one family of faults.
const STRIP: u32 = 14;
/// How many families have a strip, and how many faults are drawn.
const FAMILIES_MAX: usize = 6;
const FAULTS_MAX: usize = 300;

/// The families of faults that are drawn, in order of appearance.
pub(super) fn families(findings: &Findings) -> Vec<&str> {
    let mut families: Vec<&str> = Vec::new();
    for line in &findings.faults {
        if families.len() < FAMILIES_MAX && !families.contains(&line.record.family.as_str()) {
            families.push(&line.record.family);
        }
    }
    families
}

fn seconds(findings: &Findings) -> std::ops::Range<f64> {
    let overview = &findings.overview;
    let (first, last) = (overview.began.seconds(), overview.ended.seconds());
    first..if last > first { last } else { first + 1e-3 }
}

/// Latencies on a logarithmic axis, one mark per cell, with the quantiles of the successful calls.
pub(super) fn latency(findings: &Findings, size: Size) -> String {
    let took = |nanos: u64| nanos.max(1) as f64 / 1e9;
    let all = || findings.overview.latency.iter().flat_map(|line| &line.dots).map(|dot| took(dot.1));
    let low = all().fold(f64::INFINITY, f64::min);
    let high = all().fold(0.0, f64::max);
    if high == 0.0 {
        return String::new();
    }
    let range = (low * 0.8..high * 1.3).log_scale();
    draw(
        findings,
        size,
        range,
        |value| crate::wording::duration(history::Nanos((value * 1e9).round() as u64)),
        |chart| {
            for line in &findings.overview.latency {
                let color = Marker::Dot(line.outcome).color();
                chart.draw_series(
                    line.dots
                        .iter()
                        .map(|dot| Circle::new((dot.0 as f64 / 1e9, took(dot.1)), 1, color.filled())),
                )?;
            }
            let half_bin = findings.overview.bin.seconds() / 2.0;
            for (marker, pick) in
                [(Marker::Median, (|q| q.p50.0) as fn(&crate::Quantiles) -> u64), (Marker::Slow, |q| q.p99.0)]
            {
                let points =
                    findings.overview.quantiles.iter().map(|q| (q.at.seconds() + half_bin, took(pick(q))));
                chart.draw_series(LineSeries::new(points, marker.color()))?;
            }
            Ok(())
        },
    )
}

/// Completions per second: a line per kind of successful call, and one each for all failed and all unknown ones.
pub(super) fn rates(findings: &Findings, size: Size) -> String {
    let lines = rate_lines(findings);
    let high = lines.iter().flat_map(|line| line.per_second.iter().copied()).fold(0.0, f64::max);
    if high == 0.0 {
        return String::new();
    }
    let format =
        |value: &f64| if *value >= 10.0 { count(value.round() as u64) } else { format!("{value:.1}") };
    draw(
        findings,
        size,
        0.0..high * 1.08,
        |value| format(value),
        |chart| {
            let (first, bin) = (findings.overview.began.seconds(), findings.overview.bin.seconds());
            for line in &lines {
                let points = line.per_second.iter().enumerate();
                let points = points.map(|(place, rate)| (first + (place as f64 + 0.5) * bin, *rate));
                chart.draw_series(LineSeries::new(points, line.marker.color()))?;
            }
            Ok(())
        },
    )
}

/// One line of the rate plot.
pub(super) struct RateLine {
    pub name: String,
    pub marker: Marker,
    per_second: Vec<f64>,
}

/// How many kinds of call have a line of their own.
const KINDS_MAX: usize = 4;

pub(super) fn rate_lines(findings: &Findings) -> Vec<RateLine> {
    let overview = &findings.overview;
    let bin = overview.bin.seconds().max(1e-9);
    let bins = overview.rates.iter().map(|series| series.counts.len()).max().unwrap_or(0);
    let mut lines: Vec<RateLine> = Vec::new();
    for series in &overview.rates {
        let (name, marker) = match series.outcome {
            OutcomeKind::Ok if lines.len() < KINDS_MAX => {
                (format!("{} ok", visible(&series.kind)), Marker::Rate(lines.len() as u8))
            }
            OutcomeKind::Ok => continue,
            OutcomeKind::Fail => ("all fail".into(), Marker::Rate(4)),
            OutcomeKind::Unknown => ("all unknown".into(), Marker::Rate(5)),
        };
        let place = lines.iter().position(|line| line.name == name).unwrap_or_else(|| {
            lines.push(RateLine { name, marker, per_second: vec![0.0; bins] });
            lines.len() - 1
        });
        for (sum, count) in lines[place].per_second.iter_mut().zip(&series.counts) {
            *sum += f64::from(*count) / bin;
        }
    }
    lines
}

type Chart<'a, 'b, Y> =
    ChartContext<'a, SVGBackend<'b>, Cartesian2d<plotters::coord::types::RangedCoordf64, Y>>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw<R, Y>(
    findings: &Findings,
    size: Size,
    range: R,
    label: impl Fn(&f64) -> String,
    series: impl FnOnce(&mut Chart<'_, '_, Y>) -> Drawn,
) -> String
where
    R: AsRangedCoord<CoordDescType = Y, Value = f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let strips = strips(findings);
    let mut drawn = String::new();
    let result = (|| -> Drawn {
        let area =
            SVGBackend::with_string(&mut drawn, (size.width, size.height + strips)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin_top(strips)
            .margin_right(RIGHT)
            .x_label_area_size(AXIS_BELOW)
            .y_label_area_size(AXIS_LEFT)
            .build_cartesian_2d(seconds(findings), range)?;
        chart
            .configure_mesh()
            .x_labels(size.width as usize / 90)
            .y_labels(6)
            .max_light_lines(0)
            .bold_line_style(Marker::Mesh.color())
            .axis_style(Marker::Axis.color())
            .label_style(("sans-serif", 12))
            .x_label_formatter(&|at| format!("{} s", (at * 1e4).round() / 1e4))
            .y_label_formatter(&|value| label(value))
            .draw()?;
        series(&mut chart)?;
        area.present()?;
        Ok(())
    })();
    // Drawing into memory fails for no reason that a reader could do anything about; the plot then is absent.
    if result.is_err() {
        return String::new();
    }
    recolour::recolour(&drawn, &bands(findings, size.width, size.height - AXIS_BELOW))
}

/// The height of the strips of faults above a plot.
pub(super) fn strips(findings: &Findings) -> u32 {
    STRIP * families(findings).len() as u32 + 6
}

/// Where a moment in seconds stands on a plot.
pub(super) fn x(findings: &Findings, size: Size, at: f64) -> f64 {
    let span = seconds(findings);
    let share = ((at - span.start) / (span.end - span.start)).clamp(0.0, 1.0);
    f64::from(AXIS_LEFT) + share * f64::from(size.width - AXIS_LEFT - RIGHT)
}

/// The faults as strips above a plot of this width, one row per family, and as bands of this height behind it.
pub(super) fn bands(findings: &Findings, width: u32, height: u32) -> String {
    let families = families(findings);
    let strips = strips(findings);
    let size = Size { width, height };
    let markup = maud::html! {
        @for (place, family) in families.iter().enumerate() {
            text x=(AXIS_LEFT - 6) y=(place as u32 * STRIP + 11) text-anchor="end" font-size="11" {
                (crate::wording::cut(&visible(family), 10))
            }
        }
        @for line in findings.faults.iter().take(FAULTS_MAX) {
            @let record = &line.record;
            @if let Some(place) = families.iter().position(|family| *family == record.family) {
                @let from = x(findings, size, record.began.seconds());
                @let until = record.ended.unwrap_or(findings.overview.ended).seconds();
                @let width = (x(findings, size, until) - from).max(1.5);
                g {
                    title { (crate::wording::cut(&visible(&record.description), 160)) ", from " (record.began.to_string()) }
                    rect.strip x=(format!("{from:.1}")) y=(place as u32 * STRIP + 3) width=(format!("{width:.1}")) height=(STRIP - 5) rx="2" {}
                    rect.band x=(format!("{from:.1}")) y=(strips) width=(format!("{width:.1}")) height=(height) {}
                }
            }
        }
    };
    markup.into_string()
}

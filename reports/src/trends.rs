//! How runs of the same database, workload and faults went over time.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::{
    Headline, RunLine, frame, index,
    wording::{count, duration},
};

/// How many runs of a series are drawn; the newest are.
const POINTS_MAX: usize = 40;
/// How many series are shown.
const SERIES_MAX: usize = 500;

/// The page: a line for each database, workload and set of faults.
pub fn page(lines: &[RunLine]) -> String {
    let mut series: BTreeMap<(&str, &str, String), Vec<&RunLine>> = BTreeMap::new();
    for line in lines {
        let database = line.database.split(' ').next().unwrap_or_default();
        let mut faults = line.faults.clone();
        faults.sort();
        let faults = if faults.is_empty() { "none".into() } else { faults.join(", ") };
        series.entry((database, &line.workload, faults)).or_default().push(line);
    }
    let all = series.len();
    let body = html! {
        h1 { "Trends" }
        p.note { "Each line is one database, workload and set of faults that struck. In the first picture each run is a mark, "
            "oldest left: ✗ red is invalid, ● green valid, ? amber not decided, ! a harness failure." }
        div.scroll tabindex="0" role="region" aria-label="Trends" { table {
            thead { tr {
                th { "Database" } th { "Workload" } th { "Faults" } th.number { "Runs" } th.number { "Invalid" } th { "Verdicts" }
                th { "Calls per second" } th { "Latency, 99 % under" } th { "Recovery" }
            } }
            tbody { @for ((database, workload, faults), runs) in series.iter().take(SERIES_MAX) {
                tr {
                    td { (frame::text(database)) } td { (frame::text(workload)) } td { (frame::text(faults)) }
                    td.number { (count(runs.len() as u64)) }
                    td.number { (runs.iter().filter(|run| run.headline == Headline::Invalid).count()) }
                    (row(runs))
                }
            } }
        } }
        @if all > SERIES_MAX { p.note { "and " (all - SERIES_MAX) " more" } }
    };
    frame::page("Disprove: trends", &index::bar(""), &body, None)
}

fn row(runs: &[&RunLine]) -> Markup {
    let runs = &runs[runs.len().saturating_sub(POINTS_MAX)..];
    let series = |of: &dyn Fn(&RunLine) -> Option<f64>| -> Vec<f64> {
        runs.iter().filter_map(|run| of(run)).collect()
    };
    let nanos = |value: f64| duration(history::Nanos(value.max(0.0) as u64));
    let rate = series(&|run| (run.rate > 0.0).then_some(run.rate));
    let slow = series(&|run| (run.p99.0 > 0).then_some(run.p99.0 as f64));
    let recovery = series(&|run| run.recovery.map(|recovery| recovery.0 as f64));
    html! {
        td { (marks(runs)) }
        td { (spark(&rate, &|value| format!("{value:.0}"))) }
        td { (spark(&slow, &nanos)) }
        td { (spark(&recovery, &nanos)) }
    }
}

fn marks(runs: &[&RunLine]) -> Markup {
    html! { span.mono {
        @for run in runs {
            @let (class, sign) = match run.headline {
                Headline::Invalid => ("new", "✗"),
                Headline::Valid => ("gone", "●"),
                Headline::Unknown => ("still", "?"),
                Headline::Failure => ("still", "!"),
            };
            @let told = format!("{} {}", run.started, run.headline.word());
            @if run.removed { span class=(class) title=(frame::text(&told)) { (sign) } }
            @else {
                a class=(class) title=(frame::text(&told)) style="text-decoration:none"
                    href={ "./store/" (frame::encoded(run.folder.trim_matches('/'), true)) "/report.html" } { (sign) }
            }
        }
    } }
}

/// A line of values from 0 up, with the last one beside it.
fn spark(values: &[f64], worded: &dyn Fn(f64) -> String) -> Markup {
    let Some(last) = values.last() else { return html! { "–" } };
    let most = values.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let step = 156.0 / (values.len().max(2) - 1) as f64;
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(place, value)| format!("{:.1},{:.1}", 2.0 + place as f64 * step, 32.0 - value / most * 28.0))
        .collect();
    html! {
        svg.spark viewBox="0 0 160 34" role="img" aria-label=(format!("{} runs, at most {}", values.len(), worded(most))) {
            polyline points=(points.join(" ")) {}
        }
        " " (worded(*last))
    }
}

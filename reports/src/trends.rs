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
    let mut series: BTreeMap<(String, &str, String), Vec<&RunLine>> = BTreeMap::new();
    for line in lines {
        let database = without_version(&line.database);
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
    frame::page("Disprove: trends", &index::bar(""), &body)
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
        td.spark { (spark(&rate, &|value| format!("{value:.0}"))) }
        td.spark { (spark(&slow, &nanos)) }
        td.spark { (spark(&recovery, &nanos)) }
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
            @let told = format!("{} {}", frame::wall_time(&run.started), run.headline.word());
            @if run.removed { span class=(class) title=(frame::text(&told)) { (sign) } }
            @else {
                a class=(class) title=(frame::text(&told)) style="text-decoration:none"
                    href={ "./store/" (frame::encoded(run.folder.trim_matches('/'), true)) "/report.html" } { (sign) }
            }
        }
    } }
}

/// A database without its version, so that a trend goes on where it is renewed: a version is a word that begins with a
/// digit. What else is said of the database, as its disease, stays.
fn without_version(database: &str) -> String {
    let is_version = |word: &&str| {
        word.strip_prefix('v').unwrap_or(word).starts_with(|first: char| first.is_ascii_digit())
    };
    let words: Vec<&str> = database.split(' ').filter(|word| !is_version(word)).collect();
    words.join(" ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_outlives_a_new_version_and_keeps_diseases_apart() {
        assert_eq!(without_version("etcd 3.5.21"), "etcd");
        assert_eq!(without_version("etcd v3.6.0"), "etcd");
        assert_eq!(without_version("specimen 0.1.0 (no-fsync)"), "specimen (no-fsync)");
        let line = |text: &str| serde_json::from_str::<RunLine>(text).expect("it is a line");
        let of = |database: &str| {
            line(&format!(
                "{{\"headline\":\"valid\",\"database\":\"{database}\",\"workload\":\"register\",\"rate\":100.0}}"
            ))
        };
        let drawn = page(&[of("etcd 3.5.21"), of("etcd 3.6.0"), of("specimen 0.1.0 (no-fsync)")]);
        assert_eq!(drawn.matches("<tr>").count(), 3, "a head, and a line for each: {drawn}");
        assert!(drawn.contains("2 runs, at most 100"), "{drawn}");
    }
}

//! The list of runs: one line per run in `runs.jsonl`, and the static page `store/index.html` drawn from them.

use history::Nanos;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::{Deserialize, Serialize};

use crate::{
    Findings, Headline, OutcomeKind, fingerprint, frame,
    html::STYLE,
    wording::{count, cut, duration, visible},
};

mod filter;
mod list;

pub use filter::Filter;
pub use list::{Night, Unjudged, bar, list};

/// How many runs the page lists; the newest are kept.
const RUNS_MAX: usize = 2_000;
/// The longest text of one cell, in characters.
const TEXT_MAX: usize = 300;

/// One run of the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// Its verdict in one word.
    pub headline: Headline,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// The path of its folder, relative to the page.
    #[serde(default)]
    pub folder: String,
    /// When it started, in wall time, as text.
    #[serde(default)]
    pub started: String,
    /// How long all its phases took.
    #[serde(default)]
    pub took: Nanos,
    /// The database with its version.
    #[serde(default)]
    pub database: String,
    /// The workload.
    #[serde(default)]
    pub workload: String,
    /// The promise that was judged.
    #[serde(default)]
    pub model: String,
    /// The seed.
    #[serde(default)]
    pub seed: u64,
    /// All operations.
    #[serde(default)]
    pub operations: u64,
    /// Those that succeeded.
    #[serde(default)]
    pub ok_operations: u64,
    /// The families of faults that struck, each once.
    #[serde(default)]
    pub faults: Vec<String>,
    /// The kinds of anomaly that were proven, each once.
    #[serde(default)]
    pub anomalies: Vec<String>,
    /// The first anomaly, or what the run says, in one sentence.
    #[serde(default)]
    pub sentence: String,
    /// The fingerprints of what was proven, each once, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fingerprints: Vec<String>,
    /// Successful calls per second while calls were made.
    #[serde(default)]
    pub rate: f64,
    /// Half of the successful calls took less.
    #[serde(default)]
    pub p50: Nanos,
    /// 99 of 100 successful calls took less.
    #[serde(default)]
    pub p99: Nanos,
    /// How long the database took to answer again after the last fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Nanos>,
    /// Whether the folder was removed since; its line is kept for the trends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
}

impl RunLine {
    /// The line of a run whose folder has this path relative to the list.
    pub fn of(findings: &Findings, folder: impl Into<String>) -> Self {
        let run = &findings.run;
        let mut faults = Vec::new();
        findings.faults.iter().for_each(|line| push_once(&mut faults, &line.record.family));
        let mut anomalies = Vec::new();
        findings.anomalies().for_each(|(_, anomaly)| push_once(&mut anomalies, &anomaly.kind));
        let ok = findings.overview.latency.iter().find(|line| line.outcome == OutcomeKind::Ok);
        let sentence = findings.anomalies().next().map(|(_, anomaly)| anomaly.sentence.clone());
        Self {
            headline: findings.headline,
            title: run.title.clone(),
            folder: folder.into(),
            started: run.started.clone(),
            took: Nanos(findings.phases.iter().map(|phase| phase.took.0).sum()),
            database: format!("{} {}", run.database, run.database_version).trim().into(),
            workload: run.workload.clone(),
            model: run.model.clone(),
            seed: run.seed,
            operations: findings.operations,
            ok_operations: findings.ok_operations,
            faults,
            anomalies,
            sentence: cut(&sentence.unwrap_or_else(|| findings.sentence()), TEXT_MAX).into_owned(),
            fingerprints: fingerprint::all(findings).into_keys().collect(),
            rate: findings.rate(),
            p50: ok.map_or(Nanos(0), |line| line.p50),
            p99: ok.map_or(Nanos(0), |line| line.p99),
            recovery: findings.recovery,
            removed: false,
        }
    }
}

/// How many different kinds or families a line names.
const NAMES_MAX: usize = 12;

fn push_once(names: &mut Vec<String>, name: &str) {
    if names.len() < NAMES_MAX && !names.iter().any(|known| known == name) {
        names.push(name.into());
    }
}

/// The page, newest run first. It needs no server and no script.
pub fn page(runs: &[RunLine]) -> String {
    let shown = runs.iter().rev().take(RUNS_MAX);
    let of = |headline| runs.iter().filter(|run| run.headline == headline).count() as u64;
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Disprove: " (count(runs.len() as u64)) " runs" }
                style { (PreEscaped(STYLE)) }
            }
            body.index {
                main {
                    h1 { "Runs" }
                    p.meta {
                        (count(runs.len() as u64)) " runs: "
                        (count(of(Headline::Invalid))) " invalid, " (count(of(Headline::Unknown))) " unknown, "
                        (count(of(Headline::Failure))) " harness failures, " (count(of(Headline::Valid))) " valid."
                    }
                    @if runs.is_empty() {
                        p { "No run yet. " code { "disprove demo" } " makes two." }
                    } @else {
                        div.scroll tabindex="0" role="region" aria-label="Runs" {
                            table.runs {
                                thead { tr {
                                    th { "Verdict" } th { "Run" } th { "What it says" } th { "Faults" }
                                    th.number { "Operations" } th.number { "Took" } th.number { "Seed" } th { "Started" }
                                } }
                                tbody { @for run in shown { (line(run)) } }
                            }
                        }
                    }
                    @if runs.len() > RUNS_MAX {
                        p.note { "Older runs are in " code { "runs.jsonl" } "." }
                    }
                }
            }
        }
    };
    markup.into_string()
}

fn line(run: &RunLine) -> Markup {
    let text = |text: &str| cut(&visible(text), TEXT_MAX).into_owned();
    let name = if run.title.is_empty() { &run.folder } else { &run.title };
    html! {
        tr {
            td { span class={ "badge " (run.headline.slug()) } { (run.headline.sign()) " " (run.headline.word()) } }
            td {
                @if run.removed { (text(name)) " " span.note { "(removed)" } }
                @else { a href={ (frame::below(&run.folder)) "/report.html" } { (text(name)) } }
            }
            td.prose {
                @for kind in &run.anomalies { code { (text(kind)) } " " }
                (text(&run.sentence))
            }
            td { (text(&run.faults.join(", "))) }
            td.number { (count(run.operations)) }
            td.number { (duration(run.took)) }
            td.number { (run.seed) }
            td { (text(&frame::wall_time(&run.started))) }
        }
    }
}

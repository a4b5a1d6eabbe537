//! Two runs beside each other: which findings are new, which are gone, which are still there; rates and latencies.

use history::Nanos;
use serde::{Deserialize, Serialize};

use crate::{
    Findings, Headline, OutcomeKind, fingerprint,
    wording::{count, duration},
};

mod page;
mod text;

pub use page::page;
pub use text::text;

/// The version of what `diff --output json` prints.
pub const COMPARISON_SCHEMA: u32 = 1;

/// One of the two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The name it was asked for by.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it said in one word.
    pub headline: Headline,
    /// The same in a sentence.
    pub sentence: String,
    /// The database with its version.
    pub database: String,
    /// The workload.
    pub workload: String,
    /// The promise that was judged.
    pub model: String,
    /// The seed.
    pub seed: u64,
    /// When it started.
    pub started: String,
}

/// A finding of either run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// What makes it the same in two runs: see [`fingerprint`].
    pub fingerprint: String,
    /// How many anomalies of the older run have it.
    pub older: u64,
    /// How many of the newer run have it.
    pub newer: u64,
    /// The first anomaly of the newer run that has it, or else of the older.
    pub sentence: String,
}

/// A figure of both runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// In what: `per second`, `seconds`, `share`, `operations`.
    pub unit: String,
    /// In the older run; nothing where it was not measured.
    pub older: Option<f64>,
    /// In the newer run.
    pub newer: Option<f64>,
}

/// Two runs beside each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The version of this format.
    pub schema: u32,
    /// The older run: the one that was named first.
    pub older: Side,
    /// The newer.
    pub newer: Side,
    /// Findings that only the newer run has.
    pub new: Vec<Found>,
    /// Findings that only the older run has.
    pub gone: Vec<Found>,
    /// Findings that both have.
    pub still: Vec<Found>,
    /// Rates and latencies.
    pub figures: Vec<Figure>,
    /// What makes the two hard to compare.
    pub caveats: Vec<String>,
}

impl Comparison {
    /// Compares two runs, each with the name it was asked for by.
    pub fn of((older_name, older): (&str, &Findings), (newer_name, newer): (&str, &Findings)) -> Self {
        let (before, after) = (fingerprint::all(older), fingerprint::all(newer));
        let mut comparison = Self {
            schema: COMPARISON_SCHEMA,
            older: side(older_name, older),
            newer: side(newer_name, newer),
            new: Vec::new(),
            gone: Vec::new(),
            still: Vec::new(),
            figures: figures(older, newer),
            caveats: Vec::new(),
        };
        for (print, (number, anomaly)) in &after {
            let known = before.get(print).map_or(0, |(number, _)| *number);
            let list = if known > 0 { &mut comparison.still } else { &mut comparison.new };
            list.push(Found {
                fingerprint: print.clone(),
                older: known,
                newer: *number,
                sentence: anomaly.sentence.clone(),
            });
        }
        for (print, (number, anomaly)) in before.iter().filter(|(print, _)| !after.contains_key(*print)) {
            let sentence = anomaly.sentence.clone();
            comparison.gone.push(Found { fingerprint: print.clone(), older: *number, newer: 0, sentence });
        }
        comparison.caveats = caveats(&comparison, newer);
        comparison
    }
}

fn side(name: &str, findings: &Findings) -> Side {
    let run = &findings.run;
    Side {
        name: name.into(),
        title: run.title.clone(),
        headline: findings.headline,
        sentence: findings.sentence(),
        database: format!("{} {}", run.database, run.database_version).trim().into(),
        workload: run.workload.clone(),
        model: run.model.clone(),
        seed: run.seed,
        started: run.started.clone(),
    }
}

fn figures(older: &Findings, newer: &Findings) -> Vec<Figure> {
    let both = |name: &str, unit: &str, measure: &dyn Fn(&Findings) -> Option<f64>| Figure {
        name: name.into(),
        unit: unit.into(),
        older: measure(older),
        newer: measure(newer),
    };
    let latency = |part: fn(&crate::LatencyLine) -> Nanos| {
        move |findings: &Findings| {
            let ok = findings.overview.latency.iter().find(|line| line.outcome == OutcomeKind::Ok)?;
            Some(part(ok).seconds())
        }
    };
    let share = |outcome: OutcomeKind| {
        move |findings: &Findings| {
            let of: u64 = findings.counts.iter().map(|count| count.of(outcome)).sum();
            (findings.operations > 0).then(|| of as f64 / findings.operations as f64)
        }
    };
    vec![
        both("operations", "operations", &|findings| Some(findings.operations as f64)),
        both("successful", "share", &share(OutcomeKind::Ok)),
        both("failed", "share", &share(OutcomeKind::Fail)),
        both("unknown", "share", &share(OutcomeKind::Unknown)),
        both("successful calls", "per second", &|findings| Some(findings.rate())),
        both("latency, half under", "seconds", &latency(|line| line.p50)),
        both("latency, 99 % under", "seconds", &latency(|line| line.p99)),
        both("latency, slowest", "seconds", &latency(|line| line.max)),
        both("recovery", "seconds", &|findings| findings.recovery.map(Nanos::seconds)),
        both("faults", "faults", &|findings| Some(findings.faults.len() as f64)),
    ]
}

fn caveats(comparison: &Comparison, newer: &Findings) -> Vec<String> {
    let (before, after) = (&comparison.older, &comparison.newer);
    let mut caveats = Vec::new();
    let pairs = [
        ("databases", &before.database, &after.database),
        ("workloads", &before.workload, &after.workload),
        ("promises", &before.model, &after.model),
    ];
    for (what, one, other) in pairs.into_iter().filter(|(_, one, other)| one != other) {
        caveats.push(format!("The two runs have different {what}: {one} and {other}."));
    }
    if before.model != after.model && (!comparison.new.is_empty() || !comparison.gone.is_empty()) {
        caveats.push(
            "A finding is told apart by the promise it breaks: under another one it counts as another."
                .into(),
        );
    }
    if !comparison.gone.is_empty() {
        caveats.push(match after.headline {
            Headline::Failure => {
                "The newer run failed before it was judged: what is gone there was not looked for.".into()
            }
            Headline::Unknown => {
                "The newer run is not decided: what is gone there may only not have been seen.".into()
            }
            _ if !newer.limits.is_empty() => {
                "The newer run hit a limit: what is gone there may only not have been seen.".into()
            }
            _ => "What is gone was not seen in one run, which does not prove that it was mended.".to_owned(),
        });
    }
    caveats
}

impl Figure {
    /// One of its values, for people.
    pub(crate) fn worded(&self, value: Option<f64>) -> String {
        let Some(value) = value else { return "not measured".into() };
        match self.unit.as_str() {
            "seconds" => duration(Nanos((value * 1e9).max(0.0) as u64)),
            "share" => format!("{:.2} %", value * 100.0),
            "per second" => format!("{value:.1} per second"),
            _ => count(value.max(0.0) as u64),
        }
    }

    /// How the newer value differs, for people: nothing where there is nothing to compare.
    pub(crate) fn change(&self) -> String {
        match (self.older, self.newer) {
            (Some(older), Some(newer)) if self.unit == "share" => {
                format!("{:+.2} points", (newer - older) * 100.0)
            }
            (Some(older), Some(newer)) if older > 0.0 => format!("{:+.1} %", (newer / older - 1.0) * 100.0),
            _ => String::new(),
        }
    }
}

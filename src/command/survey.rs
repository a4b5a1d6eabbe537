//! `survey`: how often each specimen's disease is found, measured by running `test` again and again.
//!
//! Each result is one line of a file; a survey that was stopped goes on where it was, and a survey that is asked for
//! more seeds runs only what is missing.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use checkers::Validity;
use reports::Findings;
use serde::{Deserialize, Serialize};
use specimens::Disease;

use crate::{
    arguments::SurveyArguments,
    exit::{Exit, Failure},
    settings,
    store::write_whole,
};

/// What decides a run of a survey.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Case {
    disease: String,
    with_faults: bool,
    seconds: u64,
    seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Measured {
    #[serde(flatten)]
    case: Case,
    version: String,
    verdict: Validity,
    kinds: Vec<String>,
    operations: u64,
    ok_operations: u64,
    first_anomaly_seconds: Option<f64>,
    doubts: Vec<String>,
    run: String,
}

/// Runs what is missing and writes the table.
pub fn run(survey: SurveyArguments) -> Result<Exit, Failure> {
    let diseases = diseases(&survey)?;
    let mut results = read_results(&survey.results)?;
    let cases = cases(&survey, &diseases);
    let missing: Vec<&Case> = cases.iter().filter(|case| !results.contains_key(case)).collect();
    eprintln!(
        "{} of {} runs are there already in {}",
        cases.len() - missing.len(),
        cases.len(),
        survey.results.display()
    );
    for (place, case) in missing.iter().enumerate() {
        let result = run_case(&survey, case)?;
        let found =
            if result.kinds.is_empty() { String::new() } else { format!(" ({})", result.kinds.join(", ")) };
        let faults = if case.with_faults { "with faults" } else { "without faults" };
        eprintln!(
            "{}/{}  {} seed {} {faults}: {:?}{found}, {} of {} calls ok",
            place + 1,
            missing.len(),
            case.disease,
            case.seed,
            result.verdict,
            result.ok_operations,
            result.operations
        );
        append(&survey.results, &result)?;
        results.insert(result.case.clone(), result);
    }
    // All that was ever measured under these settings counts, also from a survey with more seeds.
    let seconds = survey.time_limit.ceil() as u64;
    let chosen: Vec<&Measured> = results.values().filter(|result| result.case.seconds == seconds).collect();
    let table = table(&diseases, &chosen, survey.time_limit);
    crate::output::put!("{table}");
    if let Some(path) = &survey.table {
        write_whole(path, table.as_bytes())?;
    }
    Ok(judge(&chosen))
}

/// As `demo`: 1 when the healthy one was accused, 2 when a disease was missed too often or a healthy run proved
/// nothing.
fn judge(results: &[&Measured]) -> Exit {
    let healthy = results.iter().filter(|result| result.case.disease == "none");
    let worst = healthy.map(|result| result.verdict).max().unwrap_or(Validity::Valid);
    if worst == Validity::Invalid {
        return Exit::Anomaly;
    }
    let mut rates: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for result in results.iter().filter(|result| result.case.disease != "none" && result.case.with_faults) {
        let rate = rates.entry(&result.case.disease).or_default();
        rate.0 += u32::from(result.verdict == Validity::Invalid);
        rate.1 += 1;
    }
    let missed = rates.values().any(|(found, runs)| found * 10 < runs * 9);
    if missed || worst == Validity::Unknown { Exit::Unknown } else { Exit::Valid }
}

fn diseases(survey: &SurveyArguments) -> Result<Vec<Disease>, Failure> {
    let all: Vec<Disease> = Disease::all().to_vec();
    let Some(names) = &survey.diseases else { return Ok(all) };
    names
        .split(',')
        .map(|name| {
            all.iter().copied().find(|disease| disease.name() == name.trim()).ok_or_else(|| {
                let nearest = settings::nearest(name, all.iter().map(|disease| disease.name()));
                Failure::usage(format!("there is no disease `{name}`; did you mean `{nearest}`?"))
            })
        })
        .collect()
}

fn cases(survey: &SurveyArguments, diseases: &[Disease]) -> Vec<Case> {
    let mut cases = Vec::new();
    for disease in diseases {
        let healthy = disease.name() == "none";
        for with_faults in [true, false] {
            if !with_faults && survey.only_with_faults {
                continue;
            }
            // Without faults little varies: three seeds show whether a disease needs one.
            let seeds = match (with_faults, healthy) {
                (true, true) => survey.healthy_seeds,
                (true, false) => survey.seeds,
                (false, _) => survey.seeds.min(3),
            };
            cases.extend((1..=u64::from(seeds)).map(|seed| Case {
                disease: disease.name().to_owned(),
                with_faults,
                seconds: survey.time_limit.ceil() as u64,
                seed,
            }));
        }
    }
    cases
}

fn read_results(path: &Path) -> Result<BTreeMap<Case, Measured>, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(Failure::input(format!("cannot read {}: {error}", path.display()))),
    };
    // A survey that was killed may have left half a line at the end: that run is made again.
    let results = text.lines().filter_map(|line| serde_json::from_str::<Measured>(line).ok());
    Ok(results.map(|result| (result.case.clone(), result)).collect())
}

fn append(path: &Path, result: &Measured) -> Result<(), Failure> {
    let fail = |error: std::io::Error| Failure::harness(format!("cannot write {}: {error}", path.display()));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(fail)?;
    }
    let mut line = serde_json::to_string(result).expect("a result is plain data");
    line.push('\n');
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).map_err(fail)?;
    file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).map_err(fail)
}

fn run_case(survey: &SurveyArguments, case: &Case) -> Result<Measured, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::harness(format!("cannot find this program's own file: {error}")))?;
    let output = Command::new(program)
        .args(["test", "--db=specimen", "--output=jsonl", "--name=survey"])
        .arg(format!("--disease={}", case.disease))
        .arg(format!("--faults={}", if case.with_faults { "all" } else { "none" }))
        .arg(format!("--time-limit={}", case.seconds))
        .arg(format!("--seed={}", case.seed))
        .arg(format!("--store={}", survey.store.display()))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| Failure::harness(format!("cannot start this program once more: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let findings: Findings =
        text.lines().last().and_then(|line| serde_json::from_str(line).ok()).ok_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            Failure::harness(format!("a run of {} seed {} failed: {}", case.disease, case.seed, said.trim()))
        })?;
    Ok(Measured {
        case: case.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        verdict: findings.validity,
        kinds: kinds(&findings),
        operations: findings.operations,
        ok_operations: findings.ok_operations,
        first_anomaly_seconds: first_anomaly_seconds(&findings),
        doubts: findings.doubts.clone(),
        run: findings.run.folder.clone(),
    })
}

fn kinds(findings: &Findings) -> Vec<String> {
    let mut kinds: Vec<String> = findings.anomalies().map(|(_, anomaly)| anomaly.kind.clone()).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// When the first anomaly was complete: the earliest moment by which all of some witness had been answered.
fn first_anomaly_seconds(findings: &Findings) -> Option<f64> {
    let complete = findings.anomalies().filter_map(|(_, anomaly)| {
        let ends =
            anomaly.witness.iter().filter_map(|&index| findings.row(index)).filter_map(|row| row.ended);
        ends.max()
    });
    complete.min().map(|moment| moment.seconds())
}

fn table(diseases: &[Disease], results: &[&Measured], seconds: f64) -> String {
    let mut text = String::from(
        "| disease | its mistake | found with faults | found without | first anomaly, median | calls ok, median | shows as |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for disease in diseases {
        let of = |with_faults: bool| {
            let mine = results.iter().filter(move |result| {
                result.case.disease == disease.name() && result.case.with_faults == with_faults
            });
            mine.copied().collect::<Vec<_>>()
        };
        let (with, without) = (of(true), of(false));
        let found = |results: &[&Measured]| {
            if results.is_empty() {
                return "not run".to_owned();
            }
            let invalid = results.iter().filter(|result| result.verdict == Validity::Invalid).count();
            format!("{invalid} of {}", results.len())
        };
        let firsts = with.iter().filter_map(|result| result.first_anomaly_seconds).collect();
        let shares = with
            .iter()
            .map(|result| result.ok_operations as f64 / result.operations.max(1) as f64 * 100.0)
            .collect();
        let mut kinds: Vec<&str> = with.iter().flat_map(|result| &result.kinds).map(String::as_str).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            disease.name(),
            disease.describe(),
            found(&with),
            found(&without),
            median(firsts).map_or_else(|| "–".into(), |first| format!("{first:.1} s")),
            median(shares).map_or_else(|| "–".into(), |share| format!("{share:.0} %")),
            if kinds.is_empty() { "–".into() } else { kinds.join(", ") },
        );
    }
    let _ = writeln!(
        text,
        "\nEach run: {seconds:.0} s of calls with the default settings, version {}.",
        env!("CARGO_PKG_VERSION")
    );
    text
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

//! `survey`: how often each specimen's disease is found, measured by running `test` again and again.
//!
//! Each result is one line of a file; a survey that was stopped goes on where it was, and a survey that is asked for
//! more seeds runs only what is missing.

mod lanes;
mod table;

use std::{
    collections::BTreeMap,
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
    #[serde(default)]
    warnings: Vec<String>,
    run: String,
}

/// Runs what is missing and writes the table.
pub fn run(survey: SurveyArguments) -> Result<Exit, Failure> {
    let diseases = diseases(&survey)?;
    let mut results = read_results(&survey.results)?;
    let cases = cases(&survey, &diseases);
    let missing: Vec<Case> = cases.iter().filter(|case| !results.contains_key(case)).cloned().collect();
    eprintln!(
        "{} of {} runs are there already in {}",
        cases.len() - missing.len(),
        cases.len(),
        survey.results.display()
    );
    let seconds = survey.time_limit.ceil() as u64;
    let ended = lanes::run_all(
        missing,
        usize::from(survey.parallel),
        |case| run_case(&survey, case),
        |said| {
            announce(&said);
            append(&survey.results, &said.result)?;
            results.insert(said.result.case.clone(), said.result);
            Ok(())
        },
    );
    // All that was ever measured under these settings counts, also from a survey with more seeds.
    let chosen: Vec<&Measured> = results.values().filter(|result| result.case.seconds == seconds).collect();
    let table = table::draw(&diseases, &chosen, survey.time_limit);
    crate::output::put!("{table}");
    if let Some(path) = &survey.table {
        write_whole(path, table.as_bytes())?;
    }
    ended.map(|()| judge(&chosen))
}

fn announce(said: &lanes::Ended<Measured>) {
    let result = &said.result;
    let found =
        if result.kinds.is_empty() { String::new() } else { format!(" ({})", result.kinds.join(", ")) };
    let faults = if result.case.with_faults { "with faults" } else { "without faults" };
    eprintln!(
        "{}/{}  {} seed {} {faults}: {:?}{found}, {} of {} calls ok",
        said.place,
        said.of,
        result.case.disease,
        result.case.seed,
        result.verdict,
        result.ok_operations,
        result.operations
    );
}

/// As `demo`: 1 when the healthy one was accused, 2 when a disease was missed too often, was found without the faults it
/// needs, or a healthy run proved nothing.
fn judge(results: &[&Measured]) -> Exit {
    let mut missed = false;
    for disease in Disease::all() {
        let of = |with_faults: bool| {
            let mine = results.iter().filter(move |result| {
                result.case.disease == disease.name() && result.case.with_faults == with_faults
            });
            let verdicts: Vec<Validity> = mine.map(|result| result.verdict).collect();
            let found = verdicts.iter().filter(|verdict| **verdict == Validity::Invalid).count();
            let sure = verdicts.iter().all(|verdict| *verdict != Validity::Unknown);
            (found, verdicts.len(), sure)
        };
        let ((found, runs, sure), (found_without, runs_without, sure_without)) = (of(true), of(false));
        if *disease == Disease::None {
            if found + found_without > 0 {
                return Exit::Anomaly;
            }
            missed |= !sure || !sure_without;
        } else {
            missed |= found * 10 < runs * 9;
            let expected = if disease.needs().is_empty() { runs_without } else { 0 };
            missed |= found_without != expected;
        }
    }
    if missed { Exit::Unknown } else { Exit::Valid }
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

/// All runs, one seed of everything after another, so that a survey that is stopped has something of everything.
fn cases(survey: &SurveyArguments, diseases: &[Disease]) -> Vec<Case> {
    let mut cases = Vec::new();
    for seed in 1..=u64::from(survey.seeds.max(survey.healthy_seeds)) {
        for disease in diseases {
            let (seeds, name) = match disease {
                Disease::None => (survey.healthy_seeds, disease.name()),
                _ => (survey.seeds, disease.name()),
            };
            // Without faults little varies: three seeds show whether a disease needs one.
            let seeds_without = if survey.only_with_faults { 0 } else { seeds.min(3) };
            for (with_faults, seeds) in [(true, seeds), (false, seeds_without)] {
                if seed <= u64::from(seeds) {
                    let seconds = survey.time_limit.ceil() as u64;
                    cases.push(Case { disease: name.to_owned(), with_faults, seconds, seed });
                }
            }
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
    // Half a run measures nothing, and is made again when the survey goes on.
    let cut_short = findings.failure.clone().or(findings.interrupted.then(|| "it was interrupted".into()));
    if let Some(why) = cut_short {
        return Err(Failure::harness(format!("a run of {} seed {} failed: {why}", case.disease, case.seed)));
    }
    Ok(Measured {
        case: case.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        verdict: findings.validity,
        kinds: kinds(&findings),
        operations: findings.operations,
        ok_operations: findings.ok_operations,
        first_anomaly_seconds: first_anomaly_seconds(&findings),
        doubts: findings.doubts.clone(),
        warnings: findings.warnings.clone(),
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

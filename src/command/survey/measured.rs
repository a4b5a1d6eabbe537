//! One run of a survey: what decides it, what came of it, and the file in which results are kept, a line each.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use checkers::Validity;
use reports::Findings;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::lanes;
use crate::{
    arguments::SurveyArguments,
    exit::{Exit, Failure},
    store::write_whole,
};

/// What decides a run.
pub(super) trait Case: Clone + Ord + Send + Sync + Serialize + DeserializeOwned {
    /// What `test` is told; the store, the name and the output are the survey's.
    fn flags(&self) -> Vec<String>;
    /// The run in a few words.
    fn label(&self) -> String;
}

/// What came of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Measured<C> {
    #[serde(flatten)]
    pub(super) case: C,
    pub(super) version: String,
    pub(super) verdict: Validity,
    pub(super) kinds: Vec<String>,
    pub(super) operations: u64,
    pub(super) ok_operations: u64,
    pub(super) first_anomaly_seconds: Option<f64>,
    pub(super) doubts: Vec<String>,
    #[serde(default)]
    pub(super) warnings: Vec<String>,
    pub(super) run: String,
}

/// Runs the cases that are not in the file of results yet, and draws the table of all that are there and `belong`.
pub(super) fn survey<C: Case>(
    survey: &SurveyArguments,
    cases: &[C],
    belongs: impl Fn(&C) -> bool,
    draw: impl FnOnce(&[&Measured<C>]) -> String,
    judge: impl FnOnce(&[&Measured<C>]) -> Exit,
) -> Result<Exit, Failure> {
    let mut results = read::<C>(&survey.results)?;
    let missing: Vec<C> = cases.iter().filter(|case| !results.contains_key(case)).cloned().collect();
    let (there, all, file) = (cases.len() - missing.len(), cases.len(), survey.results.display());
    eprintln!("{there} of {all} runs are there already in {file}");
    let mut failures = Failures::default();
    let ended = lanes::run_all(
        missing,
        usize::from(survey.parallel),
        |case| run(survey, case),
        |lanes::Ended { place, of, result }| {
            eprint!("{place}/{of}  ");
            let result = match result {
                Ok(result) => result,
                Err(failure) => return failures.note(failure),
            };
            failures.in_a_row = 0;
            announce(&result);
            append(&survey.results, &result)?;
            results.insert(result.case.clone(), result);
            Ok(())
        },
    );
    let chosen: Vec<&Measured<C>> = results.values().filter(|result| belongs(&result.case)).collect();
    let table = draw(&chosen);
    crate::output::put!("{table}");
    if let Some(path) = &survey.table {
        write_whole(path, table.as_bytes())?;
    }
    ended.and_then(|()| failures.conclude()).map(|()| judge(&chosen))
}

/// So many runs that fail one after the other end a survey: what is wrong there is wrong with all.
const FAILURES_IN_A_ROW: u32 = 3;

/// The runs that did not come to an end. One among many is no reason to leave the others out.
#[derive(Default)]
struct Failures {
    in_a_row: u32,
    all: u32,
    first: Option<Failure>,
}

impl Failures {
    fn note(&mut self, failure: Failure) -> Result<(), Failure> {
        eprintln!("{}", failure.message);
        self.in_a_row += 1;
        self.all += 1;
        if self.in_a_row == FAILURES_IN_A_ROW {
            return Err(failure);
        }
        self.first.get_or_insert(failure);
        Ok(())
    }

    fn conclude(self) -> Result<(), Failure> {
        let Some(first) = self.first else { return Ok(()) };
        let (all, first) = (self.all, first.message);
        let what =
            format!("{all} runs failed, which the next call of this command makes again; the first: {first}");
        Err(Failure::harness(what))
    }
}

fn announce<C: Case>(result: &Measured<C>) {
    let found =
        if result.kinds.is_empty() { String::new() } else { format!(" ({})", result.kinds.join(", ")) };
    eprintln!(
        "{}: {:?}{found}, {} of {} calls ok",
        result.case.label(),
        result.verdict,
        result.ok_operations,
        result.operations
    );
}

fn read<C: Case>(path: &Path) -> Result<BTreeMap<C, Measured<C>>, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(Failure::input(format!("cannot read {}: {error}", path.display()))),
    };
    // A survey that was killed may have left half a line at the end: that run is made again.
    let results = text.lines().filter_map(|line| serde_json::from_str::<Measured<C>>(line).ok());
    Ok(results.map(|result| (result.case.clone(), result)).collect())
}

fn append<C: Case>(path: &Path, result: &Measured<C>) -> Result<(), Failure> {
    let fail = |error: std::io::Error| Failure::harness(format!("cannot write {}: {error}", path.display()));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(fail)?;
    }
    let mut line = serde_json::to_string(result).expect("a result is plain data");
    line.push('\n');
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).map_err(fail)?;
    file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).map_err(fail)
}

fn run<C: Case>(survey: &SurveyArguments, case: &C) -> Result<Measured<C>, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::harness(format!("cannot find this program's own file: {error}")))?;
    let output = Command::new(program)
        .args(["test", "--output=jsonl", "--name=survey"])
        .args(case.flags())
        .arg(format!("--store={}", survey.store.display()))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| Failure::harness(format!("cannot start this program once more: {error}")))?;
    let failed = |why: &str| Failure::harness(format!("a run of {} failed: {why}", case.label()));
    let text = String::from_utf8_lossy(&output.stdout);
    let findings: Findings = text
        .lines()
        .last()
        .and_then(|line| serde_json::from_str(line).ok())
        .ok_or_else(|| failed(String::from_utf8_lossy(&output.stderr).trim()))?;
    // Half a run measures nothing, and is made again when the survey goes on.
    let cut_short = findings.failure.clone().or(findings.interrupted.then(|| "it was interrupted".into()));
    if let Some(why) = cut_short {
        return Err(failed(&why));
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

/// The median and the latest of some numbers.
pub(super) fn spread(numbers: Vec<f64>, say: impl Fn(f64) -> String) -> String {
    let largest = numbers.iter().copied().max_by(f64::total_cmp);
    median(numbers)
        .zip(largest)
        .map_or_else(|| "–".into(), |(median, largest)| format!("{} ({})", say(median), say(largest)))
}

pub(super) fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

/// How often an anomaly was found.
pub(super) fn found<C>(results: &[&Measured<C>]) -> String {
    if results.is_empty() {
        return "not run".to_owned();
    }
    let invalid = results.iter().filter(|result| result.verdict == Validity::Invalid).count();
    let undecided = results.iter().filter(|result| result.verdict == Validity::Unknown).count();
    let more = if undecided > 0 { format!(" ({undecided} undecided)") } else { String::new() };
    format!("{invalid} of {}{more}", results.len())
}

/// The share of calls that were answered, as the median and the least of the runs.
pub(super) fn shares<C>(results: &[&Measured<C>]) -> String {
    let shares: Vec<f64> = results
        .iter()
        .map(|result| result.ok_operations as f64 / result.operations.max(1) as f64 * 100.0)
        .collect();
    let least = shares.iter().copied().min_by(f64::total_cmp);
    median(shares)
        .zip(least)
        .map_or_else(|| "–".into(), |(usual, least)| format!("{usual:.0} % ({least:.0} %)"))
}

/// The kinds of anomalies that were found, each once.
pub(super) fn shown<C>(results: &[&Measured<C>]) -> String {
    let mut kinds: Vec<&str> = results.iter().flat_map(|result| &result.kinds).map(String::as_str).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() { "–".into() } else { kinds.join(", ") }
}

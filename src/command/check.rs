//! `check`: judges a history, ours or foreign, with no cluster.

use std::path::Path;

use history::Value;
use reports::{Findings, Run};
use serde::Serialize;

use super::{replay::read_choices, style};
use crate::{
    arguments::{CheckArguments, Color, OutputFormat},
    exit::{Exit, Failure},
    judge::{self, Judgement, Limits},
    store::{self, RunFolder},
};

/// What `--output json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    schema: u32,
    verdict: checkers::Validity,
    model: &'a str,
    anomalies: Vec<&'a checkers::Anomaly>,
    limits: &'a [String],
    notes: Vec<&'a String>,
    operations: u64,
    seconds: f64,
    peak_memory_bytes: Option<u64>,
    damage: Option<&'a history::Damage>,
}

/// Judges the file.
pub fn run(check: CheckArguments, color: Color) -> Result<Exit, Failure> {
    let limits = Limits::new(check.step_limit, check.memory_limit, check.time_limit, check.threads)?;
    let (file, mut run) = locate(&check.file)?;
    let initial = check.initial.as_deref().map(parse_value);
    let history = history::import::read_any(&file, None, check.vocabulary.as_deref(), initial)
        .map_err(|error| Failure::input(format!("{}: {error}", file.display())))?;
    let model = check.model.clone().or_else(|| history.header().model.clone());
    let model = model.unwrap_or_else(|| "linearizable".into());
    run.model.clone_from(&model);
    run.recheck = format!("{} check {} --model {model}", crate::run::stages::program(), check.file.display());
    let judgement = judge::judge_any(&history, &model, run, limits)?;
    print(&judgement, &check, color);
    if let Some(path) = &check.report {
        store::write_whole(path, reports::html::page(&judgement.findings).as_bytes())?;
    }
    Ok(judgement.findings.validity.into())
}

/// The history of a run's folder, or the file itself. Some foreign histories are folders as well, which no run made.
fn locate(path: &Path) -> Result<(std::path::PathBuf, Run), Failure> {
    let is_run = path.is_dir() && path.join(store::CHOICES).is_file();
    if !is_run && (!path.is_dir() || history::import::detect(path).is_ok()) {
        let run =
            Run { title: path.display().to_string(), folder: path.display().to_string(), ..Run::default() };
        return Ok((path.to_owned(), run));
    }
    let folder = RunFolder::open(path)?;
    let choices = read_choices(&folder)?;
    Ok((folder.file(store::HISTORY), crate::run::stages::describe(&choices, &folder)))
}

/// A value as it stands on the command line: nil, a number, or a text.
fn parse_value(text: &str) -> Value {
    match (text, text.parse::<i64>()) {
        ("nil", _) => Value::Nil,
        (_, Ok(number)) => Value::Int(number),
        (_, Err(_)) => Value::from(text),
    }
}

fn print(judgement: &Judgement, check: &CheckArguments, color: Color) {
    let findings = &judgement.findings;
    let printed = printed(findings, judgement.seconds);
    match check.output {
        OutputFormat::Text => print!("{}", reports::terminal::summary(findings, style(color))),
        OutputFormat::Json => {
            println!("{}", serde_json::to_string_pretty(&printed).expect("findings are plain data"));
        }
        OutputFormat::Jsonl => {
            println!("{}", serde_json::to_string(&printed).expect("findings are plain data"))
        }
    }
}

fn printed(findings: &Findings, seconds: f64) -> Printed<'_> {
    Printed {
        schema: reports::SCHEMA_VERSION,
        verdict: findings.validity,
        model: &findings.run.model,
        anomalies: findings.anomalies().map(|(_, anomaly)| anomaly).collect(),
        limits: &findings.limits,
        notes: findings.verdicts.iter().flat_map(|verdict| &verdict.notes).collect(),
        operations: findings.operations,
        seconds,
        peak_memory_bytes: judge::peak_memory_bytes(),
        damage: findings.damage.as_ref(),
    }
}

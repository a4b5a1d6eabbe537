//! `report`: draws the report of a stored run again.

use std::path::Path;

use super::replay::{self, read_choices};
use crate::{
    exit::{Exit, Failure},
    judge::JudgeSettings,
    registry::Registry,
    run::stages::{describe, write_reports},
    store::{self, RunFolder},
};

/// Draws every form of the report from `results.json`; a run that has none yet (it was killed) is judged first.
pub fn run(registry: &Registry, path: &Path) -> Result<Exit, Failure> {
    let folder = RunFolder::open(path)?;
    let results = folder.file(store::RESULTS);
    let findings = if results.is_file() {
        let text = std::fs::read_to_string(&results)
            .map_err(|error| Failure::input(format!("cannot read {}: {error}", results.display())))?;
        reports::json::read(&text)
            .map_err(|error| Failure::input(format!("{}: {error}", results.display())))?
    } else {
        judge_again(registry, &folder)?
    };
    write_reports(&folder, &findings)?;
    crate::output::putln!("{}", folder.file(store::REPORT).display());
    Ok(Exit::Valid)
}

fn judge_again(registry: &Registry, folder: &RunFolder) -> Result<reports::Findings, Failure> {
    let choices = read_choices(folder)?;
    let arguments = replay::arguments(&choices, folder)?;
    let database = registry.database(&arguments)?;
    let workload = registry.workload(&choices.workload, database.as_ref())?;
    let settings = JudgeSettings {
        path: folder.history()?,
        run: describe(&choices, folder),
        options: choices.options(),
        limits: choices.limits()?,
    };
    let mut findings = workload.judge(&settings)?.findings;
    findings.demand_evidence(choices.ask_for_faults());
    Ok(findings)
}

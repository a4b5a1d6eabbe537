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
    let mut folder = RunFolder::open(path)?;
    let stored = folder.findings()?;
    let is_new = stored.is_none();
    if is_new && folder.take().is_none() {
        return Err(Failure::usage(format!(
            "a run is under way in {}; its report is drawn when it ends",
            path.display()
        )));
    }
    let findings = match stored {
        Some(findings) => findings,
        None => judge_again(registry, &folder)?,
    };
    write_reports(&folder, &findings)?;
    if is_new {
        // The run did not live to be listed, and now there is something to list.
        folder.enlist(&reports::RunLine::of(&findings, folder.label()))?;
    }
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

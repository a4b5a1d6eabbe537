//! `replay`: a stored run once more, with its faults on the same targets at the same times.

use clap::Parser as _;

use super::test;
use crate::{
    arguments::{Arguments, Color, Command, ReplayArguments, TestArguments},
    exit::{Exit, Failure},
    registry::Registry,
    run::Choices,
    store::{self, RunFolder},
};

/// Repeats a run: `test --plan RUN/faults.jsonl` with that run's choices.
pub fn run(registry: &Registry, replay: ReplayArguments, color: Color) -> Result<Exit, Failure> {
    let folder = RunFolder::open(&replay.run)?;
    let choices = read_choices(&folder)?;
    let mut arguments = arguments(&choices, &folder)?;
    arguments.output = replay.output;
    test::run(registry, arguments, color)
}

/// The choices of a stored run.
pub fn read_choices(folder: &RunFolder) -> Result<Choices, Failure> {
    let path = folder.file(store::CHOICES);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::input(format!(
            "{} line {}: {error}; it is not of this version",
            path.display(),
            error.line()
        ))
    })
}

/// The faults of a stored run: those of its journal, where it has one.
fn faults(choices: &Choices, folder: &RunFolder) -> Vec<String> {
    if choices.faults.is_empty() && choices.plan.is_none() {
        return vec!["--faults=none".into()];
    }
    let mut flags = vec![format!("--faults={}", choices.faults.join(","))];
    let journal = folder.file(store::JOURNAL);
    if journal.is_file() {
        flags.push(format!("--plan={}", journal.display()));
    }
    flags
}

/// The flags that make these choices again. `check` and `report` use them as well, to find the workload.
pub fn arguments(choices: &Choices, folder: &RunFolder) -> Result<TestArguments, Failure> {
    let mut line: Vec<String> = vec!["disprove".into(), "test".into()];
    let mut flag = |name: &str, value: String| line.push(format!("--{name}={value}"));
    flag("db", choices.db.clone());
    flag("disease", choices.disease.clone());
    let names = [
        ("isolation", &choices.isolation),
        ("topology", &choices.topology),
        ("reads", &choices.reads),
        ("dialect", &choices.dialect),
    ];
    for (name, value) in names {
        value.iter().for_each(|value| flag(name, value.clone()));
    }
    for (name, file) in [
        ("config", &choices.config),
        ("password-file", &choices.password_file),
        ("programs", &choices.programs),
        ("programs-new", &choices.new_programs),
    ] {
        file.iter().for_each(|file| flag(name, file.display().to_string()));
    }
    for (name, value) in [("workload", &choices.workload), ("model", &choices.model), ("name", &choices.name)]
    {
        flag(name, value.clone());
    }
    if !choices.endpoints.is_empty() {
        flag("endpoint", choices.endpoints.join(","));
    }
    if !choices.is_elsewhere() {
        flag("nodes", choices.nodes.join(","));
    }
    flag("concurrency", choices.concurrency.to_string());
    flag("rate", choices.rate.to_string());
    flag("keys", choices.keys.to_string());
    flag("time-limit", choices.time_limit.to_string());
    flag("seed", choices.seed.to_string());
    flag("disk-limit", choices.disk_limit.to_string());
    flag("step-limit", choices.step_limit.to_string());
    flag("memory-limit", choices.memory_limit.to_string());
    flag("check-time-limit", choices.check_time_limit.to_string());
    flag("threads", choices.threads.to_string());
    // A run below <store>/<name>/<time> is repeated into the same store.
    if let Some(store) = folder.path.parent().and_then(std::path::Path::parent) {
        flag("store", store.display().to_string());
    }
    if let Some(seconds) = choices.call_timeout {
        flag("call-timeout", seconds.to_string());
    }
    flag("pace", choices.pace.name().into());
    flag("max-down", choices.max_down.to_string());
    line.extend(faults(choices, folder));
    line.extend(choices.tls.flags());
    if choices.capture {
        line.push("--capture".into());
    }
    if choices.stop_on_anomaly {
        line.push("--stop-on-anomaly".into());
    }
    match Arguments::try_parse_from(&line) {
        Ok(Arguments { command: Command::Test(mut test), .. }) => {
            test.inventory.clone_from(&choices.inventory);
            Ok(*test)
        }
        Ok(_) => unreachable!("the line above says test"),
        Err(error) => {
            Err(Failure::input(format!("the choices of {} cannot be repeated: {error}", folder.label())))
        }
    }
}

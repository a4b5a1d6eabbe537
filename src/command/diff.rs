//! `diff`: two stored runs beside each other.

use std::path::Path;

use checkers::Validity;
use reports::{Findings, comparison, comparison::Comparison};

use super::style;
use crate::{
    arguments::{Color, DiffArguments, OutputFormat},
    exit::{Exit, Failure},
    output,
    store::RunFolder,
};

/// Compares the runs and prints what came of it.
pub fn run(diff: &DiffArguments, color: Color) -> Result<Exit, Failure> {
    let (older, newer) = (findings(&diff.older)?, findings(&diff.newer)?);
    let names = [&diff.older, &diff.newer].map(|path| path.display().to_string());
    let comparison = Comparison::of((&names[0], &older), (&names[1], &newer));
    match diff.output {
        OutputFormat::Text => output::put!("{}", comparison::text(&comparison, style(color))),
        OutputFormat::Json => {
            output::putln!(
                "{}",
                serde_json::to_string_pretty(&comparison).expect("a comparison is plain data")
            );
        }
        OutputFormat::Jsonl => {
            output::putln!("{}", serde_json::to_string(&comparison).expect("a comparison is plain data"));
        }
    }
    Ok(exit_of(&comparison, &newer))
}

/// What is new decides; with nothing new, what the newer run cannot say.
fn exit_of(comparison: &Comparison, newer: &Findings) -> Exit {
    if !comparison.new.is_empty() {
        Exit::Anomaly
    } else if newer.failure.is_some() {
        Exit::Harness
    } else if newer.validity == Validity::Unknown {
        Exit::Unknown
    } else {
        Exit::Valid
    }
}

/// What a stored run found.
fn findings(path: &Path) -> Result<Findings, Failure> {
    RunFolder::open(path)?.findings()?.ok_or_else(|| {
        Failure::input(format!("{0} was never judged; `disprove report {0}` judges it", path.display()))
    })
}

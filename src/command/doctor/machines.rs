//! `doctor` on machines and containers: what each permits, before any fault depends on it.

use cluster::machine::power::{self, Power};
use serde::Serialize;

use crate::{
    arguments::{DoctorArguments, OutputFormat},
    exit::{Exit, Failure},
    inventory::Inventory,
};

#[derive(Serialize)]
struct Finding<'a> {
    node: &'a str,
    name: &'a str,
    works: bool,
    detail: &'a str,
    takes_away: &'a str,
    remedy: &'a str,
}

/// Tries every machine at once, and tells of one after another.
pub(super) fn run(inventory: &Inventory, arguments: &DoctorArguments) -> Result<Exit, Failure> {
    let targets = inventory.targets()?;
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::harness(format!("cannot start threads: {error}")))?;
    let tried: Vec<(String, Vec<Power>)> = runtime.block_on(async {
        let asked: Vec<_> = targets
            .into_iter()
            .map(|target| {
                let ports = arguments.ports.clone();
                let name = target.name().to_owned();
                let asked = tokio::spawn(async move {
                    tokio::time::timeout(power::WITHIN, power::try_all(&target, &ports)).await
                });
                (name, asked)
            })
            .collect();
        let mut tried = Vec::new();
        for (name, powers) in asked {
            let powers = match powers.await {
                Ok(Ok(powers)) => powers,
                Ok(Err(_)) => {
                    return Err(Failure::harness(format!("{name} did not answer all questions in time")));
                }
                Err(error) => return Err(Failure::harness(format!("trying {name} failed: {error}"))),
            };
            tried.push((name, powers));
        }
        Ok(tried)
    })?;
    let findings: Vec<Finding<'_>> = tried
        .iter()
        .flat_map(|(node, powers)| powers.iter().map(move |power| finding(node, power)))
        .collect();
    match arguments.output {
        OutputFormat::Text => print_text(&tried),
        OutputFormat::Json => {
            let text = serde_json::to_string_pretty(&findings).expect("findings are plain data");
            crate::output::putln!("{text}");
        }
        OutputFormat::Jsonl => {
            for finding in &findings {
                crate::output::putln!("{}", serde_json::to_string(finding).expect("findings are plain data"));
            }
        }
    }
    // Faults that are impossible are left out of a run and named; a machine out of reach, or a port that is taken,
    // makes a run impossible.
    let needed = |finding: &&Finding<'_>| {
        ["reach", "engine", "address", "disk space", "ports"].contains(&finding.name)
    };
    let ready = findings.iter().filter(needed).all(|finding| finding.works);
    Ok(if ready { Exit::Valid } else { Exit::Harness })
}

fn finding<'a>(node: &'a str, power: &'a Power) -> Finding<'a> {
    Finding {
        node,
        name: power.name,
        works: power.works,
        detail: &power.detail,
        takes_away: power.takes_away,
        remedy: &power.remedy,
    }
}

fn print_text(tried: &[(String, Vec<Power>)]) {
    for (node, powers) in tried {
        crate::output::putln!("{node}");
        for power in powers {
            let word = if power.works { "ok     " } else { "missing" };
            crate::output::putln!("  {word}  {:<14} {}", power.name, power.detail);
            if !power.works {
                crate::output::putln!("           {:<14} takes away: {}", "", power.takes_away);
                if !power.remedy.is_empty() {
                    crate::output::putln!("           {:<14} remedy: {}", "", power.remedy);
                }
            }
        }
    }
}

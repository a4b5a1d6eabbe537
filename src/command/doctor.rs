//! `doctor`: tries what this machine permits, before any run depends on it.

use serde::Serialize;

use crate::{
    arguments::{DoctorArguments, OutputFormat},
    exit::{Exit, Failure},
    inventory::Inventory,
};

mod machines;

#[derive(Serialize)]
struct Finding {
    name: String,
    works: bool,
    detail: String,
    remedy: String,
}

/// Tries everything and says what is missing, what that takes away, and how to get it.
pub fn run(arguments: &DoctorArguments) -> Result<Exit, Failure> {
    match Inventory::named(&arguments.reach)? {
        Some(inventory) => machines::run(&inventory, arguments),
        None => try_here(arguments.output),
    }
}

fn try_here(output: OutputFormat) -> Result<Exit, Failure> {
    let probes = cluster::doctor::probe()?;
    let ready = probes.iter().all(|probe| probe.works || !probe.needed);
    let findings: Vec<Finding> = probes
        .into_iter()
        .map(|probe| Finding {
            name: probe.name,
            works: probe.works,
            detail: probe.detail,
            remedy: probe.remedy,
        })
        .collect();
    match output {
        OutputFormat::Text => print_text(&findings, ready),
        OutputFormat::Json => {
            crate::output::putln!(
                "{}",
                serde_json::to_string_pretty(&findings).expect("findings are plain data")
            );
        }
        OutputFormat::Jsonl => {
            for finding in &findings {
                crate::output::putln!("{}", serde_json::to_string(finding).expect("findings are plain data"));
            }
        }
    }
    Ok(if ready { Exit::Valid } else { Exit::Harness })
}

fn print_text(findings: &[Finding], ready: bool) {
    for finding in findings {
        crate::output::putln!(
            "{}  {:<28} {}",
            if finding.works { "ok     " } else { "missing" },
            finding.name,
            finding.detail
        );
        if !finding.works && !finding.remedy.is_empty() {
            crate::output::putln!("         {:<28} remedy: {}", "", finding.remedy);
        }
    }
    crate::output::putln!();
    if ready {
        crate::output::putln!("local clusters with network faults can run here");
    } else {
        crate::output::putln!(
            "local clusters run on loopback addresses here, with process faults only, until the above is mended"
        );
    }
}

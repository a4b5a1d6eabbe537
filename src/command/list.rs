//! `list`: what there is, and what goes with what.

use std::fmt::Write as _;

use clap::Parser as _;
use serde::Serialize;

use crate::{
    arguments::{Arguments, Command, ListArguments, Listed, OutputFormat, TestArguments},
    exit::{Exit, Failure},
    models::catalogue,
    registry::Registry,
};

/// One line of a list.
#[derive(Serialize)]
struct Entry {
    list: &'static str,
    name: String,
    what: String,
    /// What it goes with: the workloads of a database, the databases of a workload.
    goes_with: Vec<String>,
}

/// Prints the lists.
pub fn run(registry: &Registry, arguments: &ListArguments) -> Result<Exit, Failure> {
    let entries = entries(registry, arguments.what)?;
    match arguments.output {
        OutputFormat::Text => crate::output::put!("{}", text(&entries)),
        OutputFormat::Json => {
            crate::output::putln!(
                "{}",
                serde_json::to_string_pretty(&entries).expect("a list is plain data")
            );
        }
        OutputFormat::Jsonl => {
            for entry in &entries {
                crate::output::putln!("{}", serde_json::to_string(entry).expect("a list is plain data"));
            }
        }
    }
    Ok(Exit::Valid)
}

fn entries(registry: &Registry, what: Option<Listed>) -> Result<Vec<Entry>, Failure> {
    let wanted = |listed| what.is_none_or(|what| what == listed);
    let mut entries = Vec::new();
    if wanted(Listed::Databases) {
        databases(registry, &mut entries)?;
    }
    if wanted(Listed::Workloads) {
        workloads(registry, &mut entries)?;
    }
    if wanted(Listed::Models) {
        models(&mut entries);
    }
    let mut plain = |list, name: &str, what: &str| {
        entries.push(Entry { list, name: name.into(), what: what.into(), goes_with: Vec::new() });
    };
    if wanted(Listed::Faults) {
        for family in nemeses::Family::all() {
            plain("faults", family.name(), family.describe());
        }
        for profile in nemeses::Profile::all() {
            let families: Vec<&str> = profile.families.iter().map(|family| family.name()).collect();
            let of = if families.is_empty() { String::new() } else { format!(": {}", families.join(", ")) };
            plain("profiles of faults", profile.name, &format!("{}{of}", profile.description));
        }
    }
    if wanted(Listed::Diseases) {
        for disease in specimens::Disease::all() {
            plain("diseases", disease.name(), disease.describe());
        }
    }
    if wanted(Listed::Anomalies) {
        for entry in checkers::glossary() {
            plain("anomalies", entry.kind, &format!("{}: {}", entry.title, entry.explanation));
        }
    }
    Ok(entries)
}

/// Every promise once, with the vocabularies that can be judged by it.
fn models(entries: &mut Vec<Entry>) {
    for (vocabulary, promises) in catalogue() {
        for promise in promises {
            let known = entries.iter_mut().find(|entry| entry.list == "models" && entry.name == promise.name);
            match known {
                Some(entry) => entry.goes_with.push(vocabulary.to_owned()),
                None => {
                    let aliases = match promise.aliases {
                        [] => String::new(),
                        aliases => format!(" (also {})", aliases.join(", ")),
                    };
                    entries.push(Entry {
                        list: "models",
                        name: promise.name.into(),
                        what: format!("{}{aliases}", promise.what),
                        goes_with: vec![vocabulary.to_owned()],
                    });
                }
            }
        }
    }
}

fn databases(registry: &Registry, entries: &mut Vec<Entry>) -> Result<(), Failure> {
    for source in registry.databases() {
        let database = source.build(&default_flags())?;
        let speaks = database.speaks();
        let spoken = registry.workloads().filter(|workload| workload.is_spoken(&speaks));
        entries.push(Entry {
            list: "databases",
            name: source.name().into(),
            what: source.describe().into(),
            goes_with: spoken.map(|workload| workload.name().to_owned()).collect(),
        });
    }
    Ok(())
}

fn workloads(registry: &Registry, entries: &mut Vec<Entry>) -> Result<(), Failure> {
    for workload in registry.workloads() {
        let mut goes_with = Vec::new();
        for source in registry.databases() {
            if workload.is_spoken(&source.build(&default_flags())?.speaks()) {
                goes_with.push(source.name().to_owned());
            }
        }
        entries.push(Entry {
            list: "workloads",
            name: workload.name().into(),
            what: workload.promise().into(),
            goes_with,
        });
    }
    Ok(())
}

fn default_flags() -> TestArguments {
    match Arguments::parse_from(["disprove", "test"]).command {
        Command::Test(test) => *test,
        _ => unreachable!("the line above says test"),
    }
}

fn text(entries: &[Entry]) -> String {
    let mut text = String::new();
    let mut list = "";
    for entry in entries {
        if entry.list != list {
            let gap = if list.is_empty() { "" } else { "\n" };
            list = entry.list;
            let _ = writeln!(text, "{gap}{list}");
        }
        let goes_with = if entry.goes_with.is_empty() {
            String::new()
        } else {
            format!("  [with {}]", entry.goes_with.join(", "))
        };
        let _ = writeln!(text, "  {:<24} {}{goes_with}", entry.name, entry.what);
    }
    text
}

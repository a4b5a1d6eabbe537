//! What is wrong with single reads, and updates that missed each other.

use super::{NONE, Read, Registers, Version};
use crate::{Anomaly, transactions::fate::Fate};

pub(super) fn check(registers: &mut Registers<'_>) {
    for place in 0..registers.reads.len() {
        let read = registers.reads[place];
        let version = registers.versions[read.version as usize];
        if version.writer == NONE || version.is_ambiguous {
            continue;
        }
        if version.writer == read.transaction {
            wrong(registers, &read, &version, "future-read");
        } else if registers.fates[version.writer as usize] == Fate::Failed {
            wrong(registers, &read, &version, "G1a");
        } else if !version.is_last {
            wrong(registers, &read, &version, "G1b");
        }
    }
    lost_updates(registers);
}

fn wrong(registers: &mut Registers<'_>, read: &Read, version: &Version, kind: &'static str) {
    let (reader, writer) = (registers.who(read.transaction), registers.who(version.writer));
    let (name, value) = (registers.keys[version.key as usize], registers.answer(read));
    let mut witness =
        vec![registers.operation(read.transaction).index, registers.operation(version.writer).index];
    witness.sort_unstable();
    witness.dedup();
    let end = match kind {
        "future-read" => "although it wrote that itself, and only later".to_owned(),
        "G1a" => format!("but that was written by {writer}, which failed"),
        _ => format!("in the middle of what {writer} did, which went on to write something else there"),
    };
    registers.findings.add(kind, || Anomaly {
        sentence: format!("{reader} read {name} as {value}, {end}."),
        key: Some(name.clone()),
        witness,
        ..Anomaly::default()
    });
}

/// Transactions that read the same version of a key and then replaced it: each missed what the other wrote.
fn lost_updates(registers: &mut Registers<'_>) {
    let mut updater = vec![NONE; registers.versions.len()];
    for place in 0..registers.reads.len() {
        let read = registers.reads[place];
        if read.next == NONE
            || !registers.is_item(&read)
            || registers.versions[read.version as usize].is_ambiguous
        {
            continue;
        }
        let slot = &mut updater[read.version as usize];
        if *slot == NONE {
            *slot = read.transaction;
        } else if *slot != read.transaction {
            let first = *slot;
            lost_update(registers, first, &read);
        }
    }
}

fn lost_update(registers: &mut Registers<'_>, first: u32, read: &Read) {
    let (one, other) = (registers.who(first), registers.who(read.transaction));
    let key = registers.versions[read.version as usize].key;
    let (name, value) = (registers.keys[key as usize], registers.answer(read));
    let witness = vec![registers.operation(first).index, registers.operation(read.transaction).index];
    registers.findings.add("lost-update", || Anomaly {
        sentence: format!(
            "{one} and {other} both read {name} as {value} and then wrote it, so one of them missed the other."
        ),
        key: Some(name.clone()),
        witness,
        ..Anomaly::default()
    });
}

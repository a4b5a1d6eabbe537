//! The first pass: keys and values get numbers, and each transaction is compared with itself.

use history::{
    Outcome, RwRegister, Value, Vocabulary,
    vocabulary::rw_register::{Answer, Step},
};

use super::{NONE, Read, Registers, Version};
use crate::{
    Anomaly,
    numbering::Numbering,
    transactions::{fate::Fate, list::cut},
};

/// What the transaction at hand has done to a key.
#[derive(Clone, Copy, Debug)]
struct Touch<'a> {
    transaction: u32,
    /// What it last read or wrote there.
    value: &'a Value,
    has_written: bool,
    /// Its last write, and its last read that told something new.
    version: u32,
    read: u32,
}

pub(super) fn read(registers: &mut Registers<'_>) {
    writes(registers);
    reads(registers);
}

/// Numbers all keys and versions.
fn writes(registers: &mut Registers<'_>) {
    let history = registers.history;
    let mut numbers = Numbering::default();
    // For each key, the transaction that last wrote it and its version.
    let mut last: Vec<(u32, u32)> = Vec::new();
    registers.steps.push(0);
    for (transaction, operation) in (0..).zip(&history.operations) {
        for (step, call) in (0..).zip(&operation.call) {
            let fresh = registers.keys.len() as u32;
            let key = numbers.number(0, call.key(), fresh);
            if key == fresh {
                registers.keys.push(call.key());
                last.push((NONE, NONE));
            }
            registers.step_key.push(key);
            let Step::Write(_, value) = call else { continue };
            let version = registers.versions.len() as u32;
            let (before, earlier) = last[key as usize];
            if before == transaction {
                registers.versions[earlier as usize].is_last = false;
            }
            last[key as usize] = (transaction, version);
            let is_initial = *value == history.header.initial;
            registers.versions.push(Version {
                key,
                writer: transaction,
                step,
                is_last: true,
                is_ambiguous: is_initial,
                is_read: false,
            });
            registers.ambiguous += u64::from(is_initial);
            let first = registers.version_of.number(key, value, version);
            if first != version {
                registers.versions[version as usize].is_ambiguous = true;
                let first = &mut registers.versions[first as usize];
                registers.ambiguous += 1 + u64::from(!first.is_ambiguous);
                first.is_ambiguous = true;
            }
        }
        registers.steps.push(registers.step_key.len() as u32);
    }
    registers.initial = vec![NONE; registers.keys.len()];
}

/// The version that a value of a key is: `None` if nobody wrote it.
fn version_of(registers: &mut Registers<'_>, key: u32, value: &Value) -> Option<u32> {
    if let Some(version) = registers.version_of.get(key, value) {
        return Some(version);
    }
    if *value != registers.history.header.initial {
        return None;
    }
    if registers.initial[key as usize] == NONE {
        registers.initial[key as usize] = registers.versions.len() as u32;
        registers.versions.push(Version {
            key,
            writer: NONE,
            step: NONE,
            is_last: true,
            is_ambiguous: false,
            is_read: true,
        });
    }
    Some(registers.initial[key as usize])
}

/// Finds what each read shows.
fn reads(registers: &mut Registers<'_>) {
    let history = registers.history;
    let nothing =
        Touch { transaction: NONE, value: &Value::Nil, has_written: false, version: NONE, read: NONE };
    let mut touches: Vec<Touch<'_>> = vec![nothing; registers.keys.len()];
    // Versions by writer: the versions of a transaction are together, in the order of its steps.
    let mut written = 0u32;
    for (transaction, operation) in (0..).zip(&history.operations) {
        let answers = match &operation.outcome {
            Outcome::Ok(answers) if matches(&operation.call, answers) => answers.as_slice(),
            Outcome::Ok(_) => {
                mismatched(registers, transaction);
                &[]
            }
            _ => &[],
        };
        let start = registers.steps[transaction as usize] as usize;
        for (step, call) in (0..).zip(&operation.call) {
            let key = registers.step_key[start + step as usize];
            let touch = &mut touches[key as usize];
            let before = Some(*touch).filter(|touch| touch.transaction == transaction);
            match (call, answers.get(step as usize)) {
                (Step::Write(_, value), _) => {
                    let read = before.map_or(NONE, |touch| touch.read);
                    *touch = Touch { transaction, value, has_written: true, version: written, read };
                    if read != NONE {
                        registers.reads[read as usize].next = written;
                    }
                    written += 1;
                }
                (Step::Read(_), Some(Answer::Read(_, Some(value)))) => {
                    if before.is_some_and(|touch| touch.value == value) {
                        continue;
                    }
                    if let Some(touch) = before {
                        contradiction(registers, transaction, key, &touch, value);
                    }
                    let read = registers.reads.len() as u32;
                    let known = show(registers, transaction, step, (key, value));
                    *touch = Touch {
                        transaction,
                        value,
                        has_written: false,
                        version: before.map_or(NONE, |touch| touch.version),
                        read: if known { read } else { NONE },
                    };
                }
                (Step::Read(_), _) => {}
            }
        }
    }
}

/// Notes that a read shows a value; false when nobody wrote it.
fn show(registers: &mut Registers<'_>, transaction: u32, step: u32, (key, value): (u32, &Value)) -> bool {
    let Some(version) = version_of(registers, key, value) else {
        garbage(registers, transaction, key, value);
        return false;
    };
    registers.reads.push(Read { transaction, step, version, next: NONE });
    let shown = &mut registers.versions[version as usize];
    shown.is_read = true;
    registers.doubtful += u64::from(shown.is_ambiguous);
    if shown.writer != NONE && !shown.is_ambiguous {
        let fate = &mut registers.fates[shown.writer as usize];
        if *fate == Fate::Unseen {
            *fate = Fate::Seen;
        }
    }
    true
}

fn garbage(registers: &mut Registers<'_>, transaction: u32, key: u32, value: &Value) {
    let (who, name) = (registers.who(transaction), registers.keys[key as usize]);
    let index = registers.operation(transaction).index;
    registers.findings.add("garbage-read", || Anomaly {
        sentence: format!("{who} read {name} as {value}, but nobody ever wrote {value} to it."),
        key: Some(name.clone()),
        witness: vec![index],
        ..Anomaly::default()
    });
}

fn contradiction(
    registers: &mut Registers<'_>,
    transaction: u32,
    key: u32,
    touch: &Touch<'_>,
    value: &Value,
) {
    let (who, name) = (registers.who(transaction), registers.keys[key as usize]);
    let index = registers.operation(transaction).index;
    let did = if touch.has_written { "wrote" } else { "read" };
    let before = touch.value;
    registers.findings.add("internal", || Anomaly {
        sentence: format!(
            "{who} {did} {before} {} {name} and then read it as {value}.",
            if touch.has_written { "to" } else { "from" }
        ),
        key: Some(name.clone()),
        witness: vec![index],
        ..Anomaly::default()
    });
}

/// Whether the answers are answers to these steps.
fn matches(call: &[Step], answers: &[Answer]) -> bool {
    call.len() == answers.len()
        && call.iter().zip(answers).all(|pair| match pair {
            (Step::Read(key), Answer::Read(answered, _)) => key == answered,
            (Step::Write(key, value), Answer::Write(answered, written)) => {
                key == answered && value == written
            }
            _ => false,
        })
}

fn mismatched(registers: &mut Registers<'_>, transaction: u32) {
    let who = registers.who(transaction);
    let operation = registers.operation(transaction);
    let answer = operation.outcome.ok().map(|answers| RwRegister::describe_return(&operation.call, answers));
    registers.findings.add("mismatched-answer", || Anomaly {
        sentence: format!(
            "{who} asked for {} and was answered {}, which answers something else.",
            cut(&RwRegister::describe_call(&operation.call)),
            cut(&answer.unwrap_or_default()),
        ),
        witness: vec![operation.index],
        ..Anomaly::default()
    });
}

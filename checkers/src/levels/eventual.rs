//! Eventual consistency: after the last write to a key, and some time to settle, everybody reads the same.
//!
//! What counts are the last reads of each process that began late enough after the last write to the key had ended and the
//! last fault was over. Two of them that differ are an anomaly, unless an unknown write to the key may still take effect
//! between them. Without final reads by two processes nothing is known.

use std::collections::{BTreeMap, BTreeSet};

use history::{History, Nanos, OpIndex, Process, vocabulary::Register};

use super::{
    calls::{Action, NEVER, Problem},
    words::tell,
};
use crate::{Anomaly, Validity, Verdict};

/// The most anomalies that are described.
const DESCRIBED_MAX: usize = 16;

/// Judges all keys.
pub(super) fn judge(history: &History<Register>, problem: &Problem, settle: Nanos, verdict: &mut Verdict) {
    let ended = |fault: &history::FaultRecord| fault.ended.unwrap_or(Nanos(NEVER)).0;
    let real = history.faults.iter().filter(|fault| fault.state != history::FaultState::Skipped);
    let faults = real.map(ended).max().unwrap_or(0);
    let (mut silent, mut open) = (0u64, 0u64);
    for key in 0..problem.keys.len() as u32 {
        let writes = || problem.makers(key).map(|call| &problem.calls[call as usize]);
        let last = writes().map(|write| if write.optional { write.began } else { write.ended }).max();
        let Some(last) = last else { continue };
        let from = last.max(faults).saturating_add(settle.0);
        let mut finals: BTreeMap<Process, (OpIndex, u32)> = BTreeMap::new();
        for call in problem.calls.iter().filter(|call| call.key == key && call.began >= from && from < NEVER)
        {
            if let Action::Read(seen) = call.action {
                let process = history.operations[call.origin.0 as usize].process;
                finals.insert(process, (call.origin, seen));
            }
        }
        if finals.len() < 2 {
            silent += 1;
            continue;
        }
        let late: BTreeSet<u32> =
            writes().filter(|write| write.optional).filter_map(|write| write.action.makes()).collect();
        let all: BTreeSet<u32> = finals.values().map(|&(_, seen)| seen).collect();
        let settled: Vec<u32> = all.difference(&late).copied().collect();
        if settled.len() > 1 {
            verdict.validity = Validity::Invalid;
            if verdict.anomalies.len() < DESCRIBED_MAX {
                verdict.anomalies.push(diverged(history, problem, key, &finals, &settled));
            }
        } else if all.len() > 1 {
            open += 1;
        }
    }
    let mut unknown = |count: u64, text: &str| {
        if count > 0 {
            verdict.validity = verdict.validity.max(Validity::Unknown);
            verdict.notes.push(format!("{count} {text}"));
        }
    };
    unknown(silent, "keys have no final reads by two processes, so nothing is known of them");
    unknown(open, "keys have final reads that differ, but an unknown write may have happened between them");
}

fn diverged(
    history: &History<Register>,
    problem: &Problem,
    key: u32,
    finals: &BTreeMap<Process, (OpIndex, u32)>,
    settled: &[u32],
) -> Anomaly {
    let reader = |version: u32| finals.values().find(|(_, seen)| *seen == version).map(|(origin, _)| *origin);
    let mut witness: Vec<OpIndex> = settled.iter().filter_map(|&version| reader(version)).collect();
    witness.sort_unstable();
    let told: Vec<String> =
        witness.iter().take(2).map(|index| tell(&history.operations[index.0 as usize])).collect();
    let name = &problem.keys[key as usize];
    Anomaly {
        kind: "diverged".into(),
        sentence: format!("all writes to {name} were over, but {}", told.join(" and ")),
        key: Some(name.clone()),
        witness,
        ..Anomaly::default()
    }
}

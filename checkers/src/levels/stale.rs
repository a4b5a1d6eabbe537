//! Verdicts about reads one by one: weakly regular and safe registers, and bounded staleness.

use history::{History, Nanos, OpIndex, Operation, vocabulary::Register};

use super::{
    LevelOptions,
    calls::Problem,
    freshness::{Freshness, grounds, measure},
    words::tell,
};
use crate::{Anomaly, Validity, Verdict, parallel};

/// Which promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Every read by itself is regular.
    WeakRegular,
    /// Those that no write overlaps are.
    Safe,
    /// No read is too stale.
    Bounded,
}

/// The most anomalies that are described.
const DESCRIBED_MAX: usize = 16;

/// Judges all reads.
pub(super) fn judge(
    read: Read,
    options: &LevelOptions,
    history: &History<Register>,
    problem: &Problem,
    verdict: &mut Verdict,
) {
    let mut all = parallel::map(0..problem.keys.len() as u32, |key| measure(problem, key)).concat();
    all.sort_unstable_by_key(|freshness| freshness.call);
    let judged = |freshness: &&Freshness| read != Read::Safe || !freshness.overlapped;
    let (mut wrong, mut count) = (0u64, 0u64);
    for freshness in all.iter().filter(judged) {
        count += 1;
        if let Some(allowed) = breach(read, options, freshness) {
            wrong += 1;
            verdict.validity = Validity::Invalid;
            if verdict.anomalies.len() < DESCRIBED_MAX {
                verdict.anomalies.push(describe(read, history, problem, freshness, allowed));
            }
        }
    }
    if wrong > DESCRIBED_MAX as u64 {
        verdict.notes.push(format!("{wrong} reads are wrong; the first {DESCRIBED_MAX} are described"));
    }
    match read {
        Read::Safe if count < all.len() as u64 => {
            let over = all.len() as u64 - count;
            verdict
                .notes
                .push(format!("{over} of {} reads overlap a write and may return anything", all.len()));
        }
        Read::Bounded => bounds(history, problem, &all, verdict),
        Read::Safe | Read::WeakRegular => {}
    }
}

/// How many versions the read was allowed to miss, if it is wrong.
fn breach(read: Read, options: &LevelOptions, freshness: &Freshness) -> Option<u64> {
    if freshness.from_the_future {
        return Some(0);
    }
    if read != Read::Bounded {
        return (freshness.missed > 0).then_some(0);
    }
    let versions = options.staleness_versions.filter(|&allowed| freshness.missed > allowed);
    let time = options.staleness_time.filter(|allowed| freshness.age > allowed.0).map(|_| 0);
    time.or(versions)
}

/// The largest that were found.
fn bounds(history: &History<Register>, problem: &Problem, all: &[Freshness], verdict: &mut Verdict) {
    let at = |freshness: &Freshness| tell(operation(history, problem, freshness.call));
    let known = || all.iter().filter(|freshness| !freshness.from_the_future && freshness.missed > 0);
    // Of equals the first.
    let versions = known().max_by_key(|freshness| (freshness.missed, std::cmp::Reverse(freshness.call)));
    let time = known().max_by_key(|freshness| (freshness.age, std::cmp::Reverse(freshness.call)));
    let (Some(versions), Some(time)) = (versions, time) else {
        verdict
            .notes
            .push(format!("none of {} reads returned a value that had certainly been replaced", all.len()));
        return;
    };
    verdict.notes.push(format!(
        "{} of {} reads returned a value that had certainly been replaced",
        known().count(),
        all.len()
    ));
    if !history.header.ranked {
        verdict.notes.push(format!(
            "staleness by time: {} at most: {}, which had certainly been replaced so long before",
            duration(time.age),
            at(time)
        ));
    }
    let what = if versions.missed == 1 { "version" } else { "versions" };
    verdict.notes.push(format!(
        "staleness by versions: {} {what} at most: {}",
        versions.missed,
        at(versions)
    ));
}

/// A time with as many places as it needs to be seen.
fn duration(nanos: u64) -> String {
    if nanos < 1_000_000 { format!("{nanos} ns") } else { Nanos(nanos).to_string() }
}

fn operation<'a>(history: &'a History<Register>, problem: &Problem, call: u32) -> &'a Operation<Register> {
    &history.operations[problem.calls[call as usize].origin.0 as usize]
}

fn describe(
    read: Read,
    history: &History<Register>,
    problem: &Problem,
    freshness: &Freshness,
    allowed: u64,
) -> Anomaly {
    let at = operation(history, problem, freshness.call);
    let newer = if freshness.from_the_future { 0 } else { allowed.saturating_add(1) };
    let mut witness: Vec<OpIndex> = grounds(problem, freshness, newer)
        .into_iter()
        .map(|call| problem.calls[call as usize].origin)
        .collect();
    witness.sort_unstable();
    let told = tell(at);
    let (kind, sentence) = match freshness.replaced_by {
        _ if freshness.from_the_future => (
            "future-read",
            format!("{told}, but nothing of the kind had begun to be written when the answer came"),
        ),
        Some(call) => {
            let newer = operation(history, problem, call);
            let ended = newer.ended.unwrap_or_default();
            let late = format!(
                "{told}, but {} had replaced that for certain by {ended}, {} before the read began",
                tell(newer),
                duration(freshness.age)
            );
            match (read, freshness.missed) {
                (Read::Bounded, 1) => ("too-stale", format!("{late}; it missed 1 version")),
                (Read::Bounded, missed) => ("too-stale", format!("{late}; it missed {missed} versions")),
                _ => ("stale-read", late),
            }
        }
        None => ("stale-read", told),
    };
    Anomaly { kind: kind.into(), sentence, key: Some(at.call.key().clone()), witness, ..Anomaly::default() }
}

//! The order of versions where each key by itself is linearizable: one version precedes another when some transaction
//! that shows it had ended before one that shows the other began.

use super::{Precedence, Registers, order::shown};

/// When a version was certainly there: seen by something that ended at `since`, and by something that began at `until`.
/// Where `since` is the later one, no moment is certain.
#[derive(Clone, Copy, Debug)]
struct Known {
    version: u32,
    since: u128,
    until: u128,
}

/// A version between two moments.
#[derive(Clone, Copy, Debug)]
struct Placed {
    version: u32,
    begins: u128,
    ends: u128,
}

pub(super) fn linearizable(registers: &mut Registers<'_>) {
    if registers.history.header.untimed {
        return;
    }
    let mut entries: Vec<(u32, u32, u64, Option<u64>)> = Vec::new();
    for (transaction, key, _, version) in shown(registers) {
        let operation = registers.operation(transaction);
        entries.push((key, version, operation.began.0, operation.deadline().map(|end| end.0)));
    }
    entries.sort_unstable();
    for of_key in entries.chunk_by(|one, other| one.0 == other.0) {
        let mut known: Vec<Known> = Vec::new();
        for of_version in of_key.chunk_by(|one, other| one.1 == other.1) {
            let since = of_version.iter().filter_map(|entry| entry.3).min().map_or(u128::MAX, u128::from);
            let until = of_version.iter().map(|entry| entry.2).max().map_or(0, u128::from);
            known.push(Known { version: of_version[0].1, since, until });
        }
        order_key(registers, of_key[0].0, &known);
    }
}

fn order_key(registers: &mut Registers<'_>, key: u32, known: &[Known]) {
    match placed(known) {
        Ok(placed) => precedences(registers, key, placed),
        // Two versions that precede each other: both directions are kept, so that they are found and told.
        Err((one, other)) => registers.successors.extend([(one, other), (other, one)]),
    }
}

/// Between which moments each version was current, so that one precedes another exactly when it ends before the other
/// begins. An error is two versions of which each was seen before and after the other.
fn placed(known: &[Known]) -> Result<Vec<Placed>, (u32, u32)> {
    let mut certain: Vec<&Known> = known.iter().filter(|version| version.since < version.until).collect();
    certain.sort_unstable_by_key(|version| (version.since, version.version));
    for pair in certain.windows(2) {
        if pair[1].since < pair[0].until {
            return Err((pair[0].version, pair[1].version));
        }
    }
    // The last certain span that begins before a moment.
    let before = |moment: u128| {
        let place = certain.partition_point(|version| version.since < moment);
        place.checked_sub(1).map(|place| certain[place])
    };
    let mut placed = Vec::with_capacity(known.len());
    for version in known {
        let Known { since, until, .. } = *version;
        if since < until {
            // A certain span becomes a point, and what ends or begins within it lies before or after that point.
            placed.push(Placed { version: version.version, begins: 4 * since + 2, ends: 4 * since + 2 });
            continue;
        }
        let mut begins = 4 * until;
        if let Some(around) = before(until) {
            if since < around.until {
                return Err((around.version, version.version));
            }
            if until <= around.until {
                begins = 4 * around.since + 3;
            }
        }
        let mut ends = since.saturating_mul(4);
        if since != u128::MAX
            && let Some(around) = before(since + 1)
            && since < around.until
        {
            ends = 4 * around.since + 1;
        }
        placed.push(Placed { version: version.version, begins, ends });
    }
    Ok(placed)
}

/// Each version with those that directly precede it: all that end before it begins, but not before another one of them
/// begins.
fn precedences(registers: &mut Registers<'_>, key: u32, placed: Vec<Placed>) {
    let mut by_end = placed.clone();
    by_end.sort_unstable_by_key(|version| (version.ends, version.version));
    let mut by_begin = placed;
    by_begin.sort_unstable_by_key(|version| (version.begins, version.version));
    let (mut low, mut high, mut latest) = (0, 0, 0u128);
    let mut shared = (0, 0);
    for group in by_begin.chunk_by(|one, other| one.begins == other.begins) {
        while by_end.get(high).is_some_and(|version| version.ends < group[0].begins) {
            latest = latest.max(by_end[high].begins);
            high += 1;
        }
        while low < high && by_end[low].ends < latest {
            low += 1;
        }
        if low == high {
            continue;
        }
        let after: Vec<u32> = group.iter().map(|version| version.version).collect();
        // Versions that begin one after another with nothing ending between them share what precedes them.
        if shared == (low, high)
            && let Some(last) = registers.precedences.last_mut()
        {
            last.after.extend(after);
            continue;
        }
        shared = (low, high);
        let before = by_end[low..high].iter().map(|version| version.version).collect();
        registers.precedences.push(Precedence { key, before, after });
    }
}

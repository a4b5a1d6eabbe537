//! A second opinion on orders: replays them, and shares no reasoning with the search.

use super::{
    decision::Order,
    level::{Level, Scope},
    problem::{INITIAL, Problem},
};

/// Whether an order explains every read of a problem at a level from prefix to strict serializability.
pub fn verify(problem: &Problem, level: Level, order: &Order) -> bool {
    use Level::*;
    let (points, apart) = match (level, order) {
        (Serializable | StrongSessionSerializable | StrictSerializable, Order::Serial(points)) => {
            (points, true)
        }
        (Prefix | StrongSessionPrefix, Order::Snapshots(points)) => (points, false),
        (
            SnapshotIsolation | StrongSessionSnapshotIsolation | StrongSnapshotIsolation,
            Order::Snapshots(points),
        ) => (points, true),
        _ => return false,
    };
    let serial = matches!(order, Order::Serial(_));
    let mut current = vec![INITIAL; problem.keys.len()];
    let mut writing = vec![false; problem.keys.len()];
    let mut times = vec![0u8; problem.len()];
    let mut latest_begin = 0;
    for &t in points {
        if problem.is_absent(t) || times[t as usize] == 2 {
            return false;
        }
        if times[t as usize] == 0 {
            let before = problem.previous(t).filter(|_| level.scope() != Scope::Plain);
            let right = problem.reads(t).iter().all(|read| current[read.key as usize] == read.from)
                && before.is_none_or(|before| times[before as usize] == 2)
                && !(apart && problem.writes(t).iter().any(|&key| writing[key as usize]));
            if !right {
                return false;
            }
            if level.scope() == Scope::RealTime {
                latest_begin = latest_begin.max(problem.spans[t as usize].began);
            }
            problem.writes(t).iter().for_each(|&key| writing[key as usize] = true);
            times[t as usize] = 1;
            if !serial {
                continue;
            }
        }
        // Something that began after this had ended must not have been placed before it.
        let ended = problem.spans.get(t as usize).and_then(|span| span.ended);
        if level.scope() == Scope::RealTime && ended.is_some_and(|ended| ended < latest_begin) {
            return false;
        }
        for &key in problem.writes(t) {
            (current[key as usize], writing[key as usize]) = (t, false);
        }
        times[t as usize] = 2;
    }
    problem.transactions().all(|t| times[t as usize] == 2)
}

//! Registers whose written values are all different, in near-linear time: the zones of Gibbons and Korach.
//!
//! The cluster of a value is its write and the reads that saw it. Between the first return in a cluster and its last
//! call the register must hold that value all the time, if the return comes first (a *forward* zone); else the whole
//! cluster fits into any instant between the two (a *backward* zone). A history is linearizable exactly if no read
//! returns before its write is called, forward zones do not overlap, and no backward zone lies inside a forward one.
//!
//! An unknown write that was read has no return; one that nobody read need not have happened. The initial value is
//! a write that returned before everything.

use super::{
    decision::Decision,
    register::{Action, Problem},
    timeline::{NEVER, Timeline},
};

/// All that happened to one value. Ranks are shifted by one, so that 0 is before everything.
#[derive(Clone, Copy)]
struct Zone {
    write: u32,
    called: u32,
    first_return: u32,
    last_call: u32,
    first_read_return: u32,
    read: bool,
}

const NOT_WRITTEN: Zone = Zone {
    write: NEVER,
    called: NEVER,
    first_return: NEVER,
    last_call: 0,
    first_read_return: NEVER,
    read: false,
};

/// Decides, if every written value is written once and nothing else than reads and writes happened.
pub(crate) fn decide(problem: &Problem, line: &Timeline) -> Option<Decision> {
    let zones = gather(problem, line, NEVER)?;
    if let Some(points) = order(&zones) {
        return Some(Decision::Valid(place(problem, line, &zones, &points)));
    }
    // Prefixes only get harder, so the first return that cannot be passed is found by halving.
    let (mut passed, mut failed) = (0usize, line.returns.len());
    while passed + 1 < failed {
        let middle = (passed + failed) / 2;
        let cut = line.ret[line.returns[middle - 1] as usize] + 1;
        if gather(problem, line, cut).is_some_and(|zones| order(&zones).is_some()) {
            passed = middle;
        } else {
            failed = middle;
        }
    }
    Some(Decision::Invalid { reached: u32::try_from(passed).expect("fewer returns than ranks") })
}

/// The zones of everything that was called before the cut; what had not returned by then is unknown.
fn gather(problem: &Problem, line: &Timeline, cut: u32) -> Option<Vec<Zone>> {
    let mut zones = vec![NOT_WRITTEN; problem.values as usize];
    zones[0] = Zone { called: 0, first_return: 0, ..NOT_WRITTEN };
    for (i, action) in (0u32..).zip(&problem.actions) {
        let (called, mut returned) = (line.call[i as usize], line.ret[i as usize]);
        if called >= cut {
            continue;
        }
        if returned >= cut {
            returned = NEVER;
        }
        match *action {
            Action::Write(value) => {
                let zone = &mut zones[value as usize];
                if zone.called != NEVER {
                    return None;
                }
                zone.write = i;
                zone.called = called + 1;
                zone.first_return = zone.first_return.min(returned.saturating_add(1));
                zone.last_call = zone.last_call.max(called + 1);
            }
            Action::Read(_) if returned == NEVER && cut != NEVER => {}
            Action::Read(value) => {
                let zone = &mut zones[value as usize];
                zone.first_return = zone.first_return.min(returned.saturating_add(1));
                zone.first_read_return = zone.first_read_return.min(returned.saturating_add(1));
                zone.last_call = zone.last_call.max(called + 1);
                zone.read = true;
            }
            Action::Cas(..) | Action::Refused(_) => return None,
        }
    }
    Some(zones)
}

/// For each value the instant at which it is written, as twice its rank plus a bias; `None` if there is no order.
fn order(zones: &[Zone]) -> Option<Vec<u64>> {
    let mut forward: Vec<(u32, u32, usize)> = Vec::new();
    for (value, zone) in zones.iter().enumerate() {
        if zone.read && (zone.called == NEVER || zone.first_read_return < zone.called) {
            return None;
        }
        if zone.first_return < zone.last_call {
            forward.push((zone.first_return, zone.last_call, value));
        }
    }
    forward.sort_unstable();
    if forward.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        return None;
    }
    let mut points = vec![u64::MAX; zones.len()];
    for &(first, _, value) in &forward {
        points[value] = u64::from(first) * 2;
    }
    for (value, zone) in zones.iter().enumerate() {
        let unread_unknown = !zone.read && zone.first_return == NEVER;
        if points[value] != u64::MAX || zone.called == NEVER || unread_unknown {
            continue;
        }
        // A backward zone: all of it fits into one instant between its last call and its first return.
        let before = forward.partition_point(|zone_before| zone_before.0 < zone.last_call);
        points[value] = match before.checked_sub(1).map(|i| forward[i]) {
            Some((_, end, _)) if zone.last_call < end => {
                if zone.first_return < end {
                    return None;
                }
                u64::from(end) * 2 + 1
            }
            _ => u64::from(zone.last_call) * 2,
        };
    }
    Some(points)
}

/// The order: each cluster from its instant on, its write first, each read as soon as it is called.
fn place(problem: &Problem, line: &Timeline, zones: &[Zone], points: &[u64]) -> Vec<u32> {
    let mut placed: Vec<(u64, u32, bool, u32)> = Vec::with_capacity(problem.actions.len());
    for (i, action) in (0u32..).zip(&problem.actions) {
        match *action {
            Action::Write(value) if points[value as usize] != u64::MAX => {
                placed.push((points[value as usize], value, false, i));
            }
            Action::Read(value) => {
                let called = u64::from(line.call[i as usize] + 1) * 2;
                let zone = zones[value as usize];
                let forward = zone.first_return < zone.last_call;
                let at = if forward { points[value as usize].max(called) } else { points[value as usize] };
                placed.push((at, value, true, i));
            }
            _ => {}
        }
    }
    placed.sort_unstable();
    placed.into_iter().map(|(.., i)| i).collect()
}

//! Regular registers with several writers: one order of the writes of a key, that agrees with real time and with every
//! read by itself.
//!
//! A read returns a write that it overlaps, or the last write before it in the order. So a write that ended before a read
//! began comes before what the read saw, or is it; and what a read saw comes before every write that began after the read
//! ended. There is such an order exactly if these and real time among the writes have no cycle. Two reads one after the
//! other say nothing together: a read may return a newer value than a read after it.
//!
//! Each write has two beginnings and two ends: its own, and those stretched by its readers. One write comes before another
//! if its own end comes before the other's late beginning, or its early end before the other's own beginning. So of all
//! writes that are left only the first end and the first early end matter, and one sorted sweep finds the order.

use std::collections::BTreeMap;

use super::{
    calls::{NEVER, NONE, Problem},
    forced::{Contradiction, Edge, Why},
    sources::{INITIAL, Sources},
};

/// A write and its readers. Times are one later than in the history, so that 0 is before everything.
#[derive(Clone, Copy)]
struct Zone {
    call: u32,
    began: u64,
    late: u64,
    late_reader: u32,
    ended: u64,
    early: u64,
    early_reader: u32,
    /// The zone of what it saw itself, if it is a compare-and-set.
    saw: u32,
}

/// Looks for a contradiction among the calls of one key.
pub(super) fn judge(problem: &Problem, sources: &Sources) -> Option<Contradiction> {
    let zones = zones(problem, sources);
    // What was read before it was written has no place in any order.
    if let Some(zone) = zones.iter().find(|zone| zone.early < zone.began) {
        let there = Edge { from: zone.call, to: zone.early_reader, why: Why::Reads, round: 0 };
        let back = Edge { from: zone.early_reader, to: zone.call, why: Why::Realtime, round: 0 };
        let mut calls = vec![zone.call, zone.early_reader];
        calls.sort_unstable();
        return Some(Contradiction { cycle: vec![there, back], calls, session: None });
    }
    let mut left: Vec<bool> = vec![true; zones.len()];
    let mut waits: Vec<u8> = zones.iter().map(|zone| 2 + u8::from(zone.saw != NONE)).collect();
    let mut after: Vec<Vec<u32>> = vec![Vec::new(); zones.len()];
    for (number, zone) in (0u32..).zip(&zones) {
        if zone.saw != NONE {
            after[zone.saw as usize].push(number);
        }
    }
    let sorted = |by: &dyn Fn(&Zone) -> u64| {
        let mut order: Vec<u32> = (0..zones.len() as u32).collect();
        order.sort_by_key(|&zone| (by(&zones[zone as usize]), zone));
        order
    };
    let (ends, earlies) = (sorted(&|zone| zone.ended), sorted(&|zone| zone.early));
    let (lates, begins) = (sorted(&|zone| zone.late), sorted(&|zone| zone.began));
    let (mut late_next, mut begin_next) = (0, 0);
    let mut ready: Vec<u32> = Vec::new();
    let mut firsts = Firsts { ends, earlies, end: 0, early: 0 };
    let mut remaining = zones.len();
    while remaining > 0 {
        firsts.skip(&left);
        let (end, early) = firsts.least(&zones, &left, NONE);
        while let Some(&zone) = lates.get(late_next).filter(|&&zone| zones[zone as usize].late <= end) {
            late_next += 1;
            settle(zone, &mut waits, &mut ready);
        }
        while let Some(&zone) = begins.get(begin_next).filter(|&&zone| zones[zone as usize].began <= early) {
            begin_next += 1;
            settle(zone, &mut waits, &mut ready);
        }
        let own = [firsts.ends[firsts.end], firsts.earlies[firsts.early]];
        let next =
            ready.pop().or_else(|| own.into_iter().find(|&zone| is_first(&zones, &left, &firsts, zone)));
        let Some(next) = next else { return Some(contradiction(&zones, &left, &firsts)) };
        if !std::mem::replace(&mut left[next as usize], false) {
            continue;
        }
        remaining -= 1;
        for &zone in &after[next as usize] {
            settle(zone, &mut waits, &mut ready);
        }
    }
    None
}

fn settle(zone: u32, waits: &mut [u8], ready: &mut Vec<u32>) {
    waits[zone as usize] -= 1;
    if waits[zone as usize] == 0 {
        ready.push(zone);
    }
}

/// The first end and the first early end of what is left.
struct Firsts {
    ends: Vec<u32>,
    earlies: Vec<u32>,
    end: usize,
    early: usize,
}

impl Firsts {
    fn skip(&mut self, left: &[bool]) {
        while !left[self.ends[self.end] as usize] {
            self.end += 1;
        }
        while !left[self.earlies[self.early] as usize] {
            self.early += 1;
        }
    }

    /// The zones with the first end and the first early end, but for one.
    fn others(&self, left: &[bool], but: u32) -> [Option<u32>; 2] {
        let first = |list: &[u32]| list.iter().copied().find(|&zone| zone != but && left[zone as usize]);
        [first(&self.ends[self.end..]), first(&self.earlies[self.early..])]
    }

    fn least(&self, zones: &[Zone], left: &[bool], but: u32) -> (u64, u64) {
        let [end, early] = self.others(left, but);
        (
            end.map_or(u64::MAX, |zone| zones[zone as usize].ended),
            early.map_or(u64::MAX, |zone| zones[zone as usize].early),
        )
    }
}

/// Whether nothing that is left comes before this.
fn is_first(zones: &[Zone], left: &[bool], firsts: &Firsts, zone: u32) -> bool {
    predecessor(zones, left, firsts, zone).is_none()
}

/// Something that is left and comes before this.
fn predecessor(zones: &[Zone], left: &[bool], firsts: &Firsts, zone: u32) -> Option<u32> {
    let at = &zones[zone as usize];
    let [end, early] = firsts.others(left, zone);
    let end = end.filter(|&other| zones[other as usize].ended < at.late);
    let early = early.filter(|&other| zones[other as usize].early < at.began);
    end.or(early).or(Some(at.saw).filter(|&saw| saw != NONE && left[saw as usize]))
}

/// A cycle: from predecessor to predecessor, until one comes again.
fn contradiction(zones: &[Zone], left: &[bool], firsts: &Firsts) -> Contradiction {
    let start = (0..zones.len() as u32).find(|&zone| left[zone as usize]).expect("something is left");
    let (mut walk, mut seen) = (vec![start], BTreeMap::from([(start, 0)]));
    let begin = loop {
        let last = walk[walk.len() - 1];
        let before = predecessor(zones, left, firsts, last).expect("nothing that is left is first");
        if let Some(&begin) = seen.get(&before) {
            break begin;
        }
        seen.insert(before, walk.len());
        walk.push(before);
    };
    let mut edges = Vec::new();
    let around = walk[begin..].iter().copied().rev().collect::<Vec<u32>>();
    for (i, &from) in around.iter().enumerate() {
        let to = around[(i + 1) % around.len()];
        reasons(&zones[from as usize], &zones[to as usize], &mut edges);
    }
    let mut calls: Vec<u32> = edges.iter().flat_map(|edge| [edge.from, edge.to]).collect();
    calls.extend(edges.iter().filter_map(|edge| match edge.why {
        Why::Older { reader } => Some(reader),
        _ => None,
    }));
    // The initial version has no call.
    edges.retain(|edge| edge.from != NONE && edge.to != NONE);
    calls.retain(|&call| call != NONE);
    calls.sort_unstable();
    calls.dedup();
    Contradiction { cycle: edges, calls, session: None }
}

/// Why one zone comes before another.
fn reasons(from: &Zone, to: &Zone, edges: &mut Vec<Edge>) {
    let mut edge = |from: u32, to: u32, why: Why| edges.push(Edge { from, to, why, round: 0 });
    if from.call == NONE {
        // What a reader of the initial version missed, comes back to that reader.
    } else if to.call == NONE {
        edge(from.call, to.late_reader, Why::Realtime);
    } else if from.ended < to.began {
        edge(from.call, to.call, Why::Realtime);
    } else if from.ended < to.late {
        edge(from.call, to.call, Why::Older { reader: to.late_reader });
    } else if from.early < to.began {
        edge(from.call, from.early_reader, Why::Reads);
        edge(from.early_reader, to.call, Why::Realtime);
    } else {
        edge(from.call, to.call, Why::Reads);
    }
    if from.call == NONE && from.late_reader != NONE {
        edge(from.late_reader, to.call, Why::Replaced { writer: NONE });
    }
}

fn zones(problem: &Problem, sources: &Sources) -> Vec<Zone> {
    let fresh = |call: u32, began: u64, ended: u64| Zone {
        call,
        began,
        late: began,
        late_reader: NONE,
        ended,
        early: ended,
        early_reader: NONE,
        saw: NONE,
    };
    let later = |time: u64| if time == NEVER { NEVER } else { time.saturating_add(1) };
    let mut zones = vec![fresh(NONE, 0, 0)];
    let mut zone_of = vec![NONE; problem.calls.len()];
    for (number, call) in (0u32..).zip(&problem.calls) {
        if sources.happened[number as usize] && call.action.makes().is_some() {
            zone_of[number as usize] = zones.len() as u32;
            zones.push(fresh(number, later(call.began), later(call.ended)));
        }
    }
    for (number, call) in (0u32..).zip(&problem.calls) {
        let source = sources.of[number as usize];
        if source == NONE || !sources.happened[number as usize] {
            continue;
        }
        let source = if source == INITIAL { 0 } else { zone_of[source as usize] };
        let zone = &mut zones[source as usize];
        if later(call.began) > zone.late {
            (zone.late, zone.late_reader) = (later(call.began), number);
        }
        if later(call.ended) < zone.early {
            (zone.early, zone.early_reader) = (later(call.ended), number);
        }
        if zone_of[number as usize] != NONE {
            zones[zone_of[number as usize] as usize].saw = source;
        }
    }
    zones
}

//! The order of versions, as far as it is proven or assumed.

use history::Outcome;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{NONE, Precedence, Registers, Version, timed};
use crate::{
    Anomaly, Budget,
    transactions::{
        class::{Base, Class},
        edges::{Edges, Kind},
        graph::Graph,
        knot::Knot,
        scope::Scope,
        search::{Effort, Search},
    },
};

pub(super) fn find(registers: &mut Registers<'_>) {
    updates(registers);
    after_init(registers);
    let proven = registers.successors.len();
    if registers.order.given {
        given(registers);
    }
    if registers.order.sequential {
        sequential(registers);
    }
    if registers.order.linearizable {
        timed::linearizable(registers);
    }
    if !registers.order.is_exact() {
        drop_cyclic(registers, proven);
    }
    registers.successors.sort_unstable();
    registers.successors.dedup();
}

/// Whoever read one version and wrote another wrote the later one.
fn updates(registers: &mut Registers<'_>) {
    let pairs: Vec<(u32, u32)> = registers
        .reads
        .iter()
        .filter(|read| {
            read.next != NONE && registers.is_placed(read.version) && registers.is_placed(read.next)
        })
        .map(|read| (read.version, read.next))
        .filter(|(before, after)| before != after)
        .collect();
    registers.successors.extend(pairs);
}

/// What was there from the beginning was replaced by everything else.
fn after_init(registers: &mut Registers<'_>) {
    let Some(init) = registers.init else { return };
    let mut first = vec![NONE; registers.keys.len()];
    for (number, version) in (0..).zip(&registers.versions) {
        if version.writer == init && registers.is_placed(number) {
            first[version.key as usize] = number;
        }
    }
    for number in 0..registers.versions.len() as u32 {
        let Version { key, writer, .. } = registers.versions[number as usize];
        let before = first[key as usize];
        if before != NONE && writer != NONE && writer != init && registers.is_placed(number) {
            registers.successors.push((before, number));
        }
    }
}

/// The versions that a transaction shows of its keys, first and last: what it read or left there.
pub(super) fn shown(registers: &Registers<'_>) -> Vec<(u32, u32, u32, u32)> {
    let mut shown: Vec<(u32, u32, u32, u32)> = Vec::new();
    let mut add = |transaction: u32, step: u32, version: u32| {
        if registers.is_placed(version) {
            shown.push((transaction, registers.versions[version as usize].key, step, version));
        }
    };
    for read in &registers.reads {
        add(read.transaction, read.step, read.version);
    }
    for (number, version) in (0..).zip(&registers.versions) {
        if version.writer != NONE {
            add(version.writer, version.step, number);
        }
    }
    shown.sort_unstable();
    shown
}

/// Each session sees the versions of a key in their order.
fn sequential(registers: &mut Registers<'_>) {
    let shown = shown(registers);
    let mut last: FxHashMap<(u32, u32), u32> = FxHashMap::default();
    for (transaction, key, _, version) in shown {
        let operation = registers.operation(transaction);
        let session = (operation.process.0, key);
        if let Some(&before) = last.get(&session)
            && before != version
        {
            registers.successors.push((before, version));
        }
        // Nothing in a session comes after what may still happen.
        if matches!(operation.outcome, Outcome::Ok(_)) {
            last.insert(session, version);
        }
    }
}

/// The database's own commit times.
fn given(registers: &mut Registers<'_>) {
    let Some(times) = registers.history.header.given_times.clone() else { return };
    let mut placed: Vec<(u32, u64, u32)> = Vec::new();
    for (number, version) in (0..).zip(&registers.versions) {
        // That the initial version is the first is known anyhow.
        if version.writer == NONE || !registers.is_placed(number) {
            continue;
        }
        let time = times.get(version.writer as usize).copied().flatten().map(|times| times.commit);
        if let Some(time) = time {
            placed.push((version.key, time, number));
        }
    }
    placed.sort_unstable();
    // Versions of one time have no order, and are all between what is before and after them.
    let groups: Vec<&[(u32, u64, u32)]> =
        placed.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)).collect();
    for pair in groups.windows(2).filter(|pair| pair[0][0].0 == pair[1][0].0) {
        registers.precedences.push(Precedence {
            key: pair[0][0].0,
            before: pair[0].iter().map(|entry| entry.2).collect(),
            after: pair[1].iter().map(|entry| entry.2).collect(),
        });
    }
}

/// Where what was assumed of a key contradicts itself, says so and assumes nothing of it.
fn drop_cyclic(registers: &mut Registers<'_>, proven: usize) {
    let mut edges = Edges::new(registers.versions.len() as u32);
    for &(before, after) in &registers.successors {
        edges.add(before, after, Kind::Ww);
    }
    for precedence in &registers.precedences {
        edges.cross(&precedence.before, &precedence.after, Kind::Ww);
    }
    let graph = Graph::new(&edges);
    let order = graph.order();
    if order.len() == graph.nodes() as usize {
        return;
    }
    let mut is_ordered = vec![false; graph.nodes() as usize];
    order.iter().for_each(|node| is_ordered[*node as usize] = true);
    let rest: Vec<u32> = (0..graph.nodes()).filter(|node| !is_ordered[*node as usize]).collect();
    let class = Class { base: Base::G0, scope: Scope::Plain };
    let mut place = vec![NONE; graph.nodes() as usize];
    let mut bad: FxHashSet<u32> = FxHashSet::default();
    for nodes in graph.knots(&rest, class.mask()) {
        let knot = Knot::new(&graph, edges.transactions, nodes, &mut place);
        let all: Vec<u32> = (0..knot.graph.nodes()).collect();
        let budget = Budget::default();
        let found = Search::new(&knot).walk(&all, class, &mut Effort::new(&budget));
        let Ok(Some(cycle)) = found else { continue };
        let versions: Vec<u32> = cycle.iter().map(|step| step.from).collect();
        let key = registers.versions[versions[0] as usize].key;
        if bad.insert(key) {
            cyclic(registers, key, &versions);
        }
    }
    registers.dropped += bad.len() as u64;
    let versions = &registers.versions;
    let mut number = 0;
    registers.successors.retain(|(before, _)| {
        number += 1;
        number <= proven || !bad.contains(&versions[*before as usize].key)
    });
    registers.precedences.retain(|precedence| !bad.contains(&precedence.key));
}

fn cyclic(registers: &mut Registers<'_>, key: u32, versions: &[u32]) {
    let name = registers.keys[key as usize];
    let shown: Vec<String> =
        versions.iter().take(8).map(|version| registers.value(*version).to_string()).collect();
    let mut witness = Vec::new();
    for version in versions {
        let writer = registers.versions[*version as usize].writer;
        if writer != NONE {
            witness.push(registers.operation(writer).index);
        }
        let reader = registers.reads.iter().find(|read| read.version == *version);
        witness.extend(reader.map(|read| registers.operation(read.transaction).index));
    }
    witness.sort_unstable();
    witness.dedup();
    let assumed = registers.order.names().join(" and ");
    registers.findings.add("cyclic-versions", || Anomaly {
        sentence: format!(
            "By the order of versions that was assumed ({assumed}), {name} was {} and then {} again.",
            shown.join(", then "),
            shown[0]
        ),
        key: Some(name.clone()),
        witness,
        ..Anomaly::default()
    });
}

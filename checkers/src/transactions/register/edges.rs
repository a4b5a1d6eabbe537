//! The edges that a rw-register history proves, or that follow from the order of versions that was assumed.

use super::{NONE, Read, Registers};
use crate::transactions::{
    edges::{Edges, Kind},
    groups::Groups,
};

/// Which missed versions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transactions) enum Reach {
    /// Those of keys that were read.
    Items,
    /// Also those that a condition passed over.
    All,
}

/// All edges that the data shows.
pub(in crate::transactions) fn edges(registers: &Registers<'_>, edges: &mut Edges) {
    edges_within(registers, Reach::All, edges);
}

/// The edges that the data shows, as far as they are to count.
pub(in crate::transactions) fn edges_within(registers: &Registers<'_>, reach: Reach, edges: &mut Edges) {
    for read in &registers.reads {
        if let Some(writer) = registers.writer(read.version) {
            edges.add(writer, read.transaction, Kind::Wr);
        }
    }
    let readers = readers(registers, reach);
    let pairs = registers.successors.as_slice();
    let has_wr = |before: u32, after: u32| {
        let reader = registers.versions[after as usize].writer;
        readers.of(before).contains(&reader)
    };
    let mut targets = Vec::new();
    for successors in pairs.chunk_by(|one, other| one.0 == other.0) {
        let before = successors[0].0;
        targets.clear();
        targets.extend(successors.iter().filter_map(|(_, after)| registers.writer(*after)));
        for (_, after) in successors {
            // Who read a version and replaced it comes after its writer anyhow. That it also wrote the later version
            // is proven by nothing weaker than read committed.
            let Some((from, to)) = registers.writer(before).zip(registers.writer(*after)) else { continue };
            if registers.order.wfr || !has_wr(before, *after) {
                edges.add(from, to, Kind::Ww);
            }
        }
        cross(edges, readers.of(before), &mut targets, Kind::Rw);
    }
    for precedence in &registers.precedences {
        let writers = |versions: &[u32]| -> Vec<u32> {
            versions.iter().filter_map(|version| registers.writer(*version)).collect()
        };
        targets = writers(&precedence.after);
        cross(edges, &writers(&precedence.before), &mut targets, Kind::Ww);
        let reading: Vec<u32> =
            precedence.before.iter().flat_map(|version| readers.of(*version)).copied().collect();
        cross(edges, &reading, &mut targets, Kind::Rw);
    }
    from_initial(registers, &readers, edges);
}

fn cross(edges: &mut Edges, sources: &[u32], targets: &mut Vec<u32>, kind: Kind) {
    targets.sort_unstable();
    targets.dedup();
    edges.cross(sources, targets, kind);
}

/// The transactions that read each placed version.
fn readers(registers: &Registers<'_>, reach: Reach) -> Groups {
    let counts = |read: &Read| reach == Reach::All || registers.is_item(read);
    let placed = registers.reads.iter().filter(|read| registers.is_placed(read.version) && counts(read));
    let pairs: Vec<(u32, u32)> = placed.map(|read| (read.version, read.transaction)).collect();
    Groups::new(registers.versions.len(), &pairs)
}

/// Whoever read the initial version of a key comes before all that wrote it. It is enough to come before those whose
/// version is not known to follow another one: from there the others are reached.
fn from_initial(registers: &Registers<'_>, readers: &Groups, edges: &mut Edges) {
    let mut follows = vec![false; registers.versions.len()];
    let mut mark = |before: u32, after: u32| {
        // From a version whose writer is a node of the graph the next one is reached.
        if registers.writer(before).is_some() {
            follows[after as usize] = true;
        }
    };
    registers.successors.iter().for_each(|(before, after)| mark(*before, *after));
    for precedence in &registers.precedences {
        if let Some(before) = precedence.before.iter().find(|before| registers.writer(**before).is_some()) {
            precedence.after.iter().for_each(|after| mark(*before, *after));
        }
    }
    let mut first: Vec<(u32, u32)> = Vec::new();
    for (number, version) in (0..).zip(&registers.versions) {
        if !follows[number as usize]
            && registers.initial[version.key as usize] != NONE
            && version.is_last
            && let Some(writer) = registers.writer(number)
        {
            first.push((version.key, writer));
        }
    }
    let first = Groups::new(registers.keys.len(), &first);
    for key in 0..registers.keys.len() as u32 {
        let initial = registers.initial[key as usize];
        if initial != NONE && !first.of(key).is_empty() {
            let mut targets = first.of(key).to_vec();
            cross(edges, readers.of(initial), &mut targets, Kind::Rw);
        }
    }
}

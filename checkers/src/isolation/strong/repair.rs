//! From a guessed order to one that is right, or to the proof that there is none.
//!
//! Only what the present order gets wrong is asked about: two chains of a key that overlap. If one of the two answers would
//! close a circle, the other is certain; what is left open is searched for.

use rustc_hash::FxHashMap;

use super::{
    super::{
        decision::{Finding, Order},
        meter::Meter,
        problem::{INITIAL, Lists, NONE, Problem},
    },
    layout::{Chain, Demand, Layout},
    search::{Refined, Search},
    topology::{ALWAYS, Topology},
};
use crate::Limit;

/// How many of the chains that one overlaps are asked about at a time.
const OVERLAPS_MAX: usize = 8;
/// How many points of the order make a quarter.
const QUARTER: u32 = 64;

/// Looks for an order that is right, beginning with one that respects the certain edges.
pub(super) fn repair(
    problem: &Problem,
    layout: &Layout,
    order: &[u32],
    meter: &mut Meter,
) -> Result<Finding, Limit> {
    meter.hold(Topology::bytes(layout.nodes, layout.edges.len()))?;
    let mut repair =
        Repair { layout, forced: FxHashMap::default(), asked: FxHashMap::default(), loops: Vec::new() };
    let mut search = Search::new(Topology::new(&layout.edges, order));
    if !repair.settle(&mut search.topology, meter)? {
        return Ok(Finding::Disorder(repair.culprits(problem, &[])));
    }
    let found = search.run(meter, |search, meter| {
        let mut overlaps = repair.overlaps(&search.topology.rank, meter)?;
        // Questions are numbered, and so decided, along the order: answers that close a circle together are then near each
        // other, and few have to be taken back. Key by key they would be as far apart as the history is long.
        let start = |chain: u32| search.topology.rank[layout.commit(repair.chain(chain).first) as usize];
        overlaps.sort_by_cached_key(|&(one, other)| (start(one).min(start(other)), one, other));
        let mut refined = Refined::Done;
        for (one, other) in overlaps {
            refined = Refined::More;
            repair.ask(search, one, other, meter)?;
        }
        Ok(refined)
    })?;
    if !found {
        let met = std::mem::take(&mut search.met_nodes);
        let chains: Vec<(u32, u32)> = repair.asked.keys().copied().collect();
        repair.loops.extend(chains.into_iter().map(|(one, other)| (vec![], one, other)));
        return Ok(Finding::Disorder(repair.culprits(problem, &met)));
    }
    Ok(Finding::Kept(Some(read_off(problem, layout, &search.topology.rank))))
}

struct Repair<'l> {
    layout: &'l Layout,
    /// For each edge that turned out to be certain, the number of the loop that its opposite would close.
    forced: FxHashMap<(u32, u32), usize>,
    asked: FxHashMap<(u32, u32), u32>,
    /// The nodes of loops, from their end to their beginning, and the two chains that they are about.
    loops: Vec<(Vec<u32>, u32, u32)>,
}

impl Repair<'_> {
    /// Draws conclusions that need no search, for as long as they are many; false if they contradict each other.
    fn settle(&mut self, topology: &mut Topology, meter: &mut Meter) -> Result<bool, Limit> {
        let mut before = usize::MAX;
        loop {
            let overlaps = self.overlaps(&topology.rank, meter)?;
            if overlaps.len() > before - before / 8 {
                return Ok(true);
            }
            before = overlaps.len();
            let mut progress = false;
            for (one, other) in overlaps {
                let forward = self.blocked(topology, one, other, meter)?;
                let backward = self.blocked(topology, other, one, meter)?;
                let (certain, blocked) = match (forward, backward) {
                    (Some(forward), Some(backward)) => {
                        self.loops.push((forward, one, other));
                        self.loops.push((backward, one, other));
                        return Ok(false);
                    }
                    (None, None) => continue,
                    (Some(blocked), None) => ((other, one), blocked),
                    (None, Some(blocked)) => ((one, other), blocked),
                };
                progress = true;
                self.loops.push((blocked, one, other));
                for (from, to) in self.edges(certain.0, certain.1) {
                    self.forced.insert((from, to), self.loops.len() - 1);
                    if topology.add(from, to, ALWAYS, meter)?.is_err() {
                        return Ok(false);
                    }
                }
            }
            if !progress {
                return Ok(true);
            }
        }
    }

    fn chain(&self, chain: u32) -> &Chain {
        &self.layout.chains[chain as usize]
    }

    fn edges(&self, one: u32, other: u32) -> super::search::Edges {
        self.layout.before(self.chain(one), self.chain(other))
    }

    /// A circle that would come of one chain before the other.
    fn blocked(
        &self,
        topology: &mut Topology,
        one: u32,
        other: u32,
        meter: &mut Meter,
    ) -> Result<Option<Vec<u32>>, Limit> {
        for (from, to) in self.edges(one, other) {
            if let Some(found) = topology.path(to, from, meter)? {
                return Ok(Some(found.nodes));
            }
        }
        Ok(None)
    }

    fn ask(&mut self, search: &mut Search, one: u32, other: u32, meter: &mut Meter) -> Result<(), Limit> {
        let pair = (one.min(other), one.max(other));
        if self.asked.contains_key(&pair) {
            return Ok(());
        }
        meter.hold(200)?;
        let (first, second) = (self.edges(pair.0, pair.1), self.edges(pair.1, pair.0));
        let begin = |chain: u32| search.topology.rank[self.layout.commit(self.chain(chain).first) as usize];
        let preferred = u8::from(begin(pair.1) < begin(pair.0));
        let quarter = begin(pair.0).min(begin(pair.1)) / QUARTER;
        let variable = search.add_variable(first, second, preferred, quarter);
        self.asked.insert(pair, variable);
        Ok(())
    }

    /// Pairs of chains of a key that overlap in an order; none only if the order is right.
    fn overlaps(&self, rank: &[u32], meter: &mut Meter) -> Result<Vec<(u32, u32)>, Limit> {
        let layout = self.layout;
        let mut found = Vec::new();
        let mut sorted: Vec<(u32, u32)> = Vec::new();
        // The chains before, by where their last write and their last read are.
        let mut active: Vec<(u32, u32, u32)> = Vec::new();
        for bounds in layout.bounds.windows(2) {
            if bounds[1] - bounds[0] < 2 {
                continue;
            }
            sorted.clear();
            sorted.extend(
                (bounds[0]..bounds[1])
                    .map(|chain| (rank[layout.commit(self.chain(chain).first) as usize], chain)),
            );
            sorted.sort_unstable();
            active.clear();
            for &(start, number) in &sorted {
                let chain = self.chain(number);
                let begin = match layout.demand {
                    Demand::Snapshot => rank[layout.begin(chain.first) as usize],
                    Demand::Serial | Demand::Prefix | Demand::Parallel => start,
                };
                active.retain(|&(write, read, _)| write > begin || read > start);
                meter.spend(1 + active.len() as u64)?;
                found.extend(active.iter().rev().take(OVERLAPS_MAX).map(|&(_, _, other)| (other, number)));
                let updates = |reader: &&u32| **reader != layout.updater[chain.version as usize];
                let readers = layout.readers.of(chain.version);
                meter.spend(readers.len() as u64)?;
                let reads = readers.iter().filter(updates).map(|&reader| rank[layout.begin(reader) as usize]);
                let write = rank[layout.commit(chain.last) as usize];
                active.push((write, reads.max().unwrap_or(0), number));
            }
        }
        Ok(found)
    }

    /// The transactions of the loops that were met, of what made them certain, and of their chains.
    fn culprits(&self, problem: &Problem, met: &[u32]) -> Vec<u32> {
        let layout = self.layout;
        let mut nodes: Vec<u32> = met.to_vec();
        let mut chains: Vec<u32> = Vec::new();
        for (circle, one, other) in &self.loops {
            nodes.extend(circle);
            chains.extend([*one, *other]);
        }
        let mut culprits: Vec<u32> =
            nodes.iter().map(|&node| layout.owner[node as usize]).filter(|&t| t != NONE).collect();
        for chain in chains {
            let chain = self.chain(chain);
            let mut writer = chain.first;
            while writer != NONE {
                culprits.push(writer);
                let version = Layout::version(problem, writer, chain.key);
                culprits.extend(layout.readers.of(version));
                writer = layout.updater[version as usize];
            }
        }
        culprits.sort_unstable();
        culprits.dedup();
        culprits
    }
}

/// The transactions on a circle of the certain edges.
pub(super) fn on_circle(layout: &Layout) -> Vec<u32> {
    let out = Lists::gather(layout.nodes, || layout.edges.iter().copied());
    let into = Lists::gather(layout.nodes, || layout.edges.iter().map(|&(from, to)| (to, from)));
    // What remains after taking away all that nothing leads to, and all that leads to nothing.
    let mut gone = vec![false; layout.nodes];
    for (forth, back) in [(&out, &into), (&into, &out)] {
        let mut open: Vec<u32> = (0..layout.nodes as u32)
            .map(|node| back.of(node).iter().filter(|&&source| !gone[source as usize]).count() as u32)
            .collect();
        let mut ready: Vec<u32> = (0..layout.nodes as u32)
            .filter(|&node| open[node as usize] == 0 && !gone[node as usize])
            .collect();
        while let Some(node) = ready.pop() {
            gone[node as usize] = true;
            for &next in forth.of(node) {
                open[next as usize] = open[next as usize].saturating_sub(1);
                if open[next as usize] == 0 && !gone[next as usize] {
                    ready.push(next);
                }
            }
        }
    }
    let left = (0..layout.nodes).filter(|&node| !gone[node]).map(|node| layout.owner[node]);
    let mut left: Vec<u32> = left.filter(|&t| t != NONE).collect();
    left.sort_unstable();
    left.dedup();
    left
}

fn read_off(problem: &Problem, layout: &Layout, rank: &[u32]) -> Order {
    let mut points: Vec<(u32, u32)> = (0..layout.nodes)
        .filter(|&node| layout.owner[node] != NONE && layout.owner[node] != INITIAL)
        .filter(|&node| !problem.is_absent(layout.owner[node]))
        .map(|node| (rank[node], layout.owner[node]))
        .collect();
    points.sort_unstable();
    let points = points.into_iter().map(|(_, t)| t).collect();
    match layout.demand {
        Demand::Serial | Demand::Parallel => Order::Serial(points),
        Demand::Snapshot | Demand::Prefix => Order::Snapshots(points),
    }
}

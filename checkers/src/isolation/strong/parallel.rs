//! Parallel snapshot isolation: writers of a key see each other in one order, and a reader must not see the writer that
//! replaced what it read.
//!
//! The graph here is of who sees whom. The search orders the chains of each key, as at the other levels; whether some
//! reader sees too much is looked at when all of them are ordered, and what makes it see too much is then forbidden.

use rustc_hash::FxHashMap;

use super::{
    super::{
        decision::Finding,
        graph::Edge,
        meter::Meter,
        problem::{Lists, NONE, Problem},
    },
    guess,
    layout::{Demand, Layout},
    repair,
    search::{Refined, Search},
    topology::Topology,
};
use crate::Limit;

/// How many words of bits each transaction has at a time.
const WORDS: usize = 8;
/// How many transactions are looked for at a time.
const WIDTH: usize = WORDS * 64;

/// Looks for orders of the writers of every key.
pub(super) fn find(problem: &Problem, edges: &[Edge], meter: &mut Meter) -> Result<Finding, Limit> {
    let layout = Layout::new(problem, Demand::Parallel, edges, false, meter)?;
    if let Some(clash) = layout.clash {
        return Ok(Finding::Clash(clash));
    }
    let Some(order) = guess::order(problem, &layout) else {
        return Ok(Finding::Disorder(repair::on_circle(&layout)));
    };
    meter.hold(Topology::bytes(layout.nodes, layout.edges.len()) + problem.len() * WORDS * 8)?;
    let mut search = Search::new(Topology::new(&layout.edges, &order));
    let mut pairs = Pairs { problem, layout: &layout, asked: FxHashMap::default(), met: Vec::new() };
    let found = search.run(meter, |search, meter| pairs.refine(search, meter))?;
    if found {
        return Ok(Finding::Kept(None));
    }
    let mut culprits = pairs.met;
    culprits.extend(search.met_nodes.iter().filter(|&&node| (node as usize) < problem.len()));
    culprits.sort_unstable();
    culprits.dedup();
    Ok(Finding::Disorder(culprits))
}

struct Pairs<'p> {
    problem: &'p Problem,
    layout: &'p Layout,
    asked: FxHashMap<(u32, u32), u32>,
    met: Vec<u32>,
}

impl Pairs<'_> {
    fn refine(&mut self, search: &mut Search, meter: &mut Meter) -> Result<Refined, Limit> {
        let layout = self.layout;
        let mut refined = Refined::Done;
        // For each version, the transaction that replaced it, and the variable that says so.
        let mut next: Vec<(u32, u32)> = layout.updater.iter().map(|&updater| (updater, NONE)).collect();
        for bounds in layout.bounds.windows(2) {
            let rank = |chain: u32| search.topology.rank[layout.chains[chain as usize].first as usize];
            let mut sorted: Vec<u32> = (bounds[0]..bounds[1]).collect();
            sorted.sort_unstable_by_key(|&chain| rank(chain));
            meter.spend(sorted.len() as u64)?;
            for pair in sorted.windows(2) {
                let names = (pair[0].min(pair[1]), pair[0].max(pair[1]));
                let variable = match self.asked.get(&names) {
                    Some(&variable) => variable,
                    None => {
                        refined = Refined::More;
                        let (one, other) =
                            (&layout.chains[names.0 as usize], &layout.chains[names.1 as usize]);
                        let (first, second) = (layout.before(one, other), layout.before(other, one));
                        let variable = search.add_variable(first, second, u8::from(pair[0] != names.0), 0);
                        self.asked.insert(names, variable);
                        self.met.extend([one.first, one.last, other.first, other.last]);
                        meter.hold(200)?;
                        variable
                    }
                };
                let version = layout.chains[pair[0] as usize].version;
                next[version as usize] = (layout.chains[pair[1] as usize].first, variable);
            }
            if let Some(&first) = sorted.first() {
                self.after_initial(&mut next, first);
            }
        }
        if matches!(refined, Refined::More) {
            return Ok(refined);
        }
        let Some((reader, replacer, variable)) = self.oversight(search, &next, meter)? else {
            return Ok(Refined::Done);
        };
        let found = search.topology.path(replacer, reader, meter)?.unwrap_or_default();
        self.met.extend(found.nodes.iter().chain([&reader, &replacer]));
        let mut answers = found.literals;
        answers.extend(
            Some(variable).filter(|&variable| variable != NONE).map(|variable| search.given(variable)),
        );
        answers.sort_unstable();
        answers.dedup();
        Ok(Refined::Never(answers))
    }

    /// The first chain replaces the initial value, or the last version that was made of it.
    fn after_initial(&self, next: &mut [(u32, u32)], first: u32) {
        let chain = &self.layout.chains[first as usize];
        let mut version = (self.problem.writes.len() + chain.key as usize) as u32;
        while next[version as usize].0 != NONE {
            let updater = next[version as usize].0;
            version = Layout::version(self.problem, updater, chain.key);
        }
        next[version as usize] = (chain.first, NONE);
    }

    /// A reader that sees who replaced what it read, with who did, and the variable that says that it was replaced.
    fn oversight(
        &self,
        search: &Search,
        next: &[(u32, u32)],
        meter: &mut Meter,
    ) -> Result<Option<(u32, u32, u32)>, Limit> {
        let count = self.problem.len();
        let mut order: Vec<u32> = (0..count as u32).collect();
        order.sort_unstable_by_key(|&t| search.topology.rank[t as usize]);
        let edges = search.topology.edges();
        let into = Lists::gather(count, || edges.iter().map(|&(from, to)| (to, from)));
        let mut rows = vec![[0u64; WORDS]; count];
        for first in (0..count).step_by(WIDTH) {
            meter.spend((count + edges.len()) as u64 / 4)?;
            for &t in &order {
                let mut row = [0u64; WORDS];
                for &source in into.of(t) {
                    for (mine, theirs) in row.iter_mut().zip(&rows[source as usize]) {
                        *mine |= theirs;
                    }
                    let place = (source as usize).wrapping_sub(first);
                    if place < WIDTH {
                        row[place / 64] |= 1 << (place % 64);
                    }
                }
                rows[t as usize] = row;
            }
            for t in self.problem.transactions() {
                for read in self.problem.reads(t) {
                    let version = Layout::version(self.problem, read.from, read.key);
                    let (replacer, variable) = next[version as usize];
                    let place = (replacer as usize).wrapping_sub(first);
                    if place < WIDTH && replacer != t && rows[t as usize][place / 64] >> (place % 64) & 1 == 1
                    {
                        return Ok(Some((t, replacer, variable)));
                    }
                }
            }
        }
        Ok(None)
    }
}

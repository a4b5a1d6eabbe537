//! What causality makes visible, by clocks: for each transaction and each chain of transactions, how much of the chain
//! came before it.
//!
//! The clocks of a few chains at a time are kept, so that many sessions cost time and not memory.

use super::{
    graph::{Edge, Graph, Why, older},
    meter::Meter,
    problem::{INITIAL, Lists, Problem, Read},
};
use crate::Limit;

/// About how many bytes the clocks of a block of chains may take.
const BLOCK_BYTES: usize = 48 << 20;
const BLOCK_CHAINS_MAX: usize = 64;

/// Adds what causal convergence infers: a read sees all writes that causally precede it, so those that it does not show
/// are older than what it shows. `order` is an order of all transactions by the known edges.
pub(super) fn convergent(
    problem: &Problem,
    order: &[u32],
    meter: &mut Meter,
    edges: &mut Vec<Edge>,
) -> Result<(), Limit> {
    visible(problem, order, Carry::All, meter, edges)
}

/// Through whom a transaction sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carry {
    /// It sees what those saw from whom it read.
    All,
    /// It sees those from whom it read, and the earlier ones of their sessions.
    Sessions,
}

/// Adds that a read shows the newest of what is visible to it.
pub(super) fn visible(
    problem: &Problem,
    order: &[u32],
    carry: Carry,
    meter: &mut Meter,
    edges: &mut Vec<Edge>,
) -> Result<(), Limit> {
    let writers = writers_by_chain(problem);
    for_each_block(problem, order, carry, meter, |block, meter| {
        for t in problem.transactions() {
            for &Read { key, from } in problem.reads(t) {
                let steps = block.latest_visible(problem, t, writers.of(key), |visible| {
                    let known =
                        carry == Carry::All && from != INITIAL && block.precedes(problem, visible, from);
                    if visible != from && !known {
                        edges.push(older(visible, from, key, t));
                    }
                });
                meter.spend(steps)?;
            }
        }
        Ok(())
    })
}

/// The writers of each key, chain by chain and along each chain.
pub(super) fn writers_by_chain(problem: &Problem) -> Lists {
    let mut by_chain: Vec<u32> = problem.transactions().collect();
    by_chain.sort_unstable_by_key(|&t| (problem.chain[t as usize], problem.place[t as usize]));
    Lists::gather(problem.keys.len(), || {
        by_chain.iter().flat_map(|&t| problem.writes(t).iter().map(move |&key| (key, t)))
    })
}

/// The clocks of a block of chains.
pub(super) struct Block {
    first: u32,
    chains: usize,
    /// For each transaction and chain, how many transactions of the chain causally precede it.
    clocks: Vec<u32>,
}

/// Does something with the clocks of each block of chains.
pub(super) fn for_each_block(
    problem: &Problem,
    order: &[u32],
    carry: Carry,
    meter: &mut Meter,
    mut act: impl FnMut(&Block, &mut Meter) -> Result<(), Limit>,
) -> Result<(), Limit> {
    let room = BLOCK_BYTES / 4 / problem.len().max(1);
    let chains = room.clamp(4, BLOCK_CHAINS_MAX).min(problem.chains as usize);
    let mut block = Block { first: 0, chains, clocks: vec![0; chains * problem.len()] };
    meter.hold(block.clocks.len() * 4)?;
    while block.first < problem.chains {
        meter.spend((order.len() * chains) as u64 / 8)?;
        block.fill(problem, order, carry);
        act(&block, meter)?;
        block.first += chains as u32;
    }
    Ok(())
}

impl Block {
    fn fill(&mut self, problem: &Problem, order: &[u32], carry: Carry) {
        let width = self.chains;
        let mut clock = vec![0u32; width];
        for &t in order {
            if problem.is_absent(t) {
                continue;
            }
            clock.fill(0);
            let sources = problem.reads(t).iter().map(|read| read.from).filter(|&from| from != INITIAL);
            let previous = problem.previous(t);
            if carry == Carry::Sessions {
                sources.for_each(|source| self.mark_session(problem, source, &mut clock));
                previous.into_iter().for_each(|source| self.join(problem, source, &mut clock));
            } else {
                previous.into_iter().chain(sources).for_each(|source| self.join(problem, source, &mut clock));
            }
            self.clocks[t as usize * width..][..width].copy_from_slice(&clock);
        }
    }

    /// Adds a transaction and all that it sees.
    fn join(&self, problem: &Problem, source: u32, clock: &mut [u32]) {
        let theirs = &self.clocks[source as usize * self.chains..][..self.chains];
        for (mine, &theirs) in clock.iter_mut().zip(theirs) {
            *mine = (*mine).max(theirs);
        }
        self.mark(problem, source, clock);
    }

    /// Adds a transaction and the earlier ones of its session.
    fn mark_session(&self, problem: &Problem, source: u32, clock: &mut [u32]) {
        let mut member = Some(source);
        while let Some(one) = member {
            self.mark(problem, one, clock);
            // A chain may have branched off another one.
            member = problem.head_of(one).and_then(|head| problem.previous(head));
        }
    }

    fn mark(&self, problem: &Problem, source: u32, clock: &mut [u32]) {
        let chain = problem.chain[source as usize].wrapping_sub(self.first) as usize;
        if let Some(mine) = clock.get_mut(chain) {
            *mine = (*mine).max(problem.place[source as usize] + 1);
        }
    }

    /// Whether a transaction is on one of this block's chains.
    fn has(&self, problem: &Problem, t: u32) -> bool {
        (problem.chain[t as usize].wrapping_sub(self.first) as usize) < self.chains
    }

    /// Whether a transaction of this block's chains causally precedes another one.
    pub fn precedes(&self, problem: &Problem, before: u32, after: u32) -> bool {
        let chain = (problem.chain[before as usize] - self.first) as usize;
        self.clocks[after as usize * self.chains + chain] > problem.place[before as usize]
    }

    /// Calls `found` with the last writer of each chain that causally precedes `t`. Returns the steps taken.
    pub fn latest_visible(
        &self,
        problem: &Problem,
        t: u32,
        writers: &[u32],
        mut found: impl FnMut(u32),
    ) -> u64 {
        let clock = &self.clocks[t as usize * self.chains..][..self.chains];
        let chain_of = |writer: u32| problem.chain[writer as usize];
        let mut rest = &writers[writers.partition_point(|&writer| chain_of(writer) < self.first)..];
        let mut steps = 1;
        while let Some(&writer) = rest.first() {
            let Some(&limit) = clock.get((chain_of(writer) - self.first) as usize) else { break };
            steps += 1;
            let end = rest.partition_point(|&other| chain_of(other) == chain_of(writer));
            let visible = rest[..end].partition_point(|&other| problem.place[other as usize] < limit);
            if visible > 0 {
                found(rest[visible - 1]);
            }
            rest = &rest[end..];
        }
        steps
    }
}

/// An order of all transactions by known edges, if they have no circle.
pub(super) fn known_order(problem: &Problem, known: &[Edge]) -> Option<Vec<u32>> {
    Graph::new(problem.len(), known).order()
}

/// Of the edges from something visible to what was seen instead, the first for which what was seen had itself been seen by
/// what is visible: then what was seen had causally been replaced.
pub(super) fn replaced_cause(
    problem: &Problem,
    order: &[u32],
    inferred: &[Edge],
    meter: &mut Meter,
) -> Result<Option<Edge>, Limit> {
    let mut found: Option<Edge> = None;
    for_each_block(problem, order, Carry::All, meter, |block, meter| {
        meter.spend(inferred.len() as u64)?;
        let known = |edge: &&Edge| {
            edge.why == Why::Replaced
                || block.has(problem, edge.to) && block.precedes(problem, edge.to, edge.from)
        };
        let first = inferred.iter().find(known).copied();
        found = found.into_iter().chain(first).min();
        Ok(())
    })?;
    Ok(found)
}

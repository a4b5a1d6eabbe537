//! Appends to one list that no read shows: one came before the other, and nobody saw which.
//!
//! For serializability any order will do that agrees with the rest. Snapshots are stricter, since of two transactions that
//! wrote one key the second must have seen the first: so each pair that is tied together by other contradictions is tried
//! both ways.

use std::collections::VecDeque;

use super::{
    class::{Base, Class, mask_of},
    edges::{Kind, NONE},
    knot::Knot,
    search::{Cycle, Effort, Step},
};
use crate::Limit;

/// The most pairs of one knot that are tried.
const PAIRS_MAX: usize = 256;

/// What came of trying.
#[derive(Debug)]
pub(super) enum Settled {
    /// Some order of all pairs contradicts nothing.
    Fine,
    /// Each order of them makes a cycle: one for each way where a single pair shows it.
    Broken(Cycle, Cycle),
    /// There are too many.
    TooMany,
}

/// The pairs of rivals of a knot, in its own numbering. Rivals are transactions with their groups, in order.
pub(super) fn pairs(knot: &Knot, rivals: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut inside: Vec<(u32, u32)> = Vec::new();
    for (local, node) in (0..knot.transactions).zip(&knot.origin) {
        let start = rivals.partition_point(|(rival, _)| rival < node);
        let of_node = rivals[start..].iter().take_while(|(rival, _)| rival == node);
        inside.extend(of_node.map(|(_, group)| (*group, local)));
    }
    inside.sort_unstable();
    let mut pairs = Vec::new();
    for group in inside.chunk_by(|one, other| one.0 == other.0) {
        for (place, (_, one)) in group.iter().enumerate() {
            pairs.extend(group[place + 1..].iter().map(|(_, other)| (*one, *other)));
            if pairs.len() > PAIRS_MAX {
                return pairs;
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// Two transactions of which either may come first.
type Pair = (u32, u32);

/// Looks for an order of the pairs without a cycle of the class or a worse one.
pub(super) fn settle(
    knot: &Knot,
    pairs: &[(u32, u32)],
    class: Class,
    effort: &mut Effort<'_>,
) -> Result<Settled, Limit> {
    if pairs.len() > PAIRS_MAX {
        return Ok(Settled::TooMany);
    }
    let mut trial = Trial { knot, class, chosen: Vec::new() };
    let mut open = pairs.to_vec();
    // What was open and chosen before each guess, and the other way to guess.
    let mut guesses: Vec<(Vec<Pair>, usize, Pair)> = Vec::new();
    loop {
        match trial.force(&mut open, effort)? {
            Some((one, other)) => {
                let Some((before, chosen, way)) = guesses.pop() else {
                    return Ok(Settled::Broken(one, other));
                };
                open = before;
                trial.chosen.truncate(chosen);
                trial.chosen.push(way);
            }
            None => {
                let Some((one, other)) = open.pop() else { return Ok(Settled::Fine) };
                guesses.push((open.clone(), trial.chosen.len(), (other, one)));
                trial.chosen.push((one, other));
            }
        }
    }
}

struct Trial<'k> {
    knot: &'k Knot,
    class: Class,
    /// The pairs that were put into an order.
    chosen: Vec<(u32, u32)>,
}

impl Trial<'_> {
    /// Orders the pairs that can only be ordered one way, until none is left. The cycles of a pair that can be ordered in
    /// no way end it.
    fn force(
        &mut self,
        open: &mut Vec<(u32, u32)>,
        effort: &mut Effort<'_>,
    ) -> Result<Option<(Cycle, Cycle)>, Limit> {
        loop {
            let before = open.len();
            let mut left = Vec::new();
            for (one, other) in std::mem::take(open) {
                match (self.closes(one, other, effort)?, self.closes(other, one, effort)?) {
                    (Some(first), Some(second)) => return Ok(Some((first, second))),
                    (Some(_), None) => self.chosen.push((other, one)),
                    (None, Some(_)) => self.chosen.push((one, other)),
                    (None, None) => left.push((one, other)),
                }
            }
            *open = left;
            if open.len() == before || open.is_empty() {
                return Ok(None);
            }
        }
    }

    /// The cycle that an order of a pair makes: a way back from the later one on which no two missed versions follow each
    /// other, or, where a single one is already too much, on which there is at most one.
    fn closes(&self, from: u32, to: u32, effort: &mut Effort<'_>) -> Result<Option<Cycle>, Limit> {
        let mask =
            Kind::Ww.bit() | Kind::Wr.bit() | Kind::Rw.bit() | Kind::Pass.bit() | mask_of(self.class.scope);
        // A node with whether an rw edge forbids another one, how it was reached, and from where.
        let mut reached: Vec<(u32, bool, Kind, u32)> = vec![(to, false, Kind::Pass, NONE)];
        let mut visited = vec![[false; 2]; self.knot.origin.len()];
        visited[to as usize][0] = true;
        let mut queue: VecDeque<u32> = VecDeque::from([0]);
        while let Some(entry) = queue.pop_front() {
            let (node, spent, ..) = reached[entry as usize];
            if node == from {
                return Ok(Some(self.cycle(from, &reached, entry)));
            }
            let chosen =
                self.chosen.iter().filter(|(one, _)| *one == node).map(|(_, next)| (*next, Kind::Ww));
            let known = self.knot.graph.from(node).iter().map(|target| (target.node(), target.kind()));
            for (next, kind) in known.chain(chosen) {
                effort.spend()?;
                if mask & kind.bit() == 0 || (spent && kind == Kind::Rw) {
                    continue;
                }
                let spends = match kind {
                    Kind::Rw => true,
                    Kind::Pass => spent,
                    _ => spent && self.class.base == Base::Single,
                };
                if !std::mem::replace(&mut visited[next as usize][usize::from(spends)], true) {
                    queue.push_back(reached.len() as u32);
                    reached.push((next, spends, kind, entry));
                }
            }
        }
        Ok(None)
    }

    fn cycle(&self, from: u32, reached: &[(u32, bool, Kind, u32)], entry: u32) -> Cycle {
        let mut path = Vec::new();
        let mut at = entry;
        while at != NONE {
            path.push(reached[at as usize]);
            at = reached[at as usize].3;
        }
        path.reverse();
        let mut steps = vec![Step { from: self.knot.origin[from as usize], kind: Kind::Ww }];
        let (mut last, mut kind) = (path[0].0, Kind::Pass);
        for (node, _, by, _) in &path[1..] {
            if *by != Kind::Pass {
                kind = *by;
            }
            if *node < self.knot.transactions {
                steps.push(Step { from: self.knot.origin[last as usize], kind });
                last = *node;
            }
        }
        steps
    }
}

//! Causal memory: for each session, one order of its reads and of all writes that causally precede them.
//!
//! A session's transactions come one after the other, so all that is open is before which of them each writer comes.
//! Putting every writer as late as causality and the reads allow is as good as any other choice: if the demands "the
//! writers of a key that come before a read of it come before the writer that it shows" have no circle, there is an order.

use super::{
    graph::{Edge, Graph, older},
    meter::Meter,
    problem::{INITIAL, Lists, NONE, Problem, Read},
    views::sessions,
};
use crate::Limit;

/// The edges with which a session has no order, if there is such a session; the first one.
pub(super) fn refute(
    problem: &Problem,
    known: &[Edge],
    meter: &mut Meter,
) -> Result<Option<Vec<Edge>>, Limit> {
    let into = Lists::gather(problem.len(), || known.iter().map(|edge| (edge.to, edge.from)));
    let sessions = sessions(problem);
    let writers = problem.writers();
    let mut view = View {
        problem,
        into,
        writers,
        first: vec![NONE; problem.len()],
        reached: Vec::new(),
        reads: vec![Vec::new(); problem.keys.len()],
        inferred: Vec::new(),
        pulled: Vec::new(),
    };
    for session in 0..problem.sessions {
        let members: Vec<u32> =
            sessions.of(session).iter().copied().filter(|&t| !problem.pending[t as usize]).collect();
        if members.iter().all(|&t| problem.reads(t).is_empty()) {
            continue;
        }
        view.settle(&members, meter)?;
        let past: Vec<Edge> = known
            .iter()
            .filter(|edge| view.first[edge.to as usize] != NONE)
            .chain(&view.inferred)
            .chain(&view.pulled)
            .copied()
            .collect();
        meter.spend(past.len() as u64)?;
        if Graph::new(problem.len(), &past).order().is_none() {
            return Ok(Some(past));
        }
        view.forget();
    }
    Ok(None)
}

/// What one session has to explain.
struct View<'p> {
    problem: &'p Problem,
    into: Lists,
    writers: Lists,
    /// For each transaction, the first of the session (by its place) that it must come before.
    first: Vec<u32>,
    reached: Vec<u32>,
    /// The reads of each key by the session: place, from whom, and by whom.
    reads: Vec<Vec<(u32, u32, u32)>>,
    inferred: Vec<Edge>,
    /// The inferred edges by which something came before an earlier one of the session than before.
    pulled: Vec<Edge>,
}

impl View<'_> {
    fn settle(&mut self, members: &[u32], meter: &mut Meter) -> Result<(), Limit> {
        let mut keys: Vec<u32> = Vec::new();
        for (place, &t) in (0u32..).zip(members) {
            self.pull(t, place, meter)?;
            for &Read { key, from } in self.problem.reads(t) {
                if self.reads[key as usize].is_empty() {
                    keys.push(key);
                }
                self.reads[key as usize].push((place, from, t));
            }
        }
        loop {
            self.inferred.clear();
            for &key in &keys {
                self.infer(key, meter)?;
            }
            let mut changed = false;
            for place in 0..self.inferred.len() {
                let edge = self.inferred[place];
                let due = self.first[edge.to as usize];
                if self.first[edge.from as usize] > due {
                    changed = true;
                    self.pulled.push(edge);
                    self.pull(edge.from, due, meter)?;
                }
            }
            if !changed {
                break;
            }
        }
        keys.iter().for_each(|&key| self.reads[key as usize].clear());
        Ok(())
    }

    /// Notes that a transaction and all that causally precedes it come before a place of the session.
    fn pull(&mut self, t: u32, place: u32, meter: &mut Meter) -> Result<(), Limit> {
        let mut open = vec![t];
        while let Some(node) = open.pop() {
            let first = &mut self.first[node as usize];
            if *first <= place {
                continue;
            }
            if *first == NONE {
                self.reached.push(node);
            }
            *first = place;
            meter.spend(1 + self.into.of(node).len() as u64)?;
            open.extend_from_slice(self.into.of(node));
        }
        Ok(())
    }

    /// Which writers of a key are older than which, by what the session read of it.
    fn infer(&mut self, key: u32, meter: &mut Meter) -> Result<(), Limit> {
        let first = &self.first;
        let mut before: Vec<(u32, u32)> = self
            .writers
            .of(key)
            .iter()
            .map(|&writer| (first[writer as usize], writer))
            .filter(|&(place, _)| place != NONE)
            .collect();
        before.sort_unstable();
        meter.spend(before.len() as u64)?;
        let (mut next, mut since, mut top) = (0, Vec::<u32>::new(), None);
        for &(place, from, reader) in &self.reads[key as usize] {
            while let Some(&(_, writer)) = before.get(next).filter(|&&(due, _)| due <= place) {
                since.push(writer);
                next += 1;
            }
            // A transaction's own write comes after its own reads.
            let own = since.iter().position(|&writer| writer == reader).map(|place| since.swap_remove(place));
            for writer in since.drain(..).chain(top).filter(|&writer| writer != from) {
                self.inferred.push(older(writer, from, key, reader));
            }
            since.extend(own);
            top = Some(from).filter(|&from| from != INITIAL).or(top);
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.pulled.clear();
        self.reached.drain(..).for_each(|node| self.first[node as usize] = NONE);
    }
}

//! What reaches what where no chains help: sets of transactions as bits, a block of transactions at a time.

use super::{
    graph::{Edge, older},
    meter::Meter,
    problem::{INITIAL, Lists, Problem, Read},
};
use crate::Limit;

/// How many words of bits each point has at a time.
const WORDS: usize = 8;
const WIDTH: u32 = WORDS as u32 * 64;

type Row = [u64; WORDS];

/// Points of which each stands for what a transaction did, with the order in which they come about.
pub(super) struct Points<'p> {
    problem: &'p Problem,
    /// The points that lead to each point.
    into: Lists,
    order: Vec<u32>,
    /// Whether reading and writing of a transaction are two points.
    apart: bool,
}

impl<'p> Points<'p> {
    /// Who saw what, through any number of readers; sessions carry nothing. Nothing if that goes in a circle.
    pub fn of_reads(problem: &'p Problem) -> Option<Self> {
        Self::ordered(problem, false, || reads(problem))
    }

    /// What had been read before a write, in the same session, and before what was read, and so on. Point `2t` is what
    /// a transaction and the earlier ones of its session read, point `2t + 1` what it wrote.
    pub fn of_writes_after_reads(problem: &'p Problem) -> Option<Self> {
        Self::ordered(problem, true, || {
            let own = problem.transactions().map(|t| (2 * t, 2 * t + 1));
            let sessions = problem.transactions().filter_map(|t| Some((2 * problem.previous(t)?, 2 * t)));
            reads(problem).map(|(from, t)| (2 * from + 1, 2 * t)).chain(own).chain(sessions)
        })
    }

    fn ordered<I: Iterator<Item = (u32, u32)>>(
        problem: &'p Problem,
        apart: bool,
        edges: impl Fn() -> I,
    ) -> Option<Self> {
        let points = problem.len() * if apart { 2 } else { 1 };
        let out = Lists::gather(points, &edges);
        let into = Lists::gather(points, || edges().map(|(from, to)| (to, from)));
        let mut open: Vec<usize> = (0..points as u32).map(|point| into.of(point).len()).collect();
        let mut order: Vec<u32> = (0..points as u32).filter(|&point| open[point as usize] == 0).collect();
        let mut next = 0;
        while let Some(&point) = order.get(next) {
            next += 1;
            for &to in out.of(point) {
                open[to as usize] -= 1;
                if open[to as usize] == 0 {
                    order.push(to);
                }
            }
        }
        (order.len() == points).then_some(Self { problem, into, order, apart })
    }

    /// The point of what a transaction wrote.
    fn written(&self, t: u32) -> u32 {
        if self.apart { 2 * t + 1 } else { t }
    }

    /// The transaction whose writes a point stands for.
    fn writer(&self, point: u32) -> Option<u32> {
        if !self.apart {
            return Some(point);
        }
        (point % 2 == 1).then_some(point / 2)
    }

    /// Adds what is inferred of a read: of all writers of its key that the transactions seen by the same reader lead to,
    /// it shows the newest. `all_reads` says whether a transaction sees what all of its reads show or only the ones up
    /// to the read at hand.
    pub fn infer(&self, all_reads: bool, meter: &mut Meter, edges: &mut Vec<Edge>) -> Result<(), Limit> {
        let problem = self.problem;
        let writers = problem.writers();
        let mut rows: Vec<Row> = vec![[0; WORDS]; self.order.len()];
        meter.hold(rows.len() * WORDS * 8)?;
        for first in (0..problem.len() as u32).step_by(WIDTH as usize) {
            self.fill(first, &mut rows);
            meter.spend(rows.len() as u64)?;
            for t in problem.transactions() {
                let reads = problem.reads(t);
                let mut visible: Row = [0; WORDS];
                if all_reads {
                    reads.iter().for_each(|read| self.see(read, first, &rows, &mut visible));
                }
                for read @ &Read { key, from } in reads {
                    self.see(read, first, &rows, &mut visible);
                    let list = writers.of(key);
                    let begin = list.partition_point(|&writer| writer < first);
                    let block = list[begin..].iter().take_while(|&&writer| writer - first < WIDTH);
                    for &writer in block {
                        meter.spend(1)?;
                        let known =
                            from != INITIAL && has(&rows[self.written(from) as usize], writer - first);
                        // A transaction's own writes come after its own reads.
                        if writer != from && writer != t && has(&visible, writer - first) && !known {
                            edges.push(older(writer, from, key, t));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Fills in, for the transactions of one block, which of their writes lead to each point.
    fn fill(&self, first: u32, rows: &mut [Row]) {
        for &point in &self.order {
            let mut row: Row = [0; WORDS];
            for &source in self.into.of(point) {
                for (mine, theirs) in row.iter_mut().zip(&rows[source as usize]) {
                    *mine |= theirs;
                }
                if let Some(place) = self.writer(source).map(|writer| writer.wrapping_sub(first))
                    && place < WIDTH
                {
                    row[place as usize / 64] |= 1 << (place % 64);
                }
            }
            rows[point as usize] = row;
        }
    }

    fn see(&self, read: &Read, first: u32, rows: &[Row], visible: &mut Row) {
        if read.from == INITIAL {
            return;
        }
        for (mine, theirs) in visible.iter_mut().zip(&rows[self.written(read.from) as usize]) {
            *mine |= theirs;
        }
        let place = read.from.wrapping_sub(first);
        if place < WIDTH {
            visible[place as usize / 64] |= 1 << (place % 64);
        }
    }
}

fn has(row: &Row, place: u32) -> bool {
    row[place as usize / 64] >> (place % 64) & 1 == 1
}

fn reads(problem: &Problem) -> impl Iterator<Item = (u32, u32)> {
    let of = |t: u32| problem.reads(t).iter().map(move |read| (read.from, t));
    problem.transactions().flat_map(of).filter(|(from, _)| *from != INITIAL)
}

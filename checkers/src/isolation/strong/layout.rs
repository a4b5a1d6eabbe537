//! The points in time that a strong level speaks of, and what is certain about their order.
//!
//! A transaction is one point (serializability) or two, its snapshot and its commit. The versions of a key fall into
//! chains: who reads a version and writes the next follows it at once, so all that is open is the order of chains. All
//! who only read a version come before its end, which is a point of its own where there are several.

use super::{
    super::{
        graph::{Edge, Why},
        meter::Meter,
        problem::{INITIAL, Lists, NONE, Problem, Read},
    },
    search::Edges,
};
use crate::Limit;

/// What a strong level demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// Every transaction happens at one point.
    Serial,
    /// It reads at one point and writes at a later one, and writers of a key do not overlap.
    Snapshot,
    /// It reads at one point and writes at a later one.
    Prefix,
    /// Every transaction happens at one point, but not every reader sees all that came before: only what leads to it.
    Parallel,
}

/// Versions of a key of which each was read by who wrote the next.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub key: u32,
    /// The first writer; [`INITIAL`] for the chain that begins with the initial value.
    pub first: u32,
    /// The last writer.
    pub last: u32,
    /// The last version, as a place in [`Layout::readers`].
    pub version: u32,
    /// The point before which all happened that only read the last version.
    end: u32,
}

/// Two transactions that read the same version of a key and both wrote the next.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Clash {
    key: u32,
    one: u32,
    other: u32,
}

impl Clash {
    /// Each of the two comes before the other.
    pub fn circle(self) -> Vec<Edge> {
        let edge = |from, to| Edge::new(from, to, Why::Replaced, self.key, NONE);
        vec![edge(self.one, self.other), edge(self.other, self.one)]
    }

    /// The two, and who wrote what both replaced.
    pub fn transactions(self, problem: &Problem) -> Vec<u32> {
        let read = problem.reads(self.one).iter().find(|read| read.key == self.key);
        let from = read.map(|read| read.from).filter(|&from| from != INITIAL);
        from.into_iter().chain([self.one, self.other]).collect()
    }
}

pub(super) struct Layout {
    pub demand: Demand,
    pub nodes: usize,
    pub edges: Vec<(u32, u32)>,
    /// The chains that are not the first of their key, key by key, and where those of each key begin.
    pub chains: Vec<Chain>,
    pub bounds: Vec<u32>,
    /// Who read each version.
    pub readers: Lists,
    /// For each version, who replaced it after reading it.
    pub updater: Vec<u32>,
    /// Two transactions that replaced the same version.
    pub clash: Option<Clash>,
    /// The transaction of each point; none for ends of versions and instants of real time.
    pub owner: Vec<u32>,
}

impl Layout {
    fn is_one_point(&self) -> bool {
        matches!(self.demand, Demand::Serial | Demand::Parallel)
    }

    /// Where a transaction reads.
    pub fn begin(&self, t: u32) -> u32 {
        if self.is_one_point() { t } else { 2 * t }
    }

    /// Where a transaction's writes appear.
    pub fn commit(&self, t: u32) -> u32 {
        if self.is_one_point() { t } else { 2 * t + 1 }
    }

    /// The version that a transaction wrote, or the initial one.
    pub fn version(problem: &Problem, writer: u32, key: u32) -> u32 {
        if writer == INITIAL {
            return problem.writes.len() as u32 + key;
        }
        let place = problem.writes(writer).binary_search(&key).unwrap_or_default() as u32;
        problem.write_bounds[writer as usize] + place
    }

    /// Lays a problem out. The known and inferred edges are those of transactions.
    pub fn new(
        problem: &Problem,
        demand: Demand,
        known: &[Edge],
        real_time: bool,
        meter: &mut Meter,
    ) -> Result<Self, Limit> {
        let versions = problem.writes.len() + problem.keys.len();
        let readers = Lists::gather(versions, || {
            problem.transactions().flat_map(|t| {
                problem.reads(t).iter().map(move |read| (Self::version(problem, read.from, read.key), t))
            })
        });
        let points = problem.len() * if matches!(demand, Demand::Serial | Demand::Parallel) { 1 } else { 2 };
        let mut layout = Self {
            demand,
            nodes: points,
            edges: Vec::new(),
            chains: Vec::new(),
            bounds: vec![0],
            readers,
            updater: vec![NONE; versions],
            clash: None,
            owner: Vec::new(),
        };
        let per_point = points / problem.len().max(1);
        layout.owner = (0..points).map(|point| (point / per_point.max(1)) as u32).collect();
        layout.add_known(problem, known);
        if real_time {
            layout.add_real_time(problem);
        }
        if demand != Demand::Prefix {
            layout.find_updaters(problem);
        }
        layout.build_chains(problem);
        meter.hold((layout.nodes + layout.edges.len()) * 8 + layout.chains.len() * 20 + versions * 8)?;
        layout.owner.resize(layout.nodes, NONE);
        Ok(layout)
    }

    fn add_known(&mut self, problem: &Problem, known: &[Edge]) {
        if !self.is_one_point() {
            self.edges.extend((0..problem.len() as u32).map(|t| (2 * t, 2 * t + 1)));
        }
        for edge in known {
            let target = match (edge.why, self.demand) {
                // The older of two versions is committed before the newer one; at snapshot isolation their writers do
                // not even overlap.
                (Why::Hidden, Demand::Prefix) => self.commit(edge.to),
                _ => self.begin(edge.to),
            };
            self.edges.push((self.commit(edge.from), target));
        }
    }

    /// What had ended before something began comes before it. A chain of instants keeps this linear.
    fn add_real_time(&mut self, problem: &Problem) {
        let mut ends: Vec<(u64, u32)> =
            problem.transactions().filter_map(|t| Some((problem.spans[t as usize].ended?, t))).collect();
        ends.sort_unstable();
        let mut begins: Vec<(u64, u32)> =
            problem.transactions().map(|t| (problem.spans[t as usize].began, t)).collect();
        begins.sort_unstable();
        let mut next = 0;
        let mut instant = NONE;
        for (began, t) in begins {
            if ends.get(next).is_some_and(|&(ended, _)| ended < began) {
                let fresh = self.nodes as u32;
                self.nodes += 1;
                if instant != NONE {
                    self.edges.push((instant, fresh));
                }
                while let Some(&(_, earlier)) = ends.get(next).filter(|&&(ended, _)| ended < began) {
                    self.edges.push((self.commit(earlier), fresh));
                    next += 1;
                }
                instant = fresh;
            }
            if instant != NONE {
                self.edges.push((instant, self.begin(t)));
            }
        }
    }

    fn find_updaters(&mut self, problem: &Problem) {
        for t in problem.transactions() {
            for &Read { key, from } in problem.reads(t) {
                if !problem.has_written(t, key) {
                    continue;
                }
                let version = Self::version(problem, from, key);
                let known = &mut self.updater[version as usize];
                if *known == NONE || *known == t {
                    *known = t;
                } else if self.clash.is_none() {
                    self.clash = Some(Clash { key, one: *known, other: t });
                }
            }
        }
    }

    fn build_chains(&mut self, problem: &Problem) {
        let writers = problem.writers();
        for key in 0..problem.keys.len() as u32 {
            let oldest = self.follow(problem, key, INITIAL);
            let first_place = self.chains.len();
            for &writer in writers.of(key) {
                let continues =
                    self.demand != Demand::Prefix && problem.reads(writer).iter().any(|read| read.key == key);
                if !continues {
                    let chain = self.follow(problem, key, writer);
                    self.chains.push(chain);
                }
            }
            for place in first_place..self.chains.len() {
                let edges = self.before(&oldest, &self.chains[place]);
                self.edges.extend(edges);
            }
            self.bounds.push(self.chains.len() as u32);
        }
    }

    /// Follows a chain to its last version, and notes what is certain about its versions.
    fn follow(&mut self, problem: &Problem, key: u32, first: u32) -> Chain {
        let mut last = first;
        loop {
            let version = Self::version(problem, last, key);
            let end = self.end(version);
            let next = self.updater[version as usize];
            if next == NONE {
                return Chain { key, first, last, version, end };
            }
            if end != NONE {
                self.edges.push((end, self.commit(next)));
            }
            last = next;
        }
    }

    /// The point before which all happened that read a version and did not replace it.
    fn end(&mut self, version: u32) -> u32 {
        if self.demand == Demand::Parallel {
            return NONE;
        }
        let updater = self.updater[version as usize];
        let mut only = self.readers.of(version).iter().copied().filter(|&reader| reader != updater);
        let Some(one) = only.next() else { return NONE };
        if only.all(|other| other == one) {
            return self.begin(one);
        }
        let point = self.nodes as u32;
        self.nodes += 1;
        let list = self.readers.of(version).iter().copied().filter(|&reader| reader != updater);
        let before: Vec<(u32, u32)> = list.map(|reader| (self.begin(reader), point)).collect();
        self.edges.extend(before);
        point
    }

    /// The edges that say that one chain comes before another of the same key.
    pub fn before(&self, one: &Chain, other: &Chain) -> Edges {
        let mut edges = Edges::new();
        let target = self.commit(other.first);
        match self.demand {
            Demand::Serial if one.end != NONE => edges.push((one.end, target)),
            Demand::Serial | Demand::Parallel if one.last != INITIAL => edges.push((one.last, target)),
            Demand::Serial | Demand::Parallel => {}
            Demand::Snapshot | Demand::Prefix => {
                if one.last != INITIAL {
                    let overlap = self.demand == Demand::Prefix;
                    let target = if overlap { target } else { self.begin(other.first) };
                    edges.push((self.commit(one.last), target));
                }
                // In a prefix, who read a version may itself write the next.
                if one.end != NONE && one.end != self.begin(other.first) {
                    edges.push((one.end, target));
                }
            }
        }
        edges
    }
}

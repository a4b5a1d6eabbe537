//! A search for a choice of edges without a circle.
//!
//! Every variable is a question of the kind "which of two comes first?", and either answer adds edges to a graph. Nothing
//! else restricts the answers. A circle teaches a clause (not all of the answers on it together), and the search goes on
//! by conflict-driven clause learning. Variables may be added at any time.

use std::{cmp::Reverse, collections::BinaryHeap};

use smallvec::SmallVec;

use super::{
    super::meter::Meter,
    topology::{Loop, Topology},
};
use crate::Limit;

/// The edges that one answer adds.
pub(super) type Edges = SmallVec<[(u32, u32); 2]>;

/// Variable times two, plus one for the second answer.
type Literal = u32;

const UNDECIDED: u8 = 2;
const NO_CLAUSE: u32 = u32::MAX;
/// Every so many conflicts the search begins anew, with all that it has learned.
const RESTART: u64 = 64;
/// Where what was learned belongs more than so many levels below, the answers in between stay: most of them would only be
/// given again.
const FAR: u32 = 16;

/// A question to decide: of the lowest quarter first, and there the most active.
type Candidate = (Reverse<u32>, Weight, Reverse<u32>);

/// What a round of refinement asks for.
pub(super) enum Refined {
    /// The graph's order satisfies everything.
    Done,
    /// There are new variables.
    More,
    /// These answers, which were all given, must not be given together.
    Never(Vec<u32>),
}

pub(super) struct Search {
    pub topology: Topology,
    edges: Vec<[Edges; 2]>,
    value: Vec<u8>,
    phase: Vec<u8>,
    level: Vec<u32>,
    reason: Vec<u32>,
    activity: Vec<f64>,
    increment: f64,
    /// The quarter of each question: those of the lowest quarter are decided first.
    quarter: Vec<u32>,
    heap: BinaryHeap<Candidate>,
    clauses: Vec<Vec<Literal>>,
    watches: Vec<Vec<u32>>,
    trail: Vec<Literal>,
    limits: Vec<usize>,
    /// The first literal of the trail that clauses have not seen, and the first whose edges are not in the graph.
    propagated: usize,
    inserted: usize,
    seen: Vec<bool>,
    conflicts: u64,
    /// The nodes of all circles that were met, and the variables of their edges.
    pub met_nodes: Vec<u32>,
    pub met_variables: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq)]
struct Weight(f64);

impl Eq for Weight {}

impl PartialOrd for Weight {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Weight {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Search {
    pub fn new(topology: Topology) -> Self {
        Self {
            topology,
            edges: Vec::new(),
            value: Vec::new(),
            phase: Vec::new(),
            level: Vec::new(),
            reason: Vec::new(),
            activity: Vec::new(),
            increment: 1.0,
            quarter: Vec::new(),
            heap: BinaryHeap::new(),
            clauses: Vec::new(),
            watches: Vec::new(),
            trail: Vec::new(),
            limits: Vec::new(),
            propagated: 0,
            inserted: 0,
            seen: Vec::new(),
            conflicts: 0,
            met_nodes: Vec::new(),
            met_variables: Vec::new(),
        }
    }

    /// Adds a question with the edges of both answers, and which answer to try first. Questions whose answers can only
    /// contradict each other when they are near each other are best put into quarters by where they are.
    pub fn add_variable(&mut self, first: Edges, second: Edges, preferred: u8, quarter: u32) -> u32 {
        let variable = self.edges.len() as u32;
        self.edges.push([first, second]);
        self.value.push(UNDECIDED);
        self.phase.push(preferred);
        self.level.push(0);
        self.reason.push(NO_CLAUSE);
        self.activity.push(0.0);
        self.watches.extend([Vec::new(), Vec::new()]);
        self.seen.push(false);
        self.quarter.push(quarter);
        self.heap.push(self.candidate(variable));
        variable
    }

    /// The answer that was given to a question, as a literal.
    pub fn given(&self, variable: u32) -> u32 {
        variable * 2 + u32::from(self.value[variable as usize] == 1)
    }

    /// Searches until `refine` finds nothing more to ask about (true), or there is no choice without a circle (false).
    pub fn run(
        &mut self,
        meter: &mut Meter,
        mut refine: impl FnMut(&mut Self, &mut Meter) -> Result<Refined, Limit>,
    ) -> Result<bool, Limit> {
        let mut until_restart = RESTART + self.edges.len() as u64 / 32;
        let mut never = None;
        loop {
            meter.spend(1)?;
            let conflict = if never.is_some() { never.take() } else { self.propagate(meter)? };
            if let Some(conflict) = conflict {
                // A circle may lie wholly below the present level, when its last edge was put in late.
                let highest = conflict.iter().map(|literal| self.level[*literal as usize / 2]).max();
                self.back_to(highest.unwrap_or(0));
                if self.limits.is_empty() {
                    return Ok(false);
                }
                self.conflicts += 1;
                let (clause, level) = self.learn(conflict);
                meter.hold(clause.len() * 4 + 32)?;
                let nearest = self.limits.len() as u32 - 1;
                self.back_to(if nearest > level + FAR { nearest } else { level });
                self.take(clause, level);
                until_restart -= 1;
                if until_restart == 0 {
                    let level = self.level_of(self.quarter_of_now().saturating_sub(1));
                    // Giving answers anew costs as much as there are, so that has to pay.
                    let again = self.trail.len() - self.limits.get(level as usize).copied().unwrap_or(0);
                    until_restart = RESTART + self.conflicts / 4 + again as u64 / 32;
                    self.back_to(level);
                    if level == 0 {
                        self.rebuild_heap();
                    }
                }
                continue;
            }
            if let Some(variable) = self.next_variable() {
                self.limits.push(self.trail.len());
                let answer = self.preferred(variable);
                self.assign(variable * 2 + u32::from(answer), NO_CLAUSE);
                continue;
            }
            let known = self.edges.len();
            match refine(self, meter)? {
                Refined::Done => return Ok(true),
                Refined::More => {
                    // Deciding quarter by quarter, what contradicts itself is found before there is much above it.
                    if let Some(&first) = self.quarter[known..].iter().min() {
                        self.back_to(self.level_of(first + 1));
                    }
                }
                Refined::Never(answers) => {
                    self.met_variables.extend(answers.iter().map(|literal| literal / 2));
                    never = Some(answers.into_iter().map(|literal| literal ^ 1).collect());
                }
            }
        }
    }

    fn next_variable(&mut self) -> Option<u32> {
        while let Some((_, _, Reverse(variable))) = self.heap.pop() {
            if self.value[variable as usize] == UNDECIDED {
                return Some(variable);
            }
        }
        None
    }

    /// The answer with which the order of the graph agrees already, or the one that was given last.
    fn preferred(&self, variable: u32) -> u8 {
        let rank = &self.topology.rank;
        let agrees = |answer: usize| {
            let edges = &self.edges[variable as usize][answer];
            edges.iter().all(|&(from, to)| rank[from as usize] < rank[to as usize])
        };
        match (agrees(0), agrees(1)) {
            (true, false) => 0,
            (false, true) => 1,
            _ => self.phase[variable as usize],
        }
    }

    fn rebuild_heap(&mut self) {
        let open =
            (0..self.edges.len() as u32).filter(|&variable| self.value[variable as usize] == UNDECIDED);
        self.heap = open.map(|variable| self.candidate(variable)).collect();
    }

    fn candidate(&self, variable: u32) -> Candidate {
        let (quarter, activity) = (self.quarter[variable as usize], self.activity[variable as usize]);
        (Reverse(quarter), Weight(activity), Reverse(variable))
    }

    fn quarter_at(&self, level: usize) -> u32 {
        self.quarter[self.trail[self.limits[level]] as usize / 2]
    }

    /// The quarter of the last decision.
    fn quarter_of_now(&self) -> u32 {
        self.limits.len().checked_sub(1).map_or(0, |last| self.quarter_at(last))
    }

    /// How many levels are below the first decision in this quarter or a later one.
    fn level_of(&self, quarter: u32) -> u32 {
        (0..self.limits.len())
            .position(|level| self.quarter_at(level) >= quarter)
            .unwrap_or(self.limits.len()) as u32
    }

    fn is_true(&self, literal: Literal) -> bool {
        u32::from(self.value[literal as usize / 2]) == literal % 2
    }

    fn is_false(&self, literal: Literal) -> bool {
        u32::from(self.value[literal as usize / 2]) == 1 - literal % 2
    }

    fn assign(&mut self, literal: Literal, reason: u32) {
        let variable = literal as usize / 2;
        self.value[variable] = (literal % 2) as u8;
        self.level[variable] = self.limits.len() as u32;
        self.reason[variable] = reason;
        self.trail.push(literal);
    }

    /// Draws all consequences; a clause whose literals are all false is a conflict.
    fn propagate(&mut self, meter: &mut Meter) -> Result<Option<Vec<Literal>>, Limit> {
        loop {
            while let Some(&literal) = self.trail.get(self.propagated) {
                self.propagated += 1;
                if let Some(clause) = self.visit_watches(literal ^ 1) {
                    return Ok(Some(self.clauses[clause as usize].clone()));
                }
            }
            let Some(&literal) = self.trail.get(self.inserted) else { return Ok(None) };
            if let Some(conflict) = self.insert(literal, meter)? {
                return Ok(Some(conflict));
            }
            self.inserted += 1;
        }
    }

    /// Looks at the clauses that watch a literal which has become false.
    fn visit_watches(&mut self, falsified: Literal) -> Option<u32> {
        let mut watching = std::mem::take(&mut self.watches[falsified as usize]);
        let (mut kept, mut place, mut conflict) = (0, 0, None);
        'clauses: while place < watching.len() {
            let clause = watching[place];
            place += 1;
            let literals = &mut self.clauses[clause as usize];
            if literals[0] == falsified {
                literals.swap(0, 1);
            }
            let first = literals[0];
            if u32::from(self.value[first as usize / 2]) != first % 2 {
                for other in 2..literals.len() {
                    let literal = literals[other];
                    if u32::from(self.value[literal as usize / 2]) != 1 - literal % 2 {
                        literals.swap(1, other);
                        self.watches[literal as usize].push(clause);
                        continue 'clauses;
                    }
                }
            }
            watching[kept] = clause;
            kept += 1;
            if self.is_true(first) {
                continue;
            }
            if self.is_false(first) {
                conflict = Some(clause);
                break;
            }
            self.assign(first, clause);
        }
        watching.copy_within(place.., kept);
        watching.truncate(kept + watching.len() - place);
        self.watches[falsified as usize] = watching;
        conflict
    }

    /// Adds the edges of an answer to the graph. A circle is a conflict, and then none of them stays.
    fn insert(&mut self, literal: Literal, meter: &mut Meter) -> Result<Option<Vec<Literal>>, Limit> {
        let edges = self.edges[literal as usize / 2][literal as usize % 2].clone();
        for (place, &(from, to)) in edges.iter().enumerate() {
            if let Err(found) = self.topology.add(from, to, literal, meter)? {
                for &(from, to) in edges[..place].iter().rev() {
                    self.topology.remove(from, to);
                }
                return Ok(Some(self.lesson(literal, &found)));
            }
        }
        Ok(None)
    }

    /// Not all answers on a circle together.
    fn lesson(&mut self, literal: Literal, found: &Loop) -> Vec<Literal> {
        let mut clause = found.literals.clone();
        clause.push(literal);
        clause.sort_unstable();
        clause.dedup();
        self.met_nodes.extend_from_slice(&found.nodes);
        self.met_variables.extend(clause.iter().map(|literal| literal / 2));
        clause.iter_mut().for_each(|literal| *literal ^= 1);
        clause
    }

    /// The clause that a conflict teaches, with the literal to be assigned first, and the level to return to.
    fn learn(&mut self, conflict: Vec<Literal>) -> (Vec<Literal>, u32) {
        let highest = self.limits.len() as u32;
        let (mut learned, mut open) = (vec![0], 0usize);
        let (mut clause, mut place) = (conflict, self.trail.len());
        let mut touched = Vec::new();
        loop {
            for &literal in &clause {
                let variable = literal as usize / 2;
                if self.seen[variable] || self.level[variable] == 0 {
                    continue;
                }
                self.seen[variable] = true;
                touched.push(variable);
                self.bump(variable);
                if self.level[variable] == highest {
                    open += 1;
                } else {
                    learned.push(literal);
                }
            }
            loop {
                place -= 1;
                let variable = self.trail[place] as usize / 2;
                if self.seen[variable] && self.level[variable] == highest {
                    break;
                }
            }
            let literal = self.trail[place];
            open -= 1;
            if open == 0 {
                learned[0] = literal ^ 1;
                break;
            }
            let reason = self.reason[literal as usize / 2];
            clause =
                self.clauses[reason as usize].iter().copied().filter(|other| *other != literal).collect();
        }
        for variable in touched {
            self.seen[variable] = false;
        }
        self.increment *= 1.0 / 0.95;
        let second = (1..learned.len()).max_by_key(|&place| self.level[learned[place] as usize / 2]);
        let level = second.map_or(0, |second| {
            learned.swap(1, second);
            self.level[learned[1] as usize / 2]
        });
        (learned, level)
    }

    fn bump(&mut self, variable: usize) {
        self.activity[variable] += self.increment;
        if self.activity[variable] > 1e100 {
            self.activity.iter_mut().for_each(|activity| *activity *= 1e-100);
            self.increment *= 1e-100;
        }
    }

    /// Takes what was learned to heart: its first literal holds as long as this level does, even where it comes to
    /// stand above it.
    fn take(&mut self, clause: Vec<Literal>, level: u32) {
        let first = clause[0];
        if clause.len() == 1 {
            self.assign(first, NO_CLAUSE);
            self.level[first as usize / 2] = level;
            return;
        }
        let number = self.clauses.len() as u32;
        self.watches[clause[0] as usize].push(number);
        self.watches[clause[1] as usize].push(number);
        self.clauses.push(clause);
        self.assign(first, number);
        self.level[first as usize / 2] = level;
    }

    /// Takes back all answers above a level. One that stands above it and holds below it is given again.
    fn back_to(&mut self, level: u32) {
        if self.limits.len() <= level as usize {
            return;
        }
        let mut kept = Vec::new();
        let start = self.limits[level as usize];
        for place in (start..self.trail.len()).rev() {
            let literal = self.trail[place];
            let variable = literal as usize / 2;
            if place < self.inserted {
                for &(from, to) in self.edges[variable][literal as usize % 2].iter().rev() {
                    self.topology.remove(from, to);
                }
            }
            if self.level[variable] <= level {
                kept.push(literal);
                continue;
            }
            self.value[variable] = UNDECIDED;
            self.phase[variable] = (literal % 2) as u8;
            self.heap.push(self.candidate(variable as u32));
        }
        self.trail.truncate(start);
        self.limits.truncate(level as usize);
        self.propagated = self.propagated.min(start);
        self.inserted = self.inserted.min(start);
        self.trail.extend(kept.into_iter().rev());
    }
}

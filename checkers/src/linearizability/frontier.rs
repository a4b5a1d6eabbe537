//! Registers in general: a just-in-time search over the returns, depth first and breadth first in turns.
//!
//! Nothing takes effect before a return demands it. Five reductions keep the number of positions small:
//!
//! 1. What only observes is done as soon as the state allows it.
//! 2. A write that was under way when another write took effect, or when the state was its own value, could have
//!    happened there unseen: it is *absorbed*. At its return it may be dropped for free, or still happen for real;
//!    both are tried, since its value may be wanted later.
//! 3. A write that is not due happens only if an operation under way wants its value, also if the state is already
//!    that value, for it absorbs others.
//! 4. An unknown operation happens only if its value is wanted; of equal ones the earliest is used first; once nobody
//!    can see its value any more it is forgotten.
//! 5. All values that nobody can see any more are one value.
//!
//! Depth first finds an order fast where there is one; breadth first needs little memory and shows quickly that there
//! is none. Neither is always better, so they take turns with growing allowances, counted in steps.

use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use super::{
    certificate,
    decision::{Decision, Meter},
    register::{Action, Problem},
    timeline::{NEVER, Timeline},
};
use crate::{Budget, Limit};

mod course;

use course::Course;

type Bits = SmallVec<[u64; 4]>;

/// How far, in which state, what is done, what is absorbed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Position {
    layer: u32,
    state: u32,
    /// The done slots, then the absorbed slots.
    bits: Bits,
}

/// What took effect for real on the way to a position: from which entry of the trail, what, before which return.
#[derive(Clone, Copy, Debug)]
struct Footprint {
    from: u32,
    action: u32,
    layer: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    DepthFirst,
    BreadthFirst,
}

/// Decides any register.
pub(crate) fn decide(problem: &Problem, line: &Timeline, budget: &Budget) -> Decision {
    let course = match Course::new(problem, line, budget) {
        Ok(course) => course,
        Err(limit) => return Decision::Unknown { limit, reached: 0 },
    };
    let mut allowance = 4096 + 16 * problem.actions.len() as u64;
    let (mut spent, mut furthest) = (0u64, 0);
    let mut limit = Limit::Steps(budget.steps_max);
    for turn in 0.. {
        let manner = if turn % 2 == 0 { Manner::DepthFirst } else { Manner::BreadthFirst };
        let left = budget.steps_max.saturating_sub(spent);
        if left == 0 {
            break;
        }
        let mut search = Search { course: &course, trail: Vec::new() };
        let mut meter = Meter::at_most(budget, allowance.min(left));
        match search.run(manner, &mut meter) {
            Decision::Unknown { limit: hit, reached } => {
                furthest = furthest.max(reached);
                // Breadth first may still fit where depth first does not, but not the other way round.
                let fatal = matches!(hit, Limit::Time)
                    || matches!((&hit, manner), (Limit::Memory(_), Manner::BreadthFirst));
                if fatal {
                    limit = hit;
                    break;
                }
            }
            decision => return decision,
        }
        spent += meter.steps();
        if turn % 2 == 1 {
            allowance = allowance.saturating_mul(4);
        }
    }
    Decision::Unknown { limit, reached: furthest }
}

struct Search<'a> {
    course: &'a Course<'a>,
    trail: Vec<Footprint>,
}

impl Search<'_> {
    fn run(&mut self, manner: Manner, meter: &mut Meter<'_>) -> Decision {
        let course = self.course;
        let mut first = Position { layer: 0, state: 0, bits: SmallVec::from_elem(0, course.words * 2) };
        course.arrive(&mut first);
        let mut seen: FxHashSet<Position> = FxHashSet::default();
        seen.insert(first.clone());
        let mut open = vec![(first, NEVER)];
        let mut later: Vec<(Position, u32)> = Vec::new();
        let mut children: Vec<(Position, u32)> = Vec::new();
        let bytes = (2 * size_of::<(Position, u32)>()
            + 16
            + if course.words > 2 { course.words * 32 } else { 0 }) as u64;
        let (mut reached, mut held) = (0, 0u64);
        loop {
            let Some((position, trail)) = open.pop() else {
                if later.is_empty() {
                    return Decision::Invalid { reached };
                }
                std::mem::swap(&mut open, &mut later);
                seen.clear();
                meter.release(held);
                held = 0;
                continue;
            };
            reached = reached.max(position.layer);
            if position.layer as usize == course.line.returns.len() {
                return self.finish(trail);
            }
            if let Err(limit) = meter.step(bytes) {
                return Decision::Unknown { limit, reached };
            }
            held += bytes;
            self.expand(&position, trail, &mut children);
            for (child, trail) in children.drain(..).rev() {
                if !seen.contains(&child) {
                    seen.insert(child.clone());
                    if manner == Manner::BreadthFirst && child.layer > position.layer {
                        later.push((child, trail));
                    } else {
                        open.push((child, trail));
                    }
                }
            }
        }
    }

    /// Pushes what can follow, the most promising first.
    fn expand(&mut self, position: &Position, trail: u32, children: &mut Vec<(Position, u32)>) {
        let course = self.course;
        let layer = position.layer;
        let due = course.line.returns[layer as usize];
        if course.is_done(&position.bits, due) {
            children.push((course.pass(position.clone()), trail));
            return;
        }
        if course.is_absorbed(&position.bits, due) {
            children.push((course.pass(position.clone()), trail));
        }
        if course.problem.actions[due as usize].apply(position.state).is_some() {
            self.happen(position, due, trail, children);
        }
        let wishes = course.wishes(position);
        for &other in course.under_way(layer) {
            if other == due || course.is_done(&position.bits, other) {
                continue;
            }
            let optional = course.problem.spans[other as usize].optional;
            let worth = match course.problem.actions[other as usize] {
                Action::Write(to) => wishes.want(course.visible(to, layer)),
                Action::Cas(from, to) if from != to => {
                    position.state == from && (!optional || wishes.want(course.visible(to, layer)))
                }
                _ => false,
            };
            if worth && course.is_first_of_its_kind(&position.bits, other, layer) {
                self.happen(position, other, trail, children);
            }
        }
    }

    fn happen(&mut self, position: &Position, action: u32, trail: u32, children: &mut Vec<(Position, u32)>) {
        let course = self.course;
        let mut after = position.clone();
        course.happen(&mut after, action);
        let due = course.line.returns[position.layer as usize];
        if action == due {
            after = course.pass(after);
        }
        let number = u32::try_from(self.trail.len()).expect("fewer footprints than steps in memory");
        self.trail.push(Footprint { from: trail, action, layer: position.layer });
        children.push((after, number));
    }

    /// The whole order, from what happened for real.
    fn finish(&self, mut trail: u32) -> Decision {
        let mut real = Vec::new();
        while trail != NEVER {
            let step = self.trail[trail as usize];
            real.push((
                step.action,
                self.course.line.ret[self.course.line.returns[step.layer as usize] as usize],
            ));
            trail = step.from;
        }
        real.reverse();
        Decision::Valid(certificate::complete(
            self.course.problem,
            self.course.line,
            self.course.interest(),
            &real,
        ))
    }
}

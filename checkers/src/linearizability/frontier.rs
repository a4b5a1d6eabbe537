//! Registers in general: a just-in-time search over the returns, with a frontier that is narrow first.
//!
//! Nothing takes effect before a return demands it, and what demands it takes effect last (*just in time*). The
//! frontier holds all positions in which the returns so far could be passed. These reductions keep it small:
//!
//! 1. What only observes is settled as soon as the state allows it.
//! 2. A write that was under way when another took effect for real, or when the state was its own value, could have
//!    happened there unseen, so it is settled. It stays ready: it may still take effect for real, since its value may be
//!    wanted later.
//! 3. A write that nobody but observers saw before another write replaced it might as well have happened just before that
//!    one, if it and they were all under way then. Whether it did is decided as late as possible: when it is due, or
//!    when the first of them is (a *flash*). So a write takes effect for real only when it is due, when its value is
//!    due to be seen, or for a compare-and-set from it.
//! 4. An unknown operation happens only if its value is due or wanted. Equal ones are counted, not told apart, and the
//!    one called first is used first; of equal ones that must return, the one that returns first is used first; one
//!    that must return is used before an unknown one. Once nobody can see its value any more it is forgotten.
//! 5. All values that nobody can see any more are one value.
//! 6. A position is dropped if another in the same state has settled and kept ready all that it has, and used no more
//!    unknown operations.
//!
//! Why 3 loses nothing: take an order in which a write, and the observers of its value, are followed by another write.
//! If all of them are still under way when that write takes effect, they can be moved right before it, for nobody else
//! is there, and there the search finds them by whichever is due first. If not, one of them is due before, and then the
//! search lets the write take effect for real. What is moved before a flash can be moved on, before the write that took
//! effect for real, since a flash is followed by a write too. If the value was found by a compare-and-set, the search
//! tries that before each return at which both are under way.
//!
//! A wide frontier costs time even where there is an order that a narrow one finds. So the frontier is held narrow
//! first, keeping the positions that have the most settled and ready; if that fails, and something was left out, it is
//! tried again wider. A frontier that dies with nothing left out proves that there is no order.

use super::{
    certificate,
    decision::{Decision, Meter},
    register::Problem,
    timeline::{NEVER, Timeline},
    window::Window,
};
use crate::{Budget, Limit};

mod bags;
mod course;
mod moves;
mod scene;

use course::Course;
use moves::{Moves, Position, dominates};
use scene::Scene;

/// How many positions the frontier may hold, in the order in which it is tried.
const WIDTHS: [usize; 5] = [24, 384, 6_144, 98_304, usize::MAX];
/// The most positions with which a new one is compared.
const COMPARED: usize = 512;

/// Decides any register.
pub(crate) fn decide(problem: &Problem, line: &Timeline, budget: &Budget) -> Decision {
    let course = Course::new(problem, line);
    let words = line.width().div_ceil(64).max(1);
    match words {
        1 => widen::<[u64; 1]>(&course, words, budget),
        2 => widen::<[u64; 2]>(&course, words, budget),
        3 | 4 => widen::<[u64; 4]>(&course, 4, budget),
        _ => widen::<Vec<u64>>(&course, words, budget),
    }
}

/// Where a frontier of some width ended.
enum End {
    Decided(Decision),
    /// It died, but something had been left out.
    TooNarrow(u32),
}

fn widen<W: Window>(course: &Course<'_>, words: usize, budget: &Budget) -> Decision {
    let mut meter = Meter::new(budget);
    let mut furthest = 0;
    for width in WIDTHS {
        match (Frontier { course, words, width, left_out: false }).run::<W>(&mut meter) {
            End::Decided(Decision::Unknown { limit, reached }) => {
                let reached = furthest.max(reached);
                // Nobody made what the hopeless return saw, however far the search got.
                return match (course.hopeless, limit) {
                    (Some(reached), _) => Decision::Invalid { reached },
                    (None, limit) => Decision::Unknown { limit, reached },
                };
            }
            End::Decided(decision) => return decision,
            End::TooNarrow(reached) => furthest = furthest.max(reached),
        }
    }
    Decision::Unknown { limit: Limit::Steps(budget.steps_max), reached: furthest }
}

struct Frontier<'a> {
    course: &'a Course<'a>,
    words: usize,
    width: usize,
    left_out: bool,
}

impl Frontier<'_> {
    fn run<W: Window>(mut self, meter: &mut Meter<'_>) -> End {
        let mut scene = Scene::<W>::new(self.course, self.words);
        let mut moves = Moves::<W>::new();
        let empty = W::empty(self.words);
        let (ready, settled) = (empty.clone(), empty);
        let mut positions = vec![Position { state: 0, bag: 0, written: 0, trail: NEVER, ready, settled }];
        if !scene.is_over() {
            positions.iter_mut().for_each(|position| arrive(&scene, &mut moves, position));
        }
        let mut swept = 4096;
        while !scene.is_over() {
            if self.course.hopeless == Some(scene.layer) {
                return End::Decided(Decision::Invalid { reached: scene.layer });
            }
            let reached = scene.layer;
            if positions.iter().all(|position| is_plain(&scene, position)) {
                // Nothing but the passing of time.
                std::mem::swap(&mut moves.passing, &mut positions);
            } else {
                for position in positions.drain(..) {
                    if let Err(limit) = moves.find(&scene, &position, meter) {
                        return End::Decided(Decision::Unknown { limit, reached });
                    }
                }
            }
            positions.clear();
            let slot = scene.slot;
            scene.pass();
            let mut passing = std::mem::take(&mut moves.passing);
            for mut position in passing.drain(..) {
                position.ready.remove(slot);
                position.settled.remove(slot);
                if !scene.is_over() {
                    arrive(&scene, &mut moves, &mut position);
                }
                keep(&moves, &mut positions, position);
            }
            moves.passing = passing;
            if positions.is_empty() {
                return if self.left_out {
                    End::TooNarrow(reached)
                } else {
                    End::Decided(Decision::Invalid { reached })
                };
            }
            self.narrow(&scene, &moves, &mut positions);
            if moves.trail.len() > 2 * swept {
                moves.sweep(&mut positions);
                swept = moves.trail.len().max(4096);
            }
            let each = size_of::<Position<W>>() + if self.words > 4 { 16 * self.words } else { 0 };
            let held = (positions.capacity() * each) as u64 + moves.bytes() + scene.bytes();
            if let Err(limit) = meter.hold(held) {
                return End::Decided(Decision::Unknown { limit, reached });
            }
        }
        End::Decided(Decision::Valid(self.order(&moves, positions[0].trail)))
    }

    /// Leaves out the least promising positions when there are too many: each state keeps its best.
    fn narrow<W: Window>(
        &mut self,
        scene: &Scene<'_, W>,
        moves: &Moves<W>,
        positions: &mut Vec<Position<W>>,
    ) {
        if positions.len() <= self.width {
            return;
        }
        self.left_out = true;
        let promise = |position: &Position<W>| {
            let used = i64::from(moves.bags.size(position.bag));
            i64::from(position.settled.count()) + i64::from(position.ready.and(&scene.writes).count())
                - 2 * used
        };
        let mut ranked: Vec<(usize, i64, u32, usize)> =
            (0..positions.len()).map(|i| (0, -promise(&positions[i]), positions[i].state, i)).collect();
        ranked.sort_unstable_by_key(|&(_, promise, state, i)| (state, promise, i));
        for i in 1..ranked.len() {
            if ranked[i].2 == ranked[i - 1].2 {
                ranked[i].0 = ranked[i - 1].0 + 1;
            }
        }
        // The best of every state come first, then the second best of every state, and so on.
        ranked.sort_unstable();
        let mut kept = vec![false; positions.len()];
        ranked[..self.width].iter().for_each(|&(.., i)| kept[i] = true);
        let mut kept = kept.into_iter();
        positions.retain(|_| kept.next().expect("one for each"));
    }

    /// The whole order, from what happened for real.
    fn order<W: Window>(&self, moves: &Moves<W>, mut trail: u32) -> Vec<u32> {
        let mut steps = Vec::new();
        while trail != NEVER {
            let step = moves.trail[trail as usize];
            steps.push(step);
            trail = step.from;
        }
        steps.reverse();
        let mut real: Vec<(u32, u32)> = Vec::with_capacity(steps.len());
        let mut last_write = None;
        let mut flashes: Vec<(usize, u32)> = Vec::new();
        for step in &steps {
            if step.flash {
                flashes.push((last_write.expect("a flash follows a write"), step.action));
                continue;
            }
            if matches!(self.course.problem.actions[step.action as usize], super::register::Action::Write(_))
            {
                last_write = Some(real.len());
            }
            real.push((step.action, step.rank));
        }
        flashes.sort_by_key(|&(before, _)| before);
        let mut flashes = flashes.into_iter().peekable();
        let mut whole = Vec::with_capacity(steps.len());
        for (place, &(action, rank)) in real.iter().enumerate() {
            while let Some((_, flash)) = flashes.next_if(|&(before, _)| before == place) {
                whole.push((flash, rank));
            }
            whole.push((action, rank));
        }
        certificate::complete(self.course.problem, self.course.line, &self.course.interest, &whole)
    }
}

/// Whether the return that is due changes nothing for the position.
fn is_plain<W: Window>(scene: &Scene<'_, W>, position: &Position<W>) -> bool {
    position.settled.has(scene.slot) && (!scene.writes.has(scene.slot) || !position.ready.has(scene.slot))
}

/// What happens by itself between the last return and the one that is due now.
fn arrive<W: Window>(scene: &Scene<'_, W>, moves: &mut Moves<W>, position: &mut Position<W>) {
    position.bag = moves.bags.without(position.bag, &scene.spent_kinds);
    let fresh = &scene.fresh;
    position.ready.join(&fresh.and(&scene.writes));
    position.ready.join(&fresh.and(&scene.swaps));
    if scene.faded {
        position.state = scene.visible(position.state);
        if position.state == scene.course.junk() {
            position.settled.join(scene.writes_of(position.state));
        }
    }
    let mut seeing = scene.reads_of(position.state).clone();
    seeing.join(scene.writes_of(position.state));
    seeing.join_without(&scene.refusals, scene.refusals_of(position.state));
    position.settled.join(&seeing.and(fresh));
    // Without an unknown write called since, it is all the same when the last write was.
    if position.written > scene.last_unknown_write {
        position.written = scene.now;
    }
}

/// Adds the position, unless another can do all that it can; drops those that it outdoes.
fn keep<W: Window>(moves: &Moves<W>, positions: &mut Vec<Position<W>>, position: Position<W>) {
    let compared = positions.len().min(COMPARED);
    if positions[..compared].iter().any(|other| dominates(&moves.bags, other, &position)) {
        return;
    }
    if positions.len() <= COMPARED {
        positions.retain(|other| !dominates(&moves.bags, &position, other));
    }
    positions.push(position);
}

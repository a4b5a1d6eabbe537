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
//!
//! Unknown operations make it wide, for positions that have used different ones do not dominate each other. Against
//! that there are two means.
//!
//! - *Thrift*: a position may have used only so many more of them than the thriftiest; at first none more, unless nothing
//!   passes else. That leaves something out, so it only ever finds orders.
//! - *Generosity*: as if there were any number of each kind once one of it was called. Then positions differ no more in
//!   what they used. More is possible than truly was, so if such a frontier dies there is no order. If it comes to a
//!   return only by having used more than there were, some of these kinds are counted (an *account*), and it begins anew.
//!   An account counts the uses of several kinds together, first of all, then of those that make one value, then of one.
//!
//! Why counting less proves no less: an order never uses more of the kinds on an account than were called of them
//! together, so it is one of those that a generous frontier looks for, and the six reductions hold for these too. None
//! of them changes which unknown operations an order uses, and what can follow a position depends on what it used only
//! by way of its accounts ([`bags::Bags::allows`]), where less is never worse.

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
mod ladder;
mod moves;
mod position;
mod scene;
mod trail;

use bags::Accounts;
use course::Course;
use ladder::{End, climb};
use moves::Moves;
use position::{Position, keep};
use scene::Scene;
use trail::Footprint;

/// By how many unknown operations more a frontier is helped that would die else.
const HELP: u32 = 6;

/// Decides any register.
pub(crate) fn decide(problem: &Problem, line: &Timeline, budget: &Budget) -> Decision {
    let course = Course::new(problem, line);
    let rungs = ladder::rungs(&course);
    let words = line.width().div_ceil(64).max(1);
    match words {
        1 => climb::<[u64; 1]>(&course, words, rungs, budget),
        2 => climb::<[u64; 2]>(&course, words, rungs, budget),
        3 | 4 => climb::<[u64; 4]>(&course, 4, rungs, budget),
        _ => climb::<Vec<u64>>(&course, words, rungs, budget),
    }
}

/// The same, but frontiers that are not thrifty come first, which else come seldom into play.
#[cfg(test)]
pub(super) fn decide_generously(problem: &Problem, line: &Timeline, budget: &Budget) -> Decision {
    let course = Course::new(problem, line);
    let mut rungs = ladder::UNCERTAIN;
    rungs.sort_by_key(|rung| matches!(rung, ladder::Rung::Thrifty(..)));
    climb::<Vec<u64>>(&course, line.width().div_ceil(64).max(1), &rungs, budget)
}

/// What is left out, and what is counted.
struct Stance {
    /// How many positions the frontier may hold.
    width: usize,
    /// How many unknown operations a position may have used more than the thriftiest.
    slack: u32,
    accounts: Accounts,
}

struct Frontier<'a> {
    course: &'a Course<'a>,
    words: usize,
    /// A return that cannot be passed.
    dead: Option<u32>,
    stance: Stance,
    left_out: bool,
}

impl Frontier<'_> {
    fn run<W: Window>(mut self, meter: &mut Meter<'_>) -> End {
        let mut scene = Scene::<W>::new(self.course, self.words);
        let mut moves = Moves::<W>::new(self.stance.accounts.clone());
        let empty = W::empty(self.words);
        let (ready, settled) = (empty.clone(), empty);
        let first = Position { state: 0, bag: 0, overdrawn: 0, written: 0, trail: NEVER, ready, settled };
        let mut positions = vec![first];
        if !scene.is_over() {
            positions.iter_mut().for_each(|position| arrive(&scene, &mut moves, position));
        }
        let mut swept = 4096;
        while !scene.is_over() {
            let reached = scene.layer;
            // What is reached honestly explains all before; what is overdrawn explains nothing.
            let honest = positions.iter().any(|position| position.overdrawn == 0);
            if self.dead == Some(reached) {
                return self.died(reached, honest);
            }
            if !honest {
                return self.overdrawn(&scene, &moves, &positions);
            }
            if let Err(limit) = self.find(&scene, &mut moves, &mut positions, meter) {
                return End::Decided(Decision::Unknown { limit, reached });
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
                keep(&moves.bags, &mut positions, position);
            }
            moves.passing = passing;
            if positions.is_empty() {
                return if self.left_out { End::TooNarrow(reached) } else { self.died(reached, honest) };
            }
            self.narrow(&scene, &moves, &mut positions);
            if moves.trail.len() > 2 * swept {
                moves.trail.sweep(&mut positions);
                swept = moves.trail.len().max(4096);
            }
            let each = size_of::<Position<W>>() + if self.words > 4 { 16 * self.words } else { 0 };
            let held = (positions.capacity() * each) as u64 + moves.bytes() + scene.bytes();
            if let Err(limit) = meter.hold(held) {
                return End::Decided(Decision::Unknown { limit, reached });
            }
        }
        match positions.iter().find(|position| position.overdrawn == 0) {
            Some(position) => End::Decided(Decision::Valid(self.order(&moves, position.trail))),
            None => self.overdrawn(&scene, &moves, &positions),
        }
    }

    /// Nothing passes this return.
    fn died(&self, reached: u32, honest: bool) -> End {
        if honest { End::Decided(Decision::Invalid { reached }) } else { End::Dead(reached) }
    }

    /// What the position that is least so has overdrawn.
    fn overdrawn<W: Window>(&self, scene: &Scene<'_, W>, moves: &Moves<W>, positions: &[Position<W>]) -> End {
        let best =
            positions.iter().min_by_key(|position| (position.overdrawn, moves.bags.size(position.bag)));
        let best = best.expect("a position passed the last return");
        let overdrawn = moves.trail.back_from(best.trail).filter(|step| step.overdrawn);
        let mut kinds: Vec<u32> = overdrawn.map(|step| scene.kind_of[step.action as usize]).collect();
        kinds.sort_unstable();
        kinds.dedup();
        End::Overdrawn(kinds)
    }

    /// Finds all that can pass the return that is due. Unknown operations are not used beyond the allowance, unless
    /// nothing passes else.
    fn find<W: Window>(
        &mut self,
        scene: &Scene<'_, W>,
        moves: &mut Moves<W>,
        positions: &mut Vec<Position<W>>,
        meter: &mut Meter<'_>,
    ) -> Result<(), Limit> {
        if positions.iter().all(|position| is_plain(scene, position)) {
            // Nothing but the passing of time.
            std::mem::swap(&mut moves.passing, positions);
            return Ok(());
        }
        let size = |position: &Position<W>| moves.bags.size(position.bag);
        let thriftiest = positions.iter().map(size).min().expect("the frontier is not empty");
        for help in 0..=HELP {
            moves.allowance = thriftiest.saturating_add(self.stance.slack).saturating_add(help);
            moves.stinted.set(false);
            for position in positions.iter() {
                moves.find(scene, position, meter)?;
            }
            self.left_out |= moves.stinted.get();
            if !moves.passing.is_empty() || !moves.stinted.get() {
                break;
            }
        }
        Ok(())
    }

    /// Leaves out the least promising positions when there are too many: each state keeps its best.
    fn narrow<W: Window>(
        &mut self,
        scene: &Scene<'_, W>,
        moves: &Moves<W>,
        positions: &mut Vec<Position<W>>,
    ) {
        if self.stance.slack < u32::MAX {
            self.spare(moves, positions);
        }
        if positions.len() <= self.stance.width {
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
        ranked[..self.stance.width].iter().for_each(|&(.., i)| kept[i] = true);
        let mut kept = kept.into_iter();
        positions.retain(|_| kept.next().expect("one for each"));
    }

    /// Leaves out the positions that have used too many unknown operations.
    fn spare<W: Window>(&mut self, moves: &Moves<W>, positions: &mut Vec<Position<W>>) {
        let size = |position: &Position<W>| moves.bags.size(position.bag);
        let thriftiest = positions.iter().map(size).min().unwrap_or(0);
        let before = positions.len();
        positions.retain(|position| size(position) <= thriftiest.saturating_add(self.stance.slack));
        self.left_out |= positions.len() < before;
    }

    /// The whole order, from what happened for real.
    fn order<W: Window>(&self, moves: &Moves<W>, end: u32) -> Vec<u32> {
        let mut steps: Vec<Footprint> = moves.trail.back_from(end).collect();
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

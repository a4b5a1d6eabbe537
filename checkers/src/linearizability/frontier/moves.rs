//! What can follow a position before the return that is due is passed.

use std::cell::Cell;

use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use super::{
    bags::{Accounts, Bags},
    position::{Position, dominates},
    scene::Scene,
    trail::{Footprint, Trail},
};
use crate::{
    Limit,
    linearizability::{decision::Meter, register::Action, window::Window},
};

/// A write or compare-and-set that may take effect: in a slot, or an unknown one of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mover {
    Slot(u32),
    Kind(u32),
}

/// Moves positions, and remembers what happened on the way.
#[derive(Debug)]
pub(super) struct Moves<W> {
    pub trail: Trail,
    pub bags: Bags,
    /// How many unknown operations a position may have used at most.
    pub allowance: u32,
    /// Whether that kept a position from using one.
    pub stinted: Cell<bool>,
    /// The positions that can pass the return that is due.
    pub passing: Vec<Position<W>>,
    /// Positions before the return, on the way.
    between: Vec<Position<W>>,
    /// What the later ones of these are, but for their trails.
    known: FxHashSet<(u32, u32, u32, W, W)>,
}

/// The most positions on the way with which a new one is compared.
const COMPARED: usize = 64;

impl<W: Window> Moves<W> {
    pub fn new(accounts: Accounts) -> Self {
        Self {
            trail: Trail::default(),
            bags: Bags::new(accounts),
            allowance: u32::MAX,
            stinted: Cell::new(false),
            passing: Vec::new(),
            between: Vec::new(),
            known: FxHashSet::default(),
        }
    }

    /// Finds all that can pass the return. Every position that is looked at on the way is a step.
    pub fn find(
        &mut self,
        scene: &Scene<'_, W>,
        position: &Position<W>,
        meter: &mut Meter<'_>,
    ) -> Result<(), Limit> {
        let slot = scene.slot;
        if position.settled.has(slot) {
            self.passing.push(position.clone());
            let Action::Write(to) = scene.action(slot) else { return meter.step(0) };
            if !position.ready.has(slot) {
                return meter.step(0);
            }
            let to = scene.visible(to);
            if !self.flashes(scene, position, to).is_empty() {
                let after = self.flash(scene, position, Mover::Slot(slot), to);
                self.passing.push(after);
            }
            // A write that nobody can see any more changes nothing for anybody but a refusal.
            if to == scene.course.junk() && scene.course.last_refusal < scene.now {
                return meter.step(0);
            }
        }
        self.between.clear();
        self.known.clear();
        self.between.push(position.clone());
        let mut next = 0;
        while next < self.between.len() {
            let position = self.between[next].clone();
            next += 1;
            meter.hold(self.bytes())?;
            self.finish(scene, &position, next == 1);
            self.digress(scene, &position);
        }
        Ok(())
    }

    /// About how many bytes it holds.
    pub fn bytes(&self) -> u64 {
        let apart = match self.between.first() {
            Some(position) if position.ready.words().len() > 4 => position.ready.words().len() * 16,
            _ => 0,
        };
        let positions = self.between.capacity() + self.passing.capacity() + 2 * self.known.capacity();
        (positions * (size_of::<Position<W>>() + apart)) as u64 + self.trail.bytes() + self.bags.bytes()
    }

    /// Lets the operation that is due take effect or be settled, as the last thing before its return.
    fn finish(&mut self, scene: &Scene<'_, W>, position: &Position<W>, first: bool) {
        let slot = scene.slot;
        match scene.action(slot) {
            Action::Write(_) => {
                let after = self.write(scene, position, Mover::Slot(slot));
                self.passing.push(after);
            }
            Action::Cas(from, to) if from != to => {
                if position.state == from {
                    let after = self.swap(scene, position, Mover::Slot(slot));
                    self.passing.push(after);
                }
                if let Some(mover) = self.writer(scene, position, from)
                    && (position.state != from || gains(scene, position))
                {
                    let between = self.write(scene, position, mover);
                    let after = self.swap(scene, &between, Mover::Slot(slot));
                    self.passing.push(after);
                }
            }
            Action::Read(value) | Action::Cas(value, _) => {
                if position.settled.has(slot) {
                    if !first {
                        self.passing.push(position.clone());
                    }
                    return;
                }
                self.make(scene, position, value);
            }
            Action::Refused(value) => {
                if position.settled.has(slot) {
                    if !first {
                        self.passing.push(position.clone());
                    }
                    return;
                }
                for other in self.writable(scene, position, value) {
                    self.make(scene, position, other);
                }
            }
        }
    }

    /// Lets the value be there for what is due to see: just before the last write, or now.
    fn make(&mut self, scene: &Scene<'_, W>, position: &Position<W>, value: u32) {
        if position.ready.has(scene.slot)
            && let Some(mover) = self.flasher(scene, position, value)
        {
            let after = self.flash(scene, position, mover, value);
            self.passing.push(after);
        }
        if let Some(mover) = self.writer(scene, position, value) {
            let after = self.write(scene, position, mover);
            self.passing.push(after);
        }
    }

    /// Compare-and-sets that take effect before the operation that is due, each from what is there or from what a
    /// write makes for it.
    fn digress(&mut self, scene: &Scene<'_, W>, position: &Position<W>) {
        if scene.swaps.is_empty() && scene.course.swappers.is_empty() {
            return;
        }
        let mut sources: SmallVec<[u32; 8]> = SmallVec::new();
        for slot in position.ready.and(&scene.swaps).slots().filter(|&slot| slot != scene.slot) {
            if let Action::Cas(from, _) = scene.action(slot)
                && !sources.contains(&from)
            {
                sources.push(from);
            }
        }
        if !scene.course.swappers.is_empty() {
            let froms = scene.called_swappers();
            for from in froms {
                if !sources.contains(&from) {
                    sources.push(from);
                }
            }
            sources.sort_unstable();
        }
        for from in sources {
            if from == position.state {
                self.swap_all(scene, position, from);
            }
            if from == position.state && !gains(scene, position) {
                continue;
            }
            if let Some(mover) = self.writer(scene, position, from)
                && self.swappable(scene, position, from)
            {
                let between = self.write(scene, position, mover);
                self.swap_all(scene, &between, from);
            }
        }
    }

    /// Whether any compare-and-set from the value might take effect.
    fn swappable(&self, scene: &Scene<'_, W>, position: &Position<W>, from: u32) -> bool {
        let ready = position.ready.and(scene.swaps_from(from));
        ready.slots().any(|slot| slot != scene.slot)
            || scene
                .course
                .swappers
                .get(&from)
                .into_iter()
                .flatten()
                .any(|&kind| self.may_use(scene, position.bag, kind, scene.now))
    }

    /// Each different compare-and-set from the state, on the way.
    fn swap_all(&mut self, scene: &Scene<'_, W>, position: &Position<W>, from: u32) {
        let mut tried: SmallVec<[(u32, u32); 8]> = SmallVec::new();
        for slot in position.ready.and(scene.swaps_from(from)).slots().filter(|&slot| slot != scene.slot) {
            let Action::Cas(_, to) = scene.action(slot) else { continue };
            match tried.iter_mut().find(|(known, _)| *known == to) {
                Some((_, best)) if scene.deadline(slot) < scene.deadline(*best) => *best = slot,
                Some(_) => {}
                None => tried.push((to, slot)),
            }
        }
        for (_, slot) in tried {
            let after = self.swap(scene, position, Mover::Slot(slot));
            self.keep_between(after);
        }
        for &kind in scene.course.swappers.get(&from).into_iter().flatten() {
            let Action::Cas(_, to) = scene.course.kinds[kind as usize].action else { continue };
            if self.may_use(scene, position.bag, kind, scene.now)
                && self.is_wanted(scene, position, scene.visible(to))
            {
                let after = self.swap(scene, position, Mover::Kind(kind));
                self.keep_between(after);
            }
        }
    }

    /// Whether anything under way could see the value if it were made now.
    fn is_wanted(&self, scene: &Scene<'_, W>, position: &Position<W>, value: u32) -> bool {
        let mut seeing = scene.reads_of(value).clone();
        seeing.join_without(&scene.refusals, scene.refusals_of(value));
        !position.settled.holds(&seeing)
            || !position.ready.and(scene.swaps_from(value)).is_empty()
            || scene
                .course
                .swappers
                .get(&value)
                .into_iter()
                .flatten()
                .any(|&kind| self.may_use(scene, position.bag, kind, scene.now))
    }

    /// Keeps a position on the way, unless another one there can do all that it can.
    fn keep_between(&mut self, position: Position<W>) {
        let bags = &self.bags;
        let compared = self.between.len().min(COMPARED);
        if self.between[..compared].iter().any(|other| dominates(bags, other, &position)) {
            return;
        }
        // Where there are too many to compare with all, at least none is kept twice.
        let Position { state, written, ready, settled, .. } = &position;
        let standing = bags.standing(position.bag);
        if compared < COMPARED
            || self.known.insert((*state, standing, *written, ready.clone(), settled.clone()))
        {
            self.between.push(position);
        }
    }

    /// The write of a value that takes effect best: the one that must return first, else an unknown one. What is due
    /// is not among them, since it takes effect last.
    fn writer(&self, scene: &Scene<'_, W>, position: &Position<W>, value: u32) -> Option<Mover> {
        let mut ready = position.ready.and(scene.writes_of(value));
        ready.remove(scene.slot);
        self.earliest(scene, &ready).or_else(|| self.unknown_writer(scene, position, value, scene.now))
    }

    /// The same, of those that were called before the last write that took effect for real.
    fn flasher(&self, scene: &Scene<'_, W>, position: &Position<W>, value: u32) -> Option<Mover> {
        let ready = position.ready.and(scene.writes_of(value)).and(&position.settled);
        self.earliest(scene, &ready).or_else(|| self.unknown_writer(scene, position, value, position.written))
    }

    fn earliest(&self, scene: &Scene<'_, W>, ready: &W) -> Option<Mover> {
        ready.slots().min_by_key(|&slot| scene.deadline(slot)).map(Mover::Slot)
    }

    fn unknown_writer(
        &self,
        scene: &Scene<'_, W>,
        position: &Position<W>,
        value: u32,
        before: u32,
    ) -> Option<Mover> {
        let kind = *scene.course.writers.get(&value)?;
        self.may_use(scene, position.bag, kind, before).then_some(Mover::Kind(kind))
    }

    /// Whether one more of a kind may be used as if it happened at this rank.
    fn may_use(&self, scene: &Scene<'_, W>, bag: u32, kind: u32, at: u32) -> bool {
        let called = scene.called_before(kind, at);
        let allowed = self.bags.allows(bag, kind, called, |kind| scene.called[kind as usize]);
        if allowed && self.bags.size(bag) >= self.allowance {
            self.stinted.set(true);
            return false;
        }
        allowed
    }

    /// The values other than this that something under way can write, junk included.
    fn writable(&self, scene: &Scene<'_, W>, position: &Position<W>, value: u32) -> SmallVec<[u32; 8]> {
        let mut values: SmallVec<[u32; 8]> = SmallVec::new();
        for slot in position.ready.and(&scene.writes).slots() {
            if let Action::Write(to) = scene.action(slot) {
                values.push(scene.visible(to));
            }
        }
        let kinds = scene.course.kinds.iter().zip(&scene.called).filter(|(_, called)| **called > 0);
        values.extend(kinds.filter_map(|(kind, _)| match kind.action {
            Action::Write(to) => Some(to),
            _ => None,
        }));
        values.retain(|other| *other != value);
        values.sort_unstable();
        values.dedup();
        values
    }

    /// What a flash of the value would settle.
    fn flashes(&self, scene: &Scene<'_, W>, position: &Position<W>, value: u32) -> W {
        let mut seeing = scene.reads_of(value).clone();
        seeing.join_without(&scene.refusals, scene.refusals_of(value));
        seeing.and(&position.ready).without(&position.settled)
    }

    fn flash(
        &mut self,
        scene: &Scene<'_, W>,
        position: &Position<W>,
        mover: Mover,
        value: u32,
    ) -> Position<W> {
        let mut after = position.clone();
        after.settled.join(&self.flashes(scene, position, value));
        self.spend(scene, &mut after, mover, true);
        after
    }

    fn write(&mut self, scene: &Scene<'_, W>, position: &Position<W>, mover: Mover) -> Position<W> {
        let mut after = position.clone();
        let Action::Write(to) = self.spend(scene, &mut after, mover, false) else { return after };
        after.state = scene.visible(to);
        after.written = scene.now;
        after.ready.join(&scene.reads);
        after.ready.join(&scene.refusals);
        after.settled.join(&scene.writes);
        after.settled.join(scene.reads_of(after.state));
        after.settled.join_without(&scene.refusals, scene.refusals_of(after.state));
        after
    }

    fn swap(&mut self, scene: &Scene<'_, W>, position: &Position<W>, mover: Mover) -> Position<W> {
        let mut after = position.clone();
        let Action::Cas(_, to) = self.spend(scene, &mut after, mover, false) else { return after };
        after.state = scene.visible(to);
        after.settled.join(scene.reads_of(after.state));
        after.settled.join(scene.writes_of(after.state));
        after.settled.join_without(&scene.refusals, scene.refusals_of(after.state));
        after
    }

    /// Uses up an operation.
    fn spend(&mut self, scene: &Scene<'_, W>, after: &mut Position<W>, mover: Mover, flash: bool) -> Action {
        let mut overdrawn = false;
        let operation = match mover {
            Mover::Slot(slot) => {
                after.ready.remove(slot);
                after.settled.add(slot);
                scene.operation(slot)
            }
            Mover::Kind(kind) => {
                let used = self.bags.used(after.bag, kind);
                let at = if flash { after.written } else { scene.now };
                overdrawn = used >= scene.called_before(kind, at);
                after.overdrawn += u32::from(overdrawn);
                after.bag = self.bags.with_one(after.bag, kind);
                let members = &scene.course.kinds[kind as usize].members;
                members[(used as usize).min(members.len() - 1)]
            }
        };
        after.trail = self.trail.add(Footprint {
            from: after.trail,
            action: operation,
            rank: scene.now,
            flash,
            overdrawn,
        });
        scene.course.problem.actions[operation as usize]
    }
}

/// Whether a write that takes effect for real now would settle anything or make a flash possible.
fn gains<W: Window>(scene: &Scene<'_, W>, position: &Position<W>) -> bool {
    let mut seeing = scene.reads.clone();
    seeing.join(&scene.refusals);
    !position.settled.holds(&scene.writes)
        || !seeing.without(&position.settled).without(&position.ready).is_empty()
}

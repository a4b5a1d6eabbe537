//! What is under way before the return that is due, sorted by what it sees and makes.

use super::course::Course;
use crate::linearizability::{register::Action, timeline::NEVER, window::Window};

/// For each value a set of slots.
struct Shelf<W> {
    sets: Vec<W>,
    empty: W,
}

impl<W: Window> Shelf<W> {
    /// With no room if nothing will ever be put in.
    fn new(values: usize, words: usize, used: bool) -> Self {
        let empty = W::empty(words);
        Self { sets: vec![empty.clone(); if used { values } else { 0 }], empty }
    }

    fn of(&self, value: u32) -> &W {
        self.sets.get(value as usize).unwrap_or(&self.empty)
    }
}

/// The operations under way, which advance from return to return.
pub(super) struct Scene<'a, W> {
    pub course: &'a Course<'a>,
    /// How many returns were passed.
    pub layer: u32,
    /// The operation whose return is due, its slot, and the rank of the return.
    pub due: u32,
    pub slot: u32,
    pub now: u32,
    /// What was called since the return before.
    pub fresh: W,
    /// Whether a value was seen for the last time before this return.
    pub faded: bool,
    /// Kinds of unknown operations that were useful for the last time before this return.
    pub spent_kinds: Vec<u32>,
    /// The rank of the last call of an unknown write.
    pub last_unknown_write: u32,
    pub reads: W,
    pub writes: W,
    pub refusals: W,
    pub swaps: W,
    /// How many unknown operations of each kind were called.
    pub called: Vec<u32>,
    reads_of: Shelf<W>,
    writes_of: Shelf<W>,
    refusals_of: Shelf<W>,
    swaps_from: Shelf<W>,
    operation: Vec<u32>,
    slot_of: Vec<u32>,
    occupied: W,
    next_call: usize,
    next_fading: usize,
    next_spent: usize,
    pub kind_of: Vec<u32>,
}

impl<'a, W: Window> Scene<'a, W> {
    pub fn new(course: &'a Course<'a>, words: usize) -> Self {
        let values = course.problem.values as usize + 1;
        let empty = || W::empty(words);
        let has = |fits: fn(&Action) -> bool| course.problem.actions.iter().any(fits);
        let mut kind_of = Vec::new();
        if !course.kinds.is_empty() {
            kind_of = vec![NEVER; course.problem.actions.len()];
            for (number, kind) in (0u32..).zip(&course.kinds) {
                kind.members.iter().for_each(|&i| kind_of[i as usize] = number);
            }
        }
        let mut scene = Self {
            course,
            layer: 0,
            due: NEVER,
            slot: 0,
            now: 0,
            fresh: empty(),
            faded: false,
            spent_kinds: Vec::new(),
            last_unknown_write: 0,
            reads: empty(),
            writes: empty(),
            refusals: empty(),
            swaps: empty(),
            called: vec![0; course.kinds.len()],
            reads_of: Shelf::new(values, words, true),
            writes_of: Shelf::new(values, words, true),
            refusals_of: Shelf::new(values, words, has(|action| matches!(action, Action::Refused(_)))),
            swaps_from: Shelf::new(values, words, has(|action| matches!(action, Action::Cas(..)))),
            operation: vec![NEVER; words * 64],
            slot_of: vec![NEVER; course.problem.actions.len()],
            occupied: empty(),
            next_call: 0,
            next_fading: 0,
            next_spent: 0,
            kind_of,
        };
        scene.arrive();
        scene
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> u64 {
        let sets = self.reads_of.sets.len()
            + self.writes_of.sets.len()
            + self.refusals_of.sets.len()
            + self.swaps_from.sets.len();
        (sets * self.occupied.words().len() * 8 + (self.kind_of.len() + self.slot_of.len()) * 4) as u64
    }

    /// Whether all returns were passed.
    pub fn is_over(&self) -> bool {
        self.layer as usize == self.course.line.returns.len()
    }

    /// The action of the operation in a slot.
    pub fn action(&self, slot: u32) -> Action {
        self.course.problem.actions[self.operation(slot) as usize]
    }

    /// The operation in a slot.
    pub fn operation(&self, slot: u32) -> u32 {
        self.operation[slot as usize]
    }

    /// The rank of the return of the operation in a slot.
    pub fn deadline(&self, slot: u32) -> u32 {
        self.course.line.ret[self.operation(slot) as usize]
    }

    /// The value now, or junk if nobody can see it any more.
    pub fn visible(&self, value: u32) -> u32 {
        self.course.visible(value, self.now)
    }

    /// Those under way that only see this value.
    pub fn reads_of(&self, value: u32) -> &W {
        self.reads_of.of(value)
    }
    /// Those that write it.
    pub fn writes_of(&self, value: u32) -> &W {
        self.writes_of.of(value)
    }
    /// Those that saw another value than this.
    pub fn refusals_of(&self, value: u32) -> &W {
        self.refusals_of.of(value)
    }
    /// Those that find it and make another.
    pub fn swaps_from(&self, value: u32) -> &W {
        self.swaps_from.of(value)
    }

    /// The values that unknown compare-and-sets called so far find.
    pub fn called_swappers(&self) -> impl Iterator<Item = u32> {
        let kinds = self
            .course
            .kinds
            .iter()
            .zip(&self.called)
            .filter(|(kind, called)| **called > 0 && kind.useful_until >= self.now);
        kinds.filter_map(|(kind, _)| match kind.action {
            Action::Cas(from, _) => Some(from),
            _ => None,
        })
    }

    /// How many unknown operations of a kind were called before this rank, and before the return that is due.
    pub fn called_before(&self, kind: u32, at: u32) -> u32 {
        if at >= self.now {
            return self.called[kind as usize];
        }
        self.course.kinds[kind as usize].called.partition_point(|&call| call < at) as u32
    }

    /// Passes the return that is due.
    pub fn pass(&mut self) {
        let (due, slot) = (self.due, self.slot);
        self.shelve(due, slot, |set, slot| set.remove(slot));
        self.occupied.remove(slot);
        self.layer += 1;
        self.arrive();
    }

    /// Lets time go on until the next return.
    fn arrive(&mut self) {
        self.fresh = W::empty(self.occupied.words().len());
        self.faded = false;
        self.spent_kinds.clear();
        if self.is_over() {
            return;
        }
        let course = self.course;
        self.due = course.line.returns[self.layer as usize];
        self.now = course.line.ret[self.due as usize];
        while let Some(&(until, value)) = course.last_seen.get(self.next_fading)
            && until < self.now
        {
            self.next_fading += 1;
            self.faded = true;
            let empty = self.writes_of.empty.clone();
            let written = std::mem::replace(&mut self.writes_of.sets[value as usize], empty);
            self.writes_of.sets[course.junk() as usize].join(&written);
        }
        while let Some(&(until, kind)) = course.last_used.get(self.next_spent)
            && until < self.now
        {
            self.next_spent += 1;
            self.spent_kinds.push(kind);
        }
        while let Some(&i) = course.line.calls.get(self.next_call)
            && course.line.call[i as usize] < self.now
        {
            self.next_call += 1;
            self.enter(i);
        }
        self.slot = self.slot_of[self.due as usize];
    }

    fn enter(&mut self, i: u32) {
        if self.course.problem.spans[i as usize].optional {
            let kind = self.kind_of.get(i as usize).copied().unwrap_or(NEVER);
            if kind != NEVER {
                self.called[kind as usize] += 1;
                if matches!(self.course.problem.actions[i as usize], Action::Write(_)) {
                    self.last_unknown_write = self.course.line.call[i as usize];
                }
            }
            return;
        }
        let slot = self.occupied.lowest_free().expect("the window is as wide as the history");
        self.occupied.add(slot);
        self.fresh.add(slot);
        self.operation[slot as usize] = i;
        self.slot_of[i as usize] = slot;
        self.shelve(i, slot, |set, slot| set.add(slot));
    }

    fn shelve(&mut self, i: u32, slot: u32, put: impl Fn(&mut W, u32)) {
        let (all, shelf, value) = match self.course.problem.actions[i as usize] {
            Action::Write(to) => {
                let to = self.course.visible(to, self.now);
                (&mut self.writes, &mut self.writes_of, to)
            }
            Action::Cas(from, to) if from != to => (&mut self.swaps, &mut self.swaps_from, from),
            Action::Read(value) | Action::Cas(value, _) => (&mut self.reads, &mut self.reads_of, value),
            Action::Refused(value) => (&mut self.refusals, &mut self.refusals_of, value),
        };
        put(all, slot);
        put(&mut shelf.sets[value as usize], slot);
    }
}

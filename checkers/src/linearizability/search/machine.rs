//! The states that a search meets, as numbers, and where each operation leads from each.

use std::hash::{BuildHasher, Hash};

use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;

use crate::{
    Influence,
    linearizability::{decision::table_bytes, timeline::NEVER},
};

/// How many unknown operations of each kind were used, as `(kind, used)` in the order of the kinds.
type Uses = SmallVec<[(u32, u32); 2]>;

/// What operations do to a state.
pub(crate) trait Steps<S> {
    /// Pushes the states that an operation may lead to. Operations of equal classes lead to equal states.
    fn step(&mut self, state: &S, operation: u32, next: &mut Vec<S>);

    /// Whether anything is known about answers that are still to come.
    fn grows(&self) -> bool {
        false
    }

    /// Whether two operations are the same call.
    fn asks_alike(&self, one: u32, other: u32) -> bool {
        one == other
    }

    /// What the first operation does to what the second observes.
    fn influence(&self, _: u32, _: u32) -> Influence {
        Influence::Any
    }

    /// Whether operations that only add can lead from here to a state in which this one can happen.
    fn reaches(&self, _: &S, _: u32) -> bool {
        true
    }
}

impl<S, F: FnMut(&S, u32, &mut Vec<S>)> Steps<S> for F {
    fn step(&mut self, state: &S, operation: u32, next: &mut Vec<S>) {
        self(state, operation, next);
    }
}

/// The states of a data type, by number; the first is 0. What is searched for does not depend on the type, so that one
/// search serves all.
pub(super) trait States {
    /// Adds the states that the operation may lead to from this one, each once.
    fn step(&mut self, state: u32, operation: u32, into: &mut Vec<u32>);
    /// As [`Steps::grows`].
    fn grows(&self) -> bool;
    /// As [`Steps::asks_alike`].
    fn asks_alike(&self, one: u32, other: u32) -> bool;
    /// As [`Steps::influence`].
    fn influence(&self, operation: u32, observer: u32) -> Influence;
    /// As [`Steps::reaches`].
    fn reaches(&self, state: u32, operation: u32) -> bool;
    /// About how many bytes it holds.
    fn bytes(&self) -> u64;
}

/// States in the order in which they were met.
struct Met<S, F> {
    states: Vec<S>,
    /// By hash, the latest state; by state, the one before it with the same hash.
    latest: FxHashMap<u64, u32>,
    before: Vec<u32>,
    step: F,
    fresh: Vec<S>,
    /// What the states hold, by those that were looked at.
    bytes: u64,
}

/// How many states lie between two whose size is looked at.
const SAMPLE: usize = 64;

impl<S: Clone + Eq + Hash + std::fmt::Debug, F: Steps<S>> Met<S, F> {
    fn number(&mut self, state: S) -> u32 {
        let hash = FxBuildHasher.hash_one(&state);
        let head = self.latest.get(&hash).copied().unwrap_or(NEVER);
        let mut same = head;
        while same != NEVER {
            if self.states[same as usize] == state {
                return same;
            }
            same = self.before[same as usize];
        }
        if self.states.len().is_multiple_of(SAMPLE) {
            // What a state holds elsewhere is not known; a text of it is shorter than that, but seldom by more than a third.
            let bytes = size_of::<S>() + 3 * format!("{state:?}").len() + 16;
            self.bytes += (bytes * SAMPLE) as u64;
        }
        let number = u32::try_from(self.states.len()).expect("fewer states than memory has bytes");
        self.states.push(state);
        self.before.push(head);
        self.latest.insert(hash, number);
        number
    }
}

impl<S: Clone + Eq + Hash + std::fmt::Debug, F: Steps<S>> States for Met<S, F> {
    fn step(&mut self, state: u32, operation: u32, into: &mut Vec<u32>) {
        let mut fresh = std::mem::take(&mut self.fresh);
        self.step.step(&self.states[state as usize], operation, &mut fresh);
        let begin = into.len();
        for next in fresh.drain(..) {
            let next = self.number(next);
            if !into[begin..].contains(&next) {
                into.push(next);
            }
        }
        self.fresh = fresh;
    }

    fn grows(&self) -> bool {
        self.step.grows()
    }

    fn asks_alike(&self, one: u32, other: u32) -> bool {
        self.step.asks_alike(one, other)
    }

    fn influence(&self, operation: u32, observer: u32) -> Influence {
        self.step.influence(operation, observer)
    }

    fn reaches(&self, state: u32, operation: u32) -> bool {
        self.step.reaches(&self.states[state as usize], operation)
    }

    fn bytes(&self) -> u64 {
        self.bytes
            + table_bytes(self.latest.len(), self.latest.capacity(), size_of::<(u64, u32)>())
            + self.before.capacity() as u64 * 4
    }
}

/// Remembers every step it was asked for, and which unknown operations were used.
pub(super) struct Machine<'a> {
    pub states: Box<dyn States + 'a>,
    /// By state and class, where the following states are in `flat`.
    known: FxHashMap<u64, (u32, u32)>,
    flat: Vec<u32>,
    bags: Vec<Uses>,
    bag_numbers: FxHashMap<Uses, u32>,
}

impl<'a> Machine<'a> {
    pub fn new<S>(initial: &S, step: impl Steps<S> + 'a) -> Self
    where
        S: Clone + Eq + Hash + std::fmt::Debug + 'a,
    {
        let (latest, before) = (FxHashMap::default(), Vec::new());
        let mut states = Met { states: Vec::new(), latest, before, step, fresh: Vec::new(), bytes: 0 };
        states.number(initial.clone());
        Self {
            states: Box::new(states),
            known: FxHashMap::default(),
            flat: Vec::new(),
            bags: vec![Uses::new()],
            bag_numbers: std::iter::once((Uses::new(), 0)).collect(),
        }
    }

    /// About how many bytes it holds.
    pub fn bytes(&self) -> u64 {
        self.states.bytes()
            + table_bytes(self.known.len(), self.known.capacity(), size_of::<(u64, (u32, u32))>())
            + self.flat.capacity() as u64 * 4
            + self.bags.len() as u64 * (2 * size_of::<Uses>() as u64 + 8)
    }

    /// Where the states after the operation of this class are.
    fn after(&mut self, state: u32, class: u32, operation: u32) -> (u32, u32) {
        let place = u64::from(state) << 32 | u64::from(class);
        if let Some(&known) = self.known.get(&place) {
            return known;
        }
        let begin = u32::try_from(self.flat.len()).expect("fewer steps than memory has bytes");
        self.states.step(state, operation, &mut self.flat);
        let range = (begin, self.flat.len() as u32);
        self.known.insert(place, range);
        range
    }

    /// The states after it other than this one.
    pub fn changes(&mut self, state: u32, class: u32, operation: u32) -> SmallVec<[u32; 4]> {
        let (begin, end) = self.after(state, class, operation);
        self.flat[begin as usize..end as usize].iter().copied().filter(|&next| next != state).collect()
    }

    /// Whether it may happen here and leave the state as it is.
    pub fn rests(&mut self, state: u32, class: u32, operation: u32) -> bool {
        let (begin, end) = self.after(state, class, operation);
        self.flat[begin as usize..end as usize].contains(&state)
    }

    /// How many of a kind were used.
    pub fn used(&self, bag: u32, kind: u32) -> usize {
        self.bags[bag as usize].iter().find(|uses| uses.0 == kind).map_or(0, |uses| uses.1 as usize)
    }

    /// The bag after one more of the kind was used.
    pub fn use_one(&mut self, bag: u32, kind: u32) -> u32 {
        let mut uses = self.bags[bag as usize].clone();
        match uses.binary_search_by_key(&kind, |uses| uses.0) {
            Ok(place) => uses[place].1 += 1,
            Err(place) => uses.insert(place, (kind, 1)),
        }
        let fresh = u32::try_from(self.bags.len()).expect("fewer bags than memory has bytes");
        let bags = &mut self.bags;
        *self.bag_numbers.entry(uses).or_insert_with_key(|uses| {
            bags.push(uses.clone());
            fresh
        })
    }
}

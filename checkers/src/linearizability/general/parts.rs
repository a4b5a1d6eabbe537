//! A history of any data type, cut into parts that do not notice each other, and each part as a task for the engine.

use std::{hash::Hash, sync::OnceLock};

use history::{History, Key, OpIndex, Operation, Outcome, Value, Vocabulary};
use rustc_hash::FxHashMap;

use crate::{
    Budget, DataType, Growth, Influence,
    linearizability::{
        decision::Decision,
        search::{self, Steps, Task, Touched},
        timeline::{NEVER, Span, Timeline},
    },
};

/// The operations of some keys that calls join, or of all of them.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// Its smallest key; `None` where calls without a key join everything.
    pub key: Option<Key>,
    /// All its operations, in the order they began.
    pub operations: Vec<OpIndex>,
    /// Those that matter: not failed, and not a read that nobody had an answer of.
    pub judged: Vec<OpIndex>,
    /// When the judged ones were under way.
    pub spans: Vec<Span>,
    /// The same, ranked.
    pub line: Timeline,
    /// Which keys each judged one touches.
    keys: Vec<Touched>,
    task: OnceLock<Task>,
}

/// How much of a part is to be decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// What returns at this rank or later has not returned.
    pub cut: u32,
    /// Of each judged operation, whether it counts. One that does not may have happened or not, if it can change
    /// anything, and else it is left out.
    pub kept: Option<&'a [bool]>,
}

impl Scope<'_> {
    /// The whole part.
    pub const ALL: Self = Self { cut: NEVER, kept: None };

    /// Whether this judged operation counts.
    pub fn keeps(&self, i: usize) -> bool {
        self.kept.is_none_or(|kept| kept[i])
    }
}

/// The parts, in the order of their smallest keys.
pub(crate) fn parts<V: Vocabulary>(history: &History<V>) -> Vec<Part> {
    let mut numbers: FxHashMap<Key, u32> = FxHashMap::default();
    let mut names: Vec<Key> = Vec::new();
    let mut touched: Vec<Touched> = Vec::with_capacity(history.operations.len());
    for operation in &history.operations {
        let keys = V::keys(&operation.call).into_iter().map(|key| {
            *numbers.entry(key).or_insert_with_key(|key| {
                names.push(key.clone());
                u32::try_from(names.len() - 1).expect("fewer keys than operations name")
            })
        });
        touched.push(keys.collect());
    }
    let joined = touched.iter().any(|keys| keys.is_empty());
    let roots = roots(names.len(), &touched);
    let mut smallest: Vec<Option<Key>> = vec![None; names.len()];
    for (name, &root) in names.into_iter().zip(&roots) {
        let place = &mut smallest[root as usize];
        if place.as_ref().is_none_or(|known| name < *known) {
            *place = Some(name);
        }
    }
    let mut places: FxHashMap<u32, usize> = FxHashMap::default();
    let mut parts: Vec<Part> = Vec::new();
    for (index, keys) in (0u32..).zip(&touched) {
        let root = if joined { NEVER } else { roots[keys[0] as usize] };
        let place = *places.entry(root).or_insert_with(|| {
            let key = if joined { None } else { smallest[root as usize].clone() };
            parts.push(Part { key, ..Part::default() });
            parts.len() - 1
        });
        parts[place].operations.push(OpIndex(index));
    }
    sort(&mut parts);
    for part in &mut parts {
        part.lay_out(history, &touched);
    }
    parts
}

fn sort(parts: &mut [Part]) {
    parts.sort_by(|one, other| one.key.cmp(&other.key));
}

/// For each key the number of one that stands for all that calls join with it.
fn roots(keys: usize, touched: &[Touched]) -> Vec<u32> {
    let mut parent: Vec<u32> = (0u32..).take(keys).collect();
    let root = |parent: &mut Vec<u32>, mut key: u32| {
        while parent[key as usize] != key {
            parent[key as usize] = parent[parent[key as usize] as usize];
            key = parent[key as usize];
        }
        key
    };
    for keys in touched {
        for pair in keys.windows(2) {
            let (one, other) = (root(&mut parent, pair[0]), root(&mut parent, pair[1]));
            parent[one.max(other) as usize] = one.min(other);
        }
    }
    (0u32..).take(keys).map(|key| root(&mut parent, key)).collect()
}

/// Numbers what is equal alike.
fn classes<T: Eq + Hash>(things: impl Iterator<Item = T>) -> Vec<u32> {
    let mut numbers: FxHashMap<T, u32> = FxHashMap::default();
    things
        .map(|thing| {
            let fresh = u32::try_from(numbers.len()).expect("fewer classes than operations");
            *numbers.entry(thing).or_insert(fresh)
        })
        .collect()
}

impl Part {
    fn lay_out<V: Vocabulary>(&mut self, history: &History<V>, touched: &[Touched]) {
        let at = |index: OpIndex| &history.operations[index.0 as usize];
        // A read whose answer nobody knows may be said never to have happened.
        self.judged = self.operations.clone();
        self.judged.retain(|&index| match at(index).outcome {
            Outcome::Ok(_) => true,
            Outcome::Fail(_) => false,
            Outcome::Unknown(_) => !V::is_read(&at(index).call),
        });
        self.spans = self
            .judged
            .iter()
            .map(|&index| Span {
                began: at(index).began.0,
                deadline: at(index).deadline().map(|time| time.0),
                optional: matches!(at(index).outcome, Outcome::Unknown(_)),
            })
            .collect();
        self.line = Timeline::new(&self.spans);
        self.keys = self.judged.iter().map(|&index| touched[index.0 as usize].clone()).collect();
    }

    /// The judged operations for the general engine, which is not always asked.
    pub fn task<V: Vocabulary>(&self, history: &History<V>) -> &Task {
        let at = |index: OpIndex| &history.operations[index.0 as usize];
        self.task.get_or_init(|| Task {
            line: self.line.clone(),
            classes: classes(self.judged.iter().map(|&index| (&at(index).call, at(index).outcome.ok()))),
            keys: self.keys.clone(),
            waived: vec![false; self.judged.len()],
            observes: self.judged.iter().map(|&index| V::is_read(&at(index).call)).collect(),
        })
    }

    /// Decides a task over some of the judged operations, or all of them.
    pub fn decide<D: DataType>(
        &self,
        history: &History<D::Vocabulary>,
        task: &Task,
        chosen: Option<&[u32]>,
        budget: &Budget,
    ) -> Decision {
        let object = Object { history, part: self, chosen, growth: D::growth() };
        search::decide(task, &D::initial(initial(history)), object, budget)
    }

    /// What to call it in a sentence.
    pub fn name(&self) -> String {
        match &self.key {
            None | Some(Value::Nil) => "the object".into(),
            Some(key) => format!("key {key}"),
        }
    }
}

/// What the chosen operations of a part do to an object.
struct Object<'a, D: DataType> {
    history: &'a History<D::Vocabulary>,
    part: &'a Part,
    chosen: Option<&'a [u32]>,
    growth: Option<Growth<D>>,
}

impl<D: DataType> Object<'_, D> {
    fn operation(&self, i: u32) -> &Operation<D::Vocabulary> {
        let i = self.chosen.map_or(i, |chosen| chosen[i as usize]);
        &self.history.operations[self.part.judged[i as usize].0 as usize]
    }
}

impl<D: DataType> Steps<D> for Object<'_, D> {
    fn step(&mut self, state: &D, operation: u32, next: &mut Vec<D>) {
        let operation = self.operation(operation);
        state.step(&operation.call, operation.outcome.ok(), next);
    }

    fn grows(&self) -> bool {
        self.growth.is_some()
    }

    fn asks_alike(&self, one: u32, other: u32) -> bool {
        self.operation(one).call == self.operation(other).call
    }

    fn influence(&self, operation: u32, observer: u32) -> Influence {
        let (operation, observer) = (self.operation(operation), self.operation(observer));
        self.growth
            .as_ref()
            .map_or(Influence::Any, |growth| (growth.influence)(&operation.call, &observer.call))
    }

    fn reaches(&self, state: &D, operation: u32) -> bool {
        let operation = self.operation(operation);
        match (&self.growth, operation.outcome.ok()) {
            (Some(growth), Some(returned)) => (growth.reaches)(state, &operation.call, returned),
            _ => true,
        }
    }
}

fn initial<V: Vocabulary>(history: &History<V>) -> &Value {
    &history.header.initial
}

//! The operations of one register, reduced to what the engines need.
//!
//! Values become small numbers. What cannot matter is left out: failed calls, reads whose result is not known, unknown
//! reads.

use history::{
    History, Key, OpIndex, Operation, Outcome, Value,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};
use rustc_hash::FxHashMap;

use super::{
    certificate,
    decision::Decision,
    frontier,
    groups::Group,
    search::{self, Task, Touched},
    timeline::{NEVER, Span, Timeline},
    zones,
};
use crate::Budget;

/// What an operation does to a register. Values are numbers; 0 is the initial value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Action {
    /// Saw this value.
    Read(u32),
    /// Made it this value.
    Write(u32),
    /// Saw the first value and made it the second.
    Cas(u32, u32),
    /// Saw any value but this.
    Refused(u32),
}

impl Action {
    /// The value after it, if it can change the value.
    pub fn makes(self) -> Option<u32> {
        match self {
            Self::Write(to) => Some(to),
            Self::Cas(from, to) if from != to => Some(to),
            _ => None,
        }
    }

    /// The state after it in this state; `None` if it cannot happen there.
    pub fn apply(self, state: u32) -> Option<u32> {
        match self {
            Self::Read(value) => (state == value).then_some(state),
            Self::Write(to) => Some(to),
            Self::Cas(from, to) => (state == from).then_some(to),
            Self::Refused(value) => (state != value).then_some(state),
        }
    }
}

/// What the engines judge: actions, when they were under way, how many values there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problem {
    pub actions: Vec<Action>,
    pub spans: Vec<Span>,
    pub values: u32,
}

/// The operations of one key.
#[derive(Debug)]
pub(crate) struct Part {
    pub key: Key,
    /// All operations of the key, also those that are left out of the problem.
    pub operations: Vec<OpIndex>,
    pub problem: Problem,
    /// For each action of the problem, its operation.
    pub origin: Vec<OpIndex>,
    /// Successful calls whose answer makes no sense; they are judged as if their outcome were unknown.
    pub malformed: usize,
    /// Nil reads that were taken as "not known", because the initial value is not nil.
    pub nil_reads: usize,
}

/// Numbers the values of a key in the order in which they are met.
///
/// Small whole numbers, which most values are, are looked up in a table; the others by hash.
struct Numbers<'a> {
    values: Vec<&'a Value>,
    dense: Vec<u32>,
    others: FxHashMap<&'a Value, u32>,
    dense_max: usize,
}

impl<'a> Numbers<'a> {
    fn new(initial: &'a Value, dense_max: usize) -> Self {
        let mut numbers = Self {
            values: Vec::new(),
            dense: Vec::new(),
            others: FxHashMap::default(),
            dense_max: dense_max.max(256),
        };
        numbers.of(initial);
        numbers
    }

    fn of(&mut self, value: &'a Value) -> u32 {
        let fresh = u32::try_from(self.values.len()).expect("fewer values than operations");
        let place = match *value {
            Value::Int(number) => usize::try_from(number).ok().filter(|&place| place <= 4 * self.dense_max),
            _ => None,
        };
        let known = match place {
            Some(place) => {
                if place >= self.dense.len() {
                    self.dense.resize((place + 1).next_power_of_two(), NEVER);
                }
                &mut self.dense[place]
            }
            None => self.others.entry(value).or_insert(NEVER),
        };
        if *known == NEVER {
            *known = fresh;
            self.values.push(value);
        }
        *known
    }
}

/// So many operations are asked for at once.
const TOGETHER: usize = 16;

/// Touches operations before they are read. Those of one key lie far apart among those of many others, and memory answers many
/// questions in the time of one, if none waits for the answer to another.
fn ask_for(history: &History<Register>, operations: &[OpIndex]) {
    let (Some(first), Some(last)) = (operations.first(), operations.last()) else { return };
    if ((last.0 - first.0) as usize) < 4 * operations.len() {
        return;
    }
    let touched = operations.iter().fold(0, |touched, index| {
        let operation = &history.operations[index.0 as usize];
        touched ^ operation.began.0 ^ u64::from(operation.index.0)
    });
    std::hint::black_box(touched);
}

impl Part {
    /// The operations of one key.
    pub fn new(history: &History<Register>, group: Group) -> Self {
        let initial = &history.header.initial;
        let mut part = Self {
            key: group.key,
            problem: Problem::with_capacity(group.operations.len()),
            origin: Vec::with_capacity(group.operations.len()),
            operations: group.operations,
            malformed: 0,
            nil_reads: 0,
        };
        let mut numbers = Numbers::new(initial, part.operations.len());
        for from in (0..part.operations.len()).step_by(TOGETHER) {
            let to = part.operations.len().min(from + TOGETHER);
            ask_for(history, &part.operations[from..to]);
            for at in from..to {
                let operation = &history.operations[part.operations[at].0 as usize];
                part.add(operation, &mut numbers, *initial == Value::Nil);
            }
        }
        part.problem.values = u32::try_from(numbers.values.len()).expect("fewer values than operations");
        part
    }

    /// The values by number.
    pub fn values<'a>(&self, history: &'a History<Register>) -> Vec<&'a Value> {
        let initial = &history.header.initial;
        let mut values = vec![initial; self.problem.values as usize];
        for (action, origin) in self.problem.actions.iter().zip(&self.origin) {
            match (action, &history.operations[origin.0 as usize]) {
                (Action::Read(seen), Operation { outcome: Outcome::Ok(Return::Value(Some(value))), .. }) => {
                    values[*seen as usize] = value;
                }
                (Action::Write(to), Operation { call: Call::Write(_, value), .. }) => {
                    values[*to as usize] = value
                }
                (Action::Cas(one, two), Operation { call: Call::Cas(_, from, to), .. }) => {
                    (values[*one as usize], values[*two as usize]) = (from, to);
                }
                (Action::Refused(one), Operation { call: Call::Cas(_, from, _), .. }) => {
                    values[*one as usize] = from
                }
                _ => {}
            }
        }
        values
    }

    fn add<'a>(&mut self, operation: &'a history::Operation<Register>, known: &mut Numbers<'a>, nil: bool) {
        let mut number = |value: &'a Value| known.of(value);
        let mut optional = false;
        let action = match (&operation.call, &operation.outcome) {
            (_, Outcome::Fail(_)) | (Call::Read(_), Outcome::Unknown(_)) => None,
            (Call::Read(_), Outcome::Ok(Return::Value(Some(Value::Nil)))) if !nil => {
                self.nil_reads += 1;
                None
            }
            (Call::Read(_), Outcome::Ok(Return::Value(Some(seen)))) => Some(Action::Read(number(seen))),
            (Call::Read(_), Outcome::Ok(Return::Value(None))) => None,
            (Call::Write(_, value), Outcome::Ok(Return::Written)) => Some(Action::Write(number(value))),
            (Call::Cas(_, from, to), Outcome::Ok(Return::Swapped)) => {
                Some(Action::Cas(number(from), number(to)))
            }
            (Call::Cas(_, from, _), Outcome::Ok(Return::Refused)) => Some(Action::Refused(number(from))),
            (call, outcome) => {
                self.malformed += usize::from(matches!(outcome, Outcome::Ok(_)));
                optional = true;
                match call {
                    Call::Read(_) => None,
                    Call::Write(_, value) => Some(Action::Write(number(value))),
                    Call::Cas(_, from, to) => Some(Action::Cas(number(from), number(to))),
                }
            }
        };
        if let Some(action) = action {
            let deadline = if optional { None } else { operation.deadline().map(|time| time.0) };
            self.problem.actions.push(action);
            self.problem.spans.push(Span { began: operation.began.0, deadline, optional });
            self.origin.push(operation.index);
        }
    }

    /// Decides the part.
    pub fn decide(&self, budget: &Budget) -> Decision {
        self.problem.decide(budget)
    }

    /// An order of actions as one of operations, with those that were not judged.
    pub fn whole(&self, history: &History<Register>, order: &[u32]) -> Vec<OpIndex> {
        let order = order.iter().map(|&action| self.origin[action as usize]).collect();
        certificate::with_unjudged(history, &self.operations, &self.origin, order)
    }
}

impl Problem {
    /// Nothing yet, and room for so many.
    fn with_capacity(count: usize) -> Self {
        Self { actions: Vec::with_capacity(count), spans: Vec::with_capacity(count), values: 0 }
    }

    /// Decides by the engine that suits: zones where values are unambiguous, else the two searches in turns.
    pub fn decide(&self, budget: &Budget) -> Decision {
        let line = Timeline::new(&self.spans);
        match zones::decide(self, &line) {
            Some(decision) => decision,
            None => frontier::decide(self, &line, budget),
        }
    }

    /// The same by the general engine, which shares nothing with the others but the timeline.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference that tests compare with"))]
    pub fn decide_generally(&self, budget: &Budget) -> Decision {
        let mut known: FxHashMap<(Action, bool), u32> = FxHashMap::default();
        let classes = self.actions.iter().zip(&self.spans).map(|(&action, span)| {
            let fresh = u32::try_from(known.len()).expect("fewer classes than actions");
            *known.entry((action, span.optional)).or_insert(fresh)
        });
        let task = Task {
            classes: classes.collect(),
            line: Timeline::new(&self.spans),
            keys: vec![Touched::from_slice(&[0]); self.actions.len()],
            waived: vec![false; self.actions.len()],
            observes: self
                .actions
                .iter()
                .map(|action| matches!(action, Action::Read(_) | Action::Refused(_)))
                .collect(),
        };
        let step = |state: &u32, action: u32, next: &mut Vec<u32>| {
            next.extend(self.actions[action as usize].apply(*state));
        };
        search::decide(&task, &0, step, budget)
    }
}

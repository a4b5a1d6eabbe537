//! A key-value store that hears answers in advance against one that does not: on histories longer than every order of
//! them can be tried, both find the same verdict and the same operation that cannot be placed.
//!
//! `DISPROVE_FUZZ=100 cargo test -p disprove-checkers --test foresight` compares a hundred times as many.

#[path = "material/dice.rs"]
mod dice;

use std::collections::BTreeMap;

use dice::Dice;
use disprove_checkers::{
    Budget, Checker, DataType, Validity, Verdict,
    datatypes::KeyValueState,
    linearizability::{LinearizableType, verify_object_order},
};
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value,
    vocabulary::{
        KeyValue,
        key_value::{Call, Return},
    },
};
use rayon::prelude::*;

/// The same store, which says nothing about what is to come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Silent(KeyValueState);

impl DataType for Silent {
    type Vocabulary = KeyValue;

    fn initial(value: &Value) -> Self {
        Self(KeyValueState::initial(value))
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        let mut states = Vec::new();
        self.0.step(call, returned, &mut states);
        next.extend(states.into_iter().map(Self));
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}

/// What the histories of one round have in common.
#[derive(Clone, Copy)]
struct Shape {
    operations: u64,
    clients: u64,
    keys: u64,
    /// Whether every text is another one.
    unique: bool,
    puts: u64,
    /// How many of a hundred calls touch several keys or are none of the above.
    others: u64,
    unknown: u64,
    lies: u64,
}

fn shape(dice: &mut Dice) -> Shape {
    Shape {
        operations: 8 + dice.roll(90),
        clients: 2 + dice.roll(5),
        keys: 1 + dice.roll(3),
        unique: dice.percent(50),
        puts: [2, 10, 30][dice.below(3)],
        others: [0, 0, 3, 10][dice.below(4)],
        unknown: [0, 0, 5, 15][dice.below(4)],
        lies: [0, 1, 3][dice.below(3)],
    }
}

fn key(dice: &mut Dice, shape: Shape) -> Value {
    Value::from(["x", "y", "z"][dice.roll(shape.keys) as usize])
}

fn call(dice: &mut Dice, shape: Shape, number: u64) -> Call {
    let text = |dice: &mut Dice| match shape.unique {
        true => Value::from(format!("{number};").as_str()),
        false => Value::from(["a", "b", "ab"][dice.below(3)]),
    };
    let name = key(dice, shape);
    if dice.percent(shape.others) {
        return match dice.roll(5) {
            0 => Call::Delete(name),
            1 => Call::Cas(name, Value::Nil, text(dice)),
            2 => Call::MultiGet(vec![name, key(dice, shape)]),
            3 => Call::MultiPut(vec![(name, text(dice)), (key(dice, shape), text(dice))]),
            _ => Call::Range(name, Value::Nil),
        };
    }
    if dice.percent(45) {
        Call::Get(name)
    } else if dice.percent(shape.puts) {
        Call::Put(name, text(dice))
    } else {
        Call::Append(name, text(dice))
    }
}

/// What the store holds, by key.
type Entries = BTreeMap<Value, Value>;

/// The call takes effect, and answers.
fn run(entries: &mut Entries, call: &Call) -> Return {
    match call {
        Call::Get(key) => Return::Value(Some(entries.get(key).cloned().unwrap_or(Value::Nil))),
        Call::Put(key, value) => {
            entries.insert(key.clone(), value.clone());
            Return::Done
        }
        Call::Append(key, more) => {
            let before = entries.get(key).map_or(String::new(), Value::to_string);
            entries.insert(key.clone(), Value::from(format!("{before}{more}").as_str()));
            Return::Done
        }
        Call::Delete(key) => Return::Deleted(entries.remove(key).is_some()),
        Call::Cas(key, from, to) if entries.get(key).unwrap_or(&Value::Nil) == from => {
            entries.insert(key.clone(), to.clone());
            Return::Swapped
        }
        Call::Cas(..) => Return::Refused,
        Call::MultiGet(keys) => {
            let keys: std::collections::BTreeSet<&Value> = keys.iter().collect();
            let there = keys.into_iter().filter_map(|key| Some((key.clone(), entries.get(key)?.clone())));
            Return::Entries(there.collect())
        }
        Call::MultiPut(several) => {
            entries.extend(several.iter().cloned());
            Return::Done
        }
        Call::Range(from, _) => {
            Return::Entries(entries.range(from.clone()..).map(|(k, v)| (k.clone(), v.clone())).collect())
        }
    }
}

/// Calls take effect one after the other; some gets then answer what one did elsewhere, or with less or more.
fn generate(dice: &mut Dice, shape: Shape) -> History<KeyValue> {
    let (mut entries, mut seen) = (Entries::new(), vec![Value::Nil]);
    let mut free = vec![0u64; shape.clients as usize];
    let mut drafts = Vec::new();
    for number in 0..shape.operations {
        let client = (0..free.len()).min_by_key(|&client| free[client]).expect("there are clients");
        let began = free[client] + dice.roll(3);
        let at = began + dice.roll(40);
        let ended = at + dice.roll(40);
        free[client] = ended + 1;
        drafts.push((at, began, ended, client, call(dice, shape, number)));
    }
    drafts.sort_by_key(|draft| draft.0);
    let mut operations = Vec::new();
    for (_, began, ended, client, call) in drafts {
        let is_unknown = dice.percent(shape.unknown);
        let mut answer = if is_unknown && dice.percent(50) { Return::Done } else { run(&mut entries, &call) };
        if let Return::Value(Some(value)) = &mut answer {
            seen.push(value.clone());
            if dice.percent(shape.lies) {
                let text = value.to_string();
                *value = match dice.roll(3) {
                    0 => seen[dice.below(seen.len())].clone(),
                    1 => Value::from(&text[..dice.below(text.len() + 1)]),
                    _ => Value::from(format!("{text}a").as_str()),
                };
            }
        }
        let outcome = if is_unknown { Outcome::Unknown("timeout".into()) } else { Outcome::Ok(answer) };
        operations.push(Operation {
            index: OpIndex(0),
            process: Process(client as u32),
            node: NodeId(0),
            call,
            outcome,
            began: Nanos(began),
            ended: Some(Nanos(ended)),
        });
    }
    operations.sort_by_key(|operation| operation.began);
    for (index, operation) in (0u32..).zip(&mut operations) {
        operation.index = OpIndex(index);
    }
    History { header: Header::new("key-value"), operations, faults: Vec::new(), damage: None }
}

/// The operations that cannot be placed, by key.
fn refused(verdict: &Verdict) -> Vec<Option<OpIndex>> {
    let last = |anomaly: &disprove_checkers::Anomaly| anomaly.explanation.last().map(|last| last.operation);
    verdict.anomalies.iter().map(last).collect()
}

/// Both verdicts.
fn compare(history: &History<KeyValue>) -> (Validity, Validity) {
    let budget = Budget::new(60_000, 1 << 30);
    let seeing = LinearizableType::<KeyValueState>::new().check(history, &budget);
    let silent = LinearizableType::<Silent>::new().check(history, &budget);
    let shown = || {
        let lines = history.operations.iter().map(|one| {
            let ended = one.ended.map(|end| end.0);
            format!("\n  {} {}..{ended:?} {:?} {:?}", one.index, one.began.0, one.call, one.outcome)
        });
        lines.collect::<String>()
    };
    if let Some(order) = &seeing.certificate {
        assert!(verify_object_order::<KeyValueState>(history, order), "{order:?} {}", shown());
    }
    if seeing.validity != Validity::Unknown && silent.validity != Validity::Unknown {
        assert_eq!(
            seeing.validity,
            silent.validity,
            "{:?} {:?} {}",
            seeing.anomalies,
            silent.anomalies,
            shown()
        );
        let (ours, theirs) = (refused(&seeing), refused(&silent));
        assert_eq!(ours.len(), theirs.len(), "{}", shown());
        if silent.limits.is_empty() && seeing.limits.is_empty() {
            // The longest order before it is sought within few steps, and not always found.
            let agree =
                |(one, other): (&Option<_>, &Option<_>)| one.is_none() || other.is_none() || one == other;
            assert!(ours.iter().zip(&theirs).all(agree), "{ours:?} {theirs:?} {}", shown());
        }
    }
    (seeing.validity, silent.validity)
}

#[test]
fn a_store_that_hears_answers_in_advance_agrees_with_one_that_does_not() {
    const EACH: u64 = 20;
    let times = std::env::var("DISPROVE_FUZZ").ok().and_then(|times| times.parse().ok()).unwrap_or(1u64);
    let counts = (0..100 * times).into_par_iter().map(|round| {
        let mut dice = Dice(round);
        let mut counts = [0u64; 4];
        for _ in 0..EACH {
            let shape = shape(&mut dice);
            let at = match compare(&generate(&mut dice, shape)) {
                (Validity::Unknown, Validity::Unknown) => 2,
                (_, Validity::Unknown) => 3,
                (Validity::Invalid, _) => 1,
                _ => 0,
            };
            counts[at] += 1;
        }
        counts
    });
    let counts = counts.reduce(|| [0; 4], |one, other| std::array::from_fn(|at| one[at] + other[at]));
    let [valid, invalid, neither, more] = counts;
    println!("{valid} valid, {invalid} invalid, {more} decided only with foresight, {neither} by none");
    assert!(valid >= 100 * times && invalid >= 100 * times, "{counts:?}");
}

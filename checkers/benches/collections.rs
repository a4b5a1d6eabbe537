//! How long the monitors of collections take, and how much memory: own generator, one table.
//!
//! Clients call in a closed loop: a call takes 0.1 plus an exponential of mean 1, the pause after it is up to 0.25, and it
//! takes effect at a random instant in between. Of the calls with unknown outcomes half take effect, some of them
//! late. `DISPROVE_BENCH_CALLS` limits the largest history.

#[path = "../tests/material/dice.rs"]
mod dice;

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    fs,
};

use dice::Dice;
use disprove_checkers::{
    Budget, Checker, Validity,
    collections::{Action, Call, Discipline, Monitored, MonitoredSet},
    datatypes::{BagState, PriorityQueueState, QueueState, SetState, StackState},
};
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value, Vocabulary,
    vocabulary::{Bag, PriorityQueue, Queue, Set, Stack, bag, queue, set},
};

/// What is inside, and which comes out.
struct Object {
    discipline: Discipline,
    line: VecDeque<u32>,
    sorted: BTreeSet<u32>,
}

impl Object {
    fn put(&mut self, value: u32) {
        match self.discipline {
            Discipline::Priority => drop(self.sorted.insert(value)),
            _ => self.line.push_back(value),
        }
    }

    fn take(&mut self, dice: &mut Dice) -> Option<u32> {
        match self.discipline {
            Discipline::Queue => self.line.pop_front(),
            Discipline::Stack => self.line.pop_back(),
            Discipline::Priority => self.sorted.pop_first(),
            Discipline::Bag => {
                let place = dice.below(self.line.len().max(1));
                self.line.swap_remove_back(place)
            }
        }
    }
}

/// A valid history: this many calls by this many clients.
fn generate(discipline: Discipline, count: usize, clients: usize, unknown: f64, seed: u64) -> Vec<Call> {
    const UNIT: f64 = 1e6;
    let mut dice = Dice(seed);
    let mut numbers: Vec<u32> = (0..count as u32).collect();
    for place in (1..count).rev() {
        numbers.swap(place, dice.below(place + 1));
    }
    let mut calls: Vec<Call> = Vec::with_capacity(count);
    let mut free: BinaryHeap<Reverse<u64>> =
        (0..clients).map(|_| Reverse((dice.fraction() * UNIT) as u64)).collect();
    let mut effects: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    while calls.len() < count {
        let Some(Reverse(began)) = free.pop() else { break };
        let took = ((0.1 - (1.0 - dice.fraction()).ln()) * UNIT) as u64 + 1;
        free.push(Reverse(began + took + (dice.fraction() * 0.25 * UNIT) as u64 + 1));
        let optional = dice.fraction() < unknown;
        let number = calls.len() as u32;
        let value = numbers[calls.len()];
        let action = if dice.fraction() < 0.5 { Action::Insert(value) } else { Action::RemoveAny };
        if !optional || dice.fraction() < 0.5 {
            let late = if optional && dice.fraction() < 0.5 { 20.0 } else { 1.0 };
            effects.push(Reverse((began + (dice.fraction() * late * took as f64) as u64, number)));
        }
        calls.push(Call { action, began, deadline: (!optional).then_some(began + took), optional });
    }
    let mut object = Object { discipline, line: VecDeque::new(), sorted: BTreeSet::new() };
    while let Some(Reverse((_, number))) = effects.pop() {
        let call = &mut calls[number as usize];
        match call.action {
            Action::Insert(value) => object.put(value),
            _ => {
                let taken = object.take(&mut dice);
                if !call.optional {
                    call.action = taken.map_or(Action::Empty, Action::Remove);
                }
            }
        }
    }
    calls
}

/// One call of a set: what is asked, what was answered, when, and whether the answer was lost.
struct SetOperation {
    call: set::Call,
    answer: Option<set::Return>,
    began: u64,
    ended: u64,
}

/// A valid history of a set whose elements are added and removed at most once. One call in `reads` lists everything, and
/// then nothing is removed.
fn generate_set(count: usize, clients: usize, unknown: f64, reads: Option<usize>, seed: u64) -> History<Set> {
    let key = Value::from("x");
    let mut dice = Dice(seed);
    let spans = generate(Discipline::Queue, count, clients, unknown, seed);
    let mut operations: Vec<SetOperation> = Vec::with_capacity(count);
    let mut effects: Vec<(u64, usize)> = Vec::new();
    let (mut added, mut removed) = (0i64, 0i64);
    for (number, span) in spans.iter().enumerate() {
        let known = Value::Int((dice.fraction() * added as f64) as i64);
        let call = match dice.fraction() {
            _ if reads.is_some_and(|reads| number % reads == reads - 1) => set::Call::Read(key.clone()),
            share if share < 0.4 || added == 0 => {
                added += 1;
                set::Call::Add(key.clone(), Value::Int(added - 1))
            }
            share if share < 0.55 && removed + 100 < added && reads.is_none() => {
                removed += 1;
                set::Call::Remove(key.clone(), Value::Int(removed - 1))
            }
            _ => set::Call::Contains(key.clone(), known),
        };
        let ended = span.deadline.unwrap_or(span.began + 1_000_000);
        if !span.optional || dice.fraction() < 0.5 {
            effects.push((span.began + (dice.fraction() * (ended - span.began) as f64) as u64, number));
        }
        operations.push(SetOperation { call, answer: None, began: span.began, ended });
    }
    effects.sort_unstable();
    let mut inside: BTreeSet<Value> = BTreeSet::new();
    for (_, number) in effects {
        let answer = match &operations[number].call {
            set::Call::Add(_, element) => {
                inside.insert(element.clone());
                set::Return::Added
            }
            set::Call::Remove(_, element) => {
                inside.remove(element);
                set::Return::Removed
            }
            set::Call::Contains(_, element) => set::Return::Contains(inside.contains(element)),
            set::Call::Read(_) => set::Return::Elements(inside.iter().cloned().collect()),
        };
        operations[number].answer = (!spans[number].optional).then_some(answer);
    }
    history_of(operations.into_iter().map(|one| (one.call, one.answer, one.began, one.ended)))
}

/// A history of calls in the order in which they began, with their answers (`None`: unknown).
fn history_of<V: Vocabulary>(
    calls: impl Iterator<Item = (V::Call, Option<V::Return>, u64, u64)>,
) -> History<V> {
    let operations = (0u32..).zip(calls).map(|(index, (call, answer, began, ended))| Operation {
        index: OpIndex(index),
        process: Process(index % 50),
        node: NodeId(0),
        call,
        outcome: answer.map_or(Outcome::Unknown("timed out".into()), Outcome::Ok),
        began: Nanos(began),
        ended: Some(Nanos(ended)),
    });
    History {
        header: Header::new(V::NAME),
        operations: operations.collect(),
        faults: Vec::new(),
        damage: None,
    }
}

fn queue_of<V: Vocabulary<Call = queue::Call, Return = queue::Return>>(calls: &[Call]) -> History<V> {
    let key = Value::from("x");
    history_of(calls.iter().map(|call| {
        let value = |value: u32| Value::Int(i64::from(value));
        let (asked, answer) = match call.action {
            Action::Insert(number) => {
                (queue::Call::Enqueue(key.clone(), value(number)), queue::Return::Enqueued)
            }
            Action::Remove(number) => {
                (queue::Call::Dequeue(key.clone()), queue::Return::Dequeued(value(number)))
            }
            _ => (queue::Call::Dequeue(key.clone()), queue::Return::Empty),
        };
        (asked, (!call.optional).then_some(answer), call.began, call.deadline.unwrap_or(call.began + 1))
    }))
}

fn bag_of(calls: &[Call]) -> History<Bag> {
    let key = Value::from("x");
    history_of(calls.iter().map(|call| {
        let value = |value: u32| Value::Int(i64::from(value));
        let (asked, answer) = match call.action {
            Action::Insert(number) => (bag::Call::Add(key.clone(), value(number)), bag::Return::Added),
            Action::Remove(number) => (bag::Call::Take(key.clone()), bag::Return::Taken(value(number))),
            _ => (bag::Call::Take(key.clone()), bag::Return::Empty),
        };
        (asked, (!call.optional).then_some(answer), call.began, call.deadline.unwrap_or(call.began + 1))
    }))
}

/// Processor time of this thread, in milliseconds.
fn milliseconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e6
}

/// The peak of the process's memory since it was last asked to forget it, in MiB.
fn peak() -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) / 1024.0
}

/// Judges a history and prints a row.
fn measure<V: Vocabulary>(
    name: &str,
    checker: &impl Checker<V>,
    history: &History<V>,
    clients: usize,
    unknown: f64,
) {
    let count = history.operations.len();
    let _ = fs::write("/proc/self/clear_refs", "5");
    let memory = peak();
    let verdict = checker.check(history, &Budget::default());
    let memory = peak() - memory;
    // The clock has ticks of some milliseconds, so short ones are repeated.
    let rounds = (200_000 / count).max(1);
    let begin = milliseconds();
    for _ in 0..rounds {
        assert_eq!(checker.check(history, &Budget::default()).validity, verdict.validity);
    }
    let took = (milliseconds() - begin) / rounds as f64;
    let answer = match verdict.validity {
        Validity::Valid => "valid".into(),
        Validity::Unknown => format!("unknown: {:?}", verdict.notes),
        Validity::Invalid => {
            let found = &verdict.anomalies[0];
            format!("{} ({} operations)", found.kind, found.witness.len())
        }
    };
    println!(
        "| {name} | {clients} | {} % | {count} | {answer} | {took:.2} | {:.0} | {memory:.0} |",
        unknown * 100.0,
        took * 1e6 / count as f64,
    );
}

/// Swaps what two calls in the middle took out.
fn spoiled(mut calls: Vec<Call>) -> Vec<Call> {
    let removals: Vec<usize> =
        (0..calls.len()).filter(|&i| matches!(calls[i].action, Action::Remove(_))).collect();
    let (one, other) = (removals[removals.len() / 2], removals[removals.len() / 2 + 60]);
    (calls[one].action, calls[other].action) = (calls[other].action, calls[one].action);
    calls
}

/// Rows of histories in which two answers were swapped.
fn measure_spoiled(count: usize) {
    let (clients, unknown) = (5, 0.01);
    let calls = |discipline| spoiled(generate(discipline, count, clients, unknown, 1));
    let queue = queue_of::<Queue>(&calls(Discipline::Queue));
    measure("queue, wrong", &Monitored::<QueueState>::default(), &queue, clients, unknown);
    let stack = queue_of::<Stack>(&calls(Discipline::Stack));
    measure("stack, wrong", &Monitored::<StackState>::default(), &stack, clients, unknown);
    let priority = queue_of::<PriorityQueue>(&calls(Discipline::Priority));
    measure(
        "priority queue, wrong",
        &Monitored::<PriorityQueueState>::default(),
        &priority,
        clients,
        unknown,
    );
}

fn main() {
    let most = std::env::var("DISPROVE_BENCH_CALLS").ok().and_then(|text| text.parse().ok());
    let most = most.unwrap_or(1_000_000);
    // One thread, so that the thread's own clock sees everything.
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global();
    one.expect("no other pool was built before");
    println!("| collection | clients | unknown | calls | verdict | ms | ns a call | MiB |");
    println!("|---|---|---|---|---|---|---|---|");
    for (clients, unknown) in [(5, 0.0), (5, 0.01), (50, 0.01)] {
        for count in [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|&count| count <= most) {
            let calls = |discipline| generate(discipline, count, clients, unknown, 1);
            let queue = queue_of::<Queue>(&calls(Discipline::Queue));
            measure("queue", &Monitored::<QueueState>::default(), &queue, clients, unknown);
            drop(queue);
            let stack = queue_of::<Stack>(&calls(Discipline::Stack));
            measure("stack", &Monitored::<StackState>::default(), &stack, clients, unknown);
            drop(stack);
            let priority = queue_of::<PriorityQueue>(&calls(Discipline::Priority));
            measure(
                "priority queue",
                &Monitored::<PriorityQueueState>::default(),
                &priority,
                clients,
                unknown,
            );
            drop(priority);
            let bag = bag_of(&calls(Discipline::Bag));
            measure("bag", &Monitored::<BagState>::default(), &bag, clients, unknown);
            drop(bag);
            let set = generate_set(count, clients, unknown, None, 1);
            measure("set", &MonitoredSet::<SetState>::default(), &set, clients, unknown);
            drop(set);
            let reads = (count / 20).max(1);
            let set = generate_set(count, clients, unknown, Some(reads), 1);
            measure("set, 20 reads of all", &MonitoredSet::<SetState>::default(), &set, clients, unknown);
        }
    }
    for count in [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|&count| count <= most) {
        measure_spoiled(count);
    }
}

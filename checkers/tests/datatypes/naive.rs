//! Trying every order, and random histories to try it on.

#[path = "../material/dice.rs"]
mod dice;

use std::{collections::BTreeMap, fmt::Debug};

pub use dice::Dice;
use disprove_checkers::{
    Budget, Checker, Validity,
    datatypes::{Answered, Judged},
    proof::Said,
};
use history::{Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value, Vocabulary};
use rayon::prelude::*;

use crate::witnessed::Witnessed;

/// A small number as a value.
pub fn number(dice: &mut Dice, below: u64) -> Value {
    Value::Int(dice.roll(below) as i64)
}

/// One of two keys, mostly the first.
pub fn any_key(dice: &mut Dice) -> Value {
    Value::from(if dice.percent(80) { "x" } else { "y" })
}

/// A data type written down once more, as plainly as can be: all that a call may answer in a state, and the state after
/// each answer. One state is that of all keys together.
pub trait Naive: Send + Sync {
    type V: Judged + Answered<Call: Send, Return: Send> + Witnessed;
    type State: Clone + Debug;
    /// Whether the moment of a call matters.
    const TIMED: bool = false;
    /// Whether every valid verdict comes with an order.
    const ORDERED: bool = true;

    fn initials() -> Vec<Value> {
        vec![Value::Nil]
    }
    fn start(initial: &Value) -> Self::State;
    /// A random call by one of the owners 0 to 2; `unique` is different in every call of a history.
    fn call(dice: &mut Dice, owner: i64, unique: i64) -> <Self::V as Vocabulary>::Call;
    fn run(
        state: &Self::State,
        call: &<Self::V as Vocabulary>::Call,
        now: u64,
    ) -> Vec<(<Self::V as Vocabulary>::Return, Self::State)>;
    /// Whether an answer that a database gives is one that `run` lists: the same, or in another order.
    fn same(one: &<Self::V as Vocabulary>::Return, other: &<Self::V as Vocabulary>::Return) -> bool {
        one == other
    }
}

/// One operation as the reference sees it.
pub struct Item<V: Vocabulary> {
    pub index: OpIndex,
    pub call: V::Call,
    /// `None`: whatever it answered.
    pub returned: Option<V::Return>,
    pub began: u64,
    /// `None` is never.
    pub deadline: Option<u64>,
    pub optional: bool,
}

impl<V: Vocabulary> Item<V> {
    pub fn new(operation: &Operation<V>) -> Option<Self> {
        let returned = match &operation.outcome {
            Outcome::Fail(_) => return None,
            Outcome::Ok(returned) => Some(returned.clone()),
            Outcome::Unknown(_) => None,
        };
        Some(Self {
            index: operation.index,
            call: operation.call.clone(),
            optional: returned.is_none(),
            returned,
            began: operation.began.0,
            deadline: operation.deadline().map(|time| time.0),
        })
    }
}

/// The states after an operation, each with its moment.
fn after<N: Naive>(state: &N::State, item: &Item<N::V>, from: u64, horizon: u64) -> Vec<(u64, N::State)> {
    let first = from.max(item.began);
    let last = item.deadline.unwrap_or(horizon).min(horizon);
    let moments = if N::TIMED { first..=last } else { from..=from };
    let mut all = Vec::new();
    for moment in moments {
        for (returned, next) in N::run(state, &item.call, moment) {
            if item.returned.as_ref().is_none_or(|wanted| N::same(wanted, &returned)) {
                all.push((moment, next));
            }
        }
    }
    all
}

/// How far an order has come: which operations are left, the state, its moment, and when the latest of the operations
/// that were placed began.
struct Progress<'a, N: Naive> {
    left: u32,
    state: &'a N::State,
    now: u64,
    latest: u64,
}

/// From where it is known that the rest has no order. Only where the moment of a call matters are there so many ways
/// that it pays to remember them.
type Hopeless = std::collections::HashSet<(u32, u64, u64, String)>;

/// Whether the operations that are left can be put in an order from here.
fn extend<N: Naive>(
    items: &[Item<N::V>],
    progress: &Progress<'_, N>,
    horizon: u64,
    hopeless: &mut Hopeless,
) -> bool {
    let waiting = |i: usize| progress.left >> i & 1 == 1;
    if (0..items.len()).all(|i| !waiting(i) || items[i].optional) {
        return true;
    }
    let here =
        N::TIMED.then(|| (progress.left, progress.now, progress.latest, format!("{:?}", progress.state)));
    if here.as_ref().is_some_and(|here| hopeless.contains(here)) {
        return false;
    }
    let found = (0..items.len()).any(|i| {
        let ends_before = |k: usize| items[k].deadline.is_some_and(|deadline| deadline < items[i].began);
        let overdue = |k: usize| waiting(k) && !items[k].optional && ends_before(k);
        let too_late = items[i].deadline.is_some_and(|deadline| deadline < progress.latest);
        waiting(i)
            && !too_late
            && !(0..items.len()).any(overdue)
            && after::<N>(progress.state, &items[i], progress.now, horizon).iter().any(|(now, state)| {
                let latest = progress.latest.max(items[i].began);
                let left = progress.left & !(1 << i);
                extend::<N>(items, &Progress { left, state, now: *now, latest }, horizon, hopeless)
            })
    });
    if !found {
        hopeless.extend(here);
    }
    found
}

/// The last moment that matters.
fn horizon<V: Vocabulary>(items: &[Item<V>]) -> u64 {
    items.iter().map(|item| item.deadline.unwrap_or(item.began).max(item.began)).max().unwrap_or(0) + 12
}

/// Whether some order explains every answer.
pub fn is_valid<N: Naive>(items: &[Item<N::V>], initial: &Value) -> bool {
    let left = (1 << items.len()) - 1;
    let progress = Progress { left, state: &N::start(initial), now: 0, latest: 0 };
    extend::<N>(items, &progress, horizon(items), &mut Hopeless::new())
}

/// Whether just this order explains every answer.
fn explains<N: Naive>(items: &[Item<N::V>], initial: &Value, order: &[OpIndex]) -> bool {
    let mut states = vec![(0, N::start(initial))];
    let mut latest = 0;
    for index in order {
        let Some(item) = items.iter().find(|item| item.index == *index) else { return false };
        if item.deadline.is_some_and(|deadline| deadline < latest) {
            return false;
        }
        latest = latest.max(item.began);
        let next = |(now, state): &(u64, N::State)| after::<N>(state, item, *now, horizon(items));
        let all = states.iter().flat_map(next);
        // Unknown answers lead to the same state in many ways.
        states = all
            .map(|state| (format!("{state:?}"), state))
            .collect::<BTreeMap<_, _>>()
            .into_values()
            .collect();
    }
    let placed = |item: &Item<N::V>| order.iter().filter(|index| **index == item.index).count();
    !states.is_empty() && items.iter().all(|item| placed(item) == 1 || item.optional && placed(item) == 0)
}

/// Whether these operations alone prove that there is no order: each of the others may have happened as it answered, or
/// never.
fn proves<N: Naive>(items: &[Item<N::V>], initial: &Value, witness: &[OpIndex]) -> bool {
    let relaxed: Vec<Item<N::V>> = items
        .iter()
        .map(|item| {
            let named = witness.contains(&item.index);
            Item {
                index: item.index,
                call: item.call.clone(),
                returned: item.returned.clone(),
                began: item.began,
                deadline: item.deadline,
                optional: item.optional || !named,
            }
        })
        .collect();
    !is_valid::<N>(&relaxed, initial)
}

pub fn show<V: Vocabulary>(history: &History<V>) -> String {
    let lines = history.operations.iter().map(|operation| {
        let (began, ended) = (operation.began.0, operation.ended.map(|end| end.0));
        format!("\n  {} {began}..{ended:?} {:?} {:?}", operation.index, operation.call, operation.outcome)
    });
    format!("initially {}{}", history.header.initial, lines.collect::<String>())
}

/// What the histories of one round have in common.
#[derive(Clone, Copy)]
struct Shape {
    unknown: u64,
    failed: u64,
    /// The chance that an answer is made up.
    lies: u64,
    spread: u64,
    /// How far calls are apart at least.
    apart: u64,
}

type Draft<V> = (u64, u64, i64, <V as Vocabulary>::Call, Outcome<<V as Vocabulary>::Return>);
/// The answers that each call had somewhere.
type Seen<V> = BTreeMap<String, Vec<<V as Vocabulary>::Return>>;

/// So many calls take effect one after the other; some answers are then replaced by those that the same calls had
/// elsewhere.
fn generate<N: Naive>(
    dice: &mut Dice,
    shape: Shape,
    operations: u64,
    seen: &mut Seen<N::V>,
) -> History<N::V> {
    let initials = N::initials();
    let initial = initials[dice.roll(initials.len() as u64) as usize].clone();
    let (mut state, mut point) = (N::start(&initial), shape.spread);
    let mut drafts: Vec<Draft<N::V>> = Vec::new();
    for unique in 0..operations {
        point += dice.roll(3).max(shape.apart);
        let (began, ended) = (point - dice.roll(shape.spread), point + dice.roll(shape.spread));
        let owner = dice.roll(3) as i64;
        let call = N::call(dice, owner, unique as i64);
        let mut possible = N::run(&state, &call, point);
        if possible.is_empty() {
            // A blocking call that cannot return now, such as a lock that is taken: it is left pending.
            drafts.push((began, ended, owner, call, Outcome::Unknown("it never returned".into())));
            continue;
        }
        let (mut returned, next) = possible.swap_remove(dice.roll(possible.len() as u64) as usize);
        let (failed, unknown) = (dice.percent(shape.failed), dice.percent(shape.unknown));
        if !(failed || unknown && dice.percent(50)) {
            state = next;
        }
        let others = seen.entry(N::V::describe_call(&call)).or_default();
        if others.len() < 100 && !others.contains(&returned) {
            others.push(returned.clone());
        }
        if dice.percent(shape.lies) {
            let other = &others[dice.roll(others.len() as u64) as usize];
            if N::V::belongs(&call, other) {
                returned = other.clone();
            }
        }
        let outcome = match (failed, unknown) {
            (true, _) => Outcome::Fail("refused".into()),
            (_, true) => Outcome::Unknown("timeout".into()),
            _ => Outcome::Ok(returned),
        };
        drafts.push((began, ended, owner, call, outcome));
    }
    drafts.sort_by_key(|draft| draft.0);
    let operations = (0u32..).zip(drafts).map(|(i, (began, ended, owner, call, outcome))| Operation {
        index: OpIndex(i),
        process: Process(3 * i + owner as u32),
        node: NodeId(0),
        call,
        outcome,
        began: Nanos(began),
        ended: Some(Nanos(ended)),
    });
    let operations = operations.collect();
    let header = Header { initial, ..Header::new(N::V::NAME) };
    History { header, operations, faults: Vec::new(), damage: None }
}

/// Compares all that the checker says about a history with the reference, and returns whether it is valid.
fn compare<N: Naive>(checker: &dyn Checker<N::V>, history: &History<N::V>) -> bool {
    let initial = &history.header.initial;
    let items: Vec<Item<N::V>> = history.operations.iter().filter_map(Item::new).collect();
    let verdict = checker.check(history, &Budget::default());
    let valid = is_valid::<N>(&items, initial);
    let expected = if valid { Validity::Valid } else { Validity::Invalid };
    assert_eq!(verdict.validity, expected, "{:?} {}", verdict.notes, show(history));
    if let Some(order) = &verdict.certificate {
        assert!(explains::<N>(&items, initial, order), "{order:?} {}", show(history));
    }
    let ordered = verdict.certificate.is_some();
    assert!(ordered == valid || valid && !N::ORDERED, "a valid verdict has an order: {}", show(history));
    assert_eq!(valid, verdict.anomalies.is_empty());
    for anomaly in &verdict.anomalies {
        assert!(proves::<N>(&items, initial, &anomaly.witness), "{anomaly:?} {}", show(history));
        assert!(!anomaly.sentence.is_empty());
        let said = N::V::verify(history, &anomaly.witness);
        assert_eq!(said, Said::Accepted, "{anomaly:?} {}", show(history));
        let beyond = [anomaly.witness.as_slice(), &[OpIndex(history.operations.len() as u32)]].concat();
        assert_eq!(N::V::verify(history, &beyond), Said::Rejected, "there is no such operation");
        let twice = [anomaly.witness.as_slice(), &anomaly.witness[..1]].concat();
        assert_eq!(N::V::verify(history, &twice), Said::Rejected, "one is named twice");
    }
    for step in 1..=3 {
        // What is accepted is a proof: not only where there is an order is nothing accepted.
        let some: Vec<OpIndex> =
            history.operations.iter().map(|one| one.index).filter(|index| index.0 % 4 != step).collect();
        let said = N::V::verify(history, &some);
        let proves = || proves::<N>(&items, initial, &some);
        assert!(said != Said::Accepted || proves(), "{some:?} {}", show(history));
        assert!(!valid || said != Said::Accepted, "{some:?} {}", show(history));
    }
    valid
}

/// Compares many random histories, and sees to it that both verdicts are common among them.
pub fn compare_many<N: Naive>(name: &str) {
    const EACH: u64 = 250;
    let wanted = std::env::var("DATATYPE_HISTORIES").ok().and_then(|wanted| wanted.parse().ok());
    let rounds = wanted.unwrap_or(DEFAULT_HISTORIES).div_ceil(EACH);
    let checker = N::V::linearizable().expect("every data type has a checker");
    let counts = (0..rounds).into_par_iter().map(|round| {
        let mut dice = Dice(round);
        let shape = Shape {
            unknown: [0, 10, 30][dice.roll(3) as usize],
            failed: [0, 0, 15][dice.roll(3) as usize],
            lies: [0, 40, 80, 100][dice.roll(4) as usize],
            spread: 2 + dice.roll(6),
            apart: 0,
        };
        let mut seen = Seen::<N::V>::new();
        // Valid and invalid; without and with unknown outcomes.
        let mut counts = [0; 4];
        for _ in 0..EACH {
            let operations = 2 + dice.roll(5).max(dice.roll(5));
            let history = generate::<N>(&mut dice, shape, operations, &mut seen);
            let unknown = |one: &Operation<N::V>| matches!(one.outcome, Outcome::Unknown(_));
            let uncertain = history.operations.iter().any(unknown);
            counts[2 * usize::from(uncertain) + usize::from(!compare::<N>(&*checker, &history))] += 1;
        }
        counts
    });
    let began = std::time::Instant::now();
    let counts: [u64; 4] = counts.reduce(|| [0; 4], |one, other| std::array::from_fn(|i| one[i] + other[i]));
    let all = rounds * EACH;
    let percent = counts.map(|count| 100.0 * count as f64 / all as f64);
    println!(
        "{name}: {all} histories in {:.0} s; of known outcomes {:.1} % valid, {:.1} % invalid; with unknown ones {:.1} % \
         valid, {:.1} % invalid",
        began.elapsed().as_secs_f64(),
        percent[0],
        percent[1],
        percent[2],
        percent[3]
    );
    assert!(percent.iter().all(|percent| *percent >= 3.0), "{name}: {percent:?}");
}

/// Longer histories that are right by the way they were made: the checker must say so, and name an order that the
/// reference follows.
pub fn accept_long<N: Naive>(name: &str) {
    const LENGTHS: [u64; 3] = [20, 60, 150];
    let checker = N::V::linearizable().expect("every data type has a checker");
    let mut undecided = 0;
    for seed in 0..30 {
        let mut dice = Dice(seed);
        let shape = Shape {
            unknown: [0, 4][dice.roll(2) as usize],
            failed: 5,
            lies: 0,
            spread: 2 + dice.roll(4),
            apart: 0,
        };
        let length = LENGTHS[seed as usize % LENGTHS.len()];
        let history = generate::<N>(&mut dice, shape, length, &mut Seen::<N::V>::new());
        let verdict = checker.check(&history, &Budget::new(3_000_000, 1 << 30));
        assert_ne!(verdict.validity, Validity::Invalid, "{name} {:?} {}", verdict.anomalies, show(&history));
        if verdict.validity == Validity::Unknown {
            assert!(!verdict.limits.is_empty(), "{name}: undecided and no limit was hit: {}", show(&history));
            undecided += 1;
            continue;
        }
        let items: Vec<Item<N::V>> = history.operations.iter().filter_map(Item::new).collect();
        let Some(order) = verdict.certificate else {
            assert!(!N::ORDERED, "{name}: a valid verdict has an order: {}", show(&history));
            continue;
        };
        assert!(
            explains::<N>(&items, &history.header.initial, &order),
            "{name} {order:?} {}",
            show(&history)
        );
    }
    assert!(undecided <= 3, "{name}: {undecided} of 30 histories were not decided");
}

/// Histories of one call after the other, in which one answer is changed to one that cannot be: each is rejected.
pub fn reject_mutations<N: Naive>(name: &str) {
    const WANTED: u32 = 60;
    let checker = N::V::linearizable().expect("every data type has a checker");
    let shape = Shape { unknown: 0, failed: 0, lies: 0, spread: 1, apart: 2 };
    let (mut rejected, mut seed) = (0, 0);
    while rejected < WANTED {
        seed += 1;
        assert!(seed < 100 * u64::from(WANTED), "{name}: mutations that change nothing test nothing");
        let mut dice = Dice(seed);
        let mut seen = Seen::<N::V>::new();
        let length = 5 + dice.roll(60);
        let mut history = generate::<N>(&mut dice, shape, length, &mut seen);
        let at = dice.roll(length) as usize;
        let operation = &mut history.operations[at];
        let answers = &seen[&N::V::describe_call(&operation.call)];
        let other = &answers[dice.roll(answers.len() as u64) as usize];
        if !N::V::belongs(&operation.call, other) {
            continue;
        }
        operation.outcome = Outcome::Ok(other.clone());
        let items: Vec<Item<N::V>> = history.operations.iter().filter_map(Item::new).collect();
        let certain = |item: &&Item<N::V>| !item.optional;
        let order: Vec<OpIndex> = items.iter().filter(certain).map(|item| item.index).collect();
        // The calls do not overlap, so there is only this order, but for calls that never returned.
        let one_order = items.len() == order.len();
        if !one_order || explains::<N>(&items, &history.header.initial, &order) {
            continue;
        }
        let verdict = checker.check(&history, &Budget::default());
        assert_eq!(verdict.validity, Validity::Invalid, "{name} {at} {}", show(&history));
        rejected += 1;
    }
    println!("{name}: {rejected} mutations rejected of {seed} tried");
}

/// How many histories of each data type are compared where nobody asks for more.
const DEFAULT_HISTORIES: u64 = 25_000;

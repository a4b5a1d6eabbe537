//! Judges random small histories twice: by the checker, and by trying every order of their transactions.
//!
//! `DISPROVE_BRUTE_FORCE` is the number of histories; the default takes some seconds.

#[path = "material/dice.rs"]
mod dice;

use dice::Dice;
use disprove_checkers::{
    Budget, Checker, Link, Model, Relation, Transactions, Validity, Verdict, VersionOrder,
    proof::{Said, Traced, breaks, verify_answer, verify_cycle, verify_level_witness},
    serial::{Respects, verify_serial_order},
};
use history::{
    Header, History, ListAppend, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Reason, RwRegister,
    Value, Vocabulary,
    vocabulary::{list_append, rw_register},
};

const KEYS: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Ok,
    Fail,
    Unknown,
}

#[derive(Clone, Debug)]
enum Step {
    Read(usize, Vec<i64>),
    Write(usize, i64),
}

#[derive(Clone, Debug)]
struct Transaction {
    process: u32,
    began: u64,
    ended: u64,
    fate: Fate,
    steps: Vec<Step>,
}

type State = [Vec<i64>; KEYS];

/// Runs transactions against a store that is wrong in many ways, now and then.
fn generate(dice: &mut Dice, count: usize, is_list: bool) -> Vec<Transaction> {
    let mut states: Vec<State> = vec![State::default()];
    let staleness = dice.roll(4);
    let (mut value, mut made) = (0, Vec::new());
    for number in 0..count {
        let began = dice.roll(6) * 2 + 3 * number as u64;
        let fate = match dice.roll(8) {
            0 => Fate::Fail,
            1 => Fate::Unknown,
            _ => Fate::Ok,
        };
        let back = dice.roll(staleness + 1) as usize;
        let mut seen = states[states.len().saturating_sub(1 + back)].clone();
        let mut latest = states.last().unwrap().clone();
        let mut steps = Vec::new();
        for _ in 0..1 + dice.roll(4) {
            let key = dice.roll(KEYS as u64) as usize;
            if dice.roll(2) == 0 {
                steps.push(Step::Read(key, seen[key].clone()));
            } else {
                value += 1;
                seen[key].push(value);
                latest[key].push(value);
                steps.push(Step::Write(key, value));
            }
        }
        // A list that missed something would fork, so there the state goes on from the newest one.
        let next = if is_list || (dice.roll(2) == 0) { latest } else { seen };
        if fate == Fate::Ok || (dice.roll(if fate == Fate::Fail { 12 } else { 2 }) == 0) {
            states.push(next);
        }
        made.push(Transaction {
            process: dice.roll(3) as u32 + if fate == Fate::Unknown { 10 + 3 * number as u32 } else { 0 },
            began,
            ended: began + 1 + dice.roll(8),
            fate,
            steps,
        });
    }
    made.sort_by_key(|transaction| transaction.began);
    // A session has one call at a time.
    let mut free = std::collections::BTreeMap::new();
    for transaction in &mut made {
        let ready = *free.get(&transaction.process).unwrap_or(&0);
        if transaction.began <= ready {
            transaction.process += 100 * (1 + transaction.began as u32);
        }
        free.insert(transaction.process, transaction.ended);
    }
    made
}

fn history<V: Vocabulary>(
    transactions: &[Transaction],
    translate: impl Fn(&[Step]) -> (V::Call, V::Return),
) -> History<V> {
    let operations = transactions.iter().enumerate().map(|(index, transaction)| {
        let (call, answers) = translate(&transaction.steps);
        Operation {
            index: OpIndex(index as u32),
            process: Process(transaction.process),
            node: NodeId(0),
            call,
            outcome: match transaction.fate {
                Fate::Ok => Outcome::Ok(answers),
                Fate::Fail => Outcome::Fail(Reason::from("refused")),
                Fate::Unknown => Outcome::Unknown(Reason::from("timeout")),
            },
            began: Nanos(transaction.began),
            ended: Some(Nanos(transaction.ended)),
        }
    });
    History {
        header: Header::new(V::NAME),
        operations: operations.collect(),
        faults: Vec::new(),
        damage: None,
    }
}

fn key(number: usize) -> Value {
    Value::from(["x", "y"][number])
}

fn lists(steps: &[Step]) -> (Vec<list_append::Step>, Vec<list_append::Answer>) {
    let one = |step: &Step| match step {
        Step::Read(place, list) => (
            list_append::Step::Read(key(*place)),
            list_append::Answer::Read(
                key(*place),
                Some(list.iter().map(|value| Value::Int(*value)).collect()),
            ),
        ),
        Step::Write(place, value) => (
            list_append::Step::Append(key(*place), Value::Int(*value)),
            list_append::Answer::Append(key(*place), Value::Int(*value)),
        ),
    };
    steps.iter().map(one).unzip()
}

fn registers(steps: &[Step]) -> (Vec<rw_register::Step>, Vec<rw_register::Answer>) {
    let one = |step: &Step| match step {
        Step::Read(place, list) => {
            let value = list.last().map_or(Value::Nil, |value| Value::Int(*value));
            (rw_register::Step::Read(key(*place)), rw_register::Answer::Read(key(*place), Some(value)))
        }
        Step::Write(place, value) => (
            rw_register::Step::Write(key(*place), Value::Int(*value)),
            rw_register::Answer::Write(key(*place), Value::Int(*value)),
        ),
    };
    steps.iter().map(one).unzip()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Scope {
    Plain,
    Session,
    Realtime,
}

/// Tries orders of transactions (serializability) or of their beginnings and commits (snapshot isolation).
struct Orders<'a> {
    transactions: &'a [Transaction],
    is_list: bool,
    scope: Scope,
    snapshots: bool,
}

impl Orders<'_> {
    /// Whether `one` must be over before `other` begins.
    fn precedes(&self, one: usize, other: usize) -> bool {
        let (first, second) = (&self.transactions[one], &self.transactions[other]);
        let is_over = first.fate == Fate::Ok;
        let session = self.scope >= Scope::Session && first.process == second.process && one < other;
        is_over && (session || self.scope == Scope::Realtime && first.ended < second.began)
    }

    /// What a transaction makes of a state, if its reads agree with it.
    fn run(&self, number: usize, state: &State) -> Option<State> {
        let mut state = state.clone();
        for step in &self.transactions[number].steps {
            match step {
                Step::Write(key, value) => state[*key].push(*value),
                Step::Read(key, list) if self.transactions[number].fate == Fate::Ok => {
                    let agrees =
                        if self.is_list { state[*key] == *list } else { state[*key].last() == list.last() };
                    if !agrees {
                        return None;
                    }
                }
                Step::Read(..) => {}
            }
        }
        Some(state)
    }

    fn exists(&self) -> bool {
        let maybe: Vec<usize> = (0..self.transactions.len())
            .filter(|number| self.transactions[*number].fate == Fate::Unknown)
            .collect();
        let sure: Vec<usize> = (0..self.transactions.len())
            .filter(|number| self.transactions[*number].fate == Fate::Ok)
            .collect();
        (0..1 << maybe.len()).any(|chosen: u32| {
            let mut all = sure.clone();
            all.extend(
                maybe.iter().enumerate().filter(|(bit, _)| chosen >> bit & 1 == 1).map(|(_, number)| *number),
            );
            let mut begun = vec![None; self.transactions.len()];
            if self.snapshots {
                self.place_event(&all, &mut begun, &mut Vec::new(), &State::default())
            } else {
                self.place(&all, &mut Vec::new(), &State::default())
            }
        })
    }

    fn place(&self, all: &[usize], placed: &mut Vec<usize>, state: &State) -> bool {
        if placed.len() == all.len() {
            return true;
        }
        all.iter().any(|next| {
            let is_ready = !placed.contains(next)
                && all
                    .iter()
                    .all(|other| placed.contains(other) || other == next || !self.precedes(*other, *next));
            is_ready
                && self.run(*next, state).is_some_and(|after| {
                    placed.push(*next);
                    let found = self.place(all, placed, &after);
                    placed.pop();
                    found
                })
        })
    }

    /// `begun` has the state before and after each transaction that has begun; `done` those that have committed.
    fn place_event(
        &self,
        all: &[usize],
        begun: &mut Vec<Option<(State, State)>>,
        done: &mut Vec<usize>,
        state: &State,
    ) -> bool {
        if done.len() == all.len() {
            return true;
        }
        all.iter().any(|next| match begun[*next].clone() {
            None => {
                let is_ready = all
                    .iter()
                    .all(|other| done.contains(other) || other == next || !self.precedes(*other, *next));
                is_ready
                    && self.run(*next, state).is_some_and(|after| {
                        begun[*next] = Some((state.clone(), after));
                        let found = self.place_event(all, begun, done, state);
                        begun[*next] = None;
                        found
                    })
            }
            Some((before, after)) if !done.contains(next) => {
                let written: Vec<usize> = (0..KEYS).filter(|key| before[*key] != after[*key]).collect();
                // The first committer wins.
                if written.iter().any(|key| state[*key] != before[*key]) {
                    return false;
                }
                let mut next_state = state.clone();
                written.iter().for_each(|key| next_state[*key] = after[*key].clone());
                done.push(*next);
                let found = self.place_event(all, begun, done, &next_state);
                done.pop();
                found
            }
            Some(_) => false,
        })
    }
}

/// Every witness is accepted, and no longer once it is changed.
fn verify<V: Traced>(
    history: &History<V>,
    model: &str,
    verdict: &Verdict,
    by_level: &dyn Fn(&[OpIndex]) -> Said,
) -> u64 {
    let mut accepted = 0;
    for anomaly in &verdict.anomalies {
        let (kind, witness, cycle) = (anomaly.kind.as_str(), &anomaly.witness, &anomaly.cycle);
        let of = |cycle: &[Link]| match cycle {
            [] => verify_answer(history, kind, witness),
            cycle => verify_cycle(history, kind, witness, cycle),
        };
        let mut said = if breaks(model, kind) { of(cycle) } else { Said::Rejected };
        if said != Said::Accepted {
            said = by_level(witness);
        }
        // Of two ways of which each leads to a cycle, only one is in the witness.
        let either = cycle.iter().any(|link| link.relation == Relation::Ww && link.key.is_none());
        assert!(said == Said::Accepted || either && V::LISTS, "{model}: {said:?} {anomaly:#?}");
        accepted += u64::from(said == Said::Accepted);
        for place in 0..cycle.len() {
            let mut swapped = cycle.clone();
            let (from, to) = (swapped[place].from, swapped[place].to);
            (swapped[place].from, swapped[place].to) = (to, from);
            assert_eq!(of(&swapped), Said::Rejected, "{swapped:?}");
            let mut renamed = cycle.clone();
            renamed[place].key = Some(Value::from("nowhere"));
            let by_data = !matches!(cycle[place].relation, Relation::Process | Relation::Realtime);
            assert!(!by_data || of(&renamed) != Said::Accepted, "{renamed:?}");
            assert!(place == 0 || of(&cycle[..place]) != Said::Accepted, "{cycle:?} does not close");
        }
        let beyond = [OpIndex(history.operations.len() as u32)];
        assert_eq!(verify_answer(history, kind, &beyond), Said::Rejected);
    }
    accepted
}

/// Cycles that somebody made up are not accepted where there is an order.
fn refuse<V: Traced>(history: &History<V>, model: &str, dice: &mut Dice) {
    let all = history.operations.len() as u64;
    for _ in 0..6 {
        let mut ends: Vec<OpIndex> = Vec::new();
        for _ in 0..2 + dice.roll(2) {
            let end = OpIndex(dice.roll(all) as u32);
            if !ends.contains(&end) {
                ends.push(end);
            }
        }
        let link = |place: usize, dice: &mut Dice| {
            let relation = [Relation::Ww, Relation::Wr, Relation::Rw, Relation::Process, Relation::Realtime];
            let relation = relation[dice.below(if model.starts_with("strict") { 5 } else { 3 })];
            let to = ends[(place + 1) % ends.len()];
            Link::new(ends[place], to, relation, Some(key(dice.below(KEYS))), "it is made up")
        };
        let cycle: Vec<Link> = (0..ends.len()).map(|place| link(place, dice)).collect();
        let kind = if model.starts_with("strict") { "G2-item-realtime" } else { "G2-item" };
        let said = verify_cycle(history, kind, &ends, &cycle);
        assert_eq!(said, Said::Rejected, "{model}: {cycle:?}");
        for kind in ["G1a", "G1b", "internal", "lost-update", "future-read", "garbage-read"] {
            assert_ne!(verify_answer(history, kind, &ends), Said::Accepted, "{model}: {kind} {ends:?}");
        }
    }
}

fn verdict(transactions: &[Transaction], is_list: bool, model: &str) -> disprove_checkers::Verdict {
    let checker = Transactions::new(vec![Model::named(model).unwrap()], VersionOrder::EXACT);
    if is_list {
        checker.check(&history::<ListAppend>(transactions, lists), &Budget::default())
    } else {
        checker.check(&history::<RwRegister>(transactions, registers), &Budget::default())
    }
}

fn count() -> u64 {
    std::env::var("DISPROVE_BRUTE_FORCE").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000)
}

fn compare(is_list: bool, seed: u64) {
    let cases = [
        ("serializable", Scope::Plain, false),
        ("strong-session-serializable", Scope::Session, false),
        ("strict-serializable", Scope::Realtime, false),
        ("snapshot-isolation", Scope::Plain, true),
        ("strong-session-snapshot-isolation", Scope::Session, true),
        ("strong-snapshot-isolation", Scope::Realtime, true),
    ];
    let mut dice = Dice(seed);
    let (mut seen, mut certified, mut accepted) = ([[0u64; 2]; 6], 0, 0);
    for round in 0..count() {
        let transactions_max = if round % 4 == 0 { 6 } else { 4 };
        let number = 2 + dice.roll(transactions_max - 1) as usize;
        let transactions = generate(&mut dice, number, is_list);
        if transactions.iter().all(|transaction| transaction.fate != Fate::Ok) {
            continue;
        }
        for (place, (model, scope, snapshots)) in cases.into_iter().enumerate() {
            if snapshots && transactions.len() > 4 {
                continue;
            }
            let exists = Orders { transactions: &transactions, is_list, scope, snapshots }.exists();
            let verdict = verdict(&transactions, is_list, model);
            let expected = if exists { Validity::Valid } else { Validity::Invalid };
            assert_eq!(verdict.validity, expected, "{model}, round {round}: {transactions:#?} {verdict:#?}");
            seen[place][usize::from(exists)] += 1;
            let not_by_level = |_: &[OpIndex]| Said::Rejected;
            if is_list {
                let history = history::<ListAppend>(&transactions, lists);
                accepted += verify(&history, model, &verdict, &not_by_level);
                if exists && !snapshots {
                    refuse(&history, model, &mut dice.clone());
                }
            } else {
                let history = history::<RwRegister>(&transactions, registers);
                let by_level = |witness: &[OpIndex]| verify_level_witness(&history, model, witness);
                accepted += verify(&history, model, &verdict, &by_level);
                if exists && !snapshots {
                    refuse(&history, model, &mut dice.clone());
                }
            }
            if let Some(order) = verdict.certificate.filter(|_| is_list) {
                let history = history::<ListAppend>(&transactions, lists);
                let respects = match scope {
                    Scope::Realtime => Respects::RealTime,
                    Scope::Session => Respects::Sessions,
                    _ => Respects::Answers,
                };
                assert!(
                    verify_serial_order(&history, &order, respects),
                    "{model}: {transactions:#?} {order:?}"
                );
                certified += 1;
            }
        }
    }
    println!("{certified} orders and {accepted} witnesses verified");
    assert!(accepted > 0, "some witness was found");
    assert!(certified > 0 || !is_list, "valid verdicts of lists have orders");
    for ((model, ..), [broken, kept]) in cases.into_iter().zip(seen) {
        println!("{model}: {kept} kept, {broken} broken");
        assert!(kept * 40 > broken && broken * 40 > kept, "{model}: {kept} kept, {broken} broken");
    }
}

#[test]
fn lists_are_judged_as_by_trying_every_order() {
    compare(true, 7);
}

#[test]
fn registers_are_judged_as_by_trying_every_order() {
    compare(false, 11);
}

/// Whatever breaks a promise breaks those that imply it.
#[test]
fn the_lattice_holds_on_every_history() {
    let mut dice = Dice(23);
    for _ in 0..count() / 20 {
        let is_list = dice.roll(2) == 0;
        let transactions = generate(&mut dice, 5, is_list);
        let verdicts: Vec<(Model, Validity)> = Model::all()
            .map(|model| (model, verdict(&transactions, is_list, model.name()).validity))
            .collect();
        for (strong, of_strong) in &verdicts {
            for (weak, of_weak) in &verdicts {
                let contradicts = strong.implies(*weak)
                    && (*of_strong == Validity::Valid && *of_weak != Validity::Valid
                        || *of_weak == Validity::Invalid && *of_strong != Validity::Invalid);
                assert!(
                    !contradicts,
                    "{strong} is {of_strong:?} and {weak} is {of_weak:?}: {transactions:#?} {:#?}",
                    verdict(&transactions, is_list, weak.name())
                );
            }
        }
    }
}

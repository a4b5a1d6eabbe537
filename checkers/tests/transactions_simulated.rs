//! Simulated databases of known isolation, each also with one mistake: never an anomaly that their level forbids, always
//! the planted one.

#[path = "material/dice.rs"]
mod dice;

use std::collections::BTreeMap;

use dice::Dice;
use disprove_checkers::{Budget, Checker, Model, Transactions, Validity, VersionOrder};
use history::{
    Header, History, ListAppend, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Reason, Value,
    vocabulary::list_append::{Answer, Step},
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Database {
    /// One transaction at a time. The mistake: now and then reads come from a while ago.
    Serial,
    /// Locks for reading and writing until the end. The mistake: no locks for reading.
    TwoPhaseLocking,
    /// A snapshot, and what was read is read again at the end. The mistake: it is not.
    Optimistic,
    /// A snapshot, and the first committer wins. The mistake: so does the second.
    Snapshot,
    /// Locks for writing, reads of what is committed. The mistake: reads of what is not.
    ReadCommitted,
    /// Locks for writing, reads of anything. The mistake: no locks.
    ReadUncommitted,
}

const KEYS: usize = 6;
const CLIENTS: usize = 6;

type State = [Vec<i64>; KEYS];

#[derive(Default)]
struct Open {
    operation: usize,
    steps: Vec<(usize, Option<i64>)>,
    next: usize,
    snapshot: State,
    own: BTreeMap<usize, Vec<i64>>,
    seen: BTreeMap<usize, usize>,
    answers: Vec<Answer>,
}

struct Simulation {
    database: Database,
    mistaken: bool,
    committed: State,
    /// What is committed and what is not, in place, for the databases that keep it so.
    dirty: State,
    /// Older states of the serial store.
    past: Vec<State>,
    readers: [Vec<usize>; KEYS],
    writer: [Option<usize>; KEYS],
}

impl Simulation {
    /// Takes the locks of a step; false when somebody else has them.
    fn locks(&mut self, client: usize, key: usize, writes: bool) -> bool {
        use Database::*;
        let (read, write) = match self.database {
            Serial | Optimistic | Snapshot => return true,
            TwoPhaseLocking => (!self.mistaken, true),
            ReadCommitted => (false, true),
            ReadUncommitted => (false, !self.mistaken),
        };
        let is_foreign = |holder: &usize| *holder != client;
        if writes && write {
            if self.writer[key].as_ref().is_some_and(is_foreign) || self.readers[key].iter().any(is_foreign) {
                return false;
            }
            self.writer[key] = Some(client);
        } else if !writes && read {
            if self.writer[key].as_ref().is_some_and(is_foreign) {
                return false;
            }
            self.readers[key].push(client);
        }
        true
    }

    /// One step of a transaction.
    fn step(&mut self, open: &mut Open, dice: &mut Dice) {
        use Database::*;
        let (key, value) = open.steps[open.next];
        open.next += 1;
        let name = Value::Int(key as i64);
        let in_place = matches!((self.database, self.mistaken), (ReadUncommitted, _) | (ReadCommitted, true));
        match value {
            Some(value) => {
                open.own.entry(key).or_default().push(value);
                self.dirty[key].push(value);
                open.answers.push(Answer::Append(name, Value::Int(value)));
            }
            None => {
                let mut list = match self.database {
                    Optimistic | Snapshot => open.snapshot[key].clone(),
                    Serial if self.mistaken && dice.below(4) == 0 && !self.past.is_empty() => {
                        self.past[self.past.len() - 1 - dice.below(self.past.len().min(8))][key].clone()
                    }
                    _ if in_place => self.dirty[key].clone(),
                    _ => self.committed[key].clone(),
                };
                open.seen.entry(key).or_insert(list.len());
                if !in_place {
                    list.extend(open.own.get(&key).into_iter().flatten());
                }
                open.answers.push(Answer::Read(name, Some(list.into_iter().map(Value::Int).collect())));
            }
        }
    }

    /// Commits, if the database lets it.
    fn commit(&mut self, open: &Open) -> bool {
        use Database::*;
        let changed = |key: &usize| self.committed[*key].len() != open.snapshot[*key].len();
        let may = match self.database {
            Optimistic => !open.own.keys().any(changed) && (self.mistaken || !open.seen.keys().any(changed)),
            Snapshot => self.mistaken || !open.own.keys().any(changed),
            _ => true,
        };
        if may {
            self.past.push(self.committed.clone());
            for (key, values) in &open.own {
                self.committed[*key].extend(values);
            }
            if self.database == ReadUncommitted && self.mistaken {
                self.committed = self.dirty.clone();
            }
        }
        may
    }

    fn release(&mut self, client: usize, open: &Open, committed: bool) {
        for key in 0..KEYS {
            self.readers[key].retain(|holder| *holder != client);
            if self.writer[key] == Some(client) {
                self.writer[key] = None;
            }
        }
        if !committed {
            for (key, values) in &open.own {
                self.dirty[*key].retain(|value| !values.contains(value));
            }
        }
    }
}

fn simulate(database: Database, mistaken: bool, seed: u64, transactions: usize) -> History<ListAppend> {
    let mut dice = Dice(seed);
    let mut store = Simulation {
        database,
        mistaken,
        committed: State::default(),
        dirty: State::default(),
        past: Vec::new(),
        readers: Default::default(),
        writer: Default::default(),
    };
    let mut operations: Vec<Operation<ListAppend>> = Vec::new();
    let mut clients: Vec<Option<Open>> = (0..CLIENTS).map(|_| None).collect();
    let (mut clock, mut value) = (0u64, 0);
    loop {
        clock += 1;
        let client = dice.below(CLIENTS);
        let Some(open) = clients[client].as_mut() else {
            if operations.len() == transactions {
                if clients.iter().all(Option::is_none) {
                    break;
                }
                continue;
            }
            let mut steps = Vec::new();
            for _ in 0..2 + dice.below(3) {
                value += 1;
                steps.push((dice.below(KEYS), (dice.below(2) == 0).then_some(value)));
            }
            let call = steps.iter().map(|(key, value)| match value {
                Some(value) => Step::Append(Value::Int(*key as i64), Value::Int(*value)),
                None => Step::Read(Value::Int(*key as i64)),
            });
            operations.push(Operation {
                index: OpIndex(operations.len() as u32),
                process: Process(client as u32),
                node: NodeId(0),
                call: call.collect(),
                outcome: Outcome::Unknown(Reason::from("open")),
                began: Nanos(clock),
                ended: None,
            });
            let snapshot = store.committed.clone();
            clients[client] =
                Some(Open { operation: operations.len() - 1, steps, snapshot, ..Open::default() });
            continue;
        };
        let mut outcome = None;
        while open.next < open.steps.len() && outcome.is_none() {
            let (key, value) = open.steps[open.next];
            if store.locks(client, key, value.is_some()) {
                store.step(open, &mut dice);
            } else {
                outcome = Some(false);
            }
            if database != Database::Serial {
                break;
            }
        }
        // What only locks protect may also be given up at the end.
        let is_done = open.next == open.steps.len();
        let gives_up = database == Database::ReadCommitted && is_done && dice.below(6) == 0;
        if is_done && outcome.is_none() {
            outcome = Some(!gives_up && store.commit(open));
        }
        if let Some(committed) = outcome {
            let open = clients[client].take().expect("the transaction is open");
            store.release(client, &open, committed);
            let operation = &mut operations[open.operation];
            operation.ended = Some(Nanos(clock));
            operation.outcome =
                if committed { Outcome::Ok(open.answers) } else { Outcome::Fail(Reason::from("conflict")) };
        }
    }
    History { header: Header::new("list-append"), operations, faults: Vec::new(), damage: None }
}

#[track_caller]
fn check(database: Database, keeps: &str, mistake_breaks: &str) {
    let model = |name: &str| vec![Model::named(name).unwrap()];
    for seed in 0..12 {
        let healthy = simulate(database, false, seed, 400);
        let verdict =
            Transactions::new(model(keeps), VersionOrder::EXACT).check(&healthy, &Budget::default());
        assert_eq!(verdict.validity, Validity::Valid, "{database:?} {seed}: {:#?}", verdict.anomalies);
        let sick = simulate(database, true, seed, 400);
        let verdict =
            Transactions::new(model(mistake_breaks), VersionOrder::EXACT).check(&sick, &Budget::default());
        assert_eq!(verdict.validity, Validity::Invalid, "{database:?} {seed}");
    }
}

#[test]
fn a_serial_store() {
    check(Database::Serial, "strict-serializable", "strict-serializable");
}

#[test]
fn two_phase_locking() {
    check(Database::TwoPhaseLocking, "strict-serializable", "serializable");
}

#[test]
fn optimistic_validation() {
    check(Database::Optimistic, "strict-serializable", "serializable");
}

#[test]
fn snapshots() {
    check(Database::Snapshot, "strong-snapshot-isolation", "snapshot-isolation");
}

#[test]
fn committed_reads() {
    check(Database::ReadCommitted, "strong-read-committed", "read-committed");
}

#[test]
fn uncommitted_reads() {
    check(Database::ReadUncommitted, "strong-read-uncommitted", "read-uncommitted");
}

//! The predicate workload: rows in small groups, reads of the rows of a group by a condition, and inserts of fresh rows.
//!
//! Every row is made once and never changed, so what a condition missed is known exactly. A transaction that reads a
//! group by a condition and then adds a row to it is what phantoms break: two of them that do not see each other's row
//! have no order.

use checkers::{
    lattice::Model,
    transactions::{Transactions, VersionOrder},
};
use history::{
    Key, Value,
    vocabulary::{
        Predicate,
        predicate::{Call, Condition, Step as Part},
    },
};
use rand::RngExt;

use crate::{
    Checkers, Context, Generator, Options, Step, Workload,
    groups::{Group, Groups, newest},
    ledger::Ledger,
    long_fork::Finally,
    workload::{Setting, paced},
};

/// How many rows a group gets.
const ROWS_PER_GROUP: u32 = 8;

/// How many calls a group gets.
const CALLS_PER_GROUP: u32 = 16;

/// The most groups that are read at the end.
const FINAL_GROUPS_MAX: u64 = 200;

/// Inserts of rows and reads of rows by conditions.
#[derive(Debug)]
pub struct PredicateWorkload {
    /// How many calls a group gets before a fresh one takes its place.
    pub calls_per_group: u32,
    ledger: Ledger,
}

impl Default for PredicateWorkload {
    fn default() -> Self {
        Self { calls_per_group: CALLS_PER_GROUP, ledger: Ledger::default() }
    }
}

/// A row of a group. Names of one group lie together in the order of texts.
fn row(run_id: &str, group: u64, member: u32) -> Key {
    Key::Text(format!("{run_id}-{group:08}-{member:03}").into())
}

/// The value of a row. Those of one group lie together too.
fn value(group: u64, member: u32) -> Value {
    Value::Int(i64::try_from(group).unwrap_or(i64::MAX / 2000) * 1000 + i64::from(member))
}

/// The rows of a group by their keys.
fn by_key(run_id: &str, group: u64) -> Condition {
    Condition::Keys(row(run_id, group, 0), row(run_id, group, 999))
}

/// The rows of a group by their values.
fn by_value(group: u64) -> Condition {
    Condition::Between(value(group, 0), value(group, 999))
}

impl Workload for PredicateWorkload {
    type Vocabulary = Predicate;

    fn name(&self) -> &str {
        "predicate"
    }

    fn promise(&self) -> &str {
        "what a transaction reads by a condition has no phantoms beyond what the model allows"
    }

    fn settings(&self) -> Vec<Setting> {
        let meaning = "calls after which a group of rows is replaced by a fresh one";
        vec![
            Setting::new("rows-per-group", ROWS_PER_GROUP, "the most rows that a group gets"),
            Setting::new("calls-per-group", self.calls_per_group, meaning),
        ]
    }

    fn generator(&self, options: &Options) -> Box<dyn Generator<Predicate>> {
        let used = self.ledger.open(&options.run_id);
        let count = options.keys / 3;
        let groups = Groups::new("workload/predicate", options, count, self.calls_per_group, used);
        paced(Calls { run_id: options.run_id.clone(), groups }, options)
    }

    fn final_generator(&self, options: &Options) -> Box<dyn Generator<Predicate>> {
        let run_id = options.run_id.clone();
        let used = self.ledger.used(&run_id);
        let mut groups = None;
        let reads = move |_: &Context| {
            // What was used is known only when the main phase is over.
            let groups = groups.get_or_insert_with(|| newest(&used, FINAL_GROUPS_MAX));
            groups.next().map(|group| Call::Transaction(vec![Part::Select(by_key(&run_id, group))]))
        };
        Box::new(Finally(reads))
    }

    fn checkers(&self, options: &Options) -> Checkers<Predicate> {
        let models: Result<Vec<Model>, _> = options.model.split(',').map(Model::named).collect();
        match models {
            Ok(models) => vec![Box::new(Transactions::new(models, VersionOrder::EXACT))],
            Err(_) => Vec::new(),
        }
    }
}

struct Calls {
    run_id: String,
    groups: Groups,
}

impl Generator<Predicate> for Calls {
    fn next(&mut self, _: &Context) -> Step<Call> {
        let run_id = &self.run_id;
        Step::Call(self.groups.draw(|rng, group| {
            let Group { number, written, .. } = group;
            let select = match rng.random_range(0..4) {
                0 => Part::Select(by_value(number)),
                1 => Part::Read(row(run_id, number, rng.random_range(0..ROWS_PER_GROUP))),
                _ => Part::Select(by_key(run_id, number)),
            };
            let is_insert = written < ROWS_PER_GROUP && rng.random_range(0..3) > 0;
            if !is_insert {
                return (Call::Transaction(vec![select, Part::Select(by_value(number))]), false);
            }
            let insert = Part::Insert(row(run_id, number, written), value(number, written));
            // Most look before they insert.
            let steps = if rng.random_range(0..4) == 0 { vec![insert, select] } else { vec![select, insert] };
            (Call::Transaction(steps), true)
        }))
    }
}

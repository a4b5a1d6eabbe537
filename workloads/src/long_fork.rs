//! The long-fork workload: keys in small groups, each written once, and reads of whole groups.
//!
//! Two readers who see two writes of a group in opposite orders read from two snapshots of which neither came first.

use checkers::{
    lattice::Model,
    transactions::{Transactions, VersionOrder},
};
use history::{
    Key, Value,
    vocabulary::{LongFork, rw_register::Step as Part},
};
use rand::Rng;

use crate::{
    Checkers, Context, Generator, Options, Step, Workload,
    groups::{Groups, newest},
    ledger::Ledger,
    register::key_name,
    workload::{Setting, paced},
};

/// How many keys a group has.
const GROUP: u32 = 3;

/// How many calls a group gets: its writes, and reads before, between and after them.
const CALLS_PER_GROUP: u32 = 15;

/// The most groups that are read at the end.
const FINAL_GROUPS_MAX: u64 = 200;

/// Writes of single keys and reads of groups.
#[derive(Debug)]
pub struct LongForkWorkload {
    /// How many calls a group gets before a fresh one takes its place.
    pub calls_per_group: u32,
    ledger: Ledger,
}

impl Default for LongForkWorkload {
    fn default() -> Self {
        Self { calls_per_group: CALLS_PER_GROUP, ledger: Ledger::default() }
    }
}

/// The keys of a group.
fn members(run_id: &str, group: u64) -> impl Iterator<Item = Key> {
    let first = group * u64::from(GROUP);
    (first..first + u64::from(GROUP)).map(move |number| key_name(run_id, number))
}

fn read(run_id: &str, group: u64) -> Vec<Part> {
    members(run_id, group).map(Part::Read).collect()
}

impl Workload for LongForkWorkload {
    type Vocabulary = LongFork;

    fn name(&self) -> &str {
        "long-fork"
    }

    fn promise(&self) -> &str {
        "all readers see the writes of different keys in one order"
    }

    fn settings(&self) -> Vec<Setting> {
        let meaning = "calls after which a group of keys is replaced by a fresh one";
        vec![
            Setting::new("group", GROUP, "how many keys a read reads"),
            Setting::new("calls-per-group", self.calls_per_group, meaning),
        ]
    }

    fn generator(&self, options: &Options) -> Box<dyn Generator<LongFork>> {
        let used = self.ledger.open(&options.run_id);
        let count = options.keys / GROUP as usize;
        let groups = Groups::new("workload/long-fork", options, count, self.calls_per_group, used);
        paced(Calls { run_id: options.run_id.clone(), groups }, options)
    }

    fn final_generator(&self, options: &Options) -> Box<dyn Generator<LongFork>> {
        let run_id = options.run_id.clone();
        let used = self.ledger.used(&run_id);
        let mut groups = None;
        let reads = move |_: &Context| {
            // What was used is known only when the main phase is over.
            let groups = groups.get_or_insert_with(|| newest(&used, FINAL_GROUPS_MAX));
            groups.next().map(|group| read(&run_id, group))
        };
        Box::new(Finally(reads))
    }

    fn checkers(&self, options: &Options) -> Checkers<LongFork> {
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

impl Generator<LongFork> for Calls {
    fn next(&mut self, _: &Context) -> Step<Vec<Part>> {
        let run_id = &self.run_id;
        Step::Call(self.groups.draw(|rng, group| {
            let is_write = group.written < GROUP && rng.next_u32() & 0xff < 100;
            let key = if is_write { members(run_id, group.number).nth(group.written as usize) } else { None };
            match key {
                Some(key) => (vec![Part::Write(key, Value::Int(1))], true),
                None => (read(run_id, group.number), false),
            }
        }))
    }
}

/// Calls until there are no more.
pub(crate) struct Finally<F>(pub F);

impl<V, F> Generator<V> for Finally<F>
where
    V: history::Vocabulary,
    F: FnMut(&Context) -> Option<V::Call> + Send,
{
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        (self.0)(context).map_or(Step::Done, Step::Call)
    }
}

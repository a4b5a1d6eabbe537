//! The workloads of transactions: list-append and read-write registers.

use std::marker::PhantomData;

use checkers::{
    Checker,
    lattice::Model,
    transactions::{Transactions as Judge, VersionOrder},
};
use history::vocabulary::{ListAppend, RwRegister};

use crate::{
    Checkers, Generator, Options, Workload,
    ledger::Ledger,
    transactions::{TransactionShape, Transactional, Transactions},
    workload::{Setting, paced},
};

/// How many keys one of the final transactions reads.
const FINAL_READS: usize = 8;

/// Transactions of a few steps over a moving window of keys.
#[derive(Debug)]
pub struct TransactionWorkload<V> {
    /// The shape of the transactions. The number of keys in use is the run's own.
    pub shape: TransactionShape,
    /// The most keys that are read at the end: the newest, and as many others.
    pub final_keys_max: u64,
    ledger: Ledger,
    vocabulary: PhantomData<V>,
}

/// Appends to lists and reads of whole lists. A list shows the order of its appends, so what it proves is exact.
pub type ListAppendWorkload = TransactionWorkload<ListAppend>;

/// Writes and reads of registers. What databases do every day; the order of the writes must be inferred.
pub type RwRegisterWorkload = TransactionWorkload<RwRegister>;

impl<V> Default for TransactionWorkload<V> {
    fn default() -> Self {
        Self {
            shape: TransactionShape::default(),
            final_keys_max: 20_000,
            ledger: Ledger::default(),
            vocabulary: PhantomData,
        }
    }
}

/// A vocabulary of transactions with its name and promise as a workload.
pub trait Promised: Transactional {
    /// The promise in one line.
    const PROMISE: &'static str;
}

impl Promised for ListAppend {
    const PROMISE: &'static str =
        "transactions that append to lists and read them are as isolated as the model says";
}

impl Promised for RwRegister {
    const PROMISE: &'static str =
        "transactions that read and write registers are as isolated as the model says";
}

impl<V: Promised> Workload for TransactionWorkload<V>
where
    Judge: Checker<V>,
{
    type Vocabulary = V;

    fn name(&self) -> &str {
        V::NAME
    }

    fn promise(&self) -> &str {
        V::PROMISE
    }

    fn settings(&self) -> Vec<Setting> {
        let shape = &self.shape;
        vec![
            Setting::new("length-max", shape.length.end(), "the most steps of a transaction"),
            Setting::new(
                "writes-per-key-max",
                shape.writes_per_key_max,
                "writes after which a key is replaced by a fresh one",
            ),
            Setting::new("final-keys-max", self.final_keys_max, "the most keys that are read at the end"),
        ]
    }

    fn generator(&self, options: &Options) -> Box<dyn Generator<V>> {
        let shape = TransactionShape { key_count: options.keys, ..self.shape.clone() };
        let used = self.ledger.open(&options.run_id);
        paced(Transactions::counted(shape, &options.run_id, options.seed, used), options)
    }

    fn final_generator(&self, options: &Options) -> Box<dyn Generator<V>> {
        let used = self.ledger.used(&options.run_id);
        Box::new(crate::transactions::FinalTransactions::new(
            &options.run_id,
            used,
            FINAL_READS,
            self.final_keys_max,
        ))
    }

    fn checkers(&self, options: &Options) -> Checkers<V> {
        let models: Result<Vec<Model>, _> = options.model.split(',').map(Model::named).collect();
        match models {
            Ok(models) => vec![Box::new(Judge::new(models, VersionOrder::EXACT))],
            Err(_) => Vec::new(),
        }
    }
}

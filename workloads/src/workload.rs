//! A workload: what to ask, what to ask at the end, and who judges.

use checkers::Checker;
use history::{Value, Vocabulary};

use crate::{Generator, pace::Stagger, streams};

/// The checkers of one workload.
pub type Checkers<V> = Vec<Box<dyn Checker<V>>>;

/// What every workload is told about its run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many workers there are.
    pub threads: usize,
    /// How many nodes there are.
    pub nodes: usize,
    /// `--keys`: how many keys are in use at a time.
    pub keys: usize,
    /// `--rate`: calls per second over all workers; `None` is as fast as they go.
    pub rate: Option<f64>,
    /// The run's seed, for streams of its own.
    pub seed: u64,
    /// A text that no other run has, for the names of keys.
    pub run_id: String,
    /// `--model`, or what the database promises.
    pub model: String,
}

/// One thing that can be set on a workload, for lists and reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name as a flag, without dashes.
    pub name: &'static str,
    /// What it is set to.
    pub value: String,
    /// What it means, in a few words.
    pub meaning: &'static str,
}

impl Setting {
    /// A setting with its value and meaning.
    pub fn new(name: &'static str, value: impl ToString, meaning: &'static str) -> Self {
        Self { name, value: value.to_string(), meaning }
    }
}

/// The generator at the rate that the options ask for.
pub fn paced<V: Vocabulary>(
    generator: impl Generator<V> + 'static,
    options: &Options,
) -> Box<dyn Generator<V>> {
    match options.rate {
        Some(rate) => Box::new(Stagger::new(generator, rate, streams::rng(options.seed, "workload/rate", 0))),
        None => Box::new(generator),
    }
}

/// What to ask and who judges.
pub trait Workload: Send + Sync {
    /// The vocabulary it generates.
    type Vocabulary: Vocabulary;
    /// Its name in `--workload`.
    fn name(&self) -> &str;
    /// The promise it tests, in one line.
    fn promise(&self) -> &str;
    /// What can be set on it, as it is set.
    fn settings(&self) -> Vec<Setting> {
        Vec::new()
    }
    /// The value of everything before the first call.
    fn initial(&self) -> Value {
        Value::Nil
    }
    /// The calls of the main phase. It need not end by itself: the runner's time limit does that.
    fn generator(&self, options: &Options) -> Box<dyn Generator<Self::Vocabulary>>;
    /// The calls after heal and settle: final reads. It must end by itself.
    fn final_generator(&self, options: &Options) -> Box<dyn Generator<Self::Vocabulary>>;
    /// Who judges.
    fn checkers(&self, options: &Options) -> Checkers<Self::Vocabulary>;
}

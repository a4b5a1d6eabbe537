//! The register workload: reads, writes and compare-and-sets of many keys, each for a while.
//!
//! It is made to expose a replicated store soon and to be judged fast:
//!
//! - Every written value is unique over the run, so a value names its write.
//! - A compare-and-set starts from the value last seen of its key, so it mostly applies and two of them that both
//!   apply contradict each other; sometimes it starts from an old value and must be refused.
//! - Each key lives for a bounded number of calls, so that its part of the history stays small. Each has its own
//!   habit (even, duels of compare-and-set, bursts of writes, mostly reads).
//! - A few keys live as long as the run, and retired keys are read again now and then: an acknowledged write that a
//!   fail-over loses is not hidden by a later write.
//! - At the end keys are read once more, by several workers and so from several nodes.

use std::sync::Arc;

use checkers::{
    Checker,
    levels::{self, LevelOptions},
    linearizability::Linearizable,
};
use history::{Value, vocabulary::Register};
use serde::{Deserialize, Serialize};

use crate::{
    Checkers, Generator, Options, Workload,
    ledger::Ledger,
    workload::{Setting, paced},
};

mod calls;
mod key;
mod reads;

pub use calls::RegisterCalls;
pub use reads::FinalReads;

/// What can be set on the register workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegisterSettings {
    /// After how many calls a key is replaced by a fresh one; each draws its own between half of this and all.
    pub calls_per_key: u32,
    /// After how many writes of unknown outcome a key gets no more writes: each may still happen at any time, and
    /// the more of them there are, the harder its history is to judge.
    pub unknown_writes_max: u32,
    /// How many keys live as long as the run.
    pub lasting_keys: usize,
    /// The most keys that are read at the end, besides the lasting ones; the newest are.
    pub final_keys_max: u64,
    /// Whether to generate compare-and-sets; some databases have none.
    pub compare_and_set: bool,
}

impl Default for RegisterSettings {
    fn default() -> Self {
        Self {
            calls_per_key: 400,
            unknown_writes_max: 12,
            lasting_keys: 2,
            final_keys_max: 2_000,
            compare_and_set: true,
        }
    }
}

/// Reads, writes and compare-and-sets of registers.
#[derive(Debug, Default)]
pub struct RegisterWorkload {
    /// What is set.
    pub settings: RegisterSettings,
    ledger: Ledger,
}

impl RegisterWorkload {
    /// The workload with these settings.
    pub fn new(settings: RegisterSettings) -> Self {
        Self { settings, ledger: Ledger::default() }
    }

    /// The workload without compare-and-sets, for whoever has none.
    pub fn read_write() -> Self {
        Self::new(RegisterSettings { compare_and_set: false, ..RegisterSettings::default() })
    }
}

impl Workload for RegisterWorkload {
    type Vocabulary = Register;

    fn name(&self) -> &str {
        if self.settings.compare_and_set { "register" } else { "read-write" }
    }

    fn promise(&self) -> &str {
        match self.settings.compare_and_set {
            true => {
                "every read, write and compare-and-set of a key takes effect at one instant between its call and its answer"
            }
            false => {
                "every read and write of a key takes effect at one instant between its call and its answer"
            }
        }
    }

    fn settings(&self) -> Vec<Setting> {
        let set = &self.settings;
        vec![
            Setting::new(
                "calls-per-key",
                set.calls_per_key,
                "calls after which a key is replaced by a fresh one",
            ),
            Setting::new(
                "unknown-writes-max",
                set.unknown_writes_max,
                "writes of unknown outcome after which a key is written no more",
            ),
            Setting::new("lasting-keys", set.lasting_keys, "keys that live as long as the run"),
            Setting::new("final-keys-max", set.final_keys_max, "the most keys that are read at the end"),
            Setting::new("compare-and-set", set.compare_and_set, "whether compare-and-sets are generated"),
        ]
    }

    fn generator(&self, options: &Options) -> Box<dyn Generator<Register>> {
        let used = self.ledger.open(&options.run_id);
        paced(RegisterCalls::new(&self.settings, options, used), options)
    }

    fn final_generator(&self, options: &Options) -> Box<dyn Generator<Register>> {
        let used = self.ledger.used(&options.run_id);
        Box::new(FinalReads::new(&self.settings, options, used))
    }

    fn checkers(&self, options: &Options) -> Checkers<Register> {
        checkers_of(options)
    }
}

/// Who judges registers under the models of these options. A model that no checker judges has none, and without any there is
/// no verdict.
fn checkers_of(options: &Options) -> Checkers<Register> {
    let judge = |model: &str| -> Option<Box<dyn Checker<Register>>> {
        match model {
            // One call is one transaction here, and then the strict form of serializability is linearizability.
            "linearizable" | "strict-serializable" => Some(Box::new(Linearizable::default())),
            level => levels::checker(level, &LevelOptions::default()),
        }
    };
    options.model.split(',').filter_map(judge).collect()
}

/// The name of the key that was made as number `number` of a run.
pub(crate) fn key_name(run_id: &str, number: u64) -> Value {
    Value::Text(Arc::from(format!("{run_id}-{number}")))
}

//! The final reads: every key that was used, once more.

use std::fmt;

use history::vocabulary::{Register, register::Call};

use super::{RegisterSettings, key_name};
use crate::{Context, Generator, Options, Step, ledger::KeysUsed};

/// How many of the newest keys are read from several nodes; the others are read once.
const WIDE_KEYS: u64 = 64;

/// The most workers that read one key.
const READERS_MAX: u64 = 5;

/// Reads the lasting keys and the newest of the others, from the newest down, and ends.
///
/// Workers pull reads from one list, so a slow node holds up none but its own workers. The same key comes up again
/// after a whole round of the wide keys, so that it falls to different workers and so to different nodes; the offset
/// of each round makes that certain where all workers are equally fast.
pub struct FinalReads {
    run_id: String,
    used: KeysUsed,
    lasting: u64,
    keys_max: u64,
    rounds: u64,
    /// The plan, made when the first worker asks: by then the main phase is over.
    plan: Option<Plan>,
    at: u64,
}

/// What is to be read: `wide` keys in each of several rounds, then the rest once.
#[derive(Debug)]
struct Plan {
    keys: Vec<u64>,
    wide: u64,
    reads: u64,
}

impl fmt::Debug for FinalReads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FinalReads").field("plan", &self.plan).field("at", &self.at).finish_non_exhaustive()
    }
}

impl FinalReads {
    /// The final reads of one run.
    pub(crate) fn new(settings: &RegisterSettings, options: &Options, used: KeysUsed) -> Self {
        let rounds = (options.nodes.min(options.threads) as u64).clamp(1, READERS_MAX);
        Self {
            run_id: options.run_id.clone(),
            used,
            lasting: settings.lasting_keys as u64,
            keys_max: settings.final_keys_max,
            rounds,
            plan: None,
            at: 0,
        }
    }
}

impl Plan {
    fn new(count: u64, lasting: u64, keys_max: u64, rounds: u64) -> Self {
        let lasting = lasting.min(count);
        let newest = (count - lasting).min(keys_max);
        let keys: Vec<u64> = (0..lasting).chain((count - newest..count).rev()).collect();
        let wide = (keys.len() as u64).min(lasting + WIDE_KEYS);
        let reads = wide * rounds + (keys.len() as u64 - wide);
        Self { keys, wide, reads }
    }

    /// The key of the read at this place of the list.
    fn key(&self, at: u64, rounds: u64) -> u64 {
        let wide_reads = self.wide * rounds;
        if at >= wide_reads {
            return self.keys[(self.wide + at - wide_reads) as usize];
        }
        let (round, place) = (at / self.wide, at % self.wide);
        self.keys[((place + round) % self.wide) as usize]
    }
}

impl Generator<Register> for FinalReads {
    fn next(&mut self, _context: &Context) -> Step<Call> {
        let (count, lasting, keys_max, rounds) =
            (self.used.count(), self.lasting, self.keys_max, self.rounds);
        let plan = self.plan.get_or_insert_with(|| Plan::new(count, lasting, keys_max, rounds));
        if self.at == plan.reads {
            return Step::Done;
        }
        let number = plan.key(self.at, self.rounds);
        self.at += 1;
        Step::Call(Call::Read(key_name(&self.run_id, number)))
    }
}

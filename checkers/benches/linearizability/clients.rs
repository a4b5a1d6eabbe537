//! Histories of closed-loop clients on a true register, made from a seed.

use std::fmt;

use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Register, Value,
    vocabulary::register::{Call, Return},
};

/// A small deterministic source of choices.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        (self.fraction() * sides as f64) as u64
    }

    /// From 0 to 1.
    pub fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Exponential with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.fraction()).ln()
    }
}

/// What the clients ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mix {
    /// Reads, writes and compare-and-sets over five values; a refused one is recorded as failed.
    #[default]
    Cas5,
    /// Half reads, half writes of values that are never written twice.
    Unique,
    /// Reads, unique writes, and compare-and-sets to unique values.
    Swaps,
}

/// How a history is made.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// What the clients ask.
    pub mix: Mix,
    /// How many operations.
    pub operations: usize,
    /// How many clients.
    pub clients: usize,
    /// How many keys.
    pub keys: u64,
    /// Of a hundred writes and swaps, how many time out. Half of these take effect, then or later.
    pub unknown: f64,
    /// Where the read is that returns a wrong value.
    pub bad: Option<f64>,
    /// Whether that value was never written; else it is one that was current long before.
    pub garbage: bool,
    /// The seed.
    pub seed: u64,
}

impl Default for Run {
    fn default() -> Self {
        let mix = Mix::Cas5;
        Self { mix, operations: 1000, clients: 5, keys: 1, unknown: 0.0, bad: None, garbage: false, seed: 1 }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mix = match self.mix {
            Mix::Cas5 => "cas5",
            Mix::Unique => "unique",
            Mix::Swaps => "unique swaps",
        };
        write!(f, "{mix} {} c{}", self.operations, self.clients)?;
        if self.keys > 1 {
            write!(f, " {} keys", self.keys)?;
        }
        if self.unknown > 0.0 {
            write!(f, " {}% unknown", self.unknown)?;
        }
        match (self.bad, self.garbage) {
            (Some(at), true) => write!(f, " garbage at {at}")?,
            (Some(at), false) => write!(f, " bad at {at}")?,
            _ => {}
        }
        write!(f, " seed {}", self.seed)
    }
}

#[derive(Clone)]
struct Draft {
    began: f64,
    ended: f64,
    effect: Option<f64>,
    process: u32,
    kind: u64,
    key: u64,
    value: i64,
    expected: i64,
    unknown: bool,
    refused: bool,
    seen: i64,
}

fn drafts(run: &Run, dice: &mut Dice) -> Vec<Draft> {
    let mut processes: Vec<u32> = (0..run.clients as u32).collect();
    let mut fresh = run.clients as u32;
    let mut ready: std::collections::BinaryHeap<std::cmp::Reverse<(u64, usize)>> = (0..run.clients)
        .map(|client| std::cmp::Reverse(((dice.fraction() * 0.25e9) as u64, client)))
        .collect();
    let mut drafts = Vec::with_capacity(run.operations);
    let mut unique = 0;
    while drafts.len() < run.operations {
        let std::cmp::Reverse((at, client)) = ready.pop().expect("clients never leave");
        let began = at as f64 / 1e9;
        let kind = if run.mix == Mix::Unique { dice.roll(2) } else { dice.roll(3) };
        unique += 1;
        let small = run.mix == Mix::Cas5;
        let value = if small { dice.roll(5) as i64 } else { unique };
        let expected = dice.roll(5) as i64;
        let latency = 0.1 + dice.exponential(1.0);
        let ended = began + latency;
        let unknown = kind > 0 && dice.fraction() * 100.0 < run.unknown;
        let mut effect = Some(began + dice.fraction() * latency);
        if unknown {
            effect = (dice.roll(2) == 0).then(|| ended + dice.exponential(5.0));
        }
        let (process, key) = (processes[client], dice.roll(run.keys));
        if unknown {
            processes[client] = fresh;
            fresh += 1;
        }
        let refused = false;
        drafts.push(Draft {
            began,
            ended,
            effect,
            process,
            kind,
            key,
            value,
            expected,
            unknown,
            refused,
            seen: -1,
        });
        ready.push(std::cmp::Reverse((((ended + dice.fraction() * 0.25) * 1e9) as u64, client)));
    }
    drafts
}

/// Lets everything take effect in its order, and says what each read saw.
fn run_all(run: &Run, drafts: &mut [Draft]) -> Vec<i64> {
    let mut order: Vec<usize> = (0..drafts.len()).filter(|&i| drafts[i].effect.is_some()).collect();
    order.sort_by(|&a, &b| drafts[a].effect.partial_cmp(&drafts[b].effect).expect("times are numbers"));
    let mut state = vec![-1; run.keys as usize];
    let mut past = vec![-1];
    for i in order {
        let draft = &mut drafts[i];
        let now = &mut state[draft.key as usize];
        match draft.kind {
            0 => draft.seen = *now,
            1 => *now = draft.value,
            // With unique values a client swaps what it finds; a time-out then swaps what was there at its effect.
            _ if run.mix == Mix::Swaps => {
                draft.expected = *now;
                *now = draft.value;
            }
            _ if *now == draft.expected => *now = draft.value,
            _ => draft.refused = !draft.unknown,
        }
        if draft.kind > 0 && past.last() != Some(now) {
            past.push(*now);
        }
        if draft.kind == 0 {
            draft.value = past.len() as i64;
        }
    }
    past
}

fn spoil(run: &Run, at: f64, past: &[i64], drafts: &mut [Draft]) {
    let wanted = (at * drafts.len() as f64) as usize;
    let read = (0..drafts.len())
        .filter(|&i| drafts[i].kind == 0 && drafts[i].value > 40)
        .min_by_key(|&i| i.abs_diff(wanted))
        .expect("there is a read");
    let older = &past[..drafts[read].value as usize - 30];
    drafts[read].seen = if run.garbage {
        -7
    } else {
        *older.iter().rev().find(|&&value| value != drafts[read].seen).expect("there was another value")
    };
}

/// The history of a run.
pub fn generate(run: &Run) -> History<Register> {
    let mut dice = Dice(run.seed);
    let mut drafts = drafts(run, &mut dice);
    let past = run_all(run, &mut drafts);
    if let Some(at) = run.bad {
        spoil(run, at, &past, &mut drafts);
    }
    drafts.sort_by(|a, b| a.began.partial_cmp(&b.began).expect("times are numbers"));
    let value = |number: i64| if number == -1 { Value::Nil } else { Value::Int(number) };
    let nanos = |seconds: f64| Nanos((seconds * 1e6) as u64);
    let keys: Vec<Value> = (0..run.keys).map(|key| Value::from(format!("k{key}").as_str())).collect();
    let operations = (0u32..).zip(drafts).map(|(index, draft)| {
        let key = keys[draft.key as usize].clone();
        let (call, answer) = match draft.kind {
            0 => (Call::Read(key), Return::Value(Some(value(draft.seen)))),
            1 => (Call::Write(key, value(draft.value)), Return::Written),
            _ => (Call::Cas(key, value(draft.expected), value(draft.value)), Return::Swapped),
        };
        let outcome = match (draft.unknown, draft.refused) {
            (true, _) => Outcome::Unknown("timeout".into()),
            (_, true) => Outcome::Fail("refused".into()),
            _ => Outcome::Ok(answer),
        };
        Operation {
            index: OpIndex(index),
            process: Process(draft.process),
            node: NodeId(0),
            call,
            outcome,
            began: nanos(draft.began),
            ended: Some(nanos(draft.ended)),
        }
    });
    let operations = operations.collect();
    History { header: Header::new("register"), operations, faults: Vec::new(), damage: None }
}

//! Speed and memory of the levels between linearizable and eventual:
//! `cargo bench -p disprove-checkers --bench sessions [most operations] [part of a level's name]`.
//!
//! Prints one line per level, kind of history and size: the verdict, CPU time of one thread, and the most memory above what
//! the history itself holds. Times are the thread's own, from Linux's /proc, so that a busy machine matters little.

#[path = "../tests/material/dice.rs"]
mod dice;

use std::{env, fs};

use dice::Dice;
use disprove_checkers::{
    Budget, Checker,
    levels::{LevelOptions, checker, levels},
};
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};

const PROCESSES: usize = 10;
const KEYS: usize = 10;

/// Ten processes in turn, each call under way until shortly before the next of its process.
struct Script {
    keys: Vec<Value>,
    operations: Vec<Operation<Register>>,
}

impl Script {
    fn new(size: usize) -> Self {
        let keys = (0..KEYS).map(|key| Value::from(format!("key-{key}").as_str())).collect();
        Self { keys, operations: Vec::with_capacity(size) }
    }

    fn began(place: usize) -> u64 {
        place as u64 * 1_000
    }

    fn ended(place: usize) -> u64 {
        Self::began(place + PROCESSES) - 500
    }

    fn push(&mut self, key: usize, wrote: Option<i64>, read: i64) {
        let place = self.operations.len();
        let key = self.keys[key].clone();
        let known = |value: i64| if value == 0 { Value::Nil } else { Value::Int(value) };
        let (call, answer) = match wrote {
            Some(to) => (Call::Write(key, known(to)), Return::Written),
            None => (Call::Read(key), Return::Value(Some(known(read)))),
        };
        self.operations.push(Operation {
            index: OpIndex(place as u32),
            process: Process((place % PROCESSES) as u32),
            node: NodeId(0),
            call,
            outcome: Outcome::Ok(answer),
            began: Nanos(Self::began(place)),
            ended: Some(Nanos(Self::ended(place))),
        });
    }

    fn finish(self) -> History<Register> {
        History {
            header: Header::new("register"),
            operations: self.operations,
            faults: Vec::new(),
            damage: None,
        }
    }
}

/// Linearizable: every call takes effect at a random moment while it is under way.
fn linearizable(size: usize) -> History<Register> {
    let mut dice = Dice(size as u64);
    let mut effects: Vec<(u64, usize)> = (0..size)
        .map(|place| (Script::began(place) + dice.below(PROCESSES * 1_000 - 500) as u64, place))
        .collect();
    effects.sort_unstable();
    let calls: Vec<(usize, bool)> = (0..size).map(|_| (dice.below(KEYS), dice.below(2) == 0)).collect();
    let (mut state, mut seen) = ([0; KEYS], vec![0; size]);
    for (_, place) in effects {
        let (key, writes) = calls[place];
        if writes {
            state[key] = place as i64 + 1;
        }
        seen[place] = state[key];
    }
    let mut script = Script::new(size);
    for (place, (key, writes)) in calls.into_iter().enumerate() {
        script.push(key, writes.then_some(place as i64 + 1), seen[place]);
    }
    script.finish()
}

/// A write of a causal store: its key, its value and clock, and what its process knew.
type Logged = (usize, (i64, i64), [u32; PROCESSES]);

/// A causal store: each process has a replica that takes over the writes of others late, causes before effects. With
/// `converges` the newest of conflicting writes stays, by a logical clock; else whatever came last.
fn causal(size: usize, converges: bool) -> History<Register> {
    let mut dice = Dice(size as u64 + u64::from(converges));
    let mut script = Script::new(size);
    // Of each process its writes: key, value, clock and what it knew.
    let mut logs: Vec<Vec<Logged>> = vec![Vec::new(); PROCESSES];
    let mut knows = [[0u32; PROCESSES]; PROCESSES];
    let mut replicas = [[(0i64, 0i64); KEYS]; PROCESSES];
    let mut clocks = [0i64; PROCESSES];
    for place in 0..size {
        let own = place % PROCESSES;
        for _ in 0..PROCESSES {
            let other = dice.below(PROCESSES);
            while let Some(&(key, stamp, known)) = logs[other].get(knows[own][other] as usize) {
                let ready = (0..PROCESSES).all(|p| p == other || known[p] <= knows[own][p]);
                if !ready || dice.below(4) == 0 {
                    break;
                }
                knows[own][other] += 1;
                clocks[own] = clocks[own].max(stamp.0);
                if !converges || stamp > replicas[own][key] {
                    replicas[own][key] = stamp;
                }
            }
        }
        let key = dice.below(KEYS);
        if dice.below(2) == 0 {
            clocks[own] += 1;
            let stamp = (clocks[own], place as i64 + 1);
            logs[own].push((key, stamp, knows[own]));
            knows[own][own] += 1;
            replicas[own][key] = stamp;
            script.push(key, Some(place as i64 + 1), 0);
        } else {
            script.push(key, None, replicas[own][key].1);
        }
    }
    script.finish()
}

/// The same with one read near the end that goes back to what its process had read of the key long before.
fn spoiled(mut history: History<Register>) -> History<Register> {
    let reads = |operation: &Operation<Register>| matches!(operation.call, Call::Read(_));
    let late = history.operations.iter().rposition(reads).expect("there is a read");
    let (process, call) = (history.operations[late].process, history.operations[late].call.clone());
    let early = history.operations.iter().find(|operation| {
        operation.process == process
            && operation.call == call
            && operation.outcome.ok().is_some_and(|answer| *answer != Return::Value(Some(Value::Nil)))
    });
    history.operations[late].outcome = early.expect("it had read before").outcome.clone();
    history
}

fn cpu_nanos() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn memory(field: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(field));
    let word = line.and_then(|line| line.split_whitespace().nth(1));
    word.and_then(|word| word.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn measure(level: &dyn Checker<Register>, kind: &str, history: &History<Register>) {
    // Forget the peak so far.
    let forgotten = fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = memory("VmRSS");
    let start = cpu_nanos();
    let verdict = level.check(history, &Budget::default());
    let spent = cpu_nanos() - start;
    let peak = if forgotten { memory("VmHWM").saturating_sub(before) >> 20 } else { 0 };
    let witness = verdict.anomalies.first().map_or(0, |anomaly| anomaly.witness.len());
    println!(
        "{:<22} {kind:<22} {:>9} {:<8} {:>10.2} ms {peak:>6} MiB  witness {witness}",
        level.name(),
        history.operations.len(),
        format!("{:?}", verdict.validity).to_lowercase(),
        spent as f64 / 1e6,
    );
}

fn main() {
    let mut words = env::args().skip(1).filter(|word| !word.starts_with("--"));
    let most: usize = words.next().and_then(|word| word.parse().ok()).unwrap_or(100_000);
    let part = words.next().unwrap_or_default();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    pool.install(|| {
        for size in [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|&size| size <= most) {
            let histories = [
                ("linearizable", linearizable(size)),
                ("causal memory", causal(size, false)),
                ("causal, convergent", causal(size, true)),
                ("convergent, one lie", spoiled(causal(size, true))),
            ];
            for info in levels().iter().filter(|info| info.name.contains(&part)) {
                let level = checker(info.name, &LevelOptions::default()).expect("a level of that name");
                for (kind, history) in &histories {
                    measure(&*level, kind, history);
                }
            }
        }
    });
}

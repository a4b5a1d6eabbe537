//! How long the monitors of collections take, and how much memory: own generator, one table.
//!
//! Clients call in a closed loop: a call takes 0.1 plus an exponential of mean 1, the pause after it is up to 0.25, and it
//! takes effect at a random instant in between. Of the calls with unknown outcomes half take effect, some of them
//! late. `DISPROVE_BENCH_CALLS` limits the largest history.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    fs,
};

use disprove_checkers::collections::{Action, Call, Discipline, Judgement, judge};

/// A small random number generator.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn chance(&mut self, share: f64) -> bool {
        self.share() < share
    }
}

/// What is inside, and which comes out.
struct Object {
    discipline: Discipline,
    line: VecDeque<u32>,
    sorted: BTreeSet<u32>,
}

impl Object {
    fn put(&mut self, value: u32) {
        match self.discipline {
            Discipline::Priority => drop(self.sorted.insert(value)),
            _ => self.line.push_back(value),
        }
    }

    fn take(&mut self, dice: &mut Dice) -> Option<u32> {
        match self.discipline {
            Discipline::Queue => self.line.pop_front(),
            Discipline::Stack => self.line.pop_back(),
            Discipline::Priority => self.sorted.pop_first(),
            Discipline::Bag => {
                let place = dice.next() as usize % self.line.len().max(1);
                self.line.swap_remove_back(place)
            }
        }
    }
}

/// A valid history: this many calls by this many clients.
fn generate(discipline: Discipline, count: usize, clients: usize, unknown: f64, seed: u64) -> Vec<Call> {
    const UNIT: f64 = 1e6;
    let mut dice = Dice(seed);
    let mut numbers: Vec<u32> = (0..count as u32).collect();
    for place in (1..count).rev() {
        numbers.swap(place, dice.next() as usize % (place + 1));
    }
    let mut calls: Vec<Call> = Vec::with_capacity(count);
    let mut free: BinaryHeap<Reverse<u64>> =
        (0..clients).map(|_| Reverse((dice.share() * UNIT) as u64)).collect();
    let mut effects: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    while calls.len() < count {
        let Some(Reverse(began)) = free.pop() else { break };
        let took = ((0.1 - (1.0 - dice.share()).ln()) * UNIT) as u64 + 1;
        free.push(Reverse(began + took + (dice.share() * 0.25 * UNIT) as u64 + 1));
        let optional = dice.chance(unknown);
        let number = calls.len() as u32;
        let value = numbers[calls.len()];
        let action = if dice.chance(0.5) { Action::Insert(value) } else { Action::RemoveAny };
        if !optional || dice.chance(0.5) {
            let late = if optional && dice.chance(0.5) { 20.0 } else { 1.0 };
            effects.push(Reverse((began + (dice.share() * late * took as f64) as u64, number)));
        }
        calls.push(Call { action, began, deadline: (!optional).then_some(began + took), optional });
    }
    let mut object = Object { discipline, line: VecDeque::new(), sorted: BTreeSet::new() };
    while let Some(Reverse((_, number))) = effects.pop() {
        let call = &mut calls[number as usize];
        match call.action {
            Action::Insert(value) => object.put(value),
            _ => {
                let taken = object.take(&mut dice);
                if !call.optional {
                    call.action = taken.map_or(Action::Empty, Action::Remove);
                }
            }
        }
    }
    calls
}

/// Processor time of this thread, in milliseconds.
fn milliseconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e6
}

/// The peak of the process's memory since it was last asked to forget it, in MiB.
fn peak() -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) / 1024.0
}

fn main() {
    let most =
        std::env::var("DISPROVE_BENCH_CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    println!("| collection | clients | unknown | calls | ms | ns a call | MiB more |");
    println!("|---|---|---|---|---|---|---|");
    for discipline in [Discipline::Queue, Discipline::Stack, Discipline::Priority, Discipline::Bag] {
        for (clients, unknown) in [(5, 0.0), (5, 0.01), (50, 0.01)] {
            for count in [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|&count| count <= most) {
                let calls = generate(discipline, count, clients, unknown, 1);
                let _ = fs::write("/proc/self/clear_refs", "5");
                let memory = peak();
                let mut judged = judge(discipline, &calls);
                let memory = peak() - memory;
                // The clock has ticks of some milliseconds, so short ones are repeated.
                let rounds = (300_000 / count).max(1);
                let begin = milliseconds();
                for _ in 0..rounds {
                    judged = judge(discipline, &calls);
                }
                let took = (milliseconds() - begin) / rounds as f64;
                let answer = match judged {
                    Judgement::Valid(_) => String::new(),
                    Judgement::Invalid(found) => {
                        format!(" invalid {:?}, {} calls", found.flaw, found.calls.len())
                    }
                    other => format!(" {other:?}"),
                };
                println!(
                    "| {discipline:?} | {clients} | {} % | {count} | {took:.2}{answer} | {:.0} | {:.0} |",
                    unknown * 100.0,
                    took * 1e6 / count as f64,
                    memory,
                );
            }
        }
    }
}

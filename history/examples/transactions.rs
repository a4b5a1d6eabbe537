//! Writes a long history of transactions over lists or registers that is strictly serializable, in our own format:
//! `cargo run --release -p disprove-history --example transactions -- list-append 1000000 FILE [STALE]`
//!
//! 20 clients, 1 to 4 steps each, ten keys at a time, each of which is replaced by the next after up to 256 writes. With
//! STALE, the last thousand transactions read what was there long before.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufWriter, Write},
};

const CLIENTS: u64 = 20;
const KEYS: u64 = 10;
const WRITES_MAX: u64 = 256;
/// Every event before the time of the last line so many lines ago is written.
const LINES_PER_MARK: u64 = 4096;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// A key in use: its name, how many values it has, and how many it will have.
struct Live {
    key: u64,
    values: u64,
    most: u64,
}

fn fresh(next: &mut u64, dice: &mut Dice) -> Live {
    *next += 1;
    Live { key: *next - 1, values: 0, most: 1 << dice.roll(WRITES_MAX.ilog2() as u64 + 1) }
}

fn shown(vocabulary: &str, values: u64) -> String {
    if vocabulary == "rw-register" {
        return if values == 0 { "null".into() } else { values.to_string() };
    }
    let all: Vec<String> = (1..=values).map(|value| value.to_string()).collect();
    format!("[{}]", all.join(","))
}

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [vocabulary, steps, path, rest @ ..] = arguments.as_slice() else {
        println!("usage: list-append|rw-register STEPS FILE [STALE]");
        return Ok(());
    };
    let steps_max: u64 = steps.parse().expect("STEPS is a number");
    let write = if vocabulary == "rw-register" { "w" } else { "append" };
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "{{\"disprove\":1,\"vocabulary\":\"{vocabulary}\"}}")?;
    let (mut dice, mut next, mut lines, mut marked) = (Dice(1), 0, 0u64, 0);
    let mut live: Vec<Live> = (0..KEYS).map(|_| fresh(&mut next, &mut dice)).collect();
    // What is answered, but not yet told: the time, the call and its answer.
    let mut answers: VecDeque<(u64, u64, String)> = VecDeque::new();
    let (mut steps, mut id, mut time) = (0, 0u64, 0u64);
    while steps < steps_max || !answers.is_empty() {
        time += 10;
        if answers.len() as u64 == CLIENTS || steps >= steps_max {
            let (_, call, answer) = answers.pop_front().expect("a client is busy");
            writeln!(out, "[\"c\",{call},{time},{{\"ok\":{answer}}}]")?;
        } else {
            let is_stale = !rest.is_empty() && steps_max.saturating_sub(steps) < 2_500;
            let (mut call, mut answer) = (Vec::new(), Vec::new());
            for _ in 0..1 + dice.roll(4) {
                // Each key is drawn twice as often as the next one.
                let place = (dice.roll(1 << KEYS) + 1).trailing_zeros().min(KEYS as u32 - 1) as usize;
                let Live { key, values, most } = &mut live[place];
                if dice.roll(2) == 0 {
                    let seen = if is_stale { *values / 2 } else { *values };
                    call.push(format!("{{\"r\":{key}}}"));
                    answer.push(format!("{{\"r\":[{key},{}]}}", shown(vocabulary, seen)));
                } else {
                    *values += 1;
                    call.push(format!("{{\"{write}\":[{key},{values}]}}"));
                    answer.push(format!("{{\"{write}\":[{key},{values}]}}"));
                    if *values == *most {
                        live[place] = fresh(&mut next, &mut dice);
                    }
                }
                steps += 1;
            }
            writeln!(out, "[\"i\",{id},{},0,{time},[{}]]", id % CLIENTS, call.join(","))?;
            answers.push_back((time, id, format!("[{}]", answer.join(","))));
            id += 1;
        }
        lines += 1;
        if lines - marked == LINES_PER_MARK {
            marked = lines;
            writeln!(out, "[\"w\",{},{lines}]", time + 1)?;
        }
    }
    writeln!(out, "[\"e\",{},{lines}]", time + 1)?;
    out.flush()
}

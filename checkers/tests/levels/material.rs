//! Random small histories, and what is left of one when only some operations are kept.

#[path = "../material/dice.rs"]
mod dice;

pub use dice::Dice;
use disprove_checkers::{Anomaly, Relation};
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};

/// What the histories of one round have in common.
#[derive(Clone, Copy)]
pub struct Shape {
    pub operations: u64,
    pub processes: u64,
    pub keys: u64,
    /// How many values are written; 0: all different ones.
    pub values: u64,
    pub cas: u64,
    pub unknown: u64,
    pub failed: u64,
    /// The chance that an answer is made up.
    pub lies: u64,
    pub writes: u64,
    pub initial: u64,
    pub spread: u64,
}

pub fn shape(dice: &mut Dice) -> Shape {
    Shape {
        operations: 3 + dice.roll(6),
        processes: 2 + dice.roll(3),
        keys: 1 + dice.roll(3),
        values: [0, 0, 0, 2, 3][dice.roll(5) as usize],
        cas: [0, 0, 20, 60][dice.roll(4) as usize],
        unknown: [0, 0, 10, 30][dice.roll(4) as usize],
        failed: [0, 0, 15][dice.roll(3) as usize],
        lies: [0, 10, 25, 50][dice.roll(4) as usize],
        writes: [30, 45, 60][dice.roll(3) as usize],
        initial: u64::from(dice.roll(8) == 0),
        spread: 1 + dice.roll(6),
    }
}

pub fn value(number: u64) -> Value {
    if number == 0 { Value::Nil } else { Value::Int(number as i64) }
}

pub fn key(slot: usize) -> Value {
    Value::from(["x", "y", "z"][slot])
}

struct Draft {
    process: u32,
    began: u64,
    ended: Option<u64>,
    call: Call,
    outcome: Outcome<Return>,
}

/// Calls take effect on true registers one after the other; some answers are then replaced by made up ones.
pub fn generate(dice: &mut Dice, shape: Shape) -> History<Register> {
    let mut state = [shape.initial; 3];
    let mut there = [(); 3].map(|()| vec![shape.initial]);
    let mut free: Vec<(u32, u64)> = (0..shape.processes as u32).map(|process| (process, 0)).collect();
    let (mut point, mut names, mut drafts) = (0, shape.processes as u32, Vec::new());
    for unique in 0..shape.operations {
        let lane = dice.roll(shape.processes) as usize;
        let (process, since) = free[lane];
        point = (point + dice.roll(3)).max(since + 1);
        let began = point.saturating_sub(dice.roll(shape.spread)).max(since + 1);
        let ended = point + dice.roll(shape.spread);
        let slot = dice.roll(shape.keys) as usize;
        let now = state[slot];
        // Mostly what was really there once, so that few lies are plain garbage.
        let any = |dice: &mut Dice| match dice.percent(15) {
            true => dice.roll(1 + if shape.values > 0 { shape.values } else { shape.operations + 1 }),
            false => there[slot][dice.roll(there[slot].len() as u64) as usize],
        };
        let to = match shape.values {
            0 => unique + 2,
            values => (1 + dice.roll(values)) * u64::from(!dice.percent(5)),
        };
        let lie = dice.percent(shape.lies);
        let (call, answer, effect) = if dice.percent(shape.cas) {
            let from = if dice.percent(60) { now } else { any(dice) };
            let fits = (from == now) != lie;
            let answer = if fits { Return::Swapped } else { Return::Refused };
            (Call::Cas(key(slot), value(from), value(to)), answer, (from == now).then_some(to))
        } else if dice.percent(shape.writes) {
            (Call::Write(key(slot), value(to)), Return::Written, Some(to))
        } else {
            let seen = value(if lie { any(dice) } else { now });
            (Call::Read(key(slot)), Return::Value((!dice.percent(4)).then_some(seen)), None)
        };
        let (failed, unknown) = (dice.percent(shape.failed), dice.percent(shape.unknown));
        if let Some(to) = effect.filter(|_| !(failed || unknown && dice.percent(50))) {
            state[slot] = to;
            there[slot].push(to);
        }
        let outcome = match (failed, unknown) {
            (true, _) => Outcome::Fail("refused".into()),
            (_, true) => Outcome::Unknown("timeout".into()),
            _ => Outcome::Ok(answer),
        };
        free[lane] = (process, ended);
        if unknown {
            free[lane] = (names, ended);
            names += 1;
        }
        drafts.push(Draft { process, began, ended: Some(ended), call, outcome });
    }
    collect(value(shape.initial), drafts)
}

fn collect(initial: Value, mut drafts: Vec<Draft>) -> History<Register> {
    drafts.sort_by_key(|draft| (draft.began, draft.process));
    let operations = (0u32..).zip(drafts).map(|(i, draft)| Operation {
        index: OpIndex(i),
        process: Process(draft.process),
        node: NodeId(0),
        call: draft.call,
        outcome: draft.outcome,
        began: Nanos(draft.began),
        ended: draft.ended.map(Nanos),
    });
    let operations = operations.collect();
    History {
        header: Header { initial, ..Header::new("register") },
        operations,
        faults: Vec::new(),
        damage: None,
    }
}

/// A history from lines such as `p0 0 10 w x 1`: as [`history`], with the times at which the call began and ended.
pub fn timed(text: &str) -> History<Register> {
    let mut drafts = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let time = |place: usize| words[place].parse().expect("a time");
        let rest = [&words[..1], &words[3..]].concat().join(" ");
        drafts.push(Draft { began: time(1), ended: Some(time(2)), ..draft(&rest) });
    }
    collect(Value::Nil, drafts)
}

/// A history from lines such as `p0 w x 1`, `p1 r x 1`, `p1 c x 1 2`, `p1 d x 3` (refused), each line later than the one
/// before it. A `?` behind a line is an unknown outcome; `-` stands for nil.
pub fn history(text: &str) -> History<Register> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).zip((0..).step_by(10));
    let drafts = lines.map(|(line, at)| Draft { began: at, ended: Some(at + 5), ..draft(line) });
    collect(Value::Nil, drafts.collect())
}

fn draft(line: &str) -> Draft {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |place: usize| match words[place] {
        "-" => Value::Nil,
        word => Value::Int(word.parse().expect("a number")),
    };
    let key = Value::from(words[2]);
    let (call, answer) = match words[1] {
        "w" => (Call::Write(key, number(3)), Return::Written),
        "r" => (Call::Read(key), Return::Value(Some(number(3)))),
        "c" => (Call::Cas(key, number(3), number(4)), Return::Swapped),
        "d" => (Call::Cas(key, number(3), Value::Int(-1)), Return::Refused),
        other => panic!("no call is named {other}"),
    };
    let unknown = words.last() == Some(&"?");
    let outcome = if unknown { Outcome::Unknown("timeout".into()) } else { Outcome::Ok(answer) };
    Draft { process: words[0][1..].parse().expect("a process"), began: 0, ended: None, call, outcome }
}

pub fn show(history: &History<Register>) -> String {
    let lines = history.operations.iter().map(|operation| {
        let (began, ended) = (operation.began.0, operation.ended.map(|end| end.0));
        format!(
            "\n  {} {} {began}..{ended:?} {:?} {:?}",
            operation.index, operation.process, operation.call, operation.outcome
        )
    });
    format!("initially {}{}", history.header.initial, lines.collect::<String>())
}

/// Only these operations; every other write may have happened at any time after it began, or never.
pub fn keep(history: &History<Register>, kept: &[OpIndex]) -> History<Register> {
    let mut operations = Vec::new();
    for operation in &history.operations {
        let mut operation = operation.clone();
        if !kept.contains(&operation.index) {
            let refused = operation.outcome.ok() == Some(&Return::Refused);
            let written = match (&operation.call, &operation.outcome) {
                (_, Outcome::Fail(_)) | (Call::Read(_), _) => continue,
                (Call::Cas(..), _) if refused => continue,
                (Call::Write(key, to) | Call::Cas(key, _, to), _) => Call::Write(key.clone(), to.clone()),
            };
            operation.call = written;
            operation.process = Process(1_000 + operation.index.0);
            operation.outcome = Outcome::Unknown("dropped".into());
        }
        operation.index = OpIndex(operations.len() as u32);
        operations.push(operation);
    }
    History { header: history.header.clone(), operations, faults: Vec::new(), damage: None }
}

/// Whether the cycle of an anomaly is one, of operations in its witness, each link of which is what it says.
pub fn is_cycle(history: &History<Register>, anomaly: &Anomaly) -> bool {
    let links = &anomaly.cycle;
    let at = |index: OpIndex| &history.operations[index.0 as usize];
    let closes = (0..links.len()).all(|i| links[i].to == links[(i + 1) % links.len()].from);
    closes
        && links.iter().all(|link| {
            let (from, to) = (at(link.from), at(link.to));
            anomaly.witness.contains(&link.from)
                && link.because.contains(&link.from.to_string())
                && match link.relation {
                    Relation::Process => from.process == to.process && from.index < to.index,
                    Relation::Realtime => from.ended < Some(to.began),
                    Relation::Wr | Relation::Ww | Relation::Rw => from.call.key() == to.call.key(),
                    Relation::PredicateRw => false,
                }
        })
}

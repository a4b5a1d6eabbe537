//! Small random histories: some of them simulated with small mistakes, some without any sense.

#[path = "../material/dice.rs"]
mod dice;

use dice::Dice;
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, RwRegister, Value,
    vocabulary::rw_register::{Answer, Step},
};

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Ok,
    Failed,
    Unknown,
}

/// What is decided about a history before its reads.
struct Plan {
    keys: u64,
    /// In percent: reads that return any value of the key; of the others, reads that return an older version.
    wild: u64,
    stale: u64,
    fate: u64,
    /// Whether a transaction writes what it read.
    updates: u64,
}

/// The history of a seed.
pub fn history(seed: u64) -> History<RwRegister> {
    let mut dice = Dice(seed.wrapping_mul(0x0100_0000_01b3));
    let count = 2 + dice.roll(5);
    let sessions = 1 + dice.roll(4);
    let plan = Plan {
        keys: 1 + dice.roll(3),
        wild: [0, 5, 40, 100][dice.roll(4) as usize],
        stale: [0, 20, 40, 70][dice.roll(4) as usize],
        fate: [0, 10, 30][dice.roll(3) as usize],
        updates: [0, 30, 70][dice.roll(3) as usize],
    };
    let mut shapes = Vec::new();
    let mut value = 0;
    for _ in 0..count {
        shapes.push(shape(&mut dice, &plan, &mut value));
    }
    let fates: Vec<Fate> = (0..count)
        .map(|_| match dice.roll(100) {
            roll if roll < plan.fate => Fate::Unknown,
            roll if roll < plan.fate * 3 / 2 => Fate::Failed,
            _ => Fate::Ok,
        })
        .collect();
    let mut times = 0u64;
    let mut ends = vec![0u64; sessions as usize];
    let mut operations = Vec::new();
    for (place, steps) in shapes.iter().enumerate() {
        let process = dice.roll(sessions) as usize;
        times += dice.roll(3);
        let began = times.max(ends[process]);
        let ended = began + dice.roll(7);
        ends[process] = ended;
        times = began;
        let answers = answer(&mut dice, &plan, &shapes, &fates, place);
        operations.push(Operation {
            index: OpIndex(place as u32),
            process: Process(process as u32),
            node: NodeId(0),
            call: steps.clone(),
            outcome: match fates[place] {
                Fate::Ok => Outcome::Ok(answers),
                Fate::Failed => Outcome::Fail("refused".into()),
                Fate::Unknown => Outcome::Unknown("lost".into()),
            },
            began: Nanos(began),
            ended: Some(Nanos(ended)),
        });
    }
    operations.sort_by_key(|operation| (operation.began, operation.index));
    for (place, operation) in operations.iter_mut().enumerate() {
        operation.index = OpIndex(place as u32);
    }
    let mut header = Header::new("rw-register");
    header.initial = Value::Int(0);
    History { header, operations, faults: Vec::new(), damage: None }
}

fn shape(dice: &mut Dice, plan: &Plan, value: &mut i64) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut write = |key: i64| {
        *value += 1;
        Step::Write(Value::Int(key), Value::Int(*value))
    };
    for _ in 0..1 + dice.roll(3) {
        let key = dice.roll(plan.keys) as i64;
        if dice.percent(plan.updates) {
            steps.extend([Step::Read(Value::Int(key)), write(key)]);
        } else if dice.percent(50) {
            steps.push(Step::Read(Value::Int(key)));
        } else {
            steps.push(write(key));
        }
    }
    steps
}

/// Answers a transaction as a serial database would, with mistakes.
fn answer(dice: &mut Dice, plan: &Plan, shapes: &[Vec<Step>], fates: &[Fate], place: usize) -> Vec<Answer> {
    // With this chance the transaction reads an older state as a whole.
    let horizon = if dice.percent(plan.stale) { dice.roll(place as u64 + 1) as usize } else { place };
    let mut own: Vec<(Value, Value)> = Vec::new();
    let mut answers = Vec::new();
    for step in &shapes[place] {
        let key = match step {
            Step::Write(key, value) => {
                own.push((key.clone(), value.clone()));
                answers.push(Answer::Write(key.clone(), value.clone()));
                continue;
            }
            Step::Read(key) => key,
        };
        let writes = |steps: &[Step]| -> Vec<Value> {
            let of_key = steps.iter().filter_map(|step| match step {
                Step::Write(written, value) if written == key => Some(value.clone()),
                _ => None,
            });
            of_key.collect()
        };
        let mine = own.iter().rev().find(|(written, _)| written == key).map(|(_, value)| value.clone());
        let read = if dice.percent(plan.wild) {
            let mut all: Vec<Value> = shapes.iter().filter_map(|steps| writes(steps).pop()).collect();
            if dice.percent(10) {
                all = shapes.iter().flat_map(|steps| writes(steps)).collect();
            }
            all.push(Value::Int(0));
            if dice.percent(1) {
                all = vec![Value::Int(999)];
            }
            all[dice.roll(all.len() as u64) as usize].clone()
        } else if let Some(mine) = mine {
            mine
        } else {
            let committed = (0..horizon).rev().filter(|&other| match fates[other] {
                Fate::Ok => true,
                Fate::Failed => false,
                Fate::Unknown => other % 2 == 0,
            });
            let back = if dice.percent(plan.stale / 4) { dice.roll(3) as usize } else { 0 };
            let mut versions = committed.filter_map(|other| writes(&shapes[other]).pop());
            versions.nth(back).unwrap_or(Value::Int(0))
        };
        let known = !dice.percent(2);
        answers.push(Answer::Read(key.clone(), known.then_some(read)));
    }
    answers
}

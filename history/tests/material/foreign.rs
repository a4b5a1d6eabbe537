//! Transactions of sessions, written in every format that holds them without times.

use std::fmt::Write as _;

use disprove_history::{
    History, Outcome, Process, Value,
    vocabulary::{
        RwRegister,
        rw_register::{Answer, Step},
    },
};

use super::random::Random;

/// A transaction: whether it committed, and its steps (whether it writes, the key, the value; 0 is what was there first).
#[derive(Clone, Debug)]
pub struct Transaction {
    pub committed: bool,
    pub steps: Vec<(bool, i64, i64)>,
}

/// The transactions of each session.
pub type Sessions = Vec<Vec<Transaction>>;

/// Sessions at random. No session has two aborted transactions one after the other, which Plume's text cannot tell apart.
pub fn sessions(random: &mut Random, aborts: bool) -> Sessions {
    let mut next = 0;
    let mut session = |random: &mut Random| {
        let mut transactions: Vec<Transaction> = Vec::new();
        for _ in 0..random.below(6) {
            let may_abort = aborts && transactions.last().is_none_or(|last| last.committed);
            let mut step = || {
                let (writes, key) = (random.below(2) == 0, random.below(5) as i64);
                next += i64::from(writes);
                (writes, key, if writes { next } else { random.below(1 + next as usize) as i64 })
            };
            let steps = [step(), step(), step()];
            let steps = steps[..1 + random.below(3)].to_vec();
            transactions.push(Transaction { committed: !may_abort || random.below(4) > 0, steps });
        }
        transactions
    };
    (0..1 + random.below(4)).map(|_| session(random)).collect()
}

/// One transaction as it is read: the session, the outcome, what was asked, what was answered.
pub type Read = (Process, &'static str, Vec<Step>, Option<Vec<Answer>>);

/// What reading the sessions must give, session by session, where a read of nothing gives `initial`.
pub fn expected(sessions: &Sessions, initial: &Value) -> Vec<Read> {
    let mut read = Vec::new();
    for (session, transactions) in sessions.iter().enumerate() {
        for transaction in transactions {
            let answers: Vec<Answer> = transaction
                .steps
                .iter()
                .map(|(writes, key, value)| match (writes, value) {
                    (true, value) => Answer::Write(Value::Int(*key), Value::Int(*value)),
                    (false, 0) => Answer::Read(Value::Int(*key), Some(initial.clone())),
                    (false, value) => Answer::Read(Value::Int(*key), Some(Value::Int(*value))),
                })
                .collect();
            let step = |answer: &Answer| match answer {
                Answer::Read(key, _) => Step::Read(key.clone()),
                Answer::Write(key, value) => Step::Write(key.clone(), value.clone()),
            };
            let asked = answers.iter().map(step).collect();
            let (kind, answers) = if transaction.committed { ("ok", Some(answers)) } else { ("fail", None) };
            read.push((Process(session as u32), kind, asked, answers));
        }
    }
    read
}

/// A history as [`expected`] says it.
pub fn read(history: &History<RwRegister>) -> Vec<Read> {
    let mut read: Vec<Read> = history
        .operations
        .iter()
        .map(|operation| {
            let answers = match &operation.outcome {
                Outcome::Ok(answers) => Some(answers.clone()),
                _ => None,
            };
            (operation.process, operation.outcome.kind(), operation.call.clone(), answers)
        })
        .collect();
    read.sort_by_key(|(process, ..)| *process);
    read
}

/// Plume's text, the sessions in turns.
pub fn plume(sessions: &Sessions) -> Vec<u8> {
    let mut text = String::new();
    let mut id = 0;
    for turn in 0..sessions.iter().map(Vec::len).max().unwrap_or_default() {
        for (session, transactions) in sessions.iter().enumerate() {
            let Some(transaction) = transactions.get(turn) else { continue };
            id += 1;
            let id = if transaction.committed { id } else { -1 };
            for (writes, key, value) in &transaction.steps {
                writeln!(text, "{}({key},{value},{session},{id})", if *writes { "w" } else { "r" }).unwrap();
            }
        }
    }
    text.into_bytes()
}

/// AWDIT's text. It knows no aborted transactions.
pub fn awdit(sessions: &Sessions) -> Vec<u8> {
    let transaction = |transaction: &Transaction| {
        let line = |(writes, key, value): &(bool, i64, i64)| {
            format!("{} {key} {value}\n", if *writes { "w" } else { "r" })
        };
        transaction.steps.iter().map(line).collect::<String>()
    };
    let session =
        |session: &Vec<Transaction>| session.iter().map(transaction).collect::<Vec<_>>().join("-----\n");
    sessions.iter().map(session).collect::<Vec<_>>().join("=====\n").into_bytes()
}

/// dbcop's binary format.
pub fn dbcop_binary(sessions: &Sessions) -> Vec<u8> {
    let mut bytes = Vec::new();
    let number = |bytes: &mut Vec<u8>, number: usize| bytes.extend((number as u64).to_le_bytes());
    for parameter in [0, sessions.len(), 5, 6, 3] {
        number(&mut bytes, parameter);
    }
    for text in ["made by a test", "2026-01-02T03:04:05+00:00", "2026-01-02T03:04:06+00:00"] {
        number(&mut bytes, text.len());
        bytes.extend(text.as_bytes());
    }
    number(&mut bytes, sessions.len());
    for session in sessions {
        number(&mut bytes, session.len());
        for transaction in session {
            // One event more, which failed.
            number(&mut bytes, transaction.steps.len() + 1);
            for (place, (writes, key, value)) in [(true, 1, 99)].iter().chain(&transaction.steps).enumerate()
            {
                bytes.push(u8::from(*writes));
                number(&mut bytes, *key as usize);
                number(&mut bytes, *value as usize);
                bytes.push(u8::from(place > 0));
            }
            bytes.push(u8::from(transaction.committed));
        }
    }
    bytes
}

/// dbcop's JSON, with its compact events or the others.
pub fn dbcop_json(sessions: &Sessions, compact: bool) -> Vec<u8> {
    let event = |(writes, key, value): &(bool, i64, i64)| {
        let version = if !*writes && *value == 0 { "null".into() } else { value.to_string() };
        match (compact, writes) {
            (true, _) => format!("[\"{}\",{key},{version}]", if *writes { "w" } else { "r" }),
            (_, true) => format!("{{\"Write\":{{\"variable\":{key},\"version\":{version}}}}}"),
            (_, false) => format!("{{\"Read\":{{\"variable\":{key},\"version\":{version}}}}}"),
        }
    };
    let transaction = |transaction: &Transaction| {
        let events: Vec<String> = transaction.steps.iter().map(event).collect();
        format!("{{\"events\":[{}],\"committed\":{}}}", events.join(","), transaction.committed)
    };
    let session = |session: &Vec<Transaction>| {
        format!("[{}]", session.iter().map(transaction).collect::<Vec<_>>().join(","))
    };
    let data: Vec<String> = sessions.iter().map(session).collect();
    format!("{{\"params\":{{\"id\":1}},\n\"info\":\"made\",\n\"data\":[{}]}}", data.join(",\n")).into_bytes()
}

/// dbcop's text.
pub fn dbcop_text(sessions: &Sessions) -> Vec<u8> {
    let event = |(writes, key, value): &(bool, i64, i64)| match (writes, value) {
        (true, _) => format!("{key}:={value}"),
        (false, 0) => format!("{key}==?"),
        (false, _) => format!("{key}=={value}"),
    };
    let transaction = |transaction: &Transaction| {
        let events: Vec<String> = transaction.steps.iter().map(event).collect();
        format!("[{}]{}\n", events.join(" "), if transaction.committed { "" } else { "!" })
    };
    let session = |session: &Vec<Transaction>| session.iter().map(transaction).collect::<String>();
    let sessions: Vec<String> = sessions.iter().map(session).collect();
    format!("// made by a test\n{}", sessions.join("---\n")).into_bytes()
}

/// Cobra's logs, one per session. The value becomes the version.
pub fn cobra(sessions: &Sessions) -> Vec<Vec<u8>> {
    let mut writers = std::collections::BTreeMap::new();
    for (session, transactions) in sessions.iter().enumerate() {
        for (place, transaction) in transactions.iter().enumerate() {
            for (_, key, value) in transaction.steps.iter().filter(|(writes, ..)| *writes) {
                writers.insert((*key, *value), (session * 1000 + place) as i64);
            }
        }
    }
    let log = |(session, transactions): (usize, &Vec<Transaction>)| {
        let mut log = Vec::new();
        let record = |log: &mut Vec<u8>, kind: u8, numbers: &[i64]| {
            log.push(kind);
            log.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        };
        for (place, transaction) in transactions.iter().enumerate() {
            let id = (session * 1000 + place) as i64;
            record(&mut log, b'S', &[id]);
            for (writes, key, value) in &transaction.steps {
                let writer = writers.get(&(*key, *value)).copied().unwrap_or(77);
                match (writes, value) {
                    (true, _) => record(&mut log, b'W', &[*value, *key, 5]),
                    (false, 0) => record(&mut log, b'R', &[0xbebe_ebee, 0xbebe_ebee, *key, 0]),
                    (false, _) => record(&mut log, b'R', &[writer, *value, *key, 5]),
                }
            }
            if transaction.committed { record(&mut log, b'C', &[id]) } else { log.push(b'A') }
        }
        log
    };
    sessions.iter().enumerate().map(log).collect()
}

/// Viper's files, one per session. They know no aborted transactions.
pub fn viper(sessions: &Sessions) -> Vec<Vec<u8>> {
    let step = |(writes, key, value): &(bool, i64, i64)| match (writes, value) {
        (true, _) => format!("[\"w\", {key}, {value}, true]"),
        (false, 0) => format!("[\"r\", {key}, null, true]"),
        (false, _) => format!("[\"r\", {key}, {value}, true]"),
    };
    let line = |transaction: &Transaction| {
        let steps: Vec<String> = transaction.steps.iter().map(step).collect();
        format!("{{\"value\": [{}]}}\n", steps.join(", "))
    };
    sessions.iter().map(|session| session.iter().map(line).collect::<String>().into_bytes()).collect()
}

/// TimeKiller's JSON. It knows no aborted transactions.
pub fn timekiller(sessions: &Sessions) -> Vec<u8> {
    let mut objects = Vec::new();
    let mut id = 0;
    for (session, transactions) in sessions.iter().enumerate() {
        for transaction in transactions {
            let operation = |(writes, key, value): &(bool, i64, i64)| match (writes, value) {
                (true, _) => format!("{{\"t\":\"W\",\"k\":{key},\"v\":{value}}}"),
                (false, 0) => format!("{{\"t\":\"r\",\"k\":{key}}}"),
                (false, _) => format!("{{\"t\":\"read\",\"k\":{key},\"v\":{value}}}"),
            };
            let operations: Vec<String> = transaction.steps.iter().map(operation).collect();
            objects.push(format!(
                "{{\"tid\":{id},\"sid\":{session},\"sts\":{{\"p\":\"{}\",\"l\":1}},\"cts\":{{\"p\":{},\"l\":0}},\"ops\":[{}]}}",
                100 + 10 * id,
                105 + 10 * id,
                operations.join(",")
            ));
            id += 1;
        }
    }
    format!("[{}]", objects.join(",\n")).into_bytes()
}

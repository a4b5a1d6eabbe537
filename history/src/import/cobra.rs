//! Cobra's logs: a folder with one binary file per session, `T0.log`, `T1.log`, …; big endian.
//!
//! `S` transaction, `C` transaction, `A` alone, `W` version key value, `R` writer version key value. The version, which the
//! clients made unique, is the value here; what the database held is only known by its hash.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustc_hash::FxHashMap;

use super::{
    lines::whole,
    sessions::{Fate, Sessions, taken},
};
use crate::{
    Header, History, Process, ReadError, Value,
    vocabulary::{RwRegister, rw_register::Answer},
};

/// The transaction, and the versions, that stand for what was there before the first write.
const INITIAL: [i64; 2] = [0xbebe_ebee, 0xdead_beef];

/// The versions that the garbage collection of Cobra's clients writes, outside of every log.
const COLLECTED: [i64; 2] = [0x2333_2333, 0x6666_6666];

/// The files of a folder named by a letter and a number, in the order of their numbers. A number has one form, so that no
/// two files are one session.
pub(super) fn numbered_logs(folder: &Path, letter: char) -> io::Result<Vec<(u32, PathBuf)>> {
    let mut logs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(letter)?.strip_suffix(".log"));
        if let Some((number, name)) = number.and_then(|name| Some((name.parse::<u32>().ok()?, name)))
            && number.to_string() == name
        {
            logs.push((number, entry.path()));
        }
    }
    logs.sort();
    Ok(logs)
}

/// True when a file begins as such a log does.
pub(super) fn begins(head: &[u8]) -> bool {
    head.first() == Some(&b'S') && matches!(head.get(9), Some(b'W' | b'R' | b'C' | b'A')) && head.contains(&0)
}

/// One record of a log.
#[derive(Clone, Copy, Debug)]
enum Record {
    Start(i64),
    Commit(i64),
    Abort,
    Write { version: i64, key: i64 },
    Read { writer: i64, version: i64, key: i64 },
}

/// The records of one file.
struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Records<'_> {
    fn numbers<const COUNT: usize>(&mut self) -> Result<[i64; COUNT], String> {
        let end = self.at + 8 * COUNT;
        let Some(bytes) = self.bytes.get(self.at..end) else {
            return Err("is where the file ends, in the middle of a record".into());
        };
        let mut numbers = [0; COUNT];
        for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(8)) {
            let mut eight = [0; 8];
            eight.copy_from_slice(bytes);
            *number = i64::from_be_bytes(eight);
        }
        self.at = end;
        Ok(numbers)
    }

    fn next(&mut self) -> Result<Option<Record>, String> {
        let Some(kind) = self.bytes.get(self.at) else { return Ok(None) };
        self.at += 1;
        Ok(Some(match kind {
            b'S' => Record::Start(self.numbers::<1>()?[0]),
            b'C' => Record::Commit(self.numbers::<1>()?[0]),
            b'A' => Record::Abort,
            b'W' => {
                let [version, key, _] = self.numbers()?;
                Record::Write { version, key }
            }
            b'R' => {
                let [writer, version, key, _] = self.numbers()?;
                Record::Read { writer, version, key }
            }
            other => {
                self.at -= 1;
                return Err(format!("begins no record: it is {other:#04x} and none of S, C, A, W, R"));
            }
        }))
    }
}

/// Which transaction wrote each version of each key first.
type Writers = FxHashMap<(i64, i64), i64>;

/// A version as a value that tells it from every other. Where two transactions wrote the same version of a key, all but the
/// first are told apart by their names.
fn value(writers: &Writers, key: i64, version: i64, writer: i64) -> Value {
    match writers.get(&(key, version)) {
        Some(first) if *first != writer => Value::shared_text(&format!("{version} of transaction {writer}")),
        _ => Value::Int(version),
    }
}

/// Reads a folder of logs, or one log.
pub(super) fn read(path: &Path, header: &Header) -> Result<History<RwRegister>, ReadError> {
    let io = |source| ReadError::Io { path: path.into(), source };
    let logs = if path.is_dir() { numbered_logs(path, 'T').map_err(io)? } else { vec![(0, path.into())] };
    let mut files = Vec::with_capacity(logs.len());
    for (number, log) in logs {
        files.push((number, whole(&log)?, log));
    }
    if files.iter().all(|(_, bytes, _)| bytes.is_empty()) {
        return Err(ReadError::Empty { path: path.into() });
    }
    let mut writers = Writers::default();
    for (_, bytes, log) in &files {
        each_record(bytes, log, |record, open| {
            if let Record::Write { version, key } = record {
                writers.entry((key, version)).or_insert(open);
            }
            Ok(())
        })?;
    }
    let mut sessions = Sessions::new();
    for (number, bytes, log) in &files {
        read_log(bytes, log, Process(*number), &writers, header, &mut sessions)?;
    }
    Ok(sessions.finish(header))
}

/// Hands out every record with the transaction it belongs to.
fn each_record(
    bytes: &[u8],
    log: &Path,
    mut take: impl FnMut(Record, i64) -> Result<(), String>,
) -> Result<(), ReadError> {
    let mut records = Records { bytes, at: 0 };
    let mut open = None;
    loop {
        let start = records.at;
        let wrong = |at: usize, what| ReadError::Offset { path: log.into(), byte: at as u64, what };
        let record = match records.next() {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(()),
            Err(what) => return Err(wrong(records.at, what)),
        };
        let owner = match record {
            Record::Start(transaction) => Some(transaction),
            _ => open,
        };
        let outside = || "is a record outside of a transaction".to_owned();
        let done = owner.ok_or_else(outside).and_then(|owner| take(record, owner));
        done.map_err(|what| wrong(start, what))?;
        open = if matches!(record, Record::Commit(_) | Record::Abort) { None } else { owner };
    }
}

fn read_log(
    bytes: &[u8],
    log: &Path,
    process: Process,
    writers: &Writers,
    header: &Header,
    sessions: &mut Sessions<RwRegister>,
) -> Result<(), ReadError> {
    let mut steps: Vec<Answer> = Vec::new();
    let mut end = |steps: &mut Vec<Answer>, fate| sessions.push(process, fate, taken(steps)).map(drop);
    each_record(bytes, log, |record, transaction| {
        match record {
            // A client that died within a transaction may have gone on with the next one.
            Record::Start(_) => end(&mut steps, Fate::Open)?,
            Record::Commit(committed) if committed != transaction => {
                return Err(format!("commits transaction {committed} within transaction {transaction}"));
            }
            Record::Commit(_) => end(&mut steps, Fate::Committed)?,
            Record::Abort => end(&mut steps, Fate::Aborted)?,
            Record::Write { version, key } => {
                let value = value(writers, key, version, transaction);
                steps.push(Answer::Write(Value::Int(key), value));
            }
            Record::Read { writer, version, key } => {
                let value = if COLLECTED.contains(&version) {
                    None
                } else if INITIAL.contains(&writer) && INITIAL.contains(&version) {
                    Some(header.initial.clone())
                } else if INITIAL.contains(&writer) {
                    return Err(format!("reads version {version} of what was there before the first write"));
                } else {
                    Some(value(writers, key, version, writer))
                };
                steps.push(Answer::Read(Value::Int(key), value));
            }
        }
        Ok(())
    })?;
    let rest = end(&mut steps, Fate::Open);
    rest.map_err(|what| ReadError::Offset { path: log.into(), byte: bytes.len() as u64, what })
}

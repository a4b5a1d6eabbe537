//! dbcop's first format: `history.bincode`, little endian.
//!
//! Five numbers, three texts (their length first), then the sessions: a count, and for each its transactions: a count, and
//! for each its events (a count, and for each 1 for a write, the key, the value, 1 if it succeeded) and 1 if it committed.

use std::path::Path;

use super::super::{
    lines::whole,
    sessions::{Fate, Sessions, register_step},
};
use crate::{
    Header, History, Process, ReadError, Value,
    vocabulary::{RwRegister, rw_register::Answer},
};

/// How many bytes an event has.
const EVENT_BYTES: u64 = 18;

/// The least bytes of a transaction and of a session.
const TRANSACTION_BYTES_MIN: u64 = 9;
const SESSION_BYTES_MIN: u64 = 8;

/// A longer text in the head is none.
const TEXT_BYTES_MAX: u64 = 1 << 16;

/// What is wrong, in words that fit "byte 3 …".
type Wrong = &'static str;

/// The bytes that are left.
struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], Wrong> {
        let rest = &self.all[self.at..];
        let count = usize::try_from(count).ok().filter(|count| *count <= rest.len());
        let count = count.ok_or("is where the file ends, in the middle of what was announced")?;
        self.at += count;
        Ok(&rest[..count])
    }

    fn number(&mut self) -> Result<u64, Wrong> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(bytes))
    }

    /// A count of things of at least so many bytes each, which must fit into what is left.
    fn count(&mut self, bytes_min: u64) -> Result<u64, Wrong> {
        let count = self.number()?;
        let left = (self.all.len() - self.at) as u64;
        if count > left / bytes_min { Err("announces more than the file has room for") } else { Ok(count) }
    }

    fn truth(&mut self) -> Result<bool, Wrong> {
        match self.take(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err("is neither 0 nor 1, where only they mean something"),
        }
    }

    fn value(&mut self) -> Result<Value, Wrong> {
        let number = self.number()?;
        Ok(i64::try_from(number).map_or_else(|_| Value::shared_text(&number.to_string()), Value::Int))
    }

    /// The numbers and texts before the sessions.
    fn head(&mut self) -> Result<(), Wrong> {
        for _ in 0..5 {
            self.number()?;
        }
        for _ in 0..3 {
            let length = self.number()?;
            if length > TEXT_BYTES_MAX {
                return Err("announces a text longer than the head of a history has");
            }
            if std::str::from_utf8(self.take(length)?).is_err() {
                return Err("ends a text that is not UTF-8");
            }
        }
        Ok(())
    }
}

/// True when a file begins as this format does.
pub(in crate::import) fn begins(head: &[u8]) -> bool {
    // The numbers of the head are counts, far below what text would be as a number.
    let is_small = |number: &[u8]| number[5..] == [0; 3];
    head.len() >= 64 && head[..48].chunks(8).all(is_small) && (Bytes { all: head, at: 0 }).head().is_ok()
}

/// Reads a whole file.
pub(in crate::import) fn read(path: &Path, header: &Header) -> Result<History<RwRegister>, ReadError> {
    let all = whole(path)?;
    if all.is_empty() {
        return Err(ReadError::Empty { path: path.into() });
    }
    let mut bytes = Bytes { all: &all, at: 0 };
    let mut sessions = Sessions::new();
    match read_sessions(&mut bytes, &mut sessions) {
        Ok(()) if bytes.at == all.len() => Ok(sessions.finish(header)),
        Ok(()) => {
            let what = "is where the history ends, but the file goes on".to_owned();
            Err(ReadError::Offset { path: path.into(), byte: bytes.at as u64, what })
        }
        Err(what) => Err(ReadError::Offset { path: path.into(), byte: bytes.at as u64, what }),
    }
}

fn read_sessions(bytes: &mut Bytes<'_>, sessions: &mut Sessions<RwRegister>) -> Result<(), String> {
    bytes.head()?;
    for session in 0..bytes.count(SESSION_BYTES_MIN)? {
        let process = Process(u32::try_from(session).map_err(|_| "begins one session too many")?);
        for _ in 0..bytes.count(TRANSACTION_BYTES_MIN)? {
            let count = bytes.count(EVENT_BYTES)?;
            let mut steps: Vec<Answer> = Vec::with_capacity(count as usize);
            for _ in 0..count {
                let writes = bytes.truth()?;
                let (key, value) = (bytes.value()?, bytes.value()?);
                // An event that failed is no event.
                if bytes.truth()? {
                    steps.push(register_step(writes, key, value));
                }
            }
            let fate = if bytes.truth()? { Fate::Committed } else { Fate::Aborted };
            sessions.push(process, fate, steps)?;
        }
    }
    Ok(())
}

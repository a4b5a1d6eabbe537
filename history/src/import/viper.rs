//! Viper's JSON: a file per session (`J0.log`, `J1.log`, … in a folder), in it objects
//! `{"value": [["w", key, value, true], ["r", key, value, true]]}`, one after the other or in one list.
//!
//! A write with `false` behind it did not take place. Range queries and deletions are not reads and writes of one key and
//! are refused by name.

use std::path::Path;

use super::{
    cobra::numbered_logs,
    objects::{each_object, member},
    sessions::{Fate, Sessions},
    tape::View,
};
use crate::{
    Header, History, Process, ReadError, Value,
    vocabulary::{RwRegister, rw_register::Answer},
};

/// Reads a folder of files, or one file.
pub(super) fn read(path: &Path, header: &Header) -> Result<History<RwRegister>, ReadError> {
    let io = |source| ReadError::Io { path: path.into(), source };
    let files = if path.is_dir() { numbered_logs(path, 'J').map_err(io)? } else { vec![(0, path.into())] };
    let mut sessions = Sessions::new();
    for (number, file) in files {
        each_object(&file, |object| {
            let steps = member(object, "value").filter(View::is_collection);
            let steps = steps.ok_or("is no transaction: it has no list of steps in \"value\"")?;
            let mut answers = Vec::with_capacity(steps.elements().count());
            for step in steps.elements() {
                answers.extend(parse(step, &header.initial)?);
            }
            sessions.push(Process(number), Fate::Committed, answers).map(drop)
        })?;
    }
    if sessions.len() == 0 {
        return Err(ReadError::Empty { path: path.into() });
    }
    Ok(sessions.finish(header))
}

/// A step; `None` for one that did not take place.
fn parse(step: View<'_>, initial: &Value) -> Result<Option<Answer>, String> {
    let mut parts = step.elements();
    let (Some(f), Some(key), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("has a step that is not [f, key, value, …]".into());
    };
    let took_place = parts.next().is_none_or(|flag| flag.name() != Some(b"false"));
    match f.name() {
        Some(b"r") => {
            let nothing = value.is_nil() || value.name() == Some(b"nil");
            let value = if nothing { initial.clone() } else { value.value() };
            Ok(Some(Answer::Read(key.value(), Some(value))))
        }
        Some(b"w" | b"i") => Ok(took_place.then(|| Answer::Write(key.value(), value.value()))),
        other => {
            let name = String::from_utf8_lossy(other.unwrap_or(b"without a name"));
            Err(format!("has a step {name}, which the vocabulary rw-register does not have"))
        }
    }
}

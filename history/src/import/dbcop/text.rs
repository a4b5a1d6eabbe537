//! dbcop's text for people: `[x:=1 y==2 z==?]` is a transaction, `!` behind it says that it did not commit, a line of
//! dashes ends a session, and `//` begins a comment.

use std::path::Path;

use super::super::{
    lines::{each_line, unsigned},
    sessions::{Fate, Sessions, register_step, taken},
};
use crate::{
    Header, History, Key, Process, ReadError, Value,
    vocabulary::{RwRegister, rw_register::Answer},
};

/// Reads a whole file.
pub(in crate::import) fn read(path: &Path, header: &Header) -> Result<History<RwRegister>, ReadError> {
    let mut sessions = Sessions::new();
    let mut session = 0_u32;
    each_line(path, |line| {
        if line.is_empty() || line.starts_with(b"//") {
            return Ok(());
        }
        if line.iter().all(|byte| *byte == b'-') {
            session = session.checked_add(1).ok_or("begins one session too many")?;
            return Ok(());
        }
        let mut rest = line;
        while !rest.is_empty() {
            let (mut steps, fate, behind) = transaction(rest, &header.initial)?;
            sessions.push(Process(session), fate, taken(&mut steps))?;
            rest = behind.trim_ascii_start();
        }
        Ok(())
    })?;
    if sessions.len() == 0 {
        return Err(ReadError::Empty { path: path.into() });
    }
    Ok(sessions.finish(header))
}

/// The transaction that a text begins with, and what is behind it.
fn transaction<'a>(text: &'a [u8], initial: &Value) -> Result<(Vec<Answer>, Fate, &'a [u8]), String> {
    let mut rest =
        text.strip_prefix(b"[").ok_or("is not a transaction in brackets, a line of - or a comment")?;
    let mut steps = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        if let Some(behind) = rest.strip_prefix(b"]") {
            return Ok(match behind.strip_prefix(b"!") {
                Some(behind) => (steps, Fate::Aborted, behind),
                None => (steps, Fate::Committed, behind),
            });
        }
        let (step, behind) = step(rest, initial)
            .ok_or("has a step that is none of key:=number, key==number and key==?, or lacks its ]")?;
        steps.push(step);
        rest = behind;
    }
}

/// The step that a text begins with, and what is behind it.
fn step<'a>(text: &'a [u8], initial: &Value) -> Option<(Answer, &'a [u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let (name, rest) = text.split_at(length);
    let key: Key = match unsigned(name) {
        Some((number, b"")) => number,
        _ => Value::shared_text(std::str::from_utf8(name).ok().filter(|name| !name.is_empty())?),
    };
    if let Some(behind) = rest.strip_prefix(b"==?") {
        return Some((Answer::Read(key, Some(initial.clone())), behind));
    }
    let (writes, rest) = match (rest.strip_prefix(b":="), rest.strip_prefix(b"==")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return None,
    };
    let (value, behind) = unsigned(rest)?;
    // A number must end where the step does.
    let ends = behind.first().is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b']');
    ends.then(|| (register_step(writes, key, value), behind))
}

//! The text of AWDIT's own tests: `r key value` and `w key value`, with `---` between the transactions of a session and
//! `===` between sessions.
//!
//! Nothing is there before the first write: what is read must be written in the file.

use std::path::Path;

use super::{
    lines::{each_line, unsigned},
    sessions::{Fate, Sessions, register_step, taken},
};
use crate::{
    Header, History, Process, ReadError,
    vocabulary::{RwRegister, rw_register::Answer},
};

/// Reads a whole file.
pub(super) fn read(path: &Path, header: &Header) -> Result<History<RwRegister>, ReadError> {
    let mut sessions = Sessions::new();
    let mut session = 0_u32;
    let mut steps: Vec<Answer> = Vec::new();
    let end = |sessions: &mut Sessions<RwRegister>, session, steps: &mut Vec<Answer>| {
        sessions.push(Process(session), Fate::Committed, taken(steps)).map(drop)
    };
    each_line(path, |line| {
        match line.first() {
            None => {}
            Some(separator @ (b'-' | b'=')) if line.iter().all(|byte| byte == separator) => {
                end(&mut sessions, session, &mut steps)?;
                if *separator == b'=' {
                    session = session.checked_add(1).ok_or("begins one session too many")?;
                }
            }
            Some(_) => {
                let step = parse(line).ok_or("is not r KEY VALUE or w KEY VALUE, nor a line of - or =")?;
                steps.push(step);
            }
        }
        Ok(())
    })?;
    end(&mut sessions, session, &mut steps)
        .map_err(|what| ReadError::Unrecognised { path: path.into(), what: format!("it {what}") })?;
    if sessions.len() == 0 {
        return Err(ReadError::Empty { path: path.into() });
    }
    Ok(sessions.finish(header))
}

fn parse(line: &[u8]) -> Option<Answer> {
    let (f, rest) = line.split_first()?;
    let space = |rest: &'_ [u8]| rest.first().is_some_and(u8::is_ascii_whitespace).then_some(rest.len());
    space(rest)?;
    let (key, rest) = unsigned(rest.trim_ascii_start())?;
    space(rest)?;
    let (value, b"") = unsigned(rest.trim_ascii_start())? else { return None };
    match f {
        b'r' => Some(register_step(false, key, value)),
        b'w' => Some(register_step(true, key, value)),
        _ => None,
    }
}

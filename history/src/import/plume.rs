//! The text of Plume and PolySI: one step a line, `w(key,value,session,transaction)` or `r(…)`.
//!
//! The lines of a transaction are in the order of its program, the transactions of a session in the order in which they
//! are first seen. Transaction -1 was aborted. Every key begins with the value 0.

use std::path::Path;

use rustc_hash::FxHashMap;

use super::{
    lines::{each_line, unsigned},
    sessions::{Fate, Sessions, Transactional, register_step, taken},
};
use crate::{
    Header, History, Process, ReadError,
    vocabulary::{RwRegister, rw_register::Answer},
};

/// The number that stands for every aborted transaction.
const ABORTED: i64 = -1;

/// Reads a whole file.
pub(super) fn read(path: &Path, header: &Header) -> Result<History<RwRegister>, ReadError> {
    let mut plume =
        Plume { sessions: Sessions::new(), places: FxHashMap::default(), open: None, steps: Vec::new() };
    each_line(path, |line| plume.take(line))?;
    plume
        .flush()
        .map_err(|what| ReadError::Unrecognised { path: path.into(), what: format!("it {what}") })?;
    if plume.sessions.len() == 0 {
        return Err(ReadError::Empty { path: path.into() });
    }
    Ok(plume.sessions.finish(header))
}

/// The file while its lines come in.
struct Plume {
    sessions: Sessions<RwRegister>,
    /// Where each transaction is.
    places: FxHashMap<(Process, i64), usize>,
    /// The transaction of the lines before, and their steps.
    open: Option<(Process, i64)>,
    steps: Vec<Answer>,
}

impl Plume {
    fn take(&mut self, line: &[u8]) -> Result<(), String> {
        if line.is_empty() {
            return Ok(());
        }
        let (step, session, transaction) = parse(line).ok_or_else(|| {
            "is not r(key,value,session,transaction) or w(key,value,session,transaction)".to_owned()
        })?;
        if transaction < ABORTED {
            return Err(format!(
                "is of transaction {transaction}, but only -1 and what is not negative mean something"
            ));
        }
        let process = self.sessions.process(session)?;
        if self.open != Some((process, transaction)) {
            self.flush()?;
            self.open = Some((process, transaction));
        }
        self.steps.push(step);
        Ok(())
    }

    /// Adds the steps of the lines before to their transaction.
    fn flush(&mut self) -> Result<(), String> {
        let Some((process, transaction)) = self.open.take() else { return Ok(()) };
        let steps = taken(&mut self.steps);
        if transaction == ABORTED {
            return self.sessions.push(process, Fate::Aborted, steps).map(drop);
        }
        if let Some(place) = self.places.get(&(process, transaction)) {
            let operation = self.sessions.at(*place);
            operation.call.extend(RwRegister::asked(&steps));
            if let crate::Outcome::Ok(answers) = &mut operation.outcome {
                answers.extend(steps);
            }
            return Ok(());
        }
        if let Some(place) = self.sessions.push(process, Fate::Committed, steps)? {
            self.places.insert((process, transaction), place);
        }
        Ok(())
    }
}

/// A step, its session and its transaction.
fn parse(line: &[u8]) -> Option<(Answer, crate::Value, i64)> {
    let (f, rest) = line.split_first()?;
    let (key, rest) = unsigned(rest.strip_prefix(b"(")?)?;
    let (value, rest) = unsigned(rest.strip_prefix(b",")?)?;
    let (session, rest) = unsigned(rest.strip_prefix(b",")?)?;
    let rest = rest.strip_prefix(b",")?;
    let (negative, rest) = rest.strip_prefix(b"-").map_or((false, rest), |rest| (true, rest));
    let (crate::Value::Int(transaction), b")") = unsigned(rest)? else { return None };
    let writes = match f {
        b'r' => false,
        b'w' => true,
        _ => return None,
    };
    Some((register_step(writes, key, value), session, if negative { -transaction } else { transaction }))
}

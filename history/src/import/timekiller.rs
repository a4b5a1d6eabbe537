//! TimeKiller's JSON: objects `{"sid": 1, "tid": 2, "sts": {"p": 5, "l": 0}, "cts": {…}, "ops": [{"t": "w", "k": 1, "v": 2}]}`,
//! in one list or one after the other.
//!
//! `sts` and `cts` are when the transaction began and committed by the database's own hybrid clock. They become ranks in
//! [`Header::given_times`](crate::Header): they are no times of the clients, so nothing is concluded from them that a
//! black box could not show, unless a checker is asked to trust the database's order.

use std::{ops::ControlFlow, path::Path};

use super::{
    objects::{each_object, member, objects_until},
    sessions::{Fate, Sessions, Transactional},
    tape::{Token, View},
};
use crate::{
    GivenTimes, Header, History, Key, ReadError, Value,
    vocabulary::{
        ListAppend, RwRegister,
        list_append::{self, Lists},
        rw_register,
    },
};

/// A moment of a hybrid clock: its physical part, and its logical part.
type Moment = (i64, i64);

/// A vocabulary of transactions that this format can hold.
pub(super) trait Recorded: Transactional {
    /// The answer of an operation of a type, in small letters.
    fn answer(
        t: &[u8],
        key: Key,
        value: View<'_>,
        initial: &Value,
        lists: &mut Lists,
    ) -> Result<Self::Answer, String>;
}

fn foreign(t: &[u8], vocabulary: &str) -> String {
    let t = String::from_utf8_lossy(t);
    format!("has an operation of type {t}, which the vocabulary {vocabulary} does not have")
}

impl Recorded for RwRegister {
    fn answer(
        t: &[u8],
        key: Key,
        value: View<'_>,
        initial: &Value,
        _: &mut Lists,
    ) -> Result<rw_register::Answer, String> {
        match t {
            b"r" | b"read" => {
                let known = *initial == Value::Nil || !value.is_nil();
                Ok(rw_register::Answer::Read(key, known.then(|| value.value())))
            }
            b"w" | b"write" => Ok(rw_register::Answer::Write(key, value.value())),
            other => Err(foreign(other, "rw-register")),
        }
    }
}

impl Recorded for ListAppend {
    fn answer(
        t: &[u8],
        key: Key,
        value: View<'_>,
        _: &Value,
        lists: &mut Lists,
    ) -> Result<list_append::Answer, String> {
        match t {
            b"r" | b"read" if value.is_nil() || value.is_collection() => {
                let list = lists.share(&key, &value.values());
                Ok(list_append::Answer::Read(key, Some(list)))
            }
            b"r" | b"read" => Err("reads a list and gets something that is not one".into()),
            b"a" | b"append" => Ok(list_append::Answer::Append(key, value.value())),
            other => Err(foreign(other, "list-append")),
        }
    }
}

/// The type, the key and the value of an operation.
fn operation(view: View<'_>) -> Result<(Vec<u8>, Key, View<'_>), String> {
    let (Some(t), Some(key)) = (member(view, "t").and_then(|t| t.name()), member(view, "k")) else {
        return Err("has an operation without t or without k".into());
    };
    Ok((t.to_ascii_lowercase(), key.value(), member(view, "v").unwrap_or(View::NIL)))
}

fn operations(object: View<'_>) -> Result<View<'_>, String> {
    let list = member(object, "ops").filter(View::is_collection);
    list.ok_or_else(|| "is no transaction: it has no list of operations in \"ops\"".to_owned())
}

/// A whole number, also one that stands between quotes.
fn number(view: View<'_>) -> Option<i64> {
    match view.token() {
        Token::Int(number) => Some(number),
        Token::Text { .. } => std::str::from_utf8(view.name()?).ok()?.parse().ok(),
        _ => None,
    }
}

fn moment(object: View<'_>, name: &str) -> Result<Option<Moment>, String> {
    let Some(time) = member(object, name) else { return Ok(None) };
    let physical = member(time, "p").and_then(number);
    let logical = member(time, "l").map_or(Some(0), number);
    physical
        .zip(logical)
        .map(Some)
        .ok_or_else(|| format!("has a {name} that is not {{\"p\": …, \"l\": …}} with numbers"))
}

/// True when a file holds appends or lists, and not registers: the first operation that only one of them has tells.
pub(super) fn holds_lists(path: &Path) -> Result<bool, ReadError> {
    let lists = objects_until(path, |object| {
        for view in operations(object)?.elements() {
            let (t, _, value) = operation(view)?;
            match t.as_slice() {
                b"a" | b"append" => return Ok(ControlFlow::Break(true)),
                b"w" | b"write" => return Ok(ControlFlow::Break(false)),
                _ if !value.is_nil() => return Ok(ControlFlow::Break(value.is_collection())),
                _ => {}
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(lists.unwrap_or_default())
}

/// Reads a whole file.
pub(super) fn read<V: Recorded>(path: &Path, header: &Header) -> Result<History<V>, ReadError> {
    let mut sessions = Sessions::new();
    let mut lists = Lists::default();
    let mut moments: Vec<Option<(Moment, Moment)>> = Vec::new();
    each_object(path, |object| {
        let session = member(object, "sid").ok_or("is no transaction: it has no \"sid\"")?;
        let process = sessions.process(session.value())?;
        let times = match (moment(object, "sts")?, moment(object, "cts")?) {
            (Some(start), Some(commit)) if start > commit => {
                return Err("commits before it begins, by its own times".into());
            }
            (start, commit) => start.zip(commit),
        };
        let operations = operations(object)?;
        let mut answers = Vec::with_capacity(operations.elements().count());
        for view in operations.elements() {
            let (t, key, value) = operation(view)?;
            answers.push(V::answer(&t, key, value, &header.initial, &mut lists)?);
        }
        if sessions.push(process, Fate::Committed, answers)?.is_some() {
            moments.push(times);
        }
        Ok(())
    })?;
    if sessions.len() == 0 {
        return Err(ReadError::Empty { path: path.into() });
    }
    // From here on the lists can be looked into.
    drop(lists);
    Ok(sessions.finish(&Header { given_times: ranks(&moments), ..header.clone() }))
}

/// Moments as their places among all of them; nothing where there is not even one.
fn ranks(moments: &[Option<(Moment, Moment)>]) -> Option<std::sync::Arc<[Option<GivenTimes>]>> {
    let mut all: Vec<Moment> =
        moments.iter().flatten().flat_map(|(start, commit)| [*start, *commit]).collect();
    if all.is_empty() {
        return None;
    }
    all.sort_unstable();
    all.dedup();
    let rank = |moment: &Moment| all.partition_point(|other| other < moment) as u64;
    let given = |(start, commit): &(Moment, Moment)| GivenTimes { start: rank(start), commit: rank(commit) };
    Some(moments.iter().map(|times| times.as_ref().map(given)).collect())
}

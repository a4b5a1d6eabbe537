//! How banks, long forks and transactions over rows are written.

use super::{
    Said, Shape, Spoken, foreign, foreign_step, is_not_known, read_write_answer, read_write_call, step,
};
use crate::{
    Key, Outcome, Value, Vocabulary,
    import::tape::{Token, View},
    vocabulary::{
        Bank, LongFork, Predicate, bank,
        predicate::{self, Answer, Condition, Step},
        rw_register,
    },
};

fn whole(value: View<'_>) -> Result<i64, String> {
    match value.token() {
        Token::Int(number) => Ok(number),
        _ => Err("has an amount that is not a whole number".into()),
    }
}

/// The name of an account. JSON has no other keys than texts, so that a number between quotes is that number.
fn account(view: View<'_>) -> Key {
    match view.value() {
        Value::Text(text) => text.parse().map_or(Value::Text(text), Value::Int),
        other => other,
    }
}

impl Spoken for Bank {
    fn call(said: &Said<'_>, _: &mut Shape) -> Result<bank::Call, String> {
        match said.f {
            b"read" => Ok(bank::Call::Read),
            b"transfer" => {
                let member = |name: &[u8]| said.value.member(&[name]);
                let (Some(from), Some(to), Some(amount)) =
                    (member(b"from"), member(b"to"), member(b"amount"))
                else {
                    return Err("has a transfer whose value is not {:from a, :to b, :amount n}".into());
                };
                Ok(bank::Call::Transfer(account(from), account(to), whole(amount)?))
            }
            other => Err(foreign(other, Self::NAME)),
        }
    }

    fn answer(
        said: &Said<'_>,
        call: &mut bank::Call,
        shape: &mut Shape,
    ) -> Result<Outcome<bank::Return>, String> {
        if let bank::Call::Transfer(..) = call {
            if said.value.is_map() {
                *call = Self::call(said, shape)?;
            }
            return Ok(Outcome::Ok(bank::Return::Transferred));
        }
        if said.value.is_nil() {
            return Ok(Outcome::Unknown("the read has no answer".into()));
        }
        if !said.value.is_map() {
            return Err("reads a bank and gets something that is not a map of accounts".into());
        }
        let mut balances = Vec::new();
        let mut members = said.value.elements();
        while let (Some(name), Some(balance)) = (members.next(), members.next()) {
            let balance = if balance.is_nil() { None } else { Some(whole(balance)?) };
            balances.push((account(name), balance));
        }
        balances.sort();
        Ok(Outcome::Ok(bank::Return::Balances(balances)))
    }
}

/// Jepsen calls these transactions `:read` and `:write`, and what they hold are the steps of a transaction.
fn as_transaction<'a>(said: &Said<'a>) -> Said<'a> {
    match said.f {
        b"read" | b"write" => Said { f: b"txn", ..*said },
        _ => *said,
    }
}

impl Spoken for LongFork {
    fn call(said: &Said<'_>, _: &mut Shape) -> Result<Vec<rw_register::Step>, String> {
        read_write_call(&as_transaction(said), Self::NAME)
    }

    fn answer(
        said: &Said<'_>,
        call: &mut Vec<rw_register::Step>,
        shape: &mut Shape,
    ) -> Result<Outcome<Vec<rw_register::Answer>>, String> {
        read_write_answer(&as_transaction(said), call, shape, Self::NAME)
    }
}

/// `{x 1, y 2}`, or `[[x 1] [y 2]]`.
fn rows(view: View<'_>) -> Result<Vec<(Key, Value)>, String> {
    let wrong = || "has rows that are not a map of keys and values".to_owned();
    let mut rows = Vec::new();
    let mut members = view.elements();
    if view.is_map() {
        while let (Some(key), Some(value)) = (members.next(), members.next()) {
            rows.push((key.value(), value.value()));
        }
    } else if view.is_collection() {
        for member in members {
            let (key, value) = member.pair().ok_or_else(wrong)?;
            rows.push((key.value(), value.value()));
        }
    } else {
        return Err(wrong());
    }
    rows.sort();
    Ok(rows)
}

/// `:true`, `[:= 3]`, `[:mod 2 0]`, `[:between 1 5]`, `[:keys 1 5]`.
fn condition(view: View<'_>) -> Result<Condition, String> {
    const KNOWN: &str = ":true, [:= v], [:mod by rest], [:between least most] and [:keys least most]";
    let wrong = || format!("has a condition that is none of {KNOWN}");
    if view.name() == Some(b"true") {
        return Ok(Condition::All);
    }
    let parts: Vec<View<'_>> = view.elements().collect();
    let name = parts.first().and_then(|name| name.name()).ok_or_else(wrong)?;
    match (name, &parts[1..]) {
        (b"=", [value]) => Ok(Condition::Equals(value.value())),
        (b"mod", [by, rest]) => match (by.token(), rest.token()) {
            (Token::Int(by @ 1..), Token::Int(rest)) => Ok(Condition::Modulo(by, rest)),
            _ => Err("divides by something that is not a whole number from 1 on".into()),
        },
        (b"between", [least, most]) => Ok(Condition::Between(least.value(), most.value())),
        (b"keys", [least, most]) => Ok(Condition::Keys(least.value(), most.value())),
        _ => Err(wrong()),
    }
}

/// The parts of `[:rp condition rows]`, where a step is one.
fn select<'a>(view: View<'a>) -> Option<(View<'a>, View<'a>)> {
    let mut parts = view.elements();
    let is_select = matches!(parts.next()?.name()?, b"rp" | b"select");
    Some((parts.next()?, parts.next().unwrap_or(View::NIL))).filter(|_| is_select)
}

fn steps<T>(said: &Said<'_>, mut parse: impl FnMut(View<'_>) -> Result<T, String>) -> Result<Vec<T>, String> {
    super::steps(said, Predicate::NAME)?.map(&mut parse).collect()
}

fn asked(view: View<'_>) -> Result<Step, String> {
    if let Some((wanted, _)) = select(view) {
        return Ok(Step::Select(condition(wanted)?));
    }
    let (f, key, value) = step(view)?;
    match f {
        b"r" | b"read" => Ok(Step::Read(key)),
        b"w" | b"write" => Ok(Step::Write(key, value.value())),
        b"insert" => Ok(Step::Insert(key, value.value())),
        b"delete" => Ok(Step::Delete(key)),
        other => Err(foreign_step(other, Predicate::NAME)),
    }
}

fn answered(view: View<'_>) -> Result<Answer, String> {
    if let Some((wanted, found)) = select(view) {
        let found = if is_not_known(found) || found.is_nil() { None } else { Some(rows(found)?) };
        return Ok(Answer::Select(condition(wanted)?, found));
    }
    let (f, key, value) = step(view)?;
    match f {
        b"r" | b"read" if is_not_known(value) => Ok(Answer::Read(key, None)),
        b"r" | b"read" => Ok(Answer::Read(key, Some(value.value()))),
        b"w" | b"write" => Ok(Answer::Write(key, value.value())),
        b"insert" => Ok(Answer::Insert(key, value.value())),
        b"delete" => Ok(Answer::Delete(key)),
        other => Err(foreign_step(other, Predicate::NAME)),
    }
}

impl Spoken for Predicate {
    fn call(said: &Said<'_>, _: &mut Shape) -> Result<predicate::Call, String> {
        match said.f {
            b"init" => Ok(predicate::Call::Init(rows(said.value)?)),
            _ => Ok(predicate::Call::Transaction(steps(said, asked)?)),
        }
    }

    fn answer(
        said: &Said<'_>,
        call: &mut predicate::Call,
        shape: &mut Shape,
    ) -> Result<Outcome<predicate::Return>, String> {
        let predicate::Call::Transaction(wanted) = call else {
            return Ok(Outcome::Ok(predicate::Return::Done));
        };
        let answers = steps(said, answered)?;
        let fits = wanted.len() == answers.len()
            && wanted.iter().zip(&answers).all(|(step, answer)| step.is_answered_by(answer));
        if !fits {
            *call = Self::call(said, shape)?;
        }
        Ok(Outcome::Ok(predicate::Return::Transaction(answers)))
    }
}

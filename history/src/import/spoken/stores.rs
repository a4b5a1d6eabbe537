//! How key-value stores, counters, logs and generators of ids are written.

use super::{Said, Shape, Spoken, foreign};
use crate::{
    Key, Operation, Outcome, Value, Vocabulary,
    import::tape::{Token, View},
    vocabulary::{Counter, Ids, KeyValue, Log, counter, ids, key_value, log},
};

/// `[[k v] ...]` or `{k v, ...}`.
fn entries(value: View<'_>) -> Option<Vec<(Key, Value)>> {
    let parse = |(key, value): (View<'_>, View<'_>)| (key.value(), value.value());
    if value.is_collection() {
        return value.elements().map(|entry| entry.pair().map(parse)).collect();
    }
    let mut members = value.elements();
    let mut all = Vec::new();
    if !value.is_unordered() {
        return None;
    }
    while let (Some(key), Some(value)) = (members.next(), members.next()) {
        all.push(parse((key, value)));
    }
    Some(all)
}

impl Spoken for KeyValue {
    fn call(said: &Said<'_>, shape: &mut Shape) -> Result<key_value::Call, String> {
        use key_value::Call;
        let pair = said.value.pair();
        match said.f {
            b"get" | b"read" => Ok(Call::Get(shape.split(said, pair.is_some())?.0)),
            b"delete" | b"remove" => Ok(Call::Delete(shape.split(said, pair.is_some())?.0)),
            b"put" | b"write" => {
                let (key, value) = shape.split(said, pair.is_some())?;
                Ok(Call::Put(key, value.value()))
            }
            b"append" => {
                let (key, value) = shape.split(said, pair.is_some())?;
                Ok(Call::Append(key, value.value()))
            }
            b"cas" => {
                let (key, value) = shape.split(said, pair.is_some_and(|(_, to)| to.pair().is_some()))?;
                let (from, to) = value.pair().ok_or("has a compare-and-set whose value is not [from to]")?;
                Ok(Call::Cas(key, from.value(), to.value()))
            }
            b"range" => {
                let (from, to) = pair.ok_or("has a range whose value is not [from to]")?;
                Ok(Call::Range(from.value(), to.value()))
            }
            b"multi-get" if said.value.is_collection() => Ok(Call::MultiGet(said.value.values())),
            b"multi-get" => Err("reads several keys without a list of them".into()),
            b"multi-put" => {
                let entries = entries(said.value);
                Ok(Call::MultiPut(entries.ok_or("puts several keys without a list of [key value]")?))
            }
            other => Err(foreign(other, Self::NAME)),
        }
    }

    fn answer(
        said: &Said<'_>,
        call: &mut key_value::Call,
        shape: &mut Shape,
    ) -> Result<Outcome<key_value::Return>, String> {
        use key_value::{Call, Return};
        let corrects = !said.value.is_nil();
        Ok(Outcome::Ok(match call {
            Call::Get(key) => {
                let value = shape.answered(said, key)?;
                if value.is_unordered() {
                    return Err("gets a set or a map from a key, so it is no history of values".into());
                }
                Return::Value(shape.known(value))
            }
            Call::Put(key, value) | Call::Append(key, value) => {
                if corrects {
                    *value = shape.answered(said, key)?.value();
                }
                Return::Done
            }
            Call::Delete(key) => {
                let answer = if corrects { shape.answered(said, key)? } else { View::NIL };
                answer.truth().map_or(Return::Done, Return::Deleted)
            }
            Call::Cas(..) => Return::Swapped,
            Call::MultiPut(_) => Return::Done,
            Call::Range(..) | Call::MultiGet(_) if !corrects => {
                return Ok(Outcome::Unknown("the read has no answer".into()));
            }
            Call::Range(..) | Call::MultiGet(_) => Return::Entries(
                entries(said.value).ok_or("reads several keys and gets no list of [key value]")?,
            ),
        }))
    }

    fn refused(call: &key_value::Call) -> Option<key_value::Return> {
        matches!(call, key_value::Call::Cas(..)).then_some(key_value::Return::Refused)
    }

    fn not_known(call: &key_value::Call) -> Option<key_value::Return> {
        matches!(call, key_value::Call::Get(_)).then_some(key_value::Return::Value(None))
    }

    /// Porcupine's logs are of stores in which every key holds the empty text at first. That shows in an empty text
    /// that was read and never put, while nil was never read.
    fn shown_initial(operations: &[Operation<Self>]) -> Option<Value> {
        use key_value::{Call, Return};
        let empty = Value::from("");
        let got = |wanted: &Value| {
            let is_wanted =
                |returned: &Return| matches!(returned, Return::Value(Some(value)) if value == wanted);
            operations.iter().any(|operation| operation.outcome.ok().is_some_and(is_wanted))
        };
        let put = |operation: &Operation<Self>| match &operation.call {
            Call::Put(_, value) | Call::Append(_, value) | Call::Cas(_, _, value) => *value == empty,
            Call::MultiPut(entries) => entries.iter().any(|(_, value)| *value == empty),
            _ => false,
        };
        (got(&empty) && !got(&Value::Nil) && !operations.iter().any(put)).then_some(empty)
    }
}

fn whole(value: View<'_>) -> Result<i64, String> {
    match value.token() {
        Token::Int(number) => Ok(number),
        _ => Err("has a value that is not a whole number".into()),
    }
}

/// What a call adds: its value, 1 where it says nothing, and the opposite where it counts down.
fn delta(f: &[u8], value: View<'_>) -> Result<i64, String> {
    let number = match f {
        b"add" => whole(value)?,
        _ if value.is_nil() => 1,
        _ => whole(value)?,
    };
    if matches!(f, b"decr" | b"dec" | b"decrement" | b"sub" | b"subtract") {
        return number.checked_neg().ok_or_else(|| "takes away a number that is too large".into());
    }
    Ok(number)
}

impl Spoken for Counter {
    fn call(said: &Said<'_>, shape: &mut Shape) -> Result<counter::Call, String> {
        let pair = said.value.pair();
        match said.f {
            b"read" | b"get" => Ok(counter::Call::Read(shape.split(said, pair.is_some())?.0)),
            b"add" | b"incr" | b"inc" | b"increment" | b"decr" | b"dec" | b"decrement" | b"sub"
            | b"subtract" => {
                let (key, value) = shape.split(said, pair.is_some())?;
                Ok(counter::Call::Add(key, delta(said.f, value)?))
            }
            other => Err(foreign(other, Self::NAME)),
        }
    }

    fn answer(
        said: &Said<'_>,
        call: &mut counter::Call,
        shape: &mut Shape,
    ) -> Result<Outcome<counter::Return>, String> {
        use counter::Return;
        let (counter::Call::Add(key, _) | counter::Call::Read(key)) = &*call;
        let value = if said.value.is_nil() { View::NIL } else { shape.answered(said, key)? };
        let counter::Call::Add(_, number) = call else {
            return Ok(Outcome::Ok(Return::Value(match value.is_nil() {
                true => shape.nil_is_initial.then_some(0),
                false => Some(whole(value)?),
            })));
        };
        Ok(Outcome::Ok(match value.pair() {
            // `[added value]` says both.
            Some((added, now)) => {
                *number = delta(said.f, added)?;
                Return::Value(if now.is_nil() { None } else { Some(whole(now)?) })
            }
            None if value.is_nil() => Return::Added,
            None if said.f == b"add" => {
                *number = whole(value)?;
                Return::Added
            }
            // Either what was added is said once more, or it is the new value.
            None => match whole(value)? {
                same if same.checked_abs() == number.checked_abs() => Return::Added,
                now => Return::Value(Some(now)),
            },
        }))
    }

    fn refused(call: &counter::Call) -> Option<counter::Return> {
        matches!(call, counter::Call::Add(..)).then_some(counter::Return::Refused)
    }

    fn not_known(_: &counter::Call) -> Option<counter::Return> {
        Some(counter::Return::Value(None))
    }
}

fn offset(value: View<'_>) -> Result<u64, String> {
    if value.is_nil() {
        return Ok(0);
    }
    u64::try_from(whole(value)?).map_err(|_| "has an offset below 0".into())
}

impl Spoken for Log {
    fn call(said: &Said<'_>, shape: &mut Shape) -> Result<log::Call, String> {
        let (key, value) = match said.f {
            b"append" | b"read" | b"poll" => shape.split(said, said.value.pair().is_some())?,
            other => return Err(foreign(other, Self::NAME)),
        };
        match said.f {
            b"append" => Ok(log::Call::Append(key, value.value())),
            // A completion without its invocation does not say from where it read.
            _ if value.is_collection() => Err("reads a log, and nobody says from which offset on".into()),
            b"read" => Ok(log::Call::Read(key, offset(value)?)),
            _ => Ok(log::Call::Poll(key, offset(value)?)),
        }
    }

    fn answer(
        said: &Said<'_>,
        call: &mut log::Call,
        shape: &mut Shape,
    ) -> Result<Outcome<log::Return>, String> {
        let value = if said.value.is_nil() { View::NIL } else { shape.answered(said, call.key())? };
        Ok(match call {
            log::Call::Append(_, entry) => Outcome::Ok(match value.pair() {
                Some((at, appended)) => {
                    *entry = appended.value();
                    log::Return::Appended(Some(offset(at)?))
                }
                None => {
                    if !value.is_nil() {
                        *entry = value.value();
                    }
                    log::Return::Appended(None)
                }
            }),
            log::Call::Read(..) | log::Call::Poll(..) if value.is_nil() => {
                Outcome::Unknown("the read has no answer".into())
            }
            log::Call::Read(key, _) | log::Call::Poll(key, _) if value.is_collection() => {
                Outcome::Ok(log::Return::Entries(shape.lists.share(key, &value.values())))
            }
            _ => return Err("reads a log and gets something that is not a list".into()),
        })
    }
}

impl Spoken for Ids {
    fn call(said: &Said<'_>, _: &mut Shape) -> Result<ids::Call, String> {
        match said.f {
            b"generate" => Ok(ids::Call::Generate),
            other => Err(foreign(other, Self::NAME)),
        }
    }

    fn answer(said: &Said<'_>, _: &mut ids::Call, _: &mut Shape) -> Result<Outcome<ids::Return>, String> {
        Ok(if said.value.is_nil() {
            Outcome::Unknown("the generator has no answer".into())
        } else {
            Outcome::Ok(ids::Return::Id(said.value.value()))
        })
    }
}

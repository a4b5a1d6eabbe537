//! How each vocabulary is written in Jepsen's histories.

mod locks;
mod queues;
mod rows;
mod stores;

use super::tape::{Elements, Tape, View};
use crate::{
    Key, Operation, Outcome, Value, Vocabulary,
    vocabulary::{
        ListAppend, MultiRegister, Register, RwRegister, Set,
        list_append::{self, Lists},
        register, rw_register, set,
    },
};

/// Our own mark in exported histories: an answer that nobody knows.
pub(crate) const NOT_KNOWN: &str = "disprove/not-known";

/// Our own mark in exported histories: a compare-and-set that was refused, which Jepsen can only call failed.
pub(crate) const REFUSED: &str = "disprove/refused";

/// What is known of a history's habits.
#[derive(Debug)]
pub(super) struct Shape {
    /// Whether values are `[k v]`, once an operation has told.
    pub keyed: Option<bool>,
    /// Whether a nil that was read is the initial value.
    pub nil_is_initial: bool,
    /// The lists that were read.
    pub lists: Lists,
}

impl Shape {
    /// A value apart from its key. `tells` is what this value says about the history when it is the first.
    pub fn split<'a>(&mut self, said: &Said<'a>, tells: bool) -> Result<(Key, View<'a>), String> {
        if let Some(key) = said.key {
            return Ok((key.value(), said.value));
        }
        if !*self.keyed.get_or_insert(tells) {
            return Ok((Value::Nil, said.value));
        }
        let (key, value) =
            said.value.pair().ok_or("has a value that is not [key value], as the values before it are")?;
        Ok((key.value(), value))
    }

    /// A value apart from its key, in an answer to a call under `key`.
    pub fn answered<'a>(&mut self, said: &Said<'a>, key: &Key) -> Result<View<'a>, String> {
        let (other, value) = self.split(said, false)?;
        if other == *key {
            Ok(value)
        } else {
            let (other, key) = (other.to_string(), key.to_string());
            Err(format!(
                "answers under the key {} to a call under {}",
                other.escape_debug(),
                key.escape_debug()
            ))
        }
    }

    pub fn known(&self, value: View<'_>) -> Option<Value> {
        (self.nil_is_initial || !value.is_nil()).then(|| value.value())
    }
}

/// What one line says about a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub f: &'a [u8],
    pub value: View<'a>,
    /// `:key`, where a history has keys of its own.
    pub key: Option<View<'a>>,
    pub process: View<'a>,
}

/// A vocabulary that Jepsen's histories can be in.
pub(super) trait Spoken: Vocabulary {
    /// Whether times matter beyond their order, so that `:time` is the clock and not the order of the lines.
    const TIMED: bool = false;
    /// What its operations are read onto.
    fn tape() -> Tape {
        Tape::default()
    }
    /// The call that an invocation makes, or that a completion without one must have answered.
    fn call(said: &Said<'_>, shape: &mut Shape) -> Result<Self::Call, String>;
    /// What an `:ok` says. It may correct the call: some clients choose their arguments while they run.
    fn answer(
        said: &Said<'_>,
        call: &mut Self::Call,
        shape: &mut Shape,
    ) -> Result<Outcome<Self::Return>, String>;
    /// What a call returns that was refused by value, where it can be.
    fn refused(_: &Self::Call) -> Option<Self::Return> {
        None
    }
    /// What a call returns whose answer nobody knows, where that can be said.
    fn not_known(_: &Self::Call) -> Option<Self::Return> {
        None
    }
    /// What the calls returned that a `:drain` made one after the other.
    fn drained(_: &Said<'_>, _: &Self::Call, _: &mut Shape) -> Result<Vec<Self::Return>, String> {
        Ok(Vec::new())
    }
    /// How many calls a `:drain` may have made of which nobody knows what became.
    fn drained_at_most(_: &Self::Call, _: &[Operation<Self>]) -> usize
    where
        Self: Sized,
    {
        0
    }
    /// The initial value that a history shows, where its format says none.
    fn shown_initial(_: &[Operation<Self>]) -> Option<Value>
    where
        Self: Sized,
    {
        None
    }
}

fn foreign(f: &[u8], vocabulary: &str) -> String {
    format!(
        "calls :{}, which the vocabulary {vocabulary} does not have; choose another with --as if one fits",
        String::from_utf8_lossy(f).escape_debug()
    )
}

impl Spoken for Register {
    fn call(said: &Said<'_>, shape: &mut Shape) -> Result<register::Call, String> {
        let pair = said.value.pair();
        match said.f {
            b"read" | b"get" => Ok(register::Call::Read(shape.split(said, pair.is_some())?.0)),
            b"write" | b"put" => {
                let (key, value) = shape.split(said, pair.is_some())?;
                Ok(register::Call::Write(key, value.value()))
            }
            b"cas" => {
                let (key, value) = shape.split(said, pair.is_some_and(|(_, to)| to.pair().is_some()))?;
                let (from, to) = value.pair().ok_or("has a compare-and-set whose value is not [from to]")?;
                Ok(register::Call::Cas(key, from.value(), to.value()))
            }
            other => Err(foreign(other, Self::NAME)),
        }
    }

    fn answer(
        said: &Said<'_>,
        call: &mut register::Call,
        shape: &mut Shape,
    ) -> Result<Outcome<register::Return>, String> {
        Ok(Outcome::Ok(match call {
            register::Call::Read(key) => {
                let value = shape.answered(said, key)?;
                if value.is_unordered() {
                    return Err(
                        "reads a register and gets a set or a map, so it is no history of registers; --as set takes \
                         its writes for additions to a set"
                            .into(),
                    );
                }
                register::Return::Value(shape.known(value))
            }
            register::Call::Write(key, written) => {
                if !said.value.is_nil() {
                    *written = shape.answered(said, key)?.value();
                }
                register::Return::Written
            }
            register::Call::Cas(..) => register::Return::Swapped,
        }))
    }

    fn refused(call: &register::Call) -> Option<register::Return> {
        matches!(call, register::Call::Cas(..)).then_some(register::Return::Refused)
    }

    fn not_known(call: &register::Call) -> Option<register::Return> {
        matches!(call, register::Call::Read(_)).then_some(register::Return::Value(None))
    }
}

impl Spoken for Set {
    fn call(said: &Said<'_>, shape: &mut Shape) -> Result<set::Call, String> {
        let pair = said.value.pair();
        match said.f {
            // Rows that are inserted and read all at once are a set, whatever the insertion is called.
            b"add" | b"write" | b"insert" | b"remove" | b"contains" => {
                let (key, value) = shape.split(said, pair.is_some())?;
                Ok(match said.f {
                    b"remove" => set::Call::Remove(key, value.value()),
                    b"contains" => set::Call::Contains(key, value.value()),
                    _ => set::Call::Add(key, value.value()),
                })
            }
            // `[k nil]` and `[k #{...}]` have a key; a list of two elements has not.
            b"read" => {
                let keyed = pair.is_some_and(|(_, value)| value.is_nil() || value.is_collection());
                Ok(set::Call::Read(shape.split(said, keyed)?.0))
            }
            other => Err(foreign(other, Self::NAME)),
        }
    }

    fn answer(
        said: &Said<'_>,
        call: &mut set::Call,
        shape: &mut Shape,
    ) -> Result<Outcome<set::Return>, String> {
        let adds = matches!(call, set::Call::Add(..));
        match call {
            set::Call::Add(key, element) | set::Call::Remove(key, element) => {
                let done = if adds { set::Return::Added } else { set::Return::Removed };
                if said.value.is_nil() {
                    return Ok(Outcome::Ok(done));
                }
                let value = shape.answered(said, key)?;
                // `[element true]` also says whether the set changed.
                let told = value.pair().and_then(|(said, changed)| Some((said, changed.truth()?)));
                *element = told.map_or(value, |(said, _)| said).value();
                Ok(Outcome::Ok(told.map_or(done, |(_, changed)| set::Return::Changed(changed))))
            }
            set::Call::Contains(key, _) => {
                let value = if said.value.is_nil() { View::NIL } else { shape.answered(said, key)? };
                if value.is_nil() {
                    return Ok(Outcome::Unknown("the question has no answer".into()));
                }
                let is_in = value.truth().ok_or("asks a set and gets neither true nor false")?;
                Ok(Outcome::Ok(set::Return::Contains(is_in)))
            }
            set::Call::Read(key) => {
                if shape.keyed == Some(true) && said.key.is_none() && said.value.pair().is_none() {
                    return Err(
                        "answers the read of one key of sets with a list that has no key, so nobody can tell what it \
                         lists; write [key [elements]] there, or leave the key out of every value"
                            .into(),
                    );
                }
                let elements = shape.answered(said, key)?;
                if elements.is_nil() {
                    return Ok(Outcome::Unknown("the read has no answer".into()));
                }
                if !elements.is_collection() {
                    return Err("reads a set and gets something that is not a collection".into());
                }
                Ok(Outcome::Ok(set::Return::Elements(elements.values())))
            }
        }
    }
}

/// The parts of `[:r k v]`.
fn step<'a>(view: View<'a>) -> Result<(&'a [u8], Key, View<'a>), String> {
    let mut elements = view.elements();
    let (Some(f), Some(key)) = (elements.next().and_then(|f| f.name()), elements.next()) else {
        return Err("has a transaction whose steps are not all [f key value]".into());
    };
    Ok((f, key.value(), elements.next().unwrap_or(View::NIL)))
}

/// The steps of a transaction.
fn steps<'a>(said: &Said<'a>, vocabulary: &str) -> Result<Elements<'a>, String> {
    if said.f != b"txn" {
        return Err(foreign(said.f, vocabulary));
    }
    if !said.value.is_collection() {
        return Err("has a transaction that is not a list of steps".into());
    }
    Ok(said.value.elements())
}

/// What each step of a transaction is. Most of a history's memory is in these lists, so they have no room to spare.
fn each_step<T>(
    said: &Said<'_>,
    vocabulary: &str,
    mut parse: impl FnMut(&[u8], Key, View<'_>) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let steps = steps(said, vocabulary)?;
    let mut parsed = Vec::with_capacity(steps.clone().count());
    for view in steps {
        let (f, key, value) = step(view)?;
        parsed.push(parse(f, key, value)?);
    }
    Ok(parsed)
}

fn foreign_step(f: &[u8], vocabulary: &str) -> String {
    let f = String::from_utf8_lossy(f);
    format!("has a step :{}, which the vocabulary {vocabulary} does not have", f.escape_debug())
}

fn is_not_known(value: View<'_>) -> bool {
    value.name() == Some(NOT_KNOWN.as_bytes())
}

impl Spoken for ListAppend {
    fn tape() -> Tape {
        Tape::of_lists()
    }

    fn call(said: &Said<'_>, _: &mut Shape) -> Result<Vec<list_append::Step>, String> {
        each_step(said, Self::NAME, |f, key, value| match f {
            b"r" | b"read" => Ok(list_append::Step::Read(key)),
            b"append" => Ok(list_append::Step::Append(key, value.value())),
            other => Err(foreign_step(other, Self::NAME)),
        })
    }

    fn answer(
        said: &Said<'_>,
        call: &mut Vec<list_append::Step>,
        shape: &mut Shape,
    ) -> Result<Outcome<Vec<list_append::Answer>>, String> {
        let answers = each_step(said, Self::NAME, |f, key, value| match f {
            b"r" | b"read" if is_not_known(value) => Ok(list_append::Answer::Read(key, None)),
            b"r" | b"read" if value.is_nil() || value.is_collection() => {
                // A list that does not exist is empty; `elements` of nil are none.
                let list = value.list().cloned().unwrap_or_else(|| shape.lists.share(&key, &value.values()));
                Ok(list_append::Answer::Read(key, Some(list)))
            }
            b"r" | b"read" => Err("reads a list and gets something that is not one".into()),
            b"append" => Ok(list_append::Answer::Append(key, value.value())),
            other => Err(foreign_step(other, Self::NAME)),
        })?;
        let asked = |(step, answer): (&list_append::Step, &list_append::Answer)| match (step, answer) {
            (list_append::Step::Read(asked), list_append::Answer::Read(key, _)) => asked == key,
            (list_append::Step::Append(asked, value), list_append::Answer::Append(key, appended)) => {
                asked == key && value == appended
            }
            _ => false,
        };
        if call.len() != answers.len() || !call.iter().zip(&answers).all(asked) {
            *call = Self::call(said, shape)?;
        }
        Ok(Outcome::Ok(answers))
    }
}

fn read_write_call(said: &Said<'_>, vocabulary: &str) -> Result<Vec<rw_register::Step>, String> {
    each_step(said, vocabulary, |f, key, value| match f {
        b"r" | b"read" => Ok(rw_register::Step::Read(key)),
        b"w" | b"write" => Ok(rw_register::Step::Write(key, value.value())),
        other => Err(foreign_step(other, vocabulary)),
    })
}

fn read_write_answer(
    said: &Said<'_>,
    call: &mut Vec<rw_register::Step>,
    shape: &mut Shape,
    vocabulary: &str,
) -> Result<Outcome<Vec<rw_register::Answer>>, String> {
    let answers = each_step(said, vocabulary, |f, key, value| match f {
        b"r" | b"read" if is_not_known(value) => Ok(rw_register::Answer::Read(key, None)),
        b"r" | b"read" => Ok(rw_register::Answer::Read(key, shape.known(value))),
        b"w" | b"write" => Ok(rw_register::Answer::Write(key, value.value())),
        other => Err(foreign_step(other, vocabulary)),
    })?;
    let asked = |(step, answer): (&rw_register::Step, &rw_register::Answer)| match (step, answer) {
        (rw_register::Step::Read(asked), rw_register::Answer::Read(key, _)) => asked == key,
        (rw_register::Step::Write(asked, value), rw_register::Answer::Write(key, written)) => {
            asked == key && value == written
        }
        _ => false,
    };
    if call.len() != answers.len() || !call.iter().zip(&answers).all(asked) {
        *call = read_write_call(said, vocabulary)?;
    }
    Ok(Outcome::Ok(answers))
}

macro_rules! read_write {
    ($($name:ident),*) => { $(
        impl Spoken for $name {
            fn call(said: &Said<'_>, _: &mut Shape) -> Result<Vec<rw_register::Step>, String> {
                read_write_call(said, Self::NAME)
            }

            fn answer(
                said: &Said<'_>,
                call: &mut Vec<rw_register::Step>,
                shape: &mut Shape,
            ) -> Result<Outcome<Vec<rw_register::Answer>>, String> {
                read_write_answer(said, call, shape, Self::NAME)
            }
        }
    )* };
}

read_write!(RwRegister, MultiRegister);

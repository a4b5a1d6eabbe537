//! How queues, stacks, priority queues and bags are written.

use super::{Said, Shape, Spoken, foreign};
use crate::{
    Key, Operation, Outcome, Value, Vocabulary,
    vocabulary::{Bag, PriorityQueue, Queue, Stack, bag, queue},
};

/// The element of a call that puts one in. Nil is how an empty queue answers, so it can be no element.
fn element(said: &Said<'_>, shape: &mut Shape) -> Result<(Key, Value), String> {
    let (key, value) = shape.split(said, said.value.pair().is_some())?;
    if value.is_nil() {
        return Err("puts nil in, which cannot be told from the answer of an empty queue".into());
    }
    Ok((key, value.value()))
}

fn queue_call(said: &Said<'_>, shape: &mut Shape, vocabulary: &str) -> Result<queue::Call, String> {
    match said.f {
        b"enqueue" | b"push" | b"insert" | b"offer" | b"put" | b"add" => {
            element(said, shape).map(|(key, element)| queue::Call::Enqueue(key, element))
        }
        b"dequeue" | b"pop" | b"extract" | b"poll" | b"take" | b"drain" => {
            Ok(queue::Call::Dequeue(shape.split(said, said.value.pair().is_some())?.0))
        }
        other => Err(foreign(other, vocabulary)),
    }
}

fn queue_answer(
    said: &Said<'_>,
    call: &mut queue::Call,
    shape: &mut Shape,
) -> Result<Outcome<queue::Return>, String> {
    Ok(Outcome::Ok(match call {
        queue::Call::Enqueue(key, element) => {
            if !said.value.is_nil() {
                *element = shape.answered(said, key)?.value();
            }
            queue::Return::Enqueued
        }
        queue::Call::Dequeue(_) if said.value.is_nil() => queue::Return::Empty,
        queue::Call::Dequeue(key) => match shape.answered(said, key)? {
            value if value.is_nil() => queue::Return::Empty,
            value => queue::Return::Dequeued(value.value()),
        },
    }))
}

/// The elements that a drain took out one after the other.
fn drained(said: &Said<'_>, key: &Key, shape: &mut Shape) -> Result<Vec<Value>, String> {
    if said.value.is_nil() {
        return Ok(Vec::new());
    }
    let elements = shape.answered(said, key)?;
    if !(elements.is_nil() || elements.is_collection()) {
        return Err("drains a queue and gets something that is not a collection".into());
    }
    Ok(elements.values())
}

/// How many elements can be gone that no other operation took for certain: as many as were put in and not taken out.
fn missing<V: Vocabulary>(
    operations: &[Operation<V>],
    key: &Key,
    puts: impl Fn(&V::Call) -> bool,
    takes: impl Fn(&V::Return) -> bool,
) -> usize {
    let of_key = || operations.iter().filter(|operation| V::keys(&operation.call).contains(key));
    let put =
        of_key().filter(|operation| puts(&operation.call) && !matches!(operation.outcome, Outcome::Fail(_)));
    let taken = of_key().filter(|operation| operation.outcome.ok().is_some_and(&takes));
    put.count().saturating_sub(taken.count())
}

macro_rules! queues {
    ($($name:ident),*) => { $(
        impl Spoken for $name {
            fn call(said: &Said<'_>, shape: &mut Shape) -> Result<queue::Call, String> {
                queue_call(said, shape, Self::NAME)
            }

            fn answer(
                said: &Said<'_>,
                call: &mut queue::Call,
                shape: &mut Shape,
            ) -> Result<Outcome<queue::Return>, String> {
                queue_answer(said, call, shape)
            }

            fn drained(
                said: &Said<'_>,
                call: &queue::Call,
                shape: &mut Shape,
            ) -> Result<Vec<queue::Return>, String> {
                let elements = drained(said, call.key(), shape)?;
                Ok(elements.into_iter().map(queue::Return::Dequeued).collect())
            }

            fn drained_at_most(call: &queue::Call, operations: &[Operation<Self>]) -> usize {
                let puts = |call: &queue::Call| matches!(call, queue::Call::Enqueue(..));
                let takes = |returned: &queue::Return| matches!(returned, queue::Return::Dequeued(_));
                missing(operations, call.key(), puts, takes)
            }
        }
    )* };
}

queues!(Queue, Stack, PriorityQueue);

impl Spoken for Bag {
    fn call(said: &Said<'_>, shape: &mut Shape) -> Result<bag::Call, String> {
        match said.f {
            b"read" => {
                let keyed =
                    said.value.pair().is_some_and(|(_, value)| value.is_nil() || value.is_collection());
                Ok(bag::Call::Read(shape.split(said, keyed)?.0))
            }
            _ => Ok(match queue_call(said, shape, Self::NAME)? {
                queue::Call::Enqueue(key, element) => bag::Call::Add(key, element),
                queue::Call::Dequeue(key) => bag::Call::Take(key),
            }),
        }
    }

    fn answer(
        said: &Said<'_>,
        call: &mut bag::Call,
        shape: &mut Shape,
    ) -> Result<Outcome<bag::Return>, String> {
        Ok(Outcome::Ok(match call {
            bag::Call::Add(key, element) => {
                if !said.value.is_nil() {
                    *element = shape.answered(said, key)?.value();
                }
                bag::Return::Added
            }
            bag::Call::Take(_) if said.value.is_nil() => bag::Return::Empty,
            bag::Call::Take(key) => match shape.answered(said, key)? {
                value if value.is_nil() => bag::Return::Empty,
                value => bag::Return::Taken(value.value()),
            },
            bag::Call::Read(key) => {
                let elements = shape.answered(said, key)?;
                if elements.is_nil() {
                    return Ok(Outcome::Unknown("the read has no answer".into()));
                }
                if !elements.is_collection() {
                    return Err("reads a bag and gets something that is not a collection".into());
                }
                bag::Return::Elements(elements.values())
            }
        }))
    }

    fn drained(said: &Said<'_>, call: &bag::Call, shape: &mut Shape) -> Result<Vec<bag::Return>, String> {
        let elements = drained(said, call.key(), shape)?;
        Ok(elements.into_iter().map(bag::Return::Taken).collect())
    }

    fn drained_at_most(call: &bag::Call, operations: &[Operation<Self>]) -> usize {
        let puts = |call: &bag::Call| matches!(call, bag::Call::Add(..));
        let takes = |returned: &bag::Return| matches!(returned, bag::Return::Taken(_));
        missing(operations, call.key(), puts, takes)
    }
}

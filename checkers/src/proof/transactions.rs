//! Witnesses about transactions of lists and of registers: what is wrong with single answers, and cycles, each edge of
//! which is derived again from what was recorded.

mod answers;

use std::collections::HashMap;

use history::{
    History, Key, ListAppend, OpIndex, Operation, Outcome, RwRegister, Value, Vocabulary,
    vocabulary::{LongFork, list_append, rw_register},
};

pub use answers::verify_answer;

use super::{Said, events::named};
use crate::{Link, Relation, lattice::Model};

/// One step of a transaction: what it wrote, or what it was shown.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    key: &'a Key,
    does: Does<'a>,
}

/// What a step does.
#[derive(Clone, Copy, Debug)]
enum Does<'a> {
    /// It wrote or appended this.
    Writes(&'a Value),
    /// It was shown these values, the newest last; a register shows one, or none while it has its initial value.
    Sees(&'a [Value]),
}

/// Transactions whose steps show who wrote what somebody saw.
pub trait Traced: Vocabulary {
    /// Whether a read shows all that was written before.
    const LISTS: bool;
    /// The steps that say something. The answers of a transaction that did not succeed say nothing.
    fn steps<'a>(operation: &'a Operation<Self>, initial: &Value) -> Vec<Step<'a>>
    where
        Self: Sized;
    /// Whether the answers belong to the call.
    fn belongs(call: &Self::Call, answers: &Self::Return) -> bool;
}

impl Traced for ListAppend {
    const LISTS: bool = true;

    fn steps<'a>(operation: &'a Operation<Self>, _: &Value) -> Vec<Step<'a>> {
        use list_append::Answer;
        let answers = operation.outcome.ok();
        let step = |(place, step): (usize, &'a list_append::Step)| {
            let does = match (step, answers.and_then(|answers| answers.get(place))) {
                (list_append::Step::Append(_, value), _) => Does::Writes(value),
                (_, Some(Answer::Read(_, Some(list)))) => Does::Sees(list.as_slice()),
                _ => return None,
            };
            Some(Step { key: step.key(), does })
        };
        operation.call.iter().enumerate().filter_map(step).collect()
    }

    fn belongs(call: &Vec<list_append::Step>, answers: &Vec<list_append::Answer>) -> bool {
        use list_append::{Answer, Step};
        call.len() == answers.len()
            && call.iter().zip(answers).all(|pair| match pair {
                (Step::Read(asked), Answer::Read(key, _)) => asked == key,
                (Step::Append(asked, one), Answer::Append(key, other)) => asked == key && one == other,
                _ => false,
            })
    }
}

fn register_steps<'a>(
    call: &'a [rw_register::Step],
    answers: Option<&'a Vec<rw_register::Answer>>,
    initial: &Value,
) -> Vec<Step<'a>> {
    use rw_register::Answer;
    let step = |(place, step): (usize, &'a rw_register::Step)| {
        let does = match (step, answers.and_then(|answers| answers.get(place))) {
            (rw_register::Step::Write(_, value), _) => Does::Writes(value),
            (_, Some(Answer::Read(_, Some(seen)))) if seen == initial => Does::Sees(&[]),
            // A nil where the initial value is another one says nothing.
            (_, Some(Answer::Read(_, Some(seen)))) if *seen != Value::Nil => {
                Does::Sees(std::slice::from_ref(seen))
            }
            _ => return None,
        };
        Some(Step { key: step.key(), does })
    };
    call.iter().enumerate().filter_map(step).collect()
}

macro_rules! of_registers {
    ($($name:ident)*) => { $(
        impl Traced for $name {
            const LISTS: bool = false;

            fn steps<'a>(operation: &'a Operation<Self>, initial: &Value) -> Vec<Step<'a>> {
                register_steps(&operation.call, operation.outcome.ok(), initial)
            }

            fn belongs(call: &Vec<rw_register::Step>, answers: &Vec<rw_register::Answer>) -> bool {
                use rw_register::{Answer, Step};
                call.len() == answers.len()
                    && call.iter().zip(answers).all(|pair| match pair {
                        (Step::Read(asked), Answer::Read(key, _)) => asked == key,
                        (Step::Write(asked, one), Answer::Write(key, other)) => asked == key && one == other,
                        _ => false,
                    })
            }
        }
    )* };
}

of_registers! { RwRegister LongFork }

/// A history of transactions, and who wrote what.
struct Record<'a, V: Vocabulary> {
    history: &'a History<V>,
    /// Of each value of a key, who wrote it: every operation that may have, failed ones too.
    writers: HashMap<(&'a Key, &'a Value), Vec<OpIndex>>,
    /// Of each register version, the versions that somebody who had read it left there instead.
    next: HashMap<(&'a Key, Option<&'a Value>), Vec<&'a Value>>,
}

impl<'a, V: Traced> Record<'a, V> {
    fn new(history: &'a History<V>) -> Self {
        let mut record = Self { history, writers: HashMap::new(), next: HashMap::new() };
        for operation in &history.operations {
            for step in record.steps(operation) {
                if let Does::Writes(value) = step.does {
                    record.writers.entry((step.key, value)).or_default().push(operation.index);
                }
            }
        }
        for operation in history.operations.iter().filter(|operation| operation.outcome.ok().is_some()) {
            for (_, key, seen) in record.versions(operation).into_iter().filter(|_| !V::LISTS) {
                if let Some(left) = record.last_write(operation, key) {
                    record.next.entry((key, seen.last())).or_default().push(left);
                }
            }
        }
        record
    }

    fn at(&self, index: OpIndex) -> Option<&'a Operation<V>> {
        self.history.operations.get(index.0 as usize)
    }

    fn steps(&self, operation: &'a Operation<V>) -> Vec<Step<'a>> {
        V::steps(operation, &self.history.header.initial)
    }

    /// What others had done by what a transaction read, each with how many of its steps came before: without what it had
    /// done itself by then. A read that shows that elsewhere than at its end says nothing of others.
    fn versions(&self, operation: &'a Operation<V>) -> Vec<(usize, &'a Key, &'a [Value])> {
        let (mut own, mut versions) = (Vec::<(&Key, Value)>::new(), Vec::new());
        for (place, step) in self.steps(operation).into_iter().enumerate() {
            match step.does {
                Does::Writes(value) => own.push((step.key, value.clone())),
                Does::Sees(seen) => {
                    let mine = own.iter().filter(|(key, _)| *key == step.key).map(|(_, value)| value.clone());
                    let mine: Vec<Value> = mine.collect();
                    let alone = V::LISTS && !mine.iter().any(|value| seen.contains(value));
                    let rest = seen.strip_suffix(mine.as_slice()).filter(|_| V::LISTS || mine.is_empty());
                    let before = rest.or(alone.then_some(seen));
                    versions.extend(before.map(|before| (place, step.key, before)));
                }
            }
        }
        versions
    }

    fn reads(&self, operation: &'a Operation<V>) -> Vec<(&'a Key, &'a [Value])> {
        let seen = |step: Step<'a>| match step.does {
            Does::Sees(seen) => Some((step.key, seen)),
            Does::Writes(_) => None,
        };
        self.steps(operation).into_iter().filter_map(seen).collect()
    }

    fn writes(&self, operation: &'a Operation<V>) -> Vec<(&'a Key, &'a Value)> {
        let written = |step: Step<'a>| match step.does {
            Does::Writes(value) => Some((step.key, value)),
            Does::Sees(_) => None,
        };
        self.steps(operation).into_iter().filter_map(written).collect()
    }

    fn last_write(&self, operation: &'a Operation<V>, key: &Key) -> Option<&'a Value> {
        self.writes(operation)
            .into_iter()
            .filter(|(other, _)| *other == key)
            .map(|(_, value)| value)
            .next_back()
    }

    /// The one step that wrote a value; nothing if it was written more than once, or was there at first.
    fn writer(&self, key: &Key, value: &Value) -> Option<&'a Operation<V>> {
        let is_initial = !V::LISTS && *value == self.history.header.initial;
        match self.writers.get(&(key, value)).map(Vec::as_slice) {
            Some(&[one]) if !is_initial => self.at(one),
            _ => None,
        }
    }

    /// Whether this transaction, and no other, wrote the value and certainly took effect.
    fn wrote(&self, operation: &Operation<V>, key: &Key, value: &Value) -> bool {
        let seen = || {
            self.history.operations.iter().any(|reader| {
                reader.index != operation.index
                    && self.writes(operation_of(self.history, operation)).iter().any(|(key, value)| {
                        self.reads(reader).iter().any(|(other, seen)| other == key && seen.contains(value))
                            && self.writer(key, value).is_some()
                    })
            })
        };
        let happened = match operation.outcome {
            Outcome::Ok(_) => true,
            Outcome::Unknown(_) => seen(),
            Outcome::Fail(_) => false,
        };
        happened && self.writer(key, value).is_some_and(|writer| writer.index == operation.index)
    }

    /// Whether a version of a register certainly comes before another: somebody read the one and left the next.
    fn follows(&self, key: &'a Key, earlier: Option<&'a Value>, later: &Value) -> bool {
        let (mut open, mut seen) = (vec![earlier], Vec::new());
        while let Some(version) = open.pop() {
            for &next in self.next.get(&(key, version)).into_iter().flatten() {
                if self.writer(key, next).is_none() || seen.contains(&next) {
                    continue;
                }
                if next == later {
                    return true;
                }
                seen.push(next);
                open.push(Some(next));
            }
        }
        false
    }

    /// Whether the history itself shows why the one comes before the other.
    fn holds(&self, link: &Link) -> bool {
        let (Some(from), Some(to)) = (self.at(link.from), self.at(link.to)) else { return false };
        let ends = [from, to].iter().all(|operation| !matches!(operation.outcome, Outcome::Fail(_)));
        let of_key = |key: &Key| link.key.as_ref() == Some(key);
        let written = |operation: &'a Operation<V>| {
            let all = self.writes(operation).into_iter();
            all.filter(|(key, value)| of_key(key) && self.wrote(operation, key, value)).collect::<Vec<_>>()
        };
        let seen = |operation: &'a Operation<V>| {
            let mut all = self.reads(operation);
            all.extend(self.versions(operation).into_iter().map(|(_, key, seen)| (key, seen)));
            all.retain(|(key, _)| of_key(key));
            all
        };
        let last = |operation, value| {
            link.key.as_ref().and_then(|key| self.last_write(operation, key)) == Some(value)
        };
        ends && link.from != link.to
            && match link.relation {
                Relation::Process => {
                    from.process == to.process && from.index < to.index && from.outcome.ok().is_some()
                }
                Relation::Realtime => {
                    !self.history.header.untimed && from.deadline().is_some_and(|end| end < to.began)
                }
                Relation::Wr => written(from)
                    .iter()
                    .any(|(_, value)| seen(to).iter().any(|(_, seen)| seen.contains(value))),
                Relation::Rw => written(to).iter().any(|(key, value)| {
                    seen(from).iter().any(|(_, seen)| {
                        let lacks = V::LISTS && self.is_prefix(key, seen, value);
                        let replaced = || match seen.last() {
                            None => true,
                            Some(read) => self.is_left(key, read) && self.follows(key, Some(read), value),
                        };
                        lacks || !V::LISTS && last(to, value) && replaced()
                    })
                }),
                Relation::Ww => written(from).iter().any(|(key, earlier)| {
                    written(to).iter().any(|(_, later)| match V::LISTS {
                        true => self.is_appended_first(key, earlier, later),
                        false => {
                            last(from, earlier) && last(to, later) && self.follows(key, Some(earlier), later)
                        }
                    })
                }),
                Relation::PredicateRw => false,
            }
    }

    /// Whether a value is what its writer left in a register.
    fn is_left(&self, key: &Key, value: &Value) -> bool {
        self.writer(key, value).is_some_and(|writer| self.last_write(writer, key) == Some(value))
    }

    /// All lists of a key as they were read, or without what the readers had appended themselves.
    fn lists(&self, key: &Key, whole: bool) -> Vec<&'a [Value]> {
        let all = self.history.operations.iter().flat_map(|operation| match whole {
            true => self.reads(operation),
            false => self.versions(operation).into_iter().map(|(_, key, list)| (key, list)).collect(),
        });
        all.filter(|(other, _)| *other == key).map(|(_, list)| list).collect()
    }

    /// Whether a list certainly ends before a value: it lacks it, and no list of the key contradicts it.
    fn is_prefix(&self, key: &Key, seen: &[Value], value: &Value) -> bool {
        let agrees = |other: &&[Value]| other.starts_with(seen) || seen.starts_with(other);
        !seen.contains(value) && [true, false].iter().any(|&whole| self.lists(key, whole).iter().all(agrees))
    }

    /// Whether some list shows the one before the other, or shows it and lacks the other, and none contradicts that.
    fn is_appended_first(&self, key: &Key, earlier: &Value, later: &Value) -> bool {
        let place = |list: &[Value], value: &Value| list.iter().position(|other| other == value);
        [true, false].iter().any(|&whole| {
            let lists = self.lists(key, whole);
            let is_unread = !lists.iter().any(|list| list.contains(later));
            let upto = |list: &&'a [Value]| match (place(list, earlier), place(list, later)) {
                (Some(first), Some(second)) if first < second => Some(&list[..=second]),
                // What no list shows came after all that they agree about.
                (Some(first), None) if is_unread => Some(&list[..=first]),
                (Some(_), None) => Some(*list),
                _ => None,
            };
            let agrees =
                |part: &[Value]| lists.iter().all(|other| other.starts_with(part) || part.starts_with(other));
            lists.iter().filter_map(upto).any(agrees)
        })
    }
}

/// The operation as it stands in the history.
fn operation_of<'a, V: Vocabulary>(history: &'a History<V>, operation: &Operation<V>) -> &'a Operation<V> {
    &history.operations[operation.index.0 as usize]
}

/// Whether a cycle closes, is one of this kind, and every edge of it follows from the history.
pub fn verify_cycle<V: Traced>(
    history: &History<V>,
    kind: &str,
    witness: &[OpIndex],
    cycle: &[Link],
) -> Said {
    let next = cycle.iter().cycle().skip(1);
    let closes = cycle.len() > 1 && cycle.iter().zip(next).all(|(link, next)| link.to == next.from);
    let inside = cycle.iter().all(|link| witness.contains(&link.from));
    if !closes || !inside || !is_of_kind(kind, cycle) || named(history, witness).is_none() {
        return Said::Rejected;
    }
    let record = Record::new(history);
    if cycle.iter().any(|link| link.relation == Relation::Ww && link.key.is_none()) {
        return Said::Silent("one of its edges holds because the other way leads to a contradiction as well");
    }
    cycle.iter().all(|link| record.holds(link)).into()
}

/// Whether the edges of a cycle make it one of this kind.
fn is_of_kind(kind: &str, cycle: &[Link]) -> bool {
    let is_rw = |link: &Link| matches!(link.relation, Relation::Rw | Relation::PredicateRw);
    let count = |relation: Relation| cycle.iter().filter(|link| link.relation == relation).count();
    let missed = cycle.iter().filter(|link| is_rw(link)).count();
    let apart = (0..cycle.len()).all(|i| !(is_rw(&cycle[i]) && is_rw(&cycle[(i + 1) % cycle.len()])));
    let (process, time) = (count(Relation::Process), count(Relation::Realtime));
    if kind == "nonlinearizable-key" {
        let mut keys: Vec<&Key> = cycle.iter().filter_map(|link| link.key.as_ref()).collect();
        keys.dedup();
        return keys.len() < 2;
    }
    let (base, scope) = match kind.rsplit_once('-') {
        Some((base, "process")) => (base, time == 0),
        Some((base, "realtime")) => (base, true),
        _ => (kind, time + process == 0),
    };
    let by_item = !base.ends_with("-item") || count(Relation::PredicateRw) == 0;
    scope
        && by_item
        && match base.trim_end_matches("-item") {
            "G0" => missed + count(Relation::Wr) == 0,
            "G1c" => missed == 0,
            "G-single" => missed == 1,
            "G-nonadjacent" => apart,
            "G2" => true,
            _ => false,
        }
}

/// Whether an anomaly of this kind breaks one of these promises, which are separated by commas.
pub fn breaks(models: &str, kind: &str) -> bool {
    let equal = |name: &str| match name {
        "1SR" | "view-serializable" => "serializable".to_owned(),
        "session-serializable" => "strong-session-serializable".to_owned(),
        name => name.to_owned(),
    };
    models.split(',').any(|name| Model::named(&equal(name)).is_ok_and(|model| model.prohibits(kind)))
}
